"""One problem: what is wrong, who mends it until when, and each step."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from core.web import actor_of, require
from inspections.queries.findings import listing

READ = "households.view_register"


@require_GET
def finding(request: HttpRequest, pk: int) -> HttpResponse:
    """A problem with its steps."""
    require(request, READ)
    found = listing.visible(actor_of(request)).select_related("region", "campaign", "category")
    one = get_object_or_404(found, pk=pk)
    steps = one.steps.select_related("created_by").order_by("position")
    return render(request, "findings/finding.html", {"one": one, "steps": steps})
