"""What can never be false of a finding, held by the database whoever writes."""

from django.db import migrations

from core.ddl import append_only, change_numbered, code_kept_true

OF_A_FINDING = ("findingstep", "findingpaper", "findinglook", "extension")

FINDING = """
-- The next number of the county and year. Counted by the owner: a village sees its own findings only.
CREATE FUNCTION inspections_finding_numbered() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
DECLARE
    next integer;
    of_year integer := extract(year FROM NEW.found_on);
BEGIN
    IF NEW.state <> '' OR NEW.position <> 0 OR NEW.rung <> 0 OR NEW.relapses <> 0
       OR NEW.due_on IS NOT NULL OR NEW.merged_into_id IS NOT NULL OR NEW.closed_on IS NOT NULL
       OR NEW.claimed_by_id IS NOT NULL OR NEW.lead_unit <> '' THEN
        RAISE EXCEPTION 'a finding begins with its first step' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.number = '' THEN
        INSERT INTO inspections_findingcounter AS c (county_code, year, last)
        VALUES (left(NEW.region_code, 6), of_year, 1)
        ON CONFLICT (county_code, year) DO UPDATE SET last = c.last + 1
        RETURNING last INTO next;
        NEW.number := 'W' || of_year || left(NEW.region_code, 6) || lpad(next::text, 5, '0');
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER numbered BEFORE INSERT ON inspections_finding
    FOR EACH ROW EXECUTE FUNCTION inspections_finding_numbered();

-- So many numbers at once, for a workbook; returns the last of them.
CREATE FUNCTION inspections_findings_reserve(county text, of_year integer, many integer)
RETURNS integer
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
    INSERT INTO inspections_findingcounter AS c (county_code, year, last)
    VALUES (county, of_year, many)
    ON CONFLICT (county_code, year) DO UPDATE SET last = c.last + many
    RETURNING last
$body$;

-- No finding without its first step when the transaction ends.
CREATE FUNCTION inspections_finding_has_begun() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
BEGIN
    IF NOT EXISTS (SELECT FROM inspections_findingstep WHERE finding_id = NEW.id) THEN
        RAISE EXCEPTION 'finding %: was never found', NEW.id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $body$;
CREATE CONSTRAINT TRIGGER finding_has_begun AFTER INSERT ON inspections_finding
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION inspections_finding_has_begun();

-- What was entered can be put right until it is assigned; whether it has to be watched, until it is
-- closed. What follows steps, extensions and letters is written below a trigger alone.
CREATE FUNCTION inspections_finding_settled() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    free text[] := ARRAY['region_code', 'changed'];
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a finding is never deleted' USING ERRCODE = 'restrict_violation';
    END IF;
    IF pg_trigger_depth() > 1 THEN
        free := free || ARRAY['state', 'position', 'state_on', 'lead_unit', 'duty_name',
                              'duty_user_id', 'due_on', 'claimed_by_id', 'closed_on',
                              'merged_into_id', 'rung', 'relapses'];
    END IF;
    IF OLD.state IN ('', 'FOUND') THEN
        free := free || ARRAY['told_as', 'category_id', 'severity', 'fact', 'basis', 'object_kind',
                              'region_id', 'household_id', 'person_id', 'project_id', 'payment_id',
                              'cadre', 'found_on', 'entered_by_id'];
    END IF;
    IF OLD.state NOT IN ('CLOSED', 'MERGED', 'SPLIT') THEN
        free := free || ARRAY['needs_watch'];
    END IF;
    IF (to_jsonb(NEW) - free) IS DISTINCT FROM (to_jsonb(OLD) - free) THEN
        RAISE EXCEPTION 'finding %: what is settled cannot be changed', OLD.id
              USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER settled BEFORE UPDATE OR DELETE ON inspections_finding
    FOR EACH ROW EXECUTE FUNCTION inspections_finding_settled();

-- What was told of an inspection stays; its place follows a recoded division.
CREATE FUNCTION inspections_campaign_settled() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    free text[] := ARRAY['region_code', 'changed', 'name', 'team', 'ended_on', 'expected'];
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a campaign is never deleted' USING ERRCODE = 'restrict_violation';
    END IF;
    IF (to_jsonb(NEW) - free) IS DISTINCT FROM (to_jsonb(OLD) - free) THEN
        RAISE EXCEPTION 'campaign %: what is settled cannot be changed', OLD.id
              USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER settled BEFORE UPDATE OR DELETE ON inspections_campaign
    FOR EACH ROW EXECUTE FUNCTION inspections_campaign_settled();

-- The prefix of codes that lie in a division.
CREATE FUNCTION inspections_prefix(code text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = public, pg_temp AS $body$
    SELECT CASE WHEN code LIKE '____00000000' THEN left(code, 4)
                WHEN code LIKE '______000000' THEN left(code, 6)
                WHEN code LIKE '_________000' THEN left(code, 9)
                ELSE code END
$body$;

-- A problem that a campaign found is of the campaign's kind and lies in its place; what a problem is
-- about lies in the problem's place, a person in the household that is told.
CREATE FUNCTION inspections_finding_placed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
DECLARE
    place text := inspections_prefix(NEW.region_code);
BEGIN
    IF NEW.campaign_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM inspections_campaign c
         WHERE c.id = NEW.campaign_id AND (c.source, c.level) = (NEW.source, NEW.level)
           AND NEW.region_code ^@ inspections_prefix(c.region_code)) THEN
        RAISE EXCEPTION 'finding %: not of campaign %', NEW.id, NEW.campaign_id
              USING ERRCODE = 'check_violation', CONSTRAINT = 'finding_of_its_campaign';
    END IF;
    IF NEW.household_id IS NOT NULL AND NOT EXISTS (
           SELECT FROM households_household WHERE id = NEW.household_id AND village_code ^@ place)
       OR NEW.person_id IS NOT NULL AND NOT EXISTS (
           SELECT FROM households_person
            WHERE id = NEW.person_id AND household_id = NEW.household_id)
       OR NEW.project_id IS NOT NULL AND NOT EXISTS (
           SELECT FROM projects_project WHERE id = NEW.project_id AND region_code ^@ place)
       OR NEW.payment_id IS NOT NULL AND NOT EXISTS (
           SELECT FROM funds_payment WHERE id = NEW.payment_id AND region_code ^@ place) THEN
        RAISE EXCEPTION 'finding %: its object lies elsewhere', NEW.id
              USING ERRCODE = 'check_violation', CONSTRAINT = 'finding_object_lies_there';
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER placed
    BEFORE INSERT OR UPDATE OF region_id, household_id, person_id, project_id, payment_id
    ON inspections_finding FOR EACH ROW EXECUTE FUNCTION inspections_finding_placed();
"""

