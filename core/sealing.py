"""Sealing what a database already holds: plain columns of an older version, and keys that changed.

Values leave the database to be sealed (it knows no keys) and come back through a temporary table.
A plain column becomes bytea by a change of its type, which writes the table's file anew: no trigger
fires, no dead row keeps a number, and an append-only or closed table is none the poorer.
"""

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import Any

from django.apps import apps
from django.db import connection, models, transaction
from psycopg2 import Binary

from core import idnumbers, vault
from core.fields import BlindIndex, Secret, TailIndex

Say = Callable[[str], None]
BATCH = 20_000


@dataclass(frozen=True)
class Column:
    """A column on its way to bytea: the SQL it is read by, and what makes COPY's text of the values.

    `make` gets the texts and the salts of one batch. A column that did not exist is added.
    """

    name: str
    read: str
    make: Callable[[list[bytes], list[bytes]], list[bytes]]
    kind: str = "bytea"


def sealed(name: str, read: str) -> Column:
    """A column of many different values, sealed under its own name."""
    return Column(name, read, lambda texts, _: vault.copy_sealed(name, texts))


def salted(name: str, read: str, sealed_as: str = "") -> Column:
    """A column of few different values, sealed with the row's salt."""
    return Column(
        name, read, lambda texts, salts: vault.copy_salted(sealed_as or name, texts, salts)
    )


def seal_table(
    table: str,
    columns: Iterable[Column],
    *,
    key: str = "id",
    salt: str = "''",
    joins: str = "",
    say: Say = lambda _: None,
) -> int:
    """Turn plain columns of `table` (called t in `joins`) into sealed ones; returns the rows sealed.

    `key` names a row, `salt` is SQL for its salt. Constraints and indexes on the columns must be
    gone. Nothing happens when the table does not exist. To be called inside a transaction, to whose
    end nobody else reads or writes the table.
    """
    wanted = list(columns)
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [table])
        if cursor.fetchone()[0] is None:
            return 0
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("SET LOCAL lock_timeout = 0")
        # What another session wrote behind the reading would be lost when the column is replaced.
        cursor.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        cursor.execute("DROP TABLE IF EXISTS pg_temp.sealing")
        listed = "".join(f", {column.name} {column.kind}" for column in wanted)
        cursor.execute(f"CREATE TEMP TABLE sealing (key bigint{listed})")
        count = 0
        for rows in _plain_rows(table, wanted, key, salt, joins):
            _copy(cursor, wanted, rows)
            count += len(rows)
            say(f"{table}：已加密 {count:,} 行")
        cursor.execute("ALTER TABLE sealing ADD PRIMARY KEY (key)")
        cursor.execute("ANALYZE sealing")
        _change_types(cursor, table, wanted, key)
        cursor.execute("DROP TABLE pg_temp.sealing CASCADE")
    return count


def _plain_rows(
    table: str, columns: list[Column], key: str, salt: str, joins: str
) -> Iterator[list[tuple[Any, ...]]]:
    reads = ", ".join(f"coalesce({column.read}, '')" for column in columns)
    filled = " OR ".join(f"coalesce({column.read}, '') <> ''" for column in columns)
    connection.ensure_connection()
    with connection.connection.cursor(name="plain_rows") as reading:
        reading.itersize = BATCH
        reading.execute(f"SELECT t.{key}, {salt}, {reads} FROM {table} t {joins} WHERE {filled}")
        while rows := reading.fetchmany(BATCH):
            yield rows


def _copy(cursor: Any, columns: list[Column], rows: list[tuple[Any, ...]]) -> None:
    keys, salts, *read = (
        [str(cell).encode() for cell in cells] for cells in zip(*rows, strict=True)
    )
    made = [column.make(texts, salts) for column, texts in zip(columns, read, strict=True)]
    lines = b"\n".join(b"\t".join(line) for line in zip(keys, *made, strict=True)) + b"\n"
    names = ", ".join(column.name for column in columns)
    cursor.copy_expert(f"COPY sealing (key, {names}) FROM STDIN", BytesIO(lines), 1 << 18)


