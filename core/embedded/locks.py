"""Who uses the servers: a count kept by the kernel, which no crash can leave wrong.

Each process that uses the servers holds a shared lock on one file. Whoever starts or stops a server
holds an exclusive lock on another. A process that dies, however it dies, loses its locks with it.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from core.embedded.places import EmbeddedError, share_owner

PATIENCE_SECONDS = 360.0
REMARK_AFTER_SECONDS = 3.0


def _open(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    share_owner(path)
    return descriptor


def try_exclusive(path: Path) -> int | None:
    """Lock the file for ourselves alone; the descriptor that holds it, or None if it is taken."""
    descriptor = _open(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


class Users:
    """The processes that share the servers of one var directory."""

    def __init__(self, run: Path, note: Callable[[str], None]) -> None:
        self._users = run / "users.lock"
        self._change = run / "change.lock"
        self._note = note
        self._held: int | None = None
        self._pid = 0

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Alone in starting and stopping. Raises EmbeddedError after waiting six minutes."""
        begun = time.monotonic()
        remarked = False
        while (descriptor := try_exclusive(self._change)) is None:
            waited = time.monotonic() - begun
            if waited > PATIENCE_SECONDS:
                raise EmbeddedError("等待另一个进程启动或停止内置服务超时。")
            if waited > REMARK_AFTER_SECONDS and not remarked:
                self._note("另一个进程正在启动或停止内置服务，请稍候……")
                remarked = True
            time.sleep(0.05)
        try:
            yield
        finally:
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)

    def join(self) -> None:
        """Be counted as a user. Call inside `changing`."""
        self._held = _open(self._users)
        self._pid = os.getpid()
        fcntl.flock(self._held, fcntl.LOCK_SH)

    @property
    def joined(self) -> bool:
        """Whether this very process is counted; a fork of it is not."""
        return self._held is not None and self._pid == os.getpid()

    def alone(self) -> bool:
        """Whether nobody else uses the servers. Call inside `changing`, only when leaving."""
        if self._held is None:
            return False
        try:
            fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def leave(self) -> None:
        """Stop being counted."""
        if self._held is None:
            return
        # A forked child may hold the same open file; closing alone would leave its lock.
        fcntl.flock(self._held, fcntl.LOCK_UN)
        os.close(self._held)
        self._held = None
