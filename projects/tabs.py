"""What projects add to the page of a division, and what other apps add to the page of a project.

An app adds its own in its `ready`: `register("money", Panel("funds/_project.html", money))`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone

from core.scope import Actor, covers
from projects.models import Project
from projects.queries import figures, listing
from villages.models import Region


def projects_panel(region: Region, year: int, actor: Actor) -> dict[str, Any] | None:
    """The year's projects below the division, for whoever sees all of it."""
    if not covers(actor, region.code):
        return None
    found = listing.visible(actor).in_region(region.code).filter(year=year)
    query = urlencode({"region": region.prefix, "year": year})
    return {
        "line": figures.whole(found, timezone.localdate()),
        "href": f"{reverse('projects:list')}?{query}",
        "year_href": f"{reverse('projects:year')}?{query}",
    }


@dataclass(frozen=True, slots=True)
class Panel:
    """A part of a project's page and sheet: `build` gives what its template finds under `told`."""

    template: str
    build: Callable[[Project, Actor], dict[str, Any]]


_panels: dict[str, Panel] = {}


def register(key: str, panel: Panel) -> None:
    """Add a part; a key that is known already is replaced."""
    _panels[key] = panel


def panels(project: Project, actor: Actor) -> list[tuple[str, dict[str, Any]]]:
    """Template and contents of each part, in the order of registration."""
    return [(one.template, one.build(project, actor)) for one in _panels.values()]
