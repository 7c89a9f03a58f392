"""The two-stage draw: pure functions of a frozen frame, a design and a seed.

Everything is whole numbers and SHA-256, so that the same frame, design and seed give the same list
years later, on any machine and with any version of any library.

Random numbers. `key` is SHA-256 of "povertyops/draw/<algorithm>/<seed>/<frame digest>". A `Stream`
with a label yields SHA-256(key ‖ 0 ‖ label ‖ 0 ‖ counter as 8 bytes, big-endian), counter from 0,
each read as one number of 256 bits; a number below n comes from the first one under the largest
multiple of n (no modulo bias), modulo n. Each stratum, and each type in each village, has a stream
of its own, so that no list depends on the length of another.

Stage 1 is systematic sampling with probability proportional to size from a list in random order
(H. O. Hartley and J. N. K. Rao, Sampling with unequal probabilities and without replacement, Annals
of Mathematical Statistics 33, 1962, 350-374): the inclusion probability of a village is exactly
n·size/total. A village whose size reaches total/n is taken with certainty and the rest of the
stratum is drawn anew without it. With equal sizes this is simple random sampling.

Stage 2 is systematic sampling with equal probability from a list in random order inside each exit
year: everybody of a type in a village has probability n/N, and the years are represented in
proportion to within one household. Who is left over, in another random order, is the replacement
list.
"""

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

# Grows whenever the same inputs would give another list; old versions stay in `ALGORITHMS`.
ALGORITHM = 1
PPS, EQUAL = "PPS", "EQUAL"
METHODS = (PPS, EQUAL)
_BITS = 256

Item = TypeVar("Item")


class DesignError(ValueError):
    """The design asks for something that no draw can give; the text says what."""


@dataclass(frozen=True)
class Village:
    """A village of the frame; `size` is the number of its households in the frame."""

    code: str
    stratum: str
    size: int


@dataclass(frozen=True)
class Unit:
    """A household of the frame. `ref` is unique in the round; `year` is the exit year or 0."""

    ref: str
    kind: str
    year: int = 0


@dataclass(frozen=True)
class StratumPlan:
    """How many villages of a stratum are drawn and how: PPS or EQUAL."""

    villages: int
    method: str = PPS


@dataclass(frozen=True)
class Take:
    """How many households of a type are drawn in each drawn village; None is all of them (census).

    `share` of those there, rounded up, but never more than `households`. `beyond` are pairs: where
    there are more than the first, the second is drawn instead. `reserve` is how many more are put on
    the replacement list.
    """

    households: int | None
    reserve: int = 0
    share: Fraction | None = None
    beyond: tuple[tuple[int, int], ...] = ()

    def of(self, there: int) -> int:
        """How many of so many are drawn.

        >>> Take(20, beyond=((100, 30),)).of(101), Take(200, share=Fraction(1, 5)).of(11)
        (30, 3)
        """
        wanted = there if self.households is None else self.households
        for limit, instead in sorted(self.beyond):
            wanted = instead if there > limit else wanted
        if self.share is not None:
            wanted = min(wanted, math.ceil(there * self.share))
        return min(wanted, there)


@dataclass(frozen=True)
class DrawnVillage:
    village: Village
    probability: Fraction


@dataclass(frozen=True)
class DrawnUnit:
    """`rank` counts from 1 in the village and type: the drawn ones, and apart the replacements.

    `probability` is that of the second stage, given that the village was drawn.
    """

    unit: Unit
    is_reserve: bool
    rank: int
    probability: Fraction


def key_of(seed: str, frame_digest: str, algorithm: int = ALGORITHM) -> bytes:
    """What all streams of one draw begin from."""
    words = f"povertyops/draw/{algorithm}/{seed}/{frame_digest}"
    return hashlib.sha256(words.encode()).digest()


class Stream:
    """Random numbers for one purpose of one draw; see the module for the derivation."""

    def __init__(self, key: bytes, label: str) -> None:
        self._start = key + b"\0" + label.encode() + b"\0"
        self._blocks = self._numbers()

    def _numbers(self) -> Iterator[int]:
        counter = 0
        while True:
            block = hashlib.sha256(self._start + counter.to_bytes(8, "big")).digest()
            yield int.from_bytes(block, "big")
            counter += 1

    def below(self, bound: int) -> int:
        """A whole number from 0 to bound - 1, each as likely. Raises ValueError for bound < 1."""
        if not 0 < bound <= 1 << _BITS:
            raise ValueError("bound out of range")
        limit = (1 << _BITS) - (1 << _BITS) % bound
        return next(number for number in self._blocks if number < limit) % bound

    def shuffled(self, items: Iterable[Item]) -> list[Item]:
        """The items in an order of which all are as likely (Fisher and Yates, from the end)."""
        deck = list(items)
        for last in range(len(deck) - 1, 0, -1):
            other = self.below(last + 1)
            deck[last], deck[other] = deck[other], deck[last]
        return deck


