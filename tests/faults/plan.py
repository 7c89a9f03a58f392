"""Which faults are injected, when and into what: drawn from a seed, the same for the same seed."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from core.failpoints import PLACES

ASK, STAGE, APPLY, UNDO = "ask", "stage", "apply", "undo"
COMPUTE, ESTIMATE = "compute", "estimate"
IMPORT_PHASES = (ASK, STAGE, APPLY, UNDO)
# What is done without a workbook, each by itself.
ALONE_PHASES = (COMPUTE, ESTIMATE)
_JOBS = (STAGE, APPLY, UNDO, *ALONE_PHASES)
# Kinds besides crashes at failpoints: where they make sense, and how many of a hundred they are.
KINDS: dict[str, tuple[tuple[str, ...], int]] = {
    "child killed": (_JOBS, 14),
    "reader killed": ((STAGE,), 4),
    "worker killed": (_JOBS, 9),
    "beat killed": (_JOBS, 3),
    "web killed": ((ASK,), 4),
    "redis killed": ((ASK, *_JOBS), 8),
    "redis wiped": (_JOBS, 7),
    "redis killed and wiped": (_JOBS, 4),
    "redis paused": ((ASK, *_JOBS), 6),
    "backend killed": ((ASK, *_JOBS), 7),
    "postmaster killed": ((ASK, *_JOBS), 7),
    "disk full": ((ASK, *_JOBS), 7),
    "delivered five times": (_JOBS, 8),
    "delivered late": (_JOBS, 5),
    "frozen, then resumed": (_JOBS, 11),
}
CRASH = "crash at "
_SHARE_OF_CRASHES = 0.4
# Not every way to die in every place, every time.
_WAYS = ("exit", "exit", "kill", "error", "pause:3")
FREEZE_AT = {
    STAGE: ("imports.stage.begun", "imports.stage.copied", "imports.stage.committed"),
    APPLY: ("core.job.held", "imports.apply.begun", "imports.apply.household_years"),
    UNDO: ("core.job.effect", "imports.undo.begun", "imports.undo.taken"),
    COMPUTE: ("core.job.effect", "exits.recompute.begun", "exits.recompute.stored"),
    ESTIMATE: ("core.job.effect", "inspections.estimate.marks", "inspections.estimate.stored"),
}
# Places that are passed only when something went wrong before: that comes first.
LEAD_UP = {
    "core.job.released": {
        STAGE: "imports.stage.copied=error",
        APPLY: "imports.apply.locked=error",
        UNDO: "imports.undo.begun=error",
        COMPUTE: "exits.recompute.begun=error",
        ESTIMATE: "inspections.estimate.marks=error",
    },
    "core.sweep.hinted": {
        STAGE: "imports.stage.begun=exit",
        APPLY: "imports.apply.begun=exit",
        UNDO: "imports.undo.begun=exit",
        COMPUTE: "exits.recompute.marks=exit",
        ESTIMATE: "inspections.estimate.stored=exit",
    },
}
# Faults per workbook and per recomputation: each in a phase of its own.
_LANES = ("410324", "410325")


@dataclass(frozen=True)
class Injection:
    """One fault: of which kind, in which phase, after how many seconds, with which particulars."""

    number: int
    kind: str
    phase: str
    delay: float
    place: str = ""
    action: str = ""
    salt: int = 0

    @property
    def is_crash(self) -> bool:
        return self.kind.startswith(CRASH)


@dataclass(frozen=True)
class Story:
    """What one clerk does while at most one fault per phase happens."""

    county: str
    faults: tuple[Injection, ...]

    @property
    def is_import(self) -> bool:
        return any(fault.phase not in ALONE_PHASES for fault in self.faults)

    def fault(self, phase: str) -> Injection | None:
        return next((fault for fault in self.faults if fault.phase == phase), None)


# Single faults: two whose outcome differs when workers lack what protects them (`unfenced`, `torn`), and
# one for each state change of a round's results.
ALONE = {
    **{
        f"killed-{place}": Injection(0, CRASH + place, ESTIMATE, 0.0, place, "kill")
        for place in PLACES
        if place.startswith("inspections.estimate.")
    },
    "frozen-effect": Injection(0, "frozen, then resumed", COMPUTE, 0.0, "core.job.effect"),
    "torn-apply": Injection(
        0, CRASH + "core.job.finished", APPLY, 0.0, "core.job.finished", "exit"
    ),
}


def phases_of(place: str) -> tuple[str, ...]:
    """Where a failpoint can be reached.

    >>> phases_of("imports.apply.ledger"), phases_of("core.job.asked")
    (('apply',), ('ask',))
    """
    if place.startswith("imports.receive.") or place in ("core.job.asked", "core.job.hinted"):
        return (ASK,)
    for prefix, phase in (
        ("imports.stage.", STAGE),
        ("imports.apply.", APPLY),
        ("imports.undo.", UNDO),
        ("exits.", COMPUTE),
        ("inspections.", ESTIMATE),
    ):
        if place.startswith(prefix):
            return (phase,)
    return _JOBS


def draw(seed: int, count: int) -> list[Story]:
    """So many faults: every failpoint and every kind once, the rest by chance and weight."""
    chance = random.Random(seed)
    drawn: list[tuple[str, bool]] = [(CRASH + place, True) for place in PLACES]
    drawn += [(kind, True) for kind in KINDS]
    weights = [weight for _, weight in KINDS.values()]
    while len(drawn) < count:
        if chance.random() < _SHARE_OF_CRASHES:
            drawn.append((CRASH + chance.choice(PLACES), False))
        else:
            drawn.append((chance.choices(list(KINDS), weights)[0], False))
    faults = []
    for number, (kind, is_first) in enumerate(chance.sample(drawn, count)):
        if kind.startswith(CRASH):
            faults.append(_crash(chance, number, kind.removeprefix(CRASH), is_first=is_first))
        else:
            faults.append(_other(chance, number, kind))
    return list(_stories(faults))


def _crash(chance: random.Random, number: int, place: str, *, is_first: bool) -> Injection:
    phase = chance.choice(phases_of(place))
    # The first time a place must be seen to kill; whoever asks cannot be waited for.
    ways = _WAYS[:3] if is_first or phase == ASK else _WAYS
    return Injection(number, CRASH + place, phase, 0.0, place, chance.choice(ways))


def _other(chance: random.Random, number: int, kind: str) -> Injection:
    phase = chance.choice(KINDS[kind][0])
    longest = {ASK: 0.1, STAGE: 0.8, APPLY: 0.4, UNDO: 0.3}.get(phase, 0.2)
    place = chance.choice(FREEZE_AT[phase]) if kind.startswith("frozen") else ""
    delay = round(chance.uniform(0, longest), 3)
    return Injection(number, kind, phase, delay, place, salt=chance.randrange(10**6))


def _stories(faults: list[Injection]) -> Iterator[Story]:
    """Faults of different phases share a workbook, so that it is uploaded once for three of them."""
    waiting = {
        phase: [f for f in faults if f.phase == phase] for phase in (*IMPORT_PHASES, *ALONE_PHASES)
    }
    turn = 0
    while any(waiting.values()):
        taken = [waiting[phase].pop() for phase in IMPORT_PHASES if waiting[phase]]
        alone = [tuple(waiting[phase][:1]) for phase in ALONE_PHASES]
        for group in (tuple(taken), *alone):
            if group:
                yield Story(_LANES[turn % len(_LANES)], group)
                turn += 1
        for phase in ALONE_PHASES:
            waiting[phase] = waiting[phase][1:]
