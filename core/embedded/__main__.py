"""`python -m core.embedded run COMMAND …`: a command with the embedded servers around it."""

import signal
import subprocess
import sys
from collections.abc import Sequence
from types import FrameType

from core.embedded import EmbeddedError, embedded_servers, read_dotenv


def run(command: Sequence[str]) -> int:
    """Run the command while the servers are up; its exit code, or 128 + signal as a shell says.

    Ctrl-C reaches the command from the terminal, so we only wait; SIGTERM and SIGHUP are passed on.
    """
    stop_early = False
    child: subprocess.Popen[bytes] | None = None

    def forward(number: int, _frame: FrameType | None) -> None:
        nonlocal stop_early
        stop_early = True
        if child is not None and number != signal.SIGINT:
            child.send_signal(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, forward)
    read_dotenv()
    with embedded_servers():
        if stop_early:
            return 128 + signal.SIGINT
        child = subprocess.Popen(list(command))  # noqa: S603
        if stop_early:  # the signal came while the command was being born, and nobody heard it
            child.terminate()
        code = child.wait()
    return code if code >= 0 else 128 - code


def main(arguments: Sequence[str]) -> int:
    """Entry point; 2 for a call it does not understand."""
    if len(arguments) < 2 or arguments[0] != "run":
        sys.stderr.write("用法：python -m core.embedded run 命令 [参数……]\n")
        return 2
    try:
        return run(arguments[1:])
    except (EmbeddedError, FileNotFoundError) as error:
        sys.stderr.write(f"不能运行：{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
