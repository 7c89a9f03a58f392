"""Days off from the library: only what differs from the week, and never over what is there."""

from datetime import date

import pytest

from exits.models import Holiday
from exits.services import holidays_published, procedures_notices
from households.formulas import WORKING


def test_only_what_differs_from_the_week() -> None:
    days = dict(holidays_published.days(2018))
    assert days[date(2018, 10, 1)]
    assert not days[date(2018, 9, 29)]
    # A Saturday inside the week of the national day is off anyway.
    assert date(2018, 10, 6) not in days
    assert all((day.weekday() < 5) == is_off for day, is_off in days.items())


def test_every_year_it_knows_has_days_off() -> None:
    assert all(
        any(off for _, off in holidays_published.days(y)) for y in holidays_published.years()
    )


@pytest.mark.django_db
def test_a_year_that_is_there_stays_as_it_is() -> None:
    Holiday.objects.create(day=date(2018, 1, 1), is_off=True, source="放假通知")
    assert not holidays_published.take_over([2018], by=None)
    assert Holiday.objects.get().source == "放假通知"


@pytest.mark.django_db
def test_working_days_pass_over_the_national_week() -> None:
    holidays_published.take_over([2018], by=None)
    # 28 September is a Friday; 29 and 30 are worked, the week of 1 October is off.
    ends = procedures_notices.ends_on(date(2018, 9, 28), 4, WORKING)
    assert ends == date(2018, 10, 8)
