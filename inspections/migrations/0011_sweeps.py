import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("funds", "0007_changed"),
        ("households", "0017_bars_new"),
        ("inspections", "0010_letter_templates"),
        ("projects", "0003_changed"),
        ("villages", "0002_village_facts"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="finding",
            name="finding_of_its_rule",
        ),
        migrations.AddConstraint(
            model_name="finding",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("fund_finding__isnull", False), ("origin", "FUND_RULE")),
                    ("origin", "SWEEP"),
                    models.Q(
                        models.Q(("origin", "FUND_RULE"), _negated=True),
                        ("fund_finding__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="finding_of_its_rule",
            ),
        ),
        migrations.AddConstraint(
            model_name="finding",
            constraint=models.UniqueConstraint(
                condition=models.Q(
                    ("household__isnull", False), ("origin", "SWEEP"), ("fund_finding", None)
                ),
                fields=("parent", "household"),
                name="finding_like_household_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="finding",
            constraint=models.UniqueConstraint(
                condition=models.Q(
                    ("origin", "SWEEP"), ("project__isnull", False), ("fund_finding", None)
                ),
                fields=("parent", "project"),
                name="finding_like_project_once",
            ),
        ),
        migrations.CreateModel(
            name="Sweep",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "finding",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="sweeps",
                        to="inspections.finding",
                        verbose_name="问题",
                    ),
                ),
                (
                    "subject",
                    models.CharField(
                        choices=[
                            ("REGISTER", "贫困户档案"),
                            ("PROJECTS", "项目"),
                            ("FUNDS", "资金规则疑点"),
                        ],
                        max_length=8,
                        verbose_name="查找范围",
                    ),
                ),
                ("year", models.PositiveSmallIntegerField(null=True, verbose_name="年度")),
                ("terms", models.JSONField(verbose_name="条件")),
                ("words", models.CharField(max_length=500, verbose_name="条件说明")),
                (
                    "region",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="villages.region",
                        verbose_name="区划",
                    ),
                ),
                ("region_code", models.CharField(max_length=12, verbose_name="区划代码")),
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
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        verbose_name="建立时间",
                    ),
                ),
            ],
            options={
                "verbose_name": "举一反三",
                "indexes": [models.Index(fields=["region_code", "-id"], name="sweep_scope")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("subject__in", ["REGISTER", "PROJECTS", "FUNDS"]),
                            models.Q(("words", ""), _negated=True),
                            models.Q(("terms", {}), _negated=True),
                        ),
                        name="sweep_says_what",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("subject", "REGISTER"), _negated=True),
                            ("year__isnull", False),
                            _connector="OR",
                        ),
                        name="sweep_of_a_year",
                    ),
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="sweep",
            constraint=models.UniqueConstraint(
                fields=("id", "region_code"), name="sweep_id_region"
            ),
        ),
        migrations.CreateModel(
            name="SweepRun",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "sweep",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="runs",
                        to="inspections.sweep",
                        verbose_name="举一反三",
                    ),
                ),
                ("region_code", models.CharField(max_length=12, verbose_name="区划代码")),
                ("on", models.DateField(db_column="ran_on", verbose_name="日期")),
                ("matched", models.PositiveIntegerField(verbose_name="符合条件（项）")),
                ("fresh", models.PositiveIntegerField(verbose_name="新增（项）")),
                ("counties", models.JSONField(default=dict, verbose_name="分县")),
                ("digest", models.CharField(max_length=64, verbose_name="摘要")),
                (
                    "created_by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="查找人",
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        verbose_name="查找时间",
                    ),
                ),
            ],
            options={
                "verbose_name": "举一反三查找",
                "indexes": [
                    models.Index(fields=["sweep", "-id"], name="sweep_run_last"),
                    models.Index(fields=["region_code"], name="sweep_run_scope"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("digest__regex", "^[0-9a-f]{64}$"), ("fresh__lte", models.F("matched"))
                        ),
                        name="sweep_run_counts",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SweepMatch",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "sweep",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="matches",
                        to="inspections.sweep",
                        verbose_name="举一反三",
                    ),
                ),
                (
                    "first",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inspections.sweeprun",
                        verbose_name="首次查到",
                    ),
                ),
                (
                    "last",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="matches",
                        to="inspections.sweeprun",
                        verbose_name="最近查到",
                    ),
                ),
                (
                    "region",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="villages.region",
                        verbose_name="所在区划",
                    ),
                ),
                ("region_code", models.CharField(max_length=12, verbose_name="区划代码")),
                (
                    "household",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="households.household",
                        verbose_name="农户",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="projects.project",
                        verbose_name="项目",
                    ),
                ),
                (
                    "fund_finding",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="funds.fundfinding",
                        verbose_name="资金疑点",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("OPEN", "待处理"),
                            ("OPENED", "已列入台账"),
                            ("KNOWN", "台账已有"),
                            ("DISMISSED", "不予列入"),
                        ],
                        default="OPEN",
                        max_length=9,
                        verbose_name="处理",
                    ),
                ),
                (
                    "finding",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inspections.finding",
                        verbose_name="台账问题",
                    ),
                ),
                (
                    "reason",
                    models.CharField(blank=True, max_length=300, verbose_name="不予列入的理由"),
                ),
                ("decided_on", models.DateField(null=True, verbose_name="处理日期")),
                (
                    "decided_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="处理人",
                    ),
                ),
            ],
            options={
                "verbose_name": "举一反三所查到的",
                "indexes": [
                    models.Index(fields=["region_code", "sweep"], name="sweep_match_scope"),
                    models.Index(
                        fields=["sweep", "last", "state", "id"], name="sweep_match_standing"
                    ),
                    models.Index(
                        condition=models.Q(("finding__isnull", False)),
                        fields=["finding"],
                        name="sweep_match_finding",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("fund_finding__isnull", True),
                                ("household__isnull", False),
                                ("project__isnull", True),
                            ),
                            models.Q(
                                ("fund_finding__isnull", True),
                                ("household__isnull", True),
                                ("project__isnull", False),
                            ),
                            models.Q(
                                ("fund_finding__isnull", False),
                                ("household__isnull", True),
                                ("project__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="sweep_match_is_something",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("household__isnull", False)),
                        fields=("sweep", "household"),
                        name="sweep_match_household_once",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("project__isnull", False)),
                        fields=("sweep", "project"),
                        name="sweep_match_project_once",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("fund_finding__isnull", False)),
                        fields=("sweep", "fund_finding"),
                        name="sweep_match_fund_finding_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("decided_by", None),
                                ("decided_on", None),
                                ("finding", None),
                                ("reason", ""),
                                ("state", "OPEN"),
                            ),
                            models.Q(
                                ("decided_by__isnull", False),
                                ("decided_on__isnull", False),
                                models.Q(
                                    models.Q(
                                        ("finding__isnull", False),
                                        ("state__in", ("OPENED", "KNOWN")),
                                        ("reason", ""),
                                    ),
                                    models.Q(
                                        ("finding", None),
                                        ("state", "DISMISSED"),
                                        models.Q(("reason", ""), _negated=True),
                                    ),
                                    _connector="OR",
                                ),
                            ),
                            _connector="OR",
                        ),
                        name="sweep_match_decided_whole",
                    ),
                ],
            },
        ),
    ]
