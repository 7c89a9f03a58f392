import html
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from exits.queries import lines_of_year
from households.models import Household, HouseholdYear, PersonYear
from households.queries import lines_from
from households.queries.keyset import HOUSEHOLDS
from households.queries.years import forget_years
from tests.factories.households import HOME, NEIGHBOUR, household, id_no
from tests.factories.villages import VillageYearFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("city")]

As = Callable[[Any], Client]
LIST, PERSONS = reverse("households:list"), reverse("households:persons")


@pytest.fixture(autouse=True)
def years() -> None:
    forget_years()


@pytest.fixture
def line() -> Iterator[None]:
    lines_from(lambda _: {"": Decimal(4500)})
    yield
    lines_from(lines_of_year)


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is remembered for some seconds does not run out between two measurements."""
    for place in ("households.queries.years", "households.catalog"):
        monkeypatch.setattr(f"{place}.monotonic", lambda: 0.0)


def page_of(row: HouseholdYear) -> str:
    return reverse("households:detail", args=[row.household.household_no])


def numbers(response: Any) -> list[str]:
    return [row.household_no for row in response.context["rows"]]


def labels(response: Any) -> list[str]:
    return [chip["label"] for chip in response.context["chips"]]


# --- the list of households --------------------------------------------------------------------


def test_list_shows_the_own_county(as_user: As, luanchuan_clerk: Any, line: None) -> None:
    row = household("exited", head="张三")
    VillageYearFactory(region=row.village)
    household(code=NEIGHBOUR)
    response = as_user(luanchuan_clerk).get(LIST)
    text = response.content.decode()
    assert numbers(response) == [row.household.household_no]
    assert "共 1 户" in text
    for words in (
        "张三",
        "栾川县 城关镇",
        "陈家门村",
        "贫困村",
        "因病",
        "4,200.00",
        "低于标准",
        "已脱贫",
    ):
        assert words in text
    assert f'href="{page_of(row)}?year=2018"' in text
    head = PersonYear.objects.heads().get(household=row.household).person
    assert head.id_no not in text
    assert f"{head.id_no[:6]}********{head.id_no[-4:]}" in text


def test_list_of_a_year_before(as_user: As, luanchuan_clerk: Any) -> None:
    old = household(year=2017)
    household(of=old.household, exited=True)
    household()
    client = as_user(luanchuan_clerk)
    assert len(numbers(client.get(LIST))) == 2
    assert numbers(client.get(LIST, {"year": 2017})) == [old.household.household_no]
    # The choice stays until another is made.
    assert numbers(client.get(LIST)) == [old.household.household_no]


def test_list_of_a_region_fills_the_selects(as_user: As, city_leader: Any) -> None:
    household()
    household(code="410324200201")
    response = as_user(city_leader).get(LIST, {"region": "410324100", "status": "poor"})
    assert response.context["total"] == 1
    assert labels(response) == [
        "县区：栾川县",
        "乡镇：城关镇",
        "脱贫状态：未脱贫（含预脱贫、返贫）",
    ]
    selected = re.findall(r'<option value="([^"]+)" selected>', response.content.decode())
    assert selected == ["410324", "410324100", "poor"]
    assert '<option value="410324100203">陈家门村</option>' in response.content.decode()


@pytest.mark.parametrize(
    ("query", "chips"),
    [
        ({"village": HOME}, ["县区：栾川县", "乡镇：城关镇", "行政村：陈家门村"]),
        # The form without scripts still sends the town of the county chosen before.
        ({"county": "410325", "town": "410324100"}, ["县区：嵩县"]),
        ({"county": "", "town": "410324100", "village": HOME}, []),
        ({"county": "410324", "village": HOME}, ["县区：栾川县"]),
    ],
)
def test_list_keeps_places_that_belong_together(
    as_user: As, city_leader: Any, query: dict[str, str], chips: list[str]
) -> None:
    household()
    assert labels(as_user(city_leader).get(LIST, query)) == chips


def test_chips_take_one_condition_away(as_user: As, city_leader: Any) -> None:
    household()
    query = {"county": "410324", "town": "410324100", "status": ["0", "3"], "q": "张", "after": ""}
    chips = as_user(city_leader).get(LIST, query).context["chips"]
    without = {chip["label"]: html.unescape(chip["remove_href"]) for chip in chips}
    assert without["县区：栾川县"] == "?status=0&status=3&q=%E5%BC%A0&year=2018"
    assert "status=3" in without["脱贫状态：未脱贫"]
    assert "status=0" not in without["脱贫状态：未脱贫"]
    assert "town=410324100" in without["姓名、拼音、编号、村：张"]


def test_several_values_survive_in_the_form(as_user: As, city_leader: Any) -> None:
    household()
    text = as_user(city_leader).get(LIST, {"status": ["0", "3"]}).content.decode()
    field = re.search(r'<select[^>]*name="status".*?</select>', text, re.DOTALL)
    assert field is not None
    assert "multiple" in field[0]
    assert re.findall(r'value="(\d)" selected', field[0]) == ["0", "3"]
    assert '<input type="hidden" name="year" value="2018"' in text


def test_list_says_what_is_wrong_with_a_term(as_user: As, luanchuan_clerk: Any) -> None:
    household()
    response = as_user(luanchuan_clerk).get(LIST, {"income_below": "many", "q": id_no(1)})
    text = response.content.decode()
    assert (response.status_code, response.context["total"], numbers(response)) == (200, 0, [])
    assert "请输入一个数字" in text or "输入一个数" in text
    assert "不能按证件号码查找" in text


def test_list_turns_pages(as_user: As, luanchuan_clerk: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("households.views.lists.PAGE_SIZE", 2)
    for _ in range(5):
        household(members=1)
    client = as_user(luanchuan_clerk)
    first = client.get(LIST, {"status": "poor"})
    assert first.context["page"]["previous"] == ""
    assert "status=poor" in first.context["page"]["next"]
    second = client.get(LIST + first.context["page"]["next"])
    third = client.get(LIST + second.context["page"]["next"])
    assert third.context["page"]["next"] == ""
    shown = [*numbers(first), *numbers(second), *numbers(third)]
    assert shown == sorted(set(shown))
    assert len(shown) == 5
    assert first.context["total"] == third.context["total"] == 5
    back = client.get(LIST + third.context["page"]["previous"])
    assert numbers(back) == numbers(second)
    nothing = client.get(LIST, {"before": HOUSEHOLDS.write((HOME, 0))})
    assert (numbers(nothing), nothing.context["total"]) == ([], 5)


@pytest.mark.parametrize("path", [LIST, PERSONS])
@pytest.mark.parametrize(
    "query",
    [
        {"region": "410325"}, {"county": "410325"}, {"village": NEIGHBOUR}, {"region": "4104"},
        {"region": "410399"}, {"region": "x"}, {"region": "41032"}, {"after": "nonsense"},
        {"before": "WzEsMl0"},
    ],
)  # fmt: skip
def test_list_of_a_neighbour_or_a_bad_address_is_404(
    as_user: As, luanchuan_clerk: Any, path: str, query: dict[str, str]
) -> None:
    household()
    household(code=NEIGHBOUR)
    client = as_user(luanchuan_clerk)
    assert client.get(path, {"region": "410324"}).status_code == 200
    assert client.get(path, query).status_code == 404


@pytest.mark.parametrize("path", [LIST, PERSONS])
def test_list_of_what_lies_above_is_the_own_part(
    as_user: As, luanchuan_clerk: Any, path: str
) -> None:
    household()
    household(code=NEIGHBOUR)
    rows = as_user(luanchuan_clerk).get(path, {"region": "4103"}).context["rows"]
    assert {row.county_name for row in rows} == {"栾川县"}


@pytest.mark.parametrize("path", [LIST, PERSONS])
def test_list_needs_the_right(as_user: As, stranger: Any, client: Client, path: str) -> None:
    household()
    assert as_user(stranger).get(path).status_code == 403
    assert client.get(path).status_code == 302


@pytest.mark.parametrize("path", [LIST, PERSONS])
def test_list_is_for_reading(as_user: As, luanchuan_clerk: Any, path: str) -> None:
    assert as_user(luanchuan_clerk).post(path).status_code == 405


@pytest.mark.parametrize("path", [LIST, PERSONS])
def test_list_of_an_empty_register(as_user: As, luanchuan_clerk: Any, path: str) -> None:
    response = as_user(luanchuan_clerk).get(path)
    assert response.status_code == 200
    assert response.context["total"] == 0
    assert "没有符合条件" in response.content.decode()


@pytest.mark.usefixtures("still")
@pytest.mark.parametrize("path", [LIST, PERSONS])
def test_list_takes_as_many_queries_for_three_as_for_one(
    as_user: As, city_leader: Any, path: str, line: None
) -> None:
    client = as_user(city_leader)
    household(members=1)
    taken = []
    for count in (1, 3):
        client.get(path)
        with CaptureQueriesContext(connection) as captured:
            assert len(client.get(path).context["rows"]) == count
        taken.append(len(captured))
        household(members=1, code=NEIGHBOUR)
        household(members=1, code="410324200201")
    assert taken[0] == taken[1]


# --- the list of persons -----------------------------------------------------------------------


def test_persons_of_the_own_county(as_user: As, luanchuan_clerk: Any) -> None:
    row = household(members=3)
    household(code=NEIGHBOUR)
    response = as_user(luanchuan_clerk).get(PERSONS)
    text = response.content.decode()
    assert numbers(response) == [row.household.household_no] * 3
    assert "共 3 人" in text
    for words in ("本人或户主", "48", "已脱敏", "栾川县 城关镇", "陈家门村", page_of(row)):
        assert words in text
    for person in row.household.persons.all():
        assert person.id_no not in text
        assert str(person.birth_date) not in text
    assert "长期慢性病" not in text


def test_persons_are_found_through_their_household(as_user: As, luanchuan_clerk: Any) -> None:
    household("exited", members=3)
    household(members=2)
    client = as_user(luanchuan_clerk)
    assert client.get(PERSONS, {"status": "exited"}).context["total"] == 3
    assert client.get(PERSONS, {"status": "poor", "relation": "01"}).context["total"] == 1


# --- the page of a household -------------------------------------------------------------------


@pytest.fixture
def family() -> HouseholdYear:
    return household(
        head="张三", members=3, net_income_per_capita=Decimal("2800.00"), income_wage=4000,
        income_business=3000, income_property=0, income_transfer=1000, expense_business=500,
        is_dangerous_house=True, has_domestic_power=False,
    )  # fmt: skip


def test_household_is_told(as_user: As, luanchuan_clerk: Any, family: HouseholdYear) -> None:
    response = as_user(luanchuan_clerk).get(page_of(family))
    text = response.content.decode()
    assert response.status_code == 200
    assert [crumb["name"] for crumb in response.context["breadcrumbs"]] == [
        "栾川县", "城关镇", "陈家门村", "张三户",
    ]  # fmt: skip
    assert "家庭成员（3 人）" in text
    assert (response.context["income"].computed, response.context["income"].differs) == (2500, True)
    for words in ("2,800.00", "2,500.00", "与填报不一致", "一组 8 号", "139****1234", "48"):
        assert words in text
    answers = {item.label: item.value for card in response.context["facts"] for item in card.items}
    assert answers["是否危房户"] == "是"
    assert answers["是否通生活用电"] == "否"
    assert answers["饮水是否安全"] == "未填"
    assert answers["银行卡号"] == "已脱敏"


def test_household_page_hides_what_is_sensitive(
    as_user: As, luanchuan_clerk: Any, family: HouseholdYear
) -> None:
    text = as_user(luanchuan_clerk).get(page_of(family)).content.decode()
    secrets = [family.phone, family.bank_account, "长期慢性病", "13900005678"]
    for person in family.household.persons.all():
        secrets += [person.id_no, str(person.birth_date)]
    for secret in secrets:
        assert secret not in text


def test_household_in_another_year(as_user: As, luanchuan_clerk: Any) -> None:
    old = household(year=2017, main_cause="02", head="张三")
    household(of=old.household)
    client = as_user(luanchuan_clerk)
    response = client.get(page_of(old), {"year": 2017})
    assert response.context["partitions"] == [2018, 2017]
    assert "因残" in response.content.decode()
    assert "因病" in client.get(page_of(old), {"year": 2018}).content.decode()


def test_household_without_the_year_goes_to_its_latest(as_user: As, luanchuan_clerk: Any) -> None:
    row = household(year=2017)
    household()
    response = as_user(luanchuan_clerk).get(page_of(row), {"year": 2018}, follow=True)
    assert response.redirect_chain == [(f"{page_of(row)}?year=2017", 302)]
    assert "该户没有 2018 年度的数据，已转到 2017 年度。" in response.content.decode()


def test_household_of_a_neighbour_and_an_unknown_number_are_404_alike(
    as_user: As, luanchuan_clerk: Any, songxian_clerk: Any, family: HouseholdYear
) -> None:
    assert as_user(luanchuan_clerk).get(page_of(family)).status_code == 200
    foreign = as_user(songxian_clerk).get(page_of(family))
    unknown = as_user(songxian_clerk).get(reverse("households:detail", args=["99"]))
    assert (foreign.status_code, unknown.status_code) == (404, 404)
    pages = [re.sub(r'value="\w+"', "", answer.content.decode()) for answer in (foreign, unknown)]
    assert pages[0] == pages[1]


def test_years_before_a_household_came_stay_with_its_former_county(
    as_user: As, luanchuan_clerk: Any, songxian_clerk: Any
) -> None:
    """The row of a year belongs to where the household lived then."""
    old = household(year=2017)
    new = household(of=old.household)
    there = {"village": household(code=NEIGHBOUR).village, "village_code": NEIGHBOUR}
    Household.objects.filter(pk=old.household_id).update(**there)
    HouseholdYear.objects.filter(pk=new.pk).update(**there)
    here = as_user(luanchuan_clerk).get(page_of(old), {"year": 2017})
    there = as_user(songxian_clerk).get(page_of(old), {"year": 2018})
    assert here.context["partitions"] == [2017]
    assert there.context["partitions"] == [2018]


@pytest.mark.parametrize("number", ["%00", "a b", "x" * 21, "'", "户"])
def test_household_of_a_bad_number_is_404(as_user: As, luanchuan_clerk: Any, number: str) -> None:
    household()
    assert as_user(luanchuan_clerk).get(f"{LIST}{number}/").status_code == 404


def test_household_needs_the_right(as_user: As, stranger: Any, family: HouseholdYear) -> None:
    assert as_user(stranger).get(page_of(family)).status_code == 403


def test_household_is_for_reading(as_user: As, luanchuan_clerk: Any, family: HouseholdYear) -> None:
    assert as_user(luanchuan_clerk).post(page_of(family)).status_code == 405


@pytest.mark.usefixtures("still")
def test_household_takes_as_many_queries_for_three_members_as_for_one(
    as_user: As, luanchuan_clerk: Any
) -> None:
    small, large = household(members=1), household(members=3)
    client = as_user(luanchuan_clerk)
    client.get(page_of(small))
    taken = []
    for row in (small, large):
        with CaptureQueriesContext(connection) as captured:
            client.get(page_of(row))
        taken.append(len(captured))
    assert taken[0] == taken[1]
