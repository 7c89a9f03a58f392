"""A workbook from outside is hostile until proven: what is looked at before and while parsing.

The parser runs in a child with limits of its own (`core.workbooks.child`, `core.workbooks.confine`);
this module refuses what needs no parser to be refused. Every refusal has a stable code and words for
a clerk (`core.workbooks.refusal`). The limits (`core.workbooks.limits`), and where each comes from:

=================== ============= ====================================================================
MAX_FILE            200 MB        a full city of 492,569 persons × 25 columns is 54 MB as XLSX, 130 MB
                                  as CSV; four times the first, half as much again as the second
MAX_XLS             80 MB         the format ends at 65,536 rows × 256 columns a sheet
MAX_ENTRIES         400           a workbook has a dozen parts and two per sheet and picture
MAX_DIRECTORY       1 MB          400 names of the longest kind; held in memory to be looked at
MAX_UNPACKED        2 GB          a full city unpacks to 650 MB
MAX_RATIO           300           a full city packs 12 times, sparse tables 30 times; deflate ends at
                                  1,032
MAX_ROWS            1,000,000     twice a full city, and a sheet ends at 1,048,576; which of the limits
                                  is met first depends on the columns. Of 25 columns, a CSV reaches
                                  some 750,000 rows (MAX_FILE), an XLSX 540,000 (MAX_CELLS), an .xls
                                  65,536 (its format)
MAX_COLUMNS         300           the widest export known has 156
MAX_AREA            50,000,000    cells of last row × last column; the parser takes 24 bytes for each,
                                  empty or not
MAX_CELLS           13,500,000    cells that hold something, of an XLSX: each takes the child some 115
                                  bytes, measured at a full city's 12.3 million (24 for its place, 32
                                  while it is read, the rest for its text and for how it was read), so
                                  PARSER_MEMORY ends there. Longer texts end it before: "memory"
MAX_CELL_TEXT       32,767        Excel's own limit of characters in a cell
MAX_STRINGS         2,000,000     shared strings: four texts of its own for every person of a city
MAX_DEPTH           64            elements; a sound part is some ten deep
MAX_ATTRIBUTES      256           of one element; a sound one has under 30
MAX_NAMES           10,000        different element and attribute names, which the XML parser keeps
MAX_TOKEN           1 MB          one tag or comment, which the XML parser reads as a whole
MAX_LINE            4 M           characters in a line of a CSV
PARSER_MEMORY       1,500 MB      address space of the child, so its resident memory stays below 1.5 GB;
                                  a full city of 25 columns takes 1,379 MB of it, 1,154 MB resident
PARSER_CPU_SECONDS  240           a full city takes 25
PARSER_SECONDS      300           wall clock, the child is killed then; security goal for one file
PARSER_FILES        16            open files of the child
MAX_DEATHS          3             times a file may kill the child before it is not tried again
=================== ============= ====================================================================

Error values of formulas (#N/A and the like) are read as empty cells, formulas as their stored result.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from core.workbooks import archives, compound, markup, plaintext
from core.workbooks.limits import (
    MAX_AREA,
    MAX_CELL_TEXT,
    MAX_CELLS,
    MAX_COLUMNS,
    MAX_DEATHS,
    MAX_ENTRIES,
    MAX_FILE,
    MAX_RATIO,
    MAX_ROWS,
    MAX_STRINGS,
    MAX_UNPACKED,
    MAX_XLS,
    PARSER_CPU_SECONDS,
    PARSER_MEMORY,
    PARSER_SECONDS,
)
from core.workbooks.refusal import RefusedError, refused

__all__ = [
    "MAX_AREA",
    "MAX_CELLS",
    "MAX_CELL_TEXT",
    "MAX_COLUMNS",
    "MAX_DEATHS",
    "MAX_ENTRIES",
    "MAX_FILE",
    "MAX_RATIO",
    "MAX_ROWS",
    "MAX_STRINGS",
    "MAX_UNPACKED",
    "MAX_XLS",
    "PARSER_CPU_SECONDS",
    "PARSER_MEMORY",
    "PARSER_SECONDS",
    "RefusedError",
    "inspect",
    "inspect_archive",
    "inspect_xml",
    "refused",
    "tell_format",
]

XLSX, XLS, CSV = "xlsx", "xls", "csv"
_ZIP = b"PK\x03\x04"
_TYPES = "[Content_Types].xml"
_WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
_ACTIVE_TYPES = ("macroenabled", "vbaproject", "activex")
_BINARY_TYPE = "sheet.binary"
_SHEET_OF_OTHERS = b"application/vnd.oasis.opendocument.spreadsheet"
_LARGEST_TYPES = 1024 * 1024
# First bytes of archives, old office files, programs and documents that have no place in a workbook.
_FOREIGN = (
    b"PK\x03\x04", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\xd0\xcf\x11\xe0",
    b"MZ", b"\x7fELF", b"%PDF",
)  # fmt: skip
_BAD_PARTS = ("vbaproject.bin", "externallinks/", "activex/", "embeddings/")
_NESTED = (".zip", ".xlsx", ".xlsm", ".xlsb", ".xls", ".rar", ".7z")
_XML_NAMES = (".xml", ".rels", ".vml")
# Workbooks of the programs before Excel 97, which have no compound file around them.
_OLD_XLS = (
    b"\x09\x00\x04\x00", b"\x09\x02\x06\x00", b"\x09\x04\x06\x00", b"\x09\x08\x08\x00",
    b"\x09\x08\x10\x00",
)  # fmt: skip
_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"II*\x00", b"MM\x00*")
# Pages and old XML tables that are called .xls.
_PAGES = (
    b"<!doctype html",
    b"<html",
    b"<table",
    b"<head",
    b"<meta",
    b"<style",
    b"<?xml",
    b"mime-version:",
)


def tell_format(path: Path) -> str:
    """ "xlsx", "xls" or "csv", told by the contents; refuses what is neither."""
    size = path.stat().st_size
    if size == 0:
        raise refused("empty")
    if size > MAX_FILE:
        raise refused("size", limit=MAX_FILE // 1024**2)
    with path.open("rb") as file:
        head = file.read(plaintext.HEAD)
    if head.startswith(_ZIP):
        return XLSX
    if head.startswith(compound.MAGIC[:4]):
        return XLS
    if head.startswith(_OLD_XLS):
        raise refused("old")
    if head.startswith((*_FOREIGN, *_PICTURES)):
        raise refused("format")
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith(_PAGES):
        raise refused("html")
    if text.startswith(b"{\\rtf") or not plaintext.looks_like_text(head):
        raise refused("format")
    return CSV


def inspect(path: Path, file_format: str = XLSX) -> str:
    """Refuse by size, kind and directory, unpacking nothing but the list of parts; the format.

    `file_format` is what the file was taken for before: a file that is another by now is refused.
    """
    told = tell_format(path)
    if told != file_format:
        raise refused("format")
    if told == XLSX:
        inspect_archive(path)
    elif told == XLS:
        compound.inspect(path)
    return told


def inspect_archive(path: Path) -> None:
    """Refuse by file size, magic and archive directory, and by the first bytes of every part."""
    if tell_format(path) != XLSX:
        raise refused("format")
    parts = archives.parts(path)
    for part in parts:
        name = part.name.lower()
        if any(bad in name for bad in _BAD_PARTS):
            raise refused("active")
        if name.endswith(_NESTED):
            raise refused("nested")
    with archives.readable():
        _inspect_kind(path, parts)
        for part in parts:
            if not part.name.endswith("/") and _first(path, part).startswith(_FOREIGN):
                raise refused("nested")


def _inspect_kind(path: Path, parts: list[archives.Part]) -> None:
    """What the archive is, told by its list of contents and not by any name."""
    by_name = {part.name: part for part in parts}
    if _TYPES not in by_name:
        kind = by_name.get("mimetype")
        raise refused(
            "ods" if kind and _first(path, kind).startswith(_SHEET_OF_OTHERS) else "format"
        )
    content = archives.whole(path, by_name[_TYPES], _LARGEST_TYPES)
    try:
        look = markup.inspect(lambda: iter([content]), len(content), _TYPES)
    except RefusedError as refusal:
        if refusal.code == "damaged":
            raise refused("format") from refusal
        raise
    types = {kind.lower() for kind in look.types} if look else set()
    if any(_BINARY_TYPE in kind for kind in types):
        raise refused("xlsb")
    if any(active in kind for kind in types for active in _ACTIVE_TYPES):
        raise refused("active")
    if _WORKBOOK not in types:
        raise refused("format")


def _first(path: Path, part: archives.Part) -> bytes:
    return next(archives.unpack(path, part), b"")[:64]


def inspect_xml(path: Path, *, alive: Callable[[], None] = lambda: None) -> None:
    """Unpack every part as a stream and look through its XML: nothing hidden, all within limits.

    `alive` is called for every megabyte, so that a caller can show progress or stop.
    """
    with archives.readable():
        for part in archives.parts(path):
            if part.name.endswith("/"):
                continue
            if _is_xml(path, part):
                pieces = partial(archives.unpack, path, part, alive)
                markup.inspect(pieces, part.size, part.name)
            else:
                for _ in archives.unpack(path, part, alive):
                    pass


def _is_xml(path: Path, part: archives.Part) -> bool:
    """By its name, or by how it begins: a picture may be called .xml, and XML .png."""
    if part.name.lower().endswith(_XML_NAMES):
        return True
    first = _first(path, part)
    if first[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise refused("encoding")
    return first.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<")


def unpacked_size(path: Path) -> int:
    """How many bytes an archive's directory says it unpacks to."""
    return sum(part.size for part in archives.parts(path))
