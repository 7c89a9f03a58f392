"""What script/audit makes of a finding, of silence, and of a version that is too old."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.conf import settings as site
from packaging.version import Version

pytestmark = pytest.mark.unit

ROOT = Path(site.BASE_DIR)


@pytest.fixture(scope="module")
def audit() -> ModuleType:
    spec = importlib.util.spec_from_file_location("audit", ROOT / "script" / "audit.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "lock.txt"
    path.write_text(
        "django==5.2.19 \\\n    --hash=sha256:00\nredis==6.4.0 \\\n    --hash=sha256:00\n"
    )
    return path


def report(*dependencies: dict[str, Any]) -> Any:
    return lambda: {"dependencies": list(dependencies), "fixes": []}


SOUND = [
    {"name": "django", "version": "5.2.19", "vulns": []},
    {"name": "redis", "version": "6.4.0", "vulns": []},
]


def test_all_audited_and_sound(audit: ModuleType, lock: Path, capsys: Any) -> None:
    assert audit.main(report(*SOUND), lock) == 0
    said = capsys.readouterr()
    assert "2 个软件包均已对照" in said.out
    assert said.err == ""


def test_a_finding_fails(audit: ModuleType, lock: Path, capsys: Any) -> None:
    bad = {"name": "redis", "version": "6.4.0", "vulns": [{"id": "CVE-1", "fix_versions": ["7"]}]}
    assert audit.main(report(SOUND[0], bad), lock) == 1
    assert "redis 6.4.0：CVE-1（修复于 7）" in capsys.readouterr().err


@pytest.mark.parametrize(
    "answer",
    [
        lambda: None,
        report(),
        report(SOUND[0], {"name": "redis", "skip_reason": "could not be audited"}),
        report(*({"name": name, "skip_reason": "x"} for name in ("django", "redis"))),
    ],
    ids=["no report", "empty", "one skipped", "all skipped"],
)
def test_silence_is_said_aloud_and_does_not_fail(
    audit: ModuleType, lock: Path, capsys: Any, answer: Any
) -> None:
    assert audit.main(answer, lock) == 0
    said = capsys.readouterr()
    assert "没有审计到" in said.err
    assert "均已对照" not in said.out


def test_a_version_below_its_floor_fails_whoever_is_silent(
    audit: ModuleType, lock: Path, capsys: Any
) -> None:
    lock.write_text("django==5.2.16 \\\n    --hash=sha256:00\n")
    assert audit.main(lambda: None, lock) == 1
    assert "django 5.2.16 低于 5.2.17（CVE-2026-15307）" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["base", "dev"])
def test_the_locks_stand_above_all_floors(audit: ModuleType, name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    pins = audit.locked(text)
    assert len(pins) > 40
    assert audit.below_floors(pins) == []


def test_every_floor_is_about_something_we_use(audit: ModuleType) -> None:
    pins = audit.locked((ROOT / "requirements" / "base.txt").read_text(encoding="utf-8"))
    floors = audit.floors()
    assert len(floors) >= 15
    for floor in floors:
        assert floor["package"] in pins, floor
        assert Version(floor["minimum"])
        assert floor["advisory"].startswith(("CVE-", "GHSA-", "PYSEC-"))
        assert floor["source"]


def test_script_test_asks_for_it() -> None:
    assert "script/audit" in (ROOT / "script" / "test").read_text(encoding="utf-8")
