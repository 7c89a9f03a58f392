import csv
from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from villages import workbooks
from villages.formulas import (
    match_key,
    parts_of_list,
    short_name,
)

pytestmark = pytest.mark.unit

CHINESE = st.text(
    alphabet="村民居委员会社区街道办事处陈家门（走）() \uff110\u3000\u200b", max_size=14
)


@pytest.mark.parametrize(
    "other",
    [
        "陈家门村村民委员会",
        "陈家门村委会",
        "陈家门村民委员会",
        "陈家门",
        " 陈家门　村 ",
        "陈家门村村委员会",
    ],
)
def test_match_key_of_a_village_is_one_for_all_spellings(other: str) -> None:
    assert match_key(other) == match_key("陈家门村")


@pytest.mark.parametrize(
    "other", ["桥北社区居民委员会", "桥北居委会", "桥北居民委员会", "桥北社区居委员会"]
)
def test_match_key_of_a_community_is_one_for_all_spellings(other: str) -> None:
    assert match_key(other) == match_key("桥北社区")


def test_match_key_keeps_village_and_community_of_one_name_apart() -> None:
    assert match_key("南街村委会") != match_key("南街居委会")


def test_match_key_keeps_town_and_township_apart() -> None:
    assert len({match_key("栾川镇"), match_key("栾川乡"), match_key("栾川街道")}) == 3


def test_match_key_of_a_subdistrict_office_is_the_subdistricts() -> None:
    assert match_key("西关街道办事处") == match_key("西关街道") == match_key("西关办事处")


def test_match_key_folds_width() -> None:
    assert match_key("１１０街社区居委会") == match_key("110街社区")
    assert match_key("新建大队（走）") == match_key("新建大队(走)")


@pytest.mark.parametrize("bare", ["村", "村委会", "居委会", "社区", "办事处", "   ", "\u200b"])
def test_match_key_of_a_bare_suffix_is_not_empty(bare: str) -> None:
    assert match_key(bare)


@settings(deadline=None)
@given(st.one_of(CHINESE, st.text(max_size=20)))
def test_match_key_is_idempotent_and_never_empties(name: str) -> None:
    key = match_key(name)
    assert match_key(key) == key
    assert bool(key) == bool(name)


def test_match_key_is_unique_inside_every_town_of_luoyang() -> None:
    names = defaultdict(set)
    with (workbooks.DATA / "luoyang_2017.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["level"] == "village":
                names[row["parent_code"], match_key(row["name"])].add(row["name"])
    assert len(names) == 3232
    assert {key: found for key, found in names.items() if len(found) > 1} == {}


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("陈家门村村民委员会", "陈家门村"),
        ("新墩村委会", "新墩村"),
        ("桥北社区居民委员会", "桥北社区"),
        ("耕莘东路居民委员会", "耕莘东路居委会"),
        ("栾川县", "栾川县"),
        ("村委会", "村委会"),
        ("白云林场", "白云林场"),
    ],
)
def test_short_name(name: str, short: str) -> None:
    assert short_name(name) == short


def test_parts_of_list_takes_an_only_child_as_an_address() -> None:
    rows = [
        ("610000000000", "province", ""),
        ("610900000000", "city", "610000000000"),
        ("610922000000", "county", "610900000000"),
        ("610922100000", "town", "610922000000"),
    ]
    assert parts_of_list(rows) == {
        ("61", "province"),
        ("6109", "city"),
        ("610922", "county"),
        ("610922", "town"),
    }


def test_parts_of_list_covers_a_city_with_several_counties() -> None:
    rows = [
        ("410300000000", "city", "410000000000"),
        ("410324000000", "county", "410300000000"),
        ("410325000000", "county", "410300000000"),
    ]
    assert parts_of_list(rows) == {("4103", "city"), ("4103", "county")}


def test_parts_of_list_covers_towns_directly_under_a_city() -> None:
    rows = [
        ("441900000000", "city", "440000000000"),
        ("441900003000", "town", "441900000000"),
        ("441900004000", "town", "441900000000"),
    ]
    assert parts_of_list(rows) == {("4419", "city"), ("4419", "town")}
