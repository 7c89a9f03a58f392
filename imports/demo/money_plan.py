"""How the money of the demo city went in 2018: from documents to counties, projects and payees.

Pure: what projects may cost and how far they got comes in, movements with their days go out. Amounts
of allotments are units of 100 yuan, of payments fen.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from imports.demo import published_money as p
from imports.demo.budgets import CountyMoney
from imports.demo.cells import scaled
from imports.demo.places import random_for
from imports.demo.shares import apportion
from projects.enums import State

FEN = 10_000  # in a unit
# A pool's money is handed on so many days after it came in, and allotted so many days after that.
_DOWN, _ALLOT, _PAY = 8, 5, 3
_PAY_DAYS = (8, 18, 26)
LAST_DAY = date(p.YEAR, 12, 24)
_ADVANCE, _MIDDLE = 0.2, 0.25
_SETTLED = (State.SETTLED, State.REGISTERED, State.EVALUATED)
# State → shares of its money that are paid at least and at most.
_PAID: dict[str, tuple[float, float]] = {
    State.STARTED: (0.3, 0.85),
    State.COMPLETED: (0.6, 0.95),
    State.ACCEPTED: (0.6, 0.95),
}
_RETENTION = 0.97


@dataclass
class Stream:
    """A document's money in one place: who books it, how much, since when it is in each county's pool."""

    paper: p.Paper
    booked_by: str  # county prefix, or the city's
    units: int
    shares: dict[str, int] = field(default_factory=dict)
    kept: int = 0

    def pool_day(self, county: str) -> date:
        return self.paper.arrives + timedelta(days=0 if county == self.booked_by else _DOWN)


@dataclass
class Holder:
    """Who is allotted money: a project (`key`) or an office (`unit`) of a county or the city.

    `audited` (fen) is what it may cost in the end; `days` the days of its steps.
    """

    county: str
    site: str
    units: int
    key: int | None = None
    unit: str = ""
    kind: str = ""
    state: str = State.EVALUATED
    audited: int = 0
    days: dict[str, date] = field(default_factory=dict)
    paid: int = 0
    slices: list["Slice"] = field(default_factory=list)

    @property
    def use(self) -> str:
        return {"03": p.RELOCATION, "04": p.STUDENT}.get(self.kind[:2], p.GENERAL)

    @property
    def is_industry(self) -> bool:
        return self.kind[:2] == "01"


@dataclass
class Slice:
    """Part of a holder's money that comes from one stream, allotted on a day."""

    holder: Holder
    stream: int
    units: int
    day: date


@dataclass(frozen=True)
class Tranche:
    """Fen paid to a holder out of one slice on a day; `by_card`: to the households it helps."""

    slice: Slice
    fen: int
    day: date
    by_card: bool = False


CITY = "4103"


def streams(money: Sequence[CountyMoney], poor: frozenset[str], scale: float) -> list[Stream]:
    """Every document's money split over the counties, whose sums are theirs; the city keeps its own."""
    found: list[Stream] = []
    kept = kept_by_city(scale)
    for use in (p.RELOCATION, p.STUDENT, p.GENERAL):
        needs = {
            one.code: {
                p.RELOCATION: one.relocation, p.STUDENT: one.students, p.GENERAL: one.general
            }[use]
            for one in money
        }  # fmt: skip
        papers = [paper for paper in p.PAPERS if paper.use == use]
        whole = sum(needs.values()) + (sum(kept.values()) if use == p.GENERAL else 0)
        amounts = apportion(whole, [paper.amount for paper in papers])
        left = dict(needs)
        own = [pair for pair in zip(papers, amounts, strict=True) if pair[0].own]
        for paper, amount in own:
            codes = [code for code in needs if paper.own == p.ALL or code in poor]
            parts = apportion(amount, [needs[code] for code in codes])
            for code, part in zip(codes, parts, strict=True):
                if part:
                    found.append(Stream(paper, code, part, {code: part}))
                    left[code] -= part
        for paper, amount in zip(papers, amounts, strict=True):
            if not paper.own:
                here = kept.get(paper.number, 0)
                parts = apportion(amount - here, list(left.values()), high=list(left.values()))
                shares = {c: part for c, part in zip(left, parts, strict=True) if part}
                for code, part in shares.items():
                    left[code] -= part
                found.append(Stream(paper, CITY, amount, shares, here))
    return sorted(found, key=lambda one: (one.paper.arrives, one.paper.number, one.booked_by))


def kept_by_city(scale: float) -> dict[str, int]:
    """Document → units that stay in the city: its offices', and what nobody was given yet."""
    offices = scaled(sum(units for _, units in p.CITY_OFFICES), scale)
    city = next(one for one in p.PAPERS if one.kind == "31")
    gifts = next(one for one in p.PAPERS if one.kind == "73")
    return {city.number: offices, gifts.number: scaled(p.CITY_POOL, scale)}


