"""Payments to households by workbook: every check, what is paid and what comes back."""

import os
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from io import BytesIO
from itertools import count
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from accounts.models import User
from core import retention, walls
from core.jobs import services
from core.jobs.models import Job, JobState
from core.jobs.services import claim
from core.jobs.tasks import carry_out
from core.workbooks.writing import Book
from funds import workbooks
from funds.enums import BatchState, RowFault, VoucherState
from funds.models import (
    Account,
    Payment,
    PaymentBatch,
    PaymentBatchRow,
    PaymentClaim,
    PayrollPerson,
    Voucher,
)
from funds.queries import batches as shown
from funds.services import batching, batching_files, batching_payroll, moving, paying, posting
from funds.services.batching import Order
from funds.services.common import UnfitError
from funds.services.moving import Share
from households.models import HouseholdYear, MembershipEvent, Partition, Person, PersonYear
from tests.factories.households import NEIGHBOUR, PersonFactory, PersonYearFactory, household
from tests.factories.villages import RegionFactory
from tests.funds.conftest import (
    COUNTY,
    allotment_of,
    announced,
    ground,
    pool_of,
    posted,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("adds_up")]
ON = date(2018, 6, 1)
SUBSIDY = "产业奖补"
_accounts = count(6217000000000001)
_keys = count(1)
Row = dict[str, Any]


@pytest.fixture
def allotment(cashier: User, checker: User) -> Account:
    """1,000 yuan of a document belong to 栾川's 县农业农村局."""
    source = announced(cashier, "1000.00")
    posted(moving.arrive(source=source, amount=Decimal(1000), ground=ground(), by=cashier), checker)
    share = Share(RegionFactory(code=COUNTY), Decimal(1000), unit="县农业农村局")
    posted(
        moving.allocate(pool=pool_of(source), shares=[share], ground=ground(), by=cashier), checker
    )
    return allotment_of(source, "县农业农村局")


def row(home: HouseholdYear | None = None, **changes: Any) -> Row:
    """A row that is right for the head of this household."""
    told: Row = {
        "户编号": "", "证件号码": "", "姓名": "", "补助项目": SUBSIDY, "金额（元）": Decimal("10.50"),
        "收款账号": str(next(_accounts)), "备注": "",
    }  # fmt: skip
    if home is not None:
        told |= {"户编号": home.household.household_no, "姓名": head_of(home).name}
    return told | changes


def head_of(home: HouseholdYear) -> Person:
    year = PersonYear.objects.get(
        household=home.household, partition=home.partition, relation_to_head="01"
    )
    return year.person


def book(rows: list[Row], heads: tuple[str, ...] = workbooks.COLUMNS) -> bytes:
    buffer = BytesIO()
    with Book(buffer, "名单", heads) as made:
        for one in rows:
            made.append([one[head] for head in heads])
    return buffer.getvalue()


def hand_in(
    rows: list[Row] | bytes, account: Account, by: User, heads: Any = workbooks.COLUMNS, **told: Any
) -> PaymentBatch:
    body = rows if isinstance(rows, bytes) else book(rows, heads)
    order: dict[str, Any] = {
        "account": account, "on": ON, "document": "栾财〔2018〕9号", "year": 2018, "part": "第二季度",
        "key": f"b{next(_keys)}",
    } | told  # fmt: skip
    with walls.scoped(by):
        return batching.receive(
            order=Order(**order), file=batching_files.store([body]), file_name="名单.xlsx", by=by
        )


def work(batch: PaymentBatch) -> Job:
    """Let a worker do what the batch waits for."""
    batch.refresh_from_db()
    run = claim(batch.job_id)
    assert run is not None
    carry_out(run)
    batch.refresh_from_db()
    return Job.objects.get(pk=batch.job_id)


def checked(*told: Any, **changes: Any) -> PaymentBatch:
    batch = hand_in(*told, **changes)
    job = work(batch)
    assert job.state == JobState.DONE, job.error
    return batch


def paid(batch: PaymentBatch, by: User) -> PaymentBatch:
    with walls.scoped(by):
        batching.confirm(batch=batch, by=by)
    job = work(batch)
    assert job.state == JobState.DONE, job.error
    return batch


def faults(batch: PaymentBatch) -> dict[int, list[str]]:
    return {one.row_no: one.faults for one in batch.rows.order_by("row_no") if one.faults}


