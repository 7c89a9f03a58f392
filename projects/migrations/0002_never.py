"""What can never be false of a project, held by the database whoever writes."""

from django.db import migrations

from core.ddl import append_only, code_kept_true

# Tables whose rows hang on a project; where it is stands in them as their scope.
OF_A_PROJECT = (
    "projectstep", "projectfact", "target", "stage", "progressreport", "stageprogress",
    "projectphoto", "projectnotice", "acceptance", "settlement", "asset", "evaluation",
    "beneficiary",
)  # fmt: skip

PROJECT = """
-- The next number of the county and year. Counted by the owner: a village sees its own projects only.
CREATE FUNCTION projects_numbered() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
DECLARE
    next integer;
BEGIN
    IF NEW.state <> '' OR NEW.position <> 0 OR NEW.budget IS NOT NULL OR NEW.percent <> 0
       OR NEW.started_on IS NOT NULL OR NEW.completed_on IS NOT NULL THEN
        RAISE EXCEPTION 'a project begins with its first step' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.number = '' THEN
        LOOP
            INSERT INTO projects_projectcounter AS c (county_code, year, last)
            VALUES (left(NEW.region_code, 6), NEW.year, 1)
            ON CONFLICT (county_code, year) DO UPDATE SET last = c.last + 1
            RETURNING last INTO next;
            NEW.number := 'P' || NEW.year || left(NEW.region_code, 6) || lpad(next::text, 5, '0');
            -- Numbers that came with a workbook are passed over.
            EXIT WHEN NOT EXISTS (SELECT FROM projects_project WHERE number = NEW.number);
        END LOOP;
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER numbered BEFORE INSERT ON projects_project
    FOR EACH ROW EXECUTE FUNCTION projects_numbered();

-- So many numbers at once, for a workbook; returns the last of them. One by one, each project would
-- leave a dead version of the counter's row for the next to step over.
CREATE FUNCTION projects_reserve(county text, of_year integer, many integer) RETURNS integer
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
    INSERT INTO projects_projectcounter AS c (county_code, year, last)
    VALUES (county, of_year, many)
    ON CONFLICT (county_code, year) DO UPDATE SET last = c.last + many
    RETURNING last
$body$;

-- No project without its first step when the transaction ends.
CREATE FUNCTION projects_has_begun() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
BEGIN
    IF NOT EXISTS (SELECT FROM projects_projectstep WHERE project_id = NEW.id) THEN
        RAISE EXCEPTION 'project %: was never proposed', NEW.id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $body$;
CREATE CONSTRAINT TRIGGER projects_has_begun AFTER INSERT ON projects_project
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION projects_has_begun();

-- What was proposed can be changed until it is reviewed; who carries it out, until it begins. What
-- follows the steps and reports is written below a trigger alone.
CREATE FUNCTION projects_settled() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    free text[] := ARRAY['region_code'];
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a project is never deleted' USING ERRCODE = 'restrict_violation';
    END IF;
    IF pg_trigger_depth() > 1 THEN
        free := free || ARRAY['state', 'state_on', 'position', 'budget', 'started_on',
                              'completed_on', 'percent'];
    END IF;
    IF OLD.state IN ('', 'PROPOSED') THEN
        free := free || ARRAY['name', 'type_id', 'sector', 'year', 'content', 'unit',
                              'planned_amount', 'planned_start', 'planned_end', 'entered_by_id'];
    END IF;
    IF OLD.state NOT IN ('STARTED', 'COMPLETED', 'ACCEPTED', 'SETTLED', 'REGISTERED', 'EVALUATED',
                         'REFUSED', 'CANCELLED') THEN
        free := free || ARRAY['contractor'];
    END IF;
    IF (to_jsonb(NEW) - free) IS DISTINCT FROM (to_jsonb(OLD) - free) THEN
        RAISE EXCEPTION 'project %: what is settled cannot be changed', OLD.id
              USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER settled BEFORE UPDATE OR DELETE ON projects_project
    FOR EACH ROW EXECUTE FUNCTION projects_settled();

ALTER TABLE projects_project ADD CONSTRAINT project_sector_of_its_type
    CHECK (sector = left(type_id, 2));
"""

