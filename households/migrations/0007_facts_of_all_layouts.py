"""The facts of the exports from 2016 to 2023 that the register lacked, and spells of work."""

import core.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

from core.ddl import code_kept_true

# A closed year is closed for spells of work too, and whoever previews an import learns of a write.
GUARD = """
CREATE TRIGGER year_inserted AFTER INSERT ON households_workspell REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION register_year_changed();
CREATE TRIGGER year_updated AFTER UPDATE ON households_workspell
    REFERENCING NEW TABLE AS new_rows OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION register_year_changed();
CREATE TRIGGER year_deleted AFTER DELETE ON households_workspell
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION register_year_changed();
"""
# The facts of villages are loaded with the register's files now: their closed years are closed too.
# That a division is recoded changes none of them.
VILLAGES = """
CREATE FUNCTION village_year_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
DECLARE
    closed integer;
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT min(n.year) INTO closed FROM new_rows n
          JOIN households_partition p ON p.year = n.year WHERE p.closed_at IS NOT NULL;
    ELSIF TG_OP = 'UPDATE' THEN
        SELECT min(p.year) INTO closed FROM new_rows n
          FULL JOIN old_rows o ON o.id = n.id
          JOIN households_partition p ON p.year IN (n.year, o.year)
         WHERE p.closed_at IS NOT NULL
           AND to_jsonb(n) - 'region_code' IS DISTINCT FROM to_jsonb(o) - 'region_code';
    ELSE
        SELECT min(o.year) INTO closed FROM old_rows o
          JOIN households_partition p ON p.year = o.year WHERE p.closed_at IS NOT NULL;
    END IF;
    IF closed IS NOT NULL THEN
        RAISE EXCEPTION 'partition % is closed', closed
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    RETURN NULL;
END $body$;
CREATE TRIGGER year_inserted AFTER INSERT ON villages_villageyear
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION village_year_changed();
CREATE TRIGGER year_updated AFTER UPDATE ON villages_villageyear
    REFERENCING NEW TABLE AS new_rows OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION village_year_changed();
CREATE TRIGGER year_deleted AFTER DELETE ON villages_villageyear
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION village_year_changed();
"""
UNDO_VILLAGES = "DROP FUNCTION village_year_changed() CASCADE;"
UNDO = """
DROP TRIGGER year_inserted ON households_workspell;
DROP TRIGGER year_updated ON households_workspell;
DROP TRIGGER year_deleted ON households_workspell;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('households', '0006_elsewhere'),
    ]

    operations = [
        migrations.AddField(
            model_name='householdyear',
            name='access_road_hardened',
            field=core.fields.YesNo(null=True, verbose_name='入户道路是否硬化'),
        ),
        migrations.AddField(
            model_name='householdyear',
            name='cattle',
            field=core.fields.Count(null=True, verbose_name='牛'),
        ),
        migrations.AddField(
            model_name='householdyear',
            name='cause_note',
            field=core.fields.Text(blank=True, db_default='', default='', max_length=500, verbose_name='致贫原因说明'),
        ),
        migrations.AddField(
            model_name='householdyear',
            name='clear_mode',
            field=core.fields.Code(blank=True, db_default='', default='', max_length=4, verbose_name='风险消除方式'),
        ),
        migrations.AddField(
            model_name='householdyear',
            name='collector',
            field=core.fields.Text(blank=True, db_default='', default='', max_length=60, verbose_name='信息采集人'),
        ),
        migrations.AddField(
            model_name='householdyear',
            name='collector_phone',
            field=core.fields.Secret(blank=True, default='', max_length=30, null=True, verbose_name='信息采集人联系电话'),
        ),
        migrations.AddField(
            model_name='householdyear',
            name='compliant_self_paid_expense',
            field=core.fields.Amount(decimal_places=2, max_digits=14, null=True, verbose_name='合规自付支出'),
        ),
        migrations.AddField(
            model_name='householdyear',
            name='development_measure_state',
            field=core.fields.Text(blank=True, db_default='', default='', max_length=60, verbose_name='实施开发式帮扶措施情况'),
        ),
        migrations.AddField(
            model_name='householdyear',
            name='disaster_sub_item',
            field=core.fields.Text(blank=True, db_default='', default='', max_length=60, verbose_name='因自然灾害子项'),
        ),
        migrations.AddField(
            model_name='householdyear',
            name='drinking_source',
            field=core.fields.Text(blank=True, db_default='', default='', max_length=60, verbose_name='饮水情况'),
        ),
        migrations.AddField(
            model_name='householdyear',
            name='expense_business_gross',
            field=core.fields.Amount(decimal_places=2, max_digits=14, null=True, verbose_name='生产经营性支出（合计）'),
        ),
        migrations.AddField(
            model_name='householdyear',
            name='industry_help_type',
            field=core.fields.Text(blank=True, db_default='', default='', max_length=200, verbose_name='到户产业帮扶类型'),
        ),
        migrations.AddField(
            model_name='householdyear',
            name='is_relocation_household',
            field=core.fields.YesNo(null=True, verbose_name='是否易地搬迁户'),
        ),
        migrations.AddField(
            model_name='householdyear',
            name='measure_education',
            field=core.fields.Text(blank=True, db_default='', default='', max_length=200, verbose_name='教育帮扶'),
        ),
        migrations.AddField(
            model_name='householdyear',
            name='measure_health',
            field=core.fields.Text(blank=True, db_default='', default='', max_length=200, verbose_name='健康帮扶'),
        ),
        migrations.AddField(
            model_name='householdyear',
            name='member_count_current',
            field=core.fields.Count(null=True, verbose_name='当前家庭人口数'),
        ),
        migrations.AddField(
            model_name='householdyear',
            name='pigs',
            field=core.fields.Count(null=True, verbose_name='猪'),
        ),
        migrations.AddField(
            model_name='householdyear',
            name='poultry',
            field=core.fields.Count(null=True, verbose_name='家禽'),
        ),
        migrations.AddField(
            model_name='householdyear',
            name='production_house_m2',
            field=core.fields.Amount(decimal_places=2, max_digits=14, null=True, verbose_name='生产用房面积'),
        ),
        migrations.AddField(
            model_name='householdyear',
            name='reward_employment',
            field=core.fields.Amount(decimal_places=2, max_digits=14, null=True, verbose_name='就业奖励'),
        ),
        migrations.AddField(
            model_name='householdyear',
            name='reward_industry',
            field=core.fields.Amount(decimal_places=2, max_digits=14, null=True, verbose_name='产业奖励'),
        ),
        migrations.AddField(
            model_name='householdyear',
            name='risk_1',
            field=core.fields.Code(blank=True, db_default='', default='', max_length=4, verbose_name='致贫/返贫风险1'),
        ),
        migrations.AddField(
            model_name='householdyear',
            name='risk_2',
            field=core.fields.Code(blank=True, db_default='', default='', max_length=4, verbose_name='致贫/返贫风险2'),
        ),
        migrations.AddField(
            model_name='householdyear',
            name='risk_3',
            field=core.fields.Code(blank=True, db_default='', default='', max_length=4, verbose_name='致贫/返贫风险3'),
        ),
        migrations.AddField(
            model_name='householdyear',
            name='risk_4',
            field=core.fields.Code(blank=True, db_default='', default='', max_length=4, verbose_name='致贫/返贫风险4'),
        ),
        migrations.AddField(
            model_name='householdyear',
            name='risk_5',
            field=core.fields.Code(blank=True, db_default='', default='', max_length=4, verbose_name='致贫/返贫风险5'),
        ),
        migrations.AddField(
            model_name='householdyear',
            name='sheep',
            field=core.fields.Count(null=True, verbose_name='羊'),
        ),
        migrations.AddField(
            model_name='householdyear',
            name='subsidy_reducing_expense',
            field=core.fields.Amount(decimal_places=2, max_digits=14, null=True, verbose_name='专项用于减少生产经营性支出的补贴'),
        ),
        migrations.AddField(
            model_name='householdyear',
            name='wage_other',
            field=core.fields.Amount(decimal_places=2, max_digits=14, null=True, verbose_name='其他工资性收入'),
        ),
        migrations.AddField(
            model_name='householdyear',
            name='wage_public_post',
            field=core.fields.Amount(decimal_places=2, max_digits=14, null=True, verbose_name='公益性岗位收入'),
        ),
        migrations.AddField(
            model_name='householdyear',
            name='whole_household_no_labour',
            field=core.fields.YesNo(null=True, verbose_name='整户无劳动能力兜底保障户'),
        ),
        migrations.AddField(
            model_name='personyear',
            name='has_worked',
            field=core.fields.YesNo(null=True, verbose_name='是否已务工'),
        ),
        migrations.AddField(
            model_name='personyear',
            name='planned_county',
            field=core.fields.Text(blank=True, db_default='', default='', max_length=60, verbose_name='计划务工所在县'),
        ),
        migrations.AddField(
            model_name='personyear',
            name='plans_to_work',
            field=core.fields.YesNo(null=True, verbose_name='是否计划务工'),
        ),
        migrations.AddField(
            model_name='personyear',
            name='service_need',
            field=core.fields.Text(blank=True, db_default='', default='', max_length=200, verbose_name='就业服务需求'),
        ),
        migrations.CreateModel(
            name='WorkSpell',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('village_code', models.CharField(max_length=12, verbose_name='村代码')),
                ('started_month', core.fields.Text(blank=True, db_default='', default='', max_length=6, verbose_name='开始时间')),
                ('ended_month', core.fields.Text(blank=True, db_default='', default='', max_length=6, verbose_name='结束时间')),
                ('employment_channel', core.fields.Code(blank=True, db_default='', default='', max_length=4, verbose_name='就业渠道')),
                ('work_county', core.fields.Text(blank=True, db_default='', default='', max_length=60, verbose_name='务工所在县')),
                ('transport_subsidy', core.fields.Amount(decimal_places=2, max_digits=14, null=True, verbose_name='年度交通费补助')),
                ('monthly_income', core.fields.Amount(decimal_places=2, max_digits=14, null=True, verbose_name='务工月收入')),
                ('work_employer', core.fields.Text(blank=True, db_default='', default='', max_length=100, verbose_name='务工企业名称')),
                ('industry', core.fields.Text(blank=True, db_default='', default='', max_length=60, verbose_name='所属行业')),
                ('point_to_point', core.fields.YesNo(null=True, verbose_name='是否点对点输送')),
                ('changed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='更新时间')),
                ('household', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='work_spells', to='households.household', verbose_name='贫困户')),
                ('partition', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, to='households.partition', verbose_name='年度')),
                ('person', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='work_spells', to='households.person', verbose_name='人员')),
            ],
            options={
                'verbose_name': '务工记录',
                'indexes': [models.Index(fields=['partition', 'village_code', 'household'], name='work_spell_scope')],
                'constraints': [models.UniqueConstraint(fields=('person', 'partition', 'started_month'), name='work_spell_once'), models.CheckConstraint(condition=models.Q(('started_month', ''), ('ended_month', ''), ('ended_month__gte', models.F('started_month')), _connector='OR'), name='work_spell_ends_after_start')],
            },
        ),
        code_kept_true(
            "households_workspell",
            "partition_id, household_id",
            "village_code",
            "households_householdyear",
            target_key="partition_id, household_id",
            target_code="village_code",
        ),
        migrations.RunSQL(GUARD, UNDO),
        migrations.RunSQL(VILLAGES, UNDO_VILLAGES),
    ]
