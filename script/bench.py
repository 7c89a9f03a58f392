"""What `script/bench` runs: each figure beside its floor, measured in the same run.

Databases of its own are made and dropped; the register that people use is not touched.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "povertyops.settings")


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@contextmanager
def database(name: str) -> Iterator[None]:
    """A scratch database that manage.py and this process use for a while."""
    import psycopg2
    from django.db import connection

    own = connection.get_connection_params() | {"cursor_factory": None}
    admin = psycopg2.connect(**own)
    admin.autocommit = True
    with admin.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name}")
        cursor.execute(f"CREATE DATABASE {name}")
    before = os.environ["DATABASE_URL"]
    os.environ["DATABASE_URL"] = f"{before.rpartition('/')[0]}/{name}"
    previous = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        manage("migrate", "-v", "0")
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = previous
        os.environ["DATABASE_URL"] = before
        with admin.cursor() as cursor:
            # Not by force: that asks for rights over the server's own vacuuming.
            cursor.execute(f"DROP DATABASE IF EXISTS {name}")
        admin.close()


def manage(*words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "manage.py", *words],
        cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    return done.stdout


def run(sql: str, values: list[Any] | None = None) -> list[tuple[Any, ...]]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall()) if cursor.description else []


def timed(work: Callable[[], Any]) -> float:
    started = monotonic()
    work()
    return monotonic() - started


def ratio(figure: float, floor: float) -> float:
    return round(figure / floor, 2) if floor else 0.0


# --- history -----------------------------------------------------------------------------------

ROW_TRIGGER = """
CREATE TABLE row_history AS SELECT 0::bigint AS history_id, now() AS history_at, p.*
  FROM households_personyear p LIMIT 0;
CREATE FUNCTION row_image() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    INSERT INTO row_history SELECT 1, clock_timestamp(), OLD.*;
    RETURN NEW;
END $body$;
CREATE TRIGGER row_image AFTER UPDATE ON households_personyear
    FOR EACH ROW EXECUTE FUNCTION row_image();
