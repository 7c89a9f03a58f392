"""A change goes back and is corrected; a village's changes are decided at one go."""

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from accounts.enums import Role
from accounts.models import User
from core.acting import acting
from households.models import Change, ChangeState, HouseholdYear
from tests.conftest import person
from tests.factories.households import HOME, PartitionFactory, household

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

Enter = Callable[[User], Page]


def fault_free(page: Page, shoot: Any, name: str) -> None:
    shoot(page, name)
    found = Axe().run(page).response["violations"]
    assert [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in found] == [], name


def as_(sign_in: Enter, page: Page | None, user: User) -> Page:
    if page is not None:
        page.context.clear_cookies()
    return sign_in(user)


def correct(page: Page, address: str, words: str) -> None:
    page.goto(address)
    page.get_by_label("致贫原因说明").fill(words)
    page.get_by_role("button", name="保存并提交").click()
    expect(page.get_by_text("已提交，等待审核")).to_be_visible()


def test_a_rejected_change_is_corrected(sign_in: Enter, product: Any, shoot: Any) -> None:
    with acting(by=None):
        PartitionFactory(year=2018)
        row = household(head="张三", code=HOME, members=2)
        clerk, second = (person(name, Role.TOWN_CLERK, HOME[:9]) for name in ("clerk", "second"))
        office = person("office", Role.COUNTY_OFFICE, HOME[:6])
    page = as_(sign_in, None, clerk)
    correct(page, f"{product.url}/households/{row.household.household_no}/edit/?year=2018", "腿上")
    number = Change.objects.get().pk

    page = as_(sign_in, page, second)
    page.goto(f"{product.url}/households/changes/{number}/")
    fault_free(page, shoot, "change-to-decide")
    page.get_by_label("意见").fill("原因没有写完整")
    page.get_by_role("button", name="退回").click()

    page = as_(sign_in, page, clerk)
    page.goto(f"{product.url}/households/work/")
    fault_free(page, shoot, "work-returned")
    page.locator(f'a[href$="/changes/{number}/"]').first.click()
    expect(page.get_by_text("原因没有写完整").first).to_be_visible()
    page.get_by_role("link", name="修改后重新提交").click()
    expect(page.get_by_label("致贫原因说明")).to_have_value("腿上")
    fault_free(page, shoot, "entry-returned")
    page.get_by_label("致贫原因说明").fill("腿伤不能下地")
    page.get_by_role("button", name="保存并提交").click()
    expect(page.get_by_text("已提交，等待审核")).to_be_visible()

    for reviewer in (second, office):
        page = as_(sign_in, page, reviewer)
        page.goto(f"{product.url}/households/changes/{number}/")
        page.get_by_role("button", name="通过").click()
    assert Change.objects.get().state == ChangeState.APPLIED
    row.refresh_from_db()
    assert row.cause_note == "腿伤不能下地"


def test_a_village_batch_is_reviewed(sign_in: Enter, product: Any, shoot: Any) -> None:
    with acting(by=None):
        PartitionFactory(year=2018)
        rows = [household(head=f"张{sign}", code=HOME, members=1) for sign in "甲乙丙"]
        clerk = person("clerk", Role.COUNTY_CLERK, HOME[:6])
        office = person("office", Role.COUNTY_OFFICE, HOME[:6])
    page = as_(sign_in, None, clerk)
    for row in rows:
        number = row.household.household_no
        correct(page, f"{product.url}/households/{number}/edit/?year=2018", f"{number} 已核实")
    page = as_(sign_in, page, office)
    page.goto(f"{product.url}/households/changes/")
    fault_free(page, shoot, "changes")
    page.locator(f'a[href*="/changes/village/{HOME}/"]').first.click()
    fault_free(page, shoot, "changes-village")
    expect(page.locator('[name="change"]:checked')).to_have_count(len(rows))
    page.get_by_role("button", name="通过所选").click()
    expect(page.locator('[name="change"]')).to_have_count(0)
    assert set(Change.objects.values_list("state", flat=True)) == {ChangeState.APPLIED}
    written = HouseholdYear.objects.values_list("household__household_no", "cause_note")
    assert dict(written) == {
        row.household.household_no: f"{row.household.household_no} 已核实" for row in rows
    }
