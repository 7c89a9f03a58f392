"""Small loans: what is wrong with them is flagged, what happened to them adds up."""

import threading
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from accounts.models import User
from core.workbooks.writing import Book
from funds.models import Loan, LoanEvent, LoanRule
from funds.queries import loans
from funds.services import lending, lending_rows, lending_workbook
from funds.services.common import UnfitError
from funds.views.loan_rows import judged
from households.models import HouseholdYear, MembershipEvent
from projects.services.loading import Line, Loaded
from tests.factories.households import HOME, NEIGHBOUR, household

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]
TODAY = date(2018, 12, 31)
FACTS: dict[str, Any] = {
    "bank": "洛阳农商银行", "contract_no": "2018-1", "amount": Decimal(50000), "addon": Decimal(0),
    "lent_on": date(2018, 3, 1), "due_on": date(2021, 3, 1), "rate": Decimal("4.35"),
    "subsidy_rate": Decimal("4.35"), "use": "养羊", "is_productive": True,
    "user_kind": "BORROWER", "user_name": "",
}  # fmt: skip


@pytest.fixture
def row(db: None) -> HouseholdYear:
    return household(code=HOME, head="张三")


def lent(row: HouseholdYear, by: User, **changes: Any) -> Loan:
    number = f"2018-{Loan.objects.count() + 1}"
    return lending.lend(
        household=row.household, borrower="张三",
        fields=FACTS | {"contract_no": number} | changes, by=by,
    )  # fmt: skip


def flags(loan: Loan, day: date = TODAY) -> list[str]:
    return loans.flags_of([loan], day)[loan.pk]


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({}, []),
        ({"amount": Decimal("50000.01")}, ["超过额度上限"]),
        # What was added beyond the cap is not the scheme's.
        ({"amount": Decimal(80000), "addon": Decimal(30000)}, []),
        ({"due_on": date(2021, 3, 2)}, ["超过期限上限"]),
        ({"is_productive": False, "use": "建房"}, ["未用于生产经营"]),
        ({"user_kind": "ENTERPRISE", "user_name": "某公司"}, ["用款人不是借款户"]),
        ({"user_kind": ""}, ["用途或用款人未查明"]),
        ({"is_productive": None}, ["用途或用款人未查明"]),
        ({"lent_on": date(2016, 3, 1), "due_on": date(2019, 3, 1)}, ["放款时不在册"]),
        ({"due_on": date(2018, 12, 30)}, ["逾期 1 天"]),
        ({"due_on": date(2018, 12, 31)}, []),
    ],
)
def test_what_is_wrong_with_it(
    row: HouseholdYear, finance: User, changes: dict[str, Any], wrong: list[str]
) -> None:
    assert flags(lent(row, finance, **changes)) == wrong


def test_a_rule_of_the_place_counts_before_the_nations(row: HouseholdYear, finance: User) -> None:
    LoanRule.objects.create(
        region_prefix="410324", valid_from=date(2018, 1, 1), amount_cap=Decimal(30000),
        source="县级办法",
    )  # fmt: skip
    assert lent(row, finance).flags == ["OVER_CAP"]
    before = lent(row, finance, lent_on=date(2017, 12, 31), due_on=date(2020, 1, 1))
    assert before.flags == ["UNREGISTERED"]


def test_where_no_cap_is_known_none_is_broken(row: HouseholdYear, finance: User) -> None:
    LoanRule.objects.update(amount_cap=None, months_cap=None)
    assert flags(lent(row, finance, amount=Decimal(900000), due_on=date(2030, 1, 1))) == []
    assert loans.caps(["4103", "410324"], TODAY) == {"4103": None, "410324": None}


def test_a_county_keeps_its_cap_to_itself(row: HouseholdYear, finance: User) -> None:
    """A rule of one county says nothing of the city's average, nor of its neighbours'."""
    LoanRule.objects.create(
        region_prefix="410325", valid_from=date(2018, 1, 1), amount_cap=Decimal(10000),
        source="县级办法",
    )  # fmt: skip
    told = loans.caps(["", "4103", "410324", "410325", "410325101001"], TODAY)
    assert [int(cap or 0) for cap in told.values()] == [50000, 50000, 50000, 10000, 10000]
    first = lent(row, finance, amount=Decimal(8000))
    lent(row, finance, amount=Decimal(8000))
    assert flags(first) == []
    LoanRule.objects.filter(region_prefix="410325").update(region_prefix="410324")
    assert "一户多笔合计超额度" in flags(first)


