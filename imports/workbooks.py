"""Writing a register workbook in one of the national layouts, from the demo city's generator.

Every cell is text, codes are written as labels, yes and no as 是 and 否, missing as blank, several
values of one cell joined with 、. What stands in the workbook reads back as exactly what stands in
the register, so importing it changes nothing; `faults` puts in rows that an import has to catch.
"""

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from households.catalog import DATA as CODES
from households.catalog import facts
from households.enums import HEAD
from households.models import Household, HouseholdYear, Person, PersonYear
from imports.catalog.recognising import DATA
from imports.demo import city, living, people, places
from imports.demo.mistakes import Mistakes
from imports.demo.plan import make_plan
from imports.demo.published import COUNTIES
from imports.demo.sheets import TextSheet

NULL = r"\N"
PROVINCE, CITY = "河南省", "洛阳市"
Show = Callable[[str], str]
Cells = list[str]
# Where each model's line keeps its columns.
COLUMNS = {
    Household: living.HOUSEHOLD_COLUMNS,
    HouseholdYear: living.HOUSEHOLD_YEAR_COLUMNS,
    Person: people.PERSON_COLUMNS,
    PersonYear: people.PERSON_YEAR_COLUMNS,
}


class LayoutUnusableError(Exception):
    """The layout is unknown or gives no order of columns; the text says so."""


@dataclass(frozen=True)
class Layout:
    """A national layout: its heads in order, the facts they carry, one row per person or household."""

    code: str
    headers: list[str]
    identifiers: list[str]
    by_person: bool


@dataclass(frozen=True)
class Written:
    """What a workbook holds: data rows, and planted mistakes by kind."""

    rows: int
    mistakes: dict[str, int]


def layout_of(code: str) -> Layout:
    """Read a layout from the shipped lists. Raises LayoutUnusableError."""
    ordered = [row for row in _csv(DATA / "layout_headers.csv") if row["position"]]
    rows = [row for row in ordered if row["layout"] == code]
    if not rows:
        usable = "、".join(dict.fromkeys(row["layout"] for row in ordered))
        raise LayoutUnusableError(f"没有版式 {code} 的列序，可用的有：{usable}。")
    rows.sort(key=lambda row: int(row["position"]))
    grains = {row["code"]: row["grain"] for row in _csv(DATA / "layouts.csv")}
    return Layout(
        code,
        [row["header"] for row in rows],
        [row["identifier"] for row in rows],
        grains[code] == "person",
    )


def write_demo_workbook(
    path: Path,
    *,
    layout: Layout,
    scale: float = 1.0,
    partition: int = 2018,
    faults: float = 0.0,
    say: Callable[[str], None] = lambda _: None,
) -> Written:
    """Write one year of the demo city. `faults` is the share of rows that get a mistake."""
    mistakes = Mistakes(layout.identifiers, faults, (layout.code, partition, scale))
    with TextSheet(path, layout.code, layout.headers) as sheet:
        for cells in demo_rows(layout, scale, partition, say):
            for row in mistakes.applied(cells):
                sheet.append(row)
    return Written(sheet.rows - 1, dict(mistakes.planted))


def demo_rows(
    layout: Layout, scale: float, partition: int, say: Callable[[str], None] = lambda _: None
) -> Iterator[Cells]:
    """The cells of every row of a layout, in the order of villages."""
    plan = make_plan(scale)
    settled = places.settle(plan)
    villages = {village.code: village for village in settled}
    maker = _Rows(layout, partition)
    ids = city.Ids(1, 1, {})
    for county in COUNTIES:
        for rows in city.households(plan, settled, county.code, ids):
            if partition in rows.years:
                yield from maker.of(rows, villages)
        say(f"{county.code} 已写，累计 {maker.count} 行。")


class _Rows:
    """Turns a household's lines into the cells of a layout."""

    def __init__(self, layout: Layout, partition: int) -> None:
        self.partition = partition
        self.by_person = layout.by_person
        self.count = 0
        self._width = len(layout.identifiers)
        self._places: list[tuple[int, str]] = []
        self._columns: dict[Any, list[tuple[int, int, Show]]] = {model: [] for model in COLUMNS}
        self._running: list[int] = []
        known = facts()
        for at, identifier in enumerate(layout.identifiers):
            if fact := known.get(identifier):
                position = COLUMNS[fact.model].index(fact.name)
                self._columns[fact.model].append(
                    (at, position, shown(fact.kind, fact.table, fact.options))
                )
            elif layout.headers[at] == "序号":
                self._running.append(at)
            else:
                self._places.append((at, identifier))

    def of(self, rows: city.Rows, villages: dict[str, places.Village]) -> Iterator[Cells]:
        """The rows of one household in the year: one per member, or one with the head's facts."""
        common = [""] * self._width
        home = rows.household.split("\t")
        self._fill(common, Household, home)
        self._fill(common, HouseholdYear, rows.years[self.partition].split("\t"))
        self._fill_places(common, villages[home[3]])
        identities = {line.split("\t", 1)[0]: line for line in rows.persons}
        for line in rows.members[self.partition]:
            year = line.split("\t")
            if self.by_person or year[_RELATION] == HEAD:
                yield self._row(common, year, identities[year[3]].split("\t"))

    def _row(self, common: Cells, year: list[str], identity: list[str]) -> Cells:
        cells = common.copy()
        self._fill(cells, Person, identity)
        self._fill(cells, PersonYear, year)
        self.count += 1
        for at in self._running:
            cells[at] = str(self.count)
        return cells

    def _fill(self, cells: Cells, model: Any, values: list[str]) -> None:
        for at, position, show in self._columns[model]:
            cells[at] = show(values[position])

    def _fill_places(self, cells: Cells, village: places.Village) -> None:
        names = {
            "province_code": PROVINCE, "city_code": CITY, "partition": str(self.partition),
            "county_code": village.county, "town_code": village.town, "village_code": village.name,
        }  # fmt: skip
        for at, identifier in self._places:
            cells[at] = names.get(identifier, "")


_RELATION = people.PERSON_YEAR_COLUMNS.index("relation_to_head")


def shown(kind: str, table: str, options: Sequence[tuple[str, int]] = ()) -> Show:
    """How a stored value of this kind is written in a cell."""
    if kind == "yes_no":
        return {"t": "是", "f": "否", NULL: ""}.__getitem__
    if kind == "code":
        return ({"": ""} | labels(table)).__getitem__
    if kind == "codes":
        known = labels(table)
        return lambda value: "、".join(known[code] for code in value[1:-1].split(",") if code)
    if kind == "amount" and dict(options).get("places") == 2:
        return _two_places
    return lambda value: "" if value == NULL else value


def _two_places(value: str) -> str:
    if value == NULL:
        return ""
    whole, _, rest = value.partition(".")
    return f"{whole}.{rest:0<2}"


def labels(table: str) -> dict[str, str]:
    """Code → label, from the shipped code list."""
    return {row["code"]: row["label"] for row in _csv(CODES / "codes.csv") if row["table"] == table}


def _csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
