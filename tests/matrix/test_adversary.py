"""An official of 栾川县 (410324) tries to learn of, or to act in, 嵩县 (410325).

The matrix asks whether each door is shut; here somebody leans on them: what changes in an answer when
the neighbour's rows change, what an error tells, what a form takes that it does not offer.
"""

import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.forms.models import model_to_dict
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.clients import services as clients
from accounts.enums import Role
from accounts.models import ClientKey, Grant, MachineClient, User
from core import walls
from core.exports import services as exports
from core.exports.models import ExportFile, ExportRelease
from core.jobs.models import Job, JobQuerySet
from core.jobs.services import claim
from core.jobs.tasks import carry_out
from core.ledger.models import Alert
from core.scope import ScopedQuerySet
from exits import services as figures
from households.models import (
    Assignment,
    BulkAct,
    Household,
    HouseholdYear,
    Mark,
    Person,
    PersonYear,
    SavedView,
    Task,
)
from imports.models import Batch
from povertyops.walls import TABLES
from tests.cast import (
    county_audit_admin,
    county_office,
    county_security_admin,
    county_system_admin,
    village_official,
)
from tests.conftest import person
from tests.factories.households import household
from tests.matrix.subjects import HOLDERS, NEIGHBOUR, SUBJECTS, VILLAGE
from tests.matrix.table import OPERATIONS, Operation
from tests.matrix.world import World, build
from tests.register import city, stage
from tests.workbooks import family
from villages.models import Region

__all__ = [
    "city", "county_audit_admin", "county_office", "county_security_admin", "county_system_admin",
    "stage", "village_official",
]  # fmt: skip

pytestmark = pytest.mark.django_db

As = Callable[[Any], Client]
Key = Callable[[str], str]
OWN, FOREIGN = "410324", "410325"
HOUSEHOLDS, PERSONS = reverse("households:list"), reverse("households:persons")
API_HOUSEHOLDS, API_PERSONS = "/api/v1/households/", "/api/v1/persons/"
# What differs between two answers to one and the same question.
_FLEETING = re.compile(
    r'name="csrfmiddlewaretoken" value="[^"]*"|"X-CSRFToken": ?"[^"]*"|&quot;X-CSRFToken&quot;: ?&quot;[^&]*'
)


def calling(key: str) -> Client:
    return Client(headers={"Authorization": f"Bearer {key}"})


def body(answer: Any) -> str:
    """The answer's text without what is new in every answer."""
    raw = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return _FLEETING.sub("", raw.decode("utf-8", "replace"))


@pytest.fixture
def clerk(luanchuan_clerk: User, as_user: As) -> Client:
    return as_user(luanchuan_clerk)


@pytest.fixture
def system(api_key: Key) -> Client:
    """A machine of the county."""
    return calling(api_key(OWN))


# --- counts, facets, order, filters, relations --------------------------------------------------

SECRET_NAME = "欧阳无双"
_TERMS = (
    "", "region=410324", "region=4103", f"village={NEIGHBOUR}", "county=410325", "region=410325",
    "region=410325999", f"q={SECRET_NAME}", "q=欧", "q=8630000999", "q=8631000999", "status=3",
    "status=poor", "status=exited&exit_year=2018", "cause=07", "attribute=06", "income_below=2",
    "income_above=900000", "below_line=true", "below_line=false", "poor_village=true",
    "poor_village=false", "missing=main_cause", "missing=address", "missing=farmland_mu",
    "mark=true", "mark=false", "mark=overdue",
)  # fmt: skip
_OF_PERSONS = (
    "relation=01", "education=02", "student=01", "labour=02", "work_area=01",
    "missing=ethnicity", "missing=education_level", "missing=head_name",
    "income_below=2&relation=01",
)  # fmt: skip
_PAGES = (
    *(f"{path}?year=2018&{terms}" for path in (HOUSEHOLDS, PERSONS) for terms in _TERMS),
    *(f"{PERSONS}?year=2018&{terms}" for terms in _OF_PERSONS),
    *(f"{reverse('households:export')}?year=2018&{terms}" for terms in _TERMS[:9]),
    reverse("dashboards:home"), reverse("dashboards:region", args=[OWN]),
    reverse("dashboards:region", args=[FOREIGN]), reverse("imports:list"), reverse("jobs:list"),
    reverse("households:bulk"), reverse("households:tasks"),
    reverse("exports:list"), f"{reverse('villages:list')}?region=410324",
    f"{reverse('villages:list')}?region=4103",
)  # fmt: skip
_ACCOUNTS = (
    reverse("accounts:users"), f"{reverse('accounts:users')}?q=songxian",
    f"{reverse('accounts:users')}?role=COUNTY_OFFICE", f"{reverse('accounts:users')}?county=410325",
    reverse("accounts:user-new"),
)  # fmt: skip
_CLIENTS = (reverse("accounts:clients"), reverse("accounts:client-new"))
_CALLS = (
    *(
        f"{path}?year=2018&count=1&{terms}"
        for path in (API_HOUSEHOLDS, API_PERSONS)
        for terms in _TERMS
    ),
    *(f"{API_PERSONS}?year=2018&count=1&{terms}" for terms in _OF_PERSONS),
    f"{API_HOUSEHOLDS}?fields=household_no,village_code&count=1",
    f"{API_HOUSEHOLDS}?fields=bank_account", f"{API_PERSONS}?fields=health_status",
    f"{API_PERSONS}?fields=household__persons__name", f"{API_PERSONS}?fields=person.household.id",
    "/api/v1/regions/?count=1", "/api/v1/regions/?parent=410325", "/api/v1/snapshots/?count=1",
    "/api/v1/snapshots/?count=1&level=city", "/api/v1/snapshots/?count=1&level=county",
    "/api/v1/metrics/?region=410325&partition=2018", "/api/v1/metrics/?region=4103&partition=2018",
)  # fmt: skip


