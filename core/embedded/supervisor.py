"""`python -m core.embedded.supervisor`: the whole product in the foreground, from one command.

Order: servers, migrations, demo city, static files, logins, then web, workers and beat; what else the
demo city has is made in the background, once the site is up.
"""

import hashlib
import http.client
import os
import socket
import sys
import time
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from core.embedded import (
    EmbeddedError,
    embedded_servers,
    leave_properly_when_terminated,
    read_dotenv,
)
from core.embedded.children import Child, Step, Stopped, Supervisor
from core.embedded.locks import try_exclusive
from core.embedded.places import PROJECT, Places, var_directory
from core.embedded.servers import Servers

TRUE_WORDS = {"1", "true", "on", "ok", "y", "yes"}
# Brotli over the API documentation's scripts takes half a minute; on this machine nobody gains by it.
QUICK_STATIC = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
# What the demo city has besides people, made while the site is already in use.
LATER = (
    ("演示项目", "demo_projects"), ("演示资金", "demo_money"), ("演示贷款", "demo_loans"),
    ("演示评估", "demo_rounds"), ("演示问题", "demo_problems"),
)  # fmt: skip
# Method, path without its query (a search for a name is personal data), status, bytes, seconds.
ACCESS_FORMAT = '%(t)s "%(m)s %(U)s" %(s)s %(B)s %(L)s'


def say(message: str) -> None:
    """To the operator's console, at once."""
    print(message, flush=True)  # noqa: T201


class Address:
    """Where the web server listens: HOST (127.0.0.1) and PORT (8000).

    Raises EmbeddedError for a port that is no number.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.host = environment.get("HOST") or "127.0.0.1"
        port = environment.get("PORT") or "8000"
        if not port.isdecimal() or not 0 < int(port) < 65536:
            raise EmbeddedError(f"PORT 应为 1～65535 之间的整数，现在是“{port}”。")
        self.port = int(port)
        # A site with its own names may refuse ours, so the probe calls it by the first of them.
        first = (environment.get("ALLOWED_HOSTS") or "localhost").split(",")[0].strip()
        self.known_as = "localhost" if first in {"", "*"} else first.lstrip(".")

    @property
    def local(self) -> str:
        return "127.0.0.1" if self.host in {"0.0.0.0", "::", "[::]", ""} else self.host  # noqa: S104

    @property
    def url(self) -> str:
        return f"http://{self.local}:{self.port}/"

    def require_free(self) -> None:
        """Raise EmbeddedError when another program listens there; better now than in a minute."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host.strip("[]"), self.port))
            except OSError as error:
                raise EmbeddedError(
                    f"不能使用 {self.host}:{self.port}（{error.strerror}）。"
                    f"可换一个端口：PORT={self.port + 1} script/server"
                ) from error

    def healthy(self) -> bool:
        """Whether the site answers 200 on /healthz."""
        try:
            connection = http.client.HTTPConnection(self.local, self.port, timeout=5)
            connection.request("GET", "/healthz", headers={"Host": self.known_as})
            status = connection.getresponse().status
            connection.close()
        except (OSError, http.client.HTTPException):
            return False
        return status == http.client.OK


def manage(*words: str) -> list[str]:
    """A management command as a command line of this interpreter."""
    return [sys.executable, os.fspath(PROJECT / "manage.py"), *words]


def children(places: Places, address: Address) -> list[Child]:
    """Web server, a fast and a heavy worker, and the clock that sends what is due."""
    python = sys.executable
    celery = [python, "-m", "celery", "--app", "povertyops"]
    worker = [*celery, "worker", "--loglevel", "WARNING", "--pool", "prefork"]
    worker += ["--without-gossip", "--without-mingle"]
    web = [python, "-m", "gunicorn", "povertyops.wsgi:application"]
    web += ["--bind", f"{address.host}:{address.port}", "--worker-class", "gthread"]
    web += ["--workers", "2", "--threads", "4", "--timeout", "60", "--graceful-timeout", "10"]
    web += ["--max-requests", "5000", "--max-requests-jitter", "500", "--no-control-socket"]
    web += ["--preload"]  # Django is imported once for both workers, so the page is there sooner
    web += ["--access-logfile", os.fspath(places.log / "web.log")]
    web += ["--access-logformat", ACCESS_FORMAT]
    if os.access("/dev/shm", os.W_OK):  # noqa: S108 - the heartbeat file must not wait for a disk
        web += ["--worker-tmp-dir", "/dev/shm"]  # noqa: S108

    def child(name: str, role: str, command: list[str]) -> Child:
        return Child(name, command, places.log / f"{name}.log", {"POVERTYOPS_ROLE": role})

    def queue(name: str, queues: str, processes: int) -> Child:
        unique = f"{name}-{os.getpid()}@%h"
        own = ["--queues", queues, "--concurrency", str(processes), "--hostname", unique]
        return child(name, "worker", [*worker, *own])

    return [
        child("web", "web", web),
        queue("worker-fast", "interactive,metrics", 2),
        queue("worker-heavy", "imports,exports", 1),
        child("beat", "beat", [*celery, "beat", "--loglevel", "WARNING", "--pidfile="]),
    ]


