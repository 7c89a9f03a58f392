"""PostgreSQL and Redis from the package index, for whoever has none of their own.

A process that names DATABASE_URL and REDIS_URL never sees this package at work. Any other starts
the servers or joins those that run for the same var directory. Imported before Django is
configured, so nothing here reads Django's settings.
"""

import os
import secrets
import signal
import sys
import threading
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from core.embedded.places import PROJECT, EmbeddedError, Places, share_owner, var_directory
from core.embedded.servers import Servers

__all__ = [
    "EmbeddedError",
    "Servers",
    "embedded_servers",
    "leave_properly_when_terminated",
    "read_dotenv",
    "servers_for_this_process",
]

SECRET_KEY_BYTES = 48
_PROVIDED = ("DATABASE_URL", "WEB_DATABASE_URL", "WORKER_DATABASE_URL", "REDIS_URL", "PATH")
TALK_ONLY = {"help", "version", "--help", "-h", "--version"}


def read_dotenv(project: Path = PROJECT) -> None:
    """Take variables from the project's .env file, as the settings do; the environment wins."""
    file = project / ".env"
    if file.exists():
        import environ

        environ.Env.read_env(os.fspath(file))


def secret_key(var: Path) -> str:
    """The signing key of this installation; made at first use, readable by its owner only.

    Raises EmbeddedError when the file belongs to another account.
    """
    file = var / "secret_key"
    _make_once(file, lambda: secrets.token_urlsafe(SECRET_KEY_BYTES))
    try:
        return file.read_text(encoding="ascii").strip()
    except PermissionError as error:
        raise EmbeddedError(f"不能读取 {file}，它属于另一个账号。") from error


def field_keys(var: Path) -> Path:
    """The file of the keys that seal personal data; made at first use, for its owner only.

    Raises EmbeddedError when the file belongs to another account.
    """
    from core.vault import new_ring

    file = var / "field_keys"
    _make_once(file, lambda: new_ring().written())
    return file


def _make_once(file: Path, text: Callable[[], str]) -> None:
    try:
        if not file.exists():
            draft = file.with_name(f"{file.name}.{os.getpid()}")
            draft.touch(mode=0o600)
            draft.write_text(text(), encoding="ascii")
            share_owner(draft)
            try:
                os.link(draft, file)  # two first starts at once: the first link wins
            except FileExistsError:
                pass
            finally:
                draft.unlink()
    except PermissionError as error:
        raise EmbeddedError(f"不能读取 {file}，它属于另一个账号。") from error


def _note(message: str) -> None:
    """To the error stream: the output of a command may be read by a program."""
    print(message, file=sys.stderr, flush=True)  # noqa: T201


@contextmanager
def embedded_servers(
    environment: MutableMapping[str, str] = os.environ, project: Path = PROJECT
) -> Iterator[Servers]:
    """Provide SECRET_KEY, DATABASE_URL, REDIS_URL and the field keys where the environment lacks them.

    Starts or joins the embedded servers for the missing ones and leaves them at the end. Raises
    EmbeddedError.
    """
    places = Places(var_directory(environment, project), project)
    if not environment.get("SECRET_KEY"):
        places.make_var()
        environment["SECRET_KEY"] = secret_key(places.var)
    if not environment.get("DATABASE_URL") and not (
        environment.get("FIELD_KEYS") or environment.get("FIELD_KEYS_FILE")
    ):
        # Beside the cluster whose rows they open; a database of one's own wants keys of one's own.
        places.make_var()
        environment["FIELD_KEYS_FILE"] = os.fspath(field_keys(places.var))
    servers = Servers(
        places,
        postgres=not environment.get("DATABASE_URL"),
        redis=not environment.get("REDIS_URL"),
        note=_note,
    )
    before = dict(environment)
    servers.join()
    try:
        if not environment.get("DATABASE_URL"):
            environment["DATABASE_URL"] = servers.postgres.url
            for process in ("web", "worker"):
                environment[f"{process.upper()}_DATABASE_URL"] = servers.postgres.url_of(
                    f"povertyops_{process}"
                )
            # For `dbshell`; a psql of the machine's own comes first.
            path = environment.get("PATH", os.defpath)
            environment["PATH"] = f"{path}:{places.postgres_bin}"
        if not environment.get("REDIS_URL"):
            environment["REDIS_URL"] = servers.redis.url
        yield servers
    finally:
        servers.leave()
        for name in _PROVIDED:
            environment.pop(name, None)
            if name in before:
                environment[name] = before[name]


@contextmanager
def servers_for_this_process(argv: Sequence[str] | None = None) -> Iterator[None]:
    """Around a management command: its servers are there while it runs.

    A command that only talks about itself gets valid settings and no servers. A server that cannot
    be had ends the process with a message and code 1.
    """
    words = list(sys.argv if argv is None else argv)[1:]
    read_dotenv()
    if not words or words[0] in TALK_ONLY or {"--help", "-h"} & set(words):
        stand_ins = {
            "SECRET_KEY": secrets.token_urlsafe(SECRET_KEY_BYTES),
            "DATABASE_URL": "postgres://povertyops@localhost/povertyops",
            "REDIS_URL": "redis://localhost:6379/0",
        }
        os.environ.update({k: v for k, v in stand_ins.items() if not os.environ.get(k)})
        yield
        return
    leave_properly_when_terminated()
    with _explained(), embedded_servers():
        yield


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except EmbeddedError as error:
        sys.exit(f"内置服务不可用：{error}")


def leave_properly_when_terminated() -> None:
    """Turn SIGTERM and a closed terminal into an ordinary exit, so that the last user stops
    the servers. A command that installs its own handlers keeps them."""
    if threading.current_thread() is not threading.main_thread():
        return

    def leave(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, leave)
