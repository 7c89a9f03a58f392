import core.fields
import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import funds.models.common
from django.conf import settings
from django.db import migrations, models

from core.ddl import code_kept_true
from core.sealing import only_sealed


CLAIMS = """
-- A claim is found by what it claims; a second index would only cost.
ALTER TABLE funds_paymentclaim DROP CONSTRAINT funds_paymentclaim_pkey;
-- One household, one subsidy, one period: one payment, until its voucher is refused or it came back.
-- In one order, so that two batches wait for one another and never both.
CREATE FUNCTION funds_payments_claimed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
BEGIN
    INSERT INTO funds_paymentclaim (payment_id, household_id, subsidy, period)
    SELECT id, household_id, subsidy, period FROM new_rows
     WHERE period <> '' AND household_id IS NOT NULL AND reverses_id IS NULL
     ORDER BY household_id, subsidy, period;
    RETURN NULL;
END $body$;
CREATE TRIGGER claimed AFTER INSERT ON funds_payment REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION funds_payments_claimed();
CREATE FUNCTION funds_claims_given_up() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
BEGIN
    IF NEW.state = 'REFUSED' THEN
        DELETE FROM funds_paymentclaim c USING funds_payment p
         WHERE p.voucher_id = NEW.id AND c.payment_id = p.id
           AND (c.household_id, c.subsidy, c.period) = (p.household_id, p.subsidy, p.period);
    ELSIF NEW.reverses_id IS NOT NULL THEN
        DELETE FROM funds_paymentclaim c USING funds_payment b, funds_payment p
         WHERE b.voucher_id = NEW.id AND p.id = b.reverses_id AND c.payment_id = p.id
           AND (c.household_id, c.subsidy, c.period) = (p.household_id, p.subsidy, p.period);
    END IF;
    RETURN NULL;
END $body$;
CREATE TRIGGER claims AFTER UPDATE OF state ON funds_voucher FOR EACH ROW
    WHEN (OLD.state = 'PENDING' AND NEW.state <> 'PENDING')
    EXECUTE FUNCTION funds_claims_given_up();
"""

