"""The file of failpoints that a rig's processes look at, and what they wrote down beside it."""

import contextlib
import fcntl
import time
from collections.abc import Iterator
from pathlib import Path


class Points:
    """Lines to be used up, and the deeds that came of them. Outside the rig's small file system."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "points"
        self.passed = folder / "points.passed"
        self.passed.touch()
        self._read_to = 0
        self._deeds: list[tuple[float, int, str, str]] = []
        # Every failpoint that any process passed so far, and who began a job when.
        self.reached: set[str] = set()
        self._begun: list[tuple[float, int]] = []

    def arm(self, *lines: str) -> None:
        """Add lines to what the product's processes look at."""
        with self._held():
            text = self.path.read_text(encoding="ascii") if self.path.exists() else ""
            self.path.write_text(text + "".join(f"{line}\n" for line in lines), encoding="ascii")

    def disarm(self, *lines: str) -> bool:
        """Take lines out again; whether one of them was still there."""
        with self._held():
            text = self.path.read_text(encoding="ascii") if self.path.exists() else ""
            kept = [line for line in text.splitlines() if line not in lines]
            self.path.write_text("".join(f"{line}\n" for line in kept), encoding="ascii")
            return len(kept) != len(text.splitlines())

    @contextlib.contextmanager
    def _held(self) -> Iterator[None]:
        with self.passed.open("a", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def fired(self, place: str, action: str, since: float) -> float | None:
        """When that was done at that place, by our monotonic clock; each deed is reported once."""
        found = self.fired_by(place, action, since)
        return None if found is None else time.monotonic() - (time.time() - found[0])

    def fired_by(self, place: str, action: str, since: float) -> tuple[float, int] | None:
        """The same as wall clock and process id; `since` is by the wall clock too."""
        self._read_news()
        for deed in self._deeds:
            if deed[2:] == (place, action) and deed[0] >= since:
                self._deeds.remove(deed)
                return deed[:2]
        return None

    def busy_since(self, moment: float, pids: set[int]) -> int | None:
        """Which of these processes began a job after a moment of the wall clock."""
        self._read_news()
        return next((pid for at, pid in reversed(self._begun) if at > moment and pid in pids), None)

    def _read_news(self) -> None:
        with self.passed.open("rb") as file:
            file.seek(self._read_to)
            text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._read_to += len(whole)
        for line in whole.decode("ascii").splitlines():
            at, pid, place, action = line.split(" ")
            self.reached.add(place)
            if place == "core.job.held":
                self._begun.append((float(at), int(pid)))
            if action:
                self._deeds.append((float(at), int(pid), place, action))
