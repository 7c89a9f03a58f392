"""The walk: who complained, and in what words, is nowhere but with whoever received it."""

import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.enums import Role
from accounts.models import User
from core import walls
from core.ledger.models import AccessEntry
from core.scope import Maintenance
from exits.models import Holiday
from inspections.models import Complainant, Complaint, Finding, Letter
from inspections.services.findings import stepping
from inspections.services.letters import preparing
from tests.conftest import person
from tests.inspections.complaints.conftest import (
    DAY,
    DUE,
    ORIGINAL,
    PERSON,
    SUMMARY,
    Desk,
    county_leader,
)
from tests.leaks import text_of
from tests.matrix.subjects import SUBJECTS, VILLAGE
from tests.matrix.table import OPERATIONS
from tests.matrix.world import World, build

__all__ = ["county_leader"]

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.may_show_numbers("a form that does not fit comes back to who filled it in"),
]
MARKS = (PERSON.name, PERSON.phone, PERSON.address, ORIGINAL)
As = Callable[[Any], Client]


def marks_in(text: str) -> list[str]:
    """Marks in a text, plain, percent-encoded or as the bytes a database would print."""
    found = []
    for mark in MARKS:
        octets = mark.encode()
        escaped = mark.encode("ascii", "backslashreplace").decode()
        quoted = "".join(f"%{one:02X}" for one in octets)
        if any(one in text for one in (mark, octets.hex(), escaped, quoted)):
            found.append(mark)
    return found


def stored() -> Iterator[tuple[str, str]]:
    """Every row of every table as text, as the owner sees it."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE NONE")
        cursor.execute(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f"SELECT t::text FROM {table} AS t")
            for (row,) in cursor.fetchall():
                yield table, row


def received(client: Client, world: World) -> Complaint:
    """Through the pages, with an attempt that does not fit before each act."""
    form = {
        "region": VILLAGE, "channel": "LETTER", "kind": "REPORT", "received_on": str(DAY),
        "household_no": world.ids["household", "own"], "is_confidential": "on",
        "summary": SUMMARY, "original": ORIGINAL, "name": PERSON.name, "phone": PERSON.phone,
        "address": PERSON.address,
    }  # fmt: skip
    for unfit in ({"summary": f"{PERSON.name}反映"}, {"region": "410325"}, {"channel": "?"}):
        assert client.post(reverse("complaints:new"), form | unfit).status_code == 422
    answer = client.post(reverse("complaints:new"), form)
    assert answer.status_code == 302
    made = Complaint.objects.get(summary=SUMMARY)
    act = reverse("complaints:act", args=[made.pk])
    step = {
        "act": "assign", "on": str(DAY), "unit": "城关镇人民政府", "duty_name": "王主任",
        "due_on": str(DUE), "due_source": "规定", "words": "请办理",
    }  # fmt: skip
    assert client.post(act, step | {"words": f"转{PERSON.name}来信"}).status_code == 422
    assert client.post(act, step).status_code == 302
    amended = {"act": "amend", "phone": PERSON.phone, "address": PERSON.address + "二号"}
    assert client.post(act, amended).status_code == 302
    show = reverse("complaints:complainant", args=[made.pk])
    asked = {"purpose": "COMPLAINT", "words": f"联系{PERSON.name}"}
    assert client.post(show, asked).status_code == 422
    assert client.post(show, asked | {"words": "电话答复"}).status_code == 200
    return made


def raised(office: Client, by: User, complaint: Complaint) -> Finding:
    """The problem, assigned and late, with the draft of its letter."""
    address = reverse("complaints:finding", args=[complaint.pk])
    told = {"level": "COUNTY", "severity": "ORDINARY"}
    assert office.post(address, told).status_code == 302
    finding = Finding.objects.get(origin="COMPLAINT")
    duty = stepping.Duty("城关镇人民政府", "王主任", due_on=DUE, due_source="规定")
    finding = stepping.assign(finding=finding, duty=duty, on=DAY, by=by)
    Holiday.objects.get_or_create(day=DUE, defaults={"is_off": True, "source": "通知"})
    preparing.prepare(today=DUE + timedelta(3), prefix="410324")
    return finding


@pytest.fixture
def told(api_key: Callable[[str], str], as_user: As, caplog: pytest.LogCaptureFixture) -> World:
    """The world of the matrix with a marked complaint, its problem and its letter."""
    caplog.set_level(logging.DEBUG)
    world = build(api_key)
    with CaptureQueriesContext(connection) as captured:
        complaint = received(as_user(world.users["petition"]), world)
        office = world.users["county_office"]
        finding = raised(as_user(office), office, complaint)
    # Sealed before anything leaves the process.
    assert [one["sql"][:80] for one in captured if marks_in(one["sql"])] == []
    world.ids["complaint", "own"] = complaint.pk
    world.ids["problem", "own"] = finding.pk
    letter = Letter.objects.filter(items__finding=finding).first()
    assert letter
    world.ids["letter", "own"] = letter.pk
    return world


def _address(world: World, operation: Any) -> str | None:
    kind = "place" if operation.kind == "part" else operation.kind
    pk = world.ids.get((kind, "own"), "")
    query = operation.query.format(id=pk) if operation.query else ""
    if "{id}" in operation.query or not kind:
        return reverse(operation.route) + query
    if pk == "":
        return None
    return reverse(operation.route, args=pk if isinstance(pk, tuple) else [pk]) + query


def test_walk(told: World, as_user: As, caplog: pytest.LogCaptureFixture) -> None:
    """Every operation of the product, by everybody but the petition officer."""
    clients = {
        name: as_user(user) for name, user in told.users.items() if not name.startswith("petition")
    }
    jars = {name: dict(client.cookies.items()) for name, client in clients.items()}
    asked, wrong = 0, []
    for operation in OPERATIONS:
        address = _address(told, operation)
        if address is None:
            continue
        for subject in SUBJECTS:
            if subject.name == "petition":
                continue
            client = clients.get(subject.name) or Client()
            client.raise_request_exception = False
            key = told.keys.get(subject.name)
            headers = {"Authorization": f"Bearer {key}"} if key else {}
            if subject.name in jars:
                client.cookies.clear()
                client.cookies.update(jars[subject.name])
            with transaction.atomic():
                data = (operation.data,) if operation.data else ()
                answer = getattr(client, operation.method)(address, *data, headers=headers)
                raw = b"".join(answer) if answer.streaming else answer.content
                transaction.set_rollback(True)
            asked += 1
            head = " ".join(f"{name}: {value}" for name, value in answer.items())
            if marks_in(head + text_of(raw, answer.get("Content-Type", ""))):
                wrong.append((operation.method, operation.route, subject.name))
    assert wrong == []
    assert asked > 3000
    assert [one.name for one in caplog.records if marks_in(one.getMessage())] == []


_SEARCHES = (
    ("findings:list", "words"), ("complaints:list", "words"), ("households:list", "q"),
    ("households:persons", "q"), ("households:search", "q"), ("projects:list", "words"),
    ("inspections:cases", "q"),
)  # fmt: skip


def test_searching_for_the_complainant_finds_nothing(told: World, as_user: As) -> None:
    """Asked by name, phone or words, lists answer as to any nonsense; the officer's too."""
    for who in ("county_office", "city_office", "auditor", "petition"):
        client = as_user(told.users[who])
        for route, name in _SEARCHES:
            lengths = set()
            for mark, nonsense in ((PERSON.name, "司马不有"), (ORIGINAL[:6], "司马不有司马")):
                pair = []
                for word in (mark, nonsense):
                    answer = client.get(reverse(route), {name: word})
                    text = answer.content.decode()
                    assert ORIGINAL not in text
                    assert PERSON.address not in text
                    pair.append((answer.status_code, SUMMARY in text, text.count("<tr")))
                lengths.add(pair[0] == pair[1])
            assert lengths == {True}, (who, route)