STEPS = """
-- The same list as `inspections.enums.findings.FOLLOWS`.
CREATE FUNCTION inspections_finding_may_follow(before text, after text) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = public, pg_temp AS $body$
    SELECT CASE before
        WHEN '' THEN after = 'FOUND'
        WHEN 'FOUND' THEN after IN ('ASSIGNED', 'MERGED', 'SPLIT')
        WHEN 'ASSIGNED' THEN after IN ('ASSIGNED', 'MEASURED', 'MERGED', 'SPLIT')
        WHEN 'MEASURED' THEN after IN ('ASSIGNED', 'CLAIMED', 'RETURNED', 'MERGED')
        WHEN 'CLAIMED' THEN after IN ('VERIFIED', 'RETURNED')
        WHEN 'VERIFIED' THEN after IN ('CLOSED', 'WATCHED', 'RETURNED')
        WHEN 'WATCHED' THEN after IN ('CLOSED', 'RETURNED')
        WHEN 'RETURNED' THEN after IN ('ASSIGNED', 'MEASURED', 'CLAIMED')
        WHEN 'CLOSED' THEN after = 'RETURNED'
        ELSE false END
$body$;

-- What a step still lacks, null when nothing.
CREATE FUNCTION inspections_finding_obstacle(finding bigint, after text, into_one bigint)
RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $body$
    SELECT CASE
        -- Papers handed in since the mending was last owed anew.
        WHEN after = 'CLAIMED' AND NOT EXISTS (
            SELECT FROM inspections_findingpaper p WHERE p.finding_id = f.id
               AND p.position > (SELECT max(s.position) FROM inspections_findingstep s
                                  WHERE s.finding_id = f.id
                                    AND s.state IN ('ASSIGNED', 'RETURNED')))
            THEN 'finding_needs_evidence'
        WHEN after = 'CLOSED' AND f.needs_watch AND f.state = 'VERIFIED'
            THEN 'finding_needs_watch'
        WHEN after = 'WATCHED' AND NOT f.needs_watch
            THEN 'finding_needs_no_watch'
        WHEN after = 'RETURNED' AND f.state IN ('CLOSED', 'WATCHED') AND NOT EXISTS (
            SELECT FROM inspections_findinglook l WHERE l.finding_id = f.id
               AND l.position = f.position AND l.result = 'RELAPSED')
            THEN 'finding_came_not_back'
        WHEN after = 'SPLIT' AND 2 > (
            SELECT count(*) FROM inspections_finding c
             WHERE c.parent_id = f.id AND c.origin = 'SPLIT')
            THEN 'finding_splits_into_several'
        WHEN after = 'MERGED' AND NOT EXISTS (
            SELECT FROM inspections_finding i WHERE i.id = into_one AND i.id <> f.id
               AND left(i.region_code, 6) = left(f.region_code, 6)
               AND i.state IN ('FOUND', 'ASSIGNED', 'MEASURED', 'RETURNED'))
            THEN 'finding_merges_into_an_open_one'
        END
      FROM inspections_finding f WHERE f.id = finding
$body$;

-- The order of states, the dates, that nobody verifies or closes what he claimed, and what each step
-- takes. The finding follows by this trigger alone.
CREATE FUNCTION inspections_finding_step_due() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
DECLARE
    f record;
    before date;
    obstacle text;
BEGIN
    -- Two that are merged into one another at the same moment: the lower number first.
    PERFORM FROM inspections_finding WHERE id IN (NEW.finding_id, NEW.into_id)
      ORDER BY id FOR NO KEY UPDATE;
    SELECT * INTO f FROM inspections_finding WHERE id = NEW.finding_id;
    SELECT taken_on INTO before FROM inspections_findingstep
     WHERE finding_id = NEW.finding_id ORDER BY position DESC LIMIT 1;
    IF NEW.position <> f.position OR NOT inspections_finding_may_follow(f.state, NEW.state) THEN
        RAISE EXCEPTION 'finding %: % does not follow %', f.id, NEW.state, f.state
              USING ERRCODE = 'check_violation', CONSTRAINT = 'finding_step_in_order';
    END IF;
    IF NEW.taken_on < coalesce(before, f.found_on) THEN
        RAISE EXCEPTION 'finding %: earlier than the step before', f.id
              USING ERRCODE = 'check_violation', CONSTRAINT = 'finding_step_not_back_in_time';
    END IF;
    IF NEW.state IN ('VERIFIED', 'CLOSED', 'WATCHED') AND NEW.created_by_id = f.claimed_by_id THEN
        RAISE EXCEPTION 'finding %: % by whoever claimed it', f.id, NEW.state
              USING ERRCODE = 'check_violation', CONSTRAINT = 'finding_takes_two_persons';
    END IF;
    obstacle := inspections_finding_obstacle(f.id, NEW.state, NEW.into_id);
    IF obstacle IS NOT NULL THEN
        RAISE EXCEPTION 'finding %: % lacks %', f.id, NEW.state, obstacle
              USING ERRCODE = 'check_violation', CONSTRAINT = obstacle;
    END IF;
    UPDATE inspections_finding
       SET state = NEW.state, state_on = NEW.taken_on, position = f.position + 1,
           lead_unit = CASE NEW.state WHEN 'ASSIGNED' THEN NEW.lead_unit ELSE lead_unit END,
           duty_name = CASE NEW.state WHEN 'ASSIGNED' THEN NEW.duty_name ELSE duty_name END,
           duty_user_id = CASE NEW.state WHEN 'ASSIGNED' THEN NEW.duty_user_id
                                         ELSE duty_user_id END,
           due_on = CASE NEW.state WHEN 'ASSIGNED' THEN NEW.due_on ELSE due_on END,
           claimed_by_id = CASE NEW.state WHEN 'CLAIMED' THEN NEW.created_by_id
                                          ELSE claimed_by_id END,
           closed_on = CASE WHEN NEW.state IN ('CLOSED', 'WATCHED')
                            THEN coalesce(closed_on, NEW.taken_on) END,
           relapses = relapses + (f.state IN ('CLOSED', 'WATCHED')
                                  AND NEW.state = 'RETURNED')::integer,
           merged_into_id = NEW.into_id
     WHERE id = f.id;
    RETURN NEW;
END $body$;
CREATE TRIGGER due BEFORE INSERT ON inspections_findingstep
    FOR EACH ROW EXECUTE FUNCTION inspections_finding_step_due();

-- Papers stand at the step the finding has reached, and none come once it is mended or gone.
CREATE FUNCTION inspections_finding_paper_due() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
BEGIN
    IF NOT EXISTS (
        SELECT FROM inspections_finding f WHERE f.id = NEW.finding_id
           AND f.position = NEW.position AND f.state NOT IN ('CLOSED', 'MERGED', 'SPLIT')
           FOR KEY SHARE) THEN
        RAISE EXCEPTION 'finding %: not the time for papers', NEW.finding_id
              USING ERRCODE = 'check_violation', CONSTRAINT = 'finding_paper_in_its_time';
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER due BEFORE INSERT ON inspections_findingpaper
    FOR EACH ROW EXECUTE FUNCTION inspections_finding_paper_due();

-- A second look is at a mended problem, by somebody else than whoever claimed it.
CREATE FUNCTION inspections_finding_look_due() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
DECLARE
    f record;
BEGIN
    SELECT * INTO f FROM inspections_finding WHERE id = NEW.finding_id FOR SHARE;
    IF f.state NOT IN ('CLOSED', 'WATCHED') OR NEW.position <> f.position
       OR NEW.taken_on < f.closed_on THEN
        RAISE EXCEPTION 'finding %: not mended, or not yet', f.id
              USING ERRCODE = 'check_violation', CONSTRAINT = 'finding_look_at_a_mended_one';
    END IF;
    IF NEW.created_by_id = f.claimed_by_id THEN
        RAISE EXCEPTION 'finding %: looked at by whoever claimed it', f.id
              USING ERRCODE = 'check_violation', CONSTRAINT = 'finding_takes_two_persons';
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER due BEFORE INSERT ON inspections_findinglook
    FOR EACH ROW EXECUTE FUNCTION inspections_finding_look_due();
"""

