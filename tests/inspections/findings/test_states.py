"""The states of a problem as a table: what may follow what, by the acts and past them."""

from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, transaction

from accounts.models import User
from core import walls
from inspections.enums.findings import FOLLOWS, State
from inspections.models import Finding, FindingPaper, FindingStep
from inspections.services.common import UnfitError
from inspections.services.findings import entering, extending, papers, stepping
from inspections.services.findings.common import REFUSALS
from inspections.services.findings.stepping import Duty
from tests.factories.households import household
from tests.inspections.findings.conftest import (
    COUNTY,
    DAY,
    DUE,
    DUTY,
    VILLAGE,
    WAY,
    Office,
    entered,
)
from tests.papers_handed_in import jpeg

pytestmark = pytest.mark.django_db
LATE = date(2018, 12, 31)


def past_the_services(finding: Finding, state: str, by: Any, **changes: Any) -> None:
    """A step as a form that forgets everything would write it."""
    extra: dict[str, Any] = {}
    if state == State.ASSIGNED:
        extra = {"lead_unit": "单位", "duty_name": "某人", "due_on": LATE, "due_source": "依据"}
    elif state == State.MERGED:
        extra = {"into": entered(by)}
    FindingStep.objects.create(
        **{
            "finding": finding, "region_code": finding.region_code, "position": finding.position,
            "state": state, "on": LATE, "words": "意见", "created_by": by, **extra,
        } | changes
    )  # fmt: skip


def refusal_of(work: Any) -> str:
    """The name of the constraint that refused."""
    with pytest.raises(DatabaseError) as error, transaction.atomic():
        work()
    return error.value.__cause__.diag.constraint_name or "refused"  # type: ignore[union-attr]


@pytest.mark.parametrize("before", State.values)
def test_only_what_the_table_lists_follows(office: Office, before: str) -> None:
    finding = office.brought_to(before)
    assert finding.state == before
    for after in State.values:
        if after in FOLLOWS[before]:
            continue
        with pytest.raises(UnfitError, match="不能办理"):
            stepping.take(finding=finding, state=after, words="意见", on=LATE, by=office.second)
        refusal = refusal_of(partial(past_the_services, finding, after, office.second))
        assert refusal == "finding_step_in_order", (before, after)
    assert Finding.objects.get(pk=finding.pk).state == before


def test_the_database_has_the_table_of_the_words() -> None:
    with connection.cursor() as cursor:
        for before in ("", *State.values):
            for after in State.values:
                cursor.execute("SELECT inspections_finding_may_follow(%s, %s)", [before, after])
                assert cursor.fetchone()[0] == (after in FOLLOWS[before]), (before, after)


def test_whole_way_behind_the_second_wall(office: Office) -> None:
    with walls.scoped(office.county):
        finding = entered(office.county)
    assert finding.number == "W201841032400001"
    people = {
        "ASSIGNED": office.county, "MEASURED": office.village, "VERIFIED": office.second,
        "CLOSED": office.second,
    }  # fmt: skip
    for days, state in enumerate(WAY[1:], 1):
        with walls.scoped(people.get(state, office.village)):
            finding = office.take(finding, state, DAY + timedelta(days))
        assert finding.state == state
    assert (finding.lead_unit, finding.due_on) == (DUTY.unit, DUE)
    assert (finding.claimed_by_id, finding.closed_on) == (office.village.pk, DAY + timedelta(5))
    assert finding.position == len(WAY)
    steps = finding.steps.values_list("state", flat=True)
    assert tuple(steps) == WAY


def test_numbers_of_a_county_and_year_leave_no_gap(office: Office) -> None:
    numbers = [entered(office.county).number for _ in range(3)]
    assert [int(one[-5:]) for one in numbers] == [1, 2, 3]
    with pytest.raises(UnfitError):
        entered(office.county, fact=" ")
    assert entered(office.county).number.endswith("00004")
    other = entered(office.county, found_on=date(2019, 1, 1))
    assert other.number == "W201941032400001"


@pytest.mark.parametrize("state", [State.VERIFIED, State.CLOSED])
def test_whoever_claimed_it_neither_verifies_nor_closes(office: Office, state: str) -> None:
    """The county may mend its own problems; then somebody else closes them."""
    finding = office.brought_to(State.MEASURED)
    office.prove(finding)
    finding = stepping.claim(finding=finding, words="已更新", on=LATE, by=office.county)
    if state == State.CLOSED:
        finding = stepping.verify(finding=finding, words="属实", on=LATE, by=office.second)
    with pytest.raises(UnfitError, match="另一人"):
        stepping.take(finding=finding, state=state, words="意见", on=LATE, by=office.county)
    refusal = refusal_of(lambda: past_the_services(finding, state, office.county))
    assert refusal == "finding_takes_two_persons"
    assert state not in stepping.next_steps(finding, office.county)
    assert state in stepping.next_steps(finding, office.second)


