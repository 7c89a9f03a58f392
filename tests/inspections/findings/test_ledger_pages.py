"""The ledger as a list and as a file, acts on many problems, and the calendar of their days."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.enums import Role
from accounts.models import User
from exits.models import Holiday
from inspections.enums.findings import State
from inspections.models import Campaign, Finding, Letter
from inspections.queries.findings import listing
from inspections.services.findings import reminding, stepping
from inspections.services.letters import preparing, sending
from tests.conftest import person
from tests.inspections.findings.conftest import DAY, DUE, VILLAGE, Office, entered

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]
LIST = "/findings/"
DUTY = {
    "unit": "栾川县教育局", "name": "李主任", "on": "2018-09-04", "due_on": "2018-10-31",
    "due_source": "县整改方案", "words": "限期整改",
}  # fmt: skip


def body(answer: Any) -> str:
    return str(answer.content.decode())


def counted(answer: Any) -> int:
    found = re.search(r"共 ([\d,]+) 个问题", body(answer))
    assert found
    return int(found[1].replace(",", ""))


def numbers(answer: Any) -> list[str]:
    return re.findall(r">(W\d+)</a>", body(answer))


@pytest.fixture
def client(as_user: SignIn, office: Office) -> Client:
    return as_user(office.county)


# --- the list -----------------------------------------------------------------------------------


def test_every_filter_narrows_and_is_told(client: Client, office: Office) -> None:
    late = office.brought_to(State.ASSIGNED, fact="道路没有完工", told_as="7")
    office.brought_to(State.CLOSED, severity="GRAVE")
    new = entered(office.county, fact="账目不清", object_kind="CADRE", cadre="某主任")
    assert counted(client.get(LIST)) == 3
    asked = {
        "standing=overdue": late, "state=FOUND": new, "rung=0&standing=owed": late,
        "unit=" + late.lead_unit + "&state=ASSIGNED": late, "object_kind=CADRE": new,
        f"due_from={DUE}&due_to={DUE}&standing=owed": late, "q=道路": late, "words=道路": late,
        "q=7": late, f"q={new.number}": new, "late=3": late,
    }  # fmt: skip
    for query, finding in asked.items():
        answer = client.get(f"{LIST}?{query}")
        assert numbers(answer) == [finding.number], query
        assert f"已选 {query.count('=')} 项条件" in body(answer), query
    for query in ("severity=GRAVE", "source=SUPERVISION&state=CLOSED", "standing=done"):
        assert counted(client.get(f"{LIST}?{query}")) == 1, query
    assert counted(client.get(f"{LIST}?level=CITY")) == 0
    assert counted(client.get(f"{LIST}?found_from={DAY}&found_to={DAY}&origin=ENTERED")) == 3
    assert counted(client.get(f"{LIST}?found_from={DAY + timedelta(1)}")) == 0


def test_a_place_is_chosen_step_by_step_and_let_go_again(client: Client, office: Office) -> None:
    entered(office.county)
    for query in ("region=410324100000", "county=410324&town=410324100", f"region={VILLAGE}"):
        assert counted(client.get(f"{LIST}?{query}")) == 1, query
    # A town of another county than the one chosen stands there from before.
    answer = client.get(f"{LIST}?county=410324&town=410325100&village=410325100201")
    assert counted(answer) == 1
    assert "已选 1 项条件" in body(answer)
    assert counted(client.get(f"{LIST}?region=410325000000")) == 0


@pytest.mark.parametrize(
    "query",
    ["state=NOTHING", "late=9", "due_from=soon", "campaign=x", "region=abc", "after=1.2",
     "after=0.99999999.1", "before=x", "unit=%00", "q=%00", "county=%27", "mine=x"],
)  # fmt: skip
def test_nonsense_narrows_nothing_and_breaks_nothing(
    client: Client, office: Office, query: str
) -> None:
    entered(office.county)
    assert client.get(f"{LIST}?{query}").status_code == 200


def test_how_late_and_how_long_there_is(client: Client, office: Office) -> None:
    today = timezone.localdate()
    office.brought_to(State.ASSIGNED)
    other = entered(office.county)
    duty = stepping.Duty("县水利局", "张局长", due_on=today + timedelta(3), due_source="方案")
    stepping.assign(finding=other, duty=duty, on=DAY, by=office.county)
    shown = body(client.get(LIST))
    assert f"逾期 {(today - DUE).days} 天" in shown
    assert "还有 3 天" in shown
    assert shown.index("逾期 ") < shown.index("还有 3 天")


def test_pages_forward_and_back(
    client: Client, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(7):
        entered(office.county)
    office.brought_to(State.ASSIGNED)
    monkeypatch.setattr(listing.page, "__defaults__", ("", "", 3))
    forward, address = [], LIST
    while True:
        answer = client.get(address)
        forward.append(numbers(answer))
        following = re.search(r'rel="next" href="([^"]+)"', body(answer))
        if not following:
            break
        address = LIST + following[1].replace("&amp;", "&")
    assert [len(one) for one in forward] == [3, 3, 2]
    assert len({number for one in forward for number in one}) == 8
    back = [numbers(client.get(address))]
    while found := re.search(r'rel="prev" href="([^"]+)"', body(client.get(address))):
        address = LIST + found[1].replace("&amp;", "&")
        back.append(numbers(client.get(address)))
    assert back[::-1] == forward


def test_as_many_queries_for_three_rows_as_for_one(client: Client, office: Office) -> None:
    entered(office.county)
    client.get(LIST)

    def asked() -> int:
        with CaptureQueriesContext(
            connection,
        ) as caught:
            assert client.get(LIST).status_code == 200
        return len(caught)

    one = asked()
    entered(office.county)
    office.brought_to(State.ASSIGNED)
    assert asked() == one


def test_who_sees_what(as_user: SignIn, office: Office, songxian_clerk: User, db: None) -> None:
    finding = entered(office.county)
    assert numbers(as_user(office.village).get(LIST)) == [finding.number]
    neighbour = as_user(songxian_clerk)
    assert numbers(neighbour.get(LIST)) == []
    assert "批量交办" not in body(neighbour.get(LIST))
    assert as_user(person("nobody", Role.LEADER)).get(LIST).status_code == 403
    assert neighbour.post(LIST).status_code == 405


# --- as a file ----------------------------------------------------------------------------------


def test_the_file_is_as_long_as_the_list(client: Client, office: Office) -> None:
    office.brought_to(State.ASSIGNED, fact="道路没有完工")
    entered(office.county, fact="=cmd|calc")
    entered(office.county)
    for query in ("", "standing=overdue", "q=道路", "state=FOUND"):
        many = counted(client.get(f"{LIST}?{query}"))
        assert f"共 {many} 行" in body(client.get(f"{LIST}export/?{query}"))
        told = {"file_format": "csv", "numbers": "masked", "purpose": "报送市级专班"}
        answer = client.post(f"{LIST}export/?{query}", told)
        text = answer.content.decode()
        # Watermark and heads stand above the rows.
        assert len(text.strip().splitlines()) == many + 2, query
    assert client.post(f"{LIST}export/", {"file_format": "csv"}).status_code == 422


# --- acts on many -------------------------------------------------------------------------------


def chosen(*findings: Finding, **more: Any) -> dict[str, Any]:
    return {"finding": [one.pk for one in findings], **more}


def sure(client: Client, told: dict[str, Any]) -> Any:
    """The first answer's digest, and then the act itself."""
    first = client.post(f"{LIST}bulk/", told)
    assert first.status_code == 200
    digest = re.search(r'name="digest" value="(\w+)"', body(first))
    assert digest
    return client.post(f"{LIST}bulk/", {**told, **DUTY, "step": "confirm", "digest": digest[1]})


