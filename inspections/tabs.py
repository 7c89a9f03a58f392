"""What assessments add to a county's application to exit: its disclosed rounds and their results."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

from core.scope import Actor
from inspections.enums import Rate, RoundKind
from inspections.formulas import verdicts
from inspections.models import Result, Round
from inspections.queries.results import results_of
from villages.models import Region

TEMPLATE = "papers/_rounds.html"


def rounds_of_dossier(county: Region, year: int, actor: Actor) -> tuple[str, dict[str, Any]] | None:
    """Every disclosed round of the year with the proof of its draw; spot checks are left out."""
    rounds = (
        Round.objects.visible_to(actor)
        .filter(region_code=county.code, partition=year, disclosed_at__isnull=False)
        .exclude(kind=RoundKind.SPOT_CHECK)
        .order_by("disclosed_at", "pk")
    )
    told = [
        {
            "round": one,
            "results": [
                {
                    "label": Rate(row.rate).label,
                    "row": row,
                    "lower": _share(row.lower, row),
                    "upper": _share(row.upper, row),
                }
                for row in results_of(one, actor)
            ],
        }
        for one in rounds
    ]
    return (TEMPLATE, {"rounds": told}) if told else None


def _share(limit: Decimal | None, row: Result) -> str:
    return "—" if limit is None else verdicts.percent(Fraction(limit), row.standard, 2)
