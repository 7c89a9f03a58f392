"""Running a plan to its end and telling what became of every fault."""

import contextlib
import json
import os
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults import plan
from tests.faults.rig import Rig, RigError, wait

_START_SECONDS = 90.0
_STEP_SECONDS = 0.01
_CHECKPOINT_SECONDS = 20.0
# A product that has lost something keeps having lost it; no use in going on for long.
_ENOUGH = 8

Say = Callable[[str], None]


@dataclass
class Report:
    """What a run found. `broken` says which invariant, by which fault."""

    seed: int
    outcomes: list[Any] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    unreached: list[str] = field(default_factory=list)
    planned: int = 0
    seconds: float = 0.0
    is_small: bool = True

    def by_kind(self) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = defaultdict(list)
        for outcome in self.outcomes:
            kind = outcome.injection.kind
            found["crash at a failpoint" if outcome.injection.is_crash else kind].append(outcome)
        return dict(sorted(found.items()))

    def table(self) -> str:
        """By kind: injected, recovered, sent back by an administrator, seconds to recover."""
        lines = [
            f"{'kind':<26}{'injected':>9}{'recovered':>10}{'retried':>8}{'median s':>9}{'max s':>7}"
        ]
        for kind, outcomes in [*self.by_kind().items(), ("all", self.outcomes)]:
            seconds = [o.seconds for o in outcomes if o.seconds is not None] or [0.0]
            lines.append(
                f"{kind:<26}{sum(o.was_injected for o in outcomes):>9}"
                f"{sum(o.is_recovered for o in outcomes):>10}{sum(o.retried for o in outcomes):>8}"
                f"{statistics.median(seconds):>9.1f}{max(seconds):>7.1f}"
            )
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        return {
            "seed": self.seed,
            "planned": self.planned,
            "injected": sum(o.was_injected for o in self.outcomes),
            "recovered": sum(o.is_recovered for o in self.outcomes),
            "kinds": {
                kind: sum(o.was_injected for o in found) for kind, found in self.by_kind().items()
            },
            "places": sorted({o.injection.place for o in self.outcomes if o.injection.is_crash}),
            "broken": self.broken,
            "unreached": self.unreached,
            "seconds": round(self.seconds, 1),
            "is_small": self.is_small,
            "table": self.table(),
        }


def run(
    *, seed: int, count: int, say: Say, seconds: float = 0.0, other_app: str = "",
    stories: list[plan.Story] | None = None, keep: bool = False,
) -> Report:  # fmt: skip
    """Build the rig, run the plan of that seed (or these stories), take the rig down.

    `seconds` bounds the time for faults; 0 runs the whole plan.
    """
    begun = time.monotonic()
    report = Report(seed)
    rig = Rig(other_app=other_app)
    report.is_small = rig.is_small
    try:
        rig.adopt(os.environ)  # type: ignore[arg-type]
        _prepare()
        rig.start()
        wait(rig.is_healthy, _START_SECONDS, "web server of the rig")
        say(f"rig ready after {time.monotonic() - begun:.1f} s in {rig.folder}, seed {seed}")
        told = stories if stories is not None else plan.draw(seed, count)
        report.planned = sum(len(story.faults) for story in told)
        _Run(rig, report, say, seconds).tell(told)
    except RigError as error:
        report.broken.append(str(error))
        say(f"BROKEN {error}")
    finally:
        report.seconds = time.monotonic() - begun
        with contextlib.suppress(Exception):
            from django.db import connections

            connections.close_all()
        rig.close(keep=keep)
    return report


def _prepare() -> None:
    """Schema, divisions, codes and layouts of a city of two counties."""
    import django

    django.setup()
    from django.core.management import call_command

    from households.catalog import sync_codes
    from imports.catalog import sync_layouts
    from tests.villages.lists import CITY, load

    call_command("migrate", verbosity=0, interactive=False)
    load(CITY)
    sync_codes()
    sync_layouts()


class _Run:
    """Lanes of stories, stepped through in turn."""

    def __init__(self, rig: Rig, report: Report, say: Say, seconds: float) -> None:
        from tests.faults.books import COUNTIES, Clerk
        from tests.faults.stories import Desk

        self.rig, self.report, self.say = rig, report, say
        self.desks = {county: Desk(rig, Clerk(county)) for county in COUNTIES}
        self.end = time.monotonic() + seconds if seconds else float("inf")
        self.checkpointed = time.monotonic()

    def tell(self, stories: list[plan.Story]) -> None:
        from tests.faults.stories import GivenUpError

        try:
            self._together([desk.open() for desk in self.desks.values()])
        except GivenUpError as error:
            raise RigError(f"nothing works even without a fault: {error}") from error
        self._together([self._lane(county, stories) for county in self.desks])
        self._finish()

    def _lane(self, county: str, stories: list[plan.Story]) -> Generator[None]:
        from tests.faults.stories import GivenUpError

        for story in stories:
            if story.county != county:
                continue
            if time.monotonic() > self.end or len(self.report.broken) >= _ENOUGH:
                return
            try:
                outcomes = yield from self.desks[county].tell(story)
            except GivenUpError as error:
                self._blame(story, str(error))
                continue
            for outcome in outcomes:
                self._tell(outcome)

    def _blame(self, story: plan.Story, words: str) -> None:
        kinds = ", ".join(f"{fault.number} {fault.kind} ({fault.phase})" for fault in story.faults)
        self.report.broken.append(f"{kinds}: {words}")
        self.say(f"BROKEN {self.report.broken[-1]}")

    def _tell(self, outcome: Any) -> None:
        self.report.outcomes.append(outcome)
        fault = outcome.injection
        if not outcome.was_injected and not outcome.broken:
            outcome.broken.append("没有发生")
        took = "" if outcome.seconds is None else f" {outcome.seconds:.1f} s"
        self.say(f"{fault.number:>4} {fault.kind} {fault.action} ({fault.phase}){took}")
        for words in dict.fromkeys(outcome.broken):
            self.report.broken.append(f"{fault.number} {fault.kind} ({fault.phase}): {words}")
            self.say(f"BROKEN {self.report.broken[-1]}")

    def _together(self, lanes: list[Generator[None, None, Any]]) -> None:
        while lanes:
            for lane in list(lanes):
                try:
                    next(lane)
                except StopIteration:
                    lanes.remove(lane)
            if not self.rig.is_running():
                raise RigError("the supervisor has given up")
            if time.monotonic() - self.checkpointed > _CHECKPOINT_SECONDS:
                self.rig.checkpoint()
                self.checkpointed = time.monotonic()
            time.sleep(_STEP_SECONDS)

    def _finish(self) -> None:
        """Everybody is done: what must hold of the whole city."""
        from core.failpoints import PLACES
        from tests.faults import invariants

        wait(lambda: invariants.is_settled("4103"), 60, "figures of the city")
        broken = invariants.figures_hold("4103") + invariants.seals_hold()
        broken += invariants.nothing_left_over()
        readers = self.rig.readers()
        broken += [f"I11 reader {reader.pid} 仍在" for reader in readers]
        self.report.broken += broken
        self.report.unreached = sorted(set(PLACES) - self.rig.points.reached)


def written(report: Report, path: Path) -> None:
    path.write_text(json.dumps(report.as_json(), ensure_ascii=False, indent=1), encoding="utf-8")
