"""What an entry wants besides its fields: reasons, papers of a closed year, and events of members."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from core.acting import acting
from households.enums import MemberKind
from households.models import (
    Change,
    ChangeKind,
    ChangeState,
    HouseholdYear,
    MembershipEvent,
    Partition,
    Person,
    PersonYear,
)
from households.views.entry_page import KEYS
from tests.factories.households import HOME, household, id_no
from tests.households.test_entry_views import Form, clerk, edit_page, row, sent

__all__ = ["clerk", "row"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("city")]

As = Callable[[Any], Client]


def test_who_somebody_is_changes_with_a_reason_only(
    as_user: As, clerk: User, row: HouseholdYear
) -> None:
    client = as_user(clerk)
    data = sent(client, edit_page(row), do="submit", **{"members.1.person.name": "李改名"})
    refused = client.post(edit_page(row), data)
    text = refused.content.decode()
    assert refused.status_code == 422
    assert refused.context["links"] == [
        ("f-reason", "改了姓名、证件、性别、出生日期或户主，须写明变更事由。")
    ]
    assert 'aria-describedby="f-reason-why"' in text
    assert Form(text).sent["members.1.person.name"] == "李改名"
    assert not Change.objects.exists()
    assert client.post(edit_page(row), {**data, "reason": "户口簿为准"}).status_code == 302
    assert Person.objects.filter(name="李改名").exists()
    # Anything else wants none.
    data = sent(client, edit_page(row), do="submit", **{"year.cause_note": "腿伤"})
    assert client.post(edit_page(row), data).status_code == 302


def test_closed_year_takes_a_correction_with_reason_and_papers(
    as_user: As, clerk: User, row: HouseholdYear
) -> None:
    Partition.objects.filter(year=2018).update(closed_at=timezone.now())
    client = as_user(clerk)
    text = client.get(edit_page(row)).content.decode()
    assert "本页只能提交更正申请" in text
    assert "提交更正申请</button>" in text
    # Nobody comes or goes in a closed year: the page does not offer it.
    assert "data-add" not in text
    assert "acts.split" not in text
    data = sent(client, edit_page(row), do="submit", **{"year.cause_note": "腿伤"})
    refused = client.post(edit_page(row), data)
    assert refused.status_code == 422
    assert [place for place, _ in refused.context["links"]] == ["f-reason", "f-evidence"]
    assert not Change.objects.exists()
    paper = refused.context["evidence"][0][0]
    told = {**data, "reason": "原件有误", "evidence": paper}
    assert client.post(edit_page(row), told).status_code == 302
    change = Change.objects.get()
    assert (change.kind, change.state) == (ChangeKind.CORRECTION, ChangeState.PENDING)
    row.refresh_from_db()
    assert row.cause_note == ""


def test_open_year_offers_every_event(as_user: As, clerk: User, row: HouseholdYear) -> None:
    form = sent(as_user(clerk), edit_page(row))
    for name in ("acts.change_head.person_no", "acts.move.to", "acts.merge.into",
                 "acts.split.head_person_no", "members.1.left.kind"):  # fmt: skip
        assert name in form


def test_member_leaves_from_the_page_with_a_reason(
    as_user: As, clerk: User, row: HouseholdYear
) -> None:
    household(year=2017, of=row.household, head="张三")
    client = as_user(clerk)
    data = sent(client, edit_page(row), do="submit")
    gone = data["members.1.person_no"]
    data |= {"members.1.left.kind": str(MemberKind.MARRIAGE_OUT), "members.1.left.on": "2018-05-01"}
    assert client.post(edit_page(row), data).status_code == 422
    data |= {"members.1.left.reason": "嫁到外县"}
    assert client.post(edit_page(row), data).status_code == 302
    event = MembershipEvent.objects.get(person__person_no=gone, kind=MemberKind.MARRIAGE_OUT)
    assert "嫁到外县" in event.reason
    here = PersonYear.objects.filter(household_id=row.household_id, partition_id=2018)
    assert gone not in here.values_list("person__person_no", flat=True)


def test_member_comes_from_the_page(as_user: As, clerk: User, row: HouseholdYear) -> None:
    household(year=2017, of=row.household, head="张三")
    client = as_user(clerk)
    data = sent(client, edit_page(row), do="submit")
    data |= {
        "members.2.person.name": "张小宝", "members.2.year.relation_to_head": "03",
        "members.2.person.id_no": id_no(931, date(2018, 3, 2)),
        "members.2.joined.kind": str(MemberKind.BIRTH), "members.2.joined.on": "2018-03-02",
    }  # fmt: skip
    answer = client.post(edit_page(row), data)
    if answer.status_code == 422:
        links = answer.context["links"]
        assert all(words.startswith("第 3 人：") for place, words in links if "-2-" in place)
        told = Form(answer.content.decode()).sent
        asked = {name: "核实过" for name in told if name.startswith("confirmed.")}
        assert asked, links
        answer = client.post(edit_page(row), {**data, **asked})
    assert answer.status_code == 302
    assert MembershipEvent.objects.filter(person__name="张小宝", kind=MemberKind.BIRTH).exists()


def test_household_splits_from_the_page(as_user: As, clerk: User, row: HouseholdYear) -> None:
    client = as_user(clerk)
    data = sent(client, edit_page(row), do="submit", reason="分家")
    parted = data["members.1.person_no"]
    data |= {"acts.split.person_nos": [parted], "acts.split.head_person_no": parted}
    assert client.post(edit_page(row), data).status_code == 302
    new = PersonYear.objects.get(person__person_no=parted, partition_id=2018)
    assert new.household_id != row.household_id


def test_others_are_named_with_what_they_changed(
    as_user: As, clerk: User, row: HouseholdYear
) -> None:
    client = as_user(clerk)
    data = sent(client, edit_page(row), do="submit", **{"year.cause_note": "我的"})
    before = timezone.now()
    with acting(by=clerk, reason="另一人"):
        HouseholdYear.objects.filter(pk=row.pk).update(cause_note="他的")
    with acting(by=None, reason="后台"):
        HouseholdYear.objects.filter(pk=row.pk).update(cattle=2)
    answer = client.post(edit_page(row), data)
    merges = {one.where: one for one, _ in answer.context["merges"]}
    assert merges["year.cause_note"].who == str(clerk)
    assert merges["year.cattle"].who == "系统"
    assert all(one.at and one.at >= before for one in merges.values())
    assert f"{clerk}，" in answer.content.decode()


def test_own_input_is_given_up_before_any_draft_was_kept(
    as_user: As, clerk: User, row: HouseholdYear
) -> None:
    client = as_user(clerk)
    data = sent(client, edit_page(row))
    told = {"key": data["key"], "household_no": row.household.household_no}
    answer = client.post(f"{reverse('households:draft-drop')}?year=2018", told)
    assert (answer.status_code, answer.url) == (302, edit_page(row))
    odd = client.post(reverse("households:draft-drop"), {**told, "household_no": "//evil"})
    assert odd.url == reverse("households:work")


def test_keys_of_the_page_are_told(as_user: As, clerk: User, row: HouseholdYear) -> None:
    client = as_user(clerk)
    text = client.get(edit_page(row)).content.decode()
    for pressed, words in KEYS:
        assert f"<dt><kbd>{pressed}</kbd></dt><dd>{words}</dd>" in text
    other = client.get(reverse("households:list")).content.decode()
    assert KEYS[0][1] not in other


def test_what_is_wanted_is_counted(as_user: As, clerk: User, row: HouseholdYear) -> None:
    one = household(head="李四", code=HOME, members=1)
    HouseholdYear.objects.filter(pk=one.pk).update(main_cause="", household_attribute="")
    PersonYear.objects.filter(household_id=one.household_id).update(
        labour_capacity="01", student_status="01"
    )
    client = as_user(clerk)
    data = sent(client, edit_page(one), where="year.main_cause", **{"year.main_cause": "01"})
    told = client.post(f"{reverse('households:entry-check')}?year=2018", data).json()["summary"]
    # Four of the household, three of the member; the attribute is missing.
    assert (told["wanted"], told["filled"]) == (7, 6)
    assert (told["labour"], told["students"]) == (1, 0)


def test_what_was_told_before_is_asked_about_again(
    as_user: As, clerk: User, row: HouseholdYear
) -> None:
    """A second head is mended in the other's line: the complaint in this one goes."""
    client = as_user(clerk)
    heads = {"members.0.year.relation_to_head": "01", "members.1.year.relation_to_head": "01"}
    at = "members.1.year.relation_to_head"
    data = sent(client, edit_page(row), where=at, **heads)
    check = f"{reverse('households:entry-check')}?year=2018"
    [one] = client.post(check, data).json()["findings"][at]
    assert "一户多个户主" in one["message"]
    other = "members.0.year.relation_to_head"
    data |= {"where": other, "told": [at, "members.7.person.name", "x" * 500], other: "02"}
    found = client.post(check, data).json()["findings"]
    assert [one["message"] for one in found[at] if "户主" in one["message"]] == []
    assert found["members.7.person.name"] == []


def test_links_lead_to_where_something_is_to_be_done(
    as_user: As, clerk: User, row: HouseholdYear
) -> None:
    client = as_user(clerk)
    data = sent(client, edit_page(row), do="submit", reason="更正")
    data |= {
        "members.1.person.id_no": "99032419620230001X", "members.1.left.kind": "DEATH",
        "acts.move.person_no": data["members.0.person_no"], "acts.move.to": "86300000009999",
    }  # fmt: skip
    answer = client.post(edit_page(row), data)
    text = answer.content.decode()
    places = [place for place, _ in answer.context["links"]]
    assert {"acts", "f-members-1-left-on"} <= set(places)
    assert [place for place in places if f'id="{place}"' not in text] == []
