from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from core.history import images
from core.scope import Maintenance
from exits.enums import Metric, Verdict
from exits.models import Snapshot
from households.models import Partition
from households.queries.years import forget_years
from tests.cast import cast
from tests.factories.households import HOME, NEIGHBOUR, PartitionFactory, household
from tests.factories.villages import RegionFactory, VillageYearFactory
from villages import checks
from villages.models import Region, VillageYear
from villages.queries import indicators, yearly
from villages.queries.edits import edits_of
from villages.services import editing

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("city")]

CITY = Maintenance("4103")
As = Callable[[Any], Client]
FACTS = {"households_total": 300, "population_total": 1200, "paved_to_town": True}


@pytest.fixture(autouse=True)
def year() -> None:
    PartitionFactory(year=2018)


def page(code: str = HOME) -> str:
    return f"{reverse('villages:village', args=[code])}?year=2018"


def form_page(code: str = HOME) -> str:
    return f"{reverse('villages:facts', args=[code])}?year=2018"


def facts(**told: Any) -> VillageYear:
    return VillageYearFactory(region=RegionFactory(code=HOME), **told)


def filled(row: VillageYear | None = None, **told: str) -> dict[str, str]:
    return {
        "is_poor_village": "True", "is_deep_poverty": "False", "source": "2018 年年报",
        "reason": "核实", "version": editing.version_of(row), **told,
    }  # fmt: skip


# --- the page of a village ---------------------------------------------------------------------


def test_a_village_shows_facts_roster_and_checklist(as_user: As, luanchuan_clerk: Any) -> None:
    facts(year=2017, households_total=290)
    facts(**FACTS, clinics=1)
    row = household(head_name="张三")
    household(code=NEIGHBOUR, head_name="李四")
    response = as_user(luanchuan_clerk).get(page())
    text = response.content.decode()
    assert "张三" in text
    assert "李四" not in text
    assert row.household.household_no in text
    assert response.context["table"].years == [2017, 2018]
    told = {line.label: line.cells for line in response.context["table"].lines}
    assert told["总户数"] == [(2017, "290 户", False), (2018, "300 户", True)]
    assert told["卫生室个数"] == [(2017, "未填", False), (2018, "1 个", True)]
    assert "修改年度信息" in text


def test_readers_see_no_way_to_edit(as_user: As) -> None:
    facts()
    text = as_user(cast("county_leader")).get(page()).content.decode()
    assert form_page().split("?")[0] not in text


def test_pages_of_a_neighbour_and_of_nothing_are_404(
    as_user: As, luanchuan_clerk: Any, songxian_clerk: Any
) -> None:
    client = as_user(songxian_clerk)
    for code in (HOME, "410324", "410324100", "999999999999", "4103x4", "41032", "４１０３"):
        assert client.get(page(code)).status_code == 404
        assert client.get(form_page(code)).status_code == 404
    assert as_user(luanchuan_clerk).get(page()).status_code == 200


def test_pages_are_for_readers_and_entry_for_those_who_enter(as_user: As, stranger: Any) -> None:
    assert as_user(stranger).get(page()).status_code == 403
    reader = as_user(cast("county_leader"))
    assert reader.get(form_page()).status_code == 403
    assert reader.post(page()).status_code == 405
    assert as_user(cast("town_clerk")).put(form_page()).status_code == 405


def test_as_many_queries_for_one_household_as_for_three(as_user: As, luanchuan_clerk: Any) -> None:
    facts()
    household()
    client, counted = as_user(luanchuan_clerk), []
    for _ in range(2):
        client.get(page())
        # Which years there are is remembered for some seconds: both ask.
        forget_years()
        with CaptureQueriesContext(connection) as queries:
            client.get(page())
        counted.append(len(queries))
        household()
        household()
    assert counted[0] == counted[1]


# --- wider divisions ---------------------------------------------------------------------------


def test_a_county_adds_up_what_is_stated_and_says_from_how_many(
    as_user: As, luanchuan_clerk: Any
) -> None:
    facts(**FACTS)
    other = RegionFactory(code="410324100001")
    VillageYearFactory(region=other, population_total=800, is_poor_village=False)
    response = as_user(luanchuan_clerk).get(page("410324"))
    told = {one.label: (one.text, one.stated) for one in response.context["totals"]}
    assert told["总人口数"] == ("2,000 人", 2)
    assert told["总户数"] == ("300 户", 1)
    assert told["贫困村"] == ("1 个村", 2)
    assert told["卫生室个数"] == ("未填", 0)
    counts = {one.indicator.key: one for one in response.context["counts"]}
    assert (counts["road"].met, counts["road"].missing) == (1, 0)
    assert (counts["water"].met, counts["water"].missing) == (0, 1)
    assert response.context["stated"] == 2
    town = as_user(luanchuan_clerk).get(page("410324100"))
    assert {line.region.code: having for line, having in town.context["children"]}[HOME] == 1


