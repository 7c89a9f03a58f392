"""Odd but sound files are read right, whatever they are called."""

import json
from pathlib import Path
from typing import Any

import pytest

from core.workbooks import child, guard
from core.workbooks.cells import unescape
from tests.workbooks.should_pass import CASES, HEADS

pytestmark = pytest.mark.unit


def read(path: Path, kind: str, header_row: int) -> tuple[dict[str, Any], dict[int, list[str]]]:
    """What the child says of the file, and its rows by number."""
    file_format = guard.tell_format(path)
    # Files lie under a name of their kind, see Batch.path.
    path = path.rename(path.with_suffix(f".{file_format}"))
    rows = {}
    with child.reading(path, file_format) as parser:
        hello = parser.hello()
        kinds = ["text", "text", kind]
        columns = [
            {"index": at, "name": f"c{at}", "kind": one, "options": {}}
            for at, one in enumerate(kinds)
        ]
        parser.tell({"header_row": header_row, "columns": columns})
        while sizes := parser.stdout.readline():
            child.refuse_named(sizes)
            raw, lines = map(int, sizes.split())
            parser.stdout.read(raw)
            for line in parser.stdout.read(lines).decode().removesuffix("\n").split("\n"):
                number, _, *values = line.split("\t")
                rows[int(number)] = [unescape(value) for value in values]
        parser.finish()
    return hello, rows


@pytest.mark.parametrize("name", CASES)
def test_odd_file_is_read_right(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    path = tmp_path / case.name
    path.write_bytes(case.build())
    hello, rows = read(path, case.kind, case.header_row)
    assert rows == case.rows
    if "csv_chinese" not in name:
        assert hello["head"][case.header_row][:3] == HEADS
    for fact, told in (("sheet", case.sheet), ("encoding", case.encoding)):
        assert not told or hello[fact] == told
    assert not case.sheets or hello["sheets"] == list(case.sheets)
    json.dumps(hello)
