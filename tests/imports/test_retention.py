"""What is no longer needed goes, once, and what must stay stays."""

import hashlib
import os
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection, connections, transaction
from django.utils import timezone

from core import retention
from core.checks import check_hosts
from core.exports.models import ExportFile, FileState
from core.jobs.models import Job, JobState
from core.jobs.services import claim
from core.jobs.tasks import carry_out
from core.ledger.models import AccessEntry
from core.retention.keeping import Rule, check_days
from core.retention.tasks import apply_retention
from imports.enums import BatchState
from imports.models import Batch, Problem
from imports.services.receiving import receive
from imports.services.retention import remove_workbooks
from tests.workbooks import family, member

LONG = 400
RULES = {rule.name: rule for rule in retention.rules()}


@pytest.fixture(autouse=True)
def places(settings: Any, tmp_path: Path) -> None:
    settings.UPLOAD_DIR = tmp_path / "uploads"
    settings.UPLOAD_DIR.mkdir()
    settings.VAR_DIR = tmp_path


def run(name: str, **more: Any) -> tuple[int, int | None]:
    with transaction.atomic():
        result = retention.apply(RULES[name], **more)
    return result.due, result.removed


def aged(batch: Batch, days: int) -> Batch:
    Batch.objects.filter(pk=batch.pk).update(created_at=timezone.now() - timedelta(days=days))
    if batch.path.exists():
        old = time.time() - days * 24 * 3600
        os.utime(batch.path, (old, old))
    batch.refresh_from_db()
    return batch


def staging_tables() -> list[str]:
    """Those of batches that exist: what an earlier test's killed worker left belongs to none."""
    own = {f"b{pk}" for pk in Batch.objects.values_list("pk", flat=True)}
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'staging'")
        return [name for (name,) in cursor.fetchall() if name.split("_")[0] in own]


def noted() -> list[tuple[str, int]]:
    entries = AccessEntry.objects.filter(act="RETENTION").order_by("id")
    return [(entry.subject, entry.rows) for entry in entries]


# --- drafts ------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_drafts_nobody_confirmed_go_and_their_rows_with_them(stage: Callable[..., Batch]) -> None:
    old, new = aged(stage(family(1)), 31), stage(family(1))
    assert run("drafts", dry_run=True) == (1, 0)
    assert run("drafts") == (1, 1)
    old.refresh_from_db()
    new.refresh_from_db()
    assert (old.state, old.stage, new.state) == (BatchState.DISCARDED, "", BatchState.STAGED)
    assert {name.split("_")[0] for name in staging_tables()} == {f"b{new.pk}"}
    # The file and what was wrong in it follow later.
    assert old.path.exists()
    assert run("drafts") == (0, 0)
    assert noted() == [("drafts", 1)]


@pytest.mark.django_db
def test_a_draft_that_is_worked_on_stays(stage: Callable[..., Batch]) -> None:
    batch = aged(stage(family(1)), LONG)
    job = Job.objects.create(kind="imports.stage", queue="imports")
    Batch.objects.update(job=job)
    assert run("drafts") == (0, 0)
    Batch.objects.update(state=BatchState.APPLYING)
    assert run("drafts") == (0, 0)
    # Nobody is writing it any more, and nobody asked again.
    Job.objects.update(state=JobState.CANCELLED)
    assert run("drafts") == (1, 1)
    batch.refresh_from_db()
    assert batch.state == BatchState.DISCARDED


def test_raw_rows_of_what_was_taken_back_go_with_the_uploads(
    load_rows: Callable[..., Batch], settings: Any
) -> None:
    settings.RETAIN_RAW_DAYS = 0
    kept, over = load_rows(family(1)), load_rows(family(2))
    for batch in (kept, over):
        aged(batch, LONG)
    long_ago = timezone.now() - timedelta(days=LONG)
    Batch.objects.filter(pk__in=[kept.pk, over.pk]).update(applied_at=long_ago)
    assert run("raws-in-vain") == (0, 0)
    Batch.objects.filter(pk=over.pk).update(state=BatchState.UNDONE, undone_at=timezone.now())
    assert run("raws-in-vain") == (0, 0)
    Batch.objects.filter(pk=over.pk).update(undone_at=long_ago)
    assert run("raws") == (0, 0)
    assert run("raws-in-vain") == (1, 1)
    assert (kept.raw_blocks.count(), over.raw_blocks.count()) == (1, 0)
    settings.RETAIN_RAW_DAYS = LONG - 1
    assert run("raws") == (1, 1)


