"""Judging one item of a standard from what is known of its value; no database.

Where something is counted and of some nobody stated anything, only bounds are known: of three members
one is out of school and of one nobody knows, so that there are one or two. An item is met when both
bounds fulfil it, not met when neither does, and missing otherwise. The bulk path repeats this in SQL
(`exits.services.readiness_statements.outcome`); one test holds both forms to the same cases.
"""

from decimal import Decimal

from exits.enums import Comparator, Outcome


def judge(
    low: Decimal | int | None,
    high: Decimal | int | None,
    comparator: str,
    threshold: Decimal | int,
    *,
    base: int = 1,
    checked: str = "",
) -> Outcome:
    """What an item says. A bound of None is unknown; `base` is the denominator of a share.

    `checked` is the result of a check on the spot: it fills in what is missing, and nothing else.

    >>> judge(0, 0, "<=", 0), judge(1, 2, "<=", 0), judge(0, 1, "<=", 0), judge(0, None, "<=", 0, checked="met")
    (Outcome.MET, Outcome.NOT_MET, Outcome.MISSING, Outcome.MET)
    """
    limit = Decimal(threshold) * base
    # Of a ceiling the upper bound proves that it is kept and the lower that it is broken.
    proves, breaks = (high, low) if comparator in (Comparator.LT, Comparator.LE) else (low, high)
    if proves is not None and fits(proves, comparator, limit):
        return Outcome.MET
    if breaks is not None and not fits(breaks, comparator, limit):
        return Outcome.NOT_MET
    return Outcome(checked) if checked else Outcome.MISSING


def fits(value: Decimal | int, comparator: str, limit: Decimal | int) -> bool:
    """Compared as it is, unrounded; exactly at the limit decides by the comparator."""
    return {
        Comparator.LT: value < limit,
        Comparator.LE: value <= limit,
        Comparator.GE: value >= limit,
        Comparator.GT: value > limit,
    }[Comparator(comparator)]
