"""Lists of documents, vouchers, accounts and payments: what narrows them, in pages by key."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, Sum

from core.scope import Actor, trim
from funds.enums import AccountKind, SourceLevel, VoucherKind, VoucherState
from funds.models import Account, Payment, Source, Voucher

PAGE = 50
_LENGTHS = (2, 4, 6, 9, 12)
_POWERS = 20


@dataclass(frozen=True)
class Page:
    """Rows, and the key to go on after; "" at the end."""

    rows: list[Any]
    after: str


@dataclass
class Standing:
    """Where money of one or several documents stands, yuan; None where the reader sees no such account.

    `announced` is what the documents say with their changes, `arrived` what came of it.
    """

    announced: Decimal | None = None
    arrived: Decimal | None = None
    pool: Decimal = Decimal(0)
    allotted: Decimal = Decimal(0)
    paid: Decimal = Decimal(0)


def _digits(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def in_region(found: Any, asked: Mapping[str, str]) -> Any:
    """Narrowed to a place; what is not the code of one is passed over."""
    region = asked.get("region", "")
    if region.isascii() and region.isdigit() and len(trim(region)) in _LENGTHS:
        found = found.in_region(region)
    return found


def by_key(found: Any, after: str, size: int = PAGE) -> Page:
    """The newest rows first, those older than this key."""
    key = _digits(after)
    if key is not None:
        found = found.filter(pk__lt=key)
    rows = list(found.order_by("-pk")[: size + 1])
    return Page(rows[:size], str(rows[size - 1].pk) if len(rows) > size else "")


# --- documents ----------------------------------------------------------------------------------


def sources(actor: Actor, asked: Mapping[str, str]) -> Any:
    """Documents the actor may read, by year, level, kind, place of the booking office, and words."""
    found = in_region(Source.objects.visible_to(actor), asked)
    if (year := _digits(asked.get("year", ""))) is not None:
        found = found.filter(year=year)
    if asked.get("level") in SourceLevel.values:
        found = found.filter(level=asked["level"])
    if asked.get("kind"):
        found = found.filter(kind=asked["kind"])
    if words := asked.get("words", "").strip():
        found = found.filter(Q(doc_no__icontains=words) | Q(title__icontains=words))
    return found


def standing(actor: Actor, which: Any) -> dict[int, Standing]:
    """Where the money of each of these documents stands, as far as the actor's accounts tell."""
    told = (
        Account.objects.visible_to(actor).filter(source__in=which)
        .values("source_id", "kind").annotate(balance=Sum("balance"), least=Sum("least"))
    )  # fmt: skip
    found: dict[int, Standing] = {}
    for row in told:
        one = found.setdefault(row["source_id"], Standing())
        _put(one, row)
    return found


def whole(actor: Actor, which: Any) -> Standing:
    """The same of all these documents together."""
    told = (
        Account.objects.visible_to(actor).filter(source__in=which.values("pk"))
        .values("kind").annotate(balance=Sum("balance"), least=Sum("least"))
    )  # fmt: skip
    found = Standing()
    for row in told:
        _put(found, row)
    return found


def _put(one: Standing, row: Mapping[str, Any]) -> None:
    if row["kind"] == AccountKind.OUTSIDE:
        one.announced, one.arrived = -row["least"], -row["balance"]
    elif row["kind"] == AccountKind.POOL:
        one.pool = row["balance"]
    elif row["kind"] == AccountKind.ALLOTMENT:
        one.allotted = row["balance"]
    else:
        one.paid = row["balance"]


# --- vouchers -----------------------------------------------------------------------------------


