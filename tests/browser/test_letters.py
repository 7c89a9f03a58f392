"""The three letters in the browser: a problem is late, and climbs to the third and what comes of it."""

from collections.abc import Callable
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from docx import Document
from playwright.sync_api import Locator, Page, expect

from accounts.enums import Role
from accounts.models import User
from inspections.enums.findings import State
from inspections.enums.letters import Kind
from inspections.models import Accountability, Finding, Letter
from tests.cast import cast
from tests.conftest import person
from tests.inspections.findings.conftest import DUE, Office

Enter = Callable[[User], Page]
Shoot = Callable[[Page, str], None]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


class Clock:
    """The day that pages believe in."""

    def __init__(self, day: date) -> None:
        self.day = day

    def __call__(self, *_: Any, **__: Any) -> date:
        return self.day

    def go_on(self, days: int) -> date:
        self.day += timedelta(days=days)
        return self.day


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock(DUE + timedelta(days=3))
    monkeypatch.setattr(timezone, "localdate", made)
    return made


@pytest.fixture
def office(product: Any) -> Office:
    second = person("countyoffice2", Role.COUNTY_OFFICE, "410324")
    return Office(cast("village_official"), cast("town_clerk"), cast("county_office"), second)


def looked_at(page: Page, shoot: Any, name: str) -> None:
    """A picture at both widths, and no fault that axe knows."""
    shoot(page, name)
    found = Axe().run(page).response["violations"]
    assert [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in found] == [], name


def drafted(page: Page, live_server: Any, shoot: Shoot, name: str) -> Letter:
    """What the button on the list drafts, opened."""
    page.goto(f"{live_server.url}/letters/")
    page.get_by_role("button", name="立即拟稿").click()
    expect(page.get_by_text("1 份文书待确认，请逐份确认签发。")).to_be_visible()
    looked_at(page, shoot, f"letters-{name}")
    letter = Letter.objects.get(state="PREPARED")
    page.locator("tbody a").first.click()
    expect(page.locator(".page-head")).to_contain_text("待确认")
    return letter


def of(page: Page, title: str) -> Locator:
    return page.locator("section", has=page.get_by_role("heading", name=title, exact=True))


def issued(page: Page, day: date, days: int) -> None:
    """Confirmed as of a day, the answer due so many days later."""
    form = of(page, "确认签发")
    form.get_by_label("签发日期").fill(f"{day:%Y-%m-%d}")
    form.get_by_label("答复期限").fill(f"{day + timedelta(days=days):%Y-%m-%d}")
    form.get_by_role("button", name="签发", exact=True).click()
    expect(page.get_by_text("已签发并编号")).to_be_visible()


def downloaded(page: Page, what: str) -> bytes:
    with page.expect_download() as waiting:
        page.get_by_role("link", name=what).click()
    return Path(waiting.value.path()).read_bytes()


def spoken(content: bytes) -> str:
    """All that a Word file says, its tables too."""
    word = Document(BytesIO(content))
    cells = [cell.text for table in word.tables for row in table.rows for cell in row.cells]
    return "\n".join([one.text for one in word.paragraphs] + cells)


def test_a_late_problem_climbs_to_the_third_letter_and_its_outcome(
    office: Office, clock: Clock, enter: Enter, live_server: Any, shoot: Shoot
) -> None:
    finding: Finding = office.brought_to(State.ASSIGNED, fact="公示栏内容半年没有更新")
    page = enter(office.county)
    page.goto(f"{live_server.url}/findings/?standing=overdue")
    page.get_by_role("link", name=finding.number).click()
    expect(page.locator(".page-head")).to_contain_text("逾期 3 天")
    looked_at(page, shoot, "letter-late-problem")

    letter = drafted(page, live_server, shoot, "first")
    form = of(page, "补充说明")
    form.get_by_label("补充说明").fill("请于期限内整改到位，并附前后照片。")
    form.get_by_role("button").click()
    expect(page.get_by_text("已保存。")).to_be_visible()
    looked_at(page, shoot, "letter-draft")
    issued(page, clock.day, 9)
    looked_at(page, shoot, "letter-issued")
    text = spoken(downloaded(page, "下载 Word"))
    for words in (
        "问题整改提示函",
        "〔2018〕1",
        "城关镇人民政府",
        finding.fact,
        "附前后照片",
        "回　　执",
    ):
        assert words in text, words
    assert downloaded(page, "下载 PDF").startswith(b"%PDF-")
    form = of(page, "登记签收")
    form.get_by_label("签收人").fill("党政办 李主任")
    form.get_by_label("签收日期").fill(f"{clock.go_on(1):%Y-%m-%d}")
    form.get_by_role("button").click()
    expect(page.get_by_text("已登记签收。")).to_be_visible()

    # Nobody answers in time.
    clock.go_on(12)
    page.goto(f"{live_server.url}/letters/")
    expect(page.get_by_text("逾期 4 天")).to_be_visible()
    drafted(page, live_server, shoot, "second")
    issued(page, clock.day, 7)
    assert "督办" in spoken(downloaded(page, "下载 Word"))
    form = of(page, "登记答复")
    form.get_by_label("答复内容").fill("已安排更换，月底完成。")
    form.get_by_label("答复日期").fill(f"{clock.go_on(5):%Y-%m-%d}")
    form.get_by_role("button").click()
    expect(page.locator(".page-head")).to_contain_text("已答复")
    looked_at(page, shoot, "letter-answered")

    # Answered, but not mended.
    clock.go_on(20)
    drafted(page, live_server, shoot, "third")
    issued(page, clock.day, 10)
    looked_at(page, shoot, "letter-third")
    page.goto(f"{live_server.url}/letters/accountability/")
    looked_at(page, shoot, "accountability")
    page.locator("tbody a").first.click()
    page.get_by_label("受理机关").fill("县纪委监委")
    page.get_by_label("处理结果").select_option(label="诫勉")
    page.get_by_label("处理人数").fill("1")
    page.get_by_label("处理日期").fill(f"{clock.go_on(9):%Y-%m-%d}")
    page.get_by_label("处理情况").fill("约谈主要负责人，限期整改。")
    page.get_by_role("button", name="登记", exact=True).click()
    # Whoever was held responsible was so by a document.
    expect(page.get_by_text("请填写处理文号。")).to_be_visible()
    page.get_by_label("处理文号").fill("栾纪〔2018〕12 号")
    page.get_by_role("button", name="登记", exact=True).click()
    expect(page.locator(".page-head")).to_contain_text("诫勉")
    looked_at(page, shoot, "accountability-outcome")

    assert list(Letter.objects.order_by("pk").values_list("kind", "number")) == [
        (Kind.REMIND, 1), (Kind.SUPERVISE, 1), (Kind.ACCOUNT, 1),
    ]  # fmt: skip
    assert Accountability.objects.get().persons == 1
    finding.refresh_from_db()
    assert finding.rung == 3
    page.goto(f"{live_server.url}/findings/{finding.pk}/")
    timeline = page.locator(".timeline")
    for kind in Kind:
        expect(timeline).to_contain_text(kind.label)
    looked_at(page, shoot, "letter-whole-timeline")
    # Drafting once more brings nothing: there is no fourth.
    page.goto(f"{live_server.url}/letters/")
    page.get_by_role("button", name="立即拟稿").click()
    expect(page.get_by_text("没有需要新拟的文书")).to_be_visible()
    letter.refresh_from_db()
    assert letter.state == "RECEIVED"
