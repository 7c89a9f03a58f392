"""Who must show a phone, enrolling it, its codes, losing it."""

import re
from base64 import b32decode
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

import pyotp
import pytest
import time_machine
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone

from accounts import services
from accounts.enums import Role
from accounts.models import Authenticator, Grant, LastSignIn, RecoveryCodes, SignedInSession, User
from accounts.roles import ADMINISTRATORS, RELEASE_EXPORT, REVEAL, ROLES
from accounts.signin import checks, middleware, second_factor
from accounts.signin.passwords import set_password
from core.ledger.models import AccessEntry
from tests.conftest import LONG_AGO, person
from tests.house.test_urls_guarded import ALL, filled
from tests.signing_in import SECRET, code_of, give_phone, sign_in_verified

pytestmark = pytest.mark.django_db
GOOD = "Laojun-Shan-2197"
VERIFY, SET_UP = "/accounts/second-factor/", "/accounts/second-factor/set-up/"


@pytest.fixture
def clerk(luanchuan_clerk: User) -> User:
    """A holder of reveal, with a password."""
    luanchuan_clerk.set_password(GOOD)
    luanchuan_clerk.save()
    return luanchuan_clerk


def enter(username: str = "luanchuan") -> Client:
    client = Client()
    answer = client.post("/accounts/login/", {"username": username, "password": GOOD})
    assert answer.status_code == 302
    return client


def verified(client: Client) -> bool:
    return client.get("/accounts/security/").status_code == 200


# --- who ---------------------------------------------------------------------------------------


def test_administrators_and_holders_of_weighty_rights_need_it() -> None:
    needing = {
        role for role, facts in ROLES.items()
        if not second_factor.SECOND_FACTOR_FOR.isdisjoint(facts.permissions)
    }  # fmt: skip
    assert set(ADMINISTRATORS) <= needing
    for role, facts in ROLES.items():
        if facts.permissions & {REVEAL, RELEASE_EXPORT}:
            assert role in needing
    assert needing.isdisjoint({Role.LEADER, Role.VILLAGE, Role.HELPER, Role.DEPARTMENT})


def test_demo_asks_nobody_who_has_none(clerk: User, settings: Any) -> None:
    settings.DEMO = True
    client = enter()
    page = client.get("/accounts/security/")
    assert page.status_code == 200
    assert "在正式使用时须启用动态口令" in page.content.decode()
    settings.OTP_REQUIRED = True
    assert not verified(enter())


def test_demo_asks_whoever_has_one(clerk: User, settings: Any) -> None:
    settings.DEMO = True
    give_phone(clerk)
    assert enter().get("/accounts/security/").url.startswith(VERIFY)


def test_off_is_told_to_the_operator(settings: Any) -> None:
    assert checks.second_factor_is_on(None) == []
    settings.OTP_REQUIRED = False
    assert [one.id for one in checks.second_factor_is_on(None)] == ["accounts.W001"]
    settings.DEMO = True
    assert checks.second_factor_is_on(None) == []


def test_others_are_not_asked(city_leader: User) -> None:
    city_leader.set_password(GOOD)
    city_leader.save()
    assert verified(enter("leader"))


# --- behind the wall ---------------------------------------------------------------------------

OPEN = {
    "healthz": "says nothing",
    "accounts/login/": "sends the signed-in home, where the wall stands",
    "accounts/logout/": "the way out",
    "accounts/second-factor/": "the way through",
    "accounts/second-factor/set-up/": "the way through",
}


@pytest.mark.parametrize("method", ["get", "post"])
def test_password_alone_reaches_nothing(clerk: User, method: str) -> None:
    """Every address of the product, for somebody whose second factor is missing."""
    client = Client()
    client.force_login(clerk)
    reached = {}
    for pattern in ALL:
        if pattern not in OPEN:
            answer = getattr(client, method)(filled(pattern))
            if answer.status_code != 302 or not answer.url.startswith(VERIFY):
                reached[pattern] = answer.status_code
    assert len(ALL) > 60
    assert reached == {}


def test_the_list_of_open_addresses_is_the_middlewares() -> None:
    names = {name for name in middleware.FOR_SECOND_FACTOR if name != "healthz"}
    known = {f"accounts:{name}" for name in get_resolver().namespace_dict["accounts"][1].reverse_dict
             if isinstance(name, str)}  # fmt: skip
    assert names <= known
    assert len(OPEN) == len(middleware.FOR_SECOND_FACTOR)


