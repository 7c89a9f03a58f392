"""Writing a judged batch into the register: set-based, all of it or nothing."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import connection, models

from core.failpoints import failpoint
from households.catalog import FieldFact
from households.enums import DISABILITY_ID, HEAD, RESIDENT_ID
from households.models import Household, HouseholdYear, Person, PersonYear
from households.services.movements import post_movements
from imports.catalog.plan import Plan
from imports.enums import BatchState, Grain
from imports.models import Batch
from imports.services import entries, judging
from imports.services.accepting import RejectedRowsError, all_or_nothing
from imports.services.raws import keep_raws
from imports.services.receiving import drop_stage, hold_open
from imports.services.rotating import refuse_unsettled
from imports.services.staging import (
    Progress,
    Timer,
    is_staged,
    quiet,
    register_version,
    save_problems,
)
from imports.services.touching import add_touches, former_places_so_far, touch, written

# Target → SQL of the created rows' ids and SQL of the updated ones', either may be empty.
Touched = dict[str, tuple[str, str]]


class ChangedSincePreviewError(Exception):
    """The register changed after the preview so that other rows would be written now."""


class StaleStageError(Exception):
    """What was staged is gone or sealed under former keys; staged again it can be written."""


def apply(
    *,
    batch: Batch,
    job: int | None = None,
    by: int | None = None,
    progress: Progress = quiet,
    confirmed: bool = False,
) -> None:
    """Write the batch; to be called inside the act's transaction.

    Judges again under a lock, so that two batches cannot both create one household; the problems
    of the first judgement are whoever staged's to keep. With
    `confirmed` the counts must still be those that a person saw in the preview, else
    ChangedSincePreviewError; RejectedRowsError when all rows were to be good,
    ClosedMeanwhileError when the year is closed by now, StaleStageError when the file must be
    staged again. Sets and saves the batch's final counts and drops the staging tables.
    """
    failpoint("imports.apply.begun")
    plan = Plan.of_batch(batch)
    timer = Timer()
    timer.seconds = dict(batch.seconds)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('imports.apply'))")
        failpoint("imports.apply.locked")
        cursor.execute("SELECT set_config('work_mem', '256MB', true)")
        hold_open(batch.partition)
        refuse_unsettled()
        if not is_staged(batch):
            raise StaleStageError("暂存的行已不在，或加密密钥已更换，请重新解析后再写入。")
        seen = _seen(batch)
        is_anew = False
        if register_version() != batch.register_version:
            with timer.phase("judge"):
                judging.judge(batch, plan)
            if confirmed and _seen(batch) != seen:
                raise ChangedSincePreviewError
            is_anew = True
        if refusal := all_or_nothing(batch):
            raise RejectedRowsError(refusal)
        progress("写入", 0, None)
        batch.applied_from = _clock(cursor)
        former_places = former_places_so_far(cursor)
        with timer.phase("apply"):
            entries = _write(cursor, plan, batch)
        with timer.phase("touches"):
            if plan.has_entries:
                touched = add_touches(cursor, batch, written(entries))
            else:
                touched = touch(cursor, plan, batch, former_places)
            if touched:
                # A change of names alone leaves no mark; whoever judged before judges again.
                cursor.execute("SELECT nextval('households_dirtyregion_id_seq')")
        failpoint("imports.apply.touched")
        with timer.phase("raws"):
            keep_raws(cursor, plan, batch)
        if is_anew:
            with timer.phase("problems"):
                save_problems(batch, plan)
    with timer.phase("ledger"):
        _ledger(plan, batch, job, by)
    failpoint("imports.apply.ledger")
    drop_stage(batch)
    failpoint("imports.apply.dropped")
    batch.stage = ""
    batch.state = BatchState.APPLIED
    with connection.cursor() as cursor:
        batch.applied_at = _clock(cursor)
    batch.applied_by_id = by
    batch.applied_job_id = job
    batch.seconds = timer.seconds
    batch.save()
    failpoint("imports.apply.saved")


def _clock(cursor: Any) -> Any:
    """The database's own time, which old images carry too."""
    cursor.execute("SELECT clock_timestamp()")
    return cursor.fetchone()[0]


def _seen(batch: Batch) -> tuple[dict[str, int], ...]:
    return tuple(batch.counts(kind) for kind in ("households", "persons", "entries"))


