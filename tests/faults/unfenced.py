"""Workers that do not look whether their lease is still theirs: the driver must notice."""

from typing import Any

from celery import signals

from povertyops.celery import app

__all__ = ["app"]


@signals.worker_process_init.connect
def _unfence(**_: Any) -> None:
    from django.db.models.functions import Now

    from core.jobs import services
    from core.jobs.models import Job
    from imports import tasks

    def close(run: services.Run, state: str, error: str) -> None:
        Job.objects.filter(pk=run.job_id).update(
            state=state, error=error, result=run.result, lease_until=None, finished_at=Now()
        )

    services.Run.require_held = lambda self: None
    services._close = close
    tasks._require_state = lambda *_: None
