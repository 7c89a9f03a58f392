"""Single sign-on against a provider that answers over HTTP, rightly and wrongly."""

import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from django.test import Client, RequestFactory

from accounts.enums import Role
from accounts.models import Authenticator, ProviderIdentity, User
from accounts.signin import checks, oidc, second_factor
from core.ledger.models import AccessEntry
from tests.accounts.oidc_provider import CLIENT, Provider, running
from tests.conftest import person
from tests.signing_in import give_phone

pytestmark = pytest.mark.django_db
PAGE = "/accounts/security/"
FAILED = "/accounts/login/?ended=oidc"


@pytest.fixture
def provider(settings: Any) -> Iterator[Provider]:
    with running() as found:
        for name, value in found.settings().items():
            setattr(settings, name, value)
        settings.AUTHENTICATION_BACKENDS = [
            *settings.AUTHENTICATION_BACKENDS,
            "accounts.signin.oidc.ProviderBackend",
        ]
        yield found


def start(client: Client, address: str = "/accounts/oidc/start/") -> str:
    """Where the provider is to be asked, as the browser is told."""
    answer = client.get(address)
    assert answer.status_code == 302
    return str(answer.url)


def agree(address: str) -> str:
    """Ask the provider as the browser would; where it sends the browser back to."""
    answer = requests.get(address, allow_redirects=False, timeout=5)
    assert answer.status_code == 302
    back = urlsplit(answer.headers["Location"])
    return f"{back.path}?{back.query}"


def journey(client: Client, address: str = "/accounts/oidc/start/") -> Any:
    return client.get(agree(start(client, address)))


def signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


# --- off ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address", ["/accounts/oidc/start/", "/accounts/oidc/callback/?code=a&state=b"]
)
def test_off_unless_configured(db: None, address: str) -> None:
    assert Client().get(address).url == "/accounts/login/"
    assert "统一身份认证" not in Client().get("/accounts/login/").content.decode()


# --- right -------------------------------------------------------------------------------------


def test_sign_in_of_a_known_user(provider: Provider, city_leader: User) -> None:
    client = Client()
    assert "用统一身份认证登录" in client.get("/accounts/login/?next=/jobs/").content.decode()
    asked = parse_qs(urlsplit(start(client)).query)
    assert asked["client_id"] == [CLIENT]
    assert asked["redirect_uri"] == ["http://testserver/accounts/oidc/callback/"]
    assert asked["code_challenge_method"] == ["S256"]
    assert len(asked["nonce"][0]) == len(asked["state"][0]) == 32
    key = client.session.session_key
    answer = journey(client, f"/accounts/oidc/start/?next={PAGE}")
    assert answer.url == PAGE
    assert signed_in(client)
    assert client.session.session_key != key
    assert client.get(PAGE).status_code == 200
    assert provider.asked == ["/authorize", "/token", "/jwks"]
    entry = AccessEntry.objects.get(act="SIGN_IN")
    assert (entry.subject, entry.detail) == ("leader", {"by": "ProviderBackend"})


@pytest.mark.parametrize("address", ["https://evil.example/", "//evil.example"])
def test_leads_nowhere_else(provider: Provider, city_leader: User, address: str) -> None:
    assert journey(Client(), f"/accounts/oidc/start/?next={address}").url == "/"


def test_claim_from_userinfo(provider: Provider, city_leader: User, settings: Any) -> None:
    settings.OIDC_USER_CLAIM = "employee"
    provider.told = {"employee": "leader"}
    client = Client()
    journey(client)
    assert signed_in(client)


def test_second_factor_is_still_ours(
    provider: Provider, luanchuan_clerk: User, settings: Any
) -> None:
    provider.name = "luanchuan"
    provider.claims = {"amr": ["pwd", "otp"], "acr": "gold"}
    give_phone(luanchuan_clerk)
    client = Client()
    journey(client)
    assert client.get(PAGE).url.startswith("/accounts/second-factor/")


@pytest.mark.parametrize(
    ("claims", "taken"),
    [
        ({"amr": ["pwd", "otp"]}, True),
        ({"amr": ["pwd"]}, False),
        ({"amr": "otp"}, False),
        ({"acr": "gold"}, True),
        ({"acr": "bronze"}, False),
        ({}, False),
    ],
)
def test_second_factor_of_the_provider_when_trusted(
    provider: Provider, luanchuan_clerk: User, settings: Any, claims: dict[str, Any], taken: bool
) -> None:
    settings.OIDC_TRUSTED_AMR, settings.OIDC_TRUSTED_ACR = ["otp"], ["gold"]
    provider.name, provider.claims = "luanchuan", claims
    client = Client()
    journey(client)
    assert (client.get(PAGE).status_code == 200) is taken
    assert not Authenticator.objects.exists()


