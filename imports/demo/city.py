"""The demo city household by household: plan, places and people put together, county by county."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from imports.demo import families, living, people
from imports.demo.cells import Cell, Plan
from imports.demo.families import Draw, Person
from imports.demo.living import Home
from imports.demo.names import HUI_SURNAMES, SURNAMES, Numbers, given_name
from imports.demo.places import Village, random_for
from imports.demo.published import YEARS
from imports.demo.shares import apportion, evenly, sizes

MEMBERSHIP_COLUMNS = (
    "person_id", "household_id", "village_code", "partition_id", "kind", "persons", "is_poor", "reason",
)  # fmt: skip


@dataclass(slots=True)
class Slot:
    """One household still without people: its cell, its size in 2017, the years somebody joins or leaves."""

    cell: Cell
    size: int
    joined: set[int] = field(default_factory=set)
    left: set[int] = field(default_factory=set)

    @property
    def core(self) -> int:
        """Members who belong to it from its first year on."""
        return self.size - (2017 in self.joined)


@dataclass(slots=True)
class Rows:
    """One household as lines for COPY; the years are keyed by partition."""

    household: str
    persons: list[str] = field(default_factory=list)
    years: dict[int, str] = field(default_factory=dict)
    members: dict[int, list[str]] = field(default_factory=dict)
    moves: list[str] = field(default_factory=list)


@dataclass
class Ids:
    """The next keys to give out, and the keys of the villages."""

    household: int
    person: int
    villages: dict[str, int]


def households(plan: Plan, villages: Sequence[Village], county: str, ids: Ids) -> Iterator[Rows]:
    """All households of a county in the order of their villages."""
    rng = random_for("people", county, plan.scale)
    inside = [village for village in villages if village.group and village.code.startswith(county)]
    cells = [cell for cell in plan.cells if cell.place.county == county]
    maker = _Maker(rng, Numbers(county), ids)
    for village, slots in _settled(rng, cells, inside):
        for slot in slots:
            yield maker.household(village, slot)


def _settled(
    rng: Random, cells: list[Cell], villages: list[Village]
) -> list[tuple[Village, list[Slot]]]:
    """Which households live where: every kind spread evenly over its villages."""
    homes: dict[str, list[Slot]] = {village.code: [] for village in villages}
    for group in sorted({cell.place.group for cell in cells}):
        sites = [village for village in villages if village.group == group]
        inside = [cell for cell in cells if cell.place.group == group]
        # A village that had exited by 2016 has hardly anybody who was still poor then.
        late = [site for site in sites if site.exited_year == 2017] or sites
        for kind, chosen in _by_past(inside).items():
            _spread(rng, chosen, late if kind == "recent" else sites, homes, kind)
    return [(village, homes[village.code]) for village in villages]


def _by_past(cells: list[Cell]) -> dict[str, list[Cell]]:
    """Cells poor at the end of 2017, those that left poverty in that year, and the others."""
    found: dict[str, list[Cell]] = {"poor": [], "recent": [], "past": []}
    for cell in cells:
        kind = "poor" if cell.path[1] == "P" else "recent" if cell.path[0] == "P" else "past"
        found[kind].append(cell)
    return found


def _spread(
    rng: Random,
    cells: list[Cell],
    sites: list[Village],
    homes: dict[str, list[Slot]],
    kind: str,
) -> None:
    """Share the households out; each village of the plan has one that was poor at the end of 2017."""
    least = int(kind == "poor")
    weights = [
        site.weight * (0.4 if kind == "past" and site.exited_year == 2017 else 1.0)
        for site in sites
    ]
    pools = [iter(slots_of(rng, cell)) for cell in cells]
    order = evenly([cell.households for cell in cells])
    total = sum(cell.households for cell in cells)
    counts = apportion(total, weights, low=[least] * len(sites))
    for site, count in zip(sites, counts, strict=True):
        homes[site.code] += [next(pools[next(order)]) for _ in range(count)]


def slots_of(rng: Random, cell: Cell) -> list[Slot]:
    """The households of a cell with their sizes; joining and leaving given to those large enough."""
    counts = sizes(cell.households, cell.persons)
    rng.shuffle(counts)
    slots = [Slot(cell, size) for size in counts]
    large = [slot for slot in slots if slot.size >= 3]
    middle = [slot for slot in slots if slot.size >= 2]
    for slot in _every(large, middle, cell.joined[0]):
        slot.joined.add(2017)
    for slot in _every(middle, [], cell.left[0], 1):
        slot.left.add(2017)
    for slot in _every(middle, [], cell.joined[1], 2):
        slot.joined.add(2018)
    losing = [slot for slot in large if 2017 not in slot.joined]
    spare = [slot for slot in middle if slot.core >= 2]
    for slot in _every(losing, spare, cell.left[1], 3):
        slot.left.add(2018)
    return slots


def _every(first: list[Slot], then: list[Slot], count: int, start: int = 0) -> list[Slot]:
    """`count` households of the first list, far apart, or of the second where the first is too short."""
    chosen = first if len(first) >= count else then
    if not count:
        return []
    stride = len(chosen) // count
    if not stride:
        raise ValueError(f"{count} changes do not fit into {len(chosen)} households")
    return chosen[start % stride :: stride][:count]


class _Maker:
    """Invents the households of one county, one after the other, from one random stream."""

    def __init__(self, rng: Random, numbers: Numbers, ids: Ids) -> None:
        self.draw: Draw = rng.random
        self.numbers = numbers
        self.ids = ids

    def household(self, village: Village, slot: Slot) -> Rows:
        draw = self.draw
        cause = living.cause_of(draw, slot.size, slot.core >= (3 if 2018 in slot.left else 2))
        members = self._members(slot, cause)
        number, phone, account = self.numbers.household()
        phone = living.telephone(draw, phone)
        key, place = self.ids.household, self.ids.villages.get(village.code, 0)
        self.ids.household += 1
        identified, day = self._identified(slot.cell)
        group = living.natural_village(draw)
        rows = Rows(
            f"{key}\t{number}\t{place}\t{village.code}\t{group}\t{village.name}{group}\t{day}"
        )
        aid = self._aid(slot, members)
        named = self._persons(rows, members, f"{key}\t{village.code}", day, aid, phone)
        poor_years = [
            year for year, letter in zip(YEARS, slot.cell.path, strict=True) if letter == "P"
        ]
        self._moves(rows, members, named, f"{key}\t{village.code}", poor_years)
        fixed = living.lasting(draw, identified, cause, named[0][1:], phone, account)
        self._years(rows, slot, members, f"{key}\t{place}\t{village.code}", aid, fixed)
        return rows

    def _members(self, slot: Slot, cause: str) -> list[Person]:
        """Everybody who belongs to the household in any year, the head first."""
        draw = self.draw
        letters = families.form(draw, slot.core, cause)
        members = families.family(draw, letters, cause == "03")
        pupil = None
        if cause == "03":
            pupil = next(one for one in members if one.relation in ("03", "04"))
            pupil.is_key = True
        if 2018 in slot.left:
            families.leaver(members, 2018)
        for year in sorted(slot.joined):
            members.append(families.joiner(draw, members, year))
        if 2017 in slot.left:
            members.append(families.former(draw, members, 2017))
        people.settle_health(draw, members, cause)
        people.settle_fitness(draw, members, cause)
        for member in members:
            people.settle_school(draw, member, member is pupil)
            newborn = member.born >= 2017 and draw() < 0.3
            member.has_no_number = newborn or (not member.disability and draw() < 0.0003)
        return members

    def _aid(self, slot: Slot, members: list[Person]) -> str:
        able = sum(one.fit in "ASH" and 1953 <= one.born <= 2001 for one in members)
        return living.aid_of(self.draw, slot.size, able)

    def _identified(self, cell: Cell) -> tuple[int, str]:
        """(year, day) of the first identification: most were registered in the summer of 2014."""
        draw = self.draw
        if cell.path[0] == "-":
            year = 2017 if cell.path[1] != "-" else 2018
            return year, f"{year}-{9 + int(draw() * 3):02d}-{10 + int(draw() * 20):02d}"
        last = cell.exit_year or 2016
        chance = draw()
        year = 2014 if chance < 0.88 else 2015 if chance < 0.95 else 2016
        year = min(year, last)
        return year, f"{year}-{5 + int(draw() * 7):02d}-{10 + int(draw() * 20):02d}"

    def _persons(
        self, rows: Rows, members: list[Person], home: str, day: str, aid: str, phone: str
    ) -> list[tuple[int, str, str, str]]:
        """Write the identities; returns (key, name, person number, document number) of each."""
        draw = self.draw
        is_hui = draw() < 0.008
        pool = HUI_SURNAMES if is_hui else SURNAMES
        family = pool[int(draw() * len(pool))]
        named = []
        aided_all = draw() < 0.5
        for member in members:
            surname = family
            if member.relation in ("02", "05", "12"):
                surname = pool[int(draw() * len(pool))]
            name = surname + given_name(draw, member.sex, member.born)
            number = self.numbers.person()
            kind, document = people.document(draw, member, self.numbers)
            birth = member.birth
            born = f"{birth[:4]}-{birth[4:6]}-{birth[6:]}"
            since = f"{member.since}-12-20" if member.since else max(day, born)
            key = self.ids.person
            self.ids.person += 1
            rows.persons.append(
                f"{key}\t{number}\t{home}\t{name}\t{member.sex}\t{kind}\t{document}\t{born}"
                f"\t{people.ethnicity(draw, is_hui)}\t{since}"
            )
            named.append((key, name, number, document))
            aided = aid and (aided_all or member is members[0] or member.health != ["01"])
            self._person_years(rows, member, f"{home}\t{key}", aid if aided else "", phone)
        return named

    def _person_years(self, rows: Rows, member: Person, at: str, aid: str, phone: str) -> None:
        draw = self.draw
        work = people.work_of(draw, member)
        fixed = people.lasting(draw, member, work, aid, phone)
        for year in YEARS:
            if member.since <= year < member.until:
                varying = people.yearly(draw, member, work, year)
                rows.members.setdefault(year, []).append(f"{year}\t{at}\t{varying}\t{fixed}")

    def _moves(
        self,
        rows: Rows,
        members: list[Person],
        named: list[tuple[int, str, str, str]],
        home: str,
        poor_years: list[int],
    ) -> None:
        """Who joined or left and why; it counts among the poor when they were at either end."""
        for member, names in zip(members, named, strict=True):
            if member.moved:
                year = member.since or member.until
                poor = "t" if year in poor_years or year - 1 in poor_years else "f"
                rows.moves.append(f"{names[0]}\t{home}\t{year}\t{member.moved}\t1\t{poor}\t")

    def _years(
        self, rows: Rows, slot: Slot, members: list[Person], at: str, aid: str, fixed: str
    ) -> None:
        """Write the household's years, and drop its members' years where it is not registered."""
        draw = self.draw
        danger, factor, slip = draw(), draw(), draw()
        home = _home(members, aid, danger, factor, slip)
        path = slot.cell.path
        told = living.statuses(draw, path, slot.cell.exit_year)
        for year, letter, (status, left) in zip(YEARS, path, told, strict=True):
            if letter == "-":
                rows.members.pop(year, None)
                continue
            poor = letter == "P"
            declared = living.declared_members(len(rows.members[year]), slip)
            rows.years[year] = "\t".join(
                (
                    str(year), at, living.ATTRIBUTES[aid][0 if poor else 1], status, left,
                    "01" if status == "3" else "", str(declared),
                    living.income(draw, home, declared, poor, year),
                    living.conditions(draw, danger, factor, poor, year), fixed,
                )
            )  # fmt: skip


def _home(members: list[Person], aid: str, danger: float, factor: float, slip: float) -> Home:
    return Home(
        size_factor=factor,
        aid=aid,
        elders=sum(one.born <= 1957 for one in members),
        workers=sum(one.works for one in members),
        aided=max(1, sum(one.health != ["01"] for one in members)),
        gains=danger < 0.3,
        omits_pension=slip < 0.02,
    )
