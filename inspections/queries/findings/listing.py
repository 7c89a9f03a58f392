"""The ledger of problems: what it can be narrowed by, overdue first, in pages by key."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import (
    Exists,
    OuterRef,
    Q,
)

from core.scope import Actor, begins, trim
from inspections.enums.findings import (
    DONE,
    GONE,
    OPEN,
    OWED,
    Level,
    ObjectKind,
    Origin,
    Severity,
    Source,
    State,
)
from inspections.models import Finding, FindingLook

PAGE = 50
# Where a problem stands, as lists and figures tell it. The parts of OPEN_ONES are OWED_ONES (with
# OVERDUE in it), WAITING and NEW.
OPEN_ONES, NEW, OWED_ONES, OVERDUE, WAITING = "open", "new", "owed", "overdue", "waiting"
DONE_ONES, WATCHED, RELAPSED, COUNTED = "done", "watched", "relapsed", "counted"
# Days that overdue ones are late at most; beyond the last there is one more bracket.
BRACKETS = (7, 30, 90)
MOST_LETTERS = 3
# Watched, and not looked at this month.
LOOK_DUE = "due"
_LAST = date.max
_PLACES = (2, 4, 6, 9, 12)
_CODE = 12
_DAYS = {
    "due_from": "due_on__gte", "due_to": "due_on__lte",
    "found_from": "found_on__gte", "found_to": "found_on__lte",
}  # fmt: skip
_CHOICES: dict[str, Any] = {
    "source": Source, "level": Level, "severity": Severity, "state": State, "origin": Origin,
    "object_kind": ObjectKind,
}  # fmt: skip


@dataclass(frozen=True)
class Page:
    """Problems, overdue first and the oldest day first, and the keys to go on; "" at either end."""

    rows: list[Finding]
    after: str
    before: str = ""


def visible(actor: Actor) -> Any:
    """The problems of the actor's places, and those of households entrusted to the actor."""
    return Finding.objects.visible_to(actor)


def units(found: Any) -> Any:
    """The units that have something to mend, by name."""
    held = found.filter(state__in=OWED).exclude(lead_unit="")
    return held.order_by("lead_unit").values_list("lead_unit", flat=True).distinct()


def standing(which: str, day: date) -> Q:
    """The condition of one standing; a problem that went on in others counts there alone."""
    overdue = Q(state__in=OWED, due_on__lt=day)
    return {
        OPEN_ONES: Q(state__in=OPEN),
        NEW: Q(state=State.FOUND),
        OWED_ONES: Q(state__in=OWED),
        OVERDUE: overdue,
        WAITING: Q(state__in=(State.CLAIMED, State.VERIFIED)),
        DONE_ONES: Q(state__in=DONE),
        WATCHED: Q(state=State.WATCHED),
        RELAPSED: Q(relapses__gt=0) & ~Q(state__in=GONE),
        COUNTED: ~Q(state__in=GONE),
    }[which]


def late_by(bracket: int, day: date) -> Q:
    """Overdue by so many days: up to BRACKETS[bracket], more than the one before."""
    least = BRACKETS[bracket - 1] if bracket else 0
    late = Q(state__in=OWED, due_on__lt=day - timedelta(days=least))
    if bracket < len(BRACKETS):
        late &= Q(due_on__gte=day - timedelta(days=BRACKETS[bracket]))
    return late


def narrowed(found: Any, asked: Mapping[str, str], day: date) -> Any:
    """By place, words of the ledger, campaign, class, unit, standing, lateness, letters, days and words.

    What makes no sense is passed over.
    """
    region = asked.get("region", "")
    if region.isascii() and region.isdigit() and len(trim(region)) in _PLACES:
        found = found.in_region(region)
    at = asked.get("at", "")
    if at.isascii() and at.isdigit() and len(at) == _CODE:
        # Of the place itself, not of those below it.
        found = found.filter(region_code=at)
    for name, words in _CHOICES.items():
        if asked.get(name) in words.values:
            found = found.filter(**{name: asked[name]})
    if (campaign := _number(asked, "campaign")) is not None:
        found = found.filter(campaign=campaign)
    if asked.get("category"):
        found = found.filter(category=asked["category"][:10])
    if asked.get("unit"):
        found = found.filter(lead_unit=asked["unit"])
    if asked.get("mine"):
        found = found.filter(duty_user_id=_number(asked, "mine"))
    return _spoken(_in_time(found, asked, day), asked.get("words", "").strip())


