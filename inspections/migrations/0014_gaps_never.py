from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("inspections", "0013_gaps")]

    operations = []
