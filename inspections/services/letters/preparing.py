"""Which problems are due for their next letter, and the drafts that say so.

Everything follows from how things stand on a day, not from the days the task ran: asked twice it
does nothing the second time, and days that were missed are caught up by one letter.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.db import connection

from core.acting import acting
from core.scope import trim
from inspections.models import Finding, Letter
from inspections.services.findings.common import refused, require_find

# The occasion of each problem that is owed and stands in no draft: it was returned; its day passed,
# and no letter waits for an answer; the last letter was of no avail. A problem without any is left
# out, as is one that has had all three.
_DUE = """
CREATE TEMP TABLE letters_due ON COMMIT DROP AS
WITH owed AS (
    SELECT f.id, f.region_code, f.lead_unit, f.rung, f.state, f.due_on, f.position
      FROM inspections_finding f
     WHERE f.state IN ('ASSIGNED', 'MEASURED', 'RETURNED') AND f.rung < 3
       AND (f.due_on < %(today)s OR f.state = 'RETURNED')
       AND f.region_code ^@ %(prefix)s
       AND (%(only)s::bigint[] IS NULL OR f.id = ANY (%(only)s))
       AND NOT EXISTS (SELECT FROM inspections_letteritem i
                         JOIN inspections_letter l ON l.id = i.letter_id
                        WHERE i.finding_id = f.id AND l.state = 'PREPARED')
), told AS (
    SELECT o.*, last.id AS last_id, last.reply_due_on
      FROM owed o
      LEFT JOIN LATERAL (
           SELECT l.id, l.reply_due_on FROM inspections_letteritem i
             JOIN inspections_letter l ON l.id = i.letter_id
            WHERE i.finding_id = o.id AND l.number IS NOT NULL
            ORDER BY l.id DESC LIMIT 1) AS last ON true
), reasons AS (
    SELECT t.id, 1 AS rank, 'R' || t.position - 1 AS occasion
      FROM told t WHERE t.state = 'RETURNED'
    UNION ALL
    SELECT t.id, 2, 'D' || t.due_on FROM told t
     WHERE t.due_on < %(today)s AND (t.last_id IS NULL OR t.reply_due_on < %(today)s)
    UNION ALL
    SELECT t.id, 3, 'L' || t.last_id FROM told t
     WHERE t.due_on < %(today)s AND t.reply_due_on < %(today)s
)
SELECT DISTINCT ON (t.id) t.id, t.region_code AS place, t.lead_unit, t.due_on, r.occasion,
       c.id AS region_id, c.code AS region_code,
       CASE t.rung WHEN 0 THEN 'REMIND' WHEN 1 THEN 'SUPERVISE' ELSE 'ACCOUNT' END AS kind
  FROM told t
  JOIN reasons r ON r.id = t.id
  JOIN villages_region c ON c.code = left(t.region_code, 6) || '000000' AND c.valid_to IS NULL
 WHERE NOT EXISTS (SELECT FROM inspections_letteritem i
                    WHERE i.finding_id = t.id AND i.occasion = r.occasion)
 ORDER BY t.id, r.rank
"""
_DRAFTS = """
INSERT INTO inspections_letter (kind, region_id, region_code, unit, state, words, prepared_on,
                                prepared_by_id, received_by, reply, dropped_why)
SELECT DISTINCT kind, region_id, region_code, lead_unit, 'PREPARED', '', %(today)s::date,
       %(by)s::bigint, '', '', ''
  FROM letters_due
 ORDER BY region_code, kind, lead_unit
ON CONFLICT (region_id, kind, unit) WHERE state = 'PREPARED' DO NOTHING
"""
_ITEMS = """
INSERT INTO inspections_letteritem (letter_id, region_code, finding_id, occasion, due_on)
SELECT l.id, d.place, d.id, d.occasion, d.due_on
  FROM letters_due d
  JOIN inspections_letter l ON l.region_id = d.region_id AND l.kind = d.kind
   AND l.unit = d.lead_unit AND l.state = 'PREPARED'
 ORDER BY d.id
RETURNING letter_id
"""


def prepare(
    *, today: date, prefix: str, only: Sequence[Finding] | None = None, by: Any = None
) -> list[Letter]:
    """Draft the letters that are due below a division; those that something was added to.

    `only` narrows it to some problems, for somebody who does not wait for the night.
    """
    if by is not None:
        require_find(prefix, by)
    with acting(by=by, reason="拟写整改文书"), refused(), connection.cursor() as cursor:
        # One run at a time: a draft is looked for and then made.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('inspections_letters', 0))")
        values = {
            "today": today, "prefix": trim(prefix), "by": getattr(by, "pk", None),
            "only": None if only is None else [one.pk for one in only],
        }  # fmt: skip
        cursor.execute(_DUE, values)
        cursor.execute(_DRAFTS, values)
        cursor.execute(_ITEMS)
        touched = {pk for (pk,) in cursor.fetchall()}
        cursor.execute("DROP TABLE letters_due")
    return list(Letter.objects.filter(pk__in=touched).order_by("pk"))
