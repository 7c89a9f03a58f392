"""Database devices that Django's models cannot express, as migration operations."""

from django.db.migrations import RunSQL

# Whoever is told apart from a rewritten function by its text keeps that text here: `verify_history`
# compares it with what the database runs.
REFUSE_CHANGE_BODY = """
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END """

REFUSE_CHANGE = f"""
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$body${REFUSE_CHANGE_BODY}$body$;
"""

KEEP_MONTHS_BODY = """
DECLARE
    key text := substring(pg_get_partkeydef(parent::regclass) FROM 'RANGE \\((\\w+)\\)');
    month timestamptz;
    part text;
    taken boolean;
BEGIN
    FOR month IN SELECT generate_series(date_trunc('month', now()),
                     date_trunc('month', now()) + interval '2 months', interval '1 month') LOOP
        part := parent || to_char(month, '_YYYYMM');
        CONTINUE WHEN to_regclass(part) IS NOT NULL;
        -- Rows that came before their month had a partition stay where they are.
        EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE %I >= $1 AND %I < $2)',
                       parent || '_rest', key, key)
           INTO taken USING month, month + interval '1 month';
        CONTINUE WHEN taken;
        EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
                       part, parent, month, month + interval '1 month');
        EXECUTE format('CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON %I'
                       ' FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', part);
    END LOOP;
END """

KEEP_MONTHS = f"""
CREATE OR REPLACE FUNCTION keep_months(parent text) RETURNS void LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC' AS
$body${KEEP_MONTHS_BODY}$body$;
"""


def code_kept_true(
    table: str, key: str, code: str, target: str, *, target_key: str = "id", target_code: str
) -> RunSQL:
    """A composite foreign key (key, code) → (target_key, target_code), cascading on update.

    Scope columns hold a division code beside the key of the row they got it from; this key makes
    the database itself keep the two in step when a division is recoded.
    """
    name = f"{table}_{code}_kept_true"
    return RunSQL(
        f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY ({key}, {code})"
        f" REFERENCES {target} ({target_key}, {target_code}) ON UPDATE CASCADE"
        f" DEFERRABLE INITIALLY IMMEDIATE",
        f"ALTER TABLE {table} DROP CONSTRAINT {name}",
    )


class AppendOnly(RunSQL):
    """The operation that `append_only` makes; knows its table, so that guards can be looked after."""

    table = ""
    except_column = ""
    body = ""


def append_only(table: str, *, except_column: str = "") -> RunSQL:
    """Refuse UPDATE and DELETE on a ledger, whoever asks.

    `except_column` may still change: the division code, which follows a recoded village.
    """
    keeps = f"(to_jsonb(NEW) - '{except_column}') = (to_jsonb(OLD) - '{except_column}')"
    allowed = f"TG_OP = 'UPDATE' AND {keeps}" if except_column else "false"
    body = f"""
        BEGIN
            IF {allowed} THEN
                RETURN NEW;
            END IF;
            RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
        END """
    operation = AppendOnly(
        f"""
        CREATE FUNCTION {table}_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
        $body${body}$body$;
        CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}
            FOR EACH ROW EXECUTE FUNCTION {table}_is_append_only();
        """,
        f"DROP FUNCTION {table}_is_append_only() CASCADE",
    )
    operation.table, operation.except_column, operation.body = table, except_column, body
    return operation


CHANGE_NUMBERED = """
-- The transaction that touches a row; feeds read rows in this order up to the oldest open one.
CREATE OR REPLACE FUNCTION change_numbered() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    NEW.changed := pg_current_xact_id()::text::bigint;
    RETURN NEW;
END $body$;
"""


def change_numbered(*tables: str) -> RunSQL:
    """Keep the column `changed` of these tables; the last of their BEFORE triggers by its name."""
    return RunSQL(
        CHANGE_NUMBERED
        + "".join(
            f"CREATE TRIGGER zz_changed BEFORE INSERT OR UPDATE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION change_numbered();"
            for table in tables
        ),
        "".join(f"DROP TRIGGER zz_changed ON {table};" for table in tables),
    )
