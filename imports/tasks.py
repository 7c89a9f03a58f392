"""Background work on workbooks."""

from django.db import IntegrityError

from core.acting import acting
from core.jobs.services import JobFailedError, Run, finish, handles
from imports import services
from imports.enums import BatchState
from imports.models import Batch
from imports.services.applying import ChangedSincePreviewError
from imports.services.staging import save_problems


@handles("imports.stage", queue="imports", label="解析工作簿")
def stage_job(run: Run) -> None:
    """Read, stage and judge; the effect is the batch's counts, problems and stage name."""
    with run.scoped():
        batch = Batch.objects.get(pk=run.params["batch"])
        if batch.state not in (BatchState.UPLOADED, BatchState.STAGED):
            raise JobFailedError("批次状态已变化，不再解析。")
    try:
        with run.scoped():
            plan = services.stage(
                batch=batch, stage_name=f"b{batch.pk}_{run.token}", progress=run.progress
            )
    except JobFailedError as refusal:
        with run.scoped():
            Batch.objects.filter(pk=batch.pk).update(
                state=BatchState.REFUSED, refusal=str(refusal)[:500], layout=batch.layout
            )
        raise
    run.progress("保存问题清单")
    with run.effect(reason="解析工作簿"):
        save_problems(batch, plan)
        batch.save()


@handles("imports.apply", queue="imports", label="写入登记数据")
def apply_job(run: Run) -> None:
    """Write what was previewed; stage again first when the server lost the staging tables."""
    with run.scoped():
        batch = Batch.objects.select_related("layout").get(pk=run.params["batch"])
        if batch.state != BatchState.APPLYING:
            raise JobFailedError("批次状态已变化，不再写入。")
        is_staged = services.is_staged(batch)
    if not is_staged:
        seen = (batch.counts("households"), batch.counts("persons"))
        with run.scoped():
            plan = services.stage(
                batch=batch, stage_name=f"b{batch.pk}_{run.token}", progress=run.progress
            )
            save_problems(batch, plan)
        if seen != (batch.counts("households"), batch.counts("persons")):
            _back_to_preview(run, batch)
            return
        batch.state = BatchState.APPLYING
    try:
        with run.effect(reason=f"导入工作簿 批次{batch.pk}"):
            services.apply(
                batch=batch,
                job=run.job_id,
                by=run.actor_id,
                progress=run.progress,
                confirmed=True,
            )
    except (ChangedSincePreviewError, IntegrityError) as change:
        # A write that was not committed when the rows were judged shows first as a broken key.
        with run.scoped():
            batch.refresh_from_db()
            seen = (batch.counts("households"), batch.counts("persons"))
            services.restage_judgement(batch)
            if isinstance(change, IntegrityError) and seen == (
                batch.counts("households"),
                batch.counts("persons"),
            ):
                raise
        _back_to_preview(run, batch)


def _back_to_preview(run: Run, batch: Batch) -> None:
    """The register changed meanwhile: the person confirms what would be written now."""
    with acting(by=None, reason="登记数据有变，重新预览", job=run.job_id), run.scoped():
        batch.state = BatchState.STAGED
        batch.save()
        run.result = {"changed_since_preview": True}
        finish(run)
