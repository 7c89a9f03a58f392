from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from accounts.models import ClientKey, MachineClient, key_digest

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("city")]

PAGES = [
    f"/api/v1/{name}/" for name in ("regions", "households", "persons", "snapshots", "metrics")
]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer nonsense", "Bearer a b", "Basic YTpi", "Bearer é", "Bearer " + "x" * 300],
)  # fmt: skip
def test_without_a_good_key_nothing_is_answered(path: str, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    response = Client(headers=headers).get(path)
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Bearer"
    assert set(response.json()) == {"detail", "errors"}


@pytest.mark.parametrize(
    "change",
    [
        {"revoked_at": timezone.now(), "revoked_reason": "遗失"},
        {"expires_at": timezone.now() - timedelta(seconds=1)},
        {"valid_from": timezone.now() + timedelta(days=1)},
    ],
    ids=["revoked", "expired", "not-yet"],
)
def test_a_key_that_does_not_work_is_like_none(
    api_key: Callable[..., str], change: dict[str, Any]
) -> None:
    good, bad = api_key("4103"), api_key("4103", **change)
    answers = [
        Client(headers={"Authorization": f"Bearer {key}"}).get(PAGES[0]) for key in (good, bad, "x")
    ]
    assert [answer.status_code for answer in answers] == [200, 401, 401]
    assert answers[1].json() == answers[2].json() == Client().get(PAGES[0]).json()
    assert answers[1].headers["WWW-Authenticate"] == answers[2].headers["WWW-Authenticate"]


def test_keys_of_disabled_clients_and_foreign_addresses_are_like_none(
    api_key: Callable[..., str],
) -> None:
    answers = []
    for change in (
        {"disabled_at": timezone.now(), "disabled_reason": "停止共享"},
        {"any_network": False, "networks": ["10.1.0.0/16"]},
    ):
        key = api_key("4103")
        MachineClient.objects.filter(keys__start=key[:8]).update(**change)
        answers.append(Client(headers={"Authorization": f"Bearer {key}"}).get(PAGES[0]))
    assert {answer.status_code for answer in answers} == {401}
    assert answers[0].content == answers[1].content == Client().get(PAGES[0]).content


@pytest.mark.parametrize(
    ("networks", "address", "is_let_in"),
    [
        (["10.1.2.3/32"], "10.1.2.3", True),
        (["10.1.2.3/32"], "10.1.2.4", False),
        (["10.1.0.0/16", "192.168.1.0/24"], "192.168.1.77", True),
        (["10.1.0.0/16"], "::ffff:10.1.9.9", True),
        (["10.1.0.0/16"], "2001:db8::1", False),
        (["2001:db8::/32"], "2001:db8:1::7", True),
        (["2001:db8::/32"], "2001:db9::7", False),
        (["10.1.0.0/16"], "", False),
        (["10.1.0.0/16"], "unknown", False),
    ],
)
def test_a_key_opens_only_from_where_it_may(
    api_key: Callable[..., str], networks: list[str], address: str, is_let_in: bool
) -> None:
    client = Client(headers={"Authorization": f"Bearer {api_key('4103')}"}, REMOTE_ADDR=address)
    MachineClient.objects.update(any_network=False, networks=networks)
    assert client.get(PAGES[0]).status_code == (200 if is_let_in else 401)


FORGED = {
    "X-Forwarded-For": "10.1.2.3", "X-Real-Ip": "10.1.2.3", "Forwarded": "for=10.1.2.3",
    "X-Client-Ip": "10.1.2.3", "X-Forwarded-Host": "10.1.2.3", "Client-Ip": "10.1.2.3",
}  # fmt: skip


def test_forged_headers_do_not_move_a_caller(api_key: Callable[..., str], settings: Any) -> None:
    headers = {"Authorization": f"Bearer {api_key('4103')}"}
    MachineClient.objects.update(any_network=False, networks=["10.1.2.3/32"])
    # No proxy in front: only the connection counts.
    for name, value in FORGED.items():
        caller = Client(headers={**headers, name: value}, REMOTE_ADDR="10.9.9.9")
        assert caller.get(PAGES[0]).status_code == 401, name
    # Behind the proxy: what it appended last counts, whatever the caller wrote before.
    settings.SECURE = True
    for forwarded, status in (
        ("10.1.2.3", 200),
        ("10.9.9.9", 401),
        ("10.1.2.3, 10.9.9.9", 401),
        ("10.1.2.3,10.1.2.3, 10.9.9.9", 401),
        ("10.9.9.9, 10.1.2.3", 200),
        ("10.1.2.3, nonsense", 401),
    ):
        caller = Client(headers={**headers, "X-Forwarded-For": forwarded}, REMOTE_ADDR="127.0.0.1")
        assert caller.get(PAGES[0]).status_code == status, forwarded


def test_the_digest_is_compared_in_constant_time(
    luoyang: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[tuple[str, str]] = []

    def compare(stored: str, told: str) -> bool:
        compared.append((stored, told))
        return False

    monkeypatch.setattr("api.auth.hmac.compare_digest", compare)
    assert luoyang.get(PAGES[0]).status_code == 401
    assert len(compared) == 1
    assert compared[0][0] == compared[0][1] == ClientKey.objects.get().digest


def test_every_pull_and_every_refusal_is_one_entry(
    luoyang: Client, pulls: Callable[[], list[Any]]
) -> None:
    client = MachineClient.objects.get()
    luoyang.get(PAGES[0], {"level": "county", "王小二": "13900001234"})
    luoyang.get(PAGES[0], {"level": "county"})
    Client().get(PAGES[0])
    told = pulls()
    assert [
        (one.client, one.outcome, one.rows, one.subject, one.region, one.detail["status"])
        for one in told
    ] == [
        (client.pk, "refused", 0, "regions", "4103", 400),
        (client.pk, "ok", 2, "regions", "4103", 200),
        (None, "refused", 0, "regions", "", 401),
    ]
    assert told[0].detail["terms"] == told[1].detail["terms"] == ["level"]
    assert told[0].detail["unknown_terms"] == 1
    assert "王小二" not in str([vars(one) for one in told])
    assert (told[0].purpose, told[0].address) == ("测试", "127.0.0.1")


BAD = {"Authorization": "Bearer nonsense"}


@pytest.mark.parametrize(
    "knock",
    [{}, {"headers": BAD}, {"headers": {**BAD, "Accept": "text/html"}}],
    ids=["no-key", "bad-key", "no-json"],
)
def test_a_stranger_is_on_the_ledger_once_a_minute(
    pulls: Callable[[], list[Any]], knock: dict[str, Any]
) -> None:
    start = timezone.now().replace(second=0, microsecond=0) + timedelta(minutes=1)
    with time_machine.travel(start, tick=False) as clock:
        for address in ("10.7.0.1", "10.7.0.2"):
            statuses = {
                Client(REMOTE_ADDR=address, **knock).get(path).status_code for path in PAGES
            }
            assert statuses <= {401, 406}
        assert [one.address for one in pulls()] == ["10.7.0.1", "10.7.0.2"]
        clock.shift(61)
        Client(REMOTE_ADDR="10.7.0.1", **knock).get(PAGES[0])
    assert len(pulls()) == 3


def test_one_subscriber_of_ipv6_is_one_stranger(pulls: Callable[[], list[Any]]) -> None:
    with time_machine.travel(timezone.now(), tick=False):
        for address in (
            "2001:db8::1",
            "2001:db8::2:7",
            "2001:db8:0:1::1",
            "10.7.0.1",
            "::ffff:10.7.0.1",
        ):
            Client(REMOTE_ADDR=address).get(PAGES[0])
    assert [one.address for one in pulls()] == ["2001:db8::1", "2001:db8:0:1::1", "10.7.0.1"]


def test_without_the_cache_strangers_are_still_noted_once(
    pulls: Callable[[], list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise ValueError

    monkeypatch.setattr("api.throttling.cache.incr", away)
    monkeypatch.setattr("api.throttling.cache.add", lambda *_, **__: False)
    with time_machine.travel(timezone.now(), tick=False):
        for _ in range(5):
            assert Client().get(PAGES[0]).status_code == 401
    assert len(pulls()) == 1


@pytest.fixture
def limits_hold(settings: Any) -> None:
    settings.RATELIMIT_ENABLE = True
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "api_refused": "3/h"}
    cache.clear()


@pytest.mark.usefixtures("limits_hold")
def test_a_flood_is_turned_away_before_its_keys_are_looked_at(
    api_key: Callable[..., str],
    pulls: Callable[[], list[Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    good = {"Authorization": f"Bearer {api_key()}"}
    looked: list[str] = []
    monkeypatch.setattr("api.auth.key_digest", lambda text: looked.append(text) or key_digest(text))
    with time_machine.travel(timezone.now().replace(minute=5, second=5), tick=False):
        # Of good keys any number: only refusals are counted.
        for _ in range(5):
            assert Client(headers=good).get(PAGES[0]).status_code == 200
        answers = [Client(headers=BAD).get(PAGES[0]) for _ in range(6)]
        assert [one.status_code for one in answers] == [401, 401, 401, 429, 429, 429]
        assert looked.count("nonsense") == 4
        assert int(answers[-1]["Retry-After"]) >= 1
        assert answers[-1].json() == {"detail": "操作过于频繁，请稍后再试。", "errors": {}}
        # Another address is not concerned.
        assert Client(headers=good, REMOTE_ADDR="10.7.0.9").get(PAGES[0]).status_code == 200
    assert [one.detail["status"] for one in pulls() if one.client is None] == [401]


@pytest.mark.usefixtures("limits_hold")
def test_refusals_of_a_known_client_are_not_a_strangers(luoyang: Client) -> None:
    for _ in range(6):
        assert luoyang.get(PAGES[0], {"level": "nonsense"}).status_code == 400
    assert luoyang.get(PAGES[0]).status_code == 200


def test_a_signed_in_person_is_no_machine(as_user: Any, city_leader: Any) -> None:
    assert as_user(city_leader).get(PAGES[0]).status_code == 401


def test_use_is_noted_once_a_minute(luoyang: Client) -> None:
    start = timezone.now().replace(minute=0, second=0, microsecond=0)
    with time_machine.travel(start, tick=False) as clock:
        for seconds in (0, 59, 2):
            clock.shift(seconds)
            luoyang.get(PAGES[0])
        key = ClientKey.objects.get()
        assert key.last_used_at is not None
        assert f"{key.last_used_at:%M:%S}" == "01:01"
        assert key.last_address == "127.0.0.1"


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_everything_is_for_reading(luoyang: Client, path: str, method: str) -> None:
    response = getattr(luoyang, method)(path)
    assert response.status_code == 405
    assert response.json()["detail"] == "这个地址不支持这种请求方法。"


def test_unknown_addresses_are_404(luoyang: Client) -> None:
    assert luoyang.get("/api/v1/passwords/").status_code == 404


@pytest.mark.parametrize("path", ["/api/schema/", "/api/docs/"])
def test_the_description_is_for_signed_in_people(
    as_user: Any, luanchuan_clerk: Any, luoyang: Client, path: str
) -> None:
    assert as_user(luanchuan_clerk).get(path).status_code == 200
    assert Client().get(path).status_code == 302
    assert luoyang.get(path).status_code == 302


def test_the_docs_use_our_own_assets_and_no_inline_script(as_user: Any, city_leader: Any) -> None:
    response = as_user(city_leader).get("/api/docs/")
    policy = response["Content-Security-Policy"]
    directives = [directive.strip() for directive in policy.split(";")]
    assert "script-src 'self'" in directives
    assert "https:" not in policy
    assert "//cdn" not in response.content.decode()


def test_key_is_issued_and_shown_once(capsys: Any) -> None:
    call_command("issue_api_key", name="市大数据局", region="410324000000", days=10)
    told = capsys.readouterr()
    key = told.out.strip()
    client = MachineClient.objects.get()
    assert (client.name, client.region_prefix) == ("市大数据局", "410324")
    left = client.keys.get().expires_at - timezone.now()
    assert timedelta(days=9, hours=23) < left <= timedelta(days=10)
    assert (client.any_network, client.purpose) == (True, "数据共享")
    assert key not in told.err
    assert key not in str([*MachineClient.objects.values(), *ClientKey.objects.values()])
    assert Client(headers={"Authorization": f"Bearer {key}"}).get(PAGES[0]).status_code == 200


@pytest.mark.parametrize(
    "options",
    [
        {"name": " "}, {"name": "x" * 101}, {"region": "41032"}, {"region": "x"}, {"days": 0},
        {"days": 9999}, {"resources": "households,passwords"}, {"groups": "basic,secrets"},
        {"groups": "health"}, {"groups": "identity_full"}, {"network": ["10.1.2.300"]},
        {"network": ["0.0.0.0/0"]},
    ],
)  # fmt: skip
def test_key_is_not_issued_for_nonsense(options: dict[str, Any]) -> None:
    with pytest.raises(CommandError):
        call_command("issue_api_key", **{"name": "甲", "region": "4103", "days": 1, **options})
    assert not MachineClient.objects.exists()


def test_key_is_issued_once_per_name() -> None:
    call_command("issue_api_key", name="甲", region="4103")
    with pytest.raises(CommandError, match="已有"):
        call_command("issue_api_key", name="甲", region="4103")


def test_key_is_issued_for_what_is_told() -> None:
    call_command(
        "issue_api_key",
        name="民政局",
        region="410324",
        resources="households,metrics",
        groups="basic,bank",
        network=["10.1.2.3", "2001:db8::/32"],
        purpose="低保比对",
    )
    client = MachineClient.objects.get()
    assert client.networks == ["10.1.2.3/32", "2001:db8::/32"]
    assert (client.any_network, client.purpose) == (False, "低保比对")
    assert {(one.resource, tuple(one.groups)) for one in client.scopes.all()} == {
        ("households", ("basic", "bank")), ("metrics", ()),
    }  # fmt: skip
