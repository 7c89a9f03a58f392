from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("households", "0009_finding")]
    operations = []
