"""Which definition of a metric counts where and when."""

import csv
from functools import lru_cache
from pathlib import Path
from typing import Any

from exits.checks.procedures import ExitStep, ExitTemplate
from exits.models import MetricDefinition, PovertyLine, Standard, StandardItem
from households.formulas import CALENDAR

DATA = Path(__file__).parent / "data"


def sync_definitions(**_: Any) -> None:
    """Insert shipped definitions and lines that are missing; what a city changed stays."""
    MetricDefinition.objects.bulk_create(
        [MetricDefinition(**_empty_to_null(row)) for row in _rows("definitions.csv")],
        ignore_conflicts=True,
    )
    PovertyLine.objects.bulk_create(
        [PovertyLine(**row) for row in _rows("poverty_lines.csv")], ignore_conflicts=True
    )
    sync_standards()


def sync_standards() -> None:
    """Insert shipped standards that are missing, whole; one that is there is the city's own."""
    known = set(Standard.objects.values_list("code", flat=True))
    shipped = [row for row in _rows("standards.csv") if row["code"] not in known]
    made = {
        one.code: one
        for one in Standard.objects.bulk_create(
            [Standard(**_flags(_empty_to_null(row), "is_compared")) for row in shipped]
        )
    }
    items = [row for row in _rows("standard_items.csv") if row["standard"] in made]
    StandardItem.objects.bulk_create(
        StandardItem(
            **_flags(row, "is_veto", "is_repairable") | {"standard": made[row["standard"]]}
        )
        for row in items
    )


def _rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _flags(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return row | {name: row[name] == "1" for name in names}


def _empty_to_null(row: dict[str, str]) -> dict[str, Any]:
    return {
        key: None if key in ("threshold", "valid_to") and value == "" else value
        for key, value in row.items()
    }


@lru_cache
def exit_templates() -> tuple[ExitTemplate, ...]:
    """Every shipped list of steps: per level one for everywhere, and those of provinces and cities."""
    found: dict[tuple[str, str], list[ExitStep]] = {}
    for row in _rows("exit_steps.csv"):
        found.setdefault((row["level"], row["region_prefix"]), []).append(
            ExitStep(
                code=row["code"],
                label=row["label"],
                level=int(row["decided_at"]),
                has_notice=row["has_notice"] == "yes",
                min_days=int(row["min_days"]) if row["min_days"] else None,
                day_kind=row["day_kind"] or CALENDAR,
                needs_document=row["needs_document"] == "yes",
                documents=row["documents"],
                source=row["source"],
            )
        )
    return tuple(ExitTemplate(*key, tuple(steps)) for key, steps in found.items())


def exit_template(level: str, code: str) -> ExitTemplate:
    """The steps by which a village or county with this code exits: the longest prefix that fits."""
    fitting = [
        one for one in exit_templates() if one.level == level and code.startswith(one.region_prefix)
    ]
    return max(fitting, key=lambda one: len(one.region_prefix))
