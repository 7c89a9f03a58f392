"""What beat asks for again and again: seals, alerts, partitions for the months to come."""

from typing import Any

from celery import shared_task
from django.db import close_old_connections, connection

from core.ledger import alerts, seals


@shared_task(name="core.seal_ledgers")
def seal_ledgers(**_: Any) -> None:
    seals.seal()
    close_old_connections()


@shared_task(name="core.raise_alerts")
def raise_alerts(**_: Any) -> None:
    alerts.raise_alerts()
    close_old_connections()


@shared_task(name="core.keep_months")
def keep_months(**_: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT keep_all_months()")
    close_old_connections()
