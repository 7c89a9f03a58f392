"""Places between two writes where a test may make a process die, stand still or fail.

`failpoint("imports.apply.written")` does nothing unless the setting FAILPOINTS names that place:

    FAILPOINTS=imports.apply.written=exit;core.job.claimed=pause:2
    FAILPOINTS=@/path/of/a/file

Actions: `exit` (end at once, as when memory ran out), `kill` (SIGKILL for this process),
`pause:<seconds>`, `error` (FailpointError). The first form is parsed once per process and acts every
time. The second is for drivers that change their mind while the processes run: the file holds one
`place=action` per line, is asked at every call, and each line acts once, whichever process comes
first; places that were passed are written beside it.

Only a demo city that also sets FAILPOINTS_ALLOWED=1 can have any; elsewhere processes refuse to
start with FAILPOINTS set, and nothing is ever armed. Switched off, a call is one look into an empty
dictionary.
"""

import fcntl
import os
import signal
import time
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

# Every place there is; `tests/faults` shows that each is really passed.
PLACES = (
    "imports.receive.stored",
    "imports.receive.made",
    "imports.stage.begun",
    "imports.stage.reading",
    "imports.stage.copied",
    "imports.stage.placed",
    "imports.stage.judged",
    "imports.stage.enclosed",
    "imports.stage.committed",
    "imports.stage.problems",
    "imports.stage.saved",
    "imports.apply.begun",
    "imports.apply.locked",
    "imports.apply.households",
    "imports.apply.household_years",
    "imports.apply.persons",
    "imports.apply.person_years",
    "imports.apply.touched",
    "imports.apply.ledger",
    "imports.apply.dropped",
    "imports.apply.saved",
    "imports.undo.begun",
    "imports.undo.taken",
    "imports.undo.booked",
    "imports.undo.saved",
    "exits.recompute.begun",
    "exits.recompute.marks",
    "exits.recompute.computed",
    "exits.recompute.stored",
    "exits.recompute.judged",
    "exits.recompute.county",
    "exits.recompute.city",
    "inspections.estimate.marks",
    "inspections.estimate.stored",
    "inspections.estimate.published",
    "core.job.asked",
    "core.job.hinted",
    "core.job.claimed",
    "core.job.held",
    "core.job.effect",
    "core.job.finished",
    "core.job.committed",
    "core.job.released",
    "core.sweep.swept",
    "core.sweep.hinted",
)
ACTIONS = ("exit", "kill", "error", "pause")
# What a shell reports of a process that was ended by signal 9.
EXIT_CODE = 137


class FailpointError(RuntimeError):
    """Raised by the action `error`: something nobody expected."""


def failpoint(place: str) -> None:
    """Do at this place what was asked for, usually nothing."""
    armed = _armed if _armed is not None else _arm()
    action = armed.get(place)
    if action is not None:
        _act(place, action)


def problem() -> str:
    """Why this process must not run with its FAILPOINTS, or an empty string."""
    if settings.FAILPOINTS and not _is_allowed():
        return (
            "FAILPOINTS 会让进程在写入中途停下，只能用于演示数据的故障试验"
            "（DEMO=1 且 FAILPOINTS_ALLOWED=1），请去掉。"
        )
    return ""


def require_harmless() -> None:
    """Not only a system check: the web server runs none. Raises ImproperlyConfigured."""
    if text := problem():
        raise ImproperlyConfigured(text)


def parse(text: str) -> dict[str, str]:
    """`place=action;…` as a dictionary. Raises ImproperlyConfigured for a slip of the pen.

    >>> parse("core.job.claimed=pause:0.5; exits.recompute.city=exit")
    {'core.job.claimed': 'pause:0.5', 'exits.recompute.city': 'exit'}
    """
    found: dict[str, str] = {}
    for part in filter(None, (one.strip() for one in text.replace("\n", ";").split(";"))):
        place, _, action = part.partition("=")
        if place not in PLACES or action.partition(":")[0] not in ACTIONS:
            raise ImproperlyConfigured(f"FAILPOINTS：不认识 {part}")
        found[place] = action
    return found


def forget() -> None:
    """Parse anew at the next call; for tests that change the settings."""
    global _armed  # noqa: PLW0603
    _armed = None


def _is_allowed() -> bool:
    return bool(settings.DEMO and settings.FAILPOINTS_ALLOWED)


def _arm() -> dict[str, str]:
    global _armed  # noqa: PLW0603 - once per process
    text = settings.FAILPOINTS if _is_allowed() else ""
    _armed = _FileOfPoints(Path(text[1:])) if text.startswith("@") else parse(text)
    return _armed


def _act(place: str, action: str) -> None:
    name, _, seconds = action.partition(":")
    if name == "exit":
        os._exit(EXIT_CODE)
    if name == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if name == "pause":
        time.sleep(float(seconds))
    if name == "error":
        raise FailpointError(place)


class _FileOfPoints(dict[str, str]):
    """A dictionary whose truth is a file: asking for a place takes its line out."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._passed = path.with_name(f"{path.name}.passed")

    def get(self, place: str, default: str | None = None) -> str | None:  # type: ignore[override]
        with self._passed.open("a", encoding="ascii") as passed:
            # Also the lock: two processes must not both take the line.
            fcntl.flock(passed, fcntl.LOCK_EX)
            action = self._take(place)
            passed.write(f"{time.time():.3f} {os.getpid()} {place} {action or ''}\n")
        return action or default

    def _take(self, place: str) -> str | None:
        try:
            lines = self._path.read_text(encoding="ascii").splitlines()
        except FileNotFoundError:
            return None
        for number, line in enumerate(lines):
            if line.partition("=")[0] == place:
                rest = lines[:number] + lines[number + 1 :]
                self._path.write_text("".join(f"{one}\n" for one in rest), encoding="ascii")
                return parse(line)[place]
        return None


_armed: dict[str, str] | None = None
