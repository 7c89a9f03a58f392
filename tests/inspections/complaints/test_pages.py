"""Pages of complaints: what they do, to whom, and what they say when something does not fit."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.enums import Role
from accounts.models import User
from inspections.enums.complaints import State
from inspections.models import Complaint, Finding
from inspections.queries import complaints
from tests.conftest import person
from tests.inspections.complaints.conftest import (
    DAY,
    DUE,
    ORIGINAL,
    PERSON,
    SUMMARY,
    VILLAGE,
    Desk,
)
from tests.inspections.findings.conftest import entered

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.may_show_numbers("who complained is shown to whoever received it"),
]
As = Callable[[Any], Client]
LIST, NEW = reverse("complaints:list"), reverse("complaints:new")
ENTRY = {
    "region": VILLAGE, "channel": "PHONE", "kind": "PETITION", "received_on": str(DAY),
    "summary": SUMMARY, "original": ORIGINAL, "is_confidential": "on",
}  # fmt: skip


def page_of(one: Complaint, name: str = "complaint") -> str:
    return reverse(f"complaints:{name}", args=[one.pk])


def test_list_counts_what_it_lists(desk: Desk, as_user: As) -> None:
    for state in State.values:
        desk.brought_to(state)
    client = as_user(desk.officer)
    text = client.get(LIST).content.decode()
    assert f"共 {len(State)} 件" in text
    # Overdue first.
    assert text.index("逾期</span>") < text.index("已登记</span>")
    day = timezone.localdate()
    found = complaints.visible(desk.officer)
    told = complaints.counts(found, day)
    for which, label in complaints.STANDINGS.items():
        many = complaints.narrowed(found, {"standing": which}, day).count()
        assert many == told[which] > 0
        answer = client.get(LIST, {"standing": which}).content.decode()
        assert f"共 {many} 件" in answer
        assert f"{label} {many}</a>" in answer
    one = Complaint.objects.earliest("pk")
    for asked, many in (
        ({"words": one.number}, 1), ({"words": "低保"}, 6), ({"words": PERSON.name}, 0),
        ({"channel": "VISIT"}, 0), ({"kind": "REPORT"}, 6), ({"state": "CLOSED"}, 1),
        ({"region": "410325"}, 0), ({"region": "x", "state": "?", "after": "1.x.2"}, 6),
    ):  # fmt: skip
        assert f"共 {many} 件" in client.get(LIST, asked).content.decode()


def test_pages_follow_one_another_by_key(desk: Desk) -> None:
    made = [desk.brought_to(state).pk for state in State.values]
    found, seen, after = complaints.visible(desk.officer), [], ""
    while True:
        at = complaints.page(found, DUE + timedelta(9), after, size=2)
        seen += [one.pk for one in at.rows]
        if not (after := at.after):
            break
    assert sorted(seen) == sorted(made)


def test_as_many_queries_for_three_as_for_one(desk: Desk, as_user: As) -> None:
    client = as_user(desk.officer)
    desk.received()
    client.get(LIST)
    many = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as captured:
            client.get(LIST)
        many.append(len(captured))
        desk.received(), desk.brought_to(State.ASSIGNED)
    assert many[0] == many[1]


def test_entry(desk: Desk, as_user: As) -> None:
    client = as_user(desk.officer)
    assert "登记" in client.get(NEW).content.decode()
    for more, words in (
        ({}, "请填写姓名"),
        ({"name": PERSON.name, "is_anonymous": "on"}, "取消“匿名”"),
        ({"name": PERSON.name, "region": "410325100201"}, "没有这个区划"),
        ({"name": PERSON.name, "received_on": "2999-01-01"}, "不能晚于今天"),
        ({"name": PERSON.name, "household_no": "86300000000009"}, "没有找到这个户编号"),
        ({"name": PERSON.name, "summary": f"{PERSON.name}来电"}, "信访人姓名"),
        ({"name": PERSON.name, "original": " "}, ""),
    ):
        answer = client.post(NEW, ENTRY | more)
        assert answer.status_code == 422, more
        assert words in answer.content.decode()
    assert Complaint.objects.count() == 0
    answer = client.post(NEW, ENTRY | {"name": PERSON.name, "phone": PERSON.phone})
    named = Complaint.objects.get()
    assert (answer.status_code, answer.url) == (302, page_of(named))
    assert client.post(NEW, ENTRY | {"is_anonymous": "on"}).status_code == 302
    assert Complaint.objects.get(is_anonymous=True).complainant.original == ORIGINAL


def test_one_is_masked_until_it_is_asked_for(desk: Desk, as_user: As) -> None:
    one, client = desk.received(), as_user(desk.officer)
    text = client.get(page_of(one)).content.decode()
    assert f"{PERSON.name[0]}**" in text
    assert "137****0987" in text
    for kept in (PERSON.name, PERSON.phone, PERSON.address, ORIGINAL):
        assert kept not in text
    address = page_of(one, "complainant")
    for lacking in ({}, {"purpose": "COMPLAINT"}, {"purpose": "COMPLAINT", "words": PERSON.name}):
        answer = client.post(address, lacking)
        assert answer.status_code == 422
        assert ORIGINAL not in answer.content.decode()
    answer = client.post(address, {"purpose": "COMPLAINT", "words": "电话答复"})
    text = answer.content.decode()
    assert answer["Cache-Control"] == "no-store"
    for kept in (PERSON.name, PERSON.phone, PERSON.address, ORIGINAL):
        assert kept in text


def test_whole_way_on_the_page(desk: Desk, as_user: As, county_office: User) -> None:
    one, client = desk.received(), as_user(desk.officer)
    assign = {
        "act": "assign", "on": str(DAY), "unit": "城关镇", "duty_name": "王主任",
        "due_on": str(DUE), "due_source": "规定", "words": "请办理",
    }  # fmt: skip
    assert client.post(page_of(one, "act"), assign | {"unit": ""}).status_code == 422
    assert client.post(page_of(one, "act"), assign | {"on": "2999-01-01"}).status_code == 422
    assert client.post(page_of(one, "act"), {"act": "?"}).status_code == 422
    assert client.post(page_of(one, "act"), {"act": "closed"}).status_code == 403
    assert client.post(page_of(one, "act"), assign).status_code == 302
    handler = as_user(county_office)
    linked = page_of(one, "finding")
    assert handler.post(linked, {"number": "W0"}).status_code == 422
    assert handler.post(linked, {"level": "COUNTY"}).status_code == 422
    assert handler.post(linked, {"number": entered(county_office).number}).status_code == 302
    made = {"level": "COUNTY", "severity": "ORDINARY"}
    assert handler.post(linked, made).status_code == 302
    finding = Finding.objects.get(origin="COMPLAINT")
    assert finding.number in handler.get(page_of(one)).content.decode()
    told = {"act": "answered", "on": str(DUE), "words": "已公示", "way": "LETTER"}
    assert (
        client.post(page_of(one, "act"), told | {"act": "answer", "way": "NONE"}).status_code == 422
    )
    assert client.post(page_of(one, "act"), told | {"act": "answer"}).status_code == 302
    assert client.post(page_of(one, "act"), told | {"act": "closed"}).status_code == 302
    text = client.get(page_of(one)).content.decode()
    assert "书面答复" in text
    assert "已办结" in text


def test_handlers_see_the_summary_once_it_was_passed_on(
    desk: Desk, as_user: As, county_office: User
) -> None:
    one, client = desk.received(), as_user(county_office)
    assert client.get(page_of(one)).status_code == 404
    assert "共 0 件" in client.get(LIST).content.decode()
    one = desk.take(one, State.ASSIGNED, DAY)
    text = client.get(page_of(one)).content.decode()
    assert SUMMARY in text
    assert "信访人保密" in text
    for kept in (PERSON.name, f"{PERSON.name[0]}**", "137****", PERSON.address, ORIGINAL):
        assert kept not in text
    assert client.post(page_of(one, "complainant"), {}).status_code == 403
    back = {"act": "returned", "on": str(DAY), "words": "不属本县"}
    assert client.post(page_of(one, "act"), back).status_code == 302


def test_others_get_nothing(desk: Desk, as_user: As, county_leader: User, town_clerk: User) -> None:
    one = desk.brought_to(State.ASSIGNED)
    addresses = [LIST, NEW, page_of(one)]
    posts = [NEW, *(page_of(one, name) for name in ("act", "complainant", "finding"))]
    for user in (county_leader, town_clerk):
        client = as_user(user)
        assert {client.get(address).status_code for address in addresses} == {403}
        assert {client.post(address).status_code for address in posts} == {403}
    neighbour = as_user(person("petition2", Role.PETITION, "410325"))
    assert neighbour.get(page_of(one)).status_code == 404
    assert neighbour.post(page_of(one, "act")).status_code == 404
    assert neighbour.post(page_of(one, "complainant")).status_code == 404
    officer = as_user(desk.officer)
    assert officer.get(reverse("complaints:complaint", args=[0])).status_code == 404
    assert officer.post(page_of(one, "finding")).status_code == 403
    assert officer.post(LIST).status_code == 405
    assert officer.post(page_of(one)).status_code == 405
    assert officer.get(page_of(one, "complainant")).status_code == 405
    assert officer.get(page_of(one, "act")).status_code == 405
    assert (
        as_user(person("other_office", Role.COUNTY_OFFICE, "410325")).get(page_of(one)).status_code
        == 404
    )
