"""Showing what is masked: one record at a time, to whoever holds the right, with a reason on record."""

from dataclasses import dataclass
from typing import Any

from core import ledger
from core.scope import Actor, covers
from households.catalog import FieldFact, facts_of
from households.enums import Purpose
from households.models import HouseholdYear, Person, PersonYear
from households.queries.sheet import Item
from households.queries.values import in_full

REVEAL = "households.reveal"


@dataclass(frozen=True, slots=True)
class Revealed:
    """What is shown of one record, and what was put on record about it."""

    whose: str
    items: list[Item]
    entry: int


def may_reveal(actor: Actor, row: HouseholdYear) -> bool:
    """Whether the actor holds the right where the household lies in that year."""
    return covers(actor, row.village_code, REVEAL)


def reveal(
    *,
    row: HouseholdYear,
    member: PersonYear | None = None,
    purpose: Purpose,
    words: str,
    request: Any,
    by: Any,
) -> Revealed:
    """The sensitive facts of a household in a year, or of one of its members, in full.

    The act is on the access ledger before a value is read; where it cannot be noted, nothing is
    shown. PermissionError when `by` lacks the right there.
    """
    if not may_reveal(by, row):
        raise PermissionError(REVEAL)
    facts = _sensitive(HouseholdYear) if member is None else _sensitive(Person, PersonYear)
    entry = ledger.note(
        ledger.Act.REVEAL,
        request,
        by,
        subject_kind="household",
        subject=row.household.household_no,
        region=row.village_code,
        rows=1,
        purpose=f"{Purpose(purpose).label}：{words}",
        detail={
            "year": row.partition_id,
            "fields": [fact.identifier for fact in facts],
            **({"person_no": member.person.person_no} if member else {}),
        },
    )
    items = [Item(fact.label, in_full(fact, _value(fact, row, member))) for fact in facts]
    return Revealed(member.person.name if member else "本户", items, entry)


def _sensitive(*models: Any) -> list[FieldFact]:
    return [fact for model in models for fact in facts_of(model) if fact.is_sealed]


def _value(fact: FieldFact, row: HouseholdYear, member: PersonYear | None) -> Any:
    if member is None:
        return getattr(row, fact.name)
    return getattr(member.person if fact.model is Person else member, fact.name)
