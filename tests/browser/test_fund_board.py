"""The leader's board of money in the browser: from the headline to the entry behind it."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.enums import Role
from accounts.models import User
from funds.models import Source
from funds.services import figuring, moving, paying
from funds.services.moving import Share
from households.models import Partition
from tests.conftest import person
from tests.funds.conftest import announced, ground, pool_of, posted
from villages.models import Region

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def leader(product: Any) -> User:
    Partition.objects.get_or_create(year=2018)
    return person("fundsleader", Role.LEADER, "4103")


@pytest.fixture
def money(leader: User) -> Source:
    """A year's money: raised by month, handed to counties, spent in part."""
    cashier, checker = (person(name, Role.FINANCE, "4103") for name in ("cashier", "checker"))
    sources = [
        announced(cashier, "3600000000.00", level="CENTRAL", kind="11", batch=1),
        announced(cashier, "900000000.00", level="CITY", kind="31", batch=2),
    ]
    for source in sources:
        for month in (1, 3, 6):
            asked = moving.arrive(
                source=source, amount=source.amount / 4, ground=ground(date(2018, month, 10)),
                by=cashier,
            )  # fmt: skip
            posted(asked, checker)
    for place in Region.objects.filter(level="county", code__startswith="4103"):
        for number, source in enumerate(sources):
            share = Share(place, source.amount / 8 + number, unit=f"{place.name}交通局")
            asked = moving.allocate(
                pool=pool_of(source), shares=[share], ground=ground(date(2018, 6, 20)), by=cashier
            )
            posted(asked, checker)
    for number, account in enumerate(sources[0].accounts.filter(kind="ALLOTMENT").order_by("pk")):
        for month in (7, 9):
            voucher = paying.pay_contractor(
                allotment=account, payee="某路桥公司", bank_account="",
                amount=(account.balance / (3 + number)).quantize(Decimal("0.01")),
                ground=ground(date(2018, month, 15)), by=cashier,
            )  # fmt: skip
            posted(voucher, checker)
    figuring.tell_ended(today=date(2018, 8, 1))
    return sources[0]


def test_from_the_headline_to_the_entry(
    money: Source, leader: User, enter: Callable[[User], Page], live_server: Any,
    shoot: Callable[[Page, str], None],
) -> None:  # fmt: skip
    page = enter(leader)
    page.goto(f"{live_server.url}/funds/?year=2018")
    expect(page.get_by_role("heading", name="2018 年度资金到位 33.75 亿元")).to_be_visible()
    shoot(page, "funds-board")
    page.get_by_role("link", name="支出率").first.click()
    expect(page.get_by_text("一致").first).to_be_visible()
    shoot(page, "funds-figure")
    page.get_by_role("link", name="分录").first.click()
    expect(page.get_by_role("heading", name="逐笔分录")).to_be_visible()
    shoot(page, "funds-entries")
    page.goto(f"{live_server.url}/funds/?year=2018")
    page.get_by_label("截至").select_option("2018-07")
    page.get_by_role("button", name="查看").click()
    expect(page.get_by_text("月末数第 1 版")).to_be_visible()
    page.get_by_role("link", name="月末数").first.click()
    shoot(page, "funds-month")
    page.goto(f"{live_server.url}/funds/board/410324/?year=2018")
    shoot(page, "funds-county")
    page.goto(f"{live_server.url}/funds/figures/4103/idle/?kind=allotment&year=2018")
    shoot(page, "funds-idle")