def test_a_borrower_who_died(row: HouseholdYear, finance: User) -> None:
    loan = lent(row, finance)
    assert loan.person_id is not None
    died = {
        "household": row.household, "person_id": loan.person_id, "kind": "DEATH",
        "village_code": HOME, "partition_id": 2018, "is_poor": True,
    }  # fmt: skip
    MembershipEvent.objects.create(**died)
    assert flags(loan) == ["借款人已登记死亡"]
    assert list(loans.flagged(Loan.objects.all(), "DEAD", TODAY)) == [loan]
    MembershipEvent.objects.create(**died, persons=-1)
    assert flags(loan) == []


def test_several_loans_together_above_the_cap(row: HouseholdYear, finance: User) -> None:
    first, second = (lent(row, finance, amount=Decimal(30000)) for _ in range(2))
    assert flags(first) == flags(second) == ["一户多笔合计超额度"]
    note(first, finance, "REPAY", Decimal(30000))
    second.refresh_from_db()
    assert flags(second) == []


def note(loan: Loan, by: User, kind: str, amount: Decimal = Decimal(0), **more: Any) -> LoanEvent:
    told = {"on": date(2018, 6, 1), "reason": "测试"} | more
    return lending.note(loan=loan, kind=kind, amount=amount, by=by, **told)


def test_repaid_extended_subsidised_and_put_right(row: HouseholdYear, finance: User) -> None:
    loan = lent(row, finance)
    note(loan, finance, "REPAY", Decimal(20000))
    note(loan, finance, "SUBSIDY", Decimal("543.75"))
    later = note(loan, finance, "EXTEND", until=date(2022, 3, 1))
    wrong = note(loan, finance, "REPAY", Decimal(30000))
    loan.refresh_from_db()
    assert (loan.repaid, loan.subsidised, loan.due_now) == (
        50000, Decimal("543.75"), date(2022, 3, 1),
    )  # fmt: skip
    lending.undo(event=wrong, reason="重复登记", by=finance)
    lending.undo(event=later, reason="未批准", by=finance)
    loan.refresh_from_db()
    assert (loan.repaid, loan.due_now) == (20000, FACTS["due_on"])
    with pytest.raises(UnfitError, match="已经更正过"):
        lending.undo(event=wrong, reason="再来", by=finance)


@pytest.mark.parametrize(
    ("kind", "more", "words"),
    [
        ("REPAY", {"amount": Decimal("50000.01")}, "不能超过贷款金额"),
        ("REPAY", {"amount": Decimal(0)}, "大于 0"),
        ("REPAY", {"amount": Decimal(1), "on": date(2018, 2, 28)}, "早于放款日期"),
        ("EXTEND", {}, "展期后的到期日期"),
        ("EXTEND", {"until": date(2021, 3, 1)}, "晚于现到期日期"),
    ],
)
def test_what_cannot_have_happened(
    row: HouseholdYear, finance: User, kind: str, more: dict[str, Any], words: str
) -> None:
    loan = lent(row, finance)
    with pytest.raises(UnfitError, match=words):
        note(loan, finance, kind, **more)
    assert not LoanEvent.objects.exists()


def test_the_database_keeps_sums_and_rows(row: HouseholdYear, finance: User) -> None:
    loan = lent(row, finance)
    note(loan, finance, "REPAY", Decimal(5))
    Loan.objects.filter(pk=loan.pk).update(repaid=0, flags=["OVER_CAP"], due_now=None)
    loan.refresh_from_db()
    assert (loan.repaid, loan.flags, loan.due_now) == (5, [], FACTS["due_on"])
    for statement in (
        "DELETE FROM funds_loan", "DELETE FROM funds_loanevent",
        "UPDATE funds_loanevent SET amount = 1",
    ):  # fmt: skip
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_who_may_not(row: HouseholdYear, finance: User, county_leader: User) -> None:
    with pytest.raises(UnfitError, match="权限"):
        lent(row, county_leader)
    with pytest.raises(UnfitError, match="权限"):
        lent(household(code=NEIGHBOUR), finance)


