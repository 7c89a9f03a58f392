"""Posting the ledger of movement: what two neighbouring years of the register say has happened.

For every region 年初 + 新识别 + 返贫 + 自然增加 − 脱贫 − 自然减少 − 清退 = 年末 holds for poor persons when:

* an exit moves the members the household has at the year's end,
* a relapse and a clear-out move the members it had at the year's start,
* a new identification moves the members it has at the year's end,
* members who joined or left count as natural change when the household was poor at either end.

A household that split off in the year stands where its origin stood at the year's start, and one that
was merged or came to its end stands where its heir, or else it itself, stood: neither is a new
identification nor a clear-out, their members' coming and going says it all.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from households.enums import EXITED, POOR

_STATE = """
CREATE TEMP TABLE movement_state ON COMMIT DROP AS
WITH cur AS (
    SELECT household_id, village_code, exit_status, exit_year, identified_year
      FROM households_householdyear WHERE partition_id = %(partition)s
), prev AS (
    SELECT household_id, village_code, exit_status
      FROM households_householdyear WHERE partition_id = %(partition)s - 1
), members AS (
    SELECT household_id,
           count(*) FILTER (WHERE partition_id = %(partition)s) AS n_end,
           count(*) FILTER (WHERE partition_id = %(partition)s - 1) AS n_start
      FROM households_personyear
     WHERE partition_id IN (%(partition)s, %(partition)s - 1)
       AND household_id IN (SELECT household_id FROM movement_households)
     GROUP BY household_id
)
SELECT touched.household_id,
       coalesce(cur.village_code, prev.village_code, kept.village_code) AS village_code,
       coalesce(prev.exit_status, origin.exit_status) AS was,
       coalesce(cur.exit_status, heir.exit_status,
                CASE WHEN kept.ended_partition = %(partition)s
                     THEN coalesce(prev.exit_status, origin.exit_status) END) AS is_now,
       cur.exit_year, cur.identified_year,
       coalesce(n_end, 0) AS n_end, coalesce(n_start, 0) AS n_start
  FROM (SELECT DISTINCT household_id FROM movement_households) AS touched
  LEFT JOIN cur USING (household_id)
  LEFT JOIN prev USING (household_id)
  LEFT JOIN members USING (household_id)
  LEFT JOIN households_household AS kept ON kept.id = touched.household_id
       AND (kept.split_partition = %(partition)s OR kept.ended_partition = %(partition)s)
  LEFT JOIN households_householdyear AS origin ON origin.household_id = kept.split_from_id
       AND origin.partition_id = %(partition)s - 1 AND kept.split_partition = %(partition)s
  LEFT JOIN households_householdyear AS heir ON heir.household_id = kept.merged_into_id
       AND heir.partition_id = %(partition)s AND kept.ended_partition = %(partition)s
"""

_EVENTS = """
WITH desired AS (
    SELECT household_id, village_code, 'IDENTIFY' AS kind, n_end AS persons, %(opening)s AS opening,
           CASE WHEN %(opening)s THEN identified_year ELSE %(partition)s END AS year
      FROM movement_state WHERE was IS NULL AND is_now IS NOT NULL
    UNION ALL
    SELECT household_id, village_code, 'EXIT', n_end, %(opening)s AND was IS NULL,
           CASE WHEN %(opening)s AND was IS NULL THEN exit_year ELSE %(partition)s END
      FROM movement_state WHERE is_now = ANY(%(exited)s) AND (was IS NULL OR was = ANY(%(poor)s))
    UNION ALL
    SELECT household_id, village_code, 'RELAPSE', n_start, false, %(partition)s
      FROM movement_state WHERE was = ANY(%(exited)s) AND is_now = ANY(%(poor)s)
    UNION ALL
    SELECT household_id, village_code, 'CLEAR_OUT', n_start, false, %(partition)s
      FROM movement_state WHERE was = ANY(%(poor)s) AND is_now IS NULL AND %(complete)s
    UNION ALL
    SELECT household_id, village_code, turn.kind, n_end, false, %(partition)s
      FROM movement_state
      JOIN (VALUES ('0', '2', 'PROPOSE_EXIT'), ('3', '2', 'PROPOSE_EXIT'),
                   ('2', '0', 'WITHDRAW_EXIT'), ('1', '4', 'STOP_POLICY'),
                   ('4', '1', 'RESUME_POLICY')) AS turn (was, is_now, kind)
        USING (was, is_now)
), recorded AS (
    SELECT e.household_id, e.kind, sum(e.households) AS households, sum(e.persons) AS persons
      FROM households_statusevent e
      JOIN (SELECT DISTINCT household_id FROM movement_state) AS touched USING (household_id)
     WHERE e.partition_id = %(partition)s
     GROUP BY 1, 2
)
INSERT INTO households_statusevent
    (household_id, village_code, partition_id, kind, year, households, persons, is_opening, reason,
     job_id, created_by_id)
