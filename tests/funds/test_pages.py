"""The pages of money: from a document to a posted payment by their forms, and who may not."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from funds.models import ClosedYear, Source, Voucher
from funds.services import moving
from tests.factories.villages import RegionFactory
from tests.funds.conftest import CITY, COUNTY, allotment_of, announced, ground, pay, pool_of, posted

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]
GROUND = {"on": "2018-03-05", "document": "洛财〔2018〕1号", "reason": "测试"}
DOCUMENT = {
    "region": CITY, "doc_no": "豫财农〔2018〕7号", "title": "专项扶贫资金", "level": "PROVINCE",
    "kind": "21", "batch": "1", "year": "2018", "issued_on": "2018-02-01", "issuer": "省财政厅",
    "amount": "100.00",
}  # fmt: skip
ACTS = ("arrive", "allocate", "pay")


def body(answer: Any) -> str:
    return str(answer.content.decode())


def key_of(answer: Any) -> str:
    """The hidden key of the form on the page."""
    found = re.search(r'name="key" value="([0-9a-f]+)"', body(answer))
    assert found
    return found[1]


def ask(client: Client, address: str, **told: str) -> Voucher:
    """Fill in the form behind the address; the voucher that it led to."""
    key = key_of(client.get(address))
    answer = client.post(address, GROUND | told | {"key": key})
    assert answer.status_code == 302, body(answer)
    return Voucher.objects.get(pk=int(answer["Location"].split("/")[-2]))


def test_from_the_document_to_the_payee(as_user: SignIn, cashier: User, checker: User) -> None:
    RegionFactory(code=CITY)
    RegionFactory(code=COUNTY)
    clerk, second = as_user(cashier), as_user(checker)
    assert clerk.post("/funds/sources/new/", DOCUMENT | {"amount": "1.005"}).status_code == 422
    made = clerk.post("/funds/sources/new/", DOCUMENT)
    source = Source.objects.get()
    assert made["Location"] == f"/funds/sources/{source.pk}/"
    assert "省级财政专项扶贫资金" in body(clerk.get("/funds/sources/"))
    twice = clerk.post("/funds/sources/new/", DOCUMENT)
    assert "已经登记" in body(twice)

    def approve(voucher: Voucher) -> None:
        assert second.post(f"/funds/vouchers/{voucher.pk}/approve/").status_code == 302

    approve(ask(clerk, f"/funds/sources/{source.pk}/arrive/", amount="60"))
    pool = pool_of(source)
    shares = {"region_1": COUNTY, "unit_1": "县交通局", "amount_1": "40"}
    approve(ask(clerk, f"/funds/accounts/{pool.pk}/allocate/", **shares))
    allotment = allotment_of(source)
    told = {"payee": "某路桥公司", "bank_account": "6217 0000 1234 5678", "amount": "15.50"}
    voucher = ask(clerk, f"/funds/accounts/{allotment.pk}/pay/", **told)
    page = body(second.get(f"/funds/vouchers/{voucher.pk}/"))
    assert "某路桥公司" in page
    assert "5678" in page
    assert "621700001234" not in page
    approve(voucher)
    book = body(clerk.get(f"/funds/accounts/{allotment.pk}/"))
    assert re.findall(r'data-label="余额">([\d,.]+)<', book) == ["40.00", "24.50"]


def test_own_vouchers_wait_for_somebody_else(
    as_user: SignIn, allotted: Source, cashier: User, checker: User
) -> None:
    voucher = pay(allotted, "5", cashier)
    own = as_user(cashier)
    address = f"/funds/vouchers/{voucher.pk}/"
    assert "不能复核自己的凭证" in body(own.get(address))
    assert own.post(f"{address}approve/").status_code == 422
    second = as_user(checker)
    nameless = second.post(f"{address}refuse/", {"why": ""})
    assert nameless.status_code == 422
    assert "请填写退回的理由" in body(nameless)
    assert second.post(f"{address}refuse/", {"why": "依据不符"}).status_code == 302
    assert Voucher.objects.get(pk=voucher.pk).state == "REFUSED"


def test_what_does_not_fit_comes_back_with_words(
    as_user: SignIn, allotted: Source, cashier: User, checker: User
) -> None:
    clerk = as_user(cashier)
    too_much = ask(
        clerk, f"/funds/accounts/{allotment_of(allotted).pk}/pay/", payee="某公司", amount="41"
    )
    answer = as_user(checker).post(f"/funds/vouchers/{too_much.pk}/approve/")
    assert answer.status_code == 422
    assert "支付不能超过分配" in body(answer)
    pool = f"/funds/accounts/{pool_of(allotted).pk}/allocate/"
    empty = clerk.post(pool, GROUND | {"key": "k"})
    assert "至少填写一个分配对象" in body(empty)
    half = clerk.post(pool, GROUND | {"key": "k", "amount_1": "5"})
    assert "请选择区划" in body(half)
    unknown = {"key": "k", "amount_1": "5", "region_1": COUNTY, "project_1": "P404"}
    assert "没有这些项目：P404" in body(clerk.post(pool, GROUND | unknown))
    assert Voucher.objects.filter(state="PENDING").count() == 1


def test_sent_twice_is_one_voucher(as_user: SignIn, allotted: Source, cashier: User) -> None:
    clerk, address = as_user(cashier), f"/funds/accounts/{allotment_of(allotted).pk}/pay/"
    told = GROUND | {"payee": "某公司", "amount": "5", "key": key_of(clerk.get(address))}
    first, second = clerk.post(address, told), clerk.post(address, told)
    assert first["Location"] == second["Location"]


def test_one_payment_comes_back_then_the_whole_voucher_cannot(
    as_user: SignIn, allotted: Source, cashier: User, checker: User
) -> None:
    voucher = posted(pay(allotted, "5", cashier), checker)
    clerk, address = as_user(cashier), f"/funds/vouchers/{voucher.pk}/"
    payment = voucher.payments.get()
    told = GROUND | {"key": "back"}
    assert "请选择退回的支付" in body(clerk.post(f"{address}return/", told))
    back = clerk.post(f"{address}return/", told | {"payment": payment.pk})
    assert back.status_code == 302
    assert "退回待复核" in body(clerk.get(address))
    assert clerk.post(f"{address}reverse/", GROUND | {"key": "rev"}).status_code == 422


def test_a_year_ends(as_user: SignIn, allotted: Source, cashier: User) -> None:
    clerk = as_user(cashier)
    closing = {"act": "close", "region": COUNTY, "year": "2018"}
    assert clerk.post("/funds/years/", closing).status_code == 302
    assert ClosedYear.objects.get().year == 2018
    assert "已经关账" in body(clerk.post("/funds/years/", closing))
    carrying = GROUND | {
        "act": "carry", "region": COUNTY, "year": "2018", "on": "2019-01-10", "key": "carry",
    }  # fmt: skip
    answer = clerk.post("/funds/years/", carrying)
    assert Voucher.objects.get(pk=int(answer["Location"].split("/")[-2])).kind == "CARRY"


def test_the_county_reads_the_document_that_paid_it(
    as_user: SignIn, allotted: Source, county_cashier: User, songxian_clerk: User
) -> None:
    own, neighbour = as_user(county_cashier), as_user(songxian_clerk)
    addresses = [
        f"/funds/sources/{allotted.pk}/",
        f"/funds/vouchers/{Voucher.objects.get(kind='ALLOCATE').pk}/",
        f"/funds/accounts/{allotment_of(allotted).pk}/",
    ]
    for address in addresses:
        assert own.get(address).status_code == 200
        assert neighbour.get(address).status_code == 404
    # What the city holds is the city's.
    assert own.get(f"/funds/accounts/{pool_of(allotted).pk}/").status_code == 404
    assert "拨到本级以下" in body(own.get("/funds/sources/"))
    assert own.get(f"/funds/sources/{allotted.pk}/arrive/").status_code == 403
    assert "没有符合条件" in body(neighbour.get("/funds/vouchers/"))


def test_readers_are_not_asked_to_book(
    as_user: SignIn, allotted: Source, city_leader: User
) -> None:
    reader = as_user(city_leader)
    pks = {
        "arrive": allotted.pk,
        "allocate": pool_of(allotted).pk,
        "pay": allotment_of(allotted).pk,
    }
    for act, pk in pks.items():
        where = "sources" if act == "arrive" else "accounts"
        assert reader.get(f"/funds/{where}/{pk}/{act}/").status_code == 403
    for address in ("/funds/sources/new/", "/funds/years/"):
        assert reader.get(address).status_code == 403
    assert "登记到位" not in body(reader.get(f"/funds/sources/{allotted.pk}/"))
    voucher = Voucher.objects.first()
    assert voucher
    assert reader.post(f"/funds/vouchers/{voucher.pk}/approve/").status_code == 403


@pytest.mark.parametrize("what", ["sources", "vouchers", "accounts"])
def test_bad_keys_and_wrong_methods(as_user: SignIn, cashier: User, what: str) -> None:
    clerk = as_user(cashier)
    assert clerk.get(f"/funds/{what}/999999/").status_code == 404
    assert clerk.get(f"/funds/{what}/x/").status_code == 404
    assert clerk.post(f"/funds/{what}/").status_code == 405
    assert (
        clerk.get(f"/funds/{what}/", {"after": "x", "region": "y", "year": "z"}).status_code == 200
    )


def test_filters(as_user: SignIn, allotted: Source, cashier: User) -> None:
    clerk = as_user(cashier)

    def many(address: str, **told: str) -> int:
        return body(clerk.get(address, told)).count('<th scope="row">')

    assert many("/funds/sources/", words=allotted.doc_no) == 1
    assert many("/funds/sources/", level="CENTRAL") == 0
    assert many("/funds/sources/", year="2018", kind="21", region="4103") == 1
    assert many("/funds/vouchers/", kind="ALLOCATE", least="40", most="40") == 1
    assert many("/funds/vouchers/", least="40.01", most="59") == 0
    assert many("/funds/vouchers/", source=str(allotted.pk), state="POSTED") == 2
    assert many("/funds/accounts/", kind="ALLOTMENT", words="交通", left="1") == 1
    assert many("/funds/accounts/", region="410325") == 0


@pytest.mark.parametrize(
    "address", ["/funds/sources/", "/funds/vouchers/", "/funds/accounts/"]
)  # fmt: skip
def test_lists_take_the_same_statements_for_one_and_three(
    as_user: SignIn, cashier: User, checker: User, allotted: Source, address: str
) -> None:
    clerk = as_user(cashier)
    clerk.get(address)
    with CaptureQueriesContext(connection) as once:
        clerk.get(address)
    for _ in range(2):
        asked = moving.arrive(
            source=announced(cashier), amount=Decimal(1), ground=ground(), by=cashier
        )
        posted(asked, checker)
    with CaptureQueriesContext(connection) as thrice:
        clerk.get(address)
    assert len(once) == len(thrice)


def test_bringing_back_twice_from_one_page_is_two_questions(
    as_user: SignIn, allotted: Source, cashier: User, checker: User
) -> None:
    voucher = posted(pay(allotted, "5", cashier), checker)
    clerk, address = as_user(cashier), f"/funds/vouchers/{voucher.pk}/"
    page = body(clerk.get(address))
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    back, whole = re.findall(r'name="key" value="([0-9a-f]+)"', page)
    chosen = {"key": back, "payment": voucher.payments.get().pk}
    assert clerk.post(f"{address}return/", GROUND | chosen).status_code == 302
    # What is on its way back already cannot go back once more with the whole voucher.
    assert clerk.post(f"{address}reverse/", GROUND | {"key": whole}).status_code == 422


def test_what_is_wrong_stands_in_the_form_that_was_sent(
    as_user: SignIn, allotted: Source, cashier: User, checker: User
) -> None:
    voucher = posted(pay(allotted, "5", cashier), checker)
    answer = as_user(cashier).post(f"/funds/vouchers/{voucher.pk}/reverse/", {"key": "k"})
    assert answer.status_code == 422
    opened = re.findall(r'<details class="act"( open)?><summary>([^<]+)<', body(answer))
    assert opened == [("", "所选支付被银行退回"), (" open", "冲正整张凭证")]


def test_unknown_acts_do_nothing(
    as_user: SignIn, allotted: Source, cashier: User, checker: User
) -> None:
    voucher = posted(pay(allotted, "5", cashier), checker)
    many = Voucher.objects.count()
    told = GROUND | {"key": "k", "payment": voucher.payments.get().pk}
    answer = as_user(cashier).post(f"/funds/vouchers/{voucher.pk}/other/", told)
    assert answer.status_code == 404
    assert Voucher.objects.count() == many


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("vouchers", {"least": "1e999999"}),
        ("vouchers", {"most": "1e-999999"}),
        ("vouchers", {"words": "\0"}),
        ("sources", {"words": "\0", "kind": "\0"}),
        ("accounts", {"words": "\0"}),
        ("accounts", {"after": "\0.5"}),
    ],
)
def test_filters_that_mean_nothing(
    as_user: SignIn, allotted: Source, cashier: User, what: str, told: dict[str, str]
) -> None:
    assert as_user(cashier).get(f"/funds/{what}/", told).status_code == 200


@pytest.mark.parametrize("what", ["source", "voucher", "account"])
def test_pages_of_one_take_the_same_statements_for_one_and_three(
    as_user: SignIn, allotted: Source, cashier: User, checker: User, what: str
) -> None:
    clerk, voucher = as_user(cashier), posted(pay(allotted, "1", cashier), checker)
    address = {
        "source": f"/funds/sources/{allotted.pk}/",
        "voucher": f"/funds/vouchers/{voucher.pk}/",
        "account": f"/funds/accounts/{allotment_of(allotted).pk}/",
    }[what]
    clerk.get(address)
    with CaptureQueriesContext(connection) as once:
        clerk.get(address)
    for _ in range(2):
        posted(pay(allotted, "1", cashier), checker)
    with CaptureQueriesContext(connection) as thrice:
        clerk.get(address)
    assert len(once) == len(thrice)
