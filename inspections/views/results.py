"""What a round says of its county, and the receipt of each figure."""

from decimal import Decimal

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from core.web import actor_of
from inspections.enums import Rate
from inspections.queries import results
from inspections.views.common import shown
from inspections.views.rounds import seen

PAGE = 100


@require_GET
def result(request: HttpRequest, pk: int, rate: str) -> HttpResponse:
    """The receipt of one figure: what it means, by which version, from what, and who is behind it."""
    found = seen(request, pk)
    actor = actor_of(request)
    one = next((row for row in results.results_of(found, actor) if row.rate == rate), None)
    if one is None:
        raise Http404
    rows = results.households_behind(one, actor)
    page = None
    if rows is not None:
        rows = rows.select_related("frame", "village__frame")
        page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    definition = found.definitions.get(one.definition, {})
    context = {
        "round": found,
        "shown": shown(one),
        "result": one,
        "definition": {
            name: definition.get(name, "") for name in ("name", "numerator", "denominator")
        },
        "facts": one.facts,
        "totals": [_rounded(one.weighted_numerator), _rounded(one.weighted_denominator)],
        "worth": _rounded(one.worth),
        "is_approval": one.rate == Rate.APPROVAL,
        "page": page,
        "rows": list(page) if page else [],
        "previous": {"page": page.previous_page_number()} if page and page.has_previous() else None,
        "next": {"page": page.next_page_number()} if page and page.has_next() else None,
    }
    return render(request, "inspections/result.html", context)


def _rounded(value: Decimal | None) -> Decimal | None:
    return None if value is None else value.quantize(Decimal("0.1"))
