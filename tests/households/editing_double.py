"""The interface of `households.services.editing` over two fields of a year, for tests of review alone.

It writes the register for real, so that triggers and scopes are met; the form's own checks are tested
with the form.
"""

import json
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace
from typing import Any

from core.acting import acting
from households.models import HouseholdYear

LABELS = {
    "address_note": "备注",
    "cause_note": "致贫原因说明",
    "phone": "联系电话",
    "head_name": "户主姓名",
}


class StaleError(Exception):
    def __init__(self, changes: list[Any]) -> None:
        super().__init__("stale")
        self.changes = changes


@dataclass(frozen=True)
class FieldChange:
    where: str
    label: str
    before: str
    after: str


class Edit(SimpleNamespace):
    @classmethod
    def read(cls, told: dict[str, Any]) -> "Edit":
        return cls(**json.loads(json.dumps(told)))


def _row(edit: Any) -> HouseholdYear:
    return HouseholdYear.objects.select_related("household").get(
        household__household_no=edit.household_no, partition_id=edit.partition
    )


def check(edit: Any, actor: Any) -> Any:
    bad = [SimpleNamespace(message="说明太长")] if len(edit.year.get("cause_note", "")) > 50 else []
    return SimpleNamespace(errors=bad, queries=[])


def diff(edit: Any) -> list[FieldChange]:
    row = _row(edit)
    return [
        FieldChange(
            f"year.{name}", LABELS[name], "***" if name == "phone" else getattr(row, name),
            "***" if name == "phone" else value,
        )
        for name, value in edit.year.items()
        if getattr(row, name) != value
    ]  # fmt: skip


def apply(*, edit: Any, key: Any, reason: str, by: Any) -> HouseholdYear:
    with acting(by=by, reason=reason):
        row = _row(edit)
        if edit.version != row.cause_note:
            raise StaleError([FieldChange("year.cause_note", "致贫原因说明", "", row.cause_note)])
        HouseholdYear.objects.filter(pk=row.pk).update(**edit.year)
        row.refresh_from_db()
    return row


def module() -> ModuleType:
    made = ModuleType("households.services.editing")
    made.__dict__.update(
        Edit=Edit,
        StaleError=StaleError,
        FieldChange=FieldChange,
        check=check,
        diff=diff,
        apply=apply,
    )
    return made
