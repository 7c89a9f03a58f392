"""What a client is given: resources, regions, groups of fields, so much in an hour."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from accounts.clients import services
from accounts.clients.services import Wish
from accounts.enums import Role
from accounts.models import MachineClient, SensitiveGrant, User
from accounts.models.client import SCOPE_ITSELF
from api import throttling
from api.pages import GROUP_OF_TERM
from api.serializers import HouseholdSerializer, PersonSerializer
from core.sharing import ORDINARY, PERSONAL, FieldGroup, Resource
from exits import services as figures
from households.catalog import facts
from households.filters import HouseholdYearFilter, PersonYearFilter
from households.models.groups import GROUP_OF, KEYS
from imports.models import Batch
from tests.conftest import person
from tests.factories.households import HOME, NEIGHBOUR, household, id_no

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("city")]

HOUSEHOLDS, PERSONS = "/api/v1/households/", "/api/v1/persons/"
ALWAYS = {"partition", "household_no", "village_code", "changed_at"}


def served() -> dict[str, str]:
    """Every address of the API with the resource that its view names, from the URLconf."""
    found: dict[str, str] = {}

    def walk(resolver: URLResolver, before: str) -> None:
        for entry in resolver.url_patterns:
            path = before + str(entry.pattern)
            if isinstance(entry, URLResolver):
                walk(entry, path)
            elif isinstance(entry, URLPattern) and path.startswith("api/v1/"):
                view: Any = entry.callback
                found[path] = getattr(getattr(view, "cls", None) or view.view_class, "resource", "")

    walk(get_resolver(), "")
    return found


@pytest.fixture
def system() -> Callable[..., Client]:
    """A caller with a client of its own that is given what is said: resource → Wish."""

    def make(wishes: dict[str, Wish], region: str = "4103", **facts: Any) -> Client:
        client = services.register(
            name=f"系统 {uuid4().hex[:8]}", purpose="测试", region_prefix=region, any_network=True,
            by=None, **facts,
        )  # fmt: skip
        services.set_scopes(client=client, wishes=wishes, by=None)
        _, text = services.issue_key(client=client, life=timedelta(days=1), by=None)
        return Client(headers={"Authorization": f"Bearer {text}"})

    return make


@pytest.fixture
def security(db: None) -> tuple[User, User]:
    return (
        person("security1", Role.SECURITY_ADMIN, "4103"),
        person("security2", Role.SECURITY_ADMIN, "4103"),
    )


def wish(*groups: str, region: str = "4103") -> Wish:
    return Wish(region, frozenset(groups))


# --- resources ---------------------------------------------------------------------------------


def test_every_address_belongs_to_a_resource_and_every_resource_has_one() -> None:
    assert len(served()) >= 7
    assert set(served().values()) == set(Resource.values)


@pytest.mark.parametrize("given", Resource.values)
def test_a_client_reads_what_it_was_given_and_nothing_else(
    system: Callable[..., Client], given: str
) -> None:
    row = household(members=1)
    figures.recompute(prefix="410324", partition=2018)
    caller = system({given: wish(*(ORDINARY if given in PERSONAL else ()))})
    batch = Batch.objects.create(
        file_name="a.xlsx", sha256="0" * 64, size=1, partition=2018, region_prefix="410324"
    )
    numbers = {
        "household_no": row.household.household_no,
        "person_no": row.household.persons.get().person_no,
        "id": str(batch.pk),
    }
    told = {}
    for pattern, resource in served().items():
        path = pattern.replace("$", "").replace("^", "").replace("\\Z", "")
        for name, number in numbers.items():
            path = re.sub(rf"\(\?P<{name}>[^)]*\)", number, path)
        terms = {"region": "410324", "partition": 2018} if resource == "metrics" else {}
        told[path] = (resource, caller.get(f"/{path}", terms).status_code)
    # 405: what is only posted to.
    assert {status for resource, status in told.values() if resource == given} <= {200, 405}
    assert 200 in {status for resource, status in told.values() if resource == given}
    assert {status for resource, status in told.values() if resource != given} == {403}


def test_without_a_grant_nothing(
    system: Callable[..., Client], pulls: Callable[[], list[Any]]
) -> None:
    caller = system({})
    for resource in Resource.values:
        answer = caller.get(f"/api/v1/{resource}/")
        assert (answer.status_code, set(answer.json())) == (403, {"detail", "errors"})
    assert {(one.outcome, one.detail["status"]) for one in pulls()} == {("refused", 403)}


def test_a_scope_is_as_narrow_as_its_own_region(system: Callable[..., Client]) -> None:
    household(members=1)
    foreign = household(members=1, code=NEIGHBOUR)
    caller = system({"households": wish("basic", region="410324"), "persons": wish("basic")})
    assert [one["village_code"] for one in caller.get(HOUSEHOLDS).json()["results"]] == [HOME]
    assert len(caller.get(PERSONS).json()["results"]) == 2
    number = foreign.household.household_no
    assert caller.get(f"{HOUSEHOLDS}{number}/").status_code == 404
    assert caller.get(HOUSEHOLDS, {"region": "410325"}).status_code == 404
    absent = caller.get(f"{HOUSEHOLDS}99999999/")
    assert absent.json() == caller.get(f"{HOUSEHOLDS}{number}/").json()


# --- groups of fields --------------------------------------------------------------------------


def test_every_fact_and_every_field_is_in_a_group() -> None:
    names = {fact.name for fact in facts().values()}
    assert names - set(GROUP_OF) - KEYS == set()
    assert set(GROUP_OF) - names == set()
    for serializer in (HouseholdSerializer, PersonSerializer):
        full = serializer(context={"groups": frozenset(FieldGroup.values)})
        assert set(full.fields) == set(full.all_fields())


def test_every_term_of_persons_is_in_a_group() -> None:
    terms = {*HouseholdYearFilter.base_filters, *PersonYearFilter.base_filters}
    assert terms == set(GROUP_OF_TERM)


SAMPLES = {
    FieldGroup.BASIC: ("main_cause", "name"),
    FieldGroup.INCOME: ("net_income_per_capita", "has_dibao"),
    FieldGroup.LIVING: ("house_area_m2", "in_resident_medical"),
    FieldGroup.CONTACT: ("phone", "member_phone"),
    FieldGroup.BANK: ("bank_account", ""),
    FieldGroup.IDENTITY: ("head_id_no", "id_no"),
}


@pytest.mark.parametrize("group", ORDINARY)
def test_fields_of_other_groups_do_not_exist(system: Callable[..., Client], group: str) -> None:
    household(members=1)
    caller = system({"households": wish(group), "persons": wish(group)})
    for place, path in enumerate((HOUSEHOLDS, PERSONS)):
        (told,) = caller.get(path).json()["results"]
        unlabelled = {name.removesuffix("_label").removesuffix("_labels") for name in told}
        kept = {name for name in unlabelled if GROUP_OF.get(name, group) != group}
        assert kept == set()
        assert set(told) >= ALWAYS
        for other, names in SAMPLES.items():
            if name := names[place]:
                answer = caller.get(path, {"fields": name})
                assert answer.status_code == (200 if other == group else 400), name
                if other != group:
                    same = caller.get(path, {"fields": "password"}).content.decode()
                    assert answer.content.decode() == same.replace("password", name)


def test_without_any_group_only_keys(system: Callable[..., Client]) -> None:
    household(members=1)
    caller = system({"households": wish(), "persons": wish()})
    (told,) = caller.get(HOUSEHOLDS).json()["results"]
    assert set(told) == ALWAYS
    (told,) = caller.get(PERSONS).json()["results"]
    assert set(told) == ALWAYS | {"person_no"}


@pytest.mark.parametrize(
    ("terms", "needs"),
    [
        ({"income_below": "3000"}, "income"), ({"income_above": "1"}, "income"),
        ({"below_line": "true"}, "income"), ({"status": "0"}, "basic"), ({"q": "张"}, "basic"),
        ({"cause": "01"}, "basic"), ({"missing": "net_income"}, "income"),
        ({"missing": "phone"}, "contact"), ({"missing": "bank_account"}, "bank"),
        ({"missing": "head_id_no"}, "identity"), ({"missing": "farmland_mu"}, "living"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", [HOUSEHOLDS, PERSONS])
def test_what_may_not_be_read_may_not_be_searched(
    system: Callable[..., Client], path: str, terms: dict[str, str], needs: str
) -> None:
    household(members=1)
    others = [group for group in ORDINARY if group != needs]
    resource = path.split("/")[3]
    assert system({resource: wish(needs)}).get(path, terms).status_code == 200
    answer = system({resource: wish(*others)}).get(path, terms)
    assert (answer.status_code, set(answer.json()["errors"])) == (400, set(terms))


@pytest.mark.parametrize("fact", ["health_status", "disability_type", "birth_date", "id_type"])
def test_who_is_ill_cannot_be_found_out_by_searching(luoyang: Client, fact: str) -> None:
    household(members=1)
    assert luoyang.get(PERSONS, {"missing": "education_level"}).status_code == 200
    assert luoyang.get(PERSONS, {"missing": fact}).status_code == 400


@pytest.mark.may_show_numbers("two administrators have granted whole numbers")
def test_numbers_stay_masked_until_a_second_person_confirms(
    system: Callable[..., Client], security: tuple[User, User]
) -> None:
    row = household(members=1)
    number = row.household.persons.get().id_no
    groups = ("identity", "contact", "bank")
    caller = system({"persons": wish(*groups), "households": wish(*groups)})
    client = MachineClient.objects.get()
    groups = (*groups, "identity_full")
    waiting = services.set_scopes(
        client=client,
        wishes={"persons": wish(*groups), "households": wish(*groups)},
        by=security[0],
    )

    def told() -> set[str]:
        (one,) = caller.get(PERSONS).json()["results"]
        (home,) = caller.get(HOUSEHOLDS).json()["results"]
        return {one["id_no"], one["member_phone"], home["phone"], home["bank_account"]}

    masked = told()
    assert masked == {
        f"990324********{number[-4:]}", "139****5678", "139****1234",
        f"{'*' * (len(row.bank_account) - 4)}{row.bank_account[-4:]}",
    }  # fmt: skip
    assert "birth_date" not in caller.get(PERSONS).json()["results"][0]
    for grant in waiting:
        with pytest.raises(services.ClientError, match="另一名"):
            services.confirm(grant=grant, by=security[0])
        assert told() == masked
    for grant in waiting:
        services.confirm(grant=grant, by=security[1])
    assert told() == {number, "13900005678", row.phone, row.bank_account}
    assert caller.get(PERSONS).json()["results"][0]["birth_date"] == "1970-01-01"
    # Moved to another region, it has to be confirmed again.
    services.set_scopes(
        client=client,
        wishes={resource: wish(*groups, region="410324") for resource in ("persons", "households")},
        by=security[1],
    )
    assert {caller.get(path).status_code for path in (PERSONS, HOUSEHOLDS)} == {403}
    for grant in SensitiveGrant.objects.filter(group=SCOPE_ITSELF):
        services.confirm(grant=grant, by=security[0])
    assert told() == masked


@pytest.mark.parametrize("path", [HOUSEHOLDS, PERSONS])
def test_one_administrator_alone_reads_nobody(security: tuple[User, User], path: str) -> None:
    household(members=1)
    one, other = security
    client = services.register(
        name="自用", purpose="测试", region_prefix="4103", any_network=True, by=one
    )
    resource = path.split("/")[3]
    waiting = services.set_scopes(
        client=client, wishes={resource: wish(*ORDINARY), "regions": wish()}, by=one
    )
    _, text = services.issue_key(client=client, life=timedelta(days=1), by=one)
    caller = Client(headers={"Authorization": f"Bearer {text}"})
    assert caller.get("/api/v1/regions/").status_code == 200
    assert caller.get(path).status_code == 403
    (grant,) = waiting
    with pytest.raises(services.ClientError, match="另一名"):
        services.confirm(grant=grant, by=one)
    assert caller.get(path).status_code == 403
    services.confirm(grant=grant, by=other)
    assert len(caller.get(path).json()["results"]) == 1


def widen_groups(client: MachineClient, by: User) -> None:
    services.set_scopes(
        client=client, wishes={"persons": wish("identity", "contact", "identity_full")}, by=by
    )


def widen_region(client: MachineClient, by: User) -> None:
    for region in ("410324", "4103"):
        wishes = {"persons": wish("identity", "identity_full", region=region)}
        services.set_scopes(client=client, wishes=wishes, by=by)


def networks(*blocks: str) -> Callable[[MachineClient, User], None]:
    def change(client: MachineClient, by: User) -> None:
        services.edit(
            client=client, purpose="测试", office="", contact="", networks=blocks,
            any_network=not blocks, requests_per_minute=60, rows_per_hour=5000, by=by,
        )  # fmt: skip

    return change


@pytest.mark.may_show_numbers("two administrators have granted whole numbers")
@pytest.mark.parametrize("by_operator", [False, True], ids=["by-persons", "by-the-operator"])
@pytest.mark.parametrize(
    "widen",
    [
        widen_groups, widen_region, networks(), networks("127.0.0.0/23"),
        networks("127.0.0.0/24", "10.0.0.0/8"), networks("127.0.0.0/24", "2001:db8::/32"),
    ],
    ids=["groups", "region", "anywhere", "supernet", "another", "ipv6"],
)  # fmt: skip
def test_whoever_widens_needs_the_second_person_again(
    security: tuple[User, User], widen: Callable[[MachineClient, User], None], by_operator: bool
) -> None:
    number = household(members=1).household.persons.get().id_no
    one, other = security
    client = services.register(
        name="对接", purpose="测试", region_prefix="4103", networks=["127.0.0.0/24"],
        by=None if by_operator else one,
    )  # fmt: skip
    _, text = services.issue_key(client=client, life=timedelta(days=1), by=one)
    caller = Client(headers={"Authorization": f"Bearer {text}"})
    if by_operator:
        services.set_scopes(client=client, wishes={"persons": wish("identity")}, by=None)
    given = {"persons": wish("identity", "identity_full")}
    for grant in services.set_scopes(client=client, wishes=given, by=one):
        services.confirm(grant=grant, by=other)
    assert caller.get(PERSONS).json()["results"][0]["id_no"] == number
    # Less, and the same over again, stay confirmed.
    networks("127.0.0.1/32")(client, other)
    networks("127.0.0.1/32")(client, one)
    assert services.set_scopes(client=client, wishes=given, by=one) == []
    assert caller.get(PERSONS).json()["results"][0]["id_no"] == number
    widen(client, one)
    assert caller.get(PERSONS).status_code == 403
    asked = SensitiveGrant.objects.all()
    assert {(grant.group, grant.granted_by, grant.confirmed_by) for grant in asked} == {
        (SCOPE_ITSELF, one, None), ("identity_full", one, None),
    }  # fmt: skip
    for grant in asked:
        with pytest.raises(services.ClientError, match="另一名"):
            services.confirm(grant=grant, by=one)
    assert caller.get(PERSONS).status_code == 403
    services.confirm(grant=asked.get(group=SCOPE_ITSELF), by=other)
    assert caller.get(PERSONS).json()["results"][0]["id_no"] != number
    services.confirm(grant=asked.get(group="identity_full"), by=other)
    assert caller.get(PERSONS).json()["results"][0]["id_no"] == number


def test_a_sensitive_group_alone_opens_nothing(security: tuple[User, User]) -> None:
    one, other = security
    client = services.register(
        name="对接", purpose="测试", region_prefix="4103", any_network=True, by=one
    )
    _, text = services.issue_key(client=client, life=timedelta(days=1), by=one)
    waiting = services.set_scopes(client=client, wishes={"persons": wish("health")}, by=one)
    (health,) = [grant for grant in waiting if grant.group == "health"]
    services.confirm(grant=health, by=other)
    caller = Client(headers={"Authorization": f"Bearer {text}"})
    assert caller.get(PERSONS).status_code == 403


def test_health_is_given_only_after_two_persons(
    system: Callable[..., Client], security: tuple[User, User]
) -> None:
    row = household(members=1)
    row.household.member_years.update(health_status=["02"])
    caller = system({"persons": wish("basic")})
    client = MachineClient.objects.get()
    (grant,) = services.set_scopes(
        client=client, wishes={"persons": wish("health")}, by=security[0]
    )
    assert caller.get(PERSONS, {"fields": "health_status"}).status_code == 400
    services.confirm(grant=grant, by=security[1])
    (told,) = caller.get(PERSONS).json()["results"]
    assert told["health_status"] == ["02"]
    assert set(told) & {"name", "id_no", "birth_date"} == set()


# --- how much ----------------------------------------------------------------------------------


@pytest.fixture
def counters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts of an earlier run do not count."""
    for counter in (throttling.requests, throttling.rows):
        monkeypatch.setattr(counter, "name", uuid4().hex)


