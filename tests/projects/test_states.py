"""The states of a project as a table: what may follow what, by the acts and past them."""

import threading
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from core import walls
from exits.models import Holiday
from projects.enums import FOLLOWS, ORDER, State
from projects.models import Project, ProjectStep, ProjectType
from projects.services import closing, entering, noticing, quotas, stepping
from projects.services.common import REFUSALS, UnfitError
from tests.factories.villages import RegionFactory
from tests.projects.conftest import (
    COUNTY,
    DAY,
    FACTS,
    SOURCE,
    VILLAGE,
    WAY,
    Office,
    brought_to,
    proposed,
)

pytestmark = pytest.mark.django_db
LATE = date(2019, 12, 31)


def past_the_services(project: Project, state: str, by: Any, **changes: Any) -> None:
    """A step as a form that forgets everything would write it."""
    extra = {"amount": Decimal(1), "document": "文"} if state == "BUDGETED" else {}
    ProjectStep.objects.create(
        **{
            "project": project, "region_code": project.region_code,
            "position": project.position, "state": state, "on": LATE, "reason": "理由",
            "created_by": by, **extra,
        } | changes
    )  # fmt: skip


def refusal_of(work: Any) -> str:
    """The name of the constraint that refused."""
    with pytest.raises(DatabaseError) as error, transaction.atomic():
        work()
    return error.value.__cause__.diag.constraint_name or "refused"  # type: ignore[union-attr]


@pytest.mark.parametrize("before", [*ORDER, State.REFUSED, State.CANCELLED])
def test_only_what_the_table_lists_follows(office: Office, before: str) -> None:
    project = brought_to(office, before)
    assert project.state == before
    for after in State.values:
        if after in FOLLOWS[before]:
            continue
        with pytest.raises(UnfitError):
            stepping.take(project=project, state=after, on=LATE, reason="意见", by=office.county)
        refusal = refusal_of(partial(past_the_services, project, after, office.second))
        assert refusal == "project_step_in_order", (before, after)
    assert Project.objects.get(pk=project.pk).state == before


def test_the_database_has_the_table_of_the_words() -> None:
    with connection.cursor() as cursor:
        for before in ("", *State.values):
            for after in State.values:
                cursor.execute("SELECT projects_may_follow(%s, %s)", [before, after])
                assert cursor.fetchone()[0] == (after in FOLLOWS[before]), (before, after)


def test_whole_way_behind_the_second_wall(office: Office) -> None:
    RegionFactory(code=VILLAGE)
    with walls.scoped(office.village):
        project = proposed(office.village)
    assert project.number == "P201841032400001"
    for state, on in WAY.items():
        with walls.scoped(office.county):
            office.ready(state, project, on)
            office.take(state, project, on)
        project = Project.objects.get(pk=project.pk)
        assert project.state == state
    assert project.position == len(WAY) + 1
    assert (project.budget, project.percent) == (Decimal("600000.00"), Decimal(100))
    assert (project.started_on, project.completed_on) == (WAY["STARTED"], WAY["COMPLETED"])
    assert project.settlement.audited == Decimal("598000.00")


@pytest.mark.parametrize(
    ("state", "obstacle"),
    [
        ("LIBRARY", "project_needs_targets"),
        ("STARTED", "project_needs_stages"),
        ("COMPLETED", "project_needs_whole_progress"),
        ("ACCEPTED", "project_needs_acceptance"),
        ("SETTLED", "project_needs_completion_notice"),
        ("REGISTERED", "project_needs_asset"),
        ("EVALUATED", "project_needs_evaluation"),
    ],
)
def test_a_step_takes_what_belongs_to_it(office: Office, state: str, obstacle: str) -> None:
    before = ORDER[ORDER.index(state) - 1]
    project = brought_to(office, before)
    by = office.village if state in ("STARTED", "COMPLETED", "REGISTERED") else office.second
    with pytest.raises(UnfitError, match=REFUSALS[obstacle][:6]):
        stepping.take(project=project, state=state, on=LATE, reason="意见", by=by)
    assert refusal_of(lambda: past_the_services(project, state, by)) == obstacle
    assert Project.objects.get(pk=project.pk).state == before


def test_the_library_needs_targets_and_the_end_of_the_notice(office: Office) -> None:
    project = brought_to(office, "DECIDED")
    aims = [entering.Aim("硬化道路", "公里", Decimal("3.25"))]
    entering.set_targets(project=project, aims=aims, by=office.village)
    assert refusal_of(lambda: past_the_services(project, "LIBRARY", office.county)) == (
        "project_needs_plan_notice"
    )
    posted = date(2018, 1, 22)
    office.post(project, "PLAN", posted)
    ends = project.notices.get().ends_on
    assert ends == posted + timedelta(9)
    with pytest.raises(UnfitError, match="届满"):
        stepping.take_in(project=project, on=ends, reason="入库", by=office.county)
    taken = stepping.take_in(
        project=project, on=ends + timedelta(1), reason="入库", by=office.county
    )
    assert taken.state == "LIBRARY"
    with pytest.raises(UnfitError):
        entering.set_targets(project=project, aims=[], by=office.village)


