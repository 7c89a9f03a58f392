from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("inspections", "0014_gaps_never")]

    operations = []
