"""Problems by workbook: what each row becomes, nothing twice, wrong rows back with the reason."""

import zipfile
from collections.abc import Callable
from datetime import date, timedelta
from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from openpyxl import load_workbook

from accounts.enums import Role
from accounts.models import User
from core.workbooks.writing import Book
from households.models import Person
from inspections.models import Campaign, Finding, FindingClass, FindingStep, FindingWorkbook
from inspections.services.common import UnfitError
from inspections.services.findings import entering, loading
from projects.services.loading import Line
from tests.conftest import person
from tests.factories.households import household, id_no
from tests.factories.villages import RegionFactory
from tests.inspections.findings.conftest import COUNTY, VILLAGE, Office
from tests.inspections.findings.test_campaign_pages import opened
from villages.models import Region

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]
LOAD = "/findings/load/"
TODAY = date(2018, 9, 10)
GOOD = {
    "反馈序号": "1", "区划代码": VILLAGE, "问题事实": "公示栏内容没有更新", "问题类别": "",
    "严重程度": "一般", "违反的规定": "", "问题对象": "县、乡镇、村", "对象编号": "",
    "干部姓名、职务": "", "发现日期": "2018-09-03", "需长期坚持": "",
}  # fmt: skip
HEADS = list(GOOD)


def body(answer: Any) -> str:
    return str(answer.content.decode())


def lines(*rows: dict[str, str]) -> list[Line]:
    return [Line(place, GOOD | row) for place, row in enumerate(rows, 2)]


def workbook(*rows: dict[str, str], heads: list[str] = HEADS) -> SimpleUploadedFile:
    buffer = BytesIO()
    with Book(buffer, "问题", heads) as book:
        for row in rows:
            book.append_texts([(GOOD | row)[head] for head in heads])
    return SimpleUploadedFile("problems.xlsx", buffer.getvalue())


@pytest.fixture
def campaign(office: Office) -> Campaign:
    return opened(office.county)


@pytest.fixture
def client(as_user: SignIn, office: Office) -> Client:
    return as_user(office.county)


def kept(campaign: Campaign, by: User, *rows: dict[str, str]) -> FindingWorkbook:
    return loading.keep(campaign=campaign, lines=lines(*rows), by=by)


def taken(campaign: Campaign, by: User, *rows: dict[str, str]) -> FindingWorkbook:
    return loading.take_over(workbook=kept(campaign, by, *rows), today=TODAY, by=by)


def faults(campaign: Campaign, by: User, *rows: dict[str, str]) -> list[tuple[int, str, str]]:
    found = loading.judged(lines=lines(*rows), campaign=campaign, today=TODAY, by=by)
    return [(one.row_no, one.column, one.text) for one in found.faults]


# --- what a row becomes -------------------------------------------------------------------------


def test_good_rows_become_problems_with_numbers_and_steps(
    campaign: Campaign, office: Office
) -> None:
    FindingClass.objects.create(code="A1", name="资金管理", source="测试")
    done = taken(
        campaign, office.county, {}, {"反馈序号": "2", "严重程度": "严重", "需长期坚持": "是"},
        {"反馈序号": "3", "发现日期": "2017-12-30", "问题类别": "资金管理"},
        {"反馈序号": "4", "问题类别": "A1", "问题对象": "干部", "干部姓名、职务": "村主任"},
    )  # fmt: skip
    assert (done.made, done.known, done.lines) == (4, 0, [])
    rows = Finding.objects.order_by("told_as")
    assert [one.number for one in rows] == [
        "W201841032400001", "W201841032400002", "W201741032400001", "W201841032400003",
    ]  # fmt: skip
    assert {(one.state, one.origin, one.source, one.level, one.position) for one in rows} == {
        ("FOUND", "WORKBOOK", "TOUR", "PROVINCE", 1)
    }
    assert [one.needs_watch for one in rows] == [False, True, False, False]
    assert [one.category_id for one in rows] == [None, None, "A1", "A1"]
    assert FindingStep.objects.filter(state="FOUND", on=date(2017, 12, 30)).count() == 1
    # What is entered by hand goes on with the next number.
    assert entering.enter(
        region=Region.objects.get(code=VILLAGE), campaign=campaign, by=office.county,
        fields={"severity": "ORDINARY", "fact": "x", "object_kind": "PLACE",
                "found_on": date(2018, 9, 3)},
    ).number == "W201841032400004"  # fmt: skip


