"""What can never be false of money, held by the database whoever writes and however many at once."""

from django.db import migrations

from core.ddl import append_only, code_kept_true

SOURCE = """
CREATE FUNCTION funds_source_settled() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    free text[] := ARRAY['title', 'issuer', 'purpose', 'region_code'];
BEGIN
    IF TG_OP = 'DELETE' OR (to_jsonb(NEW) - free) IS DISTINCT FROM (to_jsonb(OLD) - free) THEN
        RAISE EXCEPTION 'source %: what its document says does not change', OLD.id
              USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER settled BEFORE UPDATE OR DELETE ON funds_source
    FOR EACH ROW EXECUTE FUNCTION funds_source_settled();

-- The account of what is awaited comes with the document, and goes down to what it announces.
CREATE FUNCTION funds_source_awaited() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
BEGIN
    IF TG_TABLE_NAME = 'funds_source' THEN
        INSERT INTO funds_account (source_id, kind, region_id, region_code, unit, year, least)
        VALUES (NEW.id, 'OUTSIDE', NEW.region_id, NEW.region_code, '', NEW.year, -NEW.amount);
    ELSE
        UPDATE funds_account SET least = least - NEW.amount
         WHERE source_id = NEW.source_id AND kind = 'OUTSIDE';
    END IF;
    RETURN NULL;
END $body$;
CREATE TRIGGER awaited AFTER INSERT ON funds_source
    FOR EACH ROW EXECUTE FUNCTION funds_source_awaited();
CREATE TRIGGER awaited AFTER INSERT ON funds_sourcechange
    FOR EACH ROW EXECUTE FUNCTION funds_source_awaited();
"""

ACCOUNT = """
-- Accounts begin empty, and only triggers of this file change what is in them.
CREATE FUNCTION funds_account_kept() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    free text[] := ARRAY['balance', 'least', 'region_code'];
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.balance := 0;
        IF pg_trigger_depth() = 1 THEN
            IF NEW.kind = 'OUTSIDE' THEN
                RAISE EXCEPTION 'the account of what is awaited comes with its document'
                      USING ERRCODE = 'restrict_violation';
            END IF;
            NEW.least := 0;
        END IF;
        IF NEW.project_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM projects_project p
             WHERE p.id = NEW.project_id
               AND p.state NOT IN ('', 'PROPOSED', 'REVIEWED', 'DECIDED', 'REFUSED', 'CANCELLED')
               AND p.region_code ^@ regexp_replace(NEW.region_code, '(000){1,2}$|0{8}$', '')) THEN
            RAISE EXCEPTION 'an allotment to a project that is not there, or not in the library'
                  USING ERRCODE = 'check_violation', CONSTRAINT = 'account_of_project_in_library';
        END IF;
        RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' OR pg_trigger_depth() = 1
       OR (to_jsonb(NEW) - free) IS DISTINCT FROM (to_jsonb(OLD) - free) THEN
        RAISE EXCEPTION 'account %: balances follow from entries', OLD.id
              USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER kept BEFORE INSERT OR UPDATE OR DELETE ON funds_account
    FOR EACH ROW EXECUTE FUNCTION funds_account_kept();
"""

