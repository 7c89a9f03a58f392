"""What this app adds to the pages of others.

To a county's application to exit its disclosed rounds and their results; to projects, and to what a
rule says of money, the problems of the ledger.
"""

from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.utils import timezone

from core.scope import Actor, covers
from funds.models import FundFinding
from inspections.enums import Rate, RoundKind
from inspections.formulas import verdicts
from inspections.models import Result, Round
from inspections.queries.findings import about, listing
from inspections.queries.results import results_of
from inspections.services.findings.common import FIND
from projects.models import Project
from villages.models import Region

TEMPLATE = "papers/_rounds.html"
_PROBLEMS = 10


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


def project_panel(project: Project, actor: Actor) -> dict[str, Any]:
    """The youngest problems of a project, and how many of all are open and overdue."""
    found = about.of_project(project.pk, actor)
    day = timezone.localdate()
    return {
        "rows": list(found[:_PROBLEMS]),
        "total": found.count(),
        "open": found.filter(listing.standing(listing.OPEN_ONES, day)).count(),
        "overdue": found.filter(listing.standing(listing.OVERDUE, day)).count(),
        "project": project,
    }


def fund_panel(found: FundFinding, actor: Actor) -> dict[str, Any]:
    """The problem on the ledger that a finding on money became; whether this person may raise it."""
    known = listing.visible(actor).filter(fund_finding=found).first()
    may = known is None and found.closed_on is None and covers(actor, found.region_code, FIND)
    return {"known": known, "may_raise": may, "found": found}
