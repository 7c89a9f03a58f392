"""Background work on workbooks."""

import json
from collections.abc import Sequence

from django.db import IntegrityError

from core import walls
from core.acting import acting
from core.failpoints import failpoint
from core.jobs.services import JobFailedError, LostLeaseError, Run, finish, handles
from imports import services
from imports.catalog.plan import Plan
from imports.enums import BatchState
from imports.models import Batch, ReturnedFile
from imports.services import returning
from imports.services.accepting import RejectedRowsError
from imports.services.applying import ChangedSincePreviewError
from imports.services.problems import save_problems
from imports.services.receiving import ClosedMeanwhileError, count_death, drop_stage
from imports.services.staging import UnmappedError
from imports.services.superseding import supersede
from imports.services.undoing import ObstructedError

Counts = tuple[dict[str, int], ...]
# States of a batch that may be read and judged.
_TO_STAGE = (BatchState.UPLOADED, BatchState.STAGED)
UNMAPPED = "文件的表头现在不能识别，没有写入任何数据。请重新对应列。"
FILE_GONE = "上传的文件已不在，没有写入任何数据。请重新上传。"


def _counts(batch: Batch) -> Counts:
    return tuple(batch.counts(kind) for kind in ("households", "persons", "entries"))


@handles("imports.stage", queue="imports", label="解析工作簿")
def stage_job(run: Run) -> None:
    """Read, stage and judge; the effect is the batch's counts, problems and stage name."""
    with run.scoped():
        batch = Batch.objects.get(pk=run.params["batch"])
        if batch.state not in _TO_STAGE:
            raise JobFailedError("批次状态已变化，不再解析。")
    try:
        with run.scoped():
            plan = services.stage(
                batch=batch, stage_name=_stage_name(run, batch), progress=run.progress
            )
            run.require_held()
    except UnmappedError as unmapped:
        _ask_for_columns(run, batch, unmapped.head)
        return
    except JobFailedError as refusal:
        _refuse(run, batch, refusal, _TO_STAGE)
        return
    failpoint("imports.stage.committed")
    try:
        run.progress("保存问题清单")
        with run.effect(reason="解析工作簿"):
            _require_state(batch, *_TO_STAGE)
            save_problems(batch, plan)
            failpoint("imports.stage.problems")
            batch.save()
            supersede(batch)
            failpoint("imports.stage.saved")
    except (JobFailedError, LostLeaseError):
        # Nobody else knows of these tables.
        with run.scoped():
            for table in plan.tables:
                walls.drop_scratch(table)
        raise


def _stage_name(run: Run, batch: Batch) -> str:
    """Another name for every try of every job: what one left behind is nobody else's."""
    return f"b{batch.pk}_{run.job_id}_{run.token}"


def _refuse(run: Run, batch: Batch, refusal: JobFailedError, states: Sequence[str]) -> None:
    """The file cannot be read, at first or any more: nothing of it is written."""
    code = getattr(refusal.__cause__, "code", "")
    with run.refusal(str(refusal), reason="解析工作簿"):
        _require_state(batch, *states)
        if getattr(refusal.__cause__, "is_death", False):
            count_death(batch.sha256)
        drop_stage(batch)
        Batch.objects.filter(pk=batch.pk).update(
            state=BatchState.REFUSED,
            stage="",
            refusal=str(refusal)[:500],
            refusal_code=code[:20],
            layout=batch.layout,
        )


def _staged_again(run: Run, batch: Batch, state: BatchState) -> Plan | None:
    """Read the file again, whose staged rows are gone; None when the batch was refused in it.

    `state` is the batch's own, in which it must be found still.
    """
    try:
        with run.scoped():
            plan = services.stage(
                batch=batch, stage_name=_stage_name(run, batch), progress=run.progress
            )
            run.require_held()
    except UnmappedError as unmapped:
        with run.refusal(UNMAPPED, reason="解析工作簿"):
            _require_state(batch, state)
            drop_stage(batch)
            batch.head = json.dumps(unmapped.head, ensure_ascii=False)
            batch.state, batch.stage = BatchState.MAPPING, ""
            batch.save(update_fields=["state", "stage", "head"])
        return None
    except FileNotFoundError as error:
        gone = JobFailedError(FILE_GONE)
        gone.__cause__ = error
        _refuse(run, batch, gone, [state])
        return None
    except JobFailedError as refusal:
        _refuse(run, batch, refusal, [state])
        return None
    return plan


def _require_state(batch: Batch, *states: str) -> None:
    """Lock the batch for the effect that saves it whole, lest an act of a person meanwhile be undone.

    Raises JobFailedError when it is in none of the states any more.
    """
    locked = Batch.objects.select_for_update(no_key=True)
    found = locked.values_list("state", flat=True).get(pk=batch.pk)
    if found not in states:
        raise JobFailedError("批次状态已变化，不再处理。")