SELECT household_id, coalesce(d.village_code, s.village_code), %(partition)s, kind, d.year,
       CASE WHEN d.kind IS NULL THEN 0 ELSE 1 END - coalesce(r.households, 0),
       coalesce(d.persons, 0) - coalesce(r.persons, 0), coalesce(d.opening, false),
       CASE WHEN r.kind IS NULL THEN %(reason)s ELSE %(correction)s END, %(job)s, %(by)s
  FROM desired d
  FULL JOIN recorded r USING (household_id, kind)
  JOIN movement_state s USING (household_id)
 WHERE (CASE WHEN d.kind IS NULL THEN 0 ELSE 1 END, coalesce(d.persons, 0))
       <> (coalesce(r.households, 0), coalesce(r.persons, 0))
"""

_MEMBERS = """
WITH both_years AS (
    SELECT household_id, village_code, was = ANY(%(poor)s) OR is_now = ANY(%(poor)s) AS is_poor
      FROM movement_state WHERE was IS NOT NULL AND is_now IS NOT NULL
), now_in AS (
    SELECT person_id, household_id, is_poor
      FROM households_personyear JOIN both_years USING (household_id)
     WHERE partition_id = %(partition)s
), then_in AS (
    SELECT person_id, household_id, is_poor
      FROM households_personyear JOIN both_years USING (household_id)
     WHERE partition_id = %(partition)s - 1
), desired AS (
    -- The planner expects next to nobody here: whatever is joined to it later must not be a scan.
    SELECT person_id, household_id, coalesce(now_in.is_poor, then_in.is_poor) AS is_poor,
           CASE WHEN then_in.person_id IS NOT NULL THEN 'LEAVE_OTHER'
                WHEN extract(year FROM birth_date) >= %(partition)s THEN 'BIRTH'
                ELSE 'JOIN_OTHER' END AS kind
      FROM now_in FULL JOIN then_in USING (person_id, household_id)
      JOIN (SELECT id AS person_id, birth_date FROM households_person) AS p USING (person_id)
     WHERE now_in.person_id IS NULL OR then_in.person_id IS NULL
), recorded AS (
    SELECT e.person_id, e.household_id, e.kind, e.is_poor
      FROM households_membershipevent e JOIN both_years b USING (household_id)
     WHERE e.partition_id = %(partition)s
     GROUP BY 1, 2, 3, 4 HAVING sum(e.persons) <> 0
), told AS (
    -- A reason that an official recorded (death, marriage …) stands for the bare joined or left.
    SELECT DISTINCT d.person_id, d.household_id, coalesce(r.kind, g.kind, d.kind) AS kind, d.is_poor
      FROM desired d
      LEFT JOIN unnest(%(told_persons)s::bigint[], %(told_households)s::bigint[],
                       %(told_kinds)s::text[]) AS g (person_id, household_id, kind)
        ON g.person_id = d.person_id AND g.household_id = d.household_id
       AND (g.kind = ANY(%(leaves)s)) = (d.kind = ANY(%(leaves)s))
      LEFT JOIN recorded r ON r.person_id = d.person_id AND r.household_id = d.household_id
       AND (r.kind = ANY(%(leaves)s)) = (d.kind = ANY(%(leaves)s))
)
INSERT INTO households_membershipevent
    (person_id, household_id, village_code, partition_id, kind, persons, is_poor, reason, job_id,
     created_by_id)
SELECT person_id, household_id, b.village_code, %(partition)s, kind,
       CASE WHEN r.kind IS NULL THEN 1 ELSE -1 END, is_poor,
       CASE WHEN r.kind IS NULL THEN %(reason)s ELSE %(correction)s END, %(job)s, %(by)s
  FROM told FULL JOIN recorded r USING (person_id, household_id, kind, is_poor)
  JOIN (SELECT household_id, village_code FROM both_years) AS b USING (household_id)
 WHERE told.person_id IS NULL OR r.person_id IS NULL
