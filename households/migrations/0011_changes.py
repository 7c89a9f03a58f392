from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("households", "0010_drafts")]
    operations = []
