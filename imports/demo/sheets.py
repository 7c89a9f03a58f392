"""Writing one large sheet of text cells fast, in constant memory.

XlsxWriter makes the package (types, styles, head row); the body is streamed into its sheet in the
XML that XlsxWriter itself writes for text. Cell by cell XlsxWriter needs 9 µs and openpyxl 16 µs,
which for a city's ten million cells is most of the work; a row written as one string needs 1.5 µs
a cell, packing included.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

_SHEET = "xl/worksheets/sheet1.xml"
# A fixed time makes equal content equal files.
_WHEN = datetime(2019, 1, 1, tzinfo=UTC)
_DATE = (1980, 1, 1, 0, 0, 0)
_CHUNK = 2_000
# What no text of ours contains parts the cells of a row while they are escaped together.
_UNIT = "\x1f"
_BLANK = re.compile(r"[ \u3000]")
_PRESERVE = ' xml:space="preserve"'


class TextSheet:
    """A workbook with one sheet of texts, written row by row; use as a context manager."""

    def __init__(
        self, path: Path, title: str, headers: Sequence[str], above: Sequence[str] = ()
    ) -> None:
        self.rows = 1 + len(above)
        self._starts = [f'<c r="{_letters(at)}' for at in range(len(headers))]
        self._waiting: list[str] = []
        package = _package(title, headers, above)
        head, _, self._tail = package[_SHEET].decode().partition("</sheetData>")
        self._zip = ZipFile(path, "w", ZIP_DEFLATED)
        for name, data in package.items():
            if name != _SHEET:
                self._zip.writestr(_entry(name), data)
        self._part: IO[bytes] = self._zip.open(_entry(_SHEET), "w", force_zip64=True)
        self._part.write(_without_dimension(head).encode())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._flush()
        self._part.write(f"</sheetData>{self._tail}".encode())
        self._part.close()
        self._zip.close()

    def append(self, cells: Sequence[str]) -> None:
        """One more row; empty texts leave their cells out."""
        self.rows += 1
        whole = _UNIT.join(cells)
        if "&" in whole or "<" in whole or ">" in whole:
            cells = escape(whole).split(_UNIT)
        # Outer blanks are dropped by readers unless the cell says otherwise.
        spaced = _BLANK.search(whole) and any(cell != cell.strip() for cell in cells)
        end = f'{self.rows}" t="inlineStr"><is><t{_PRESERVE if spaced else ""}>'
        body = "".join(
            [
                f"{start}{end}{text}</t></is></c>"
                for start, text in zip(self._starts, cells, strict=True)
                if text
            ]
        )
        self._waiting.append(f'<row r="{self.rows}">{body}</row>')
        if len(self._waiting) >= _CHUNK:
            self._flush()

    def _flush(self) -> None:
        self._part.write("".join(self._waiting).encode())
        self._waiting.clear()


def _package(title: str, headers: Sequence[str], above: Sequence[str]) -> dict[str, bytes]:
    """The parts of a workbook that has only its head row, below rows of one title each."""
    import xlsxwriter

    data = BytesIO()
    book = xlsxwriter.Workbook(data, {"constant_memory": True, "in_memory": True})
    book.set_properties({"created": _WHEN.replace(tzinfo=None)})
    sheet = book.add_worksheet(title)
    for row, text in enumerate(above):
        sheet.merge_range(row, 0, row, max(1, len(headers) - 1), text)
    for column, header in enumerate(headers):
        sheet.write_string(len(above), column, header)
    book.close()
    with ZipFile(data) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _entry(name: str) -> ZipInfo:
    entry = ZipInfo(name, _DATE)
    entry.compress_type = ZIP_DEFLATED
    return entry


def _without_dimension(head: str) -> str:
    """The range is not known before the end, and readers do without it."""
    before, _, rest = head.partition("<dimension ")
    return before + rest.partition("/>")[2]


def _letters(at: int) -> str:
    """Column letters for an index from 0: A … Z, AA …"""
    return chr(65 + at) if at < 26 else _letters(at // 26 - 1) + chr(65 + at % 26)
