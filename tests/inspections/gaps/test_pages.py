"""Pages, papers and workbooks of what is missing; what comes back filled in."""

from collections.abc import Callable
from datetime import date, timedelta
from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook

from accounts.enums import Role
from accounts.models import User
from core.ledger.models import AccessEntry
from core.workbooks.writing import Book
from exits.models import Attestation
from households.models import Assignment
from inspections.enums.findings import State
from inspections.models import Finding, FindingStep
from inspections.services import gaps as service
from inspections.services.gaps import HEADS, KEY, ON, PROOF, WORDS
from tests.cast import county_leader, system_admin
from tests.conftest import person
from tests.factories.households import household
from tests.inspections.findings.conftest import COUNTY, DAY, VILLAGE
from tests.inspections.gaps.conftest import Scene, judged, marked

__all__ = ["county_leader", "system_admin"]
pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]
OF = f"/gaps/of/{VILLAGE}/"
UPLOAD = "/gaps/upload/"


def body(answer: Any) -> str:
    return str(answer.content.decode())


def table(answer: Any) -> list[dict[str, str]]:
    """The rows of a workbook, by head."""
    sheet = load_workbook(BytesIO(answer.content)).active
    head, *rows = [["" if cell is None else str(cell) for cell in row] for row in sheet.values]
    return [dict(zip(head, row, strict=True)) for row in rows]


def filled(rows: list[dict[str, str]]) -> SimpleUploadedFile:
    buffer = BytesIO()
    with Book(buffer, "缺项", HEADS) as book:
        for row in rows:
            book.append_texts([row.get(head, "") for head in HEADS])
    return SimpleUploadedFile("gaps.xlsx", buffer.getvalue())


def said(row: dict[str, str], **changes: str) -> dict[str, str]:
    return row | {WORDS: "已更新公示栏", ON: "2018-09-20", PROOF: "照片两张"} | changes


def handed_in(client: Client, rows: list[dict[str, str]]) -> Any:
    return client.post(UPLOAD, {"file": filled(rows)})


def kept(answer: Any) -> str:
    return str(answer.context["kept"])


def taken_over(client: Client, rows: list[dict[str, str]]) -> Any:
    answer = handed_in(client, rows)
    assert answer.status_code == 200
    return client.post(UPLOAD, {"kept": kept(answer), "act": "apply"})


def of_kind(rows: list[dict[str, str]], words: str) -> dict[str, str]:
    (found,) = [row for row in rows if words in row["缺什么"]]
    return found


# --- pages -------------------------------------------------------------------------------------


def test_list_of_places_and_persons(scene: Scene, as_user: SignIn) -> None:
    scene.ready(not_met=("income",))
    text = body(as_user(scene.office.county).get("/gaps/"))
    assert "城关镇" in text
    assert "共 2 项" in text
    assert "王主任" in text
    assert "未落实到人" in text
    text = body(as_user(scene.office.county).get("/gaps/?region=410324100"))
    assert f'href="{OF}"' in text


def test_nothing_missing(scene: Scene, as_user: SignIn) -> None:
    client = as_user(person("far", Role.COUNTY_OFFICE, "410325"))
    assert "没有缺项" in body(client.get("/gaps/"))
    assert "没有缺项" in body(client.get("/gaps/mine/"))


def test_list_of_a_place(scene: Scene, as_user: SignIn) -> None:
    scene.ready(not_met=("medical",))
    text = body(as_user(scene.office.village).get(OF))
    assert scene.finding.number in text
    assert "已逾期" in text
    assert "基本医疗：未达标" in text
    assert "何一" in text
    text = body(as_user(scene.office.village).get(f"{OF}?source=unmet"))
    assert scene.finding.number not in text
    assert "基本医疗：未达标" in text


