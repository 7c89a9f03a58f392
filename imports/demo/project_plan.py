"""Which projects the demo city had in 2018: where, of what type, for whom; figures as published.

Pure: villages in, drafts out. What each may cost is `budgets`, when it got how far `schedule`.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from imports.demo import published_money as p
from imports.demo.cells import scaled
from imports.demo.places import random_for
from imports.demo.shares import apportion
from projects.enums import State

DEEP, PLAIN, ELSEWHERE = "DEEP", "PLAIN", "ELSEWHERE"
INDUSTRY, PUBLIC, OTHER = "INDUSTRY", "PUBLIC", "OTHER"
ROAD, WATER, HOUSING, RELOCATION, STUDENTS = "1001", "1002", "06", "03", "0401"
TRAINING, POSTS, LIVING = "0201", "0203", "08"
# Type → weight among the villages' projects of its kind, and about what one costs in units; chosen.
_INDUSTRY = {
    "0101": 20, "0102": 16, "0103": 15, "0104": 6, "0105": 7, "0106": 14, "0107": 4, "0108": 9,
    "0109": 5, "0110": 4,
}  # fmt: skip
_PUBLIC = {"1003": 15, "1004": 18, "1005": 17, "1101": 12, "1102": 20, "1103": 5, "1104": 13}
_PLAIN_ROADS = 1 / 3
_COSTS = {
    ROAD: 4_500, WATER: 3_500, "1003": 2_000, "1004": 2_600, "1005": 800, "1101": 1_100,
    "1102": 1_300, "1103": 2_400, "1104": 1_500, LIVING: 1_500, POSTS: 900, TRAINING: 500,
}  # fmt: skip
# Industry pays for a village, for a whole town more.
_INDUSTRY_COSTS = {DEEP: 5_000, PLAIN: 3_800, ELSEWHERE: 10_000}
HOUSE_COST = 180


@dataclass(frozen=True)
class Place:
    """A village of 2018 with whoever is registered there."""

    code: str
    name: str
    is_poor: bool
    is_deep: bool
    households: int

    @property
    def town(self) -> str:
        return f"{self.code[:9]}000"

    @property
    def county(self) -> str:
        return self.code[:6]


@dataclass
class Draft:
    """A project to be: `villages` is whom it is for; `weight` and `units` what it costs, 100 yuan.

    `facts` by code, in the unit of the fact. `days` is the day of every step taken, in order.
    """

    zone: str
    group: str
    type: str
    site: str
    villages: tuple[str, ...]
    weight: float
    units: int = 0
    facts: dict[str, float] = field(default_factory=dict)
    days: dict[str, date] = field(default_factory=dict)
    starts: date = date(p.YEAR, 3, 1)
    ends: date = date(p.YEAR, 11, 30)
    year: int = p.YEAR

    @property
    def county(self) -> str:
        return self.site[:6]

    @property
    def state(self) -> str:
        return next(reversed(self.days), State.PROPOSED)


def draft(places: Sequence[Place], poor_counties: frozenset[str], scale: float) -> list[Draft]:
    """All projects of the year plan, without what they cost and how far they got."""
    lived = [one for one in places if one.households]
    deep = [one for one in lived if one.is_deep]
    plain = sorted(
        (one for one in lived if not one.is_poor), key=lambda one: (-one.households, one.code)
    )
    plain = plain[: scaled(p.NOT_POOR_VILLAGES, scale)]
    poor = [one for one in lived if one.is_poor and not one.is_deep]
    made = list(_deep(deep, scale)) + list(_plain(plain, scale))
    made += _town_industry(lived, {one.site for one in made if one.group == INDUSTRY}, scale)
    made += _town_roads(poor, scale)
    made += _sites(lived, poor_counties, scale)
    made += _houses(lived, poor_counties, scale)
    _measure(made, {one.code: one.households for one in lived}, scale)
    return made


def _cost(kind: str, zone: str, *words: object) -> float:
    base = _COSTS.get(kind, _INDUSTRY_COSTS[zone])
    return base * random_for("cost", kind, zone, *words).uniform(0.5, 1.6)


def _types(total: int, weights: dict[str, int]) -> list[str]:
    counts = apportion(total, list(weights.values()))
    return [kind for kind, count in zip(weights, counts, strict=True) for _ in range(count)]


def _in_village(zone: str, group: str, kind: str, place: Place, number: int) -> Draft:
    cost = _cost(kind, zone, place.code, number)
    return Draft(zone, group, kind, place.code, (place.code,), cost)


def _deep(deep: Sequence[Place], scale: float) -> Iterator[Draft]:
    if not deep:
        return
    industry, public, other = (
        scaled(one[0], scale) for one in (p.INDUSTRY_PROJECTS, p.PUBLIC_PROJECTS, p.OTHER_PROJECTS)
    )
    roads = min(public, len(deep))
    water = min(public - roads, scaled(p.WATER_IN_DEEP_VILLAGES, scale), len(deep))
    kinds = [(INDUSTRY, kind) for kind in _types(industry, _INDUSTRY)]
    kinds += [(PUBLIC, ROAD)] * roads + [(PUBLIC, WATER)] * water
    kinds += [(PUBLIC, kind) for kind in _types(public - roads - water, _PUBLIC)]
    kinds += [(OTHER, kind) for kind in _types(other, {LIVING: 60, POSTS: 45})]
    # Each type goes through the villages in an order of its own, so that it visits none twice early.
    seen: dict[str, int] = defaultdict(int)
    orders: dict[str, list[Place]] = {}
    for group, kind in kinds:
        key = INDUSTRY if group == INDUSTRY else kind
        if key not in orders:
            orders[key] = list(deep)
            random_for("deep", key).shuffle(orders[key])
        number = seen[key]
        seen[key] += 1
        yield _in_village(DEEP, group, kind, orders[key][number % len(deep)], number)


def _plain(plain: Sequence[Place], scale: float) -> Iterator[Draft]:
    if not plain:
        return
    industry, public, other = (
        scaled(one[1], scale) for one in (p.INDUSTRY_PROJECTS, p.PUBLIC_PROJECTS, p.OTHER_PROJECTS)
    )
    roads = int(public * _PLAIN_ROADS)
    kinds = [(INDUSTRY, kind) for kind in _types(industry, _INDUSTRY)]
    kinds += [(PUBLIC, kind) for kind in [ROAD] * roads + _types(public - roads, _PUBLIC)]
    kinds += [(OTHER, kind) for kind in _types(other, {POSTS: 150, TRAINING: 103, LIVING: 200})]
    for number, (group, kind) in enumerate(kinds):
        yield _in_village(PLAIN, group, kind, plain[number % len(plain)], number)


def _town_industry(lived: Sequence[Place], taken: set[str], scale: float) -> list[Draft]:
    towns: dict[str, list[Place]] = defaultdict(list)
    for one in lived:
        if not one.is_deep and one.code not in taken:
            towns[one.town].append(one)
    count = scaled(p.INDUSTRY_PROJECTS[2], scale)
    counts = apportion(count, [sum(one.households for one in ones) for ones in towns.values()])
    kinds = _types(count, _INDUSTRY)
    random_for("town industry").shuffle(kinds)
    made: list[Draft] = []
    for (town, ones), times in zip(towns.items(), counts, strict=True):
        for number in range(times):
            kind = kinds[len(made) % len(kinds)]
            codes = tuple(one.code for one in ones)
            made.append(
                Draft(ELSEWHERE, INDUSTRY, kind, town, codes, _cost(kind, ELSEWHERE, town, number))
            )
    return made


def _town_roads(poor: Sequence[Place], scale: float) -> list[Draft]:
    """Roads to every poor village that is no deep one, some to a project, and water for some."""
    public = scaled(p.PUBLIC_PROJECTS[2], scale)
    water = min(
        scaled(p.WATER_PROJECTS, scale) - scaled(p.WATER_IN_DEEP_VILLAGES, scale), len(poor), public
    )
    dry = list(poor)
    random_for("water").shuffle(dry)
    made = [
        _in_village(ELSEWHERE, PUBLIC, WATER, one, number) for number, one in enumerate(dry[:water])
    ]
    counties: dict[str, list[Place]] = defaultdict(list)
    for one in poor:
        counties[one.county].append(one)
    sizes = [len(ones) for ones in counties.values()]
    counts = apportion(public - water, sizes, low=[1] * len(sizes), high=sizes)
    for ones, count in zip(counties.values(), counts, strict=True):
        for number in range(count):
            part = ones[number * len(ones) // count : (number + 1) * len(ones) // count]
            towns = {one.town for one in part}
            site = towns.pop() if len(towns) == 1 else f"{part[0].county}000000"
            cost = _cost(ROAD, ELSEWHERE, part[0].code) * len(part)
            codes = tuple(one.code for one in part)
            made.append(Draft(ELSEWHERE, PUBLIC, ROAD, site, codes, cost))
    return made


def _sites(lived: Sequence[Place], poor_counties: frozenset[str], scale: float) -> list[Draft]:
    """Relocation sites in towns of the poor counties, student aid in every county."""
    towns: dict[str, list[Place]] = defaultdict(list)
    counties: dict[str, list[Place]] = defaultdict(list)
    for one in lived:
        counties[one.county].append(one)
        if one.county in poor_counties:
            towns[one.town].append(one)
    made = [
        Draft(ELSEWHERE, OTHER, STUDENTS, f"{county}000000", (), sum(x.households for x in ones))
        for county, ones in counties.items()
    ]
    weights = [
        sum(x.households for x in ones) * (2.0 if town.startswith(p.SONG_COUNTY) else 1.0)
        for town, ones in towns.items()
    ]
    counts = apportion(max(len(poor_counties & counties.keys()), scaled(p.SITES, scale)), weights)
    for town, count in zip(towns, counts, strict=True):
        for number in range(count):
            size = random_for("site", town, number).uniform(0.5, 1.7)
            made.append(Draft(ELSEWHERE, OTHER, RELOCATION, town, (), size))
    return made


def _houses(lived: Sequence[Place], poor_counties: frozenset[str], scale: float) -> list[Draft]:
    """Dangerous houses by town, the largest first; those of the other counties are fewer."""
    towns: dict[str, list[Place]] = defaultdict(list)
    for one in lived:
        towns[one.town].append(one)
    sizes = {town: sum(one.households for one in ones) for town, ones in towns.items()}
    counties = len({town[:6] for town in towns})
    most = max(1, scaled(p.OTHER_PROJECTS[2], scale) - scaled(p.SITES, scale) - counties)
    chosen = sorted(sizes, key=lambda town: (-sizes[town], town))[:most]
    weights = [sizes[town] * (1.0 if town[:6] in poor_counties else 0.4) for town in chosen]
    houses = apportion(scaled(p.HOUSES, scale), weights, high=[sizes[town] for town in chosen])
    return [
        Draft(
            ELSEWHERE, OTHER, HOUSING, town, tuple(one.code for one in towns[town]),
            HOUSE_COST * count * random_for("houses", town).uniform(0.94, 1.06),
            facts={"houses": count},
        )
        for town, count in zip(chosen, houses, strict=True) if count
    ]  # fmt: skip


def _measure(made: Sequence[Draft], households: dict[str, int], scale: float) -> None:
    """Published quantities over the projects of their type."""

    def share(
        kind: str, fact: str, total: int, weights: Sequence[float], low: int, unit: int = 1
    ) -> None:
        ones = [one for one in made if one.type == kind]
        parts = apportion(scaled(total, scale), weights, low=[low] * len(ones))
        for one, part in zip(ones, parts, strict=True):
            one.facts[fact] = part / unit

    def of(kind: str) -> list[Draft]:
        return [one for one in made if one.type == kind]

    def families(one: Draft) -> int:
        return sum(households[code] for code in one.villages) or 1

    lengths = [len(one.villages) * random_for("km", one.site).uniform(0.6, 1.5) for one in of(ROAD)]
    share(ROAD, "length_km", p.ROAD_HUNDREDTHS_KM, lengths, 10, 100)
    share(WATER, "works", p.WATER_WORKS, [families(one) for one in of(WATER)], 1)
    share(WATER, "persons", p.WATER_PERSONS, [families(one) for one in of(WATER)], 20)
    share(STUDENTS, "students", p.STUDENT_PERSONS, [one.weight for one in of(STUDENTS)], 1)
    share(TRAINING, "trainees", p.TRAINED, [families(one) for one in of(TRAINING)], 20)
    share(POSTS, "posts", p.POSTS, [families(one) for one in of(POSTS)], 5)
    sizes = [one.weight for one in of(RELOCATION)]
    share(RELOCATION, "households", p.SITE_HOUSEHOLDS, sizes, 5)
    share(RELOCATION, "persons", p.SITE_PERSONS, sizes, 12)
