"""The scope index carries the facts that lists are counted by."""

from django.db import migrations, models

from core.ddl import code_kept_true

# The key of persons' years points at the index that is replaced, so it steps aside meanwhile.
KEY = code_kept_true(
    "households_personyear",
    "partition_id, household_id",
    "village_code",
    "households_householdyear",
    target_key="partition_id, household_id",
    target_code="village_code",
)


class Migration(migrations.Migration):
    dependencies = [("households", "0002_never")]

    operations = [
        migrations.RunSQL(KEY.reverse_sql, KEY.sql),
        migrations.RemoveConstraint("householdyear", "household_year_scope"),
        migrations.AddConstraint(
            "householdyear",
            models.UniqueConstraint(
                fields=("partition", "village_code", "household"),
                include=(
                    "exit_status",
                    "exit_year",
                    "main_cause",
                    "household_attribute",
                    "net_income_per_capita",
                    "head_name",
                ),
                name="household_year_scope",
            ),
        ),
        KEY,
    ]
