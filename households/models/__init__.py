"""The register: identities that live for ever, and what is declared of them year by year."""

from households.models.assignment import Assignment
from households.models.change import (
    Change,
    ChangeAct,
    ChangeKind,
    ChangeState,
    ChangeStep,
    ReviewChain,
)
from households.models.codes import CodeEntry, CodeSynonym
from households.models.former import FormerPlace
from households.models.household import Household, HouseholdYear
from households.models.ledger import DirtyRegion, MembershipEvent, StatusEvent
from households.models.names import Hanzi, NameReading
from households.models.partition import Partition
from households.models.person import Person, PersonYear
from households.models.procedure import (
    DayKind,
    Decision,
    NoticeRule,
    Objection,
    Procedure,
    ProcedureCase,
    ProcedureState,
    ProcedureStep,
    Publicity,
)
from households.models.work import WorkSpell

__all__ = [
    "Assignment",
    "Change",
    "ChangeAct",
    "ChangeKind",
    "ChangeState",
    "ChangeStep",
    "CodeEntry",
    "CodeSynonym",
    "DayKind",
    "Decision",
    "DirtyRegion",
    "FormerPlace",
    "Hanzi",
    "Household",
    "HouseholdYear",
    "MembershipEvent",
    "NameReading",
    "NoticeRule",
    "Objection",
    "Partition",
    "Person",
    "PersonYear",
    "Procedure",
    "ProcedureCase",
    "ProcedureState",
    "ProcedureStep",
    "Publicity",
    "ReviewChain",
    "StatusEvent",
    "WorkSpell",
]
