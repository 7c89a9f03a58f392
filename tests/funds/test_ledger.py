"""Money: two persons, no fen lost, never more than there is, whoever asks and however many at once."""

import contextlib
import threading
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from funds.enums import AccountKind, VoucherState
from funds.models import Account, Entry, Payment, Source, Voucher
from funds.queries.reconciling import differences
from funds.services import moving, paying, posting, sources
from funds.services.common import UnfitError
from funds.services.moving import Share
from tests.factories.villages import RegionFactory
from tests.funds.conftest import (
    CITY,
    COUNTY,
    NEIGHBOUR,
    allotment_of,
    announced,
    balances,
    ground,
    pay,
    pool_of,
    posted,
)
from tests.projects.conftest import Office, brought_to
from villages.models import Region

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("adds_up")]
Z = Decimal(0)


def refused(statement: str, *values: Any) -> str:
    """The database itself refuses the statement of its owner; what it says."""
    with pytest.raises(DatabaseError) as told:
        _done(statement, *values)
    return str(told.value)


def _done(statement: str, *values: Any) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def _asked(kind: str, *legs: posting.Leg, by: User) -> None:
    """A voucher past the services, looked at by the database."""
    with transaction.atomic():
        posting.asked(kind=kind, code=CITY, ground=ground(), legs=legs, by=by)
        _done("SELECT 1")


def test_from_the_document_to_the_payee(allotted: Source, cashier: User, checker: User) -> None:
    voucher = pay(allotted, "15.50", cashier)
    assert balances(allotted)[AccountKind.ALLOTMENT] == 40
    done = posted(voucher, checker)
    assert (done.state, done.decided_by_id) == (VoucherState.POSTED, checker.pk)
    assert balances(allotted) == {
        AccountKind.OUTSIDE: Decimal(-60),
        AccountKind.POOL: Decimal(20),
        AccountKind.ALLOTMENT: Decimal("24.50"),
        AccountKind.PAID: Decimal("15.50"),
    }


def test_numbers_have_no_gaps(allotted: Source, cashier: User, checker: User) -> None:
    first, second, third = (pay(allotted, "1", cashier) for _ in range(3))
    posting.refuse(voucher=second, why="依据不符", by=checker)
    assert [posted(one, checker).number for one in (third, first)] == [1, 2]
    second.refresh_from_db()
    assert (second.number, second.state) == (None, VoucherState.REFUSED)


@pytest.mark.parametrize(
    ("arrive", "allot", "spend", "words"),
    [("100.01", None, None, "不能超过下达"), ("60", "60.01", None, "不能超过到位"),
     ("60", "40", "40.01", "不能超过分配")],
)  # fmt: skip
def test_never_more_than_there_is(
    source: Source, cashier: User, checker: User, arrive: str, allot: str | None,
    spend: str | None, words: str,
) -> None:  # fmt: skip
    asked = [moving.arrive(source=source, amount=Decimal(arrive), ground=ground(), by=cashier)]
    if allot:
        posted(asked[-1], checker)
        share = Share(RegionFactory(code=COUNTY), Decimal(allot), unit="县交通局")
        asked.append(
            moving.allocate(pool=pool_of(source), shares=[share], ground=ground(), by=cashier)
        )
    if spend:
        posted(asked[-1], checker)
        asked.append(pay(source, spend, cashier))
    before = balances(source)
    with pytest.raises(UnfitError, match=words):
        posted(asked[-1], checker)
    assert balances(source) == before
    asked[-1].refresh_from_db()
    assert asked[-1].state == VoucherState.PENDING


def test_two_persons(allotted: Source, cashier: User, checker: User) -> None:
    voucher = pay(allotted, "1", cashier)
    with pytest.raises(UnfitError, match="另一人"):
        posted(voucher, cashier)
    assert "voucher_takes_two_persons" in refused(
        "UPDATE funds_voucher SET state = 'POSTED', decided_by_id = created_by_id,"
        " decided_at = now() WHERE id = %s",
        voucher.pk,
    )
    posted(voucher, checker)
    with pytest.raises(UnfitError, match="已入账"):
        posted(voucher, checker)


def test_who_may_not(allotted: Source, county_cashier: User, city_leader: User) -> None:
    with pytest.raises(UnfitError, match="权限"):
        moving.arrive(source=allotted, amount=Decimal(1), ground=ground(), by=county_cashier)
    with pytest.raises(UnfitError, match="权限"):
        pay(allotted, "1", city_leader)
    assert pay(allotted, "1", county_cashier).created_by_id == county_cashier.pk


