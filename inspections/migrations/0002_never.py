"""What can never be false of a round, held by the database whoever writes."""

from django.db import migrations

from core.ddl import append_only, code_kept_true

# Tables whose rows hang on a round; its holder is repeated in them as their scope.
OF_A_ROUND = (
    "framevillage", "framehousehold", "samplevillage", "samplehousehold", "replacement",
    "surveytask", "visit", "answer", "case",
)  # fmt: skip

ROUND = """
-- The seed and whoever holds the round are settled from the first day on; what was frozen or drawn,
-- from that moment on. `to_jsonb` compares whatever columns there will ever be.
CREATE FUNCTION inspections_round_settled() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    free text[] := ARRAY['region_code'];
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a round is never deleted' USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.closed_at IS NULL THEN
        free := free || ARRAY['closed_at', 'closed_by_id'];
    END IF;
    IF OLD.drawn_at IS NOT NULL AND OLD.disclosed_at IS NULL AND OLD.closed_at IS NULL THEN
        free := free || ARRAY['disclosed_at', 'disclosed_by_id'];
    END IF;
    IF OLD.frozen_at IS NOT NULL AND OLD.drawn_at IS NULL AND OLD.closed_at IS NULL THEN
        free := free || ARRAY['drawn_at', 'drawn_by_id', 'sample_digest'];
    END IF;
    IF OLD.frozen_at IS NULL AND OLD.closed_at IS NULL THEN
        free := free || ARRAY['name', 'design', 'appeal_days', 'recheck_days', 'days_source',
                              'frozen_at', 'frozen_by_id', 'frame_digest', 'frame_counts'];
    END IF;
    IF (to_jsonb(NEW) - free) IS DISTINCT FROM (to_jsonb(OLD) - free) THEN
        RAISE EXCEPTION 'round %: what is settled cannot be changed', OLD.id
              USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER settled BEFORE UPDATE OR DELETE ON inspections_round
    FOR EACH ROW EXECUTE FUNCTION inspections_round_settled();

-- A frame grows before it is frozen, a sample between that and the draw, the rest after the draw.
CREATE FUNCTION inspections_in_its_time() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
DECLARE
    late bigint;
BEGIN
    -- Whoever freezes, draws or closes the round meanwhile waits, or is waited for.
    PERFORM FROM inspections_round WHERE id IN (SELECT round_id FROM new_rows) FOR SHARE;
    SELECT r.id INTO late FROM inspections_round r
     WHERE r.id IN (SELECT round_id FROM new_rows)
       AND (r.closed_at IS NOT NULL OR CASE TG_ARGV[0]
                WHEN 'frame' THEN r.frozen_at IS NOT NULL
                WHEN 'sample' THEN r.frozen_at IS NULL OR r.drawn_at IS NOT NULL
                ELSE r.drawn_at IS NULL END)
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'round %: not the time for %', late, TG_ARGV[0]
              USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $body$;
""" + "".join(
    f"""
CREATE TRIGGER in_its_time AFTER INSERT ON inspections_{table} REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION inspections_in_its_time('{when}');
"""
    for table, when in (
        ("framevillage", "frame"), ("framehousehold", "frame"),
        ("samplevillage", "sample"), ("samplehousehold", "sample"),
        ("replacement", "work"), ("surveytask", "work"), ("visit", "work"), ("answer", "work"),
        ("case", "work"),
    )
)  # fmt: skip

SAMPLE = """
-- A household is due when it was drawn, or put in for another, and was not replaced itself.
CREATE FUNCTION inspections_is_due(of_sample bigint) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $body$
    SELECT EXISTS (SELECT FROM inspections_samplehousehold s WHERE s.id = of_sample
                      AND (NOT s.is_reserve OR EXISTS (
                           SELECT FROM inspections_replacement WHERE later_id = s.id)))
       AND NOT EXISTS (SELECT FROM inspections_replacement WHERE former_id = of_sample)
$body$;

CREATE FUNCTION inspections_replaced_by_next() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
DECLARE
    old_one record;
    new_one record;
    used integer;
BEGIN
    SELECT * INTO old_one FROM inspections_samplehousehold WHERE id = NEW.former_id;
    -- One replacement of a village at a time.
    PERFORM FROM inspections_samplevillage WHERE id = old_one.village_id FOR UPDATE;
    SELECT * INTO new_one FROM inspections_samplehousehold WHERE id = NEW.later_id;
    SELECT count(*) INTO used FROM inspections_replacement r
      JOIN inspections_samplehousehold s ON s.id = r.later_id
     WHERE s.village_id = old_one.village_id AND s.kind = old_one.kind;
    IF old_one.round_id <> NEW.round_id OR NOT new_one.is_reserve
       OR (new_one.village_id, new_one.kind) IS DISTINCT FROM (old_one.village_id, old_one.kind)
       OR new_one.rank <> used + 1 THEN
        RAISE EXCEPTION 'sample %: not the next on the list', NEW.former_id
              USING ERRCODE = 'check_violation';
    END IF;
    IF NOT inspections_is_due(NEW.former_id)
       OR EXISTS (SELECT FROM inspections_answer WHERE sample_id = NEW.former_id) THEN
        RAISE EXCEPTION 'sample %: cannot be replaced', NEW.former_id
              USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER by_next BEFORE INSERT ON inspections_replacement
    FOR EACH ROW EXECUTE FUNCTION inspections_replaced_by_next();
"""

