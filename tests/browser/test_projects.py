"""A project in the browser: proposed in the village, passed through the offices, worked, accepted, kept."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.enums import Role
from accounts.models import User
from projects.catalog import sync_types
from projects.models import Project
from projects.services import benefiting, working
from projects.services.benefiting import Helped
from tests.cast import cast
from tests.conftest import person
from tests.factories.households import household
from tests.factories.villages import RegionFactory
from tests.papers_handed_in import jpeg
from tests.projects.conftest import SOURCE, VILLAGE, Office, brought_to, proposed

Enter = Callable[[User], Page]
Shoot = Callable[[Page, str], None]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def office(product: Any) -> Office:
    sync_types()
    second = person("countyoffice2", Role.COUNTY_OFFICE, "410324")
    return Office(cast("village_official"), cast("town_clerk"), cast("county_office"), second)


def act(page: Page, project: Project, key: str, told: dict[str, str]) -> None:
    """Open the act's form on the project's page, fill it in by the names of its fields, and send it."""
    page.goto(page.url.split("/projects/")[0] + f"/projects/{project.pk}/")
    form = page.locator(f"form[action$='/act/{key}/']")
    form.locator("xpath=preceding-sibling::summary").click()
    for name, value in told.items():
        field = form.locator(f"[name='{name}']")
        if field.evaluate("one => one.tagName") == "SELECT":
            field.select_option(value)
        elif field.get_attribute("type") == "file":
            field.set_input_files(
                files=[{"name": "现场.jpg", "mimeType": "image/jpeg", "buffer": jpeg()}]
            )
        else:
            field.fill(value)
    form.locator("button[type=submit]").click()
    expect(page.get_by_text("已办理。")).to_be_visible()


def test_from_the_proposal_to_the_asset(
    office: Office, enter: Enter, live_server: Any, shoot: Shoot
) -> None:
    """Village, town and county take turns; nobody approves what they entered."""
    RegionFactory(code=VILLAGE)
    today = timezone.localdate()

    def on(days: int) -> str:
        return str(today + timedelta(days))

    page = enter(office.village)
    page.goto(f"{live_server.url}/projects/new/?type=1001&region={VILLAGE}")
    for label, value in (
        ("项目名称", "陈家门村通组道路"), ("建设内容", "硬化道路"), ("计划年度", str(today.year)),
        ("实施单位", "村委会"), ("计划投资（元）", "650000"), ("计划开工日期", on(20)),
        ("计划完工日期", on(90)), ("道路里程（公里）", "3.25"),
    ):  # fmt: skip
        page.get_by_label(label).fill(value)
    page.get_by_role("button", name="申报", exact=True).click()
    expect(page.get_by_role("heading", name="陈家门村通组道路")).to_be_visible()
    shoot(page, "project-proposed")
    project = Project.objects.get()
    page = enter(office.town)
    act(page, project, "reviewed", {"on": on(0), "reason": "同意上报"})
    page = enter(office.county)
    act(page, project, "decided", {"on": on(1), "reason": "同意"})
    page = enter(office.village)
    act(
        page, project, "targets", {"indicator_1": "硬化道路", "unit_1": "公里", "planned_1": "3.25"}
    )
    notice = {"place": "村务公开栏", "phone": "12317", "min_days": "10", "source": SOURCE}
    act(page, project, "notice", notice | {"on": on(1)})
    page = enter(office.county)
    act(page, project, "library", {"on": on(11), "reason": "入库"})
    money = {"on": on(12), "reason": "列入计划", "amount": "600000", "document": "栾财 3 号"}
    act(page, project, "budgeted", money)
    page = enter(office.village)
    act(page, project, "contractor", {"contractor": "某路桥公司"})
    stage = {"name_1": "路面", "weight_1": "100", "starts_1": on(20), "ends_1": on(90)}
    act(page, project, "stages", stage)
    act(page, project, "started", {"on": on(20), "reason": "开工"})
    act(page, project, "report", {"month": on(80), "words": "完工", "stage_1": "100"})
    act(page, project, "photo", {"file": "", "note": "路面"})
    act(page, project, "completed", {"on": on(85), "reason": "完工"})
    page = enter(office.county)
    passed = {"on": on(95), "passed": "1", "team": "县交通局", "opinion": "合格"}
    act(page, project, "accept", passed)
    page = enter(office.village)
    act(page, project, "notice", notice | {"on": on(96)})
    page = enter(office.county)
    audited = {"on": on(110), "submitted": "610000", "audited": "598000", "auditor": "县审计局"}
    act(page, project, "settle", audited)
    page = enter(office.village)
    asset = {
        "on": on(111), "name": "通组道路", "value": "598000", "owner_kind": "VILLAGE",
        "owner": "陈家门村村委会", "use": "通行", "keeper": "护路员",
    }  # fmt: skip
    act(page, project, "asset", asset)
    project.refresh_from_db()
    assert project.state == "REGISTERED"
    shoot(page, "project-registered")
    page.goto(f"{live_server.url}/projects/{project.pk}/sheet/")
    expect(page.get_by_text("598,000.00").first).to_be_visible()
    shoot(page, "project-sheet")


def test_the_pages_of_a_finished_project(
    office: Office, sign_in: Enter, live_server: Any, shoot: Shoot
) -> None:
    project = brought_to(office, "STARTED", proposed(office.village, facts=None))
    office.report(project, date(2018, 5, 1), 100, 25)
    brought_to(office, "BUDGETED", proposed(office.village, name="饮水安全工程", type_="1002"))
    done = brought_to(office, "REGISTERED", proposed(office.village, name="村内路灯", type_="1005"))
    working.reached(project=done, targets={1: Decimal("3.25")}, by=office.village)
    row = household(head="赵受益")
    helped = [Helped("SERVICE", household=row.household, expected=Decimal("800.00"))]
    benefiting.add(project=done, helped=helped, on=date(2018, 6, 1), by=office.village)
    page = sign_in(office.county)
    page.goto(f"{live_server.url}/projects/?year=2018")
    expect(page.get_by_role("link", name="村内路灯")).to_be_visible()
    shoot(page, "projects-list")
    page.goto(f"{live_server.url}/projects/year/?year=2018")
    shoot(page, "projects-year")
    page.goto(f"{live_server.url}/projects/{done.pk}/")
    shoot(page, "projects-detail")
    page.get_by_text("绩效评价", exact=True).click()
    form = page.locator("form[action$='/act/evaluate/']")
    form.get_by_label("评价日期").fill("2018-12-20")
    form.get_by_label("评价意见").fill("达到目标")
    form.get_by_role("button", name="登记评价").click()
    expect(page.locator(".way [aria-current]")).to_have_text("已评价")
    page.goto(f"{live_server.url}/projects/new/")
    shoot(page, "projects-new")
