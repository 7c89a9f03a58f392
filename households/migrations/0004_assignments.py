"""Households entrusted to persons, and triggers that write where the app roles may not."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from core.ddl import code_kept_true

# Marks are written on behalf of whoever changed the register; nobody may write them directly.
# Households of the transaction's own person, whatever region they lie in.
FUNCTIONS = """
ALTER FUNCTION register_year_changed() SECURITY DEFINER SET search_path = public, pg_temp;
ALTER FUNCTION region_facts_changed() SECURITY DEFINER SET search_path = public, pg_temp;
CREATE FUNCTION households_assigned() RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $body$
    SELECT household_id FROM households_assignment
     WHERE user_id = nullif(current_setting('povertyops.assigned', true), '')::bigint
       AND village_code ^@ ANY (
               string_to_array(current_setting('povertyops.entrusted', true), ','))
       AND (ended_at IS NULL OR ended_at > now())
$body$;
-- Whoever records that somebody's work passes on sees no register: all is done here, by number.
CREATE FUNCTION households_pass_on(
    former bigint, later bigint, regions text[], from_when timestamptz, on_behalf bigint
) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
DECLARE
    passed bigint;
BEGIN
    INSERT INTO households_assignment
           (household_id, village_code, user_id, reason, created_by_id)
    SELECT household_id, village_code, later, reason, on_behalf FROM households_assignment
     WHERE user_id = former AND ended_at IS NULL AND village_code ^@ ANY (regions)
    ON CONFLICT DO NOTHING;
    UPDATE households_assignment SET ended_at = greatest(from_when, now(), created_at)
     WHERE user_id = former AND ended_at IS NULL AND village_code ^@ ANY (regions);
    GET DIAGNOSTICS passed = ROW_COUNT;
    RETURN passed;
END $body$;
REVOKE ALL ON FUNCTION households_pass_on(bigint, bigint, text[], timestamptz, bigint) FROM PUBLIC;
CREATE FUNCTION register_moved() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
BEGIN
    IF TG_TABLE_NAME = 'households_household' THEN
        INSERT INTO households_formerplace (household_id, village_code)
        SELECT old_rows.id, old_rows.village_code FROM old_rows JOIN new_rows USING (id)
         WHERE old_rows.village_code <> new_rows.village_code
        ON CONFLICT DO NOTHING;
    ELSE
        INSERT INTO households_formerplace (person_id, village_code)
        SELECT old_rows.id, old_rows.village_code FROM old_rows JOIN new_rows USING (id)
         WHERE old_rows.village_code <> new_rows.village_code
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END $body$;
CREATE TRIGGER moved AFTER UPDATE ON households_household
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION register_moved();
CREATE TRIGGER moved AFTER UPDATE ON households_person
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION register_moved();
INSERT INTO households_formerplace (household_id, village_code)
SELECT DISTINCT h.id, y.village_code FROM households_household h
  JOIN households_householdyear y ON y.household_id = h.id WHERE y.village_code <> h.village_code;
INSERT INTO households_formerplace (person_id, village_code)
SELECT DISTINCT p.id, y.village_code FROM households_person p
  JOIN households_personyear y ON y.person_id = p.id WHERE y.village_code <> p.village_code;
"""
UNDO = """
DROP FUNCTION households_pass_on(bigint, bigint, text[], timestamptz, bigint);
DROP FUNCTION register_moved() CASCADE;
DROP FUNCTION households_assigned() CASCADE;
ALTER FUNCTION register_year_changed() SECURITY INVOKER RESET search_path;
ALTER FUNCTION region_facts_changed() SECURITY INVOKER RESET search_path;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("households", "0003_facts_beside_scope"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Assignment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("village_code", models.CharField(max_length=12, verbose_name="村代码")),
                ("reason", models.CharField(max_length=200, verbose_name="事由")),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name="分派时间")),
                ("ended_at", models.DateTimeField(null=True, verbose_name="结束时间")),
                ("created_by", models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL, verbose_name="分派人")),
                ("household", models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="assignments", to="households.household", verbose_name="贫困户")),
                ("user", models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL, verbose_name="责任人")),
            ],
            options={
                "verbose_name": "分派",
                "indexes": [models.Index(fields=["household"], name="assignment_household")],
                "constraints": [
                    models.UniqueConstraint(condition=models.Q(("ended_at__isnull", True)), fields=("user", "household"), name="assignment_once"),
                    models.CheckConstraint(condition=models.Q(("ended_at__isnull", True), ("ended_at__gte", models.F("created_at")), _connector="OR"), name="assignment_ends_after_start"),
                    models.CheckConstraint(condition=models.Q(("created_by__isnull", True), models.Q(("created_by", models.F("user")), _negated=True), _connector="OR"), name="assignment_not_to_oneself"),
                ],
            },
        ),
        migrations.CreateModel(
            name="FormerPlace",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("village_code", models.CharField(max_length=12, verbose_name="村代码")),
                ("household", models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="households.household", verbose_name="贫困户")),
                ("person", models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="households.person", verbose_name="人员")),
            ],
            options={
                "verbose_name": "原所在村",
                "indexes": [models.Index(fields=["village_code"], name="former_place_scope")],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("household__isnull", False), ("person__isnull", False), _connector="XOR"), name="former_place_of_one"),
                    models.UniqueConstraint(fields=("household", "person", "village_code"), name="former_place_once", nulls_distinct=False),
                ],
            },
        ),
        code_kept_true(
            "households_assignment",
            "household_id",
            "village_code",
            "households_household",
            target_code="village_code",
        ),
        migrations.RunSQL(FUNCTIONS, UNDO),
        # Names are searched by range now: the planner may use no LIKE under row security.
        migrations.RemoveIndex(model_name="person", name="person_name"),
        migrations.AddIndex(
            model_name="person", index=models.Index(fields=["name"], name="person_by_name")
        ),
    ]
