"""The three letters: when each is due, what it takes to send one, and their numbers."""

import threading
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from accounts.models import User
from core import walls
from core.scope import Maintenance
from exits.models import Holiday
from inspections.enums.findings import State
from inspections.enums.letters import FOLLOWS
from inspections.enums.letters import State as Sent
from inspections.models import Accountability, Finding, Letter, LetterItem
from inspections.services.common import UnfitError
from inspections.services.findings import deadlines, stepping
from inspections.services.letters import preparing, sending
from inspections.tasks import prepare_letters
from tests.inspections.findings.conftest import DAY, DUE, DUTY, Office, entered
from tests.inspections.findings.test_states import refusal_of

pytestmark = pytest.mark.django_db
AFTER = DUE + timedelta(1)


def prepared(today: date) -> list[Letter]:
    return preparing.prepare(today=today, prefix="4103")


def issued(letter: Letter, by: User, on: date, days: int = 5) -> Letter:
    return sending.issue(letter=letter, on=on, reply_due_on=on + timedelta(days), by=by)


def test_one_letter_after_another_until_the_third(office: Office) -> None:
    finding = office.brought_to(State.ASSIGNED)
    assert prepared(DUE) == []
    today = AFTER
    for rung, kind in enumerate(("REMIND", "SUPERVISE", "ACCOUNT"), 1):
        (letter,) = prepared(today)
        assert (letter.kind, letter.unit, letter.state) == (kind, DUTY.unit, "PREPARED")
        # Asked again, or after days that were missed, nothing more is written.
        assert prepared(today) == prepared(today + timedelta(30)) == []
        assert Finding.objects.get(pk=finding.pk).rung == rung - 1
        letter = issued(letter, office.county, today)
        assert Finding.objects.get(pk=finding.pk).rung == rung
        # The answer is waited for to the end of its day.
        assert prepared(letter.reply_due_on or today) == []
        today = (letter.reply_due_on or today) + timedelta(1)
    assert prepared(today) == []
    record = Accountability.objects.get()
    assert (record.letter.kind, record.outcome) == ("ACCOUNT", "")
    assert list(LetterItem.objects.order_by("pk").values_list("occasion", flat=True)) == [
        f"D{DUE}",
        *(f"L{pk}" for pk in Letter.objects.order_by("pk").values_list("pk", flat=True)[:2]),
    ]


def test_a_return_brings_the_next_at_once(office: Office) -> None:
    finding = office.brought_to(State.RETURNED)
    (first,) = prepared(DAY + timedelta(5))
    assert (first.kind, first.items.get().occasion) == ("REMIND", "R4")
    issued(first, office.county, DAY + timedelta(5), days=60)
    finding = office.take(finding, State.CLAIMED, DAY + timedelta(6))
    # Claimed: somebody else has to do something now.
    assert prepared(AFTER) == []
    office.take(finding, State.RETURNED, DAY + timedelta(7))
    (second,) = prepared(DAY + timedelta(7))
    assert (second.kind, second.items.get().occasion) == ("SUPERVISE", "R6")


def test_more_time_is_another_occasion(office: Office) -> None:
    from inspections.services.findings import extending

    finding = office.brought_to(State.ASSIGNED)
    (draft,) = prepared(AFTER)
    sending.drop(letter=draft, why="正在抢修", by=office.county)
    assert prepared(AFTER + timedelta(3)) == []
    until = DUE + timedelta(20)
    asked = extending.ask(finding=finding, until=until, reason="雨", on=AFTER, by=office.village)
    extending.decide(extension=asked, is_granted=True, why="同意", on=AFTER, by=office.county)
    assert prepared(until) == []
    (again,) = prepared(until + timedelta(1))
    assert (again.kind, again.items.get().occasion) == ("REMIND", f"D{until}")


