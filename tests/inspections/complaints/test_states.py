"""The way of a complaint: what the services and the database refuse."""

from collections.abc import Callable
from datetime import date, timedelta
from itertools import product
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from accounts.enums import Role
from accounts.models import User
from core import walls
from exits.models import Holiday
from inspections.enums.complaints import FOLLOWS, State
from inspections.models import Complainant, Complaint, ComplaintFinding, ComplaintStep
from inspections.services.common import UnfitError
from inspections.services.complaints import linking, receiving, stepping
from inspections.services.complaints.receiving import Person
from inspections.services.findings import deadlines
from tests.conftest import person
from tests.factories.households import household
from tests.factories.villages import RegionFactory
from tests.inspections.complaints.conftest import DAY, DUE, DUTY, PERSON, SUMMARY, VILLAGE, Desk
from tests.inspections.findings.conftest import entered

pytestmark = pytest.mark.django_db
LATE = DAY + timedelta(20)


def refusal_of(act: Callable[[], Any]) -> str:
    """Under which name the database refuses."""
    with pytest.raises(DatabaseError) as raised, transaction.atomic():
        act()
    diagnosis = getattr(raised.value.__cause__, "diag", None)
    return str(getattr(diagnosis, "constraint_name", None) or "")


def past_the_services(complaint: Complaint, state: str, by: User, **changes: Any) -> None:
    more: dict[str, Any] = {}
    if state == State.ASSIGNED:
        more = {"unit": "甲", "duty_name": "乙", "due_on": DUE, "due_source": "丙"}
    elif state == State.TRANSFERRED:
        more = {"unit": "甲"}
    elif state == State.ANSWERED:
        more = {"way": "LETTER"}
    told = {"position": complaint.position, "on": LATE, "words": "意见", **more, **changes}
    ComplaintStep.objects.create(
        complaint=complaint, region_code=complaint.region_code, state=state, created_by=by, **told
    )


@pytest.mark.parametrize("before", State.values)
def test_what_may_not_follow_is_refused_twice(desk: Desk, before: str) -> None:
    complaint = desk.brought_to(before)
    for after in State.values:
        if after in FOLLOWS[before]:
            continue
        with pytest.raises(UnfitError):
            desk.take(complaint, after, LATE)
        refusal = refusal_of(lambda to=after: past_the_services(complaint, to, desk.officer))
        assert refusal == "complaint_step_in_order", after
    assert Complaint.objects.get(pk=complaint.pk).state == before


@pytest.mark.parametrize("before", State.values)
def test_what_may_follow_does(desk: Desk, before: str) -> None:
    for after in FOLLOWS[before]:
        assert desk.take(desk.brought_to(before), after, LATE).state == after


def test_database_holds_the_same_table(db: None) -> None:
    with connection.cursor() as cursor:
        for before, after in product(("", *State.values), State.values):
            cursor.execute("SELECT inspections_complaint_may_follow(%s, %s)", [before, after])
            assert cursor.fetchone()[0] == (after in FOLLOWS[before]), (before, after)


def test_whole_way_behind_the_second_wall(desk: Desk) -> None:
    with walls.scoped(desk.officer):
        complaint = desk.received()
    assert (complaint.number, complaint.held_by) == ("X201841032400001", "410324")
    for days, state in enumerate((State.ASSIGNED, State.ANSWERED, State.CLOSED), 1):
        with walls.scoped(desk.officer):
            complaint = desk.take(complaint, state, DAY + timedelta(days))
    assert (complaint.state, complaint.unit, complaint.due_on) == ("CLOSED", DUTY.unit, DUE)
    assert desk.received().number.endswith("00002")


def test_no_step_goes_back_in_time(desk: Desk) -> None:
    complaint = desk.received()
    with pytest.raises(UnfitError, match="早于"):
        desk.take(complaint, State.ASSIGNED, DAY - timedelta(1))
    early = DAY - timedelta(1)
    refusal = refusal_of(lambda: past_the_services(complaint, "ASSIGNED", desk.officer, on=early))
    assert refusal == "complaint_step_not_back_in_time"


