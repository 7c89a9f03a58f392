"""The pages of payments by workbook: from the file to the public list, and who may not."""

from collections.abc import Callable
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook

from accounts.enums import Role
from accounts.models import User
from core.jobs.models import JobState
from core.ledger.models import AccessEntry
from funds import workbooks
from funds.enums import BatchState
from funds.models import Account, Payment, PaymentBatch, PayrollPerson
from funds.services import posting
from tests.conftest import person
from tests.factories.households import household
from tests.factories.villages import RegionFactory
from tests.funds.conftest import COUNTY
from tests.funds.test_batches import (
    allotment,
    book,
    checked,
    hand_in,
    head_of,
    paid,
    row,
    work,
)

__all__ = ["allotment"]
pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]
LIST = "/funds/batches/"


def body(answer: Any) -> str:
    return str(answer.content.decode())


def form(account: Account, rows: list[dict[str, Any]], **told: str) -> dict[str, Any]:
    file = SimpleUploadedFile("名单.xlsx", book(rows))
    return {
        "account": str(account.pk), "on": "2018-06-01", "document": "栾财〔2018〕9号", "year": "2018",
        "part": "第二 季度", "key": "k", "file": file,
    } | told  # fmt: skip


@pytest.fixture
def neighbour(db: None) -> User:
    return person("songfinance", Role.FINANCE, "410325")


@pytest.fixture
def batch(allotment: Account, cashier: User) -> PaymentBatch:
    return checked(
        [row(household(head="张三丰")), row(household(), 姓名="王不同")], allotment, cashier
    )


def test_from_the_workbook_to_the_public_list(
    allotment: Account, cashier: User, checker: User, as_user: SignIn
) -> None:
    home, other = household(head="张三丰"), household()
    rows = [row(home), row(other, 姓名="王不同")]
    clerk = as_user(cashier)
    assert "上传名单" in body(clerk.get(LIST))
    assert f'value="{allotment.pk}"' in body(clerk.get(f"{LIST}new/"))
    answer = clerk.post(f"{LIST}new/", form(allotment, rows))
    made = PaymentBatch.objects.get()
    page = f"{LIST}{made.pk}/"
    assert answer["Location"] == page
    assert made.period == "2018年第二季度"
    assert "任务继续进行" in body(clerk.get(page))
    assert work(made).state == JobState.DONE
    preview = body(clerk.get(page))
    assert "确认发放 1 行" in preview
    assert "姓名与登记不符" in preview
    # The same form once more is the same batch.
    assert clerk.post(f"{LIST}new/", form(allotment, rows))["Location"] == page

    returned = clerk.get(f"{page}returned/")
    sheet = load_workbook(BytesIO(returned.content)).active
    assert sheet is not None
    assert sheet.max_row == 3
    assert rows[1]["收款账号"] not in {cell.value for line in sheet.iter_rows() for cell in line}
    noted = AccessEntry.objects.get(subject_kind="payment_batch")
    assert (noted.rows, noted.region) == (1, COUNTY)

    assert clerk.post(f"{page}confirm/").status_code == 302
    work(made)
    assert made.state == BatchState.SUBMITTED
    assert clerk.get(f"{page}public/").status_code == 404
    posting.approve(voucher=made.voucher, by=checker)
    public = body(clerk.get(f"{page}public/"))
    assert "张*丰" in public
    assert "张三丰" not in public
    assert rows[0]["收款账号"] not in public
    assert home.household.household_no not in public
    assert clerk.get(f"{page}public/?village=410325100201").status_code == 404
    assert "张*丰" in body(clerk.get(f"{page}public/?village={home.village_code}"))
    assert "公示名单" in body(clerk.get(page))


def test_forms_that_lack_something(allotment: Account, cashier: User, as_user: SignIn) -> None:
    clerk = as_user(cashier)
    assert clerk.post(f"{LIST}new/", {}).status_code == 422
    other_year = clerk.post(f"{LIST}new/", form(allotment, [row()], on="2017-06-01"))
    assert "2018 年内" in body(other_year)
    no_book = form(allotment, []) | {"file": SimpleUploadedFile("名单.xlsx", b"PK\x03\x04")}
    assert clerk.post(f"{LIST}new/", no_book).status_code == 422
    assert PaymentBatch.objects.count() == 0


def test_refusals_are_said_on_the_page(
    batch: PaymentBatch, checker: User, cashier: User, as_user: SignIn
) -> None:
    page = f"{LIST}{batch.pk}/"
    refused = as_user(checker).post(f"{page}confirm/")
    assert (refused.status_code, "上传名单的经办人" in body(refused)) == (422, True)
    assert as_user(cashier).post(f"{page}discard/").status_code == 302
    batch.refresh_from_db()
    assert (batch.state, batch.rows.count()) == (BatchState.DISCARDED, 0)


PAGES = ("", "returned/", "public/")


