"""A photo of a paper is handed in, opened and withdrawn; lists and cards come out as PDF."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from accounts.models import User
from core.acting import acting
from households.models import Attachment, Household
from tests.cast import cast
from tests.factories.households import HOME, household
from tests.papers_handed_in import jpeg

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def looked_at(page: Page, shoot: Any, name: str) -> None:
    """A picture at both widths, and no fault that axe knows."""
    shoot(page, name)
    found = Axe().run(page).response["violations"]
    assert [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in found] == [], name


def a_village(families: int) -> list[Household]:
    with acting(by=None):
        rows = [household(code=HOME, head=f"何梅{number}") for number in range(families)]
    return [row.household for row in rows]


def test_a_photo_is_handed_in_opened_and_withdrawn(
    sign_in: Callable[[User], Page], product: Any, shoot: Any, tmp_path: Path
) -> None:
    (home,) = a_village(1)
    photo = tmp_path / "IMG_0412.jpg"
    photo.write_bytes(jpeg(with_place=True))
    page = sign_in(cast("town_clerk"))
    page.goto(f"{product.url}/households/{home.household_no}/?year=2018")
    page.get_by_role("link", name="佐证材料").click()
    looked_at(page, shoot, "attachments-none")
    page.get_by_label("材料类型").select_option(label="低保证")
    page.get_by_label("说明").fill("2018 年换证")
    page.get_by_label("文件").set_input_files(photo)
    page.get_by_role("button", name="上传").click()
    expect(page.get_by_role("heading", name="附件（1 份）")).to_be_visible()
    looked_at(page, shoot, "attachments-one")

    # It stands alone in a tab of its own; without a reason the browser sends nothing.
    paper = Attachment.objects.get()
    page.get_by_role("button", name=f"打开附件 {paper.pk}").click()
    page.get_by_label("用途").select_option(label="信息核对与更正")
    page.get_by_label("具体事由").fill("核对低保证")
    assert len(page.context.pages) == 1
    with page.context.expect_page() as other:
        page.get_by_role("button", name=f"打开附件 {paper.pk}").click()
    tab = other.value
    expect(tab.locator("img")).to_have_js_property("naturalWidth", 60)
    tab.close()

    page.get_by_text("作废", exact=True).first.click()
    page.get_by_label("原因").fill("拍成了别家的")
    page.get_by_role("button", name="作废").click()
    expect(page.get_by_text("已作废，附件和原因留有记录。")).to_be_visible()
    expect(page.get_by_text("拍成了别家的")).to_be_visible()
    looked_at(page, shoot, "attachments-withdrawn")


def test_lists_and_cards_come_out_as_pdf(
    sign_in: Callable[[User], Page], product: Any, shoot: Any
) -> None:
    homes = a_village(14)
    page = sign_in(cast("town_clerk"))
    page.goto(f"{product.url}/households/?year=2018&village={HOME}")
    page.get_by_role("link", name="花名册").click()
    expect(page.get_by_text("前 12 户，共 14 户")).to_be_visible()
    looked_at(page, shoot, "paper-roster")
    page.get_by_label("用途").fill("村内核对名单")
    with page.expect_download() as kept:
        page.get_by_role("button", name="生成 PDF").click()
    assert kept.value.suggested_filename == f"花名册-{HOME}-2018.pdf"
    assert Path(kept.value.path()).read_bytes().startswith(b"%PDF-")

    page.goto(f"{product.url}/households/?year=2018&village={HOME}")
    page.get_by_role("link", name="未填清单").click()
    looked_at(page, shoot, "paper-gaps")

    page.goto(f"{product.url}/households/{homes[0].household_no}/?year=2018")
    with page.expect_download() as kept:
        page.get_by_role("link", name="登记卡 PDF").click()
    assert kept.value.suggested_filename.startswith("登记卡-")
    assert page.problems == []  # type: ignore[attr-defined]
