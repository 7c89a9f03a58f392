"""How long a session lasts, where one is signed in, and ending it."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import SignedInSession, User
from accounts.signin import sessions
from accounts.signin.session_store import SessionStore, key_hash
from core.ledger.models import AccessEntry
from core.retention import keeping

pytestmark = pytest.mark.django_db
GOOD = "Laojun-Shan-2197"
PAGE = "/accounts/security/"


@pytest.fixture
def leader(city_leader: User) -> User:
    city_leader.set_password(GOOD)
    city_leader.save()
    return city_leader


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(timezone.now(), tick=False) as moved:
        yield moved


def enter(**meta: Any) -> Client:
    client = Client(**meta)
    client.post("/accounts/login/", {"username": "leader", "password": GOOD})
    return client


def query_of(answer: Any) -> dict[str, list[str]]:
    assert answer.status_code == 302
    assert urlsplit(answer.url).path == "/accounts/login/"
    return parse_qs(urlsplit(answer.url).query)


# --- time --------------------------------------------------------------------------------------


def test_idle_session_ends_and_leads_back(leader: User, clock: Any) -> None:
    client = enter()
    clock.shift(timedelta(minutes=30))
    assert client.get(PAGE).status_code == 200
    clock.shift(timedelta(minutes=30, seconds=1))
    answer = client.get(f"{PAGE}?x=1")
    assert query_of(answer) == {"ended": ["idle"], "next": [f"{PAGE}?x=1"]}
    assert "_auth_user_id" not in client.session
    page = client.get(answer.url)
    assert "30 分钟没有操作" in page.content.decode()
    again = client.post(
        "/accounts/login/", {"username": "leader", "password": GOOD, "next": page.context["next"]}
    )
    assert again.url == f"{PAGE}?x=1"
    ends = AccessEntry.objects.filter(act="SIGN_OUT").values_list("subject", "detail")
    assert list(ends) == [("leader", {"why": "idle"})]


def test_longest_session_ends_however_busy(leader: User, clock: Any) -> None:
    client = enter()
    for _ in range(12 * 3):
        clock.shift(timedelta(minutes=20))
        assert client.get(PAGE).status_code == 200
    clock.shift(timedelta(seconds=1))
    answer = client.get(PAGE)
    assert query_of(answer)["ended"] == ["absolute"]
    assert "满 12 小时" in client.get(answer.url).content.decode()


def test_limits_are_settings(leader: User, settings: Any, clock: Any) -> None:
    settings.SESSION_IDLE_SECONDS = 600
    client = enter()
    clock.shift(timedelta(seconds=601))
    answer = client.get(PAGE)
    assert "10 分钟没有操作" in client.get(answer.url).content.decode()


def test_asking_by_itself_is_no_sign_of_life(leader: User, clock: Any) -> None:
    client = enter()
    for _ in range(6):
        clock.shift(timedelta(minutes=5))
        assert client.get(PAGE, headers={"X-Poll": "1"}).status_code == 200
    clock.shift(timedelta(seconds=1))
    part = {
        "X-Poll": "1",
        "HX-Request": "true",
        "HX-Current-URL": "http://evil.example/jobs/7/?a=b",
    }
    answer = client.get("/jobs/7/", headers=part)
    assert answer["HX-Redirect"] == "/accounts/login/?ended=idle&next=/jobs/7/%3Fa%3Db"


def test_posting_late_does_not_lead_back_into_a_post(leader: User, clock: Any) -> None:
    client = enter()
    clock.shift(timedelta(hours=1))
    assert query_of(client.post("/accounts/security/end/")) == {"ended": ["idle"]}


def test_session_without_times_is_over(leader: User) -> None:
    client = enter()
    session = client.session
    del session[sessions.STARTED]
    session.save()
    assert query_of(client.get(PAGE))["ended"] == ["absolute"]


@pytest.mark.parametrize(
    "address",
    ["https://evil.example/", "//evil.example/", r"/\evil.example", "javascript:alert(1)"],
)
def test_login_leads_nowhere_else(leader: User, address: str) -> None:
    client = Client()
    assert client.get(f"/accounts/login/?next={address}").context["next"] == ""
    answer = client.post(
        "/accounts/login/", {"username": "leader", "password": GOOD, "next": address}
    )
    assert answer.url == "/"


def test_words_of_the_end_are_ours(client: Client) -> None:
    page = client.get("/accounts/login/?ended=<script>alert(1)</script>").content.decode()
    assert "alert" not in page
    assert 'role="status"' not in page


def test_a_page_costs_no_query_more_and_life_is_written_once_a_minute(
    leader: User, clock: Any
) -> None:
    client = enter()
    client.get(PAGE)

    def statements() -> list[str]:
        with CaptureQueriesContext(connection) as asked:
            client.get("/accounts/password/")
        return [one["sql"] for one in asked.captured_queries if "accounts_" in one["sql"]]

    calm = statements()
    assert not [sql for sql in calm if "signedinsession" in sql or sql.startswith("UPDATE")]
    clock.shift(timedelta(seconds=61))
    assert [sql for sql in statements() if sql.startswith('UPDATE "accounts_signedinsession"')]
    assert len(statements()) == len(calm)
    assert SignedInSession.objects.get().last_seen_at == timezone.now().replace(microsecond=0)


# --- keys --------------------------------------------------------------------------------------


def test_key_changes_at_sign_in(leader: User, settings: Any) -> None:
    client = Client()
    session = client.session
    session["before"] = 1
    session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
    client.post("/accounts/login/", {"username": "leader", "password": GOOD})
    assert client.session.session_key != session.session_key
    assert not SessionStore().exists(session.session_key)


def test_table_holds_no_key(leader: User) -> None:
    client = enter()
    key = client.session.session_key
    assert not Session.objects.filter(session_key=key).exists()
    assert Session.objects.filter(session_key=key_hash(key)).exists()
    assert SignedInSession.objects.get().key_hash == key_hash(key)
    thief = Client()
    thief.cookies[next(iter(client.cookies))] = key_hash(key)
    assert thief.get(PAGE).status_code == 302


def test_store_keeps_and_forgets() -> None:
    store = SessionStore()
    store["a"] = 1
    store.create()
    same = SessionStore(store.session_key)
    assert same["a"] == 1
    same["a"] = 2
    same.save()
    assert SessionStore(store.session_key)["a"] == 2
    key = store.session_key
    store.cycle_key()
    assert SessionStore(key).get("a") is None
    assert SessionStore(store.session_key)["a"] == 1
    store.delete()
    assert not store.exists(store.session_key)
    stale = SessionStore(same.session_key)
    with pytest.raises(UpdateError):
        same.save()
    assert stale.get("a") is None


def test_ended_session_does_not_come_back(leader: User) -> None:
    """A request that was under way when the session was ended cannot write it again."""
    client = enter()
    under_way = SessionStore(client.session.session_key)
    assert under_way["_auth_user_id"]
    sessions.end_sessions(leader)
    under_way["x"] = 1
    with pytest.raises(UpdateError):
        under_way.save()
    assert not Session.objects.exists()


# --- list and end ------------------------------------------------------------------------------


def test_page_lists_own_sessions(leader: User, as_user: Any, luanchuan_clerk: User) -> None:
    as_user(luanchuan_clerk)
    enter(
        REMOTE_ADDR="10.0.0.3",
        HTTP_USER_AGENT="Mozilla/5.0 (X11; UOS x86_64) Chrome/87.0 Safari/537",
    )
    client = enter(REMOTE_ADDR="10.0.0.4", HTTP_USER_AGENT="<b>curl</b>")
    page = client.get(PAGE)
    text = page.content.decode()
    assert len(page.context["rows"]) == 2
    assert "10.0.0.3" in text
    assert "Chromium 内核，统信" in text
    assert "<b>curl" not in text
    assert text.count("本次登录") == 1


def test_page_asks_the_same_for_many(leader: User) -> None:
    client = enter()
    client.get(PAGE)

    def count() -> int:
        """Statements about accounts; the list of years is remembered for some seconds only."""
        with CaptureQueriesContext(connection) as asked:
            client.get(PAGE)
        return sum("accounts_" in one["sql"] for one in asked.captured_queries)

    one = count()
    for _ in range(3):
        enter()
    assert len(client.get(PAGE).context["rows"]) == 4
    assert count() == one


def test_dead_sessions_are_not_listed(leader: User, clock: Any) -> None:
    enter()
    clock.shift(timedelta(minutes=40))
    assert list(sessions.alive(leader)) == []
    client = enter()
    assert [row.key_hash for row in sessions.alive(leader)] == [
        key_hash(client.session.session_key)
    ]
    assert SignedInSession.objects.count() == Session.objects.count() == 1


def test_ending_one_and_all_others(leader: User) -> None:
    here, second, third = enter(), enter(), enter()
    row = SignedInSession.objects.get(key_hash=key_hash(second.session.session_key))
    assert here.post(f"/accounts/security/{row.pk}/end/").status_code == 302
    assert second.get(PAGE).status_code == 302
    assert third.get(PAGE).status_code == 200
    assert here.post("/accounts/security/end/").status_code == 302
    assert third.get(PAGE).status_code == 302
    assert "已退出其他 1 处登录" in here.get(PAGE).content.decode()


def test_others_sessions_are_not_there(
    leader: User, as_user: Callable[[User], Client], luanchuan_clerk: User
) -> None:
    client, victim = enter(), as_user(luanchuan_clerk)
    row = SignedInSession.objects.get(user=luanchuan_clerk)
    assert client.post(f"/accounts/security/{row.pk}/end/").status_code == 404
    assert client.post("/accounts/security/999999/end/").status_code == 404
    assert victim.get(PAGE).status_code == 200
    own = SignedInSession.objects.get(user=leader)
    assert (
        client.post(f"/accounts/security/{own.pk}/end/").status_code == 404
    )  # that is signing out


@pytest.mark.parametrize("address", ["/accounts/security/1/end/", "/accounts/security/end/"])
def test_ending_is_a_post(leader: User, address: str) -> None:
    assert enter().get(address).status_code == 405


def test_page_is_a_get(leader: User) -> None:
    assert enter().post(PAGE).status_code == 405


def test_disabling_ends_sessions_at_once(leader: User) -> None:
    client = enter()
    assert sessions.end_sessions(leader, reason="disabled") == 1
    assert client.get(PAGE).status_code == 302
    assert not Session.objects.exists()
    entry = AccessEntry.objects.get(act="SIGN_OUT")
    assert (entry.subject, entry.detail) == ("leader", {"why": "disabled", "sessions": 1})
    assert sessions.end_sessions(leader) == 0


def test_signing_out_leaves_nothing(leader: User) -> None:
    client = enter()
    client.post("/accounts/logout/")
    assert not Session.objects.exists()
    assert not SignedInSession.objects.exists()
    assert AccessEntry.objects.get(act="SIGN_OUT").detail == {"why": "own"}


def test_number_of_sessions_can_be_limited(leader: User, settings: Any, clock: Any) -> None:
    settings.SESSIONS_PER_USER = 2
    first = enter()
    clock.shift(timedelta(minutes=2))
    second = enter()
    clock.shift(timedelta(minutes=2))
    third = enter()
    assert [c.get(PAGE).status_code for c in (first, second, third)] == [302, 200, 200]
    assert AccessEntry.objects.get(act="SIGN_OUT").detail == {"why": "limit", "sessions": 1}


def test_notice_of_the_last_sign_in(leader: User, clock: Any) -> None:
    first = enter(REMOTE_ADDR="10.0.0.3")
    assert "上次登录" not in first.get(PAGE).content.decode()
    moment = timezone.localtime()
    clock.shift(timedelta(hours=3))
    page = enter().get(PAGE).content.decode()
    assert f"上次登录：{moment:%Y-%m-%d %H:%M}，来自 10.0.0.3。" in page


# --- what goes by itself -----------------------------------------------------------------------


def test_sessions_nobody_came_back_to_go_and_are_noted(leader: User, clock: Any) -> None:
    enter()
    clock.shift(timedelta(hours=11))
    later = enter()
    clock.shift(timedelta(hours=1, minutes=1))
    rule = next(rule for rule in keeping.rules() if rule.name == "signed_in")
    assert keeping.apply(rule).removed == 0  # the first went when the second began
    clock.shift(timedelta(hours=11))
    assert keeping.apply(rule).removed == 1
    assert not SignedInSession.objects.exists()
    assert later.get(PAGE).status_code == 302
    whys = [
        entry.detail["why"] for entry in AccessEntry.objects.filter(act="SIGN_OUT").order_by("id")
    ]
    assert whys == ["idle", "absolute"]
