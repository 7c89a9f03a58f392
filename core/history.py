"""Row history kept by the database itself, whoever writes: form, import, console.

Each tracked table gets a twin `<table>_history`, partitioned by month. Statement triggers with
transition tables copy the old image of every updated or deleted row there, together with the
actor, request, reason and job of `core.acting`. An insert needs no image: the row carries its own
birth, so a first load stays cheap, and any past state is the row plus the images younger than it.
Measured against row triggers in docs/decisions/0003-history-by-statement-triggers.md.
"""

from typing import Any, TypeVar

from django.db import connection, models

Model = TypeVar("Model", bound=type[models.Model])

_tracked: list[type[models.Model]] = []

OWN_COLUMNS = (
    ("history_id", "bigint GENERATED ALWAYS AS IDENTITY"),
    ("history_act", "char(1) NOT NULL"),
    ("history_at", "timestamptz NOT NULL DEFAULT clock_timestamp()"),
    ("history_actor", "bigint"),
    ("history_request", "text"),
    ("history_reason", "text"),
    ("history_job", "bigint"),
)


def tracked(model: Model) -> Model:
    """Class decorator: this model's updates and deletes keep their old images."""
    _tracked.append(model)
    return model


def tracked_models() -> tuple[type[models.Model], ...]:
    return tuple(_tracked)


def history_table(model: type[models.Model]) -> str:
    return f"{model._meta.db_table}_history"


def sync() -> None:
    """Create or extend every history table and its triggers; cheap when nothing changed."""
    for model in _tracked:
        _sync_table(model._meta.db_table)


def _sync_table(table: str) -> None:
    with connection.cursor() as cursor:
        wanted = _columns(cursor, table)
        present = _columns(cursor, f"{table}_history")
        if not wanted:
            return
        if not present:
            columns = [f"{name} {kind}" for name, kind in OWN_COLUMNS]
            columns += [f'"{name}" {kind}' for name, kind in wanted.items()]
            cursor.execute(
                f"CREATE TABLE {table}_history ({', '.join(columns)}) PARTITION BY RANGE (history_at)"
            )
            cursor.execute(f"CREATE INDEX ON {table}_history (id, history_at)")
            cursor.execute(
                f"CREATE TABLE {table}_history_rest PARTITION OF {table}_history DEFAULT"
            )
        for name, kind in wanted.items():
            if present and name not in present:
                cursor.execute(f'ALTER TABLE {table}_history ADD COLUMN "{name}" {kind}')
        _make_months(cursor, table)
        if not present or set(wanted) - set(present) or not _has_trigger(cursor, table):
            _make_triggers(cursor, table, list(wanted))


def _columns(cursor: Any, table: str) -> dict[str, str]:
    cursor.execute(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
        " WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        [table],
    )
    return dict(cursor.fetchall())


def _has_trigger(cursor: Any, table: str) -> bool:
    cursor.execute(
        "SELECT count(*) FROM pg_trigger WHERE tgrelid = to_regclass(%s) AND tgname LIKE 'history_%%'",
        [table],
    )
    return bool(cursor.fetchone()[0] == 2)


def _make_months(cursor: Any, table: str) -> None:
    """This month's partition and the next; rows outside fall into the rest partition."""
    cursor.execute(
        "SELECT to_char(m, 'YYYYMM'), m::date, (m + interval '1 month')::date"
        " FROM generate_series(date_trunc('month', now()), date_trunc('month', now())"
        "      + interval '1 month', interval '1 month') AS m"
    )
    for label, first, end in cursor.fetchall():
        cursor.execute(f"SELECT to_regclass('{table}_history_{label}')")
        if cursor.fetchone()[0] is None:
            cursor.execute(
                f"CREATE TABLE {table}_history_{label} PARTITION OF {table}_history"
                f" FOR VALUES FROM ('{first}') TO ('{end}')"
            )


def _make_triggers(cursor: Any, table: str, columns: list[str]) -> None:
    names = ", ".join(f'"{name}"' for name in columns)
    cursor.execute(
        f"""
        CREATE OR REPLACE FUNCTION history_of_{table}() RETURNS trigger LANGUAGE plpgsql AS $body$
        BEGIN
            INSERT INTO {table}_history
                (history_act, history_actor, history_request, history_reason, history_job, {names})
            SELECT left(TG_OP, 1),
                   nullif(current_setting('povertyops.actor', true), '')::bigint,
                   nullif(current_setting('povertyops.request', true), ''),
                   nullif(current_setting('povertyops.reason', true), ''),
                   nullif(current_setting('povertyops.job', true), '')::bigint,
                   {names}
            FROM old_rows;
            RETURN NULL;
        END $body$
        """
    )
    for act in ("UPDATE", "DELETE"):
        cursor.execute(f"DROP TRIGGER IF EXISTS history_{act.lower()} ON {table}")
        cursor.execute(
            f"CREATE TRIGGER history_{act.lower()} AFTER {act} ON {table}"
            f" REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT"
            f" EXECUTE FUNCTION history_of_{table}()"
        )
    cursor.execute(
        """
        CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $body$
        BEGIN
            RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
        END $body$
        """
    )
    cursor.execute(f"DROP TRIGGER IF EXISTS append_only ON {table}_history")
    cursor.execute(
        f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}_history"
        f" FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )


def images(model: type[models.Model], pk: int) -> list[dict[str, Any]]:
    """The old images of one row, youngest first, with when, who and why."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT * FROM {history_table(model)} WHERE id = %s ORDER BY history_at DESC,"
            f" history_id DESC",
            [pk],
        )
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
