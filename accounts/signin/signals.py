"""What Django says about signing in and out, taken down whatever way somebody came."""

from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest

from accounts.models import SignedInSession, User
from accounts.signin import second_factor, sessions
from accounts.signin.session_store import key_hash
from core import ledger


@receiver(user_logged_in)
def signed_in(sender: Any, request: HttpRequest, user: User, **_: Any) -> None:
    with transaction.atomic():
        sessions.begin(request, user)
        second_factor.begin(request, user)
        ledger.note(
            ledger.Act.SIGN_IN,
            request,
            actor=user,
            subject_kind="user",
            subject=user.get_username(),
            detail={"by": str(getattr(user, "backend", "")).rpartition(".")[2]},
        )


@receiver(user_logged_out)
def signed_out(sender: Any, request: HttpRequest, user: User | None, **_: Any) -> None:
    if user is None:
        return
    with transaction.atomic():
        mark = key_hash(request.session.session_key or "")
        SignedInSession.objects.filter(key_hash=mark).delete()
        ledger.note(
            ledger.Act.SIGN_OUT,
            request,
            actor=user,
            subject_kind="user",
            subject=user.get_username(),
            detail={"why": getattr(request, "left_because", "own")},
        )
