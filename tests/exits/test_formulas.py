"""The arithmetic of exit metrics, and that its SQL form says the same."""

from decimal import Decimal

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from exits import formulas
from exits.enums import Comparator, Verdict
from exits.formulas import Judged, Standard

LESS = Standard(Comparator.LT, Decimal("0.02"))
MORE = Standard(Comparator.GE, Decimal("0.9"))
COUNTED = Standard(Comparator.NONE, None)

numbers = st.integers(0, 10_000_000)


@pytest.mark.parametrize(
    ("numerator", "verdict"),
    [(1996, Verdict.MET), (1999, Verdict.MET), (2000, Verdict.NOT_MET), (2001, Verdict.NOT_MET)],
)
def test_rate_is_compared_unrounded(numerator: int, verdict: Verdict) -> None:
    assert formulas.headcount_rate(numerator, 100_000, LESS) == Judged(numerator, 100_000, verdict)


def test_missing_is_never_met() -> None:
    assert formulas.headcount_rate(5, None, LESS).verdict == Verdict.NOT_COMPUTABLE
    assert formulas.headcount_rate(5, 0, LESS).reason == formulas.NO_BASE
    assert formulas.headcount_rate(None, 100, LESS).reason == formulas.NO_REGISTER
    assert formulas.headcount_rate(101, 100, LESS).reason == formulas.BASE_TOO_SMALL
    assert formulas.exit_target(5, None, MORE).reason == formulas.NO_TARGET
    assert formulas.village_exit_rate(0, 0, MORE).reason == formulas.NO_POOR_VILLAGE
    assert formulas.exited_below_line(3, None).reason == formulas.NO_LINE


def test_exactly_ninety_per_cent_of_the_villages_is_enough() -> None:
    assert formulas.village_exit_rate(9, 10, MORE).verdict == Verdict.MET
    assert formulas.village_exit_rate(899, 1000, MORE).verdict == Verdict.NOT_MET


def test_more_exits_than_planned_are_met() -> None:
    assert (
        formulas.exit_target(110, 100, Standard(Comparator.GE, Decimal(1))).verdict == Verdict.MET
    )


def test_what_is_only_counted_has_no_verdict() -> None:
    assert formulas.compare(1, 2, COUNTED) == Verdict.NONE
    assert formulas.exited_below_line(3, Decimal(2952)) == Judged(3, None, Verdict.NONE)


@given(numerator=numbers, denominator=st.integers(1, 10_000_000))
def test_strict_and_lenient_differ_only_on_the_threshold(numerator: int, denominator: int) -> None:
    lenient = Standard(Comparator.LE, Decimal("0.02"))
    differ = formulas.compare(numerator, denominator, LESS) != formulas.compare(
        numerator, denominator, lenient
    )
    assert differ == (numerator * 50 == denominator)


@given(
    numerator=numbers,
    denominator=st.integers(1, 10_000_000),
    threshold=st.integers(0, 1_000_000).map(lambda millionths: Decimal(millionths).scaleb(-6)),
)
def test_opposite_comparators_never_agree(
    numerator: int, denominator: int, threshold: Decimal
) -> None:
    verdicts = {
        name: formulas.compare(numerator, denominator, Standard(name, threshold))
        for name in (Comparator.LT, Comparator.GE, Comparator.LE, Comparator.GT)
    }
    assert verdicts[Comparator.LT] != verdicts[Comparator.GE]
    assert verdicts[Comparator.LE] != verdicts[Comparator.GT]


@given(stocks=st.tuples(*[st.integers(0, 1000)] * 7))
def test_ledger_that_is_whole_leaves_nothing_unexplained(stocks: tuple[int, ...]) -> None:
    start, identified, relapsed, increase, exited, decrease, cleared = stocks
    end = start + identified + relapsed + increase - exited - decrease - cleared
    flow = {
        "start": start, "identified": identified, "relapsed": relapsed, "increase": increase,
        "exited": exited, "decrease": decrease, "cleared": cleared,
    }  # fmt: skip
    assert formulas.unexplained(**flow, end=end) == 0
    assert formulas.unexplained(**flow, end=end + 1) == -1


@pytest.mark.django_db
@pytest.mark.parametrize("comparator", [c for c in Comparator if c])
@pytest.mark.parametrize(
    ("numerator", "denominator"), [(1996, 100_000), (2000, 100_000), (1, 3), (2, 100), (0, 7)]
)
def test_sql_compares_as_the_formula_does(
    comparator: Comparator, numerator: int, denominator: int
) -> None:
    threshold = Decimal("0.02")
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT %s::bigint {comparator.value} %s::numeric(7, 6) * %s::bigint",
            [numerator, threshold, denominator],
        )
        met = cursor.fetchone()[0]
    expected = formulas.compare(numerator, denominator, Standard(comparator, threshold))
    assert (expected == Verdict.MET) == met