def test_right_granted_within_a_session_asks_at_once(city_leader: User) -> None:
    city_leader.set_password(GOOD)
    city_leader.save()
    client = enter("leader")
    assert verified(client)
    Grant.objects.create(
        user=city_leader, role=Role.COUNTY_CLERK, region_prefix="410324", valid_from=LONG_AGO
    )
    assert client.get("/accounts/security/").url.startswith(VERIFY)


def test_parts_of_pages_send_the_whole_page(clerk: User) -> None:
    answer = enter().get("/households/", headers={"HX-Request": "true"})
    assert answer["HX-Redirect"] == VERIFY


# --- enrolling ---------------------------------------------------------------------------------


def test_enrolling_by_hand_and_picture(clerk: User) -> None:
    client = enter()
    assert client.get("/households/").url == f"{VERIFY}?next=/households/"
    asked = client.get(f"{VERIFY}?next=/households/")
    assert asked.url == f"{SET_UP}?next=/households/"
    page = client.get(asked.url)
    text = page.content.decode()
    assert re.search(r'<img src="data:image/svg\+xml', text)
    secret = page.context["secret"].replace(" ", "")
    assert client.get(SET_UP).context["secret"].replace(" ", "") == secret  # the same on reload
    device = Authenticator.objects.get(user=clerk)
    assert not device.confirmed
    address = unquote(device.address("平台：甲"))
    assert address.startswith("otpauth://totp/luanchuan?")
    assert f"secret={secret}&issuer=平台：甲&" in address
    key = client.session.session_key
    done = client.post(SET_UP, {"code": pyotp.parse_uri(address).now(), "next": "/households/"})
    codes = re.findall(r"<code>([a-z2-9]{5}-[a-z2-9]{5})</code>", done.content.decode())
    assert len(codes) == len(set(codes)) == 10
    assert 'href="/households/"' in done.content.decode()
    assert client.session.session_key != key
    assert verified(client)
    told = AccessEntry.objects.filter(act="SECOND_FACTOR").values_list("outcome", "detail")
    assert list(told) == [("ok", {"act": "enrol"})]


def test_wrong_first_code_enrols_nothing(clerk: User) -> None:
    client = enter()
    client.get(SET_UP)
    device = Authenticator.objects.get(user=clerk)
    wrong = f"{(int(code_of(device)) + 1) % 1_000_000:06d}"
    answer = client.post(SET_UP, {"code": wrong})
    assert "不正确" in answer.content.decode()
    assert not Authenticator.objects.filter(confirmed=True).exists()
    assert not verified(client)


def test_another_phone_cannot_be_enrolled_with_the_password_alone(clerk: User) -> None:
    give_phone(clerk)
    assert enter().get(SET_UP).url == VERIFY
    answer = enter().post(SET_UP, {"code": "123456"})
    assert answer.url == VERIFY
    assert Authenticator.objects.filter(user=clerk).count() == 1


def shown(client: Client) -> str:
    """The secret that the page shows, as hexadecimal digits."""
    text = client.get(SET_UP).context["secret"].replace(" ", "")
    return b32decode(text + "=" * (-len(text) % 8)).hex()


def code_for(secret: str) -> str:
    return code_of(Authenticator(secret=secret))


def test_secret_of_one_session_is_not_shown_to_another(clerk: User) -> None:
    """Whoever signed in with the password before the owner did knows no code of the owner's phone."""
    thief = enter()
    seen = shown(thief)
    owner = enter()
    mine = shown(owner)
    assert mine != seen
    with time_machine.travel(timezone.now(), tick=False) as clock:
        assert owner.post(SET_UP, {"code": code_for(seen)}).context["form"].errors
        assert shown(owner) == mine
        clock.shift(timedelta(seconds=2))
        assert "codes" in owner.post(SET_UP, {"code": code_for(mine)}).context
        # What the thief began is over, and so is the session.
        assert thief.post(SET_UP, {"code": code_for(seen)}).url.startswith("/accounts/login/")
    device = Authenticator.objects.get(user=clerk)
    assert (device.confirmed, device.secret) == (True, mine)


def test_two_sessions_at_once_never_share_a_secret(clerk: User) -> None:
    one, other = enter(), enter()
    secrets = [shown(one), shown(other), shown(one), shown(other)]
    assert len(set(secrets)) == 4
    assert Authenticator.objects.filter(user=clerk).count() == 1


