"""The entry page a second time: what was chosen stands there again, and a draft given up leads back."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.enums import Role
from accounts.models import User
from households.models import Change, ChangeState, Draft, HouseholdYear, ReviewChain
from households.models.change import COUNTY
from households.services.changing import decide
from tests.cast import cast
from tests.conftest import person
from tests.factories.households import HOME, household
from tests.households.test_entry_views import Form, clerk, edit_page, row, sent

__all__ = ["clerk", "row"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("city")]

As = Callable[[Any], Client]


def test_change_of_head_stands_there_after_an_error(
    as_user: As, clerk: User, row: HouseholdYear
) -> None:
    client = as_user(clerk)
    data = sent(client, edit_page(row), do="submit")
    head, other = data["members.0.person_no"], data["members.1.person_no"]
    told = {
        "acts.change_head.person_no": other,
        f"acts.change_head.relations.{head}": "11",
        "year.income_wage": "三千",
    }
    answer = client.post(edit_page(row), data | told)
    assert answer.status_code == 422
    again = Form(answer.content.decode()).sent
    assert {name: again[name] for name in told} == told


def test_draft_given_up_leads_back_to_its_form(
    as_user: As, clerk: User, row: HouseholdYear
) -> None:
    client = as_user(clerk)
    drop = reverse("households:draft-drop")
    data = sent(client, edit_page(row), seq="1", **{"year.cause_note": "写到一半"})
    client.post(f"{reverse('households:draft')}?year=2018", data)
    assert client.post(drop, {"key": data["key"]}).url == edit_page(row)
    new = f"{reverse('households:new')}?year=2018&village={HOME}"
    data = sent(client, new, seq="1", **{"household.address": "三组"})
    client.post(f"{reverse('households:draft')}?year=2018", data)
    assert client.post(drop, {"key": data["key"]}).url == new
    assert not Draft.objects.exists()
    # Somebody who comes a second time finds it gone.
    assert client.post(drop, {"key": data["key"]}).url == reverse("households:work")


def test_draft_of_somebody_else_stays(as_user: As, clerk: User, row: HouseholdYear) -> None:
    client = as_user(clerk)
    data = sent(client, edit_page(row), seq="1", **{"year.cause_note": "写到一半"})
    client.post(f"{reverse('households:draft')}?year=2018", data)
    answer = as_user(cast("county_office")).post(
        reverse("households:draft-drop"), {"key": data["key"]}
    )
    assert answer.url == reverse("households:work")
    assert Draft.objects.count() == 1


def test_page_and_check_take_as_many_statements_for_three(
    as_user: As, clerk: User, row: HouseholdYear
) -> None:
    client = as_user(clerk)
    check = f"{reverse('households:entry-check')}?year=2018"
    counts = []
    for members in (1, 3):
        page = edit_page(household(code=HOME, members=members))
        data = sent(client, page, where="year.cause_note")
        client.post(check, data)
        with CaptureQueriesContext(connection) as opening:
            client.get(page)
        with CaptureQueriesContext(connection) as checking:
            assert client.post(check, data).status_code == 200
        counts.append((len(opening), len(checking)))
    assert counts[0] == counts[1]


@pytest.fixture
def returned(as_user: As, clerk: User, row: HouseholdYear) -> Change:
    """A change that the county sent back."""
    ReviewChain.objects.update(levels=[COUNTY])
    client = as_user(clerk)
    data = sent(client, edit_page(row), do="submit", **{"year.cause_note": "第一稿"})
    assert client.post(edit_page(row), data).status_code == 302
    change = Change.objects.get()
    return decide(change=change, approve=False, reason="写清楚", by=cast("county_office"))


def test_returned_change_is_corrected_and_handed_in_again(
    as_user: As, clerk: User, row: HouseholdYear, returned: Change
) -> None:
    client = as_user(clerk)
    page = f"{edit_page(row)}&change={returned.pk}"
    data = sent(client, page, do="submit")
    assert data["year.cause_note"] == "第一稿"
    first = client.post(page, data | {"year.cause_note": "第二稿"})
    again = client.post(page, data | {"year.cause_note": "第二稿"})
    assert first.url == again.url == reverse("households:change", args=[returned.pk])
    returned.refresh_from_db()
    assert (returned.state, returned.round) == (ChangeState.PENDING, 2)
    assert returned.edit["year"]["cause_note"] == "第二稿"
    assert Change.objects.count() == 1


def test_draft_of_a_correction_is_gone_on_with_as_one(
    as_user: As, clerk: User, row: HouseholdYear, returned: Change
) -> None:
    client = as_user(clerk)
    page = f"{edit_page(row)}&change={returned.pk}"
    data = sent(client, page, seq="1", **{"year.cause_note": "改到一半"})
    told = client.post(f"{reverse('households:draft')}?year=2018", data).json()
    assert told["seq"] == 1
    assert client.get(edit_page(row)).url == page
    assert sent(client, page)["year.cause_note"] == "改到一半"
    # Sent to the page without the change, as an old tab does: it is the change's all the same.
    assert client.post(edit_page(row), {**data, "do": "submit"}).status_code == 302
    returned.refresh_from_db()
    assert (returned.state, returned.round) == (ChangeState.PENDING, 2)
    assert not Draft.objects.exists()


def test_change_of_somebody_else_is_not_opened(
    as_user: As, row: HouseholdYear, returned: Change
) -> None:
    other = as_user(person("other", Role.TOWN_CLERK, HOME[:9]))
    for number in (returned.pk, 2_000_000_000, "x"):
        answer = other.get(f"{edit_page(row)}&change={number}")
        assert answer.status_code == 404
    # Nor is one's own opened as another household's.
    elsewhere = edit_page(household(code=HOME))
    own = as_user(returned.created_by)
    assert own.get(f"{elsewhere}&change={returned.pk}").status_code == 404
