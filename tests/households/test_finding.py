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
from households.models import Household, HouseholdYear, NameReading, Person, PersonYear
from households.queries.conditions import (
    Common,
    for_a_page,
    matching_households,
    matching_persons,
)
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


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("谌龙", ["chenl", "shenl", "cl", "sl"]), ("宓子", ["miz", "fuz"]), ("覃明", ["qinm", "tanm"]),
        ("缪可", ["miaok", "mouk"]), ("翟平", ["zhaip", "dip"]), ("单田", ["shant", "dant", "dt"]),
        ("尉迟恭", ["yuchi", "weichi"]), ("乐毅", ["yuey", "ley"]), ("贲虎", ["benh", "feih"]),
    ],
)  # fmt: skip
def test_a_surname_is_found_by_either_of_its_readings(name: str, words: list[str]) -> None:
    row = named(name)
    named("赵四")
    for word in words:
        assert found(word) == {row.household_id}, word


def test_names_are_read_for_everybody_and_lead_to_nobody_elsewhere(
    as_user: As, luanchuan_clerk: Any, api_key: Callable[..., str]
) -> None:
    """The table of readings knows names of the whole city; lists and box reach it by their rows."""
    named("何金梅")
    named("何金山", code=NEIGHBOUR)
    assert NameReading.objects.filter(initials__startswith="hj").count() == 2
    client = as_user(luanchuan_clerk)
    for address in (LIST, reverse("households:persons")):
        for word in ("hj", "hejin", "何金"):
            text = client.get(address, {"q": word, "sort": "name"}).content.decode()
            assert "何金梅" in text
            assert "何金山" not in text
    for more in ({}, {"live": "1"}):
        text = client.post(SEARCH, {"q": "hj", **more}).content.decode()
        assert "何金梅" in text
        assert "何金山" not in text
        # A reading that only the neighbours have is answered as one that nobody has.
        foreign, nobody = (
            client.post(SEARCH, {"q": word, **more}).context["found"]
            for word in ("hejinshan", "hejinshei")
        )
        assert list(foreign.households) == list(nobody.households) == []
        assert list(foreign.persons) == list(nobody.persons) == []
    system = Client(headers={"Authorization": f"Bearer {api_key('410324')}"})
    for address in ("/api/v1/households/", "/api/v1/persons/"):
        for word, count in (("hejinmei", 1), ("hejinshan", 0), ("hejinshei", 0)):
            answer = system.get(address, {"year": "2018", "q": word, "count": "1"}).json()
            assert (len(answer["results"]), answer["count"]) == (count, count), word


@pytest.mark.parametrize("word", ["何金", "hj", "HJM", "hejin", "HeJinMei"])
def test_word_finds_by_name_initials_and_pinyin(word: str) -> None:
    row = named("何金梅")
    named("赵四")
    assert found(word) == {row.household_id}


def test_end_of_a_number_is_looked_up_by_the_box_alone(as_user: As, luanchuan_clerk: Any) -> None:
    """A term of a list stands in addresses and logs: it is never compared with numbers' ends."""

    class Given(Maintenance):
        field_groups = frozenset({FieldGroup.BASIC, FieldGroup.IDENTITY_FULL})

    number = id_no(417, date(1961, 3, 2))
    row = named("何金梅", number)
    named("赵四", id_no(418, date(1961, 3, 2)))
    named("钱五", id_no(419, date(1961, 3, 2)), code=NEIGHBOUR)
    client = as_user(luanchuan_clerk)
    for word in (number[-4:], number[-4:].lower()):
        hit = client.post(SEARCH, {"q": word}).context["found"]
        assert [one.household_no for one in hit.households] == [row.household.household_no]
        assert [one.name for one in hit.persons] == ["何金梅"]
        assert (found(word), found(word, Given("4103"))) == (set(), set())
        assert "请用页面上方的查找框" in client.get(LIST, {"q": word}).content.decode()
    far = client.post(SEARCH, {"q": id_no(419, date(1961, 3, 2))[-4:]}).context["found"]
    assert far.is_empty
    assert client.post(SEARCH, {"q": number[-5:]}).context["found"].is_empty


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


@pytest.mark.parametrize("word", ["王", "王小", "wx", "wangx", "863", "独树", "L41", "zz"])
def test_common_word_finds_what_it_finds_by_gathering(monkeypatch: Any, word: str) -> None:
    for name in ("王小明", "王大力", "李四"):
        named(name)
    Region.objects.filter(code=NEIGHBOUR).update(name="独树村委会")
    household(members=1, code=NEIGHBOUR)
    headless = household(members=0)
    HouseholdYear.objects.filter(pk=headless.pk).update(head_name="王小二")
    Household.objects.filter(pk=headless.household_id).update(household_no="L410324000000000001")

    def keys() -> tuple[set[int], set[int]]:
        terms = {"q": for_a_page(word)}
        rows, persons = HouseholdYear.objects.all(), PersonYear.objects.all()
        return (
            set(matching_households(rows, terms, 2018).values_list("household_id", flat=True)),
            set(matching_persons(persons, rows, terms, 2018).values_list("pk", flat=True)),
        )

    gathered = keys()
    monkeypatch.setattr("households.queries.conditions._COMMON", 1)
    assert isinstance(for_a_page(word), Common) == (word not in ("独树", "zz"))
    assert keys() == gathered
    assert gathered[0] or word == "zz"


def test_list_of_a_common_word_is_counted_only_when_asked(
    as_user: As, luanchuan_clerk: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr("households.queries.conditions._COMMON", 3)
    monkeypatch.setattr("households.views.lists.PAGE_SIZE", 2)
    for _ in range(3):
        named("王小明")
    client = as_user(luanchuan_clerk)
    first = client.get(LIST, {"q": "王"})
    assert (len(first.context["rows"]), first.context["total"]) == (2, 2)
    assert "超过 2 户" in first.content.decode()
    assert client.get(LIST + first.context["count_address"]).context["total"] == 3


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


def test_search_while_typing_is_a_part_of_a_page(as_user: As, luanchuan_clerk: Any) -> None:
    for _ in range(6):
        named("何金梅")
    client = as_user(luanchuan_clerk)
    response = client.post(SEARCH, {"q": "何金", "live": "1"})
    text = response.content.decode()
    assert "<html" not in text
    assert (text.count("<li>"), "按回车看更多" in text) == (10, True)
    assert len(response.context["found"].households) == 5
    assert (
        client.post(SEARCH, {"q": "没有此人", "live": "1"}).content.decode().count("没有找到") == 1
    )
    assert client.post(SEARCH, {"q": "", "live": "1"}).status_code == 422


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
