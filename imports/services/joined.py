"""Exports that add to what is registered: rows find their household, person or village by number.

A joined row brings nobody new. What it does not find is sent back (IMP22), and places and names that
it tells besides are only compared (IMP23). Once every row knows its household and person, the rows
of households and persons are judged and written as those of a full export are; spells of work and
villages have a table of entries of their own (`imports.services.entries`).
"""

from typing import Any

from django.db import connection

from core import walls
from households.catalog import FieldFact
from households.models import HouseholdYear
from imports.catalog.plan import Plan, blank_value
from imports.enums import Grain
from imports.models import Batch
from imports.services.checking import ruleset
from imports.services.entries import is_spell, value
from imports.services.placing import Villages, fill_places

UNKNOWN, DIFFERS, TWICE, BACKWARDS = "IMP22", "IMP23", "IMP24", "IMP25"

# Of a region that has no villages: nothing is placed there.
_NOWHERE = "-"


# --- finding -----------------------------------------------------------------------------------


def attach(batch: Batch, plan: Plan) -> None:
    """Give every row the household, person and village that are registered under its number.

    Leaves in the rows whether they are registered (`is_registered`) and which columns tell something
    else than the register (`differs`). May be done again after the register changed.
    """
    values = {"partition": batch.partition, "region": f"{batch.region_prefix}%"}
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [plan.places])
        if cursor.fetchone()[0]:
            walls.drop_scratch(plan.places)
            cursor.execute(f"UPDATE {plan.rows} SET is_registered = false, differs = ''")
            _give_back(cursor, plan)
        else:
            _prepare(cursor, batch, plan)
        if plan.is_of_persons:
            _find_persons(cursor, plan, values)
        else:
            _find_households(cursor, plan, values)
        _place(cursor, plan, values)


def _prepare(cursor: Any, batch: Batch, plan: Plan) -> None:
    """Set aside what the file itself tells of places and households."""
    cursor.execute(
        f"ALTER TABLE {plan.rows} ADD is_registered boolean NOT NULL DEFAULT false,"
        f" ADD differs text NOT NULL DEFAULT '', ADD told_village text NOT NULL DEFAULT '',"
        f" ADD told_household text NOT NULL DEFAULT '', ADD gathered text[] NOT NULL DEFAULT '{{}}'"
    )
    if plan.is_of_persons and plan.has("household_no"):
        cursor.execute(f"UPDATE {plan.rows} SET told_household = household_no")
    if plan.has("id_no") and not plan.is_numbered:
        # The person's number says who it is; a blank beside it is no fault.
        cursor.execute(
            f"UPDATE {plan.rows} SET faults = replace(faults, 'id_no:blank;', '')"
            f" WHERE faults LIKE '%id_no:blank;%'"
        )
    _read_told_villages(cursor, batch, plan)
    cursor.execute(f"ANALYZE {plan.rows}")


def _read_told_villages(cursor: Any, batch: Batch, plan: Plan) -> None:
    """The code of the village that a row names, where it names one that is known."""
    if "village_code" not in plan.regions:
        return
    villages = Villages(batch.region_prefix[:4], batch.partition, batch.region_prefix)
    cursor.execute(f"SELECT DISTINCT county, town, village FROM {plan.rows} WHERE village <> ''")
    told = [(*names, villages.find(*names)[1]) for names in cursor.fetchall()]
    known = [one for one in told if one[3]]
    cursor.execute(
        f"UPDATE {plan.rows} r SET told_village = t.code"
        f" FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[])"
        f" AS t (county, town, village, code)"
        f" WHERE (r.county, r.town, r.village) = (t.county, t.town, t.village)",
        [[one[at] for one in known] for at in range(4)],
    )


_DIFFERS = """
    CASE WHEN r.told_village <> '' AND r.told_village <> y.village_code
         THEN 'village_code' ELSE '' END
"""


def _find_households(cursor: Any, plan: Plan, values: dict[str, Any]) -> None:
    cursor.execute(
        f"""
        UPDATE {plan.rows} r SET is_registered = true, village = y.village_code,
               differs = {_DIFFERS}
          FROM households_household h
          JOIN households_householdyear y
            ON y.household_id = h.id AND y.partition_id = %(partition)s
         WHERE h.household_no = r.household_no AND y.village_code LIKE %(region)s
        """,
        values,
    )


def _find_persons(cursor: Any, plan: Plan, values: dict[str, Any]) -> None:
    """The household is the one the person belongs to in the year; another one told is a mistake."""
    named = "CASE WHEN r.name <> '' AND r.name <> p.name THEN 'name' END"
    cursor.execute(
        f"""
        UPDATE {plan.rows} r SET is_registered = true, village = y.village_code,
               household_no = h.household_no,
               differs = concat_ws(';', nullif({_DIFFERS}, ''), {named})
          FROM households_person p
          JOIN households_personyear y ON y.person_id = p.id AND y.partition_id = %(partition)s
          JOIN households_household h ON h.id = y.household_id
         WHERE p.person_no = r.person_no AND y.village_code LIKE %(region)s
           AND r.told_household IN ('', h.household_no)
        """,
        values,
    )