@pytest.mark.django_db
def test_rows_left_behind_by_a_refused_batch_go(stage: Callable[..., Batch]) -> None:
    batch = aged(stage(family(1)), 31)
    Batch.objects.update(state=BatchState.REFUSED)
    assert run("drafts") == (1, 1)
    assert staging_tables() == []
    batch.refresh_from_db()
    assert batch.state == BatchState.REFUSED
    assert run("drafts") == (0, 0)


# --- uploaded files ----------------------------------------------------------------------------


@pytest.mark.django_db
def test_workbooks_go_and_the_record_of_them_stays(load_rows: Callable[..., Batch]) -> None:
    old = aged(load_rows(family(1)), 181)
    new = load_rows(family(2))
    counts = old.counts("persons")
    assert run("workbooks", dry_run=True) == (1, 0)
    assert old.path.exists()
    assert run("workbooks") == (1, 1)
    assert not old.path.exists()
    assert new.path.exists()
    old.refresh_from_db()
    assert (old.state, old.counts("persons"), len(old.sha256)) == ("APPLIED", counts, 64)
    assert run("workbooks") == (0, 0)


@pytest.mark.django_db
def test_a_workbook_that_a_draft_or_a_younger_batch_needs_stays(
    stage: Callable[..., Batch], load_rows: Callable[..., Batch]
) -> None:
    draft = aged(stage(family(1)), LONG)
    assert run("workbooks") == (0, 0)
    Batch.objects.update(state=BatchState.DISCARDED)
    # The same file again, yesterday.
    young = receive(
        chunks=[draft.path.read_bytes()], file_name="x.xlsx", partition=2018,
        region_prefix="4103", by=None,
    )  # fmt: skip
    assert young.path == draft.path
    aged(young, 2)
    os.utime(draft.path, (0, 0))
    assert run("workbooks") == (0, 0)
    aged(young, LONG)
    Batch.objects.update(state=BatchState.DISCARDED)
    assert run("workbooks") == (1, 1)


@pytest.mark.django_db
def test_a_file_that_arrives_while_it_is_removed_is_kept() -> None:
    """Listed as old, and there again, fresh, before its turn came."""
    file = site.UPLOAD_DIR / "ab" / f"{'ab' * 32}.xlsx"
    file.parent.mkdir()
    file.write_bytes(b"new")
    assert remove_workbooks([file, file.with_name("gone.xlsx")]) == 0
    assert file.read_bytes() == b"new"
    assert [one.name for one in file.parent.iterdir()] == [file.name]


@pytest.mark.django_db
def test_parts_of_broken_uploads_go_after_a_day() -> None:
    for name, age in (("old.part", 2), ("new.part", 0)):
        part = site.UPLOAD_DIR / name
        part.write_bytes(b"x")
        os.utime(part, (time.time() - age * 86400,) * 2)
    assert run("workbooks") == (1, 1)
    assert [one.name for one in site.UPLOAD_DIR.iterdir()] == ["new.part"]


@pytest.mark.django_db
def test_what_problems_quoted_goes_and_the_problems_stay(stage: Callable[..., Batch]) -> None:
    batch = aged(stage([member(1, 证件号码="99032419700101001")]), 181)
    quoting = Problem.objects.filter(batch=batch, value__isnull=False)
    before = Problem.objects.filter(batch=batch).count()
    assert quoting.exists()
    due, removed = run("quotes")
    assert due == 1
    assert removed
    assert not quoting.exists()
    assert Problem.objects.filter(batch=batch).count() == before
    assert run("quotes") == (0, 0)


# --- exports, sessions, logs -------------------------------------------------------------------


