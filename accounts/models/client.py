"""Other systems that call the API: who runs them and why, their keys, and what they are given."""

import hashlib
import hmac
import ipaddress
from collections.abc import Iterable
from datetime import datetime
from functools import cached_property
from typing import Self

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Greatest, Least
from django.utils import timezone

from accounts.models.grant import REGION_PREFIX
from accounts.models.user import User
from accounts.roles import LOAD_WORKBOOKS, MANAGE_CLIENTS, READ_REGISTER
from core.history import tracked, tracked_without
from core.scope import Actor, within
from core.sharing import (
    CONFIRMED,
    ORDINARY,
    PERSONAL,
    SENSITIVE,
    WRITABLE,
    Access,
    FieldGroup,
    Resource,
)

# Per client; a minute's requests and an hour's records. The whole city is about 630,000 records.
REQUESTS_PER_MINUTE, MOST_REQUESTS = 120, 6_000
ROWS_PER_HOUR, MOST_ROWS = 100_000, 2_000_000
# What is confirmed of a scope beside its sensitive groups: that it is given, with its ordinary ones.
SCOPE_ITSELF = "scope"


def key_digest(key: str) -> str:
    """Keyed digest of an API key: a stolen table does not yield keys."""
    return hmac.new(settings.SECRET_KEY.encode(), key.encode(), hashlib.sha256).hexdigest()


class MachineClientQuerySet(models.QuerySet["MachineClient"]):
    def managed_by(self, actor: Actor) -> Self:
        """Clients whose whole region lies where the actor manages clients."""
        return self.filter(within(actor.prefixes_for(MANAGE_CLIENTS), "region_prefix"))


