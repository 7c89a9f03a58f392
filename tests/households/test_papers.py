"""Papers of the register: what stands on them, for whom, what is noted, and what they cost."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core import papers
from core.exports import services as exports
from core.exports.models import PDF, ExportFile, FileState
from core.jobs.models import Job, JobState
from core.jobs.services import claim
from core.jobs.tasks import carry_out
from core.ledger.models import AccessEntry
from households.models import HouseholdYear, Person, PersonYear, Publicity
from households.services import procedure as service
from tests.factories.households import HOME, NEIGHBOUR, PartitionFactory, household
from tests.factories.villages import RegionFactory
from tests.households.test_procedure import DAY, Crew, about, rule, to_the_notice
from tests.paper import sizes, words

As = Callable[[Any], Client]

pytestmark = pytest.mark.django_db

ROSTER, GAPS = f"/households/papers/roster/{HOME}/", f"/households/papers/gaps/{HOME}/"
PURPOSE = {"purpose": "村内核对名单"}
# Everything that the list of gaps asks for of a household; of a member `gapless` fills it in.
WHOLE = {
    "income_wage": 1, "income_business": 1, "income_property": 0, "income_transfer": 0,
    "expense_business": 0, "farmland_mu": 1, "house_area_m2": 60, "is_dangerous_house": False,
    "drinking_safe": True, "has_domestic_power": True, "has_broadcast": True,
    "has_sanitary_toilet": True,
}  # fmt: skip


@pytest.fixture(autouse=True)
def laid_out(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The documents that were laid out in the test."""
    found: list[Any] = []
    original = papers.document

    def looking(*args: Any) -> Any:
        found.append(original(*args))
        return found[-1]

    monkeypatch.setattr(papers, "document", looking)
    return found


@pytest.fixture(autouse=True)
def places(db: None) -> None:
    RegionFactory(code=f"{HOME[:6]}000000", name="栾川县")
    RegionFactory(code=f"{HOME[:9]}000", name="城关镇")
    RegionFactory(code=HOME, name="陈家门村")


def gapless(**facts: Any) -> HouseholdYear:
    row = household(code=HOME, **WHOLE, **facts)
    Person.objects.filter(household=row.household).update(ethnicity="01")
    PersonYear.objects.filter(household=row.household).update(
        education_level="02", student_status="01", labour_capacity="01", in_resident_medical=True
    )
    return row


def text(document: Any) -> str:
    return "".join(word for page in document.pages for word in words(page))


def noted(act: str) -> list[AccessEntry]:
    return list(AccessEntry.objects.filter(act=act).order_by("id"))


def card(row: HouseholdYear, year: int = 2018) -> str:
    return f"/households/{row.household.household_no}/card/?year={year}"


# --- The card ----------------------------------------------------------------------------------


def test_a_card_says_what_the_page_says_and_is_noted(
    as_user: As, city_leader: Any, laid_out: list[Any]
) -> None:
    row = household(code=HOME, head="何梅德", income_wage=5600)
    before = len(noted("PRINT"))
    response = as_user(city_leader).get(card(row))
    assert (response.status_code, response["Content-Type"]) == (200, "application/pdf")
    assert response.content.startswith(b"%PDF-1.")
    number = row.household.household_no
    assert f"登记卡-{number}-2018.pdf" in unquote(response["Content-Disposition"])
    (document,) = laid_out
    told = text(document)
    for shown in ("何梅德户", number, "陈家门", "家庭成员（2 人）", "因病", "2,800.00", "5,600.00"):
        assert shown in told
    assert set(sizes(document)) == {(210, 297)}
    assert "打印人：" in told
    (entry,) = noted("PRINT")[before:]
    assert (entry.subject, entry.region, entry.detail) == (number, HOME, {"year": 2018})


def test_a_card_is_masked_as_its_page_is(
    as_user: As, luanchuan_clerk: Any, laid_out: list[Any]
) -> None:
    row = household(code=HOME, head="何梅德")
    as_user(luanchuan_clerk).get(card(row))
    told = text(laid_out[0])
    person = row.household.persons.order_by("pk").first()
    for secret in (person.id_no, row.phone, row.bank_account, "患有大病", "1970-01-01"):
        assert secret not in told
    assert f"{person.id_no[:6]}********{person.id_no[-4:]}" in told


