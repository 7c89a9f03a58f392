"""The only place that writes workbooks and CSV for people: nothing in a cell ever comes alive.

A name that begins with ``=`` must open as that name, not as a formula. Cells of a workbook are
texts unless a number or a date is meant; a CSV has no types, so what a spreadsheet would compute,
round or cut is kept still by a leading apostrophe. One writer for small and large: XlsxWriter in
constant memory, a row at a time.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from io import StringIO
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from django.utils import timezone

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV = "text/csv; charset=utf-8"

# What begins a formula, in half and full width, and what separates cells or lines before one.
LIVE = "=+-@\t\r\n＝＋－＠"
# A spreadsheet rounds longer numbers to 15 digits and cuts leading zeros.
_ONLY_DIGITS = re.compile(r"[0-9]{12,}|0[0-9]+")
_NUMBER = re.compile(r"-?[0-9]{1,11}(\.[0-9]{1,6})?")
# What XML 1.0 cannot carry at all.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_LONGEST = 32_767
_LONGEST_NOTE = 2_000
_EXACT = 1e15


@dataclass(frozen=True)
class Watermark:
    """Who took the rows out, when and what for; stands above the rows and below every printed page."""

    name: str
    when: datetime
    purpose: str
    mark: str = ""

    def __str__(self) -> str:
        moment = timezone.localtime(self.when).strftime("%Y-%m-%d %H:%M")
        parts = (f"导出人：{self.name}", f"时间：{moment}", f"用途：{self.purpose}", self.mark)
        return "，".join(part for part in parts if part)


def still(text: str) -> str:
    """A text for a CSV cell that no spreadsheet computes, rounds or cuts.

    >>> still("=1+1"), still("410324100203"), still("张三"), still("-3.5")
    ("'=1+1", "'410324100203", '张三', '-3.5')
    """
    if text.startswith("'"):
        # So that taking one apostrophe away always gives the text back.
        return f"'{text}"
    if _NUMBER.fullmatch(text) and not _ONLY_DIGITS.fullmatch(text):
        return text
    bare = text.lstrip(" \u3000\u00a0\ufeff\u200b")
    if text[:1] in tuple(LIVE) or bare[:1] in tuple(LIVE) or _ONLY_DIGITS.fullmatch(text):
        return f"'{text}"
    return text


def unstill(text: str) -> str:
    """What `still` was given."""
    return text.removeprefix("'")


def writable(value: Any) -> str:
    """A text that XML carries and a cell holds."""
    return _UNWRITABLE.sub("", "" if value is None else str(value))[:_LONGEST]


class Book:
    """A workbook with one sheet, written row by row; use as a context manager.

    Texts stay texts whatever they look like, also a text of digits. `int`, `float` and `Decimal`
    become numbers, `date` and `datetime` dates, True and False 是 and 否, None an empty cell.
    """

    def __init__(
        self,
        target: Path | str | IO[bytes],
        title: str,
        headers: Sequence[str],
        *,
        mark: Watermark | None = None,
        widths: Sequence[int] = (),
    ) -> None:
        import xlsxwriter

        self.rows = 0
        self._book = xlsxwriter.Workbook(
            str(target) if isinstance(target, Path) else target,
            {
                "constant_memory": True,
                # The methods used below write what they are told; this closes the others too.
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
            },
        )
        self._sheet = self._book.add_worksheet(_sheet_name(title))
        bold = self._book.add_format({"bold": True})
        self._day = self._book.add_format({"num_format": "yyyy-mm-dd"})
        for column, width in enumerate(widths):
            self._sheet.set_column(column, column, width)
        self._next = 0
        self._fills: dict[str, Any] = {}
        if mark:
            self._book.set_properties({"comments": str(mark)[:255]})
            # & begins a code in a footer.
            self._sheet.set_footer(f"&L{str(mark).replace('&', '&&')[:200]}&R&P/&N")
            self._sheet.write_string(0, 0, writable(mark))
            self._next = 1
        if headers:
            for column, header in enumerate(headers):
                self._sheet.write_string(self._next, column, writable(header), bold)
            self._next += 1
            self._sheet.freeze_panes(self._next, 0)

    def append(self, cells: Iterable[Any]) -> None:
        for column, value in enumerate(cells):
            self._write(column, value)
        self._next += 1
        self.rows += 1

    def append_texts(
        self,
        cells: Sequence[str],
        *,
        at: int = 0,
        fills: Mapping[int, str] | None = None,
        notes: Mapping[int, str] | None = None,
    ) -> None:
        """A row of texts as they are; `at` is its number as a spreadsheet shows it, rows before it
        stay blank. `fills` are colours (``#RRGGBB``) by column from 0, `notes` words that a
        spreadsheet shows beside a cell."""
        self._next = max(self._next, at - 1)
        fills = fills or {}
        for column, text in enumerate(cells):
            look = self._filled(fills[column]) if column in fills else None
            if text:
                # What can be printed can be written, and a city has millions of cells.
                is_plain = text.isprintable() and len(text) <= _LONGEST
                words = text if is_plain else writable(text)
                self._sheet.write_string(self._next, column, words, look)
            elif look:
                self._sheet.write_blank(self._next, column, None, look)
        for column, note in (notes or {}).items():
            self._sheet.write_comment(
                self._next, column, writable(note)[:_LONGEST_NOTE], {"x_scale": 2, "y_scale": 1.5}
            )
        self._next += 1
        self.rows += 1

    def offer(self, column: int, words: Sequence[str], *, rows: int) -> None:
        """Let the next `rows` rows of a column be chosen from a list; other words are refused."""
        self._sheet.data_validation(
            self._next, column, self._next + rows - 1, column,
            {
                "validate": "list", "source": list(words), "error_title": "请从列表中选择",
                "error_message": "、".join(words)[:255],
            },
        )  # fmt: skip

    def _filled(self, colour: str) -> Any:
        if colour not in self._fills:
            self._fills[colour] = self._book.add_format({"bg_color": colour, "pattern": 1})
        return self._fills[colour]

    def _write(self, column: int, value: Any) -> None:
        if value is None or value == "":
            return
        if isinstance(value, bool):
            self._sheet.write_string(self._next, column, "是" if value else "否")
        elif isinstance(value, int | float | Decimal):
            # More digits than a spreadsheet keeps are a text, and so is what is no number at all.
            if -_EXACT < float(value) < _EXACT:
                self._sheet.write_number(self._next, column, value)
            else:
                self._sheet.write_string(self._next, column, str(value))
        elif isinstance(value, datetime):
            text = timezone.localtime(value) if timezone.is_aware(value) else value
            self._sheet.write_string(self._next, column, text.strftime("%Y-%m-%d %H:%M"))
        elif isinstance(value, date):
            self._sheet.write_datetime(self._next, column, value, self._day)
        else:
            self._sheet.write_string(self._next, column, writable(value))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._book.close()


def _sheet_name(title: str) -> str:
    """Excel's rules for the name of a sheet."""
    return re.sub(r"[\[\]:*?/\\']", " ", writable(title)).strip()[:31] or "表"


def csv_lines(
    headers: Sequence[str], rows: Iterable[Iterable[Any]], *, mark: Watermark | None = None
) -> Iterator[str]:
    """The lines of a CSV for spreadsheets, each ending in CRLF; begins with a byte order mark."""
    buffer = StringIO()
    writer = csv.writer(buffer)

    def line(cells: Iterable[Any]) -> str:
        buffer.seek(0)
        buffer.truncate()
        writer.writerow([still(_plain(value)) for value in cells])
        return buffer.getvalue()

    yield "\ufeff"
    if mark:
        yield line([str(mark)])
    yield line(headers)
    for row in rows:
        yield line(row)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, datetime):
        moment = timezone.localtime(value) if timezone.is_aware(value) else value
        return moment.strftime("%Y-%m-%d %H:%M")
    return writable(value)


def write(
    path: Path,
    kind: str,
    title: str,
    headers: Sequence[str],
    rows: Iterable[Iterable[Any]],
    *,
    mark: Watermark | None = None,
) -> int:
    """Write a file of kind "xlsx" or "csv"; how many rows it holds."""
    count = 0

    def counted() -> Iterator[Iterable[Any]]:
        nonlocal count
        for row in rows:
            count += 1
            yield row

    if kind == "xlsx":
        with Book(path, title, headers, mark=mark) as book:
            for row in counted():
                book.append(row)
    else:
        with path.open("w", encoding="utf-8", newline="") as file:
            file.writelines(csv_lines(headers, counted(), mark=mark))
    return count
