"""The XML of a workbook, looked through without being built.

A part is looked at exactly, event by event, by a real XML parser. That takes a minute for a city's
650 MB, so a large part is first looked at quickly: a part in which every byte search is bound to find
what a parser would find (UTF-8, nothing but plain tags, every cell under its plain reference, no long
stretch without a cell) and which stays inside all limits needs no more. Whatever is written
otherwise, however harmless, is looked at exactly; the quick look refuses nothing but too many strings
or cells.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any
from xml.parsers import expat

from core.workbooks import limits
from core.workbooks.refusal import refused

# Below this an exact look costs a tenth of a second.
SMALL = 2 * 1024 * 1024
_DECLARED = re.compile(rb"""\bencoding\s*=\s*["']([^"']*)["']""")
# Enough for any declaration; a longer one is none.
_FRONT = 4 * 1024
_UTF8_MARK = b"\xef\xbb\xbf"
_ROOT = re.compile(rb"<([A-Za-z]+)[ >]")
_REFERENCE = re.compile(r"([A-Za-z]{1,3})([0-9]{1,7})")
_ROW = re.compile(r"[0-9]{1,7}")
_PLAIN_REFERENCE = re.compile(rb'<c r="([A-Z]{1,2})([0-9]{1,6})"')
_STRING_TAGS = (b"<si>", b"<si ", b"<si/")
_LAST_CELL = b'<c r="'
# How far a sheet says it reaches, at its beginning; believed only as a reason to count its cells.
_DIMENSION = re.compile(rb'<dimension ref="[A-Z]{1,3}[0-9]{1,7}:([A-Z]{1,3})([0-9]{1,7})"')
# Ends of what a cell holds; an empty one that carries a format has none.
_HELD = (b"</v>", b"</is>")
# Any text beyond a cell's limit holds one of these windows whole.
_WINDOW = 16 * 1024
_MARKS = {
    b"worksheet": (b"<c ", b"<row ", b"<mergeCell ", b"<hyperlink ", b"<cfRule "),
    b"sst": (b"<si>", b"<si ", b"<si/"),
}
# What calls for an exact look: comments, character data, instructions, names with a prefix.
_UNPLAIN = {
    b"worksheet": (b"<!", b"<?", b":c ", b":c>", b":c\t", b":c\n", b":c\r", b":row"),
    b"sst": (b"<!", b"<?", b":si", b"<row", b"<sheetData"),
}
# First bytes of all of them, which are rare enough to be looked for alone.
_HINTS = {b"worksheet": (b"!", b"?", b":"), b"sst": (b"!", b"?", b":", b"<row", b"<sheetData")}
_ACTIVE = ("externalLink", "oleObject", "vbaProject", "attachedToolbars", "package", "control")
_PARSED = ("officeDocument", "worksheet", "sharedStrings", "styles")

Pieces = Callable[[], Iterator[bytes]]


def inspect(pieces: Pieces, size: int, name: str) -> "Look | None":
    """Refuse what must not be read; the look tells what an exact one has seen, if there was one."""
    stream = pieces()
    first = b""
    while len(first) < _FRONT and (piece := next(stream, b"")):
        first += piece
    refuse_encoding(first)
    if size > SMALL and _is_plain(first, stream, name):
        return None
    look = Look()
    look.read(pieces())
    return look


def refuse_encoding(first: bytes) -> None:
    """Only UTF-8 is looked through: in anything else the searches and the parser could disagree."""
    if b"\x00" in first[:4] or first[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise refused("encoding")
    begin = len(_UTF8_MARK) if first.startswith(_UTF8_MARK) else 0
    if not first.startswith(b"<?xml", begin):
        return
    end = first.find(b"?>", begin, _FRONT)
    if end < 0:
        raise refused("markup")
    for declared in _DECLARED.findall(first, begin, end):
        if declared.lower() not in (b"utf-8", b"utf8"):
            raise refused("encoding")


def _is_plain(first: bytes, rest: Iterator[bytes], name: str) -> bool:
    begin = _after_declaration(first)
    root = _ROOT.match(first, begin)
    kind = root[1] if root else b""
    if kind not in _MARKS or (kind == b"worksheet" and "sharedstrings" in name.lower()):
        return False
    quick = _Quick(kind)
    tail = first[begin:]
    for piece in rest:
        block = tail + piece
        # Cut before a tag, so that every tag is seen whole.
        cut = block.rfind(b"<")
        if cut <= 0 or not quick.accepts(block[:cut]):
            return False
        tail = block[cut:]
    return quick.accepts(tail) and quick.is_within_limits()


def _after_declaration(first: bytes) -> int:
    at = len(_UTF8_MARK) if first.startswith(_UTF8_MARK) else 0
    if first.startswith(b"<?xml", at):
        at = max(at, first.find(b"?>", at) + 2)
    while first[at : at + 1].isspace():
        at += 1
    return at


class _Quick:
    """Searches over blocks of whole tags; remembers how far the cells reach."""

    def __init__(self, kind: bytes) -> None:
        self.marks, self.unplain, self.hints = _MARKS[kind], _UNPLAIN[kind], _HINTS[kind]
        self.is_sheet = kind == b"worksheet"
        self.columns, self.rows, self.strings, self.cells = 1, 0, 0, 0
        # Whether cells are to be counted, which costs seconds; None before the first block.
        self.counts: bool | None = None

    def accepts(self, block: bytes) -> bool:
        if any(hint in block for hint in self.hints) and any(
            sign in block for sign in self.unplain
        ):
            return False
        for at in range(0, len(block) - _WINDOW + 1, _WINDOW):
            if all(block.find(mark, at, at + _WINDOW) < 0 for mark in self.marks):
                return False
        if self.is_sheet:
            self._count_cells(block)
            return self._are_plain_cells(block)
        # Every one is a tag here: nothing in these blocks could be anything else.
        self.strings += sum(block.count(tag) for tag in _STRING_TAGS)
        if self.strings > limits.MAX_STRINGS:
            raise refused("strings")
        return True

    def _count_cells(self, block: bytes) -> None:
        if self.counts is None:
            told = _DIMENSION.search(block, 0, _FRONT)
            area = column(told[1].decode()) * int(told[2]) if told else 0
            self.counts = area > limits.MAX_CELLS
        if self.counts:
            self.cells += sum(block.count(end) for end in _HELD)
            if self.cells > limits.MAX_CELLS:
                raise refused("large", limit=limits.MAX_CELLS)

    def _are_plain_cells(self, block: bytes) -> bool:
        at = 0
        while odd := _other_than(self.columns).search(block, at):
            reference = _PLAIN_REFERENCE.match(block, odd.start())
            if not reference:
                return False
            self.columns = max(self.columns, column(reference[1].decode()))
            if self.columns > limits.MAX_COLUMNS:
                return False
            at = reference.end()
        # Rows ascend in a sound file; where they do not, the parser's own limits are what is left.
        if last := _PLAIN_REFERENCE.match(block, max(0, block.rfind(_LAST_CELL))):
            self.rows = max(self.rows, int(last[2]))
        return True

    def is_within_limits(self) -> bool:
        return self.rows * self.columns <= limits.MAX_AREA


@cache
def _other_than(columns: int) -> re.Pattern[bytes]:
    """Finds a cell whose tag does not begin with a reference to one of the first `columns`."""
    letters = f"[A-{chr(64 + min(columns, 26))}]"
    if columns > 26:
        whole, rest = divmod(columns - 26, 26)
        if whole:
            letters += f"|[A-{chr(64 + whole)}][A-Z]"
        if rest:
            letters += f"|{chr(65 + whole)}[A-{chr(64 + rest)}]"
    # Other tags begin with a c as well: cols, cfRule.
    return re.compile(f'<c(?! r="(?:{letters})[0-9]{{1,6}}"|[A-Za-z])'.encode())


def column(letters: str) -> int:
    """The column's number, A is 1."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number


