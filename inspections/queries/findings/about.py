"""What stands around one problem, and the problems of a household or a project."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Max, Q
from django.db.models.functions import Length
from django.utils import timezone

from core.scope import Actor, trim
from inspections.enums.findings import State
from inspections.models import Finding
from inspections.queries.findings.listing import visible

# The roles that mend; a test compares them with the table of rights.
MENDING_ROLES = ("VILLAGE", "TOWN_CLERK", "COUNTY_CLERK", "COUNTY_OFFICE", "CITY_OFFICE")
_LENGTHS = (4, 6, 9, 12)


@dataclass(frozen=True)
class Family:
    """The problems that hang together with one."""

    parent: Finding | None
    children: list[Finding]
    into: Finding | None
    merged: list[Finding]

    @property
    def is_empty(self) -> bool:
        return not (self.parent or self.children or self.into or self.merged)


def family(one: Finding, actor: Actor) -> Family:
    """What it was split from or made of, and what it was merged into, as far as the actor sees it."""
    rows = visible(actor).select_related("region").order_by("pk")
    related = list(
        rows.filter(pk__in=[pk for pk in (one.parent_id, one.merged_into_id) if pk])
        | rows.filter(parent=one.pk)
        | rows.filter(merged_into=one.pk)
    )
    by_key = {row.pk: row for row in related}
    return Family(
        parent=by_key.get(one.parent_id),
        children=[row for row in related if row.parent_id == one.pk],
        into=by_key.get(one.merged_into_id),
        merged=[row for row in related if row.merged_into_id == one.pk],
    )


def papers_that_prove(one: Finding) -> int:
    """How many papers came in since the mending was last owed anew."""
    owed_since = one.steps.filter(state__in=(State.ASSIGNED, State.RETURNED)).aggregate(
        last=Max("position")
    )["last"]
    return 0 if owed_since is None else one.papers.filter(position__gt=owed_since).count()


def menders(code: str) -> list[Any]:
    """Accounts that mend problems of this place today: the village's first, then the town's and on."""
    today, place = timezone.localdate(), trim(code)
    prefixes = [place[:length] for length in _LENGTHS if length <= len(place)]
    people: Any = get_user_model()._default_manager.filter(
        Q(grants__valid_to__isnull=True) | Q(grants__valid_to__gte=today),
        is_active=True,
        grants__revoked_at__isnull=True,
        grants__valid_from__lte=today,
        grants__role__in=MENDING_ROLES,
        grants__region_prefix__in=prefixes,
    )
    near = people.annotate(near=Max(Length("grants__region_prefix")))
    return list(near.order_by("-near", "display_name", "pk"))


def of_household(household: int, actor: Actor) -> list[Finding]:
    """Problems of a household and its members, youngest first."""
    rows = visible(actor).filter(household_id=household)
    return list(rows.select_related("region", "person", "campaign").order_by("-found_on", "-pk"))


def count_of_household(household_no: str, year: int, actor: Actor) -> int:
    """How many problems the household has, whatever the year."""
    del year
    return int(visible(actor).filter(household__household_no=household_no).count())


def of_project(project: int, actor: Actor) -> Any:
    """Problems of a project, youngest first."""
    rows = visible(actor).filter(project_id=project)
    return rows.select_related("region", "campaign").order_by("-found_on", "-pk")


def after_position(one: Finding, seen: int) -> Iterable[Any]:
    """The steps that were taken since so many were seen."""
    return one.steps.filter(position__gte=seen).select_related("created_by").order_by("position")
