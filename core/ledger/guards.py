"""Whether what keeps the ledgers is in place: the triggers and the functions behind them.

Compared with the texts in the program, because whoever can change a trigger can change anything
the database says about it.
"""

from collections.abc import Iterator
from typing import Any

from django.db import connection

from core import ddl as shared
from core.history import function_body, history_table, tracked_models
from core.ledger import ddl
from core.ledger.seals import append_only_operations

# pg_trigger.tgtype: row 1, before 2, delete 8, update 16, truncate 32.
_ROW_GUARD, _WHOLE_GUARD, _AFTER_UPDATE, _AFTER_DELETE = 1 | 2 | 8 | 16, 2 | 32, 16, 8
# Ledgers whose emptying as a whole is refused too. The register's own cannot be: nobody but the
# owner holds TRUNCATE on them, and the seals tell.
_NEVER_EMPTIED = ("core_accessentry", "core_seal")


def broken_guards() -> Iterator[tuple[str, str]]:
    """Table and what is wrong with its guards, in words."""
    with connection.cursor() as cursor:
        for model, without in tracked_models().items():
            table, twin = model._meta.db_table, history_table(model)
            if not _exists(cursor, table):
                continue
            if not _exists(cursor, twin):
                yield table, "没有历史表"
                continue
            name = f"history_of_{table}"
            yield from _trigger(cursor, table, "history_update", name, _AFTER_UPDATE)
            yield from _trigger(cursor, table, "history_delete", name, _AFTER_DELETE)
            yield from _function(cursor, table, name, function_body(cursor, table, without), True)
            yield from _guarded(cursor, twin, "refuse_change", whole=True)
        for operation in append_only_operations():
            table, name = operation.table, f"{operation.table}_is_append_only"
            if not _exists(cursor, table):
                yield table, "表不存在"
                continue
            yield from _guarded(cursor, table, name, whole=table in _NEVER_EMPTIED)
            yield from _function(cursor, table, name, operation.body, False)
        yield from _function(cursor, "—", "refuse_change", shared.REFUSE_CHANGE_BODY, False)
        yield from _function(cursor, "—", "keep_months", shared.KEEP_MONTHS_BODY, True)
        for name, body in ddl.FUNCTIONS.items():
            yield from _function(cursor, "—", name, body, True)


def _exists(cursor: Any, table: str) -> bool:
    cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [table])
    return bool(cursor.fetchone()[0])


def _guarded(cursor: Any, table: str, function: str, *, whole: bool) -> Iterator[tuple[str, str]]:
    """A ledger and all its partitions refuse changes."""
    cursor.execute(
        "SELECT relid::regclass::text FROM pg_partition_tree(%s) UNION SELECT %s", [table, table]
    )
    for (part,) in cursor.fetchall():
        yield from _trigger(cursor, part, "append_only", function, _ROW_GUARD)
        if whole:
            yield from _trigger(cursor, part, "append_only_whole", "refuse_change", _WHOLE_GUARD)


def _trigger(
    cursor: Any, table: str, name: str, function: str, kind: int
) -> Iterator[tuple[str, str]]:
    """Enabled for everybody, for every row and column, calling the right function."""
    cursor.execute(
        "SELECT tgenabled IN ('O', 'A') AND tgqual IS NULL AND cardinality(tgattr::int2[]) = 0"
        " AND tgtype = %s AND proname = %s"
        " FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid"
        " WHERE tgrelid = to_regclass(%s) AND tgname = %s",
        [kind, function, table, name],
    )
    found = cursor.fetchone()
    if found is None:
        yield table, f"缺少触发器 {name}"
    elif not found[0]:
        yield table, f"触发器 {name} 被停用或改动"


def _function(
    cursor: Any, table: str, name: str, body: str, as_owner: bool
) -> Iterator[tuple[str, str]]:
    cursor.execute(
        "SELECT prosrc = %s AND prosecdef = %s FROM pg_proc"
        " WHERE proname = %s AND pronamespace = 'public'::regnamespace",
        [body, as_owner, name],
    )
    found = cursor.fetchall()
    if not found:
        yield table, f"缺少函数 {name}"
    elif found != [(True,)]:
        yield table, f"函数 {name} 被改动"
