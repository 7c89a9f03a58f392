"""Hostile files on the product's own way in: received, and read by a worker's job."""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import Any

import pytest
from django.conf import settings as site

from core.jobs.models import Job, JobState
from core.jobs.services import claim
from core.jobs.tasks import carry_out
from core.workbooks import child, guard, limits
from core.workbooks.refusal import WORDS
from imports import services
from imports.enums import BatchState, FileFormat
from imports.models import Batch, PoisonedFile
from imports.services import receiving
from tests.workbooks import P2018, build, family
from tests.workbooks.packing import Forged, book, parts, relations, row, sheet, workbook
from tests.workbooks.should_fail import CASES
from tests.workbooks.should_fail.kinds import old_workbook

MOST_MEMORY = 1_536 * 1024
LONGEST = 60
SAMPLE = 0.005

pytestmark = pytest.mark.django_db


def receive(content: bytes, name: str = "贫困人员.xlsx") -> Batch:
    return services.receive(
        chunks=[content[at : at + (1 << 20)] for at in range(0, len(content), 1 << 20)],
        file_name=name,
        partition=2018,
        region_prefix="4103",
        by=None,
    )


def staged_by_job(batch: Batch) -> tuple[Job, Batch]:
    job = services.request_stage(batch=batch, by=None)
    run = claim(job.pk)
    assert run is not None
    carry_out(run)
    job.refresh_from_db()
    batch.refresh_from_db()
    return job, batch


def files() -> list[Path]:
    return [path for path in Path(site.UPLOAD_DIR).rglob("*") if path.is_file()]


@pytest.fixture(autouse=True)
def own_folder(settings: Any, tmp_path: Path) -> None:
    settings.UPLOAD_DIR = tmp_path / "uploads"


