"""Grants: give a role in a region for a time, and take it back."""

from datetime import date

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.enums import Role
from accounts.models import Grant, User
from accounts.queries import may_grant, visible_users
from accounts.roles import ROLES
from accounts.services.links import void_links
from accounts.services.refusals import ActRefusedError
from core import ledger
from core.acting import acting

# What each constraint of the table says in an administrator's words.
_REFUSALS = {
    "grant_one_office_at_a_time": "三员分立：管理员不得兼任其他角色，也不得由担任其他角色的人兼任。请先收回原有角色。",
    "grant_once": "此人已有同一天生效的同一角色。",
    "grant_role_fits_level": "这一角色不能授予这一级区划。",
    "grant_ends_after_start": "失效日期早于生效日期。",
}


def grant(
    *,
    user: User,
    role: str,
    region_prefix: str,
    valid_from: date,
    valid_to: date | None = None,
    department: str = "",
    reason: str = "",
    by: User | None,
) -> Grant:
    """Give the role from a day, today at the earliest, to a day inclusive, or without end.

    A link of before opens the account no more: whoever kept it back would get what is granted now.
    Only the machine's operator gives the link and the office at once.
    """
    if by is not None and not _may_give(by, user, role, region_prefix):
        raise PermissionDenied
    if valid_from < timezone.localdate():
        raise ActRefusedError("生效日期不能早于今天。")
    if not user.is_active:
        raise ActRefusedError("账号已停用，不能授权。")
    if role == Role.DEPARTMENT and not department:
        raise ActRefusedError("行业部门角色须写明责任部门。")
    with acting(by=by, reason=reason):
        made = insert(
            Grant(
                user=user,
                role=role,
                region_prefix=region_prefix,
                department=department,
                valid_from=valid_from,
                valid_to=valid_to,
                reason=reason,
                granted_by=by,
            )
        )
        note(made, "granted", by, reason)
        if by is not None:
            void_links(user)
    return made


def revoke(*, grant: Grant, reason: str, by: User | None) -> None:
    """End the grant at once: the next request of its holder is without it."""
    if by is not None and (
        by.pk == grant.user_id or not may_grant(by, grant.role, grant.region_prefix)
    ):
        raise PermissionDenied
    with acting(by=by, reason=reason):
        changed = Grant.objects.filter(pk=grant.pk, revoked_at__isnull=True).update(
            revoked_at=timezone.now(), revoked_by=by, revoked_reason=reason
        )
        if changed != 1:
            raise ActRefusedError("这项授权已经收回。")
        note(grant, "revoked", by, reason)


def _may_give(by: User, user: User, role: str, region_prefix: str) -> bool:
    return (
        by.pk != user.pk
        and role in ROLES
        and may_grant(by, role, region_prefix)
        and visible_users(by).filter(pk=user.pk).exists()
    )


def insert(new: Grant) -> Grant:
    """Save a grant; what the table refuses becomes words for the administrator."""
    try:
        with transaction.atomic():
            new.save(force_insert=True)
    except IntegrityError as error:
        for name, words in _REFUSALS.items():
            if name in str(error):
                raise ActRefusedError(words) from error
        raise
    return new


def note(one: Grant, act: str, by: User | None, reason: str = "") -> None:
    """Write what was done with a grant on the access ledger."""
    ledger.note(
        ledger.Act.GRANT,
        actor=by,
        subject_kind="user",
        subject=one.user.username,
        region=one.region_prefix,
        purpose=reason,
        detail={
            "act": act,
            "role": one.role,
            "from": str(one.valid_from),
            "to": str(one.valid_to or ""),
        },
    )