def test_database_holds_no_plain_mark(told: World) -> None:
    """Tables, histories, access ledger, jobs, sessions: the summary is there, the marks nowhere."""
    tables, seen = set(), set()
    for table, row in stored():
        tables.add(table)
        if SUMMARY in row:
            seen.add(table)
        assert marks_in(row) == [], table
    assert {"public.inspections_complaint", "public.inspections_finding"} <= seen
    assert {"public.inspections_complainant", "public.core_accessentry"} <= {
        one if "accessentry" not in one else "public.core_accessentry" for one in tables
    }
    # The image of the amended row is there, and has none of the sealed columns.
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM inspections_complainant_history LIMIT 1")
        columns = {one.name for one in cursor.description}
    assert "held_by" in columns
    assert not columns & {"name", "phone", "address", "id_no", "original", "household_no"}


def test_the_search_through_the_database_can_fail(told: World) -> None:
    User.objects.filter(pk=told.users["petition"].pk).update(display_name=PERSON.name)
    assert [table for table, row in stored() if marks_in(row)] == ["public.accounts_user"]


def test_each_look_is_on_record_without_what_was_seen(told: World) -> None:
    entry = AccessEntry.objects.get(act="REVEAL", subject_kind="complaint")
    complaint = Complaint.objects.get(pk=told.ids["complaint", "own"])
    assert (entry.subject_kind, entry.subject, entry.rows) == ("complaint", complaint.number, 1)
    assert entry.purpose == "信访、举报处理：电话答复"


def test_second_wall(desk: Desk, county_office: User, county_leader: User) -> None:
    """Raw SQL under anybody else's scope meets no row, whatever was forgotten above it."""
    desk.received()
    city = person("petition3", Role.PETITION, "4103")
    desk.received(by=city)
    neighbour = person("petition2", Role.PETITION, "410325")
    office = person("office", Role.CITY_OFFICE, "4103")
    for actor, many in (
        (county_office, 0), (county_leader, 0), (office, 0), (neighbour, 0), (None, 0),
        (Maintenance("4103"), 0), (desk.officer, 1), (city, 2),
    ):  # fmt: skip
        for table in ("inspections_complainant", "inspections_complainant_history"):
            with walls.scoped(actor), connection.cursor() as cursor:
                cursor.execute(f"SELECT count(*) FROM {table}")
                met = cursor.fetchone()[0]
            assert met == (0 if table.endswith("history") else many), (actor, table)
    with walls.scoped(county_office):
        assert Complainant.objects.count() == 0
        assert Complainant.objects.update(phone="") == 0
    # A scope inside another does not take its right along.
    with walls.scoped(desk.officer), walls.scoped(county_office):
        assert Complainant.objects.count() == 0
