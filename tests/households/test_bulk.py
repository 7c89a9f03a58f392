"""Acts on many households: previewed, done as one, logged, taken back as one."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.enums import Role
from accounts.models import User
from core.acting import acting
from core.jobs.models import Job, JobState
from core.jobs.services import claim
from core.jobs.tasks import carry_out
from households.models import (
    Assignment,
    BulkAct,
    BulkRow,
    HouseholdYear,
    Mark,
    Partition,
    Task,
    TaskItem,
)
from households.queries import bulk as queries
from households.services import bulk, marking
from tests.cast import county_leader, county_office, helper, town_clerk, village_official
from tests.conftest import person
from tests.factories.households import HOME, NEIGHBOUR, household

__all__ = ["county_leader", "county_office", "helper", "town_clerk", "village_official"]

pytestmark = pytest.mark.django_db

As = Callable[[User], Client]
SIBLING, OTHER_TOWN = "410324100204", "410324101200"
NEW, CONFIRM = "/households/bulk/new/", "/households/bulk/confirm/"
MARK = {"act": "MARK", "reason": "收入与工资比对不符"}


def no(row: HouseholdYear) -> str:
    return row.household.household_no


def close(year: int = 2018) -> None:
    Partition.objects.filter(year=year).update(closed_at=timezone.now())


def asked(data: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The form as the browser sends it: the whole of 2018, unless said otherwise."""
    return {"filter": "year=2018", "all": "1", "step": "1", **data, **more}


