"""Gates of several counties, who sees which round, and what tips a county."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from exits.enums import Metric
from exits.models import Snapshot
from exits.services import recompute
from inspections.enums import Rate, RoundKind
from tests.cast import county_leader  # noqa: F401 - fixture
from tests.conftest import OF_THE_SCOPE
from tests.dashboards.rounds import disclosed
from tests.factories.villages import RegionFactory
from tests.inspections.conftest import office  # noqa: F401 - fixture
from tests.workbooks import family
from villages.models import CountyYear, PopulationBase, Region

AsUser = Callable[[User], Client]
pytestmark = pytest.mark.django_db
LUANCHUAN, SONG, THIRD = "410324000000", "410325000000", "410327000000"
FAILS = {Rate.WRONGFUL_EXIT: ("0.031", "0.012", "0.052", "NOT_MET")}
WEAK = {Rate.OMISSION_VILLAGES: ("0.0151", "0.008", "0.0238", "WEAK_EVIDENCE")}
OPEN = {Rate.WRONGFUL_EXIT: ("0.004", "0.001", "0.009", "TO_RECTIFY")}


def exiting(*codes: str) -> None:
    """Poor counties that mean to exit in 2018, with a population."""
    for code in codes:
        region = Region.objects.filter(code=code).first() or RegionFactory(
            code=code, name="宜阳县", parent=Region.objects.get(code="410300000000")
        )
        CountyYear.objects.create(
            region=region, region_code=code, year=2018, poverty_level="national", area="central",
            planned_exit_year=2018, source="测试",
        )  # fmt: skip
        PopulationBase.objects.create(
            region=region, region_code=code, year=2018, basis="agri_hukou", persons=400,
            source="测试",
        )  # fmt: skip
    recompute(prefix="4103", partition=2018)


@pytest.fixture
def register(load_rows: Any) -> None:
    load_rows([*family(1), *family(2), *family(3, 行政县="嵩县")])


def cell_of(board: Any, county: str, code: str) -> dict[str, Any]:
    at = [column["code"] for column in board.columns].index(code)
    return next(row for row in board.rows if row["code"] == county)["cells"][at]


def titles(board: Any) -> list[str]:
    return [one["title"] for one in board.blockers]


@pytest.mark.parametrize("counties", [(LUANCHUAN,), (LUANCHUAN, SONG, THIRD)])
def test_queries_do_not_grow_with_counties_and_rounds(
    as_user: AsUser, register: None, city_leader: User, office: User,  # noqa: F811
    counties: tuple[str, ...], django_assert_num_queries: Any,
) -> None:  # fmt: skip
    exiting(*counties)
    for county in counties:
        disclosed(county, office, kind=RoundKind.COUNTY_SELF)
        disclosed(county, office, changes=WEAK)
    client = as_user(city_leader)
    client.get("/")
    with django_assert_num_queries(19 + OF_THE_SCOPE):
        board = client.get("/").context["board"]
    assert len(board.rows) == len(counties)
    for county in counties:
        assert cell_of(board, county, Metric.OMISSION_RATE)["verdict"] == "证据不足"


@pytest.mark.parametrize("rounds", [1, 3])
def test_queries_of_a_county_do_not_grow_with_its_rounds(
    as_user: AsUser, register: None, county_leader: User, office: User,  # noqa: F811
    rounds: int, django_assert_num_queries: Any,
) -> None:  # fmt: skip
    exiting(LUANCHUAN)
    for kind in list(RoundKind)[:rounds]:
        disclosed(LUANCHUAN, office, kind=kind)
    client = as_user(county_leader)
    client.get("/")
    with django_assert_num_queries(24 + OF_THE_SCOPE):
        board = client.get("/").context["board"]
    assert len(board.rounds["columns"]) == rounds
    assert [row["code"] for row in board.rounds["rows"]] == [
        "composite_rate", "wrongful_exit_rate", "omission_rate", "approval_rate",
    ]  # fmt: skip
    for row in board.rounds["rows"]:
        for cell in row["cells"]:
            assert client.get(cell["href"]).status_code == 200


def test_counties_rank_by_their_most_urgent_gate(
    as_user: AsUser,
    register: None,
    city_leader: User,
    office: User,  # noqa: F811
) -> None:
    exiting(LUANCHUAN, SONG, THIRD)
    disclosed(LUANCHUAN, office, changes=OPEN)
    disclosed(SONG, office, changes=WEAK, more=820)
    disclosed(THIRD, office, changes=FAILS)
    board = as_user(city_leader).get("/").context["board"]
    assert [row["verdict"]["label"] for row in board.rows] == ["不达标", "证据不足", "待整改"]
    assert board.confidence == "95%"
    weak = cell_of(board, SONG, Metric.OMISSION_RATE)
    assert (weak["value_text"], weak["word"]) == ("1.51%", "上限超标")
    assert weak["evidence"] == "1,204 户 · 上限 2.38%"
    notes = {one["title"]: one["note"] for one in board.blockers}
    assert notes["漏评率上限 2.38%"] == "嵩县 · 市级初审 · 约需补查 820 户"
    assert notes["错退率 3.10%"] == "宜阳县 · 市级初审 · 确认 37 户"
    assert notes["错退率 0.40%"] == "栾川县 · 市级初审 · 尚有 3 个确认问题未整改到位"
    assert "但 95% 上限 2.38%，证据不足" in " ".join(board.headline["sentences"])


def test_a_composite_rate_alone_keeps_a_county_in(
    as_user: AsUser,
    register: None,
    city_leader: User,
    office: User,  # noqa: F811
) -> None:
    exiting(LUANCHUAN)
    disclosed(LUANCHUAN, office, changes={Rate.COMPOSITE: ("0.0205", "0.012", "0.031", "NOT_MET")})
    board = as_user(city_leader).get("/").context["board"]
    assert board.rows[0]["verdict"]["label"] == "不达标"
    # 410 of 20,000 persons; 399 are fewer than 2 %.
    notes = {one["title"]: one["note"] for one in board.blockers}
    assert notes["综合贫困发生率 2.05%"] == "栾川县 · 市级初审 · 再减少 11 人即达标"


def test_a_spot_check_is_no_result_of_a_county(
    as_user: AsUser,
    register: None,
    city_leader: User,
    office: User,  # noqa: F811
) -> None:
    exiting(LUANCHUAN)
    review = disclosed(LUANCHUAN, office)
    disclosed(LUANCHUAN, office, kind=RoundKind.SPOT_CHECK, changes=FAILS)
    board = as_user(city_leader).get("/").context["board"]
    cell = cell_of(board, LUANCHUAN, Metric.WRONGFUL_EXIT_RATE)
    assert (cell["verdict"], cell["href"]) == (
        "达标",
        f"/rounds/{review.pk}/results/wrongful_exit_rate/",
    )


def test_a_county_leader_sees_disclosed_rounds_of_the_own_county_only(
    as_user: AsUser, register: None, county_leader: User, city_leader: User, office: User,  # noqa: F811
) -> None:  # fmt: skip
    exiting(LUANCHUAN, SONG)
    disclosed(LUANCHUAN, office)
    hidden = disclosed(
        LUANCHUAN, office, kind=RoundKind.PROVINCE_CHECK, is_disclosed=False, changes=FAILS
    )
    other = disclosed(SONG, office, changes=FAILS)
    client = as_user(county_leader)
    answer = client.get("/")
    board, text = answer.context["board"], answer.content.decode()
    assert [one["name"] for one in board.rounds["columns"]] == ["市级初审"]
    assert f"/rounds/{hidden.pk}/" not in text
    assert f"/rounds/{other.pk}/" not in text
    assert "3.10%" not in text
    assert client.get(f"/rounds/{hidden.pk}/results/wrongful_exit_rate/").status_code == 404
    assert client.get("/regions/410325/").status_code == 404
    # Whoever holds it sees it there, marked, and it counts for nothing yet.
    seen = as_user(city_leader).get("/regions/410324/").context["board"]
    assert [one["is_disclosed"] for one in seen.rounds["columns"]] == [True, False]
    assert "错退率 3.10%" not in titles(seen)


def test_reasons_are_those_of_the_figure(
    as_user: AsUser, register: None, city_leader: User
) -> None:
    exiting(LUANCHUAN)
    Snapshot.objects.filter(metric=Metric.OMISSION_RATE, region_code=LUANCHUAN).delete()
    Snapshot.objects.create(
        region_code=LUANCHUAN, partition=2018, metric=Metric.OMISSION_RATE, definition_version=1,
        verdict="NOT_COMPUTABLE", reason="有疑似问题尚未核定", data_version=1,
    )  # fmt: skip
    board = as_user(city_leader).get("/").context["board"]
    notes = {one["title"]: one["note"] for one in board.blockers}
    assert notes["有疑似问题尚未核定"] == "栾川县 · 漏评率"
    assert "1 个县有疑似问题尚未核定，无法判定。" in board.headline["sentences"]


def test_every_item_of_a_county_opens_into_its_households(
    as_user: AsUser,
    register: None,
    county_leader: User,  # noqa: F811
) -> None:
    exiting(LUANCHUAN)
    client = as_user(county_leader)
    board = client.get("/").context["board"]
    lines = [one for one in board.blockers if "item=" in one["href"]]
    assert lines
    for line in lines:
        households = int(line["title"].split("：")[1].split(" 户")[0])
        assert client.get(line["href"]).context["total"] >= households
    assert client.get(board.what_if_href).status_code == 200