def test_day_comes_from_a_rule_or_with_its_source(desk: Desk, county_office: User) -> None:
    complaint = desk.received()
    for duty in (stepping.Duty("甲", "乙"), stepping.Duty("甲", "乙", due_on=DUE)):
        with pytest.raises(UnfitError, match="依据"):
            desk.take(complaint, State.ASSIGNED, DAY, duty=duty)
    Holiday.objects.create(day=date(2018, 10, 1), is_off=True, source="放假通知")
    deadlines.set_rule(
        region_prefix="410324", kind="PETITION", days=5, reply_days=5, valid_from=DAY,
        source="县信访规定", by=county_office,
    )  # fmt: skip
    complaint = desk.take(complaint, State.ASSIGNED, DAY, duty=stepping.Duty("甲", "乙"))
    assert complaint.due_on == date(2018, 9, 10)
    assert complaint.steps.get(state="ASSIGNED").due_source == "县信访规定（5 个工作日）"


def test_steps_and_what_was_received_stand(desk: Desk) -> None:
    complaint = desk.brought_to(State.ASSIGNED)
    rows = Complaint.objects.filter(pk=complaint.pk)
    for changes in (
        {"state": "CLOSED"}, {"summary": "别的"}, {"held_by": "4103"}, {"received_on": DUE},
        {"is_confidential": False}, {"due_on": LATE},
    ):  # fmt: skip
        refusal_of(lambda changes=changes: rows.update(**changes))
    refusal_of(lambda: ComplaintStep.objects.filter(complaint=complaint).update(words="别的"))
    refusal_of(lambda: Complainant.objects.filter(complaint=complaint).update(original="别的"))
    for table in ("complaint", "complainant", "complaintstep"):
        with connection.cursor() as cursor:
            refusal_of(lambda table=table: cursor.execute(f"DELETE FROM inspections_{table}"))


def test_a_complaint_has_a_first_step_and_its_words(desk: Desk) -> None:
    def bare() -> None:
        Complaint.objects.create(
            channel="LETTER", kind="REPORT", held_by="410324", region=RegionFactory(code=VILLAGE),
            region_code=VILLAGE, received_on=DAY, summary="某事", entered_by=desk.officer,
        )  # fmt: skip
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS complaint_has_begun IMMEDIATE")

    assert refusal_of(bare) == "complaint_has_begun"


def test_anonymous_ones_have_nobody(desk: Desk) -> None:
    complaint = desk.brought_to(State.ASSIGNED, person=None)
    assert complaint.is_anonymous
    with pytest.raises(UnfitError, match="匿名"):
        desk.take(complaint, State.ANSWERED, LATE, way="PHONE")
    assert desk.take(complaint, State.ANSWERED, LATE).state == "ANSWERED"
    with pytest.raises(UnfitError, match="匿名"):
        receiving.amend(complaint=complaint, person=Person("某某"), by=desk.officer)
    rows = Complainant.objects.filter(complaint=complaint)
    assert refusal_of(lambda: rows.update(name="某某")) == "complainant_fits"
    with pytest.raises(UnfitError, match="姓名"):
        desk.received(person=Person(phone="0379-6631000"))


@pytest.mark.parametrize(
    "text",
    [
        f"经查{PERSON.name}所说属实",
        "经查 闻人·慎 独 所说属实",
        f"联系电话{PERSON.phone}",
        "电话 137-1234-0987",
        "电话１３７１２３４０９８７",
        f"家住{PERSON.address}",
    ],
)
def test_no_text_that_goes_on_names_the_complainant(desk: Desk, text: str) -> None:
    with pytest.raises(UnfitError, match="请删去") as refusal:
        desk.received(summary=text)
    assert not any(one and one in str(refusal.value) for one in (PERSON.name, PERSON.phone))
    complaint = desk.received()
    with pytest.raises(UnfitError, match="请删去"):
        receiving.amend(complaint=complaint, summary=text, by=desk.officer)
    with pytest.raises(UnfitError, match="请删去"):
        desk.take(complaint, State.ASSIGNED, DAY, words=text)
    complaint = desk.take(complaint, State.ASSIGNED, DAY)
    with pytest.raises(UnfitError, match="请删去"):
        desk.take(complaint, State.ANSWERED, DAY, words=text)
    assert Complaint.objects.get(pk=complaint.pk).summary == SUMMARY