def test_several_are_assigned_at_once(client: Client, office: Office) -> None:
    one, two, third = (entered(office.county) for _ in range(3))
    answer = sure(client, chosen(one, two, act="assign"))
    assert answer.status_code == 302
    found = Finding.objects.filter(lead_unit=DUTY["unit"], state="ASSIGNED")
    assert set(found) == {one, two}
    assert {str(finding.due_on) for finding in found} == {"2018-10-31"}
    assert Finding.objects.get(pk=third.pk).state == "FOUND"


def test_unfit_ones_are_named_and_nothing_is_done(client: Client, office: Office) -> None:
    good, closed = entered(office.county), office.brought_to(State.CLOSED)
    answer = sure(client, chosen(good, closed, act="assign"))
    assert answer.status_code == 422
    assert f"{closed.number}</a>" in body(answer)
    assert "现为“已销号”，不能交办" in body(answer)
    assert "1 个问题不能交办，全部没有办理" in body(answer)
    assert Finding.objects.get(pk=good.pk).state == "FOUND"


def test_without_a_rule_the_day_has_to_be_told(client: Client, office: Office) -> None:
    told = chosen(entered(office.county), act="assign", step="confirm")
    first = client.post(f"{LIST}bulk/", {**told, "step": ""})
    told["digest"] = re.search(r'name="digest" value="(\w+)"', body(first))[1]  # type: ignore[index]
    answer = client.post(f"{LIST}bulk/", {**told, **DUTY, "due_on": "", "due_source": ""})
    assert answer.status_code == 422
    assert "没有适用的期限规定" in body(answer)
    for name, wrong in (
        ("unit", ""), ("on", "2999-01-01"), ("due_source", ""), ("username", "没有这个人"),
        ("on", "2018-09-01"), ("due_on", "2018-09-03"),
    ):  # fmt: skip
        answer = client.post(f"{LIST}bulk/", {**told, **DUTY, name: wrong})
        assert answer.status_code == 422, name
    assert Finding.objects.get().state == "FOUND"


