"""Days off and days worked as a kept library tells them, for who answers for the table to take over.

The library follows the State Council's notice of each year, which comes out in the autumn before;
a year it does not know yet is loaded from a file when its notice is there.
"""

from collections.abc import Iterable
from datetime import date
from importlib.metadata import version
from typing import Any

from chinese_calendar.constants import holidays, workdays

from core.acting import acting
from exits.models import Holiday

_SATURDAY = 5


def source() -> str:
    """What the table says about where such days come from."""
    return f"chinesecalendar {version('chinesecalendar')}，依国务院办公厅各年放假通知整理"


def years() -> list[int]:
    """The years the library knows."""
    return sorted({day.year for day in holidays})


def offered() -> list[int]:
    """The years the library knows and the table has nothing of."""
    known = {day.year for day in Holiday.objects.dates("day", "year")}
    return [year for year in years() if year not in known]


def days(year: int) -> list[tuple[date, bool]]:
    """The days of a year that are off on a weekday (True) or worked on a weekend (False)."""
    off = [(day, True) for day in holidays if day.year == year and day.weekday() < _SATURDAY]
    worked = [(day, False) for day in workdays if day.year == year and day.weekday() >= _SATURDAY]
    return sorted(off + worked)


def take_over(wanted: Iterable[int], *, by: Any) -> int:
    """Put years into the table that has nothing of them yet; how many days were added."""
    rows = [
        Holiday(day=day, is_off=is_off, source=source())
        for year in sorted(set(wanted) & set(offered()))
        for day, is_off in days(year)
    ]
    with acting(by=by, reason="载入节假日表"):
        Holiday.objects.bulk_create(rows)
    return len(rows)
