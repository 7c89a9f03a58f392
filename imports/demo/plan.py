"""Breaking the published totals down to cells whose sums are exact.

A cell is the households of one county and one kind of village that go the same way through the
three years. All numbers are whole; every total is met by construction, at any scale.
"""

import math
from dataclasses import replace

from imports.demo import published as p
from imports.demo.cells import (
    EXITED,
    EXITING,
    GROUPS,
    LEFT,
    OTHER,
    Cell,
    Place,
    Plan,
    scaled,
)
from imports.demo.published import COUNTIES, County, Stream
from imports.demo.shares import LARGEST, apportion, heads_first

# How dense the poor of 2017 are, how many of a hundred of them left in 2018 (before fitting to the
# county's figure), and how dense those are who had left before.
DENSITY = {EXITED: 0.12, EXITING: 1.0, LEFT: 1.15}
LEAVING = {EXITED: 0.30, EXITING: 0.92, LEFT: 0.45, OTHER: 0.55}
LIFTED = {EXITED: 12, EXITING: 6, LEFT: 6, OTHER: 5}


def make_plan(scale: float = 1.0) -> Plan:
    """Break the city down; `scale` shrinks every published total alike."""
    poor = _poor_persons(scale, _poor_villages(scale))
    streams = _streams(scale, poor)
    cells = [*streams, *_still_poor(scale, poor, streams)]
    places = _villages(scale, poor, cells)
    cells = [*_at(places, cells), *_exited(scale, places, streams)]
    cells = _with_natural_change(cells)
    plan = Plan(scale, tuple(places.values()), tuple(cells), {}, {}, {})
    return replace(plan, bases=_bases(plan), targets=_targets(plan), deep=_deep(plan))


Key = tuple[str, str]


def _poor_villages(scale: float) -> dict[Key, int]:
    """Poor villages by county and kind; a poor county keeps at least one."""
    lows = [int(county.level != "none") for county in COUNTIES]
    poor = apportion(
        scaled(728, scale), [c.poor for c in COUNTIES], lows, [c.poor for c in COUNTIES]
    )
    gone = apportion(scaled(329, scale), [c.exited for c in COUNTIES], high=poor)
    rest = [a - b for a, b in zip(poor, gone, strict=True)]
    going = apportion(scaled(272, scale), [c.exits for c in COUNTIES], high=rest)
    found: dict[Key, int] = {}
    for county, a, b, total in zip(COUNTIES, gone, going, poor, strict=True):
        found |= {
            (county.code, EXITED): a,
            (county.code, EXITING): b,
            (county.code, LEFT): total - a - b,
        }
    return found


def _poor_persons(scale: float, villages: dict[Key, int]) -> dict[Place, int]:
    """Poor persons at the end of 2017 by county and kind of village."""
    totals = apportion(scaled(p.POOR_PERSONS_2017, scale), [c.left for c in COUNTIES])
    density = {key: DENSITY[key[1]] * count for key, count in villages.items()}
    counts = [sum(villages[c.code, g] for g in DENSITY) for c in COUNTIES]
    inside = apportion(
        scaled(p.POOR_PERSONS_IN_POOR_VILLAGES_2017, scale),
        [_village_size(c) * sum(density[c.code, g] for g in DENSITY) for c in COUNTIES],
        low=counts,
        high=[total - min(c.others, 1, total) for c, total in zip(COUNTIES, totals, strict=True)],
    )
    found = {}
    for county, total, poor in zip(COUNTIES, totals, inside, strict=True):
        parts = apportion(
            poor,
            [density[county.code, g] for g in DENSITY],
            low=[villages[county.code, g] for g in DENSITY],
        )
        for group, persons in zip(GROUPS, [*parts, total - poor], strict=True):
            found[Place(county.code, group, villages.get((county.code, group), 0))] = persons
    return found


def _village_size(county: County) -> float:
    """Mean agricultural population of a village, to weigh counties against one another."""
    return county.base / max(1, county.poor + county.others)