def test_notices_hang_in_their_time_for_their_days(office: Office) -> None:
    project = brought_to(office, "PROPOSED")
    with pytest.raises(UnfitError, match="不是张贴"):
        office.post(project, "PLAN", DAY)
    project = brought_to(office, "DECIDED", project)
    for on, days, words in ((DAY, 10, "不是张贴"), (date(2018, 1, 20), 0, "至少一天")):
        with pytest.raises(UnfitError, match=words):
            office.post(project, "PLAN", on, days)
    with pytest.raises(UnfitError, match="节假日"):
        noticing.post(
            project=project, kind="PLAN", place="栏", phone="12317", on=date(2018, 1, 22),
            min_days=5, day_kind="WORKING", source=SOURCE, by=office.village,
        )  # fmt: skip
    for day in (15, 16):
        Holiday.objects.create(day=date(2018, 2, day), is_off=True, source="测试")
    notice = noticing.post(
        project=project, kind="PLAN", place="栏", phone="12317", on=date(2018, 2, 14),
        min_days=3, day_kind="WORKING", source=SOURCE, by=office.village,
    )  # fmt: skip
    assert notice.ends_on == date(2018, 2, 20)
    assert ["建设内容", FACTS["content"]] in notice.listed
    assert not any("户" in label for label, _ in notice.listed)


@pytest.mark.parametrize(
    ("state", "who"),
    [("REVIEWED", "village"), ("REVIEWED", "county"), ("DECIDED", "town"), ("LIBRARY", "village"),
     ("BUDGETED", "town"), ("ACCEPTED", "village"), ("SETTLED", "town"), ("EVALUATED", "town")],
)  # fmt: skip
def test_other_offices_do_not_take_the_step(office: Office, state: str, who: str) -> None:
    project = brought_to(office, "SETTLED" if state == "EVALUATED" else before_(state))
    with pytest.raises(UnfitError):
        office.take(state, project, WAY[state], by=getattr(office, who))


def before_(state: str) -> str:
    return ORDER[ORDER.index(state) - 1]


def test_nobody_approves_what_he_entered(office: Office) -> None:
    own = proposed(office.town)
    with pytest.raises(UnfitError, match="另一人"):
        stepping.review(project=own, on=DAY, reason="同意", by=office.town)
    with pytest.raises(UnfitError, match="另一人"):
        stepping.refuse(project=own, on=DAY, reason="不同意", by=office.town)
    # Whoever put it right last entered it, too.
    other = proposed(office.village)
    entering.amend(project=other, fields={"name": "改"}, by=office.town)
    assert refusal_of(lambda: past_the_services(other, "REVIEWED", office.town)) == (
        "project_takes_two_persons"
    )
    county = proposed(office.county, COUNTY)
    reviewed = stepping.review(project=county, on=DAY, reason="同意", by=office.second)
    for one in (office.county, office.second):
        with pytest.raises(UnfitError, match="另一人"):
            stepping.decide(project=reviewed, on=DAY, reason="同意", by=one)


def test_whoever_reported_does_not_accept(office: Office) -> None:
    project = brought_to(office, "STARTED")
    from projects.services import working

    working.report(
        project=project, month=date(2018, 9, 1), words="完工", by=office.county,
        done={1: Decimal(100), 2: Decimal(100)},
    )  # fmt: skip
    stepping.complete(project=project, on=WAY["COMPLETED"], reason="完工", by=office.village)
    with pytest.raises(UnfitError, match="另一人"):
        office.take("ACCEPTED", project, WAY["ACCEPTED"])
    assert not project.acceptances.exists()
    office.take("ACCEPTED", project, WAY["ACCEPTED"], by=office.second)


def test_a_failed_acceptance_stays_and_the_project_waits(office: Office) -> None:
    project = brought_to(office, "COMPLETED")
    closing.accept(
        project=project, passed=False, team="验收组", opinion="路肩未完成", on=WAY["ACCEPTED"],
        by=office.county,
    )  # fmt: skip
    assert Project.objects.get(pk=project.pk).state == "COMPLETED"
    office.take("ACCEPTED", project, date(2018, 10, 20))
    assert [one.passed for one in project.acceptances.order_by("position")] == [False, True]


def test_a_training_is_evaluated_without_an_asset(office: Office) -> None:
    project = brought_to(office, "SETTLED", proposed(office.village, type_="0201"))
    with pytest.raises(UnfitError, match="不形成资产"):
        office.take("REGISTERED", project, WAY["REGISTERED"])
    office.ready("EVALUATED", project, LATE)
    office.take("EVALUATED", project, LATE)
    assert Project.objects.get(pk=project.pk).state == "EVALUATED"
    road = brought_to(office, "SETTLED")
    office.ready("EVALUATED", road, LATE)
    with pytest.raises(UnfitError, match="资产"):
        office.take("EVALUATED", road, LATE)


def test_dates_do_not_go_back(office: Office) -> None:
    project = brought_to(office, "REVIEWED")
    with pytest.raises(UnfitError, match="早于"):
        stepping.decide(
            project=project, on=WAY["REVIEWED"] - timedelta(1), reason="同意", by=office.county
        )


