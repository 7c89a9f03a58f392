"""The embedded servers and the supervisor, for real: own var directory, own processes.

Nothing here touches Django or the servers that the rest of the tests run on.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import environ
import kombu
import psutil
import psycopg2
import pytest
from kombu.utils.url import url_to_parts

from core.embedded import secret_key, servers_for_this_process
from core.embedded.children import CHORE_NICENESS, Child, Patience, Step, Stopped, Supervisor
from core.embedded.locks import try_exclusive
from core.embedded.places import PROJECT, EmbeddedError, Places, own_public_directory
from core.embedded.postgres import GIB, MIB, Postgres, tuning
from core.embedded.process import kill_all, log_tail, open_log
from core.embedded.redis import Redis
from core.embedded.servers import Servers
from core.embedded.supervisor import Address, children, static_fingerprint

OURS = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "POVERTYOPS_VAR", "POVERTYOPS_TEST_SERVERS")


def eventually(condition: Callable[[], object], seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


@dataclass
class Site:
    """One var directory and what runs for it."""

    var: Path

    @property
    def places(self) -> Places:
        return Places(self.var)

    @property
    def postgres(self) -> Postgres:
        return Postgres(self.places, print)

    @property
    def redis(self) -> Redis:
        return Redis(self.places, print)

    def running(self) -> tuple[bool, bool]:
        return self.postgres.running() is not None, self.redis.running() is not None

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in OURS}
        return kept | {"POVERTYOPS_VAR": str(self.var), "POVERTYOPS_PG_FSYNC": "off", **more}

    def start(self, *command: str, **more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=PROJECT,
            env=self.environment(**more),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def user(self, **more: str) -> subprocess.Popen[str]:
        """Somebody who uses the servers until its standard input is closed."""
        user = self.start("core.embedded", "run", "sh", "-c", "echo in; read _; true", **more)
        while (line := user.stdout.readline()) != "in\n":
            assert line, "it ended before the servers were up"
        return user

    def query(self, statement: str, *, fetch: bool = True) -> list[tuple]:
        found = environ.Env.db_url_config(self.postgres.url)
        connection = psycopg2.connect(
            host=found["HOST"], port=found["PORT"], user=found["USER"], dbname=found["NAME"]
        )
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if fetch else []
        finally:
            connection.close()

    def clear(self) -> None:
        for name, directory in (
            ("postgres", self.places.postgres_data),
            ("valkey-server", self.places.redis_data),
        ):
            kill_all(name, directory)
        home = self.places.home
        for directory in {self.var, home, self.places.sockets}:
            shutil.rmtree(directory, ignore_errors=True)
        with contextlib.suppress(OSError):  # others may have something beside it
            home.parent.rmdir()


@pytest.fixture
def site() -> Iterator[Site]:
    """A var directory that every account can reach, as a clone in an ordinary place."""
    root = Path(tempfile.mkdtemp(prefix="povertyops-test-"))
    root.chmod(0o711)
    found = Site(root / "var")
    yield found
    found.clear()
    shutil.rmtree(root, ignore_errors=True)


def leave(user: subprocess.Popen[str]) -> None:
    user.communicate("\n", timeout=30)
    assert user.returncode == 0


@pytest.mark.integration
def test_last_one_out_stops_the_servers(site: Site) -> None:
    first = site.user()
    assert site.running() == (True, True)
    servers = (site.postgres.running().pid, site.redis.running().pid)

    second = site.user()
    assert (site.postgres.running().pid, site.redis.running().pid) == servers

    leave(first)
    assert site.running() == (True, True)
    leave(second)
    assert site.running() == (False, False)
    assert not site.redis.socket.exists()


@pytest.mark.integration
def test_servers_have_no_port_and_admit_only_their_account(site: Site) -> None:
    user = site.user()
    for server in (site.postgres, site.redis):
        listening = [
            connection
            for process in [server.running(), *server.running().children(recursive=True)]
            for connection in process.net_connections(kind="inet")
        ]
        assert listening == []
    assert site.places.sockets.stat().st_mode & 0o777 == 0o700
    assert site.places.postgres_data.stat().st_mode & 0o777 == 0o700
    assert site.redis.socket.stat().st_mode & 0o777 == 0o700
    assert (site.var / "secret_key").stat().st_mode & 0o777 == 0o600
    # The product's role can do what migrations and tests ask for, and is no superuser.
    site.query("CREATE EXTENSION btree_gist", fetch=False)
    role = "SELECT rolcreatedb, rolsuper FROM pg_roles WHERE rolname = current_user"
    assert site.query(role) == [(True, False)]
    provider = "SELECT datlocprovider, datlocale, pg_encoding_to_char(encoding) FROM pg_database"
    assert set(site.query(provider)) == {("b", "C.UTF-8", "UTF8")}
    leave(user)


@pytest.mark.integration
def test_killed_servers_come_back_with_their_rows(site: Site) -> None:
    user = site.user(POVERTYOPS_PG_FSYNC="on")  # as in use; without it a kill may lose commits
    site.query("CREATE TABLE kept (n int)", fetch=False)
    site.query("INSERT INTO kept VALUES (1)", fetch=False)
    user.kill()  # a user that cannot say goodbye
    user.communicate()
    assert site.running() == (True, True)
    for server in (site.postgres, site.redis):
        server.running().kill()
    assert eventually(lambda: site.running() == (False, False))

    again = site.user()
    assert site.query("SELECT n FROM kept") == [(1,)]
    leave(again)
    assert site.running() == (False, False)


@pytest.mark.integration
def test_broken_append_only_file_is_set_aside(site: Site) -> None:
    servers = Servers(site.places, postgres=False, redis=True, note=print)
    servers.join()
    servers.leave()
    [base] = (site.places.redis_data / "appendonlydir").glob("*.base.*")
    base.write_bytes(b"no such format" * 100)

    servers.join()
    try:
        assert site.running() == (False, True)
        assert list(site.places.redis_data.glob("appendonlydir.broken-*"))
    finally:
        servers.leave()


@pytest.mark.integration
def test_supervised_server_is_revived(site: Site) -> None:
    servers = Servers(site.places, postgres=False, redis=True, note=print)
    servers.join()
    try:
        assert servers.revive() == []
        site.redis.running().kill()
        assert eventually(lambda: site.redis.running() is None)
        assert servers.revive() == ["Redis"]
        assert site.running() == (False, True)
    finally:
        servers.leave()


@pytest.mark.integration
@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands servers to another account")
def test_var_below_a_closed_directory_goes_elsewhere(tmp_path: Path) -> None:
    """pytest's own directories are closed to others, like root's home."""
    site = Site(tmp_path / "var")
    servers = Servers(site.places, postgres=False, redis=True, note=print)
    try:
        servers.join()
        assert site.var not in site.places.redis_data.parents
        assert site.redis.running().uids().real == site.places.account.uid != 0
        servers.leave()
        assert site.running() == (False, False)
    finally:
        site.clear()


def test_long_path_gets_a_short_socket_directory(tmp_path: Path) -> None:
    site = Site(tmp_path / ("很长的目录" * 8) / "var")
    assert len(os.fsencode(site.redis.socket)) < 100
    assert site.places.sockets == Site(site.var).places.sockets
    assert site.places.sockets != Site(site.var / "other").places.sockets


def test_urls_keep_capitals_spaces_and_chinese(tmp_path: Path) -> None:
    places = Places(tmp_path)
    places.__dict__["sockets"] = Path("/tmp/Ab c+d/目录")
    found = environ.Env.db_url_config(Postgres(places, print).url)
    assert (found["HOST"], found["PORT"]) == ("/tmp/Ab c+d/目录", 5432)
    assert (found["NAME"], found["USER"]) == ("povertyops", "povertyops")

    connection = kombu.Connection(Redis(places, print).url)
    assert connection.transport_cls == "redis"
    parts = url_to_parts(connection.hostname)
    assert (parts.path, parts.query) == ("tmp/Ab c+d/目录/redis.sock", {"virtual_host": "0"})


def test_planted_public_directory_is_refused(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    with pytest.raises(EmbeddedError, match="不能使用"):
        own_public_directory(link)
    everybodys = tmp_path / "open"
    everybodys.mkdir()
    everybodys.chmod(0o777)
    with pytest.raises(EmbeddedError, match="不能使用"):
        own_public_directory(everybodys)


def test_secret_key_is_made_once(tmp_path: Path) -> None:
    first = secret_key(tmp_path)
    assert len(first) >= 50
    assert secret_key(tmp_path) == first
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


@pytest.mark.parametrize(
    ("memory", "shared", "work"),
    [(1 * GIB, "128MB", "16MB"), (24 * GIB, "1536MB", "64MB"), (256 * GIB, "2048MB", "64MB")],
)
def test_tuning_follows_the_memory(memory: int, shared: str, work: str) -> None:
    settings = tuning(memory)
    assert (settings["shared_buffers"], settings["work_mem"]) == (shared, work)
    assert "fsync" not in settings
    assert tuning(memory, durable=False)["fsync"] == "off"


def test_large_log_is_set_aside(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(b"x" * (21 * MIB))
    os.close(open_log(log))
    assert log.stat().st_size == 0
    assert (tmp_path / "a.log.1").stat().st_size == 21 * MIB
    log.write_text("一\n二\n三\n", encoding="utf-8")
    assert log_tail(log, 2) == "二\n三"


@pytest.mark.parametrize("words", [["manage.py"], ["manage.py", "help"], ["manage.py", "x", "-h"]])
def test_help_needs_no_servers(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in OURS[:3]:
        monkeypatch.setenv(name, "")
    with servers_for_this_process(words):
        assert all(os.environ[name] for name in OURS[:3])
        environ.Env().db("DATABASE_URL")


# The supervisor


class Console:
    """What the operator would have read."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, line: str) -> None:
        self.lines.append(line)

    def has(self, words: str) -> bool:
        return any(words in line for line in self.lines)