@pytest.mark.parametrize("act", ["sign in", "password", "reset"])
def test_unfinished_phone_does_not_survive(clerk: User, act: str) -> None:
    shown(enter())
    match act:
        case "sign in":
            enter()
        case "password":
            set_password(user=clerk, password=GOOD + "x", by=clerk)
        case "reset":
            services.reset_password(user=clerk, reason="x", by=None)
    assert not Authenticator.objects.filter(user=clerk).exists()


def change(client: Client, proof: str) -> Any:
    secret = shown(client)
    return client.post(SET_UP, {"code": code_for(secret), "proof": proof})


@pytest.mark.parametrize("proof", ["", "wrong", "000000", "aaaaa-bbbbb"])
def test_another_phone_asks_for_proof(clerk: User, as_user: Any, proof: str) -> None:
    """A session left open is not its owner."""
    client = as_user(clerk)
    assert "换绑手机" in client.get(SET_UP).content.decode()
    with time_machine.travel("2026-11-22T00:00:00Z", tick=False):
        client = as_user(clerk)
        answer = change(client, proof)
    assert answer.context["form"].errors.keys() == {"proof"}
    assert Authenticator.objects.get(user=clerk, confirmed=True).secret == SECRET


@pytest.mark.parametrize("kind", ["password", "code", "recovery"])
def test_each_proof_is_good(clerk: User, as_user: Any, kind: str) -> None:
    client = as_user(clerk)
    phone = Authenticator.objects.get(user=clerk)
    codes = second_factor._new_codes(clerk)
    proof = {"password": GOOD, "code": code_of(phone), "recovery": codes[0].upper()}[kind]
    assert "codes" in change(client, proof).context
    assert Authenticator.objects.get(user=clerk).secret != SECRET
    told = AccessEntry.objects.filter(act="SECOND_FACTOR").order_by("pk")
    assert [entry.detail["act"] for entry in told] == ["proof", "enrol"]


def test_wrong_proofs_are_told_to_the_owner(clerk: User, as_user: Any) -> None:
    client = as_user(clerk)
    change(client, "wrong")
    assert LastSignIn.objects.get(user=clerk).failures_since == 1


def test_changing_phones_ends_other_sessions(clerk: User, as_user: Any) -> None:
    here, there = as_user(clerk), as_user(clerk)
    here.get(SET_UP)
    waiting = Authenticator.objects.get(user=clerk, confirmed=False)
    here.post(SET_UP, {"code": code_of(waiting), "proof": GOOD})
    assert list(Authenticator.objects.filter(user=clerk)) == [waiting]
    assert verified(here)
    assert there.get("/").url.startswith("/accounts/login/")


def test_secret_is_sealed_and_codes_are_digests(clerk: User) -> None:
    give_phone(clerk)
    codes = second_factor._new_codes(clerk)
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(a)::text FROM accounts_authenticator a")
        device = cursor.fetchone()[0]
        cursor.execute("SELECT row_to_json(c)::text FROM accounts_recoverycodes c")
        kept = cursor.fetchone()[0]
    for text in (SECRET, bytes.fromhex(SECRET).decode(), SECRET.encode().hex()):
        assert text not in device
    assert not [code for code in codes if code in kept or code.replace("-", "") in kept]
    assert Authenticator.objects.get().secret == SECRET


# --- codes -------------------------------------------------------------------------------------


def test_right_code_opens_once_and_changes_the_key(clerk: User) -> None:
    device = give_phone(clerk)
    client = enter()
    key = client.session.session_key
    row = SignedInSession.objects.get(user=clerk)
    code = code_of(device)
    answer = client.post(VERIFY, {"code": f" {code[:3]} {code[3:]} ", "next": "/households/"})
    assert answer.url == "/households/"
    assert client.session.session_key != key
    assert verified(client)
    assert SignedInSession.objects.get(user=clerk).pk == row.pk
    again = enter()
    refused = again.post(VERIFY, {"code": code})
    assert "已用过" in refused.content.decode()
    assert not verified(again)


def test_old_key_is_worthless_after_verification(clerk: User, settings: Any) -> None:
    device = give_phone(clerk)
    client = enter()
    stolen = Client()
    stolen.cookies[settings.SESSION_COOKIE_NAME] = client.session.session_key
    assert stolen.get("/").url.startswith(VERIFY)
    client.post(VERIFY, {"code": code_of(device)})
    assert stolen.get("/accounts/security/").url.startswith("/accounts/login/")


