"""Rules that ask the register, the batch or the heads of a file, and not its rows alone.

COVERS tells which test stands for which rule; `test_catalogue` looks that none is left out.
"""

from collections.abc import Callable
from typing import Any

import pytest

from households.models import HouseholdYear, PersonYear
from imports import services
from imports.catalog import UnrecognisedError, recognise
from imports.checks import RULES
from imports.enums import Acceptance, Effect
from imports.models import Batch
from imports.workbooks import layout_of
from tests.imports.rules.homes import People, home, one
from tests.imports.rules.test_cases import hits
from tests.villages.lists import load, renamed
from tests.workbooks import H2022F, P2018, family, id_number, member

Stage = Callable[..., Batch]
COVERS = {
    "IMP01": "test_heads_are_refused_in_the_words_of_the_catalogue",
    "IMP02": "test_heads_are_refused_in_the_words_of_the_catalogue",
    "IMP03": "test_unknown_head_is_told_once_for_the_file",
    "IMP04": "test_heads_are_refused_in_the_words_of_the_catalogue",
    "IMP09": "test_former_name_leads_to_the_village_and_is_told",
    "IMP10": "test_file_without_registered_households_is_told",
    "IMP11": "test_same_file_again_is_told",
    "IMP17": "test_village_of_another_region",
    "IMP22": "test_supplement_on_nobody_registered",
    "IMP23": "test_supplement_that_tells_another_name",
    "IMP24": "test_spells_of_work",
    "IMP25": "test_spells_of_work",
    "IMP26": "test_whole_households_take_their_rows_along",
    "IMP27": "test_rows_of_a_household_that_tell_it_differently",
    "IDN12": "test_person_with_another_document_number",
    "DUP11": "tests.imports.test_elsewhere",
    "STR04": "test_declared_number_of_members",
}


