"""An assessment in the browser: a surveyor enters a visit at phone width, which opens a case."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from inspections.models import Case, Questionnaire, Round
from inspections.services import surveying
from tests.browser.conftest import SHOTS
from tests.inspections.conftest import (  # noqa: F401 - fixtures
    county,
    drawn_round,
    first,
    office,
    planned_round,
    surveyor,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_surveyor_enters_a_visit_on_a_phone(
    drawn_round: Round, surveyor: User, office: User,  # noqa: F811
    sign_in: Callable[[User], Page], live_server: Any,
) -> None:  # fmt: skip
    sample = first(drawn_round)
    surveying.assign(round=drawn_round, samples=[sample], surveyor=surveyor, by=office)
    page = sign_in(surveyor)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{live_server.url}/rounds/visits/")
    page.locator("main table a[href^='/rounds/visits/']").first.click()
    page.get_by_label("地点").fill("户内")
    for item in Questionnaire.objects.get(subject=sample.kind, version=1).schema:
        field = page.locator(f"[name='item_{item['code']}']")
        if not item.get("required"):
            continue
        if item["kind"] == "yesno":
            field.select_option("yes")
        else:
            field.fill("3")
    page.locator("[name='WRONGFUL_EXIT_persons']").fill("1")
    page.locator("[name='WRONGFUL_EXIT_reason']").fill("住房漏雨")
    wide = page.evaluate("document.documentElement.scrollWidth")
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / "visit-390.png", full_page=True)
    assert wide <= 390
    page.get_by_role("button", name="保存").click()
    expect(page.get_by_text("已完成")).to_be_visible()
    assert Case.objects.get().persons == 1
