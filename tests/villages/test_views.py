from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.signing_in import sign_in_verified
from tests.villages.lists import load, renamed
from villages.models import CountyYear, PopulationBase, Region, VillageYear

GetRegion = Callable[[str], Region]


@pytest.fixture
def url() -> str:
    return reverse("villages:list")


@pytest.fixture
def facts(city: GetRegion) -> None:
    county, village = city("410324"), city("410324100203")
    common = {"year": 2018, "source": "测试来源"}
    CountyYear.objects.create(
        region=county, region_code=county.code, poverty_level="national", area="central",
        planned_exit_year=2019, **common,
    )  # fmt: skip
    VillageYear.objects.create(
        region=village, region_code=village.code, is_poor_village=True, exited_year=2017, **common
    )
    PopulationBase.objects.create(
        region=county, region_code=county.code, basis="agri_hukou", persons=300120, **common
    )


def names(response: Any) -> list[str]:
    return [line.region.name for line in response.context["rows"]]


def test_list_starts_at_the_clerks_county(
    client: Any, url: str, city: GetRegion, luanchuan_clerk: Any
) -> None:
    sign_in_verified(client, luanchuan_clerk)
    response = client.get(url)
    assert response.context["region"] == city("410324")
    assert names(response) == ["城关镇", "栾川乡"]


def test_list_goes_down_to_the_village(
    client: Any, url: str, city: GetRegion, facts: None, city_leader: Any
) -> None:
    sign_in_verified(client, city_leader)
    steps = {"4103": ["栾川县", "嵩县"], "410324": ["城关镇", "栾川乡"]}
    steps |= {"410324100": ["耕莘东路居民委员会", "陈家门村村民委员会"], "410324100203": []}
    for code, below in steps.items():
        response = client.get(url, {"region": code, "year": 2018})
        assert (response.status_code, names(response)) == (200, below)


def test_list_shows_facts_of_the_year(
    client: Any, url: str, facts: None, luanchuan_clerk: Any
) -> None:
    sign_in_verified(client, luanchuan_clerk)
    html = client.get(url, {"region": "410324", "year": 2018}).content.decode()
    for word in ("国家级贫困县", "计划 2019 年退出", "300,120 人", "测试来源", "最后一份公开"):
        assert word in html
    later = client.get(url, {"region": "410324", "year": 2017})
    assert "国家级贫困县" not in later.content.decode()
    assert later.context["itself"].poor_villages is None
    village = client.get(url, {"region": "410324100203", "year": 2018})
    assert "2017 年出列" in village.content.decode()


def test_list_shows_the_name_of_the_year(
    client: Any, url: str, city: GetRegion, city_leader: Any
) -> None:
    load(renamed("410324200000", "耕莘镇"), 2018)
    sign_in_verified(client, city_leader)
    assert "栾川乡" in names(client.get(url, {"region": "410324", "year": 2017}))
    after = client.get(url, {"region": "410324200", "year": 2018})
    assert after.context["region"].name == "耕莘镇"
    assert "栾川乡<small>410324200000</small>" in after.content.decode()


def test_list_shows_what_a_former_county_became(
    client: Any, url: str, mengjin: object, city_leader: Any
) -> None:
    sign_in_verified(client, city_leader)
    response = client.get(url, {"region": "410322", "year": 2023})
    html = response.content.decode()
    assert response.context["is_valid"] is False
    assert "2023 年末无此区划" in html
    assert "孟津区" in html


def test_list_of_a_neighbour_is_404(
    client: Any, url: str, city: GetRegion, luanchuan_clerk: Any, songxian_clerk: Any
) -> None:
    for code in ("410324", "410324100", "410324100203"):
        sign_in_verified(client, luanchuan_clerk)
        assert client.get(url, {"region": code}).status_code == 200
        sign_in_verified(client, songxian_clerk)
        assert client.get(url, {"region": code}).status_code == 404


def test_list_of_what_lies_above_counts_the_own_part_only(
    client: Any, url: str, city: GetRegion, facts: None, songxian_clerk: Any
) -> None:
    sign_in_verified(client, songxian_clerk)
    response = client.get(url, {"region": "4103", "year": 2018})
    assert names(response) == ["嵩县"]
    assert (response.context["itself"].villages, response.context["itself"].poor_villages) == (
        1,
        None,
    )
    assert "只统计您管辖范围内" in response.content.decode()


@pytest.mark.parametrize(
    "query", [{"region": "410399"}, {"region": "41032"}, {"region": "x"}, {"year": "1"}]
)
def test_list_of_a_bad_address_is_404(
    client: Any, url: str, city: GetRegion, city_leader: Any, query: dict[str, str]
) -> None:
    sign_in_verified(client, city_leader)
    assert client.get(url, query).status_code == 404


def test_list_before_anything_is_loaded(client: Any, url: str, city_leader: Any) -> None:
    sign_in_verified(client, city_leader)
    response = client.get(url, {"year": 2018})
    assert response.status_code == 200
    assert "没有可查看的区划" in response.content.decode()


@pytest.mark.django_db
def test_list_wants_a_signed_in_reader(client: Any, url: str) -> None:
    response = client.get(url)
    assert response.status_code == 302
    assert "login" in response["Location"]


def test_list_is_for_reading(client: Any, url: str, city_leader: Any) -> None:
    sign_in_verified(client, city_leader)
    assert client.post(url).status_code == 405


def test_list_takes_as_many_queries_for_two_lines_as_for_one(
    client: Any, url: str, city: GetRegion, city_leader: Any
) -> None:
    sign_in_verified(client, city_leader)
    client.get(url)
    taken = []
    for code, below in (("410325", 1), ("410324", 2)):
        with CaptureQueriesContext(connection) as captured:
            response = client.get(url, {"region": code, "year": 2018})
        assert len(response.context["rows"]) == below
        taken.append(len(captured))
    assert taken[0] == taken[1]