STEPS = """
-- The order of states, the dates, that nobody approves his own entry, and what each step takes.
-- The project follows by this trigger alone.
CREATE FUNCTION projects_step_due() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
DECLARE
    p record;
    before record;
    obstacle text;
BEGIN
    SELECT * INTO p FROM projects_project WHERE id = NEW.project_id FOR UPDATE;
    SELECT position, state, taken_on INTO before FROM projects_projectstep
     WHERE project_id = NEW.project_id ORDER BY position DESC LIMIT 1;
    IF NEW.position <> coalesce(before.position + 1, 0)
       OR NOT projects_may_follow(coalesce(before.state, ''), NEW.state) THEN
        RAISE EXCEPTION 'project %: % does not follow %', p.id, NEW.state, before.state
              USING ERRCODE = 'check_violation', CONSTRAINT = 'project_step_in_order';
    END IF;
    IF NEW.taken_on < before.taken_on THEN
        RAISE EXCEPTION 'project %: earlier than the step before', p.id
              USING ERRCODE = 'check_violation', CONSTRAINT = 'project_step_not_back_in_time';
    END IF;
    IF projects_is_own_entry(p.id, p.entered_by_id, NEW.state, NEW.created_by_id) THEN
        RAISE EXCEPTION 'project %: approved by whoever entered it', p.id
              USING ERRCODE = 'check_violation', CONSTRAINT = 'project_takes_two_persons';
    END IF;
    obstacle := projects_obstacle(p.id, NEW.state, NEW.taken_on);
    IF obstacle IS NOT NULL THEN
        RAISE EXCEPTION 'project %: % needs %', p.id, NEW.state, obstacle
              USING ERRCODE = 'check_violation', CONSTRAINT = obstacle;
    END IF;
    IF NEW.state = 'BUDGETED' THEN
        PERFORM projects_within_quota(left(p.region_code, 6), p.year, p.sector, NEW.amount);
    END IF;
    UPDATE projects_project
       SET state = NEW.state, state_on = NEW.taken_on, position = NEW.position + 1,
           budget = coalesce(NEW.amount, budget),
           started_on = CASE NEW.state WHEN 'STARTED' THEN NEW.taken_on ELSE started_on END,
           completed_on = CASE NEW.state WHEN 'COMPLETED' THEN NEW.taken_on ELSE completed_on END
     WHERE id = p.id;
    RETURN NEW;
END $body$;

CREATE FUNCTION projects_may_follow(before text, after text) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = public, pg_temp AS $body$
    SELECT CASE before
        WHEN '' THEN after = 'PROPOSED'
        WHEN 'PROPOSED' THEN after IN ('REVIEWED', 'REFUSED', 'CANCELLED')
        WHEN 'REVIEWED' THEN after IN ('DECIDED', 'REFUSED', 'CANCELLED')
        WHEN 'DECIDED' THEN after IN ('LIBRARY', 'CANCELLED')
        WHEN 'LIBRARY' THEN after IN ('BUDGETED', 'CANCELLED')
        WHEN 'BUDGETED' THEN after IN ('STARTED', 'CANCELLED')
        WHEN 'STARTED' THEN after IN ('COMPLETED', 'CANCELLED')
        WHEN 'COMPLETED' THEN after = 'ACCEPTED'
        WHEN 'ACCEPTED' THEN after = 'SETTLED'
        WHEN 'SETTLED' THEN after IN ('REGISTERED', 'EVALUATED')
        WHEN 'REGISTERED' THEN after = 'EVALUATED'
        ELSE false END
$body$;

-- Review, decision and refusal are not for whoever entered, proposed or (the decision) reviewed it;
-- the acceptance not for whoever reported the work.
CREATE FUNCTION projects_is_own_entry(
    project bigint, entered_by bigint, state text, person bigint
) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $body$
    SELECT CASE
        WHEN state IN ('REVIEWED', 'DECIDED', 'REFUSED') THEN entered_by = person OR EXISTS (
            SELECT FROM projects_projectstep s WHERE s.project_id = project
               AND s.created_by_id = person
               AND (s.state = 'PROPOSED' OR s.state = 'REVIEWED' AND $3 = 'DECIDED'))
        WHEN state IN ('LIBRARY', 'BUDGETED') THEN entered_by = person
        WHEN state = 'ACCEPTED' THEN EXISTS (
            SELECT FROM projects_projectstep s WHERE s.project_id = project
               AND s.created_by_id = person AND s.state IN ('STARTED', 'COMPLETED'))
            OR EXISTS (SELECT FROM projects_progressreport r
                        WHERE r.project_id = project AND r.created_by_id = person)
        ELSE false END
$body$;

-- What a step still lacks, null when nothing.
CREATE FUNCTION projects_obstacle(project bigint, state text, day date) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $body$
    SELECT CASE
        WHEN state = 'LIBRARY' AND NOT EXISTS (
            SELECT FROM projects_target WHERE project_id = project)
            THEN 'project_needs_targets'
        WHEN state = 'LIBRARY' AND NOT EXISTS (
            SELECT FROM projects_projectnotice WHERE project_id = project AND kind = 'PLAN'
               AND ends_on < day)
            THEN 'project_needs_plan_notice'
        WHEN state = 'STARTED' AND coalesce((
            SELECT sum(weight) FROM projects_stage WHERE project_id = project), 0) <> 100
            THEN 'project_needs_stages'
        WHEN state = 'COMPLETED' AND coalesce((
            SELECT r.percent FROM projects_progressreport r WHERE r.project_id = project
             ORDER BY r.month DESC, r.edition DESC LIMIT 1), 0) <> 100
            THEN 'project_needs_whole_progress'
        WHEN state = 'ACCEPTED' AND NOT EXISTS (
            SELECT FROM projects_acceptance WHERE project_id = project AND passed
               AND accepted_on <= day)
            THEN 'project_needs_acceptance'
        WHEN state = 'SETTLED' AND NOT EXISTS (
            SELECT FROM projects_projectnotice WHERE project_id = project AND kind = 'COMPLETION'
               AND ends_on < day)
            THEN 'project_needs_completion_notice'
        WHEN state = 'SETTLED' AND NOT EXISTS (
            SELECT FROM projects_settlement WHERE project_id = project AND settled_on <= day)
            THEN 'project_needs_settlement'
        WHEN state = 'REGISTERED' AND NOT EXISTS (
            SELECT FROM projects_asset WHERE project_id = project)
            THEN 'project_needs_asset'
        WHEN state = 'EVALUATED' AND EXISTS (
            SELECT FROM projects_project p JOIN projects_projecttype t ON t.code = p.type_id
             WHERE p.id = project AND t.leaves_asset AND p.state = 'SETTLED')
            THEN 'project_needs_asset'
        WHEN state = 'EVALUATED' AND (
            NOT EXISTS (SELECT FROM projects_evaluation WHERE project_id = project)
            OR EXISTS (SELECT FROM projects_target WHERE project_id = project AND actual IS NULL))
            THEN 'project_needs_evaluation'
        END
$body$;

-- Assignments of a county, year and sector one after the other: the row of the quota is their lock.
CREATE FUNCTION projects_within_quota(county text, of_year integer, of_sector text, more numeric)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
DECLARE
    most numeric;
    used numeric;
BEGIN
    -- A county's first quota has no row yet that could be locked.
    PERFORM pg_advisory_xact_lock(
        hashtextextended('projects_quota ' || county || ' ' || of_year || ' ' || of_sector, 0));
    SELECT amount INTO most FROM projects_quota
     WHERE region_code = rpad(county, 12, '0') AND year = of_year AND sector_id = of_sector
       FOR UPDATE;
    IF most IS NOT NULL THEN
        SELECT coalesce(sum(budget), 0) INTO used FROM projects_project
         WHERE region_code ^@ county AND year = of_year AND sector = of_sector
           AND state <> 'CANCELLED';
        IF used + more > most THEN
            RAISE EXCEPTION 'county %, %, sector %: beyond the quota', county, of_year, of_sector
                  USING ERRCODE = 'check_violation', CONSTRAINT = 'project_within_quota';
        END IF;
    END IF;
END $body$;
CREATE TRIGGER due BEFORE INSERT ON projects_projectstep
    FOR EACH ROW EXECUTE FUNCTION projects_step_due();

-- A quota is never lowered below what is assigned.
CREATE FUNCTION projects_quota_holds() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF TG_OP = 'DELETE' OR (NEW.region_id, NEW.year, NEW.sector_id)
                           IS DISTINCT FROM (OLD.region_id, OLD.year, OLD.sector_id) THEN
        RAISE EXCEPTION 'a quota only changes its amount' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER holds BEFORE UPDATE OR DELETE ON projects_quota
    FOR EACH ROW EXECUTE FUNCTION projects_quota_holds();
CREATE FUNCTION projects_quota_covers() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    PERFORM projects_within_quota(left(NEW.region_code, 6), NEW.year, NEW.sector_id, 0);
    RETURN NULL;
END $body$;
CREATE TRIGGER covers AFTER INSERT OR UPDATE ON projects_quota
    FOR EACH ROW EXECUTE FUNCTION projects_quota_covers();
"""