def _in_time(found: Any, asked: Mapping[str, str], day: date) -> Any:
    known = (OPEN_ONES, NEW, OWED_ONES, OVERDUE, WAITING, DONE_ONES, WATCHED, RELAPSED, COUNTED)
    if asked.get("standing") in known:
        found = found.filter(standing(asked["standing"], day))
    late = _number(asked, "late")
    if late is not None and late <= len(BRACKETS):
        found = found.filter(late_by(late, day))
    if asked.get("look") == LOOK_DUE:
        found = found.filter(look_due(day))
    rung = _number(asked, "rung")
    if rung is not None and rung <= MOST_LETTERS:
        found = found.filter(rung=rung)
    for name, lookup in _DAYS.items():
        if (told := _day(asked.get(name, ""))) is not None:
            found = found.filter(**{lookup: told})
    return found


def _spoken(found: Any, words: str) -> Any:
    if not words:
        return found
    return found.filter(
        begins(words, "number") | begins(words, "told_as") | Q(fact__contains=words)
    )


def _number(asked: Mapping[str, str], name: str) -> int | None:
    text = asked.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def page(
    found: Any,
    day: date,
    after: str = "",
    before: str = "",
    size: int = PAGE,
    *,
    state: str = "",
) -> Page:
    """The problems after, or before, this key: overdue, then open, then the rest, each by its day.

    `state` is the only one that `found` has, if it was narrowed so: ranks without it are not asked.
    """
    found = found.select_related("region", "campaign", "category")
    back = None if after else _key(before)
    if back is not None:
        taken = _taken(found, day, back, size + 1, state, is_back=True)
        rows = taken[:size][::-1]
        return Page(
            rows,
            _told(rows[-1], day) if rows else "",
            _told(rows[0], day) if taken[size:] else "",
        )
    key = _key(after)
    taken = _taken(found, day, key, size + 1, state, is_back=False)
    rows = taken[:size]
    return Page(
        rows,
        _told(rows[-1], day) if taken[size:] else "",
        _told(rows[0], day) if key is not None and rows else "",
    )


def _taken(
    found: Any, day: date, key: Any, many: int, state: str, *, is_back: bool
) -> list[Finding]:
    """So many rows from a key on. Each rank is asked for by itself, in the order of an index."""
    ranks = range(key[0], -1, -1) if is_back else range(key[0] if key else 0, len(_RANKS))
    taken: list[Finding] = []
    for rank in ranks:
        if state in State.values and state not in _STATES[rank]:
            continue
        rows = found.filter(_RANKS[rank](day))
        if key is not None and rank == key[0]:
            rows = rows.filter(_beyond(key[1], key[2], is_back=is_back))
        # Whatever has no day comes last, which is how the database sorts it.
        order = ("-due_on", "-pk") if is_back else ("due_on", "pk")
        taken += rows.order_by(*order)[: many - len(taken)]
        if len(taken) >= many:
            break
    return taken


_STATES = (OWED, OPEN, DONE + GONE)
_RANKS: tuple[Any, ...] = (
    lambda day: standing(OVERDUE, day),
    lambda day: Q(state__in=OPEN) & (~Q(state__in=OWED) | Q(due_on__gte=day) | Q(due_on=None)),
    lambda day: Q(state__in=DONE + GONE),
)


def rank_of(row: Finding, day: date) -> int:
    """0: overdue, 1: open, 2: mended or gone on in others."""
    if row.state not in OPEN:
        return 2
    return 0 if row.state in OWED and row.due_on and row.due_on < day else 1


def _beyond(at: date, pk: int, *, is_back: bool) -> Q:
    if at == _LAST:
        return (
            Q(due_on=None, pk__lt=pk) | Q(due_on__isnull=False)
            if is_back
            else Q(due_on=None, pk__gt=pk)
        )
    if is_back:
        return Q(due_on__lt=at) | Q(due_on=at, pk__lt=pk)
    return Q(due_on__gt=at) | Q(due_on=at, pk__gt=pk) | Q(due_on=None)


def _told(row: Finding, day: date) -> str:
    """The key of a row; `before` takes what stands in front of it, `after` what follows."""
    return f"{rank_of(row, day)}.{row.due_on or _LAST:%Y%m%d}.{row.pk}"


def _key(after: str) -> tuple[int, date, int] | None:
    parts = after.split(".")
    if len(parts) != 3 or not all(one.isascii() and one.isdigit() for one in parts):
        return None
    try:
        rank = int(parts[0][:2])
        return min(rank, len(_RANKS) - 1), date.fromisoformat(parts[1]), int(parts[2][:18])
    except ValueError:
        return None


def look_due(day: date) -> Q:
    """Watched, and neither looked at this month nor mended in it."""
    month = day.replace(day=1)
    looked = FindingLook.objects.filter(finding=OuterRef("pk"), on__gte=month)
    return Q(~Exists(looked), state=State.WATCHED, state_on__lt=month)


def watched_and_due(actor: Actor, day: date) -> Any:
    """Watched problems that nobody has looked at this month, nor were they mended in it."""
    return visible(actor).filter(look_due(day))