def test_neighbour_finds_nothing(
    batch: PaymentBatch, neighbour: User, as_user: SignIn, cashier: User, checker: User
) -> None:
    paid(batch, cashier)
    posting.approve(voucher=batch.voucher, by=checker)
    client = as_user(neighbour)
    for page in PAGES:
        assert as_user(cashier).get(f"{LIST}{batch.pk}/{page}").status_code == 200
        assert client.get(f"{LIST}{batch.pk}/{page}").status_code == 404
    for act in ("confirm", "discard"):
        assert client.post(f"{LIST}{batch.pk}/{act}/").status_code == 404
    assert "还没有发放批次" in body(client.get(LIST))


def test_neighbour_pays_out_of_no_account_here(
    allotment: Account, neighbour: User, as_user: SignIn
) -> None:
    answer = as_user(neighbour).post(f"{LIST}new/", form(allotment, [row()]))
    assert (answer.status_code, PaymentBatch.objects.count()) == (422, 0)


def test_reader_reads_and_does_nothing(
    batch: PaymentBatch, city_leader: User, as_user: SignIn
) -> None:
    client = as_user(city_leader)
    assert client.get(LIST).status_code == 200
    page = client.get(f"{LIST}{batch.pk}/")
    assert page.status_code == 200
    assert "确认发放" not in body(page)
    assert "下载有问题的行" not in body(page)
    for address in (f"{LIST}new/", f"{LIST}{batch.pk}/returned/", "/funds/payroll/",
                    f"{LIST}blank/payments/"):  # fmt: skip
        assert client.get(address).status_code == 403
    for act in ("confirm", "discard"):
        assert client.post(f"{LIST}{batch.pk}/{act}/").status_code == 403


def test_bad_ids_and_wrong_methods(batch: PaymentBatch, cashier: User, as_user: SignIn) -> None:
    client = as_user(cashier)
    for page in PAGES:
        assert client.get(f"{LIST}999999/{page}").status_code == 404
        assert client.post(f"{LIST}{batch.pk}/{page}").status_code == 405
    assert client.post(f"{LIST}{batch.pk}/burn/").status_code == 404
    assert client.get(f"{LIST}{batch.pk}/confirm/").status_code == 405
    assert client.get(f"{LIST}blank/other/").status_code == 404
    assert client.post(LIST).status_code == 405
    assert client.post(f"{LIST}blank/payments/").status_code == 405


@pytest.mark.parametrize("kind", ["payments", "payroll"])
def test_blank_forms_have_their_heads(kind: str, cashier: User, as_user: SignIn) -> None:
    sheet = load_workbook(BytesIO(as_user(cashier).get(f"{LIST}blank/{kind}/").content)).active
    assert sheet is not None
    heads = [cell.value for cell in next(sheet.iter_rows())]
    wanted = workbooks.COLUMNS if kind == "payments" else workbooks.ROSTER_COLUMNS
    assert (tuple(heads), sheet.max_row) == (wanted, 1)


def test_roster_is_loaded_and_replaced(county_cashier: User, as_user: SignIn) -> None:
    RegionFactory(code=COUNTY)
    homes = [household(), household()]
    client = as_user(county_cashier)
    for many in (2, 1):
        rows = [{"证件号码": head_of(home).id_no} for home in homes[:many]]
        file = SimpleUploadedFile("名册.xlsx", book(rows, workbooks.ROSTER_COLUMNS))
        told = {"region": COUNTY, "source": "县财政局名册", "file": file}
        assert client.post("/funds/payroll/", told).status_code == 302
        assert PayrollPerson.objects.count() == many
    page = body(client.get("/funds/payroll/"))
    assert "县财政局名册" in page
    assert head_of(homes[0]).id_no not in page
    assert client.post("/funds/payroll/", {}).status_code == 422


@pytest.mark.parametrize("address", [LIST, "{batch}", "{batch}public/"])
def test_as_many_queries_for_three_as_for_one(
    address: str, allotment: Account, cashier: User, checker: User, as_user: SignIn
) -> None:
    counts = []
    client = as_user(cashier)
    for many in (1, 3):
        made = paid(checked([row(household()) for _ in range(many)], allotment, cashier), cashier)
        posting.approve(voucher=made.voucher, by=checker)
        for _ in range(many - 1):
            hand_in([row()], allotment, cashier)
        page = address.format(batch=f"{LIST}{made.pk}/")
        client.get(page)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(page).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_public_list_turns_its_pages_by_village(
    allotment: Account, cashier: User, checker: User, as_user: SignIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    from funds.queries import batches

    monkeypatch.setattr(batches, "PUBLIC_PAGE", 2)
    homes = [household(), household(), household(code="410324100204")]
    made = paid(checked([row(home) for home in homes], allotment, cashier), cashier)
    posting.approve(voucher=made.voucher, by=checker)
    made.refresh_from_db()
    first = batches.public_page(made, cashier)
    second = batches.public_page(made, cashier, "", first.after)
    assert [one.pk for one in first.rows + second.rows] == [
        one.pk for one in Payment.objects.order_by("region_code", "pk")
    ]
    assert (len(first.rows), len(second.rows), second.after) == (2, 1, "")
    assert sum((one.amount for one in first.rows + second.rows), Decimal(0)) == made.amount
