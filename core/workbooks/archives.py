"""The archive that an .xlsx is: its directory looked at, its parts unpacked piece by piece.

Other programs read the same bytes differently: they trust another directory, another name, another
size. So everything that could be read in two ways is refused, and what is unpacked here is the
whole stream with its length and checksum verified, not as much of it as the directory admits to.
"""

import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import IO

from core.workbooks import limits
from core.workbooks.refusal import RefusedError, refused

PIECE = 1024 * 1024
_PACKED = 64 * 1024
_END = b"PK\x05\x06"
_END_SIZE = 22
_LOCATOR = b"PK\x06\x07"
_LOCATOR_SIZE = 20
_LOCAL = struct.Struct("<4s5H3L2H")
_ENCRYPTED, _SIZES_FOLLOW, _UTF8 = 0x1, 0x8, 0x800
_UNKNOWN = 0xFFFFFFFF


@dataclass(frozen=True)
class Part:
    """One file of the archive; `start` is where its packed bytes begin."""

    name: str
    is_deflated: bool
    start: int
    packed: int
    size: int
    crc: int


@contextmanager
def readable() -> Iterator[None]:
    """Whatever a broken archive makes the readers raise is one refusal."""
    try:
        yield
    except RefusedError:
        raise
    except (
        zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, NotImplementedError,
        struct.error, OverflowError, LookupError,
    ) as error:  # fmt: skip
        raise refused("damaged") from error


def parts(path: Path) -> list[Part]:
    """The files of the archive, each refusable property looked at, nothing unpacked."""
    with readable(), path.open("rb") as file:
        size = path.stat().st_size
        _inspect_end(file, size)
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
        _inspect_entries(entries, size)
        found = [_part(file, entry) for entry in entries]
        _inspect_places(found, [entry.header_offset for entry in entries])
        return found


def _inspect_end(file: IO[bytes], size: int) -> None:
    """One directory, right before the end, of a size that can be held."""
    file.seek(max(0, size - _END_SIZE - 0xFFFF))
    base = file.tell()
    tail = file.read()
    at = tail.rfind(_END)
    if at < 0 or tail.count(_END) != 1:
        raise refused("damaged")
    length, start, comment = struct.unpack_from("<LLH", tail, at + 12)
    if base + at + _END_SIZE + comment != size:
        raise refused("damaged")
    before = base + at
    if tail[max(0, at - _LOCATOR_SIZE) : at].startswith(_LOCATOR):
        before = struct.unpack_from("<Q", tail, at - 12)[0]
        file.seek(before)
        length, start = struct.unpack("<QQ", file.read(56)[40:56])
    if length > limits.MAX_DIRECTORY:
        raise refused("entries")
    if start + length != before:
        raise refused("damaged")


def _inspect_entries(entries: list[zipfile.ZipInfo], size: int) -> None:
    if len(entries) > limits.MAX_ENTRIES:
        raise refused("entries")
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > limits.MAX_UNPACKED or unpacked > limits.MAX_RATIO * max(size, 64 * 1024):
        raise refused("unpacked")
    for entry in entries:
        if entry.flag_bits & _ENCRYPTED:
            raise refused("encrypted")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise refused("method")
        _inspect_name(entry)
    if len({entry.filename.lower().replace("\\", "/") for entry in entries}) != len(entries):
        # Two parts of one name: what is looked at here need not be what the parser reads.
        raise refused("twice")


def _inspect_name(entry: zipfile.ZipInfo) -> None:
    name = entry.orig_filename.replace("\\", "/")
    if (
        not name
        or not name.isprintable()
        or name.startswith("/")
        or ":" in name
        or ".." in name.split("/")
        or stat.S_ISLNK(entry.external_attr >> 16)
    ):
        raise refused("path")


def _part(file: IO[bytes], entry: zipfile.ZipInfo) -> Part:
    """The entry by its own header, which must say what the directory says."""
    file.seek(entry.header_offset)
    signature, _, flags, method, _, _, crc, packed, size, name, extra = _LOCAL.unpack(
        file.read(_LOCAL.size)
    )
    own_name = file.read(name).decode("utf-8" if flags & _UTF8 else "cp437")
    if signature != b"PK\x03\x04" or (own_name, method, flags & _ENCRYPTED) != (
        entry.orig_filename,
        entry.compress_type,
        0,
    ):
        raise refused("damaged")
    told = (entry.CRC, entry.compress_size, entry.file_size)
    if not flags & _SIZES_FOLLOW and _UNKNOWN not in (packed, size) and told != (crc, packed, size):
        raise refused("damaged")
    return Part(
        name=entry.filename,
        is_deflated=method == zipfile.ZIP_DEFLATED,
        start=file.tell() + extra,
        packed=entry.compress_size,
        size=entry.file_size,
        crc=entry.CRC,
    )


def _inspect_places(found: list[Part], headers: list[int]) -> None:
    """Entries begin at the first byte and none lies inside another."""
    spans = sorted(
        (header, part.start + part.packed) for header, part in zip(headers, found, strict=True)
    )
    if not spans or spans[0][0] != 0:
        raise refused("damaged")
    for (_, end), (begin, _) in pairwise(spans):
        if begin < end:
            raise refused("damaged")


def unpack(path: Path, part: Part, alive: Callable[[], None] = lambda: None) -> Iterator[bytes]:
    """The part's bytes in pieces of at most 1 MB; `alive` is called for each.

    Refuses a stream that is longer or shorter than the directory says, and a wrong checksum.
    """
    total = crc = 0
    with path.open("rb") as file:
        file.seek(part.start)
        for piece in (_inflated if part.is_deflated else _stored)(file, part):
            total += len(piece)
            if total > part.size:
                raise refused("unpacked")
            crc = zlib.crc32(piece, crc)
            alive()
            yield piece
    if total != part.size or crc != part.crc:
        raise refused("damaged")


def _stored(file: IO[bytes], part: Part) -> Iterator[bytes]:
    left = part.packed
    while left and (piece := file.read(min(left, PIECE))):
        left -= len(piece)
        yield piece


def _inflated(file: IO[bytes], part: Part) -> Iterator[bytes]:
    left = part.packed
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    waiting = b""
    while not stream.eof:
        if not waiting:
            waiting = file.read(min(left, _PACKED))
            left -= len(waiting)
            if not waiting:
                raise refused("damaged")
        if piece := stream.decompress(waiting, PIECE):
            yield piece
        waiting = stream.unconsumed_tail
    if left or stream.unused_data:
        raise refused("damaged")


def whole(path: Path, part: Part, limit: int) -> bytes:
    """A small part at once; "unpacked" when it is larger than `limit` bytes."""
    if part.size > limit:
        raise refused("unpacked")
    return b"".join(unpack(path, part))
