"""How counties are scored by quarter, and the rankings that were made public."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from core.ddl import append_only, code_kept_true


SEALED = """
-- Items come with their rule and rows with their run, in one transaction; nothing is added afterwards.
CREATE FUNCTION inspections_score_item_with_rule() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
BEGIN
    IF NOT EXISTS (SELECT FROM inspections_scoringrule
                    WHERE id = NEW.rule_id AND created_at >= now()) THEN
        RAISE EXCEPTION 'rule %: is settled', NEW.rule_id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER with_rule BEFORE INSERT ON inspections_scoreitem
    FOR EACH ROW EXECUTE FUNCTION inspections_score_item_with_rule();
CREATE FUNCTION inspections_ranking_row_with_run() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
BEGIN
    IF NOT EXISTS (SELECT FROM inspections_rankingrun
                    WHERE id = NEW.run_id AND published_at >= now()) THEN
        RAISE EXCEPTION 'ranking %: is public', NEW.run_id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER with_run BEFORE INSERT ON inspections_rankingrow
    FOR EACH ROW EXECUTE FUNCTION inspections_ranking_row_with_run();
"""
UNSEALED = """
DROP FUNCTION inspections_ranking_row_with_run() CASCADE;
DROP FUNCTION inspections_score_item_with_rule() CASCADE;
"""


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("inspections", "0016_complaints_never"),
    ]

    operations = [
        migrations.CreateModel(
            name='ScoringRule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('region_prefix', models.CharField(max_length=12, verbose_name='区划前缀')),
                ('valid_from', models.DateField(verbose_name='自')),
                ('source', models.CharField(max_length=200, verbose_name='依据')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='设置时间')),
                ('created_by', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='设置人')),
            ],
            options={
                'verbose_name': '评分办法',
                'constraints': [
                    models.CheckConstraint(condition=models.Q(('source', ''), _negated=True), name='scoring_has_a_source'),
                    models.UniqueConstraint(fields=('region_prefix', 'valid_from'), name='scoring_once'),
                ],
            },
        ),
        migrations.CreateModel(
            name='ScoreItem',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('figure', models.CharField(choices=[('CLOSING', '销号率（％）'), ('OVERDUE', '逾期率（％）'), ('DAYS', '平均整改天数（天）'), ('LETTERS', '督办、问责文书率（％）'), ('RELAPSE', '复查反弹率（％）')], max_length=8, verbose_name='指标')),
                ('points', models.DecimalField(decimal_places=2, max_digits=5, verbose_name='满分')),
                ('full_at', models.DecimalField(decimal_places=2, max_digits=7, verbose_name='得满分的值')),
                ('zero_at', models.DecimalField(decimal_places=2, max_digits=7, verbose_name='不得分的值')),
                ('rule', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='items', to='inspections.scoringrule', verbose_name='评分办法')),
            ],
            options={
                'verbose_name': '评分项',
                'constraints': [
                    models.CheckConstraint(condition=models.Q(('figure__in', ['CLOSING', 'OVERDUE', 'DAYS', 'LETTERS', 'RELAPSE']), ('points__gt', 0), models.Q(('full_at', models.F('zero_at')), _negated=True)), name='score_item_scores'),
                    models.UniqueConstraint(fields=('rule', 'figure'), name='score_item_once'),
                ],
            },
        ),
        migrations.CreateModel(
            name='RankingRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('region_code', models.CharField(max_length=12, verbose_name='区划代码')),
                ('year', models.PositiveSmallIntegerField(verbose_name='年度')),
                ('quarter', models.PositiveSmallIntegerField(verbose_name='季度')),
                ('published_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='公布时间')),
                ('published_by', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='公布人')),
                ('region', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='villages.region', verbose_name='城市')),
                ('rule', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inspections.scoringrule', verbose_name='评分办法')),
            ],
            options={
                'verbose_name': '季度排名',
                'constraints': [
                    models.CheckConstraint(condition=models.Q(('quarter__gte', 1), ('quarter__lte', 4)), name='ranking_of_a_quarter'),
                    models.UniqueConstraint(fields=('region', 'year', 'quarter'), name='ranking_once'),
                ],
            },
        ),
        migrations.CreateModel(
            name='RankingRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('county_code', models.CharField(max_length=12, verbose_name='县代码')),
                ('name', models.CharField(max_length=60, verbose_name='县区')),
                ('rank', models.PositiveSmallIntegerField(null=True, verbose_name='名次')),
                ('points', models.DecimalField(decimal_places=4, max_digits=8, null=True, verbose_name='得分')),
                ('parts', models.JSONField(verbose_name='各项')),
                ('run', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='rows', to='inspections.rankingrun', verbose_name='季度排名')),
            ],
            options={
                'verbose_name': '县区名次',
                'constraints': [models.UniqueConstraint(fields=('run', 'county_code'), name='ranking_county_once'), models.CheckConstraint(condition=models.Q(models.Q(('points__isnull', True), ('rank__isnull', True)), models.Q(('points__gte', 0), ('rank__gte', 1)), _connector='OR'), name='ranking_row_whole')],
            },
        ),
        code_kept_true(
            "inspections_rankingrun", "region_id", "region_code", "villages_region",
            target_code="code",
        ),
        append_only("inspections_scoringrule"),
        append_only("inspections_scoreitem"),
        append_only("inspections_rankingrun", except_column="region_code"),
        append_only("inspections_rankingrow"),
        migrations.RunSQL(SEALED, UNSEALED),
    ]

