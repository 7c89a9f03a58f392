"""Lines of the lists: what one row shows, read for a whole page at once.

A page costs the same number of queries whether it has one row or fifty. The page's keys are found
first, from an index alone; the wide rows behind them are fetched afterwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.urls import reverse

from core.idnumbers import mask
from households.catalog import label
from households.enums import EXITED
from households.models import HouseholdYear, PersonYear
from households.queries.lines import Lines, line_at, lines_of
from households.queries.places import NOWHERE, Place, places_on, year_end
from villages.models import VillageYear

NOTHING = "—"
HIDDEN = "已脱敏"
MISSING = "未填"
STATUS_TONES = {"0": "warn", "1": "good", "2": "info", "3": "bad", "4": "neutral"}

# What a line shows, and nothing of the seventy columns beside it.
_HOUSEHOLD_COLUMNS = (
    "partition_id", "village_code", "household__household_no", "exit_status", "main_cause",
    "member_count", "net_income_per_capita", "head_name", "head_id_no", "changed_at",
)  # fmt: skip
_PERSON_COLUMNS = (
    "partition_id", "relation_to_head", "health_status", "household__household_no",
    "person__name", "person__id_no", "person__sex", "person__birth_date",
)  # fmt: skip

HouseholdKey = tuple[str, int]
PersonKey = tuple[str, int, int]


def masked_id(number: str) -> str:
    """An identity number without what tells the person.

    Only its first 18 characters: what follows in a disability certificate is type and level.
    """
    return mask(number[:18]) or NOTHING


def hidden(values: object) -> str:
    """Says only whether something is declared: health stays closed to everybody for now."""
    return HIDDEN if values else MISSING


def age_at_year_end(born: date | None, year: int) -> int | None:
    """Full years of life on 31 December, when every birthday of the year has passed."""
    return None if born is None or born.year > year else year - born.year


@dataclass(frozen=True, slots=True)
class HouseholdRow:
    """A line of the list of households."""

    household_no: str
    year: int
    head_name: str
    head_id_masked: str
    village_name: str
    is_poor_village: bool
    county_name: str
    town_name: str
    member_count: int | str
    cause_label: str
    income: Decimal | None
    below_line: bool
    status_tone: str
    status_label: str
    updated: datetime
    pk: int

    @property
    def href(self) -> str:
        return f"{reverse('households:detail', args=[self.household_no])}?year={self.year}"


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A line of the list of persons."""

    name: str
    id_masked: str
    relation_label: str
    sex_label: str
    age: int | None
    health_label: str
    village_name: str
    county_name: str
    town_name: str
    household_no: str
    year: int
    pk: int

    @property
    def href(self) -> str:
        return f"{reverse('households:detail', args=[self.household_no])}?year={self.year}"


def household_rows(keys: Sequence[HouseholdKey], year: int) -> list[HouseholdRow]:
    """The lines for these keys (village code, household), in their order."""
    ids = [household for _, household in keys]
    found = {
        row.household_id: row
        for row in HouseholdYear.objects.in_year(year)
        .filter(household_id__in=ids)
        .select_related("household")
        .only(*_HOUSEHOLD_COLUMNS)
    }
    heads = heads_of(ids, year)
    codes = {code for code, _ in keys}
    places, poor, lines = (
        places_on(year_end(year), codes),
        poor_villages(codes, year),
        lines_of(year),
    )
    return [
        _household_row(found[pk], heads.get(pk), places.get(code, NOWHERE), code in poor, lines)
        for code, pk in keys
        # Gone between the two queries: cleared out by somebody at this very moment.
        if pk in found
    ]


def heads_of(household_ids: Sequence[int], year: int) -> dict[int, PersonYear]:
    """Household → its head in the year, with the person."""
    heads = PersonYear.objects.in_year(year).heads().filter(household_id__in=household_ids)
    columns = ("household_id", "partition_id", "relation_to_head", "person__name", "person__id_no")
    return {head.household_id: head for head in heads.select_related("person").only(*columns)}


def poor_villages(codes: set[str], year: int) -> set[str]:
    """Those of the villages that are poor villages in the year."""
    facts = VillageYear.objects.filter(year=year, region_code__in=codes, is_poor_village=True)
    return set(facts.values_list("region_code", flat=True))


def is_below_line(row: HouseholdYear, lines: Lines) -> bool:
    """An exited household whose declared income does not reach the line: to be looked into."""
    line, income = line_at(lines, row.village_code), row.net_income_per_capita
    if line is None or income is None:
        return False
    return row.exit_status in EXITED and income < line


def _household_row(
    row: HouseholdYear, head: PersonYear | None, place: Place, is_poor: bool, lines: Lines
) -> HouseholdRow:
    return HouseholdRow(
        household_no=row.household.household_no,
        year=row.partition_id,
        head_name=head.person.name if head else row.head_name or NOTHING,
        head_id_masked=masked_id(head.person.id_no if head else row.head_id_no),
        village_name=place.village,
        is_poor_village=is_poor,
        county_name=place.county,
        town_name=place.town,
        member_count=NOTHING if row.member_count is None else row.member_count,
        cause_label=label("poverty_cause", row.main_cause) or NOTHING,
        income=row.net_income_per_capita,
        below_line=is_below_line(row, lines),
        status_tone=STATUS_TONES[row.exit_status],
        status_label=label("exit_status", row.exit_status),
        updated=row.changed_at,
        pk=row.household_id,
    )


def person_rows(keys: Sequence[PersonKey], year: int) -> list[PersonRow]:
    """The lines for these keys (village code, household, row), in their order."""
    rows = PersonYear.objects.select_related("person", "household").only(*_PERSON_COLUMNS)
    found: dict[Any, PersonYear] = rows.in_bulk([pk for _, _, pk in keys])
    places = places_on(year_end(year), {code for code, _, _ in keys})
    return [
        _person_row(found[pk], places.get(code, NOWHERE)) for code, _, pk in keys if pk in found
    ]


def _person_row(row: PersonYear, place: Place) -> PersonRow:
    person = row.person
    return PersonRow(
        name=person.name,
        id_masked=masked_id(person.id_no),
        relation_label=label("relation_to_head", row.relation_to_head) or NOTHING,
        sex_label=label("sex", person.sex) or NOTHING,
        age=age_at_year_end(person.birth_date, row.partition_id),
        health_label=hidden(row.health_status),
        village_name=place.village,
        county_name=place.county,
        town_name=place.town,
        household_no=row.household.household_no,
        year=row.partition_id,
        pk=row.pk,
    )
