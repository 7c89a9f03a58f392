"""Which rows of the register a batch created or changed, put down in the act that wrote them."""

from collections.abc import Mapping
from typing import Any

from imports.catalog.plan import Plan
from imports.enums import Target
from imports.models import Batch

_CREATED_OR_UPDATED = "CASE WHEN {is_new} THEN 'C' ELSE 'U' END"


def former_places_so_far(cursor: Any) -> int:
    """The last number given to a former place; those that triggers add from now on have larger ones."""
    cursor.execute("SELECT last_value - (NOT is_called)::int FROM households_formerplace_id_seq")
    return int(cursor.fetchone()[0])


def touch(cursor: Any, plan: Plan, batch: Batch, former_places: int) -> int:
    """Put the touches of a full layout down, after its rows were written; returns how many."""
    found = [*_identity_and_year(plan.households, "household", Target.HOUSEHOLD)]
    if plan.has_persons:
        found += _identity_and_year(plan.persons, "person", Target.PERSON)
    count = add_touches(cursor, batch, found)
    return count + touch_former_places(cursor, batch, former_places)


def _identity_and_year(table: str, name: str, identity: Target) -> list[str]:
    """SQL: (target, row, verdict) of the identities in a judged table and of their years.

    The year of an identity that is new goes without saying.
    """
    year = Target.HOUSEHOLD_YEAR if identity == Target.HOUSEHOLD else Target.PERSON_YEAR
    verdict = _CREATED_OR_UPDATED.format(is_new="k.is_new")
    return [
        f"SELECT '{identity.value}', k.{name}_id, {verdict} FROM {table} k"
        f" WHERE k.is_new OR k.identity_changed",
        f"SELECT '{year.value}', k.year_id, 'U' FROM {table} k WHERE k.year_changed",
        f"SELECT '{year.value}', y.id, 'C' FROM {table} k"
        f" JOIN households_{name}year y ON y.{name}_id = k.{name}_id"
        f" AND y.partition_id = %(partition)s WHERE k.year_id IS NULL AND NOT k.is_new",
    ]


def add_touches(cursor: Any, batch: Batch, statements: list[str]) -> int:
    """Put down what the statements select: (target, row, verdict), trusted SQL."""
    count = 0
    for statement in statements:
        cursor.execute(
            f"INSERT INTO imports_touch (batch_id, target, row_id, verdict)"
            f" SELECT %(batch)s, t.* FROM ({statement}) AS t (target, row_id, verdict)",
            {"batch": batch.pk, "partition": batch.partition},
        )
        count += cursor.rowcount
    return count


def touch_former_places(cursor: Any, batch: Batch, since: int) -> int:
    """Put down the former places that triggers added for what this batch moved.

    A row that somebody else moves waits for this transaction, so what is younger and belongs to a
    household or person of the batch is the batch's.
    """
    cursor.execute("SELECT EXISTS (SELECT FROM households_formerplace WHERE id > %s)", [since])
    if not cursor.fetchone()[0]:
        return 0
    values = {"batch": batch.pk, "since": since}
    cursor.execute(
        """
        WITH moved AS MATERIALIZED (
            SELECT row_id FROM imports_touch
             WHERE batch_id = %(batch)s AND target = 'H' AND verdict = 'U'
        ), persons AS MATERIALIZED (
            SELECT row_id FROM imports_touch
             WHERE batch_id = %(batch)s AND target = 'P' AND verdict = 'U'
            UNION
            -- Members go along with their household, whether the file names them or not.
            SELECT id FROM households_person WHERE household_id IN (SELECT row_id FROM moved)
        )
        INSERT INTO imports_touch (batch_id, target, row_id, verdict)
        SELECT %(batch)s, 'FP', f.id, 'C' FROM households_formerplace f
         WHERE f.id > %(since)s AND (f.household_id IN (SELECT row_id FROM moved)
                                     OR f.person_id IN (SELECT row_id FROM persons))
        """,
        values,
    )
    return int(cursor.rowcount)


def written(touched: Mapping[str, tuple[str, str]] | None) -> list[str]:
    """Statements for `add_touches` from {target: (SQL of created row ids, SQL of updated ones)}."""
    return [
        f"SELECT '{Target(target).value}', one.id, '{verdict}' FROM ({rows}) AS one (id)"
        for target, kinds in (touched or {}).items()
        for verdict, rows in zip("CU", kinds, strict=True)
        if rows
    ]
