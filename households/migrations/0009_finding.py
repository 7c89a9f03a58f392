from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("households", "0008_bookings_outlive_rows")]
    operations = []
