"""Which staging tables a batch has and which columns of the register its file fills."""

from dataclasses import dataclass, field
from typing import Any, Self

from django.db import models

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
            "raw",
            *(REGION_COLUMNS.get(name, name) for name in names),
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
        columns = ["row_no integer NOT NULL", "faults text NOT NULL", "raw text NOT NULL"]
        columns += [f"{column} text NOT NULL DEFAULT ''" for column in REGION_COLUMNS.values()]
        columns += [f"{name} text" for name in self.confirming]
        columns += [
            f"{name} {_STAGED_TYPES.get(known[name].kind, 'text')}" for name in self.identifiers
        ]
        return f"CREATE UNLOGGED TABLE {self.rows} ({', '.join(columns)})"
