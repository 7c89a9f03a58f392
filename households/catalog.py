"""What the register's fields are: identifiers, labels, units and code lists, read from the models."""

import csv
import json
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from time import monotonic
from typing import Any

from django.db import models

from core import fields
from core.text import fold
from households.models import (
    CodeEntry,
    CodeSynonym,
    Household,
    HouseholdYear,
    Person,
    PersonYear,
    WorkSpell,
)
from villages.models import VillageYear

DATA = Path(__file__).parent / "data"

# Columns that ask yes or no, and that newer exports fill with what somebody receives instead:
# fact → the list whose entries mean yes, but for those whose facts say no.
ANSWERED_BY = {"has_dibao": "dibao_type", "has_tekun": "tekun_type"}
# Where a column's identifier in the national lists differs from the field's own name.
RENAMED = {("Person", "identified_on"): "identified_on_person"}


@dataclass(frozen=True)
class FieldFact:
    """One fact of the register: where it is stored and what it is called."""

    identifier: str
    model: type[models.Model]
    name: str
    label: str
    national: str
    unit: str
    table: str
    sensitive: bool
    kind: str
    options: tuple[tuple[str, int], ...] = ()

    @property
    def db_type(self) -> str:
        field = self.model._meta.get_field(self.name)
        from django.db import connection

        return str(field.db_type(connection))

    @property
    def is_sealed(self) -> bool:
        """Whether the column holds sealed bytes."""
        return isinstance(self.model._meta.get_field(self.name), fields.Secret)

    @property
    def is_salted(self) -> bool:
        field = self.model._meta.get_field(self.name)
        return isinstance(field, fields.Secret) and field.is_salted

    def opened(self, value: Any) -> Any:
        """What a column's raw value says; of a column that is not sealed, the value itself."""
        field = self.model._meta.get_field(self.name)
        return field.from_db_value(value) if isinstance(field, fields.Secret) else value


def _kind(field: "models.Field[Any, Any]") -> tuple[str, tuple[tuple[str, int], ...]]:
    if isinstance(field, fields.Secret):
        return _sealed_kind(field)
    if field.name in (
        "household_no",
        "person_no",
        "head_person_no",
        "village_phone",
    ):
        return "identifier", ()
    if field.name in ("identified_month", "cleared_month", "started_month", "ended_month"):
        return "month", ()
    if isinstance(field, fields.Codes):
        return "codes", ()
    if isinstance(field, fields.Code):
        return "code", ()
    if isinstance(field, fields.YesNo):
        return "yes_no", ()
    if isinstance(field, fields.Day):
        return "day", ()
    if isinstance(field, fields.Amount):
        return "amount", (("digits", field.max_digits), ("places", field.decimal_places))
    if isinstance(field, fields.Count):
        return "whole", (("smallest", 0), ("largest", 32_767))
    return "text", ()


def _sealed_kind(field: fields.Secret) -> tuple[str, tuple[tuple[str, int], ...]]:
    """Nothing can be asked of a sealed text any more, so its length and shape are read with it."""
    if isinstance(field, fields.SecretCodes):
        return "codes", ()
    options = [("longest", field.max_length or 0)]
    if field.name.endswith("phone"):
        options.append(("mobile", 1))
    if field.name == "bank_account":
        options.append(("account", 1))
    kinds = {"id_no": "id_number", "disability_type": "text"}
    return kinds.get(field.name, "identifier"), tuple(options)


@cache
def facts() -> dict[str, FieldFact]:
    """Every fact of households and persons by identifier, in the order of the models."""
    found = {}
    for model in (Household, HouseholdYear, Person, PersonYear):
        found.update(_facts_of(model))
    return found


@cache
def entry_facts(model: type[models.Model]) -> dict[str, FieldFact]:
    """The facts of a work spell or a village's year by identifier.

    Apart from `facts`, because a spell has an employer as a person's year has one.
    """
    if model not in (WorkSpell, VillageYear):
        raise ValueError(model)
    return _facts_of(model)


def _facts_of(model: type[models.Model]) -> dict[str, FieldFact]:
    found = {}
    for field in model._meta.concrete_fields:
        if not isinstance(field, fields._Fact):
            continue
        kind, options = _kind(field)
        identifier = RENAMED.get((model.__name__, field.name), field.name)
        found[identifier] = FieldFact(
            identifier=identifier,
            model=model,
            name=field.name,
            label=str(field.verbose_name),
            national=field.national,
            unit=field.unit,
            table=field.table,
            sensitive=field.sensitive,
            kind=kind,
            options=options,
        )
    return found


def facts_of(model: type[models.Model]) -> list[FieldFact]:
    return [fact for fact in facts().values() if fact.model is model]


def labels(table: str) -> dict[str, str]:
    """Code → label. Lists change rarely: a worker may show a new label up to a minute late."""
    return _labels(table, int(monotonic() // 60))


@lru_cache(maxsize=64)
def _labels(table: str, _minute: int) -> dict[str, str]:
    return dict(CodeEntry.objects.filter(table=table).values_list("code", "label"))


def label(table: str, code: str) -> str:
    """The label, or the code itself when the list does not know it."""
    return labels(table).get(code, code) if code else ""


def readings(table: str) -> dict[str, str]:
    """Everything that reads as a code of this list: labels, other wordings, codes → code."""
    result: dict[str, str] = {}
    for code, text in CodeEntry.objects.filter(table=table).values_list("code", "label"):
        result[fold(code)] = code
        result[fold(text)] = code
    for text, code in CodeSynonym.objects.filter(table=table).values_list("label", "code"):
        result[fold(text)] = code
    return result


def answers(identifier: str) -> dict[str, str]:
    """Further words that answer a question of yes or no → `t` or `f`."""
    table = ANSWERED_BY.get(identifier)
    if table is None:
        return {}
    means = {
        entry.code: "f" if entry.facts.get("answer") == "no" else "t"
        for entry in CodeEntry.objects.filter(table=table)
    }
    return {text: means[code] for text, code in readings(table).items() if code in means}


def sync_codes(**_: Any) -> None:
    """Insert shipped codes that are missing; what an administrator changed stays."""
    with (DATA / "codes.csv").open(encoding="utf-8") as file:
        entries = [
            CodeEntry(
                table=row["table"],
                code=row["code"],
                label=row["label"],
                facts=json.loads(row["facts"]) if row["facts"] else {},
                position=int(row["position"]),
                source=row["source"],
            )
            for row in csv.DictReader(file)
        ]
    CodeEntry.objects.bulk_create(entries, ignore_conflicts=True)
    with (DATA / "code_synonyms.csv").open(encoding="utf-8") as file:
        synonyms = [CodeSynonym(**row) for row in csv.DictReader(file)]
    CodeSynonym.objects.bulk_create(synonyms, ignore_conflicts=True)
    _labels.cache_clear()
