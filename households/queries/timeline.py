"""What happened to a household, youngest first: the ledgers of movement and every later change.

Written for the clerk who is asked about it: when, what from and to, why, by whom.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.db import models
from django.utils import timezone

from core.history import images, images_of
from core.scope import Actor, covers
from households.catalog import FieldFact, facts_of
from households.models import (
    Household,
    HouseholdYear,
    MembershipEvent,
    Person,
    PersonYear,
    StatusEvent,
)
from households.queries.values import written
from villages.models import Region

# Changes of more facts than this are counted, not listed.
_LISTED = 6


@dataclass(frozen=True, slots=True)
class Event:
    """One line: when (a year, or the minute of a change), what, and by whom or why."""

    order: tuple[int, datetime]
    when: str
    title: str
    note: str = ""


def timeline(row: HouseholdYear, actor: Actor) -> list[Event]:
    """Everything known of the household, and the changes to this year's rows."""
    household = row.household
    changes = _opened(HouseholdYear, images(HouseholdYear, row.pk))
    # Who sees a former year only is not told where the household went.
    is_whole = covers(actor, household.village_code)
    own = _opened(Household, images(Household, household.pk)) if is_whole else []
    members = list(_members(row, actor, with_identity=is_whole))
    everything = [*changes, *own, *(image for _, _, some in members for image in some)]
    words = _Words(
        _names({image["history_actor"] for image in everything}),
        _places([image["village_code"] for image in [*changes, *own]], household.village_code),
    )
    events = [
        *_status_events(household, actor),
        *_membership_events(household, actor),
        *_changes(row, changes, words),
        *_changes(household, own, words),
        *(
            event
            for name, member, some in members
            for event in _changes(member, some, words, whose=name)
        ),
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
    return f"经办人：{user}" if user else ""


def _opened(model: type[models.Model], old_images: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The images as they read; written out, sealed facts are masked again."""
    secret = [fact for fact in facts_of(model) if fact.is_sealed]
    return [
        image | {fact.name: fact.opened(image[fact.name]) for fact in secret}
        for image in old_images
    ]


def _members(
    row: HouseholdYear, actor: Actor, *, with_identity: bool
) -> Iterable[tuple[str, models.Model, list[dict[str, Any]]]]:
    """The year's members by name, each with the old images of the year's row and of the person."""
    rows = PersonYear.objects.visible_to(actor).filter(
        household=row.household_id, partition=row.partition_id
    )
    years = list(rows.select_related("person"))
    changed = images_of(PersonYear, [year.pk for year in years])
    for year in years:
        yield year.person.name, year, _opened(PersonYear, changed[year.pk])
    if with_identity:
        changed = images_of(Person, [year.person_id for year in years])
        for year in years:
            yield year.person.name, year.person, _opened(Person, changed[year.person_id])


@dataclass(frozen=True, slots=True)
class _Words:
    """Names of those who changed something, and of the villages a household was in."""

    users: dict[int, str]
    places: dict[str, str]

    def who(self, image: dict[str, Any]) -> str:
        """The user, the machine client by the name it had, or the system itself."""
        if image["history_actor"] is not None:
            return self.users.get(image["history_actor"], f"用户 {image['history_actor']}")
        if client := image["history_client"]:
            return f"{client.partition(' ')[2]}（接口）"
        return "系统"

    def place(self, code: str) -> str:
        return f"{self.places[code]}（{code}）" if code in self.places else code


def _names(actors: set[int | None]) -> dict[int, str]:
    users = get_user_model()._default_manager.in_bulk([pk for pk in actors if pk is not None])
    return {pk: str(user) for pk, user in users.items()}


def _places(before: list[str], now: str) -> dict[str, str]:
    """Names of the villages, where there was more than one."""
    codes = {*before, now}
    if len(codes) == 1:
        return {}
    return dict(
        Region.objects.filter(code__in=codes).order_by("valid_from").values_list("code", "name")
    )


def _changes(
    row: models.Model, old_images: list[dict[str, Any]], words: _Words, whose: str = ""
) -> Iterable[Event]:
    """One event per old image that differs from what followed it in something people know."""
    model = type(row)
    after: Callable[[str], Any] = row.serializable_value
    for image in old_images:
        differences = list(_differences(model, image, after))
        # A member moves with the household, where it is told.
        if not whose and image["village_code"] != after("village_code"):
            old, new = (
                words.place(code) for code in (image["village_code"], after("village_code"))
            )
            differences.append(f"所在村：{old} → {new}")
        if differences:
            at = image["history_at"]
            shown = differences[:_LISTED]
            if len(differences) > _LISTED:
                shown.append(f"等 {len(differences)} 项")
            reason = image["history_reason"]
            notes = [*shown, f"事由：{reason}" if reason else "", f"经办人：{words.who(image)}"]
            title = f"修改{model._meta.verbose_name}" + (f"：{whose}" if whose else "")
            when = f"{timezone.localtime(at):%Y-%m-%d %H:%M}"
            yield Event((at.year, at), when, title, "；".join(filter(None, notes)))
        after = image.__getitem__


def _differences(
    model: type[models.Model], before: dict[str, Any], after: Callable[[str], Any]
) -> Iterable[str]:
    for fact in facts_of(model):
        old, new = before[fact.name], after(fact.name)
        if old != new:
            yield f"{fact.label}：{_from_to(fact, written(fact, old), written(fact, new))}"


def _from_to(fact: FieldFact, old: str, new: str) -> str:
    """Both values with the unit once."""
    if old == new:
        # They look alike behind the mask; that something changed is still told.
        return f"有修改（{new}）"
    unit = f" {fact.unit}" if fact.unit else ""
    if unit and old.endswith(unit) and new.endswith(unit):
        old = old.removesuffix(unit)
    return f"{old} → {new}"
