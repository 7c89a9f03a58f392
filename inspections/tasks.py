"""Background work on rounds."""

from typing import Any

from celery import shared_task
from django.db import close_old_connections

from core.jobs.services import Run, handles
from inspections.services import estimating, requests


@handles("inspections.estimate", queue="metrics", label="计算评估结果")
def estimate_job(run: Run) -> None:
    """One round; what was marked meanwhile is done by the next job."""
    run.progress("计算评估结果")
    with run.effect(reason="计算评估结果"):
        estimating.recompute(run.params["round"])


@shared_task(name="inspections.sweep_dirty_rounds")
def sweep_dirty_rounds(**_: Any) -> None:
    requests.request_dirty()
    close_old_connections()