def told(text: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', text)
    assert found, name
    return found[1]


def confirm(client: Client, data: dict[str, Any]) -> Any:
    """Preview, then confirm what was previewed."""
    shown = client.post(NEW, data)
    assert shown.status_code == 200, shown.content.decode()[-2000:]
    text = shown.content.decode()
    sent = {**data, "key": told(text, "key"), "digest": told(text, "digest")}
    return client.post(CONFIRM, sent)


def outcomes(act: BulkAct) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in act.rows.all():
        found[row.outcome] = found.get(row.outcome, 0) + 1
    return found


def wish(**changes: Any) -> queries.Wish:
    usual = {
        "kind": "MARK", "partition": 2018, "region": "410324", "reason": "核对收入",
        "terms": {"year": 2018},
    }  # fmt: skip
    return queries.Wish(**usual | changes)


def done(by: User, **changes: Any) -> BulkAct:
    wanted = wish(**changes)
    seen = bulk.preview(wish=wanted, by=by)
    return bulk.carry_out(
        wish=wanted, key=uuid4(), digest=seen.digest, stored={"year": 2018}, by=by
    )


# --- marks -------------------------------------------------------------------------------------


def test_the_whole_search_is_marked_as_one_act(as_user: As, county_office: User) -> None:
    rows = [household(), household("exited"), household(code=SIBLING)]
    client = as_user(county_office)
    day = timezone.localdate() + timedelta(days=10)
    answer = confirm(client, asked(MARK, filter="year=2018&status=poor", due_on=day.isoformat()))
    act = BulkAct.objects.get()
    assert answer.url == f"/households/bulk/{act.pk}/"
    assert (act.state, act.matched, act.affected, act.skipped) == ("DONE", 2, 2, {})
    assert act.terms == {"year": 2018, "status": ["poor"]}
    assert outcomes(act) == {"DONE": 2}
    marks = {mark.household_id: mark for mark in Mark.objects.all()}
    assert set(marks) == {rows[0].household_id, rows[2].household_id}
    one = marks[rows[0].household_id]
    assert (one.reason, one.due_on, one.created_by) == (MARK["reason"], day, county_office)
    assert set(act.rows.values_list("made", flat=True)) == {mark.pk for mark in marks.values()}


def test_a_preview_writes_nothing(as_user: As, county_office: User) -> None:
    household()
    shown = as_user(county_office).post(NEW, asked(MARK)).content.decode()
    assert "确认办理 1 户" in shown
    assert not BulkAct.objects.exists()
    assert not Mark.objects.exists()


def test_picked_households_only(as_user: As, county_office: User) -> None:
    rows = [household(), household()]
    data = {"filter": "year=2018", "household": [no(rows[1])], "step": "1", **MARK}
    confirm(as_user(county_office), data)
    assert [mark.household_id for mark in Mark.objects.all()] == [rows[1].household_id]
    act = BulkAct.objects.get()
    assert (act.terms, act.region_code) == ({"picked": 1}, HOME)


def test_what_is_marked_already_is_left(as_user: As, county_office: User) -> None:
    marked, _ = household(), household(code=SIBLING)
    done(county_office, numbers=[no(marked)])
    shown = as_user(county_office).post(NEW, asked(MARK)).content.decode()
    assert "不办理：已标记待核查" in shown
    act = done(county_office)
    assert (act.affected, act.skipped) == (1, {"ALREADY": 1})
    assert outcomes(act) == {"DONE": 1, "ALREADY": 1}


def test_one_open_mark_per_year_even_past_the_service(county_office: User) -> None:
    row = household()
    done(county_office)
    with pytest.raises(IntegrityError), transaction.atomic():
        Mark.objects.create(
            household=row.household, village_code=HOME, partition_id=2018, reason="再来",
            created_by=county_office,
        )  # fmt: skip


def test_a_closed_year_is_left(as_user: As, county_office: User) -> None:
    household()
    close()
    shown = as_user(county_office).post(NEW, asked(MARK)).content.decode()
    assert "不办理：该年度已关闭" in shown
    assert "没有可以办理的户。" in shown
    with pytest.raises(bulk.RefusedError, match="没有可以办理"):
        done(county_office)


def test_a_year_closed_after_the_preview_refuses(county_office: User) -> None:
    household()
    wanted = wish()
    seen = bulk.preview(wish=wanted, by=county_office)
    close()
    with pytest.raises(bulk.ChangedSincePreviewError):
        bulk.carry_out(wish=wanted, key=uuid4(), digest=seen.digest, stored={}, by=county_office)
    assert not Mark.objects.exists()


def test_who_moved_away_is_counted_and_left(county_office: User) -> None:
    moved, stays = household(), household()
    away = household(code=NEIGHBOUR).household
    with acting(by=None, reason="迁户"):
        type(away).objects.filter(pk=moved.household_id).update(
            village=away.village, village_code=NEIGHBOUR
        )
    act = done(county_office)
    assert (act.affected, act.skipped) == (1, {"MOVED": 1})
    assert [row.household_id for row in act.rows.all()] == [stays.household_id]


def test_a_list_that_changed_is_shown_again(as_user: As, county_office: User) -> None:
    household()
    client = as_user(county_office)
    text = client.post(NEW, asked(MARK)).content.decode()
    household()
    sent = asked(MARK, key=told(text, "key"), digest=told(text, "digest"))
    answer = client.post(CONFIRM, sent)
    assert answer.status_code == 409
    again = answer.content.decode()
    assert "预览之后名单有变动" in again
    assert "确认办理 2 户" in again
    assert not BulkAct.objects.exists()
    assert not Mark.objects.exists()


def test_a_second_click_is_the_same_act(as_user: As, county_office: User) -> None:
    household()
    client = as_user(county_office)
    text = client.post(NEW, asked(MARK)).content.decode()
    sent = asked(MARK, key=told(text, "key"), digest=told(text, "digest"))
    first, second = client.post(CONFIRM, sent), client.post(CONFIRM, sent)
    assert first.url == second.url
    assert (BulkAct.objects.count(), Mark.objects.count()) == (1, 1)


def test_another_persons_key_is_no_key(county_office: User, luanchuan_clerk: User) -> None:
    household()
    act = done(county_office)
    with pytest.raises(bulk.RefusedError, match="请求标识有误"):
        bulk.carry_out(wish=wish(), key=act.key, digest="", stored={}, by=luanchuan_clerk)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"reason": ""}, "必填"),
        ({"reason": "核对 990324197001010019"}, "不要填写证件号码"),
        ({"due_on": "2001-01-01"}, "期限不能早于今天"),
    ],
)
def test_a_form_that_lacks_something(
    as_user: As, county_office: User, changes: dict[str, str], said: str
) -> None:
    household()
    answer = as_user(county_office).post(NEW, asked(MARK, **changes))
    assert answer.status_code == 422
    assert said in answer.content.decode()


