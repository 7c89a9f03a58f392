from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0003_exports")]

    operations = [
        migrations.AddField(
            model_name="job",
            name="phase_since",
            field=models.DateTimeField(null=True, verbose_name="当前步骤开始时间"),
        ),
    ]