def _neighbours(api_key: Key) -> None:
    """Households of 嵩县 that stick out in every way a list can be asked, and work going on there."""
    facts = {"main_cause": "07", "household_attribute": "06", "exit_status": "3"}
    rows = [
        household(code=NEIGHBOUR, head=SECRET_NAME, net_income_per_capita=1, **facts),
        household(code=NEIGHBOUR, net_income_per_capita=999_999, main_cause=""),
        household("exited", code=NEIGHBOUR, net_income_per_capita=10),
    ]
    Household.objects.filter(pk=rows[0].household_id).update(
        household_no="86300009990001", address=""
    )
    for number, one in enumerate(Person.objects.filter(village_code=NEIGHBOUR)):
        Person.objects.filter(pk=one.pk).update(person_no=f"8631000999{number:04}", ethnicity="")
    PersonYear.objects.filter(village_code=NEIGHBOUR).update(
        education_level="02", student_status="01", labour_capacity="02", work_area="01"
    )
    figures.recompute(prefix=FOREIGN, partition=2018)
    batch = Batch.objects.create(
        file_name="嵩县.xlsx", sha256="1" * 64, size=1, partition=2018, region_prefix=FOREIGN
    )
    User.objects.create(
        username="songxian_new", display_name="新人", home_prefix=FOREIGN, password="!"
    )
    Job.objects.create(
        kind="imports.stage", queue="imports", subject=f"批次 {batch.pk}", scope=FOREIGN
    )
    office = person("songxian_office", Role.COUNTY_OFFICE, FOREIGN)
    _marked_by(office, rows[0].household)
    _asked_by(office, FOREIGN)
    api_key(FOREIGN)


def _marked_by(user: User, home: Household) -> None:
    """An act on many households, the mark that it made, and a task."""
    where = {"region_code": FOREIGN, "partition_id": 2018, "created_by": user}
    BulkAct.objects.create(
        key=uuid4(), kind="MARK", state="DONE", reason="核对", matched=1, affected=1,
        done_at=timezone.now(), **where,
    )  # fmt: skip
    Task.objects.create(title="嵩县走访", owner=user, **where)
    Mark.objects.create(
        household=home, village_code=NEIGHBOUR, partition_id=2018, reason="核对",
        due_on=timezone.localdate() - timedelta(days=1), created_by=user,
    )  # fmt: skip


def _asked_by(user: User, region: str, **terms: Any) -> ExportRelease:
    order = exports.Order("households", {"year": 2018, **terms}, region, "csv", "核对名单", 1)
    return exports.ask(order=order, request=None, by=user)


def _own_rows() -> None:
    for facts in ({}, {"exit_status": "1", "exit_year": 2018}, {"main_cause": "02"}):
        household(**facts)
    figures.recompute(prefix=OWN, partition=2018)
    household(code=NEIGHBOUR)
    Person.objects.filter(village_code=VILLAGE).update(ethnicity="01")


def _answers(asked: list[tuple[Client, str]]) -> dict[str, tuple[int, str]]:
    found = {}
    for client, path in asked:
        answer = client.get(path)
        found[path] = (answer.status_code, body(answer))
    return found


def test_the_neighbours_rows_change_no_answer(
    city: None,
    clerk: Client,
    system: Client,
    api_key: Key,
    as_user: As,
    county_system_admin: User,
    county_security_admin: User,
) -> None:
    """Totals, chips, menus, pages, figures and errors: all as if 嵩县 were empty."""
    _own_rows()
    asked = [(clerk, path) for path in _PAGES] + [(system, path) for path in _CALLS]
    asked += [(as_user(county_system_admin), path) for path in _ACCOUNTS]
    asked += [(as_user(county_security_admin), path) for path in _CLIENTS]
    before = _answers(asked)
    _neighbours(api_key)
    after = _answers(asked)
    assert [path for path in before if before[path] != after[path]] == []
    assert len(before) == len(asked) >= 120
    told = {status for status, _ in before.values()}
    assert told == {200, 400, 404}
    # The same questions tell whoever may know.
    seen = calling(api_key(FOREIGN)).get(f"{API_HOUSEHOLDS}?income_below=2&count=1").json()
    assert seen["count"] == 1