def test_nothing_chosen_goes_back_to_the_list(as_user: As, county_office: User) -> None:
    household()
    client = as_user(county_office)
    for data in (
        {**asked(MARK), "all": ""},
        asked({"act": "DELETE"}),
        asked(MARK, filter="year=2018&income_below=abc"),
        asked(MARK, filter="year=1066"),
    ):
        assert client.post(NEW, data).url.startswith("/households/")
    assert not BulkAct.objects.exists()


# --- scope and rights --------------------------------------------------------------------------


def test_a_search_reaches_nobody_outside_the_grants(
    as_user: As, town_clerk: User, village_official: User
) -> None:
    """Neither by the search, nor by a place, nor by numbers that somebody types in."""
    inside, foreign = household(), household(code=NEIGHBOUR)
    other_town = household(code=OTHER_TOWN)
    client = as_user(town_clerk)
    for place in ("county=410325", f"village={NEIGHBOUR}", "region=410325"):
        assert client.post(NEW, asked(MARK, filter=f"year=2018&{place}")).status_code == 404
    picked = [no(inside), no(foreign), no(other_town)]
    confirm(client, {"filter": "year=2018", "household": picked, "step": "1", **MARK})
    assert [mark.household_id for mark in Mark.objects.all()] == [inside.household_id]
    act = BulkAct.objects.get()
    assert act.matched == 1
    confirm(as_user(village_official), asked({"act": "TASK", "title": "走访"}))
    assert [item.household_id for item in TaskItem.objects.all()] == [inside.household_id]


def test_where_the_right_is_missing_households_are_counted_and_left(as_user: As) -> None:
    """Reads the county, works in one town of it."""
    both = person("both", Role.LEADER, "410324")
    both.grants.create(role="TOWN_CLERK", region_prefix="410324100", valid_from="2016-01-01")
    both = User.objects.get(pk=both.pk)
    inside, _ = household(), household(code=OTHER_TOWN)
    confirm(as_user(both), asked(MARK))
    act = BulkAct.objects.get()
    assert (act.region_code, act.affected, act.skipped) == ("410324100", 1, {"NO_RIGHT": 1})
    assert [row.household_id for row in act.rows.all()] == [inside.household_id]


def test_two_regions_are_two_acts(as_user: As) -> None:
    two = person("two", Role.COUNTY_CLERK, "410324", "410325")
    household(), household(code=NEIGHBOUR)
    client = as_user(two)
    answer = client.post(NEW, asked(MARK), follow=True)
    assert "请先在筛选条件中选定其中一个县区或乡镇" in answer.content.decode()
    confirm(client, asked(MARK, filter="year=2018&county=410325"))
    assert BulkAct.objects.get().region_code == "410325"


def test_readers_do_nothing(as_user: As, county_leader: User, luanchuan_clerk: User) -> None:
    household()
    leader = as_user(county_leader)
    assert leader.post(NEW, asked(MARK)).status_code == 403
    assert leader.post(CONFIRM, asked(MARK)).status_code == 403
    assert 'name="all"' not in leader.get("/households/").content.decode()
    # Enters and corrects, but entrusts no households.
    clerk = as_user(luanchuan_clerk)
    given = asked({"act": "ASSIGN", "username": "x", "reason": "帮扶"})
    assert clerk.post(NEW, given).status_code == 403
    shown = clerk.get("/households/").content.decode()
    assert 'value="MARK"' in shown
    assert 'value="ASSIGN"' not in shown


