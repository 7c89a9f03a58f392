"""A large ledger of one year: 100,000 entries and 200,000 payments, and what its pages take.

Filled by statements, but through every trigger of the ledger: nothing is switched off.
"""

import re
import statistics
from decimal import Decimal
from time import perf_counter
from typing import Any

from django.db import connection, transaction

BAR_MS, BAR_FRESH_SECONDS = 200, 5
SOURCES, ARRIVALS, UNITS, PAYMENTS_OF_A_VOUCHER = 200, 10, 2, 5
# Vouchers that pay; with those that arrive and allot, some 50,000 with two entries each.
PAYING = 40_000

_SOURCES = """
INSERT INTO funds_source (doc_no, title, level, kind, batch, year, issued_on, issuer, purpose, amount,
                          region_id, region_code, created_by_id)
SELECT '豫财农〔2018〕' || n || '号', '财政专项扶贫资金',
       (ARRAY['CENTRAL', 'PROVINCE', 'CITY', 'COUNTY'])[1 + n %% 4],
       (ARRAY['11', '21', '31', '51'])[1 + n %% 4], 1 + n %% 3, 2018, '2018-01-02', '财政厅', '',
       15035000, r.id, r.code, %(clerk)s
  FROM generate_series(1, %(sources)s) AS n
  JOIN villages_region r ON r.code = '410300000000' AND r.valid_to IS NULL
"""
# Pools of the city and its counties, allotments of units and their paid sides.
_ACCOUNTS = """
INSERT INTO funds_account (source_id, kind, region_id, region_code, unit, year)
SELECT s.id, k.kind, r.id, r.code, CASE WHEN k.kind = 'POOL' THEN '' ELSE '单位' || k.unit END, 2018
  FROM funds_source s
  JOIN villages_region r ON r.code LIKE '4103%%' AND r.level IN ('city', 'county')
                        AND r.valid_to IS NULL
  JOIN (SELECT 'POOL' AS kind, 0 AS unit
        UNION ALL SELECT a, u FROM unnest(ARRAY['ALLOTMENT', 'PAID']) AS a,
                         generate_series(1, %(units)s) AS u) AS k
    ON k.kind = 'POOL' OR r.level = 'county'
"""
# {moves}: rows of (from account, into account, yuan, day, kind of voucher).
_VOUCHERS = """
CREATE TEMP TABLE moved AS
SELECT row_number() OVER () AS n, m.*, a.region_code FROM ({moves}) AS m (gives, takes, yuan, on_day, kind)
  JOIN funds_account a ON a.id = gives;
INSERT INTO funds_voucher (region_code, year, kind, taken_on, reason, document, key, amount, legs, state,
                           created_by_id, decided_why)
SELECT region_code, 2018, kind, on_day, '资金业务', '洛财〔2018〕1号', kind || n, yuan, 2, 'PENDING',
       %(clerk)s, '' FROM moved;
INSERT INTO funds_entry (voucher_id, account_id, region_code, amount)
SELECT v.id, side.account, a.region_code, side.yuan
  FROM moved m JOIN funds_voucher v ON v.key = m.kind || m.n AND v.region_code = m.region_code
 CROSS JOIN LATERAL (VALUES (gives, -yuan), (takes, yuan)) AS side (account, yuan)
  JOIN funds_account a ON a.id = side.account;
"""
_PAYMENTS = """
INSERT INTO funds_payment (voucher_id, account_id, region_code, payee_kind, payee, subsidy, amount)
SELECT v.id, m.gives, m.region_code, 'CONTRACTOR', '施工单位' || p, '', m.yuan / %(many)s
  FROM moved m JOIN funds_voucher v ON v.key = m.kind || m.n AND v.region_code = m.region_code
 CROSS JOIN generate_series(1, %(many)s) AS p;
"""
_POST = """
UPDATE funds_voucher SET state = 'POSTED', decided_by_id = %(second)s, decided_at = now()
 WHERE state = 'PENDING';
DROP TABLE moved;
"""
_ARRIVE = """
SELECT o.id, p.id, 1500000.00, make_date(2018, 1, 2 + n), 'ARRIVE'
  FROM funds_account o
  JOIN funds_account p ON p.source_id = o.source_id AND p.kind = 'POOL'
                      AND p.region_code = o.region_code
 CROSS JOIN generate_series(0, %(arrivals)s - 1) AS n
 WHERE o.kind = 'OUTSIDE'
"""
_HAND_DOWN = """
SELECT c.id, p.id, 800000.00, make_date(2018, 1, 12), 'ALLOCATE'
  FROM funds_account c
  JOIN funds_account p ON p.source_id = c.source_id AND p.kind = 'POOL'
                      AND p.region_code <> c.region_code
 WHERE c.kind = 'POOL' AND c.region_code = '410300000000'
"""
_ALLOT = """
SELECT p.id, a.id, 380000.00, make_date(2018, 1, 15), 'ALLOCATE'
  FROM funds_account p
  JOIN funds_account a ON a.source_id = p.source_id AND a.kind = 'ALLOTMENT'
                      AND a.region_code = p.region_code
 WHERE p.kind = 'POOL' AND p.region_code <> '410300000000'
"""
_PAY = """
SELECT a.id, d.id, 50000.00, make_date(2018, 1 + (a.id + n)::int %% 12, 20), 'PAY'
  FROM funds_account a
  JOIN funds_account d ON d.source_id = a.source_id AND d.kind = 'PAID'
                      AND d.region_code = a.region_code AND d.unit = a.unit
 CROSS JOIN generate_series(0, 7) AS n
 WHERE a.kind = 'ALLOTMENT'
 ORDER BY n, a.id LIMIT %(paying)s
"""


