"""Flows by month, kept by the voucher that is posted; month-ends as they were told."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from core.ddl import append_only, code_kept_true

# What the entries of vouchers do to a month of an account; {which} narrows the vouchers, {own} and
# {back} are their rows. What comes back is taken from the month in which it went in.
FLOWS = """
INSERT INTO funds_monthflow AS f
    (account_id, region_code, holder_id, source_id, year, kind, month, net, came)
SELECT a.id, a.region_code,
       (SELECT min(h.id) FROM funds_account h
         WHERE h.source_id = a.source_id AND h.kind = a.kind AND h.region_id = a.region_id
           AND h.unit = a.unit AND h.project_id IS NOT DISTINCT FROM a.project_id),
       a.source_id, s.year, a.kind, told.month, sum(told.net), sum(told.came)
  FROM (
       SELECT e.account_id, date_trunc('month', v.taken_on)::date AS month, e.amount AS net,
              CASE WHEN v.kind IN ('ARRIVE', 'ALLOCATE', 'PAY') THEN greatest(e.amount, 0)
                   ELSE 0 END AS came
         FROM funds_voucher v JOIN funds_entry e ON e.voucher_id = v.id
        WHERE {which}
       UNION ALL
       SELECT e.account_id, date_trunc('month', b.taken_on)::date, 0, e.amount
         FROM funds_voucher v
         JOIN funds_voucher b ON b.id = v.reverses_id AND b.kind <> 'CARRY'
         JOIN funds_entry e ON e.voucher_id = v.id AND e.amount < 0
        WHERE {which}) AS told
  JOIN funds_account a ON a.id = told.account_id
  JOIN funds_source s ON s.id = a.source_id
 GROUP BY a.id, s.year, told.month
 ORDER BY a.id, told.month
    ON CONFLICT (account_id, month) DO UPDATE
   SET net = f.net + excluded.net, came = f.came + excluded.came
"""

TOTALS = """
INSERT INTO funds_monthtotal AS t
    (region_id, region_code, year, level, source_kind, batch, kind, month, net)
SELECT a.region_id, a.region_code, s.year, s.level, s.kind, s.batch, a.kind,
       date_trunc('month', v.taken_on)::date AS month, sum(e.amount)
  FROM funds_voucher v
  JOIN funds_entry e ON e.voucher_id = v.id
  JOIN funds_account a ON a.id = e.account_id
  JOIN funds_source s ON s.id = a.source_id
 WHERE {which}
 GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
 ORDER BY 1, 2, 3, 4, 5, 6, 7, 8
    ON CONFLICT (region_id, year, level, source_kind, batch, kind, month) DO UPDATE
   SET net = t.net + excluded.net
"""

KEPT = f"""
-- The accounts, and the counters of their divisions' years, are locked by the posting itself: two
-- postings never wait for one another here.
CREATE FUNCTION funds_month_kept() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
BEGIN
    {FLOWS.format(which="v.id = NEW.id")};
    {TOTALS.format(which="v.id = NEW.id")};
    RETURN NULL;
END $body$;
CREATE TRIGGER months AFTER UPDATE OF state ON funds_voucher
    FOR EACH ROW WHEN (NEW.state = 'POSTED' AND OLD.state <> 'POSTED')
    EXECUTE FUNCTION funds_month_kept();

-- Nobody writes here but the trigger above, and the cascade of a recoded division.
CREATE FUNCTION funds_month_guarded() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF pg_trigger_depth() = 1 THEN
        RAISE EXCEPTION 'flows by month follow from entries' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN coalesce(NEW, OLD);