@pytest.fixture
def export_file(luanchuan_clerk: Any) -> Callable[..., ExportFile]:
    def make(days: int, text: str = "x", **more: Any) -> ExportFile:
        file = ExportFile.objects.create(
            kind="households", region_prefix="410324", file_format="xlsx", purpose="核对名单",
            asked_by=luanchuan_clerk, expires_at=timezone.now() - timedelta(days=days),
            sha256=hashlib.sha256(text.encode()).hexdigest(), rows=1, state=FileState.READY, **more,
        )  # fmt: skip
        file.path.parent.mkdir(parents=True, exist_ok=True)
        file.path.write_text(text)
        return file

    return make


@pytest.mark.django_db
def test_exports_go_when_their_time_is_over(
    export_file: Callable[..., ExportFile], django_capture_on_commit_callbacks: Any
) -> None:
    over, kept, shared, other = (
        export_file(1), export_file(-1, "y"), export_file(1, "z"), export_file(-1, "z"),
    )  # fmt: skip
    with django_capture_on_commit_callbacks(execute=True):
        assert run("export-files") == (2, 2)
    assert not over.path.exists()
    assert kept.path.exists()
    # Two exports of the same rows are one file.
    assert shared.path == other.path
    assert other.path.exists()
    assert run("export-files") == (0, 0)
    over.refresh_from_db()
    assert over.state == FileState.REMOVED


@pytest.mark.django_db
def test_strays_below_exports_go_after_a_day(export_file: Callable[..., ExportFile]) -> None:
    kept = export_file(-1)
    stray = kept.path.with_name(f"{'0' * 64}.xlsx")
    part = kept.path.parents[1] / "x.part"
    for file in (stray, part):
        file.write_text("x")
    assert run("export-strays") == (0, 0)
    for file in (stray, part, kept.path):
        os.utime(file, (0, 0))
    assert run("export-strays") == (2, 2)
    assert kept.path.exists()


@pytest.mark.django_db
def test_ended_sessions_go() -> None:
    moment = timezone.now()
    for key, hours in (("old", -1), ("new", 1)):
        Session.objects.create(
            session_key=key, session_data="", expire_date=moment + timedelta(hours=hours)
        )
    assert run("sessions") == (1, 1)
    assert list(Session.objects.values_list("session_key", flat=True)) == ["new"]


@pytest.mark.django_db
def test_logs_nobody_writes_to_go_after_years() -> None:
    folder = site.VAR_DIR / "log"
    folder.mkdir()
    for name, days in (("web.log", 0), ("web.log.1", 200), ("web.log.2", 1100)):
        (folder / name).write_text("x")
        os.utime(folder / name, (time.time() - days * 86400,) * 2)
    assert run("logs") == (1, 1)
    assert sorted(file.name for file in folder.iterdir()) == ["web.log", "web.log.1"]


# --- all of it ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "days", "codes"),
    [
        ("RETAIN_LOG_DAYS", 182, ["core.E101"]),
        ("RETAIN_LOG_DAYS", 183, []),
        ("RETAIN_DRAFT_DAYS", 0, ["core.E102"]),
        ("RETAIN_UPLOAD_DAYS", 0, ["core.E102"]),
        ("RETAIN_EXPORT_DAYS", -1, ["core.E102"]),
    ],
)
def test_times_that_must_not_be_are_refused(
    settings: Any, name: str, days: int, codes: list[str]
) -> None:
    setattr(settings, name, days)
    assert [error.id for error in check_days()] == codes


@pytest.mark.parametrize(
    ("hosts", "codes"),
    [(["*"], ["core.E100"]), (["a.example", " * "], ["core.E100"]), (["a.example"], [])],
)
def test_a_site_has_a_name(settings: Any, hosts: list[str], codes: list[str]) -> None:
    settings.ALLOWED_HOSTS = hosts
    assert [error.id for error in check_hosts()] == codes


