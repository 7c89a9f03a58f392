import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from core.ddl import append_only, code_kept_true

LOANS = """
-- What is wrong with a loan on the day it was lent; caps of the longest prefix that counted then.
CREATE FUNCTION funds_loan_flags(l funds_loan) RETURNS text[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $body$
    SELECT array_remove(ARRAY[
        CASE WHEN l.amount - l.addon > r.amount_cap THEN 'OVER_CAP' END,
        CASE WHEN l.due_on > l.lent_on + make_interval(months => r.months_cap) THEN 'OVER_TERM' END,
        CASE WHEN NOT l.is_productive THEN 'NOT_PRODUCTIVE' END,
        CASE WHEN l.user_kind NOT IN ('', 'BORROWER') THEN 'NOT_BORROWER' END,
        CASE WHEN l.is_productive IS NULL OR l.user_kind = '' THEN 'USE_UNKNOWN' END,
        CASE WHEN NOT projects_in_register(l.household_id, NULL, l.lent_on)
             THEN 'UNREGISTERED' END], NULL)
      FROM (SELECT 1) AS one LEFT JOIN (
        SELECT amount_cap, months_cap FROM funds_loanrule
         WHERE l.village_code ^@ region_prefix AND l.lent_on >= valid_from
           AND coalesce(l.lent_on < valid_to, true)
         ORDER BY length(region_prefix) DESC, valid_from DESC LIMIT 1) AS r ON true
$body$;

CREATE FUNCTION funds_loan_due(loan bigint, due_on date) RETURNS date
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $body$
    SELECT coalesce((
        SELECT e.until FROM funds_loanevent e
         WHERE e.loan_id = loan AND e.kind = 'EXTEND' AND e.reverses_id IS NULL
           AND NOT EXISTS (SELECT FROM funds_loanevent b WHERE b.reverses_id = e.id)
         ORDER BY e.taken_on DESC, e.id DESC LIMIT 1), due_on)
$body$;

-- Sums follow from events, flags from the facts; nobody else writes them.
CREATE FUNCTION funds_loan_kept() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'loan %: loans are never deleted', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'INSERT' THEN
        NEW.repaid := 0;
        NEW.subsidised := 0;
        NEW.due_now := NEW.due_on;
    ELSIF pg_trigger_depth() = 1 THEN
        NEW.repaid := OLD.repaid;
        NEW.subsidised := OLD.subsidised;
        NEW.due_now := funds_loan_due(NEW.id, NEW.due_on);
    END IF;
    NEW.flags := funds_loan_flags(NEW);
    RETURN NEW;
END $body$;
CREATE TRIGGER kept BEFORE INSERT OR UPDATE OR DELETE ON funds_loan
    FOR EACH ROW EXECUTE FUNCTION funds_loan_kept();

-- An event moves its loan under the loan's lock; what goes back goes back as it came.
CREATE FUNCTION funds_loan_moved() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
DECLARE
    l funds_loan;
    was funds_loanevent;
BEGIN
    SELECT * INTO l FROM funds_loan WHERE id = NEW.loan_id FOR NO KEY UPDATE;
    IF NEW.taken_on < l.lent_on THEN
        RAISE EXCEPTION 'loan %: earlier than it was lent', l.id
              USING ERRCODE = 'check_violation', CONSTRAINT = 'loan_event_after_lending';
    END IF;
    IF NEW.reverses_id IS NOT NULL THEN
        SELECT * INTO was FROM funds_loanevent WHERE id = NEW.reverses_id;
        IF was.loan_id <> NEW.loan_id OR was.kind <> NEW.kind OR was.amount <> -NEW.amount
           OR was.reverses_id IS NOT NULL THEN
            RAISE EXCEPTION 'loan %: goes back as it came', l.id
                  USING ERRCODE = 'check_violation', CONSTRAINT = 'loan_event_back_as_it_came';
        END IF;
    ELSIF NEW.kind = 'EXTEND' AND NEW.until <= l.due_now THEN
        RAISE EXCEPTION 'loan %: no extension', l.id
              USING ERRCODE = 'check_violation', CONSTRAINT = 'loan_event_extends';
    END IF;
    UPDATE funds_loan
       SET repaid = repaid + CASE WHEN NEW.kind IN ('REPAY', 'COMPENSATE') THEN NEW.amount ELSE 0 END,
           subsidised = subsidised + CASE NEW.kind WHEN 'SUBSIDY' THEN NEW.amount ELSE 0 END,
           due_now = funds_loan_due(id, due_on)
     WHERE id = NEW.loan_id;
    RETURN NULL;
END $body$;
CREATE TRIGGER moved AFTER INSERT ON funds_loanevent
    FOR EACH ROW EXECUTE FUNCTION funds_loan_moved();
"""

