"""Spells of work and villages: rows that are neither households nor persons, judged and written."""

from typing import Any

from django.db import models

from households.catalog import FieldFact
from households.models import PersonYear, WorkSpell
from imports.catalog.plan import Plan
from imports.enums import Grain, Target
from imports.models import Batch
from villages.models import VillageYear

Touched = dict[str, tuple[str, str]]


def value(plan: Plan, name: str) -> str:
    return f"coalesce(r.{name}, '')" if plan.has(name) else "''"


def is_spell(plan: Plan) -> str:
    """SQL: whether the row tells of a spell, rather than that there was none."""
    if not plan.has("has_worked"):
        return "true"
    return f"(r.has_worked IS DISTINCT FROM false OR {value(plan, 'started_month')} <> '')"


def judge_entries(cursor: Any, batch: Batch, plan: Plan, values: dict[str, Any]) -> None:
    """Make the table of entries, and empty ones where households and persons would stand."""
    cursor.execute(_EMPTY.format(table=plan.households))
    if plan.grain == Grain.SPELL:
        _judge_spells(cursor, plan, values)
    else:
        _judge_villages(cursor, plan, values)
    cursor.execute(f"ANALYZE {plan.entries}")
    cursor.execute(f"SELECT count(*) FROM {plan.rows}")
    batch.rows_read = batch.entries_read = cursor.fetchone()[0]
    cursor.execute(
        f"SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new AND is_changed),"
        f" count(*) FILTER (WHERE NOT is_new AND NOT is_changed) FROM {plan.entries}"
    )
    counted = cursor.fetchone()
    batch.entries_created, batch.entries_updated, batch.entries_unchanged = counted
    batch.entries_rejected = batch.entries_read - sum(counted)
    batch.changed_fields = _changed_fields(cursor, plan)


# What the rest of an import may ask of households, of which there are none.
_EMPTY = """
CREATE UNLOGGED TABLE {table} (
    household_no text, rows integer, row_no integer, has_head boolean, household_id bigint,
    is_new boolean, village_id bigint, village_code text, year_id bigint, exit_status text,
    exit_year integer, identified_year integer, is_latest boolean, identity_changed boolean,
    year_changed boolean)
"""


def _judge_spells(cursor: Any, plan: Plan, values: dict[str, Any]) -> None:
    """A spell is found by its person and the month it began in.

    A row that says somebody did not work has no spell (`row_id` is NULL) and is about the person's
    year alone.
    """
    worked, any_worked = "false", "NULL::boolean"
    if plan.has("has_worked"):
        # A blank tells nothing.
        worked = "(said.has_worked IS NOT NULL AND y.has_worked IS DISTINCT FROM said.has_worked)"
        any_worked = "bool_or(r.has_worked) OVER (PARTITION BY r.person_no)"
    changed = _changed(plan, WorkSpell, "s")
    tells_spell = is_spell(plan)
    cursor.execute(
        f"""
        CREATE UNLOGGED TABLE {plan.entries} AS
        WITH said AS (
            SELECT r.row_no, r.person_no, {value(plan, "started_month")} AS started_month,
                   {tells_spell} AS is_spell, {any_worked} AS has_worked
              FROM {plan.rows} r LEFT JOIN {plan.errors} e USING (row_no)
             WHERE e.row_no IS NULL
        )
        SELECT said.row_no, p.id AS person_id, y.household_id, y.village_code, y.id AS year_id,
               said.has_worked, {worked} AS worked_changed,
               said.is_spell AND s.id IS NULL AS is_new,
               CASE WHEN NOT said.is_spell THEN NULL
                    WHEN s.id IS NULL THEN nextval('households_workspell_id_seq')
                    ELSE s.id END AS row_id,
               s.id IS NOT NULL AND said.is_spell AND (s.household_id <> y.household_id
                   OR s.village_code <> y.village_code OR {changed}) AS spell_changed
          FROM said
          JOIN {plan.rows} r USING (row_no)
          JOIN households_person p ON p.person_no = said.person_no
          JOIN households_personyear y
            ON y.person_id = p.id AND y.partition_id = %(partition)s
          LEFT JOIN households_workspell s
                 ON s.person_id = p.id AND s.partition_id = %(partition)s
                AND s.started_month = said.started_month
        """,
        values,
    )
    cursor.execute(
        f"ALTER TABLE {plan.entries} ADD is_changed boolean"
        f" GENERATED ALWAYS AS (spell_changed OR worked_changed) STORED"
    )


def _judge_villages(cursor: Any, plan: Plan, values: dict[str, Any]) -> None:
    changed = _changed(plan, VillageYear, "v")
    cursor.execute(
        f"""
        CREATE UNLOGGED TABLE {plan.entries} AS
        SELECT r.row_no, place.village_id, place.village_code, v.id IS NULL AS is_new,
               CASE WHEN v.id IS NULL THEN nextval('villages_villageyear_id_seq')
                    ELSE v.id END AS row_id,
               v.id IS NOT NULL AND {changed} AS is_changed
          FROM {plan.rows} r
          LEFT JOIN {plan.errors} e USING (row_no)
          JOIN {plan.places} place USING (county, town, village)
          LEFT JOIN villages_villageyear v
                 ON v.region_id = place.village_id AND v.year = %(partition)s
         WHERE e.row_no IS NULL
        """,
        values,
    )


def _changed(plan: Plan, model: type[models.Model], stored: str) -> str:
    facts = plan.columns(model)
    if not facts:
        return "false"
    left = ", ".join(f"{stored}.{fact.name}" for fact in facts)
    return f"(({left}) IS DISTINCT FROM ({', '.join(plan.told(fact, stored) for fact in facts)}))"


