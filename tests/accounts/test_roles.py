"""The matrix of rights: what must hold of it, and the page that shows it."""

import re
from collections.abc import Callable
from importlib import import_module
from itertools import combinations

import pytest
from django.db import connection
from django.test import Client

from accounts.enums import Role
from accounts.models import User
from accounts.roles import (
    ADMINISTRATORS,
    APPEAL_CASE,
    APPROVE_FUNDS,
    ASSIGN,
    DECIDE_CASE,
    DECIDE_EXIT,
    DECIDE_PROJECTS,
    EDIT,
    EDIT_FUNDS,
    EDIT_PROJECTS,
    FIND_PROBLEMS,
    LOAD_WORKBOOKS,
    MANAGE_CATALOG,
    MANAGE_CLIENTS,
    MANAGE_GRANTS,
    MANAGE_JOBS,
    MANAGE_REVIEW,
    MANAGE_STANDARDS,
    MANAGE_USERS,
    MEND_PROBLEMS,
    PLAN_ROUND,
    READ_REGISTER,
    RECEIVE_COMPLAINTS,
    RECOMPUTE_METRICS,
    RELEASE_EXPORT,
    REVEAL,
    REVIEW,
    REVIEW_PROJECTS,
    RIGHTS,
    ROLES,
    SURVEY,
    VIEW_LEDGER,
)
from accounts.views.grants import SHORT
from tests.cast import PARTS

CHANGES = {ASSIGN, EDIT, REVIEW, MANAGE_REVIEW, LOAD_WORKBOOKS, MANAGE_CATALOG, RECOMPUTE_METRICS, RELEASE_EXPORT, MANAGE_JOBS,
           MANAGE_STANDARDS, MANAGE_USERS, MANAGE_GRANTS, MANAGE_CLIENTS, PLAN_ROUND, SURVEY, APPEAL_CASE, DECIDE_CASE,
           DECIDE_EXIT, EDIT_PROJECTS, REVIEW_PROJECTS, DECIDE_PROJECTS, EDIT_FUNDS, APPROVE_FUNDS,
           FIND_PROBLEMS, MEND_PROBLEMS, RECEIVE_COMPLAINTS}  # fmt: skip


@pytest.mark.unit
def test_every_role_has_its_facts_and_every_right_a_holder() -> None:
    assert set(ROLES) == set(Role)
    held = set().union(*(facts.permissions for facts in ROLES.values()))
    assert held == set(RIGHTS) == set(SHORT)
    assert all(facts.description and facts.levels for facts in ROLES.values())


@pytest.mark.unit
def test_the_three_administrators_share_nothing_and_read_nothing() -> None:
    for one, other in combinations(ADMINISTRATORS, 2):
        assert not ROLES[one].permissions & ROLES[other].permissions
    for role in ADMINISTRATORS:
        assert ROLES[role].permissions
        assert not ROLES[role].permissions & {READ_REGISTER, REVEAL, ASSIGN, LOAD_WORKBOOKS}


@pytest.mark.unit
def test_only_the_administrators_manage_accounts_grants_and_clients() -> None:
    for right, holder in (
        (MANAGE_USERS, Role.SYSTEM_ADMIN),
        (MANAGE_GRANTS, Role.SECURITY_ADMIN),
        (MANAGE_CLIENTS, Role.SECURITY_ADMIN),
    ):
        assert [role for role, facts in ROLES.items() if right in facts.permissions] == [holder]
    grantor = ROLES[Role.SECURITY_ADMIN].rank
    assert all(facts.rank < grantor for role, facts in ROLES.items() if role not in ADMINISTRATORS)


