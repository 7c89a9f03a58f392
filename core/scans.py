"""Photos and scans of papers: proven by decoding them, and rid of what nobody meant to hand in.

Pictures are decoded and written anew, so that nothing but what is seen is kept: no place and time of
the camera, no preview, no text behind the picture. A PDF cannot be written anew here; it is looked
through instead, and refused when it could do anything on its own.
"""

import re
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

from django.http import HttpResponse
from PIL import Image, ImageOps, UnidentifiedImageError

JPEG, PNG, PDF = "image/jpeg", "image/png", "application/pdf"
SUFFIXES = {JPEG: "jpg", PNG: "png", PDF: "pdf"}
# Forty million points are a good camera's photo; decoded they take 120 MB.
MOST_POINTS = 40_000_000
# A sheet of A4 at 340 points an inch; more shows no more of a paper.
LONGEST_SIDE = 4_000
_QUALITY = 88
_STARTS = {b"\xff\xd8\xff": JPEG, b"\x89PNG\r\n\x1a\n": PNG, b"%PDF-": PDF}

# What acts, hides a file, or sends something. Names are long enough not to come about by chance.
_ACTIVE = re.compile(
    rb"/(JavaScript|Launch|EmbeddedFiles?|RichMedia|XFA|SubmitForm|ImportData|GoToE"
    rb"|GoToR|Rendition|Movie|Sound)(?![A-Za-z0-9])"
)
_ESCAPED = re.compile(rb"#([0-9A-Fa-f]{2})")
_STREAM = re.compile(rb"stream[\x00\t\f ]*(?:\r\n|\r|\n)")
# Inside streams of other kinds names could hide where this does not look.
_UNREAD = re.compile(rb"/(LZWDecode|ASCII85Decode|ASCIIHexDecode|RunLengthDecode|Crypt)\b")
_TAIL = 2_048
_MOST_INFLATED = 128 * 1024 * 1024
_PIECE = 1024 * 1024
_FED = 64 * 1024
# Enough of the piece before, so that no name is cut in two.
_OVERLAP = 64


class ScanError(Exception):
    """The file is no such photo or scan; the text tells the user why."""


@dataclass(frozen=True)
class Scan:
    """A file that was decoded: what it is, and the bytes to keep."""

    media_type: str
    body: bytes


def read(data: bytes) -> Scan:
    """The file as it is kept. Raises ScanError. The same file gives the same bytes."""
    found = next((kind for start, kind in _STARTS.items() if data.startswith(start)), "")
    if not found:
        raise ScanError("只能上传 JPEG、PNG 图片或 PDF 文件。")
    if found == PDF:
        _look_through(data)
        return Scan(PDF, data)
    return Scan(found, _anew(data, found))


def response(body: bytes, media_type: str, stem: str) -> HttpResponse:
    """A kept paper for a browser, named by `stem` (letters, digits, hyphens) and its kind.

    Whatever is in the file, it runs nothing, asks nobody for anything and is kept nowhere.
    """
    answer = HttpResponse(body, content_type=media_type)
    # Readers of PDFs run inside browsers with more rights than a sandbox leaves them.
    how = "attachment" if media_type == PDF else "inline"
    answer["Content-Disposition"] = f'{how}; filename="{stem}.{SUFFIXES[media_type]}"'
    answer["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"
    )
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Cache-Control"] = "no-store"
    return answer


def _anew(data: bytes, kind: str) -> bytes:
    name = "JPEG" if kind == JPEG else "PNG"
    try:
        with warnings.catch_warnings():
            # A picture of many points is refused below, in words.
            warnings.simplefilter("ignore")
            with Image.open(BytesIO(data), formats=(name,)) as picture:
                _refuse_large(picture)
                picture.verify()
            with Image.open(BytesIO(data), formats=(name,)) as picture:
                return _written(picture, name)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as error:
        raise ScanError("图片打不开：文件不完整或已损坏。") from error
    except Image.DecompressionBombError as error:
        raise ScanError(_TOO_LARGE) from error


_TOO_LARGE = f"图片太大：不能超过 {MOST_POINTS // 10_000} 万像素。"


def _refuse_large(picture: Image.Image) -> None:
    width, height = picture.size
    if width * height > MOST_POINTS:
        raise ScanError(_TOO_LARGE)


def _written(picture: Image.Image, name: str) -> bytes:
    picture.load()
    # A phone says which way is up beside the picture; afterwards the picture says it itself.
    upright = ImageOps.exif_transpose(picture)
    upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    mode = "RGB" if name == "JPEG" or upright.mode not in ("1", "L", "LA", "RGB", "RGBA") else ""
    plain = upright.convert(mode or upright.mode)
    target = BytesIO()
    bare = Image.new(plain.mode, plain.size)
    bare.paste(plain)
    if name == "JPEG":
        bare.save(target, name, quality=_QUALITY, optimize=True)
    else:
        bare.save(target, name, optimize=True)
    return target.getvalue()


def _look_through(data: bytes) -> None:
    """Raise ScanError unless the PDF is whole, open to be read, and does nothing on its own."""
    tail = data[-_TAIL:]
    start = re.search(rb"startxref\s+(\d{1,12})\s+%%EOF\s*\Z", tail)
    if start is None or not _points_at_a_table(data, int(start[1])) or b"/Root" not in data:
        raise ScanError("PDF 不完整或已损坏。")
    plain = _unescaped(data)
    if b"/Encrypt" in plain:
        raise ScanError("PDF 设有口令或加密，无法检查，请去掉后再上传。")
    if b"/ObjStm" in plain and _UNREAD.search(plain):
        raise ScanError("PDF 的编码方式无法检查，请另存为普通 PDF 或改传图片。")
    for text in (data, plain):
        _refuse_active(text)
    for text in _inflated(data):
        _refuse_active(text)
        _refuse_active(_unescaped(text))


def _points_at_a_table(data: bytes, at: int) -> bool:
    """Whether a table of objects stands there: of the old kind, or in a stream."""
    return bool(re.match(rb"\s*(xref\b|\d+\s+\d+\s+obj\b)", data[at : at + 64])) and at < len(data)


def _unescaped(text: bytes) -> bytes:
    """`/J#61vaScript` is `/JavaScript`."""
    return _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), text)


def _refuse_active(text: bytes) -> None:
    if _ACTIVE.search(text):
        raise ScanError("PDF 中含有脚本、动作或附件，不能上传。请另存为普通 PDF 或改传图片。")


def _inflated(data: bytes) -> Iterator[bytes]:
    """What stands in compressed streams, a piece at a time, each with the end of the one before."""
    view, left = memoryview(data), _MOST_INFLATED
    for found in _STREAM.finditer(data):
        former = b""
        for piece in _pieces(view, found.end()):
            left -= len(piece)
            if left < 0:
                raise ScanError("PDF 展开后太大，无法检查，请减少页数后再上传。")
            yield former + piece
            former = piece[-_OVERLAP:]


def _pieces(view: memoryview, at: int) -> Iterator[bytes]:
    """The stream that begins there, inflated; nothing of one of another kind, or of a mere word."""
    engine, waiting = zlib.decompressobj(), b""
    while not engine.eof:
        if not waiting:
            waiting, at = bytes(view[at : at + _FED]), at + _FED
            if not waiting:
                return
        try:
            piece = engine.decompress(waiting, _PIECE)
        except zlib.error:
            return
        waiting = engine.unconsumed_tail
        if piece:
            yield piece