"""


def bench_history() -> dict[str, Any]:
    """One update of every person-year, rolled back: bare, with statement, with row triggers."""
    from django.db import transaction

    def update() -> float:
        return timed(
            lambda: run(
                "UPDATE households_personyear SET work_months = 5 WHERE partition_id = 2018"
            )
        )

    def variant(*prepare: str) -> float:
        with transaction.atomic():
            for sql in prepare:
                run(sql)
            seconds = update()
            transaction.set_rollback(True)
        run("VACUUM households_personyear")
        return seconds

    off = "ALTER TABLE households_personyear DISABLE TRIGGER "
    variant(off + "USER")
    bare = variant(off + "USER")
    statement = variant(off + "year_updated")
    marks = variant(off + "history_update")
    row = variant(off + "USER", ROW_TRIGGER)
    return {
        "rows": run("SELECT count(*) FROM households_personyear WHERE partition_id = 2018")[0][0],
        "bare_seconds": round(bare, 2),
        "statement_trigger_ratio": ratio(statement, bare),
        "dirty_marks_ratio": ratio(marks, bare),
        "row_trigger_ratio": ratio(row, bare),
    }


# --- metrics -----------------------------------------------------------------------------------

SINGLE_QUERY = """
CREATE TEMP TABLE by_hand AS
WITH members AS (
    SELECT household_id, count(*) AS n, bit_xor(hashint8extended(person_id, 0)) AS digest
      FROM households_personyear WHERE partition_id = 2018 GROUP BY household_id
), cells AS (
    SELECT y.village_code, y.exit_status, y.main_cause, y.household_attribute,
           coalesce(y.exit_year = 2018, false) AS in_year,
           coalesce(y.net_income_per_capita < 3208, false) AS below,
           count(*) AS households, sum(coalesce(m.n, 0)) AS persons,
           bit_xor(coalesce(m.digest, 0)) AS digest
      FROM households_householdyear y LEFT JOIN members m USING (household_id)
     WHERE y.partition_id = 2018 GROUP BY 1, 2, 3, 4, 5, 6
), placed AS (
    SELECT place, exit_status, main_cause, household_attribute, in_year, below,
           sum(households) AS households, sum(persons) AS persons, bit_xor(digest) AS digest
      FROM cells CROSS JOIN LATERAL (VALUES (village_code),
           (rpad(left(village_code, 9), 12, '0')), (rpad(left(village_code, 6), 12, '0')),
           (rpad(left(village_code, 4), 12, '0'))) AS up (place)
     GROUP BY 1, 2, 3, 4, 5, 6
), headline AS (
    SELECT place, sum(persons) AS p1, sum(households) AS h1, bit_xor(digest) AS d1,
           sum(persons) FILTER (WHERE exit_status IN ('0', '2', '3')) AS p2,
           sum(households) FILTER (WHERE exit_status IN ('0', '2', '3')) AS h2,
           bit_xor(digest) FILTER (WHERE exit_status IN ('0', '2', '3')) AS d2,
           sum(persons) FILTER (WHERE exit_status IN ('1', '4')) AS p3,
           sum(households) FILTER (WHERE exit_status IN ('1', '4')) AS h3,
           bit_xor(digest) FILTER (WHERE exit_status IN ('1', '4')) AS d3,
           sum(persons) FILTER (WHERE exit_status = '3') AS p4,
           sum(households) FILTER (WHERE exit_status = '3') AS h4,
           bit_xor(digest) FILTER (WHERE exit_status = '3') AS d4,
           sum(persons) FILTER (WHERE exit_status IN ('1', '4') AND in_year) AS p5,
           sum(households) FILTER (WHERE exit_status IN ('1', '4') AND in_year) AS h5,
           bit_xor(digest) FILTER (WHERE exit_status IN ('1', '4') AND in_year) AS d5,
           sum(persons) FILTER (WHERE exit_status IN ('1', '4') AND below) AS p6,
           sum(households) FILTER (WHERE exit_status IN ('1', '4') AND below) AS h6,
           bit_xor(digest) FILTER (WHERE exit_status IN ('1', '4') AND below) AS d6
      FROM placed GROUP BY place
), additive AS (
    SELECT r.code AS place, metric, '' AS category, coalesce(p, 0) AS numerator,
           coalesce(h, 0) AS households, coalesce(d, 0) AS digest
      FROM villages_region r LEFT JOIN headline ON place = r.code
     CROSS JOIN LATERAL (VALUES ('registered', p1, h1, d1), ('remaining', p2, h2, d2),
           ('exited', p3, h3, d3), ('relapsed', p4, h4, d4), ('exited_in_year', p5, h5, d5),
           ('exited_below_line', p6, h6, d6)) AS figure (metric, p, h, d)
     WHERE r.code LIKE '4103%' AND r.valid_to IS NULL
    UNION ALL
    SELECT place, CASE WHEN exit_status IS NOT NULL THEN 'by_status'
                       WHEN main_cause IS NOT NULL THEN 'by_cause' ELSE 'by_attribute' END,
           coalesce(exit_status, main_cause, household_attribute), sum(persons),
           sum(households), bit_xor(digest)
      FROM placed GROUP BY GROUPING SETS ((place, exit_status), (place, main_cause),
                                          (place, household_attribute))
), poor AS (
    SELECT place, count(*) AS poor, count(exited_year) AS exited
      FROM villages_villageyear CROSS JOIN LATERAL (VALUES (rpad(left(region_code, 9), 12, '0')),
           (rpad(left(region_code, 6), 12, '0')), (rpad(left(region_code, 4), 12, '0'))) AS up (place)
     WHERE year = 2018 AND is_poor_village GROUP BY place
)
SELECT place, metric, category, numerator, NULL::bigint AS denominator, households, digest
  FROM additive
UNION ALL
SELECT a.place, 'headcount_rate', '', a.numerator, b.persons, a.households, a.digest
  FROM additive a LEFT JOIN villages_populationbase b ON b.region_code = a.place AND b.year = 2018
 WHERE metric = 'remaining'
UNION ALL
SELECT a.place, 'exit_target', '', a.numerator, t.value, a.households, a.digest
  FROM additive a JOIN exits_target t
    ON t.region_code = a.place AND t.year = 2018 AND t.kind = 'persons'
 WHERE metric = 'exited_in_year'
