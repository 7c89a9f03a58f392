import pytest

from tests.villages.lists import CITY, listed
from villages import checks

pytestmark = pytest.mark.unit

POPULATION = {
    "code": "410324", "year": "2018", "basis": "农业户籍人口", "persons": "300,120", "source": "统计局",
}  # fmt: skip
COUNTY = {
    "code": "410324", "year": "2018", "poverty_level": "国家级贫困县", "area": "中部", "source": "省扶贫办",
}  # fmt: skip
VILLAGE = {"code": "410324100203", "year": "2018", "is_poor_village": "是", "source": "县扶贫办"}


def told(problems: list[checks.Problem]) -> list[tuple[int, str, str]]:
    return [(one.row, one.field, one.value) for one in problems]


@pytest.mark.parametrize(
    ("code", "level", "fits"),
    [
        ("410000000000", "province", True),
        ("410300000000", "city", True),
        ("410300000000", "county", False),
        ("410324000000", "county", True),
        ("441900003000", "town", True),
        ("410324100203", "village", True),
        ("410324100000", "village", False),
        ("410324100203", "town", False),
    ],
)
def test_code_fits_level(code: str, level: str, fits: bool) -> None:
    assert checks.code_fits_level(code, level) is fits


def test_lies_below_wants_the_parents_own_digits() -> None:
    assert checks.lies_below("441900003000", "441900000000")
    assert not checks.lies_below("410325100000", "410324000000")
    assert not checks.lies_below("410324000000", "410324000000")


def test_divisions_read_a_good_list() -> None:
    read, problems = checks.divisions(listed(CITY))
    assert problems == []
    assert [row.code for row in read] == [entry[0] for entry in CITY]
    # The national list has no such column: nothing is known, which is not the same as empty.
    assert {row.unit_kind for row in read} == {None}


@pytest.mark.parametrize(
    ("field", "value", "word"),
    [
        ("code", "41032410020", "12 位"),
        ("code", "4.10324E+11", "12 位"),
        ("level", "hamlet", "级别"),
        ("year", "17", "整数"),
        ("name", "", "不能为空"),
        ("name", "村" * 61, "60"),
        ("source", "", "不能为空"),
        ("statistical_only", "maybe", "可选"),
        ("parent_code", "410324300000", "没有这个上级"),
        ("parent_code", "410325100000", "不可能"),
        ("parent_code", "", "没有这个上级"),
    ],
)
def test_divisions_name_row_field_and_value(field: str, value: str, word: str) -> None:
    rows = listed(CITY)
    number, cells = rows[5]
    cells[field] = value
    _, problems = checks.divisions(rows)
    assert told(problems) == [(number, field, value)]
    assert word in str(problems[0])


def test_divisions_refuse_a_code_of_another_level() -> None:
    rows = listed(CITY)
    rows[-1][1]["level"] = "town"
    _, problems = checks.divisions(rows)
    assert told(problems) == [(12, "code", "410325100201")]


def test_divisions_refuse_a_province_with_a_parent() -> None:
    rows = listed(CITY)
    rows[0][1]["parent_code"] = "410300000000"
    _, problems = checks.divisions(rows)
    assert told(problems) == [(2, "parent_code", "410300000000")]


def test_divisions_refuse_a_code_twice_in_a_year_only() -> None:
    _, problems = checks.divisions([*listed(CITY), *listed(CITY, 2018)])
    assert problems == []
    _, problems = checks.divisions(listed([*CITY, CITY[-1]]))
    assert told(problems) == [(13, "code", "410325100201")]
    assert "第 12 行" in str(problems[0])


def test_divisions_collect_every_problem() -> None:
    rows = listed(CITY)
    rows[3][1]["level"] = "x"
    rows[9][1]["name"] = ""
    _, problems = checks.divisions(rows)
    # Below a town that could not be read hang villages without a parent.
    assert [one.row for one in problems] == [5, 6, 7, 11, 12]


def test_changes_pass_over_what_only_came_or_went() -> None:
    cells = {"from_year": "2017", "to_year": "2018", "old_code": "", "new_code": "410324100204"}
    assert checks.changes([(2, cells | {"change": "added"})]) == ([], [])
    _, problems = checks.changes([(2, cells | {"change": "recoded"})])
    assert told(problems) == [(2, "old_code", "")]
    _, problems = checks.changes([(2, cells | {"change": "moved", "old_code": "410324100203"})])
    assert told(problems) == [(2, "change", "moved")]
    assert "recoded" in str(problems[0])


def test_population_reads_labels_and_short_codes() -> None:
    read, problems = checks.population([(2, POPULATION)], {})
    assert problems == []
    assert (read[0].code, read[0].basis, read[0].persons) == ("410324000000", "agri_hukou", 300120)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("code", "41032"),
        ("year", "2018年"),
        ("basis", "户籍"),
        ("persons", "-1"),
        ("persons", "12.5"),
        ("persons", "\uff11\uff12"),
        ("persons", ""),
        ("source", ""),
    ],
)
def test_population_names_row_field_and_value(field: str, value: str) -> None:
    _, problems = checks.population([(7, POPULATION | {field: value})], {"persons": "人数"})
    assert told(problems) == [(7, {"persons": "人数"}.get(field, field), value)]


def test_population_refuses_a_base_twice() -> None:
    _, problems = checks.population([(2, POPULATION), (3, POPULATION)], {"code": "区划代码"})
    assert told(problems) == [(3, "区划代码", "410324000000")]
    _, problems = checks.population([(2, POPULATION), (3, POPULATION | {"basis": "rural"})], {})
    assert problems == []


def test_facts_read_county_and_village() -> None:
    read, problems = checks.facts([(2, COUNTY), (3, VILLAGE | {"village_exited_year": "2017"})], {})
    assert problems == []
    assert (read[0].poverty_level, read[0].area) == ("national", "central")
    assert (read[1].is_poor_village, read[1].village_exited_year) == (True, 2017)


@pytest.mark.parametrize(
    ("base", "changed", "fields"),
    [
        (COUNTY, {"code": "41032x"}, ["code"]),
        (COUNTY, {"area": ""}, ["area"]),
        (COUNTY, {"poverty_level": "贫困县"}, ["poverty_level"]),
        (COUNTY, {"exited_year": "2019"}, ["exited_year"]),
        (COUNTY, {"poverty_level": "非贫困县", "exited_year": "2018"}, ["exited_year"]),
        (COUNTY, {"is_poor_village": "是"}, ["is_poor_village"]),
        (COUNTY, {"is_deep_poverty": "深"}, ["is_deep_poverty"]),
        (VILLAGE, {"is_poor_village": ""}, ["is_poor_village"]),
        (
            VILLAGE,
            {"is_poor_village": "否", "village_exited_year": "2017"},
            ["village_exited_year"],
        ),
        (VILLAGE, {"village_exited_year": "2020"}, ["village_exited_year"]),
        (VILLAGE, {"poverty_level": "非贫困县", "area": "中部"}, ["poverty_level", "area"]),
    ],
)
def test_facts_name_what_is_wrong(
    base: dict[str, str], changed: dict[str, str], fields: list[str]
) -> None:
    _, problems = checks.facts([(4, base | changed)], {})
    assert [(one.row, one.field) for one in problems] == [(4, field) for field in fields]
