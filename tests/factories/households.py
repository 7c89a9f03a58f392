"""Households with members, consistent over identity and year.

`household(…)` is the everyday one: a household in a village and a year with its members. The
factories below it make single rows.
"""

from datetime import date
from decimal import Decimal
from typing import Any

import factory

from core.idnumbers import check_digit
from households.models import Household, HouseholdYear, Partition, Person, PersonYear
from households.queries.years import forget_years
from tests.factories.villages import RegionFactory

HOME = "410324100203"
NEIGHBOUR = "410325100201"


# Rows that a test did not number itself are born on the day before those it did: they never meet.
_BORN = date(1970, 1, 1)


def id_no(number: int, born: date = date(1970, 1, 2)) -> str:
    """A number that nobody has (prefix 99) with a right check digit."""
    first17 = f"990324{born:%Y%m%d}{number % 1000:03}"
    return first17 + check_digit(first17)


class PartitionFactory(factory.django.DjangoModelFactory[Partition]):
    class Meta:
        model = Partition
        django_get_or_create = ("year",)
        skip_postgeneration_save = True

    year = 2018

    @factory.post_generation
    def known(self, create: bool, extracted: Any, **_: Any) -> None:
        # Pages remember the years for some seconds; a test opens them faster.
        forget_years()


class HouseholdFactory(factory.django.DjangoModelFactory[Household]):
    class Meta:
        model = Household

    class Params:
        code = HOME

    household_no = factory.Sequence(lambda number: f"8630000{number:07}")
    village = factory.SubFactory(RegionFactory, code=factory.SelfAttribute("..code"))
    village_code = factory.SelfAttribute("village.code")
    address = "一组 8 号"


class HouseholdYearFactory(factory.django.DjangoModelFactory[HouseholdYear]):
    """A poor household by default; traits: exited (in the year), relapsed."""

    class Meta:
        model = HouseholdYear

    class Params:
        code = HOME
        exited = factory.Trait(
            exit_status="1", exit_year=factory.SelfAttribute("partition.year"),
            household_attribute="02", net_income_per_capita=Decimal("4200.00"),
        )  # fmt: skip
        relapsed = factory.Trait(exit_status="3")

    partition = factory.SubFactory(PartitionFactory)
    household = factory.SubFactory(HouseholdFactory, code=factory.SelfAttribute("..code"))
    village = factory.SelfAttribute("household.village")
    village_code = factory.SelfAttribute("village.code")
    identification_standard = "01"
    household_attribute = "01"
    exit_status = "0"
    identified_year = 2014
    main_cause = "01"
    member_count = 2
    net_income_per_capita = Decimal("2800.00")
    phone = "13900001234"
    bank_account = "6217000012345678901"


class PersonFactory(factory.django.DjangoModelFactory[Person]):
    class Meta:
        model = Person

    household = factory.SubFactory(HouseholdFactory)
    village_code = factory.SelfAttribute("household.village_code")
    person_no = factory.Sequence(lambda number: f"8631000{number:07}")
    name = factory.Sequence(lambda number: f"张{number}")
    sex = "01"
    id_type = "01"
    birth_date = _BORN
    id_no = factory.Sequence(lambda number: id_no(number, _BORN))


class PersonYearFactory(factory.django.DjangoModelFactory[PersonYear]):
    """The head by default."""

    class Meta:
        model = PersonYear

    partition = factory.SubFactory(PartitionFactory)
    person = factory.SubFactory(PersonFactory)
    household = factory.SelfAttribute("person.household")
    village_code = factory.SelfAttribute("household.village_code")
    relation_to_head = "01"
    health_status = ["03"]
    member_phone = "13900005678"


def household(
    *traits: str,
    members: int = 2,
    code: str = HOME,
    year: int = 2018,
    of: Household | None = None,
    head: str = "",
    **facts: Any,
) -> HouseholdYear:
    """A household of a village and year with its members, the head first.

    `of` adds another year to a household that exists; its persons are taken over.
    """
    identity = of or HouseholdFactory(code=code)
    row = HouseholdYearFactory(
        household=identity, partition=PartitionFactory(year=year), member_count=members,
        **dict.fromkeys(traits, True), **facts,
    )  # fmt: skip
    persons = list(identity.persons.order_by("pk"))[:members]
    names = [{"name": head} if head else {}] + [{}] * members
    persons += [
        PersonFactory(household=identity, **names[number])
        for number in range(len(persons), members)
    ]
    for number, person in enumerate(persons):
        relation = "01" if number == 0 else "03"
        PersonYearFactory(partition=row.partition, person=person, relation_to_head=relation)
    return row
