"""What each county was given and what each project may cost, to the published sums. Units of 100 yuan."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from imports.demo import published_money as p
from imports.demo.cells import scaled
from imports.demo.project_plan import DEEP, HOUSING, INDUSTRY, RELOCATION, STUDENTS, Draft
from imports.demo.shares import apportion

# No project costs less; of a county's project money at most so much is deep villages', industry's.
LEAST = 40
_MOST_DEEP, _MOST_INDUSTRY, _MOST_DEEP_INDUSTRY = 0.55, 0.42, 0.45
# The same of all its money, and of its free money: relocation and houses.
_MOST_RELOCATION, _MOST_HOUSES = 0.6, 0.5


@dataclass
class CountyMoney:
    """Money of a county in 2018: bound to relocation and to students, the rest, and of that rest what
    its office manages and what is not allotted."""

    code: str
    relocation: int
    students: int
    general: int
    office: int = 0
    pool: int = 0

    @property
    def total(self) -> int:
        return self.relocation + self.students + self.general


def counties_money(
    households: dict[str, int], poor_counties: frozenset[str], drafts: Sequence[Draft], scale: float
) -> list[CountyMoney]:
    """Each county's share, in the order of `households`: published sums where there are any."""
    codes = list(households)
    poor = [code for code in codes if code in poor_counties]
    students = dict(
        zip(codes, apportion(scaled(p.STUDENTS, scale), list(households.values())), strict=True)
    )
    kept = scaled(sum(units for _, units in p.CITY_OFFICES), scale) + scaled(p.CITY_POOL, scale)
    song = scaled(p.SONG, scale) if p.SONG_COUNTY in poor else 0
    rest = [code for code in codes if code not in poor]
    elsewhere = scaled(p.NOT_POOR_COUNTIES, scale) if rest else 0
    others = [code for code in poor if code != p.SONG_COUNTY]
    left = scaled(p.RAISED, scale) - kept - song - elsewhere
    totals = {p.SONG_COUNTY: song} if song else {}
    for group, amount in ((rest, elsewhere), (others, left)):
        totals |= dict(
            zip(group, apportion(amount, [households[code] for code in group]), strict=True)
        )
    relocation = _split_relocation({code: totals[code] for code in poor}, drafts, scale)
    found = []
    for code in codes:
        bound = relocation.get(code, 0)
        one = CountyMoney(code, bound, students[code], totals[code] - bound - students[code])
        one.office = round(one.general * p.COUNTY_OFFICE_SHARE)
        one.pool = round(one.general * p.COUNTY_POOL_SHARE)
        found.append(one)
    return found


def _split_relocation(
    totals: dict[str, int], drafts: Sequence[Draft], scale: float
) -> dict[str, int]:
    sizes: Counter[str] = Counter()
    for one in drafts:
        if one.type == RELOCATION:
            sizes[one.county] += int(one.facts["households"])
    song = scaled(p.RELOCATION_SONG, scale) if sizes[p.SONG_COUNTY] else 0
    whole = scaled(p.RELOCATION_SONG + p.RELOCATION_OTHERS, scale)
    others = [code for code in totals if code != p.SONG_COUNTY]
    highs = [int(totals[code] * _MOST_RELOCATION) for code in others]
    parts = apportion(whole - song, [sizes[code] for code in others], high=highs)
    return {p.SONG_COUNTY: song} | dict(zip(others, parts, strict=True))


def set_budgets(drafts: Sequence[Draft], money: Sequence[CountyMoney], scale: float) -> None:
    """Write every draft's `units`; what a county has no projects for goes to its office."""
    by_county: dict[str, list[Draft]] = {one.code: [] for one in money}
    for one in drafts:
        by_county[one.county].append(one)
    free = []
    for county in money:
        ones = by_county[county.code]
        _share(county.relocation, [one for one in ones if one.type == RELOCATION])
        _share(county.students, [one for one in ones if one.type == STUDENTS])
        houses = [one for one in ones if one.type == HOUSING]
        most = county.general * _MOST_HOUSES
        fits = min(1.0, most / (sum(one.weight for one in houses) or most))
        for one in houses:
            one.units = int(one.weight * fits)
        free.append(county.general - county.office - county.pool - sum(one.units for one in houses))
    deep = _by_county(money, by_county, free, _MOST_DEEP, scaled(p.DEEP_VILLAGES, scale), _is_deep)
    industry = _by_county(
        money, by_county, free, _MOST_INDUSTRY, scaled(p.INDUSTRY, scale), _is_industry
    )
    for county, money_left, deep_one, industry_one in zip(money, free, deep, industry, strict=True):
        _county(county, by_county[county.code], money_left, deep_one, industry_one)


def _is_deep(one: Draft) -> bool:
    return one.zone == DEEP


def _is_industry(one: Draft) -> bool:
    return one.group == INDUSTRY


def _by_county(
    money: Sequence[CountyMoney],
    by_county: dict[str, list[Draft]],
    free: Sequence[int],
    most: float,
    total: int,
    mine: Callable[[Draft], bool],
) -> list[int]:
    weights = [sum(one.weight for one in by_county[c.code] if mine(one)) for c in money]
    highs = [int(left * most) if w else 0 for left, w in zip(free, weights, strict=True)]
    return apportion(total, weights, high=highs) if any(weights) else [0] * len(weights)


def _county(county: CountyMoney, ones: list[Draft], free: int, deep: int, industry: int) -> None:
    cells: dict[tuple[bool, bool], list[Draft]] = {
        (is_deep, is_industry): []
        for is_deep in (True, False) for is_industry in (True, False)
    }  # fmt: skip
    for one in ones:
        if not one.units and one.type not in (RELOCATION, STUDENTS):
            cells[_is_deep(one), _is_industry(one)].append(one)
    both = _both(cells, deep, industry)
    amounts = {
        (True, True): both,
        (True, False): deep - both,
        (False, True): industry - both,
        (False, False): free - deep - industry + both,
    }
    for cell, amount in amounts.items():
        if cells[cell]:
            _share(amount, cells[cell])
        else:
            county.office += amount


def _both(cells: dict[tuple[bool, bool], list[Draft]], deep: int, industry: int) -> int:
    """Of the money for deep villages and of that for industry, what is both."""
    here = sum(one.weight for one in cells[True, True])
    there = sum(one.weight for one in cells[False, True])
    if not here:
        return 0
    if not there:
        return min(industry, deep)
    most = deep if not cells[True, False] else int(deep * _MOST_DEEP_INDUSTRY)
    return min(int(industry * here / (here + there)), most)


def _share(total: int, ones: Sequence[Draft]) -> None:
    if not ones:
        return
    least = min(LEAST, total // (2 * len(ones)))
    parts = apportion(total, [one.weight for one in ones], low=[least] * len(ones))
    for one, part in zip(ones, parts, strict=True):
        one.units = part