def test_a_county_hands_nothing_to_its_neighbour(
    arrived: Source, cashier: User, checker: User, county_cashier: User
) -> None:
    share = Share(RegionFactory(code=COUNTY), Decimal(30))
    posted(
        moving.allocate(pool=pool_of(arrived), shares=[share], ground=ground(), by=cashier),
        checker,
    )
    theirs = pool_of(arrived, COUNTY)
    for region in (NEIGHBOUR, COUNTY):
        with pytest.raises(UnfitError, match="分配"):
            moving.allocate(
                pool=theirs, shares=[Share(RegionFactory(code=region), Decimal(1))],
                ground=ground(), by=county_cashier,
            )  # fmt: skip


def test_asked_twice_is_one(allotted: Source, cashier: User) -> None:
    once = pay(allotted, "5", cashier, ground=ground(key="同一笔"))
    again = pay(allotted, "5", cashier, ground=ground(key="同一笔"))
    assert once.pk == again.pk
    assert Payment.objects.count() == 1


def test_what_was_decided_stays(allotted: Source, cashier: User, checker: User) -> None:
    voucher = posted(pay(allotted, "5", cashier), checker)
    entry = Entry.objects.filter(voucher=voucher)[0]
    for statement in (
        f"UPDATE funds_entry SET amount = 1 WHERE id = {entry.pk}",
        f"DELETE FROM funds_entry WHERE id = {entry.pk}",
        f"UPDATE funds_voucher SET amount = 1 WHERE id = {voucher.pk}",
        f"UPDATE funds_voucher SET state = 'PENDING' WHERE id = {voucher.pk}",
        f"DELETE FROM funds_voucher WHERE id = {voucher.pk}",
        "UPDATE funds_payment SET amount = 1",
        "DELETE FROM funds_payment",
        f"UPDATE funds_account SET balance = 99 WHERE id = {entry.account_id}",
        f"UPDATE funds_account SET least = -99 WHERE id = {entry.account_id}",
        f"DELETE FROM funds_account WHERE id = {entry.account_id}",
        "UPDATE funds_source SET amount = 999",
        "DELETE FROM funds_source",
        "INSERT INTO funds_entry (voucher_id, account_id, region_code, amount)"
        f" SELECT {voucher.pk}, id, region_code, 1 FROM funds_account WHERE kind = 'POOL'",
        "INSERT INTO funds_payment (voucher_id, account_id, region_code, payee_kind, payee,"
        " subsidy, amount) SELECT voucher_id, account_id, region_code, payee_kind, payee,"
        " subsidy, amount FROM funds_payment",
    ):
        assert refused(statement), statement


def test_a_leg_slipped_in_while_it_waits(allotted: Source, cashier: User) -> None:
    voucher = pay(allotted, "5", cashier)
    assert "does not add up: legs" in refused(
        "INSERT INTO funds_entry (voucher_id, account_id, region_code, amount)"
        " SELECT %s, id, region_code, 1 FROM funds_account WHERE kind = 'POOL'",
        voucher.pk,
    )


def test_money_does_not_change_its_source(arrived: Source, cashier: User) -> None:
    """Legs that add up, out of one document's money into another's."""
    other = announced(cashier)
    pool = moving.account_of(other, AccountKind.POOL, other.region, 2018)
    legs = posting.Leg(pool_of(arrived), Decimal(-1)), posting.Leg(pool, Decimal(1))
    with pytest.raises(DatabaseError, match="does not add up: source"):
        _asked("ALLOCATE", *legs, by=cashier)


def test_money_goes_where_its_kind_lets_it(allotted: Source, cashier: User) -> None:
    """A payment straight out of the pool."""
    paid = posting.Leg(paying.paid_side(allotment_of(allotted)), Decimal(1))
    with pytest.raises(DatabaseError, match="does not add up: kind"):
        _asked("PAY", posting.Leg(pool_of(allotted), Decimal(-1)), paid, by=cashier)


def test_a_document_is_cut_down_to_what_has_arrived(arrived: Source, cashier: User) -> None:
    def cut(amount: str) -> None:
        sources.change(
            source=arrived, doc_no=f"豫财农〔2018〕9{amount}号", on=date(2018, 6, 1),
            amount=Decimal(amount), reason="调减", by=cashier,
        )  # fmt: skip

    cut("-40")
    with pytest.raises(UnfitError, match="余额"):
        cut("-0.01")
    cut("5")
    assert Account.objects.get(source=arrived, kind="OUTSIDE").least == -65


