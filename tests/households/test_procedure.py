"""Procedures: step by step, by the right level and two persons, and not before a notice has run out."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from accounts.enums import Role
from core.acting import acting
from households.models import (
    HouseholdYear,
    NoticeRule,
    Objection,
    Partition,
    Person,
    Procedure,
    ProcedureStep,
    Publicity,
)
from households.services import procedure as service
from households.services.members import UnfitError
from households.services.procedure import Applicant, Minutes
from tests.conftest import person
from tests.factories.households import HOME, PartitionFactory, id_no
from tests.factories.villages import RegionFactory
from tests.households.test_members import HERE, book, both_years, events, unexplained

pytestmark = pytest.mark.django_db

DAY = date(2018, 9, 3)
MINUTES = Minutes(present=21, entitled=30, text="到会代表一致同意。")


class Crew:
    """Two persons at each level, taking turns."""

    def __init__(self) -> None:
        self.people = {
            length: [person(f"{role}{n}", role, code) for n in (1, 2)]
            for length, role, code in (
                (12, Role.VILLAGE, HOME),
                (9, Role.TOWN_CLERK, HOME[:9]),
                (6, Role.COUNTY_OFFICE, HOME[:6]),
            )
        }

    def of(self, procedure: Procedure) -> Any:
        step = service.TEMPLATES[procedure.kind].at(procedure.position)
        assert step is not None
        last = procedure.steps.order_by("-position").first()
        return next(one for one in self.people[step.level] if one.pk != last.created_by_id)


@pytest.fixture
def crew(db: None) -> Crew:
    return Crew()


def applicant(number: int = 700, name: str = "何梅德") -> Applicant:
    head = {"name": name, "sex": "01", "id_no": id_no(number)}
    child = {"name": "何小", "sex": "02", "id_no": id_no(number + 1), "relation_to_head": "04"}
    return Applicant("一组", "一组 3 号", [head, child])


def identification(crew: Crew, *applicants: Applicant) -> Procedure:
    PartitionFactory(year=2018)
    return service.start(
        village=RegionFactory(code=HOME), partition=2018, kind="IDENTIFY", on=DAY,
        reason="农户申请", applicants=applicants or [applicant()], by=crew.people[12][0],
    )  # fmt: skip


def about(kind: str, rows: list[HouseholdYear], crew: Crew) -> Procedure:
    return service.start(
        village=rows[0].village, partition=2018, kind=kind, on=DAY, reason="动态调整", rows=rows,
        by=crew.people[12][0],
    )  # fmt: skip


def decide(procedure: Procedure, crew: Crew, on: date = DAY, decision: str = "PASS") -> Procedure:
    procedure = Procedure.objects.get(pk=procedure.pk)
    return service.decide(
        procedure=procedure, decision=decision, reason="符合条件", on=on, minutes=MINUTES,
        by=crew.of(procedure),
    )  # fmt: skip


def post(procedure: Procedure, crew: Crew, on: date = DAY) -> Publicity:
    procedure = Procedure.objects.get(pk=procedure.pk)
    return service.post_notice(
        procedure=procedure, place="村务公开栏", on=on, by=crew.of(procedure)
    )


def to_the_notice(procedure: Procedure, crew: Crew) -> Publicity:
    decide(procedure, crew)
    return post(procedure, crew)


def all_the_way(procedure: Procedure, crew: Crew) -> Procedure:
    on = DAY
    while (procedure := Procedure.objects.get(pk=procedure.pk)).state == "OPEN":
        step = service.TEMPLATES[procedure.kind].at(procedure.position)
        assert step is not None
        if step.has_notice:
            on = post(procedure, crew, on).ends_on + timedelta(days=1)
        decide(procedure, crew, on)
    return procedure


def rule(kind: str, days: int = 10, **more: Any) -> NoticeRule:
    return NoticeRule.objects.create(
        region_code="410324000000", kind=kind, step="VILLAGE_NOTICE", min_days=days,
        day_kind=more.pop("day_kind", "CALENDAR"), source="县扶贫办文件", created_by=person(f"r{kind}", Role.LEADER), **more,
    )  # fmt: skip


def test_an_application_becomes_a_household_of_the_year(crew: Crew) -> None:
    both_years()
    book()
    done = all_the_way(identification(crew), crew)
    assert (done.state, done.step, done.position) == ("DONE", "", 7)
    row = HouseholdYear.objects.get(head_name="何梅德")
    assert (row.exit_status, row.identified_year, row.member_count) == ("0", 2018, 2)
    assert row.household.natural_village_name == "一组"
    assert events() == {"IDENTIFY": (1, 2)}
    assert unexplained(HERE) == 0
    case = done.cases.get()
    assert case.household_id == row.household_id
    # What waited sealed has become the register's own.
    assert case.members == ""
    assert Person.objects.filter(household=row.household_id).count() == 2


def test_relapse_moves_the_status_and_the_ledger(crew: Crew) -> None:
    row = both_years("exited", was="1")
    book()
    rule("RELAPSE")
    all_the_way(about("RELAPSE", [row], crew), crew)
    now = HouseholdYear.objects.get(pk=row.pk)
    # A household of 低保 is 低保贫困户 while poor.
    assert (now.exit_status, now.household_attribute) == ("3", "04")
    assert events() == {"RELAPSE": (1, 3)}
    assert unexplained(HERE) == 0


def test_removal_takes_the_household_out_of_the_year(crew: Crew) -> None:
    row, other = both_years(), both_years()
    book()
    rule("REMOVE")
    all_the_way(about("REMOVE", [row, other], crew), crew)
    assert not HouseholdYear.objects.filter(partition_id=2018).exists()
    assert HouseholdYear.objects.filter(partition_id=2017).count() == 2
    assert events() == {"CLEAR_OUT": (2, 6)}
    assert unexplained(HERE) == 0


def test_who_joined_and_left_in_the_year_of_a_relapse_is_counted(crew: Crew) -> None:
    from households.services import members
    from tests.households.test_members import add, roster

    row = both_years("exited", was="1")
    book()
    add(row)
    members.remove_member(
        person_year=roster(row)[1], kind="DEATH", on=DAY, reason="死亡", by=crew.people[12][0]
    )
    rule("RELAPSE")
    all_the_way(about("RELAPSE", [row], crew), crew)
    assert unexplained(HERE) == 0


def test_a_notice_blocks_until_the_day_after_its_last(crew: Crew) -> None:
    procedure = identification(crew)
    notice = to_the_notice(procedure, crew)
    assert notice.ends_on == DAY + timedelta(days=6)
    assert "不少于 7 天" in notice.source
    with pytest.raises(UnfitError, match="2018-09-09 届满"):
        decide(procedure, crew, notice.ends_on)
    assert decide(procedure, crew, notice.ends_on + timedelta(days=1)).step == "TOWN_REVIEW"


def test_an_open_objection_blocks_and_an_answer_opens(crew: Crew) -> None:
    procedure = identification(crew)
    notice = to_the_notice(procedure, crew)
    official = crew.people[12][0]
    objection = service.raise_objection(
        publicity=notice, raised_by="匿名", words="该户有商品房", on=DAY, by=official
    )
    late = notice.ends_on + timedelta(days=3)
    with pytest.raises(UnfitError, match="异议"):
        decide(procedure, crew, late)
    with pytest.raises(UnfitError, match="村级"):
        service.answer_objection(
            objection=objection, answer="已核实", on=late, by=crew.people[6][0]
        )
    service.answer_objection(objection=objection, answer="已核实，无房。", on=late, by=official)
    assert decide(procedure, crew, late).step == "TOWN_REVIEW"
    with pytest.raises(UnfitError, match="已经办结"):
        service.raise_objection(
            publicity=notice, raised_by="匿名", words="晚到", on=late, by=official
        )


def test_levels_and_two_persons(crew: Crew) -> None:
    procedure = identification(crew)
    first, second = crew.people[12]
    for wrong in (*crew.people[9], *crew.people[6], person("reader", Role.LEADER, "410324")):
        with pytest.raises(UnfitError, match="由村级办理"):
            service.decide(
                procedure=procedure, decision="PASS", reason="x", on=DAY, minutes=MINUTES, by=wrong
            )
    with pytest.raises(UnfitError, match="另一人"):
        service.decide(
            procedure=procedure, decision="PASS", reason="x", on=DAY, minutes=MINUTES, by=first
        )
    with pytest.raises(UnfitError, match="会议记录"):
        service.decide(procedure=procedure, decision="PASS", reason="x", on=DAY, by=second)
    assert service.decides(procedure, second)
    assert not service.decides(procedure, crew.people[9][0])


def test_days_without_a_source_are_the_countys_to_set(crew: Crew) -> None:
    row = both_years("exited", was="1")
    procedure = about("RELAPSE", [row], crew)
    decide(procedure, crew)
    with pytest.raises(UnfitError, match="没有设置"):
        post(procedure, crew)
    holiday = date(2018, 9, 24)
    rule("RELAPSE", 5, day_kind="WORKING", holidays=[holiday])
    notice = post(procedure, crew, date(2018, 9, 20))
    # Thursday, Friday, then Tuesday to Thursday: the weekend and Mid-Autumn are no working days.
    assert notice.ends_on == date(2018, 9, 27)


def test_a_county_may_ask_for_more_days_not_fewer(crew: Crew) -> None:
    rule("IDENTIFY", 3)
    assert to_the_notice(identification(crew), crew).min_days == 7
    NoticeRule.objects.update(min_days=15)
    assert to_the_notice(identification(crew, applicant(720)), crew).min_days == 15


def test_refusal_ends_it_without_effect(crew: Crew) -> None:
    procedure = decide(identification(crew), crew, decision="REFUSE")
    assert (procedure.state, procedure.step) == ("REFUSED", "")
    assert not HouseholdYear.objects.exists()
    with pytest.raises(UnfitError, match="办结"):
        service.post_notice(procedure=procedure, place="x", on=DAY, by=crew.people[12][0])


def test_one_of_a_batch_is_dropped_and_the_others_go_on(crew: Crew) -> None:
    procedure = identification(crew, applicant(700, "甲"), applicant(710, "乙"))
    assert service.notice_list(procedure) == [("一组", "甲"), ("一组", "乙")]
    digest = service.digest_of(procedure)
    service.drop_case(
        case=procedure.cases.get(head_name="乙"), on=DAY, reason="有商品房",
        by=crew.people[12][1],
    )  # fmt: skip
    assert service.notice_list(procedure) == [("一组", "甲")]
    assert service.digest_of(procedure) != digest
    all_the_way(procedure, crew)
    assert [row.head_name for row in HouseholdYear.objects.all()] == ["甲"]


def test_a_failing_effect_takes_the_decision_back(crew: Crew) -> None:
    row = both_years("exited", was="1")
    book()
    rule("RELAPSE")
    procedure = about("RELAPSE", [row], crew)
    HouseholdYear.objects.filter(pk=row.pk).update(exit_status="3")
    with pytest.raises(UnfitError, match="已经变化"):
        all_the_way(procedure, crew)
    procedure.refresh_from_db()
    assert (procedure.state, procedure.step) == ("OPEN", "ANNOUNCE")
    assert procedure.steps.count() == 5


def test_what_cannot_be_started(crew: Crew) -> None:
    row = both_years()
    with pytest.raises(UnfitError, match="状态不符"):
        about("RELAPSE", [row], crew)
    about("REMOVE", [row], crew)
    with pytest.raises(UnfitError, match="其他程序"):
        about("REMOVE", [row], crew)
    with pytest.raises(UnfitError, match="权限"):
        service.start(
            village=row.village, partition=2018, kind="REMOVE", on=DAY, reason="x", rows=[row],
            by=person("reader", Role.LEADER, "4103"),
        )  # fmt: skip
    Partition.objects.filter(year=2018).update(closed_at="2019-01-01T00:00:00Z")
    with pytest.raises(UnfitError, match="已关闭"):
        about("REMOVE", [both_of(row)], crew)


def both_of(row: HouseholdYear) -> HouseholdYear:
    return HouseholdYear.objects.get(pk=row.pk)


def _raw(procedure: Procedure, by: int, on: date, position: int, *, notice: bool) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO households_procedurestep (procedure_id, village_code, position, step,"
            " has_notice, decision, decided_on, reason, minutes, evidence, created_by_id)"
            " VALUES (%s, %s, %s, 'VILLAGE_NOTICE', %s, 'PASS', %s, 'x', '', '', %s)",
            [procedure.pk, procedure.village_code, position, notice, on, by],
        )


def test_the_database_refuses_by_itself(crew: Crew) -> None:
    procedure = identification(crew)
    with acting(by=None):
        notice = to_the_notice(procedure, crew)
        last = notice.ends_on
        first, second = (one.pk for one in crew.people[12])
        late = last + timedelta(days=1)
        for by, on, position, words in (
            (first, last, 2, "has not run out"),
            (first, late, 3, "out of turn"),
            (second, late, 2, "one person"),
            (first, DAY - timedelta(days=1), 2, "before the step before"),
        ):
            with pytest.raises(DatabaseError, match=words):
                _raw(procedure, by, on, position, notice=False)
        Objection.objects.create(
            publicity=notice, village_code=HOME, raised_by="匿名", raised_on=DAY, words="x",
            created_by_id=first,
        )  # fmt: skip
        with pytest.raises(DatabaseError, match="objection"):
            _raw(procedure, first, late, 2, notice=True)
        with pytest.raises(DatabaseError, match="publicity_takes_its_days"), transaction.atomic():
            Publicity.objects.filter(pk=notice.pk).update(ends_on=DAY)
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            ProcedureStep.objects.update(reason="改写")


def test_members_wait_sealed(crew: Crew) -> None:
    procedure = identification(crew)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT members FROM households_procedurecase WHERE procedure_id = %s", [procedure.pk]
        )
        stored = bytes(cursor.fetchone()[0])
    assert id_no(700).encode() not in stored


def test_an_exit_of_a_village_moves_the_status_and_the_ledger(crew: Crew) -> None:
    row, other = both_years(), both_years()
    HouseholdYear.objects.filter(pk=row.pk).update(household_attribute="04")
    book()
    rule("EXIT")
    done = all_the_way(about("EXIT", [row, other], crew), crew)
    assert (done.state, done.position) == ("DONE", 8)
    now = HouseholdYear.objects.get(pk=row.pk)
    assert (now.exit_status, now.exit_year, now.household_attribute) == ("1", 2018, "02")
    assert events() == {"EXIT": (2, 6)}
    assert unexplained(HERE) == 0


def test_an_objection_blocks_the_exit_of_the_batch_until_answered(crew: Crew) -> None:
    row, other = both_years(), both_years()
    rule("EXIT", 3)
    procedure = about("EXIT", [row, other], crew)
    for _ in range(3):
        decide(procedure, crew)
    notice = post(procedure, crew)
    after = notice.ends_on + timedelta(days=1)
    objection = service.raise_objection(
        publicity=notice, raised_by="匿名", words="收入不实", on=DAY, by=crew.people[12][0]
    )
    with pytest.raises(UnfitError, match="异议"):
        decide(procedure, crew, after)
    now = Procedure.objects.get(pk=procedure.pk)
    service.answer_objection(objection=objection, answer="已入户核实", on=after, by=crew.of(now))
    assert decide(procedure, crew, after).step == "TOWN_REVIEW"


@pytest.mark.parametrize("year", [2018, None])
def test_who_was_identified_this_year_stays_where_the_rule_says_so(
    crew: Crew, year: int | None
) -> None:
    row = both_years()
    HouseholdYear.objects.filter(pk=row.pk).update(identified_year=year)
    row.refresh_from_db()
    own = rule("EXIT")
    about("EXIT", [row], crew)
    Procedure.objects.update(state="REFUSED", step="")
    NoticeRule.objects.filter(pk=own.pk).update(bars_new=True)
    with pytest.raises(UnfitError, match="本年度"):
        about("EXIT", [row], crew)


def to_the_approval(procedure: Procedure, crew: Crew) -> date:
    """The day on which the county may approve."""
    on = DAY
    while (now := Procedure.objects.get(pk=procedure.pk)).step != "COUNTY_APPROVAL":
        if now.step == "VILLAGE_NOTICE":
            on = post(now, crew).ends_on + timedelta(days=1)
        decide(now, crew, on)
    return on


@pytest.mark.parametrize("year", [2018, None])
def test_the_approval_asks_again_who_is_new(crew: Crew, year: int | None) -> None:
    """The rule was made, and the year put right, after the village had proposed its list."""
    row, old = both_years(), both_years()
    HouseholdYear.objects.update(identified_year=2016)
    own = rule("EXIT")
    procedure = about("EXIT", [row, old], crew)
    on = to_the_approval(procedure, crew)
    HouseholdYear.objects.filter(pk=row.pk).update(identified_year=year)
    NoticeRule.objects.filter(pk=own.pk).update(bars_new=True)
    with pytest.raises(UnfitError, match="本年度不得退出"):
        decide(procedure, crew, on)

    past_the_service = ProcedureStep(
        procedure=procedure, village_code=HOME, position=6, step="COUNTY_APPROVAL",
        has_notice=False, decision="PASS", decided_on=on, reason="绕过",
        created_by=crew.people[6][0],
    )  # fmt: skip
    with pytest.raises(IntegrityError, match="identified this year"), transaction.atomic():
        past_the_service.save()
    # To refuse is always possible, and so is to go on without the household.
    case = procedure.cases.get(household=row.household_id)
    service.drop_case(case=case, on=on, reason="本年度识别", by=crew.people[6][0])
    assert decide(procedure, crew, on).step == "ANNOUNCE"


def test_nobody_new_slips_in_before_the_announcement(crew: Crew) -> None:
    row = both_years()
    HouseholdYear.objects.update(identified_year=2016)
    own = rule("EXIT")
    procedure = about("EXIT", [row], crew)
    on = to_the_approval(procedure, crew)
    NoticeRule.objects.filter(pk=own.pk).update(bars_new=True)
    assert decide(procedure, crew, on).step == "ANNOUNCE"
    HouseholdYear.objects.filter(pk=row.pk).update(identified_year=None)
    with pytest.raises(UnfitError, match="识别年度不详"):
        decide(procedure, crew, on)
    HouseholdYear.objects.filter(pk=row.pk).update(identified_year=2016)
    assert decide(procedure, crew, on).state == "DONE"


def test_working_days_of_a_year_without_a_table_are_refused(crew: Crew) -> None:
    row = both_years()
    rule("EXIT", 5, day_kind="WORKING", holidays=[date(2017, 10, 1)])
    procedure = about("EXIT", [row], crew)
    for _ in range(3):
        decide(procedure, crew)
    with pytest.raises(UnfitError, match="2018"):
        post(procedure, crew)
    assert not Publicity.objects.exists()
