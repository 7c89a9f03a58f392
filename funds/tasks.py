"""Background work on money."""

from typing import Any

from celery import shared_task
from django.conf import settings
from django.db import close_old_connections
from django.utils import timezone

from core import walls
from core.jobs.services import JobFailedError, Run, handles
from core.scope import Maintenance
from core.workbooks.refusal import RefusedError
from funds import workbooks
from funds.enums import BatchState
from funds.services import batching, batching_files, figuring, judging
from funds.services.common import UnfitError


@shared_task(name="funds.tell_months")
def tell_months(**_: Any) -> None:
    """Month-ends that have passed are told once."""
    with walls.scoped(Maintenance(settings.SITE_CITY_CODE)):
        figuring.tell_ended(today=timezone.localdate())
    close_old_connections()


@handles("funds.judge", queue="metrics", label="核查资金规则")
def judge_job(run: Run) -> None:
    """One county and year, or a city's own; what was marked meanwhile is done by the next job."""
    run.progress("核查资金规则")
    # The city's money in a county is held by accounts of the city.
    with run.effect(reason="核查资金规则"):
        judging.judge_within(
            code=run.params["code"], year=run.params["year"], today=timezone.localdate()
        )


@shared_task(name="funds.sweep_dirty_funds")
def sweep_dirty_funds(**_: Any) -> None:
    judging.request_dirty()
    close_old_connections()


@shared_task(name="funds.judge_all")
def judge_all(**_: Any) -> None:
    """Every night: what only time makes a finding of."""
    with walls.scoped(Maintenance(settings.SITE_CITY_CODE)):
        judging.request_all(prefix=settings.SITE_CITY_CODE)
    close_old_connections()


_FILE_GONE = "上传的文件已不在，请重新上传。"


@handles("funds.stage_batch", queue="imports", label="核对发放名单")
def stage_batch_job(run: Run) -> None:
    """Read a workbook of payments and judge its rows: all of it in one transaction, or nothing."""
    pk = run.params["batch"]
    try:
        with run.effect(reason="核对发放名单"):
            batch = batching.locked(pk)
            if batch.state != BatchState.UPLOADED:
                raise JobFailedError("批次状态已变化，不再核对。")
            run.progress("解析工作簿")
            path = batching_files.path_of(batch)
            with workbooks.payments(path, batch.file_format, run.progress) as rows:
                batching.load(rows)
            batching.check(batch, run.progress)
    except (RefusedError, UnfitError, FileNotFoundError) as refusal:
        words = _FILE_GONE if isinstance(refusal, FileNotFoundError) else str(refusal)
        with run.refusal(words, reason="核对发放名单"):
            batching.refuse(pk, words)


@handles("funds.pay_batch", queue="imports", label="提交发放凭证")
def pay_batch_job(run: Run) -> None:
    """Put down the voucher of a confirmed batch, or ask again where other rows are good by now."""
    pk = run.params["batch"]
    try:
        with run.effect(reason=f"提交发放凭证 批次{pk}"):
            run.result = {"paid": batching.pay(batching.locked(pk), run.progress)}
    except UnfitError as refusal:
        with run.refusal(str(refusal), reason=f"提交发放凭证 批次{pk}"):
            batching.back_to_preview(pk)
