"""Server processes: start them on their own feet, find them again, end them."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psutil

from core.embedded.places import Account, EmbeddedError, share_owner

LARGEST_LOG_BYTES = 20 * 1024 * 1024
SERVER_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C.UTF-8"}


def open_log(path: Path) -> int:
    """A descriptor that appends to the log; one that has grown past 20 MB is set aside first."""
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size > LARGEST_LOG_BYTES:
            path.replace(path.with_name(path.name + ".1"))
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    share_owner(path)
    return descriptor


def log_tail(path: Path, lines: int = 15) -> str:
    """The last lines of a log, or an empty string."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 16_384))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def start_detached(
    command: Sequence[str], *, account: Account | None, cwd: Path, log: Path
) -> psutil.Process:
    """Start a server in a session of its own, so that no terminal's Ctrl-C reaches it.

    It inherits nothing of ours but the log. Raises EmbeddedError when it cannot be executed.
    """
    descriptor = open_log(log)
    try:
        child = subprocess.Popen(  # noqa: S603
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=SERVER_ENVIRONMENT,
            start_new_session=True,
            close_fds=True,
            umask=0o077,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
    except OSError as error:
        raise EmbeddedError(f"不能执行 {command[0]}：{error}") from error
    finally:
        os.close(descriptor)
    process = psutil.Process(child.pid)
    # We look after the process by its id; without this Popen would complain when forgotten.
    child.returncode = 0
    return process


def run_tool(command: Sequence[str], *, account: Account | None, cwd: Path) -> None:
    """Run a tool of a server to its end. Raises EmbeddedError with the tool's words on failure."""
    done = subprocess.run(  # noqa: S603
        list(command),
        cwd=cwd,
        env=SERVER_ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        umask=0o077,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )
    if done.returncode:
        words = (done.stderr or done.stdout).strip()[-2000:]
        raise EmbeddedError(f"{Path(command[0]).name} 失败：{words}")


def alive(process: psutil.Process) -> bool:
    """Whether the process still runs; if it was our child and has ended, it is laid to rest."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(process.pid, os.WNOHANG)
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def working_in(name: str, directory: Path) -> Iterator[psutil.Process]:
    """All live processes of that program name whose working directory is the given one.

    Name and directory together cannot be mistaken for a stranger that was given a recycled id.
    """
    for process in psutil.process_iter():
        if _works_in(process, name, directory):
            yield process


def process_of(pid: int, name: str, directory: Path) -> psutil.Process | None:
    """The process with that id if it is the named program in that directory and alive."""
    try:
        process = psutil.Process(pid)
    except (psutil.Error, ValueError):
        return None
    return process if alive(process) and _works_in(process, name, directory) else None


def _works_in(process: psutil.Process, name: str, directory: Path) -> bool:
    try:
        return (
            process.name() == name
            and process.status() != psutil.STATUS_ZOMBIE
            and process.cwd() == os.fspath(directory.resolve())
        )
    except psutil.Error:
        return False


def wait_for(condition: Callable[[], bool], seconds: float, pause: float = 0.03) -> bool:
    """Poll until the condition holds; False when the time is up."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(pause)
    return True


def end(process: psutil.Process, number: signal.Signals, seconds: float) -> bool:
    """Send the signal and wait; True when the process is gone within the time."""
    with contextlib.suppress(psutil.Error):
        process.send_signal(number)
    return wait_for(lambda: not alive(process), seconds)


def kill_all(name: str, directory: Path) -> None:
    """SIGKILL for every process of that program in that directory, and wait for their end."""
    for process in list(working_in(name, directory)):
        end(process, signal.SIGKILL, 10)
