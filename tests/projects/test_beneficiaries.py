"""Who benefits stands in the register on that day, or is recorded as unregistered by name."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from core import walls
from households.models import Household, HouseholdYear, Person
from projects.models import Beneficiary, Project
from projects.queries import figures
from projects.services import benefiting
from projects.services.benefiting import Helped
from projects.services.common import UnfitError
from tests.factories.households import household
from tests.factories.villages import RegionFactory
from tests.projects.conftest import VILLAGE, Office, brought_to, proposed

pytestmark = pytest.mark.django_db
ON = date(2018, 6, 1)


@pytest.fixture
def project(office: Office) -> Project:
    return proposed(office.village)


@pytest.fixture
def row(db: None) -> HouseholdYear:
    return household()


def add(project: Project, office: Office, *helped: Helped, on: date = ON) -> int:
    return benefiting.add(project=project, helped=helped, on=on, by=office.village)


def test_villages_households_and_persons_in_one_statement(
    project: Project, office: Office, row: HouseholdYear, django_assert_num_queries: Any
) -> None:
    person = Person.objects.filter(household=row.household)[0]
    helped = [
        Helped("SERVICE", village=RegionFactory(code=VILLAGE)),
        Helped("DIVIDEND", household=row.household, expected=Decimal("800.00")),
        Helped("JOB", household=row.household, person=person, expected=Decimal("9600.00")),
        Helped("MATERIAL", village=RegionFactory(code=VILLAGE), name="李未登"),
    ]
    with walls.scoped(office.village):
        assert add(project, office, *helped) == len(helped)
    assert figures.helped(Project.objects.all()) == {
        "villages": 1, "households": 1, "persons": 1, "unregistered": 1,
    }  # fmt: skip
    with pytest.raises(UnfitError, match="重复"):
        add(project, office, helped[1])


@pytest.mark.parametrize(
    ("on", "stands"),
    [(date(2018, 3, 1), True), (date(2018, 2, 28), False), (date(2017, 6, 1), False)],
)
def test_the_day_decides(
    project: Project, office: Office, row: HouseholdYear, on: date, stands: bool
) -> None:
    """Registered on 1 March 2018, in the year of 2018 alone."""
    Household.objects.filter(pk=row.household_id).update(first_identified_on=date(2018, 3, 1))
    helped = Helped("JOB", household=Household.objects.get(pk=row.household_id))
    if stands:
        assert add(project, office, helped, on=on) == 1
        return
    with pytest.raises(UnfitError, match="不在册"):
        add(project, office, helped, on=on)
    assert not Beneficiary.objects.exists()


def test_a_person_is_one_of_the_household(
    project: Project, office: Office, row: HouseholdYear
) -> None:
    stranger = Person.objects.filter(household=household().household)[0]
    with pytest.raises(UnfitError, match="不在册"):
        add(project, office, Helped("JOB", household=row.household, person=stranger))


def test_one_who_is_missing_keeps_all_out(
    project: Project, office: Office, row: HouseholdYear
) -> None:
    other = household(year=2017).household
    with pytest.raises(UnfitError, match="不在册"):
        add(project, office, Helped("JOB", household=row.household), Helped("JOB", household=other))
    assert not Beneficiary.objects.exists()


def test_by_numbers(project: Project, office: Office, row: HouseholdYear) -> None:
    foreign = household(code="410325100201").household.household_no
    number = row.household.household_no
    with walls.scoped(office.village):
        made, missing = benefiting.add_by_numbers(
            project=project, numbers=[number, foreign, "无此户"], benefit="SHARE", on=ON,
            expected=Decimal("500.00"), by=office.village,
        )  # fmt: skip
    assert (made, missing) == (1, [foreign, "无此户"])


def test_only_the_real_income_changes(project: Project, office: Office, row: HouseholdYear) -> None:
    add(project, office, Helped("DIVIDEND", household=row.household, expected=Decimal(800)))
    found = Beneficiary.objects.get()
    benefiting.tell_income(beneficiary=found, income=Decimal("760.50"), by=office.village)
    assert Beneficiary.objects.get().income == Decimal("760.50")
    with pytest.raises(UnfitError):
        benefiting.tell_income(beneficiary=found, income=Decimal(-1), by=office.village)
    for change in ({"benefit": "JOB"}, {"expected": 1}, {"name": "改"}):
        with pytest.raises(DatabaseError), transaction.atomic():
            Beneficiary.objects.update(**change)
    with pytest.raises(DatabaseError), transaction.atomic():
        Beneficiary.objects.all().delete()


def test_none_of_a_refused_project(office: Office, row: HouseholdYear) -> None:
    refused = brought_to(office, "REFUSED")
    with pytest.raises(UnfitError, match="未通过"):
        add(refused, office, Helped("JOB", household=row.household))


def test_others_and_what_really_came(office: Office) -> None:
    """A village by its code, an unregistered one by name, a person by number; incomes by household."""
    project = brought_to(office, "STARTED")
    row = household(code=VILLAGE, head="张三")
    person_no = row.household.persons.first().person_no
    told = {"project": project, "benefit": "JOB", "on": date(2018, 5, 1), "by": office.village}
    benefiting.add_other(**told, village=VILLAGE)
    benefiting.add_other(**told, village=VILLAGE, name="外来户")
    benefiting.add_other(**told, person_no=person_no)
    kinds = sorted(Beneficiary.objects.values_list("kind", "name"))
    assert kinds == [("HOUSEHOLD", "外来户"), ("PERSON", ""), ("VILLAGE", "")]
    for wrong in ({"village": "410325100201"}, {"person_no": "404"}):
        with pytest.raises(UnfitError):
            benefiting.add_other(**told, **wrong)
    number = row.household.household_no
    with pytest.raises(UnfitError, match=number):
        benefiting.tell_incomes(project=project, incomes={number: Decimal(5)}, by=office.village)
    benefiting.add(
        project=project, helped=[Helped("JOB", household=row.household)], on=date(2018, 5, 1),
        by=office.village,
    )  # fmt: skip
    many = benefiting.tell_incomes(
        project=project, incomes={number: Decimal("1200.50")}, by=office.village
    )
    assert many == 1
    assert Beneficiary.objects.get(household=row.household, person=None).income == Decimal(
        "1200.50"
    )
