"""Points and ranks: exact until they are shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Item:
    """Points for a figure: all of them at `full_at`, none at `zero_at`, evenly in between."""

    figure: str
    points: Fraction
    full_at: Fraction
    zero_at: Fraction
    is_per_cent: bool


def value(item: Item, numerator: int, denominator: int) -> Fraction | None:
    """The figure in per cent, or as it is; None where nothing is counted."""
    if not denominator:
        return None
    return Fraction(numerator * (100 if item.is_per_cent else 1), denominator)


def points(item: Item, numerator: int, denominator: int) -> Fraction | None:
    """What the figure earns; None where nothing is counted.

    >>> rate = Item("CLOSING", Fraction(40), Fraction(100), Fraction(60), True)
    >>> points(rate, 8, 10), points(rate, 1, 2), points(rate, 0, 0)
    (Fraction(20, 1), Fraction(0, 1), None)
    """
    found = value(item, numerator, denominator)
    if found is None:
        return None
    share = (found - item.zero_at) / (item.full_at - item.zero_at)
    return item.points * min(max(share, Fraction(0)), Fraction(1))


def total(items: Sequence[Item], earned: Mapping[str, Fraction | None]) -> Fraction | None:
    """All points; what has no figure is left out, and the rest carried over to the whole.

    None where there is no figure at all.
    """
    known = [item for item in items if earned.get(item.figure) is not None]
    most = sum((item.points for item in known), Fraction(0))
    if not most:
        return None
    got = sum((earned[item.figure] or Fraction(0) for item in known), Fraction(0))
    return got * sum((item.points for item in items), Fraction(0)) / most


def ranks(totals: Mapping[str, Fraction | None]) -> dict[str, int | None]:
    """Who has more stands before; equals share a rank and the next ones are left out.

    >>> ranks({"a": Fraction(9), "b": Fraction(9), "c": Fraction(3), "d": None})
    {'a': 1, 'b': 1, 'c': 3, 'd': None}
    """
    known = [one for one in totals.values() if one is not None]
    return {
        name: None if one is None else 1 + sum(other > one for other in known)
        for name, one in totals.items()
    }
