"""Accounts: create one or many, reset, disable, enable."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from accounts.queries import may_create_at, may_manage
from accounts.services.links import issue_link, issue_links, void_links
from accounts.services.refusals import ActRefusedError
from accounts.signin.second_factor import forget_waiting
from accounts.signin.sessions import end_sessions
from core import ledger
from core.acting import acting

USERNAME = re.compile(r"[a-z][a-z0-9_.-]{2,29}")
USERNAME_WORDS = "用户名应为 3 至 30 位小写字母、数字、点、横线，以字母开头。"


@dataclass(frozen=True)
class Applicant:
    """Somebody who is to get an account; `home_prefix` is where it belongs, not what it may see."""

    username: str
    display_name: str
    office: str
    home_prefix: str


def create_user(
    *, username: str, display_name: str, office: str, home_prefix: str, by: User | None
) -> tuple[User, str]:
    """Create an account without any right; return it with the token of its first link."""
    created = bulk_create(
        applicants=[Applicant(username, display_name, office, home_prefix)], by=by
    )
    return created[0]


def bulk_create(*, applicants: Sequence[Applicant], by: User | None) -> list[tuple[User, str]]:
    """Create all of them or none; the accounts in the order given, each with its first link's token."""
    for one in applicants:
        if by is not None and not may_create_at(by, one.home_prefix):
            raise PermissionDenied
        if not USERNAME.fullmatch(one.username):
            raise ActRefusedError(USERNAME_WORDS)
    names = [one.username for one in applicants]
    if len(set(names)) < len(names):
        raise ActRefusedError("名单中有重复的用户名。")
    with acting(by=by, reason="建立账号"):
        users = [
            User(
                username=one.username,
                display_name=one.display_name,
                office=one.office,
                home_prefix=one.home_prefix,
                created_by=by,
            )
            for one in applicants
        ]
        for user in users:
            user.set_unusable_password()
        try:
            with transaction.atomic():
                User.objects.bulk_create(users)
        except IntegrityError as error:
            raise ActRefusedError(_taken(names)) from error
        tokens = issue_links(users, by=by)
        for user in users:
            _note(user, "created", by)
    return list(zip(users, tokens, strict=True))


def _taken(names: Sequence[str]) -> str:
    taken = User.objects.filter(username__in=names).values_list("username", flat=True)
    return f"用户名已被使用：{'、'.join(sorted(taken)[:5])}。"


def reset_password(*, user: User, reason: str, by: User | None) -> str:
    """End the old password and every session; return the token of a link to set a new one."""
    _require(by, user)
    if not user.is_active:
        raise ActRefusedError("账号已停用，请先启用。")
    with acting(by=by, reason=reason):
        user.set_unusable_password()
        user.save(update_fields=["password"])
        end_sessions(user, reason="reset")
        forget_waiting(user)
        token = issue_link(user=user, by=by)
        _note(user, "reset", by, reason)
    return token


def disable(*, user: User, reason: str, by: User | None) -> None:
    """Shut the account: its sessions end at once and no link opens it. Grants stay, without effect."""
    _require(by, user)
    with acting(by=by, reason=reason):
        changed = User.objects.filter(pk=user.pk, is_active=True).update(
            is_active=False,
            disabled_at=timezone.now(),
            disabled_by=by,
            disabled_reason=reason,
        )
        if changed != 1:
            raise ActRefusedError("账号已经停用。")
        end_sessions(user, reason="disabled")
        void_links(user)
        _note(user, "disabled", by, reason)


def enable(*, user: User, reason: str, by: User | None) -> None:
    """Open a disabled account again, with the password and the grants it had."""
    _require(by, user)
    with acting(by=by, reason=reason):
        changed = User.objects.filter(pk=user.pk, is_active=False).update(
            is_active=True, disabled_at=None, disabled_by=None, disabled_reason=""
        )
        if changed != 1:
            raise ActRefusedError("账号没有停用。")
        _note(user, "enabled", by, reason)


def _require(by: User | None, user: User) -> None:
    if by is not None and not may_manage(by, user):
        raise PermissionDenied


def _note(user: User, act: str, by: User | None, reason: str = "") -> None:
    ledger.note(
        ledger.Act.ACCOUNT,
        actor=by,
        subject_kind="user",
        subject=user.username,
        region=user.home_prefix,
        purpose=reason,
        detail={"act": act},
    )
