"""The ledger of problems as a list: overdue first, narrowed as one likes, and as a file."""

from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from core.exports.forms import ExportForm
from core.exports.kinds import kind_of
from core.exports.models import PDF, Format
from core.exports.services import AT_ONCE
from core.exports.views import answer
from core.limits import limited
from core.web import actor_of, require
from inspections.enums.findings import DONE, GONE, OPEN, OWED, State
from inspections.models import Finding
from inspections.queries.findings import listing
from inspections.services.findings.common import FIND
from inspections.views.findings.filters import MAIN, narrowing
from inspections.workbooks.findings import FINDINGS

READ = "households.view_register"
TONES: dict[str, str] = {
    **dict.fromkeys(OPEN, "info"), **dict.fromkeys(DONE, "good"), **dict.fromkeys(GONE, "neutral"),
    State.FOUND: "warn", State.RETURNED: "bad",
}  # fmt: skip
_UNITS = 200


@require_GET
@limited("search")
def finding_list(request: HttpRequest) -> HttpResponse:
    """Problems of one's places, overdue first."""
    require(request, READ)
    day = timezone.localdate()
    asked = narrowing(request, day)
    visible = listing.visible(actor_of(request))
    found = listing.narrowed(visible, asked.terms, day)
    page = listing.page(
        found, day, request.GET.get("after", ""), request.GET.get("before", ""),
        state=asked.terms.get("state", ""),
    )  # fmt: skip
    context = {
        "filter": asked.form,
        "main": MAIN,
        "chips": asked.chips,
        "query": asked.query(),
        "rows": [shown(one, day) for one in page.rows],
        "total": found.count(),
        "units": listing.units(visible)[:_UNITS],
        "previous": _beside(asked.query(), "before", page.before),
        "next": _beside(asked.query(), "after", page.after),
        "may_find": request.user.has_perm(FIND),
    }
    return render(request, "findings/list.html", context)


def _beside(query: str, name: str, key: str) -> str:
    return f"{query}&{urlencode({name: key})}" if key else ""


def shown(one: Finding, day: date) -> dict[str, Any]:
    """A problem with how late it is, or how many days are left."""
    left = (one.due_on - day).days if one.due_on and one.state in OWED else None
    return {
        "one": one,
        "tone": TONES.get(one.state, ""),
        "late": -left if left is not None and left < 0 else 0,
        "left": left,
    }


@require_http_methods(["GET", "POST"])
@limited("export", methods=("POST",))
def export(request: HttpRequest) -> HttpResponse:
    """The list of the address as a file, as many rows as the list counts."""
    require(request, READ)
    asked = narrowing(request, timezone.localdate())
    terms = asked.kept_terms
    form = ExportForm(request.POST if request.method == "POST" else None, may_ask_full=False)
    formats: list[tuple[str, Any]] = [*Format.choices, (PDF, "A4 打印（PDF）")]
    form.fields["file_format"].choices = formats  # type: ignore[attr-defined]
    kind = kind_of(FINDINGS)
    total = kind.count(terms, actor_of(request), region="", full=False)
    if request.method == "POST" and form.is_valid():
        done = answer(request, form, kind=FINDINGS, terms=terms, place=asked.region, rows=total)
        if done is not None:
            return done
    context = {
        "form": form,
        "words": kind.words(terms),
        "total": total,
        "at_once": total <= AT_ONCE,
        "back": f"{reverse('findings:list')}?{asked.query()}",
    }
    status = 200 if request.method == "GET" else 422
    return render(request, "findings/export.html", context, status=status)