VOUCHER = """
-- Asked for first, decided once, unchanged after that.
CREATE FUNCTION funds_voucher_decided() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
DECLARE
    free text[] := ARRAY['state', 'number', 'decided_by_id', 'decided_at', 'decided_why'];
    involved text[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'PENDING' THEN
            RAISE EXCEPTION 'a voucher is asked for first' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF TG_OP = 'UPDATE' AND (to_jsonb(NEW) - 'region_code') = (to_jsonb(OLD) - 'region_code') THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' OR OLD.state <> 'PENDING' OR NEW.state NOT IN ('POSTED', 'REFUSED')
       OR (to_jsonb(NEW) - free) IS DISTINCT FROM (to_jsonb(OLD) - free) THEN
        RAISE EXCEPTION 'voucher %: what was asked for or decided stays', OLD.id
              USING ERRCODE = 'restrict_violation';
    END IF;
    NEW.number := NULL;
    IF NEW.state = 'REFUSED' THEN
        RETURN NEW;
    END IF;
    -- Whoever posts for or closes one of these divisions' years meanwhile waits here; always in the
    -- same order, so that two never wait for one another.
    SELECT array_agg(DISTINCT code ORDER BY code) INTO involved FROM (
        SELECT NEW.region_code AS code
        UNION SELECT region_code FROM funds_entry WHERE voucher_id = NEW.id) AS all_of_them;
    INSERT INTO funds_vouchercounter (region_code, year)
    SELECT code, NEW.year FROM unnest(involved) AS code ORDER BY code ON CONFLICT DO NOTHING;
    PERFORM FROM funds_vouchercounter WHERE region_code = ANY (involved) AND year = NEW.year
      ORDER BY region_code FOR UPDATE;
    IF EXISTS (SELECT FROM funds_closedyear
                WHERE region_code = ANY (involved) AND year = NEW.year) THEN
        RAISE EXCEPTION 'voucher %: the year is closed', NEW.id
              USING ERRCODE = 'check_violation', CONSTRAINT = 'voucher_year_is_open';
    END IF;
    IF NEW.reverses_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM funds_voucher WHERE id = NEW.reverses_id AND state = 'POSTED') THEN
        RAISE EXCEPTION 'voucher %: takes back what was never posted', NEW.id
              USING ERRCODE = 'check_violation', CONSTRAINT = 'voucher_reverses_posted';
    END IF;
    PERFORM FROM funds_account WHERE id IN (
        SELECT account_id FROM funds_entry WHERE voucher_id = NEW.id) ORDER BY id FOR NO KEY UPDATE;
    -- Here an account that would fall below its least refuses the whole.
    UPDATE funds_account a SET balance = a.balance + e.amount
      FROM funds_entry e WHERE e.voucher_id = NEW.id AND a.id = e.account_id;
    UPDATE funds_vouchercounter SET last = last + 1
     WHERE region_code = NEW.region_code AND year = NEW.year RETURNING last INTO NEW.number;
    RETURN NEW;
END $body$;
CREATE TRIGGER decided BEFORE INSERT OR UPDATE OR DELETE ON funds_voucher
    FOR EACH ROW EXECUTE FUNCTION funds_voucher_decided();

-- Closing waits for whoever posts, and lets nobody post who waited for it.
CREATE FUNCTION funds_year_closed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
BEGIN
    INSERT INTO funds_vouchercounter (region_code, year) VALUES (NEW.region_code, NEW.year)
        ON CONFLICT DO NOTHING;
    PERFORM FROM funds_vouchercounter
      WHERE region_code = NEW.region_code AND year = NEW.year FOR UPDATE;
    IF EXISTS (SELECT FROM funds_voucher WHERE region_code = NEW.region_code AND year = NEW.year
                  AND state = 'PENDING') THEN
        RAISE EXCEPTION 'year % of %: vouchers are waiting', NEW.year, NEW.region_code
              USING ERRCODE = 'check_violation', CONSTRAINT = 'closed_year_nothing_waits';
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER closed BEFORE INSERT ON funds_closedyear
    FOR EACH ROW EXECUTE FUNCTION funds_year_closed();
"""