def test_what_is_settled_stays(office: Office) -> None:
    project = brought_to(office, "REVIEWED")
    with pytest.raises(UnfitError, match="已经审核"):
        entering.amend(project=project, fields={"name": "改"}, by=office.village)
    for change in (
        {"name": "改"}, {"planned_amount": 1}, {"state": "EVALUATED"}, {"budget": 5},
        {"percent": 50}, {"position": 9},
    ):  # fmt: skip
        query = Project.objects.filter(pk=project.pk)
        assert refusal_of(lambda query=query, change=change: query.update(**change))
    assert refusal_of(lambda: Project.objects.filter(pk=project.pk)._raw_delete("default"))
    assert refusal_of(lambda: ProjectStep.objects.filter(project=project).update(reason="改"))
    entering.name_contractor(project=project, contractor="某路桥公司", by=office.village)
    begun = brought_to(office, "STARTED")
    with pytest.raises(UnfitError):
        entering.name_contractor(project=begun, contractor="另一家", by=office.village)


def test_a_project_without_its_first_step_never_was(office: Office) -> None:
    def bare() -> None:
        Project.objects.create(
            **FACTS, type=ProjectType.objects.get(pk="1001"), sector="10",
            region=RegionFactory(code=COUNTY), region_code=COUNTY, entered_by=office.county,
        )  # fmt: skip
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS projects_has_begun IMMEDIATE")

    assert refusal_of(bare) == "refused"


def test_nothing_is_assigned_beyond_the_quota(office: Office) -> None:
    sector = ProjectType.objects.get(pk="10")
    county = RegionFactory(code=COUNTY)

    def quota(amount: str) -> None:
        quotas.set_quota(
            region=county, year=2018, sector=sector, amount=Decimal(amount), source=SOURCE,
            by=office.county,
        )  # fmt: skip

    quota("1000000.00")
    brought_to(office, "BUDGETED")
    second = brought_to(office, "LIBRARY")
    with pytest.raises(UnfitError, match="额度"):
        office.take("BUDGETED", second, WAY["BUDGETED"], amount=Decimal("400000.01"))
    office.take("BUDGETED", second, WAY["BUDGETED"], amount=Decimal("400000.00"))
    with pytest.raises(UnfitError, match="额度"):
        quota("999999.99")
    stepping.cancel(
        project=Project.objects.get(pk=second.pk), on=LATE, reason="不再实施", by=office.county
    )
    quota("600000.00")
    # Another sector has its own; where there is none, nothing is held back.
    brought_to(office, "BUDGETED", proposed(office.village, type_="0201"))


def test_numbers_go_on_by_county_and_year(office: Office) -> None:
    made = [proposed(office.village), proposed(office.county, COUNTY)]
    made += [proposed(office.village, year=2019)]
    assert [one.number[1:] for one in made] == [
        "201841032400001", "201841032400002", "201941032400001",
    ]  # fmt: skip
    with pytest.raises(UnfitError, match="编号"):
        entering.propose(
            region=RegionFactory(code=COUNTY), on=DAY, number=made[0].number, by=office.county,
            fields={**FACTS, "type": ProjectType.objects.get(pk="1001")},
        )  # fmt: skip


@pytest.mark.integration
@pytest.mark.django_db(transaction=True)
def test_twenty_at_once_on_the_last_of_the_quota(office: Office) -> None:
    """One assignment fits, whether the quota was there before them or comes in between."""
    quotas.set_quota(
        region=RegionFactory(code=COUNTY), year=2018, sector=ProjectType.objects.get(pk="10"),
        amount=Decimal("600000.00"), source="测试", by=office.county,
    )  # fmt: skip
    waiting = [
        brought_to(office, "LIBRARY", proposed(office.village, name=f"路{n}")) for n in range(20)
    ]
    ready, told = threading.Barrier(20), []

    def run(project: Project) -> None:
        ready.wait(60)
        try:
            office.take("BUDGETED", project, WAY["BUDGETED"])
            told.append(True)
        except UnfitError:
            told.append(False)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(one,)) for one in waiting]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert sorted(told) == [False] * 19 + [True]


@pytest.mark.integration
@pytest.mark.django_db(transaction=True)
def test_a_first_quota_sees_what_is_being_assigned(office: Office) -> None:
    """While an assignment is still open nobody can set a first quota below it."""
    project = brought_to(office, "LIBRARY")
    region, sector = RegionFactory(code=COUNTY), ProjectType.objects.get(pk="10")
    assigned, told = threading.Event(), []

    def lower() -> None:
        assigned.wait(60)
        try:
            quotas.set_quota(
                region=region, year=2018, sector=sector, amount=Decimal("1.00"), source="测试",
                by=office.county,
            )  # fmt: skip
            told.append("set")
        except UnfitError:
            told.append("refused")
        finally:
            connection.close()

    thread = threading.Thread(target=lower)
    thread.start()
    with transaction.atomic():
        office.take("BUDGETED", project, WAY["BUDGETED"])
        assigned.set()
        thread.join(2)
        assert told == []
    thread.join(60)
    assert told == ["refused"]