def allot(holders: Sequence[Holder], found: Sequence[Stream], money: Sequence[CountyMoney]) -> None:
    """Slice every county's pools among its holders, first come first served; the end stays in the pool."""
    for county in money:
        for use in (p.RELOCATION, p.STUDENT, p.GENERAL):
            ones = [one for one in holders if one.county == county.code and one.use == use]
            ones.sort(key=lambda one: (one.days.get(State.BUDGETED, LAST_DAY), one.key or 0))
            pools = [
                [at, stream.shares[county.code]] for at, stream in enumerate(found)
                if stream.paper.use == use and stream.shares.get(county.code)
            ]  # fmt: skip
            _slice(ones, pools, found)


def _slice(ones: Sequence[Holder], pools: list[list[int]], found: Sequence[Stream]) -> None:
    at = 0
    for one in ones:
        missing = one.units
        while missing:
            part = min(missing, pools[at][1])
            if part:
                ready = found[pools[at][0]].pool_day(one.county) + timedelta(days=_ALLOT)
                asked = one.days.get(State.BUDGETED, ready) + timedelta(days=_ALLOT)
                one.slices.append(Slice(one, pools[at][0], part, max(ready, asked)))
                pools[at][1] -= part
                missing -= part
            if not pools[at][1]:
                at += 1


def spend(holders: Sequence[Holder], scale: float) -> None:
    """What each holder has paid, in fen, to the published sums."""
    industry = [one for one in holders if one.is_industry]
    students = [one for one in holders if one.use == p.STUDENT]
    rest = [one for one in holders if not one.is_industry and one.use != p.STUDENT]
    total = scaled(p.SPENT_FEN, scale)
    bought = scaled(p.INDUSTRY_SPENT_FEN, scale)
    aid = sum(one.units for one in students) * FEN
    for ones, amount in ((industry, bought), (students, aid), (rest, total - bought - aid)):
        bounds = [_bounds(one) for one in ones]
        highs = [high for _, high in bounds]
        parts = apportion(amount, highs, low=[low for low, _ in bounds], high=highs)
        for one, part in zip(ones, parts, strict=True):
            one.paid = part


def _bounds(one: Holder) -> tuple[int, int]:
    """Fen that are paid at least and at most."""
    whole = one.units * FEN
    if one.use == p.STUDENT:
        return whole, whole
    if one.unit:
        return whole * 9 // 10, whole
    if one.state in _SETTLED:
        most = min(one.audited, whole)
        return int(most * _RETENTION), most
    if one.is_industry:
        return whole * 3 // 10, whole if one.state != State.STARTED else whole * 9 // 10
    low, high = _PAID.get(one.state, (0.0, 0.0))
    return int(whole * low), int(whole * high)


def tranches(one: Holder) -> Iterator[Tranche]:
    """The payments of a holder: an advance, the middle, the rest; each out of its slices in order."""
    left = [part.units * FEN for part in one.slices]
    for day, fen, by_card in due(one):
        missing = fen
        for at, part in enumerate(one.slices):
            taken = min(missing, left[at])
            if taken:
                ready = max(day, part.day + timedelta(days=_PAY))
                yield Tranche(part, taken, pay_day(ready), by_card)
                left[at] -= taken
                missing -= taken


def due(one: Holder) -> list[tuple[date, int, bool]]:
    """(day, fen, whether to households by card) that add up to what is paid."""
    if not one.paid:
        return []
    if one.unit:
        third = one.paid // 3
        days = (date(p.YEAR, 6, 20), date(p.YEAR, 9, 20), date(p.YEAR, 12, 12))
        return list(zip(days, (third, third, one.paid - 2 * third), (False,) * 3, strict=True))
    begun = one.days[State.STARTED]
    done = one.days.get(State.COMPLETED, date(p.YEAR, 12, 6))
    last = one.days.get(State.SETTLED, one.days.get(State.ACCEPTED, done)) + timedelta(days=4)
    if one.kind == "06":
        return [(last, one.paid, True)]
    first, second = int(one.paid * _ADVANCE), int(one.paid * _MIDDLE)
    card = one.kind in ("0101", "0102", "0103") and not one.site.endswith("000")
    return [
        (begun + timedelta(days=6), first, False),
        (begun + (done - begun) * 2 / 3, second, card),
        (last, one.paid - first - second, False),
    ]


def pay_day(day: date) -> date:
    """The next day on which the offices pay."""
    for of_month in _PAY_DAYS:
        if day.day <= of_month:
            return min(day.replace(day=of_month), LAST_DAY)
    later = (day.replace(day=1) + timedelta(days=32)).replace(day=_PAY_DAYS[0])
    return min(later, LAST_DAY)


def household_parts(fen: int, count: int, *words: object) -> list[int]:
    """A tranche's fen over its households, no two of them quite alike."""
    rng = random_for("cards", *words)
    return apportion(fen, [rng.uniform(0.85, 1.15) for _ in range(count)], low=[1] * count)
