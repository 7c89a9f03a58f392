"""Every staged row gets a verdict: new, changed, unchanged, or sent back with a reason.

Runs twice when the register changed between preview and apply; it costs a few seconds for a city.
"""

from typing import Any

from django.db import connection, models

from core import walls
from households.catalog import FieldFact
from households.enums import EXITED, HEAD
from households.models import Household, HouseholdYear, Person, PersonYear
from imports.catalog.plan import Plan
from imports.checks import RULES, WORDS, codes_of
from imports.enums import Severity
from imports.models import Batch
from imports.services.elsewhere import refuse_taken


def judge(batch: Batch, plan: Plan) -> None:
    """Fill the fault, household and person tables and set the batch's counts (not saved)."""
    with connection.cursor() as cursor:
        # One import at a time: its joins and sorts may have more room than a page's.
        cursor.execute("SELECT set_config('work_mem', '256MB', true)")
        for table in (plan.faults, plan.errors, plan.households, plan.persons):
            walls.drop_scratch(table)
        values = _values(batch)
        _find_faults(cursor, plan, values)
        _judge_households(cursor, plan, values)
        if plan.has_persons:
            _judge_persons(cursor, plan, values)
        _find_suspects(cursor, plan, values)
        _count(cursor, batch, plan, values)


def _values(batch: Batch) -> dict[str, Any]:
    return {
        "partition": batch.partition,
        "region": f"{batch.region_prefix}%",
        "exited": list(EXITED),
        "head": HEAD,
        "words": list(WORDS),
        "rules": list(WORDS.values()),
        "error_rules": codes_of(Severity.ERROR),
    }


# --- what is wrong with single rows -----------------------------------------------------------


def _find_faults(cursor: Any, plan: Plan, values: dict[str, Any]) -> None:
    cursor.execute(
        f"CREATE UNLOGGED TABLE {plan.faults} (row_no integer, rule text, identifier text)"
    )
    for statement in (
        _said_by_the_parser(plan),
        _in_one_scan(plan, _row_rules(plan)),
        _place_rules(plan),
        *_file_rules(plan),
    ):
        cursor.execute(f"INSERT INTO {plan.faults} (row_no, rule, identifier) {statement}", values)
    refuse_taken(cursor, plan, values["partition"])
    _collect_errors(cursor, plan, values)


def _said_by_the_parser(plan: Plan) -> str:
    return f"""
        SELECT DISTINCT r.row_no, w.rule, split_part(said, ':', 1)
          FROM {plan.rows} r
         CROSS JOIN LATERAL regexp_split_to_table(rtrim(r.faults, ';'), ';') AS said
          JOIN unnest(%(words)s::text[], %(rules)s::text[]) AS w (word, rule)
            ON w.word = split_part(said, ':', 2)
         WHERE r.faults <> ''
    """


def _required(plan: Plan) -> list[str]:
    return ["household_no", *(["person_no", "name"] if plan.has_persons else [])]


def _in_one_scan(plan: Plan, rules: list[tuple[str, str, str]]) -> str:
    """All rules (condition, rule, identifier) on single rows, reading a city's rows once."""
    told = ", ".join(f"({condition}, '{rule}', '{name}')" for condition, rule, name in rules)
    return (
        f"SELECT r.row_no, told.rule, told.name FROM {plan.rows} r"
        f" CROSS JOIN LATERAL (VALUES {told}) AS told (broken, rule, name)"
        f" WHERE ({' OR '.join(condition for condition, _, _ in rules)}) AND told.broken"
    )


def _place_rules(plan: Plan) -> str:
    return (
        f"SELECT r.row_no, CASE WHEN p.village_id IS NULL THEN 'IMP08' ELSE 'IMP17' END,"
        f" 'village_code' FROM {plan.rows} r JOIN {plan.places} p USING (county, town, village)"
        f" WHERE p.village_id IS NULL OR p.village_code NOT LIKE %(region)s"
    )


