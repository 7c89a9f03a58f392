"""A county proposes its poor villages; an objection holds the town's list back until it is answered."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.db import connection
from django.db.models import F
from playwright.sync_api import Page, expect

from accounts.enums import Role
from accounts.models import User
from core.acting import acting
from exits.catalog import sync_standards
from exits.enums import Outcome, SubjectLevel
from exits.models import ExitNotice, ExitProcedure, GateResult
from exits.services import procedures as service
from tests.cast import cast
from tests.conftest import person
from tests.exits.conftest import judged
from tests.factories.households import PartitionFactory
from villages.models import Region, VillageYear

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
COUNTY = "410324000000"
READY = ("410324100001", "410324100203")
LACKING = "410324200201"


def looked_at(page: Page, shoot: Any, name: str) -> None:
    """A picture at both widths, and no fault that axe knows."""
    shoot(page, name)
    found = Axe().run(page).response["violations"]
    assert [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in found] == [], name


def three_poor_villages() -> None:
    """Two of one town fulfil the standard; of one in another town something is not known."""
    sync_standards()
    PartitionFactory(year=2018)
    for code in (*READY, LACKING):
        VillageYear.objects.create(
            region=Region.objects.get(code=code), region_code=code, year=2018, source="测试",
            is_poor_village=True,
        )  # fmt: skip
        judged(code, SubjectLevel.VILLAGE)
    one = GateResult.objects.filter(region_code=LACKING, is_veto=True).earliest("pk")
    GateResult.objects.filter(pk=one.pk).update(outcome=Outcome.MISSING, reason="缺少数据")
    service.set_rule(
        level="village", region=Region.objects.get(code=COUNTY), step="TOWN_NOTICE", min_days=7,
        day_kind="CALENDAR", source="栾扶贫〔2018〕3号",
        by=person("设置人", Role.COUNTY_OFFICE, "410324"),
    )  # fmt: skip


def time_passes(days: int) -> None:
    """As many days ago the notice was posted as are to pass: nobody may do this in the product."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE exits_exitnotice DISABLE TRIGGER append_only")
    by = timedelta(days=days)
    with acting(by=None, reason="测试"):
        ExitNotice.objects.update(starts_on=F("starts_on") - by, ends_on=F("ends_on") - by)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE exits_exitnotice ENABLE TRIGGER append_only")


def exited() -> set[str]:
    rows = VillageYear.objects.filter(exited_year=2018)
    return set(rows.values_list("region_code", flat=True))


def test_an_objection_holds_a_batch_of_villages(
    enter: Callable[[User], Page], product: Any, shoot: Any
) -> None:
    three_poor_villages()
    county, town, city = cast("county_office"), cast("town_clerk"), person(
        "市扶贫办", Role.CITY_OFFICE, "4103"
    )  # fmt: skip
    lists = f"{product.url}/readiness/procedures/?year=2018"

    page = enter(county)
    problems: list[str] = []
    page.on("console", lambda one: problems.append(one.text) if one.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(lists)
    looked_at(page, shoot, "exits-none")
    page.get_by_role("link", name="提出退出").click()
    expect(page.get_by_role("checkbox", name="养子沟村")).to_be_disabled()
    expect(page.get_by_text("（缺数据）")).to_be_visible()
    page.get_by_label("提出理由").fill("各项达标，拟退出")
    looked_at(page, shoot, "exit-new")
    page.get_by_role("button", name="提出").click()
    expect(page.get_by_text("等待乡镇级办理“乡镇公示”。")).to_be_visible()
    expect(page.get_by_text("名单（2 个）")).to_be_visible()
    address = f"{product.url}/readiness/procedures/{ExitProcedure.objects.get().pk}/"

    page = enter(town)
    page.goto(address)
    page.get_by_label("公示地点").fill("镇政府公示栏")
    page.get_by_role("button", name="开始公示").click()
    expect(page.get_by_text("还剩 7 天")).to_be_visible()
    page.get_by_label("意见").fill("公示无异议")
    page.get_by_role("button", name="记录决定").click()
    expect(page.locator("#now").get_by_text("现在不能通过：公示到")).to_be_visible()
    looked_at(page, shoot, "exit-notice-running")

    # The days are over, but somebody has objected.
    time_passes(7)
    page.goto(address)
    page.get_by_label("提出人").fill("匿名")
    page.get_by_label("异议内容").fill("饮水管网尚未通到三组")
    page.get_by_role("button", name="登记", exact=True).click()
    expect(page.locator("#now").get_by_text("有异议尚未答复")).to_be_visible()
    page.get_by_label("意见").fill("公示期满")
    page.get_by_role("button", name="记录决定").click()
    expect(page.locator("#now").get_by_text("有异议尚未答复")).to_be_visible()
    assert ExitProcedure.objects.get().step == "TOWN_NOTICE"
    looked_at(page, shoot, "exit-objection")
    page.get_by_label("答复").fill("十一月二十日已通水，附验收单。")
    page.get_by_role("button", name="答复").click()
    expect(page.locator("#now").get_by_text("现在不能通过")).to_have_count(0)
    page.get_by_label("意见").fill("异议已答复，公示期满")
    page.get_by_role("button", name="记录决定").click()
    expect(page.get_by_text("等待市级办理“市级审批”。")).to_be_visible()
    assert exited() == set()

    page = enter(city)
    page.goto(address)
    page.get_by_label("意见").fill("同意退出")
    page.get_by_role("button", name="记录决定").click()
    expect(page.get_by_text("请填写所依据文件的文号。")).to_be_visible()
    page.get_by_label("意见").fill("同意退出")
    page.get_by_label("文号", exact=True).fill("洛政文〔2018〕9号")
    looked_at(page, shoot, "exit-approval")
    page.get_by_role("button", name="记录决定").click()
    expect(page.get_by_text("已记录决定。")).to_be_visible()
    assert exited() == set(READY)
    looked_at(page, shoot, "exit-done")

    # One of the two is taken back; the other stays, and so does what was decided.
    row = page.get_by_role("listitem").filter(has=page.get_by_role("link", name="陈家门村"))
    row.get_by_text("撤销退出").click()
    row.get_by_label("撤销文号").fill("洛政文〔2019〕2号")
    row.get_by_label("撤销原因").fill("复查发现饮水不达标")
    row.get_by_role("button", name="撤销").click()
    expect(page.get_by_text("已撤销退出。")).to_be_visible()
    assert exited() == {READY[0]}
    looked_at(page, shoot, "exit-reversed")
    page.goto(lists)
    looked_at(page, shoot, "exits")
    assert problems == []
