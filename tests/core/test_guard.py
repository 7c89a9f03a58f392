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
    '<Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml"'
    ' ContentType="application/vnd.openxmlformats-officedocument.{kind}+xml"/></Types>'
)
CORNER = (
    '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
)


def workbook(
    rows: str = "",
    dtd: str = "",
    extra: dict[str, bytes] | None = None,
    kind: str = "spreadsheetml.sheet.main",
    method: int = zipfile.ZIP_DEFLATED,
) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr("[Content_Types].xml", TYPES.replace("{kind}", kind))
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


def twice() -> bytes:
    buffer = io.BytesIO(workbook())
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("XL/Workbook.xml", BOOK)
    return buffer.getvalue()


def zipped(**parts: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


# What it is and what it holds is told by contents, under whatever name.
DISGUISED = [
    ("format", workbook(kind="wordprocessingml.document.main")),
    ("format", workbook(kind="presentationml.presentation.main")),
    ("format", zipped(a=b"just a zip")),
    ("format", zipped(**{"META-INF/MANIFEST.MF": b"a jar"})),
    ("format", zipped(**{"[Content_Types].xml": b"\x00" * 100})),
    ("nested", workbook(extra={"xl/media/image1.png": zipped(a=b"x")})),
    ("nested", workbook(extra={"docProps/thumbnail.jpeg": b"Rar!\x1a\x07\x01\x00"})),
    ("nested", workbook(extra={"xl/media/image1.png": b"MZ\x90\x00 a program"})),
    ("nested", workbook(extra={"xl/media/image1.png": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"})),
    ("path", workbook(extra={"../../etc/cron.d/x": b"x"})),
    ("path", workbook(extra={"xl\\..\\..\\x": b"x"})),
    ("path", workbook(extra={"/etc/passwd": b"x"})),
    ("twice", twice()),
    ("damaged", workbook(method=zipfile.ZIP_BZIP2)),
    ("damaged", workbook(method=zipfile.ZIP_LZMA)),
    ("format", b"\x89PNG\r\n\x1a\n a picture"),
    ("format", b"\xff\xd8\xff\xe0 a photo"),
    ("format", b"<html><table><tr><td>1</td></tr></table></html>"),
    ("format", "户编号,姓名\n1,张三\n".encode("gbk")),
]


@pytest.mark.parametrize(("code", "content"), DISGUISED)
def test_what_only_looks_like_a_workbook_is_refused(
    code: str, content: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(content)
    with pytest.raises(guard.RefusedError) as refused:
        guard.inspect_archive(path)
    assert refused.value.code == code


@pytest.mark.parametrize(
    "kind",
    ["application/vnd.ms-excel.sheet.macroEnabled.main", "application/vnd.ms-office.vbaProject"],
)
def test_a_workbook_with_macros_under_another_name_is_refused(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "[Content_Types].xml", f'<Types><Default ContentType="{kind}+xml"/></Types>'
        )
    with pytest.raises(guard.RefusedError) as refused:
        guard.inspect_archive(path)
    assert refused.value.code == "active"


def test_any_name_is_stored_under_the_contents_own(tmp_path: Path) -> None:
    """Looking into an archive makes no file, whatever its parts are called."""
    path = tmp_path / "a.xlsx"
    path.write_bytes(workbook(extra={"../outside.xml": b"x"}))
    with pytest.raises(guard.RefusedError):
        guard.inspect_archive(path)
    assert [one.name for one in tmp_path.iterdir()] == ["a.xlsx"]
    assert not (tmp_path.parent / "outside.xml").exists()


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
