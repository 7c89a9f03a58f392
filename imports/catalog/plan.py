"""Which staging tables a batch has and which columns of the register its file fills."""

from dataclasses import dataclass, field
from typing import Any, Self

from django.db import models

from core.workbooks.cells import TOLD
from households.catalog import FieldFact, facts
from households.models import Household, HouseholdYear, Person, PersonYear, WorkSpell
from imports.catalog.columns import CONFIRMING, JOINED, REGION_COLUMNS, is_written, known_facts
from imports.enums import Grain
from imports.models import Batch
from villages.models import VillageYear

MODELS: tuple[type[models.Model], ...] = (
    Household, HouseholdYear, Person, PersonYear, WorkSpell, VillageYear,
)  # fmt: skip

_STAGED_TYPES = {
    "codes": "text[]",
    "amount": "numeric",
    "whole": "integer",
    "day": "date",
    "yes_no": "boolean",
}


# What stands beside a document number that can no longer be looked into.
_NUMBER_COLUMNS = {
    "id_no__index": "bytea",
    "id_no__tail": "integer",
    "id_no__born": "date",
    "id_no__sex": "text",
    "id_no__is_certificate": "boolean",
}
assert list(_NUMBER_COLUMNS)[2:] == [f"id_no__{name}" for name in TOLD]  # noqa: S101


_ALWAYS = ("household_no", "person_no", "name")


def in_front(names: list[str]) -> list[str]:
    """The columns in the order the child prints them: what is sealed first, behind the person's number.

    The document number is the last of these, because what it tells follows it into the rest.
    """
    known = facts()

    def place(name: str) -> int:
        if name in ("person_no", "id_no"):
            return 0 if name == "person_no" else 2
        return 1 if name in known and known[name].is_sealed else 3

    return sorted(names, key=place)


def _staged_as(name: str) -> list[str]:
    """The staged columns that a column of the file fills."""
    if name == "id_no":
        return [name, *_NUMBER_COLUMNS]
    if name == "head_id_no":
        return [name, "head_id_no__index"]
    return [REGION_COLUMNS.get(name, name)]


def blank_value(fact: FieldFact) -> str:
    """SQL of what is staged for a blank cell where that is not NULL; else empty."""
    if fact.is_sealed or fact.kind in ("amount", "whole", "day", "yes_no"):
        return ""
    return "'{}'::text[]" if fact.kind == "codes" else "''"


