"""The entry page: opening, adding rows, checking and handing in one household of one year."""

from collections.abc import Sequence

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from core.limits import limited
from core.scope import covers
from core.web import actor_of, partition_of, require
from households.models import Change, ChangeState
from households.queries import places
from households.services import changing, drafting, editing
from households.views.entry_page import EntryPage
from households.views.frame import known_years

EDIT = changing.EDIT


@require_http_methods(["GET", "POST"])
@limited("edit", methods=("POST",))
def edit_household(request: HttpRequest, household_no: str) -> HttpResponse:
    """Correct a household in a year."""
    require(request, EDIT)
    years = known_years(household_no, actor_of(request))
    year = partition_of(request)
    if year not in years:
        return redirect(f"{request.path}?year={years[0]}")
    change = _returned(request, household_no)
    if change is not None and change.state != ChangeState.RETURNED:
        # Handed in again meanwhile, perhaps by the same click.
        return redirect("households:change", pk=change.pk)
    if request.method == "POST":
        return EntryPage(request, household_no, year, change).posted()
    try:
        opened = editing.load(household_no=household_no, partition=year, actor=actor_of(request))
    except editing.UnfitError as error:
        raise Http404 from error
    return EntryPage(request, household_no, year, change).opened(opened)


@require_http_methods(["GET", "POST"])
@limited("edit", methods=("POST",))
def new_household(request: HttpRequest) -> HttpResponse:
    """Enter a household for the first time, in a village chosen before."""
    require(request, EDIT)
    year = partition_of(request)
    if year is None:
        raise Http404
    change = _returned(request, "")
    if change is not None and change.state != ChangeState.RETURNED:
        return redirect("households:change", pk=change.pk)
    page = EntryPage(request, "", year, change)
    if request.method == "POST":
        return page.posted()
    draft = None if change else drafting.draft_of("", year, request.user)
    code = request.GET.get("village", "")
    if change is None and draft is None and len(code) != _VILLAGE:
        return _choose_village(request, year)
    if len(code) == _VILLAGE and not covers(actor_of(request), code, EDIT):
        raise Http404
    return page.opened(editing.blank(village_code=code, partition=year))


_VILLAGE = 12


def _returned(request: HttpRequest, household_no: str) -> Change | None:
    """The change of one's own that is being corrected, if the address names one."""
    number = request.GET.get("change", "")
    if not number:
        return None
    if not (number.isascii() and number.isdecimal() and len(number) < 19):
        raise Http404
    own = Change.objects.visible_to(actor_of(request)).filter(created_by_id=request.user.pk)
    found = get_object_or_404(own.select_related("household"), pk=int(number))
    # One that entered a household took effect with it: that household is its page now.
    if found.edit.get("household_no", "") != household_no:
        raise Http404
    return found


def _choose_village(request: HttpRequest, year: int) -> HttpResponse:
    """County, town, village, each narrowed by the one before; one choice is no choice."""
    actor, day = actor_of(request), places.year_end(year)
    counties = places.counties_for(actor, day)
    county = _among(request.GET.get("county", ""), counties)
    towns = places.towns_for(actor, day, county)
    town = _among(request.GET.get("town", ""), towns)
    villages = places.villages_for(actor, day, town)
    if len(villages) == 1:
        return redirect(f"{request.path}?year={year}&village={villages[0][0]}")
    context = {
        "partition": year,
        "levels": [
            ("county", "县区", counties, county),
            ("town", "乡镇", towns, town),
            ("village", "行政村", villages, ""),
        ],
    }
    return render(request, "households/entry_place.html", context)


def _among(asked: str, offered: Sequence[tuple[str, str]]) -> str:
    codes = [code for code, _ in offered]
    if asked in codes:
        return asked
    return codes[0] if len(codes) == 1 else ""