SURVEY = """
-- Whoever serves, or from the first day of the assessed year on served, in the assessed county, or
-- whose account belongs to it, does not assess it; a county that assesses itself has nobody else.
CREATE FUNCTION inspections_is_conflicted(of_round bigint, person bigint) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $body$
    SELECT EXISTS (
        SELECT FROM inspections_round r WHERE r.id = of_round AND r.kind <> 'COUNTY_SELF' AND (
            EXISTS (SELECT FROM accounts_user u
                     WHERE u.id = person AND u.home_prefix ^@ left(r.region_code, 6))
            OR EXISTS (
                SELECT FROM accounts_grant g
                 WHERE g.user_id = person AND g.region_prefix ^@ left(r.region_code, 6)
                   AND coalesce(g.valid_to, 'infinity') >= make_date(r.partition_id, 1, 1)
                   AND coalesce(g.revoked_at, 'infinity') >= make_date(r.partition_id, 1, 1))))
$body$;
CREATE FUNCTION inspections_no_conflict() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    person bigint := (to_jsonb(NEW) ->> TG_ARGV[0])::bigint;
BEGIN
    IF inspections_is_conflicted(NEW.round_id, person) THEN
        RAISE EXCEPTION 'round %: a surveyor of the assessed county', NEW.round_id
              USING ERRCODE = 'check_violation', CONSTRAINT = 'surveyor_not_of_the_county';
    END IF;
    IF NOT inspections_is_due(NEW.sample_id) THEN
        RAISE EXCEPTION 'sample %: is not to be visited', NEW.sample_id
              USING ERRCODE = 'check_violation', CONSTRAINT = 'sample_is_due';
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER no_conflict BEFORE INSERT ON inspections_surveytask
    FOR EACH ROW EXECUTE FUNCTION inspections_no_conflict('user_id');
CREATE TRIGGER no_conflict BEFORE INSERT ON inspections_visit
    FOR EACH ROW EXECUTE FUNCTION inspections_no_conflict('surveyor_id');

-- A second look is somebody else's, and comes after the first.
CREATE FUNCTION inspections_second_look() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
DECLARE
    first record;
BEGIN
    IF NEW.purpose <> 'FIRST' THEN
        SELECT surveyor_id, visited_at INTO first FROM inspections_visit
         WHERE sample_id = NEW.sample_id AND purpose = 'FIRST' AND outcome = '';
        IF NOT FOUND OR first.surveyor_id = NEW.surveyor_id OR NEW.visited_at < first.visited_at THEN
            RAISE EXCEPTION 'sample %: a second look needs a first by somebody else', NEW.sample_id
                  USING ERRCODE = 'check_violation', CONSTRAINT = 'second_look_by_another';
        END IF;
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER second_look BEFORE INSERT ON inspections_visit
    FOR EACH ROW EXECUTE FUNCTION inspections_second_look();

-- An answer belongs to a visit that met somebody, by the questionnaire of the household's type; a
-- correction changes what was answered and nothing else, and not after the end of the round.
CREATE FUNCTION inspections_answer_fits() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'an answer is never deleted' USING ERRCODE = 'restrict_violation';
    ELSIF TG_OP = 'UPDATE' THEN
        IF (to_jsonb(NEW) - ARRAY['answers', 'secret', 'conclusion'])
           IS DISTINCT FROM (to_jsonb(OLD) - ARRAY['answers', 'secret', 'conclusion'])
           OR EXISTS (SELECT FROM inspections_round
                       WHERE id = OLD.round_id AND closed_at IS NOT NULL) THEN
            RAISE EXCEPTION 'answer %: what is settled cannot be changed', OLD.id
                  USING ERRCODE = 'restrict_violation';
        END IF;
    ELSIF NOT EXISTS (
        SELECT FROM inspections_visit v JOIN inspections_samplehousehold s ON s.id = v.sample_id
          JOIN inspections_questionnaire q ON q.id = NEW.questionnaire_id
         WHERE v.id = NEW.visit_id AND v.outcome = '' AND q.subject = s.kind
           AND v.round_id = NEW.round_id) THEN
        RAISE EXCEPTION 'answer does not fit visit %', NEW.visit_id
              USING ERRCODE = 'check_violation';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $body$;
CREATE TRIGGER fits BEFORE INSERT OR UPDATE OR DELETE ON inspections_answer
    FOR EACH ROW EXECUTE FUNCTION inspections_answer_fits();
ALTER TABLE inspections_answer ADD CONSTRAINT answer_of_its_visit
    FOREIGN KEY (visit_id, sample_id, purpose)
    REFERENCES inspections_visit (id, sample_id, purpose);

-- Whom the transaction's own person has been sent to.
CREATE FUNCTION inspections_assigned() RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $body$
    SELECT sample_id FROM inspections_surveytask
     WHERE user_id = nullif(current_setting('povertyops.assigned', true), '')::bigint
       AND village_code ^@ ANY (
               string_to_array(current_setting('povertyops.entrusted', true), ','))
       AND (ended_at IS NULL OR ended_at > statement_timestamp())
$body$;
CREATE FUNCTION inspections_rounds_assigned() RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $body$
    SELECT DISTINCT round_id FROM inspections_samplehousehold
     WHERE id IN (SELECT inspections_assigned())
$body$;
-- A task ends; nothing else of it changes.
CREATE FUNCTION inspections_task_ends() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.ended_at IS NOT NULL
       OR (to_jsonb(NEW) - 'ended_at') IS DISTINCT FROM (to_jsonb(OLD) - 'ended_at') THEN
        RAISE EXCEPTION 'a task only ends' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER only_ends BEFORE UPDATE OR DELETE ON inspections_surveytask
    FOR EACH ROW EXECUTE FUNCTION inspections_task_ends();
"""

