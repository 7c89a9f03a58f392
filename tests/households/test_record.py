"""The tabs of a household's page."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from households import tabs
from households.models import HouseholdYear, PersonYear, WorkSpell
from tests.cast import cast
from tests.factories.households import NEIGHBOUR, household

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("city")]

As = Callable[[Any], Client]
TABS = ("detail", "members", "timeline", "compare", "asof", "handling")


def page(row: HouseholdYear, tab: str) -> str:
    return reverse(f"households:{tab}", args=[row.household.household_no])


@pytest.mark.parametrize("tab", TABS)
def test_every_tab_leads_to_the_others(as_user: As, luanchuan_clerk: Any, tab: str) -> None:
    row = household()
    response = as_user(luanchuan_clerk).get(page(row, tab))
    assert response.status_code == 200
    shown = response.context["tabs"]
    assert [one.label for one in shown if one.is_current] == [
        {"detail": "概况", "members": "成员", "timeline": "变动记录", "compare": "年度对比",
         "asof": "历史状态", "handling": "办理"}[tab]
    ]  # fmt: skip
    text = response.content.decode()
    assert all(f'href="{one.href}"' in text for one in shown)
    assert reverse("villages:village", args=[row.village_code]) in text


@pytest.mark.parametrize("tab", TABS)
def test_every_tab_is_closed_to_others(
    as_user: As, luanchuan_clerk: Any, songxian_clerk: Any, stranger: Any, tab: str
) -> None:
    row = household()
    assert as_user(songxian_clerk).get(page(row, tab)).status_code == 404
    assert as_user(stranger).get(page(row, tab)).status_code == 403
    clerk = as_user(luanchuan_clerk)
    assert clerk.post(page(row, tab)).status_code == 405
    for number in ("99", "../x", "无", "9" * 21):
        bad = page(row, tab).replace(row.household.household_no, number)
        assert clerk.get(bad).status_code == 404


@pytest.mark.parametrize("tab", ["members", "timeline", "asof", "handling"])
def test_a_year_without_data_leads_to_the_latest(
    as_user: As, luanchuan_clerk: Any, tab: str
) -> None:
    row = household()
    household(year=2017)
    answer = as_user(luanchuan_clerk).get(page(row, tab), {"year": 2017})
    assert answer.status_code == 302
    assert answer["Location"].endswith(f"{page(row, tab)}?year=2018")


def test_members_are_told_in_full_and_masked(as_user: As, luanchuan_clerk: Any) -> None:
    row = household(members=2)
    member = PersonYear.objects.select_related("person").first()
    WorkSpell.objects.create(
        partition_id=2018, household=row.household, village_code=row.village_code,
        person=member.person, started_month="201803", work_county="洛龙区",
        monthly_income=Decimal(3200),
    )  # fmt: skip
    text = as_user(luanchuan_clerk).get(page(row, "members")).content.decode()
    assert "务工记录（1 段）" in text
    assert "洛龙区" in text
    assert "3,200.00 元/月" in text
    assert "未填 " in text
    assert member.person.id_no not in text
    assert member.member_phone not in text


@pytest.mark.parametrize("tab", ["members", "timeline", "handling", "detail"])
def test_as_many_queries_for_one_member_as_for_three(
    as_user: As, luanchuan_clerk: Any, tab: str
) -> None:
    client, counted = as_user(luanchuan_clerk), []
    for size in (1, 1, 3):
        row = household(members=size)
        for member in PersonYear.objects.filter(household=row.household):
            WorkSpell.objects.create(
                partition_id=2018, household=row.household, village_code=row.village_code,
                person_id=member.person_id, started_month="201803",
            )  # fmt: skip
        with CaptureQueriesContext(connection) as queries:
            client.get(page(row, tab))
        counted.append(len(queries))
    assert counted[1] == counted[2]


def test_who_was_entrusted_a_household_sees_its_tabs(as_user: As, luanchuan_clerk: Any) -> None:
    row, helper = household(), cast("helper")
    row.household.assignments.create(
        village_code=row.village_code, user=helper, reason="帮扶", created_by=luanchuan_clerk
    )
    HouseholdYear.objects.filter(pk=row.pk).update(main_cause="02")
    client = as_user(helper)
    for tab in TABS:
        assert client.get(page(row, tab)).status_code == 200
    assert "因病" in client.get(page(row, "timeline")).content.decode()
    other = household(code=NEIGHBOUR)
    assert client.get(page(other, "timeline")).status_code == 404


# --- tabs of other apps ------------------------------------------------------------------------


@pytest.fixture
def projects() -> Iterator[tabs.Tab]:
    tab = tabs.Tab(
        "projects", "项目", "households:card", "imports.load_workbook",
        count=lambda household_no, year, actor: 7, order=65,
    )  # fmt: skip
    tabs.register(tab)
    yield tab
    tabs.forget(tab.key)


@pytest.mark.usefixtures("projects")
def test_an_app_adds_a_tab_for_those_with_the_right(as_user: As, luanchuan_clerk: Any) -> None:
    row = household()
    shown = as_user(luanchuan_clerk).get(page(row, "members")).context["tabs"]
    found = {one.label: one.count for one in shown}
    assert found["项目"] == 7
    labels = [one.label for one in shown]
    assert labels.index("办理") < labels.index("项目") < labels.index("佐证材料")
    reader = as_user(cast("county_leader")).get(page(row, "members")).context["tabs"]
    assert "项目" not in {one.label for one in reader}
