"""What is counted from the ledger of problems: open, overdue, mended, letters, relapses.

Counted anew for whoever asks, in one query: each count has a list (`listing.standing`) of as many.
A problem that was merged or split counts in those it went on in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.db import connection

from core.scope import after, trim
from inspections.queries.findings.listing import BRACKETS

# Digits of a division below one of so many digits: counties of a city, towns of a county, villages.
CHILD = {2: 4, 4: 6, 6: 9}


@dataclass
class Tally:
    """Counts of problems. `days` are the days from the first to the closing step of `closed` ones.

    `late` are the overdue by bracket (`listing.BRACKETS`, and one more).
    """

    counted: int = 0
    open: int = 0
    new: int = 0
    owed: int = 0
    overdue: int = 0
    waiting: int = 0
    done: int = 0
    watched: int = 0
    relapsed: int = 0
    days: int = 0
    # The day that passed first among the overdue ones.
    oldest: date | None = None
    late: tuple[int, ...] = (0,) * (len(BRACKETS) + 1)

    @property
    def closing(self) -> tuple[int, int]:
        """The closing rate as its two integers."""
        return self.done, self.counted


@dataclass
class Board:
    """A place's problems, whole and told apart; letters sent by kind."""

    whole: Tally = field(default_factory=Tally)
    sources: dict[str, Tally] = field(default_factory=dict)
    levels: dict[str, Tally] = field(default_factory=dict)
    places: dict[str, Tally] = field(default_factory=dict)
    units: dict[str, Tally] = field(default_factory=dict)
    letters: dict[str, int] = field(default_factory=dict)


_OWED = "state IN ('ASSIGNED', 'MEASURED', 'RETURNED')"
_DONE = "state IN ('CLOSED', 'WATCHED')"
_COUNTS = {
    "counted": "true",
    "open": f"NOT {_DONE}",
    "new": "state = 'FOUND'",
    "owed": _OWED,
    "overdue": f"{_OWED} AND due_on < %(day)s",
    "waiting": "state IN ('CLAIMED', 'VERIFIED')",
    "done": _DONE,
    "watched": "state = 'WATCHED'",
    "relapsed": "relapses > 0",
    "late0": f"{_OWED} AND due_on < %(day)s AND due_on >= %(late0)s",
    **{
        f"late{at}": f"{_OWED} AND due_on < %(late{at - 1})s AND due_on >= %(late{at})s"
        for at in range(1, len(BRACKETS))
    },
    f"late{len(BRACKETS)}": f"{_OWED} AND due_on < %(late{len(BRACKETS) - 1})s",
}
# Counted once by all four together; the few groups of that are then added up each way.
_TALLIES = (
    "WITH fine AS MATERIALIZED (SELECT source, level, left(region_code, %(size)s) AS place, lead_unit,"
    + ", ".join(f" count(*) FILTER (WHERE {of}) AS {name}" for name, of in _COUNTS.items())
    + ", sum(closed_on - found_on) AS days"
    + f", min(due_on) FILTER (WHERE {_COUNTS['overdue']}) AS oldest"
    + """
  FROM inspections_finding
 WHERE region_code >= %(low)s AND region_code < %(high)s AND state NOT IN ('MERGED', 'SPLIT')
   AND (%(since)s::date IS NULL OR found_on >= %(since)s)
   AND (%(until)s::date IS NULL OR found_on < %(until)s)
 GROUP BY 1, 2, 3, 4)
SELECT source, level, place, lead_unit, grouping(source, level, place, lead_unit) AS told,"""
    + ", ".join(f" coalesce(sum({name}), 0)::bigint AS {name}" for name in _COUNTS)
    + """, coalesce(sum(days), 0)::bigint AS days, min(oldest) AS oldest
  FROM fine GROUP BY GROUPING SETS ((), (source), (level), (place), (lead_unit))
"""
)
_LETTERS = """
SELECT kind, count(*) FROM inspections_letter
 WHERE region_code >= %(low)s AND region_code < %(high)s AND number IS NOT NULL
   AND (%(since)s::date IS NULL OR issued_on >= %(since)s)
   AND (%(until)s::date IS NULL OR issued_on < %(until)s)
 GROUP BY kind
"""
# What `grouping` says: a bit for each that is not told apart, the first the highest.
_SOURCES, _LEVELS, _PLACES, _UNITS, _WHOLE = 0b0111, 0b1011, 0b1101, 0b1110, 0b1111