def test_a_forgotten_scope_changes_answers(
    city: None, clerk: Client, api_key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With both walls down the comparison above notices every kind of list."""
    monkeypatch.setattr(walls, "assume", lambda actor: None)
    monkeypatch.setattr(ScopedQuerySet, "visible_to", lambda self, actor: self.all())
    monkeypatch.setattr(JobQuerySet, "visible_to", lambda self, actor: self.all())
    _own_rows()
    asked = [(clerk, path) for path in _PAGES]
    before = _answers(asked)
    _neighbours(api_key)
    changed = {path for path, answer in _answers(asked).items() if answer != before[path]}
    for path in (HOUSEHOLDS, PERSONS):
        for terms in (f"q={SECRET_NAME}", "income_below=2", "status=3", "missing=main_cause"):
            assert f"{path}?year=2018&{terms}" in changed
    assert {f"{PERSONS}?year=2018&{terms}" for terms in _OF_PERSONS} - changed <= {
        f"{PERSONS}?year=2018&missing=head_name"
    }
    assert reverse("jobs:list") in changed


# --- cursors ----------------------------------------------------------------------------------


def _token(*key: Any) -> str:
    text = "[" + ",".join(f'"{one}"' if isinstance(one, str) else str(one) for one in key) + "]"
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def test_cursors_of_others_lead_nowhere_else(
    city: None, clerk: Client, system: Client, api_key: Key
) -> None:
    """Taken from a colleague of the neighbour county, or made up: only own rows follow."""
    for code in (VILLAGE, NEIGHBOUR, NEIGHBOUR, VILLAGE):
        household(code=code)
    colleague = calling(api_key(FOREIGN))
    last = HouseholdYear.objects.filter(village_code=NEIGHBOUR).order_by("pk").last()
    member = PersonYear.objects.filter(village_code=NEIGHBOUR).order_by("pk").first()
    assert last
    assert member
    for path, page, forged in (
        (API_HOUSEHOLDS, HOUSEHOLDS, (NEIGHBOUR, last.household_id)),
        (API_PERSONS, PERSONS, (NEIGHBOUR, member.household_id, member.pk)),
    ):
        own = {one["village_code"] for one in system.get(path).json()["results"]}
        assert own == {VILLAGE}
        taken = colleague.get(path, {"limit": 1}).json()["next_cursor"]
        assert taken
        zeros = (0,) * (len(forged) - 1)
        for token in (taken, _token(*forged), _token("410325", *zeros), _token("0", *zeros)):
            found = system.get(path, {"cursor": token, "count": 1}).json()
            assert {one["village_code"] for one in found["results"]} <= {VILLAGE}
            assert found["count"] == len(system.get(path).json()["results"])
            for way in ("after", "before"):
                shown = body(clerk.get(page, {"year": 2018, way: token}))
                assert last.household.household_no not in shown
                assert member.person.person_no not in shown


# --- foreign and absent are the same ------------------------------------------------------------

_ABSENT = {"household": "99999999999999", "person": "99999999999999"}
_NOBODY = 2_000_000_000
# Which divisions exist is public: `test_a_foreign_place_is_as_one_that_never_was` asks about them.
# Blank forms are of no place.
_OF_NOBODY = (
    "", "part", "place", "gate", "day", "session", "any_workbook", "fund_list", "fund_figure",
    "fund_projects", "any_batch_form",
)  # fmt: skip
_BY_PATH = [one for one in OPERATIONS if one.kind not in _OF_NOBODY]


def _of_county(right: str) -> str:
    """The subject that holds a right in 栾川县 and nowhere else."""
    held = [one.name for one in SUBJECTS if one.name in HOLDERS[right] and one.region == OWN]
    return next((name for name in held if name not in ("helper", "inspector")), "")


def _absent(kind: str, pk: Any) -> Any:
    if isinstance(pk, tuple):
        # A word of the address names no row: it stays as it is.
        first = _ABSENT.get("household") if isinstance(pk[0], str) else _NOBODY
        return (first, *(one if isinstance(one, str) else _NOBODY for one in pk[1:]))
    return _ABSENT.get(kind, _NOBODY)


def _asked(client: Client, operation: Operation, pk: Any) -> tuple[int, str, int]:
    """Status, body, and how many statements it took."""
    keys = pk if isinstance(pk, tuple) else (pk,)
    if "{id}" in operation.query:
        path = reverse(operation.route) + operation.query.format(id=pk)
    else:
        path = reverse(operation.route, args=keys) + operation.query
    with CaptureQueriesContext(connection) as captured:
        answer = getattr(client, operation.method)(
            path, *((operation.data,) if operation.data else ())
        )
    return answer.status_code, body(answer), len(captured)


def test_foreign_is_as_absent(api_key: Key, as_user: As) -> None:
    """Status, words and work are the same for what lies in 嵩县 and for what lies nowhere."""
    world = build(api_key)
    compared, wrong = 0, []
    for operation in _BY_PATH:
        name = _of_county(operation.right)
        pk = world.ids.get((operation.kind, "county"))
        if not name or pk is None:
            continue
        client = calling(world.keys[name]) if name == "client" else as_user(world.users[name])
        client.get(reverse("accounts:me") if name != "client" else "/api/v1/regions/")
        foreign = _asked(client, operation, pk)
        absent = _asked(client, operation, _absent(operation.kind, pk))
        compared += 1
        # A function that asks for more than its right says so before it looks.
        if foreign != absent or foreign[0] not in (403, 404):
            words = "" if foreign[1] == absent[1] else "other words"
            wrong.append((operation.method, operation.route, foreign[::2], absent[::2], words))
    assert wrong == []
    assert compared >= 30


@pytest.mark.parametrize("path", [HOUSEHOLDS, PERSONS, API_HOUSEHOLDS, API_PERSONS])
def test_a_foreign_place_is_as_one_that_never_was(
    city: None, clerk: Client, system: Client, path: str
) -> None:
    household()
    client = system if path.startswith("/api/") else clerk

    def asked(code: str) -> tuple[int, str, int]:
        with CaptureQueriesContext(connection) as captured:
            answer = client.get(path, {"year": 2018, "region": code})
        return answer.status_code, body(answer), len(captured)

    asked(OWN), asked("410326")
    absent = asked("410325100999")
    assert absent[0] == 404
    assert asked(NEIGHBOUR) == absent
    assert asked("410325") == asked("410326")


# --- guessing ids -----------------------------------------------------------------------------

_GUESSED = (
    ("jobs:detail", "job", Job, "county_clerk", "scope"),
    ("imports:batch", "batch", Batch, "county_clerk", "region_prefix"),
    ("accounts:user", "user", User, "system_admin", "home_prefix"),
    ("accounts:client", "client", MachineClient, "security_admin", "region_prefix"),
    ("accounts:revoke", "grant", Grant, "security_admin", "region_prefix"),
)  # fmt: skip


@pytest.mark.parametrize(("route", "kind", "model", "who", "place"), _GUESSED)
def test_ids_tried_one_after_another_open_own_things_only(
    api_key: Key, as_user: As, route: str, kind: str, model: Any, who: str, place: str
) -> None:
    world = build(api_key)
    User.objects.filter(username__in=world.users).update(home_prefix="4103")
    places = dict(model.objects.values_list("pk", place))
    client = as_user(world.users[who])
    client.raise_request_exception = False
    opened = {}
    for pk in range(min(places) - 2, max(places) + 3):
        opened[pk] = client.get(reverse(route, args=[max(pk, 0)])).status_code
    assert {pk for pk, status in opened.items() if status == 200} <= {
        pk for pk, code in places.items() if code.startswith(OWN)
    }
    assert opened[world.ids[kind, "own"]] == 200
    assert {opened.get(pk) for pk, code in places.items() if not code.startswith(OWN)} == {404}
    assert set(opened.values()) <= {200, 403, 404}


def test_acts_on_guessed_ids_change_own_things_only(api_key: Key, as_user: As) -> None:
    """Releases, alerts, assignments, keys, sensitive groups: everything that is there is tried."""
    world = build(api_key)
    foreign = ("county", "city")

    def of(kind: str, model: Any) -> list[Any]:
        return [model.objects.get(pk=world.ids[kind, relation]) for relation in foreign]

    office, security, audit = (
        as_user(world.users[name]) for name in ("county_office", "security_admin", "audit_admin")
    )
    before = [model_to_dict(one) for one in (*of("release", ExportRelease), *of("alert", Alert))]
    for pk in ExportRelease.objects.values_list("pk", flat=True):
        office.post(reverse("exports:decide", args=[pk]), {"decision": "release"})
        office.post(reverse("exports:use", args=[pk]))
        office.get(reverse("exports:download", args=[pk]))
    for pk in Alert.objects.values_list("pk", flat=True):
        audit.post(reverse("ledger:acknowledge", args=[pk]))
    assert before == [
        model_to_dict(one) for one in (*of("release", ExportRelease), *of("alert", Alert))
    ]
    own = ExportRelease.objects.get(pk=world.ids["release", "own"])
    assert (own.state, Alert.objects.get(pk=world.ids["alert", "own"]).seen_by_id is None) == (
        "RELEASED", False,
    )  # fmt: skip
    # The own client's address with the foreign client's key and group.
    mine = world.ids["client", "own"]
    for relation in foreign:
        _, key = world.ids["key", relation]
        _, asked = world.ids["sensitive", relation]
        paths = (
            reverse("accounts:client-revoke", args=[mine, key]),
            reverse("accounts:client-confirm", args=[mine, asked]),
        )
        assert [security.post(path, {"reason": "越权"}).status_code for path in paths] == [404, 404]
        assert ClientKey.objects.get(pk=key).revoked_at is None
    # The own household's address with the assignment of another.
    home, given = world.ids["assignment", "own"]
    other = world.ids["household", "sibling"]
    path = reverse("households:end-assignment", args=[other, given])
    assert office.post(path).status_code == 404
    assert Assignment.objects.get(pk=given).ended_at is None
    assert home != other


# --- several things at once -------------------------------------------------------------------


def test_rows_of_two_counties_in_one_workbook(stage: Callable[..., Batch]) -> None:
    """Loaded for 栾川县, the neighbour's rows are told as problems and count for nothing."""
    there = {"行政县": "嵩县"}
    batch = stage([*family(1), *family(2, **there)], region=OWN)
    assert batch.counts("households")["created"] == 1
    assert batch.counts("persons")["created"] == 2
    assert set(batch.problems.filter(severity="ERROR").values_list("row_no", flat=True)) == {4, 5}


def test_accounts_of_two_counties_in_one_form(
    city: None, county_system_admin: User, as_user: As
) -> None:
    """Repeated fields: neither the first nor the last one smuggles the neighbour in."""
    admin = as_user(county_system_admin)
    facts = {"username": "wang.wu", "display_name": "王五", "office": "扶贫办"}
    for counties in ([OWN, FOREIGN], [FOREIGN, OWN]):
        admin.post(reverse("accounts:user-new"), {**facts, "county": counties})
    assert set(User.objects.filter(username="wang.wu").values_list("home_prefix", flat=True)) <= {
        OWN
    }
    assert User.objects.filter(home_prefix__startswith=FOREIGN).count() == 0


# --- fields that name foreign things ----------------------------------------------------------


def _form_errors(answer: Any, *values: str) -> tuple[int, str]:
    text = body(answer)
    for value in values:
        text = text.replace(value, "#")
    return answer.status_code, text


def test_a_workbook_cannot_be_aimed_at_the_neighbour(clerk: Client, city: None) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    from tests.workbooks import build as workbook

    for region in (FOREIGN, "4103", f"{FOREIGN}000000", ""):
        file = SimpleUploadedFile("a.xlsx", workbook(family(1)))
        answer = clerk.post(
            reverse("imports:upload"), {"partition": 2018, "region": region, "file": file}
        )
        assert answer.status_code == 422
    assert not Batch.objects.exists()


def test_grants_accounts_and_clients_stay_in_the_county(
    city: None,
    county_security_admin: User,
    county_system_admin: User,
    as_user: As,
) -> None:
    security, system = as_user(county_security_admin), as_user(county_system_admin)
    User.objects.create(username="zhao.liu", display_name="赵六", home_prefix=OWN, password="!")
    user = User.objects.get(username="zhao.liu")
    today = timezone.localdate().isoformat()
    grant = {"role": "COUNTY_CLERK", "valid_from": today, "reason": "任职"}
    wide = {"role": "CITY_OFFICE", "valid_from": today, "reason": "任职", "county": ""}
    places = (
        {"county": FOREIGN},
        {"county": FOREIGN, "town": f"{FOREIGN}100"},
        {"village": NEIGHBOUR},
    )
    facts = {"username": "qian.qi", "display_name": "钱七", "office": "扶贫办"}
    machine = {
        "name": "越界系统", "office": "局", "purpose": "比对", "any_network": "on",
        "requests_per_minute": 60, "rows_per_hour": 1000,
    }  # fmt: skip
    for place in places:
        answer = security.post(reverse("accounts:grant", args=[user.pk]), {**grant, **place})
        assert answer.status_code == 422 or not user.grants.exclude(region_prefix=OWN).exists()
        system.post(reverse("accounts:user-new"), {**facts, **place})
    assert security.post(reverse("accounts:grant", args=[user.pk]), wide).status_code == 422
    assert not user.grants.exclude(region_prefix__startswith=OWN).exists()
    assert not User.objects.filter(home_prefix__startswith=FOREIGN).exists()
    told = {
        _form_errors(
            security.post(reverse("accounts:client-new"), {**machine, "region": code}), code
        )
        for code in (FOREIGN, "410326")
    }
    assert {status for status, _ in told} == {422}
    assert len(told) == 1
    assert not MachineClient.objects.exists()
    client = clients.register(
        name="本县系统", purpose="比对", region_prefix=OWN, any_network=True, by=None
    )
    answer = security.post(
        reverse("accounts:client-scopes", args=[client.pk]),
        {"households-read": "on", "households-region": FOREIGN, "households-groups": ["basic"]},
    )
    assert answer.status_code == 422
    assert not client.scopes.exists()


@pytest.mark.parametrize("terms", ["region=410325", "county=410325", f"village={NEIGHBOUR}"])
@pytest.mark.parametrize("numbers", ["masked", "full"])
def test_an_export_cannot_be_aimed_at_the_neighbour(
    city: None, clerk: Client, terms: str, numbers: str
) -> None:
    household(), household(code=NEIGHBOUR)
    order = {"file_format": "csv", "numbers": numbers, "purpose": "核对名单"}
    path = f"{reverse('households:export')}?year=2018&{terms}"
    assert clerk.post(path, order).status_code == 404
    assert not ExportRelease.objects.exists()


def test_nobody_of_another_household_is_revealed(city: None, clerk: Client) -> None:
    """The own household's address with a neighbour, and with the neighbour county's person."""
    own, near, far = household(), household(), household(code=NEIGHBOUR)
    path = reverse("households:reveal", args=[own.household.household_no])
    data = {"year": 2018, "purpose": "VISIT", "words": "入户核对证件"}
    for row in (near, far):
        for member in row.household.persons.all():
            answer = clerk.post(path, {**data, "whom": member.person_no})
            assert answer.status_code == 422
            assert member.id_no not in body(answer)


def test_names_of_foreign_accounts_are_not_found_out(
    city: None,
    songxian_clerk: User,
    county_office: User,
    county_system_admin: User,
    county_audit_admin: User,
    as_user: As,
) -> None:
    """Where a form takes an account's name, the neighbour's are as those that nobody has."""
    row = household()
    helper = person("songxian_helper", Role.HELPER, FOREIGN)
    mine = User.objects.create(username="mine", display_name="本县", home_prefix=OWN, password="!")
    User.objects.filter(pk__in=[songxian_clerk.pk, helper.pk]).update(home_prefix=FOREIGN)
    office, system, audit = map(as_user, (county_office, county_system_admin, county_audit_admin))
    assign = reverse("households:assign", args=[row.household.household_no])
    hand_over = reverse("accounts:hand-over", args=[mine.pk])
    today = timezone.localdate().isoformat()

    def told(name: str) -> tuple[Any, ...]:
        return (
            _form_errors(
                office.post(assign, {"username": name, "reason": "帮扶"}, follow=True), name
            ),
            _form_errors(system.post(hand_over, {"to": name, "on": today, "reason": "调离"}), name),
            _form_errors(audit.post(reverse("ledger:search"), {"who": name}), name),
        )

    nobody = told("nobody.known")
    for name in (songxian_clerk.username, helper.username):
        assert told(name) == nobody
    for pk in (songxian_clerk.pk, _NOBODY):
        answer = audit.get(reverse("ledger:list"), {"user": pk})
        assert songxian_clerk.display_name not in body(answer)


# --- fields that no form declares ---------------------------------------------------------------


def _every_field(*models: Any) -> dict[str, str]:
    """Every column of the models with a value that somebody would like to have there."""
    found: dict[str, str] = {}
    for model in models:
        for one in model._meta.concrete_fields:
            found |= {one.name: "1", one.attname: "1"}
    wished = {
        "is_active": "on", "is_superuser": "on", "is_staff": "on", "region_prefix": FOREIGN,
        "home_prefix": FOREIGN, "village_code": NEIGHBOUR, "scope": FOREIGN, "state": "RELEASED",
        "role": "SYSTEM_ADMIN", "password": "x", "kind": "other", "terms": '{"county":"410325"}',
    }  # fmt: skip
    return found | wished


def _same(one: Any, other: Any, *but: str) -> list[str]:
    """Columns in which two rows differ that were posted alike."""
    return [
        field.name
        for field in type(one)._meta.concrete_fields
        if not field.primary_key
        and field.name not in but
        and field.get_internal_type() != "DateTimeField"
        and getattr(one, field.attname) != getattr(other, field.attname)
    ]


def _pair(model: Any) -> tuple[Any, Any]:
    first, second = model.objects.order_by("-pk")[:2][::-1]
    return first, second


def test_forms_take_only_what_they_declare(
    city: None,
    county_office: User,
    luanchuan_clerk: User,
    county_system_admin: User,
    county_security_admin: User,
    as_user: As,
) -> None:
    """Each form is sent as it is, and once more with every column of every model beside it."""
    hostile = _every_field(User, Grant, MachineClient, Assignment, ExportRelease, Batch, Household)
    office, clerk, system, security = map(
        as_user, (county_office, luanchuan_clerk, county_system_admin, county_security_admin)
    )

    def twice(client: Client, path: str, first: dict[str, Any], **changes: Any) -> None:
        for data in (first, {**hostile, **first, **changes}):
            answer = client.post(path, data)
            assert answer.status_code in (200, 302), (path, answer.status_code, body(answer)[-900:])

    account = {"username": "one.one", "display_name": "一号", "office": "办", "county": OWN}
    twice(
        system,
        reverse("accounts:user-new"),
        {**account, "town": "", "village": ""},
        username="two.two",
    )
    assert _same(*_pair(User), "username", "password") == []

    today = timezone.localdate()
    users = _pair(User)
    for user, extra in zip(users, ({}, hostile), strict=True):
        data = {"role": "COUNTY_CLERK", "county": OWN, "town": "", "village": "", "department": ""}
        data |= {"valid_from": today.isoformat(), "valid_to": "", "reason": "任职"}
        path = reverse("accounts:grant", args=[user.pk])
        assert security.post(path, {**extra, **data}).status_code == 302
    assert _same(*_pair(Grant), "user") == []

    machine = {
        "name": "甲系统", "office": "局", "purpose": "比对", "contact": "", "networks": "",
        "any_network": "on", "requests_per_minute": 60, "rows_per_hour": 1000, "region": OWN,
    }  # fmt: skip
    twice(security, reverse("accounts:client-new"), machine, name="乙系统")
    assert _same(*_pair(MachineClient), "name") == []
    _, other = _pair(MachineClient)
    before = {**model_to_dict(other), "networks": list(other.networks)}
    data = {key: value for key, value in machine.items() if key not in ("name", "region")}
    wished = {key: value for key, value in hostile.items() if key not in data}
    path = reverse("accounts:client-edit", args=[other.pk])
    assert security.post(path, {**wished, **data, "region": FOREIGN}).status_code == 302
    other.refresh_from_db()
    assert {**model_to_dict(other), "networks": list(other.networks)} == before

    rows, helper = (household(), household()), person("helfer", Role.HELPER, OWN)
    for row, extra in zip(rows, ({}, hostile), strict=True):
        data = {"username": helper.username, "reason": "帮扶"}
        path = reverse("households:assign", args=[row.household.household_no])
        assert office.post(path, {**extra, **data}).status_code == 302
    assert _same(*_pair(Assignment), "household") == []

    order = {"file_format": "csv", "numbers": "full", "purpose": "核对名单", "layout": "list"}
    twice(clerk, f"{reverse('households:export')}?year=2018", order)
    assert _same(*_pair(ExportRelease)) == []
    assert {one.state for one in _pair(ExportRelease)} == {"ASKED"}
    release = ExportRelease.objects.latest("pk")
    facts = {**hostile, "decision": "release", "remark": ""}
    assert office.post(reverse("exports:decide", args=[release.pk]), facts).status_code == 302
    after = ExportRelease.objects.get(pk=release.pk)
    assert _same(release, after) == ["state", "decided_by"]
    assert after.decided_by == county_office


# --- rights that have ended -------------------------------------------------------------------


def test_rights_that_end_are_gone_at_the_next_request(
    city: None, as_user: As, luanchuan_clerk: User, county_office: User
) -> None:
    row = household()
    path = reverse("households:detail", args=[row.household.household_no])
    yesterday = timezone.localdate() - timedelta(days=1)
    endings: list[tuple[Callable[[User], Any], tuple[int, ...]]] = [
        (lambda user: Grant.objects.filter(user=user).update(valid_to=yesterday), (403, 404)),
        (
            lambda user: Grant.objects.filter(user=user).update(revoked_at=timezone.now()),
            (403, 404),
        ),
        (lambda user: User.objects.filter(pk=user.pk).update(is_active=False), (302,)),
    ]
    for number, (end, refused) in enumerate(endings):
        user = person(f"clerk{number}", Role.COUNTY_CLERK, OWN)
        client = as_user(user)
        assert client.get(path).status_code == 200
        end(user)
        assert client.get(path).status_code in refused
        reveal = {"year": 2018, "whom": "household", "purpose": "VISIT", "words": "入户核对"}
        answer = client.post(
            reverse("households:reveal", args=[row.household.household_no]), reveal
        )
        assert answer.status_code in refused
        assert row.household.household_no not in body(client.get(HOUSEHOLDS))


def test_keys_that_end_are_gone_at_the_next_request(city: None, api_key: Key) -> None:
    household()
    endings: list[Callable[[ClientKey], Any]] = [
        lambda key: ClientKey.objects.filter(pk=key.pk).update(
            revoked_at=timezone.now(), revoked_reason="泄露"
        ),
        lambda key: ClientKey.objects.filter(pk=key.pk).update(
            expires_at=timezone.now() - timedelta(seconds=1)
        ),
        lambda key: clients.disable(client=key.client, reason="停用", by=None),
    ]
    for end in endings:
        text = api_key(OWN)
        caller = calling(text)
        assert caller.get(API_HOUSEHOLDS).status_code == 200
        end(ClientKey.objects.get(start=text[:8]))
        assert caller.get(API_HOUSEHOLDS).status_code == 401
    text = api_key(OWN)
    key = ClientKey.objects.get(start=text[:8])
    key.client.scopes.all().delete()
    assert calling(text).get(API_HOUSEHOLDS).status_code == 403


# --- households that moved, villages that were recoded -----------------------------------------


@pytest.fixture
def moved(city: None) -> HouseholdYear:
    """A household of 栾川县 until 2017, of 嵩县 since."""
    row = household(year=2017, head="搬家人", phone="13900001111")
    home, there = row.household, Region.objects.get(code=NEIGHBOUR)
    Household.objects.filter(pk=home.pk).update(
        village=there, village_code=NEIGHBOUR, address="新址九十九号", natural_village_name="新庄组"
    )
    Person.objects.filter(household=home).update(village_code=NEIGHBOUR)
    home.refresh_from_db()
    later = household(code=NEIGHBOUR, year=2018, of=home, main_cause="05", phone="13900002222")
    HouseholdYear.objects.filter(pk=later.pk).update(village=there, village_code=NEIGHBOUR)
    PersonYear.objects.filter(household=home, partition=2018).update(village_code=NEIGHBOUR)
    return row


def test_a_household_that_moved_is_seen_year_by_year(
    moved: HouseholdYear, as_user: As, luanchuan_clerk: User, songxian_clerk: User, api_key: Key
) -> None:
    number = moved.household.household_no
    path, call = reverse("households:detail", args=[number]), f"{API_HOUSEHOLDS}{number}/"
    former, present = as_user(luanchuan_clerk), as_user(songxian_clerk)
    was = former.get(path, {"year": 2017})
    assert was.status_code == 200
    assert present.get(path, {"year": 2018}).status_code == 200
    # The other county's year is not there: the page leads back to the own one.
    assert former.get(path, {"year": 2018})["Location"] == f"{path}?year=2017"
    assert present.get(path, {"year": 2017})["Location"] == f"{path}?year=2018"
    for text in (body(was), body(former.get(HOUSEHOLDS, {"year": 2017, "q": "搬家人"}))):
        assert [word for word in ("新址", "新庄", "嵩县", NEIGHBOUR) if word in text] == []
    assert "新址九十九号" in body(present.get(path, {"year": 2018}))
    mine, theirs = calling(api_key(OWN)), calling(api_key(FOREIGN))
    for answer in (mine.get(call), mine.get(API_HOUSEHOLDS, {"year": 2017})):
        assert answer.status_code == 200
        assert [word for word in ("新址", "新庄", NEIGHBOUR) if word in body(answer)] == []
    assert mine.get(call, {"partition": 2018}).status_code == 404
    assert theirs.get(call, {"partition": 2017}).status_code == 404
    assert theirs.get(call).json()["address"] == "新址九十九号"


@pytest.mark.may_show_numbers("the former county looks at its own year")
def test_the_former_county_acts_on_its_own_year_only(
    moved: HouseholdYear, as_user: As, luanchuan_clerk: User, county_office: User
) -> None:
    helper = person("helfer", Role.HELPER, OWN)
    number = moved.household.household_no
    data = {"whom": "household", "purpose": "VISIT", "words": "核对以前的登记"}
    clerk, office = as_user(luanchuan_clerk), as_user(county_office)
    reveal = reverse("households:reveal", args=[number])
    assert clerk.post(reveal, {**data, "year": 2018}).status_code == 404
    answer = clerk.post(reveal, {**data, "year": 2017})
    assert (answer.status_code, "13900002222" in body(answer)) == (200, False)
    assign = reverse("households:assign", args=[number])
    assert office.post(assign, {"username": helper.username, "reason": "帮扶"}).status_code == 404


def test_a_village_that_was_recoded_takes_its_rows_along(
    city: None, as_user: As, luanchuan_clerk: User, songxian_clerk: User, village_official: User
) -> None:
    """Given to 嵩县, the village is 嵩县's; whoever held the old code meets nothing under it."""
    row, other = household(), household(code="410324100001")
    path = reverse("households:detail", args=[row.household.household_no])
    askers = [as_user(user) for user in (luanchuan_clerk, songxian_clerk, village_official)]

    def statuses() -> list[int]:
        return [client.get(path, {"year": 2018}).status_code for client in askers]

    assert statuses() == [200, 404, 200]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE villages_region SET code = '410325100299' WHERE code = %s", [VILLAGE]
        )
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert statuses() == [404, 200, 404]
    listed = [body(client.get(HOUSEHOLDS, {"year": 2018})) for client in askers]
    assert [row.household.household_no in text for text in listed] == [False, True, False]
    assert [other.household.household_no in text for text in listed] == [True, False, False]