UNION ALL
SELECT place, 'village_exit_rate', '', exited, poor, NULL, NULL FROM poor
"""


def bench_metrics() -> dict[str, Any]:
    from exits.services import recompute, recompute_dirty, roll_up

    say("指标：手写单条查询……")
    run("SET work_mem = '64MB'")
    floors = []
    for _ in range(3):
        floors.append(timed(lambda: run(SINGLE_QUERY)))
        differing = run(
            "SELECT count(*) FROM by_hand h JOIN exits_snapshot s ON s.region_code = h.place"
            " AND s.metric = h.metric AND s.category = h.category AND s.partition = 2018"
            " WHERE (s.numerator, s.households) IS DISTINCT FROM (h.numerator, h.households)"
            "   AND s.verdict <> 'NOT_COMPUTABLE'"
        )[0][0]
        compared = run("SELECT count(*) FROM by_hand")[0][0]
        run("DROP TABLE by_hand")
    floor = statistics.median(floors)
    say("指标：全市重算……")
    warm = [
        timed(lambda: recompute(prefix="4103", partition=2018, judging=False)) for _ in range(3)
    ]
    run("TRUNCATE exits_snapshot, exits_flowfigure")
    cold = timed(lambda: recompute(prefix="4103", partition=2018, judging=False))
    jobs = _by_jobs()
    village = run(
        "SELECT village_code FROM households_personyear WHERE partition_id = 2018 LIMIT 1"
    )
    code = village[0][0]

    def one_edit() -> None:
        run(
            "UPDATE households_personyear SET work_months = 3 WHERE id = (SELECT min(id) FROM"
            " households_personyear WHERE partition_id = 2018 AND village_code = %s)",
            [code],
        )
        from django.db import transaction

        with transaction.atomic():
            recompute_dirty(prefix=code[:6], partition=2018)
            roll_up(prefix=code[:6], partition=2018)

    edits = [timed(one_edit) for _ in range(5)]
    return {
        "figures": compared,
        "figures_that_differ_from_the_single_query": differing,
        "floor_seconds": round(floor, 3),
        "recompute_seconds": round(statistics.median(warm), 3),
        "ratio": ratio(statistics.median(warm), floor),
        "first_compute_seconds": round(cold, 3),
        "first_ratio": ratio(cold, floor),
        "two_processes_seconds": round(jobs, 3),
        "two_processes_ratio": ratio(jobs, floor),
        "bar": 1.5,
        "one_edit_to_figures_ms": round(statistics.median(edits) * 1000, 1),
    }


def _by_jobs() -> float:
    """The way the product does it: a county at a time in two worker processes, then the city."""
    from django.db import connection

    from exits.services import roll_up
    from exits.services.requests import counties_below

    counties = sorted(counties_below("4103"), key=_people, reverse=True)
    connection.close()
    code = (
        "import django, sys; django.setup()\n"
        "from exits.services import recompute_county\n"
        "from exits.models import Snapshot; Snapshot.objects.exists()\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "for county in sys.argv[1:]:"
        " recompute_county(county=county, partition=2018, judging=False)\n"
    )
    workers = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", code, *counties[start::2]],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for start in (0, 1)
    ]  # fmt: skip
    for worker in workers:
        worker.stdout.readline()  # type: ignore[union-attr]
    started = monotonic()
    for worker in workers:
        worker.stdin.write("\n")  # type: ignore[union-attr]
        worker.stdin.flush()  # type: ignore[union-attr]
    for worker in workers:
        worker.wait()
    roll_up(prefix="4103", partition=2018)
    return monotonic() - started


def _people(county: str) -> int:
    found = run(
        "SELECT count(*) FROM households_householdyear WHERE partition_id = 2018"
        " AND village_code LIKE %s",
        [f"{county}%"],
    )
    return int(found[0][0])


# --- pages -------------------------------------------------------------------------------------


def signed_in() -> Any:
    """A client of the city office. Nobody counts how often it searches."""
    from django.conf import settings
    from django.test import Client
    from django.utils import timezone

    from accounts.models import Grant, User

    settings.ALLOWED_HOSTS = ["*"]
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS, "1000000/s")
    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)
    user, is_new = User.objects.get_or_create(
        username="bench", defaults={"display_name": "bench", "password": "!"}
    )
    if is_new:
        Grant.objects.create(
            user=user, role="CITY_OFFICE", region_prefix="4103", valid_from=timezone.localdate()
        )
    client = Client()
    client.force_login(user)
    return client


def bench_pages(rounds: int) -> dict[str, Any]:
    client = signed_in()
    addresses = {
        "dashboard": "/?year=2018",
        "dashboard_county": "/regions/410324/?year=2018",
        "list": "/households/?year=2018",
        "list_county": "/households/?year=2018&region=410324",
        "list_status": "/households/?year=2018&status=0",
        "list_cause_county": "/households/?year=2018&region=410329&cause=01&status=0",
        "list_income": "/households/?year=2018&income_below=3000",
        "list_name": "/households/?year=2018&q=" + "王",
        "persons": "/households/persons/?year=2018&region=410328",
    }
    found = {}
    for name, address in addresses.items():
        assert client.get(address).status_code == 200, address
        times = sorted(timed(lambda a=address: client.get(a)) * 1000 for _ in range(rounds))
        found[name] = {
            "p50_ms": round(statistics.median(times), 1),
            "p95_ms": round(times[int(len(times) * 0.95)], 1),
            "bar_ms": 50 if name.startswith("dashboard") else 100,
        }
    return found


def _beside(only: set[str], folder: Path, rounds: int) -> dict[str, Any]:
    """The figures of the city that modules of their own measure."""
    from bench_export import bench_export
    from bench_funds import bench_funds
    from bench_payments import bench_payments
    from bench_problems import bench_problems
    from bench_readiness import bench_readiness
    from bench_walls import bench_walls

    benches: dict[str, Callable[[], Any]] = {
        "readiness": lambda: bench_readiness(signed_in()),
        "walls": bench_walls,
        "export": lambda: bench_export(folder),
        "funds": lambda: bench_funds(signed_in(), rounds),
        "payments": lambda: bench_payments(folder),
        "problems": lambda: bench_problems(signed_in(), rounds),
    }
    return {name: bench() for name, bench in benches.items() if name in only}


def _without_a_city(only: set[str], options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """What needs no demo city: limits of samples on invented counties, and imports."""
    report: dict[str, Any] = {}
    if "coverage" in only:
        from bench_coverage import bench_coverage

        report["coverage"] = bench_coverage()
    if {"import", "growth"} & only:
        import bench_imports

        if "import" in only:
            report["import"] = bench_imports.bench_import(options.scale, folder)
        if "growth" in only:
            report["growth"] = bench_imports.bench_growth(options.scale, options.times, folder)
    return report


def _city(
    only: set[str], options: argparse.Namespace, folder: Path, report: dict[str, Any]
) -> None:
    from bench_find import bench_find

    from exits.services import recompute

    say("建演示城市……")
    report["make_demo_seconds"] = round(
        timed(lambda: manage("make_demo", "--scale", options.scale)), 1
    )
    for year in (2016, 2017, 2018):
        recompute(prefix="4103", partition=year)
    run("VACUUM ANALYZE")
    if "pages" in only:
        report["pages"] = bench_pages(options.rounds)
    if "find" in only:
        report["find"] = bench_find(signed_in(), options.rounds)
    report |= _beside(only, folder, options.rounds)
    if "metrics" in only:
        report["metrics"] = bench_metrics()
    if "history" in only:
        report["history"] = bench_history()
    # Last: the city is not the same afterwards.
    if "crowd" in only:
        from bench_crowd import crowd

        crowd(options.times)
        # Among so many more households finding may take twice as long.
        report["crowd"] = bench_find(signed_in(), options.rounds, allowance=2)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--scale", default="1.0")
    parser.add_argument("--only", default="import,metrics,pages,find,walls,history")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--times", type=int, default=10, help="growth, crowd: so many cities")
    options = parser.parse_args()
    import django

    django.setup()
    only = set(options.only.split(","))
    folder = Path(os.environ.get("POVERTYOPS_VAR", tempfile.gettempdir())) / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    report: dict[str, Any] = {"scale": float(options.scale), "cores": os.cpu_count()}
    report |= _without_a_city(only, options, folder)
    on_a_city = {"metrics", "pages", "find", "walls", "history", "export", "readiness", "crowd"}
    if only & (on_a_city | {"funds", "payments", "problems"}):
        with database("povertyops_bench_city"):
            _city(only, options, folder, report)
    print(json.dumps(report, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