PARTS = """
-- Targets stand when the library takes the project in, stages when it begins; what was reached is
-- filled in later. Rows of a project that has ended stay as they are.
CREATE FUNCTION projects_part_settled() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
DECLARE
    now_at text;
    is_settled boolean;
BEGIN
    IF TG_OP = 'UPDATE' AND (to_jsonb(NEW) - 'region_code') = (to_jsonb(OLD) - 'region_code') THEN
        RETURN NEW;
    END IF;
    SELECT state INTO now_at FROM projects_project
     WHERE id = CASE TG_OP WHEN 'DELETE' THEN OLD.project_id ELSE NEW.project_id END FOR SHARE;
    is_settled := now_at IN ('EVALUATED', 'REFUSED', 'CANCELLED') OR now_at = ANY (
        CASE TG_ARGV[0]
            WHEN 'stage' THEN ARRAY['STARTED', 'COMPLETED', 'ACCEPTED', 'SETTLED', 'REGISTERED']
            ELSE ARRAY['LIBRARY', 'BUDGETED', 'STARTED', 'COMPLETED', 'ACCEPTED', 'SETTLED',
                       'REGISTERED'] END
    ) AND NOT (TG_ARGV[0] <> 'stage' AND TG_OP = 'UPDATE'
               AND (to_jsonb(NEW) - 'actual') = (to_jsonb(OLD) - 'actual'));
    IF is_settled OR TG_OP = 'UPDATE' AND NEW.project_id <> OLD.project_id THEN
        RAISE EXCEPTION '%: what is settled cannot be changed', TG_TABLE_NAME
              USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $body$;
CREATE TRIGGER settled BEFORE INSERT OR UPDATE OR DELETE ON projects_target
    FOR EACH ROW EXECUTE FUNCTION projects_part_settled('target');
CREATE TRIGGER settled BEFORE INSERT OR UPDATE OR DELETE ON projects_projectfact
    FOR EACH ROW EXECUTE FUNCTION projects_part_settled('fact');
CREATE TRIGGER settled BEFORE INSERT OR UPDATE OR DELETE ON projects_stage
    FOR EACH ROW EXECUTE FUNCTION projects_part_settled('stage');

-- A fact is one of the project's type or of its sector, with no more places than its unit has.
CREATE FUNCTION projects_fact_fits() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
BEGIN
    IF NOT EXISTS (
        SELECT FROM projects_facttype f JOIN projects_project p ON p.id = NEW.project_id
         WHERE f.id = NEW.fact_id AND f.type_id IN (p.type_id, p.sector)
           AND NEW.planned = round(NEW.planned, f.places)
           AND coalesce(NEW.actual = round(NEW.actual, f.places), true)) THEN
        RAISE EXCEPTION 'fact % does not fit project %', NEW.fact_id, NEW.project_id
              USING ERRCODE = 'check_violation', CONSTRAINT = 'project_fact_of_its_type';
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER fits BEFORE INSERT OR UPDATE ON projects_projectfact
    FOR EACH ROW EXECUTE FUNCTION projects_fact_fits();

-- Reports are of a project under way and of no month before its start; the youngest month counts.
CREATE FUNCTION projects_report_due() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
DECLARE
    p record;
BEGIN
    SELECT * INTO p FROM projects_project WHERE id = NEW.project_id FOR UPDATE;
    IF p.state <> 'STARTED' OR NEW.month < date_trunc('month', p.started_on)
       OR NEW.edition <> 1 + (SELECT count(*) FROM projects_progressreport
                               WHERE project_id = NEW.project_id AND month = NEW.month) THEN
        RAISE EXCEPTION 'project %: not the time for this report', p.id
              USING ERRCODE = 'check_violation', CONSTRAINT = 'progress_report_of_work_under_way';
    END IF;
    IF NOT EXISTS (SELECT FROM projects_progressreport
                    WHERE project_id = p.id AND month > NEW.month) THEN
        UPDATE projects_project SET percent = NEW.percent WHERE id = p.id;
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER due BEFORE INSERT ON projects_progressreport
    FOR EACH ROW EXECUTE FUNCTION projects_report_due();

-- The whole is what the stages make by their weights, when the transaction ends.
CREATE FUNCTION projects_report_adds_up() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
DECLARE
    made numeric;
BEGIN
    SELECT round(sum(s.weight * coalesce(g.percent, 0)) / 100, 2) INTO made
      FROM projects_stage s
      LEFT JOIN projects_stageprogress g ON g.stage_id = s.id AND g.report_id = NEW.id
     WHERE s.project_id = NEW.project_id;
    IF made IS DISTINCT FROM NEW.percent THEN
        RAISE EXCEPTION 'report %: the stages make %', NEW.id, made
              USING ERRCODE = 'check_violation', CONSTRAINT = 'progress_report_adds_up';
    END IF;
    RETURN NULL;
END $body$;
CREATE CONSTRAINT TRIGGER projects_report_adds_up AFTER INSERT ON projects_progressreport
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION projects_report_adds_up();
-- A stage's share comes with its report, never later.
CREATE FUNCTION projects_share_of_its_report() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
BEGIN
    IF NOT EXISTS (SELECT FROM projects_progressreport r WHERE r.id = NEW.report_id
                      AND r.created_at >= now()) THEN
        RAISE EXCEPTION 'report %: is settled', NEW.report_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER of_its_report BEFORE INSERT ON projects_stageprogress
    FOR EACH ROW EXECUTE FUNCTION projects_share_of_its_report();
ALTER TABLE projects_stageprogress ADD CONSTRAINT stage_progress_of_its_report
    FOREIGN KEY (report_id, project_id) REFERENCES projects_progressreport (id, project_id);
ALTER TABLE projects_stageprogress ADD CONSTRAINT stage_progress_of_its_stage
    FOREIGN KEY (stage_id, project_id) REFERENCES projects_stage (id, project_id);
ALTER TABLE projects_projectphoto ADD CONSTRAINT project_photo_of_its_report
    FOREIGN KEY (report_id, project_id) REFERENCES projects_progressreport (id, project_id);

-- Notices hang when their step comes next, and never for less than their calendar days.
CREATE FUNCTION projects_notice_due() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
DECLARE
    p record;
BEGIN
    SELECT state, state_on INTO p FROM projects_project WHERE id = NEW.project_id FOR SHARE;
    IF p.state <> (CASE NEW.kind WHEN 'PLAN' THEN 'DECIDED' ELSE 'ACCEPTED' END)
       OR NEW.starts_on < p.state_on THEN
        RAISE EXCEPTION 'project %: not the time for this notice', NEW.project_id
              USING ERRCODE = 'check_violation', CONSTRAINT = 'project_notice_in_its_time';
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER due BEFORE INSERT ON projects_projectnotice
    FOR EACH ROW EXECUTE FUNCTION projects_notice_due();
ALTER TABLE projects_projectnotice ADD CONSTRAINT project_notice_full_term
    CHECK (ends_on >= starts_on + min_days - 1);

-- Acceptance after completion, settlement after acceptance, evaluation at the end.
CREATE FUNCTION projects_closing_due() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
DECLARE
    now_at text;
BEGIN
    SELECT state INTO now_at FROM projects_project WHERE id = NEW.project_id FOR SHARE;
    IF NOT (CASE TG_TABLE_NAME
        WHEN 'projects_acceptance' THEN now_at = 'COMPLETED'
        WHEN 'projects_settlement' THEN now_at = 'ACCEPTED'
        WHEN 'projects_asset' THEN now_at IN ('SETTLED', 'REGISTERED')
        ELSE now_at IN ('SETTLED', 'REGISTERED') END) THEN
        RAISE EXCEPTION 'project %: not the time for %', NEW.project_id, TG_TABLE_NAME
              USING ERRCODE = 'check_violation', CONSTRAINT = 'project_closing_in_order';
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER due BEFORE INSERT ON projects_acceptance
    FOR EACH ROW EXECUTE FUNCTION projects_closing_due();
CREATE TRIGGER due BEFORE INSERT ON projects_settlement
    FOR EACH ROW EXECUTE FUNCTION projects_closing_due();
CREATE TRIGGER due BEFORE INSERT ON projects_asset
    FOR EACH ROW EXECUTE FUNCTION projects_closing_due();
CREATE TRIGGER due BEFORE INSERT ON projects_evaluation
    FOR EACH ROW EXECUTE FUNCTION projects_closing_due();
"""

