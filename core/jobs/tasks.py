"""Celery's doorway to the job rows."""

import logging
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

from celery import shared_task
from django.conf import settings
from django.db import Error, close_old_connections, connection

from core.failpoints import failpoint
from core.jobs import pulse, services

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
        failpoint("core.job.held")
        _allow_long_work()
        services.kind(run.kind).run(run)
        failpoint("core.job.committed")
    except services.LostLeaseError:
        logger.warning("job %s was taken over or cancelled", run.job_id)
    except services.JobFailedError as refusal:
        _hand_in(run, services.fail, str(refusal))
    except Exception as error:
        # The message may quote a row of the register: the class and the place are enough here.
        place = "".join(traceback.format_tb(error.__traceback__))
        logger.error("job %s failed with %s at %s", run.job_id, type(error).__name__, place)  # noqa: TRY400
        _hand_in(run, services.release, f"程序错误（{type(error).__name__}），将自动重试。")
    finally:
        stop.set()
        beat.join()
        _forget_long_work()


def _allow_long_work() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SET statement_timeout = {settings.DB_JOB_STATEMENT_TIMEOUT_MS};"
            " SET lock_timeout = '60s'; SET idle_in_transaction_session_timeout = '30min'"
        )


def _forget_long_work() -> None:
    """The connection serves others after us; one that broke is not missed."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("RESET ALL")
    except Error:
        connection.close()


def _hand_in(run: services.Run, how: Callable[[services.Run, str], None], words: str) -> None:
    """Say how the job ended, also when the work's own connection broke.

    When nobody can be told, the lease runs out and the sweeper brings the job back.
    """
    try:
        try:
            how(run, words)
        except Error:
            connection.close()
            how(run, words)
    except services.LostLeaseError:
        logger.warning("job %s was taken over or cancelled", run.job_id)
    except Error as error:
        connection.close()
        logger.warning("job %s waits for its lease to end: %s", run.job_id, type(error).__name__)


# Seconds after which news of the work is shown.
_NEWS = 0.5


def _keep_lease(run: services.Run, stop: threading.Event) -> None:
    """Renew the lease in good time, and as soon as there is news of the work.

    An error is no reason to give up: the work goes on, and without its lease it would be done twice.
    """
    shown, renewed = run.standing, time.monotonic()
    try:
        while not stop.wait(_NEWS):
            pulse.sign()
            standing, now = run.standing, time.monotonic()
            if now - renewed < settings.JOB_LEASE_SECONDS / 4 and standing == shown:
                continue
            try:
                if not services.renew(run):
                    return
            except Error as error:
                connection.close()
                logger.warning("lease of job %s not renewed: %s", run.job_id, type(error).__name__)
            else:
                shown, renewed = standing, now
    finally:
        connection.close()


@shared_task(name="core.pulse")
def beat_pulse(**_: Any) -> None:
    """Beat's probe of every queue, see `core.jobs.pulse`."""
    pulse.sign()


@shared_task(name="core.sweep_jobs")
def sweep_jobs(**_: Any) -> None:
    waiting = services.sweep()
    failpoint("core.sweep.swept")
    for job_id, queue in waiting:
        services.hint(job_id, queue)
        failpoint("core.sweep.hinted")
    close_old_connections()