CASES = """
-- The order of states, the dates, and that the one who decides is a second person. Whoever inserts the
-- step: the case follows by this trigger alone.
CREATE FUNCTION inspections_case_step_due() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
DECLARE
    c record;
    before record;
    allowed boolean;
BEGIN
    SELECT * INTO c FROM inspections_case WHERE id = NEW.case_id FOR UPDATE;
    PERFORM FROM inspections_round WHERE id = c.round_id AND closed_at IS NOT NULL;
    IF FOUND THEN
        RAISE EXCEPTION 'case %: the round is closed', NEW.case_id
              USING ERRCODE = 'check_violation';
    END IF;
    SELECT position, state, taken_on, due_on, created_by_id INTO before FROM inspections_casestep
     WHERE case_id = NEW.case_id ORDER BY position DESC LIMIT 1;
    allowed := NEW.position = coalesce(before.position + 1, 0) AND CASE before.state
        WHEN 'SUSPECTED' THEN NEW.state IN ('APPEALED', 'ACCEPTED', 'LAPSED')
        WHEN 'APPEALED' THEN NEW.state = 'RECHECKED'
        WHEN 'ACCEPTED' THEN NEW.state = 'RECHECKED'
        WHEN 'LAPSED' THEN NEW.state = 'RECHECKED'
        WHEN 'RECHECKED' THEN NEW.state IN ('CONFIRMED', 'DISMISSED')
        ELSE before.state IS NULL AND NEW.state = 'SUSPECTED' END;
    IF NOT allowed THEN
        RAISE EXCEPTION 'case %: % does not follow %', NEW.case_id, NEW.state, before.state
              USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.taken_on < before.taken_on THEN
        RAISE EXCEPTION 'case %: earlier than the step before', NEW.case_id
              USING ERRCODE = 'check_violation';
    END IF;
    -- The county's days: no appeal after them, no lapse before their end or where none are set.
    IF NEW.state = 'APPEALED' AND NEW.taken_on > before.due_on
       OR NEW.state = 'LAPSED' AND NOT coalesce(NEW.taken_on > before.due_on, false) THEN
        RAISE EXCEPTION 'case %: the days for an appeal', NEW.case_id
              USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.state IN ('CONFIRMED', 'DISMISSED') AND EXISTS (
           SELECT FROM inspections_casestep WHERE case_id = NEW.case_id
              AND state IN ('SUSPECTED', 'RECHECKED') AND created_by_id = NEW.created_by_id) THEN
        RAISE EXCEPTION 'case %: decided by whoever raised or re-checked it', NEW.case_id
              USING ERRCODE = 'check_violation', CONSTRAINT = 'case_decided_by_a_second_person';
    END IF;
    IF NEW.position > 0 THEN
        UPDATE inspections_case SET state = NEW.state, confirmed_persons = NEW.persons
         WHERE id = NEW.case_id;
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER due BEFORE INSERT ON inspections_casestep
    FOR EACH ROW EXECUTE FUNCTION inspections_case_step_due();

CREATE FUNCTION inspections_case_follows() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'SUSPECTED' THEN
            RAISE EXCEPTION 'a case begins as suspected' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' OR (to_jsonb(NEW) - ARRAY['village_code', 'state', 'confirmed_persons'])
           IS DISTINCT FROM (to_jsonb(OLD) - ARRAY['village_code', 'state', 'confirmed_persons'])
       OR (NEW.state, NEW.confirmed_persons) <> (OLD.state, OLD.confirmed_persons)
          AND pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'case %: follows its steps and nothing else', OLD.id
              USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER follows BEFORE INSERT OR UPDATE OR DELETE ON inspections_case
    FOR EACH ROW EXECUTE FUNCTION inspections_case_follows();

-- Confirmed whole-household omission or wrongful exit never counts more persons than were suspected
-- of; a case about a household that has no answer does not exist.
CREATE FUNCTION inspections_case_has_answer() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
BEGIN
    IF NOT EXISTS (SELECT FROM inspections_answer WHERE sample_id = NEW.sample_id
                      AND conclusion = 'SUSPECTED' AND round_id = NEW.round_id) THEN
        RAISE EXCEPTION 'sample %: no answer says that something is suspected', NEW.sample_id
              USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER has_answer BEFORE INSERT ON inspections_case
    FOR EACH ROW EXECUTE FUNCTION inspections_case_has_answer();
"""