EXTENSION = """
-- More time is asked for while the mending is owed, and answered once; the finding's day follows.
CREATE FUNCTION inspections_extension_kept() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
DECLARE
    f record;
    free text[] := ARRAY['region_code'];
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'an extension is never deleted' USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.is_granted IS NULL THEN
        free := free || ARRAY['is_granted', 'decided_on', 'decided_by_id', 'decided_why'];
    END IF;
    IF TG_OP = 'UPDATE' AND (to_jsonb(NEW) - free) IS DISTINCT FROM (to_jsonb(OLD) - free) THEN
        RAISE EXCEPTION 'extension %: what is settled cannot be changed', OLD.id
              USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'UPDATE' AND NEW.is_granted IS NOT DISTINCT FROM OLD.is_granted THEN
        RETURN NEW;
    END IF;
    SELECT * INTO f FROM inspections_finding WHERE id = NEW.finding_id FOR NO KEY UPDATE;
    IF TG_OP = 'INSERT' AND NEW.is_granted IS NOT NULL
       OR (TG_OP = 'INSERT' OR NEW.is_granted)
          AND (f.state NOT IN ('ASSIGNED', 'MEASURED', 'RETURNED') OR NEW.until <= f.due_on) THEN
        RAISE EXCEPTION 'finding %: not the time for an extension', f.id
              USING ERRCODE = 'check_violation', CONSTRAINT = 'extension_in_its_time';
    END IF;
    IF NEW.is_granted THEN
        UPDATE inspections_finding SET due_on = NEW.until WHERE id = f.id;
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER kept BEFORE INSERT OR UPDATE OR DELETE ON inspections_extension
    FOR EACH ROW EXECUTE FUNCTION inspections_extension_kept();
"""

