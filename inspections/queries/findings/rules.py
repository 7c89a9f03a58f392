"""Who has how long to mend what: the rules of one's places, and of those around them."""

from typing import Any

from django.db.models import Q

from core.scope import PREFIX_LENGTHS, Actor, within
from inspections.models import DeadlineRule


def rules(actor: Actor) -> Any:
    """The rules that can hold in what the actor sees, the latest first."""
    around = {
        prefix[:length]
        for prefix in actor.region_prefixes
        for length in PREFIX_LENGTHS
        if len(prefix) > length
    }
    found = DeadlineRule.objects.filter(
        within(actor.region_prefixes, "region_prefix") | Q(region_prefix__in=around)
    )
    return found.select_related("created_by").order_by("region_prefix", "-valid_from", "-pk")
