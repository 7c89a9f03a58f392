"""Households that stand in the way, as lists and exports show them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Q

from core.scope import Actor
from exits.enums import Outcome, SubjectLevel
from exits.models import Standard
from exits.queries.obstacles import duties
from exits.queries.readiness import blocked
from exits.queries.standards import items_of
from households.queries.rows import HouseholdRow, household_rows

POOR, EXITED = "poor", "exited"


@dataclass(frozen=True, slots=True)
class OpenItem:
    """An item that is not met in a household, or of which nobody knows."""

    code: str
    label: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Blocker:
    """A household with what is open in it, who is responsible, and until when."""

    row: HouseholdRow
    items: list[OpenItem]
    owner: str
    due_on: date | None


def veto_items(standard: Standard) -> dict[str, str]:
    """Code → label of the items that decide about a household."""
    items = items_of([standard])[standard.pk, SubjectLevel.HOUSEHOLD]
    return {code: item.label for code, item in items.items() if item.is_veto}


def blockers(
    prefix: str,
    year: int,
    standard: Standard,
    actor: Actor,
    *,
    item: str = "",
    outcome: str = "",
    status: str = POOR,
    only: Collection[int] | None = None,
) -> Any:
    """Households of the year in which a veto item is open, narrowed as asked.

    Of those that have exited only what is not met counts: perhaps they should not have.
    """
    codes = [item] if item else list(veto_items(standard))
    failed, unknown = Q(not_met__overlap=codes), Q(missing__overlap=codes)
    wanted = {Outcome.NOT_MET: failed, Outcome.MISSING: unknown}.get(
        Outcome(outcome) if outcome else Outcome.MET, failed | unknown
    )
    rows = blocked(prefix, year, standard, actor).filter(wanted, is_poor=status != EXITED)
    return rows if only is None else rows.filter(household__in=only)


def described(
    rows: Sequence[Any], year: int, labels: Mapping[str, str], actor: Actor
) -> list[Blocker]:
    """The lines of readiness rows, in their order."""
    found = {row.household_id: row for row in rows}
    lines = household_rows([(row.village_code, row.household_id) for row in rows], year)
    responsible = duties(list(found), actor)
    return [
        Blocker(
            line,
            _open(found[line.pk], labels),
            responsible[line.pk].owner,
            responsible[line.pk].due_on,
        )
        for line in lines
    ]


def _open(row: Any, labels: Mapping[str, str]) -> list[OpenItem]:
    outcomes = dict.fromkeys(row.missing, Outcome.MISSING) | dict.fromkeys(
        row.not_met, Outcome.NOT_MET
    )
    return [OpenItem(code, labels[code], outcomes[code]) for code in labels if code in outcomes]
