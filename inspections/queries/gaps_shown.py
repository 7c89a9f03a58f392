"""Rows of a list of what is missing in words: what, where, whose, and how to mend it."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib.auth import get_user_model

from exits.catalog import exit_template
from exits.enums import Evidence, SubjectLevel
from exits.models import ExitProcedure, Standard, StandardItem
from exits.queries.standards import items_of
from households.models import Household, Mark, Procedure, TaskItem
from households.queries.rows import heads_of
from inspections.enums.findings import State
from inspections.models import Extension, Finding, Letter
from inspections.queries import gaps
from inspections.queries.gaps import Gap
from villages.formulas import short_name
from villages.models import Region

_COUNTY, _TOWN, _VILLAGE = 6, 9, 12
# What the place's own rows are called where nobody is responsible in person.
_OFFICES = ((_TOWN, "村"), (_COUNTY, "乡镇"))


@dataclass(frozen=True)
class Shown:
    """A row as lists, papers and workbooks have it. `target` is the page to mend it on, as a key."""

    gap: Gap
    source: str
    place: str
    household_no: str
    head: str
    what: str
    how: str
    owner: str
    is_late: bool
    target: tuple[str, Any] | None

    @property
    def home(self) -> str:
        return f"{self.head}（{self.household_no}）" if self.head else self.household_no


@dataclass(frozen=True)
class _Words:
    what: str
    how: str
    target: tuple[str, Any] | None = None


_FINDING_HOW: dict[str, str] = {
    State.ASSIGNED: "在期限内报送整改措施，落实后上传佐证材料并报完成",
    State.MEASURED: "落实整改措施，上传佐证材料后报完成",
    State.RETURNED: "按退回意见重新整改，补充佐证材料后再报",
}
_UNMET_HOW: dict[str, str] = {
    Evidence.REGISTER: "落实帮扶措施，达标后更新贫困户档案，系统自动重新判定",
    Evidence.FACTS: "完成建设后更新村年度信息，系统自动重新判定",
    Evidence.FIGURE: "由户逐项达标、按程序脱贫，系统自动重新计算",
    Evidence.SAMPLE: "按评估反馈的问题整改，再次评估后更新",
    Evidence.CHECK: "整改后到现场复核，登记核实结果和佐证",
}
_UNKNOWN_HOW: dict[str, str] = {
    Evidence.REGISTER: "入户核实后，在贫困户档案补填这一项",
    Evidence.FACTS: "在村年度信息中补填这一项",
    Evidence.FIGURE: "补齐登记信息和人口基数，再重新计算",
    Evidence.SAMPLE: "组织抽样评估，结果公布后自动取数",
    Evidence.CHECK: "到现场核实，登记核实结果和佐证",
}


def shown(rows: Sequence[Gap], year: int | None, day: date) -> list[Shown]:
    """The rows in words; as many queries whatever their number."""
    words = _words(rows, year, day)
    places = names_of({row.place for row in rows}, day)
    people = people_of({row.owner for row in rows if row.owner is not None})
    homes = _homes({row.household for row in rows if row.household is not None}, year)
    return [
        Shown(
            gap=row,
            source=gaps.SOURCES[gaps.SOURCE_OF[row.kind]][0],
            place=places.get(row.place, row.place),
            household_no=homes.get(row.household or 0, ("", ""))[0],
            head=homes.get(row.household or 0, ("", ""))[1],
            what=words[row.key].what,
            how=words[row.key].how,
            owner=owner_words(row, people),
            is_late=gaps.is_late(row, day),
            target=_target(row, words[row.key].target, homes),
        )
        for row in rows
        # Gone between two queries.
        if row.key in words
    ]


def names_of(codes: Collection[str], day: date) -> dict[str, str]:
    """Full code → the name of the division, a village's with its town's before it."""
    wanted = {*codes, *(f"{code[:9]}000" for code in codes)}
    rows = Region.objects.valid_on(day).filter(code__in=wanted).values_list("code", "name")
    names = {code: short_name(name) for code, name in rows}
    found = {}
    for code in codes:
        town = "" if code.endswith("000") else names.get(f"{code[:9]}000", "")
        found[code] = f"{town}{names.get(code, code)}"
    return found


def people_of(keys: Collection[int]) -> dict[int, str]:
    """Account → the name that it shows."""
    rows = get_user_model()._default_manager.filter(pk__in=keys)
    return dict(rows.values_list("pk", "display_name")) if keys else {}


def owner_words(row: Any, people: dict[int, str]) -> str:
    """Who mends: a person, else the office of the place."""
    if row.owner is not None:
        return row.named or people.get(row.owner, "")
    if row.named:
        return str(row.named)
    if row.kind in (gaps.EXTENSION, gaps.LOOK):
        return "县扶贫办"
    for digits, office in _OFFICES:
        if row.place[digits:].strip("0"):
            return office
    return "县"


def _homes(keys: Collection[int], year: int | None) -> dict[int, tuple[str, str]]:
    if not keys:
        return {}
    numbers = Household.objects.filter(pk__in=keys).values_list("pk", "household_no")
    heads = heads_of(sorted(keys), year) if year is not None else {}
    return {pk: (number, heads[pk].person.name if pk in heads else "") for pk, number in numbers}


def _target(
    row: Gap, target: tuple[str, Any] | None, homes: dict[int, tuple[str, str]]
) -> tuple[str, Any] | None:
    if target is None and row.household in homes:
        name = "exits:household" if row.kind in (gaps.UNMET, gaps.UNKNOWN) else "households:detail"
        return name, homes[row.household][0]
    return target


# --- what and how, kind by kind ----------------------------------------------------------------


def _words(rows: Sequence[Gap], year: int | None, day: date) -> dict[tuple[str, int, str], _Words]:
    found: dict[tuple[str, int, str], _Words] = {}
    keys: dict[str, set[int]] = {}
    for row in rows:
        keys.setdefault(row.kind, set()).add(row.ref)
    for kind, describe in _DESCRIBE.items():
        if kind in keys:
            for ref, words in describe(keys[kind], day).items():
                found[kind, ref, ""] = words
    if year is not None and keys.keys() & _OF_STANDARDS:
        standards = gaps.in_force(gaps.standards_of(year))
        items = items_of(list(standards.values()))
        for row in rows:
            if row.kind in _OF_STANDARDS:
                found[row.key] = _of_item(row, standards, items)
    return found


_OF_STANDARDS = {gaps.UNMET, gaps.UNKNOWN, gaps.GATE_UNMET, gaps.GATE_UNKNOWN}


def level_of(row: Gap) -> str:
    if row.kind in (gaps.UNMET, gaps.UNKNOWN):
        return SubjectLevel.HOUSEHOLD
    is_county = not row.place[_COUNTY:].strip("0")
    return SubjectLevel.COUNTY if is_county else SubjectLevel.VILLAGE


def item_of(
    row: Gap,
    standards: dict[str, Standard],
    items: dict[tuple[int, str], dict[str, StandardItem]],
) -> StandardItem | None:
    """The item of the standard that is in force at the row's place."""
    fitting = [prefix for prefix in standards if row.place.startswith(prefix)]
    if not fitting:
        return None
    standard = standards[max(fitting, key=len)]
    return items[standard.pk, level_of(row)].get(row.item)


