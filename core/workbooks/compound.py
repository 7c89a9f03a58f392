"""The compound file that an .xls is: which streams it has, and the first records of its workbook.

Record numbers and their meaning are those of [MS-XLS], the binary format of Excel 97 to 2003 (BIFF8).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import olefile

from core.workbooks import limits
from core.workbooks.refusal import RefusedError, refused

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_BOF, _EOF = 0x0809, 0x000A
_FILEPASS, _DATEMODE, _BOUNDSHEET, _SUPBOOK = 0x002F, 0x0022, 0x0085, 0x01AE
_BIFF8 = 0x0600
_MACRO_SHEETS = (1, 6)
# Links inside the workbook itself and to add-in functions; any other is a link to elsewhere.
_OWN_LINKS = (0x0401, 0x3A01)
_ENCRYPTED = {"encryptedpackage", "encryptioninfo"}
# Stores of macros and of objects put into the sheet.
_ACTIVE = ("_vba_project_cur", "macros", "vba", "objectpool", "mbd")
# Globals of the largest workbooks have some thousands: a name, a font, a format each.
_MAX_RECORDS = 500_000


@dataclass(frozen=True)
class Globals:
    """What the workbook says about all its sheets."""

    is_1904: bool


def inspect(path: Path) -> Globals:
    """Refuse an old, encrypted or active workbook, and one whose chains of sectors are broken."""
    if path.stat().st_size > limits.MAX_XLS:
        raise refused("size", limit=limits.MAX_XLS // 1024**2)
    try:
        with olefile.OleFileIO(str(path)) as file:
            return _globals(_workbook(file))
    except RefusedError:
        raise
    except Exception as error:
        # The reader of compound files raises whatever a forged sector makes its arithmetic raise.
        raise refused("damaged") from error


def _workbook(file: olefile.OleFileIO) -> bytes:
    _inspect_chains(file)
    names = [[name.lower() for name in entry] for entry in file.listdir()]
    tops = {entry[0] for entry in names}
    if tops & _ENCRYPTED:
        raise refused("encrypted")
    if any(top.startswith(_ACTIVE) for top in tops):
        raise refused("active")
    if "workbook" in tops:
        content: bytes = file.openstream("Workbook").read()
        return content
    raise refused("old" if "book" in tops else "format")


def _inspect_chains(file: olefile.OleFileIO) -> None:
    """Every sector follows at most one other and none leads back: a chain ends, and is one's own.

    The parser follows a chain until it ends, and keeps what it has read on the way.
    """
    file.loadminifat()
    large: set[int] = {file.first_dir_sector}
    small: set[int] = set()
    for entry in file.direntries:
        if entry is not None and entry.size and entry.entry_type != olefile.STGTY_STORAGE:
            is_small = entry.is_minifat
            (small if is_small else large).add(entry.isectStart)
    for table, starts in ((file.fat, large), (file.minifat, small)):
        followed = [sector for sector in table if sector < len(table)]
        if len(set(followed)) != len(followed) or starts.intersection(followed):
            raise refused("damaged")


def _globals(stream: bytes) -> Globals:
    records = _records(stream)
    number, first = next(records, (0, b""))
    if number != _BOF or len(first) < 4:
        raise refused("damaged")
    if struct.unpack_from("<H", first)[0] != _BIFF8:
        raise refused("old")
    is_1904 = False
    for number, body in records:
        if number == _EOF:
            return Globals(is_1904)
        if number == _FILEPASS:
            raise refused("encrypted")
        if number == _BOUNDSHEET and len(body) > 5 and body[5] in _MACRO_SHEETS:
            raise refused("active")
        if number == _SUPBOOK and struct.unpack_from("<H", body, 2)[0] not in _OWN_LINKS:
            raise refused("active")
        if number == _DATEMODE:
            is_1904 = body[:1] == b"\x01"
    raise refused("damaged")


def _records(stream: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    for _ in range(_MAX_RECORDS):
        if at + 4 > len(stream):
            return
        number, size = struct.unpack_from("<HH", stream, at)
        yield number, stream[at + 4 : at + 4 + size]
        at += 4 + size
