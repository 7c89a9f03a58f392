"""Draws for a second look: their lists and counts, and the list that each was drawn from."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Count, Q

from core.scope import Actor, after, trim
from inspections.enums.findings import Look
from inspections.models import Recheck, RecheckItem

PAGE = 50


@dataclass(frozen=True)
class Counts:
    """How many were drawn, looked at, and had come back."""

    drawn: int = 0
    looked: int = 0
    relapsed: int = 0


def visible(actor: Actor) -> Any:
    """The draws of the actor's places."""
    return Recheck.objects.visible_to(actor)


def page(found: Any, after: str = "", size: int = PAGE) -> tuple[list[Recheck], str]:
    """The draws before this number, youngest first, and the number to go on after."""
    if after.isascii() and after.isdigit() and len(after) < 19:
        found = found.filter(pk__lt=int(after))
    rows = list(found.select_related("region", "created_by").order_by("-pk")[: size + 1])
    return rows[:size], str(rows[size - 1].pk) if len(rows) > size else ""


def counts(rechecks: Iterable[Recheck]) -> dict[int, Counts]:
    """The counts of several draws, in one query."""
    rows = (
        RecheckItem.objects.filter(recheck__in=[one.pk for one in rechecks])
        .order_by()
        .values("recheck")
        .annotate(
            drawn=Count("pk"),
            looked=Count("look"),
            relapsed=Count("look", filter=Q(look__result=Look.RELAPSED)),
        )
    )
    return {row["recheck"]: Counts(row["drawn"], row["looked"], row["relapsed"]) for row in rows}


def items(recheck: Recheck, actor: Actor) -> Any:
    """The drawn problems in the order of the draw."""
    found = RecheckItem.objects.visible_to(actor).filter(recheck=recheck)
    return found.select_related("finding__region", "look__created_by").order_by("rank")


def items_page(found: Any, after: str = "", size: int = PAGE) -> tuple[list[RecheckItem], str]:
    """The items after this rank, and the rank to go on after."""
    if after.isascii() and after.isdigit() and len(after) < 9:
        found = found.filter(rank__gt=int(after))
    rows = list(found[: size + 1])
    return rows[:size], str(rows[size - 1].rank) if len(rows) > size else ""


# Steps are never changed: up to the moment of the draw they say what was mended then, and since when.
_FRAME = """
WITH told AS (
    SELECT s.finding_id, s.position, s.taken_on, s.state IN ('CLOSED', 'WATCHED') AS done, f.number
      FROM inspections_findingstep s JOIN inspections_finding f ON f.id = s.finding_id
     WHERE f.region_code >= %(low)s AND f.region_code < %(high)s AND s.created_at <= %(moment)s
       AND s.finding_id IN (SELECT finding_id FROM inspections_findingstep
                             WHERE state IN ('CLOSED', 'WATCHED')
                               AND taken_on BETWEEN %(since)s AND %(until)s)),
stands AS (
    SELECT finding_id, number, max(position) AS last,
           coalesce(max(position) FILTER (WHERE NOT done), -1) AS undone
      FROM told GROUP BY finding_id, number)
SELECT number
  FROM stands
  CROSS JOIN LATERAL (
      SELECT min(taken_on) AS closed_on FROM told
       WHERE told.finding_id = stands.finding_id AND told.position > stands.undone) AS c
 WHERE last > undone AND closed_on BETWEEN %(since)s AND %(until)s
"""


def frame(recheck: Recheck) -> list[str]:
    """The numbers of the problems that stood mended in the place and period when the draw was made."""
    low = trim(recheck.region_code)
    told: dict[str, Any] = {
        "low": low, "high": after(low), "moment": recheck.created_at, "since": recheck.since,
        "until": recheck.until,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_FRAME, told)
        return [number for (number,) in cursor.fetchall()]
