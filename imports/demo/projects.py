"""The demo city's projects of 2018, and what waits for 2019: written step by step, as the rules have it.

Everything goes in by COPY, but in the order in which offices do it: the database's triggers look at
each step, notice, report and beneficiary as if somebody had typed it.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection

from core.acting import acting
from imports.demo import budgets, schedule
from imports.demo import published as city
from imports.demo import published_money as p
from imports.demo.project_closing import ProjectWriter
from imports.demo.project_plan import Draft, Place, draft
from imports.demo.project_rows import CITY, OFFICES, PREFIX, SONG
from projects.models import Project


class NoPeopleError(Exception):
    """The demo logins or the demo city are missing."""


@dataclass(frozen=True)
class Ground:
    """What the drafts stand on: the city's villages and counties as they are in the database."""

    places: list[Place]
    households: dict[str, int]
    poor: frozenset[str]
    scale: float


def ground(cursor: Any) -> Ground:
    """Read it; the scale follows from the registered households of the end of 2017."""
    cursor.execute(_PLACES, {"year": p.YEAR, "prefix": PREFIX})
    places = [Place(*row) for row in cursor.fetchall()]
    households: Counter[str] = Counter()
    for one in places:
        if one.households:
            households[one.county] += one.households
    cursor.execute(
        "SELECT left(region_code, 6) FROM villages_countyyear"
        " WHERE year = %s AND poverty_level <> 'none' AND region_code ^@ %s",
        [p.YEAR, PREFIX],
    )
    poor = frozenset(row[0] for row in cursor.fetchall())
    cursor.execute(
        "SELECT count(*) FROM households_householdyear WHERE partition_id = %s"
        " AND village_code ^@ %s",
        [p.YEAR - 1, PREFIX],
    )
    share = cursor.fetchone()[0] / city.HOUSEHOLDS_2017
    return Ground(places, dict(households), poor, 1.0 if share > 0.99 else float(share))


_PLACES = """
SELECT v.region_code, r.name, v.is_poor_village, v.is_deep_poverty, coalesce(h.n, 0)
  FROM villages_villageyear v JOIN villages_region r ON r.id = v.region_id
  LEFT JOIN (SELECT village_code, count(*) AS n FROM households_householdyear
              WHERE partition_id = %(year)s GROUP BY village_code) AS h
         ON h.village_code = v.region_code
 WHERE v.year = %(year)s AND v.region_code ^@ %(prefix)s
 ORDER BY v.region_code
"""


def planned(found: Ground) -> tuple[list[Draft], list[budgets.CountyMoney]]:
    """The year's projects with their money and days, and every county's money; then those beside it."""
    drafts = draft(found.places, found.poor, found.scale)
    money = budgets.counties_money(found.households, found.poor, drafts, found.scale)
    budgets.set_budgets(drafts, money, found.scale)
    schedule.schedule(drafts, found.scale)
    drafts += schedule.beside([one for one in drafts if len(one.villages) == 1], found.scale)
    return drafts, money


def make_projects() -> dict[str, int]:
    """Make them, all or nothing; nothing where there are any. Raises NoPeopleError."""
    names = {*CITY, *SONG, "cunwei", *(name for office in OFFICES.values() for name in office)}
    people = {one.username: one for one in get_user_model().objects.filter(username__in=names)}
    if len(people) < len(names):
        raise NoPeopleError
    with acting(by=people["xiangmu"], reason="演示城市"), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [4103_0002])
        if Project.objects.filter(region_code__startswith=PREFIX).exists():
            return {}
        found = ground(cursor)
        if not found.households:
            raise NoPeopleError
        drafts, _ = planned(found)
        return ProjectWriter(cursor, drafts, people, found.scale).write()


__all__ = ["PREFIX", "NoPeopleError", "ground", "make_projects", "planned"]
