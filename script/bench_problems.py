"""A large ledger of problems: 50,000 with their steps, papers, letters and looks, and its pages.

Filled by statements, but through every trigger of the ledger: nothing is switched off.
"""

import statistics
from datetime import timedelta
from time import perf_counter
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

MANY = 50_000
# The bars of the register's own pages: a bare list, a combined search, a dashboard, a board.
LIST_MS, COMBINED_MS, DASHBOARD_MS, BOARD_MS = 100, 250, 50, 200

# The share of a hundred says how far a problem comes: 0-59 closed, 60-64 watched, 65-69 found,
# 70-77 assigned, 78-85 measured, 86-90 claimed,
# 91-94 verified, 95-99 returned.
_MADE = """
CREATE TEMP TABLE made AS
WITH village AS (
    SELECT v.id, v.code, row_number() OVER (ORDER BY md5(v.code)) AS n, count(*) OVER () AS many,
           (SELECT household_id FROM households_householdyear
             WHERE partition_id = %(year)s AND village_code = v.code
             ORDER BY household_id LIMIT 1) AS household
      FROM villages_region v
     WHERE v.level = 'village' AND v.code ^@ '4103' AND v.valid_to IS NULL)
SELECT one.n, v.id AS region_id, v.code, v.household, share,
       CASE WHEN share < 65 THEN %(today)s::date - 400 - one.n %% 2600
            WHEN share < 70 THEN %(today)s::date - one.n %% 30
            ELSE %(today)s::date - 40 - one.n %% 150 END AS found_on,
       substr(c.name, 1, 20) || (ARRAY['民政局', '财政局', '住建局', '教育局', '水利局', '扶贫办'])[1 + one.n %% 6]
           AS unit
  FROM (SELECT n, n * 7919 %% 100 AS share FROM generate_series(1, %(many)s) AS n) AS one
  JOIN village v ON v.n = 1 + one.n %% v.many
  JOIN villages_region c ON c.code = left(v.code, 6) || '000000' AND c.valid_to IS NULL
"""
_FINDINGS = """
INSERT INTO inspections_finding (
    number, source, level, told_as, category_id, severity, fact, basis, object_kind, region_id,
    region_code, household_id, cadre, found_on, needs_watch, origin, state, position, lead_unit,
    duty_name, rung, relapses, entered_by_id)
SELECT 'B' || lpad(n::text, 8, '0'),
       (ARRAY['TOUR', 'SUPERVISION', 'AUDIT', 'UNANNOUNCED', 'CROSS_CHECK', 'SELF_CHECK'])[1 + n %% 6],
       (ARRAY['CENTRAL', 'PROVINCE', 'CITY', 'COUNTY'])[1 + n %% 4], '反馈第' || n || '条',
       (SELECT min(code) FROM inspections_findingclass),
       (ARRAY['ORDINARY', 'ORDINARY', 'SERIOUS', 'GRAVE'])[1 + n %% 4],
       '第' || n || '号问题：帮扶措施没有落实到户，台账与实际不符', '',
       CASE WHEN household IS NOT NULL AND n %% 3 = 0 THEN 'HOUSEHOLD' ELSE 'PLACE' END,
       region_id, code, CASE WHEN n %% 3 = 0 THEN household END, '', found_on,
       share BETWEEN 60 AND 64, 'ENTERED', '', 0, '', '', 0, 0, %(clerk)s
  FROM made
"""
_STEPS = """
INSERT INTO inspections_findingstep (finding_id, region_code, position, state, taken_on, words,
                                     lead_unit, duty_name, due_on, due_source, created_by_id)
SELECT f.id, f.region_code, %(at)s, %(state)s, m.found_on + %(days)s, '办理意见',
       CASE %(state)s WHEN 'ASSIGNED' THEN m.unit ELSE '' END,
       CASE %(state)s WHEN 'ASSIGNED' THEN '责任人' || m.n %% 40 ELSE '' END,
       CASE %(state)s WHEN 'ASSIGNED' THEN m.found_on + 62 END,
       CASE %(state)s WHEN 'ASSIGNED' THEN '反馈要求' ELSE '' END, %(by)s
  FROM made m JOIN inspections_finding f ON f.number = 'B' || lpad(m.n::text, 8, '0')
 WHERE m.share BETWEEN %(low)s AND %(high)s OR m.share BETWEEN %(low2)s AND %(high2)s
 ORDER BY m.n
"""
_PAPERS = """
INSERT INTO inspections_findingpaper (finding_id, region_code, position, note, media_type, sha256,
                                      size, created_by_id)
SELECT f.id, f.region_code, 3, '', 'image/jpeg', encode(sha256(f.number::bytea), 'hex'), 1,
       %(clerk)s
  FROM made m JOIN inspections_finding f ON f.number = 'B' || lpad(m.n::text, 8, '0')
 WHERE m.share < 65 OR m.share >= 86
"""
_LOOKS = """
INSERT INTO inspections_findinglook (finding_id, region_code, position, taken_on, result, words,
                                     created_by_id)
SELECT id, region_code, position, closed_on + 30, 'HOLDS', '未见反弹', %(second)s
  FROM inspections_finding WHERE number ^@ 'B' AND state IN ('CLOSED', 'WATCHED') AND id %% 10 = 0
"""
# Steps in order: position, state, days after it was found, who, the shares that come so far.
_PATH = (
    (0, "FOUND", 0, "clerk", (0, 99), (0, 99)),
    (1, "ASSIGNED", 2, "clerk", (0, 64), (70, 99)),
    (2, "MEASURED", 10, "clerk", (0, 64), (78, 99)),
    (3, "CLAIMED", 20, "clerk", (0, 64), (86, 99)),
    (4, "VERIFIED", 30, "second", (0, 64), (91, 94)),
    (4, "RETURNED", 35, "second", (95, 99), (95, 99)),
    (5, "CLOSED", 39, "second", (0, 59), (0, 59)),
    (5, "WATCHED", 39, "second", (60, 64), (60, 64)),
)
_LETTERS = """
CREATE TEMP TABLE due AS
SELECT f.id, f.region_code, f.lead_unit, f.due_on, f.position,
       c.id AS county_id, c.code AS county_code
  FROM inspections_finding f
  JOIN villages_region c ON c.code = left(f.region_code, 6) || '000000' AND c.valid_to IS NULL
 WHERE f.number ^@ 'B' AND f.state IN ('ASSIGNED', 'MEASURED', 'RETURNED')
   AND f.due_on < %(today)s AND f.rung = %(rung)s - 1 AND f.id %% 8 = %(batch)s;
INSERT INTO inspections_letter (kind, region_id, region_code, unit, state, words, prepared_on,
                                received_by, reply, dropped_why)
SELECT %(kind)s, county_id, county_code, lead_unit, 'PREPARED', '', %(today)s, '', '', ''
  FROM due GROUP BY county_id, county_code, lead_unit
ON CONFLICT DO NOTHING;
INSERT INTO inspections_letteritem (letter_id, region_code, finding_id, occasion, due_on)
SELECT l.id, d.region_code, d.id,
       CASE %(rung)s WHEN 1 THEN 'D' || d.due_on ELSE 'L' || l.id END, d.due_on
  FROM due d JOIN inspections_letter l ON l.region_id = d.county_id AND l.unit = d.lead_unit
                                      AND l.kind = %(kind)s AND l.state = 'PREPARED';
DROP TABLE due;
"""