def _streams(scale: float, poor: dict[Place, int]) -> list[Cell]:
    """New identifications, relapses and clear-outs: few households in proportion to the poor."""
    places = list(poor)
    weights = list(poor.values())
    cells = []
    for stream in p.STREAMS:
        households = apportion(
            max(1, scaled(stream.households, scale)), weights, high=[w // 20 for w in weights]
        )
        persons = heads_first(_stream_persons(stream, scale, sum(households)), households)
        cells += [
            Cell(place, stream.path, h, n, 2015 if stream.path[0] == "E" else None)
            for place, h, n in zip(places, households, persons, strict=True)
            if h
        ]
    return cells


def _stream_persons(stream: Stream, scale: float, households: int) -> int:
    return max(households, scaled(stream.persons, scale))


def _still_poor(scale: float, poor: dict[Place, int], streams: list[Cell]) -> list[Cell]:
    """Those poor at the end of 2016 and 2017: who left in 2018, and who stayed."""
    available = dict(poor)
    households = scaled(p.POOR_HOUSEHOLDS_2017, scale)
    for cell in streams:
        if cell.path[1] == "P":
            available[cell.place] -= cell.persons
            households -= cell.households
    leaving = _leaving(scale, available, streams)
    staying = {place: available[place] - leaving[place] for place in available}
    leavers = _households(leaving, round(sum(leaving.values()) / p.MEAN_SIZE_LEAVING), {})
    missing = {place: place.villages - leavers[place] for place in staying}
    stayers = _households(staying, households - sum(leavers.values()), missing)
    return [
        Cell(place, path, counts[place], persons[place])
        for path, counts, persons in (("PPE", leavers, leaving), ("PPP", stayers, staying))
        for place in counts
        if counts[place]
    ]


def _leaving(scale: float, available: dict[Place, int], streams: list[Cell]) -> dict[Place, int]:
    """Persons who leave poverty in 2018 by place; each county's sum is its own figure."""
    totals = apportion(scaled(p.EXIT_PERSONS_2018, scale), [c.leaving for c in COUNTIES])
    found: dict[Place, int] = {}
    for county, total in zip(COUNTIES, totals, strict=True):
        places = [place for place in available if place.county == county.code]
        again = sum(c.persons for c in streams if c.path == "EPE" and c.place in places)
        present = [available[place] for place in places]
        wanted = _fitted(present, [LEAVING[place.group] for place in places], total - again)
        parts = apportion(total - again, wanted, high=present)
        found |= dict(zip(places, parts, strict=True))
    return found


def _fitted(present: list[int], rates: list[float], total: int) -> list[float]:
    """Present × rate, with the odds of all rates shifted alike until the sum is the total."""
    low, high = 1e-6, 1e6
    for _ in range(100):
        odds = math.sqrt(low * high)
        parts = [
            n * rate * odds / (1 - rate + rate * odds)
            for n, rate in zip(present, rates, strict=True)
        ]
        low, high = (odds, high) if sum(parts) < total else (low, odds)
    return parts


def _households(persons: dict[Place, int], total: int, least: dict[Place, int]) -> dict[Place, int]:
    """Households for persons: one to seven in each, and enough for every village that needs one."""
    lows = [
        min(n, max(math.ceil(n / LARGEST), least.get(place, 0))) for place, n in persons.items()
    ]
    counts = apportion(total, list(persons.values()), lows, list(persons.values()))
    return dict(zip(persons, counts, strict=True))


def _villages(scale: float, poor: dict[Place, int], cells: list[Cell]) -> dict[Key, Place]:
    """Every place with its villages; of the others only as many as have poor households."""
    homes = dict.fromkeys(poor, 0)
    for cell in cells:
        if cell.path[1] == "P":
            homes[cell.place] += cell.households
    plain = [place for place in poor if place.group == OTHER]
    counts = apportion(
        scaled(sum(c.others for c in COUNTIES), scale),
        [c.others for c in COUNTIES],
        low=[min(1, homes[place]) for place in plain],
        high=[min(c.others, homes[place]) for c, place in zip(COUNTIES, plain, strict=True)],
    )
    found = dict(zip(plain, counts, strict=True))
    return {
        (place.county, place.group): replace(place, villages=found.get(place, place.villages))
        for place in poor
    }


def _at(places: dict[Key, Place], cells: list[Cell]) -> list[Cell]:
    return [replace(c, place=places[c.place.county, c.place.group]) for c in cells]


def _exited(scale: float, places: dict[Key, Place], streams: list[Cell]) -> list[Cell]:
    """Households that had left poverty by the end of 2017, by year of exit."""
    again = [cell for cell in streams if cell.path == "EEP"]
    homes = scaled(p.HOUSEHOLDS_2017, scale) - scaled(p.POOR_HOUSEHOLDS_2017, scale)
    people = scaled(p.PERSONS_2017, scale) - scaled(p.POOR_PERSONS_2017, scale)
    sites = [place for place in places.values() if place.villages]
    totals = dict(zip(COUNTIES, apportion(people, [c.lifted for c in COUNTIES]), strict=True))
    weights = [
        totals[county] * LIFTED[site.group] * site.villages / sum(
            LIFTED[one.group] * one.villages for one in sites if one.county == county.code
        )
        for site in sites for county in COUNTIES if county.code == site.county
    ]  # fmt: skip
    homes -= sum(cell.households for cell in again)
    counts = apportion(homes, weights)
    persons = heads_first(people - sum(cell.persons for cell in again), counts)
    return [
        cell
        for site, h, n in zip(sites, counts, persons, strict=True)
        for cell in _by_exit_year(site, h, n)
    ]


def _by_exit_year(place: Place, households: int, persons: int) -> list[Cell]:
    counts = apportion(households, list(p.EXIT_YEARS.values()))
    sizes = heads_first(persons, counts)
    return [
        Cell(place, "PEE" if year == 2017 else "EEE", h, n, None if year == 2017 else year)
        for year, h, n in zip(p.EXIT_YEARS, counts, sizes, strict=True)
        if h
    ]


def _with_natural_change(cells: list[Cell]) -> list[Cell]:
    """Births, marriages and deaths in whole persons; what rounding cut off is carried on."""
    carried: dict[tuple[str, str], float] = {}
    changed = []
    for cell in cells:
        joined, left = p.NATURAL.get(cell.path, (0.0, 0.0))
        first = cell.path[0] != "-"
        j17, l17 = (
            _whole(carried, cell, kind, rate * first)
            for kind, rate in (("j17", joined), ("l17", left))
        )
        j18, l18 = (
            _whole(carried, cell, kind, rate) for kind, rate in (("j18", joined), ("l18", left))
        )
        # The exits of 2018 are published as the households stood then: what joins them, leaves them.
        if cell.path == "PPE":
            j18 = l18 = min(j18, l18)
        changed.append(replace(cell, joined=(j17, j18), left=(l17, l18)))
    return changed


def _whole(carried: dict[tuple[str, str], float], cell: Cell, kind: str, rate: float) -> int:
    """At most one change in six households, so that every kind finds one of its own."""
    exact = cell.persons * rate + carried.get((kind, cell.path), 0.0)
    room = max(0, cell.persons - cell.households) // 6
    whole = min(int(exact), room)
    carried[kind, cell.path] = exact - whole
    return whole


def _bases(plan: Plan) -> dict[tuple[str, int], int]:
    """Agricultural-hukou population by county and year, adding up to the city's.

    Where a headcount of 2018 is published the base follows from it and the persons left.
    """
    fixed = {
        c.code: round(plan.count(2018, "P", c.code)[1] / c.rate)
        for c in COUNTIES
        if c.rate and plan.count(2018, "P", c.code)[1]
    }
    free = [c for c in COUNTIES if c.code not in fixed]
    found: dict[tuple[str, int], int] = {}
    for year, city in p.BASES.items():
        known = {code: round(base * city / p.BASES[2018]) for code, base in fixed.items()}
        rest = scaled(city, plan.scale) - sum(known.values())
        known |= dict(
            zip([c.code for c in free], apportion(rest, [c.base for c in free]), strict=True)
        )
        found |= {(code, year): base for code, base in known.items()}
        found["4103", year] = sum(known.values())
    return found


def _targets(plan: Plan) -> dict[tuple[str, int, str], int]:
    """(division, year, kind) → target: the plan's for the city, shared out to the counties."""
    found = {("4103", year, "counties"): count for year, count in p.TARGET_COUNTIES.items()}
    left = [plan.villages(LEFT, c.code) for c in COUNTIES]
    nearer = apportion(scaled(p.VILLAGE_EXITS_2019, plan.scale), left, high=left)
    villages = {
        2018: [plan.villages(EXITING, c.code) for c in COUNTIES],
        2019: nearer,
        2020: [a - b for a, b in zip(left, nearer, strict=True)],
    }
    for year, total in p.TARGET_PERSONS.items():
        weights = [
            plan.exits(2018, c.code) if year == 2018 else plan.count(2018, "P", c.code)[1]
            for c in COUNTIES
        ]
        persons = apportion(scaled(total, plan.scale), weights)
        for kind, values in (("persons", persons), ("villages", villages[year])):
            found["4103", year, kind] = sum(values)
            found |= {(c.code, year, kind): n for c, n in zip(COUNTIES, values, strict=True) if n}
    return found


def _deep(plan: Plan) -> dict[tuple[str, str], int]:
    """Deep-poverty villages by county and kind: mostly those that stay longest."""
    left = [place for place in plan.places if place.group in (EXITING, LEFT)]
    weights = [place.villages * (1.0 if place.group == LEFT else 0.3) for place in left]
    counts = apportion(
        max(1, scaled(p.DEEP_VILLAGES_LEFT, plan.scale)), weights, high=[x.villages for x in left]
    )
    gone = [place for place in plan.places if place.group == EXITED]
    before = apportion(
        scaled(p.DEEP_VILLAGES_EXITED, plan.scale),
        [x.villages for x in gone],
        high=[x.villages for x in gone],
    )
    return {
        (place.county, place.group): count
        for place, count in zip([*left, *gone], [*counts, *before], strict=True)
    }