"""


def post_movements(
    *,
    partition: int,
    households: str,
    complete: bool = False,
    members: bool = True,
    told: Sequence[tuple[int, int, str]] = (),
    reason: str = "",
    job: int | None = None,
    by: int | None = None,
) -> tuple[int, int]:
    """Append what is missing in the ledger for these households and this year.

    `households` is SQL that selects household ids, trusted, never a user's text. `complete` says
    that the year holds every household, so one that is absent was cleared out.
    Without `members` nobody joins or leaves: the year does not hold all members yet. Corrections are
    posted as differences, so posting twice posts nothing. `told` says why persons joined or left:
    (person, household, MemberKind); `reason` is put down with every row. Returns the rows written: (status
    events, membership events). To be called inside the act's transaction.
    """
    values: dict[str, Any] = {
        "partition": partition,
        "poor": list(POOR),
        "exited": list(EXITED),
        "leaves": ["DEATH", "MARRIAGE_OUT", "MOVE_OUT", "LEAVE_OTHER"],
        "complete": complete,
        "told_persons": [person for person, _, _ in told],
        "told_households": [household for _, household, _ in told],
        "told_kinds": [kind for _, _, kind in told],
        "reason": reason[:200],
        "correction": reason[:200] or "更正",
        "job": job,
        "by": by,
    }
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM households_householdyear WHERE partition_id = %s - 1)",
            [partition],
        )
        values["opening"] = not cursor.fetchone()[0]
        _gather(cursor, households, values)
        cursor.execute(_EVENTS, values)
        events = cursor.rowcount
        moved = 0
        if members:
            cursor.execute(_MEMBERS, values)
            moved = cursor.rowcount
        cursor.execute("DROP TABLE movement_state, movement_households")
    return events, moved


def _gather(cursor: Any, households: str, values: dict[str, Any]) -> None:
    cursor.execute(
        f"CREATE TEMP TABLE movement_households ON COMMIT DROP AS"
        f" WITH chosen (household_id) AS ({households})"
        f" SELECT household_id FROM chosen UNION ALL"
        # Whoever was merged into one of them stands where it stands.
        f" SELECT id FROM households_household WHERE ended_partition = {values['partition']:d}"
        f" AND merged_into_id IN (SELECT household_id FROM chosen)"
    )
    cursor.execute("ANALYZE movement_households")
    cursor.execute(_STATE, values)
    cursor.execute("ANALYZE movement_state")


_REVERSED = """
INSERT INTO households_statusevent
    (household_id, village_code, partition_id, kind, year, households, persons, is_opening, reason,
     job_id, created_by_id)
SELECT household_id, village_code, partition_id, kind, year, -sum(households), -sum(persons),
       is_opening, %(reason)s, %(job)s, %(by)s
  FROM households_statusevent
 WHERE {booked}
 GROUP BY household_id, village_code, partition_id, kind, year, is_opening
HAVING sum(households) <> 0 OR sum(persons) <> 0
"""

_REVERSED_MEMBERS = """
INSERT INTO households_membershipevent
    (person_id, household_id, village_code, partition_id, kind, persons, is_poor, reason, job_id,
     created_by_id)
SELECT person_id, household_id, village_code, partition_id, kind, -sum(persons), is_poor,
       %(reason)s, %(job)s, %(by)s
  FROM households_membershipevent
 WHERE {booked}
 GROUP BY person_id, household_id, village_code, partition_id, kind, is_poor
HAVING sum(persons) <> 0
"""


def reverse_movements(
    *,
    partition: int,
    booked_by: int | None,
    booked: tuple[datetime, datetime],
    reason: str,
    job: int | None = None,
    by: int | None = None,
) -> tuple[int, int]:
    """Take back what one act booked, line by line in the village it was booked in.

    The act is told by its job and the times between which it wrote. Nothing is removed: each line
    gets its opposite, so that every sum is what it was before. Returns the rows written: (status
    events, membership events). To be called inside the act's transaction.
    """
    values: dict[str, Any] = {
        "partition": partition,
        "booked_by": booked_by,
        "since": booked[0],
        "until": booked[1],
        "reason": reason,
        "job": job,
        "by": by,
    }
    where = (
        "partition_id = %(partition)s AND job_id IS NOT DISTINCT FROM %(booked_by)s"
        " AND created_at BETWEEN %(since)s AND %(until)s"
    )
    with connection.cursor() as cursor:
        cursor.execute(_REVERSED.format(booked=where), values)
        events = cursor.rowcount
        cursor.execute(_REVERSED_MEMBERS.format(booked=where), values)
        return events, cursor.rowcount