@pytest.fixture
def desk(tmp_path: Path) -> SimpleNamespace:
    places = Places(tmp_path / "var")
    places.make_var()
    return SimpleNamespace(places=places, console=Console(), log=places.log / "child.log")


def supervisor(desk: SimpleNamespace, *scripts: str, **patience: float) -> Supervisor:
    return Supervisor(
        [
            Child(f"child{number}", ["sh", "-c", script], desk.log)
            for number, script in enumerate(scripts)
        ],
        var=desk.places.var,
        cwd=desk.places.var,
        patience=Patience(**{"first_pause": 0.01, "grace": 3.0, **patience}),
        say=desk.console,
    )


def test_dead_child_is_restarted(desk: SimpleNamespace) -> None:
    """It dies twice and then stays; the sibling is never disturbed."""
    watch = supervisor(desk, "echo x; [ $(grep -c x child) -ge 2 ] && sleep 60; echo x >> child")
    (desk.places.var / "child").touch()

    def ready() -> bool:
        return (desk.places.var / "child").read_text().count("x") == 2

    def announce() -> None:
        watch.stopping = True

    assert watch.run(ready, announce) == 0
    assert desk.console.has("“child0”意外退出（代码 0）")
    assert desk.log.read_text() == "x\nx\n"


def test_fifth_death_stops_everything(desk: SimpleNamespace) -> None:
    watch = supervisor(desk, "echo 坏了 >&2; exit 3", "echo $$ > sibling; sleep 60")
    begun = time.monotonic()
    assert watch.run(lambda: False, lambda: None) == 1
    assert time.monotonic() - begun < 10
    assert desk.console.has("“child0”在 60 秒内退出了 5 次，已停止全部进程。日志")
    assert desk.console.has("坏了")
    assert desk.log.read_text().count("坏了") == 5
    assert not psutil.pid_exists(int((desk.places.var / "sibling").read_text()))


