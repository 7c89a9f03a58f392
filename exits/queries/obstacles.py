"""What stands in a place's way by one standard: its state, the fewest repairs, who has to do them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Min

from core.scope import Actor, below, trim
from exits.checks import whatif
from exits.checks.tipping import Plan
from exits.enums import Measure, Metric, Outcome, SubjectLevel
from exits.models import GateResult, Snapshot, Standard, StandardItem
from exits.queries.readiness import blocked
from exits.queries.standards import items_of
from households.models import Assignment, Mark, TaskItem
from villages.enums import Level
from villages.models import Region, VillageYear

# Gates that fall or rise as persons leave the count of the poor.
_OF_PERSONS = (Measure.HEADCOUNT, Measure.EXITED_SHARE, Measure.COMPOSITE_RATE)


@dataclass(frozen=True)
class State:
    """All that a plan and a what-if need of a place, by one standard."""

    standard: Standard
    homes: list[whatif.Home]
    villages: list[whatif.Village]
    county: whatif.County
    labels: Mapping[str, str]
    numbers: Mapping[str, int]

    def plan(self, level: str) -> Plan:
        if level == Level.VILLAGE:
            return whatif.plan_of_village(self.homes, self.villages[0])
        return whatif.plan_of_county(self.homes, self.villages, self.county)

    def effect(self, ticked: Collection[tuple[str, str]]) -> whatif.Effect:
        return whatif.effect(self.homes, self.villages, self.county, ticked)


def state_of(region: Region, year: int, standard: Standard, actor: Actor) -> State:
    """The households still poor of a village or county, its villages and gates: six queries."""
    items = items_of([standard])
    homes, numbers = _homes(region, year, standard, actor, items[standard.pk, "household"])
    own = items[standard.pk, SubjectLevel.VILLAGE]
    county: dict[str, StandardItem] = {}
    if region.level == Level.COUNTY:
        county = items[standard.pk, SubjectLevel.COUNTY]
    labels = {item.code: item.label for level in items.values() for item in level.values()}
    return State(
        standard,
        homes,
        _villages(region, year, standard, actor, own),
        _county(region, year, standard, actor, county),
        labels,
        numbers,
    )


def _homes(
    region: Region, year: int, standard: Standard, actor: Actor, items: Mapping[str, StandardItem]
) -> tuple[list[whatif.Home], dict[str, int]]:
    veto = frozenset(code for code, item in items.items() if item.is_veto)
    beyond = frozenset(code for code in veto if not items[code].is_repairable)
    rows = blocked(region.code, year, standard, actor).filter(is_poor=True)
    homes, numbers = [], {}
    columns = ("household__household_no", "household_id", "village_code", "persons")
    for number, pk, village, persons, failed, unknown in rows.values_list(
        *columns, "not_met", "missing"
    ):
        open_items = veto & {*failed, *unknown}
        homes.append(whatif.Home(number, village, persons, open_items, not open_items & beyond))
        numbers[number] = pk
    return homes, numbers


def _villages(
    region: Region, year: int, standard: Standard, actor: Actor, items: Mapping[str, StandardItem]
) -> list[whatif.Village]:
    rows: dict[str, dict[str, GateResult]] = {}
    if region.level == Level.VILLAGE:
        rows[region.code] = {}
    gates = GateResult.objects.visible_to(actor).filter(
        below(trim(region.code), "region_code"),
        partition=year, standard=standard, level=SubjectLevel.VILLAGE,
    )  # fmt: skip
    for row in gates:
        rows.setdefault(row.region_code, {})[row.item] = row
    facts: Any = VillageYear.objects.filter(
        below(trim(region.code), "region_code"), year=year, is_poor_village=True
    )
    exited = dict(facts.values_list("region_code", "exited_year"))
    return [
        _village(code, own, items, is_poor=code in exited, has_exited=bool(exited.get(code)))
        for code, own in sorted(rows.items())
    ]


def _village(
    code: str,
    rows: Mapping[str, GateResult],
    items: Mapping[str, StandardItem],
    *,
    is_poor: bool,
    has_exited: bool,
) -> whatif.Village:
    veto = [item for item in items.values() if item.is_veto]
    gates = tuple(_gate(item, rows.get(item.code)) for item in veto if item.measure in _OF_PERSONS)
    unmet = [
        item
        for item in veto
        if item.measure not in _OF_PERSONS
        and (item.code not in rows or rows[item.code].outcome != Outcome.MET)
    ]
    return whatif.Village(
        code=code,
        gates=gates,
        open=frozenset(item.code for item in unmet),
        can_repair=all(item.is_repairable for item in unmet),
        is_poor=is_poor,
        has_exited=has_exited,
    )


def _gate(item: StandardItem, row: GateResult | None) -> whatif.Gate:
    numerator = None if row is None or row.numerator is None else int(row.numerator)
    denominator = row.denominator if row else None
    return whatif.Gate(item.code, numerator, denominator, item.comparator, item.threshold)


def _county(
    region: Region, year: int, standard: Standard, actor: Actor, items: Mapping[str, StandardItem]
) -> whatif.County:
    if not items:
        return whatif.County()
    rows = {
        row.item: row
        for row in GateResult.objects.visible_to(actor).filter(
            region_code=region.code, partition=year, standard=standard
        )
    }
    gates, villages = [], None
    for item in items.values():
        if item.measure in _OF_PERSONS:
            gate = _gate(item, rows.get(item.code))
            if gate.numerator is None and item.measure == Measure.COMPOSITE_RATE:
                # Without a sample the registered part is known, and must keep the standard by itself.
                gate = _registered(region, year, item, actor)
            gates.append(gate)
        elif item.measure == Measure.VILLAGE_EXIT_RATE:
            villages = _gate(item, rows.get(item.code))
    return whatif.County(tuple(gates), villages)


def _registered(region: Region, year: int, item: StandardItem, actor: Actor) -> whatif.Gate:
    row = (
        Snapshot.objects.visible_to(actor)
        .filter(region_code=region.code, partition=year, metric=Metric.HEADCOUNT_RATE)
        .first()
    )
    known = row is not None and row.denominator and (row.numerator or 0) <= row.denominator
    return whatif.Gate(
        Metric.HEADCOUNT_RATE,
        row.numerator if row and known else None,
        row.denominator if row and known else None,
        item.comparator,
        item.threshold,
    )


@dataclass(frozen=True)
class Duty:
    """Who is responsible for a household, and until when; empty where nobody said."""

    owner: str = ""
    due_on: date | None = None


def duties(households: Collection[int], actor: Actor) -> dict[int, Duty]:
    """Household → the person it is entrusted to, else who has it on a task, and the earliest day due."""
    owners: dict[int, str] = {}
    days: dict[int, date] = {}
    tasks = (
        TaskItem.objects.visible_to(actor)
        .standing()
        .filter(household__in=households, done_at__isnull=True, task__closed_at__isnull=True)
        .order_by("household_id", "task__due_on", "pk")
    )
    columns = ("household_id", "task__owner__display_name", "task__due_on")
    for pk, owner, due in tasks.values_list(*columns):
        owners.setdefault(pk, owner)
        if due is not None:
            days[pk] = min(due, days.get(pk, due))
    marks = Mark.objects.visible_to(actor).open().filter(household__in=households)
    for pk, due in marks.values_list("household_id").annotate(due=Min("due_on")):
        if due is not None:
            days[pk] = min(due, days.get(pk, due))
    entrusted = Assignment.objects.visible_to(actor).standing().filter(household__in=households)
    named = entrusted.order_by("-created_at").values_list("household_id", "user__display_name")
    owners |= dict(named)
    return {pk: Duty(owners.get(pk, ""), days.get(pk)) for pk in households}