def test_old_password_is_no_matter_of_the_provider(provider: Provider, city_leader: User) -> None:
    city_leader.set_password("Laojun-Shan-2197")
    city_leader.save()
    city_leader.passwords.all().delete()
    client = Client()
    journey(client)
    assert client.get(PAGE).status_code == 200


def test_signing_out_tells_of_the_provider(
    provider: Provider, city_leader: User, settings: Any
) -> None:
    client = Client()
    journey(client)
    answer = client.post("/accounts/logout/")
    assert answer.url == "/accounts/login/?ended=provider"
    page = client.get(answer.url).content.decode()
    assert f'href="{provider.issuer}/logout?client_id={CLIENT}&amp;' in page
    settings.OIDC_OP_LOGOUT_ENDPOINT = ""
    journey(client)
    assert client.post("/accounts/logout/").url == "/accounts/login/"


# --- the same person ---------------------------------------------------------------------------


def test_first_sign_on_binds_and_others_of_the_name_stay_out(
    provider: Provider, city_leader: User
) -> None:
    """The name may belong to somebody else one day; the subject does not."""
    assert signed_in(Client()) is False
    journey(Client())
    bound = ProviderIdentity.objects.get()
    assert (bound.user, bound.issuer, bound.subject) == (city_leader, provider.issuer, "sub-leader")
    assert AccessEntry.objects.get(act="ACCOUNT").detail == {"act": "bound"}
    provider.claims = {"sub": "sub-another"}
    client = Client()
    assert journey(client).url == FAILED
    assert not signed_in(client)
    provider.claims = {}
    journey(client)
    assert signed_in(client)
    assert ProviderIdentity.objects.get() == bound


def test_another_issuer_is_another_person(provider: Provider, city_leader: User) -> None:
    ProviderIdentity.objects.create(
        user=city_leader, issuer="https://former.example", subject="sub-leader"
    )
    client = Client()
    assert journey(client).url == FAILED
    assert not signed_in(client)


def test_whoever_is_bound_takes_no_second_account(
    provider: Provider, city_leader: User, luanchuan_clerk: User
) -> None:
    """Renamed at the provider to the name of a colleague who never came this way."""
    journey(Client())
    provider.claims = {"preferred_username": "luanchuan"}
    client = Client()
    assert journey(client).url == FAILED
    assert not signed_in(client)
    assert ProviderIdentity.objects.get().user == city_leader


def test_forgotten_by_the_security_administrator_binds_anew(
    provider: Provider, city_leader: User
) -> None:
    journey(Client())
    admin = person("secadmin", Role.SECURITY_ADMIN, "4103")
    assert second_factor.forget_second_factor(user=city_leader, by=admin, reason="换了身份")
    provider.claims = {"sub": "sub-another"}
    client = Client()
    journey(client)
    assert signed_in(client)
    assert ProviderIdentity.objects.get().subject == "sub-another"


# --- wrong -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another"},
        {"aud": None},
        {"aud": [CLIENT, "another"]},
        {"aud": [CLIENT, "another"], "azp": "another"},
        {"azp": "another"},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"exp": 1},
        {"exp": None},
        {"nbf": 4_102_444_800},  # in 2100; the clock would give each worker another name
        {"sub": None},
        {"sub": "x" * 256},
        {"sub": ["sub-leader"]},
        {"preferred_username": "nobody"},
        {"preferred_username": ""},
        {"preferred_username": ["leader"]},
        {"preferred_username": "LEADER"},
    ],
    ids=str,
)
def test_doubtful_claims_are_nobody(
    provider: Provider, city_leader: User, claims: dict[str, Any]
) -> None:
    provider.claims = claims
    client = Client()
    assert journey(client).url == FAILED
    assert not signed_in(client)
    assert User.objects.count() == 1
    assert "没有成功" in client.get(FAILED).content.decode()
    assert AccessEntry.objects.get(act="SIGN_IN_FAILED").subject == ""


def test_many_audiences_with_us_as_party(provider: Provider, city_leader: User) -> None:
    provider.claims = {"aud": [CLIENT, "another"], "azp": CLIENT}
    client = Client()
    journey(client)
    assert signed_in(client)


