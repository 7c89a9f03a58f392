"""What a two-stage sample says about a rate, and how far a different draw would have moved it.

Villages are drawn in strata (stage 1), households by type inside a drawn village (stage 2); a
household that is visited without drawing lots, as key groups (重点户) are, has probability 1. A rate
is the ratio of two weighted totals of persons: those in the event and those at risk. The weight of a
household is 1 ÷ (probability of its village × its own, given the village).

Totals stay exact fractions. The variance is that of the linearised ratio between villages inside
strata: the villages are the sample, households of one village resemble each other (E. L. Korn and
B. I. Graubard, Analysis of Health Surveys, Wiley 1999, chapter 2). By default no credit is taken for
drawing without replacement, which errs on the side of a larger variance; with `finite` both stages
are credited and a census has no variance.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import fsum


@dataclass(frozen=True)
class Household:
    """A visited household: persons at risk and, of these, persons in the event (人).

    `probability` is that of stage 2, given the village; `group` is the type inside which it was
    drawn. For a rate of households (群众认可度) both numbers are 0 or 1.
    """

    at_risk: int
    events: int
    probability: Fraction = Fraction(1)
    group: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.events <= self.at_risk:
            raise ValueError("events must lie between zero and the persons at risk")
        _check(self.probability)


@dataclass(frozen=True)
class Village:
    """A drawn village. `population` is all persons at risk in it (人), where that is known."""

    code: str
    stratum: str
    probability: Fraction
    households: tuple[Household, ...]
    population: int | None = None

    def __post_init__(self) -> None:
        _check(self.probability)
        if self.population is not None and self.population < 0:
            raise ValueError("a population cannot be negative")


@dataclass(frozen=True)
class Term:
    """A village in a linearised rate: its share of the deviation, and what stage 2 adds to it."""

    stratum: str
    probability: Fraction
    value: float
    within: float


@dataclass(frozen=True)
class Estimate:
    """A rate from a sample.

    `events` and `at_risk` are persons as counted, `numerator` and `denominator` the weighted totals
    that make the rate. `size` is the effective number of households: that of equal households with
    equal weights that would be worth as much (Kish); `weighed` looks at weights alone. `degrees` is
    villages minus strata, `stable` the degrees of freedom that the variance deserves, at most as
    many. `terms` are kept by village code for figures that combine rates.
    """

    events: int
    at_risk: int
    numerator: Fraction
    denominator: Fraction
    households: int
    households_hit: int
    villages: int
    strata: int
    variance: float
    size: float
    weighed: float
    degrees: int
    stable: float
    is_census: bool
    terms: Mapping[str, Term]

    @property
    def rate(self) -> Fraction:
        """The point estimate, exact."""
        return self.numerator / self.denominator


class EmptySampleError(ValueError):
    """No person at risk was visited: there is no rate, which is not a rate of zero."""


def _check(probability: Fraction) -> None:
    if not 0 < probability <= 1:
        raise ValueError("an inclusion probability is above zero and at most one")


def estimate(villages: Iterable[Village], *, finite: bool = False) -> Estimate:
    """Persons in the event ÷ persons at risk among the visited, weighted.

    Raises EmptySampleError when nobody at risk was visited.
    """
    return _ratio(list(villages), _visited_at_risk, finite)


def omission(
    villages: Iterable[Village], *, whole_villages: bool, finite: bool = False
) -> Estimate:
    """漏评率 with either denominator: `whole_villages` is A, otherwise B.

    A: all unregistered rural persons of the drawn villages, which every village must then know
    (`population`). B: unregistered persons who were asked. In A the persons found count with the
    weight of stage 2 too: who was not visited was not thereby cleared; where all were visited that
    is the plain count. Households of registered people with members left out (户内漏人) come as
    households whose persons at risk are exactly those members.
    """
    listed = list(villages)
    if not whole_villages:
        return _ratio(listed, _visited_at_risk, finite)
    if any(village.population is None for village in listed):
        raise EmptySampleError("a drawn village does not know its unregistered population")
    if any(village.population and not _visited_at_risk(village) for village in listed):
        raise EmptySampleError("nobody was visited in a drawn village that has people at risk")
    found = _ratio(listed, _everybody, finite)
    return replace(found, at_risk=sum(village.population or 0 for village in listed))


def accuracy(wrong: Estimate) -> Estimate:
    """识别准确率、退出准确率: one minus the rate of errors, with the same variance."""
    return replace(
        wrong,
        events=wrong.at_risk - wrong.events,
        numerator=wrong.denominator - wrong.numerator,
        households_hit=wrong.households - wrong.households_hit,
        terms={code: replace(term, value=-term.value) for code, term in wrong.terms.items()},
    )


# --- the two totals ----------------------------------------------------------------------------

Total = Callable[[Village], Fraction]


def _weighed(village: Village, measure: Callable[[Household], int]) -> Fraction:
    """Sum of measure ÷ probability of stage 2; persons are added up first, by probability."""
    by_chance: dict[Fraction, int] = defaultdict(int)
    for one in village.households:
        by_chance[one.probability] += measure(one)
    return sum((count / chance for chance, count in by_chance.items()), Fraction(0))


def _events(village: Village) -> Fraction:
    return _weighed(village, lambda one: one.events)


def _visited_at_risk(village: Village) -> Fraction:
    return _weighed(village, lambda one: one.at_risk)


def _everybody(village: Village) -> Fraction:
    return Fraction(village.population or 0)


def _ratio(villages: Sequence[Village], base: Total, finite: bool) -> Estimate:
    hit = {village.code: _events(village) for village in villages}
    exposed = {village.code: base(village) for village in villages}
    if len(hit) != len(villages):
        raise ValueError("a village stands in the sample twice")
    chance = {village.code: village.probability for village in villages}
    numerator = sum((hit[code] / chance[code] for code in hit), Fraction(0))
    denominator = sum((exposed[code] / chance[code] for code in hit), Fraction(0))
    seen = [one for village in villages for one in village.households if one.at_risk]
    if not denominator or not seen:
        raise EmptySampleError("nobody at risk was visited")
    rate, total = float(numerator / denominator), float(denominator)
    known = base is _everybody
    terms = {
        village.code: Term(
            village.stratum,
            village.probability,
            (float(hit[village.code]) - rate * float(exposed[village.code]))
            / float(village.probability)
            / total,
            _within(village, 0.0 if known else rate, total),
        )
        for village in villages
    }
    strata = len({village.stratum for village in villages})
    return Estimate(
        events=sum(one.events for one in seen),
        at_risk=sum(one.at_risk for one in seen),
        numerator=numerator,
        denominator=denominator,
        households=len(seen),
        households_hit=sum(one.events > 0 for one in seen),
        villages=len(villages),
        strata=strata,
        variance=variance(terms.values(), finite=finite),
        size=_kish(villages, lambda one: one.at_risk),
        weighed=_kish(villages, lambda one: 1),
        degrees=len(villages) - strata,
        stable=stable_degrees(terms.values()),
        is_census=all(village.probability == 1 for village in villages)
        and all(one.probability == 1 for one in seen),
        terms=terms,
    )


def _kish(villages: Sequence[Village], load: Callable[[Household], int]) -> float:
    """Effective households: (Σ w·load)² ÷ Σ (w·load)².

    A whole household falls or stands together, so a large one, or one with a large weight, moves the
    rate more (L. Kish, Survey Sampling, Wiley 1965, section 11.7).
    """
    loads = [
        load(one) / float(village.probability * one.probability)
        for village in villages
        for one in village.households
        if one.at_risk
    ]
    return fsum(loads) ** 2 / fsum(load * load for load in loads)


# --- variance ----------------------------------------------------------------------------------


def _within(village: Village, rate: float, total: float) -> float:
    """What drawing households adds inside one village: Σ over types of m/(m−1)·(1−f)·Σ(u−ū)²."""
    groups: dict[str, list[Household]] = defaultdict(list)
    for one in village.households:
        if one.probability < 1:
            groups[one.group].append(one)
    added = []
    for members in groups.values():
        scale = float(village.probability) * total
        values = [
            (one.events - rate * one.at_risk) / float(one.probability) / scale for one in members
        ]
        missing = [1.0 - float(one.probability) for one in members]
        count = len(values)
        # One household alone says nothing of spread; its whole deviation is taken.
        mean = fsum(values) / count if count > 1 else 0.0
        stretch = count / (count - 1) if count > 1 else 1.0
        added.append(
            stretch * fsum(f * (u - mean) ** 2 for f, u in zip(missing, values, strict=True))
        )
    return fsum(added)


def _deviations(terms: Iterable[Term]) -> list[tuple[list[Term], list[float]]]:
    """Each stratum with the deviations of its villages.

    The only village of a stratum is compared with the mean of all villages, as the R package
    `survey` does under `survey.lonely.psu = "adjust"`: it cannot be compared with itself.
    """
    strata: dict[str, list[Term]] = defaultdict(list)
    for term in terms:
        strata[term.stratum].append(term)
    everywhere = [term.value for members in strata.values() for term in members]
    overall = fsum(everywhere) / len(everywhere) if everywhere else 0.0
    found = []
    for name in sorted(strata):
        members = strata[name]
        mean = fsum(t.value for t in members) / len(members) if len(members) > 1 else overall
        found.append((members, [term.value - mean for term in members]))
    return found


def variance(terms: Iterable[Term], *, finite: bool = False) -> float:
    """Between villages inside strata: Σ n/(n−1)·Σ d².

    With `finite`, each village counts (1 − its probability) between villages and its probability
    times what stage 2 added, so that a census has none.
    """
    parts = []
    for members, deviations in _deviations(terms):
        stretch = len(members) / (len(members) - 1) if len(members) > 1 else 1.0
        for term, deviation in zip(members, deviations, strict=True):
            missing = 1.0 - float(term.probability) if finite else 1.0
            parts.append(stretch * missing * deviation**2)
            if finite:
                parts.append(float(term.probability) * term.within)
    return fsum(parts)


def stable_degrees(terms: Iterable[Term]) -> float:
    """Degrees of freedom that the variance deserves: at least 1, at most villages minus strata.

    Villages minus strata would be right for deviations that are normal. Where events are rare and
    gather in few villages, the variance is itself a lottery. Matched to its own variance
    (Satterthwaite) with Var(s²) = σ⁴·(2/(n−1) + κ/n) in each stratum and one excess kurtosis κ for
    all; after R. Valliant and K. F. Rust, Degrees of freedom approximations and rules-of-thumb,
    Journal of Official Statistics 26 (2010), 585-602.
    """
    strata = [found for _, found in _deviations(terms)]
    usual = float(sum(map(len, strata)) - len(strata))
    spread = [fsum(d * d for d in one) / len(one) for one in strata]
    fourth = fsum(d**4 for one in strata for d in one)
    evened = fsum(len(one) * s * s for one, s in zip(strata, spread, strict=True))
    if usual < 1 or evened <= 0:
        return usual
    excess = max(fourth / evened - 3.0, 0.0)
    mean = fsum(len(one) * s for one, s in zip(strata, spread, strict=True))
    noise = fsum(
        (len(one) * s) ** 2 * (2.0 / max(len(one) - 1, 1) + excess / len(one))
        for one, s in zip(strata, spread, strict=True)
    )
    return min(max(2.0 * mean**2 / noise, 1.0), usual)
