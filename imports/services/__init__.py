"""A workbook's way into the register: receive, stage, judge, apply, discard; and back."""

from imports.services.accepting import request_acceptance, request_apply
from imports.services.applying import apply
from imports.services.receiving import discard, receive, request_stage
from imports.services.returning import request_return
from imports.services.staging import is_staged, restage_judgement, stage
from imports.services.undoing import request_undo, undo

__all__ = [
    "apply",
    "discard",
    "is_staged",
    "receive",
    "request_acceptance",
    "request_apply",
    "request_return",
    "request_stage",
    "request_undo",
    "restage_judgement",
    "stage",
    "undo",
]
