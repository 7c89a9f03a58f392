"""Papers of households and procedures; notices keep the list that was posted."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from core.ddl import code_kept_true

# What was handed in stays what it is: a paper can be withdrawn once and follows its village's code,
# and a change that came later may be named on it. Nothing else of it ever changes.
KEEP = """
CREATE FUNCTION attachment_stays() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    may_change CONSTANT text[] := '{village_code,change_id,withdrawn_at,withdrawn_by_id,withdrawn_reason}';
BEGIN
    IF TG_OP = 'DELETE' OR (to_jsonb(NEW) - may_change) <> (to_jsonb(OLD) - may_change)
       OR (OLD.change_id IS NOT NULL AND NEW.change_id IS DISTINCT FROM OLD.change_id)
       OR (OLD.withdrawn_at IS NOT NULL AND
           (NEW.withdrawn_at, NEW.withdrawn_by_id, NEW.withdrawn_reason) IS DISTINCT FROM
           (OLD.withdrawn_at, OLD.withdrawn_by_id, OLD.withdrawn_reason)) THEN
        RAISE EXCEPTION 'attachment % stays as it was handed in', OLD.id
              USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON households_attachment
    FOR EACH ROW EXECUTE FUNCTION attachment_stays();
"""
UNDO_KEEP = "DROP FUNCTION attachment_stays() CASCADE;"

# The second key on the same column: `code_kept_true` names one per table.
OF_PROCEDURE = """
ALTER TABLE households_attachment ADD CONSTRAINT attachment_of_procedure_kept_true
    FOREIGN KEY (procedure_id, village_code) REFERENCES households_procedure (id, village_code)
    ON UPDATE CASCADE DEFERRABLE INITIALLY IMMEDIATE;
"""
UNDO_OF_PROCEDURE = (
    "ALTER TABLE households_attachment DROP CONSTRAINT attachment_of_procedure_kept_true;"
)


class Migration(migrations.Migration):
    dependencies = [
        ("households", "0013_bulk_acts"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="publicity",
            name="listed",
            field=models.JSONField(default=list, verbose_name="公示名单"),
        ),
        migrations.CreateModel(
            name="Attachment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("village_code", models.CharField(max_length=12, verbose_name="村代码")),
                ("kind", models.CharField(max_length=4, verbose_name="材料类型")),
                ("note", models.CharField(blank=True, max_length=100, verbose_name="说明")),
                ("media_type", models.CharField(max_length=20, verbose_name="文件类型")),
                ("sha256", models.CharField(max_length=64, verbose_name="文件摘要")),
                ("size", models.PositiveIntegerField(verbose_name="大小（字节）")),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name="上传时间")),
                ("withdrawn_at", models.DateTimeField(null=True, verbose_name="作废时间")),
                ("withdrawn_reason", models.CharField(blank=True, max_length=200, verbose_name="作废原因")),
                ("change", models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="attachments", to="households.change", verbose_name="变更")),
                ("created_by", models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL, verbose_name="上传人")),
                ("household", models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="attachments", to="households.household", verbose_name="贫困户")),
                ("partition", models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to="households.partition", verbose_name="年度")),
                ("procedure", models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="attachments", to="households.procedure", verbose_name="程序")),
                ("withdrawn_by", models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL, verbose_name="作废人")),
            ],
            options={
                "verbose_name": "附件",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("household__isnull", False), ("procedure__isnull", False), _connector="XOR"), name="attachment_of_one_thing"),
                    models.CheckConstraint(condition=models.Q(("change__isnull", True), ("household__isnull", False), _connector="OR"), name="attachment_change_of_a_household"),
                    models.CheckConstraint(condition=models.Q(("sha256__regex", "^[0-9a-f]{64}$"), ("size__gte", 1), ("media_type__in", ("image/jpeg", "image/png", "application/pdf"))), name="attachment_is_a_file"),
                    models.CheckConstraint(condition=models.Q(models.Q(("withdrawn_at__isnull", True), ("withdrawn_by__isnull", True), ("withdrawn_reason", "")), models.Q(("withdrawn_at__isnull", False), ("withdrawn_by__isnull", False), models.Q(("withdrawn_reason", ""), _negated=True)), _connector="OR"), name="attachment_withdrawn_by_whom_and_why"),
                    models.UniqueConstraint(condition=models.Q(("household__isnull", False), ("withdrawn_at__isnull", True)), fields=("household", "partition", "kind", "sha256"), name="attachment_once_a_household"),
                    models.UniqueConstraint(condition=models.Q(("procedure__isnull", False), ("withdrawn_at__isnull", True)), fields=("procedure", "kind", "sha256"), name="attachment_once_a_procedure"),
                ],
                "indexes": [
                    models.Index(condition=models.Q(("household__isnull", False)), fields=["household", "id"], name="attachment_of_household"),
                    models.Index(condition=models.Q(("procedure__isnull", False)), fields=["procedure", "id"], name="attachment_of_procedure"),
                ],
            },
        ),
        code_kept_true("households_attachment", "household_id", "village_code", "households_household", target_code="village_code"),
        migrations.RunSQL(OF_PROCEDURE, UNDO_OF_PROCEDURE),
        migrations.RunSQL(KEEP, UNDO_KEEP),
    ]