BENEFICIARIES = """
-- Whoever is not recorded as unregistered stands in the register on that day: the household in the
-- year of it, identified by then; the person among its members of that year; the village on the list
-- of divisions. What it brought may be filled in later, nothing else changes.
CREATE FUNCTION projects_in_register(
    of_household bigint, of_person bigint, day date
) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $body$
    SELECT EXISTS (
        SELECT FROM households_householdyear y JOIN households_household h ON h.id = y.household_id
         WHERE y.household_id = of_household AND y.partition_id = extract(year FROM day)
           AND coalesce(h.first_identified_on <= day, true))
       AND (of_person IS NULL OR EXISTS (
        SELECT FROM households_personyear y JOIN households_person p ON p.id = y.person_id
         WHERE y.person_id = of_person AND y.household_id = of_household
           AND y.partition_id = extract(year FROM day)
           AND coalesce(p.identified_on <= day, true)))
$body$;
CREATE FUNCTION projects_beneficiary_stands() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
DECLARE
    wrong bigint;
BEGIN
    SELECT n.id INTO wrong FROM new_rows n WHERE NOT CASE
        WHEN n.household_id IS NOT NULL
            THEN projects_in_register(n.household_id, n.person_id, n.benefits_on)
        ELSE EXISTS (SELECT FROM villages_region r WHERE r.id = n.village_id
                        AND r.code = n.village_code AND r.level = 'village'
                        AND coalesce(r.valid_from <= n.benefits_on, true)
                        AND coalesce(r.valid_to > n.benefits_on, true)) END
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'beneficiary %: not in the register on that day', wrong
              USING ERRCODE = 'check_violation', CONSTRAINT = 'beneficiary_in_the_register';
    END IF;
    SELECT n.id INTO wrong FROM new_rows n JOIN projects_project p ON p.id = n.project_id
     WHERE p.state IN ('REFUSED', 'CANCELLED') LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'beneficiary %: the project was refused or cancelled', wrong
              USING ERRCODE = 'check_violation', CONSTRAINT = 'beneficiary_of_a_living_project';
    END IF;
    RETURN NULL;
END $body$;
CREATE TRIGGER stands AFTER INSERT ON projects_beneficiary REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION projects_beneficiary_stands();
CREATE FUNCTION projects_beneficiary_settled() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    free text[] := ARRAY['region_code', 'village_code', 'income'];
BEGIN
    IF TG_OP = 'DELETE' OR (to_jsonb(NEW) - free) IS DISTINCT FROM (to_jsonb(OLD) - free) THEN
        RAISE EXCEPTION 'beneficiary %: what is settled cannot be changed', OLD.id
              USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER settled BEFORE UPDATE OR DELETE ON projects_beneficiary
    FOR EACH ROW EXECUTE FUNCTION projects_beneficiary_settled();
"""

