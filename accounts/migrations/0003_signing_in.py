import core.fields
import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


def device_columns():
    """What every device of django-otp has."""
    return [
        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
        ('name', models.CharField(help_text='The human-readable name of this device.', max_length=64)),
        ('confirmed', models.BooleanField(default=True, help_text='Is this device ready for use?')),
        ('throttling_failure_timestamp', models.DateTimeField(blank=True, default=None, help_text='A timestamp of the last failed verification attempt. Null if last attempt succeeded.', null=True)),
        ('throttling_failure_count', models.PositiveIntegerField(default=0, help_text='Number of successive failed attempts.')),
        ('created_at', models.DateTimeField(auto_now_add=True, help_text='The date and time when this device was initially created in the system.', null=True)),
        ('last_used_at', models.DateTimeField(blank=True, help_text='The most recent date and time this device was used.', null=True)),
        ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='用户')),
    ]


# Nobody knows how old the passwords of today are; their time begins with this migration. Sessions
# are found by a hash of their key from now on, so those of before open nothing any more.
TAKE_DOWN = """
INSERT INTO accounts_passwordrecord (user_id, digest, set_at)
SELECT id, password, now() FROM accounts_user WHERE password <> '' AND password NOT LIKE '!%';
DELETE FROM django_session;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0002_roles_and_grants'),
        ('sessions', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='PasswordRecord',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(max_length=128, verbose_name='口令散列')),
                ('set_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='设置时间')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='passwords', to=settings.AUTH_USER_MODEL, verbose_name='用户')),
            ],
            options={
                'verbose_name': '口令记录',
                'indexes': [models.Index(fields=['user', '-set_at'], name='password_by_age')],
            },
        ),
        migrations.CreateModel(
            name='LastSignIn',
            fields=[
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='last_sign_in', serialize=False, to=settings.AUTH_USER_MODEL, verbose_name='用户')),
                ('at', models.DateTimeField(null=True, verbose_name='时间')),
                ('address', models.GenericIPAddressField(null=True, verbose_name='地址')),
                ('failures_since', models.PositiveIntegerField(default=0, verbose_name='此后失败次数')),
            ],
            options={
                'verbose_name': '上次登录',
            },
        ),
        migrations.CreateModel(
            name='SignedInSession',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key_hash', models.CharField(max_length=40, unique=True, verbose_name='会话摘要')),
                ('started_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='登录时间')),
                ('last_seen_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='最近活动')),
                ('address', models.GenericIPAddressField(null=True, verbose_name='地址')),
                ('agent', models.CharField(blank=True, max_length=120, verbose_name='浏览器')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='sessions', to=settings.AUTH_USER_MODEL, verbose_name='用户')),
            ],
            options={
                'verbose_name': '登录会话',
                'indexes': [models.Index(fields=['user', 'last_seen_at'], name='session_of_user')],
            },
        ),
        migrations.CreateModel(
            name='Authenticator',
            fields=[
                *device_columns(),
                ('secret', core.fields.Secret(blank=True, default='', max_length=40, null=True, verbose_name='密钥')),
                ('last_step', models.BigIntegerField(default=-1, verbose_name='最近使用的时间步')),
                ('drift', models.SmallIntegerField(default=0, verbose_name='时钟偏差（步）')),
            ],
            options={
                'verbose_name': '动态口令设备',
                'constraints': [models.UniqueConstraint(fields=('user', 'confirmed'), name='authenticator_once')],
            },
        ),
        migrations.CreateModel(
            name='RecoveryCodes',
            fields=[
                *device_columns(),
                ('digests', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=64), default=list, size=None, verbose_name='恢复码摘要')),
            ],
            options={
                'verbose_name': '恢复码',
                'constraints': [models.UniqueConstraint(fields=('user',), name='recovery_codes_once')],
            },
        ),
        migrations.CreateModel(
            name='ProviderIdentity',
            fields=[
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='provider_identity', serialize=False, to=settings.AUTH_USER_MODEL, verbose_name='用户')),
                ('issuer', models.CharField(max_length=255, verbose_name='签发者')),
                ('subject', models.CharField(max_length=255, verbose_name='身份标识')),
                ('bound_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='绑定时间')),
            ],
            options={
                'verbose_name': '统一身份',
                'constraints': [models.UniqueConstraint(fields=('issuer', 'subject'), name='provider_identity_once')],
            },
        ),
        # No way back: phones and the ages of passwords would be lost.
        migrations.RunSQL(TAKE_DOWN),
    ]
