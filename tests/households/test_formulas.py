"""The clock of notices: against periods that were published, and against what must always hold."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from households import formulas
from households.formulas import CALENDAR, WORKING, notice_end

NEW_YEARS = {date(year, 1, 1) for year in range(2014, 2034)}
days = st.dates(date(2014, 1, 1), date(2030, 12, 31))


@pytest.mark.parametrize(
    ("start", "length", "kind", "end"),
    [
        # Henan 2017: five days, 11-15 January. Henan 2018: seven days, 5-11 January.
        (date(2017, 1, 11), 5, CALENDAR, date(2017, 1, 15)),
        (date(2018, 1, 5), 7, CALENDAR, date(2018, 1, 11)),
        # Gansu 2020: five working days, 17-21 February.
        (date(2020, 2, 17), 5, WORKING, date(2020, 2, 21)),
    ],
)
def test_published_periods(start: date, length: int, kind: str, end: date) -> None:
    assert notice_end(start, length, kind, holidays=[date(2020, 1, 24)]) == end


@given(days, st.integers(1, 60))
def test_calendar_days_count_the_first(start: date, length: int) -> None:
    assert (notice_end(start, length) - start).days == length - 1


@given(days, st.integers(1, 20), st.sets(days, min_size=1, max_size=30), st.sets(days, max_size=5))
def test_working_days_are_all_there_and_the_last_is_one(
    start: date, length: int, off: set[date], made_up: set[date]
) -> None:
    off = off | NEW_YEARS
    end = notice_end(start, length, WORKING, off, made_up)
    span = [start + timedelta(days=n) for n in range((end - start).days + 1)]
    worked = [one for one in span if one in made_up or (one.weekday() < 5 and one not in off)]
    assert len(worked) == length
    assert worked[-1] == end
    assert end >= notice_end(start, length)


@given(days, st.integers(1, 60))
def test_without_a_holiday_table_working_days_are_not_guessed(start: date, length: int) -> None:
    with pytest.raises(formulas.UnknownYearError) as caught:
        notice_end(start, length, WORKING)
    assert caught.value.year == start.year


def test_a_notice_that_runs_into_a_year_without_a_table_says_which() -> None:
    with pytest.raises(formulas.UnknownYearError) as caught:
        notice_end(date(2018, 12, 27), 5, WORKING, holidays=[date(2018, 10, 1)])
    assert caught.value.year == 2019


@given(days, st.integers(1, 20), st.sets(days, min_size=1), st.integers(0, 30))
def test_starting_later_never_ends_earlier(
    start: date, length: int, off: set[date], later: int
) -> None:
    off = off | NEW_YEARS
    first = notice_end(start, length, WORKING, off)
    assert notice_end(start + timedelta(days=later), length, WORKING, off) >= first


def test_a_notice_takes_a_day() -> None:
    with pytest.raises(ValueError, match="at least one"):
        notice_end(date(2018, 1, 1), 0)


def test_every_step_names_its_source() -> None:
    for template in formulas.TEMPLATES.values():
        assert template.source
        assert all(step.source for step in template.steps)
        assert [step.level for step in template.steps] == sorted(
            (step.level for step in template.steps), reverse=True
        )
    # Seven days were read for the two notices of identification and nothing else.
    stated = {
        (template.kind, step.code): step.min_days
        for template in formulas.TEMPLATES.values()
        for step in template.steps
        if step.min_days
    }
    assert stated == {("IDENTIFY", "VILLAGE_NOTICE"): 7, ("IDENTIFY", "TOWN_NOTICE"): 7}
