"""What a browser keeps of an entry while the line is down, and when it forgets it again."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from accounts.models import User
from core.acting import acting
from households.models import Change, Draft, ReviewChain
from tests.cast import cast
from tests.conftest import LONG_AGO
from tests.factories.households import HOME, PartitionFactory, household, id_no

pytestmark = [
    pytest.mark.browser, pytest.mark.django_db(transaction=True),
    pytest.mark.may_show_numbers("the clerk types the number of a member"),
]  # fmt: skip

KEPT = "Object.keys(localStorage).length"


@pytest.fixture
def clerk(product: Any) -> User:
    """Works in a county that reviews nothing."""
    with acting(by=None, reason="测试"):
        PartitionFactory(year=2018)
        made = cast("town_clerk")
        ReviewChain.objects.create(
            region_code=HOME[:6], valid_from=LONG_AGO, levels=[], reason="本县不审", created_by=made
        )
    return made


def cut_off(page: Page, address: str) -> None:
    """A new member is typed after the line went; the first one had reached the server."""
    page.goto(address)
    page.locator("[name='household.natural_village_name']").fill("三组")
    expect(page.locator("#saved")).to_contain_text("自动保存")
    assert page.evaluate(KEPT) == 0
    page.context.set_offline(True)
    page.keyboard.press("Alt+n")
    at = page.locator("#people .person").count() - 1
    page.keyboard.insert_text("何俊杰")
    for _ in range(2):
        page.keyboard.press("Enter")
    page.keyboard.type(id_no(833, date(1990, 2, 9)))
    # By the number alone: nobody could be asked.
    expect(page.locator(f"[data-row='{at}'] [data-who]")).to_have_text("男 · 28 岁")
    expect(page.locator("#saved")).to_contain_text("已暂存在本机")
    assert page.evaluate(KEPT) == 1


def test_what_was_typed_without_a_line_comes_back(
    clerk: User, sign_in: Callable[[User], Page], product: Any, shoot: Any
) -> None:
    page = sign_in(clerk)
    page.on("dialog", lambda dialog: dialog.accept())
    address = f"{product.url}/households/new/?year=2018&village={HOME}"
    cut_off(page, address)
    # The machine goes down before the line is back.
    page.goto("about:blank")
    page.context.set_offline(False)
    page.goto(address)
    expect(page.get_by_text("的草稿")).to_be_visible()
    expect(page.get_by_text("断网时填写的内容")).to_be_visible()
    shoot(page, "entry-kept-here")
    found = Axe().run(page).response["violations"]
    assert [f"{one['id']}: {one['nodes'][0]['html'][:160]}" for one in found] == []
    page.get_by_role("button", name="恢复这些内容").click()
    name = page.locator("#people [name$='.person.name']").last
    expect(name).to_have_value("何俊杰")
    expect(page.locator("#people [data-who]").last).to_have_text("男 · 28 岁")
    expect(page.locator("#saved")).to_contain_text("自动保存")
    assert page.evaluate(KEPT) == 0
    assert "何俊杰" in Draft.objects.get().payload


def test_signing_out_leaves_nothing_behind(
    clerk: User, sign_in: Callable[[User], Page], product: Any
) -> None:
    page = sign_in(clerk)
    page.on("dialog", lambda dialog: dialog.accept())
    cut_off(page, f"{product.url}/households/new/?year=2018&village={HOME}")
    page.goto("about:blank")
    page.context.set_offline(False)
    # From any page, not only from the one that kept it.
    page.goto(f"{product.url}/households/?year=2018")
    assert page.evaluate(KEPT) == 1
    page.locator("details.drop").last.locator("summary").click()
    page.get_by_role("button", name="退出登录").click()
    expect(page.get_by_label("用户名")).to_be_visible()
    assert page.evaluate(KEPT) == 0


def test_double_click_makes_one_change(
    clerk: User, sign_in: Callable[[User], Page], product: Any
) -> None:
    with acting(by=None):
        row = household(code=HOME, year=2018)
    page = sign_in(clerk)
    page.goto(f"{product.url}/households/{row.household.household_no}/edit/?year=2018")
    page.get_by_label("致贫原因说明").fill("腿伤")
    page.get_by_role("button", name="保存并提交").dblclick()
    expect(page.get_by_text("已保存，登记数据已更新。")).to_be_visible()
    assert Change.objects.count() == 1
