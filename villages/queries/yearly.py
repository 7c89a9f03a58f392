"""Yearly facts of villages: side by side over the years, and added up for wider divisions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models import Count as CountOf
from django.db.models import Q, QuerySet, Sum

from core import fields
from core.scope import Actor, below
from villages.models import Region, RegionSuccession, VillageYear

MISSING = "未填"
_ANSWERS = {True: "是", False: "否", None: MISSING}
# What the yearly lists of poor villages say, beside the facts of the yearly export.
STANDING = ("is_poor_village", "is_deep_poverty", "exited_year")

_closed: Callable[[], set[int]] | None = None


def closed_years_from(source: Callable[[], set[int]] | None) -> None:
    """The register says which of its years are closed; their facts are too."""
    global _closed  # noqa: PLW0603
    _closed = source


def is_closed(year: int) -> bool:
    return _closed is not None and year in _closed()


def facts() -> list[Any]:
    """The fields of a village's year that an official may state, in the order of the model."""
    known: Sequence[Any] = VillageYear._meta.concrete_fields
    return [one for one in known if one.name in STANDING or isinstance(one, fields._Fact)]


def written(field: Any, value: Any) -> str:
    """A fact in words with its unit; 未填 when nobody stated it."""
    if isinstance(field, models.BooleanField):
        return _ANSWERS[value]
    if value is None:
        return MISSING
    if field.name.endswith("_year"):
        return f"{value} 年"
    number = f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"
    return f"{number} {getattr(field, 'unit', '')}".rstrip()


@dataclass(frozen=True, slots=True)
class Line:
    """One fact through the years; `differs` marks a year whose value is another than the one before."""

    label: str
    cells: list[tuple[int, str, bool]]


@dataclass(frozen=True, slots=True)
class SideBySide:
    years: list[int]
    lines: list[Line]
    sources: list[str]


# As many years as an A4 page in landscape holds.
MOST = 6


def years_of(region: Region, actor: Actor, upto: int) -> list[VillageYear]:
    """The village's years up to one, oldest first, under its own code and those it had before."""
    codes = set(
        RegionSuccession.objects.filter(new__code=region.code).values_list("old__code", flat=True)
    )
    known = VillageYear.objects.visible_to(actor).filter(year__lte=upto)
    found: dict[int, Any] = {}
    rows: QuerySet[Any] = known.filter(region_code__in={region.code, *codes})
    for row in rows.order_by("year"):
        # In the year of a change both codes may have a row: the present code's counts.
        if row.year not in found or row.region_code == region.code:
            found[row.year] = row
    return [found[year] for year in sorted(found)][-MOST:]


def side_by_side(rows: Sequence[VillageYear]) -> SideBySide:
    lines = []
    for field in facts():
        values = [getattr(row, field.name) for row in rows]
        cells = [
            (row.year, written(field, value), place > 0 and value != values[place - 1])
            for place, (row, value) in enumerate(zip(rows, values, strict=True))
        ]
        lines.append(Line(str(field.verbose_name), cells))
    return SideBySide([row.year for row in rows], lines, [row.source for row in rows])


@dataclass(frozen=True, slots=True)
class Total:
    """A fact of all villages of a division; `stated` says how many villages stand behind it."""

    label: str
    text: str
    stated: int


def facts_below(region: Region, year: int, actor: Actor) -> "QuerySet[Any]":
    """The year's rows of all villages inside a division."""
    known = VillageYear.objects.visible_to(actor).filter(year=year)
    return known.filter(below(region.prefix, "region_code"))


def totals(region: Region, year: int, actor: Actor) -> tuple[int, list[Total]]:
    """How many villages have a row of the year, and each fact added up over those that state it.

    One query. Of a yes or no the villages that answer yes are counted. A missing fact is no zero:
    beside every sum stands how many villages it comes from.
    """
    told: dict[str, Any] = {}
    for field in facts():
        if field.name == "exited_year":
            continue
        if isinstance(field, models.BooleanField):
            told[f"sum_{field.name}"] = CountOf("pk", filter=Q(**{field.name: True}))
        else:
            told[f"sum_{field.name}"] = Sum(field.name)
        told[f"n_{field.name}"] = CountOf(field.name)
    found = facts_below(region, year, actor).aggregate(rows=CountOf("pk"), **told)
    return found["rows"], [
        _total(field, found[f"sum_{field.name}"], found[f"n_{field.name}"])
        for field in facts()
        if f"n_{field.name}" in found
    ]


def _total(field: Any, value: int | Decimal | None, stated: int) -> Total:
    if not stated:
        return Total(str(field.verbose_name), MISSING, 0)
    if isinstance(field, models.BooleanField):
        return Total(str(field.verbose_name), f"{value:,} 个村", stated)
    return Total(str(field.verbose_name), written(field, value), stated)
