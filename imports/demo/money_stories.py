"""What waits, came back or was put right in the demo city's ledger, by the product's own services."""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from funds.enums import AccountKind
from funds.models import Account, Payment, Voucher
from funds.services import paying, posting
from funds.services.posting import Ground

_DAY = date(2018, 12, 24)
_LEAST = Decimal(1_000)
_MOST = Decimal(20_000)
_PAYEE, _CARD = "洛阳演示宏远工程有限公司", "9901000000000999"


def tell(people: Mapping[str, Any], cashiers: Mapping[str, tuple[str, str]]) -> None:
    """In each county with its own people: two payments wait, one was refused, one was taken back whole
    and one came back from the bank. What counts in the end is what counted before."""
    for county, (asks, posts) in cashiers.items():
        first, second = people[asks], people[posts]
        allotments = _with_money(county)
        for order in range(2):
            _paid(next(allotments, None), f"{county}-waits-{order}", "支付质量保证金", first)
        one = _paid(next(allotments, None), f"{county}-refused", "支付质量保证金", first)
        if one is not None:
            posting.refuse(voucher=one, why="缺少验收单，请补齐后重新提交。", by=second)
        one = _paid(next(allotments, None), f"{county}-wrong", "支付项目款", first)
        if one is not None:
            one = posting.approve(voucher=one, by=second)
            ground = Ground(_DAY, "收款单位填写有误，冲正", one.document, f"{one.key}-back")
            posting.approve(
                voucher=posting.reverse(voucher=one, ground=ground, by=first), by=second
            )
        one = _paid(next(allotments, None), f"{county}-bounced", "支付项目款", first)
        if one is not None:
            one = posting.approve(voucher=one, by=second)
            ground = Ground(_DAY, "银行退票", one.document, f"{one.key}-back")
            rows = list(Payment.objects.filter(voucher=one))
            made = paying.give_back(voucher=one, payments=rows, ground=ground, by=first)
            posting.approve(voucher=made, by=second)


def _with_money(county: str) -> Iterator[Account]:
    """Projects' allotments of which something is left."""
    return iter(
        Account.objects.filter(
            region_code__startswith=county, kind=AccountKind.ALLOTMENT, balance__gte=_LEAST,
            year=_DAY.year, project__isnull=False,
        ).order_by("pk")[:8]
    )  # fmt: skip


def _paid(allotment: Account | None, key: str, reason: str, by: Any) -> Voucher | None:
    if allotment is None:
        return None
    ground = Ground(_DAY, reason, f"演示支付〔2018〕{key[-1]}号", f"demo-{key}")
    return paying.pay_contractor(
        allotment=allotment, payee=_PAYEE, bank_account=_CARD,
        amount=min(allotment.balance, _MOST), ground=ground, by=by,
    )  # fmt: skip
