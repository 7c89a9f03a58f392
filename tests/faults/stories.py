"""What clerks do while things break: upload, preview, confirm, edit, and ask again when told nothing.

A story is a generator that the driver steps through; it never blocks, so that several go on at once.
"""

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import Error, connection

from core.jobs.models import Job, JobState
from imports.enums import BatchState
from imports.models import Batch
from tests.faults import acts, invariants, plan
from tests.faults.books import Book, Clerk
from tests.faults.inject import Harm, begin
from tests.faults.rig import Rig

Steps = Generator[None, None, Any]
# What a clerk reads as "try again": the service was away for a moment.
_AGAIN = {
    "OperationalError", "InterfaceError", "InternalError", "DatabaseError", "FailpointError", "OSError",
}  # fmt: skip
LONGEST_SECONDS = 60.0
_SENT_BACK_AT_MOST = 3
_CAUSES = ("1", "2")
# The first population base of a county of the rig.
_PERSONS = 10_000


@dataclass
class Outcome:
    """What became of one fault."""

    injection: plan.Injection
    was_injected: bool = False
    seconds: float | None = None
    retried: int = 0
    broken: list[str] = field(default_factory=list)

    @property
    def is_recovered(self) -> bool:
        return self.was_injected and self.seconds is not None and not self.broken


class GivenUpError(AssertionError):
    """Nothing happened for much longer than the product promises."""


class RefusedError(Exception):
    """The file was refused because the process that read it was killed: the one refusal there may be."""


