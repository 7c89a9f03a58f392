"""Searches kept by name, shared within an office, and the columns somebody chose."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

_NOW = django.db.models.functions.datetime.Now
_LISTINGS = [("households", "贫困户档案"), ("persons", "贫困人口")]

# Row security lets an office see a shared view; nobody but its owner changes or removes it.
ONLY_THE_OWNER = """
CREATE FUNCTION saved_view_of_its_owner() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    who text := coalesce(current_setting('povertyops.user', true), '');
BEGIN
    IF TG_OP <> 'INSERT' AND who NOT IN ('', 'maintenance', OLD.owner_id::text)
       OR TG_OP <> 'DELETE' AND who NOT IN ('', 'maintenance', NEW.owner_id::text) THEN
        RAISE EXCEPTION 'a saved view is changed by its owner' USING ERRCODE = 'check_violation';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $body$;
CREATE TRIGGER of_its_owner BEFORE INSERT OR UPDATE OR DELETE ON households_savedview
    FOR EACH ROW EXECUTE FUNCTION saved_view_of_its_owner();
"""
UNDO = """
DROP TRIGGER of_its_owner ON households_savedview;
DROP FUNCTION saved_view_of_its_owner();
"""


def _owner(label: str) -> models.ForeignKey:
    return models.ForeignKey(
        db_index=False,
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        to=settings.AUTH_USER_MODEL,
        verbose_name=label,
    )


class Migration(migrations.Migration):
    dependencies = [
        ("households", "0014_attachments"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="SavedView",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("listing", models.CharField(choices=_LISTINGS, max_length=12, verbose_name="清单")),
                ("name", models.CharField(max_length=30, verbose_name="名称")),
                ("query", models.CharField(blank=True, max_length=2000, verbose_name="条件")),
                ("is_shared", models.BooleanField(default=False, verbose_name="本单位共用")),
                ("region_prefix", models.CharField(blank=True, max_length=12, verbose_name="区划前缀")),
                ("department", models.CharField(blank=True, max_length=100, verbose_name="责任部门")),
                ("created_at", models.DateTimeField(db_default=_NOW(), verbose_name="建立时间")),
                ("changed_at", models.DateTimeField(db_default=_NOW(), verbose_name="更新时间")),
                ("owner", _owner("建立人")),
            ],
            options={
                "verbose_name": "常用视图",
                "constraints": [
                    models.UniqueConstraint(fields=("owner", "listing", "name"), name="saved_view_name"),
                    models.CheckConstraint(condition=models.Q(("listing__in", ["households", "persons"]), models.Q(("name", ""), _negated=True)), name="saved_view_named"),
                    models.CheckConstraint(condition=models.Q(("is_shared", False), models.Q(("region_prefix", ""), _negated=True), _connector="OR"), name="saved_view_shared_where"),
                    models.CheckConstraint(condition=models.Q(("query__regex", "(^|&)q="), _negated=True), name="saved_view_without_words"),
                ],
                "indexes": [
                    models.Index(condition=models.Q(("is_shared", True)), fields=["region_prefix", "department"], name="saved_view_office"),
                ],
            },
        ),
        migrations.CreateModel(
            name="ChosenColumns",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("listing", models.CharField(choices=_LISTINGS, max_length=12, verbose_name="清单")),
                ("columns", django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=60), size=None, verbose_name="列")),
                ("owner", _owner("用户")),
            ],
            options={
                "verbose_name": "自选列",
                "constraints": [
                    models.UniqueConstraint(fields=("owner", "listing"), name="chosen_columns_once"),
                ],
            },
        ),
        migrations.RunSQL(ONLY_THE_OWNER, UNDO),
    ]
