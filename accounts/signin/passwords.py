"""Setting a password: the one way for pages, links and commands."""

from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.http import HttpRequest

from accounts.models import User
from accounts.signin.second_factor import forget_waiting
from accounts.signin.sessions import end_sessions
from core import ledger
from core.acting import acting


def set_password(*, user: User, password: str, request: HttpRequest | None = None, by: Any) -> None:
    """Give the user this password and end their sessions, except the one that asks.

    Raises ValidationError when the policy refuses it, and TooBusyError when the machine is busy with
    other passwords; nothing has happened then.
    """
    validate_password(password, user)
    user.set_password(password)
    with acting(by=by, reason="设置口令"):
        user.save(update_fields=["password"])
        mine = request is not None and request.user.pk == user.pk
        end_sessions(user, but=request if mine else None, reason="password", by=by)
        forget_waiting(user)
        ledger.note(
            ledger.Act.ACCOUNT,
            request,
            actor=by,
            subject_kind="user",
            subject=user.get_username(),
            region=user.home_prefix,
            detail={"act": "password"},
        )