class Look:
    """An exact look at one part. Empty cells count for nothing: whole columns carry a format."""

    def __init__(self) -> None:
        self.parser = expat.ParserCreate("UTF-8")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.depth = 0
        self.row = self.column = 0
        # How deep the cell or shared string lies that text belongs to; 0 outside of any.
        self.holder = 0
        self.is_cell = self.is_filled = False
        self.text = 0
        self.cells = 0
        self.last_row = self.last_column = 0
        self.strings = 0
        self.types: set[str] = set()

    def read(self, pieces: Iterable[bytes]) -> None:
        fed = 0
        try:
            for piece in pieces:
                # A long unfinished token is looked at again with every piece.
                for at in range(0, len(piece), limits.MAX_TOKEN // 4):
                    some = piece[at : at + limits.MAX_TOKEN // 4]
                    fed += len(some)
                    self.parser.Parse(some, False)
                    if fed - self.parser.CurrentByteIndex > limits.MAX_TOKEN:
                        raise refused("markup")
                if len(self.parser.intern) > limits.MAX_NAMES:
                    raise refused("markup")
            self.parser.Parse(b"", True)
        except expat.ExpatError as error:
            raise refused("damaged") from error

    def _doctype(self, *_: Any) -> None:
        raise refused("dtd")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if self.depth > limits.MAX_DEPTH or len(attributes) > limits.MAX_ATTRIBUTES:
            raise refused("markup")
        tag = name.rpartition(":")[2]
        if tag == "c":
            self._cell(attributes.get("r"))
        elif tag == "row":
            self._row(attributes.get("r"))
        elif tag == "si":
            self.strings += 1
            if self.strings > limits.MAX_STRINGS:
                raise refused("strings")
            self.holder, self.is_cell, self.text = self.depth, False, 0
            self.is_filled = False
        elif not self.holder:
            self.text = 0
            self._other(tag, attributes)

    def _other(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "Relationship":
            _inspect_relation(attributes)
        elif tag in ("Default", "Override"):
            self.types.add(attributes.get("ContentType", ""))

    def _row(self, number: str | None) -> None:
        if number is None:
            self.row += 1
        elif _ROW.fullmatch(number):
            self.row = int(number)
        elif number.isdecimal():
            raise refused("rows", limit=limits.MAX_ROWS)
        else:
            raise refused("markup")
        self.column = 0

    def _cell(self, reference: str | None) -> None:
        self.holder, self.is_cell, self.text = self.depth, True, 0
        self.is_filled = False
        self.column += 1
        if reference is None:
            return
        found = _REFERENCE.fullmatch(reference)
        if not found:
            raise refused("markup")
        self.column, self.row = column(found[1]), int(found[2])

    def _text(self, text: str) -> None:
        if not self.holder:
            return
        self.text += len(text)
        if self.text > limits.MAX_CELL_TEXT:
            raise refused("cell", limit=limits.MAX_CELL_TEXT)
        if self.is_cell and not text.isspace():
            self._reach()

    def _reach(self) -> None:
        """The cell holds something: how far the sheet reaches now."""
        self.is_filled = True
        if self.row > self.last_row:
            self.last_row = self.row
        if self.column > self.last_column:
            self.last_column = self.column
        if self.last_row > limits.MAX_ROWS + limits.TITLE_ROWS:
            raise refused("rows", limit=limits.MAX_ROWS)
        if self.last_column > limits.MAX_COLUMNS:
            raise refused("columns", limit=limits.MAX_COLUMNS)
        if self.last_row * self.last_column > limits.MAX_AREA:
            raise refused("area")

    def _end(self, _: str) -> None:
        if self.depth == self.holder:
            self.holder = 0
            self.cells += self.is_filled
            if self.cells > limits.MAX_CELLS:
                raise refused("large", limit=limits.MAX_CELLS)
        self.depth -= 1


def _inspect_relation(attributes: dict[str, str]) -> None:
    kind = attributes.get("Type", "").rpartition("/")[2]
    is_outside = attributes.get("TargetMode", "").lower() == "external"
    if kind in _ACTIVE or (is_outside and kind != "hyperlink"):
        raise refused("active")
    if kind in _PARSED and not attributes.get("Target", "").lower().endswith(".xml"):
        # What the parser reads must be among what is looked through.
        raise refused("markup")
