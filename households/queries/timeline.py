"""What happened to a household, youngest first: the ledgers of movement and every later change."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.db import models

from core.history import images
from core.scope import Actor, covers
from households.catalog import facts_of
from households.models import Household, HouseholdYear, MembershipEvent, StatusEvent
from households.queries.values import written

# Changes of more facts than this are counted, not listed.
_LISTED = 6


@dataclass(frozen=True, slots=True)
class Event:
    """One line: when (a year, or the moment of a change), what, and by whom or why."""

    order: tuple[int, datetime]
    when: str | datetime
    title: str
    note: str = ""


def timeline(row: HouseholdYear, actor: Actor) -> list[Event]:
    """Everything known of the household, and the changes to this year's row."""
    household = row.household
    changes = images(HouseholdYear, row.pk)
    # Who sees a former year only is not told where the household went.
    if covers(actor, household.village_code):
        own = images(Household, household.pk)
    else:
        own = []
    names = _names({image["history_actor"] for image in [*changes, *own]})
    events = [
        *_status_events(household, actor),
        *_membership_events(household, actor),
        *_changes(row, changes, names),
        *_changes(household, own, names),
    ]
    return sorted(events, key=lambda event: event.order, reverse=True)


def _status_events(household: Household, actor: Actor) -> Iterable[Event]:
    rows = StatusEvent.objects.visible_to(actor).filter(household=household)
    for row in rows.select_related("created_by"):
        year = row.year or row.partition_id
        title = row.get_kind_display() + ("" if row.households >= 0 else "（冲销）")
        notes = [f"{abs(row.persons)} 人", "期初" if row.is_opening else "", row.reason]
        yield _ledger_event(year, row.created_at, title, [*notes, _by(row.created_by)])


def _membership_events(household: Household, actor: Actor) -> Iterable[Event]:
    rows = MembershipEvent.objects.visible_to(actor).filter(household=household)
    for row in rows.select_related("created_by", "person"):
        taken_back = "" if row.persons > 0 else "（冲销）"
        title = f"{row.get_kind_display()}：{row.person.name}{taken_back}"
        yield _ledger_event(
            row.partition_id, row.created_at, title, [row.reason, _by(row.created_by)]
        )


def _ledger_event(year: int, at: datetime, title: str, notes: list[str]) -> Event:
    return Event((year, at), f"{year} 年", title, "，".join(filter(None, notes)))


def _by(user: Any) -> str:
    return f"经办人 {user}" if user else ""


def _names(actors: set[int | None]) -> dict[int | None, str]:
    """Names of those who changed something; the system itself has none."""
    users = get_user_model()._default_manager.in_bulk([pk for pk in actors if pk is not None])
    return {pk: str(user) for pk, user in users.items()}


def _changes(
    row: models.Model, old_images: list[dict[str, Any]], names: dict[int | None, str]
) -> Iterable[Event]:
    """One event per old image that differs from what followed it in something people know."""
    model = type(row)
    after: Callable[[str], Any] = row.serializable_value
    for image in old_images:
        differences = _differences(model, image, after)
        if differences:
            at = image["history_at"]
            shown = differences[:_LISTED]
            if len(differences) > _LISTED:
                shown.append(f"等 {len(differences)} 项")
            who = names.get(image["history_actor"], "")
            notes = [*shown, who and f"经办人 {who}", image["history_reason"] or ""]
            title = f"修改{model._meta.verbose_name}"
            yield Event((at.year, at), at, title, "；".join(filter(None, notes)))
        after = image.__getitem__


def _differences(
    model: type[models.Model], before: dict[str, Any], after: Callable[[str], Any]
) -> list[str]:
    found = []
    for fact in facts_of(model):
        old, new = before[fact.name], after(fact.name)
        if old != new:
            # Two values may look alike behind the mask; that something changed is still told.
            found.append(f"{fact.label}：{written(fact, old)} → {written(fact, new)}")
    if before["village_code"] != after("village_code"):
        found.append(f"村代码：{before['village_code']} → {after('village_code')}")
    return found
