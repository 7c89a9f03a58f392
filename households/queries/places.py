"""Names of the divisions that households live in, as they stood at a year's end."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from core.scope import Actor, below
from villages.enums import Level
from villages.formulas import short_name
from villages.models import Region, RegionSuccession

# A village that was renamed or recoded more often than this shows its present name.
_LONGEST_CHAIN = 5


@dataclass(frozen=True, slots=True)
class Place:
    """Where a village lay: codes and names of county, town and village."""

    county_code: str = ""
    county: str = ""
    town_code: str = ""
    town: str = ""
    village_code: str = ""
    village: str = ""


NOWHERE = Place()


def year_end(year: int) -> date:
    """The day a year of the register speaks of."""
    return date(year, 12, 31)


def places_on(day: date, village_codes: Iterable[str]) -> dict[str, Place]:
    """Present village code → the place as it was called on the day.

    One query while all divisions are valid on the day. A village that got its code later is
    followed back to what it was then: a report on 2018 prints 孟津县, not 孟津区.
    """
    codes = set(village_codes)
    known = _names(codes, day)
    then = {code: code for code in codes if (Level.VILLAGE, code) in known}
    former = _former_codes(codes - set(then), day)
    if former:
        known |= _names(set(former.values()), day)
    return {code: _place(then.get(code) or former.get(code, code), known) for code in codes}


def _place(code: str, known: dict[tuple[str, str], str]) -> Place:
    county, town = f"{code[:6]}000000", f"{code[:9]}000"
    return Place(
        county_code=code[:6],
        county=known.get((Level.COUNTY, county), ""),
        town_code=code[:9],
        town=known.get((Level.TOWN, town), ""),
        village_code=code,
        village=short_name(known.get((Level.VILLAGE, code), code)),
    )


def _names(codes: set[str], day: date) -> dict[tuple[str, str], str]:
    wanted = {form for code in codes for form in (code, f"{code[:9]}000", f"{code[:6]}000000")}
    rows = Region.objects.valid_on(day).filter(code__in=wanted)
    return {(level, code): name for level, code, name in rows.values_list("level", "code", "name")}


def _former_codes(codes: set[str], day: date) -> dict[str, str]:
    """What these villages were called on the day, by the chain of their predecessors."""
    trail = {code: code for code in codes}
    found: dict[str, str] = {}
    for _ in range(_LONGEST_CHAIN):
        if not trail:
            break
        links = RegionSuccession.objects.filter(new__code__in=trail).select_related("old", "new")
        step: dict[str, str] = {}
        for link in links.order_by("old__code"):
            origin = trail[link.new.code]
            if link.old.is_valid_on(day):
                found.setdefault(origin, link.old.code)
            else:
                step.setdefault(link.old.code, origin)
        trail = {old: origin for old, origin in step.items() if origin not in found}
    return found


def is_known(prefix: str, actor: Actor) -> bool:
    """Whether a division with this code is, or ever was, in the lists."""
    return Region.objects.visible_to(actor).filter(code=prefix.ljust(12, "0")).exists()


def counties_for(actor: Actor, day: date) -> list[tuple[str, str]]:
    """(6-digit prefix, name) of the counties an actor can choose among."""
    return _choices(actor, day, Level.COUNTY, "")


def towns_for(actor: Actor, day: date, county: str) -> list[tuple[str, str]]:
    return _choices(actor, day, Level.TOWN, county) if county else []


def villages_for(actor: Actor, day: date, town: str) -> list[tuple[str, str]]:
    return _choices(actor, day, Level.VILLAGE, town) if town else []


def _choices(actor: Actor, day: date, level: str, prefix: str) -> list[tuple[str, str]]:
    regions = Region.objects.visible_to(actor).valid_on(day).filter(level=level)
    if prefix:
        regions = regions.filter(below(prefix, "code"))
    digits = {Level.COUNTY: 6, Level.TOWN: 9, Level.VILLAGE: 12}[Level(level)]
    rows = regions.order_by("code").values_list("code", "name")
    return [(code[:digits], short_name(name)) for code, name in rows]
