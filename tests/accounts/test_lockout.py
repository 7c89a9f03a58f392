"""Doors that close for longer each time, for known and unknown names alike."""

import secrets
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from axes.models import AccessAttempt
from django.test import Client, RequestFactory
from django.utils import timezone

from accounts.enums import Role
from accounts.models import Grant, LastSignIn, ProviderIdentity, User
from accounts.signin import lockout, second_factor
from core.ledger.models import AccessEntry
from core.retention import keeping
from tests.conftest import LONG_AGO, person
from tests.signing_in import give_phone

pytestmark = pytest.mark.django_db
GOOD = "Laojun-Shan-2197"


@pytest.fixture
def leader(city_leader: User) -> User:
    city_leader.set_password(GOOD)
    city_leader.save()
    return city_leader


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(timezone.now().replace(second=0, microsecond=0), tick=False) as moved:
        yield moved


def attempt(name: str = "leader", password: str = "wrong", **meta: Any) -> Any:
    return Client().post("/accounts/login/", {"username": name, "password": password}, **meta)


def fail(times: int, name: str = "leader", **meta: Any) -> Any:
    for _ in range(times):
        answer = attempt(name, **meta)
    return answer


def text_of(answer: Any) -> str:
    return answer.content.decode()


def test_fifth_failure_closes_the_door(leader: User, clock: Any) -> None:
    assert fail(4).status_code == 200
    closing = attempt()
    assert closing.status_code == 429
    assert closing["Retry-After"] == "60"
    assert "约 1 分钟" in text_of(closing)
    refused = attempt(password=GOOD)
    assert refused.status_code == 429
    assert "_auth_user_id" not in refused.wsgi_request.session


def test_delay_grows_and_a_right_password_forgets(leader: User, clock: Any) -> None:
    fail(4)
    for minutes in (1, 5, 15, 60, 60):
        assert f"约 {minutes} 分钟" in text_of(attempt())
        clock.shift(timedelta(minutes=minutes, seconds=-1))
        assert attempt(password=GOOD).status_code == 429
        clock.shift(timedelta(seconds=2))
    assert attempt(password=GOOD).status_code == 302
    assert not AccessAttempt.objects.exists()
    assert fail(4).status_code == 200


def test_tries_at_a_closed_door_do_not_prolong_it(leader: User, clock: Any) -> None:
    fail(5)
    fail(20)
    clock.shift(timedelta(seconds=61))
    assert attempt(password=GOOD).status_code == 302


def test_a_day_of_silence_forgets(leader: User, clock: Any) -> None:
    fail(4)
    clock.shift(timedelta(days=1, seconds=1))
    assert fail(4).status_code == 200
    assert AccessAttempt.objects.get().failures_since_start == 4


def test_unknown_names_are_answered_alike(leader: User, clock: Any) -> None:
    def story(name: str) -> list[tuple[int, str]]:
        answers = []
        for _ in range(7):
            answer = attempt(name)
            form = text_of(answer).partition("</header>")[2]
            shown = form.replace(str(answer.context["csrf_token"]), "").replace(name, "")
            answers.append((answer.status_code, shown))
        return answers

    assert story("leader") == story("nobody")


def test_what_was_typed_is_not_stored(leader: User) -> None:
    fail(2, "my secret in the wrong field")
    fail(1, "leader", QUERY_STRING="next=/households/86300000000001/")
    kept = [str(value) for row in AccessAttempt.objects.values() for value in row.values()]
    kept += [str(value) for row in AccessEntry.objects.values() for value in row.values()]
    assert "leader" in kept
    assert not [text for text in kept if "secret" in text or "86300000000001" in text]
    assert not [text for text in kept if "wrong" in text or "/accounts/" in text]


