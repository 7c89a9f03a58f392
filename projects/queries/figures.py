"""Rates of a year plan, by place and sector.

Definitions: *planned* are projects to which money has been assigned and which were not cancelled;
开工率 = begun ÷ planned; 竣工率 = done (work finished, whatever follows) ÷ planned. A rate is its two
counts until it is shown; with nothing planned there is none. Amounts are yuan of assigned money.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q, Sum
from django.db.models.functions import Left

from projects.enums import BEGUN, DONE, PLANNED, State
from projects.models import Beneficiary, Project, ProjectFact
from projects.queries.listing import late


@dataclass(frozen=True)
class Line:
    """The projects of one group (a county's prefix, a sector, "" for all of them)."""

    key: str
    total: int
    planned: int
    begun: int
    done: int
    late: int
    amount: Decimal

    @property
    def begun_rate(self) -> tuple[int, int] | None:
        return (self.begun, self.planned) if self.planned else None

    @property
    def done_rate(self) -> tuple[int, int] | None:
        return (self.done, self.planned) if self.planned else None


def whole(found: Any, day: date) -> Line:
    """All of these projects together."""
    lines = _lines(found.order_by(), day, None)
    return next(iter(lines), Line("", 0, 0, 0, 0, 0, Decimal(0)))


def by_county(found: Any, day: date) -> list[Line]:
    """By the six-digit prefix of the county."""
    return _lines(found.annotate(key=Left("region_code", 6)), day, "key")


def by_sector(found: Any, day: date) -> list[Line]:
    return _lines(found, day, "sector")


def by_state(found: Any) -> dict[str, int]:
    """How many stand where; states without projects are left out."""
    rows = found.order_by().values("state").annotate(many=Count("pk"))
    return {row["state"]: row["many"] for row in rows}


def _lines(found: Any, day: date, key: str | None) -> list[Line]:
    is_late = Q(pk__in=late(Project.objects.all(), day).values("pk"))
    told = {
        "total": Count("pk", filter=~Q(state__in=(State.REFUSED, State.CANCELLED))),
        "planned": Count("pk", filter=Q(state__in=PLANNED)),
        "begun": Count("pk", filter=Q(state__in=BEGUN)),
        "done": Count("pk", filter=Q(state__in=DONE)),
        "late": Count("pk", filter=is_late),
        "amount": Sum("budget", filter=Q(state__in=PLANNED)),
    }
    rows: Iterable[dict[str, Any]]
    if key is None:
        rows = [found.aggregate(**told) | {"": ""}]
    else:
        rows = found.order_by(key).values(key).annotate(**told)
    return [
        Line(
            key=row[key] if key else "",
            **{name: row[name] for name in ("total", "planned", "begun", "done", "late")},
            amount=row["amount"] or Decimal(0),
        )
        for row in rows
    ]


def built(found: Any) -> list[dict[str, Any]]:
    """What was planned and built in units: km of road, kW, persons served; missing is left out."""
    facts = ProjectFact.objects.filter(project__in=found.filter(state__in=PLANNED).values("pk"))
    return list(
        facts.values("fact__type", "fact__label", "fact__unit")
        .annotate(planned=Sum("planned"), actual=Sum("actual"), many=Count("pk"))
        .order_by("fact__type", "fact__label")
    )


def helped(found: Any) -> dict[str, int]:
    """Distinct villages, households and persons of these projects, and those not registered."""
    rows = Beneficiary.objects.filter(project__in=found.values("pk"))
    return rows.aggregate(
        villages=Count("village_id", filter=Q(kind="VILLAGE"), distinct=True),
        households=Count("household_id", distinct=True),
        persons=Count("person_id", distinct=True),
        unregistered=Count("pk", filter=~Q(name="")),
    )
