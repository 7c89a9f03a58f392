"""What apps above add to the page of a division: parts with a template of their own.

An app adds its own in its `ready`: `register(Panel("roster", "households/_roster.html", roster))`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from core.scope import Actor
from villages.models import Region


@dataclass(frozen=True, slots=True)
class Panel:
    """A part of the page: `build` gives what its template shows, None where it has nothing to say."""

    key: str
    template: str
    build: Callable[[Region, int, Actor], dict[str, Any] | None]
    order: int = 100


@dataclass(frozen=True, slots=True)
class Shown:
    key: str
    template: str
    told: dict[str, Any]


_panels: dict[str, Panel] = {}


def register(panel: Panel) -> None:
    """Add a part; a key that is known already is replaced."""
    _panels[panel.key] = panel


def panels(region: Region, year: int, actor: Actor) -> list[Shown]:
    """The parts of a division's page in their order."""
    found = []
    for panel in sorted(_panels.values(), key=lambda one: one.order):
        told = panel.build(region, year, actor)
        if told is not None:
            found.append(Shown(panel.key, panel.template, told))
    return found
