"""One search, three ways: the page, the API and the file find the same households and persons."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from exits.models import PovertyLine
from exits.queries import lines_of_year
from households import workbooks
from households.filters import HouseholdYearFilter, PersonYearFilter
from households.models import HouseholdYear, Mark, Person, PersonYear
from households.queries import lines_from
from tests.factories.households import HOME, NEIGHBOUR, household, id_no
from tests.factories.villages import VillageYearFactory
from villages.models import Region

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("city")]

As = Callable[[Any], Client]
OTHER_TOWN = "410324200201"
NUMBER = id_no(417, date(1961, 3, 2))
# Every term of both lists, each with a value that finds some and leaves some.
SHARED = [
    "year=2017", "year=2018", "region=410324", "county=410324", "county=410324&town=410324100",
    f"county=410324&town=410324200&village={OTHER_TOWN}", "status=poor", "status=exited", "status=3",
    "status=0&status=3", "cause=01", "cause=01&cause=02", "attribute=02", "exit_year=2017",
    "income_below=3000", "income_above=3000", "income_above=2000&income_below=9000",
    "below_line=true", "below_line=false", "poor_village=true", "poor_village=false",
    "mark=true", "mark=false", "mark=overdue", "missing=main_cause", "missing=net_income_per_capita",
    "q=王", "q=王小", "q=wx", "q=wangxiao", "q=WX", "q=863000", f"q={NUMBER[-4:]}", "q=独树",
    "status=poor&q=王", "cause=01&income_below=9000&poor_village=true", "q=没有此人",
]  # fmt: skip
OF_PERSONS = [
    "relation=01", "relation=02", "education=04", "student=03", "labour=02", "work_area=01",
    "missing=education_level", "missing=ethnicity", "relation=01&status=poor", "labour=02&q=王",
]  # fmt: skip


@pytest.fixture
def people() -> Iterator[None]:
    """Two counties in which every term finds some and leaves some."""
    lines_from(lines_of_year)
    PovertyLine.objects.create(year=2018, amount=3000, source="测试")
    rows = [
        household(head="王小明", main_cause="01"),
        household("exited", head="李四", code=OTHER_TOWN, main_cause="02", exit_year=2017),
        household("relapsed", head="王大力", main_cause="", household_attribute="02"),
        household(head="赵六", code=NEIGHBOUR, net_income_per_capita=Decimal(5000)),
        household(head="何金梅", code=NEIGHBOUR, net_income_per_capita=None),
        household("exited", head="王小二", members=3, net_income_per_capita=Decimal(8000)),
    ]
    household(of=rows[0].household, year=2017)
    head = PersonYear.objects.get(
        household=rows[4].household, partition_id=2018, relation_to_head="01"
    )
    head.person.id_no = NUMBER
    head.person.save()
    here = PersonYear.objects.filter(household=rows[0].household)
    here.update(labour_capacity="02", work_area="01", education_level="04", student_status="03")
    PersonYear.objects.filter(household=rows[1].household).update(education_level="")
    Person.objects.filter(household=rows[0].household).update(ethnicity="01")
    Person.objects.filter(household=rows[1].household).update(ethnicity="")
    VillageYearFactory(region=rows[0].village)
    Region.objects.filter(code=OTHER_TOWN).update(name="独树村委会")
    late = timezone.localdate() - timedelta(days=3)
    for row, due in ((rows[0], late), (rows[2], None)):
        Mark.objects.create(
            household=row.household, village_code=row.village_code, partition_id=2018,
            reason="核查", due_on=due, created_by=_official(),
        )  # fmt: skip
    yield
    lines_from(lines_of_year)


def _official() -> Any:
    return User.objects.get_or_create(username="核查人", defaults={"password": "!"})[0]


def _pages(client: Client, address: str, query: str, key: str) -> set[Any]:
    response = client.get(f"{address}?{query}")
    assert response.status_code == 200, query
    assert response.context["filter"].form.is_valid(), response.context["filter"].form.errors
    return {getattr(row, key) for row in response.context["rows"]}


def _api(client: Client, address: str, query: str, key: str) -> set[Any]:
    response = client.get(f"{address}?{query}&fields={key}")
    assert response.status_code == 200, response.content
    return {row[key] for row in response.json()["results"]}


def _file(
    filter_class: Any, rows: Any, query: str, lines: Any, column: str, actor: Any
) -> set[Any]:
    """What the job of an export writes for the terms that its page stores."""
    filters = filter_class(QueryDict(query), rows, actor=actor)
    assert filters.form.is_valid()
    terms = {"year": 2018, **workbooks.stored_terms({**filters.terms, "columns": [column]})}
    return {line[0] for line in lines(terms, actor, region="", full=False)}


@pytest.mark.usefixtures("people")
def test_every_term_finds_the_same_on_page_in_api_and_in_file(
    as_user: As, city_leader: Any, api_key: Callable[..., str]
) -> None:
    page = as_user(city_leader)
    api = Client(headers={"Authorization": f"Bearer {api_key('4103')}"})
    seen: dict[str, set[frozenset[Any]]] = {"households": set(), "persons": set()}
    numbers = dict(PersonYear.objects.values_list("pk", "person__person_no"))
    for query in SHARED:
        by_page = _pages(page, reverse("households:list"), query, "household_no")
        assert by_page == _file(
            HouseholdYearFilter, HouseholdYear.objects.all(), query, workbooks.lines,
            "household_no", city_leader,
        ), query  # fmt: skip
        assert _api(api, "/api/v1/households/", query, "household_no") == by_page, query
        seen["households"].add(frozenset(by_page))
    for query in (*SHARED, *OF_PERSONS):
        pks = _pages(page, reverse("households:persons"), query, "pk")
        by_page = {numbers[pk] for pk in pks}
        assert by_page == _file(
            PersonYearFilter, PersonYear.objects.all(), query, workbooks.people,
            "person_no", city_leader,
        ), query  # fmt: skip
        assert _api(api, "/api/v1/persons/", query, "person_no") == by_page, query
        seen["persons"].add(frozenset(by_page))
    # The terms tell the rows apart: whatever found all or nothing would prove little.
    assert len(seen["households"]) > 15
    assert len(seen["persons"]) > 20


def test_every_term_is_walked() -> None:
    for filter_class, queries in (
        (HouseholdYearFilter, SHARED), (PersonYearFilter, [*SHARED, *OF_PERSONS]),
    ):  # fmt: skip
        named = {name for query in queries for name in QueryDict(query)}
        assert set(filter_class.base_filters) <= named


@pytest.mark.usefixtures("people")
def test_the_end_of_a_number_stands_in_no_address(as_user: As, city_leader: Any) -> None:
    """The box goes by POST, and the page it answers with leads on to no list by that word."""
    household(code=HOME)
    text = as_user(city_leader).post(reverse("households:search"), {"q": NUMBER[-4:]})
    assert text.context["found"].households
    assert f"q={NUMBER[-4:]}" not in text.content.decode()
