"""Projects: library, steps, stages, notices, beneficiaries and what is left. Nothing is deleted."""

from projects.models.beneficiary import Beneficiary
from projects.models.closing import Acceptance, Asset, Evaluation, Settlement
from projects.models.notice import ProjectNotice
from projects.models.photo import ProjectPhoto
from projects.models.progress import ProgressReport, Stage, StageProgress
from projects.models.project import Project, ProjectCounter, ProjectFact, ProjectStep, Target
from projects.models.quota import Quota
from projects.models.types import FactType, ProjectType

__all__ = [
    "Acceptance",
    "Asset",
    "Beneficiary",
    "Evaluation",
    "FactType",
    "ProgressReport",
    "Project",
    "ProjectCounter",
    "ProjectFact",
    "ProjectNotice",
    "ProjectPhoto",
    "ProjectStep",
    "ProjectType",
    "Quota",
    "Settlement",
    "Stage",
    "StageProgress",
    "Target",
]
