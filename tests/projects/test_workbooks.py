"""Workbooks in and out: good rows go in, bad ones are told, and what goes out comes in again."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from openpyxl import load_workbook

from accounts.models import User
from core import walls
from core.workbooks.writing import Book
from households.models import Person
from projects import workbooks
from projects.models import Beneficiary, ProgressReport, Project
from projects.services import benefiting, loading, loading_people
from projects.services.benefiting import Helped
from projects.services.common import UnfitError
from projects.services.loading import Line
from tests.factories.households import household
from tests.factories.villages import RegionFactory
from tests.projects.conftest import DAY, VILLAGE, Office, brought_to, proposed

pytestmark = pytest.mark.django_db
GOOD = {
    "项目编号": "", "项目名称": "饮水安全工程", "类型代码": "1002", "区划代码": VILLAGE,
    "计划年度": "2018", "建设内容": "新建供水工程一处", "实施单位": "县水利局",
    "计划投资（元）": "320,000.50", "计划开工日期": "2018-04-01", "计划完工日期": "2018-08-31",
}  # fmt: skip


def lines(*rows: dict[str, str]) -> list[Line]:
    return [Line(place, row) for place, row in enumerate(rows, 2)]


def test_good_projects_go_in_and_bad_rows_say_why(office: Office) -> None:
    RegionFactory(code=VILLAGE)
    rows = lines(
        GOOD, GOOD | {"项目编号": "栾2018-7"}, GOOD | {"项目编号": "栾2018-7"},
        GOOD | {"类型代码": "9999", "计划投资（元）": "0.001"},
        GOOD | {"计划完工日期": "2018-01-01"}, GOOD | {"区划代码": "410325100201"},
    )  # fmt: skip
    with walls.scoped(office.town):
        done = loading.load_projects(lines=rows, on=DAY, by=office.town)
    assert (done.read, done.made, done.refused) == (6, 2, 4)
    assert [(one.row_no, one.column) for one in done.faults] == [
        (4, "项目编号"), (5, "类型代码"), (5, "计划投资（元）"), (6, "计划完工日期"), (7, "区划代码"),
    ]  # fmt: skip
    made = Project.objects.order_by("pk")
    assert [one.number for one in made] == ["P201841032400001", "栾2018-7"]
    assert {(one.state, one.planned_amount) for one in made} == {("PROPOSED", Decimal("320000.50"))}


def test_whoever_does_not_load_is_refused(office: Office) -> None:
    with pytest.raises(UnfitError, match="权限"):
        loading.load_projects(lines=lines(GOOD), on=DAY, by=office.village)


def test_as_many_rows_as_there_are_in_few_statements(
    office: Office, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    RegionFactory(code=VILLAGE)
    rows = lines(*(GOOD | {"项目名称": f"工程{place}"} for place in range(200)))
    with django_assert_max_num_queries(24):
        done = loading.load_projects(lines=rows, on=DAY, by=office.town)
    assert done.made == Project.objects.count() == 200


def test_progress_by_stage_and_its_correction(office: Office) -> None:
    project = brought_to(office, "STARTED")
    row = {
        "项目编号": project.number, "月份": "2018-04", "进展情况": "路基完成", "阶段1（％）": "100",
        "阶段2（％）": "12.5",
    }  # fmt: skip
    wrong = [
        row | {"月份": "2018-02"}, row | {"阶段2（％）": "101"}, row | {"阶段3（％）": "5"},
        row | {"项目编号": "没有"}, row | {"阶段2（％）": ""}, row,
    ]  # fmt: skip
    done = loading.load_progress(lines=lines(row, *wrong), by=office.town)
    assert (done.made, done.refused) == (1, 6)
    assert Project.objects.get().percent == Decimal("47.50")
    again = loading.load_progress(lines=lines(row | {"阶段2（％）": "50"}), by=office.town)
    assert again.made == 1
    assert list(ProgressReport.objects.values_list("edition", "percent").order_by("edition")) == [
        (1, Decimal("47.50")), (2, Decimal("70.00")),
    ]  # fmt: skip


def test_beneficiaries_stand_in_the_register_on_their_day(office: Office) -> None:
    project = proposed(office.village)
    there, gone = household(), household(year=2017)
    member = Person.objects.filter(household=there.household)[0]
    row = {
        "项目编号": project.number, "户编号": there.household.household_no, "受益方式": "分红",
        "受益日期": "2018-06-01", "预计增收（元）": "800", "实际增收（元）": "",
    }  # fmt: skip
    bare = {**row, "户编号": "", "受益方式": "服务"}
    rows = lines(
        row, row | {"人员编号": member.person_no, "受益方式": "务工"}, bare | {"村代码": VILLAGE},
        bare | {"村代码": VILLAGE, "未登记姓名": "李未登"},
        row, row | {"户编号": gone.household.household_no}, row | {"受益方式": "其他"}, bare,
        row | {"受益日期": "2017-06-01"},
    )  # fmt: skip
    with walls.scoped(office.town):
        done = loading_people.load_beneficiaries(lines=rows, by=office.town)
    assert (done.read, done.made, done.refused) == (9, 4, 5)
    assert list(Beneficiary.objects.values_list("kind", "name").order_by("pk")) == [
        ("HOUSEHOLD", ""), ("PERSON", ""), ("VILLAGE", ""), ("HOUSEHOLD", "李未登"),
    ]  # fmt: skip


def book(kind: str, *rows: list[Any]) -> bytes:
    buffer = BytesIO()
    with Book(buffer, "表", list(workbooks.SHEETS[kind].columns)) as made:
        for row in rows:
            made.append(row)
    return buffer.getvalue()


def test_a_workbook_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "projects.xlsx"
    told = [*GOOD.values()]
    told[7:] = [Decimal("320000.5"), date(2018, 4, 1), date(2018, 8, 31)]
    path.write_bytes(book(workbooks.PROJECTS, told))
    (line,) = workbooks.read(workbooks.PROJECTS, path)
    assert line.row_no == 2
    assert {column: line.told(column) for column in GOOD} == GOOD | {"计划投资（元）": "320000.5"}


def test_pages_take_in_and_give_out(as_user: Callable[[User], Client], office: Office) -> None:
    RegionFactory(code=VILLAGE)
    client = as_user(office.town)
    blank = client.get("/projects/load/projects/")
    assert [cell.value for cell in load_workbook(BytesIO(blank.content)).active[1]] == list(GOOD)
    assert client.get("/projects/load/nothing/").status_code == 404
    told, bad = [*GOOD.values()], [*GOOD.values()]
    bad[2] = "9999"
    file = SimpleUploadedFile("p.xlsx", book(workbooks.PROJECTS, told, bad))
    shown = client.post("/projects/load/", {"kind": "projects", "file": file}).content.decode()
    assert "读取 2 行，写入 1 行，有问题 1 行" in shown
    assert "没有这个类型代码" in shown
    junk = SimpleUploadedFile("p.xlsx", b"PK\x03\x04 not a workbook")
    assert client.post("/projects/load/", {"kind": "projects", "file": junk}).status_code == 422
    given = client.post(
        "/projects/export/?year=2018",
        {"file_format": "xlsx", "numbers": "masked", "purpose": "报送市扶贫办汇总"},
    )
    body = b"".join(given.streaming_content) if given.streaming else given.content
    cells = [cell.value for row in load_workbook(BytesIO(body)).active.rows for cell in row]
    assert "饮水安全工程" in cells


def test_progress_and_beneficiaries_go_out(
    as_user: Callable[[User], Client], office: Office
) -> None:
    """What was reported and whom it helps, in the columns of the forms to fill in."""
    project = brought_to(office, "STARTED")
    office.report(project, date(2018, 3, 31), 50, 0)
    row = household(code=VILLAGE)
    benefiting.add(
        project=project, helped=[Helped("JOB", household=row.household)], on=date(2018, 5, 1),
        by=office.village,
    )  # fmt: skip
    client = as_user(office.county)
    ask = {"file_format": "xlsx", "numbers": "masked", "purpose": "报送县扶贫办"}
    for what, told in (
        ("project_progress", {"2018-03", project.number}),
        ("project_beneficiaries", {row.household.household_no, project.number}),
    ):
        assert "共 1 行" in client.get(f"/projects/export/?year=2018&what={what}").content.decode()
        answer = client.post(f"/projects/export/?year=2018&what={what}", ask)
        content = b"".join(answer.streaming_content) if answer.streaming else answer.content
        sheet = load_workbook(BytesIO(content), read_only=True).worksheets[0]
        cells = {cell for line in sheet.iter_rows(values_only=True) for cell in line}
        assert told <= cells
