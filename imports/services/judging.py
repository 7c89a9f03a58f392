"""Every staged row gets a verdict: new, changed, unchanged, or sent back with a reason.

Runs twice when the register changed between preview and apply; it costs a few seconds for a city.
"""

from typing import Any

from django.db import connection, models

from core import walls
from households.enums import EXIT_STATUSES, EXITED, HEAD
from households.models import CodeEntry, Household, HouseholdYear, Person, PersonYear
from imports.catalog.plan import Plan
from imports.enums import Grain
from imports.models import Batch
from imports.queries.changes import index_changes
from imports.services import entries, joined
from imports.services.accepting import send_back_households
from imports.services.checking import (
    collect_errors,
    find_faults,
    find_mistaken,
    find_suspects,
)


def judge(batch: Batch, plan: Plan) -> None:
    """Fill the fault, household and person tables and set the batch's counts (not saved)."""
    with connection.cursor() as cursor:
        # One import at a time: its joins and sorts may have more room than a page's.
        cursor.execute("SELECT set_config('work_mem', '256MB', true)")
        for table in (plan.faults, plan.errors, plan.households, plan.persons, plan.entries):
            walls.drop_scratch(table)
        values = _values(batch)
        if plan.is_joined:
            joined.attach(batch, plan)
        find_faults(cursor, plan, batch, values)
        if joined.find_faults(cursor, batch, plan):
            collect_errors(cursor, plan, values)
        if plan.has_entries:
            send_back_households(cursor, plan, batch)
            entries.judge_entries(cursor, batch, plan, values)
            find_suspects(cursor, plan, batch, values)
            index_changes(cursor, batch, plan)
            return
        _judge_households(cursor, plan, values)
        if plan.has_persons:
            _judge_persons(cursor, plan, values)
        send_back_households(cursor, plan, batch)
        find_suspects(cursor, plan, batch, values)
        _count(cursor, batch, plan, values)
        index_changes(cursor, batch, plan)


def _values(batch: Batch) -> dict[str, Any]:
    return {
        "partition": batch.partition,
        "region": f"{batch.region_prefix}%",
        "exited": list(EXITED),
        "head": HEAD,
    }


# --- households --------------------------------------------------------------------------------


def _judge_households(cursor: Any, plan: Plan, values: dict[str, Any]) -> None:
    """One row per household with at least one good row; the head's row speaks for it."""
    _choose_speakers(cursor, plan, plan.households)
    _add_household_verdicts(cursor, plan, values, plan.households)
    cursor.execute(f"CREATE UNIQUE INDEX ON {plan.households} (household_no)")
    cursor.execute(f"ANALYZE {plan.households}")


def _choose_speakers(cursor: Any, plan: Plan, table: str, again: str = "") -> None:
    """Make the table of households with the row that speaks for each.

    `again` is a table of households to be decided anew, which keep the numbers they were given.
    """
    heads = "row_no"
    if plan.has("relation_to_head"):
        heads = f"CASE WHEN relation_to_head = '{HEAD}' THEN row_no - 100000000 ELSE row_no END"
    only = numbered = ""
    number = "nextval('households_household_id_seq')"
    if again:
        only = f" AND household_no IN (SELECT household_no FROM {again})"
        number, numbered = "known.household_id", f" JOIN {again} known USING (household_no)"
    cursor.execute(
        f"""
        CREATE UNLOGGED TABLE {table} AS
        WITH spoken AS (
            SELECT household_no, min({heads}) AS chosen, count(*)::int AS rows
              FROM {plan.rows} LEFT JOIN {plan.errors} e USING (row_no)
             WHERE e.row_no IS NULL{only}
             GROUP BY household_no
        )
        SELECT s.household_no, s.rows,
               CASE WHEN s.chosen < 0 THEN s.chosen + 100000000 ELSE s.chosen END AS row_no,
               s.chosen < 0 AS has_head,
               CASE WHEN h.id IS NULL THEN {number} ELSE h.id END AS household_id,
               h.id IS NULL AS is_new
          FROM spoken s LEFT JOIN households_household h USING (household_no){numbered}
        """
    )
    cursor.execute(f"ANALYZE {table}")
    if plan.grain == Grain.JOINED_PERSON:
        joined.gather(cursor, plan, table)


