"""Pages of procedures: who sees and does what, what a page costs, and what a notice never shows."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from households.models import HouseholdYear, NoticeRule, Procedure, Publicity
from tests.factories.households import HOME, PartitionFactory, household, id_no
from tests.factories.villages import RegionFactory
from tests.households.test_procedure import (
    DAY,
    Crew,
    about,
    decide,
    identification,
    rule,
    to_the_notice,
)

As = Callable[[Any], Client]

pytestmark = pytest.mark.django_db


@pytest.fixture
def crew(db: None) -> Crew:
    for code in (HOME, f"{HOME[:9]}000", f"{HOME[:6]}000000"):
        RegionFactory(code=code)
    PartitionFactory(year=2018)
    return Crew()


def at(day: Any) -> Any:
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo("Asia/Shanghai"))
    return time_machine.travel(noon, tick=True)


def page(one: Procedure, act: str = "") -> str:
    return f"/households/procedures/{one.pk}/{act}"


MEETING = {"entitled": 30, "present": 21, "minutes": "同意"}
DECISION = {"decision": "PASS", "reason": "符合条件", **MEETING}


def test_an_official_applies_for_a_household(as_user: As, crew: Crew) -> None:
    client = as_user(crew.people[12][0])
    asked = {
        "kind": "IDENTIFY", "village": HOME, "year": 2018, "reason": "农户申请",
        "group_name": "一组", "name0": "何梅德", "id_no0": id_no(700),
        "name1": "何小", "relation1": "04",
    }  # fmt: skip
    assert client.get(f"/households/procedures/new/?village={HOME}").status_code == 200
    response = client.post("/households/procedures/new/", asked)
    made = Procedure.objects.get()
    assert (response.status_code, response["Location"]) == (302, page(made))
    assert made.cases.get().persons == 2
    # One more joins while nobody has appraised them.
    response = client.post(page(made, "apply/"), {"name0": "何二", "id_no0": id_no(710)})
    assert response.status_code == 302
    assert made.cases.count() == 2


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name0": ""}, "必填"),
        ({"relation1": ""}, "请选择与户主的关系。"),
        ({"name1": ""}, "请填写姓名。"),
        ({"id_no0": "12345"}, "证件号码不对"),
        pytest.param(
            {"reason": "电话 13900001234"},
            "不要填写证件号码",
            marks=pytest.mark.may_show_numbers("what was typed stands in the form again"),
        ),
    ],
)
def test_what_is_wrong_is_told_beside_the_field(
    as_user: As, crew: Crew, changes: dict[str, str], words: str
) -> None:
    asked = {
        "kind": "IDENTIFY", "village": HOME, "year": 2018, "reason": "农户申请",
        "name0": "何梅德", "name1": "何小", "relation1": "04",
    }  # fmt: skip
    response = as_user(crew.people[12][0]).post("/households/procedures/new/", asked | changes)
    assert response.status_code == 422
    assert words in response.content.decode()
    assert not Procedure.objects.exists()


def test_households_of_a_village_are_chosen_for_removal(as_user: As, crew: Crew) -> None:
    row, other = household(code=HOME), household(code=HOME)
    household("exited", code=HOME)
    client = as_user(crew.people[12][0])
    text = client.get(f"/households/procedures/new/?kind=REMOVE&village={HOME}").content.decode()
    assert text.count('name="households"') == 2
    asked = {"kind": "REMOVE", "village": HOME, "year": 2018, "reason": "有商品房"}
    empty = client.post("/households/procedures/new/", asked)
    assert (empty.status_code, "名单是空的" in empty.content.decode()) == (422, True)
    client.post("/households/procedures/new/", asked | {"households": [row.pk, other.pk]})
    assert Procedure.objects.get().cases.count() == 2


def test_the_notice_runs_out_its_days(as_user: As, crew: Crew) -> None:
    procedure = identification(crew)
    decide(procedure, crew)
    official = crew.people[12][0]
    with at(DAY):
        client = as_user(official)
        response = client.post(page(procedure, "post/"), {"place": "村务公开栏"})
        assert response.status_code == 302
        notice = Publicity.objects.get()
        assert (notice.starts_on, notice.ends_on) == (DAY, DAY + timedelta(days=6))
        assert "还剩 7 天" in client.get(page(procedure)).content.decode()
    passed = {"step": "VILLAGE_NOTICE", "decision": "PASS", "reason": "无异议"}
    with at(notice.ends_on):
        client = as_user(official)
        client.post(page(procedure, "decide/"), passed)
        assert Procedure.objects.get().step == "VILLAGE_NOTICE"
        assert "届满，次日起可以办理" in client.get(page(procedure)).content.decode()
    with at(notice.ends_on + timedelta(days=1)):
        client = as_user(official)
        client.post(page(procedure, "objections/"), {"raised_by": "匿名", "words": "有车"})
        client.post(page(procedure, "decide/"), passed)
        assert Procedure.objects.get().step == "VILLAGE_NOTICE"
        objection = notice.objections.get()
        client.post(page(procedure, f"objections/{objection.pk}/answer/"), {"answer": "已核实"})
        client.post(page(procedure, "decide/"), passed)
        assert Procedure.objects.get().step == "TOWN_REVIEW"
        # A second click finds another step and decides nothing.
        client.post(page(procedure, "decide/"), passed)
        assert procedure.steps.count() == 3


def test_a_list_on_the_wall_shows_names_and_groups_only(as_user: As, crew: Crew) -> None:
    row = household(code=HOME, head_name="何梅德")
    procedure = about("REMOVE", [row], crew)
    rule("REMOVE")
    to_the_notice(procedure, crew)
    text = as_user(crew.people[12][0]).get(
        page(procedure, "notices/VILLAGE_NOTICE/")
    ).content.decode()  # fmt: skip
    assert "何梅德" in text
    persons = list(row.household.persons.all())
    hidden = [row.household.household_no, row.phone, row.bank_account]
    hidden += [one.id_no for one in persons] + [one.person_no for one in persons]
    assert not [secret for secret in hidden if secret in text]


def test_the_whole_way_in_the_browser_changes_the_register(as_user: As, crew: Crew) -> None:
    """Through the walls of a request: the web role may do all that the last step does."""
    row = household("exited", code=HOME)
    procedure = about("RELAPSE", [row], crew)
    rule("RELAPSE", 1)
    for day in range(12):
        with at(DAY + timedelta(days=day)):
            now = Procedure.objects.get()
            if now.state == "DONE":
                break
            client = as_user(crew.of(now))
            if now.step == "VILLAGE_NOTICE" and not now.notices.exists():
                client.post(page(now, "post/"), {"place": "公开栏"})
            else:
                client.post(page(now, "decide/"), {"step": now.step, **DECISION})
    assert Procedure.objects.get().state == "DONE"
    assert HouseholdYear.objects.get(pk=row.pk).exit_status == "3"
    assert procedure.steps.count() == 6


def test_removal_through_the_walls(as_user: As, crew: Crew) -> None:
    row = household(code=HOME)
    procedure = about("REMOVE", [row], crew)
    rule("REMOVE", 1)
    for day in range(12):
        with at(DAY + timedelta(days=day)):
            now = Procedure.objects.get()
            if now.state == "DONE":
                break
            client = as_user(crew.of(now))
            if now.step == "VILLAGE_NOTICE" and not now.notices.exists():
                client.post(page(now, "post/"), {"place": "公开栏"})
            else:
                client.post(page(now, "decide/"), {"step": now.step, **DECISION})
    assert procedure.steps.count() == 6
    assert not HouseholdYear.objects.filter(pk=row.pk).exists()


def test_dropping_one_takes_a_reason(as_user: As, crew: Crew) -> None:
    procedure = identification(crew)
    case = procedure.cases.get()
    client = as_user(crew.people[12][1])
    client.post(page(procedure, f"cases/{case.pk}/drop/"), {"reason": ""})
    case.refresh_from_db()
    assert case.dropped_on is None
    client.post(page(procedure, f"cases/{case.pk}/drop/"), {"reason": "放弃申请"})
    case.refresh_from_db()
    assert case.dropped_reason == "放弃申请"


def test_a_county_sets_its_days(as_user: As, crew: Crew) -> None:
    client = as_user(crew.people[6][0])
    asked = {"what": "RELAPSE.VILLAGE_NOTICE", "min_days": 5, "day_kind": "WORKING", "source": "文"}
    response = client.post("/households/procedures/rules/", asked)
    assert response.status_code == 422
    asked["holidays"] = "2018-10-01 2018-10-02"
    assert client.post("/households/procedures/rules/", asked).status_code == 302
    one = NoticeRule.objects.get()
    assert (one.region_code, one.min_days, len(one.holidays)) == ("410324000000", 5, 2)
    assert "5 个工作日" in client.get("/households/procedures/rules/").content.decode()


def test_a_county_keeps_out_who_was_identified_this_year(as_user: As, crew: Crew) -> None:
    client = as_user(crew.people[6][0])
    asked = {
        "what": "REMOVE.VILLAGE_NOTICE", "min_days": 7, "day_kind": "CALENDAR", "source": "文",
        "bars_new": "on",
    }  # fmt: skip
    assert client.post("/households/procedures/rules/", asked).status_code == 422
    asked["what"] = "EXIT.VILLAGE_NOTICE"
    assert client.post("/households/procedures/rules/", asked).status_code == 302
    assert NoticeRule.objects.get().bars_new
    assert "本年度识别的不得退出" in client.get("/households/procedures/rules/").content.decode()


def test_list_is_filtered_and_costs_the_same(
    as_user: As, crew: Crew, django_assert_num_queries: Any
) -> None:
    procedure = identification(crew)
    to_the_notice(procedure, crew)
    client = as_user(crew.people[12][0])
    address = "/households/procedures/?year=2018"
    client.get(address)
    with CaptureQueriesContext(connection) as one:
        client.get(address)
    count = len(one)
    for _ in range(2):
        about("REMOVE", [household(code=HOME)], crew)
    # The years are asked for again where a new one may have come.
    client.get(address)
    with django_assert_num_queries(count):
        text = client.get(address).content.decode()
    assert "共 3 件" in text
    for query, found in (
        ("&kind=REMOVE", 2), ("&step=VILLAGE_NOTICE", 1), ("&due=1", 1), ("&kind=nonsense", 3),
    ):  # fmt: skip
        assert f"共 {found} 件" in client.get(address + query).content.decode()
    with at(DAY):
        client = as_user(crew.people[12][0])
        assert "共 0 件" in client.get(f"{address}&due=1").content.decode()


def test_neighbours_and_readers_are_refused(
    as_user: As, crew: Crew, songxian_clerk: Any, city_leader: Any, stranger: Any
) -> None:
    procedure = identification(crew)
    assert as_user(songxian_clerk).get(page(procedure)).status_code == 404
    leader = as_user(city_leader)
    assert leader.get(page(procedure)).status_code == 200
    assert leader.get("/households/procedures/new/").status_code == 403
    assert leader.get("/households/procedures/rules/").status_code == 403
    for act in ("decide/", "post/", "apply/", "objections/"):
        assert leader.post(page(procedure, act), {}).status_code == 403
        assert leader.get(page(procedure, act)).status_code == 405
    assert as_user(stranger).get("/households/procedures/").status_code == 403
    official = as_user(crew.people[12][0])
    assert official.get("/households/procedures/99999/").status_code == 404
    assert official.get(page(procedure, "notices/APPLY/")).status_code == 404
    assert official.post(page(procedure, "cases/99999/drop/"), {}).status_code == 404
    assert official.post("/households/procedures/").status_code == 405
