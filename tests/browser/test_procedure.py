"""A household is put forward, its notice hangs for its days, and only then the town takes it up."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.enums import Role
from accounts.models import User
from core.acting import acting
from households.models import Procedure, Publicity
from tests.cast import cast
from tests.conftest import person
from tests.factories.households import HOME, PartitionFactory, household, id_no

pytestmark = [
    pytest.mark.browser, pytest.mark.django_db(transaction=True),
    pytest.mark.may_show_numbers("the clerk types the number of whoever applies"),
]  # fmt: skip


def time_passes(days: int) -> None:
    """As many days ago everything was done as are to pass: browser and database keep their clocks."""
    with acting(by=None, reason="测试"):
        for notice in Publicity.objects.all():
            notice.starts_on -= timedelta(days=days)
            notice.ends_on -= timedelta(days=days)
            notice.save()


def looked_at(page: Page, shoot: Any, name: str) -> None:
    """A picture at both widths, and no fault that axe knows."""
    shoot(page, name)
    found = Axe().run(page).response["violations"]
    assert [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in found] == [], name


def test_a_notice_runs_out_its_days(
    sign_in: Callable[[User], Page], product: Any, shoot: Any
) -> None:
    with acting(by=None):
        household(code=HOME, year=2018)
        PartitionFactory(year=2018)
    first, second = cast("village_official"), person("第二人", Role.VILLAGE, HOME)
    page = sign_in(first)
    page.goto(f"{product.url}/households/procedures/?year=2018")
    looked_at(page, shoot, "procedures-none")
    page.get_by_role("link", name="提出申请").click()
    page.get_by_label("事由").fill("农户书面申请")
    page.get_by_label("村民小组").fill("一组")
    page.get_by_label("户主姓名").fill("何梅德")
    page.get_by_label("户主证件号码").fill(id_no(701))
    page.get_by_label("成员 1姓名").fill("何小")
    page.get_by_label("成员 1与户主关系").select_option("04")
    looked_at(page, shoot, "procedure-new")
    page.get_by_role("button", name="提出").click()
    expect(page.get_by_role("heading", name="办理：民主评议")).to_be_visible()
    expect(page.get_by_text("本步须由另一人决定")).to_be_visible()
    number = Procedure.objects.get().pk
    address = f"{product.url}/households/procedures/{number}/"

    page.context.clear_cookies()
    page = sign_in(second)
    page.goto(address)
    page.get_by_label("理由").fill("代表评议同意")
    page.get_by_label("应到人数").fill("30")
    page.get_by_label("实到人数").fill("24")
    page.get_by_label("会议记录").fill("到会 24 人，23 人同意。")
    page.get_by_role("button", name="记录决定").click()
    expect(page.get_by_role("heading", name="办理：村级公示")).to_be_visible()

    page.context.clear_cookies()
    page = sign_in(first)
    page.goto(address)
    page.get_by_label("公示地点").fill("村务公开栏")
    page.get_by_role("button", name="开始公示").click()
    expect(page.get_by_text("还剩 7 天")).to_be_visible()
    page.get_by_label("理由").fill("无异议")
    page.get_by_role("button", name="记录决定").click()
    expect(page.locator("#now").get_by_text("现在不能通过")).to_be_visible()
    expect(page.get_by_role("heading", name="办理：村级公示")).to_be_visible()
    looked_at(page, shoot, "procedure-notice-running")
    page.get_by_role("link", name="公示名单").click()
    expect(page.get_by_text("何梅德（一组）")).to_be_visible()
    expect(page.get_by_text(id_no(701))).to_have_count(0)
    looked_at(page, shoot, "procedure-notice-list")

    # The last day still belongs to the notice.
    time_passes(6)
    page.goto(address)
    expect(page.get_by_text("还剩 1 天")).to_be_visible()
    page.get_by_label("理由").fill("无异议")
    page.get_by_role("button", name="记录决定").click()
    expect(page.get_by_role("heading", name="办理：村级公示")).to_be_visible()
    time_passes(1)
    page.goto(address)
    page.get_by_label("提出人").fill("匿名")
    page.get_by_label("异议内容").fill("该户在县城有房")
    page.get_by_role("button", name="登记", exact=True).click()
    expect(page.locator("#now").get_by_text("有异议尚未答复")).to_be_visible()
    page.get_by_label("答复").fill("已查不动产登记，无房。")
    page.get_by_role("button", name="答复").click()
    expect(page.get_by_text("已届满")).to_be_visible()
    expect(page.locator("#now").get_by_text("现在不能通过")).to_have_count(0)
    looked_at(page, shoot, "procedure-notice-over")
    page.get_by_label("理由").fill("公示无异议")
    page.get_by_role("button", name="记录决定").click()
    expect(page.get_by_text("等待乡镇级办理“乡镇审核”。")).to_be_visible()
    assert Publicity.objects.get().ends_on < timezone.localdate()
    looked_at(page, shoot, "procedure-passed-on")
    page.goto(f"{product.url}/households/procedures/?year=2018")
    looked_at(page, shoot, "procedures")
    page.context.clear_cookies()
    page = sign_in(cast("county_office"))
    page.goto(f"{product.url}/households/procedures/rules/")
    looked_at(page, shoot, "procedure-rules")
    assert page.problems == []  # type: ignore[attr-defined]
