"""Tasks of the cellar, gathered where Celery looks for them."""

from core.jobs.tasks import beat_pulse, run_job, sweep_jobs
from core.ledger.tasks import keep_months, raise_alerts, seal_ledgers
from core.retention.tasks import apply_retention

__all__ = [
    "apply_retention",
    "beat_pulse",
    "keep_months",
    "raise_alerts",
    "run_job",
    "seal_ledgers",
    "sweep_jobs",
]
