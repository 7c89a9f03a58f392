"""The workbooks that clerks of the rig upload, and what the register must hold once one is applied."""

from dataclasses import dataclass, field
from typing import Any

from tests.workbooks import build, id_number, member

YEAR = 2018
COUNTIES = {"410324": "栾川县", "410325": "嵩县"}
_FAMILIES = 100
# One household per county that no workbook mentions: what is edited by hand stays as edited.
EDITED = 1
_CHANGED_EVERY = 3
# Families from this number on live in a village that nobody knows.
_STRANGERS = 90_000


def household_no(county: str, number: int) -> str:
    return f"86{county}{number:06d}"


def person_no(county: str, number: int, place: int) -> str:
    return f"87{county}{number:05d}{place}"


def _row(county: str, number: int, place: int, **changes: Any) -> dict[str, Any]:
    serial = (number * 2 + place) % 900 + 100
    day = "0202" if number >= _STRANGERS else "0101"
    born = f"19{40 + (number * 2 + place) // 900 % 50:02d}{day}"
    return member(1 + place, number) | {
        "行政县": COUNTIES[county],
        "户编号": household_no(county, number),
        "人编号": person_no(county, number, place),
        "证件号码": id_number(serial, born=born, region=f"99{county[2:]}"),
        **changes,
    }


def _family(county: str, number: int, **changes: Any) -> list[dict[str, Any]]:
    return [_row(county, number, place, **changes) for place in (0, 1)]


@dataclass
class Book:
    """One upload: its bytes and what it must do."""

    county: str
    content: bytes
    # What each household's income is once it is applied.
    incomes: dict[str, str]
    # Person numbers in the order of the rows; the first stands in row 2 of the sheet.
    people: list[str]
    rejected: set[str]
    created: int
    updated: int

    @property
    def counts(self) -> dict[str, int]:
        """Persons and households that must be in the batch once it was judged."""
        return {
            "rows_read": len(self.people),
            "households_created": self.created,
            "households_updated": self.updated,
            "households_rejected": 1,
            "persons_created": 2 * self.created,
            "persons_rejected": 2,
        }


@dataclass
class Clerk:
    """Who uploads for one county: knows what was acknowledged and what must therefore be there."""

    county: str
    incomes: dict[str, str] = field(default_factory=dict)
    turn: int = 0

    def opening(self) -> Book:
        """The first book: everybody is new."""
        return self._book(range(EDITED, _FAMILIES + EDITED), set(range(EDITED, 10**6)))

    def next(self) -> Book:
        """Two new families, an income changed in every third, one family of no known village."""
        self.turn += 1
        known = len(self.incomes)
        numbers = range(EDITED + 1, known + EDITED + 2)
        changed = {n for n in numbers if n % _CHANGED_EVERY == self.turn % _CHANGED_EVERY}
        return self._book(numbers, changed | set(numbers[-2:]))

    def _book(self, numbers: range, changed: set[int]) -> Book:
        rows, incomes, created, updated = [], {}, 0, 0
        for number in numbers:
            key = household_no(self.county, number)
            former = self.incomes.get(key)
            income = former
            if former is None or number in changed:
                income = f"{3000 + self.turn + number / 100:.2f}"
            created += former is None
            updated += former is not None and income != former
            incomes[key] = income
            rows += _family(self.county, number, 人均纯收入=income)
        strangers = _family(self.county, _STRANGERS + self.turn, 行政村="没有这个村")
        rows += strangers
        return Book(
            county=self.county,
            content=build(rows),
            incomes=incomes,
            people=[row["人编号"] for row in rows],
            rejected={row["人编号"] for row in strangers},
            created=created,
            updated=updated,
        )

    def undone(self, before: dict[str, str]) -> None:
        """The product said that a book was taken back: the register is as it was before it."""
        self.incomes = before

    def applied(self, book: Book) -> None:
        """The product said that the book is in the register: it must stay there."""
        self.incomes = self.incomes | book.incomes
