"""Start or join the embedded servers; the last one out stops them."""

from collections.abc import Callable

from core.embedded.locks import Users
from core.embedded.places import Places
from core.embedded.postgres import Postgres
from core.embedded.redis import Redis


class Servers:
    """The embedded servers of one var directory, as one process uses them."""

    def __init__(
        self, places: Places, *, postgres: bool, redis: bool, note: Callable[[str], None]
    ) -> None:
        self.places = places
        self.postgres = Postgres(places, note)
        self.redis = Redis(places, note)
        self._users = Users(places.run, note)
        self._wanted: list[Postgres | Redis] = []
        if redis:
            self._wanted.append(self.redis)
        if postgres:
            self._wanted.append(self.postgres)

    @property
    def wanted(self) -> bool:
        """Whether this process needs any embedded server at all."""
        return bool(self._wanted)

    def join(self) -> None:
        """Count as a user and return when every wanted server answers. Raises EmbeddedError."""
        if not self._wanted:
            return
        self.places.make_var()
        with self._users.changing():
            self._users.join()
            try:
                self._ensure()
            except BaseException:
                self._stop_if_alone()
                raise

    def leave(self) -> None:
        """Stop the servers if nobody else uses them. A fork of the user changes nothing."""
        if not self._users.joined:
            return
        with self._users.changing():
            self._stop_if_alone()

    def revive(self) -> list[str]:
        """Start again whatever has died; the names of the servers restarted."""
        if all(server.running() for server in self._wanted):
            return []
        with self._users.changing():
            return self._ensure()

    def _ensure(self) -> list[str]:
        self.places.prepare()
        return [server.name for server in self._wanted if server.ensure()]

    def _stop_if_alone(self) -> None:
        try:
            if self._users.alone():
                # Also a server that only earlier users wanted. PostgreSQL goes last.
                self.redis.stop()
                self.postgres.stop()
        finally:
            self._users.leave()