# --- two grants, two counties -----------------------------------------------------------------


def both(name: str, here: Role, there: Role) -> User:
    """Holds one role in 栾川县 and another, which only reads, in 嵩县."""
    user = person(name, here, OWN)
    user.grants.create(
        role=there, region_prefix=FOREIGN, valid_from=timezone.localdate() - timedelta(days=9)
    )
    return User.objects.get(pk=user.pk)


def test_a_right_works_only_where_it_was_granted(city: None, api_key: Key, as_user: As) -> None:
    far = household(code=NEIGHBOUR)
    number = far.household.household_no
    clerk = as_user(both("both_clerk", Role.COUNTY_CLERK, Role.LEADER))
    office = as_user(both("both_office", Role.COUNTY_OFFICE, Role.FINANCE))
    helper = person("songxian_helper", Role.HELPER, FOREIGN)
    batch = Batch.objects.create(
        file_name="嵩县.xlsx", sha256="1" * 64, size=1, partition=2018, region_prefix=FOREIGN,
        state="STAGED",
    )  # fmt: skip
    release = _asked_by(person("asks", Role.COUNTY_CLERK, FOREIGN), FOREIGN)
    page = reverse("households:detail", args=[number])
    words = {"year": 2018, "whom": "household", "purpose": "VISIT", "words": "入户核对"}
    full = {"file_format": "csv", "numbers": "full", "purpose": "核对名单"}
    for client in (clerk, office):
        # Both read there.
        assert client.get(page, {"year": 2018}).status_code == 200
        assert "reveal" not in body(client.get(page, {"year": 2018}))
        assert client.post(reverse("households:reveal", args=[number]), words).status_code == 404
        for act in ("apply", "discard"):
            assert client.post(reverse(f"imports:{act}", args=[batch.pk])).status_code == 404
        assert client.get(reverse("imports:batch", args=[batch.pk])).status_code == 404
        assert batch.file_name not in body(client.get(reverse("imports:list")))
        upload = {"partition": 2018, "region": FOREIGN}
        assert client.post(reverse("imports:upload"), upload).status_code == 422
        for terms in ("", "&county=410325"):
            path = f"{reverse('households:export')}?year=2018{terms}"
            assert client.post(path, full).status_code == 422
    batch.refresh_from_db()
    assert batch.state == "STAGED"
    data = {"username": helper.username, "reason": "帮扶"}
    assert office.post(reverse("households:assign", args=[number]), data).status_code == 404
    decide = reverse("exports:decide", args=[release.pk])
    assert office.post(decide, {"decision": "release"}).status_code == 404
    assert not Assignment.objects.exists()
    release.refresh_from_db()
    assert (release.state, ExportRelease.objects.count()) == ("ASKED", 1)


