"""The list of problems in its own order and the card of a dashboard, without sorting or row visits."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("inspections", "0018_finding_workbooks")]

    operations = [
        migrations.AddIndex(
            model_name='finding',
            index=models.Index(condition=models.Q(('state__in', ('CLOSED', 'WATCHED', 'MERGED', 'SPLIT'))), fields=['due_on', 'id'], name='finding_done'),
        ),
        migrations.AddIndex(
            model_name='finding',
            index=models.Index(condition=models.Q(('state__in', ('FOUND', 'ASSIGNED', 'MEASURED', 'CLAIMED', 'VERIFIED', 'RETURNED'))), fields=['region_code'], include=('state', 'due_on', 'rung'), name='finding_open'),
        ),
    ]
