import accounts.models.user
import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


# The first step knew three roles. No right may widen by being renamed: a leader below the county had
# no more than a look, and no role of today has just that there, so that grant ends. Of grants that
# became the same by it the longest stays.
RENAME = """
UPDATE accounts_grant SET region_prefix = %s WHERE length(region_prefix) = 2;
UPDATE accounts_grant SET role = CASE
    WHEN role = 'ADMIN' AND length(region_prefix) = 4 THEN 'CITY_OFFICE'
    WHEN role = 'ADMIN' AND length(region_prefix) = 6 THEN 'COUNTY_OFFICE'
    WHEN role = 'CLERK' AND length(region_prefix) = 4 THEN 'LEADER'
    WHEN role = 'CLERK' AND length(region_prefix) = 6 THEN 'COUNTY_CLERK'
    WHEN role IN ('ADMIN', 'CLERK') AND length(region_prefix) = 9 THEN 'TOWN_CLERK'
    WHEN length(region_prefix) = 12 THEN 'VILLAGE'
    WHEN role = 'LEADER' AND length(region_prefix) = 9 THEN 'INSPECTOR'
    ELSE role END;
UPDATE accounts_grant SET revoked_at = now(), revoked_reason = '角色调整，原“领导”不再授予乡镇'
 WHERE role = 'INSPECTOR';
UPDATE accounts_grant g SET revoked_at = now(), revoked_reason = '角色调整，与另一项授权重复'
  FROM (SELECT id, row_number() OVER (PARTITION BY user_id, role, region_prefix, valid_from
                                      ORDER BY coalesce(valid_to, 'infinity') DESC, id) AS place
          FROM accounts_grant WHERE revoked_at IS NULL) ranked
 WHERE ranked.id = g.id AND ranked.place > 1;
UPDATE accounts_user u SET home_prefix = g.prefix
  FROM (SELECT user_id, min(region_prefix COLLATE "C") AS prefix FROM accounts_grant
         GROUP BY user_id HAVING min(length(region_prefix)) >= 4) g
 WHERE g.user_id = u.id;
"""


