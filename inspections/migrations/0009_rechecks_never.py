"""What can never be false of a draw for a second look."""

from django.db import migrations

from core.ddl import append_only, code_kept_true

ITEM = """
-- A drawn problem stays drawn; the look at it is its own, and is set once.
CREATE FUNCTION inspections_recheck_item_kept() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    free text[] := ARRAY['region_code'];
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a drawn problem stays drawn' USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.look_id IS NULL THEN
        free := free || ARRAY['look_id'];
    END IF;
    IF (to_jsonb(NEW) - free) IS DISTINCT FROM (to_jsonb(OLD) - free)
       OR NEW.look_id IS DISTINCT FROM OLD.look_id AND NOT EXISTS (
           SELECT FROM inspections_findinglook
            WHERE id = NEW.look_id AND finding_id = NEW.finding_id) THEN
        RAISE EXCEPTION 'recheck %: what was drawn and seen stands', OLD.recheck_id
              USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER kept BEFORE UPDATE OR DELETE ON inspections_recheckitem
    FOR EACH ROW EXECUTE FUNCTION inspections_recheck_item_kept();
"""


class Migration(migrations.Migration):
    dependencies = [("inspections", "0008_rechecks")]

    operations = [
        code_kept_true(
            "inspections_recheck", "region_id", "region_code", "villages_region", target_code="code"
        ),
        code_kept_true(
            "inspections_recheckitem", "recheck_id", "region_code", "inspections_recheck",
            target_code="region_code",
        ),
        migrations.RunSQL(ITEM, "DROP FUNCTION inspections_recheck_item_kept() CASCADE"),
        append_only("inspections_recheck", except_column="region_code"),
    ]  # fmt: skip