@pytest.mark.parametrize(
    ("row", "column", "words"),
    [
        ({"反馈序号": ""}, "反馈序号", "不能为空"),
        ({"反馈序号": "示例"}, "反馈序号", "请删除本行"),
        ({"反馈序号": "x" * 41}, "反馈序号", "40 字"),
        ({"区划代码": "410324999999"}, "区划代码", "没有这个区划代码"),
        ({"区划代码": "410325100201"}, "区划代码", "没有这个区划代码"),
        ({"问题事实": ""}, "问题事实", "不能为空"),
        ({"问题事实": "长" * 1001}, "问题事实", "1000 字"),
        ({"问题类别": "没有"}, "问题类别", "没有这个问题类别"),
        ({"严重程度": "很重"}, "严重程度", "只能填写：一般、较重、严重"),
        ({"问题对象": "支付"}, "问题对象", "只能填写"),
        ({"问题对象": "户", "对象编号": "86300000000001"}, "对象编号", "没有找到"),
        ({"问题对象": "人", "对象编号": ""}, "对象编号", "人编号"),
        ({"问题对象": "项目", "对象编号": "P1"}, "对象编号", "项目编号"),
        ({"对象编号": "P1"}, "对象编号", "不需要对象编号"),
        ({"干部姓名、职务": "某人"}, "干部姓名、职务", "请清空"),
        ({"问题对象": "干部"}, "干部姓名、职务", "请填写干部"),
        ({"发现日期": ""}, "发现日期", "须是日期"),
        ({"发现日期": "2018-09-11"}, "发现日期", "晚于今天"),
        ({"需长期坚持": "也许"}, "需长期坚持", "只能填写：是、否"),
    ],
)  # fmt: skip
def test_a_bad_row_says_where_what_and_how(
    campaign: Campaign, office: Office, row: dict[str, str], column: str, words: str
) -> None:
    told = faults(campaign, office.county, row, {"反馈序号": "9"})
    assert (told[0][0], told[0][1]) == (2, column)
    assert words in told[0][2]
    assert {row_no for row_no, _, _ in told} == {2}
    done = taken(campaign, office.county, row, {"反馈序号": "9"})
    assert (done.made, [row_no for row_no, _ in done.lines]) == (1, [2])
    assert Finding.objects.get().told_as == "9"


def test_objects_are_of_the_row_s_place(campaign: Campaign, office: Office) -> None:
    row = household(head="赵某")
    member = Person.objects.filter(household=row.household).earliest("pk")
    rows = [
        {"问题对象": "户", "对象编号": row.household.household_no},
        {"反馈序号": "2", "问题对象": "人", "对象编号": member.person_no},
    ]
    done = taken(campaign, office.county, *rows)
    assert done.made == len(rows)
    assert set(Finding.objects.values_list("household", "person")) == {
        (row.household_id, None), (row.household_id, member.pk)
    }  # fmt: skip
    Region.objects.create(
        code="410324100204", name="另一村", level="village", source="测试",
        parent=Region.objects.get(code=VILLAGE).parent,
    )  # fmt: skip
    told = faults(campaign, office.county, rows[0] | {"反馈序号": "3", "区划代码": "410324100204"})
    assert told == [(2, "对象编号", "不在本行的区划之内，请核对区划代码和对象编号。")]


def test_places_of_others_and_outside_the_inspection(campaign: Campaign, office: Office) -> None:
    RegionFactory(code="410325100201")
    foreign = {"区划代码": "410325100201"}
    (told,) = faults(campaign, office.county, foreign)
    assert "不在您的权限范围内" in told[2]
    city = person("cityoffice", Role.CITY_OFFICE, "4103")
    (told,) = faults(campaign, city, foreign)
    assert "不在被检查的区划之内" in told[2]


def test_the_same_number_twice_in_a_file(campaign: Campaign, office: Office) -> None:
    told = faults(campaign, office.county, {}, {"问题事实": "另一件"})
    assert told == [(3, "反馈序号", "与第 2 行重复，同一序号只留一行。")]


