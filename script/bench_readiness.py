"""Readiness of the whole city: every household, village and county judged, one edit, the plans."""

import statistics
from collections.abc import Callable
from time import perf_counter
from typing import Any

from bench_walls import Someone
from django.db import connection, transaction

BAR_SECONDS, BAR_EDIT_SECONDS = 30, 5


def timed(work: Callable[[], Any]) -> float:
    begun = perf_counter()
    work()
    return perf_counter() - begun


def run(sql: str, values: list[Any] | None = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall()) if cursor.description else []


def judge(county: str) -> None:
    """The county's figures are stored; only readiness is judged."""
    from exits.services.figures import _Below, _values
    from exits.services.readiness import evaluate

    with transaction.atomic(), connection.cursor() as cursor:
        evaluate(cursor, _values(cursor, 2018, county), _Below(county), [county])


def one_edit(code: str) -> None:
    """A household's house is found to be dangerous, or mended: until its result is stored."""
    from exits.services import recompute_dirty, roll_up

    run(
        "UPDATE households_householdyear SET dangerous_house_level = CASE dangerous_house_level"
        " WHEN '4' THEN '1' ELSE '4' END WHERE id = (SELECT min(id) FROM households_householdyear"
        " WHERE partition_id = 2018 AND village_code = %s)",
        [code],
    )
    with transaction.atomic():
        recompute_dirty(prefix=code[:6], partition=2018)
        roll_up(prefix=code[:6], partition=2018)


def plan_of(county: str) -> tuple[float, Any]:
    """Seconds until the county's smallest plan is known, and the plan."""
    from exits.queries.obstacles import state_of
    from exits.queries.standards import standards_at
    from villages.models import Region

    region = Region.objects.valid_in_year(2018).get(code=f"{county}000000")
    begun = perf_counter()
    state = state_of(region, 2018, standards_at(county, 2018)[0], Someone(county))
    return perf_counter() - begun, state.plan("county")


def bench_readiness(client: Any, rounds: int = 20) -> dict[str, Any]:
    from exits.services.requests import counties_below

    counties = counties_below("4103")
    unchanged = [timed(lambda c=county: judge(c)) for county in counties]
    run("TRUNCATE exits_householdreadiness, exits_gateresult")
    first = [timed(lambda c=county: judge(c)) for county in counties]
    run("ANALYZE exits_householdreadiness, exits_gateresult")
    counted = run(
        "SELECT (SELECT count(*) FROM exits_householdreadiness WHERE partition = 2018),"
        " (SELECT count(*) FROM exits_gateresult WHERE partition = 2018)"
    )[0]
    code = run(
        "SELECT village_code FROM households_householdyear WHERE partition_id = 2018 LIMIT 1"
    )
    edits = [timed(lambda: one_edit(code[0][0])) for _ in range(5)]
    plans = {}
    for county in counties:
        begun = perf_counter()
        reading, plan = plan_of(county)
        plans[county] = {
            "seconds": round(perf_counter() - begun, 2),
            "reading_seconds": round(reading, 2),
            "items": plan.cost,
            "households": len(plan.households),
            "villages": len(plan.villages),
            "proven": plan.is_proven,
        }
    pages = {}
    for name, address in {
        "county": "/readiness/410324/?year=2018",
        "blockers": "/readiness/410324/blockers/?year=2018",
        "what_if": "/readiness/410324/what-if/?year=2018",
        "village": f"/readiness/{code[0][0]}/?year=2018",
    }.items():
        assert client.get(address).status_code == 200, address
        times = [timed(lambda a=address: client.get(a)) * 1000 for _ in range(rounds)]
        pages[name] = round(statistics.median(times), 1)
    return {
        "household_results": counted[0],
        "gate_results": counted[1],
        "whole_city_seconds": round(sum(first), 2),
        "whole_city_unchanged_seconds": round(sum(unchanged), 2),
        "bar_seconds": BAR_SECONDS,
        "one_edit_seconds": round(max(edits), 3),
        "bar_edit_seconds": BAR_EDIT_SECONDS,
        "plans": plans,
        "pages_p50_ms": pages,
    }
