"""Pages for leaders. They read computed figures only."""

from datetime import date

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from core.scope import covers
from core.web import actor_of, partition_of, require
from dashboards.queries import board
from villages.enums import Level
from villages.models import Region
from villages.queries import granted_regions, region_at


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """The widest region the signed-in person may see; who reads no register has work elsewhere."""
    if not request.user.has_perm("households.view_register"):
        return redirect("accounts:me")
    partition = partition_of(request)
    if partition is None:
        return render(request, "dashboards/empty.html")
    region = granted_regions(date(partition, 12, 31), actor_of(request)).first()
    if region is None:
        return render(request, "dashboards/empty.html")
    return _page(request, region, partition)


@require_GET
def region(request: HttpRequest, code: str) -> HttpResponse:
    """One region by its code or prefix; outside the grants it does not exist."""
    require(request, "households.view_register")
    partition = partition_of(request)
    found = region_at(code, date(partition, 12, 31)) if partition else None
    if found is None or not covers(actor_of(request), found.code):
        raise Http404
    return _page(request, found, partition or 0)


def _page(request: HttpRequest, region: Region, partition: int) -> HttpResponse:
    template = "dashboards/home.html" if region.level == Level.CITY else "dashboards/region.html"
    return render(request, template, {"board": board(region, partition, actor_of(request))})
