"""Reading what was laid out, page by page, from WeasyPrint's own boxes, and what a PDF holds."""

import re
import zlib
from collections.abc import Iterator
from typing import Any

# Points of a style sheet to the inch, and millimetres.
_POINTS, _MM = 96, 25.4


def words(page: Any) -> list[str]:
    """The texts on a page, lines as they were broken, margins included."""
    found: list[str] = []
    _collect(page._page_box, found)
    return found


def _collect(box: Any, found: list[str]) -> None:
    text = getattr(box, "text", None)
    if isinstance(text, str):
        found.append(text)
    for child in getattr(box, "children", ()) or ():
        _collect(child[0] if isinstance(child, tuple) else child, found)


def sizes(document: Any) -> list[tuple[int, int]]:
    """Width and height of every page in millimetres."""
    return [
        (round(page.width / _POINTS * _MM), round(page.height / _POINTS * _MM))
        for page in document.pages
    ]


def inflated(body: bytes) -> Iterator[bytes]:
    """The compressed streams of a PDF, open."""
    for found in re.finditer(rb"stream\r?\n", body):
        try:
            yield zlib.decompressobj().decompress(body[found.end() :])
        except zlib.error:
            continue