ADDRESSES = (
    ("get", "/households/bulk/"), ("get", "/households/bulk/{act}/"),
    ("post", "/households/bulk/{act}/undo/"), ("post", "/households/marks/{mark}/close/"),
    ("get", "/households/tasks/"), ("get", "/households/tasks/{task}/"),
    ("post", "/households/tasks/{task}/done/"), ("post", "/households/tasks/{task}/close/"),
)  # fmt: skip


@pytest.mark.parametrize(("method", "address"), ADDRESSES)
def test_every_page_knows_whom_it_is_for(
    as_user: As, county_office: User, county_leader: User, songxian_clerk: User,
    method: str, address: str,
) -> None:  # fmt: skip
    household()
    act = done(county_office)
    task = Task.objects.create(
        title="走访", region_code="410324", partition_id=2018, owner=county_office,
        created_by=county_office,
    )  # fmt: skip
    keys = {"act": act.pk, "mark": Mark.objects.get().pk, "task": task.pk}
    own = address.format(**keys)
    absent = address.format(act=10**9, mark=10**9, task=10**9)
    clients = {one: as_user(one) for one in (county_office, county_leader, songxian_clerk)}
    assert getattr(clients[county_leader], method)(own).status_code == 403
    if own != absent:
        assert getattr(clients[songxian_clerk], method)(own).status_code == 404
        assert getattr(clients[county_office], method)(absent).status_code == 404
    else:
        assert "走访" not in clients[songxian_clerk].get(own).content.decode()
    other = {"get": "post", "post": "get"}[method]
    assert getattr(clients[county_office], other)(own).status_code == 405
    assert getattr(clients[county_office], method)(own).status_code in (200, 302)


@pytest.mark.parametrize("address", [NEW, CONFIRM])
def test_acts_are_posted(as_user: As, county_office: User, address: str) -> None:
    assert as_user(county_office).get(address).status_code == 405


# --- assigning ---------------------------------------------------------------------------------


def test_households_are_entrusted_as_one_by_one(
    as_user: As, county_office: User, helper: User
) -> None:
    first, second = household(), household(code=SIBLING)
    bulk_given = asked({"act": "ASSIGN", "username": "helper", "reason": "结对帮扶"})
    done(county_office, kind="ASSIGN", user=helper, numbers=[no(first)])
    shown = as_user(county_office).post(NEW, bulk_given).content.decode()
    assert "不办理：已分派给该账号" in shown
    confirm(as_user(county_office), bulk_given)
    given = Assignment.objects.standing().filter(user=helper)
    assert set(given.values_list("household_id", flat=True)) == {
        first.household_id, second.household_id,
    }  # fmt: skip
    assert as_user(helper).get(f"/households/{no(second)}/").status_code == 200


def test_a_helper_of_another_village_is_unfit_there(as_user: As, county_office: User) -> None:
    near = person("near", Role.HELPER, HOME)
    household(), household(code=SIBLING)
    confirm(
        as_user(county_office), asked({"act": "ASSIGN", "username": "near", "reason": "结对帮扶"})
    )
    act = BulkAct.objects.get()
    assert (act.affected, act.skipped) == (1, {"UNFIT": 1})
    assert Assignment.objects.get(user=near).village_code == HOME


@pytest.mark.parametrize("username", ["nobody", "county_office", "songxian_helper"])
def test_whom_nothing_is_entrusted_to(as_user: As, county_office: User, username: str) -> None:
    person("songxian_helper", Role.HELPER, "410325")
    household()
    given = asked({"act": "ASSIGN", "username": username, "reason": "结对帮扶"})
    answer = as_user(county_office).post(NEW, given)
    assert answer.status_code == 422
    assert not Assignment.objects.exists()


# --- tasks -------------------------------------------------------------------------------------


