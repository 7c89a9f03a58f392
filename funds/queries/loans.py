"""Small loans: lists with their flags, sums, and the average per household against the cap."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import (
    CharField,
    Count,
    DecimalField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    Subquery,
    Sum,
)
from django.db.models.functions import Left, Length

from core.scope import Actor, trim
from funds.enums import LoanFlag
from funds.models import Loan, LoanRule
from funds.queries.listing import Page, by_key, in_region
from households.enums import MemberKind
from households.models import MembershipEvent

TODAY_FLAGS = (LoanFlag.OVERDUE, LoanFlag.TOGETHER, LoanFlag.DEAD)
_YUAN = DecimalField(max_digits=14, decimal_places=2)
_OPEN = Q(repaid__lt=F("amount"))


@dataclass(frozen=True)
class Sums:
    """Loans of a selection: how many, to how many households, yuan lent, still owed and overdue."""

    loans: int
    households: int
    lent: Decimal
    owed: Decimal
    overdue: Decimal
    overdue_loans: int

    @property
    def average(self) -> tuple[Decimal, int] | None:
        """Yuan lent and households, to be divided when shown; None without loans."""
        return (self.lent, self.households) if self.households else None


def loans(actor: Actor, asked: Mapping[str, str], day: date) -> Any:
    """Loans the actor may read, by year lent, state, flag, bank, place, and words."""
    found = in_region(Loan.objects.visible_to(actor), asked)
    year = asked.get("year", "")
    if year.isascii() and year.isdigit() and len(year) == 4 and int(year) >= 1900:
        found = found.filter(lent_on__year=int(year))
    if asked.get("state") == "open":
        found = found.filter(_OPEN)
    elif asked.get("state") == "done":
        found = found.exclude(_OPEN)
    if asked.get("flag") in LoanFlag.values:
        found = flagged(found, asked["flag"], day)
    if bank := asked.get("bank", "").strip():
        found = found.filter(bank__icontains=bank)
    if words := asked.get("words", "").strip():
        found = found.filter(
            Q(household__household_no=words) | Q(borrower=words) | Q(contract_no=words)
        )
    return found


def flagged(found: Any, flag: str, day: date) -> Any:
    """Those with one flag; of the day it is asked for, where it depends on it."""
    if flag == LoanFlag.OVERDUE:
        return found.filter(_OPEN, due_now__lt=day)
    if flag == LoanFlag.TOGETHER:
        return found.filter(_OPEN, household__in=_together(found.model.objects.all(), day))
    if flag == LoanFlag.DEAD:
        return found.filter(_OPEN, _dead())
    return found.filter(flags__contains=[flag])


def _dead() -> Exists:
    """Whether the borrower's death was booked and not taken back."""
    booked = MembershipEvent.objects.filter(person=OuterRef("person"), kind=MemberKind.DEATH)
    return Exists(booked.order_by().values("person").annotate(n=Sum("persons")).filter(n__gt=0))


def _together(found: Any, day: date) -> Any:
    """Households whose open loans come to more than the cap their village has on the day.

    The part added beyond the cap is left out, as it is with a single loan.
    """
    open_ones = found.filter(_OPEN).order_by().values("household", "village_code")
    return (
        open_ones.annotate(many=Count("pk"), sum=Sum(F("amount") - F("addon")))
        .filter(many__gt=1, sum__gt=_cap_of_row(day))
        .values("household")
    )


def _rules(day: date) -> Any:
    return LoanRule.objects.filter(valid_from__lte=day).filter(
        Q(valid_to=None) | Q(valid_to__gt=day)
    )


def _cap_of_row(day: date) -> Subquery:
    """The cap where the loan was lent, chosen as the trigger chooses it."""
    place = ExpressionWrapper(OuterRef("village_code"), output_field=CharField())
    chosen = _rules(day).alias(place=place).filter(place__startswith=F("region_prefix"))
    ordered = chosen.order_by(Length("region_prefix").desc(), "-valid_from")
    return Subquery(ordered.values("amount_cap")[:1], output_field=_YUAN)


