"""Accounts: who may do what with whose, one-time links, handing over, and the pages."""

import re
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import queries, services
from accounts.enums import Role
from accounts.models import Grant, PasswordLink, User
from accounts.services import ActRefusedError
from core.duties import handed_over
from core.history import history_table
from core.ledger.models import AccessEntry
from tests.conftest import LONG_AGO, person

pytestmark = pytest.mark.django_db
As = Callable[[User], Client]
GOOD = "Laojun-Shan-2197"


def make(
    username: str = "zhangsan", home: str = "410324", by: User | None = None
) -> tuple[User, str]:
    return services.create_user(
        username=username, display_name="张三", office="栾川县扶贫办", home_prefix=home, by=by
    )


@pytest.fixture
def clerk(luanchuan_clerk: User) -> User:
    """The clerk of 栾川县, whose account belongs there."""
    User.objects.filter(pk=luanchuan_clerk.pk).update(home_prefix="410324")
    return User.objects.get(pk=luanchuan_clerk.pk)


@pytest.fixture
def neighbour(songxian_clerk: User) -> User:
    User.objects.filter(pk=songxian_clerk.pk).update(home_prefix="410325")
    return User.objects.get(pk=songxian_clerk.pk)


# --- who looks after whom ----------------------------------------------------------------------


def test_who_may_manage_whom(
    system_admin: User, county_system_admin: User, county_security_admin: User, security_admin: User,
    clerk: User, neighbour: User, city_leader: User, county_office: User, town_clerk: User,
) -> None:  # fmt: skip
    may = queries.may_manage
    assert may(county_system_admin, clerk)
    assert may(county_system_admin, town_clerk)
    assert not may(county_system_admin, neighbour)
    assert not may(county_system_admin, city_leader)
    # Not itself, not the other administrators of its own county, not those above.
    assert not may(county_system_admin, county_system_admin)
    assert not may(county_system_admin, county_security_admin)
    assert not may(county_system_admin, system_admin)
    assert may(system_admin, county_system_admin)
    assert may(system_admin, county_security_admin)
    assert may(system_admin, city_leader)
    assert not may(system_admin, security_admin)
    # Not by another office.
    assert not may(security_admin, clerk)
    assert not may(county_office, clerk)


def test_an_account_that_reaches_farther_is_out_of_reach(
    county_system_admin: User, clerk: User
) -> None:
    """Whoever resets a password could use the account, so its rights must lie inside the own region."""
    later = timezone.localdate() + timedelta(days=30)
    Grant.objects.create(user=clerk, role=Role.LEADER, region_prefix="4103", valid_from=later)
    assert not queries.may_manage(county_system_admin, clerk)
    with pytest.raises(PermissionDenied):
        services.reset_password(user=clerk, reason="x", by=county_system_admin)


def test_creating_stays_inside_the_own_region(
    county_system_admin: User, county_security_admin: User
) -> None:
    for home in ("4103", "410325", "410325100"):
        with pytest.raises(PermissionDenied):
            make(home=home, by=county_system_admin)
    with pytest.raises(PermissionDenied):
        make(by=county_security_admin)
    user, _ = make(home="410324100", by=county_system_admin)
    assert (user.created_by, user.home_prefix) == (county_system_admin, "410324100")
    assert not user.has_usable_password()
    assert not user.grants.exists()


@pytest.mark.parametrize("name", ["ab", "Zhang", "张三", "a b", "1abc", "a" * 31, "", "a/b"])
def test_user_names(system_admin: User, name: str) -> None:
    with pytest.raises(ActRefusedError):
        make(name, by=system_admin)


def test_a_taken_name(system_admin: User, clerk: User) -> None:
    with pytest.raises(ActRefusedError, match="luanchuan"):
        make("luanchuan", by=system_admin)


# --- disable, enable, reset --------------------------------------------------------------------


