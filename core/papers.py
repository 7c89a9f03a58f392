"""Paper: PDFs from the product's own templates, made without any network.

A template is rendered as a page is, and WeasyPrint lays it out with the fonts of the system. Nothing
is fetched but the style sheets of the product: whoever brings an address into a template, through a
name or a remark, gets an error and no answer from anywhere.

The library binds Pango and HarfBuzz of the operating system; where they are missing, only paper is.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import RLock
from typing import Any
from urllib.parse import urljoin

from django.contrib.staticfiles import finders
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils import timezone
from django.utils.http import content_disposition_header

PDF = "application/pdf"
STYLE = "css/paper.css"
# What addresses in a template are relative to: a name that no resolver ever answers (RFC 2606).
_BASE = "https://paper.invalid/"
PACKAGES = "libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-noto-cjk"
# The layout libraries keep state for a whole process, and a long list takes some hundred megabytes.
_ONE_AT_A_TIME = RLock()


class PapersUnavailableError(RuntimeError):
    """The libraries that paper needs are not on this machine; the text says which."""

    def __init__(self) -> None:
        super().__init__(f"服务器缺少排版组件，暂时不能生成 PDF。请管理员安装：{PACKAGES}")


class ForeignAddressError(RuntimeError):
    """A template asked for something that is not the product's own style sheet."""


@dataclass(frozen=True)
class Printed:
    """Who printed a paper, when and what for; stands at the foot of each page.

    `mark` lies large and pale across each page, so that a photo of a part of it tells whose it was.
    `by` is empty on what hangs in public: the wall need not know who stood at the printer.
    """

    by: str
    at: datetime
    purpose: str = ""
    mark: str = ""

    def __str__(self) -> str:
        moment = f"{timezone.localtime(self.at):%Y-%m-%d %H:%M}"
        parts = (
            f"打印人：{self.by}" if self.by else "",
            f"打印时间：{moment}",
            f"用途：{self.purpose}" if self.purpose else "",
        )
        return "　".join(part for part in parts if part)


def printed(by: Any, purpose: str = "") -> Printed:
    """The foot and the mark of a paper that somebody takes out of the product now."""
    now = timezone.now()
    name = f"{by}（{by.get_username()}）"
    return Printed(name, now, purpose, f"{by} {timezone.localtime(now):%Y-%m-%d}")


def pdf(template: str, context: Mapping[str, Any]) -> bytes:
    """The template as a PDF. Raises PapersUnavailableError, ForeignAddressError.

    The context may have `printed`, a `Printed`; without it a paper has neither foot nor mark.
    """
    with _ONE_AT_A_TIME:
        body: bytes = document(template, context).write_pdf()
    return body


def document(template: str, context: Mapping[str, Any]) -> Any:
    """The pages before they are written out; for whoever counts or measures them."""
    text = render_to_string(template, {"printed": None, **context})
    html, fetcher, refused = _library()
    try:
        with _ONE_AT_A_TIME:
            return html(string=text, base_url=_BASE, url_fetcher=fetcher()).render()
    except refused as error:
        raise ForeignAddressError("a paper may load nothing but its own style sheet") from error


def answer(body: bytes, name: str) -> HttpResponse:
    """The PDF as a file to keep; no cache has it."""
    response = HttpResponse(body, content_type=PDF)
    response["Content-Disposition"] = content_disposition_header(
        as_attachment=True, filename=f"{name}.pdf"
    )
    return response


def _library() -> tuple[Any, Any, Any]:
    """WeasyPrint's document, a fetcher of the style sheet alone, and what ends a layout.

    Imported here: it takes more than a second and binds the libraries of the system.
    """
    try:
        from weasyprint import HTML
        from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse
    except OSError as error:
        raise PapersUnavailableError from error
    # Both tell what they subset and what CSS they skip; the first sets its level when imported.
    for name in ("weasyprint", "fontTools"):
        logging.getLogger(name).setLevel(logging.CRITICAL)

    class OnlyOwnStyle(URLFetcher):
        def fetch(self, url: str, headers: Any = None) -> Any:
            if url != urljoin(_BASE, static(STYLE)):
                # Any other error would be logged, and the layout go on without.
                raise FatalURLFetchingError
            return URLFetcherResponse(url, _style(), {"Content-Type": "text/css"})

    return HTML, OnlyOwnStyle, FatalURLFetchingError


def _style() -> bytes:
    found = finders.find(STYLE)
    if not found:
        raise ForeignAddressError(f"{STYLE} is not among the static files")
    return Path(str(found)).read_bytes()