def test_the_ledger_is_read_where_it_was_granted(api_key: Key, as_user: As) -> None:
    world = build(api_key)
    auditor = as_user(both("both_auditor", Role.AUDITOR, Role.LEADER))
    texts = [
        body(auditor.get(reverse("ledger:list"))),
        body(auditor.get(reverse("ledger:list"), {"region": FOREIGN})),
        body(auditor.get(reverse("ledger:day", args=[timezone.localdate()]))),
    ]
    for kind in ("noted", "alert"):
        (mark,) = world.marks[kind, "county"]
        assert not any(mark in text for text in texts)
    path = reverse("ledger:user", args=[world.ids["noted", "county"]])
    assert auditor.get(path).status_code == 404


@pytest.mark.may_show_numbers("a released file holds whole numbers")
def test_a_release_does_not_grow_with_its_owners_grants(city: None, as_user: As) -> None:
    """Released for 栾川县; that the asker reads 嵩县 as well by now adds no number to the file."""
    near, far = household(phone="13900003333"), household(code=NEIGHBOUR, phone="13900004444")
    asker, office = person("asks", Role.COUNTY_CLERK, OWN), person("gives", Role.COUNTY_OFFICE, OWN)
    client = as_user(asker)
    full = {"file_format": "csv", "numbers": "full", "purpose": "核对名单"}
    assert client.post(f"{reverse('households:export')}?year=2018", full).status_code == 302
    release = ExportRelease.objects.get()
    exports.release(release=release, by=office)
    Grant.objects.create(
        user=asker, role=Role.LEADER, region_prefix=FOREIGN, valid_from=timezone.localdate()
    )
    client.post(reverse("exports:use", args=[release.pk]))
    file = ExportFile.objects.get()
    run = claim(file.job_id)
    assert run is not None
    carry_out(run)
    file.refresh_from_db()
    text = file.path.read_text() if file.sha256 else ""
    assert near.phone in text
    assert far.phone not in text
    assert far.household.household_no not in text


