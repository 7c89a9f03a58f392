import random
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, models
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from core.acting import acting
from core.scope import Maintenance
from households.models import Household, HouseholdYear, Person, PersonYear, WorkSpell
from households.queries import asof, comparing, sheet
from households.queries.trail import state_of
from households.services import members as service
from tests.factories.households import NEIGHBOUR, household, id_no

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("city")]

CITY = Maintenance("4103")
As = Callable[[Any], Client]


def now() -> datetime:
    """The database's clock, which the history goes by."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (at,) = cursor.fetchone()
    return at


def told(row: models.Model) -> dict[str, Any]:
    """What a row says, without what no page shows."""
    left_out = {"changed_at", "id_index", "id_tail"}
    return {name: value for name, value in state_of(row).items() if name not in left_out}


def snapshot(row: HouseholdYear) -> list[Any]:
    """What stands in the register now: household, year, members and their spells."""
    year = HouseholdYear.objects.select_related("household").get(pk=row.pk)
    people = sheet.member_years(year)
    spells = WorkSpell.objects.filter(household=year.household, partition_id=year.partition_id)
    return [
        told(year.household), told(year), sorted((told(one) for one in people), key=_pk),
        sorted((told(one.person) for one in people), key=_pk),
        sorted((told(one) for one in spells), key=_pk),
    ]  # fmt: skip


def then(row: HouseholdYear, moment: datetime, actor: Any = CITY) -> list[Any] | None:
    """The same, put together from the history."""
    household_now = Household.objects.get(pk=row.household_id)
    found = asof.as_of(household_now, row.partition_id, moment, actor)
    if found is None:
        return None
    return [
        told(found.row.household), told(found.row),
        sorted((told(one) for one in found.members), key=_pk),
        sorted((told(one.person) for one in found.members), key=_pk),
        sorted((told(one) for one in found.spells), key=_pk),
    ]  # fmt: skip


def _pk(state: dict[str, Any]) -> Any:
    return state["id"]


class Clerk:
    """Does one thing after another to a household, whatever comes up."""

    def __init__(self, row: HouseholdYear, seed: int, by: Any) -> None:
        self.row, self.by, self.draw = row, by, random.Random(seed)
        self.number = 100

    def act(self) -> None:
        acts = (
            self.year, self.year, self.secret, self.home, self.person, self.member, self.health,
            self.join, self.leave, self.work,
        )  # fmt: skip
        with acting(by=self.by, reason="核实"):
            self.draw.choice(acts)()

    def year(self) -> None:
        facts = {
            "main_cause": self.draw.choice(["01", "02", "03"]),
            "net_income_per_capita": self.draw.choice([None, Decimal("2800.50"), Decimal(4000)]),
            "other_causes": self.draw.choice([[], ["02"], ["02", "03"]]),
            "has_sanitary_toilet": self.draw.choice([None, True, False]),
        }
        HouseholdYear.objects.filter(pk=self.row.pk).update(**facts)

    def secret(self) -> None:
        phone = self.draw.choice(["", "13900001234", "13911119999"])
        HouseholdYear.objects.filter(pk=self.row.pk).update(phone=phone)

    def home(self) -> None:
        home = Household.objects.filter(pk=self.row.household_id)
        home.update(address=f"{self.draw.randint(1, 9)} 组")

    def person(self) -> None:
        self.number += 1
        one = self.draw.choice(list(Person.objects.filter(household=self.row.household_id)))
        Person.objects.filter(pk=one.pk).update(
            name=f"张{self.number}", id_no=id_no(self.number), birth_date=date(1980, 1, 1)
        )

    def member(self) -> None:
        self._members().update(work_months=self.draw.choice([None, Decimal("3.5"), Decimal(12)]))

    def health(self) -> None:
        one = self.draw.choice(list(self._members().select_related("person")))
        one.health_status = self.draw.choice([[], ["03"], ["01", "03"]])
        one.save(update_fields=["health_status"])

    def join(self) -> None:
        self.number += 1
        service.add_member(
            household_year=HouseholdYear.objects.get(pk=self.row.pk),
            person={"name": f"李{self.number}", "id_no": id_no(self.number), "sex": "01"},
            year={"relation_to_head": "03"}, kind="BIRTH", reason="新生", by=self.by,
        )  # fmt: skip

    def leave(self) -> None:
        others = self._members().exclude(relation_to_head="01").order_by("pk")
        if leaving := others.first():
            service.remove_member(
                person_year=leaving, kind="DEATH", on=date(2018, 6, 1), reason="病故", by=self.by
            )

    def work(self) -> None:
        one = self._members().order_by("pk").first()
        WorkSpell.objects.update_or_create(
            person=one.person, partition_id=self.row.partition_id, started_month="201803",
            defaults={
                "household": self.row.household, "village_code": self.row.village_code,
                "monthly_income": Decimal(self.draw.randint(1000, 4000)),
            },
        )  # fmt: skip

    def _members(self) -> "models.QuerySet[PersonYear]":
        return PersonYear.objects.in_year(2018).filter(household=self.row.household_id)


@pytest.mark.parametrize("seed", range(6))
def test_every_moment_stands_as_it_was_written_down_then(seed: int, luanchuan_clerk: Any) -> None:
    """Whatever was done afterwards: as of each moment the year is what it was at that moment."""
    before = household(members=3, year=2017)
    row = household(members=3, of=before.household)
    clerk = Clerk(row, seed, luanchuan_clerk)
    written = []
    for _ in range(25):
        written.append((now(), snapshot(row)))
        clerk.act()
    written.append((now(), snapshot(row)))
    assert len({str(state) for _, state in written}) > 10
    for moment, state in written:
        assert then(row, moment) == state


def test_before_it_was_declared_nothing_is_known() -> None:
    row = household()
    HouseholdYear.objects.filter(pk=row.pk).update(changed_at=timezone.now())
    assert then(row, timezone.now() - timedelta(days=2)) is None


def test_a_day_that_was_elsewhere_is_not_told() -> None:
    """What was declared in another county is neither shown nor replaced by what followed."""
    row = household(code=NEIGHBOUR)
    home = household().household
    with connection.cursor() as cursor:
        # Time has passed between the two.
        cursor.execute("SELECT clock_timestamp()")
        (moment,) = cursor.fetchone()
    there = {"village": home.village, "village_code": home.village_code}
    Household.objects.filter(pk=row.household_id).update(**there)
    HouseholdYear.objects.filter(pk=row.pk).update(**there, changed_at=now())
    assert then(row, moment, CITY) is not None
    assert then(row, moment, Maintenance("410324")) is None
    assert then(row, now(), Maintenance("410324")) is not None


def test_the_end_of_a_day_is_where_the_register_is_kept() -> None:
    end = asof.end_of(date(2018, 12, 31))
    assert end.isoformat() == "2019-01-01T00:00:00+08:00"


# --- the page ----------------------------------------------------------------------------------


def page(row: HouseholdYear) -> str:
    return reverse("households:asof", args=[row.household.household_no])


@pytest.fixture
def aged() -> HouseholdYear:
    """A household declared ten days ago."""
    row = household()
    long_ago = timezone.now() - timedelta(days=10)
    HouseholdYear.objects.update(changed_at=long_ago)
    PersonYear.objects.update(changed_at=long_ago)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE households_household SET created_at = %s", [long_ago])
        cursor.execute("UPDATE households_person SET created_at = %s", [long_ago])
    return row


def test_the_page_says_which_day_it_shows(
    as_user: As, luanchuan_clerk: Any, aged: HouseholdYear
) -> None:
    today = timezone.localdate()
    HouseholdYear.objects.filter(pk=aged.pk).update(main_cause="02")
    response = as_user(luanchuan_clerk).get(page(aged), {"on": today.isoformat()})
    text = response.content.decode()
    assert "不是现在的内容" in text
    assert "因残" in text
    assert aged.phone not in text
    assert "历史状态" in text


def test_a_day_before_the_household_was_there(as_user: As, luanchuan_clerk: Any) -> None:
    row = household()
    HouseholdYear.objects.update(changed_at=timezone.now())
    text = as_user(luanchuan_clerk).get(page(row)).content.decode()
    assert "没有可以查看的当日状态" in text


@pytest.mark.parametrize("on", ["2018-13-01", "x", "", "1999-01-01", "2999-01-01"])
def test_a_day_that_cannot_be_is_said(as_user: As, luanchuan_clerk: Any, on: str) -> None:
    row = household()
    response = as_user(luanchuan_clerk).get(page(row), {"on": on})
    assert response.status_code == 200
    assert response.context["form"].errors["on"]


def test_as_many_queries_for_one_member_as_for_three(as_user: As, luanchuan_clerk: Any) -> None:
    client = as_user(luanchuan_clerk)
    counted = []
    for size in (1, 1, 3):
        row = household(members=size)
        with CaptureQueriesContext(connection) as queries:
            client.get(page(row), {"on": timezone.localdate().isoformat()})
        counted.append(len(queries))
    assert counted[1] == counted[2]


def test_sheets_and_comparison_stay_as_they_were(luanchuan_clerk: Any) -> None:
    """What is put together from the history goes through the same words as what stands now."""
    row = household()
    found = asof.as_of(row.household, 2018, now(), luanchuan_clerk)
    assert found is not None
    stands = HouseholdYear.objects.select_related("household").get(pk=row.pk)
    assert sheet.cards(found.row, luanchuan_clerk) == sheet.cards(stands, luanchuan_clerk)
    assert comparing.compare([found.row], luanchuan_clerk) == comparing.compare(
        [stands], luanchuan_clerk
    )
