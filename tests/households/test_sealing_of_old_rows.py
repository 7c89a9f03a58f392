"""A database of before personal data was sealed: migrated forward, nothing is lost and nothing is plain."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.db import connection

from core import vault
from tests.workbooks import id_number

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

CERTIFICATE = id_number(2) + "42"
PLACEHOLDER = "999999195001010018"
PHONE, ACCOUNT, FORMER = "19900001111", "9900123400000000017", "19900002222"


# Everything but the step in question and what rests on it; histories stand beside the tables already.
BEFORE = """
import django
django.setup()
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from core import history
executor = MigrationExecutor(connection)
graph = executor.loader.graph
sealed = {("households", "0005_sealed"), ("imports", "0002_sealed")}
targets = [one for one in graph.leaf_nodes() if not sealed & set(graph.forwards_plan(one))]
executor.migrate([*targets, ("households", "0004_assignments"), ("imports", "0001_batches")])
history.sync()
"""


@pytest.fixture
def old_database() -> Iterator[Any]:
    """A database as the product kept it before, with rows, images and a problem; closed year included."""
    name = f"{connection.settings_dict['NAME']}_old"
    own = connection.get_connection_params() | {"cursor_factory": None}
    own.pop("context", None)
    admin = psycopg2.connect(**own)
    admin.autocommit = True
    with admin.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        cursor.execute(f"CREATE DATABASE {name}")
    environment = os.environ | {
        "DATABASE_URL": f"{os.environ['DATABASE_URL'].rpartition('/')[0]}/{name}",
        "DB_STATEMENT_TIMEOUT_MS": "0",
    }

    def run(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", *words],
            cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        return done.stdout

    run("-c", BEFORE)
    here = psycopg2.connect(**(own | {"dbname": name}))
    here.autocommit = True
    try:
        with here.cursor() as cursor:
            _fill(cursor)
            yield cursor, lambda: run("manage.py", "migrate")
    finally:
        here.close()
        with admin.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        admin.close()


def test_old_rows_are_sealed(old_database: Any) -> None:
    cursor, migrate = old_database
    before = _everything(cursor, plain=True)
    assert len(before) == 3 + 2 + 2 + 2 + 2 + 2
    assert {CERTIFICATE, PHONE, FORMER, ACCOUNT, "04,02", "肢体"} <= {
        one for row in before for one in row
    }
    said = migrate()
    assert "households_person：已加密 3 行" in said
    assert _everything(cursor, plain=False) == before
    cursor.execute("SELECT person_no, id_index, id_tail FROM households_person ORDER BY id")
    for (_, index, tail), number in zip(
        cursor.fetchall(), (id_number(1), CERTIFICATE[:18], ""), strict=True
    ):
        assert (index and bytes(index)) == vault.index("id_no", number)
        assert tail == vault.tail("id_no.tail", number[14:])
    cursor.execute("SELECT value FROM imports_problem ORDER BY row_no")
    (said, (nothing,)) = cursor.fetchall()
    assert (vault.opened("problem", said[0]), nothing) == ((CERTIFICATE, "7"), None)
    _nothing_plain(cursor)
    # The twins go on keeping images, and go on refusing to lose them.
    cursor.execute("UPDATE households_person SET name = '丁' WHERE id = 2")
    cursor.execute("SELECT id_no FROM households_person_history WHERE name = '甲2'")
    assert vault.open_sealed("id_no", cursor.fetchone()[0]) == CERTIFICATE
    for refused in (
        "UPDATE households_person_history SET id_no = NULL",
        "UPDATE households_personyear SET work_months = 1 WHERE partition_id = 2017",
        "UPDATE households_person SET id_no = '990324197001010013'",
    ):
        with pytest.raises(psycopg2.Error, match=r"append-only|is closed|sealed"):
            cursor.execute(refused)


def _insert(cursor: Any, table: str, **filled: Any) -> None:
    """A row by hand: the models of today write no plain ones. What must be there and is not, is ''."""
    cursor.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND attnotnull"
        " AND NOT atthasdef AND attidentity = '' AND attgenerated = '' AND NOT attisdropped",
        [table],
    )
    values = {name: "" for (name,) in cursor.fetchall()} | filled
    cursor.execute(
        f"INSERT INTO {table} ({', '.join(values)}) VALUES ({', '.join(['%s'] * len(values))})",
        list(values.values()),
    )


def _fill(cursor: Any) -> None:
    """A closed year and an open one, images of everything, a problem that quotes a number."""
    place = {"village_code": "410324100203"}
    _insert(cursor, "villages_region", id=1, code="410324100203", name="甲村", level="VILLAGE",
            statistical_only=False)  # fmt: skip
    _insert(cursor, "households_partition", year=2017)
    _insert(cursor, "households_partition", year=2018)
    _insert(
        cursor, "households_household", id=1, household_no="86300000000001", village_id=1, **place
    )
    for pk, number in ((1, ""), (2, CERTIFICATE), (3, PLACEHOLDER)):
        _insert(cursor, "households_person", id=pk, person_no=f"8631000000000{pk}", household_id=1,
                name=f"甲{pk}", id_no=number, **place)  # fmt: skip
    cursor.execute("UPDATE households_person SET id_no = %s WHERE id = 1", [id_number(1)])
    cursor.execute("UPDATE households_person SET name = '甲甲' WHERE id = 1")
    for year in (2017, 2018):
        _insert(cursor, "households_householdyear", partition_id=year, household_id=1, village_id=1,
                exit_status="0", phone=FORMER, bank_account=ACCOUNT, head_id_no=id_number(1),
                other_causes=[], **place)  # fmt: skip
        _insert(cursor, "households_personyear", partition_id=year, household_id=1, person_id=2,
                health_status=["04", "02"], disability_type="肢体", member_phone=FORMER,
                **place)  # fmt: skip
    cursor.execute("UPDATE households_householdyear SET phone = %s", [PHONE])
    cursor.execute("UPDATE households_personyear SET health_status = '{}', member_phone = ''")
    cursor.execute("UPDATE households_partition SET closed_at = now() WHERE year = 2017")
    cursor.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'imports_batch'::regclass AND attnum > 0"
        " AND attnotnull AND atttypid IN ('int4'::regtype, 'int8'::regtype, 'int2'::regtype)"
        " AND attname <> 'id'"
    )
    numbers = {name: 0 for (name,) in cursor.fetchall()}
    _insert(cursor, "imports_batch", **numbers, id=1, sha256="a" * 64, header_map="[]",
            changed_fields="{}", seconds="{}", created_at="2018-12-31", state="STAGED")  # fmt: skip
    _insert(cursor, "imports_problem", batch_id=1, row_no=7, value=CERTIFICATE)
    _insert(cursor, "imports_problem", batch_id=1, row_no=8)


WATCHED: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("households_person", ("id_no",)),
    ("households_householdyear", ("head_id_no", "phone", "bank_account")),
    ("households_personyear", ("health_status", "disability_type", "member_phone")),
)


def _everything(cursor: Any, *, plain: bool) -> list[tuple[Any, ...]]:
    """What the sensitive columns say, of rows and of images."""
    found: list[tuple[Any, ...]] = []
    for table, names in WATCHED:
        for suffix, key in (("", "id"), ("_history", "history_id")):
            cursor.execute(f"SELECT {key}, {', '.join(names)} FROM {table}{suffix} ORDER BY 1")
            for number, *cells in cursor.fetchall():
                read: Callable[[str, Any], str] = _plain if plain else _opened
                found.append((f"{table}{suffix}", number, *map(read, names, cells)))
    return found


def _plain(_name: str, cell: Any) -> str:
    return ",".join(cell) if isinstance(cell, list) else cell


def _opened(name: str, cell: Any) -> str:
    return "" if cell is None else vault.open_sealed(name, cell)


def _nothing_plain(cursor: Any) -> None:
    cursor.execute(
        "SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace"
        " WHERE relkind IN ('r', 'p') AND nspname = 'public'"
    )
    secrets = (id_number(1), CERTIFICATE[:18], PHONE, FORMER, ACCOUNT, "肢体")
    for (table,) in cursor.fetchall():
        cursor.execute(f"SELECT t::text FROM {table} t")
        for (row,) in cursor.fetchall():
            assert not any(secret in row for secret in secrets), table
