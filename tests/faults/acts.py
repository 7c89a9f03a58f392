"""What a clerk does, each time in a process of its own: as mortal as the web process it stands for."""

import contextlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, connections, transaction

from core import failpoints
from core.acting import acting
from core.jobs import services as jobs
from core.jobs.models import Job, JobState
from exits.services.requests import request_recompute
from imports import services
from imports.enums import BatchState
from imports.models import Batch
from tests.faults.books import EDITED, YEAR, Book, household_no


@dataclass
class Act:
    """Something a clerk did in a web process of their own, which may die of it."""

    pid: int
    pipe: int
    answer: dict[str, Any] | None = None
    text: bytes = b""

    def poll(self) -> bool:
        """Whether it is over; `answer` is None when the process died without one."""
        with contextlib.suppress(BlockingIOError):
            while part := os.read(self.pipe, 65_536):
                self.text += part
            os.close(self.pipe)
            os.waitpid(self.pid, 0)
            self.answer = json.loads(self.text) if self.text else None
            return True
        return False


def fork(work: Callable[[], Any], points: Path) -> Act:
    """Do it in a fork, as a web process would: with failpoints, and mortal."""
    connections.close_all()
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    pid = os.fork()
    if pid:
        os.close(writing)
        return Act(pid, reading)
    code = 1
    try:
        os.close(reading)
        os.write(writing, json.dumps(_done(work, points)).encode())
        code = 0
    finally:
        os._exit(code)


def _done(work: Callable[[], Any], points: Path) -> Mapping[str, Any]:
    settings.FAILPOINTS = f"@{points}"
    failpoints.forget()
    try:
        return {"value": work()}
    except Exception as error:
        code = getattr(error, "code", "")
        return {"error": type(error).__name__, "words": str(error)[:300], "code": code}


def receive(book: Book) -> tuple[int, int]:
    """As the page does: file, batch and request in one transaction."""
    with transaction.atomic():
        batch = services.receive(
            chunks=[book.content],
            file_name=f"{book.county}.xlsx",
            partition=YEAR,
            region_prefix=book.county,
            by=None,
        )
        job = services.request_stage(batch=batch, by=None)
    return batch.pk, job.pk


def confirm(pk: int) -> int:
    """Confirm; who was told nothing the first time finds that it was heard."""
    batch = Batch.objects.get(pk=pk)
    if batch.state in (BatchState.APPLYING, BatchState.APPLIED):
        assert batch.job_id is not None
        return batch.job_id
    return services.request_apply(batch=batch, by=None).pk


def undo(pk: int) -> int:
    """Ask for the batch to be taken back; the same courtesy."""
    batch = Batch.objects.get(pk=pk)
    if batch.state in (BatchState.UNDOING, BatchState.UNDONE):
        assert batch.job_id is not None
        return batch.job_id
    return services.request_undo(batch=batch, by=None).pk


def edit(county: str, cause: str) -> int:
    """Change a household by hand and ask for the county's figures."""
    with acting(by=None, reason="更正"), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE households_householdyear y SET main_cause = %s FROM households_household h"
            " WHERE h.id = y.household_id AND y.partition_id = %s AND h.household_no = %s",
            [cause, YEAR, household_no(county, EDITED)],
        )
        assert cursor.rowcount == 1
        (job,) = request_recompute(prefix=county, partition=YEAR)
    return job.pk


def retry(pk: int) -> None:
    job = Job.objects.get(pk=pk)
    if job.state == JobState.QUARANTINED:
        jobs.retry(job=job, by=None)