# --- SQL under the scope of a request -----------------------------------------------------------

_FORMER = (
    "SELECT {0} FROM households_formerplace WHERE {0} IS NOT NULL AND village_code ^@ '410324'"
)
# Tables whose rows have no division code of their own: what of them is the county's.
_RULES = {
    "imports_problem": "batch_id IN (SELECT id FROM imports_batch WHERE region_prefix ^@ '410324')",
    **dict.fromkeys(
        ("imports_rawblock", "imports_touch", "imports_returnedfile", "imports_push"),
        "batch_id IN (SELECT id FROM imports_batch WHERE region_prefix ^@ '410324')",
    ),
    "funds_paymentbatchrow": "batch_id IN"
    " (SELECT id FROM funds_paymentbatch WHERE region_code ^@ '410324')",
    # How counties are scored and placed is public.
    **dict.fromkeys(("inspections_scoreitem", "inspections_rankingrow"), "true"),
    "core_job": "scope ^@ '410324'",
    # Only for whoever receives complaints.
    "inspections_complainant": "false",
    # Their owners' alone, and nobody who asks here has begun or kept one.
    "households_draft": "false",
    "households_chosencolumns": "false",
    # Shared by the county's office; what nobody shares is its owner's alone.
    "households_savedview": "is_shared AND region_prefix = '410324' AND department = ''",
}
_BESIDES = {
    "households_household": f"id IN ({_FORMER.format('household_id')})",
    "households_person": f"id IN ({_FORMER.format('person_id')})",
}


