"""Lists of money as files: the same figures as on the pages, for those who may read them."""

from collections.abc import Callable
from decimal import Decimal
from io import BytesIO
from typing import Any

import openpyxl
import pytest
from django.test import Client

from accounts.models import User
from funds.models import Source
from tests.factories.households import HOME, household
from tests.funds.conftest import COUNTY, allotment_of, pay, posted
from tests.funds.test_loans import lent
from villages.models import Region

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]
ASK = {"file_format": "xlsx", "numbers": "masked", "purpose": "报送市财政局"}


def rows(client: Client, address: str) -> list[list[Any]]:
    """The rows below the heads of the workbook behind the address."""
    answer = client.post(address, ASK)
    assert answer.status_code == 200, answer.content[:500]
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    sheet = openpyxl.load_workbook(BytesIO(content), read_only=True).worksheets[0]
    told = [list(row) for row in sheet.iter_rows(values_only=True)]
    head = next(at for at, row in enumerate(told) if len([one for one in row if one]) > 3)
    return [row for row in told[head + 1 :] if any(one is not None for one in row)]


def test_the_month_sent_upward(
    as_user: SignIn, allotted: Source, cashier: User, checker: User
) -> None:
    posted(pay(allotted, "10", cashier), checker)
    told = rows(as_user(cashier), "/funds/export/progress/?year=2018&month=2018-03")
    by_name = {row[0]: row[1:] for row in told}
    assert [Decimal(str(one)) for one in by_name["合计"]] == [
        100, 60, 40, 10, Decimal("16.67"), 20, 30,
    ]  # fmt: skip
    assert Decimal(str(by_name[Region.objects.get(code=COUNTY).name][3])) == 10
    before = rows(as_user(cashier), "/funds/export/progress/?year=2018&month=2018-01")
    assert before[-1][4] in (0, "0.00", "0")


def test_book_vouchers_and_loans(
    as_user: SignIn, allotted: Source, cashier: User, checker: User, finance: User
) -> None:
    posted(pay(allotted, "10", cashier), checker)
    clerk = as_user(cashier)
    book = rows(clerk, f"/funds/export/book/?account={allotment_of(allotted).pk}")
    assert [Decimal(str(row[-1])) for row in book] == [40, 30]
    assert len(rows(clerk, "/funds/export/vouchers/?kind=PAY")) == 1
    lent(household(code=HOME, head="张三"), finance)
    (loan,) = rows(as_user(finance), "/funds/export/loans/?year=2018")
    assert loan[1] == "张三"


def test_on_paper(as_user: SignIn, allotted: Source, cashier: User) -> None:
    answer = as_user(cashier).post("/funds/export/vouchers/", ASK | {"file_format": "pdf"})
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    assert content.startswith(b"%PDF")


def test_who_may_not(as_user: SignIn, allotted: Source, songxian_clerk: User) -> None:
    neighbour = as_user(songxian_clerk)
    assert (
        neighbour.get(f"/funds/export/book/?account={allotment_of(allotted).pk}").status_code == 404
    )
    assert neighbour.get("/funds/export/book/?account=x").status_code == 404
    assert neighbour.get("/funds/export/secrets/").status_code == 404
    assert neighbour.delete("/funds/export/vouchers/").status_code == 405
    assert "共 0 行" in neighbour.get("/funds/export/vouchers/").content.decode()
    nothing = neighbour.post("/funds/export/vouchers/", ASK | {"purpose": ""})
    assert nothing.status_code == 422
