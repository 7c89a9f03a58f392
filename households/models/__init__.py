"""The register: identities that live for ever, and what is declared of them year by year."""

from households.models.assignment import Assignment
from households.models.codes import CodeEntry, CodeSynonym
from households.models.former import FormerPlace
from households.models.household import Household, HouseholdYear
from households.models.ledger import DirtyRegion, MembershipEvent, StatusEvent
from households.models.partition import Partition
from households.models.person import Person, PersonYear
from households.models.work import WorkSpell

__all__ = [
    "Assignment",
    "CodeEntry",
    "CodeSynonym",
    "DirtyRegion",
    "FormerPlace",
    "Household",
    "HouseholdYear",
    "MembershipEvent",
    "Partition",
    "Person",
    "PersonYear",
    "StatusEvent",
    "WorkSpell",
]
