"""Entrusting households to persons who see no region by themselves."""

from datetime import date, datetime, time
from typing import Any

from django.db import IntegrityError, connection
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from core.acting import acting
from core.scope import trim
from households.models import Assignment, Household


class UnfitError(Exception):
    """The household cannot be entrusted to this person; the text says why."""


def assign(*, household: Household, user: Any, reason: str, by: Any) -> Assignment:
    """Let a person see this household from now on; no user is as unfit as a foreign one.

    Raises UnfitError when the person holds no role for it in a region that covers the household's
    village, is the one who assigns, or has it already.
    """
    if user is not None and user.pk == by.pk:
        raise UnfitError("不能分派给自己。")
    regions = user.entrusted_prefixes if user is not None and user.is_active else ()
    if not any(trim(household.village_code).startswith(prefix) for prefix in regions):
        raise UnfitError(
            "没有可以分派的账号，或该账号没有本户所在区划的帮扶、督查或调查角色，"
            "请核对账号名，或先由安全管理员授权。"
        )
    try:
        with acting(by=by, reason=reason):
            return Assignment.objects.create(
                household=household,
                village_code=household.village_code,
                user=user,
                reason=reason,
                created_by=by,
            )
    except IntegrityError as error:
        raise UnfitError("本户已分派给该账号。") from error


def pass_on(*, old: Any, new: Any, on: date, by: Any, **_: Any) -> None:
    """Entrust one person's households to another from a day on; a listener of `core.duties`.

    Whoever takes over sees them once the role has passed on too. The act's own transaction.
    """
    start = datetime.combine(on, time.min, tzinfo=timezone.get_current_timezone())
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT households_pass_on(%s, %s, %s::text[], %s, %s)",
            [
                old.pk,
                new.pk,
                list(new.entrusted_prefixes_on(on)),
                start,
                getattr(by, "pk", None),
            ],
        )


def end_assignment(*, assignment: Assignment, by: Any) -> None:
    """The person sees the household no longer; that they did stays on record."""
    with acting(by=by, reason="结束分派"):
        open_ended = Q(ended_at__isnull=True) | Q(ended_at__gt=Now())
        Assignment.objects.filter(open_ended, pk=assignment.pk).update(ended_at=Now())
