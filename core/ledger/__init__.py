"""The access ledger: `ledger.note(...)` for everybody, the rest for the audit pages."""

from core.ledger.enums import Act, Outcome
from core.ledger.services import note

__all__ = ["Act", "Outcome", "note"]
