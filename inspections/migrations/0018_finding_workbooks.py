import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from core.ddl import append_only, code_kept_true


class Migration(migrations.Migration):
    dependencies = [
        ("inspections", "0017_ranking"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='CampaignPaper',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('region_code', models.CharField(max_length=12, verbose_name='区划代码')),
                ('note', models.CharField(blank=True, max_length=100, verbose_name='说明')),
                ('media_type', models.CharField(max_length=20, verbose_name='文件类型')),
                ('sha256', models.CharField(max_length=64, verbose_name='文件摘要')),
                ('size', models.PositiveIntegerField(verbose_name='大小（字节）')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='上传时间')),
                ('campaign', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='papers', to='inspections.campaign', verbose_name='检查')),
                ('created_by', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='上传人')),
            ],
            options={
                'verbose_name': '检查文件',
                'indexes': [models.Index(fields=['region_code'], name='campaign_paper_scope')],
                'constraints': [models.CheckConstraint(condition=models.Q(('sha256__regex', '^[0-9a-f]{64}$'), ('size__gte', 1), ('media_type__in', ('image/jpeg', 'image/png', 'application/pdf'))), name='campaign_paper_is_a_file'), models.UniqueConstraint(fields=('campaign', 'sha256'), name='campaign_paper_once')],
            },
        ),
        migrations.CreateModel(
            name='FindingWorkbook',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('region_code', models.CharField(max_length=12, verbose_name='区划代码')),
                ('lines', models.JSONField(verbose_name='行')),
                ('made', models.PositiveIntegerField(null=True, verbose_name='新增问题')),
                ('known', models.PositiveIntegerField(null=True, verbose_name='已有问题')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='上传时间')),
                ('campaign', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='workbooks', to='inspections.campaign', verbose_name='检查')),
                ('created_by', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='上传人')),
            ],
            options={
                'verbose_name': '问题工作簿',
                'indexes': [models.Index(fields=['region_code'], name='finding_workbook_scope'), models.Index(fields=['campaign', 'created_by'], name='finding_workbook_owner')],
            },
        ),
        *(
            code_kept_true(
                f"inspections_{table}", "campaign_id", "region_code", "inspections_campaign",
                target_code="region_code",
            )
            for table in ("campaignpaper", "findingworkbook")
        ),
        append_only("inspections_campaignpaper", except_column="region_code"),
    ]  # fmt: skip
