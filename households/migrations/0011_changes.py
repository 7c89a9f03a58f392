"""Changes under review, the chain of each county, and the one way into a closed year."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import core.fields
from core.ddl import append_only, code_kept_true

# Who decides what and when, whatever code asks: not on one's own submission, not out of turn, not on
# what is no longer pending. That nobody decides twice in a round is a unique index.
STEPS = """
CREATE FUNCTION change_step_due() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    about record;
BEGIN
    SELECT state, level, round, created_by_id INTO about
      FROM households_change WHERE id = NEW.change_id FOR UPDATE;
    IF NEW.act IN ('APPROVE', 'RETURN', 'STALE') THEN
        IF NEW.created_by_id = about.created_by_id THEN
            RAISE EXCEPTION 'change %: decided by who submitted it', NEW.change_id
                  USING ERRCODE = 'check_violation';
        END IF;
        IF about.state <> 'PENDING' OR NEW.level IS DISTINCT FROM about.level::int
           OR NEW.round <> about.round THEN
            RAISE EXCEPTION 'change %: decided out of turn', NEW.change_id
                  USING ERRCODE = 'check_violation';
        END IF;
    ELSIF NEW.created_by_id <> about.created_by_id THEN
        RAISE EXCEPTION 'change %: submitted or withdrawn by another', NEW.change_id
              USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER due BEFORE INSERT ON households_changestep
    FOR EACH ROW EXECUTE FUNCTION change_step_due();
