"""Pages of API clients: who registers, grants, issues, revokes, and how keys follow one another."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Max
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.clients import services
from accounts.clients.services import ClientError, Wish
from accounts.enums import Role
from accounts.models import ClientKey, ClientScope, MachineClient, SensitiveGrant, User, key_digest
from core import history, walls
from core.history import history_table
from core.ledger.models import AccessEntry
from tests.conftest import person
from tests.villages.lists import CITY, load

pytestmark = pytest.mark.django_db
LIST, YEAR, REGIONS = "/accounts/clients/", timedelta(days=365), "/api/v1/regions/"


@pytest.fixture
def security(db: None) -> User:
    return person("security", Role.SECURITY_ADMIN, "4103")


@pytest.fixture
def county_security(db: None) -> User:
    """The same office in 栾川县 (410324) alone."""
    return person("security324", Role.SECURITY_ADMIN, "410324")


@pytest.fixture
def signed(as_user: Callable[[User], Client], security: User) -> Client:
    return as_user(security)


@pytest.fixture
def client_of(db: None) -> Callable[..., MachineClient]:
    def make(region: str = "410324", name: str = "民政局系统", **more: Any) -> MachineClient:
        facts = {"purpose": "低保比对", "any_network": True, "by": None, **more}
        return services.register(name=name, region_prefix=region, **facts)

    return make


def issue(client: MachineClient, **more: Any) -> tuple[ClientKey, str]:
    return services.issue_key(client=client, **{"life": YEAR, "by": None, **more})


def opens(text: str) -> bool:
    answer = Client(headers={"Authorization": f"Bearer {text}"}).get(REGIONS)
    assert answer.status_code in (200, 401)
    return answer.status_code == 200


FORM = {
    "name": "民政局系统", "office": "市民政局", "purpose": "低保比对", "contact": "王科长",
    "region": "410324", "networks": "10.1.2.0/24\n2001:db8::/32", "requests_per_minute": "60",
    "rows_per_hour": "5000",
}  # fmt: skip


# --- pages: who ---------------------------------------------------------------------------------


def pages(client: MachineClient, key: ClientKey, grant: SensitiveGrant) -> list[tuple[str, str]]:
    own = f"{LIST}{client.pk}/"
    return [
        ("get", own), ("get", f"{own}edit/"), ("post", f"{own}edit/"), ("get", f"{own}scopes/"),
        ("post", f"{own}scopes/"), ("post", f"{own}scopes/{grant.pk}/confirm/"),
        ("post", f"{own}keys/"), ("post", f"{own}keys/{key.pk}/revoke/"),
        ("post", f"{own}disable/"), ("post", f"{own}enable/"),
    ]  # fmt: skip


@pytest.fixture
def addresses(client_of: Callable[..., MachineClient], security: User) -> list[tuple[str, str]]:
    client = client_of()
    key, _ = issue(client)
    services.set_scopes(client=client, wishes={"persons": Wish("410324")}, by=None)
    (grant,) = services.set_scopes(
        client=client,
        wishes={"persons": Wish("410324", frozenset({"health"}))},
        by=security,
    )
    return pages(client, key, grant)


def test_neighbours_find_nothing(
    as_user: Callable[[User], Client], addresses: list[tuple[str, str]]
) -> None:
    neighbour = as_user(person("security325", Role.SECURITY_ADMIN, "410325"))
    before = list(ClientKey.objects.values()), list(MachineClient.objects.values())
    for method, path in addresses:
        assert getattr(neighbour, method)(path, {"reason": "x"}).status_code == 404, path
    assert before == (list(ClientKey.objects.values()), list(MachineClient.objects.values()))
    assert "民政局系统" not in neighbour.get(LIST).content.decode()


@pytest.mark.parametrize(
    "role", [Role.SYSTEM_ADMIN, Role.AUDIT_ADMIN, Role.CITY_OFFICE, Role.LEADER, Role.AUDITOR]
)
def test_only_security_administrators(
    as_user: Callable[[User], Client], addresses: list[tuple[str, str]], role: Role
) -> None:
    other = as_user(person("other", role, "4103"))
    for method, path in [
        *addresses,
        ("get", LIST),
        ("get", f"{LIST}new/"),
        ("post", f"{LIST}new/"),
    ]:
        assert getattr(other, method)(path, {"reason": "x"}).status_code == 403, path


def test_wrong_methods_and_numbers(signed: Client, addresses: list[tuple[str, str]]) -> None:
    posts_only = {path for method, path in addresses} - {
        path for method, path in addresses if method == "get"
    }
    assert len(posts_only) == 5
    for path in posts_only:
        assert signed.get(path).status_code == 405
    assert signed.post(LIST).status_code == 405
    for _, path in addresses:
        missing = re.sub(r"clients/\d+", "clients/999999", path)
        method = signed.post if path in posts_only else signed.get
        assert method(missing).status_code == 404
    own = addresses[0][1]
    for path in (f"{own}keys/999999/revoke/", f"{own}scopes/999999/confirm/"):
        assert signed.post(path, {"reason": "x"}).status_code == 404


def test_a_key_of_another_client_is_not_this_ones(
    signed: Client, client_of: Callable[..., MachineClient]
) -> None:
    one, other = client_of(), client_of(name="另一系统")
    key, _ = issue(other)
    path = f"{LIST}{one.pk}/keys/{key.pk}/revoke/"
    assert signed.post(path, {"reason": "x"}).status_code == 404


def test_a_county_sees_its_own_and_not_the_citys(
    as_user: Callable[[User], Client],
    county_security: User,
    client_of: Callable[..., MachineClient],
) -> None:
    client_of(region="4103", name="全市系统")
    client_of(region="410324101", name="乡镇系统")
    page = as_user(county_security).get(LIST).content.decode()
    assert "乡镇系统" in page
    assert "全市系统" not in page


@pytest.mark.parametrize("count", [1, 3])
def test_list_takes_the_same_queries(
    signed: Client, client_of: Callable[..., MachineClient], count: int
) -> None:
    for number in range(count):
        issue(client_of(name=f"系统{number}"))
    signed.get(LIST)
    with CaptureQueriesContext(connection) as captured:
        page = signed.get(LIST).content.decode()
    assert page.count("低保比对") == count
    own = [one["sql"] for one in captured if "accounts_machineclient" in one["sql"]]
    assert len(own) == 2


def test_list_says_what_needs_a_look(
    signed: Client, client_of: Callable[..., MachineClient]
) -> None:
    now = timezone.now()
    client_of(name="没有密钥")
    issue(client_of(name="快到期"), life=timedelta(days=20))
    issue(client_of(name="正常"))
    disabled = client_of(name="停用")
    services.disable(client=disabled, reason="停止共享", by=None)
    with time_machine.travel(now - timedelta(days=100)):
        issue(client_of(name="久未用"))
    page = signed.get(LIST).content.decode()
    found = re.findall(r'clients/\d+/">(\S+?)</a>.*?<span class="tag (\w+)">(.*?)</span>', page)
    assert {name: words for name, _, words in found} == {
        "没有密钥": "没有有效密钥", "快到期": "密钥即将到期", "正常": "正常", "停用": "已停用",
        "久未用": "90 天未使用",
    }  # fmt: skip


# --- pages: what --------------------------------------------------------------------------------


@pytest.fixture
def places(db: None) -> None:
    load(CITY)


@pytest.mark.usefixtures("places")
def test_register_grant_issue_and_call(signed: Client, security: User) -> None:
    before = AccessEntry.objects.aggregate(last=Max("id"))["last"] or 0
    assert signed.get(f"{LIST}new/").status_code == 200
    answer = signed.post(f"{LIST}new/", FORM)
    client = MachineClient.objects.get()
    assert answer.url == f"{LIST}{client.pk}/scopes/"
    assert client.networks == ["10.1.2.0/24", "2001:db8::/32"]
    assert (client.created_by, client.region_prefix, client.any_network) == (
        security, "410324", False,
    )  # fmt: skip
    assert signed.get(answer.url).status_code == 200
    signed.post(
        answer.url,
        {
            "regions-read": "on", "regions-region": "410324", "persons-read": "on",
            "persons-region": "410324100000", "persons-groups": ["basic", "health"],
            "households-region": "410324",
        },
    )  # fmt: skip
    assert {(one.resource, one.region_prefix, tuple(one.groups)) for one in ClientScope.objects.all()} == {
        ("regions", "410324", ()), ("persons", "410324100", ("basic",)),
    }  # fmt: skip
    assert {(one.group, one.is_in_force) for one in SensitiveGrant.objects.all()} == {
        ("scope", False), ("health", False),
    }  # fmt: skip
    shown = signed.post(f"{LIST}{client.pk}/keys/", {"days": "30", "overlap": "0", "seen": "0"})
    assert shown.status_code == 200
    assert shown["Cache-Control"] == "no-store"
    (text,) = re.findall(r'id="new-key" readonly value="([^"]+)"', shown.content.decode())
    assert ClientKey.objects.get().digest == key_digest(text)
    assert text not in signed.get(f"{LIST}{client.pk}/").content.decode()
    caller = Client(headers={"Authorization": f"Bearer {text}"}, REMOTE_ADDR="10.1.2.9")
    assert caller.get(REGIONS).status_code == 200
    page = signed.get(f"{LIST}{client.pk}/").content.decode()
    assert "10.1.2.9" in page
    noted = AccessEntry.objects.filter(act="CLIENT", id__gt=before).order_by("id")
    assert [one.detail["what"] for one in noted] == ["registered", "scopes", "issued"]
    assert {(one.actor, one.subject, one.region) for one in noted} == {
        (security.pk, "民政局系统", "410324")
    }
    assert text not in str([one.detail for one in noted])


@pytest.mark.usefixtures("places")
def test_a_reload_issues_no_second_key(
    signed: Client, client_of: Callable[..., MachineClient]
) -> None:
    path = f"{LIST}{client_of().pk}/keys/"
    form = {"days": "30", "overlap": "7", "seen": "0"}
    assert signed.post(path, form).status_code == 200
    assert signed.post(path, form).status_code == 302
    assert ClientKey.objects.count() == 1
    assert signed.post(path, {"days": "0", "overlap": "7", "seen": "1"}).status_code == 422


@pytest.mark.usefixtures("places")
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"), ({"purpose": ""}, "purpose"), ({"office": ""}, "office"),
        ({"region": "4104"}, "region"), ({"region": "41"}, "region"), ({"region": "41032"}, "region"),
        ({"region": "410399"}, "region"), ({"networks": ""}, "networks"),
        ({"any_network": "on"}, "networks"), ({"networks": "10.1.2.300"}, "networks"),
        ({"networks": "10.1.2.1/24"}, "networks"), ({"networks": "0.0.0.0/0"}, "networks"),
        ({"networks": "::/0"}, "networks"), ({"networks": "\n".join(f"10.1.{n}.0/24" for n in range(21))}, "networks"),
        ({"requests_per_minute": "0"}, "requests_per_minute"),
        ({"rows_per_hour": "99999999"}, "rows_per_hour"),
    ],
)  # fmt: skip
def test_what_is_not_registered(signed: Client, change: dict[str, str], field: str) -> None:
    answer = signed.post(f"{LIST}new/", FORM | change)
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {field}
    assert not MachineClient.objects.exists()


@pytest.mark.usefixtures("places")
def test_a_foreign_region_reads_like_none(
    as_user: Callable[[User], Client], county_security: User
) -> None:
    client = as_user(county_security)
    answers = [
        client.post(f"{LIST}new/", FORM | {"region": region}).context["form"].errors
        for region in ("410325", "4103", "410399")
    ]
    assert answers[0] == answers[1] == answers[2]
    assert set(answers[0]) == {"region"}


@pytest.mark.usefixtures("places")
def test_names_are_taken_once(signed: Client) -> None:
    assert signed.post(f"{LIST}new/", FORM).status_code == 302
    assert signed.post(f"{LIST}new/", FORM).status_code == 422
    assert MachineClient.objects.count() == 1


@pytest.mark.usefixtures("places")
def test_edit_scopes_disable_enable(
    signed: Client, client_of: Callable[..., MachineClient]
) -> None:
    client = client_of()
    own = f"{LIST}{client.pk}/"
    _, text = issue(client)
    services.set_scopes(client=client, wishes={"regions": Wish("410324")}, by=None)
    assert opens(text)
    change = {name: FORM[name] for name in FORM if name not in ("name", "region")}
    assert signed.post(f"{own}edit/", change | {"networks": "10.0.0.1"}).status_code == 302
    assert not opens(text)
    signed.post(f"{own}edit/", change | {"networks": "", "any_network": "on"})
    assert opens(text)
    foreign = {"regions-read": "on", "regions-region": "410325"}
    assert signed.post(f"{own}scopes/", foreign).status_code == 422
    assert signed.post(f"{own}disable/", {"reason": " "}).status_code == 302
    assert opens(text)
    signed.post(f"{own}disable/", {"reason": "停止共享"})
    assert not opens(text)
    assert "停止共享" in signed.get(own).content.decode()
    with pytest.raises(ClientError):
        issue(client)
    signed.post(f"{own}enable/")
    assert opens(text)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM {history_table(MachineClient)} WHERE id = %s", [client.pk]
        )
        assert cursor.fetchone()[0] == 4


def test_confirming_takes_another_person(
    as_user: Callable[[User], Client], signed: Client, addresses: list[tuple[str, str]]
) -> None:
    (path,) = [path for _, path in addresses if path.endswith("confirm/")]
    assert "复核生效" not in signed.get(addresses[0][1]).content.decode()
    signed.post(path)
    assert SensitiveGrant.objects.get().confirmed_by is None
    second = person("second", Role.SECURITY_ADMIN, "4103")
    assert "复核生效" in as_user(second).get(addresses[0][1]).content.decode()
    as_user(second).post(path)
    assert SensitiveGrant.objects.get().is_in_force


@pytest.mark.usefixtures("places")
def test_the_page_shows_what_waits_for_a_second_person(
    as_user: Callable[[User], Client],
    signed: Client,
    security: User,
    client_of: Callable[..., MachineClient],
) -> None:
    client = client_of(any_network=False, networks=["10.1.0.0/16"])
    own = f"{LIST}{client.pk}/"
    form = {"persons-read": "on", "persons-region": "410324", "persons-groups": ["basic"]}
    answer = signed.post(f"{own}scopes/", form, follow=True)
    page = answer.content.decode()
    assert "须由另一名安全管理员复核后生效" in page
    assert "1 项授权待复核" in page
    assert "资源及一般字段组 <span" in page
    assert "复核生效</button>" not in page
    assert "授权待复核" in signed.get(LIST).content.decode()
    grant = SensitiveGrant.objects.get()
    second = as_user(person("second", Role.SECURITY_ADMIN, "4103"))
    assert "复核生效</button>" in second.get(own).content.decode()
    page = second.post(f"{own}scopes/{grant.pk}/confirm/", follow=True).content.decode()
    assert "已复核，授权生效" in page
    assert "待复核" not in page
    assert "已生效" in page
    assert "授权待复核" not in signed.get(LIST).content.decode()
    # From more addresses: all of it again, and an old page's button confirms nothing.
    change = {name: FORM[name] for name in FORM if name not in ("name", "region")}
    answer = signed.post(f"{own}edit/", change | {"networks": "10.0.0.0/8"}, follow=True)
    assert "原有复核失效" in answer.content.decode()
    assert second.post(f"{own}scopes/{grant.pk}/confirm/").status_code == 404
    assert not SensitiveGrant.objects.get().is_in_force


def test_the_page_says_what_the_operator_gave(
    signed: Client, client_of: Callable[..., MachineClient]
) -> None:
    client = client_of()
    services.set_scopes(client=client, wishes={"persons": Wish("410324")}, by=None)
    page = signed.get(f"{LIST}{client.pk}/").content.decode()
    assert "由系统运维直接授权" in page
    assert "待复核" not in page


def test_services_ask_for_the_right_themselves(
    county_security: User, client_of: Callable[..., MachineClient]
) -> None:
    city = client_of(region="4103")
    key, _ = issue(city)
    by = county_security
    for act in (
        lambda: issue(city, by=by),
        lambda: services.revoke_key(key=key, reason="x", by=by),
        lambda: services.disable(client=city, reason="x", by=by),
        lambda: services.set_scopes(client=city, wishes={}, by=by),
        lambda: client_of(region="4103", name="乙", by=by),
    ):
        with pytest.raises(PermissionDenied):
            act()


# --- keys ---------------------------------------------------------------------------------------


@pytest.fixture
def reading(client_of: Callable[..., MachineClient]) -> MachineClient:
    client = client_of()
    services.set_scopes(client=client, wishes={"regions": Wish("410324")}, by=None)
    return client


def test_the_old_key_lives_on_for_the_overlap(reading: MachineClient) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        _, old = issue(reading)
        clock.shift(timedelta(days=100))
        _, fresh = issue(reading)
        assert (opens(old), opens(fresh)) == (True, True)
        with pytest.raises(ClientError, match="两个"):
            issue(reading)
        clock.shift(timedelta(days=7, seconds=-1))
        assert (opens(old), opens(fresh)) == (True, True)
        clock.shift(1)
        assert (opens(old), opens(fresh)) == (False, True)
        _, third = issue(reading, overlap=timedelta(0))
        assert (opens(fresh), opens(third)) == (False, True)
        clock.shift(YEAR - timedelta(seconds=1))
        assert opens(third)
        clock.shift(1)
        assert not opens(third)


def test_a_key_that_ends_sooner_is_not_prolonged_by_the_overlap(reading: MachineClient) -> None:
    old, _ = issue(reading, life=timedelta(days=2))
    issue(reading)
    assert ClientKey.objects.get(pk=old.pk).expires_at == old.expires_at


@pytest.mark.parametrize(
    "more",
    [
        {"life": timedelta(0)}, {"life": timedelta(days=1099)}, {"overlap": timedelta(days=31)},
        {"overlap": timedelta(days=-1)},
    ],
)  # fmt: skip
def test_lives_and_overlaps_have_bounds(reading: MachineClient, more: dict[str, Any]) -> None:
    with pytest.raises(ClientError):
        issue(reading, **more)


def test_revoking_is_at_once_and_once(signed: Client, reading: MachineClient) -> None:
    key, text = issue(reading)
    path = f"{LIST}{reading.pk}/keys/{key.pk}/revoke/"
    signed.post(path, {"reason": "  "})
    assert opens(text)
    signed.post(path, {"reason": "遗失"})
    assert not opens(text)
    with pytest.raises(ClientError):
        services.revoke_key(key=key, reason="再次", by=None)
    # Two that work are the most, not two that ever were.
    issue(reading), issue(reading)
    with pytest.raises(ClientError):
        issue(reading)


def row(client: MachineClient, **more: Any) -> ClientKey:
    now = timezone.now()
    facts = {"slot": 1, "start": "x", "valid_from": now, "expires_at": now + YEAR, **more}
    return ClientKey.objects.create(client=client, digest=key_digest(str(facts)), **facts)


def refused(act: Callable[[], object]) -> bool:
    try:
        with transaction.atomic():
            act()
    except IntegrityError:
        return True
    return False


def test_the_database_keeps_it_at_two(reading: MachineClient) -> None:
    now = timezone.now()
    row(reading)
    row(reading, slot=2)
    for slot in (0, 1, 2, 3):
        assert refused(lambda slot=slot: row(reading, slot=slot, start="y"))
    revoked = {"revoked_at": now, "revoked_reason": "遗失"}
    ClientKey.objects.filter(slot=2).update(**revoked)
    assert not refused(lambda: row(reading, slot=2, start="z"))


def test_the_database_keeps_keys_as_they_were(reading: MachineClient) -> None:
    key = row(reading)
    mine = ClientKey.objects.filter(pk=key.pk)
    assert refused(lambda: mine.update(expires_at=key.expires_at + timedelta(days=1)))
    assert refused(lambda: mine.update(digest="0" * 64))
    assert refused(mine.delete)
    mine.update(revoked_at=timezone.now(), revoked_reason="遗失")
    assert refused(lambda: mine.update(revoked_at=None, revoked_reason=""))


def test_the_database_keeps_scopes_inside_and_two_persons_apart(
    reading: MachineClient, security: User
) -> None:
    scope = reading.scopes.get()
    mine = ClientScope.objects.filter(pk=scope.pk)
    for change in (
        {"region_prefix": "410325"}, {"region_prefix": "4103"}, {"groups": ["basic"]},
        {"groups": ["health"]}, {"groups": ["identity_full"]},
    ):  # fmt: skip
        assert refused(lambda change=change: mine.update(**change)), change
    assert refused(lambda: MachineClient.objects.update(region_prefix="4103"))
    assert refused(lambda: MachineClient.objects.update(any_network=False))
    assert refused(lambda: MachineClient.objects.update(purpose=""))
    facts = {"scope": scope, "group": "health", "region_prefix": "410324", "granted_by": security}
    now = timezone.now()
    second = person("second", Role.SECURITY_ADMIN, "4103")
    confirmed = {"confirmed_by": second, "confirmed_at": now}
    assert refused(lambda: SensitiveGrant.objects.create(**facts, **confirmed))
    assert refused(lambda: SensitiveGrant.objects.create(**facts | {"group": "basic"}))
    grant = SensitiveGrant.objects.create(**facts)
    mine = SensitiveGrant.objects.filter(pk=grant.pk)
    assert refused(lambda: mine.update(confirmed_by=security, confirmed_at=now))
    assert refused(lambda: mine.update(region_prefix="4103"))
    assert not refused(lambda: mine.update(**confirmed))
    assert refused(lambda: mine.update(confirmed_by=None, confirmed_at=None))


def test_the_database_takes_confirmations_away_from_what_is_widened(
    client_of: Callable[..., MachineClient], security: User
) -> None:
    client = client_of(any_network=False, networks=["10.1.0.0/16"])
    wishes = {"persons": Wish("410324", frozenset({"basic", "identity_full"}))}
    second = person("second", Role.SECURITY_ADMIN, "4103")
    scopes, clients = ClientScope.objects.all(), MachineClient.objects.all()
    for changed, change, is_void in (
        (scopes, {"groups": []}, False), (scopes, {"groups": ["basic", "bank"]}, True),
        (scopes, {"region_prefix": "410324101"}, True),
        (clients, {"networks": ["10.1.2.0/24", "10.1.3.4"]}, False),
        (clients, {"networks": ["10.0.0.0/8"]}, True), (clients, {"networks": ["2001:db8::/32"]}, True),
        (clients, {"networks": [], "any_network": True}, True),
    ):  # fmt: skip
        scopes.delete()
        for grant in services.set_scopes(client=client, wishes=wishes, by=security):
            services.confirm(grant=grant, by=second)
        clients.update(networks=["10.1.0.0/16"], any_network=False)
        assert {one.is_in_force for one in scopes} == {True}, change
        changed.update(**change)
        assert SensitiveGrant.objects.exists() != is_void, change
        clients.update(networks=["10.1.0.0/16"], any_network=False)


def test_only_the_operator_gives_in_nobodys_name(
    client_of: Callable[..., MachineClient], security: User
) -> None:
    client = client_of()
    facts = {"client": client, "region_prefix": "410324"}
    services.set_scopes(client=client, wishes={"persons": Wish("410324")}, by=security)
    with transaction.atomic():
        walls.assume(security)
        assert refused(lambda: ClientScope.objects.create(resource="households", **facts))
        assert refused(lambda: ClientScope.objects.update(granted_by=None))
        assert not refused(lambda: ClientScope.objects.create(resource="regions", **facts))
        transaction.set_rollback(True)
    assert not refused(lambda: ClientScope.objects.create(resource="households", **facts))


# --- those of before ----------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_clients_of_before_keep_their_key_and_what_they_could(request: Any) -> None:
    """Down to the day before, a client of then, and up again; then back down once more."""
    before = [("accounts", "0003_signing_in")]
    executor = MigrationExecutor(connection)
    after = executor.loader.graph.leaf_nodes()

    def up() -> None:
        MigrationExecutor(connection).migrate(after)
        history.sync()
        walls.sync()

    request.addfinalizer(up)
    executor.migrate(before)
    old = executor.loader.project_state(before).apps.get_model("accounts", "MachineClient")
    today = timezone.localdate()
    old.objects.create(
        name="旧系统", key_start="abcdefgh", key_digest=key_digest("abcdefgh-key"),
        region_prefix="410324", expires_on=today,
    )  # fmt: skip
    old.objects.create(
        name="已吊销", key_start="ijklmnop", key_digest=key_digest("ijklmnop-key"),
        region_prefix="4103", expires_on=today, revoked_at=timezone.now(),
    )  # fmt: skip
    up()
    assert (opens("abcdefgh-key"), opens("ijklmnop-key")) == (True, False)
    client = MachineClient.objects.get(name="旧系统")
    assert {one.resource: len(one.groups) for one in client.scopes.all()} == {
        "regions": 0, "households": 5, "persons": 5, "snapshots": 0, "metrics": 0,
    }  # fmt: skip
    key = client.keys.get()
    assert timezone.localtime(key.expires_at).date() == today + timedelta(days=1)
    executor = MigrationExecutor(connection)
    executor.migrate(before)
    again = executor.loader.project_state(before).apps.get_model("accounts", "MachineClient")
    told = again.objects.order_by("name").values_list("name", "key_start", "expires_on")
    assert set(told) == {("旧系统", "abcdefgh", today), ("已吊销", "ijklmnop", today)}


@pytest.mark.django_db(transaction=True)
def test_what_one_person_gave_before_waits_for_another(request: Any) -> None:
    before = [("accounts", "0004_clients")]
    executor = MigrationExecutor(connection)
    after = executor.loader.graph.leaf_nodes()

    def up() -> None:
        MigrationExecutor(connection).migrate(after)
        history.sync()
        walls.sync()

    request.addfinalizer(up)
    giver = person("giver", Role.SECURITY_ADMIN, "4103")
    executor.migrate(before)
    apps = executor.loader.project_state(before).apps
    facts = {"purpose": "对接", "region_prefix": "410324", "any_network": True}
    for name, granted_by in (("页面", giver.pk), ("命令", None)):
        client = apps.get_model("accounts", "MachineClient").objects.create(name=name, **facts)
        for resource in ("persons", "regions"):
            apps.get_model("accounts", "ClientScope").objects.create(
                client=client, resource=resource, region_prefix="410324", granted_by_id=granted_by
            )
    up()
    told = {(one.client.name, one.resource): one.is_in_force for one in ClientScope.objects.all()}
    assert told == {
        ("页面", "persons"): False, ("页面", "regions"): True, ("命令", "persons"): True,
        ("命令", "regions"): True,
    }  # fmt: skip
    grant = SensitiveGrant.objects.get()
    assert (grant.scope.client.name, grant.granted_by, grant.confirmed_by) == ("页面", giver, None)
    services.confirm(grant=grant, by=person("second", Role.SECURITY_ADMIN, "4103"))
    assert grant.scope.client.scopes.get(resource="persons").is_in_force
    MigrationExecutor(connection).migrate(before)
    assert not SensitiveGrant.objects.exists()
