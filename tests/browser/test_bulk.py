"""Households chosen on the list are marked, put on a task's list, and given back, all as one act."""

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from accounts.models import User
from core.acting import acting
from households.models import BulkAct, Mark, TaskItem
from tests.cast import cast
from tests.factories.households import HOME, PartitionFactory, household

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SIBLING = "410324100204"


def looked_at(page: Page, shoot: Any, name: str) -> None:
    """A picture at both widths, and no fault that axe knows."""
    shoot(page, name)
    found = Axe().run(page).response["violations"]
    assert [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in found] == [], name


def test_households_are_chosen_marked_and_given_back(
    sign_in: Callable[[User], Page], product: Any, shoot: Any
) -> None:
    with acting(by=None):
        rows = [household(code=HOME, year=2018) for _ in range(3)]
        rows.append(household("exited", code=SIBLING, year=2018))
        PartitionFactory(year=2018)
    page = sign_in(cast("county_office"))
    page.goto(f"{product.url}/households/?year=2018")
    bar = page.locator("form[data-select]")
    mark = bar.get_by_role("button", name="标记待核查")
    expect(mark).to_be_disabled()
    looked_at(page, shoot, "bulk-none-chosen")
    page.get_by_label(f"选择 {rows[0].household.household_no}").check()
    page.get_by_label(f"选择 {rows[1].household.household_no}").check()
    expect(bar.get_by_role("status")).to_have_text("已选 2 户")
    expect(mark).to_be_enabled()
    looked_at(page, shoot, "bulk-chosen")
    # A new filter is a new list, in which nothing is chosen yet.
    page.get_by_label("脱贫状态").select_option("poor")
    expect(page.locator("#list h2")).to_contain_text("共 3 户")
    expect(bar.get_by_role("status")).to_have_text("已选 0 户")
    page.get_by_label("选中本页").check()
    expect(bar.get_by_role("status")).to_have_text("已选 3 户")
    page.get_by_label("选中全部").check()
    expect(bar.get_by_role("status")).to_have_text("已选筛选结果的全部户")
    mark.click()
    expect(page.get_by_role("heading", name="标记待核查")).to_be_visible()
    looked_at(page, shoot, "bulk-form")
    page.get_by_label("核查事由").fill("收入与工资比对不符")
    page.get_by_role("button", name="预览").click()
    expect(page.get_by_role("row", name="可以办理 3")).to_be_visible()
    assert not Mark.objects.exists()
    looked_at(page, shoot, "bulk-preview")
    page.get_by_role("button", name="确认办理 3 户").click()
    expect(page.get_by_text("已办理 3 户。")).to_be_visible()
    looked_at(page, shoot, "bulk-act")
    act = BulkAct.objects.get()

    page.goto(f"{product.url}/households/{rows[0].household.household_no}/?year=2018")
    expect(page.get_by_role("link", name="待核查")).to_be_visible()
    page.get_by_label("核查结果").select_option("UNTRUE")
    page.get_by_role("button", name="办结").click()
    expect(page.get_by_text("已办结。", exact=True)).to_be_visible()
    shoot(page, "bulk-mark-closed")

    page.goto(f"{product.url}/households/bulk/{act.pk}/")
    expect(page.get_by_text("1 户办理后又有变动，保留现状")).to_be_visible()
    looked_at(page, shoot, "bulk-undo")
    page.get_by_role("button", name="撤销 2 户").click()
    expect(page.get_by_text("已撤销 2 户。")).to_be_visible()
    assert not Mark.objects.open().exists()

    page.goto(f"{product.url}/households/?year=2018")
    page.get_by_label("选中本页").check()
    bar.get_by_role("button", name="加入任务").click()
    page.get_by_label("新任务名称").fill("冬季走访")
    looked_at(page, shoot, "bulk-task-form")
    page.get_by_role("button", name="预览").click()
    page.get_by_role("button", name="确认办理 4 户").click()
    page.get_by_role("link", name="冬季走访").click()
    looked_at(page, shoot, "bulk-task")
    page.get_by_label("选中本页").check()
    page.get_by_role("button", name="标为已完成").click()
    expect(page.get_by_text("已更新 4 户。")).to_be_visible()
    assert TaskItem.objects.filter(done_at__isnull=False).count() == 4
    page.goto(f"{product.url}/households/tasks/")
    expect(page.get_by_text("全部完成")).to_be_visible()
    looked_at(page, shoot, "bulk-tasks")
    page.goto(f"{product.url}/households/bulk/")
    expect(page.get_by_role("row")).to_have_count(4)
    looked_at(page, shoot, "bulk-list")
    for name, address in (("households", "export/"), ("persons", "persons/export/")):
        page.goto(f"{product.url}/households/{address}?year=2018")
        page.locator("form summary").click()
        looked_at(page, shoot, f"export-{name}")
    assert page.problems == []  # type: ignore[attr-defined]