UNDO = """
DROP FUNCTION inspections_case_has_answer() CASCADE;
DROP FUNCTION inspections_case_follows() CASCADE;
DROP FUNCTION inspections_case_step_due() CASCADE;
DROP FUNCTION inspections_task_ends() CASCADE;
DROP FUNCTION inspections_rounds_assigned() CASCADE;
DROP FUNCTION inspections_assigned() CASCADE;
ALTER TABLE inspections_answer DROP CONSTRAINT answer_of_its_visit;
DROP FUNCTION inspections_answer_fits() CASCADE;
DROP FUNCTION inspections_second_look() CASCADE;
DROP FUNCTION inspections_no_conflict() CASCADE;
DROP FUNCTION inspections_is_conflicted(bigint, bigint) CASCADE;
DROP FUNCTION inspections_replaced_by_next() CASCADE;
DROP FUNCTION inspections_is_due(bigint) CASCADE;
DROP FUNCTION inspections_in_its_time() CASCADE;
DROP FUNCTION inspections_round_settled() CASCADE;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("inspections", "0001_rounds"),
        ("accounts", "0006_import_scopes"),
    ]

    operations = [
        code_kept_true(
            "inspections_round", "region_id", "region_code", "villages_region", target_code="code"
        ),
        code_kept_true(
            "inspections_ruralhousehold", "village_id", "village_code", "villages_region",
            target_code="code",
        ),
        code_kept_true(
            "inspections_case", "village_id", "village_code", "villages_region", target_code="code"
        ),
        code_kept_true(
            "inspections_casestep", "case_id", "village_code", "inspections_case",
            target_code="village_code",
        ),
        *(
            code_kept_true(
                f"inspections_{table}", "round_id", "held_by", "inspections_round",
                target_code="held_by",
            )
            for table in OF_A_ROUND
        ),
        migrations.RunSQL(ROUND + SAMPLE + SURVEY + CASES, UNDO),
        append_only("inspections_framevillage"),
        append_only("inspections_framehousehold"),
        append_only("inspections_samplevillage"),
        append_only("inspections_samplehousehold"),
        append_only("inspections_replacement"),
        append_only("inspections_visit"),
        append_only("inspections_questionnaire"),
        append_only("inspections_casestep", except_column="village_code"),
    ]  # fmt: skip
