"""How many households stand in the way of counties, who has to act and until when."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Count, Q, Value
from django.db.models.functions import Substr

from core.scope import Actor, below, trim, within
from exits.models import HouseholdReadiness, Standard
from exits.queries.blockers import veto_items
from households.models import Task


@dataclass(frozen=True)
class Obstacle:
    """Households still poor in which a veto item is open, and the task that falls due first."""

    households: int = 0
    owner: str = ""
    due_on: date | None = None


def obstacles(
    codes: Collection[str], partition: int, standard: Standard, actor: Actor
) -> Mapping[str, Obstacle]:
    """County or smaller place → what stands in its way, in two queries beside the standard's items."""
    items = list(veto_items(standard))
    prefixes = [trim(code) for code in codes]
    if not prefixes or not items:
        return {}
    length = len(prefixes[0])
    open_in = (
        HouseholdReadiness.objects.visible_to(actor)
        .filter(partition=partition, standard=standard, is_poor=True)
        .filter(Q(not_met__overlap=items) | Q(missing__overlap=items))
        .order_by()
    )
    # One range of the index each: a range over all of them would read the places between as well.
    counted: Any = [
        open_in.filter(below(prefix, "village_code"))
        .annotate(place=Value(prefix))
        .values_list("place")
        .annotate(n=Count("*"))
        for prefix in prefixes
    ]
    numbers = dict(counted[0].union(*counted[1:], all=True))
    tasks: Any = (
        Task.objects.visible_to(actor)
        .filter(within(prefixes, "region_code"), partition=partition, closed_at__isnull=True)
        .annotate(place=Substr("region_code", 1, length))
        .order_by("place", "due_on", "pk")
        .distinct("place")
        .values_list("place", "owner__display_name", "due_on")
    )
    first = {place: (owner, due_on) for place, owner, due_on in tasks}
    return {
        prefix.ljust(12, "0"): Obstacle(numbers.get(prefix, 0), *first.get(prefix, ("", None)))
        for prefix in prefixes
    }
