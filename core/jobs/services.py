"""How background work is asked for, claimed, kept alive and finished."""

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection, transaction

from core import walls
from core.acting import acting, identity
from core.failpoints import failpoint
from core.jobs.models import OPEN_STATES, Job, JobState
from core.scope import Maintenance

logger = logging.getLogger(__name__)

# Pauses as parts of the lease: 15 s, 1 s and 5 s (growing) with the usual 30.
_HINT_AGAIN = 2
_FIRST_HINT_TAKES = 30
_TRY_AGAIN = 6


class LostLeaseError(Exception):
    """Another worker holds the job by now; whatever this one still does must not be stored."""


class JobFailedError(Exception):
    """The work itself says why it cannot be done; shown to the person who asked, never retried."""


@dataclass(frozen=True)
class Kind:
    name: str
    queue: str
    label: str
    run: Callable[["Run"], None]
    max_attempts: int = 3


_kinds: dict[str, Kind] = {}


def handles(
    name: str, *, queue: str, label: str, max_attempts: int = 3
) -> Callable[[Callable[["Run"], None]], Callable[["Run"], None]]:
    """Register the function that does jobs of this kind; `queue` is a Celery queue."""

    def register(run: Callable[["Run"], None]) -> Callable[["Run"], None]:
        _kinds[name] = Kind(name, queue, label, run, max_attempts)
        return run

    return register


def kind(name: str) -> Kind:
    return _kinds[name]


def label_of(name: str) -> str:
    return _kinds[name].label if name in _kinds else name


def enqueue(
    name: str,
    *,
    subject: str = "",
    scope: str = "",
    params: dict[str, Any] | None = None,
    key: str = "",
    by: Any = None,
) -> Job:
    """Ask for work, inside the transaction that causes it.

    With a `key`, an open job of the same key is returned instead of a second one.
    The message to the broker is sent after commit and may be lost; the sweeper sends it again.
    """
    described = _kinds[name]
    wanted = Job(
        kind=name,
        queue=described.queue,
        subject=subject,
        scope=scope,
        params=params or {},
        key=key,
        max_attempts=described.max_attempts,
        # A machine client is nobody's account; the ledger has it.
        created_by_id=identity(by)[0],
    )
    job = _insert(wanted)
    if job is wanted:
        failpoint("core.job.asked")
        transaction.on_commit(lambda: hint(job.pk, described.queue))
    return job


# How often the holder of a key may end between our refusal and our look at it.
_PATIENCE = 5


def _insert(wanted: Job) -> Job:
    """The job stored, or the open one that holds its key."""
    for attempt in range(_PATIENCE):
        try:
            with transaction.atomic():
                wanted.save(force_insert=True)
        except IntegrityError:
            # Whoever holds the key may already run and have read its input: it is not "the same
            # work" unless it still waits. Callers that need fresh input use a key without RUNNING
            # overlap.
            holder = Job.objects.open().filter(key=wanted.key).first() if wanted.key else None
            if holder is not None:
                return holder
            if not wanted.key or attempt == _PATIENCE - 1:
                raise
        else:
            break
    return wanted


def hint(job_id: int, queue: str) -> None:
    """Tell a worker that a job waits; failure is harmless because the row is the truth."""
    from core.jobs.tasks import run_job

    try:
        run_job.apply_async(kwargs={"job_id": job_id}, queue=queue, retry=False)
    except Exception as error:  # a dying broker makes its client raise anything
        logger.warning("broker unreachable, job %s waits for the sweeper: %s", job_id, error)
    failpoint("core.job.hinted")


