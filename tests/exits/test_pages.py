"""The pages of readiness: side by side, who stands in the way, what-if that stores nothing."""

import csv
import io
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from core.acting import acting
from exits.models import (
    Attestation,
    GateResult,
    HouseholdReadiness,
    PovertyLine,
    Standard,
    StandardItem,
)
from exits.queries.obstacles import state_of
from exits.services import recompute
from households.models import Assignment, HouseholdYear, PersonYear, Task, TaskItem
from households.queries.years import forget_years
from tests.cast import county_office, helper, village_official
from tests.conftest import OF_THE_MENU, OF_THE_SCOPE
from tests.factories.households import HOME, NEIGHBOUR, household
from tests.factories.villages import RegionFactory
from villages.models import PopulationBase, Region, VillageYear

__all__ = ["county_office", "helper", "village_official"]
As = Callable[[User], Client]
COUNTY = "410324000000"
ITEMS = ("food", "clothing")


@pytest.fixture
def village(county_office: User) -> list[HouseholdYear]:
    """陈家门村, a poor village of 200 persons, 6 still poor in three homes, all else in order.

    Below 2 % asks that three of the six leave: the second home alone, with three items open.
    """
    for code, name in ((COUNTY, "栾川县"), ("410300000000", "洛阳市"), ("410324100000", "城关镇")):
        RegionFactory(code=code, name=name)
    PovertyLine.objects.create(year=2018, amount=Decimal(3208), source="测试")
    homes = [
        home(head="何一", members=2),
        home(head="何二", members=3, dangerous_house_level="3"),
        home(head="何三", members=1, drinking_safe=False),
    ]
    place = homes[0].village
    VillageYear.objects.create(
        region=place, region_code=HOME, year=2018, source="测试", is_poor_village=True,
        paved_to_town=True, households_unsafe_water=0, culture_rooms=1, clinics=1, doctors=1,
    )  # fmt: skip
    PopulationBase.objects.create(
        region=place, region_code=HOME, year=2018, basis="agri_hukou", persons=200, source="测试"
    )
    with acting(by=None):
        for item in ("power", "broadcast", "broadband"):
            Attestation.objects.create(
                partition=2018, region=place, region_code=HOME, item=item, outcome="met",
                evidence="供电所证明", checked_on=date(2018, 11, 1), checked_by=county_office,
            )  # fmt: skip
    recompute(prefix="4103", partition=2018)
    return homes


def home(**facts: Any) -> HouseholdYear:
    good: dict[str, Any] = {
        "net_income_per_capita": Decimal(4000), "drinking_safe": True,
        "dangerous_house_level": "1",
    }  # fmt: skip
    row = household(**(good | facts))
    PersonYear.objects.filter(household=row.household).update(
        in_resident_medical=True, student_status="01"
    )
    return row


def numbers(*rows: HouseholdYear) -> list[str]:
    return [row.household.household_no for row in rows]


def test_a_village_side_by_side(
    village: list[HouseholdYear], county_office: User, as_user: As
) -> None:
    text = as_user(county_office).get(f"/readiness/{HOME}/?year=2018").text
    assert "河南省退出标准" in text
    assert "武汉市退出标准" in text
    assert "3.00%" in text
    assert "6 / 200" in text
    assert "最少完成 3 项" in text
    assert "涉及 1 户、3 人" in text
    assert "何二" in text
    assert "何一" not in text


def test_the_fewest_is_found_although_others_are_cheaper_each(
    village: list[HouseholdYear], county_office: User
) -> None:
    """何一 with two items for two persons is cheapest alone; with 何三 it takes five items, 何二 three."""
    region = Region.objects.get(code=HOME)
    state = state_of(region, 2018, Standard.objects.get(code="henan"), county_office)
    assert {one.key: len(one.open) for one in state.homes} == dict(
        zip(numbers(*village), (2, 3, 3), strict=True)
    )
    plan = state.plan("village")
    assert (plan.cost, list(plan.households)) == (3, numbers(village[1]))


def test_the_other_standard_asks_for_everybody(
    village: list[HouseholdYear], county_office: User, as_user: As
) -> None:
    """98 % of six registered persons have exited only when all six have."""
    text = as_user(county_office).get(f"/readiness/{HOME}/?year=2018&set=hubei").text
    assert "涉及 3 户、6 人" in text
    # Water is no item of its own there.
    assert "最少完成 7 项" in text


def test_a_county_needs_its_villages(
    village: list[HouseholdYear], county_office: User, as_user: As
) -> None:
    text = as_user(county_office).get("/readiness/410324/?year=2018").text
    assert "最少完成 3 项" in text
    assert "1 个贫困村随之达标" in text
    assert "整改户不能替代的项：综合贫困发生率、错退率、漏评率、群众认可度" in text
    # The village below, by either standard.
    assert "达标 7 项　不达标 1 项　缺数据 0 项" in text
    assert "达标 0 项　不达标 1 项　缺数据 0 项" in text


