"""The harm itself, step by step beside the work it is done to."""

import contextlib
import random
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import psutil
from django.db import Error, connection

from core.jobs import services as jobs
from core.jobs.models import Job
from tests.faults import acts, plan
from tests.faults.rig import LEASE_SECONDS, Rig

# How long a crash is waited for once the work is through. Places of the sweeper are passed by the
# clock: a beat or a worker that is just starting again puts them off by some seconds.
_PATIENCE_SECONDS = 20.0
_COPIES = 4
_LATE = 5


class Harm:
    """One fault under way. `ended_at` is when the product could begin to recover."""

    # Whether pages may have suffered, so that their answer belongs to the recovery.
    hurts_pages = False

    def __init__(self, rig: Rig, injection: plan.Injection, past: list[tuple[int, str]]) -> None:
        self.rig = rig
        self.injection = injection
        self.past = past
        self.chance = random.Random(injection.salt)
        self.queue = "metrics" if injection.phase in plan.ALONE_PHASES else "imports"
        self.ended_at: float | None = None
        self.work_is_done = False
        self.broken: list[str] = []
        # By the wall clock, as the failpoints' own record; they write milliseconds.
        self.armed_at = time.time() - 0.001

    def steps(self) -> Iterator[None]:
        yield from self.pause(self.injection.delay)
        yield from self.do()

    def do(self) -> Iterator[None]:
        raise NotImplementedError

    def pause(self, seconds: float) -> Iterator[None]:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            yield

    def over(self) -> None:
        self.ended_at = time.monotonic()


# --- failpoints ---------------------------------------------------------------------------------


class Crash(Harm):
    """Die, fail or stand still at one place. Armed before the work is asked for."""

    def __init__(self, rig: Rig, injection: plan.Injection, past: list[tuple[int, str]]) -> None:
        super().__init__(rig, injection, past)
        self.line = f"{injection.place}={injection.action}"
        lead = plan.LEAD_UP.get(injection.place, {}).get(injection.phase)
        self.lines = [self.line, lead] if lead else [self.line]
        rig.points.arm(*self.lines)

    def do(self) -> Iterator[None]:
        patience = None
        while True:
            at = self.rig.points.fired(self.injection.place, self.injection.action, self.armed_at)
            if at is not None:
                _, _, seconds = self.injection.action.partition(":")
                self.ended_at = at + float(seconds or 0)
                yield from self.pause(self.ended_at - time.monotonic())
                self.rig.points.disarm(*self.lines)
                return
            if self.work_is_done:
                patience = patience or time.monotonic() + _PATIENCE_SECONDS
                if time.monotonic() > patience:
                    self.rig.points.disarm(*self.lines)
                    self.broken.append(f"没有经过 {self.injection.place}")
                    return
            yield


class Frozen(Harm):
    """A child stands still at a place until its lease is over and another has begun, then wakes."""

    _SLEEP = "pause:3"
    _MORE_SECONDS = 8.0

    def __init__(self, rig: Rig, injection: plan.Injection, past: list[tuple[int, str]]) -> None:
        super().__init__(rig, injection, past)
        # Long enough to be caught asleep on a busy machine, and over before it is let go.
        self.line = f"{injection.place}={self._SLEEP}"
        rig.points.arm(self.line)

    def do(self) -> Iterator[None]:
        end = time.monotonic() + 30
        while (
            found := self.rig.points.fired_by(self.injection.place, self._SLEEP, self.armed_at)
        ) is None:
            if time.monotonic() > end:
                self.rig.points.disarm(self.line)
                self.broken.append(f"没有经过 {self.injection.place}")
                return
            yield
        with contextlib.suppress(psutil.Error):
            sleeper = psutil.Process(found[1])
            sleeper.suspend()
            try:
                # Long enough for the lease to end and somebody else to come as far as they can.
                yield from self.pause(LEASE_SECONDS + 1.5 + self.chance.random())
                # They may be slow, or held up by the sleeper itself.
                end = time.monotonic() + self._MORE_SECONDS
                while not self.work_is_done and time.monotonic() < end:
                    yield
            finally:
                sleeper.resume()
        self.over()
        # What it still tries to store must come to nothing before anybody looks.
        yield from self.pause(1.0)


# --- processes ----------------------------------------------------------------------------------


class ChildKilled(Harm):
    """In the middle of a job: the delay runs from the moment it began."""

    def steps(self) -> Iterator[None]:
        began = time.time() - 0.5
        while (victim := self._busy(began)) is None:
            yield
        yield from self.pause(self.injection.delay)
        self.rig.kill(victim)
        self.over()

    def _busy(self, began: float) -> psutil.Process | None:
        hands = {one.pid: one for one in self.rig.hands(self.queue)}
        pid = self.rig.points.busy_since(began, set(hands))
        # Once the work is through, an idle one will do.
        return (
            hands[pid] if pid else next(iter(hands.values()), None) if self.work_is_done else None
        )


