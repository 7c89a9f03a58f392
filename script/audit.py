"""Judge the locks: a known vulnerability fails; an advisory service out of reach is said aloud.

pip-audit says "No known vulnerabilities found" also when it could ask nobody about anything. So its
report is read: what it could not look up counts as not audited, and then the floors must hold.
"""

import csv
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from packaging.version import Version

PROJECT = Path(__file__).resolve().parent.parent
# dev contains base.
LOCK = PROJECT / "requirements" / "dev.txt"
FLOORS = PROJECT / "requirements" / "floors.csv"
SECONDS = 300


def ask_pip_audit() -> dict[str, Any] | None:
    """Its report, or None when it gave none."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        try:
            subprocess.run(
                [
                    sys.executable, "-m", "pip_audit", "--requirement", LOCK, "--require-hashes",
                    "--disable-pip", "--progress-spinner", "off", "--format", "json",
                    "--output", report,
                ],
                capture_output=True, timeout=SECONDS, check=False,
            )  # fmt: skip
            found: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
        except (OSError, ValueError, subprocess.TimeoutExpired):
            return None
        return found


def locked(text: str) -> dict[str, Version]:
    """Package → version of a lock."""
    pins = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;]+)", text, re.MULTILINE)
    return {name.lower(): Version(version) for name, version in pins}


def floors() -> list[dict[str, str]]:
    with FLOORS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def below_floors(pins: dict[str, Version]) -> list[str]:
    """What is locked below a version known to be safe; what is not locked cannot be unsafe."""
    return [
        f"{floor['package']} {pins[floor['package']]} 低于 {floor['minimum']}（{floor['advisory']}）"
        for floor in floors()
        if floor["package"] in pins and pins[floor["package"]] < Version(floor["minimum"])
    ]


def findings(report: dict[str, Any]) -> list[str]:
    return [
        f"{one['name']} {one['version']}：{vulnerability['id']}"
        f"（修复于 {'、'.join(vulnerability.get('fix_versions') or ['尚无'])}）"
        for one in report["dependencies"]
        for vulnerability in one.get("vulns") or ()
    ]


def not_audited(report: dict[str, Any] | None, pins: dict[str, Version]) -> int:
    """Packages about which nobody was asked."""
    if report is None:
        return len(pins)
    asked = [one for one in report["dependencies"] if "skip_reason" not in one]
    return max(0, len(pins) - len(asked))


def main(ask: Callable[[], dict[str, Any] | None] = ask_pip_audit, lock: Path = LOCK) -> int:
    pins = locked(lock.read_text(encoding="utf-8"))
    report = ask()
    found = (findings(report) if report else []) + below_floors(pins)
    missing = not_audited(report, pins)
    if missing:
        print(
            "!" * 88,
            f"！！ {missing} 个软件包（共 {len(pins)} 个）没有审计到：连不上漏洞通告服务。",
            "！！ 只按 requirements/floors.csv 的最低安全版本检查过，不能代替审计。",
            "！！ 请在能连上的机器上再运行一次 script/audit。",
            "!" * 88,
            sep="\n",
            file=sys.stderr,
        )
    else:
        print(f"{len(pins)} 个软件包均已对照漏洞通告。")
    for words in found:
        print(f"有已知漏洞：{words}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
