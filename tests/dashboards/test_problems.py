"""The card of problems on the leader's page: its figures are those of their lists."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from inspections.enums.findings import State
from inspections.services.findings import stepping
from tests.factories.households import household
from tests.factories.villages import RegionFactory
from tests.inspections.findings.conftest import (
    CITY,
    COUNTY,
    VILLAGE,
    Office,
    county_office,
    entered,
    office,
    town_clerk,
    village_official,
)
from villages.models import Region

__all__ = ["county_office", "office", "town_clerk", "village_official"]
pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]


@pytest.fixture
def late(office: Office) -> Office:
    """Twelve days late in the county's second village; one that is not late."""
    town = RegionFactory(code="410324100000", name="城关镇")
    county, city = Region.objects.get(code=COUNTY), Region.objects.get(code=CITY)
    Region.objects.filter(pk=town.pk).update(parent=county)
    Region.objects.filter(pk=county.pk).update(parent=city)
    household(code=VILLAGE)
    office.brought_to(State.FOUND)
    finding = entered(office.county)
    today = timezone.localdate()
    stepping.assign(
        finding=finding, on=today - timedelta(days=30), by=office.county,
        duty=stepping.Duty("城关镇人民政府", "王主任", due_on=today - timedelta(days=12), due_source="方案"),
    )  # fmt: skip
    return office


def card(client: Client, path: str) -> str:
    body = client.get(path).content.decode()
    return body.split('id="problems-title"')[1].split("</section>")[0]


def test_city_and_county_see_what_is_late(late: Office, city_leader: User, as_user: SignIn) -> None:
    client = as_user(city_leader)
    for path, place in (("/?year=2018", "栾川县"), ("/regions/410324/?year=2018", "城关镇")):
        told = card(client, path)
        for words in ("2 个", "1 个", "最长 12 天", "未发文书", place):
            assert words in told, (path, words)


def test_each_link_leads_to_as_many(late: Office, city_leader: User, as_user: SignIn) -> None:
    client = as_user(city_leader)
    board = client.get("/?year=2018").context["board"].problems
    for href, many in (
        (board["open_href"], board["open"]), (board["overdue_href"], board["overdue"]),
        *((one["href"], one["many"]) for one in board["rungs"]),
        *((one["href"], one["value"]) for one in board["rows"]),
    ):  # fmt: skip
        assert f"共 {many} 个问题" in client.get(href).content.decode(), href


def test_without_open_problems_there_is_no_card(
    office: Office,
    city_leader: User,
    as_user: SignIn,
) -> None:
    household(code=VILLAGE)
    assert "problems-title" not in as_user(city_leader).get("/?year=2018").content.decode()
