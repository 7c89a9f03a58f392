"""What a password must be, wherever it is set, for how long, and what hashing may cost."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import PasswordRecord, User
from accounts.signin import checks, hashing, policy
from accounts.signin.passwords import set_password
from core.ledger.models import AccessEntry

pytestmark = pytest.mark.django_db
GOOD = "Laojun-Shan-2197"
OTHER = "Jiguan-Dong-0731"


@pytest.fixture
def leader(city_leader: User) -> User:
    city_leader.set_password(GOOD)
    city_leader.save()
    return city_leader


@pytest.fixture
def desk(leader: User) -> Client:
    client = Client()
    client.post("/accounts/login/", {"username": "leader", "password": GOOD})
    return client


def change(client: Client, present: str, new: str, again: str | None = None, **more: str) -> Any:
    data = {"present": present, "new": new, "again": new if again is None else again, **more}
    return client.post("/accounts/password/", data)


# --- the rules ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("password", "word"),
    [
        ("Ab3-efgh9", "至少 10 位"),
        ("abcdefghijkl", "三类"),
        ("abcdefghij12", "三类"),
        ("XLeader-2018x", "用户名"),
        ("Xredael-2018x", "用户名"),
        ("Aa1-" + "x" * 130, "不超过 128 位"),
        ("password1234", "三类"),
        ("P@ssw0rd", "常见"),
    ],
)
def test_dengbao_refuses(leader: User, password: str, word: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        validate_password(password, leader)
    assert any(word in text for text in refusal.value.messages), refusal.value.messages


@pytest.mark.parametrize("password", ["Luoyang.2018", "abcdefgh-A", "一把好记的 Long 口令"])
def test_dengbao_accepts(leader: User, password: str) -> None:
    validate_password(password, leader)


def test_asvs_wants_length_and_nothing_else(leader: User, settings: Any) -> None:
    settings.PASSWORD_POLICY = "asvs"
    validate_password("correct horse battery", leader)
    validate_password(GOOD, leader)  # no memory
    with pytest.raises(ValidationError, match="至少 15 位"):
        validate_password("Ab3-efghijkl14", leader)
    assert policy.due_at(leader) is None


def test_unknown_policy_is_refused(leader: User, settings: Any) -> None:
    settings.PASSWORD_POLICY = "none"
    with pytest.raises(ImproperlyConfigured):
        validate_password(GOOD, leader)
    assert [one.id for one in checks.password_policy(None)] == ["accounts.E001"]
    settings.PASSWORD_POLICY = "asvs"
    assert checks.password_policy(None) == []
    for delays in ([], [0, 5], [15, 5]):
        settings.SIGN_IN_DELAY_MINUTES = delays
        assert [one.id for one in checks.password_policy(None)] == ["accounts.E002"]


def test_none_of_the_last_five_comes_again(leader: User) -> None:
    for number in range(1, 5):
        set_password(user=leader, password=f"{OTHER}{number}", by=leader)
    for used in (GOOD, *(f"{OTHER}{number}" for number in range(1, 5))):
        with pytest.raises(ValidationError, match="最近 5 次"):
            set_password(user=leader, password=used, by=leader)
    set_password(user=leader, password=f"{OTHER}5", by=leader)
    assert leader.passwords.count() == 5
    set_password(user=leader, password=GOOD, by=leader)


def test_random_passwords_fit_every_policy(leader: User, settings: Any) -> None:
    for settings.PASSWORD_POLICY in policy.NAMES:
        for _ in range(20):
            validate_password(policy.random_password(), leader)


def test_demo_logins_have_passwords_of_the_policy(db: None, settings: Any, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path
    call_command("demo_logins", verbosity=0)
    lines = (tmp_path / "demo_logins.txt").read_text(encoding="utf-8").splitlines()
    assert lines
    for line in lines:
        name, password = line.split()[:2]
        user = User.objects.get(username=name)
        assert user.check_password(password)
        PasswordRecord.objects.filter(user=user).delete()
        validate_password(password, user)


# --- the page ----------------------------------------------------------------------------------


def test_change_keeps_this_session_and_ends_the_others(desk: Client, leader: User) -> None:
    elsewhere = Client()
    elsewhere.post("/accounts/login/", {"username": "leader", "password": GOOD})
    key = desk.session.session_key
    answer = change(desk, GOOD, OTHER)
    assert answer.status_code == 302
    assert desk.session.session_key != key
    assert desk.get("/accounts/security/").status_code == 200
    assert elsewhere.get("/accounts/security/").status_code == 302
    leader.refresh_from_db()
    assert leader.check_password(OTHER)
    entry = AccessEntry.objects.filter(act="ACCOUNT").get()
    assert (entry.actor, entry.subject, entry.detail) == (leader.pk, "leader", {"act": "password"})


@pytest.mark.parametrize(
    ("present", "new", "again", "word"),
    [
        ("wrong", OTHER, OTHER, "当前口令不正确"),
        (GOOD, OTHER, GOOD, "不一致"),
        (GOOD, "kurz", "kurz", "至少 10 位"),
        (GOOD, GOOD, GOOD, "最近 5 次"),
        (GOOD, "", "", "必填"),
    ],
)
def test_refused_changes_change_nothing(
    desk: Client, leader: User, present: str, new: str, again: str, word: str
) -> None:
    answer = change(desk, present, new, again)
    assert answer.status_code == 200
    assert word in answer.content.decode()
    leader.refresh_from_db()
    assert leader.check_password(GOOD)


def test_page_refuses_other_methods_and_accounts_without_password(
    desk: Client, as_user: Any, luanchuan_clerk: User
) -> None:
    assert desk.put("/accounts/password/").status_code == 405
    assert as_user(luanchuan_clerk).get("/accounts/password/").status_code == 404


@pytest.mark.parametrize("address", ["https://evil.example/", "//evil.example/", "javascript:x"])
def test_page_leads_nowhere_else(desk: Client, address: str) -> None:
    assert change(desk, GOOD, OTHER, next=address).url == "/accounts/security/"


# --- age ---------------------------------------------------------------------------------------


def test_old_password_leads_to_the_change_page_only(leader: User) -> None:
    with time_machine.travel(timezone.now() + timedelta(days=91), tick=False):
        client = Client()
        client.post("/accounts/login/", {"username": "leader", "password": GOOD})
        for page in ("/", "/households/", "/accounts/security/"):
            answer = client.get(page)
            assert answer.status_code == 302
            assert answer.url.startswith("/accounts/password/")
        assert client.post("/accounts/security/end/").status_code == 302
        asked = client.get("/accounts/password/?next=/households/")
        assert "90 天" in asked.content.decode()
        answer = change(client, GOOD, OTHER, next="/households/")
        assert answer.url == "/households/"
        assert client.get("/accounts/security/").status_code == 200
        htmx = client.get("/accounts/security/", headers={"HX-Request": "true"})
        assert htmx.status_code == 200


def test_age_comes_due_within_a_session(desk: Client, leader: User) -> None:
    almost = timezone.now() + timedelta(days=90) - timedelta(minutes=10)
    with time_machine.travel(almost, tick=False) as clock:
        client = Client()
        client.post("/accounts/login/", {"username": "leader", "password": GOOD})
        assert client.get("/accounts/security/").status_code == 200
        clock.shift(timedelta(minutes=11))
        assert client.get("/accounts/security/").url.startswith("/accounts/password/")


def test_age_is_configurable(leader: User, settings: Any) -> None:
    set_at = leader.passwords.get().set_at
    assert policy.due_at(leader) == set_at + timedelta(days=90)
    settings.PASSWORD_DAYS = 30
    assert policy.due_at(leader) == set_at + timedelta(days=30)
    settings.PASSWORD_DAYS = 0
    assert policy.due_at(leader) is None


def test_password_of_unknown_age_is_due(leader: User) -> None:
    leader.passwords.all().delete()
    assert policy.due_at(leader) <= timezone.now()  # type: ignore[operator]


def test_unusable_password_has_no_age(luanchuan_clerk: User) -> None:
    assert policy.due_at(luanchuan_clerk) is None


# --- what hashing costs ------------------------------------------------------------------------


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Computations of argon2, as they happen."""
    done: list[str] = []
    parent = hashing.Argon2PasswordHasher
    encode, verify = parent.encode, parent.verify
    monkeypatch.setattr(
        parent, "encode", lambda self, *a, **k: done.append("encode") or encode(self, *a, **k)
    )
    monkeypatch.setattr(
        parent, "verify", lambda self, *a, **k: done.append("verify") or verify(self, *a, **k)
    )
    return done


