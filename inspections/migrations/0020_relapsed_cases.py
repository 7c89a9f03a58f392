"""A case that came back on the ledger of problems asks for its round's results anew."""

from django.db import migrations

MARKS = """
CREATE FUNCTION inspections_mark_relapse() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $body$
BEGIN
    INSERT INTO inspections_dirtyround (round_id, held_by)
    SELECT round_id, held_by FROM inspections_case WHERE id = NEW.case_id;
    RETURN NULL;
END $body$;
CREATE TRIGGER marks_relapse AFTER UPDATE OF state ON inspections_finding FOR EACH ROW
    WHEN (NEW.case_id IS NOT NULL AND NEW.relapses > 0 AND NEW.state <> OLD.state)
    EXECUTE FUNCTION inspections_mark_relapse();
"""


class Migration(migrations.Migration):
    dependencies = [("inspections", "0019_problem_indexes")]

    operations = [
        migrations.RunSQL(MARKS, "DROP FUNCTION inspections_mark_relapse() CASCADE"),
    ]