def test_nothing_is_claimed_without_evidence_of_its_own_time(office: Office) -> None:
    finding = entered(office.county)
    # What showed the problem does not prove that it was mended.
    papers.add(finding=finding, file=SimpleUploadedFile("a.jpg", jpeg(colour=9)), by=office.county)
    for state in (State.ASSIGNED, State.MEASURED):
        finding = office.take(finding, state, DAY)
    with pytest.raises(UnfitError, match="佐证材料"):
        stepping.claim(finding=finding, words="已更新", on=DAY, by=office.village)
    refusal = refusal_of(lambda: past_the_services(finding, "CLAIMED", office.village))
    assert refusal == "finding_needs_evidence"
    finding = office.take(finding, State.CLAIMED, DAY)
    finding = stepping.send_back(finding=finding, words="照片不清", on=DAY, by=office.second)
    # Sent back: what was handed in before proves nothing any more.
    with pytest.raises(UnfitError, match="佐证材料"):
        stepping.claim(finding=finding, words="已更新", on=DAY, by=office.village)
    assert office.take(finding, State.CLAIMED, DAY).state == State.CLAIMED
    assert FindingPaper.objects.count() == 3


def test_no_step_goes_back_in_time(office: Office) -> None:
    finding = entered(office.county)
    with pytest.raises(UnfitError, match="早于"):
        office.take(finding, State.ASSIGNED, DAY - timedelta(1))
    finding = office.take(finding, State.ASSIGNED, DAY + timedelta(2))
    with pytest.raises(UnfitError, match="早于"):
        office.take(finding, State.MEASURED, DAY)
    refusal = refusal_of(lambda: past_the_services(finding, "MEASURED", office.village, on=DAY))
    assert refusal == "finding_step_not_back_in_time"


def test_what_must_be_watched_is_not_struck_off_at_once(office: Office) -> None:
    finding = office.brought_to(State.VERIFIED, needs_watch=True)
    with pytest.raises(UnfitError, match="长期坚持"):
        stepping.take(finding=finding, state="CLOSED", words="销号", on=LATE, by=office.second)
    assert (
        stepping.close(finding=finding, words="坚持", on=LATE, by=office.second).state == "WATCHED"
    )
    plain = office.brought_to(State.VERIFIED)
    with pytest.raises(UnfitError, match="直接销号"):
        stepping.take(finding=plain, state="WATCHED", words="坚持", on=LATE, by=office.second)
    watched = entering.watch(finding=plain, needs_watch=True, by=office.county)
    assert (
        stepping.close(finding=watched, words="坚持", on=LATE, by=office.second).closed_on == LATE
    )


def test_a_closed_one_comes_back_only_by_a_look_that_saw_it(office: Office) -> None:
    finding = office.brought_to(State.CLOSED)
    with pytest.raises(UnfitError, match="复查"):
        stepping.send_back(finding=finding, words="重来", on=LATE, by=office.second)
    refusal = refusal_of(lambda: past_the_services(finding, "RETURNED", office.second))
    assert refusal == "finding_came_not_back"
    _, finding = stepping.look(
        finding=finding, result="HOLDS", words="保持良好", on=LATE, by=office.second
    )
    assert (finding.state, finding.relapses) == ("CLOSED", 0)
    look, finding = stepping.look(
        finding=finding, result="RELAPSED", words="公示栏又空了", on=LATE, by=office.second
    )
    assert (finding.state, finding.relapses, finding.closed_on) == ("RETURNED", 1, None)
    assert look.position + 1 == finding.position
    # The former look does not serve a second time.
    finding = office.take(finding, State.CLAIMED, LATE)
    finding = office.take(finding, State.VERIFIED, LATE)
    finding = office.take(finding, State.CLOSED, LATE)
    refusal = refusal_of(lambda: past_the_services(finding, "RETURNED", office.second))
    assert refusal == "finding_came_not_back"


