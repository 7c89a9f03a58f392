"""The clock of public notices and the steps of a procedure: plain values, no database.

Each period and step names where it was read. What no source states is not here: a county states it
itself, with its own source (`households.models.NoticeRule`).
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta

CALENDAR, WORKING = "CALENDAR", "WORKING"
IDENTIFY, RELAPSE, REMOVE, EXIT = "IDENTIFY", "RELAPSE", "REMOVE", "EXIT"
VILLAGE, TOWN, COUNTY = 12, 9, 6
LEVELS = {VILLAGE: "村", TOWN: "乡镇", COUNTY: "县"}
_SATURDAY = 5


class UnknownYearError(ValueError):
    """Working days were asked for in a year without a holiday table; `year` says which."""

    def __init__(self, year: int) -> None:
        super().__init__(f"no holiday table for {year}")
        self.year = year


def notice_end(
    start: date,
    min_days: int,
    day_kind: str = CALENDAR,
    holidays: Collection[date] = (),
    made_up: Collection[date] = (),
) -> date:
    """The last day of a notice; the day it is posted counts as the first.

    Which weekdays are worked in a year is known from its holiday table alone: a working day in a
    year without any holiday raises UnknownYearError. `made_up` are weekend days that are worked.

    >>> notice_end(date(2018, 1, 5), 7)
    datetime.date(2018, 1, 11)
    >>> notice_end(date(2020, 2, 14), 2, WORKING, holidays=[date(2020, 1, 24)])
    datetime.date(2020, 2, 17)
    """
    if min_days < 1:
        raise ValueError("a notice takes at least one day")
    if day_kind != WORKING:
        return start + timedelta(days=min_days - 1)
    off, worked = frozenset(holidays), frozenset(made_up)
    known = {one.year for one in off}
    day, counted = start, 0
    while True:
        if day.year not in known:
            raise UnknownYearError(day.year)
        counted += day in worked or (day.weekday() < _SATURDAY and day not in off)
        if counted == min_days:
            return day
        day += timedelta(days=1)


@dataclass(frozen=True)
class Step:
    """One decision of a procedure. `level` is the length of the region prefix of whoever decides.

    `min_days` is the sourced shortest notice; a notice step without one waits for the county's own.
    """

    code: str
    label: str
    level: int
    has_notice: bool = False
    min_days: int | None = None
    has_minutes: bool = False
    source: str = ""


@dataclass(frozen=True)
class Template:
    """The steps of a kind of procedure, and what was read about them."""

    kind: str
    label: str
    steps: tuple[Step, ...]
    source: str

    def at(self, position: int) -> Step | None:
        """The step to be decided next after `position` decisions; none when all are done."""
        return self.steps[position] if position < len(self.steps) else None


_TWO_NOTICES = (
    "两公示一公告：每次公示不少于 7 天，异议由组织公示的一级答复"
    "（jianbiaoku.com/webarbs/book/165213/4718657.shtml）"
)
_ROUND = "动态调整：错评剔除、错退返贫（huaning.gov.cn 2017-08-25）；天数未见出处，由县自行填写"

_EXIT = (
    "贫困户退出：评议后由村提出，村和工作队核实，本户认可，村内公示，公告（建立贫困退出机制的意见，"
    "转引自 wkda.cn/ask/xpjtzmmpeyajooo.html）；公示天数各地不同（城口县村级 7 天，"
    "m.hoachina.com/1w/191/380006.htm），由县自行填写"
)

_APPRAISE = Step(
    "APPRAISE", "民主评议", VILLAGE, has_minutes=True,
    source="村民代表评议；有的地方要求三分之二以上到会（昭潭镇 2021-01-04），人数如实记录",
)  # fmt: skip
_REVIEW = Step("TOWN_REVIEW", "乡镇审核", TOWN, source=_TWO_NOTICES)
_APPROVAL = Step("COUNTY_APPROVAL", "县级审批", COUNTY, source=_TWO_NOTICES)
_ANNOUNCE = Step("ANNOUNCE", "公告", COUNTY, source=_TWO_NOTICES)

TEMPLATES: dict[str, Template] = {
    IDENTIFY: Template(
        IDENTIFY,
        "识别纳入",
        (
            Step("APPLY", "农户申请", VILLAGE, source=_TWO_NOTICES),
            _APPRAISE,
            Step("VILLAGE_NOTICE", "村级公示", VILLAGE, True, 7, source=_TWO_NOTICES),
            _REVIEW,
            Step("TOWN_NOTICE", "乡镇公示", TOWN, True, 7, source=_TWO_NOTICES),
            _APPROVAL,
            _ANNOUNCE,
        ),
        _TWO_NOTICES,
    ),
    RELAPSE: Template(
        RELAPSE,
        "返贫认定",
        (
            Step("APPLY", "提出返贫", VILLAGE, source=_ROUND),
            _APPRAISE,
            Step("VILLAGE_NOTICE", "村级公示", VILLAGE, True, source=_ROUND),
            _REVIEW,
            _APPROVAL,
            _ANNOUNCE,
        ),
        _ROUND,
    ),
    REMOVE: Template(
        REMOVE,
        "清退",
        (
            Step("APPLY", "提出清退", VILLAGE, source=_ROUND),
            _APPRAISE,
            Step("VILLAGE_NOTICE", "村级公示", VILLAGE, True, source=_ROUND),
            _REVIEW,
            _APPROVAL,
            _ANNOUNCE,
        ),
        _ROUND,
    ),
    EXIT: Template(
        EXIT,
        "脱贫退出",
        (
            Step("APPLY", "提出退出", VILLAGE, source=_EXIT),
            _APPRAISE,
            Step("VERIFY", "村和工作队核实", VILLAGE, source=_EXIT),
            Step("AGREE", "本户认可", VILLAGE, source=_EXIT),
            Step("VILLAGE_NOTICE", "村级公示", VILLAGE, True, source=_EXIT),
            _REVIEW,
            _APPROVAL,
            _ANNOUNCE,
        ),
        _EXIT,
    ),
}
STEP_LABELS = {step.code: step.label for one in TEMPLATES.values() for step in one.steps}


def level_of(prefixes: Collection[str], village_code: str, level: int) -> bool:
    """Whether somebody who holds these prefixes decides at this level for the village.

    >>> level_of(["410324"], "410324100203", 6), level_of(["410324"], "410324100203", 9)
    (True, False)
    """
    return any(len(one) == level and village_code.startswith(one) for one in prefixes)
