"""What would follow if repairs were completed: plain values in, plain values out, nothing stored.

Used both for the metrics on the what-if page and for saying what a plan must reach. The model is that
of `exits.checks.tipping`: a household whose items are all completed leaves with its persons; a village
tips when its gates hold; a county's share of exited poor villages grows by those that tip.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal

from exits.checks.items import judge
from exits.checks.tipping import (
    Candidate,
    Place,
    Plan,
    fewest,
    persons_to_exit,
    persons_to_leave,
)
from exits.enums import Comparator, Outcome

CEILINGS = (Comparator.LT, Comparator.LE)


@dataclass(frozen=True, slots=True)
class Home:
    """A household still poor: its persons, the codes of the veto items open in it."""

    key: str
    village: str
    persons: int
    open: frozenset[str]
    can_leave: bool = True


@dataclass(frozen=True, slots=True)
class Gate:
    """A gate that counts persons or villages: `numerator` ÷ `denominator` against a standard.

    A ceiling falls as persons leave; a floor rises. Without numbers nobody can say.
    """

    code: str
    numerator: int | None
    denominator: int | None
    comparator: str
    threshold: Decimal

    def after(self, count: int) -> "Gate":
        """The gate when so many persons have left, or villages tipped."""
        if self.numerator is None:
            return self
        moved = -min(count, self.numerator) if self.comparator in CEILINGS else count
        return Gate(
            self.code, self.numerator + moved, self.denominator, self.comparator, self.threshold
        )

    @property
    def outcome(self) -> Outcome:
        if not self.denominator:
            return Outcome.MISSING
        return judge(
            self.numerator, self.numerator, self.comparator, self.threshold, base=self.denominator
        )

    @property
    def needed(self) -> int | None:
        """How many must leave or tip for the gate to hold; None when nobody can say."""
        if self.numerator is None or not self.denominator:
            return None
        count = persons_to_leave if self.comparator in CEILINGS else persons_to_exit
        return count(self.numerator, self.denominator, self.comparator, self.threshold)


@dataclass(frozen=True, slots=True)
class Village:
    """A village: its gates that count persons, the other veto items open in it, whether it exited."""

    code: str
    gates: tuple[Gate, ...]
    open: frozenset[str]
    can_repair: bool = True
    is_poor: bool = True
    has_exited: bool = False

    @property
    def needed(self) -> int | None:
        """Persons that must leave for all its gates; None where one cannot be told."""
        found = [gate.needed for gate in self.gates]
        return None if None in found else max((n for n in found if n is not None), default=0)

    @property
    def can_tip(self) -> bool:
        return self.can_repair and self.needed is not None


@dataclass(frozen=True, slots=True)
class County:
    """What a county asks for: gates that count persons, and the share of poor villages that exited."""

    gates: tuple[Gate, ...] = ()
    villages: Gate | None = None


@dataclass(frozen=True)
class Effect:
    """What follows: who could leave, which villages tip, the gates as they would stand."""

    leaving: frozenset[str]
    persons: int
    tipped: frozenset[str]
    gates: tuple[Gate, ...]
    by_village: dict[str, tuple[Gate, ...]]


def effect(
    homes: Collection[Home],
    villages: Iterable[Village],
    county: County,
    ticked: Collection[tuple[str, str]],
) -> Effect:
    """What completing these (household or village, item) repairs would do.

    A household with nothing open is ready: it leaves too, for only the procedure is missing.
    """
    done: dict[str, set[str]] = {}
    for key, item in ticked:
        done.setdefault(key, set()).add(item)
    leaving = [one for one in homes if one.can_leave and one.open <= done.get(one.key, set())]
    persons: dict[str, int] = {}
    for one in leaving:
        persons[one.village] = persons.get(one.village, 0) + one.persons
    tipped, after = set(), {}
    for place in villages:
        after[place.code] = tuple(gate.after(persons.get(place.code, 0)) for gate in place.gates)
        holds = all(gate.outcome == Outcome.MET for gate in after[place.code])
        if holds and place.can_repair and place.open <= done.get(place.code, set()):
            tipped.add(place.code)
    more = sum(p.is_poor and not p.has_exited and p.code in tipped for p in villages)
    total = sum(persons.values())
    gates = [gate.after(total) for gate in county.gates]
    if county.villages is not None:
        gates.append(county.villages.after(more))
    keys = frozenset(one.key for one in leaving)
    return Effect(keys, total, frozenset(tipped), tuple(gates), after)


def candidates(homes: Iterable[Home]) -> list[Candidate]:
    return [
        Candidate(one.key, one.village, one.persons, len(one.open))
        for one in homes
        if one.can_leave
    ]


def plan_of_village(homes: Iterable[Home], village: Village) -> Plan:
    """The fewest items that tip a village."""
    place = Place(village.code, village.needed or 0, len(village.open), village.can_tip)
    own = [one for one in homes if one.village == village.code]
    return fewest(candidates(own), [place], villages=1)


def plan_of_county(homes: Iterable[Home], villages: Iterable[Village], county: County) -> Plan:
    """The fewest items that make the county's gates of persons and of villages hold.

    Gates that cannot be told ask for nothing here; they stay open beside the plan.
    """
    persons = max((gate.needed or 0 for gate in county.gates), default=0)
    wanted = county.villages.needed or 0 if county.villages is not None else 0
    places = [
        Place(one.code, one.needed or 0, len(one.open), one.can_tip)
        for one in villages
        if one.is_poor and not one.has_exited
    ]
    return fewest(candidates(homes), places, persons=persons, villages=wanted)
