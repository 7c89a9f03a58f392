"""What makes a user see and do anything: a role in a region, for a time."""

from typing import Self

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import Case, F, Func, Q, Value, When
from django.utils import timezone

from accounts.enums import Role
from accounts.models.user import User
from accounts.roles import ADMINISTRATORS, ROLES
from core.history import tracked

REGION_PREFIX = r"^[0-9]{2}([0-9]{2}([0-9]{2}([0-9]{3}([0-9]{3})?)?)?)?$"


def role_fits_level() -> Q:
    """Each role only at the levels that `accounts.roles` states."""
    fits = Q()
    for role, facts in ROLES.items():
        lengths = "|".join(f".{{{length}}}" for length in sorted(facts.levels))
        fits |= Q(role=str(role), region_prefix__regex=f"^({lengths})$")
    return fits


class GrantQuerySet(models.QuerySet["Grant"]):
    def valid_on(self, day: object) -> Self:
        return self.filter(revoked_at__isnull=True, valid_from__lte=day).filter(
            Q(valid_to__isnull=True) | Q(valid_to__gte=day)
        )

    def open_on(self, day: object) -> Self:
        """Valid on the day or to become so: what still has to be reckoned with."""
        return self.filter(revoked_at__isnull=True).filter(
            Q(valid_to__isnull=True) | Q(valid_to__gte=day)
        )


@tracked
class Grant(models.Model):
    """A role inside one region, for a time.

    `valid_from` and `valid_to` are both inclusive. A grant is never deleted and never changed into
    another one: it ends, by its last day, earlier than planned, or at once by being revoked.
    `granted_by` is missing only for what the operator of the machine appointed.
    """

    user = models.ForeignKey(User, models.PROTECT, related_name="grants", verbose_name="用户")
    role = models.CharField("角色", max_length=20, choices=Role.choices)
    region_prefix = models.CharField("区划前缀", max_length=12)
    department = models.CharField("责任部门", max_length=100, blank=True)
    valid_from = models.DateField("生效日期")
    valid_to = models.DateField("失效日期", null=True, blank=True)
    reason = models.CharField("授权事由", max_length=200, blank=True)
    granted_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="授权人"
    )
    granted_at = models.DateTimeField("授权时间", default=timezone.now)
    revoked_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="收回人"
    )
    revoked_at = models.DateTimeField("收回时间", null=True, blank=True)
    revoked_reason = models.CharField("收回事由", max_length=200, blank=True)

    objects = GrantQuerySet.as_manager()

    class Meta:
        verbose_name = "授权"
        constraints = [
            models.CheckConstraint(
                condition=Q(region_prefix__regex=REGION_PREFIX), name="grant_prefix_is_a_level"
            ),
            models.CheckConstraint(condition=role_fits_level(), name="grant_role_fits_level"),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")),
                name="grant_ends_after_start",
            ),
            models.CheckConstraint(
                condition=Q(granted_by__isnull=True) | ~Q(granted_by=F("user")),
                name="grant_not_to_oneself",
            ),
            models.CheckConstraint(
                condition=Q(revoked_by__isnull=True)
                | (~Q(revoked_by=F("user")) & Q(revoked_at__isnull=False)),
                name="grant_not_revoked_by_oneself",
            ),
            models.UniqueConstraint(
                fields=["user", "role", "region_prefix", "department", "valid_from"],
                condition=Q(revoked_at__isnull=True),
                name="grant_once",
            ),
            # 三员分立: whoever administers holds that one office and nothing else at the time.
            ExclusionConstraint(
                name="grant_one_office_at_a_time",
                expressions=[
                    ("user", RangeOperators.EQUAL),
                    (
                        Case(
                            *(
                                When(role=str(role), then=Value(str(role)))
                                for role in ADMINISTRATORS
                            ),
                            default=Value("OTHER"),
                        ),
                        RangeOperators.NOT_EQUAL,
                    ),
                    (
                        Func(
                            F("valid_from"),
                            F("valid_to"),
                            Value("[]"),
                            function="daterange",
                            output_field=DateRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                condition=Q(revoked_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_role_display()} {self.region_prefix}"
