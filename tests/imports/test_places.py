"""Which village a row names: former names and codes, and what stays unclear."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from households.models import HouseholdYear
from imports import services
from imports.models import Batch
from imports.services.placing import Villages
from tests.workbooks import P2018, family
from villages.enums import Succession
from villages.models import Region, RegionSuccession

Load = Callable[..., Batch]
TOWN, VILLAGE = "410324100000", "410324100203"


def notes(batch: Batch) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for row_no, rule in batch.problems.filter(row_no__gt=0).values_list("row_no", "rule"):
        found.setdefault(row_no, set()).add(rule)
    return found


def former(code: str, name: str, level: str, new: Region, *, ended: date) -> Region:
    """A division that became another one on the day."""
    old = Region.objects.create(
        code=code, name=name, level=level, parent=new.parent, valid_to=ended, source="测试清单"
    )
    RegionSuccession.objects.create(
        old=old, new=new, kind=Succession.choices[0][0], effective_on=ended, source="测试清单"
    )
    return old


@pytest.fixture
def village(city: None) -> Region:
    return Region.objects.get(code=VILLAGE, valid_to=None)


# As the list of 2018 against that of 2017: the town got another code, villages went along or were
# renamed.
CASES = {
    "former name of the village": {"行政村": "陈家老门村"},
    "former town": {"乡镇": "旧城镇"},
    "both": {"乡镇": "旧城镇", "行政村": "陈家老门村"},
    "former code": {"行政村": "410324777203", "乡镇": "", "行政县": ""},
}


@pytest.fixture
def history(village: Region) -> None:
    town = Region.objects.get(code=TOWN, valid_to=None)
    former("410324777000", "旧城镇", "town", town, ended=date(2018, 6, 1))
    former("410324777203", "陈家老门村委会", "village", village, ended=date(2018, 6, 1))


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize("case", CASES)
def test_village_is_found_through_what_it_was_called(load_rows: Load, case: str) -> None:
    batch = load_rows(family(1, **CASES[case]))
    assert batch.counts("persons")["created"] == 2, notes(batch)
    assert {row: rules & {"IMP08", "IMP09"} for row, rules in notes(batch).items()} == {
        2: {"IMP09"}, 3: {"IMP09"},
    }  # fmt: skip
    assert HouseholdYear.objects.get().village_code == VILLAGE


@pytest.mark.usefixtures("history")
def test_name_of_today_is_not_noted(load_rows: Load) -> None:
    assert "IMP09" not in {rule for rules in notes(load_rows(family(1))).values() for rule in rules}


@pytest.mark.usefixtures("history")
def test_change_that_came_later_is_not_known_yet(load_rows: Load) -> None:
    batch = load_rows(family(1, 行政村="陈家老门村"), partition=2017)
    assert all("IMP08" in rules for rules in notes(batch).values())
    assert batch.counts("persons")["rejected"] == 2


def test_name_that_led_to_two_villages_is_not_guessed(load_rows: Load, village: Region) -> None:
    other = Region.objects.filter(level="village", code__startswith=TOWN[:9], valid_to=None)
    other = other.exclude(pk=village.pk).first()
    old = former("410324777203", "陈家老门村", "village", village, ended=date(2018, 6, 1))
    RegionSuccession.objects.create(
        old=old,
        new=other,
        kind=Succession.choices[0][0],
        effective_on=date(2018, 6, 1),
        source="测试",
    )
    batch = load_rows(family(1, 行政村="陈家老门村"))
    assert all("IMP08" in rules for rules in notes(batch).values())


def test_steps_of_history_are_followed_all_the_way(village: Region) -> None:
    middle = former("410324777203", "陈家中门村", "village", village, ended=date(2018, 6, 1))
    former("410324888203", "陈家先门村", "village", middle, ended=date(2017, 6, 1))
    villages = Villages("4103", 2018)
    assert villages.find("栾川县", "城关镇", "陈家先门村") == (village.pk, VILLAGE, True)
    assert villages.find("", "城关镇", "陈家先门村") == (village.pk, VILLAGE, True)
    assert villages.find("", "", "410324888203") == (village.pk, VILLAGE, True)
    assert villages.find("嵩县", "城关镇", "陈家先门村") == (None, None, False)


NO_COUNTY = [name for name in P2018 if name != "行政县"]


def without_county(**changes: str) -> list[dict[str, Any]]:
    rows = family(1, **changes)
    return [{name: row[name] for name in row if name != "行政县"} for row in rows]


@pytest.mark.parametrize("county", ["410324", "410325"])
def test_names_without_a_county_are_looked_for_in_the_files_region_first(
    stage: Load, county: str
) -> None:
    """Two counties have a village of that name in a town of that name."""
    batch = stage(without_county(), headers=NO_COUNTY, region=county)
    assert batch.counts("persons")["created"] == 2, notes(batch)
    assert not batch.problems.filter(rule__in=("IMP08", "IMP17")).exists()
    services.apply(batch=batch)
    assert HouseholdYear.objects.get().village_code.startswith(county)


def test_names_without_a_county_are_not_guessed_for_the_whole_city(stage: Load) -> None:
    batch = stage(without_county(), headers=NO_COUNTY)
    assert all("IMP08" in rules for rules in notes(batch).values())


def test_village_that_only_another_county_has_is_found_there_and_told(stage: Load) -> None:
    rows = without_county(乡镇="栾川乡", 行政村="养子沟村")
    batch = stage(rows, headers=NO_COUNTY, region="410325")
    assert all(rules & {"IMP08", "IMP17"} == {"IMP17"} for rules in notes(batch).values())
    assert batch.counts("persons")["rejected"] == 2


@pytest.mark.parametrize("code", [VILLAGE, float(VILLAGE), f" {VILLAGE} "])
def test_code_beside_the_names_is_enough(load_rows: Load, city: None, code: Any) -> None:
    rows = [
        {**row, "行政村": "", "乡镇": "", "行政县": "", "行政村代码": code} for row in family(1)
    ]
    batch = load_rows(rows, headers=[*P2018, "行政村代码"])
    assert batch.counts("persons")["created"] == 2, notes(batch)
    assert HouseholdYear.objects.get().village_code == VILLAGE


def test_code_replaces_the_column_of_names(load_rows: Load, city: None) -> None:
    headers = [name for name in P2018 if name not in ("行政县", "乡镇", "行政村")] + ["行政村代码"]
    known = [
        {**{name: row[name] for name in row if name in headers}, "行政村代码": VILLAGE}
        for row in family(1)
    ]
    assert load_rows(known, headers=headers).counts("persons")["created"] == 2
    unknown = [{**row, "行政村代码": "410324999999"} for row in known]
    batch = load_rows(unknown, headers=headers)
    assert all("IMP08" in rules for rules in notes(batch).values())
