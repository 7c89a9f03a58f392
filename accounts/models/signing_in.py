"""What signing in leaves behind: passwords used before, live sessions, second factors."""

import time
from base64 import b32encode
from typing import Any
from urllib.parse import quote, urlencode

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django_otp.models import Device, ThrottlingMixin, TimestampMixin
from django_otp.oath import TOTP

from accounts.models.user import User
from core.fields import Secret

# The first that fits: most browsers also name those they descend from.
_BROWSERS = (
    ("QIANXIN", "奇安信"), ("Qaxbrowser", "奇安信"), ("360", "360"), ("Edg/", "Edge"),
    ("Firefox/", "Firefox"), ("HeadlessChrome", "Chromium"), ("Chrome/", "Chromium 内核"),
    ("Safari/", "Safari"),
)  # fmt: skip
_SYSTEMS = (
    ("Android", "安卓"), ("iPhone", "iPhone"), ("Windows", "Windows"), ("Mac OS", "macOS"),
    ("UOS", "统信"), ("Kylin", "麒麟"), ("Linux", "Linux"),
)  # fmt: skip


class PasswordRecord(models.Model):
    """A password somebody had or has, as its hash; the newest says how old the present one is."""

    user = models.ForeignKey(User, models.CASCADE, related_name="passwords", verbose_name="用户")
    digest = models.CharField("口令散列", max_length=128)
    set_at = models.DateTimeField("设置时间", default=timezone.now)

    class Meta:
        verbose_name = "口令记录"
        indexes = [models.Index(fields=["user", "-set_at"], name="password_by_age")]

    def __str__(self) -> str:
        return f"{self.user} {self.set_at:%Y-%m-%d}"


class LastSignIn(models.Model):
    """When and from where a person signed in last, and how often somebody failed since."""

    user = models.OneToOneField(
        User, models.CASCADE, primary_key=True, related_name="last_sign_in", verbose_name="用户"
    )
    at = models.DateTimeField("时间", null=True)
    address = models.GenericIPAddressField("地址", null=True)
    failures_since = models.PositiveIntegerField("此后失败次数", default=0)

    class Meta:
        verbose_name = "上次登录"

    def __str__(self) -> str:
        return f"{self.user} {self.at}"


class SignedInSession(models.Model):
    """A session in which somebody is signed in; `key_hash` is the key of its `django_session` row.

    Deleting both rows ends the session at its next request. `last_seen_at` is at most a minute old.
    """

    key_hash = models.CharField("会话摘要", max_length=40, unique=True)
    user = models.ForeignKey(User, models.CASCADE, related_name="sessions", verbose_name="用户")
    started_at = models.DateTimeField("登录时间", default=timezone.now)
    last_seen_at = models.DateTimeField("最近活动", default=timezone.now)
    address = models.GenericIPAddressField("地址", null=True)
    agent = models.CharField("浏览器", max_length=120, blank=True)

    class Meta:
        verbose_name = "登录会话"
        indexes = [models.Index(fields=["user", "last_seen_at"], name="session_of_user")]

    def __str__(self) -> str:
        return f"{self.user} {self.started_at:%Y-%m-%d %H:%M}"

    @property
    def browser(self) -> str:
        """The browser and system in a few words, as far as they are known by name."""
        names = [word for mark, word in _BROWSERS if mark in self.agent][:1]
        names += [word for mark, word in _SYSTEMS if mark in self.agent][:1]
        return "，".join(names) or "其他"


