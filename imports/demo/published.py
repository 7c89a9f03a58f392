"""The published figures of 洛阳 that the demo city reproduces, and what had to be chosen around them.

Published: a report of 2018-12-25 and the plan for 2018-2020. City totals, the four counties that
left poverty in 2018, the counties named in the plan. Chosen: everything else by county, so that the
sums are the published ones. Persons are 建档立卡 persons at the end of the year.
"""

from dataclasses import dataclass

YEARS = (2016, 2017, 2018)
CITY = "410300000000"
SOURCE = "演示城市虚构值"

HOUSEHOLDS_2017 = 137_600
PERSONS_2017 = 493_100
POOR_HOUSEHOLDS_2017 = 60_700
POOR_PERSONS_2017 = 193_000
POOR_PERSONS_IN_POOR_VILLAGES_2017 = 193_000 - 114_000
EXIT_PERSONS_2018 = 117_000
DEEP_VILLAGES_LEFT, DEEP_VILLAGES_EXITED = 206, 225 - 206
VILLAGE_EXITS_2019, VILLAGE_EXITS_2020 = 101, 26
# Targets of the plan: persons, villages, counties by year.
TARGET_PERSONS = {2018: 106_500, 2019: 60_000, 2020: 26_500}
TARGET_VILLAGES = {2018: 272, 2019: VILLAGE_EXITS_2019, 2020: VILLAGE_EXITS_2020}
TARGET_COUNTIES = {2018: 4, 2019: 2}
# Agricultural-hukou population of the city; 193,000 of 5,026,000 is the published 3.84 %.
BASES = {2016: 5_012_000, 2017: 5_026_000, 2018: 5_038_000}
# Yuan per person and year. 2016 and 2017: the single line one local system used to check again the
# exits of 2014 to 2017. 2018: invented. None of them is shipped outside the demo city.
LINES = {
    2016: ("2952.00", "演示用：某地核查系统对 2014—2017 年脱贫户统一使用的标准"),
    2017: ("2952.00", "演示用：某地核查系统对 2014—2017 年脱贫户统一使用的标准"),
    2018: ("3208.00", SOURCE),
}
# Households that had left poverty by year of exit, shares assumed for 洛阳.
EXIT_YEARS = {2014: 6, 2015: 13, 2016: 19, 2017: 18}


@dataclass(frozen=True)
class County:
    """One county's share. Village counts and persons; `base` weighs what is not published.

    `poor` villages, of which `exited` by the end of 2017 and `exits` in 2018; `others` is how many
    further villages had poor persons at the end of 2017. `lifted` persons had left poverty by then,
    `left` were still poor, `leaving` left in 2018. `rate` is the published headcount of 2018.
    """

    code: str
    base: int
    poor: int = 0
    exited: int = 0
    exits: int = 0
    others: int = 0
    lifted: int = 0
    left: int = 0
    leaving: int = 0
    rate: float = 0.0
    level: str = "none"
    planned: int | None = None


COUNTIES = (
    County("410302", 46_000),
    County("410303", 30_000),
    County("410304", 34_000),
    County("410305", 28_000),
    County("410306", 42_000, others=18, lifted=900, left=220, leaving=82),
    County("410311", 262_000, 10, 7, 1, 135, 5_500, 1_400, 600),
    County("410322", 420_000, 50, 30, 10, 162, 20_000, 20_600, 10_600),
    County("410323", 455_000, 60, 36, 14, 197, 25_000, 21_300, 10_900),
    County("410324", 300_000, 83, 40, 41, 121, 26_000, 12_700, 9_870, 0.0098, "national", 2018),
    County("410325", 560_000, 150, 52, 48, 160, 44_000, 26_900, 12_700, 0.0, "national", 2019),
    County("410326", 448_000, 95, 36, 30, 111, 33_000, 25_800, 12_300, 0.0, "national", 2019),
    County("410327", 626_000, 88, 49, 35, 250, 45_000, 29_900, 22_787, 0.0115, "national", 2018),
    County("410328", 428_000, 100, 24, 71, 284, 38_000, 18_700, 13_616, 0.0120, "national", 2018),
    County("410329", 748_000, 48, 27, 17, 311, 46_000, 29_100, 20_595, 0.0115, "provincial", 2018),
    County("410371", 58_000, others=12, lifted=700, left=180, leaving=50),
    County("410381", 540_000, 44, 28, 5, 166, 16_000, 6_200, 2_900),
)


@dataclass(frozen=True)
class Stream:
    """A movement that is rare against the whole: city households and persons, assumed.

    `path` gives what a household is at the end of 2016, 2017 and 2018: poor (P), exited (E) or not
    registered (-). Persons are counted in the year that `counted` names.
    """

    path: str
    households: int
    persons: int
    counted: int = 2017


STREAMS = (
    Stream("-PP", 1_350, 4_200),
    Stream("EPP", 330, 1_020),
    Stream("EPE", 110, 410),
    Stream("PP-", 300, 880),
    Stream("EEP", 240, 700),
    Stream("P--", 1_900, 6_000, counted=2016),
    Stream("--P", 560, 1_620, counted=2018),
)
# Mean size of the households that left poverty in 2018; those left behind are smaller (2.5).
MEAN_SIZE_LEAVING = 3.85
# Persons that join and leave, per person and year: (joined, left) by path.
NATURAL = {
    "PPE": (0.007, 0.007),
    "PPP": (0.010, 0.015),
    "-PP": (0.010, 0.015),
    "EPP": (0.010, 0.015),
    "PEE": (0.006, 0.009),
    "EEE": (0.006, 0.009),
}
