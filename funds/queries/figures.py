"""How the money of a place stood at the end of a month: read from flows by month, which are whole
the moment a voucher is posted.

*Year* is the budget year of the source document, whatever year the money is in: what is carried
over stays money of its year. The end of a month is told by the vouchers' own dates. A place's money
is everything on accounts of the place and of the divisions below it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from core.scope import Actor, after, trim
from exits.enums import Metric
from exits.models import MetricDefinition, Snapshot
from funds.enums import AccountKind
from funds.formulas import Amounts
from funds.models import MonthFigure

_ZERO = Decimal(0)
FUND = "fund_"
EVERYTHING = "all"
# How the rows of a page tell the money apart: SQL of a key of `cells`, or of `s`ources.
PLACE, LEVEL, SOURCE_KIND, BATCH, MONTH = "place", "level", "kind", "batch", "month"

_CELLS = """
SELECT left(region_code, 6) AS place, level, source_kind, batch, month, kind, sum(net)
  FROM funds_monthtotal
 WHERE year = %(year)s AND region_code >= %(low)s AND region_code < %(high)s
   AND month <= %(month)s
 GROUP BY GROUPING SETS ((kind), (left(region_code, 6), kind), (level, kind), (source_kind, kind),
                         (batch, kind), (month, kind))
"""

# What the documents of the place announce, later changes included.
_ANNOUNCED = """
WITH told AS (
    SELECT left(region_code, 6) AS place, level, kind, batch, issued_on AS on_day, amount
      FROM funds_source
     WHERE year = %(year)s AND region_code >= %(low)s AND region_code < %(high)s
    UNION ALL
    SELECT left(s.region_code, 6), s.level, s.kind, s.batch, c.taken_on, c.amount
      FROM funds_sourcechange c JOIN funds_source s ON s.id = c.source_id
     WHERE s.year = %(year)s AND s.region_code >= %(low)s AND s.region_code < %(high)s
)
SELECT place, level, kind, batch, sum(amount)
  FROM told WHERE on_day < %(end)s
 GROUP BY GROUPING SETS ((), (place), (level), (kind), (batch))
"""


@dataclass
class State:
    """The money of a place at the end of a month, whole and told apart; `months` are not summed up."""

    whole: Amounts = field(default_factory=Amounts)
    places: dict[str, Amounts] = field(default_factory=dict)
    levels: dict[str, Amounts] = field(default_factory=dict)
    kinds: dict[str, Amounts] = field(default_factory=dict)
    batches: dict[str, Amounts] = field(default_factory=dict)
    months: dict[date, Amounts] = field(default_factory=dict)


def span(code: str) -> dict[str, str]:
    """The division's codes as a range, for statements."""
    prefix = trim(code)
    return {"low": prefix.ljust(12, "0"), "high": after(prefix).ljust(12, "0")}


