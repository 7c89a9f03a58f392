"""Figures of a city's counties at the end of a quarter, as the ledger stood on that day."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

from core.scope import after, trim
from inspections.enums.ranking import Figure
from inspections.models import RankingRun, ScoringRule


@dataclass(frozen=True, order=True)
class Quarter:
    """One quarter of a year."""

    year: int
    number: int

    @property
    def first(self) -> date:
        return date(self.year, 3 * self.number - 2, 1)

    @property
    def last(self) -> date:
        month = 3 * self.number
        return date(self.year, month, monthrange(self.year, month)[1])

    def __str__(self) -> str:
        return f"{self.year}-{self.number}"

    @property
    def label(self) -> str:
        return f"{self.year} 年第{'一二三四'[self.number - 1]}季度"


def quarter_of(day: date) -> Quarter:
    return Quarter(day.year, (day.month + 2) // 3)


def before(quarter: Quarter) -> Quarter:
    if quarter.number == 1:
        return Quarter(quarter.year - 1, 4)
    return Quarter(quarter.year, quarter.number - 1)


def parsed(text: str) -> Quarter | None:
    """2018-4 as the quarter; None for anything else.

    >>> parsed("2018-4"), parsed("2018-5"), parsed("x")
    (Quarter(year=2018, number=4), None, None)
    """
    year, dash, number = text.partition("-")
    if not dash or not (year.isascii() and year.isdecimal() and len(year) == 4):
        return None
    if number not in ("1", "2", "3", "4") or not int(year):
        return None
    return Quarter(int(year), int(number))


# How each problem stood on the day. One that nothing has happened to since stands as it does now; of
# the others: the last step by then, the day as assigned or extended by then, closed since the last
# time it was owed.
_FIGURES = """
WITH later AS (
    SELECT id FROM inspections_finding
     WHERE region_code >= %(low)s AND region_code < %(high)s AND state_on > %(day)s
    UNION
    SELECT finding_id FROM inspections_extension
     WHERE region_code >= %(low)s AND region_code < %(high)s
       AND is_granted AND decided_on > %(day)s
), stood AS (
    SELECT DISTINCT ON (s.finding_id) s.finding_id, s.state
      FROM inspections_findingstep s JOIN later ON later.id = s.finding_id
     WHERE s.taken_on <= %(day)s
     ORDER BY s.finding_id, s.position DESC
), told AS (
    SELECT left(region_code, 6) AS county, state, found_on, closed_on,
           CASE WHEN state IN ('ASSIGNED', 'MEASURED', 'RETURNED') THEN due_on END AS due_on
      FROM inspections_finding
     WHERE region_code >= %(low)s AND region_code < %(high)s AND state_on <= %(day)s
       AND state NOT IN ('MERGED', 'SPLIT') AND id NOT IN (SELECT id FROM later)
    UNION ALL
    SELECT left(f.region_code, 6), t.state, f.found_on, shut.closed_on, due.due_on
      FROM stood t
      JOIN inspections_finding f ON f.id = t.finding_id
      LEFT JOIN LATERAL (
           SELECT e.due_on FROM (
               SELECT taken_on AS told, 0 AS rank, due_on FROM inspections_findingstep
                WHERE finding_id = f.id AND state = 'ASSIGNED' AND taken_on <= %(day)s
               UNION ALL
               SELECT decided_on, 1, until FROM inspections_extension
                WHERE finding_id = f.id AND is_granted AND decided_on <= %(day)s) AS e
            ORDER BY e.told DESC, e.rank DESC LIMIT 1) AS due
           ON t.state IN ('ASSIGNED', 'MEASURED', 'RETURNED')
      LEFT JOIN LATERAL (
           SELECT min(s.taken_on) AS closed_on FROM inspections_findingstep s
            WHERE s.finding_id = f.id AND s.state IN ('CLOSED', 'WATCHED') AND s.taken_on <= %(day)s
              AND s.position > coalesce((
                  SELECT max(r.position) FROM inspections_findingstep r
                   WHERE r.finding_id = f.id AND r.state = 'RETURNED' AND r.taken_on <= %(day)s), -1)
           ) AS shut ON t.state IN ('CLOSED', 'WATCHED')
     WHERE t.state NOT IN ('MERGED', 'SPLIT')
), problems AS (
    SELECT county, count(*) AS counted,
           count(*) FILTER (WHERE state IN ('CLOSED', 'WATCHED')) AS done,
           count(*) FILTER (WHERE due_on < %(day)s) AS overdue,
           count(*) FILTER (WHERE closed_on >= %(first)s) AS closed,
           coalesce(sum(closed_on - found_on) FILTER (WHERE closed_on >= %(first)s), 0) AS days
      FROM told GROUP BY county
), letters AS (
    SELECT left(region_code, 6) AS county, count(*) AS many FROM inspections_letter
     WHERE region_code >= %(low)s AND region_code < %(high)s AND kind IN ('SUPERVISE', 'ACCOUNT')
       AND number IS NOT NULL AND issued_on BETWEEN %(first)s AND %(day)s
     GROUP BY 1
), looks AS (
    SELECT left(l.region_code, 6) AS county, count(*) AS looked,
           count(*) FILTER (WHERE l.result = 'RELAPSED') AS relapsed
      FROM inspections_recheckitem i JOIN inspections_findinglook l ON l.id = i.look_id
     WHERE l.region_code >= %(low)s AND l.region_code < %(high)s
       AND l.taken_on BETWEEN %(first)s AND %(day)s
     GROUP BY 1
)
SELECT c.code, c.name, coalesce(p.counted, 0), coalesce(p.done, 0), coalesce(p.overdue, 0),
       coalesce(p.closed, 0), coalesce(p.days, 0), coalesce(l.many, 0), coalesce(k.looked, 0),
       coalesce(k.relapsed, 0)
  FROM villages_region c
  LEFT JOIN problems p ON p.county = left(c.code, 6)
  LEFT JOIN letters l ON l.county = left(c.code, 6)
  LEFT JOIN looks k ON k.county = left(c.code, 6)
 WHERE c.level = 'county' AND c.code >= %(low)s AND c.code < %(high)s
   AND (c.valid_from IS NULL OR c.valid_from <= %(day)s)
   AND (c.valid_to IS NULL OR c.valid_to > %(day)s)
 ORDER BY c.code
