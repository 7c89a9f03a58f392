"""What can never be true, and what always happens: composite keys, ledgers, closed years, marks."""

from django.db import migrations

from core.ddl import append_only, code_kept_true

YEAR_TABLES = ("households_householdyear", "households_personyear")

GUARD = """
CREATE FUNCTION register_year_changed() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    closed integer;
BEGIN
    -- The transition tables exist only for the acts that have them, hence the branches.
    IF TG_OP = 'INSERT' THEN
        WITH touched AS (SELECT DISTINCT partition_id, village_code FROM new_rows),
        marked AS (
            INSERT INTO households_dirtyregion (partition, code)
            SELECT partition_id, village_code FROM touched)
        SELECT min(partition_id) INTO closed FROM touched
          JOIN households_partition p ON p.year = partition_id WHERE p.closed_at IS NOT NULL;
    ELSIF TG_OP = 'UPDATE' THEN
        WITH touched AS (SELECT partition_id, village_code FROM new_rows
                         UNION SELECT partition_id, village_code FROM old_rows),
        marked AS (
            INSERT INTO households_dirtyregion (partition, code)
            SELECT partition_id, village_code FROM touched)
        SELECT min(partition_id) INTO closed FROM touched
          JOIN households_partition p ON p.year = partition_id WHERE p.closed_at IS NOT NULL;
    ELSE
        WITH touched AS (SELECT DISTINCT partition_id, village_code FROM old_rows),
        marked AS (
            INSERT INTO households_dirtyregion (partition, code)
            SELECT partition_id, village_code FROM touched)
        SELECT min(partition_id) INTO closed FROM touched
          JOIN households_partition p ON p.year = partition_id WHERE p.closed_at IS NOT NULL;
    END IF;
    IF closed IS NOT NULL THEN
        RAISE EXCEPTION 'partition % is closed', closed USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    RETURN NULL;
END $body$;
"""

TRIGGERS = "".join(
    f"""
CREATE TRIGGER year_inserted AFTER INSERT ON {table} REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION register_year_changed();
CREATE TRIGGER year_updated AFTER UPDATE ON {table}
    REFERENCING NEW TABLE AS new_rows OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION register_year_changed();
CREATE TRIGGER year_deleted AFTER DELETE ON {table} REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION register_year_changed();
"""
    for table in YEAR_TABLES
)

# The yearly facts of places are inputs of the figures too.
FACTS = """
CREATE FUNCTION region_facts_changed() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF TG_OP = 'DELETE' THEN
        INSERT INTO households_dirtyregion (partition, code)
        SELECT DISTINCT year, region_code FROM old_rows;
    ELSE
        INSERT INTO households_dirtyregion (partition, code)
        SELECT DISTINCT year, region_code FROM new_rows;
    END IF;
    RETURN NULL;
END $body$;
""" + "".join(
    f"""
CREATE TRIGGER facts_inserted AFTER INSERT ON {table} REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION region_facts_changed();
CREATE TRIGGER facts_updated AFTER UPDATE ON {table} REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION region_facts_changed();
CREATE TRIGGER facts_deleted AFTER DELETE ON {table} REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION region_facts_changed();
"""
    for table in ("villages_populationbase", "villages_villageyear", "villages_countyyear")
)

UNDO = """
DROP FUNCTION register_year_changed() CASCADE;
DROP FUNCTION region_facts_changed() CASCADE;
"""


class Migration(migrations.Migration):
    dependencies = [("households", "0001_register")]

    operations = [
        code_kept_true(
            "households_household",
            "village_id",
            "village_code",
            "villages_region",
            target_code="code",
        ),
        code_kept_true(
            "households_householdyear",
            "village_id",
            "village_code",
            "villages_region",
            target_code="code",
        ),
        code_kept_true(
            "households_person",
            "household_id",
            "village_code",
            "households_household",
            target_code="village_code",
        ),
        code_kept_true(
            "households_personyear",
            "partition_id, household_id",
            "village_code",
            "households_householdyear",
            target_key="partition_id, household_id",
            target_code="village_code",
        ),
        append_only("households_statusevent", except_column="village_code"),
        append_only("households_membershipevent", except_column="village_code"),
        migrations.RunSQL(GUARD + TRIGGERS + FACTS, UNDO),
    ]
