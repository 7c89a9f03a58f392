"""How far each project of the demo city got and on which days; every order the rules ask for is kept."""

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random

from imports.demo import published_money as p
from imports.demo.cells import scaled
from imports.demo.places import random_for
from imports.demo.project_plan import (
    HOUSING,
    INDUSTRY,
    POSTS,
    RELOCATION,
    ROAD,
    STUDENTS,
    TRAINING,
    WATER,
    Draft,
)
from projects.enums import ORDER, State

# Days on which money was assigned, and how many of a hundred projects each time; chosen.
BATCHES = {
    date(2018, 1, 30): 26, date(2018, 3, 15): 30, date(2018, 5, 15): 26, date(2018, 7, 12): 18,
}  # fmt: skip
NOTICE_DAYS = 10
HOME_VILLAGE = "410324100203"
# What is published as done has been completed.
_DONE_TYPES = (ROAD, WATER, HOUSING, STUDENTS, TRAINING, POSTS)
NO_ASSET = ("02", "04", "05", "07", "09", "12", "99")
_FINISHED: dict[str, int] = {
    State.COMPLETED: 8, State.ACCEPTED: 10, State.SETTLED: 12, State.REGISTERED: 15,
    State.EVALUATED: 55,
}  # fmt: skip
# Whoever gets so far has completed by then.
_LATEST: dict[str, date] = {
    State.COMPLETED: date(2018, 12, 18), State.ACCEPTED: date(2018, 12, 5),
    State.SETTLED: date(2018, 11, 20), State.REGISTERED: date(2018, 11, 10),
    State.EVALUATED: date(2018, 11, 1),
}  # fmt: skip
# Of a hundred relocation sites and other projects so many are under way, and not begun.
_UNDER_WAY, _RELOCATION_UNDER_WAY, _WAITING = 9, 30, 2
_SMALL_UNDER_WAY = 20


def leaves_asset(kind: str) -> bool:
    return kind[:2] not in NO_ASSET


def schedule(drafts: Sequence[Draft], scale: float) -> None:
    """Write `days`, `starts` and `ends` of every project of the year plan."""
    industry = sorted(
        (one for one in drafts if one.group == INDUSTRY), key=lambda one: (one.units, one.site)
    )
    small = {id(one) for one in industry[: max(1, scaled(_SMALL_UNDER_WAY, scale))]}
    for number, one in enumerate(drafts):
        rng = random_for("schedule", number, one.type, one.site)
        _take(one, _last(one, rng, small), rng)


def _last(one: Draft, rng: Random, small: set[int]) -> str:
    chance = rng.uniform(0, 100)
    if one.group == INDUSTRY:
        if id(one) in small:
            return State.STARTED
    elif one.type == RELOCATION:
        if chance < _RELOCATION_UNDER_WAY:
            return State.STARTED
    elif one.type not in _DONE_TYPES:
        if chance < _WAITING:
            return State.BUDGETED
        if chance < _WAITING + _UNDER_WAY:
            return State.STARTED
    found = rng.choices(list(_FINISHED), list(_FINISHED.values()))[0]
    return State.SETTLED if found == State.REGISTERED and not leaves_asset(one.type) else found


def _before(rng: Random, year: int) -> dict[str, date]:
    """From the proposal in the autumn before to the library; the notice hangs for ten days between."""
    day = date(year - 1, 9, 20) + timedelta(days=rng.randrange(20))
    days: dict[str, date] = {State.PROPOSED: day}
    days[State.REVIEWED] = day = day + timedelta(days=rng.randrange(7, 16))
    days[State.DECIDED] = day = day + timedelta(days=rng.randrange(12, 26))
    days[State.LIBRARY] = day + timedelta(days=NOTICE_DAYS + 1 + rng.randrange(1, 10))
    return days


def _take(one: Draft, last: str, rng: Random) -> None:
    days = _before(rng, p.YEAR)
    days[State.BUDGETED] = rng.choices(list(BATCHES), list(BATCHES.values()))[0]
    one.starts = days[State.BUDGETED] + timedelta(days=rng.randrange(8, 36))
    if last == State.BUDGETED:
        one.ends = date(2018, 12, rng.randrange(1, 28))
    else:
        days[State.STARTED] = one.starts + timedelta(days=rng.choice((0, 0, 0, 3, 6, 12)))
        if last == State.STARTED:
            # Some are behind their day, some have until the next summer.
            one.ends = rng.choice(
                (date(2018, 10, 31), date(2018, 11, 30), date(2019, 5, 31), date(2019, 6, 30))
            )
        else:
            _end(one, days, last, rng)
    one.days = days


def _end(one: Draft, days: dict[str, date], last: str, rng: Random) -> None:
    begun = days[State.STARTED]
    done = min(begun + timedelta(days=rng.randrange(75, 250)), _LATEST[last])
    days[State.COMPLETED] = done
    one.ends = max(one.starts, done + timedelta(days=rng.randrange(-15, 26)))
    accepted = done + timedelta(days=rng.randrange(4, 11))
    settled = accepted + timedelta(days=NOTICE_DAYS + rng.randrange(2, 7))
    later: dict[str, date] = {
        State.ACCEPTED: accepted,
        State.SETTLED: settled,
        State.REGISTERED: settled + timedelta(days=rng.randrange(1, 5)),
        State.EVALUATED: settled + timedelta(days=rng.randrange(5, 12)),
    }
    for state in ORDER[ORDER.index(State.ACCEPTED) : ORDER.index(last) + 1]:
        if state != State.REGISTERED or leaves_asset(one.type):
            days[state] = later[state]


# Beside the plan: what came back, what was given up, and the library of the year to come.
_BESIDE: tuple[tuple[str, str, int, int], ...] = (
    (State.PROPOSED, State.REFUSED, 12, p.YEAR),
    (State.REVIEWED, State.REFUSED, 8, p.YEAR),
    (State.PROPOSED, State.CANCELLED, 4, p.YEAR),
    (State.LIBRARY, State.CANCELLED, 5, p.YEAR),
    (State.PROPOSED, "", 16, p.YEAR + 1),
    (State.REVIEWED, "", 12, p.YEAR + 1),
    (State.DECIDED, "", 12, p.YEAR + 1),
    (State.LIBRARY, "", 36, p.YEAR + 1),
)


def beside(models: Sequence[Draft], scale: float) -> list[Draft]:
    """Projects outside the year plan, like the given ones, which are in villages.

    Of those that wait, the first of each kind are of the village and town that have demo people.
    """
    made: list[Draft] = []
    for reached, ended, count, year in _BESIDE:
        for number in range(max(1, scaled(count, scale))):
            rng = random_for("beside", len(made))
            like = models[rng.randrange(len(models))]
            days = _before(rng, year)
            days = {state: days[state] for state in ORDER[: ORDER.index(reached) + 1]}
            if ended:
                days[ended] = days[reached] + timedelta(days=rng.randrange(5, 12))
            site = HOME_VILLAGE if not number and not ended else like.site
            one = Draft(like.zone, like.group, like.type, site, (site,), like.weight)
            one.units, one.days, one.year = round(like.weight), days, year
            one.starts, one.ends = date(year, 3, 20), date(year, 10, 31)
            made.append(one)
    return made
