"""Many accounts from a workbook: good, faulty and hostile ones."""

import re
import zipfile
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

import openpyxl
import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from accounts import workbooks
from accounts.models import User
from accounts.services.bulk import COLUMNS
from accounts.views import bulk
from core.ledger.models import AccessEntry

pytestmark = pytest.mark.django_db
As = Callable[[User], Client]
PAGE = "/accounts/users/bulk/"
GOOD = (
    ("zhangsan", "张三", "栾川县扶贫办", "栾川县", "", ""),
    ("lisi", "李四", "城关镇政府", "栾川县", "城关镇", ""),
    ("wangwu", "王五", "陈家门村", "栾川县", "城关镇", "陈家门村"),
)


def book(rows: Iterable[Iterable[Any]], heads: Iterable[str] = COLUMNS, above: int = 0) -> bytes:
    made = openpyxl.Workbook()
    for _ in range(above):
        made.active.append(["账号名单"])
    made.active.append(list(heads))
    for row in rows:
        made.active.append(list(row))
    buffer = BytesIO()
    made.save(buffer)
    return buffer.getvalue()


def upload(desk: Client, content: bytes) -> Any:
    return desk.post(PAGE, {"file": SimpleUploadedFile("名单.xlsx", content)})


def sealed(answer: Any) -> str:
    return re.search(r'name="sealed" value="([^"]+)"', answer.content.decode())[1]  # type: ignore[index]


@pytest.fixture
def desk(as_user: As, system_admin: User, places: object) -> Client:
    return as_user(system_admin)


@pytest.mark.parametrize("above", [0, 2])
def test_upload_preview_create_and_take_the_links(desk: Client, above: int) -> None:
    preview = upload(desk, book(GOOD, above=above))
    assert preview.status_code == 200
    assert "建立 3 个账号" in preview.content.decode()
    assert "栾川县城关镇陈家门村" in preview.content.decode()
    assert not User.objects.filter(username="zhangsan").exists()
    made = desk.post(f"{PAGE}create/", {"sealed": sealed(preview)})
    assert made.status_code == 200
    homes = dict(
        User.objects.exclude(username="system_admin").values_list("username", "home_prefix")
    )
    assert homes == {"zhangsan": "410324", "lisi": "410324100", "wangwu": "410324100203"}
    assert not User.objects.filter(username__in=homes, grants__isnull=False).exists()
    assert AccessEntry.objects.filter(act="ACCOUNT", detail__act="created").count() == 3
    file = desk.post(f"{PAGE}links/", {"sealed": sealed(made)})
    rows = list(openpyxl.load_workbook(BytesIO(file.content)).active.values)
    assert rows[0] == ("姓名", "用户名", "单位", "设置口令链接")
    assert [row[1] for row in rows[1:]] == ["zhangsan", "lisi", "wangwu"]
    for row in rows[1:]:
        assert Client().get(row[3].removeprefix("http://testserver")).status_code == 302
    # The same button once more, or by going back: nobody is created twice.
    again = desk.post(f"{PAGE}create/", {"sealed": sealed(preview)})
    assert again.status_code == 422
    assert "已被使用" in again.content.decode()


def test_template_is_what_is_read_and_makes_nobody(desk: Client) -> None:
    content = desk.get(f"{PAGE}template/").content
    assert list(openpyxl.load_workbook(BytesIO(content)).active.values) == [COLUMNS]
    answer = upload(desk, content)
    assert answer.status_code == 422
    assert "没有数据行" in answer.content.decode()


@pytest.mark.parametrize(
    ("row", "column", "words"),
    [
        (("Zhang", "张三", "x", "栾川县", "", ""), "用户名", "不合规则"),
        (("", "张三", "x", "栾川县", "", ""), "用户名", "不合规则"),
        (("system.taken", "张三", "x", "栾川县", "", ""), "用户名", "已被使用"),
        (("lisi", "张三", "x", "栾川县", "", ""), "用户名", "表内重复"),
        (("zhao", "", "x", "栾川县", "", ""), "姓名", "为空"),
        (("zhao", "赵" * 61, "x", "栾川县", "", ""), "姓名", "超过 60"),
        (("zhao", "赵六", "x", "西游县", "", ""), "县", "没有这个区划"),
        (("zhao", "赵六", "x", "", "城关镇", ""), "县", "为空"),
        (("zhao", "赵六", "x", "嵩县", "赤土店镇", ""), "乡镇", "没有这个区划"),
        (("zhao", "赵六", "x", "栾川县", "", "陈家门村"), "乡镇", "为空"),
        (("zhao", "赵六", "x", "栾川县", "城关镇", "无此村"), "村", "没有这个区划"),
    ],
)
def test_faults_are_told_by_row_and_column(
    desk: Client, row: tuple[str, ...], column: str, words: str
) -> None:
    User.objects.create(username="system.taken", display_name="x")
    answer = upload(desk, book([*GOOD, row]))
    faults = answer.context["faults"]
    found = {(fault.row_no, fault.column): fault for fault in faults}
    assert words in found[5, column].message
    assert all(fault.remedy for fault in faults)
    assert not answer.context["sealed"]
    assert "没有建立任何账号" in answer.content.decode()


