"""Days by rule: around weekends, holidays, made-up days and the turn of the year."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exits.models import Holiday
from inspections.enums.findings import State
from inspections.services.common import UnfitError
from inspections.services.findings import deadlines, stepping
from inspections.services.findings.stepping import Duty
from tests.inspections.findings.conftest import Office, entered

pytestmark = pytest.mark.django_db
# Days off and worked of two years, as a notice of the State Council would list them.
OFF = (
    date(2018, 9, 24), date(2018, 10, 1), date(2018, 10, 2), date(2018, 10, 3), date(2018, 10, 4),
    date(2018, 10, 5), date(2018, 12, 31), date(2019, 1, 1), date(2019, 2, 4),
)  # fmt: skip
WORKED = (date(2018, 9, 29), date(2018, 9, 30), date(2018, 12, 29))


@pytest.fixture
def table(db: None) -> None:
    Holiday.objects.bulk_create(
        [Holiday(day=day, is_off=True, source="测试") for day in OFF]
        + [Holiday(day=day, is_off=False, source="测试") for day in WORKED]
    )


@pytest.mark.parametrize(
    ("on", "days", "until"),
    [
        # Friday, and the Monday after it.
        (date(2018, 9, 7), 1, date(2018, 9, 10)),
        # Over the Mid-Autumn Monday.
        (date(2018, 9, 21), 1, date(2018, 9, 25)),
        # A worked Saturday and Sunday before the national week.
        (date(2018, 9, 28), 2, date(2018, 9, 30)),
        (date(2018, 9, 28), 3, date(2018, 10, 8)),
        # Assigned on a day off.
        (date(2018, 10, 3), 1, date(2018, 10, 8)),
        # The turn of the year: a worked Saturday, then New Year.
        (date(2018, 12, 28), 1, date(2018, 12, 29)),
        (date(2018, 12, 28), 2, date(2019, 1, 2)),
    ],
)  # fmt: skip
def test_working_days_begin_the_day_after(table: None, on: date, days: int, until: date) -> None:
    assert deadlines.after(on, days) == until


def test_a_year_without_a_table_is_not_guessed(table: None) -> None:
    with pytest.raises(UnfitError, match="2020"):
        deadlines.after(date(2019, 12, 30), 5)


def rule(office: Office, days: int, prefix: str = "410324", **changes: str) -> None:
    deadlines.set_rule(
        region_prefix=prefix, days=days, reply_days=3, valid_from=date(2018, 1, 1),
        source=f"方案 {days}", by=office.county, **changes,
    )  # fmt: skip


def test_the_rule_that_says_most_holds(table: None, office: Office) -> None:
    asked = {"code": "410324100203", "source": "AUDIT", "level": "CITY", "severity": "GRAVE"}
    on = date(2018, 9, 3)
    assert deadlines.due(**asked, on=on) is None
    rule(office, 10)
    rule(office, 9, kind="AUDIT")
    rule(office, 8, level="COUNTY")
    assert deadlines.due(**asked, on=on) == deadlines.Due(date(2018, 9, 14), "方案 9（9 个工作日）")
    rule(office, 5, kind="AUDIT", severity="GRAVE")
    found = deadlines.due(**asked, on=on)
    assert found is not None
    assert found.on == date(2018, 9, 10)
    # Not before its first day, nor in another county.
    assert deadlines.due(**asked, on=date(2017, 12, 1)) is None
    assert deadlines.due(**{**asked, "code": "410325100203"}, on=on) is None


def test_a_problem_is_due_by_its_rule(table: None, office: Office) -> None:
    finding = entered(office.county)
    duty = Duty("城关镇人民政府", "王主任")
    with pytest.raises(UnfitError, match="没有适用的期限规定"):
        stepping.assign(finding=finding, duty=duty, on=date(2018, 9, 28), by=office.county)
    rule(office, 3)
    finding = stepping.assign(finding=finding, duty=duty, on=date(2018, 9, 28), by=office.county)
    assert (finding.state, finding.due_on) == (State.ASSIGNED, date(2018, 10, 8))
    assert finding.steps.get(state=State.ASSIGNED).due_source == "方案 3（3 个工作日）"


def test_a_rule_has_a_source_and_a_place(office: Office) -> None:
    with pytest.raises(UnfitError, match="依据"):
        deadlines.set_rule(
            region_prefix="410324", days=3, reply_days=3, valid_from=date(2018, 1, 1), source=" ",
            by=office.county,
        )  # fmt: skip
    with pytest.raises(UnfitError, match="权限"):
        rule(office, 3, "410325")
    with pytest.raises(UnfitError, match="权限"):
        rule(office, 3, "4103")


@given(st.dates(date(2018, 9, 1), date(2018, 12, 20)), st.integers(1, 20))
def test_as_many_working_days_as_asked_lie_between(on: date, days: int) -> None:
    """Counted one by one, with the table given by hand."""
    from households.formulas import WORKING, notice_end

    end = notice_end(on, days, WORKING, OFF, WORKED)
    worked = [
        day
        for day in (date.fromordinal(one) for one in range(on.toordinal(), end.toordinal() + 1))
        if day in WORKED or (day.weekday() < 5 and day not in OFF)
    ]
    assert (len(worked), worked[-1]) == (days, end)
