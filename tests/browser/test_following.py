"""Everything that became of a household and of its village, looked at on both widths."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import User
from core.acting import acting
from households.models import HouseholdYear, PersonYear, WorkSpell
from tests.cast import cast
from tests.factories.households import HOME, household
from tests.factories.villages import RegionFactory, VillageYearFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def looked_at(page: Page, shoot: Any, name: str) -> None:
    """A picture at both widths, and no fault that axe knows."""
    shoot(page, name)
    found = Axe().run(page).response["violations"]
    assert [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in found] == [], name


def test_a_household_is_followed_through_its_tabs(
    sign_in: Callable[[User], Page], product: Any, shoot: Any
) -> None:
    clerk = cast("county_office")
    with acting(by=None):
        old = household(year=2017, members=3, head="何梅德", head_name="何梅德")
        row = household(of=old.household, members=3, head="何梅德", head_name="何梅德")
        member = PersonYear.objects.in_year(2018).order_by("pk").first()
        WorkSpell.objects.create(
            partition_id=2018, household=row.household, village_code=row.village_code,
            person_id=member.person_id, started_month="201803", work_county="洛龙区",
            monthly_income=Decimal(3200),
        )  # fmt: skip
    with acting(by=clerk, reason="入户核实"):
        HouseholdYear.objects.filter(pk=row.pk).update(
            main_cause="02", net_income_per_capita=Decimal(3100), phone="13911119999"
        )
        PersonYear.objects.filter(pk=member.pk).update(education_level="03")
    with acting(by=clerk, reason="年度更新"):
        HouseholdYear.objects.filter(pk=old.pk).update(farmland_mu=3)
    page = sign_in(clerk)
    page.goto(f"{product.url}/households/{row.household.household_no}/?year=2018")
    expect(page.get_by_role("heading", name="最近变动")).to_be_visible()
    looked_at(page, shoot, "household-overview")
    tabs = page.get_by_role("navigation", name="本户的栏目")
    for label, name in (
        ("成员", "members"), ("变动记录", "timeline"), ("年度对比", "compare"),
        ("历史状态", "asof"), ("办理", "handling"),
    ):  # fmt: skip
        tabs.get_by_role("link", name=label).click()
        expect(tabs.get_by_role("link", name=label)).to_have_attribute("aria-current", "page")
        looked_at(page, shoot, f"household-{name}")
    tabs.get_by_role("link", name="变动记录").click()
    page.get_by_label("内容").select_option("收入")
    page.get_by_role("button", name="筛选").click()
    expect(page.get_by_text("人均纯收入：")).to_be_visible()
    expect(page.get_by_text("主要致贫原因：")).to_have_count(0)
    tabs.get_by_role("link", name="历史状态").click()
    page.get_by_label("日期").fill(timezone.localdate().isoformat())
    page.get_by_role("button", name="查看当日状态").click()
    expect(page.get_by_text("不是现在的内容")).to_be_visible()
    looked_at(page, shoot, "household-asof-today")
    page.get_by_label("日期").fill((timezone.localdate() - timedelta(days=400)).isoformat())
    page.get_by_role("button", name="查看当日状态").click()
    expect(page.get_by_text("没有可以查看的当日状态")).to_be_visible()
    page.goto(f"{product.url}/households/work/")
    looked_at(page, shoot, "work")
    assert page.problems == []  # type: ignore[attr-defined]


def test_a_villages_facts_are_entered(
    sign_in: Callable[[User], Page], product: Any, shoot: Any
) -> None:
    with acting(by=None):
        household(head_name="何梅德", head="何梅德")
        household(head_name="何金", head="何金", exit_status="1", exit_year=2018)
        VillageYearFactory(
            region=RegionFactory(code=HOME), year=2017, households_total=290,
            population_total=1100, paved_to_town=True, clinics=1,
        )  # fmt: skip
    page = sign_in(cast("county_office"))
    page.goto(f"{product.url}/villages/410324/?year=2018")
    looked_at(page, shoot, "village-county")
    page.get_by_role("link", name="城关镇").last.click()
    expect(page.get_by_role("heading", name="城关镇", exact=True)).to_be_visible()
    looked_at(page, shoot, "village-town")
    page.get_by_role("link", name="陈家门村村民委员会").click()
    looked_at(page, shoot, "village-page")
    page.get_by_role("link", name="填写年度信息").click()
    page.get_by_label("贫困村", exact=False).first.select_option("是")
    page.get_by_label("总人口数").fill("9000")
    page.get_by_label("特困供养人口数").fill("9001")
    page.get_by_label("数据来源").fill("2018 年贫困村年报")
    page.get_by_label("修改事由").fill("年报")
    page.get_by_role("button", name="保存").click()
    expect(page.get_by_role("alert").first).to_contain_text("请改正")
    looked_at(page, shoot, "village-facts-wrong")
    page.get_by_label("特困供养人口数").fill("3")
    page.get_by_role("button", name="保存").click()
    expect(page.get_by_text("变化超过 20%")).to_be_visible()
    page.get_by_label("已核实").check()
    page.get_by_role("button", name="保存").click()
    expect(page.get_by_text("已保存")).to_be_visible()
    expect(page.locator("#facts")).to_contain_text("9,000 人")
    page.get_by_role("link", name="修改年度信息").click()
    page.get_by_label("总户数").fill("310")
    page.get_by_label("修改事由").fill("入户核对")
    page.get_by_role("button", name="保存").click()
    page.get_by_label("已核实").check()
    page.get_by_role("button", name="保存").click()
    expect(page.locator("#edits")).to_contain_text("入户核对")
    expect(page.locator("#edits")).to_contain_text("310 户")
    looked_at(page, shoot, "village-saved")
    page.locator("#edits").scroll_into_view_if_needed()
    looked_at(page, shoot, "village-edits")
    # A refused form is an answer with an error status, which Chromium notes.
    assert [one for one in page.problems if "422" not in one] == []  # type: ignore[attr-defined]