def test_a_task_is_made_filled_and_gone_through(
    as_user: As, county_office: User, luanchuan_clerk: User
) -> None:
    rows = [household(), household(code=SIBLING)]
    client = as_user(county_office)
    given = {"act": "TASK", "title": "冬季走访", "owner": "luanchuan"}
    confirm(client, asked(given, filter=f"year=2018&village={HOME}&county=410324&town=410324100"))
    task = Task.objects.get()
    assert (task.title, task.owner, task.region_code) == ("冬季走访", luanchuan_clerk, HOME)
    # The other village lies outside the task's region, so that a new search finds no such task.
    shown = client.post(NEW, asked({"act": "TASK", "task": str(task.pk)}))
    assert shown.status_code == 422
    again = asked({"act": "TASK", "task": str(task.pk)}, household=no(rows[0]), all="")
    assert "不办理：已在任务中" in client.post(NEW, again).content.decode()
    clerk = as_user(luanchuan_clerk)
    page = f"/households/tasks/{task.pk}/"
    assert no(rows[0]) in clerk.get(page).content.decode()
    assert no(rows[1]) not in clerk.get(page, {"show": "all"}).content.decode()
    assert queries.tasks_of(luanchuan_clerk).get().households == 1
    item = TaskItem.objects.get()
    clerk.post(f"{page}done/", {"item": item.pk, "done": "1"})
    item.refresh_from_db()
    assert item.done_by == luanchuan_clerk
    assert no(rows[0]) not in clerk.get(page).content.decode()
    clerk.post(f"{page}done/", {"item": item.pk, "done": "0"})
    item.refresh_from_db()
    assert item.done_at is None
    clerk.post(f"{page}close/")
    assert not queries.tasks_of(luanchuan_clerk).exists()
    assert (
        "任务已结束"
        in clerk.post(f"{page}done/", {"item": item.pk, "done": "1"}, follow=True).content.decode()
    )
    item.refresh_from_db()
    assert item.done_at is None


def test_items_of_another_task_are_not_ticked(county_office: User) -> None:
    household()
    tasks = [
        Task.objects.create(
            title=f"任务{number}", region_code="410324", partition_id=2018, owner=county_office,
            created_by=county_office,
        )
        for number in (1, 2)
    ]  # fmt: skip
    done(county_office, kind="TASK", task=tasks[0])
    item = TaskItem.objects.get()
    assert marking.set_done(task=tasks[1], items=[item.pk], done=True, by=county_office) == 0


def test_an_owner_works_in_all_of_the_region(
    as_user: As, county_office: User, town_clerk: User
) -> None:
    household()
    given = asked({"act": "TASK", "title": "走访", "owner": "town_clerk"})
    answer = as_user(county_office).post(NEW, given)
    assert answer.status_code == 422
    assert "没有可以负责的账号" in answer.content.decode()


