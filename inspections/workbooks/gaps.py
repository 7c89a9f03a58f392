"""Workbooks of what is missing: a row for each, to be filled in, and rows handed back."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path

from core.workbooks import guard
from core.workbooks.writing import Book
from inspections.queries.gaps_shown import Shown
from inspections.services.gaps import HEADS, KEY, MAX_ROWS, ON
from inspections.workbooks import read_rows
from projects.services.loading import Fault, Line

WHY = "未办理原因"
# Of what is wrong.
_RED = "#FDECEA"
_WIDTHS = (18, 16, 18, 26, 44, 36, 12, 12, 36, 12, 30)


def sheet(title: str, rows: Sequence[Shown], tokens: Mapping[tuple[str, int, str], str]) -> bytes:
    """The list with three columns to fill in."""
    buffer = BytesIO()
    with Book(buffer, title, HEADS, widths=_WIDTHS) as book:
        for one in rows:
            due = f"{one.gap.due:%Y-%m-%d}" if one.gap.due else ""
            cells = [
                tokens[one.gap.key], one.source, one.place, one.home, one.what, one.how, one.owner,
                due,
            ]  # fmt: skip
            book.append_texts([*cells, "", "", ""])
    return buffer.getvalue()


def read(path: Path, file_format: str = guard.XLSX) -> list[Line]:
    """The rows of a filled sheet. Raises guard.RefusedError with words for a clerk."""
    rows = read_rows(path, file_format, (KEY,), HEADS, MAX_ROWS, days=(ON,), unit="项")
    return [Line(row_no, cells) for row_no, cells in rows]


def returned(lines: Sequence[Line], faults: Sequence[Fault]) -> bytes:
    """The rows that were not taken over: what is wrong stands at its cell and behind the row."""
    why: dict[int, dict[str, list[str]]] = {}
    for fault in faults:
        why.setdefault(fault.row_no, {}).setdefault(fault.column, []).append(fault.text)
    buffer = BytesIO()
    with Book(buffer, "未办理的缺项", [*HEADS, WHY], widths=[*_WIDTHS, 60]) as book:
        for line in lines:
            if line.row_no not in why:
                continue
            told = why[line.row_no]
            notes = {HEADS.index(head): "".join(texts) for head, texts in told.items()}
            words = "；".join(f"{head}：{''.join(texts)}" for head, texts in told.items())
            book.append_texts(
                [*(line.told(head) for head in HEADS), words],
                fills=dict.fromkeys(notes, _RED), notes=notes,
            )  # fmt: skip
    return buffer.getvalue()
