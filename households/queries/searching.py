"""What the search box of every page finds: the first households, persons and villages."""

from dataclasses import dataclass
from typing import Any

from core import idnumbers
from core.scope import Actor
from households.models import HouseholdYear, Person, PersonYear
from households.queries.conditions import (
    as_tail,
    for_a_page,
    is_number,
    matching_households,
    matching_persons,
)
from households.queries.keyset import HOUSEHOLDS, PERSONS
from households.queries.places import Place, places_on, year_end
from households.queries.rows import HouseholdRow, PersonRow, household_rows, person_rows
from villages.enums import Level
from villages.models import Region

SHOWN = 10


@dataclass(frozen=True, slots=True)
class Found:
    """The first of each kind. `word` is empty where it may be a part of somebody's number."""

    word: str
    households: list[HouseholdRow]
    persons: list[PersonRow]
    villages: list[Place]
    more_households: bool = False
    more_persons: bool = False

    @property
    def is_empty(self) -> bool:
        return not (self.households or self.persons or self.villages)


def search(text: str, year: int, actor: Actor, *, shown: int = SHOWN) -> Found:
    """Households, persons and villages that the actor sees and the text finds.

    A whole identity number is looked up through its keyed index: nothing is opened for it.
    """
    households = HouseholdYear.objects.visible_to(actor)
    persons = PersonYear.objects.visible_to(actor)
    whole = text.upper()
    if not idnumbers.read(whole).fault and idnumbers.matched(whole):
        index = Person._meta.get_field("id_index").of(whole)
        known = Person.objects.filter(id_index=index)
        found_persons: Any = persons.in_year(year).filter(person_id__in=known.values("pk"))
        found_households: Any = households.in_year(year).filter(
            household_id__in=found_persons.values("household_id")
        )
    else:
        terms = {"q": for_a_page(as_tail(text))}
        found_persons = matching_persons(persons, households, terms, year)
        found_households = matching_households(households, terms, year)
    first = HOUSEHOLDS.page(found_households.values_list(*HOUSEHOLDS.fields), size=shown)
    members = PERSONS.page(found_persons.values_list(*PERSONS.fields), size=shown)
    return Found(
        word="" if any(sign.isdecimal() for sign in text) else text,
        households=household_rows(first.rows, year),
        persons=person_rows(members.rows, year),
        villages=_villages(text, year, actor, shown),
        more_households=bool(first.next),
        more_persons=bool(members.next),
    )


def _villages(text: str, year: int, actor: Actor, shown: int) -> list[Place]:
    if is_number(text):
        return []
    day = year_end(year)
    regions = Region.objects.visible_to(actor).valid_on(day).filter(level=Level.VILLAGE)
    named = regions.filter(name__contains=text).order_by("code").values_list("code", flat=True)
    codes = list(named[:shown])
    places = places_on(day, codes)
    return [places[code] for code in codes]
