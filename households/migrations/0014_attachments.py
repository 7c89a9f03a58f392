from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("households", "0013_bulk_acts")]
    operations = []
