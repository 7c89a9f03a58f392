"""Sample sizes for a threshold, and what would still settle a gate."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, hypergeom

from exits.enums import Comparator
from exits.formulas import Standard
from inspections.formulas import limits, planning
from inspections.formulas.estimates import accuracy, estimate
from inspections.formulas.planning import OutOfReachError
from tests.inspections.formulas.samples import village

TWO, TENTH = Fraction(2, 100), Fraction(1, 10)
LESS = Standard(Comparator.LT, Decimal("0.02"))


@pytest.mark.parametrize(
    ("found", "households"), [(0, 149), (1, 236), (2, 313), (3, 386), (5, 523), (10, 845)]
)
def test_fewest_households_with_so_many_found(found: int, households: int) -> None:
    assert planning.needed(found, TWO) == households


@pytest.mark.parametrize(("size", "found"), [(675, 7), (1000, 12), (149, 0), (148, None)])
def test_most_found_in_so_many_households(size: int, found: int | None) -> None:
    assert planning.accept_at_most(size, TWO) == found


@pytest.mark.parametrize(("asked", "approving"), [(1075, 984), (1000, 916), (5, None)])
def test_fewest_who_must_approve(asked: int, approving: int | None) -> None:
    assert planning.approvals_needed(asked, Fraction(9, 10)) == approving


@given(st.integers(0, 60), st.integers(1, 20))
def test_need_and_tolerance_are_each_other_turned_round(found: int, percent: int) -> None:
    size = planning.needed(found, Fraction(percent, 100))
    assert size is not None
    assert planning.accept_at_most(size, Fraction(percent, 100)) == found
    assert limits.upper(found, size) <= percent / 100 < limits.upper(found, size - 1)


def test_small_counties_need_fewer() -> None:
    # 400 households of which 8 are wrong: none of n are seen with C(392, n)/C(400, n).
    size = planning.needed(0, TWO, population=400)
    assert size is not None
    assert hypergeom.cdf(0, 400, 8, size) <= 0.05 < hypergeom.cdf(0, 400, 8, size - 1)
    assert size < 149
    assert (
        planning.needed(1, TWO, population=40) == 40
        or planning.needed(1, TWO, population=40) is None
    )
    assert planning.needed(5, TWO, population=100) is None


def test_plan_has_the_stated_power_and_no_smaller_one_has() -> None:
    found = planning.plan(Fraction(1, 100), TWO)
    assert binom.cdf(found.accept, found.effective, 0.01) == found.power >= 0.8
    assert planning.accept_at_most(found.effective, TWO) == found.accept
    before = planning.needed(found.accept - 1, TWO)
    assert before is not None
    assert binom.cdf(found.accept - 1, before, 0.01) < 0.8


def test_county_without_errors_needs_the_least() -> None:
    found = planning.plan(Fraction(0), TWO)
    assert (found.households, found.accept, found.power) == (149, 0, 1.0)


def test_clusters_cost_their_design_effect() -> None:
    alone = planning.plan(Fraction(1, 200), TWO)
    together = planning.plan(Fraction(1, 200), TWO, effect=Fraction(3, 2))
    assert together.effective == alone.effective
    assert together.households == -(-3 * alone.households // 2)
    with pytest.raises(ValueError, match="design effect"):
        planning.plan(Fraction(1, 200), TWO, effect=Fraction(1, 2))


def test_at_the_threshold_no_draw_is_enough() -> None:
    for rate in (TWO, Fraction(3, 100), Fraction(19_999, 1_000_000)):
        with pytest.raises(OutOfReachError):
            planning.plan(rate, TWO)
    with pytest.raises(OutOfReachError):
        planning.plan(Fraction(15, 1000), TWO, population=300)


def test_table_says_so_where_no_draw_is_enough() -> None:
    rates = [Fraction(0), Fraction(1, 100), TWO]
    rows = planning.table(rates, TWO)
    assert [rate for rate, _ in rows] == rates
    assert [row is None for _, row in rows] == [False, False, True]
    sizes = [row.households for _, row in rows if row]
    assert sizes == sorted(sizes)


def test_more_households_that_show_the_same_settle_it() -> None:
    sample = [
        village(f"{number:02d}", *[(3, 0)] * 24, (3, 3 if number < 5 else 0))
        for number in range(20)
    ]
    found = estimate(sample)  # 5 of 500 households: 1 %, upper limit above 2 %
    now = limits.of(found)
    assert now.upper > 0.02
    more = planning.more_households(found, LESS)
    assert more is not None
    assert now.size is not None
    for extra, passes in ((more, True), (more - 1, False)):
        size = now.size * (500 + extra) / 500
        assert (limits.upper(size / 100, size) < 0.02) == passes


def test_settled_gates_and_hopeless_ones() -> None:
    clean = estimate([village(str(n), *[(3, 0)] * 25) for n in range(20)])
    assert planning.more_households(clean, LESS) == 0
    bad = estimate([village(str(n), (3, 3), (3, 0)) for n in range(5)])
    assert planning.more_households(bad, LESS) is None
    half = estimate(
        [village(str(n), *[(3, 0)] * 48, (3, n % 2 * 3), (3, 3 - n % 2 * 3)) for n in range(4)]
    )
    assert half.rate == TWO
    assert planning.more_households(half, LESS) is None
    lenient = Standard(Comparator.LE, Decimal("0.02"))
    assert planning.more_households(half, lenient) is None
    few = estimate([village(str(n), *[(3, 0)] * 5) for n in range(5)])
    assert planning.more_households(few, LESS) == 149 - 25
    approval = Standard(Comparator.GE, Decimal("0.9"))
    assert planning.more_households(accuracy(few), approval) == 29 - 25