def test_owner_and_day_due(
    village: list[HouseholdYear], county_office: User, helper: User, as_user: As
) -> None:
    task = Task.objects.create(
        title="危房改造", region_code="410324", partition_id=2018, owner=county_office,
        due_on=date(2018, 11, 30), created_by=county_office,
    )  # fmt: skip
    for row in village[:2]:
        TaskItem.objects.create(task=task, household=row.household, village_code=HOME)
    Assignment.objects.create(
        household=village[1].household, village_code=HOME, user=helper, reason="帮扶"
    )
    text = as_user(county_office).get(f"/readiness/{HOME}/blockers/?year=2018").text
    lines = re.findall(r"<tr>.*?</tr>", text, re.DOTALL)[1:]
    told = {head: line for line in lines for head in ("何一", "何二", "何三") if head in line}
    assert county_office.display_name in told["何一"]
    assert "2018-11-30" in told["何一"]
    assert helper.display_name in told["何二"]
    assert "未指定" in told["何三"]
    assert "未定" in told["何三"]


@pytest.mark.parametrize(
    ("terms", "heads"),
    [
        ("", ["何一", "何二", "何三"]),
        ("&item=housing", ["何二"]),
        ("&item=food&outcome=missing", ["何一", "何二", "何三"]),
        ("&outcome=not_met", ["何二", "何三"]),
        ("&plan=1", ["何二"]),
        ("&status=exited", []),
    ],
)
def test_filters(
    village: list[HouseholdYear], county_office: User, as_user: As, terms: str, heads: list[str]
) -> None:
    text = as_user(county_office).get(f"/readiness/{HOME}/blockers/?year=2018{terms}").text
    assert [one for one in ("何一", "何二", "何三") if one in text] == heads
    assert f"共 {len(heads)} 户" in text


@pytest.mark.parametrize("terms", ["&item=nothing", "&outcome=met", "&set=shaanxi", "&after=x"])
def test_searches_that_cannot_be(
    village: list[HouseholdYear], county_office: User, as_user: As, terms: str
) -> None:
    answer = as_user(county_office).get(f"/readiness/{HOME}/blockers/?year=2018{terms}")
    assert answer.status_code == 404


def test_export(village: list[HouseholdYear], county_office: User, as_user: As) -> None:
    answer = as_user(county_office).post(
        f"/readiness/{HOME}/blockers/export/?year=2018&outcome=not_met",
        {"file_format": "csv", "numbers": "masked", "purpose": "安排危房改造"},
    )
    said, table = answer.content.decode("utf-8-sig").split("\n", 1)
    assert "安排危房改造" in said
    rows = csv.DictReader(io.StringIO(table))
    assert [(row["户主姓名"], row["不达标项"], row["缺数据项"]) for row in rows] == [
        ("何二", "住房安全", "吃、穿"),
        ("何三", "饮水安全", "吃、穿"),
    ]


def test_an_exited_household_that_fails_is_told(
    village: list[HouseholdYear], county_office: User, as_user: As
) -> None:
    HouseholdYear.objects.filter(pk=village[1].pk).update(exit_status="1", exit_year=2018)
    recompute(prefix="410324", partition=2018)
    client = as_user(county_office)
    assert "status=exited&amp;outcome=not_met" in client.get(f"/readiness/{HOME}/?year=2018").text
    text = client.get(f"/readiness/{HOME}/blockers/?year=2018&status=exited&outcome=not_met").text
    assert "何二" in text


# --- what if -----------------------------------------------------------------------------------


