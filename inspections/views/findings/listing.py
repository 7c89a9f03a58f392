"""The ledger of problems as a list: overdue first, narrowed as one likes."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from core.web import actor_of, require
from inspections.queries.findings import listing

READ = "households.view_register"


@require_GET
def finding_list(request: HttpRequest) -> HttpResponse:
    """Problems of one's places, overdue first."""
    require(request, READ)
    day = timezone.localdate()
    given = {name: value for name, value in request.GET.items() if value and name != "after"}
    found = listing.narrowed(listing.visible(actor_of(request)), given, day)
    page = listing.page(found, day, request.GET.get("after", ""))
    context = {
        "rows": page.rows,
        "total": found.count(),
        "previous": None,
        "next": urlencode(given | {"after": page.after}) if page.after else None,
    }
    return render(request, "findings/list.html", context)
