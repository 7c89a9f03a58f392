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
from imports.catalog.columns import known_facts
from imports.catalog.recognising import DATA
from imports.demo import city, later, living, people, places
from imports.demo.mistakes import Mistakes
from imports.demo.plan import make_plan
from imports.demo.published import COUNTIES
from imports.demo.sheets import TextSheet
from imports.enums import Grain

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


# Keys that stand in front where the evidence for a layout names only the facts it adds.
_PLACE_KEYS = (("县", "county_code"), ("乡", "town_code"), ("村", "village_code"))
_KEYS: dict[str, tuple[tuple[str, str], ...]] = {
    Grain.JOINED_HOUSEHOLD: (("户编号", "household_no"),),
    Grain.JOINED_PERSON: (
        ("户编号", "household_no"), ("人编号", "person_no"), ("姓名", "name"), ("证件号码", "id_no"),
    ),
    Grain.SPELL: (
        ("户编号", "household_no"), ("人编号", "person_no"), ("姓名", "name"), ("证件号码", "id_no"),
    ),
    Grain.VILLAGE: (("行政村代码", "region_code"),),
}  # fmt: skip
# The custom exports of 2023 carry two rows of titles above their heads.
TITLED_YEAR = 2023


class LayoutUnusableError(Exception):
    """The layout is unknown; the text says so."""


@dataclass(frozen=True)
class Layout:
    """A national layout: its heads in order, the facts they carry, one row per person or household."""

    code: str
    headers: list[str]
    identifiers: list[str]
    grain: str = Grain.PERSON
    titles: tuple[str, ...] = ()

    @property
    def by_person(self) -> bool:
        """Whether every member of a household has a row."""
        return self.grain in (Grain.PERSON, Grain.JOINED_PERSON, Grain.SPELL)


@dataclass(frozen=True)
class Written:
    """What a workbook holds: data rows, and planted mistakes by kind."""

    rows: int
    mistakes: dict[str, int]


def layout_of(code: str) -> Layout:
    """Read a layout from the shipped lists. Raises LayoutUnusableError."""
    listed = _csv(DATA / "layout_headers.csv")
    rows = [row for row in listed if row["layout"] == code]
    if not rows:
        usable = "、".join(dict.fromkeys(row["layout"] for row in listed))
        raise LayoutUnusableError(f"没有版式 {code}，可用的有：{usable}。")
    rows.sort(key=lambda row: int(row["position"] or 0))
    layout = next(row for row in _csv(DATA / "layouts.csv") if row["code"] == code)
    columns = [(row["header"], row["identifier"]) for row in rows]
    if not rows[0]["position"]:
        own = {identifier for _, identifier in columns}
        keys = (*_PLACE_KEYS, *_KEYS[layout["grain"]])
        columns = [key for key in keys if key[1] not in own] + columns
    titles: tuple[str, ...] = ()
    if layout["year"] == str(TITLED_YEAR) and not rows[0]["position"]:
        titles = (layout["title"], "导出单位：洛阳市（演示数据）")
    return Layout(
        code,
        [header for header, _ in columns],
        [identifier for _, identifier in columns],
        layout["grain"],
        titles,
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
    with TextSheet(path, layout.code, layout.headers, layout.titles) as sheet:
        for cells in demo_rows(layout, scale, partition, say):
            for row in mistakes.applied(cells):
                sheet.append(row)
    return Written(sheet.rows - 1 - len(layout.titles), dict(mistakes.planted))


def demo_rows(
    layout: Layout, scale: float, partition: int, say: Callable[[str], None] = lambda _: None
) -> Iterator[Cells]:
    """The cells of every row of a layout, in the order of villages."""
    plan = make_plan(scale)
    settled = places.settle(plan)
    villages = {village.code: village for village in settled}
    maker = _Rows(layout, partition)
    if layout.grain == Grain.VILLAGE:
        yield from map(maker.of_village, settled)
        return
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
        self.is_of_spells = layout.grain == Grain.SPELL
        self.count = 0
        self._width = len(layout.identifiers)
        self._places: list[tuple[int, str]] = []
        self._columns: dict[Any, list[tuple[int, int, Show]]] = {model: [] for model in COLUMNS}
        self._running: list[int] = []
        self._later: list[tuple[int, str]] = []
        known = facts() if layout.grain in _FULL else known_facts(layout.grain)
        for at, identifier in enumerate(layout.identifiers):
            fact = known.get(identifier)
            if identifier in later.KNOWN or (fact and fact.model not in COLUMNS):
                self._later.append((at, identifier))
            elif fact:
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
        for at, identifier in self._later:
            common[at] = later.household(identifier, home[1])
            if identifier == "member_count_current":
                common[at] = str(len(rows.members[self.partition]))
        for line in rows.members[self.partition]:
            year = line.split("\t")
            identity = identities[year[3]].split("\t")
            if self.is_of_spells:
                yield from self._spells(common, year, identity)
            elif self.by_person or year[_RELATION] == HEAD:
                cells = self._row(common, year, identity)
                for at, identifier in self._later:
                    cells[at] = cells[at] or later.person(identifier, identity[1])
                yield cells

    def of_village(self, village: places.Village) -> Cells:
        """The row of a village."""
        cells = [""] * self._width
        self._fill_places(cells, village)
        for at, identifier in self._later:
            cells[at] = later.village(identifier, village)
        return cells

    def _spells(self, common: Cells, year: list[str], identity: list[str]) -> Iterator[Cells]:
        """Two spells of some who work, one of the others; a row that says so of who does not."""
        works = year[_WORK] not in ("", NULL)
        for at in range(1 + (works and later.luck("twice", identity[1]) % 4 == 0)):
            cells = self._row(common, year, identity)
            for place, identifier in self._later:
                if identifier == "has_worked":
                    cells[place] = "是" if works else "否"
                elif works:
                    cells[place] = later.spell(identifier, identity[1], at)
            yield cells

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
            "region_code": village.code,
        }  # fmt: skip
        for at, identifier in self._places:
            cells[at] = names.get(identifier, "")


_FULL = (Grain.PERSON, Grain.HOUSEHOLD, Grain.HEAD)
_WORK = people.PERSON_YEAR_COLUMNS.index("work_area")
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