def _of_item(
    row: Gap,
    standards: dict[str, Standard],
    items: dict[tuple[int, str], dict[str, StandardItem]],
) -> _Words:
    item = item_of(row, standards, items)
    is_unmet = row.kind in (gaps.UNMET, gaps.GATE_UNMET)
    label = item.label if item else row.item
    evidence = item.evidence if item else Evidence.REGISTER
    how = (_UNMET_HOW if is_unmet else _UNKNOWN_HOW)[evidence]
    target = None
    if row.kind in (gaps.GATE_UNMET, gaps.GATE_UNKNOWN):
        target = ("exits:place", row.place)
    return _Words(f"{label}：{'未达标' if is_unmet else '缺数据'}", how, target)


def _findings(keys: Collection[int], day: date) -> dict[int, _Words]:
    rows = Finding.objects.filter(pk__in=keys).only("number", "fact", "state")
    return {
        row.pk: _Words(
            f"{row.number}：{row.fact}（{row.get_state_display()}）", _FINDING_HOW.get(row.state, ""),
            ("findings:finding", row.pk),
        )
        for row in rows
    }  # fmt: skip


def _looks(keys: Collection[int], day: date) -> dict[int, _Words]:
    rows = Finding.objects.filter(pk__in=keys).only("number", "fact")
    return {
        row.pk: _Words(
            f"{row.number}：{row.fact}（本月尚未复查）", "到现场复查，登记是否反弹",
            ("findings:finding", row.pk),
        )
        for row in rows
    }  # fmt: skip


