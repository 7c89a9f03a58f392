"""What waits for a person: changes at their level, changes that came back, drafts."""

from datetime import date

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from core.scope import Actor, after
from households.models import Change, ChangeKind, ChangeState, ChangeStep, ReviewChain
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
    """How much waits for this person, in one statement: at their level, and sent back to them."""
    person = getattr(actor, "pk", None)
    asked = Q(pk__in=waiting_for(actor).order_by().values("pk"))
    back = Q(created_by_id=person, state=ChangeState.RETURNED)
    found = (
        Change.objects.visible_to(actor)
        .filter(asked | back)
        .aggregate(waiting=Count("pk", filter=~back), returned=Count("pk", filter=back))
    )
    return {**found, "all": found["waiting"] + found["returned"]}


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