def fill(clerk: int, second: int, office: Any) -> None:
    """The whole ledger; raises what the ledger would raise. `office` issues the letters."""
    values: dict[str, Any] = {"clerk": clerk, "second": second, "today": timezone.localdate(), "many": MANY,
              "year": 2018}  # fmt: skip
    with connection.cursor() as cursor, transaction.atomic():
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(_MADE, values)
        cursor.execute(_FINDINGS, values)
        # Steps find their problem by its number.
        cursor.execute("ANALYZE made; ANALYZE inspections_finding")
        for at, state, days, who, (low, high), (low2, high2) in _PATH:
            if state == "CLAIMED":
                cursor.execute(_PAPERS, values)
            step = {"at": at, "state": state, "days": days, "by": values[who], "low": low,
                    "high": high, "low2": low2, "high2": high2}  # fmt: skip
            cursor.execute(_STEPS, step)
        cursor.execute(_LOOKS, values)
        cursor.execute("DROP TABLE made")
    # The last batch climbs all three, the first stays below the first letter.
    for kind, rung, batches in (("REMIND", 1, 7), ("SUPERVISE", 2, 4), ("ACCOUNT", 3, 2)):
        for batch in range(batches):
            with connection.cursor() as cursor, transaction.atomic():
                cursor.execute(_LETTERS, values | {"kind": kind, "rung": rung, "batch": batch})
            _issue(office)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE inspections_finding")
        cursor.execute("VACUUM ANALYZE inspections_findingstep")
        cursor.execute("VACUUM ANALYZE inspections_letter")
        cursor.execute("VACUUM ANALYZE inspections_letteritem")


def _issue(office: Any) -> None:
    """As the product does it, so that each says what it says."""
    from inspections.enums.letters import State
    from inspections.models import Letter
    from inspections.services.letters import sending

    today = timezone.localdate()
    with transaction.atomic():
        for letter in Letter.objects.filter(state=State.PREPARED).order_by("pk"):
            sending.issue(
                letter=letter, on=today, reply_due_on=today + timedelta(days=10), by=office
            )