def test_disabling_is_at_once(as_user: As, clerk: User, county_system_admin: User) -> None:
    browser = as_user(clerk)
    assert browser.get("/accounts/me/").status_code == 200
    _, token = "", services.reset_password(user=clerk, reason="忘记", by=county_system_admin)
    browser = as_user(User.objects.get(pk=clerk.pk))
    services.disable(user=clerk, reason="调离", by=county_system_admin)
    assert browser.get("/accounts/me/").status_code == 302
    assert not clerk.sessions.exists()
    assert services.live_link(token) is None
    clerk.refresh_from_db()
    assert (clerk.is_active, clerk.disabled_by, clerk.disabled_reason) == (
        False, county_system_admin, "调离",
    )  # fmt: skip
    with pytest.raises(ActRefusedError, match="已经停用"):
        services.disable(user=clerk, reason="x", by=county_system_admin)
    with pytest.raises(ActRefusedError, match="先启用"):
        services.reset_password(user=clerk, reason="x", by=county_system_admin)
    services.enable(user=clerk, reason="回任", by=county_system_admin)
    clerk.refresh_from_db()
    assert (clerk.is_active, clerk.disabled_at, clerk.disabled_by) == (True, None, None)
    acts = [
        entry.detail["act"] for entry in AccessEntry.objects.filter(act="ACCOUNT").order_by("pk")
    ]
    assert acts == ["reset", "disabled", "enabled"]


def test_reset_ends_the_old_password_and_sessions(
    as_user: As, clerk: User, system_admin: User
) -> None:
    clerk.set_password(GOOD)
    clerk.save()
    browser = as_user(clerk)
    services.reset_password(user=clerk, reason="忘记口令", by=system_admin)
    assert not User.objects.get(pk=clerk.pk).check_password(GOOD)
    assert browser.get("/accounts/me/").status_code == 302


def test_nobody_disables_themselves_in_the_database_either(clerk: User) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(pk=clerk.pk).update(disabled_by=clerk)
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(pk=clerk.pk).update(
            handed_over_to=clerk, handed_over_on=timezone.localdate()
        )
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(pk=clerk.pk).update(home_prefix="41")


# --- history -----------------------------------------------------------------------------------


