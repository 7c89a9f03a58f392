"""Letters as lists: drafts first, then the latest; narrowed, counted, in pages by key."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Case, Count, IntegerField, Q, Sum, Value, When

from core.scope import Actor, trim
from inspections.enums.letters import SENT, Kind, State
from inspections.models import Accountability, Letter, LetterItem

PAGE = 50
DRAFTS, SENT_ONES, UNANSWERED, LATE = "draft", "sent", "unanswered", "late"
STANDING = {DRAFTS: "待确认", SENT_ONES: "已发出", UNANSWERED: "未答复", LATE: "逾期未答复"}
_WAITING = (State.ISSUED, State.RECEIVED)
_PLACES = (2, 4, 6, 9, 12)
_DAYS = {
    "issued_from": "issued_on__gte", "issued_to": "issued_on__lte", "reply_due": "reply_due_on",
}  # fmt: skip


@dataclass(frozen=True)
class Page:
    """Letters, and the keys to go on; "" at either end."""

    rows: list[Letter]
    after: str
    before: str


def whole(actor: Actor) -> Any:
    """The letters of counties that the actor sees whole."""
    return Letter.objects.visible_to(actor)


def visible(actor: Actor) -> Any:
    """Those, and letters about a problem of the actor's own places."""
    about = LetterItem.objects.visible_to(actor).values("letter")
    return Letter.objects.filter(Q(pk__in=whole(actor).values("pk")) | Q(pk__in=about))


def standing(which: str, day: date) -> Q:
    return {
        DRAFTS: Q(state=State.PREPARED),
        SENT_ONES: Q(state__in=SENT),
        UNANSWERED: Q(state__in=_WAITING),
        LATE: Q(state__in=_WAITING, reply_due_on__lt=day),
    }[which]


def narrowed(found: Any, asked: Mapping[str, str], day: date) -> Any:
    """By place, kind, standing, unit, year, days of issue and of answer; what makes no sense is passed over."""
    region = asked.get("region", "")
    if region.isascii() and region.isdigit() and len(trim(region)) in _PLACES:
        found = found.in_region(region)
    if asked.get("kind") in Kind.values:
        found = found.filter(kind=asked["kind"])
    if asked.get("state") in State.values:
        found = found.filter(state=asked["state"])
    if asked.get("standing") in STANDING:
        found = found.filter(standing(asked["standing"], day))
    if unit := asked.get("unit", "").strip():
        found = found.filter(unit__contains=unit)
    year = asked.get("year", "")
    if year.isascii() and year.isdigit() and len(year) == 4:
        found = found.filter(year=int(year))
    for name, lookup in _DAYS.items():
        if (told := _day(asked.get(name, ""))) is not None:
            found = found.filter(**{lookup: told})
    return found


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def counts(found: Any, day: date) -> dict[str, int]:
    """How many stand how, of the letters that are listed."""
    told: dict[str, int] = found.aggregate(
        **{name: Count("pk", filter=standing(name, day)) for name in STANDING}
    )
    return told


def page(found: Any, after: str = "", before: str = "", size: int = PAGE) -> Page:
    """The letters after this key, or the ones right before that one."""
    found = found.annotate(
        rank=Case(
            When(state=State.PREPARED, then=Value(0)), default=Value(1),
            output_field=IntegerField(),
        ),
        many=Count("items"),
    ).select_related("region")  # fmt: skip
    back = None if after else _key(before)
    if back is not None:
        rank, pk = back
        found = found.filter(Q(rank__lt=rank) | Q(rank=rank, pk__gt=pk))
        rows = list(found.order_by("-rank", "pk")[: size + 1])
        is_more, rows = len(rows) > size, rows[size - 1 :: -1] if len(rows) > size else rows[::-1]
        return Page(rows, _at(rows[-1]) if rows else "", _at(rows[0]) if is_more else "")
    key = _key(after)
    if key is not None:
        rank, pk = key
        found = found.filter(Q(rank__gt=rank) | Q(rank=rank, pk__lt=pk))
    rows = list(found.order_by("rank", "-pk")[: size + 1])
    is_more, rows = len(rows) > size, rows[:size]
    return Page(
        rows, _at(rows[-1]) if is_more else "", _at(rows[0]) if key is not None and rows else ""
    )


def _at(row: Any) -> str:
    return f"{row.rank}.{row.pk}"


def _key(after: str) -> tuple[int, int] | None:
    rank, dot, pk = after.partition(".")
    if not dot or not all(one.isascii() and one.isdigit() and len(one) < 18 for one in (rank, pk)):
        return None
    return int(rank), int(pk)


def items(letter: Letter, actor: Actor) -> Any:
    """What the letter is about, as far as the actor sees it."""
    found = LetterItem.objects.visible_to(actor).filter(letter=letter)
    return found.select_related("finding", "finding__region").order_by("finding__number")


def records(actor: Actor) -> Any:
    """What came of third letters, those still open first."""
    found = Accountability.objects.visible_to(actor).select_related("letter", "letter__region")
    return found.order_by("decided_on", "-pk")


def persons(found: Any) -> int:
    return int(found.aggregate(many=Sum("persons"))["many"] or 0)
