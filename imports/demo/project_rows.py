"""The rows of the demo city's projects from the proposal to the start: facts, targets, stages, notices."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from typing import Any

from django.db import models

from imports.demo import project_people, schedule
from imports.demo import published_money as p
from imports.demo.bulk import analyze, copy_rows, reserve
from imports.demo.places import random_for
from imports.demo.project_plan import Draft
from imports.demo.project_words import facts_of, name_of
from projects.enums import DONE, DayKind, NoticeKind, State
from projects.models import (
    FactType,
    Project,
    ProjectFact,
    ProjectNotice,
    ProjectStep,
    ProjectType,
    Stage,
    Target,
)
from villages.models import Region

PREFIX = "4103"
# Who enters, reviews and decides the projects of a county; elsewhere three people of the city do.
OFFICES = {"410324": ("luanchuan", "chengguan", "xianfupinban")}
SONG = ("songxian", "pinggu", "shifupinban")
CITY = ("xiangmu", "pinggu", "shifupinban")
STAGES = (("前期准备", 20), ("主体实施", 60), ("收尾交工", 20))
_SOURCE = "演示用期限：公告公示制度要求不少于 10 天"
_PHONE = "12317"
_BUILDERS = ("宏远", "中原", "伏牛", "洛水", "伊河", "鼎盛", "恒通", "广厦", "天元", "永固")
# Who of an office takes a step: 0 enters, 1 reviews, 2 decides.
_BY: dict[str, int] = {
    State.PROPOSED: 0, State.REVIEWED: 1, State.STARTED: 0, State.COMPLETED: 0,
    State.REGISTERED: 0,
}  # fmt: skip
_WORDS: dict[str, str] = {
    State.PROPOSED: "申报", State.REVIEWED: "乡镇审核，同意上报。", State.DECIDED: "县级审定，同意。",
    State.LIBRARY: "公示无异议，入库。", State.BUDGETED: "列入年度计划，安排资金。",
    State.STARTED: "手续齐备，开工。", State.COMPLETED: "按月报全部完成。",
    State.ACCEPTED: "按设计完成，质量合格。", State.REGISTERED: "资产登记入册。",
    State.EVALUATED: "绩效目标全部完成，资金使用规范。",
    State.REFUSED: "与已入库项目重复，不予通过。", State.CANCELLED: "建设用地未能落实，取消。",
}  # fmt: skip
Row = tuple[object, ...]


class ProjectRows:
    """One run: the drafts with the keys their rows will have, from the proposal to the start."""

    def __init__(
        self, cursor: Any, drafts: Sequence[Draft], people: dict[str, Any], scale: float
    ) -> None:
        self.cursor, self.drafts, self.scale = cursor, drafts, scale
        self.all = range(len(drafts))
        first = reserve(cursor, Project, len(drafts))
        self.keys = [first + at for at in self.all]
        regions = Region.objects.valid_in_year(p.YEAR).filter(code__startswith=PREFIX)
        self.regions: dict[str, tuple[int, str]] = {
            code: (key, name) for code, key, name in regions.values_list("code", "pk", "name")
        }
        self.offices = [[people[name].pk for name in _office(one)] for one in drafts]
        self.facts = [facts_of(one) for one in drafts]
        self.kinds = {(one.type_id, one.code): one for one in FactType.objects.order_by("pk")}
        self.labels = dict(ProjectType.objects.values_list("code", "label"))
        self.numbers = self.reserve_numbers()
        self.names = [name_of(one, self.place(one), at + 1) for at, one in enumerate(drafts)]
        by_village = project_people.homes(cursor, PREFIX)
        self.helped = project_people.helped(drafts, by_village, scale)
        self.steps = 0

    def place(self, one: Draft) -> str:
        return self.regions[one.site][1]

    def reserve_numbers(self) -> list[str]:
        """Numbers of each county and year, reserved at once."""
        wanted: Counter[tuple[str, int]] = Counter((one.county, one.year) for one in self.drafts)
        last: dict[tuple[str, int], int] = {}
        for (county, year), many in sorted(wanted.items()):
            self.cursor.execute("SELECT projects_reserve(%s, %s, %s)", [county, year, many])
            last[county, year] = self.cursor.fetchone()[0] - many
        numbers = []
        for one in self.drafts:
            last[one.county, one.year] += 1
            numbers.append(f"P{one.year}{one.county}{last[one.county, one.year]:05d}")
        return numbers

    def copy(
        self, model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[object]]
    ) -> None:
        copy_rows(self.cursor, model, columns, rows)

    def on_way(self, state: str) -> list[int]:
        """Places of the projects that take this step."""
        return [at for at in self.all if state in self.drafts[at].days]

    def projects(self) -> None:
        columns = (
            "id", "number", "name", "type_id", "sector", "region_id", "region_code", "year",
            "content", "unit", "contractor", "planned_amount", "planned_start", "planned_end",
            "state", "position", "percent", "entered_by_id",
        )  # fmt: skip
        self.copy(
            Project,
            columns,
            (
                (
                    self.keys[at], self.numbers[at], self.names[at], one.type, one.type[:2],
                    self.regions[one.site][0], one.site, one.year, self.content(at),
                    self.unit(one), contractor_of(one, at), one.units * p.UNIT, one.starts, one.ends,
                    "", 0, 0, self.offices[at][0],
                )
                for at, one in enumerate(self.drafts)
            ),
        )  # fmt: skip
        analyze(self.cursor, (Project,))

    def content(self, at: int) -> str:
        one = self.drafts[at]
        parts = [
            f"{kind.label} {_plain(value)} {kind.unit}"
            for kind, value in ((self.fact(one, code), v) for code, v in self.facts[at].items())
        ]
        return f"{self.place(one)}，{self.labels[one.type]}：{'，'.join(parts)}。"

    def unit(self, one: Draft) -> str:
        town = self.regions.get(f"{one.site[:9]}000")
        if one.site.endswith("000000") or town is None:
            return f"{self.regions[one.county + '000000'][1]}扶贫开发办公室"
        return f"{town[1]}政府" if town[1].endswith("办事处") else f"{town[1]}人民政府"

    def fact(self, one: Draft, code: str) -> FactType:
        return self.kinds.get((one.type, code)) or self.kinds[one.type[:2], code]

    def take(self, state: str, reason: Callable[[int], str] | None = None) -> None:
        """One step of all projects that take it."""
        columns = (
            "project_id", "region_code", "position", "state", "taken_on", "reason", "document",
            "amount", "created_by_id",
        )  # fmt: skip
        at_all = self.on_way(state)
        by = _BY.get(state, 2)

        def rows() -> Iterable[Sequence[object]]:
            for at in at_all:
                one = self.drafts[at]
                budget = state == State.BUDGETED
                yield (
                    self.keys[at], one.site, list(one.days).index(state), str(state), one.days[state],
                    reason(at) if reason else _WORDS[state],
                    _document(one) if budget else "", one.units * p.UNIT if budget else None,
                    self.refuser(at, state) if state == State.REFUSED else self.offices[at][by],
                )  # fmt: skip

        self.copy(ProjectStep, columns, rows())
        self.steps += len(at_all)

    def refuser(self, at: int, _state: str) -> int:
        """The town what was proposed, the county what the town had reviewed."""
        return self.offices[at][2 if State.REVIEWED in self.drafts[at].days else 1]

    def parts(self) -> None:
        """Facts, targets and stages, before anything waits for them."""
        facts: list[Row] = []
        targets: list[Row] = []
        stages: list[Row] = []
        for at, one in enumerate(self.drafts):
            key, done = self.keys[at], one.state in DONE
            values = {self.fact(one, code): _plain(value) for code, value in self.facts[at].items()}
            for kind, value in values.items():
                facts.append((key, one.site, kind.pk, value, value if done else None))
            (main, value), *_ = values.items()
            targets.append(
                (key, one.site, 1, main.label, main.unit, value, value if done else None)
            )
            if at in self.helped:
                count = len(self.helped[at])
                targets.append(
                    (key, one.site, 2, "带动贫困户", "户", count, count if done else None)
                )
            stages += self.stages(at)
        self.copy(ProjectFact, ("project_id", "region_code", "fact_id", "planned", "actual"), facts)
        self.copy(
            Target,
            ("project_id", "region_code", "position", "indicator", "unit", "planned", "actual"),
            targets,
        )
        self.first_stage = reserve(self.cursor, Stage, len(stages))
        columns = (
            "id", "project_id", "region_code", "position", "name", "weight", "starts_on", "ends_on",
        )  # fmt: skip
        self.copy(Stage, columns, ((self.first_stage + i, *row) for i, row in enumerate(stages)))

    def stages(self, at: int) -> list[Row]:
        one = self.drafts[at]
        days = (one.ends - one.starts).days
        made: list[Row] = []
        for place, (name, weight) in enumerate(STAGES):
            begun = one.starts + timedelta(days=days * place // len(STAGES))
            ended = one.starts + timedelta(days=days * (place + 1) // len(STAGES))
            made.append((self.keys[at], one.site, place + 1, name, weight, begun, ended))
        return made

    def notices(self, kind: NoticeKind, after: str, before: str) -> None:
        """Posted the day after, over on the day before the step that waits for it at the latest."""
        columns = (
            "project_id", "region_code", "kind", "place", "phone", "starts_on", "min_days",
            "day_kind", "ends_on", "source", "listed", "created_by_id",
        )  # fmt: skip
        rows = []
        for at in self.on_way(after):
            one = self.drafts[at]
            if one.state in (after, State.CANCELLED) and before not in one.days and at % 2:
                continue  # not posted yet
            starts = one.days[after] + timedelta(days=1)
            ends = starts + timedelta(days=schedule.NOTICE_DAYS - 1)
            rows.append(
                (
                    self.keys[at], one.site, kind.value, f"{self.place(one)}公示栏", _PHONE, starts,
                    schedule.NOTICE_DAYS, DayKind.CALENDAR.value, ends, _SOURCE,
                    json.dumps(self.listed(at, kind), ensure_ascii=False), self.offices[at][0],
                )
            )  # fmt: skip
        self.copy(ProjectNotice, columns, rows)

    def listed(self, at: int, kind: NoticeKind) -> list[list[str]]:
        one = self.drafts[at]
        lines = [
            ["项目名称", self.names[at]],
            ["项目编号", self.numbers[at]],
            ["项目类型", self.labels[one.type]],
            ["建设地点", self.place(one)],
            ["建设内容", self.content(at)],
            ["实施单位", self.unit(one)],
            ["计划投资（元）", f"{one.units * p.UNIT:,.2f}"],
            ["建设期限", f"{one.starts} 至 {one.ends}"],
        ]
        if kind == NoticeKind.COMPLETION:
            lines += [
                ["承建单位", contractor_of(one, at)],
                ["安排资金（元）", f"{one.units * p.UNIT:,.2f}"],
                ["开工日期", str(one.days[State.STARTED])],
                ["完工日期", str(one.days[State.COMPLETED])],
            ]
        return lines


def _office(one: Draft) -> tuple[str, str, str]:
    if one.site == schedule.HOME_VILLAGE:
        return "cunwei", "chengguan", "xianfupinban"
    if one.county == p.SONG_COUNTY:
        return SONG
    return OFFICES.get(one.county, CITY)


def contractor_of(one: Draft, at: int) -> str:
    """Whoever builds or supplies; none before the money is assigned."""
    if State.BUDGETED not in one.days:
        return ""
    if one.type[:2] in ("02", "04"):
        return "学生资助管理中心" if one.type[:2] == "04" else "演示职业技能培训学校"
    return f"洛阳演示{random_for('builder', at).choice(_BUILDERS)}工程有限公司"


def _document(one: Draft) -> str:
    day: date = one.days[State.BUDGETED]
    batch = list(schedule.BATCHES).index(day) + 1
    return f"演示扶组〔{day.year}〕{batch}号（{one.county}）"


def _plain(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
