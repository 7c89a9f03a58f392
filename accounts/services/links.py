"""One-time links with which a person sets a new password."""

import secrets
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from accounts.models import PasswordLink, User, link_digest
from accounts.services.refusals import ActRefusedError
from accounts.signin.passwords import set_password

GONE = "链接已使用、已作废或已过期，请向管理员申请新的链接。"


def address_of(token: str) -> str:
    """The link's address on this site, without the site."""
    return f"{reverse('accounts:link')}?t={token}"


def issue_link(*, user: User, by: User | None) -> str:
    """Make a link for the user, void any before, and return its token, which cannot be read again.

    Called inside `acting` by whoever has checked that `by` may do this.
    """
    return issue_links([user], by=by)[0]


def issue_links(users: list[User], *, by: User | None) -> list[str]:
    """The same for many users, in their order, with two statements."""
    moment = timezone.now()
    PasswordLink.objects.filter(_alive(), user__in=users).update(voided_at=moment)
    tokens = [secrets.token_urlsafe(32) for _ in users]
    PasswordLink.objects.bulk_create(
        PasswordLink(
            user=user,
            digest=link_digest(token),
            made_by=by,
            made_at=moment,
            expires_at=moment + timedelta(hours=settings.PASSWORD_LINK_HOURS),
        )
        for user, token in zip(users, tokens, strict=True)
    )
    return tokens


def live_link(token: str) -> PasswordLink | None:
    """The link of this token while it can be used: not used, void or out of date, its user active."""
    return (
        PasswordLink.objects.filter(
            _alive(),
            digest=link_digest(token),
            expires_at__gt=timezone.now(),
            user__is_active=True,
        )
        .select_related("user")
        .first()
    )


def use_link(*, token: str, password: str, request: HttpRequest | None = None) -> User:
    """Set the password of the link's user and use the link up.

    Raises ActRefusedError when the link does not work any more, and what `set_password` raises; the
    link still works after the latter. Of two at the same time only one succeeds.
    """
    link = live_link(token)
    if link is None:
        raise ActRefusedError(GONE)
    with transaction.atomic():
        # The row lock of this UPDATE decides between two uses.
        used = PasswordLink.objects.filter(_alive(), pk=link.pk).update(used_at=timezone.now())
        if used != 1:
            raise ActRefusedError(GONE)
        set_password(user=link.user, password=password, request=request, by=link.user)
    return link.user


def void_links(user: User) -> None:
    """No link of this user works any more."""
    PasswordLink.objects.filter(_alive(), user=user).update(voided_at=timezone.now())


def _alive() -> Q:
    return Q(used_at__isnull=True, voided_at__isnull=True)
