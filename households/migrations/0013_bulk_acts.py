"""Acts on many households at once, tasks, and marks of what is to be checked."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from core.ddl import append_only, code_kept_true

# What ended stays as it ended, whatever code asks: a closed mark, a task's household taken out, an
# act that is over.
ENDED = """
CREATE FUNCTION bulk_ended() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF (to_jsonb(NEW) - 'village_code') IS DISTINCT FROM (to_jsonb(OLD) - 'village_code') THEN
        RAISE EXCEPTION '% %: already ended', TG_TABLE_NAME, OLD.id
              USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER ended BEFORE UPDATE ON households_mark
    FOR EACH ROW WHEN (OLD.closed_at IS NOT NULL) EXECUTE FUNCTION bulk_ended();
CREATE TRIGGER ended BEFORE UPDATE ON households_taskitem
    FOR EACH ROW WHEN (OLD.removed_at IS NOT NULL) EXECUTE FUNCTION bulk_ended();
CREATE TRIGGER ended BEFORE UPDATE ON households_bulkact
    FOR EACH ROW WHEN (OLD.state <> 'WAITING') EXECUTE FUNCTION bulk_ended();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0004_phase_since"),
        ("households", "0012_identification"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Task",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("title", models.CharField(max_length=60, verbose_name="任务名称")),
                ("region_code", models.CharField(max_length=12, verbose_name="区划代码")),
                ("due_on", models.DateField(null=True, verbose_name="完成期限")),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        verbose_name="建立时间",
                    ),
                ),
                ("closed_at", models.DateTimeField(null=True, verbose_name="结束时间")),
                (
                    "closed_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="结束人",
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="建立人",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="负责人",
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
            ],
            options={
                "verbose_name": "任务",
                'indexes': [
                    models.Index(fields=["region_code", "partition", "-id"], name="task_scope"),
                    models.Index(
                condition=models.Q(("closed_at__isnull", True)),
                fields=["owner"],
                name="task_of_owner",
            ),
                ],
                'constraints': [
                    models.CheckConstraint(
                condition=models.Q(("title", ""), _negated=True), name="task_has_a_title"
            ),
                    models.CheckConstraint(
                condition=models.Q(
                    models.Q(("closed_at__isnull", True), ("closed_by__isnull", True)),
                    models.Q(("closed_at__isnull", False), ("closed_by__isnull", False)),
                    _connector="OR",
                ),
                name="task_closed_when_and_who",
            ),
                ],
            },
        ),
        migrations.CreateModel(
            name="BulkAct",
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
                        choices=[
                            ("ASSIGN", "指派帮扶人"),
                            ("MARK", "标记待核查"),
                            ("TASK", "加入任务"),
                        ],
                        max_length=6,
                        verbose_name="类别",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[("WAITING", "办理中"), ("DONE", "已办理"), ("FAILED", "未办理")],
                        default="WAITING",
                        max_length=7,
                        verbose_name="状态",
                    ),
                ),
                ("region_code", models.CharField(max_length=12, verbose_name="区划代码")),
                ("terms", models.JSONField(default=dict, verbose_name="筛选条件")),
                ("reason", models.CharField(max_length=200, verbose_name="事由")),
                ("due_on", models.DateField(null=True, verbose_name="期限")),
                ("matched", models.PositiveIntegerField(verbose_name="选中户数")),
                ("affected", models.PositiveIntegerField(verbose_name="办理户数")),
                ("skipped", models.JSONField(default=dict, verbose_name="未办理户数")),
                ("digest", models.CharField(max_length=64, verbose_name="名单校验值")),
                (
                    "refusal",
                    models.CharField(blank=True, max_length=200, verbose_name="未办理原因"),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        verbose_name="办理时间",
                    ),
                ),
                ("done_at", models.DateTimeField(null=True, verbose_name="完成时间")),
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
                    "job",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="core.job",
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
                (
                    "undoes",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="undoings",
                        to="households.bulkact",
                        verbose_name="撤销的批量办理",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="责任人",
                    ),
                ),
                (
                    "task",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="acts",
                        to="households.task",
                        verbose_name="任务",
                    ),
                ),
            ],
            options={
                "verbose_name": "批量办理",
                'indexes': [
                    models.Index(fields=["region_code", "-id"], name="bulk_act_scope"),
                ],
                'constraints': [
                    models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "ASSIGN"), ("task__isnull", True), ("user__isnull", False)),
                    models.Q(("kind", "MARK"), ("task__isnull", True), ("user__isnull", True)),
                    models.Q(("kind", "TASK"), ("task__isnull", False), ("user__isnull", True)),
                    _connector="OR",
                ),
                name="bulk_act_kind",
            ),
                    models.CheckConstraint(
                condition=models.Q(
                    models.Q(("done_at__isnull", True), ("refusal", ""), ("state", "WAITING")),
                    models.Q(("done_at__isnull", False), ("refusal", ""), ("state", "DONE")),
                    models.Q(
                        ("done_at__isnull", True),
                        ("state", "FAILED"),
                        models.Q(("refusal", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="bulk_act_state",
            ),
                    models.CheckConstraint(
                condition=models.Q(
                    ("affected__lte", models.F("matched")), models.Q(("reason", ""), _negated=True)
                ),
                name="bulk_act_counts",
            ),
                    models.CheckConstraint(
                condition=models.Q(
                    ("undoes__isnull", True),
                    models.Q(("undoes", models.F("id")), _negated=True),
                    _connector="OR",
                ),
                name="bulk_act_undoes_another",
            ),
                    models.UniqueConstraint(
                condition=models.Q(("state", "FAILED"), _negated=True),
                fields=("undoes",),
                name="bulk_act_undone_once",
            ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TaskItem",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("village_code", models.CharField(max_length=12, verbose_name="村代码")),
                ("done_at", models.DateTimeField(null=True, verbose_name="完成时间")),
                ("removed_at", models.DateTimeField(null=True, verbose_name="移出时间")),
                (
                    "done_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="完成人",
                    ),
                ),
                (
                    "household",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="task_items",
                        to="households.household",
                        verbose_name="贫困户",
                    ),
                ),
                (
                    "task",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="items",
                        to="households.task",
                        verbose_name="任务",
                    ),
                ),
            ],
            options={
                "verbose_name": "任务中的户",
                'indexes': [
                    models.Index(
                fields=["task", "village_code", "household"], name="task_item_order"
            ),
                    models.Index(fields=["household"], name="task_item_household"),
                ],
                'constraints': [
                    models.UniqueConstraint(
                condition=models.Q(("removed_at__isnull", True)),
                fields=("task", "household"),
                name="task_item_once",
            ),
                    models.CheckConstraint(
                condition=models.Q(
                    models.Q(("done_at__isnull", True), ("done_by__isnull", True)),
                    models.Q(("done_at__isnull", False), ("done_by__isnull", False)),
                    _connector="OR",
                ),
                name="task_item_done_when_and_who",
            ),
                ],
            },
        ),
        migrations.CreateModel(
            name="BulkRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("village_code", models.CharField(max_length=12, verbose_name="村代码")),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("DONE", "已办理"),
                            ("CLOSED", "该年度已关闭"),
                            ("NO_RIGHT", "不在您可以办理的区划内"),
                            ("MOVED", "已迁出本区划"),
                            ("UNFIT", "该账号在本村没有帮扶、督查或调查角色"),
                            ("OUTSIDE", "不在任务的区划内"),
                            ("ALREADY", "已经办理过"),
                            ("TOUCHED", "办理后又有变动，保留现状"),
                        ],
                        max_length=8,
                        verbose_name="结果",
                    ),
                ),
                ("made", models.BigIntegerField(null=True, verbose_name="形成的记录")),
                (
                    "act",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="rows",
                        to="households.bulkact",
                        verbose_name="批量办理",
                    ),
                ),
                (
                    "household",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="households.household",
                        verbose_name="贫困户",
                    ),
                ),
            ],
            options={
                "verbose_name": "批量办理的户",
                "indexes": [
                    models.Index(fields=["act", "outcome", "household"], name="bulk_row_outcome"),
                    models.Index(fields=["household"], name="bulk_row_household"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("act", "household"), name="bulk_row_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("made__isnull", False), ("outcome", "DONE")),
                            models.Q(
                                models.Q(("outcome", "DONE"), _negated=True), ("made__isnull", True)
                            ),
                            _connector="OR",
                        ),
                        name="bulk_row_done_or_not",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Mark",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("village_code", models.CharField(max_length=12, verbose_name="村代码")),
                ("reason", models.CharField(max_length=200, verbose_name="核查事由")),
                ("due_on", models.DateField(null=True, verbose_name="核查期限")),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        verbose_name="标记时间",
                    ),
                ),
                ("closed_at", models.DateTimeField(null=True, verbose_name="办结时间")),
                (
                    "result",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("FIXED", "属实，已更正"),
                            ("PASSED_ON", "属实，已转办"),
                            ("UNTRUE", "不属实"),
                            ("WITHDRAWN", "标记已撤销"),
                        ],
                        max_length=10,
                        verbose_name="核查结果",
                    ),
                ),
                ("words", models.CharField(blank=True, max_length=200, verbose_name="结果说明")),
                (
                    "closed_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="办结人",
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="标记人",
                    ),
                ),
                (
                    "household",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="marks",
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
            ],
            options={
                "verbose_name": "待核查标记",
                "indexes": [
                    models.Index(
                        condition=models.Q(("closed_at__isnull", True)),
                        fields=["partition", "village_code", "household"],
                        name="mark_open_scope",
                    ),
                    models.Index(fields=["household", "-id"], name="mark_household"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("closed_at__isnull", True)),
                        fields=("partition", "household"),
                        name="mark_one_open",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True), name="mark_says_why"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("closed_at__isnull", True),
                                ("closed_by__isnull", True),
                                ("result", ""),
                            ),
                            models.Q(
                                ("closed_at__isnull", False),
                                ("closed_by__isnull", False),
                                models.Q(("result", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="mark_closed_with_a_result",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("closed_at__isnull", True),
                            ("closed_at__gte", models.F("created_at")),
                            _connector="OR",
                        ),
                        name="mark_closed_after_made",
                    ),
                ],
            },
        ),
        *(
            code_kept_true(
                f"households_{table}",
                "household_id",
                "village_code",
                "households_household",
                target_code="village_code",
            )
            for table in ("mark", "taskitem", "bulkrow")
        ),
        append_only("households_bulkrow", except_column="village_code"),
        migrations.RunSQL(ENDED, "DROP FUNCTION bulk_ended() CASCADE"),
    ]