def test_looks_are_at_mended_ones_by_somebody_else(office: Office) -> None:
    finding = office.brought_to(State.VERIFIED)
    told: dict[str, Any] = {"result": "HOLDS", "words": "好", "on": LATE}
    with pytest.raises(UnfitError, match="已销号"):
        stepping.look(finding=finding, by=office.second, **told)
    finding = office.brought_to(State.MEASURED)
    office.prove(finding)
    stepping.claim(finding=finding, words="好", on=LATE, by=office.county)
    finding = office.take(Finding.objects.get(pk=finding.pk), State.VERIFIED, LATE)
    finding = office.take(finding, State.CLOSED, LATE)
    with pytest.raises(UnfitError, match="另一人"):
        stepping.look(finding=finding, by=office.county, **told)


def test_one_goes_on_in_another(office: Office) -> None:
    one, into = entered(office.county), entered(office.county)
    merged = stepping.merge(finding=one, into=into, words="同一问题", on=DAY, by=office.county)
    assert (merged.state, merged.merged_into) == ("MERGED", into)
    with pytest.raises(UnfitError, match="不能办理"):
        stepping.merge(finding=merged, into=into, words="又", on=DAY, by=office.county)
    with pytest.raises(UnfitError, match="同一县"):
        stepping.merge(finding=into, into=into, words="自己", on=DAY, by=office.county)
    closed = office.brought_to(State.CLOSED)
    with pytest.raises(UnfitError, match="同一县"):
        stepping.merge(finding=into, into=closed, words="已销号", on=DAY, by=office.county)


def test_one_becomes_several(office: Office) -> None:
    whole = entered(office.county, severity="GRAVE")
    parts = stepping.split(
        finding=whole, parts=[{"fact": "甲"}, {"fact": "乙", "severity": "ORDINARY"}],
        words="两件事", on=DAY, by=office.county,
    )  # fmt: skip
    assert [(one.fact, one.severity, one.origin, one.parent) for one in parts] == [
        ("甲", "GRAVE", "SPLIT", whole), ("乙", "ORDINARY", "SPLIT", whole),
    ]  # fmt: skip
    assert Finding.objects.get(pk=whole.pk).state == "SPLIT"
    with pytest.raises(UnfitError, match="至少"):
        stepping.split(
            finding=parts[0], parts=[{"fact": "丙"}], words="一件", on=DAY, by=office.county
        )
    # Nothing of the refused act is left.
    assert not Finding.objects.filter(fact="丙").exists()


@pytest.mark.parametrize(
    ("changes", "is_fit"),
    [
        ({}, True),
        ({"object_kind": "CADRE", "cadre": "某村主任"}, True),
        ({"object_kind": "CADRE"}, False),
        ({"cadre": "某村主任"}, False),
        ({"object_kind": "HOUSEHOLD"}, False),
        ({"object_kind": "PROJECT"}, False),
        ({"object_kind": "PAYMENT"}, False),
    ],
)
def test_the_object_is_told_whole(office: Office, changes: dict[str, Any], is_fit: bool) -> None:
    if is_fit:
        assert entered(office.county, **changes).state == "FOUND"
    else:
        with pytest.raises(UnfitError, match="对象"):
            entered(office.county, **changes)


def test_a_persons_household_is_told_with_the_person(office: Office) -> None:
    home = household(code=VILLAGE).household
    one = home.persons.first()
    finding = entered(office.county, object_kind="PERSON", person=one)
    assert (finding.household, finding.person) == (home, one)
    with pytest.raises(UnfitError, match="对象"):
        entered(office.county, object_kind="HOUSEHOLD", household=home, person=one)


def test_what_it_is_about_lies_in_its_place(office: Office) -> None:
    """Nobody puts a household of the neighbours on the own ledger, nor somebody else's member."""
    near, far = household(code=VILLAGE).household, household(code="410325100201").household
    with pytest.raises(UnfitError, match="区划内"):
        entered(office.county, object_kind="HOUSEHOLD", household=far)
    with pytest.raises(UnfitError, match="区划内"):
        entered(office.county, object_kind="PERSON", household=near, person=far.persons.first())
    told: dict[str, Any] = {"object_kind": "HOUSEHOLD", "household": near}
    assert entered(office.county, code=COUNTY, **told).household == near


def test_what_was_assigned_stands(office: Office) -> None:
    finding = entered(office.county)
    entering.amend(finding=finding, fields={"fact": "公示栏破损"}, by=office.county)
    finding = office.take(Finding.objects.get(pk=finding.pk), State.ASSIGNED, DAY)
    assert finding.fact == "公示栏破损"
    with pytest.raises(UnfitError, match="已经交办"):
        entering.amend(finding=finding, fields={"fact": "别的"}, by=office.county)
    for changes in (
        {"fact": "别的"}, {"severity": "GRAVE"}, {"due_on": LATE}, {"state": "CLOSED"},
        {"rung": 1}, {"source": "AUDIT"}, {"region_id": finding.region_id + 1},
    ):  # fmt: skip
        refusal_of(partial(Finding.objects.filter(pk=finding.pk).update, **changes))
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM inspections_finding WHERE id = %s", [finding.pk])
    refusal_of(lambda: finding.steps.all().update(words="别的"))
    refusal_of(lambda: finding.steps.all().delete())


