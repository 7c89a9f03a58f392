"""Twins of tracked tables: any app, any role, users and machines, columns that come later."""

from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from accounts.models import MachineClient, User
from core import history
from core.acting import acting
from core.history import images, sync, tracked_models
from households.models import Person
from tests.factories.households import household
from tests.factories.villages import RegionFactory
from villages.models import Region

pytestmark = pytest.mark.django_db


def sql(text: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(text, list(values))
        return list(cursor.fetchall()) if cursor.description else []


@pytest.fixture
def head() -> Person:
    row = household(members=1)
    return row.household.persons.get()


def rename(person: Person) -> dict[str, Any]:
    sql("UPDATE households_person SET name = name || '改' WHERE id = %s", person.pk)
    return images(Person, person.pk)[0]


def test_every_tracked_table_keeps_images_whatever_its_app() -> None:
    apps = {model._meta.app_label for model in tracked_models()}
    assert {"accounts", "households", "villages", "exits"} <= apps
    for model in tracked_models():
        twin = history.history_table(model)
        assert sql("SELECT to_regclass(%s) IS NOT NULL", twin) == [(True,)], twin
        assert sql(
            "SELECT count(*) FROM pg_trigger WHERE tgrelid = to_regclass(%s)"
            " AND tgname IN ('history_update', 'history_delete')",
            model._meta.db_table,
        ) == [(2,)]


def test_user_and_machine_client_are_told_apart(head: Person, luanchuan_clerk: User) -> None:
    with acting(by=luanchuan_clerk, reason="更正"):
        by_user = rename(head)
    with acting(by=MachineClient(pk=luanchuan_clerk.pk, name="民政系统"), reason="推送"):
        by_client = rename(head)
    with acting(by=None, reason="后台"):
        by_system = rename(head)
    assert (by_user["history_actor"], by_user["history_client"]) == (luanchuan_clerk.pk, None)
    assert by_client["history_actor"] is None
    assert by_client["history_client"] == f"{luanchuan_clerk.pk} 民政系统"
    assert (by_system["history_actor"], by_system["history_client"]) == (None, None)
    assert by_system["history_reason"] == "后台"


def test_whoever_may_change_a_row_needs_no_right_on_its_twin(luanchuan_clerk: User) -> None:
    """The roles that write accounts hold no INSERT on the twin: the trigger acts for the owner."""
    sql("SET LOCAL ROLE povertyops_web")
    sql("UPDATE accounts_user SET office = '扶贫办' WHERE id = %s", luanchuan_clerk.pk)
    sql("RESET ROLE")
    assert images(User, luanchuan_clerk.pk)[0]["office"] == ""


def test_passwords_are_no_history(luanchuan_clerk: User) -> None:
    luanchuan_clerk.set_password("a long enough secret 1")
    luanchuan_clerk.office = "扶贫办"
    luanchuan_clerk.save()
    assert "password" not in images(User, luanchuan_clerk.pk)[0]


def test_change_of_what_is_left_out_leaves_no_image(luanchuan_clerk: User) -> None:
    sql("UPDATE accounts_user SET last_login = now() WHERE id = %s", luanchuan_clerk.pk)
    assert images(User, luanchuan_clerk.pk) == []


def test_deletion_keeps_the_last_image() -> None:
    region = RegionFactory(name="已撤村")
    sql("SET CONSTRAINTS ALL IMMEDIATE")
    sql("DELETE FROM villages_region WHERE id = %s", region.pk)
    image = images(Region, region.pk)[0]
    assert (image["history_act"], image["name"]) == ("D", "已撤村")


@pytest.mark.parametrize("part", ["", "_rest"])
def test_twin_cannot_be_emptied(head: Person, part: str) -> None:
    rename(head)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        sql(f"TRUNCATE households_person_history{part}")


def test_twin_that_exists_gains_columns(head: Person) -> None:
    """A twin of an older version has neither history_client nor a new column of its table."""
    sql("ALTER TABLE households_person_history DROP COLUMN history_client")
    sql("ALTER TABLE households_person ADD COLUMN nickname text DEFAULT '阿三'")
    sync()
    assert rename(head)["nickname"] == "阿三"
    assert "history_client" in images(Person, head.pk)[0]


def test_wider_column_is_followed_another_type_is_not() -> None:
    sql("SET CONSTRAINTS ALL IMMEDIATE")
    sql("ALTER TABLE villages_region ALTER COLUMN name TYPE varchar(500)")
    sync()
    assert sql(
        "SELECT format_type(atttypid, atttypmod) FROM pg_attribute"
        " WHERE attrelid = 'villages_region_history'::regclass AND attname = 'name'"
    ) == [("character varying(500)",)]
    sql("ALTER TABLE villages_region ALTER COLUMN name TYPE bytea USING convert_to(name, 'UTF8')")
    with pytest.raises(history.TwinTypeError, match=r"villages_region_history\.name"):
        sync()


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("character varying(20)", "character varying(60)", True),
        ("character varying(20)[]", "text", False),
        ("numeric(9,2)", "numeric(12,2)", True),
        ("numeric(9,2)", "numeric(12,3)", False),
        ("integer", "bigint", True),
        ("boolean", "text", False),
    ],
)
def test_types_that_read_alike(old: str, new: str, same: bool) -> None:
    assert history._read_alike(old, new) is same


def test_sync_restores_a_dropped_trigger(head: Person) -> None:
    sql("DROP TRIGGER history_update ON households_person")
    sync()
    assert rename(head)["history_act"] == "U"


def test_months_ahead_have_their_partition(head: Person) -> None:
    part = sql(
        "SELECT 'households_person_history_' || to_char(now() + interval '2 months', 'YYYYMM')"
    )
    name = part[0][0]
    assert sql("SELECT to_regclass(%s) IS NOT NULL", name) == [(True,)]
    sql(f"DROP TABLE {name}")
    sql("SET LOCAL ROLE povertyops_worker")
    sql("SELECT keep_all_months()")
    assert sql("SELECT to_regclass(%s) IS NOT NULL", name) == [(True,)]


def test_month_that_came_without_a_partition_breaks_nothing(head: Person) -> None:
    """Nobody migrated and beat stood still: rows of the month lie in the rest partition."""
    month = sql("SELECT 'households_person_history_' || to_char(now(), 'YYYYMM')")[0][0]
    sql(f"ALTER TABLE households_person_history DETACH PARTITION {month}")
    sql(f"ALTER TABLE {month} RENAME TO {month}_away")
    rename(head)
    assert sql("SELECT count(*) FROM households_person_history_rest")[0][0] > 0
    sync()
    assert rename(head)["history_act"] == "U"
