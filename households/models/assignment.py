from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from core.history import tracked
from core.scope import ScopedQuerySet
from households.models.household import Household


class AssignmentQuerySet(ScopedQuerySet["Assignment"]):
    def standing(self) -> "AssignmentQuerySet":
        """Assignments that hold now; an end may lie ahead, on the day somebody else takes over."""
        return self.filter(Q(ended_at__isnull=True) | Q(ended_at__gt=Now()))


@tracked
class Assignment(models.Model):
    """A household entrusted to a person (帮扶, 督查, 调查), who sees it without a region's grant.

    Ended, never deleted: who could see a household at a time stays answerable.
    """

    household = models.ForeignKey(
        Household, models.PROTECT, db_constraint=False, db_index=False,
        related_name="assignments", verbose_name="贫困户",
    )  # fmt: skip
    village_code = models.CharField("村代码", max_length=12)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, related_name="+",
        verbose_name="责任人",
    )  # fmt: skip
    reason = models.CharField("事由", max_length=200)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, db_index=False, related_name="+",
        verbose_name="分派人",
    )  # fmt: skip
    created_at = models.DateTimeField("分派时间", db_default=Now())
    ended_at = models.DateTimeField("结束时间", null=True)

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        verbose_name = "分派"
        constraints = [
            models.UniqueConstraint(
                fields=["user", "household"],
                condition=Q(ended_at__isnull=True),
                name="assignment_once",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("created_at")),
                name="assignment_ends_after_start",
            ),
            models.CheckConstraint(
                condition=Q(created_by__isnull=True) | ~Q(created_by=F("user")),
                name="assignment_not_to_oneself",
            ),
        ]
        indexes = [models.Index(fields=["household"], name="assignment_household")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.household_id}"