@dataclass
class Run:
    """A claimed job in the hands of a worker."""

    job_id: int
    token: int
    kind: str
    params: dict[str, Any]
    scope: str
    actor_id: int | None
    result: dict[str, Any] = field(default_factory=dict)
    # Where the work stands; whoever keeps the lease writes it, on a connection of its own, because
    # the work's own transaction would hide it and hold the row.
    standing: tuple[str, int, int | None] = ("", 0, None)
    lost: bool = False

    def progress(self, phase: str, done: int = 0, total: int | None = None) -> None:
        """Tell where the work stands; raises LostLeaseError when another worker has the job."""
        self.standing = (phase, done, total)
        if self.lost:
            raise LostLeaseError(self.job_id)

    @property
    def actor(self) -> Maintenance:
        """What the job may touch: the region of its row, and nothing when it has none."""
        return Maintenance(self.scope) if self.scope else Maintenance()

    def scoped(self) -> AbstractContextManager[None]:
        """A transaction in the job's region, for reading and for what precedes the effect."""
        return walls.scoped(self.actor)

    @contextmanager
    def effect(self, *, reason: str = "") -> Iterator[None]:
        """The transaction that stores what the job did and marks it done, or neither.

        The token is checked first, to spare useless work, and decides at the end, in the update
        that marks the job done: a stale one raises LostLeaseError and takes everything back. The
        row is not locked in between, so that the lease can be renewed during a long effect.
        """
        with (
            acting(by=_User(self.actor_id), reason=reason, job=self.job_id),
            walls.scoped(self.actor),
        ):
            self.require_held()
            failpoint("core.job.effect")
            yield
            finish(self)
            failpoint("core.job.finished")

    @contextmanager
    def refusal(self, message: str, *, reason: str = "") -> Iterator[None]:
        """The transaction that stores what a refusal means and marks the job failed, or neither.

        For work that must note more than the message; a stale worker may not note it either. Plain
        refusals raise JobFailedError.
        """
        with (
            acting(by=_User(self.actor_id), reason=reason, job=self.job_id),
            walls.scoped(self.actor),
        ):
            yield
            fail(self, message)

    def require_held(self) -> None:
        """Raise LostLeaseError when another worker has the job by now.

        Just before a transaction that precedes the effect is committed, so that a worker that was
        frozen meanwhile leaves nothing behind.
        """
        held = Job.objects.filter(pk=self.job_id, token=self.token, state=JobState.RUNNING)
        if not held.exists():
            raise LostLeaseError(self.job_id)


@dataclass(frozen=True)
class _User:
    pk: int | None


def claim(job_id: int) -> Run | None:
    """Take a queued job, or a running one whose lease ran out; None when it is not to be had."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE core_job
               SET state = 'RUNNING', token = token + 1, attempts = attempts + 1, phase = '', phase_since = NULL,
                   progress_done = 0, progress_total = NULL, started_at = coalesce(started_at, clock_timestamp()), error = '',
                   lease_until = clock_timestamp() + make_interval(secs => %s)
             WHERE id = %s AND attempts < max_attempts
               AND (state = 'QUEUED' OR (state = 'RUNNING' AND lease_until < clock_timestamp()))
         RETURNING token, kind, params, scope, created_by_id
            """,
            [settings.JOB_LEASE_SECONDS, job_id],
        )
        row = cursor.fetchone()
    if row is None:
        return None
    failpoint("core.job.claimed")
    job = Job.objects.get(pk=job_id)
    return Run(job_id, row[0], job.kind, job.params, job.scope, job.created_by_id)


def renew(run: Run) -> bool:
    """Lengthen the lease and show where the work stands; False when the job is no longer ours."""
    phase, done, total = run.standing
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE core_job SET phase_since = CASE WHEN phase = %s THEN phase_since"
            " ELSE clock_timestamp() END,"
            " phase = %s, progress_done = %s, progress_total = %s,"
            " lease_until = clock_timestamp() + make_interval(secs => %s)"
            " WHERE id = %s AND token = %s AND state = 'RUNNING'",
            [phase, phase, done, total, settings.JOB_LEASE_SECONDS, run.job_id, run.token],
        )
        run.lost = cursor.rowcount != 1
    return not run.lost


def finish(run: Run) -> None:
    """Mark done; called inside `Run.effect`, in the effect's own transaction."""
    _close(run, JobState.DONE, "")


