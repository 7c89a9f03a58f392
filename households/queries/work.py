"""What waits for a person: changes at their level or sent back, drafts, procedures to go on with."""

from datetime import date
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Value
from django.utils import timezone

from core.scope import Actor, after, below
from households.formulas import TEMPLATES
from households.models import (
    Change,
    ChangeKind,
    ChangeState,
    ChangeStep,
    Draft,
    Procedure,
    ProcedureState,
    ProcedureStep,
    Publicity,
    ReviewChain,
)
from households.models.change import CHAIN, CITY, COUNTY, DECISIONS

EDIT = "households.edit"
REVIEW = "households.review"
MANAGE = "households.manage_review"


def chain_of(code: str, on: date | None = None) -> list[int]:
    """Levels that review changes in a village of this county; all three until the county says else."""
    day = on or timezone.localdate()
    set_ = ReviewChain.objects.filter(region_code=code[:6], valid_from__lte=day)
    found = set_.order_by("-valid_from").first()
    return list(CHAIN) if found is None else [level for level in CHAIN if level in found.levels]


def waiting_for(actor: Actor) -> "QuerySet[Change]":
    """Changes whose next decision is this person's: of their level and region, and not their own.

    The level of a right is the length of its grant's prefix.
    """
    person = getattr(actor, "pk", None)
    decided = ChangeStep.objects.filter(
        change=OuterRef("pk"), round=OuterRef("round"), created_by=person, act__in=DECISIONS
    )
    return (
        Change.objects.visible_to(actor)
        .filter(_turn(actor), state=ChangeState.PENDING)
        .exclude(created_by=person)
        .filter(~Exists(decided))
        .order_by("id")
    )


def counts(actor: Actor) -> dict[str, int]:
    """How much waits for this person, in one statement: reviews, returned changes, drafts, procedures."""
    parts: dict[str, QuerySet[Any]] = {
        "waiting": waiting_for(actor),
        "returned": returned_to(actor),
        "drafts": drafts_of(actor),
        "due": due_for(actor),
    }
    counted = [
        one.order_by().annotate(what=Value(name)).values("what").annotate(n=Count("pk"))
        for name, one in parts.items()
    ]
    first, *others = (one.values_list("what", "n") for one in counted)
    found = dict.fromkeys(parts, 0) | dict(first.union(*others, all=True))
    return {**found, "all": sum(found.values())}


def count(actor: Actor) -> int:
    """The number beside 我的工作."""
    return counts(actor)["all"]


def may_decide(change: Change, actor: Actor) -> bool:
    return waiting_for(actor).filter(pk=change.pk).exists()


def _turn(actor: Actor) -> Q:
    turn = Q(pk__in=[])
    for prefix in actor.prefixes_for(REVIEW):
        if len(prefix) in CHAIN:
            turn |= _at(prefix, ChangeKind.EDIT)
    for prefix in actor.prefixes_for(MANAGE):
        if len(prefix) in (COUNTY, CITY):
            turn |= _at(prefix, ChangeKind.CORRECTION)
    return turn


def _at(prefix: str, kind: str) -> Q:
    return Q(kind=kind, level=len(prefix), village_code__gte=prefix, village_code__lt=after(prefix))


def returned_to(actor: Actor) -> "QuerySet[Change]":
    """The person's own changes that were sent back."""
    return _mine(actor).filter(state=ChangeState.RETURNED)


def under_way(actor: Actor) -> "QuerySet[Change]":
    """The person's own changes that wait for others."""
    return _mine(actor).filter(state=ChangeState.PENDING)


def _mine(actor: Actor) -> "QuerySet[Change]":
    mine = Change.objects.visible_to(actor).filter(created_by_id=getattr(actor, "pk", None))
    return mine.order_by("-id")


def drafts_of(actor: Actor) -> "QuerySet[Draft]":
    """Entries that the person began and has not handed in, the youngest first."""
    mine = Draft.objects.visible_to(actor).filter(owner_id=getattr(actor, "pk", None))
    return mine.order_by("-changed_at")


def due_for(actor: Actor) -> "QuerySet[Procedure]":
    """Procedures whose next step is this person's to take now.

    Of their level and region, not after a decision of their own, and not while a notice runs.
    """
    turn = Q(pk__in=[])
    for prefix in actor.prefixes_for(REVIEW):
        codes = [code for code, level in _STEP_LEVELS.items() if level == len(prefix)]
        turn |= Q(step__in=codes) & below(prefix, "village_code")
    before = ProcedureStep.objects.filter(
        procedure=OuterRef("pk"),
        position=OuterRef("position") - 1,
        created_by=getattr(actor, "pk", None),
    )
    running = Publicity.objects.filter(
        procedure=OuterRef("pk"), step=OuterRef("step"), ends_on__gte=timezone.localdate()
    )
    return (
        Procedure.objects.visible_to(actor)
        .filter(turn, ~Exists(before), ~Exists(running), state=ProcedureState.OPEN)
        .order_by("pk")
    )


# Which level takes a step, whatever the kind of the procedure.
_STEP_LEVELS = {step.code: step.level for one in TEMPLATES.values() for step in one.steps}
