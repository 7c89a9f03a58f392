"""Which staging tables a batch has and which columns of the register its file fills."""

from dataclasses import dataclass, field
from typing import Any, Self

from django.db import models

from core.workbooks.cells import TOLD
from households.catalog import FieldFact, facts
from households.models import Household, HouseholdYear, Person, PersonYear
from imports.catalog.recognising import CONFIRMING, REGION_COLUMNS
from imports.enums import Grain
from imports.models import Batch

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
    return [name, *_NUMBER_COLUMNS] if name == "id_no" else [REGION_COLUMNS.get(name, name)]


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
        known = facts()
        plan = cls(
            stage=batch.stage,
            grain=grain,
            identifiers=[name for name in names if name in known],
            regions=[name for name in names if name in REGION_COLUMNS],
            confirming=[name for name in names if name in CONFIRMING],
        )
        plan.copied = [
            "row_no",
            "faults",
            *(staged for name in in_front(names) for staged in _staged_as(name)),
            "raw",
        ]
        plan.sealed = [
            known[name] for name in in_front(names) if name in known and known[name].is_sealed
        ]
        for model in (Household, HouseholdYear, Person, PersonYear):
            plan.by_model[model] = [
                known[name] for name in plan.identifiers if known[name].model is model
            ]
        return plan

    @classmethod
    def of_batch(cls, batch: Batch) -> Self:
        """The plan of a batch that was staged before."""
        identifiers = [identifier for _, identifier in batch.header_map if identifier]
        known = facts()
        return cls.of(
            batch,
            [
                {"name": name}
                for name in identifiers
                if name in known or name in REGION_COLUMNS or name in CONFIRMING
            ],
            batch.layout.grain if batch.layout else Grain.PERSON,
        )

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
    def tables(self) -> tuple[str, ...]:
        """All scratch tables of the batch; those of persons exist for person layouts only."""
        return (self.rows, self.places, self.faults, self.errors, self.households, self.persons)

    @property
    def has_persons(self) -> bool:
        return self.grain == Grain.PERSON

    def has(self, identifier: str) -> bool:
        return identifier in self.identifiers

    def columns(
        self, model: type[models.Model], *, without: tuple[str, ...] = ()
    ) -> list[FieldFact]:
        """Mapped facts of one table, in the file's order."""
        return [fact for fact in self.by_model[model] if fact.name not in without]

    def create_rows(self) -> str:
        known = facts()
        # The raw rows of a block, sealed together, stand in its first row.
        columns = ["row_no integer NOT NULL", "faults text NOT NULL"]
        columns += ["raw bytea STORAGE EXTERNAL"]
        columns += [f"{column} text NOT NULL DEFAULT ''" for column in REGION_COLUMNS.values()]
        columns += [f"{name} text" for name in self.confirming]
        for name in self.identifiers:
            kind = _STAGED_TYPES.get(known[name].kind, "text")
            columns.append(f"{name} {'bytea' if known[name].is_sealed else kind}")
        if self.has("id_no"):
            columns += [f"{name} {kind}" for name, kind in _NUMBER_COLUMNS.items()]
        return f"CREATE UNLOGGED TABLE {self.rows} ({', '.join(columns)})"
