"""What projects bring to a household, and to a place."""

from core.scope import Actor
from projects.models import Beneficiary, Project


def of_household(household: int, actor: Actor) -> list[Beneficiary]:
    """What a household gets, youngest first. A project of another place shows by its benefit alone."""
    rows = list(
        Beneficiary.objects.visible_to(actor)
        .filter(household_id=household)
        .select_related("person")
        .order_by("-on", "-pk")
    )
    # Not joined: the row of a project that is not seen would take the benefit with it.
    names = dict(
        Project.objects.visible_to(actor)
        .filter(pk__in=[row.project_id for row in rows])
        .values_list("pk", "name")
    )
    for row in rows:
        row.title = names.get(row.project_id, "")  # type: ignore[attr-defined]
        row.is_seen = row.project_id in names  # type: ignore[attr-defined]
    return rows


def count_of_household(household_no: str, year: int, actor: Actor) -> int:
    """How many benefits the household has, whatever the year."""
    del year
    rows = Beneficiary.objects.visible_to(actor)
    return rows.filter(household__household_no=household_no).count()
