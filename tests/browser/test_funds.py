"""Money in the browser: from the document to the contractor, and by card to a household."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.enums import Role
from accounts.models import User
from funds.models import Account, Source
from tests.conftest import Worker, person
from tests.factories.households import HOME, household
from tests.funds.test_batches import book, row

pytestmark = [pytest.mark.browser, pytest.mark.integration]
Enter = Callable[[User], Page]
Shoot = Callable[[Page, str], None]
SOON = 60_000
GROUND = {"业务日期": "2018-03-05", "依据文件": "洛财〔2018〕1号", "摘要": "2018 年第一批"}


def fill(page: Page, told: dict[str, str]) -> None:
    for label, value in told.items():
        page.get_by_label(label, exact=False).first.fill(value)


def approved(page: Page, enter: Enter, checker: User, cashier: User) -> None:
    """The second person posts the voucher on the page; then the clerk is back."""
    address = page.url
    enter(checker)
    page.goto(address)
    page.get_by_role("button", name="复核入账").click()
    expect(page.get_by_text("已入账，凭证号")).to_be_visible()
    enter(cashier)


@pytest.mark.may_show_numbers("a clerk pays the account of a contractor")
def test_from_the_document_to_the_household(
    product: Any, sign_in: Enter, enter: Enter, worker: Worker, tmp_path: Path, shoot: Shoot
) -> None:
    cashier, checker = (person(name, Role.FINANCE, "4103") for name in ("cashier", "checker"))
    home, other = household(code=HOME, head="张三"), household(code=HOME, head="李四")
    page = sign_in(cashier)
    page.goto(f"{product.url}/funds/sources/")
    page.get_by_role("link", name="登记文件").click()
    page.get_by_label("登记单位所在区划").select_option(label="洛阳市")
    page.get_by_label("资金级次").select_option(label="省级")
    page.get_by_label("资金类别").select_option(label="省级财政专项扶贫资金")
    fill(page, {
        "发文编号": "豫财农〔2018〕7号", "文件名称": "省级财政专项扶贫资金", "预算年度": "2018",
        "发文日期": "2018-02-01", "发文单位": "省财政厅", "下达金额": "100000",
    })  # fmt: skip
    page.get_by_role("button", name="登记", exact=True).click()
    expect(page.get_by_role("heading", name="省级财政专项扶贫资金")).to_be_visible()
    source = Source.objects.get()

    page.get_by_role("link", name="登记到位").click()
    fill(page, {"到位金额": "60000", **GROUND})
    page.get_by_role("button", name="提交复核").click()
    expect(page.get_by_text("等待另一人复核")).to_be_visible()
    shoot(page, "fund-voucher-waits")
    approved(page, enter, checker, cashier)

    pool = Account.objects.get(source=source, kind="POOL")
    page.goto(f"{product.url}/funds/accounts/{pool.pk}/")
    page.get_by_role("link", name="分配", exact=True).click()
    page.get_by_label("1．区划").select_option(label="栾川县")
    page.locator("#id_unit_1").fill("县农业农村局")
    page.locator("#id_amount_1").fill("40000")
    fill(page, GROUND)
    shoot(page, "fund-allocate")
    page.get_by_role("button", name="提交复核").click()
    expect(page.get_by_text("等待另一人复核")).to_be_visible()
    approved(page, enter, checker, cashier)

    allotment = Account.objects.get(source=source, kind="ALLOTMENT")
    page.goto(f"{product.url}/funds/accounts/{allotment.pk}/pay/")
    fill(page, {"收款单位": "某路桥公司", "收款账号": "6217000012345678", "支付金额": "15000.50"})
    fill(page, GROUND)
    page.get_by_role("button", name="提交复核").click()
    expect(page.get_by_text("************5678")).to_be_visible()
    approved(page, enter, checker, cashier)
    page.goto(f"{product.url}/funds/accounts/{allotment.pk}/")
    expect(page.get_by_role("cell", name="24,999.50")).to_be_visible()
    shoot(page, "fund-ledger")

    # By card: the good row is paid, the bad one comes back.
    page.goto(f"{product.url}/funds/batches/new/")
    page.get_by_label("资金账户").select_option(value=str(allotment.pk))
    fill(page, {"发放日期": "2018-06-01", "依据文件": "栾财〔2018〕9号", "补助年度": "2018"})
    file = tmp_path / "名单.xlsx"
    file.write_bytes(book([row(home), row(other, 姓名="王五")]))
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("button", name="上传并核对").click()
    confirm = page.get_by_role("button", name="确认发放 1 行")
    expect(confirm).to_be_visible(timeout=SOON)
    expect(page.get_by_text("姓名与登记不符")).to_be_visible()
    shoot(page, "fund-batch")
    confirm.click()
    expect(page.get_by_role("link", name="待复核")).to_be_visible(timeout=SOON)
    page.get_by_role("link", name="待复核").click()
    approved(page, enter, checker, cashier)

    page.goto(f"{product.url}/funds/household/{home.household.household_no}/?year=2018")
    expect(page.get_by_text("已支付", exact=True)).to_be_visible()
    expect(page.get_by_text("合计 10.50 元")).to_be_visible()
    shoot(page, "fund-household")
    for name in ("sources", "vouchers", "accounts", "batches", "loans", "findings"):
        page.goto(f"{product.url}/funds/{name}/")
        shoot(page, f"fund-{name}")
    assert page.problems == []  # type: ignore[attr-defined]
