"""Standards, definitions, targets, computed figures with their receipts, and readiness."""

from exits.models.figures import FlowFigure, MetricDefinition, PovertyLine, Snapshot, Target
from exits.models.procedure import (
    ExitCase,
    ExitDecision,
    ExitNotice,
    ExitObjection,
    ExitProcedure,
    ExitReversal,
    ExitRule,
    Holiday,
)
from exits.models.readiness import Attestation, GateResult, HouseholdReadiness
from exits.models.standards import Standard, StandardItem

__all__ = [
    "Attestation",
    "ExitCase",
    "ExitDecision",
    "ExitNotice",
    "ExitObjection",
    "ExitProcedure",
    "ExitReversal",
    "ExitRule",
    "FlowFigure",
    "GateResult",
    "Holiday",
    "HouseholdReadiness",
    "MetricDefinition",
    "PovertyLine",
    "Snapshot",
    "Standard",
    "StandardItem",
    "Target",
]
