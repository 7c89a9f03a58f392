"""What a password must be like, under the rule the installation chose.

`dengbao` follows GB/T 22239-2019 8.1.4.1 (complexity, periodic change), `asvs` OWASP ASVS 5.0 6.2,
which forbids both. Why there are two: docs/decisions/0009-password-policy.md.
"""

import re
import secrets
import string
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import check_password
from django.core.exceptions import ImproperlyConfigured, ValidationError

from accounts.models import PasswordRecord, User

CLASSES = (r"[a-z]", r"[A-Z]", r"[0-9]", r"[^a-zA-Z0-9]")
LONGEST = 128
NAMES = ("dengbao", "asvs")


@dataclass(frozen=True)
class Policy:
    """`classes`: how many of the four kinds of characters; `days`: age at which a password must be
    changed; `remembered`: how many passwords, the present one included, may not come again. Zero
    switches a rule off.
    """

    length: int
    classes: int
    days: int
    remembered: int


def current() -> Policy:
    """The chosen policy. Raises ImproperlyConfigured for a name that means nothing."""
    match settings.PASSWORD_POLICY:
        case "dengbao":
            return Policy(10, 3, settings.PASSWORD_DAYS, 5)
        case "asvs":
            return Policy(15, 0, 0, 0)
    raise ImproperlyConfigured("PASSWORD_POLICY 应为 dengbao 或 asvs。")


def due_at(user: User) -> datetime | None:
    """When the user's present password must be changed; None when it need not.

    A password of unknown age, written past every service, is due since ever.
    """
    days = current().days
    if not days or not user.has_usable_password():
        return None
    newest = user.passwords.order_by("-set_at").values_list("set_at", flat=True).first()
    return (newest or user.created_at - timedelta(days=days)) + timedelta(days=days)


def random_password() -> str:
    """A password that every policy accepts, to be handed over once."""
    alphabet = string.ascii_letters + string.digits
    while True:
        text = "-".join("".join(secrets.choice(alphabet) for _ in range(5)) for _ in range(3))
        if all(re.search(kind, text) for kind in CLASSES):
            return text


class ShapeValidator:
    """Length, kinds of characters, and not the user's own name."""

    def validate(self, password: str, user: User | None = None) -> None:
        policy = current()
        faults = []
        if len(password) < policy.length:
            faults.append(f"口令至少 {policy.length} 位。")
        if len(password) > LONGEST:
            faults.append(f"口令不超过 {LONGEST} 位。")
        if sum(bool(re.search(kind, password)) for kind in CLASSES) < policy.classes:
            faults.append("口令须含大写字母、小写字母、数字、其他字符中的三类。")
        if user is not None and _contains(password, user.get_username()):
            faults.append("口令不能包含用户名。")
        if faults:
            raise ValidationError(faults)

    def get_help_text(self) -> str:
        policy = current()
        kinds = "，须含大写字母、小写字母、数字、其他字符中的三类" if policy.classes else ""
        return f"至少 {policy.length} 位{kinds}，不能包含用户名。"


class HistoryValidator:
    """Not one of the last passwords. Django tells it of every new one, whoever sets it."""

    def validate(self, password: str, user: User | None = None) -> None:
        remembered = current().remembered
        if user is None or user.pk is None or not remembered:
            return
        for digest in _digests(user)[:remembered]:
            if check_password(password, digest):
                raise ValidationError(f"不能使用最近 {remembered} 次用过的口令。")

    def password_changed(self, password: str, user: Any = None) -> None:
        if not isinstance(user, User):
            return
        PasswordRecord.objects.create(user=user, digest=user.password)
        keep = max(current().remembered, 1)
        stale = user.passwords.order_by("-set_at", "-pk").values_list("pk", flat=True)[keep:]
        PasswordRecord.objects.filter(pk__in=list(stale)).delete()

    def get_help_text(self) -> str:
        remembered = current().remembered
        return f"不能与最近 {remembered} 次用过的口令相同。" if remembered else ""


def _digests(user: User) -> list[str]:
    return list(user.passwords.order_by("-set_at", "-pk").values_list("digest", flat=True))


def _contains(password: str, name: str) -> bool:
    """Whether the name stands in the password, forwards or backwards; two letters prove nothing."""
    text, word = password.casefold(), name.casefold()
    return len(word) > 2 and (word in text or word[::-1] in text)
