"""A link that lets a person set a new password, once."""

import hashlib
import hmac

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models.user import User


def link_digest(token: str) -> str:
    """Keyed digest of a link's token: a stolen table does not open an account."""
    return hmac.new(settings.SECRET_KEY.encode(), token.encode(), hashlib.sha256).hexdigest()


class PasswordLink(models.Model):
    """A one-time link, kept as a keyed digest and shown once to whoever made it.

    A person has at most one that still works; a newer one voids it. Used and void ones stay, as
    the record of who opened the account's door and when. `made_by` is missing for links made at
    the machine's console.
    """

    user = models.ForeignKey(User, models.PROTECT, related_name="links", verbose_name="用户")
    digest = models.CharField("链接摘要", max_length=64, unique=True)
    made_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="发放人"
    )
    made_at = models.DateTimeField("发放时间", default=timezone.now)
    expires_at = models.DateTimeField("失效时间")
    used_at = models.DateTimeField("使用时间", null=True, blank=True)
    voided_at = models.DateTimeField("作废时间", null=True, blank=True)

    class Meta:
        verbose_name = "设置口令链接"
        constraints = [
            models.CheckConstraint(condition=Q(expires_at__gt=F("made_at")), name="link_ends"),
            models.CheckConstraint(
                condition=Q(used_at__isnull=True) | Q(voided_at__isnull=True),
                name="link_used_or_void",
            ),
            models.CheckConstraint(
                condition=Q(made_by__isnull=True) | ~Q(made_by=F("user")),
                name="link_not_for_oneself",
            ),
            models.UniqueConstraint(
                fields=["user"],
                condition=Q(used_at__isnull=True, voided_at__isnull=True),
                name="link_one_alive",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} {self.made_at:%Y-%m-%d %H:%M}"