# --- undoing -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["ASSIGN", "MARK", "TASK"])
def test_an_act_is_taken_back_as_one(
    as_user: As, county_office: User, helper: User, kind: str
) -> None:
    """What was touched since is listed and left; nothing is deleted; the undoing is on record."""
    first, second = household(), household(code=SIBLING)
    task = Task.objects.create(
        title="走访", region_code="410324", partition_id=2018, owner=county_office,
        created_by=county_office,
    )  # fmt: skip
    own = {"ASSIGN": {"user": helper}, "MARK": {}, "TASK": {"task": task}}[kind]
    act = done(county_office, kind=kind, **own)
    model: Any = {"ASSIGN": Assignment, "MARK": Mark, "TASK": TaskItem}[kind]
    touched = model.objects.get(household=first.household)
    if kind == "ASSIGN":
        Assignment.objects.filter(pk=touched.pk).update(ended_at=timezone.now())
    elif kind == "MARK":
        marking.close_mark(mark=touched, result="UNTRUE", words="已核实", by=county_office)
    else:
        marking.set_done(task=task, items=[touched.pk], done=True, by=county_office)
    touched.refresh_from_db()
    client = as_user(county_office)
    page = client.get(f"/households/bulk/{act.pk}/").content.decode()
    assert "可以撤销 1 户；1 户办理后又有变动，保留现状" in page
    answer = client.post(f"/households/bulk/{act.pk}/undo/", {"key": told(page, "key")})
    undoing = BulkAct.objects.get(undoes=act)
    assert answer.url == f"/households/bulk/{undoing.pk}/"
    assert (undoing.affected, undoing.skipped) == (1, {"TOUCHED": 1})
    assert outcomes(undoing) == {"DONE": 1, "TOUCHED": 1}
    assert model.objects.count() == 2
    left = model.objects.get(pk=touched.pk)
    for field in model._meta.concrete_fields:
        assert getattr(left, field.attname) == getattr(touched, field.attname)
    ended = model.objects.get(household=second.household)
    if kind == "ASSIGN":
        assert ended.ended_at is not None
    elif kind == "MARK":
        assert (ended.result, ended.closed_by) == ("WITHDRAWN", county_office)
    else:
        assert ended.removed_at is not None
    assert "已由" in client.get(f"/households/bulk/{act.pk}/").content.decode()
    # Once is enough, and an undoing is not undone.
    for one in (act, undoing):
        with pytest.raises(bulk.RefusedError):
            bulk.undo(act=one, key=uuid4(), by=county_office)


def test_the_same_undo_twice_is_one(county_office: User) -> None:
    household()
    act, key = done(county_office), uuid4()
    first = bulk.undo(act=act, key=key, by=county_office)
    assert bulk.undo(act=act, key=key, by=county_office) == first
    # Taken back, it may be done again.
    assert done(county_office).affected == 1


def test_a_closed_year_keeps_its_acts(as_user: As, county_office: User) -> None:
    household()
    act = done(county_office)
    close()
    client = as_user(county_office)
    assert "可以撤销" not in client.get(f"/households/bulk/{act.pk}/").content.decode()
    client.post(f"/households/bulk/{act.pk}/undo/")
    assert not BulkAct.objects.filter(undoes=act).exists()
    assert Mark.objects.open().count() == 1


def test_a_colleague_of_the_office_takes_back_and_a_village_does_not(
    as_user: As, county_office: User, luanchuan_clerk: User, village_official: User
) -> None:
    household()
    act = done(county_office)
    address = f"/households/bulk/{act.pk}/undo/"
    assert as_user(village_official).post(address).status_code == 404
    as_user(luanchuan_clerk).post(address)
    assert BulkAct.objects.get(undoes=act).created_by == luanchuan_clerk


