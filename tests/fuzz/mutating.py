"""Sound files made unsound, by bytes, by archive, by tokens of XML and by records of old workbooks."""

import io
import random
import re
import struct
import zipfile
from collections.abc import Callable
from functools import cache

from tests.workbooks import P2018, build, family
from tests.workbooks.packing import MAIN, pack, parts, row
from tests.workbooks.should_fail.kinds import compound, old_workbook, stream_of

Random = random.Random
TOKEN = re.compile(rb"<[^<>]*>|[^<>]+")
VALUE = re.compile(rb'"[^"]*"')
NASTY = [
    b"0", b"-1", b"1048576", b"1048577", b"4294967295", b"18446744073709551616", b"1e308", b"NaN",
    b"XFD1048576", b"A0", b"", b" ", b"\x00", b"&#0;", b"&amp;", b"&e;", b"<![CDATA[x]]>", b"<!--x-->",
    b"<?x y?>", b"<!DOCTYPE a>", b"rId99", b"../../a", b"http://x/", b"\xff\xfe", b"\xef\xbb\xbf",
    b"x" * 40_000, "何".encode(), "何".encode("gbk"), b"s", b"inlineStr", b"true",
]  # fmt: skip
TEXTS = [
    b'"', b'""', b",", b"\t", b";", b"\r", b"\n", b"\r\n", b"\x00", b"\xff", b"\x80", b"\xe4\xbd",
    b"\xef\xbb\xbf", b"\xff\xfe", b"=", b"x" * 40_000, b"sep=;\n", b"\\N", b"\x1b", b"," * 400,
]  # fmt: skip


@cache
def books() -> tuple[bytes, ...]:
    """Workbooks by a library and by hand, in place and with shared strings."""
    shared = "".join(f"<si><t>{head}</t></si>" for head in P2018)
    rows = "".join(
        f'<row r="{n}">{"".join(f"<c r=§{chr(65 + at)}{n}§ t=§s§><v>{at}</v></c>" for at in range(9))}</row>'
        for n in range(1, 9)
    ).replace("§", '"')
    styles = f'<styleSheet xmlns="{MAIN}"><cellXfs><xf numFmtId="14"/></cellXfs></styleSheet>'
    by_hand = parts(
        rows + row(9, ["甲", 43_100, 1.5]),
        strings=f'<sst xmlns="{MAIN}">{shared}</sst>',
        styles=styles,
    )
    return (
        build([one for number in range(1, 5) for one in family(number)]),
        pack(by_hand),
        pack(by_hand, zipfile.ZIP_STORED),
    )


@cache
def texts() -> tuple[bytes, ...]:
    people = [one for number in range(1, 9) for one in family(number)]
    lines = [P2018, *[[str(one.get(head, "")) for head in P2018] for one in people]]
    whole = "\r\n".join(",".join(f'"{cell}"' for cell in line) for line in lines)
    return (
        whole.encode(),
        whole.encode("gb18030"),
        whole.replace(",", "\t").encode("utf-16"),
        whole.replace('"', "").replace(",", ";").encode("utf-8-sig"),
    )


def _bytes(content: bytes, rng: Random, words: list[bytes]) -> bytes:
    """Some bytes turned, lost, doubled, put in or moved."""
    changed = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 5, 20])):
        at = rng.randrange(len(changed) + 1)
        end = min(len(changed), at + rng.choice([1, 2, 8, 100, 3_000]))
        how = rng.randrange(6)
        if how == 0 and at < len(changed):
            changed[at] ^= 1 << rng.randrange(8)
        elif how == 1:
            del changed[at:end]
        elif how == 2:
            changed[at:at] = changed[at:end]
        elif how == 3:
            changed[at:at] = rng.choice(words)
        elif how == 4:
            changed[at:end] = rng.randbytes(end - at)
        elif how == 5 and rng.random() < 0.3:
            del changed[at:]
    return bytes(changed)


def _tokens(content: bytes, rng: Random) -> bytes:
    """Tags and texts lost, doubled, exchanged; values of attributes made nasty."""
    tokens = TOKEN.findall(content)
    for _ in range(rng.choice([1, 1, 2, 6])):
        if not tokens:
            break
        at, other = rng.randrange(len(tokens)), rng.randrange(len(tokens))
        how = rng.randrange(6)
        if how == 0:
            del tokens[at]
        elif how == 1:
            tokens.insert(other, tokens[at])
        elif how == 2:
            tokens[at], tokens[other] = tokens[other], tokens[at]
        elif how == 3:
            tokens[at] = VALUE.sub(lambda _: b'"' + rng.choice(NASTY) + b'"', tokens[at], count=1)
        elif how == 4:
            tokens[at:at] = [tokens[at]] * rng.choice([10, 1_000, 30_000])
        else:
            tokens.insert(at, rng.choice(NASTY))
    return b"".join(tokens)


