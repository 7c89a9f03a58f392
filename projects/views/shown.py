"""How a project stands in lists: its colour, whether it is late, its bars and its county's tile."""

from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.conf import settings

from projects.enums import State
from projects.models import Project
from projects.queries import figures
from villages.queries.divisions import county_tiles

TONES = {
    State.EVALUATED: "good", State.REGISTERED: "good", State.SETTLED: "good",
    State.REFUSED: "bad", State.CANCELLED: "bad",
}  # fmt: skip


def shown(one: Project, day: date) -> dict[str, Any]:
    late_start = one.state == State.BUDGETED and one.planned_start < day
    late_end = one.state == State.STARTED and one.planned_end < day
    return {
        "one": one,
        "tone": TONES.get(State(one.state), "neutral"),
        "late": "逾期未开工" if late_start else "逾期未完工" if late_end else "",
    }


def end_of(year: str, day: date) -> date:
    """The last day of the year that was asked for; without one, today."""
    known = year.isascii() and year.isdigit() and 2010 <= int(year) <= 2100
    return date(int(year), 12, 31) if known else day


def tiles(lines: list[figures.Line], asked: dict[str, str], day: date) -> list[dict[str, Any]]:
    """Counties placed by neighbourhood, shaded by quarters of their 竣工率; none without a plan."""
    positions = {
        code[:6]: place
        for code, place in county_tiles(settings.SITE_CITY_CODE.ljust(12, "0"), day).items()
    }
    return [
        {
            "name": positions[line.key][0],
            "col": positions[line.key][1],
            "row": positions[line.key][2],
            "band": 4 * line.done // line.planned if line.planned else "none",
            "line": line,
            "href": urlencode(asked | {"region": line.key}),
        }
        for line in lines
        if line.key in positions
    ]


def bars(one: Project, year: int, day: date) -> dict[str, Any]:
    """From which half-month to which, 1 to 24, what was planned and what really went on."""
    real = None
    if one.started_on:
        real = _span(one.started_on, one.completed_on or day, year)
    return {"plan": _span(one.planned_start, one.planned_end, year), "real": real}


def _span(first: date, last: date, year: int) -> tuple[int, int] | None:
    """Half-months of the year that the days touch; None when they lie outside.

    >>> _span(date(2018, 3, 1), date(2018, 3, 31), 2018)
    (5, 6)
    """
    if last.year < year or first.year > year:
        return None
    return _half(max(first, date(year, 1, 1))), _half(min(last, date(year, 12, 31)))


def _half(day: date) -> int:
    return 2 * day.month - (day.day <= 15)
