"""The table inside a file, whatever its format: opened in the child, read row by row."""

import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from core.workbooks import plaintext
from core.workbooks.refusal import refused

_IS_1904 = re.compile(rb"""\bdate1904\s*=\s*["'](?:1|true)["']""")
# Sheets of a small file are all looked into; those of a large one are not worth a second parse.
_SMALL_FILE = 2 * 1024 * 1024
_HEAD_SIZE = 1024 * 1024


@dataclass
class Source:
    """One sheet: its rows from the first that holds something, and what is known of the rest.

    `first_row` counts the empty rows above, `total` is how many rows there are at most, `sheets` the
    visible sheets with rows, the one that is read among them.
    """

    rows: Iterator[list[Any]]
    total: int
    first_row: int = 0
    encoding: str = ""
    sheet: str = ""
    sheets: list[str] = field(default_factory=list)
    # Dates as bare numbers count from 1904 then, not from 1900.
    is_1904: bool = False
    # Rows of a text have as many cells as were written.
    is_ragged: bool = False


def open_source(path: Path, file_format: str) -> Source:
    """Open the file. Raises RefusedError, and whatever the parser raises."""
    if file_format == "csv":
        return _text(path)
    return _workbook(path, file_format)


def _text(path: Path) -> Source:
    told = plaintext.tell(path)
    return Source(
        rows=plaintext.rows(path, told), total=told.lines, encoding=told.encoding, is_ragged=True
    )


def _workbook(path: Path, file_format: str) -> Source:
    from python_calamine import CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

    book = CalamineWorkbook.from_path(str(path))
    shown = [
        meta.name
        for meta in book.sheets_metadata
        if meta.visible == SheetVisibleEnum.Visible and meta.typ == SheetTypeEnum.WorkSheet
    ]
    if not shown:
        raise refused("sheets")
    for name in shown:
        sheet = book.get_sheet_by_name(name)
        if sheet.start is not None:
            break
    else:
        raise refused("no_rows")
    others = shown[shown.index(name) + 1 :]
    if path.stat().st_size <= _SMALL_FILE:
        others = [one for one in others if book.get_sheet_by_name(one).start is not None]
    # The parser gives the empty rows above the first full one as well.
    first_row = sheet.start[0]
    return Source(
        rows=islice(sheet.iter_rows(), first_row, None),
        total=sheet.height,
        first_row=first_row,
        sheet=name,
        sheets=[name, *others],
        is_1904=_counts_from_1904(path, file_format),
    )


def _counts_from_1904(path: Path, file_format: str) -> bool:
    if file_format == "xls":
        from core.workbooks import compound

        return compound.inspect(path).is_1904
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.lower().endswith("workbook.xml"):
                with archive.open(name) as part:
                    if _IS_1904.search(part.read(_HEAD_SIZE)):
                        return True
    return False


def width_of(rows: Iterable[list[Any]]) -> int:
    """How many cells the widest of the rows has, empty ones at its end not counted."""
    return max((_filled(row) for row in rows), default=0)


def is_blank(cell: Any) -> bool:
    return isinstance(cell, str) and not cell.strip()


def _filled(row: list[Any]) -> int:
    width = len(row)
    while width and is_blank(row[width - 1]):
        width -= 1
    return width