def test_a_county_counts_its_own_part_only(as_user: As, songxian_clerk: Any) -> None:
    facts(**FACTS)
    response = as_user(songxian_clerk).get(page("4103"))
    assert response.context["stated"] == 0
    assert "只统计您管辖范围内" in response.content.decode()


# --- the checklist -----------------------------------------------------------------------------


def verdicts(**told: Any) -> dict[str, str]:
    row = VillageYear(region_code=HOME, year=2018, **told)
    return {one.indicator.key: one.verdict for one in indicators.checklist(HOME, 2018, row, CITY)}


def test_missing_is_never_met() -> None:
    nothing = verdicts()
    assert set(nothing.values()) == {indicators.MISSING, indicators.UNJUDGED}
    none = {one.indicator.key: one for one in indicators.checklist(HOME, 2018, None, CITY)}
    assert indicators.MET not in {one.verdict for one in none.values()}
    assert none["power"].text == "年度数据没有这一项"


@pytest.mark.parametrize(
    ("told", "key", "verdict"),
    [
        ({"paved_to_town": True}, "road", "met"), ({"paved_to_town": False}, "road", "not_met"),
        ({"households_unsafe_water": 0}, "water", "met"),
        ({"households_unsafe_water": 1}, "water", "not_met"),
        ({"clinics": 1}, "clinic", "missing"), ({"clinics": 0}, "clinic", "not_met"),
        ({"clinics": 1, "doctors": 2}, "clinic", "met"),
        ({"collective_income_10k": Decimal(9)}, "collective", "unjudged"),
    ],
)  # fmt: skip
def test_items_are_judged(told: dict[str, Any], key: str, verdict: str) -> None:
    assert verdicts(**told)[key] == verdict


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [(Verdict.MET, "met"), (Verdict.NOT_MET, "not_met"), (Verdict.NOT_COMPUTABLE, "missing")],
)
def test_the_headcount_is_the_computed_one(verdict: str, expected: str) -> None:
    Snapshot.objects.create(
        region_code=HOME, partition=2018, metric=Metric.HEADCOUNT_RATE, numerator=3,
        denominator=200, verdict=verdict, reason="测试", definition_version=1, data_version=1,
    )  # fmt: skip
    found = indicators.checklist(HOME, 2018, None, CITY)[0]
    assert (found.indicator.key, found.verdict) == ("headcount", expected)
    assert "1.50%" in found.text
    assert indicators.checklist(HOME, 2018, None, Maintenance("410325"))[0].verdict == "missing"


def test_every_item_has_a_source_and_reads_facts_that_exist() -> None:
    known = {one.name for one in yearly.facts()} | {indicators.HEADCOUNT}
    for code in (HOME, "610922100001", "620102001001"):
        for one in indicators.indicators_of(code):
            assert one.source
            assert set(one.measures) <= known
            # No figure without a published one.
            assert one.key != "collective" or one.threshold is None
    assert [one.key for one in indicators.indicators_of("62")] == [
        "headcount", "industry", "collective",
    ]  # fmt: skip


# --- editing -----------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["village_official", "town_clerk", "county_office"])
def test_facts_are_entered_and_corrected(as_user: As, who: str) -> None:
    client = as_user(cast(who))
    assert client.get(form_page()).status_code == 200
    entered = client.post(form_page(), filled(households_total="300", paved_to_town="True"))
    assert entered.status_code == 302
    row = VillageYear.objects.get()
    assert (row.households_total, row.paved_to_town, row.clinics) == (300, True, None)
    assert client.post(form_page(), filled(row, households_total="301")).status_code == 302
    row.refresh_from_db()
    assert (row.households_total, row.paved_to_town) == (301, None)
    (image,) = images(VillageYear, row.pk)
    assert (image["households_total"], image["history_reason"]) == (300, "核实")


def test_corrections_are_told_with_who_and_why(as_user: As) -> None:
    clerk = cast("town_clerk")
    client = as_user(clerk)
    client.post(form_page(), filled(households_total="300", paved_to_town="True"))
    assert client.get(page()).context["edits"] == []
    for total, why in (("301", "入户核实"), ("302", "再次核实")):
        row = VillageYear.objects.get()
        told = filled(row, households_total=total, paved_to_town="True", reason=why)
        assert client.post(form_page(), told).status_code == 302
    answer = client.get(page())
    edits = answer.context["edits"]
    assert [(one.reason, [(x.label, x.before, x.after) for x in one.lines]) for one in edits] == [
        ("再次核实", [("总户数", "301 户", "302 户")]),
        ("入户核实", [("总户数", "300 户", "301 户")]),
    ]
    assert {one.who for one in edits} == {str(clerk)}
    assert "事由：再次核实" in answer.content.decode()
    with CaptureQueriesContext(connection) as captured:
        assert len(edits_of(VillageYear.objects.get())) == 2
    # The row itself, its images, and who they were.
    assert len(captured) == 3
    VillageYear.objects.update(source="年报更正")
    last = edits_of(VillageYear.objects.get())[0]
    assert [(x.label, x.before, x.after) for x in last.lines] == [
        ("数据来源", "2018 年年报", "年报更正")
    ]


