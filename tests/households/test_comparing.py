from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from households.models import Household, HouseholdYear, PersonYear
from tests.factories.households import NEIGHBOUR, household

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("city")]

As = Callable[[Any], Client]


def page(row: HouseholdYear) -> str:
    return reverse("households:compare", args=[row.household.household_no])


@pytest.fixture
def years() -> tuple[HouseholdYear, HouseholdYear]:
    old = household(year=2017, head="张三", main_cause="02", net_income_per_capita=Decimal(2100))
    new = household(
        of=old.household, main_cause="01", net_income_per_capita=Decimal("2800.50"),
        phone="13900009999",
    )  # fmt: skip
    return old, new


def lines(response: Any) -> dict[str, Any]:
    return {line.label: line for group in response.context["groups"] for line in group.lines}


def test_years_stand_side_by_side(as_user: As, luanchuan_clerk: Any, years: Any) -> None:
    response = as_user(luanchuan_clerk).get(page(years[0]))
    assert response.context["years"] == [2017, 2018]
    found = {
        line.label: line
        for group in response.context["groups"]
        for line in group.lines
        if not group.title.startswith("成员")
    }
    cause = next(line for label, line in found.items() if "主要致贫原因" in label)
    assert [cell.text for cell in cause.cells] == ["因残", "因病"]
    assert [cell.differs for cell in cause.cells] == [False, True]
    income = next(line for label, line in found.items() if line.change == Decimal("700.50"))
    assert (income.differs, income.unit) == (True, "元/人·年")
    assert "+700.50 元/人·年" in response.content.decode()


def test_what_is_secret_stays_masked_and_its_change_is_told(
    as_user: As, luanchuan_clerk: Any, years: Any
) -> None:
    response = as_user(luanchuan_clerk).get(page(years[0]))
    text = response.content.decode()
    for row in years:
        for secret in (row.phone, row.bank_account):
            assert not secret or secret not in text
    for person in years[0].household.persons.all():
        assert person.id_no not in text
    assert any(line.differs for label, line in lines(response).items() if "电话" in label)


def test_a_member_who_came_later_was_not_there(
    as_user: As, luanchuan_clerk: Any, years: Any
) -> None:
    left = PersonYear.objects.filter(partition_id=2017).last()
    PersonYear.objects.filter(pk=left.pk).delete()
    response = as_user(luanchuan_clerk).get(page(years[0]))
    assert "不在户" in response.content.decode()


def test_what_nobody_stated_is_only_named(as_user: As, luanchuan_clerk: Any, years: Any) -> None:
    groups = as_user(luanchuan_clerk).get(page(years[0])).context["groups"]
    for group in groups:
        assert len(group.stated) + len(group.unstated) == len(group.lines)
        assert all({cell.text for cell in line.cells} != {"未填"} for line in group.stated)
    told = {line.label for group in groups for line in group.stated}
    unstated = {label for group in groups for label in group.unstated}
    assert "主要致贫原因" in told
    assert "返贫原因" in unstated
    # 2014 and 2014: no difference of so many years.
    year = next(line for g in groups for line in g.stated if line.label == "识别年度")
    assert year.change is None


def test_only_what_changed(as_user: As, luanchuan_clerk: Any, years: Any) -> None:
    response = as_user(luanchuan_clerk).get(page(years[0]), {"only": "changed"})
    assert lines(response)
    assert all(line.differs for group in response.context["groups"] for line in group.lines)


def test_years_of_the_address(as_user: As, luanchuan_clerk: Any, years: Any) -> None:
    client = as_user(luanchuan_clerk)
    response = client.get(page(years[0]), {"years": "2018"})
    assert response.context["years"] == [2018]
    assert "只有 2018 年度的数据" in response.content.decode()
    for bad in ("2016", "x", "%00", "２０１８"):
        assert client.get(page(years[0]), {"years": bad}).status_code == 404


def test_years_elsewhere_are_not_compared(
    as_user: As, luanchuan_clerk: Any, songxian_clerk: Any, years: Any
) -> None:
    """A former county sees its years alone."""
    there = {"village": household(code=NEIGHBOUR).village, "village_code": NEIGHBOUR}
    Household.objects.filter(pk=years[0].household_id).update(**there)
    HouseholdYear.objects.filter(pk=years[1].pk).update(**there)
    assert as_user(luanchuan_clerk).get(page(years[0])).context["years"] == [2017]
    assert as_user(songxian_clerk).get(page(years[0])).context["years"] == [2018]


def test_neighbour_reader_number_and_method(
    as_user: As, luanchuan_clerk: Any, songxian_clerk: Any, stranger: Any, years: Any
) -> None:
    assert as_user(songxian_clerk).get(page(years[0])).status_code == 404
    assert as_user(stranger).get(page(years[0])).status_code == 403
    client = as_user(luanchuan_clerk)
    assert client.get(reverse("households:compare", args=["a b"])).status_code == 404
    assert client.post(page(years[0])).status_code == 405


def test_as_many_queries_for_three_years_as_for_two(as_user: As, luanchuan_clerk: Any) -> None:
    small, large = household(year=2017, members=1), household(year=2017, members=3)
    household(of=small.household)
    household(of=large.household)
    household(of=large.household, year=2016)
    client = as_user(luanchuan_clerk)
    client.get(page(small))
    taken = []
    for row in (small, large):
        with CaptureQueriesContext(connection) as captured:
            client.get(page(row))
        taken.append(len(captured))
    assert taken[0] == taken[1]
