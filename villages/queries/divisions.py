"""Divisions as they stood on a day, read for a purpose."""

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, cast

from django.db.models import Count, F, Max, Prefetch, Q, QuerySet
from django.db.models.functions import Substr

from core.scope import Actor, after, below
from villages.enums import OWN_DIGITS, Level
from villages.formulas import match_key, short_name
from villages.models import (
    CountyYear,
    PopulationBase,
    Region,
    RegionList,
    RegionSuccession,
    VillageYear,
)


def region_at(code: str, day: date) -> Region | None:
    """The division that bore this code on this day; a short code (410324) may be given."""
    return Region.objects.valid_on(day).filter(code=code.ljust(12, "0")).first()


def regions_at(parts: Iterable[tuple[str, str]], day: date) -> list[Region]:
    """All divisions valid on the day in these (code prefix, level) parts."""
    ordered = sorted(parts)
    return list(
        Region.objects.raw(
            "SELECT region.* FROM unnest(%s::text[], %s::text[], %s::text[]) AS part(low, high, level)"
            " JOIN villages_region AS region ON region.level = part.level"
            "  AND region.code >= part.low AND region.code < part.high"
            " WHERE (region.valid_from IS NULL OR region.valid_from <= %s)"
            "  AND (region.valid_to IS NULL OR region.valid_to > %s)",
            [
                [prefix for prefix, _ in ordered],
                [after(prefix) for prefix, _ in ordered],
                [level for _, level in ordered],
                day,
                day,
            ],
        )
    )


def ancestor_codes(code: str) -> list[str]:
    """Codes of the divisions this one may lie in, the province first.

    >>> ancestor_codes("410324100203")
    ['410000000000', '410300000000', '410324000000', '410324100000']
    """
    shorter = [code[:digits].ljust(12, "0") for digits in OWN_DIGITS.values()]
    return [one for one in dict.fromkeys(shorter) if one != code]


def ancestors(region: Region, day: date) -> list[Region]:
    """The divisions this one lay in on the day, the province first."""
    found = Region.objects.valid_on(day).filter(code__in=ancestor_codes(region.code))
    return list(found.order_by("code"))


def full_name(region: Region, day: date) -> str:
    """The name with those of the city, county and town before it: 洛阳市栾川县城关镇陈家门村.

    Committees are left out (陈家门村村民委员会). The province comes first only where the city exists
    in the statistical list alone (市辖区, 省直辖县级行政区划) and is no part of any name.
    """
    chain = [*ancestors(region, day), region]
    real = [one for one in chain if not (one.level == Level.CITY and one.statistical_only)]
    has_city = any(one.level == Level.CITY for one in real)
    if has_city:
        real = [one for one in real if one.level != Level.PROVINCE]
    return "".join(short_name(one.name) for one in real or chain)


def children(region: Region, day: date, actor: Actor) -> QuerySet[Region]:
    """The divisions directly below this one on the day, as far as the actor sees them."""
    # By the parent's code: a child that goes on keeps one row while its parent changes its name.
    return (
        Region.objects.visible_to(actor)
        .valid_on(day)
        .filter(below(region.prefix, "code"), parent__code=region.code)
        .order_by("code")
    )


def resolution_rows(city_prefix: str, day: date) -> list[tuple[str, str, str, int, str]]:
    """(county key, town key, village key, village id, village code) of all villages below a prefix.

    For finding a village from the words 县, 乡, 村, from the top down: a village's name is unique in
    its town only (311 names are shared across 洛阳). Keys are those of `match_key`. Where a town
    lies under the city directly (东莞), the county key is the city's.
    """
    rows = list(
        Region.objects.valid_on(day)
        .below(city_prefix)
        .order_by("code")
        .values_list("code", "name", "level", "pk")
    )
    keys = {code: match_key(name) for code, name, _, _ in rows}
    return [
        (keys[f"{code[:6]}000000"], keys[f"{code[:9]}000"], keys[code], pk, code)
        for code, _, level, pk in rows
        if level == Level.VILLAGE
    ]


