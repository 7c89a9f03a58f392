"""The years of one household side by side."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from core.web import actor_of, require
from households.queries import comparing, sheet
from households.views.frame import READ, around, known_years


@require_GET
def compare(request: HttpRequest, household_no: str) -> HttpResponse:
    """All facts of the years asked for, or of the latest ones; what changed is marked."""
    actor = actor_of(request)
    require(request, READ)
    known = known_years(household_no, actor)
    asked = _asked(request.GET.getlist("years"), known)
    rows = comparing.rows_of(household_no, asked, actor)
    latest = rows[-1]
    household = sheet.head_of_page(latest, sheet.member_years(latest))
    groups = comparing.compare(rows, actor)
    only_changed = request.GET.get("only") == "changed"
    context = around(request, household, latest.partition_id, "compare") | {
        "known": known,
        "years": [row.partition_id for row in rows],
        "groups": _changed(groups) if only_changed else groups,
        "changed_count": sum(line.differs for group in groups for line in group.lines),
        "only_changed": only_changed,
    }
    return render(request, "households/compare.html", context)


def _asked(texts: list[str], known: list[int]) -> list[int]:
    """The years of the address, each one known; without any, the latest that fit on a page."""
    if not texts:
        return known[: comparing.MOST]
    by_text = {str(year): year for year in known}
    if not set(texts) <= set(by_text):
        raise Http404
    return sorted({by_text[text] for text in texts}, reverse=True)[: comparing.MOST]


def _changed(groups: list[comparing.Group]) -> list[comparing.Group]:
    """Only the lines that differ, and the groups that have any."""
    kept = [
        comparing.Group(group.title, [line for line in group.lines if line.differs])
        for group in groups
    ]
    return [group for group in kept if group.lines]
