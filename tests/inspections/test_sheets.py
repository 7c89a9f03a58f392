"""Field sheets out and back, rosters in, and the papers of a round."""

from datetime import timedelta
from io import BytesIO
from typing import Any

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.enums import Role
from accounts.models import User
from inspections.models import (
    Answer,
    Case,
    Rectification,
    Round,
    RuralHousehold,
    SampleHousehold,
    Visit,
)
from inspections.services import cases, surveying
from inspections.views.sheets import AT, OUTCOME, PLACE
from tests.conftest import person
from tests.inspections.conftest import CODES, COUNTY, DAY, WRONGFUL, first, visit
from tests.inspections.test_pages import at, url
from tests.paper import words

pytestmark = pytest.mark.django_db


def sent(round_: Round, surveyor: User, office: User, *, purpose: str = "FIRST") -> list[Any]:
    rows = list(
        SampleHousehold.objects.filter(round=round_, kind="EXITED", is_reserve=False).order_by("pk")
    )
    surveying.assign(round=round_, samples=rows, surveyor=surveyor, purpose=purpose, by=office)
    return rows


def sheet_of(client: Client) -> openpyxl.Workbook:
    answer = client.get(url("visit-sheet") + "?kind=EXITED")
    assert answer.status_code == 200
    return openpyxl.load_workbook(BytesIO(answer.content))


def heads(book: openpyxl.Workbook) -> dict[str, int]:
    return {cell.value: cell.column for cell in book.active[1]}


def fill(book: openpyxl.Workbook, row: int, **changes: str) -> None:
    """Yes to everything, 3 to every number, as a person would write it."""
    sheet, columns = book.active, heads(book)
    fixed = {AT: "2018-11-05 12:00", PLACE: "户内"}
    for head, column in columns.items():
        if column <= 4 or "疑似" in head or head.endswith(("理由", "佐证")) or head == OUTCOME:
            continue
        number = any(word in head for word in ("人", "元"))
        sheet.cell(row, column, fixed.get(head) or ("3" if number else "是"))
    for head, value in changes.items():
        sheet.cell(row, columns[head], value)


def given_back(client: Client, book: openpyxl.Workbook, kind: str = "EXITED") -> Any:
    buffer = BytesIO()
    book.save(buffer)
    file = SimpleUploadedFile("调查表.xlsx", buffer.getvalue())
    return client.post(url("visit-upload"), {"kind": kind, "file": file})


def test_a_sheet_goes_out_and_its_answers_come_back_once(
    drawn_round: Round, surveyor: User, office: User
) -> None:
    rows = sent(drawn_round, surveyor, office)
    client = at(surveyor)
    book = sheet_of(client)
    assert book.active.max_row == len(rows) + 1
    fill(book, 2)
    fill(book, 3, 错退疑似人数="1", 错退理由="住房漏雨")
    fill(book, 4, 地点="")
    done = given_back(client, book).context["done"]
    assert (done.read, done.entered, done.refused) == (3, 2, 1)
    assert done.faults == [(4, PLACE, "该字段是必填项。")]
    assert Case.objects.get().persons == 1
    # The corrected sheet enters what is missing and nothing twice.
    fill(book, 4)
    again = given_back(client, book).context["done"]
    assert (again.entered, again.known, again.faults) == (1, 2, [])
    assert Answer.objects.count() == Visit.objects.count() == 3


def test_what_is_wrong_is_told_by_row_and_column(
    drawn_round: Round, surveyor: User, office: User
) -> None:
    sent(drawn_round, surveyor, office)
    client = at(surveyor)
    book = sheet_of(client)
    columns = heads(book)
    yes_no = next(head for head in columns if "吃" in head or "饮水" in head)
    fill(book, 2, **{yes_no: "大概"})
    fill(book, 3, 入户时间="昨天")
    fill(book, 4, 任务编号="999999")
    faults = given_back(client, book).context["done"].faults
    assert {(row, column) for row, column, _ in faults} >= {(2, yes_no), (3, AT), (4, "任务编号")}
    assert not Visit.objects.exists()


def test_a_household_not_met(drawn_round: Round, surveyor: User, office: User) -> None:
    sent(drawn_round, surveyor, office)
    client = at(surveyor)
    book = sheet_of(client)
    sheet, columns = book.active, heads(book)
    for head, value in {AT: "2018-11-05", PLACE: "门口", OUTCOME: "全家长期外出"}.items():
        sheet.cell(2, columns[head], value)
    assert given_back(client, book).context["done"].entered == 1
    assert Visit.objects.get().outcome == "AWAY"