@pytest.mark.django_db
def test_no_rule_touches_the_history_or_a_ledger(
    stage: Callable[..., Batch], export_file: Callable[..., ExportFile]
) -> None:
    """Every rule with something due; what it writes is looked at."""
    aged(stage([member(1, 证件号码="99032419700101001")]), LONG)
    export_file(1)
    Session.objects.create(session_key="x", session_data="", expire_date=timezone.now())
    written: list[str] = []

    def look(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        if str(sql).lstrip().upper().startswith(("DELETE", "UPDATE", "TRUNCATE", "DROP")):
            written.append(str(sql))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(look):
        for name in RULES:
            run(name)
    assert len(written) >= 4
    assert not [
        sql for sql in written if "_history" in sql or "core_access" in sql or "core_seal" in sql
    ]


@pytest.mark.django_db
def test_a_run_is_bounded(stage: Callable[..., Batch]) -> None:
    for _ in range(3):
        aged(stage(family(1)), LONG)
    assert [run("drafts", limit=2) for _ in range(3)] == [(2, 2), (1, 1), (0, 0)]


@pytest.mark.django_db
def test_command_lists_and_removes(stage: Callable[..., Batch]) -> None:
    aged(stage(family(1)), 31)

    def said(*words: str) -> str:
        out = StringIO()
        call_command("apply_retention", *words, stdout=out)
        return out.getvalue()

    listed = said("--dry-run")
    assert "未确认的导入批次（暂存数据）" in listed
    assert "到期 1 项，未清理" in listed
    assert Batch.objects.get().state == BatchState.STAGED
    assert "已清理 1 项" in said("--limit", "1")
    assert Batch.objects.get().state == BatchState.DISCARDED
    assert len(said().splitlines()) == len(RULES)
    assert "项" not in said()


@pytest.mark.django_db
def test_the_daily_job_runs_every_rule(stage: Callable[..., Batch]) -> None:
    aged(stage(family(1)), 31)
    apply_retention()
    apply_retention()
    job = Job.objects.get(kind="core.retention")
    claimed = claim(job.pk)
    assert claimed is not None
    carry_out(claimed)
    job.refresh_from_db()
    assert job.state == JobState.DONE
    assert job.result["removed"]["drafts"] == 1
    assert set(job.result["removed"]) == set(RULES)


def test_beat_asks_for_it() -> None:
    assert site.CELERY_BEAT_SCHEDULE["apply-retention"]["task"] == "core.apply_retention"


@pytest.fixture
def told(monkeypatch: Any) -> list[int]:
    """Rows that would be noted: what is committed to the ledger outlives the test."""
    rows: list[int] = []
    monkeypatch.setattr(
        "core.retention.keeping.ledger.note", lambda *_, **entry: rows.append(entry["rows"])
    )
    return rows


@pytest.fixture
def slow_rule() -> tuple[Rule, threading.Event, threading.Event]:
    inside, go_on = threading.Event(), threading.Event()

    def remove(things: Any) -> int:
        inside.set()
        assert go_on.wait(20)
        return len(things)

    return Rule("slow", "慢", lambda *_: [1], remove), inside, go_on


@pytest.mark.django_db(transaction=True)
@pytest.mark.integration
def test_two_runs_at_once_do_not_meet(
    slow_rule: tuple[Rule, threading.Event, threading.Event], told: list[int]
) -> None:
    rule, inside, go_on = slow_rule
    first: list[int | None] = []

    def run_it() -> None:
        try:
            with transaction.atomic():
                first.append(retention.apply(rule).removed)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run_it)
    thread.start()
    assert inside.wait(20)
    with transaction.atomic():
        assert retention.apply(rule).removed is None
    go_on.set()
    thread.join()
    assert first == [1]


@pytest.mark.django_db(transaction=True)
@pytest.mark.integration
def test_two_real_runs_at_once_remove_everything_once(
    stage: Callable[..., Batch], told: list[int]
) -> None:
    for _ in range(3):
        aged(stage(family(1)), LONG)
    removed: list[int] = []

    def run_it() -> None:
        try:
            removed.extend(run("drafts", limit=1)[1] or 0 for _ in range(3))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run_it) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    while (more := run("drafts")[1]) != 0:
        removed.append(more or 0)
    assert sum(removed) == 3
    assert staging_tables() == []
    assert sum(told) == 3
