"""What was published of 洛阳's money and projects of 2018, and what had to be chosen around it.

Published (a report of 2018-12-25): 30.07 亿元 raised, 27.72 亿元 spent, 92.16 %; the city's own special
fund of 2.8 亿元, 1.18 亿元 more than the year before; 7.33 亿元 for 嵩县, 2.54 亿元 for the counties that
are not poor, 4.45 亿元 in 1,123 projects of deep-poverty villages, 1,753 projects in 1,302 villages
that are not poor; 6.26 亿元 in 1,055 industry projects for 83,500 households; 1,858 projects of
infrastructure and services; 979 km of road, 728 villages; 506 water works for 285 villages and
94,200 persons; 7,993 dangerous houses; 68.54 million yuan for 86,000 students; 15,000 posts, 18,000
trained; 76 relocation sites with 5,992 households, 20,497 persons. Chosen: the fen, so that every
rounded figure and the rate come out; sources, batches and documents; everything by county.

Amounts of plans are in units of 100 yuan, what was paid in fen.
"""

from dataclasses import dataclass
from datetime import date

from funds.enums import SourceLevel

YEAR = 2018
UNIT = 100  # yuan
RAISED = 30_073_186  # 3,007,318,600 yuan
SPENT_FEN = 277_163_452_743  # 2,771,634,527.43 yuan, 92.16 % of what was raised
SONG, SONG_COUNTY = 7_331_460, "410325"
NOT_POOR_COUNTIES = 2_538_600
DEEP_VILLAGES = 4_452_300
INDUSTRY = 6_264_400
INDUSTRY_SPENT_FEN = 62_557_130_826
STUDENTS = 685_400
CITY_FUND, CITY_FUND_BEFORE = 2_800_000, 1_620_000

# Projects: (deep villages, villages that are not poor, elsewhere); the rows and the first two columns
# are published, the rest is what remains.
INDUSTRY_PROJECTS = (215, 520, 320)
PUBLIC_PROJECTS = (803, 780, 275)
OTHER_PROJECTS = (105, 453, 216)
NOT_POOR_VILLAGES = 1_302
INDUSTRY_HOUSEHOLDS = 83_500
ROAD_HUNDREDTHS_KM = 97_900
WATER_PROJECTS, WATER_WORKS, WATER_PERSONS = 285, 506, 94_200
WATER_IN_DEEP_VILLAGES = 110
HOUSES = 7_993
STUDENT_PERSONS, TRAINED, POSTS = 86_000, 18_000, 15_000
SITES, SITE_HOUSEHOLDS, SITE_PERSONS = 76, 5_992, 20_497

# What the city keeps for its own offices and what of its money nobody was given yet.
CITY_OFFICES = (
    ("洛阳市扶贫小额信贷服务中心（贴息）", 206_000),
    ("洛阳市人力资源和社会保障局（技能竞赛）", 118_000),
    ("洛阳市扶贫开发办公室（项目管理费）", 56_000),
)
CITY_POOL = 53_186
# Of a hundred of a county's money: with its office for management, and not allotted yet; chosen.
COUNTY_OFFICE_SHARE, COUNTY_POOL_SHARE = 0.009, 0.0025
# Relocation money that 嵩县 and the other counties were given; chosen.
RELOCATION_SONG, RELOCATION_OTHERS = 3_400_000, 8_100_000

GENERAL, RELOCATION, STUDENT = "GENERAL", "RELOCATION", "STUDENT"


@dataclass(frozen=True)
class Paper:
    """A source document and its money: `amount` in units; `use` the theme its money is bound to.

    `own` documents are a county's; their amount is split among the counties that book it. Numbers of
    documents are invented, which 演示 in them says.
    """

    number: str
    title: str
    level: str
    kind: str
    batch: int
    issued: date
    arrives: date
    amount: int
    issuer: str
    use: str = GENERAL
    own: str = ""