def _ask_for_columns(run: Run, batch: Batch, head: list[list[str]]) -> None:
    """No layout fits, but the table looks usable: a person says what its columns mean."""
    with run.effect(reason="解析工作簿"):
        _require_state(batch, *_TO_STAGE)
        batch.state = BatchState.MAPPING
        batch.stage = ""
        batch.head = json.dumps(head, ensure_ascii=False)
        batch.save()
        run.result = {"unmapped": True}


@handles("imports.apply", queue="imports", label="写入登记数据")
def apply_job(run: Run) -> None:
    """Write what was previewed; stage again first when the server lost the staging tables."""
    with run.scoped():
        batch = Batch.objects.select_related("layout").get(pk=run.params["batch"])
        if batch.state != BatchState.APPLYING:
            raise JobFailedError("批次状态已变化，不再写入。")
        is_staged = services.is_staged(batch)
    if not is_staged:
        seen = _counts(batch)
        plan = _staged_again(run, batch, BatchState.APPLYING)
        if plan is None:
            return
        with run.scoped():
            save_problems(batch, plan)
            run.require_held()
        if seen != _counts(batch):
            _back_to_preview(run, batch)
            return
        batch.state = BatchState.APPLYING
    try:
        with run.effect(reason=f"导入工作簿 批次{batch.pk}"):
            _require_state(batch, BatchState.APPLYING)
            services.apply(
                batch=batch,
                job=run.job_id,
                by=run.actor_id,
                progress=run.progress,
                confirmed=True,
            )
    except ClosedMeanwhileError as refusal:
        with run.refusal(str(refusal), reason=f"导入工作簿 批次{batch.pk}"):
            Batch.objects.filter(pk=batch.pk, state=BatchState.APPLYING).update(
                state=BatchState.STAGED
            )
    except (ChangedSincePreviewError, RejectedRowsError, IntegrityError) as change:
        # A write that was not committed when the rows were judged shows first as a broken key.
        with run.scoped():
            batch.refresh_from_db()
            seen = _counts(batch)
            services.restage_judgement(batch)
            if isinstance(change, IntegrityError) and seen == _counts(batch):
                raise
            run.require_held()
        _back_to_preview(run, batch)


def _back_to_preview(run: Run, batch: Batch) -> None:
    """The register changed meanwhile: the person confirms what would be written now."""
    with acting(by=None, reason="登记数据有变，重新预览", job=run.job_id), run.scoped():
        batch.state = BatchState.STAGED
        batch.save()
        run.result = {"changed_since_preview": True}
        finish(run)


@handles("imports.judge", queue="imports", label="按接收方式重新核对")
def judge_job(run: Run) -> None:
    """Judge the staged rows again, after a person chose how much is to be written.

    The choice and its counts are one effect: what was not judged under it is never written under it.
    """
    with run.scoped():
        batch = Batch.objects.select_related("layout").get(pk=run.params["batch"])
        if batch.state != BatchState.STAGED:
            raise JobFailedError("批次状态已变化，不再核对。")
        is_staged = services.is_staged(batch)
    batch.acceptance = run.params["acceptance"]
    plan = None
    if not is_staged:
        plan = _staged_again(run, batch, BatchState.STAGED)
        if plan is None:
            return
    run.progress("核对")
    with run.effect(reason=f"选择接收方式 批次{batch.pk}"):
        _require_state(batch, BatchState.STAGED)
        if plan is None:
            services.restage_judgement(batch)
        else:
            save_problems(batch, plan)
        batch.save()


@handles("imports.undo", queue="imports", label="撤销导入")
def undo_job(run: Run) -> None:
    """Take a written batch back, or say what is in the way and leave it as it is."""
    with run.scoped():
        batch = Batch.objects.get(pk=run.params["batch"])
        if batch.state != BatchState.UNDOING:
            raise JobFailedError("批次状态已变化，不再撤销。")
    try:
        with run.effect(reason=f"撤销导入 批次{batch.pk}"):
            services.undo(batch=batch, job=run.job_id, by=run.actor_id, progress=run.progress)
    except ObstructedError as refusal:
        with run.refusal(str(refusal), reason=f"撤销导入 批次{batch.pk}"):
            Batch.objects.filter(pk=batch.pk, state=BatchState.UNDOING).update(
                state=BatchState.APPLIED
            )


@handles("imports.return", queue="imports", label="生成退回文件")
def return_job(run: Run) -> None:
    """Make the workbook that a person asked for; it counts once it is whole."""
    with run.scoped():
        wanted = ReturnedFile.objects.select_related("batch__layout").get(pk=run.params["returned"])
        try:
            made = returning.make(wanted, mark=f"{run.token}", progress=run.progress)
        except returning.NothingToReturnError as refusal:
            raise JobFailedError(str(refusal)) from refusal
    with run.effect(reason=f"生成退回文件 批次{wanted.batch_id}"):
        returning.put_in_place(wanted, made)
