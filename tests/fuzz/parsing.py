"""A stand-in for a worker that parses thousands of files: one process, one forked child a file.

The guard runs in this process, as it runs in a worker's; a file that kills it ends the test. The parser
runs in a forked child that confines itself as the real one does, which starts twenty times faster.
Reads paths from its input, a line each, and answers each with a line of JSON: the code or "read",
whether a child died of it, and what must never be: an exception that is no refusal.
"""

import contextlib
import gc
import io
import json
import os
import resource
import select
import signal
import sys
from pathlib import Path

from core.workbooks import guard, limits, reader
from core.workbooks.confine import confine

SECONDS = 60
PARSER = 1


class _Talk(io.BytesIO):
    """What the child says; what it is told follows from that, as it does in the product."""

    def readline(self, *_: object) -> bytes:
        hello = json.loads(self.getvalue())
        columns = [
            {"index": at, "name": f"c{at}", "kind": kind, "options": {}}
            for at, kind in zip(
                range(len(hello["head"][0])), ["text", "identifier", "day"] * 99, strict=False
            )
        ]
        return json.dumps({"header_row": 0, "columns": columns}).encode()


def judge(path: Path) -> dict[str, object]:
    try:
        file_format = guard.tell_format(path)
        path = path.rename(path.with_suffix(f".{file_format}"))
        guard.inspect(path, file_format)
        if file_format == guard.XLSX:
            guard.inspect_xml(path)
    except guard.RefusedError as refusal:
        return {"code": refusal.code}
    except Exception as error:
        return {"code": "", "uncaught": repr(error)}
    finally:
        memory = _most_memory()
        assert memory < 400 * 1024, memory
    return _parse(path, file_format)


def _most_memory() -> int:
    """KiB that this program held at most; `ru_maxrss` counts whoever started it as well."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


def _parse(path: Path, file_format: str) -> dict[str, object]:
    hearing, saying = os.pipe()
    child = os.fork()
    if not child:
        os.close(hearing)
        _be_child(path, file_format, saying)
    os.close(saying)
    late = not select.select([hearing], [], [], SECONDS)[0]
    if late:
        os.kill(child, signal.SIGKILL)
    said = os.read(hearing, 100).decode()
    os.close(hearing)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    death = late or status < 0 or status == limits.OUT_OF_MEMORY
    return {"code": said if status == 0 else "parser", "death": death, "late": late}


def _be_child(path: Path, file_format: str, saying: int) -> None:
    status = PARSER
    with contextlib.suppress(BaseException):
        confine()
        gc.disable()
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        status = _read(path, file_format, saying)
    os._exit(status)


def _read(path: Path, file_format: str, saying: int) -> int:
    talk = _Talk()
    said = b"read"
    try:
        reader.serve(path, file_format, talk, talk)
    except guard.RefusedError as refusal:
        said = refusal.code.encode()
    except MemoryError:
        return limits.OUT_OF_MEMORY
    os.write(saying, said)
    return 0


if __name__ == "__main__":
    import python_calamine  # noqa: F401 - loaded once, for all children

    for line in sys.stdin:
        answer = judge(Path(line.strip()))
        answer["memory"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
