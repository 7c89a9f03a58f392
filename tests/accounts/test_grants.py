"""Grants: what the table refuses whoever asks, what services refuse, and the pages."""

from collections.abc import Callable
from contextlib import suppress
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine

from accounts import queries, services
from accounts.enums import Role
from accounts.models import Grant, User
from accounts.roles import ADMINISTRATORS, MANAGE_GRANTS, ROLES
from accounts.services import ActRefusedError
from core.history import history_table
from core.ledger.models import AccessEntry
from tests.conftest import LONG_AGO, person

pytestmark = pytest.mark.django_db
As = Callable[[User], Client]


@pytest.fixture
def newcomer(db: None) -> User:
    """An account of 栾川县 without any grant."""
    user = person("newcomer", Role.LEADER)
    User.objects.filter(pk=user.pk).update(home_prefix="410324")
    return User.objects.get(pk=user.pk)


def give(user: User, role: str, prefix: str, by: User | None, **more: Any) -> Grant:
    more = {"valid_from": timezone.localdate(), "reason": "任命", **more}
    return services.grant(user=user, role=role, region_prefix=prefix, by=by, **more)


def insert(**values: Any) -> None:
    """A row past every service, as an attacker or a careless script would write it."""
    row = {
        "region_prefix": "410324", "department": "", "valid_from": LONG_AGO, "valid_to": None,
        "reason": "", "granted_at": timezone.now(), "granted_by_id": None, "revoked_reason": "",
        **values,
    }  # fmt: skip
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO accounts_grant ({', '.join(row)}) VALUES ({', '.join(['%s'] * len(row))})",
            list(row.values()),
        )


def execute(sql: str, *values: Any) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, values)


# --- never, whoever asks -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN),
        (Role.SECURITY_ADMIN, Role.AUDIT_ADMIN),
        (Role.AUDIT_ADMIN, Role.SYSTEM_ADMIN),
        (Role.SYSTEM_ADMIN, Role.COUNTY_CLERK),
        (Role.COUNTY_OFFICE, Role.SECURITY_ADMIN),
        (Role.AUDITOR, Role.AUDIT_ADMIN),
        (Role.SECURITY_ADMIN, Role.HELPER),
        (Role.DEPARTMENT, Role.SYSTEM_ADMIN),
    ],
)
def test_an_administrator_holds_nothing_else(newcomer: User, first: Role, second: Role) -> None:
    insert(user_id=newcomer.pk, role=first)
    with pytest.raises(IntegrityError, match="grant_one_office_at_a_time"):
        insert(user_id=newcomer.pk, role=second)


@pytest.mark.parametrize(
    ("start", "end", "fits"),
    [(0, None, False), (9, 12, False), (10, 10, False), (-5, 0, False), (11, None, True), (-9, -1, True)],
)  # fmt: skip
def test_offices_overlap_by_a_single_day_or_not(
    newcomer: User, start: int, end: int | None, fits: bool
) -> None:
    """The first office lasts from day 0 to day 10, both inclusive."""
    zero = date(2030, 1, 1)
    insert(user_id=newcomer.pk, role="SYSTEM_ADMIN", valid_from=zero, valid_to=zero + timedelta(10))
    later = {
        "valid_from": zero + timedelta(start),
        "valid_to": None if end is None else zero + timedelta(end),
    }
    if fits:
        insert(user_id=newcomer.pk, role="AUDIT_ADMIN", **later)
    else:
        with pytest.raises(IntegrityError, match="grant_one_office_at_a_time"):
            insert(user_id=newcomer.pk, role="AUDIT_ADMIN", **later)


def test_same_office_in_two_counties_is_one_office(newcomer: User) -> None:
    insert(user_id=newcomer.pk, role="SYSTEM_ADMIN")
    insert(user_id=newcomer.pk, role="SYSTEM_ADMIN", region_prefix="410325")


def test_revoked_office_makes_room(newcomer: User) -> None:
    insert(user_id=newcomer.pk, role="SYSTEM_ADMIN")
    execute("UPDATE accounts_grant SET revoked_at = now() WHERE user_id = %s", newcomer.pk)
    insert(user_id=newcomer.pk, role="COUNTY_CLERK")
    with pytest.raises(IntegrityError, match="stays revoked"):
        execute(
            "UPDATE accounts_grant SET revoked_at = NULL WHERE revoked_at IS NOT NULL"
            " AND user_id = %s",
            newcomer.pk,
        )


