"""Filling empty tables fast: COPY, reserved keys, foreign keys validated once instead of row by row."""

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
def foreign_keys_at_the_end(cursor: Any, filled: Sequence[type[models.Model]]) -> Iterator[None]:
    """Take the tables' foreign keys away and put them back, word for word, over all rows at once.

    A key that is checked row by row costs three times the COPY itself; validating it at the end is
    one join. Nobody can see the tables in between: the locks last to the end of the transaction,
    and a row that breaks a key still fails the whole act.
    """
    cursor.execute(
        "SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid)"
        " FROM pg_constraint WHERE contype = 'f' AND conrelid = ANY(%s::regclass[]) ORDER BY 1, 2",
        [[model._meta.db_table for model in filled]],
    )
    keys = cursor.fetchall()
    # Checks still waiting for the commit would stand in the way.
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for table, name, _ in keys:
        cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    yield
    for table, name, definition in keys:
        cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")


def ahead(items: Iterator[Item]) -> Iterator[Item]:
    """The same items, each made in a second thread while the one before is used."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        coming = pool.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = pool.submit(next, items, None)
            yield item
