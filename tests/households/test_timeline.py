import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import MachineClient
from core.acting import acting, request_id
from core.jobs.models import Job
from core.scope import Maintenance
from households.models import (
    Assignment,
    Household,
    HouseholdYear,
    MembershipEvent,
    Person,
    PersonYear,
)
from households.queries import happenings
from households.queries import timeline as timelines
from households.queries.timeline import PAGE, Entry, Source, timeline
from households.queries.years import forget_years
from households.services.members import remove_member
from tests.cast import cast
from tests.factories.households import NEIGHBOUR, household, id_no
from tests.workbooks import family
from villages.models import Region

pytestmark = pytest.mark.django_db

CITY = Maintenance("4103")
As = Callable[[Any], Client]
MADE = re.compile("登记 [0-9]{4} 年度信息")


def told(row: HouseholdYear, actor: Any = CITY, **asked: Any) -> list[Entry]:
    """The acts after the household was made."""
    row.household.refresh_from_db()
    found = timeline(row.household, actor, **asked).entries
    return [act for act in found if not MADE.fullmatch(act.title)]


def lines(act: Entry) -> list[str]:
    return [
        f"{line.label}：{line.before} → {line.after}"
        for subject in act.subjects
        for line in subject.lines
    ]


@pytest.fixture
def in_request() -> Iterator[Callable[[str], None]]:
    """What follows belongs to the request of this name."""
    token = request_id.set("")
    yield lambda name: request_id.set(name) and None
    request_id.reset(token)


@pytest.mark.usefixtures("city")
def test_changes_are_told_with_name_reason_and_masked_values(luanchuan_clerk: Any) -> None:
    row = household()
    with acting(by=luanchuan_clerk, reason="入户核实"):
        HouseholdYear.objects.filter(pk=row.pk).update(
            net_income_per_capita=Decimal(3100), phone="13911119999", bank_account="1"
        )
    with acting(by=None):
        HouseholdYear.objects.filter(pk=row.pk).update(main_cause="02")
    last, first = told(row)
    assert (last.title, last.who, last.reason) == ("修改主要致贫原因", "系统", "")
    assert lines(last) == ["主要致贫原因：因病 → 因残"]
    assert (first.title, first.who, first.reason) == (
        "修改联系电话、银行卡号 等 3 项",
        str(luanchuan_clerk),
        "入户核实",
    )
    assert first.subjects[0].title == "2018 年度"
    assert lines(first) == [
        "联系电话：139****1234 → 139****9999", "银行卡号： → 有修改（已脱敏）",
        "人均纯收入：2,800.00 → 3,100.00 元/人·年",
    ]  # fmt: skip


@pytest.mark.usefixtures("city")
def test_one_act_is_one_entry(luanchuan_clerk: Any, in_request: Callable[[str], None]) -> None:
    row = household(members=2)
    head = row.household.persons.order_by("pk")[0]
    in_request("first")
    with acting(by=luanchuan_clerk, reason="核实"):
        HouseholdYear.objects.filter(pk=row.pk).update(main_cause="02")
        Person.objects.filter(pk=head.pk).update(name="新名")
        PersonYear.objects.filter(person=head).update(education_level="03")
    in_request("second")
    with acting(by=luanchuan_clerk, reason="再核实"):
        Person.objects.filter(pk=head.pk).update(name="又名")
    last, first = told(row)
    assert first.title.startswith("修改")
    assert first.title.endswith(" 等 3 项")
    assert first.reason == "核实"
    assert {one.title for one in first.subjects} == {
        "2018 年度",
        "成员 又名，2018 年度",
        "成员 又名",
    }
    assert lines(last) == ["姓名：新名 → 又名"]


@pytest.mark.usefixtures("city")
def test_machines_are_named() -> None:
    row = household(members=2)
    head = row.household.persons.order_by("pk")[0]
    with acting(by=MachineClient(pk=7, name="残联系统"), reason="数据比对"):
        PersonYear.objects.filter(person=head).update(relation_to_head="02")
    (act,) = told(row)
    assert act.who == "残联系统（接口）"
    assert lines(act) == ["与户主关系：本人或户主 → 配偶"]


