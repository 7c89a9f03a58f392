"""Readiness and blockers as other systems read them."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from exits.models import PovertyLine
from exits.services import recompute
from households.models import PersonYear
from tests.factories.households import HOME, NEIGHBOUR, household
from tests.factories.villages import RegionFactory

READINESS, BLOCKERS = "/api/v1/readiness/", "/api/v1/blockers/"


@pytest.fixture
def judged(db: None) -> None:
    """One household in 栾川 with a dangerous house, one in 嵩县."""
    for code in ("410300000000", "410324000000", "410325000000"):
        RegionFactory(code=code)
    PovertyLine.objects.create(year=2018, amount=Decimal(3208), source="测试")
    good: dict[str, Any] = {"net_income_per_capita": Decimal(4000), "drinking_safe": True}
    household(head="何梅", dangerous_house_level="4", **good)
    household(code=NEIGHBOUR, head="何兰", dangerous_house_level="1", **good)
    PersonYear.objects.update(in_resident_medical=True, student_status="01")
    recompute(prefix="4103", partition=2018)


def get(key: str, path: str, **terms: Any) -> Any:
    return Client().get(path, terms, headers={"Authorization": f"Bearer {key}"})


def test_results_of_the_own_county(judged: None, api_key: Callable[..., str]) -> None:
    key = api_key("410324")
    found = get(key, READINESS, partition=2018, count=1).json()
    assert found["count"] == len(found["results"])
    assert {row["region"][:6] for row in found["results"]} == {"410324"}
    assert {row["standard"] for row in found["results"]} == {"henan", "hubei"}
    missing = get(key, READINESS, partition=2018, item="headcount", standard="henan").json()
    (row,) = missing["results"]
    assert (row["region"], row["outcome"], row["outcome_label"]) == (HOME, "missing", "缺数据")
    assert row["reason"] == "缺少该年度人口基数"
    counties = get(key, READINESS, partition=2018, level="county").json()["results"]
    assert {row["region"] for row in counties} == {"410324000000"}


@pytest.mark.parametrize(
    ("terms", "found"),
    [
        ({"item": "housing"}, 1),
        ({"item": "housing", "outcome": "not_met"}, 1),
        ({"item": "housing", "outcome": "missing"}, 0),
        ({"item": "food", "outcome": "missing"}, 1),
        ({"outcome": "not_met"}, 1),
        ({"is_poor": "0"}, 0),
        ({"region": HOME}, 1),
    ],
)
def test_blockers(
    judged: None, api_key: Callable[..., str], terms: dict[str, str], found: int
) -> None:
    rows = get(api_key("410324"), BLOCKERS, partition=2018, standard="henan", **terms).json()
    assert len(rows["results"]) == found
    for row in rows["results"]:
        assert row["village_code"] == HOME
        assert (row["not_met"], row["missing"]) == (["housing"], ["food", "clothing"])
        assert "何梅" not in str(row)


@pytest.mark.parametrize("path", [READINESS, BLOCKERS])
def test_pages_by_key(judged: None, api_key: Callable[..., str], path: str) -> None:
    key = api_key("4103")
    whole = get(key, path, partition=2018, limit=1000).json()["results"]
    rows, cursor = [], ""
    while cursor is not None:
        page = get(key, path, partition=2018, limit=1, **({"cursor": cursor} if cursor else {}))
        rows += page.json()["results"]
        cursor = page.json()["next_cursor"]
    assert rows == whole
    assert len(rows) > 2


@pytest.mark.parametrize(
    ("path", "terms"),
    [
        (READINESS, {"outcome": "fine"}),
        (READINESS, {"level": "household"}),
        (READINESS, {"unknown": "1"}),
        (BLOCKERS, {"outcome": "met"}),
        (BLOCKERS, {"is_poor": "x"}),
        (BLOCKERS, {"partition": "20180"}),
    ],
)
def test_terms_that_cannot_be(
    judged: None, api_key: Callable[..., str], path: str, terms: dict[str, str]
) -> None:
    assert get(api_key("410324"), path, **terms).status_code == 400