ADDS_UP = """
-- What a voucher is when its transaction ends: its legs are those it stated, they add up to zero,
-- no yuan changes its source, and money goes only where its kind lets it go.
CREATE FUNCTION funds_voucher_adds_up() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
DECLARE
    own bigint := CASE TG_TABLE_NAME WHEN 'funds_voucher' THEN (to_jsonb(NEW) ->> 'id')::bigint
                  ELSE (to_jsonb(NEW) ->> 'voucher_id')::bigint END;
    one funds_voucher;
    back funds_voucher;
    wrong text;
BEGIN
    SELECT * INTO one FROM funds_voucher WHERE id = own;
    IF one.reverses_id IS NOT NULL THEN
        SELECT * INTO back FROM funds_voucher WHERE id = one.reverses_id;
    END IF;
    wrong := CASE
        WHEN NOT coalesce((
            SELECT count(*) = one.legs AND sum(amount) = 0
                   AND sum(amount) FILTER (WHERE amount > 0) = one.amount
              FROM funds_entry WHERE voucher_id = own), false) THEN 'legs'
        WHEN EXISTS (
            SELECT FROM funds_entry e JOIN funds_account a ON a.id = e.account_id
             WHERE e.voucher_id = own GROUP BY a.source_id HAVING sum(e.amount) <> 0) THEN 'source'
        WHEN EXISTS (
            SELECT FROM funds_entry e JOIN funds_account a ON a.id = e.account_id
             WHERE e.voucher_id = own AND NOT CASE one.kind || sign(e.amount)::text
                WHEN 'ARRIVE-1' THEN a.kind = 'OUTSIDE'
                WHEN 'ARRIVE1' THEN a.kind = 'POOL'
                WHEN 'ALLOCATE-1' THEN a.kind = 'POOL'
                WHEN 'ALLOCATE1' THEN a.kind IN ('POOL', 'ALLOTMENT')
                WHEN 'PAY-1' THEN a.kind = 'ALLOTMENT'
                WHEN 'PAY1' THEN a.kind = 'PAID'
                WHEN 'RETURN-1' THEN a.kind = 'PAID'
                WHEN 'RETURN1' THEN a.kind = 'ALLOTMENT'
                WHEN 'CARRY-1' THEN a.kind IN ('POOL', 'ALLOTMENT')
                WHEN 'CARRY1' THEN a.kind IN ('POOL', 'ALLOTMENT')
                ELSE one.kind = 'REVERSE' END) THEN 'kind'
        -- Money is moved in the year it belongs to, and carried over from the one before.
        WHEN one.kind IN ('ARRIVE', 'ALLOCATE', 'PAY', 'CARRY') AND EXISTS (
            SELECT FROM funds_entry e JOIN funds_account a ON a.id = e.account_id
             WHERE e.voucher_id = own AND a.kind <> 'OUTSIDE'
               AND a.year <> one.year - (one.kind = 'CARRY' AND e.amount < 0)::integer) THEN 'year'
        -- What is paid, comes back or is carried over stays with whom it was allotted to.
        WHEN one.kind IN ('PAY', 'RETURN', 'CARRY') AND EXISTS (
            SELECT FROM funds_entry e JOIN funds_account a ON a.id = e.account_id
             WHERE e.voucher_id = own
             GROUP BY a.source_id, a.region_id, a.unit, a.project_id,
                      CASE one.kind WHEN 'CARRY' THEN a.kind ELSE a.year::text END
            HAVING sum(e.amount) <> 0) THEN 'holder'
        WHEN one.kind = 'REVERSE' AND EXISTS (
            SELECT FROM (SELECT account_id, amount FROM funds_entry WHERE voucher_id = own) AS n
              FULL JOIN (SELECT account_id, amount FROM funds_entry
                          WHERE voucher_id = one.reverses_id) AS o USING (account_id)
             WHERE coalesce(n.amount, 0) <> -coalesce(o.amount, 0)) THEN 'counter'
        -- The payments out of an account are the voucher's leg there.
        WHEN (one.kind IN ('PAY', 'RETURN') OR back.kind = 'PAY') AND EXISTS (
            SELECT FROM (SELECT e.account_id, e.amount
                           FROM funds_entry e JOIN funds_account a ON a.id = e.account_id
                          WHERE e.voucher_id = own AND a.kind = 'ALLOTMENT') AS n
              FULL JOIN (SELECT account_id, amount FROM funds_paymenttotal
                          WHERE voucher_id = own) AS o USING (account_id)
             WHERE coalesce(n.amount, 0) <> -coalesce(o.amount, 0)) THEN 'payments'
        WHEN one.kind NOT IN ('PAY', 'RETURN') AND coalesce(back.kind, '') <> 'PAY'
             AND EXISTS (SELECT FROM funds_paymenttotal WHERE voucher_id = own) THEN 'payments'
    END;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION 'voucher % does not add up: %', own, wrong
              USING ERRCODE = 'check_violation', CONSTRAINT = 'voucher_adds_up_' || wrong;
    END IF;
    RETURN NULL;
END $body$;
""" + "".join(
    f"""
CREATE CONSTRAINT TRIGGER funds_adds_up AFTER {acts} ON funds_{table}
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION funds_voucher_adds_up();
"""
    for table, acts in (
        ("voucher", "INSERT"), ("entry", "INSERT"), ("paymenttotal", "INSERT OR UPDATE"),
    )
)  # fmt: skip

