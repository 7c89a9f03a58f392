"""Every threat written down names a measure and tests that exist and can run."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings as site

pytestmark = pytest.mark.unit

ROOT = Path(site.BASE_DIR)
TEXT = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
ROWS = [line for line in TEXT.splitlines() if re.match(r"\| [A-Z]\d+ \|", line)]
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", TEXT)))


@cache
def functions_of(file: str) -> dict[str, ast.FunctionDef]:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_it_is_about_something() -> None:
    assert len(ROWS) >= 30
    assert len(NAMED) >= 60
    # Insiders first.
    assert [
        part.split(".")[0] for part in re.findall(r"^## (\d\..*)$", TEXT, re.MULTILINE)
    ] == list("123456")
    assert "## 1. Insiders" in TEXT
    assert "## What remains" in TEXT


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip())
def test_every_threat_has_a_measure_and_a_proof(row: str) -> None:
    _, _, threat, measure, proof, _ = [cell.strip() for cell in row.split("|")]
    assert len(threat) > 10
    assert len(measure) > 10
    assert re.search(r"`tests/[\w/]+\.py::test_\w+`", proof), row
    # Nothing in the column of proofs but proofs.
    assert re.sub(r"`tests/[\w/]+\.py::test_\w+`|[, ]", "", proof) == ""


@pytest.mark.parametrize(("file", "name"), NAMED, ids=lambda part: str(part).rsplit("/", 1)[-1])
def test_every_test_named_exists_and_is_not_switched_off(file: str, name: str) -> None:
    assert (ROOT / file).exists(), file
    function = functions_of(file).get(name)
    assert function is not None, f"{file}::{name}"
    marks = " ".join(ast.unparse(one) for one in function.decorator_list)
    assert not re.search(r"mark\.(skip|skipif|xfail)\b", marks)


def test_numbers_of_threats_are_given_once() -> None:
    numbers = [row.split("|")[1].strip() for row in ROWS]
    assert len(numbers) == len(set(numbers))
