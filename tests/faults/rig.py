"""A city of its own to break: a small file system, servers, the whole product, and hands on all of it."""

import contextlib
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

from core.embedded.places import PROJECT, Places
from core.embedded.postgres import Postgres
from core.embedded.redis import Redis
from core.embedded.servers import Servers
from tests.faults.points import Points
from tests.faults.product import OTHER_APP

# All of it: cluster, write-ahead log, Redis' file, uploads, logs.
SIZE_MIB = 640
LEASE_SECONDS = 2
_FORBIDDEN = (
    "DATABASE_URL", "WEB_DATABASE_URL", "WORKER_DATABASE_URL", "REDIS_URL", "UPLOAD_DIR", "SECRET_KEY",
    "FIELD_KEYS", "FIELD_KEYS_FILE", "POVERTYOPS_PG_FSYNC", "POVERTYOPS_ROLE", "JOB_LEASE_SECONDS",
    "SEAL_ANCHOR_FILE", "HOST", "PORT", "FAILPOINTS", "POVERTYOPS_SUPERVISED", "HTTPS", "ALLOWED_HOSTS",
)  # fmt: skip
_READERS = "core.workbooks.reader"


class RigError(AssertionError):
    """The rig itself cannot be had."""


class Rig:
    """Paths, processes and harm. Nothing of it is shared with the product's own test servers."""

    def __init__(self, *, other_app: str = "") -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="pof", dir="/tmp"))
        self.folder.chmod(0o711)
        self.var = self.folder / "v"
        self.var.mkdir(mode=0o711)
        self.is_small = self._mount()
        # Beside the small file system: what the driver writes must not fail with it.
        self.points = Points(self.folder)
        # Each is somebody's refused file; whose, shows when the refusal is read.
        self.readers_killed = 0
        self._port = _free_port()
        self._other_app = other_app
        self.places = Places(self.var, PROJECT)
        self.postgres = Postgres(self.places, _silent)
        self.redis = Redis(self.places, _silent)
        self._servers = Servers(self.places, postgres=True, redis=True, note=_silent)
        self._product: subprocess.Popen[bytes] | None = None
        self._log = (self.folder / "product.log").open("ab")

    def _mount(self) -> bool:
        """A file system that can be full without harm to the machine; root only."""
        if os.geteuid() != 0:
            return False
        options = f"size={SIZE_MIB}m,mode=0711"
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", os.fspath(self.var)],
            capture_output=True, check=False,
        )  # fmt: skip
        return done.returncode == 0

    # Environment

    def environment(self) -> dict[str, str]:
        """For the product: its own servers, everything faster than in an office."""
        own = {key: value for key, value in os.environ.items() if key not in _FORBIDDEN}
        more = {OTHER_APP: self._other_app} if self._other_app else {}
        return own | more | {
            "POVERTYOPS_VAR": os.fspath(self.var),
            "DEMO": "1",
            "FAILPOINTS": f"@{self.points.path}",
            "FAILPOINTS_ALLOWED": "1",
            "JOB_LEASE_SECONDS": str(LEASE_SECONDS),
            "LOG_LEVEL": "WARNING",
            "WORKER_SILENCE_SECONDS": "20",
            "PORT": str(self._port),
            "OTP_REQUIRED": "0",
            "STATICFILES_STORAGE": "django.contrib.staticfiles.storage.StaticFilesStorage",
        }  # fmt: skip

    def adopt(self, environment: dict[str, str]) -> None:
        """Start the servers for this process and name them in its environment, before Django."""
        from core.embedded import field_keys, secret_key

        # Above all POVERTYOPS_PG_FSYNC: a cluster without it loses what it acknowledged.
        for name in _FORBIDDEN:
            environment.pop(name, None)
        self._servers.join()
        environment |= self.environment()
        environment |= {
            "SECRET_KEY": secret_key(self.var),
            "FIELD_KEYS_FILE": os.fspath(field_keys(self.var)),
            "DATABASE_URL": self.postgres.url,
            "REDIS_URL": self.redis.url,
            "DB_LOCK_TIMEOUT_MS": "20000",
            "DB_STATEMENT_TIMEOUT_MS": "60000",
            "DJANGO_SETTINGS_MODULE": "povertyops.settings",
            # The driver does not die itself; the acts it forks do.
            "FAILPOINTS": "",
        }

    # The product

    def start(self) -> None:
        self._product = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.product"],
            cwd=PROJECT, env=self.environment(), stdin=subprocess.DEVNULL,
            stdout=self._log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

    def close(self, *, keep: bool = False) -> None:
        """End everything that was started here and give the file system back."""
        if self._product is not None:
            self._product.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._product.wait(20)
            for process in self._all_of_us():
                with contextlib.suppress(psutil.Error):
                    process.kill()
        self._log.close()
        self._servers.leave()
        if keep:
            return
        if self.is_small:
            subprocess.run(["umount", "-l", os.fspath(self.var)], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.places.sockets != self.var / "servers" / "run":
            shutil.rmtree(self.places.sockets, ignore_errors=True)

    def is_running(self) -> bool:
        """Whether the supervisor still stands; it never may give up."""
        return self._product is not None and self._product.poll() is None

    def is_healthy(self) -> bool:
        """Whether the web server answers 200 on /healthz, database included."""
        from core.embedded.supervisor import Address

        return Address({"PORT": str(self._port)}).healthy()

    # Processes

    def _all_of_us(self) -> list[psutil.Process]:
        """Children of this product that outlived it, found by their environment."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if process.environ().get("POVERTYOPS_SUPERVISED") == os.fspath(self.var):
                    found.append(process)
        return found

    def child(self, name: str) -> psutil.Process | None:
        """The process that the supervisor keeps under that name."""
        words = {"web": "gunicorn", "beat": "beat"}.get(name, f"{name}-")
        assert self._product is not None
        try:
            children = psutil.Process(self._product.pid).children()
        except psutil.Error:
            return None
        for process in children:
            # One that has just died must not hide the others.
            with contextlib.suppress(psutil.Error):
                if any(words in word for word in process.cmdline()):
                    return process
        return None

    def workers(self, queue: str) -> list[psutil.Process]:
        """Main processes of the workers that serve a queue."""
        names = ("worker-fast",) if queue in ("metrics", "interactive") else (
            "worker-heavy", "worker-heavy2",
        )  # fmt: skip
        return [process for name in names if (process := self.child(name))]

    def hands(self, queue: str) -> list[psutil.Process]:
        """The forked children that do the work, one level below."""
        found = []
        for worker in self.workers(queue):
            with contextlib.suppress(psutil.Error):
                found += [one for one in worker.children() if one.name() != "resource_tracker"]
        return found

    def is_reader(self, process: psutil.Process) -> bool:
        """Whether it parses a workbook of this rig."""
        try:
            words = process.cmdline()
        except psutil.Error:
            return False
        return _READERS in words and any(os.fspath(self.var) in word for word in words)

    def readers(self) -> list[psutil.Process]:
        """Parsing children that are there, wherever they hang."""
        return [process for process in psutil.process_iter() if self.is_reader(process)]

    # Disks

    @contextlib.contextmanager
    def full_disk(self) -> Iterator[None]:
        """Nothing can grow any more until the end of the block."""
        if self.is_small:
            ballast = self.var / "ballast"
            ballast.touch()
            try:
                self._fill(ballast)
                yield
            finally:
                ballast.unlink()
            return
        # Without a file system of our own: no file of the database's may grow beyond a megabyte.
        server = self.postgres.running()
        if server is None:
            raise RigError("no server to limit")
        former = resource.prlimit(
            server.pid, resource.RLIMIT_FSIZE, (2**20, resource.RLIM_INFINITY)
        )
        try:
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(server.pid, resource.RLIMIT_FSIZE, former)

    def can_grow(self) -> bool:
        """Whether a file of the size of one page can be added where everything lies."""
        probe = self.var / "probe"
        try:
            probe.write_bytes(b"x" * 8192)
        except OSError:
            return False
        finally:
            probe.unlink(missing_ok=True)
        return True

    def _fill(self, ballast: Path) -> None:
        with ballast.open("r+b") as file:
            taken = 0
            for step in (2**24, 2**20, 2**12):
                with contextlib.suppress(OSError):
                    while True:
                        os.posix_fallocate(file.fileno(), taken, step)
                        taken += step

    # Redis

    def wipe_broker(self) -> bool:
        """FLUSHALL; False when nobody listens."""
        import redis

        client = redis.Redis(unix_socket_path=os.fspath(self.redis.socket), socket_timeout=2)
        try:
            return bool(client.flushall())
        except redis.RedisError:
            return False
        finally:
            client.close()

    def checkpoint(self) -> None:
        """Let the write-ahead log shrink: the file system is small and tuned for a large one."""
        import psycopg2

        with contextlib.suppress(psycopg2.Error):
            session = self.postgres._connect()
            session.autocommit = True
            with session.cursor() as cursor:
                cursor.execute("CHECKPOINT")
            session.close()

    def kill(self, process: psutil.Process | None) -> bool:
        """SIGKILL, whether it was there to be killed."""
        if process is None:
            return False
        try:
            process.send_signal(signal.SIGKILL)
        except psutil.Error:
            return False
        return True


def _silent(_message: str) -> None:
    """Server notes belong to an operator."""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait(condition: Callable[[], Any], seconds: float, what: str) -> Any:
    """Look every 50 ms. Raises RigError when the time is up."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.05)
    raise RigError(f"not within {seconds:.0f} s: {what}")