def test_a_name_learnt_later_must_not_stand_in_what_was_said(desk: Desk) -> None:
    complaint = desk.brought_to(State.ANSWERED, summary="反映欧阳某事")
    with pytest.raises(UnfitError, match="请删去"):
        receiving.amend(complaint=complaint, person=Person(name="欧阳某"), by=desk.officer)
    receiving.amend(complaint=complaint, person=Person(phone="13712340000"), by=desk.officer)
    assert Complainant.objects.get(complaint=complaint).phone == "13712340000"


def test_household_in_confidence_lies_with_the_complainant(desk: Desk) -> None:
    home = household(code=VILLAGE).household
    kept = desk.received(household=home)
    assert (kept.household, kept.complainant.household_no) == (None, home.household_no)
    told = desk.received(household=home, is_confidential=False)
    assert (told.household, told.complainant.household_no) == (home, "")
    with pytest.raises(UnfitError, match="请删去"):
        desk.received(household=home, summary=f"户 {home.household_no} 的事")
    with pytest.raises(UnfitError, match="不在"):
        desk.received(household=household(code="410325100201").household)


def test_only_its_receiver_acts_and_a_handler_sends_it_back(
    desk: Desk, county_office: User
) -> None:
    neighbour = person("petition2", Role.PETITION, "410325")
    city = person("petition3", Role.PETITION, "4103")
    with pytest.raises(UnfitError, match="权限"):
        desk.received(by=neighbour)
    with pytest.raises(UnfitError, match="权限"):
        desk.received(by=county_office)
    complaint = desk.received()
    for by in (neighbour, county_office):
        with pytest.raises(UnfitError, match="权限"):
            desk.take(complaint, State.ASSIGNED, DAY, by=by)
        with pytest.raises(UnfitError):
            receiving.amend(complaint=complaint, summary="别的", by=by)
    complaint = desk.take(complaint, State.ASSIGNED, DAY, by=city)
    with pytest.raises(UnfitError, match="权限"):
        desk.take(complaint, State.ANSWERED, DAY, by=county_office)
    complaint = desk.take(complaint, State.RETURNED, DAY, by=county_office)
    assert stepping.next_steps(complaint, county_office) == []
    # What the city received about the county is not the county's to read.
    held = desk.received(by=city)
    assert held.held_by == "4103"
    assert held not in Complaint.objects.visible_to(desk.officer)
    with pytest.raises(UnfitError, match="权限"):
        desk.take(held, State.ASSIGNED, DAY)


def test_a_problem_carries_the_summary_and_nothing_else(desk: Desk, county_office: User) -> None:
    told = {"level": "COUNTY", "severity": "ORDINARY"}
    with pytest.raises(UnfitError, match="转办以后"):
        linking.raise_finding(complaint=desk.received(), by=county_office, **told)
    complaint = desk.brought_to(State.ASSIGNED)
    with pytest.raises(UnfitError, match="权限"):
        linking.raise_finding(complaint=complaint, by=desk.officer, **told)
    with walls.scoped(county_office):
        made = linking.raise_finding(complaint=complaint, by=county_office, **told)
    assert (made.fact, made.source, made.origin) == (SUMMARY, "PETITION", "COMPLAINT")
    other = entered(county_office)
    linking.link(complaint=complaint, finding=other, by=county_office)
    with pytest.raises(UnfitError, match="已经关联"):
        linking.link(complaint=complaint, finding=other, by=county_office)
    neighbours = person("office2", Role.COUNTY_OFFICE, "410325")
    with pytest.raises(UnfitError, match="同一县"):
        linking.link(
            complaint=complaint, finding=entered(neighbours, "410325100201"), by=county_office
        )
    assert ComplaintFinding.objects.count() == 2
