"""What is being done about a household: changes under review, procedures it is listed in."""

from django.db.models import QuerySet

from core.scope import Actor
from households.models import Change, Household, ProcedureCase

# As many of each as a page shows.
MOST = 50


def changes_of(household: Household, actor: Actor) -> "QuerySet[Change]":
    """Changes submitted for the household, the latest first."""
    rows = Change.objects.visible_to(actor).filter(household=household)
    return rows.order_by("-pk")[:MOST]


def cases_of(household: Household, actor: Actor) -> "QuerySet[ProcedureCase]":
    """Procedures with the household on their list, the latest first."""
    rows = ProcedureCase.objects.visible_to(actor).filter(household=household)
    return rows.select_related("procedure").order_by("-procedure_id")[:MOST]
