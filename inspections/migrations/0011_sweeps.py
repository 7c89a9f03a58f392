from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("inspections", "0010_letter_templates")]

    operations = []