"""


@dataclass(frozen=True)
class County:
    """A county with, by figure, its two integers."""

    code: str
    name: str
    figures: dict[str, tuple[int, int]]


def counties(city: str, quarter: Quarter) -> list[County]:
    """The counties of a city as they stood at the quarter's end; one query."""
    low = trim(city)
    with connection.cursor() as cursor:
        cursor.execute(
            _FIGURES,
            {
                "low": low.ljust(12, "0"), "high": after(low).ljust(12, "0"),
                "day": quarter.last, "first": quarter.first,
            },
        )  # fmt: skip
        rows = cursor.fetchall()
    return [County(row[0], row[1], _figures(*row[2:])) for row in rows]


def _figures(
    counted: int, done: int, overdue: int, closed: int, days: int, letters: int, looked: int,
    relapsed: int,
) -> dict[str, tuple[int, int]]:  # fmt: skip
    return {
        Figure.CLOSING: (done, counted),
        Figure.OVERDUE: (overdue, counted),
        Figure.DAYS: (int(days), closed),
        Figure.LETTERS: (letters, counted),
        Figure.RELAPSE: (relapsed, looked),
    }


def rule_for(city: str, day: date) -> ScoringRule | None:
    """The youngest rule of the city that is valid on a day."""
    found = ScoringRule.objects.filter(region_prefix=trim(city), valid_from__lte=day)
    return found.prefetch_related("items").order_by("-valid_from").first()


def published(city: str) -> Any:
    """The rankings of a city that were made public, the latest first."""
    found = RankingRun.objects.filter(region_code=trim(city).ljust(12, "0"))
    return found.select_related("rule", "published_by").order_by("-year", "-quarter")
