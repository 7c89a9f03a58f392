from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("inspections", "0012_sweeps_never")]

    operations = []
