"""A shared cache that nobody has to be afraid of: without it counters and copies are missing, not pages.

Counters of rate limits live here. When Redis is away, reads find nothing and writes are lost; the
log says so once per pause, and the pause keeps every request from waiting for the same dead server.
"""

import logging
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

# Seconds without another try after a failure.
PAUSE = 5.0


def cache_address(broker: str) -> str:
    """The address of the broker's server as the cache client spells it.

    >>> cache_address("redis+socket:///run/redis.sock?virtual_host=2")
    'unix:///run/redis.sock?db=2'
    """
    if not broker.startswith("redis+socket://"):
        return broker
    parts = urlsplit(broker)
    number = parse_qs(parts.query).get("virtual_host", ["0"])[0]
    return f"unix://{unquote(parts.path)}?db={number}"


class ForgivingRedisCache(RedisCache):
    """Django's Redis cache, except that a server that is away is an empty cache."""

    # Of this process, whatever the thread: a new connection meets the same server.
    _closed_until = 0.0

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(cache_address(server), params)

    def _try(self, act: Callable[[], Any], otherwise: Any) -> Any:
        if time.monotonic() < ForgivingRedisCache._closed_until:
            return otherwise
        try:
            return act()
        except (RedisError, OSError) as error:
            ForgivingRedisCache._closed_until = time.monotonic() + PAUSE
            logger.warning(
                "cache unreachable, limits are not counted for %s s: %s",
                PAUSE,
                type(error).__name__,
            )
            return otherwise

    def add(self, *args: Any, **kwargs: Any) -> Any:
        return self._try(lambda: super(ForgivingRedisCache, self).add(*args, **kwargs), False)

    def get(self, key: Any, default: Any = None, version: Any = None) -> Any:
        return self._try(
            lambda: super(ForgivingRedisCache, self).get(key, default, version), default
        )

    def set(self, *args: Any, **kwargs: Any) -> None:
        self._try(lambda: super(ForgivingRedisCache, self).set(*args, **kwargs), None)

    def touch(self, *args: Any, **kwargs: Any) -> Any:
        return self._try(lambda: super(ForgivingRedisCache, self).touch(*args, **kwargs), False)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        return self._try(lambda: super(ForgivingRedisCache, self).delete(*args, **kwargs), False)

    def get_many(self, *args: Any, **kwargs: Any) -> Any:
        return self._try(lambda: super(ForgivingRedisCache, self).get_many(*args, **kwargs), {})

    def set_many(self, *args: Any, **kwargs: Any) -> Any:
        return self._try(lambda: super(ForgivingRedisCache, self).set_many(*args, **kwargs), [])

    def delete_many(self, *args: Any, **kwargs: Any) -> None:
        self._try(lambda: super(ForgivingRedisCache, self).delete_many(*args, **kwargs), None)

    def has_key(self, *args: Any, **kwargs: Any) -> Any:
        return self._try(lambda: super(ForgivingRedisCache, self).has_key(*args, **kwargs), False)

    def incr(self, *args: Any, **kwargs: Any) -> Any:
        """The new count, or None when it cannot be known; ValueError for a key that is gone."""
        return self._try(lambda: super(ForgivingRedisCache, self).incr(*args, **kwargs), None)

    def clear(self) -> Any:
        return self._try(lambda: super(ForgivingRedisCache, self).clear(), False)
