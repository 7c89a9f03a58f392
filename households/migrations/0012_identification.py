from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("households", "0011_changes")]
    operations = []
