"""A county is assessed, from the plan to the verdict that a confirmed case turns round."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from inspections.enums import Rate
from inspections.models import Case, Questionnaire, Result, Round, SampleHousehold
from inspections.services import estimating
from tests.factories.villages import RegionFactory
from tests.inspections.conftest import (  # noqa: F401 - fixtures
    COUNTY,
    county,
    county_office,
    decider,
    office,
    surveyor,
    visit,
)
from villages.models import PopulationBase

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
Enter = Callable[[User], Page]


def computed(round_: Round, rate: Rate) -> str:
    """What the job of the round stores for a rate."""
    estimating.recompute(round_.pk)
    return str(Result.objects.get(round=round_, rate=rate).get_verdict_display())


def act(page: Page, button: str, *, on: date, reason: str, **more: str) -> None:
    page.get_by_label("日期").fill(on.isoformat())
    page.get_by_label("理由").fill(reason)
    for label, value in more.items():
        page.get_by_label(label).fill(value)
    page.get_by_role("button", name=button).click()
    expect(page.get_by_text("已办理。")).to_be_visible()


def said(page: Page, url: str, rate: Rate, verdict: str) -> None:
    """The round's page says it in the row of the rate."""
    page.goto(url)
    row = page.get_by_role("row").filter(has_text=rate.label).first
    expect(row).to_contain_text(verdict)


def test_from_the_draw_to_the_verdict(
    product: Any, county: None, office: User, surveyor: User, decider: User,  # noqa: F811
    county_office: User, enter: Enter, shoot: Callable[[Page, str], None],  # noqa: F811
) -> None:  # fmt: skip
    PopulationBase.objects.create(
        region=RegionFactory(code=COUNTY), region_code=COUNTY, year=2018, basis="rural",
        persons=20_000, source="2018年统计年鉴",
    )  # fmt: skip

    # The city plans, freezes and draws; the certificate draws again and finds the same.
    page = enter(office)
    page.goto(f"{product.url}/rounds/new/?year=2018")
    page.get_by_label("类型").select_option("CITY_REVIEW")
    page.get_by_label("名称").fill("2018年市级初审")
    page.get_by_label("被评估县").select_option(COUNTY)
    for name, value in {
        "villages_P0": "2", "villages_O0": "2", "take_EXITED": "2", "reserve_EXITED": "2",
        "take_POOR": "1", "take_KEY": "1", "take_OTHER": "1",
    }.items():  # fmt: skip
        page.locator(f"[name='{name}']").fill(value)
    page.get_by_role("button", name="制定").click()
    page.get_by_role("button", name="冻结抽样框").click()
    expect(page.get_by_text("抽样框已冻结")).to_be_visible()
    page.get_by_role("button", name="抽取样本").click()
    expect(page.get_by_text("已抽样")).to_be_visible()
    round_ = Round.objects.get()
    of_round = page.url
    shoot(page, "round-drawn")
    page.get_by_role("link", name="抽样证书").click()
    expect(page.get_by_text("一致").first).to_be_visible()
    shoot(page, "certificate")

    # One household is sent a surveyor by hand, who finds something; all others are clean.
    chosen = SampleHousehold.objects.filter(round=round_, kind="EXITED", is_reserve=False)[0]
    page.goto(f"{of_round}sample/")
    page.locator(f"input[name='samples'][value='{chosen.pk}']").check()
    page.get_by_label("调查员").select_option(str(surveyor.pk))
    page.get_by_role("button", name="分派勾选的户").click()
    expect(page.get_by_text("已分派 1 户")).to_be_visible()
    for other in SampleHousehold.objects.filter(round=round_, is_reserve=False):
        if other.pk != chosen.pk:
            visit(other, surveyor, office)

    page = enter(surveyor)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{product.url}/rounds/visits/")
    page.locator("main table a[href^='/rounds/visits/']").filter(
        has_text=chosen.frame.head_name
    ).first.click()
    page.get_by_label("入户时间").fill("2018-11-05T12:00")
    page.get_by_label("地点").fill("户内")
    for item in Questionnaire.objects.get(subject="EXITED", version=1).schema:
        field = page.locator(f"[name='item_{item['code']}']")
        if item.get("required") and item["kind"] == "yesno":
            field.select_option("yes")
        elif item.get("required"):
            field.fill("3")
    page.locator("[name='WRONGFUL_EXIT_persons']").fill("1")
    page.locator("[name='WRONGFUL_EXIT_reason']").fill("住房漏雨，饮水不安全")
    page.get_by_role("button", name="保存").click()
    expect(page.get_by_text("已保存")).to_be_visible()
    page.set_viewport_size({"width": 1366, "height": 768})
    case = Case.objects.get()

    # As long as it is open, nobody says a rate.
    assert computed(round_, Rate.WRONGFUL_EXIT) == "无法计算"

    # The county appeals with evidence, the city looks again, and a second person decides.
    of_case = f"{product.url}/rounds/cases/{case.pk}/"
    page = enter(county_office)
    page.goto(of_case)
    act(page, "申诉举证", on=date(2018, 11, 6), reason="已修缮", 佐证材料="验收单、照片")
    page = enter(office)
    page.goto(of_case)
    shoot(page, "case-appealed")
    act(page, "登记复核", on=date(2018, 11, 8), reason="复核时仍漏雨")
    page.get_by_role("button", name="确认").click()
    page.goto(of_case)
    expect(page.get_by_text("已复核").first).to_be_visible()
    page = enter(decider)
    page.goto(of_case)
    act(page, "确认", on=date(2018, 11, 9), reason="属实", 确认人数="1")
    expect(page.locator("h1 + p .tag")).to_have_text("确认")

    assert computed(round_, Rate.WRONGFUL_EXIT) == "不达标"
    said(page, of_round, Rate.WRONGFUL_EXIT, "不达标")
    said(page, of_round, Rate.APPROVAL, "证据不足")
    shoot(page, "round-verdict")
