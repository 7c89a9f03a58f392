"""Models of the cellar, gathered where Django looks for them."""

from core.exports.models import ExportFile, ExportRelease
from core.jobs.models import Job, JobState
from core.ledger.models import AccessEntry, Alert, Seal

__all__ = ["AccessEntry", "Alert", "ExportFile", "ExportRelease", "Job", "JobState", "Seal"]