@dataclass
class Desk:
    """A clerk with everything they were told: the driver's own ledger of acknowledgements."""

    rig: Rig
    clerk: Clerk
    done: list[int] = field(default_factory=list)
    edited: dict[str, str] = field(default_factory=dict)
    jobs: list[tuple[int, str]] = field(default_factory=list)
    # Token and time of every job that was seen done: neither may ever change.
    finished: dict[int, tuple[int, Any]] = field(default_factory=dict)
    edits: int = 0
    # The county's round, and the population bases that its results were asked for with.
    round: int = 0
    bases: list[int] = field(default_factory=list)

    def open(self) -> Steps:
        """The first book of the year; nothing breaks yet."""
        book = self.clerk.opening()
        batch = yield from self._upload(book)
        yield from self._read(batch, book)
        job = yield from self._write(batch)
        self.clerk.applied(book)
        self.done.append(batch)
        found = yield from see(lambda: Batch.objects.get(pk=batch))
        note(None, invariants.previewed(found, book))
        note(None, (yield from see(lambda: invariants.changes_are_history(job, book))))
        # Villages without anybody have figures as soon as the county is computed whole.
        self.edits += 1
        yield from self._recompute(None)
        yield from self._settle([])
        county = self.clerk.county
        self.round = yield from insist(self.rig, lambda: acts.assess(county, _PERSONS))
        yield from self._estimate(None)
        yield from self._settle([])

    def tell(self, story: plan.Story) -> Generator[None, None, list[Outcome]]:
        """One upload with its faults, or one recomputation with its fault."""
        outcomes = {fault.phase: Outcome(fault) for fault in story.faults}
        if story.is_import:
            yield from self._import(outcomes)
        else:
            yield from self._alone(outcomes)
        yield from self._settle(list(outcomes.values()))
        return list(outcomes.values())

    # The two kinds of work

    def _import(self, outcomes: dict[str, Outcome]) -> Steps:
        book = self.clerk.next()
        asked, staged = outcomes.get(plan.ASK), outcomes.get(plan.STAGE)
        # Reading begins as soon as the upload is heard, so its harm must lie in wait before.
        waiting = self._begin(staged)
        batch = yield from self._phase(asked, lambda: self._upload(book))
        batch = yield from self._phase(staged, lambda: self._read(batch, book), waiting)
        found = yield from see(lambda: Batch.objects.get(pk=batch))
        note(staged or asked, invariants.previewed(found, book))
        applied = outcomes.get(plan.APPLY)
        job = yield from self._phase(applied, lambda: self._write(batch))
        before = self.clerk.incomes
        yield from self._written(batch, job, book, applied or staged or asked)
        if undone := outcomes.get(plan.UNDO):
            job = yield from self._phase(undone, lambda: self._take_back(batch))
            self.clerk.undone(before)
            self.done.remove(batch)
            undone.broken += yield from see(lambda: invariants.undoing_is_history(job, book))
            undone.broken += yield from see(lambda: invariants.taken_back(book, before))

    def _written(self, pk: int, job: int, book: Book, outcome: Outcome | None) -> Steps:
        batch = yield from see(lambda: Batch.objects.get(pk=pk))
        if batch.state != BatchState.APPLIED:
            note(outcome, [f"I9 批次{pk} 确认写入后为 {batch.state}"])
            return
        self.clerk.applied(book)
        self.done.append(pk)
        note(outcome, (yield from see(lambda: invariants.loaded_or_rejected(batch, book))))
        note(outcome, (yield from see(lambda: invariants.changes_are_history(job, book))))

    def _recompute(self, outcome: Outcome | None) -> Steps:
        cause = _CAUSES[self.edits % 2]
        self.edits += 1
        county = self.clerk.county

        def edit_and_ask() -> Steps:
            job = yield from insist(self.rig, lambda: acts.edit(county, cause))
            self.edited[county] = cause
            yield from self._finished(job, outcome)
            return job

        yield from self._phase(outcome, edit_and_ask)

    def _alone(self, outcomes: dict[str, Outcome]) -> Steps:
        if plan.ESTIMATE in outcomes:
            yield from self._estimate(outcomes[plan.ESTIMATE])
        else:
            yield from self._recompute(outcomes.get(plan.COMPUTE))

    def _estimate(self, outcome: Outcome | None) -> Steps:
        """The results of the round, with a population base that it never had before."""
        persons = _PERSONS + 1 + len(self.bases)
        self.bases.append(persons)

        def ask() -> Steps:
            job = yield from insist(self.rig, lambda: acts.rebase(self.round, persons))
            yield from self._finished(job, outcome)
            return job

        yield from self._phase(outcome, ask)

    def _upload(self, book: Book) -> Steps:
        batch, job = yield from insist(self.rig, lambda: acts.receive(book))
        self.jobs.append((job, "imports"))
        return batch

    def _read(self, pk: int, book: Book) -> Steps:
        """Until there is a preview; a refused file is uploaded again."""
        batch = yield from see(lambda: Batch.objects.get(pk=pk))
        try:
            yield from self._finished(batch.job_id, self._current)
        except RefusedError as refusal:
            again = yield from self._upload(book)
            note(self._current, [] if refusal.args[0] else ["I1 拒收没有说明"])
            return (yield from self._read(again, book))
        return pk

    def _take_back(self, pk: int) -> Steps:
        job = yield from insist(self.rig, lambda: acts.undo(pk))
        self.jobs.append((job, "imports"))
        yield from self._finished(job, self._current)
        return job

    def _write(self, pk: int) -> Steps:
        job = yield from insist(self.rig, lambda: acts.confirm(pk))
        self.jobs.append((job, "imports"))
        yield from self._finished(job, self._current)
        return job

    _current: Outcome | None = None

    # Waiting

    def _begin(self, outcome: Outcome | None) -> Harm | None:
        return begin(self.rig, outcome.injection, self.jobs) if outcome else None

    def _phase(
        self, outcome: Outcome | None, work: Callable[[], Steps], harm: Harm | None = None
    ) -> Steps:
        """Work and harm side by side; the time to recover runs from the end of the harm."""
        self._current = outcome
        harm = harm or self._begin(outcome)
        result, step, harming = None, work(), harm.steps() if harm else iter(())
        working, is_harming = True, harm is not None
        ended = time.monotonic()
        while working or is_harming:
            if working:
                try:
                    next(step)
                except StopIteration as stop:
                    result, working, ended = stop.value, False, time.monotonic()
                    if harm:
                        harm.work_is_done = True
            if is_harming and next(harming, harm) is harm:
                is_harming = False
            if not working and is_harming and time.monotonic() > ended + LONGEST_SECONDS:
                assert harm is not None
                raise GivenUpError(f"{harm.injection.kind} 一直没有发生")
            yield
        if outcome and harm:
            yield from self._answers()
            outcome.was_injected = harm.ended_at is not None
            outcome.broken += harm.broken
            if harm.ended_at is not None:
                healthy = time.monotonic() if harm.hurts_pages else ended
                outcome.seconds = max(0.0, max(ended, healthy) - harm.ended_at)
                if outcome.seconds > LONGEST_SECONDS:
                    outcome.broken.append(f"I12 {outcome.seconds:.0f} 秒后才恢复")
        return result

    def _answers(self) -> Steps:
        """I12: the pages answer."""
        end = time.monotonic() + LONGEST_SECONDS
        while not self.rig.is_healthy():
            if time.monotonic() > end or not self.rig.is_running():
                raise GivenUpError("I12 网站不再应答")
            yield from pause(0.2)

    def _finished(self, job: int, outcome: Outcome | None) -> Steps:
        """Until the job is done; one out of attempts is sent back as an administrator would."""
        end = time.monotonic() + 2 * LONGEST_SECONDS
        sent_back, words = 0, ""
        while True:
            found = yield from see(lambda: Job.objects.get(pk=job))
            if found.state == JobState.DONE:
                self.finished[job] = (found.token, found.finished_at)
                return
            if found.state == JobState.FAILED and self._may_refuse(found):
                raise RefusedError(found.error)
            words = found.error or words
            if found.state == JobState.QUARANTINED:
                sent_back += 1
                if outcome:
                    outcome.retried += 1
                if sent_back > _SENT_BACK_AT_MOST:
                    raise GivenUpError(f"任务{job} {found.kind} 一再隔离：{words}")
                yield from insist(self.rig, lambda: acts.retry(job))
            elif found.state == JobState.FAILED:
                raise GivenUpError(f"任务{job} {found.kind} 未成功：{found.error}")
            if time.monotonic() > end:
                raise GivenUpError(
                    f"任务{job} {found.kind} 仍为 {found.state}，{found.attempts} 次：{words}"
                )
            yield from pause(0.05)

    def _may_refuse(self, job: Job) -> bool:
        """Once for each parsing child that was killed: whose it was could not be known before."""
        if job.kind != "imports.stage" or not self.rig.readers_killed:
            return False
        self.rig.readers_killed -= 1
        return True

    def _settle(self, outcomes: list[Outcome]) -> Steps:
        """Until the figures have caught up; then what must hold of this county."""
        county = self.clerk.county
        end = time.monotonic() + LONGEST_SECONDS
        while not (yield from see(lambda: invariants.is_settled(county, self.round))):
            if time.monotonic() > end:
                raise GivenUpError(f"I6 {county} 的指标一直没有更新")
            yield from pause(0.1)
        checks: tuple[Callable[[], list[str]], ...] = (
            lambda: invariants.figures_hold(county),
            lambda: invariants.estimated_once(self.round, self.bases),
            lambda: invariants.acknowledged(self.clerk.incomes, self.edited, self.done),
            invariants.natural_keys,
            lambda: invariants.done_once(self.finished),
            invariants.effects_once,
            lambda: invariants.nothing_left_over(is_quiet=False),
            invariants.seals_hold,
        )
        for check in checks:
            broken = yield from see(check)
            for outcome in outcomes:
                note(outcome, broken)