def fill(clerk: int, second: int) -> None:
    """The whole ledger; raises what the ledger would raise."""
    values = {
        "clerk": clerk, "second": second, "sources": SOURCES, "units": UNITS,
        "arrivals": ARRIVALS, "paying": PAYING, "many": PAYMENTS_OF_A_VOUCHER,
    }  # fmt: skip
    with connection.cursor() as cursor:
        with transaction.atomic():
            cursor.execute(_SOURCES, values)
            cursor.execute(_ACCOUNTS, values)
        for moves, more in ((_ARRIVE, ""), (_HAND_DOWN, ""), (_ALLOT, ""), (_PAY, _PAYMENTS)):
            with transaction.atomic():
                # Keys are looked up by what was just inserted.
                cursor.execute(_VOUCHERS.replace("{moves}", moves) + more, values)
                cursor.execute("ANALYZE funds_voucher; ANALYZE funds_entry; ANALYZE funds_account")
                cursor.execute(_POST, values)
        cursor.execute("ANALYZE funds_monthflow; ANALYZE funds_payment")


def bench_funds(client: Any, rounds: int) -> dict[str, Any]:
    """Seconds to fill, milliseconds of the pages, and from a posted voucher to the figure on the page."""
    from django.contrib.auth import get_user_model

    users = get_user_model()
    clerk, second = (
        users.objects.create(username=f"benchfunds{n}", display_name="测试").pk for n in (1, 2)
    )
    begun = perf_counter()
    fill(clerk, second)
    report: dict[str, Any] = {"fill_seconds": round(perf_counter() - begun, 1)}
    with connection.cursor() as cursor:
        for table in ("source", "account", "voucher", "entry", "payment", "monthflow"):
            cursor.execute(f"SELECT count(*) FROM funds_{table}")  # noqa: S608
            report[f"{table}_rows"] = cursor.fetchone()[0]
    addresses = {
        "board": "/funds/?year=2018",
        "board_month": "/funds/?year=2018&month=2018-06",
        "board_county": "/funds/board/410324/?year=2018",
        "receipt": "/funds/figures/4103/paid/?year=2018",
        "accounts": "/funds/figures/4103/arrived/accounts/?year=2018",
        "entries": "/funds/figures/4103/paid/entries/?year=2018",
        "idle": "/funds/figures/4103/idle/?kind=allotment&year=2018",
        "dashboard": "/?year=2018",
    }
    for name, address in addresses.items():
        report[name] = _pages(client, address, rounds)
    report["fresh_seconds"] = _fresh(client, clerk, second)
    report["fresh_bar_seconds"] = BAR_FRESH_SECONDS
    return report


def _pages(client: Any, address: str, rounds: int) -> dict[str, float]:
    assert client.get(address).status_code == 200, address
    times = []
    for _ in range(rounds):
        begun = perf_counter()
        client.get(address)
        times.append((perf_counter() - begun) * 1000)
    times.sort()
    return {
        "p50_ms": round(statistics.median(times), 1),
        "p95_ms": round(times[int(len(times) * 0.95)], 1),
        "bar_ms": BAR_MS,
    }


def _spent(client: Any) -> Decimal:
    """What the board's curve says was spent at its end, to the fen."""
    page = client.get("/funds/?year=2018").content.decode()
    found = re.findall(r'<td class="num">([\d,.]+)</td></tr></tbody></table></details>', page)
    return Decimal(found[0].replace(",", ""))


def _fresh(client: Any, clerk: int, second: int) -> float:
    """Seconds from the moment a payment of 12,345.67 yuan is posted until the page says so."""
    moves = (
        "SELECT a.id, d.id, 12345.67, make_date(2018, 12, 20), 'PAY' FROM funds_account a"
        " JOIN funds_account d ON d.source_id = a.source_id AND d.kind = 'PAID'"
        " AND d.region_code = a.region_code AND d.unit = a.unit"
        " WHERE a.kind = 'ALLOTMENT' AND a.balance > 12345.67 LIMIT 1"
    )
    statement = (_VOUCHERS.replace("{moves}", moves) + _PAYMENTS).replace(
        "kind || n", "'fresh' || n"
    )
    values = {"clerk": clerk, "second": second, "many": 1}
    with connection.cursor() as cursor, transaction.atomic():
        cursor.execute(statement.replace("m.kind || m.n", "'fresh' || m.n"), values)
    before = _spent(client)
    begun = perf_counter()
    with connection.cursor() as cursor, transaction.atomic():
        cursor.execute(_POST, values)
    after = _spent(client)
    assert after - before == Decimal("12345.67"), (before, after)
    return round(perf_counter() - begun, 3)
