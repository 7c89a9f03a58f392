"""Workbooks of projects, progress and beneficiaries: blank forms, what is read, what is exported.

A workbook is hostile until proven: looked through first and parsed in the child with limits.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from django.utils import timezone

from core.exports.kinds import Kind, Terms, register
from core.scope import Actor, below
from core.text import header_key
from core.workbooks import cells, child, guard
from core.workbooks.writing import Book
from projects.enums import State
from projects.models import Beneficiary, ProgressReport
from projects.queries import listing
from projects.services import loading, loading_people

# Every project of a large city ten times; the households of a city.
MAX_ROWS = 200_000
SECONDS = 120
READ = "households.view_register"
PROJECTS, PROGRESS, BENEFICIARIES = "projects", "project_progress", "project_beneficiaries"
_CHUNK = 500


@dataclass(frozen=True)
class Sheet:
    """A kind of workbook: its columns, those that may be missing, and those that are days."""

    label: str
    columns: tuple[str, ...]
    optional: tuple[str, ...] = ()
    days: tuple[str, ...] = ()


SHEETS: dict[str, Sheet] = {
    PROJECTS: Sheet(
        "项目", loading.PROJECT_COLUMNS, (loading.NUMBER,), (loading.START, loading.END)
    ),
    PROGRESS: Sheet("进度月报", loading.PROGRESS_COLUMNS, loading.STAGES[1:]),
    BENEFICIARIES: Sheet(
        "受益对象",
        loading_people.BENEFICIARY_COLUMNS,
        (
            loading_people.PERSON, loading_people.UNREGISTERED, loading_people.VILLAGE,
            loading_people.EXPECTED, loading_people.INCOME,
        ),
        (loading_people.ON,),
    ),
}  # fmt: skip


def form_to_fill_in(kind: str) -> bytes:
    """A workbook with the heads and nothing else: an example row would become a project."""
    buffer = BytesIO()
    sheet = SHEETS[kind]
    with Book(buffer, sheet.label, list(sheet.columns), widths=[18] * len(sheet.columns)):
        pass
    return buffer.getvalue()


def returned(kind: str, lines: list[loading.Line], done: loading.Loaded) -> bytes:
    """The rows that were not taken, with the reasons, to be put right and handed in again."""
    sheet, buffer = SHEETS[kind], BytesIO()
    why: dict[int, list[str]] = {}
    for fault in done.faults:
        why.setdefault(fault.row_no, []).append(f"{fault.column}：{fault.text}")
    heads = [*sheet.columns, "未导入原因"]
    with Book(buffer, f"{sheet.label}未导入", heads, widths=[18] * len(heads)) as book:
        for line in lines:
            if line.row_no in why:
                book.append(
                    [*(line.told(one) for one in sheet.columns), "；".join(why[line.row_no])]
                )
    return buffer.getvalue()


def read(kind: str, path: Path, file_format: str = guard.XLSX) -> list[loading.Line]:
    """The rows of a workbook. Raises guard.RefusedError with words for a clerk."""
    with child.reading(path, file_format, SECONDS) as parser:
        facts = parser.hello()
        header_row, columns = _recognise(SHEETS[kind], facts["head"])
        if facts["total"] - header_row - 1 > MAX_ROWS:
            raise guard.RefusedError("rows", f"一次最多导入 {MAX_ROWS:,} 行，请分批上传。")
        parser.tell({"header_row": header_row, "columns": columns})
        lines = list(_lines(parser.stdout, [column["name"] for column in columns]))
        parser.finish()
        return lines


def _recognise(sheet: Sheet, head: list[list[str]]) -> tuple[int, list[dict[str, Any]]]:
    keys_of = {header_key(column): column for column in sheet.columns}
    needed = [column for column in sheet.columns if column not in sheet.optional]
    for at, row in enumerate(head):
        there = {keys_of[key]: place for place, cell in enumerate(row)
                 if (key := header_key(cell)) in keys_of}  # fmt: skip
        if all(column in there for column in needed):
            return at, [
                {
                    "index": there[column],
                    "name": column,
                    "kind": "day" if column in sheet.days else "text",
                    "options": {},
                }
                for column in sheet.columns
                if column in there
            ]
    raise guard.RefusedError(
        "headers", f"没有找到表头，应有：{'、'.join(needed)}。请下载模板，照模板填写。"
    )


def _lines(stdout: IO[bytes], names: list[str]) -> Iterator[loading.Line]:
    """The rows of every block, without the raw cells in front of them; empty rows are left out."""
    while sizes := stdout.readline():
        child.refuse_named(sizes)
        raw, rows = map(int, sizes.split())
        stdout.read(raw)
        for text in stdout.read(rows).decode().split("\n")[:-1]:
            row_no, _faults, *values = text.split("\t")
            told = [
                "" if value == cells.NULL else cells.unescape(value).strip() for value in values
            ]
            if any(told):
                yield loading.Line(int(row_no), dict(zip(names, told, strict=True)))


# --- out ---------------------------------------------------------------------------------------

HEADS = (
    *loading.PROJECT_COLUMNS, "类型", "所在区划", "承建单位", "状态", "安排资金（元）", "开工日期",
    "完工日期", "进度（％）",
)  # fmt: skip


def _found(terms: Terms, actor: Actor, region: str) -> Any:
    asked = {name: str(value) for name, value in terms.items()}
    found = listing.narrowed(listing.visible(actor), asked, timezone.localdate())
    return found.filter(below(region, "region_code")) if region else found


def _count(terms: Terms, actor: Actor, *, region: str, full: bool) -> int:
    return int(_found(terms, actor, region).count())


def _rows(terms: Terms, actor: Actor, *, region: str, full: bool) -> Iterator[list[Any]]:
    found = _found(terms, actor, region).select_related("type", "region").order_by("number")
    for one in found.iterator(_CHUNK):
        yield [
            one.number, one.name, one.type_id, one.region_code, one.year, one.content, one.unit,
            one.planned_amount, one.planned_start, one.planned_end, one.type.label,
            one.region.name, one.contractor, one.get_state_display(), one.budget, one.started_on,
            one.completed_on, one.percent,
        ]  # fmt: skip


def _reports(terms: Terms, actor: Actor, region: str) -> Any:
    found = ProgressReport.objects.filter(project__in=_found(terms, actor, region).values("pk"))
    return found.select_related("project", "created_by").order_by(
        "project__number", "month", "edition"
    )


def _progress(terms: Terms, actor: Actor, *, region: str, full: bool) -> Iterator[list[Any]]:
    """A line of each monthly report, every edition."""
    for one in _reports(terms, actor, region).iterator(_CHUNK):
        yield [
            one.project.number, one.project.name, f"{one.month:%Y-%m}", one.edition, one.percent,
            one.words, str(one.created_by), one.created_at,
        ]  # fmt: skip


def _helped(terms: Terms, actor: Actor, region: str) -> Any:
    found = Beneficiary.objects.visible_to(actor).filter(
        project__in=_found(terms, actor, "").values("pk")
    )
    return found.filter(below(region, "village_code")) if region else found


def _beneficiaries(terms: Terms, actor: Actor, *, region: str, full: bool) -> Iterator[list[Any]]:
    """A line of each beneficiary: households and persons by number."""
    rows = _helped(terms, actor, region).select_related("project", "household", "person", "village")
    for one in rows.order_by("project__number", "pk").iterator(_CHUNK):
        yield [
            one.project.number, one.household.household_no if one.household else "",
            one.person.person_no if one.person else "", one.name, one.village_code,
            one.get_benefit_display(), one.on, one.expected, one.income, one.get_kind_display(),
            one.project.name,
        ]  # fmt: skip


def _words(terms: Terms) -> str:
    named = {"year": "年度", "region": "区划", "type": "类型", "late": "逾期", "words": "名称"}
    told = [f"{label}：{terms[name]}" for name, label in named.items() if terms.get(name)]
    if terms.get("state"):
        told.append(State(terms["state"]).label)
    return "；".join(told) or "全部"


PROGRESS_HEADS = (
    "项目编号", "项目名称", "月份", "第几版", "总进度（％）", "进展情况", "填报人", "填报时间",
)  # fmt: skip
# The columns of the form to fill in, and what says more to a reader.
BENEFICIARY_HEADS = (*loading_people.BENEFICIARY_COLUMNS, "受益对象", "项目名称")
register(Kind(PROJECTS, "项目清单", READ, READ, HEADS, _count, _rows, _words))
register(
    Kind(
        PROGRESS, "项目进度月报", READ, READ, PROGRESS_HEADS,
        lambda terms, actor, *, region, full: _reports(terms, actor, region).count(), _progress,
        _words,
    )
)  # fmt: skip
register(
    Kind(
        BENEFICIARIES, "项目受益对象", READ, READ, BENEFICIARY_HEADS,
        lambda terms, actor, *, region, full: _helped(terms, actor, region).count(),
        _beneficiaries, _words,
    )
)  # fmt: skip
