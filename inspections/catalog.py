"""Shipped data: questionnaires, and presets of what evaluations did."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inspections.models import Questionnaire

DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class Preset:
    """How many villages per stratum and households per type an evaluation took, and who says so.

    `takes` are as `services.planning.Design` has them. `derived` tells what the source leaves open
    and how it was filled: a preset is where planning begins, not a rule.
    """

    code: str
    label: str
    strata: dict[str, int]
    takes: dict[str, dict[str, Any]]
    source: str
    derived: str


def presets() -> list[Preset]:
    """Every preset, in the order of the file."""
    with (DATA / "presets.csv").open(encoding="utf-8") as file:
        return [
            Preset(
                row["code"],
                row["label"],
                json.loads(row["strata"]),
                json.loads(row["takes"]),
                row["source"],
                row["derived"],
            )
            for row in csv.DictReader(file)
        ]


def sync_questionnaires(**_: Any) -> None:
    """Insert shipped questionnaires that are missing; versions that exist are never touched."""
    rows = json.loads((DATA / "questionnaires.json").read_text(encoding="utf-8"))
    Questionnaire.objects.bulk_create([Questionnaire(**row) for row in rows], ignore_conflicts=True)
