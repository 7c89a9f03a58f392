"""What readiness adds to the page of a division: the way to its gates and blockers."""

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
