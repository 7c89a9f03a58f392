"""The plan's vocabulary: kinds of villages, places, cells, and the whole plan with its sums."""

import math
from dataclasses import dataclass

# Kinds of villages: poor and exited by the end of 2017, poor and exiting in 2018, poor and left, others.
EXITED, EXITING, LEFT, OTHER = "A", "B", "C", "N"
GROUPS = (EXITED, EXITING, LEFT, OTHER)


@dataclass(frozen=True)
class Place:
    """A county's villages of one kind."""

    county: str
    group: str
    villages: int


@dataclass(frozen=True)
class Cell:
    """Households of one place that share a path; `persons` as of 2017 (or the path's only year).

    `joined` and `left` are persons of these households in 2017 and 2018. `exit_year` is set where
    the path begins with an exit that happened before the first year.
    """

    place: Place
    path: str
    households: int
    persons: int
    exit_year: int | None = None
    joined: tuple[int, int] = (0, 0)
    left: tuple[int, int] = (0, 0)

    @property
    def people(self) -> int:
        """Everyone who belongs to these households in any of the years."""
        return self.persons + self.left[0] + self.joined[1]

    def at_end(self, year: int) -> int:
        """Persons at the end of a year; none where the path is not registered."""
        if self.path[year - 2016] == "-":
            return 0
        if year == 2016:
            return self.persons - self.joined[0] + self.left[0]
        return self.persons + (self.joined[1] - self.left[1] if year == 2018 else 0)


@dataclass(frozen=True)
class Plan:
    """The whole city in numbers."""

    scale: float
    places: tuple[Place, ...]
    cells: tuple[Cell, ...]
    bases: dict[tuple[str, int], int]
    targets: dict[tuple[str, int, str], int]
    deep: dict[tuple[str, str], int]

    @property
    def households(self) -> int:
        return sum(cell.households for cell in self.cells)

    @property
    def people(self) -> int:
        return sum(cell.people for cell in self.cells)

    def count(
        self, year: int, statuses: str, county: str = "", groups: str = "ABCN"
    ) -> tuple[int, int]:
        """(households, persons) at the end of a year that are poor ("P") or exited ("E")."""
        found = [
            cell for cell in self.cells
            if cell.path[year - 2016] in statuses
            and cell.place.county.startswith(county)
            and cell.place.group in groups
        ]  # fmt: skip
        return sum(cell.households for cell in found), sum(cell.at_end(year) for cell in found)

    def exits(self, year: int, county: str = "") -> int:
        """Persons who left poverty in a year, as the households stood at its end."""
        at = year - 2016
        return sum(
            cell.at_end(year)
            for cell in self.cells
            if cell.path[at - 1 : at + 1] == "PE" and cell.place.county.startswith(county)
        )

    def villages(self, groups: str, county: str = "") -> int:
        return sum(
            place.villages
            for place in self.places
            if place.group in groups and place.county.startswith(county)
        )


def scaled(number: float, scale: float) -> int:
    """A published total of the shrunken city, rounded half up."""
    return math.floor(number * scale + 0.5)
