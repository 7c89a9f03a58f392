"""The daily run."""

from typing import Any

from celery import shared_task
from django.conf import settings

from core import retention
from core.jobs.services import Run, enqueue, handles


@handles("core.retention", queue="exports", label="清理到期数据")
def retention_job(run: Run) -> None:
    """Every rule in a transaction of its own: what one removed stays removed if the next fails."""
    removed: dict[str, int] = {}
    for number, rule in enumerate(retention.rules()):
        run.progress(rule.label, number, len(retention.rules()))
        with run.scoped():
            removed[rule.name] = retention.apply(rule).removed or 0
    with run.effect(reason="清理到期数据"):
        run.result = {"removed": removed}


@shared_task(name="core.apply_retention")
def apply_retention(**_: Any) -> None:
    """Beat's doorway; a run that is still open is not asked for twice."""
    enqueue(
        "core.retention", subject="到期清理", scope=settings.SITE_CITY_CODE, key="core.retention"
    )
