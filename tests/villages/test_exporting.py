"""Villages of a division as a file."""

import io
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from core.exports.kinds import kind_of
from tests.factories.households import PartitionFactory
from villages.models import Region, VillageYear

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("city")]

As = Callable[[User], Client]
ADDRESS = "/villages/export/"
FORM = {"file_format": "xlsx", "numbers": "masked", "purpose": "核对行政村名单"}


@pytest.fixture(autouse=True)
def year(db: None) -> None:
    PartitionFactory(year=2018)


def rows(response: Any) -> list[dict[str, Any]]:
    assert response.status_code == 200
    read = openpyxl.load_workbook(io.BytesIO(response.content)).active
    _, head, *lines = [list(row) for row in read.iter_rows(values_only=True)]
    return [dict(zip(head, line, strict=True)) for line in lines]


def some_village(prefix: str = "410324") -> Region:
    found = (
        Region.objects.valid_in_year(2018).below(prefix).filter(level="village").earliest("code")
    )
    assert isinstance(found, Region)
    return found


def test_each_village_of_the_county_with_what_is_known(as_user: As, luanchuan_clerk: User) -> None:
    village = some_village()
    VillageYear.objects.create(
        region=village, region_code=village.code, year=2018, is_poor_village=True,
        households_total=312, source="测试",
    )  # fmt: skip
    found = rows(as_user(luanchuan_clerk).post(f"{ADDRESS}?year=2018", FORM))
    own = Region.objects.valid_in_year(2018).below("410324").filter(level="village")
    assert [one["区划代码"] for one in found] == list(
        own.order_by("code").values_list("code", flat=True)
    )
    line = next(one for one in found if one["区划代码"] == village.code)
    assert (line["行政村"], line["县区"], line["年度"]) == (village.name, "栾川县", 2018)
    assert (line["总户数"], line["贫困村"], line["低保户数"]) == (312, "是", None)


def test_a_town_only(as_user: As, luanchuan_clerk: User) -> None:
    town = some_village().code[:9]
    found = rows(as_user(luanchuan_clerk).post(f"{ADDRESS}?year=2018&region={town}", FORM))
    assert found
    assert {one["区划代码"][:9] for one in found} == {town}


@pytest.mark.parametrize("query", ["region=410325", "region=410999", "region=x", "year=1"])
def test_elsewhere_is_nothing(as_user: As, luanchuan_clerk: User, query: str) -> None:
    client = as_user(luanchuan_clerk)
    assert client.get(f"{ADDRESS}?{query}").status_code == 404
    assert client.post(f"{ADDRESS}?{query}", FORM).status_code == 404


def test_whom_it_is_for(as_user: As, stranger: User, luanchuan_clerk: User) -> None:
    assert as_user(stranger).get(ADDRESS).status_code == 403
    assert as_user(stranger).post(ADDRESS, FORM).status_code == 403
    client = as_user(luanchuan_clerk)
    assert client.put(ADDRESS).status_code == 405
    assert client.post(ADDRESS, {**FORM, "purpose": ""}).status_code == 422
    shown = client.get("/villages/?year=2018&region=410324").content.decode()
    assert "/villages/export/?year=2018&amp;region=410324" in shown


def test_a_city_costs_the_statements_of_a_village(as_user: As, city_leader: User) -> None:
    kind, taken = kind_of("villages"), []
    assert city_leader.region_prefixes == ("4103",)
    for place in (some_village().code, "4103"):
        with CaptureQueriesContext(connection) as captured:
            found = list(
                kind.rows({"year": 2018, "region": place}, city_leader, region="", full=False)
            )
        taken.append((len(captured), len(found)))
    assert taken[0][0] == taken[1][0]
    assert taken[0][1] == 1 < taken[1][1]
