"""Photos and scans: proven by decoding, rid of what nobody meant to hand in, refused when active."""

import zlib
from io import BytesIO

import pytest
from PIL import Image

from core import scans
from tests.papers_handed_in import GPS, jpeg, pdf, png

pytestmark = pytest.mark.unit


def test_a_photo_is_kept_without_place_and_time() -> None:
    photo = jpeg(with_place=True)
    assert b"Exif" in photo
    assert GPS in Image.open(BytesIO(photo)).getexif()
    kept = scans.read(photo)
    assert kept.media_type == scans.JPEG
    picture = Image.open(BytesIO(kept.body))
    assert picture.size == (60, 80)
    assert not picture.getexif()
    assert b"Exif" not in kept.body
    assert b"39.9" not in kept.body


def test_a_photo_taken_sideways_stands_upright() -> None:
    kept = scans.read(jpeg(orientation=6))
    assert Image.open(BytesIO(kept.body)).size == (80, 60)


def test_text_behind_a_picture_is_gone() -> None:
    kept = scans.read(png(text="990324196203151230") + b"<script>alert(1)</script>")
    assert kept.media_type == scans.PNG
    assert b"9903241962" not in kept.body
    assert b"<script>" not in kept.body
    assert Image.open(BytesIO(kept.body)).size == (60, 80)


def test_the_same_file_gives_the_same_bytes() -> None:
    assert scans.read(jpeg()).body == scans.read(jpeg()).body


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGBA", "CMYK", "I;16"])
def test_pictures_of_all_kinds_are_read(mode: str) -> None:
    name = "JPEG" if mode == "CMYK" else "PNG"
    target = BytesIO()
    Image.new(mode, (30, 20)).save(target, name)
    assert Image.open(BytesIO(scans.read(target.getvalue()).body)).size == (30, 20)


def test_a_very_large_picture_is_made_smaller() -> None:
    target = BytesIO()
    Image.new("L", (5_000, 100)).save(target, "PNG")
    picture = Image.open(BytesIO(scans.read(target.getvalue()).body))
    assert max(picture.size) == scans.LONGEST_SIDE


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"MZ\x90\x00",
        b"PK\x03\x04",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"GIF89a" + b"\x00" * 40,
        b"<html>%PDF-1.4",
    ],
)
def test_other_files_are_refused(data: bytes) -> None:
    with pytest.raises(scans.ScanError, match="只能上传"):
        scans.read(data)


@pytest.mark.parametrize("cut", [20, 60, 200])
def test_half_a_picture_is_refused(cut: int) -> None:
    for whole in (jpeg(), png()):
        with pytest.raises(scans.ScanError, match="打不开"):
            scans.read(whole[:cut] if cut < len(whole) else whole[:-20])


def test_a_picture_that_would_fill_the_memory_is_refused() -> None:
    """A few bytes that say they are forty thousand points wide and high."""
    head = png()
    size = (40_000).to_bytes(4, "big") * 2
    chunk = b"IHDR" + size + head[24:29]
    data = head[:12] + chunk + zlib.crc32(chunk).to_bytes(4, "big") + head[33:]
    with pytest.raises(scans.ScanError, match="太大"):
        scans.read(data)


# --- PDF ---------------------------------------------------------------------------------------


def test_a_plain_pdf_is_kept_as_it_is() -> None:
    body = pdf()
    assert scans.read(body) == scans.Scan(scans.PDF, body)


def test_a_pdf_with_its_table_in_a_stream_too() -> None:
    body = pdf(packed=b"<< /Type /Font >>")
    assert scans.read(body).media_type == scans.PDF


@pytest.mark.parametrize("act", [b"/JavaScript", b"/Launch", b"/EmbeddedFile", b"/SubmitForm"])
def test_a_pdf_that_acts_is_refused(act: bytes) -> None:
    escaped = b"/" + b"".join(b"#%02x" % byte for byte in act[1:])
    for found in (
        pdf(catalog=b"/A << /S " + act + b" >>"),
        pdf(catalog=b"/A << /S " + escaped + b" >>"),
        pdf(packed=b"<< /S " + act + b" >>"),
        pdf(packed=b"<< /S " + escaped + b" >>"),
        # Behind a megabyte of nothing, across the edge of a piece.
        pdf(packed=b" " * (1024 * 1024 - 5) + b"<< /S " + act + b" >>"),
    ):
        with pytest.raises(scans.ScanError, match="脚本、动作或附件"):
            scans.read(found)


def test_a_pdf_that_cannot_be_looked_into_is_refused() -> None:
    with pytest.raises(scans.ScanError, match="加密"):
        scans.read(pdf(catalog=b"/Encrypt 5 0 R"))
    with pytest.raises(scans.ScanError, match="无法检查"):
        scans.read(pdf(catalog=b"/Filter /ASCIIHexDecode", packed=b"<< >>"))
    with pytest.raises(scans.ScanError, match="展开后太大"):
        scans.read(pdf(packed=b" " * (130 * 1024 * 1024)))


@pytest.mark.parametrize(
    "change", [(b"%%EOF", b""), (b"startxref", b"startx"), (b"/Root", b"/Toor")]
)
def test_a_broken_pdf_is_refused(change: tuple[bytes, bytes]) -> None:
    with pytest.raises(scans.ScanError, match="不完整"):
        scans.read(pdf().replace(*change))
    with pytest.raises(scans.ScanError, match="不完整"):
        scans.read(pdf()[:-40])
