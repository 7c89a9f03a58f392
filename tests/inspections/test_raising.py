"""From a survey case or a finding on money to the ledger, and back: mending is told once."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.enums import Role
from accounts.models import User
from core import walls
from funds.models import FundFinding, FundRule
from inspections.enums.findings import Look
from inspections.models import Case, DirtyRound, Finding, Rectification, Round
from inspections.queries.estimates import sample_of
from inspections.services import cases, rectifying, rounds
from inspections.services.common import UnfitError
from inspections.services.findings import entering, papers, stepping
from inspections.services.findings.stepping import Duty
from projects.models import Project, ProjectStep
from tests.cast import county_leader, helper
from tests.conftest import LONG_AGO, person
from tests.factories.households import household
from tests.factories.villages import RegionFactory
from tests.inspections.conftest import DAY, WRONGFUL, first, visit
from tests.papers_handed_in import jpeg

__all__ = ["county_leader", "helper"]
pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]
MENDED = {"on": "2018-11-20", "measure": "翻修屋顶", "evidence": "验收单"}


@pytest.fixture
def confirmed(drawn_round: Round, surveyor: User, office: User, county_office: User) -> Case:
    """Confirmed by the city, in a round that the county does not see yet."""
    visit(first(drawn_round), surveyor, office, WRONGFUL)
    decider = person("decider2", Role.CITY_OFFICE, "4103")
    found = Case.objects.get()
    cases.accept(case=found, on=DAY, reason="无异议", by=county_office)
    found.refresh_from_db()
    cases.recheck(case=found, on=DAY, reason="属实", by=office)
    cases.confirm(case=found, persons=2, on=DAY, reason="属实", by=decider)
    return Case.objects.get()


@pytest.fixture
def case(confirmed: Case, drawn_round: Round, office: User) -> Case:
    """The county sees its round too."""
    rounds.disclose(round=drawn_round, by=office)
    return confirmed


@pytest.fixture
def second(db: None) -> User:
    return person("secondoffice", Role.COUNTY_OFFICE, "410324")


def text_of(answer: Any) -> str:
    return str(answer.content.decode())


def raised(client: Client, kind: str, pk: int, severity: str = "GRAVE") -> Any:
    return client.post(f"/findings/from-{kind}/{pk}/", {"severity": severity})


def mended(finding: Finding, by: User, second: User, until: str = "CLOSED") -> Finding:
    """Assigned to the county itself, measured, proven, claimed, and closed by somebody else."""
    duty = Duty("县扶贫办", "主任", due_on=date(2018, 12, 20), due_source="方案")
    on = DAY + timedelta(1)
    finding = stepping.assign(finding=finding, duty=duty, on=on, by=by)
    finding = stepping.file_measure(finding=finding, measure="翻修屋顶", on=on, by=by)
    papers.add(finding=finding, file=SimpleUploadedFile("a.jpg", jpeg()), by=by)
    finding = stepping.claim(finding=finding, words="已修好", on=on, by=by)
    finding = stepping.verify(finding=finding, words="属实", on=on, by=second)
    if until == "VERIFIED":
        return finding
    return stepping.close(finding=finding, words="销号", on=on + timedelta(1), by=second)


def test_case_enters_the_ledger_once_and_points_to_it(
    as_user: SignIn, case: Case, county_office: User
) -> None:
    client, page = as_user(county_office), f"/rounds/cases/{case.pk}/"
    before = text_of(client.get(page))
    assert f"/findings/from-case/{case.pk}/" in before
    assert "登记整改" in before
    assert "错退" in text_of(client.get(f"/findings/from-case/{case.pk}/"))
    nothing = raised(client, "case", case.pk, "")
    assert nothing.status_code == 422
    assert "请选择严重程度" in text_of(nothing)
    done = raised(client, "case", case.pk)
    finding = Finding.objects.get()
    assert done.url == f"/findings/{finding.pk}/"
    assert (finding.case, finding.origin, finding.severity) == (case, "CASE", "GRAVE")
    assert finding.household == case.sample.frame.household
    told = text_of(client.get(done.url))
    assert f'href="{page}"' in told
    after = text_of(client.get(page))
    assert finding.number in after
    assert "待交办" in after
    assert "列入问题台账</a>" not in after
    assert f"{page}rectify/" not in after
    again = raised(client, "case", case.pk)
    assert again.url == f"/findings/{finding.pk}/"
    assert Finding.objects.count() == 1


def test_mending_a_case_on_the_ledger_is_told_there_alone(
    as_user: SignIn, case: Case, county_office: User
) -> None:
    finding = entering.raise_case(case=case, severity="GRAVE", by=county_office)
    with pytest.raises(UnfitError, match="已列入问题台账"):
        rectifying.rectify(
            case=case, on=DAY, measure="翻修", evidence="照片", by=county_office
        )  # fmt: skip
    client = as_user(county_office)
    answer = client.post(f"/rounds/cases/{case.pk}/rectify/", MENDED)
    assert answer.status_code == 302
    assert "已列入问题台账" in text_of(client.get(answer.url))
    assert not Rectification.objects.exists()
    assert finding.state == "FOUND"


def test_closing_puts_the_case_right_in_the_same_act(
    as_user: SignIn, case: Case, county_office: User, second: User
) -> None:
    finding = entering.raise_case(case=case, severity="GRAVE", by=county_office)
    verified = mended(finding, county_office, second, until="VERIFIED")
    assert sample_of(case.round).unrectified == {case.kind: 1}
    with walls.scoped(second):
        closed = stepping.close(
            finding=verified, words="销号", on=DAY + timedelta(2), by=second
        )  # fmt: skip
    told = Rectification.objects.get()
    assert (told.case, told.on, told.measure) == (case, DAY + timedelta(2), "翻修屋顶")
    assert told.evidence == f"问题台账 {closed.number}，佐证材料 1 份"
    assert told.created_by == second
    # What the gate asks.
    assert sample_of(case.round).unrectified == {case.kind: 0}
    client = as_user(county_office)
    page = text_of(client.get(f"/rounds/cases/{case.pk}/"))
    assert "已销号" in page
    assert "翻修屋顶" in page
    assert "评估问题整改" in text_of(client.get(f"/findings/{finding.pk}/"))


def test_a_case_that_comes_back_is_to_be_put_right_again(
    as_user: SignIn, case: Case, county_office: User, second: User
) -> None:
    finding = entering.raise_case(case=case, severity="GRAVE", by=county_office)
    closed = mended(finding, county_office, second)
    assert sample_of(case.round).unrectified == {case.kind: 0}
    before = sample_of(case.round).as_of
    DirtyRound.objects.all().delete()
    _, back = stepping.look(
        finding=closed, result=Look.RELAPSED, words="又漏雨了", on=DAY + timedelta(9), by=second
    )
    assert back.state == "RETURNED"
    # The gate counts it again, and the round's results are asked for anew.
    assert sample_of(case.round).unrectified == {case.kind: 1}
    assert sample_of(case.round).as_of > before
    assert DirtyRound.objects.filter(round_id=case.round_id).exists()
    assert Rectification.objects.count() == 1
    client = as_user(county_office)
    assert "已反弹，重新销号以前门槛为" in text_of(client.get(f"/rounds/cases/{case.pk}/"))
    assert "重新销号以前不算整改到位" in text_of(client.get(f"/findings/{finding.pk}/"))


def test_a_refused_closing_puts_nothing_right(
    case: Case, county_office: User, second: User
) -> None:
    finding = entering.raise_case(case=case, severity="GRAVE", by=county_office)
    verified = mended(finding, county_office, second, until="VERIFIED")
    with pytest.raises(UnfitError, match="日期早于上一步"):
        stepping.close(finding=verified, words="销号", on=DAY, by=second)
    with pytest.raises(UnfitError, match="另一人"):
        stepping.close(finding=verified, words="销号", on=DAY + timedelta(2), by=county_office)
    assert not Rectification.objects.exists()


def test_what_was_put_right_before_stays_as_it_was_told(
    case: Case, county_office: User, second: User
) -> None:
    rectifying.rectify(case=case, on=DAY, measure="先前修好", evidence="照片", by=county_office)
    finding = entering.raise_case(case=case, severity="ORDINARY", by=county_office)
    mended(finding, county_office, second)
    assert Rectification.objects.get().measure == "先前修好"


def test_a_watched_one_is_put_right_when_it_is_mended(
    case: Case, county_office: User, second: User
) -> None:
    finding = entering.raise_case(case=case, severity="GRAVE", by=county_office)
    entering.watch(finding=finding, needs_watch=True, by=county_office)
    assert mended(finding, county_office, second).state == "WATCHED"
    assert Rectification.objects.count() == 1
    watched = Finding.objects.get()
    stepping.close(finding=watched, words="稳定", on=DAY + timedelta(9), by=second)
    assert Rectification.objects.count() == 1


def test_city_raises_before_the_county_sees_the_round(
    as_user: SignIn, confirmed: Case, office: User, county_office: User
) -> None:
    client = as_user(county_office)
    assert "列入问题台账</a>" not in text_of(client.get(f"/rounds/cases/{confirmed.pk}/"))
    refused = raised(client, "case", confirmed.pk)
    assert "尚未向县公开" in text_of(client.get(refused.url))
    assert not Finding.objects.exists()
    assert raised(as_user(office), "case", confirmed.pk).status_code == 302
    finding = Finding.objects.get()
    # It is the county's to mend.
    assert client.get(f"/findings/{finding.pk}/").status_code == 200


def test_only_confirmed_cases_and_by_those_who_register(
    as_user: SignIn, drawn_round: Round, surveyor: User, office: User, county_office: User,
    county_leader: User, town_clerk: User, songxian_clerk: User,
) -> None:  # fmt: skip
    visit(first(drawn_round), surveyor, office, WRONGFUL)
    case = Case.objects.get()
    address = f"/findings/from-case/{case.pk}/"
    client = as_user(county_office)
    assert "列入问题台账" not in text_of(client.get(f"/rounds/cases/{case.pk}/"))
    refused = raised(client, "case", case.pk)
    assert refused.url == f"/rounds/cases/{case.pk}/"
    assert "只有已确认" in text_of(client.get(refused.url))
    for user in (county_leader, town_clerk, songxian_clerk, surveyor):
        assert as_user(user).get(address).status_code == 403
        assert as_user(user).post(address).status_code == 403
    neighbour = person("songoffice", Role.COUNTY_OFFICE, "410325")
    assert as_user(neighbour).get(address).status_code == 404
    assert client.get("/findings/from-case/999999/").status_code == 404
    assert client.delete(address).status_code == 405
    assert not Finding.objects.exists()


# --- From money --------------------------------------------------------------------------------


@pytest.fixture
def project(county_office: User) -> Project:
    place = RegionFactory(code="410324100203")
    made = Project.objects.create(
        name="通组道路", type_id="1001", sector="10", region=place, region_code=place.code,
        year=2018, content="测试", unit="测试", planned_amount=1, planned_start=LONG_AGO,
        planned_end=LONG_AGO, entered_by=county_office,
    )  # fmt: skip
    ProjectStep.objects.create(
        project=made, region_code=place.code, position=0, state="PROPOSED", on=LONG_AGO,
        reason="测试", created_by=county_office,
    )  # fmt: skip
    return Project.objects.get(pk=made.pk)


def a_doubt(subject: str, pk: int, code: str = "410324100203", **changes: Any) -> FundFinding:
    return FundFinding.objects.create(
        **{
            "rule": FundRule.objects.get(code="unpaid"), "rule_version": 1, "year": 2018,
            "subject": subject, "subject_id": pk, "region": RegionFactory(code=code),
            "region_code": code, "state": "VIOLATED", "words": "已支付为零", "opened_on": DAY,
        } | changes
    )  # fmt: skip


def test_what_a_rule_found_enters_the_ledger_once(
    as_user: SignIn, project: Project, county_office: User, county_leader: User
) -> None:
    doubt, client = a_doubt("PROJECT", project.pk), as_user(county_office)
    page = f"/funds/findings/{doubt.pk}/"
    assert f"/findings/from-fund/{doubt.pk}/" in text_of(client.get(page))
    assert "列入问题台账" not in text_of(as_user(county_leader).get(page))
    assert raised(as_user(county_leader), "fund", doubt.pk).status_code == 403
    done = raised(client, "fund", doubt.pk)
    finding = Finding.objects.get()
    assert (finding.project, finding.fund_finding) == (project, doubt)
    assert finding.fact.endswith("已支付为零")
    assert done.url == f"/findings/{finding.pk}/"
    assert page in text_of(client.get(done.url))
    told = text_of(as_user(county_leader).get(page))
    assert finding.number in told
    assert raised(client, "fund", doubt.pk).url == done.url
    assert Finding.objects.count() == 1
    told = text_of(client.get(f"/projects/{project.pk}/"))
    assert finding.number in told
    assert "共 1 个，未办结 1 个，逾期 0 个" in told
    alone = f"/findings/project/{project.pk}/"
    assert finding.number in text_of(client.get(alone))
    assert client.post(alone).status_code == 405
    neighbour = person("songoffice", Role.COUNTY_OFFICE, "410325")
    assert as_user(neighbour).get(alone).status_code == 404
    assert as_user(neighbour).get(f"/findings/from-fund/{doubt.pk}/").status_code == 404


def test_what_is_settled_is_raised_no_more(
    as_user: SignIn, project: Project, county_office: User
) -> None:
    doubt = a_doubt("PROJECT", project.pk, closed_on=DAY + timedelta(1))
    client = as_user(county_office)
    assert "列入问题台账" not in text_of(client.get(f"/funds/findings/{doubt.pk}/"))
    assert raised(client, "fund", doubt.pk).url == f"/funds/findings/{doubt.pk}/"
    assert not Finding.objects.exists()


def test_household_page_has_its_own_and_its_members_problems(
    as_user: SignIn, county_office: User, helper: User, songxian_clerk: User
) -> None:
    row, other = household(code="410324100203"), household(code="410324100203")
    place = {"region": row.household.village, "source": "AUDIT", "level": "CITY"}
    facts = {"severity": "ORDINARY", "found_on": DAY}
    person_ = row.household.persons.earliest("pk")
    for more in (
        {"object_kind": "HOUSEHOLD", "household": row.household, "fact": "住房漏雨"},
        {"object_kind": "PERSON", "person": person_, "fact": "重复领取"},
        {"object_kind": "HOUSEHOLD", "household": other.household, "fact": "他户之事"},
        {"object_kind": "PLACE", "fact": "村里之事"},
    ):
        entering.enter(fields=facts | more, by=county_office, **place)
    address = f"/findings/household/{row.household.household_no}/?year=2018"
    told = text_of(as_user(county_office).get(address))
    assert "住房漏雨" in told
    assert "重复领取" in told
    assert "他户之事" not in told
    assert "村里之事" not in told
    # Nothing entrusted, nothing seen; then that household alone.
    assert as_user(helper).get(address).status_code == 404
    assert as_user(songxian_clerk).get(address).status_code == 404
    row.household.assignments.create(
        village_code="410324100203", user=helper, reason="帮扶", created_by=county_office
    )
    client = as_user(helper)
    assert "住房漏雨" in text_of(client.get(address))
    mine, foreign = Finding.objects.get(fact="重复领取"), Finding.objects.get(fact="他户之事")
    assert client.get(f"/findings/{mine.pk}/").status_code == 200
    assert client.get(f"/findings/{foreign.pk}/").status_code == 404
    assert client.post(address).status_code == 405
    overview = text_of(client.get(f"/households/{row.household.household_no}/?year=2018"))
    assert "问题整改" in overview
