from django.db import models
from django.db.models import Q

from core.scope import ScopedQuerySet
from households.models.household import Household
from households.models.person import Person


class FormerPlace(models.Model):
    """A village that a household or person belonged to before; written by triggers only.

    The years declared there stay that village's own, so whoever sees those years must see whose
    they are. Row security looks here when the present village lies outside the scope.
    """

    household = models.ForeignKey(
        Household,
        models.CASCADE,
        null=True,
        db_index=False,
        related_name="+",
        verbose_name="贫困户",
    )
    person = models.ForeignKey(
        Person, models.CASCADE, null=True, db_index=False, related_name="+", verbose_name="人员"
    )
    village_code = models.CharField("村代码", max_length=12)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        verbose_name = "原所在村"
        constraints = [
            models.CheckConstraint(
                condition=Q(household__isnull=False) ^ Q(person__isnull=False),
                name="former_place_of_one",
            ),
            models.UniqueConstraint(
                fields=["household", "person", "village_code"],
                nulls_distinct=False,
                name="former_place_once",
            ),
        ]
        indexes = [
            models.Index(fields=["village_code"], name="former_place_scope"),
            # Whoever removes a city's persons is asked about each of them.
            models.Index(fields=["person"], name="former_place_person"),
        ]

    def __str__(self) -> str:
        return f"{self.household_id or self.person_id} {self.village_code}"