def test_who_prints_no_card(
    as_user: As, songxian_clerk: Any, stranger: Any, luanchuan_clerk: Any
) -> None:
    row = household(code=HOME)
    before = len(noted("PRINT"))
    assert as_user(songxian_clerk).get(card(row)).status_code == 404
    assert as_user(stranger).get(card(row)).status_code == 403
    clerk = as_user(luanchuan_clerk)
    assert clerk.get("/households/8639999999999/card/").status_code == 404
    assert clerk.get("/households/a%20b/card/").status_code == 404
    assert clerk.post(card(row)).status_code == 405
    PartitionFactory(year=2016)
    assert clerk.get(card(row, 2016)).status_code == 404
    assert len(noted("PRINT")) == before


def test_the_pages_lead_to_their_papers(as_user: As, luanchuan_clerk: Any) -> None:
    row = household(code=HOME)
    client = as_user(luanchuan_clerk)
    page = client.get(f"/households/{row.household.household_no}/?year=2018").content.decode()
    assert card(row) in page
    assert f"/households/{row.household.household_no}/attachments/?year=2018" in page
    listed = client.get(f"/households/?year=2018&village={HOME}").content.decode()
    assert f"{ROSTER}?year=2018" in listed
    assert f"{GAPS}?year=2018" in listed
    assert "/papers/" not in client.get("/households/?year=2018").content.decode()
    village = client.get(f"/villages/{HOME}/?year=2018").content.decode()
    assert f"{ROSTER}?year=2018" in village
    assert f"{GAPS}?year=2018" in village


