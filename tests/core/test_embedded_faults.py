"""What the embedded servers and their supervisor did not survive once, each shown alone."""

import os
import signal
import threading
from types import SimpleNamespace

import psutil
import psycopg2
import pytest

from core.embedded.places import EmbeddedError
from core.embedded.process import kill_all, log_tail
from core.embedded.servers import Servers
from tests.core.test_embedded import Console, Site, desk, eventually, site, supervisor

__all__ = ["desk", "site"]


@pytest.mark.integration
def test_kill_after_an_unlogged_table_was_taken_back(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Staging tables are unlogged; a worker dies, its tables are taken back, the server is killed.

    The first recovery ends in "File exists", and that used to be the end of the whole product.
    """
    monkeypatch.delenv("POVERTYOPS_PG_FSYNC", raising=False)
    servers = Servers(site.places, postgres=True, redis=False, note=print)
    servers.join()
    try:
        superuser = site.postgres._connect("povertyops")
        superuser.autocommit = True
        with superuser.cursor() as cursor:
            cursor.execute("ALTER SYSTEM SET wal_writer_delay = '10s'")
            cursor.execute("SELECT pg_reload_conf(), pg_sleep(0.5)")
            cursor.execute("CHECKPOINT")
            cursor.execute("CREATE TABLE kept (n integer)")
            cursor.execute("GRANT SELECT ON kept TO povertyops")
        dying = site.postgres._connect("povertyops")
        with dying.cursor() as cursor:
            cursor.execute("CREATE UNLOGGED TABLE staged (n integer)")
            with superuser.cursor() as other:
                # Its commit puts all that came before on the disk.
                other.execute("INSERT INTO kept VALUES (1)")
            dying.rollback()
        postmaster = site.postgres.running()
        assert postmaster is not None
        postmaster.send_signal(signal.SIGKILL)
        kill_all("postgres", site.places.postgres_data)
        for session in (superuser, dying):
            with pytest.raises(psycopg2.Error):
                session.cursor().execute("SELECT 1")
        assert servers.revive() == ["PostgreSQL"]
        assert site.query("SELECT n FROM kept") == [(1,)]
        assert "File exists" in log_tail(site.postgres.log, 200)
    finally:
        servers.leave()
        kill_all("postgres", site.places.postgres_data)


class Refusing:
    """Servers that cannot be started, so many times."""

    def __init__(self, times: int) -> None:
        self.left = times
        self.asked = 0

    def revive(self) -> list[str]:
        self.asked += 1
        if self.left:
            self.left -= 1
            raise EmbeddedError("磁盘已满")
        return ["PostgreSQL"] if self.asked else []


def run(desk: SimpleNamespace, servers: Refusing, **patience: float) -> tuple[int, Console]:
    watch = supervisor(desk, "sleep 60", **patience)
    watch._servers = servers  # type: ignore[assignment]
    threading.Timer(4, lambda: setattr(watch, "stopping", True)).start()
    return watch.run(lambda: True, lambda: None), desk.console


def test_server_that_cannot_be_started_is_tried_again(
    desk: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk ended web, workers and beat at the first failed start, and nobody came back."""
    monkeypatch.setattr("core.embedded.children.SERVER_CHECK_SECONDS", 0.1)
    servers = Refusing(3)
    code, console = run(desk, servers, deaths=100)
    assert code == 0
    assert servers.left == 0
    assert sum("磁盘已满" in line for line in console.lines) == 3
    assert console.has("PostgreSQL 意外退出，已重新启动")


def test_child_that_keeps_dying_later_does_not_end_the_others(desk: SimpleNamespace) -> None:
    """Workers die of a full disk as often as they are started; the pages go on reading."""
    watch = supervisor(desk, "exit 3", "echo $$ > sibling; sleep 60", deaths=3)
    sibling = desk.places.var / "sibling"

    def ended() -> None:
        assert psutil.pid_exists(int(sibling.read_text()))
        watch.stopping = True

    threading.Timer(1.5, ended).start()
    assert watch.run(sibling.exists, lambda: None) == 0
    assert sum("意外退出（代码 3）" in line for line in desk.console.lines) > 3


def test_server_that_never_comes_back_ends_the_product_after_all(
    desk: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.embedded.children.SERVER_CHECK_SECONDS", 0.1)
    # A server of another test may lie about dead.
    others = set(psutil.Process(os.getpid()).children())
    code, console = run(desk, Refusing(10**6), server=0.5)
    assert code == 1
    assert console.lines[-2:] != []
    assert set(psutil.Process(os.getpid()).children()) <= others
    assert eventually(lambda: console.has("磁盘已满"))
