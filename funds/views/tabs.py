"""What a household was paid."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from funds.queries import payments
from households.views.frame import frame


@require_GET
def of_household(request: HttpRequest, household_no: str) -> HttpResponse:
    """Payments to this household: when, for what, how much, by which document."""
    found = frame(request, household_no, "funds")
    if isinstance(found, HttpResponse):
        return found
    rows = payments.of_household(found.row.household_id, found.actor)
    context = found.context | {"rows": rows, "sum": payments.sum_of(rows)}
    return render(request, "funds/household.html", context)
