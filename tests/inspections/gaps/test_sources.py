"""What is missing: each source brings its rows, which go when they are mended; scope and order."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from exits.models import GateResult, Standard
from households.models import Assignment, Procedure, Publicity
from inspections.enums.findings import State
from inspections.models import Extension, Finding
from inspections.queries import gaps
from inspections.queries.gaps_shown import shown
from inspections.services.findings import stepping
from inspections.services.findings.stepping import Duty
from inspections.services.letters import preparing, sending
from tests.factories.households import household
from tests.factories.villages import RegionFactory, VillageYearFactory
from tests.inspections.findings.conftest import COUNTY, DAY, VILLAGE
from tests.inspections.gaps.conftest import YEAR, Scene, asked, judged, kinds, marked, on_task
from villages.models import Region

pytestmark = pytest.mark.django_db


def rows(by: User, place: str = VILLAGE) -> list[gaps.Gap]:
    return gaps.all_of(asked(by, place), 100)


def test_a_problem_is_missing_until_it_is_claimed(scene: Scene) -> None:
    (row,) = rows(scene.office.village)
    (line,) = shown([row], YEAR, timezone.localdate())
    assert (row.kind, row.ref, row.due) == ("finding", scene.finding.pk, scene.finding.due_on)
    assert line.owner == "王主任"
    assert line.is_late
    assert scene.finding.number in line.what
    measured = scene.office.take(scene.finding, State.MEASURED, DAY + timedelta(5))
    assert kinds(scene.office.village) == ["finding"]
    scene.office.take(measured, State.CLAIMED, DAY + timedelta(6))
    assert kinds(scene.office.village) == []


def test_items_of_the_standard_in_force(scene: Scene) -> None:
    """Not met and unknown are told apart; what is no item of the standard is none."""
    row = scene.ready(not_met=("income", "nothing"), missing=("food",))
    found = [one for one in rows(scene.office.village) if one.kind != "finding"]
    assert [(one.kind, one.item) for one in found] == [("unknown", "food"), ("unmet", "income")]
    lines = shown(found, YEAR, timezone.localdate())
    assert [line.what for line in lines] == ["吃：缺数据", "人均纯收入：未达标"]
    assert "现场核实" in lines[0].how
    assert "贫困户档案" in lines[1].how
    assert lines[0].head == "何一"
    row.not_met, row.missing = [], []
    row.save(update_fields=["not_met", "missing"])
    assert kinds(scene.office.village) == ["finding"]


def test_items_of_another_standard_are_none(scene: Scene) -> None:
    row = scene.ready(not_met=("income",))
    row.standard = Standard.objects.get(code="shaanxi")
    row.save(update_fields=["standard"])
    assert kinds(scene.office.village) == ["finding"]


def test_those_who_exited_lack_nothing(scene: Scene) -> None:
    row = scene.ready(not_met=("income",))
    row.is_poor = False
    row.save(update_fields=["is_poor"])
    assert kinds(scene.office.village) == ["finding"]


def test_gates_of_a_village(scene: Scene) -> None:
    facts = VillageYearFactory(
        region=Region.objects.get(code=VILLAGE), is_poor_village=True, exited_year=None, year=YEAR
    )
    standard = Standard.objects.get(code="henan")
    for item, outcome in (("road", "not_met"), ("clinic", "missing"), ("culture", "met")):
        GateResult.objects.create(
            partition=YEAR, region_code=VILLAGE, standard=standard, item=item, level="village",
            is_veto=True, outcome=outcome, standard_version=1, data_version=1,
            reason="" if outcome == "met" else "测试",
        )  # fmt: skip
    assert kinds(scene.office.village) == ["finding", "gate_unknown", "gate_unmet"]
    what = {line.what for line in shown(rows(scene.office.village), YEAR, timezone.localdate())}
    assert {"通村道路：未达标", "标准化卫生室和合格乡村医生：缺数据"} < what
    facts.exited_year = YEAR
    facts.save(update_fields=["exited_year"])
    assert kinds(scene.office.village) == ["finding"]


def test_marks_and_tasks(scene: Scene) -> None:
    mark = marked(scene.home, scene.office.county, date(2018, 11, 1))
    item = on_task(scene.home, scene.office.county)
    found = shown(rows(scene.office.village), YEAR, timezone.localdate())
    told = {line.gap.kind: line for line in found}
    assert "收入与务工不符" in told["mark"].what
    assert "危房改造" in told["task"].what
    assert told["task"].gap.owner == scene.office.county.pk
    mark.closed_at, mark.closed_by, mark.result = timezone.now(), scene.office.village, "UNTRUE"
    mark.save()
    item.done_at, item.done_by = timezone.now(), scene.office.village
    item.save()
    assert kinds(scene.office.village) == ["finding"]


def test_a_notice_that_runs(scene: Scene) -> None:
    today = timezone.localdate()
    made = Procedure.objects.create(
        village=Region.objects.get(code=VILLAGE), village_code=VILLAGE, partition_id=YEAR,
        kind="IDENTIFY", step="VILLAGE_NOTICE", started_on=today,
        created_by=scene.office.village,
    )  # fmt: skip
    row = next(one for one in rows(scene.office.village) if one.kind == "procedure")
    assert row.due is None
    Publicity.objects.create(
        procedure=made, village_code=VILLAGE, step="VILLAGE_NOTICE", place="村委会",
        starts_on=today, min_days=7, day_kind="CALENDAR", ends_on=today + timedelta(7),
        source="测试", listed=[], list_digest="0" * 64, created_by=scene.office.village,
    )  # fmt: skip
    row = next(one for one in rows(scene.office.village) if one.kind == "procedure")
    assert row.due == today + timedelta(7)


def test_more_time_that_was_asked_for(scene: Scene) -> None:
    made = Extension.objects.create(
        finding=scene.finding, region_code=VILLAGE, until=date(2018, 12, 1), reason="雨季",
        asked_on=date(2018, 9, 20), asked_by=scene.office.village,
    )  # fmt: skip
    assert kinds(scene.office.county) == ["extension", "finding"]
    made.is_granted, made.decided_on = False, date(2018, 9, 21)
    made.decided_by, made.decided_why = scene.office.county, "理由不充分"
    made.save()
    assert kinds(scene.office.county) == ["finding"]


def test_what_is_watched_is_looked_at_every_month(scene: Scene) -> None:
    watched = scene.office.brought_to(State.WATCHED)
    assert kinds(scene.office.county) == ["finding", "look"]
    stepping.look(
        finding=watched, result="HOLDS", words="保持", on=timezone.localdate(),
        by=scene.office.second,
    )  # fmt: skip
    assert kinds(scene.office.county) == ["finding"]


def test_letters_that_wait_for_a_reply(scene: Scene) -> None:
    (letter,) = preparing.prepare(today=date(2018, 10, 8), prefix="410324")
    assert kinds(scene.office.county, COUNTY) == ["finding"]
    sending.issue(
        letter=letter, on=date(2018, 10, 8), reply_due_on=date(2018, 10, 20),
        by=scene.office.county,
    )  # fmt: skip
    assert kinds(scene.office.county, COUNTY) == ["finding", "letter"]


def test_overdue_first_and_households_together(scene: Scene) -> None:
    other = household(head="何二")
    scene.ready(not_met=("income",))
    judged(other, not_met=("income",))
    marked(other, scene.office.county, date(2018, 12, 1))
    found = gaps.all_of(asked(scene.office.village), 100)
    assert [(one.kind, one.household) for one in found] == [
        ("finding", None),
        ("mark", other.household_id),
        ("unmet", other.household_id),
        ("unmet", scene.home.household_id),
    ]


def test_pages_forth_and_back(scene: Scene) -> None:
    scene.ready(not_met=("income", "housing"), missing=("food", "clothing"))
    ask = asked(scene.office.village)
    whole = gaps.all_of(ask, 100)
    first = gaps.page(ask, size=2)
    second = gaps.page(ask, after=first.after, size=2)
    third = gaps.page(ask, after=second.after, size=2)
    assert [*first.rows, *second.rows, *third.rows] == whole
    assert (first.before, third.after) == ("", "")
    back = gaps.page(ask, before=third.before, size=2)
    assert back.rows == second.rows
    assert gaps.page(ask, before=back.before, size=2).rows == first.rows


@pytest.mark.parametrize("key", ["", "x", "1.2.3", "20180101.a.0.20180101.finding.1.", "\x00"])
def test_a_key_that_makes_no_sense_begins_anew(scene: Scene, key: str) -> None:
    assert gaps.page(asked(scene.office.village), after=key).rows


def test_entrusted_households_are_somebodys(scene: Scene, helper: User) -> None:
    scene.ready(not_met=("income",))
    assert {one.who for one in rows(scene.office.village) if one.kind == "unmet"} == {""}
    Assignment.objects.create(
        household=scene.home.household, village_code=VILLAGE, user=helper, reason="帮扶"
    )
    (row,) = [one for one in rows(scene.office.village) if one.kind == "unmet"]
    assert row.who == f"u{helper.pk}"
    ((line),) = shown([row], YEAR, timezone.localdate())
    assert line.owner == helper.display_name


def test_a_helper_sees_entrusted_households_alone(scene: Scene, helper: User) -> None:
    scene.ready(not_met=("income",))
    judged(household(head="何二"), not_met=("income",))
    assert kinds(helper, "") == []
    Assignment.objects.create(
        household=scene.home.household, village_code=VILLAGE, user=helper, reason="帮扶"
    )
    (row,) = gaps.all_of(asked(helper, "", mine=True), 100)
    assert (row.kind, row.household) == ("unmet", scene.home.household_id)


def test_mine_by_name_and_by_office(scene: Scene) -> None:
    scene.ready(not_met=("income",))
    office = scene.office
    # Assigned to a name without an account: the village has to see it.
    assert kinds(office.village, "", mine=True) == ["finding", "unmet"]
    stepping.assign(
        finding=scene.finding, duty=Duty("城关镇", "李四", office.town, date(2018, 10, 1), "方案"),
        on=DAY + timedelta(2), by=office.county,
    )  # fmt: skip
    assert kinds(office.town, "", mine=True) == ["finding"]
    assert kinds(office.village, "", mine=True) == ["unmet"]


def test_counts_are_lengths_of_lists(scene: Scene) -> None:
    scene.ready(not_met=("income",), missing=("food",))
    ask = asked(scene.office.county, COUNTY[:6])
    counted, owners = gaps.overview(ask, 9)
    assert counted["410324100"].sources == {"finding": 1, "unmet": 1, "unknown": 1}
    assert (counted["410324100"].total, counted["410324100"].late) == (3, 1)
    assert gaps.count(ask) == (3, 1)
    for source, n in counted["410324100"].sources.items():
        assert gaps.count(asked(scene.office.county, COUNTY[:6], source=source))[0] == n
    assert owners == gaps.owners(ask)
    assert sum(one.total for one in owners) == 3
    for one in owners:
        ask_one = asked(scene.office.county, COUNTY[:6], who=one.who or "-")
        assert gaps.count(ask_one) == (one.total, one.late)


def test_another_county_is_nobodys_here(scene: Scene) -> None:
    RegionFactory(code="410325100201")
    judged(household(head="何三", code="410325100201"), not_met=("income",))
    assert kinds(scene.office.county, "") == ["finding"]


def test_as_many_queries_for_one_as_for_many(scene: Scene) -> None:
    scene.ready(not_met=("income",))

    def queries() -> int:
        with CaptureQueriesContext(connection) as met:
            shown(gaps.page(asked(scene.office.county)).rows, YEAR, timezone.localdate())
            gaps.overview(asked(scene.office.county, "4103"), 6)
        return len(met)

    before = queries()
    for head in ("何二", "何三", "何四"):
        judged(household(head=head), not_met=("income", "housing"), missing=("food",))
        scene.office.brought_to(State.ASSIGNED)
    assert Finding.objects.count() == 4
    assert queries() == before
