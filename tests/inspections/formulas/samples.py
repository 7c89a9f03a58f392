"""Samples for the tests of formulas: by hand, and invented by hypothesis."""

from fractions import Fraction

from hypothesis import strategies as st

from inspections.formulas.estimates import Household, Village


def village(
    code: str,
    *households: tuple[int, int],
    stratum: str = "P0",
    chance: Fraction = Fraction(1, 4),
    inside: Fraction = Fraction(1, 5),
    population: int | None = None,
) -> Village:
    """A village of households given as (persons at risk, persons in the event)."""
    rows = tuple(Household(at_risk, events, inside, "EXITED") for at_risk, events in households)
    return Village(code, stratum, chance, rows, population)


@st.composite
def households(draw: st.DrawFn, inside: Fraction) -> Household:
    at_risk = draw(st.integers(1, 7))
    return Household(at_risk, draw(st.sampled_from([0, 0, 0, at_risk])), inside, "EXITED")


@st.composite
def samples(draw: st.DrawFn, *, census: bool = False) -> list[Village]:
    """Two strata of two to six villages with up to eight households each."""
    found = []
    for stratum in ("P0", "O0"):
        for number in range(draw(st.integers(2, 6))):
            chance = Fraction(1) if census else Fraction(1, draw(st.integers(2, 9)))
            inside = Fraction(1) if census else Fraction(1, draw(st.integers(2, 9)))
            rows = draw(st.lists(households(inside), min_size=1, max_size=8))
            found.append(Village(f"{stratum}{number}", stratum, chance, tuple(rows)))
    return found
