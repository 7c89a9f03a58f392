"""Figures of money: pure functions on exact amounts; nothing here is rounded.

Amounts are yuan to the fen. A rate is two whole numbers of fen until it is shown, so that 92.16 %
is never 0.9215999. What cannot be said is refused with a reason: without money there is no rate of
zero. `funds.queries.figures` does the first-in-first-out rule in SQL; one test holds both forms to
the same cases.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

_ZERO = Decimal(0)
NO_MONEY = "没有到位资金"
NOTHING_ANNOUNCED = "没有登记下达文件"
OUT_OF_ORDER = "凭证的业务日期前后颠倒，请核对"
NO_PERSONS = "没有登记人口"
NO_BENEFICIARIES = "没有登记受益对象"

# How the page groups ages, in months that have begun since: labels and the last month of each.
AGES: tuple[tuple[str, int | None], ...] = (
    ("不满 3 个月", 2),
    ("3～5 个月", 5),
    ("6～11 个月", 11),
    ("12～23 个月", 23),
    ("24 个月以上", None),
)


@dataclass(frozen=True)
class Amounts:
    """Where the money of a place (or a kind of money) stands at the end of a month, in yuan.

    `announced` and `received` are of the documents booked there: what they promise and what came.
    `arrived` is all that the place has had, wherever it came from: what it still holds and what it
    has paid. Of that, `allotted` was given to somebody to spend, and `paid` was spent.
    """

    announced: Decimal = _ZERO
    received: Decimal = _ZERO
    arrived: Decimal = _ZERO
    allotted: Decimal = _ZERO
    paid: Decimal = _ZERO

    @property
    def waiting(self) -> Decimal:
        """Arrived and not yet allotted."""
        return self.arrived - self.allotted

    @property
    def unpaid(self) -> Decimal:
        """Allotted and not yet paid."""
        return self.allotted - self.paid

    @property
    def is_empty(self) -> bool:
        return not any((self.announced, self.received, self.arrived, self.allotted, self.paid))

    def __add__(self, other: "Amounts") -> "Amounts":
        return Amounts(
            self.announced + other.announced,
            self.received + other.received,
            self.arrived + other.arrived,
            self.allotted + other.allotted,
            self.paid + other.paid,
        )

    def __sub__(self, other: "Amounts") -> "Amounts":
        return Amounts(
            self.announced - other.announced,
            self.received - other.received,
            self.arrived - other.arrived,
            self.allotted - other.allotted,
            self.paid - other.paid,
        )


@dataclass(frozen=True)
class Rate:
    """Numerator and denominator in fen (or persons, households); `reason` where there is no rate."""

    numerator: int | None
    denominator: int | None
    reason: str = ""

    @property
    def is_known(self) -> bool:
        return not self.reason


def fen(yuan: Decimal) -> int:
    """The amount in fen; a part of a fen would be an error of ours and raises ValueError.

    >>> fen(Decimal("3007000000.01"))
    300700000001
    """
    exact = yuan * 100
    if exact != exact.to_integral_value():
        raise ValueError(f"{yuan} is no amount of money")
    return int(exact)


def share(part: Decimal, whole: Decimal, nothing: str) -> Rate:
    """Part ÷ whole; refused with `nothing` where there is no whole, and where it is no share.

    A share outside zero and one comes from dates in the wrong order: named, never shown as a rate.
    """
    if not whole:
        return Rate(None, None, nothing)
    if not _ZERO <= part <= whole:
        return Rate(fen(part), fen(whole), OUT_OF_ORDER)
    return Rate(fen(part), fen(whole))


def paid_rate(found: Amounts) -> Rate:
    """支出率: paid ÷ arrived."""
    return share(found.paid, found.arrived, NO_MONEY)


def arrival_rate(found: Amounts) -> Rate:
    """到位率: arrived ÷ announced, of the documents booked in the place, changes included."""
    return share(found.received, found.announced, NOTHING_ANNOUNCED)


def allotment_rate(found: Amounts) -> Rate:
    """分配率: allotted to units and projects ÷ arrived."""
    return share(found.allotted, found.arrived, NO_MONEY)


def each(amount: Decimal, many: int | None, nothing: str) -> Rate:
    """Fen per person or household; refused where nobody is registered."""
    if not many:
        return Rate(fen(amount), many, nothing)
    return Rate(fen(amount), many)


def is_below(rate: Rate, target: Decimal) -> bool:
    """Whether a known rate misses a target (0.92 is 92 %), compared unrounded."""
    if not rate.is_known or rate.numerator is None or rate.denominator is None:
        return False
    return rate.numerator < target * rate.denominator


def compare(one: Rate, other: Rate) -> int:
    """-1, 0 or 1: how two known rates stand to each other, without a division."""
    left = (one.numerator or 0) * (other.denominator or 1)
    right = (other.numerator or 0) * (one.denominator or 1)
    return (left > right) - (left < right)


def left_of(balance: Decimal, came: Mapping[date, Decimal]) -> dict[date, Decimal]:
    """What is left of the inflows of each month when the oldest money always goes first.

    So the balance consists of the youngest inflows that make it up.

    >>> left_of(Decimal(5), {date(2018, 1, 1): Decimal(9), date(2018, 3, 1): Decimal(3)})
    {datetime.date(2018, 3, 1): Decimal('3'), datetime.date(2018, 1, 1): Decimal('2')}
    """
    left: dict[date, Decimal] = {}
    for month in sorted(came, reverse=True):
        part = min(came[month], balance)
        if part > 0:
            left[month] = part
            balance -= part
    return left


def age_of(month: date, end: date) -> int:
    """Months that have begun since the money came: none in its own month.

    >>> age_of(date(2017, 11, 1), date(2018, 2, 1))
    3
    """
    return (end.year - month.year) * 12 + end.month - month.month


def bracket_of(age: int) -> int:
    """The place in AGES of an age in months."""
    return next(n for n, (_, last) in enumerate(AGES) if last is None or age <= last)


def months_of(bracket: int, end: date) -> tuple[date | None, date]:
    """The first and last month in which money of this age came; no first one for the oldest.

    >>> months_of(1, date(2018, 12, 1))
    (datetime.date(2018, 7, 1), datetime.date(2018, 9, 1))
    """
    youngest = 0 if bracket == 0 else (AGES[bracket - 1][1] or 0) + 1
    oldest = AGES[bracket][1]
    return (None if oldest is None else back(end, oldest)), back(end, youngest)


def back(month: date, many: int) -> date:
    """The first day of the month that lies so many months before.

    >>> back(date(2018, 2, 1), 3), back(date(2018, 11, 1), -2)
    (datetime.date(2017, 11, 1), datetime.date(2019, 1, 1))
    """
    whole = month.year * 12 + month.month - 1 - many
    return date(whole // 12, whole % 12 + 1, 1)
