"""What leaders' pages need of assessments: the gates of counties, and the rounds of one of them."""

from collections.abc import Collection

from core.scope import Actor
from inspections.enums import RoundKind
from inspections.models import Result, Round

# In which rounds follow one another up the levels.
_ORDER = list(RoundKind)


def gates_of(codes: Collection[str], partition: int, actor: Actor) -> dict[str, dict[str, Result]]:
    """County → metric → the result its figure comes from, in one query.

    That of the round disclosed last, as `services.publishing` has it; spot checks are never a
    county's result.
    """
    rows = (
        Result.objects.visible_to(actor)
        .filter(
            is_gate=True,
            round__partition=partition,
            round__region_code__in=codes,
            round__disclosed_at__isnull=False,
        )
        .exclude(round__kind=RoundKind.SPOT_CHECK)
        .select_related("round")
        .order_by("round__region_code", "definition", "-round__disclosed_at", "-round_id")
        .distinct("round__region_code", "definition")
    )
    found: dict[str, dict[str, Result]] = {code: {} for code in codes}
    for row in rows:
        found[row.round.region_code][row.definition] = row
    return found


def rounds_beside(code: str, partition: int, actor: Actor) -> list[tuple[Round, dict[str, Result]]]:
    """The drawn rounds of a county and year from self-assessment upwards, with their gates."""
    rounds = list(
        Round.objects.visible_to(actor).filter(
            region_code=code, partition=partition, drawn_at__isnull=False
        )
    )
    rounds.sort(key=lambda one: (_ORDER.index(RoundKind(one.kind)), one.pk))
    found: dict[int, dict[str, Result]] = {one.pk: {} for one in rounds}
    rows = Result.objects.visible_to(actor).filter(round__in=list(found), is_gate=True)
    for row in rows.select_related("round"):
        found[row.round_id][row.definition] = row
    return [(one, found[one.pk]) for one in rounds]
