"""Vouchers: asked for by one person, posted or refused by another."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models.functions import Now

from core.acting import acting
from funds.enums import VoucherKind, VoucherState
from funds.models import Account, Entry, Voucher
from funds.services.common import APPROVE, UnfitError, refused, require


@dataclass(frozen=True)
class Ground:
    """Why money moves: the day of business, what for, on which document; `key` tells a repetition.

    A form that is sent twice, or a task that runs twice, brings the same key and makes one voucher.
    """

    on: date
    reason: str
    document: str
    key: str


@dataclass(frozen=True)
class Leg:
    """Yuan into (positive) or out of (negative) an account."""

    account: Account
    amount: Decimal


def asked(
    *,
    kind: str,
    code: str,
    ground: Ground,
    legs: Sequence[Leg],
    reverses: Voucher | None = None,
    by: Any,
) -> Voucher:
    """Put down a voucher with its legs, waiting for a second person. To be called inside an act.

    A key that was used in this division brings back its voucher, unchanged, and adds nothing: the
    caller tells by `Voucher.amount` or simply shows it.
    """
    voucher = Voucher.objects.create(
        region_code=code,
        year=ground.on.year,
        kind=kind,
        on=ground.on,
        reason=ground.reason,
        document=ground.document,
        key=ground.key,
        amount=sum((leg.amount for leg in legs if leg.amount > 0), Decimal(0)),
        legs=len(legs),
        reverses=reverses,
        created_by=by,
    )
    Entry.objects.bulk_create(
        Entry(
            voucher=voucher,
            account=leg.account,
            region_code=leg.account.region_code,
            amount=leg.amount,
        )
        for leg in legs
    )
    return voucher


def known(code: str, key: str) -> Voucher | None:
    """The voucher that was asked for in this division under this key, if there is one."""
    return Voucher.objects.filter(region_code=code, key=key).first()


def _waiting(voucher: Voucher, by: Any) -> Voucher:
    found = Voucher.objects.select_for_update().get(pk=voucher.pk)
    require(found.region_code, APPROVE, by)
    if found.state != VoucherState.PENDING:
        raise UnfitError(f"该凭证{found.get_state_display()}，不能再复核。")
    if found.created_by_id == by.pk:
        raise UnfitError("经办人不能复核自己的凭证，请由另一人复核。")
    return found


def approve(*, voucher: Voucher, why: str = "", by: Any) -> Voucher:
    """Post it: from now on its entries count. Raises UnfitError where an account cannot bear it."""
    with acting(by=by, reason=f"复核入账：{VoucherKind(voucher.kind).label}"), refused():
        found = _waiting(voucher, by)
        Voucher.objects.filter(pk=found.pk).update(
            state=VoucherState.POSTED, decided_by=by, decided_at=Now(), decided_why=why
        )
    found.refresh_from_db()
    return found


def refuse(*, voucher: Voucher, why: str, by: Any) -> Voucher:
    """Send it back with a reason; it stays on record and moves nothing."""
    if not why.strip():
        raise UnfitError("请填写退回的理由。")
    with acting(by=by, reason=f"退回凭证：{why}"), refused():
        found = _waiting(voucher, by)
        Voucher.objects.filter(pk=found.pk).update(
            state=VoucherState.REFUSED, decided_by=by, decided_at=Now(), decided_why=why
        )
    found.refresh_from_db()
    return found


def reverse(*, voucher: Voucher, ground: Ground, by: Any) -> Voucher:
    """Ask for the counter-entry of a posted voucher, whole; payments come back with it.

    Raises UnfitError for one that is not posted, that is reversed already, or of whose payments
    some came back one by one.
    """
    from funds.services.paying import all_back

    with acting(by=by, reason=f"冲正：{ground.reason}"), refused():
        found = Voucher.objects.select_for_update().get(pk=voucher.pk)
        if (again := known(found.region_code, ground.key)) is not None:
            return again
        if found.state != VoucherState.POSTED:
            raise UnfitError("原凭证尚未入账，不能冲正；请直接退回。")
        if found.reverses_id is not None:
            raise UnfitError("冲正和退回的凭证不能再冲正；请重新办理原业务。")
        legs = [
            Leg(entry.account, -entry.amount)
            for entry in found.entries.select_related("account").order_by("pk")
        ]
        made = asked(
            kind=VoucherKind.REVERSE, code=found.region_code, ground=ground, legs=legs,
            reverses=found, by=by,
        )  # fmt: skip
        if found.kind == VoucherKind.PAY:
            all_back(found, made)
    return made
