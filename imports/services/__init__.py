"""A workbook's way into the register: receive, stage, judge, apply, discard."""

from imports.services.applying import apply
from imports.services.receiving import discard, receive, request_apply, request_stage
from imports.services.staging import is_staged, restage_judgement, stage

__all__ = [
    "apply",
    "discard",
    "is_staged",
    "receive",
    "request_apply",
    "request_stage",
    "restage_judgement",
    "stage",
]