def systematic(sizes: Sequence[int], wanted: int, start: int) -> list[int]:
    """Places in the list that are met by `wanted` equal steps of total/wanted.

    All in units of 1/wanted, so that nothing is rounded: place i lies on the line from
    wanted·(sizes before it) to wanted·(sizes up to it), the needle stands at start, start + total,
    and so on. `start` is a whole number below the total. No size may exceed total/wanted.

    >>> systematic([1, 1, 1, 1], 2, 3), systematic([3, 1, 2], 2, 5)
    ([1, 3], [0, 2])
    """
    total = sum(sizes)
    found, needle, passed = [], start, 0
    for place, size in enumerate(sizes):
        passed += wanted * size
        if needle < passed:
            found.append(place)
            needle += total
    return found


def probabilities(sizes: Mapping[str, int], wanted: int) -> dict[str, Fraction]:
    """Inclusion probabilities proportional to size, none above 1; they sum to `wanted` exactly.

    Raises DesignError for more villages than there are, and for a size below 1.
    """
    if not 0 <= wanted <= len(sizes):
        raise DesignError(f"要抽 {wanted} 个村，而本层只有 {len(sizes)} 个村。")
    if any(size < 1 for size in sizes.values()):
        raise DesignError("抽样框中有没有农户的村。")
    found: dict[str, Fraction] = {}
    rest = dict(sizes)
    while rest:
        left, total = wanted - len(found), sum(rest.values())
        certain = [code for code, size in rest.items() if left * size >= total]
        if not certain:
            return found | {code: Fraction(left * size, total) for code, size in rest.items()}
        for code in certain:
            found[code] = Fraction(1)
            del rest[code]
    return found


def draw_stratum(
    villages: Sequence[Village], plan: StratumPlan, stream: Stream
) -> list[DrawnVillage]:
    """Stage 1 in one stratum, in the order of codes. Raises DesignError."""
    if plan.method not in METHODS:
        raise DesignError(f"未知的抽样方法：{plan.method}")
    listed = sorted(villages, key=lambda one: one.code)
    sizes = {one.code: one.size if plan.method == PPS else 1 for one in listed}
    chances = probabilities(sizes, plan.villages)
    drawn = {code for code, chance in chances.items() if chance == 1}
    open_ = stream.shuffled(code for code in sizes if code not in drawn)
    wanted = plan.villages - len(drawn)
    if wanted:
        open_sizes = [sizes[code] for code in open_]
        start = stream.below(sum(open_sizes))
        drawn |= {open_[place] for place in systematic(open_sizes, wanted, start)}
    return [DrawnVillage(one, chances[one.code]) for one in listed if one.code in drawn]


def draw_villages(
    villages: Iterable[Village], plans: Mapping[str, StratumPlan], key: bytes
) -> list[DrawnVillage]:
    """Stage 1: every stratum by its plan. Raises DesignError for a stratum without a plan."""
    strata: dict[str, list[Village]] = {}
    for village in villages:
        strata.setdefault(village.stratum, []).append(village)
    unplanned = sorted(strata.keys() - plans.keys())
    if unplanned:
        raise DesignError(f"没有规定这些层抽几个村：{'、'.join(unplanned)}。")
    drawn = []
    for stratum in sorted(plans):
        stream = Stream(key, f"villages/{stratum}")
        drawn += draw_stratum(strata.get(stratum, []), plans[stratum], stream)
    return drawn


def draw_kind(units: Sequence[Unit], take: Take, stream: Stream) -> list[DrawnUnit]:
    """Stage 2 for one type in one village: those drawn in the order of refs, then the replacements."""
    listed = sorted(units, key=lambda one: one.ref)
    wanted = take.of(len(listed))
    if not listed or not wanted:
        return []
    chance = Fraction(wanted, len(listed))
    # A stable sort: random inside each year.
    deck = sorted(stream.shuffled(listed), key=lambda one: one.year)
    places = set(systematic([1] * len(deck), wanted, stream.below(len(deck))))
    main = sorted((deck[place] for place in places), key=lambda one: one.ref)
    others = [unit for place, unit in enumerate(deck) if place not in places]
    reserve = stream.shuffled(others)[: take.reserve]
    return [
        DrawnUnit(unit, is_reserve, rank, chance)
        for is_reserve, row in ((False, main), (True, reserve))
        for rank, unit in enumerate(row, start=1)
    ]


def draw_households(
    village: str, units: Iterable[Unit], takes: Mapping[str, Take], key: bytes
) -> list[DrawnUnit]:
    """Stage 2 in one drawn village: every type by its take; a type without one is not drawn."""
    kinds: dict[str, list[Unit]] = {}
    for unit in units:
        kinds.setdefault(unit.kind, []).append(unit)
    drawn = []
    for kind in sorted(kinds.keys() & takes.keys()):
        stream = Stream(key, f"households/{village}/{kind}")
        drawn += draw_kind(kinds[kind], takes[kind], stream)
    return drawn


@dataclass(frozen=True)
class Algorithm:
    """One version of the draw."""

    villages: Callable[..., list[DrawnVillage]]
    households: Callable[..., list[DrawnUnit]]


# By version; a sample that was drawn by an old one is drawn by it again.
ALGORITHMS = {1: Algorithm(draw_villages, draw_households)}