CREATE FUNCTION change_moves_on() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    approved smallint[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state = 'APPLIED' AND cardinality(NEW.levels) > 0 THEN
            RAISE EXCEPTION 'a change takes effect without review' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF OLD.state IN ('APPLIED', 'WITHDRAWN') AND NEW.state <> OLD.state THEN
        RAISE EXCEPTION 'change %: already ended', OLD.id USING ERRCODE = 'check_violation';
    END IF;
    IF (NEW.key, NEW.kind, NEW.created_by_id, NEW.created_at) IS DISTINCT FROM
       (OLD.key, OLD.kind, OLD.created_by_id, OLD.created_at)
       OR NEW.partition_id <> OLD.partition_id
       OR NEW.household_id IS DISTINCT FROM OLD.household_id AND OLD.household_id IS NOT NULL THEN
        RAISE EXCEPTION 'change %: is of another', OLD.id USING ERRCODE = 'check_violation';
    END IF;
    -- What was reviewed is what takes effect.
    IF NEW.round = OLD.round AND (NEW.payload, NEW.levels, NEW.reason, NEW.evidence)
       IS DISTINCT FROM (OLD.payload, OLD.levels, OLD.reason, OLD.evidence) THEN
        RAISE EXCEPTION 'change %: altered under review', OLD.id USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.state = 'APPLIED' AND OLD.state <> 'APPLIED' THEN
        SELECT coalesce(array_agg(level), '{}') INTO approved FROM households_changestep
         WHERE change_id = NEW.id AND round = NEW.round AND act = 'APPROVE';
        IF NOT NEW.levels <@ approved THEN
            RAISE EXCEPTION 'change %: levels are missing', OLD.id USING ERRCODE = 'check_violation';
        END IF;
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER moves_on BEFORE INSERT OR UPDATE ON households_change
    FOR EACH ROW EXECUTE FUNCTION change_moves_on();
"""
UNDO_STEPS = """
DROP FUNCTION change_step_due() CASCADE;
DROP FUNCTION change_moves_on() CASCADE;
"""


def _branch(rows: str) -> str:
    return f"""
        WITH touched AS ({rows}),
        marked AS (
            INSERT INTO households_dirtyregion (partition, code)
            SELECT partition_id, village_code FROM touched)
        SELECT min(partition_id) INTO closed FROM touched
          JOIN households_partition p ON p.year = partition_id WHERE p.closed_at IS NOT NULL;"""


def _others(rows: str) -> str:
    return f"""
            SELECT min(partition_id) INTO closed FROM ({rows}) AS touched
              JOIN households_partition p ON p.year = partition_id
             WHERE p.closed_at IS NOT NULL
               AND (partition_id, household_id) IS DISTINCT FROM (open_year, open_household);"""


# The trigger of closed years with one door: the household and year of a correction that two offices
# other than the submitter have approved and that has not taken effect yet. The setting only names the
# request; what it opens stands in the request's own rows.
GUARD = f"""
CREATE OR REPLACE FUNCTION register_year_changed() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $body$
DECLARE
    closed integer;
    open_year integer;
    open_household bigint;
BEGIN
    -- The transition tables exist only for the acts that have them, hence the branches.
    IF TG_OP = 'INSERT' THEN{_branch("SELECT DISTINCT partition_id, village_code FROM new_rows")}
    ELSIF TG_OP = 'UPDATE' THEN{_branch("SELECT partition_id, village_code FROM new_rows UNION SELECT partition_id, village_code FROM old_rows")}
    ELSE{_branch("SELECT DISTINCT partition_id, village_code FROM old_rows")}
    END IF;
    IF closed IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT c.partition_id, c.household_id INTO open_year, open_household
      FROM households_change c
     WHERE c.id = nullif(current_setting('povertyops.correction', true), '')::bigint
       AND c.kind = 'CORRECTION' AND c.state = 'PENDING'
       AND (SELECT count(DISTINCT s.created_by_id) FROM households_changestep s
             WHERE s.change_id = c.id AND s.round = c.round AND s.act = 'APPROVE'
               AND s.level IN (6, 4) AND s.created_by_id <> c.created_by_id) = 2;
    IF open_year IS NOT NULL THEN
        IF TG_OP = 'INSERT' THEN{_others("SELECT partition_id, household_id FROM new_rows")}
        ELSIF TG_OP = 'UPDATE' THEN{_others("SELECT partition_id, household_id FROM new_rows UNION SELECT partition_id, household_id FROM old_rows")}
        ELSE{_others("SELECT partition_id, household_id FROM old_rows")}
        END IF;
    END IF;
    IF closed IS NOT NULL THEN
        RAISE EXCEPTION 'partition % is closed', closed
              USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    RETURN NULL;
END $body$;
"""
SHUT = f"""
CREATE OR REPLACE FUNCTION register_year_changed() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $body$
DECLARE
    closed integer;
BEGIN
    IF TG_OP = 'INSERT' THEN{_branch("SELECT DISTINCT partition_id, village_code FROM new_rows")}
    ELSIF TG_OP = 'UPDATE' THEN{_branch("SELECT partition_id, village_code FROM new_rows UNION SELECT partition_id, village_code FROM old_rows")}
    ELSE{_branch("SELECT DISTINCT partition_id, village_code FROM old_rows")}
    END IF;
    IF closed IS NOT NULL THEN
        RAISE EXCEPTION 'partition % is closed', closed
              USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    RETURN NULL;
END $body$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("households", "0010_drafts"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Change",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.UUIDField(unique=True, verbose_name="请求标识")),
                (
                    "kind",
                    models.CharField(
                        choices=[("EDIT", "变更"), ("CORRECTION", "已关闭年度更正")],
                        max_length=10,
                        verbose_name="类别",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("PENDING", "待审核"),
                            ("RETURNED", "已退回"),
                            ("APPLIED", "已生效"),
                            ("WITHDRAWN", "已撤回"),
                        ],
                        max_length=9,
                        verbose_name="状态",
                    ),
                ),
                ("level", models.PositiveSmallIntegerField(null=True, verbose_name="待审层级")),
                (
                    "levels",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveSmallIntegerField(),
                        default=list,
                        size=None,
                        verbose_name="审核环节",
                    ),
                ),
                ("round", models.PositiveSmallIntegerField(default=1, verbose_name="第几次提交")),
                ("village_code", models.CharField(max_length=12, verbose_name="村代码")),
                (
                    "household",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="changes",
                        to="households.household",
                        verbose_name="贫困户",
                    ),
                ),
                (
                    "partition",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="households.partition",
                        verbose_name="年度",
                    ),
                ),
                ("head_name", models.CharField(blank=True, max_length=60, verbose_name="户主姓名")),
                (
                    "payload",
                    core.fields.Secret(blank=True, default="", null=True, verbose_name="变更内容"),
                ),
                ("summary", models.JSONField(default=list, verbose_name="变更摘要")),
                ("reason", models.CharField(blank=True, max_length=200, verbose_name="变更事由")),
                (
                    "evidence",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=4),
                        blank=True,
                        default=list,
                        size=None,
                        verbose_name="佐证材料",
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="提交人",
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        verbose_name="提交时间",
                    ),
                ),
                (
                    "changed_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        verbose_name="更新时间",
                    ),
                ),
            ],
            options={
                "verbose_name": "变更",
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "PENDING")),
                        fields=["level", "village_code", "id"],
                        name="change_waiting",
                    ),
                    models.Index(fields=["created_by", "state", "id"], name="change_of_submitter"),
                    models.Index(
                        condition=models.Q(("household__isnull", False)),
                        fields=["household", "id"],
                        name="change_of_household",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("level__isnull", False), ("state", "PENDING")),
                            models.Q(
                                models.Q(("state", "PENDING"), _negated=True),
                                ("level__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="change_waits_at_a_level",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("kind__in", ["EDIT", "CORRECTION"]),
                            ("state__in", ["PENDING", "RETURNED", "APPLIED", "WITHDRAWN"]),
                        ),
                        name="change_state_and_kind",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "CORRECTION"), _negated=True),
                            models.Q(
                                ("evidence__len__gte", 1),
                                ("household__isnull", False),
                                ("levels", [6, 4]),
                                models.Q(("reason", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="change_correction_has_grounds",
                    ),
                    models.UniqueConstraint(
                        fields=("id", "village_code"), name="change_id_village"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ChangeStep",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "change",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="steps",
                        to="households.change",
                    ),
                ),
                ("village_code", models.CharField(max_length=12, verbose_name="村代码")),
                ("round", models.PositiveSmallIntegerField(verbose_name="第几次提交")),
                (
                    "act",
                    models.CharField(
                        choices=[
                            ("SUBMIT", "提交"),
                            ("APPROVE", "通过"),
                            ("RETURN", "退回"),
                            ("STALE", "数据已变动，退回"),
                            ("WITHDRAW", "撤回"),
                        ],
                        max_length=8,
                        verbose_name="动作",
                    ),
                ),
                ("level", models.PositiveSmallIntegerField(null=True, verbose_name="层级")),
                ("reason", models.CharField(blank=True, max_length=500, verbose_name="意见")),
                (
                    "evidence",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=4),
                        blank=True,
                        default=list,
                        size=None,
                        verbose_name="佐证材料",
                    ),
                ),
                ("batch", models.UUIDField(null=True, verbose_name="批次")),
                (
                    "created_by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="办理人",
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        verbose_name="办理时间",
                    ),
                ),
            ],
            options={
                "verbose_name": "变更办理记录",
                "ordering": ["id"],
                "indexes": [models.Index(fields=["change", "id"], name="change_step_order")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("act__in", ["APPROVE", "RETURN", "STALE"])),
                        fields=("change", "round", "created_by"),
                        name="change_step_decides_once",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("act__in", ["APPROVE", "RETURN", "STALE"])),
                        fields=("change", "round", "level"),
                        name="change_step_level_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("act__in", ["RETURN", "STALE"]), _negated=True),
                            models.Q(("reason", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="change_step_says_why",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("act__in", ["SUBMIT", "APPROVE", "RETURN", "STALE", "WITHDRAW"])
                        ),
                        name="change_step_act",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ReviewChain",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("region_code", models.CharField(max_length=6, verbose_name="县区代码")),
                (
                    "levels",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveSmallIntegerField(),
                        default=list,
                        size=None,
                        verbose_name="审核环节",
                    ),
                ),
                ("valid_from", models.DateField(verbose_name="起始日期")),
                ("reason", models.CharField(max_length=200, verbose_name="设置事由")),
                (
                    "created_by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="设置人",
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        verbose_name="设置时间",
                    ),
                ),
            ],
            options={
                "verbose_name": "审核环节设置",
                "ordering": ["-valid_from"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("region_code", "valid_from"), name="review_chain_once_a_day"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("levels__contained_by", [12, 9, 6])),
                        name="review_chain_levels",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True),
                        name="review_chain_says_why",
                    ),
                ],
                "indexes": [],
            },
        ),
        code_kept_true(
            "households_change",
            "household_id",
            "village_code",
            "households_household",
            target_code="village_code",
        ),
        code_kept_true(
            "households_changestep",
            "change_id",
            "village_code",
            "households_change",
            target_code="village_code",
        ),
        append_only("households_changestep", except_column="village_code"),
        migrations.RunSQL(STEPS, UNDO_STEPS),
        migrations.RunSQL(GUARD, SHUT),
    ]
