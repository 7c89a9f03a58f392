"""The weighted rate of a two-stage sample and its variance between villages."""

from dataclasses import replace
from fractions import Fraction
from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspections.formulas import estimates
from inspections.formulas.estimates import EmptySampleError, Household, Term, Village, estimate
from tests.inspections.formulas.samples import samples, village

HALF, FIFTH = Fraction(1, 2), Fraction(1, 5)


def test_rate_is_exact_and_weighted_by_both_stages() -> None:
    # Weights 2 and 4: (2·3 + 4·0) ÷ (2·10 + 4·5).
    first = village("1", (3, 3), (7, 0), chance=HALF, inside=Fraction(1))
    second = village("2", (5, 0), chance=HALF, inside=HALF)
    found = estimate([first, second])
    assert (found.numerator, found.denominator) == (Fraction(6), Fraction(40))
    assert (found.events, found.at_risk, found.households, found.households_hit) == (3, 15, 3, 1)
    assert found.rate == Fraction(3, 20)


def test_census_of_key_groups_counts_once_beside_drawn_households() -> None:
    rows = (Household(4, 4, Fraction(1), "KEY"), Household(5, 0, FIFTH, "OTHER"))
    other = village("2", (5, 0), chance=HALF)
    found = estimate([Village("1", "P0", HALF, rows), other])
    assert found.rate == Fraction(4 * 2, 4 * 2 + 5 * 10 + 5 * 10)


def test_variance_of_a_vector_by_hand() -> None:
    # All weights 4·5 = 20, persons 10, 10, 20; events 2, 0, 1: rate 3/40, weighted total 800.
    # Deviations z = 20·(events − rate·persons)/800 = (1.25, −0.75, −0.5)/40, sum zero.
    # Stratum P0 has the first two: mean 0.25, d = ±1 (in fortieths), 2/1·(1 + 1) = 4.
    # Stratum O0 has the third alone, compared with the mean of all three, zero: 0.25.
    found = estimate(
        [
            village("1", (8, 0), (2, 2)),
            village("2", (10, 0)),
            village("3", (19, 0), (1, 1), stratum="O0"),
        ]
    )
    assert found.rate == Fraction(3, 40)
    assert isclose(found.variance, 4.25 / 1600)
    assert (found.degrees, found.strata, found.villages) == (1, 2, 3)


def test_households_are_worth_fewer_when_they_differ() -> None:
    alike = estimate([village("1", (3, 0), (3, 0)), village("2", (3, 0), (3, 3))])
    assert isclose(alike.size, 4)
    unlike = estimate([village("1", (1, 0)), village("2", (7, 0))])
    assert isclose(unlike.size, 64 / 50)
    assert isclose(unlike.weighed, 2)


def test_finite_population_takes_both_stages_into_account() -> None:
    # One stratum, villages with probability 1/2, all households: no second stage.
    # Weights 2, persons 4 each: rate 1/4, total 16; z = 2·(±1)/16 = ±1/8, 2/1·2/64 = 1/16.
    whole = [village(code, (2, hit), (2, 0), chance=HALF, inside=Fraction(1)) for code, hit in
             (("1", 2), ("2", 0))]  # fmt: skip
    assert isclose(estimate(whole).variance, 1 / 16)
    assert isclose(estimate(whole, finite=True).variance, 1 / 32)
    # All villages, half of the households: only stage 2 is left, village by village.
    # Village 1: u = 2·(2 − 1/4·2)/16 and 2·(−1/2)/16 = 3/16, −1/16; mean 1/16, Σ = 8/256;
    # 2/1·(1 − 1/2)·8/256 = 1/32. Village 2 has two equal households: nothing.
    parts = [village(code, (2, hit), (2, 0), chance=Fraction(1), inside=HALF) for code, hit in
             (("1", 2), ("2", 0))]  # fmt: skip
    assert isclose(estimate(parts, finite=True).variance, 1 / 32)


