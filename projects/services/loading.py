"""Rows of workbooks become projects, reports and beneficiaries: judged in memory, written at once.

Good rows go in, bad ones come back with their faults; every row read is one or the other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import connection

from core.acting import acting
from core.scope import covers
from projects.enums import State
from projects.models import (
    ProgressReport,
    Project,
    ProjectStep,
    ProjectType,
    Stage,
    StageProgress,
)
from projects.services.common import EDIT, UnfitError, refused
from projects.services.working import weighted
from villages.models import Region

LOAD = "imports.load_workbook"
(
    NUMBER, NAME, TYPE, REGION, YEAR, CONTENT, UNIT, AMOUNT, START, END,
) = PROJECT_COLUMNS = (
    "项目编号", "项目名称", "类型代码", "区划代码", "计划年度", "建设内容", "实施单位", "计划投资（元）",
    "计划开工日期", "计划完工日期",
)  # fmt: skip
MONTH, WORDS = "月份", "进展情况"
STAGES = tuple(f"阶段{place}（％）" for place in range(1, 6))
PROGRESS_COLUMNS = (NUMBER, MONTH, WORDS, *STAGES)
_YEARS = range(2010, 2101)
_MOST = Decimal("999999999999.99")
_WHOLE = 100


@dataclass(frozen=True)
class Line:
    """One row of a workbook: the number Excel shows, and the cells by their heads."""

    row_no: int
    cells: Mapping[str, str]

    def told(self, column: str) -> str:
        return self.cells.get(column, "").strip()


@dataclass(frozen=True)
class Fault:
    """What is wrong in a row, under which head; never repeats a personal number."""

    row_no: int
    column: str
    text: str


@dataclass
class Loaded:
    """What became of a workbook: `made` and the rows with faults are the rows read."""

    read: int = 0
    made: int = 0
    faults: list[Fault] = field(default_factory=list)

    @property
    def refused(self) -> int:
        return len({fault.row_no for fault in self.faults})

    def fault(self, line: Line, column: str, text: str) -> None:
        self.faults.append(Fault(line.row_no, column, text))


def require_load(by: Any) -> None:
    """Raises UnfitError for whoever neither loads workbooks nor enters projects."""
    if not (by.has_perm(LOAD) and by.has_perm(EDIT)):
        raise UnfitError("您没有导入项目的权限。")


def amount(text: str) -> Decimal | None:
    """Yuan or a measured quantity with at most two places; None when it is none.

    >>> amount("1,200.50"), amount("1.234"), amount("NaN"), amount("")
    (Decimal('1200.50'), None, None, None)
    """
    try:
        value = Decimal(text.replace(",", ""))
    except InvalidOperation:
        return None
    if not value.is_finite() or not 0 <= value <= _MOST or value != value.quantize(Decimal("0.01")):
        return None
    return value


def day(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


# --- projects ----------------------------------------------------------------------------------


def load_projects(*, lines: Sequence[Line], on: date, by: Any) -> Loaded:
    """Propose projects; those without a number get the next one. Raises UnfitError for the right."""
    require_load(by)
    done = Loaded(read=len(lines))
    types = {one.code: one for one in ProjectType.objects.all()}
    codes = {line.told(REGION).ljust(12, "0") for line in lines}
    places = {
        one.code: one
        for one in Region.objects.valid_on(on).filter(code__in=codes)
        if covers(by, one.code, EDIT)
    }
    taken = set(
        Project.objects.filter(number__in={line.told(NUMBER) for line in lines} - {""})
        .values_list("number", flat=True)
    )  # fmt: skip
    rows = []
    for line in lines:
        made = _project(line, types, places, taken, done)
        if made is not None:
            made.entered_by = by
            taken.add(made.number)
            rows.append(made)
    with acting(by=by, reason="导入项目"), refused():
        _number(rows)
        Project.objects.bulk_create(rows)
        ProjectStep.objects.bulk_create(
            ProjectStep(
                project=one, region_code=one.region_code, position=0, state=State.PROPOSED,
                on=on, reason="申报（导入）", created_by=by,
            )
            for one in rows
        )  # fmt: skip
    done.made = len(rows)
    return done


def _number(rows: Sequence[Project]) -> None:
    """The next numbers of their county and year for those without one, a statement per county."""
    groups: dict[tuple[str, int], list[Project]] = {}
    for one in rows:
        if not one.number:
            groups.setdefault((one.region_code[:6], one.year), []).append(one)
    with connection.cursor() as cursor:
        for (county, year), group in sorted(groups.items()):
            cursor.execute("SELECT projects_reserve(%s, %s, %s)", [county, year, len(group)])
            first = cursor.fetchone()[0] - len(group) + 1
            for place, one in enumerate(group, first):
                one.number = f"P{year}{county}{place:05}"


def _project(
    line: Line,
    types: Mapping[str, ProjectType],
    places: Mapping[str, Region],
    taken: set[str],
    done: Loaded,
) -> Project | None:
    told = {column: line.told(column) for column in PROJECT_COLUMNS}
    place = places.get(told[REGION].ljust(12, "0"))
    cost, start, end = amount(told[AMOUNT]), day(told[START]), day(told[END])
    year = int(told[YEAR]) if told[YEAR].isascii() and told[YEAR].isdigit() else 0
    checks = (
        (NUMBER, len(told[NUMBER]) > 24 or (bool(told[NUMBER]) and told[NUMBER] in taken),
         "编号已经使用，或过长（24 字以内）。"),
        (NAME, not 1 <= len(told[NAME]) <= 100, "请填写项目名称（100 字以内）。"),
        (TYPE, told[TYPE] not in types, "没有这个类型代码。"),
        (REGION, place is None, "没有这个区划，或不在您的权限范围内。"),
        (YEAR, year not in _YEARS, "须是四位年份。"),
        (CONTENT, not 1 <= len(told[CONTENT]) <= 1000, "请填写建设内容（1000 字以内）。"),
        (UNIT, not 1 <= len(told[UNIT]) <= 100, "请填写实施单位（100 字以内）。"),
        (AMOUNT, not cost, "须是大于 0 的金额，至多两位小数。"),
        (START, start is None, "须是日期。"),
        (END, end is None or (start is not None and end < start), "须是日期，且不早于开工。"),
    )  # fmt: skip
    wrong = [(column, text) for column, is_wrong, text in checks if is_wrong]
    for column, text in wrong:
        done.fault(line, column, text)
    if wrong or place is None or cost is None or start is None or end is None:
        return None
    return Project(
        number=told[NUMBER], name=told[NAME], type=types[told[TYPE]], sector=told[TYPE][:2],
        region=place, region_code=place.code, year=year, content=told[CONTENT], unit=told[UNIT],
        planned_amount=cost, planned_start=start, planned_end=end,
    )  # fmt: skip


# --- progress ----------------------------------------------------------------------------------


def known_projects(lines: Sequence[Line], by: Any) -> dict[str, Project]:
    """The projects that the rows name and that the actor enters, by number."""
    found = Project.objects.visible_to(by).filter(number__in={line.told(NUMBER) for line in lines})
    return {one.number: one for one in found if covers(by, one.region_code, EDIT)}


def load_progress(*, lines: Sequence[Line], by: Any) -> Loaded:
    """Monthly reports: how much of each stage is done. A month reported already gets its correction."""
    require_load(by)
    done = Loaded(read=len(lines))
    projects = known_projects(lines, by)
    stages: dict[int, list[Stage]] = {}
    for stage in Stage.objects.filter(project__in=projects.values()).order_by("position"):
        stages.setdefault(stage.project_id, []).append(stage)
    editions: dict[tuple[int, date], int] = {}
    for pk, month in ProgressReport.objects.filter(project__in=projects.values()).values_list(
        "project_id", "month"
    ):
        editions[pk, month] = editions.get((pk, month), 0) + 1
    reports: list[ProgressReport] = []
    shares: list[dict[int, Decimal]] = []
    seen: set[tuple[int, date]] = set()
    for line in lines:
        told = _report(line, projects, stages, seen, done)
        if told is None:
            continue
        project, month, share = told
        edition = editions.get((project.pk, month), 0) + 1
        weights = [(one.weight, share[one.position]) for one in stages[project.pk]]
        reports.append(
            ProgressReport(
                project=project, region_code=project.region_code, month=month, edition=edition,
                percent=weighted(weights), words=line.told(WORDS), created_by=by,
            )
        )  # fmt: skip
        shares.append(share)
    with acting(by=by, reason="导入进度月报"), refused():
        ProgressReport.objects.bulk_create(reports)
        StageProgress.objects.bulk_create(
            StageProgress(
                report=report, project_id=report.project_id, region_code=report.region_code,
                stage=stage, percent=share[stage.position],
            )
            for report, share in zip(reports, shares, strict=True)
            for stage in stages[report.project_id]
        )  # fmt: skip
    done.made = len(reports)
    return done


def _report(
    line: Line,
    projects: Mapping[str, Project],
    stages: Mapping[int, Sequence[Stage]],
    seen: set[tuple[int, date]],
    done: Loaded,
) -> tuple[Project, date, dict[int, Decimal]] | None:
    project = projects.get(line.told(NUMBER))
    if project is None or project.state != State.STARTED:
        done.fault(line, NUMBER, "没有这个项目，或项目不在建，或不在您的权限范围内。")
        return None
    month = day(f"{line.told(MONTH)[:7]}-01")
    share = _shares(line, len(stages.get(project.pk, ())))
    began = project.started_on.replace(day=1) if project.started_on else None
    checks: tuple[tuple[str, bool, str], ...] = (
        (
            MONTH,
            month is None or began is None or month < began,
            "须是开工以后的月份，如 2018-06。",
        ),
        (MONTH, month is not None and (project.pk, month) in seen, "同一项目同一月份重复。"),
        (WORDS, not 1 <= len(line.told(WORDS)) <= 1000, "请填写进展情况（1000 字以内）。"),
        (STAGES[0], share is None, "各阶段须是 0 到 100 的数；没有的阶段留空。"),
    )
    wrong = [(column, text) for column, is_wrong, text in checks if is_wrong]
    for column, text in wrong:
        done.fault(line, column, text)
    if wrong or month is None or share is None:
        return None
    seen.add((project.pk, month))
    return project, month, share


def _shares(line: Line, many: int) -> dict[int, Decimal] | None:
    """Percent by the stage's place; None when one is missing, wrong or too many."""
    found: dict[int, Decimal] = {}
    for place, column in enumerate(STAGES, 1):
        told = line.told(column)
        if place > many:
            if told:
                return None
            continue
        value = amount(told)
        if value is None or value > _WHOLE:
            return None
        found[place] = value
    return found or None
