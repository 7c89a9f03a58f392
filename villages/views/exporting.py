"""The villages of a division and year as a file, with what is known of each."""

from datetime import date

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from core.exports.forms import ExportForm
from core.exports.services import AT_ONCE
from core.exports.views import answer
from core.limits import limited
from core.web import actor_of, partition_of, require
from villages.forms import PlaceForm
from villages.queries.divisions import version_shown
from villages.workbooks import READ, VILLAGES, villages_of


@require_http_methods(["GET", "POST"])
@limited("export", methods=("POST",))
def export(request: HttpRequest) -> HttpResponse:
    """As the address says: a division and a year; without a division all that the person sees."""
    require(request, READ)
    asked = PlaceForm(request.GET)
    if not asked.is_valid():
        raise Http404
    actor = actor_of(request)
    year = asked.cleaned_data["year"] or partition_of(request)
    if year is None:
        raise Http404
    code = asked.cleaned_data["region"]
    place = version_shown(code, date(year, 12, 31), actor) if code else None
    if code and place is None:
        raise Http404
    terms = {"year": year, **({"region": place.prefix} if place else {})}
    form = ExportForm(request.POST or None, may_ask_full=False)
    total = villages_of(terms, actor, region="", full=False).count()
    if request.method == "POST" and form.is_valid():
        done = answer(
            request,
            form,
            kind=VILLAGES,
            terms=terms,
            place=place.prefix if place else "",
            rows=total,
        )
        if done is not None:
            return done
    region = f"&region={place.prefix}" if place else ""
    context = {
        "form": form,
        "place": place,
        "year": year,
        "total": total,
        "at_once": total <= AT_ONCE,
        "back": f"{reverse('villages:list')}?year={year}{region}",
    }
    status = 200 if request.method == "GET" else 422
    return render(request, "villages/export.html", context, status=status)
