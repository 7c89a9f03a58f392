"""The likes of a problem in the browser: looked for, two opened, looked for again, then it is closed."""

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.enums import Role
from accounts.models import User
from core.acting import acting
from inspections.enums.findings import State
from inspections.models import Finding, Sweep
from inspections.services.common import UnfitError
from inspections.services.findings import stepping
from tests.cast import cast
from tests.conftest import person
from tests.inspections.findings.conftest import COUNTY, Office
from tests.inspections.sweeps.conftest import Homes

Enter = Callable[[User], Page]
Shoot = Callable[[Page, str], None]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def looked_at(page: Page, shoot: Any, name: str) -> None:
    """A picture at both widths, and no fault that axe knows."""
    shoot(page, name)
    found = Axe().run(page).response["violations"]
    assert [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in found] == [], name


@pytest.fixture
def office(product: Any) -> Office:
    second = person("countyoffice2", Role.COUNTY_OFFICE, "410324")
    return Office(cast("village_official"), cast("town_clerk"), cast("county_office"), second)


def test_likes_are_opened_before_the_problem_is_closed(
    office: Office, enter: Enter, live_server: Any, shoot: Shoot
) -> None:
    with acting(by=None):
        homes = Homes()
    finding = office.brought_to(State.VERIFIED)
    page = enter(office.county)
    page.goto(f"{live_server.url}/sweeps/of/{finding.pk}/")
    page.get_by_label("查找区域").select_option(COUNTY)
    page.get_by_label("人均纯收入低于（元）").fill("3000")
    looked_at(page, shoot, "sweep-new")
    page.get_by_role("button", name="查找", exact=True).click()
    expect(page.get_by_role("heading", name="人均纯收入低于（元）：3000")).to_be_visible()
    boxes = page.locator("input[name=match]")
    expect(boxes).to_have_count(3)
    for at in range(2):
        boxes.nth(at).check()
    page.locator("summary", has_text="列入台账").first.click()
    page.get_by_label("问题事实").fill("收入核算不实")
    page.get_by_label("所选各项已经核对").check()
    looked_at(page, shoot, "sweep-opening")
    page.get_by_role("button", name="列入台账").click()
    expect(page.get_by_text("已将 2 项列入台账，请交办。")).to_be_visible()
    looked_at(page, shoot, "sweep")
    assert Finding.objects.filter(parent=finding).count() == 2
    # Verified again later: what was found before does not do.
    sweep = Sweep.objects.get()
    finding = stepping.send_back(
        finding=finding, words="再查", on=timezone.localdate(), by=office.second
    )
    office.prove(finding)
    for state in (State.CLAIMED, State.VERIFIED):
        finding = office.take(finding, state, timezone.localdate())
    told = {"finding": finding, "words": "销号", "on": timezone.localdate(), "by": office.second}
    with pytest.raises(UnfitError, match="重新查找"):
        stepping.close(**told)
    with acting(by=None):
        homes.earn(3, 500)
    page.goto(f"{live_server.url}/sweeps/{sweep.pk}/")
    expect(page.get_by_text("核验以后还没有重新查找")).to_be_visible()
    page.get_by_role("button", name="重新查找").click()
    expect(page.get_by_text("符合条件 4 项，其中新增 1 项。")).to_be_visible()
    looked_at(page, shoot, "sweep-again")
    page.goto(f"{live_server.url}/sweeps/")
    looked_at(page, shoot, "sweeps")
    assert stepping.close(**told).state == State.CLOSED


def test_second_looks(office: Office, enter: Enter, live_server: Any, shoot: Shoot) -> None:
    for _ in range(3):
        office.brought_to(State.CLOSED)
    watched = office.brought_to(State.WATCHED)
    page = enter(office.second)
    page.goto(f"{live_server.url}/findings/rechecks/")
    page.locator("select[name=region]").select_option(COUNTY)
    page.get_by_label("销号自").fill("2018-09-01")
    page.get_by_label("销号至").fill("2018-09-30")
    page.get_by_label("抽取比例（%）").fill("40")
    looked_at(page, shoot, "rechecks-draw")
    page.get_by_role("button", name="抽取", exact=True).click()
    expect(page.get_by_text("重新抽取结果一致")).to_be_visible()
    page.get_by_text("登记复查", exact=True).first.click()
    page.get_by_label("复查情况").first.fill("现场查看，没有反弹")
    looked_at(page, shoot, "recheck")
    page.get_by_role("button", name="登记", exact=True).first.click()
    expect(page.get_by_text("未反弹，已登记。")).to_be_visible()
    page.goto(f"{live_server.url}/findings/rechecks/")
    expect(page.get_by_text("0 / 1")).to_be_visible()
    looked_at(page, shoot, "rechecks")
    page.get_by_role("link", name="本月未看的长期坚持问题").click()
    expect(page.get_by_role("link", name=watched.number)).to_be_visible()
    looked_at(page, shoot, "watched")
