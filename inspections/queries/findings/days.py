"""What falls on which day: mendings that are due, letters that wait for an answer, second looks."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.db.models import Count

from core.scope import Actor
from exits.models import Holiday
from inspections.enums.findings import OWED
from inspections.enums.letters import State as Sent
from inspections.queries import letters as letter_queries
from inspections.queries.findings import listing

_SATURDAY = 5
_WEEK = 7
WAITING = (Sent.ISSUED, Sent.RECEIVED)


@dataclass
class Day:
    """One day of the grid; `of_month` is false for those that only fill its weeks."""

    on: date
    of_month: bool = True
    is_off: bool = False
    # Said by the table of days, not by the week.
    holiday: str = ""
    due: int = 0
    replies: int = 0
    looks: int = 0

    @property
    def is_empty(self) -> bool:
        return not (self.due or self.replies or self.looks)


@dataclass
class Month:
    """The weeks of a month, Monday first, and the years whose days off are not known."""

    first: date
    weeks: list[list[Day]] = field(default_factory=list)
    unknown: list[int] = field(default_factory=list)

    @property
    def days(self) -> list[Day]:
        return [day for week in self.weeks for day in week if day.of_month]


def month_of(first: date, actor: Actor, today: date, region: str = "") -> Month:
    """A month as one sees it; as many queries whatever is in it. Each count is a list's length."""
    last = end_of(first)
    found = listing.narrowed(listing.visible(actor), {"region": region}, today)
    due = _many(found.filter(state__in=OWED, due_on__range=(first, last)), "due_on")
    letters = letter_queries.visible(actor)
    if region:
        letters = letters.in_region(region)
    letters = letters.filter(state__in=WAITING, reply_due_on__range=(first, last))
    replies = _many(letters, "reply_due_on")
    # Watched ones are looked at once a month: by its end.
    looks = {last: found.filter(listing.look_due(today)).count()} if first <= today <= last else {}
    start = first - timedelta(first.weekday())
    holidays = {
        one.day: one for one in Holiday.objects.filter(day__range=(start, last + timedelta(_WEEK)))
    }
    month = Month(first)
    if not Holiday.objects.filter(day__year=first.year).exists():
        month.unknown.append(first.year)
    day = start
    while day <= last:
        week = []
        for _ in range(_WEEK):
            week.append(
                Day(
                    day, of_month=first <= day <= last, is_off=_is_off(day, holidays.get(day)),
                    holiday=_word(holidays.get(day)), due=due.get(day, 0),
                    replies=replies.get(day, 0), looks=looks.get(day, 0),
                )
            )  # fmt: skip
            day += timedelta(1)
        month.weeks.append(week)
    return month


def end_of(first: date) -> date:
    return (first + timedelta(31)).replace(day=1) - timedelta(1)


def _many(rows: Any, column: str) -> dict[date, int]:
    counted: Iterable[Any] = rows.order_by().values_list(column).annotate(n=Count("pk"))
    return dict(counted)


def _is_off(day: date, told: Holiday | None) -> bool:
    return told.is_off if told else day.weekday() >= _SATURDAY


def _word(told: Holiday | None) -> str:
    if told is None:
        return ""
    return "休" if told.is_off else "班"
