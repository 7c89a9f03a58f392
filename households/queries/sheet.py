"""The page of one household in one year: what is declared, who belongs to it."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from core.scope import Actor, covers
from households.catalog import FieldFact, entry_facts, facts_of, label
from households.enums import HEAD
from households.models import Household, HouseholdYear, Person, PersonYear, WorkSpell
from households.queries.places import NOWHERE, Place, places_on, year_end
from households.queries.rows import (
    MISSING,
    NOTHING,
    STATUS_TONES,
    age_at_year_end,
    hidden,
    masked_id,
    poor_villages,
)
from households.queries.values import written

# The card that a fact stands on: each begins with the fact named here, in the models' own order.
_CARDS = {
    "identification_standard": "识别与脱贫",
    "member_count": "家庭",
    "income_wage": "收入",
    "farmland_mu": "生产生活条件",
}
_INCOME = "收入"
# What is known of the household today, not of a year.
OF_TODAY = ("natural_village_name", "address")
# Shown in the head of the page.
_ELSEWHERE = ("household_no", "head_name")
_IN_TITLE = ("person_no", "name")
_EARNED = ("income_wage", "income_business", "income_property", "income_transfer")
_FEN = Decimal("0.01")
# Declared figures are rounded to whole yuan here and there; a smaller difference says nothing.
_TOLERATED = Decimal(1)


@dataclass(frozen=True, slots=True)
class Item:
    """A labelled value; text is written out, a Decimal is money still to be written."""

    label: str
    value: Any


@dataclass(frozen=True, slots=True)
class Card:
    title: str
    items: list[Item]


@dataclass(frozen=True, slots=True)
class Head:
    """The title of the page."""

    household_no: str
    head_name: str
    county_name: str
    town_name: str
    village_name: str
    is_poor_village: bool
    status_tone: str
    status_label: str
    place: Place


@dataclass(frozen=True, slots=True)
class Member:
    name: str
    id_masked: str
    relation_label: str
    sex_label: str
    age: int | None
    education_label: str
    school_label: str
    health_label: str
    labour_label: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """One member in full: what is declared, what is not, and each spell of work."""

    member: Member
    person_no: str
    items: list[Item]
    missing: list[str]
    spells: list[list[Item]]


@dataclass(frozen=True, slots=True)
class Income:
    """Net income per head as declared, and as its parts add up; the declared one never changes."""

    declared: Decimal | None
    computed: Decimal | None
    differs: bool
    items: list[Item]


def years_of(household_no: str, actor: Actor) -> list[int]:
    """Years in which the actor sees this household, latest first; none for an unknown number."""
    rows = HouseholdYear.objects.visible_to(actor).filter(household__household_no=household_no)
    return list(rows.order_by("-partition_id").values_list("partition_id", flat=True))


def year_of(household_no: str, year: int, actor: Actor) -> HouseholdYear:
    """The household's row of one year, or HouseholdYear.DoesNotExist."""
    rows = HouseholdYear.objects.visible_to(actor).in_year(year).select_related("household")
    return rows.get(household__household_no=household_no)


def head_of_page(row: HouseholdYear, members: list[PersonYear]) -> Head:
    heads = [member.person.name for member in members[:1] if member.relation_to_head == HEAD]
    place = places_on(year_end(row.partition_id), [row.village_code]).get(row.village_code, NOWHERE)
    return Head(
        household_no=row.household.household_no,
        head_name=heads[0] if heads else row.head_name or NOTHING,
        county_name=place.county,
        town_name=place.town,
        village_name=place.village,
        is_poor_village=bool(poor_villages({row.village_code}, row.partition_id)),
        status_tone=STATUS_TONES[row.exit_status],
        status_label=label("exit_status", row.exit_status),
        place=place,
    )


def member_years(row: HouseholdYear) -> list[PersonYear]:
    """Members in the year, the head first."""
    members = PersonYear.objects.in_year(row.partition_id).filter(household_id=row.household_id)
    return heads_first(members.select_related("person").order_by("id"))


def heads_first(members: Iterable[PersonYear]) -> list[PersonYear]:
    return sorted(members, key=lambda member: member.relation_to_head or "~")


