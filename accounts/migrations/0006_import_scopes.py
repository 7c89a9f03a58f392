"""Other systems may hand workbooks in: what they write is confirmed by a second person as well."""

from importlib import import_module

from django.db import migrations, models

_OF_PERSONS = "NEW.resource IN ('households', 'persons')"
_GUARD = import_module("accounts.migrations.0005_confirmed_scopes").GUARD
GUARD = _GUARD.replace(_OF_PERSONS, "NEW.resource IN ('households', 'persons', 'imports')")


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_confirmed_scopes")]

    operations = [
        migrations.AlterField(
            model_name="clientscope",
            name="resource",
            field=models.CharField(
                choices=[
                    ("regions", "行政区划"),
                    ("households", "户"),
                    ("persons", "人"),
                    ("snapshots", "指标值及凭据"),
                    ("metrics", "指标汇总"),
                    ("imports", "导入批次"),
                ],
                max_length=20,
                verbose_name="资源",
            ),
        ),
        migrations.RunSQL(GUARD, _GUARD),
    ]
