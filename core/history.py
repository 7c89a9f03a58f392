"""Row history kept by the database itself, whoever writes: form, import, console.

Each tracked table gets a twin `<table>_history`, partitioned by month. Statement triggers with
transition tables copy the old image of every updated or deleted row there, together with the
actor, request, reason and job of `core.acting`. An insert needs no image: the row carries its own
birth, so a first load stays cheap, and any past state is the row plus the images younger than it.
Measured against row triggers in docs/decisions/0003-history-by-statement-triggers.md.

The trigger functions run with the owner's rights, so that no role of the product needs any right
to write a twin. `core.ledger.seals` seals what they wrote.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from django.db import connection, models

from core.ddl import KEEP_MONTHS, KEEP_MONTHS_BODY, REFUSE_CHANGE, REFUSE_CHANGE_BODY

Model = TypeVar("Model", bound=type[models.Model])

_tracked: dict[type[models.Model], frozenset[str]] = {}
# Models whose deleted rows are looked for by a column → that column.
_deleted_by: dict[type[models.Model], str] = {}

OWN_COLUMNS = (
    ("history_id", "bigint GENERATED ALWAYS AS IDENTITY"),
    ("history_act", "char(1) NOT NULL"),
    ("history_at", "timestamptz NOT NULL DEFAULT clock_timestamp()"),
    ("history_actor", "bigint"),
    ("history_request", "text"),
    ("history_reason", "text"),
    ("history_job", "bigint"),
    # Number and name of the machine client; `history_actor` is a user and nothing else.
    ("history_client", "text"),
)
# Secrets are no history, whoever forgets to say so.
_NEVER_KEPT = frozenset({"password"})
# Types whose values read the same after the column has been changed into another of the family; a
# number with another scale does not, and seals are made over what is read.
_FAMILIES = (
    re.compile(r"(?:character varying(?:\(\d+\))?|text)(\[\])?"),
    re.compile(r"numeric\(\d+,(\d+)\)"),
    re.compile(r"(?:smallint|integer|bigint)(\[\])?"),
)


class TwinTypeError(Exception):
    """A column changed its type, and what the twin holds cannot be read in the new one."""


def tracked(model: Model) -> Model:
    """Class decorator: this model's updates and deletes keep their old images."""
    return tracked_without()(model)


def tracked_without(*columns: str) -> Callable[[Model], Model]:
    """The same, with images that leave these columns out: secrets, and what changes all the time.

    An update that touches nothing else leaves no image.
    """

    def track(model: Model) -> Model:
        _tracked[model] = _NEVER_KEPT | frozenset(columns)
        return model

    return track


def deleted_found_by(column: str) -> Callable[[Model], Model]:
    """Rows of this tracked model that were deleted are found by this column, with an index for it."""

    def note(model: Model) -> Model:
        _deleted_by[model] = column
        return model

    return note


def tracked_models() -> dict[type[models.Model], frozenset[str]]:
    """Every tracked model with the columns its images leave out."""
    return dict(_tracked)


def history_table(model: type[models.Model]) -> str:
    return f"{model._meta.db_table}_history"


def sync() -> None:
    """Create or extend every history table and its triggers; cheap when nothing changed."""
    with connection.cursor() as cursor:
        _sync_shared(cursor)
        for model, without in _tracked.items():
            _sync_table(cursor, model._meta.db_table, without)
        for model, column in _deleted_by.items():
            _index_deleted(cursor, history_table(model), column)


def _sync_shared(cursor: Any) -> None:
    for name, body, text in (
        ("refuse_change", REFUSE_CHANGE_BODY, REFUSE_CHANGE),
        ("keep_months", KEEP_MONTHS_BODY, KEEP_MONTHS),
    ):
        cursor.execute("SELECT prosrc FROM pg_proc WHERE proname = %s", [name])
        if cursor.fetchall() != [(body,)]:
            cursor.execute(text)


