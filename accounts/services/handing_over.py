"""A person's work passes to another one.

Two offices take part, because an administrator of accounts must not grant (三员分立): the system
administrator records who takes over from which day, the security administrator then passes the
grants on, and with them the other duties, which listen to `core.duties.handed_over`.
"""

from datetime import date, timedelta

from django.core.exceptions import PermissionDenied
from django.utils import timezone

from accounts.models import Grant, User
from accounts.queries import may_grant, may_manage, visible_users
from accounts.roles import ADMINISTRATORS
from accounts.services.grants import insert, note
from accounts.services.links import void_links
from accounts.services.refusals import ActRefusedError
from core import ledger
from core.acting import acting
from core.duties import handed_over


def hand_over(*, user: User, to: User, on: date, reason: str, by: User | None) -> None:
    """Record that `to` takes over the user's work from this day, today at the earliest."""
    if by is not None and not (may_manage(by, user) and may_manage(by, to)):
        raise PermissionDenied
    if user.pk == to.pk:
        raise ActRefusedError("不能移交给本人。")
    if not to.is_active:
        raise ActRefusedError("接手人的账号已停用。")
    if on < timezone.localdate():
        raise ActRefusedError("移交日期不能早于今天。")
    with acting(by=by, reason=reason):
        User.objects.filter(pk=user.pk).update(
            handed_over_to=to, handed_over_on=on, handed_over_reason=reason
        )
        ledger.note(
            ledger.Act.ACCOUNT,
            actor=by,
            subject_kind="user",
            subject=user.username,
            region=user.home_prefix,
            purpose=reason,
            detail={"act": "handed_over", "to": to.username, "on": str(on)},
        )


def to_pass_on(by: User, user: User) -> list[Grant]:
    """The user's grants that `by` may now give to whoever takes over."""
    if user.handed_over_to is None or user.handed_over_to_id == by.pk or user.pk == by.pk:
        return []
    if visible_users(by).filter(pk__in=[user.pk, user.handed_over_to_id]).count() != 2:
        return []
    last = _day(user) - timedelta(days=1)
    return [
        one
        for one in user.grants.open_on(timezone.localdate()).order_by("region_prefix", "role")
        if may_grant(by, one.role, one.region_prefix)
        and one.role not in ADMINISTRATORS
        and (one.valid_to is None or one.valid_to > last)
    ]


def take_over(*, user: User, by: User) -> list[Grant]:
    """Pass the user's work on to whoever takes over: grants end the day before, the new ones begin.

    Only what `by` may grant, and no administrator's office, which is appointed anew. Returns what
    the successor holds now, also where they held it before.
    """
    passing = to_pass_on(by, user)
    if not passing:
        raise PermissionDenied
    to = user.handed_over_to
    assert to is not None  # noqa: S101 - nothing would be passed on otherwise
    if not to.is_active:
        raise ActRefusedError("接手人的账号已停用，不能授权。")
    reason = f"接手{user}的工作：{user.handed_over_reason}"[:200]
    with acting(by=by, reason=reason):
        passed = [_pass_on(one, to, _day(user), reason, by) for one in passing]
        void_links(to)
        # After the grants: what passes along depends on what the successor may see by then.
        handed_over.send(sender=User, old=user, new=to, on=_day(user), by=by)
    return passed


def _pass_on(old: Grant, to: User, day: date, reason: str, by: User) -> Grant:
    own = Grant.objects.filter(pk=old.pk)
    if old.valid_from >= day:
        own.update(revoked_at=timezone.now(), revoked_by=by, revoked_reason=reason)
    else:
        own.update(valid_to=day - timedelta(days=1))
    note(old, "passed_on", by, reason)
    held = to.grants.open_on(day).filter(
        role=old.role, region_prefix=old.region_prefix, department=old.department
    )
    if already := held.first():
        return already
    made = insert(
        Grant(
            user=to,
            role=old.role,
            region_prefix=old.region_prefix,
            department=old.department,
            valid_from=max(day, old.valid_from),
            valid_to=old.valid_to,
            reason=reason,
            granted_by=by,
        )
    )
    note(made, "granted", by, reason)
    return made


def _day(user: User) -> date:
    """From when the other one does the work; what was not passed on in time passes today."""
    assert user.handed_over_on is not None  # noqa: S101 - the table sets both or none
    return max(user.handed_over_on, timezone.localdate())
