"""综合贫困发生率 in both readings, and that villages which are bad at both widen its limit."""

from fractions import Fraction
from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspections.formulas import composite, limits
from inspections.formulas.composite import County
from inspections.formulas.estimates import Village, estimate
from tests.inspections.formulas.samples import samples, village

COUNTY = County(population=300_000, remaining=3_000, exited=40_000, unregistered=257_000)


def test_both_readings_of_a_vector_by_hand() -> None:
    # 9 of 2,400 is 0.375 %, of 40,000 that is 150; 12 of 30,000 is 0.04 %, of 257,000 it is 102.8.
    found = composite.extrapolated(COUNTY, Fraction(9, 2400), Fraction(12, 30000))
    assert found == Fraction(3_000 * 10 + 1_500 + 1_028, 3_000_000)
    assert f"{float(100 * found):.4f}" == "1.0843"
    assert composite.raw(COUNTY, 9, 12) == Fraction(3_021, 300_000)
    assert f"{float(100 * composite.raw(COUNTY, 9, 12)):.4f}" == "1.0070"


def pair(*bad: int) -> list[Village]:
    """Ten villages of ten households of two; in the stated ones a household has the event."""
    return [
        village(str(number), *[(2, 0)] * 9, (2, 2 if number in bad else 0)) for number in range(10)
    ]


def test_variance_counts_what_both_rates_have_in_common() -> None:
    county = County(population=1_000, remaining=0, exited=500, unregistered=500)
    first, second = estimate(pair(1, 2)), estimate(pair(1, 2))
    same = composite.composite(county, first, second)
    apart = composite.composite(county, first, estimate(pair(5, 6)))
    # (E/A)²·Var + (U/A)²·Var + 2·(E/A)(U/A)·Cov: the same villages make it Var itself.
    assert isclose(same.variance, first.variance)
    # Deviations 0.8 in two and −0.2 in eight villages: Σ over both is −0.4 against 1.6.
    assert isclose(apart.variance, first.variance * (0.25 + 0.25 + 0.5 * -0.4 / 1.6))
    assert same.extrapolated == apart.extrapolated
    assert same.limits.upper > apart.limits.upper


def test_what_two_samples_of_different_rates_are_worth_by_hand() -> None:
    # A hundred households of two in each sample, 4 % and 2 %, for a fifth and four fifths of the
    # people: 2.4 % of all. (0.04·0.0384 + 0.64·0.0196) ÷ 100 against 0.024·0.976.
    first, second = estimate(pair(1, 2, 3, 4)), estimate(pair(1, 2))
    both = composite.worth(0.024, (0.2, first), (0.8, second))
    assert isclose(both, 0.024 * 0.976 / ((0.04 * 0.0384 + 0.64 * 0.0196) / 100))
    # Nothing found in the larger part: it is taken to be like the whole, not to be certain.
    part = composite.worth(0.008, (0.2, first), (0.8, estimate(pair())))
    assert isclose(part, 0.008 * 0.992 / ((0.04 * 0.0384 + 0.64 * 0.008 * 0.992) / 100))
    # Never more than the households that were asked; nobody's half asks for none.
    assert composite.worth(0.0, (0.5, estimate(pair())), (0.5, estimate(pair()))) == 200
    assert isclose(composite.worth(0.04, (1.0, first), (0.0, second)), 100)


def test_only_one_rate_counts_where_the_other_has_nobody() -> None:
    county = County(population=400, remaining=0, exited=400, unregistered=0)
    first = estimate(pair(1, 2))
    found = composite.composite(county, first, estimate(pair(*range(10))))
    alone = limits.of(first)
    assert isclose(found.limits.upper, alone.upper)
    assert isclose(found.limits.lower, alone.lower)


def test_without_events_the_limit_is_that_of_all_households_together() -> None:
    county = County(population=1_000, remaining=10, exited=495, unregistered=495)
    found = composite.composite(county, estimate(pair()), estimate(pair()))
    assert found.extrapolated == Fraction(1, 100)
    assert isclose(found.limits.upper, 0.01 + 0.99 * limits.upper(0, 200))
    assert isclose(found.limits.lower, 0.01)


def test_county_where_nobody_is_sampled_is_exact() -> None:
    county = County(population=100, remaining=2, exited=0, unregistered=0)
    found = composite.composite(county, estimate(pair(1)), estimate(pair()))
    assert (found.limits.lower, found.limits.upper, found.variance) == (0.02, 0.02, 0.0)


@pytest.mark.parametrize("people", [(0, 0, 0, 0), (10, -1, 0, 0), (10, 5, 5, 1)])
def test_impossible_counties_are_refused(people: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="population"):
        County(*people)


@given(samples(), samples(), st.integers(1, 500), st.integers(1, 500), st.integers(0, 100))
def test_limits_enclose_the_point(
    first: list[Village], second: list[Village], exited: int, others: int, poor: int
) -> None:
    county = County(exited + others + poor, poor, exited, others)
    found = composite.composite(county, estimate(first), estimate(second))
    assert 0 <= found.limits.lower <= float(found.extrapolated) <= found.limits.upper <= 1
    assert found.variance >= 0


@given(samples(census=True), samples(census=True))
def test_census_of_both_is_exact(first: list[Village], second: list[Village]) -> None:
    county = County(100, 10, 40, 50)
    found = composite.composite(
        county, estimate(first, finite=True), estimate(second, finite=True), finite=True
    )
    assert found.variance == 0
    assert isclose(found.limits.lower, float(found.extrapolated), abs_tol=1e-12)
    assert isclose(found.limits.upper, float(found.extrapolated), abs_tol=1e-12)
