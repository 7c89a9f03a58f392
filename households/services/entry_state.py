"""What the register holds of one household and year, as an edit names it, and which version that is.

A place is named two ways: `where` as the edit does, by position ("members.2.person.id_no"), and
`whose` by the person's number ("members.8631….person.id_no"), which stays when positions change.
"""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any
from zlib import crc32

from django.db import models

from core import vault
from households.catalog import FieldFact, facts_of
from households.checks import Stated, StatedMember
from households.models import Household, HouseholdYear, Person, PersonYear
from households.queries.values import is_birth_date
from households.services.changing import UnfitError
from households.services.entry_edit import Edit, Value, names

_MISSING: tuple[Any, ...] = (None, "", [])
# Bytes of a place and of what stood there, in a version.
_PLACE, _PRINT = 4, 4


@cache
def editable(model: type[models.Model]) -> dict[str, FieldFact]:
    """The facts of a model that an edit may name, by field name."""
    wanted = set(names(model))
    return {fact.name: fact for fact in facts_of(model) if fact.name in wanted}


def is_shown(fact: FieldFact) -> bool:
    """Whether a form is given the value: what tells too much beside a masked number is not."""
    return not fact.sensitive and not is_birth_date(fact)


@dataclass(frozen=True)
class Base:
    """The rows as they are; of a household that is entered for the first time there are none."""

    partition: int
    household: Household | None = None
    row: HouseholdYear | None = None
    members: tuple[PersonYear, ...] = ()

    def member(self, person_no: str) -> PersonYear | None:
        return next((one for one in self.members if one.person.person_no == person_no), None)

    def values(self) -> Iterator[tuple[str, FieldFact, Any]]:
        """Every editable value: whose, fact, value."""
        if self.household is None:
            return
        yield from _values("household", Household, self.household)
        yield from _values("year", HouseholdYear, self.row)
        for one in self.members:
            whose = f"members.{one.person.person_no}"
            yield from _values(f"{whose}.person", Person, one.person)
            yield from _values(f"{whose}.year", PersonYear, one)


def _values(
    prefix: str, model: type[models.Model], row: Any
) -> Iterator[tuple[str, FieldFact, Any]]:
    for name, fact in editable(model).items():
        yield f"{prefix}.{name}", fact, getattr(row, name)


def base_of(edit: Edit, *, locked: bool = False) -> Base:
    """The household's rows of the edit's year. Raises UnfitError where there are none (any more)."""
    if edit.is_new:
        return Base(edit.partition)
    rows = HouseholdYear.objects.in_year(edit.partition)
    rows = rows.filter(household__household_no=edit.household_no)
    if locked:
        _lock(rows)
    row = rows.select_related("household").first()
    if row is None:
        raise UnfitError("该年度没有这一户，或该户已销户、并户。")
    members = PersonYear.objects.in_year(edit.partition).filter(household_id=row.household_id)
    found = list(members.select_related("person").order_by("pk"))
    found.sort(key=lambda one: one.relation_to_head or "~")
    return Base(edit.partition, row.household, row, tuple(found))


def _lock(rows: "models.QuerySet[HouseholdYear]") -> None:
    """The rows of the year, then those of who they are: read afterwards, they stay as read.

    Somebody who lives elsewhere by now is nobody's to lock, hence not in one query with the year.
    """
    for household, partition in rows.select_for_update().values_list(
        "household_id", "partition_id"
    ):
        years = PersonYear.objects.filter(household_id=household, partition_id=partition)
        persons = list(years.order_by("pk").select_for_update().values_list("person_id", flat=True))
        list(Household.objects.filter(pk=household).select_for_update().values_list("pk"))
        list(Person.objects.filter(pk__in=persons).order_by("pk").select_for_update().values("pk"))


def shown(value: Any) -> Value:
    """A value as an edit carries it."""
    if isinstance(value, bool):
        return "是" if value else "否"
    if value is None:
        return ""
    if isinstance(value, list):
        return [str(one) for one in value]
    if isinstance(value, date):
        return value.isoformat()
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def member_told(row: PersonYear) -> dict[str, Any]:
    """A member as a form is given them."""
    return {
        "person_no": row.person.person_no,
        "person": shown_of(Person, row.person),
        "year": shown_of(PersonYear, row),
    }


def shown_of(model: Any, row: Any) -> dict[str, Any]:
    """The values of a row that a form is given, as an edit carries them."""
    facts = editable(model)
    return {name: shown(getattr(row, name)) for name, fact in facts.items() if is_shown(fact)}


def is_missing(value: Any) -> bool:
    return value in _MISSING


# --- versions ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Version:
    """A print of every stated value, by place: tells which fields changed, and nothing of them.

    The prints are made with the key of the indexes, so that a masked number cannot be guessed from
    its print.
    """

    prints: Mapping[bytes, bytes]

    @classmethod
    def of(cls, base: Base) -> "Version":
        told = ((whose, shown(value)) for whose, _, value in base.values())
        return cls({_place(whose): print_of(whose, text) for whose, text in told if text})

    @classmethod
    def read(cls, text: str) -> "Version":
        """Raises UnfitError for a text that is no version."""
        try:
            raw = base64.b64decode(text, validate=True)
        except ValueError as error:
            raise UnfitError("提交的内容不完整，请刷新页面后重试。") from error
        step = _PLACE + _PRINT
        pairs = [raw[start : start + step] for start in range(0, len(raw), step)]
        return cls({pair[:_PLACE]: pair[_PLACE:] for pair in pairs})

    def written(self) -> str:
        pairs = b"".join(place + told for place, told in sorted(self.prints.items()))
        return base64.b64encode(pairs).decode()

    def has(self, whose: str, value: Value) -> bool:
        """Whether this is what stood there."""
        wanted = print_of(whose, value) if value else None
        return self.prints.get(_place(whose)) == wanted


def _place(whose: str) -> bytes:
    return crc32(whose.encode()).to_bytes(_PLACE)


def print_of(whose: str, value: Value) -> bytes:
    text = "、".join(value) if isinstance(value, list) else value
    return (vault.index("entry", f"{whose}={text}") or b"")[:_PRINT]


# --- as the edit would leave it ----------------------------------------------------------------


def stated_of(base: Base) -> Stated:
    """The rows as they are, for the checks."""
    return Stated(
        partition=base.partition,
        household=_row_values(Household, base.household),
        year=_row_values(HouseholdYear, base.row),
        members=[
            StatedMember(
                at="",
                key=one.person.person_no,
                person=_row_values(Person, one.person),
                year=_row_values(PersonYear, one),
            )
            for one in base.members
        ],
        is_new=base.row is None,
    )


def _row_values(model: type[models.Model], row: Any) -> dict[str, Any]:
    return {} if row is None else {name: getattr(row, name) for name in editable(model)}
