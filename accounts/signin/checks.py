"""`manage.py check`: settings of signing in that would surprise an administrator."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from accounts.signin import policy

NEEDED = (
    "OIDC_RP_CLIENT_SECRET", "OIDC_OP_ISSUER", "OIDC_OP_AUTHORIZATION_ENDPOINT",
    "OIDC_OP_TOKEN_ENDPOINT", "OIDC_OP_JWKS_ENDPOINT",
)  # fmt: skip
CALLED = ("OIDC_OP_TOKEN_ENDPOINT", "OIDC_OP_JWKS_ENDPOINT", "OIDC_OP_USER_ENDPOINT")


@register(Tags.security)
def password_policy(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """A policy that exists, and delays that are delays."""
    found: list[CheckMessage] = []
    if settings.PASSWORD_POLICY not in policy.NAMES:
        found.append(Error("PASSWORD_POLICY 应为 dengbao 或 asvs。", id="accounts.E001"))
    delays = settings.SIGN_IN_DELAY_MINUTES
    if not delays or any(minutes <= 0 for minutes in delays) or sorted(delays) != list(delays):
        found.append(Error("SIGN_IN_DELAY_MINUTES 应为逐次增长的分钟数。", id="accounts.E002"))
    return found


@register(Tags.security)
def single_sign_on(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """Single sign-on is configured wholly or not at all, and speaks TLS where we do."""
    if not settings.OIDC_RP_CLIENT_ID:
        return []
    found: list[CheckMessage] = []
    missing = [name.replace("_RP_", "_").replace("_OP_", "_") for name in NEEDED
               if not getattr(settings, name)]  # fmt: skip
    if missing:
        found.append(Error(f"单点登录缺少设置：{'、'.join(missing)}。", id="accounts.E003"))
    plain = [name for name in CALLED if getattr(settings, name).startswith("http://")]
    if settings.SECURE and plain:
        found.append(Error("单点登录的各地址应为 https。", id="accounts.E004"))
    return found


@register(Tags.security, deploy=True)
def second_factor_is_on(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """Only a demo machine does without."""
    if settings.OTP_REQUIRED is False and not settings.DEMO:
        return [Warning("OTP_REQUIRED=0 只用于演示环境。", id="accounts.W001")]
    return []
