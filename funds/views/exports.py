"""Lists of money as workbooks and on A4, in the shape in which offices send them upward."""

from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from core.exports.forms import ExportForm
from core.exports.kinds import kind_of
from core.exports.models import PDF, Format
from core.exports.services import AT_ONCE
from core.exports.views import answer
from core.limits import limited
from core.web import actor_of, require
from funds import workbooks
from funds.views.shown import READ, seen_account

# Address → kind of list, and the page it comes from.
_KINDS = {
    "progress": (workbooks.PROGRESS, "funds:board"),
    "vouchers": (workbooks.VOUCHERS, "funds:vouchers"),
    "book": (workbooks.BOOK, "funds:accounts"),
    "loans": (workbooks.LOANS, "funds:loans"),
}


@require_http_methods(["GET", "POST"])
@limited("export", methods=("POST",))
def export(request: HttpRequest, what: str) -> HttpResponse:
    """One list with the terms of the address, as a file."""
    require(request, READ)
    if what not in _KINDS:
        raise Http404
    kind, back = _KINDS[what]
    terms = _terms(request, kind)
    place = terms.get("region", "")
    form = ExportForm(request.POST if request.method == "POST" else None, may_ask_full=False)
    formats: list[tuple[str, Any]] = [*Format.choices, (PDF, "A4 打印（PDF）")]
    form.fields["file_format"].choices = formats  # type: ignore[attr-defined]
    total = kind_of(kind).count(terms, actor_of(request), region="", full=False)
    if request.method == "POST" and form.is_valid():
        done = answer(request, form, kind=kind, terms=terms, place=place, rows=total)
        if done is not None:
            return done
    context = {
        "form": form,
        "label": kind_of(kind).label,
        "words": kind_of(kind).words(terms),
        "total": total,
        "at_once": total <= AT_ONCE,
        "back": f"{reverse(back)}?{urlencode(terms)}",
    }
    status = 200 if request.method == "GET" else 422
    return render(request, "funds/export.html", context, status=status)


def _terms(request: HttpRequest, kind: str) -> dict[str, Any]:
    names = workbooks.TERMS[kind]
    terms = {name: value for name in names if (value := request.GET.get(name, "")[:60])}
    if kind == workbooks.PROGRESS:
        year, month = terms.get("year", ""), terms.get("month", "")
        this = timezone.localdate()
        known = year.isascii() and year.isdigit() and 2000 <= int(year) <= 2100
        terms["year"] = year if known else str(this.year)
        terms["month"] = f"{workbooks.month_of(month):%Y-%m}"
    if kind == workbooks.BOOK:
        key = terms.get("account", "")
        if not (key.isascii() and key.isdigit() and len(key) < 19):
            raise Http404
        seen_account(request, int(key))
    return terms
