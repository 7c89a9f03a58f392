"""What can never be false of a complaint, held by the database whoever writes."""

from django.db import migrations

from core.ddl import append_only, code_kept_true

COMPLAINT = """
-- The next number of the county and year. Counted by the owner: a county sees its own ones only.
CREATE FUNCTION inspections_complaint_numbered() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
DECLARE
    next integer;
    of_year integer := extract(year FROM NEW.received_on);
BEGIN
    IF NEW.state <> '' OR NEW.position <> 0 OR NEW.unit <> '' OR NEW.duty_name <> ''
       OR NEW.due_on IS NOT NULL THEN
        RAISE EXCEPTION 'a complaint begins with its first step' USING ERRCODE = 'check_violation';
    END IF;
    IF NOT NEW.region_code ^@ NEW.held_by THEN
        RAISE EXCEPTION 'a complaint is received by the office of its place'
              USING ERRCODE = 'check_violation', CONSTRAINT = 'complaint_of_its_office';
    END IF;
    INSERT INTO inspections_complaintcounter AS c (county_code, year, last)
    VALUES (left(NEW.region_code, 6), of_year, 1)
    ON CONFLICT (county_code, year) DO UPDATE SET last = c.last + 1
    RETURNING last INTO next;
    NEW.number := 'X' || of_year || left(NEW.region_code, 6) || lpad(next::text, 5, '0');
    RETURN NEW;
END $body$;
CREATE TRIGGER numbered BEFORE INSERT ON inspections_complaint
    FOR EACH ROW EXECUTE FUNCTION inspections_complaint_numbered();

-- No complaint without its first step and its own words when the transaction ends.
CREATE FUNCTION inspections_complaint_has_begun() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
BEGIN
    IF NOT EXISTS (SELECT FROM inspections_complaintstep WHERE complaint_id = NEW.id)
       OR NOT EXISTS (SELECT FROM inspections_complainant WHERE complaint_id = NEW.id) THEN
        RAISE EXCEPTION 'complaint %: was never received', NEW.id
              USING ERRCODE = 'check_violation', CONSTRAINT = 'complaint_has_begun';
    END IF;
    RETURN NULL;
END $body$;
CREATE CONSTRAINT TRIGGER complaint_has_begun AFTER INSERT ON inspections_complaint
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION inspections_complaint_has_begun();

-- The summary can be put right until it is passed on; what follows the steps is written below their
-- trigger alone.
CREATE FUNCTION inspections_complaint_settled() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    free text[] := ARRAY['region_code'];
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a complaint is never deleted' USING ERRCODE = 'restrict_violation';
    END IF;
    IF pg_trigger_depth() > 1 THEN
        free := free || ARRAY['state', 'position', 'state_on', 'unit', 'duty_name', 'due_on'];
    END IF;
    IF OLD.state IN ('', 'RECEIVED') THEN
        free := free || ARRAY['summary'];
    END IF;
    IF (to_jsonb(NEW) - free) IS DISTINCT FROM (to_jsonb(OLD) - free) THEN
        RAISE EXCEPTION 'complaint %: what is settled cannot be changed', OLD.id
              USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER settled BEFORE UPDATE OR DELETE ON inspections_complaint
    FOR EACH ROW EXECUTE FUNCTION inspections_complaint_settled();

-- An anonymous complaint has no complainant, any other has a name; nothing of it is ever deleted, and
-- the complaint's own words stand as they were received. The household lies in the complaint's place.
CREATE FUNCTION inspections_complainant_kept() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
DECLARE
    c record;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a complainant is never deleted' USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'UPDATE' AND (NEW.complaint_id, NEW.original, NEW.household_no)
                            IS DISTINCT FROM (OLD.complaint_id, OLD.original, OLD.household_no) THEN
        RAISE EXCEPTION 'complaint %: its own words stand', OLD.complaint_id
              USING ERRCODE = 'restrict_violation';
    END IF;
    SELECT * INTO c FROM inspections_complaint WHERE id = NEW.complaint_id;
    IF NEW.original IS NULL OR c.is_anonymous <> (NEW.name IS NULL)
       OR c.is_anonymous AND (NEW.phone, NEW.address, NEW.id_no) IS DISTINCT FROM (NULL, NULL, NULL)
    THEN
        RAISE EXCEPTION 'complaint %: anonymous or not', NEW.complaint_id
              USING ERRCODE = 'check_violation', CONSTRAINT = 'complainant_fits';
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER kept BEFORE INSERT OR UPDATE OR DELETE ON inspections_complainant
    FOR EACH ROW EXECUTE FUNCTION inspections_complainant_kept();
"""