acts = st.lists(
    st.tuples(
        st.sampled_from(["REPAY", "COMPENSATE", "undo"]), st.decimals("0.01", "30000", places=2)
    ),
    max_size=12,
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(acts)
def test_any_sequence_adds_up(
    row: HouseholdYear, finance: User, script: list[tuple[str, Decimal]]
) -> None:
    """Never more repaid than lent, never less than nothing, whatever is tried."""
    with transaction.atomic():
        loan, standing = lent(row, finance), []
        for kind, amount in script:
            if kind == "undo":
                if standing:
                    lending.undo(event=standing.pop(), reason="更正", by=finance)
                continue
            fits = sum(one.amount for one in standing) + amount <= loan.amount
            try:
                standing.append(note(loan, finance, kind, amount))
                assert fits
            except UnfitError:
                assert not fits
        loan.refresh_from_db()
        assert loan.repaid == sum(one.amount for one in standing)
        transaction.set_rollback(True)


@pytest.mark.integration
@pytest.mark.django_db(transaction=True)
def test_twenty_at_once_repay_the_last_yuan(row: HouseholdYear, finance: User) -> None:
    loan = lent(row, finance)
    note(loan, finance, "REPAY", Decimal(49999))
    ready, told = threading.Barrier(20), []

    def run() -> None:
        ready.wait(60)
        try:
            note(loan, finance, "REPAY", Decimal(1))
            told.append(True)
        except UnfitError:
            told.append(False)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert sorted(told) == [False] * 19 + [True]
    loan.refresh_from_db()
    assert loan.repaid == loan.amount


# --- pages --------------------------------------------------------------------------------------

FORM = {name: str(value) for name, value in FACTS.items() if value != ""} | {"is_productive": "1"}


def body(answer: Any) -> str:
    return str(answer.content.decode())


def test_by_forms(as_user: SignIn, row: HouseholdYear, finance: User) -> None:
    clerk = as_user(finance)
    told = FORM | {"household_no": row.household.household_no, "borrower": "张三"}
    unknown = clerk.post("/funds/loans/new/", told | {"household_no": "404"})
    assert unknown.status_code == 422
    assert "没有这个户编号" in body(unknown)
    made = clerk.post("/funds/loans/new/", told)
    loan = Loan.objects.get()
    assert made["Location"] == f"/funds/loans/{loan.pk}/"
    assert "已经登记" in body(clerk.post("/funds/loans/new/", told))
    address = f"/funds/loans/{loan.pk}/"
    assert clerk.post(f"{address}edit/", FORM | {"amount": "60000"}).status_code == 302
    assert "超过额度上限" in body(clerk.get(address))
    event = {"kind": "REPAY", "on": "2018-06-01", "amount": "100", "reason": "还本"}
    assert clerk.post(f"{address}note/", event | {"amount": "60000.01"}).status_code == 422
    assert clerk.post(f"{address}note/", event).status_code == 302
    done = LoanEvent.objects.get()
    assert clerk.post(f"{address}undo/{done.pk}/", {"reason": "登错"}).status_code == 302
    assert "（更正）" in body(clerk.get(address))
    tab = body(clerk.get(f"/funds/household/{row.household.household_no}/loans/?year=2018"))
    assert "洛阳农商银行" in tab


def test_neighbours_and_readers(
    as_user: SignIn, row: HouseholdYear, finance: User, songxian_clerk: User, county_leader: User
) -> None:
    address = f"/funds/loans/{lent(row, finance).pk}/"
    assert as_user(songxian_clerk).get(address).status_code == 404
    reader = as_user(county_leader)
    assert reader.get(address).status_code == 200
    assert reader.get("/funds/loans/new/").status_code == 403
    assert reader.get(f"{address}edit/").status_code == 403
    assert reader.post(f"{address}note/").status_code == 403
    assert reader.post(address).status_code == 405
    assert reader.get("/funds/loans/0/").status_code == 404


def test_the_average_and_what_makes_it(as_user: SignIn, row: HouseholdYear, finance: User) -> None:
    """74,700 households and 3.768 bn yuan were 50,442 each: an average above the cap is told."""
    lent(row, finance, amount=Decimal(50000))
    assert "户均超过" not in body(as_user(finance).get("/funds/loans/"))
    lent(row, finance, amount=Decimal(800))
    page = body(as_user(finance).get("/funds/loans/"))
    assert "户均超过单户额度上限 50,000.00 元" in page
    assert "50,800.00" in page
    told = as_user(finance).get("/funds/loans/", {"flag": "TOGETHER"})
    assert body(told).count('<th scope="row">') == 2


def test_the_list_takes_the_same_statements_for_one_and_three(
    as_user: SignIn, row: HouseholdYear, finance: User
) -> None:
    clerk = as_user(finance)
    lent(row, finance)
    clerk.get("/funds/loans/")
    with CaptureQueriesContext(connection) as once:
        clerk.get("/funds/loans/")
    for _ in range(2):
        lent(row, finance)
    with CaptureQueriesContext(connection) as thrice:
        clerk.get("/funds/loans/")
    assert len(once) == len(thrice)


# --- workbooks ----------------------------------------------------------------------------------

GOOD = {
    "户编号": "", "借款人姓名": "张三", "放款银行": "洛阳农商银行", "合同号": "2018-77",
    "贷款金额（元）": "80,000", "其中追加部分（元）": "30000", "放款日期": "2018-03-01",
    "到期日期": "2021-03-01", "年利率（％）": "4.35", "贴息率（％）": "", "贷款用途": "养羊",
    "用于生产经营": "是", "用款主体": "合作社", "用款单位或个人": "某合作社",
}  # fmt: skip


def sheet(*rows: dict[str, str]) -> SimpleUploadedFile:
    buffer = BytesIO()
    with Book(buffer, "小额信贷", list(lending_workbook.COLUMNS), widths=[18] * 14) as book:
        for row in rows:
            book.append([row[name] for name in lending_workbook.COLUMNS])
    return SimpleUploadedFile("loans.xlsx", buffer.getvalue())


def test_a_workbook_goes_in_and_its_bad_rows_come_back(
    as_user: SignIn, row: HouseholdYear, finance: User
) -> None:
    good = GOOD | {"户编号": row.household.household_no}
    far = household(code=NEIGHBOUR).household.household_no
    bad: list[tuple[dict[str, str], str]] = [
        ({}, "在表中重复"),
        ({"合同号": "2", "户编号": far}, "不在您的权限范围内"),
        ({"合同号": "3", "贷款金额（元）": "1.234"}, "贷款金额（元）"),
        ({"合同号": "4", "到期日期": "2018-03-01"}, "晚于放款日期"),
        ({"合同号": "5", "其中追加部分（元）": "80000"}, "小于贷款金额"),
        ({"合同号": "6", "用款单位或个人": ""}, "须写明用款单位或个人"),
        ({"合同号": "7", "用款主体": "亲戚"}, "用款主体"),
        ({"合同号": "8", "放款日期": "去年"}, "放款日期"),
    ]
    clerk = as_user(finance)
    upload = sheet(good, *(good | changes for changes, _ in bad))
    page = body(clerk.post("/funds/loans/load/", {"file": upload}))
    assert "读取 9 行，写入 1 行，有问题 8 行" in page
    for _, words in bad:
        assert words in page
    loan = Loan.objects.get()
    assert (loan.amount, loan.addon, loan.user_kind, loan.flags, loan.subsidy_rate) == (
        80000, 30000, "COOPERATIVE", ["NOT_BORROWER"], None,
    )  # fmt: skip
    assert loan.person is not None
    upload.seek(0)
    back = clerk.post("/funds/loans/load/", {"file": upload, "answer": "file"})
    with BytesIO(back.content) as file:
        lines = list(load_workbook(file, read_only=True).active.iter_rows(values_only=True))
    assert len(lines) == 10
    assert lines[0][-1] == "未导入原因"
    assert "已经登记" in str(lines[1][-1])
    # Put right, what came back goes in; its last column is passed over.
    mended = dict(zip(lending_workbook.COLUMNS, map(str, lines[4][:-1]), strict=True))
    mended |= {"贷款金额（元）": "50000", "贴息率（％）": ""}
    assert "写入 1 行" in body(clerk.post("/funds/loans/load/", {"file": sheet(mended)}))


def test_the_blank_form_and_what_is_none(
    as_user: SignIn, row: HouseholdYear, finance: User, county_leader: User
) -> None:
    clerk, address = as_user(finance), "/funds/loans/load/"
    blank = clerk.get("/funds/loans/blank/")
    empty = SimpleUploadedFile("loans.xlsx", blank.content)
    assert "读取 0 行，写入 0 行" in body(clerk.post(address, {"file": empty}))
    wrong = clerk.post(address, {"file": SimpleUploadedFile("loans.xlsx", b"nothing")})
    assert wrong.status_code == clerk.post(address).status_code == 422
    assert clerk.put(address).status_code == 405
    reader = as_user(county_leader)
    assert reader.get(address).status_code == reader.post(address).status_code == 403
    assert reader.get("/funds/loans/blank/").status_code == 403


def test_loading_takes_the_same_statements_for_one_and_three(
    row: HouseholdYear, finance: User
) -> None:
    def taken(*numbers: str) -> int:
        cells = GOOD | {"户编号": row.household.household_no}
        lines = [Line(at, cells | {"合同号": number}) for at, number in enumerate(numbers, 2)]
        done = Loaded(read=len(lines))
        rows = judged(lines, done)
        with CaptureQueriesContext(connection) as told:
            lending_rows.take(rows=rows, done=done, by=finance)
        assert done.made == len(numbers)
        return len(told)

    taken("0")
    assert taken("1") == taken("2", "3", "4")
