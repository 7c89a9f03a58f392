"""Limits against published numbers, vectors by hand, and what must hold for all samples."""

from dataclasses import replace
from fractions import Fraction
from math import inf, isclose, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, t

from inspections.formulas import estimates, limits
from inspections.formulas.estimates import Household, Village, estimate
from inspections.formulas.limits import Limits, TooFewVillagesError
from tests.inspections.formulas.samples import samples, village

FIFTH = Fraction(1, 5)
counts = st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
confidences = st.floats(0.5, 0.999)
rates = st.integers(0, 100_000).map(lambda one: one / 100_000)


@pytest.mark.parametrize(
    ("events", "size", "percent"),
    [(0, 500, 0.60), (7, 675, 1.94), (12, 1000, 1.94), (0, 149, 1.99)],
)
def test_upper_limit_of_planning_numbers(events: int, size: int, percent: float) -> None:
    assert round(100 * limits.upper(events, size), 2) == percent


@pytest.mark.parametrize(("approving", "asked"), [(984, 1075), (916, 1000)])
def test_fewest_who_approve_at_ninety_per_cent(approving: int, asked: int) -> None:
    assert limits.lower(approving, asked) >= 0.9 > limits.lower(approving - 1, asked)


def test_two_sided_interval_of_a_textbook() -> None:
    # 4 of 20 (Clopper and Pearson's charts; printed as 0.0573 to 0.4366).
    low, high = limits.both(4, 20)
    assert (round(low, 4), round(high, 4)) == (0.0573, 0.4366)


@given(counts.filter(lambda one: 0 < one[0] < one[1]), confidences)
def test_limits_leave_exactly_the_stated_tail(one: tuple[int, int], confidence: float) -> None:
    events, size = one
    high, low = limits.upper(events, size, confidence), limits.lower(events, size, confidence)
    assert isclose(binom.cdf(events, size, high), 1 - confidence, rel_tol=1e-6)
    assert isclose(binom.sf(events - 1, size, low), 1 - confidence, rel_tol=1e-6)


@given(counts, confidences)
def test_limits_lie_in_bounds_and_grow_with_events(one: tuple[int, int], confidence: float) -> None:
    events, size = one
    assert 0 <= limits.lower(events, size, confidence) <= events / size
    assert events / size <= limits.upper(events, size, confidence) <= 1
    if events:
        assert limits.upper(events - 1, size, confidence) < limits.upper(events, size, confidence)
        assert limits.lower(events - 1, size, confidence) < limits.lower(events, size, confidence)


@given(counts, confidences)
def test_what_approves_is_what_does_not_disapprove(one: tuple[int, int], confidence: float) -> None:
    events, size = one
    mirrored = 1 - limits.upper(size - events, size, confidence)
    assert isclose(limits.lower(events, size, confidence), mirrored, abs_tol=1e-9)


def test_effective_size_by_hand() -> None:
    # p = 0.02 and a standard error of 0.008 among 650 households of 26 villages:
    # 0.02·0.98 ÷ 0.000064 = 306.25; one-sided t of 649 is 1.6472, of 25 it is 1.7081.
    size = limits.korn_graubard(0.02, 0.008**2, households=650, degrees=25, side=0.95)
    assert isclose(size, 306.25 * (1.6472 / 1.7081) ** 2, rel_tol=1e-3)
    assert isclose(size, 306.25 * (t.ppf(0.95, 649) / t.ppf(0.95, 25)) ** 2)


def test_effective_size_of_a_simple_random_sample_is_its_size() -> None:
    # The variance of p is p(1−p)/n, and every household is a village of its own.
    size = limits.korn_graubard(0.1, 0.1 * 0.9 / 400, households=400, degrees=399, side=0.95)
    assert isclose(size, 400)
    assert limits.korn_graubard(0.1, 0.0, households=4, degrees=3, side=0.95) == inf


def alike(villages: int, hit: int) -> list[Village]:
    """Villages of 25 households of three, all drawn alike, in the first `hit` of which one is wrong."""
    return [
        village(f"{number:02d}", *[(3, 0)] * 24, (3, 3 if number < hit else 0))
        for number in range(villages)
    ]


def test_without_events_the_sample_is_worth_its_households() -> None:
    found = limits.of(estimate(alike(20, 0)))
    assert isclose(found.upper, limits.upper(0, 500))
    assert (found.lower, round(100 * found.upper, 2)) == (0.0, 0.60)
    approved = limits.of(estimates.accuracy(estimate(alike(20, 0))))
    assert approved.upper == 1
    assert isclose(approved.lower, limits.lower(500, 500))


