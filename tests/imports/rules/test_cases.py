"""Every rule in a file of persons: it fires where it must and nowhere else."""

from collections.abc import Callable
from itertools import groupby
from typing import Any

import pytest

from imports.models import Batch, HeaderSynonym
from tests.imports.rules import cases_dup, cases_idn, cases_imp, cases_req, cases_str
from tests.imports.rules.homes import Case, People, Row
from tests.workbooks import P2018

Stage = Callable[..., Batch]
TABLES = {
    "IMP": cases_imp.CASES,
    "IDN": cases_idn.CASES,
    "DUP": cases_dup.CASES,
    "STR": cases_str.CASES,
    "REQ": cases_req.CASES,
}


def hits(batch: Batch) -> dict[int, set[str]]:
    """Rules by row; row 0 is the whole file."""
    found: dict[int, set[str]] = {}
    for row_no, rule in batch.problems.values_list("row_no", "rule"):
        found.setdefault(row_no, set()).add(rule)
    return found


def laid_out(cases: list[Case]) -> tuple[list[Row], dict[int, tuple[Case, bool]]]:
    """One file for all cases, and what each of its rows is there for."""
    people, rows = People(), []
    meant: dict[int, tuple[Case, bool]] = {}
    for case in cases:
        for home in case.homes:
            for row, fires in people.rows(home):
                rows.append(row)
                meant[len(rows) + 1] = (case, fires)
    return rows, meant


def _parts() -> list[Any]:
    parts = []
    for group, cases in TABLES.items():
        ordered = sorted(cases, key=lambda case: case.year)
        for year, some in groupby(ordered, key=lambda case: case.year):
            parts.append(pytest.param(list(some), year, id=f"{group}-{year}"))
    return parts


@pytest.mark.parametrize(("cases", "year"), _parts())
def test_rules_fire_where_they_must_and_nowhere_else(
    stage: Stage, cases: list[Case], year: int
) -> None:
    HeaderSynonym.objects.create(header="返贫原因", identifier="relapse_cause", source="测试")
    rows, meant = laid_out(cases)
    found = hits(stage(rows, partition=year, headers=P2018))
    wrong = [
        (row_no, case.code, case.note, "fires" if fires else "silent", found.get(row_no, set()))
        for row_no, (case, fires) in meant.items()
        if (case.code in found.get(row_no, set())) != fires
    ]
    assert wrong == []
