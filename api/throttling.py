"""How much one client may ask for: requests in a minute, records in an hour.

Counters live in the shared cache, so that all web processes count together. When the cache is away
each process counts for itself: a client may then have its limits once per process, but a limit there
is, and no request fails or waits for a server that is gone.
"""

import math
import time
from threading import Lock
from typing import Any

from django.core.cache import cache
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

MINUTE, HOUR = 60, 3600


class Counter:
    """A count that starts anew with every window of so many seconds."""

    def __init__(self, name: str, seconds: int) -> None:
        self.name, self.seconds = name, seconds
        self._own: dict[str, int] = {}
        self._lock = Lock()

    def _key(self, who: object) -> str:
        return f"api:{self.name}:{who}:{int(time.time()) // self.seconds}"

    def add(self, client: Any, amount: int) -> int:
        """The client's count of this window with the amount added."""
        return self.add_for(client.pk, amount)

    def add_for(self, who: object, amount: int) -> int:
        """The same for whoever goes by this text."""
        key = self._key(who)
        total = _incremented(key, amount)
        if total is None and cache.add(key, 0, timeout=2 * self.seconds):
            total = _incremented(key, amount)
        return self._add_here(key, amount) if total is None else total

    def count(self, client: Any) -> int:
        """The count of this window; what was counted here while the cache was away counts too."""
        key = self._key(client.pk)
        return int(cache.get(key) or 0) + self._own.get(key, 0)

    def _add_here(self, key: str, amount: int) -> int:
        with self._lock:
            window = key.rpartition(":")[2]
            for old in [one for one in self._own if one.rpartition(":")[2] != window]:
                del self._own[old]
            self._own[key] = self._own.get(key, 0) + amount
            return self._own[key]

    def seconds_left(self) -> int:
        return math.ceil(self.seconds - time.time() % self.seconds)


def _incremented(key: str, amount: int) -> int | None:
    """The new count; None when there is none yet, or no cache."""
    try:
        return cache.incr(key, amount)
    except ValueError:
        return None


requests = Counter("requests", MINUTE)
rows = Counter("rows", HOUR)


class ClientThrottle(BaseThrottle):
    """The client's own limits. Records are counted after they were read, by `api.pulls`: the page
    that reaches the limit is still given, the next one is not."""

    def allow_request(self, request: Request, view: Any) -> bool:
        client: Any = request.user
        self._wait: int | None = None
        if requests.add(client, 1) > client.requests_per_minute:
            self._wait = requests.seconds_left()
        elif rows.count(client) >= client.rows_per_hour:
            self._wait = rows.seconds_left()
        return self._wait is None

    def wait(self) -> float | None:
        return self._wait
