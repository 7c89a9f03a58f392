"""The second wall by itself: no queryset is scoped here, PostgreSQL alone decides."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
import pytest
from django.apps import apps
from django.db import DataError, ProgrammingError, connection, transaction
from django.db.utils import InternalError
from psycopg2.pool import ThreadedConnectionPool

from core import walls
from core.scope import Maintenance
from households.models import Household, HouseholdYear, Person, PersonYear
from povertyops.walls import TABLES
from tests.factories.households import HOME, NEIGHBOUR, household

TOWN, OTHER_TOWN, OTHER_VILLAGE = "410324100", "410324101200", "410324100204"
REGISTER = (Household, HouseholdYear, Person, PersonYear)
Denied = (ProgrammingError, InternalError, DataError)


class Someone:
    """An actor with just a scope."""

    def __init__(
        self,
        *prefixes: str,
        assigned: int | None = None,
        entrusted: tuple[str, ...] = (),
        jobs: tuple[str, ...] = (),
    ) -> None:
        self.region_prefixes = prefixes
        self.assigned_to = assigned
        self.entrusted_prefixes = entrusted
        self.jobs = jobs

    def prefixes_for(self, permission: str) -> tuple[str, ...]:
        return self.jobs if permission == "core.manage_jobs" else self.region_prefixes


@pytest.fixture
def four(db: None) -> dict[str, HouseholdYear]:
    """A household in each relation to 410324100203."""
    return {code: household(code=code) for code in (HOME, OTHER_VILLAGE, OTHER_TOWN, NEIGHBOUR)}


def seen(model: Any) -> set[str]:
    return set(model.objects.values_list("village_code", flat=True))


@pytest.mark.parametrize("model", REGISTER)
@pytest.mark.parametrize(
    ("prefixes", "expected"),
    [
        ((), set()),
        (("4103",), {HOME, OTHER_VILLAGE, OTHER_TOWN, NEIGHBOUR}),
        (("410324",), {HOME, OTHER_VILLAGE, OTHER_TOWN}),
        ((TOWN,), {HOME, OTHER_VILLAGE}),
        ((HOME,), {HOME}),
        ((HOME, "410325"), {HOME, NEIGHBOUR}),
        (("41",), {HOME, OTHER_VILLAGE, OTHER_TOWN, NEIGHBOUR}),
        (("4104",), set()),
    ],
)
def test_each_scope_meets_its_own_rows(
    four: Any, model: Any, prefixes: tuple[str, ...], expected: set[str]
) -> None:
    with walls.scoped(Someone(*prefixes)):
        assert seen(model) == expected


def test_nobody_meets_nothing(four: Any) -> None:
    with walls.scoped(None):
        assert [model.objects.count() for model in REGISTER] == [0, 0, 0, 0]


def test_scope_ends_with_its_block(four: Any) -> None:
    with walls.scoped(Someone("410324")):
        with walls.scoped(Someone("410325")):
            assert seen(Household) == {NEIGHBOUR}
        assert seen(Household) == {HOME, OTHER_VILLAGE, OTHER_TOWN}
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('role')")
        assert cursor.fetchone() == ("none",)


def test_whoever_sees_a_former_year_sees_whose_it_is(four: Any) -> None:
    moved = four[HOME]
    other = four[NEIGHBOUR]
    Household.objects.filter(pk=moved.household_id).update(
        village_id=other.village_id, village_code=NEIGHBOUR
    )
    for prefix in (HOME, "410325"):
        with walls.scoped(Someone(prefix)):
            numbers = set(HouseholdYear.objects.values_list("household__household_no", flat=True))
            assert (moved.household.household_no in numbers) == (prefix == HOME)
            whole = Household.objects.filter(pk=moved.household_id)
            assert whole.exists()
            assert whole.update(address="改") == (prefix == "410325")


def test_an_error_inside_ends_the_scope_too(four: Any) -> None:
    with walls.scoped(Someone("410324")):
        with pytest.raises(ZeroDivisionError), walls.scoped(Someone("410325")):
            raise ZeroDivisionError
        assert seen(Household) == {HOME, OTHER_VILLAGE, OTHER_TOWN}


def test_writing_beyond_the_scope_is_impossible(four: Any) -> None:
    with walls.scoped(Someone("410324")):
        assert HouseholdYear.objects.filter(village_code=NEIGHBOUR).update(head_name="改") == 0
        with pytest.raises(ProgrammingError), transaction.atomic():
            HouseholdYear.objects.filter(village_code=HOME).update(village_code=NEIGHBOUR)
        with pytest.raises(ProgrammingError), transaction.atomic():
            Household.objects.create(
                household_no="H1",
                village_id=four[NEIGHBOUR].village_id,
                village_code=NEIGHBOUR,
            )


@pytest.mark.parametrize("prefixes", [(), ("4103",), ("410324",), ("410324", "410325")])
@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM households_household",
        "TRUNCATE households_personyear",
        "DELETE FROM households_household_history",
        "UPDATE households_household_history SET history_reason = ''",
        "INSERT INTO households_household_history (history_act) VALUES ('U')",
        "INSERT INTO households_dirtyregion (partition, code) VALUES (2018, '410324000000')",
        "UPDATE core_accessentry SET purpose = ''",
        "DELETE FROM core_accessentry",
        "INSERT INTO core_accessentry (act) VALUES ('SIGN_IN')",
        "TRUNCATE core_accessentry",
        "ALTER TABLE households_household DISABLE TRIGGER ALL",
        "ALTER TABLE households_household DISABLE ROW LEVEL SECURITY",
        "DROP POLICY scope_region ON households_household",
        "SET session_replication_role = replica",
        "SET row_security = off; SELECT count(*) FROM households_household",
        "CREATE TABLE public.own (id int)",
        "UPDATE django_migrations SET name = ''",
        "UPDATE villages_region SET name = '改'",
        "COPY households_household TO '/tmp/out'",
    ],
)
def test_no_scope_may(four: Any, prefixes: tuple[str, ...], statement: str) -> None:
    with (
        walls.scoped(Someone(*prefixes)),
        connection.cursor() as cursor,
        pytest.raises(Denied),
        transaction.atomic(),
    ):
        cursor.execute(statement)


def test_every_table_is_listed() -> None:
    tables = {
        model._meta.db_table
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and model._meta.app_label != "tests"
    }
    assert tables <= set(TABLES)


def test_every_listed_scope_is_a_policy(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_class c WHERE c.relrowsecurity"
            " AND c.relnamespace = 'public'::regnamespace"
        )
        walled = {name for (name,) in cursor.fetchall()}
    wanted = {name for name, table in TABLES.items() if table.code or table.rule}
    assert {name for name in walled if not name.endswith("_history")} == wanted
    assert "households_person_history" in walled


def test_processes_own_nothing_and_cannot_bypass(db: None) -> None:
    roles = [walls.RIGHTS, *walls.SCOPES, walls.WEB, walls.WORKER]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s) AND (rolsuper OR rolbypassrls"
            " OR rolcreaterole OR rolcreatedb OR rolreplication)",
            [roles],
        )
        assert cursor.fetchall() == []
        cursor.execute(
            "SELECT relname FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner"
            " WHERE rolname = ANY(%s) AND relnamespace <> 'staging'::regnamespace",
            [roles],
        )
        assert cursor.fetchall() == []
        cursor.execute(
            "SELECT 1 FROM pg_roles r WHERE rolname = ANY(%s)"
            " AND pg_has_role(r.oid, current_user, 'USAGE')",
            [roles],
        )
        assert cursor.fetchall() == []


def test_a_scope_needs_a_transaction(transactional_db: None) -> None:
    with pytest.raises(transaction.TransactionManagementError):
        walls.assume(Someone("4103"))


# --- connections that are used again -----------------------------------------------------------


def login(role: str) -> dict[str, Any]:
    """How a process of the product signs in to the test's database."""
    known = connection.get_connection_params()
    return {"dbname": known["dbname"], "host": known["host"], "port": known["port"], "user": role}


