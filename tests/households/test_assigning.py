"""Households entrusted to helpers and inspectors: they see these, and nothing beside."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone

from accounts.enums import Role
from accounts.models import Grant, User
from core import walls
from core.duties import handed_over
from households.models import Assignment, Household, HouseholdYear
from households.services.assigning import UnfitError, assign, end_assignment
from tests.conftest import person
from tests.factories.households import NEIGHBOUR, household

AsUser = Callable[[User], Client]


@pytest.fixture
def helper(db: None) -> User:
    return person("helper", Role.HELPER, "410324")


@pytest.fixture
def county_office(db: None) -> User:
    return person("office", Role.COUNTY_OFFICE, "410324")


@pytest.fixture
def mine(db: None) -> HouseholdYear:
    return household()


def no(row: HouseholdYear) -> str:
    return row.household.household_no


def test_helper_sees_the_entrusted_household_only(
    as_user: AsUser, helper: User, county_office: User, mine: HouseholdYear
) -> None:
    other = household()
    client = as_user(helper)
    assert client.get(f"/households/{no(mine)}/").status_code == 404
    assign(household=mine.household, user=helper, reason="帮扶", by=county_office)
    assert client.get(f"/households/{no(mine)}/").status_code == 200
    assert client.get(f"/households/{no(other)}/").status_code == 404
    listed = client.get("/households/").content.decode()
    assert no(mine) in listed
    assert no(other) not in listed


def test_ended_is_over(
    as_user: AsUser, helper: User, county_office: User, mine: HouseholdYear
) -> None:
    given = assign(household=mine.household, user=helper, reason="帮扶", by=county_office)
    end_assignment(assignment=given, by=county_office)
    assert as_user(helper).get(f"/households/{no(mine)}/").status_code == 404
    given.refresh_from_db()
    assert given.ended_at is not None


def test_role_that_ended_ends_the_sight(
    as_user: AsUser, helper: User, county_office: User, mine: HouseholdYear
) -> None:
    assign(household=mine.household, user=helper, reason="帮扶", by=county_office)
    Grant.objects.filter(user=helper).update(valid_to=date(2017, 1, 1))
    assert as_user(helper).get(f"/households/{no(mine)}/").status_code == 403


def test_another_regions_role_does_not_revive_them(
    as_user: AsUser, helper: User, county_office: User, mine: HouseholdYear
) -> None:
    assign(household=mine.household, user=helper, reason="帮扶", by=county_office)
    Grant.objects.filter(user=helper).update(valid_to=date(2017, 1, 1))
    Grant.objects.create(
        user=helper, role=Role.HELPER, region_prefix="410325", valid_from=date(2017, 1, 2)
    )
    assert as_user(helper).get(f"/households/{no(mine)}/").status_code == 404
    with walls.scoped(User.objects.get(pk=helper.pk)):
        assert not Household.objects.exists()


def test_second_wall_alone_shows_the_entrusted_one(
    helper: User, county_office: User, mine: HouseholdYear
) -> None:
    household()
    assign(household=mine.household, user=helper, reason="帮扶", by=county_office)
    with walls.scoped(User.objects.get(pk=helper.pk)):
        assert list(Household.objects.values_list("pk", flat=True)) == [mine.household_id]
        assert HouseholdYear.objects.count() == 1


@pytest.mark.parametrize(
    ("who", "word"),
    [("nobody", "没有可以分派的账号"), ("clerk", "没有本户所在区划"), ("far", "没有本户所在区划")],
)
def test_nobody_unfit_is_entrusted(
    as_user: AsUser, county_office: User, mine: HouseholdYear, who: str, word: str
) -> None:
    person("clerk", Role.COUNTY_CLERK, "410324")
    person("far", Role.HELPER, "410325")
    answer = as_user(county_office).post(
        f"/households/{no(mine)}/assign/", {"username": who, "reason": "帮扶"}, follow=True
    )
    assert word in answer.content.decode()
    assert not Assignment.objects.exists()


def test_assigning_and_ending_on_the_page(
    as_user: AsUser, helper: User, county_office: User, mine: HouseholdYear
) -> None:
    client = as_user(county_office)
    address = f"/households/{no(mine)}/assign/"
    answer = client.post(address, {"username": "helper", "reason": "结对帮扶"}, follow=True)
    assert "结对帮扶" in answer.content.decode()
    again = client.post(address, {"username": "helper", "reason": "再来"}, follow=True)
    assert "已分派给该账号" in again.content.decode()
    given = Assignment.objects.get()
    assert given.created_by == county_office
    client.post(f"{address}{given.pk}/end/")
    given.refresh_from_db()
    assert given.ended_at


def test_short_list(
    as_user: AsUser, county_office: User, luanchuan_clerk: User, helper: User, mine: HouseholdYear
) -> None:
    far = household(code=NEIGHBOUR)
    words = {"username": "helper", "reason": "帮扶"}
    client = as_user(county_office)
    assert client.post(f"/households/{no(far)}/assign/", words).status_code == 404
    assert client.post("/households/nobody/assign/", words).status_code == 404
    assert client.post(f"/households/{no(mine)}/assign/9999/end/").status_code == 404
    assert client.get(f"/households/{no(mine)}/assign/").status_code == 405
    clerk = as_user(luanchuan_clerk)
    assert clerk.post(f"/households/{no(mine)}/assign/", words).status_code == 403


def test_the_database_refuses(helper: User, mine: HouseholdYear) -> None:
    facts: dict[str, Any] = {
        "household": mine.household, "village_code": mine.village_code, "reason": "x",
    }  # fmt: skip
    with pytest.raises(IntegrityError), transaction.atomic():
        Assignment.objects.create(user=helper, created_by=helper, **facts)
    Assignment.objects.create(user=helper, **facts)
    with pytest.raises(IntegrityError), transaction.atomic():
        Assignment.objects.create(user=helper, **facts)
    with pytest.raises(UnfitError):
        assign(household=mine.household, user=helper, reason="x", by=helper)


def test_work_that_passes_on_takes_the_households_along(
    as_user: AsUser, helper: User, county_office: User, mine: HouseholdYear
) -> None:
    """The administrator whose act it is sees no register; who held the households keeps them until then."""
    later = person("later", Role.HELPER, "410324")
    assign(household=mine.household, user=helper, reason="帮扶", by=county_office)
    tomorrow = timezone.localdate() + timedelta(days=1)
    with walls.scoped(person("security", Role.SECURITY_ADMIN, "410324")):
        handed_over.send(sender=User, old=helper, new=later, on=tomorrow, by=None)
    page = f"/households/{no(mine)}/"
    assert as_user(helper).get(page).status_code == 200
    assert as_user(later).get(page).status_code == 200
    ends = Assignment.objects.get(user=helper).ended_at
    assert ends is not None
    assert timezone.localdate(ends) == tomorrow
    Assignment.objects.filter(user=helper).update(ended_at=Now())
    assert as_user(helper).get(page).status_code == 404
    assert as_user(later).get(page).status_code == 200