def _carried(plan: Plan) -> dict[str, str]:
    """SQL of what a household's year takes from the years before where the file does not say."""
    if plan.is_joined:
        return {name: f"y.{name}" for name in ("exit_status", "exit_year", "identified_year")}
    status = "nullif(r.exit_status, '')" if plan.has("exit_status") else "NULL"
    return {
        "exit_status": (
            f"coalesce({status}, y.exit_status, last.exit_status, {_status_by_attribute(plan)})"
        ),
        "exit_year": (
            "r.exit_year" if plan.has("exit_year") else "coalesce(y.exit_year, last.exit_year)"
        ),
        "identified_year": _identified_year(plan),
    }


def _add_household_verdicts(cursor: Any, plan: Plan, values: dict[str, Any], table: str) -> None:
    carried = _carried(plan)
    changed = _changed(plan, HouseholdYear, "y", "r", skip=("exit_status",))
    own_changed = _changed(plan, Household, "h", "r", skip=("household_no",))
    cursor.execute(
        f"""
        CREATE UNLOGGED TABLE {table}_v AS
        SELECT k.*, place.village_id, place.village_code, y.id AS year_id,
               {", ".join(f"{sql} AS {name}" for name, sql in carried.items())},
               later.household_id IS NULL AS is_latest,
               NOT k.is_new AND later.household_id IS NULL
                   AND (h.village_id <> place.village_id OR {own_changed}) AS identity_changed,
               y.id IS NOT NULL AND (y.village_id <> place.village_id OR {changed}
                   OR y.exit_status IS DISTINCT FROM {carried["exit_status"]}) AS year_changed
          FROM {table} k
          JOIN {plan.rows} r USING (row_no)
          JOIN {plan.places} place USING (county, town, village)
          LEFT JOIN households_household h ON h.id = k.household_id
          LEFT JOIN households_householdyear y
                 ON y.household_id = k.household_id AND y.partition_id = %(partition)s
          LEFT JOIN households_householdyear last
                 ON last.household_id = k.household_id AND last.partition_id = %(partition)s - 1
          LEFT JOIN (SELECT DISTINCT household_id FROM households_householdyear
                      WHERE partition_id > %(partition)s) AS later
                 ON later.household_id = k.household_id
        """,
        values,
    )
    cursor.execute(f"DROP TABLE {table}")
    cursor.execute(f"ALTER TABLE {table}_v RENAME TO {table.removeprefix('staging.')}")
    _refuse_unknown_status(cursor, plan, values, table)


def _status_by_attribute(plan: Plan) -> str:
    """Of a layout without the status (those of 2016): the attribute (AAC006) goes with one side only.

    A household whose attribute is one of the poor's is taken as 未脱贫, else as 已脱贫.
    """
    if plan.has("exit_status") or not plan.has("household_attribute"):
        return "NULL"
    listed = CodeEntry.objects.filter(table="household_attribute").order_by("code")
    sides = [
        (entry.code, entry.facts["allowed_exit_status"].split("|"))
        for entry in listed
        if entry.facts.get("allowed_exit_status") and entry.code.isalnum()
    ]
    whens = "".join(
        f" WHEN '{code}' THEN '{allowed[0]}'"
        for code, allowed in sides
        if allowed[0] in EXIT_STATUSES
    )
    return f"CASE r.household_attribute{whens} END" if whens else "NULL"


def _identified_year(plan: Plan) -> str:
    """Known before, or told by the file; new in a register that has earlier years: this year."""
    first = (
        "extract(year FROM r.first_identified_on)::int"
        if plan.has("first_identified_on")
        else "NULL"
    )
    has_earlier = (
        "CASE WHEN last.id IS NULL AND EXISTS (SELECT 1 FROM households_householdyear e"
        " WHERE e.partition_id = %(partition)s - 1) THEN %(partition)s END"
    )
    return f"coalesce(y.identified_year, last.identified_year, {first}, {has_earlier})"


def _refuse_unknown_status(cursor: Any, plan: Plan, values: dict[str, Any], table: str) -> None:
    """A household whose status nobody states, and one that exited before it was identified."""
    bad = (
        "exit_status IS NULL OR exit_year < identified_year OR identified_year > %(partition)s"
        " OR (exit_status = ANY(%(exited)s) AND exit_year > %(partition)s)"
    )
    cursor.execute(
        f"INSERT INTO {plan.faults} SELECT r.row_no, CASE WHEN k.exit_status IS NULL THEN 'IMP21'"
        f" ELSE 'EXT01' END, CASE WHEN k.exit_status IS NULL THEN 'exit_status' ELSE 'exit_year' END"
        f" FROM {plan.rows} r JOIN {table} k USING (household_no)"
        f" LEFT JOIN {plan.errors} e ON e.row_no = r.row_no"
        f" WHERE e.row_no IS NULL AND ({bad.replace('exit_', 'k.exit_').replace('identified_', 'k.identified_')})",
        values,
    )
    if cursor.rowcount:
        cursor.execute(f"DELETE FROM {table} WHERE {bad}", values)
        collect_errors(cursor, plan, values)