@contextmanager
def pool_of(role: str) -> Iterator[ThreadedConnectionPool]:
    pool = ThreadedConnectionPool(2, 2, **login(role))
    try:
        yield pool
    finally:
        pool.closeall()


_ASSUME = (
    "SELECT set_config('povertyops.low', %(low)s, true), set_config('povertyops.high', %(high)s, true),"
    " set_config('role', 'povertyops_region', true)"
)


@pytest.mark.integration
def test_pooled_connections_carry_no_scope_over(transactional_db: None) -> None:
    """Two connections, eight threads, six hundred transactions of two counties and of nobody."""
    for code in (HOME, NEIGHBOUR, NEIGHBOUR):
        household(code=code)
    expected = {"410324": 1, "410325": 2, "": 0}
    wrong: list[Any] = []
    with pool_of(walls.WEB) as pool:
        turn = threading.Semaphore(2)

        def work(number: int) -> None:
            for at in range(75):
                prefix = ("410324", "410325", "")[(number + at) % 3]
                with turn:
                    link = pool.getconn()
                    try:
                        with link.cursor() as cursor:
                            if prefix:
                                high = str(int(prefix) + 1)
                                cursor.execute(_ASSUME, {"low": prefix, "high": high})
                            cursor.execute("SELECT count(*) FROM households_household")
                            found = cursor.fetchone()[0]
                            if found != expected[prefix]:
                                wrong.append((prefix, found))
                        # Whatever way a transaction ends, the scope ends with it.
                        link.commit() if at % 2 else link.rollback()
                    finally:
                        pool.putconn(link)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []


@pytest.mark.integration
@pytest.mark.parametrize("role", [walls.WEB, walls.WORKER])
def test_sign_in_roles_meet_nothing_without_a_scope(transactional_db: None, role: str) -> None:
    household(code=HOME)
    link = psycopg2.connect(**login(role))
    try:
        with link.cursor() as cursor:
            for model in REGISTER:
                cursor.execute(f"SELECT count(*) FROM {model._meta.db_table}")
                assert cursor.fetchone()[0] == 0
            cursor.execute("SELECT count(*) FROM households_person_history")
            assert cursor.fetchone()[0] == 0
    finally:
        link.close()


def test_scratch_tables_of_another_region_cannot_be_dropped(db: None) -> None:
    with walls.scoped(Someone("410324")), connection.cursor() as cursor:
        cursor.execute("CREATE UNLOGGED TABLE staging.b7_1_rows (row_no int)")
        cursor.execute("INSERT INTO staging.b7_1_rows VALUES (1)")
        walls.enclose_scratch(["staging.b7_1_rows"], "410324")
    with walls.scoped(Someone("410325")):
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM staging.b7_1_rows")
            assert cursor.fetchone() == (0,)
        with pytest.raises(InternalError), transaction.atomic():
            walls.drop_scratch("b7_")
    with walls.scoped(Someone("4103")):
        walls.drop_scratch("b7_")
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('staging.b7_1_rows')")
        assert cursor.fetchone() == (None,)


def test_maintenance_without_a_region_meets_nothing(four: Any) -> None:
    with walls.scoped(Maintenance()):
        assert Household.objects.count() == 0
