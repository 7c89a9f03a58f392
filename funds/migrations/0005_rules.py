"""Rules on money, what they find, and what has to be judged again."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

from core.ddl import code_kept_true

# A revision has the next number, so that a result says by which one it was judged; what a rule is
# called and looks at stays. Findings are closed, never deleted, and stay with their subject.
STAYS = """
CREATE FUNCTION funds_rule_revised() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF TG_OP = 'DELETE' OR NEW.id <> OLD.id OR NEW.code <> OLD.code
       OR NEW.check_kind <> OLD.check_kind OR NEW.version <> OLD.version + 1 THEN
        RAISE EXCEPTION 'rule %: revised version by version, never deleted', OLD.code
              USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER revised BEFORE UPDATE OR DELETE ON funds_fundrule
    FOR EACH ROW EXECUTE FUNCTION funds_rule_revised();

CREATE FUNCTION funds_finding_stays() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    fixed text[] := ARRAY['id', 'rule_id', 'year', 'subject', 'subject_id', 'opened_on'];
    name text;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        FOREACH name IN ARRAY fixed LOOP
            EXIT WHEN to_jsonb(NEW) -> name IS DISTINCT FROM to_jsonb(OLD) -> name;
            name := NULL;
        END LOOP;
        IF name IS NULL THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'finding %: closed, never deleted or moved', OLD.id
          USING ERRCODE = 'restrict_violation';
END $body$;
CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON funds_fundfinding
    FOR EACH ROW EXECUTE FUNCTION funds_finding_stays();
"""

# What changes the judgement of a place marks its county and its city. Marks are always added: one
# that is there already may be on its way out with whoever judges.
MARKS = """
CREATE FUNCTION funds_mark_places(codes text[], years integer[]) RETURNS void LANGUAGE sql
    SECURITY DEFINER SET search_path = public, pg_temp AS $body$
    INSERT INTO funds_dirtyfund (code, year)
    SELECT rpad(left(code, digits), 12, '0'), year
      FROM unnest(codes, years) AS t(code, year) CROSS JOIN (VALUES (4), (6)) AS d(digits)
     WHERE year BETWEEN 2010 AND 2100
     GROUP BY 1, 2
$body$;

CREATE FUNCTION funds_mark_dirty() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $body$
BEGIN
    IF TG_TABLE_NAME = 'funds_voucher' THEN
        PERFORM funds_mark_places(array_agg(code), array_agg(year)) FROM (
            SELECT a.region_code AS code, a.year::integer FROM new_rows n
              JOIN funds_entry e ON e.voucher_id = n.id JOIN funds_account a ON a.id = e.account_id
             WHERE n.state = 'POSTED'
            UNION SELECT p.region_code, p.year FROM new_rows n
              JOIN funds_entry e ON e.voucher_id = n.id JOIN funds_account a ON a.id = e.account_id
              JOIN projects_project p ON p.id = a.project_id
             WHERE n.state = 'POSTED'
            -- Money of the city that goes straight to households of its counties.
            UNION SELECT left(t.region_code, 6), n.year FROM new_rows n
              JOIN funds_entry e ON e.voucher_id = n.id JOIN funds_account a ON a.id = e.account_id
              JOIN funds_payment t ON t.voucher_id = n.id
             WHERE n.state = 'POSTED' AND a.region_code LIKE '____00000000') AS touched;
    ELSIF TG_TABLE_NAME = 'funds_fundrule' THEN
        PERFORM funds_mark_places(array_agg(code), array_agg(year)) FROM (
            SELECT left(region_code, 6) AS code, year::integer FROM funds_account
            UNION SELECT left(region_code, 6), year FROM projects_project
            UNION SELECT left(region_code, 6), year FROM funds_source) AS known;
    ELSIF TG_TABLE_NAME IN ('projects_progressreport', 'projects_projectnotice',
                            'projects_beneficiary') THEN
        PERFORM funds_mark_places(array_agg(DISTINCT p.region_code), array_agg(DISTINCT p.year::integer))
           FROM (SELECT DISTINCT project_id FROM new_rows) AS n
           JOIN projects_project p ON p.id = n.project_id GROUP BY p.region_code, p.year;
    ELSIF TG_TABLE_NAME = 'exits_snapshot' THEN
        -- Persons lifted out within three years.
        PERFORM funds_mark_places(array_agg(region_code), array_agg(partition + later)) FROM (
            SELECT DISTINCT region_code, partition FROM new_rows
             WHERE metric = 'exited_in_year' AND region_code LIKE '______000000') AS n
            CROSS JOIN generate_series(0, 2) AS later;
    ELSIF TG_TABLE_NAME = 'funds_loan' THEN
        -- What was lent counts from its year on.
        PERFORM funds_mark_places(array_agg(code), array_agg(year)) FROM (
            SELECT DISTINCT left(village_code, 6) AS code, extract(year FROM lent_on)::integer AS lent
              FROM new_rows) AS n
            CROSS JOIN LATERAL generate_series(
                n.lent, greatest(n.lent, extract(year FROM now())::integer)) AS year;
    ELSIF TG_TABLE_NAME = 'funds_sourcechange' THEN
        -- What a year has more than the one before is asked of the year after too.
        PERFORM funds_mark_places(array_agg(n.region_code), array_agg(s.year + later))
           FROM new_rows n JOIN funds_source s ON s.id = n.source_id
           CROSS JOIN generate_series(0, 1) AS later;
    ELSIF TG_TABLE_NAME = 'funds_source' THEN
        PERFORM funds_mark_places(array_agg(region_code), array_agg(year + later))
           FROM new_rows CROSS JOIN generate_series(0, 1) AS later;
    ELSE
        PERFORM funds_mark_places(array_agg(region_code), array_agg(year::integer))
           FROM (SELECT DISTINCT left(region_code, 6) AS region_code, year FROM new_rows) AS n;
    END IF;
    RETURN NULL;
