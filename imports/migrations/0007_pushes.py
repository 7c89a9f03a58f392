import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0006_import_scopes"), ("imports", "0005_undo")]

    operations = [
        migrations.AddField(
            model_name="layout",
            name="retired_at",
            field=models.DateTimeField(null=True, verbose_name="停用时间"),
        ),
        migrations.CreateModel(
            name="Push",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.CharField(blank=True, max_length=100, verbose_name="幂等键")),
                ("body_print", models.CharField(max_length=64, verbose_name="内容指纹")),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        verbose_name="推送时间",
                    ),
                ),
                (
                    "batch",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="push",
                        to="imports.batch",
                        verbose_name="批次",
                    ),
                ),
                (
                    "client",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.machineclient",
                        verbose_name="接口客户端",
                    ),
                ),
            ],
            options={
                "verbose_name": "接口推送",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("key", ""), _negated=True),
                        fields=("client", "key"),
                        name="push_once_per_key",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("body_print__regex", "^[0-9a-f]{64}$")),
                        name="push_body_print",
                    ),
                ],
            },
        ),
    ]