def bench_problems(client: Any, rounds: int) -> dict[str, Any]:
    """Seconds to fill, and milliseconds of the pages of a ledger of fifty thousand."""
    from django.contrib.auth import get_user_model

    users = get_user_model()
    clerk, second = (
        users.objects.create(username=f"benchproblems{n}", display_name="测试").pk for n in (1, 2)
    )
    begun = perf_counter()
    fill(clerk, second, users.objects.get(username="bench"))
    report: dict[str, Any] = {"fill_seconds": round(perf_counter() - begun, 1)}
    return report | measure(client, rounds)


def measure(client: Any, rounds: int) -> dict[str, Any]:
    """Rows, and milliseconds of each page."""
    report: dict[str, Any] = {}
    with connection.cursor() as cursor:
        for table in ("finding", "findingstep", "letter", "letteritem", "findinglook"):
            cursor.execute(f"SELECT count(*) FROM inspections_{table}")  # noqa: S608
            report[f"{table}_rows"] = cursor.fetchone()[0]
        cursor.execute("SELECT max(id) FROM inspections_finding WHERE state = 'RETURNED'")
        finding = cursor.fetchone()[0]
        cursor.execute("SELECT max(letter_id) FROM inspections_letteritem")
        letter = cursor.fetchone()[0]
    addresses = {
        "list": ("/findings/", LIST_MS),
        "list_county": ("/findings/?county=410324", LIST_MS),
        "list_late": ("/findings/?standing=overdue", LIST_MS),
        "list_closed": ("/findings/?state=CLOSED", LIST_MS),
        "list_combined": (
            "/findings/?county=410324&source=AUDIT&severity=GRAVE&found_from=2020-01-01"
            "&q=%E5%8F%B0%E8%B4%A6",
            COMBINED_MS,
        ),
        "list_words": ("/findings/?q=%E7%AC%AC49999%E5%8F%B7", COMBINED_MS),
        "finding": (f"/findings/{finding}/", LIST_MS),
        "calendar": ("/findings/calendar/", BOARD_MS),
        "watched": ("/findings/watched/", LIST_MS),
        "campaigns": ("/findings/campaigns/", LIST_MS),
        "board": ("/findings/board/", BOARD_MS),
        "board_county": ("/findings/board/410324/", BOARD_MS),
        "ranking": ("/findings/ranking/", BOARD_MS),
        "letters": ("/letters/", LIST_MS),
        "letter": (f"/letters/{letter}/", LIST_MS),
        "accountability": ("/letters/accountability/", LIST_MS),
        "gaps": ("/gaps/", BOARD_MS),
        "gaps_village": ("/gaps/of/410324/", BOARD_MS),
        "dashboard": ("/?year=2018", DASHBOARD_MS),
    }
    for name, (address, bar) in addresses.items():
        report[name] = _page(client, address, bar, rounds)
    machine = _machine()
    for resource in ("campaigns", "findings", "rectifications", "letters"):
        report[f"rest_{resource}"] = _page(machine, f"/api/v1/{resource}/", COMBINED_MS, rounds)
    return report


def _machine() -> Any:
    """A client of another system with a key of its own."""
    from django.test import Client

    from accounts.clients import services
    from accounts.models.client import MOST_REQUESTS, MOST_ROWS
    from core.sharing import Access, Resource

    machine = services.register(
        name=f"测试 {perf_counter()}", purpose="测量", region_prefix="4103", any_network=True,
        requests_per_minute=MOST_REQUESTS, rows_per_hour=MOST_ROWS, by=None,
    )  # fmt: skip
    services.set_scopes(
        client=machine,
        wishes={one: services.Wish("4103", frozenset(), Access.READ) for one in Resource},
        by=None,
    )
    _, key = services.issue_key(client=machine, life=timedelta(days=1), by=None)
    return Client(headers={"Authorization": f"Bearer {key}"})


def _page(client: Any, address: str, bar: int, rounds: int) -> dict[str, Any]:
    begun = perf_counter()
    status = client.get(address).status_code
    first = (perf_counter() - begun) * 1000
    assert status == 200, (address, status)
    times = []
    for _ in range(rounds):
        begun = perf_counter()
        client.get(address)
        times.append((perf_counter() - begun) * 1000)
    times.sort()
    return {
        "p50_ms": round(statistics.median(times), 1),
        "p95_ms": round(times[int(len(times) * 0.95)], 1),
        "first_ms": round(first, 1),
        "bar_ms": bar,
    }