class ReaderKilled(Harm):
    """The child that parses the workbook: as when the kernel runs out of memory.

    Its parent is held where the child has shown itself and waits to be told what to read.
    """

    _LINE = "imports.stage.reading=pause:4"

    def __init__(self, rig: Rig, injection: plan.Injection, past: list[tuple[int, str]]) -> None:
        super().__init__(rig, injection, past)
        rig.points.arm(self._LINE)

    def do(self) -> Iterator[None]:
        since = self.armed_at
        while not self.work_is_done:
            found = self.rig.points.fired_by("imports.stage.reading", "pause:4", since)
            if found is not None:
                if self._kill_child_of(found[1]):
                    return
                # The parent itself was killed by another fault: wait for whoever takes over.
                since = found[0]
                self.rig.points.arm(self._LINE)
            yield
        self.rig.points.disarm(self._LINE)
        self.broken.append("没有解析进程")

    def _kill_child_of(self, parent: int) -> bool:
        with contextlib.suppress(psutil.Error):
            for reader in psutil.Process(parent).children():
                if self.rig.is_reader(reader) and self.rig.kill(reader):
                    self.rig.readers_killed += 1
                    self.over()
                    return True
        return False


class ProcessKilled(Harm):
    """The whole of a worker, beat or the web server."""

    hurts_pages = True

    def do(self) -> Iterator[None]:
        while not self.rig.kill(self._victim()):
            yield
        self.over()

    def _victim(self) -> psutil.Process | None:
        kind = self.injection.kind
        if kind != "worker killed":
            return self.rig.child("beat" if kind == "beat killed" else "web")
        workers = self.rig.workers(self.queue)
        return self.chance.choice(workers) if workers else None


# --- the broker ---------------------------------------------------------------------------------


class RedisKilled(Harm):
    def do(self) -> Iterator[None]:
        while not self.rig.kill(self.rig.redis.running()):
            yield
        if self.injection.kind == "redis killed and wiped":
            shutil.rmtree(self.rig.places.redis_data / "appendonlydir", ignore_errors=True)
        self.over()


class RedisWiped(Harm):
    def do(self) -> Iterator[None]:
        yield from until(self.rig.wipe_broker)
        self.over()


class RedisPaused(Harm):
    def do(self) -> Iterator[None]:
        server = self.rig.redis.running()
        while server is None:
            yield
            server = self.rig.redis.running()
        with contextlib.suppress(psutil.Error):
            server.suspend()
            try:
                yield from self.pause(self.chance.uniform(0.5, 4))
            finally:
                server.resume()
        self.over()


class Delivered(Harm):
    """The same message several times at once, or those of jobs that were done long ago."""

    def do(self) -> Iterator[None]:
        old = self.past[:-1]
        late = self.chance.sample(old, min(_LATE, len(old)))
        if self.injection.kind == "delivered late":
            before = yield from self._standing(late)
            yield from self._send(late)
        else:
            yield from self._send(self.past[-1:] * _COPIES)
            before = None
        self.over()
        while not self.work_is_done:
            yield
        if before is not None and before != (yield from self._standing(late)):
            self.broken.append(f"I5 过期消息改动了任务 {late}")

    def _send(self, whom: list[tuple[int, str]]) -> Iterator[None]:
        def send() -> None:
            for job, queue in whom:
                jobs.hint(job, queue)

        act = acts.fork(send, self.rig.points.path)
        while not act.poll():
            yield

    def _standing(self, whom: list[tuple[int, str]]) -> Any:
        """State, token and attempts of jobs that should not move any more."""
        pks = [job for job, _ in whom]
        while True:
            try:
                return list(
                    Job.objects.filter(pk__in=pks, state="DONE")
                    .order_by("pk")
                    .values_list("pk", "token", "attempts", "finished_at")
                )
            except Error:
                connection.close()
            yield


# --- the database and its disk ------------------------------------------------------------------


class BackendKilled(Harm):
    """SIGKILL for one server process of a worker: the whole cluster restarts."""

    hurts_pages = True

    def do(self) -> Iterator[None]:
        while (pid := self._backend()) is None:
            yield
        with contextlib.suppress(psutil.Error):
            psutil.Process(pid).send_signal(signal.SIGKILL)
        self.over()

    def _backend(self) -> int | None:
        try:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
                    " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
                    " ORDER BY state = 'active' DESC, application_name = 'worker' DESC, pid"
                )
                found = [pid for (pid,) in cursor.fetchall()]
        except Error:
            connection.close()
            return None
        return found[0] if found else None


class PostmasterKilled(Harm):
    hurts_pages = True

    def do(self) -> Iterator[None]:
        while not self.rig.kill(self.rig.postgres.running()):
            yield
        self.over()


class DiskFull(Harm):
    hurts_pages = True

    def do(self) -> Iterator[None]:
        with self.rig.full_disk():
            if self.rig.is_small and self.rig.can_grow():
                self.broken.append("磁盘没有满")
            yield from self.pause(self.chance.uniform(1, 2.5))
        self.over()


def until(condition: Callable[[], bool]) -> Iterator[None]:
    while not condition():
        yield


KINDS: dict[str, type[Harm]] = {
    "child killed": ChildKilled,
    "reader killed": ReaderKilled,
    "worker killed": ProcessKilled,
    "beat killed": ProcessKilled,
    "web killed": ProcessKilled,
    "redis killed": RedisKilled,
    "redis wiped": RedisWiped,
    "redis killed and wiped": RedisKilled,
    "redis paused": RedisPaused,
    "backend killed": BackendKilled,
    "postmaster killed": PostmasterKilled,
    "disk full": DiskFull,
    "delivered five times": Delivered,
    "delivered late": Delivered,
    "frozen, then resumed": Frozen,
}


def begin(rig: Rig, injection: plan.Injection, past: list[tuple[int, str]]) -> Harm:
    """The harm of an injection, armed but not done yet."""
    made = Crash if injection.is_crash else KINDS[injection.kind]
    return made(rig, injection, past)