def test_no_hash_reaches_a_history(clerk: User, as_user: As) -> None:
    """Neither the password nor the churn of sign-ins; changes of the account do."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {history_table(User)} WHERE id = %s", [clerk.pk])
        before = cursor.fetchone()[0]
        clerk.set_password(GOOD)
        clerk.save()
        as_user(clerk)
        cursor.execute(f"SELECT * FROM {history_table(User)} WHERE id = %s", [clerk.pk])
        assert not {"password", "last_login"} & {column[0] for column in cursor.description}
        assert len(cursor.fetchall()) == before
        User.objects.filter(pk=clerk.pk).update(office="另一单位")
        cursor.execute(f"SELECT office FROM {history_table(User)} WHERE id = %s", [clerk.pk])
        assert len(cursor.fetchall()) == before + 1
        cursor.execute(
            "SELECT string_agg(t::text, ' ') FROM accounts_user_history t WHERE id = %s", [clerk.pk]
        )
        assert "argon2" not in cursor.fetchone()[0]


# --- one-time links ----------------------------------------------------------------------------


def test_link_is_for_once(client: Client, system_admin: User) -> None:
    user, token = make(by=system_admin)
    page = f"/accounts/link/?t={token}"
    assert not PasswordLink.objects.filter(digest=token).exists()
    answer = client.get(page)
    assert (answer.status_code, answer.url) == (302, "/accounts/link/")
    text = client.get("/accounts/link/").content.decode()
    assert "张三" in text
    assert token not in text
    words = {"new": GOOD, "again": GOOD}
    assert client.post("/accounts/link/", words).status_code == 200
    assert User.objects.get(pk=user.pk).check_password(GOOD)
    assert client.post("/accounts/link/", words).status_code == 410
    assert client.get(page).status_code == 410
    assert PasswordLink.objects.get().used_at is not None
    with pytest.raises(ActRefusedError):
        services.use_link(token=token, password=GOOD + "x")


def test_whoever_was_signed_in_is_out_afterwards(as_user: As, system_admin: User) -> None:
    """An administrator who opens the link himself does not stay in beside it."""
    _, token = make(by=system_admin)
    browser = as_user(system_admin)
    browser.get(f"/accounts/link/?t={token}")
    browser.post("/accounts/link/", {"new": GOOD, "again": GOOD})
    assert browser.get("/accounts/me/").status_code == 302


@pytest.mark.parametrize(
    "words", [("short", "short"), (GOOD, GOOD + "x"), ("12345678901", "12345678901"), ("", "")]
)
def test_bad_password_leaves_the_link(
    client: Client, system_admin: User, words: tuple[str, str]
) -> None:
    user, token = make(by=system_admin)
    client.get(f"/accounts/link/?t={token}")
    answer = client.post("/accounts/link/", dict(zip(("new", "again"), words, strict=True)))
    assert answer.status_code == 422
    assert services.live_link(token) is not None
    assert not User.objects.get(pk=user.pk).has_usable_password()


def test_policy_is_asked_behind_the_page_too(system_admin: User) -> None:
    _, token = make(by=system_admin)
    with pytest.raises(ValidationError), transaction.atomic():
        services.use_link(token=token, password="short")
    assert services.live_link(token) is not None


def test_links_end(client: Client, system_admin: User, settings: Any) -> None:
    user, first = make(by=system_admin)
    second = services.reset_password(user=user, reason="丢了", by=system_admin)
    assert services.live_link(first) is None
    assert services.live_link(second).user == user  # type: ignore[union-attr]
    with time_machine.travel(
        timezone.now() + timedelta(hours=settings.PASSWORD_LINK_HOURS, minutes=1)
    ):
        assert client.get(f"/accounts/link/?t={second}").status_code == 410
    for unknown in ("x", "x" * 43, second[:-1]):
        assert client.get(f"/accounts/link/?t={unknown}").status_code == 410
    assert client.get("/accounts/link/").status_code == 410


def test_at_most_one_link_lives(system_admin: User) -> None:
    user, _ = make(by=system_admin)
    link = user.links.get()
    later = link.expires_at + timedelta(days=1)
    with pytest.raises(IntegrityError, match="link_one_alive"), transaction.atomic():
        PasswordLink.objects.create(user=user, digest="0" * 64, expires_at=later)
    with pytest.raises(IntegrityError, match="link_not_for_oneself"), transaction.atomic():
        PasswordLink.objects.create(
            user=system_admin, made_by=system_admin, digest="1" * 64, expires_at=later
        )


def test_link_kept_back_does_not_open_what_is_granted_later(
    system_admin: User, county_security_admin: User
) -> None:
    """Whoever made the account could else keep its link until the account is worth something."""
    user, kept = make(by=system_admin)
    services.grant(
        user=user, role="LEADER", region_prefix="410324", valid_from=timezone.localdate(),
        reason="任命", by=county_security_admin,
    )  # fmt: skip
    assert services.live_link(kept) is None
    with pytest.raises(ActRefusedError):
        services.use_link(token=kept, password=GOOD)
    asked = services.reset_password(user=user, reason="本人申请", by=system_admin)
    assert services.use_link(token=asked, password=GOOD) == user


def test_link_kept_back_does_not_open_what_is_taken_over(
    clerk: User, system_admin: User, county_security_admin: User
) -> None:
    to, kept = make(by=system_admin)
    services.hand_over(user=clerk, to=to, on=timezone.localdate(), reason="x", by=system_admin)
    assert services.live_link(kept) is not None
    services.take_over(user=User.objects.get(pk=clerk.pk), by=county_security_admin)
    assert services.live_link(kept) is None


def test_owner_hears_of_a_password_set_by_link(system_admin: User) -> None:
    user, first = make(by=system_admin)
    services.use_link(token=first, password=GOOD)
    words = "通过一次性链接设置，如非本人操作，请立即联系安全管理员"

    def told(password: str) -> bool:
        browser = Client()
        browser.post("/accounts/login/", {"username": user.username, "password": password})
        return words in browser.get("/accounts/me/").content.decode()

    assert told(GOOD)
    assert not told(GOOD)
    again = services.reset_password(user=user, reason="x", by=system_admin)
    services.use_link(token=again, password=GOOD + "8")
    assert told(GOOD + "8")
    assert not told(GOOD + "8")


# --- handing over ------------------------------------------------------------------------------


@pytest.fixture
def successor(system_admin: User) -> User:
    return make("lisi", by=system_admin)[0]


def test_handing_over_takes_two_offices(
    clerk: User, successor: User, county_system_admin: User, county_security_admin: User
) -> None:
    """The one records who takes over; the other passes the grants on."""
    heard: list[Any] = []

    def listener(**facts: Any) -> None:
        held = [grant.role for grant in successor.grants.all()]
        heard.append((facts["old"], facts["new"], facts["on"], facts["by"], held))

    handed_over.connect(listener)
    today, day = timezone.localdate(), timezone.localdate() + timedelta(days=5)
    services.hand_over(user=clerk, to=successor, on=day, reason="调离", by=county_system_admin)
    assert heard == []
    assert not successor.grants.exists()
    clerk = User.objects.get(pk=clerk.pk)
    with pytest.raises(PermissionDenied):
        services.take_over(user=clerk, by=county_system_admin)
    services.take_over(user=clerk, by=county_security_admin)
    handed_over.disconnect(listener)
    assert heard == [(clerk, successor, day, county_security_admin, ["COUNTY_CLERK"])]
    old, new = clerk.grants.get(), successor.grants.get()
    assert (old.valid_to, old.revoked_at) == (day - timedelta(days=1), None)
    assert (new.role, new.region_prefix, new.valid_from) == ("COUNTY_CLERK", "410324", day)
    assert new.granted_by == county_security_admin
    assert list(Grant.objects.valid_on(today).filter(user__in=[clerk, successor])) == [old]
    assert list(Grant.objects.valid_on(day).filter(user__in=[clerk, successor])) == [new]
    with pytest.raises(PermissionDenied):
        services.take_over(user=clerk, by=county_security_admin)
    texts = [event.text for event in queries.timeline(clerk)]
    assert any(f"工作自 {day} 起移交给张三" in text for text in texts)
    assert any("提前结束" in text for text in texts)


def test_from_today_on(
    clerk: User, successor: User, county_system_admin: User, county_security_admin: User
) -> None:
    """What is handed over today ends yesterday for the one and begins today for the other."""
    services.hand_over(
        user=clerk, to=successor, on=timezone.localdate(), reason="调离", by=county_system_admin
    )
    services.take_over(user=User.objects.get(pk=clerk.pk), by=county_security_admin)
    assert User.objects.get(pk=clerk.pk).region_prefixes == ()
    assert User.objects.get(pk=successor.pk).region_prefixes == ("410324",)


def test_nothing_passes_beyond_who_passes_it(
    clerk: User, successor: User, system_admin: User, county_security_admin: User
) -> None:
    """The county passes its own grants on; the city's stay until the city does."""
    Grant.objects.create(user=clerk, role=Role.LEADER, region_prefix="4103", valid_from=LONG_AGO)
    services.hand_over(
        user=clerk, to=successor, on=timezone.localdate(), reason="调离", by=system_admin
    )
    services.take_over(user=User.objects.get(pk=clerk.pk), by=county_security_admin)
    assert [grant.region_prefix for grant in successor.grants.all()] == ["410324"]
    assert clerk.grants.open_on(timezone.localdate()).get().region_prefix == "4103"