def test_a_counter_entry_brings_all_back_once(
    allotted: Source, cashier: User, checker: User
) -> None:
    before = balances(allotted)
    voucher = posted(pay(allotted, "5", cashier), checker)
    counter = posting.reverse(voucher=voucher, ground=ground(reason="付错单位"), by=cashier)
    with pytest.raises(UnfitError, match="正在冲正"):
        posting.reverse(voucher=voucher, ground=ground(), by=cashier)
    posted(counter, checker)
    assert balances(allotted) == before | {AccountKind.PAID: Z}
    assert sorted(Payment.objects.values_list("amount", flat=True)) == [-5, 5]
    with pytest.raises(UnfitError, match="不能再冲正"):
        posting.reverse(voucher=counter, ground=ground(), by=cashier)


def test_a_refused_counter_entry_leaves_room(
    allotted: Source, cashier: User, checker: User
) -> None:
    voucher = posted(pay(allotted, "5", cashier), checker)
    first = posting.reverse(voucher=voucher, ground=ground(), by=cashier)
    posting.refuse(voucher=first, why="不必冲正", by=checker)
    second = posting.reverse(voucher=voucher, ground=ground(), by=cashier)
    assert posted(second, checker).state == VoucherState.POSTED


def test_an_allocation_spent_meanwhile_cannot_be_taken_back(
    arrived: Source, cashier: User, checker: User
) -> None:
    share = Share(RegionFactory(code=COUNTY), Decimal(10), unit="县交通局")
    given_out = posted(
        moving.allocate(pool=pool_of(arrived), shares=[share], ground=ground(), by=cashier),
        checker,
    )
    posted(pay(arrived, "0.01", cashier), checker)
    counter = posting.reverse(voucher=given_out, ground=ground(), by=cashier)
    with pytest.raises(UnfitError, match="余额"):
        posted(counter, checker)


def test_a_payment_comes_back_once(allotted: Source, cashier: User, checker: User) -> None:
    voucher = posted(pay(allotted, "5", cashier), checker)
    payments = list(Payment.objects.all())
    back = paying.give_back(voucher=voucher, payments=payments, ground=ground(), by=cashier)
    with pytest.raises(UnfitError, match="退回过"):
        paying.give_back(voucher=voucher, payments=payments, ground=ground(), by=cashier)
    posted(back, checker)
    assert balances(allotted)[AccountKind.ALLOTMENT] == 40
    with pytest.raises(UnfitError, match="退回过"):
        posting.reverse(voucher=voucher, ground=ground(), by=cashier)


def test_the_year_is_closed_and_what_is_left_goes_on(
    allotted: Source, cashier: User, checker: User
) -> None:
    region, next_year = RegionFactory(code=COUNTY), date(2019, 1, 3)
    waiting = pay(allotted, "4", cashier)
    with pytest.raises(UnfitError, match="待复核"):
        moving.close_year(region=region, year=2018, by=checker)
    posted(waiting, checker)
    late = pay(allotted, "1", cashier)
    posting.refuse(voucher=late, why="年度将关账", by=checker)
    moving.close_year(region=region, year=2018, by=checker)
    with pytest.raises(UnfitError, match="已关账"):
        posted(pay(allotted, "1", cashier), checker)
    carried = moving.carry_over(region=region, year=2018, ground=ground(next_year), by=cashier)
    assert posted(carried, checker).year == 2019
    left = Account.objects.filter(region_code=COUNTY, kind=AccountKind.ALLOTMENT)
    assert {row.year: row.balance for row in left} == {2018: Z, 2019: Decimal(36)}


def test_neighbours_see_nothing(
    allotted: Source, county_cashier: User, songxian_clerk: User
) -> None:
    """The county sees the city's document and the voucher that gave it money, its neighbour neither."""
    for model, seen in ((Source, 1), (Voucher, 1), (Account, 1), (Entry, 1)):
        assert model.objects.visible_to(county_cashier).count() == seen, model
        assert not model.objects.visible_to(songxian_clerk).exists(), model


# --- any sequence of acts ----------------------------------------------------------------------

yuan = st.decimals("0.01", "120", places=2)
acts = st.lists(
    st.tuples(st.sampled_from(["arrive", "allot", "pay", "back", "change"]), yuan, st.booleans()),
    max_size=14,
)


