"""What is booked stays when the import that brought a household or person is undone."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("households", "0007_facts_of_all_layouts")]

    operations = [
        migrations.AlterField(
            model_name="statusevent",
            name="household",
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="events", to="households.household", verbose_name="贫困户"),
        ),
        migrations.AlterField(
            model_name="membershipevent",
            name="household",
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name="memberships", to="households.household", verbose_name="贫困户"),
        ),
        migrations.AlterField(
            model_name="membershipevent",
            name="person",
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name="memberships", to="households.person", verbose_name="人员"),
        ),
        migrations.AddIndex(
            model_name="formerplace",
            index=models.Index(fields=["person"], name="former_place_person"),
        ),
    ]
