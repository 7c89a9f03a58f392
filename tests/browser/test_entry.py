"""Entering at the keyboard: five people without a mouse, the network gone and back; two clerks."""

import sys
from collections.abc import Callable
from datetime import date
from time import monotonic
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from accounts.enums import Role
from accounts.models import User
from core.acting import acting
from households.models import Draft, Household, HouseholdYear, Person, ReviewChain
from tests.browser.conftest import SHOTS
from tests.conftest import LONG_AGO, person
from tests.factories.households import HOME, NEIGHBOUR, PartitionFactory, household, id_no

pytestmark = [
    pytest.mark.browser, pytest.mark.django_db(transaction=True),
    pytest.mark.may_show_numbers("the clerk types the numbers of a family"),
]  # fmt: skip

# The number's last but one tells the sex: odd for men.
NUMBERS = (601, 602, 603, 604, 606)
# Name, relation, born, education, labour, school: as a clerk reads them from the paper.
FAMILY = (
    ("何福生", "01", date(1962, 3, 15), "03", "01", "01"),
    ("李秀英", "02", date(1965, 8, 22), "02", "01", "01"),
    ("何俊杰", "03", date(1990, 9, 11), "04", "01", "01"),
    ("何春梅", "04", date(2006, 6, 1), "03", "04", "08"),
    ("王桂兰", "12", date(1938, 4, 6), "01", "04", "01"),
)
# Four facts of the household and three of each member.
FACTS_WANTED = 4 + 3 * len(FAMILY)


@pytest.fixture
def clerk(product: Any) -> User:
    with acting(by=None):
        PartitionFactory(year=2018)
        made = person("clerk", Role.TOWN_CLERK, HOME[:9])
        ReviewChain.objects.create(
            region_code=HOME[:6], valid_from=LONG_AGO, levels=[], reason="本县不审", created_by=made
        )
    return made


class Keyboard:
    """What a clerk does with ten fingers, counted."""

    def __init__(self, page: Page) -> None:
        self.page, self.presses = page, 0

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)
        self.presses += len(text)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
            self.presses += 1

    def to(self, label: str) -> None:
        """Enter until the field of this name has the focus, as a clerk goes down a form."""
        for _ in range(120):
            if self.here() == label:
                return
            self.press("Enter")
        raise AssertionError(f"{label} 走不到，停在 {self.here()}")

    def here(self) -> str:
        return str(
            self.page.evaluate("document.activeElement && document.activeElement.name || ''")
        )


def fault_free(page: Page, shoot: Any, name: str) -> None:
    shoot(page, name)
    found = Axe().run(page).response["violations"]
    assert [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in found] == [], name


def choose(keys: Keyboard, code: str) -> None:
    """Choose in a list by the code that its entries begin with."""
    keys.type(code)