def test_a_machine_without_the_libraries_says_so(
    as_user: As, luanchuan_clerk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> Any:
        raise papers.PapersUnavailableError

    monkeypatch.setattr(papers, "_library", missing)
    row = household(code=HOME)
    client = as_user(luanchuan_clerk)
    response = client.get(card(row))
    assert response.status_code == 503
    assert "libpango-1.0-0" in response.content.decode()
    response = client.post(f"{ROSTER}?year=2018", PURPOSE)
    assert response.status_code == 422
    assert "libpango-1.0-0" in response.content.decode()


# --- The lists of a village --------------------------------------------------------------------


def test_a_roster_lists_the_village_masked(
    as_user: As, luanchuan_clerk: Any, laid_out: list[Any]
) -> None:
    rows = [household(code=HOME, head=name) for name in ("何梅德", "何小东")]
    household("exited", code=HOME, head="何已脱")
    household(code=NEIGHBOUR, head="别处人")
    client = as_user(luanchuan_clerk)
    page = client.get(f"{ROSTER}?year=2018").content.decode()
    for shown in ("陈家门村贫困户花名册", "共 3 户", "何梅德", "A4 横向"):
        assert shown in page
    assert laid_out == []
    response = client.post(f"{ROSTER}?year=2018", PURPOSE)
    assert (response.status_code, response["Content-Type"]) == (200, "application/pdf")
    assert f"花名册-{HOME}-2018.pdf" in unquote(response["Content-Disposition"])
    (document,) = laid_out
    told = text(document)
    assert set(sizes(document)) == {(297, 210)}
    place = "栾川县 城关镇 陈家门村　2018 年度"
    for shown in ("何梅德", "何小东", "何已脱", place, "用途：村内核对名单"):
        assert shown in told
    assert "别处人" not in told
    for row in rows:
        number = row.household.persons.order_by("pk").first().id_no
        assert number not in told
        assert f"{number[:6]}********{number[-4:]}" in told.replace("\n", "")


def test_a_roster_taken_out_is_noted_with_its_purpose(as_user: As, luanchuan_clerk: Any) -> None:
    household(code=HOME)
    before = len(noted("EXPORT"))
    as_user(luanchuan_clerk).post(f"{ROSTER}?year=2018", PURPOSE)
    (entry,) = noted("EXPORT")[before:]
    assert (entry.subject, entry.region, entry.rows) == ("village-roster", HOME, 1)
    assert (entry.purpose, entry.detail["full"]) == ("村内核对名单", False)


@pytest.mark.parametrize("address", [ROSTER, GAPS])
@pytest.mark.parametrize("purpose", ["", "无", "核对 13900001234"])
@pytest.mark.may_show_numbers("what was typed stands in the form again")
def test_nothing_is_printed_without_a_purpose(
    as_user: As, luanchuan_clerk: Any, laid_out: list[Any], address: str, purpose: str
) -> None:
    household(code=HOME)
    response = as_user(luanchuan_clerk).post(f"{address}?year=2018", {"purpose": purpose})
    assert (response.status_code, laid_out) == (422, [])


@pytest.mark.parametrize("kind", ["roster", "gaps"])
def test_who_prints_no_list(
    as_user: As, songxian_clerk: Any, stranger: Any, luanchuan_clerk: Any, kind: str
) -> None:
    household(code=HOME)
    here = f"/households/papers/{kind}/{HOME}/?year=2018"
    for ask in ("get", "post"):
        assert getattr(as_user(songxian_clerk), ask)(here, PURPOSE).status_code == 404
        assert getattr(as_user(stranger), ask)(here, PURPOSE).status_code == 403
    clerk = as_user(luanchuan_clerk)
    for code in ("410324", "410324100000", "410324100999", "abc", "４10324100203"):
        assert clerk.get(f"/households/papers/{kind}/{code}/?year=2018").status_code == 404
    assert clerk.put(here).status_code == 405


@pytest.mark.parametrize("address", [ROSTER, GAPS])
def test_a_list_costs_the_same_with_one_row_and_three(
    as_user: As, luanchuan_clerk: Any, address: str
) -> None:
    client, costs = as_user(luanchuan_clerk), []
    for _ in range(3):
        household(code=HOME)
        client.get(f"{address}?year=2018")
        with CaptureQueriesContext(connection) as told:
            assert client.post(f"{address}?year=2018", PURPOSE).status_code == 200
        costs.append(len(told))
    assert costs[0] == costs[2]


def test_gaps_name_what_is_missing_and_of_whom(
    as_user: As, luanchuan_clerk: Any, laid_out: list[Any]
) -> None:
    gapless(head="都填了")
    short = gapless(head="缺收入", phone="")
    HouseholdYear.objects.filter(pk=short.pk).update(income_wage=None)
    left = gapless(head="何小东", exit_status="1", exit_year=None)
    member = left.household.persons.order_by("pk").last()
    PersonYear.objects.filter(person=member).update(health_status="", education_level="")
    client = as_user(luanchuan_clerk)
    assert "共 2 户" in client.get(f"{GAPS}?year=2018").content.decode()
    assert client.post(f"{GAPS}?year=2018", PURPOSE).status_code == 200
    told = text(laid_out[0])
    assert "都填了" not in told
    for shown in (
        "本户：联系电话、工资性收入",
        "本户：脱贫年度",
        f"{member.name}：文化程度、健康状况",
    ):
        assert shown in told


def test_a_village_without_gaps_says_so(as_user: As, luanchuan_clerk: Any) -> None:
    gapless()
    assert (
        "没有符合条件的记录" in as_user(luanchuan_clerk).get(f"{GAPS}?year=2018").content.decode()
    )


def test_a_long_list_is_laid_out_in_the_background(
    as_user: As, luanchuan_clerk: Any, laid_out: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.exports.services.AT_ONCE_ON_PAPER", 1)
    for _ in range(2):
        household(code=HOME)
    client = as_user(luanchuan_clerk)
    listed = reverse("exports:list")
    response = client.post(f"{ROSTER}?year=2018", PURPOSE, follow=True)
    assert response.redirect_chain == [(listed, 302)]
    assert laid_out == []
    run = claim(Job.objects.filter(kind="core.export").latest("id").pk)
    assert run is not None
    carry_out(run)
    file = ExportFile.objects.get()
    assert (file.state, file.rows, file.job.state) == (FileState.READY, 2, JobState.DONE)
    assert file.path.suffix == ".pdf"
    assert file.path.stat().st_mode & 0o077 == 0
    assert "用途：村内核对名单" in text(laid_out[0])
    assert "村花名册" in client.get(listed).content.decode()
    got = client.get(reverse("exports:download", args=[file.pk]))
    body = b"".join(got.streaming_content)
    assert (got["Content-Type"], body[:5]) == ("application/pdf", b"%PDF-")
    assert hashlib.sha256(body).hexdigest() == file.sha256


def test_lists_that_have_no_paper_are_not_printed(luanchuan_clerk: Any) -> None:
    order = exports.Order("households", {"year": 2018}, HOME, PDF, "核对名单", 1)
    with pytest.raises(exports.NotAllowedError, match="不能打印"):
        exports.now(order=order, within=HOME, request=None, by=luanchuan_clerk)
    with pytest.raises(ValueError, match="9999"):
        exports.now(order=replace(order, rows=9_999), within=HOME, request=None, by=luanchuan_clerk)


def test_the_group_of_a_household_that_moved_away_is_not_told(
    as_user: As, luanchuan_clerk: Any
) -> None:
    row = household(code=HOME, head="何梅德")
    other = household(code=NEIGHBOUR).village
    type(row.household).objects.filter(pk=row.household_id).update(
        village=other, village_code=NEIGHBOUR, natural_village_name="别处三组"
    )
    page = as_user(luanchuan_clerk).get(f"{ROSTER}?year=2018").content.decode()
    assert "何梅德" in page
    assert "别处三组" not in page


# --- The public notice --------------------------------------------------------------------------


@pytest.fixture
def posted(places: None) -> tuple[Crew, Publicity]:
    crew = Crew()
    rows = [household(code=HOME, head_name=name) for name in ("何梅德", "何小东")]
    procedure = about("REMOVE", rows, crew)
    rule("REMOVE")
    return crew, to_the_notice(procedure, crew)


def notice(one: Publicity, step: str = "VILLAGE_NOTICE") -> str:
    return f"/households/procedures/{one.procedure_id}/notices/{step}/pdf/"


def test_the_list_on_the_wall_has_names_and_groups_only(
    as_user: As, luanchuan_clerk: Any, posted: tuple[Crew, Publicity], laid_out: list[Any]
) -> None:
    response = as_user(luanchuan_clerk).get(notice(posted[1]))
    assert (response.status_code, response["Content-Type"]) == (200, "application/pdf")
    (document,) = laid_out
    told = text(document)
    for shown in ("何梅德", "何小东", "以下 2 户", "村务公开栏", posted[1].list_digest):
        assert shown in told.replace("\n", "")
    for row in HouseholdYear.objects.select_related("household"):
        person = row.household.persons.order_by("pk").first()
        for secret in (row.household.household_no, person.id_no, person.id_no[-4:], row.phone):
            assert secret not in told.replace(posted[1].list_digest, "")
    # The wall need not know who printed it; the ledger does.
    assert str(luanchuan_clerk) not in told
    entry = noted("PRINT")[-1]
    assert (entry.subject_kind, entry.rows, entry.actor) == ("procedure", 2, luanchuan_clerk.pk)


def test_the_list_stays_as_it_was_posted(
    as_user: As, luanchuan_clerk: Any, posted: tuple[Crew, Publicity], laid_out: list[Any]
) -> None:
    crew, one = posted
    case = one.procedure.cases.get(head_name="何小东")
    service.drop_case(
        case=case, on=DAY + timedelta(days=1), reason="有异议", by=crew.of(one.procedure)
    )
    client = as_user(luanchuan_clerk)
    client.get(notice(one))
    told = text(laid_out[0])
    assert "何小东" in told
    assert "不符" not in told
    page = client.get(notice(one).removesuffix("pdf/")).content.decode()
    assert "何小东" in page
    assert "张贴以后有农户从名单中去掉" in page
    Publicity.objects.filter(pk=one.pk).update(listed=[["", "别的人"]])
    client.get(notice(one))
    assert "与张贴时的摘要不符" in text(laid_out[1])


def test_before_it_is_posted_the_list_is_marked(
    as_user: As, luanchuan_clerk: Any, laid_out: list[Any]
) -> None:
    procedure = about("REMOVE", [household(code=HOME, head_name="何梅德")], Crew())
    client = as_user(luanchuan_clerk)
    address = f"/households/procedures/{procedure.pk}/notices/VILLAGE_NOTICE/pdf/"
    assert client.get(address).status_code == 200
    assert text(laid_out[0]).startswith("未张贴" * 3)


def test_who_prints_no_notice(
    as_user: As,
    songxian_clerk: Any,
    stranger: Any,
    luanchuan_clerk: Any,
    posted: tuple[Crew, Publicity],
) -> None:
    one = posted[1]
    assert as_user(songxian_clerk).get(notice(one)).status_code == 404
    assert as_user(stranger).get(notice(one)).status_code == 403
    client = as_user(luanchuan_clerk)
    assert client.get(notice(one, "NOWHERE")).status_code == 404
    gone = "/households/procedures/999999/notices/VILLAGE_NOTICE/pdf/"
    assert client.get(gone).status_code == 404
    assert client.post(notice(one)).status_code == 405
