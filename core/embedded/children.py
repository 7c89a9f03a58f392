"""A small foreground supervisor: steps in order, then children that are kept alive, then chores.

It knows nothing of the product; `core.embedded.supervisor` says what to run.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO

import psutil

from core.embedded.places import EmbeddedError
from core.embedded.process import log_tail, open_log, wait_for
from core.embedded.servers import Servers

MARK = "POVERTYOPS_SUPERVISED"
PR_SET_PDEATHSIG = 1
TICK_SECONDS = 0.1
# How much chores stand back behind whatever people wait for (nice).
CHORE_NICENESS = 10
SERVER_CHECK_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 8.0


class Stopped(Exception):  # noqa: N818 - somebody asked for it, nothing failed
    """The operator asked to stop while something was still under way."""


@dataclass(frozen=True, slots=True)
class Step:
    """One command that must succeed before the next begins.

    `output` is "log" (into the start log), "show" (on the console as it comes) or "keep" (returned).
    """

    name: str
    command: Sequence[str]
    output: str = "log"


@dataclass(frozen=True, slots=True)
class Child:
    """One process to keep alive; what it prints goes to its log."""

    name: str
    command: Sequence[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)


class _Watched:
    """A child together with its fate so far."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.process: subprocess.Popen[bytes] | None = None
        self.deaths: deque[float] = deque()
        self.start_at = 0.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How long things may take, in seconds, and how often a child may die within `window`.

    `server` is how long a server that cannot be started is tried again: a full disk takes a person
    to clear, and nothing is gained by ending the rest.
    """

    deaths: int = 5
    window: float = 60.0
    first_pause: float = 0.5
    grace: float = 15.0
    ready: float = 90.0
    server: float = 3600.0


class Supervisor:
    """Runs steps and children of one var directory, and looks after the servers meanwhile."""

    def __init__(
        self,
        children: Sequence[Child],
        *,
        var: Path,
        cwd: Path,
        servers: Servers | None = None,
        patience: Patience | None = None,
        say: Callable[[str], None],
    ) -> None:
        self._watched = [_Watched(child) for child in children]
        self._var = var
        self._cwd = cwd
        self._servers = servers
        self._patience = patience or Patience()
        self._say = say
        self._start_log = var / "log" / "start.log"
        self._server_deaths: deque[float] = deque()
        self._servers_checked_at = 0.0
        # When the servers could not be started for the first time in a row, and how often since.
        self._failing_since: float | None = None
        # Whether everything was up once.
        self._worked = False
        self._failures = 0
        self._chores: deque[Step] = deque()
        self._chore: tuple[Step, subprocess.Popen[bytes], float] | None = None
        self._chore_environment: Mapping[str, str] = {}
        self.stopping = False

    def listen(self) -> None:
        """Let SIGINT, SIGTERM and a closed terminal ask for the stop; a second one hurries it."""

        def stop(_number: int, _frame: FrameType | None) -> None:
            if self.stopping:
                raise KeyboardInterrupt
            self.stopping = True

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, stop)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup ignores it on purpose
            signal.signal(signal.SIGHUP, stop)

    def clear_orphans(self) -> None:
        """End processes that an earlier supervisor of this var directory left when it was killed."""
        ours = [process for process in psutil.process_iter() if self._is_marked(process)]
        for process in ours:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(ours, timeout=5)

    def _is_marked(self, process: psutil.Process) -> bool:
        try:
            return process.environ().get(MARK) == os.fspath(self._var)
        except (psutil.Error, OSError):
            return False

    # Steps

    def step(self, step: Step, environment: Mapping[str, str] | None = None) -> str:
        """Run one step to its end and say how long it took; what it printed, when it is kept.

        Raises EmbeddedError when it fails, Stopped when asked to stop meanwhile.
        """
        begun = time.monotonic()
        self._say(f"{step.name}……")
        with contextlib.ExitStack() as stack:
            log = open_log(self._start_log)
            stack.callback(os.close, log)
            kept: IO[bytes] = stack.enter_context(tempfile.TemporaryFile())
            outputs: dict[str, int | None] = {"log": log, "show": None, "keep": kept.fileno()}
            process = self._spawn(step.command, outputs[step.output], log, environment or {})
            try:
                self._await_step(process)
            finally:
                self._end([process], 5)
            kept.seek(0)
            printed = kept.read().decode("utf-8", "replace")
        if process.returncode:
            raise EmbeddedError(
                f"“{step.name}”失败（代码 {process.returncode}），日志 {self._start_log}：\n"
                f"{log_tail(self._start_log, 25)}"
            )
        self._say(f"　　完成，用时 {time.monotonic() - begun:.1f} 秒")
        return printed

    def _await_step(self, process: subprocess.Popen[bytes]) -> None:
        while process.poll() is None:
            if self.stopping:
                raise Stopped
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(TICK_SECONDS)

    # Chores

    def put_off(self, steps: Sequence[Step], environment: Mapping[str, str] | None = None) -> None:
        """Steps for later: one after the other, in the background, once everything is up.

        One that fails is named and left for the next start; it must do nothing where it is done.
        """
        self._chores.extend(steps)
        self._chore_environment = environment or {}

    def _tend_chores(self) -> None:
        if self._chore is not None:
            step, process, begun = self._chore
            code = process.poll()
            if code is None:
                return
            kill_process_group(process.pid)
            self._chore = None
            if code:
                self._say(
                    f"“{step.name}”失败（代码 {code}），下次启动时重做。日志 {self._start_log}"
                )
            else:
                self._say(f"{step.name}：完成，用时 {time.monotonic() - begun:.1f} 秒")
        if self._chores:
            self._begin(self._chores.popleft())

    def _begin(self, step: Step) -> None:
        log = open_log(self._start_log)
        try:
            command = ["nice", "-n", str(CHORE_NICENESS), *step.command]
            process = self._spawn(command, log, log, self._chore_environment)
        finally:
            os.close(log)
        self._chore = step, process, time.monotonic()

    # Children

    def run(self, ready: Callable[[], bool], announce: Callable[[], None]) -> int:
        """Keep the children alive until asked to stop; the exit code for the shell.

        `announce` is called once, as soon as `ready` says yes.
        """
        begun = time.monotonic()
        try:
            while not self.stopping:
                self._tend_servers()
                for watched in self._watched:
                    self._tend(watched)
                if not self._worked and ready():
                    self._worked = True
                    announce()
                if self._worked:
                    self._tend_chores()
                else:
                    self._check_patience(begun)
                time.sleep(TICK_SECONDS)
        except EmbeddedError as error:
            self._say(str(error))
            return 1
        finally:
            self.stop()
        return 0

    def _check_patience(self, begun: float) -> None:
        if time.monotonic() - begun > self._patience.ready:
            raise EmbeddedError(
                f"网站在 {self._patience.ready:.0f} 秒内没有应答，"
                f"请查看日志目录 {self._var / 'log'}。"
            )

    def stop(self) -> None:
        """End all children: SIGTERM, and SIGKILL for what is left after the grace time."""
        running = [w.process for w in reversed(self._watched) if w.process is not None]
        if self._chore is not None:
            running.insert(0, self._chore[1])
        if running:
            self._say("正在停止……（再按一次 Ctrl-C 立即停止）")
        self._end(running, self._patience.grace)

    def _tend(self, watched: _Watched) -> None:
        now = time.monotonic()
        if watched.process is None:
            if now >= watched.start_at:
                self._start(watched)
            return
        code = watched.process.poll()
        if code is None:
            return
        kill_process_group(watched.process.pid)
        watched.process = None
        child = watched.child
        deaths = self._count(watched.deaths, now)
        # Once all of it worked, the reason lies outside (a full disk), and what still works serves on.
        if deaths >= self._patience.deaths and not self._worked:
            raise EmbeddedError(
                f"“{child.name}”在 {self._patience.window:.0f} 秒内退出了 {deaths} 次，已停止全部进程。"
                f"日志 {child.log}：\n{log_tail(child.log)}"
            )
        pause = min(self._patience.first_pause * 2 ** (deaths - 1), LONGEST_PAUSE_SECONDS)
        watched.start_at = now + pause
        self._say(f"“{child.name}”意外退出（代码 {code}），{pause:.1f} 秒后重新启动。")

    def _count(self, deaths: deque[float], now: float) -> int:
        deaths.append(now)
        while deaths[0] < now - self._patience.window:
            deaths.popleft()
        return len(deaths)

    def _start(self, watched: _Watched) -> None:
        log = open_log(watched.child.log)
        try:
            watched.process = self._spawn(
                watched.child.command, log, log, watched.child.environment
            )
        finally:
            os.close(log)

    def _tend_servers(self) -> None:
        now = time.monotonic()
        if self._servers is None or now - self._servers_checked_at < SERVER_CHECK_SECONDS:
            return
        for name in self._revived(self._servers, now):
            self._say(f"{name} 意外退出，已重新启动。")
            if self._count(self._server_deaths, now) >= self._patience.deaths:
                raise EmbeddedError(
                    f"{name} 反复退出，已停止全部进程。请查看日志目录 {self._var / 'log'}。"
                )
        self._servers_checked_at = max(self._servers_checked_at, time.monotonic())

    def _revived(self, servers: Servers, now: float) -> list[str]:
        """Servers that were started again; one that cannot be is tried later, ever less often."""
        try:
            names = servers.revive()
        except EmbeddedError as error:
            self._failing_since = self._failing_since or now
            if now - self._failing_since > self._patience.server:
                raise
            self._failures += 1
            pause = min(self._patience.first_pause * 2**self._failures, LONGEST_PAUSE_SECONDS)
            # The next look comes SERVER_CHECK_SECONDS after this moment.
            self._servers_checked_at = time.monotonic() + pause - SERVER_CHECK_SECONDS
            self._say(f"{error}\n{pause:.1f} 秒后再试。")
            return []
        self._failing_since, self._failures = None, 0
        return names

    def _spawn(
        self,
        command: Sequence[str],
        stdout: int | None,
        stderr: int,
        environment: Mapping[str, str],
    ) -> subprocess.Popen[bytes]:
        """Start in a process group of its own: the terminal's Ctrl-C is for the supervisor alone."""
        return subprocess.Popen(  # noqa: S603
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            cwd=self._cwd,
            env={**os.environ, **environment, MARK: os.fspath(self._var)},
            process_group=0,
            preexec_fn=_die_with_parent(os.getpid()),  # noqa: PLW1509 - we have no threads
        )

    def _end(self, processes: Sequence[subprocess.Popen[bytes]], grace: float) -> None:
        try:
            for process in processes:
                if process.poll() is None:
                    # The leader only: Celery and gunicorn end their own children in good order.
                    process.terminate()
            wait_for(lambda: all(p.poll() is not None for p in processes), grace)
        except KeyboardInterrupt:
            self._say("立即停止。")
        finally:
            for process in processes:
                kill_process_group(process.pid)
                process.wait()


def kill_process_group(leader: int) -> None:
    """SIGKILL for whatever is left of the group that this process led."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def _die_with_parent(parent: int) -> Callable[[], None] | None:
    """For the moment between fork and exec: ask the kernel to kill us when the supervisor dies."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl

    def ask() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before we could ask
            os._exit(1)

    return ask
