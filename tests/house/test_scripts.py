"""The scripts, and that every variable somebody may set is written down."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
SCRIPTS = [*filter(Path.is_file, sorted((PROJECT / "script").iterdir())), PROJECT / ".ci" / "run"]
BASH = [path for path in SCRIPTS if path.read_bytes().startswith(b"#!/bin/bash\n")]
# Set for one run by a script or a machine, never by an administrator.
PASSING = {"PATH", "CI", "CHROMIUM", "PYTHON", "POVERTYOPS_TEST_SERVERS"}
VARIABLE = r"[A-Z][A-Z0-9_]{2,}"

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def documented() -> set[str]:
    text = (PROJECT / ".env.example").read_text(encoding="utf-8")
    return set(re.findall(rf"^# ({VARIABLE})=", text, re.MULTILINE))


def test_the_promised_scripts_exist() -> None:
    names = {path.name for path in BASH}
    assert names >= {"server", "test", "setup", "lint", "lock", "run"}


@pytest.mark.parametrize("script", BASH, ids=lambda path: path.name)
def test_script_is_sound(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    assert os.access(script, os.X_OK)
    assert "\nset -euo pipefail\n" in text
    checked = subprocess.run(["bash", "-n", script], capture_output=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, b"")


@pytest.mark.parametrize("script", BASH, ids=lambda path: path.name)
def test_script_names_no_source_of_packages(script: Path) -> None:
    """Where packages come from is the machine's business (pip's own configuration)."""
    text = script.read_text(encoding="utf-8")
    assert not re.search(r"https?://|(?<!no-emit-)index-url|find-links|trusted-host", text)


@pytest.mark.parametrize("name", ["base", "dev"])
def test_lock_has_hashes_and_no_address(name: str) -> None:
    text = (PROJECT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    pins = re.findall(r"^[a-zA-Z0-9._-]+(?:\[[^\]]+\])?==\S+", text, re.MULTILINE)
    assert len(pins) > 20
    assert len(re.findall(r"^\S+==\S+ \\\n    --hash=sha256:", text, re.MULTILINE)) == len(pins)
    assert not re.search(r"^-|://", text, re.MULTILINE)


def test_dev_lock_contains_the_base_lock() -> None:
    """script/setup counts on it: what dev installs satisfies base."""

    def pins(name: str) -> set[str]:
        text = (PROJECT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
        return set(re.findall(r"^[a-z0-9._-]+==[^\s;]+", text, re.MULTILINE | re.IGNORECASE))

    assert pins("base") - pins("dev") == set()


def test_settings_variables_are_documented(documented: set[str]) -> None:
    settings = (PROJECT / "povertyops" / "settings.py").read_text(encoding="utf-8")
    read = set(re.findall(rf'env(?:\.\w+)?\(\s*"({VARIABLE})"', settings))
    assert {"SECRET_KEY", "DATABASE_URL", "REDIS_URL"} <= read
    assert read - documented == set()


def test_embedded_variables_are_documented(documented: set[str]) -> None:
    read: set[str] = set()
    for file in (PROJECT / "core" / "embedded").glob("*.py"):
        text = file.read_text(encoding="utf-8")
        read |= set(
            re.findall(rf'environ(?:ment)?(?:\.get\(|\[|\.setdefault\()"({VARIABLE})"', text)
        )
    assert {"POVERTYOPS_PG_FSYNC", "HOST", "PORT"} <= read
    assert read - documented - PASSING == set()


def test_settings_variables_have_a_use(documented: set[str]) -> None:
    """A line in .env.example that nothing reads would mislead the reader."""
    files = [
        PROJECT / "povertyops" / "settings.py",
        PROJECT / "docker-compose.yml",
        *(PROJECT / "core" / "embedded").glob("*.py"),
    ]
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    assert {name for name in documented if not re.search(rf"\b{name}\b", text)} == set()


def test_setup_refuses_an_unknown_lock() -> None:
    refused = subprocess.run(
        [PROJECT / "script" / "setup", "nothing"], capture_output=True, text=True, check=False
    )
    assert refused.returncode == 2
    assert "用法" in refused.stderr


def test_run_wrapper_explains_itself() -> None:
    refused = subprocess.run(
        [sys.executable, "-m", "core.embedded"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode == 2
    assert "用法" in refused.stderr