class Books:
    """A model of the ledger in four numbers, and the acts on it: each tells whether it fits."""

    def __init__(self, source: Source, cashier: User) -> None:
        self.source, self.by, self.county = source, cashier, RegionFactory(code=COUNTY)
        self.announced, self.arrived, self.pool, self.allotment, self.paid = (
            Decimal(100),
            Z,
            Z,
            Z,
            Z,
        )

    def change(self, amount: Decimal) -> tuple[bool, None, dict[str, Decimal]]:
        """A cut happens at once, or not at all."""
        fits = self.announced - amount >= self.arrived
        with contextlib.suppress(UnfitError):
            sources.change(
                source=self.source, doc_no=ground().key, on=date(2018, 6, 1), amount=-amount,
                reason="调减", by=self.by,
            )  # fmt: skip
            assert fits
        return fits, None, {"announced": -amount}

    def arrive(self, amount: Decimal) -> tuple[bool, Voucher, dict[str, Decimal]]:
        asked = moving.arrive(source=self.source, amount=amount, ground=ground(), by=self.by)
        fits = self.arrived + amount <= self.announced
        return fits, asked, {"arrived": amount, "pool": amount}

    def allot(self, amount: Decimal) -> tuple[bool, Voucher, dict[str, Decimal]]:
        asked = moving.allocate(
            pool=moving.account_of(self.source, "POOL", self.source.region, 2018),
            shares=[Share(self.county, amount, unit="县交通局")], ground=ground(), by=self.by,
        )  # fmt: skip
        return amount <= self.pool, asked, {"pool": -amount, "allotment": amount}

    def pay(self, amount: Decimal) -> tuple[bool, Voucher, dict[str, Decimal]]:
        allotment = moving.account_of(self.source, "ALLOTMENT", self.county, 2018, "县交通局")
        asked = paying.pay_contractor(
            allotment=allotment, payee="某路桥公司", bank_account="", amount=amount,
            ground=ground(), by=self.by,
        )  # fmt: skip
        return amount <= self.allotment, asked, {"allotment": -amount, "paid": amount}

    def back(self, _: Decimal) -> tuple[bool, Voucher | None, dict[str, Decimal]]:
        """The last payment that stands is taken back whole."""
        standing = Voucher.objects.filter(kind="PAY", state="POSTED")
        last = standing.exclude(reversed_by__state="POSTED").order_by("-pk").first()
        if last is None:
            return True, None, {}
        asked = posting.reverse(voucher=last, ground=ground(), by=self.by)
        return True, asked, {"allotment": last.amount, "paid": -last.amount}

    def follow(self, changes: dict[str, Decimal]) -> None:
        for name, amount in changes.items():
            setattr(self, name, getattr(self, name) + amount)

    def check(self) -> None:
        """The database holds the same four numbers."""
        found = balances(self.source)
        told = [found.get(kind, Z) for kind in ("OUTSIDE", "POOL", "ALLOTMENT", "PAID")]
        assert told == [-self.arrived, self.pool, self.allotment, self.paid]


@settings(
    max_examples=60, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(acts)
def test_any_sequence_balances(
    source: Source, cashier: User, checker: User, script: list[tuple[str, Decimal, bool]]
) -> None:
    """Against a model of four numbers: legal acts do what they say, illegal ones change nothing."""
    with transaction.atomic():
        books = Books(source, cashier)
        for act, amount, approves in script:
            fits, voucher, changes = getattr(books, act)(amount)
            if voucher is None:
                books.follow(changes if fits else {})
            elif not approves:
                posting.refuse(voucher=voucher, why="不同意", by=checker)
            elif fits:
                posted(voucher, checker)
                books.follow(changes)
            else:
                with pytest.raises(UnfitError):
                    posted(voucher, checker)
            books.check()
        assert not differences()
        transaction.set_rollback(True)


@pytest.mark.integration
@pytest.mark.django_db(transaction=True)
def test_twenty_at_once_on_the_last_yuan(allotted: Source, cashier: User, checker: User) -> None:
    posted(pay(allotted, "39", cashier), checker)
    waiting = [pay(allotted, "1", cashier) for _ in range(20)]
    ready, told = threading.Barrier(20), []

    def run(voucher: Voucher) -> None:
        ready.wait(60)
        try:
            told.append(posted(voucher, checker).number)
        except UnfitError as error:
            told.append(str(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(one,)) for one in waiting]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    paid = [one for one in told if isinstance(one, int)]
    assert paid == [2]
    assert len(told) == 20
    assert balances(allotted)[AccountKind.ALLOTMENT] == 0


def test_money_for_a_project_wants_it_in_the_library(
    arrived: Source, cashier: User, checker: User, office: Office
) -> None:
    project = brought_to(office, "DECIDED")
    county, neighbour = RegionFactory(code=COUNTY), RegionFactory(code=NEIGHBOUR)

    def allot(region: Region) -> Voucher:
        share = Share(region, Decimal(10), project=project)
        return moving.allocate(
            pool=pool_of(arrived), shares=[share], ground=ground(), by=cashier
        )  # fmt: skip

    with pytest.raises(UnfitError, match="没有入库"):
        allot(county)
    project = brought_to(office, "LIBRARY", project)
    with pytest.raises(UnfitError, match="不在该区划"):
        allot(neighbour)
    posted(allot(county), checker)
    assert Account.objects.get(project=project).balance == 10