@pytest.mark.usefixtures("city")
def test_numbers_and_days_of_birth_stay_masked() -> None:
    """Beside a masked number the day of birth would make it whole again."""
    row = household(members=1)
    person = row.household.persons.get()
    Person.objects.filter(pk=person.pk).update(id_no=id_no(777))
    Person.objects.filter(pk=person.pk).update(birth_date=date(1981, 1, 2))
    Person.objects.filter(pk=person.pk).update(birth_date=date(1981, 3, 4))
    again, born, number = told(row)
    assert lines(number)[0].startswith("证件号码：")
    assert not any(full in lines(number)[0] for full in (person.id_no, id_no(777)))
    assert lines(born) == ["出生日期：1970 年 → 1981 年"]
    assert lines(again) == ["出生日期： → 有修改（1981 年）"]


@pytest.mark.usefixtures("city")
def test_a_move_is_told_by_the_villages_names() -> None:
    row = household(members=2)
    there = Region.objects.filter(level="village").exclude(code=row.village_code)[0]
    Household.objects.filter(pk=row.household_id).update(village=there, village_code=there.code)
    (act,) = told(row)
    assert lines(act)[0].endswith(f" → {there.name}（{there.code}）")


@pytest.mark.usefixtures("city")
def test_changes_that_nobody_would_notice_are_not_told() -> None:
    row = household()
    HouseholdYear.objects.filter(pk=row.pk).update(changed_at=timezone.now())
    assert told(row) == []


@pytest.mark.usefixtures("city")
def test_where_a_household_went_is_not_told_to_those_it_left() -> None:
    row = household()
    Household.objects.filter(pk=row.household_id).update(address="二组")
    assert len(told(row, Maintenance("410324"))) == 1
    row.household.village_code = NEIGHBOUR
    found = timeline(row.household, Maintenance("410324")).entries
    assert [act.title for act in found] == ["登记 2018 年度信息"]


@pytest.mark.usefixtures("city")
def test_what_was_declared_elsewhere_is_not_told() -> None:
    """The first wall alone: an image of another county's village is passed over."""
    row = household(code=NEIGHBOUR)
    HouseholdYear.objects.filter(pk=row.pk).update(main_cause="02")
    here = household().household
    HouseholdYear.objects.filter(pk=row.pk).update(
        village=here.village, village_code=here.village_code
    )
    Household.objects.filter(pk=row.household_id).update(
        village=here.village, village_code=here.village_code
    )
    assert len(told(row, CITY)) == 3
    assert told(row, Maintenance("410324")) == []


def test_ledger_of_movement_is_told(load_rows: Callable[..., Any]) -> None:
    load_rows(family(1))
    row = HouseholdYear.objects.select_related("household").get()
    (act,) = timeline(row.household, CITY).entries
    assert "识别纳入" in act.title
    (line,) = (line for one in act.subjects for line in one.lines)
    assert line.after.startswith(f"{PersonYear.objects.count()} 人")
    assert line.after.endswith("期初")


@pytest.mark.usefixtures("city")
def test_who_left_stays_on_record(luanchuan_clerk: Any) -> None:
    then = household(members=2, year=2017)
    row = household(members=2, of=then.household)
    last_year_too = PersonYear.objects.in_year(2018).exclude(relation_to_head="01")
    member = last_year_too.select_related("person").get()
    name = member.person.name
    remove_member(
        person_year=member, kind="DEATH", on=date(2018, 5, 1), reason="病故", by=luanchuan_clerk
    )
    text = " ".join(act.title for act in told(row))
    assert f"死亡：{name}" in text
    assert "移出 2018 年度名单" in text
    assert MembershipEvent.objects.count() == 1


@pytest.mark.usefixtures("city")
def test_assignments_are_told_with_their_end(luanchuan_clerk: Any) -> None:
    row, helper = household(), cast("helper")
    Assignment.objects.create(
        household=row.household, village_code=row.village_code, user=helper, reason="帮扶",
        created_by=luanchuan_clerk, ended_at=timezone.now() + timedelta(seconds=1),
    )  # fmt: skip
    ended, begun = told(row, group=happenings.HANDLING)
    assert begun.title == f"分派给 {helper}"
    assert ended.title == f"结束分派：{helper}"


@pytest.mark.usefixtures("city")
def test_a_year_and_a_group_can_be_asked_for() -> None:
    row = household()
    old = household(year=2017, of=row.household)
    HouseholdYear.objects.filter(pk=row.pk).update(main_cause="02", farmland_mu=3)
    HouseholdYear.objects.filter(pk=old.pk).update(main_cause="03")
    assert len(told(row)) == 2
    assert [lines(act) for act in told(row, year=2017)] == [["主要致贫原因：因病 → 因学"]]
    assert [lines(act) for act in told(row, group="生产生活条件")] == [["耕地面积：未填 → 3 亩"]]
    assert {line.group for act in told(row) for one in act.subjects for line in one.lines} <= set(
        happenings.groups()
    )


