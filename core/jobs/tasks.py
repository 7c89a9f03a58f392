"""Celery's doorway to the job rows."""

import logging
import threading
import time
import traceback
from typing import Any

from celery import shared_task
from django.conf import settings
from django.db import close_old_connections, connection

from core.jobs import services

logger = logging.getLogger(__name__)


@shared_task(name="core.run_job")
def run_job(*, job_id: int, **_: Any) -> None:
    run = services.claim(job_id)
    if run is None:
        logger.info("job %s is not to be had", job_id)
        return
    carry_out(run)


def carry_out(run: services.Run) -> None:
    """Do a claimed job, with its lease renewed by a thread of its own."""
    stop = threading.Event()
    beat = threading.Thread(target=_keep_lease, args=(run, stop), daemon=True)
    beat.start()
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                f"SET statement_timeout = {settings.DB_JOB_STATEMENT_TIMEOUT_MS};"
                " SET lock_timeout = '60s'; SET idle_in_transaction_session_timeout = '30min'"
            )
        services.kind(run.kind).run(run)
    except services.LostLeaseError:
        logger.warning("job %s was taken over or cancelled", run.job_id)
    except services.JobFailedError as refusal:
        services.fail(run, str(refusal))
    except Exception as error:
        # The message may quote a row of the register: the class and the place are enough here.
        place = "".join(traceback.format_tb(error.__traceback__))
        logger.error("job %s failed with %s at %s", run.job_id, type(error).__name__, place)  # noqa: TRY400
        services.release(run, f"程序错误（{type(error).__name__}），将自动重试。")
    finally:
        stop.set()
        beat.join()
        with connection.cursor() as cursor:
            cursor.execute("RESET ALL")


# Seconds after which news of the work is shown.
_NEWS = 0.5


def _keep_lease(run: services.Run, stop: threading.Event) -> None:
    """Renew the lease in good time, and as soon as there is news of the work."""
    shown, renewed = run.standing, time.monotonic()
    try:
        while not stop.wait(_NEWS):
            due = time.monotonic() - renewed >= settings.JOB_LEASE_SECONDS / 4
            if due or run.standing != shown:
                shown, renewed = run.standing, time.monotonic()
                if not services.renew(run):
                    return
    finally:
        connection.close()


@shared_task(name="core.sweep_jobs")
def sweep_jobs(**_: Any) -> None:
    for job_id, queue in services.sweep():
        services.hint(job_id, queue)
    close_old_connections()
