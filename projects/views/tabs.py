"""What a household has of projects."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from households.views.frame import frame
from projects.queries.benefits import of_household


@require_GET
def of_household_page(request: HttpRequest, household_no: str) -> HttpResponse:
    """The projects that help this household, with what, and what was expected and came."""
    found = frame(request, household_no, "projects")
    if isinstance(found, HttpResponse):
        return found
    rows = of_household(found.row.household_id, found.actor)
    return render(request, "projects/household.html", found.context | {"rows": rows})
