"""Assessment rounds: frame, sample, visits and cases; campaigns, findings and their mending.

Nothing of it is ever deleted.
"""

from inspections.models.campaign import Campaign, CampaignPaper, FindingWorkbook
from inspections.models.case import Case, CaseStep
from inspections.models.finding import (
    DeadlineRule,
    Extension,
    Finding,
    FindingClass,
    FindingCounter,
    FindingLook,
    FindingPaper,
    FindingStep,
)
from inspections.models.frame import FrameHousehold, FrameVillage
from inspections.models.letter import Accountability, Letter, LetterCounter, LetterItem
from inspections.models.recheck import Recheck, RecheckItem
from inspections.models.result import DirtyRound, Rectification, Result
from inspections.models.roster import RuralHousehold
from inspections.models.round import Round
from inspections.models.sample import Replacement, SampleHousehold, SampleVillage
from inspections.models.visit import Answer, Questionnaire, SurveyTask, Visit

__all__ = [
    "Accountability",
    "Answer",
    "Campaign",
    "CampaignPaper",
    "Case",
    "CaseStep",
    "DeadlineRule",
    "DirtyRound",
    "Extension",
    "Finding",
    "FindingClass",
    "FindingCounter",
    "FindingLook",
    "FindingPaper",
    "FindingStep",
    "FindingWorkbook",
    "FrameHousehold",
    "FrameVillage",
    "Letter",
    "LetterCounter",
    "LetterItem",
    "Questionnaire",
    "Recheck",
    "RecheckItem",
    "Rectification",
    "Replacement",
    "Result",
    "Round",
    "RuralHousehold",
    "SampleHousehold",
    "SampleVillage",
    "SurveyTask",
    "Visit",
]
