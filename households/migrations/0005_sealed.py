"""Personal data is sealed by field: columns become bytea, matching goes by keyed indexes."""

from collections.abc import Iterable

import core.fields
from core import sealing
from django.db import migrations, models

IDENTITY = """
ALTER TABLE households_person DROP CONSTRAINT person_id_no_text;
DROP INDEX IF EXISTS person_one_per_number;
ALTER TABLE households_person DROP COLUMN id_no18;
"""
# Images of before the first step tell the same number twice.
TWIN = "ALTER TABLE IF EXISTS households_person_history DROP COLUMN IF EXISTS id_no18"
CONSTRAINTS = (
    sealing.only_sealed("households_person", "id_no")
    + sealing.only_sealed("households_householdyear", "head_id_no", "phone", "bank_account")
    + sealing.only_sealed("households_personyear", "health_status", "disability_type", "member_phone")
    + """
ALTER TABLE households_person ADD CONSTRAINT households_person_index_of_number
    CHECK (id_index IS NULL OR (id_no IS NOT NULL AND octet_length(id_index) = 16));
"""
)


def _indexes(texts: list[bytes], _salts: list[bytes]) -> list[bytes]:
    return sealing.copy_number_indexes(texts)[0]


def _tails(texts: list[bytes], _salts: list[bytes]) -> list[bytes]:
    return sealing.copy_number_indexes(texts)[1]


PERSON = (
    sealing.sealed("id_no", "t.id_no"),
    sealing.Column("id_index", "t.id_no", _indexes),
    sealing.Column("id_tail", "t.id_no", _tails, kind="integer"),
)
HOUSEHOLD_YEAR = tuple(
    sealing.sealed(name, f"t.{name}") for name in ("head_id_no", "phone", "bank_account")
)
PERSON_YEAR = (
    sealing.salted("health_status", "array_to_string(t.health_status, ',')"),
    sealing.salted("disability_type", "t.disability_type"),
    sealing.sealed("member_phone", "t.member_phone"),
)
WHOSE = "LEFT JOIN households_person p ON p.id = t.person_id"


def seal_rows(_apps: object, schema_editor: object) -> None:
    """Every row and every old image; nothing of the plain text stays in the tables' files."""
    for suffix, key in (("", "id"), ("_history", "history_id")):
        _seal(f"households_person{suffix}", PERSON, key)
        _seal(f"households_householdyear{suffix}", HOUSEHOLD_YEAR, key)
        _seal(f"households_personyear{suffix}", PERSON_YEAR, key, "coalesce(p.person_no, t.id::text)", WHOSE)
    sealing.mark_settled("households_person")


def _seal(
    table: str, columns: Iterable[sealing.Column], key: str, salt: str = "''", joins: str = ""
) -> None:
    sealing.seal_table(table, columns, key=key, salt=salt, joins=joins, say=lambda text: print(f"\n    {text}", end="", flush=True))


class Migration(migrations.Migration):
    dependencies = [("households", "0004_assignments")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(IDENTITY),
                migrations.RunSQL(TWIN),
                migrations.RunPython(seal_rows),
                migrations.RunSQL(CONSTRAINTS),
            ],
            state_operations=[
                migrations.RemoveConstraint("person", "person_one_per_number"),
                migrations.RemoveConstraint("person", "person_id_no_text"),
                migrations.RemoveField("person", "id_no18"),
                migrations.AlterField("person", "id_no", core.fields.Secret(blank=True, default="", max_length=22, null=True, verbose_name="证件号码")),
                migrations.AddField("person", "id_index", core.fields.BlindIndex(editable=False, null=True, verbose_name="证件号码索引")),
                migrations.AddField("person", "id_tail", core.fields.TailIndex(editable=False, null=True, verbose_name="证件号码末四位索引")),
                migrations.AlterField("householdyear", "head_id_no", core.fields.Secret(blank=True, default="", max_length=22, null=True, verbose_name="户主证件号码")),
                migrations.AlterField("householdyear", "phone", core.fields.Secret(blank=True, default="", max_length=30, null=True, verbose_name="联系电话")),
                migrations.AlterField("householdyear", "bank_account", core.fields.Secret(blank=True, default="", max_length=30, null=True, verbose_name="银行卡号")),
                migrations.AlterField("personyear", "health_status", core.fields.SecretCodes(blank=True, default=list, null=True, verbose_name="健康状况")),
                migrations.AlterField("personyear", "disability_type", core.fields.Secret(blank=True, default="", max_length=20, null=True, verbose_name="残疾类别")),
                migrations.AlterField("personyear", "member_phone", core.fields.Secret(blank=True, default="", max_length=30, null=True, verbose_name="成员联系电话")),
            ],
        ),
        migrations.AddConstraint(
            "person", models.UniqueConstraint(fields=["id_index"], name="person_one_per_number")
        ),
        migrations.AddIndex("person", models.Index(fields=["id_tail"], name="person_id_tail")),
    ]