def former_names(city_prefix: str, day: date) -> dict[tuple[str, str, str], set[tuple[int, str]]]:
    """(county key, town key, village key) of former names and codes → (id, code) of villages today.

    What a village, its town or its county was called before, or is still called by whoever has an
    older list, alone and together; without a county ("") as well, and ("", "", former code). A name
    that led to two villages of today keeps both.
    """
    versions: dict[str, set[str]] = defaultdict(set)
    region: dict[int, tuple[str, str, str]] = {}
    current: dict[str, int] = {}
    valid = set(Region.objects.valid_on(day).below(city_prefix).values_list("pk", flat=True))
    listed = Region.objects.below(city_prefix).values_list("pk", "code", "name", "level")
    for pk, code, name, level in listed:
        region[pk] = (code, match_key(name), level)
        versions[code].add(match_key(name))
        if pk in valid:
            current[code] = pk
    before: dict[int, set[int]] = defaultdict(set)
    for old, new in RegionSuccession.objects.filter(
        old__in=region, new__in=region, effective_on__lte=day
    ).values_list("old_id", "new_id"):
        before[new].add(old)
    found: dict[tuple[str, str, str], set[tuple[int, str]]] = defaultdict(set)
    for code, pk in current.items():
        if region[pk][2] != Level.VILLAGE:
            continue
        counties = _names_so_far(current.get(f"{code[:6]}000000"), before, region)
        towns = _names_so_far(current.get(f"{code[:9]}000"), before, region)
        for one in _with_former(pk, before):
            then, name, _ = region[one]
            here = versions[f"{then[:6]}000000"] | counties
            for town in versions[f"{then[:9]}000"] | towns:
                for county in here | {""}:
                    found[county, town, name].add((pk, code))
            if then != code:
                found["", "", then].add((pk, code))
    return found


def _with_former(pk: int, before: Mapping[int, set[int]]) -> set[int]:
    """A division and everything it came from, however many steps back."""
    met, ahead = {pk}, [pk]
    while ahead:
        for old in before.get(ahead.pop(), ()):
            if old not in met:
                met.add(old)
                ahead.append(old)
    return met


def _names_so_far(
    pk: int | None, before: Mapping[int, set[int]], region: Mapping[int, tuple[str, str, str]]
) -> set[str]:
    return set() if pk is None else {region[one][1] for one in _with_former(pk, before)}


def version_shown(code: str, day: date, actor: Actor) -> Region | None:
    """The division as it stood on the day; when there was none, its youngest version known."""
    versions = Region.objects.visible_to(actor).filter(code=code.ljust(12, "0"))
    youngest = F("valid_from").desc(nulls_last=True)
    return versions.valid_on(day).first() or versions.order_by(youngest).first()


def granted_regions(day: date, actor: Actor) -> QuerySet[Region]:
    """The divisions at the head of the actor's grants: where a person starts to read."""
    heads = [prefix.ljust(12, "0") for prefix in actor.region_prefixes]
    return Region.objects.valid_on(day).filter(code__in=heads).order_by("code")


@dataclass(frozen=True, slots=True)
class Line:
    """One division in a table: what lies below it, and how many of its villages are poor.

    Without village facts of the year the last three are None: not known is not none.
    """

    region: Region
    counties: int
    towns: int
    villages: int
    poor_villages: int | None
    exited_villages: int | None
    exited_year: int | None


def lines(regions: QuerySet[Region], day: date, actor: Actor) -> list[Line]:
    """The rows of a table of divisions with counts of the day and facts of its year.

    Four queries however many divisions, when all are of one level.
    """
    came_from = RegionSuccession.objects.select_related("old").order_by("old__code")
    listed = list(regions.prefetch_related(Prefetch("predecessors", came_from)))
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    for length in {len(region.prefix) for region in listed}:
        prefixes = [region.prefix for region in listed if len(region.prefix) == length]
        span = (min(prefixes), after(max(prefixes)))
        for row in [*_counts(span, length, day, actor), *_poor(span, length, day.year, actor)]:
            counts[row.pop("place")].update(row)
    return [_line(region, counts[region.prefix]) for region in listed]