def dead(person: Person, year: int = 2018) -> None:
    MembershipEvent.objects.create(
        person=person, household=person.household, village_code=person.village_code,
        partition=Partition.objects.get(pk=year), kind="DEATH",
    )  # fmt: skip


# --- the checks ----------------------------------------------------------------------------------


def test_good_rows_wait_to_be_confirmed(allotment: Account, cashier: User) -> None:
    homes = [household(), household()]
    by_id = row(证件号码=head_of(homes[1]).id_no, 姓名=head_of(homes[1]).name)
    batch = checked([row(homes[0]), by_id], allotment, cashier)
    assert (batch.state, batch.rows_read, batch.rows_good) == (BatchState.CHECKED, 2, 2)
    assert (batch.amount, batch.faults) == (Decimal("21.00"), {})
    kept = batch.rows.order_by("row_no")
    assert [one.household_id for one in kept] == [home.household_id for home in homes]
    assert [one.person_id for one in kept] == [head_of(home).pk for home in homes]
    assert Payment.objects.count() == 0


def test_file_goes_when_its_rows_are_there(
    allotment: Account, cashier: User, django_capture_on_commit_callbacks: Any
) -> None:
    batch = hand_in([row(household())], allotment, cashier)
    assert batching_files.path_of(batch).exists()
    with django_capture_on_commit_callbacks(execute=True):
        work(batch)
    assert not batching_files.path_of(batch).exists()


def _nobody(home: HouseholdYear) -> Row:
    return row(home, 户编号="", 姓名="某人")


BY_ITSELF: dict[str, Callable[[HouseholdYear], Row]] = {
    RowFault.NO_KEY: _nobody,
    RowFault.NOT_FOUND: lambda home: row(home, 户编号="86300009999999"),
    RowFault.NAME: lambda home: row(home, 姓名="王不同"),
    RowFault.SUBSIDY: lambda home: row(home, 补助项目=""),
    RowFault.AMOUNT: lambda home: row(home, **{"金额（元）": Decimal(0)}),
    RowFault.ACCOUNT: lambda home: row(home, 收款账号="6217-不详"),
    RowFault.REMARK: lambda home: row(home, 备注="备" * 101),
}


@pytest.mark.parametrize("fault", BY_ITSELF)
def test_rows_wrong_by_themselves(fault: str, allotment: Account, cashier: User) -> None:
    wrong, right = household(), household()
    batch = checked([BY_ITSELF[fault](wrong), row(right)], allotment, cashier)
    assert (faults(batch), batch.faults) == ({2: [fault]}, {fault: 1})
    assert (batch.rows_good, batch.amount) == (1, Decimal("10.50"))


@pytest.mark.parametrize("amount", ["-1", "0", "1.001", "10元5角", "", "1000000000000"])
def test_amounts_that_are_none(amount: str, allotment: Account, cashier: User) -> None:
    batch = checked([row(household(), **{"金额（元）": amount})], allotment, cashier)
    assert faults(batch) == {2: [RowFault.AMOUNT]}


def test_account_that_lost_its_digits(allotment: Account, cashier: User) -> None:
    batch = checked([row(household(), 收款账号=6.217e18)], allotment, cashier)
    assert faults(batch) == {2: [RowFault.ACCOUNT]}


def test_not_in_the_register_on_the_day(allotment: Account, cashier: User) -> None:
    later, other_year, there = household(), household(year=2017), household()
    later.household.first_identified_on = date(2018, 6, 2)
    later.household.save()
    there.household.first_identified_on = ON
    there.household.save()
    rows = [row(later), row(other_year), row(there)]
    batch = checked(rows, allotment, cashier)
    assert faults(batch) == {2: [RowFault.UNREGISTERED], 3: [RowFault.UNREGISTERED]}


def test_number_of_another_household(allotment: Account, cashier: User) -> None:
    one, other = household(), household()
    wrong = row(one, 证件号码=head_of(other).id_no)
    batch = checked([wrong, row(other)], allotment, cashier)
    assert faults(batch) == {2: [RowFault.OTHER_HOUSEHOLD]}