def test_logs_say_nothing_of_whom(leader: User, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", logger="axes")
    fail(6)
    attempt("somebody")
    assert "leader" not in caplog.text
    assert "somebody" not in caplog.text


def test_one_name_does_not_close_the_next(leader: User, clock: Any) -> None:
    fail(5, "nobody")
    assert attempt(password=GOOD).status_code == 302


def test_addresses_are_counted_over_all_names(leader: User, settings: Any, clock: Any) -> None:
    settings.SIGN_IN_FAILURES_PER_ADDRESS = 8
    for number in range(8):
        answer = attempt(f"nobody{number}", REMOTE_ADDR="10.0.0.7")
    assert answer.status_code == 429
    assert attempt(password=GOOD, REMOTE_ADDR="10.0.0.7").status_code == 429
    assert attempt(password=GOOD, REMOTE_ADDR="10.0.0.8").status_code == 302


def test_own_success_does_not_wash_an_address_clean(
    leader: User, settings: Any, clock: Any
) -> None:
    settings.SIGN_IN_FAILURES_PER_ADDRESS = 6
    for number in range(5):
        attempt(f"nobody{number}", REMOTE_ADDR="10.0.0.7")
    assert attempt(password=GOOD, REMOTE_ADDR="10.0.0.7").status_code == 302
    assert attempt("nobody9", REMOTE_ADDR="10.0.0.7").status_code == 429


def test_name_is_counted_over_all_addresses(leader: User, clock: Any) -> None:
    for number in range(5):
        answer = attempt(REMOTE_ADDR=f"10.0.1.{number}", HTTP_USER_AGENT=f"robot {number}")
    assert answer.status_code == 429


@pytest.mark.parametrize(
    ("behind_proxy", "forwarded", "address"),
    [
        (False, None, "10.0.0.9"),
        (False, "1.2.3.4", "10.0.0.9"),
        (True, "1.2.3.4", "1.2.3.4"),
        (True, "6.6.6.6, 1.2.3.4", "1.2.3.4"),
        (True, None, "10.0.0.9"),
        (True, "no address", lockout.NO_ADDRESS),
    ],
)
def test_forged_headers_do_not_help(
    settings: Any, behind_proxy: bool, forwarded: str | None, address: str
) -> None:
    settings.SECURE = behind_proxy
    headers = {"X-Real-IP": "7.7.7.7", "Forwarded": "for=8.8.8.8", "X-Client-IP": "5.5.5.5"}
    if forwarded is not None:
        headers["X-Forwarded-For"] = forwarded
    request = RequestFactory().get("/", headers=headers, REMOTE_ADDR="10.0.0.9")
    assert lockout.address_of(request) == address


def test_rotating_forged_headers_does_not_reopen(leader: User, settings: Any, clock: Any) -> None:
    settings.SIGN_IN_FAILURES_PER_ADDRESS = 5
    for number in range(5):
        headers = {"X-Forwarded-For": f"1.1.1.{number}", "X-Real-IP": f"2.2.2.{number}"}
        answer = Client().post(
            "/accounts/login/", {"username": f"n{number}", "password": "x"}, headers=headers
        )
    assert answer.status_code == 429


def test_failures_meanwhile_count_against_a_right_password(
    leader: User, monkeypatch: pytest.MonkeyPatch, clock: Any
) -> None:
    """Five guesses come in while the sixth, a right one, is being hashed."""
    real = User.check_password

    def slow(self: User, password: str) -> bool:
        AccessAttempt.objects.create(
            username="leader", ip_address="10.9.9.9", user_agent="", failures_since_start=5
        )
        return real(self, password)

    monkeypatch.setattr(User, "check_password", slow)
    answer = attempt(password=GOOD)
    assert answer.status_code == 429
    assert "_auth_user_id" not in answer.wsgi_request.session


def test_ledger_tells_the_story(leader: User, clock: Any) -> None:
    fail(6)
    attempt("nobody")
    clock.shift(timedelta(minutes=2))
    attempt(password=GOOD)
    told = list(AccessEntry.objects.order_by("id").values_list("act", "outcome", "subject"))
    assert told == [
        *[("SIGN_IN_FAILED", "failed", "leader")] * 5,
        ("LOCKED_OUT", "refused", "leader"),
        ("SIGN_IN_FAILED", "refused", "leader"),
        ("SIGN_IN_FAILED", "failed", ""),
        ("SIGN_IN", "ok", "leader"),
    ]


def test_owner_hears_of_failures(leader: User, clock: Any) -> None:
    attempt(password=GOOD, REMOTE_ADDR="10.0.0.5")
    clock.shift(timedelta(hours=1))
    fail(3)
    assert LastSignIn.objects.get(user=leader).failures_since == 3
    client = Client()
    client.post("/accounts/login/", {"username": "leader", "password": GOOD})
    page = text_of(client.get("/accounts/security/"))
    assert "来自 10.0.0.5" in page
    assert "3 次失败的登录尝试" in page
    assert LastSignIn.objects.get(user=leader).failures_since == 0
    assert "失败的登录尝试" not in text_of(client.get("/accounts/security/"))


# --- release -----------------------------------------------------------------------------------


@pytest.fixture
def system_admin(db: None) -> User:
    return person("sysadmin", Role.SYSTEM_ADMIN, "4103")


@pytest.fixture
def security_admin(db: None) -> User:
    return person("secadmin", Role.SECURITY_ADMIN, "4103")


@pytest.fixture
def county_admin(db: None) -> User:
    return person("songxian_sys", Role.SYSTEM_ADMIN, "410325")


def test_administrator_sees_and_opens(
    leader: User, system_admin: User, as_user: Callable[[User], Client], clock: Any
) -> None:
    fail(5)
    lock = lockout.of_user(leader)
    assert lock is not None
    assert lock.failures == 5
    assert lock.until == timezone.now() + timedelta(minutes=1)
    answer = as_user(system_admin).post(f"/accounts/users/{leader.pk}/unlock/")
    assert answer.status_code == 302
    assert lockout.of_user(leader) is None
    assert attempt(password=GOOD).status_code == 302
    entry = AccessEntry.objects.get(act="ACCOUNT")
    assert (entry.actor, entry.subject, entry.detail) == (
        system_admin.pk, "leader", {"act": "unlocked"},
    )  # fmt: skip


def test_neighbour_cannot_open(
    leader: User, county_admin: User, as_user: Callable[[User], Client], clock: Any
) -> None:
    fail(5)
    answer = as_user(county_admin).post(f"/accounts/users/{leader.pk}/unlock/")
    assert answer.status_code == 404
    assert lockout.of_user(leader) is not None


def test_others_cannot_open(
    leader: User, luanchuan_clerk: User, as_user: Callable[[User], Client]
) -> None:
    Grant.objects.filter(user=leader).update(valid_from=LONG_AGO)
    assert as_user(luanchuan_clerk).post(f"/accounts/users/{leader.pk}/unlock/").status_code == 403


def test_opening_is_a_post_of_somebody_there(
    system_admin: User, as_user: Callable[[User], Client]
) -> None:
    client = as_user(system_admin)
    own = f"/accounts/users/{system_admin.pk}/unlock/"
    assert client.get(own).status_code == 405
    assert client.post(own).status_code == 403
    assert client.post("/accounts/users/999999/unlock/").status_code == 404


def test_who_reaches_beyond_is_not_opened(
    leader: User, as_user: Callable[[User], Client], clock: Any
) -> None:
    """An account of the county that reads the whole city is none of the county's to open."""
    User.objects.filter(pk=leader.pk).update(home_prefix="410325")
    admin = person("songxian_sys", Role.SYSTEM_ADMIN, "410325")
    fail(5)
    assert as_user(admin).post(f"/accounts/users/{leader.pk}/unlock/").status_code == 403
    assert lockout.of_user(leader) is not None


def test_rate_of_the_page_is_limited(leader: User, settings: Any) -> None:
    settings.RATELIMIT_ENABLE = True
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "sign_in": "3/h"}
    where = {"REMOTE_ADDR": f"10.{secrets.randbelow(250)}.{secrets.randbelow(250)}.7"}
    answers = [attempt(f"n{number}", **where).status_code for number in range(4)]
    assert answers == [200, 200, 200, 429]