def note(outcome: Outcome | None, broken: list[str]) -> None:
    """Blame a fault; without one the story is the opening and must simply work."""
    if broken and outcome is None:
        raise GivenUpError("; ".join(broken))
    if outcome is not None:
        outcome.broken += broken


def pause(seconds: float) -> Iterator[None]:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield


def see(look: Callable[[], Any]) -> Steps:
    """What a reader sees, as soon as the database lets them."""
    end = time.monotonic() + LONGEST_SECONDS
    while True:
        try:
            return look()
        except ObjectDoesNotExist as error:
            raise GivenUpError(f"I9 已确认的记录不见了: {error}") from error
        except Error as error:
            connection.close()
            if time.monotonic() > end:
                raise GivenUpError(f"I12 数据库不再应答：{error}") from error
        yield from pause(0.1)


def insist(rig: Rig, work: Callable[[], Any]) -> Steps:
    """Ask until somebody answers; a crash or an absent service is no answer."""
    end = time.monotonic() + LONGEST_SECONDS
    while True:
        act = acts.fork(work, rig.points.path)
        while not act.poll():
            yield
        if act.answer and "value" in act.answer:
            return act.answer["value"]
        if act.answer and act.answer["error"] not in _AGAIN and act.answer["code"] != "no_space":
            raise GivenUpError(f"{act.answer['error']}: {act.answer['words']}")
        if time.monotonic() > end:
            raise GivenUpError(f"I12 {LONGEST_SECONDS:.0f} 秒内没有一次成功：{act.answer}")
        yield from pause(0.2)