def test_county_stays_inside(as_user: As, county_system_admin: User, places: object) -> None:
    """Its own name may be left out; the neighbour's does not exist for it."""
    desk = as_user(county_system_admin)
    answer = upload(desk, book([
        ("aa1", "甲", "x", "", "", ""), ("aa2", "乙", "x", "", "赤土店镇", ""),
        ("aa3", "丙", "x", "栾川县", "", ""), ("aa4", "丁", "x", "嵩县", "", ""),
        ("aa5", "戊", "x", "洛阳市", "", ""),
    ]))  # fmt: skip
    assert [(fault.row_no, fault.column) for fault in answer.context["faults"]] == [
        (5, "县"),
        (6, "县"),
    ]
    assert [one["applicant"].home_prefix for one in answer.context["rows"]] == [
        "410324", "410324101", "410324",
    ]  # fmt: skip


def test_judged_again_when_it_is_done(desk: Client, system_admin: User) -> None:
    preview = upload(desk, book(GOOD))
    User.objects.create(username="lisi", display_name="x")
    answer = desk.post(f"{PAGE}create/", {"sealed": sealed(preview)})
    assert answer.status_code == 422
    assert not User.objects.filter(username="zhangsan").exists()


def test_seals_are_of_one_administrator_for_an_hour(
    as_user: As, desk: Client, county_system_admin: User
) -> None:
    token = sealed(upload(desk, book(GOOD)))
    other = as_user(county_system_admin)
    assert other.post(f"{PAGE}create/", {"sealed": token}).status_code == 403
    for forged in ("", "x", token[:-3] + "abc"):
        assert desk.post(f"{PAGE}create/", {"sealed": forged}).status_code == 403
        assert desk.post(f"{PAGE}links/", {"sealed": forged}).status_code == 403
    # A preview is not a list of links.
    assert desk.post(f"{PAGE}links/", {"sealed": token}).status_code == 403
    with time_machine.travel(timezone.now().timestamp() + bulk.SECONDS + 5, tick=False):
        late = as_user(User.objects.get(username="system_admin"))
        assert late.post(f"{PAGE}create/", {"sealed": token}).status_code == 403
    assert User.objects.count() == 2


def test_formulas_stay_texts(desk: Client) -> None:
    """A name that would compute is kept as it is and comes back as text."""
    rows = [("evil", '=HYPERLINK("http://x","y")', "+1+1", "栾川县", "", "")]
    content = book([])
    made = openpyxl.load_workbook(BytesIO(content))
    for column, value in enumerate(rows[0], 1):
        cell = made.active.cell(2, column)
        cell.value, cell.data_type = value, "s"
    buffer = BytesIO()
    made.save(buffer)
    done = desk.post(f"{PAGE}create/", {"sealed": sealed(upload(desk, buffer.getvalue()))})
    file = desk.post(f"{PAGE}links/", {"sealed": sealed(done)})
    sheet = openpyxl.load_workbook(BytesIO(file.content)).active
    assert [cell.data_type for cell in sheet[2]] == ["s"] * 4
    assert sheet["A2"].value == rows[0][1]


def hostile() -> dict[str, bytes]:
    good = book(GOOD)
    bomb = BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 40_000_000)
    entity = BytesIO()
    with zipfile.ZipFile(BytesIO(good)) as old, zipfile.ZipFile(entity, "w") as new:
        for item in old.infolist():
            data = old.read(item)
            if item.filename.endswith("sheet1.xml"):
                data = b'<!DOCTYPE x [<!ENTITY a "b">]>' + data
            new.writestr(item.filename, data)
    return {
        "empty": b"", "text": "用户名,姓名".encode(), "cut": good[: len(good) // 2],
        "bomb": bomb.getvalue(), "entity": entity.getvalue(), "no heads": book(GOOD, ["甲", "乙"]),
        "not a book": b"PK\x03\x04" + b"\0" * 100, "large": b"PK\x03\x04" + b"\0" * workbooks.MAX_BYTES,
        "many": book([(f"u{n:04}", "甲", "x", "栾川县", "", "") for n in range(workbooks.MAX_PEOPLE + 1)]),
    }  # fmt: skip


@pytest.mark.parametrize("kind", list(hostile()))
def test_hostile_files_are_refused_with_words(desk: Client, kind: str) -> None:
    answer = upload(desk, hostile()[kind])
    assert answer.status_code == 422
    assert answer.context["form"].errors["file"]
    assert User.objects.count() == 1


def test_no_file(desk: Client) -> None:
    assert desk.post(PAGE, {}).status_code == 422


def test_who_may_not_and_wrong_methods(as_user: As, desk: Client, security_admin: User) -> None:
    for page in ("create/", "links/"):
        assert desk.get(f"{PAGE}{page}").status_code == 405
        assert as_user(security_admin).post(f"{PAGE}{page}", {"sealed": "x"}).status_code == 403
    assert desk.post(f"{PAGE}template/").status_code == 405
    assert upload(as_user(security_admin), book(GOOD)).status_code == 403
