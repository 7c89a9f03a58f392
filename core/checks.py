"""What the product refuses to start with."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from core import failpoints
from core.retention.keeping import check_days


@register("security")
def check_hosts(app_configs: Any = None, **_: Any) -> list[CheckMessage]:
    """A site that answers to every name lets others write its links."""
    if any(host.strip() in ("*", ".") for host in settings.ALLOWED_HOSTS):
        return [Error("ALLOWED_HOSTS 不得含 *，请写明站点的名称。", id="core.E100")]
    return []


@register("security")
def check_failpoints(app_configs: Any = None, **_: Any) -> list[CheckMessage]:
    """Nobody dies on purpose where real people are registered."""
    text = failpoints.problem()
    return [Error(text, id="core.E103")] if text else []


register("security")(check_days)