def _line(region: Region, counts: Mapping[str, int]) -> Line:
    return Line(
        region,
        counties=counts.get("county", 0),
        towns=counts.get("town", 0),
        villages=counts.get("village", 0),
        poor_villages=counts.get("poor"),
        exited_villages=counts.get("exited"),
        exited_year=counts.get("exited_year"),
    )


def _counts(span: tuple[str, str], length: int, day: date, actor: Actor) -> list[dict[str, Any]]:
    """Divisions per level inside each code prefix of this length."""
    inside = Region.objects.visible_to(actor).valid_on(day)
    levels = ("county", "town", "village")
    rows: Iterable[Any] = (
        inside.filter(code__gte=span[0], code__lt=span[1])
        .order_by()
        .values(place=Substr("code", 1, length))
        .annotate(**{level: Count("pk", Q(level=level)) for level in levels})
    )
    return list(rows)


def _poor(span: tuple[str, str], length: int, year: int, actor: Actor) -> list[dict[str, Any]]:
    """Poor villages of the year, and those exited by then, inside each code prefix."""
    facts = VillageYear.objects.visible_to(actor).filter(year=year)
    return list(
        facts.filter(region_code__gte=span[0], region_code__lt=span[1])
        .order_by()
        .values(place=Substr("region_code", 1, length))
        .annotate(
            poor=Count("pk", Q(is_poor_village=True)),
            exited=Count("exited_year"),
            # Of one village its own year; of more, nobody asks.
            exited_year=Max("exited_year"),
        )
    )


def county_facts(region: Region, year: int, actor: Actor) -> CountyYear | None:
    """What the county is in this year, None for other levels and unknown years."""
    known = CountyYear.objects.visible_to(actor).filter(region_code=region.code, year=year)
    return cast("CountyYear | None", known.first())


def population_bases(region: Region, year: int, actor: Actor) -> QuerySet[Any]:
    """The denominators known for this division and year (persons), one per basis."""
    known = PopulationBase.objects.visible_to(actor)
    return known.filter(region_code=region.code, year=year).order_by("basis")


def neighbours_in_time(region: Region) -> list[RegionSuccession]:
    """What this division came from and what became of it, oldest first."""
    links = RegionSuccession.objects.select_related("old", "new")
    return list(links.filter(Q(old=region) | Q(new=region)).order_by("effective_on", "old__code"))


def lists_of(region: Region) -> list[date]:
    """Days of the published lists that told the division's own level, oldest first."""
    prefixes = {region.code[:length] for length in (2, 4, 6)}
    lists = RegionList.objects.filter(prefix__in=prefixes, level=region.level)
    return list(lists.order_by("as_of").values_list("as_of", flat=True).distinct())


def years_known(actor: Actor) -> set[int]:
    """Years of which a list or village facts are known."""
    listed = RegionList.objects.order_by().values_list("as_of__year", flat=True).distinct()
    facts = VillageYear.objects.visible_to(actor).order_by().values_list("year", flat=True)
    return set(listed) | set(facts.distinct())


TILES = Path(__file__).parent.parent / "data" / "county_tiles.csv"


def county_tiles(city_code: str, day: date) -> dict[str, tuple[str, int, int]]:
    """County code → (short name, column, row) of the position drawing valid on the day.

    Positions are our own arrangement by neighbourhood, not a map.
    """
    with TILES.open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["city_code"] == city_code]
    return {
        row["county_code"]: (row["short_name"], int(row["col"]), int(row["row"]))
        for row in rows
        if (not row["valid_from"] or row["valid_from"] <= day.isoformat())
        and (not row["valid_to"] or row["valid_to"] >= day.isoformat())
    }
