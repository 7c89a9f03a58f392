"""A problem in the browser: entered, given to the village, mended with a photo, closed by another person."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from accounts.enums import Role
from accounts.models import User
from core.acting import acting
from households.models import Household
from inspections.models import Finding
from tests.cast import cast
from tests.conftest import person
from tests.factories.households import HOME, household
from tests.papers_handed_in import jpeg

Enter = Callable[[User], Page]
Shoot = Callable[[Page, str], None]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def looked_at(page: Page, shoot: Shoot, name: str) -> None:
    """A picture at both widths, and no fault that axe knows."""
    shoot(page, name)
    found = Axe().run(page).response["violations"]
    assert [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in found] == [], name


@pytest.fixture
def home(product: Any) -> Household:
    with acting(by=None):
        return household(code=HOME, head="何金山").household


def form_of(page: Page, title: str) -> Locator:
    """The form of an act, opened."""
    act = page.locator("details", has=page.locator("summary", has_text=title))
    if act.get_attribute("open") is None:
        act.locator("summary").click()
    return act.locator("form")


def entered(page: Page, home: Household, shoot: Shoot) -> Finding:
    """Typed in by the county; the household is looked up by its head's name."""
    page.get_by_label("来源").select_option(label="督查")
    page.get_by_label("层级").select_option(label="县级")
    page.get_by_label("严重程度").select_option(label="较重")
    page.get_by_label("问题事实").fill("住房屋顶漏雨，安全住房没有落实")
    page.get_by_label("违反的规定").fill("退出标准：安全住房")
    page.get_by_label("户主姓名、户编号或村名").fill("何金山")
    page.get_by_role("button", name="查找", exact=True).last.click()
    looked_at(page, shoot, "problem-enter")
    page.get_by_role("button", name="选这户").click()
    expect(page.get_by_label("对象编号")).to_have_value(home.household_no)
    expect(page.get_by_label("问题事实")).to_have_value("住房屋顶漏雨，安全住房没有落实")
    page.get_by_role("button", name="保存", exact=True).click()
    expect(page.locator(".page-head")).to_contain_text("待交办")
    return Finding.objects.get()


def test_from_found_to_closed_by_two_persons(
    enter: Enter, product: Any, home: Household, shoot: Shoot, tmp_path: Path
) -> None:
    county, village = cast("county_office"), cast("village_official")
    second = person("countyoffice2", Role.COUNTY_OFFICE, "410324")
    page = enter(county)
    page.goto(f"{product.url}/findings/new/")
    finding = entered(page, home, shoot)
    looked_at(page, shoot, "problem-found")

    form = form_of(page, "交办")
    form.get_by_label("责任单位").fill("城关镇人民政府")
    form.get_by_label("责任人", exact=False).first.fill("王镇长")
    form.get_by_label("责任人账号").select_option(str(village.pk))
    form.get_by_role("button", name="交办").click()
    # No rule holds and no day was told.
    expect(page.get_by_role("alert").first).to_contain_text("没有适用的期限规定")
    form = form_of(page, "交办")
    form.get_by_label("整改期限").fill(f"{timezone.localdate() + timedelta(20):%Y-%m-%d}")
    form.get_by_label("期限依据").fill("县督查整改方案")
    form.get_by_role("button", name="交办").click()
    expect(page.locator(".page-head")).to_contain_text("还有 20 天")

    address = f"{product.url}/findings/{finding.pk}/"
    page = enter(village)
    page.goto(address)
    form = form_of(page, "报整改措施")
    form.get_by_label("整改措施").fill("翻修屋顶，月底前完工")
    form.get_by_role("button", name="报送措施").click()
    expect(page.get_by_text("还没有上传佐证材料，不能报完成")).to_be_visible()
    looked_at(page, shoot, "problem-measured")
    photo = tmp_path / "roof.jpg"
    photo.write_bytes(jpeg(with_place=True))
    form = form_of(page, "上传佐证材料")
    form.get_by_label("文件").set_input_files(photo)
    form.get_by_label("说明").fill("翻修后的屋顶")
    form.get_by_role("button", name="上传").click()
    picture = page.locator(".shots img")
    picture.scroll_into_view_if_needed()
    expect(picture).to_have_js_property("naturalWidth", 60)
    form = form_of(page, "报整改完成")
    form.get_by_label("整改情况").fill("屋顶已翻修，不再漏雨")
    form.get_by_role("button", name="报完成").click()
    expect(page.locator(".page-head")).to_contain_text("已报完成")
    expect(page.locator("#acts")).not_to_contain_text("核验")

    page = enter(second)
    page.goto(address)
    form = form_of(page, "核验")
    form.get_by_label("核验意见").fill("入户查看，属实")
    form.get_by_role("button", name="核验属实").click()
    form = form_of(page, "销号")
    form.get_by_label("销号意见").fill("同意销号")
    form.get_by_role("button", name="销号").click()
    expect(page.locator(".page-head")).to_contain_text("已销号")
    expect(page.locator(".timeline")).to_contain_text("入户查看，属实")
    looked_at(page, shoot, "problem-closed")

    page.goto(f"{product.url}/households/{home.household_no}/?year=2018")
    page.get_by_role("link", name="问题整改").last.click()
    expect(page.get_by_role("link", name=finding.number)).to_be_visible()
    looked_at(page, shoot, "problem-of-household")


def test_who_comes_second_is_told_who_did_what(
    enter: Enter, product: Any, home: Household, shoot: Shoot
) -> None:
    county = cast("county_office")
    page = enter(county)
    page.goto(f"{product.url}/findings/new/")
    finding = entered(page, home, shoot)
    other = page.context.new_page()
    other.goto(f"{product.url}/findings/{finding.pk}/")
    for told in (page, other):
        form = form_of(told, "交办")
        form.get_by_label("责任单位").fill("城关镇人民政府")
        form.get_by_label("责任人", exact=False).first.fill("王镇长")
        form.get_by_label("整改期限").fill(f"{timezone.localdate() + timedelta(20):%Y-%m-%d}")
        form.get_by_label("期限依据").fill("县督查整改方案")
        form.get_by_role("button", name="交办").click()
    expect(other.get_by_role("alert").first).to_contain_text("county_office 已于")
    looked_at(other, shoot, "problem-moved-on")
    page.goto(f"{product.url}/findings/{finding.pk}/split/")
    looked_at(page, shoot, "problem-split")
