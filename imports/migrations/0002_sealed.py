"""What stood in a cell is sealed: any cell may quote a number."""

import core.fields
from core import sealing
from django.db import migrations

PROBLEM = (sealing.salted("value", "t.value", sealed_as="problem"),)


def seal_rows(_apps: object, _editor: object) -> None:
    # Previews stage again; what was staged before is plain.
    with sealing.connection.cursor() as cursor:
        cursor.execute("SELECT format('staging.%I', tablename) FROM pg_tables WHERE schemaname = 'staging'")
        for (table,) in cursor.fetchall():
            cursor.execute(f"DROP TABLE {table} CASCADE")
    sealing.seal_table("imports_problem", PROBLEM, salt="t.row_no::text")


class Migration(migrations.Migration):
    dependencies = [("imports", "0001_batches")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunPython(seal_rows),
                migrations.RunSQL(sealing.only_sealed("imports_problem", "value")),
            ],
            state_operations=[
                migrations.AlterField("problem", "value", core.fields.Secret(blank=True, default="", max_length=200, null=True, verbose_name="原值")),
            ],
        ),
    ]
