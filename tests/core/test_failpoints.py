"""Failpoints act where they are named, once or always, and never where real people are registered."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from core import checks, failpoints
from core.failpoints import FailpointError, failpoint

PROJECT = Path(__file__).resolve().parents[2]
PLACE = "imports.apply.ledger"
OTHER = "exits.recompute.city"

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def _demo(settings: Any) -> Iterator[None]:
    settings.DEMO, settings.FAILPOINTS_ALLOWED = True, True
    failpoints.forget()
    yield
    failpoints.forget()


def test_nothing_happens_by_itself(settings: Any) -> None:
    settings.FAILPOINTS = ""
    failpoint(PLACE)
    assert failpoints._armed == {}


def test_error_is_raised_at_its_place_and_nowhere_else(settings: Any) -> None:
    settings.FAILPOINTS = f"{PLACE}=error"
    failpoint(OTHER)
    for _ in range(2):
        with pytest.raises(FailpointError, match=PLACE):
            failpoint(PLACE)


def test_pause_takes_its_time(settings: Any) -> None:
    settings.FAILPOINTS = f"{PLACE}=pause:0.2"
    began = time.monotonic()
    failpoint(PLACE)
    assert time.monotonic() - began >= 0.2


@pytest.mark.parametrize(("action", "code"), [("exit", 137), ("kill", -9)])
def test_process_dies(action: str, code: int) -> None:
    program = (
        "import django; django.setup(); from core.failpoints import failpoint;"
        f" failpoint('{OTHER}'); failpoint('{PLACE}'); print('alive')"
    )
    more = {
        "DJANGO_SETTINGS_MODULE": "povertyops.settings", "DEMO": "1", "FAILPOINTS_ALLOWED": "1",
        "FAILPOINTS": f"{PLACE}={action}",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=PROJECT, env=os.environ | more, capture_output=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (code, b"")


def test_line_of_a_file_acts_once_and_is_told(settings: Any, tmp_path: Path) -> None:
    file = tmp_path / "points"
    settings.FAILPOINTS = f"@{file}"
    failpoint(PLACE)
    file.write_text(f"{OTHER}=error\n{PLACE}=error\n", encoding="ascii")
    with pytest.raises(FailpointError):
        failpoint(PLACE)
    failpoint(PLACE)
    assert file.read_text(encoding="ascii") == f"{OTHER}=error\n"
    passed = (tmp_path / "points.passed").read_text(encoding="ascii").splitlines()
    assert [line.split(" ")[2:] for line in passed] == [[PLACE, ""], [PLACE, "error"], [PLACE, ""]]


@pytest.mark.parametrize("text", ["imports.apply.lunch=exit", f"{PLACE}=dance", PLACE])
def test_slip_of_the_pen_is_refused(settings: Any, text: str) -> None:
    settings.FAILPOINTS = text
    with pytest.raises(ImproperlyConfigured, match="不认识"):
        failpoint(PLACE)


@pytest.mark.parametrize(("demo", "allowed"), [(False, True), (True, False), (False, False)])
def test_nothing_starts_with_failpoints_where_they_are_not_allowed(
    settings: Any, demo: bool, allowed: bool
) -> None:
    settings.FAILPOINTS = f"{PLACE}=error"
    settings.DEMO, settings.FAILPOINTS_ALLOWED = demo, allowed
    assert [error.id for error in checks.check_failpoints()] == ["core.E103"]
    with pytest.raises(ImproperlyConfigured, match="DEMO=1"):
        failpoints.require_harmless()
    failpoint(PLACE)
    assert failpoints._armed == {}


def test_web_process_of_an_office_does_not_start() -> None:
    more = {
        "DJANGO_SETTINGS_MODULE": "povertyops.settings", "DEMO": "0", "FAILPOINTS_ALLOWED": "1",
        "FAILPOINTS": f"{PLACE}=exit",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", "import povertyops.wsgi"],
        cwd=PROJECT, env=os.environ | more, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "FAILPOINTS" in done.stderr


def test_where_none_is_set_all_is_well(settings: Any) -> None:
    settings.FAILPOINTS, settings.DEMO, settings.FAILPOINTS_ALLOWED = "", False, False
    assert checks.check_failpoints() == []
    failpoints.require_harmless()


def test_switched_off_it_costs_next_to_nothing(settings: Any) -> None:
    settings.FAILPOINTS = ""
    failpoint(PLACE)
    began = time.perf_counter()
    for _ in range(100_000):
        failpoint(PLACE)
    assert time.perf_counter() - began < 0.5


def test_every_place_is_in_the_code_once() -> None:
    """That each is passed by a running product is shown in `tests/faults`."""
    code = "\n".join(
        file.read_text(encoding="utf-8")
        for app in ("core", "imports", "inspections", "exits")
        for file in (PROJECT / app).rglob("*.py")
        if file.name != "failpoints.py"
    )
    found = [place for place in failpoints.PLACES if code.count(f'failpoint("{place}")') != 1]
    assert found == []
    assert code.count('failpoint("') == len(failpoints.PLACES)
