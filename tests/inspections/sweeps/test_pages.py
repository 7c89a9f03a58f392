"""The pages: a problem's likes are looked for, opened or not, and looked for again."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.template.loader import render_to_string
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.enums import Role
from accounts.models import User
from inspections.models import Finding, Sweep, SweepMatch
from inspections.services.findings import sweeping
from inspections.views.sweeps.shown import likes_of
from projects.catalog import sync_types
from tests.conftest import person
from tests.factories.villages import RegionFactory
from tests.inspections.sweeps.conftest import (
    CITY,
    COUNTY,
    NEIGHBOUR,
    SIBLING,
    Homes,
    Office,
    problem,
    swept,
)
from tests.inspections.sweeps.test_sweeping import rule_finding
from tests.projects.conftest import proposed

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]
ASKED = {"subject": "REGISTER", "region": COUNTY, "year": "2018", "income_below": "3000"}


def told(**changes: str) -> dict[str, Any]:
    today = timezone.localdate().isoformat()
    return {"words": "收入核算不实", "found_on": today, "confirmed": "1", **changes}


def page_of(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_from_a_problem_to_its_likes(as_user: SignIn, office: Office, homes: Homes) -> None:
    finding, county = problem(office), as_user(office.county)
    asks = page_of(county, f"/sweeps/of/{finding.pk}/")
    assert "人均纯收入低于（元）" in asks
    made = county.post(f"/sweeps/of/{finding.pk}/", ASKED)
    sweep = Sweep.objects.get()
    assert made["Location"] == f"/sweeps/{sweep.pk}/"
    assert sweep.words == "人均纯收入低于（元）：3000"
    assert (sweep.terms, sweep.year) == ({"income_below": "3000"}, 2018)
    shows = page_of(county, f"/sweeps/{sweep.pk}/")
    for row in homes.rows[:3]:
        assert row.household.household_no in shows
    assert homes.rows[3].household.household_no not in shows
    assert "户主0" in shows
    assert sweep.words in page_of(county, "/sweeps/")
    # Who looks again sees what was looked for already.
    assert sweep.words not in asks
    assert sweep.words in page_of(county, f"/sweeps/of/{finding.pk}/")


def test_the_list_with_the_same_terms_is_as_long(
    as_user: SignIn, office: Office, homes: Homes
) -> None:
    swept(office, problem(office))
    county = as_user(office.county)
    answer = county.get(f"/sweeps/{Sweep.objects.get().pk}/")
    listed = county.get(answer.context["list_href"])
    assert listed.context["total"] == answer.context["standing"].tally.whole == 3


def test_two_are_opened_and_one_is_not(as_user: SignIn, office: Office, homes: Homes) -> None:
    parent = problem(office)
    sweep, county = swept(office, parent), as_user(office.county)
    keys = [str(pk) for pk in SweepMatch.objects.order_by("pk").values_list("pk", flat=True)]
    address = f"/sweeps/{sweep.pk}/open/"
    done = county.post(address, told() | {"match": keys[:2]})
    assert done["Location"] == f"/sweeps/{sweep.pk}/"
    assert Finding.objects.filter(parent=parent, origin="SWEEP").count() == 2
    again = county.post(address, told() | {"match": keys[:2]})
    assert again.status_code == 422
    assert "没有可以列入台账的" in again.content.decode()
    refused = county.post(f"/sweeps/{sweep.pk}/dismiss/", {"match": keys[2:], "reason": ""})
    assert refused.status_code == 422
    done = county.post(f"/sweeps/{sweep.pk}/dismiss/", {"match": keys[2:], "reason": "已核实"})
    assert done.status_code == 302
    shows = page_of(county, f"/sweeps/{sweep.pk}/")
    assert "已核实" in shows
    for one in Finding.objects.filter(parent=parent):
        assert one.number in shows


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"words": ""}, "必填"),
        ({"confirmed": ""}, "请先核对"),
        ({"found_on": (timezone.localdate() + timedelta(1)).isoformat()}, "不能晚于今天"),
        ({"match": "x"}, "没有可以列入"),
    ],
)
def test_unfit_openings_come_back(
    as_user: SignIn, office: Office, homes: Homes, changes: dict[str, str], words: str
) -> None:
    sweep = swept(office, problem(office))
    answer = as_user(office.county).post(f"/sweeps/{sweep.pk}/open/", told(**changes))
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert Finding.objects.count() == 1


def test_all_of_a_county_at_once(
    as_user: SignIn, office: Office, homes: Homes, city_admin: User
) -> None:
    sweep = swept(office, problem(office), region=RegionFactory(code=CITY), by=city_admin)
    city = as_user(city_admin)
    shows = page_of(city, f"/sweeps/{sweep.pk}/")
    assert "栾川县" in shows
    assert "嵩县" in shows
    narrowed = city.get(f"/sweeps/{sweep.pk}/?region={COUNTY}&state=OPEN")
    assert len(narrowed.context["rows"]) == 3
    assert city.post(f"/sweeps/{sweep.pk}/open/", told(all="1", region=COUNTY)).status_code == 302
    assert SweepMatch.objects.filter(state="OPEN").get().region_code == NEIGHBOUR


def test_a_county_handles_its_own_of_a_citys(
    as_user: SignIn, office: Office, homes: Homes, city_admin: User
) -> None:
    RegionFactory(code=COUNTY)
    sweep = swept(office, problem(office), region=RegionFactory(code=CITY), by=city_admin)
    county, address = as_user(office.county), f"/sweeps/{sweep.pk}/"
    shows = page_of(county, address)
    assert "嵩县" not in shows
    assert homes.neighbour.household.household_no not in shows
    assert "历次查找" not in shows
    # It cannot run what reaches beyond it, and opens what is its own.
    assert county.post(address + "run/").status_code == 302
    assert sweep.runs.count() == 1
    assert county.post(address + "open/", told(all="1")).status_code == 302
    assert SweepMatch.objects.filter(state="OPENED").count() == 3
    # The neighbour sees its own one; the problem itself is not its.
    other = as_user(person("songxian_office", Role.COUNTY_OFFICE, "410325"))
    shows = page_of(other, address)
    assert homes.neighbour.household.household_no in shows
    assert sweep.finding.number not in shows
    answer = other.post(address + "open/", told(all="1"))
    assert answer.status_code == 422
    assert SweepMatch.objects.filter(state="OPENED").count() == 3
    dismissed = {"all": "1", "reason": "收入已核实"}
    assert other.post(address + "dismiss/", dismissed).status_code == 302
    assert SweepMatch.objects.get(state="DISMISSED").region_code == NEIGHBOUR


def test_looked_for_again(as_user: SignIn, office: Office, homes: Homes) -> None:
    finding = office.brought_to("VERIFIED")
    sweep, county = swept(office, finding, on=finding.found_on), as_user(office.county)
    address = f"/sweeps/{sweep.pk}/"
    assert "销号前须重新查找" in page_of(county, address)
    assert "销号前须重新查找" in page_of(county, "/sweeps/")
    homes.earn(3, 100)
    assert county.post(address + "run/")["Location"] == address
    shows = page_of(county, address)
    assert "符合条件 4 项，其中新增 1 项" in shows
    assert "销号前须重新查找" not in shows


def test_part_of_a_problems_page(office: Office, homes: Homes) -> None:
    finding = office.brought_to("VERIFIED")
    swept(office, finding, on=finding.found_on)
    shows = render_to_string("sweeps/_of_finding.html", {"likes": likes_of(finding, office.county)})
    assert "重新查找" in shows
    assert "人均纯收入低于 3000 元" in shows
    reads = render_to_string(
        "sweeps/_of_finding.html", {"likes": likes_of(finding, office.village)}
    )
    assert "查找同类问题" not in reads


def test_projects_and_rules_on_money(as_user: SignIn, office: Office) -> None:
    sync_types()
    project = proposed(office.village)
    found = rule_finding(SIBLING)
    RegionFactory(code=COUNTY)
    finding, county = (
        problem(office, object_kind="PROJECT", project=project),
        as_user(office.county),
    )
    asks = county.get(f"/sweeps/of/{finding.pk}/")
    assert asks.context["subject"] == "PROJECTS"
    address = f"/sweeps/of/{finding.pk}/"
    asked = {"subject": "PROJECTS", "region": COUNTY, "of-type": project.type_id, "year": "2018"}
    assert county.post(address, asked).status_code == 302
    asked = {"subject": "FUNDS", "region": COUNTY, "of-rule": "unpaid", "year": ""}
    assert county.post(address, asked).status_code == 302
    one, other = Sweep.objects.order_by("pk")
    assert "台账已有" in page_of(county, f"/sweeps/{one.pk}/")
    assert other.words == f"资金规则：{found.rule.name}"
    assert found.words in page_of(county, f"/sweeps/{other.pk}/")
    for sweep in (one, other):
        assert (
            county.get(county.get(f"/sweeps/{sweep.pk}/").context["list_href"]).status_code == 200
        )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"income_below": ""}, "至少选择一个条件"),
        ({"income_below": "x"}, "输入"),
        ({"region": CITY}, "有效"),
        ({"region": ""}, "必填"),
        ({"year": "1999"}, "有效"),
        ({"cause": "nonsense"}, "有效"),
    ],
)
def test_unfit_searches_come_back(
    as_user: SignIn, office: Office, homes: Homes, changes: dict[str, str], words: str
) -> None:
    answer = as_user(office.county).post(f"/sweeps/of/{problem(office).pk}/", ASKED | changes)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Sweep.objects.exists()


def test_who_may_not(
    as_user: SignIn, office: Office, homes: Homes, songxian_clerk: User, city_leader: User
) -> None:
    finding = problem(office)
    sweep = swept(office, finding)
    other = as_user(person("songxian_office", Role.COUNTY_OFFICE, "410325"))
    leader, neighbour = as_user(city_leader), as_user(songxian_clerk)
    pages = (f"/sweeps/{sweep.pk}/", f"/sweeps/of/{finding.pk}/")
    acts = [f"/sweeps/{sweep.pk}/{act}/" for act in ("run", "open", "dismiss")]
    assert [other.get(page).status_code for page in pages] == [404, 404]
    assert [other.post(act).status_code for act in acts] == [404] * 3
    assert neighbour.get(pages[0]).status_code == 404
    assert sweep.words not in page_of(neighbour, "/sweeps/")
    shows = page_of(leader, pages[0])
    assert "重新查找</button>" not in shows
    assert "不予列入</button>" not in shows
    assert leader.get(pages[1]).status_code == 403
    assert [leader.post(act).status_code for act in acts] == [403] * 3
    county = as_user(office.county)
    assert [county.get(act).status_code for act in acts] == [405] * 3
    assert [county.post(page).status_code for page in (pages[0], "/sweeps/")] == [405] * 2
    for page in ("/sweeps/999999/", "/sweeps/of/999999/"):
        assert county.get(page).status_code == 404


def test_pages_cost_the_same_for_many(as_user: SignIn, office: Office, homes: Homes) -> None:
    county, finding = as_user(office.county), problem(office)

    def cost(address: str) -> int:
        county.get(address)
        with CaptureQueriesContext(connection) as asked:
            assert county.get(address).status_code == 200
        return len(asked)

    few = sweeping.Query("REGISTER", {"income_below": "2050"}, "更低", 2018)
    one = swept(office, finding, query=few)
    listed = cost("/sweeps/")
    more = swept(office, finding)
    swept(office, finding)
    assert cost("/sweeps/") == listed
    assert cost(f"/sweeps/{one.pk}/") == cost(f"/sweeps/{more.pk}/")
