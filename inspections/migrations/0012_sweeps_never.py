"""What can never be false of looking for the likes of a problem."""

from django.db import migrations

from core.ddl import append_only, code_kept_true

SWEEPS = """
-- What was found lies where was looked, is found by runs of its own search, and is decided once. What
-- was opened is a like of the search's problem, about the very thing that was found.
CREATE FUNCTION inspections_sweep_match_kept() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
DECLARE
    free text[] := ARRAY['region_code', 'region_id', 'last_id'];
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a match is never deleted' USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'UPDATE' THEN
        IF OLD.state = 'OPEN' THEN
            free := free || ARRAY['state', 'finding_id', 'reason', 'decided_on', 'decided_by_id'];
        END IF;
        IF (to_jsonb(NEW) - free) IS DISTINCT FROM (to_jsonb(OLD) - free)
           OR NEW.last_id < OLD.last_id THEN
            RAISE EXCEPTION 'match %: what was decided stands', OLD.id
                  USING ERRCODE = 'restrict_violation';
        END IF;
    END IF;
    IF TG_OP = 'INSERT' AND NEW.state <> 'OPEN' OR NOT EXISTS (
        SELECT FROM inspections_sweeprun r WHERE r.id = NEW.last_id AND r.sweep_id = NEW.sweep_id)
       -- Not when divisions are recoded, one after another.
       OR (TG_OP = 'INSERT' OR NEW.last_id <> OLD.last_id) AND NOT EXISTS (
           SELECT FROM inspections_sweep s WHERE s.id = NEW.sweep_id
              AND NEW.region_code ^@ inspections_prefix(s.region_code)) THEN
        RAISE EXCEPTION 'match %: not of its search', NEW.id
              USING ERRCODE = 'check_violation', CONSTRAINT = 'sweep_match_of_its_sweep';
    END IF;
    IF NEW.state = 'OPENED' AND NOT EXISTS (
        SELECT FROM inspections_finding f JOIN inspections_sweep s ON s.id = NEW.sweep_id
         WHERE f.id = NEW.finding_id AND f.origin = 'SWEEP' AND f.parent_id = s.finding_id
           AND (NEW.household_id IS NULL OR f.household_id = NEW.household_id)
           AND (NEW.project_id IS NULL OR f.project_id = NEW.project_id)
           AND f.fund_finding_id IS NOT DISTINCT FROM NEW.fund_finding_id) THEN
        RAISE EXCEPTION 'match %: opened as something else', NEW.id
              USING ERRCODE = 'check_violation', CONSTRAINT = 'sweep_match_opened_as_itself';
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER kept BEFORE INSERT OR UPDATE OR DELETE ON inspections_sweepmatch
    FOR EACH ROW EXECUTE FUNCTION inspections_sweep_match_kept();

-- A problem whose likes are looked for is not mended before each search was run again since it was
-- verified: whoever closes it knows what is still there.
CREATE FUNCTION inspections_finding_swept() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
BEGIN
    IF EXISTS (
        SELECT FROM inspections_sweep s
          CROSS JOIN LATERAL (
              SELECT taken_on, created_at FROM inspections_findingstep
               WHERE finding_id = s.finding_id AND state = 'VERIFIED'
               ORDER BY position DESC LIMIT 1) v
         WHERE s.finding_id = NEW.finding_id AND NOT EXISTS (
               SELECT FROM inspections_sweeprun r WHERE r.sweep_id = s.id
                  AND r.ran_on >= v.taken_on AND r.created_at >= v.created_at)) THEN
        RAISE EXCEPTION 'finding %: its likes were not looked for again', NEW.finding_id
              USING ERRCODE = 'check_violation', CONSTRAINT = 'finding_swept_before_closing';
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER swept BEFORE INSERT ON inspections_findingstep
    FOR EACH ROW WHEN (NEW.state IN ('CLOSED', 'WATCHED'))
    EXECUTE FUNCTION inspections_finding_swept();
"""

UNDO = """
DROP FUNCTION inspections_finding_swept() CASCADE;
DROP FUNCTION inspections_sweep_match_kept() CASCADE;
"""


class Migration(migrations.Migration):
    dependencies = [("inspections", "0011_sweeps")]

    operations = [
        code_kept_true(
            "inspections_sweep", "region_id", "region_code", "villages_region", target_code="code"
        ),
        code_kept_true(
            "inspections_sweeprun", "sweep_id", "region_code", "inspections_sweep",
            target_code="region_code",
        ),
        code_kept_true(
            "inspections_sweepmatch", "region_id", "region_code", "villages_region",
            target_code="code",
        ),
        migrations.RunSQL(SWEEPS, UNDO),
        append_only("inspections_sweep", except_column="region_code"),
        append_only("inspections_sweeprun", except_column="region_code"),
    ]  # fmt: skip