def test_rights_end_at_the_border_and_at_the_office(office: Office, songxian_clerk: User) -> None:
    with pytest.raises(UnfitError, match="权限"):
        entered(office.village)
    finding = entered(office.county)
    for by in (office.village, office.town, songxian_clerk):
        with pytest.raises(UnfitError, match="权限"):
            stepping.assign(finding=finding, duty=DUTY, on=DAY, by=by)
    finding = office.take(finding, State.ASSIGNED, DAY)
    with pytest.raises(UnfitError, match="权限"):
        stepping.file_measure(finding=finding, measure="措施", on=DAY, by=songxian_clerk)
    assert stepping.file_measure(finding=finding, measure="措施", on=DAY, by=office.town)


def test_whoever_was_named_mends_it(office: Office, songxian_clerk: User) -> None:
    """A problem can be given to somebody by name, whatever offices they hold."""
    finding = entered(office.county)
    duty = Duty("县水利局", "李工", user=songxian_clerk, due_on=DUE, due_source="方案")
    finding = stepping.assign(finding=finding, duty=duty, on=DAY, by=office.county)
    assert stepping.file_measure(finding=finding, measure="措施", on=DAY, by=songxian_clerk)


def test_more_time_takes_two_persons(office: Office) -> None:
    finding = office.brought_to(State.ASSIGNED)
    told: dict[str, Any] = {"reason": "雨季", "on": DAY + timedelta(2)}
    with pytest.raises(UnfitError, match="晚于"):
        extending.ask(finding=finding, until=DUE, by=office.county, **told)
    asked = extending.ask(finding=finding, until=LATE, by=office.county, **told)
    with pytest.raises(UnfitError, match="等待批复"):
        extending.ask(finding=finding, until=LATE, by=office.county, **told)
    answer: dict[str, Any] = {"extension": asked, "is_granted": True, "why": "同意", "on": LATE}
    with pytest.raises(UnfitError, match="自己"):
        extending.decide(by=office.county, **answer)
    refusal = refusal_of(
        lambda: (
            type(asked)
            .objects.filter(pk=asked.pk)
            .update(is_granted=True, decided_on=LATE, decided_by=office.county, decided_why="同意")
        )
    )
    assert refusal == "extension_takes_two_persons"
    extending.decide(by=office.second, **answer)
    assert Finding.objects.get(pk=finding.pk).due_on == LATE
    with pytest.raises(UnfitError, match="已经批复"):
        extending.decide(by=office.second, **answer)


def test_refused_time_changes_nothing(office: Office) -> None:
    finding = office.brought_to(State.ASSIGNED)
    asked = extending.ask(finding=finding, until=LATE, reason="雨季", on=DAY, by=office.village)
    extending.decide(extension=asked, is_granted=False, why="抓紧", on=DAY, by=office.county)
    assert Finding.objects.get(pk=finding.pk).due_on == DUE
    # Another may be asked for.
    assert extending.ask(finding=finding, until=LATE, reason="大雨", on=DAY, by=office.village)


def test_several_are_assigned_together_or_not_at_all(office: Office) -> None:
    one, two = entered(office.county), office.brought_to(State.CLAIMED)
    with pytest.raises(UnfitError, match=two.number):
        stepping.assign_many(findings=[one, two], duty=DUTY, on=DUE, by=office.county)
    assert Finding.objects.get(pk=one.pk).state == "FOUND"
    other = entered(office.county)
    assert stepping.assign_many(findings=[other, one], duty=DUTY, on=DAY, by=office.county) == 2


def test_every_refusal_has_words() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint WHERE conrelid = ANY (%s::regclass[])"
            " UNION SELECT indexname FROM pg_indexes",
            [["inspections_finding", "inspections_findingstep", "inspections_extension",
              "inspections_campaign", "inspections_letter", "inspections_accountability"]],
        )  # fmt: skip
        held = {name for (name,) in cursor.fetchall()}
        cursor.execute("SELECT string_agg(prosrc, ' ') FROM pg_proc WHERE proname ~ '^inspections'")
        text = cursor.fetchone()[0]
    assert {name for name in REFUSALS if name not in held and f"'{name}'" not in text} == set()
