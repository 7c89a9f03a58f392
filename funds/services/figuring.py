"""Month-ends: how the money stood is told once by the calendar, and again only by somebody's act."""

from datetime import date
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from core.acting import acting
from core.scope import after
from funds.services.common import APPROVE, UnfitError, refused, require

# Straight from the entries, not from the flows by month: a second way to the same figures.
_TELL = """
INSERT INTO funds_monthfigure
    (region_code, year, month, edition, category, announced, received, arrived, allotted, paid,
     entries, digest, data_version, reason, created_by_id)
WITH told AS (
    SELECT a.region_code, s.level, s.kind AS source_kind, a.kind, e.id, e.amount
      FROM funds_source s
      JOIN funds_account a ON a.source_id = s.id
      JOIN funds_entry e ON e.account_id = a.id
      JOIN funds_voucher v ON v.id = e.voucher_id AND v.state = 'POSTED' AND v.taken_on < %(end)s
     WHERE s.year = %(year)s AND a.region_code >= %(low)s AND a.region_code < %(high)s
    UNION ALL
    SELECT s.region_code, s.level, s.kind, 'ANNOUNCED', NULL, s.amount
      FROM funds_source s
     WHERE s.year = %(year)s AND s.region_code >= %(low)s AND s.region_code < %(high)s
       AND s.issued_on < %(end)s
    UNION ALL
    -- A month in which there was nothing is told as well.
    SELECT %(low)s, NULL, NULL, '', NULL, 0
    UNION ALL
    SELECT s.region_code, s.level, s.kind, 'ANNOUNCED', NULL, c.amount
      FROM funds_source s
      JOIN funds_sourcechange c ON c.source_id = s.id AND c.taken_on < %(end)s
     WHERE s.year = %(year)s AND s.region_code >= %(low)s AND s.region_code < %(high)s
), placed AS (
    SELECT up.place, 'level:' || level AS by_level, 'kind:' || source_kind AS by_kind,
           told.kind, id, round(amount * 100)::bigint AS fen
      FROM told CROSS JOIN LATERAL (
           SELECT rpad(left(region_code, 4), 12, '0') AS place
           UNION SELECT rpad(left(region_code, 6), 12, '0')) AS up
), summed AS (
    SELECT place, coalesce(by_level, by_kind, '') AS category,
           coalesce(sum(fen) FILTER (WHERE kind = 'ANNOUNCED'), 0) AS announced,
           coalesce(-sum(fen) FILTER (WHERE kind = 'OUTSIDE'), 0) AS received,
           coalesce(sum(fen) FILTER (WHERE kind IN ('POOL', 'ALLOTMENT', 'PAID')), 0) AS arrived,
           coalesce(sum(fen) FILTER (WHERE kind IN ('ALLOTMENT', 'PAID')), 0) AS allotted,
           coalesce(sum(fen) FILTER (WHERE kind = 'PAID'), 0) AS paid,
           count(id) AS entries, coalesce(bit_xor(hashint8extended(id, 0)), 0) AS digest
      FROM placed
     GROUP BY GROUPING SETS ((place), (place, by_level), (place, by_kind))
    HAVING (grouping(by_level) = 1 OR by_level IS NOT NULL)
       AND (grouping(by_kind) = 1 OR by_kind IS NOT NULL)
)
SELECT place, %(year)s, %(month)s, %(edition)s, category, announced, received, arrived, allotted,
       paid, entries, digest, pg_snapshot_xmin(pg_current_snapshot())::text::bigint, %(reason)s,
       %(by)s
  FROM summed
"""
BY_CALENDAR = "月末自动编制"


def revise(*, year: int, month: date, reason: str, by: Any) -> int:
    """Tell a month-end anew from what is booked by now; the former editions stay. Its number.

    Raises UnfitError without a reason, without the right in the whole city, before the month's end,
    and for a month that was never told.
    """
    if not reason.strip():
        raise UnfitError("请填写重新编制的事由。")
    with acting(by=by, reason=f"重新编制月末数：{month:%Y-%m}"), refused():
        require(settings.SITE_CITY_CODE, APPROVE, by)
        last = _last(year, month)
        if not last:
            raise UnfitError("该月尚未编制月末数。")
        _tell(year, month, last + 1, reason.strip(), by.pk)
    return last + 1


def tell_ended(*, today: date) -> list[date]:
    """Tell the month-ends that have passed and were not told yet; repeated calls add nothing.

    For background work in the scope of the city. The months of a budget year, and later ones in
    which its money moved.
    """
    done = []
    with transaction.atomic():
        for year, month in _due(today):
            if not _last(year, month):
                _tell(year, month, 1, BY_CALENDAR, None)
                done.append(month)
    return done


def _due(today: date) -> list[tuple[int, date]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT year, month FROM funds_monthflow WHERE month < date_trunc('month', %s::date)"
            " UNION SELECT y.year, m::date FROM (SELECT DISTINCT year FROM funds_monthflow) AS y"
            " CROSS JOIN LATERAL generate_series(make_date(y.year, 1, 1), make_date(y.year, 12, 1),"
            " interval '1 month') AS m WHERE m < date_trunc('month', %s::date)"
            " EXCEPT SELECT year, month FROM funds_monthfigure ORDER BY 1, 2",
            [today, today],
        )
        return list(cursor.fetchall())


def _last(year: int, month: date) -> int:
    """The youngest edition; whoever else tells the same month waits here."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtext('funds.month'), %s)",
            [year * 10000 + month.year % 100 * 100 + month.month],
        )
        cursor.execute(
            "SELECT coalesce(max(edition), 0) FROM funds_monthfigure"
            " WHERE region_code = %s AND year = %s AND month = %s AND category = ''",
            [settings.SITE_CITY_CODE.ljust(12, "0"), year, month],
        )
        return int(cursor.fetchone()[0])


def _tell(year: int, month: date, edition: int, reason: str, by: int | None) -> None:
    city = settings.SITE_CITY_CODE
    with connection.cursor() as cursor:
        cursor.execute(
            _TELL,
            {
                "year": year, "month": month, "edition": edition, "reason": reason, "by": by,
                "end": date(month.year + month.month // 12, month.month % 12 + 1, 1),
                "low": city.ljust(12, "0"), "high": after(city).ljust(12, "0"),
            },
        )  # fmt: skip
