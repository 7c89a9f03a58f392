from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class CoreConfig(AppConfig):
    name = "core"
    verbose_name = "公共设施"

    def ready(self) -> None:
        post_migrate.connect(_sync_history, sender=self)


def _sync_history(**_: Any) -> None:
    from core import history

    history.sync()
