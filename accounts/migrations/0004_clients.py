import django.contrib.postgres.constraints
import django.contrib.postgres.fields
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
import django.db.models.functions.comparison
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


# Every client of before becomes one with a single key, and may do what it could: read every resource
# and all fields but bank, health and whole numbers, from anywhere. Its last day was a day of the city.
MOVE = """
UPDATE accounts_machineclient SET any_network = true;
INSERT INTO accounts_clientkey (client_id, slot, start, digest, created_at, valid_from, expires_at,
                                revoked_at, revoked_reason, last_used_at)
SELECT id, 1, key_start, key_digest, created_at, created_at,
       greatest((expires_on + 1)::timestamp AT TIME ZONE 'Asia/Shanghai',
                created_at + interval '1 second'),
       revoked_at, CASE WHEN revoked_at IS NULL THEN '' ELSE '升级前吊销' END, last_used_at
  FROM accounts_machineclient;
INSERT INTO accounts_clientscope (client_id, resource, access, region_prefix, groups, granted_at)
SELECT c.id, r.resource, 'read', c.region_prefix,
       CASE WHEN r.resource IN ('households', 'persons')
            THEN '{basic,income,living,contact,identity}'::varchar[] ELSE '{}' END, c.created_at
  FROM accounts_machineclient c,
       unnest(ARRAY['regions', 'households', 'persons', 'snapshots', 'metrics'])
           WITH ORDINALITY AS r (resource, place)
 ORDER BY c.id, r.place;
SET CONSTRAINTS ALL IMMEDIATE;
"""
# The youngest key of each client; a client that never had one goes.
MOVE_BACK = """
UPDATE accounts_machineclient c
   SET key_start = k.start, key_digest = k.digest, last_used_at = k.last_used_at,
       expires_on = (k.expires_at AT TIME ZONE 'Asia/Shanghai' - interval '1 microsecond')::date,
       revoked_at = coalesce(k.revoked_at, c.disabled_at)
  FROM (SELECT DISTINCT ON (client_id) * FROM accounts_clientkey
         ORDER BY client_id, valid_from DESC, id DESC) k
 WHERE k.client_id = c.id;
DELETE FROM accounts_sensitivegrant;
DELETE FROM accounts_clientscope;
DELETE FROM accounts_machineclient WHERE key_digest IS NULL;
SET CONSTRAINTS ALL IMMEDIATE;
"""

