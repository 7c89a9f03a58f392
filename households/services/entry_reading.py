"""From what was typed to values: only the fields that the edit changes, read as an import reads them."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import models

from core.workbooks import cells
from households.catalog import FieldFact, labels, readings
from households.checks import Finding, found_in, told_by_number
from households.checks.words import error
from households.enums import JOINS, LEAVES
from households.models import Household, HouseholdYear, Person, PersonYear
from households.services.entry_edit import VILLAGE, Edit, Value
from households.services.entry_state import Base, Version, editable, is_missing, shown

# Written by the register from the head's own row.
_FOLLOWS = "head_name"
# What a document number tells of the person.
_TOLD = ("sex", "birth_date", "id_type")
# Two-digit codes of provinces (GB 11643-1999); 99 is nobody's and stands for demonstrations.
_RANGES = ((11, 15), (21, 23), (31, 37), (41, 46), (50, 54), (61, 65), (71, 71), (81, 82), (99, 99))
PROVINCES = [str(code) for first, last in _RANGES for code in range(first, last + 1)]


@dataclass(frozen=True)
class Set:
    """One field that the edit sets: where, the same by number, and its value before and after."""

    where: str
    whose: str
    fact: FieldFact
    before: Any
    after: Any


@dataclass(frozen=True)
class Reading:
    """What an edit sets, by `whose`, what is wrong with the typing, and who joins and leaves.

    `joined` and `left` are positions in the edit's list of members.
    """

    sets: dict[str, Set] = field(default_factory=dict)
    faults: list[Finding] = field(default_factory=list)
    joined: list[int] = field(default_factory=list)
    left: list[int] = field(default_factory=list)

    def of(self, prefix: str) -> dict[str, Any]:
        """The values set below a prefix, by field name."""
        start = f"{prefix}."
        return {
            whose[len(start) :]: one.after
            for whose, one in self.sets.items()
            if whose.startswith(start) and "." not in whose[len(start) :]
        }


def read(edit: Edit, base: Base) -> Reading:
    """Read whatever the edit changes. A field that says what it said when seen is left alone."""
    reader = _Reader(edit, base)
    reader.fields("household", "household", Household, edit.household, base.household)
    reader.fields("year", "year", HouseholdYear, edit.year, base.row)
    for number, told in enumerate(edit.members):
        reader.member(number, told)
    return reader.reading


def key_of(number: int, told: dict[str, Any]) -> str:
    """How `whose` names a member: by number, a new one by position."""
    return str(told["person_no"]) or f"+{number}"


class _Reader:
    def __init__(self, edit: Edit, base: Base) -> None:
        self.edit, self.base = edit, base
        self.seen = Version.read(edit.version) if edit.version else None
        self.reading = Reading()

    def member(self, number: int, told: dict[str, Any]) -> None:
        row = self.base.member(told["person_no"]) if told["person_no"] else None
        where, whose = f"members.{number}", f"members.{key_of(number, told)}"
        if "left" in told:
            if row is not None:
                self.reading.left.append(number)
                self._event(where, told["left"], LEAVES)
            return
        if row is None and told["person_no"]:
            # Who comes back is known by the document number; a person's number is not for typing.
            self.reading.faults.append(error("ENT10", where, "该成员已不在本户", whose))
            return
        if row is None:
            self.reading.joined.append(number)
            if not self.edit.is_new:
                self._event(where, told.get("joined") or {}, JOINS)
        person = row.person if row else None
        self.fields(f"{where}.person", f"{whose}.person", Person, told["person"], person)
        self.fields(f"{where}.year", f"{whose}.year", PersonYear, told["year"], row)
        self._by_number(where, whose, person)

    def _event(self, where: str, told: dict[str, str], kinds: Any) -> None:
        """Kind and day of joining or leaving; the day not after the year."""
        part = "left" if kinds is LEAVES else "joined"
        if told.get("kind") not in [str(one) for one in kinds]:
            self.reading.faults.append(error("ENT07", f"{where}.{part}.kind"))
        on = day_of(told.get("on", ""))
        if on is None:
            code = "IMP12" if told.get("on") else "ENT07"
            self.reading.faults.append(error(code, f"{where}.{part}.on"))
        elif on.year > self.edit.partition:
            self.reading.faults.append(error("ENT08", f"{where}.{part}.on"))
        if part == "left" and not told.get("reason", "").strip():
            self.reading.faults.append(error("ENT07", f"{where}.{part}.reason"))

    def fields(
        self, where: str, whose: str, model: type[models.Model], told: dict[str, Value], row: Any
    ) -> None:
        facts = editable(model)
        for name, typed in told.items():
            if name in (_FOLLOWS, VILLAGE):
                continue
            before = getattr(row, name) if row is not None else None
            if not self._is_touched(f"{whose}.{name}", typed, before):
                continue
            value, words = value_of(facts[name], typed)
            found = found_in(words, f"{where}.{name}", f"{whose}.{name}")
            if any(not one.is_query for one in found):
                self.reading.faults.extend(found)
                continue
            if _is_same(before, value):
                continue
            # A label in place of a code, another way to write a number: it says what it said.
            if not self._is_touched(f"{whose}.{name}", shown(value), before):
                continue
            self.reading.faults.extend(found)
            self._set(f"{where}.{name}", f"{whose}.{name}", facts[name], before, value)

    def _set(self, where: str, whose: str, fact: FieldFact, before: Any, after: Any) -> None:
        self.reading.sets[whose] = Set(where, whose, fact, before, after)

    def _is_touched(self, whose: str, typed: Value, before: Any) -> bool:
        if self.seen is not None:
            return not self.seen.has(whose, typed)
        return typed != shown(before)

    def _by_number(self, where: str, whose: str, person: Person | None) -> None:
        """What a new number tells is taken over, unless the clerk stated it otherwise."""
        number = self.reading.sets.get(f"{whose}.person.id_no")
        if number is None:
            return
        for name, value in told_by_number(number.after).items():
            place = f"{whose}.person.{name}"
            before = getattr(person, name) if person is not None else None
            if place not in self.reading.sets and not _is_same(before, value):
                self._set(f"{where}.person.{name}", place, editable(Person)[name], before, value)


def _is_same(one: Any, other: Any) -> bool:
    return one == other or (is_missing(one) and is_missing(other))


def day_of(text: str) -> date | None:
    """A day in any of the written forms; None for a blank and for what is no day."""
    told, fault = cells.day(text)
    return None if fault or told == cells.NULL else date.fromisoformat(told)


def value_of(fact: FieldFact, typed: Value) -> tuple[Any, str]:
    """The value and the words for what is wrong; of a text with an error the value says nothing."""
    if fact.kind in ("code", "codes"):
        return _codes(fact, typed)
    if isinstance(typed, list):
        typed = "、".join(typed)
    options = dict(fact.options)
    if fact.kind == "id_number":
        read, words = cells.told_number(options["longest"], PROVINCES)(typed)
        return read.split("\t")[0], words
    told, words = cells.make(fact.kind, options)[0](typed)
    words = "+".join(filter(None, [words, _too_long(fact, told)]))
    return _stored(fact.kind, told), words


def _too_long(fact: FieldFact, told: str) -> str:
    column = fact.model._meta.get_field(fact.name)
    longest = getattr(column, "max_length", None)
    is_text = isinstance(column, models.CharField)
    return "too_long" if is_text and longest and len(told) > longest else ""


def _stored(kind: str, told: str) -> Any:
    if kind in ("text", "identifier", "month"):
        return cells.unescape(told)
    if told == cells.NULL:
        return None
    if kind == "yes_no":
        return told == "t"
    if kind == "day":
        return date.fromisoformat(told)
    return int(told) if kind == "whole" else Decimal(told)


def _codes(fact: FieldFact, typed: Value) -> tuple[Any, str]:
    """A code, or several in the order given; a label or another wording of it reads as the code."""
    text = "、".join(typed) if isinstance(typed, list) else typed
    reader = cells.coded_set if fact.kind == "codes" else cells.coded
    told, words = reader({code: code for code in labels(fact.table)})(text)
    if words:
        told, words = reader(readings(fact.table))(text)
    if fact.kind == "code":
        return told, words
    return [one for one in told.strip("{}").split(",") if one], words