def test_an_office_is_not_inherited(
    county_audit_admin: User, successor: User, system_admin: User, security_admin: User
) -> None:
    services.hand_over(
        user=county_audit_admin, to=successor, on=timezone.localdate(), reason="x", by=system_admin
    )
    with pytest.raises(PermissionDenied):
        services.take_over(user=User.objects.get(pk=county_audit_admin.pk), by=security_admin)


def test_whom_one_cannot_hand_over_to(
    clerk: User, neighbour: User, successor: User, county_system_admin: User
) -> None:
    today = timezone.localdate()
    for to, on, error in (
        (neighbour, today, PermissionDenied),
        (county_system_admin, today, PermissionDenied),
        (clerk, today, ActRefusedError),
        (successor, today - timedelta(days=1), ActRefusedError),
    ):
        with pytest.raises(error):
            services.hand_over(user=clerk, to=to, on=on, reason="x", by=county_system_admin)
    User.objects.filter(pk=successor.pk).update(is_active=False)
    successor.refresh_from_db()
    with pytest.raises(ActRefusedError, match="停用"):
        services.hand_over(user=clerk, to=successor, on=today, reason="x", by=county_system_admin)


# --- list --------------------------------------------------------------------------------------


def names(answer: Any) -> set[str]:
    return {row["user"].username for row in answer.context["rows"]}