def vouchers(actor: Actor, asked: Mapping[str, str]) -> Any:
    """Vouchers the actor may read, by state, kind, year, place, amount from and to, and words."""
    found = in_region(Voucher.objects.visible_to(actor), asked)
    if asked.get("state") in VoucherState.values:
        found = found.filter(state=asked["state"])
    if asked.get("kind") in VoucherKind.values:
        found = found.filter(kind=asked["kind"])
    if (year := _digits(asked.get("year", ""))) is not None:
        found = found.filter(year=year)
    for name, lookup in (("least", "amount__gte"), ("most", "amount__lte")):
        if (amount := _yuan(asked.get(name, ""))) is not None:
            found = found.filter(**{lookup: amount})
    if (source := _digits(asked.get("source", ""))) is not None:
        found = found.filter(entries__account__source=source).distinct()
    if words := asked.get("words", "").strip():
        by_words = Q(reason__icontains=words) | Q(document__icontains=words)
        number = _digits(words)
        found = found.filter(by_words | Q(number=number) if number is not None else by_words)
    return found


def _yuan(text: str) -> Decimal | None:
    try:
        value = Decimal(text.strip().replace(",", "")) if text.strip() else None
    except InvalidOperation:
        return None
    # Beyond these powers of ten it is no amount, and PostgreSQL has no number for it.
    if value is None or not value.is_finite() or abs(value.adjusted()) > _POWERS:
        return None
    return value


def by_state(found: Any) -> dict[str, int]:
    """How many vouchers stand where."""
    told = found.order_by().values("state").annotate(many=Count("pk", distinct=True))
    return {row["state"]: row["many"] for row in told}


# --- accounts -----------------------------------------------------------------------------------


def accounts(actor: Actor, asked: Mapping[str, str]) -> Any:
    """Accounts the actor may read, by kind, year, place, document, project, unit, and whether empty."""
    found = in_region(Account.objects.visible_to(actor), asked)
    if asked.get("kind") in AccountKind.values:
        found = found.filter(kind=asked["kind"])
    if (year := _digits(asked.get("year", ""))) is not None:
        found = found.filter(year=year)
    for name in ("source", "project"):
        if (key := _digits(asked.get(name, ""))) is not None:
            found = found.filter(**{name: key})
    if asked.get("left") == "1":
        found = found.exclude(balance=0)
    if words := asked.get("words", "").strip():
        found = found.filter(
            Q(unit__icontains=words) | Q(project__name__icontains=words)
            | Q(source__doc_no__icontains=words)
        )  # fmt: skip
    return found


def by_place(found: Any, after: str, size: int = PAGE) -> Page:
    """Accounts by division and key, those after this one (`code.key`)."""
    code, _, rest = after.partition(".")
    key = _digits(rest)
    if key is not None and _digits(code) is not None:
        found = found.filter(Q(region_code__gt=code) | Q(region_code=code, pk__gt=key))
    rows = list(
        found.select_related("source", "region", "project").order_by("region_code", "pk")[
            : size + 1
        ]
    )
    last = rows[size - 1] if len(rows) > size else None
    return Page(rows[:size], f"{last.region_code}.{last.pk}" if last else "")


def by_kind(found: Any) -> dict[str, Decimal]:
    """What stands in the accounts of each kind, yuan."""
    told = found.order_by().values("kind").annotate(sum=Sum(F("balance") - F("least")))
    return {row["kind"]: row["sum"] for row in told}


# --- payments -----------------------------------------------------------------------------------


def payments(actor: Actor, of: Voucher, words: str = "") -> Any:
    """Payments of a voucher that the actor may read, by household number or payee.

    `came_back`: a return or counter-entry of it was posted; `coming_back`: one waits.
    """
    found = Payment.objects.visible_to(actor).filter(voucher=of)
    if words := words.strip():
        found = found.filter(Q(household__household_no=words) | Q(payee=words))
    back = Payment.objects.filter(reverses=OuterRef("pk"))
    return found.select_related("household", "account__project").annotate(
        came_back=Exists(back.filter(voucher__state=VoucherState.POSTED)),
        coming_back=Exists(back.filter(voucher__state=VoucherState.PENDING)),
    )