def test_the_same_file_again_adds_nothing(campaign: Campaign, office: Office) -> None:
    rows = ({}, {"反馈序号": "2"})
    assert taken(campaign, office.county, *rows).made == 2
    again = taken(campaign, office.county, *rows)
    assert (again.made, again.known) == (0, 2)
    found = loading.judged(
        lines=lines({"问题事实": "改写了"}), campaign=campaign, today=TODAY, by=office.county
    )
    assert [note for _, _, note in found.known] == ["台账中的内容与本行不同，不会改动。"]
    assert taken(campaign, office.county, {"问题事实": "改写了"}).made == 0
    assert Finding.objects.get(told_as="1").fact == GOOD["问题事实"]
    # Another inspection numbers its own problems.
    assert taken(opened(office.county, "审计"), office.county, *rows).made == 2


def test_a_workbook_is_taken_over_once(campaign: Campaign, office: Office) -> None:
    done = taken(campaign, office.county, {})
    with pytest.raises(UnfitError, match="已经导入"):
        loading.take_over(workbook=done, today=TODAY, by=office.county)
    assert Finding.objects.count() == 1


def test_numbers_of_persons_are_struck_before_anything_is_kept(
    campaign: Campaign, office: Office
) -> None:
    number = id_no(7)
    row = {"问题事实": f"{number} 冒领补贴", "问题对象": "人", "对象编号": number}
    told = kept(campaign, office.county, row)
    assert number not in str(told.lines)
    found = loading.judged(
        lines=loading.lines_of(told), campaign=campaign, today=TODAY, by=office.county
    )
    assert all(number not in fault.text for fault in found.faults)


def test_as_few_statements_for_many_rows(campaign: Campaign, office: Office) -> None:
    def asked(first: int, many: int) -> int:
        rows = [{"反馈序号": str(first + at)} for at in range(many)]
        told = kept(campaign, office.county, *rows)
        with CaptureQueriesContext(connection) as caught:
            done = loading.take_over(workbook=told, today=TODAY, by=office.county)
        assert done.made == many
        return len(caught)

    assert asked(1, 3) == asked(100, 300)


# --- the pages ----------------------------------------------------------------------------------


def test_the_form_to_fill_in_offers_what_is_taken(client: Client) -> None:
    answer = client.get(f"{LOAD}template/")
    assert "spreadsheetml" in answer["Content-Type"]
    sheet = load_workbook(BytesIO(answer.content)).active
    assert [cell.value for cell in sheet[1]] == HEADS
    offered = {str(one.formula1) for one in sheet.data_validations.dataValidation}
    assert '"一般,较重,严重"' in offered
    assert sheet.max_row == 2


def test_the_example_is_refused_when_it_is_left_in(
    client: Client, campaign: Campaign, office: Office
) -> None:
    form = client.get(f"{LOAD}template/").content
    answer = client.post(
        LOAD, {"campaign": campaign.pk, "file": SimpleUploadedFile("a.xlsx", form)}
    )
    shown = body(client.get(answer["Location"]))
    assert "这是填写示例，请删除本行。" in shown
    assert "确认导入" not in shown


