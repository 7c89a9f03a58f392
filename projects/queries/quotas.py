"""Quotas of a year beside what is assigned of them."""

from decimal import Decimal
from typing import Any

from django.db.models import OuterRef, Subquery, Sum
from django.db.models.functions import Left

from core.scope import Actor
from projects.enums import State
from projects.models import Project, Quota


def of_year(year: int, actor: Actor) -> list[Any]:
    """The quotas of the counties the actor sees, each with what is assigned of it (`used`, yuan)."""
    assigned = (
        Project.objects.visible_to(actor)
        .filter(year=OuterRef("year"), sector=OuterRef("sector_id"))
        .exclude(state=State.CANCELLED)
        .annotate(county=Left("region_code", 6))
        .filter(county=Left(OuterRef("region_code"), 6))
        .order_by()
        .values("county")
        .annotate(sum=Sum("budget"))
        .values("sum")
    )
    rows = list(
        Quota.objects.visible_to(actor)
        .filter(year=year)
        .annotate(used=Subquery(assigned))
        .select_related("region", "sector", "created_by")
        .order_by("region_code", "sector_id")
    )
    for row in rows:
        row.used = row.used or Decimal(0)  # type: ignore[attr-defined]
        row.left = row.amount - row.used  # type: ignore[attr-defined]
    return rows