def rows_of(*homes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    people = People()
    return [row for home in homes for row, _ in people.rows(home)]


def households(**changes: Any) -> dict[str, Any]:
    """A row of an export of households."""
    return {
        "县": "栾川县",
        "乡": "城关镇",
        "村": "陈家门村",
        "户编号": "86300000000001",
        "户主姓名": "何梅德",
        "户主证件号码": id_number(1),
        "家庭人口数": "2",
        "年度": "2018",
    } | changes


def test_heads_are_refused_in_the_words_of_the_catalogue(city: None) -> None:
    for code, head in {
        "IMP01": ["甲"],
        "IMP02": [name for name in P2018 if name != "户编号"],
        "IMP04": [*P2018, "是否参加大病保险"],
    }.items():
        with pytest.raises(UnrecognisedError, match=RULES[code].message) as refusal:
            recognise([head])
        assert refusal.value.code == code
        assert RULES[code].effect == Effect.REFUSE
    assert recognise([P2018]).layout.code == "P2018"


def test_unknown_head_is_told_once_for_the_file(stage: Stage) -> None:
    batch = stage([member(1, 网格员="张三"), member(2, 网格员="李四")])
    told = batch.problems.filter(rule="IMP03").values_list("row_no", "header", "identifier")
    assert list(told) == [(0, "网格员", "")]
    assert "IMP03" not in hits(stage(family(1))).get(0, set())


def test_former_name_leads_to_the_village_and_is_told(stage: Stage) -> None:
    load(renamed("410324100203", "新陈家门村村民委员会"), 2018)
    batch = stage([member(1), member(3, 2, 行政村="新陈家门村"), member(5, 3, 行政村="查无此村")])
    found = hits(batch)
    assert "IMP09" in found[2]
    assert "IMP09" not in found[3]
    assert found[4] & {"IMP08", "IMP09"} == {"IMP08"}
    assert batch.persons_rejected == 1


def test_file_without_registered_households_is_told(load_rows: Stage, stage: Stage) -> None:
    load_rows([*family(1), *family(2), *family(3, 行政县="嵩县")])
    assert "IMP10" in hits(stage(family(1)))[0]
    # The other county is not in the file, and another year has not been loaded.
    assert "IMP10" not in hits(stage([*family(1), *family(2)])).get(0, set())
    assert "IMP10" not in hits(stage(family(1), partition=2019)).get(0, set())


def test_corrected_upload_need_not_be_whole(load_rows: Stage, stage: Stage) -> None:
    load_rows([*family(1), *family(2)])
    batch, corrected = stage(family(1)), stage(family(1))
    assert "IMP10" in hits(corrected)[0]
    corrected.corrects = batch
    services.restage_judgement(corrected)
    assert "IMP10" not in hits(corrected).get(0, set())


def test_same_file_again_is_told(load_rows: Stage, stage: Stage) -> None:
    first = load_rows(family(1))
    other, again = stage(family(1)), stage(family(1))
    # Workbooks carry the second they were written in.
    Batch.objects.filter(pk=first.pk).update(sha256=again.sha256)
    Batch.objects.filter(pk=other.pk).update(sha256="0" * 64)
    for batch, fires in ((other, False), (again, True)):
        batch.refresh_from_db()
        services.restage_judgement(batch)
        assert ("IMP11" in hits(batch).get(0, set())) is fires
        assert batch.persons_rejected == 0


def test_village_of_another_region(stage: Stage) -> None:
    found = hits(stage([*family(1), *family(2, 行政县="嵩县")], region="410324"))
    assert {row for row, rules in found.items() if "IMP17" in rules} == {4, 5}


def test_person_with_another_document_number(load_rows: Stage, stage: Stage) -> None:
    load_rows(family(1))
    found = hits(stage([member(1, 证件号码=id_number(77)), member(2)]))
    assert "IDN12" in found[2]
    assert "IDN12" not in found.get(3, set())


@pytest.mark.parametrize(("place", "rule"), [({}, "DUP01"), ({"行政县": "嵩县"}, "DUP02")])
def test_person_registered_in_another_household(
    load_rows: Stage, stage: Stage, place: dict[str, str], rule: str
) -> None:
    load_rows(family(1))
    batch = stage([member(5, 3, 证件号码=id_number(1), **place), member(7, 4, **place)])
    found = hits(batch)
    assert found[2] & {"DUP01", "DUP02"} == {rule}
    assert found.get(3, set()) & {"DUP01", "DUP02"} == set()
    assert batch.persons_rejected == 1


def test_another_row_speaks_for_a_household_whose_first_one_goes_back(
    load_rows: Stage, stage: Stage
) -> None:
    load_rows(family(1))
    rows = [
        # The head's number is registered in another household.
        member(5, 3, 证件号码=id_number(1), 人均纯收入="1111"),
        member(6, 3, 与户主关系="之子", 人均纯收入="2222"),
    ]
    batch = stage(rows)
    assert "DUP01" in hits(batch)[2]
    assert (batch.persons_created, batch.persons_rejected) == (1, 1)
    assert (batch.households_created, batch.households_rejected) == (1, 0)
    batch.save()
    services.apply(batch=batch)
    year = HouseholdYear.objects.get(household__household_no="86300000000003")
    assert year.net_income_per_capita == 2222
    assert PersonYear.objects.get(household=year.household).person.person_no == "86310000000006"


def test_two_rows_that_are_one_registered_person(load_rows: Stage, stage: Stage) -> None:
    load_rows([member(1, 证件号码="999999195001010018"), member(2)])
    # One row bears the second person's number, the other one their document number.
    batch = stage([member(2, 证件号码=""), member(3, 证件号码=id_number(2))])
    assert "IDN01" in hits(batch)[2]
    batch = stage([member(2, 证件号码="999999195001010018"), member(3, 证件号码=id_number(2))])
    told = dict(batch.problems.filter(rule="DUP01").values_list("row_no", "other_row"))
    assert told == {2: 3, 3: 2}


def test_declared_number_of_members(load_rows: Stage, stage: Stage) -> None:
    load_rows(family(1))
    alone = stage([member(1)])
    # One of two is in the file, the other one is registered.
    assert hits(alone)[2] & {"IMP13", "STR04"} == {"IMP13"}
    assert "STR04" in hits(stage([member(1, 人数="3")]))[2]
    told = hits(stage([households()], headers=H2022F))
    assert "STR04" not in told.get(2, set())
    assert "STR04" in hits(stage([households(家庭人口数="3")], headers=H2022F))[2]


def test_head_whom_the_register_knows_otherwise(load_rows: Stage, stage: Stage) -> None:
    load_rows(family(1))
    for changes, fires in (
        ({}, False),
        ({"户主姓名": ""}, False),
        ({"户主姓名": "何梅兰"}, True),
        ({"户主证件号码": id_number(3)}, True),
    ):
        batch = stage([households(**changes)], headers=H2022F)
        assert ("IDN14" in hits(batch).get(2, set())) is fires, changes
        assert batch.households_rejected == 0


def test_household_twice_and_household_of_nobody(stage: Stage) -> None:
    rows = [households(), households(), households(户编号="86300000000002", 家庭人口数="0")]
    batch = stage(rows, headers=H2022F)
    found = hits(batch)
    assert ["DUP08" in found[row] for row in (2, 3, 4)] == [True, True, False]
    assert ["STR03" in found[row] for row in (2, 3, 4)] == [False, False, True]
    told = dict(batch.problems.filter(rule="DUP08").values_list("row_no", "other_row"))
    assert told == {2: 3, 3: 2}


def test_whole_households_take_their_rows_along(stage: Stage) -> None:
    batch = stage(rows_of(home({}, {"危房户": "也许"}), one()))
    batch.acceptance = Acceptance.HOUSEHOLDS
    services.restage_judgement(batch)
    told = batch.problems.filter(rule="IMP26").values_list("row_no", "other_row", "effect")
    assert list(told) == [(2, 3, "BACK")]
    assert (batch.persons_created, batch.persons_rejected) == (1, 2)


PLANS = ["户编号", "人编号", "姓名", "是否计划务工", "就业服务需求", "计划务工所在县"]
SPELLS = ["人编号", "姓名", "是否已务工", "开始时间", "结束时间", "务工所在县", "务工月收入"]


def supplement(serial: int, **changes: Any) -> dict[str, Any]:
    row = member(serial)
    return (
        {key: row[key] for key in ("户编号", "人编号", "姓名")} | {"是否计划务工": "是"} | changes
    )


def spell(serial: int, start: str, end: str) -> dict[str, Any]:
    row = member(serial)
    told = {"人编号": row["人编号"], "姓名": row["姓名"], "是否已务工": "是"}
    return told | {"开始时间": start, "结束时间": end, "务工所在县": "汝阳县", "务工月收入": "3000"}


def test_supplement_on_nobody_registered(load_rows: Stage, stage: Stage) -> None:
    load_rows(family(1))
    batch = stage([supplement(1), supplement(9)], headers=PLANS)
    assert batch.layout.code == "PLAN2023"
    found = hits(batch)
    assert "IMP22" not in found.get(2, set())
    assert "IMP22" in found[3]
    assert batch.persons_rejected == 1


def test_supplement_that_tells_another_name(load_rows: Stage, stage: Stage) -> None:
    load_rows(family(1))
    batch = stage([supplement(1), supplement(2, 姓名="何梅兰")], headers=PLANS)
    found = hits(batch)
    assert ("IMP23" in found.get(2, set()), "IMP23" in found[3]) == (False, True)
    assert batch.persons_rejected == 0


MONITORED = layout_of("MON2023").headers


def monitored(serial: int, household: int = 1, **changes: Any) -> dict[str, Any]:
    row = member(serial, household)
    told = {"人编号": row["人编号"], "户编号": row["户编号"]}
    return dict.fromkeys(MONITORED, "") | told | changes


def test_rows_of_a_household_that_tell_it_differently(load_rows: Stage, stage: Stage) -> None:
    load_rows([*family(1), *family(2)])
    rows = [
        monitored(1, 1, 信息采集人="甲", 信息采集人联系电话="13800000001"),
        monitored(2, 1, 信息采集人="乙", 信息采集人联系电话="13800000001"),
        monitored(3, 2, 信息采集人="丙"),
        monitored(4, 2),
    ]
    batch = stage(rows, headers=MONITORED)
    assert batch.layout.code == "MON2023"
    told = batch.problems.filter(rule="IMP27")
    assert list(told.values_list("row_no", "other_row", "identifier", "effect")) == [
        (3, 2, "collector", "FLAG")
    ]
    assert batch.persons_rejected == 0


def test_spells_of_work(load_rows: Stage, stage: Stage) -> None:
    load_rows(family(1))
    rows = [
        spell(1, "201803", "201805"),
        spell(1, "201803", "201806"),
        spell(1, "201807", "201809"),
        spell(2, "201808", "201803"),
    ]
    batch = stage(rows, headers=SPELLS)
    assert batch.layout.code == "WORK2023"
    found = hits(batch)
    twice = {row for row, rules in found.items() if "IMP24" in rules}
    backwards = {row for row, rules in found.items() if "IMP25" in rules}
    assert (twice, backwards) == ({2, 3}, {5})
    assert batch.entries_rejected == 3


def test_one_telephone_for_workers_in_two_counties(load_rows: Stage, stage: Stage) -> None:
    load_rows([*family(1), *family(2)], partition=2022)
    places = zip((1, 2, 3, 4), ("汝阳县", "伊川县", "汝阳县", "汝阳县"), strict=True)
    rows = [spell(serial, "202203", "202205") | {"务工所在县": at} for serial, at in places]
    load_rows(rows, partition=2022, headers=SPELLS)
    shared = [row | {"成员联系电话": "13800000001"} for row in family(1)]
    same_place = [row | {"成员联系电话": "13800000002"} for row in family(2)]
    batch = stage([*shared, *same_place], partition=2022)
    told = batch.problems.filter(rule="IDN17").values_list("row_no", "other_row")
    assert list(told) == [(2, 3)]
