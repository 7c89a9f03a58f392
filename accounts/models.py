"""Users, their grants of a region, and machine clients."""

import hashlib
import hmac
import secrets
from functools import cached_property

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.enums import Role
from accounts.roles import PERMISSIONS

REGION_PREFIX = r"^[0-9]{2}([0-9]{2}([0-9]{2}([0-9]{3}([0-9]{3})?)?)?)?$"


class UserManager(BaseUserManager["User"]):
    def create_user(self, username: str, password: str, display_name: str = "") -> "User":
        user = self.model(username=username, display_name=display_name or username)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser):
    """A person who signs in. What they may see and do comes from their grants alone."""

    username = models.CharField("用户名", max_length=60, unique=True)
    display_name = models.CharField("姓名", max_length=60)
    office = models.CharField("单位", max_length=100, blank=True)
    is_active = models.BooleanField("启用", default=True)

    objects = UserManager()

    USERNAME_FIELD = "username"

    class Meta:
        verbose_name = "用户"

    def __str__(self) -> str:
        return self.display_name

    @cached_property
    def _grants(self) -> list["Grant"]:
        return list(self.grants.valid_on(timezone.localdate()))

    @property
    def region_prefixes(self) -> tuple[str, ...]:
        """Division-code prefixes granted today."""
        return tuple(sorted({grant.region_prefix for grant in self._grants}))

    @cached_property
    def permissions(self) -> frozenset[str]:
        return frozenset().union(*(PERMISSIONS[grant.role] for grant in self._grants))

    def has_perm(self, permission: str, obj: object = None) -> bool:
        """Whether any grant valid today carries the permission."""
        return self.is_active and permission in self.permissions


class GrantQuerySet(models.QuerySet["Grant"]):
    def valid_on(self, day: object) -> "GrantQuerySet":
        return self.filter(valid_from__lte=day).filter(
            Q(valid_to__isnull=True) | Q(valid_to__gte=day)
        )


class Grant(models.Model):
    """A role inside one region, for a time."""

    user = models.ForeignKey(User, models.CASCADE, related_name="grants", verbose_name="用户")
    role = models.CharField("角色", max_length=10, choices=Role.choices)
    region_prefix = models.CharField("区划前缀", max_length=12)
    valid_from = models.DateField("生效日期")
    valid_to = models.DateField("失效日期", null=True, blank=True)

    objects = GrantQuerySet.as_manager()

    class Meta:
        verbose_name = "授权"
        constraints = [
            models.CheckConstraint(
                condition=Q(region_prefix__regex=REGION_PREFIX), name="grant_prefix_is_a_level"
            ),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")),
                name="grant_ends_after_start",
            ),
            models.UniqueConstraint(
                fields=["user", "role", "region_prefix", "valid_from"], name="grant_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_role_display()} {self.region_prefix}"


def key_digest(key: str) -> str:
    """Keyed digest of an API key: a stolen table does not yield keys."""
    return hmac.new(settings.SECRET_KEY.encode(), key.encode(), hashlib.sha256).hexdigest()


class MachineClient(models.Model):
    """Another system that pulls data; its key is stored as a keyed digest and shown once."""

    name = models.CharField("系统名称", max_length=100, unique=True)
    key_start = models.CharField("密钥前缀", max_length=8)
    key_digest = models.CharField("密钥摘要", max_length=64, unique=True)
    region_prefix = models.CharField("区划前缀", max_length=12)
    expires_on = models.DateField("失效日期")
    revoked_at = models.DateTimeField("吊销时间", null=True, blank=True)
    last_used_at = models.DateTimeField("最近使用", null=True, blank=True)
    created_at = models.DateTimeField("创建时间", auto_now_add=True)

    # What DRF and templates ask of whoever made a request.
    is_authenticated = True
    is_active = True

    class Meta:
        verbose_name = "接口客户端"
        constraints = [
            models.CheckConstraint(
                condition=Q(region_prefix__regex=REGION_PREFIX), name="client_prefix_is_a_level"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def region_prefixes(self) -> tuple[str, ...]:
        return (self.region_prefix,)

    def has_perm(self, permission: str, obj: object = None) -> bool:
        return permission == "households.view_register"

    @classmethod
    def issue(
        cls, *, name: str, region_prefix: str, expires_on: object
    ) -> tuple["MachineClient", str]:
        """Create a client and return it with its key, which cannot be read again."""
        key = secrets.token_urlsafe(32)
        client = cls.objects.create(
            name=name,
            key_start=key[:8],
            key_digest=key_digest(key),
            region_prefix=region_prefix,
            expires_on=expires_on,
        )
        return client, key