def _walled() -> Iterator[tuple[str, str]]:
    """Every walled table, histories too, with SQL for what the county owns of it."""
    with connection.cursor() as cursor:
        for name, table in TABLES.items():
            if not (table.code or table.rule):
                continue
            # What everybody may read is nobody's own.
            everywhere = "true" if table.besides == "true" else ""
            owned = _RULES.get(name) or everywhere or f"{table.code} ^@ '410324'"
            yield name, f"({owned}) OR {_BESIDES[name]}" if name in _BESIDES else owned
            cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [f"public.{name}_history"])
            if cursor.fetchone()[0]:
                yield f"{name}_history", owned


def _counts(tables: list[tuple[str, str]], *, owned: bool) -> dict[str, int]:
    found = {}
    with connection.cursor() as cursor:
        for name, condition in tables:
            cursor.execute(
                f"SELECT count(*) FROM {name}" + (f" WHERE {condition}" if owned else "")
            )
            found[name] = cursor.fetchone()[0]
    return found


def test_raw_sql_in_a_request_counts_the_county(
    api_key: Key, as_user: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a view asked without any condition, it would meet what the county owns."""
    world: World = build(api_key)
    household(code=NEIGHBOUR), household()
    for prefix in ("410324", "410325"):
        figures.recompute(prefix=prefix, partition=2018)
    Person.objects.update(ethnicity="01")
    HouseholdYear.objects.update(phone="")
    elsewhere = User.objects.get(username="账户own")
    for prefix in (OWN, FOREIGN):
        for name in ("共用的", "另一个"):
            SavedView.objects.create(
                owner=elsewhere, listing="persons", name=prefix + name, is_shared=True,
                region_prefix=prefix, department="" if name == "共用的" else "教育局",
            )  # fmt: skip
    tables = list(_walled())
    owned = _counts(tables, owned=True)
    everything = _counts(tables, owned=False)
    met: list[dict[str, int]] = []

    def looking(*_: Any) -> list[Any]:
        met.append(_counts(tables, owned=False))
        return []

    monkeypatch.setattr("households.queries.rows.poor_villages", looking)
    for name in ("county_clerk", "county_leader", "county_office"):
        as_user(world.users[name]).get(HOUSEHOLDS, {"year": 2018})
    assert met == [owned] * 3
    # The neighbours own something of almost everything, so that a hole would show.
    assert len(tables) >= 18
    filled = {name for name, count in everything.items() if count > owned[name] > 0}
    assert filled >= {
        "households_household", "households_householdyear", "households_person",
        "households_personyear", "households_person_history", "households_householdyear_history",
        "exits_snapshot", "imports_batch", "core_job", "households_savedview",
    }  # fmt: skip
