"""A person who signs in."""

from collections.abc import Iterable
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.roles import READ_REGISTER, ROLES
from core.history import tracked_without

if TYPE_CHECKING:
    from accounts.models.grant import Grant


class UserManager(BaseUserManager["User"]):
    def create_user(self, username: str, password: str, display_name: str = "") -> "User":
        user = self.model(username=username, display_name=display_name or username)
        user.set_password(password)
        user.save(using=self._db)
        return user


def city_code() -> str:
    """Where an account belongs unless somebody says so: to the city, out of every county's reach."""
    return str(settings.SITE_CITY_CODE)


# A hash of a password is nobody's history, and every sign-in would leave an image.
@tracked_without("password", "last_login")
class User(AbstractBaseUser):
    """A person who signs in. What they may see and do comes from their grants alone.

    `home_prefix` says which system administrators look after the account; it gives no right.
    Accounts are disabled, never deleted: everything they did keeps its name.
    """

    username = models.CharField("用户名", max_length=60, unique=True)
    display_name = models.CharField("姓名", max_length=60)
    office = models.CharField("单位", max_length=100, blank=True)
    home_prefix = models.CharField("所属区划", max_length=12, default=city_code)
    is_active = models.BooleanField("启用", default=True)
    created_at = models.DateTimeField("建立时间", default=timezone.now)
    created_by = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="+", verbose_name="建立人"
    )
    disabled_at = models.DateTimeField("停用时间", null=True, blank=True)
    disabled_by = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="+", verbose_name="停用人"
    )
    disabled_reason = models.CharField("停用事由", max_length=200, blank=True)
    handed_over_to = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="taken_over",
        verbose_name="工作移交给",
    )
    handed_over_on = models.DateField("移交日期", null=True, blank=True)
    handed_over_reason = models.CharField("移交事由", max_length=200, blank=True)

    objects = UserManager()

    USERNAME_FIELD = "username"

    class Meta:
        verbose_name = "用户"
        constraints = [
            models.CheckConstraint(
                condition=Q(home_prefix__regex=r"^[0-9]{4}([0-9]{2}([0-9]{3}([0-9]{3})?)?)?$"),
                name="user_home_is_a_level",
            ),
            models.CheckConstraint(
                condition=Q(disabled_by__isnull=True) | ~Q(disabled_by=F("id")),
                name="user_not_disabled_by_oneself",
            ),
            models.CheckConstraint(
                condition=Q(handed_over_to__isnull=True, handed_over_on__isnull=True)
                | (
                    Q(handed_over_to__isnull=False, handed_over_on__isnull=False)
                    & ~Q(handed_over_to=F("id"))
                ),
                name="user_handed_over_to_another",
            ),
        ]
        indexes = [models.Index(fields=["home_prefix", "username"], name="user_home")]

    def __str__(self) -> str:
        return self.display_name

    @cached_property
    def _grants(self) -> list["Grant"]:
        return list(self.grants.valid_on(timezone.localdate()))

    def grants_with(self, permission: str) -> list["Grant"]:
        """The grants valid today that carry the right."""
        return [grant for grant in self._grants if permission in ROLES[grant.role].permissions]

    def prefixes_for(self, permission: str) -> tuple[str, ...]:
        """Prefixes of the regions in which the person holds the right today."""
        return tuple(
            sorted(
                {
                    grant.region_prefix
                    for grant in self._grants
                    if permission in ROLES[grant.role].permissions
                    and not (permission == READ_REGISTER and ROLES[grant.role].sees_assigned_only)
                }
            )
        )

    @property
    def region_prefixes(self) -> tuple[str, ...]:
        """Division-code prefixes whose register the person may read today."""
        return self.prefixes_for(READ_REGISTER)

    @property
    def assigned_to(self) -> int | None:
        """Own key when a role of the person sees the households assigned to them, else None."""
        sees = any(ROLES[grant.role].sees_assigned_only for grant in self._grants)
        return self.pk if sees else None

    @property
    def entrusted_prefixes(self) -> tuple[str, ...]:
        """Prefixes of the regions in which households may be assigned to the person today."""
        return _entrusted(self._grants)

    def entrusted_prefixes_on(self, day: date) -> tuple[str, ...]:
        """The same on another day, by the grants known now."""
        return _entrusted(self.grants.valid_on(day))

    @cached_property
    def permissions(self) -> frozenset[str]:
        return frozenset().union(*(ROLES[grant.role].permissions for grant in self._grants))

    def has_perm(self, permission: str, obj: object = None) -> bool:
        """Whether any grant valid today carries the right, wherever that is."""
        return self.is_active and permission in self.permissions


def _entrusted(grants: "Iterable[Grant]") -> tuple[str, ...]:
    return tuple(
        sorted({one.region_prefix for one in grants if ROLES[one.role].sees_assigned_only})
    )
