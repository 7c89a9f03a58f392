"""Finding by pinyin, by the end of a number, by village; the search box; pages and counts."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core.scope import Maintenance
from core.sharing import FieldGroup
from households.filters import HouseholdYearFilter, PersonYearFilter
from households.models import HouseholdYear, NameReading, Person, PersonYear
from households.queries.years import forget_years
from tests.factories.households import HOME, NEIGHBOUR, household, id_no
from villages.models import Region

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("city")]

As = Callable[[Any], Client]
CITY = Maintenance("4103")
LIST, SEARCH = reverse("households:list"), reverse("households:search")


@pytest.fixture(autouse=True)
def years() -> None:
    forget_years()


def named(name: str, number: str = "", code: str = HOME) -> HouseholdYear:
    """A household whose only member has this name and number."""
    row = household(members=1, code=code)
    member = Person.objects.get(household_id=row.household_id)
    member.name = name
    member.id_no = number or member.id_no
    member.save()
    return row


def found(word: str, actor: Any = CITY) -> set[int]:
    """Households found by a word; persons must lead to the same."""
    asked = QueryDict(mutable=True)
    asked["q"] = word
    by_household = HouseholdYearFilter(asked, HouseholdYear.objects.visible_to(CITY), actor=actor)
    by_person = PersonYearFilter(asked, PersonYear.objects.visible_to(CITY), actor=actor)
    ids = set(by_household.qs.values_list("household_id", flat=True))
    assert set(by_person.qs.values_list("household_id", flat=True)) == ids
    return ids


# --- readings ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "initials", "pinyin"),
    [
        ("何金梅", "hjm", "hejinmei"), ("单晓解", "sxj", "shanxiaojie"), ("解放", "xf", "xiefang"),
        ("仇单", "qd", "qiudan"), ("区小区", "oxq", "ouxiaoqu"), ("朴查", "pc", "piaocha"),
        ("查良镛", "zly", "zhaliangyong"), ("尉迟敬德", "ycjd", "yuchijingde"),
        ("吕布", "lb", "lvbu"), ("万俟雪", "mqx", "moqixue"), ("阿迪力·买买提", "adlmmt", "adilimaimaiti"),
    ],
)  # fmt: skip
def test_names_are_read_as_surname_and_words(name: str, initials: str, pinyin: str) -> None:
    named(name)
    reading = NameReading.objects.get(name=name)
    assert (reading.initials, reading.pinyin) == (initials, pinyin)


def test_a_name_is_read_once_and_anew_when_it_changes() -> None:
    named("何金梅")
    row = named("何金梅")
    assert NameReading.objects.filter(name="何金梅").count() == 1
    Person.objects.filter(household_id=row.household_id).update(name="何银梅")
    assert NameReading.objects.get(name="何银梅").initials == "hym"


def test_head_without_members_is_found_by_reading() -> None:
    row = household(members=0)
    HouseholdYear.objects.filter(pk=row.pk).update(head_name="解放")
    asked = QueryDict("q=xf")
    filters = HouseholdYearFilter(asked, HouseholdYear.objects.visible_to(CITY), actor=CITY)
    assert [one.pk for one in filters.qs] == [row.pk]


# --- one word ----------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["何金", "hj", "HJM", "hejin", "HeJinMei"])
def test_word_finds_by_name_initials_and_pinyin(word: str) -> None:
    row = named("何金梅")
    named("赵四")
    assert found(word) == {row.household_id}


def test_end_of_a_number_finds_its_household() -> None:
    number = id_no(417, date(1961, 3, 2))
    row = named("何金梅", number)
    named("赵四", id_no(418, date(1961, 3, 2)))
    assert found(number[-4:]) == {row.household_id}
    assert found(number[-4:].lower()) == {row.household_id}
    assert found(number[-5:]) == set()


def test_client_without_numbers_finds_nobody_by_the_end_of_one() -> None:
    class Given(Maintenance):
        field_groups = frozenset({FieldGroup.BASIC})

    number = id_no(417, date(1961, 3, 2))
    named("何金梅", number)
    assert found(number[-4:], Given("4103")) == set()


def test_village_finds_its_households() -> None:
    row = household(members=1)
    household(members=1, code=NEIGHBOUR)
    Region.objects.filter(code=HOME).update(name="独树村委会")
    assert found("独树") == {row.household_id}


# --- the list ----------------------------------------------------------------------------------


def test_long_list_is_counted_to_the_end_when_asked(
    as_user: As, luanchuan_clerk: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr("households.views.lists.COUNTED", 3)
    monkeypatch.setattr("households.views.lists.PAGE_SIZE", 2)
    for _ in range(5):
        household(members=1)
    client = as_user(luanchuan_clerk)
    first = client.get(LIST)
    assert first.context["total"] == 3
    assert "超过 3 户" in first.content.decode()
    exact = client.get(LIST + first.context["count_address"])
    assert exact.context["total"] == 5
    assert "共 5 户" in exact.content.decode()
    assert "count=" not in exact.context["page"]["next"]


def test_page_size_is_one_of_those_offered_and_is_kept(as_user: As, luanchuan_clerk: Any) -> None:
    for _ in range(21):
        household(members=0)
    client = as_user(luanchuan_clerk)
    first = client.get(LIST, {"size": "20"})
    assert len(first.context["rows"]) == 20
    assert "size=20" in first.context["page"]["next"]
    assert len(client.get(LIST + first.context["page"]["next"]).context["rows"]) == 1
    for odd in ("7", "٢٠", "-20", "99999999"):
        assert len(client.get(LIST, {"size": odd}).context["rows"]) == 21


# --- the search box ----------------------------------------------------------------------------


def test_search_groups_what_it_finds(as_user: As, luanchuan_clerk: Any) -> None:
    row = named("何金梅")
    named("何金山", code=NEIGHBOUR)
    response = as_user(luanchuan_clerk).post(SEARCH, {"q": "何金"})
    text = response.content.decode()
    assert response.status_code == 200
    assert row.household.household_no in text
    assert "何金山" not in text
    hit = response.context["found"]
    assert (len(hit.households), len(hit.persons), hit.villages) == (1, 1, [])


def test_search_finds_a_whole_number_and_repeats_none(as_user: As, luanchuan_clerk: Any) -> None:
    number, far = id_no(417, date(1961, 3, 2)), id_no(419, date(1961, 3, 2))
    row = named("何金梅", number)
    named("赵四", far, code=NEIGHBOUR)
    client = as_user(luanchuan_clerk)
    response = client.post(SEARCH, {"q": number})
    assert [one.household_no for one in response.context["found"].households] == [
        row.household.household_no
    ]
    assert number not in response.content.decode()
    beyond = client.post(SEARCH, {"q": far})
    assert beyond.context["found"].is_empty
    assert far not in beyond.content.decode()


def test_search_finds_villages_of_the_own_county(as_user: As, luanchuan_clerk: Any) -> None:
    household()
    household(code=NEIGHBOUR)
    Region.objects.filter(code__in=(HOME, NEIGHBOUR)).update(name="独树村委会")
    hit = as_user(luanchuan_clerk).post(SEARCH, {"q": "独树"}).context["found"]
    assert [place.village_code for place in hit.villages] == [HOME]


def test_search_wants_a_word_by_post_and_the_right_to_read(
    as_user: As, luanchuan_clerk: Any, stranger: Any
) -> None:
    household()
    client = as_user(luanchuan_clerk)
    assert client.post(SEARCH, {"q": ""}).status_code == 422
    assert client.post(SEARCH, {"q": "何" * 61}).status_code == 422
    assert client.get(SEARCH, {"q": "何"}).status_code == 405
    assert as_user(stranger).post(SEARCH, {"q": "何"}).status_code == 403


def test_search_takes_as_many_queries_for_three_as_for_one(as_user: As, city_leader: Any) -> None:
    client = as_user(city_leader)
    named("何金梅")
    taken = []
    for count in (1, 3):
        client.post(SEARCH, {"q": "何金"})
        with CaptureQueriesContext(connection) as captured:
            hit = client.post(SEARCH, {"q": "何金"}).context["found"]
        assert len(hit.households) == len(hit.persons) == count
        taken.append(len(captured))
        named("何金山", code=NEIGHBOUR)
        named("何金水", code="410324200201")
    assert taken[0] == taken[1]
