from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured
from django.db.models.signals import post_migrate


class CoreConfig(AppConfig):
    name = "core"
    verbose_name = "公共设施"

    def ready(self) -> None:
        from core import (
            checks,  # noqa: F401
            failpoints,
        )
        from core.exports import tasks as exporting  # noqa: F401 - registers the job kind in every process
        from core.retention import tasks as removing  # noqa: F401 - and this one

        _require_own_role()
        failpoints.require_harmless()
        post_migrate.connect(_sync, sender=self)
        register(check_field_keys, "security")


def _require_own_role() -> None:
    """Where real people are registered, no process that serves anybody signs in as the owner.

    Not a system check: the web server and the workers run none.
    """
    role = settings.DATABASE_ROLES.get(settings.PROCESS_ROLE)
    user = settings.DATABASES["default"].get("USER")
    if role and user != role and not settings.DEMO and not settings.DEBUG:
        raise ImproperlyConfigured(
            f"{settings.PROCESS_ROLE} 进程应以数据库角色 {role} 登录，现在是 {user}。"
            "请设置 WEB_DATABASE_URL 和 WORKER_DATABASE_URL，见 .env.example。"
        )


def _sync(**_: Any) -> None:
    """Histories first: the walls stand around them too."""
    from core import history, walls

    history.sync()
    walls.sync()


def check_field_keys(**_: Any) -> list[CheckMessage]:
    """The product does not start without the keys that personal data is sealed with."""
    from core import vault

    try:
        vault.ring()
    except vault.KeyRingError as error:
        return [Error(str(error), id="povertyops.E001")]
    return []
