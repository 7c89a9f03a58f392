"""Lists in other orders and columns, and searches kept by name."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.enums import Role
from core import walls
from households.models import ChosenColumns, HouseholdYear, Person, PersonYear, SavedView
from tests.conftest import person as official
from tests.factories.households import HOME, NEIGHBOUR, household, id_no

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("city")]

As = Callable[[Any], Client]
LIST, PERSONS = reverse("households:list"), reverse("households:persons")
COLUMNS, VIEWS = reverse("households:columns"), reverse("households:views")
NEW = reverse("households:view-new")
PHONE = "13900001234"


def walk(client: Client, address: str, terms: dict[str, str], key: str) -> list[list[Any]]:
    """All pages forwards; backwards they must be the same."""
    pages, response = [], client.get(address, terms)
    while True:
        assert response.status_code == 200
        pages.append([getattr(row, key) for row in response.context["rows"]])
        after = response.context["page"]["next"]
        if not after:
            break
        response = client.get(address + after)
    back = [pages[-1]]
    while before := response.context["page"]["previous"]:
        response = client.get(address + before)
        back.append([getattr(row, key) for row in response.context["rows"]])
    assert back == pages[::-1]
    return pages


@pytest.fixture
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("households.views.lists.PAGE_SIZE", 2)


# --- order -------------------------------------------------------------------------------------

FACTS = [("王", 3, 5000), ("安", None, None), ("王", 1, 5000), ("李", 2, None), ("曾", 3, 1000)]
ORDERS = [
    ("number", [0, 1, 2, 3, 4]), ("-number", [4, 3, 2, 1, 0]),
    # An, Li, Wang, Wang, Zeng; as a word 曾 would stand before 李.
    ("name", [1, 3, 0, 2, 4]), ("-name", [4, 0, 2, 3, 1]),
    ("members", [2, 3, 0, 4, 1]), ("-members", [0, 4, 3, 2, 1]),
    ("income", [4, 0, 2, 1, 3]), ("-income", [0, 2, 4, 1, 3]),
    ("status", [0, 1, 2, 3, 4]), ("nonsense", [0, 1, 2, 3, 4]),
]  # fmt: skip


@pytest.mark.usefixtures("short_pages")
@pytest.mark.parametrize(("sort", "expected"), ORDERS)
def test_households_in_every_order_page_by_page(
    as_user: As, luanchuan_clerk: Any, sort: str, expected: list[int]
) -> None:
    rows = []
    for name, count, income in FACTS:
        amount = None if income is None else Decimal(income)
        row = household(head=name, net_income_per_capita=amount)
        HouseholdYear.objects.filter(pk=row.pk).update(member_count=count)
        rows.append(row)
    numbers = [row.household.household_no for row in rows]
    assert numbers == sorted(numbers)
    pages = walk(as_user(luanchuan_clerk), LIST, {"sort": sort}, "household_no")
    assert [number for page in pages for number in page] == [numbers[at] for at in expected]


@pytest.mark.usefixtures("short_pages")
@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("name", ["安", "李", "王", "王", "曾"]), ("-name", ["曾", "王", "王", "李", "安"]),
        ("age", ["李", "王", "安", "王", "曾"]), ("-age", ["王", "安", "王", "李", "曾"]),
    ],
)  # fmt: skip
def test_persons_in_other_orders(
    as_user: As, luanchuan_clerk: Any, sort: str, expected: list[str]
) -> None:
    born = {0: 1950, 1: 1960, 2: 1970, 3: 1980, 4: None}
    for at, (name, _, _) in enumerate(FACTS):
        row = household(members=1)
        birth = born[at] and date(born[at], 1, 2)
        Person.objects.filter(household_id=row.household_id).update(name=name, birth_date=birth)
    pages = walk(as_user(luanchuan_clerk), PERSONS, {"sort": sort}, "name")
    assert [name for page in pages for name in page] == expected


def test_head_that_only_the_household_names_is_sorted_by_it(
    as_user: As, luanchuan_clerk: Any
) -> None:
    for head in ("张", "安"):
        household(members=0, head_name=head)
    household(head="李")
    pages = walk(as_user(luanchuan_clerk), LIST, {"sort": "name"}, "head_name")
    assert pages == [["安", "李", "张"]]


def test_long_result_keeps_its_order_and_says_so(
    as_user: As, luanchuan_clerk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("households.views.lists.MOST", 2)
    first, *_ = [household(net_income_per_capita=Decimal(9 - at)) for at in range(3)]
    client = as_user(luanchuan_clerk)
    response = client.get(LIST, {"sort": "income"})
    assert "结果超过 2 户，不能按这一列排序" in response.content.decode()
    assert response.context["rows"][0].household_no == first.household.household_no
    found = client.get(LIST, {"sort": "income", "q": first.household.household_no})
    assert "不能按这一列排序" not in found.content.decode()
    assert 'aria-sort="ascending"' in found.content.decode()


def test_cursor_holds_no_fact_and_reaches_no_foreign_row(as_user: As, luanchuan_clerk: Any) -> None:
    household()
    far = household(code=NEIGHBOUR)
    client = as_user(luanchuan_clerk)
    for cursor in (str(far.household_id), "0", "x", "9" * 30, "WyI0MSJd", "-1"):
        for way in ("after", "before"):
            assert client.get(LIST, {"sort": "income", way: cursor}).status_code == 404


@pytest.mark.usefixtures("short_pages")
def test_sorted_page_goes_on_from_where_the_row_now_stands(
    as_user: As, luanchuan_clerk: Any
) -> None:
    rows = [household(net_income_per_capita=Decimal(at)) for at in (1, 2, 3, 4)]
    client = as_user(luanchuan_clerk)
    after = client.get(LIST, {"sort": "income"}).context["page"]["next"]
    # The last row seen no longer meets the search, and earns more.
    HouseholdYear.objects.filter(pk=rows[1].pk).update(net_income_per_capita=Decimal("3.5"))
    found = client.get(LIST + after).context["rows"]
    assert [row.income for row in found] == [Decimal(4)]


def test_heads_sort_and_turn_and_keep_the_search(as_user: As, luanchuan_clerk: Any) -> None:
    household()
    response = as_user(luanchuan_clerk).get(LIST, {"status": "0", "sort": "income", "size": "20"})
    heads = {head.label: head for head in response.context["heads"]}
    assert heads["人均纯收入（元）"].sense == "ascending"
    assert "sort=-income" in heads["人均纯收入（元）"].href
    assert "sort=members" in heads["人口"].href
    assert all("status=0" in head.href for head in heads.values() if head.href)
    assert "sort" not in heads["所在村"].href
    assert "size=20" in heads["人口"].href
    assert 'name="sort" value="income"' in response.content.decode()


# --- columns -----------------------------------------------------------------------------------


def test_columns_are_chosen_remembered_and_given_back(as_user: As, luanchuan_clerk: Any) -> None:
    household(farmland_mu=Decimal("3.50"))
    client = as_user(luanchuan_clerk)
    done = client.post(f"{COLUMNS}?status=0", {"columns": ["farmland_mu", "main_cause"]})
    assert (done.status_code, done["Location"]) == (302, f"{LIST}?status=0")
    text = client.get(LIST).content.decode()
    assert "3.5 亩" in text
    assert "脱贫状态</a></th>" not in text
    assert "3.5 亩" not in client.get(LIST, {"cols": "member_count"}).content.decode()
    client.post(COLUMNS, {"columns": ["farmland_mu"], "usual": "1"})
    assert not ChosenColumns.objects.exists()
    assert "3.5 亩" not in client.get(LIST).content.decode()


def test_columns_are_ones_own_and_no_more_than_fit(
    as_user: As, luanchuan_clerk: Any, city_leader: Any
) -> None:
    household()
    client = as_user(luanchuan_clerk)
    every = [name for name, _ in client.get(COLUMNS).context["form"].fields["columns"].choices]
    assert client.post(COLUMNS, {"columns": every}).status_code == 422
    assert client.post(COLUMNS, {"columns": ["password"]}).status_code == 422
    client.post(COLUMNS, {"columns": every[:12]})
    assert len(client.get(LIST).context["columns"]) == 12
    assert as_user(city_leader).get(LIST).context["columns"] == []
    odd = client.get(LIST, {"cols": "password,household__id,main_cause,main_cause"})
    assert odd.context["columns"] == ["main_cause"]


def test_columns_are_masked_as_everywhere(as_user: As, luanchuan_clerk: Any) -> None:
    number = id_no(417, date(1961, 3, 2))
    row = household(members=1, phone=PHONE, bank_account="6222020200112233445", head_id_no=number)
    member = Person.objects.get(household_id=row.household_id)
    member.id_no, member.birth_date = number, date(1961, 3, 2)
    member.save()
    PersonYear.objects.filter(person=member).update(health_status=["2"])
    client = as_user(luanchuan_clerk)
    cols = {"cols": "phone,bank_account,head_id_no"}
    for address, asked in (
        (LIST, cols),
        (PERSONS, {"cols": "id_no,birth_date,health_status,phone,bank_account"}),
    ):
        response = client.get(address, asked)
        text = response.content.decode()
        assert len(response.context["columns"]) == len(asked["cols"].split(","))
        for secret in (number, PHONE, "6222020200112233445", "1961-03-02", "长期慢性病"):
            assert secret not in text
        assert "已脱敏" in text


@pytest.mark.parametrize("address", [LIST, PERSONS])
def test_columns_and_order_cost_as_many_queries_for_three_as_for_one(
    as_user: As, city_leader: Any, address: str
) -> None:
    client = as_user(city_leader)
    terms = {"sort": "name", "cols": "main_cause,phone,ethnicity,sex,irrigated_mu"}
    taken = []
    household(members=1)
    # What is remembered for a while is asked for once.
    client.get(address, terms)
    for _ in (1, 3):
        client.get(address, terms)
        with CaptureQueriesContext(connection) as captured:
            client.get(address, terms)
        taken.append(len(captured))
        household(members=1)
        household(members=1, code=NEIGHBOUR)
    assert taken[0] == taken[1], [one["sql"][:120] for one in captured]


# --- searches kept by name ---------------------------------------------------------------------


def kept(client: Client, name: str = "未脱贫", query: str = "status=poor", **more: str) -> Any:
    return client.post(f"{NEW}?{query}", {"name": name, **more})


def test_view_is_kept_opened_renamed_and_removed(as_user: As, luanchuan_clerk: Any) -> None:
    household()
    client = as_user(luanchuan_clerk)
    done = kept(client, query="year=2018&status=poor&sort=-income&after=12&count=1&town=")
    assert done["Location"] == f"{LIST}?status=poor&sort=-income"
    view = SavedView.objects.get()
    assert (view.query, view.is_shared) == ("status=poor&sort=-income", False)
    assert f'href="{LIST}?status=poor&amp;sort=-income">未脱贫' in client.get(LIST).content.decode()
    assert "未脱贫</a>" in client.get(VIEWS).content.decode()
    assert client.get(PERSONS).context["views"] == []
    one = reverse("households:view", args=[view.pk])
    assert client.get(one).status_code == 200
    assert client.post(one, {"name": ""}).status_code == 422
    assert client.post(one, {"name": "还没脱贫的"}).status_code == 302
    assert client.get(LIST).context["views"][0][0] == "还没脱贫的"
    assert client.post(reverse("households:view-delete", args=[view.pk])).status_code == 302
    assert not SavedView.objects.exists()


def test_searched_words_are_not_kept(as_user: As, luanchuan_clerk: Any) -> None:
    client = as_user(luanchuan_clerk)
    refused = kept(client, query="status=poor&q=何金梅")
    assert refused.status_code == 422
    assert "查找文字可能是姓名或编号" in refused.content.decode()
    assert client.get(f"{NEW}?q=何金梅").status_code == 422
    assert kept(client, name=id_no(417, date(1961, 3, 2))).status_code == 422
    assert kept(client, query="cause=" + "x" * 2001).status_code == 422
    assert not SavedView.objects.exists()
    with pytest.raises(IntegrityError), transaction.atomic():
        SavedView.objects.create(
            owner=luanchuan_clerk, listing="households", name="偷存", query="status=0&q=x"
        )


def test_name_is_used_once_by_one_person(
    as_user: As, luanchuan_clerk: Any, songxian_clerk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = as_user(luanchuan_clerk)
    kept(client)
    again = kept(client)
    assert again.status_code == 422
    assert "您已有名为" in again.content.decode()
    assert kept(as_user(songxian_clerk)).status_code == 302
    monkeypatch.setattr("households.services.saving.MOST", 1)
    assert "最多保存 1 个视图" in kept(client, name="另一个").content.decode()


def test_shared_view_is_the_offices_and_its_owners_to_change(
    as_user: As, luanchuan_clerk: Any, songxian_clerk: Any
) -> None:
    household()
    colleague = official("同事", Role.COUNTY_OFFICE, "410324")
    owner = as_user(luanchuan_clerk)
    assert kept(owner, office="1").status_code == 302
    kept(owner, name="自己的")
    view = SavedView.objects.get(name="未脱贫")
    assert (view.is_shared, view.region_prefix) == (True, "410324")
    beside, elsewhere = as_user(colleague), as_user(songxian_clerk)
    assert [name for name, _ in beside.get(LIST).context["views"]] == ["未脱贫"]
    assert elsewhere.get(LIST).context["views"] == []
    one = reverse("households:view", args=[view.pk])
    for client in (beside, elsewhere):
        assert client.get(one).status_code == 404
        assert client.post(one, {"name": "改掉"}).status_code == 404
        assert client.post(reverse("households:view-delete", args=[view.pk])).status_code == 404
    assert owner.post(one, {"name": "未脱贫", "office": ""}).status_code == 302
    assert beside.get(LIST).context["views"] == []


def test_walls_keep_views_to_their_owner_and_office(
    luanchuan_clerk: Any, songxian_clerk: Any
) -> None:
    colleague = official("同事", Role.COUNTY_OFFICE, "410324")
    own = {"owner": luanchuan_clerk, "listing": "households"}
    SavedView.objects.create(**own, name="自己的")
    SavedView.objects.create(**own, name="共用的", is_shared=True, region_prefix="410324")
    ChosenColumns.objects.create(**own, columns=["main_cause"])

    def seen(user: Any) -> tuple[set[str], int]:
        with walls.scoped(user):
            names = set(SavedView.objects.values_list("name", flat=True))
            return names, ChosenColumns.objects.count()

    assert seen(luanchuan_clerk) == ({"自己的", "共用的"}, 1)
    assert seen(colleague) == ({"共用的"}, 0)
    assert seen(songxian_clerk) == (set(), 0)
    with walls.scoped(colleague):
        for act in (
            lambda: SavedView.objects.update(name="改掉"),
            lambda: SavedView.objects.all().delete(),
        ):
            with pytest.raises(IntegrityError), transaction.atomic():
                act()


def test_pages_of_views_and_columns_want_the_right_to_read(as_user: As, stranger: Any) -> None:
    client = as_user(stranger)
    for address in (COLUMNS, VIEWS, NEW, reverse("households:person-columns")):
        assert client.get(address).status_code == 403
    for pk in (1, 999):
        assert client.post(reverse("households:view-delete", args=[pk])).status_code == 403
    assert client.get(reverse("households:view-delete", args=[1])).status_code == 405


def test_foreign_place_in_a_view_finds_nothing(as_user: As, luanchuan_clerk: Any) -> None:
    household(code=HOME)
    client = as_user(luanchuan_clerk)
    done = kept(client, name="邻县", query="county=410325")
    assert client.get(done["Location"]).status_code == 404
