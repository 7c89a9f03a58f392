"""How much of a batch with faults is written: a person's choice between preview and writing."""

from typing import Any

from django.db import transaction

from core.acting import acting
from core.jobs.models import Job
from core.jobs.services import enqueue
from households.models import Partition
from imports.catalog.plan import Plan
from imports.enums import Acceptance, BatchState, Grain
from imports.models import Batch
from imports.services.receiving import ClosedPartitionError, WrongStateError, stuck

WITH_ITS_HOUSEHOLD = "IMP26"


class RejectedRowsError(WrongStateError):
    """All or nothing was chosen and some rows are sent back; the text says what can be done."""


def request_acceptance(*, batch: Batch, acceptance: str, by: Any) -> Job:
    """Choose how much is written; a job judges again, so that the counts shown are what is written.

    Raises WrongStateError unless the batch is previewed and nothing else is done with it, ValueError
    for a word that is none of `Acceptance`.
    """
    chosen = Acceptance(acceptance)
    with acting(by=by, reason=f"选择接收方式 批次{batch.pk}"):
        # The choice itself is stored by the job, together with the counts it makes.
        if _quiet(batch).update(state=BatchState.STAGED) != 1:
            raise WrongStateError
        job = enqueue(
            "imports.judge",
            subject=f"导入批次 {batch.pk}",
            scope=batch.region_prefix,
            params={"batch": batch.pk, "acceptance": chosen.value},
            key=f"imports.judge:{batch.pk}",
            by=by,
        )
        Batch.objects.filter(pk=batch.pk).update(job=job)
    return job


def request_apply(*, batch: Batch, by: Any) -> Job:
    """Ask for a previewed batch to be written.

    Raises RejectedRowsError where all rows were to be good and some are not, WrongStateError unless
    the batch is previewed and its counts stand, ClosedPartitionError when the year is closed.
    """
    with transaction.atomic():
        locked = Batch.objects.select_for_update().get(pk=batch.pk)
        if Partition.objects.filter(pk=locked.partition, closed_at__isnull=False).exists():
            raise ClosedPartitionError
        if refusal := all_or_nothing(locked):
            raise RejectedRowsError(refusal)
        if _quiet(batch).update(state=BatchState.APPLYING) != 1:
            raise WrongStateError
        job = enqueue(
            "imports.apply",
            subject=f"导入批次 {batch.pk}",
            scope=batch.region_prefix,
            params={"batch": batch.pk},
            key=f"imports.apply:{batch.pk}",
            by=by,
        )
        Batch.objects.filter(pk=batch.pk).update(job=job)
    return job


def _quiet(batch: Batch) -> Any:
    """The batch while it is previewed and no job works on it; an update knows no joins.

    Previewed is also what a job was to write that failed or was cancelled: nothing was written.
    """
    quiet = Batch.objects.filter(stuck(BatchState.STAGED) | stuck(BatchState.APPLYING), pk=batch.pk)
    return Batch.objects.filter(pk__in=quiet.values("pk"))


def all_or_nothing(batch: Batch) -> str:
    """Why nothing may be written where all rows were to be good; empty when it may."""
    back = max(batch.persons_rejected, batch.entries_rejected, batch.households_rejected)
    if batch.acceptance != Acceptance.ALL or not back:
        return ""
    return (
        f"已选择“{Acceptance.ALL.label}”，但还有 {back:,} 行退回。"
        "请下载退回文件，更正后重新上传；或改选其他接收方式。"
    )


def send_back_households(cursor: Any, plan: Plan, batch: Batch) -> None:
    """Of a household with any row sent back, send the others back too, where that was chosen.

    Called before rows are counted, of households and persons once they are judged: the fault names
    the first row that the household is sent back for.
    """
    if batch.acceptance != Acceptance.HOUSEHOLDS or plan.grain == Grain.VILLAGE:
        return
    cursor.execute(
        f"INSERT INTO {plan.faults} (row_no, rule, identifier, other_row)"
        f" SELECT r.row_no, %s, 'household_no', bad.first_row FROM {plan.rows} r"
        f" JOIN (SELECT household_no, min(row_no) AS first_row FROM {plan.rows}"
        f"        JOIN {plan.errors} USING (row_no) WHERE household_no <> ''"
        f"       GROUP BY household_no) AS bad USING (household_no)"
        f" WHERE r.row_no NOT IN (SELECT row_no FROM {plan.errors})",
        [WITH_ITS_HOUSEHOLD],
    )
    if not cursor.rowcount:
        return
    cursor.execute(
        f"INSERT INTO {plan.errors} SELECT row_no FROM {plan.faults} WHERE rule = %s",
        [WITH_ITS_HOUSEHOLD],
    )
    for table in (plan.households, plan.persons, f"staging.{plan.stage}_e"):
        cursor.execute("SELECT to_regclass(%s)", [table])
        if cursor.fetchone()[0] is None:
            continue
        # A household is spoken for by one of its rows; all of them are sent back.
        cursor.execute(f"DELETE FROM {table} WHERE row_no IN (SELECT row_no FROM {plan.errors})")