# What a constraint on one row cannot say.
GUARD = """
CREATE FUNCTION accounts_guard_scope() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM accounts_machineclient c
                    WHERE c.id = NEW.client_id AND starts_with(NEW.region_prefix, c.region_prefix))
    THEN
        RAISE EXCEPTION 'a scope lies inside its client''s region' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard BEFORE INSERT OR UPDATE ON accounts_clientscope
FOR EACH ROW EXECUTE FUNCTION accounts_guard_scope();

CREATE FUNCTION accounts_guard_client() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.region_prefix <> OLD.region_prefix THEN
        RAISE EXCEPTION 'a client stays in its region' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard BEFORE UPDATE ON accounts_machineclient
FOR EACH ROW EXECUTE FUNCTION accounts_guard_client();

CREATE FUNCTION accounts_guard_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a key ends, it is never deleted' USING ERRCODE = 'restrict_violation';
    END IF;
    IF (NEW.id, NEW.client_id, NEW.slot, NEW.start, NEW.digest, NEW.created_at, NEW.created_by_id,
        NEW.valid_from)
       IS DISTINCT FROM
       (OLD.id, OLD.client_id, OLD.slot, OLD.start, OLD.digest, OLD.created_at, OLD.created_by_id,
        OLD.valid_from)
       OR NEW.expires_at > OLD.expires_at
       OR OLD.revoked_at IS NOT NULL
          AND (NEW.revoked_at, NEW.revoked_by_id, NEW.revoked_reason)
              IS DISTINCT FROM (OLD.revoked_at, OLD.revoked_by_id, OLD.revoked_reason)
    THEN
        RAISE EXCEPTION 'a key is neither rewritten nor prolonged nor revived'
              USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard BEFORE UPDATE OR DELETE ON accounts_clientkey
FOR EACH ROW EXECUTE FUNCTION accounts_guard_key();

-- Asking and confirming are two acts: no row is born confirmed, and none is confirmed anew.
CREATE FUNCTION accounts_guard_sensitive() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.confirmed_by_id IS NOT NULL THEN
            RAISE EXCEPTION 'nothing is confirmed before it is asked for'
                  USING ERRCODE = 'check_violation';
        END IF;
    ELSIF OLD.confirmed_by_id IS NOT NULL
          OR (NEW.id, NEW.scope_id, NEW."group", NEW.region_prefix, NEW.granted_by_id, NEW.granted_at)
             IS DISTINCT FROM
             (OLD.id, OLD.scope_id, OLD."group", OLD.region_prefix, OLD.granted_by_id, OLD.granted_at)
    THEN
        RAISE EXCEPTION 'a sensitive grant is not rewritten' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard BEFORE INSERT OR UPDATE ON accounts_sensitivegrant
FOR EACH ROW EXECUTE FUNCTION accounts_guard_sensitive();
"""
UNGUARD = """
DROP TRIGGER guard ON accounts_clientscope;
DROP TRIGGER guard ON accounts_machineclient;
DROP TRIGGER guard ON accounts_clientkey;
DROP TRIGGER guard ON accounts_sensitivegrant;
DROP FUNCTION accounts_guard_scope();
DROP FUNCTION accounts_guard_client();
DROP FUNCTION accounts_guard_key();
DROP FUNCTION accounts_guard_sensitive();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_signing_in'),
    ]

    operations = [
        migrations.CreateModel(
            name='ClientKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('slot', models.PositiveSmallIntegerField(verbose_name='位置')),
                ('start', models.CharField(max_length=8, verbose_name='密钥前八位')),
                ('digest', models.CharField(max_length=64, unique=True, verbose_name='密钥摘要')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='签发时间')),
                ('valid_from', models.DateTimeField(default=django.utils.timezone.now, verbose_name='生效时间')),
                ('expires_at', models.DateTimeField(verbose_name='失效时间')),
                ('revoked_at', models.DateTimeField(blank=True, null=True, verbose_name='吊销时间')),
                ('revoked_reason', models.CharField(blank=True, max_length=200, verbose_name='吊销原因')),
                ('last_used_at', models.DateTimeField(blank=True, null=True, verbose_name='最近使用')),
                ('last_address', models.GenericIPAddressField(blank=True, null=True, verbose_name='最近来源地址')),
            ],
            options={
                'verbose_name': '接口密钥',
                'ordering': ['-valid_from', '-id'],
                'constraints': [
                    models.CheckConstraint(condition=models.Q(('slot__in', (1, 2))), name='key_slot'),
                    models.CheckConstraint(condition=models.Q(('expires_at__gt', models.F('valid_from'))), name='key_expires_after_start'),
                    models.CheckConstraint(condition=models.Q(models.Q(('revoked_at__isnull', True), ('revoked_reason', '')), models.Q(('revoked_at__isnull', False), models.Q(('revoked_reason', ''), _negated=True)), _connector='OR'), name='key_revoked_for_a_reason'),
                ],
            },
        ),
        migrations.CreateModel(
            name='ClientScope',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('resource', models.CharField(choices=[('regions', '行政区划'), ('households', '户'), ('persons', '人'), ('snapshots', '指标值及凭据'), ('metrics', '指标汇总')], max_length=20, verbose_name='资源')),
                ('access', models.CharField(choices=[('read', '读取'), ('write', '写入')], default='read', max_length=5, verbose_name='方式')),
                ('region_prefix', models.CharField(max_length=12, verbose_name='区划前缀')),
                ('groups', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=20), blank=True, default=list, size=None, verbose_name='字段组')),
                ('granted_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='授权时间')),
            ],
            options={
                'verbose_name': '接口授权',
                'ordering': ['id'],
                'constraints': [
                    models.CheckConstraint(condition=models.Q(('region_prefix__regex', '^[0-9]{2}([0-9]{2}([0-9]{2}([0-9]{3}([0-9]{3})?)?)?)?$')), name='scope_prefix_is_a_level'),
                    models.CheckConstraint(condition=models.Q(('groups__contained_by', ['basic', 'income', 'living', 'contact', 'bank', 'identity'])), name='scope_ordinary_groups'),
                    models.CheckConstraint(condition=models.Q(('groups', []), ('resource__in', ['households', 'persons']), _connector='OR'), name='scope_groups_of_persons'),
                ],
            },
        ),
        migrations.CreateModel(
            name='SensitiveGrant',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('group', models.CharField(choices=[('basic', '基本情况'), ('income', '收入支出'), ('living', '生产生活条件'), ('contact', '住址、电话（电话脱敏）'), ('bank', '银行账户（账号脱敏）'), ('identity', '证件号码（脱敏）'), ('health', '健康、残疾'), ('identity_full', '完整号码')], max_length=20, verbose_name='字段组')),
                ('region_prefix', models.CharField(max_length=12, verbose_name='区划前缀')),
                ('granted_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='提出时间')),
                ('confirmed_at', models.DateTimeField(blank=True, null=True, verbose_name='复核时间')),
            ],
            options={
                'verbose_name': '敏感字段授权',
                'ordering': ['id'],
                'constraints': [
                    models.CheckConstraint(condition=models.Q(('group__in', ['health', 'identity_full'])), name='sensitive_group'),
                ],
            },
        ),
        migrations.AddField(
            model_name='machineclient',
            name='any_network',
            field=models.BooleanField(default=False, verbose_name='不限来源地址'),
        ),
        migrations.AddField(
            model_name='machineclient',
            name='contact',
            field=models.CharField(blank=True, max_length=100, verbose_name='联系人'),
        ),
        migrations.AddField(
            model_name='machineclient',
            name='created_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='创建人'),
        ),
        migrations.AddField(
            model_name='machineclient',
            name='disabled_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='停用时间'),
        ),
        migrations.AddField(
            model_name='machineclient',
            name='disabled_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='停用人'),
        ),
        migrations.AddField(
            model_name='machineclient',
            name='disabled_reason',
            field=models.CharField(blank=True, max_length=200, verbose_name='停用原因'),
        ),
        migrations.AddField(
            model_name='machineclient',
            name='networks',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=43), blank=True, default=list, size=None, verbose_name='允许的来源地址'),
        ),
        migrations.AddField(
            model_name='machineclient',
            name='office',
            field=models.CharField(blank=True, max_length=100, verbose_name='使用单位'),
        ),
        migrations.AddField(
            model_name='machineclient',
            name='purpose',
            field=models.CharField(default='（升级前未登记用途）', max_length=200, verbose_name='用途'),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='machineclient',
            name='requests_per_minute',
            field=models.PositiveIntegerField(default=120, verbose_name='每分钟请求上限（次）'),
        ),
        migrations.AddField(
            model_name='machineclient',
            name='rows_per_hour',
            field=models.PositiveIntegerField(default=100000, verbose_name='每小时记录上限（条）'),
        ),
        migrations.AddField(
            model_name='clientkey',
            name='client',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='keys', to='accounts.machineclient', verbose_name='接口客户端'),
        ),
        migrations.AddField(
            model_name='clientkey',
            name='created_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='签发人'),
        ),
        migrations.AddField(
            model_name='clientkey',
            name='revoked_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='吊销人'),
        ),
        migrations.AddField(
            model_name='clientscope',
            name='client',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='scopes', to='accounts.machineclient', verbose_name='接口客户端'),
        ),
        migrations.AddField(
            model_name='clientscope',
            name='granted_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='授权人'),
        ),
        migrations.AddField(
            model_name='sensitivegrant',
            name='confirmed_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='复核人'),
        ),
        migrations.AddField(
            model_name='sensitivegrant',
            name='granted_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='提出人'),
        ),
        migrations.AddField(
            model_name='sensitivegrant',
            name='scope',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='sensitive', to='accounts.clientscope', verbose_name='接口授权'),
        ),
        # Nullable for a moment, so that the way back can fill them before they are required.
        migrations.AlterField('machineclient', 'key_start', models.CharField(max_length=8, null=True, verbose_name='密钥前缀')),
        migrations.AlterField('machineclient', 'key_digest', models.CharField(max_length=64, null=True, unique=True, verbose_name='密钥摘要')),
        migrations.AlterField('machineclient', 'expires_on', models.DateField(null=True, verbose_name='失效日期')),
        migrations.RunSQL(MOVE, MOVE_BACK),
        migrations.RemoveField(
            model_name='machineclient',
            name='expires_on',
        ),
        migrations.RemoveField(
            model_name='machineclient',
            name='key_digest',
        ),
        migrations.RemoveField(
            model_name='machineclient',
            name='key_start',
        ),
        migrations.RemoveField(
            model_name='machineclient',
            name='last_used_at',
        ),
        migrations.RemoveField(
            model_name='machineclient',
            name='revoked_at',
        ),
        migrations.AddConstraint(
            model_name='machineclient',
            constraint=models.CheckConstraint(condition=models.Q(('purpose', ''), _negated=True), name='client_has_a_purpose'),
        ),
        migrations.AddConstraint(
            model_name='machineclient',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('any_network', True), ('networks', [])), models.Q(('any_network', False), models.Q(('networks', []), _negated=True)), _connector='OR'), name='client_networks_chosen'),
        ),
        migrations.AddConstraint(
            model_name='machineclient',
            constraint=models.CheckConstraint(condition=models.Q(('requests_per_minute__range', (1, 6000)), ('rows_per_hour__range', (1, 2000000))), name='client_rates'),
        ),
        migrations.AddConstraint(
            model_name='machineclient',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('disabled_at__isnull', True), ('disabled_reason', '')), models.Q(('disabled_at__isnull', False), models.Q(('disabled_reason', ''), _negated=True)), _connector='OR'), name='client_disabled_for_a_reason'),
        ),
        migrations.AddConstraint(
            model_name='clientkey',
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(expressions=[(models.F('client'), '='), (models.F('slot'), '='), (models.Func(models.F('valid_from'), django.db.models.functions.comparison.Least(models.F('expires_at'), django.db.models.functions.comparison.Greatest(models.F('valid_from'), django.db.models.functions.comparison.Coalesce(models.F('revoked_at'), models.F('expires_at')))), function='tstzrange', output_field=django.contrib.postgres.fields.ranges.DateTimeRangeField()), '&&')], name='client_two_live_keys'),
        ),
        migrations.AddConstraint(
            model_name='clientscope',
            constraint=models.UniqueConstraint(fields=('client', 'resource', 'access'), name='client_scope_once'),
        ),
        migrations.AddConstraint(
            model_name='sensitivegrant',
            constraint=models.UniqueConstraint(fields=('scope', 'group'), name='sensitive_group_once'),
        ),
        migrations.AddConstraint(
            model_name='sensitivegrant',
            constraint=models.CheckConstraint(condition=models.Q(('confirmed_by__isnull', True), models.Q(('confirmed_by', models.F('granted_by')), _negated=True), _connector='OR'), name='sensitive_two_persons'),
        ),
        migrations.AddConstraint(
            model_name='sensitivegrant',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('confirmed_at__isnull', True), ('confirmed_by__isnull', True)), models.Q(('confirmed_at__isnull', False), ('confirmed_by__isnull', False)), _connector='OR'), name='sensitive_confirmed_by_somebody'),
        ),
        migrations.RunSQL(GUARD, UNGUARD),
    ]