def test_without_events_sizes_do_not_matter_but_weights_do() -> None:
    mixed = [village(str(n), (1, 0), (7, 0), (3, 0)) for n in range(20)]
    assert isclose(limits.of(estimate(mixed)).upper, limits.upper(0, 60))
    # One event, and a household of seven is not a household of one any more.
    hit = [village("x", (1, 1), (7, 0), (3, 0)), *mixed[1:]]
    size = limits.of(estimate(hit)).size
    assert size is not None
    assert size <= estimate(hit).size < 60
    # Half of the households stand for four times as many: (30·4 + 30)² ÷ (30·16 + 30).
    uneven = [
        village(str(n), (3, 0), (3, 0), (3, 0), inside=Fraction(1, 20 if n % 2 else 5))
        for n in range(20)
    ]
    assert isclose(limits.of(estimate(uneven)).upper, limits.upper(0, 150**2 / 510))


def test_villages_that_are_all_alike_are_worth_no_more_than_their_households() -> None:
    found = estimate(alike(20, 20))
    assert found.variance == 0
    size = limits.of(found).size
    assert size is not None
    assert isclose(size, 500)
    assert isclose(limits.of(found).upper, limits.upper(20, 500))


def test_events_in_one_village_prove_less_than_events_in_many() -> None:
    spread = alike(20, 8)
    gathered = [
        replace(one, households=tuple(
            Household(3, 3 if number == 0 and place < 8 else 0, FIFTH, "EXITED")
            for place in range(25)
        ))
        for number, one in enumerate(alike(20, 0))
    ]  # fmt: skip
    assert estimate(spread).rate == estimate(gathered).rate
    assert limits.of(estimate(gathered)).upper > limits.of(estimate(spread)).upper


def test_single_villages_give_no_limits() -> None:
    lonely = [village("1", (3, 3), (3, 0)), village("2", (3, 0), stratum="O0")]
    with pytest.raises(TooFewVillagesError):
        limits.of(estimate(lonely))


@pytest.mark.parametrize(
    ("events", "size", "confidence"), [(-1, 5, 0.9), (6, 5, 0.9), (0, 0, 0.9), (1, 5, 1), (1, 5, 0)]
)
def test_impossible_questions_are_refused(events: int, size: int, confidence: float) -> None:
    for limit in (limits.upper, limits.lower):
        with pytest.raises(ValueError, match="between"):
            limit(events, size, confidence)


@given(samples(), st.floats(0.6, 0.99))
def test_limits_enclose_the_rate(sample: list[Village], confidence: float) -> None:
    found = estimate(sample)
    both = limits.of(found, confidence)
    assert 0 <= both.lower <= float(found.rate) <= both.upper <= 1
    assert both.size is not None
    assert 0 < both.size <= found.households * (1 + 1e-9)


@given(samples(), st.floats(0.6, 0.98))
def test_more_confidence_is_wider(sample: list[Village], confidence: float) -> None:
    found = estimate(sample)
    narrow, wide = limits.of(found, confidence), limits.of(found, confidence + 0.01)
    assert wide.lower <= narrow.lower + 1e-12
    assert wide.upper >= narrow.upper - 1e-12


@given(samples())
def test_no_sample_is_narrower_than_no_event_among_its_households(sample: list[Village]) -> None:
    clean = [
        replace(one, households=tuple(replace(row, events=0) for row in one.households))
        for one in sample
    ]
    assert limits.of(estimate(clean)).upper <= limits.of(estimate(sample)).upper + 1e-12


@given(rates, rates, st.floats(1e-6, 1e-2), st.floats(20, 900), st.floats(1, 25))
def test_at_the_same_worth_the_limit_grows_with_the_rate(
    one: float, other: float, spread: float, size: float, degrees: float
) -> None:
    low, high = sorted((one, other))

    def limit(rate: float) -> Limits:
        # A variance in proportion to p(1−p) is a design effect that stays.
        return limits.proportion(
            rate,
            rate * (1 - rate) * spread,
            size=size,
            weighed=size,
            households=900,
            degrees=degrees,
        )

    if min(low, 1 - high) > 0 or low == high:
        assert limit(low).upper <= limit(high).upper + 1e-9
        assert limit(low).lower <= limit(high).lower + 1e-9


@given(samples(census=True))
def test_census_is_exact_and_nothing_is_narrower(sample: list[Village]) -> None:
    found = limits.of(estimate(sample, finite=True))
    rate = float(estimate(sample).rate)
    assert (found.lower, found.upper, found.size) == (rate, rate, None)
    drawn = [
        replace(
            one,
            probability=Fraction(1, 2),
            households=tuple(replace(row, probability=Fraction(1, 2)) for row in one.households),
        )
        for one in sample
    ]
    same = limits.of(estimate(drawn))
    assert same.lower <= found.lower <= found.upper <= same.upper
    assert same.upper - same.lower > 0


def test_half_width_of_a_large_sample_is_that_of_the_normal() -> None:
    sample = [
        village(f"{number:03d}", *[(1, place < (10 if number % 2 else 14)) for place in range(40)])
        for number in range(200)
    ]
    found = estimate(sample)
    width = limits.of(found).upper - float(found.rate)
    assert isclose(width, 1.6449 * sqrt(max(found.variance, 0.3 * 0.7 / 8000)), rel_tol=0.03)