def test_neighbours_household_is_not_found(
    cashier: User, checker: User, county_cashier: User, allotment: Account
) -> None:
    theirs, own = household(code=NEIGHBOUR), household()
    by_id = row(证件号码=head_of(theirs).id_no, 姓名=head_of(theirs).name)
    rows = [row(theirs), by_id, row(own)]
    for by in (county_cashier, cashier):
        # The allotment's county counts: the city's clerk pays no neighbour out of it either.
        batch = checked(rows, allotment, by)
        assert faults(batch) == {2: [RowFault.NOT_FOUND], 3: [RowFault.NOT_FOUND]}
        assert set(batch.rows.values_list("household_id", flat=True)) == {None, own.household_id}


def test_the_dead_are_not_paid(allotment: Account, cashier: User) -> None:
    head_died, member_died, all_died, head_gone, taken_back = (household() for _ in range(5))
    member = head_of(member_died)
    second = Person.objects.filter(household=member_died.household).exclude(pk=member.pk)[0]
    dead(head_of(head_died))
    dead(second)
    for person in all_died.household.persons.all():
        dead(person)
    # Struck from this year's members, as the register does it; declared as head a year before.
    gone = head_of(head_gone)
    PersonYearFactory(
        partition=household(year=2017, of=head_gone.household, members=0).partition, person=gone,
        relation_to_head="01",
    )  # fmt: skip
    PersonYear.objects.filter(person=gone, partition_id=2018).delete()
    dead(gone)
    back = head_of(taken_back)
    dead(back)
    MembershipEvent.objects.create(
        person=back, household=back.household, village_code=back.village_code,
        partition_id=2018, kind="DEATH", persons=-1,
    )  # fmt: skip
    other = Person.objects.filter(household=head_died.household).exclude(pk=head_of(head_died).pk)[
        0
    ]
    rows = [
        row(head_died), row(head_died, 姓名=other.name, 补助项目="其他补助"),
        row(member_died), row(member_died, 姓名=second.name, 补助项目="其他补助"),
        row(all_died), row(户编号=head_gone.household.household_no, 姓名=gone.name), row(taken_back),
    ]  # fmt: skip
    assert faults(checked(rows, allotment, cashier)) == {
        line: [RowFault.DEAD] for line in (2, 3, 5, 6, 7)
    }


def test_any_member_may_be_paid_by_name(allotment: Account, cashier: User) -> None:
    home = household(members=3)
    member = home.household.persons.order_by("pk").last()
    assert member is not None
    batch = checked([row(home, 姓名=f" {member.name} ")], allotment, cashier)
    assert faults(batch) == {}
    assert batch.rows.get().person == member


def test_member_who_has_moved_since_is_found_where_they_were(
    allotment: Account, cashier: User
) -> None:
    home, new = household(), household()
    person = head_of(home)
    Person.objects.filter(pk=person.pk).update(household=new.household)
    batch = checked([row(home, 姓名=person.name)], allotment, cashier)
    assert (faults(batch), batch.rows.get().person_id) == ({}, person.pk)


def test_same_subsidy_twice_in_the_file(allotment: Account, cashier: User) -> None:
    home = household()
    rows = [row(home), row(home), row(home, 补助项目="危房补助")]
    assert faults(checked(rows, allotment, cashier)) == {
        2: [RowFault.TWICE_IN_FILE], 3: [RowFault.TWICE_IN_FILE],
    }  # fmt: skip


def test_same_subsidy_asked_for_or_paid_before(
    allotment: Account, cashier: User, checker: User
) -> None:
    home = household()
    first = paid(checked([row(home)], allotment, cashier), cashier)
    again = {2: [RowFault.PAID_ALREADY]}
    # One account for the same household is nothing; here it is a new one each time.
    assert faults(checked([row(home)], allotment, cashier)) == again
    posting.approve(voucher=first.voucher, by=checker)
    assert faults(checked([row(home)], allotment, cashier)) == again
    assert faults(checked([row(home)], allotment, cashier, part="第三季度")) == {}
    back = paying.give_back(
        voucher=first.voucher, payments=list(Payment.objects.all()), ground=ground(ON), by=cashier
    )
    assert faults(checked([row(home)], allotment, cashier)) == again
    # What came back is of the same period.
    assert len(set(Payment.objects.values_list("period", flat=True))) == 1
    posting.approve(voucher=back, by=checker)
    assert faults(checked([row(home)], allotment, cashier)) == {}


def test_refused_voucher_gives_its_claims_up(
    allotment: Account, cashier: User, checker: User
) -> None:
    home = household()
    first = paid(checked([row(home)], allotment, cashier), cashier)
    assert PaymentClaim.objects.count() == 1
    posting.refuse(voucher=first.voucher, why="名单有误", by=checker)
    assert PaymentClaim.objects.count() == 0
    paid(checked([row(home)], allotment, cashier), cashier)
    assert PaymentClaim.objects.count() == 1