def static_fingerprint(project: Path, environment: Mapping[str, str]) -> str:
    """Changes whenever `collectstatic` would have something new to collect."""
    digest = hashlib.sha256(environment.get("STATICFILES_STORAGE", "").encode())
    for package in sorted(f"{d.name}=={d.version}" for d in metadata.distributions()):
        digest.update(package.encode())
    for root in [project / "static", *sorted(project.glob("*/static"))]:
        for file in sorted(path for path in root.rglob("*") if path.is_file()):
            digest.update(os.fsencode(file.relative_to(project)))
            digest.update(file.read_bytes())
    return digest.hexdigest()


def _collect_static(supervisor: Supervisor, places: Places, environment: Mapping[str, str]) -> None:
    stamp = places.var / "static.stamp"
    wanted = static_fingerprint(places.project, environment)
    manifest = places.var / "static" / "staticfiles.json"
    if manifest.exists() and stamp.exists() and stamp.read_text(encoding="ascii") == wanted:
        return
    supervisor.step(Step("整理静态文件", manage("collectstatic", "--noinput", "--verbosity=0")))
    stamp.write_text(wanted, encoding="ascii")


def prepare(supervisor: Supervisor, places: Places, environment: Mapping[str, str]) -> str:
    """Everything between the servers and the children; the demo logins to show, or nothing.

    Raises EmbeddedError when a step fails, Stopped when the operator has had enough.
    """
    patient = {"DB_STATEMENT_TIMEOUT_MS": "0", "PYTHONUNBUFFERED": "1"}
    demo = environment.get("DEMO", "1").lower() in TRUE_WORDS
    supervisor.step(Step("更新数据库结构", manage("migrate", "--noinput")), patient)
    if demo:
        supervisor.step(Step("检查演示城市", manage("make_demo", "--if-empty"), "show"), patient)
    _collect_static(supervisor, places, environment)
    if not demo:
        return ""
    logins = supervisor.step(Step("准备演示账号", manage("demo_logins"), "keep"), patient)
    supervisor.step(Step("准备演示待办", manage("demo_work")), patient)
    # Each is one transaction and does nothing where it is done: a stop meanwhile costs only time.
    supervisor.put_off([Step(name, manage(command)) for name, command in LATER], patient)
    return logins


def supervise(
    servers: Servers, places: Places, address: Address, environment: Mapping[str, str], begun: float
) -> int:
    """Prepare and run the product on servers that answer; the exit code for the shell."""
    supervisor = Supervisor(
        children(places, address), var=places.var, cwd=PROJECT, servers=servers, say=say
    )
    supervisor.listen()
    supervisor.clear_orphans()
    if servers.wanted:
        say(f"数据库和消息服务就绪，用时 {time.monotonic() - begun:.1f} 秒")

    def announce() -> None:
        say(f"\n平台已启动，共用时 {time.monotonic() - begun:.1f} 秒")
        say(f"　　地址：{address.url}")
        if logins.strip():
            say(f"　　演示账号（另存于 {places.var / 'demo_logins.txt'}）：")
            say("\n".join(f"　　　　{line}" for line in logins.strip().splitlines()))
        if logins.strip():
            say("　　演示项目、资金、贷款和评估正在后台准备，几分钟内出现。")
        say(f"　　日志：{places.log}")
        say("　　按 Ctrl-C 停止。")

    try:
        logins = prepare(supervisor, places, environment)
        say("启动网站和后台任务……")
        return supervisor.run(address.healthy, announce)
    except Stopped:
        return 0


def be_the_only_one(places: Places) -> None:
    """Hold, until this process ends, the lock that admits one supervisor per var directory.

    Raises EmbeddedError when there is one already.
    """
    places.make_var()
    if try_exclusive(places.run / "supervisor.lock") is None:
        raise EmbeddedError(
            f"{places.var} 已有一个 script/server 在运行。请先在它的终端按 Ctrl-C，"
            "或用 POVERTYOPS_VAR 和 PORT 另起一套。"
        )


def main() -> int:
    """Run until stopped; 0 after an ordinary stop, 1 when something stands in the way."""
    begun = time.monotonic()
    leave_properly_when_terminated()
    read_dotenv()
    os.environ.setdefault("STATICFILES_STORAGE", QUICK_STATIC)
    places = Places(var_directory(os.environ))
    try:
        address = Address(os.environ)
        be_the_only_one(places)
        address.require_free()
        say("启动数据库和消息服务……")
        with embedded_servers() as servers:
            code = supervise(servers, places, address, os.environ, begun)
            if servers.wanted:
                say("正在停止数据库和消息服务……")
        say("已停止。")
    except EmbeddedError as error:
        say(f"不能启动：{error}")
        return 1
    except KeyboardInterrupt:
        say("已停止。")
        return 0
    return code


if __name__ == "__main__":
    sys.exit(main())