@dataclass
class Plan:
    """The columns that were mapped, by table; SQL identifiers in it come from our own models."""

    stage: str
    grain: str
    identifiers: list[str]
    regions: list[str]
    confirming: list[str]
    by_model: dict[type[models.Model], list[FieldFact]] = field(default_factory=dict)

    @classmethod
    def of(cls, batch: Batch, specs: list[dict[str, Any]], grain: str) -> Self:
        names = [spec["name"] for spec in specs]
        known = known_facts(grain)
        plan = cls(
            stage=batch.stage,
            grain=grain,
            identifiers=[name for name in names if name in known],
            regions=[name for name in names if name in REGION_COLUMNS],
            confirming=[name for name in names if name in CONFIRMING],
        )
        if "region_code" in names and "village_code" not in names:
            # Its code stands for its name.
            plan.regions.append("village_code")
        plan.is_numbered = "id_no" in names and "person_no" not in names and plan.is_of_persons
        if plan.is_numbered:
            plan.identifiers.append("person_no")
        plan.copied = [
            "row_no",
            "faults",
            *(["person_no"] if plan.is_numbered else []),
            *(staged for name in in_front(names) for staged in _staged_as(name)),
            "raw",
        ]
        plan.sealed = [
            known[name] for name in in_front(names) if name in known and known[name].is_sealed
        ]
        for model in MODELS:
            plan.by_model[model] = [
                known[name]
                for name in plan.identifiers
                if known[name].model is model and is_written(known[name], grain)
            ]
        plan.known = known
        return plan

    @classmethod
    def of_batch(cls, batch: Batch) -> Self:
        """The plan of a batch that was staged before."""
        identifiers = [identifier for _, identifier in batch.header_map if identifier]
        grain = batch.layout.grain if batch.layout else Grain.PERSON
        known = known_facts(grain)
        return cls.of(
            batch,
            [
                {"name": name}
                for name in identifiers
                if name in known or name in REGION_COLUMNS or name in CONFIRMING
            ],
            grain,
        )

    # Every fact that a file of this grain may carry.
    known: dict[str, FieldFact] = field(default_factory=dict)
    # Whether the file names no person's number, so that it is found by the document number.
    is_numbered: bool = False
    copied: list[str] = field(default_factory=list)
    # Facts that are sealed on their way in, in the order of their columns.
    sealed: list[FieldFact] = field(default_factory=list)

    @property
    def rows(self) -> str:
        return f"staging.{self.stage}_rows"

    @property
    def places(self) -> str:
        return f"staging.{self.stage}_places"

    @property
    def faults(self) -> str:
        return f"staging.{self.stage}_faults"

    @property
    def errors(self) -> str:
        return f"staging.{self.stage}_errors"

    @property
    def households(self) -> str:
        return f"staging.{self.stage}_h"

    @property
    def persons(self) -> str:
        return f"staging.{self.stage}_p"

    @property
    def entries(self) -> str:
        """The rows of a layout of spells or villages, with the row they have and the verdict."""
        return f"staging.{self.stage}_e"

    @property
    def tables(self) -> tuple[str, ...]:
        """All scratch tables of the batch; those of persons and entries exist where rows are such."""
        return (
            self.rows, self.places, self.faults, self.errors, self.households, self.persons,
            self.entries,
        )  # fmt: skip

    @property
    def has_persons(self) -> bool:
        """Whether a row speaks of a person once, besides the household."""
        return self.grain in (Grain.PERSON, Grain.HEAD, Grain.JOINED_PERSON)

    @property
    def is_of_persons(self) -> bool:
        """Whether a row speaks of a person at all."""
        return self.has_persons or self.grain == Grain.SPELL

    @property
    def lists_members(self) -> bool:
        """Whether a household's rows in the file are all its members."""
        return self.grain == Grain.PERSON

    @property
    def is_joined(self) -> bool:
        """Whether rows add to what is registered, found by number; they bring nobody new."""
        return self.grain in JOINED

    def told(self, fact: FieldFact, stored: str = "t", read: str = "r") -> str:
        """SQL of what stands in the register once a row of the file is written over one that is there.

        A blank of a joined file tells nothing, so that what is known stays; a full export's empties.
        """
        value = f"{read}.{fact.identifier}::{fact.db_type}"
        if not self.is_joined:
            return value
        if is_blank := blank_value(fact):
            value = f"nullif({read}.{fact.identifier}, {is_blank})::{fact.db_type}"
        return f"coalesce({value}, {stored}.{fact.name})"

    @property
    def has_entries(self) -> bool:
        """Whether a row is neither a household nor a person once, but a spell of work or a village."""
        return self.grain in (Grain.SPELL, Grain.VILLAGE)

    def has(self, identifier: str) -> bool:
        return identifier in self.identifiers

    def columns(
        self, model: type[models.Model], *, without: tuple[str, ...] = ()
    ) -> list[FieldFact]:
        """Mapped facts of one table, in the file's order."""
        return [fact for fact in self.by_model[model] if fact.name not in without]

    def create_rows(self) -> str:
        known = self.known
        # The raw rows of a block, sealed together, stand in its first row.
        columns = ["row_no integer NOT NULL", "faults text NOT NULL"]
        columns += ["raw bytea STORAGE EXTERNAL"]
        columns += [f"{column} text NOT NULL DEFAULT ''" for column in REGION_COLUMNS.values()]
        columns += [f"{name} text" for name in self.confirming]
        # What every statement may ask of a row, whatever the file has.
        columns += [f"{name} text" for name in _ALWAYS if name not in self.identifiers]
        for name in self.identifiers:
            kind = _STAGED_TYPES.get(known[name].kind, "text")
            columns.append(f"{name} {'bytea' if known[name].is_sealed else kind}")
        if self.has("id_no"):
            columns += [f"{name} {kind}" for name, kind in _NUMBER_COLUMNS.items()]
        if self.has("head_id_no"):
            # What the head's own number is compared with; the sealed texts of two columns are not.
            columns.append("head_id_no__index bytea")
        return f"CREATE UNLOGGED TABLE {self.rows} ({', '.join(columns)})"