def caps(codes: Iterable[str], day: date) -> dict[str, Decimal | None]:
    """The cap of a household (yuan) in each division, by the rule of its longest prefix.

    None where no rule tells one: what is not known is neither kept nor broken.
    """
    rules = sorted(_rules(day), key=lambda rule: (len(rule.region_prefix), rule.valid_from))
    return {
        code: next(
            (one.amount_cap for one in reversed(rules) if trim(code).startswith(one.region_prefix)),
            None,
        )
        for code in codes
    }


def page(found: Any, after: str) -> Page:
    return by_key(found.select_related("household"), after)


def flags_of(rows: list[Loan], day: date) -> dict[int, list[str]]:
    """The flags of each loan in words, those of today included; two statements for the page."""
    these = Loan.objects.filter(pk__in=[one.pk for one in rows])
    together, dead = (
        set(flagged(these, flag, day).values_list("pk", flat=True))
        for flag in (LoanFlag.TOGETHER, LoanFlag.DEAD)
    )
    found = {}
    for one in rows:
        flags = [LoanFlag(flag).label for flag in one.flags]
        if one.repaid < one.amount and one.due_now is not None and one.due_now < day:
            flags.append(f"{LoanFlag.OVERDUE.label} {(day - one.due_now).days} 天")
        if one.pk in together:
            flags.append(LoanFlag.TOGETHER.label)
        if one.pk in dead:
            flags.append(LoanFlag.DEAD.label)
        found[one.pk] = flags
    return found


_SUMS = {
    "loans": Count("pk"),
    "households": Count("household", distinct=True),
    "lent": Sum("amount", default=Decimal(0), output_field=_YUAN),
    "owed": Sum(F("amount") - F("repaid"), default=Decimal(0), output_field=_YUAN),
}


def _overdue(day: date) -> dict[str, Any]:
    late = _OPEN & Q(due_now__lt=day)
    return {
        "overdue": Sum(
            F("amount") - F("repaid"), filter=late, default=Decimal(0), output_field=_YUAN
        ),
        "overdue_loans": Count("pk", filter=late),
    }


def sums(found: Any, day: date) -> Sums:
    """What these loans add up to on a day."""
    return Sums(**found.order_by().aggregate(**_SUMS, **_overdue(day)))


def by_county(found: Any, day: date) -> list[tuple[str, Sums]]:
    """The same by county (six digits)."""
    told = (
        found.order_by().annotate(county=Left("village_code", 6)).values("county")
        .annotate(**_SUMS, **_overdue(day)).order_by("county")
    )  # fmt: skip
    return [(row.pop("county"), Sums(**row)) for row in told]


def by_flag(found: Any, day: date) -> list[tuple[str, str, int]]:
    """(flag, its words, how many) in one statement, and one each for sums and deaths of today."""
    told = found.order_by().aggregate(
        **{
            flag: Count("pk", filter=Q(flags__contains=[flag]))
            for flag in LoanFlag.values
            if flag not in TODAY_FLAGS
        },
        OVERDUE=Count("pk", filter=_OPEN & Q(due_now__lt=day)),
    )
    for flag in (LoanFlag.TOGETHER, LoanFlag.DEAD):
        told[flag.value] = flagged(found, flag, day).count()
    return [(flag, label, told[flag]) for flag, label in LoanFlag.choices]


def of_household(household: int, actor: Actor) -> list[Loan]:
    """The loans of a household, the youngest first."""
    found = Loan.objects.visible_to(actor).filter(household_id=household)
    return list(found.order_by("-lent_on", "-pk"))


def count_of_household(household_no: str, year: int, actor: Actor) -> int:
    """How many loans the household has or had, whatever the year."""
    del year
    return Loan.objects.visible_to(actor).filter(household__household_no=household_no).count()
