"""import_workbook from the command line."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from households.models import Household
from imports.models import Batch
from tests.workbooks import family, member, save


def run(path: Path, *more: str) -> dict[str, object]:
    out = StringIO()
    call_command(
        "import_workbook", str(path), "--partition", "2018", "--region", "4103", "--json", *more,
        stdout=out, stderr=StringIO(),
    )  # fmt: skip
    return json.loads(out.getvalue().splitlines()[-1])


def test_last_line_is_the_report(city: None, tmp_path: Path) -> None:
    report = run(save(tmp_path, [*family(1), member(3, 2, 致贫原因="因懒")]))
    assert report["rows_read"] == 3
    assert report["persons"] == {"created": 2, "updated": 0, "unchanged": 0, "rejected": 1}
    assert report["households"] == {"created": 1, "updated": 0, "unchanged": 0, "rejected": 1}
    assert report["problems"] == {"IMP06": 1, "IMP13": 1, "STR04": 1, "IDN16": 2, "DUP07": 2}
    assert set(report["seconds"]) >= {"parse_and_copy", "judge", "apply", "total"}


def test_dry_run_leaves_no_trace(city: None, tmp_path: Path) -> None:
    report = run(save(tmp_path, family(1)), "--dry-run")
    assert report["persons"] == {"created": 2, "updated": 0, "unchanged": 0, "rejected": 0}
    assert (Household.objects.count(), Batch.objects.count()) == (0, 0)


def test_refusal_is_a_clear_error(city: None, tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(b"not a workbook")
    with pytest.raises(CommandError, match="找不到表头行"):
        run(path)


def test_missing_file_is_named(city: None, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="找不到文件"):
        run(tmp_path / "gone.xlsx")
