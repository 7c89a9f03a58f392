"""Lock-out with a growing delay, on django-axes' tables, signals and backend.

Counted are failures per user name (whatever the address) and per address (whatever the name). From
the limit on, each failure closes the door for longer: 1, 5, 15, 60 minutes. What is tried meanwhile
is not looked at and does not prolong the delay. A right password forgets the failures of its name;
a day of silence forgets them too.

Names that do not exist are counted alike under a keyed digest, so that the answers do not tell them
apart and nothing somebody typed into the wrong field is stored.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt
from axes.signals import user_locked_out
from django.conf import settings
from django.db import transaction
from django.db.models import F, Max, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.models import LastSignIn, User
from core import ledger
from core.acting import acting
from core.ledger.services import client_address

MEMORY = timedelta(days=1)
NO_ADDRESS = "0.0.0.0"  # noqa: S104 - stands for "not known", nothing listens there


@dataclass(frozen=True)
class Lock:
    """A closed door: until when, and after how many failures."""

    until: datetime
    failures: int


def of_user(user: User) -> Lock | None:
    """The lock on a user's name now, for the administrators' page."""
    return _of_name(user.get_username(), timezone.now())


def unlock(*, user: User, reason: str = "", by: Any) -> bool:
    """Forget the failures of a user's name; False when there were none."""
    with acting(by=by, reason=reason or "解除锁定"):
        found, _ = AccessAttempt.objects.filter(username=user.get_username()).delete()
        ledger.note(
            ledger.Act.ACCOUNT,
            actor=by,
            subject_kind="user",
            subject=user.get_username(),
            region=user.home_prefix,
            purpose=reason,
            detail={"act": "unlocked"},
        )
    return bool(found)


def forgotten(moment: datetime, limit: int) -> list[int]:
    """Numbers of the counts that a day of silence has made meaningless."""
    rows = AccessAttempt.objects.filter(attempt_time__lte=moment - MEMORY).order_by("attempt_time")
    return list(rows.values_list("pk", flat=True)[:limit])


def forget(numbers: Sequence[int]) -> int:
    """Remove these counts unless somebody failed again meanwhile; how many went."""
    old = AccessAttempt.objects.filter(pk__in=numbers, attempt_time__lte=timezone.now() - MEMORY)
    return old.delete()[1].get("axes.AccessAttempt", 0)