def fail(run: Run, message: str) -> None:
    """The work refuses for a reason a person must read."""
    _close(run, JobState.FAILED, message)


def release(run: Run, message: str) -> None:
    """An unexpected error: back to the queue after a growing pause, or quarantined at the cap."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE core_job
               SET state = CASE WHEN attempts >= max_attempts THEN 'QUARANTINED' ELSE 'QUEUED' END,
                   finished_at = CASE WHEN attempts >= max_attempts THEN clock_timestamp() END,
                   due_at = clock_timestamp() + make_interval(secs => %s * attempts * attempts),
                   lease_until = NULL, error = %s
             WHERE id = %s AND token = %s AND state = 'RUNNING'
            """,
            [settings.JOB_LEASE_SECONDS / _TRY_AGAIN, message, run.job_id, run.token],
        )
    failpoint("core.job.released")


def _close(run: Run, state: JobState, error: str) -> None:
    changed = Job.objects.filter(pk=run.job_id, token=run.token, state=JobState.RUNNING).update(
        state=state,
        error=error,
        result=run.result,
        lease_until=None,
        finished_at=_now(),
    )
    if changed != 1:
        raise LostLeaseError(run.job_id)


def _now() -> Any:
    from django.db.models.functions import Now

    return Now()


def sweep() -> list[tuple[int, str]]:
    """Jobs that are due and nobody works on: (id, queue). Jobs out of attempts are quarantined."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE core_job SET state = 'QUARANTINED', finished_at = clock_timestamp(),
                   lease_until = NULL,
                   error = CASE WHEN error = '' THEN '执行进程多次中断，任务已隔离，请管理员查看后重试。'
                                ELSE error END
             WHERE state = 'RUNNING' AND lease_until < clock_timestamp() AND attempts >= max_attempts
            """
        )
        # A stale lease goes back to the queue: its worker can neither renew nor store any more.
        cursor.execute(
            """
            UPDATE core_job SET state = 'QUEUED', lease_until = NULL, due_at = clock_timestamp()
             WHERE state = 'RUNNING' AND lease_until < clock_timestamp()
            """
        )
        # The pause keeps a busy queue from filling with copies of one hint.
        cursor.execute(
            """
            UPDATE core_job SET due_at = clock_timestamp() + make_interval(secs => %s)
             WHERE id IN (SELECT id FROM core_job
                           WHERE state = 'QUEUED'
                             AND due_at < clock_timestamp() - make_interval(secs => %s)
                           ORDER BY id LIMIT 500 FOR UPDATE SKIP LOCKED)
         RETURNING id, queue
            """,
            [
                settings.JOB_LEASE_SECONDS / _HINT_AGAIN,
                settings.JOB_LEASE_SECONDS / _FIRST_HINT_TAKES,
            ],
        )
        return list(cursor.fetchall())


class NotRetryableError(Exception):
    """The job is still open, or already done: there is nothing to retry or cancel."""


def retry(*, job: Job, by: Any) -> None:
    """An administrator sends a failed or quarantined job back to the queue."""
    with acting(by=by, reason="重试后台任务"):
        changed = Job.objects.filter(
            pk=job.pk, state__in=[JobState.FAILED, JobState.QUARANTINED, JobState.CANCELLED]
        ).update(state=JobState.QUEUED, attempts=0, error="", finished_at=None, due_at=_now())
        if changed != 1:
            raise NotRetryableError
        transaction.on_commit(lambda: hint(job.pk, job.queue))


def cancel(*, job: Job, by: Any) -> None:
    """Stop a job; a worker in the middle loses its token and can store nothing more."""
    with acting(by=by, reason="取消后台任务"):
        locked = Job.objects.select_for_update().get(pk=job.pk)
        if locked.state not in OPEN_STATES:
            raise NotRetryableError
        locked.state = JobState.CANCELLED
        locked.token += 1
        locked.lease_until = None
        locked.save(update_fields=["state", "token", "lease_until"])
        Job.objects.filter(pk=job.pk).update(finished_at=_now())
