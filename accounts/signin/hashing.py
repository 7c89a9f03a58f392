"""Password hashing with a turnstile: a hash is worth a core, so no more run at once than there are.

Whoever posts passwords by the hundred would otherwise keep every core of the machine busy. The slots
are file locks, shared by all processes of the machine and given back by the kernel when one dies.
"""

import fcntl
import hashlib
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, wraps
from pathlib import Path
from typing import Any, TypeVar

from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse

from core.limits import too_many

View = TypeVar("View", bound=Callable[..., Any])

# Seconds between two looks for a free slot.
GLANCE = 0.02


class TooBusyError(Exception):
    """Every slot is taken and the queue is full, or waiting took too long."""


class Slots:
    """So many holders at once on this machine; of each process so many may wait, for so long."""

    def __init__(self, folder: Path, slots: int, queue: int, patience: float) -> None:
        self._files = [folder / f"slot-{number}" for number in range(slots)]
        self._patience = patience
        self._door = threading.BoundedSemaphore(slots + queue)

    @contextmanager
    def one(self) -> Iterator[None]:
        """Hold a slot. Raises TooBusyError at once when the queue is full, or after the patience."""
        if not self._door.acquire(blocking=False):
            raise TooBusyError
        try:
            held = self._wait()
            try:
                yield
            finally:
                os.close(held)
        finally:
            self._door.release()

    def _wait(self) -> int:
        deadline = time.monotonic() + self._patience
        while True:
            for path in self._files:
                held = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
                try:
                    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    os.close(held)
                else:
                    return held
            if time.monotonic() > deadline:
                raise TooBusyError
            time.sleep(GLANCE)


@cache
def slots() -> Slots:
    """The slots of this machine: one per core unless the settings say otherwise."""
    count = settings.HASH_SLOTS or len(os.sched_getaffinity(0))
    return Slots(_folder(), count, settings.HASH_QUEUE, settings.HASH_PATIENCE_SECONDS)


def _folder() -> Path:
    """A folder of our own in the machine's temporary place; the var directory may be read-only.

    Raises ImproperlyConfigured when somebody else owns it.
    """
    mark = hashlib.sha256(os.fsencode(settings.VAR_DIR)).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"povertyops-{os.getuid()}-{mark}"
    folder.mkdir(mode=0o700, exist_ok=True)
    owner = folder.lstat()
    if owner.st_uid != os.getuid() or folder.is_symlink():
        raise ImproperlyConfigured(f"目录 {folder} 不属于本程序的用户。")
    return folder


class TurnstileArgon2Hasher(Argon2PasswordHasher):
    """Django's argon2, each computation behind the turnstile."""

    def encode(self, password: str, salt: str) -> str:
        with slots().one():
            return str(super().encode(password, salt))

    def verify(self, password: str, encoded: str) -> bool:
        with slots().one():
            return bool(super().verify(password, encoded))


def answers_when_busy(view: View) -> View:
    """A view that hashes passwords: 429 and a word of explanation when no slot was to be had."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except TooBusyError:
            return too_many(request, 5)

    return guarded  # type: ignore[return-value]