def _row_rules(plan: Plan) -> list[tuple[str, str, str]]:
    found = [(f"r.{name} = ''", "REQ01", name) for name in _required(plan)]
    found += [
        (f"(r.{name} <> '' AND r.{name} !~ '^[0-9A-Za-z]{{1,20}}$')", "IMP20", name)
        for name in ("household_no", "person_no")
        if plan.has(name)
    ]
    found += [
        (f"length(r.{fact.identifier}) > {length}", "IMP19", fact.identifier)
        for facts in plan.by_model.values()
        for fact in facts
        if (length := _longest(fact))
    ]
    if plan.has("work_months"):
        found.append(("(r.work_months < 0 OR r.work_months > 12)", "IMP15", "work_months"))
    if plan.has("exit_year"):
        exited = " AND r.exit_status = ANY(%(exited)s)" if plan.has("exit_status") else ""
        found.append((f"(r.exit_year > %(partition)s{exited})", "EXT01", "exit_year"))
    if "partition" in plan.confirming:
        other = "(r.partition <> '' AND left(r.partition, 4) <> %(partition)s::text)"
        found.append((other, "IMP18", "partition"))
    found += [
        (f"r.{name} < 0", "IMP15", name)
        for name in ("farmland_mu", "house_area_m2", "distance_to_main_road_km")
        if plan.has(name)
    ]
    return found


def _longest(fact: FieldFact) -> int | None:
    """How many characters the column holds, for free text; codes and numbers are bounded already.

    What is sealed was measured before.
    """
    field = fact.model._meta.get_field(fact.name)
    bounded = fact.kind not in ("text", "identifier", "id_number")
    return field.max_length if isinstance(field, models.CharField) and not bounded else None


def _file_rules(plan: Plan) -> list[str]:
    """Rules over several rows of the file."""
    village = "min(p.village_code) IS DISTINCT FROM max(p.village_code)"
    conflicts = [village] + [
        f"min(r.{name}) IS DISTINCT FROM max(r.{name})"
        for name in ("exit_status", "household_attribute", "exit_year")
        if plan.has(name)
    ]
    same_household = (
        f"SELECT household_no FROM {plan.rows} r JOIN {plan.places} p USING (county, town, village)"
        f" WHERE household_no <> '' GROUP BY household_no HAVING {' OR '.join(conflicts)}"
    )
    if not plan.has_persons:
        return [
            f"SELECT row_no, 'DUP08', 'household_no' FROM {plan.rows} JOIN"
            f" (SELECT household_no FROM {plan.rows} WHERE household_no <> ''"
            f" GROUP BY 1 HAVING count(*) > 1) AS twice USING (household_no)"
        ]
    found = [
        f"SELECT row_no, 'DUP08', 'household_no' FROM {plan.rows} JOIN ({same_household}) AS odd"
        f" USING (household_no)",
        f"SELECT row_no, 'DUP10', 'person_no' FROM {plan.rows} JOIN"
        f" (SELECT person_no FROM {plan.rows} WHERE person_no <> ''"
        f" GROUP BY 1 HAVING count(*) > 1) AS twice USING (person_no)",
    ]
    if plan.has("id_no"):
        found.append(
            f"SELECT row_no, 'DUP01', 'id_no' FROM {plan.rows} JOIN"
            f" (SELECT id_no__index FROM {plan.rows} WHERE id_no__index IS NOT NULL"
            f" GROUP BY 1 HAVING count(*) > 1) AS twice USING (id_no__index)"
        )
    if plan.has("relation_to_head"):
        found.append(
            f"SELECT row_no, 'STR02', 'relation_to_head' FROM {plan.rows} JOIN"
            f" (SELECT household_no FROM {plan.rows} WHERE relation_to_head = %(head)s"
            f" GROUP BY 1 HAVING count(*) > 1) AS two USING (household_no)"
            f" WHERE relation_to_head = %(head)s"
        )
    return found


def _collect_errors(cursor: Any, plan: Plan, values: dict[str, Any]) -> None:
    cursor.execute(f"DROP TABLE IF EXISTS {plan.errors}")
    cursor.execute(
        f"CREATE UNLOGGED TABLE {plan.errors} AS SELECT DISTINCT row_no FROM {plan.faults}"
        f" WHERE rule = ANY(%(error_rules)s)",
        values,
    )
    cursor.execute(f"ANALYZE {plan.errors}")


