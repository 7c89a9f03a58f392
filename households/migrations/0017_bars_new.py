"""The rule on households identified this year also holds where no service is asked."""

from django.db import migrations

# Counties that bar households identified in the year from exiting in it are obeyed when the county
# approves and announces, whatever was on record at the proposal. A row that is missing or that the
# asking process may not see counts as unknown, and unknown does not exit.
BARRED = """
CREATE FUNCTION procedure_bars_new() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    PERFORM FROM households_procedure p
      JOIN households_noticerule r
        ON r.region_code = rpad(left(p.village_code, 6), 12, '0') AND r.kind = p.kind AND r.bars_new
      JOIN households_procedurecase c ON c.procedure_id = p.id AND c.dropped_on IS NULL
      LEFT JOIN households_householdyear y
        ON y.partition_id = p.partition_id AND y.household_id = c.household_id
     WHERE p.id = NEW.procedure_id AND p.kind = 'EXIT'
       AND NOT coalesce(y.identified_year < p.partition_id, false);
    IF FOUND THEN
        RAISE EXCEPTION 'procedure %: identified this year, or nobody knows when', NEW.procedure_id
              USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER bars_new BEFORE INSERT ON households_procedurestep FOR EACH ROW
    WHEN (NEW.decision = 'PASS' AND NEW.step IN ('COUNTY_APPROVAL', 'ANNOUNCE'))
    EXECUTE FUNCTION procedure_bars_new();
"""
UNDO_BARRED = "DROP FUNCTION procedure_bars_new() CASCADE;"


class Migration(migrations.Migration):
    dependencies = [("households", "0016_exit_procedure")]

    operations = [migrations.RunSQL(BARRED, UNDO_BARRED)]