def test_family_of_five_without_a_mouse_and_without_network(
    clerk: User, sign_in: Callable[[User], Page], product: Any, shoot: Any, capsys: Any
) -> None:
    page = sign_in(clerk)
    page.goto(f"{product.url}/households/new/?year=2018&village={HOME}")
    expect(page.get_by_role("heading", name="新增贫困户")).to_be_visible()
    fault_free(page, shoot, "entry-new")
    began, keys = monotonic(), Keyboard(page)
    keys.to("household.natural_village_name")
    keys.type("一组")
    keys.to("year.identified_year")
    keys.type("2018")
    keys.to("year.household_attribute")
    choose(keys, "01")
    keys.to("year.exit_status")
    choose(keys, "0")
    for at, (name, relation, born, education, labour, school) in enumerate(FAMILY):
        if at:
            keys.press("Alt+n")
        keys.to(f"members.{at}.person.name")
        keys.type(name)
        keys.press("Enter")
        if at:
            choose(keys, relation)
        keys.press("Enter")
        keys.type(id_no(NUMBERS[at], born))
        keys.press("Enter")
        choose(keys, education)
        keys.press("Enter")
        assert keys.here() == f"members.{at}.year.health_status"
        keys.type("健康")
        keys.press("Enter")
        choose(keys, labour)
        keys.press("Enter")
        choose(keys, school)
        keys.press("Enter")
        if at == 1:
            expect(page.locator('[data-row="0"] [data-who]')).to_contain_text("56 岁")
            expect(page.locator("#saved")).to_contain_text("自动保存", timeout=15_000)
            assert Draft.objects.count() == 1
            page.context.set_offline(True)
        if at == 3:
            expect(page.locator("#saved")).to_contain_text("已暂存在本机", timeout=15_000)
            expect(page.get_by_text("网络已断开，正在本机保存")).to_be_in_viewport()
            paused = monotonic()
            shoot(page, "entry-offline")
            began += monotonic() - paused
            page.context.set_offline(False)
    expect(page.locator("#saved")).to_contain_text("自动保存", timeout=20_000)
    expect(page.locator("#line-down")).to_be_hidden()
    assert page.evaluate("localStorage.length") == 0
    keys.to("year.main_cause")
    choose(keys, "01")
    took, presses = monotonic() - began, keys.presses

    while page.evaluate("window.povertyopsEntry.isChanged()"):
        page.wait_for_timeout(100)
    expect(page.locator("#progress")).to_have_js_property("value", FACTS_WANTED)
    page.locator("#members").scroll_into_view_if_needed()
    page.evaluate("document.getElementById('members').scrollIntoView()")
    fault_free(page, shoot, "entry-filled")

    # The machine dies; what was typed is on the server.
    page.goto(f"{product.url}/households/new/?year=2018&village={HOME}")
    expect(page.get_by_text("已恢复")).to_be_visible()
    expect(page.locator('[name="members.4.person.name"]')).to_have_value("王桂兰")
    fault_free(page, shoot, "entry-recovered")
    expect(page.locator('[name="year.main_cause"]')).to_have_value("01")
    page.keyboard.press("Control+Enter")
    asked = page.locator("#found")
    done = page.get_by_text("已保存，登记数据已更新。")
    expect(asked.or_(done)).to_be_visible()
    fault_free(page, shoot, "entry-queries")
    boxes = page.locator('[name^="confirmed."]')
    for at in range(boxes.count()):
        boxes.nth(at).fill("已入户核实")
    if boxes.count():
        page.keyboard.press("Control+Enter")
    expect(page.get_by_text("已保存，登记数据已更新。")).to_be_visible()
    assert Household.objects.count() == 1
    assert Person.objects.count() == len(FAMILY)
    assert Draft.objects.count() == 0
    figures = f"五口之家录入：{presses} 次击键，程序击键 {took:.1f} 秒（含断网等待与自动保存）"
    SHOTS.joinpath("entry-figures.txt").write_text(f"{figures}\n")
    with capsys.disabled():
        sys.stdout.write(f"\n{figures}\n")


