"""Bringing rows back as an act found them, from the old images it left."""

from typing import Any

from django.db import connection, models
from psycopg2 import Binary

from core import vault
from core.fields import BlindIndex, Secret, TailIndex
from core.history import history_table
from households.enums import HEAD
from households.models import PersonYear
from imports.enums import Target
from imports.models import Batch

_AT_ONCE = 20_000
_MANY = 5_000


def restore(
    cursor: Any, batch: Batch, target: Target, model: type[models.Model]
) -> tuple[int, int]:
    """Bring the rows back that the batch changed: (rows to bring back, rows brought back).

    `changed_at` says that they changed just now: whoever fetches what is new must fetch them.
    """
    values = {
        "batch": batch.pk,
        "target": target.value,
        "since": batch.applied_from,
        "until": batch.applied_at,
        "job": batch.applied_job_id,
    }
    cursor.execute(
        "SELECT count(*) FROM imports_touch WHERE batch_id = %(batch)s AND target = %(target)s"
        " AND verdict = 'U'",
        values,
    )
    wanted = cursor.fetchone()[0]
    if not wanted:
        return 0, 0
    # Few rows are looked up one by one; of many, the act's images are read through once.
    cursor.execute(
        "SELECT set_config('enable_nestloop', %s, true)", ["off" if wanted > _MANY else "on"]
    )
    cursor.execute(
        f"CREATE TEMP TABLE coming_back ON COMMIT DROP AS"
        f" SELECT DISTINCT ON (h.id) h.* FROM {history_table(model)} h"
        f" WHERE h.id IN (SELECT row_id FROM imports_touch WHERE batch_id = %(batch)s"
        f"                   AND target = %(target)s AND verdict = 'U')"
        f" AND h.history_at BETWEEN %(since)s AND %(until)s"
        f" AND h.history_job IS NOT DISTINCT FROM %(job)s"
        # A row that was written twice came first as it was before.
        f" ORDER BY h.id, h.history_at, h.history_id",
        values,
    )
    cursor.execute("SELECT set_config('enable_nestloop', 'on', true)")
    cursor.execute("ANALYZE coming_back")
    restored = 0
    for condition in _turns(model):
        cursor.execute(
            f"UPDATE {model._meta.db_table} t SET {_assignments(model)} FROM coming_back i"
            f" WHERE t.id = i.id AND {condition}"
        )
        restored += cursor.rowcount
    _bring_under_current_keys(cursor, model)
    cursor.execute("DROP TABLE coming_back")
    return wanted, restored


def _turns(model: type[models.Model]) -> tuple[str, ...]:
    """Who was no head steps back first: a household has one head at any moment."""
    if model is PersonYear:
        return (f"i.relation_to_head <> '{HEAD}'", f"i.relation_to_head = '{HEAD}'")
    return ("true",)


def _assignments(model: type[models.Model]) -> str:
    told = []
    for field in model._meta.concrete_fields:
        if field.primary_key or field.generated:
            continue
        name = field.column
        if name == "changed_at":
            told.append("changed_at = clock_timestamp()")
        elif field.null:
            told.append(f"{name} = i.{name}")
        else:
            # A column that is younger than the image.
            told.append(f"{name} = coalesce(i.{name}, t.{name})")
    return ", ".join(told)


def _bring_under_current_keys(cursor: Any, model: type[models.Model]) -> None:
    """Old images keep the keys they were sealed under; rows are compared under those of now."""
    secrets = [one for one in model._meta.concrete_fields if isinstance(one, Secret)]
    if not secrets:
        return
    current = vault.ring().current
    stale = " OR ".join(f"(get_byte(t.{one.column}, 1) <> {current}) IS TRUE" for one in secrets)
    indexes = [
        one for one in model._meta.concrete_fields if isinstance(one, BlindIndex | TailIndex)
    ]
    if indexes and _has_other_indexes(cursor, model, indexes):
        stale = "true"
    names = ", ".join(f"t.{one.column}" for one in secrets)
    cursor.execute(
        f"SELECT t.id, {names} FROM {model._meta.db_table} t JOIN coming_back i USING (id)"
        f" WHERE {stale}"
    )
    found = cursor.fetchall()
    for start in range(0, len(found), _AT_ONCE):
        made = [_anew(row, secrets, indexes) for row in found[start : start + _AT_ONCE]]
        _write(cursor, model, [*secrets, *indexes], made)


def _has_other_indexes(cursor: Any, model: type[models.Model], indexes: list[Any]) -> bool:
    """Whether the key of the indexes is another by now; one row tells for all."""
    one = indexes[0]
    source: Any = model._meta.get_field(one.source)
    cursor.execute(
        f"SELECT i.{source.column}, i.{one.column} FROM coming_back i"
        f" WHERE i.{one.column} IS NOT NULL LIMIT 1"
    )
    found = cursor.fetchone()
    if found is None:
        return False
    return bool(one.of(source.from_db_value(found[0])) != bytes(found[1]))


def _anew(row: Any, secrets: list[Secret], indexes: list[Any]) -> list[Any]:
    pk, *cells = row
    told = {}
    made: list[Any] = [pk]
    for field, cell in zip(secrets, cells, strict=True):
        if cell is None:
            made.append(None)
            continue
        text, salt = vault.opened(field.sealed_name, cell)
        told[field.name] = text
        made.append(vault.seal(field.sealed_name, text, salt))
    return made + [one.of(told.get(one.source, "")) for one in indexes]


def _write(
    cursor: Any, model: type[models.Model], fields: list[Any], rows: list[list[Any]]
) -> None:
    columns = [one.column for one in fields]
    kinds = [one.db_type(connection) for one in fields]
    arrays = ", ".join(f"%s::{kind}[]" for kind in kinds)
    ids, *cells = zip(*rows, strict=True)
    cursor.execute(
        f"UPDATE {model._meta.db_table} t"
        f" SET {', '.join(f'{name} = v.{name}' for name in columns)}"
        f" FROM unnest(%s::bigint[], {arrays}) AS v (id, {', '.join(columns)}) WHERE t.id = v.id",
        [
            list(ids),
            *([Binary(cell) if isinstance(cell, bytes) else cell for cell in one] for one in cells),
        ],
    )