def test_of_one_responsible_person(scene: Scene, as_user: SignIn) -> None:
    scene.ready(not_met=("income",))
    client = as_user(scene.office.county)
    answer = client.get("/gaps/of/410324/")
    assert answer.context["total"] == 2
    owners = client.get("/gaps/?region=410324").context["owners"]
    (named,) = [one for one in owners if one["name"] == "王主任"]
    assert "王" not in named["href"]
    answer = client.get(named["href"])
    assert (answer.context["total"], answer.context["who"]) == (1, "王主任")


def test_neighbours_get_nothing(scene: Scene, as_user: SignIn) -> None:
    client = as_user(person("far", Role.COUNTY_OFFICE, "410325"))
    for page in (OF, f"{OF}paper/", f"{OF}sheet/", f"/gaps/?region={VILLAGE}"):
        assert client.get(page).status_code == 404


@pytest.mark.parametrize("code", ["x", "41032", "999999999999", "410324100999"])
def test_no_such_place(scene: Scene, as_user: SignIn, code: str) -> None:
    assert as_user(scene.office.county).get(f"/gaps/of/{code}/").status_code == 404
    assert as_user(scene.office.county).get(f"/gaps/?region={code}").status_code == 404


def test_methods_and_rights(
    scene: Scene, as_user: SignIn, county_leader: User, system_admin: User
) -> None:
    assert as_user(scene.office.county).post(OF).status_code == 405
    assert as_user(scene.office.county).put(UPLOAD).status_code == 405
    assert as_user(county_leader).get(OF).status_code == 200
    assert as_user(county_leader).get(UPLOAD).status_code == 403
    assert as_user(county_leader).post(UPLOAD).status_code == 403
    for page in ("/gaps/", "/gaps/mine/", OF):
        assert as_user(system_admin).get(page).status_code == 403


def test_a_helper_has_a_list_of_the_entrusted(scene: Scene, helper: User, as_user: SignIn) -> None:
    scene.ready(not_met=("income",))
    judged(household(head="何二"), not_met=("income",))
    Assignment.objects.create(
        household=scene.home.household, village_code=VILLAGE, user=helper, reason="帮扶"
    )
    client = as_user(helper)
    text = body(client.get("/gaps/mine/"))
    assert "何一" in text
    assert "何二" not in text
    assert scene.finding.number not in text
    assert client.get(OF).status_code == 404
    assert [row["户"][:2] for row in table(client.get("/gaps/mine/sheet/"))] == ["何一"]


def test_pages_take_as_many_queries_for_many(scene: Scene, as_user: SignIn) -> None:
    scene.ready(not_met=("income",))
    client = as_user(scene.office.county)
    pages = ("/gaps/of/410324/", "/gaps/?region=410324", "/gaps/mine/")

    def queries() -> list[int]:
        many = []
        for page in pages:
            client.get(page)
            with CaptureQueriesContext(connection) as met:
                client.get(page)
            many.append(len(met))
        return many

    before = queries()
    for head in ("何二", "何三"):
        judged(household(head=head), not_met=("income", "housing"))
        scene.office.brought_to(State.ASSIGNED)
    assert queries() == before


def test_on_paper(scene: Scene, as_user: SignIn) -> None:
    scene.ready(not_met=("income",))
    answer = as_user(scene.office.village).get(f"{OF}paper/")
    assert answer["Content-Type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF")
    note = AccessEntry.objects.filter(subject_kind="gaps").latest("pk")
    assert (note.act, note.rows, note.region) == ("PRINT", 2, VILLAGE)


# --- workbooks ---------------------------------------------------------------------------------


@pytest.fixture
def client(scene: Scene, as_user: SignIn) -> Client:
    return as_user(scene.office.village)


def test_a_measure_by_sheet(scene: Scene, client: Client) -> None:
    (row,) = table(client.get(f"{OF}sheet/"))
    assert row["期限"] == "2018-09-28"
    assert row["责任人"] == "王主任"
    answer = handed_in(client, [said(row)])
    assert "报完成仍须在问题页面上传佐证材料" in body(answer)
    assert Finding.objects.get(pk=scene.finding.pk).state == State.ASSIGNED
    answer = client.post(UPLOAD, {"kept": kept(answer), "act": "apply"})
    assert answer.status_code == 302
    step = FindingStep.objects.filter(finding=scene.finding).latest("position")
    assert (step.state, step.on) == (State.MEASURED, date(2018, 9, 20))
    assert step.words == "已更新公示栏\n佐证：照片两张"
    assert step.created_by == scene.office.village


