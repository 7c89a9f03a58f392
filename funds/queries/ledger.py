"""One account as a book: its posted entries by day, with what stood in it after each."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Q, Sum

from funds.enums import VoucherState
from funds.models import Account, Entry

PAGE = 100
_CHUNK = 500


@dataclass(frozen=True)
class Line:
    """An entry and the balance after it, yuan."""

    entry: Entry
    balance: Decimal

    @property
    def out(self) -> Decimal:
        """What went out, as a positive amount."""
        return -self.entry.amount


@dataclass(frozen=True)
class Book:
    """A page of the book: what stood before it, its lines, and the key to go on after."""

    opening: Decimal
    lines: list[Line]
    after: str


def book(account: Account, after: str = "", size: int = PAGE) -> Book:
    """Posted entries by day of business and voucher, those after this key (`day.voucher`).

    Entries are only ever added, but one dated earlier may come later: the balance of a line is of
    its day as the book stands now.
    """
    posted = _posted(account)
    day, key = _key(after)
    opening = Decimal(0)
    if day is not None:
        before = posted.filter(Q(voucher__on__lt=day) | Q(voucher__on=day, voucher_id__lte=key))
        opening = before.aggregate(sum=Sum("amount"))["sum"] or Decimal(0)
        posted = posted.filter(Q(voucher__on__gt=day) | Q(voucher__on=day, voucher_id__gt=key))
    people = posted.select_related("voucher", "voucher__created_by", "voucher__decided_by")
    rows = list(people[: size + 1])
    balance, lines = opening, []
    for entry in rows[:size]:
        balance += entry.amount
        lines.append(Line(entry, balance))
    last: Any = rows[size - 1].voucher if len(rows) > size else None
    return Book(opening, lines, f"{last.on:%Y%m%d}.{last.pk}" if last else "")


def lines(account: Account) -> Iterator[Line]:
    """The whole book from its first entry, some hundreds at a time."""
    balance = Decimal(0)
    for entry in _posted(account).select_related("voucher").iterator(_CHUNK):
        balance += entry.amount
        yield Line(entry, balance)


def count(account: Account) -> int:
    """How many entries the book has."""
    return int(_posted(account).count())


def _posted(account: Account) -> Any:
    found = Entry.objects.filter(account=account, voucher__state=VoucherState.POSTED)
    return found.order_by("voucher__on", "voucher_id")


def _key(text: str) -> tuple[date | None, int]:
    day, _, key = text.partition(".")
    if not (key.isascii() and key.isdigit() and len(key) < 19 and len(day) == 8):
        return None, 0
    try:
        return date.fromisoformat(f"{day[:4]}-{day[4:6]}-{day[6:]}"), int(key)
    except ValueError:
        return None, 0