def test_the_log_is_not_rewritten(county_office: User) -> None:
    household()
    act = done(county_office)
    for change in (
        lambda: BulkRow.objects.update(outcome="ALREADY", made=None),
        lambda: BulkRow.objects.all().delete(),
        lambda: BulkAct.objects.filter(pk=act.pk).update(affected=0),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()
    bulk.undo(act=act, key=uuid4(), by=county_office)
    with pytest.raises(IntegrityError), transaction.atomic():
        Mark.objects.update(result="FIXED")


# --- marks on pages ----------------------------------------------------------------------------


def test_the_list_is_filtered_by_marks(as_user: As, county_office: User) -> None:
    marked, plain = household(), household(code=SIBLING)
    done(county_office, numbers=[no(marked)], due_on=timezone.localdate())
    client = as_user(county_office)

    def listed(**terms: str) -> set[str]:
        text = client.get("/households/", {"year": "2018", **terms}).content.decode()
        return {one for one in (no(marked), no(plain)) if one in text}

    assert listed(mark="true") == {no(marked)}
    assert listed(mark="false") == {no(plain)}
    assert listed(mark="overdue") == set()
    Mark.objects.update(due_on=timezone.localdate() - timedelta(days=1))
    assert listed(mark="overdue") == {no(marked)}
    # Another year of the same household is not marked.
    household(year=2017, of=marked.household)
    assert listed(year="2017", mark="true") == set()


def test_a_mark_is_closed_with_its_result(
    as_user: As, county_office: User, village_official: User
) -> None:
    row = household()
    done(county_office)
    mark = queries.open_marks(village_official).get()
    client, address = as_user(village_official), f"/households/marks/{mark.pk}/close/"
    assert "请选择核查结果" in client.post(address, follow=True).content.decode()
    client.post(address, {"result": "FIXED", "words": "收入已更正"})
    mark.refresh_from_db()
    assert (mark.result, mark.words, mark.closed_by) == ("FIXED", "收入已更正", village_official)
    assert not queries.open_marks(village_official).exists()
    assert "已办结" in client.post(address, {"result": "UNTRUE"}, follow=True).content.decode()
    mark.refresh_from_db()
    assert mark.result == "FIXED"
    assert list(queries.marks_of(row.household_id, village_official)) == [mark]


def test_what_waits_is_counted(county_office: User, songxian_clerk: User) -> None:
    household(), household()
    done(county_office, due_on=timezone.localdate())
    Mark.objects.filter(pk=Mark.objects.earliest("pk").pk).update(
        due_on=timezone.localdate() - timedelta(days=1)
    )
    Task.objects.create(
        title="走访", region_code="410324", partition_id=2018, owner=county_office,
        created_by=county_office,
    )  # fmt: skip
    assert queries.work_counts(county_office) == {"marks": 2, "overdue": 1, "tasks": 1}
    assert queries.work_counts(songxian_clerk) == {"marks": 0, "overdue": 0, "tasks": 0}


def test_the_page_of_a_household_tells(
    as_user: As, county_office: User, county_leader: User, village_official: User
) -> None:
    """Who marked it, why and until when; who only reads closes nothing."""
    row = household()
    page = f"/households/{no(row)}/"
    before = as_user(village_official).get(page).content.decode()
    assert "没有待核查标记" in before
    assert 'href="#marks"' not in before
    done(county_office, due_on=timezone.localdate() - timedelta(days=1))
    shown = as_user(village_official).get(page).content.decode()
    assert 'href="#marks">待核查' in shown
    assert "2018 年度：核对收入" in shown
    assert "county_office，" in shown
    assert "逾期未核查" in shown
    address = f"/households/marks/{Mark.objects.get().pk}/close/"
    assert address in shown
    read = as_user(county_leader).get(page).content.decode()
    assert "2018 年度：核对收入" in read
    assert address not in read


# --- in the background -------------------------------------------------------------------------


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "AT_ONCE", 1)


def run_job(act: BulkAct) -> Job:
    job = Job.objects.get(pk=act.job_id)
    run = claim(job.pk)
    assert run
    carry_out(run)
    job.refresh_from_db()
    act.refresh_from_db()
    return job


def test_many_wait_for_a_worker(few: None, as_user: As, county_office: User) -> None:
    household(), household(code=OTHER_TOWN), household(code=SIBLING)
    client = as_user(county_office)
    answer = confirm(client, asked(MARK, filter="year=2018&income_below=9000"))
    act = BulkAct.objects.get()
    assert (act.state, Mark.objects.count()) == ("WAITING", 0)
    assert act.terms == {"year": 2018, "income_below": "9000"}
    assert "data-until-done" in client.get(answer.url).content.decode()
    job = run_job(act)
    assert (job.state, job.result) == (JobState.DONE, {"households": 3})
    assert (act.state, Mark.objects.count(), outcomes(act)) == ("DONE", 3, {"DONE": 3})
    undoing = bulk.undo(act=act, key=uuid4(), by=county_office)
    assert undoing.state == "WAITING"
    run_job(undoing)
    assert (undoing.state, undoing.affected) == ("DONE", 3)
    assert not Mark.objects.open().exists()


