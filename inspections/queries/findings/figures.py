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
_TALLIES = (
    "SELECT source, level, left(region_code, 6) AS place, lead_unit,"
    " grouping(source, level, left(region_code, 6), lead_unit) AS told,"
    + ", ".join(f" count(*) FILTER (WHERE {of}) AS {name}" for name, of in _COUNTS.items())
    + ", coalesce(sum(closed_on - found_on), 0)::bigint AS days"
    + """
  FROM inspections_finding
 WHERE region_code >= %(low)s AND region_code < %(high)s AND state NOT IN ('MERGED', 'SPLIT')
   AND (%(since)s::date IS NULL OR found_on >= %(since)s)
   AND (%(until)s::date IS NULL OR found_on < %(until)s)
 GROUP BY GROUPING SETS ((), (source), (level), (left(region_code, 6)), (lead_unit))
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
        "low": low.ljust(12, "0"), "high": after(low).ljust(12, "0"), "day": day, "since": since,
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


def _tally(told: Mapping[str, Any]) -> Tally:
    names = (name for name in _COUNTS if not name.startswith("late"))
    return Tally(
        **{name: told[name] for name in names},
        days=told["days"],
        late=tuple(told[f"late{at}"] for at in range(len(BRACKETS) + 1)),
    )