def test_list_is_the_own_region(
    as_user: As, county_system_admin: User, county_security_admin: User, system_admin: User,
    clerk: User, neighbour: User, places: object,
) -> None:  # fmt: skip
    county = {"luanchuan", "county_system_admin", "county_security_admin"}
    assert names(as_user(county_system_admin).get("/accounts/users/")) == county
    assert names(as_user(county_security_admin).get("/accounts/users/")) == county
    assert {"songxian", "luanchuan", "system_admin"} <= names(
        as_user(system_admin).get("/accounts/users/")
    )


def test_security_sees_who_holds_something_here(
    as_user: As, county_security_admin: User, county_system_admin: User, neighbour: User
) -> None:
    """A person of another county with a grant in this one: visible to whom can revoke it."""
    Grant.objects.create(
        user=neighbour, role=Role.LEADER, region_prefix="410324", valid_from=LONG_AGO
    )
    assert "songxian" in names(as_user(county_security_admin).get("/accounts/users/"))
    assert "songxian" not in names(as_user(county_system_admin).get("/accounts/users/"))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "luan"}, {"luanchuan"}), ({"q": "另一"}, {"old"}), ({"state": "disabled"}, {"off"}),
        ({"state": "unused"}, {"old", "luanchuan"}), ({"role": "COUNTY_CLERK"}, {"luanchuan"}),
        ({"county": "410325"}, {"fresh"}), ({"q": "nobody"}, set()),
        ({"state": "active", "q": "o"}, {"old", "admin324"}),
    ],
)  # fmt: skip
def test_filters(
    as_user: As, clerk: User, places: object, query: dict[str, str], found: set[str]
) -> None:
    now = timezone.now()
    for name, facts in {
        "old": {"office": "另一单位", "last_login": now - timedelta(days=91)},
        "off": {"is_active": False, "last_login": now},
        "fresh": {"home_prefix": "410325", "last_login": now - timedelta(days=89)},
        "admin324": {"office": "o", "last_login": now},
    }.items():
        user = person(name, Role.LEADER)
        User.objects.filter(pk=user.pk).update(**facts)
    admin = person("a.city", Role.SYSTEM_ADMIN, "4103")
    browser = as_user(admin)
    assert names(browser.get("/accounts/users/", query)) - {"a.city"} == found


def test_list_takes_the_same_queries(as_user: As, system_admin: User, places: object) -> None:
    browser = as_user(system_admin)
    browser.get("/accounts/users/")
    counts = []
    for number in (1, 3):
        while User.objects.filter(username__startswith="row").count() < number:
            count = User.objects.filter(username__startswith="row").count()
            person(f"row{count}", Role.COUNTY_CLERK, "410324", "410325")
        with CaptureQueriesContext(
            connection,
        ) as queries_made:
            assert browser.get("/accounts/users/").status_code == 200
        counts.append(len(queries_made))
    assert counts[0] == counts[1]


def test_detail_takes_the_same_queries(
    as_user: As, security_admin: User, clerk: User, places: object
) -> None:
    browser, page = as_user(security_admin), f"/accounts/users/{clerk.pk}/"
    browser.get(page)
    counts = []
    for prefix in (None, "410325", "410326"):
        if prefix:
            Grant.objects.create(
                user=clerk, role=Role.COUNTY_CLERK, region_prefix=prefix, valid_from=LONG_AGO
            )
        with CaptureQueriesContext(connection) as made:
            assert browser.get(page).status_code == 200
        counts.append(len(made))
    assert len(set(counts)) == 1, counts


# --- pages -------------------------------------------------------------------------------------

ACTS = ("disable", "enable", "reset", "hand-over")


