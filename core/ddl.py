"""Database devices that Django's models cannot express, as migration operations."""

from django.db.migrations import RunSQL


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


def append_only(table: str, *, except_column: str = "") -> RunSQL:
    """Refuse UPDATE and DELETE on a ledger, whoever asks.

    `except_column` may still change: the division code, which follows a recoded village.
    """
    keeps = f"(to_jsonb(NEW) - '{except_column}') = (to_jsonb(OLD) - '{except_column}')"
    allowed = f"TG_OP = 'UPDATE' AND {keeps}" if except_column else "false"
    return RunSQL(
        f"""
        CREATE FUNCTION {table}_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $body$
        BEGIN
            IF {allowed} THEN
                RETURN NEW;
            END IF;
            RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
        END $body$;
        CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}
            FOR EACH ROW EXECUTE FUNCTION {table}_is_append_only();
        """,
        f"DROP FUNCTION {table}_is_append_only() CASCADE",
    )
