"""Sealing a table that others write to: nothing is lost behind the reading."""

from typing import Any

import psycopg2
import pytest
from django.db import connection, transaction

from core import sealing, vault

TABLE = "sealing_probe"
PHONES = {1: "13900001234", 2: "13900005678"}


@pytest.fixture
def probe(transactional_db: None) -> Any:
    """A committed table of telephones, and another session that wants to write to it."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {TABLE} (id bigint PRIMARY KEY, phone text)")
        for pk, phone in PHONES.items():
            cursor.execute(f"INSERT INTO {TABLE} VALUES (%s, %s)", [pk, phone])
    own = connection.get_connection_params() | {"cursor_factory": None}
    own.pop("context", None)
    other = psycopg2.connect(**own)
    other.autocommit = True
    try:
        yield other
    finally:
        other.close()
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE {TABLE}")


def test_nobody_writes_while_a_table_is_sealed(probe: Any) -> None:
    tries: list[str] = []

    def make(texts: list[bytes], _: list[bytes]) -> list[bytes]:
        """What has been read is sealed; now somebody else changes a number."""
        with probe.cursor() as cursor:
            cursor.execute("SET lock_timeout = '200ms'")
            try:
                cursor.execute(f"UPDATE {TABLE} SET phone = '13911112222' WHERE id = 1")
                tries.append("written")
            except psycopg2.errors.LockNotAvailable:
                tries.append("waits")
        return vault.copy_sealed("phone", texts)

    with transaction.atomic():
        assert sealing.seal_table(TABLE, [sealing.Column("phone", "t.phone", make)]) == 2
    assert tries == ["waits"]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id, phone FROM {TABLE}")
        assert {pk: vault.open_sealed("phone", cell) for pk, cell in cursor.fetchall()} == PHONES
