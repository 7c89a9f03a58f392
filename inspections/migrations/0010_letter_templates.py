"""Templates that letters are made from, and what an issued one said."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from core.ddl import append_only, code_kept_true

SAID = """
-- A letter that is out has its words kept; the act that issues it puts them down.
CREATE FUNCTION inspections_letter_said() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
BEGIN
    IF NOT EXISTS (SELECT FROM inspections_lettertext WHERE letter_id = NEW.id) THEN
        RAISE EXCEPTION 'letter %: nobody put down what it says', NEW.id
              USING ERRCODE = 'check_violation', CONSTRAINT = 'letter_says_something';
    END IF;
    RETURN NULL;
END $body$;
CREATE CONSTRAINT TRIGGER letter_says_something AFTER UPDATE OF state ON inspections_letter
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (OLD.state = 'PREPARED' AND NEW.state = 'ISSUED')
    EXECUTE FUNCTION inspections_letter_said();
"""


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("inspections", "0009_rechecks_never"),
    ]

    operations = [
        migrations.CreateModel(
            name='LetterTemplate',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('region_prefix', models.CharField(max_length=12, verbose_name='区划前缀')),
                ('kind', models.CharField(choices=[('REMIND', '问题整改提示函'), ('SUPERVISE', '问题整改督办函'), ('ACCOUNT', '责任追究建议函')], max_length=9, verbose_name='文书')),
                ('note', models.CharField(blank=True, max_length=100, verbose_name='说明')),
                ('sha256', models.CharField(max_length=64, verbose_name='文件摘要')),
                ('size', models.PositiveIntegerField(verbose_name='大小（字节）')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='上传时间')),
                ('created_by', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='上传人')),
            ],
            options={
                'verbose_name': '文书模板',
                'indexes': [models.Index(fields=['region_prefix', 'kind', '-id'], name='letter_template_last')],
                'constraints': [models.CheckConstraint(condition=models.Q(('kind__in', ['REMIND', 'SUPERVISE', 'ACCOUNT']), ('sha256__regex', '^[0-9a-f]{64}$'), ('size__gte', 1)), name='letter_template_is_a_file')],
            },
        ),
        migrations.CreateModel(
            name='LetterText',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('region_code', models.CharField(max_length=12, verbose_name='区划代码')),
                ('said', models.JSONField(verbose_name='内容')),
                ('letter', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='text', to='inspections.letter', verbose_name='文书')),
                ('template', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inspections.lettertemplate', verbose_name='模板')),
                ('sha256', models.CharField(max_length=64, verbose_name='模板摘要')),
            ],
            options={
                'verbose_name': '文书内容',
                'constraints': [models.CheckConstraint(condition=models.Q(('sha256__regex', '^[0-9a-f]{64}$')), name='letter_text_of_a_file')],
            },
        ),
        code_kept_true(
            "inspections_lettertext", "letter_id", "region_code", "inspections_letter",
            target_code="region_code",
        ),
        append_only("inspections_lettertemplate"),
        append_only("inspections_lettertext", except_column="region_code"),
        migrations.RunSQL(SAID, "DROP FUNCTION inspections_letter_said() CASCADE"),
    ]  # fmt: skip
