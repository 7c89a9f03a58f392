"""How the entry page is laid out: sections, groups of fields, and the control of each field."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from households.catalog import FieldFact, label, labels
from households.models import Household, HouseholdYear, Person, PersonYear
from households.services import editing
from households.services.entry_state import editable

# A list longer than this is typed, with suggestions; a shorter one is chosen.
_LONGEST_CHOICE = 40
_WIDE = 100
_ANSWERS = (("是", "是"), ("否", "否"))
# What the head's own row says; the register writes it.
_FOLLOWS = {"head_name"}
_MODELS: dict[str, Any] = {"household": Household, "year": HouseholdYear}

BASIC = (
    "household.natural_village_name", "household.address", "household.first_identified_on",
    "year.identified_year", "year.identification_standard", "year.household_attribute",
    "year.exit_status", "year.exit_year", "year.member_count", "year.phone", "year.bank_name",
    "year.bank_account", "year.is_relocation_household", "year.is_martyr_family",
    "year.is_only_child_family", "year.is_two_daughter_family",
)  # fmt: skip
CAUSES = (
    "year.main_cause", "year.other_causes", "year.relapse_cause", "year.cause_note",
    "year.monitor_category", "year.risk_cleared", "year.identified_month", "year.cleared_month",
    "year.risk_1", "year.risk_2", "year.risk_3", "year.risk_4", "year.risk_5",
    "year.disaster_sub_item", "year.clear_mode",
)  # fmt: skip
# The tree of incomes: a total, then its parts. Each total stands beside what its parts add up to.
INCOME = (
    ("income_wage", ("wage_public_post", "wage_other")),
    ("income_business", ()),
    ("income_property", ("property_asset_dividend", "property_other")),
    ("income_transfer", (
        "transfer_family_planning", "transfer_dibao", "transfer_tekun", "transfer_pension",
        "transfer_ecology", "transfer_other",
    )),
    ("reward_industry", ()),
    ("reward_employment", ()),
    ("income_total", ()),
    ("expense_business", ("expense_business_gross", "subsidy_reducing_expense")),
    ("net_income", ()),
    ("net_income_per_capita", ()),
)  # fmt: skip
LIVING = (
    "year.farmland_mu", "year.irrigated_mu", "year.forest_mu", "year.returned_forest_mu",
    "year.orchard_mu", "year.grassland_mu", "year.water_surface_mu", "year.has_production_power",
    "year.has_domestic_power", "year.has_broadcast", "year.distance_to_main_road_km",
    "year.access_road_type", "year.access_road_hardened", "year.house_area_m2",
    "year.production_house_m2", "year.has_sanitary_toilet", "year.main_fuel",
    "year.in_cooperative", "year.led_by_enterprise", "year.led_by_entrepreneur",
)  # fmt: skip
GUARANTEES = (
    "year.drinking_safe", "year.drinking_difficult", "year.safe_water_solved",
    "year.drinking_source", "year.is_dangerous_house", "year.dangerous_house_level",
    "year.compliant_self_paid_expense", "year.whole_household_no_labour",
)  # fmt: skip
MEMBER = (
    "person.name", "year.relation_to_head", "person.id_no", "year.education_level",
    "year.health_status", "year.labour_capacity", "year.student_status",
)  # fmt: skip
# The guarantees of a member stand first among what is folded away.
MEMBER_MORE = (
    "year.dropout_reason", "year.in_resident_medical", "year.in_major_illness_insurance",
    "year.in_resident_pension", "year.has_dibao", "year.has_tekun",
)  # fmt: skip
# Without these a household is not complete; only `must` fields block, by the checks themselves.
WANTED = ("year.household_attribute", "year.exit_status", "year.identified_year", "year.main_cause")
WANTED_OF_PERSON = ("name", "id_no")
WANTED_OF_MEMBER = ("relation_to_head",)
_MARKED = {
    *WANTED,
    *(f"person.{name}" for name in WANTED_OF_PERSON),
    *(f"year.{name}" for name in WANTED_OF_MEMBER),
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One field on the page; `where` as an edit names it."""

    where: str
    id: str
    label: str
    control: SafeString
    unit: str = ""
    note: str = ""
    is_wide: bool = False
    is_wanted: bool = False
    findings: list[Any] = field(default_factory=list)

    @property
    def is_wrong(self) -> bool:
        return any(not one.is_query for one in self.findings)


@dataclass(frozen=True)
class Page:
    """What controls are drawn from: the values, what is masked, and what was found."""

    edit: editing.Edit
    masked: Mapping[str, str]
    findings: "Mapping[str, list[Told]]"

    def cells(self, places: Iterable[str]) -> list[Cell]:
        return [self.cell(place) for place in places]

    def cell(self, where: str) -> Cell:
        """A field of the household or its year."""
        part, name = where.split(".")
        told = self.edit.household if part == "household" else self.edit.year
        return self._cell(where, where, editable(_MODELS[part])[name], told.get(name))

    def of_member(self, at: int | str, told: Mapping[str, Any], place: str) -> Cell:
        """A field of a member; `at` is the position, or what a script replaces by one."""
        part, name = place.split(".")
        fact = editable(Person if part == "person" else PersonYear)[name]
        return self._cell(f"members.{at}.{place}", place, fact, (told.get(part) or {}).get(name))

    def _cell(self, where: str, place: str, fact: FieldFact, value: Any) -> Cell:
        found = list(self.findings.get(where, ()))
        ident = anchor(where)
        attrs = {"name": where, "id": ident}
        if found:
            attrs["aria-describedby"] = f"{ident}-why"
        if any(not one.is_query for one in found):
            attrs["aria-invalid"] = "true"
        masked = "" if value else self.masked.get(where, "")
        return Cell(
            where=where,
            id=ident,
            label=fact.label,
            control=control(fact, value, attrs, masked),
            unit=fact.unit,
            note="留空不变" if masked else "",
            is_wide=_longest(fact) >= _WIDE,
            is_wanted=place in _MARKED,
            findings=found,
        )


