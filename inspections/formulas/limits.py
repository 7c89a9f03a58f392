"""Limits of a rate: what the truth does not exceed, or does not fall below, with stated confidence.

`Confidence` is one-sided unless a function says otherwise: 95 % means that of a hundred draws five
may give an upper limit below the truth. All results lie in [0, 1].

Clopper-Pearson: C. J. Clopper and E. S. Pearson, Biometrika 26 (1934), 404-413. For clusters: E. L.
Korn and B. I. Graubard, Confidence intervals for proportions with small expected number of positive
counts estimated from survey data, Survey Methodology 24 (1998), 193-201. What is added to it here,
and why, is decision 17.
"""

from dataclasses import dataclass
from math import inf

from scipy.stats import beta, t

from inspections.formulas.estimates import Estimate

CONFIDENCE = 0.95


class TooFewVillagesError(ValueError):
    """No stratum has two villages: nothing tells how much villages differ."""


@dataclass(frozen=True)
class Limits:
    """Either limit by itself holds with the stated one-sided confidence.

    `size` is the number of equal, independent households that the sample is worth; None for a
    census, whose limits are its rate.
    """

    lower: float
    upper: float
    confidence: float
    size: float | None


def upper(events: float, size: float, confidence: float = CONFIDENCE) -> float:
    """One-sided upper Clopper-Pearson limit of events out of size; neither need be whole."""
    _check(events, size, confidence)
    return 1.0 if events >= size else float(beta.ppf(confidence, events + 1, size - events))


def lower(events: float, size: float, confidence: float = CONFIDENCE) -> float:
    """One-sided lower Clopper-Pearson limit."""
    _check(events, size, confidence)
    return 0.0 if events <= 0 else float(beta.ppf(1 - confidence, events, size - events + 1))


def both(events: float, size: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The two-sided interval: half of what may go wrong on each side."""
    side = (1 + confidence) / 2
    return lower(events, size, side), upper(events, size, side)


def korn_graubard(
    rate: float, variance: float, *, households: int, degrees: float, side: float
) -> float:
    """Effective size of Korn and Graubard: p(1−p) ÷ variance, times (t of n−1 ÷ t of degrees)².

    `side` is the probability of the quantiles: 0.95 for one-sided, 0.975 for two-sided 95 %.
    Infinite without variance.
    """
    if degrees < 1:
        raise TooFewVillagesError("the variance needs two villages in a stratum")
    if variance <= 0:
        return inf
    shrink = t.ppf(side, max(households - 1, 1)) / t.ppf(side, degrees)
    return float(rate * (1 - rate) / variance * min(shrink, 1.0) ** 2)


def of(found: Estimate, confidence: float = CONFIDENCE) -> Limits:
    """Both one-sided limits of an estimate. Raises TooFewVillagesError.

    The sample is never worth more than its households (the design effect is at least 1 against
    whole households of their sizes and weights). Without any event, or with nothing but events,
    villages show no difference and it is worth its households: none of them is in the event, of
    whatever size it is, so that only their weights tell them apart.
    """
    rate = float(found.rate)
    if found.is_census:
        return Limits(rate, rate, confidence, None)
    return proportion(
        rate,
        found.variance,
        size=found.size,
        weighed=found.weighed,
        households=found.households,
        degrees=found.stable,
        confidence=confidence,
    )


def proportion(
    rate: float,
    variance: float,
    *,
    size: float,
    weighed: float,
    households: int,
    degrees: float,
    confidence: float = CONFIDENCE,
) -> Limits:
    """Limits of a rate that is already estimated; see `of`."""
    rate = min(max(rate, 0.0), 1.0)
    worth = korn_graubard(rate, variance, households=households, degrees=degrees, side=confidence)
    worth = weighed if rate in (0.0, 1.0) else min(worth, size)
    return Limits(
        lower=min(lower(rate * worth, worth, confidence), rate),
        upper=max(upper(rate * worth, worth, confidence), rate),
        confidence=confidence,
        size=worth,
    )


def _check(events: float, size: float, confidence: float) -> None:
    if not 0 <= events <= size or size <= 0:
        raise ValueError("events lie between zero and a size above zero")
    if not 0 < confidence < 1:
        raise ValueError("a confidence lies between zero and one")
