"""One year's division list on its way in, and which parts of the country it covers."""

from dataclasses import dataclass, field
from datetime import date

from villages.checks import ChangeRow, DivisionRow

Part = tuple[str, str]


@dataclass
class DivisionList:
    """One year's list on its way in, and what is known about its parts."""

    year: int
    as_of: date
    rows: list[DivisionRow]
    parts: set[Part]
    pairs: list[ChangeRow]
    effective: list[tuple[date, str, str]]
    previous: date | None = None
    to_apply: set[Part] = field(default_factory=set)
    part_of: dict[str, Part] = field(default_factory=dict)
    first_parts: set[Part] = field(default_factory=set)

    @property
    def source(self) -> str:
        return self.rows[0].source


def part_of(code: str, level: str, parts: set[Part]) -> Part:
    """The part a division belongs to; the widest, should a file name both city and county."""
    return next((code[:n], level) for n in (2, 4, 6) if (code[:n], level) in parts)
