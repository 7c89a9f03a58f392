"""The tabs of a household that tell what became of it: changes, members, former days, handling."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from households.forms import DayForm
from households.models import WorkSpell
from households.queries import asof, handling, happenings, sheet
from households.queries import timeline as timelines
from households.views.frame import frame
from households.views.reviews import shown


@require_GET
def members(request: HttpRequest, household_no: str) -> HttpResponse:
    """Everything declared of each member in the year, with the spells of work."""
    found = frame(request, household_no, "members")
    if isinstance(found, HttpResponse):
        return found
    spells = WorkSpell.objects.visible_to(found.actor).filter(
        household_id=found.row.household_id, partition_id=found.row.partition_id
    )
    context = found.context | {"people": sheet.people(found.members, list(spells))}
    return render(request, "households/members.html", context)


@require_GET
def timeline(request: HttpRequest, household_no: str) -> HttpResponse:
    """All acts on the household, youngest first; narrowed by year and group of facts."""
    found = frame(request, household_no, "timeline")
    if isinstance(found, HttpResponse):
        return found
    asked = _asked(request)
    page = timelines.timeline(found.row.household, found.actor, **asked)
    here = {"year": found.row.partition_id, "of": asked["year"] or "", "group": asked["group"]}
    context = found.context | {
        "page": page,
        "asked": asked,
        "groups": happenings.groups(),
        "next": urlencode(here | {"after": page.after}) if page.after else "",
        "is_first": not asked["after"],
    }
    return render(request, "households/timeline.html", context)


def _asked(request: HttpRequest) -> dict[str, Any]:
    """The year, the group and the place of the page, each known; else a 404."""
    year, group = request.GET.get("of", ""), request.GET.get("group", "")
    after = request.GET.get("after", "")
    numbers = all(
        text.isascii() and (not text or text.isdecimal()) and len(text) <= longest
        for text, longest in ((year, 4), (after, 18))
    )
    if not numbers or (group and group not in happenings.groups()):
        raise Http404
    return {"year": int(year or 0), "group": group, "after": after}


@require_GET
def as_of(request: HttpRequest, household_no: str) -> HttpResponse:
    """The household's year as the register told it at the end of a day."""
    found = frame(request, household_no, "asof")
    if isinstance(found, HttpResponse):
        return found
    yesterday = timezone.localdate() - timedelta(days=1)
    form = DayForm(request.GET if "on" in request.GET else {"on": yesterday.isoformat()})
    context = found.context | {"form": form}
    if form.is_valid():
        day = form.cleaned_data["on"]
        context["day"] = day
        former = asof.as_of(
            found.row.household, found.row.partition_id, asof.end_of(day), found.actor
        )
        if former is not None:
            members = sheet.heads_first(former.members)
            context |= {
                "former": sheet.head_of_page(former.row, members),
                "members": [sheet.member(member) for member in members],
                "facts": sheet.cards(former.row, found.actor),
                "income": sheet.income(former.row),
            }
    return render(request, "households/asof.html", context)


@require_GET
def handled(request: HttpRequest, household_no: str) -> HttpResponse:
    """Changes under review and procedures that this household is or was in."""
    found = frame(request, household_no, "handling")
    if isinstance(found, HttpResponse):
        return found
    context = found.context | {
        "changes": shown(handling.changes_of(found.row.household, found.actor)),
        "cases": handling.cases_of(found.row.household, found.actor),
        "most": handling.MOST,
    }
    return render(request, "households/handling.html", context)
