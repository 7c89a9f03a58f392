"""Reading the procedures by which villages and counties exit."""

from datetime import date
from typing import Any

from django.db.models import Count, Max, Q, QuerySet

from core.scope import Actor
from exits.checks.procedures import LEVELS, ExitTemplate
from exits.models import ExitProcedure
from households.models import ProcedureState

TONES = {ProcedureState.OPEN: "info", ProcedureState.DONE: "good", ProcedureState.REFUSED: "bad"}


def listed(
    actor: Actor, partition: int, *, level: str = "", state: str = ""
) -> "QuerySet[ExitProcedure]":
    """Procedures of the year with how many places stand on their lists, the open ones first."""
    found: Any = ExitProcedure.objects.visible_to(actor).filter(partition=partition)
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


def clock(procedure: ExitProcedure, template: ExitTemplate, today: date) -> list[dict[str, Any]]:
    """Every step with what was decided, the notice and its days; three queries."""
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
                "is_now": procedure.state == ProcedureState.OPEN and position == procedure.position,
            }
        )
    return told
