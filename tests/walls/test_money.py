"""What the second wall lets through of money: no queryset is scoped here."""

from decimal import Decimal

import pytest

from accounts.models import User
from core import walls
from core.acting import acting
from funds.enums import PayeeKind, VoucherKind
from funds.models import Account, Entry, Payment, PaymentTotal, Source, Voucher
from funds.services import paying, posting
from funds.services.common import refused
from funds.services.posting import Leg
from households.models import Assignment, HouseholdYear
from tests.cast import helper
from tests.factories.households import HOME, NEIGHBOUR, household
from tests.funds.conftest import (
    allotment_of,
    allotted,
    arrived,
    cashier,
    checker,
    ground,
    posted,
    source,
)
from tests.walls.test_walls import OTHER_VILLAGE, Someone

__all__ = ["allotted", "arrived", "cashier", "checker", "helper", "source"]
MODELS = (Source, Account, Entry, Voucher, Payment, PaymentTotal)


def pay_household(source: Source, row: HouseholdYear, by: User) -> Voucher:
    allotment = allotment_of(source)
    with acting(by=by, reason="测试"), refused():
        voucher = posting.asked(
            kind=VoucherKind.PAY, code=allotment.region_code, ground=ground(), by=by,
            legs=[Leg(allotment, Decimal(-1)), Leg(paying.paid_side(allotment), Decimal(1))],
        )  # fmt: skip
        Payment.objects.create(
            voucher=voucher, account=allotment, region_code=row.village_code,
            payee_kind=PayeeKind.HOUSEHOLD, payee="张三", household_id=row.household_id,
            subsidy="产业奖补", amount=Decimal(1),
        )  # fmt: skip
    return voucher


@pytest.fixture
def paid(allotted: Source, cashier: User, checker: User) -> HouseholdYear:
    """A household of 栾川 that got one yuan of the city's money."""
    row = household(code=HOME)
    posted(pay_household(allotted, row, cashier), checker)
    return row


@pytest.mark.parametrize(
    ("prefixes", "expected"),
    [
        # Documents, accounts, entries, vouchers, payments, totals.
        (("4103",), (1, 4, 6, 3, 1, 1)),
        # The county: not what is awaited, nor the city's pool, nor the arrival.
        (("410324",), (1, 2, 3, 2, 1, 1)),
        # The village: what paid its household.
        ((HOME,), (0, 0, 0, 1, 1, 0)),
        ((OTHER_VILLAGE,), (0, 0, 0, 0, 0, 0)),
        (("410325",), (0, 0, 0, 0, 0, 0)),
        ((HOME, NEIGHBOUR), (0, 0, 0, 1, 1, 0)),
        ((), (0, 0, 0, 0, 0, 0)),
    ],
)
def test_who_meets_what(
    paid: HouseholdYear, prefixes: tuple[str, ...], expected: tuple[int, ...]
) -> None:
    with walls.scoped(Someone(*prefixes)):
        assert tuple(model.objects.count() for model in MODELS) == expected


def test_a_helper_meets_what_paid_the_own_household(paid: HouseholdYear, helper: User) -> None:
    Assignment.objects.create(
        household_id=paid.household_id, village_code=HOME, user=helper, reason="帮扶"
    )
    with walls.scoped(Someone(assigned=helper.pk, entrusted=("4103",))):
        assert tuple(model.objects.count() for model in MODELS) == (0, 0, 0, 1, 1, 0)
