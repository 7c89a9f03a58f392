"""What can never be false of a letter, held by the database whoever writes."""

from django.db import migrations

from core.ddl import append_only, change_numbered, code_kept_true

LETTER = """
-- The same list as `inspections.enums.letters.FOLLOWS`.
CREATE FUNCTION inspections_letter_may_follow(before text, after text) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = public, pg_temp AS $body$
    SELECT CASE before
        WHEN 'PREPARED' THEN after IN ('ISSUED', 'DROPPED')
        WHEN 'ISSUED' THEN after IN ('RECEIVED', 'REPLIED')
        WHEN 'RECEIVED' THEN after = 'REPLIED'
        ELSE false END
$body$;

-- A letter begins as a draft and moves on by the table; what is issued stands. The number is the next
-- of the county, kind and year at the moment of the issue, and the problems climb with it.
CREATE FUNCTION inspections_letter_kept() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
DECLARE
    free text[] := ARRAY['region_code', 'changed'];
    height integer;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a letter is never deleted' USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'PREPARED' THEN
            RAISE EXCEPTION 'a letter begins as a draft'
                  USING ERRCODE = 'check_violation', CONSTRAINT = 'letter_in_order';
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.state <> OLD.state AND NOT inspections_letter_may_follow(OLD.state, NEW.state) THEN
        RAISE EXCEPTION 'letter %: % does not follow %', OLD.id, NEW.state, OLD.state
              USING ERRCODE = 'check_violation', CONSTRAINT = 'letter_in_order';
    END IF;
    IF OLD.state = 'PREPARED' THEN
        free := free || ARRAY['state', 'words', 'issued_on', 'issued_by_id', 'reply_due_on',
                              'dropped_why'];
    ELSIF OLD.state IN ('ISSUED', 'RECEIVED') THEN
        free := free || ARRAY['state', 'replied_on', 'reply'];
        IF OLD.state = 'ISSUED' THEN
            free := free || ARRAY['received_on', 'received_by'];
        END IF;
    END IF;
    IF (to_jsonb(NEW) - free) IS DISTINCT FROM (to_jsonb(OLD) - free) THEN
        RAISE EXCEPTION 'letter %: what is settled cannot be changed', OLD.id
              USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.state = 'ISSUED' AND OLD.state = 'PREPARED' THEN
        IF NOT EXISTS (SELECT FROM inspections_letteritem WHERE letter_id = NEW.id)
           OR NEW.issued_on IS NULL OR NEW.issued_on < NEW.prepared_on THEN
            RAISE EXCEPTION 'letter %: nothing to say, or before it was written', NEW.id
                  USING ERRCODE = 'check_violation', CONSTRAINT = 'letter_is_about_something';
        END IF;
        NEW.year := extract(year FROM NEW.issued_on);
        INSERT INTO inspections_lettercounter AS c (county_code, kind, year, last)
        VALUES (left(NEW.region_code, 6), NEW.kind, NEW.year, 1)
        ON CONFLICT (county_code, kind, year) DO UPDATE SET last = c.last + 1
        RETURNING last INTO NEW.number;
        height := CASE NEW.kind WHEN 'REMIND' THEN 1 WHEN 'SUPERVISE' THEN 2 ELSE 3 END;
        PERFORM FROM inspections_finding f JOIN inspections_letteritem i ON i.finding_id = f.id
          WHERE i.letter_id = NEW.id ORDER BY f.id FOR NO KEY UPDATE OF f;
        UPDATE inspections_finding f SET rung = height
          FROM inspections_letteritem i
         WHERE i.letter_id = NEW.id AND i.finding_id = f.id AND f.rung < height;
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER kept BEFORE INSERT OR UPDATE OR DELETE ON inspections_letter
    FOR EACH ROW EXECUTE FUNCTION inspections_letter_kept();

-- The third letter opens a record of what comes of it.
CREATE FUNCTION inspections_letter_leads_on() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
BEGIN
    INSERT INTO inspections_accountability
        (letter_id, region_code, opened_on, organ, outcome, document, words)
    VALUES (NEW.id, NEW.region_code, NEW.issued_on, '', '', '', '');
    RETURN NULL;
END $body$;
CREATE TRIGGER leads_on AFTER UPDATE OF state ON inspections_letter FOR EACH ROW
    WHEN (OLD.state = 'PREPARED' AND NEW.state = 'ISSUED' AND NEW.kind = 'ACCOUNT')
    EXECUTE FUNCTION inspections_letter_leads_on();

-- Problems join a draft only, each at the height it is at, and of the unit the letter is to.
CREATE FUNCTION inspections_letter_item_due() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
DECLARE
    l record;
    f record;
BEGIN
    SELECT * INTO l FROM inspections_letter WHERE id = NEW.letter_id FOR NO KEY UPDATE;
    SELECT * INTO f FROM inspections_finding WHERE id = NEW.finding_id FOR NO KEY UPDATE;
    IF l.state <> 'PREPARED' OR f.state NOT IN ('ASSIGNED', 'MEASURED', 'RETURNED')
       OR f.lead_unit <> l.unit OR left(f.region_code, 6) <> left(l.region_code, 6)
       OR f.rung + 1 <> (CASE l.kind WHEN 'REMIND' THEN 1 WHEN 'SUPERVISE' THEN 2 ELSE 3 END) THEN
        RAISE EXCEPTION 'letter %: finding % does not belong to it', l.id, f.id
              USING ERRCODE = 'check_violation', CONSTRAINT = 'letter_item_fits';
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER due BEFORE INSERT ON inspections_letteritem
    FOR EACH ROW EXECUTE FUNCTION inspections_letter_item_due();

-- An outcome is entered once and stays.
CREATE FUNCTION inspections_accountability_kept() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    free text[] := ARRAY['region_code'];
BEGIN
    IF TG_OP = 'DELETE' OR TG_OP = 'INSERT' AND pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'opened by the third letter, never deleted'
              USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'INSERT' THEN
        RETURN NEW;
    END IF;
    IF OLD.outcome = '' THEN
        free := free || ARRAY['organ', 'outcome', 'persons', 'decided_on', 'document', 'words',
                              'entered_by_id'];
    END IF;
    IF (to_jsonb(NEW) - free) IS DISTINCT FROM (to_jsonb(OLD) - free) THEN
        RAISE EXCEPTION 'letter %: what came of it stands', OLD.letter_id
              USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER kept BEFORE INSERT OR UPDATE OR DELETE ON inspections_accountability
    FOR EACH ROW EXECUTE FUNCTION inspections_accountability_kept();
"""

UNDO = """
DROP FUNCTION inspections_accountability_kept() CASCADE;
DROP FUNCTION inspections_letter_item_due() CASCADE;
DROP FUNCTION inspections_letter_leads_on() CASCADE;
DROP FUNCTION inspections_letter_kept() CASCADE;
DROP FUNCTION inspections_letter_may_follow(text, text);
"""


class Migration(migrations.Migration):
    dependencies = [("inspections", "0006_letters")]

    operations = [
        code_kept_true(
            "inspections_letter", "region_id", "region_code", "villages_region", target_code="code"
        ),
        code_kept_true(
            "inspections_letteritem", "finding_id", "region_code", "inspections_finding",
            target_code="region_code",
        ),
        code_kept_true(
            "inspections_accountability", "letter_id", "region_code", "inspections_letter",
            target_code="region_code",
        ),
        migrations.RunSQL(LETTER, UNDO),
        append_only("inspections_letteritem", except_column="region_code"),
        change_numbered("inspections_letter"),
    ]  # fmt: skip