def test_over_the_cap_with_a_source(allotment: Account, cashier: User) -> None:
    within, over = household(), household()
    rows = [
        row(within, **{"金额（元）": Decimal("20.00")}),
        row(over, **{"金额（元）": Decimal("20.00")}),
        row(over, **{"金额（元）": Decimal("0.01"), "补助项目": "其他补助"}),
    ]
    told = {"cap": Decimal("20.00"), "cap_source": "栾扶组〔2018〕3号"}
    assert faults(checked(rows, allotment, cashier, **told)) == {
        3: [RowFault.OVER_CAP], 4: [RowFault.OVER_CAP],
    }  # fmt: skip
    assert faults(checked(rows, allotment, cashier)) == {}
    with pytest.raises(UnfitError, match="上限依据"):
        hand_in(rows, allotment, cashier, cap=Decimal(20))


def test_one_account_for_several_households(
    allotment: Account, cashier: User, checker: User
) -> None:
    one, other, third = household(), household(), household()
    number = "6217000099990000"
    rows = [row(one, 收款账号=number), row(other, 收款账号=number), row(third)]
    assert faults(checked(rows, allotment, cashier)) == {
        2: [RowFault.SHARED_IN_FILE], 3: [RowFault.SHARED_IN_FILE],
    }  # fmt: skip
    paid(checked(rows[:1], allotment, cashier), cashier)
    own = row(one, 收款账号=number, 补助项目="其他补助")
    assert faults(checked([rows[1]], allotment, cashier)) == {2: [RowFault.SHARED_BEFORE]}
    assert faults(checked([own], allotment, cashier)) == {}


def test_people_on_the_payroll(
    allotment: Account, cashier: User, county_cashier: User, tmp_path: Any
) -> None:
    served, other = household(), household()
    member = served.household.persons.order_by("pk").last()
    assert member is not None
    load_roster([member.id_no, "", "不是证件"], county_cashier, tmp_path)
    batch = checked([row(served), row(other)], allotment, cashier)
    assert faults(batch) == {2: [RowFault.PAYROLL]}
    # Loaded again it is another roster.
    load_roster([PersonFactory().id_no], county_cashier, tmp_path)
    assert PayrollPerson.objects.count() == 1
    assert faults(checked([row(served)], allotment, cashier)) == {}
    PayrollPerson.objects.update(key_print="00")
    batch = hand_in([row(served)], allotment, cashier)
    assert work(batch).state == JobState.FAILED
    assert (batch.state, batch.rows.count()) == (BatchState.REFUSED, 0)
    assert "重新导入" in batch.refusal


def load_roster(numbers: list[str], by: User, folder: Any) -> int:
    path = folder / "roster.xlsx"
    with Book(path, "名册", workbooks.ROSTER_COLUMNS) as made:
        for number in numbers:
            made.append([number])
    with walls.scoped(by):
        return batching_payroll.load_roster(
            region=RegionFactory(code=COUNTY), numbers=workbooks.roster(path, "xlsx"),
            source="县财政局 2018 年名册", by=by,
        )  # fmt: skip


def test_neighbour_loads_no_roster_here(songxian_clerk: User, tmp_path: Any) -> None:
    RegionFactory(code=COUNTY)
    with pytest.raises(UnfitError, match="权限"):
        load_roster([PersonFactory().id_no], songxian_clerk, tmp_path)
    assert PayrollPerson.objects.count() == 0


# --- the whole batch -----------------------------------------------------------------------------


def test_more_than_the_allotment_has_is_refused_as_a_whole(
    allotment: Account, cashier: User, checker: User
) -> None:
    one, other = household(), household()
    paid(checked([row(one, **{"金额（元）": Decimal(600)})], allotment, cashier), cashier)
    # 600 of 1,000 wait to be posted.
    rows = [row(other, **{"金额（元）": Decimal("400.01")}), row(one)]
    batch = checked(rows, allotment, cashier)
    assert batch.state == BatchState.REFUSED
    assert "400.01" in batch.refusal
    assert "可用余额 400.00 元" in batch.refusal
    assert list(batch.rows.values_list("row_no", flat=True)) == [3]
    with pytest.raises(UnfitError, match="不能确认"):
        batching.confirm(batch=batch, by=cashier)


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"on": date(2017, 12, 31)}, "2018 年内"), ({"cap_source": "某文"}, "上限")],
)
def test_orders_that_do_not_fit(
    changes: dict[str, Any], words: str, allotment: Account, cashier: User
) -> None:
    with pytest.raises(UnfitError, match=words):
        hand_in([row()], allotment, cashier, **changes)


