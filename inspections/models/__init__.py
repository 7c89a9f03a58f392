"""Assessment rounds: frame, sample, visits and cases. Nothing of a round is ever deleted."""

from inspections.models.case import Case, CaseStep
from inspections.models.frame import FrameHousehold, FrameVillage
from inspections.models.result import DirtyRound, Rectification, Result
from inspections.models.roster import RuralHousehold
from inspections.models.round import Round
from inspections.models.sample import Replacement, SampleHousehold, SampleVillage
from inspections.models.visit import Answer, Questionnaire, SurveyTask, Visit

__all__ = [
    "Answer",
    "Case",
    "CaseStep",
    "DirtyRound",
    "FrameHousehold",
    "FrameVillage",
    "Questionnaire",
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