def _sync_table(cursor: Any, table: str, without: frozenset[str]) -> None:
    wanted = kept_columns(cursor, table, without)
    if not wanted:
        return
    present = columns_of(cursor, f"{table}_history")
    if not present:
        columns = [f"{name} {kind}" for name, kind in OWN_COLUMNS]
        columns += [f'"{name}" {kind}' for name, kind in wanted.items()]
        cursor.execute(
            f"CREATE TABLE {table}_history ({', '.join(columns)}) PARTITION BY RANGE (history_at)"
        )
        cursor.execute(f"CREATE INDEX ON {table}_history ({_key(cursor, table)}, history_at)")
        cursor.execute(f"CREATE TABLE {table}_history_rest PARTITION OF {table}_history DEFAULT")
    else:
        _extend(cursor, table, wanted, present)
    _index_ids(cursor, f"{table}_history")
    cursor.execute("SELECT keep_months(%s)", [f"{table}_history"])
    _make_triggers(cursor, table, without)
    _guard_twin(cursor, f"{table}_history")


def kept_columns(cursor: Any, table: str, without: frozenset[str]) -> dict[str, str]:
    """The columns of a table whose values its images keep, with their types."""
    return {name: kind for name, kind in columns_of(cursor, table).items() if name not in without}


def columns_of(cursor: Any, table: str) -> dict[str, str]:
    """Columns with their types, in their order; none for a table that is not there."""
    cursor.execute(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
        " WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        [table],
    )
    return dict(cursor.fetchall())


def _key(cursor: Any, table: str) -> str:
    cursor.execute(
        "SELECT attname FROM pg_index JOIN pg_attribute ON attrelid = indrelid"
        " AND attnum = indkey[0] WHERE indrelid = to_regclass(%s) AND indisprimary",
        [table],
    )
    return str(cursor.fetchone()[0])


def _extend(cursor: Any, table: str, wanted: dict[str, str], present: dict[str, str]) -> None:
    own = {name: kind for name, kind in OWN_COLUMNS if name not in present}
    for name, kind in {**own, **wanted}.items():
        if name not in present:
            cursor.execute(f'ALTER TABLE {table}_history ADD COLUMN "{name}" {kind}')
        elif name in wanted and present[name] != kind:
            if not _read_alike(present[name], kind):
                raise TwinTypeError(
                    f"{table}_history.{name}: {present[name]} -> {kind}; a migration must say how"
                )
            cursor.execute(f'ALTER TABLE {table}_history ALTER COLUMN "{name}" TYPE {kind}')


def _read_alike(old: str, new: str) -> bool:
    """
    >>> _read_alike("character varying(20)", "text"), _read_alike("numeric(9,2)", "numeric(12,3)")
    (True, False)
    """
    for family in _FAMILIES:
        one, other = family.fullmatch(old), family.fullmatch(new)
        if one and other:
            return one.groups() == other.groups()
    return False


def _index_ids(cursor: Any, twin: str) -> None:
    """Sealing and verifying read by history_id."""
    cursor.execute("SELECT to_regclass(%s)", [f"{twin}_ids"])
    if cursor.fetchone()[0] is None:
        cursor.execute(f"CREATE INDEX {twin}_ids ON {twin} (history_id)")


def _index_deleted(cursor: Any, twin: str, column: str) -> None:
    """Few rows are ever deleted, so that this index costs an update nothing."""
    cursor.execute("SELECT to_regclass(%s), to_regclass(%s)", [twin, f"{twin}_deleted"])
    table, index = cursor.fetchone()
    if table is not None and index is None:
        cursor.execute(f"CREATE INDEX {twin}_deleted ON {twin} ({column}) WHERE history_act = 'D'")