def test_twice_changes_nothing_more(scene: Scene, client: Client) -> None:
    rows = [said(row) for row in table(client.get(f"{OF}sheet/"))]
    taken_over(client, rows)
    steps = FindingStep.objects.count()
    answer = handed_in(client, rows)
    assert "未作改动" in body(answer)
    client.post(UPLOAD, {"kept": kept(answer), "act": "apply"})
    assert FindingStep.objects.count() == steps


def test_an_old_sheet_files_nothing_after_a_return(scene: Scene, client: Client) -> None:
    rows = [said(row) for row in table(client.get(f"{OF}sheet/"))]
    finding = scene.finding
    for days, state in enumerate((State.MEASURED, State.RETURNED), 2):
        finding = scene.office.take(finding, state, DAY + timedelta(days))
    steps = FindingStep.objects.count()
    taken_over(client, rows)
    assert FindingStep.objects.count() == steps
    fresh = [said(row) for row in table(client.get(f"{OF}sheet/"))]
    taken_over(client, fresh)
    assert FindingStep.objects.count() == steps + 1


def test_claiming_is_done_on_the_page(scene: Scene, client: Client) -> None:
    scene.office.take(scene.finding, State.MEASURED, DAY + timedelta(3))
    answer = handed_in(client, [said(row) for row in table(client.get(f"{OF}sheet/"))])
    assert "上传佐证材料后办理" in body(answer)
    assert not answer.context["ready"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({WORDS: ""}, "请填写整改情况"),
        ({ON: ""}, "请填写日期"),
        ({ON: "2018-9"}, "日期"),
        ({ON: "2999-01-01"}, "晚于今天"),
        ({ON: "2018-09-01"}, "早于上一步"),
        ({WORDS: "长" * 701}, "超过 700 字"),
        ({PROOF: "长" * 201}, "超过 200 字"),
        ({KEY: "finding.1..410324100203.2018.2"}, "编号被改动"),
    ],
)
def test_unfit_rows_come_back(
    scene: Scene, client: Client, changes: dict[str, str], words: str
) -> None:
    (row,) = table(client.get(f"{OF}sheet/"))
    answer = handed_in(client, [said(row) | changes])
    assert words in body(answer)
    assert answer.context["wrong"] == 1
    returned = client.post(UPLOAD, {"kept": kept(answer), "act": "return"})
    (back,) = table(returned)
    assert words in back["未办理原因"]
    assert Finding.objects.get(pk=scene.finding.pk).state == State.ASSIGNED


def test_a_tampered_key_is_refused(scene: Scene, client: Client) -> None:
    other = scene.office.brought_to(State.ASSIGNED)
    row = of_kind(table(client.get(f"{OF}sheet/")), scene.finding.number)
    changed = row[KEY].replace(f".{scene.finding.pk}.", f".{other.pk}.", 1)
    assert changed != row[KEY]
    answer = handed_in(client, [said(row) | {KEY: changed}])
    assert service.BAD_KEY in body(answer)


def test_good_rows_go_and_bad_ones_come_back(scene: Scene, client: Client) -> None:
    scene.office.brought_to(State.ASSIGNED)
    good, bad = table(client.get(f"{OF}sheet/"))
    answer = taken_over(client, [said(good), said(bad) | {ON: ""}])
    assert answer.status_code == 200
    assert "已办理 1 行" in body(answer)
    assert Finding.objects.filter(state=State.MEASURED).count() == 1
    (back,) = table(client.post(UPLOAD, {"kept": kept(answer), "act": "return"}))
    assert back[KEY] == bad[KEY]


