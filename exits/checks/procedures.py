"""The steps by which villages and counties exit: plain values, read from shipped data.

Households have theirs in the register (`households.formulas`); the clock of notices is the same.
"""

from collections.abc import Collection
from dataclasses import dataclass

TOWN, COUNTY, CITY = 9, 6, 4
LEVELS = {TOWN: "乡镇", COUNTY: "县", CITY: "市"}


@dataclass(frozen=True)
class ExitStep:
    """One decision. `level` is the length of the region prefix of whoever decides or records it.

    `min_days` is the sourced shortest notice; a notice without one waits for the region's own rule.
    A step that `needs_document` rests on a paper of somebody above: its number is recorded.
    """

    code: str
    label: str
    level: int
    has_notice: bool
    min_days: int | None
    day_kind: str
    needs_document: bool
    documents: str
    source: str


@dataclass(frozen=True)
class ExitTemplate:
    """The steps of a level in a region."""

    level: str
    region_prefix: str
    steps: tuple[ExitStep, ...]

    def at(self, position: int) -> ExitStep | None:
        """The step to be decided next after `position` decisions; none when all are done."""
        return self.steps[position] if position < len(self.steps) else None

    def is_nearer_than(self, other: "ExitTemplate") -> bool:
        """Whether this one counts instead of the other in its own region."""
        return self.region_prefix != other.region_prefix and self.region_prefix.startswith(
            other.region_prefix
        )

    def named(self, code: str) -> ExitStep | None:
        return next((one for one in self.steps if one.code == code), None)


def decides_at(prefixes: Collection[str], code: str, level: int) -> bool:
    """Whether somebody who holds these prefixes decides at this level for the place.

    >>> decides_at(["4103"], "410324000000", 4), decides_at(["410324"], "410324000000", 4)
    (True, False)
    """
    return any(len(one) == level and code.startswith(one) for one in prefixes)
