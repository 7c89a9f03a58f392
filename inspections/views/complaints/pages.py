"""Complaints as a list, and one of them with its way."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from core.scope import trim
from core.web import actor_of
from households.queries import places
from inspections.enums.complaints import PETITION, Channel, Kind, State
from inspections.queries import complaints
from inspections.views.complaints.common import page, require_complaints, seen, shown

_ASKED = ("region", "channel", "kind", "state", "standing", "words")


@require_GET
def complaint_list(request: HttpRequest) -> HttpResponse:
    """What was received, or passed on to one's office: overdue first, without who complained."""
    require_complaints(request)
    day = timezone.localdate()
    asked = {name: request.GET.get(name, "").replace("\x00", "") for name in _ASKED}
    asked = {name: value for name, value in asked.items() if value}
    if asked.get("region", "").isdecimal():
        asked["region"] = trim(asked["region"])
    actor = actor_of(request)
    counties = places.counties_for(actor, day)
    found = complaints.visible(actor)
    # Counted beside the standing that is chosen, so that each can be chosen instead.
    rest = {name: value for name, value in asked.items() if name != "standing"}
    counted = complaints.counts(complaints.narrowed(found, rest, day), day)
    at = complaints.page(complaints.narrowed(found, asked, day), day, request.GET.get("after", ""))
    chosen = asked.get("standing", "")
    context = {
        "rows": [shown(one) for one in at.rows],
        "total": counted.get(chosen, counted["total"]),
        "standings": [
            (label, counted[which], urlencode(rest | {"standing": which}), which == chosen)
            for which, label in complaints.STANDINGS.items()
        ],
        "channels": Channel.choices,
        "kinds": Kind.choices,
        "states": State.choices,
        "counties": counties if len(counties) > 1 else [],
        "asked": {name: asked.get(name, "") for name in _ASKED},
        "previous": None,
        "next": urlencode(asked | {"after": at.after}) if at.after else None,
        "receives": request.user.has_perm(PETITION),
    }
    return render(request, "complaints/list.html", context)


@require_GET
def complaint(request: HttpRequest, pk: int) -> HttpResponse:
    """One complaint: its summary, its steps, the problems it led to."""
    require_complaints(request)
    return page(request, seen(request, pk))
