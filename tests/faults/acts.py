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

from accounts.enums import Role
from core import failpoints
from core.acting import acting
from core.jobs import services as jobs
from core.jobs.models import Job, JobState
from exits.services.requests import request_recompute
from imports import services
from imports.enums import BatchState
from imports.models import Batch
from inspections.enums import RoundKind
from inspections.models import Round
from inspections.services import planning, rounds, sampling
from inspections.services.requests import request_results
from tests.conftest import person
from tests.faults.books import EDITED, YEAR, Book, household_no
from villages.enums import Basis
from villages.models import PopulationBase, Region


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


# Two strata could not be told apart without the facts of a year; two households of a type will do.
_DESIGN = {
    "strata": {"O0": {"villages": 1}},
    "takes": {"EXITED": {"households": 2}, "POOR": {"households": 2}},
    "missing_as_other": True,
}


def assess(county: str, persons: int) -> int:
    """Draw a round of the county and show it; whoever was told nothing finds it there."""
    known = Round.objects.filter(region_code__startswith=county, disclosed_at__isnull=False).first()
    if known is not None:
        return known.pk
    region = Region.objects.get(code=f"{county}000000")
    with transaction.atomic():
        office = person(f"office{county}", Role.CITY_OFFICE, "4103")
        PopulationBase.objects.create(
            region=region, region_code=region.code, year=YEAR, basis=Basis.RURAL, persons=persons,
            source="测试",
        )  # fmt: skip
        made = planning.plan_round(
            kind=RoundKind.CITY_REVIEW, name="市级初审", county=region, partition=YEAR,
            design=_DESIGN, by=office,
        )  # fmt: skip
        planning.freeze_frame(round=made, by=office)
        sampling.draw(round=made, by=office)
        rounds.disclose(round=made, by=office)
    return made.pk


def rebase(pk: int, persons: int) -> int:
    """Another population base, and ask for what the round says with it."""
    made = Round.objects.get(pk=pk)
    with acting(by=None, reason="人口基数"):
        PopulationBase.objects.filter(region_code=made.region_code, year=YEAR).update(
            persons=persons
        )
        return request_results(round_id=made.pk, held_by=made.held_by).pk


def retry(pk: int) -> None:
    job = Job.objects.get(pk=pk)
    if job.state == JobState.QUARANTINED:
        jobs.retry(job=job, by=None)
