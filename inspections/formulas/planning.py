"""How many households settle whether a rate is below its threshold, and how many would still.

The test is one-sided: the gate passes when even the upper limit of the rate passes. So the plan asks
for enough households that a county whose true rate is comfortably below passes with the stated
power, not for a width around one half. Counts are households, since one household is one answer;
villages enter as a design effect. Approval (≥ 90 %) is planned by those who do not approve (≤ 10 %).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, inf

from scipy.stats import binom, hypergeom

from exits.enums import Verdict
from exits.formulas import Standard, compare
from inspections.formulas import limits
from inspections.formulas.estimates import Estimate
from inspections.formulas.limits import Limits
from inspections.formulas.verdicts import passes

# No county has more households; a search that comes here has no answer.
MOST = 1_000_000
ALPHA, POWER = 0.05, 0.8


class OutOfReachError(ValueError):
    """No number of households gives that power: the true rate is too close to the threshold."""


@dataclass(frozen=True)
class Plan:
    """Draw `households`, accept at most `accept` with the event; a county at `rate` then passes
    with probability `power`. `effective` is what the draw is worth after the design effect.
    """

    rate: Fraction
    households: int
    effective: int
    accept: int
    power: float


def risk(found: int, size: int, threshold: Fraction, population: int | None = None) -> float:
    """Chance that a county exactly at the threshold shows at most `found` among `size`.

    With a population (households), the smallest one that is at or above the threshold; without, the
    binomial. That chance is at most alpha exactly when the upper limit is at most the threshold. Where
    the comparator lets the threshold itself pass, this asks for a household more than it must.
    """
    if population is None:
        return float(binom.cdf(found, size, float(threshold)))
    return float(hypergeom.cdf(found, population, ceil(threshold * population), size))


def needed(
    found: int, threshold: Fraction, alpha: float = ALPHA, population: int | None = None
) -> int | None:
    """Fewest households of which `found` with the event still show the rate to be below.

    None when even all of the population would not do.
    """
    most = MOST if population is None else population
    low, high = found, most
    if risk(found, most, threshold, population) > alpha:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if risk(found, middle, threshold, population) <= alpha:
            high = middle
        else:
            low = middle
    return high


def accept_at_most(
    size: int, threshold: Fraction, alpha: float = ALPHA, population: int | None = None
) -> int | None:
    """The most events among `size` households with which the rate is still shown to be below.

    None when not even zero would show it.
    """
    if risk(0, size, threshold, population) > alpha:
        return None
    low, high = 0, size
    while high - low > 1:
        middle = (low + high) // 2
        if risk(middle, size, threshold, population) <= alpha:
            low = middle
        else:
            high = middle
    return low


def approvals_needed(size: int, threshold: Fraction, alpha: float = ALPHA) -> int | None:
    """Fewest approving households of `size` that show approval to be at least the threshold."""
    against = accept_at_most(size, 1 - threshold, alpha)
    return None if against is None else size - against


def plan(
    rate: Fraction,
    threshold: Fraction,
    *,
    alpha: float = ALPHA,
    power: float = POWER,
    population: int | None = None,
    effect: Fraction = Fraction(1),
) -> Plan:
    """The smallest draw with that power when the true rate is `rate`.

    `effect` is the design effect, at least 1: so many households of villages are worth one drawn
    alone. A draw never exceeds the population. Raises OutOfReachError.
    """
    if effect < 1:
        raise ValueError("a design effect is at least 1")
    if rate >= threshold:
        raise OutOfReachError("the true rate does not pass")

    def tried(accept: int) -> Plan:
        size = needed(accept, threshold, alpha, population)
        drawn = ceil(size * effect) if size else MOST + 1
        if size is None or drawn > (population or MOST):
            raise OutOfReachError("the true rate is too close to the threshold")
        return Plan(rate, drawn, size, accept, _power(accept, size, rate, population))

    # Doubling, then halving: near the threshold thousands are accepted.
    low, best = -1, tried(0)
    while best.power < power:
        low = best.accept
        best = tried(2 * low + 1)
    while best.accept - low > 1:
        middle = tried((low + best.accept) // 2)
        low, best = (low, middle) if middle.power >= power else (middle.accept, best)
    return best


def _power(accept: int, size: int, rate: Fraction, population: int | None) -> float:
    if population is None:
        return float(binom.cdf(accept, size, float(rate)))
    return float(hypergeom.cdf(accept, population, round(rate * population), size))


def table(
    rates: Sequence[Fraction],
    threshold: Fraction,
    *,
    alpha: float = ALPHA,
    power: float = POWER,
    population: int | None = None,
    effect: Fraction = Fraction(1),
) -> list[tuple[Fraction, Plan | None]]:
    """If the true rate is …, draw …, accept at most …; None where no draw is enough."""
    rows: list[tuple[Fraction, Plan | None]] = []
    for rate in rates:
        try:
            row = plan(
                rate, threshold, alpha=alpha, power=power, population=population, effect=effect
            )
        except OutOfReachError:
            row = None
        rows.append((rate, row))
    return rows


def more_households(
    found: Estimate, standard: Standard, confidence: float = limits.CONFIDENCE
) -> int | None:
    """证据不足: about how many more households would settle it, if they showed the same rate."""
    return still_needed(found.rate, limits.of(found, confidence), found.households, standard)


def still_needed(
    rate: Fraction,
    now: Limits,
    households: int,
    standard: Standard,
    *,
    known: float = 0.0,
    scale: float = 1.0,
) -> int | None:
    """How many households more, for a rate of which `known` is certain and `scale` was sampled.

    The design effect stays as measured: households are added in the same manner, with villages in
    proportion. Zero when the limits pass already; None when the rate itself does not pass or lies
    so close that a whole county would not be enough.
    """
    if compare(rate.numerator, rate.denominator, standard) != Verdict.MET:
        return None
    if now.size is None or passes(now, standard):
        return 0
    sampled = min(max((float(rate) - known) / scale, 0.0), 1.0)

    def enough(times: float) -> bool:
        size = (now.size or inf) * times
        grown = Limits(
            known + scale * limits.lower(sampled * size, size, now.confidence),
            known + scale * limits.upper(sampled * size, size, now.confidence),
            now.confidence,
            size,
        )
        return passes(grown, standard)

    low, high = households, MOST
    if not enough(high / households):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if enough(middle / households):
            high = middle
        else:
            low = middle
    return high - households
