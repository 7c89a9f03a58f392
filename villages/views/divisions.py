"""The page of administrative divisions (行政区划): from the city down to the village, year by year."""

from datetime import date
from typing import Any, cast

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from core.scope import Actor, covers
from core.web import partition_of
from villages import queries
from villages.enums import Level
from villages.forms import PlaceForm
from villages.models import Region


@require_GET
def region_list(request: HttpRequest) -> HttpResponse:
    form = PlaceForm(request.GET)
    if not form.is_valid():
        raise Http404
    # LoginRequiredMiddleware lets nobody in who is not somebody.
    actor = cast("Actor", request.user)
    # The list as it stood at the end of the year the page is about.
    year = form.cleaned_data["year"] or partition_of(request) or timezone.localdate().year
    day = date(year, 12, 31)
    region = _region(form.cleaned_data["region"], day, actor)
    context = _place(region, day, actor) if region else _start(day, actor)
    years = sorted({year, *queries.years_known(actor)}, reverse=True)
    return render(
        request, "villages/region_list.html", context | {"year": year, "years": years, "day": day}
    )


def _region(code: str, day: date, actor: Actor) -> Region | None:
    """The division asked for, or the only one granted; foreign and unknown ones are a 404 alike."""
    if not code:
        granted = list(queries.granted_regions(day, actor)[:2])
        return granted[0] if len(granted) == 1 else None
    region = queries.version_shown(code, day, actor)
    if region is None:
        raise Http404
    return region


def _start(day: date, actor: Actor) -> dict[str, Any]:
    """Several grants, or none that is known: a table of what is granted."""
    rows = queries.lines(queries.granted_regions(day, actor), day, actor)
    return {"region": None, "rows": rows, "below": ""}


def _place(region: Region, day: date, actor: Actor) -> dict[str, Any]:
    rows = queries.lines(queries.children(region, day, actor), day, actor)
    itself = queries.lines(Region.objects.filter(pk=region.pk), day, actor)[0]
    return {
        "region": region,
        # An official sees the divisions above his own, but not what else lies in them.
        "is_whole": covers(actor, region.code),
        "is_valid": region.is_valid_on(day),
        "breadcrumbs": _breadcrumbs(queries.ancestors(region, day), region, day),
        "itself": itself,
        "rows": rows,
        "below": rows[0].region.level if rows else "",
        "facts": queries.county_facts(region, day.year, actor),
        "populations": queries.population_bases(region, day.year, actor),
        "links": queries.neighbours_in_time(region),
        "lists": queries.lists_of(region),
        "is_village": region.level == Level.VILLAGE,
    }


def _breadcrumbs(chain: list[Region], region: Region, day: date) -> list[dict[str, str]]:
    """Links to what lies above, then the division itself."""
    page = reverse("villages:list")
    return [
        {"name": one.name, "href": f"{page}?region={one.prefix}&year={day.year}"}
        for one in [*chain, region]
    ]