def test_what_changed_before_the_worker_came_is_not_done(few: None, county_office: User) -> None:
    household(), household()
    act = done(county_office)
    household()
    job = run_job(act)
    assert (act.state, job.state) == ("FAILED", JobState.FAILED)
    assert "名单有变动" in act.refusal
    assert not Mark.objects.exists()
    assert not BulkRow.objects.exists()


def test_a_worker_that_dies_leaves_nothing_and_is_repeated(
    few: None, county_office: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    household(), household()
    act = done(county_office)

    def dying(*_: Any) -> None:
        raise RuntimeError("after everything was written")

    with monkeypatch.context() as patch:
        patch.setattr("households.services.bulk.queries.tallied", dying)
        assert run_job(act).state == JobState.QUEUED
    assert (act.state, Mark.objects.count(), BulkRow.objects.count()) == ("WAITING", 0, 0)
    assert run_job(act).state == JobState.DONE
    assert (act.state, Mark.objects.count(), BulkRow.objects.count()) == ("DONE", 2, 2)


def test_rights_lost_before_the_worker_came_end_it(few: None, county_office: User) -> None:
    household(), household()
    act = done(county_office)
    county_office.grants.update(valid_to="2017-01-01")
    run_job(act)
    assert act.state == "FAILED"
    assert not Mark.objects.exists()


def test_a_search_by_name_is_not_kept(few: None, as_user: As, county_office: User) -> None:
    household(head="何金一"), household(head="何金二")
    client = as_user(county_office)
    data = asked(MARK, filter="year=2018&q=何金")
    shown = client.post(NEW, data).content.decode()
    assert "不能整批办理" in shown
    assert "确认办理" not in shown
    answer = client.post(
        CONFIRM,
        data
        | {
            "digest": bulk.preview(
                wish=wish(terms={"year": 2018, "q": "何金"}), by=county_office
            ).digest
        },
    )
    assert answer.status_code == 409
    assert not BulkAct.objects.exists()


def test_a_short_search_by_name_is_done_and_forgotten(as_user: As, county_office: User) -> None:
    household(head="何金一"), household(head="张三")
    answer = confirm(as_user(county_office), asked(MARK, filter="year=2018&q=何金"))
    act = BulkAct.objects.get()
    assert (act.affected, act.terms) == (1, {"by_name": True})
    assert "何金" not in answer.url


# --- prices ------------------------------------------------------------------------------------


def statements(what: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as captured:
        what()
    return len(captured)


def test_three_households_cost_as_many_statements_as_one(
    as_user: As, county_office: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in ("households.queries.years", "households.catalog"):
        monkeypatch.setattr(f"{place}.monotonic", lambda: 0.0)
    client = as_user(county_office)
    task = Task.objects.create(
        title="走访", region_code="410324", partition_id=2018, owner=county_office,
        created_by=county_office,
    )  # fmt: skip
    counted = []
    for number in (1, 2):
        for _ in range(number):
            household()
        acts = [done(county_office), done(county_office, kind="TASK", task=task)]
        pages = (
            "/households/?year=2018", "/households/bulk/", f"/households/bulk/{acts[0].pk}/",
            "/households/tasks/", f"/households/tasks/{task.pk}/",
        )  # fmt: skip
        client.get(pages[0])
        counted.append(
            [statements(lambda page=page: client.get(page)) for page in pages]
            + [statements(lambda: client.post(NEW, asked(MARK)))]
        )
        counted[-1].append(
            statements(lambda act=acts[0]: bulk.undo(act=act, key=uuid4(), by=county_office))
        )
        counted[-1].append(statements(lambda: done(county_office)))
        bulk.undo(
            act=BulkAct.objects.filter(undoes=None, kind="MARK").latest("pk"),
            key=uuid4(),
            by=county_office,
        )
    assert counted[0] == counted[1]
