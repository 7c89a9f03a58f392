"""Scoping by division-code prefix: who may see which rows.

A grant is a prefix of the 12-digit division code (``4103`` a city, ``410324`` a county, nine digits
a town, twelve a village). Rows carry their village's code, so scope is an index range, never a join.
"""

from collections.abc import Iterable
from typing import Protocol, Self, TypeVar

from django.db import models
from django.db.models import Q

PREFIX_LENGTHS = (2, 4, 6, 9, 12)

Row = TypeVar("Row", bound=models.Model)


class Actor(Protocol):
    """Anyone who may ask for rows: a signed-in user or a machine client."""

    @property
    def region_prefixes(self) -> tuple[str, ...]:
        """Division-code prefixes granted today; empty means nothing is visible."""


class Maintenance:
    """The actor of background work and maintenance commands: sees below the given prefixes."""

    def __init__(self, *prefixes: str) -> None:
        self.region_prefixes: tuple[str, ...] = prefixes


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


def within(prefixes: Iterable[str], field: str) -> Q:
    """Rows below any of the prefixes; no prefix, no rows."""
    conditions = [below(prefix, field) for prefix in prefixes]
    if not conditions:
        return Q(pk__in=[])
    combined = conditions[0]
    for condition in conditions[1:]:
        combined |= condition
    return combined


def covers(actor: Actor, code: str) -> bool:
    """Whether the actor's grants reach the whole division with this code or prefix."""
    return any(trim(code).startswith(prefix) for prefix in actor.region_prefixes)


def overlaps(actor: Actor, code: str) -> bool:
    """Whether the actor sees at least a part of the division with this code or prefix."""
    place = trim(code)
    return any(place.startswith(p) or p.startswith(place) for p in actor.region_prefixes)


class ScopedQuerySet(models.QuerySet[Row]):
    """Rows that know where they belong; `scope_field` names the division-code column."""

    scope_field = "village_code"

    def visible_to(self, actor: Actor) -> Self:
        """Only rows below the actor's grants. The first call on any queryset a page touches."""
        return self.filter(within(actor.region_prefixes, self.scope_field))

    def in_region(self, prefix: str) -> Self:
        """Only rows below one division; `prefix` may be a full 12-digit code."""
        return self.filter(below(trim(prefix), self.scope_field))
