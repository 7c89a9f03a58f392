"""What a round says of its county, result by result, and the households behind each figure."""

from typing import Any

from django.db.models import Exists, F, OuterRef, QuerySet, Sum

from core.scope import Actor
from inspections.enums import CaseState, Purpose, Rate
from inspections.models import Answer, Result, Round, SampleHousehold
from inspections.queries.estimates import OMISSION, WRONGFUL_ENTRY, WRONGFUL_EXIT, Question

# Whose confirmed cases make a rate. An accuracy is what they leave of one.
ASKED: dict[str, Question] = {
    Rate.WRONGFUL_EXIT: WRONGFUL_EXIT,
    Rate.OMISSION_VILLAGES: OMISSION,
    Rate.OMISSION_SURVEYED: OMISSION,
    Rate.ENTRY_ACCURACY: WRONGFUL_ENTRY,
    Rate.EXIT_ACCURACY: WRONGFUL_EXIT,
}
_ORDER = list(Rate)


def results_of(round: Round, actor: Actor) -> list[Result]:
    """The round's results that the actor may see, gates first, then as `Rate` has them."""
    found = Result.objects.visible_to(actor).filter(round=round).select_related("round")
    return sorted(found, key=lambda one: (not one.is_gate, _ORDER.index(Rate(one.rate))))


def households_behind(result: Result, actor: Actor) -> QuerySet[SampleHousehold] | None:
    """The answered households that a rate counts as hits, with the confirmed persons of each.

    As many as `households_hit` says. For 群众认可度 those who do not approve: they are what a leader
    looks for. None for a composite: its parts have lists of their own.
    """
    rows: Any = SampleHousehold.objects.visible_to(actor).filter(round=result.round_id)
    first = Answer.objects.filter(sample=OuterRef("pk"), purpose=Purpose.FIRST)
    if result.rate == Rate.APPROVAL:
        rows = rows.filter(Exists(first.filter(answers__approval="no")))
        return rows.annotate(confirmed=F("frame__persons")).order_by("village_code", "kind", "rank")
    asked = ASKED.get(result.rate)
    if asked is None:
        return None
    counted = {"cases__state": CaseState.CONFIRMED, "cases__kind__in": asked.cases}
    return (
        rows.filter(Exists(first), **counted)
        .annotate(confirmed=Sum("cases__confirmed_persons"))
        .order_by("village_code", "kind", "rank")
    )
