"""The way of a workbook in a real browser with a real worker: dropped, looked through, handed back,
mended, written, undone; and one of the county's own that somebody has to explain first."""

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from accounts.enums import Role
from accounts.models import User
from core.acting import acting
from imports import services
from imports.models import Batch
from imports.services.problems import save_problems
from tests.conftest import Worker, person
from tests.imports.test_mapping import HEADS, SAID, own_row
from tests.workbooks import build, family, member

pytestmark = [pytest.mark.browser, pytest.mark.integration]

SignIn = Callable[[User], Page]
Shoot = Callable[[Page, str], None]
SOON = 60_000


def violations(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in found]


def looked_at(page: Page, shoot: Shoot, name: str) -> None:
    """A picture at both widths, and no fault that axe knows."""
    shoot(page, name)
    assert violations(page) == [], name


def load(rows: list[dict[str, Any]], *, write: bool = False) -> Batch:
    batch = services.receive(
        chunks=[build(rows)], file_name="2018 年贫困人口.xlsx", partition=2018,
        region_prefix="410324", by=None,
    )  # fmt: skip
    plan = services.stage(batch=batch, stage_name=f"b{batch.pk}_0")
    save_problems(batch, plan)
    batch.save()
    if write:
        with acting(by=None):
            services.apply(batch=batch)
    return batch


def dropped(page: Page, path: Path) -> None:
    """Drop a file on the zone, as a hand with a mouse would."""
    body = list(path.read_bytes())
    transfer = page.evaluate_handle(
        "([body, name]) => { const t = new DataTransfer();"
        " t.items.add(new File([new Uint8Array(body)], name)); return t; }",
        [body, path.name],
    )
    page.dispatch_event("[data-drop]", "dragover", {"dataTransfer": transfer})
    page.dispatch_event("[data-drop]", "drop", {"dataTransfer": transfer})


@pytest.mark.may_show_numbers("a workbook goes back to those who may load it")
def test_from_the_drop_to_the_undo(
    sign_in: SignIn, luanchuan_clerk: User, worker: Worker, tmp_path: Path, shoot: Shoot
) -> None:
    load([*family(1), *family(2)], write=True)
    page = sign_in(luanchuan_clerk)
    page.get_by_role("link", name="导入", exact=True).first.click()
    page.get_by_role("link", name="上传工作簿").first.click()
    looked_at(page, shoot, "import-upload")
    rows = [
        *family(1, 致贫原因="因残"), *family(2), member(5, 3, 致贫原因="因懒", 帮扶备注="已走访两次"),
        *family(4, 联系电话="6681379"),
    ]  # fmt: skip
    first = tmp_path / "第一次.xlsx"
    first.write_bytes(build(rows))
    dropped(page, first)
    expect(page.get_by_text("已选择：第一次.xlsx")).to_be_visible()
    page.locator("#id_partition").fill("2018")
    page.get_by_role("button", name="上传并核对").click()
    expect(page.get_by_role("heading", name="核对结果")).to_be_visible(timeout=SOON)
    looked_at(page, shoot, "import-preview")

    # Every figure opens into its rows.
    persons = page.get_by_role("row").filter(
        has=page.get_by_role("rowheader", name="人", exact=True)
    )
    persons.get_by_role("link").last.click()
    expect(page.get_by_role("heading", name="人：退回")).to_be_visible()
    expect(page.get_by_text("代码表外的取值")).to_be_visible()
    looked_at(page, shoot, "import-rows")
    number = Batch.objects.latest("pk").pk
    page.get_by_role("link", name=f"第 {number} 批").click()
    page.get_by_role("link", name="查看全部行").click()
    looked_at(page, shoot, "import-problems")
    page.go_back()
    page.get_by_role("link", name="逐项对照").click()
    expect(page.get_by_text("因残").first).to_be_visible()
    looked_at(page, shoot, "import-changes")
    page.go_back()
    page.get_by_role("link", name="查找原始行").click()
    page.get_by_label("查找内容").fill("走访")
    page.get_by_role("button", name="查找").click()
    expect(page.get_by_text("共 1 行")).to_be_visible()
    looked_at(page, shoot, "import-raw")
    page.get_by_role("link", name=f"第 {number} 批").click()

    # Handed back with the reasons, mended, and loaded again.
    page.get_by_role("button", name="生成：仅退回的行").click()
    link = page.get_by_role("link", name="下载")
    expect(link).to_be_visible(timeout=SOON)
    looked_at(page, shoot, "import-returned")
    with page.expect_download() as saved:
        link.click()
    mended = tmp_path / "更正.xlsx"
    book = openpyxl.load_workbook(io.BytesIO(Path(saved.value.path()).read_bytes()))
    sheet: Any = book.active
    cells = [cell for row in sheet.iter_rows() for cell in row if cell.value == "因懒"]
    assert len(cells) == 1
    assert cells[0].comment is not None
    assert "代码表外" in cells[0].comment.text
    cells[0].value = "因病"
    book.save(mended)
    page.get_by_role("link", name="上传更正文件").click()
    expect(page.get_by_role("heading", name=f"更正第 {number} 批")).to_be_visible()
    page.locator("input[type=file]").set_input_files(mended)
    page.get_by_role("button", name="上传并核对").click()
    expect(page.get_by_role("heading", name="核对结果")).to_be_visible(timeout=SOON)
    expect(page.get_by_role("row", name="人 1")).to_be_visible()
    page.get_by_role("button", name="确认写入").click()
    expect(page.get_by_role("heading", name="处理结果")).to_be_visible(timeout=SOON)
    looked_at(page, shoot, "import-applied")

    page.get_by_role("link", name="撤销本批…").click()
    expect(page.get_by_text("移出登记")).to_be_visible()
    looked_at(page, shoot, "import-undo")
    page.get_by_role("button", name="撤销本批").click()
    expect(page.get_by_role("heading", name="曾写入，已撤销")).to_be_visible(timeout=SOON)
    page.get_by_role("link", name="导入", exact=True).first.click()
    expect(page.get_by_role("heading", name="共 3 批")).to_be_visible()
    looked_at(page, shoot, "import-history")
    assert page.problems == []  # type: ignore[attr-defined]


