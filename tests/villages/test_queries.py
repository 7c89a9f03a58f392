from collections.abc import Callable
from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.scope import Maintenance
from tests.villages.lists import CITY, load, renamed
from villages import queries
from villages.formulas import match_key
from villages.models import Region, VillageYear

GetRegion = Callable[[str], Region]

DAY = date(2018, 12, 31)
LEADER = Maintenance("4103")
LUANCHUAN = Maintenance("410324")


def test_region_at_takes_short_and_full_codes(city: GetRegion) -> None:
    assert queries.region_at("410324", DAY) == queries.region_at("410324000000", DAY)
    assert queries.region_at("410399", DAY) is None


def test_region_at_knows_days(mengjin: object) -> None:
    eve, day = date(2021, 3, 17), date(2021, 3, 18)
    names = [
        region and region.name
        for region in (
            queries.region_at("410322", eve),
            queries.region_at("410322", day),
            queries.region_at("410308", eve),
            queries.region_at("410308", day),
        )
    ]
    assert names == ["孟津县", None, None, "孟津区"]


def test_ancestors_come_province_first(city: GetRegion) -> None:
    found = queries.ancestors(city("410324100203"), DAY)
    assert [one.name for one in found] == ["河南省", "洛阳市", "栾川县", "城关镇"]
    assert queries.ancestors(city("41"), DAY) == []


def test_full_name_leaves_out_province_and_committee(city: GetRegion) -> None:
    assert queries.full_name(city("410324100203"), DAY) == "洛阳市栾川县城关镇陈家门村"
    assert queries.full_name(city("410324"), DAY) == "洛阳市栾川县"
    assert queries.full_name(city("41"), DAY) == "河南省"


def test_full_name_is_that_of_the_day(city: GetRegion) -> None:
    load(renamed("410324100000", "城关街道"), 2020)
    village = city("410324100203")
    assert queries.full_name(village, DAY) == "洛阳市栾川县城关镇陈家门村"
    assert queries.full_name(village, date(2020, 12, 31)) == "洛阳市栾川县城关街道陈家门村"


@pytest.mark.django_db
def test_full_name_of_a_county_under_a_pseudo_city_names_the_province() -> None:
    load(
        [
            ("410000000000", "河南省", "province", ""),
            ("419000000000", "省直辖县级行政区划", "city", "410000000000"),
            ("419001000000", "济源市", "county", "419000000000"),
        ]
    )
    Region.objects.filter(code="419000000000").update(statistical_only=True)
    assert queries.full_name(Region.objects.get(code="419001000000"), DAY) == "河南省济源市"
    assert queries.full_name(Region.objects.get(code="419000000000"), DAY) == "河南省"


@pytest.mark.django_db
def test_a_town_may_lie_under_its_city() -> None:
    load(
        [
            ("440000000000", "广东省", "province", ""),
            ("441900000000", "东莞市", "city", "440000000000"),
            ("441900003000", "东城街道", "town", "441900000000"),
            ("441900003001", "岗贝社区居民委员会", "village", "441900003000"),
            ("441900004000", "南城街道", "town", "441900000000"),
        ]
    )
    village = Region.objects.get(code="441900003001")
    assert queries.full_name(village, DAY) == "东莞市东城街道岗贝社区"
    below = queries.children(Region.objects.get(code="441900000000"), DAY, Maintenance("4419"))
    assert [one.name for one in below] == ["东城街道", "南城街道"]
    ((county, town, name, pk, code),) = queries.resolution_rows("4419", DAY)
    assert (county, town, name) == ("东莞市", "东城街道", "岗贝社区")
    assert (pk, code) == (village.pk, village.code)


def test_children_are_those_of_the_day_and_of_the_actor(city: GetRegion) -> None:
    load(renamed("410324000000", "栾川市"), 2020)
    luoyang = city("4103")
    assert [r.name for r in queries.children(luoyang, DAY, LEADER)] == ["栾川县", "嵩县"]
    later = date(2020, 12, 31)
    assert [r.name for r in queries.children(luoyang, later, LEADER)] == ["栾川市", "嵩县"]
    assert [r.name for r in queries.children(luoyang, DAY, LUANCHUAN)] == ["栾川县"]
    # Towns hang on the county's new version and are still the old one's on the earlier day.
    old = Region.objects.get(code="410324000000", name="栾川县")
    assert [r.name for r in queries.children(old, DAY, LUANCHUAN)] == ["城关镇", "栾川乡"]


def test_resolution_rows_tell_villages_of_one_name_apart(city: GetRegion) -> None:
    rows = queries.resolution_rows("4103", DAY)
    same = [row for row in rows if row[2] == match_key("陈家门村")]
    assert [(row[0], row[1], row[4]) for row in same] == [
        ("栾川县", "城关镇", "410324100203"),
        ("嵩县", "城关镇", "410325100201"),
    ]
    assert len(rows) == sum(level == "village" for _, _, level, _ in CITY)


def test_resolution_rows_use_the_names_of_the_day(city: GetRegion) -> None:
    load(renamed("410324100000", "城关街道办事处"), 2020)
    towns = {row[1] for row in queries.resolution_rows("410324", DAY)}
    assert towns == {"城关镇", "栾川乡"}
    towns = {row[1] for row in queries.resolution_rows("410324", date(2020, 12, 31))}
    assert towns == {"城关街道", "栾川乡"}


def test_lines_count_what_lies_below(city: GetRegion) -> None:
    for code in ("410324100203", "410324200201", "410325100201"):
        VillageYear.objects.create(
            region=city(code),
            region_code=code,
            year=2018,
            is_poor_village=True,
            exited_year=2017 if code == "410324100203" else None,
            source="测试",
        )
    VillageYear.objects.create(
        region=city("410324100001"), region_code="410324100001", year=2018, source="测试"
    )
    found = queries.lines(queries.children(city("4103"), DAY, LEADER), DAY, LEADER)
    assert [
        (one.region.name, one.towns, one.villages, one.poor_villages, one.exited_villages)
        for one in found
    ] == [("栾川县", 2, 3, 2, 1), ("嵩县", 1, 1, 1, 0)]


def test_lines_without_facts_of_the_year_say_so(city: GetRegion) -> None:
    (line,) = queries.lines(Region.objects.filter(code="410324000000"), DAY, LEADER)
    assert (line.villages, line.poor_villages, line.exited_villages) == (3, None, None)


@pytest.mark.parametrize("code", ["410325", "410324", "4103"])
def test_lines_take_four_queries_for_one_and_for_three(city: GetRegion, code: str) -> None:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        queries.lines(queries.children(city(code), DAY, LEADER), DAY, LEADER)
    # One of the five is the test's own look-up of the parent.
    assert len(captured) == 5


def test_version_shown_falls_back_to_the_youngest_known(mengjin: object) -> None:
    leader = Maintenance("4103")
    old = queries.version_shown("410322", date(2023, 12, 31), leader)
    assert old is not None
    assert old.name == "孟津县"
    assert queries.version_shown("410322", DAY, LUANCHUAN) is None


def test_neighbours_in_time_show_both_origins(mengjin: object) -> None:
    links = queries.neighbours_in_time(Region.objects.get(code="410308000000"))
    assert [link.old.name for link in links] == ["吉利区", "孟津县"]


def test_lists_of_and_years_known(mengjin: object) -> None:
    county = Region.objects.get(code="410308000000")
    assert [day.year for day in queries.lists_of(county)] == [2017, 2018, 2020, 2023]
    assert queries.years_known(LEADER) == {2017, 2018, 2020, 2023}
