"""What the papers of a village say: its roster, and which facts are still missing.

Rows come as cells of text in the order of the heads, masked as the pages mask them.
"""

from collections import defaultdict
from typing import Any

from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Q

from core.scope import Actor
from core.templatetags.show import money
from households.catalog import facts, label
from households.enums import EXITED
from households.models import Household, HouseholdYear, Person, PersonYear
from households.models.household import HouseholdYearQuerySet
from households.queries.conditions import absent
from households.queries.places import NOWHERE, Place, places_on, year_end
from households.queries.rows import NOTHING, heads_of, masked_id

ROSTER_HEADS = (
    "序号", "户编号", "户主", "证件号码", "村民小组", "人口", "贫困户属性", "主要致贫原因", "人均纯收入（元）",
    "脱贫状态", "脱贫年度", "备注",
)  # fmt: skip
GAP_HEADS = ("序号", "户编号", "户主", "村民小组", "人口", "未填项目", "补填记录")
# What every household is asked for, whatever its year's layout had: the national form marks these.
_OF_HOUSEHOLD = (
    "household_attribute", "identified_year", "main_cause", "member_count", "phone",
    "net_income_per_capita", "income_wage", "income_business", "income_property", "income_transfer",
    "expense_business", "farmland_mu", "house_area_m2", "is_dangerous_house", "drinking_safe",
    "has_domestic_power", "has_broadcast", "has_sanitary_toilet", "exit_year",
)  # fmt: skip
_OF_PERSON = (
    "id_no", "sex", "birth_date", "ethnicity", "relation_to_head", "education_level",
    "student_status", "health_status", "labour_capacity", "in_resident_medical",
)  # fmt: skip
# Facts that only some households can have.
_ASKED_OF = {"exit_year": Q(exit_status__in=EXITED)}
_PATHS = {Household: "household__", HouseholdYear: "", Person: "person__", PersonYear: ""}


def place_of(village_code: str, year: int) -> Place:
    """The village as it was called in the year."""
    return places_on(year_end(year), [village_code]).get(village_code, NOWHERE)


def on_roster(village_code: str, year: int, actor: Actor) -> HouseholdYearQuerySet:
    """Households of the village in the year that the actor sees, by group and number."""
    rows = HouseholdYear.objects.visible_to(actor).in_year(year).filter(village_code=village_code)
    return rows.order_by("household__natural_village_name", "household__household_no")


def with_gaps(village_code: str, year: int, actor: Actor) -> HouseholdYearQuerySet:
    """Those of which something is missing that everybody is asked for, of a member too."""
    members = PersonYear.objects.in_year(year).filter(household_id=OuterRef("household_id"))
    return on_roster(village_code, year, actor).filter(
        _any(_OF_HOUSEHOLD) | Exists(members.filter(_any(_OF_PERSON)))
    )


def roster_rows(rows: HouseholdYearQuerySet, year: int) -> list[list[str]]:
    """The roster's cells; three queries, however many rows."""
    found = list(
        rows
        .select_related("household")
        .only(
            "partition_id", "village_code", "head_name", "head_id_no", "member_count",
            "household_attribute", "main_cause", "net_income_per_capita", "exit_status",
            "exit_year", "household__household_no", "household__natural_village_name",
            "household__village_code",
        )
    )  # fmt: skip
    heads = heads_of([row.household_id for row in found], year)
    return [_roster_row(number, row, heads) for number, row in enumerate(found, 1)]


def _roster_row(number: int, row: HouseholdYear, heads: dict[int, PersonYear]) -> list[str]:
    head = heads.get(row.household_id)
    return [
        str(number),
        row.household.household_no,
        head.person.name if head else row.head_name or NOTHING,
        masked_id(head.person.id_no if head else row.head_id_no),
        _group(row) or NOTHING,
        _count(row.member_count),
        label("household_attribute", row.household_attribute) or NOTHING,
        label("poverty_cause", row.main_cause) or NOTHING,
        money(row.net_income_per_capita),
        label("exit_status", row.exit_status),
        _count(row.exit_year),
        "",
    ]


def gap_rows(rows: HouseholdYearQuerySet, year: int) -> list[list[str]]:
    """Each household with what is missing of it and of whom; three queries, however many rows.

    That a value is missing is all that is read of what is sealed: nothing is opened.
    """
    found = list(
        rows
        .annotate(**_lacks(_OF_HOUSEHOLD))
        .select_related("household")
        .only(
            "partition_id", "village_code", "head_name", "member_count", "exit_status",
            "household__household_no", "household__natural_village_name",
            "household__village_code",
        )
    )  # fmt: skip
    ids = [row.household_id for row in found]
    heads = heads_of(ids, year)
    members = _member_gaps(ids, year)
    return [
        [
            str(number),
            row.household.household_no,
            heads[row.household_id].person.name
            if row.household_id in heads
            else row.head_name or NOTHING,
            _group(row) or NOTHING,
            _count(row.member_count),
            "；".join([*_named(_OF_HOUSEHOLD, row, "本户"), *members[row.household_id]]),
            "",
        ]
        for number, row in enumerate(found, 1)
    ]


def _member_gaps(household_ids: list[int], year: int) -> dict[int, list[str]]:
    """Household → a line for each member of whom something is missing."""
    found: dict[int, list[str]] = defaultdict(list)
    rows = (
        PersonYear.objects.in_year(year)
        .filter(_any(_OF_PERSON), household_id__in=household_ids)
        .annotate(**_lacks(_OF_PERSON))
        .select_related("person")
        .only("household_id", "partition_id", "person__name")
        .order_by("household_id", "relation_to_head", "pk")
    )
    for row in rows:
        found[row.household_id] += _named(_OF_PERSON, row, row.person.name)
    return found


def _missing(name: str) -> Q:
    fact = facts()[name]
    condition = absent(fact, f"{_PATHS[fact.model]}{fact.name}")
    return condition & _ASKED_OF[name] if name in _ASKED_OF else condition


def _any(names: tuple[str, ...]) -> Q:
    combined = Q()
    for name in names:
        combined |= _missing(name)
    return combined


def _lacks(names: tuple[str, ...]) -> dict[str, Any]:
    return {
        f"lacks_{name}": ExpressionWrapper(_missing(name), output_field=BooleanField())
        for name in names
    }


def _named(names: tuple[str, ...], row: Any, whose: str) -> list[str]:
    lacking = [facts()[name].label for name in names if getattr(row, f"lacks_{name}")]
    return [f"{whose}：{'、'.join(lacking)}"] if lacking else []


def _group(row: HouseholdYear) -> str:
    """The group is known of today alone: of a household that lives elsewhere by now it says nothing."""
    household = row.household
    is_here = household.village_code == row.village_code
    return household.natural_village_name if is_here else ""


def _count(value: int | None) -> str:
    return NOTHING if value is None else str(value)