def test_the_account_must_see_the_place(
    client: Client, office: Office, songxian_clerk: User
) -> None:
    finding = entered(office.county)
    told = chosen(finding, act="assign")
    digest = re.search(
        r'name="digest" value="(\w+)"', body(client.post(f"{LIST}bulk/", told))
    )[1]  # type: ignore[index]  # fmt: skip
    told |= {**DUTY, "step": "confirm", "digest": digest}
    answer = client.post(f"{LIST}bulk/", told | {"username": songxian_clerk.username})
    assert answer.status_code == 422
    assert "看不到该问题所在区划" in body(answer)
    answer = client.post(f"{LIST}bulk/", told | {"username": office.village.username})
    assert answer.status_code == 302
    assert Finding.objects.get().duty_user == office.village


def test_a_whole_search_is_counted_again(client: Client, office: Office) -> None:
    entered(office.county)
    entered(office.county)
    office.brought_to(State.CLOSED)
    told = {"all": "1", "filter": "state=FOUND", "counted": "2", "act": "assign"}
    first = body(client.post(f"{LIST}bulk/", told))
    assert "全部 2 个问题" in first.replace("的全部", "全部")
    assert "您在列表上看到" not in first
    digest = re.search(r'name="digest" value="(\w+)"', first)[1]  # type: ignore[index]
    # One more comes meanwhile: nothing is done that nobody saw.
    entered(office.county)
    told |= {**DUTY, "step": "confirm", "digest": digest}
    answer = client.post(f"{LIST}bulk/", told)
    assert answer.status_code == 422
    assert "现有 3 个" in body(answer)
    assert not Finding.objects.filter(state="ASSIGNED").exists()
    assert "您在列表上看到 2 个问题，现在符合条件的有 3 个" in body(
        client.post(f"{LIST}bulk/", {**told, "step": ""})
    )
    told["digest"] = re.search(r'name="digest" value="(\w+)"', body(answer))[1]  # type: ignore[index]
    assert client.post(f"{LIST}bulk/", told).status_code == 302
    assert Finding.objects.filter(state="ASSIGNED").count() == 3


def test_assigning_many_takes_few_statements(office: Office) -> None:
    def asked(many: int) -> int:
        findings = [entered(office.county) for _ in range(many)]
        duty = stepping.Duty("某局", "某人", due_on=DUE, due_source="方案")
        with CaptureQueriesContext(connection) as caught:
            stepping.assign_many(findings=findings, duty=duty, on=DAY, by=office.county)
        return len(caught)

    assert asked(3) == asked(20)


def test_nobody_reaches_beyond_his_places(
    as_user: SignIn, office: Office, client: Client, city_leader: User
) -> None:
    finding = entered(office.county)
    other = person("songoffice", Role.COUNTY_OFFICE, "410325")
    answer = as_user(other).post(f"{LIST}bulk/", chosen(finding, act="assign"))
    assert (answer.status_code, answer["Location"]) == (302, LIST)
    for user in (office.village, city_leader):
        answer = as_user(user).post(f"{LIST}bulk/", chosen(finding, act="assign"))
        assert answer.status_code == 403
    assert client.get(f"{LIST}bulk/").status_code == 405
    assert client.post(f"{LIST}bulk/", {"act": "nothing", "finding": finding.pk}).status_code == 302
    assert client.post(f"{LIST}bulk/", {"act": "assign", "finding": "x"}).status_code == 302


def test_letters_for_the_chosen_that_are_due(client: Client, office: Office) -> None:
    late, new = office.brought_to(State.ASSIGNED), entered(office.county)
    left_out = office.brought_to(State.ASSIGNED)
    told = chosen(late, new, act="remind")
    first = body(client.post(f"{LIST}bulk/", told))
    assert "其中 1 个问题应发文书" in first
    assert "现为“待交办”，不需要文书" in first
    answer = sure(client, told)
    assert answer.status_code == 302
    letter = Letter.objects.get()
    assert [item.finding for item in letter.items.all()] == [late]
    assert not left_out.letter_items.exists()
    # Again: it stands in a draft already.
    again = sure(client, told)
    assert again.status_code == 422
    assert "已在待签发的文书中" in body(again)
    assert Letter.objects.count() == 1


