"""The lives of a household's rows: what each says now and said before, as far as one may know.

An image in the history is the state that an act replaced. Images of places outside the reader's
region are not told: who sees a household's present years is not told what was declared elsewhere.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import models

from core.fields import Secret
from core.history import deleted_of, images_of
from core.scope import Actor, covers
from households.models import (
    Household,
    HouseholdYear,
    MembershipEvent,
    Person,
    PersonYear,
    WorkSpell,
)
from households.queries.entrusted import households_of

State = Mapping[str, Any]
# Of a person who belongs to a household beyond what the reader sees.
SOMEBODY = "（已转出人员）"


@dataclass(frozen=True, slots=True)
class Life:
    """One row: its former states, youngest first, and the present one, None when it was deleted."""

    model: type[models.Model]
    pk: int
    images: Sequence[State]
    now: State | None
    # Of whom it tells, and the year it is about; 0 for what is of no year.
    whose: str = ""
    year: int = 0


@dataclass(slots=True)
class Trail:
    """Everything that is known of one household's rows."""

    household: Household
    lives: list[Life] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)

    def of(self, model: type[models.Model]) -> list[Life]:
        return [life for life in self.lives if life.model is model]


def trail(household: Household, actor: Actor, *, year: int | None = None) -> Trail:
    """The lives of the household, its years, members and spells of work; of one year, or of all.

    Fourteen queries at most, however many rows and changes there are.
    """
    found = Trail(household)
    is_entrusted = _is_entrusted(household, actor)
    may_see = _sight(actor, is_entrusted=is_entrusted)
    # Who sees a former year only is not told where the household went.
    is_whole = is_entrusted or covers(actor, household.village_code)
    _years(found, actor, year, may_see)
    if is_whole and found.lives:
        _one_kind(found, [household], lambda _: ("", 0), may_see)
    persons = _members(found, actor, year, may_see)
    if is_whole:
        own = [one for one in persons if one.household_id == household.pk]
        _one_kind(found, own, lambda one: (one.name, 0), may_see)
    spells = WorkSpell.objects.visible_to(actor).filter(household=household)
    chosen = spells.filter(partition_id=year) if year else spells
    _one_kind(
        found, list(chosen),
        lambda one: (found.names.get(one.person_id, SOMEBODY), one.partition_id), may_see,
    )  # fmt: skip
    return found


def state_of(row: models.Model) -> State:
    """What a row says now, under the names that its images use."""
    return {str(one.column): one.value_from_object(row) for one in row._meta.concrete_fields}


def opened(model: type[models.Model], image: dict[str, Any]) -> dict[str, Any]:
    """An image as it reads; written out, sealed facts are masked again."""
    sealed = [one for one in model._meta.concrete_fields if isinstance(one, Secret)]
    names = {one: str(one.column) for one in sealed}
    return image | {name: one.from_db_value(image[name]) for one, name in names.items()}


def _sight(actor: Actor, *, is_entrusted: bool) -> Callable[[State], bool]:
    """Whether an image may be told: by its place, or because the household is assigned."""
    if is_entrusted:
        return lambda image: True
    return lambda image: str(image["village_code"]).startswith(actor.region_prefixes)


def _is_entrusted(household: Household, actor: Actor) -> bool:
    if actor.assigned_to is None:
        return False
    return households_of(actor).filter(household_id=household.pk).exists()


def _years(found: Trail, actor: Actor, year: int | None, may_see: Callable[[State], bool]) -> None:
    rows = HouseholdYear.objects.visible_to(actor).filter(household=found.household)
    chosen = rows.filter(partition_id=year) if year else rows
    _one_kind(found, list(chosen), lambda one: ("", one.partition_id), may_see)


def _one_kind(
    found: Trail,
    rows: Sequence[Any],
    told: Callable[[Any], tuple[str, int]],
    may_see: Callable[[State], bool],
) -> None:
    if not rows:
        return
    model = type(rows[0])
    images = images_of(model, [row.pk for row in rows])
    for row in rows:
        whose, year = told(row)
        seen = [opened(model, image) for image in images[row.pk] if may_see(image)]
        found.lives.append(Life(model, row.pk, seen, state_of(row), whose, year))


def _members(
    found: Trail, actor: Actor, year: int | None, may_see: Callable[[State], bool]
) -> list[Person]:
    """The years of members, of those who were taken off the list and of those who passed on.

    Gives back the persons among them whom the reader sees, and puts down their names.
    """
    household = found.household.pk
    rows = PersonYear.objects.visible_to(actor)
    rows = rows.filter(partition_id=year) if year else rows
    here = list(rows.filter(household=household).order_by("pk"))
    met = {row.person_id for row in here} | _ever(found.household, actor)
    passed = rows.filter(person_id__in=met).exclude(household=household)
    known = {row.pk: row for row in [*here, *passed]}
    images = images_of(PersonYear, [*known, *deleted_of(PersonYear, household)])
    met |= {image["person_id"] for some in images.values() for image in some}
    persons = list(Person.objects.visible_to(actor).filter(pk__in=met).order_by("pk"))
    found.names = {person.pk: person.name for person in persons}
    for pk in dict.fromkeys([*known, *images]):
        row = known.get(pk)
        seen = [opened(PersonYear, image) for image in images[pk] if may_see(image)]
        _add_member(found, pk, seen, state_of(row) if row else None, year)
    return persons


def _ever(household: Household, actor: Actor) -> set[int]:
    """Everybody who joined or left the household."""
    events = MembershipEvent.objects.visible_to(actor).filter(household=household)
    return set(events.values_list("person_id", flat=True))


def _add_member(
    found: Trail, pk: int, images: list[dict[str, Any]], now: State | None, year: int | None
) -> None:
    told: Iterable[State] = [*([now] if now else []), *images]
    own = [state for state in told if state["household_id"] == found.household.pk]
    if not own or (year and own[0]["partition_id"] != year):
        return
    name = found.names.get(own[0]["person_id"], SOMEBODY)
    found.lives.append(Life(PersonYear, pk, images, now, name, own[0]["partition_id"]))