def test_a_file_that_is_none(drawn_round: Round, surveyor: User, office: User) -> None:
    sent(drawn_round, surveyor, office)
    for content in (b"not a workbook", b"PK\x03\x04 broken"):
        file = SimpleUploadedFile("调查表.xlsx", content)
        answer = at(surveyor).post(url("visit-upload"), {"kind": "EXITED", "file": file})
        assert answer.status_code == 422
    assert not Visit.objects.exists()


def test_nobodys_sheet(drawn_round: Round, other_surveyor: User, office: User) -> None:
    assert at(other_surveyor).get(url("visit-sheet")).status_code == 302
    assert at(office).get(url("visit-sheet")).status_code == 403
    assert at(office).get(url("visit-upload")).status_code == 403


def told(client: Client, address: str, laid_out: list[Any]) -> str:
    answer = client.get(address)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
    return "".join(word for page in laid_out[-1].pages for word in words(page))


def test_papers(drawn_round: Round, surveyor: User, office: User, laid_out: list[Any]) -> None:
    rows = sent(drawn_round, surveyor, office)
    sheets = told(at(surveyor), url("visit-paper") + "?kind=EXITED", laid_out)
    assert sheets.count("任务编号") == len(rows)
    assert "受访人签字" in sheets
    proof = told(at(office), url("certificate-pdf", drawn_round.pk), laid_out)
    for piece in (drawn_round.seed, drawn_round.sample_digest[:20], "完全一致", "候补"):
        assert piece in proof.replace("\n", ""), piece


def test_rosters_come_in_by_their_page(county: None, office: User, county_office: User) -> None:
    RuralHousehold.objects.all()
    client = at(county_office)
    form = openpyxl.load_workbook(BytesIO(client.get(url("roster-form")).content))
    assert [cell.value for cell in form.active[1]][:2] == ["村代码", "花名册编号"]
    form.active.append([CODES[0], "0009", "农九", "", "一组", "3", "低保户"])
    form.active.append([CODES[0], "0010", "农十", "", "一组", "很多", ""])
    buffer = BytesIO()
    form.save(buffer)
    before = RuralHousehold.objects.count()

    def load(county_code: str) -> Any:
        file = SimpleUploadedFile("花名册.xlsx", buffer.getvalue())
        told = {"county": county_code, "file": file}
        return client.post(url("rosters") + "?year=2018", told)

    page = load(COUNTY)
    assert (page.context["done"].new, page.context["done"].refused) == (1, 1)
    assert "第 3 行" in page.content.decode()
    assert RuralHousehold.objects.count() == before + 1
    assert load("410325000000").status_code == 422
    leader = person("boss", Role.LEADER, "4103")
    assert at(leader).get(url("rosters")).status_code == 403


def test_a_confirmed_problem_is_put_right_by_the_county(
    drawn_round: Round, surveyor: User, office: User, decider: User, county_office: User
) -> None:
    visit(first(drawn_round), surveyor, office, WRONGFUL)
    case = Case.objects.get()
    page = url("case", case.pk)
    client = at(county_office)
    rectify = {"on": (DAY + timedelta(9)).isoformat(), "measure": "翻修屋顶", "evidence": "验收单"}
    client.post(url("case-rectify", case.pk), rectify)
    assert not Rectification.objects.exists()
    cases.accept(case=case, on=DAY, reason="无异议", by=county_office)
    cases.recheck(case=case, on=DAY, reason="属实", by=office)
    cases.confirm(case=case, persons=2, on=DAY, reason="属实", by=decider)
    assert "登记整改" in client.get(page).content.decode()
    assert "登记整改" not in at(decider).get(page).content.decode()
    assert at(decider).post(url("case-rectify", case.pk), rectify).status_code == 403
    client.post(url("case-rectify", case.pk), rectify)
    assert Rectification.objects.get().measure == "翻修屋顶"
    assert "翻修屋顶" in client.get(page).content.decode()


def test_second_interviews_are_compared(
    drawn_round: Round, surveyor: User, other_surveyor: User, office: User
) -> None:
    one = first(drawn_round)
    visit(one, surveyor, office)
    page = url("agreement", drawn_round.pk)
    assert "没有回访" in at(office).get(page).content.decode()
    visit(one, other_surveyor, office, purpose="REINTERVIEW", water="no")
    (table,) = at(office).get(page).context["tables"]
    assert table["households"] == 1
    worst = table["rows"][0]
    assert (worst["found"].pairs, worst["found"].agreed) == (1, 0)
    assert all(row["found"].agreed == 1 for row in table["rows"][1:])
