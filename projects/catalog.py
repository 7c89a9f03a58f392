"""The types of projects and the facts that each of them states, shipped with the product."""

import csv
from pathlib import Path
from typing import Any

from projects.models import FactType, ProjectType

DATA = Path(__file__).parent / "data"


def sync_types(**_: Any) -> None:
    """Insert shipped types and facts that are missing; what is there stays."""
    ProjectType.objects.bulk_create(
        [
            ProjectType(
                code=row["code"],
                label=row["label"],
                parent_id=row["parent"] or None,
                leaves_asset=row["leaves_asset"] == "1",
                note=row["note"],
            )
            for row in _rows("project_types.csv")
        ],
        ignore_conflicts=True,
    )
    FactType.objects.bulk_create(
        [
            FactType(
                type_id=row["type"],
                code=row["code"],
                label=row["label"],
                unit=row["unit"],
                places=int(row["places"]),
            )
            for row in _rows("type_facts.csv")
        ],
        ignore_conflicts=True,
    )


def _rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))