def test_old_counts_go_by_themselves(leader: User, clock: Any) -> None:
    fail(2)
    clock.shift(timedelta(hours=20))
    fail(1, "nobody")
    clock.shift(timedelta(hours=5))
    rule = next(rule for rule in keeping.rules() if rule.name == "failures")
    assert keeping.apply(rule).removed == 1
    assert AccessAttempt.objects.get().username.startswith("?")


def test_user_page_shows_lock_and_phone(
    leader: User, system_admin: User, security_admin: User, as_user: Callable[[User], Client],
    clock: Any,
) -> None:  # fmt: skip
    client = as_user(system_admin)
    page = text_of(client.get(f"/accounts/users/{leader.pk}/"))
    assert "未锁定" in page
    assert "解除锁定" not in page
    assert "解绑动态口令" not in page
    fail(5)
    give_phone(leader)
    page = text_of(client.get(f"/accounts/users/{leader.pk}/"))
    assert "连续失败 5 次" in page
    assert "解除锁定" in page
    assert "解绑动态口令" not in page
    other = as_user(security_admin)
    page = text_of(other.get(f"/accounts/users/{leader.pk}/"))
    assert "解除锁定" not in page
    assert "解绑动态口令</button>" in page
    ProviderIdentity.objects.create(user=leader, issuer="https://idp.example", subject="1")
    page = text_of(other.get(f"/accounts/users/{leader.pk}/"))
    assert "解绑动态口令和统一身份" in page
    own = text_of(other.get(f"/accounts/users/{security_admin.pk}/"))
    assert "解绑动态口令" not in own


def test_lost_phone_is_taken_off_by_the_other_office(
    leader: User,
    system_admin: User,
    security_admin: User,
    luanchuan_clerk: User,
    as_user: Callable[[User], Client],
) -> None:
    give_phone(leader)
    address = f"/accounts/users/{leader.pk}/second-factor/forget/"
    neighbour = person("songxian_sec", Role.SECURITY_ADMIN, "410325")
    assert as_user(neighbour).post(address, {"reason": "x"}).status_code == 404
    # Whoever resets passwords does not take the phone off as well.
    assert as_user(system_admin).post(address, {"reason": "x"}).status_code == 403
    assert as_user(luanchuan_clerk).post(address, {"reason": "x"}).status_code == 403
    client = as_user(security_admin)
    assert client.get(address).status_code == 405
    assert "请填写解绑事由" in text_of(client.post(address, {"reason": " "}, follow=True))
    assert second_factor.device_of(leader) is not None
    done = text_of(client.post(address, {"reason": "手机遗失"}, follow=True))
    assert "须重新绑定" in done
    assert second_factor.device_of(leader) is None
    assert "没有绑定" in text_of(client.post(address, {"reason": "再来"}, follow=True))
    own = f"/accounts/users/{security_admin.pk}/second-factor/forget/"
    assert client.post(own, {"reason": "我的"}).status_code == 403
    assert client.post("/accounts/users/999999/second-factor/forget/").status_code == 404