@pytest.mark.parametrize(
    ("steps", "right"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)]
)
def test_clock_of_the_phone_may_be_a_little_off(clerk: User, steps: int, right: bool) -> None:
    device = give_phone(clerk)
    with time_machine.travel(timezone.now(), tick=False):
        client = enter()
        client.post(VERIFY, {"code": code_of(device, steps)})
        assert verified(client) is right


def test_older_code_than_the_last_is_refused(clerk: User) -> None:
    device = give_phone(clerk)
    with time_machine.travel(timezone.now(), tick=False):
        enter().post(VERIFY, {"code": code_of(device)})
        client = enter()
        client.post(VERIFY, {"code": code_of(device, -1)})
        assert not verified(client)


def test_drift_is_learnt(clerk: User) -> None:
    device = give_phone(clerk)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for ahead in (1, 2, 3):
            client = enter()
            client.post(VERIFY, {"code": code_of(device, ahead)})
            assert verified(client), ahead
            clock.shift(timedelta(seconds=30))


@pytest.mark.parametrize(
    "code", ["", "000000", "12345", "1234567", "１２３４５６", "abcdef", "' OR 1=1"]
)
def test_wrong_codes(clerk: User, code: str) -> None:
    give_phone(clerk)
    with time_machine.travel("2026-11-22T00:00:00Z", tick=False):
        client = enter()
        assert client.post(VERIFY, {"code": code}).status_code == 200
        assert not verified(client)


def test_guessing_is_slowed_and_noted(clerk: User) -> None:
    device = give_phone(clerk)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        client = enter()
        for wait in (1, 2, 4, 8):
            wrong = f"{(int(code_of(device)) + 7) % 1_000_000:06d}"
            assert "不正确" in client.post(VERIFY, {"code": wrong}).content.decode()
            # Even the right one is not looked at before the time is up, in any browser.
            answer = enter().post(VERIFY, {"code": code_of(device)})
            assert f"请等 {wait} 秒" in answer.content.decode()
            clock.shift(timedelta(seconds=wait))
        client.post(VERIFY, {"code": code_of(device)})
        assert verified(client)
    failed = AccessEntry.objects.filter(act="SECOND_FACTOR", outcome="failed")
    assert failed.count() == 8
    assert {entry.subject for entry in failed} == {"luanchuan"}


def test_owner_hears_of_wrong_codes(clerk: User) -> None:
    device = give_phone(clerk)
    enter().post(VERIFY, {"code": "12 34 5x"})
    assert LastSignIn.objects.get(user=clerk).failures_since == 1
    client = enter()
    client.post(VERIFY, {"code": code_of(device)})
    assert "1 次失败的登录尝试" in client.get("/accounts/security/").content.decode()


@pytest.mark.parametrize("address", ["https://evil.example/", "//evil.example", r"\\evil.example"])
def test_verification_leads_nowhere_else(clerk: User, address: str) -> None:
    device = give_phone(clerk)
    assert enter().post(VERIFY, {"code": code_of(device), "next": address}).url == "/"


# --- recovery ----------------------------------------------------------------------------------


def test_recovery_code_opens_once(clerk: User) -> None:
    give_phone(clerk)
    code = second_factor._new_codes(clerk)[3]
    client = enter()
    client.post(VERIFY, {"code": code.upper().replace("-", " ")})
    page = client.get("/accounts/security/").content.decode()
    assert "还剩 9 个" in page
    again = enter()
    again.post(VERIFY, {"code": code})
    assert not verified(again)


def test_recovery_codes_are_ones_own(clerk: User, songxian_clerk: User) -> None:
    give_phone(clerk)
    give_phone(songxian_clerk)
    second_factor._new_codes(clerk)
    theirs = second_factor._new_codes(songxian_clerk)[0]
    client = enter()
    client.post(VERIFY, {"code": theirs})
    assert not verified(client)


def test_guessing_recovery_codes_is_slowed(clerk: User) -> None:
    give_phone(clerk)
    right = second_factor._new_codes(clerk)[0]
    with time_machine.travel(timezone.now(), tick=False):
        enter().post(VERIFY, {"code": "aaaaa-bbbbb"})
        answer = enter().post(VERIFY, {"code": right})
    assert "请等 1 秒" in answer.content.decode()