@tracked
class MachineClient(models.Model):
    """A system of another office that pulls data for one stated purpose (政务数据共享条例).

    `region_prefix` bounds everything it is given, for good; another region is another client.
    `networks` are the CIDR blocks it may call from; `any_network` is the express choice of none.
    """

    name = models.CharField("系统名称", max_length=100, unique=True)
    office = models.CharField("使用单位", max_length=100, blank=True)
    purpose = models.CharField("用途", max_length=200)
    contact = models.CharField("联系人", max_length=100, blank=True)
    region_prefix = models.CharField("区划前缀", max_length=12)
    networks = ArrayField(
        models.CharField(max_length=43), verbose_name="允许的来源地址", default=list, blank=True
    )
    any_network = models.BooleanField("不限来源地址", default=False)
    requests_per_minute = models.PositiveIntegerField(
        "每分钟请求上限（次）", default=REQUESTS_PER_MINUTE
    )
    rows_per_hour = models.PositiveIntegerField("每小时记录上限（条）", default=ROWS_PER_HOUR)
    created_at = models.DateTimeField("创建时间", auto_now_add=True)
    created_by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", verbose_name="创建人"
    )
    disabled_at = models.DateTimeField("停用时间", null=True, blank=True)
    disabled_by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", verbose_name="停用人"
    )
    disabled_reason = models.CharField("停用原因", max_length=200, blank=True)

    # What DRF and templates ask of whoever made a request.
    is_authenticated = True
    # While it answers a call: the resource called; rights are those for this resource alone.
    resource = ""

    objects = MachineClientQuerySet.as_manager()

    class Meta:
        verbose_name = "接口客户端"
        constraints = [
            models.CheckConstraint(
                condition=Q(region_prefix__regex=REGION_PREFIX), name="client_prefix_is_a_level"
            ),
            models.CheckConstraint(condition=~Q(purpose=""), name="client_has_a_purpose"),
            models.CheckConstraint(
                condition=Q(any_network=True, networks=[]) | Q(any_network=False) & ~Q(networks=[]),
                name="client_networks_chosen",
            ),
            models.CheckConstraint(
                condition=Q(requests_per_minute__range=(1, MOST_REQUESTS))
                & Q(rows_per_hour__range=(1, MOST_ROWS)),
                name="client_rates",
            ),
            models.CheckConstraint(
                condition=Q(disabled_at__isnull=True, disabled_reason="")
                | Q(disabled_at__isnull=False) & ~Q(disabled_reason=""),
                name="client_disabled_for_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_active(self) -> bool:
        return self.disabled_at is None

    @cached_property
    def _scopes(self) -> list["ClientScope"]:
        return list(self.scopes.prefetch_related("sensitive"))

    def _readable(self) -> list["ClientScope"]:
        if not self.is_active:
            return []
        return [
            scope
            for scope in self._scopes
            if scope.is_in_force
            # Whoever writes a resource also reads it; most are never written.
            and (scope.access == Access.READ or scope.resource in WRITABLE)
            and scope.resource == (self.resource or scope.resource)
            # The database refuses any other; this wall costs nothing.
            and scope.region_prefix.startswith(self.region_prefix)
        ]

    @property
    def region_prefixes(self) -> tuple[str, ...]:
        return self.prefixes_for(READ_REGISTER)

    def prefixes_for(self, permission: str) -> tuple[str, ...]:
        """Where the client reads what it called, or anything when it calls nothing; where it writes."""
        if permission not in (READ_REGISTER, LOAD_WORKBOOKS):
            return ()
        return tuple(
            sorted(
                {
                    scope.region_prefix
                    for scope in self._readable()
                    if permission == READ_REGISTER or scope.access == Access.WRITE
                }
            )
        )

    entrusted_prefixes: tuple[str, ...] = ()

    @property
    def assigned_to(self) -> None:
        """Nobody assigns households to a machine."""
        return None

    def has_perm(self, permission: str, obj: object = None) -> bool:
        return bool(self.prefixes_for(permission))

    @property
    def field_groups(self) -> frozenset[str]:
        """Groups of fields it is given of the resource it called; none before it calls."""
        if not self.resource:
            return frozenset()
        return frozenset(group for scope in self._readable() for group in scope.in_force)

    def comes_from(self, address: str | None) -> bool:
        """Whether it may call from this address. What cannot be read as one is nowhere."""
        if self.any_network:
            return True
        try:
            told = ipaddress.ip_address(address or "")
        except ValueError:
            return False
        if isinstance(told, ipaddress.IPv6Address) and told.ipv4_mapped:
            told = told.ipv4_mapped
        return any(told in ipaddress.ip_network(block) for block in self.networks)


class ClientKeyQuerySet(models.QuerySet["ClientKey"]):
    def live_at(self, moment: datetime) -> Self:
        return self.filter(valid_from__lte=moment, expires_at__gt=moment, revoked_at__isnull=True)


@tracked_without("digest", "last_used_at", "last_address")
class ClientKey(models.Model):
    """A key of a client: stored as a keyed digest, shown once, never deleted.

    At any moment a client has at most two that work, so that a new one can be installed while the
    old one still opens: each takes one of two slots for its time, and the times in a slot exclude
    one another.
    """

    client = models.ForeignKey(
        MachineClient, models.PROTECT, related_name="keys", verbose_name="接口客户端"
    )
    slot = models.PositiveSmallIntegerField("位置")
    start = models.CharField("密钥前八位", max_length=8)
    digest = models.CharField("密钥摘要", max_length=64, unique=True)
    created_at = models.DateTimeField("签发时间", auto_now_add=True)
    created_by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", verbose_name="签发人"
    )
    valid_from = models.DateTimeField("生效时间", default=timezone.now)
    expires_at = models.DateTimeField("失效时间")
    revoked_at = models.DateTimeField("吊销时间", null=True, blank=True)
    revoked_by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", verbose_name="吊销人"
    )
    revoked_reason = models.CharField("吊销原因", max_length=200, blank=True)
    # To the minute, so that a pull of a thousand pages does not write a thousand times.
    last_used_at = models.DateTimeField("最近使用", null=True, blank=True)
    last_address = models.GenericIPAddressField("最近来源地址", null=True, blank=True)

    objects = ClientKeyQuerySet.as_manager()

    class Meta:
        verbose_name = "接口密钥"
        ordering = ["-valid_from", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(slot__in=(1, 2)), name="key_slot"),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("valid_from")), name="key_expires_after_start"
            ),
            models.CheckConstraint(
                condition=Q(revoked_at__isnull=True, revoked_reason="")
                | Q(revoked_at__isnull=False) & ~Q(revoked_reason=""),
                name="key_revoked_for_a_reason",
            ),
            ExclusionConstraint(
                name="client_two_live_keys",
                expressions=[
                    (F("client"), RangeOperators.EQUAL),
                    (F("slot"), RangeOperators.EQUAL),
                    (
                        models.Func(
                            F("valid_from"),
                            Least(
                                F("expires_at"),
                                Greatest(
                                    F("valid_from"), Coalesce(F("revoked_at"), F("expires_at"))
                                ),
                            ),
                            function="tstzrange",
                            output_field=DateTimeRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.start}…"

    def is_live_at(self, moment: datetime) -> bool:
        return self.revoked_at is None and self.valid_from <= moment < self.expires_at


@tracked
class ClientScope(models.Model):
    """One resource that a client is given: where, and which ordinary groups of fields.

    What tells of persons, or is written, is in force once a second person has confirmed it. `granted_by` is empty
    where whoever operates the machine gave it; the database lets nobody else leave it so.
    """

    client = models.ForeignKey(
        MachineClient, models.CASCADE, related_name="scopes", verbose_name="接口客户端"
    )
    resource = models.CharField("资源", max_length=20, choices=Resource.choices)
    access = models.CharField("方式", max_length=5, choices=Access.choices, default=Access.READ)
    region_prefix = models.CharField("区划前缀", max_length=12)
    groups = ArrayField(
        models.CharField(max_length=20), verbose_name="字段组", default=list, blank=True
    )
    granted_at = models.DateTimeField("授权时间", default=timezone.now)
    granted_by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", verbose_name="授权人"
    )

    class Meta:
        verbose_name = "接口授权"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["client", "resource", "access"], name="client_scope_once"
            ),
            models.CheckConstraint(
                condition=Q(region_prefix__regex=REGION_PREFIX), name="scope_prefix_is_a_level"
            ),
            models.CheckConstraint(
                condition=Q(groups__contained_by=[str(group) for group in ORDINARY]),
                name="scope_ordinary_groups",
            ),
            models.CheckConstraint(
                condition=Q(groups=[]) | Q(resource__in=[str(one) for one in PERSONAL]),
                name="scope_groups_of_persons",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_resource_display()}（{self.get_access_display()}）"

    @property
    def is_in_force(self) -> bool:
        if self.resource not in CONFIRMED or self.granted_by_id is None:
            return True
        return any(one.group == SCOPE_ITSELF and one.is_in_force for one in self.sensitive.all())

    @property
    def in_force(self) -> Iterable[str]:
        """Groups given now: the ordinary ones, and of the others those confirmed for this region."""
        if not self.is_in_force:
            return []
        confirmed = {one.group for one in self.sensitive.all() if one.is_in_force}
        return [*self.groups, *sorted(confirmed - {SCOPE_ITSELF})]


@tracked
class SensitiveGrant(models.Model):
    """A sensitive group of one scope, or the scope itself: asked for by one person, in force by another.

    It was confirmed for one region, for the ordinary groups of that day and for the networks of that
    day: when the scope moves or any of them grows, the row goes and a new one has to be confirmed.
    """

    scope = models.ForeignKey(
        ClientScope, models.CASCADE, related_name="sensitive", verbose_name="接口授权"
    )
    group = models.CharField(
        "字段组", max_length=20, choices=[(SCOPE_ITSELF, "资源及一般字段组"), *FieldGroup.choices]
    )
    region_prefix = models.CharField("区划前缀", max_length=12)
    granted_at = models.DateTimeField("提出时间", default=timezone.now)
    granted_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name="提出人")
    confirmed_at = models.DateTimeField("复核时间", null=True, blank=True)
    confirmed_by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", verbose_name="复核人"
    )

    class Meta:
        verbose_name = "敏感字段授权"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["scope", "group"], name="sensitive_group_once"),
            models.CheckConstraint(
                condition=Q(group__in=[SCOPE_ITSELF, *(str(group) for group in SENSITIVE)]),
                name="sensitive_group",
            ),
            models.CheckConstraint(
                condition=Q(confirmed_by__isnull=True) | ~Q(confirmed_by=F("granted_by")),
                name="sensitive_two_persons",
            ),
            models.CheckConstraint(
                condition=Q(confirmed_by__isnull=True, confirmed_at__isnull=True)
                | Q(confirmed_by__isnull=False, confirmed_at__isnull=False),
                name="sensitive_confirmed_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return self.get_group_display()

    @property
    def is_in_force(self) -> bool:
        return self.confirmed_by_id is not None and self.region_prefix == self.scope.region_prefix