def _longest(fact: FieldFact) -> int:
    if fact.kind != "text":
        return 0
    return int(getattr(fact.model._meta.get_field(fact.name), "max_length", 0) or 0)


def control(fact: FieldFact, value: Any, attrs: dict[str, str], masked: str = "") -> SafeString:
    """The input of a field with its value."""
    if fact.kind == "yes_no":
        return _choice(_ANSWERS, str(value or ""), attrs)
    if fact.kind == "code" and len(labels(fact.table)) <= _LONGEST_CHOICE:
        options = [(code, f"{code} {text}") for code, text in labels(fact.table).items()]
        return _choice(options, str(value or ""), attrs)
    text = _text(fact, value)
    told = {**attrs, "type": "text", "value": text, "autocomplete": "off"}
    if masked:
        told["placeholder"] = masked
    if fact.kind in ("code", "codes"):
        told["list"] = f"list-{fact.table}"
    if fact.kind == "codes":
        told.setdefault("placeholder", "多项用、隔开")
    if fact.kind in ("amount", "whole"):
        told["inputmode"] = "decimal"
    if fact.kind == "day":
        told.setdefault("placeholder", "2018-12-31")
    return format_html("<input{}>", _attributes(told))


def _choice(options: Iterable[tuple[str, str]], value: str, attrs: Mapping[str, str]) -> SafeString:
    known = list(options)
    if value and value not in {code for code, _ in known}:
        known.insert(0, (value, value))
    drawn = format_html_join(
        "",
        '<option value="{}"{}>{}</option>',
        ((code, SafeString(" selected") if code == value else "", text) for code, text in known),
    )
    return format_html(
        '<select{}><option value="">未填</option>{}</select>', _attributes(attrs), drawn
    )


def _attributes(attrs: Mapping[str, str]) -> SafeString:
    return format_html_join("", ' {}="{}"', attrs.items())


def _text(fact: FieldFact, value: Any) -> str:
    if isinstance(value, list):
        return "、".join(label(fact.table, str(one)) for one in value)
    text = str(value or "")
    return label(fact.table, text) if fact.kind == "code" else text


def suggestions() -> dict[str, list[str]]:
    """Code list → labels, for the lists that are typed: one copy a page."""
    tables: dict[str, list[str]] = {}
    for model in (Household, HouseholdYear, Person, PersonYear):
        for fact in editable(model).values():
            is_typed = fact.kind == "codes" or (
                fact.kind == "code" and len(labels(fact.table)) > _LONGEST_CHOICE
            )
            if is_typed and fact.table not in tables:
                tables[fact.table] = list(labels(fact.table).values())
    return tables


def rest_of_year() -> list[str]:
    """Fields of the household and its year that no section names: none is out of reach."""
    named = {*BASIC, *CAUSES, *LIVING, *GUARANTEES}
    for total, parts in INCOME:
        named |= {f"year.{total}", *(f"year.{part}" for part in parts)}
    return [
        f"{part}.{name}"
        for part, model in _MODELS.items()
        for name in editable(model)
        if f"{part}.{name}" not in named and name not in _FOLLOWS
    ]


def member_more() -> list[str]:
    """Fields of a member beyond the row of the table."""
    named = {*MEMBER, *MEMBER_MORE}
    others = [
        f"{part}.{name}"
        for part, model in (("person", Person), ("year", PersonYear))
        for name in editable(model)
    ]
    return [*MEMBER_MORE, *(one for one in others if one not in named)]


@dataclass(frozen=True, slots=True)
class Told:
    """A finding as the page shows it; `wants_reason` for a query that stands only with one."""

    where: str
    message: str
    key: str
    is_query: bool
    wants_reason: bool
    reason: str


def told(found: editing.Findings, confirmed: Mapping[str, str]) -> list[Told]:
    """Errors, then queries; what stood in the register before wants no reason."""
    rows = [(one, False) for one in found.errors]
    rows += [(one, True) for one in found.queries]
    rows += [(one, False) for one in found.known]
    return [
        Told(
            one.where, one.message, one.key, wants or one.is_query or one in found.known, wants,
            confirmed.get(one.key, ""),
        )
        for one, wants in rows
    ]  # fmt: skip


def by_where(found: Iterable[Told]) -> dict[str, list[Told]]:
    """Findings by the place they are about."""
    places: dict[str, list[Told]] = {}
    for one in found:
        places.setdefault(one.where, []).append(one)
    return places


def anchor(where: str) -> str:
    """The id of the control at a place."""
    return f"f-{where.replace('.', '-')}"
