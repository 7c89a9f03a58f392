"""The parsing child as its parent sees it: started with nothing, talked to, never waited for in vain.

`reading` is the only way a file from outside is parsed. It looks the file through, starts the child,
and ends it whatever happens. How the child ends decides what the file is:

* it ends by itself: what it printed is the file;
* it names a refusal: the file is refused with that code;
* it dies by a signal, of processor time or by the clock: refused as "parser", and
  `RefusedError.is_death` is set so that the caller counts it;
* it runs out of memory: the same, but of a workbook that was looked through and is within all limits:
  that one is as large as it says and nobody's attack, refused as "memory" and not counted.
"""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import IO, Any

from core.workbooks import guard, limits
from core.workbooks.refusal import WORDS, RefusedError, refused

# Starts a line that names a refusal instead of announcing a block.
REFUSAL = b"!"
_ROOT = Path(__file__).resolve().parents[2]
# Below this the look through the XML takes a tenth of a second and is had before the child starts.
_SMALL = 4 * 1024 * 1024
# The parser aborts where it is given no memory, the interpreter tells.
_OUT_OF_MEMORY = (-signal.SIGABRT, limits.OUT_OF_MEMORY)
# Between the end of what a dying child says and its death.
_LAST_BREATH = 5


class Child:
    """One child on one file."""

    def __init__(self, path: Path, file_format: str, seconds: float) -> None:
        self.is_late = False
        # An empty environment: the keys and passwords of the service are in ours.
        self.process = subprocess.Popen(  # noqa: S603 - our own interpreter, module and path
            [
                sys.executable,
                "-s",
                "-m",
                "core.workbooks.reader",
                str(path.absolute()),
                file_format,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=_ROOT,
            env={"LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"},
        )
        assert self.process.stdin is not None  # noqa: S101 - both are pipes, see above
        assert self.process.stdout is not None  # noqa: S101
        self.stdin: IO[bytes] = self.process.stdin
        self.stdout: IO[bytes] = self.process.stdout
        self.clock = threading.Timer(seconds, self._expire)
        self.clock.daemon = True
        self.clock.start()

    def _expire(self) -> None:
        self.is_late = True
        self.process.kill()

    def hello(self) -> dict[str, Any]:
        """What the child found: format, sheet, first rows. Raises RefusedError when it refuses."""
        line = self.stdout.readline()
        if not line:
            raise self.death()
        refuse_named(line)
        hello: dict[str, Any] = json.loads(line)
        return hello

    def tell(self, spec: dict[str, Any]) -> None:
        """Say where the head is and how each column reads; the blocks follow on `stdout`."""
        try:
            self.stdin.write(json.dumps(spec).encode() + b"\n")
            self.stdin.flush()
        except BrokenPipeError:
            raise self.death() from None

    def finish(self) -> None:
        """The output has ended: raises RefusedError unless the child ended well."""
        if self.process.wait() != 0:
            raise self.death()

    def death(self) -> RefusedError:
        """How the child ended, as a refusal."""
        code = self.process.wait()
        return refused("parser", is_death=code < 0 or code == limits.OUT_OF_MEMORY or self.is_late)

    def ended(self) -> int | None:
        """What a child that fell silent ended with, None where it lives on."""
        try:
            return self.process.wait(_LAST_BREATH)
        except subprocess.TimeoutExpired:
            return None

    def close(self) -> None:
        self.clock.cancel()
        self.process.kill()
        self.process.wait()
        for pipe in (self.stdin, self.stdout):
            try:
                pipe.close()
            except BrokenPipeError:
                # What was still to be written to a dead child.
                continue


def refuse_named(line: bytes) -> None:
    """Raise the refusal that a line of the child's names, if it names one: `!code limit row`."""
    if not line.startswith(REFUSAL):
        return
    code, limit, row = line[1:].decode("ascii", "replace").split()
    if code not in WORDS:
        raise refused("parser")
    raise refused(code, limit=int(limit), row=int(row))


class _Watch:
    """Looks through a large archive beside the child, and kills it when the file is refused."""

    def __init__(self, path: Path, child: Child) -> None:
        self.path, self.child = path, child
        self.refusal: RefusedError | None = None
        self.end = monotonic() + limits.PARSER_SECONDS
        self.thread = threading.Thread(target=self._look, daemon=True)
        self.thread.start()

    def _look(self) -> None:
        try:
            guard.inspect_xml(self.path, alive=self._alive)
        except RefusedError as refusal:
            self.refusal = refusal
            self.child.process.kill()

    def _alive(self) -> None:
        if monotonic() > self.end:
            raise refused("slow")

    def verdict(self) -> None:
        self.thread.join()
        if self.refusal:
            raise self.refusal from None


@contextmanager
def reading(
    path: Path, file_format: str, seconds: float = limits.PARSER_SECONDS
) -> Iterator[Child]:
    """A child that parses the file, killed at the end of the block. Raises RefusedError.

    A refusal of the guard comes before any other end: what else went wrong follows from the file,
    and a file that the guard refuses is not to be asked about either.
    """
    guard.inspect(path, file_format)
    is_large = file_format == guard.XLSX and guard.unpacked_size(path) > _SMALL
    if file_format == guard.XLSX and not is_large:
        guard.inspect_xml(path)
    child = Child(path, file_format, seconds)
    watch = _Watch(path, child) if is_large else None
    try:
        yield child
    except Exception as error:
        # Cut short in a block, it was no more than misunderstood: how it ended says what it was.
        is_broken = isinstance(error, RefusedError) and error.code == "parser"
        code = child.ended() if is_broken else None
        child.process.kill()
        if watch:
            watch.verdict()
        if code in _OUT_OF_MEMORY and file_format == guard.XLSX:
            raise refused("memory") from error
        if code:
            raise child.death() from error
        raise
    finally:
        child.close()
    if watch:
        watch.verdict()
