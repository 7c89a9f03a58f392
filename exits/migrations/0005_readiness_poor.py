"""Households still poor by place: an index of their own, with what they lack."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('exits', '0004_exit_states'),
        ('households', '0017_bars_new'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='householdreadiness',
            index=models.Index(condition=models.Q(('is_poor', True)), fields=['partition', 'standard', 'village_code'], include=('household', 'not_met', 'missing'), name='household_readiness_poor'),
        ),
    ]