@pytest.mark.unit
def test_readers_change_nothing() -> None:
    for role in (
        Role.LEADER,
        Role.AUDITOR,
        Role.HELPER,
    ):
        assert not ROLES[role].permissions & CHANGES
    # Whoever books money changes nothing of the register.
    assert ROLES[Role.FINANCE].permissions & CHANGES == {EDIT_FUNDS, APPROVE_FUNDS}
    # Nor does whoever receives complaints; nobody else learns who complained.
    assert ROLES[Role.PETITION].permissions == {READ_REGISTER, RECEIVE_COMPLAINTS}
    assert [role for role, facts in ROLES.items() if RECEIVE_COMPLAINTS in facts.permissions] == [
        Role.PETITION
    ]
    # A surveyor writes questionnaires, of whom was assigned to them, and nothing else.
    assert ROLES[Role.INSPECTOR].permissions & CHANGES == {SURVEY}
    assert ROLES[Role.VILLAGE].permissions & CHANGES == {
        EDIT, REVIEW, EDIT_PROJECTS, MEND_PROBLEMS,
    }  # fmt: skip
    assert VIEW_LEDGER in ROLES[Role.AUDITOR].permissions


def test_table_knows_the_levels_of_the_roles(db: None) -> None:
    """The constraint, asked of PostgreSQL, says what `accounts.roles` says."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE conname = 'grant_role_fits_level'"
        )
        text = cursor.fetchone()[0]
        wanted = {}
        for role in Role:
            for prefix in ("41", "4103", "410324", "410324100", "410324100203"):
                row = "(SELECT %s::varchar AS role, %s::varchar AS region_prefix) AS grants"
                cursor.execute(
                    f"SELECT {text.removeprefix('CHECK ')} FROM {row}", [role.value, prefix]
                )
                wanted[role, len(prefix)] = cursor.fetchone()[0]
    assert wanted == {
        (role, length): length in ROLES[role].levels for role in Role for length in (2, 4, 6, 9, 12)
    }


def test_cast_has_everybody(db: None) -> None:
    assert {part.role for part in PARTS.values()} | {Role.CITY_OFFICE, Role.COUNTY_CLERK} == set(
        Role
    )


def test_page_shows_every_role_and_right(
    as_user: Callable[[User], Client], village_official: User
) -> None:
    """Everybody who signs in may read it; a tick stands exactly where the code says so."""
    page = as_user(village_official).get("/accounts/roles/")
    assert page.status_code == 200
    text = page.content.decode()
    table = text[text.index('class="table-wrap rights"') :]
    table = table[: table.index("</table>")]
    lines = table.split("<tr>")[2:]
    assert len(lines) == len(ROLES)
    for line, (role, facts) in zip(lines, ROLES.items(), strict=True):
        assert Role(role).label in line
        ticks = re.findall(r'<td[^>]*>.*?<span class="unseen">([有无])</span>', line, re.DOTALL)
        assert ticks == ["有" if right in facts.permissions else "无" for right in RIGHTS]
        assert facts.description in text
    assert all(words in text for words in RIGHTS.values())
    assert "您现在的角色：村级人员、第一书记" in text


def test_page_is_for_the_signed_in(client: Client, db: None) -> None:
    assert client.get("/accounts/roles/").status_code == 302


def test_page_is_only_read(as_user: Callable[[User], Client], village_official: User) -> None:
    assert as_user(village_official).post("/accounts/roles/").status_code == 405


def test_own_account(as_user: Callable[[User], Client], helper: User, places: object) -> None:
    text = as_user(helper).get("/accounts/me/").content.decode()
    assert "帮扶责任人" in text
    assert "栾川县" in text
    assert RIGHTS[READ_REGISTER] in text
    assert RIGHTS[REVEAL] not in text
    assert as_user(helper).post("/accounts/me/").status_code == 405


OLD_TABLES = (
    "CREATE TEMP TABLE accounts_grant (id serial, user_id int, role text, region_prefix text,"
    " valid_from date DEFAULT '2016-01-01', valid_to date, revoked_at timestamptz,"
    " revoked_reason text) ON COMMIT DROP;"
    "CREATE TEMP TABLE accounts_user (id int, home_prefix text) ON COMMIT DROP"
)


def test_grants_that_became_the_same_end_but_one(db: None) -> None:
    """Else the table's constraint would stop the migration; the longest one stays."""
    step = import_module("accounts.migrations.0002_roles_and_grants")
    rows = [
        # Village: three old roles are one now.
        (1, "LEADER", "410324100203", "2016-01-01", "2030-01-01"),
        (1, "CLERK", "410324100203", "2016-01-01", None),
        (1, "ADMIN", "410324100203", "2016-01-01", "2031-01-01"),
        # Another first day, another person: not the same.
        (1, "ADMIN", "410324100203", "2017-01-01", None),
        (2, "ADMIN", "410324100203", "2016-01-01", "2031-01-01"),
        # The province's grants are the city's now; the first of two alike stays.
        (3, "ADMIN", "41", "2016-01-01", None),
        (3, "ADMIN", "4103", "2016-01-01", None),
    ]
    with connection.cursor() as cursor:
        cursor.execute(OLD_TABLES)
        cursor.executemany(
            "INSERT INTO accounts_grant (user_id, role, region_prefix, valid_from, valid_to)"
            " VALUES (%s, %s, %s, %s, %s)",
            rows,
        )
        cursor.execute(step.RENAME, ["4103"])
        cursor.execute(
            "CREATE UNIQUE INDEX ON accounts_grant (user_id, role, region_prefix, valid_from)"
            " WHERE revoked_at IS NULL"
        )
        cursor.execute("SELECT revoked_at IS NULL, revoked_reason FROM accounts_grant ORDER BY id")
        found = cursor.fetchall()
    assert [is_open for is_open, _ in found] == [False, True, False, True, True, True, False]
    assert {why for is_open, why in found if not is_open} == {"角色调整，与另一项授权重复"}


