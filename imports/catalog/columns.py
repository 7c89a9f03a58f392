"""What the columns of a file may carry, by what one of its rows is; and how each column is read."""

from dataclasses import dataclass
from typing import Any

from django.db import models

from core.text import header_key
from households.catalog import FieldFact, answers, entry_facts, facts, readings
from households.models import HouseholdYear, PersonYear, WorkSpell
from imports.checks import RULES
from imports.enums import Grain
from imports.models import RuleSetting
from villages.models import VillageYear

REGION_COLUMNS = {"county_code": "county", "town_code": "town", "village_code": "village"}
# Read, but not stored: they only confirm what the batch already says. A village's code stands in
# for its names where a file has both.
CONFIRMING = {"province_code", "city_code", "partition", "region_code"}
# Columns that our own handing back adds to a workbook: neither facts nor unknown.
OUR_COLUMNS = frozenset({"问题", "问题说明", "原行号"})

JOINED = frozenset({Grain.JOINED_HOUSEHOLD, Grain.JOINED_PERSON, Grain.SPELL})
# By which a joined row finds what it is about; they write nothing.
KEYS = ("household_no", "person_no", "name", "id_no")
# Who heads a household is told by the exports that list its members; what it is in the register,
# by those that say so of every household.
_NOT_JOINED = frozenset({
    "relation_to_head", "head_name", "head_person_no", "head_id_no",
    "exit_status", "exit_year", "identified_year",
})  # fmt: skip
# Which facts a row of a joined export adds.
_ADDED: dict[str, tuple[type[models.Model], ...]] = {
    Grain.JOINED_HOUSEHOLD: (HouseholdYear,),
    Grain.JOINED_PERSON: (HouseholdYear, PersonYear),
}


@dataclass(frozen=True)
class Column:
    """A column of the file: its index (from 0), its head, and the fact it carries ('' when none)."""

    index: int
    header: str
    identifier: str

    @property
    def is_ours(self) -> bool:
        """Whether handing back added it."""
        return is_ours(self.header)


def is_ours(header: str) -> bool:
    """Whether our own handing back puts this head into a workbook."""
    return header_key(header) in OUR_COLUMNS


def unknown_heads(header_map: list[list[str]]) -> list[str]:
    """The heads of a batch whose columns carry nothing that we know; kept in the raw rows."""
    return [
        header
        for header, identifier in header_map
        if header and not identifier and not is_ours(header)
    ]


def known_facts(grain: str) -> dict[str, FieldFact]:
    """The facts that a file of this grain may carry, by identifier."""
    if grain == Grain.VILLAGE:
        return entry_facts(VillageYear)
    known = facts()
    if grain == Grain.SPELL:
        own = {name: known[name] for name in (*KEYS, "has_worked")}
        return own | entry_facts(WorkSpell)
    if added := _ADDED.get(grain):
        keys = KEYS if grain == Grain.JOINED_PERSON else KEYS[:1]
        return {
            name: fact
            for name, fact in known.items()
            if name in keys or (fact.model in added and name not in _NOT_JOINED)
        }
    return known


def is_written(fact: FieldFact, grain: str) -> bool:
    """Whether a file of this grain writes the fact; a joined one only finds by its keys."""
    return grain not in JOINED or fact.identifier not in KEYS


def can_carry(identifier: str, grain: str) -> bool:
    """Whether a column of a file of this grain may be said to be this."""
    return (
        identifier in REGION_COLUMNS or identifier in CONFIRMING or identifier in known_facts(grain)
    )


def missing_keys(present: set[str], grain: str, own: set[str]) -> list[str]:
    """What a file of this grain needs and has not, in a clerk's words.

    `own` are the identifiers of its layout: one layout of 2016 numbers no persons, and is read
    without numbers.
    """
    if grain == Grain.VILLAGE:
        return [] if present & {"village_code", "region_code"} else ["行政村"]
    missing = []
    if grain in (Grain.JOINED_PERSON, Grain.SPELL):
        return [] if present & {"person_no", "id_no"} else ["人编号或证件号码"]
    if "household_no" not in present:
        missing.append("户编号")
    if grain == Grain.JOINED_HOUSEHOLD:
        return missing
    if not present & {"village_code", "region_code"}:
        missing.append("行政村")
    if grain in (Grain.PERSON, Grain.HEAD):
        named = {"person_no": "人编号", "name": "姓名", "id_no": "证件号码"}
        if own and "person_no" not in own:
            named.pop("person_no")
        missing += [label for identifier, label in named.items() if identifier not in present]
    return missing


def read_specs(columns: list[Column], grain: str = Grain.PERSON) -> list[dict[str, Any]]:
    """How the parsing child reads each known column."""
    specs = []
    known = known_facts(grain)
    for column in columns:
        name = column.identifier
        if name in REGION_COLUMNS or name in CONFIRMING:
            kind = "identifier" if name == "region_code" else "text"
            specs.append({"index": column.index, "name": name, "kind": kind})
        elif fact := known.get(name):
            specs.append(
                {
                    "index": column.index,
                    "name": fact.identifier,
                    "kind": fact.kind,
                    "options": reading_options(fact),
                }
            )
    return specs


def reading_options(fact: FieldFact) -> dict[str, Any]:
    """What the reader of a fact's cells needs besides its kind; lists are as they stand today."""
    options: dict[str, Any] = dict(fact.options)
    if fact.table:
        options["labels"] = readings(fact.table)
    elif fact.kind == "yes_no" and (words := answers(fact.identifier)):
        options["words"] = words
    elif fact.kind == "id_number":
        options["provinces"] = _provinces()
    return options


def _provinces() -> list[str]:
    """What a document number may begin with (rule IDN11), as the city has set it."""
    parameters = dict(RULES["IDN11"].parameters)
    for change in RuleSetting.objects.filter(code="IDN11"):
        parameters |= change.parameters
    return [*parameters["provinces"], *parameters["demonstration"]]
