"""Entries in the making, entries that were written, and where a document number is registered."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import core.fields
from core import sealing
from core.ddl import append_only, code_kept_true

# Which village a number is registered in, for whoever enters it a second time: the village, whether
# the person stands in that year, and nothing else of the row. `but` are the household's own members.
HELD = """
CREATE FUNCTION documents_held(indexes bytea[], of_year int, but text[])
RETURNS TABLE (id_index bytea, village_code text, is_of_year boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $body$
    SELECT p.id_index, coalesce(y.village_code, p.village_code)::text, y.id IS NOT NULL
      FROM households_person p
      LEFT JOIN households_personyear y ON y.person_id = p.id AND y.partition_id = of_year
     WHERE p.id_index = ANY(indexes) AND p.person_no <> ALL(but)
$body$;
REVOKE ALL ON FUNCTION documents_held(bytea[], int, text[]) FROM PUBLIC;
"""
UNDO_HELD = "DROP FUNCTION documents_held(bytea[], int, text[])"


def _key(to: str, label: str, **more: object) -> models.ForeignKey:
    return models.ForeignKey(
        db_index=False,
        on_delete=django.db.models.deletion.PROTECT,
        to=to,
        verbose_name=label,
        **more,
    )


_NOW = django.db.models.functions.datetime.Now


class Migration(migrations.Migration):
    dependencies = [
        ("households", "0009_finding"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Draft",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.UUIDField(unique=True, verbose_name="请求标识")),
                ("village_code", models.CharField(max_length=12, verbose_name="村代码")),
                ("seq", models.PositiveIntegerField(default=0, verbose_name="序号")),
                ("payload", core.fields.Secret(blank=True, default="", null=True, verbose_name="录入内容")),
                ("version", models.TextField(blank=True, default="", verbose_name="所依据的版本")),
                ("created_at", models.DateTimeField(db_default=_NOW(), verbose_name="建立时间")),
                ("changed_at", models.DateTimeField(db_default=_NOW(), verbose_name="更新时间")),
                ("household", _key("households.household", "贫困户", null=True, db_constraint=False, related_name="drafts")),
                ("owner", _key(settings.AUTH_USER_MODEL, "录入人", related_name="+")),
                ("partition", _key("households.partition", "年度")),
            ],
            options={
                "verbose_name": "草稿",
                "constraints": [
                    models.UniqueConstraint(condition=models.Q(("household__isnull", False)), fields=("owner", "household", "partition"), name="draft_one_a_household_and_year"),
                ],
                "indexes": [
                    models.Index(fields=["owner", "-changed_at"], name="draft_of_owner"),
                    models.Index(fields=["changed_at"], name="draft_by_age"),
                    models.Index(condition=models.Q(("household__isnull", False)), fields=["household"], name="draft_household"),
                ],
            },
        ),
        migrations.CreateModel(
            name="WrittenEdit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.UUIDField(unique=True, verbose_name="请求标识")),
                ("village_code", models.CharField(max_length=12, verbose_name="村代码")),
                ("created_at", models.DateTimeField(db_default=_NOW(), verbose_name="写入时间")),
                ("created_by", _key(settings.AUTH_USER_MODEL, "录入人", related_name="+")),
                ("household", _key("households.household", "贫困户", db_constraint=False, related_name="+")),
                ("partition", _key("households.partition", "年度")),
            ],
            options={
                "verbose_name": "已写入的录入",
                "indexes": [models.Index(fields=["household"], name="written_edit_household")],
            },
        ),
        code_kept_true("households_draft", "household_id", "village_code", "households_household", target_code="village_code"),
        code_kept_true("households_writtenedit", "household_id", "village_code", "households_household", target_code="village_code"),
        append_only("households_writtenedit", except_column="village_code"),
        # Dropped with its table.
        migrations.RunSQL(sealing.only_sealed("households_draft", "payload"), migrations.RunSQL.noop),
        migrations.RunSQL(HELD, UNDO_HELD),
    ]
