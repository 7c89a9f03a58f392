"""The income line of a year, asked of whoever keeps the standards.

Standards live in an app above this one, so it registers itself here (`lines_from`) instead of
being imported. Until somebody does, no line is known and nobody is below it.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal

from django.db.models import Q

from core.scope import below

Lines = Mapping[str, Decimal]

_source: Callable[[int], Lines] | None = None


def lines_from(source: Callable[[int], Lines] | None) -> None:
    """Register where lines come from: year → {region prefix: yuan per person and year}."""
    global _source  # noqa: PLW0603
    _source = source


def lines_of(year: int) -> Lines:
    """All lines of the year by region prefix; an empty prefix counts everywhere."""
    return _source(year) if _source else {}


def line_at(lines: Lines, code: str) -> Decimal | None:
    """The line that counts at a place: the one of the longest prefix down to the county.

    >>> line_at({"": Decimal(3218), "410324": Decimal(3500)}, "410324100203")
    Decimal('3500')
    """
    fitting = [prefix for prefix in lines if code[:6].startswith(prefix)]
    return lines[max(fitting, key=len)] if fitting else None


def beside_line(year: int, *, is_below: bool) -> Q:
    """Households whose declared income per head lies below the line of their place (or not).

    A household without a declared income, or without a line, is on neither side.
    """
    lines = lines_of(year)
    lookup = "lt" if is_below else "gte"
    found = Q(pk__in=[])
    for prefix, amount in lines.items():
        own = Q(**{f"net_income_per_capita__{lookup}": amount})
        if prefix:
            own &= below(prefix, "village_code")
        for longer in lines:
            if len(longer) > len(prefix) and longer.startswith(prefix):
                own &= ~below(longer, "village_code")
        found |= own
    return found