def everything() -> dict[str, Any]:
    """Every row of every table, and how often PostgreSQL has written to any."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        found = {}
        for (name,) in sorted(cursor.fetchall()):
            cursor.execute(
                f'SELECT md5(string_agg(t::text, chr(10) ORDER BY t::text)) FROM "{name}" t'
            )
            found[name] = cursor.fetchone()[0]
        return found


def test_ticks_move_the_gates(
    village: list[HouseholdYear], county_office: User, as_user: As
) -> None:
    client, address = as_user(county_office), f"/readiness/{HOME}/what-if/?year=2018"
    first = client.get(address).text
    # The plan is ticked at first: 何二's three.
    assert first.count(" checked>") == 3
    assert "1 户、3 人具备退出条件" in first
    assert "1.50%" in first
    assert "本村全部达标" in first
    (cheap,) = numbers(village[0])
    some = client.post(address, {"r": [f"{cheap}:{item}" for item in ITEMS]}).text
    assert "1 户、2 人具备退出条件" in some
    assert "2.00%" in some
    assert "本村全部达标" not in some
    assert some.count(" checked>") == 2
    # Half of a household's items help nobody.
    half = client.post(address, {"r": [f"{cheap}:food"]}).text
    assert "0 户、0 人具备退出条件" in half


def test_nothing_is_stored(village: list[HouseholdYear], county_office: User, as_user: As) -> None:
    client, address = as_user(county_office), f"/readiness/{HOME}/what-if/?year=2018"
    client.get(address)
    ticks = [f"{number}:{item}" for number in numbers(*village) for item in ITEMS]
    before = everything()
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert client.post(address, {"r": ticks}).status_code == 200
    assert everything() == before
    written = [
        one["sql"] for one in asked
        if re.match(r"\s*(INSERT|UPDATE|DELETE|CREATE|WITH .* (INSERT|UPDATE|DELETE))", one["sql"])
    ]  # fmt: skip
    assert written == []


def test_the_test_for_nothing_stored_can_fail(village: list[HouseholdYear]) -> None:
    before = everything()
    with transaction.atomic():
        HouseholdYear.objects.filter(pk=village[0].pk).update(head_name="改")
    assert everything() != before


def test_ticks_of_others_are_not_reckoned_with(
    village: list[HouseholdYear], county_office: User, as_user: As
) -> None:
    """Invented households, items that are not open, and those of another place change nothing."""
    other = household(code=NEIGHBOUR, head="别县人")
    recompute(prefix="4103", partition=2018)
    ticks = [
        f"{number}:{item}"
        for number in (*numbers(other), "86399999999", "")
        for item in (*ITEMS, "income", "")
    ]
    text = as_user(county_office).post(
        f"/readiness/{HOME}/what-if/?year=2018", {"r": ticks}
    ).text  # fmt: skip
    assert "勾选的 0 项完成后" in text
    assert "别县人" not in text


def test_county_what_if(village: list[HouseholdYear], county_office: User, as_user: As) -> None:
    client, address = as_user(county_office), "/readiness/410324/what-if/?year=2018"
    text = client.get(address).text
    assert "达标村 1 个" in text
    assert "贫困村退出率" in text
    assert "100.00%" in text
    assert "达标村 0 个" in client.post(address, {}).text


# --- checks, receipts, standards ---------------------------------------------------------------


def test_a_village_official_records_a_check(
    village: list[HouseholdYear], village_official: User, as_user: As
) -> None:
    (number,) = numbers(village[0])
    client = as_user(village_official)
    answer = client.post(
        f"/readiness/households/{number}/?year=2018",
        {"item": "food", "outcome": "met", "evidence": "入户查看粮食", "checked_on": "2018-11-02"},
    )
    assert answer.status_code == 302
    made = Attestation.objects.get(household=village[0].household)
    assert (made.item, made.outcome, made.checked_by) == ("food", "met", village_official)
    recompute(prefix="410324", partition=2018)
    text = client.get(f"/readiness/households/{number}/?year=2018").text
    assert "入户查看粮食" in text
    found = HouseholdReadiness.objects.get(household=village[0].household, standard__code="henan")
    assert found.missing == ["clothing"]


@pytest.mark.parametrize(
    "changes",
    [{"item": "income"}, {"outcome": "missing"}, {"evidence": ""},
     {"checked_on": "没有"}],
)  # fmt: skip
def test_checks_that_are_sent_back(
    village: list[HouseholdYear], village_official: User, as_user: As, changes: dict[str, str]
) -> None:
    (number,) = numbers(village[0])
    data = {"item": "food", "outcome": "met", "evidence": "查看", "checked_on": "2018-11-02"}
    answer = as_user(village_official).post(
        f"/readiness/households/{number}/?year=2018", data | changes
    )
    assert answer.status_code == 422
    assert not Attestation.objects.filter(household=village[0].household).exists()


@pytest.mark.may_show_numbers("the form is given back with what was typed")
def test_numbers_are_no_evidence(
    village: list[HouseholdYear], village_official: User, as_user: As
) -> None:
    (number,) = numbers(village[0])
    data = {
        "item": "food",
        "outcome": "met",
        "evidence": "找 19900001111",
        "checked_on": "2018-11-02",
    }
    answer = as_user(village_official).post(f"/readiness/households/{number}/?year=2018", data)
    assert answer.status_code == 422


def test_a_check_of_the_village_and_its_receipt(
    village: list[HouseholdYear], county_office: User, as_user: As
) -> None:
    client = as_user(county_office)
    data = {"item": "broadband", "outcome": "not_met", "evidence": "信号塔停用",
            "checked_on": "2018-12-01"}  # fmt: skip
    assert client.post(f"/readiness/{HOME}/check/?year=2018", data).status_code == 302
    recompute(prefix="410324", partition=2018)
    text = client.get(f"/readiness/{HOME}/gates/henan/broadband/?year=2018").text
    assert "信号塔停用" in text
    assert "供电所证明" in text
    assert text.index("信号塔停用") < text.index("供电所证明")
    assert client.post(f"/readiness/{HOME}/check/", data | {"item": "headcount"}).status_code == 422


def test_a_receipt_leads_to_a_list_as_long_as_it_says(
    village: list[HouseholdYear], county_office: User, as_user: As
) -> None:
    client = as_user(county_office)
    text = client.get(f"/readiness/{HOME}/gates/henan/headcount/?year=2018").text
    row = GateResult.objects.get(region_code=HOME, item="headcount", standard__code="henan")
    for word in ("河南省贫困村退出标准", "＜ 2%", str(row.data_version)):
        assert word in text
    (link,) = re.findall(r'href="(/households/persons/[^"]+)"', text)
    assert "共 6 人" in client.get(link.replace("&amp;", "&")).text


def test_a_revision_is_told_on_old_receipts(
    village: list[HouseholdYear], county_office: User, city_admin: User, as_user: As
) -> None:
    item = StandardItem.objects.get(standard__code="henan", level="village", code="headcount")
    client = as_user(city_admin)
    form = client.get(f"/readiness/standards/items/{item.pk}/")
    assert form.status_code == 200
    data = {
        "label": item.label, "requirement": "低于 4%", "comparator": "<", "threshold": "0.04",
        "is_veto": "on", "is_repairable": "on", "is_active": "on", "source": "市文件",
        "reason": "测试修订",
    }  # fmt: skip
    assert client.post(f"/readiness/standards/items/{item.pk}/", data).status_code == 302
    receipt = f"/readiness/{HOME}/gates/henan/headcount/?year=2018"
    assert "正在重新判定" in client.get(receipt).text
    recompute(prefix="410324", partition=2018)
    text = client.get(receipt).text
    assert "正在重新判定" not in text
    assert "＜ 4%" in text
    row = GateResult.objects.get(region_code=HOME, item="headcount", standard__code="henan")
    assert (row.standard_version, row.outcome) == (2, "met")
    assert "测试修订" in client.get(f"/readiness/standards/items/{item.pk}/").text


@pytest.mark.parametrize("changes", [{"threshold": "-1"}, {"source": ""}, {"reason": ""}])
def test_revisions_that_are_sent_back(
    db: None, city_admin: User, as_user: As, changes: dict[str, str]
) -> None:
    item = StandardItem.objects.get(standard__code="henan", level="village", code="headcount")
    data = {
        "label": "贫困发生率", "requirement": "低于", "comparator": "<", "threshold": "0.04",
        "source": "市文件", "reason": "测试",
    } | changes  # fmt: skip
    answer = as_user(city_admin).post(f"/readiness/standards/items/{item.pk}/", data)
    assert answer.status_code == 422
    assert Standard.objects.get(code="henan").version == 1


def test_only_the_city_revises(db: None, county_office: User, as_user: As) -> None:
    item = StandardItem.objects.filter(standard__code="henan").earliest("pk")
    client = as_user(county_office)
    assert client.get("/readiness/standards/henan/").status_code == 200
    assert client.get(f"/readiness/standards/items/{item.pk}/").status_code == 403
    assert client.post("/readiness/standards/hubei/compare/").status_code == 403


def test_the_city_lists_its_counties(
    village: list[HouseholdYear], city_admin: User, as_user: As
) -> None:
    text = as_user(city_admin).get("/readiness/4103/?year=2018").text
    assert "栾川县" in text
    assert "缺数据，不能判定" in text


def test_few_queries_whatever_the_number_of_households(
    village: list[HouseholdYear], county_office: User, as_user: As
) -> None:
    client = as_user(county_office)
    addresses = [
        f"/readiness/{HOME}/?year=2018", "/readiness/410324/?year=2018",
        f"/readiness/{HOME}/blockers/?year=2018", f"/readiness/{HOME}/what-if/?year=2018",
    ]  # fmt: skip

    def count() -> list[int]:
        told = []
        for address in addresses:
            forget_years()
            with CaptureQueriesContext(connection) as asked:
                assert client.get(address).status_code == 200
            # When somebody was last seen is written once in a while.
            own = [one for one in asked if "accounts_" not in one["sql"]]
            told.append(len(own) - OF_THE_SCOPE - OF_THE_MENU)
        return told

    count()
    few = count()
    for _ in range(12):
        home(dangerous_house_level="4")
    recompute(prefix="410324", partition=2018)
    assert count() == few
    assert max(few) <= 40, few
