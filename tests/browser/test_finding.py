"""The search box answers while one types; a list is sorted, its columns chosen, and kept by a name."""

from collections.abc import Callable
from decimal import Decimal
from importlib import import_module
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.apps import apps
from playwright.sync_api import Page, expect

from accounts.models import User
from core.acting import acting
from households.models import Hanzi
from tests.cast import cast
from tests.factories.households import HOME, PartitionFactory, household

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def looked_at(page: Page, shoot: Any, name: str) -> None:
    """A picture at both widths, and no fault that axe knows."""
    shoot(page, name)
    found = Axe().run(page).response["violations"]
    assert [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in found] == [], name


@pytest.fixture
def register(product: Any) -> None:
    # A test that commits empties the tables after it, this one of a migration's too.
    if not Hanzi.objects.exists():
        import_module("households.migrations.0009_finding").fill(apps, None)
    with acting(by=None):
        for at, name in enumerate(("王小明", "李四", "王大力")):
            amount = Decimal(3000 - at)
            household(head=name, code=HOME, year=2018, net_income_per_capita=amount)
        PartitionFactory(year=2018)


@pytest.mark.usefixtures("register")
def test_box_answers_while_typing(
    sign_in: Callable[[User], Page], product: Any, shoot: Any
) -> None:
    page = sign_in(cast("county_office"))
    page.goto(f"{product.url}/households/?year=2018")
    page.keyboard.press("/")
    page.keyboard.type("wx", delay=30)
    panel = page.locator(".found")
    expect(panel).to_be_visible()
    expect(panel.get_by_role("link").first).to_contain_text("王小明")
    expect(panel).not_to_contain_text("王大力")
    looked_at(page, shoot, "search-typed")
    assert "wx" not in page.url
    # The narrow picture had no room for the box.
    page.locator("#search").focus()
    page.keyboard.press("ArrowDown")
    expect(panel.get_by_role("link").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="查找结果")).to_be_visible()


@pytest.mark.usefixtures("register")
def test_list_is_sorted_arranged_and_kept(
    sign_in: Callable[[User], Page], product: Any, shoot: Any
) -> None:
    page = sign_in(cast("county_office"))
    page.goto(f"{product.url}/households/?year=2018&status=poor")
    heads = page.locator("#list tbody td b")
    page.get_by_role("link", name="人均纯收入（元）").click()
    expect(heads).to_have_text(["王大力", "李四", "王小明"])
    looked_at(page, shoot, "list-sorted")
    page.get_by_role("link", name="选择列").click()
    page.get_by_label("耕地面积").first.check()
    looked_at(page, shoot, "list-columns")
    page.get_by_role("button", name="按所选列显示").click()
    expect(page.locator("#list thead")).to_contain_text("耕地面积")
    expect(heads).to_have_text(["王大力", "李四", "王小明"])
    page.get_by_role("link", name="保存为常用视图").click()
    page.get_by_label("名称").fill("按收入看未脱贫户")
    looked_at(page, shoot, "view-form")
    page.get_by_role("button", name="保存").click()
    expect(page.locator(".arrange .chip")).to_have_text("按收入看未脱贫户")
    looked_at(page, shoot, "list-arranged")
    page.goto(f"{product.url}/households/?year=2018")
    page.locator(".arrange .chip").click()
    expect(page.locator("#list .chips")).to_contain_text("未脱贫")
    page.get_by_role("link", name="管理视图").click()
    looked_at(page, shoot, "views")
    page.get_by_role("button", name="删除视图 按收入看未脱贫户").click()
    expect(page.get_by_text("还没有常用视图")).to_be_visible()