def _place(cursor: Any, plan: Plan, values: dict[str, Any]) -> None:
    """The places of a joined file are where its households are registered."""
    cursor.execute(
        f"UPDATE {plan.rows} SET county = '', town = '',"
        f" village = CASE WHEN is_registered THEN village ELSE '{_NOWHERE}' END"
    )
    cursor.execute(
        f"SELECT '', '', y.village_code, y.village_id, y.village_code, false"
        f"  FROM (SELECT DISTINCT village FROM {plan.rows} WHERE is_registered) AS named"
        f"  JOIN LATERAL (SELECT village_code, village_id FROM households_householdyear"
        f"    WHERE village_code = named.village AND partition_id = %(partition)s LIMIT 1) AS y"
        f"    ON true",
        values,
    )
    fill_places(cursor, plan, cursor.fetchall())


def gather(cursor: Any, plan: Plan, households: str) -> None:
    """Let the row that speaks for a household tell what only other good rows of it tell.

    Which facts it was given is noted in the row (`gathered`), for the next judgement to ask anew.
    """
    if not (facts := plan.columns(HouseholdYear)):
        return
    names = [fact.identifier for fact in facts]
    told = {fact.identifier: _told(fact) for fact in facts}
    first = ", ".join(_first(fact, told[fact.identifier]) for fact in facts)
    lacking = ", ".join(
        f"CASE WHEN NOT {told[name]} AND s.{name} IS NOT NULL THEN '{name}' END" for name in names
    )
    put = ", ".join(
        f"{name} = CASE WHEN {told[name]} THEN r.{name} ELSE coalesce(s.{name}, r.{name}) END"
        for name in names
    )
    cursor.execute(
        f"""
        UPDATE {plan.rows} r SET {put}, gathered = array_remove(ARRAY[{lacking}], NULL)
          FROM {households} k
          JOIN (SELECT r.household_no, {first} FROM {plan.rows} r
                  LEFT JOIN {plan.errors} e USING (row_no)
                 WHERE e.row_no IS NULL GROUP BY 1) AS s USING (household_no)
         WHERE r.row_no = k.row_no AND k.rows > 1
        """
    )


def _first(fact: FieldFact, told: str) -> str:
    """SQL: what the first row that tells the fact says. Lists go as text: [1] of lists is no list."""
    name, is_list = fact.identifier, fact.kind == "codes"
    as_text, back = ("::text", "::text[]") if is_list else ("", "")
    told_by = f"array_agg(r.{name}{as_text} ORDER BY r.row_no) FILTER (WHERE {told})"
    return f"({told_by})[1]{back} AS {name}"


def _give_back(cursor: Any, plan: Plan) -> None:
    """Blank again what rows were given for their household."""
    if plan.grain != Grain.JOINED_PERSON or not (facts := plan.columns(HouseholdYear)):
        return
    put = ", ".join(
        f"{fact.identifier} = CASE WHEN '{fact.identifier}' = ANY(gathered)"
        f" THEN {blank_value(fact) or 'NULL'} ELSE {fact.identifier} END"
        for fact in facts
    )
    cursor.execute(f"UPDATE {plan.rows} SET {put}, gathered = '{{}}' WHERE gathered <> '{{}}'")


def _told(fact: FieldFact) -> str:
    """SQL: whether the row tells the fact."""
    blank = blank_value(fact)
    return f"(r.{fact.identifier} <> {blank})" if blank else f"(r.{fact.identifier} IS NOT NULL)"


def find_faults(cursor: Any, batch: Batch, plan: Plan) -> int:
    """Tell what is not registered and what differs from it; returns how many rows were told of."""
    statements = []
    if plan.is_joined:
        key = "person_no" if plan.is_of_persons else "household_no"
        blamed = "id_no" if plan.is_numbered else key
        statements += [
            f"SELECT row_no, '{UNKNOWN}', '{blamed}' FROM {plan.rows} WHERE NOT is_registered",
            f"SELECT row_no, '{DIFFERS}', said FROM {plan.rows},"
            f" regexp_split_to_table(differs, ';') AS said WHERE differs <> ''",
        ]
    if plan.grain == Grain.SPELL:
        statements += _spell_faults(plan)
    if plan.grain == Grain.VILLAGE:
        statements.append(
            f"SELECT row_no, '{TWICE}', 'village_code' FROM ("
            f" SELECT row_no, count(*) OVER (PARTITION BY village_code) AS times FROM {plan.rows}"
            f" JOIN {plan.places} USING (county, town, village) WHERE village_id IS NOT NULL"
            f") AS told WHERE times > 1"
        )
    count, held = 0, list(ruleset(batch.partition))
    for statement in statements:
        cursor.execute(
            f"INSERT INTO {plan.faults} (row_no, rule, identifier)"
            f" SELECT * FROM ({statement}) AS told (row_no, rule, identifier)"
            f" WHERE rule = ANY(%s)",
            [held],
        )
        count += cursor.rowcount
    return count


def _spell_faults(plan: Plan) -> list[str]:
    started, ended = value(plan, "started_month"), value(plan, "ended_month")
    return [
        f"SELECT row_no, '{TWICE}', 'started_month' FROM ("
        f" SELECT row_no, count(*) OVER (PARTITION BY person_no, {started}) AS times"
        f" FROM {plan.rows} r WHERE is_registered AND {is_spell(plan)}) AS told WHERE times > 1",
        f"SELECT row_no, '{BACKWARDS}', 'ended_month' FROM {plan.rows} r"
        f" WHERE {started} <> '' AND {ended} <> '' AND {ended} < {started}",
    ]