_CENTRAL, _PROVINCE = "中央财政专项扶贫资金", "省级财政专项扶贫资金"
_OFFICE = "河南省财政厅"
POOR, ALL = "POOR", "ALL"
PAPERS = (
    Paper("演示财农预〔2017〕101号", f"提前下达2018年{_CENTRAL}", SourceLevel.CENTRAL, "11", 1,
          date(2017, 11, 20), date(2018, 1, 12), 1_980_000, _OFFICE),
    Paper("演示豫财农〔2018〕6号", f"2018年第一批{_PROVINCE}", SourceLevel.PROVINCE, "21", 1,
          date(2018, 1, 8), date(2018, 1, 26), 1_560_000, _OFFICE),
    Paper("演示豫发改投〔2018〕11号", "2018年易地扶贫搬迁中央预算内投资", SourceLevel.CENTRAL, "12", 1,
          date(2018, 1, 15), date(2018, 2, 6), 1_640_000, "河南省发展和改革委员会", RELOCATION),
    Paper("演示洛财预〔2018〕18号", "2018年第一批市级财政专项扶贫资金", SourceLevel.CITY, "31", 1,
          date(2018, 1, 30), date(2018, 2, 9), 1_800_000, "洛阳市财政局"),
    Paper("演示县财整合〔2018〕1号", "2018年第一批统筹整合财政涉农资金", SourceLevel.COUNTY, "51", 1,
          date(2018, 2, 5), date(2018, 3, 2), 2_600_000, "财政局", own=POOR),
    Paper("演示豫财债〔2018〕3号", "2018年易地扶贫搬迁地方政府债券（第一期）", SourceLevel.PROVINCE,
          "82", 1, date(2018, 2, 26), date(2018, 3, 16), 5_400_000, _OFFICE, RELOCATION),
    Paper("演示豫财教〔2018〕22号", "2018年贫困家庭学生资助资金", SourceLevel.PROVINCE, "61", 1,
          date(2018, 3, 1), date(2018, 3, 20), STUDENTS, _OFFICE, STUDENT),
    Paper("演示豫财农〔2018〕27号", f"2018年第二批{_CENTRAL}", SourceLevel.CENTRAL, "11", 2,
          date(2018, 4, 3), date(2018, 4, 18), 1_420_000, _OFFICE),
    Paper("演示县财农〔2018〕2号", "2018年县级财政专项扶贫资金", SourceLevel.COUNTY, "41", 1,
          date(2018, 3, 26), date(2018, 4, 25), 2_100_000, "财政局", own=ALL),
    Paper("演示豫财建〔2018〕35号", "2018年农村危房改造补助资金", SourceLevel.PROVINCE, "61", 1,
          date(2018, 4, 20), date(2018, 5, 10), 450_000, _OFFICE),
    Paper("演示豫财农〔2018〕41号", f"2018年第二批{_PROVINCE}", SourceLevel.PROVINCE, "21", 2,
          date(2018, 5, 7), date(2018, 5, 22), 980_000, _OFFICE),
    Paper("演示县财整合〔2018〕5号", "2018年第二批统筹整合财政涉农资金", SourceLevel.COUNTY, "51", 2,
          date(2018, 5, 21), date(2018, 6, 8), 2_000_000, "财政局", own=POOR),
    Paper("演示洛财预〔2018〕96号", "2018年第二批市级财政专项扶贫资金", SourceLevel.CITY, "31", 2,
          date(2018, 6, 4), date(2018, 6, 20), 1_000_000, "洛阳市财政局"),
    Paper("演示豫财债〔2018〕14号", "2018年易地扶贫搬迁地方政府债券（第二期）", SourceLevel.PROVINCE,
          "82", 2, date(2018, 6, 11), date(2018, 7, 4), 4_460_000, _OFFICE, RELOCATION),
    Paper("演示洛定帮〔2018〕4号", "2018年定点帮扶单位帮扶资金", SourceLevel.OTHER, "72", 1,
          date(2018, 6, 25), date(2018, 7, 12), 120_000, "洛阳市定点扶贫工作组"),
    Paper("演示洛慈〔2018〕9号", "2018年社会各界扶贫捐赠资金", SourceLevel.OTHER, "73", 1,
          date(2018, 7, 9), date(2018, 7, 24), 107_786, "洛阳市慈善总会"),
    Paper("演示县财整合〔2018〕9号", "2018年第三批统筹整合财政涉农资金", SourceLevel.COUNTY, "51", 3,
          date(2018, 7, 23), date(2018, 8, 10), 1_000_000, "财政局", own=POOR),
    Paper("演示豫财农〔2018〕73号", f"2018年第三批{_PROVINCE}", SourceLevel.PROVINCE, "21", 3,
          date(2018, 8, 6), date(2018, 8, 22), 410_000, _OFFICE),
    Paper("演示豫财农〔2018〕88号", f"2018年第三批{_CENTRAL}", SourceLevel.CENTRAL, "11", 3,
          date(2018, 8, 27), date(2018, 9, 7), 360_000, _OFFICE),
)  # fmt: skip
# The year before holds the city's own fund alone, for the comparison; the year after what was
# announced early and has not arrived.
PAPER_BEFORE = Paper(
    "演示洛财预〔2017〕20号", "2017年市级财政专项扶贫资金", SourceLevel.CITY, "31", 1,
    date(2017, 2, 6), date(2017, 2, 24), CITY_FUND_BEFORE, "洛阳市财政局",
)  # fmt: skip
PAPER_AFTER = Paper(
    "演示财农预〔2018〕112号", f"提前下达2019年{_CENTRAL}", SourceLevel.CENTRAL, "11", 1,
    date(2018, 11, 26), date(2019, 1, 10), 2_100_000, _OFFICE,
)  # fmt: skip

# 37.68 亿元 lent to 74,700 households: more per household than the scheme lends at once, so some
# borrowed again after they had repaid. Thousands of yuan.
LOANS_THOUSANDS, LOAN_HOUSEHOLDS = 3_768_000, 74_700