@pytest.mark.parametrize(
    ("role", "prefix"),
    [("CITY_OFFICE", "410324"), ("COUNTY_CLERK", "4103"), ("TOWN_CLERK", "410324"),
     ("VILLAGE", "410324100"), ("SECURITY_ADMIN", "410324100"), ("LEADER", "41"), ("KING", "4103")],
)  # fmt: skip
def test_role_fits_level(newcomer: User, role: str, prefix: str) -> None:
    with pytest.raises(IntegrityError, match="grant_role_fits_level"):
        insert(user_id=newcomer.pk, role=role, region_prefix=prefix)


def test_nobody_grants_to_themselves(security_admin: User) -> None:
    """Although the right to grant there is held."""
    for role, prefix in (("LEADER", "4103"), ("SECURITY_ADMIN", "410324")):
        with pytest.raises(IntegrityError, match="grant_not_to_oneself"):
            insert(
                user_id=security_admin.pk,
                role=role,
                region_prefix=prefix,
                granted_by_id=security_admin.pk,
            )


@pytest.mark.parametrize(
    ("grantor", "role", "prefix"),
    [
        ("county_security_admin", "COUNTY_CLERK", "410325"),
        ("county_security_admin", "LEADER", "4103"),
        ("county_security_admin", "SYSTEM_ADMIN", "410324"),
        ("security_admin", "AUDIT_ADMIN", "4103"),
        ("system_admin", "COUNTY_CLERK", "410324"),
        ("county_office", "TOWN_CLERK", "410324100"),
    ],
)
def test_table_knows_who_may_grant(
    request: Any, newcomer: User, grantor: str, role: str, prefix: str
) -> None:
    by = request.getfixturevalue(grantor)
    with pytest.raises(IntegrityError, match="may not grant"):
        insert(user_id=newcomer.pk, role=role, region_prefix=prefix, granted_by_id=by.pk)


def test_grantor_of_yesterday_is_none(newcomer: User, security_admin: User) -> None:
    yesterday = timezone.localdate() - timedelta(days=1)
    execute("UPDATE accounts_grant SET valid_to = %s", yesterday)
    with pytest.raises(IntegrityError, match="may not grant"):
        insert(user_id=newcomer.pk, role="COUNTY_CLERK", granted_by_id=security_admin.pk)


@pytest.mark.parametrize(
    "change",
    ["role = 'COUNTY_OFFICE'", "region_prefix = '410325'", "valid_from = '2015-01-01'",
     "valid_to = '2099-01-01'", "valid_to = NULL", "department = 'x'", "user_id = user_id + 1",
     "granted_at = now()", "reason = 'x'"],
)  # fmt: skip
def test_a_grant_is_not_rewritten(newcomer: User, change: str) -> None:
    insert(user_id=newcomer.pk, role="COUNTY_CLERK", valid_to=date(2030, 1, 1))
    with pytest.raises(IntegrityError, match=r"rewritten|prolonged"):
        execute(f"UPDATE accounts_grant SET {change}")


def test_a_grant_may_end_earlier(newcomer: User) -> None:
    insert(user_id=newcomer.pk, role="COUNTY_CLERK")
    execute("UPDATE accounts_grant SET valid_to = '2030-01-01'")
    execute("UPDATE accounts_grant SET valid_to = '2029-01-01'")


