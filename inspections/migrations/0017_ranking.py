from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("inspections", "0016_complaints_never")]

    operations = []
