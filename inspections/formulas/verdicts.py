"""From a rate and its limits to what is said at a gate.

达标: the rate passes and so does its limit. 证据不足: the rate passes, the limit does not. 不达标: the
rate does not pass. 待整改: it passes with its limit, but confirmed problems are still to be put right.
无法计算: something is missing, and the reason says what; missing is never a pass.

Whether a rate exactly at its threshold passes is the standard's comparator, which is data.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from exits.enums import Comparator, Verdict
from exits.formulas import Standard, compare
from inspections.formulas.limits import Limits

NO_SAMPLE = "尚无抽样调查"
NOBODY_AT_RISK = "样本中没有应调查的人口"
NO_BASE = "缺少该年度人口基数"
EMPTY_STRATUM = "有抽样层未完成调查"
OPEN_CASES = "有疑似问题尚未核定"
UNVERIFIED = "有调查数据尚未审核"
TOO_FEW_VILLAGES = "各层抽样村均不足两个，无法估计误差"
NO_STANDARD = "未设定判定标准"

# Beyond this a rate is at the threshold to the eye and is said to be above or below it in words.
_MOST_DECIMALS = 6
_ABOVE = (Comparator.GE, Comparator.GT)


@dataclass(frozen=True)
class Judgement:
    """`reason` explains every verdict but 达标; `at_threshold` warns that the rate is exactly on it."""

    verdict: Verdict
    reason: str = ""
    at_threshold: bool = False


def passes(found: Limits, standard: Standard) -> bool:
    """Does the limit that could be against it pass? The lower one for 群众认可度, else the upper."""
    limit = Fraction(found.lower if standard.comparator in _ABOVE else found.upper)
    return compare(limit.numerator, limit.denominator, standard) == Verdict.MET


def judge(
    rate: Fraction | None,
    found: Limits | None,
    standard: Standard,
    *,
    missing: Iterable[str] = (),
    unrectified: int = 0,
    more: int | None = None,
) -> Judgement:
    """The verdict of one gate.

    `missing` are reasons why it cannot be computed, `unrectified` confirmed problems that are not
    put right, `more` the households that would settle it (`planning.more_households`).
    """
    reasons = list(dict.fromkeys(missing))
    if standard.threshold is None or standard.comparator == Comparator.NONE:
        reasons.append(NO_STANDARD)
    if rate is None and not reasons:
        reasons.append(NO_SAMPLE)
    if found is None and not reasons:
        reasons.append(TOO_FEW_VILLAGES)
    if reasons or rate is None or found is None:
        return Judgement(Verdict.NOT_COMPUTABLE, "；".join(reasons))
    on_it = at_threshold(rate, standard)
    if compare(rate.numerator, rate.denominator, standard) != Verdict.MET:
        return Judgement(Verdict.NOT_MET, _against(rate, standard, on_it), on_it)
    # A census is its rate: there is no chance in it, and its limits are the same number as a float.
    if found.size is not None and not passes(found, standard):
        return Judgement(Verdict.WEAK_EVIDENCE, _unsettled(found, standard, more), on_it)
    if unrectified:
        return Judgement(Verdict.TO_RECTIFY, f"尚有 {unrectified} 个确认问题未整改到位", on_it)
    return Judgement(Verdict.MET, "", on_it)


def at_threshold(rate: Fraction, standard: Standard) -> bool:
    """Exactly on it, where the comparator alone decides."""
    return standard.threshold is not None and rate == Fraction(standard.threshold)


def _against(rate: Fraction, standard: Standard, on_it: bool) -> str:
    shown = percent(rate, standard)
    wanted = demand(standard)
    if on_it:
        return f"正好等于门槛 {shown}，标准要求{wanted}"
    return f"估计值 {shown}，标准要求{wanted}"


def _unsettled(found: Limits, standard: Standard, more: int | None) -> str:
    low = standard.comparator in _ABOVE
    limit = percent(Fraction(found.lower if low else found.upper), standard)
    level = percent(Fraction(Decimal(str(found.confidence))), decimals=0)
    side = "下限" if low else "上限"
    said = (
        f"估计值达标，但 {level} 置信{side}为 {limit}，标准要求{demand(standard)}，尚不能排除不达标"
    )
    if more is None:
        return f"{said}；估计值离门槛太近，增加调查户也难以判明"
    return f"{said}；按目前结果约需再调查 {more} 户"


def demand(standard: Standard) -> str:
    """The standard in words: 低于 2%, 不低于 90%. Empty without one."""
    if standard.threshold is None or standard.comparator == Comparator.NONE:
        return ""
    word = {
        Comparator.LT: "低于",
        Comparator.LE: "不高于",
        Comparator.GE: "不低于",
        Comparator.GT: "高于",
    }[standard.comparator]
    return f"{word} {_plain(standard.threshold)}"


def percent(rate: Fraction, standard: Standard | None = None, decimals: int = 2) -> str:
    """A rate in per cent, with more decimals where rounding would put it on its threshold.

    1.996 % against 2 % is shown as 1.996%, never as 2.00%. What still looks like the threshold with
    six decimals is said to be above or below it. Exactly on it is shown as it is.
    """
    if standard is None or standard.threshold is None or at_threshold(rate, standard):
        return f"{_rounded(rate, decimals)}%"
    edge = Fraction(standard.threshold)
    for places in range(decimals, _MOST_DECIMALS + 1):
        shown = _rounded(rate, places)
        if (Fraction(shown) / 100 < edge) == (rate < edge) and Fraction(shown) / 100 != edge:
            return f"{shown}%"
    word = "略低于" if rate < edge else "略高于"
    return f"{word} {_plain(standard.threshold)}"


def _rounded(rate: Fraction, places: int) -> Decimal:
    """Exact halves go up, as people round."""
    scaled = rate * 100 * 10**places
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return (Decimal(whole).scaleb(-places)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def _plain(threshold: Decimal) -> str:
    text = f"{threshold * 100:f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text}%"
