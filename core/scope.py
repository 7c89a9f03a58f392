"""Scoping by division-code prefix: who may see which rows.

A grant is a prefix of the 12-digit division code (``4103`` a city, ``410324`` a county, nine digits
a town, twelve a village). Rows carry their village's code, so scope is an index range, never a join.
"""

from collections.abc import Callable, Iterable
from typing import Any, Protocol, Self, TypeVar

from django.db import models
from django.db.models import Q

PREFIX_LENGTHS = (2, 4, 6, 9, 12)

Row = TypeVar("Row", bound=models.Model)


READ_REGISTER = "households.view_register"


class Actor(Protocol):
    """Anyone who may ask for rows: a signed-in user or a machine client."""

    @property
    def region_prefixes(self) -> tuple[str, ...]:
        """Division-code prefixes whose register may be read today; empty means nothing is visible."""

    @property
    def assigned_to(self) -> int | None:
        """The user whose assigned households are visible besides; None for nobody's."""

    @property
    def entrusted_prefixes(self) -> tuple[str, ...]:
        """Regions in which households may be assigned to the actor today; elsewhere they are not seen."""

    def prefixes_for(self, permission: str) -> tuple[str, ...]:
        """Division-code prefixes inside which the actor holds the right."""


class Maintenance:
    """The actor of background work and maintenance commands: every right below the prefixes."""

    assigned_to = None
    entrusted_prefixes = ()

    def __init__(self, *prefixes: str) -> None:
        self.region_prefixes: tuple[str, ...] = prefixes

    def prefixes_for(self, permission: str) -> tuple[str, ...]:
        return self.region_prefixes


def after(prefix: str) -> str:
    """The first code that no longer starts with `prefix`.

    >>> after("410324")
    '410325'
    """
    return str(int(prefix) + 1).zfill(len(prefix))


def trim(code: str) -> str:
    """The prefix that a full 12-digit code stands for: trailing empty levels are cut.

    >>> trim("410324000000"), trim("410324101000"), trim("4103")
    ('410324', '410324101', '4103')
    """
    for length in PREFIX_LENGTHS:
        if len(code) >= length and not code[length:].strip("0"):
            return code[:length]
    return code


def below(prefix: str, field: str) -> Q:
    """Rows whose `field` starts with `prefix`, as a range that any B-tree index serves."""
    return Q(**{f"{field}__gte": prefix, f"{field}__lt": after(prefix)})


def begins(text: str, field: str) -> Q:
    """Rows whose `field` begins with the text, as a range.

    LIKE is not "leakproof": under row security PostgreSQL would check every visible row before it
    looked at an index. Ranges are; they need the byte order of the C.UTF-8 locale.
    """
    last = ord(text[-1]) + 1
    if 0xD800 <= last <= 0xDFFF:
        last = 0xE000
    if last > 0x10FFFF:
        return Q(**{f"{field}__startswith": text})
    return Q(**{f"{field}__gte": text, f"{field}__lt": text[:-1] + chr(last)})


def within(prefixes: Iterable[str], field: str) -> Q:
    """Rows below any of the prefixes; no prefix, no rows."""
    conditions = [below(prefix, field) for prefix in prefixes]
    if not conditions:
        return Q(pk__in=[])
    combined = conditions[0]
    for condition in conditions[1:]:
        combined |= condition
    return combined


def covers(actor: Actor, code: str, permission: str = READ_REGISTER) -> bool:
    """Whether the actor holds the right in the whole division with this code or prefix."""
    return any(trim(code).startswith(prefix) for prefix in actor.prefixes_for(permission))


def overlaps(actor: Actor, code: str) -> bool:
    """Whether the actor sees at least a part of the division with this code or prefix."""
    place = trim(code)
    return any(place.startswith(p) or p.startswith(place) for p in actor.region_prefixes)


_assigned: Callable[[Actor], Any] | None = None


def assigned_households_from(source: Callable[[Actor], Any]) -> None:
    """The register tells the cellar how to find the households assigned to an actor."""
    global _assigned  # noqa: PLW0603
    _assigned = source


class ScopedQuerySet(models.QuerySet[Row]):
    """Rows that know where they belong.

    `scope_field` names the division-code column, `household_field` the household's key where the
    rows belong to one: people who see no region may see the households assigned to them.
    """

    scope_field = "village_code"
    household_field = ""

    def visible_to(self, actor: Actor) -> Self:
        """Only rows the actor may see. The first call on any queryset a page touches."""
        seen = within(actor.region_prefixes, self.scope_field)
        if self.household_field and actor.assigned_to is not None and _assigned is not None:
            seen |= Q(**{f"{self.household_field}__in": _assigned(actor)})
        return self.filter(seen)

    def in_region(self, prefix: str) -> Self:
        """Only rows below one division; `prefix` may be a full 12-digit code."""
        return self.filter(below(trim(prefix), self.scope_field))