def _change_types(cursor: Any, table: str, columns: list[Column], key: str) -> None:
    changes = []
    for column in columns:
        cursor.execute(
            f"CREATE OR REPLACE FUNCTION pg_temp.sealed_{column.name}(bigint) RETURNS {column.kind}"
            f" STABLE LANGUAGE sql AS"
            f" 'SELECT {column.name} FROM pg_temp.sealing WHERE sealing.key = $1'"
        )
        cursor.execute(f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {column.name} {column.kind}")
        cursor.execute(f"ALTER TABLE {table} ALTER COLUMN {column.name} DROP NOT NULL")
        changes.append(
            f"ALTER COLUMN {column.name} TYPE {column.kind}"
            f" USING pg_temp.sealed_{column.name}({key})"
        )
    cursor.execute(f"ALTER TABLE {table} {', '.join(changes)}")
    for column in columns:
        cursor.execute(f"DROP FUNCTION pg_temp.sealed_{column.name}(bigint)")


def only_sealed(table: str, *names: str) -> str:
    """SQL: these columns hold sealed values or nothing; plain text is refused whoever writes it."""
    return "".join(
        f"ALTER TABLE {table} ADD CONSTRAINT {table}_{name}_sealed CHECK ("
        f"get_byte({name}, 0) IN ({vault.PLAIN}, {vault.SALTED})"
        f" AND octet_length({name}) >= {vault.SHORTEST});"
        for name in names
    )


# --- other keys --------------------------------------------------------------------------------

RESEALED_AT_ONCE = 5_000


def sealed_models() -> list[tuple[type[models.Model], list[Secret]]]:
    """Every model with sealed fields, with these."""
    found = []
    for model in apps.get_models():
        fields = [one for one in model._meta.concrete_fields if isinstance(one, Secret)]
        if fields and model._meta.managed:
            found.append((model, fields))
    return found


def reseal(model: type[models.Model], fields: list[Secret], say: Say = lambda _: None) -> int:
    """Bring every row that is not under the current key under it, a batch per transaction.

    Returns the rows changed. What was done stays done when the work is broken off. Old images keep
    the key they were sealed under.
    """
    current = vault.ring().current
    where = " OR ".join(f"(get_byte({one.column}, 1) <> {current}) IS TRUE" for one in fields)
    columns = [str(one.column) for one in fields]

    def anew(cells: list[Any]) -> list[Any]:
        return [
            cell if cell is None or bytes(cell)[1] == current else _resealed(one.sealed_name, cell)
            for one, cell in zip(fields, cells, strict=True)
        ]

    return _rewrite(model, columns, columns, where, anew, say)


def _resealed(name: str, cell: Any) -> bytes:
    text, salt = vault.opened(name, cell)
    return vault.seal(name, text, salt)


def reindex(model: type[models.Model], say: Say = lambda _: None) -> int:
    """Make the keyed indexes of a model anew where they are not those of the current index key."""
    indexes = [
        one for one in model._meta.concrete_fields if isinstance(one, BlindIndex | TailIndex)
    ]
    sources = [model._meta.get_field(one.source) for one in indexes]

    def anew(cells: list[Any]) -> list[Any]:
        return [
            one.of(source.from_db_value(cell))  # type: ignore[union-attr]
            for one, source, cell in zip(indexes, sources, cells, strict=True)
        ]

    read = [str(source.column) for source in sources]  # type: ignore[union-attr]
    where = f"{read[0]} IS NOT NULL" if read else "false"
    return _rewrite(model, read, [str(one.column) for one in indexes], where, anew, say)


def _rewrite(
    model: type[models.Model],
    read: list[str],
    write: list[str],
    where: str,
    anew: Callable[[list[Any]], list[Any]],
    say: Say,
) -> int:
    table, key = model._meta.db_table, str(model._meta.pk.column)
    last, changed = 0, 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor, _triggers_aside(cursor, table):
            cursor.execute(
                f"SELECT {', '.join([key, *read, *write])} FROM {table}"
                f" WHERE {key} > %s AND ({where}) ORDER BY {key} LIMIT {RESEALED_AT_ONCE}",
                [last],
            )
            rows = cursor.fetchall()
            if not rows:
                return changed
            made = [(row[0], anew(list(row[1 : 1 + len(read)]))) for row in rows]
            fresh = [
                (pk, cells)
                for (pk, cells), row in zip(made, rows, strict=True)
                if cells != [_plain(cell) for cell in row[1 + len(read) :]]
            ]
            _update(cursor, table, key, write, fresh)
            last = rows[-1][0]
        changed += len(fresh)
        if fresh:
            say(f"{table}：已更新 {changed:,} 行")


def _plain(cell: Any) -> Any:
    return bytes(cell) if isinstance(cell, memoryview) else cell


def _update(
    cursor: Any, table: str, key: str, columns: list[str], rows: list[tuple[int, list[Any]]]
) -> None:
    if not rows:
        return
    cursor.execute(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
        " WHERE attrelid = to_regclass(%s) AND attname = ANY(%s)",
        [table, columns],
    )
    kinds = dict(cursor.fetchall())
    arrays = ", ".join(f"%s::{kinds[column]}[]" for column in columns)
    values = [
        [Binary(cell) if isinstance(cell, bytes) else cell for cell in cells]
        for cells in zip(*(cells for _, cells in rows), strict=True)
    ]
    cursor.execute(
        f"UPDATE {table} t SET {', '.join(f'{column} = v.{column}' for column in columns)}"
        f" FROM unnest(%s::bigint[], {arrays}) AS v (pk, {', '.join(columns)}) WHERE t.{key} = v.pk",
        [[pk for pk, _ in rows], *values],
    )


@contextmanager
def _triggers_aside(cursor: Any, table: str) -> Iterator[None]:
    """What a row says does not change: no image, no mark, and a closed year may be sealed anew.

    Only the owner may do this. The lock it takes keeps every other writer waiting until the
    transaction ends, which also brings the triggers back when it fails.
    """
    cursor.execute("SET LOCAL lock_timeout = '60s'")
    cursor.execute("SET LOCAL statement_timeout = 0")
    cursor.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")
    cursor.execute(
        "SELECT tgname, tgenabled FROM pg_trigger WHERE tgrelid = to_regclass(%s)"
        " AND NOT tgisinternal AND tgtype & 16 <> 0 AND tgenabled <> 'D'",
        [table],
    )
    enabled = cursor.fetchall()
    # Checks that wait for the commit would stand in the way, before and after.
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for name, _ in enabled:
        cursor.execute(f'ALTER TABLE {table} DISABLE TRIGGER "{name}"')
    yield
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    how = {"O": "ENABLE", "A": "ENABLE ALWAYS", "R": "ENABLE REPLICA"}
    for name, state in enabled:
        cursor.execute(f'ALTER TABLE {table} {how[state]} TRIGGER "{name}"')


def mark_settled(table: str) -> None:
    """Note beside the table that all rows are sealed under the keys of now."""
    with connection.cursor() as cursor:
        cursor.execute(f"COMMENT ON TABLE {table} IS '{vault.ring().print}'")


def is_settled(table: str) -> bool:
    """Whether all rows are sealed under the keys of now: not while keys are being changed, not
    after the ring was exchanged for another."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT obj_description(to_regclass(%s), 'pg_class')", [table])
        return bool(cursor.fetchone()[0] == vault.ring().print)


@contextmanager
def collector_resting() -> Iterator[None]:
    """Millions of short-lived cells and no cycles: the garbage collector would only walk them."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


# --- the indexes of document numbers -----------------------------------------------------------


def copy_number_indexes(numbers: Iterable[bytes]) -> tuple[list[bytes], list[bytes]]:
    """(keyed index, keyed index of the tail) of document numbers, as COPY reads them."""
    kept = [b"" if number[:6] == _NO_NUMBER else _cut(number, 0, 18) for number in numbers]
    tails = _tails(vault.ring().index)
    return (
        vault.copy_bytes(vault.indexes("id_no", kept)),
        [tails[_cut(one, 14, 18)] for one in kept],
    )


def _cut(number: bytes, start: int, end: int) -> bytes:
    """Characters, not bytes: somebody may have typed a word into a number."""
    return number[start:end] if number.isascii() else number.decode()[start:end].encode()


_NO_NUMBER = idnumbers.NO_NUMBER.encode()


class _Tails(dict[bytes, bytes]):
    """Four characters → their index; eleven thousand exist."""

    def __missing__(self, text: bytes) -> bytes:
        number = vault.tail("id_no.tail", text.decode())
        told = self[text] = vault.COPY_NULL if number is None else str(number).encode()
        return told


@lru_cache(maxsize=2)
def _tails(_index_key: bytes) -> _Tails:
    return _Tails()
