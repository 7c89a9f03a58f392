"""The fewest repairs that tip a village or a county: the model, and an exact answer.

The model, in whole numbers:

* A household still poor leaves the count of the poor, with all its persons, when every veto item of
  the standard that is open in it has been completed. Its cost is the number of those items: they only
  help together. A household with an item that nobody can repair this year cannot leave.
* A village tips when enough persons left for its gates that count persons, and every other open veto
  item of the village itself has been completed; these are its own cost. A village with an item that
  nobody can repair cannot tip.
* A county asks for a number of persons that leave anywhere in it, and a number of poor villages that
  tip. One household counts for both, which is why picking the cheapest one after another can be wrong.

Sought are the fewest items. Households of one village with equal cost and size are interchangeable,
so that the integer programme counts them instead of naming them; it is solved to proven optimality or
the answer says how far below it might lie. Rates of samples are outside the model: no repair in the
register changes what a survey found.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from math import ceil, floor

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array

from exits.enums import Comparator

# A page waits no longer; the answer then says that it may not be the smallest.
SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A household that may leave: persons it takes along, items that are open in it."""

    key: str
    village: str
    persons: int
    cost: int


@dataclass(frozen=True, slots=True)
class Place:
    """A village: persons that must leave for its gates, its own open items; None cannot tip."""

    code: str
    persons: int
    own_cost: int
    can_tip: bool = True


@dataclass(frozen=True)
class Plan:
    """The answer: who leaves, which villages tip, the number of items, and what is proven.

    `cost` None where no choice suffices. `bound` is a number of items below which no plan exists.
    """

    cost: int | None
    households: tuple[str, ...] = ()
    villages: tuple[str, ...] = ()
    bound: int = 0
    is_proven: bool = True


@dataclass
class _Class:
    """Interchangeable households: of one village, of one size and cost."""

    village: str
    persons: int
    cost: int
    keys: list[str] = field(default_factory=list)


def persons_to_leave(poor: int, base: int, comparator: str, share: Decimal) -> int:
    """How many persons must leave so that (poor − n) ÷ base keeps the ceiling; 0 when it does.

    >>> persons_to_leave(20, 1000, "<", Decimal("0.02")), persons_to_leave(20, 1000, "<=", Decimal("0.02"))
    (1, 0)
    """
    excess = Decimal(poor) - share * base
    if comparator == Comparator.LT:
        return max(0, floor(excess) + 1) if excess >= 0 else 0
    return max(0, ceil(excess))


def persons_to_exit(exited: int, registered: int, comparator: str, share: Decimal) -> int:
    """How many more must exit so that (exited + n) ÷ registered reaches the floor.

    >>> persons_to_exit(97, 100, ">=", Decimal("0.98")), persons_to_exit(98, 100, ">", Decimal("0.98"))
    (1, 1)
    """
    lack = share * registered - exited
    if comparator == Comparator.GT:
        return max(0, floor(lack) + 1) if lack >= 0 else 0
    return max(0, ceil(lack))


def fewest(
    candidates: Sequence[Candidate],
    places: Sequence[Place] = (),
    *,
    persons: int = 0,
    villages: int = 0,
    seconds: float = SECONDS,
) -> Plan:
    """The fewest items so that `persons` leave in all and `villages` of the places tip.

    Candidates outside the places count for the persons alone. The same input gives the same plan.
    """
    if persons <= 0 and villages <= 0:
        return Plan(0)
    classes = _classes(candidates)
    able = sorted((one for one in places if one.can_tip), key=lambda one: one.code)
    if villages > len(able) or persons > sum(one.persons for one in candidates):
        return Plan(None)
    found = _solve(classes, able, persons, villages, seconds)
    if found is None:
        return Plan(None)
    counts, tipped, bound, is_proven = found
    chosen = [key for one, n in zip(classes, counts, strict=True) for key in sorted(one.keys)[:n]]
    names = [one.code for one, is_tipped in zip(able, tipped, strict=True) if is_tipped]
    cost = sum(one.cost * n for one, n in zip(classes, counts, strict=True))
    cost += sum(one.own_cost for one in able if one.code in names)
    return Plan(cost, tuple(sorted(chosen)), tuple(names), bound, is_proven)


def _classes(candidates: Sequence[Candidate]) -> list[_Class]:
    found: dict[tuple[str, int, int], _Class] = {}
    for one in candidates:
        kind = (one.village, one.cost, one.persons)
        found.setdefault(kind, _Class(one.village, one.persons, one.cost)).keys.append(one.key)
    return [found[kind] for kind in sorted(found)]


def _solve(
    classes: Sequence[_Class],
    places: Sequence[Place],
    persons: int,
    villages: int,
    seconds: float,
) -> tuple[list[int], list[bool], int, bool] | None:
    """Variables: how many of each class leave, then whether each place tips."""
    first = len(classes)
    costs = [one.cost for one in classes] + [one.own_cost for one in places]
    upper = [len(one.keys) for one in classes] + [1] * len(places)
    rows, columns, values, low = _constraints(classes, places, persons, villages)
    matrix = coo_array((values, (rows, columns)), shape=(len(low), len(costs)))
    answer = milp(
        np.array(costs, dtype=float),
        integrality=np.ones(len(costs)),
        bounds=Bounds(0, np.array(upper, dtype=float)),
        constraints=LinearConstraint(matrix.tocsr(), lb=np.array(low, dtype=float)),
        options={"time_limit": seconds, "mip_rel_gap": 0.0},
    )
    if answer.x is None:
        return None
    taken = [round(float(value)) for value in answer.x]
    cost = sum(one * n for one, n in zip(costs, taken, strict=True))
    # Costs are whole, so that any bound above cost − 1 proves the plan.
    bound = ceil(float(answer.mip_dual_bound) - 1e-6)
    is_proven = answer.status == 0 or bound >= cost
    return taken[:first], [bool(n) for n in taken[first:]], min(bound, cost), is_proven


def _constraints(
    classes: Sequence[_Class], places: Sequence[Place], persons: int, villages: int
) -> tuple[list[int], list[int], list[float], list[float]]:
    rows: list[int] = []
    columns: list[int] = []
    values: list[float] = []
    low: list[float] = []

    def constrain(terms: Mapping[int, int], at_least: int) -> None:
        rows.extend([len(low)] * len(terms))
        columns.extend(terms)
        values.extend(float(value) for value in terms.values())
        low.append(float(at_least))

    there = defaultdict(dict)  # type: ignore[var-annotated]
    for at, one in enumerate(classes):
        there[one.village][at] = one.persons
    constrain({at: one.persons for at, one in enumerate(classes)}, persons)
    if villages:
        constrain({len(classes) + at: 1 for at in range(len(places))}, villages)
    for at, place in enumerate(places, start=len(classes)):
        if place.persons:
            constrain({**there[place.code], at: -place.persons}, 0)
    return rows, columns, values, low