UNDO = """
ALTER TABLE projects_projectnotice DROP CONSTRAINT project_notice_full_term;
ALTER TABLE projects_projectphoto DROP CONSTRAINT project_photo_of_its_report;
ALTER TABLE projects_stageprogress DROP CONSTRAINT stage_progress_of_its_stage;
ALTER TABLE projects_stageprogress DROP CONSTRAINT stage_progress_of_its_report;
ALTER TABLE projects_project DROP CONSTRAINT project_sector_of_its_type;
DROP FUNCTION projects_beneficiary_settled() CASCADE;
DROP FUNCTION projects_beneficiary_stands() CASCADE;
DROP FUNCTION projects_in_register(bigint, bigint, date) CASCADE;
DROP FUNCTION projects_closing_due() CASCADE;
DROP FUNCTION projects_notice_due() CASCADE;
DROP FUNCTION projects_share_of_its_report() CASCADE;
DROP FUNCTION projects_report_adds_up() CASCADE;
DROP FUNCTION projects_report_due() CASCADE;
DROP FUNCTION projects_fact_fits() CASCADE;
DROP FUNCTION projects_part_settled() CASCADE;
DROP FUNCTION projects_quota_covers() CASCADE;
DROP FUNCTION projects_quota_holds() CASCADE;
DROP FUNCTION projects_within_quota(text, integer, text, numeric) CASCADE;
DROP FUNCTION projects_obstacle(bigint, text, date) CASCADE;
DROP FUNCTION projects_is_own_entry(bigint, bigint, text, bigint) CASCADE;
DROP FUNCTION projects_may_follow(text, text) CASCADE;
DROP FUNCTION projects_step_due() CASCADE;
DROP FUNCTION projects_settled() CASCADE;
DROP FUNCTION projects_has_begun() CASCADE;
DROP FUNCTION projects_reserve(text, integer, integer) CASCADE;
DROP FUNCTION projects_numbered() CASCADE;
"""


