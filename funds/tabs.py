"""What money adds to the pages of projects and divisions, and what others add to a finding on money.

An app adds its own in its `ready`: `register("findings", Panel("findings/_fund.html", fund_panel))`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from core.scope import Actor, covers
from funds.models import FundFinding
from funds.queries import payments
from projects.models import Project
from villages.models import Region


def project_panel(project: Project, actor: Actor) -> dict[str, Any]:
    """What the project was given, by document, what was paid, and to whom."""
    rows = payments.of_project(project, actor)
    return {
        "rows": rows,
        "allotted": sum(row["allotted"] for row in rows),
        "paid": sum(row["paid"] for row in rows),
        "payees": payments.contractors_of(project, actor),
        "cards": payments.households_of(project, actor),
        "href": f"{reverse('funds:accounts')}?{urlencode({'project': project.pk})}",
    }


def place_panel(region: Region, year: int, actor: Actor) -> dict[str, Any] | None:
    """The year's money of a division, for whoever sees all of it."""
    if not covers(actor, region.code):
        return None
    query = urlencode({"region": region.prefix, "year": year})
    return {
        "sums": payments.of_place(region.code, year, actor),
        "href": f"{reverse('funds:accounts')}?{query}",
    }


@dataclass(frozen=True, slots=True)
class Panel:
    """A part of the page of a finding: `build` gives what its template finds under `told`."""

    template: str
    build: Callable[[FundFinding, Actor], dict[str, Any]]


_panels: dict[str, Panel] = {}


def register(key: str, panel: Panel) -> None:
    """Add a part; a key that is known already is replaced."""
    _panels[key] = panel


def panels(found: FundFinding, actor: Actor) -> list[tuple[str, dict[str, Any]]]:
    """Template and contents of each part, in the order of registration."""
    return [(one.template, one.build(found, actor)) for one in _panels.values()]
