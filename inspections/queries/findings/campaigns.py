"""Inspections with what became of their problems: told, entered, mended."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Count, Q

from core.scope import Actor
from inspections.enums.findings import DONE, GONE, Level, Origin, Source, State
from inspections.models import Campaign, Finding
from inspections.queries.findings.listing import OVERDUE, standing

PAGE = 50
# Problems that were told, and not made from others.
TOLD = ~Q(origin__in=(Origin.SPLIT, Origin.SWEEP))


@dataclass(frozen=True)
class Page:
    """Inspections, the latest feedback first, and the keys to go on; "" at either end."""

    rows: list[Campaign]
    after: str
    before: str


def visible(actor: Actor) -> Any:
    return Campaign.objects.visible_to(actor)


def narrowed(found: Any, asked: Mapping[str, str]) -> Any:
    """By source, level, year of the feedback, and words of its name or document."""
    if asked.get("source") in Source.values:
        found = found.filter(source=asked["source"])
    if asked.get("level") in Level.values:
        found = found.filter(level=asked["level"])
    year = asked.get("year", "")
    if year.isascii() and year.isdigit() and len(year) == 4 and int(year):
        found = found.filter(told_on__year=int(year))
    if words := asked.get("words", "").strip():
        found = found.filter(Q(name__contains=words) | Q(document__contains=words))
    return found


def counted(found: Any, day: date) -> Any:
    """With the problems that were entered, are overdue, mended, or counted at all."""

    def many(only: Q) -> Count:
        return Count("findings", filter=only)

    of = "findings__"
    return found.annotate(
        entered=many(_of(TOLD, of)),
        derived=many(_of(~TOLD, of)),
        counted=many(~Q(findings__state__in=GONE)),
        done=many(Q(findings__state__in=DONE)),
        overdue=many(_of(standing(OVERDUE, day), of)),
    )


def _of(condition: Q, before: str) -> Q:
    """The same condition on rows that are reached by a relation."""
    parts: list[Any] = condition.children
    children = [
        _of(one, before) if isinstance(one, Q) else (f"{before}{one[0]}", one[1]) for one in parts
    ]
    return Q(*children, _connector=condition.connector, _negated=condition.negated)


def page(found: Any, after: str = "", before: str = "", size: int = PAGE) -> Page:
    back = None if after else _key(before)
    key = back or _key(after)
    if back:
        found = found.filter(Q(told_on__gt=back[0]) | Q(told_on=back[0], pk__gt=back[1]))
        taken = list(found.order_by("told_on", "pk")[: size + 1])
        rows = taken[:size][::-1]
        return Page(rows, _told(rows[-1]) if rows else "", _told(rows[0]) if taken[size:] else "")
    if key:
        found = found.filter(Q(told_on__lt=key[0]) | Q(told_on=key[0], pk__lt=key[1]))
    taken = list(found.order_by("-told_on", "-pk")[: size + 1])
    rows = taken[:size]
    return Page(
        rows, _told(rows[-1]) if taken[size:] else "", _told(rows[0]) if key and rows else ""
    )


def _told(row: Campaign) -> str:
    return f"{row.told_on:%Y%m%d}.{row.pk}"


def _key(text: str) -> tuple[date, int] | None:
    day, _, pk = text.partition(".")
    if not (pk.isascii() and pk.isdigit() and len(pk) < 19):
        return None
    try:
        return date.fromisoformat(day), int(pk)
    except ValueError:
        return None


def by_state(campaign: Campaign) -> list[tuple[str, str, int]]:
    """(state, its label, problems), in the order of the way; those that occur."""
    rows = Finding.objects.filter(campaign=campaign).values("state").annotate(n=Count("pk"))
    many = {row["state"]: row["n"] for row in rows.order_by()}
    return [(code, str(label), many[code]) for code, label in State.choices if code in many]