def board(code: str, day: date, since: date | None = None, until: date | None = None) -> Board:
    """The problems found below a division from `since` until before `until`, as of a day."""
    low = trim(code)
    values: dict[str, Any] = {
        "size": CHILD.get(len(low), 12), "low": low.ljust(12, "0"), "high": after(low).ljust(12, "0"), "day": day, "since": since,
        "until": until,
        **{f"late{at}": day - timedelta(days=days) for at, days in enumerate(BRACKETS)},
    }  # fmt: skip
    found = Board()
    with connection.cursor() as cursor:
        cursor.execute(_TALLIES, values)
        names = [column.name for column in cursor.description]
        for row in cursor.fetchall():
            told = dict(zip(names, row, strict=True))
            tally = _tally(told)
            if told["told"] == _WHOLE:
                found.whole = tally
            elif told["told"] == _SOURCES:
                found.sources[told["source"]] = tally
            elif told["told"] == _LEVELS:
                found.levels[told["level"]] = tally
            elif told["told"] == _PLACES:
                found.places[told["place"]] = tally
            elif told["lead_unit"]:
                found.units[told["lead_unit"]] = tally
        cursor.execute(_LETTERS, values)
        found.letters = dict(cursor.fetchall())
    return found


@dataclass(frozen=True)
class Late:
    """What a leader's page says of a place's problems, and of each place below with overdue ones.

    `rungs` are the overdue by the letter they have had: none, first, second, third.
    """

    open: int = 0
    overdue: int = 0
    oldest: date | None = None
    rungs: tuple[int, int, int, int] = (0, 0, 0, 0)


_LATE = f"""
SELECT CASE grouping(left(region_code, %(size)s)) WHEN 1 THEN '' ELSE left(region_code, %(size)s) END,
       count(*), count(*) FILTER (WHERE late), min(due_on) FILTER (WHERE late),
       count(*) FILTER (WHERE late AND rung = 0), count(*) FILTER (WHERE late AND rung = 1),
       count(*) FILTER (WHERE late AND rung = 2), count(*) FILTER (WHERE late AND rung = 3)
  FROM (SELECT region_code, due_on, rung, {_OWED} AND due_on < %(day)s AS late
          FROM inspections_finding
         WHERE state IN ('FOUND', 'ASSIGNED', 'MEASURED', 'CLAIMED', 'VERIFIED', 'RETURNED')
           AND region_code >= %(low)s AND region_code < %(high)s) AS f
 GROUP BY GROUPING SETS ((), (left(region_code, %(size)s)))
"""


def late(code: str, day: date) -> dict[str, Late]:
    """By prefix of the places below a division, and under "" for all of it; one query."""
    low = trim(code)
    with connection.cursor() as cursor:
        cursor.execute(
            _LATE,
            {
                "size": CHILD.get(len(low), 12), "low": low.ljust(12, "0"),
                "high": after(low).ljust(12, "0"), "day": day,
            },
        )  # fmt: skip
        return {
            place: Late(many, overdue, oldest, tuple(rungs))
            for place, many, overdue, oldest, *rungs in cursor.fetchall()
        }


def campaigns(code: str) -> tuple[int, int, int, int]:
    """How many inspections of a place there were; told of with a number, that number, and entered."""
    low = trim(code)
    with connection.cursor() as cursor:
        cursor.execute(_CAMPAIGNS, {"low": low.ljust(12, "0"), "high": after(low).ljust(12, "0")})
        many, with_number, expected, entered = cursor.fetchone()
    return int(many), int(with_number), int(expected), int(entered)


# What was split off or looked for elsewhere was not told by the inspection.
_CAMPAIGNS = """
SELECT count(*), count(expected), coalesce(sum(expected), 0),
       coalesce(sum((SELECT count(*) FROM inspections_finding f
                      WHERE f.campaign_id = c.id AND f.origin NOT IN ('SPLIT', 'SWEEP'))), 0)
  FROM inspections_campaign c
 WHERE c.region_code >= %(low)s AND c.region_code < %(high)s
"""


def _tally(told: Mapping[str, Any]) -> Tally:
    names = (name for name in _COUNTS if not name.startswith("late"))
    return Tally(
        **{name: told[name] for name in names},
        days=told["days"],
        oldest=told["oldest"],
        late=tuple(told[f"late{at}"] for at in range(len(BRACKETS) + 1)),
    )