def member(row: PersonYear) -> Member:
    return Member(
        name=row.person.name,
        id_masked=masked_id(row.person.id_no),
        relation_label=label("relation_to_head", row.relation_to_head) or NOTHING,
        sex_label=label("sex", row.person.sex) or NOTHING,
        age=age_at_year_end(row.person.birth_date, row.partition_id),
        education_label=label("education_level", row.education_level),
        school_label=label("student_status", row.student_status),
        health_label=hidden(row.health_status),
        labour_label=label("labour_capacity", row.labour_capacity),
    )


def people(members: Iterable[PersonYear], spells: Iterable[WorkSpell]) -> list[Sheet]:
    """Every member with all that is declared, what nobody stated, and the spells of work."""
    told: dict[int, list[WorkSpell]] = {}
    for spell in sorted(spells, key=lambda one: (one.started_month, one.pk)):
        told.setdefault(spell.person_id, []).append(spell)
    return [_sheet(row, told.get(row.person_id, [])) for row in members]


def _sheet(row: PersonYear, spells: Iterable[WorkSpell]) -> Sheet:
    own = [fact for fact in facts_of(Person) if fact.name not in _IN_TITLE]
    facts = [(fact, getattr(row.person, fact.name)) for fact in own]
    facts += [(fact, getattr(row, fact.name)) for fact in facts_of(PersonYear)]
    items = [Item(fact.label, written(fact, value)) for fact, value in facts]
    return Sheet(
        member=member(row),
        person_no=row.person.person_no,
        items=[item for item in items if item.value != MISSING],
        missing=[item.label for item in items if item.value == MISSING],
        spells=[_spell(spell) for spell in spells],
    )


def _spell(spell: WorkSpell) -> list[Item]:
    return [
        Item(fact.label, written(fact, getattr(spell, fact.name)))
        for fact in entry_facts(WorkSpell).values()
    ]


def lives_beyond(row: HouseholdYear, actor: Actor) -> bool:
    """Whether the household lives elsewhere by now, beyond what the actor sees."""
    now = row.household.village_code
    return now != row.village_code and not covers(actor, now)


def cards(row: HouseholdYear, actor: Actor) -> list[Card]:
    """Everything declared but the income, in words."""
    left_out = OF_TODAY if lives_beyond(row, actor) else ()
    known = [fact for fact in facts_of(Household) if fact.name not in left_out]
    found = [Card("基本情况", _items(known, row.household))]
    for title, facts in grouped(facts_of(HouseholdYear)):
        if title != _INCOME:
            found.append(Card(title, _items(facts, row)))
    return found


def grouped(facts: Iterable[FieldFact]) -> Iterable[tuple[str, list[FieldFact]]]:
    groups: list[tuple[str, list[FieldFact]]] = []
    for fact in facts:
        if fact.name in _CARDS:
            groups.append((_CARDS[fact.name], []))
        groups[-1][1].append(fact)
    return groups


def _items(facts: Iterable[FieldFact], row: Any) -> list[Item]:
    return [
        Item(fact.label, written(fact, getattr(row, fact.name)))
        for fact in facts
        if fact.name not in _ELSEWHERE
    ]


def income(row: HouseholdYear) -> Income:
    parts = dict(grouped(facts_of(HouseholdYear)))[_INCOME]
    declared, computed = row.net_income_per_capita, computed_income(row)
    known = declared is not None and computed is not None
    differs = known and abs(declared - computed) >= _TOLERATED  # type: ignore[operator]
    items = [
        Item(fact.label, getattr(row, fact.name))
        for fact in parts
        if fact.name != "net_income_per_capita"
    ]
    return Income(declared, computed, differs, items)


def computed_income(row: HouseholdYear) -> Decimal | None:
    """(wages + business + property + transfers − business expenses) ÷ members, yuan a year.

    None when a part is missing: a part that nobody declared is not zero.
    """
    earned = [getattr(row, name) for name in _EARNED]
    if None in earned or row.expense_business is None or not row.member_count:
        return None
    total = sum(earned, Decimal(0)) - row.expense_business
    return (total / row.member_count).quantize(_FEN, ROUND_HALF_UP)