def test_only_out_of_an_allotment(allotment: Account, cashier: User, checker: User) -> None:
    with pytest.raises(UnfitError, match="已分配"):
        hand_in([row()], pool_of(allotment.source), cashier)


def test_workbook_without_its_heads_or_rows(allotment: Account, cashier: User) -> None:
    for heads, words in (
        (("户编号", "姓名", "补助项目", "金额（元）"), "没有找到表头"),
        (("姓名", "补助项目", "金额（元）", "收款账号"), "户编号或证件号码"),
        (workbooks.COLUMNS, "没有数据行"),
    ):
        rows = [] if heads == workbooks.COLUMNS else [row()]
        batch = hand_in(rows, allotment, cashier, heads)
        assert work(batch).state == JobState.FAILED
        assert batch.state == BatchState.REFUSED
        assert words in batch.refusal


def test_same_key_is_the_same_batch(allotment: Account, cashier: User) -> None:
    home = household()
    first = hand_in([row(home)], allotment, cashier, key="one")
    second = hand_in([row(home)], allotment, cashier, key="one")
    assert (first, PaymentBatch.objects.count(), Job.objects.count()) == (second, 1, 1)


def test_paid_by_one_voucher_that_another_person_posts(
    allotment: Account, cashier: User, checker: User
) -> None:
    homes = [household(), household(), household()]
    rows = [row(homes[0]), row(homes[1]), row(homes[2], 姓名="王不同")]
    batch = paid(checked(rows, allotment, cashier), cashier)
    voucher = Voucher.objects.get(pk=batch.voucher_id)
    assert (voucher.state, voucher.created_by, voucher.amount) == (
        VoucherState.PENDING, cashier, Decimal("21.00"),
    )  # fmt: skip
    made = Payment.objects.order_by("household_id")
    assert [
        (one.household_id, one.region_code, one.payee, one.subsidy, one.period, one.amount)
        for one in made
    ] == [
        (home.household_id, home.village_code, head_of(home).name, SUBSIDY, "2018年第二季度",
         Decimal("10.50"))
        for home in homes[:2]
    ]  # fmt: skip
    # Opened, the copied seal says what the workbook said; its index finds it.
    assert [one.bank_account for one in made] == [one["收款账号"] for one in rows[:2]]
    field: Any = Payment._meta.get_field("account_index")
    assert [bytes(one.account_index) for one in made] == [
        field.of(one["收款账号"]) for one in rows[:2]
    ]
    assert list(batch.rows.values_list("row_no", "faults")) == [(4, [RowFault.NAME])]
    with pytest.raises(UnfitError, match="另一人"):
        posting.approve(voucher=voucher, by=cashier)
    posting.approve(voucher=voucher, by=checker)
    allotment.refresh_from_db()
    assert allotment.balance == Decimal("979.00")


def test_confirmed_by_whoever_handed_it_in(
    allotment: Account, cashier: User, checker: User
) -> None:
    batch = checked([row(household())], allotment, cashier)
    with pytest.raises(UnfitError, match="上传名单的经办人"):
        batching.confirm(batch=batch, by=checker)
    bad = checked([row()], allotment, cashier)
    with pytest.raises(UnfitError, match="没有可以发放的行"):
        batching.confirm(batch=bad, by=cashier)


def test_confirmed_twice_is_paid_once(allotment: Account, cashier: User) -> None:
    batch = checked([row(household())], allotment, cashier)
    batching.confirm(batch=batch, by=cashier)
    with pytest.raises(UnfitError, match="提交中"):
        batching.confirm(batch=batch, by=cashier)
    work(batch)
    assert (Voucher.objects.filter(kind="PAY").count(), Payment.objects.count()) == (1, 1)
    with transaction.atomic():
        assert batching.pay(batching.locked(batch.pk))
    assert Payment.objects.count() == 1