def test_only_the_owner_appoints_without_a_name(newcomer: User) -> None:
    """The web role has no privilege to lack a grantor."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE povertyops_web")
        with pytest.raises(IntegrityError, match="needs a grantor"):
            insert(user_id=newcomer.pk, role="COUNTY_CLERK")
        cursor.execute("RESET ROLE")
    insert(user_id=newcomer.pk, role="COUNTY_CLERK")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE povertyops_web")
        with pytest.raises(IntegrityError, match="needs a name"):
            execute("UPDATE accounts_grant SET revoked_at = now()")
        cursor.execute("RESET ROLE")


@pytest.mark.parametrize("table", ["accounts_grant", "accounts_user", "accounts_passwordlink"])
def test_nothing_is_deleted(newcomer: User, system_admin: User, table: str) -> None:
    insert(user_id=newcomer.pk, role="COUNTY_CLERK")
    services.reset_password(user=User.objects.get(pk=newcomer.pk), reason="x", by=None)
    with pytest.raises(IntegrityError, match="never deleted"):
        execute(f"DELETE FROM {table}")


# --- services ----------------------------------------------------------------------------------


def test_granting_is_recorded(newcomer: User, county_security_admin: User) -> None:
    made = give(newcomer, "COUNTY_CLERK", "410324", county_security_admin, reason="任职文 12 号")
    assert (made.granted_by, made.reason) == (county_security_admin, "任职文 12 号")
    assert User.objects.get(pk=newcomer.pk).has_perm("imports.load_workbook")
    entry = AccessEntry.objects.get(act="GRANT")
    assert (entry.actor, entry.subject, entry.region) == (
        county_security_admin.pk, "newcomer", "410324",
    )  # fmt: skip
    assert entry.detail["act"] == "granted"
    assert entry.detail["role"] == "COUNTY_CLERK"


@pytest.mark.parametrize(
    ("role", "prefix"),
    [("COUNTY_CLERK", "410325"), ("LEADER", "4103"), ("AUDITOR", "4103"), ("SYSTEM_ADMIN", "410324"),
     ("SECURITY_ADMIN", "410324"), ("AUDIT_ADMIN", "410324"), ("NOBODY", "410324")],
)  # fmt: skip
def test_county_grants_neither_outside_nor_above(
    newcomer: User, county_security_admin: User, role: str, prefix: str
) -> None:
    with pytest.raises(PermissionDenied):
        give(newcomer, role, prefix, county_security_admin)


def test_city_appoints_the_county_but_not_its_own_like(
    newcomer: User, security_admin: User
) -> None:
    with pytest.raises(PermissionDenied):
        give(newcomer, "AUDIT_ADMIN", "4103", security_admin)
    give(newcomer, "AUDIT_ADMIN", "410324", security_admin)


def test_nobody_grants_to_themselves_or_without_the_right(
    newcomer: User, security_admin: User, system_admin: User, county_office: User
) -> None:
    with pytest.raises(PermissionDenied):
        give(security_admin, "LEADER", "4103", security_admin)
    for by in (system_admin, county_office):
        with pytest.raises(PermissionDenied):
            give(newcomer, "COUNTY_CLERK", "410324", by)


def test_county_grants_to_its_own_people_only(
    county_security_admin: User, songxian_clerk: User
) -> None:
    User.objects.filter(pk=songxian_clerk.pk).update(home_prefix="410325")
    with pytest.raises(PermissionDenied):
        give(songxian_clerk, "COUNTY_CLERK", "410324", county_security_admin)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"valid_from": LONG_AGO}, "早于今天"),
        ({"valid_to": timezone.localdate() - timedelta(days=1)}, "早于生效日期"),
        ({"role": "DEPARTMENT"}, "责任部门"),
        ({"role": "TOWN_CLERK"}, "不能授予这一级"),
    ],
)
def test_refusals_have_words(
    newcomer: User, security_admin: User, more: dict[str, Any], words: str
) -> None:
    role = more.pop("role", "COUNTY_CLERK")
    with pytest.raises(ActRefusedError, match=words):
        give(newcomer, role, "410324", security_admin, **more)


def test_refusals_of_the_table_have_words(newcomer: User, security_admin: User) -> None:
    give(newcomer, "COUNTY_CLERK", "410324", security_admin)
    with pytest.raises(ActRefusedError, match="同一天"):
        give(newcomer, "COUNTY_CLERK", "410324", security_admin)
    with pytest.raises(ActRefusedError, match="三员分立"):
        give(newcomer, "SYSTEM_ADMIN", "410324", security_admin)
    assert newcomer.grants.count() == 1


def test_disabled_account_gets_nothing(newcomer: User, security_admin: User) -> None:
    newcomer.is_active = False
    with pytest.raises(ActRefusedError, match="停用"):
        give(newcomer, "COUNTY_CLERK", "410324", security_admin)


def test_revoking_is_at_once_once_and_recorded(
    newcomer: User, county_security_admin: User, as_user: As
) -> None:
    made = give(newcomer, "COUNTY_CLERK", "410324", county_security_admin)
    browser = as_user(newcomer)
    assert browser.get("/imports/").status_code == 200
    services.revoke(grant=made, reason="调离", by=county_security_admin)
    assert browser.get("/imports/").status_code == 403
    with pytest.raises(ActRefusedError, match="已经收回"):
        services.revoke(grant=made, reason="调离", by=county_security_admin)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT history_actor, history_reason FROM {history_table(Grant)} WHERE id = %s",
            [made.pk],
        )
        assert cursor.fetchall() == [(county_security_admin.pk, "调离")]
    give(newcomer, "COUNTY_CLERK", "410324", county_security_admin)
    assert AccessEntry.objects.filter(act="GRANT", outcome="ok").count() == 3


def test_county_revokes_neither_the_citys_nor_its_likes(
    county_security_admin: User, county_system_admin: User, city_leader: User
) -> None:
    for holder in (county_system_admin, city_leader, county_security_admin):
        with pytest.raises(PermissionDenied):
            services.revoke(grant=holder.grants.get(), reason="x", by=county_security_admin)


# --- pages -------------------------------------------------------------------------------------


def grant_page(user: User) -> str:
    return f"/accounts/users/{user.pk}/grant/"


def filled(**more: str) -> dict[str, str]:
    today = timezone.localdate().isoformat()
    return {"role": "COUNTY_CLERK", "county": "410324", "town": "", "village": "", "valid_from": today,
            "valid_to": "", "department": "", "reason": "任职文 12 号", **more}  # fmt: skip


def test_page_grants_in_a_town(
    as_user: As, security_admin: User, newcomer: User, places: object
) -> None:
    browser = as_user(security_admin)
    answer = browser.post(grant_page(newcomer), filled(role="TOWN_CLERK", town="410324100"))
    assert answer.status_code == 302
    assert newcomer.grants.get().region_prefix == "410324100"
    text = browser.get(f"/accounts/users/{newcomer.pk}/").content.decode()
    assert "栾川县城关镇" in text
    assert "授予 乡镇数据员（栾川县城关镇）" in text
    assert "任职文 12 号" in text


def test_lists_follow_what_is_chosen_above(
    as_user: As, security_admin: User, newcomer: User, places: object
) -> None:
    """Without scripts too: the button posts the form, nothing is granted, entries are kept."""
    browser = as_user(security_admin)
    text = browser.get(grant_page(newcomer)).content.decode()
    assert "栾川县" in text
    assert "赤土店镇" not in text
    answer = browser.post(grant_page(newcomer), filled(places="1", reason="写到一半"))
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "赤土店镇" in text
    assert "写到一半" in text
    assert 'class="why"' not in text
    assert not newcomer.grants.exists()


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"role": "TOWN_CLERK"}, "role"), ({"role": "AUDIT_ADMIN"}, "role"), ({"role": ""}, "role"),
        ({"role": "CITY_OFFICE"}, "role"), ({"county": "410325"}, "county"),
        ({"town": "410325100"}, "town"), ({"valid_from": "2016-01-01"}, "valid_from"),
        ({"valid_to": "2016-01-01"}, "valid_to"), ({"reason": ""}, "reason"),
        ({"role": "DEPARTMENT"}, "department"), ({"village": "x"}, "county"),
    ],
)  # fmt: skip
def test_page_refuses_by_field(
    as_user: As, county_security_admin: User, newcomer: User, places: object,
    more: dict[str, str], field: str,
) -> None:  # fmt: skip
    answer = as_user(county_security_admin).post(grant_page(newcomer), filled(**more))
    if "village" in more:
        # A list that is closed takes nothing from outside.
        assert answer.status_code == 302
        return
    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert not newcomer.grants.exists()


def test_page_revokes(as_user: As, security_admin: User, newcomer: User, places: object) -> None:
    made = give(newcomer, "COUNTY_CLERK", "410324", security_admin)
    browser, page = as_user(security_admin), f"/accounts/grants/{made.pk}/revoke/"
    assert "县级数据员（栾川县）" in browser.get(page).content.decode()
    assert browser.post(page, {"reason": ""}).status_code == 422
    assert browser.post(page, {"reason": "调离"}).status_code == 302
    made.refresh_from_db()
    assert (made.revoked_by, made.revoked_reason) == (security_admin, "调离")
    assert browser.post(page, {"reason": "再来"}).status_code == 422


def test_neighbours_find_nothing(
    as_user: As, county_security_admin: User, songxian_clerk: User, places: object
) -> None:
    User.objects.filter(pk=songxian_clerk.pk).update(home_prefix="410325")
    browser = as_user(county_security_admin)
    for page in (grant_page(songxian_clerk), f"/accounts/grants/{songxian_clerk.grants.get().pk}/revoke/",
                 f"/accounts/users/{songxian_clerk.pk}/", "/accounts/users/999999/grant/",
                 "/accounts/grants/999999/revoke/"):  # fmt: skip
        assert browser.get(page).status_code == 404, page


def test_who_may_not(
    as_user: As, newcomer: User, system_admin: User, audit_admin: User, county_office: User,
    security_admin: User, county_security_admin: User, places: object,
) -> None:  # fmt: skip
    grant = give(newcomer, "COUNTY_CLERK", "410324", security_admin)
    pages = (grant_page(newcomer), f"/accounts/grants/{grant.pk}/revoke/")
    for user in (system_admin, audit_admin, county_office, newcomer):
        browser = as_user(user)
        for page in pages:
            assert browser.get(page).status_code == 403
            assert browser.post(page, filled()).status_code == 403
        assert browser.post(f"/accounts/users/{newcomer.pk}/take-over/").status_code == 403
    for page in pages:
        assert as_user(security_admin).delete(page).status_code == 405
    own = as_user(county_security_admin)
    assert own.get(grant_page(county_security_admin)).status_code == 403
    assert (
        own.get(f"/accounts/grants/{county_security_admin.grants.get().pk}/revoke/").status_code
        == 403
    )
    assert own.get(f"/accounts/users/{newcomer.pk}/take-over/").status_code == 405


# --- any sequence ------------------------------------------------------------------------------

PREFIXES = ("4103", "410324", "410325", "410324100", "410324100203")


class Granting(RuleBasedStateMachine):
    """Two security administrators and three people; whatever they do, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.point = transaction.savepoint()
        self.city = person("m.city", Role.SECURITY_ADMIN, "4103")
        self.county = person("m.county", Role.SECURITY_ADMIN, "410324")
        self.people = [person(f"m.{n}", Role.LEADER) for n in range(3)]
        User.objects.filter(username__startswith="m.").exclude(username="m.city").update(
            home_prefix="410324"
        )

    def teardown(self) -> None:
        transaction.savepoint_rollback(self.point)

    @rule(
        by=st.sampled_from(("city", "county")),
        who=st.integers(0, 4),
        role=st.sampled_from([str(role) for role in Role]),
        prefix=st.sampled_from(PREFIXES),
        start=st.integers(0, 3),
        days=st.one_of(st.none(), st.integers(0, 3)),
    )
    def grants(
        self, by: str, who: int, role: str, prefix: str, start: int, days: int | None
    ) -> None:
        everybody = [*self.people, self.city, self.county]
        first = timezone.localdate() + timedelta(days=start)
        with suppress(PermissionDenied, ActRefusedError):
            give(
                User.objects.get(pk=everybody[who].pk),
                role,
                prefix,
                User.objects.get(pk=getattr(self, by).pk),
                valid_from=first,
                valid_to=None if days is None else first + timedelta(days=days),
                department="教育局",
            )

    @rule(by=st.sampled_from(("city", "county")), number=st.integers(0, 20))
    def revokes(self, by: str, number: int) -> None:
        grants = list(Grant.objects.filter(user__username__startswith="m.").order_by("pk"))
        with suppress(PermissionDenied, ActRefusedError):
            services.revoke(
                grant=grants[number % len(grants)],
                reason="x",
                by=User.objects.get(pk=getattr(self, by).pk),
            )

    @invariant()
    def nobody_is_two_administrators(self) -> None:
        for day in range(7):
            valid = Grant.objects.valid_on(timezone.localdate() + timedelta(days=day))
            for user in (*self.people, self.city, self.county):
                roles = set(valid.filter(user=user).values_list("role", flat=True))
                if roles & set(ADMINISTRATORS):
                    assert len(roles) == 1, roles

    @invariant()
    def nothing_is_outside_or_above(self) -> None:
        for one in Grant.objects.filter(granted_by__username__startswith="m."):
            reach = {self.city.pk: "4103", self.county.pk: "410324"}[one.granted_by_id]
            assert one.region_prefix.startswith(reach)
            assert one.user_id != one.granted_by_id
            if one.role in ADMINISTRATORS:
                assert len(one.region_prefix) > len(reach)
            else:
                assert ROLES[one.role].rank < ROLES[Role.SECURITY_ADMIN].rank


def test_no_sequence_of_acts_breaks_the_separation(db: None) -> None:
    run_machine(
        Granting,
        settings=settings(
            max_examples=12, stateful_step_count=15, deadline=None, database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip


def test_what_a_form_offers_is_what_may_be_granted(
    security_admin: User, county_security_admin: User
) -> None:
    for by, prefixes in ((security_admin, PREFIXES), (county_security_admin, PREFIXES[1:])):
        offered = set(queries.grantable_roles(by))
        assert offered == {
            role
            for role in Role
            for prefix in prefixes
            if len(prefix) in ROLES[role].levels and queries.may_grant(by, role, prefix)
        }
    assert MANAGE_GRANTS in ROLES[Role.SECURITY_ADMIN].permissions
