"""Fields and querysets that the tables of a round share."""

from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from core.scope import Actor, ScopedQuerySet, within


def person(label: str, *, null: bool = False) -> "models.ForeignKey[Any, Any]":
    return models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=null, db_index=False, related_name="+",
        verbose_name=label,
    )  # fmt: skip


def held_by() -> "models.CharField[Any, Any]":
    """The division code prefix of the office that runs the round: scope of every row of it."""
    return models.CharField("组织单位区划前缀", max_length=12)


class RoundRowQuerySet(ScopedQuerySet[Any]):
    """Rows of a round: seen by the office that runs it, and by the county once they are disclosed.

    A county does not see the list of who will be visited before its round is disclosed. Surveyors
    see what hangs on the sample households assigned to them; `sample_path` leads there.
    """

    scope_field = "held_by"
    round_path = "round__"
    sample_path = ""

    def visible_to(self, actor: Actor) -> Self:
        prefixes = actor.region_prefixes
        seen = within(prefixes, self.scope_field) | (
            within(prefixes, f"{self.round_path}region_code")
            & Q(**{f"{self.round_path}disclosed_at__isnull": False})
        )
        if self.sample_path and actor.assigned_to is not None:
            seen = seen | Q(Exists(assigned(actor).filter(sample=OuterRef(self.sample_path))))
        return self.filter(seen)


def assigned(actor: Actor) -> "models.QuerySet[Any]":
    """The tasks of a surveyor that are theirs now, inside the regions they are sent to."""
    from inspections.models.visit import SurveyTask

    return SurveyTask._base_manager.filter(
        Q(ended_at__isnull=True) | Q(ended_at__gt=timezone.now()),
        within(actor.entrusted_prefixes, "village_code"),
        # Nobody's tasks for whoever surveys nothing.
        user_id=actor.assigned_to or 0,
    )