def test_the_same_again_leaves_no_image(as_user: As) -> None:
    client = as_user(cast("town_clerk"))
    client.post(form_page(), filled())
    row = VillageYear.objects.get()
    assert client.post(form_page(), filled(row)).status_code == 302
    assert images(VillageYear, row.pk) == []


def test_who_comes_second_is_told_what_the_first_wrote(as_user: As) -> None:
    row = facts(**FACTS)
    client, seen = as_user(cast("town_clerk")), filled(row, households_total="250")
    VillageYear.objects.update(clinics=2)
    answer = client.post(form_page(), seen)
    assert answer.status_code == 422
    text = answer.content.decode()
    assert "已被他人修改" in text
    assert "卫生室个数：2 个" in text
    row.refresh_from_db()
    assert row.households_total == 300
    again = seen | {"version": editing.version_of(row)}
    assert again["version"] in text
    assert client.post(form_page(), again).status_code == 302


def test_two_first_entries_do_not_overwrite_each_other(as_user: As) -> None:
    facts(**FACTS)
    answer = as_user(cast("town_clerk")).post(form_page(), filled(households_total="1"))
    assert answer.status_code == 422
    assert VillageYear.objects.get().households_total == 300


@pytest.mark.parametrize(
    ("told", "where"),
    [
        ({"exited_year": "2019"}, "exited_year"),
        ({"exited_year": "2018", "is_poor_village": "False"}, "exited_year"),
        ({"dibao_persons": "5", "population_total": "4"}, "dibao_persons"),
        ({"households_total": "-1"}, "households_total"),
        ({"collective_income_10k": "1.234"}, "collective_income_10k"),
        ({"source": ""}, "source"), ({"reason": ""}, "reason"), ({"is_poor_village": ""}, "is_poor_village"),
        ({"village_exited": "True", "is_poor_village": "False"}, "village_exited"),
    ],
)  # fmt: skip
def test_errors_are_shown_beside_the_field_and_nothing_is_lost(
    as_user: As, told: dict[str, str], where: str
) -> None:
    answer = as_user(cast("town_clerk")).post(form_page(), filled(clinics="7") | told)
    assert answer.status_code == 422
    assert answer.context["form"].errors[where]
    assert 'value="7"' in answer.content.decode()
    assert not VillageYear.objects.exists()


def test_what_looks_odd_is_confirmed_first(as_user: As) -> None:
    facts(year=2017, population_total=1000)
    client, told = as_user(cast("town_clerk")), filled(population_total="1500")
    asked = client.post(form_page(), told)
    assert asked.status_code == 422
    assert "变化超过 20%" in asked.content.decode()
    assert client.post(form_page(), told | {"confirmed": "on"}).status_code == 302


def test_a_closed_year_refuses(as_user: As) -> None:
    facts(**FACTS)
    Partition.objects.filter(year=2018).update(closed_at=timezone.now())
    client = as_user(cast("town_clerk"))
    assert "已关闭" in client.get(page()).content.decode()
    answer = client.post(form_page(), filled(VillageYear.objects.get(), households_total="1"))
    assert answer.status_code == 422
    assert "2018 年度已关闭" in answer.content.decode()
    assert VillageYear.objects.get().households_total == 300


def test_only_the_own_villages_are_written(as_user: As) -> None:
    client = as_user(cast("village_official"))
    other = Region.objects.filter(level="village").exclude(code=HOME).values_list("code", flat=True)
    for code in [*other, "410324", "410324100"]:
        assert client.post(form_page(code), filled()).status_code == 404
    assert not VillageYear.objects.exists()


def test_a_division_that_is_no_village_has_no_facts() -> None:
    with pytest.raises(ValueError, match="village"):
        editing.edit_facts(
            region=Region.objects.get(code="410324000000"), year=2018, values={}, source="x",
            version="", confirmed=True, reason="x", by=None,
        )  # fmt: skip


def test_years_before_a_new_code_stay_in_the_row() -> None:
    from villages.models import RegionSuccession

    old, new = RegionFactory(code="410324100298"), RegionFactory(code=HOME)
    RegionSuccession.objects.create(
        old=old, new=new, kind="recoded", effective_on=date(2018, 1, 1), source="测试"
    )
    VillageYearFactory(region=old, year=2017)
    VillageYearFactory(region=new, year=2018)
    assert [row.year for row in yearly.years_of(new, CITY, 2018)] == [2017, 2018]
    assert [row.year for row in yearly.years_of(new, CITY, 2017)] == [2017]


def test_doubts_are_plain() -> None:
    labels = {one.name: str(one.verbose_name) for one in yearly.facts()}
    found = checks.village_year(
        {"is_poor_village": True, "village_exited": True}, 2018, labels, {"is_poor_village": False}
    )
    assert [(one.field, one.is_error) for one in found] == [
        ("exited_year", False), ("is_poor_village", False),
    ]  # fmt: skip
