"""Villages and counties exit step by step; what is out of turn is refused by service and database."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, connection, transaction

from accounts.enums import Role
from accounts.models import User
from exits.catalog import exit_template, exit_templates
from exits.enums import Outcome
from exits.models import (
    ExitCase,
    ExitDecision,
    ExitNotice,
    ExitProcedure,
    ExitReversal,
    GateResult,
    Holiday,
)
from exits.services import procedures as service
from exits.services.procedures import Said, UnfitError
from tests.conftest import person
from tests.exits.conftest import COUNTY, OTHER_TOWN, TOWN, VILLAGES
from villages.models import CountyYear, Region, VillageYear

pytestmark = pytest.mark.django_db
DAY = date(2018, 12, 3)
YES = Said("PASS", "符合条件")
DOC = Said("PASS", "同意", "洛政文〔2018〕9号")


def regions(*codes: str) -> list[Region]:
    return list(Region.objects.filter(code__in=codes).order_by("code"))


def proposed(by: User, *codes: str, on: date = DAY) -> ExitProcedure:
    made, left = service.propose_villages(
        villages=regions(*(codes or VILLAGES)), partition=2018, on=on, said=YES, by=by
    )
    assert not left
    (one,) = made
    return one


def noticed(procedure: ExitProcedure, by: User, on: date = DAY, days: int = 7) -> ExitNotice:
    service.set_rule(
        level="village", region=Region.objects.get(code=COUNTY), step="TOWN_NOTICE",
        min_days=days, day_kind="CALENDAR", source="栾扶贫〔2018〕3号",
        by=person(f"setter{procedure.pk}", Role.COUNTY_OFFICE, "410324"),
    )  # fmt: skip
    return service.post_notice(procedure=procedure, place="镇政府公示栏", on=on, by=by)


def refused(statement: str, *values: Any) -> str:
    with pytest.raises(DatabaseError) as told, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)
    return str(told.value)


def slipped_in(procedure: ExitProcedure, **changes: Any) -> str:
    """A decision written past the service; what the database says."""
    fields = {
        "procedure": procedure, "region_code": procedure.region_code,
        "position": procedure.position, "step": procedure.step, "has_notice": False,
        "needs_document": False, "decision": "PASS", "decided_on": DAY, "reason": "绕过",
    } | changes  # fmt: skip
    with pytest.raises(IntegrityError) as told, transaction.atomic():
        ExitDecision.objects.create(**fields)
    return str(told.value)


def test_templates_are_whole_and_sourced() -> None:
    assert {one.level for one in exit_templates()} == {"village", "county"}
    for template in exit_templates():
        assert all(step.source and step.label for step in template.steps)
        assert len({step.code for step in template.steps}) == len(template.steps)
    assert exit_template("county", COUNTY).region_prefix == "41"
    assert exit_template("village", COUNTY).region_prefix == ""
    lanzhou = exit_template("village", "620102000000").named("TOWN_NOTICE")
    assert lanzhou is not None
    assert (lanzhou.min_days, lanzhou.day_kind) == (5, "WORKING")


def test_villages_of_a_town_exit_together(
    places: None, town_clerk: User, clerk2: User, office: User
) -> None:
    procedure = proposed(town_clerk)
    assert (procedure.step, procedure.cases.count()) == ("TOWN_NOTICE", 3)
    notice = noticed(procedure, clerk2)
    assert notice.ends_on == DAY + timedelta(6)
    assert notice.listed == ["203村", "204村", "205村"]
    with pytest.raises(UnfitError, match="届满"):
        service.decide(procedure=procedure, said=YES, on=notice.ends_on, by=clerk2)
    after = notice.ends_on + timedelta(1)
    service.decide(procedure=procedure, said=YES, on=after, by=clerk2)
    with pytest.raises(UnfitError, match="由市级"):
        service.decide(procedure=procedure, said=DOC, on=after, by=town_clerk)
    with pytest.raises(UnfitError, match="文号"):
        service.decide(procedure=procedure, said=YES, on=after, by=office)
    done = service.decide(procedure=procedure, said=DOC, on=after, by=office)
    assert (done.state, done.step) == ("DONE", "")
    assert set(
        VillageYear.objects.filter(exited_year=2018).values_list("region_code", flat=True)
    ) == set(VILLAGES)


def test_one_batch_of_a_county_is_one_procedure_a_town(places: None, county_office: User) -> None:
    made, left = service.propose_villages(
        villages=regions(*VILLAGES, OTHER_TOWN), partition=2018, on=DAY, said=YES,
        by=county_office,
    )  # fmt: skip
    assert [(one.region_code, one.cases.count()) for one in made] == [
        (TOWN, 3), ("410324101000", 1),
    ]  # fmt: skip
    assert not left


def test_who_is_not_ready_is_left_out_and_named(places: None, town_clerk: User) -> None:
    GateResult.objects.filter(region_code=VILLAGES[0]).update(
        outcome=Outcome.MISSING, reason="缺少数据"
    )
    GateResult.objects.filter(region_code=VILLAGES[1]).delete()
    made, left = service.propose_villages(
        villages=regions(*VILLAGES), partition=2018, on=DAY, said=YES, by=town_clerk
    )
    assert made[0].cases.get().region_code == VILLAGES[2]
    told = {one.region.code: one.why for one in left}
    assert "缺数据" in told[VILLAGES[0]]
    assert told[VILLAGES[1]] == "尚未判定退出标准"
    with pytest.raises(UnfitError, match="都不能提出退出"):
        service.propose_villages(
            villages=regions(*VILLAGES), partition=2018, on=DAY, said=YES, by=town_clerk
        )


def test_neighbours_and_readers_propose_nothing(places: None, town_clerk: User) -> None:
    leader = person("leader", Role.LEADER, "410324")
    for who, code in ((town_clerk, OTHER_TOWN), (leader, VILLAGES[0])):
        with pytest.raises(UnfitError, match="请选择"):
            service.propose_villages(
                villages=regions(code), partition=2018, on=DAY, said=YES, by=who
            )


def test_an_objection_holds_the_batch_back(places: None, town_clerk: User, clerk2: User) -> None:
    procedure = proposed(town_clerk)
    notice = noticed(procedure, clerk2)
    after = notice.ends_on + timedelta(1)
    objection = service.raise_objection(
        notice=notice, raised_by="匿名", words="饮水没有解决", on=DAY, by=clerk2
    )
    with pytest.raises(UnfitError, match="异议"):
        service.decide(procedure=procedure, said=YES, on=after, by=clerk2)
    procedure.refresh_from_db()
    told = slipped_in(procedure, has_notice=True, decided_on=after, created_by=clerk2)
    assert "objection is open" in told
    service.answer_objection(objection=objection, answer="已通水", on=after, by=clerk2)
    assert service.decide(procedure=procedure, said=YES, on=after, by=clerk2).step == (
        "CITY_APPROVAL"
    )


def test_the_database_refuses_by_itself(
    places: None, town_clerk: User, clerk2: User, office: User
) -> None:
    procedure = proposed(town_clerk)
    assert "out of turn" in slipped_in(procedure, position=2, created_by=clerk2)
    assert "by one person" in slipped_in(procedure, created_by=town_clerk)
    assert "before the step" in slipped_in(
        procedure, created_by=clerk2, decided_on=DAY - timedelta(1)
    )
    assert "has not run out" in slipped_in(procedure, created_by=clerk2, has_notice=True)
    assert "exit_decision_has_its_document" in slipped_in(
        procedure, created_by=clerk2, needs_document=True
    )
    noticed(procedure, clerk2)
    # Whoever leaves the mark of the notice out meets the notice all the same.
    assert "has not run out" in slipped_in(procedure, created_by=clerk2)
    for statement in (
        "DELETE FROM exits_exitprocedure", "DELETE FROM exits_exitcase",
        "DELETE FROM exits_exitdecision", "UPDATE exits_exitdecision SET reason = 'x'",
        "UPDATE exits_exitnotice SET ends_on = ends_on - 3", "DELETE FROM exits_exitnotice",
    ):  # fmt: skip
        assert refused(statement), statement
    refusal = Said("REFUSE", "材料不实")
    service.decide(procedure=procedure, said=refusal, on=DAY, by=clerk2)
    procedure.refresh_from_db()
    assert "is over" in slipped_in(procedure, position=2, created_by=office)
    # A refused village may be proposed again.
    assert proposed(town_clerk).cases.count() == 3


def test_nobody_stands_twice(places: None, town_clerk: User, clerk2: User) -> None:
    first = proposed(town_clerk, VILLAGES[0])
    with pytest.raises(UnfitError, match="正在办理退出"):
        proposed(clerk2, VILLAGES[0])
    case = first.cases.get()
    assert "exit_case_stands_once" in refused(
        "INSERT INTO exits_exitcase (procedure_id, region_id, region_code, name, partition_id,"
        " is_standing, dropped_reason) SELECT procedure_id + 1, region_id, region_code, name,"
        " partition_id, true, '' FROM exits_exitcase WHERE id = %s",
        case.pk,
    )


def test_dropped_stays_on_record(places: None, town_clerk: User, clerk2: User) -> None:
    procedure = proposed(town_clerk)
    case = procedure.cases.order_by("pk")[0]
    service.drop_case(case=case, on=DAY, reason="道路未验收", by=clerk2)
    assert noticed(procedure, clerk2).listed == ["204村", "205村"]
    case.refresh_from_db()
    assert (case.is_standing, case.dropped_reason) == (False, "道路未验收")
    with pytest.raises(UnfitError, match="已不在"):
        service.drop_case(case=case, on=DAY, reason="再次", by=clerk2)


def test_days_without_a_source_are_nobodys_guess(
    places: None, town_clerk: User, clerk2: User
) -> None:
    procedure = proposed(town_clerk)
    with pytest.raises(UnfitError, match="公示天数"):
        service.post_notice(procedure=procedure, place="公示栏", on=DAY, by=clerk2)


def test_working_days_need_their_year(
    places: None, town_clerk: User, clerk2: User, county_office: User, tmp_path: Any
) -> None:
    service.set_rule(
        level="village", region=Region.objects.get(code=COUNTY), step="TOWN_NOTICE", min_days=5,
        day_kind="WORKING", source="测试", by=county_office,
    )  # fmt: skip
    procedure = proposed(town_clerk)
    with pytest.raises(UnfitError, match="2018 年的节假日表"):
        service.post_notice(procedure=procedure, place="公示栏", on=DAY, by=clerk2)
    table = tmp_path / "days.csv"
    table.write_text("day,is_off,source\n2018-12-05,1,测试\n2018-12-08,0,测试\n", encoding="utf-8")
    call_command("load_holidays", str(table))
    notice = service.post_notice(procedure=procedure, place="公示栏", on=DAY, by=clerk2)
    # Monday and Tuesday, not the Wednesday off, Thursday, Friday, and the Saturday worked.
    assert notice.ends_on == date(2018, 12, 8)


@pytest.mark.parametrize(
    ("row", "words"),
    [("2018-13-01,1,测试", "第 2 行"), ("2018-12-05,x,测试", "is_off"), ("2018-12-05,1,", "依据")],
)
def test_a_bad_table_of_days_is_refused_whole(
    db: None, tmp_path: Any, row: str, words: str
) -> None:
    from django.core.management import CommandError

    table = tmp_path / "days.csv"
    table.write_text(f"day,is_off,source\n{row}\n2018-12-06,1,测试\n", encoding="utf-8")
    with pytest.raises(CommandError, match=words):
        call_command("load_holidays", str(table))
    assert not Holiday.objects.exists()


def test_a_county_from_self_assessment_to_the_provinces_paper(
    places: None, county_office: User, office: User, office2: User
) -> None:
    county = Region.objects.get(code=COUNTY)
    procedure = service.propose_county(
        county=county, partition=2018, on=DAY, said=YES, by=county_office
    )
    day = DAY
    for by in (office, office2):
        said = DOC if by is office2 else YES
        procedure = service.decide(procedure=procedure, said=said, on=day, by=by)
    assert procedure.step == "PUBLIC_NOTICE"
    notice = service.post_notice(procedure=procedure, place="市政府网站", on=day, by=office)
    # Henan's own shortest notice that was read of.
    assert (notice.min_days, notice.ends_on) == (5, day + timedelta(4))
    after = notice.ends_on + timedelta(1)
    procedure = service.decide(procedure=procedure, said=YES, on=after, by=office)
    procedure = service.decide(procedure=procedure, said=DOC, on=after, by=office2)
    assert procedure.state == "DONE"
    assert CountyYear.objects.get(region_code=COUNTY).exited_year == 2018

    case = procedure.cases.get()
    with pytest.raises(UnfitError, match="由市级"):
        service.reverse_exit(case=case, on=after, reason="x", document_no="x", by=county_office)
    with pytest.raises(UnfitError, match="早于"):
        service.reverse_exit(case=case, on=DAY, reason="复查不实", document_no="1号", by=office)
    service.reverse_exit(case=case, on=after, reason="复查不实", document_no="1号", by=office)
    assert CountyYear.objects.get(region_code=COUNTY).exited_year is None
    assert ExitReversal.objects.get().reason == "复查不实"
    assert ExitDecision.objects.filter(procedure=procedure).count() == 5
    with pytest.raises(UnfitError, match="没有已生效"):
        service.reverse_exit(case=case, on=after, reason="再次", document_no="2号", by=office)
    assert refused("DELETE FROM exits_exitreversal")


def test_a_county_that_is_not_ready_passes_no_review(
    places: None, county_office: User, office: User
) -> None:
    county = Region.objects.get(code=COUNTY)
    GateResult.objects.filter(region_code=COUNTY, item="approval").update(
        outcome=Outcome.NOT_MET, reason="测试"
    )
    procedure = service.propose_county(
        county=county, partition=2018, on=DAY, said=YES, by=county_office
    )
    items = GateResult.objects.filter(region_code=COUNTY, is_veto=True)
    items.filter(pk=items.earliest("pk").pk).update(outcome=Outcome.MISSING, reason="测试")
    with pytest.raises(UnfitError, match="未达到退出标准：栾川县"):
        service.decide(procedure=procedure, said=YES, on=DAY, by=office)
    refusal = service.decide(procedure=procedure, said=Said("REFUSE", "退回"), on=DAY, by=office)
    assert refusal.state == "REFUSED"


def test_states_follow_the_decisions_and_nothing_else(
    places: None, town_clerk: User, clerk2: User
) -> None:
    procedure = proposed(town_clerk)
    of = f" WHERE id = {procedure.pk}"
    for change in (
        "state = 'DONE', step = ''", "state = 'REFUSED', step = ''", "position = 2",
        "position = 0, step = 'PROPOSE'",
    ):  # fmt: skip
        assert "follow its decisions" in refused(f"UPDATE exits_exitprocedure SET {change}{of}")
    for change in ("level = 'county'", "partition_id = 2017", "started_on = started_on - 1"):
        assert "what it is about" in refused(f"UPDATE exits_exitprocedure SET {change}{of}")
    refusal = Said("REFUSE", "材料不实")
    service.decide(procedure=procedure, said=refusal, on=DAY, by=clerk2)
    assert "follow its decisions" in refused(
        f"UPDATE exits_exitprocedure SET state = 'OPEN', step = 'TOWN_NOTICE'{of}"
    )


def test_lists_lose_names_openly_and_gain_none(
    places: None, town_clerk: User, clerk2: User
) -> None:
    procedure = proposed(town_clerk, *VILLAGES[:2])
    late = Region.objects.get(code=VILLAGES[2])
    with pytest.raises(IntegrityError, match="nobody joins"), transaction.atomic():
        ExitCase.objects.create(
            procedure=procedure, region=late, region_code=late.code, name="后加", partition_id=2018
        )
    case = procedure.cases.order_by("pk")[0]
    of = f" WHERE id = {case.pk}"
    assert "until something happens" in refused(
        f"UPDATE exits_exitcase SET is_standing = false{of}"
    )
    assert "stays" in refused(f"UPDATE exits_exitcase SET name = 'x'{of}")
    service.drop_case(case=case, on=DAY, reason="道路未验收", by=clerk2)
    for change in (
        "dropped_on = NULL, dropped_reason = '', is_standing = true", "dropped_reason = 'x'",
    ):  # fmt: skip
        assert "stays" in refused(f"UPDATE exits_exitcase SET {change}{of}")
    service.decide(procedure=procedure, said=Said("REFUSE", "退回"), on=DAY, by=clerk2)
    assert "is closed" in refused(
        "UPDATE exits_exitcase SET dropped_on = '2018-12-04', dropped_reason = 'x'"
        f" WHERE id = {procedure.cases.order_by('pk')[1].pk}"
    )


def test_a_notice_and_its_objections_keep_to_their_step(
    places: None, town_clerk: User, clerk2: User, office: User
) -> None:
    procedure = proposed(town_clerk)
    with pytest.raises(UnfitError, match="早于上一步"):
        noticed(procedure, clerk2, on=DAY - timedelta(1))
    insert = (
        "INSERT INTO exits_exitnotice (procedure_id, region_code, step, place, starts_on, min_days,"
        " day_kind, ends_on, source, listed, list_digest, created_by_id) VALUES"
        " (%s, %s, %s, 'x', %s, 1, 'CALENDAR', %s, 'x', '[]', '', %s)"
    )
    for step, day in (("CITY_APPROVAL", DAY), ("TOWN_NOTICE", DAY - timedelta(1))):
        told = refused(insert, procedure.pk, TOWN, step, day, day, clerk2.pk)
        assert "before its step or after it" in told
    notice = service.post_notice(procedure=procedure, place="公示栏", on=DAY, by=clerk2)
    with pytest.raises(UnfitError, match="早于公示"):
        service.raise_objection(
            notice=notice, raised_by="匿名", words="x", on=DAY - timedelta(1), by=clerk2
        )
    objection = service.raise_objection(
        notice=notice, raised_by="匿名", words="饮水没有解决", on=DAY, by=clerk2
    )
    of = f" WHERE id = {objection.pk}"
    assert "words and its answer stay" in refused(f"UPDATE exits_exitobjection SET words = 'x'{of}")
    assert refused(f"DELETE FROM exits_exitobjection{of}")
    after = notice.ends_on + timedelta(1)
    service.answer_objection(objection=objection, answer="已通水", on=after, by=clerk2)
    with pytest.raises(UnfitError, match="已经答复"):
        service.answer_objection(objection=objection, answer="再答", on=after, by=clerk2)
    for change in ("answer = 'x'", "answer = '', answered_on = NULL, answered_by_id = NULL"):
        assert "answer stay" in refused(f"UPDATE exits_exitobjection SET {change}{of}")
    service.decide(procedure=procedure, said=YES, on=after, by=clerk2)
    with pytest.raises(UnfitError, match="已经办结"):
        service.raise_objection(notice=notice, raised_by="甲", words="迟了", on=after, by=clerk2)
    late = (
        "INSERT INTO exits_exitobjection (notice_id, region_code, raised_by, raised_on, words,"
        " answer, created_by_id) VALUES (%s, %s, '甲', %s, '迟了', '', %s)"
    )
    assert "its step is over" in refused(late, notice.pk, TOWN, after, clerk2.pk)


def test_a_year_that_is_closed_begins_nothing(places: None, town_clerk: User) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE households_partition SET closed_at = now() WHERE year = 2018")
    with pytest.raises(UnfitError, match="关闭"):
        proposed(town_clerk)


def test_the_neighbour_sees_none(places: None, town_clerk: User, songxian_clerk: User) -> None:
    proposed(town_clerk)
    for model in (ExitProcedure, ExitCase, ExitDecision):
        assert model.objects.visible_to(town_clerk).exists()
        assert not model.objects.visible_to(songxian_clerk).exists()