def test_looked_over_confirmed_and_handed_back(
    client: Client, campaign: Campaign, office: Office
) -> None:
    assert client.get(f"{LOAD}?campaign={campaign.pk}").status_code == 200
    file = workbook(
        {}, {"反馈序号": "2", "严重程度": "很重"}, {"反馈序号": "3", "发现日期": "2018/9/5"}
    )
    answer = client.post(LOAD, {"campaign": campaign.pk, "file": file})
    assert answer.status_code == 302
    shown = body(client.get(answer["Location"]))
    assert "确认导入 2 个问题" in shown
    assert not Finding.objects.exists()
    key = FindingWorkbook.objects.get().pk
    done = client.post(LOAD, {"workbook": key, "act": "apply"})
    assert done["Location"] == f"{LOAD}?workbook={key}"
    assert Finding.objects.count() == 2
    after = body(client.get(done["Location"]))
    assert "已导入 2 个问题" in after
    assert "确认导入" not in after
    back = client.post(LOAD, {"workbook": key, "act": "return"})
    sheet = load_workbook(BytesIO(back.content)).active
    assert [cell.value for cell in sheet[1]] == [*HEADS, "未导入原因"]
    assert sheet.max_row == 2
    wrong = sheet.cell(2, HEADS.index("严重程度") + 1)
    assert wrong.value == "很重"
    assert "只能填写" in wrong.comment.text
    assert "严重程度：只能填写" in sheet.cell(2, len(HEADS) + 1).value
    # Put right, the same file brings the rest and nothing else.
    sheet.cell(2, HEADS.index("严重程度") + 1).value = "较重"
    buffer = BytesIO()
    sheet.parent.save(buffer)
    again = client.post(
        LOAD, {"campaign": campaign.pk, "file": SimpleUploadedFile("b.xlsx", buffer.getvalue())}
    )
    key = int(again["Location"].rpartition("=")[2])
    last = client.post(LOAD, {"workbook": key, "act": "apply"})
    assert last["Location"] == f"/findings/campaigns/{campaign.pk}/"
    assert Finding.objects.count() == 3


def test_rows_that_came_meanwhile_are_known(
    client: Client, campaign: Campaign, office: Office
) -> None:
    answer = client.post(LOAD, {"campaign": campaign.pk, "file": workbook({}, {"反馈序号": "2"})})
    assert "确认导入 2 个问题" in body(client.get(answer["Location"]))
    taken(campaign, office.second, {})
    key = int(answer["Location"].rpartition("=")[2])
    client.post(LOAD, {"workbook": key, "act": "apply"})
    done = FindingWorkbook.objects.get(pk=key)
    assert (done.made, done.known) == (1, 1)


def bomb() -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 20_000_000)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (b"MZ\x90", ""), (bomb(), ""), (b"", ""),
        (workbook({}, heads=HEADS[:3]).read(), "没有找到表头"),
        (workbook().read(), "没有数据行"),
    ],
    ids=["program", "bomb", "empty", "heads", "no rows"],
)  # fmt: skip
def test_a_hostile_or_empty_file_is_refused(
    client: Client, campaign: Campaign, file: bytes, words: str
) -> None:
    answer = client.post(
        LOAD, {"campaign": campaign.pk, "file": SimpleUploadedFile("a.xlsx", file)}
    )
    assert answer.status_code == 422
    assert words in body(answer)
    assert not FindingWorkbook.objects.exists()


def test_who_may(
    client: Client, as_user: SignIn, office: Office, campaign: Campaign, city_leader: User
) -> None:
    answer = client.post(LOAD, {"campaign": campaign.pk, "file": workbook({})})
    address = answer["Location"]
    key = FindingWorkbook.objects.get().pk
    for user in (city_leader, office.village):
        stranger = as_user(user)
        assert stranger.get(LOAD).status_code == 403
        assert stranger.get(f"{LOAD}template/").status_code == 403
        assert stranger.post(LOAD, {"workbook": key, "act": "apply"}).status_code == 403
    # A colleague of the same office has workbooks of his own; the neighbour sees none of it.
    for user in (office.second, person("beside", Role.COUNTY_OFFICE, "410325")):
        other = as_user(user)
        assert other.get(address).status_code == 404
        assert other.post(LOAD, {"workbook": key, "act": "apply"}).status_code == 404
    beside = as_user(person("beside2", Role.COUNTY_OFFICE, "410325"))
    assert beside.get(f"{LOAD}?campaign={campaign.pk}").status_code == 404
    refused = beside.post(LOAD, {"campaign": campaign.pk, "file": workbook({})})
    assert refused.status_code == 422
    for wrong in ("x", "9" * 30, "999999"):
        assert client.get(f"{LOAD}?workbook={wrong}").status_code == 404
        assert client.get(f"{LOAD}?campaign={wrong}").status_code == 404
    assert client.delete(LOAD).status_code == client.post(f"{LOAD}template/").status_code == 405
    assert timezone.localdate() - TODAY > timedelta(0)
    assert campaign.region_code == COUNTY
    assert not Finding.objects.exists()
