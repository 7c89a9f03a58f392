"""The entry page as a browser without scripts meets it: opened, sent back as it stands, corrected."""

from collections.abc import Callable
from datetime import date
from html.parser import HTMLParser
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from accounts.enums import Role
from accounts.models import User
from households.models import Change, Draft, Household, HouseholdYear, Partition, ReviewChain
from tests.conftest import LONG_AGO, person
from tests.factories.households import HOME, NEIGHBOUR, household, id_no

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("city")]

As = Callable[[Any], Client]


class Form(HTMLParser):
    """The inputs of the page's form, as a browser would send them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.sent: dict[str, Any] = {}
        self._inside = False
        self._select = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag == "form":
            self._inside = told.get("id") == "entry" or "action" not in told
        elif tag == "template":
            self._inside = False
        elif self._inside and tag == "input" and told.get("name"):
            is_box = told.get("type") in ("checkbox", "radio")
            if not is_box or "checked" in told:
                self.sent[str(told["name"])] = told.get("value") or ""
        elif self._inside and tag == "select":
            self._select = str(told["name"])
            self.sent[self._select] = ""
        elif self._inside and tag == "option" and "selected" in told and self._select:
            self.sent[self._select] = told.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""
        elif tag == "form":
            self._inside = False


@pytest.fixture
def clerk(db: None) -> User:
    return person("clerk", Role.TOWN_CLERK, HOME[:9])


@pytest.fixture
def row(clerk: User) -> HouseholdYear:
    ReviewChain.objects.create(
        region_code=HOME[:6], valid_from=LONG_AGO, levels=[], reason="不审", created_by=clerk
    )
    return household(head="张三", code=HOME, members=2)


def edit_page(row: HouseholdYear) -> str:
    return f"{reverse('households:edit', args=[row.household.household_no])}?year=2018"


def sent(client: Client, page: str, **changes: Any) -> dict[str, Any]:
    answer = client.get(page)
    assert answer.status_code == 200
    return {**Form(answer.content.decode()).sent, **changes}


def test_form_sent_back_untouched_changes_nothing(as_user: As, clerk: User, row: Any) -> None:
    client = as_user(clerk)
    data = sent(client, edit_page(row), do="submit")
    assert data["members.0.person_no"]
    answer = client.post(edit_page(row), data)
    assert answer.status_code == 422
    assert "没有任何变动" in answer.content.decode()
    assert not Change.objects.exists()


def test_correction_is_written_once_however_often_it_is_sent(
    as_user: As, clerk: User, row: Any
) -> None:
    client = as_user(clerk)
    data = sent(client, edit_page(row), do="submit", **{"year.cause_note": "腿伤不能下地"})
    first, second = client.post(edit_page(row), data), client.post(edit_page(row), data)
    home = f"{reverse('households:detail', args=[row.household.household_no])}?year=2018"
    assert (first.status_code, first.url, second.url) == (302, home, home)
    row.refresh_from_db()
    assert row.cause_note == "腿伤不能下地"
    assert Change.objects.count() == 1


def test_masked_values_are_not_on_the_page_and_stay(as_user: As, clerk: User, row: Any) -> None:
    HouseholdYear.objects.filter(pk=row.pk).update(phone="13912345678")
    client = as_user(clerk)
    text = client.get(edit_page(row)).content.decode()
    assert "13912345678" not in text
    assert "139****5678" in text or "139" in text
    data = sent(client, edit_page(row), do="submit", **{"year.cause_note": "因病"})
    assert client.post(edit_page(row), data).status_code == 302
    row.refresh_from_db()
    assert row.phone == "13912345678"
    data = sent(client, edit_page(row), do="submit", **{"clear.year.phone": "on"})
    assert client.post(edit_page(row), data).status_code == 302
    row.refresh_from_db()
    assert row.phone == ""


def test_errors_stand_beside_their_fields_and_nothing_is_lost(
    as_user: As, clerk: User, row: Any
) -> None:
    client = as_user(clerk)
    data = sent(client, edit_page(row), do="submit")
    answer = client.post(
        edit_page(row), data | {"year.income_wage": "三千", "year.cause_note": "病"}
    )
    assert answer.status_code == 422
    again = Form(answer.content.decode())
    assert again.sent["year.income_wage"] == "三千"
    assert again.sent["year.cause_note"] == "病"
    assert 'id="f-year-income_wage" aria-describedby="f-year-income_wage-why"' in (
        answer.content.decode()
    )
    assert answer.context["wrong"] == 1
    row.refresh_from_db()
    assert row.cause_note == ""


def test_query_wants_a_reason_and_then_stands(as_user: As, clerk: User, row: Any) -> None:
    client = as_user(clerk)
    parts = dict.fromkeys(("year.wage_public_post", "year.wage_other", "year.income_wage"), "1000")
    data = sent(client, edit_page(row), do="submit", **parts)
    answer = client.post(edit_page(row), data)
    assert answer.status_code == 422
    names = [name for name in Form(answer.content.decode()).sent if name.startswith("confirmed.")]
    assert names
    reasons = dict.fromkeys(names, "已与户主核实")
    answer = client.post(edit_page(row), {**data, **reasons})
    assert answer.status_code == 302


def test_new_household_with_two_people(as_user: As, clerk: User, row: Any) -> None:
    client = as_user(clerk)
    page = f"{reverse('households:new')}?year=2018&village={HOME}"
    data = sent(client, page, do="add")
    data = Form(client.post(page, data).content.decode()).sent
    data |= {
        "do": "submit",
        "year.exit_status": "0",
        "year.main_cause": "01",
        "year.household_attribute": "01",
        "year.identified_year": "2018",
        "members.0.person.name": "赵六",
        "members.0.person.id_no": id_no(801, date(1960, 5, 1)),
        "members.0.year.relation_to_head": "01",
        "members.1.person.name": "孙七",
        "members.1.person.id_no": id_no(802, date(1962, 5, 1)),
        "members.1.year.relation_to_head": "02",
    }
    answer = client.post(page, data)
    if answer.status_code == 422:
        names = [n for n in Form(answer.content.decode()).sent if n.startswith("confirmed.")]
        answer = client.post(page, {**data, **dict.fromkeys(names, "已核实")})
    assert answer.status_code == 302, [str(one) for one in answer.context["links"]]
    made = Household.objects.exclude(pk=row.household_id).get()
    assert made.village_code == HOME
    assert sorted(made.persons.values_list("name", flat=True)) == ["孙七", "赵六"]


def test_new_household_begins_with_its_village(as_user: As, clerk: User, row: Any) -> None:
    client = as_user(clerk)
    page = f"{reverse('households:new')}?year=2018"
    first = client.get(page)
    assert first.status_code == 200
    assert [one[0] for one in first.context["levels"]] == ["county", "town", "village"]
    assert client.get(f"{page}&village={NEIGHBOUR}").status_code == 404


def test_two_clerks_merge_field_by_field(as_user: As, clerk: User, row: Any) -> None:
    client = as_user(clerk)
    data = sent(
        client, edit_page(row), do="submit", **{"year.cause_note": "我的", "year.pigs": "3"}
    )
    HouseholdYear.objects.filter(pk=row.pk).update(cause_note="他的", cattle=2)
    answer = client.post(edit_page(row), data)
    assert answer.status_code == 409
    merges = {one.where: one.clashes for one, _ in answer.context["merges"]}
    assert merges == {"year.cause_note": True, "year.cattle": False}
    merged = Form(answer.content.decode()).sent
    merged |= {"do": "submit", "take.year.cause_note": "theirs"}
    assert client.post(edit_page(row), merged).status_code == 302
    row.refresh_from_db()
    assert (row.cause_note, row.cattle, row.pigs) == ("他的", 2, 3)


def test_field_is_checked_and_summed_when_it_is_left(as_user: As, clerk: User, row: Any) -> None:
    client = as_user(clerk)
    data = sent(client, edit_page(row), where="members.0.person.id_no")
    data["members.0.person.id_no"] = id_no(77, date(1950, 1, 1))[:-1] + "?"
    told = client.post(f"{reverse('households:entry-check')}?year=2018", data).json()
    where = "members.0.person.id_no"
    assert told["findings"][where]
    data["members.0.person.id_no"] = id_no(77, date(1950, 1, 1))
    told = client.post(f"{reverse('households:entry-check')}?year=2018", data).json()
    assert [one for one in told["findings"][where] if not one["is_query"]] == []
    assert "68 岁" in told["summary"]["people"]["0"]
    assert told["summary"]["members"] == 2


def test_draft_is_kept_recovered_and_given_up(as_user: As, clerk: User, row: Any) -> None:
    client = as_user(clerk)
    data = sent(client, edit_page(row), seq="1", **{"year.cause_note": "写到一半"})
    told = client.post(f"{reverse('households:draft')}?year=2018", data).json()
    assert told["seq"] == 1
    again = client.get(edit_page(row))
    assert again.context["recovered"]
    form = Form(again.content.decode()).sent
    assert (form["year.cause_note"], form["key"]) == ("写到一半", data["key"])
    assert client.post(reverse("households:draft-drop"), {"key": data["key"]}).status_code == 302
    assert not Draft.objects.exists()


def test_draft_goes_when_it_is_handed_in(as_user: As, clerk: User, row: Any) -> None:
    client = as_user(clerk)
    data = sent(client, edit_page(row), seq="1", **{"year.cause_note": "全写好了"})
    client.post(f"{reverse('households:draft')}?year=2018", data)
    assert client.post(edit_page(row), {**data, "do": "submit"}).status_code == 302
    assert not Draft.objects.exists()


def test_copy_from_last_year_fills_what_is_empty(as_user: As, clerk: User, row: Any) -> None:
    Partition.objects.get_or_create(year=2017)
    before = household(head="张三", code=HOME, members=0)
    HouseholdYear.objects.filter(pk=before.pk).delete()
    HouseholdYear.objects.create(
        partition_id=2017, household=row.household, village_id=row.village_id, village_code=HOME,
        exit_status="0", cause_note="去年的说明", pigs=4,
    )  # fmt: skip
    HouseholdYear.objects.filter(pk=row.pk).update(pigs=1)
    client = as_user(clerk)
    answer = client.post(edit_page(row), sent(client, edit_page(row), do="copy"))
    form = Form(answer.content.decode()).sent
    assert (form["year.cause_note"], form["year.pigs"]) == ("去年的说明", "1")


def test_neighbour_reader_bad_number_and_wrong_method(
    as_user: As, clerk: User, row: Any, songxian_clerk: User, city_leader: User
) -> None:
    page = edit_page(row)
    assert as_user(songxian_clerk).get(page).status_code == 404
    assert as_user(city_leader).get(page).status_code == 403
    client = as_user(clerk)
    assert client.get(reverse("households:edit", args=["999"])).status_code == 404
    assert client.put(page).status_code == 405
    for name in ("entry-check", "draft", "draft-drop"):
        address = reverse(f"households:{name}")
        assert client.get(address).status_code == 405
        assert as_user(city_leader).post(address, {"key": str(uuid4())}).status_code == 403
    data = sent(client, page)
    strange = as_user(songxian_clerk)
    for name in ("entry-check", "draft"):
        answer = strange.post(f"{reverse(f'households:{name}')}?year=2018", data)
        assert answer.status_code in (404, 409, 422), name
        assert "张三" not in answer.content.decode()


@pytest.mark.parametrize("members", [1, 3])
def test_page_takes_the_same_queries_for_any_number(
    as_user: As, clerk: User, row: Any, members: int, django_assert_max_num_queries: Any
) -> None:
    one = household(head="李四", code=HOME, members=members)
    client = as_user(clerk)
    client.get(edit_page(one))
    with django_assert_max_num_queries(44):
        client.get(edit_page(one))
