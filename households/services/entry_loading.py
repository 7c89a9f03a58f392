"""Opening an entry: what the register holds, as a form is given it."""

from dataclasses import replace
from typing import Any

from core.scope import Actor, covers
from households.catalog import FieldFact
from households.enums import HEAD
from households.models import Household, HouseholdYear, Person, PersonYear
from households.queries.sheet import OF_TODAY, lives_beyond
from households.services.changing import EDIT, UnfitError
from households.services.entry_diff import words
from households.services.entry_edit import VILLAGE, Edit, Value
from households.services.entry_state import (
    Base,
    Version,
    base_of,
    editable,
    is_missing,
    is_shown,
    member_told,
    shown,
    shown_of,
)


def load(*, household_no: str, partition: int, actor: Actor) -> Edit:
    """The household and year as it stands. Raises UnfitError where the actor may not edit it.

    Sensitive facts and days of birth are absent, whoever asks: looking at them is an act of its own,
    put on record (`households.services.revealing`).
    """
    base = _seen(household_no, partition, actor)
    household = shown_of(Household, base.household)
    if base.row is not None and lives_beyond(base.row, actor):
        household = {name: value for name, value in household.items() if name not in OF_TODAY}
    return Edit(
        household_no=household_no,
        partition=partition,
        version=Version.of(base).written(),
        household=household,
        year=shown_of(HouseholdYear, base.row),
        members=[member_told(one) for one in base.members],
    )


def masked(*, household_no: str, partition: int, actor: Actor) -> dict[str, str]:
    """What `load` leaves out, masked, by `where`; a fact that is not stated is not named."""
    base = _seen(household_no, partition, actor)
    found = {f"year.{name}": text for name, text in _hidden(HouseholdYear, base.row)}
    for at, one in enumerate(base.members):
        found |= {f"members.{at}.person.{name}": text for name, text in _hidden(Person, one.person)}
        found |= {f"members.{at}.year.{name}": text for name, text in _hidden(PersonYear, one)}
    return found


def blank(*, village_code: str, partition: int) -> Edit:
    """A household that is entered for the first time: nothing stated, one member, who is the head."""
    household: dict[str, Value] = {**_blank(Household), VILLAGE: village_code}
    year = {**_blank(PersonYear), "relation_to_head": HEAD}
    member = {"person_no": "", "person": _blank(Person), "year": year}
    return Edit(
        partition=partition, household=household, year=_blank(HouseholdYear), members=[member]
    )


def from_last_year(edit: Edit, actor: Actor) -> Edit:
    """The edit with its empty fields filled from the year before; what is stated stays.

    Sensitive facts are not copied: they would have to be shown. Raises UnfitError where the year
    before holds no such household.
    """
    try:
        before = _seen(edit.household_no, edit.partition - 1, actor)
    except UnfitError as error:
        raise UnfitError("上一年度没有这一户的信息。") from error
    members = []
    for told in edit.members:
        row = before.member(told["person_no"]) if told["person_no"] else None
        members.append(
            {**told, "year": _filled(told["year"], PersonYear, row)} if row is not None else told
        )
    return replace(edit, year=_filled(edit.year, HouseholdYear, before.row), members=members)


def _seen(household_no: str, partition: int, actor: Actor) -> Base:
    if household_no:
        rows = HouseholdYear.objects.visible_to(actor).in_year(partition)
        row = rows.filter(household__household_no=household_no).first()
        if row is not None and covers(actor, row.village_code, EDIT):
            return base_of(Edit(household_no=household_no, partition=partition))
    raise UnfitError("您没有修改该户的权限，或该年度没有这一户。")


def _filled(told: dict[str, Value], model: Any, row: Any) -> dict[str, Value]:
    """Only fields that the form shows, and that state nothing."""
    last = shown_of(model, row)
    return {name: value or last.get(name, value) for name, value in told.items()}


def _blank(model: Any) -> dict[str, Any]:
    return {name: _nothing(fact) for name, fact in editable(model).items()}


def _nothing(fact: FieldFact) -> Value:
    return [] if fact.kind == "codes" else shown("")


def _hidden(model: Any, row: Any) -> list[tuple[str, str]]:
    found = []
    for name, fact in editable(model).items():
        value = getattr(row, name)
        if not is_shown(fact) and not is_missing(value):
            found.append((name, words(fact, value)))
    return found
