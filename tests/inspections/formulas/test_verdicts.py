"""What is said at a gate, and that a figure is never shown on the wrong side of its threshold."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exits.enums import Comparator, Verdict
from exits.formulas import Standard
from inspections.formulas import verdicts
from inspections.formulas.limits import Limits
from inspections.formulas.verdicts import Judgement, judge, percent

LESS = Standard(Comparator.LT, Decimal("0.02"))
NOT_MORE = Standard(Comparator.LE, Decimal("0.020000"))
APPROVAL = Standard(Comparator.GE, Decimal("0.9"))
MORE = Standard(Comparator.GT, Decimal("0.9"))
COUNTED = Standard(Comparator.NONE, None)
EDGE = Fraction(1, 50)


def about(lower: float, upper: float) -> Limits:
    return Limits(lower, upper, 0.95, 500.0)


def test_five_verdicts() -> None:
    low = Fraction(1, 100)
    sure, unsure = about(0.005, 0.019), about(0.005, 0.0213)
    assert judge(low, sure, LESS) == Judgement(Verdict.MET)
    assert judge(low, sure, LESS, unrectified=3).verdict == Verdict.TO_RECTIFY
    assert judge(low, unsure, LESS).verdict == Verdict.WEAK_EVIDENCE
    assert judge(low, unsure, LESS, unrectified=3).verdict == Verdict.WEAK_EVIDENCE
    assert judge(Fraction(3, 100), unsure, LESS).verdict == Verdict.NOT_MET
    assert judge(low, sure, LESS, missing=[verdicts.OPEN_CASES]).verdict == Verdict.NOT_COMPUTABLE


def test_reasons_say_what_is_wrong_in_full() -> None:
    low, unsure = Fraction(1, 100), about(0.005, 0.02134)
    assert judge(low, unsure, LESS, more=120).reason == (
        "估计值达标，但 95% 置信上限为 2.13%，标准要求低于 2%，尚不能排除不达标；按目前结果约需再调查 120 户"
    )
    assert judge(low, unsure, LESS).reason.endswith("估计值离门槛太近，增加调查户也难以判明")
    assert judge(Fraction(3, 100), unsure, LESS).reason == "估计值 3.00%，标准要求低于 2%"
    approval = judge(Fraction(91, 100), about(0.8962, 0.93), APPROVAL, more=40)
    assert approval.verdict == Verdict.WEAK_EVIDENCE
    assert "置信下限为 89.62%，标准要求不低于 90%" in approval.reason
    assert judge(low, about(0, 0.019), LESS, unrectified=2).reason == "尚有 2 个确认问题未整改到位"


def test_exactly_at_the_threshold_the_comparator_decides_and_is_named() -> None:
    exact = Limits(0.02, 0.02, 0.95, None)
    strict = judge(EDGE, exact, LESS)
    assert (strict.verdict, strict.at_threshold) == (Verdict.NOT_MET, True)
    assert strict.reason == "正好等于门槛 2.00%，标准要求低于 2%"
    lenient = judge(EDGE, about(0.01, 0.0199), NOT_MORE)
    assert (lenient.verdict, lenient.at_threshold) == (Verdict.MET, True)
    nine = Fraction(9, 10)
    assert judge(nine, about(0.9, 0.95), MORE).verdict == Verdict.NOT_MET
    assert judge(nine, about(0.91, 0.95), APPROVAL).verdict == Verdict.MET


@pytest.mark.parametrize("percent_of", [2, 7, 29, 57, 58, 90, 98])
def test_census_exactly_on_its_threshold_passes_where_the_comparator_says_so(
    percent_of: int,
) -> None:
    # 0.07, 0.29, 0.57 and 0.58 are no floats; a census must not fail for that.
    rate, share = Fraction(percent_of, 100), Decimal(percent_of) / 100
    whole = Limits(float(rate), float(rate), 0.95, None)
    for comparator in (Comparator.LE, Comparator.GE):
        assert judge(rate, whole, Standard(comparator, share)).verdict == Verdict.MET
    for comparator in (Comparator.LT, Comparator.GT):
        assert judge(rate, whole, Standard(comparator, share)).verdict == Verdict.NOT_MET


def test_missing_is_never_met() -> None:
    sure = about(0.0, 0.001)
    assert judge(None, None, LESS) == Judgement(Verdict.NOT_COMPUTABLE, verdicts.NO_SAMPLE)
    assert judge(EDGE / 2, None, LESS).reason == verdicts.TOO_FEW_VILLAGES
    assert judge(EDGE / 2, sure, COUNTED).reason == verdicts.NO_STANDARD
    twice = judge(EDGE / 2, sure, LESS, missing=["甲", "乙", "甲"])
    assert twice == Judgement(Verdict.NOT_COMPUTABLE, "甲；乙")


@pytest.mark.parametrize(
    ("rate", "standard", "text"),
    [
        (Fraction(1996, 100_000), LESS, "1.996%"),
        (Fraction(2004, 100_000), LESS, "2.004%"),
        (Fraction(19_999_990, 1_000_000_000), LESS, "1.999999%"),
        (Fraction(1, 50), LESS, "2.00%"),
        (Fraction(1994, 100_000), LESS, "1.99%"),
        (Fraction(89_996, 100_000), APPROVAL, "89.996%"),
        (Fraction(1, 3), None, "33.33%"),
        (Fraction(1, 200_00), None, "0.01%"),
    ],
)
def test_shown_rate(rate: Fraction, standard: Standard | None, text: str) -> None:
    assert percent(rate, standard) == text


def test_what_no_decimals_can_tell_apart_is_said_in_words() -> None:
    sliver = Fraction(1, 10**12)
    assert percent(EDGE - sliver, LESS) == "略低于 2%"
    assert percent(EDGE + sliver, LESS) == "略高于 2%"


@pytest.mark.parametrize(
    ("standard", "text"),
    [
        (LESS, "低于 2%"),
        (NOT_MORE, "不高于 2%"),
        (APPROVAL, "不低于 90%"),
        (MORE, "高于 90%"),
        (COUNTED, ""),
    ],
)
def test_demand_in_words(standard: Standard, text: str) -> None:
    assert verdicts.demand(standard) == text


@given(
    st.fractions(0, 1) | st.integers(-99, 99).map(lambda n: EDGE + Fraction(n, 10**8)),
    st.sampled_from([LESS, NOT_MORE, APPROVAL]),
)
def test_shown_rate_never_crosses_its_threshold(rate: Fraction, standard: Standard) -> None:
    text = percent(rate, standard)
    edge = Fraction(standard.threshold or 0)
    if text.startswith("略"):
        assert text.startswith("略低于" if rate < edge else "略高于")
        return
    shown = Fraction(text.removesuffix("%")) / 100
    assert (shown < edge, shown > edge) == (rate < edge, rate > edge)


@given(
    st.fractions(0, 1), st.tuples(st.floats(0, 1), st.floats(0, 1)),
    st.sampled_from([LESS, NOT_MORE, APPROVAL, MORE]), st.integers(0, 3),
)  # fmt: skip
def test_met_means_that_rate_and_limit_pass(
    rate: Fraction, sides: tuple[float, float], standard: Standard, unrectified: int
) -> None:
    found = about(min(*sides, float(rate)), max(*sides, float(rate)))
    said = judge(rate, found, standard, unrectified=unrectified)
    assert (said.reason == "") == (said.verdict == Verdict.MET)
    if said.verdict in (Verdict.MET, Verdict.TO_RECTIFY):
        edge = Fraction(standard.threshold or 0)
        if standard.comparator in (Comparator.LT, Comparator.LE):
            assert rate <= edge >= Fraction(found.upper)
        else:
            assert rate >= edge <= Fraction(found.lower)
