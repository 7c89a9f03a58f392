"""The register: identities that live for ever, and what is declared of them year by year."""

from households.models.assignment import Assignment
from households.models.attachment import Attachment
from households.models.bulk import (
    BulkAct,
    BulkKind,
    BulkRow,
    BulkState,
    Mark,
    MarkResult,
    Outcome,
    Task,
    TaskItem,
)
from households.models.change import (
    Change,
    ChangeAct,
    ChangeKind,
    ChangeState,
    ChangeStep,
    ReviewChain,
)
from households.models.codes import CodeEntry, CodeSynonym
from households.models.draft import Draft, WrittenEdit
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
from households.models.saved import ChosenColumns, Listing, SavedView
from households.models.work import WorkSpell

__all__ = [
    "Assignment",
    "Attachment",
    "BulkAct",
    "BulkKind",
    "BulkRow",
    "BulkState",
    "Change",
    "ChangeAct",
    "ChangeKind",
    "ChangeState",
    "ChangeStep",
    "ChosenColumns",
    "CodeEntry",
    "CodeSynonym",
    "DayKind",
    "Decision",
    "DirtyRegion",
    "Draft",
    "FormerPlace",
    "Hanzi",
    "Household",
    "HouseholdYear",
    "Listing",
    "Mark",
    "MarkResult",
    "MembershipEvent",
    "NameReading",
    "NoticeRule",
    "Objection",
    "Outcome",
    "Partition",
    "Person",
    "PersonYear",
    "Procedure",
    "ProcedureCase",
    "ProcedureState",
    "ProcedureStep",
    "Publicity",
    "ReviewChain",
    "SavedView",
    "StatusEvent",
    "Task",
    "TaskItem",
    "WorkSpell",
    "WrittenEdit",
]
