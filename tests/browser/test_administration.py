"""Journey: three administrators, each doing what the others cannot, and what the ledger keeps of it."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from tests.cast import cast
from tests.factories.households import household

pytestmark = pytest.mark.browser
Shoot = Callable[[Page, str], None]


def test_account_grant_and_ledger(
    enter: Callable[[User], Page], product: Any, shoot: Shoot
) -> None:
    row = household(members=3)
    page = enter(cast("system_admin"))
    page.goto(f"{product.url}/accounts/users/new/")
    page.get_by_label("用户名").fill("zhangsan")
    page.get_by_label("姓名", exact=False).first.fill("张三")
    shoot(page, "account-new")
    user = cast("county_office")
    page.goto(f"{product.url}/accounts/users/")
    expect(page.get_by_text("county_office").first).to_be_visible()
    shoot(page, "accounts")
    page.goto(f"{product.url}/accounts/users/{user.pk}/")
    shoot(page, "account")

    page = enter(cast("security_admin"))
    page.goto(f"{product.url}/accounts/users/{user.pk}/grant/")
    shoot(page, "grant")
    page.goto(f"{product.url}/accounts/roles/")
    expect(page.get_by_role("heading", name="权限表")).to_be_visible()
    shoot(page, "rights")

    page = enter(user)
    page.goto(f"{product.url}/households/{row.household.household_no}/")
    expect(page.locator("#assignments")).to_be_visible()
    shoot(page, "household-assign")
    page.goto(f"{product.url}/households/export/?year=2018")
    shoot(page, "export")
    page.goto(f"{product.url}/exports/")
    shoot(page, "exports")
    # A neighbour's household that nobody may see from here: it leaves a trace.
    page.goto(f"{product.url}/households/86300000099999/")

    page = enter(cast("audit_admin"))
    page.goto(f"{product.url}/ledger/")
    expect(page.locator("tbody").get_by_text("访问被拒").first).to_be_visible()
    shoot(page, "ledger")
    page.goto(f"{product.url}/ledger/days/")
    shoot(page, "ledger-day")
    page.goto(f"{product.url}/accounts/me/")
    shoot(page, "me")
