"""综合贫困发生率 of a round: both rates carried over to everybody of the county, and as counted."""

from dataclasses import replace
from fractions import Fraction

from exits.formulas import Standard
from inspections.enums import Rate, Subject
from inspections.formulas import composite, planning, verdicts
from inspections.formulas.estimates import Estimate
from inspections.formulas.limits import TooFewVillagesError
from inspections.queries.estimates import Sample
from inspections.services.judging import Figure
from villages.models import PopulationBase

BASE_TOO_SMALL = "人口基数小于建档立卡人口，请核对基数"
_ASKED = ("villages", "households", "households_hit")


def composites(
    sample: Sample,
    base: PopulationBase | None,
    wrongful: Figure,
    omission: Figure,
    standard: Standard,
) -> list[Figure]:
    """Extrapolated and raw; the unregistered are all of the base who were never registered."""
    missing = list(dict.fromkeys([*wrongful.missing, *omission.missing]))
    figure = Figure(Rate.COMPOSITE, unrectified=wrongful.unrectified + omission.unrectified)
    figure.told = {"due": wrongful.told["due"] + omission.told.get("due", 0)}
    people = {
        kind: sum(one.get(kind, 0) for one in sample.strata.values()) for kind in Subject.values
    }
    county = None
    if base is None:
        missing.append(verdicts.NO_BASE)
    else:
        county = _county(people, base.persons)
        figure.told["facts"] = {
            "population": base.persons, "year": base.year, "basis": base.basis,
            "source": base.source, "remaining": people[Subject.POOR],
            "exited": people[Subject.EXITED],
        }  # fmt: skip
        if county is None:
            missing.append(BASE_TOO_SMALL)
    figure.missing = missing
    plain = Figure(Rate.COMPOSITE_RAW, missing=list(missing), told=dict(figure.told))
    if county is None:
        return [figure, plain]
    if not county.exited:
        # Nobody can have left wrongly: that half weighs nothing.
        missing[:] = list(omission.missing)
        plain.missing = list(missing)
    one, other = _pair(county, wrongful.estimate, omission.estimate)
    if one is None or other is None:
        return [figure, plain]
    found = _combined(figure, county, one, other)
    plain.point = composite.raw(county, one.events, other.events)
    plain.told["counts"] = (county.remaining + one.events + other.events, county.population)
    figure.told["counts"] = plain.told["counts"]
    plain.told |= {name: figure.told[name] for name in _ASKED}
    if found is not None:
        figure.more = planning.still_needed(
            found.extrapolated, found.limits, one.households + other.households, standard,
            known=county.remaining / county.population,
            scale=(county.exited + county.unregistered) / county.population or 1.0,
        )  # fmt: skip
    return [figure, plain]


def _county(people: dict[str, int], population: int) -> composite.County | None:
    remaining, exited = people[Subject.POOR], people[Subject.EXITED]
    if population <= 0 or remaining + exited > population:
        return None
    return composite.County(population, remaining, exited, population - remaining - exited)


def _pair(
    county: composite.County, one: Estimate | None, other: Estimate | None
) -> tuple[Estimate | None, Estimate | None]:
    """Both estimates; where a group has nobody, an estimate of nothing in its place."""
    if one is None and other is not None and not county.exited:
        one = replace(other, events=0, numerator=Fraction(0))
    if other is None and one is not None and not county.unregistered:
        other = replace(one, events=0, numerator=Fraction(0))
    return one, other


def _combined(
    figure: Figure, county: composite.County, one: Estimate, other: Estimate
) -> composite.Composite | None:
    figure.told |= {
        "villages": len(one.terms.keys() | other.terms.keys()),
        "households": one.households + other.households,
        "households_hit": one.households_hit + other.households_hit,
    }
    figure.point = composite.extrapolated(county, one.rate, other.rate)
    figure.told["totals"] = (figure.point * county.population, Fraction(county.population))
    try:
        found = composite.composite(county, one, other)
    except TooFewVillagesError:
        figure.missing.append(verdicts.TOO_FEW_VILLAGES)
        return None
    figure.found = found.limits
    return found