def test_register_that_changed_since_asks_again(allotment: Account, cashier: User) -> None:
    home, other = household(), household()
    batch = checked([row(home), row(other)], allotment, cashier)
    household()
    Person.objects.filter(pk=head_of(home).pk).update(name="改了名")
    batching.confirm(batch=batch, by=cashier)
    assert work(batch).result == {"paid": False}
    assert (batch.state, batch.rows_good, Payment.objects.count()) == (BatchState.CHECKED, 1, 0)
    assert faults(batch) == {2: [RowFault.NAME]}
    assert paid(batch, cashier).state == BatchState.SUBMITTED


def test_two_batches_of_one_household_pay_once(allotment: Account, cashier: User) -> None:
    home = household()
    first, second = (checked([row(home)], allotment, cashier) for _ in range(2))
    paid(first, cashier)
    assert paid(second, cashier).state == BatchState.CHECKED
    assert faults(second) == {2: [RowFault.PAID_ALREADY]}
    assert Payment.objects.count() == 1


def test_database_pays_no_subsidy_twice_a_period(allotment: Account, cashier: User) -> None:
    paid(checked([row(household())], allotment, cashier), cashier)
    one = Payment.objects.get()
    one.pk = None
    with pytest.raises(IntegrityError, match="subsidy_once_a_period"), transaction.atomic():
        one.save(force_insert=True)


def test_given_up_batch_keeps_no_rows(allotment: Account, cashier: User) -> None:
    batch = checked([row(household())], allotment, cashier)
    batching.discard(batch=batch, by=cashier)
    batch.refresh_from_db()
    assert (batch.state, batch.rows.count(), batch.rows_read) == (BatchState.DISCARDED, 0, 1)
    done = paid(checked([row(household())], allotment, cashier), cashier)
    with pytest.raises(UnfitError, match="不能放弃"):
        batching.discard(batch=done, by=cashier)


def test_old_rows_and_files_go(allotment: Account, cashier: User) -> None:
    rules = {one.name: one for one in retention.rules()}
    old = checked([row(household()), row()], allotment, cashier)
    waiting = hand_in([row()], allotment, cashier)
    done = paid(checked([row(household()), row()], allotment, cashier), cashier)
    PaymentBatch.objects.exclude(pk=done.pk).update(created_at=timezone.now() - timedelta(days=400))
    for path in (batching_files.path_of(old), batching_files.path_of(waiting)):
        os.utime(path, (0, 0))
    assert retention.apply(rules["payment_rows"]).removed == 1
    old.refresh_from_db()
    assert (old.state, old.rows.count(), done.rows.count()) == (BatchState.DISCARDED, 0, 1)
    retention.apply(rules["payment_files"])
    assert not batching_files.path_of(old).exists()
    assert batching_files.path_of(waiting).exists()


# --- a worker that dies ---------------------------------------------------------------------------


class Died(BaseException):
    """The process is gone: nothing after it runs, nothing is tidied up."""


# Before anything, and when all of it is written and not committed.
WHERE = ("core.job.effect", "core.job.finished")