UNDO = """
DROP FUNCTION inspections_extension_kept() CASCADE;
DROP FUNCTION inspections_finding_look_due() CASCADE;
DROP FUNCTION inspections_finding_paper_due() CASCADE;
DROP FUNCTION inspections_finding_step_due() CASCADE;
DROP FUNCTION inspections_finding_obstacle(bigint, text, bigint);
DROP FUNCTION inspections_finding_may_follow(text, text);
DROP FUNCTION inspections_finding_placed() CASCADE;
DROP FUNCTION inspections_prefix(text);
DROP FUNCTION inspections_campaign_settled() CASCADE;
DROP FUNCTION inspections_finding_settled() CASCADE;
DROP FUNCTION inspections_finding_has_begun() CASCADE;
DROP FUNCTION inspections_findings_reserve(text, integer, integer);
DROP FUNCTION inspections_finding_numbered() CASCADE;
"""


class Migration(migrations.Migration):
    dependencies = [("inspections", "0004_findings")]

    operations = [
        *(
            code_kept_true(
                f"inspections_{table}", "region_id", "region_code", "villages_region",
                target_code="code",
            )
            for table in ("campaign", "finding")
        ),
        *(
            code_kept_true(
                f"inspections_{table}", "finding_id", "region_code", "inspections_finding",
                target_code="region_code",
            )
            for table in OF_A_FINDING
        ),
        migrations.RunSQL(FINDING + STEPS + EXTENSION, UNDO),
        append_only("inspections_findingstep", except_column="region_code"),
        append_only("inspections_findingpaper", except_column="region_code"),
        append_only("inspections_findinglook", except_column="region_code"),
        change_numbered("inspections_campaign", "inspections_finding"),
    ]  # fmt: skip
