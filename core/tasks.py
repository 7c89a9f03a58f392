"""Tasks of the cellar, gathered where Celery looks for them."""

from core.jobs.tasks import run_job, sweep_jobs

__all__ = ["run_job", "sweep_jobs"]
