"""Judging money by its rules: what each rule finds is stored, and closed when it no longer holds.

A rule is one statement over the places of a county, or over the city's own; it writes only what
differs from what stands there. Runs of one city follow each other.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

from core.acting import acting
from core.jobs.models import Job
from core.jobs.services import enqueue
from core.scope import after
from funds.checks.kinds import KINDS, Kind
from funds.models import FundRule

_STORE = """
WITH found (subject, subject_id, region_id, region_code, state, numerator, denominator, words,
            evidence) AS MATERIALIZED ({check}),
stored AS (
    INSERT INTO funds_fundfinding AS f
        (rule_id, rule_version, year, subject, subject_id, region_id, region_code, state,
         numerator, denominator, threshold, words, evidence, opened_on)
    SELECT %(rule)s, %(version)s, %(year)s, subject, subject_id, region_id, region_code, state,
           round(numerator::numeric, 2), round(denominator::numeric, 2), %(threshold)s::numeric,
           words, evidence, %(today)s::date
      FROM found
    ON CONFLICT (rule_id, year, subject, subject_id) DO UPDATE
       SET rule_version = EXCLUDED.rule_version, region_id = EXCLUDED.region_id,
           region_code = EXCLUDED.region_code, state = EXCLUDED.state,
           numerator = EXCLUDED.numerator, denominator = EXCLUDED.denominator,
           threshold = EXCLUDED.threshold, words = EXCLUDED.words, evidence = EXCLUDED.evidence,
           reopened_on = CASE WHEN f.closed_on IS NULL THEN f.reopened_on
                              ELSE EXCLUDED.opened_on END,
           closed_on = NULL
     WHERE f.closed_on IS NOT NULL
        OR (f.rule_version, f.region_id, f.state, f.numerator, f.denominator, f.threshold, f.words,
            f.evidence) IS DISTINCT FROM
           (EXCLUDED.rule_version, EXCLUDED.region_id, EXCLUDED.state, EXCLUDED.numerator,
            EXCLUDED.denominator, EXCLUDED.threshold, EXCLUDED.words, EXCLUDED.evidence)
    RETURNING 1),
closed AS (
    UPDATE funds_fundfinding f SET closed_on = %(today)s::date
     WHERE f.rule_id = %(rule)s AND f.year = %(year)s AND f.closed_on IS NULL
       AND f.region_code >= %(from)s AND f.region_code < %(to)s
       AND NOT EXISTS (SELECT FROM found n
                        WHERE n.subject = f.subject AND n.subject_id = f.subject_id)
    RETURNING 1)
SELECT (SELECT count(*) FROM found), (SELECT count(*) FROM stored), (SELECT count(*) FROM closed)
"""
# What a rule finds that is switched off, not configured, or of another place or year.
_NOTHING = """
SELECT NULL::text, NULL::bigint, NULL::bigint, NULL::text, NULL::text, NULL::numeric, NULL::numeric,
       NULL::text, NULL::jsonb WHERE false
"""


@dataclass(frozen=True)
class Judged:
    """What a run did: findings that hold, written anew or differently, and closed."""

    held: int = 0
    written: int = 0
    closed: int = 0

    def __add__(self, other: "Judged") -> "Judged":
        return Judged(
            self.held + other.held, self.written + other.written, self.closed + other.closed
        )


@dataclass(frozen=True)
class Range:
    """Codes from `low` up to but without `high`."""

    low: str
    high: str

    def within(self, prefix: str) -> "Range | None":
        """What of it lies below a prefix."""
        if not prefix:
            return self
        low, high = max(self.low, prefix), min(self.high, after(prefix))
        return Range(low, high) if low < high else None


def range_of(code: str) -> Range:
    """A county or district with all that lies in it; of a city only what is the city's own.

    >>> range_of("410324000000"), range_of("410300000000")
    (Range(low='410324', high='410325'), Range(low='410300000000', high='410300000001'))
    """
    if code[4:6] == "00":
        return Range(code, after(code))
    return Range(code[:6], after(code[:6]))


def judge(*, code: str, year: int, today: date, by: Any = None) -> Judged:
    """Judge every rule over a county's places, or a city's own, in a year; its marks go with it."""
    with acting(by=by, reason="核查资金规则"):
        return judge_within(code=code, year=year, today=today)


def judge_within(*, code: str, year: int, today: date) -> Judged:
    """The same inside a transaction of the caller's, e.g. a job's."""
    place, total = range_of(code), Judged()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"funds {code[:4]}"]
        )
        cursor.execute("DELETE FROM funds_dirtyfund WHERE code = %s AND year = %s", [code, year])
        for rule in FundRule.objects.order_by("code"):
            if not KINDS[rule.check_kind].is_held:
                total += _judge_rule(cursor, rule, place, year, today)
    return total


def _judge_rule(cursor: Any, rule: FundRule, place: Range, year: int, today: date) -> Judged:
    kind = KINDS[rule.check_kind]
    part = place.within(rule.region_prefix) if _holds(rule, kind, year) else None
    seen = part or place
    cursor.execute(
        _STORE.format(check=kind.statement if part else _NOTHING),
        {
            "rule": rule.pk, "version": rule.version, "year": year, "today": today,
            "threshold": rule.threshold, "params": json.dumps(rule.params),
            "low": seen.low, "high": seen.high, "from": place.low, "to": place.high,
        },
    )  # fmt: skip
    return Judged(*cursor.fetchone())


def _holds(rule: FundRule, kind: Kind, year: int) -> bool:
    return (
        rule.is_active
        and kind.judges(rule.threshold)
        and rule.valid_from <= year
        and (rule.valid_to is None or year <= rule.valid_to)
    )


# --- asked for ----------------------------------------------------------------------------------


def request_judgement(*, code: str, year: int, by: Any = None) -> Job:
    """Ask for a place and year; one that already waits is not asked for twice."""
    return enqueue(
        "funds.judge", subject=f"{code} {year}", scope=code[:4],
        params={"code": code, "year": year}, key=f"funds.judge:{code}:{year}", by=by,
    )  # fmt: skip


def request_dirty() -> int:
    """Ask for the places that have marks; returns how many were asked for."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT code, year FROM funds_dirtyfund ORDER BY 1, 2")
        marked = cursor.fetchall()
    return _request(marked)


def request_all(*, prefix: str) -> int:
    """Ask for every place below the prefix and every year that knows money or projects.

    Time alone makes money and projects idle.
    """
    return _request(places_below(prefix))


def places_below(prefix: str) -> list[tuple[str, int]]:
    """Counties, and the city, with the years in which money, projects or loans were theirs."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT rpad(left(code, digits), 12, '0'), year::integer FROM ("
            "  SELECT left(region_code, 6) AS code, year FROM funds_account"
            "  UNION SELECT left(region_code, 6), year FROM projects_project"
            "  UNION SELECT left(village_code, 6), extract(year FROM lent_on) FROM funds_loan)"
            " AS known"
            " CROSS JOIN (VALUES (4), (6)) AS d(digits)"
            " WHERE rpad(left(code, digits), 12, '0') ^@ %s ORDER BY 1, 2",
            [prefix],
        )
        return list(cursor.fetchall())


def _request(places: Iterable[tuple[str, int]]) -> int:
    count = 0
    for code, year in places:
        request_judgement(code=code, year=year)
        count += 1
    return count
