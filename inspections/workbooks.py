"""Workbooks of assessments: the roster of a village's unregistered households.

A roster is hostile until proven: looked through first and parsed in the child with limits.
"""

from collections.abc import Iterator
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
SECONDS = 120


def form_to_fill_in() -> bytes:
    """A workbook with the heads and nothing else: an example row would become a household."""
    buffer = BytesIO()
    title = f"农户花名册（重点户：{'、'.join(KeyGroup.labels)}）"
    with Book(buffer, title[:31], list(COLUMNS), widths=(16, 14, 14, 22, 14, 10, 24)):
        pass
    return buffer.getvalue()


def read_roster(path: Path, file_format: str = guard.XLSX) -> list[RosterLine]:
    """The rows of a roster. Raises guard.RefusedError with words for a clerk."""
    with child.reading(path, file_format, SECONDS) as parser:
        facts = parser.hello()
        header_row, columns = _recognise(facts["head"])
        if facts["total"] - header_row - 1 > MAX_ROWS:
            raise guard.RefusedError("rows", f"一次最多导入 {MAX_ROWS:,} 户，请分批上传。")
        parser.tell({"header_row": header_row, "columns": columns})
        names = [column["name"] for column in columns]
        lines = list(_lines(parser.stdout, names))
        parser.finish()
        return lines


def _recognise(head: list[list[str]]) -> tuple[int, list[dict[str, Any]]]:
    needed = [column for column in COLUMNS if column not in OPTIONAL]
    for at, row in enumerate(head):
        keys = [header_key(cell) for cell in row]
        if all(column in keys for column in needed):
            return at, [
                {"index": keys.index(column), "name": column, "kind": "text", "options": {}}
                for column in COLUMNS
                if column in keys
            ]
    raise guard.RefusedError(
        "headers", f"没有找到表头，应有：{'、'.join(needed)}。请下载模板，照模板填写。"
    )


def _lines(stdout: IO[bytes], names: list[str]) -> Iterator[RosterLine]:
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
                yield RosterLine(int(row_no), dict(zip(names, told, strict=True)))