def test_stable_degrees_follow_the_kurtosis() -> None:
    def terms(*values: float) -> list[Term]:
        return [Term("P0", HALF, value, 0.0) for value in values]

    # Half above, half below: kurtosis 1, excess −2, floored at the normal's 0: villages − 1.
    assert isclose(estimates.stable_degrees(terms(*[1, -1] * 5)), 9)
    # One of ten: m4/m2² = 10 − 2 + 1/9 = 73/9, excess 46/9; 2 ÷ (2/9 + 46/90) = 180/66.
    assert isclose(estimates.stable_degrees(terms(1, *[0] * 9)), 180 / 66)
    assert estimates.stable_degrees(terms(0, 0, 0)) == 2
    assert estimates.stable_degrees(terms(1)) == 0


def test_omission_with_either_denominator() -> None:
    # Village 1: 40 unregistered people, 8 of them asked; village 2: 60, of them 10.
    asked = [
        village("1", (4, 4), (4, 0), chance=HALF, population=40),
        village("2", (10, 0), chance=HALF, population=60),
    ]
    narrow = estimates.omission(asked, whole_villages=False)
    wide = estimates.omission(asked, whole_villages=True)
    assert (narrow.events, narrow.at_risk, narrow.rate) == (4, 18, Fraction(4, 18))
    assert (wide.events, wide.at_risk) == (4, 100)
    # Four people found among a fifth of the households stand for twenty.
    assert wide.rate == Fraction(20, 100)


def test_omission_where_everybody_was_asked_is_the_same_either_way() -> None:
    asked = [
        village("1", (4, 4), (6, 0), inside=Fraction(1), population=10),
        village("2", (5, 0), (5, 0), inside=Fraction(1), population=10),
    ]
    wide = estimates.omission(asked, whole_villages=True)
    narrow = estimates.omission(asked, whole_villages=False)
    assert wide.rate == narrow.rate == Fraction(1, 5)
    assert isclose(wide.variance, narrow.variance)


def test_village_that_nobody_visited_is_not_a_village_without_omission() -> None:
    rows = [village("1", (4, 0), population=40), village("2", population=60)]
    with pytest.raises(EmptySampleError):
        estimates.omission(rows, whole_villages=True)
    with pytest.raises(EmptySampleError):
        estimates.omission([village("1", (4, 0))], whole_villages=True)


def test_nobody_at_risk_is_not_a_rate_of_zero() -> None:
    for nothing in ([], [village("1")], [village("1", (0, 0))]):
        with pytest.raises(EmptySampleError):
            estimate(nothing)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Household(2, 3),
        lambda: Household(2, -1),
        lambda: Household(2, 1, Fraction(0)),
        lambda: Household(2, 1, Fraction(3, 2)),
        lambda: village("1", (1, 0), chance=Fraction(0)),
        lambda: village("1", (1, 0), population=-1),
        lambda: estimate([village("1", (1, 0)), village("1", (1, 0))]),
    ],
)
def test_impossible_samples_are_refused(wrong) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=r"\w"):
        wrong()


def test_accuracy_is_what_errors_leave() -> None:
    wrong = estimate([village("1", (4, 4), (4, 0)), village("2", (4, 0))])
    right = estimates.accuracy(wrong)
    assert right.rate == 1 - wrong.rate == Fraction(2, 3)
    assert (right.events, right.households_hit) == (8, 2)
    assert right.variance == wrong.variance == estimates.variance(right.terms.values())


@given(samples(), st.randoms(use_true_random=False))
def test_order_does_not_matter(sample, random) -> None:  # type: ignore[no-untyped-def]
    mixed = [
        replace(one, households=tuple(random.sample(one.households, len(one.households))))
        for one in random.sample(sample, len(sample))
    ]
    assert estimate(mixed) == estimate(sample)
    assert estimate(mixed, finite=True).variance == estimate(sample, finite=True).variance


@given(samples())
def test_bounds_of_what_a_sample_is_worth(sample: list[Village]) -> None:
    found = estimate(sample)
    assert 0 <= found.rate <= 1
    assert found.variance >= 0
    assert found.size <= found.households * (1 + 1e-9)
    assert 1 <= found.stable <= found.degrees == found.villages - found.strata


@given(samples(census=True))
def test_census_has_no_variance_and_is_the_plain_count(sample: list[Village]) -> None:
    found = estimate(sample, finite=True)
    assert (found.variance, found.is_census) == (0.0, True)
    assert found.rate == Fraction(found.events, found.at_risk)