def test_new_codes_replace_the_old(clerk: User, as_user: Any) -> None:
    client = as_user(clerk)
    address = "/accounts/second-factor/codes/"
    for wrong in ({}, {"proof": "wrong"}):
        answer = client.post(address, wrong, follow=True)
        assert "当前口令或动态口令不正确" in answer.content.decode()
    assert not RecoveryCodes.objects.filter(user=clerk).exists()
    first = client.post(address, {"proof": GOOD}).context["codes"]
    second = client.post(address, {"proof": GOOD}).context["codes"]
    assert set(first).isdisjoint(second)
    assert RecoveryCodes.objects.get(user=clerk).digests == [
        second_factor._digest(clerk, code) for code in second
    ]
    assert client.get("/accounts/second-factor/codes/").status_code == 405


def test_codes_are_for_whoever_has_a_phone(city_leader: User, as_user: Any) -> None:
    assert as_user(city_leader).post("/accounts/second-factor/codes/").status_code == 404


def test_lost_phone_is_forgotten(clerk: User, as_user: Any) -> None:
    admin = person("secadmin", Role.SECURITY_ADMIN, "4103")
    client = as_user(clerk)
    second_factor._new_codes(clerk)
    assert second_factor.forget_second_factor(user=clerk, by=admin, reason="手机遗失") is True
    assert client.get("/").url.startswith("/accounts/login/")
    assert not Authenticator.objects.filter(user=clerk).exists()
    assert not RecoveryCodes.objects.filter(user=clerk).exists()
    entry = AccessEntry.objects.get(act="SECOND_FACTOR")
    assert (entry.actor, entry.subject, entry.purpose) == (admin.pk, "luanchuan", "手机遗失")
    assert second_factor.forget_second_factor(user=clerk, by=admin, reason="再次") is False
    assert enter().get("/").url.startswith(VERIFY)


def test_who_may_take_a_phone_off(clerk: User) -> None:
    """Only who could grant all that the account holds; of the machine's operator nobody asks."""
    may = second_factor.may_forget
    User.objects.filter(pk=clerk.pk).update(home_prefix="410324")
    clerk.refresh_from_db()
    city, county, neighbour = (
        person(f"sec{prefix}", Role.SECURITY_ADMIN, prefix)
        for prefix in ("4103", "410324", "410325")
    )
    assert may(city, clerk)
    assert may(county, clerk)
    assert not may(neighbour, clerk)
    assert not may(county, county)
    assert not may(person("sys", Role.SYSTEM_ADMIN, "4103"), clerk)
    User.objects.filter(pk=county.pk).update(home_prefix="410324")
    assert may(city, county)
    assert not may(person("sec2", Role.SECURITY_ADMIN, "410324"), county)
    assert not may(person("sec3", Role.SECURITY_ADMIN, "4103"), city)
    # A second grant beyond the county takes the account out of the county's hands.
    Grant.objects.create(user=clerk, role=Role.LEADER, region_prefix="4103", valid_from=LONG_AGO)
    assert may(city, clerk)
    assert not may(county, clerk)
    with pytest.raises(PermissionDenied):
        second_factor.forget_second_factor(user=clerk, by=county, reason="x")
    assert second_factor.forget_second_factor(user=clerk, by=None, reason="x") is False


# --- pages -------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", [VERIFY, SET_UP])
def test_pages_refuse_other_methods(clerk: User, address: str) -> None:
    give_phone(clerk)
    assert enter().put(address).status_code == 405


def test_pages_refuse_strangers(db: None) -> None:
    for address in (VERIFY, SET_UP, "/accounts/second-factor/codes/"):
        assert Client().post(address).url.startswith("/accounts/login/")


def test_pages_are_not_kept(clerk: User) -> None:
    client = enter()
    assert "no-store" in client.get(SET_UP)["Cache-Control"]
    assert "script-src 'self'" in client.get(SET_UP)["Content-Security-Policy"]


def test_helper_of_the_tests_makes_a_real_session(
    clerk: User, city_leader: User, as_user: Callable[[User], Client]
) -> None:
    client = Client()
    sign_in_verified(client, clerk)
    assert verified(client)
    assert Authenticator.objects.get(user=clerk, confirmed=True).secret == SECRET
    as_user(city_leader)
    assert not Authenticator.objects.filter(user=city_leader).exists()
