"""Rows that leave a year, households that split, merge and end; procedures with their notices."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import core.fields
from core.ddl import append_only, code_kept_true

# The processes have no right to delete register rows. A year states how things stood on 31 December,
# so whoever left in the year has no row in it; this takes such rows out of an open year, inside the
# scope, and only in an act that says why. The history tables keep what was taken out.
LEAVE = """
CREATE FUNCTION households_leave_year(of_partition int, of_household bigint, of_persons bigint[])
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
DECLARE
    place text;
    is_owner boolean;
    removed bigint;
BEGIN
    IF coalesce(current_setting('povertyops.reason', true), '') = '' THEN
        RAISE EXCEPTION 'nothing leaves a year without a reason'
              USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    -- A year that is being closed waits for the end of this transaction.
    PERFORM FROM households_partition WHERE year = of_partition AND closed_at IS NULL FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'year % is closed', of_partition
              USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    SELECT village_code INTO place FROM households_householdyear
     WHERE partition_id = of_partition AND household_id = of_household FOR UPDATE;
    -- Maintenance signs in as the owner and has no scope; everybody else is kept to theirs.
    is_owner := current_setting('role') = 'none' AND pg_has_role(session_user,
        (SELECT relowner FROM pg_class WHERE oid = 'households_householdyear'::regclass), 'USAGE');
    IF place IS NULL OR NOT (is_owner OR scope_covers(place)) THEN
        RAISE EXCEPTION 'outside the scope: household %', of_household
              USING ERRCODE = 'insufficient_privilege';
    END IF;
    -- No list of persons means the whole household, spells of work included.
    DELETE FROM households_workspell
     WHERE partition_id = of_partition AND household_id = of_household
       AND (of_persons IS NULL OR person_id = ANY (of_persons));
    DELETE FROM households_personyear
     WHERE partition_id = of_partition AND household_id = of_household
       AND (of_persons IS NULL OR person_id = ANY (of_persons));
    GET DIAGNOSTICS removed = ROW_COUNT;
    IF of_persons IS NULL THEN
        DELETE FROM households_householdyear
         WHERE partition_id = of_partition AND household_id = of_household;
    END IF;
    RETURN removed;
END $body$;
REVOKE ALL ON FUNCTION households_leave_year(int, bigint, bigint[]) FROM PUBLIC;
"""
# What no form and no import may do: decide out of turn, twice in a row by one person, before a notice
# has run out, or over an open objection. The dates compared are those that are stored with the acts,
# so that the rule does not depend on which clock the database has.
DECISIONS = """
CREATE FUNCTION procedure_step_due() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    former record;
    notice record;
BEGIN
    SELECT position, created_by_id, decided_on, decision INTO former
      FROM households_procedurestep WHERE procedure_id = NEW.procedure_id
     ORDER BY position DESC LIMIT 1;
    IF NEW.position <> coalesce(former.position + 1, 0) OR former.decision = 'REFUSE' THEN
        RAISE EXCEPTION 'procedure %: decided out of turn', NEW.procedure_id
              USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.created_by_id = former.created_by_id THEN
        RAISE EXCEPTION 'procedure %: two decisions in a row by one person', NEW.procedure_id
              USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.decided_on < former.decided_on THEN
        RAISE EXCEPTION 'procedure %: decided before the step before', NEW.procedure_id
              USING ERRCODE = 'check_violation';
    END IF;
    SELECT id, ends_on INTO notice FROM households_publicity
     WHERE procedure_id = NEW.procedure_id AND step = NEW.step;
    IF NEW.decision = 'PASS' AND (NEW.has_notice OR notice.id IS NOT NULL) THEN
        IF notice.id IS NULL OR NEW.decided_on <= notice.ends_on THEN
            RAISE EXCEPTION 'procedure %: the notice has not run out', NEW.procedure_id
                  USING ERRCODE = 'check_violation';
        END IF;
        PERFORM FROM households_objection
          WHERE publicity_id = notice.id AND answered_on IS NULL;
        IF FOUND THEN
            RAISE EXCEPTION 'procedure %: an objection is open', NEW.procedure_id
                  USING ERRCODE = 'check_violation';
        END IF;
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER due BEFORE INSERT ON households_procedurestep
    FOR EACH ROW EXECUTE FUNCTION procedure_step_due();
