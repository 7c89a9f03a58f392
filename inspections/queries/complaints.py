"""Complaints as a list: what it can be narrowed by, overdue first, in pages by key."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Case, Count, DateField, F, IntegerField, Q, Value, When
from django.db.models.functions import Coalesce

from core.scope import Actor, begins, trim
from inspections.enums.complaints import OPEN, OWED, Channel, Kind, State
from inspections.models import Complaint

PAGE = 50
# Where complaints stand, as the list counts them.
STANDINGS: dict[str, str] = {
    "open": "未办结", "owed": "待答复", "overdue": "已逾期", "new": "待转办", "done": "已办结",
}  # fmt: skip
_LAST = date.max
_PLACES = (2, 4, 6, 9, 12)
_CHOICES: dict[str, Any] = {"channel": Channel, "kind": Kind, "state": State}


@dataclass(frozen=True)
class Page:
    """Complaints, overdue first and the oldest day first, and the key to go on after; "" at the end."""

    rows: list[Complaint]
    after: str


def visible(actor: Actor) -> Any:
    """What the actor received or handles; never who complained."""
    return Complaint.objects.visible_to(actor)


def standing(which: str, day: date) -> Q:
    return {
        "open": Q(state__in=OPEN),
        "owed": Q(state__in=OWED),
        "overdue": Q(state__in=OWED, due_on__lt=day),
        "new": Q(state=State.RECEIVED),
        "done": Q(state__in=(State.CLOSED, State.TRANSFERRED)),
    }[which]


def counts(found: Any, day: date) -> dict[str, int]:
    """How many stand where, in one query; each has a list of as many."""
    told: dict[str, int] = found.aggregate(
        **{which: Count("pk", filter=standing(which, day)) for which in STANDINGS},
        total=Count("pk"),
    )
    return told


def narrowed(found: Any, asked: Mapping[str, str], day: date) -> Any:
    """By place, channel, kind, state, standing, and words of number and summary.

    What makes no sense is passed over. Nothing asks of the complainant.
    """
    region = asked.get("region", "")
    if region.isascii() and region.isdigit() and len(trim(region)) in _PLACES:
        found = found.in_region(region)
    for name, words in _CHOICES.items():
        if asked.get(name) in words.values:
            found = found.filter(**{name: asked[name]})
    if asked.get("standing") in STANDINGS:
        found = found.filter(standing(asked["standing"], day))
    words = asked.get("words", "").strip()
    if words:
        found = found.filter(begins(words, "number") | Q(summary__contains=words))
    return found


def page(found: Any, day: date, after: str = "", size: int = PAGE) -> Page:
    """The complaints after this key: overdue, then open, then the rest, each by its day."""
    found = found.annotate(
        rank=Case(
            When(standing("overdue", day), then=0),
            When(standing("open", day), then=1),
            default=2,
            output_field=IntegerField(),
        ),
        day=Coalesce(F("due_on"), Value(_LAST), output_field=DateField()),
    )
    if (key := _key(after)) is not None:
        rank, at, pk = key
        found = found.filter(
            Q(rank__gt=rank) | Q(rank=rank, day__gt=at) | Q(rank=rank, day=at, pk__gt=pk)
        )
    rows = list(found.select_related("region").order_by("rank", "day", "pk")[: size + 1])
    last = rows[size - 1] if len(rows) > size else None
    return Page(rows[:size], f"{last.rank}.{last.day:%Y%m%d}.{last.pk}" if last else "")


def _key(after: str) -> tuple[int, date, int] | None:
    parts = after.split(".")
    if len(parts) != 3 or not all(one.isascii() and one.isdigit() for one in parts):
        return None
    try:
        return int(parts[0][:4]), date.fromisoformat(parts[1]), int(parts[2][:18])
    except ValueError:
        return None
