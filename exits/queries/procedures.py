"""Reading the procedures by which villages and counties exit."""

from collections.abc import Collection
from datetime import date
from typing import Any

from django.db.models import Count, Max, Q, QuerySet

from core.scope import Actor, within
from exits.catalog import exit_templates
from exits.checks.procedures import LEVELS, ExitTemplate
from exits.models import ExitProcedure
from households.models import ProcedureState

TONES = {ProcedureState.OPEN: "info", ProcedureState.DONE: "good", ProcedureState.REFUSED: "bad"}


def listed(
    actor: Actor,
    partition: int,
    *,
    level: str = "",
    state: str = "",
    waiting_for: Collection[str] | None = None,
) -> "QuerySet[ExitProcedure]":
    """Procedures of the year with how many places stand on their lists, the open ones first.

    `waiting_for`: only those whose step at hand is decided by whoever holds these prefixes.
    """
    found: Any = ExitProcedure.objects.visible_to(actor).filter(partition=partition)
    if waiting_for is not None:
        found = found.filter(_decided_by(waiting_for))
    if level:
        found = found.filter(level=level)
    if state:
        found = found.filter(state=state)
    return (
        found.select_related("region")
        .annotate(
            places=Count("cases", filter=Q(cases__dropped_on__isnull=True), distinct=True),
            notice_ends=Max("notices__ends_on"),
        )
        .order_by("-state", "region_code", "-pk")
    )


def work(actor: Actor, partition: int, prefixes: Collection[str]) -> dict[str, int]:
    """How many procedures of the year wait for whoever holds these prefixes, and how many in each state."""
    found: Any = ExitProcedure.objects.visible_to(actor).filter(partition=partition)
    counts: dict[str, int] = found.aggregate(
        waiting=Count("pk", filter=_decided_by(prefixes)),
        **{state.lower(): Count("pk", filter=Q(state=state)) for state in ProcedureState.values},
    )
    return counts


def _decided_by(prefixes: Collection[str]) -> Q:
    """Open procedures whose step at hand is one of the levels at which these prefixes decide."""
    found = Q(pk__in=[])
    for template in exit_templates():
        nearer = Q(pk__in=[])
        for other in exit_templates():
            if other.level == template.level and other.is_nearer_than(template):
                nearer |= Q(region_code__startswith=other.region_prefix)
        here = Q(level=template.level, state=ProcedureState.OPEN) & ~nearer
        for step in template.steps:
            own = tuple(one for one in prefixes if len(one) == step.level)
            if own:
                found |= here & Q(
                    within(own, "region_code"),
                    step=step.code,
                    region_code__startswith=template.region_prefix,
                )
    return found


def clock(procedure: ExitProcedure, template: ExitTemplate, today: date) -> list[dict[str, Any]]:
    """Every step with what was decided, the notice and its calendar days; three queries."""
    decided = {one.position: one for one in procedure.decisions.select_related("created_by")}
    notices = {
        one.step: one
        for one in procedure.notices.select_related("created_by").prefetch_related(
            "objections__answered_by"
        )
    }
    told = []
    for position, step in enumerate(template.steps):
        notice = notices.get(step.code)
        told.append(
            {
                "step": step,
                "level": LEVELS[step.level],
                "decided": decided.get(position),
                "notice": notice,
                "days_left": max((notice.ends_on - today).days + 1, 0) if notice else None,
                "day": (today - notice.starts_on).days + 1 if notice else None,
                "is_now": procedure.state == ProcedureState.OPEN and position == procedure.position,
            }
        )
    return told
