"""A month of deadlines: what is due on which day, shaded by the days off."""

from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from core.web import actor_of, require
from households.queries import places
from inspections.queries.findings import days
from inspections.views.findings.listing import READ

_COUNTY_DIGITS = 6


@require_GET
def calendar(request: HttpRequest) -> HttpResponse:
    """The month of the address, or the present one."""
    require(request, READ)
    actor, today = actor_of(request), timezone.localdate()
    first = _month(request.GET.get("month", ""), today)
    counties = places.counties_for(actor, today)
    region = request.GET.get("region", "")
    if region not in dict(counties):
        region = ""
    month = days.month_of(first, actor, today, region)
    kept = {"region": region} if region else {}
    before = (first - timedelta(1)).replace(day=1)
    following = days.end_of(first) + timedelta(1)
    context = {
        "month": month,
        "today": today,
        "region": region,
        "kept": urlencode(kept),
        "counties": counties if len(counties) > 1 else [],
        "previous": urlencode({"month": f"{before:%Y-%m}"} | kept),
        "next": urlencode({"month": f"{following:%Y-%m}"} | kept),
        "totals": _totals(month, today),
        "weekdays": "一二三四五六日",
    }
    return render(request, "findings/calendar.html", context)


def _month(text: str, today: date) -> date:
    """The first day of a month (`2018-12`) of the years that calendars have."""
    try:
        first = date.fromisoformat(f"{text}-01")
    except ValueError:
        first = today
    return (first if 2000 <= first.year <= 2100 else today).replace(day=1)


def _totals(month: days.Month, today: date) -> dict[str, Any]:
    return {
        "due": sum(day.due for day in month.days if day.on >= today),
        "overdue": sum(day.due for day in month.days if day.on < today),
        "replies": sum(day.replies for day in month.days),
        "looks": sum(day.looks for day in month.days),
    }
