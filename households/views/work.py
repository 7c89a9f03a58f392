"""My work: what waits for the person who is signed in."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from core.scope import Actor
from core.web import actor_of
from households.queries import bulk
from households.queries import work as queries
from households.views.reviews import place_names, shown

# As many of each kind as a page shows; the rest is behind its list.
SHOWN = 20


@require_GET
def work(request: HttpRequest) -> HttpResponse:
    """Reviews at the own level, procedures to go on with, own changes that came back, own drafts."""
    may_work(request)
    actor = actor_of(request)
    counts = queries.counts(actor)
    context: dict[str, Any] = {
        "counts": counts,
        "waiting": shown(queries.waiting_for(actor)[:SHOWN]),
        "returned": shown(queries.returned_to(actor)[:SHOWN]),
        "under_way": shown(queries.under_way(actor)[:SHOWN]),
        "drafts": _drafts(actor),
        "due": _due(actor),
        "others": bulk.work_counts(actor),
        "most": SHOWN,
        "may_edit": request.user.has_perm(queries.EDIT),
    }
    return render(request, "households/work.html", context)


def _drafts(actor: Actor) -> list[Any]:
    rows: list[Any] = list(
        queries.drafts_of(actor).select_related("household").defer("payload")[:SHOWN]
    )
    return _with_places(rows)


def _due(actor: Actor) -> list[Any]:
    return _with_places(list(queries.due_for(actor)[:SHOWN]))


def _with_places(rows: list[Any]) -> list[Any]:
    names = place_names(row.village_code for row in rows)
    for row in rows:
        row.place = names.get(row.village_code, row.village_code)
    return rows


def may_work(request: HttpRequest) -> None:
    """For whoever enters, reviews or manages reviews; else PermissionDenied."""
    rights = (queries.EDIT, queries.REVIEW, queries.MANAGE)
    if not any(request.user.has_perm(right) for right in rights):
        raise PermissionDenied
