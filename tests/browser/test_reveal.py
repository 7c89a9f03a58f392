"""Full numbers in a real browser: asked for, shown with a notice, gone after leaving; and without scripts."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from accounts.models import User
from core.acting import acting
from households.models import PersonYear
from tests.factories.households import household

pytestmark = [
    pytest.mark.browser, pytest.mark.django_db(transaction=True),
    pytest.mark.may_show_numbers("what is asked for is shown in full"),
]  # fmt: skip


@pytest.fixture
def family(product: Any) -> Any:
    with acting(by=None):
        return household(head="何梅德", head_id_no="990324196203151230", code="410324100203")


def test_clerk_looks_at_one_person(
    sign_in: Callable[[User], Page], luanchuan_clerk: User, family: Any, shoot: Any, product: Any
) -> None:
    page = sign_in(luanchuan_clerk)
    number = family.household.household_no
    page.goto(f"{product.url}/households/{number}/?year=2018")
    person = PersonYear.objects.filter(household=family.household).first().person
    expect(page.get_by_text(person.id_no)).to_have_count(0)
    shoot(page, "household-masked")
    card = page.locator("#reveal")
    card.get_by_label("查看对象").select_option(person.person_no)
    card.get_by_label("用途").select_option("VISIT")
    card.get_by_label("具体事由").fill("电话 13900001234 核对")
    card.get_by_role("button", name="查看").click()
    expect(card.get_by_text("事由里不要填写证件号码或手机号码。")).to_be_visible()
    card.get_by_label("具体事由").fill("入户核对户主证件")
    card.get_by_role("button", name="查看").click()
    expect(card.get_by_text(person.id_no)).to_be_visible()
    expect(card.get_by_text("已记入访问台账")).to_be_visible()
    assert person.id_no not in page.url
    shoot(page, "household-revealed")
    page.goto(f"{product.url}/households/")
    page.go_back()
    expect(page.locator("#reveal")).to_be_visible()
    expect(page.get_by_text(person.id_no)).to_have_count(0)


def test_without_scripts(
    browser: Browser, luanchuan_clerk: User, family: Any, product: Any
) -> None:
    luanchuan_clerk.set_password("一把好记的长口令 2018")
    luanchuan_clerk.save()
    context = browser.new_context(java_script_enabled=False, locale="zh-CN")
    page = context.new_page()
    page.goto(f"{product.url}/")
    page.get_by_label("用户名").fill(luanchuan_clerk.username)
    page.get_by_label("口令").fill("一把好记的长口令 2018")
    page.get_by_role("button", name="登录").click()
    page.goto(f"{product.url}/households/{family.household.household_no}/?year=2018")
    page.get_by_label("用途").select_option("PAYMENT")
    page.get_by_label("具体事由").fill("发放补贴核对账号")
    page.locator("#reveal").get_by_role("button", name="查看").click()
    expect(page.get_by_text(family.bank_account)).to_be_visible()
    page.get_by_role("link", name="返回本户").click()
    expect(page.get_by_text(family.bank_account)).to_have_count(0)
    context.close()
