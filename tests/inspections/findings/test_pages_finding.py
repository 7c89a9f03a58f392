"""The page of one problem: what it tells, what it offers to whom, and each act by its form."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from accounts.roles import MEND_PROBLEMS, ROLES
from core.ledger.enums import Act
from core.ledger.models import AccessEntry
from exits.models import Holiday
from inspections.enums.findings import State
from inspections.models import DeadlineRule, Finding
from inspections.queries.findings.about import MENDING_ROLES
from inspections.services.findings import entering, extending, papers, stepping
from inspections.services.findings.entering import Inspection
from inspections.services.findings.stepping import Duty
from inspections.services.letters import preparing
from tests.cast import cast, county_leader
from tests.factories.villages import RegionFactory
from tests.inspections.findings.conftest import (
    COUNTY,
    DAY,
    DUE,
    DUTY,
    FACTS,
    VILLAGE,
    Office,
    entered,
)
from tests.papers_handed_in import jpeg, pdf

__all__ = ["county_leader"]
pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]
LATER = date(2018, 12, 3)
ASSIGN = {"unit": "城关镇人民政府", "name": "王主任", "words": "交办"}


def page_of(client: Client, finding: Finding) -> str:
    answer = client.get(f"/findings/{finding.pk}/")
    assert answer.status_code == 200
    return str(answer.content.decode())


def send(client: Client, finding: Finding, route: str = "act", **told: Any) -> Any:
    """The form of the page as it stands now; `seen` may be told otherwise."""
    position = Finding.objects.get(pk=finding.pk).position
    told = {"seen": position, "on": "2018-12-03", "words": "意见"} | told
    return client.post(f"/findings/{finding.pk}/{route}/", told)


def fresh(finding: Finding) -> Finding:
    return Finding.objects.get(pk=finding.pk)


def text_of(answer: Any) -> str:
    return str(answer.content.decode())


def photo(colour: int = 220) -> SimpleUploadedFile:
    return SimpleUploadedFile("a.jpg", jpeg(colour=colour), "image/jpeg")


def test_the_whole_way_by_its_forms(as_user: SignIn, office: Office) -> None:
    finding = entered(office.county)
    county, village, second = map(as_user, (office.county, office.village, office.second))
    due = {"due_on": "2018-12-20", "due_source": "县整改方案", "user": office.village.pk}
    assert send(county, finding, "assign", **ASSIGN, **due).status_code == 302
    assert (fresh(finding).state, fresh(finding).duty_user) == ("ASSIGNED", office.village)
    assert send(village, finding, step="MEASURED", words="三日内更新").status_code == 302
    told = page_of(village, finding)
    assert "还没有上传佐证材料，不能报完成" in told
    refused = send(village, finding, step="CLAIMED", words="已更新")
    assert refused.status_code == 422
    assert "还没有上传佐证材料，不能报完成" in text_of(refused)
    upload = village.post(
        f"/findings/{finding.pk}/papers/", {"file": photo(), "note": "整改后的公示栏"}
    )
    assert upload.status_code == 302
    assert "还没有上传佐证材料" not in page_of(village, finding)
    assert send(village, finding, step="CLAIMED", words="已更新").status_code == 302
    assert send(second, finding, step="VERIFIED", words="属实").status_code == 302
    assert send(second, finding, step="CLOSED", words="销号").status_code == 302
    finding = fresh(finding)
    assert (finding.state, finding.closed_on) == ("CLOSED", LATER)
    told = page_of(county, finding)
    for words in ("已销号", "三日内更新", "县整改方案", "整改后的公示栏", "经办人：second"):
        assert words in told
    assert "上传佐证材料" not in told


def test_what_is_offered_follows_state_and_person(
    as_user: SignIn, office: Office, county_leader: User
) -> None:
    offers: dict[str, dict[str, set[str]]] = {}
    for state in State.values:
        finding = office.brought_to(state)
        for name in ("county", "village", "second"):
            told = page_of(as_user(getattr(office, name)), finding)
            offers.setdefault(state, {})[name] = set(re.findall(r"<summary>(.*?)</summary>", told))
        assert "<summary>" not in page_of(as_user(county_leader), finding)
    assert offers["FOUND"]["county"] == {"交办", "上传佐证材料", "并案", "列为长期坚持"}
    assert offers["FOUND"]["village"] == {"上传佐证材料"}
    assert offers["ASSIGNED"]["village"] == {"报整改措施", "上传佐证材料", "申请延期"}
    assert "改派" in offers["ASSIGNED"]["county"]
    assert "报整改完成" in offers["MEASURED"]["village"]
    assert "退回整改" in offers["MEASURED"]["county"]
    assert "并案" in offers["MEASURED"]["county"]
    assert offers["CLAIMED"]["second"] >= {"核验", "退回整改"}
    assert not offers["CLAIMED"]["village"] & {"核验", "退回整改", "销号"}
    assert "销号" in offers["VERIFIED"]["second"]
    assert "转长期坚持" not in offers["VERIFIED"]["second"]
    assert offers["WATCHED"]["second"] == {"销号", "复查", "上传佐证材料"}
    assert offers["CLOSED"]["second"] == {"复查"}
    assert offers["MERGED"]["county"] == offers["SPLIT"]["county"] == set()


def test_whoever_claimed_it_is_told_that_another_decides(as_user: SignIn, office: Office) -> None:
    finding = office.brought_to(State.MEASURED)
    papers.add(finding=finding, file=photo(), by=office.county)
    stepping.claim(finding=finding, words="已更新", on=LATER, by=office.county)
    county = as_user(office.county)
    told = page_of(county, finding)
    assert "核验和销号须由另一人办理" in told
    assert "<summary>核验</summary>" not in told
    refused = send(county, finding, step="VERIFIED")
    assert refused.status_code == 422
    assert "须由另一人办理" in text_of(refused)
    assert fresh(finding).state == "CLAIMED"


def test_who_came_second_is_told_who_did_what(as_user: SignIn, office: Office) -> None:
    finding = office.brought_to(State.ASSIGNED)
    before = finding.position
    office.take(finding, State.MEASURED, DAY + timedelta(2))
    late = send(as_user(office.village), finding, step="MEASURED", seen=before, words="我的措施")
    assert late.status_code == 422
    told = text_of(late)
    assert "您打开页面以后，village_official 已于 2018-09-05 办理“已报措施”" in told
    assert fresh(finding).steps.filter(words="我的措施").count() == 0
    # An act that could still follow is refused all the same, and can be sent again with what is seen.
    again = send(as_user(office.second), finding, step="RETURNED", seen=before, words="不够具体")
    assert again.status_code == 422
    told = text_of(again)
    assert "village_official 已于" in told
    assert re.search(r'<textarea name="words"[^>]*>\s*不够具体</textarea>', told)
    assert f'name="seen" value="{before + 1}"' in told
    assert send(as_user(office.second), finding, step="RETURNED").status_code == 302


def test_the_day_of_the_rule_or_one_with_its_ground(as_user: SignIn, office: Office) -> None:
    finding, county = entered(office.county), as_user(office.county)
    assert "没有适用的期限规定" in page_of(county, finding)
    refused = send(county, finding, "assign", **ASSIGN)
    assert refused.status_code == 422
    assert "没有适用的期限规定" in text_of(refused)
    for told, words in (
        ({"due_on": "2018-12-20"}, "请写明依据"),
        ({"due_source": "县整改方案"}, "请填写整改期限"),
        ({"due_on": "2018-12-01", "due_source": "方案"}, "早于交办日期"),
        ({"due_on": "2018-12-20", "due_source": "方案", "user": "0"}, "没有办理整改的权限"),
    ):
        refused = send(county, finding, "assign", **ASSIGN, **told)
        assert refused.status_code == 422
        assert words in text_of(refused)
    future = f"{timezone.localdate() + timedelta(1):%Y-%m-%d}"
    refused = send(county, finding, "assign", **ASSIGN, on=future)
    assert "日期不能晚于今天" in text_of(refused)
    DeadlineRule.objects.create(
        region_prefix="410324", days=10, reply_days=5, valid_from=DAY, source="县整改办法",
        created_by=office.county,
    )  # fmt: skip
    years = {2018, 2019, timezone.localdate().year, timezone.localdate().year + 1}
    Holiday.objects.bulk_create(
        Holiday(day=date(year, 1, 1), is_off=True, source="测试") for year in years
    )
    assert "县整改办法（10 个工作日）" in page_of(county, finding)
    assert send(county, finding, "assign", **ASSIGN).status_code == 302
    finding = fresh(finding)
    assert finding.due_on == date(2018, 12, 17)
    assert "县整改办法（10 个工作日）" in page_of(county, finding)


def test_accounts_to_choose_from_mend_there(
    as_user: SignIn, office: Office, county_leader: User, songxian_clerk: User
) -> None:
    finding = entered(office.county)
    told = page_of(as_user(office.county), finding)
    chosen = re.search(r'<select name="user".*?</select>', told, re.DOTALL)
    assert chosen
    names = re.findall(r"<option[^>]*>(.*?)（", chosen[0])
    # The nearest first: village, town, county.
    assert names[:2] == [str(office.village), str(office.town)]
    assert {str(office.county), str(office.second)} <= set(names)
    assert not {str(county_leader), str(songxian_clerk)} & set(names)
    assert set(MENDING_ROLES) == {
        role for role, facts in ROLES.items() if MEND_PROBLEMS in facts.permissions
    }


def test_lateness_is_told_in_days(as_user: SignIn, office: Office) -> None:
    finding = office.brought_to(State.ASSIGNED)
    days = (timezone.localdate() - DUE).days
    told = page_of(as_user(office.county), finding)
    assert f"逾期 {days:,} 天" in told
    finding = office.brought_to(State.CLAIMED)
    assert "逾期" not in page_of(as_user(office.county), finding)


def test_more_time_is_asked_for_and_answered_by_another(as_user: SignIn, office: Office) -> None:
    finding = office.brought_to(State.ASSIGNED)
    village, county = as_user(office.village), as_user(office.county)
    early = send(village, finding, "extend", until="2018-09-28", reason="材料未到")
    assert early.status_code == 422
    assert "须晚于现期限 2018-09-28" in text_of(early)
    asked = send(village, finding, "extend", until="2019-01-31", reason="材料未到")
    assert asked.status_code == 302
    wish = finding.extensions.get()
    assert "等待另一人批复" in page_of(village, finding)
    assert "批复延期申请" in page_of(county, finding)
    where = f"extend/{wish.pk}"
    assert send(county, finding, where, why="", granted="1").status_code == 422
    assert send(county, finding, where, why="同意", granted="1").status_code == 302
    told = page_of(county, finding)
    assert "批准延期；原期限 2018-09-28" in told
    assert "同意延期" in told
    assert fresh(finding).due_on == date(2019, 1, 31)
    again = send(county, finding, where, why="同意", granted="1")
    assert again.status_code == 422
    assert "已经批复" in text_of(again)
    own = extending.ask(
        finding=fresh(finding), until=date(2019, 3, 1), reason="雨雪", on=LATER, by=office.county
    )
    refused = send(county, finding, f"extend/{own.pk}", why="同意", granted="1")
    assert refused.status_code == 422
    assert "不能批复自己的延期申请" in text_of(refused)
    assert send(village, finding, f"extend/{own.pk}", why="同意", granted="1").status_code == 403
    other = office.brought_to(State.ASSIGNED)
    assert send(county, other, f"extend/{own.pk}", why="同意", granted="1").status_code == 404


def test_a_second_look_brings_a_closed_one_back(as_user: SignIn, office: Office) -> None:
    finding = office.brought_to(State.CLOSED)
    second = as_user(office.second)
    assert send(second, finding, "look", result="HOLDS", words="").status_code == 422
    assert send(second, finding, "look", result="HOLDS", words="保持更新").status_code == 302
    assert fresh(finding).state == "CLOSED"
    assert send(second, finding, "look", result="RELAPSED", words="又停更").status_code == 302
    finding = fresh(finding)
    assert (finding.state, finding.relapses) == ("RETURNED", 1)
    told = page_of(second, finding)
    for words in ("反弹 1 次", "复查：未反弹", "复查：已反弹", "复查发现反弹：又停更"):
        assert words in told
    refused = send(second, finding, "look", result="HOLDS", words="再看")
    assert refused.status_code == 422
    assert "只有已销号或长期坚持的问题需要复查" in text_of(refused)


def test_watched_ones_are_closed_after_watching(as_user: SignIn, office: Office) -> None:
    finding = office.brought_to(State.VERIFIED)
    second = as_user(office.second)
    assert send(second, finding, "watch", needs_watch="1").status_code == 302
    told = page_of(second, finding)
    assert "<summary>转长期坚持</summary>" in told
    assert "<summary>销号</summary>" not in told
    refused = send(second, finding, step="CLOSED")
    assert refused.status_code == 422
    assert "需要长期坚持" in text_of(refused)
    assert send(second, finding, step="WATCHED").status_code == 302
    assert send(second, finding, step="CLOSED").status_code == 302
    assert send(second, finding, "watch", needs_watch="0").status_code == 422


def test_merging_into_a_known_number(as_user: SignIn, office: Office) -> None:
    finding, other = entered(office.county), entered(office.county)
    county = as_user(office.county)
    for number in ("W2018", finding.number):
        refused = send(county, finding, "merge", into=number)
        assert refused.status_code == 422
    assert "只能并入同一县、尚未报完成的另一个问题" in text_of(refused)
    assert send(county, finding, "merge", into=other.number).status_code == 302
    assert other.number in page_of(county, finding)
    told = page_of(county, other)
    assert "被并入本问题" in told
    assert finding.number in told


def test_splitting_by_rows(as_user: SignIn, office: Office) -> None:
    finding, county = entered(office.county), as_user(office.county)
    address = f"/findings/{finding.pk}/split/"
    assert county.get(address).status_code == 200
    start = {"seen": finding.position, "on": "2018-12-03", "words": "两件事", "fact_1": "公示栏旧"}
    one = county.post(address, start)
    assert one.status_code == 422
    assert "至少拆分为两个问题" in text_of(one)
    nowhere = county.post(address, start | {"fact_2": "账未公开", "region_2": "410399"})
    assert nowhere.status_code == 422
    assert "没有“410399”这个区划" in text_of(nowhere)
    done = county.post(
        address, start | {"fact_2": "账未公开", "severity_2": "GRAVE", "region_2": VILLAGE}
    )
    assert done.status_code == 302
    parts = list(Finding.objects.filter(parent=finding).order_by("pk"))
    assert [(part.fact, part.severity) for part in parts] == [
        ("公示栏旧", "ORDINARY"), ("账未公开", "GRAVE"),
    ]  # fmt: skip
    told = page_of(county, finding)
    assert all(part.number in told for part in parts)
    assert finding.number in page_of(county, parts[0])
    assert county.get(address).status_code == 302
    late = county.post(address, start | {"fact_2": "账未公开"})
    assert late.status_code == 302
    assert Finding.objects.filter(parent=finding).count() == 2


def test_papers_are_files_that_run_nothing(as_user: SignIn, office: Office) -> None:
    finding = office.brought_to(State.MEASURED)
    village, address = as_user(office.village), f"/findings/{finding.pk}/papers/"
    bad = village.post(address, {"file": SimpleUploadedFile("a.jpg", b"MZ no picture")})
    assert bad.status_code == 422
    assert village.post(address, {}).status_code == 422
    sheet = SimpleUploadedFile("a.pdf", pdf(), "application/pdf")
    for file in (photo(), sheet):
        assert village.post(address, {"file": file, "note": "整改后"}).status_code == 302
    first, second = finding.papers.order_by("pk")
    answer = village.get(f"{address}{first.pk}/")
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/jpeg")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cache-Control"] == "no-store"
    assert "sandbox" in answer["Content-Security-Policy"]
    assert answer.content.startswith(b"\xff\xd8")
    answer = village.get(f"{address}{second.pk}/")
    assert answer["Content-Disposition"].startswith("attachment")
    other = entered(office.county)
    assert village.get(f"/findings/{other.pk}/papers/{first.pk}/").status_code == 404
    noted = AccessEntry.objects.filter(act=Act.PAPER, subject_kind="finding").order_by("id")
    assert [(one.actor, one.subject, one.region, one.detail) for one in noted] == [
        (office.village.pk, str(finding.pk), finding.region_code, {"paper": paper.pk})
        for paper in (first, second)
    ]
    closed = office.brought_to(State.CLOSED)
    late = village.post(f"/findings/{closed.pk}/papers/", {"file": photo(100)})
    assert late.status_code == 422
    assert "已经办结" in text_of(late)


def test_an_inspection_of_a_larger_place_is_not_named_below_it(
    as_user: SignIn, office: Office
) -> None:
    told = Inspection("县级督查", "SUPERVISION", "COUNTY", DAY, DAY, "栾督〔2018〕3号")
    campaign = entering.open_campaign(
        region=RegionFactory(code=COUNTY), told=told, by=office.county
    )
    finding = entering.enter(
        region=RegionFactory(code=VILLAGE), fields=FACTS, campaign=campaign, by=office.county
    )
    page = page_of(as_user(office.county), finding)
    assert "县级督查" in page
    assert "（栾督〔2018〕3号）" in page
    page = page_of(as_user(office.village), finding)
    assert "上级组织的检查" in page
    assert "栾督" not in page
    assert "等待交办" in page


def test_letters_stand_among_what_happened(as_user: SignIn, office: Office) -> None:
    finding = office.brought_to(State.ASSIGNED)
    preparing.prepare(today=DUE + timedelta(1), prefix="410324")
    told = page_of(as_user(office.county), finding)
    assert "问题整改提示函：待确认" in told
    assert "每日任务拟稿" in told
    # The village sees that a letter about its problem is written.
    assert "问题整改提示函：待确认" in page_of(as_user(office.village), finding)


ROUTES = (
    ("act", {"step": "MEASURED"}), ("assign", ASSIGN), ("extend", {}), ("merge", {}), ("watch", {}),
    ("look", {}), ("papers", {}),
)  # fmt: skip


@pytest.mark.parametrize(("route", "told"), ROUTES)
def test_acts_are_for_those_whose_they_are(
    as_user: SignIn, office: Office, county_leader: User, songxian_clerk: User, route: str,
    told: dict[str, Any],
) -> None:  # fmt: skip
    finding = office.brought_to(State.ASSIGNED)
    county = as_user(office.county)
    assert send(as_user(county_leader), finding, route, **told).status_code == 403
    neighbour = send(as_user(songxian_clerk), finding, route, **told)
    # Clerks do not register; for what they do, a foreign problem is not there.
    by_finders = route in ("assign", "merge", "watch", "look")
    assert neighbour.status_code == (403 if by_finders else 404)
    assert county.get(f"/findings/{finding.pk}/{route}/").status_code == 405
    assert county.post(f"/findings/999999/{route}/", told).status_code == 404
    if by_finders:
        assert send(as_user(office.village), finding, route, **told).status_code == 403


def test_pages_of_others_are_not_there(
    as_user: SignIn, office: Office, songxian_clerk: User, county_leader: User
) -> None:
    finding = office.brought_to(State.MEASURED)
    office.prove(finding)
    paper = finding.papers.get()
    neighbour = as_user(songxian_clerk)
    for address in (f"/findings/{finding.pk}/", f"/findings/{finding.pk}/papers/{paper.pk}/"):
        assert neighbour.get(address).status_code == 404
        assert as_user(county_leader).get(address).status_code == 200
        assert as_user(office.county).post(address).status_code == 405
    foreign = as_user(cast("department"))
    assert foreign.get(f"/findings/{finding.pk}/").status_code in (403, 404)
    wrong = send(as_user(office.village), finding, step="VERIFIED")
    assert wrong.status_code == 403
    nothing = send(as_user(office.village), finding, step="FOUND")
    assert nothing.status_code == 422
    assert "请选择要办理的事项" in text_of(nothing)


def test_a_person_named_for_it_mends_without_the_right(
    as_user: SignIn, office: Office, county_leader: User
) -> None:
    """A deputy head whom the county names sees the county and mends this one problem."""
    finding = entered(office.county)
    duty = Duty(DUTY.unit, "李县长", user=county_leader, due_on=DUE, due_source="方案")
    stepping.assign(finding=finding, duty=duty, on=DAY, by=office.county)
    leader = as_user(county_leader)
    assert "<summary>报整改措施</summary>" in page_of(leader, finding)
    assert send(leader, finding, step="MEASURED").status_code == 302
    assert send(leader, entered(office.county), step="MEASURED").status_code == 403


def test_page_asks_as_often_for_many_as_for_few(as_user: SignIn, office: Office) -> None:
    finding = office.brought_to(State.MEASURED)
    papers.add(finding=finding, file=photo(1), by=office.village)
    county = as_user(office.county)
    page_of(county, finding)
    with CaptureQueriesContext(connection) as few:
        page_of(county, finding)
    for colour in (60, 110, 160):
        papers.add(finding=fresh(finding), file=photo(colour), by=office.village)
        stepping.send_back(finding=fresh(finding), words="不够", on=LATER, by=office.second)
        stepping.file_measure(finding=fresh(finding), measure="再改", on=LATER, by=office.village)
    papers.add(finding=fresh(finding), file=photo(200), by=office.village)
    with CaptureQueriesContext(connection) as many:
        told = page_of(county, finding)
    assert told.count("再改") == 3
    assert len(many) == len(few)
