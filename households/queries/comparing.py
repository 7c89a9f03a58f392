"""A household's years side by side: what changed from one to the next, fact by fact.

Read from the rows of the years themselves. A sensitive fact stays masked; that it changed is told,
as the timeline tells it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from core.scope import Actor
from households.catalog import FieldFact, facts_of
from households.models import HouseholdYear, PersonYear
from households.queries.sheet import computed_income, grouped
from households.queries.values import written

# As many columns as an A4 page in landscape holds.
MOST = 6
NOT_THERE = "不在户"
_COUNTED = ("amount", "whole")


@dataclass(frozen=True, slots=True)
class Cell:
    """One year's value in words; `differs` from the year before it on the page."""

    year: int
    text: str
    differs: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One fact in all years; `change` is the last less the first, None where either is missing."""

    label: str
    unit: str
    cells: list[Cell]
    change: Decimal | None
    differs: bool
    is_stated: bool


@dataclass(frozen=True, slots=True)
class Group:
    """Facts that belong together; those that nobody stated in any year are only named."""

    title: str
    lines: list[Line]

    @property
    def stated(self) -> list[Line]:
        return [line for line in self.lines if line.is_stated]

    @property
    def unstated(self) -> list[str]:
        return [line.label for line in self.lines if not line.is_stated]


def rows_of(household_no: str, years: Sequence[int], actor: Actor) -> list[HouseholdYear]:
    """The household's rows of these years as far as the actor sees them, oldest first."""
    rows = HouseholdYear.objects.visible_to(actor).filter(partition_id__in=years)
    found = rows.filter(household__household_no=household_no).select_related("household")
    return list(found.order_by("partition_id"))


def compare(rows: Sequence[HouseholdYear], actor: Actor) -> list[Group]:
    """Every fact of the household in these years, then every fact of each of its members."""
    found = []
    for title, facts in grouped(facts_of(HouseholdYear)):
        lines = [_line(fact, rows) for fact in facts]
        if any(fact.name == "net_income_per_capita" for fact in facts):
            lines.append(_computed(rows))
        found.append(Group(title, lines))
    return [*found, *_members(rows, actor)]


def _members(rows: Sequence[HouseholdYear], actor: Actor) -> Iterable[Group]:
    """One group per person who belonged to the household in any of the years."""
    years = [row.partition_id for row in rows]
    known = PersonYear.objects.visible_to(actor).filter(partition_id__in=years)
    known = known.filter(household_id=rows[0].household_id).select_related("person")
    people: dict[int, dict[int, PersonYear]] = {}
    for one in known.order_by("person_id", "partition_id"):
        people.setdefault(one.person_id, {})[one.partition_id] = one
    for by_year in people.values():
        name = next(iter(by_year.values())).person.name
        told = [by_year.get(year) for year in years]
        lines = [_line(fact, told, years) for fact in facts_of(PersonYear)]
        yield Group(f"成员：{name}", lines)


def _line(fact: FieldFact, rows: Sequence[Any], years: Sequence[int] | None = None) -> Line:
    """A fact through the years; no row in a year is a member who was not there."""
    told = [None if row is None else (getattr(row, fact.name),) for row in rows]
    columns = years or [row.partition_id for row in rows]
    # Of a calendar year more or less says nothing.
    counted = fact.kind in _COUNTED and not fact.sensitive and fact.unit != "年"
    return _through(
        fact.label, fact.unit, columns, told, lambda value: written(fact, value), counted=counted
    )


def _computed(rows: Sequence[HouseholdYear]) -> Line:
    """Income per head as its parts add up, beside the declared one."""
    told = [(computed_income(row),) for row in rows]
    years = [row.partition_id for row in rows]
    return _through("按明细核算的人均纯收入", "元/年", years, told, _yuan, counted=True)


def _yuan(value: Decimal | None) -> str:
    return "—" if value is None else f"{value:,.2f} 元/年"


def _through(
    label: str,
    unit: str,
    years: Sequence[int],
    told: Sequence[tuple[Any] | None],
    words: Callable[[Any], str],
    *,
    counted: bool,
) -> Line:
    cells = [
        Cell(
            year=year,
            text=NOT_THERE if value is None else words(value[0]),
            differs=place > 0 and _plain(value) != _plain(told[place - 1]),
        )
        for place, (year, value) in enumerate(zip(years, told, strict=True))
    ]
    change = _change(told[0], told[-1]) if counted else None
    stated = any(value is not None and _plain(value)[1] is not None for value in told)
    return Line(label, unit, cells, change, any(cell.differs for cell in cells), stated)


def _plain(value: tuple[Any] | None) -> Any:
    """What is compared: nothing stated is the same however it is stored."""
    if value is None:
        return NOT_THERE, None
    return "", None if value[0] in ("", None, []) else value[0]


def _change(first: tuple[Any] | None, last: tuple[Any] | None) -> Decimal | None:
    if first is None or last is None or first[0] is None or last[0] is None:
        return None
    return Decimal(last[0]) - Decimal(first[0])