UNDO = """
ALTER TABLE funds_paymentclaim ADD CONSTRAINT funds_paymentclaim_pkey PRIMARY KEY (payment_id);
DROP FUNCTION funds_claims_given_up() CASCADE;
DROP FUNCTION funds_payments_claimed() CASCADE;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0004_phase_since'),
        ('funds', '0002_never'),
        ('households', '0017_bars_new'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='PaymentBatch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('region_code', models.CharField(max_length=12, verbose_name='区划代码')),
                ('on', models.DateField(db_column='taken_on', verbose_name='发放日期')),
                ('document', models.CharField(max_length=200, verbose_name='依据文件')),
                ('year', models.PositiveSmallIntegerField(verbose_name='补助年度')),
                ('part', models.CharField(blank=True, max_length=20, verbose_name='补助期次')),
                ('cap', models.DecimalField(decimal_places=2, max_digits=14, null=True, verbose_name='每户上限（元）')),
                ('cap_source', models.CharField(blank=True, max_length=200, verbose_name='上限依据')),
                ('key', models.CharField(max_length=64, verbose_name='业务流水号')),
                ('file_name', models.CharField(max_length=200, verbose_name='文件名')),
                ('file_format', models.CharField(max_length=4, verbose_name='文件格式')),
                ('sha256', models.CharField(max_length=64, verbose_name='文件摘要')),
                ('state', models.CharField(choices=[('UPLOADED', '核对中'), ('REFUSED', '未受理'), ('CHECKED', '待确认'), ('PAYING', '提交中'), ('SUBMITTED', '已提交'), ('DISCARDED', '已放弃')], default='UPLOADED', max_length=9, verbose_name='状态')),
                ('refusal', models.CharField(blank=True, max_length=500, verbose_name='未受理原因')),
                ('rows_read', models.PositiveIntegerField(default=0, verbose_name='读取行数')),
                ('rows_good', models.PositiveIntegerField(default=0, verbose_name='可发放行数')),
                ('amount', models.DecimalField(decimal_places=2, default=0, max_digits=14, verbose_name='可发放金额（元）')),
                ('faults', models.JSONField(default=dict, verbose_name='问题统计')),
                ('judged_at_version', models.CharField(blank=True, max_length=100, verbose_name='核对版本')),
                ('seconds', models.JSONField(default=dict, verbose_name='用时（秒）')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='上传时间')),
            ],
            options={
                'verbose_name': '发放批次',
                'indexes': [
                    models.Index(fields=['region_code', '-id'], name='payment_batch_scope'),
                ],
                'constraints': [
                    models.UniqueConstraint(fields=('region_code', 'key'), name='payment_batch_key_once'),
                    models.CheckConstraint(condition=models.Q(models.Q(('cap__isnull', True), ('cap_source', '')), models.Q(('cap__gt', 0), models.Q(('cap_source', ''), _negated=True)), _connector='OR'), name='payment_batch_cap_has_source'),
                    models.CheckConstraint(condition=models.Q(models.Q(('state', 'REFUSED'), models.Q(('refusal', ''), _negated=True)), models.Q(models.Q(('state', 'REFUSED'), _negated=True), ('refusal', '')), _connector='OR'), name='payment_batch_refused_why'),
                    models.CheckConstraint(condition=models.Q(('year__gte', 2010), ('year__lte', 2100), ('rows_good__lte', models.F('rows_read')), ('state__in', ['UPLOADED', 'REFUSED', 'CHECKED', 'PAYING', 'SUBMITTED', 'DISCARDED'])), name='payment_batch_words'),
                    models.CheckConstraint(condition=models.Q(models.Q(('document', ''), _negated=True), models.Q(('key', ''), _negated=True)), name='payment_batch_says_why'),
                ],
            },
        ),
        migrations.CreateModel(
            name='PaymentBatchRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('row_no', models.PositiveIntegerField(verbose_name='行号')),
                ('household_no', models.CharField(max_length=40, verbose_name='户编号')),
                ('id_index', models.BinaryField(null=True, verbose_name='证件号码索引')),
                ('name', models.CharField(max_length=200, verbose_name='姓名')),
                ('subsidy', models.CharField(max_length=200, verbose_name='补助项目')),
                ('amount', models.DecimalField(decimal_places=6, max_digits=20, null=True, verbose_name='金额（元）')),
                ('bank_account', core.fields.Secret(blank=True, default='', max_length=40, null=True, verbose_name='收款账号')),
                ('account_index', funds.models.common.AccountIndex(null=True, verbose_name='收款账号索引')),
                ('remark', models.CharField(max_length=500, verbose_name='备注')),
                ('village_code', models.CharField(blank=True, max_length=12, verbose_name='村代码')),
                ('faults', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=15), default=list, size=None)),
            ],
            options={
                'verbose_name': '发放批次明细',
            },
        ),
        migrations.CreateModel(
            name='PaymentClaim',
            fields=[
                ('payment', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='+', serialize=False, to='funds.payment', verbose_name='支付')),
                ('subsidy', models.CharField(max_length=60, verbose_name='补助项目')),
                ('period', models.CharField(max_length=25, verbose_name='补助期间')),
            ],
            options={
                'verbose_name': '补助占用',
            },
        ),
        migrations.CreateModel(
            name='PayrollPerson',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('region_code', models.CharField(max_length=12, verbose_name='区划代码')),
                ('id_index', models.BinaryField(verbose_name='证件号码索引')),
                ('key_print', models.CharField(max_length=32, verbose_name='密钥标识')),
                ('source', models.CharField(max_length=200, verbose_name='名册依据')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='导入时间')),
            ],
            options={
                'verbose_name': '财政供养人员',
                'indexes': [
                    models.Index(fields=['id_index'], name='payroll_person_index'),
                ],
                'constraints': [
                    models.UniqueConstraint(fields=('region_code', 'id_index'), name='payroll_person_once'),
                    models.CheckConstraint(condition=models.Q(('source', ''), _negated=True), name='payroll_person_has_source'),
                ],
            },
        ),
        migrations.AddField(
            model_name='payment',
            name='period',
            field=models.CharField(blank=True, db_default='', max_length=25, verbose_name='补助期间'),
        ),
        migrations.AlterField(
            model_name='payment',
            name='account',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='payments', to='funds.account', verbose_name='账户'),
        ),
        migrations.AlterField(
            model_name='payment',
            name='voucher',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='payments', to='funds.voucher', verbose_name='凭证'),
        ),
        migrations.AlterField(
            model_name='payment',
            name='person',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='payments', to='households.person', verbose_name='人员'),
        ),
        migrations.AlterField(
            model_name='payment',
            name='reverses',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='reversed_by', to='funds.payment', verbose_name='退回的支付'),
        ),
        migrations.AddIndex(
            model_name='payment',
            index=models.Index(fields=['voucher', 'account'], name='payment_voucher'),
        ),
        migrations.AddIndex(
            model_name='payment',
            index=models.Index(condition=models.Q(('reverses__isnull', False)), fields=['reverses'], name='payment_reverses'),
        ),
        migrations.AddField(
            model_name='paymentbatch',
            name='account',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='batches', to='funds.account', verbose_name='资金账户'),
        ),
        migrations.AddField(
            model_name='paymentbatch',
            name='created_by',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='经办人'),
        ),
        migrations.AddField(
            model_name='paymentbatch',
            name='job',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='core.job', verbose_name='任务'),
        ),
        migrations.AddField(
            model_name='paymentbatch',
            name='voucher',
            field=models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='batch', to='funds.voucher', verbose_name='凭证'),
        ),
        migrations.AddField(
            model_name='paymentbatchrow',
            name='batch',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='rows', to='funds.paymentbatch', verbose_name='批次'),
        ),
        migrations.AddField(
            model_name='paymentbatchrow',
            name='household',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='households.household', verbose_name='农户'),
        ),
        migrations.AddField(
            model_name='paymentbatchrow',
            name='person',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='households.person', verbose_name='人员'),
        ),
        migrations.AddField(
            model_name='paymentclaim',
            name='household',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='households.household', verbose_name='农户'),
        ),
        migrations.AddField(
            model_name='payrollperson',
            name='created_by',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='导入人'),
        ),
        migrations.AddField(
            model_name='payrollperson',
            name='region',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='villages.region', verbose_name='区划'),
        ),
        migrations.AddConstraint(
            model_name='paymentbatch',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'SUBMITTED'), ('voucher__isnull', False)), models.Q(models.Q(('state', 'SUBMITTED'), _negated=True), ('voucher__isnull', True)), _connector='OR'), name='payment_batch_submitted_by_voucher'),
        ),
        migrations.AddIndex(
            model_name='paymentbatchrow',
            index=models.Index(fields=['batch'], name='payment_batch_row'),
        ),
        migrations.AddConstraint(
            model_name='paymentclaim',
            constraint=models.UniqueConstraint(fields=('household', 'subsidy', 'period'), name='subsidy_once_a_period'),
        ),
        code_kept_true(
            "funds_paymentbatch", "account_id", "region_code", "funds_account",
            target_code="region_code",
        ),
        code_kept_true(
            "funds_payrollperson", "region_id", "region_code", "villages_region", target_code="code"
        ),
        migrations.RunSQL(
            only_sealed("funds_paymentbatchrow", "bank_account"),
            "ALTER TABLE funds_paymentbatchrow"
            " DROP CONSTRAINT funds_paymentbatchrow_bank_account_sealed",
        ),
        migrations.RunSQL(
            "ALTER TABLE funds_paymentbatchrow SET UNLOGGED", migrations.RunSQL.noop
        ),
        migrations.RunSQL(CLAIMS, UNDO),
    ]
