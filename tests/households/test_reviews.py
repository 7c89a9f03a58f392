"""Pages of review: the queue, one change, a village's batch, the chain, my work."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.enums import Role
from accounts.models import User
from households.models import Change, ChangeState, HouseholdYear, ReviewChain
from households.services import changing
from tests.conftest import person
from tests.factories.households import HOME, NEIGHBOUR, household
from tests.households.test_changing import Cast, cast, city, edit, submitted

__all__ = ["cast", "city"]
pytestmark = pytest.mark.django_db

As = Callable[[User], Client]
WORK, QUEUE = reverse("households:work"), reverse("households:changes")
CHAIN = reverse("households:review-chain")
VILLAGE = reverse("households:changes-village", args=[HOME])


def page(change: Change, act: str = "change") -> str:
    return reverse(f"households:{act}", args=[change.pk])


@pytest.fixture
def row(db: None) -> HouseholdYear:
    return household(head="张三", head_name="张三")


def text(answer: Any) -> str:
    return str(answer.content.decode())


def test_the_queue_and_one_change(as_user: As, cast: Cast, row: HouseholdYear) -> None:
    change = submitted(row, cast.cadre, cause_note="因病", phone="13900009876")
    client = as_user(cast.secretary)
    shown = text(client.get(QUEUE))
    assert "共 1 项等您审核" in shown
    assert page(change) in shown
    assert VILLAGE in shown
    told = text(client.get(page(change)))
    for words in ("<ins>因病</ins>", "核实", "第一书记初审 → 乡镇复审 → 县级终审", "通过</button>"):
        assert words in told
    assert "13900009876" not in told
    # Whoever submitted it reads it and may take it back, no more.
    own = text(as_user(cast.cadre).get(page(change)))
    assert "通过</button>" not in own
    assert "撤回</button>" in own
    assert page(change) not in text(as_user(cast.cadre).get(QUEUE))


def test_a_decision_on_the_page(as_user: As, cast: Cast, row: HouseholdYear) -> None:
    change = submitted(row, cast.cadre)
    client = as_user(cast.secretary)
    lacking = client.post(page(change, "change-decide"), {"decision": "return"})
    assert lacking.status_code == 422
    assert "退回时请写明原因" in text(lacking)
    done = client.post(
        page(change, "change-decide"), {"decision": "return", "reason": "缺材料"}, follow=True
    )
    assert "1 项已退回提交人" in text(done)
    late = client.post(page(change, "change-decide"), {"decision": "approve"}, follow=True)
    assert "状态已变化" in text(late)
    cadre = as_user(cast.cadre)
    told = text(cadre.get(WORK))
    assert "退回给我 1 项" in told
    assert page(change) in told
    assert "缺材料" in text(cadre.get(page(change)))
    assert "已撤回" in text(cadre.post(page(change, "change-withdraw"), follow=True))
    assert Change.objects.get().state == ChangeState.WITHDRAWN


def test_a_village_is_decided_with_one_act(as_user: As, cast: Cast) -> None:
    changes = [submitted(household(), cast.cadre) for _ in range(3)]
    client = as_user(cast.secretary)
    shown = text(client.get(VILLAGE))
    assert shown.count('name="change"') == shown.count("checked") == 3
    assert client.post(VILLAGE, {"decision": "approve"}).status_code == 422
    chosen = [one.pk for one in changes[:2]]
    done = client.post(VILLAGE, {"decision": "approve", "change": chosen}, follow=True)
    assert "2 项已转下一级审核" in text(done)
    assert "共 1 项等您审核" in text(done)
    # One of them is no longer there: none is decided.
    again = client.post(
        VILLAGE, {"decision": "approve", "change": [one.pk for one in changes]}, follow=True
    )
    assert "没有办理" in text(again)
    assert sorted(Change.objects.values_list("level", flat=True)) == [9, 9, 12]


@pytest.mark.parametrize("bad", ["x", "-1", "٣", "9" * 30])
def test_forged_choices_are_refused(as_user: As, cast: Cast, row: HouseholdYear, bad: str) -> None:
    submitted(row, cast.cadre)
    answer = as_user(cast.secretary).post(VILLAGE, {"decision": "approve", "change": bad})
    assert answer.status_code == 422


def test_the_chain_is_set_on_its_page(as_user: As, cast: Cast, city: None) -> None:
    client = as_user(cast.county)
    assert "第一书记初审 → 乡镇复审 → 县级终审" in text(client.get(CHAIN))
    today = timezone.localdate()
    sent = {"region_code": HOME[:6], "levels": ["9"], "valid_from": f"{today}", "reason": "人少"}
    done = client.post(CHAIN, sent, follow=True)
    assert "审核环节已设置" in text(done)
    assert "人少" in text(done)
    assert ReviewChain.objects.get().levels == [9]
    for wrong in ({"region_code": "410325"}, {"levels": ["4"]}, {"reason": ""}):
        assert client.post(CHAIN, sent | wrong).status_code == 422
    early = client.post(CHAIN, sent | {"valid_from": "2020-01-01"})
    assert "不能早于今天" in text(early)


def test_neighbours_and_absent_are_404(as_user: As, cast: Cast, row: HouseholdYear) -> None:
    change = submitted(row, cast.cadre)
    client = as_user(person("far", Role.COUNTY_OFFICE, NEIGHBOUR[:6]))
    for path in (page(change), VILLAGE, reverse("households:change", args=[2_000_000_000])):
        assert client.get(path).status_code == 404
    for act in ("change-decide", "change-withdraw"):
        assert client.post(page(change, act), {"decision": "approve"}).status_code == 404
    assert client.get(reverse("households:changes-village", args=["x"])).status_code == 404


def test_readers_have_no_work(as_user: As, cast: Cast, row: HouseholdYear) -> None:
    change = submitted(row, cast.cadre)
    client = as_user(person("leader", Role.LEADER, "410324"))
    for path in (WORK, QUEUE, VILLAGE, CHAIN):
        assert client.get(path).status_code == 403
    for act in ("change-decide", "change-withdraw"):
        assert client.post(page(change, act)).status_code == 403
    assert as_user(cast.town).get(CHAIN).status_code == 403
    assert "我的工作" not in text(client.get("/households/"))


def test_wrong_methods(as_user: As, cast: Cast, row: HouseholdYear) -> None:
    change = submitted(row, cast.cadre)
    client = as_user(cast.secretary)
    for path in (WORK, QUEUE, page(change)):
        assert client.post(path).status_code == 405
    for act in ("change-decide", "change-withdraw"):
        assert client.get(page(change, act)).status_code == 405
    assert client.put(CHAIN).status_code == 405


def test_the_number_in_the_menu(as_user: As, cast: Cast, row: HouseholdYear) -> None:
    assert "项待办" not in text(as_user(cast.secretary).get("/households/"))
    change = submitted(row, cast.cadre)
    client = as_user(cast.secretary)
    assert '<span class="tag plain warn">1<span' in text(client.get("/households/"))
    changing.decide(change=change, approve=True, by=cast.secretary)
    assert "项待办" not in text(client.get("/households/"))


@pytest.mark.parametrize("path", [WORK, QUEUE, VILLAGE])
def test_lists_take_as_many_statements_for_three(
    as_user: As, cast: Cast, django_assert_num_queries: Any, path: str
) -> None:
    submitted(household(), cast.cadre)
    client = as_user(cast.secretary)
    client.get(path)
    with CaptureQueriesContext(connection) as one:
        client.get(path)
    statements = len(one)
    for _ in range(2):
        submitted(household(), cast.cadre)
    # New rows made the product forget the years.
    client.get(path)
    with django_assert_num_queries(statements):
        assert text(client.get(path)).count("cadre") >= 3


def test_a_change_of_another_household_is_no_resubmission(cast: Cast, row: HouseholdYear) -> None:
    change = submitted(row, cast.county)
    other = person("county2", Role.COUNTY_OFFICE, HOME[:6])
    change = changing.decide(change=change, approve=False, reason="错户", by=other)
    with pytest.raises(changing.UnfitError, match="另一户"):
        changing.resubmit(change=change, edit=edit(household()), reason="改", by=cast.county)
    assert changing.submit(edit=edit(row), key=uuid4(), reason="再", by=cast.county).round == 1
