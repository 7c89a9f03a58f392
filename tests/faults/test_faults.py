"""The driver in the suite: sixty faults, and proof that it would notice what it looks for.

`FAULTS=1000 script/test tests/faults` injects more; `FAULTS_SEED` repeats a run.
"""

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from core.failpoints import PLACES
from tests.faults import plan
from tests.faults.rig import RigError

ROOT = Path(__file__).resolve().parents[2]
MANY = int(os.environ.get("FAULTS", "60"))
SEED = int(os.environ.get("FAULTS_SEED", random.SystemRandom().randrange(10**6)))
# Of which no run of sixty may be without.
ALWAYS = set(plan.KINDS)

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("faults")]


def drive(folder: Path, **options: Any) -> dict[str, Any]:
    """Run the driver in a process of its own and read its report."""
    report = folder / "report.json"
    words = [
        word
        for key, value in options.items()
        for word in (f"--{key.replace('_', '-')}", str(value))
    ]
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults", "--report", report, *words],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if not report.exists():
        raise RigError(done.stdout[-4000:] + done.stderr[-4000:])
    sys.stdout.write(done.stdout)
    found: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return found


def test_nothing_is_lost_doubled_or_half_written(tmp_path: Path) -> None:
    found = drive(tmp_path, injections=MANY, seed=SEED)
    assert found["broken"] == [], f"seed {SEED}: {found['broken']}"
    assert found["planned"] == found["injected"] == found["recovered"] == MANY
    if len(PLACES) + len(plan.KINDS) <= MANY:
        assert found["unreached"] == []
        assert set(found["places"]) == set(PLACES)
        assert set(found["kinds"]) >= ALWAYS


@pytest.mark.parametrize("place", ["marks", "stored", "published"])
def test_results_of_a_round_survive_a_worker_that_is_killed(tmp_path: Path, place: str) -> None:
    found = drive(tmp_path, only=f"killed-inspections.estimate.{place}")
    assert found["broken"] == []
    assert (found["planned"], found["injected"], found["recovered"]) == (1, 1, 1)


def test_driver_notices_workers_that_ignore_their_lease(tmp_path: Path) -> None:
    found = drive(tmp_path, only="frozen-effect", other_app="tests.faults.unfenced")
    assert any("I5" in words and "完成后又有变动" in words for words in found["broken"])


def test_driver_notices_effects_apart_from_their_end(tmp_path: Path) -> None:
    found = drive(tmp_path, only="torn-apply", other_app="tests.faults.torn")
    assert any("未成功" in words for words in found["broken"])
