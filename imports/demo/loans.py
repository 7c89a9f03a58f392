"""Small loans of the demo city: the published sum over the published number of households.

37.68 亿元 ÷ 74,700 households is 50,442 yuan, more than one loan of the scheme: whoever had repaid a
loan of 2016 borrowed again. A part of the loans of 2016 and early 2017 was used by firms (户贷企用).
"""

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random
from typing import Any, NamedTuple

from django.contrib.auth import get_user_model
from django.db import connection

from core.acting import acting
from funds.enums import LoanEventKind, LoanUser
from funds.models import Loan, LoanEvent
from imports.demo import published_money as p
from imports.demo.bulk import analyze, copy_rows, reserve
from imports.demo.cells import scaled
from imports.demo.places import random_for
from imports.demo.projects import PREFIX, NoPeopleError, ground
from imports.demo.shares import apportion

CLERK = "zijin"
# Thousands of yuan of a first loan, and of a hundred households how many borrow so much; chosen.
_FIRST = ((30, 10), (40, 12), (50, 78))
_AGAIN_MEAN, _AGAIN_LEAST, _MOST = 45, 20, 50
_RATE, _MONTH = "4.3500", 30.4375
_FIRMS_UNTIL = date(2017, 6, 30)
_USES = (
    "养牛",
    "养羊",
    "食用菌种植",
    "中药材种植",
    "林果种植",
    "农产品加工",
    "农家乐经营",
    "购置农机具",
)
_BANKS = ("农村商业银行", "农村信用合作联社", "邮政储蓄银行支行")
_COLUMNS = (
    "id", "village_code", "household_id", "borrower", "bank", "contract_no", "amount", "lent_on",
    "due_on", "rate", "subsidy_rate", "use", "is_productive", "user_kind", "user_name",
    "created_by_id",
)  # fmt: skip
# In the register of all three years: whoever borrowed in one of them stood in it.
_BORROWERS = """
SELECT y.household_id, y.village_code, y.head_name
  FROM households_householdyear y
  JOIN households_household h ON h.id = y.household_id
 WHERE y.partition_id = 2018 AND y.village_code ^@ %s
   AND (h.first_identified_on IS NULL OR h.first_identified_on < '2016-01-01')
   AND EXISTS (SELECT FROM households_householdyear b
                WHERE b.household_id = y.household_id AND b.partition_id = 2016)
   AND EXISTS (SELECT FROM households_householdyear b
                WHERE b.household_id = y.household_id AND b.partition_id = 2017)
 ORDER BY y.household_id
"""


class Lent(NamedTuple):
    """A loan in thousands of yuan to the household at this place of the list."""

    household: int
    thousands: int
    lent_on: date
    due_on: date
    repaid_on: date | None


def lend(count: int, thousands: int) -> list[Lent]:
    """Loans of so many households that add up to so much; each within the scheme's cap."""
    rng = random_for("loans")
    sizes, weights = zip(*_FIRST, strict=True)
    first = rng.choices(sizes, weights, k=count)
    more = thousands - sum(first)
    again = apportion(
        more,
        [rng.uniform(0.8, 1.2) for _ in range(round(more / _AGAIN_MEAN))],
        low=[_AGAIN_LEAST] * round(more / _AGAIN_MEAN),
        high=[_MOST] * round(more / _AGAIN_MEAN),
    )
    made = []
    for place, amount in enumerate(first):
        if place < len(again):
            lent = date(2016, 3, 1) + timedelta(days=rng.randrange(300))
            repaid = lent + timedelta(days=rng.randrange(330, 365))
            made.append(Lent(place, amount, lent, lent + timedelta(days=365), repaid))
            second = repaid + timedelta(days=rng.randrange(15, 200))
            made.append(Lent(place, again[place], second, _end(second, rng), None))
        else:
            lent = date(2016, 6, 1) + timedelta(days=rng.randrange(900))
            made.append(Lent(place, amount, lent, _end(lent, rng), None))
    return made


def _end(lent: date, rng: Random) -> date:
    """After two or three years, on the day before it would be more."""
    return lent + timedelta(days=int(rng.choice((24, 36)) * _MONTH) - 2)


def make_loans() -> dict[str, int]:
    """Make them, all or nothing; nothing where there are any. Raises NoPeopleError."""
    clerk = get_user_model().objects.filter(username=CLERK).first()
    if clerk is None:
        raise NoPeopleError
    with acting(by=clerk, reason="演示城市"), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [4103_0004])
        if Loan.objects.filter(village_code__startswith=PREFIX).exists():
            return {}
        scale = ground(cursor).scale
        cursor.execute(_BORROWERS, [PREFIX])
        households = cursor.fetchall()
        count = min(scaled(p.LOAN_HOUSEHOLDS, scale), len(households))
        if not count:
            raise NoPeopleError
        random_for("borrowers").shuffle(households)
        loans = lend(count, scaled(p.LOANS_THOUSANDS, scale))
        repaid = _write(cursor, loans, households, clerk.pk)
        analyze(cursor, (Loan, LoanEvent))
        return {"小额信贷": len(loans), "贷款户": count, "还本": repaid}


def _write(
    cursor: Any, loans: Sequence[Lent], households: Sequence[tuple[int, str, str]], clerk: int
) -> int:
    first = reserve(cursor, Loan, len(loans))
    rng = random_for("loans used")
    rows, events = [], []
    for at, one in enumerate(loans):
        key, village, head = households[one.household]
        kind, user = _user(one, rng)
        rows.append(
            (first + at, village, key, head, f"演示{rng.choice(_BANKS)}", f"DK{village[:6]}{at:07d}",
             one.thousands * 1000, one.lent_on, one.due_on, _RATE, _RATE,
             rng.choice(_USES), rng.random() > 0.004, kind.value, user, clerk)
        )  # fmt: skip
        if one.repaid_on:
            events.append(
                (first + at, village, LoanEventKind.REPAY.value, one.repaid_on,
                 one.thousands * 1000, "到期还本", clerk)
            )  # fmt: skip
    copy_rows(cursor, Loan, _COLUMNS, rows)
    analyze(cursor, (Loan,))
    columns = ("loan_id", "village_code", "kind", "taken_on", "amount", "reason", "created_by_id")
    copy_rows(cursor, LoanEvent, columns, events)
    return len(events)


def _user(one: Lent, rng: Random) -> tuple[LoanUser, str]:
    chance = rng.random()
    if one.lent_on <= _FIRMS_UNTIL and chance < 0.18:
        return (
            LoanUser.ENTERPRISE,
            f"洛阳演示{rng.choice(('辰牧', '绿源', '金果', '丰禾'))}农业有限公司",
        )
    if chance > 0.97:
        return LoanUser.COOPERATIVE, "演示种植养殖专业合作社"
    return LoanUser.BORROWER, ""