@pytest.mark.parametrize("where", WHERE)
def test_killed_check_leaves_nothing_and_goes_on(
    where: str, allotment: Account, cashier: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = hand_in([row(household()), row()], allotment, cashier)
    die_at(where, monkeypatch, batch)
    assert (batch.state, batch.rows.count()) == (BatchState.UPLOADED, 0)
    assert batching_files.path_of(batch).exists()
    come_back(batch)
    assert work(batch).state == JobState.DONE
    assert (batch.rows_read, batch.rows_good) == (2, 1)


@pytest.mark.parametrize("where", WHERE)
def test_killed_payment_leaves_nothing_and_goes_on(
    where: str, allotment: Account, cashier: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = checked([row(household()), row(household())], allotment, cashier)
    batching.confirm(batch=batch, by=cashier)
    die_at(where, monkeypatch, batch)
    assert (Payment.objects.count(), Voucher.objects.filter(kind="PAY").count()) == (0, 0)
    assert (batch.state, batch.rows.count()) == (BatchState.PAYING, 2)
    come_back(batch)
    assert work(batch).state == JobState.DONE
    assert (Payment.objects.count(), batch.state) == (2, BatchState.SUBMITTED)


def die_at(where: str, monkeypatch: pytest.MonkeyPatch, batch: PaymentBatch) -> None:
    def act(place: str) -> None:
        if place == where:
            raise Died

    batch.refresh_from_db()
    with monkeypatch.context() as patched:
        patched.setattr(services, "failpoint", act)
        run = claim(batch.job_id)
        assert run is not None
        with pytest.raises(Died), transaction.atomic():
            carry_out(run)
    batch.refresh_from_db()


def come_back(batch: PaymentBatch) -> None:
    """The lease has run out; a sweep puts the job back."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE core_job SET lease_until = now() - interval '1 minute' WHERE id = %s",
            [batch.job_id],
        )


# --- what comes back, and what is posted on the wall ----------------------------------------------


def test_bad_rows_come_back_with_what_to_do(
    allotment: Account, cashier: User, as_user: Any
) -> None:
    home = household()
    batch = checked(
        [row(home, **{"姓名": "王不同", "金额（元）": Decimal("1.001")}), row(household())],
        allotment, cashier,
    )  # fmt: skip
    body, many = workbooks.returned(shown.bad_rows(batch), None)
    sheet = load_workbook(BytesIO(body)).active
    assert sheet is not None
    heads, *lines = [list(line) for line in sheet.iter_rows(values_only=True)]
    assert (tuple(heads), many, len(lines)) == (workbooks.RETURNED, 1, 1)
    told = dict(zip(heads, lines[0], strict=True))
    number = batch.rows.get(row_no=2).bank_account
    assert told["行号"] == 2
    assert told["收款账号"] == f"{'*' * (len(number) - 4)}{number[-4:]}"
    assert told["问题所在列"] == "金额（元）、姓名"
    assert "姓名须与登记" in str(told["怎样修改"])


def test_every_fault_says_how_to_mend_it() -> None:
    assert set(workbooks.MENDING) == set(RowFault.values)
    assert {head for head, _ in workbooks.MENDING.values()} <= set(workbooks.COLUMNS)


def test_public_list_is_masked_and_of_posted_batches(
    allotment: Account, cashier: User, checker: User
) -> None:
    home = household(head="张三丰")
    batch = paid(checked([row(home)], allotment, cashier), cashier)
    assert shown.public_page(batch, cashier).rows == []
    posting.approve(voucher=batch.voucher, by=checker)
    batch.refresh_from_db()
    rows = shown.public_page(batch, cashier).rows
    assert [(one.payee, one.subsidy, one.amount) for one in rows] == [
        ("张*丰", SUBSIDY, Decimal("10.50"))
    ]


@pytest.mark.parametrize(
    ("name", "masked"), [("张三", "张*"), ("张", "*"), ("欧阳三丰", "欧**丰"), ("", "")]
)
def test_names_are_masked(name: str, masked: str) -> None:
    assert shown.mask_name(name) == masked


# --- nothing is lost -------------------------------------------------------------------------------

_AMOUNTS = st.decimals("0.01", "9.99", places=2)
_KINDS = st.sampled_from(["good", "name", "nobody", "twice", "account"])


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(told=st.lists(st.tuples(_KINDS, _AMOUNTS), min_size=1, max_size=6))
def test_staged_sum_is_paid_and_returned(
    told: list[tuple[str, Decimal]], allotment: Account, cashier: User
) -> None:
    rows: list[Row] = []
    for kind, amount in told:
        home = household()
        changes = {
            "name": {"姓名": "王不同"}, "nobody": {"户编号": "86300009999999"},
            "account": {"收款账号": "1"},
        }.get(kind, {})  # fmt: skip
        rows += [row(home, **{"金额（元）": amount} | changes)] * (2 if kind == "twice" else 1)
    batch = checked(rows, allotment, cashier)
    good = sum((amount for kind, amount in told if kind == "good"), Decimal(0))
    if batch.rows_good:
        paid(batch, cashier)
    went = sum((one.amount for one in Payment.objects.filter(voucher=batch.voucher)), Decimal(0))
    back = sum((one.amount or 0 for one in PaymentBatchRow.objects.filter(batch=batch)), Decimal(0))
    assert went == (good if batch.voucher_id else 0)
    assert went + back == sum((one["金额（元）"] for one in rows), Decimal(0))
    if batch.voucher is not None:
        posting.refuse(voucher=batch.voucher, why="下一例", by=other_of(cashier))


def other_of(user: User) -> User:
    return User.objects.filter(username="second").first() or _second()


def _second() -> User:
    from accounts.enums import Role
    from tests.conftest import person

    return person("second", Role.FINANCE, "4103")
