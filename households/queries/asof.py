"""A household's year as the register told it on a former day, put together from the history."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import models
from django.utils import timezone

from core.scope import Actor
from households.models import Household, HouseholdYear, Person, PersonYear, WorkSpell
from households.queries.trail import Life, State, Trail, trail


@dataclass(frozen=True, slots=True)
class Former:
    """The rows of one year as they were: not saved, and never to be saved."""

    row: HouseholdYear
    members: list[PersonYear]
    spells: list[WorkSpell]


def end_of(day: date) -> datetime:
    """The first moment after the day, where the register is kept."""
    return timezone.make_aware(datetime.combine(day + timedelta(days=1), time()))


def as_of(household: Household, year: int, moment: datetime, actor: Actor) -> Former | None:
    """The year as it stood just before the moment; None when nothing may be told of it.

    Either the year had not been declared yet, or it was declared of another place then. Members are
    those who stood on the list at that moment, those taken off it later included.
    """
    found = trail(household, actor, year=year)
    rows = list(_standing(found.of(HouseholdYear), moment))
    if not rows:
        return None
    row = _made(HouseholdYear, rows[0])
    row.household = next(_made_all(found, Household, moment), household)
    members = list(_members(found, row, moment, actor))
    spells = [_made(WorkSpell, state) for state in _standing(found.of(WorkSpell), moment)]
    return Former(row, members, spells)


def _members(
    found: Trail, row: HouseholdYear, moment: datetime, actor: Actor
) -> Iterable[PersonYear]:
    people = {person.pk: person for person in _made_all(found, Person, moment)}
    there = Person.objects.visible_to(actor).in_bulk(
        {state["person_id"] for state in _standing(found.of(PersonYear), moment)} - set(people)
    )
    for state in _standing(found.of(PersonYear), moment):
        if state["household_id"] == row.household_id:
            member = _made(PersonYear, state)
            known = people.get(member.person_id) or there.get(member.person_id)
            if known is not None:
                member.person = known
                yield member


def _standing(lives: Sequence[Life], moment: datetime) -> Iterable[State]:
    """What each row said at the moment, if it was there."""
    for life in lives:
        state = state_at(life, moment)
        if state is not None:
            yield state


def state_at(life: Life, moment: datetime) -> State | None:
    """The oldest image that was replaced after the moment; without one, what stands now.

    An image carries when it came about. One that came about later than the moment followed others
    that the reader does not see, or was the first: either way nothing is known of the moment.
    """
    later = [image for image in life.images if image["history_at"] >= moment]
    state = later[-1] if later else life.now
    if state is None:
        return None
    began = state.get("changed_at") or state.get("created_at")
    return None if began is not None and began >= moment else state


def _made_all(found: Trail, model: type[models.Model], moment: datetime) -> Iterator[Any]:
    return (_made(model, state) for state in _standing(found.of(model), moment))


def _made(model: type[Any], state: State) -> Any:
    """A row of the model with a former state's values; of columns that came later, their default."""
    values = {}
    for one in model._meta.concrete_fields:
        value = state[one.column]
        values[one.attname] = one.get_default() if value is None and not one.null else value
    return model(**values)
