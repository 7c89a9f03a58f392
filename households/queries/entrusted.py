"""Households assigned to persons."""

from typing import Any

from django.db.models import QuerySet

from core.scope import Actor, within
from households.models import Assignment, Household


def households_of(actor: Actor) -> "QuerySet[Any, int]":
    """Keys of the households assigned to somebody in a region where that still may be.

    A role that ended takes its households along, and one that moved away is no longer seen.
    """
    mine = Assignment.objects.standing().filter(user_id=actor.assigned_to or 0)
    there = mine.filter(within(actor.entrusted_prefixes, "village_code"))
    return there.values_list("household_id", flat=True)


def entrusted_to(household: Household, actor: Actor) -> "QuerySet[Assignment]":
    """Who is responsible for the household now, as far as the actor may know."""
    found = Assignment.objects.visible_to(actor).standing().filter(household=household)
    return found.select_related("user").order_by("created_at")
