"""The leader's pages: right figures, own region only, a fixed number of queries."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from exits.services import recompute
from imports.models import Batch
from tests.conftest import OF_THE_SCOPE
from tests.workbooks import family
from villages.models import CountyYear, PopulationBase, Region

AsUser = Callable[[User], Client]
Load = Callable[..., Batch]


@pytest.fixture
def register(load_rows: Load) -> Load:
    load_rows([*family(1), *family(2), *family(3, 行政县="嵩县")])
    for code in ("410324000000", "410325000000"):
        region = Region.objects.get(code=code)
        CountyYear.objects.create(
            region=region, region_code=code, year=2018, poverty_level="national", area="central",
            planned_exit_year=2018 if code.startswith("410324") else 2019, source="测试",
        )  # fmt: skip
        PopulationBase.objects.create(
            region=region,
            region_code=code,
            year=2018,
            basis="agri_hukou",
            persons=400,
            source="测试",
        )
    recompute(prefix="4103", partition=2018)
    return load_rows


def test_city_leader_sees_the_counties_that_mean_to_exit(
    as_user: AsUser, register: Load, city_leader: User
) -> None:
    board = as_user(city_leader).get("/").context["board"]
    assert [row["name"] for row in board.rows] == ["栾川县"]
    cell = board.rows[0]["cells"][0]
    assert (cell["value_text"], cell["verdict"], cell["evidence"]) == (
        "1.00%",
        "达标",
        "4 / 400 人",
    )
    assert [cell["verdict"] for cell in board.rows[0]["cells"][1:]] == ["无法计算"] * 4
    assert board.rows[0]["verdict"]["label"] == "无法计算"
    assert "无法判定" in board.headline["title"]


def test_figure_of_the_city_without_base_is_not_guessed(
    as_user: AsUser, register: Load, city_leader: User
) -> None:
    board = as_user(city_leader).get("/").context["board"]
    assert (board.kpis[0]["value"], board.kpis[0]["note"]) == ("无法计算", "缺少该年度人口基数")


def test_county_clerk_starts_in_the_own_county(
    as_user: AsUser, register: Load, luanchuan_clerk: User
) -> None:
    board = as_user(luanchuan_clerk).get("/").context["board"]
    assert board.region.name == "栾川县"
    assert "嵩县" not in as_user(luanchuan_clerk).get("/").content.decode()


@pytest.mark.parametrize(
    "address", ["/regions/410325/", "/regions/4103/", "/regions/999999/", "/regions/41/"]
)
def test_outside_the_grants_there_is_nothing(
    as_user: AsUser, register: Load, luanchuan_clerk: User, address: str
) -> None:
    assert as_user(luanchuan_clerk).get(address).status_code == 404


def test_drill_down(as_user: AsUser, register: Load, city_leader: User) -> None:
    client = as_user(city_leader)
    for code, children in (("410324", 2), ("410324100", 2), ("410324100203", 0)):
        board = client.get(f"/regions/{code}/").context["board"]
        assert len(board.rows) == children, code


def test_without_a_grant_there_is_no_register(
    as_user: AsUser, register: Load, stranger: User
) -> None:
    # Who reads no register has work elsewhere: on the page of the own account.
    assert as_user(stranger).get("/").headers["Location"] == "/accounts/me/"


def test_before_any_data_the_page_says_so(as_user: AsUser, city: None, city_leader: User) -> None:
    assert "还没有可以显示的数据" in as_user(city_leader).get("/").content.decode()


def test_wrong_method(as_user: AsUser, register: Load, city_leader: User) -> None:
    assert as_user(city_leader).post("/").status_code == 405


def test_every_figure_is_as_long_as_its_list(
    as_user: AsUser, register: Load, city_leader: User
) -> None:
    client = as_user(city_leader)
    board = client.get("/").context["board"]
    for table in board.tallies:
        for row in table["rows"]:
            assert client.get(row["href"]).context["total"] == row["households"], row
            assert client.get(row["persons_href"]).context["total"] == row["persons"], row
    assert client.get(board.kpis[2]["href"]).context["total"] == 6
    assert client.get(board.rows[0]["cells"][0]["href"]).context["total"] == 4


@pytest.mark.parametrize("households", [1, 3])
def test_queries_do_not_grow_with_the_register(
    as_user: AsUser,
    register: Load,
    city_leader: User,
    households: int,
    django_assert_num_queries: Any,
) -> None:
    register(
        [
            row
            for number in range(10, 10 + households)
            for row in family(number, 乡镇="栾川乡", 行政村="养子沟村")
        ]
    )
    recompute(prefix="4103", partition=2018)
    client = as_user(city_leader)
    client.get("/")
    with django_assert_num_queries(19 + OF_THE_SCOPE):
        client.get("/")
