"""What can never be true is refused by the database itself, whoever writes."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import Error, IntegrityError, connection, transaction

from households.models import (
    DirtyRegion,
    Household,
    HouseholdYear,
    Partition,
    Person,
    PersonYear,
    StatusEvent,
)
from imports.models import Batch
from tests.workbooks import family, id_number

Load = Callable[..., Batch]

pytestmark = pytest.mark.django_db


@pytest.fixture
def register(load_rows: Load) -> None:
    load_rows([*family(1), *family(2)])


def refuses(sql: str, *values: Any, words: str = "") -> None:
    with pytest.raises(Error, match=words):
        attempt(sql, values)


def attempt(sql: str, values: tuple[Any, ...]) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(sql, values)


def test_two_heads(register: None) -> None:
    refuses("UPDATE households_personyear SET relation_to_head = '01'", words="one_head")


def test_one_person_in_two_households_of_a_year(register: None) -> None:
    first, second = Household.objects.order_by("pk")
    refuses(
        "INSERT INTO households_personyear (partition_id, household_id, village_code, person_id,"
        " relation_to_head, education_level, student_status, health_status, labour_capacity,"
        " work_area, work_employer, work_place, industry_class, employment_channel,"
        " public_post_type, dropout_reason, political_status, disability_type, member_phone)"
        " SELECT partition_id, %s, village_code, person_id, '99', '', '', NULL, '', '', '', '', '',"
        " '', '', '', '', NULL, NULL FROM households_personyear WHERE household_id = %s",
        second.pk,
        first.pk,
        words="person_year_once",
    )


def test_two_persons_with_one_number(register: None) -> None:
    with pytest.raises(IntegrityError, match="one_per_number"), transaction.atomic():
        Person.objects.update(id_no=id_number(1))


def test_disability_certificate_is_the_same_number(register: None) -> None:
    with pytest.raises(IntegrityError, match="one_per_number"), transaction.atomic():
        Person.objects.filter(id_no=id_number(2)).update(id_no=id_number(1) + "42")


def test_placeholder_numbers_may_repeat(register: None) -> None:
    assert Person.objects.update(id_no="999999195001010018") == 4


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("exit_status", "7", "exit_status"),
        ("exit_year", 2019, "not_in_future"),
        ("identified_year", 2019, "not_in_future"),
        ("village_code", "410325100201", "kept_true"),
        ("other_causes", "{01,02,03}", "two_other_causes"),
        ("farmland_mu", -1, "not_negative"),
    ],
)
def test_household_year(register: None, column: str, value: Any, words: str) -> None:
    HouseholdYear.objects.update(exit_status="1")
    refuses(f"UPDATE households_householdyear SET {column} = %s", value, words=words)


def test_exit_before_identification(register: None) -> None:
    refuses(
        "UPDATE households_householdyear SET identified_year = 2016, exit_year = 2015",
        words="exit_after_identification",
    )


def test_household_in_an_unknown_village(register: None) -> None:
    refuses("UPDATE households_household SET village_code = '410324100999'", words="kept_true")
    refuses("UPDATE households_household SET village_id = 0", words="kept_true")


def test_thirteen_months_of_work(register: None) -> None:
    refuses("UPDATE households_personyear SET work_months = 12.5", words="work_months")


def test_identities_are_not_deleted_under_their_years(register: None) -> None:
    refuses("DELETE FROM households_person", words="personyear")
    refuses("DELETE FROM households_household", words="household")


@pytest.mark.parametrize("table", ["households_householdyear", "households_personyear"])
@pytest.mark.parametrize("act", ["UPDATE {} SET changed_at = now()", "DELETE FROM {}"])
def test_closed_year_refuses_writes(register: None, table: str, act: str) -> None:
    Partition.objects.filter(year=2018).update(closed_at="2019-01-31T00:00Z")
    refuses(act.format(table), words="partition 2018 is closed|still referenced")


def test_closed_year_refuses_new_rows(load_rows: Load) -> None:
    load_rows(family(1))
    Partition.objects.filter(year=2018).update(closed_at="2019-01-31T00:00Z")
    household = Household.objects.get()
    person = PersonYear.objects.first()
    assert person is not None
    with pytest.raises(Error, match="closed"), transaction.atomic():
        HouseholdYear.objects.filter(household=household).update(phone="1")
    with pytest.raises(Error, match="closed"), transaction.atomic():
        PersonYear.objects.filter(pk=person.pk).update(work_months=1)


def test_ledger_is_append_only(register: None) -> None:
    refuses("UPDATE households_statusevent SET persons = 0", words="append-only")
    refuses("DELETE FROM households_statusevent", words="append-only")


def test_ledger_follows_a_recoded_village(register: None) -> None:
    assert StatusEvent.objects.update(village_code="410324200201") == 2


def test_recoded_village_takes_every_row_along(register: None) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE villages_region SET code = '410324100299' WHERE code = '410324100203'"
        )
    for model in (Household, HouseholdYear, Person, PersonYear):
        assert set(model.objects.values_list("village_code", flat=True)) == {"410324100299"}


def test_history_cannot_be_edited(register: None) -> None:
    Person.objects.update(name="改名")
    refuses("UPDATE households_person_history SET name = '另一个'", words="append-only")
    refuses("DELETE FROM households_person_history", words="append-only")


def test_every_write_marks_its_village(register: None) -> None:
    DirtyRegion.objects.all().delete()
    PersonYear.objects.filter(household__household_no="86300000000001").update(work_months=1)
    assert set(DirtyRegion.objects.values_list("partition", "code")) == {(2018, "410324100203")}


def test_unknown_household_number_is_refused() -> None:
    with pytest.raises(IntegrityError, match="household_no_text"), transaction.atomic():
        Household.objects.create(household_no="8.63E+13", village_id=1, village_code="410324100203")