END $body$;
"""
GUARD = "".join(
    f"CREATE TRIGGER guarded BEFORE INSERT OR UPDATE OR DELETE ON funds_{table}"
    " FOR EACH ROW EXECUTE FUNCTION funds_month_guarded();\n"
    for table in ("monthflow", "monthtotal")
)
UNDO = """
DROP FUNCTION funds_month_guarded() CASCADE;
DROP FUNCTION funds_month_kept() CASCADE;
"""


def money(label: str) -> "models.DecimalField":
    return models.DecimalField(decimal_places=2, max_digits=14, verbose_name=label)


class Migration(migrations.Migration):
    dependencies = [
        ("funds", "0005_rules"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.CreateModel(
            name="MonthFlow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("region_code", models.CharField(max_length=12, verbose_name="区划代码")),
                ("year", models.PositiveSmallIntegerField(verbose_name="预算年度")),
                ("kind", models.CharField(max_length=10, verbose_name="账户类型")),
                ("month", models.DateField(verbose_name="月份")),
                ("net", money("当月净额（元）")),
                ("came", money("当月流入（元）")),
                ("account", models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="months", to="funds.account", verbose_name="账户")),
                ("holder", models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="funds.account", verbose_name="最早的账户")),
                ("source", models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="funds.source", verbose_name="来源文件")),
            ],
            options={
                "verbose_name": "月度发生额",
                "indexes": [models.Index(fields=["year", "region_code", "month"], name="month_flow_scope")],
                "constraints": [
                    models.UniqueConstraint(fields=["account", "month"], name="month_flow_once"),
                    models.CheckConstraint(condition=models.Q(month__day=1), name="month_flow_of_a_month"),
                ],
            },
        ),
        migrations.CreateModel(
            name="MonthTotal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("region_code", models.CharField(max_length=12, verbose_name="区划代码")),
                ("year", models.PositiveSmallIntegerField(verbose_name="预算年度")),
                ("level", models.CharField(max_length=8, verbose_name="资金级次")),
                ("source_kind", models.CharField(max_length=4, verbose_name="资金类别")),
                ("batch", models.PositiveSmallIntegerField(verbose_name="批次")),
                ("kind", models.CharField(max_length=10, verbose_name="账户类型")),
                ("month", models.DateField(verbose_name="月份")),
                ("net", models.DecimalField(decimal_places=2, max_digits=18, verbose_name="当月净额（元）")),
                ("region", models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="villages.region", verbose_name="区划")),
            ],
            options={
                "verbose_name": "月度合计",
                "indexes": [models.Index(fields=["year", "region_code"], name="month_total_scope")],
                "constraints": [
                    models.UniqueConstraint(fields=["region", "year", "level", "source_kind", "batch", "kind", "month"], name="month_total_once"),
                    models.CheckConstraint(condition=models.Q(month__day=1), name="month_total_of_a_month"),
                ],
            },
        ),
        migrations.CreateModel(
            name="MonthFigure",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("region_code", models.CharField(max_length=12, verbose_name="区划代码")),
                ("year", models.PositiveSmallIntegerField(verbose_name="预算年度")),
                ("month", models.DateField(verbose_name="月份")),
                ("edition", models.PositiveSmallIntegerField(verbose_name="第几版")),
                ("category", models.CharField(blank=True, max_length=20, verbose_name="分类")),
                ("announced", models.BigIntegerField(verbose_name="下达（分）")),
                ("received", models.BigIntegerField(verbose_name="下达文件到位（分）")),
                ("arrived", models.BigIntegerField(verbose_name="到位（分）")),
                ("allotted", models.BigIntegerField(verbose_name="分配（分）")),
                ("paid", models.BigIntegerField(verbose_name="支出（分）")),
                ("entries", models.BigIntegerField(verbose_name="分录数")),
                ("digest", models.BigIntegerField(verbose_name="分录摘要")),
                ("data_version", models.BigIntegerField(verbose_name="数据版本")),
                ("reason", models.CharField(max_length=300, verbose_name="事由")),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name="编制时间")),
                ("created_by", models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL, verbose_name="编制人")),
            ],
            options={
                "verbose_name": "月末数",
                "constraints": [
                    models.UniqueConstraint(fields=["region_code", "year", "month", "edition", "category"], name="month_figure_once"),
                    models.CheckConstraint(
                        condition=models.Q(("edition__gte", 1), ("month__day", 1), models.Q(("reason", ""), _negated=True)),
                        name="month_figure_of_a_month",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("edition", 1), ("created_by__isnull", False), _connector="OR"),
                        name="month_figure_revised_by_somebody",
                    ),
                ],
            },
        ),
        code_kept_true(
            "funds_monthflow", "account_id", "region_code", "funds_account",
            target_code="region_code",
        ),
        migrations.RunSQL(KEPT, UNDO),
        code_kept_true(
            "funds_monthtotal", "region_id", "region_code", "villages_region", target_code="code"
        ),
        migrations.RunSQL(FLOWS.format(which="v.state = 'POSTED'"), migrations.RunSQL.noop),
        migrations.RunSQL(TOTALS.format(which="v.state = 'POSTED'"), migrations.RunSQL.noop),
        migrations.RunSQL(GUARD, migrations.RunSQL.noop),
        append_only("funds_monthfigure", except_column="region_code"),
    ]  # fmt: skip
