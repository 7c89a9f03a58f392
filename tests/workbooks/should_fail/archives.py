"""Archives that lie: about sizes, names, places, about being one archive."""

import io
import struct
import zipfile
import zlib

from tests.workbooks import build, family
from tests.workbooks.packing import SHEET_PART, Forged, pack, parts, row, sheet, workbook
from tests.workbooks.should_fail.case import Case

ROWS = row(1, ["户编号", "姓名"]) + row(2, ["8630", "张三"])


def _forged(**told: object) -> bytes:
    """What the directory says of the sheet is not so."""
    archive = Forged(parts(ROWS))
    archive.entry(SHEET_PART)["told"] = told
    return archive.bytes()


def _flagged() -> bytes:
    archive = Forged(parts(ROWS))
    for one in archive.entries:
        one["flags"] |= 1
    return archive.bytes()


def _overlapping() -> bytes:
    """Fifty names for the same megabytes: small in the file, large unpacked."""
    archive = Forged(parts(ROWS))
    archive.entry(SHEET_PART)["body"] += b"\x00" * 64
    first = archive.entries[0]
    return Forged_with_copies(archive, first, 50)


def Forged_with_copies(archive: Forged, entry: dict[str, object], count: int) -> bytes:  # noqa: N802
    content = archive.bytes()
    begin = struct.unpack_from("<L", content, len(content) - 6)[0]
    size = struct.unpack_from("<L", content, len(content) - 10)[0]
    name = bytes(entry["name"])  # type: ignore[arg-type]
    one = content[begin : begin + 46 + len(name)]
    directory = content[begin : begin + size] + one * count
    total = len(archive.entries) + count
    return (
        content[:begin]
        + directory
        + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, total, total, len(directory), begin, 0)
    )


def _inside_another() -> bytes:
    """An entry whose bytes lie inside those of another: what is looked at need not be what is read."""
    hidden = Forged({SHEET_PART: sheet(ROWS).encode()}).bytes()
    inner = hidden[: hidden.index(b"PK\x01\x02")]
    archive = Forged(parts(ROWS, sheet=None) | {"xl/media/a.dat": b""})
    outer = archive.entry("xl/media/a.dat")
    outer.update(
        method=0, body=b"...." + inner, crc=zlib.crc32(b"...." + inner), size=len(inner) + 4
    )
    plain = archive.bytes()
    at = plain.index(b"...." + inner) + 4
    second = Forged._entry(SHEET_PART, sheet(ROWS).encode()) | {"at": at}
    archive.entries.append(second)
    return archive.bytes()


def _twice() -> bytes:
    buffer = io.BytesIO(workbook(ROWS))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("XL/Workbook.xml", b"<a/>")
    return buffer.getvalue()


def _link() -> bytes:
    archive = Forged(parts(ROWS) | {"xl/media/a": b"/etc/passwd"})
    archive.entry("xl/media/a")["attributes"] = 0o120777 << 16
    return archive.bytes()


def _two_directories() -> bytes:
    """A second directory in the comment: programs disagree which one counts."""
    whole = workbook(ROWS)
    return whole[:-2] + struct.pack("<H", 22) + b"PK\x05\x06" + b"\x00" * 18


def _huge_directory() -> bytes:
    """One file under fifty thousand names, all of which would be held in memory."""
    archive = Forged(parts(ROWS))
    return Forged_with_copies(archive, archive.entries[0], 50_000)


def _damaged_stream() -> bytes:
    archive = Forged(parts(ROWS))
    body = archive.entry(SHEET_PART)["body"]
    archive.entry(SHEET_PART)["body"] = body[: len(body) // 2]
    return archive.bytes()


def _longer_than_told() -> bytes:
    """The directory admits to the beginning, checksum and all; the stream goes on."""
    content = sheet(ROWS).encode()
    archive = Forged(parts(ROWS, sheet=content + b"<!-- " + b"x" * 3_000_000 + b" -->"))
    archive.entry(SHEET_PART).update(size=len(content), crc=zlib.crc32(content))
    return archive.bytes()


CASES = {
    "truncated": Case("damaged", lambda: build(family(1))[:2000]),
    "cut_at_the_end": Case("damaged", lambda: workbook(ROWS)[:-30]),
    "wrong_checksum": Case("damaged", lambda: _forged(crc=1)),
    "directory_says_less": Case("damaged", lambda: _forged(size=40)),
    "directory_says_more": Case("damaged", lambda: _forged(size=100_000)),
    "stream_longer_than_told": Case("unpacked", _longer_than_told),
    "directory_says_4_gb": Case("unpacked", lambda: _forged(size=0xFFFFFFF0)),
    "directory_names_another": Case("damaged", lambda: _forged(name=b"xl/worksheets/sheet2.xml")),
    "damaged_stream": Case("damaged", _damaged_stream),
    "entries_overlap": Case("twice", _overlapping),
    "entry_inside_another": Case("damaged", _inside_another),
    "same_name_twice": Case("twice", _twice),
    "two_directories": Case("damaged", _two_directories),
    "bytes_before_the_archive": Case("format", lambda: b"#!/bin/sh\nexit\n\x00" + workbook(ROWS)),
    "archive_behind_an_archive": Case("damaged", lambda: workbook(ROWS) + workbook(ROWS)),
    "huge_directory": Case("entries", _huge_directory),
    "too_many_entries": Case(
        "entries", lambda: workbook(ROWS, {f"xl/part{n}.xml": b"<a/>" for n in range(500)})
    ),
    "zip_bomb": Case("unpacked", lambda: workbook(ROWS, {"xl/big.xml": b"0" * 40_000_000})),
    "zip_bomb_stored_twice": Case(
        "nested",
        lambda: workbook(ROWS, {"xl/media/a.png": pack({"a": b"0" * 30_000_000})}),
    ),
    "encrypted_entries": Case("encrypted", _flagged),
    "packed_with_bzip2": Case("method", lambda: pack(parts(ROWS), zipfile.ZIP_BZIP2)),
    "packed_with_lzma": Case("method", lambda: pack(parts(ROWS), zipfile.ZIP_LZMA)),
    "path_upwards": Case("path", lambda: workbook(ROWS, {"../../etc/cron.d/x": b"x"})),
    "path_upwards_backslashes": Case("path", lambda: workbook(ROWS, {"xl\\..\\..\\x": b"x"})),
    "path_absolute": Case("path", lambda: workbook(ROWS, {"/etc/passwd": b"x"})),
    "path_of_a_drive": Case("path", lambda: workbook(ROWS, {"C:/autoexec.bat": b"x"})),
    "nul_in_a_name": Case("path", lambda: Forged(parts(ROWS) | {"xl/a.xml\x00.png": b"x"}).bytes()),
    "symbolic_link": Case("path", _link),
    "nested_workbook": Case("nested", lambda: workbook(ROWS, {"xl/inner.xlsx": b"PK"})),
    "archive_called_picture": Case(
        "nested", lambda: workbook(ROWS, {"xl/media/image1.png": pack({"a": b"x"})})
    ),
    "rar_called_picture": Case(
        "nested", lambda: workbook(ROWS, {"docProps/thumbnail.jpeg": b"Rar!\x1a\x07\x01\x00"})
    ),
    "program_called_picture": Case(
        "nested", lambda: workbook(ROWS, {"xl/media/image1.png": b"MZ\x90\x00 a program"})
    ),
    "old_office_file_called_picture": Case(
        "nested",
        lambda: workbook(ROWS, {"xl/media/image1.png": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"}),
    ),
}
