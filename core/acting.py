"""Who acts, why, and in which request: told to PostgreSQL per transaction.

The history triggers read these settings; `SET LOCAL` semantics mean that a pooled connection cannot
carry an actor over into the next transaction.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection, models, transaction

request_id: ContextVar[str] = ContextVar("request_id", default="")


def identity(by: Any) -> tuple[int | None, int | None]:
    """Number of the user and number of the machine client that `by` is; at most one is there."""
    number = getattr(by, "pk", None)
    if isinstance(by, models.Model) and not isinstance(by, get_user_model()):
        return None, number
    return number, None


@contextmanager
def acting(*, by: Any, reason: str = "", job: int | None = None) -> Iterator[None]:
    """One atomic act of an official: every row written inside carries this name and reason.

    `by` is a user, a machine client, or None for the system itself.
    """
    user, client = identity(by)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('povertyops.actor', %s, true),"
                " set_config('povertyops.client', %s, true),"
                " set_config('povertyops.request', %s, true),"
                " set_config('povertyops.reason', %s, true),"
                " set_config('povertyops.job', %s, true)",
                [
                    str(user or ""),
                    f"{client} {by}" if client else "",
                    request_id.get(),
                    reason,
                    str(job or ""),
                ],
            )
        yield
