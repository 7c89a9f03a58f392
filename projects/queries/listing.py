"""Lists of projects: what they can be narrowed by, in pages by key."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Q

from core.scope import Actor, begins, trim
from projects.enums import ORDER, State
from projects.models import Project

PAGE = 50
# A page deeper than its list is asked for by the number of its last project, never counted off.
LATE_START, LATE_END = "start", "end"
_NOT_BEGUN = (State.BUDGETED,)
_UNDER_WAY = (State.STARTED,)


@dataclass(frozen=True)
class Page:
    """Projects by number, and the number to go on after; "" at the end."""

    rows: list[Project]
    after: str


def visible(actor: Actor) -> Any:
    """The projects of the actor's places."""
    return Project.objects.visible_to(actor)


def narrowed(found: Any, asked: Mapping[str, str], day: date) -> Any:
    """By place, year, sector, type, state, what is late, and words; what makes no sense is passed over."""
    region = asked.get("region", "")
    if region.isascii() and region.isdigit() and len(trim(region)) in (2, 4, 6, 9, 12):
        found = found.in_region(region)
    if asked.get("year", "").isascii() and asked.get("year", "").isdigit():
        found = found.filter(year=int(asked["year"][:4]))
    kind = asked.get("type", "")
    if kind:
        found = found.filter(type_id=kind) if len(kind) > 2 else found.filter(sector=kind)
    if asked.get("state") in State.values:
        found = found.filter(state=asked["state"])
    if asked.get("late"):
        found = late(found, day, asked["late"])
    words = asked.get("words", "").strip()
    if words:
        found = found.filter(begins(words, "number") | begins(words, "name"))
    return found


def late(found: Any, day: date, kind: str = "") -> Any:
    """Past their planned day: money assigned but not begun, or under way and not done.

    The planned day itself is not late. `kind` narrows to one of the two.
    """
    start = Q(state__in=_NOT_BEGUN, planned_start__lt=day)
    end = Q(state__in=_UNDER_WAY, planned_end__lt=day)
    return found.filter({LATE_START: start, LATE_END: end}.get(kind, start | end))


def page(found: Any, after: str = "", size: int = PAGE) -> Page:
    """The projects after this number, by number."""
    if after.isascii() and after.isalnum():
        found = found.filter(number__gt=after)
    rows = list(found.select_related("type", "region").order_by("number")[: size + 1])
    return Page(rows[:size], rows[size - 1].number if len(rows) > size else "")


def steps_left(project: Project) -> list[str]:
    """The states still to come on the usual way; none for what has ended."""
    if project.state not in ORDER:
        return []
    return list(ORDER[ORDER.index(project.state) + 1 :])