def _write(cursor: Any, plan: Plan, batch: Batch) -> Touched:
    """Write the rows; of spells and villages what was touched, by table."""
    if plan.has_entries:
        return entries.write(cursor, plan, batch)
    values = {"partition": batch.partition}
    _write_households(cursor, plan, values)
    failpoint("imports.apply.households")
    created, _ = _write_household_years(cursor, plan, values)
    _agree(created, batch.households_created)
    failpoint("imports.apply.household_years")
    if plan.has_persons:
        _write_persons(cursor, plan, values)
        failpoint("imports.apply.persons")
        created, _ = _write_person_years(cursor, plan, values)
        _agree(created, batch.persons_created)
        failpoint("imports.apply.person_years")
    return {}


def _agree(written: int, promised: int) -> None:
    if written != promised:
        raise AssertionError(f"{written} rows written, {promised} promised")


def _names(facts: list[FieldFact]) -> str:
    return "".join(f", {fact.name}" for fact in facts)


def _read(facts: list[FieldFact]) -> str:
    return "".join(f", r.{fact.identifier}::{fact.db_type}" for fact in facts)


def _set(plan: Plan, facts: list[FieldFact], stored: str) -> str:
    return "".join(f", {fact.name} = {plan.told(fact, stored)}" for fact in facts)


def _defaults(model: type[models.Model], given: set[str]) -> tuple[str, str]:
    """Columns that the file does not fill and that have no database default, with empty values."""
    names, empties = "", ""
    for field in model._meta.concrete_fields:
        if field.column in given or field.primary_key or field.generated or field.has_db_default():
            continue
        if field.null:
            continue
        names += f", {field.column}"
        empties += ", '{}'" if isinstance(field, ArrayField) else ", ''"
    return names, empties


def _write_households(cursor: Any, plan: Plan, values: dict[str, Any]) -> None:
    facts = plan.columns(Household)
    given = {"id", "village_id", "village_code", *(fact.name for fact in facts)}
    names, empties = _defaults(Household, given)
    cursor.execute(
        f"INSERT INTO households_household (id, village_id, village_code{_names(facts)}{names})"
        f" SELECT k.household_id, k.village_id, k.village_code{_read(facts)}{empties}"
        f" FROM {plan.households} k JOIN {plan.rows} r USING (row_no) WHERE k.is_new"
        f" ORDER BY k.village_code, k.household_no",
        values,
    )
    own = [fact for fact in facts if fact.name != "household_no"]
    cursor.execute(
        f"UPDATE households_household h SET village_id = k.village_id,"
        f" village_code = k.village_code{_set(plan, own, 'h')}"
        f" FROM {plan.households} k JOIN {plan.rows} r USING (row_no)"
        f" WHERE h.id = k.household_id AND k.identity_changed",
        values,
    )


def _write_household_years(cursor: Any, plan: Plan, values: dict[str, Any]) -> tuple[int, int]:
    carried = ("exit_status", "exit_year", "identified_year")
    facts = plan.columns(HouseholdYear, without=carried)
    given = {"partition_id", "household_id", "village_id", "village_code", *carried}
    names, empties = _defaults(HouseholdYear, given | {fact.name for fact in facts})
    cursor.execute(
        f"INSERT INTO households_householdyear (partition_id, household_id, village_id,"
        f" village_code, {', '.join(carried)}{_names(facts)}{names})"
        f" SELECT %(partition)s, k.household_id, k.village_id, k.village_code,"
        f" {', '.join(f'k.{name}' for name in carried)}{_read(facts)}{empties}"
        f" FROM {plan.households} k JOIN {plan.rows} r USING (row_no) WHERE k.year_id IS NULL"
        f" ORDER BY k.village_code, k.household_no",
        values,
    )
    created = cursor.rowcount
    cursor.execute(
        f"UPDATE households_householdyear y SET village_id = k.village_id,"
        f" village_code = k.village_code, changed_at = clock_timestamp(),"
        f" {', '.join(f'{name} = k.{name}' for name in carried)}{_set(plan, facts, 'y')}"
        f" FROM {plan.households} k JOIN {plan.rows} r USING (row_no)"
        f" WHERE y.id = k.year_id AND k.year_changed",
        values,
    )
    return created, cursor.rowcount


