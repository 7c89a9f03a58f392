"""Photos and PDFs as people hand them in, whole and hostile."""

import zlib
from io import BytesIO

from PIL import Image
from PIL.PngImagePlugin import PngInfo

# The tags of a camera: where it stood, and which way was up.
GPS, ORIENTATION = 0x8825, 0x0112


def _picture(colour: int) -> Image.Image:
    picture = Image.new("RGB", (60, 80), (colour, 200, 180))
    for at in range(20):
        picture.putpixel((at * 2, at * 3), (0, 0, 0))
    return picture


def jpeg(*, with_place: bool = False, orientation: int = 0, colour: int = 220) -> bytes:
    picture, target = _picture(colour), BytesIO()
    exif = Image.Exif()
    if with_place:
        exif.get_ifd(GPS)[2] = (39.9, 0.0, 0.0)
        exif[GPS] = {1: "N", 2: (39.9, 0.0, 0.0)}
    if orientation:
        exif[ORIENTATION] = orientation
    picture.save(target, "JPEG", exif=exif)
    return target.getvalue()


def png(*, text: str = "", colour: int = 220) -> bytes:
    target, info = BytesIO(), PngInfo()
    if text:
        info.add_text("Comment", text)
    _picture(colour).save(target, "PNG", pnginfo=info)
    return target.getvalue()


def pdf(*, catalog: bytes = b"", packed: bytes | None = None) -> bytes:
    """One empty page; `catalog` goes into the catalogue, `packed` into a compressed object stream."""
    parts = [
        b"<< /Type /Catalog /Pages 2 0 R " + catalog + b" >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>",
    ]
    if packed is not None:
        body = zlib.compress(b"9 0 " + packed)
        head = b"<< /Type /ObjStm /N 1 /First 4 /Filter /FlateDecode /Length %d >>" % len(body)
        parts.append(head + b"\nstream\r\n" + body + b"\nendstream")
    text, places = b"%PDF-1.5\n", []
    for number, part in enumerate(parts, 1):
        places.append(len(text))
        text += b"%d 0 obj\n" % number + part + b"\nendobj\n"
    start = len(text)
    text += b"xref\n0 %d\n0000000000 65535 f \n" % (len(parts) + 1)
    text += b"".join(b"%010d 00000 n \n" % place for place in places)
    text += b"trailer << /Size %d /Root 1 0 R >>\n" % (len(parts) + 1)
    return text + b"startxref\n%d\n%%%%EOF\n" % start
