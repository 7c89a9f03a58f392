"""Workers that store the effect first and say "done" later: the driver must notice."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery import signals

from povertyops.celery import app

__all__ = ["app"]


@signals.worker_process_init.connect
def _tear(**_: Any) -> None:
    from core import walls
    from core.acting import acting
    from core.failpoints import failpoint
    from core.jobs import services

    @contextmanager
    def effect(self: services.Run, *, reason: str = "") -> Iterator[None]:
        by = services._User(self.actor_id)
        with acting(by=by, reason=reason, job=self.job_id), walls.scoped(self.actor):
            yield
        failpoint("core.job.finished")
        with walls.scoped(self.actor):
            services.finish(self)

    services.Run.effect = effect
