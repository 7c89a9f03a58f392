"""Background work on rounds and letters."""

from typing import Any

from celery import shared_task
from django.conf import settings
from django.db import close_old_connections
from django.utils import timezone

from core import walls
from core.jobs.services import Run, handles
from core.scope import Maintenance
from inspections.services import estimating, requests
from inspections.services.letters import preparing


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


@shared_task(name="inspections.prepare_letters")
def prepare_letters(**_: Any) -> None:
    """Every morning: drafts of the letters that are due. Nothing is sent."""
    with walls.scoped(Maintenance(settings.SITE_CITY_CODE)):
        preparing.prepare(today=timezone.localdate(), prefix=settings.SITE_CITY_CODE)
    close_old_connections()
