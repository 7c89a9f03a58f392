"""Mutated workbooks: each is read or refused with a known code, and nothing dies but a child.

500 of them by default, `MUTATIONS=10000` in the environment for more; a file is found again by its
number: `mutated(number)`.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from django.conf import settings as site

from core.workbooks.refusal import WORDS
from tests.fuzz.mutating import mutated

pytestmark = [pytest.mark.unit, pytest.mark.fuzz]

MUTATIONS = int(os.environ.get("MUTATIONS", "500"))
FIRST = int(os.environ.get("MUTATIONS_FROM", "20180000"))
PARTS = 4
MOST_MEMORY = 1_536 * 1024


@pytest.mark.parametrize("part", range(PARTS))
def test_mutated_file_is_read_or_refused(
    part: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    codes: Counter[str] = Counter()
    made: Counter[str] = Counter()
    deaths, wrong, memory = [], [], 0
    with subprocess.Popen(
        [sys.executable, "-m", "tests.fuzz.parsing"],
        cwd=site.BASE_DIR,
        env={"PATH": os.environ["PATH"]},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as worker:
        assert worker.stdin
        assert worker.stdout
        for number in range(FIRST + part, FIRST + MUTATIONS, PARTS):
            kind, content = mutated(number)
            path = tmp_path / f"{number}.bin"
            path.write_bytes(content)
            worker.stdin.write(f"{path}\n")
            worker.stdin.flush()
            line = worker.stdout.readline()
            assert line, f"the worker died of file {number}"
            answer = json.loads(line)
            for left in tmp_path.iterdir():
                left.unlink()
            codes[answer["code"]] += 1
            made[kind] += answer["code"] == "read"
            memory = max(memory, answer["memory"])
            if answer.get("death"):
                deaths.append(number)
            if answer.get("uncaught") or answer.get("late"):
                wrong.append((number, answer))
        worker.stdin.close()
        assert worker.wait(timeout=60) == 0
    with capsys.disabled():
        _show(part, codes, made, deaths, memory)
    assert not wrong
    assert set(codes) <= {"read", *WORDS}
    assert memory < MOST_MEMORY
    # Both ends are reached, or the mutations are of no use.
    assert codes["read"]
    assert len(codes) > 5


def _show(
    part: int, codes: Counter[str], made: Counter[str], deaths: list[int], memory: int
) -> None:
    table = "  ".join(f"{code} {count}" for code, count in codes.most_common())
    read = "  ".join(f"{kind} {count}" for kind, count in made.most_common())
    sys.stdout.write(
        f"\n变异工作簿 {FIRST}+{MUTATIONS} 第 {part + 1}/{PARTS} 部分，共 {codes.total()}："
        f"\n  {table}\n  读出的：{read}\n  子进程死亡 {len(deaths)} {deaths[:9]}，内存最多 {memory // 1024} MB\n"
    )