# --- persons -----------------------------------------------------------------------------------


def _judge_persons(cursor: Any, plan: Plan, values: dict[str, Any]) -> None:
    """Match on the person's number, then on the index of the document number, then by name.

    The index stands for the first 18 characters and is NULL where no number stands for a person.
    """
    by_number = "NULL::bigint"
    join_number = ""
    if plan.has("id_no"):
        by_number = "n.id"
        join_number = (
            "LEFT JOIN households_person n ON p.id IS NULL AND n.id_index = r.id_no__index"
        )
    cursor.execute(
        f"""
        CREATE UNLOGGED TABLE {plan.persons}_m AS
        SELECT r.row_no, k.household_id, k.village_code, coalesce(p.id, {by_number}) AS matched,
               p.id IS NULL AS by_number
          FROM {plan.rows} r
          LEFT JOIN {plan.errors} e USING (row_no)
          JOIN {plan.households} k USING (household_no)
          LEFT JOIN households_person p ON p.person_no = r.person_no
          {join_number}
         WHERE e.row_no IS NULL
        """,
        values,
    )
    cursor.execute(f"ANALYZE {plan.persons}_m")
    _match_by_name(cursor, plan, values)
    _refuse_mistaken(cursor, plan, values)
    _add_person_verdicts(cursor, plan, values)


def _match_by_name(cursor: Any, plan: Plan, values: dict[str, Any]) -> None:
    """Persons without a number: same household, same name, same birth date."""
    if not plan.has("birth_date"):
        return
    cursor.execute(
        f"""
        UPDATE {plan.persons}_m m SET matched = p.id
          FROM {plan.rows} r, households_person p
         WHERE m.matched IS NULL AND r.row_no = m.row_no AND p.household_id = m.household_id
           AND p.name = r.name AND p.birth_date = r.birth_date
           AND NOT EXISTS (SELECT 1 FROM {plan.persons}_m other WHERE other.matched = p.id)
        """,
        values,
    )


def _refuse_mistaken(cursor: Any, plan: Plan, values: dict[str, Any]) -> None:
    if find_mistaken(cursor, plan, values):
        collect_errors(cursor, plan, values)
        _speak_anew(cursor, plan, values)
        cursor.execute(
            f"DELETE FROM {plan.persons}_m WHERE row_no IN (SELECT row_no FROM {plan.errors})"
        )
    _drop_emptied_households(cursor, plan)


def _speak_anew(cursor: Any, plan: Plan, values: dict[str, Any]) -> None:
    """Where the row that speaks for a household was just refused, another good one does."""
    again, found = f"staging.{plan.stage}_again", f"staging.{plan.stage}_found"
    cursor.execute(
        f"CREATE UNLOGGED TABLE {again} AS SELECT household_no, household_id"
        f" FROM {plan.households} WHERE row_no IN (SELECT row_no FROM {plan.errors})"
    )
    if cursor.rowcount:
        cursor.execute(
            f"DELETE FROM {plan.households} WHERE household_no IN (SELECT household_no FROM {again})"
        )
        _choose_speakers(cursor, plan, found, again)
        _add_household_verdicts(cursor, plan, values, found)
        cursor.execute(f"INSERT INTO {plan.households} SELECT * FROM {found}")
        cursor.execute(f"DROP TABLE {found}")
    cursor.execute(f"DROP TABLE {again}")


def _drop_emptied_households(cursor: Any, plan: Plan) -> None:
    """A household whose last good row was just refused is none of the file's any more."""
    cursor.execute(
        f"DELETE FROM {plan.households} k WHERE NOT EXISTS"
        f" (SELECT 1 FROM {plan.persons}_m m WHERE m.household_id = k.household_id)"
    )