def _extensions(keys: Collection[int], day: date) -> dict[int, _Words]:
    rows = Extension.objects.filter(pk__in=keys).select_related("finding")
    return {
        row.pk: _Words(
            f"{row.finding.number}：延期申请待批复（申请延至 {row.until:%Y-%m-%d}）",
            "核实理由后批复同意或不同意", ("findings:finding", row.finding_id),
        )
        for row in rows
    }  # fmt: skip


def _letters(keys: Collection[int], day: date) -> dict[int, _Words]:
    rows = Letter.objects.filter(pk__in=keys)
    return {
        row.pk: _Words(
            f"{row.get_kind_display()} {row.year} 年第 {row.number} 号，尚未答复",
            "签收并在期限内书面答复，由县登记", ("letters:letter", row.pk),
        )
        for row in rows
    }  # fmt: skip


def _marks(keys: Collection[int], day: date) -> dict[int, _Words]:
    rows = Mark.objects.filter(pk__in=keys).only("reason")
    return {row.pk: _Words(f"待核查：{row.reason}", "核查后办结，写明结果") for row in rows}


def _tasks(keys: Collection[int], day: date) -> dict[int, _Words]:
    rows = TaskItem.objects.filter(pk__in=keys).select_related("task")
    return {
        row.pk: _Words(
            f"任务：{row.task.title}", "逐户办理，在任务中登记完成",
            ("households:task", row.task_id),
        )
        for row in rows
    }  # fmt: skip


def _procedures(keys: Collection[int], day: date) -> dict[int, _Words]:
    rows: Any = Procedure.objects.filter(pk__in=keys).prefetch_related("notices")
    return {
        row.pk: _Words(
            f"{row.get_kind_display()}（第 {row.pk} 号）：{row.get_step_display()}",
            _notice_words(row, day), ("households:procedure", row.pk),
        )
        for row in rows
    }  # fmt: skip


def _exits(keys: Collection[int], day: date) -> dict[int, _Words]:
    rows: Any = ExitProcedure.objects.filter(pk__in=keys).prefetch_related("notices")
    found = {}
    for row in rows:
        steps = {step.code: step.label for step in exit_template(row.level, row.region_code).steps}
        found[row.pk] = _Words(
            f"{row.get_level_display()}退出（第 {row.pk} 号）：{steps.get(row.step, row.step)}",
            _notice_words(row, day), ("exits:procedure", row.pk),
        )  # fmt: skip
    return found


def _notice_words(row: Any, day: date) -> str:
    """How to go on with a procedure: after its notice, or at once."""
    for notice in row.notices.all():
        if notice.step == row.step:
            if notice.ends_on >= day:
                return f"公示至 {notice.ends_on:%Y-%m-%d}，期满无异议后办理这一步"
            return f"公示已于 {notice.ends_on:%Y-%m-%d} 期满，请办理这一步"
    return "办理这一步；需公示的先张贴公示"


_DESCRIBE: dict[str, Callable[[Collection[int], date], dict[int, _Words]]] = {
    gaps.FINDING: _findings,
    gaps.LOOK: _looks,
    gaps.EXTENSION: _extensions,
    gaps.LETTER: _letters,
    gaps.MARK: _marks,
    gaps.TASK: _tasks,
    gaps.PROCEDURE: _procedures,
    gaps.EXIT: _exits,
}