def test_one_letter_tells_a_unit_of_all_its_problems(office: Office) -> None:
    for _ in range(3):
        office.brought_to(State.ASSIGNED)
    other = entered(office.county)
    duty = stepping.Duty("县水利局", "李工", due_on=DUE, due_source="方案")
    stepping.assign(finding=other, duty=duty, on=DAY, by=office.county)
    assert {one.unit: one.items.count() for one in prepared(AFTER)} == {DUTY.unit: 3, "县水利局": 1}
    # What becomes due before it is sent joins the draft.
    office.brought_to(State.MEASURED)
    (draft,) = prepared(AFTER)
    assert (draft.unit, draft.items.count()) == (DUTY.unit, 4)


def test_somebody_need_not_wait_for_the_night(office: Office, songxian_clerk: User) -> None:
    one, _ = office.brought_to(State.ASSIGNED), office.brought_to(State.ASSIGNED)
    with pytest.raises(UnfitError, match="权限"):
        preparing.prepare(today=AFTER, prefix="410324", only=[one], by=songxian_clerk)
    (draft,) = preparing.prepare(today=AFTER, prefix="410324", only=[one], by=office.county)
    assert (draft.prepared_by, draft.items.get().finding) == (office.county, one)


def test_the_task_drafts_and_sends_nothing(
    office: Office, time_machine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The connection of the test goes on.
    monkeypatch.setattr("inspections.tasks.close_old_connections", lambda: None)
    office.brought_to(State.ASSIGNED)
    time_machine.move_to("2018-10-09 05:20+08:00")
    for _ in range(2):
        prepare_letters()
    letter = Letter.objects.get()
    assert (letter.state, letter.prepared_on, letter.prepared_by) == (
        "PREPARED", date(2018, 10, 9), None,
    )  # fmt: skip


def test_the_task_works_behind_the_second_wall(office: Office) -> None:
    office.brought_to(State.ASSIGNED)
    with walls.scoped(Maintenance("4103")):
        assert len(prepared(AFTER)) == 1
    with walls.scoped(office.village):
        assert Letter.objects.count() == 1
    with walls.scoped(office.county):
        issued(Letter.objects.get(), office.county, AFTER)


def test_the_reply_is_due_by_the_shortest_rule(office: Office) -> None:
    office.brought_to(State.ASSIGNED)
    office.brought_to(State.ASSIGNED, severity="GRAVE")
    (draft,) = prepared(AFTER)
    with pytest.raises(UnfitError, match="没有适用的答复期限"):
        sending.issue(letter=draft, on=AFTER, by=office.county)
    Holiday.objects.create(day=date(2018, 10, 1), is_off=True, source="测试")
    for severity, days in (("", 5), ("GRAVE", 2)):
        deadlines.set_rule(
            region_prefix="410324", severity=severity, days=20, reply_days=days,
            valid_from=date(2018, 1, 1), source="方案", by=office.county,
        )  # fmt: skip
    # Saturday the 29th; off on Monday.
    assert sending.issue(letter=draft, on=AFTER, by=office.county).reply_due_on == date(2018, 10, 3)


def test_received_answered_and_concluded_once(office: Office) -> None:
    finding = office.brought_to(State.ASSIGNED)
    (letter,) = prepared(AFTER)
    with pytest.raises(UnfitError, match="待确认"):
        sending.receive(letter=letter, on=AFTER, name="张三", by=office.county)
    letter = issued(letter, office.county, AFTER)
    assert (letter.year, letter.number) == (2018, 1)
    with pytest.raises(UnfitError, match="早于"):
        sending.receive(letter=letter, on=DAY, name="张三", by=office.county)
    sending.receive(letter=letter, on=AFTER, name="张三", by=office.county)
    done = sending.reply(letter=letter, on=AFTER, words="立即整改", by=office.county)
    assert (done.state, done.reply) == ("REPLIED", "立即整改")
    with pytest.raises(UnfitError, match="已答复"):
        sending.reply(letter=letter, on=AFTER, words="再答", by=office.county)
    with pytest.raises(UnfitError, match="权限"):
        sending.drop(letter=letter, why="不发", by=office.village)
    assert Finding.objects.get(pk=finding.pk).rung == 1


def test_what_came_of_the_third_is_told_whole_and_stands(office: Office) -> None:
    office.brought_to(State.ASSIGNED)
    today = AFTER
    for _ in range(3):
        (letter,) = prepared(today)
        today = (issued(letter, office.county, today).reply_due_on or today) + timedelta(1)
    record = Accountability.objects.get()
    told: dict[str, Any] = {
        "organ": "县纪委监委", "outcome": "ADMONISHED", "on": today, "words": "诫勉谈话",
        "by": office.county,
    }  # fmt: skip
    with pytest.raises(UnfitError, match="人数和文号"):
        sending.conclude(record=record, persons=1, **told)
    with pytest.raises(UnfitError, match="人数"):
        sending.conclude(record=record, persons=0, document="栾纪〔2018〕1号", **told)
    done = sending.conclude(record=record, persons=2, document="栾纪〔2018〕1号", **told)
    assert (done.outcome, done.persons) == ("ADMONISHED", 2)
    with pytest.raises(UnfitError, match="已经登记"):
        sending.conclude(record=record, persons=1, document="别的", **told)
    refusal_of(lambda: Accountability.objects.update(persons=1))
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM inspections_accountability")


def test_the_database_has_the_table_of_the_words() -> None:
    with connection.cursor() as cursor:
        for before in Sent.values:
            for after in Sent.values:
                cursor.execute("SELECT inspections_letter_may_follow(%s, %s)", [before, after])
                assert cursor.fetchone()[0] == (after in FOLLOWS[before]), (before, after)


def test_what_was_sent_stands(office: Office) -> None:
    office.brought_to(State.ASSIGNED)
    (letter,) = prepared(AFTER)
    rows = Letter.objects.filter(pk=letter.pk)
    refusal_of(lambda: rows.update(state="RECEIVED"))
    refusal_of(lambda: rows.update(number=7, year=2018))
    issued(letter, office.county, AFTER)
    for changes in ({"number": 2}, {"words": "别的"}, {"unit": "别的"}, {"state": "PREPARED"}):
        refusal_of(lambda changes=changes: rows.update(**changes))  # type: ignore[misc]
    refusal_of(lambda: LetterItem.objects.update(occasion="R9"))
    late = office.brought_to(State.ASSIGNED)
    refusal = refusal_of(
        lambda: LetterItem.objects.create(
            letter=letter, finding=late, region_code=late.region_code, occasion="R1", due_on=DUE
        )
    )
    assert refusal == "letter_item_fits"


def test_a_refused_issue_takes_no_number(office: Office) -> None:
    office.brought_to(State.ASSIGNED)
    (letter,) = prepared(AFTER)
    with pytest.raises(UnfitError, match="早于拟稿"):
        sending.issue(letter=letter, on=DUE, reply_due_on=AFTER, by=office.county)
    assert issued(letter, office.county, AFTER).number == 1


@pytest.mark.django_db(transaction=True)
def test_numbers_under_parallel_issue_have_neither_gaps_nor_doubles(office: Office) -> None:
    many = 12
    for number in range(many):
        finding = entered(office.county)
        duty = stepping.Duty(f"单位{number}", "某人", due_on=DUE, due_source="方案")
        stepping.assign(finding=finding, duty=duty, on=DAY, by=office.county)
    letters, failed = prepared(AFTER), []
    start = threading.Barrier(many)

    def work(letter: Letter) -> None:
        try:
            start.wait(10)
            issued(letter, office.county, AFTER)
        except Exception as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=[letter]) for letter in letters]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failed == []
    numbers = Letter.objects.values_list("number", flat=True)
    assert sorted(one or 0 for one in numbers) == list(range(1, many + 1))
