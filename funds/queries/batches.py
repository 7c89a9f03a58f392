"""Batches of payments: the list, what was found, rows to be handed back, the public list."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from django.db.models import Count

from core.scope import Actor
from funds.enums import RowFault, VoucherState
from funds.models import Payment, PaymentBatch, PaymentBatchRow, PayrollPerson
from funds.queries.listing import Page
from villages.models import Region

# Rows of a public list on one page; a village has some hundreds.
PUBLIC_PAGE = 1_000
_CHUNK = 2_000
_PARTS = ("account__project", "account__source", "account__region", "voucher", "job", "created_by")


def visible(actor: Actor) -> Any:
    """Batches of the actor's own offices."""
    return PaymentBatch.objects.visible_to(actor).select_related(*_PARTS)


def found_faults(batch: PaymentBatch) -> list[tuple[str, int]]:
    """(what is wrong, rows in which it is), in the order of the checks."""
    return [
        (RowFault(one).label, batch.faults[one]) for one in RowFault.values if one in batch.faults
    ]


def bad_rows(batch: PaymentBatch) -> Iterator[PaymentBatchRow]:
    """Rows that are not paid, in the order of the workbook."""
    return batch.rows.exclude(faults=[]).order_by("row_no").iterator(_CHUNK)


def rosters(actor: Actor) -> list[dict[str, Any]]:
    """Rosters of the public payroll in one's places: how many people, whose, loaded when."""
    found = PayrollPerson.objects.visible_to(actor).order_by("region_code")
    told = found.values(
        "region__name", "region_code", "source", "created_at", "created_by__display_name"
    )
    return [dict(one) for one in told.annotate(people=Count("pk"))]


# --- the public list ---------------------------------------------------------------------------


def mask_name(name: str) -> str:
    """A name as public lists print it.

    >>> mask_name("张三丰"), mask_name("张三"), mask_name("张")
    ('张*丰', '张*', '*')
    """
    if len(name) <= 1:
        return "*" * len(name)
    last = name[-1] if len(name) > 2 else ""
    return f"{name[0]}{'*' * (len(name) - 1 - len(last))}{last}"


def is_posted(batch: PaymentBatch) -> bool:
    return batch.voucher is not None and batch.voucher.state == VoucherState.POSTED


def _posted(batch: PaymentBatch, actor: Actor) -> Any:
    """What came back is not public: nobody has it."""
    if not is_posted(batch):
        return Payment.objects.none()
    back = Payment.objects.filter(
        voucher__state=VoucherState.POSTED, voucher__reverses=batch.voucher
    )
    found = Payment.objects.visible_to(actor).filter(voucher=batch.voucher)
    return found.exclude(pk__in=back.values("reverses_id"))


def villages(batch: PaymentBatch, actor: Actor) -> list[Region]:
    """The villages in which a posted batch paid somebody."""
    codes = _posted(batch, actor).order_by().values("region_code").distinct()
    return list(Region.objects.filter(code__in=codes).order_by("code"))


def public_page(batch: PaymentBatch, actor: Actor, village: str = "", after: str = "") -> Page:
    """Payments of a posted batch, a village after the other, names masked before they leave here."""
    found = _posted(batch, actor).only("id", "region_code", "payee", "subsidy", "amount")
    if village:
        found = found.filter(region_code=village)
    code, _, key = after.partition("-")
    if key.isascii() and key.isdigit():
        found = found.filter(region_code__gte=code).exclude(region_code=code, pk__lte=int(key))
    rows = list(found.order_by("region_code", "pk")[: PUBLIC_PAGE + 1])
    for one in rows:
        one.payee = mask_name(one.payee)
    more, shown = len(rows) > PUBLIC_PAGE, rows[:PUBLIC_PAGE]
    return Page(shown, f"{shown[-1].region_code}-{shown[-1].pk}" if more else "")


def by_village(rows: list[Payment], places: list[Region]) -> list[tuple[str, list[Payment]]]:
    """(name of the village, its rows)."""
    names = {one.code: one.name for one in places}
    return [
        (names.get(code, code), list(group))
        for code, group in groupby(rows, key=lambda one: one.region_code)
    ]