def test_stubborn_child_is_killed_with_its_family(desk: SimpleNamespace) -> None:
    watch = supervisor(
        desk, "trap '' TERM; (trap '' TERM; sleep 61) & echo $! > family; sleep 60; wait", grace=0.3
    )
    family = desk.places.var / "family"

    def ready() -> bool:
        return family.exists() and bool(family.read_text())

    def announce() -> None:
        watch.stopping = True

    assert watch.run(ready, announce) == 0
    assert eventually(lambda: not psutil.pid_exists(int(family.read_text())))


def test_site_that_never_answers_is_given_up(desk: SimpleNamespace) -> None:
    assert supervisor(desk, "sleep 60", ready=0.2).run(lambda: False, lambda: None) == 1
    assert desk.console.has("没有应答")


def test_failing_step_shows_its_last_words(desk: SimpleNamespace) -> None:
    watch = supervisor(desk)
    assert watch.step(Step("记账号", ["sh", "-c", "echo 账号"], "keep")) == "账号\n"
    with pytest.raises(EmbeddedError, match=r"“迁移”失败（代码 4）.*\n没有表"):
        watch.step(Step("迁移", ["sh", "-c", "echo 没有表; exit 4"]))
    watch.stopping = True
    with pytest.raises(Stopped):
        watch.step(Step("慢", ["sleep", "60"]))


