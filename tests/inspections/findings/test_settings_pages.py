"""How long a mending may take, and the days that do not count, on their pages."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from accounts.enums import Role
from accounts.models import User
from exits.models import Holiday
from exits.services import holidays as service
from inspections.models import DeadlineRule
from tests.conftest import person
from tests.inspections.findings.conftest import COUNTY, Office

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]
RULES, DAYS = "/findings/deadlines/", "/findings/holidays/"
FORM = {
    "region": COUNTY, "kind": "", "level": "", "severity": "GRAVE", "days": "5", "reply_days": "3",
    "valid_from": "2018-01-01", "source": "县专班通知〔2018〕2 号",
}  # fmt: skip
ASK = {
    "place": COUNTY, "source": "AUDIT", "level": "CITY", "severity": "GRAVE", "on": "2018-09-28",
}  # fmt: skip


def body(answer: Any) -> str:
    return str(answer.content.decode())


@pytest.fixture
def client(as_user: SignIn, office: Office) -> Client:
    return as_user(office.county)


def table(*rows: str) -> SimpleUploadedFile:
    text = "\n".join(("day,is_off,source", *rows))
    return SimpleUploadedFile("days.csv", text.encode())


# --- rules --------------------------------------------------------------------------------------


def test_it_starts_empty_and_says_so(client: Client) -> None:
    assert "还没有设置期限" in body(client.get(RULES))
    assert "没有适用的规定" in body(client.get(RULES, ASK))


def test_a_rule_needs_a_document_and_tells_which_holds(
    client: Client, city_admin: User, as_user: SignIn
) -> None:
    for name in ("source", "days", "reply_days", "valid_from", "region"):
        assert client.post(RULES, FORM | {name: ""}).status_code == 422, name
    for name, wrong in (("days", "0"), ("days", "501"), ("region", "410325000000"), ("kind", "X")):
        assert client.post(RULES, FORM | {name: wrong}).status_code == 422, name
    assert not DeadlineRule.objects.exists()
    assert client.post(RULES, FORM).status_code == 302
    rule = DeadlineRule.objects.get()
    assert (rule.region_prefix, rule.days, rule.reply_days) == ("410324", 5, 3)
    # Across a year's days off that nobody loaded there is no day.
    answer = body(client.get(RULES, ASK))
    assert "县专班通知〔2018〕2 号，5 个工作日" in answer
    assert "没有 2018 年的节假日表" in answer
    Holiday.objects.create(day=date(2018, 10, 1), is_off=True, source="测试")
    assert "整改期限为 2018-10-08" in body(client.get(RULES, ASK))
    # The city's holds where the county has none that fits; the county sees it.
    city = as_user(city_admin)
    told = FORM | {"region": "410300000000", "severity": "", "days": "9", "source": "市通知"}
    assert city.post(RULES, told).status_code == 302
    assert "市通知，9 个工作日" in body(client.get(RULES, ASK | {"severity": "ORDINARY"}))
    assert "县专班通知〔2018〕2 号，5 个工作日" in body(client.get(RULES, ASK))
    for wrong in ({"on": "x"}, {"place": "410325000000"}, {"source": "X"}):
        assert client.get(RULES, ASK | wrong).status_code == 200


def test_who_sets_rules(as_user: SignIn, office: Office, city_leader: User) -> None:
    other = as_user(person("beside", Role.COUNTY_OFFICE, "410325"))
    assert other.post(RULES, FORM).status_code == 422
    for user in (office.village, city_leader):
        one = as_user(user)
        assert one.get(RULES).status_code == 200
        assert 'name="reply_days"' not in body(one.get(RULES))
        assert one.post(RULES, FORM).status_code == 403
    assert as_user(person("nobody", Role.LEADER)).get(RULES).status_code == 403
    assert other.delete(RULES).status_code == 405
    assert not DeadlineRule.objects.exists()


def test_the_neighbours_rules_are_not_listed(as_user: SignIn, client: Client) -> None:
    assert client.post(RULES, FORM).status_code == 302
    other = as_user(person("beside", Role.COUNTY_OFFICE, "410325"))
    assert "还没有设置期限" in body(other.get(RULES))


# --- days off -----------------------------------------------------------------------------------


def test_missing_years_are_told(client: Client) -> None:
    this = timezone.localdate().year
    shown = body(client.get(DAYS))
    assert f"没有 {this} 年的节假日表" in shown
    assert f"没有 {this + 1} 年的节假日表" in shown
    Holiday.objects.create(day=date(this, 1, 1), is_off=True, source="测试")
    shown = body(client.get(DAYS))
    assert f"没有 {this} 年的节假日表" not in shown
    assert f"没有 {this + 1} 年的节假日表" in shown


def test_the_city_loads_and_confirms_a_second_time(as_user: SignIn, city_admin: User) -> None:
    city = as_user(city_admin)
    first = table("2018-10-01,1,国办发明电〔2017〕12 号", "2018-09-29,0,国办发明电〔2017〕12 号")
    assert city.post(DAYS, {"file": first}).status_code == 302
    assert Holiday.objects.filter(is_off=True).count() == 1
    shown = body(city.get(DAYS))
    assert "放假 1 天，周末上班 1 天" in shown
    # The same table changes nothing and asks nothing.
    first.seek(0)
    assert city.post(DAYS, {"file": first}).status_code == 302
    second = table("2018-10-01,0,更正", "2018-10-02,1,国办发明电〔2017〕12 号")
    asked = city.post(DAYS, {"file": second})
    assert asked.status_code == 422
    assert "新增 1 天，改变 1 天，相同 0 天；已有而表中没有的 1 天" in body(asked)
    assert Holiday.objects.get(day=date(2018, 10, 1)).is_off
    second.seek(0)
    text = second.read().decode()
    assert city.post(DAYS, {"text": text, "sure": "1"}).status_code == 302
    assert list(Holiday.objects.values_list("day", "is_off")) == [
        (date(2018, 9, 29), False), (date(2018, 10, 1), False), (date(2018, 10, 2), True),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("body_", "words"),
    [
        (b"", "空"), (b"day,is_off\n2018-01-01,1\n", "列名"), (b"\xff\xfe\x00\x01", "CSV"),
        (b"day,is_off,source\n", "没有日期"), (b"day,is_off,source\n2018-13-01,1,x\n", "第 2 行"),
        (b"day,is_off,source\n2018-01-01,2,x\n", "is_off"),
        (b"day,is_off,source\n2018-01-01,1,\n", "source"), (b"day,is_off,source\n2018-01-01\n", "is_off"),
        ("day,is_off,source\n2018-01-01,1,元旦\n2018-01-01,1,元旦\n".encode(), "重复"),
        (b"x" * (service.MAX_BYTES + 1), "过大"),
    ],
)  # fmt: skip
def test_a_bad_table_is_refused_whole(
    as_user: SignIn, city_admin: User, body_: bytes, words: str
) -> None:
    answer = as_user(city_admin).post(DAYS, {"file": SimpleUploadedFile("a.csv", body_)})
    assert answer.status_code == 422
    assert words in body(answer)
    assert not Holiday.objects.exists()


def test_spreadsheets_of_the_office_write_gb18030(as_user: SignIn, city_admin: User) -> None:
    text = "day,is_off,source\r\n2018-01-01,1,元旦通知\r\n".encode("gb18030")
    file = SimpleUploadedFile("a.csv", text)
    assert as_user(city_admin).post(DAYS, {"file": file}).status_code == 302
    assert Holiday.objects.get().source == "元旦通知"


def test_only_the_city_loads(client: Client, as_user: SignIn, city_leader: User) -> None:
    file = table("2018-10-01,1,通知")
    assert client.post(DAYS, {"file": file}).status_code == 403
    assert as_user(city_leader).post(DAYS, {"file": file}).status_code == 403
    assert as_user(city_leader).get(DAYS).status_code == 200
    assert 'type="file"' not in body(client.get(DAYS))
    assert as_user(person("nobody", Role.LEADER)).get(DAYS).status_code == 403
    assert client.delete(DAYS).status_code == 405
    with pytest.raises(service.UnfitError, match="权限"):
        service.load(rows=service.parsed("day,is_off,source\n2018-01-01,1,x\n"), by=city_leader)
    assert not Holiday.objects.exists()
