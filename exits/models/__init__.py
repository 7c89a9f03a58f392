"""Standards, definitions, targets, computed figures with their receipts, and readiness."""

from exits.models.figures import FlowFigure, MetricDefinition, PovertyLine, Snapshot, Target
from exits.models.readiness import Attestation, GateResult, HouseholdReadiness
from exits.models.standards import Standard, StandardItem

__all__ = [
    "Attestation",
    "FlowFigure",
    "GateResult",
    "HouseholdReadiness",
    "MetricDefinition",
    "PovertyLine",
    "Snapshot",
    "Standard",
    "StandardItem",
    "Target",
]