END $body$;
""" + "".join(
    f"""
CREATE TRIGGER marks_funds_{act.lower()} AFTER {act} ON {table} REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION funds_mark_dirty();
"""
    for table, acts in (
        ("funds_voucher", ("UPDATE",)),
        ("funds_fundrule", ("INSERT", "UPDATE")),
        ("funds_source", ("INSERT",)),
        ("funds_sourcechange", ("INSERT",)),
        ("projects_project", ("INSERT", "UPDATE")),
        ("projects_progressreport", ("INSERT",)),
        ("projects_projectnotice", ("INSERT",)),
        ("projects_beneficiary", ("INSERT", "UPDATE")),
        ("villages_villageyear", ("INSERT", "UPDATE")),
        ("villages_countyyear", ("INSERT", "UPDATE")),
        ("exits_snapshot", ("INSERT", "UPDATE")),
        ("funds_loan", ("INSERT", "UPDATE")),
    )
    for act in acts
)

UNDO = """
DROP FUNCTION funds_mark_dirty() CASCADE;
DROP FUNCTION funds_mark_places(text[], integer[]);
DROP FUNCTION funds_finding_stays() CASCADE;
DROP FUNCTION funds_rule_revised() CASCADE;
"""


class Migration(migrations.Migration):
    dependencies = [("funds", "0004_loans"), ("exits", "0001_figures")]
    operations = [
        migrations.CreateModel(
            name='DirtyFund',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(max_length=12, verbose_name='区划代码')),
                ('year', models.PositiveSmallIntegerField(verbose_name='年度')),
                ('marked_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='标记时间')),
            ],
            options={
                'verbose_name': '待核查区划',
                'indexes': [
                    models.Index(fields=['code', 'year'], name='dirty_fund'),
                ],
            },
        ),
        migrations.CreateModel(
            name='FundRule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.SlugField(max_length=32, unique=True, verbose_name='代码')),
                ('version', models.PositiveSmallIntegerField(default=1, verbose_name='版本')),
                ('name', models.CharField(max_length=60, verbose_name='名称')),
                ('requirement', models.CharField(max_length=300, verbose_name='要求')),
                ('check_kind', models.CharField(choices=[('NEGATIVE_LIST', '负面清单'), ('BEFORE_APPROVAL', '未批先支'), ('AHEAD', '支付快于进度'), ('ADVANCE', '预付款比例'), ('UNPAID', '完工未支付'), ('IDLE_PROJECT', '项目闲置'), ('PUBLICITY', '公示天数'), ('UNREGISTERED', '受益对象未登记'), ('TWICE', '同一补助重复发放'), ('IDLE_MONEY', '资金闲置'), ('DEEP_SHARE', '新增资金投向深度贫困地区的比例'), ('DEEP_AMOUNT', '新增资金投向深度贫困地区的金额'), ('DEEP_VILLAGE', '每个深度贫困村年度投入'), ('EXIT_VILLAGE', '非贫困县每个出列村投入'), ('EXIT_PERSON', '非贫困县脱贫人口人均投入'), ('DEPARTMENT_SHARE', '行业项目资金用于扶贫的比例'), ('LOAN_AVERAGE', '户均小额信贷'), ('HELD_PAYMENT', '支付不超过分配'), ('HELD_TARGET', '入库须有绩效目标')], max_length=20, verbose_name='核查方式')),
                ('region_prefix', models.CharField(blank=True, max_length=12, verbose_name='适用区划')),
                ('valid_from', models.PositiveSmallIntegerField(verbose_name='起始年度')),
                ('valid_to', models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='终止年度')),
                ('threshold', models.DecimalField(blank=True, decimal_places=4, max_digits=16, null=True, verbose_name='标准')),
                ('params', models.JSONField(blank=True, default=dict, verbose_name='参数')),
                ('is_active', models.BooleanField(default=True, verbose_name='启用')),
                ('source', models.CharField(max_length=300, verbose_name='依据')),
            ],
            options={
                'verbose_name': '资金规则',
                'ordering': ['code'],
                'constraints': [
                    models.CheckConstraint(condition=models.Q(models.Q(('source', ''), _negated=True), models.Q(('requirement', ''), _negated=True)), name='fund_rule_has_source'),
                    models.CheckConstraint(condition=models.Q(('valid_to__isnull', True), ('valid_to__gte', models.F('valid_from')), _connector='OR'), name='fund_rule_ends_after_start'),
                    models.CheckConstraint(condition=models.Q(('threshold__isnull', True), ('threshold__gte', 0), _connector='OR'), name='fund_rule_threshold_not_negative'),
                    models.CheckConstraint(condition=models.Q(('check_kind__in', ['NEGATIVE_LIST', 'BEFORE_APPROVAL', 'AHEAD', 'ADVANCE', 'UNPAID', 'IDLE_PROJECT', 'PUBLICITY', 'UNREGISTERED', 'TWICE', 'IDLE_MONEY', 'DEEP_SHARE', 'DEEP_AMOUNT', 'DEEP_VILLAGE', 'EXIT_VILLAGE', 'EXIT_PERSON', 'DEPARTMENT_SHARE', 'LOAN_AVERAGE', 'HELD_PAYMENT', 'HELD_TARGET'])), name='fund_rule_check'),
                    models.CheckConstraint(condition=models.Q(('region_prefix__regex', '^([0-9]{2}|[0-9]{4}|[0-9]{6})?$')), name='fund_rule_place'),
                ],
            },
        ),
        migrations.CreateModel(
            name='FundFinding',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('rule_version', models.PositiveSmallIntegerField(verbose_name='规则版本')),
                ('year', models.PositiveSmallIntegerField(verbose_name='年度')),
                ('subject', models.CharField(choices=[('PROJECT', '项目'), ('VOUCHER', '凭证'), ('ACCOUNT', '资金账户'), ('HOUSEHOLD', '农户'), ('REGION', '区划')], max_length=10, verbose_name='对象')),
                ('subject_id', models.BigIntegerField(verbose_name='对象编号')),
                ('region_code', models.CharField(max_length=12, verbose_name='区划代码')),
                ('state', models.CharField(choices=[('VIOLATED', '不符合'), ('SUSPECTED', '疑似'), ('UNKNOWN', '无法判断')], max_length=10, verbose_name='结论')),
                ('numerator', models.DecimalField(decimal_places=2, max_digits=18, null=True, verbose_name='数值')),
                ('denominator', models.DecimalField(decimal_places=2, max_digits=18, null=True, verbose_name='基数')),
                ('threshold', models.DecimalField(decimal_places=4, max_digits=16, null=True, verbose_name='标准')),
                ('words', models.CharField(max_length=300, verbose_name='情况')),
                ('evidence', models.JSONField(default=dict, verbose_name='依据')),
                ('opened_on', models.DateField(verbose_name='发现日期')),
                ('reopened_on', models.DateField(null=True, verbose_name='再次发现日期')),
                ('region', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='villages.region', verbose_name='区划')),
                ('rule', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='findings', to='funds.fundrule', verbose_name='规则')),
                ('closed_on', models.DateField(null=True, verbose_name='消除日期')),
            ],
            options={
                'verbose_name': '资金问题',
                'indexes': [
                    models.Index(fields=['region_code', 'year'], name='fund_finding_scope'),
                    models.Index(fields=['subject', 'subject_id'], name='fund_finding_subject'),
                ],
                'constraints': [
                    models.UniqueConstraint(fields=('rule', 'year', 'subject', 'subject_id'), name='fund_finding_once'),
                    models.CheckConstraint(condition=models.Q(('state__in', ['VIOLATED', 'SUSPECTED', 'UNKNOWN']), ('subject__in', ['PROJECT', 'VOUCHER', 'ACCOUNT', 'HOUSEHOLD', 'REGION']), models.Q(('words', ''), _negated=True)), name='fund_finding_says_what'),
                    models.CheckConstraint(condition=models.Q(('closed_on__isnull', True), models.Q(('closed_on__gte', models.F('opened_on')), models.Q(('reopened_on__isnull', True), ('closed_on__gte', models.F('reopened_on')), _connector='OR')), _connector='OR'), name='fund_finding_closed_after_opened'),
                    models.CheckConstraint(condition=models.Q(('year__gte', 2010), ('year__lte', 2100)), name='fund_finding_year'),
                ],
            },
        ),
        code_kept_true(
            "funds_fundfinding", "region_id", "region_code", "villages_region", target_code="code"
        ),
        migrations.RunSQL(STAYS + MARKS, UNDO),
    ]