def rename_roles(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(RENAME, [settings.SITE_CITY_CODE])


# What a constraint on one row cannot say. Only whoever owns the table, that is the operator of the
# machine, appoints without a name; everybody else acts inside what they were granted.
GUARD = """
CREATE FUNCTION accounts_may_grant(who bigint, wanted text, prefix text) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM accounts_grant g
         WHERE g.user_id = who AND g.role = 'SECURITY_ADMIN' AND g.revoked_at IS NULL
           AND (now() AT TIME ZONE 'Asia/Shanghai')::date >= g.valid_from
           AND (g.valid_to IS NULL OR (now() AT TIME ZONE 'Asia/Shanghai')::date <= g.valid_to)
           AND starts_with(prefix, g.region_prefix)
           AND (wanted NOT IN ('SYSTEM_ADMIN', 'SECURITY_ADMIN', 'AUDIT_ADMIN')
                OR length(g.region_prefix) < length(prefix)))
$$;

CREATE FUNCTION accounts_guard_grant() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    is_owner boolean;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a grant ends, it is never deleted' USING ERRCODE = 'restrict_violation';
    END IF;
    SELECT pg_has_role(current_user, relowner, 'USAGE') INTO is_owner
      FROM pg_class WHERE oid = TG_RELID;
    IF TG_OP = 'INSERT' THEN
        IF NEW.granted_by_id IS NULL THEN
            IF NOT is_owner THEN
                RAISE EXCEPTION 'a grant needs a grantor' USING ERRCODE = 'check_violation';
            END IF;
        ELSIF NOT accounts_may_grant(NEW.granted_by_id, NEW.role, NEW.region_prefix) THEN
            RAISE EXCEPTION 'the grantor may not grant this' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF (NEW.id, NEW.user_id, NEW.role, NEW.region_prefix, NEW.department, NEW.valid_from, NEW.reason,
        NEW.granted_by_id, NEW.granted_at)
       IS DISTINCT FROM
       (OLD.id, OLD.user_id, OLD.role, OLD.region_prefix, OLD.department, OLD.valid_from, OLD.reason,
        OLD.granted_by_id, OLD.granted_at)
    THEN
        RAISE EXCEPTION 'a grant is not rewritten' USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.revoked_at IS NOT NULL THEN
        RAISE EXCEPTION 'a revoked grant stays revoked' USING ERRCODE = 'restrict_violation';
    END IF;
    IF coalesce(NEW.valid_to, 'infinity') > coalesce(OLD.valid_to, 'infinity') THEN
        RAISE EXCEPTION 'a grant is not prolonged' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.revoked_at IS NOT NULL THEN
        IF NEW.revoked_by_id IS NULL THEN
            IF NOT is_owner THEN
                RAISE EXCEPTION 'a revocation needs a name' USING ERRCODE = 'check_violation';
            END IF;
        ELSIF NOT accounts_may_grant(NEW.revoked_by_id, OLD.role, OLD.region_prefix) THEN
            RAISE EXCEPTION 'this person may not revoke this' USING ERRCODE = 'check_violation';
        END IF;
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER guard BEFORE INSERT OR UPDATE OR DELETE ON accounts_grant
FOR EACH ROW EXECUTE FUNCTION accounts_guard_grant();

CREATE FUNCTION accounts_never_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% are never deleted', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER never_deleted BEFORE DELETE ON accounts_user
FOR EACH ROW EXECUTE FUNCTION accounts_never_deleted();
CREATE TRIGGER never_deleted BEFORE DELETE ON accounts_passwordlink
FOR EACH ROW EXECUTE FUNCTION accounts_never_deleted();
"""
UNGUARD = """
DROP TRIGGER guard ON accounts_grant;
DROP TRIGGER never_deleted ON accounts_user;
DROP TRIGGER never_deleted ON accounts_passwordlink;
DROP FUNCTION accounts_guard_grant();
DROP FUNCTION accounts_never_deleted();
DROP FUNCTION accounts_may_grant(bigint, text, text);
"""


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0001_users_and_grants'),
        ('villages', '0001_divisions'),  # makes the extension that exclusion constraints need
    ]

    operations = [
        migrations.CreateModel(
            name='PasswordLink',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(max_length=64, unique=True, verbose_name='链接摘要')),
                ('made_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='发放时间')),
                ('expires_at', models.DateTimeField(verbose_name='失效时间')),
                ('used_at', models.DateTimeField(blank=True, null=True, verbose_name='使用时间')),
                ('voided_at', models.DateTimeField(blank=True, null=True, verbose_name='作废时间')),
            ],
            options={
                'verbose_name': '设置口令链接',
                'constraints': [
                    models.CheckConstraint(condition=models.Q(('expires_at__gt', models.F('made_at'))), name='link_ends'),
                    models.CheckConstraint(condition=models.Q(('used_at__isnull', True), ('voided_at__isnull', True), _connector='OR'), name='link_used_or_void'),
                ],
            },
        ),
        migrations.RemoveConstraint(
            model_name='grant',
            name='grant_once',
        ),
        migrations.AddField(
            model_name='grant',
            name='department',
            field=models.CharField(blank=True, max_length=100, verbose_name='责任部门'),
        ),
        migrations.AddField(
            model_name='grant',
            name='granted_at',
            field=models.DateTimeField(default=django.utils.timezone.now, verbose_name='授权时间'),
        ),
        migrations.AddField(
            model_name='grant',
            name='granted_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='授权人'),
        ),
        migrations.AddField(
            model_name='grant',
            name='reason',
            field=models.CharField(blank=True, max_length=200, verbose_name='授权事由'),
        ),
        migrations.AddField(
            model_name='grant',
            name='revoked_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='收回时间'),
        ),
        migrations.AddField(
            model_name='grant',
            name='revoked_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='收回人'),
        ),
        migrations.AddField(
            model_name='grant',
            name='revoked_reason',
            field=models.CharField(blank=True, max_length=200, verbose_name='收回事由'),
        ),
        migrations.AddField(
            model_name='user',
            name='created_at',
            field=models.DateTimeField(default=django.utils.timezone.now, verbose_name='建立时间'),
        ),
        migrations.AddField(
            model_name='user',
            name='created_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='建立人'),
        ),
        migrations.AddField(
            model_name='user',
            name='disabled_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='停用时间'),
        ),
        migrations.AddField(
            model_name='user',
            name='disabled_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='停用人'),
        ),
        migrations.AddField(
            model_name='user',
            name='disabled_reason',
            field=models.CharField(blank=True, max_length=200, verbose_name='停用事由'),
        ),
        migrations.AddField(
            model_name='user',
            name='handed_over_on',
            field=models.DateField(blank=True, null=True, verbose_name='移交日期'),
        ),
        migrations.AddField(
            model_name='user',
            name='handed_over_reason',
            field=models.CharField(blank=True, max_length=200, verbose_name='移交事由'),
        ),
        migrations.AddField(
            model_name='user',
            name='handed_over_to',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='taken_over', to=settings.AUTH_USER_MODEL, verbose_name='工作移交给'),
        ),
        migrations.AddField(
            model_name='user',
            name='home_prefix',
            field=models.CharField(default=accounts.models.user.city_code, max_length=12, verbose_name='所属区划'),
        ),
        migrations.AlterField(
            model_name='grant',
            name='role',
            field=models.CharField(choices=[('SYSTEM_ADMIN', '系统管理员'), ('SECURITY_ADMIN', '安全管理员'), ('AUDIT_ADMIN', '审计管理员'), ('LEADER', '领导'), ('CITY_OFFICE', '市级业务部门'), ('COUNTY_OFFICE', '县级业务部门'), ('COUNTY_CLERK', '县级数据员'), ('TOWN_CLERK', '乡镇数据员'), ('VILLAGE', '村级人员、第一书记'), ('HELPER', '帮扶责任人'), ('DEPARTMENT', '行业部门'), ('FINANCE', '资金管理员'), ('INSPECTOR', '督查、调查员'), ('AUDITOR', '审计人员（只读）')], max_length=20, verbose_name='角色'),
        ),
        migrations.AlterField(
            model_name='grant',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='grants', to=settings.AUTH_USER_MODEL, verbose_name='用户'),
        ),
        # No way back: which of the old roles a grant was is not kept.
        migrations.RunPython(rename_roles),
        migrations.AddIndex(
            model_name='user',
            index=models.Index(fields=['home_prefix', 'username'], name='user_home'),
        ),
        migrations.AddConstraint(
            model_name='grant',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('region_prefix__regex', '^(.{4}|.{6})$'), ('role', 'SYSTEM_ADMIN')), models.Q(('region_prefix__regex', '^(.{4}|.{6})$'), ('role', 'SECURITY_ADMIN')), models.Q(('region_prefix__regex', '^(.{4}|.{6})$'), ('role', 'AUDIT_ADMIN')), models.Q(('region_prefix__regex', '^(.{4}|.{6})$'), ('role', 'LEADER')), models.Q(('region_prefix__regex', '^(.{4})$'), ('role', 'CITY_OFFICE')), models.Q(('region_prefix__regex', '^(.{6})$'), ('role', 'COUNTY_OFFICE')), models.Q(('region_prefix__regex', '^(.{6})$'), ('role', 'COUNTY_CLERK')), models.Q(('region_prefix__regex', '^(.{9})$'), ('role', 'TOWN_CLERK')), models.Q(('region_prefix__regex', '^(.{12})$'), ('role', 'VILLAGE')), models.Q(('region_prefix__regex', '^(.{4}|.{6}|.{9}|.{12})$'), ('role', 'HELPER')), models.Q(('region_prefix__regex', '^(.{4}|.{6})$'), ('role', 'DEPARTMENT')), models.Q(('region_prefix__regex', '^(.{4}|.{6})$'), ('role', 'FINANCE')), models.Q(('region_prefix__regex', '^(.{4}|.{6}|.{9}|.{12})$'), ('role', 'INSPECTOR')), models.Q(('region_prefix__regex', '^(.{4}|.{6})$'), ('role', 'AUDITOR')), _connector='OR'), name='grant_role_fits_level'),
        ),
        migrations.AddConstraint(
            model_name='grant',
            constraint=models.CheckConstraint(condition=models.Q(('granted_by__isnull', True), models.Q(('granted_by', models.F('user')), _negated=True), _connector='OR'), name='grant_not_to_oneself'),
        ),
        migrations.AddConstraint(
            model_name='grant',
            constraint=models.CheckConstraint(condition=models.Q(('revoked_by__isnull', True), models.Q(models.Q(('revoked_by', models.F('user')), _negated=True), ('revoked_at__isnull', False)), _connector='OR'), name='grant_not_revoked_by_oneself'),
        ),
        migrations.AddConstraint(
            model_name='grant',
            constraint=models.UniqueConstraint(condition=models.Q(('revoked_at__isnull', True)), fields=('user', 'role', 'region_prefix', 'department', 'valid_from'), name='grant_once'),
        ),
        migrations.AddConstraint(
            model_name='grant',
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(condition=models.Q(('revoked_at__isnull', True)), expressions=[('user', '='), (models.Case(models.When(role='SYSTEM_ADMIN', then=models.Value('SYSTEM_ADMIN')), models.When(role='SECURITY_ADMIN', then=models.Value('SECURITY_ADMIN')), models.When(role='AUDIT_ADMIN', then=models.Value('AUDIT_ADMIN')), default=models.Value('OTHER')), '<>'), (models.Func(models.F('valid_from'), models.F('valid_to'), models.Value('[]'), function='daterange', output_field=django.contrib.postgres.fields.ranges.DateRangeField()), '&&')], name='grant_one_office_at_a_time'),
        ),
        migrations.AddConstraint(
            model_name='user',
            constraint=models.CheckConstraint(condition=models.Q(('home_prefix__regex', '^[0-9]{4}([0-9]{2}([0-9]{3}([0-9]{3})?)?)?$')), name='user_home_is_a_level'),
        ),
        migrations.AddConstraint(
            model_name='user',
            constraint=models.CheckConstraint(condition=models.Q(('disabled_by__isnull', True), models.Q(('disabled_by', models.F('id')), _negated=True), _connector='OR'), name='user_not_disabled_by_oneself'),
        ),
        migrations.AddConstraint(
            model_name='user',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('handed_over_on__isnull', True), ('handed_over_to__isnull', True)), models.Q(('handed_over_on__isnull', False), ('handed_over_to__isnull', False), models.Q(('handed_over_to', models.F('id')), _negated=True)), _connector='OR'), name='user_handed_over_to_another'),
        ),
        migrations.AddField(
            model_name='passwordlink',
            name='made_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='发放人'),
        ),
        migrations.AddField(
            model_name='passwordlink',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='links', to=settings.AUTH_USER_MODEL, verbose_name='用户'),
        ),
        migrations.AddConstraint(
            model_name='passwordlink',
            constraint=models.CheckConstraint(condition=models.Q(('made_by__isnull', True), models.Q(('made_by', models.F('user')), _negated=True), _connector='OR'), name='link_not_for_oneself'),
        ),
        migrations.AddConstraint(
            model_name='passwordlink',
            constraint=models.UniqueConstraint(condition=models.Q(('used_at__isnull', True), ('voided_at__isnull', True)), fields=('user',), name='link_one_alive'),
        ),
        migrations.RunSQL(GUARD, UNGUARD),
    ]
