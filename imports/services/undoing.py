"""Undoing a written batch as a whole: the register as it was before, or a word for what is in the way.

Rows that the batch changed come back from the old images its own act left; rows it created are
removed by the one function that may; what it booked in the ledger of movement is taken back line by
line. The history of both acts, the problems and the rows of the file stay.
"""

from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import Q

from core.acting import acting
from core.failpoints import failpoint
from core.jobs.models import Job
from core.jobs.services import enqueue
from households.services.movements import reverse_movements
from imports.enums import BatchState, Target
from imports.models import Batch
from imports.queries.touched import MODELS
from imports.services import obstructing
from imports.services.receiving import (
    ClosedMeanwhileError,
    WrongStateError,
    hold_open,
    stuck,
)
from imports.services.restoring import restore
from imports.services.rotating import refuse_unsettled
from imports.services.staging import Progress, quiet
from imports.services.touching import former_places_so_far, touch_former_places

# Created years go before anything comes back: a head that returns needs the place of the new one.
_REMOVED_FIRST = (Target.WORK_SPELL, Target.VILLAGE_YEAR, Target.PERSON_YEAR)
# What others hang on comes first: places of households reach their persons by the keys themselves.
_RESTORED = (
    Target.HOUSEHOLD_YEAR,
    Target.HOUSEHOLD,
    Target.PERSON_YEAR,
    Target.PERSON,
    Target.WORK_SPELL,
    Target.VILLAGE_YEAR,
)
_REMOVED_LAST = (
    Target.FORMER_PLACE,
    Target.HOUSEHOLD_YEAR,
    Target.PERSON,
    Target.HOUSEHOLD,
)


class ObstructedError(Exception):
    """Something stands in the way; `obstacles` says what, in whole sentences."""

    def __init__(self, obstacles: list[str]) -> None:
        super().__init__("".join(obstacles))
        self.obstacles = obstacles


def obstacles(batch: Batch) -> list[str]:
    """What stands in the way of undoing this batch, in words for the person; nothing: it can be undone."""
    return obstructing.obstacles(batch)


def request_undo(*, batch: Batch, by: Any) -> Job:
    """Ask for a written batch to be undone.

    Raises WrongStateError unless it is written, ObstructedError when it is clear already that it
    cannot be done; the job looks again under its lock.
    """
    if found := obstacles(batch):
        raise ObstructedError(found)
    with acting(by=by, reason=f"撤销导入 批次{batch.pk}"):
        due = Batch.objects.filter(
            Q(state=BatchState.APPLIED) | stuck(BatchState.UNDOING), pk=batch.pk
        )
        # A subquery, because an update knows no joins.
        changed = Batch.objects.filter(pk__in=due.values("pk")).update(state=BatchState.UNDOING)
        if changed != 1:
            raise WrongStateError
        job = enqueue(
            "imports.undo",
            subject=f"导入批次 {batch.pk}",
            scope=batch.region_prefix,
            params={"batch": batch.pk},
            key=f"imports.undo:{batch.pk}",
            by=by,
        )
        Batch.objects.filter(pk=batch.pk).update(job=job)
    return job


def undo(*, batch: Batch, job: int, by: int | None, progress: Progress = quiet) -> None:
    """Undo the batch, all of it or nothing; to be called inside the act's transaction.

    Raises ObstructedError, KeysUnsettledError while keys are being changed. Saves the batch.
    """
    with connection.cursor() as cursor:
        failpoint("imports.undo.begun")
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('imports.apply'))")
        cursor.execute("SELECT set_config('work_mem', '256MB', true)")
        try:
            hold_open(batch.partition)
        except ClosedMeanwhileError as error:
            raise ObstructedError([obstructing.CLOSED.format(batch.partition)]) from error
        refuse_unsettled()
        if found := obstructing.gathered_obstacles(batch):
            raise ObstructedError(found)
        former_places = former_places_so_far(cursor)
        try:
            # Foreign keys tell of what came to refer to a row meanwhile.
            with transaction.atomic():
                _take_back(cursor, batch, former_places, progress)
        except IntegrityError as error:
            found = obstructing.gathered_obstacles(batch) or [obstructing.REFERRED_TO]
            raise ObstructedError(found) from error
        # An edit that was committed while rows were waited for shows by now.
        if found := obstructing.changed_since(batch, but=job):
            raise ObstructedError(found)
        failpoint("imports.undo.taken")
        progress("更正变动台账", 0, None)
        _reverse_bookings(batch, job, by)
        failpoint("imports.undo.booked")
        # Identities leave no marks; whoever judged before judges again.
        cursor.execute("SELECT nextval('households_dirtyregion_id_seq'), clock_timestamp()")
        batch.undone_at = cursor.fetchone()[1]
    batch.state = BatchState.UNDONE
    batch.undone_by_id = by
    batch.save(update_fields=["state", "undone_at", "undone_by"])
    failpoint("imports.undo.saved")


def _take_back(cursor: Any, batch: Batch, former_places: int, progress: Progress) -> None:
    progress("移除新增的行", 0, None)
    for target in _REMOVED_FIRST:
        _remove_created(cursor, batch, target)
    for at, target in enumerate(_RESTORED):
        progress("恢复变更的行", at, len(_RESTORED))
        wanted, restored = restore(cursor, batch, target, MODELS[target])
        if wanted != restored:
            raise ObstructedError([obstructing.IMAGES_MISSING.format(wanted - restored)])
    # What moved back was nowhere else, then.
    touch_former_places(cursor, batch, former_places)
    progress("移除新增的户和人", 0, None)
    for target in _REMOVED_LAST:
        _remove_created(cursor, batch, target)
    # Some keys are looked at when all is committed; then nobody could be told any more.
    cursor.execute("SELECT set_config('enable_seqscan', 'off', true)")
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    cursor.execute("SELECT set_config('enable_seqscan', 'on', true)")


def _remove_created(cursor: Any, batch: Batch, target: Target) -> None:
    cursor.execute("SELECT imports_remove_created(%s, %s)", [batch.pk, target.value])


def _reverse_bookings(batch: Batch, job: int, by: int | None) -> None:
    assert batch.applied_from is not None  # noqa: S101 - obstacles() saw to both
    assert batch.applied_at is not None  # noqa: S101
    reverse_movements(
        partition=batch.partition,
        booked_by=batch.applied_job_id,
        booked=(batch.applied_from, batch.applied_at),
        reason=f"撤销导入批次 {batch.pk}",
        job=job,
        by=by,
    )