def _read(fact: FieldFact) -> str:
    return f"r.{fact.identifier}::{fact.db_type}"


def _changed_fields(cursor: Any, plan: Plan) -> dict[str, int]:
    """How many entries change in each fact."""
    counts: dict[str, int] = {}
    model = WorkSpell if plan.grain == Grain.SPELL else VillageYear
    if facts := plan.columns(model):
        told = ", ".join(
            f"count(*) FILTER (WHERE t.{fact.name} IS DISTINCT FROM {plan.told(fact)})"
            for fact in facts
        )
        cursor.execute(
            f"SELECT {told} FROM {plan.entries} k JOIN {plan.rows} r USING (row_no)"
            f" JOIN {model._meta.db_table} t ON t.id = k.row_id"
        )
        counted = zip(facts, cursor.fetchone(), strict=True)
        counts = {fact.identifier: number for fact, number in counted if number}
    if plan.has("has_worked"):
        cursor.execute(f"SELECT count(DISTINCT person_id) FROM {plan.entries} WHERE worked_changed")
        if changed := cursor.fetchone()[0]:
            counts["has_worked"] = changed
    return counts


# --- writing -----------------------------------------------------------------------------------


def write(cursor: Any, plan: Plan, batch: Batch) -> Touched:
    """Write spells or villages; returns SQL of the created and the updated row ids by table.

    To be called inside the act's transaction, after the rows were judged in it or before unchanged.
    """
    values = {"partition": batch.partition, "source": f"行政村信息导出 批次{batch.pk}"}
    if plan.grain == Grain.SPELL:
        return _write_spells(cursor, plan, values)
    return _write_villages(cursor, plan, values)


def _write_spells(cursor: Any, plan: Plan, values: dict[str, Any]) -> Touched:
    facts = plan.columns(WorkSpell)
    names = "".join(f", {fact.name}" for fact in facts)
    read = "".join(f", {_read(fact)}" for fact in facts)
    cursor.execute(
        f"INSERT INTO households_workspell"
        f" (id, partition_id, household_id, village_code, person_id{names})"
        f" SELECT k.row_id, %(partition)s, k.household_id, k.village_code, k.person_id{read}"
        f" FROM {plan.entries} k JOIN {plan.rows} r USING (row_no) WHERE k.is_new"
        f" ORDER BY k.village_code, k.household_id, k.row_no",
        values,
    )
    put = "".join(f", {fact.name} = {plan.told(fact, 's')}" for fact in facts)
    cursor.execute(
        f"UPDATE households_workspell s SET household_id = k.household_id,"
        f" village_code = k.village_code, changed_at = clock_timestamp(){put}"
        f" FROM {plan.entries} k JOIN {plan.rows} r USING (row_no)"
        f" WHERE s.id = k.row_id AND k.spell_changed"
    )
    told: Touched = {
        Target.WORK_SPELL: (
            f"SELECT row_id FROM {plan.entries} WHERE is_new",
            f"SELECT row_id FROM {plan.entries} WHERE spell_changed",
        )
    }
    if plan.columns(PersonYear):
        cursor.execute(
            f"UPDATE households_personyear y SET has_worked = k.has_worked,"
            f" changed_at = clock_timestamp() FROM (SELECT DISTINCT year_id, has_worked"
            f" FROM {plan.entries} WHERE worked_changed) AS k WHERE y.id = k.year_id"
        )
        told[Target.PERSON_YEAR] = (
            "",
            f"SELECT DISTINCT year_id FROM {plan.entries} WHERE worked_changed",
        )
    return told


def _write_villages(cursor: Any, plan: Plan, values: dict[str, Any]) -> Touched:
    """A village without a row of the year keeps what was known the year before.

    Only a poor village can have exited (出列), so an answer to that question tells that it is one.
    """
    facts = plan.columns(VillageYear)
    names = "".join(f", {fact.name}" for fact in facts)
    read = "".join(f", {_read(fact)}" for fact in facts)
    asked = "r.village_exited IS NOT NULL" if plan.has("village_exited") else "false"
    cursor.execute(
        f"""
        INSERT INTO villages_villageyear
               (id, region_id, region_code, year, is_poor_village, is_deep_poverty, exited_year,
                source{names})
        SELECT k.row_id, k.village_id, k.village_code, %(partition)s,
               coalesce(last.is_poor_village, {asked}), coalesce(last.is_deep_poverty, false),
               last.exited_year, %(source)s{read}
          FROM {plan.entries} k
          JOIN {plan.rows} r USING (row_no)
          LEFT JOIN LATERAL (
               SELECT is_poor_village, is_deep_poverty, exited_year FROM villages_villageyear v
                WHERE v.region_id = k.village_id AND v.year < %(partition)s
                ORDER BY v.year DESC LIMIT 1) AS last ON true
         WHERE k.is_new ORDER BY k.village_code
        """,
        values,
    )
    if facts:
        put = ", ".join(f"{fact.name} = {_read(fact)}" for fact in facts)
        cursor.execute(
            f"UPDATE villages_villageyear v SET {put}"
            f" FROM {plan.entries} k JOIN {plan.rows} r USING (row_no)"
            f" WHERE v.id = k.row_id AND k.is_changed"
        )
    return {
        Target.VILLAGE_YEAR: (
            f"SELECT row_id FROM {plan.entries} WHERE is_new",
            f"SELECT row_id FROM {plan.entries} WHERE NOT is_new AND is_changed",
        )
    }
