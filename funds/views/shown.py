"""What the pages of money share: who may, which divisions, and how a voucher is told in words."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils import timezone

from core.scope import within
from core.web import actor_of
from funds.enums import AccountKind, VoucherState
from funds.models import Account, Entry, Source, Voucher
from funds.services.common import EDIT
from villages.enums import Level
from villages.models import Region

READ = "households.view_register"
TONES = {VoucherState.POSTED: "good", VoucherState.PENDING: "warn", VoucherState.REFUSED: "bad"}
_BOOKING = (Level.CITY, Level.COUNTY)


def asked(request: HttpRequest, names: Sequence[str]) -> dict[str, str]:
    """The filters that were given, without the NUL that PostgreSQL takes in no text."""
    told = {name: request.GET.get(name, "").replace("\x00", "")[:100] for name in names}
    return {name: value for name, value in told.items() if value}


def places_of(request: HttpRequest) -> list[Region]:
    """The city and counties whose money the person books."""
    prefixes = actor_of(request).prefixes_for(EDIT)
    found = Region.objects.valid_on(timezone.localdate()).filter(
        within(prefixes, "code"), level__in=_BOOKING
    )
    return list(found.order_by("code"))


def seen_source(request: HttpRequest, pk: int) -> Source:
    found: Source = get_object_or_404(
        Source.objects.visible_to(actor_of(request)).select_related("region", "created_by"), pk=pk
    )
    return found


def seen_account(request: HttpRequest, pk: int, *kinds: str) -> Account:
    """The account, if the person may read it; with kinds, only one of these."""
    rows = Account.objects.visible_to(actor_of(request))
    if kinds:
        rows = rows.filter(kind__in=kinds)
    found: Account = get_object_or_404(
        rows.select_related("source", "source__region", "region", "project"), pk=pk
    )
    return found


def seen_voucher(request: HttpRequest, pk: int) -> Voucher:
    found: Voucher = get_object_or_404(
        Voucher.objects.visible_to(actor_of(request)).select_related(
            "created_by", "decided_by", "reverses"
        ),
        pk=pk,
    )
    return found


def holder(account: Account) -> str:
    """Whose money it is: the project, the unit, or the division's pool."""
    if account.kind == AccountKind.OUTSIDE:
        return "上级财政（待到位）"
    if account.project is not None:
        return account.project.name
    return account.unit or f"{account.region.name}财政（未分配）"


def legs(request: HttpRequest, voucher: Voucher) -> list[dict[str, Any]]:
    """The entries that the person may read, what goes out first."""
    rows = Entry.objects.visible_to(actor_of(request)).filter(voucher=voucher)
    rows = rows.select_related("account__region", "account__project", "account__source")
    return [
        {"entry": one, "holder": holder(one.account), "out": one.amount < 0}
        for one in rows.order_by("amount", "pk")[:200]
    ]