-- Whatever the kind of days, a notice is never shorter than so many calendar days.
ALTER TABLE households_publicity ADD CONSTRAINT publicity_takes_its_days
    CHECK (ends_on >= starts_on + min_days - 1);
"""
UNDO_DECISIONS = """
ALTER TABLE households_publicity DROP CONSTRAINT publicity_takes_its_days;
DROP FUNCTION procedure_step_due() CASCADE;
"""


def _of_procedure(table):
    return code_kept_true(
        table, "procedure_id", "village_code", "households_procedure", target_code="village_code"
    )


UNDO_LEAVE = "DROP FUNCTION households_leave_year(int, bigint, bigint[]);"


class Migration(migrations.Migration):
    dependencies = [
        ("households", "0011_changes"),
        ("villages", "0002_village_facts"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="household",
            name="split_from",
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="households.household", verbose_name="拆自"),
        ),
        migrations.AddField(
            model_name="household",
            name="split_partition",
            field=models.PositiveSmallIntegerField(null=True, verbose_name="拆户年度"),
        ),
        migrations.AddField(
            model_name="household",
            name="merged_into",
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="households.household", verbose_name="并入"),
        ),
        migrations.AddField(
            model_name="household",
            name="ended_partition",
            field=models.PositiveSmallIntegerField(null=True, verbose_name="销户年度"),
        ),
        migrations.AddConstraint(
            model_name="household",
            constraint=models.CheckConstraint(condition=models.Q(models.Q(("split_from__isnull", True), ("split_partition__isnull", True)), models.Q(("split_from__isnull", False), ("split_partition__isnull", False)), _connector="OR"), name="household_split_from_and_when"),
        ),
        migrations.AddConstraint(
            model_name="household",
            constraint=models.CheckConstraint(condition=models.Q(("merged_into__isnull", True), ("ended_partition__isnull", False), _connector="OR"), name="household_merged_when"),
        ),
        migrations.AddIndex(
            model_name="household",
            index=models.Index(condition=models.Q(("merged_into__isnull", False)), fields=["merged_into"], name="household_merged_into"),
        ),
        migrations.RunSQL(LEAVE, UNDO_LEAVE),
        migrations.CreateModel(
            name='Procedure',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('village_code', models.CharField(max_length=12, verbose_name='村代码')),
                ('kind', models.CharField(choices=[('IDENTIFY', '识别纳入'), ('RELAPSE', '返贫认定'), ('REMOVE', '清退')], max_length=10, verbose_name='事项')),
                ('state', models.CharField(choices=[('OPEN', '办理中'), ('DONE', '已办结'), ('REFUSED', '未通过')], default='OPEN', max_length=8, verbose_name='状态')),
                ('position', models.PositiveSmallIntegerField(default=0, verbose_name='已完成步骤')),
                ('step', models.CharField(blank=True, choices=[('APPLY', '提出清退'), ('APPRAISE', '民主评议'), ('VILLAGE_NOTICE', '村级公示'), ('TOWN_REVIEW', '乡镇审核'), ('TOWN_NOTICE', '乡镇公示'), ('COUNTY_APPROVAL', '县级审批'), ('ANNOUNCE', '公告')], max_length=20, verbose_name='当前步骤')),
                ('started_on', models.DateField(verbose_name='开始日期')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='记录时间')),
                ('created_by', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='经办人')),
                ('partition', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to='households.partition', verbose_name='年度')),
                ('village', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, to='villages.region', verbose_name='行政村')),
            ],
            options={
                'verbose_name': '识别与退出程序',
                'indexes': [
                    models.Index(fields=['village_code', 'partition', 'state'], name='procedure_scope'),
                ],
                'constraints': [
                    models.CheckConstraint(condition=models.Q(('kind__in', ['IDENTIFY', 'RELAPSE', 'REMOVE'])), name='procedure_kind'),
                    models.CheckConstraint(condition=models.Q(('state', 'OPEN'), ('step', ''), _connector='XOR'), name='procedure_open_has_a_step'),
                ],
            },
        ),
        migrations.CreateModel(
            name='ProcedureCase',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('village_code', models.CharField(max_length=12, verbose_name='村代码')),
                ('head_name', models.CharField(max_length=60, verbose_name='户主姓名')),
                ('group_name', models.CharField(blank=True, max_length=60, verbose_name='村民小组')),
                ('persons', models.PositiveSmallIntegerField(verbose_name='人数（人）')),
                ('members', core.fields.Secret(blank=True, default="", max_length=8000, null=True, verbose_name='家庭成员')),
                ('dropped_on', models.DateField(null=True, verbose_name='退出名单日期')),
                ('dropped_reason', models.CharField(blank=True, max_length=200, verbose_name='退出名单原因')),
                ('household', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='households.household', verbose_name='贫困户')),
                ('procedure', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='cases', to='households.procedure', verbose_name='程序')),
            ],
            options={
                'verbose_name': '程序中的农户',
                'constraints': [
                    models.UniqueConstraint(fields=('procedure', 'household'), name='procedure_household_once'),
                    models.CheckConstraint(condition=models.Q(('dropped_on__isnull', True), models.Q(('dropped_reason', ''), _negated=True), _connector='OR'), name='procedure_case_dropped_why'),
                ],
            },
        ),
        migrations.CreateModel(
            name='ProcedureStep',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('village_code', models.CharField(max_length=12, verbose_name='村代码')),
                ('position', models.PositiveSmallIntegerField(verbose_name='第几步')),
                ('step', models.CharField(choices=[('APPLY', '提出清退'), ('APPRAISE', '民主评议'), ('VILLAGE_NOTICE', '村级公示'), ('TOWN_REVIEW', '乡镇审核'), ('TOWN_NOTICE', '乡镇公示'), ('COUNTY_APPROVAL', '县级审批'), ('ANNOUNCE', '公告')], max_length=20, verbose_name='步骤')),
                ('has_notice', models.BooleanField(verbose_name='须公示')),
                ('decision', models.CharField(choices=[('PASS', '通过'), ('REFUSE', '不通过')], max_length=6, verbose_name='决定')),
                ('decided_on', models.DateField(verbose_name='决定日期')),
                ('reason', models.CharField(max_length=500, verbose_name='理由')),
                ('present', models.PositiveSmallIntegerField(null=True, verbose_name='到会人数（人）')),
                ('entitled', models.PositiveSmallIntegerField(null=True, verbose_name='应到人数（人）')),
                ('minutes', models.TextField(blank=True, max_length=4000, verbose_name='会议记录')),
                ('evidence', models.CharField(blank=True, max_length=500, verbose_name='佐证材料')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='记录时间')),
                ('created_by', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='决定人')),
                ('procedure', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='steps', to='households.procedure', verbose_name='程序')),
            ],
            options={
                'verbose_name': '程序步骤',
                'constraints': [
                    models.UniqueConstraint(fields=('procedure', 'position'), name='procedure_step_decided_once'),
                    models.CheckConstraint(condition=models.Q(models.Q(('entitled__isnull', True), ('present__isnull', True)), models.Q(('entitled__gte', models.F('present')), ('present__isnull', False)), _connector='OR'), name='procedure_step_present_of_entitled'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Publicity',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('village_code', models.CharField(max_length=12, verbose_name='村代码')),
                ('step', models.CharField(choices=[('APPLY', '提出清退'), ('APPRAISE', '民主评议'), ('VILLAGE_NOTICE', '村级公示'), ('TOWN_REVIEW', '乡镇审核'), ('TOWN_NOTICE', '乡镇公示'), ('COUNTY_APPROVAL', '县级审批'), ('ANNOUNCE', '公告')], max_length=20, verbose_name='步骤')),
                ('place', models.CharField(max_length=100, verbose_name='公示地点')),
                ('starts_on', models.DateField(verbose_name='张贴日期')),
                ('min_days', models.PositiveSmallIntegerField(verbose_name='公示天数')),
                ('day_kind', models.CharField(choices=[('CALENDAR', '自然日'), ('WORKING', '工作日')], max_length=8, verbose_name='天数口径')),
                ('ends_on', models.DateField(verbose_name='届满日期')),
                ('source', models.CharField(max_length=300, verbose_name='依据')),
                ('list_digest', models.CharField(max_length=64, verbose_name='名单摘要')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='记录时间')),
                ('created_by', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='张贴人')),
                ('procedure', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='notices', to='households.procedure', verbose_name='程序')),
            ],
            options={
                'verbose_name': '公示',
                'constraints': [
                    models.UniqueConstraint(fields=('procedure', 'step'), name='publicity_once'),
                    models.CheckConstraint(condition=models.Q(('ends_on__gte', models.F('starts_on')), ('min_days__gte', 1)), name='publicity_takes_a_day'),
                    models.CheckConstraint(condition=models.Q(('source', ''), _negated=True), name='publicity_has_a_source'),
                    models.UniqueConstraint(fields=("id", "village_code"), name="publicity_id_village"),
                ],
            },
        ),
        migrations.CreateModel(
            name='Objection',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('village_code', models.CharField(max_length=12, verbose_name='村代码')),
                ('raised_by', models.CharField(help_text='只写姓名，可写“匿名”。', max_length=60, verbose_name='提出人')),
                ('raised_on', models.DateField(verbose_name='提出日期')),
                ('words', models.CharField(max_length=500, verbose_name='异议内容')),
                ('answer', models.CharField(blank=True, max_length=500, verbose_name='答复')),
                ('answered_on', models.DateField(null=True, verbose_name='答复日期')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='记录时间')),
                ('answered_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='答复人')),
                ('created_by', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='登记人')),
                ('publicity', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='objections', to='households.publicity', verbose_name='公示')),
            ],
            options={
                'verbose_name': '异议',
                'constraints': [
                    models.CheckConstraint(condition=models.Q(models.Q(('answer', ''), ('answered_by__isnull', True), ('answered_on__isnull', True)), models.Q(models.Q(('answer', ''), _negated=True), ('answered_by__isnull', False), ('answered_on__isnull', False)), _connector='OR'), name='objection_answered_when_and_by_whom'),
                    models.CheckConstraint(condition=models.Q(('answered_on__isnull', True), ('answered_on__gte', models.F('raised_on')), _connector='OR'), name='objection_answered_after_raised'),
                ],
            },
        ),
        migrations.CreateModel(
            name='NoticeRule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('region_code', models.CharField(max_length=12, verbose_name='区划代码')),
                ('kind', models.CharField(choices=[('IDENTIFY', '识别纳入'), ('RELAPSE', '返贫认定'), ('REMOVE', '清退')], max_length=10, verbose_name='事项')),
                ('step', models.CharField(choices=[('APPLY', '提出清退'), ('APPRAISE', '民主评议'), ('VILLAGE_NOTICE', '村级公示'), ('TOWN_REVIEW', '乡镇审核'), ('TOWN_NOTICE', '乡镇公示'), ('COUNTY_APPROVAL', '县级审批'), ('ANNOUNCE', '公告')], max_length=20, verbose_name='步骤')),
                ('min_days', models.PositiveSmallIntegerField(verbose_name='公示天数')),
                ('day_kind', models.CharField(choices=[('CALENDAR', '自然日'), ('WORKING', '工作日')], max_length=8, verbose_name='天数口径')),
                ('holidays', django.contrib.postgres.fields.ArrayField(base_field=models.DateField(), blank=True, default=list, size=None, verbose_name='节假日')),
                ('made_up', django.contrib.postgres.fields.ArrayField(base_field=models.DateField(), blank=True, default=list, size=None, verbose_name='调休上班日')),
                ('source', models.CharField(max_length=300, verbose_name='依据')),
                ('changed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='设置时间')),
                ('created_by', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='设置人')),
            ],
            options={
                'verbose_name': '公示天数设置',
                'constraints': [models.UniqueConstraint(fields=('region_code', 'kind', 'step'), name='notice_rule_once'), models.CheckConstraint(condition=models.Q(('min_days__gte', 1), ('min_days__lte', 90), models.Q(('source', ''), _negated=True)), name='notice_rule_days_and_source'), models.CheckConstraint(condition=models.Q(('day_kind', 'CALENDAR'), ('holidays__len__gt', 0), _connector='OR'), name='notice_rule_working_days_need_a_table')],
            },
        ),
        migrations.AddConstraint(
            model_name='procedure',
            constraint=models.UniqueConstraint(fields=('id', 'village_code'), name='procedure_id_village'),
        ),
        code_kept_true("households_procedure", "village_id", "village_code", "villages_region", target_code="code"),
        _of_procedure("households_procedurecase"),
        _of_procedure("households_procedurestep"),
        _of_procedure("households_publicity"),
        code_kept_true("households_objection", "publicity_id", "village_code", "households_publicity", target_code="village_code"),
        append_only("households_procedurestep", except_column="village_code"),
        migrations.RunSQL(DECISIONS, UNDO_DECISIONS),
    ]