# --- households --------------------------------------------------------------------------------


def _judge_households(cursor: Any, plan: Plan, values: dict[str, Any]) -> None:
    """One row per household with at least one good row; the head's row speaks for it."""
    heads = "row_no"
    if plan.has("relation_to_head"):
        heads = f"CASE WHEN relation_to_head = '{HEAD}' THEN row_no - 100000000 ELSE row_no END"
    cursor.execute(
        f"""
        CREATE UNLOGGED TABLE {plan.households} AS
        WITH spoken AS (
            SELECT household_no, min({heads}) AS chosen, count(*)::int AS rows
              FROM {plan.rows} LEFT JOIN {plan.errors} e USING (row_no)
             WHERE e.row_no IS NULL
             GROUP BY household_no
        )
        SELECT s.household_no, s.rows,
               CASE WHEN s.chosen < 0 THEN s.chosen + 100000000 ELSE s.chosen END AS row_no,
               s.chosen < 0 AS has_head, NULL::int AS village_at,
               CASE WHEN h.id IS NULL THEN nextval('households_household_id_seq') ELSE h.id END
                    AS household_id,
               h.id IS NULL AS is_new
          FROM spoken s LEFT JOIN households_household h USING (household_no)
        """
    )
    cursor.execute(f"ALTER TABLE {plan.households} DROP COLUMN village_at")
    cursor.execute(f"ANALYZE {plan.households}")
    _add_household_verdicts(cursor, plan, values)