def test_a_table_of_the_countys_own(
    sign_in: SignIn, luanchuan_clerk: User, worker: Worker, tmp_path: Path, shoot: Shoot
) -> None:
    page = sign_in(luanchuan_clerk)
    page.goto(f"{page.url.rstrip('/')}/imports/upload/".replace("//imports", "/imports"))
    path = tmp_path / "某县台账.xlsx"
    path.write_bytes(build([own_row(1), own_row(2)], HEADS, titles=("某县台账",)))
    page.locator("input[type=file]").set_input_files(path)
    page.locator("#id_partition").fill("2018")
    page.get_by_role("button", name="上传并核对").click()
    expect(page.get_by_text("没有认出这种表头")).to_be_visible(timeout=SOON)
    looked_at(page, shoot, "import-unmapped")
    page.get_by_role("link", name="对应列", exact=True).click()
    for index, fact in SAID.items():
        page.locator(f"#id_column_{index}").select_option(fact)
    page.get_by_label("每一行是什么").select_option("person")
    page.get_by_label("版式名称").fill("")
    looked_at(page, shoot, "import-columns")
    page.get_by_label("版式名称").fill("本县台账")
    page.get_by_role("button", name="记住并重新核对").click()
    expect(page.get_by_role("heading", name="核对结果")).to_be_visible(timeout=SOON)
    expect(page.get_by_text("本县台账").first).to_be_visible()
    assert page.problems == []  # type: ignore[attr-defined]


def test_the_catalogue(sign_in: SignIn, product: Any, shoot: Shoot) -> None:
    load(family(1))
    page = sign_in(person("office", Role.CITY_OFFICE, "4103"))
    for below, name in (
        ("", "catalog-headers"), ("codes/", "catalog-tables"), ("codes/poverty_cause/", "catalog-table"),
        ("rules/", "catalog-rules"), ("rules/IDN09/", "catalog-rule"), ("layouts/", "catalog-layouts"),
        ("layouts/P2018/", "catalog-layout"),
    ):  # fmt: skip
        page.goto(f"{product.url}/imports/catalog/{below}")
        looked_at(page, shoot, name)
    page.goto(f"{product.url}/imports/catalog/rules/IDN09/")
    page.get_by_label("处理方式").select_option("BACK")
    page.get_by_label("修改原因").fill("市里的决定")
    page.get_by_role("button", name="保存").click()
    expect(page.get_by_text("规则 IDN09 已修改")).to_be_visible()
    assert page.problems == []  # type: ignore[attr-defined]


def test_refused_and_without_scripts(
    sign_in: SignIn,
    luanchuan_clerk: User,
    worker: Worker,
    tmp_path: Path,
    shoot: Shoot,
    browser: Any,
) -> None:
    """What no parser should see is refused beside the field; without scripts the form still works."""
    page = sign_in(luanchuan_clerk)
    base = page.url.split("/regions")[0].rstrip("/")
    page.goto(f"{base}/imports/upload/")
    path = tmp_path / "假表.xlsx"
    path.write_bytes(b"%PDF-1.7 nothing")
    page.locator("input[type=file]").set_input_files(path)
    page.locator("#id_partition").fill("2018")
    page.get_by_role("button", name="上传并核对").click()
    expect(page.get_by_text("（代码")).to_be_visible()
    looked_at(page, shoot, "import-refused")
    plain = browser.new_context(
        java_script_enabled=False, storage_state=page.context.storage_state()
    )
    still = plain.new_page()
    still.goto(f"{base}/imports/upload/")
    good = tmp_path / "好表.xlsx"
    good.write_bytes(build(family(1)))
    still.locator("input[type=file]").set_input_files(good)
    still.locator("#id_partition").fill("2018")
    still.get_by_role("button", name="上传并核对").click()
    expect(still.get_by_text("好表.xlsx").first).to_be_visible()
    assert re.search(r"/imports/\d+/$", still.url)
    plain.close()