class Authenticator(TimestampMixin, ThrottlingMixin, Device):
    """The phone app that shows a person's one-time codes (RFC 6238, six digits every 30 seconds).

    A device of django-otp with the secret sealed: the library's own TOTP model keeps it in plain
    text, in a column too short for a sealed one. A person has at most one confirmed and one not yet
    confirmed, which belongs to the session that asked for it.
    """

    STEP = 30
    DIGITS = 6
    # Steps before and after the present one that still count: a phone's clock is never quite right.
    TOLERANCE = 1

    user = models.ForeignKey(User, models.CASCADE, related_name="+", verbose_name="用户")
    # Twenty random bytes as hexadecimal digits.
    secret = Secret("密钥", max_length=40, shape="[0-9a-f]{40}", salted_by="user_id",
                    sealed_as="otp_secret")  # fmt: skip
    # The step of the last accepted code: no code is accepted twice, nor one older than it.
    last_step = models.BigIntegerField("最近使用的时间步", default=-1)
    drift = models.SmallIntegerField("时钟偏差（步）", default=0)

    class Meta:
        verbose_name = "动态口令设备"
        constraints = [
            models.UniqueConstraint(fields=["user", "confirmed"], name="authenticator_once")
        ]

    @property
    def base32(self) -> str:
        """The secret as people type it into an app."""
        return b32encode(bytes.fromhex(self.secret)).decode().rstrip("=")

    def address(self, issuer: str) -> str:
        """What the QR code says (key URI format of the authenticator apps)."""
        # The issuer once, not again in the label: Chinese names make the picture too fine to scan.
        label = quote(self.user.get_username())
        facts = {
            "secret": self.base32,
            "issuer": issuer,
            "digits": self.DIGITS,
            "period": self.STEP,
        }
        return f"otpauth://totp/{label}?{urlencode(facts, quote_via=quote)}"

    def verify_token(self, token: str) -> bool:
        """Whether the code is right now, for the first time; call with the row locked.

        After a wrong one the next is looked at only after 1, 2, 4, ... seconds.
        """
        if not self.verify_is_allowed()[0]:
            return False
        right = False
        if len(token) == self.DIGITS and token.isascii() and token.isdecimal():
            totp = TOTP(bytes.fromhex(self.secret), self.STEP, digits=self.DIGITS, drift=self.drift)
            totp.time = time.time()
            right = totp.verify(int(token), self.TOLERANCE, self.last_step + 1)
            if right:
                self.last_step, self.drift = totp.t(), totp.drift
        return _settle(self, right)

    def get_throttle_factor(self) -> int:
        return 1


class RecoveryCodes(TimestampMixin, ThrottlingMixin, Device):
    """Codes on paper for the day the phone is lost: keyed digests, each good for one time."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+", verbose_name="用户")
    digests = ArrayField(models.CharField(max_length=64), verbose_name="恢复码摘要", default=list)

    class Meta:
        verbose_name = "恢复码"
        constraints = [models.UniqueConstraint(fields=["user"], name="recovery_codes_once")]

    def verify_token(self, token: str) -> bool:
        """Whether `token` is the digest of an unused code, which it then no longer is."""
        if not self.verify_is_allowed()[0]:
            return False
        right = token in self.digests
        if right:
            self.digests = [digest for digest in self.digests if digest != token]
        return _settle(self, right)

    def get_throttle_factor(self) -> int:
        return 1


class ProviderIdentity(models.Model):
    """Whom the single sign-on provider knows the person as, since they first came from there.

    The name that a provider tells may be given to somebody else one day, this pair is not
    (OpenID Connect Core 1.0, 5.7).
    """

    user = models.OneToOneField(
        User, models.CASCADE, primary_key=True, related_name="provider_identity",
        verbose_name="用户",
    )  # fmt: skip
    issuer = models.CharField("签发者", max_length=255)
    subject = models.CharField("身份标识", max_length=255)
    bound_at = models.DateTimeField("绑定时间", default=timezone.now)

    class Meta:
        verbose_name = "统一身份"
        constraints = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="provider_identity_once")
        ]

    def __str__(self) -> str:
        return f"{self.user} {self.bound_at:%Y-%m-%d}"


def _settle(device: Any, right: bool) -> bool:
    """Keep what an attempt changed."""
    if right:
        device.throttle_reset(commit=False)
        device.set_last_used_timestamp(commit=False)
        device.save()
    else:
        device.throttle_increment(commit=True)
    return right
