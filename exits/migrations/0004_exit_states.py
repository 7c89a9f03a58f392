"""Lists, notices, objections and states of an exit change only as the decisions allow."""

from django.db import migrations

# The decisions have their own guard (0003_exit_procedures). Here is what stands around them: a
# procedure is as far as its decisions and is over once, a list only loses names after it has been
# decided on, a notice belongs to the step at hand, an objection is put down while its notice matters
# and answered once. Recoding a division changes region_code alone.
STATES = """
CREATE FUNCTION exit_procedure_follows() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    passed int;
    refused int;
BEGIN
    IF (NEW.level, NEW.region_id, NEW.partition_id, NEW.started_on, NEW.created_by_id)
       IS DISTINCT FROM
       (OLD.level, OLD.region_id, OLD.partition_id, OLD.started_on, OLD.created_by_id) THEN
        RAISE EXCEPTION 'exit %: stays what it is about', OLD.id USING ERRCODE = 'check_violation';
    END IF;
    IF (NEW.state, NEW.position, NEW.step) IS NOT DISTINCT FROM (OLD.state, OLD.position, OLD.step)
    THEN
        RETURN NEW;
    END IF;
    SELECT count(*) FILTER (WHERE decision = 'PASS'), count(*) FILTER (WHERE decision = 'REFUSE')
      INTO passed, refused FROM exits_exitdecision WHERE procedure_id = NEW.id;
    IF OLD.state <> 'OPEN' OR NEW.position <> passed
       OR (NEW.state = 'REFUSED') <> (refused > 0)
       OR (NEW.state = 'DONE' AND passed < 2) THEN
        RAISE EXCEPTION 'exit %: does not follow its decisions', OLD.id
              USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER follows BEFORE UPDATE ON exits_exitprocedure
    FOR EACH ROW EXECUTE FUNCTION exit_procedure_follows();

CREATE FUNCTION exit_case_follows() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    is_open boolean;
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM FROM exits_exitdecision WHERE procedure_id = NEW.procedure_id;
        IF FOUND THEN
            RAISE EXCEPTION 'exit %: nobody joins a list that was decided on', NEW.procedure_id
                  USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF (NEW.procedure_id, NEW.region_id, NEW.partition_id, NEW.name) IS DISTINCT FROM
       (OLD.procedure_id, OLD.region_id, OLD.partition_id, OLD.name)
       OR (NEW.is_standing AND NOT OLD.is_standing)
       OR (OLD.dropped_on IS NOT NULL AND (NEW.dropped_on, NEW.dropped_reason)
           IS DISTINCT FROM (OLD.dropped_on, OLD.dropped_reason)) THEN
        RAISE EXCEPTION 'case %: what was said of it stays', OLD.id
              USING ERRCODE = 'check_violation';
    END IF;
    SELECT state = 'OPEN' INTO is_open FROM exits_exitprocedure WHERE id = NEW.procedure_id;
    IF OLD.dropped_on IS NULL AND NEW.dropped_on IS NOT NULL AND NOT coalesce(is_open, false) THEN
        RAISE EXCEPTION 'case %: the list is closed', OLD.id USING ERRCODE = 'check_violation';
    END IF;
    -- Whoever stands no more was dropped, refused with the list, or taken back.
    IF OLD.is_standing AND NOT NEW.is_standing AND NEW.dropped_on IS NULL
       AND NOT EXISTS (SELECT FROM exits_exitdecision
                        WHERE procedure_id = NEW.procedure_id AND decision = 'REFUSE')
       AND NOT EXISTS (SELECT FROM exits_exitreversal WHERE case_id = NEW.id) THEN
        RAISE EXCEPTION 'case %: stands until something happens', OLD.id
              USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER follows BEFORE INSERT OR UPDATE ON exits_exitcase
    FOR EACH ROW EXECUTE FUNCTION exit_case_follows();

CREATE FUNCTION exit_notice_in_turn() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    PERFORM FROM exits_exitprocedure
      WHERE id = NEW.procedure_id AND state = 'OPEN' AND step = NEW.step;
    IF NOT FOUND OR NEW.starts_on < (SELECT max(decided_on) FROM exits_exitdecision
                                      WHERE procedure_id = NEW.procedure_id) THEN
        RAISE EXCEPTION 'exit %: a notice before its step or after it', NEW.procedure_id
              USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER in_turn BEFORE INSERT ON exits_exitnotice
    FOR EACH ROW EXECUTE FUNCTION exit_notice_in_turn();

CREATE FUNCTION exit_objection_stays() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM FROM exits_exitnotice n JOIN exits_exitprocedure p ON p.id = n.procedure_id
          WHERE n.id = NEW.notice_id AND p.state = 'OPEN' AND p.step = n.step
            AND NEW.raised_on >= n.starts_on;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'notice %: is not posted, or its step is over', NEW.notice_id
                  USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF (to_jsonb(NEW) - ARRAY['region_code', 'answer', 'answered_on', 'answered_by_id'])
       <> (to_jsonb(OLD) - ARRAY['region_code', 'answer', 'answered_on', 'answered_by_id'])
       OR (OLD.answered_on IS NOT NULL AND (NEW.answer, NEW.answered_on, NEW.answered_by_id)
           IS DISTINCT FROM (OLD.answer, OLD.answered_on, OLD.answered_by_id)) THEN
        RAISE EXCEPTION 'objection %: its words and its answer stay', OLD.id
              USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER words_stay BEFORE INSERT OR UPDATE ON exits_exitobjection
    FOR EACH ROW EXECUTE FUNCTION exit_objection_stays();
"""
UNDO_STATES = """
DROP FUNCTION exit_objection_stays() CASCADE;
DROP FUNCTION exit_notice_in_turn() CASCADE;
DROP FUNCTION exit_case_follows() CASCADE;
DROP FUNCTION exit_procedure_follows() CASCADE;
"""


class Migration(migrations.Migration):
    dependencies = [("exits", "0003_exit_procedures")]

    operations = [migrations.RunSQL(STATES, UNDO_STATES)]
