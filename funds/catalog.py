"""Shipped data of funds: what the figures mean, and rules with their sources."""

import csv
import json
from pathlib import Path
from typing import Any

from exits.models import MetricDefinition
from funds.checks.kinds import KINDS
from funds.models import FundRule, LoanRule

DATA = Path(__file__).parent / "data"


def sync_figures(**_: Any) -> None:
    """Insert shipped definitions of figures that are missing; what a city changed stays."""
    MetricDefinition.objects.bulk_create(
        [
            MetricDefinition(
                **row | {name: row[name] or None for name in ("threshold", "valid_to")}
            )
            for row in _rows("figures.csv")
        ],
        ignore_conflicts=True,
    )


def sync_rules(**_: Any) -> None:
    """Insert shipped rules that are missing; what a city revised stays."""
    rows = [
        row | {name: row[name] or None for name in ("threshold", "valid_to")}
        | {"is_active": row["is_active"] == "1", "params": json.loads(row["params"])}
        for row in _rows("fund_rules.csv")
    ]  # fmt: skip
    FundRule.objects.bulk_create(
        [
            FundRule(**row | {"params": KINDS[row["check_kind"]].read(row["params"])})
            for row in rows
        ],
        ignore_conflicts=True,
    )


def sync_loan_rules(**_: Any) -> None:
    """Insert shipped caps of small loans that are missing; what was changed stays."""
    LoanRule.objects.bulk_create(
        [
            LoanRule(
                **{name: value or None for name, value in row.items()}
                | {"region_prefix": row["region_prefix"]}
            )
            for row in _rows("loan_rules.csv")
        ],
        ignore_conflicts=True,
    )


def _rows(name: str) -> list[dict[str, Any]]:
    with (DATA / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))
