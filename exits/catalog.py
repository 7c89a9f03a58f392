"""Which definition of a metric counts where and when."""

import csv
from pathlib import Path
from typing import Any

from exits.models import MetricDefinition, PovertyLine

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


def _rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _empty_to_null(row: dict[str, str]) -> dict[str, Any]:
    return {
        key: None if key in ("threshold", "valid_to") and value == "" else value
        for key, value in row.items()
    }