def test_the_preview_says_what_the_letters_do(office: Office) -> None:
    """In each state and at each rung, due is what a draft is written about."""
    today = DUE + timedelta(1)
    for state in State.values:
        office.brought_to(state)
    seen: set[str] = set()
    for _ in range(12):
        findings = list(Finding.objects.order_by("pk"))
        told = reminding.looked_over(findings=findings, today=today, by=office.county)
        seen |= {re.sub(r"[\d（）-]", "", why) for _, why in told.others}
        drafts = preparing.prepare(today=today, prefix="4103")
        items = {item.finding_id for draft in drafts for item in draft.items.all()}
        assert items == {finding.pk for finding in told.due}, today
        after = reminding.looked_over(findings=findings, today=today, by=office.county)
        assert after.due == []
        seen |= {re.sub(r"[\d（）-]", "", why) for _, why in after.others}
        for at, draft in enumerate(drafts):
            if at == 1:
                sending.drop(letter=draft, why="正在抢修", by=office.county)
            else:
                until = today + timedelta(5)
                sending.issue(letter=draft, on=today, reply_due_on=until, by=office.county)
        again = reminding.looked_over(findings=findings, today=today, by=office.county)
        seen |= {re.sub(r"[\d（）-]", "", why) for _, why in again.others}
        today += timedelta(3)
    assert {"已在待签发的文书中。", "三次文书都已发出，等待追责结果。"} <= seen
    assert {"上一份文书的答复期限未到。", "这一事由已经拟过文书。"} <= seen


# --- the calendar -------------------------------------------------------------------------------


def test_days_lead_to_lists_of_as_many(client: Client, office: Office) -> None:
    for _ in range(2):
        office.brought_to(State.ASSIGNED)
    office.brought_to(State.CLAIMED)
    Holiday.objects.create(day=date(2018, 9, 24), is_off=True, source="测试")
    Holiday.objects.create(day=date(2018, 9, 29), is_off=False, source="测试")
    shown = body(client.get(f"{LIST}calendar/?month=2018-09"))
    assert "逾期 2" in shown
    assert "没有 2018 年的节假日表" not in shown
    assert re.search(r'class="off[^"]*"><time datetime="2018-09-24[^>]*>24</time><sup>休', shown)
    assert re.search(r'class="[^"]*"><time datetime="2018-09-29[^>]*>29</time><sup>班', shown)
    assert not re.search(r'class="off[^"]*"><time datetime="2018-09-29', shown)
    href = re.search(r'href="(/findings/\?standing=owed[^"]+)">逾期 2', shown)
    assert href
    assert counted(client.get(href[1].replace("&amp;", "&"))) == 2
    assert "没有 2017 年的节假日表" in body(client.get(f"{LIST}calendar/?month=2017-05"))
    for month in ("2018-13", "x", "", "9999-01"):
        assert client.get(f"{LIST}calendar/?month={month}").status_code == 200


def test_looks_and_replies_of_this_month(client: Client, office: Office) -> None:
    today = timezone.localdate()
    office.brought_to(State.WATCHED)
    office.brought_to(State.ASSIGNED)
    (draft,) = preparing.prepare(today=today, prefix="4103")
    sending.issue(letter=draft, on=today, reply_due_on=today + timedelta(1), by=office.county)
    until = today + timedelta(1)
    shown = body(client.get(f"{LIST}calendar/"))
    assert "复查 1" in shown
    assert counted(client.get(f"{LIST}?look=due")) == 1
    assert "答复 1" in body(client.get(f"{LIST}calendar/?month={until:%Y-%m}"))
    one = Finding.objects.get(state="WATCHED")
    stepping.look(finding=one, result="HOLDS", words="没有反弹", on=today, by=office.second)
    assert counted(client.get(f"{LIST}?look=due")) == 0
    assert "复查 1" not in body(client.get(f"{LIST}calendar/"))


def test_the_calendar_asks_as_much_for_three_as_for_one(client: Client, office: Office) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as caught:
            assert client.get(f"{LIST}calendar/?month=2018-09").status_code == 200
        return len(caught)

    office.brought_to(State.ASSIGNED)
    asked()
    one = asked()
    for days in (1, 2):
        other = entered(office.county)
        duty = stepping.Duty("某局", "某人", due_on=DUE - timedelta(days), due_source="方案")
        stepping.assign(finding=other, duty=duty, on=DAY, by=office.county)
    assert asked() == one


def test_the_calendar_is_of_ones_places(
    as_user: SignIn, office: Office, songxian_clerk: User, city_leader: User
) -> None:
    office.brought_to(State.ASSIGNED)
    address = f"{LIST}calendar/?month=2018-09"
    assert "逾期 1" not in body(as_user(songxian_clerk).get(address))
    city = as_user(city_leader)
    assert "逾期 1" in body(city.get(address))
    assert as_user(person("nobody", Role.LEADER)).get(address).status_code == 403
    assert city.post(address).status_code == 405
    assert not Campaign.objects.exists()