@pytest.mark.parametrize("sign", ["none", "HS256", "strange key", "unknown key"])
def test_doubtful_signatures_are_nobody(provider: Provider, city_leader: User, sign: str) -> None:
    provider.sign = sign
    client = Client()
    assert journey(client).url == FAILED
    assert not signed_in(client)


def test_disabled_user_stays_out(provider: Provider, city_leader: User) -> None:
    User.objects.filter(pk=city_leader.pk).update(is_active=False)
    client = Client()
    assert journey(client).url == FAILED
    assert not signed_in(client)


def test_userinfo_of_somebody_else(provider: Provider, city_leader: User, settings: Any) -> None:
    settings.OIDC_USER_CLAIM = "employee"
    provider.told = {"employee": "leader", "sub": "sub-another"}
    client = Client()
    assert journey(client).url == FAILED


def test_provider_that_refuses_or_is_away(
    provider: Provider, city_leader: User, settings: Any
) -> None:
    provider.tokens_fail = True
    assert journey(Client()).url == FAILED
    provider.tokens_fail = False
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        settings.OIDC_OP_TOKEN_ENDPOINT = f"http://127.0.0.1:{unused.getsockname()[1]}/token"
        assert journey(Client()).url == FAILED


def test_state_is_of_this_browser_and_for_once(provider: Provider, city_leader: User) -> None:
    mine, theirs = Client(), Client()
    back = agree(start(mine))
    assert theirs.get(back).url == FAILED  # no session at all
    start(theirs)
    assert theirs.get(back).url == FAILED  # another browser's state
    assert mine.get(back).status_code == 302
    assert signed_in(mine)
    provider_calls = len(provider.asked)
    again = Client()
    assert again.get(back).url == FAILED
    assert len(provider.asked) == provider_calls  # nothing was asked for a state that is not ours


def test_code_in_the_address_of_the_login_page_is_ignored(
    provider: Provider, city_leader: User
) -> None:
    """The library's backend would take code and state from any request that signs in."""
    provider.claims = {"nonce": None}
    code = parse_qs(urlsplit(agree(start(Client()))).query)["code"][0]
    client = Client()
    client.post(
        f"/accounts/login/?code={code}&state=x", {"username": "nobody", "password": "wrong"}
    )
    assert not signed_in(client)
    assert provider.asked == ["/authorize"]
    request = RequestFactory().get("/", {"code": code, "state": "x"})
    assert oidc.ProviderBackend().authenticate(request, nonce=None, code_verifier="v") is None


def test_error_of_the_provider_signs_nobody_out(provider: Provider, city_leader: User) -> None:
    client = Client()
    journey(client)
    assert client.get("/accounts/oidc/callback/?error=access_denied&state=x").url == FAILED
    assert signed_in(client)


def test_nothing_of_a_token_reaches_the_log(
    provider: Provider, city_leader: User, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", logger="accounts")
    caplog.set_level("DEBUG", logger="mozilla_django_oidc")
    provider.claims = {"aud": "another", "preferred_username": "somebody-by-name"}
    journey(Client())
    assert "single sign-on refused: SuspiciousOperation" in caplog.text
    assert "somebody-by-name" not in caplog.text


def test_addresses_called_come_from_the_settings(provider: Provider, city_leader: User) -> None:
    """Whatever a request brings along, only the three configured places are asked."""
    client = Client()
    address = start(
        client,
        "/accounts/oidc/start/?issuer=http://evil.example&jwks_uri=http://evil.example/j"
        "&redirect_uri=http://evil.example/&iss=http://evil.example",
    )
    assert "evil" not in address
    client.get(agree(address) + "&iss=http://evil.example&jku=http://evil.example")
    assert provider.asked == ["/authorize", "/token", "/jwks"]


# --- configuration -----------------------------------------------------------------------------


def test_half_a_configuration_is_an_error(settings: Any) -> None:
    assert checks.single_sign_on(None) == []
    settings.OIDC_RP_CLIENT_ID = "x"
    (missing,) = checks.single_sign_on(None)
    assert missing.id == "accounts.E003"
    assert "OIDC_ISSUER" in missing.msg


def test_plain_http_is_an_error_behind_tls(provider: Provider, settings: Any) -> None:
    assert checks.single_sign_on(None) == []
    settings.SECURE = True
    assert [one.id for one in checks.single_sign_on(None)] == ["accounts.E004"]
