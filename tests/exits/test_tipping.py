"""The fewest repairs: proven against every subset, and against picking the cheapest first."""

from decimal import Decimal
from itertools import combinations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exits.checks.tipping import (
    Candidate,
    Place,
    Plan,
    fewest,
    persons_to_exit,
    persons_to_leave,
)

pytestmark = pytest.mark.unit


def homes(village: str, *kinds: tuple[int, int]) -> list[Candidate]:
    return [
        Candidate(f"{village}{at}", village, persons, cost)
        for at, (persons, cost) in enumerate(kinds)
    ]


def suffices(
    chosen: tuple[Candidate, ...], tipped: tuple[Place, ...], persons: int, villages: int
) -> bool:
    leaving = {place.code: 0 for place in tipped}
    for one in chosen:
        leaving[one.village] = leaving.get(one.village, 0) + one.persons
    return (
        sum(one.persons for one in chosen) >= persons
        and len(tipped) >= villages
        and all(place.can_tip and leaving[place.code] >= place.persons for place in tipped)
    )


def by_trying(
    candidates: list[Candidate], places: list[Place], persons: int, villages: int
) -> int | None:
    """Every subset of households and of villages."""
    best: int | None = None
    every_home = [c for n in range(len(candidates) + 1) for c in combinations(candidates, n)]
    every_place = [p for n in range(len(places) + 1) for p in combinations(places, n)]
    for chosen, tipped in product(every_home, every_place):
        if suffices(chosen, tipped, persons, villages):
            cost = sum(one.cost for one in chosen) + sum(one.own_cost for one in tipped)
            best = cost if best is None else min(best, cost)
    return best


A_HOME = st.tuples(st.sampled_from("AB"), st.integers(1, 7), st.integers(1, 6))


@settings(max_examples=150, deadline=None)
@given(
    found=st.lists(A_HOME, max_size=8),
    needs=st.tuples(st.integers(0, 9), st.integers(0, 9)),
    own=st.tuples(st.integers(0, 5), st.integers(0, 5)),
    able=st.tuples(st.booleans(), st.booleans()),
    persons=st.integers(0, 20),
    villages=st.integers(0, 2),
)
def test_no_smaller_set_exists(
    found: list[tuple[str, int, int]],
    needs: tuple[int, int],
    own: tuple[int, int],
    able: tuple[bool, bool],
    persons: int,
    villages: int,
) -> None:
    candidates = [Candidate(str(at), *one) for at, one in enumerate(found)]
    places = [Place(code, *rest) for code, *rest in zip("AB", needs, own, able, strict=True)]
    plan = fewest(candidates, places, persons=persons, villages=villages)
    assert plan.cost == by_trying(candidates, places, persons, villages)
    assert plan.is_proven
    if plan.cost is not None:
        chosen = tuple(one for one in candidates if one.key in plan.households)
        tipped = tuple(one for one in places if one.code in plan.villages)
        # What it names does what it says, at the price it says.
        assert suffices(chosen, tipped, persons, villages) or plan == Plan(0)
        assert plan.cost == sum(c.cost for c in chosen) + sum(p.own_cost for p in tipped)


def greedy(candidates: list[Candidate], persons: int) -> int:
    """The cheapest per person first: what a page without a model would propose."""
    cost = 0
    for one in sorted(candidates, key=lambda one: one.cost / one.persons):
        if persons > 0:
            cost, persons = cost + one.cost, persons - one.persons
    return cost


def test_the_cheapest_first_is_not_the_fewest() -> None:
    candidates = homes("A", (3, 2), (5, 4))
    assert greedy(candidates, 5) == 6
    assert fewest(candidates, persons=5).cost == 4


def test_households_count_for_the_village_and_the_county_at_once() -> None:
    """By itself the county would take B's; A's are dearer and also tip A."""
    candidates = homes("A", (4, 3)) + homes("B", (4, 2))
    places = [Place("A", 4, 0), Place("B", 9, 0)]
    plan = fewest(candidates, places, persons=4, villages=1)
    assert (plan.cost, plan.households, plan.villages) == (3, ("A0",), ("A",))


def test_where_nothing_suffices_nothing_is_proposed() -> None:
    assert fewest(homes("A", (2, 1)), persons=3) == Plan(None)
    assert fewest(homes("A", (9, 1)), [Place("A", 1, 0, can_tip=False)], villages=1).cost is None
    assert fewest([], persons=0) == Plan(0)


def test_a_county_is_answered_in_time() -> None:
    """Ten thousand households of two hundred villages, five gates' worth of each."""
    candidates = [
        Candidate(f"{at:05d}", f"{at % 200:03d}", 1 + at * 7 % 6, 1 + at * 13 % 5)
        for at in range(10_000)
    ]
    places = [Place(f"{at:03d}", 30 + at % 17, at % 7) for at in range(200)]
    plan = fewest(candidates, places, persons=9_000, villages=60)
    assert plan.is_proven
    assert sum(one.persons for one in candidates if one.key in set(plan.households)) >= 9_000


@given(
    poor=st.integers(0, 500), base=st.integers(1, 5000), comparator=st.sampled_from(["<", "<="]),
    share=st.sampled_from([Decimal("0.02"), Decimal("0.03"), Decimal("0.0125")]),
)  # fmt: skip
def test_as_many_as_needed_and_not_one_more(
    poor: int, base: int, comparator: str, share: Decimal
) -> None:
    def keeps(n: int) -> bool:
        left = Decimal(poor - n)
        return left < share * base if comparator == "<" else left <= share * base

    n = persons_to_leave(poor, base, comparator, share)
    assert keeps(n)
    assert n == 0 or not keeps(n - 1)


@given(
    exited=st.integers(0, 900), more=st.integers(0, 300), comparator=st.sampled_from([">", ">="]),
    share=st.sampled_from([Decimal("0.98"), Decimal("0.9"), Decimal("0.6667")]),
)  # fmt: skip
def test_as_many_must_exit_as_needed(
    exited: int, more: int, comparator: str, share: Decimal
) -> None:
    registered = exited + more

    def reaches(n: int) -> bool:
        total = Decimal(exited + n)
        return total > share * registered if comparator == ">" else total >= share * registered

    n = persons_to_exit(exited, registered, comparator, share)
    assert reaches(n)
    assert n == 0 or not reaches(n - 1)