def test_create_and_hand_out_the_link(
    as_user: As, county_system_admin: User, places: object
) -> None:
    browser = as_user(county_system_admin)
    words = {"username": "zhangsan", "display_name": "张三", "office": "栾川县扶贫办",
             "county": "410324", "town": "410324100", "village": ""}  # fmt: skip
    text = browser.post("/accounts/users/new/", words).content.decode()
    link = re.search(r"http://testserver(/accounts/link/\?t=[\w-]{43})", text)
    assert link
    assert Client().get(link[1]).status_code == 302
    assert User.objects.get(username="zhangsan").home_prefix == "410324100"
    again = browser.post("/accounts/users/new/", words)
    assert again.status_code == 422
    assert "已被使用" in again.content.decode()


def test_create_asks_for_lower_divisions(as_user: As, system_admin: User, places: object) -> None:
    words = {"username": "zhang", "county": "410324", "places": "1"}
    text = as_user(system_admin).post("/accounts/users/new/", words).content.decode()
    assert "赤土店镇" in text
    assert 'value="zhang"' in text
    assert not User.objects.filter(username="zhang").exists()


@pytest.mark.parametrize(
    ("change", "field"),
    [({"username": "Z"}, "username"), ({"display_name": ""}, "display_name"), ({"office": ""}, "office"),
     ({"county": "410325"}, "county"), ({"town": "410325100"}, "town")],
)  # fmt: skip
def test_create_refuses_by_field(
    as_user: As, county_system_admin: User, places: object, change: dict[str, str], field: str
) -> None:
    words = {
        "username": "zhangsan",
        "display_name": "张三",
        "office": "扶贫办",
        "county": "410324",
        **change,
    }
    answer = as_user(county_system_admin).post("/accounts/users/new/", words)
    assert answer.status_code == 422
    assert field in answer.context["form"].errors


def test_acts_by_page(
    as_user: As, county_system_admin: User, clerk: User, successor: User, places: object
) -> None:
    browser, page = as_user(county_system_admin), f"/accounts/users/{clerk.pk}/"
    for act in ACTS:
        assert browser.get(f"{page}{act}/").status_code == 200
        assert browser.post(f"{page}{act}/", {"reason": ""}).status_code == 422
    words = {"reason": "调离", "to": "lisi", "on": timezone.localdate().isoformat()}
    assert "/accounts/link/" in browser.post(f"{page}reset/", words).content.decode()
    assert browser.post(f"{page}hand-over/", words).status_code == 302
    assert browser.post(f"{page}disable/", words).status_code == 302
    assert browser.post(f"{page}disable/", words).status_code == 422
    text = browser.get(page).content.decode()
    for expected in ("停用账号", "发放设置口令链接", "移交给张三", "调离", "已停用"):
        assert expected in text
    assert browser.post(f"{page}enable/", words).status_code == 302
    for wrong in ("luanchuan", "nobody", ""):
        assert browser.post(f"{page}hand-over/", {**words, "to": wrong}).status_code == 422


def test_take_over_by_page(
    as_user: As, county_system_admin: User, county_security_admin: User, clerk: User,
    successor: User, places: object,
) -> None:  # fmt: skip
    services.hand_over(
        user=clerk, to=successor, on=timezone.localdate(), reason="调离", by=county_system_admin
    )
    page = f"/accounts/users/{clerk.pk}/"
    assert "转移授权" not in as_user(county_system_admin).get(page).content.decode()
    browser = as_user(county_security_admin)
    assert "转移授权" in browser.get(page).content.decode()
    assert browser.post(f"{page}take-over/").status_code == 302
    assert successor.grants.exists()
    assert "转移授权" not in browser.get(page).content.decode()


def test_neighbours_and_bad_numbers_are_not_found(
    as_user: As, county_system_admin: User, neighbour: User, city_leader: User
) -> None:
    browser = as_user(county_system_admin)
    for pk in (neighbour.pk, city_leader.pk, 999_999):
        for act in ("", *(f"{act}/" for act in ACTS)):
            assert browser.get(f"/accounts/users/{pk}/{act}").status_code == 404
    assert browser.get("/accounts/users/x/").status_code == 404
    assert (
        browser.post(f"/accounts/users/{neighbour.pk}/disable/", {"reason": "x"}).status_code == 404
    )
    assert User.objects.get(pk=neighbour.pk).is_active


