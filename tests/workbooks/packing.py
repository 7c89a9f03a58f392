"""Workbooks put together part by part, so that any part can be made to lie."""

import io
import struct
import zipfile
import zlib
from typing import Any

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
SHEET_PART = "xl/worksheets/sheet1.xml"
STRINGS_PART = "xl/sharedStrings.xml"
MAIN_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'

Parts = dict[str, bytes]


def cell(reference: str, value: Any, style: int = 0) -> str:
    """A number, or a text in place."""
    if isinstance(value, str):
        return f'<c r="{reference}" t="inlineStr"><is><t>{value}</t></is></c>'
    return f'<c r="{reference}"{f" s={style!r}" if style else ""}><v>{value}</v></c>'.replace(
        "'", '"'
    )


def letters(column: int) -> str:
    """1 is A."""
    text = ""
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(65 + rest) + text
    return text


def row(number: int, values: list[Any]) -> str:
    cells = "".join(cell(f"{letters(at)}{number}", value) for at, value in enumerate(values, 1))
    return f'<row r="{number}">{cells}</row>'


def sheet(rows: str, *, before: str = DECLARATION, after: str = "", more: str = "") -> str:
    return (
        f'{before}<worksheet xmlns="{MAIN}" xmlns:r="{LINKS}">{more}'
        f"<sheetData>{rows}</sheetData>{after}</worksheet>"
    )


def types(main: str = MAIN_TYPE) -> bytes:
    return (
        f'{DECLARATION}<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{main}"/></Types>'
    ).encode()


def relations(*targets: tuple[str, str], outside: str = "") -> bytes:
    """Of (type, target) pairs, numbered from rId1; `outside` is added to the last."""
    inner = "".join(
        f'<Relationship Id="rId{at}" Type="{LINKS}/{kind}" Target="{target}"'
        f"{outside if at == len(targets) else ''}/>"
        for at, (kind, target) in enumerate(targets, 1)
    )
    return f'{DECLARATION}<Relationships xmlns="{PACKAGE}/relationships">{inner}</Relationships>'.encode()


def book(sheets: str = '<sheet name="人员" sheetId="1" r:id="rId1"/>', before: str = "") -> bytes:
    return (
        f'{DECLARATION}<workbook xmlns="{MAIN}" xmlns:r="{LINKS}">{before}'
        f"<sheets>{sheets}</sheets></workbook>"
    ).encode()


def parts(rows: str = "", **changes: str | bytes | None) -> Parts:
    """The parts of a workbook of one sheet; a change of None takes a part away.

    Keywords: types, links (of the package), book, relations (of the workbook), sheet, strings, styles.
    """
    names = {
        "types": "[Content_Types].xml",
        "links": "_rels/.rels",
        "book": "xl/workbook.xml",
        "relations": "xl/_rels/workbook.xml.rels",
        "sheet": SHEET_PART,
        "strings": STRINGS_PART,
        "styles": "xl/styles.xml",
    }
    found: dict[str, str | bytes | None] = {
        "types": types(),
        "links": relations(("officeDocument", "xl/workbook.xml")),
        "book": book(),
        "relations": relations(("worksheet", "worksheets/sheet1.xml")),
        "sheet": sheet(rows),
    }
    found |= changes
    return {
        names[key]: content.encode() if isinstance(content, str) else content
        for key, content in found.items()
        if content is not None
    }


def pack(contents: Parts, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def workbook(rows: str = "", extra: Parts | None = None, **changes: str | bytes | None) -> bytes:
    """One workbook as bytes, with further parts."""
    return pack(parts(rows, **changes) | (extra or {}))


class Forged:
    """An archive written header by header: what its directory says need not be so."""

    def __init__(self, contents: Parts) -> None:
        self.entries = [self._entry(name, content) for name, content in contents.items()]

    def repeat(self, name: str, before: bytes, middle: bytes, times: int, after: bytes) -> None:
        """Add a part that is too large to be held."""
        self.entries.append(self._entry(name, before, *[middle] * times, after))

    @staticmethod
    def _entry(name: str, *pieces: bytes) -> dict[str, Any]:
        packer = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
        body, crc = b"", 0
        for piece in pieces:
            body += packer.compress(piece)
            crc = zlib.crc32(piece, crc)
        return {
            "name": name.encode(),
            "body": body + packer.flush(),
            "method": 8,
            "flags": 0x800,
            "crc": crc,
            "size": sum(map(len, pieces)),
            "attributes": 0,
            "told": {},
        }

    def entry(self, name: str) -> dict[str, Any]:
        return next(one for one in self.entries if one["name"] == name.encode())

    def bytes(self, comment: bytes = b"") -> bytes:
        """`told` of an entry is what its directory says instead; `at` moves it onto another."""
        out = bytearray()
        starts = []
        for one in self.entries:
            starts.append(one.get("at", len(out)))
            out += struct.pack(
                "<4s5H3L2H", b"PK\x03\x04", 20, one["flags"], one["method"], 0, 0,
                one["crc"], len(one["body"]), one["size"], len(one["name"]), 0,
            )  # fmt: skip
            out += one["name"] + one["body"]
        begin = len(out)
        for one, start in zip(self.entries, starts, strict=True):
            told = {"packed": len(one["body"]), **one, **one["told"]}
            out += struct.pack(
                "<4s6H3L5H2L", b"PK\x01\x02", 0x314, 20, told["flags"], told["method"], 0, 0,
                told["crc"], told["packed"], told["size"], len(told["name"]), 0, 0, 0, 0,
                told["attributes"], start,
            )  # fmt: skip
            out += told["name"]
        size = len(out) - begin
        count = len(self.entries)
        out += struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, size, begin, len(comment))
        return bytes(out + comment)