STEPS = """
-- The same list as `inspections.enums.complaints.FOLLOWS`.
CREATE FUNCTION inspections_complaint_may_follow(before text, after text) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = public, pg_temp AS $body$
    SELECT CASE before
        WHEN '' THEN after = 'RECEIVED'
        WHEN 'RECEIVED' THEN after IN ('ASSIGNED', 'PASSED')
        WHEN 'ASSIGNED' THEN after IN ('ASSIGNED', 'ANSWERED', 'RETURNED')
        WHEN 'ANSWERED' THEN after IN ('CLOSED', 'RETURNED')
        WHEN 'RETURNED' THEN after IN ('ASSIGNED', 'ANSWERED', 'PASSED')
        ELSE false END
$body$;

-- The order of states and the dates. The complaint follows by this trigger alone.
CREATE FUNCTION inspections_complaint_step_due() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
DECLARE
    c record;
    before date;
BEGIN
    SELECT * INTO c FROM inspections_complaint WHERE id = NEW.complaint_id FOR NO KEY UPDATE;
    SELECT taken_on INTO before FROM inspections_complaintstep
     WHERE complaint_id = NEW.complaint_id ORDER BY position DESC LIMIT 1;
    IF NEW.position <> c.position OR NOT inspections_complaint_may_follow(c.state, NEW.state) THEN
        RAISE EXCEPTION 'complaint %: % does not follow %', c.id, NEW.state, c.state
              USING ERRCODE = 'check_violation', CONSTRAINT = 'complaint_step_in_order';
    END IF;
    IF NEW.taken_on < coalesce(before, c.received_on) THEN
        RAISE EXCEPTION 'complaint %: earlier than the step before', c.id
              USING ERRCODE = 'check_violation', CONSTRAINT = 'complaint_step_not_back_in_time';
    END IF;
    -- Who is not known cannot be answered; who is known, is.
    IF NEW.state = 'ANSWERED' AND c.is_anonymous <> (NEW.way = 'NONE') THEN
        RAISE EXCEPTION 'complaint %: answered to nobody', c.id
              USING ERRCODE = 'check_violation', CONSTRAINT = 'complaint_answered_to_somebody';
    END IF;
    UPDATE inspections_complaint
       SET state = NEW.state, state_on = NEW.taken_on, position = c.position + 1,
           unit = CASE WHEN NEW.state IN ('ASSIGNED', 'PASSED') THEN NEW.unit ELSE unit END,
           duty_name = CASE WHEN NEW.state IN ('ASSIGNED', 'PASSED') THEN NEW.duty_name
                            ELSE duty_name END,
           due_on = CASE NEW.state WHEN 'ASSIGNED' THEN NEW.due_on ELSE due_on END
     WHERE id = c.id;
    RETURN NEW;
END $body$;
CREATE TRIGGER due BEFORE INSERT ON inspections_complaintstep
    FOR EACH ROW EXECUTE FUNCTION inspections_complaint_step_due();

-- A complaint leads to problems of its own county, once it was passed on.
CREATE FUNCTION inspections_complaint_finding_due() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
BEGIN
    IF NOT EXISTS (
        SELECT FROM inspections_complaint c, inspections_finding f
         WHERE c.id = NEW.complaint_id AND f.id = NEW.finding_id
           AND f.region_code ^@ inspections_prefix(left(c.region_code, 6) || '000000')
           AND c.state NOT IN ('', 'RECEIVED', 'PASSED')) THEN
        RAISE EXCEPTION 'complaint %: not of its county, or not passed on', NEW.complaint_id
              USING ERRCODE = 'check_violation', CONSTRAINT = 'complaint_finding_fits';
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER due BEFORE INSERT ON inspections_complaintfinding
    FOR EACH ROW EXECUTE FUNCTION inspections_complaint_finding_due();
"""

UNDO = """
DROP FUNCTION inspections_complaint_finding_due() CASCADE;
DROP FUNCTION inspections_complaint_step_due() CASCADE;
DROP FUNCTION inspections_complaint_may_follow(text, text);
DROP FUNCTION inspections_complainant_kept() CASCADE;
DROP FUNCTION inspections_complaint_settled() CASCADE;
DROP FUNCTION inspections_complaint_has_begun() CASCADE;
DROP FUNCTION inspections_complaint_numbered() CASCADE;
"""


class Migration(migrations.Migration):
    dependencies = [("inspections", "0015_complaints")]

    operations = [
        code_kept_true(
            "inspections_complaint", "region_id", "region_code", "villages_region",
            target_code="code",
        ),
        code_kept_true(
            "inspections_complainant", "complaint_id", "held_by", "inspections_complaint",
            target_code="held_by",
        ),
        *(
            code_kept_true(
                f"inspections_{table}", "complaint_id", "region_code", "inspections_complaint",
                target_code="region_code",
            )
            for table in ("complaintstep", "complaintfinding")
        ),
        migrations.RunSQL(COMPLAINT + STEPS, UNDO),
        append_only("inspections_complaintstep", except_column="region_code"),
        append_only("inspections_complaintfinding", except_column="region_code"),
    ]  # fmt: skip
