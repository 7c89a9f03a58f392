"""Whether a worker still works: the probe is work itself, a message that a child of its pool did.

A worker can live and consume nothing: its broker said something it does not expect, it shuts down,
waits for its pool, and the pool waits for it. Such a worker answers no `ping` either, but nobody
asks. So beat sends a pulse to every queue; whichever child does it, or keeps the lease of a job,
signs a word of memory that it shares with its parent; and a thread of the parent ends the whole
worker when nobody has signed for too long. Whoever started the worker starts it again; its jobs come
back by their leases.
"""

import logging
import mmap
import os
import struct
import threading
import time
from typing import Any

import psutil
from celery import signals
from django.conf import settings

logger = logging.getLogger(__name__)

EXIT_CODE = 70
_LOOK_EVERY = 1.0
_WORD = struct.Struct("d")
# Shared with the children, who are forked after this module was imported.
_signed = mmap.mmap(-1, _WORD.size)


def sign() -> None:
    """Somebody works. The clock is the machine's, the same in every process, and stands in sleep."""
    _signed[:] = _WORD.pack(time.monotonic())


def silent_seconds() -> float:
    """Since somebody signed."""
    return float(time.monotonic() - _WORD.unpack(_signed[:])[0])


@signals.worker_init.connect
def _watch(**_: Any) -> None:
    if settings.WORKER_SILENCE_SECONDS <= 0:
        return
    sign()
    threading.Thread(target=_end_when_silent, name="pulse", daemon=True).start()


def _end_when_silent() -> None:
    while (silent := silent_seconds()) <= settings.WORKER_SILENCE_SECONDS:
        time.sleep(_LOOK_EVERY)
    logger.critical("nobody worked for %.0f s, this worker ends itself", silent)
    # Children that wait for us would wait for ever.
    for child in psutil.Process().children(recursive=True):
        try:
            child.kill()
        except psutil.NoSuchProcess:
            continue
    os._exit(EXIT_CODE)
