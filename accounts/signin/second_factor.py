"""The second factor: who needs one, enrolling a phone, checking a code, losing the phone.

Whoever has a phone enrolled is asked for a code right after the password, and reaches nothing before
it is given, so that a session that may reveal is always a verified one.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone

from accounts import queries
from accounts.models import Authenticator, LastSignIn, ProviderIdentity, RecoveryCodes, User
from accounts.roles import (
    MANAGE_CLIENTS,
    MANAGE_GRANTS,
    MANAGE_USERS,
    RELEASE_EXPORT,
    REVEAL,
    VIEW_LEDGER,
)
from accounts.signin import sessions
from core import ledger
from core.acting import acting

# Rights that nobody uses on the strength of a password alone: the three administrators' own, and
# everything that shows or lets out unmasked numbers.
SECOND_FACTOR_FOR = frozenset(
    {MANAGE_USERS, MANAGE_GRANTS, MANAGE_CLIENTS, VIEW_LEDGER, REVEAL, RELEASE_EXPORT}
)

# In the session: the device that verified it, or the provider that vouched for it.
VERIFIED = "second_factor"
# In the session: the user has a device, hence is asked whether it is required or not.
ENROLLED = "second_factor_enrolled"
# In the session: the number of the phone it is about to enrol.
WAITING = "second_factor_waiting"

CODES = 10
# Without the signs that are read for one another.
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_RECOVERY = re.compile(rf"[{ALPHABET}]{{5}}[- ]?[{ALPHABET}]{{5}}", re.IGNORECASE)


@dataclass(frozen=True)
class Answer:
    """How a code was received; `wait_until` when none is looked at before that moment."""

    right: bool
    wait_until: datetime | None = None
    recovery_left: int | None = None


# --- who ---------------------------------------------------------------------------------------


def is_demanded() -> bool:
    """Whether this installation insists; a demo city does not unless told to."""
    return not settings.DEMO if settings.OTP_REQUIRED is None else bool(settings.OTP_REQUIRED)


def falls_under(user: User) -> bool:
    """Whether the user holds, anywhere and today, a right that needs a second factor."""
    return not SECOND_FACTOR_FOR.isdisjoint(user.permissions)


def is_verified(request: HttpRequest) -> bool:
    return bool(request.session.get(VERIFIED))


def is_missing(request: HttpRequest) -> bool:
    """Whether this signed-in session must show a second factor before anything else."""
    if is_verified(request):
        return False
    if request.session.get(ENROLLED):
        return True
    return is_demanded() and falls_under(request.user)  # type: ignore[arg-type]


def begin(request: HttpRequest, user: User) -> None:
    """A fresh session is not verified, whatever it was before."""
    request.session.pop(VERIFIED, None)
    request.session.pop(WAITING, None)
    forget_waiting(user)
    request.session[ENROLLED] = device_of(user) is not None


def device_of(user: User) -> Authenticator | None:
    """The phone that the user enrolled and confirmed."""
    return Authenticator.objects.filter(user=user, confirmed=True).first()


# --- enrolling ---------------------------------------------------------------------------------


@transaction.atomic
def device_to_confirm(request: HttpRequest, user: User) -> Authenticator:
    """The phone this session is about to enrol; the same secret until it is confirmed.

    Another session never sees it: whoever saw a secret before its owner did would know every code.
    """
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    waiting = Authenticator.objects.filter(user=user, confirmed=False)
    own = waiting.filter(pk=request.session.get(WAITING)).first()
    if own is None:
        waiting.delete()
        own = Authenticator.objects.create(
            user=user, name="手机", confirmed=False, secret=secrets.token_hex(20)
        )
        request.session[WAITING] = own.pk
    return own


def forget_waiting(user: User) -> None:
    """Nobody finishes what was begun under a password or a session of before."""
    Authenticator.objects.filter(user=user, confirmed=False).delete()


def confirm(*, request: HttpRequest, code: str, by: User) -> tuple[Answer, list[str]]:
    """Enrol the waiting phone if the code is its own; the recovery codes, to be shown once.

    Whoever has a phone already has answered `prove` before.
    It takes the place of a phone enrolled before. The session is verified and has a new key; the
    user's other sessions end.
    """
    with acting(by=by, reason="启用动态口令"):
        waiting = device_to_confirm(request, by)
        answer = _try(waiting, _digits(code))
        if not answer.right:
            _note(request, by, "enrol", "failed")
            return answer, []
        Authenticator.objects.filter(user=by, confirmed=True).delete()
        waiting.confirmed = True
        waiting.save(update_fields=["confirmed"])
        request.session.pop(WAITING, None)
        codes = _new_codes(by)
        _mark_verified(request, waiting.persistent_id)
        request.session[ENROLLED] = True
        sessions.end_sessions(by, but=request, reason="second factor", by=by)
        _note(request, by, "enrol", "ok")
    return answer, codes


def new_recovery_codes(*, request: HttpRequest, by: User) -> list[str]:
    """Fresh recovery codes in place of the old ones, to be shown once; after `prove`."""
    with acting(by=by, reason="重新生成恢复码"):
        codes = _new_codes(by)
        _note(request, by, "recovery codes", "ok")
    return codes


def recovery_codes_left(user: User) -> int:
    codes = RecoveryCodes.objects.filter(user=user).first()
    return len(codes.digests) if codes else 0


# --- checking ----------------------------------------------------------------------------------


def verify(*, request: HttpRequest, code: str, by: User) -> Answer:
    """Check a code of the phone, or a recovery code; a right one verifies the session.

    Each is accepted once. After a wrong one nothing is looked at for 1, 2, 4, ... seconds.
    """
    with transaction.atomic():
        device: Authenticator | RecoveryCodes | None
        if _digits(code):
            device = (
                Authenticator.objects.select_for_update().filter(user=by, confirmed=True).first()
            )
            answer = _try(device, _digits(code))
        else:
            device = RecoveryCodes.objects.select_for_update().filter(user=by).first()
            answer = _try(device, _digest(by, code))
        if answer.right and device is not None:
            _mark_verified(request, device.persistent_id)
            if isinstance(device, RecoveryCodes):
                answer = Answer(right=True, recovery_left=len(device.digests))
        else:
            LastSignIn.objects.filter(user=by).update(failures_since=F("failures_since") + 1)
        kind = "code" if _digits(code) else "recovery"
        _note(request, by, kind, "ok" if answer.right else "failed")
    return answer


def prove(*, request: HttpRequest, words: str, by: User) -> Answer:
    """Check that the owner sits at an open session, before what guards the account is exchanged.

    By the password, the present code of the enrolled phone, or a recovery code.
    """
    code = _digits(words)
    is_recovery = bool(_RECOVERY.fullmatch(words.strip()))
    with transaction.atomic():
        if not code and by.has_usable_password() and by.check_password(words):
            answer = Answer(right=True)
        elif code or is_recovery:
            mine = Authenticator if code else RecoveryCodes
            found = mine.objects.select_for_update().filter(user=by, confirmed=True).first()
            answer = _try(found, code or _digest(by, words))
        else:
            answer = Answer(right=False)
        if not answer.right:
            LastSignIn.objects.filter(user=by).update(failures_since=F("failures_since") + 1)
        _note(request, by, "proof", "ok" if answer.right else "failed")
    return answer


def vouched_for(request: HttpRequest, user: User) -> None:
    """The single sign-on provider checked a second factor, and the settings say it may."""
    _mark_verified(request, "oidc")
    _note(request, user, "provider", "ok")


def may_forget(by: User, user: User) -> bool:
    """Whether `by` may take a lost phone off this account: only who could grant all it holds.

    Not the office that resets passwords: with both one could become anybody.
    """
    return (
        by.pk != user.pk
        and by.has_perm(MANAGE_GRANTS)
        and queries.visible_users(by).filter(pk=user.pk).exists()
        and all(
            queries.may_grant(by, one.role, one.region_prefix)
            for one in user.grants.open_on(timezone.localdate())
        )
    )


def forget_second_factor(*, user: User, by: User | None, reason: str) -> bool:
    """Take a lost phone, its recovery codes and the provider's identity off the account.

    The sessions end. False when there was none. The user enrols anew at the next sign-in. `by` is
    None for the operator at the machine's console; PermissionDenied unless `may_forget`.
    """
    if by is not None and not may_forget(by, user):
        raise PermissionDenied
    with acting(by=by, reason=reason):
        found, _ = Authenticator.objects.filter(user=user).delete()
        found += ProviderIdentity.objects.filter(user=user).delete()[0]
        RecoveryCodes.objects.filter(user=user).delete()
        sessions.end_sessions(user, reason="second factor", by=by)
        ledger.note(
            ledger.Act.SECOND_FACTOR,
            actor=by,
            subject_kind="user",
            subject=user.get_username(),
            region=user.home_prefix,
            purpose=reason,
            detail={"act": "forgotten"},
        )
    return bool(found)


def _try(device: Authenticator | RecoveryCodes | None, token: str) -> Answer:
    if device is None:
        return Answer(right=False)
    allowed, why = device.verify_is_allowed()
    if not allowed:
        return Answer(right=False, wait_until=why["locked_until"])
    return Answer(right=device.verify_token(token))


def _mark_verified(request: HttpRequest, device: str) -> None:
    request.session[VERIFIED] = device
    sessions.change_key(request)


def _new_codes(user: User) -> list[str]:
    codes = ["-".join(_letters() for _ in range(2)) for _ in range(CODES)]
    RecoveryCodes.objects.update_or_create(
        user=user,
        defaults={
            "name": "恢复码",
            "digests": [_digest(user, code) for code in codes],
            "throttling_failure_count": 0,
            "throttling_failure_timestamp": None,
            "created_at": timezone.now(),
        },
    )
    return codes


def _letters() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(5))


def _digits(code: str) -> str:
    """The six digits of a phone's code, typed with or without a gap; empty for anything else."""
    text = "".join(code.split())
    return text if len(text) == Authenticator.DIGITS and text.isascii() and text.isdecimal() else ""


def _digest(user: User, code: str) -> str:
    """Keyed digest of a recovery code, however it was typed."""
    letters = "".join(code.lower().replace("-", "").split())
    text = f"recovery code {user.pk} {letters}"
    return hmac.new(settings.SECRET_KEY.encode(), text.encode(), hashlib.sha256).hexdigest()


def _note(request: HttpRequest, user: User, act: str, outcome: str) -> None:
    ledger.note(
        ledger.Act.SECOND_FACTOR,
        request,
        actor=user,
        outcome=outcome,
        subject_kind="user",
        subject=user.get_username(),
        detail={"act": act},
    )
