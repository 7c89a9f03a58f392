"""Which villages are poor, when they exit, and how many people live in every division."""

import csv
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import villages
from imports.demo import published as p
from imports.demo.cells import EXITED, EXITING, GROUPS, OTHER, Plan
from imports.demo.published import COUNTIES
from imports.demo.shares import apportion
from villages.formulas import short_name

DIVISIONS = Path(villages.__file__).parent / "data" / "luoyang_2017.csv"
SEED = "povertyops-demo-1"
# Agricultural population of a resident committee against a village committee's.
RESIDENTS = 0.12
# Share of a county's population in villages without any poor household when the city is shrunk.
ELSEWHERE = 0.1
# How many of a hundred village exits before 2018 fell in each year, assumed.
VILLAGE_EXITS = {2014: 12, 2015: 23, 2016: 31, 2017: 34}


def random_for(*words: object) -> Random:
    """A generator of its own for each purpose, so that a change in one place moves nothing else."""
    return Random("|".join(map(str, (SEED, *words))))  # noqa: S311


@dataclass(frozen=True)
class Village:
    """A village of the demo city. `group` is empty where nobody is registered."""

    code: str
    name: str
    town: str
    county: str
    kind: str
    weight: float
    group: str = ""
    exited_year: int | None = None
    is_deep: bool = False

    @property
    def is_poor(self) -> bool:
        return self.group not in ("", OTHER)


def divisions() -> list[dict[str, str]]:
    """The shipped division list, as it stands in the file."""
    with DIVISIONS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def settle(plan: Plan) -> list[Village]:
    """All villages of the city with what they are in the plan, in the order of their codes."""
    names = {row["code"]: row["name"] for row in divisions()}
    by_county: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in divisions():
        if row["level"] == "village":
            by_county[row["code"][:6]].append(row)
    found = [
        village
        for county in COUNTIES
        for village in _settle_county(plan, county.code, by_county[county.code], names)
    ]
    return sorted(found, key=lambda village: village.code)


def _settle_county(
    plan: Plan, county: str, rows: list[dict[str, str]], names: dict[str, str]
) -> Iterator[Village]:
    rng = random_for("villages", county)
    committees = [row["code"] for row in rows if row["unit_kind"] == "村委会"]
    rng.shuffle(committees)
    groups = _groups(plan, county, committees)
    years = _exit_years(groups)
    for row in rows:
        code = row["code"]
        yield Village(
            code=code,
            name=short_name(row["name"]),
            town=names[row["parent_code"]],
            county=names[f"{county}000000"],
            kind=row["unit_kind"],
            weight=rng.uniform(0.5, 1.7),
            group=groups.get(code, ("", False))[0],
            exited_year=years.get(code),
            is_deep=groups.get(code, ("", False))[1],
        )


def _groups(plan: Plan, county: str, committees: list[str]) -> dict[str, tuple[str, bool]]:
    """Code → (kind of village, deep poverty), the first of the shuffled list first."""
    sizes = {place.group: place.villages for place in plan.places if place.county == county}
    found: dict[str, tuple[str, bool]] = {}
    start = 0
    for group in GROUPS:
        size = sizes.get(group, 0)
        deep = plan.deep.get((county, group), 0)
        for at, code in enumerate(committees[start : start + size]):
            found[code] = (group, at < deep)
        start += size
    return found


def _exit_years(groups: dict[str, tuple[str, bool]]) -> dict[str, int]:
    gone = [code for code, (group, _) in groups.items() if group == EXITED]
    counts = apportion(len(gone), list(VILLAGE_EXITS.values()))
    years = [year for year, n in zip(VILLAGE_EXITS, counts, strict=True) for _ in range(n)]
    found = dict(zip(gone, years, strict=True))
    return found | {code: 2018 for code, (group, _) in groups.items() if group == EXITING}


def populations(plan: Plan, settled: list[Village]) -> dict[tuple[str, int], int]:
    """(division code, year) → agricultural-hukou persons, children adding up to their parent."""
    by_county: dict[str, list[Village]] = defaultdict(list)
    for village in settled:
        by_county[village.code[:6]].append(village)
    found: Counter[tuple[str, int]] = Counter()
    for county, ones in by_county.items():
        weights = _weights(plan, ones)
        for year in p.YEARS:
            persons = apportion(plan.bases[county, year], weights)
            for village, count in zip(ones, persons, strict=True):
                for digits in (4, 6, 9, 12):
                    found[village.code[:digits].ljust(12, "0"), year] += count
    return dict(found)


def _weights(plan: Plan, ones: list[Village]) -> list[float]:
    """Shares of the villages; in a shrunken city nearly all live where the register is."""
    plain = [one.weight * (1.0 if one.kind == "村委会" else RESIDENTS) for one in ones]
    inside = sum(w for one, w in zip(ones, plain, strict=True) if one.group)
    outside = sum(plain) - inside
    if plan.scale >= 1 or not inside or not outside:
        return plain
    thin = ELSEWHERE * inside / (1 - ELSEWHERE) / outside
    return [w if one.group else w * thin for one, w in zip(ones, plain, strict=True)]


def village_years(settled: list[Village]) -> Iterator[tuple[str, int, bool, bool, int | None]]:
    """(code, year, poor village, deep poverty, year of exit) for all villages and years."""
    for year in p.YEARS:
        for one in settled:
            exited = one.exited_year if one.exited_year and one.exited_year <= year else None
            yield one.code, year, one.is_poor, one.is_deep, exited


def county_years() -> Iterator[tuple[str, int, str, int | None]]:
    """(code, year, poverty level, planned year of exit). The approvals came in 2019: none exited."""
    for year in p.YEARS:
        for county in COUNTIES:
            yield f"{county.code}000000", year, county.level, county.planned