def bytes_of_a_book(rng: Random) -> bytes:
    return _bytes(rng.choice(books()), rng, NASTY)


def headers_of_a_book(rng: Random) -> bytes:
    """Fields of the archive's own headers."""
    changed = bytearray(rng.choice(books()))
    places = [
        found.start() for found in re.finditer(rb"PK(\x01\x02|\x03\x04|\x05\x06)", bytes(changed))
    ]
    for _ in range(rng.choice([1, 1, 2, 4])):
        at = rng.choice(places) + 4 + rng.randrange(42)
        value = rng.choice([0, 1, 0x7FFF, 0xFFFF, 0xFFFFFFFF, rng.randrange(1 << 32)])
        form = rng.choice(["<B", "<H", "<L"])
        if at + struct.calcsize(form) <= len(changed):
            struct.pack_into(form, changed, at, value & ((1 << 8 * struct.calcsize(form)) - 1))
    return bytes(changed)


def parts_of_a_book(rng: Random) -> bytes:
    """Parts changed inside a sound archive, so that what is wrong comes as far as the parser."""
    with zipfile.ZipFile(io.BytesIO(rng.choice(books()))) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    for _ in range(rng.choice([1, 1, 2])):
        name = rng.choice(sorted(contents))
        how = rng.randrange(10)
        if how == 0:
            del contents[name]
        elif how == 1:
            contents[name] = contents[rng.choice(sorted(contents))]
        elif how == 2:
            contents[name + rng.choice(["x", "/../a", ".zip"])] = contents[name]
        elif how < 5:
            contents[name] = _bytes(contents[name], rng, NASTY)
        else:
            contents[name] = _tokens(contents[name], rng)
        if not contents:
            break
    return pack(contents)


def bytes_of_a_text(rng: Random) -> bytes:
    return _bytes(rng.choice(texts()), rng, TEXTS)


def bytes_of_an_old_book(rng: Random) -> bytes:
    return _bytes(old_workbook(6), rng, [b"\x00" * 4, b"\xff" * 4, b"\xfe\xff\xff\xff"])


def records_of_an_old_book(rng: Random) -> bytes:
    """Records of the stream, inside a sound compound file."""
    stream = stream_of(old_workbook(6))
    records = []
    at = 0
    while at + 4 <= len(stream):
        number, size = struct.unpack_from("<HH", stream, at)
        records.append([number, stream[at + 4 : at + 4 + size]])
        at += 4 + size
    for _ in range(rng.choice([1, 1, 2, 5])):
        one = rng.choice(records)
        how = rng.randrange(5)
        if how == 0:
            one[0] = rng.choice(
                [0x0203, 0x00FD, 0x00FC, 0x003C, 0x0006, 0x00BD, rng.randrange(1 << 16)]
            )
        elif how == 1:
            one[1] = _bytes(one[1], rng, [b"\xff\xff", b"\x00\x00"])
        elif how == 2:
            records.insert(rng.randrange(len(records)), list(one))
        elif how == 3:
            records.remove(one)
        elif len(one[1]) >= 4:
            # The places of a cell are the first two numbers of its record.
            one[1] = (
                struct.pack("<HH", rng.choice([0, 65_535]), rng.choice([0, 255, 65_535]))
                + one[1][4:]
            )
    return compound(
        {"Workbook": b"".join(struct.pack("<HH", n, len(b) & 0xFFFF) + b for n, b in records)}
    )


MUTATORS: tuple[Callable[[Random], bytes], ...] = (
    bytes_of_a_book,
    headers_of_a_book,
    parts_of_a_book,
    parts_of_a_book,
    parts_of_a_book,
    bytes_of_a_text,
    bytes_of_an_old_book,
    records_of_an_old_book,
)


def mutated(seed: int) -> tuple[str, bytes]:
    """The file of this number, always the same, and how it was made."""
    rng = random.Random(seed)
    mutator = MUTATORS[seed % len(MUTATORS)]
    return mutator.__name__, mutator(rng)