@pytest.mark.parametrize(
    ("username", "password"),
    [("leader", GOOD), ("leader", "wrong"), ("nobody", "wrong"), ("luanchuan", "wrong"),
     ("disabled", GOOD)],
)  # fmt: skip
def test_every_try_costs_the_same(
    leader: User, luanchuan_clerk: User, hashes: list[str], username: str, password: str
) -> None:
    """Known, unknown, without a password, disabled: one hash each, so that time tells nothing."""
    disabled = User(username="disabled", display_name="x", is_active=False)
    disabled.set_password(GOOD)
    disabled.save()
    hashes.clear()
    Client().post("/accounts/login/", {"username": username, "password": password})
    assert len(hashes) == 1


def test_no_more_hashes_at_once_than_slots(tmp_path: Path) -> None:
    slots = hashing.Slots(tmp_path, slots=2, queue=10, patience=10)
    lock, now, most = threading.Lock(), 0, 0
    met = threading.Barrier(2, timeout=10)

    def work(waits: bool) -> None:
        nonlocal now, most
        with slots.one():
            with lock:
                now += 1
                most = max(most, now)
            if waits:
                met.wait()  # both slots are really held at the same time
            with lock:
                now -= 1

    threads = [threading.Thread(target=work, args=(number < 2,)) for number in range(2)]
    threads += [threading.Thread(target=work, args=(False,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 2


def test_full_queue_is_refused_at_once_and_waiting_ends(tmp_path: Path) -> None:
    slots = hashing.Slots(tmp_path, slots=1, queue=0, patience=10)
    with slots.one(), pytest.raises(hashing.TooBusyError), slots.one():
        pass
    # Another process: its own queue, the same files.
    other = hashing.Slots(tmp_path, slots=1, queue=3, patience=0.05)
    with slots.one(), pytest.raises(hashing.TooBusyError), other.one():
        pass
    with other.one():
        pass


def test_busy_machine_answers_429_in_words(
    leader: User, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    full = hashing.Slots(tmp_path, slots=1, queue=0, patience=0)
    monkeypatch.setattr(hashing, "slots", lambda: full)
    with full.one():
        answer = Client().post("/accounts/login/", {"username": "leader", "password": GOOD})
    assert answer.status_code == 429
    assert answer["Retry-After"]
    assert "频繁" in answer.content.decode() or "繁忙" in answer.content.decode()
    again = Client().post("/accounts/login/", {"username": "leader", "password": GOOD})
    assert again.status_code == 302


def test_slot_folder_is_our_own() -> None:
    folder = hashing._folder()
    assert folder.stat().st_mode & 0o077 == 0
    assert hashing.slots() is hashing.slots()


# --- the migration -----------------------------------------------------------------------------


def test_migration_takes_down_present_passwords(leader: User, luanchuan_clerk: User) -> None:
    from accounts.migrations import __name__ as package

    module = __import__(f"{package}.0003_signing_in", fromlist=["TAKE_DOWN"])
    PasswordRecord.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute(module.TAKE_DOWN)
    record = PasswordRecord.objects.get()
    assert (record.user_id, record.digest) == (leader.pk, leader.password)
    assert record.set_at > datetime(2020, 1, 1, tzinfo=UTC)
