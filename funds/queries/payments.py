"""What money did for a household, a project, a place."""

from decimal import Decimal
from typing import Any

from django.db.models import Exists, OuterRef, Q, Sum

from core.scope import Actor, trim, within
from funds.enums import AccountKind, PayeeKind, VoucherState
from funds.models import Account, Payment
from projects.models import Project


def of_household(household: int, actor: Actor) -> list[Payment]:
    """Payments to a household by day, the youngest first; those that only wait are marked by their state.

    A return stands with the payment it takes back (`came_back`), not as a line of its own.
    """
    back = Payment.objects.filter(reverses=OuterRef("pk"), voucher__state=VoucherState.POSTED)
    found = (
        Payment.objects.visible_to(actor)
        .filter(household_id=household, reverses=None)
        .exclude(voucher__state=VoucherState.REFUSED)
        .annotate(came_back=Exists(back))
        .select_related("voucher")
        .order_by("-voucher__on", "-pk")
    )
    return list(found)


def sum_of(payments: list[Payment]) -> Decimal:
    """What really reached the household, yuan: posted and not returned."""
    return sum(
        (
            one.amount
            for one in payments
            if one.voucher.state == VoucherState.POSTED and not one.came_back  # type: ignore[attr-defined]
        ),
        Decimal(0),
    )


def count_of_household(household_no: str, year: int, actor: Actor) -> int:
    """How many payments the household got or waits for, whatever the year."""
    del year
    found = Payment.objects.visible_to(actor).filter(
        household__household_no=household_no, reverses=None
    )
    return found.exclude(voucher__state=VoucherState.REFUSED).count()


def of_project(project: Project, actor: Actor) -> list[dict[str, Any]]:
    """What each document gave the project and what of it was paid, yuan, as far as the actor sees."""
    told = (
        Account.objects.visible_to(actor).filter(project=project)
        .values("source_id", "source__doc_no", "year")
        .annotate(
            left=Sum("balance", filter=Q(kind=AccountKind.ALLOTMENT), default=Decimal(0)),
            paid=Sum("balance", filter=Q(kind=AccountKind.PAID), default=Decimal(0)),
        ).order_by("year", "source_id")
    )  # fmt: skip
    return [row | {"allotted": row["left"] + row["paid"]} for row in told]


def contractors_of(project: Project, actor: Actor) -> list[dict[str, Any]]:
    """Who was paid for the project by posted vouchers, yuan after returns, the most first."""
    paid = Payment.objects.visible_to(actor).filter(
        account__project=project, voucher__state=VoucherState.POSTED
    )
    by_name = paid.filter(payee_kind=PayeeKind.CONTRACTOR).order_by().values("payee")
    return [dict(row) for row in by_name.annotate(sum=Sum("amount")).order_by("-sum", "payee")[:50]]


def households_of(project: Project, actor: Actor) -> dict[str, Any]:
    """How much went to households by card, and to how many."""
    paid = Payment.objects.visible_to(actor).filter(
        account__project=project, voucher__state=VoucherState.POSTED,
        payee_kind=PayeeKind.HOUSEHOLD,
    )  # fmt: skip
    told = paid.order_by().values("household").annotate(sum=Sum("amount")).filter(sum__gt=0)
    return {"sum": paid.aggregate(sum=Sum("amount"))["sum"], "households": told.count()}


def of_place(code: str, year: int, actor: Actor) -> dict[str, Decimal]:
    """What is held for a place in a year, and what was paid to households in it, yuan."""
    accounts = Account.objects.visible_to(actor).in_region(code).filter(year=year)
    told = accounts.aggregate(
        pool=Sum("balance", filter=Q(kind=AccountKind.POOL), default=Decimal(0)),
        left=Sum("balance", filter=Q(kind=AccountKind.ALLOTMENT), default=Decimal(0)),
        paid=Sum("balance", filter=Q(kind=AccountKind.PAID), default=Decimal(0)),
    )
    cards = Payment.objects.visible_to(actor).filter(
        within([trim(code)], "region_code"), payee_kind=PayeeKind.HOUSEHOLD,
        voucher__state=VoucherState.POSTED, voucher__year=year,
    )  # fmt: skip
    return told | {"cards": cards.aggregate(sum=Sum("amount", default=Decimal(0)))["sum"]}