def _add_household_verdicts(cursor: Any, plan: Plan, values: dict[str, Any]) -> None:
    status = "nullif(r.exit_status, '')" if plan.has("exit_status") else "NULL"
    carried = {
        "exit_status": f"coalesce({status}, y.exit_status, last.exit_status)",
        "exit_year": (
            "r.exit_year" if plan.has("exit_year") else "coalesce(y.exit_year, last.exit_year)"
        ),
        "identified_year": _identified_year(plan),
    }
    changed = _changed(plan, HouseholdYear, "y", "r", skip=("exit_status",))
    own_changed = _changed(plan, Household, "h", "r", skip=("household_no",))
    cursor.execute(
        f"""
        CREATE UNLOGGED TABLE {plan.households}_v AS
        SELECT k.*, place.village_id, place.village_code, y.id AS year_id,
               {", ".join(f"{sql} AS {name}" for name, sql in carried.items())},
               later.household_id IS NULL AS is_latest,
               NOT k.is_new AND later.household_id IS NULL
                   AND (h.village_id <> place.village_id OR {own_changed}) AS identity_changed,
               y.id IS NOT NULL AND (y.village_id <> place.village_id OR {changed}
                   OR y.exit_status IS DISTINCT FROM {carried["exit_status"]}) AS year_changed
          FROM {plan.households} k
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
    cursor.execute(f"DROP TABLE {plan.households}")
    cursor.execute(f"ALTER TABLE {plan.households}_v RENAME TO {plan.stage}_h")
    _refuse_unknown_status(cursor, plan, values)
    cursor.execute(f"CREATE UNIQUE INDEX ON {plan.households} (household_no)")
    cursor.execute(f"ANALYZE {plan.households}")


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


def _refuse_unknown_status(cursor: Any, plan: Plan, values: dict[str, Any]) -> None:
    """A household whose status nobody states, and one that exited before it was identified."""
    bad = (
        "exit_status IS NULL OR exit_year < identified_year OR identified_year > %(partition)s"
        " OR (exit_status = ANY(%(exited)s) AND exit_year > %(partition)s)"
    )
    cursor.execute(
        f"INSERT INTO {plan.faults} SELECT r.row_no, CASE WHEN k.exit_status IS NULL THEN 'REQ01'"
        f" ELSE 'EXT01' END, CASE WHEN k.exit_status IS NULL THEN 'exit_status' ELSE 'exit_year' END"
        f" FROM {plan.rows} r JOIN {plan.households} k USING (household_no)"
        f" LEFT JOIN {plan.errors} e ON e.row_no = r.row_no"
        f" WHERE e.row_no IS NULL AND ({bad.replace('exit_', 'k.exit_').replace('identified_', 'k.identified_')})",
        values,
    )
    if cursor.rowcount:
        cursor.execute(f"DELETE FROM {plan.households} WHERE {bad}", values)
        _collect_errors(cursor, plan, values)


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
    if plan.has("id_no"):
        cursor.execute(
            f"""
            INSERT INTO {plan.faults}
            SELECT m.row_no, 'IDN12', 'person_no'
              FROM {plan.persons}_m m JOIN {plan.rows} r USING (row_no)
              JOIN households_person p ON p.id = m.matched
             WHERE NOT m.by_number AND r.id_no__index <> p.id_index
            UNION ALL
            SELECT m.row_no, 'DUP02', 'id_no'
              FROM {plan.persons}_m m
              JOIN households_personyear y ON y.person_id = m.matched
               AND y.partition_id = %(partition)s AND y.household_id <> m.household_id
             WHERE m.by_number
            UNION ALL
            SELECT m.row_no, 'DUP02', 'id_no'
              FROM {plan.persons}_m m JOIN {plan.rows} r USING (row_no)
              JOIN households_person other ON other.id_index = r.id_no__index
               AND other.id <> m.matched
             WHERE NOT m.by_number
            UNION ALL
            SELECT m.row_no, 'DUP01', 'id_no'
              FROM {plan.persons}_m m
              JOIN (SELECT matched FROM {plan.persons}_m WHERE matched IS NOT NULL
                     GROUP BY 1 HAVING count(*) > 1) AS twice USING (matched)
            """,
            values,
        )
        if cursor.rowcount:
            _collect_errors(cursor, plan, values)
            cursor.execute(
                f"DELETE FROM {plan.persons}_m WHERE row_no IN (SELECT row_no FROM {plan.errors})"
            )
    _drop_emptied_households(cursor, plan)


def _drop_emptied_households(cursor: Any, plan: Plan) -> None:
    """A household whose last good row was just refused, or whose speaker was, is decided anew."""
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
    right = ", ".join(f"{read}.{fact.identifier}::{fact.db_type}" for fact in facts)
    return f"(({left}) IS DISTINCT FROM ({right}))"


# --- what is odd but may enter -----------------------------------------------------------------


def _find_suspects(cursor: Any, plan: Plan, values: dict[str, Any]) -> None:
    found = []
    if plan.has_persons and plan.has("relation_to_head"):
        found.append(
            f"SELECT row_no, 'STR01', 'relation_to_head' FROM {plan.households} WHERE NOT has_head"
        )
        found.append(
            f"SELECT row_no, 'STR17', 'relation_to_head' FROM {plan.rows}"
            f" WHERE relation_to_head = ''"
        )
    if plan.has_persons and plan.has("member_count"):
        found.append(
            f"SELECT k.row_no, 'IMP13', 'member_count' FROM {plan.households} k"
            f" JOIN {plan.rows} r USING (row_no) WHERE r.member_count <> k.rows"
        )
    if plan.has("id_no") and plan.has("sex"):
        found.append(
            f"SELECT row_no, 'IDN09', 'sex' FROM {plan.rows} WHERE sex <> ''"
            f" AND id_no__sex <> '' AND (id_no__sex = '01') <> (sex = '01')"
        )
    if plan.has("id_no") and plan.has("birth_date"):
        found.append(
            f"SELECT row_no, 'IDN10', 'birth_date' FROM {plan.rows} WHERE birth_date <> id_no__born"
        )
    for statement in found:
        guarded = f"SELECT s.* FROM ({statement}) AS s (row_no, rule, identifier)"
        if "IDN09" in statement or "IDN10" in statement:
            guarded += f" WHERE s.row_no NOT IN (SELECT row_no FROM {plan.errors})"
        cursor.execute(f"INSERT INTO {plan.faults} {guarded}", values)


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
                f"count(*) FILTER (WHERE t.{fact.name} IS DISTINCT FROM"
                f" r.{fact.identifier}::{fact.db_type})"
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


assert set(WORDS.values()) <= set(RULES)  # noqa: S101 - a word without a rule would lose a row
