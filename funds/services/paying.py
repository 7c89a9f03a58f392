"""Payments out of an allotment: to whoever builds or supplies, and what comes back."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db import connection

from core.acting import acting
from funds.enums import AccountKind, PayeeKind, VoucherKind, VoucherState
from funds.models import Account, Payment, Voucher
from funds.services.common import EDIT, UnfitError, refused, require
from funds.services.moving import account_of
from funds.services.posting import Ground, Leg, asked, known


def paid_side(allotment: Account) -> Account:
    """Where the money of an allotment goes when it is paid."""
    return account_of(
        allotment.source, AccountKind.PAID, allotment.region, allotment.year, allotment.unit,
        allotment.project,
    )  # fmt: skip


def pay_contractor(
    *, allotment: Account, payee: str, bank_account: str, amount: Decimal, ground: Ground, by: Any
) -> Voucher:
    """Ask for a payment to whoever builds or supplies."""
    if amount <= 0:
        raise UnfitError("金额必须大于 0。")
    if allotment.kind != AccountKind.ALLOTMENT:
        raise UnfitError("只能从已分配的资金中支付。")
    if not payee.strip():
        raise UnfitError("请填写收款单位。")
    with acting(by=by, reason=f"资金支付：{ground.document}"), refused():
        require(allotment.region_code, EDIT, by)
        if (again := known(allotment.region_code, ground.key)) is not None:
            return again
        voucher = asked(
            kind=VoucherKind.PAY, code=allotment.region_code, ground=ground,
            legs=[Leg(allotment, -amount), Leg(paid_side(allotment), amount)], by=by,
        )  # fmt: skip
        Payment.objects.create(
            voucher=voucher, account=allotment, region_code=allotment.region_code,
            payee_kind=PayeeKind.CONTRACTOR, payee=payee, bank_account=bank_account,
            amount=amount,
        )  # fmt: skip
    return voucher


def give_back(*, voucher: Voucher, payments: Sequence[Payment], ground: Ground, by: Any) -> Voucher:
    """Ask for the return of some payments of a posted voucher, e.g. cards the bank refused."""
    if not payments:
        raise UnfitError("请选择退回的支付。")
    with acting(by=by, reason=f"支付退回：{ground.reason}"), refused():
        found = Voucher.objects.select_for_update().get(pk=voucher.pk)
        require(found.region_code, EDIT, by)
        if (again := known(found.region_code, ground.key)) is not None:
            return again
        if found.kind != VoucherKind.PAY or found.state != VoucherState.POSTED:
            raise UnfitError("只有已入账的支付凭证可以退回。")
        rows = list(
            Payment.objects.filter(pk__in=[one.pk for one in payments], voucher=found)
            .select_related("account__source", "account__region", "account__project")
        )  # fmt: skip
        if len(rows) != len(payments):
            raise UnfitError("名单中有支付不属于这张凭证。")
        made = asked(
            kind=VoucherKind.RETURN, code=found.region_code, ground=ground,
            legs=_legs_back(rows), reverses=found, by=by,
        )  # fmt: skip
        _put_back(made, "p.id = ANY (%s)", [[row.pk for row in rows]])
    return made


def _legs_back(rows: Sequence[Payment]) -> list[Leg]:
    accounts = {row.account_id: row.account for row in rows}
    legs = []
    for key, account in accounts.items():
        amount = sum((row.amount for row in rows if row.account_id == key), Decimal(0))
        legs += [Leg(account, amount), Leg(paid_side(account), -amount)]
    return legs


def all_back(original: Voucher, made: Voucher) -> None:
    """The payments of the original come back with its counter-entry, all at once."""
    _put_back(made, "p.voucher_id = %s", [original.pk])


def _put_back(made: Voucher, which: str, params: list[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO funds_payment (voucher_id, account_id, region_code, payee_kind, payee,"  # noqa: S608
            " household_id, person_id, subsidy, period, bank_account, account_index, amount, reverses_id)"
            " SELECT %s, p.account_id, p.region_code, p.payee_kind, p.payee, p.household_id,"
            f" p.person_id, p.subsidy, p.period, p.bank_account, p.account_index, -p.amount, p.id FROM funds_payment p"
            f" WHERE {which} ORDER BY p.id",
            [made.pk, *params],
        )