@pytest.fixture
def no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the shared cache answers while its server is away."""
    monkeypatch.setattr("api.throttling.cache.add", lambda *_, **__: False)
    monkeypatch.setattr("api.throttling.cache.incr", lambda *_, **__: None)
    monkeypatch.setattr("api.throttling.cache.get", lambda *_, **__: None)


def later(**clock: int) -> datetime:
    """A moment soon, when the keys of the test work."""
    return (timezone.now() + timedelta(hours=1)).replace(microsecond=0, **clock)  # type: ignore[arg-type]


def _requests_run_out(system: Callable[..., Client]) -> None:
    household(members=1)
    busy, other = (system({"households": wish()}, requests_per_minute=3) for _ in range(2))
    start = later(second=20)
    with time_machine.travel(start, tick=False) as clock:
        assert [busy.get(HOUSEHOLDS).status_code for _ in range(4)] == [200, 200, 200, 429]
        answer = busy.get(HOUSEHOLDS)
        assert (answer["Retry-After"], answer.json()["errors"]) == ("40", {})
        assert "上限" in answer.json()["detail"]
        assert other.get(HOUSEHOLDS).status_code == 200
        clock.shift(40)
        assert busy.get(HOUSEHOLDS).status_code == 200


def _rows_run_out(system: Callable[..., Client]) -> None:
    household(members=3, code=NEIGHBOUR)
    given = wish(region="410325")
    caller = system({"persons": given, "households": given}, rows_per_hour=5)
    start = later(minute=30, second=0)
    with time_machine.travel(start, tick=False) as clock:
        assert len(caller.get(PERSONS).json()["results"]) == 3
        assert len(caller.get(PERSONS).json()["results"]) == 3
        answer = caller.get(HOUSEHOLDS)
        assert (answer.status_code, answer["Retry-After"]) == (429, "1800")
        clock.shift(1800)
        assert caller.get(HOUSEHOLDS).status_code == 200


@pytest.mark.usefixtures("counters")
def test_requests_in_a_minute(system: Callable[..., Client]) -> None:
    _requests_run_out(system)


@pytest.mark.usefixtures("counters")
def test_records_in_an_hour(system: Callable[..., Client]) -> None:
    _rows_run_out(system)


@pytest.mark.usefixtures("counters", "no_cache")
def test_limits_hold_in_each_process_while_the_cache_is_away(
    system: Callable[..., Client],
) -> None:
    _requests_run_out(system)
    _rows_run_out(system)


def test_refusals_for_too_much_are_on_the_ledger(
    system: Callable[..., Client], counters: None, pulls: Callable[[], list[Any]]
) -> None:
    caller = system({"regions": wish()}, requests_per_minute=1)
    with time_machine.travel(later(second=1), tick=False):
        caller.get("/api/v1/regions/"), caller.get("/api/v1/regions/")
    assert [(one.outcome, one.detail["status"]) for one in pulls()] == [
        ("ok", 200),
        ("refused", 429),
    ]


# --- the adversary -----------------------------------------------------------------------------


def test_ids_of_two_counties_are_no_way_in(luanchuan: Client) -> None:
    own, foreign = household(members=1), household(members=1, code=NEIGHBOUR)
    numbers = [one.household.household_no for one in (own, foreign)]
    assert luanchuan.get(f"{HOUSEHOLDS}{numbers[0]}/").status_code == 200
    absent = luanchuan.get(f"{HOUSEHOLDS}99999999/")
    for path in (
        f"{HOUSEHOLDS}{numbers[1]}/",
        f"{HOUSEHOLDS}{numbers[0]},{numbers[1]}/",
        f"{HOUSEHOLDS}{numbers[0]}%2C{numbers[1]}/",
    ):
        assert luanchuan.get(path).status_code == absent.status_code == 404
    answer = luanchuan.get(HOUSEHOLDS, {"household_no": numbers})
    assert (answer.status_code, set(answer.json()["errors"])) == (400, {"household_no"})


@pytest.mark.parametrize(
    "fields",
    ["id_no18", "person__id_no", "household.bank_account", "*", "id_no,birth_date", "_state", "pk"],
)
def test_fields_do_not_widen(luoyang: Client, fields: str) -> None:
    household(members=1)
    for path in (HOUSEHOLDS, PERSONS):
        answer = luoyang.get(path, {"fields": fields})
        assert (answer.status_code, set(answer.json()["errors"])) == (400, {"fields"})


def test_a_single_household_is_on_the_ledger_by_its_number(
    luoyang: Client, pulls: Callable[[], list[Any]]
) -> None:
    row = household(members=1)
    number = row.household.household_no
    luoyang.get(f"{HOUSEHOLDS}{number}/")
    luoyang.get(f"{PERSONS}{row.household.persons.get().person_no}/")
    luoyang.get(f"{HOUSEHOLDS}99999999/")
    told = pulls()
    assert [(one.subject_kind, one.subject, one.rows) for one in told] == [
        ("household", number, 1), ("household", number, 1), ("resource", "households", 0),
    ]  # fmt: skip
    assert id_no(1)[:6] not in str([one.detail for one in told])
