"""综合贫困发生率: people still poor, wrongly exited and omitted, over the rural population (persons).

Two readings stand side by side, because the documents do not settle it: the raw one adds the persons
that were found, the extrapolated one carries both rates over to the whole county. The gate is judged
on the extrapolated one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from math import fsum

from inspections.formulas import limits
from inspections.formulas.estimates import Estimate, Term, stable_degrees, variance
from inspections.formulas.limits import Limits


@dataclass(frozen=True)
class County:
    """Persons: rural population, registered and still poor, exited to date, never registered."""

    population: int
    remaining: int
    exited: int
    unregistered: int

    def __post_init__(self) -> None:
        if min(self.remaining, self.exited, self.unregistered) < 0 or self.population <= 0:
            raise ValueError("a population is above zero and no group of it is below")
        if self.remaining + self.exited + self.unregistered > self.population:
            raise ValueError("the groups do not fit into the population")


@dataclass(frozen=True)
class Composite:
    """`raw` and `extrapolated` are exact; the limits belong to the extrapolated one."""

    raw: Fraction
    extrapolated: Fraction
    variance: float
    limits: Limits


def raw(county: County, wrongful: int, omitted: int) -> Fraction:
    """Remaining + confirmed wrongful + confirmed omitted persons, as counted, ÷ population."""
    return Fraction(county.remaining + wrongful + omitted, county.population)


def extrapolated(county: County, wrongful: Fraction, omission: Fraction) -> Fraction:
    """(Remaining + 错退率 × exited + 漏评率 × unregistered) ÷ population."""
    carried = wrongful * county.exited + omission * county.unregistered
    return (county.remaining + carried) / county.population


def composite(
    county: County,
    wrongful: Estimate,
    omission: Estimate,
    *,
    finite: bool = False,
    confidence: float = limits.CONFIDENCE,
) -> Composite:
    """Both readings with limits for the extrapolated one.

    Both rates come from the same villages, so the variance is that of the villages' joint
    deviations; adding two variances would leave the covariance out. The limits are those of the
    share of poor among exited and unregistered people together, a rate like any other; people who
    are known to be poor are not subject to chance. `finite` as for the two estimates. Raises
    limits.TooFewVillagesError.
    """
    sampled = county.exited + county.unregistered
    point = extrapolated(county, wrongful.rate, omission.rate)
    shares = _shares(county)
    joint = joined(wrongful.terms, omission.terms, shares)
    spread = variance(joint.values(), finite=finite)
    found = _limits(county, wrongful, omission, joint, spread, confidence)
    known = county.remaining / county.population
    scale = sampled / county.population
    return Composite(
        raw(county, wrongful.events, omission.events),
        point,
        spread * scale**2,
        replace(
            found,
            lower=min(known + scale * found.lower, float(point)),
            upper=max(min(known + scale * found.upper, 1.0), float(point)),
        ),
    )


def _shares(county: County) -> tuple[float, float]:
    sampled = county.exited + county.unregistered
    return (county.exited / sampled, county.unregistered / sampled) if sampled else (0.0, 0.0)


def joined(
    first: Mapping[str, Term], second: Mapping[str, Term], shares: tuple[float, float]
) -> dict[str, Term]:
    """The villages' deviations in first × share + second × share; a village may be in one only."""
    found = {}
    for code, known in {**first, **second}.items():
        one, other = first.get(code), second.get(code)
        found[code] = Term(
            known.stratum,
            known.probability,
            shares[0] * (one.value if one else 0.0) + shares[1] * (other.value if other else 0.0),
            # Exited and unregistered households are drawn apart inside a village.
            shares[0] ** 2 * (one.within if one else 0.0)
            + shares[1] ** 2 * (other.within if other else 0.0),
        )
    return found


def _limits(
    county: County,
    wrongful: Estimate,
    omission: Estimate,
    joint: Mapping[str, Term],
    spread: float,
    confidence: float,
) -> Limits:
    first, second = _shares(county)
    rate = first * float(wrongful.rate) + second * float(omission.rate)
    if (wrongful.is_census or not first) and (omission.is_census or not second):
        return Limits(rate, rate, confidence, None)
    return limits.proportion(
        rate,
        spread,
        size=worth(rate, (first, wrongful), (second, omission)),
        weighed=1 / (first**2 / wrongful.weighed + second**2 / omission.weighed),
        households=(wrongful.households if first else 0) + (omission.households if second else 0),
        degrees=stable_degrees(joint.values()),
        confidence=confidence,
    )


def worth(rate: float, *parts: tuple[float, Estimate]) -> float:
    """The most that both samples together are worth: households as drawn alone, each in its half.

    The two halves have rates of their own, one often several times the other. A half in which
    nothing was found is taken to be like the whole: that nothing was found does not make it certain. A
    census is.
    """
    drawn = fsum(
        share**2 * own * (1 - own) / one.size
        for share, one in parts
        if not one.is_census
        for own in (float(one.rate) if 0 < one.rate < 1 else rate,)
    )
    most = float(sum(one.households for share, one in parts if share))
    return min(rate * (1 - rate) / drawn, most) if drawn > 0 else most