def test_chores_wait_until_all_is_up_and_one_that_fails_is_left(desk: SimpleNamespace) -> None:
    """One after the other, behind everybody else; the stop ends the one that is under way."""
    watch = supervisor(desk, "sleep 60")
    steps = {
        "先": "ps -o nice= -p $$ > first",
        "坏": "test -s first || echo early > bad; exit 4",
        "长": "test -f first && echo $$ > long; sleep 60",
        "后": "echo never > last",
    }
    watch.put_off([Step(name, ["sh", "-c", words]) for name, words in steps.items()])
    there = desk.places.var
    checked = []

    def ready() -> bool:
        checked.append((there / "first").exists())
        return len(checked) == 3

    def announce() -> None:
        threading.Thread(target=stop).start()

    def stop() -> None:
        eventually(lambda: (there / "long").exists() and (there / "long").read_text().strip())
        watch.stopping = True

    assert watch.run(ready, announce) == 0
    assert checked == [False, False, False]
    assert int((there / "first").read_text()) == min(19, os.nice(0) + CHORE_NICENESS)
    assert desk.console.has("先：完成")
    assert desk.console.has("“坏”失败（代码 4），下次启动时重做。")
    assert not (there / "bad").exists()
    assert not psutil.pid_exists(int((there / "long").read_text()))
    assert not (there / "last").exists()


def test_children_of_a_killed_supervisor_are_ended(desk: SimpleNamespace, tmp_path: Path) -> None:
    """The kernel ends the leaders; the next start ends what they left behind."""
    program = tmp_path / "watch.py"
    program.write_text(
        "import sys\n"
        "from pathlib import Path\n"
        "from core.embedded.children import Child, Supervisor\n"
        "var = Path(sys.argv[1])\n"
        "command = ['sh', '-c', 'sleep 62 & echo $$ $! > pids; wait']\n"
        "child = Child('a', command, var / 'log' / 'a.log')\n"
        "Supervisor([child], var=var, cwd=var, say=print).run(lambda: False, lambda: None)\n",
        encoding="utf-8",
    )
    var = desk.places.var
    running = subprocess.Popen(
        [sys.executable, program, var], env={**os.environ, "PYTHONPATH": str(PROJECT)}
    )
    assert eventually(lambda: (var / "pids").exists() and (var / "pids").read_text().strip())
    leader, left = map(int, (var / "pids").read_text().split())
    running.kill()
    running.wait()
    assert eventually(lambda: not psutil.pid_exists(leader))
    supervisor(desk).clear_orphans()
    assert eventually(lambda: not psutil.pid_exists(left))


@pytest.mark.integration
def test_second_supervisor_is_refused(site: Site) -> None:
    site.places.make_var()
    held = try_exclusive(site.places.run / "supervisor.lock")
    refused = site.start("core.embedded.supervisor", PORT="1")
    printed, _ = refused.communicate(timeout=20)
    os.close(held)
    assert refused.returncode == 1
    assert "已有一个 script/server 在运行" in printed


def test_taken_port_is_reported_before_anything_starts(site: Site) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        with pytest.raises(EmbeddedError, match=f"不能使用 127.0.0.1:{port}"):
            Address({"PORT": port}).require_free()


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1"])
def test_port_must_be_a_port(port: str) -> None:
    with pytest.raises(EmbeddedError, match="PORT 应为"):
        Address({"PORT": port})


def test_address_calls_the_site_by_its_own_name() -> None:
    assert Address({"ALLOWED_HOSTS": ".povertyops.example,b"}).known_as == "povertyops.example"
    assert Address({"ALLOWED_HOSTS": "*"}).known_as == "localhost"
    assert Address({"HOST": "0.0.0.0", "PORT": "81"}).url == "http://127.0.0.1:81/"


def test_every_queue_has_a_worker_and_logs_hold_no_queries(tmp_path: Path) -> None:
    found = {child.name: child for child in children(Places(tmp_path), Address({}))}
    assert list(found) == ["web", "worker-fast", "worker-heavy", "beat"]
    queues = ",".join(
        child.command[list(child.command).index("--queues") + 1]
        for child in found.values()
        if "--queues" in child.command
    )
    assert set(queues.split(",")) == {"interactive", "imports", "metrics", "exports"}
    assert {child.environment["POVERTYOPS_ROLE"] for child in found.values()} == {
        *("web", "worker", "beat")
    }
    web = list(found["web"].command)
    logged = web[web.index("--access-logformat") + 1]
    assert not {"%(r)s", "%(q)s", "%(f)s"} & set(logged.replace('"', " ").split())


def test_static_files_are_collected_again_only_when_something_changed(tmp_path: Path) -> None:
    (tmp_path / "static").mkdir()
    before = static_fingerprint(tmp_path, {})
    assert static_fingerprint(tmp_path, {}) == before
    (tmp_path / "static" / "a.css").write_text("a")
    assert static_fingerprint(tmp_path, {}) != before


@pytest.mark.integration
def test_terminated_command_leaves_no_servers_behind(site: Site) -> None:
    user = site.user()
    user.send_signal(signal.SIGTERM)
    user.wait(30)
    user.communicate()
    assert user.returncode == 128 + signal.SIGTERM
    assert site.running() == (False, False)