class Migration(migrations.Migration):
    dependencies = [("projects", "0001_library")]

    operations = [
        code_kept_true(
            "projects_project", "region_id", "region_code", "villages_region", target_code="code"
        ),
        code_kept_true(
            "projects_quota", "region_id", "region_code", "villages_region", target_code="code"
        ),
        *(
            code_kept_true(
                f"projects_{table}", "project_id", "region_code", "projects_project",
                target_code="region_code",
            )
            for table in OF_A_PROJECT
        ),
        code_kept_true(
            "projects_beneficiary", "household_id", "village_code", "households_household",
            target_code="village_code",
        ),
        # A second key on the same column: of those who are told by their village.
        migrations.RunSQL(
            "ALTER TABLE projects_beneficiary ADD CONSTRAINT beneficiary_village_kept_true"
            " FOREIGN KEY (village_id, village_code) REFERENCES villages_region (id, code)"
            " ON UPDATE CASCADE DEFERRABLE INITIALLY IMMEDIATE",
            "ALTER TABLE projects_beneficiary DROP CONSTRAINT beneficiary_village_kept_true",
        ),
        migrations.RunSQL(PROJECT + STEPS + PARTS + BENEFICIARIES, UNDO),
        append_only("projects_projectstep", except_column="region_code"),
        append_only("projects_progressreport", except_column="region_code"),
        append_only("projects_stageprogress", except_column="region_code"),
        append_only("projects_projectphoto", except_column="region_code"),
        append_only("projects_projectnotice", except_column="region_code"),
        append_only("projects_acceptance", except_column="region_code"),
        append_only("projects_settlement", except_column="region_code"),
        append_only("projects_evaluation", except_column="region_code"),
    ]  # fmt: skip