def _add_person_verdicts(cursor: Any, plan: Plan, values: dict[str, Any]) -> None:
    changed = _changed(plan, PersonYear, "y", "r")
    own_changed = _changed(plan, Person, "p", "r")
    cursor.execute(
        f"""
        CREATE UNLOGGED TABLE {plan.persons} AS
        SELECT m.row_no, m.household_id, m.village_code,
               CASE WHEN m.matched IS NULL THEN nextval('households_person_id_seq')
                    ELSE m.matched END AS person_id,
               m.matched IS NULL AS is_new, y.id AS year_id,
               m.matched IS NOT NULL AND later.person_id IS NULL
                   AND (p.household_id <> m.household_id OR {own_changed}) AS identity_changed,
               y.id IS NOT NULL AND (y.household_id <> m.household_id OR {changed}) AS year_changed
          FROM {plan.persons}_m m
          JOIN {plan.rows} r USING (row_no)
          LEFT JOIN households_person p ON p.id = m.matched
          LEFT JOIN households_personyear y
                 ON y.person_id = m.matched AND y.partition_id = %(partition)s
          LEFT JOIN (SELECT DISTINCT person_id FROM households_personyear
                      WHERE partition_id > %(partition)s) AS later ON later.person_id = m.matched
        """,
        values,
    )
    cursor.execute(f"DROP TABLE {plan.persons}_m")
    cursor.execute(f"ANALYZE {plan.persons}")


def _changed(
    plan: Plan, model: type[models.Model], stored: str, read: str, skip: tuple[str, ...] = ()
) -> str:
    """SQL that is true when any mapped column of the table differs from the file."""
    facts = [fact for fact in plan.columns(model) if fact.name not in skip]
    if not facts:
        return "false"
    left = ", ".join(f"{stored}.{fact.name}" for fact in facts)
    right = ", ".join(plan.told(fact, stored, read) for fact in facts)
    return f"(({left}) IS DISTINCT FROM ({right}))"


# --- counts ------------------------------------------------------------------------------------


def _count(cursor: Any, batch: Batch, plan: Plan, values: dict[str, Any]) -> None:
    cursor.execute(f"SELECT count(*), count(DISTINCT household_no) FROM {plan.rows}")
    batch.rows_read, batch.households_read = cursor.fetchone()
    cursor.execute(
        f"SELECT count(*) FILTER (WHERE year_id IS NULL),"
        f" count(*) FILTER (WHERE year_id IS NOT NULL AND (year_changed OR identity_changed)),"
        f" count(*) FILTER (WHERE year_id IS NOT NULL AND NOT year_changed AND NOT identity_changed)"
        f" FROM {plan.households}"
    )
    _set(batch, "households", batch.households_read, cursor.fetchone())
    if plan.has_persons:
        cursor.execute(
            f"SELECT count(*) FILTER (WHERE year_id IS NULL),"
            f" count(*) FILTER (WHERE year_id IS NOT NULL AND (year_changed OR identity_changed)),"
            f" count(*) FILTER (WHERE year_id IS NOT NULL AND NOT year_changed"
            f"                    AND NOT identity_changed) FROM {plan.persons}"
        )
        _set(batch, "persons", batch.rows_read, cursor.fetchone())
    else:
        _set(batch, "persons", 0, (0, 0, 0))
    batch.changed_fields = _changed_fields(cursor, plan, values)


def _set(batch: Batch, kind: str, read: int, counted: tuple[int, int, int]) -> None:
    created, updated, unchanged = counted
    setattr(batch, f"{kind}_read", read)
    setattr(batch, f"{kind}_created", created)
    setattr(batch, f"{kind}_updated", updated)
    setattr(batch, f"{kind}_unchanged", unchanged)
    setattr(batch, f"{kind}_rejected", read - created - updated - unchanged)


def _changed_fields(cursor: Any, plan: Plan, values: dict[str, Any]) -> dict[str, int]:
    """How many rows change in each field, for the preview."""
    counts: dict[str, int] = {}
    for model, table, key in _compared(plan):
        facts = [fact for fact in plan.columns(model) if fact.name != "household_no"]
        if not facts:
            continue
        cursor.execute(
            "SELECT "
            + ", ".join(
                f"count(*) FILTER (WHERE t.{fact.name} IS DISTINCT FROM {plan.told(fact)})"
                for fact in facts
            )
            + f" FROM {table} k JOIN {plan.rows} r USING (row_no)"
            f" JOIN {model._meta.db_table} t ON t.id = k.{key}"
            f" WHERE k.{'identity_changed' if model in (Household, Person) else 'year_changed'}",
            values,
        )
        counted = cursor.fetchone()
        counts |= {
            fact.identifier: number for fact, number in zip(facts, counted, strict=True) if number
        }
    return counts


def _compared(plan: Plan) -> list[tuple[type[models.Model], str, str]]:
    found: list[tuple[type[models.Model], str, str]] = [
        (Household, plan.households, "household_id"),
        (HouseholdYear, plan.households, "year_id"),
    ]
    if plan.has_persons:
        found += [(Person, plan.persons, "person_id"), (PersonYear, plan.persons, "year_id")]
    return found
