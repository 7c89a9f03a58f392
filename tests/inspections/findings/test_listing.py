"""The ledger's lists, and that each figure has a list of as many."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from core import walls
from households.services.assigning import assign
from inspections.enums.findings import GONE, State
from inspections.models import Finding
from inspections.queries.findings import figures, listing
from inspections.services.findings import stepping
from inspections.services.letters import preparing, sending
from tests.factories.households import household
from tests.inspections.findings.conftest import DAY, DUE, VILLAGE, Office, entered

pytestmark = pytest.mark.django_db
NOW = DUE + timedelta(20)
STANDINGS = (
    "open", "new", "owed", "overdue", "waiting", "done", "watched", "relapsed", "counted",
)  # fmt: skip


@pytest.fixture
def ledger(office: Office) -> Office:
    """A problem in every state, two of them of another kind, one that came back."""
    for state in State.values:
        office.brought_to(state)
    for late in (1, 8, 31, 100):
        finding = entered(office.county, severity="GRAVE")
        due = NOW - timedelta(late)
        duty = stepping.Duty(f"单位{late}", "某人", due_on=max(due, DAY), due_source="方案")
        stepping.assign(finding=finding, duty=duty, on=DAY, by=office.county)
    back = office.brought_to(State.CLOSED)
    stepping.look(finding=back, result="RELAPSED", words="又来", on=NOW, by=office.second)
    return office


def many(**asked: str) -> int:
    return int(listing.narrowed(Finding.objects.all(), asked, NOW).count())


def test_every_count_has_a_list_of_as_many(ledger: Office) -> None:
    whole = figures.board("4103", NOW).whole
    for name in STANDINGS:
        assert getattr(whole, name) == many(standing=name) > 0, name
    assert [whole.late[at] for at in range(4)] == [many(late=str(at)) for at in range(4)]
    assert sum(whole.late) == whole.overdue
    assert whole.open == whole.new + whole.owed + whole.waiting
    assert whole.counted == whole.open + whole.done
    assert whole.counted + Finding.objects.filter(state__in=GONE).count() == Finding.objects.count()
    assert whole.closing == (whole.done, whole.counted)


def test_parts_make_the_whole(ledger: Office) -> None:
    board = figures.board("410324000000", NOW)
    for parts in (board.sources, board.levels, board.places):
        assert sum(one.counted for one in parts.values()) == board.whole.counted
        assert sum(one.overdue for one in parts.values()) == board.whole.overdue
    for unit, tally in board.units.items():
        assert tally.owed == many(unit=unit, standing="owed")
    assert figures.board("410325", NOW).whole == figures.Tally()


def test_days_run_from_the_finding_to_its_closing(office: Office) -> None:
    office.brought_to(State.CLOSED)
    office.brought_to(State.WATCHED)
    whole = figures.board("4103", NOW).whole
    assert (whole.done, whole.days) == (2, 10)
    assert figures.board("4103", NOW, since=DAY + timedelta(1)).whole.counted == 0
    assert figures.board("4103", NOW, until=DAY).whole.counted == 0
    assert figures.board("4103", NOW, DAY, DAY + timedelta(1)).whole.counted == 2


def test_letters_that_were_sent_are_counted(office: Office) -> None:
    office.brought_to(State.ASSIGNED)
    (draft,) = preparing.prepare(today=NOW, prefix="4103")
    assert figures.board("4103", NOW).letters == {}
    sending.issue(letter=draft, on=NOW, reply_due_on=NOW + timedelta(3), by=office.county)
    assert figures.board("410324", NOW).letters == {"REMIND": 1}
    assert many(rung="1") == 1


def test_pages_go_through_all_overdue_first(ledger: Office) -> None:
    seen: list[Finding] = []
    after = ""
    while True:
        page = listing.page(Finding.objects.all(), NOW, after, size=3)
        seen += page.rows
        if not (after := page.after):
            break
    assert len(seen) == Finding.objects.count() == len({one.pk for one in seen})
    ranks = [listing.rank_of(one, NOW) for one in seen]
    keys = [(rank, one.due_on or date.max, one.pk) for rank, one in zip(ranks, seen, strict=True)]
    assert keys == sorted(keys)
    late = many(standing="overdue")
    assert set(ranks[:late]) == {0}
    assert ranks[late] == 1
    assert ranks[-1] == 2
    back: list[Finding] = []
    before = page.before
    while before:
        page = listing.page(Finding.objects.all(), NOW, before=before, size=3)
        back = page.rows + back
        before = page.before
    assert back == seen[: len(back)]
    assert len(back) >= len(seen) - 3


@pytest.mark.parametrize("after", ["", "x", "1.2", "0.20180101", "0.20189901.3", "9.20180101.٣"])
def test_nonsense_begins_at_the_beginning(office: Office, after: str) -> None:
    entered(office.county)
    assert len(listing.page(Finding.objects.all(), NOW, after).rows) == 1


@pytest.mark.parametrize(
    "asked",
    [
        {"region": "41"}, {"source": "SUPERVISION"}, {"level": "COUNTY"}, {"severity": "ORDINARY"},
        {"state": "FOUND"}, {"origin": "ENTERED"}, {"object_kind": "PLACE"}, {"words": "公示"},
        {"words": "W2018"}, {"found_from": "2018-09-03"}, {"due_to": "x"}, {"late": "9"},
        {"standing": "nonsense"}, {"source": "nonsense"}, {"region": "4"}, {"campaign": "x"},
    ],
)  # fmt: skip
def test_what_fits_and_what_makes_no_sense_is_found(office: Office, asked: dict[str, str]) -> None:
    entered(office.county)
    assert many(**asked) == 1


@pytest.mark.parametrize(
    "asked",
    [
        {"region": "410325"}, {"source": "AUDIT"}, {"severity": "GRAVE"}, {"words": "别的"},
        {"found_from": "2018-09-04"}, {"due_from": "2018-01-01"}, {"campaign": "7"},
        {"unit": "别的"}, {"category": "X"}, {"mine": "7"}, {"rung": "1"},
    ],
)  # fmt: skip
def test_what_does_not_fit_is_not_found(office: Office, asked: dict[str, str]) -> None:
    entered(office.county)
    assert many(**asked) == 0


def test_nobody_sees_the_neighbours(office: Office, songxian_clerk: User, helper: User) -> None:
    home = household(code=VILLAGE).household
    entered(office.county, object_kind="HOUSEHOLD", household=home)
    entered(office.county, code="410324000000")
    assert listing.visible(office.county).count() == 2
    # What concerns the county as a whole is not the village's.
    assert listing.visible(office.village).count() == 1
    assert listing.visible(songxian_clerk).count() == listing.visible(helper).count() == 0
    # Whoever is entrusted with the household is to know what was found of it.
    assign(household=home, user=helper, reason="帮扶", by=office.county)
    helper = User.objects.get(pk=helper.pk)
    assert listing.visible(helper).count() == 1
    for actor, seen in ((office.county, 2), (office.village, 1), (songxian_clerk, 0), (helper, 1)):
        with walls.scoped(actor):
            assert Finding.objects.count() == seen
            assert figures.board("4103", NOW).whole.counted == seen


def test_a_list_costs_as_much_with_three_rows_as_with_one(office: Office) -> None:
    def cost() -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            page = listing.page(listing.visible(office.county), NOW)
            assert [one.region.name for one in page.rows]
        return len(asked)

    entered(office.county)
    one = cost()
    entered(office.county)
    entered(office.county)
    # One for each rank, whatever stands in it.
    assert cost() == one == 3


def test_watched_ones_are_looked_at_every_month(office: Office) -> None:
    finding = office.brought_to(State.WATCHED)
    month_after = date(2018, 10, 8)

    def due(day: date) -> Any:
        return list(listing.watched_and_due(office.county, day))

    assert due(date(2018, 9, 30)) == []
    assert due(month_after) == [finding]
    stepping.look(finding=finding, result="HOLDS", words="保持", on=month_after, by=office.second)
    assert due(date(2018, 10, 31)) == []
    assert due(date(2018, 11, 1)) == [finding]
