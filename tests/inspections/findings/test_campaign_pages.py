"""Inspections on their pages: what was told, what was entered, and the documents."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.enums import Role
from accounts.models import User
from core.ledger.enums import Act
from core.ledger.models import AccessEntry
from inspections.enums.findings import State
from inspections.models import Campaign, CampaignPaper, Finding
from inspections.queries.findings import campaigns as queries
from inspections.services.findings import entering, stepping
from tests.conftest import person
from tests.inspections.findings.conftest import COUNTY, DAY, FACTS, VILLAGE, Office
from tests.papers_handed_in import jpeg
from villages.models import Region

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]
LIST = "/findings/campaigns/"
FORM = {
    "name": "省委第三巡视组巡视", "region": COUNTY, "source": "TOUR", "level": "PROVINCE",
    "team": "第三巡视组", "document": "豫巡反〔2018〕3 号", "began_on": "2018-06-01",
    "ended_on": "2018-07-31", "told_on": "2018-08-20", "expected": "3",
}  # fmt: skip


def body(answer: Any) -> str:
    return str(answer.content.decode())


@pytest.fixture
def client(as_user: SignIn, office: Office) -> Client:
    return as_user(office.county)


def opened(by: User, name: str = "巡视", expected: int | None = None) -> Campaign:
    told = entering.Inspection(
        name, "TOUR", "PROVINCE", date(2018, 6, 1), date(2018, 8, 20), f"文号{name}",
        expected=expected,
    )  # fmt: skip
    return entering.open_campaign(region=Region.objects.get(code=COUNTY), told=told, by=by)


def told(campaign: Campaign, by: User, **changes: Any) -> Finding:
    return entering.enter(
        region=Region.objects.get(code=VILLAGE), fields={**FACTS, **changes}, campaign=campaign,
        by=by,
    )  # fmt: skip


def test_registered_and_put_right(client: Client) -> None:
    assert client.get(f"{LIST}new/").status_code == 200
    made = client.post(f"{LIST}new/", FORM)
    campaign = Campaign.objects.get()
    assert made["Location"] == f"{LIST}{campaign.pk}/"
    shown = body(client.get(made["Location"]))
    assert "反馈 3 个问题，已登记 0 个，不一致" in shown
    assert "豫巡反〔2018〕3 号" in shown
    # The same inspection twice.
    again = client.post(f"{LIST}new/", FORM)
    assert again.status_code == 422
    assert "这次检查已经登记" in body(again)
    address = f"{LIST}{campaign.pk}/edit/"
    assert client.get(address).status_code == 200
    told = {"name": "巡视", "team": "", "ended_on": "2018-07-30", "expected": "4"}
    assert client.post(address, told | {"source": "AUDIT"}).status_code == 302
    campaign.refresh_from_db()
    assert (campaign.name, campaign.expected, campaign.source) == ("巡视", 4, "TOUR")
    wrong = client.post(address, told | {"ended_on": "2018-05-01"})
    assert wrong.status_code == 422
    assert "结束日期早于开始日期" in body(wrong)


@pytest.mark.parametrize(
    ("name", "wrong", "words"),
    [
        ("name", "", "必填"), ("document", "", "必填"), ("region", "410325000000", "有效"),
        ("ended_on", "2018-05-01", "结束日期早于开始日期"),
        ("told_on", "2018-05-01", "反馈日期早于开始日期"),
        ("told_on", "2999-01-01", "不能晚于今天"), ("expected", "-1", "0"), ("source", "X", "有效"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told(client: Client, name: str, wrong: str, words: str) -> None:
    answer = client.post(f"{LIST}new/", FORM | {name: wrong})
    assert answer.status_code == 422
    assert words in body(answer)
    assert not Campaign.objects.exists()


def test_told_entered_and_mended_are_counted(client: Client, office: Office) -> None:
    campaign = opened(office.county, expected=3)
    one = told(campaign, office.county)
    two = told(campaign, office.county, told_as="2")
    stepping.split(
        finding=two,
        parts=[{"fact": "甲"}, {"fact": "乙"}],
        words="两件事",
        on=DAY,
        by=office.county,
    )
    for state in (State.ASSIGNED, State.MEASURED, State.CLAIMED, State.VERIFIED, State.CLOSED):
        one = office.take(one, state, DAY)
    shown = body(client.get(f"{LIST}{campaign.pk}/"))
    # Parts of a problem were not told by the feedback.
    assert "反馈 3 个问题，已登记 2 个，不一致" in shown
    assert "另有拆分、举一反三 2" in shown
    for code, label, many in (
        ("CLOSED", "已销号", 1),
        ("SPLIT", "已拆分", 1),
        ("FOUND", "待交办", 2),
    ):
        assert f"{label} {many}" in shown, label
        listed = body(client.get(f"/findings/?campaign={campaign.pk}&state={code}"))
        assert f"共 {many} 个问题" in listed
    assert "33.33%" in shown
    listed = body(client.get(LIST))
    assert "与反馈数不一致" in listed
    told(campaign, office.county)
    assert "与反馈数不一致" not in body(client.get(LIST))
    assert Campaign.objects.get().expected == 3


def test_narrowed_and_turned(
    client: Client, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    for at in range(5):
        opened(office.county, f"巡视{at}")
    monkeypatch.setattr(queries.page, "__defaults__", ("", "", 2))
    first = body(client.get(LIST))
    assert ("巡视4" in first, "巡视2" in first, "共 5 次检查" in first) == (True, False, True)
    page = queries.page(Campaign.objects.all())
    second = queries.page(Campaign.objects.all(), page.after)
    assert [one.name for one in second.rows] == ["巡视2", "巡视1"]
    assert queries.page(Campaign.objects.all(), "", second.before).rows == page.rows
    for query, many in (("source=TOUR", 5), ("source=AUDIT", 0), ("words=巡视3", 1), ("year=2017", 0),
                        ("level=PROVINCE&year=2018", 5), ("words=文号", 5)):  # fmt: skip
        assert f"共 {many} 次检查" in body(client.get(f"{LIST}?{query}")), query
    for query in (
        "after=x",
        "before=1.x",
        "year=0000",
        "words=%00",
        "after=20180101.99999999999999999999",
    ):
        assert client.get(f"{LIST}?{query}").status_code == 200, query


def test_as_many_queries_for_three_as_for_one(client: Client, office: Office) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as caught:
            assert client.get(LIST).status_code == 200
        return len(caught)

    told(opened(office.county), office.county)
    asked()
    one = asked()
    for name in ("审计", "督查"):
        told(opened(office.county, name), office.county)
    assert asked() == one


def test_documents_are_kept_sealed_and_opened(
    client: Client, as_user: SignIn, office: Office, songxian_clerk: User
) -> None:
    campaign = opened(office.county)
    address = f"{LIST}{campaign.pk}/paper/"

    def scan() -> Any:
        return {"file": SimpleUploadedFile("a.jpg", jpeg()), "note": "反馈意见"}

    assert client.post(address, scan()).status_code == 302
    assert client.post(address, scan()).status_code == 302
    paper = CampaignPaper.objects.get()
    assert jpeg() not in paper.path.read_bytes()
    shown = client.get(f"{LIST}papers/{paper.pk}/")
    assert (shown.status_code, shown["Content-Type"]) == (200, "image/jpeg")
    assert "sandbox" in shown["Content-Security-Policy"]
    assert "反馈意见" in body(client.get(f"{LIST}{campaign.pk}/"))
    for wrong in ({"file": SimpleUploadedFile("a.jpg", b"MZ hello")}, {}):
        assert client.post(address, wrong).status_code == 422
    neighbour = as_user(songxian_clerk)
    assert neighbour.get(f"{LIST}papers/{paper.pk}/").status_code == 404
    noted = AccessEntry.objects.get(act=Act.PAPER, subject_kind="campaign")
    assert (noted.actor, noted.subject) == (office.county.pk, str(campaign.pk))
    with pytest.raises(DatabaseError), transaction.atomic():
        CampaignPaper.objects.update(note="另一个")


def test_who_may(
    client: Client, as_user: SignIn, office: Office, city_leader: User, songxian_clerk: User
) -> None:
    campaign = opened(office.county)
    own, edit, paper = (f"{LIST}{campaign.pk}/{one}" for one in ("", "edit/", "paper/"))
    leader = as_user(city_leader)
    assert leader.get(own).status_code == leader.get(LIST).status_code == 200
    assert "登记检查" not in body(leader.get(LIST))
    for answer in (leader.get(f"{LIST}new/"), leader.post(f"{LIST}new/", FORM), leader.get(edit),
                   leader.post(edit, FORM), leader.post(paper)):  # fmt: skip
        assert answer.status_code == 403
    neighbour = as_user(songxian_clerk)
    office_beside = as_user(person("beside", Role.COUNTY_OFFICE, "410325"))
    assert neighbour.get(own).status_code == 404
    for answer in (office_beside.get(own), office_beside.get(edit), office_beside.post(edit, FORM),
                   office_beside.post(paper)):  # fmt: skip
        assert answer.status_code == 404
    assert "共 0 次检查" in body(neighbour.get(LIST))
    assert as_user(person("nobody", Role.LEADER)).get(LIST).status_code == 403
    assert client.get(f"{LIST}999999/").status_code == 404
    assert client.post(own).status_code == client.post(LIST).status_code == 405
    assert client.get(paper).status_code == 405
    # A village sees its problems, not the whole of a county's inspection.
    assert as_user(office.village).get(own).status_code == 404