def function_body(cursor: Any, table: str, without: frozenset[str]) -> str:
    """What the function behind a table's history triggers does."""
    columns = columns_of(cursor, table)
    kept = [f'"{name}"' for name in columns if name not in without]
    names = ", ".join(kept)
    keep = f"""
        INSERT INTO {table}_history
            (history_act, history_actor, history_client, history_request, history_reason,
             history_job, {names})
        SELECT left(TG_OP, 1),
               nullif(current_setting('povertyops.actor', true), '')::bigint,
               nullif(current_setting('povertyops.client', true), ''),
               nullif(current_setting('povertyops.request', true), ''),
               nullif(current_setting('povertyops.reason', true), ''),
               nullif(current_setting('povertyops.job', true), '')::bigint,
               {names}
        FROM old_rows"""
    if len(kept) == len(columns):
        return f"BEGIN{keep};\n        RETURN NULL;\nEND "
    key = _key(cursor, table)
    old, new = (", ".join(f"{rows}.{name}" for name in kept) for rows in ("old_rows", "new_rows"))
    # A deletion knows no new rows, and an update of what is left out changes nothing kept.
    return f"""BEGIN
    IF TG_OP = 'DELETE' THEN{keep};
    ELSE{keep}
        WHERE NOT EXISTS (SELECT FROM new_rows WHERE new_rows."{key}" = old_rows."{key}"
                             AND ROW({new}) IS NOT DISTINCT FROM ROW({old}));
    END IF;
    RETURN NULL;
END """


def _make_triggers(cursor: Any, table: str, without: frozenset[str]) -> None:
    body = function_body(cursor, table, without)
    cursor.execute(
        "SELECT prosrc = %s AND prosecdef FROM pg_proc WHERE proname = %s",
        [body, f"history_of_{table}"],
    )
    is_new = cursor.fetchall() != [(True,)]
    if is_new:
        cursor.execute(
            f"CREATE OR REPLACE FUNCTION history_of_{table}() RETURNS trigger LANGUAGE plpgsql"
            f" SECURITY DEFINER SET search_path = public, pg_temp AS $body${body}$body$"
        )
    for act in ("UPDATE", "DELETE"):
        if is_new or not _has_trigger(cursor, table, f"history_{act.lower()}"):
            more = "NEW TABLE AS new_rows" if "new_rows" in body and act == "UPDATE" else ""
            cursor.execute(
                f"CREATE OR REPLACE TRIGGER history_{act.lower()} AFTER {act} ON {table}"
                f" REFERENCING OLD TABLE AS old_rows {more} FOR EACH STATEMENT"
                f" EXECUTE FUNCTION history_of_{table}()"
            )


def _guard_twin(cursor: Any, twin: str) -> None:
    """Refuse changes row by row, and emptying as a whole; the latter is not inherited by partitions."""
    if not _has_trigger(cursor, twin, "append_only"):
        cursor.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {twin}"
            f" FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
    cursor.execute("SELECT relid::regclass::text FROM pg_partition_tree(%s)", [twin])
    for (part,) in cursor.fetchall():
        if not _has_trigger(cursor, part, "append_only_whole"):
            cursor.execute(
                f"CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON {part}"
                f" FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            )


def _has_trigger(cursor: Any, table: str, name: str) -> bool:
    cursor.execute(
        "SELECT FROM pg_trigger WHERE tgrelid = to_regclass(%s) AND tgname = %s", [table, name]
    )
    return bool(cursor.fetchall())


def images(model: type[models.Model], pk: int) -> list[dict[str, Any]]:
    """The old images of one row, youngest first, with when, who and why."""
    return images_of(model, [pk])[pk]


def images_of(
    model: type[models.Model], pks: Iterable[int]
) -> defaultdict[int, list[dict[str, Any]]]:
    """The same for several rows at once, by primary key."""
    key = model._meta.pk.column
    found: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT * FROM {history_table(model)} WHERE {key} = ANY(%s)"
            f" ORDER BY history_at DESC, history_id DESC",
            [list(pks)],
        )
        names = [column[0] for column in cursor.description]
        for row in cursor.fetchall():
            image = dict(zip(names, row, strict=True))
            found[image[key]].append(image)
    return found


def deleted_of(model: type[models.Model], value: Any) -> list[int]:
    """Primary keys of the rows that were deleted while their `deleted_found_by` column had the value."""
    twin, column, key = history_table(model), _deleted_by[model], model._meta.pk.column
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT DISTINCT {key} FROM {twin} WHERE history_act = 'D' AND {column} = %s"
            f" ORDER BY {key}",
            [value],
        )
        return [pk for (pk,) in cursor.fetchall()]
