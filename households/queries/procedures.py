"""What the procedure pages show."""

from datetime import date
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery

from core.scope import Actor
from households.formulas import LEVELS, TEMPLATES
from households.models import (
    HouseholdYear,
    NoticeRule,
    Procedure,
    ProcedureState,
    Publicity,
)

TONES = {"OPEN": "info", "DONE": "good", "REFUSED": "neutral"}


def listed(
    actor: Actor, partition: int, *, kind: str = "", step: str = "", due: bool, today: date
) -> "QuerySet[Procedure]":
    """Procedures of a year with what their rows show; `due`: the notice ran out and nobody decided."""
    notice = Publicity.objects.filter(procedure=OuterRef("pk"), step=OuterRef("step"))
    found = (
        Procedure.objects.visible_to(actor)
        .filter(partition_id=partition)
        .select_related("village__parent")
        .annotate(
            households=Count("cases", filter=Q(cases__dropped_on__isnull=True)),
            notice_ends=Subquery(notice.values("ends_on")[:1]),
            is_due=Exists(notice.filter(ends_on__lt=today)),
        )
        .order_by("-pk")
    )
    if kind:
        found = found.filter(kind=kind)
    if step:
        found = found.filter(step=step)
    return found.filter(is_due=True) if due else found


def clock(procedure: Procedure, today: date) -> list[dict[str, Any]]:
    """Every step with what was decided, the notice and its days; three queries."""
    decided = {one.position: one for one in procedure.steps.select_related("created_by")}
    notices = {
        one.step: one
        for one in procedure.notices.select_related("created_by").prefetch_related(
            "objections__answered_by"
        )
    }
    told = []
    for position, step in enumerate(TEMPLATES[procedure.kind].steps):
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


def candidates(
    village_code: str, partition: int, statuses: tuple[str, ...], actor: Actor
) -> "QuerySet[HouseholdYear]":
    """Households of a village whose standing lets them be put on the list."""
    return (
        HouseholdYear.objects.visible_to(actor)
        .filter(village_code=village_code, partition_id=partition, exit_status__in=statuses)
        .select_related("household")
        .order_by("household__natural_village_name", "household__household_no")
    )


def rules_of(prefixes: tuple[str, ...]) -> "QuerySet[NoticeRule]":
    """The notice days that these counties set."""
    codes = [prefix[:6].ljust(12, "0") for prefix in prefixes]
    return NoticeRule.objects.filter(region_code__in=codes).order_by("region_code", "kind", "step")