def test_seen_but_not_to_be_touched(
    as_user: As, county_system_admin: User, county_security_admin: User
) -> None:
    """The other office of the own county, and oneself: the page is there, the acts are not."""
    browser = as_user(county_system_admin)
    for user in (county_security_admin, county_system_admin):
        text = browser.get(f"/accounts/users/{user.pk}/").content.decode()
        assert "重置口令" not in text
        for act in ACTS:
            assert browser.get(f"/accounts/users/{user.pk}/{act}/").status_code == 403
            assert (
                browser.post(f"/accounts/users/{user.pk}/{act}/", {"reason": "x"}).status_code
                == 403
            )


def test_who_may_not(
    as_user: As, clerk: User, audit_admin: User, security_admin: User, county_office: User
) -> None:
    for user in (clerk, audit_admin, county_office):
        browser = as_user(user)
        for page in ("", "new/", f"{clerk.pk}/", f"{clerk.pk}/reset/", "bulk/", "bulk/template/"):
            assert browser.get(f"/accounts/users/{page}").status_code == 403, page
    browser = as_user(security_admin)
    assert browser.get(f"/accounts/users/{clerk.pk}/").status_code == 200
    for page in ("new/", f"{clerk.pk}/reset/", f"{clerk.pk}/disable/", "bulk/"):
        assert browser.get(f"/accounts/users/{page}").status_code == 403, page


def test_wrong_methods(as_user: As, system_admin: User, clerk: User) -> None:
    browser = as_user(system_admin)
    for page in ("", f"{clerk.pk}/"):
        assert browser.post(f"/accounts/users/{page}").status_code == 405
    for page in ("new/", f"{clerk.pk}/disable/"):
        assert browser.delete(f"/accounts/users/{page}").status_code == 405
    assert browser.delete("/accounts/link/").status_code == 405


# --- the console -------------------------------------------------------------------------------


def appoint(*words: str) -> str:
    out = StringIO()
    call_command("appoint", *words, stdout=out, stderr=StringIO())
    return out.getvalue().strip()


def test_first_administrators_are_appointed(client: Client) -> None:
    link = appoint("wangwu", "SYSTEM_ADMIN", "410300000000", "--name", "王五")
    assert client.get(link).status_code == 302
    user = User.objects.get(username="wangwu")
    assert (user.home_prefix, user.grants.get().granted_by) == ("4103", None)
    assert user.prefixes_for("accounts.manage_users") == ("4103",)
    # Again: the office stays one, the first link is void.
    second = appoint("wangwu", "SYSTEM_ADMIN", "4103")
    assert user.grants.count() == 1
    assert client.get(link).status_code == 410
    assert client.get(second).status_code == 302


def test_appoint_refuses(city_leader: User) -> None:
    for words, why in (
        (("wangwu", "SYSTEM_ADMIN", "4103"), "--name"),
        (("wangwu", "SYSTEM_ADMIN", "410324100", "--name", "王五"), "区划"),
        (("leader", "AUDIT_ADMIN", "4103"), "三员分立"),
        (("Wang", "AUDIT_ADMIN", "4103", "--name", "王五"), "用户名"),
    ):
        with pytest.raises(CommandError, match=why), transaction.atomic():
            appoint(*words)
    assert city_leader.grants.count() == 1


def test_demo_logins_have_every_role_once(settings: Any, tmp_path: Any) -> None:
    settings.VAR_DIR = tmp_path
    call_command("demo_logins", stdout=StringIO())
    lines = (tmp_path / "demo_logins.txt").read_text(encoding="utf-8")
    assert set(Grant.objects.values_list("role", flat=True)) == set(Role)
    hashes = dict(User.objects.values_list("username", "password"))
    call_command("demo_logins", stdout=StringIO())
    assert (tmp_path / "demo_logins.txt").read_text(encoding="utf-8") == lines
    assert dict(User.objects.values_list("username", "password")) == hashes
