from django.db import migrations, models


# What one person has given so far waits for another, beginning now.
ASK = """
INSERT INTO accounts_sensitivegrant (scope_id, "group", region_prefix, granted_at, granted_by_id)
SELECT id, 'scope', region_prefix, granted_at, granted_by_id
  FROM accounts_clientscope
 WHERE resource IN ('households', 'persons') AND granted_by_id IS NOT NULL;
SET CONSTRAINTS ALL IMMEDIATE;
"""
ASK_NO_MORE = """
DELETE FROM accounts_sensitivegrant WHERE "group" = 'scope';
SET CONSTRAINTS ALL IMMEDIATE;
"""

# Whoever widens a scope or the networks takes away what was confirmed for less; and only the owner of
# the tables, who operates the machine, gives in nobody's name, which needs no second person.
GUARD = """
CREATE OR REPLACE FUNCTION accounts_guard_scope() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    widens boolean := TG_OP = 'INSERT';
BEGIN
    IF NOT EXISTS (SELECT FROM accounts_machineclient c
                    WHERE c.id = NEW.client_id AND starts_with(NEW.region_prefix, c.region_prefix))
    THEN
        RAISE EXCEPTION 'a scope lies inside its client''s region' USING ERRCODE = 'check_violation';
    END IF;
    IF TG_OP = 'UPDATE' THEN
        IF (NEW.id, NEW.client_id, NEW.resource, NEW.access)
           IS DISTINCT FROM (OLD.id, OLD.client_id, OLD.resource, OLD.access)
        THEN
            RAISE EXCEPTION 'a scope stays with its client and resource'
                  USING ERRCODE = 'restrict_violation';
        END IF;
        widens := NEW.region_prefix <> OLD.region_prefix OR NOT NEW.groups <@ OLD.groups;
        IF widens THEN
            DELETE FROM accounts_sensitivegrant WHERE scope_id = NEW.id;
        END IF;
    END IF;
    IF NEW.resource IN ('households', 'persons') AND NEW.granted_by_id IS NULL
       AND (widens OR OLD.granted_by_id IS NOT NULL)
       AND current_user <> (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = TG_RELID)
    THEN
        RAISE EXCEPTION 'what tells of persons is given by somebody'
              USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION accounts_guard_client() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.region_prefix <> OLD.region_prefix THEN
        RAISE EXCEPTION 'a client stays in its region' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NOT OLD.any_network AND (NEW.any_network OR EXISTS (
        SELECT FROM unnest(NEW.networks) AS fresh (block)
         WHERE NOT EXISTS (SELECT FROM unnest(OLD.networks) AS known (block)
                            WHERE fresh.block::inet <<= known.block::inet)))
    THEN
        DELETE FROM accounts_sensitivegrant g USING accounts_clientscope s
         WHERE s.id = g.scope_id AND s.client_id = NEW.id;
    END IF;
    RETURN NEW;
END $$;
"""
GUARD_LESS = """
CREATE OR REPLACE FUNCTION accounts_guard_scope() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM accounts_machineclient c
                    WHERE c.id = NEW.client_id AND starts_with(NEW.region_prefix, c.region_prefix))
    THEN
        RAISE EXCEPTION 'a scope lies inside its client''s region' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION accounts_guard_client() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.region_prefix <> OLD.region_prefix THEN
        RAISE EXCEPTION 'a client stays in its region' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0004_clients'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='sensitivegrant',
            name='sensitive_group',
        ),
        migrations.AlterField(
            model_name='sensitivegrant',
            name='group',
            field=models.CharField(choices=[('scope', '资源及一般字段组'), ('basic', '基本情况'), ('income', '收入支出'), ('living', '生产生活条件'), ('contact', '住址、电话（电话脱敏）'), ('bank', '银行账户（账号脱敏）'), ('identity', '证件号码（脱敏）'), ('health', '健康、残疾'), ('identity_full', '完整号码')], max_length=20, verbose_name='字段组'),
        ),
        migrations.AddConstraint(
            model_name='sensitivegrant',
            constraint=models.CheckConstraint(condition=models.Q(('group__in', ['scope', 'health', 'identity_full'])), name='sensitive_group'),
        ),
        migrations.RunSQL(ASK, ASK_NO_MORE),
        migrations.RunSQL(GUARD, GUARD_LESS),
    ]
