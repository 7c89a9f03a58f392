"""Hostile workbooks: refused with a stable code and words, the process alive."""

import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from core.workbooks import guard
from tests.workbooks import build, family

SHEET = (
    '<?xml version="1.0"?>{dtd}<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    "<sheetData>{rows}</sheetData></worksheet>"
)
BOOK = (
    '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    ' xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
    '<sheets><sheet name="a" sheetId="1" r:id="rId1"/></sheets></workbook>'
)
RELATIONS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" Target="{target}" Type="http://schemas.openxmlformats.org/'
    'officeDocument/2006/relationships/{kind}"/></Relationships>'
)
TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="xml" ContentType="application/xml"/></Types>'
)
CORNER = (
    '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
)


def workbook(rows: str = "", dtd: str = "", extra: dict[str, bytes] | None = None) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", TYPES)
        archive.writestr(
            "_rels/.rels", RELATIONS.format(target="xl/workbook.xml", kind="officeDocument")
        )
        archive.writestr("xl/workbook.xml", BOOK)
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            RELATIONS.format(target="worksheets/sheet1.xml", kind="worksheet"),
        )
        archive.writestr("xl/worksheets/sheet1.xml", SHEET.format(dtd=dtd, rows=rows))
        for name, content in (extra or {}).items():
            archive.writestr(name, content)
    return buffer.getvalue()


def inspect(path: Path) -> None:
    guard.inspect_archive(path)
    guard.inspect_xml(path)


def encrypted() -> bytes:
    content = bytearray(workbook())
    at = content.find(b"PK\x01\x02")
    content[at + 8] |= 1
    return bytes(content)


HOSTILE = {
    "empty": b"",
    "format": b"\xd0\xcf\x11\xe0 an old workbook",
    "damaged": build(family(1))[:2000],
    "encrypted": encrypted(),
    "active": workbook(extra={"xl/vbaProject.bin": b"macro"}),
    "nested": workbook(extra={"xl/inner.xlsx": b"PK"}),
    "entries": workbook(extra={f"xl/part{n}.xml": b"<a/>" for n in range(500)}),
    "unpacked": workbook(extra={"xl/big.xml": b"0" * 40_000_000}),
    "dtd": workbook(dtd='<!DOCTYPE a [<!ENTITY b "c">]>'),
    "rows": workbook(rows=CORNER),
    "columns": workbook(rows='<row r="1"><c r="XFD1"><v>1</v></c></row>'),
}


@pytest.mark.parametrize("code", HOSTILE)
def test_refused_with_its_code(code: str, tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(HOSTILE[code])
    with pytest.raises(guard.RefusedError) as refused:
        inspect(path)
    assert refused.value.code == code
    assert str(refused.value).endswith("。")


def test_sound_workbook_passes(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(build(family(1)))
    inspect(path)


def test_corner_bomb_kills_the_child_only(tmp_path: Path) -> None:
    """1.7 KB that make the parser ask for half a terabyte: the child dies under its limit."""
    path = tmp_path / "bomb.xlsx"
    path.write_bytes(HOSTILE["rows"])
    done = subprocess.run(
        [sys.executable, "-m", "core.workbooks.reader", str(path)],
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode != 0
    assert done.stdout == b""
