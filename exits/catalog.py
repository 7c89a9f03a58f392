"""Which definition of a metric counts where and when."""

import csv
from pathlib import Path
from typing import Any

from exits.models import MetricDefinition, PovertyLine, Standard, StandardItem

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