@pytest.mark.usefixtures("city")
def test_pages_hold_every_act_once() -> None:
    row = household()
    for number in range(PAGE * 2 + 3):
        HouseholdYear.objects.filter(pk=row.pk).update(member_count=number + 5)
    seen, after, pages = [], "", 0
    while pages < 9:
        page = timeline(row.household, CITY, after=after)
        seen += [act.key for act in page.entries]
        pages, after = pages + 1, page.after
        # What happens meanwhile moves nothing.
        HouseholdYear.objects.filter(pk=row.pk).update(member_count=pages)
        if not after:
            break
    assert len(seen) == len(set(seen)) == PAGE * 2 + 3 + 1
    assert seen == sorted(seen, key=int, reverse=True)
    assert pages == 3


@pytest.mark.usefixtures("city")
def test_jobs_are_named_by_who_knows_them(monkeypatch: pytest.MonkeyPatch) -> None:
    row = household()
    with acting(by=None, job=41):
        HouseholdYear.objects.filter(pk=row.pk).update(main_cause="02")
    (act,) = told(row)
    assert act.source == Source("后台任务 41")
    monkeypatch.setattr(
        timelines,
        "_sources",
        lambda jobs, actor: {job: Source(f"批次 {job}", "/x/") for job in jobs},
    )
    (act,) = told(row)
    assert act.source == Source("批次 41", "/x/")


def test_a_batch_is_named_and_linked_for_those_who_load(
    load_rows: Callable[..., Any], city_leader: Any, city_admin: Any
) -> None:
    batch = load_rows(family(1))
    row = HouseholdYear.objects.select_related("household").get()
    job = Job.objects.create(
        kind="imports.apply", queue="imports", scope="410324", params={"batch": batch.pk}
    )
    with acting(by=None, job=job.pk):
        HouseholdYear.objects.filter(pk=row.pk).update(main_cause="02")
    loads = next(act for act in told(row, city_admin) if act.source)
    assert loads.source is not None
    assert loads.source.href == reverse("imports:batch", args=[batch.pk])
    reads = next(act for act in told(row, city_leader) if act.source)
    assert reads.source == Source(f"导入批次 {batch.pk}")


# --- the page ----------------------------------------------------------------------------------


def page(row: HouseholdYear) -> str:
    return reverse("households:timeline", args=[row.household.household_no])


@pytest.mark.usefixtures("city")
def test_the_page_tells_and_masks(as_user: As, luanchuan_clerk: Any) -> None:
    row = household()
    with acting(by=luanchuan_clerk, reason="入户核实"):
        HouseholdYear.objects.filter(pk=row.pk).update(phone="13911119999", main_cause="02")
    text = as_user(luanchuan_clerk).get(page(row)).content.decode()
    assert "入户核实" in text
    assert "<del>因病</del> → <ins>因残</ins>" in text
    assert "13911119999" not in text
    overview = reverse("households:detail", args=[row.household.household_no])
    assert "修改主要致贫原因、联系电话" in as_user(luanchuan_clerk).get(overview).content.decode()


@pytest.mark.usefixtures("city")
@pytest.mark.parametrize(
    "query", ["group=无", "of=20x8", "after=１２", "after=x", "of=" + "9" * 9, "after=" + "9" * 30]
)
def test_what_the_page_does_not_know_is_a_404(
    as_user: As, luanchuan_clerk: Any, query: str
) -> None:
    row = household()
    assert as_user(luanchuan_clerk).get(f"{page(row)}?{query}").status_code == 404


@pytest.mark.usefixtures("city")
def test_the_page_costs_the_same_for_one_act_and_for_many(
    as_user: As, luanchuan_clerk: Any
) -> None:
    row = household()
    client = as_user(luanchuan_clerk)
    client.get(page(row))
    counted = []
    for times in (1, 6):
        for number in range(times):
            with acting(by=luanchuan_clerk, reason=f"第 {number} 次"):
                HouseholdYear.objects.filter(pk=row.pk).update(member_count=number + times * 10)
                PersonYear.objects.update(work_months=number + times)
        # Which years there are is remembered for some seconds: both ask.
        forget_years()
        with CaptureQueriesContext(connection) as queries:
            assert client.get(page(row)).status_code == 200
        counted.append(len(queries))
    assert counted[0] == counted[1]
