"""What the search terms of a list mean, for households and for their members.

A list of persons understands the terms of households too: a member is found through the year of
the household. One page, one API call and one figure's link therefore select the same rows.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db.models import BooleanField, CharField, Exists, F, Func, OuterRef, Q, Subquery
from django.db.models.lookups import IsNull
from django.utils import timezone

from core.fields import TailIndex
from core.scope import begins, trim
from core.scope import below as below_place
from households.catalog import FieldFact, facts
from households.enums import EXITED, POOR, RELAPSED
from households.models import Household, HouseholdYear, Mark, NameReading, Person, PersonYear
from households.models.household import HouseholdYearQuerySet
from households.models.person import PersonYearQuerySet
from households.queries.lines import beside_line
from villages.enums import Level
from villages.models import Region, VillageYear

# Words for groups of 脱贫状态, usable wherever a single status is.
STATUS_GROUPS = {"poor": POOR, "exited": EXITED}
PLACES = ("region", "county", "town", "village")
YES = "true"
OVERDUE = "overdue"
_NO_CODE = "-"
_TAIL = re.compile(r"[0-9]{3}[0-9Xx]")
_VILLAGE_WORD = 2
# From so many on, one in some hundred rows of a city is found: a page is full after a short walk.
_COMMON = 5_000

Terms = Mapping[str, Any]
Condition = Callable[[Any, int], Q]


def matching_households(
    rows: HouseholdYearQuerySet, terms: Terms, year: int
) -> HouseholdYearQuerySet:
    """The rows of one year that meet every term given."""
    return rows.in_year(year).filter(
        _place(terms), _all(_OF_HOUSEHOLD, terms, year), _all(_SEARCH_HOUSEHOLD, terms, year)
    )


def matching_persons(
    rows: PersonYearQuerySet, households: HouseholdYearQuerySet, terms: Terms, year: int
) -> PersonYearQuerySet:
    """The rows of one year that meet every term, those of their household included.

    `households` are those the actor sees: the same scope again, so that the search for the
    household is as narrow as that for the person.
    """
    found = rows.in_year(year).filter(_place(terms), _all(_OF_PERSON, terms, year))
    of_household = _all(_OF_HOUSEHOLD, terms, year)
    if not of_household:
        return found
    chosen = households.in_year(year).filter(_place(terms), of_household)
    # By village too, as the keys of both years are: few households are looked up one by one.
    beside = chosen.filter(
        household_id=OuterRef("household_id"), village_code=OuterRef("village_code")
    )
    return found.filter(Exists(beside))


def _all(conditions: Mapping[str, Condition], terms: Terms, year: int) -> Q:
    combined = Q()
    for name, condition in conditions.items():
        if terms.get(name) not in (None, "", []):
            combined &= condition(terms[name], year)
    return combined


def _place(terms: Terms) -> Q:
    combined = Q()
    for name in PLACES:
        if terms.get(name):
            combined &= below_place(trim(terms[name]), "village_code")
    return combined


def _status(chosen: list[str], _year: int) -> Q:
    codes = {code for one in chosen for code in STATUS_GROUPS.get(one, (one,))}
    return Q(exit_status__in=sorted(codes))


def _in_poor_village(answer: str, year: int) -> Q:
    poor = VillageYear.objects.filter(year=year, is_poor_village=True).values("region_code")
    return Q(village_code__in=poor) if answer == YES else ~Q(village_code__in=poor)


def _mark(answer: str, year: int) -> Q:
    """Whether the year is marked for a check that is not closed yet; or is overdue."""
    marks = Mark.objects.open().in_year(year)
    if answer == OVERDUE:
        marks = marks.filter(due_on__lt=timezone.localdate())
    found = Q(household_id__in=marks.values("household_id"))
    return found if answer in (YES, OVERDUE) else ~found


def absent(fact: FieldFact, path: str) -> Q:
    """Rows in which the fact behind `path` is not stated."""
    field = fact.model._meta.get_field(fact.name)
    if isinstance(field, ArrayField):
        return Q(**{f"{path}__len": 0})
    return Q(**{path: ""}) if isinstance(field, CharField) else Q(**{f"{path}__isnull": True})


def _missing_of_household(identifier: str, _year: int) -> Q:
    fact = facts()[identifier]
    if fact.model is HouseholdYear:
        return absent(fact, fact.name)
    return absent(fact, f"household__{fact.name}") if fact.model is Household else Q()


def _missing_of_person(identifier: str, _year: int) -> Q:
    fact = facts()[identifier]
    if fact.model is PersonYear:
        return absent(fact, fact.name)
    return absent(fact, f"person__{fact.name}") if fact.model is Person else Q()


def _relation(chosen: list[str], _year: int) -> Q:
    # With the head's code alone the planner takes the index of heads, which knows no villages:
    # 94 ms for a county instead of 6. A second code that nobody has keeps it on the scope index.
    return Q(relation_to_head__in=[*chosen, _NO_CODE])


def is_number(text: str) -> bool:
    """Whether a search word is (the beginning of) a household's or person's number, not a name."""
    return text.isascii() and text.isalnum()


class Tail(str):
    """The last four of an identity number, compared with such ends and with nothing else."""

    __slots__ = ()


def as_tail(text: str) -> str:
    """The word as the search box means it: four characters that can end a number are its end.

    Lists, their files and the API never mean that: their terms stand in addresses and logs.
    """
    return Tail(text) if _TAIL.fullmatch(text) else text


def _sounding(text: str) -> Any:
    """Names by the beginning of their first letters or of their pinyin, in either reading."""
    typed = text.lower()
    either = begins(typed, "initials") | begins(typed, "pinyin")
    other = begins(typed, "other_initials") | begins(typed, "other_pinyin")
    return NameReading.objects.filter(either | other)


def persons_by_word(text: str) -> Any:
    """Persons by the beginning of their name, its first letters or pinyin, or by their number.

    The end of an identity number is looked up in the keyed index of the last four: nothing is
    opened.
    """
    if isinstance(text, Tail):
        # What stands before the last four does not enter their index.
        return Person.objects.filter(id_tail=TailIndex().of(f"{'0' * 14}{text.upper()}"))
    if not is_number(text):
        return Person.objects.filter(begins(text, "name"))
    if text.isalpha():
        return Person.objects.filter(name__in=_sounding(text).values("name"))
    return Person.objects.filter(begins(text, "person_no"))


def villages_by_word(text: str) -> list[str]:
    """Codes of the villages with the word in their name; one character is no name of a village."""
    if is_number(text) or len(text) < _VILLAGE_WORD:
        return []
    found = Region.objects.filter(level=Level.VILLAGE, name__contains=text)
    return sorted(set(found.values_list("code", flat=True)))


class Common(str):
    """A search word so common that a page of its rows is found soonest by walking the list."""

    __slots__ = ()


def for_a_page(text: str) -> str:
    """The word as it is searched when only the first rows are wanted, and no number of them."""
    if isinstance(text, Tail):
        return text
    if not is_number(text):
        common = _reaches(Person.objects.filter(begins(text, "name")), _COMMON)
    elif text.isalpha():
        common = _reaches(persons_by_word(text), _COMMON)
    else:
        numbers = (persons_by_word(text), Household.objects.filter(begins(text, "household_no")))
        common = any(_reaches(rows, _COMMON) for rows in numbers)
    return Common(text) if common else text


def _reaches(rows: Any, number: int) -> bool:
    return bool(rows[:number].count() == number)


def _met(rows: Any, **at: str) -> Q:
    """Whether one of the rows stands beside the row of the list, asked row by row.

    A plain subquery, because the planner turns EXISTS and IN into joins and then gathers everybody
    named 王 before it sorts out fifty.
    """
    beside = {name: OuterRef(field) for name, field in at.items()}
    return Q(IsNull(Subquery(rows.filter(**beside).values("pk")[:1]), False))


def _one_of(field: str, keys: Any) -> Q:
    """Rows whose key is among those gathered, once and before anything else.

    As a join the planner may walk the list instead, looking for the first rows: 1.4 seconds for ten
    persons whose initials a few hundred names share.
    """
    return Q(
        Func(
            F(field),
            ArraySubquery(keys),
            arg_joiner=" = ANY(",
            template="%(expressions)s)",
            output_field=BooleanField(),
        )
    )


def _household_by_word(text: str, year: int) -> Q:
    codes = villages_by_word(text)
    if isinstance(text, Common):
        found = _met(persons_by_word(text), household_id="household_id")
        if not is_number(text):
            # Not every layout declares the head by name; then the members know it.
            found |= begins(text, "head_name")
        elif text.isalpha():
            found |= _met(_sounding(text), name="head_name")
        if is_number(text) and Household.objects.filter(begins(text, "household_no")).exists():
            found |= begins(text, "household__household_no")
        return found | Q(village_code__in=codes) if codes else found
    # A union, because the planner enters no index through an OR of several tables.
    members = persons_by_word(text).values_list("household_id")
    years = HouseholdYear.objects.in_year(year)
    if isinstance(text, Tail):
        return _one_of("household_id", members)
    ways: list[Any]
    if is_number(text):
        ways = [Household.objects.filter(begins(text, "household_no")).values_list("pk")]
        if text.isalpha():
            named = years.filter(head_name__in=_sounding(text).values("name"))
            ways.append(named.values_list("household_id"))
    else:
        ways = [years.filter(begins(text, "head_name")).values_list("household_id")]
        if codes:
            ways.append(years.filter(village_code__in=codes).values_list("household_id"))
    found = members.union(*ways, all=True)
    return Q(household_id__in=found) if codes else _one_of("household_id", found)


def _person_by_word(text: str, year: int) -> Q:
    codes = villages_by_word(text)
    if isinstance(text, Common):
        found = _met(persons_by_word(text), pk="person_id")
        return found | Q(village_code__in=codes) if codes else found
    if not codes:
        return _one_of("person_id", persons_by_word(text).values("pk"))
    rows = PersonYear.objects.in_year(year)
    named = rows.filter(person_id__in=persons_by_word(text).values("pk")).values_list("pk")
    return Q(pk__in=named.union(rows.filter(village_code__in=codes).values_list("pk"), all=True))


_OF_HOUSEHOLD: dict[str, Condition] = {
    "status": _status,
    "cause": lambda chosen, _: Q(main_cause__in=chosen),
    "attribute": lambda chosen, _: Q(household_attribute__in=chosen),
    "exit_year": lambda chosen, _: Q(exit_year=chosen),
    "income_below": lambda amount, _: Q(net_income_per_capita__lt=amount),
    "income_above": lambda amount, _: Q(net_income_per_capita__gt=amount),
    "below_line": lambda answer, year: beside_line(year, is_below=answer == YES),
    "poor_village": _in_poor_village,
    "mark": _mark,
    "missing": _missing_of_household,
}
_SEARCH_HOUSEHOLD: dict[str, Condition] = {"q": _household_by_word}
_OF_PERSON: dict[str, Condition] = {
    "relation": _relation,
    "education": lambda chosen, _: Q(education_level__in=chosen),
    "student": lambda chosen, _: Q(student_status__in=chosen),
    "labour": lambda chosen, _: Q(labour_capacity__in=chosen),
    "work_area": lambda chosen, _: Q(work_area__in=chosen),
    "missing": _missing_of_person,
    "q": _person_by_word,
}


class UnlistedMetricError(ValueError):
    """The figure does not count households or persons of the register: it has no list."""


_LISTED: dict[str, dict[str, str]] = {
    "registered": {},
    "remaining": {"status": "poor"},
    "headcount_rate": {"status": "poor"},
    "exited": {"status": "exited"},
    "relapsed": {"status": RELAPSED},
    "exited_below_line": {"status": "exited", "below_line": YES},
}
_IN_YEAR = ("exited_in_year", "exit_target")
_TALLIES = {
    "by_status": ("status", "exit_status"),
    "by_cause": ("cause", "main_cause"),
    "by_attribute": ("attribute", "household_attribute"),
}


def list_query(metric: str, category: str, partition: int) -> dict[str, str]:
    """The parameters that make a list show the rows behind a figure, but for its region.

    The list of households is as long as the figure's households, that of persons as its numerator.

    >>> list_query("by_cause", "01", 2018)
    {'year': '2018', 'cause': '01'}
    """
    query = {"year": str(partition)}
    if metric in _IN_YEAR:
        return query | {"status": "exited", "exit_year": str(partition)}
    if metric in _TALLIES:
        term, fact = _TALLIES[metric]
        return query | ({term: category} if category else {"missing": fact})
    if metric not in _LISTED:
        raise UnlistedMetricError(metric)
    return query | _LISTED[metric]