@pytest.fixture
def peaks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The most memory of each child, in KiB, asked while it lives.

    What the kernel tells once it has ended would not do: that starts with the pages of its parent.
    """
    seen: list[int] = []

    class Watched(child.Child):
        def __init__(self, path: Path, file_format: str, seconds: float) -> None:
            super().__init__(path, file_format, seconds)
            seen.append(0)
            at = len(seen) - 1
            self._ask(at)
            Thread(target=self._watch, args=(at,), daemon=True).start()

        def _watch(self, at: int) -> None:
            while self.process.returncode is None and self._ask(at):
                sleep(SAMPLE)

        def _ask(self, at: int) -> bool:
            """Whether it still lived."""
            try:
                lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
            except OSError:
                return False
            most = [int(line.split()[1]) for line in lines if line.startswith("VmHWM:")]
            seen[at] = max([seen[at], *most])
            return bool(most)

    monkeypatch.setattr(child, "Child", Watched)
    return seen


@pytest.mark.parametrize("name", CASES)
def test_hostile_file_is_refused_with_its_code(name: str, city: None, peaks: list[int]) -> None:
    """The worker lives, nothing half is left, the child stayed within its bounds."""
    case, begun = CASES[name], monotonic()
    content = case.build()
    built = monotonic()
    try:
        batch = receive(content, case.name)
    except guard.RefusedError as refusal:
        code, text = refusal.code, str(refusal)
        assert files() == []
    else:
        job, batch = staged_by_job(batch)
        assert (job.state, batch.state) == (JobState.FAILED, BatchState.REFUSED)
        assert job.attempts == 1
        code, text = batch.refusal_code, batch.refusal
        assert job.error == text
    assert code == case.code
    assert code != "memory" or not PoisonedFile.objects.exists()
    assert text.endswith("。")
    assert text[:4] == WORDS[code][:4]
    assert monotonic() - built < LONGEST, monotonic() - begun
    assert all(0 < peak < MOST_MEMORY for peak in peaks)


def csv_of(rows: list[dict[str, Any]], separator: str = ",") -> str:
    lines = [P2018, *[[str(one.get(head, "")) for head in P2018] for one in rows]]
    return "\r\n".join(separator.join(line) for line in lines)


def two_sheets() -> bytes:
    """The rows stand in the second sheet; the first is hidden and holds something else."""
    people = row(1, P2018) + "".join(
        row(at, [one.get(head, "") for head in P2018]) for at, one in enumerate(family(1), 2)
    )
    return workbook(
        row(1, ["说明"]),
        {"xl/worksheets/sheet2.xml": sheet(people).encode()},
        book=book(
            '<sheet name="说明" sheetId="1" state="hidden" r:id="rId1"/>'
            '<sheet name="人员" sheetId="2" r:id="rId2"/>'
        ),
        relations=relations(
            ("worksheet", "worksheets/sheet1.xml"), ("worksheet", "worksheets/sheet2.xml")
        ),
    )


# How it is made, what it is called, and what the batch says of it.
FORMATS: dict[str, tuple[Callable[[], bytes], str, tuple[str, str, str]]] = {
    "xlsx": (lambda: build(family(1)), "人员.xlsx", ("xlsx", "", "Sheet")),
    "xlsx called csv": (lambda: build(family(1)), "人员.csv", ("xlsx", "", "Sheet")),
    "second sheet": (two_sheets, "人员.xlsx", ("xlsx", "", "人员")),
    "xls": (old_workbook, "人员.xls", ("xls", "", "人员")),
    "utf-8": (lambda: csv_of(family(1)).encode(), "人员.csv", ("csv", "UTF-8", "")),
    "mark": (lambda: csv_of(family(1)).encode("utf-8-sig"), "人员.csv", ("csv", "UTF-8", "")),
    "gbk": (lambda: csv_of(family(1)).encode("gbk"), "人员.csv", ("csv", "GB18030", "")),
    "gbk called xlsx": (lambda: csv_of(family(1)).encode("gbk"), "a.xlsx", ("csv", "GB18030", "")),
    "tabs": (lambda: csv_of(family(1), "\t").encode("utf-16"), "人员.txt", ("csv", "UTF-16", "")),
    "semicolons": (lambda: csv_of(family(1), ";").encode(), "人员.csv", ("csv", "UTF-8", "")),
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_staged_alike(name: str, city: None) -> None:
    make, file_name, told = FORMATS[name]
    job, batch = staged_by_job(receive(make(), file_name))
    assert job.state == JobState.DONE, job.error
    assert (batch.file_format, batch.encoding, batch.sheet_name) == told
    assert batch.counts("persons") == {"created": 2, "updated": 0, "unchanged": 0, "rejected": 0}
    assert batch.path.suffix == f".{FileFormat(batch.file_format)}"
    assert not PoisonedFile.objects.exists()


def test_stored_under_its_hash_and_readable_by_nobody_else(city: None) -> None:
    batch = receive(build(family(1)), "../../etc/贫困人员.xlsx")
    assert files() == [batch.path]
    assert batch.path.stem == batch.sha256
    assert stat.S_IMODE(batch.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(batch.path.parent.stat().st_mode) == 0o700
    assert batch.file_name == "贫困人员.xlsx"


def test_same_file_twice_is_stored_once(city: None) -> None:
    content = build(family(1))
    first, second = receive(content), receive(content)
    assert (first.path, first.pk) != (second.path, second.pk)
    assert files() == [first.path] == [second.path]


def test_same_file_twice_at_once_is_whole_for_both(city: None) -> None:
    """The second upload ends while the first is still being written."""
    content = build(family(1))

    def slowly() -> Iterator[bytes]:
        yield content[:100]
        assert receiving._store([content]).size == len(content)
        yield content[100:]

    stored = receiving._store(slowly())
    assert [path.read_bytes() for path in files()] == [content]
    assert stored.digest == files()[0].stem


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("call", ["fsync", "replace", "mkstemp"])
def test_full_disk_is_a_refusal_and_leaves_no_half_file(
    call: str, code: int, city: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise OSError(code, os.strerror(code))

    owner = {"fsync": os, "replace": Path, "mkstemp": receiving.tempfile}[call]
    monkeypatch.setattr(owner, call, full)
    with pytest.raises(guard.RefusedError) as refusal:
        receive(build(family(1)))
    assert refusal.value.code == "no_space"
    assert files() == []
    assert not Batch.objects.exists()


def test_other_faults_of_the_disk_are_no_refusal(
    city: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match="broken"):
        receive(build(family(1)))
    assert files() == []


def deadly() -> bytes:
    """Sound to look at, and its chains are; the parser wants more memory than there is."""
    return CASES["xls_far_cell"].build()


def test_file_that_kills_the_parser_is_counted_and_then_not_tried(
    city: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = deadly()
    for deaths in range(1, guard.MAX_DEATHS + 1):
        job, batch = staged_by_job(receive(content, "导出.xls"))
        assert (job.state, job.attempts, batch.refusal_code) == (JobState.FAILED, 1, "parser")
        assert PoisonedFile.objects.get().deaths == deaths
        assert PoisonedFile.objects.get().sha256 == batch.sha256

    def never(*_: Any) -> None:
        raise AssertionError("a child was started")

    monkeypatch.setattr(child, "Child", never)
    with pytest.raises(guard.RefusedError) as refusal:
        receive(content, "导出.xls")
    assert refusal.value.code == "poisoned"


def test_batch_received_before_is_not_tried_either(
    city: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = receive(deadly(), "导出.xls")
    PoisonedFile.objects.create(sha256=batch.sha256, deaths=guard.MAX_DEATHS)
    job, batch = staged_by_job(batch)
    assert (job.state, batch.refusal_code) == (JobState.FAILED, "poisoned")


def test_too_large_a_table_is_told_apart_and_not_counted(
    city: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tried three times, it would else be "poisoned" and its owner told to export it anew."""
    monkeypatch.setattr(limits, "MAX_CELLS", 50)
    for _ in range(guard.MAX_DEATHS + 1):
        job, batch = staged_by_job(receive(build(family(1))))
        assert (job.state, batch.refusal_code) == (JobState.FAILED, "large")
        assert "按县拆分后分别导入，或另存为 CSV 再上传" in batch.refusal
    assert not PoisonedFile.objects.exists()


def test_refusal_without_a_death_is_not_counted(city: None) -> None:
    _, batch = staged_by_job(receive(CASES["csv_with_an_open_quote"].build(), "a.csv"))
    assert batch.refusal_code == "quotes"
    assert not PoisonedFile.objects.exists()


def test_worker_that_dies_while_parsing_does_not_try_for_ever(city: None) -> None:
    """Killed itself, it can count nothing; the job's own attempts end it."""
    batch = receive(build(family(1)))
    job = services.request_stage(batch=batch, by=None)
    for _ in range(job.max_attempts):
        assert claim(job.pk) is not None
        Job.objects.filter(pk=job.pk).update(lease_until="2000-01-01T00:00:00Z")
    assert claim(job.pk) is None


def test_forged_archive_is_sound_until_it_lies() -> None:
    """The forger's archives fail for their lies, not for how they are made."""
    content = Forged(parts(row(1, P2018))).bytes()
    path = Path(site.UPLOAD_DIR)
    path.mkdir()
    (path / "a.xlsx").write_bytes(content)
    guard.inspect(path / "a.xlsx")
    guard.inspect_xml(path / "a.xlsx")