def first_of_next(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def state(code: str, year: int, month: date) -> State:
    """Everything of a budget year in a place until the end of a month, in two queries.

    `places` are six-digit prefixes: counties, and the city's own accounts under its first six.
    """
    values: dict[str, Any] = {
        "year": year,
        "month": month,
        "end": first_of_next(month),
        **span(code),
    }
    parts: dict[tuple[str, Any], dict[str, Decimal]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_CELLS, values)
        for place, level, kind, batch, at, account, net in cursor.fetchall():
            key = _key(place, level, kind, batch, at)
            parts.setdefault(key, {})[account] = net
        cursor.execute(_ANNOUNCED, values)
        for place, level, kind, batch, amount in cursor.fetchall():
            if amount is not None:
                parts.setdefault(_key(place, level, kind, batch), {})["announced"] = amount
    found = State()
    groups: dict[str, dict[Any, Amounts]] = {
        PLACE: found.places, LEVEL: found.levels, SOURCE_KIND: found.kinds, BATCH: found.batches,
        MONTH: found.months,
    }  # fmt: skip
    for (group, key), told in parts.items():
        if group == EVERYTHING:
            found.whole = amounts(told)
        else:
            groups[group][key] = amounts(told)
    return found


def _key(
    place: str | None, level: str | None, kind: str | None, batch: int | None,
    month: date | None = None,
) -> tuple[str, Any]:  # fmt: skip
    for group, value in (
        (PLACE, place), (LEVEL, level), (SOURCE_KIND, kind), (MONTH, month),
        (BATCH, None if batch is None else str(batch)),
    ):  # fmt: skip
        if value is not None:
            return group, value
    return EVERYTHING, None


def amounts(net: Mapping[str, Decimal]) -> Amounts:
    """From the sums of a place's accounts by their kind, and what was announced."""
    pool, allotment, paid = (
        net.get(kind, _ZERO) for kind in (AccountKind.POOL, AccountKind.ALLOTMENT, AccountKind.PAID)
    )
    return Amounts(
        announced=net.get("announced", _ZERO),
        received=-net.get(AccountKind.OUTSIDE, _ZERO),
        arrived=pool + allotment + paid,
        allotted=allotment + paid,
        paid=paid,
    )


# What is left of each inflow of each holder when the oldest money goes first. A holder is a source's
# money of one division, unit or project; carrying it over changes neither holder nor age.
LEFT = """
WITH flows AS MATERIALIZED (
    SELECT holder_id, kind, month, net, came
      FROM funds_monthflow
     WHERE year = %(year)s AND region_code >= %(low)s AND region_code < %(high)s
       AND month <= %(month)s AND kind IN ('POOL', 'ALLOTMENT')
), held AS (
    SELECT holder_id, sum(net) AS balance FROM flows GROUP BY holder_id HAVING sum(net) > 0
), inflows AS (
    SELECT holder_id, kind, month, sum(came) AS came
      FROM flows WHERE came > 0 GROUP BY holder_id, kind, month
), aged AS (
    SELECT holder_id, kind, month, came, balance,
           coalesce(sum(came) OVER (PARTITION BY holder_id ORDER BY month DESC
                    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS younger
      FROM inflows JOIN held USING (holder_id)
), left_over AS MATERIALIZED (
    SELECT holder_id, kind, month, least(came, balance - younger) AS amount
      FROM aged WHERE balance > younger
)
"""
_IDLE = (
    LEFT
    + """
SELECT kind, NULL AS region_code, NULL AS unit, NULL::bigint AS project_id, sum(amount), month
  FROM left_over GROUP BY kind, month
UNION ALL
(SELECT l.kind, a.region_code, a.unit, a.project_id, sum(amount), min(l.month)
   FROM left_over l JOIN funds_account a ON a.id = l.holder_id
  GROUP BY l.kind, a.region_code, a.unit, a.project_id
  ORDER BY 5 DESC, 2, 3, 4 LIMIT %(many)s)
"""
)


@dataclass(frozen=True)
class Holder:
    """Who sits on how much, since when at the longest; the division's pool has no unit or project."""

    kind: str
    region_code: str
    unit: str
    project_id: int | None
    amount: Decimal
    since: date


def idle(
    code: str, year: int, month: date, many: int = 0
) -> tuple[dict[str, dict[date, Decimal]], list[Holder]]:
    """Idle money: kind of account → month in which it came → yuan left of it; and who holds most."""
    ages: dict[str, dict[date, Decimal]] = {AccountKind.POOL: {}, AccountKind.ALLOTMENT: {}}
    holders_found = []
    with connection.cursor() as cursor:
        cursor.execute(_IDLE, {"year": year, "month": month, "many": many, **span(code)})
        for kind, region_code, unit, project, amount, at in cursor.fetchall():
            if region_code is None:
                ages[kind][at] = amount
            else:
                holders_found.append(Holder(kind, region_code, unit, project, amount, at))
    return ages, holders_found


# Rows of a county's page: what each unit and project has had and spent, most first.
_HOLDERS = """
SELECT a.unit, a.project_id, a.region_code, sum(f.net) FILTER (WHERE f.kind = 'ALLOTMENT'),
       sum(f.net) FILTER (WHERE f.kind = 'PAID')
  FROM funds_monthflow f JOIN funds_account a ON a.id = f.account_id
 WHERE f.year = %(year)s AND f.region_code >= %(low)s AND f.region_code < %(high)s
   AND f.month <= %(month)s AND f.kind IN ('ALLOTMENT', 'PAID')
 GROUP BY 1, 2, 3
HAVING sum(f.net) <> 0
 ORDER BY sum(f.net) DESC, 1, 2, 3 LIMIT %(many)s
"""


def holders(
    code: str, year: int, month: date, many: int
) -> list[tuple[tuple[str, int | None, str], Amounts]]:
    """The units and projects (unit, project, division) that were allotted most, and their amounts."""
    with connection.cursor() as cursor:
        cursor.execute(_HOLDERS, {"year": year, "month": month, "many": many, **span(code)})
        return [
            (
                (unit, project, at),
                amounts(
                    {AccountKind.ALLOTMENT: allotment or _ZERO, AccountKind.PAID: paid or _ZERO}
                ),
            )
            for unit, project, at, allotment, paid in cursor.fetchall()
        ]


def told(code: str, year: int, actor: Actor, month: date | None = None) -> list[MonthFigure]:
    """The youngest editions of a place's month-ends, of all months or of one with its tallies."""
    rows = MonthFigure.objects.visible_to(actor).filter(year=year)
    if month is None:
        rows = rows.filter(region_code=code, category="")
    else:
        rows = rows.in_region(code).filter(month=month)
    order = ("region_code", "month", "category")
    return list(rows.order_by(*order, "-edition").distinct(*order))


def editions(code: str, year: int, month: date, actor: Actor) -> list[MonthFigure]:
    """Every edition of a place's month-end, the youngest first."""
    rows = MonthFigure.objects.visible_to(actor).select_related("created_by")
    found = rows.filter(region_code=code, year=year, month=month, category="")
    return list(found.order_by("-edition"))


def amounts_told(row: MonthFigure) -> Amounts:
    """In yuan, as everything else."""
    return Amounts(
        *(
            Decimal(getattr(row, name)).scaleb(-2)
            for name in ("announced", "received", "arrived", "allotted", "paid")
        )
    )


def state_told(code: str, rows: Iterable[MonthFigure]) -> State:
    """The state as a month-end tells it; batches are not told."""
    found = State()
    for row in rows:
        amount = amounts_told(row)
        kind, _, key = row.category.partition(":")
        if row.region_code == code:
            if not kind:
                found.whole = amount
            elif kind == LEVEL:
                found.levels[key] = amount
            else:
                found.kinds[key] = amount
        elif not kind:
            found.places[row.region_code[:6]] = amount
    if code.endswith("00000000"):
        rest = found.whole - sum(found.places.values(), Amounts())
        if not rest.is_empty:
            found.places[code[:6]] = rest
    return found


def definitions(code: str, year: int) -> dict[str, MetricDefinition]:
    """What the figures mean in a place and year: the newest version for the longest prefix."""
    rows = MetricDefinition.objects.filter(code__startswith=FUND, valid_from__lte=year)
    fitting = [
        row
        for row in rows
        if code.startswith(row.region_prefix) and (row.valid_to is None or row.valid_to >= year)
    ]
    fitting.sort(key=lambda row: (len(row.region_prefix), row.version))
    return {row.code: row for row in fitting}


def persons(codes: Iterable[str], year: int, actor: Actor) -> dict[str, int]:
    """Registered persons of places, from the register's computed figures."""
    rows = Snapshot.objects.visible_to(actor).filter(
        partition=year, metric=Metric.REGISTERED, region_code__in=list(codes)
    )
    return {row.region_code: row.numerator for row in rows if row.numerator is not None}


def by_place(code: str, year: int) -> dict[str, Amounts]:
    """All that is booked by now, by county prefix and for the whole (""), in one query."""
    with connection.cursor() as cursor:
        cursor.execute(
            # Read once by county; the whole is the sum of the few that come of it.
            "WITH county AS MATERIALIZED (SELECT left(region_code, 6) AS place, kind, sum(net) AS net"
            " FROM funds_monthtotal"
            " WHERE year = %(year)s AND region_code >= %(low)s AND region_code < %(high)s"
            " GROUP BY 1, 2)"
            " SELECT coalesce(place, ''), kind, sum(net) FROM county"
            " GROUP BY GROUPING SETS ((place, kind), (kind))",
            {"year": year, **span(code)},
        )
        found: dict[str, dict[str, Decimal]] = {}
        for place, kind, net in cursor.fetchall():
            found.setdefault(place, {})[kind] = net
    return {place: amounts(net) for place, net in found.items()}
