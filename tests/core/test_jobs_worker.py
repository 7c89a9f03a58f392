"""A real worker on a real broker, killed in the middle: nothing lost, nothing doubled."""

import signal

import psycopg2
import pytest
from django.db import connection, transaction

from core.jobs.models import Job, JobState
from exits.models import Snapshot
from exits.services.requests import request_recompute
from households.catalog import sync_codes
from households.models import DirtyRegion, Household, HouseholdYear, Person, PersonYear, StatusEvent
from imports import services
from imports.catalog import sync_layouts
from imports.models import Batch
from tests.conftest import Worker, eventually
from tests.villages.lists import CITY, load
from tests.workbooks import build, family

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("redis")]


class Gate:
    """Holds an advisory lock that the work needs, so that a child stands still in the middle."""

    def __init__(self, name: str, *more: int) -> None:
        self.session = psycopg2.connect(
            **connection.get_connection_params() | {"cursor_factory": None}
        )
        self.session.autocommit = True
        places = ", ".join(["hashtext(%s)", *["%s"] * len(more)])
        self.run(f"SELECT pg_advisory_lock({places})", [name, *more])

    def run(self, sql: str, values: list[object] | None = None) -> list[tuple[object, ...]]:
        with self.session.cursor() as cursor:
            cursor.execute(sql, values)
            return list(cursor.fetchall())

    def someone_waits(self) -> bool:
        found = self.run(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        )
        return bool(found[0][0])

    def open(self) -> None:
        self.session.close()


def kill_the_busy_child(worker: Worker, gate: Gate, job: Job) -> None:
    def in_the_middle() -> bool:
        job.refresh_from_db()
        return job.state == JobState.RUNNING and gate.someone_waits()

    eventually(in_the_middle, what="进程到达中途")
    for child in worker.children():
        child.send_signal(signal.SIGKILL)


def done(job: Job) -> bool:
    job.refresh_from_db()
    assert job.state not in (JobState.FAILED, JobState.QUARANTINED), job.error
    return job.state == JobState.DONE


def test_child_killed_in_the_middle_of_an_import(worker: Worker) -> None:
    load(CITY)
    sync_codes()
    sync_layouts()
    rows = [row for number in range(1, 201) for row in family(number)]
    batch = services.receive(
        chunks=[build(rows)], file_name="a.xlsx", partition=2018, region_prefix="4103", by=None
    )
    staged = services.request_stage(batch=batch, by=None)
    eventually(lambda: done(staged), what="预览完成")
    gate = Gate("imports.apply")
    applied = services.request_apply(batch=Batch.objects.get(pk=batch.pk), by=None)
    kill_the_busy_child(worker, gate, applied)
    assert Person.objects.count() == 0
    gate.open()
    eventually(lambda: done(applied), seconds=90, what="导入完成")
    applied.refresh_from_db()
    assert applied.attempts == 2
    assert (Household.objects.count(), HouseholdYear.objects.count()) == (200, 200)
    assert (Person.objects.count(), PersonYear.objects.count()) == (400, 400)
    assert StatusEvent.objects.count() == 200
    batch.refresh_from_db()
    assert batch.counts("persons") == {"created": 400, "updated": 0, "unchanged": 0, "rejected": 0}
    # The marks of the import reach the figures by themselves, through beat.
    eventually(
        lambda: Snapshot.objects.filter(
            region_code="410300000000", metric="registered", numerator=400
        ).exists(),
        seconds=30,
        what="指标更新",
    )


def test_child_killed_in_the_middle_of_a_metrics_run(worker: Worker) -> None:
    load(CITY)
    # The shipped income lines ask for their years first.
    eventually(lambda: not DirtyRegion.objects.exists() and not Job.objects.open().exists())
    with transaction.atomic():
        gate = Gate("exits.roll_up", 4103)
        jobs = request_recompute(prefix="410324", partition=2018)
    kill_the_busy_child(worker, gate, jobs[0])
    gate.open()
    eventually(lambda: done(jobs[0]), seconds=90, what="重算完成")
    jobs[0].refresh_from_db()
    assert jobs[0].attempts == 2
    figures = Snapshot.objects.filter(
        region_code="410324000000", metric="registered", partition=2018
    )
    assert [figure.numerator for figure in figures] == [0]
