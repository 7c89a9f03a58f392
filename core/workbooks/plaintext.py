"""Tables as text: which encoding, which separator, and the rows one by one.

The encoding is decided by every byte of the file, not by its first kilobytes: a file that is UTF-8 up
to row 90,000 and broken there is refused with that row, not read as something else. Rows are numbered
as a spreadsheet shows them: a quoted line break makes no new row.
"""

import codecs
import csv
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from core.workbooks import limits
from core.workbooks.refusal import refused

UTF8, GB18030, UTF16 = "UTF-8", "GB18030", "UTF-16"
# Python's codecs: all strict, a mark at the beginning is not text.
_CODECS = {UTF8: "utf-8-sig", GB18030: "gb18030", UTF16: "utf-16"}
_UTF8_MARK = codecs.BOM_UTF8
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_UTF32_MARK = codecs.BOM_UTF32_LE
_PIECE = 1024 * 1024
HEAD = 64 * 1024
# Text in GB18030 is now and then valid UTF-8 for some letters, never for several Chinese ones.
_CHINESE = re.compile("[\u2e80-\uffef]")
_ENOUGH = 4
_NO_TEXT = re.compile(rb"[\x00-\x08\x0b\x0e-\x19\x1b-\x1f]")
_SEPARATORS = (",", "\t", ";")
_SAMPLE_LINES = 30
# Spreadsheets read this first line as an instruction and do not count it.
_SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
# A text that must not become a number: ="0012".
_ARMOUR = '="'


def looks_like_text(head: bytes) -> bool:
    """Whether the first bytes can be a table in text. Raises "encoding" for UTF-16 without a mark."""
    if head[:4] == _UTF32_MARK:
        raise refused("encoding")
    if head[:2] in _UTF16_MARKS:
        return True
    zeros = sorted((head[::2].count(0), head[1::2].count(0)))
    if zeros[1] * 8 > len(head) > zeros[0] * 100:
        raise refused("encoding")
    return not _NO_TEXT.search(head)


@dataclass(frozen=True)
class Told:
    """What every byte of the file says: its encoding, how many lines, whether texts are armoured."""

    encoding: str
    lines: int
    is_armoured: bool


class _BrokenError(Exception):
    """A byte that is no text in this encoding, in this line; `is_certain` when it can be no other."""

    def __init__(self, line: int, is_certain: bool) -> None:
        super().__init__(line)
        self.line, self.is_certain = line, is_certain


def tell(path: Path) -> Told:
    """Decide the encoding by strictly decoding all of it. Raises "encoding" with the first bad line."""
    with path.open("rb") as file:
        head = file.read(4)
    if head[:2] in _UTF16_MARKS:
        return _tell(path, [UTF16])
    return _tell(path, [UTF8] if head.startswith(_UTF8_MARK) else [UTF8, GB18030])


def _tell(path: Path, encodings: list[str]) -> Told:
    line = 0
    for encoding in encodings:
        try:
            return _decode(path, encoding)
        except _BrokenError as broken:
            line = broken.line
            if broken.is_certain:
                break
    raise refused("encoding", row=line)


def _decode(path: Path, encoding: str) -> Told:
    decoder = codecs.getincrementaldecoder(_CODECS[encoding])("strict")
    lines = chinese = 0
    is_armoured = False
    with path.open("rb") as file:
        while True:
            piece = file.read(_PIECE)
            try:
                text = decoder.decode(piece, final=not piece)
            except UnicodeDecodeError as error:
                before = error.object[: error.start]
                chinese += _count_chinese(before.decode(_CODECS[encoding], "ignore"))
                raise _BrokenError(
                    lines + before.count(b"\n") + 1, encoding != UTF8 or chinese >= _ENOUGH
                ) from error
            if "\x00" in text:
                raise refused("binary", row=lines + text[: text.index("\x00")].count("\n") + 1)
            if encoding == UTF8 and chinese < _ENOUGH:
                chinese += _count_chinese(text)
            is_armoured = is_armoured or _ARMOUR in text
            lines += text.count("\n")
            if not piece:
                return Told(encoding, lines + 1, is_armoured)


def _count_chinese(text: str) -> int:
    return sum(1 for _, _ in zip(_CHINESE.finditer(text), range(_ENOUGH), strict=False))


def rows(path: Path, told: Told) -> Iterator[list[str]]:
    """The rows. Raises "line", "quotes", "cell", "columns", "rows" with the row's number."""
    with path.open(encoding=_CODECS[told.encoding], errors="strict", newline="") as file:
        separator = _separator(file)
        if told.is_armoured:
            yield from map(_without_armour, _bounded(file, separator))
        else:
            yield from _bounded(file, separator)


def _separator(file: TextIO) -> str:
    """The separator that cuts the first lines most evenly; the file stands at row 1 after."""
    sample = file.read(HEAD)
    named = _SEPARATOR_LINE.match(sample)
    file.seek(0)
    if named:
        file.readline(limits.MAX_LINE)
        return named[1]
    lines = sample.splitlines(keepends=True)[:_SAMPLE_LINES]
    return max(_SEPARATORS, key=lambda one: _evenness(lines, one))


def _evenness(lines: list[str], separator: str) -> tuple[int, int]:
    """How many rows have the commonest number of columns above one, and that number."""
    try:
        widths = Counter(len(row) for row in csv.reader(lines, delimiter=separator) if len(row) > 1)
    except csv.Error:
        return 0, 0
    return max(((count, width) for width, count in widths.items()), default=(0, 0))


def _bounded(file: TextIO, separator: str) -> Iterator[list[str]]:
    csv.field_size_limit(limits.MAX_CELL_TEXT)
    number = 0
    reader = csv.reader(_lines(file, lambda: number + 1), delimiter=separator, strict=True)
    try:
        for number, row in enumerate(reader, 1):
            if len(row) > limits.MAX_COLUMNS and any(row[limits.MAX_COLUMNS :]):
                raise refused("columns", limit=limits.MAX_COLUMNS)
            if number > limits.MAX_ROWS + limits.TITLE_ROWS:
                raise refused("rows", limit=limits.MAX_ROWS)
            yield row[: limits.MAX_COLUMNS]
    except csv.Error as error:
        if "field limit" in str(error):
            raise refused("cell", limit=limits.MAX_CELL_TEXT, row=number + 1) from error
        raise refused("quotes", row=number + 1) from error


def _lines(file: TextIO, row: Callable[[], int]) -> Iterator[str]:
    while line := file.readline(limits.MAX_LINE):
        if len(line) == limits.MAX_LINE:
            raise refused("line", row=row())
        yield line


def _without_armour(row: list[str]) -> list[str]:
    return [
        cell[2:-1] if cell.startswith(_ARMOUR) and cell.endswith('"') and len(cell) > 2 else cell
        for cell in row
    ]


def even(rows: Iterable[list[str]], width: int) -> list[list[str]]:
    """The rows at one width: shorter ones filled up, as a spreadsheet shows them."""
    return [row + [""] * (width - len(row)) if len(row) < width else row[:width] for row in rows]