PAYMENT = """
-- Totals per voucher and account, whoever inserts payments and however many at once; a payment comes
-- back once, to the account it went out of.
CREATE FUNCTION funds_payments_counted() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
BEGIN
    IF EXISTS (SELECT FROM new_rows n JOIN funds_voucher v ON v.id = n.voucher_id
                WHERE v.state <> 'PENDING') THEN
        RAISE EXCEPTION 'a decided voucher takes no more payments'
              USING ERRCODE = 'restrict_violation';
    END IF;
    IF EXISTS (SELECT FROM new_rows WHERE reverses_id IS NOT NULL) THEN
        PERFORM FROM funds_payment WHERE id IN (SELECT reverses_id FROM new_rows)
          ORDER BY id FOR UPDATE;
        IF EXISTS (
            SELECT FROM new_rows n
              JOIN funds_voucher v ON v.id = n.voucher_id
              JOIN funds_payment p ON p.id = n.reverses_id
             WHERE p.voucher_id IS DISTINCT FROM v.reverses_id OR p.amount <> -n.amount
                OR p.account_id <> n.account_id OR p.reverses_id IS NOT NULL
                OR p.household_id IS DISTINCT FROM n.household_id) THEN
            RAISE EXCEPTION 'a payment comes back as it went out'
                  USING ERRCODE = 'check_violation', CONSTRAINT = 'payment_back_as_it_went';
        END IF;
        IF EXISTS (
            SELECT FROM funds_payment p JOIN funds_voucher v ON v.id = p.voucher_id
             WHERE v.state <> 'REFUSED' AND p.reverses_id IN (SELECT n.reverses_id FROM new_rows n)
             GROUP BY p.reverses_id HAVING count(*) > 1) THEN
            RAISE EXCEPTION 'a payment comes back once'
                  USING ERRCODE = 'check_violation', CONSTRAINT = 'payment_back_once';
        END IF;
    END IF;
    INSERT INTO funds_paymenttotal AS t (voucher_id, account_id, region_code, amount, payments)
    SELECT n.voucher_id, n.account_id, a.region_code, sum(n.amount), count(*)
      FROM new_rows n JOIN funds_account a ON a.id = n.account_id
     GROUP BY n.voucher_id, n.account_id, a.region_code
    ON CONFLICT (voucher_id, account_id) DO UPDATE
       SET amount = t.amount + EXCLUDED.amount, payments = t.payments + EXCLUDED.payments;
    RETURN NULL;
END $body$;
CREATE TRIGGER counted AFTER INSERT ON funds_payment REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION funds_payments_counted();
"""

UNDO = """
DROP FUNCTION funds_payments_counted() CASCADE;
DROP FUNCTION funds_voucher_adds_up() CASCADE;
DROP FUNCTION funds_year_closed() CASCADE;
DROP FUNCTION funds_voucher_decided() CASCADE;
DROP FUNCTION funds_account_kept() CASCADE;
DROP FUNCTION funds_source_awaited() CASCADE;
DROP FUNCTION funds_source_settled() CASCADE;
"""


class Migration(migrations.Migration):
    dependencies = [("funds", "0001_ledger")]
    operations = [
        *(
            code_kept_true(
                f"funds_{table}", "region_id", "region_code", "villages_region", target_code="code"
            )
            for table in ("source", "account")
        ),
        code_kept_true(
            "funds_sourcechange", "source_id", "region_code", "funds_source",
            target_code="region_code",
        ),
        *(
            code_kept_true(
                f"funds_{table}", "account_id", "region_code", "funds_account",
                target_code="region_code",
            )
            for table in ("entry", "paymenttotal")
        ),
        # Of households only; contractors have none, and stay where the allotment is.
        code_kept_true(
            "funds_payment", "household_id", "region_code", "households_household",
            target_code="village_code",
        ),
        migrations.RunSQL(SOURCE + ACCOUNT + VOUCHER + ADDS_UP + PAYMENT, UNDO),
        append_only("funds_sourcechange", except_column="region_code"),
        append_only("funds_entry", except_column="region_code"),
        append_only("funds_payment", except_column="region_code"),
        append_only("funds_closedyear", except_column="region_code"),
    ]  # fmt: skip
