"""Workbooks of problems: the form to fill in, what is read, rows handed back, the ledger as a file."""

from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from django.utils import timezone

from core import papers
from core.exports.kinds import Kind, Terms, register
from core.scope import Actor, below
from core.workbooks import guard
from core.workbooks.writing import Book
from inspections.enums.findings import OWED, Level, ObjectKind, Origin, Severity, Source, State
from inspections.queries.findings import listing
from inspections.services.findings import loading
from inspections.services.findings.loading import COLUMNS, NEEDED
from inspections.workbooks import read_rows
from projects.services.loading import Fault, Line

FINDINGS = "findings"
READ = "households.view_register"
WHY = "未导入原因"
# Of what is wrong.
_RED = "#FDECEA"
_CHUNK = 500
_HEADS = [one.head for one in COLUMNS]


def form_to_fill_in() -> bytes:
    """The heads, lists to choose from, and one example that is refused when it is left in."""
    buffer = BytesIO()
    with Book(buffer, "问题清单", _HEADS, widths=[one.width for one in COLUMNS]) as book:
        for at, one in enumerate(COLUMNS):
            if one.words:
                book.offer(at, one.words, rows=loading.MAX_ROWS)
        book.append_texts([one.example for one in COLUMNS])
    return buffer.getvalue()


def read(path: Path, file_format: str = guard.XLSX) -> list[Line]:
    """The rows of a workbook. Raises guard.RefusedError with words for a clerk."""
    days = [one.head for one in COLUMNS if one.is_day]
    rows = read_rows(path, file_format, NEEDED, _HEADS, loading.MAX_ROWS, days=days, unit="个问题")
    return [Line(row_no, cells) for row_no, cells in rows]


def returned(lines: Sequence[Line], faults: Sequence[Fault]) -> bytes:
    """The rows that were not taken over: what is wrong stands at its cell and behind the row."""
    why: dict[int, dict[str, list[str]]] = {}
    for fault in faults:
        why.setdefault(fault.row_no, {}).setdefault(fault.column, []).append(fault.text)
    buffer, widths = BytesIO(), [*(one.width for one in COLUMNS), 60]
    with Book(buffer, "未导入的问题", [*_HEADS, WHY], widths=widths) as book:
        for line in lines:
            if line.row_no not in why:
                continue
            told = why[line.row_no]
            notes = {_HEADS.index(head): "".join(texts) for head, texts in told.items()}
            words = "；".join(f"{head}：{''.join(texts)}" for head, texts in told.items())
            book.append_texts(
                [*(line.told(head) for head in _HEADS), words],
                fills=dict.fromkeys(notes, _RED), notes=notes,
            )  # fmt: skip
    return buffer.getvalue()


# --- out ---------------------------------------------------------------------------------------

HEADS = (
    "问题编号", "状态", "来源", "层级", "检查", "反馈序号", "问题类别", "严重程度", "问题事实",
    "违反的规定", "问题对象", "区划代码", "所在区划", "发现日期", "责任单位", "责任人", "整改期限",
    "逾期天数", "已发文书", "销号日期", "反弹次数", "录入方式",
)  # fmt: skip
# What a list may be narrowed by, in words. What was searched for may be a name: `q` is not kept.
TERMS: dict[str, str] = {
    "region": "区划", "standing": "办理情况", "source": "来源", "level": "层级", "severity": "严重程度",
    "state": "状态", "late": "逾期", "rung": "已发文书", "unit": "责任单位", "category": "类别",
    "campaign": "检查", "origin": "录入方式", "object_kind": "对象", "found_from": "发现自",
    "found_to": "发现至", "due_from": "期限自", "due_to": "期限至", "look": "待复查", "mine": "责任人账号",
    "q": "编号、序号或事实",
}  # fmt: skip
_SPOKEN: dict[str, Any] = {
    "source": Source, "level": Level, "severity": Severity, "state": State, "origin": Origin,
    "object_kind": ObjectKind,
}  # fmt: skip
STANDING: dict[str, str] = {
    listing.OPEN_ONES: "未办结", listing.NEW: "待交办", listing.OWED_ONES: "整改中",
    listing.OVERDUE: "已逾期", listing.WAITING: "待核验、待销号", listing.DONE_ONES: "已整改",
    listing.WATCHED: "长期坚持", listing.RELAPSED: "反弹过", listing.COUNTED: "全部（不含并入、拆分）",
}  # fmt: skip
LATE: dict[str, str] = {
    **{
        str(at): f"{listing.BRACKETS[at - 1] + 1 if at else 1} 至 {days} 天"
        for at, days in enumerate(listing.BRACKETS)
    },
    str(len(listing.BRACKETS)): f"超过 {listing.BRACKETS[-1]} 天",
}
RUNG: dict[str, str] = {"0": "未发", "1": "一次提示", "2": "二次督办", "3": "三次问责"}


def spoken(name: str, value: str) -> str:
    """The value of a term in words."""
    if name in _SPOKEN and value in _SPOKEN[name].values:
        return str(_SPOKEN[name](value).label)
    known = {"standing": STANDING, "late": LATE, "rung": RUNG, "look": {listing.LOOK_DUE: "本月"}}
    return known.get(name, {}).get(value, value)


def _found(terms: Terms, actor: Actor, region: str) -> Any:
    asked = {name: str(value) for name, value in terms.items() if name in TERMS}
    if "q" in asked:
        asked["words"] = asked.pop("q")
    found = listing.narrowed(listing.visible(actor), asked, timezone.localdate())
    return found.filter(below(region, "region_code")) if region else found


def _count(terms: Terms, actor: Actor, *, region: str, full: bool) -> int:
    return int(_found(terms, actor, region).count())


def _rows(terms: Terms, actor: Actor, *, region: str, full: bool) -> Iterator[list[Any]]:
    day = timezone.localdate()
    found = _found(terms, actor, region).select_related("region", "campaign", "category")
    for one in found.order_by("region_code", "due_on", "pk").iterator(_CHUNK):
        late = (day - one.due_on).days if one.due_on and one.state in OWED else 0
        yield [
            one.number, one.get_state_display(), one.get_source_display(), one.get_level_display(),
            one.campaign.name if one.campaign else "", one.told_as,
            one.category.name if one.category else "", one.get_severity_display(), one.fact,
            one.basis, one.get_object_kind_display(), one.region_code, one.region.short_name,
            one.found_on, one.lead_unit, one.duty_name, one.due_on, max(late, 0) or None,
            RUNG[str(one.rung)], one.closed_on, one.relapses, one.get_origin_display(),
        ]  # fmt: skip


def _words(terms: Terms) -> str:
    told = [
        f"{word}：{spoken(name, str(terms[name]))}"
        for name, word in TERMS.items()
        if terms.get(name)
    ]
    return "；".join(told) or "全部"


# What fits on A4: number, state, fact, place, unit, person, day, days late.
_ON_PAPER = (0, 1, 8, 12, 14, 15, 16, 17)


def _paper(terms: Terms, rows: Sequence[Sequence[Any]], printed: papers.Printed) -> bytes:
    shown = {
        "title": "问题台账",
        "about": f"{_words(terms)}　共 {len(rows)} 行",
        "rows": [["" if row[at] is None else str(row[at]) for at in _ON_PAPER] for row in rows],
        "heads": [(HEADS[at], "") for at in _ON_PAPER],
        "printed": printed,
    }
    return papers.pdf("papers/table.html", shown)


register(Kind(FINDINGS, "问题台账", READ, READ, HEADS, _count, _rows, _words, _paper))