def words(until: datetime) -> str:
    """What is told at a closed door, to everybody alike."""
    minutes = max(1, -(-int((until - timezone.now()).total_seconds()) // 60))
    moment = timezone.localtime(until + timedelta(seconds=59))
    return f"登录失败次数过多，已暂停登录，请于 {moment:%H:%M} 以后（约 {minutes} 分钟）再试。"


def closed(request: HttpRequest, name: str | None) -> Lock | None:
    """The lock that stops this name from this address, the longer of the two."""
    moment = timezone.now()
    locks = [_of_address(address_of(request), moment)]
    if name:
        locks.append(_of_name(_stored_name(name)[0], moment))
    return max((lock for lock in locks if lock), key=lambda lock: lock.until, default=None)


def address_of(request: HttpRequest) -> str:
    """`AXES_CLIENT_IP_CALLABLE`: what our one proxy saw; headers of the client do not count."""
    return client_address(request) or NO_ADDRESS


def leave_as_is(
    request: HttpRequest, response: HttpResponse, credentials: Mapping[str, Any] | None
) -> HttpResponse:
    """`AXES_LOCKOUT_CALLABLE`: the views answer themselves."""
    return response


class GrowingDelay(AxesDatabaseHandler):
    """`AXES_HANDLER`: the library decides when to ask and to count, this how."""

    def is_locked(self, request: Any, credentials: Mapping[str, Any] | None = None) -> bool:
        request.sign_in_lock = closed(request, _typed(credentials))
        return request.sign_in_lock is not None

    def get_failures(self, request: Any, credentials: Mapping[str, Any] | None = None) -> int:
        lock = closed(request, _typed(credentials))
        return lock.failures if lock else 0

    def user_login_failed(
        self, sender: Any, credentials: Mapping[str, Any], request: Any = None, **kwargs: Any
    ) -> None:
        if request is None:
            return
        typed = _typed(credentials)
        name, known = _stored_name(typed) if typed else (None, False)
        with transaction.atomic():
            if getattr(request, "sign_in_lock", None) is not None:
                request.axes_locked_out = True
                _note(request, ledger.Act.SIGN_IN_FAILED, name if known else "", "refused")
                return
            self._count(request, name)
            if known:
                user = User.objects.get(username=name)
                LastSignIn.objects.get_or_create(user=user)
                LastSignIn.objects.filter(user=user).update(failures_since=F("failures_since") + 1)
            _note(request, ledger.Act.SIGN_IN_FAILED, name if known else "", "failed")
            request.sign_in_lock = closed(request, typed)
            if request.sign_in_lock:
                request.axes_locked_out = True
                _note(
                    request,
                    ledger.Act.LOCKED_OUT,
                    name if known else "",
                    "refused",
                    failures=request.sign_in_lock.failures,
                )
        if request.sign_in_lock:
            user_locked_out.send(
                "axes", request=request, username=name, ip_address=request.axes_ip_address
            )

    def _count(self, request: Any, name: str | None) -> None:
        """One row per name and address; browsers are not told apart, they are too easily changed."""
        attempt, created = AccessAttempt.objects.select_for_update().get_or_create(
            username=name or "",
            ip_address=request.axes_ip_address,
            user_agent="",
            defaults={"failures_since_start": 1, "get_data": "", "post_data": ""},
        )
        if not created:
            old = attempt.attempt_time <= timezone.now() - MEMORY
            attempt.failures_since_start = 1 if old else attempt.failures_since_start + 1
            attempt.attempt_time = timezone.now()
            attempt.save(update_fields=["failures_since_start", "attempt_time"])

    def user_logged_in(self, sender: Any, request: Any, user: Any, **kwargs: Any) -> None:
        AccessAttempt.objects.filter(username=user.get_username()).delete()

    def user_logged_out(self, sender: Any, request: Any, user: Any, **kwargs: Any) -> None:
        """Nothing to keep: the ledger has it."""

    def clean_expired_user_attempts(self, *args: Any, **kwargs: Any) -> int:
        """Nothing here: retention removes what is old."""
        return 0


def _of_name(name: str, moment: datetime) -> Lock | None:
    rows = AccessAttempt.objects.filter(username=name)
    return _lock(rows, settings.SIGN_IN_FAILURES_PER_NAME, moment)


def _of_address(address: str, moment: datetime) -> Lock | None:
    rows = AccessAttempt.objects.filter(ip_address=address)
    return _lock(rows, settings.SIGN_IN_FAILURES_PER_ADDRESS, moment)


def _lock(rows: QuerySet[AccessAttempt], limit: int, moment: datetime) -> Lock | None:
    found = rows.filter(attempt_time__gt=moment - MEMORY).aggregate(
        failures=Sum("failures_since_start"), last=Max("attempt_time")
    )
    failures = found["failures"] or 0
    if failures < limit:
        return None
    minutes = settings.SIGN_IN_DELAY_MINUTES
    delay = timedelta(minutes=minutes[min(failures - limit, len(minutes) - 1)])
    until = found["last"] + delay
    return Lock(until, failures) if until > moment else None


def _typed(credentials: Mapping[str, Any] | None) -> str | None:
    return (credentials or {}).get("username") or None


def _stored_name(typed: str) -> tuple[str, bool]:
    """What stands in the table for a typed name, and whether somebody is called so."""
    digest = hmac.new(settings.SECRET_KEY.encode(), typed.encode(), hashlib.sha256).hexdigest()
    known = User.objects.filter(username=typed).exists()
    return (typed if known else f"?{digest[:32]}"), known


def _note(request: Any, act: str, name: str | None, outcome: str, **detail: Any) -> None:
    ledger.note(
        act,
        request,
        outcome=outcome,
        subject_kind="user" if name else "",
        subject=name or "",
        detail=detail,
    )
