"""Filling empty tables fast: COPY, reserved keys, keys and indexes made once instead of row by row."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import BytesIO
from typing import Any, TypeVar

from django.db import models

Item = TypeVar("Item")


def copy_lines(
    cursor: Any, model: type[models.Model], columns: Sequence[str], lines: Sequence[str]
) -> None:
    """COPY lines that are already in its text format."""
    if lines:
        data = BytesIO(("\n".join(lines) + "\n").encode())
        names = ", ".join(columns)
        cursor.copy_expert(f"COPY {model._meta.db_table} ({names}) FROM STDIN", data, 1 << 18)


def copy_rows(
    cursor: Any,
    model: type[models.Model],
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
) -> None:
    """COPY plain values; None is NULL. Texts must be free of tabs, breaks and backslashes."""
    lines = ["\t".join(r"\N" if value is None else str(value) for value in row) for row in rows]
    copy_lines(cursor, model, columns, lines)


def reserve(cursor: Any, model: type[models.Model], count: int) -> int:
    """The first of `count` keys that nobody else will be given."""
    cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')", [model._meta.db_table])
    sequence = cursor.fetchone()[0]
    cursor.execute("SELECT nextval(%s)", [sequence])
    first = int(cursor.fetchone()[0])
    cursor.execute("SELECT setval(%s, %s)", [sequence, first + max(count, 1) - 1])
    return first


def analyze(cursor: Any, written: Iterable[type[models.Model]]) -> None:
    """Tell the planner what the tables hold now."""
    cursor.execute(f"ANALYZE {', '.join(model._meta.db_table for model in written)}")


@contextmanager
def filling(cursor: Any, filled: Sequence[type[models.Model]]) -> Iterator[None]:
    """Take away the tables' foreign keys and plain indexes, and put them back over all rows at once.

    A key checked row by row costs three times the COPY itself; at the end it is one join. Both come
    back word for word as the database described them. Nobody sees the tables in between: the locks
    last to the end of the transaction, and a row that breaks a key still fails the whole act.
    Unique constraints and primary keys stay.
    """
    tables = [model._meta.db_table for model in filled]
    cursor.execute(_KEYS, [tables])
    away = cursor.fetchall()
    cursor.execute(_INDEXES, [tables])
    away += cursor.fetchall()
    # Checks still waiting for the commit would stand in the way.
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for drop, _ in away:
        cursor.execute(drop)
    yield
    cursor.execute("SET LOCAL maintenance_work_mem = '256MB'")
    for _, restore in reversed(away):
        cursor.execute(restore)


_KEYS = """
SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, conname),
       format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', conrelid::regclass, conname,
              pg_get_constraintdef(oid))
  FROM pg_constraint WHERE contype = 'f' AND conrelid = ANY(%s::regclass[]) ORDER BY 1
"""
_INDEXES = """
SELECT format('DROP INDEX %%s', indexrelid::regclass), pg_get_indexdef(indexrelid)
  FROM pg_index i WHERE indrelid = ANY(%s::regclass[])
   AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = indexrelid AND conrelid = indrelid)
 ORDER BY 1
"""


def ahead(items: Iterator[Item]) -> Iterator[Item]:
    """The same items, each made in a second thread while the one before is used."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        coming = pool.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = pool.submit(next, items, None)
            yield item