@pytest.mark.parametrize("name", ["0002_roles_and_grants", "0003_signing_in"])
def test_what_would_lose_data_has_no_way_back(name: str) -> None:
    step = import_module(f"accounts.migrations.{name}").Migration
    assert any(not operation.reversible for operation in step.operations)


def test_no_right_widened_when_roles_were_renamed(db: None) -> None:
    """The data step of 0002, on tables of the first step's shape that shadow the real ones."""
    step = import_module("accounts.migrations.0002_roles_and_grants")
    read, load, jobs = {READ_REGISTER}, LOAD_WORKBOOKS, {RECOMPUTE_METRICS, MANAGE_JOBS}
    once = {"LEADER": read, "CLERK": {*read, load}, "ADMIN": {*read, load, *jobs}}
    prefixes = ("41", "4103", "410324", "410324100", "410324100203")
    rows = [(role, prefix) for role in once for prefix in prefixes]
    with connection.cursor() as cursor:
        cursor.execute(OLD_TABLES)
        for number, row in enumerate(rows):
            cursor.execute("INSERT INTO accounts_user VALUES (%s, '4103')", [number])
            cursor.execute(
                "INSERT INTO accounts_grant (user_id, role, region_prefix) VALUES (%s, %s, %s)",
                [number, *row],
            )
        cursor.execute(step.RENAME, ["4103"])
        cursor.execute(
            "SELECT role, region_prefix, revoked_at IS NULL, home_prefix FROM accounts_grant"
            " JOIN accounts_user ON accounts_user.id = user_id ORDER BY user_id"
        )
        found = cursor.fetchall()
    # Every clerk and office reveals now what was shown to them before; what came with later versions
    # is no matter of the renaming.
    also = {
        REVEAL,
        ASSIGN,
        RELEASE_EXPORT,
        MANAGE_CATALOG,
        MANAGE_STANDARDS,
        EDIT,
        REVIEW,
        MANAGE_REVIEW,
    }
    also |= {EDIT_PROJECTS, REVIEW_PROJECTS, DECIDE_PROJECTS}
    also |= {EDIT_FUNDS, APPROVE_FUNDS}
    also |= {FIND_PROBLEMS, MEND_PROBLEMS}
    also |= {PLAN_ROUND, APPEAL_CASE, DECIDE_CASE, DECIDE_EXIT}
    for (old, was), (role, prefix, is_open, home) in zip(rows, found, strict=True):
        facts = ROLES[role]
        assert prefix.startswith(was)
        assert len(prefix) in facts.levels
        assert home == prefix
        assert not is_open or facts.permissions <= once[old] | also
        assert is_open == ((old, len(was)) != ("LEADER", 9))
        assert old != "LEADER" or not is_open or facts.permissions - also == read
    assert [row[0] for row in found if row[1] == "410324"] == [
        "LEADER", "COUNTY_CLERK", "COUNTY_OFFICE",
    ]  # fmt: skip