UNDO = """
DROP FUNCTION funds_loan_moved() CASCADE;
DROP FUNCTION funds_loan_kept() CASCADE;
DROP FUNCTION funds_loan_due(bigint, date) CASCADE;
DROP FUNCTION funds_loan_flags(funds_loan) CASCADE;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("funds", "0003_batches"),
        ("projects", "0002_never"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Loan',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('village_code', models.CharField(max_length=12, verbose_name='村代码')),
                ('borrower', models.CharField(max_length=60, verbose_name='借款人姓名')),
                ('bank', models.CharField(max_length=100, verbose_name='放款银行')),
                ('contract_no', models.CharField(max_length=60, verbose_name='合同号')),
                ('amount', models.DecimalField(decimal_places=2, max_digits=14, verbose_name='贷款金额（元）')),
                ('addon', models.DecimalField(db_default=0, decimal_places=2, default=0, max_digits=14, verbose_name='其中追加部分（元）')),
                ('lent_on', models.DateField(verbose_name='放款日期')),
                ('due_on', models.DateField(verbose_name='到期日期')),
                ('rate', models.DecimalField(decimal_places=4, max_digits=6, verbose_name='年利率（％）')),
                ('subsidy_rate', models.DecimalField(decimal_places=4, max_digits=6, null=True, verbose_name='贴息率（％）')),
                ('use', models.CharField(max_length=200, verbose_name='贷款用途')),
                ('is_productive', models.BooleanField(null=True, verbose_name='用于生产经营')),
                ('user_kind', models.CharField(blank=True, choices=[('BORROWER', '借款户自用'), ('HOUSEHOLD', '其他农户'), ('COOPERATIVE', '合作社'), ('ENTERPRISE', '企业')], max_length=12, verbose_name='用款主体')),
                ('user_name', models.CharField(blank=True, max_length=100, verbose_name='用款单位或个人')),
                ('repaid', models.DecimalField(db_default=0, decimal_places=2, max_digits=14, verbose_name='已还本金（元）')),
                ('subsidised', models.DecimalField(db_default=0, decimal_places=2, max_digits=14, verbose_name='已贴息（元）')),
                ('due_now', models.DateField(null=True, verbose_name='现到期日期')),
                ('flags', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=16), db_default=[], size=None, verbose_name='疑点')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='登记时间')),
            ],
            options={
                'verbose_name': '小额信贷',
                'indexes': [
                    models.Index(fields=['village_code', 'lent_on'], name='loan_scope'),
                    models.Index(condition=models.Q(('repaid__lt', models.F('amount'))), fields=['due_now'], name='loan_due'),
                    django.contrib.postgres.indexes.GinIndex(fields=['flags'], name='loan_flags'),
                ],
                'constraints': [
                    models.UniqueConstraint(fields=('bank', 'contract_no'), name='loan_once'),
                    models.CheckConstraint(condition=models.Q(('addon__gte', 0), ('addon__lt', models.F('amount')), ('amount__gt', 0)), name='loan_lends_something'),
                    models.CheckConstraint(condition=models.Q(('repaid__gte', 0), ('repaid__lte', models.F('amount'))), name='loan_never_repaid_beyond'),
                    models.CheckConstraint(condition=models.Q(('subsidised__gte', 0)), name='loan_subsidy'),
                    models.CheckConstraint(condition=models.Q(('due_on__gt', models.F('lent_on'))), name='loan_ends_later'),
                    models.CheckConstraint(condition=models.Q(('rate__gte', 0)), name='loan_rate'),
                    models.CheckConstraint(condition=models.Q(models.Q(('bank', ''), _negated=True), models.Q(('contract_no', ''), _negated=True), models.Q(('borrower', ''), _negated=True), models.Q(('use', ''), _negated=True)), name='loan_says_it'),
                    models.CheckConstraint(condition=models.Q(('user_kind__in', ('', 'BORROWER')), models.Q(('user_name', ''), _negated=True), _connector='OR'), name='loan_user_has_a_name'),
                ],
            },
        ),
        migrations.CreateModel(
            name='LoanEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('village_code', models.CharField(max_length=12, verbose_name='村代码')),
                ('kind', models.CharField(choices=[('REPAY', '还本'), ('EXTEND', '展期'), ('SUBSIDY', '贴息'), ('COMPENSATE', '风险补偿')], max_length=10, verbose_name='事项')),
                ('on', models.DateField(db_column='taken_on', verbose_name='日期')),
                ('amount', models.DecimalField(decimal_places=2, default=0, max_digits=14, verbose_name='金额（元）')),
                ('until', models.DateField(null=True, verbose_name='展期至')),
                ('reason', models.CharField(max_length=300, verbose_name='说明')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='登记时间')),
            ],
            options={
                'verbose_name': '贷款事项',
                'constraints': [
                    models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='loan_event_says_why'),
                ],
            },
        ),
        migrations.CreateModel(
            name='LoanRule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('region_prefix', models.CharField(max_length=12, verbose_name='区划前缀')),
                ('valid_from', models.DateField(verbose_name='生效日期')),
                ('valid_to', models.DateField(null=True, verbose_name='失效日期')),
                ('amount_cap', models.DecimalField(decimal_places=2, max_digits=14, null=True, verbose_name='单户额度上限（元）')),
                ('months_cap', models.PositiveSmallIntegerField(null=True, verbose_name='期限上限（月）')),
                ('source', models.CharField(max_length=300, verbose_name='依据')),
            ],
            options={
                'verbose_name': '小额信贷政策',
                'constraints': [
                    models.UniqueConstraint(fields=('region_prefix', 'valid_from'), name='loan_rule_once'),
                    models.CheckConstraint(condition=models.Q(('source', ''), _negated=True), name='loan_rule_has_a_source'),
                    models.CheckConstraint(condition=models.Q(('valid_to', None), ('valid_to__gt', models.F('valid_from')), _connector='OR'), name='loan_rule_ends'),
                ],
            },
        ),
        migrations.AddField(
            model_name='loan',
            name='created_by',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='登记人'),
        ),
        migrations.AddField(
            model_name='loan',
            name='household',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='loans', to='households.household', verbose_name='贷款户'),
        ),
        migrations.AddField(
            model_name='loan',
            name='person',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='households.person', verbose_name='借款人'),
        ),
        migrations.AddField(
            model_name='loanevent',
            name='created_by',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='登记人'),
        ),
        migrations.AddField(
            model_name='loanevent',
            name='loan',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='events', to='funds.loan', verbose_name='贷款'),
        ),
        migrations.AddField(
            model_name='loanevent',
            name='reverses',
            field=models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='reversed_by', to='funds.loanevent', verbose_name='更正的事项'),
        ),
        migrations.AddConstraint(
            model_name='loan',
            constraint=models.UniqueConstraint(fields=('id', 'village_code'), name='loan_id_village'),
        ),
        migrations.AddConstraint(
            model_name='loanevent',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('amount', 0), ('kind', 'EXTEND'), models.Q(('until__isnull', False), ('reverses__isnull', False), _connector='OR')), models.Q(models.Q(('kind', 'EXTEND'), _negated=True), ('until', None), models.Q(models.Q(('amount__gt', 0), ('reverses', None)), models.Q(('amount__lt', 0), ('reverses__isnull', False)), _connector='OR')), _connector='OR'), name='loan_event_amount'),
        ),
        code_kept_true(
            "funds_loan", "household_id", "village_code", "households_household",
            target_code="village_code",
        ),
        code_kept_true(
            "funds_loanevent", "loan_id", "village_code", "funds_loan", target_code="village_code"
        ),
        migrations.RunSQL(LOANS, UNDO),
        append_only("funds_loanevent", except_column="village_code"),
    ]
