"""The parsing child takes away from itself what it does not need, before it opens the file.

Memory, processor time, files and their size are limited on every system. The network is taken away by
a network namespace of its own, where the kernel lets it (as root, or with unprivileged user
namespaces); in a container that forbids both, the container's own network rules are what is left. The
child has no address and no secret to use it with: it is started with an empty environment.
"""

import contextlib
import ctypes
import os
import resource
import signal

from core.workbooks import limits

_NEW_USER, _NEW_NETWORK = 0x1000_0000, 0x4000_0000
_DIE_WITH_PARENT, _DUMPABLE, _NO_NEW_PRIVILEGES = 1, 4, 38


def confine() -> None:
    """Limit this process for good. What cannot be limited here is left as it is."""
    _by_kernel()
    for what, soft, hard in (
        (resource.RLIMIT_AS, limits.PARSER_MEMORY, limits.PARSER_MEMORY),
        (resource.RLIMIT_CPU, limits.PARSER_CPU_SECONDS, limits.PARSER_CPU_SECONDS + 5),
        (resource.RLIMIT_NOFILE, limits.PARSER_FILES, limits.PARSER_FILES),
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_FSIZE, 0, 0),
        # Bars new processes and threads, except to root.
        (resource.RLIMIT_NPROC, 0, 0),
    ):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(what, (soft, hard))


def _by_kernel() -> None:
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        # A killed worker leaves no parser behind that works on for nobody.
        libc.prctl(_DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
        libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        libc.prctl(_DUMPABLE, 0, 0, 0, 0)
        libc.unshare(_NEW_NETWORK if os.geteuid() == 0 else _NEW_USER | _NEW_NETWORK)
    except (OSError, AttributeError):
        return
