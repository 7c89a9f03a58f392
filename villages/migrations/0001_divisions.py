import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
from django.contrib.postgres.operations import BtreeGistExtension
from django.db import migrations, models

from core.ddl import append_only, code_kept_true


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        # "a code once at a time" compares a code and a range in one index
        BtreeGistExtension(),
        migrations.CreateModel(
            name='Region',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(max_length=12, verbose_name='统计用区划代码')),
                ('name', models.CharField(max_length=60, verbose_name='名称')),
                ('level', models.CharField(choices=[('province', '省'), ('city', '市'), ('county', '县'), ('town', '乡镇'), ('village', '村')], max_length=8, verbose_name='级别')),
                ('unit_kind', models.CharField(blank=True, max_length=10, verbose_name='单位类别')),
                ('statistical_only', models.BooleanField(default=False, verbose_name='仅用于统计')),
                ('valid_from', models.DateField(null=True, verbose_name='生效日期')),
                ('valid_to', models.DateField(null=True, verbose_name='失效日期')),
                ('source', models.CharField(max_length=200, verbose_name='来源')),
                ('parent', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='children', to='villages.region', verbose_name='上级')),
            ],
            options={
                'verbose_name': '行政区划',
                'ordering': ['code', 'valid_from'],
                'indexes': [
                    models.Index(fields=['code'], name='region_code'),
                    models.Index(fields=['name', 'level'], name='region_name'),
                ],
                'constraints': [
                    models.CheckConstraint(condition=models.Q(('code__regex', '^[0-9]{12}$')), name='region_code_12_digits'),
                    models.CheckConstraint(condition=models.Q(('valid_from__isnull', True), ('valid_to__isnull', True), ('valid_to__gt', models.F('valid_from')), _connector='OR'), name='region_ends_after_start'),
                    models.CheckConstraint(condition=models.Q(('code__endswith', '000'), ('level', 'village'), _negated=True), name='region_village_code'),
                    django.contrib.postgres.constraints.ExclusionConstraint(expressions=[('code', '='), (models.Func(models.F('valid_from'), models.F('valid_to'), models.Value('[)'), function='daterange', output_field=django.contrib.postgres.fields.ranges.DateRangeField()), '&&')], name='region_code_once_at_a_time'),
                ],
            },
        ),
        migrations.CreateModel(
            name='PopulationBase',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('region_code', models.CharField(max_length=12, verbose_name='区划代码')),
                ('year', models.PositiveSmallIntegerField(verbose_name='年度')),
                ('basis', models.CharField(choices=[('agri_hukou', '农业户籍人口'), ('rural', '乡村总人口')], max_length=12, verbose_name='口径')),
                ('persons', models.PositiveIntegerField(verbose_name='人数（人）')),
                ('source', models.CharField(max_length=200, verbose_name='来源')),
                ('region', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='villages.region', verbose_name='区划')),
            ],
            options={
                'verbose_name': '人口基数',
                'indexes': [
                    models.Index(fields=['year', 'region_code'], name='population_base_scope'),
                ],
                'constraints': [
                    models.UniqueConstraint(fields=('region', 'year', 'basis'), name='population_base_once'),
                    models.CheckConstraint(condition=models.Q(('year__gte', 2010), ('year__lte', 2100)), name='population_base_year'),
                    models.CheckConstraint(condition=models.Q(('source', ''), _negated=True), name='population_base_has_source'),
                ],
            },
        ),
        migrations.CreateModel(
            name='CountyYear',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('region_code', models.CharField(max_length=12, verbose_name='区划代码')),
                ('year', models.PositiveSmallIntegerField(verbose_name='年度')),
                ('poverty_level', models.CharField(choices=[('national', '国家级贫困县'), ('provincial', '省级贫困县'), ('none', '非贫困县')], max_length=10, verbose_name='贫困县类别')),
                ('area', models.CharField(choices=[('central', '中部地区'), ('western', '西部地区')], max_length=8, verbose_name='所属地区')),
                ('is_deep_poverty', models.BooleanField(default=False, verbose_name='深度贫困县')),
                ('planned_exit_year', models.PositiveSmallIntegerField(null=True, verbose_name='计划退出年度')),
                ('exited_year', models.PositiveSmallIntegerField(null=True, verbose_name='退出年度')),
                ('source', models.CharField(max_length=200, verbose_name='来源')),
                ('region', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='villages.region', verbose_name='县')),
            ],
            options={
                'verbose_name': '县年度信息',
                'indexes': [
                    models.Index(fields=['year', 'region_code'], name='county_year_scope'),
                ],
                'constraints': [
                    models.UniqueConstraint(fields=('region', 'year'), name='county_year_once'),
                    models.CheckConstraint(condition=models.Q(('year__gte', 2010), ('year__lte', 2100)), name='county_year_range'),
                    models.CheckConstraint(condition=models.Q(('exited_year__isnull', True), ('exited_year__lte', models.F('year')), _connector='OR'), name='county_exit_not_in_future'),
                    models.CheckConstraint(condition=models.Q(models.Q(('poverty_level', 'none'), _negated=True), ('exited_year__isnull', True), _connector='OR'), name='county_exit_needs_poor_county'),
                ],
            },
        ),
        migrations.CreateModel(
            name='RegionList',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('prefix', models.CharField(max_length=6, verbose_name='区划前缀')),
                ('level', models.CharField(choices=[('province', '省'), ('city', '市'), ('county', '县'), ('town', '乡镇'), ('village', '村')], max_length=8, verbose_name='级别')),
                ('as_of', models.DateField(verbose_name='截止日期')),
                ('row_count', models.PositiveIntegerField(verbose_name='行数')),
                ('source', models.CharField(max_length=200, verbose_name='来源')),
            ],
            options={
                'verbose_name': '区划清单',
                'ordering': ['as_of', 'prefix', 'level'],
                'constraints': [models.UniqueConstraint(fields=('prefix', 'level', 'as_of'), name='region_list_once')],
            },
        ),
        migrations.CreateModel(
            name='RegionSuccession',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('renamed', '更名'), ('recoded', '变更代码'), ('recoded_renamed', '变更代码并更名'), ('merged', '合并'), ('split', '拆分')], max_length=16, verbose_name='变更类型')),
                ('effective_on', models.DateField(verbose_name='变更日期')),
                ('source', models.CharField(max_length=200, verbose_name='来源')),
                ('new', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='predecessors', to='villages.region', verbose_name='现区划')),
                ('old', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='successors', to='villages.region', verbose_name='原区划')),
            ],
            options={
                'verbose_name': '区划沿革',
                'constraints': [
                    models.UniqueConstraint(fields=('old', 'new'), name='succession_once'),
                    models.CheckConstraint(condition=models.Q(('old', models.F('new')), _negated=True), name='succession_to_another'),
                ],
            },
        ),
        migrations.CreateModel(
            name='VillageYear',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('region_code', models.CharField(max_length=12, verbose_name='区划代码')),
                ('year', models.PositiveSmallIntegerField(verbose_name='年度')),
                ('is_poor_village', models.BooleanField(default=False, verbose_name='贫困村')),
                ('is_deep_poverty', models.BooleanField(default=False, verbose_name='深度贫困村')),
                ('exited_year', models.PositiveSmallIntegerField(null=True, verbose_name='出列年度')),
                ('source', models.CharField(max_length=200, verbose_name='来源')),
                ('region', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='villages.region', verbose_name='村')),
            ],
            options={
                'verbose_name': '村年度信息',
                'indexes': [
                    models.Index(fields=['year', 'region_code'], name='village_year_scope'),
                ],
                'constraints': [
                    models.UniqueConstraint(fields=('region', 'year'), name='village_year_once'),
                    models.CheckConstraint(condition=models.Q(('year__gte', 2010), ('year__lte', 2100)), name='village_year_range'),
                    models.CheckConstraint(condition=models.Q(('exited_year__isnull', True), models.Q(('exited_year__lte', models.F('year')), ('is_poor_village', True)), _connector='OR'), name='village_exit_of_a_poor_village'),
                ],
            },
        ),
        migrations.AddConstraint(
            model_name='region',
            constraint=models.UniqueConstraint(fields=('id', 'code'), name='region_id_code'),
        ),
        *(
            code_kept_true(table, "region_id", "region_code", "villages_region", target_code="code")
            for table in ("villages_countyyear", "villages_villageyear", "villages_populationbase")
        ),
        append_only("villages_regionsuccession"),
    ]
