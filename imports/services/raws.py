"""Keeping the rows of a written file as they stood in it, sealed, beyond the staging tables."""

from collections.abc import Callable
from typing import Any

from django.db import connection, transaction

from core import vault
from imports.catalog.plan import Plan
from imports.models import Batch, RawBlock
from imports.queries.raws import RAW

# A block holds some 4,000 rows: 20 of them are a few megabytes.
RESEALED_AT_ONCE = 20


def keep_raws(cursor: Any, plan: Plan, batch: Batch) -> int:
    """Copy the sealed blocks of the staged rows; returns how many. They stay as they were sealed.

    With them goes which of their rows are not written: the register will not tell.
    """
    kept = {
        name: rows
        for name, rows in _not_written(plan).items()
        # A first load has none of most: nothing is looked for in vain.
        if getattr(batch, _count_of(plan, name))
    }
    listed = "".join(f", coalesce({name}.at, '{{}}')" for name in kept)
    joined = "".join(
        f" LEFT JOIN (SELECT width_bucket(row_no, (SELECT at FROM starts)) AS block,"
        f" array_agg(row_no ORDER BY row_no) AS at FROM ({rows}) AS one (row_no) GROUP BY 1)"
        f" AS {name} USING (block)"
        for name, rows in kept.items()
    )
    none = [name for name in _NOT_WRITTEN if name not in kept]
    cursor.execute(
        f"""
        WITH starts AS MATERIALIZED (
            SELECT array_agg(row_no ORDER BY row_no) AS at FROM {plan.rows} WHERE raw IS NOT NULL
        ), sizes AS MATERIALIZED (
            SELECT width_bucket(row_no, (SELECT at FROM starts)) AS block, min(row_no) AS first_row,
                   max(row_no) AS last_row, count(*) AS rows
              FROM {plan.rows} GROUP BY 1
        )
        INSERT INTO imports_rawblock (batch_id, first_row, last_row, rows, sealed
               {"".join(f", {name}" for name in (*kept, *none))})
        SELECT %s, s.first_row, s.last_row, s.rows, r.raw{listed}{", '{}'" * len(none)}
          FROM sizes s JOIN {plan.rows} r ON r.row_no = s.first_row AND r.raw IS NOT NULL{joined}
         ORDER BY s.first_row
        """,
        [batch.pk],
    )
    return int(cursor.rowcount)


_NOT_WRITTEN = ("households_unchanged", "households_rejected", "rows_unchanged", "rows_rejected")


def _count_of(plan: Plan, name: str) -> str:
    """The batch's own count of what `_NOT_WRITTEN` names."""
    return name.replace("rows_", "entries_" if plan.has_entries else "persons_")


def _not_written(plan: Plan) -> dict[str, str]:
    """SQL: numbers of the rows whose households, and whose persons or entries, are not written."""
    same = "year_id IS NOT NULL AND NOT (year_changed OR identity_changed)"
    one, unchanged = plan.persons, same
    if plan.has_entries:
        one, unchanged = plan.entries, "NOT is_new AND NOT is_changed"
    return {
        "households_unchanged": f"SELECT row_no FROM {plan.households} WHERE {same}",
        "households_rejected": f"SELECT min(r.row_no) FROM {plan.rows} r WHERE NOT EXISTS"
        f" (SELECT FROM {plan.households} k WHERE k.household_no = r.household_no)"
        f" GROUP BY r.household_no",
        "rows_unchanged": f"SELECT row_no FROM {one} WHERE {unchanged}",
        "rows_rejected": f"SELECT r.row_no FROM {plan.rows} r WHERE NOT EXISTS"
        f" (SELECT FROM {one} k WHERE k.row_no = r.row_no)",
    }


def reseal_raws(say: Callable[[str], None] = lambda _: None) -> int:
    """Bring the blocks that are under other keys under the current one; returns how many.

    Some at a time, each time in a transaction of its own: a city's blocks are not held at once.
    """
    current, changed, last = vault.ring().current, 0, 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT id, sealed FROM imports_rawblock WHERE id > %s AND get_byte(sealed, 1) <> %s"
                " ORDER BY id LIMIT %s FOR UPDATE",
                [last, current, RESEALED_AT_ONCE],
            )
            found = cursor.fetchall()
            for pk, blob in found:
                anew = vault.seal_bytes(RAW, vault.open_bytes(RAW, blob))
                RawBlock.objects.filter(pk=pk).update(sealed=anew)
        if not found:
            return changed
        last = found[-1][0]
        changed += len(found)
        say(f"{RawBlock._meta.db_table}：已更新 {changed:,} 块")