def test_errors_stand_apart_from_queries_and_name_the_village(
    clerk: User, sign_in: Callable[[User], Page], product: Any, shoot: Any
) -> None:
    with acting(by=None):
        row = household(head="张三", code=HOME, members=2)
        elsewhere = household(head="赵六", code=NEIGHBOUR)
    taken = Person.objects.filter(household=elsewhere.household)[0].id_no
    page = sign_in(clerk)
    page.goto(f"{product.url}/households/{row.household.household_no}/edit/?year=2018")
    page.keyboard.press("Alt+n")
    keys = Keyboard(page)
    keys.type("钱小七")
    keys.press("Enter")
    choose(keys, "03")
    keys.press("Enter")
    keys.type(taken)
    keys.press("Enter")
    # Said beside the field, after it was left, with the village and nothing else of the household.
    why = page.locator('[data-where="members.2.person.id_no"] .why')
    expect(why).to_contain_text("嵩县")
    assert "赵六" not in page.content()
    page.locator('[name="members.2.person.id_no"]').fill("")
    page.locator('[name="members.2.person.id_no"]').press_sequentially(id_no(611, date(2001, 9, 1)))
    page.keyboard.press("Enter")
    expect(why).to_have_count(0)
    page.locator('[name="members.2.year.labour_capacity"]').select_option("01")
    page.locator('[name="members.2.year.student_status"]').select_option("08")
    page.locator('[name="members.2.year.labour_capacity"]').dispatch_event("change")
    asked = page.locator('[data-where="members.2.year.labour_capacity"] .query')
    expect(asked).to_contain_text("在校生登记为有劳动能力")
    page.locator('[name="members.0.person.id_no"]').fill("99032419620230001X")
    page.keyboard.press("Control+Enter")
    found = page.locator("#found")
    expect(found).to_be_focused()
    expect(found).to_contain_text("处须更正")
    fault_free(page, shoot, "entry-errors-banner")
    page.evaluate("document.getElementById('members').scrollIntoView()")
    fault_free(page, shoot, "entry-errors")
    found.get_by_role("link").first.click()
    expect(page.locator('[name="members.0.person.id_no"]')).to_be_in_viewport()


def test_keys_are_told_on_the_page(
    clerk: User, sign_in: Callable[[User], Page], product: Any
) -> None:
    page = sign_in(clerk)
    page.goto(f"{product.url}/households/new/?year=2018&village={HOME}")
    page.get_by_role("button", name="快捷键").click()
    expect(page.get_by_role("dialog")).to_contain_text("加一名成员")
    page.keyboard.press("Escape")
    page.get_by_role("heading", name="新增贫困户").click()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("加一名成员")
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.locator('[name="household.address"]').fill("三组 1 号")
    page.keyboard.press("Control+s")
    expect(page.locator("#saved")).to_contain_text("自动保存", timeout=1_400)


def test_leaving_warns_only_with_unsaved_input(
    clerk: User, sign_in: Callable[[User], Page], product: Any
) -> None:
    with acting(by=None):
        row = household(head="张三", code=HOME, members=2)
    page = sign_in(clerk)
    address = f"{product.url}/households/{row.household.household_no}/edit/?year=2018"
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.goto(address)
    page.goto(f"{product.url}/households/?year=2018")
    assert asked == []
    page.goto(address)
    page.get_by_label("致贫原因说明").fill("写")
    page.goto(f"{product.url}/households/?year=2018")
    assert asked == ["beforeunload"]


def test_two_clerks_on_one_household(
    clerk: User, sign_in: Callable[[User], Page], product: Any, shoot: Any
) -> None:
    with acting(by=None):
        row = household(head="张三", code=HOME, members=2)
    page = sign_in(clerk)
    page.goto(f"{product.url}/households/{row.household.household_no}/edit/?year=2018")
    fault_free(page, shoot, "entry-edit")
    page.get_by_label("致贫原因说明").fill("我写的原因")
    page.get_by_label("猪", exact=True).evaluate("one => one.closest('details').open = true")
    page.get_by_label("猪", exact=True).fill("3")
    with acting(by=person("colleague", Role.TOWN_CLERK, HOME[:9]), reason="另一人"):
        HouseholdYear.objects.filter(pk=row.pk).update(cause_note="别人写的原因", cattle=2)
    page.get_by_role("button", name="保存并提交").click()
    expect(page.get_by_role("heading", name="已被他人修改")).to_be_visible()
    expect(page.get_by_role("row", name="致贫原因说明")).to_contain_text("colleague，")
    fault_free(page, shoot, "entry-conflict")
    page.get_by_role("row", name="致贫原因说明").get_by_label("我的").check()
    page.get_by_role("button", name="合并后提交").click()
    expect(page.get_by_text("已保存，登记数据已更新。")).to_be_visible()
    row.refresh_from_db()
    assert (row.cause_note, row.cattle, row.pigs) == ("我写的原因", 2, 3)
