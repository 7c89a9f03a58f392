"""What readiness adds to the page of a division, and what others add to the papers of an exit."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from core.scope import Actor, covers
from villages.enums import Level
from villages.models import Region

_LEVELS = (Level.CITY, Level.COUNTY, Level.TOWN, Level.VILLAGE)


def readiness_panel(region: Region, year: int, actor: Actor) -> dict[str, Any] | None:
    """Links for whoever sees the whole division; nothing is read here."""
    if region.level not in _LEVELS or not covers(actor, region.code):
        return None
    query = urlencode({"year": year})
    return {
        name: f"{reverse(f'exits:{name}', args=[region.prefix])}?{query}"
        for name in ("place", "blockers")
    }


# Something that an app above adds to a county's application: a template and what it needs, or None.
Part = Callable[[Region, int, Actor], tuple[str, dict[str, Any]] | None]
_parts: list[Part] = []


def add_to_dossier(part: Part) -> None:
    """From an app's `ready`: this is part of every county's application from now on."""
    if part not in _parts:
        _parts.append(part)


def dossier_parts(county: Region, year: int, actor: Actor) -> list[tuple[str, dict[str, Any]]]:
    """What other apps have to say about a county's exit, in the order they registered."""
    return [found for part in _parts if (found := part(county, year, actor)) is not None]
