"""Reading who is ready: the gates of a place, and its households by what is open in them."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import CharField, Count, F, Func, Q

from core.scope import Actor, below, trim
from exits.enums import Outcome, Verdict
from exits.models import GateResult, HouseholdReadiness, Standard, StandardItem
from exits.queries.standards import items_of, standards_at
from villages.models import Region


@dataclass(frozen=True)
class ItemShown:
    """An item of a standard with its result at a place; without one nobody has judged it yet."""

    item: StandardItem
    result: GateResult | None

    @property
    def outcome(self) -> Outcome:
        return Outcome(self.result.outcome) if self.result else Outcome.MISSING

    @property
    def reason(self) -> str:
        return self.result.reason if self.result else "尚未计算"

    @property
    def value(self) -> tuple[Decimal | None, int | None]:
        return (self.result.numerator, self.result.denominator) if self.result else (None, None)


@dataclass(frozen=True)
class Side:
    """A place judged by one standard."""

    standard: Standard
    items: list[ItemShown]
    is_in_force: bool

    @property
    def verdict(self) -> Verdict:
        """Every veto item must be met; one that nobody knows is never a pass."""
        return verdict_of(one.outcome for one in self.items if one.item.is_veto)

    @property
    def open(self) -> list[ItemShown]:
        return [one for one in self.items if one.outcome != Outcome.MET and one.item.is_veto]


def verdict_of(outcomes: Iterable[str]) -> Verdict:
    """
    >>> verdict_of(["met", "missing"]), verdict_of([])
    (Verdict.NOT_COMPUTABLE, Verdict.NOT_COMPUTABLE)
    """
    found = set(outcomes)
    if Outcome.NOT_MET in found:
        return Verdict.NOT_MET
    if Outcome.MISSING in found or not found:
        return Verdict.NOT_COMPUTABLE
    return Verdict.MET


def sides(region: Region, year: int, actor: Actor) -> list[Side]:
    """A village or county by every standard that is evaluated there, that in force first."""
    standards = standards_at(region.code, year)
    items = items_of(standards)
    rows = GateResult.objects.visible_to(actor).filter(region_code=region.code, partition=year)
    found = {(row.standard_id, row.item): row for row in rows}
    in_force = standards[0].pk if standards else None
    return [
        Side(
            one,
            [
                ItemShown(item, found.get((one.pk, item.code)))
                for item in items.get((one.pk, region.level), {}).values()
            ],
            one.pk == in_force and region.code.startswith(one.region_prefix),
        )
        for one in standards
    ]


@dataclass(frozen=True)
class Below:
    """A division below, by one standard: veto items by outcome, and what its households say."""

    code: str
    outcomes: Mapping[str, int]
    verdict: Verdict


def below_place(
    codes: Collection[str], year: int, standard: Standard, actor: Actor
) -> dict[str, Below]:
    """Villages or counties by one standard, in one query."""
    rows = (
        GateResult.objects.visible_to(actor)
        .filter(partition=year, standard=standard, region_code__in=codes, is_veto=True)
        .values_list("region_code", "outcome")
        .annotate(n=Count("pk"))
    )
    counts: dict[str, dict[str, int]] = {code: {} for code in codes}
    for code, outcome, n in rows:
        counts[code][outcome] = n
    return {code: Below(code, one, verdict_of(one)) for code, one in counts.items()}


@dataclass(frozen=True)
class Tally:
    """Households of a place by one standard."""

    households: int
    ready: int
    poor: int
    poor_ready: int
    # Exited, and something is not met: perhaps it should not have.
    exited_not_met: int


def tally(prefix: str, year: int, standard: Standard, actor: Actor, veto: Collection[str]) -> Tally:
    """How many households are ready; an item that is no veto counts for nothing."""
    rows = blocked(prefix, year, standard, actor)
    ready = ~Q(not_met__overlap=list(veto)) & ~Q(missing__overlap=list(veto))
    found = rows.aggregate(
        households=Count("pk"),
        ready=Count("pk", filter=ready),
        poor=Count("pk", filter=Q(is_poor=True)),
        poor_ready=Count("pk", filter=ready & Q(is_poor=True)),
        exited_not_met=Count("pk", filter=Q(is_poor=False, not_met__overlap=list(veto))),
    )
    return Tally(**found)


def blocked(prefix: str, year: int, standard: Standard, actor: Actor) -> Any:
    """Judged households below a prefix."""
    return HouseholdReadiness.objects.visible_to(actor).filter(
        below(trim(prefix), "village_code"), partition=year, standard=standard
    )


def open_by_item(
    prefix: str, year: int, standard: Standard, actor: Actor
) -> dict[str, tuple[int, int]]:
    """Item → households still poor in which it is not met, and in which it is missing."""
    found: dict[str, list[int]] = {}
    rows = blocked(prefix, year, standard, actor).filter(is_poor=True)
    for at, name in enumerate(("not_met", "missing")):
        counted = (
            rows.annotate(code=_unnested(name)).values_list("code").annotate(n=Count("household"))
        )
        for code, n in counted:
            found.setdefault(code, [0, 0])[at] = n
    return {code: (one[0], one[1]) for code, one in found.items()}


def _unnested(name: str) -> Any:
    return Func(F(name), function="unnest", output_field=CharField())
