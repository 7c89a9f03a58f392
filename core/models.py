"""Models of the cellar, gathered where Django looks for them."""

from core.jobs.models import Job, JobState

__all__ = ["Job", "JobState"]