def test_a_row_twice_in_one_sheet(scene: Scene, client: Client) -> None:
    (row,) = table(client.get(f"{OF}sheet/"))
    answer = handed_in(client, [said(row), said(row)])
    assert "重复" in body(answer)
    assert len(answer.context["ready"]) == 1


def test_a_sheet_of_elsewhere(scene: Scene, as_user: SignIn) -> None:
    scene.ready(missing=("food",))
    marked(scene.home, scene.office.county)
    rows = [said(row) for row in table(as_user(scene.office.village).get(f"{OF}sheet/"))]
    assert len(rows) == 3
    client = as_user(person("far", Role.VILLAGE, "410325100201"))
    answer = handed_in(client, rows)
    assert answer.context["wrong"] == 3
    assert body(answer).count(service.NOT_YOURS) == 3


def test_what_was_looked_over_is_ones_own(scene: Scene, as_user: SignIn) -> None:
    client = as_user(scene.office.village)
    answer = handed_in(client, [said(row) for row in table(client.get(f"{OF}sheet/"))])
    other = as_user(scene.office.town)
    refused = other.post(UPLOAD, {"kept": kept(answer), "act": "apply"})
    assert refused.status_code == 422
    refused = client.post(UPLOAD, {"kept": kept(answer)[:-2], "act": "apply"})
    assert refused.status_code == 422
    assert Finding.objects.get(pk=scene.finding.pk).state == State.ASSIGNED


def test_checked_on_the_spot_by_sheet(scene: Scene, client: Client) -> None:
    scene.ready(not_met=("income",), missing=("food",))
    rows = table(client.get(f"{OF}sheet/"))
    food, income = of_kind(rows, "吃"), of_kind(rows, "人均纯收入")
    answer = handed_in(client, [said(food), said(income)])
    assert "登记现场核实达标" in body(answer)
    assert "请更新贫困户档案" in body(answer)
    client.post(UPLOAD, {"kept": kept(answer), "act": "apply"})
    made = Attestation.objects.get()
    assert (made.household_id, made.item, made.outcome) == (
        scene.home.household_id, "food", "met",
    )  # fmt: skip
    assert (made.checked_on, made.evidence) == (date(2018, 9, 20), "照片两张")
    taken_over(client, [said(food)])
    assert Attestation.objects.count() == 1


def test_a_check_needs_proof(scene: Scene, client: Client) -> None:
    scene.ready(missing=("food",))
    food = of_kind(table(client.get(f"{OF}sheet/")), "吃")
    assert "请写明看到了什么" in body(handed_in(client, [said(food) | {PROOF: ""}]))


def test_others_are_told_where(scene: Scene, client: Client) -> None:
    marked(scene.home, scene.office.county)
    mark = of_kind(table(client.get(f"{OF}sheet/")), "待核查")
    assert "核查和任务中办结" in body(handed_in(client, [said(mark)]))


def test_what_is_no_filled_sheet(scene: Scene, client: Client) -> None:
    assert client.post(UPLOAD).status_code == 422
    rows = table(client.get(f"{OF}sheet/"))
    answer = handed_in(client, rows)
    assert answer.status_code == 422
    assert "没有填写任何一行" in body(answer)
    junk = SimpleUploadedFile("a.xlsx", b"PK\x03\x04junk")
    assert client.post(UPLOAD, {"file": junk}).status_code == 422


def test_numbers_of_persons_are_struck(scene: Scene, client: Client) -> None:
    (row,) = table(client.get(f"{OF}sheet/"))
    taken_over(client, [said(row) | {WORDS: "已告知 410324197001021236"}])
    step = FindingStep.objects.filter(finding=scene.finding).latest("position")
    assert "410324197001021236" not in step.words


def test_county_of_the_sheet(scene: Scene, as_user: SignIn) -> None:
    rows = table(as_user(scene.office.county).get(f"/gaps/of/{COUNTY[:6]}/sheet/"))
    assert rows[0]["所在区划"].startswith("城关镇")
