"""Workbooks of assessments: rosters of unregistered households, and field sheets of surveyors.

Those of problems are in `findings`.

What comes back is hostile until proven: looked through first and parsed in the child with limits.
"""

from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from core.text import header_key
from core.workbooks import cells, child, guard
from core.workbooks.writing import Book
from inspections.enums import KeyGroup
from inspections.services.roster import COLUMNS, OPTIONAL, RosterLine

# The rural households of the largest county of a city, twice.
MAX_ROWS = 300_000
# Households of one surveyor; more than anybody visits.
MAX_VISITS = 2_000
SECONDS = 120
# The number Excel shows, and the cells by their heads.
SheetRow = tuple[int, dict[str, str]]
_EMPTY = "没有找到表头，应有：{}。请下载模板，照模板填写。"


def form_to_fill_in() -> bytes:
    """A workbook with the heads and nothing else: an example row would become a household."""
    buffer = BytesIO()
    title = f"农户花名册（重点户：{'、'.join(KeyGroup.labels)}）"
    with Book(buffer, title[:31], list(COLUMNS), widths=(16, 14, 14, 22, 14, 10, 24)):
        pass
    return buffer.getvalue()


def read_roster(path: Path, file_format: str = guard.XLSX) -> list[RosterLine]:
    """The rows of a roster. Raises guard.RefusedError with words for a clerk."""
    needed = [column for column in COLUMNS if column not in OPTIONAL]
    rows = read_rows(path, file_format, needed, COLUMNS, MAX_ROWS)
    return [RosterLine(number, cells) for number, cells in rows]


def field_sheet(title: str, heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """The questionnaire of a type of households, a household to a row, to be filled in."""
    buffer = BytesIO()
    with Book(buffer, title[:31], list(heads), widths=(10, 18, 12, 12)) as book:
        for row in rows:
            book.append(row)
    return buffer.getvalue()


def read_field_sheet(path: Path, file_format: str, heads: Sequence[str]) -> list[SheetRow]:
    """The rows of a filled field sheet. Raises guard.RefusedError with words for a surveyor."""
    return read_rows(path, file_format, heads[:1], heads, MAX_VISITS)


def read_rows(
    path: Path,
    file_format: str,
    needed: Sequence[str],
    columns: Sequence[str],
    most: int,
    *,
    days: Sequence[str] = (),
    unit: str = "户",
) -> list[SheetRow]:
    """The number Excel shows and the cells by head, of every row that is not empty.

    `days` are columns of dates. Raises guard.RefusedError with words for a clerk.
    """
    with child.reading(path, file_format, SECONDS) as parser:
        facts = parser.hello()
        header_row, found = _recognise(facts["head"], needed, columns, days)
        if facts["total"] - header_row - 1 > most:
            raise guard.RefusedError("rows", f"一次最多导入 {most:,} {unit}，请分批上传。")
        parser.tell({"header_row": header_row, "columns": found})
        names = [column["name"] for column in found]
        lines = list(_lines(parser.stdout, names))
        parser.finish()
        return lines


def _recognise(
    head: list[list[str]], needed: Sequence[str], columns: Sequence[str], days: Sequence[str]
) -> tuple[int, list[dict[str, Any]]]:
    wanted = {header_key(column): column for column in columns}
    for at, row in enumerate(head):
        keys = [header_key(cell) for cell in row]
        if all(header_key(column) in keys for column in needed):
            return at, [
                {
                    "index": keys.index(key),
                    "name": column,
                    "kind": "day" if column in days else "text",
                    "options": {},
                }
                for key, column in wanted.items()
                if key in keys
            ]
    raise guard.RefusedError("headers", _EMPTY.format("、".join(needed)))


def _lines(stdout: IO[bytes], names: list[str]) -> Iterator[SheetRow]:
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
                yield int(row_no), dict(zip(names, told, strict=True))
