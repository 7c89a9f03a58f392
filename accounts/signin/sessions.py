"""Who is signed in where, for how long, and ending it.

What a request needs stands in the session itself (seconds since 1970), so that no page asks the
database once more; the rows of `SignedInSession` are for looking and for ending.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import logout, update_session_auth_hash
from django.contrib.sessions.models import Session
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import LastSignIn, SignedInSession, User
from accounts.signin import policy
from accounts.signin.session_store import key_hash
from core import ledger
from core.ledger.services import client_address

STARTED = "signed_in_at"
SEEN = "last_seen_at"
# When the password must be changed; missing when it need not.
DUE = "password_due_at"
# Seconds within which a second sign of life is not written down.
GRAIN = 60

IDLE, TOO_LONG = "idle", "absolute"


def now() -> int:
    return int(timezone.now().timestamp())


# --- one's own session -------------------------------------------------------------------------


def begin(request: HttpRequest, user: User) -> None:
    """Write down that this session is the user's from now on; called whenever somebody signs in."""
    session, moment = request.session, timezone.now()
    session[STARTED] = session[SEEN] = int(moment.timestamp())
    remember_due_date(request, user)
    _forget_stale(user)
    address = client_address(request)
    SignedInSession.objects.update_or_create(
        key_hash=_hash(request),
        defaults={
            "user": user,
            "started_at": moment,
            "last_seen_at": moment,
            "address": address,
            "agent": request.META.get("HTTP_USER_AGENT", "")[:120],
        },
    )
    request.former_sign_in = _note_last(user, address)  # type: ignore[attr-defined]
    _keep_to_the_limit(request, user)


def remember_due_date(request: HttpRequest, user: User) -> None:
    """Keep in the session when the password must be changed."""
    request.session.pop(DUE, None)
    if due := policy.due_at(user):
        request.session[DUE] = int(due.timestamp())


def password_is_due(request: HttpRequest) -> bool:
    due = request.session.get(DUE)
    return due is not None and due <= now()


def over(request: HttpRequest) -> str | None:
    """Why a signed-in session ends now (IDLE or TOO_LONG), or None while it may go on."""
    started, seen = request.session.get(STARTED), request.session.get(SEEN)
    if started is None or seen is None:
        return TOO_LONG  # from before this rule, or not made by signing in
    moment = now()
    if moment - seen > settings.SESSION_IDLE_SECONDS:
        return IDLE
    return TOO_LONG if moment - started > settings.SESSION_LONGEST_SECONDS else None


def touch(request: HttpRequest) -> None:
    """A sign of life of a person, written at most once a minute."""
    moment = now()
    if moment - request.session[SEEN] >= GRAIN:
        request.session[SEEN] = moment
        SignedInSession.objects.filter(key_hash=_hash(request)).update(
            last_seen_at=datetime.fromtimestamp(moment, UTC)
        )


def leave(request: HttpRequest, reason: str) -> None:
    """Sign out; `reason` goes to the ledger."""
    request.left_because = reason  # type: ignore[attr-defined]
    logout(request)


@contextmanager
def following(request: HttpRequest) -> Iterator[None]:
    """Keep the row with its session while the block gives the session another key."""
    before = _hash(request)
    yield
    SignedInSession.objects.filter(key_hash=before).update(key_hash=_hash(request))


def change_key(request: HttpRequest) -> None:
    """A new key for the same session: who knew the old one before a rise in rights knows nothing."""
    with following(request):
        request.session.cycle_key()


def stay_after_new_password(request: HttpRequest, user: User) -> None:
    """Keep this session, under a new key, although the password it began with is gone."""
    with following(request):
        update_session_auth_hash(request, user)
    remember_due_date(request, user)


# --- looking and ending ------------------------------------------------------------------------


def alive(user: User) -> QuerySet[SignedInSession]:
    """The user's sessions that are neither idle nor too old, the latest first."""
    moment = timezone.now()
    return user.sessions.filter(
        last_seen_at__gte=moment - timedelta(seconds=settings.SESSION_IDLE_SECONDS + GRAIN),
        started_at__gte=moment - timedelta(seconds=settings.SESSION_LONGEST_SECONDS),
    ).order_by("-last_seen_at", "-pk")


def is_own(request: HttpRequest, row: SignedInSession) -> bool:
    return row.key_hash == _hash(request)


def end_sessions(
    user: User,
    *,
    but: HttpRequest | None = None,
    only: int | None = None,
    reason: str = "ended",
    by: Any = None,
) -> int:
    """End the user's sessions at once and say how many; `but` spares the one that asks.

    `only` is the number of a single one. The end is noted.
    """
    rows = user.sessions.all()
    if but is not None:
        rows = rows.exclude(key_hash=_hash(but))
    if only is not None:
        rows = rows.filter(pk=only)
    return _end(user, rows, reason, but, by)


def long_over(moment: datetime, limit: int) -> list[int]:
    """Numbers of sessions that had to end before the moment and that nobody came back to.

    Idle ones stay as long as a session may last at all, so that whoever returns the same day is
    told why it ended.
    """
    begun = moment - timedelta(seconds=settings.SESSION_LONGEST_SECONDS)
    rows = SignedInSession.objects.filter(started_at__lt=begun).order_by("started_at")
    return list(rows.values_list("pk", flat=True)[:limit])


def forget(numbers: Sequence[int]) -> int:
    """End these sessions if they are still there; how many were."""
    ended = 0
    for user in User.objects.filter(sessions__in=numbers).distinct():
        ended += _end(user, user.sessions.filter(pk__in=numbers), TOO_LONG)
    return ended


def _end(
    user: User,
    rows: QuerySet[SignedInSession],
    reason: str,
    request: HttpRequest | None = None,
    by: Any = None,
) -> int:
    hashes = list(rows.values_list("key_hash", flat=True))
    Session.objects.filter(session_key__in=hashes).delete()
    SignedInSession.objects.filter(key_hash__in=hashes).delete()
    if hashes:
        ledger.note(
            ledger.Act.SIGN_OUT,
            request,
            actor=by,
            subject_kind="user",
            subject=user.get_username(),
            detail={"why": reason, "sessions": len(hashes)},
        )
    return len(hashes)


def _forget_stale(user: User) -> None:
    moment = timezone.now()
    idle = user.sessions.filter(
        last_seen_at__lt=moment - timedelta(seconds=settings.SESSION_IDLE_SECONDS + GRAIN)
    )
    _end(user, idle, IDLE)


def _keep_to_the_limit(request: HttpRequest, user: User) -> None:
    if not settings.SESSIONS_PER_USER:
        return
    spare = user.sessions.exclude(key_hash=_hash(request)).order_by("-last_seen_at", "-pk")
    surplus = list(spare.values_list("pk", flat=True)[settings.SESSIONS_PER_USER - 1 :])
    _end(user, user.sessions.filter(pk__in=surplus), "limit")


def _note_last(user: User, address: str | None) -> dict[str, Any]:
    """Remember this sign-in; the one before, as kept until now."""
    row, _ = LastSignIn.objects.select_for_update().get_or_create(user=user)
    former = {"at": row.at, "address": row.address, "failures": row.failures_since}
    row.at, row.address, row.failures_since = timezone.now(), address, 0
    row.save()
    return former


def _hash(request: HttpRequest) -> str:
    return key_hash(request.session.session_key or "")