# The number itself tells birth date and sex where the layout has no columns for them; its keyed
# indexes stand in no layout.
_TOLD = {
    "birth_date": "r.id_no__born",
    "sex": "r.id_no__sex",
    "id_type": f"CASE WHEN r.id_no__is_certificate THEN '{DISABILITY_ID}'"
    f" WHEN r.id_no__born IS NOT NULL THEN '{RESIDENT_ID}' ELSE '' END",
    "id_index": "r.id_no__index",
    "id_tail": "r.id_no__tail",
}


def _write_persons(cursor: Any, plan: Plan, values: dict[str, Any]) -> None:
    facts = plan.columns(Person)
    told = {name: sql for name, sql in _TOLD.items() if plan.has("id_no") and not plan.has(name)}
    given = {"id", "household_id", "village_code", *told, *(fact.name for fact in facts)}
    names, empties = _defaults(Person, given)
    cursor.execute(
        f"INSERT INTO households_person (id, household_id, village_code"
        f"{''.join(f', {name}' for name in told)}{_names(facts)}{names})"
        f" SELECT p.person_id, p.household_id, p.village_code"
        f"{''.join(f', {sql}' for sql in told.values())}{_read(facts)}{empties}"
        f" FROM {plan.persons} p JOIN {plan.rows} r USING (row_no) WHERE p.is_new"
        f" ORDER BY p.village_code, p.household_id, p.row_no",
        values,
    )
    cursor.execute(
        f"UPDATE households_person t SET household_id = p.household_id,"
        f" village_code = p.village_code{''.join(f', {n} = {sql}' for n, sql in told.items())}"
        f"{_set(plan, facts, 't')} FROM {plan.persons} p JOIN {plan.rows} r USING (row_no)"
        f" WHERE t.id = p.person_id AND p.identity_changed",
        values,
    )


def _write_person_years(cursor: Any, plan: Plan, values: dict[str, Any]) -> tuple[int, int]:
    facts = plan.columns(PersonYear)
    given = {"partition_id", "household_id", "village_code", "person_id"}
    names, empties = _defaults(PersonYear, given | {fact.name for fact in facts})
    # Changed rows first, those that become heads last: one head steps back before another enters.
    updated = 0
    for turn in _turns(plan):
        cursor.execute(
            f"UPDATE households_personyear y SET household_id = p.household_id,"
            f" village_code = p.village_code, changed_at = clock_timestamp(){_set(plan, facts, 'y')}"
            f" FROM {plan.persons} p JOIN {plan.rows} r USING (row_no)"
            f" WHERE y.id = p.year_id AND p.year_changed AND {turn}",
            values,
        )
        updated += cursor.rowcount
    cursor.execute(
        f"INSERT INTO households_personyear (partition_id, household_id, village_code, person_id"
        f"{_names(facts)}{names})"
        f" SELECT %(partition)s, p.household_id, p.village_code, p.person_id{_read(facts)}{empties}"
        f" FROM {plan.persons} p JOIN {plan.rows} r USING (row_no) WHERE p.year_id IS NULL"
        f" ORDER BY p.village_code, p.household_id, p.row_no",
        values,
    )
    return cursor.rowcount, updated


def _turns(plan: Plan) -> tuple[str, ...]:
    """Conditions on changed persons' years (y, read as r), to be written one after the other."""
    if not plan.has("relation_to_head"):
        return ("true",)
    becomes_head = (
        f"(r.relation_to_head = '{HEAD}'"
        f" AND (y.relation_to_head <> '{HEAD}' OR y.household_id <> p.household_id))"
    )
    return (f"NOT {becomes_head}", becomes_head)


def _ledger(plan: Plan, batch: Batch, job: int | None, by: int | None) -> None:
    touched = f"SELECT household_id FROM {plan.households} WHERE year_id IS NULL OR year_changed"
    if plan.has_persons:
        touched += (
            f" UNION SELECT household_id FROM {plan.persons} WHERE year_id IS NULL OR year_changed"
        )
    # A file of heads does not say who else belongs to the household.
    members = plan.grain != Grain.HEAD
    post_movements(partition=batch.partition, households=touched, members=members, job=job, by=by)
