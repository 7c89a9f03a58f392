"""Entering singly, putting right, and what is told where a key or a place is wrong."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from households.models import Person
from inspections.models import Campaign, Finding
from inspections.services.findings import entering
from inspections.services.findings.entering import Inspection
from projects.models import Project, ProjectStep
from tests.cast import county_leader
from tests.conftest import LONG_AGO
from tests.factories.households import NEIGHBOUR, PartitionFactory, household, id_no
from tests.factories.villages import RegionFactory
from tests.inspections.findings.conftest import COUNTY, DAY, VILLAGE, Office, entered

__all__ = ["county_leader"]
pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]
NEW = "/findings/new/"
TOLD: dict[str, Any] = {
    "source": "SUPERVISION", "level": "COUNTY", "severity": "SERIOUS", "object_kind": "PLACE",
    "region": VILLAGE, "found_on": "2018-09-03", "fact": "公示栏内容没有更新",
}  # fmt: skip


def text_of(answer: Any) -> str:
    return str(answer.content.decode())


def wrong_at(answer: Any) -> set[str]:
    """Names of the fields that something is wrong with."""
    assert answer.status_code == 422
    return set(answer.context["form"].errors)


@pytest.fixture
def campaign(office: Office) -> Campaign:
    told = Inspection("2018年县级督查", "AUDIT", "CITY", DAY, DAY, "栾督〔2018〕3号")
    return entering.open_campaign(region=RegionFactory(code=COUNTY), told=told, by=office.county)


def a_project(office: Office, code: str = VILLAGE) -> Project:
    place = RegionFactory(code=code)
    made = Project.objects.create(
        name="通组道路", type_id="1001", sector="10", region=place, region_code=code, year=2018,
        content="测试", unit="测试", planned_amount=1, planned_start=LONG_AGO,
        planned_end=LONG_AGO, entered_by=office.county,
    )  # fmt: skip
    ProjectStep.objects.create(
        project=made, region_code=code, position=0, state="PROPOSED", on=LONG_AGO, reason="测试",
        created_by=office.county,
    )  # fmt: skip
    return Project.objects.get(pk=made.pk)


def test_one_and_then_the_next_of_the_same_inspection(
    as_user: SignIn, office: Office, campaign: Campaign
) -> None:
    county = as_user(office.county)
    told = text_of(county.get(f"{NEW}?campaign={campaign.pk}&region={VILLAGE}"))
    assert f'<option value="{campaign.pk}" selected>' in told
    assert f'value="{VILLAGE}"' in told
    sent = TOLD | {"campaign": campaign.pk, "source": "", "level": "", "told_as": "一（3）"}
    answer = county.post(NEW, sent | {"more": "1"})
    assert answer.status_code == 302
    assert answer.url == f"{NEW}?campaign={campaign.pk}&region={VILLAGE}"
    made = Finding.objects.get()
    assert (made.source, made.level, made.told_as) == ("AUDIT", "CITY", "一（3）")
    assert (made.state, made.region_code, made.severity) == ("FOUND", VILLAGE, "SERIOUS")
    assert made.number in text_of(county.get(answer.url))
    again = county.post(NEW, sent)
    assert again.status_code == 422
    assert "已有相同的反馈序号" in text_of(again)
    answer = county.post(NEW, sent | {"told_as": "", "save": "1"})
    assert answer.url == f"/findings/{Finding.objects.latest('pk').pk}/"


def test_what_is_missing_is_told_at_its_field(as_user: SignIn, office: Office) -> None:
    county = as_user(office.county)
    for changes, fields in (
        ({"source": "", "level": ""}, {"source", "level"}),
        ({"fact": " "}, {"fact"}),
        ({"severity": "X"}, {"severity"}),
        ({"found_on": "2999-01-01"}, {"found_on"}),
        ({"region": ""}, {"region"}),
        ({"key": "1"}, {"key"}),
        ({"object_kind": "CADRE"}, {"key"}),
        ({"object_kind": "HOUSEHOLD"}, {"key"}),
        ({"campaign": "999"}, {"campaign"}),
    ):
        assert wrong_at(county.post(NEW, TOLD | changes)) == fields, changes
    assert not Finding.objects.exists()


@pytest.mark.parametrize(
    ("region", "words"),
    [
        ("410399", "没有“410399”这个区划"),
        ("41032", "村 12 位、乡镇 9 位"),
        ("无此村", "没有“无此村”这个区划"),
        ("410325100201", "您没有在该区划登记问题的权限"),
    ],
)
def test_places_that_are_unknown_or_foreign(
    as_user: SignIn, office: Office, region: str, words: str
) -> None:
    RegionFactory(code=NEIGHBOUR)
    answer = as_user(office.county).post(NEW, TOLD | {"region": region})
    assert wrong_at(answer) == {"region"}
    assert words in text_of(answer)


def test_a_place_by_its_name(as_user: SignIn, office: Office) -> None:
    RegionFactory(code="410324100204", name="河南村村民委员会")
    RegionFactory(code="410324101201", name="同名村")
    RegionFactory(code="410324101202", name="同名村")
    # The neighbour's of the same name is none of this county's.
    RegionFactory(code="410325100209", name="河南村村民委员会")
    county = as_user(office.county)
    for name in ("河南村", "河南村村民委员会"):
        assert county.post(NEW, TOLD | {"region": name}).status_code == 302
    assert set(Finding.objects.values_list("region_code", flat=True)) == {"410324100204"}
    answer = county.post(NEW, TOLD | {"region": "同名村"})
    assert wrong_at(answer) == {"region"}
    assert "410324101201、410324101202" in text_of(answer)


def test_objects_by_their_keys(as_user: SignIn, office: Office) -> None:
    row, project = household(code=VILLAGE), a_project(office)
    person = row.household.persons.order_by("pk").first()
    county = as_user(office.county)
    for kind, key in (
        ("HOUSEHOLD", row.household.household_no),
        ("PERSON", person.person_no),
        ("PROJECT", project.number),
    ):
        answer = county.post(NEW, TOLD | {"object_kind": kind, "key": key, "region": ""})
        assert answer.status_code == 302, kind
        made = Finding.objects.latest("pk")
        # The place is that of the object.
        assert (made.object_kind, made.region_code) == (kind, VILLAGE)
        assert key in text_of(county.get(answer.url))
    assert Finding.objects.get(object_kind="PERSON").household == row.household
    cadre = TOLD | {"object_kind": "CADRE", "key": "张某，村主任"}
    assert county.post(NEW, cadre).status_code == 302
    assert Finding.objects.latest("pk").cadre == "张某，村主任"


@pytest.mark.parametrize("kind", ["HOUSEHOLD", "PERSON", "PROJECT", "PAYMENT"])
def test_keys_of_others_are_as_unknown_as_none(as_user: SignIn, office: Office, kind: str) -> None:
    row, project = household(code=NEIGHBOUR), a_project(office, NEIGHBOUR)
    keys = {
        "HOUSEHOLD": row.household.household_no,
        "PERSON": Person.objects.filter(household=row.household).earliest("pk").person_no,
        "PROJECT": project.number,
        "PAYMENT": "410325-2018-0001",
    }
    for key in (keys[kind], "无此编号"):
        answer = as_user(office.county).post(NEW, TOLD | {"object_kind": kind, "key": key})
        assert wrong_at(answer) == {"key"}
    assert not Finding.objects.exists()


def test_an_object_elsewhere_than_the_place(as_user: SignIn, office: Office) -> None:
    RegionFactory(code="410324101201")
    row = household(code=VILLAGE)
    told = TOLD | {"object_kind": "HOUSEHOLD", "key": row.household.household_no}
    answer = as_user(office.county).post(NEW, told | {"region": "410324101201"})
    assert answer.status_code == 422
    assert "问题对象不在所选区划内" in text_of(answer)


def test_numbers_of_people_are_struck_out(as_user: SignIn, office: Office) -> None:
    told = TOLD | {"fact": f"户主 {id_no(7)} 重复领取"}
    assert as_user(office.county).post(NEW, told).status_code == 302
    assert Finding.objects.get().fact == "户主 （号码略） 重复领取"


def test_a_household_is_looked_up_beside_the_form(as_user: SignIn, office: Office) -> None:
    row = household(code=VILLAGE, head="何金山")
    household(code=NEIGHBOUR, head="何金山")
    PartitionFactory(year=2018)
    county = as_user(office.county)
    answer = county.post(NEW, TOLD | {"find": "1", "word": "何金山", "fact": "写到一半"})
    assert answer.status_code == 200
    told = text_of(answer)
    assert "写到一半" in told
    assert re.findall(r'name="pick" value="(\w+)"', told) == [row.household.household_no]
    number = row.household.household_no
    answer = county.post(NEW, TOLD | {"pick": number, "fact": "写到一半"})
    told = text_of(answer)
    assert f'value="{number}"' in told
    assert '<option value="HOUSEHOLD" selected>' in told
    assert "写到一半" in told
    assert not Finding.objects.exists()
    assert county.post(NEW, TOLD | {"find": "1", "word": ""}).status_code == 422
    assert "没有找到农户" in text_of(county.post(NEW, TOLD | {"find": "1", "word": "无此人"}))


def test_put_right_until_it_is_assigned(as_user: SignIn, office: Office) -> None:
    row = household(code=VILLAGE)
    finding, county = entered(office.county), as_user(office.county)
    address = f"/findings/{finding.pk}/amend/"
    assert "公示栏内容没有更新" in text_of(county.get(address))
    told = {name: TOLD[name] for name in ("severity", "found_on", "object_kind")}
    assert county.post(address, told | {"fact": ""}).status_code == 422
    foreign = told | {"fact": "改", "object_kind": "HOUSEHOLD", "key": "无"}
    assert wrong_at(county.post(address, foreign)) == {"key"}
    right = told | {
        "fact": "住房漏雨", "object_kind": "HOUSEHOLD", "key": row.household.household_no,
        "needs_watch": "on",
    }  # fmt: skip
    assert county.post(address, right).status_code == 302
    finding.refresh_from_db()
    assert (finding.fact, finding.household_id) == ("住房漏雨", row.household_id)
    assert finding.needs_watch
    assert row.household.household_no in text_of(county.get(address))
    back = told | {"fact": "公示栏", "object_kind": "PLACE"}
    assert county.post(address, back).status_code == 302
    finding.refresh_from_db()
    assert (finding.household, finding.object_kind) == (None, "PLACE")
    office.take(finding, "ASSIGNED", DAY)
    answer = county.post(address, right)
    assert answer.status_code == 302
    finding.refresh_from_db()
    assert finding.fact == "公示栏"
    assert "不能再修改" in text_of(county.get(answer.url))


def test_who_enters_and_who_does_not(
    as_user: SignIn, office: Office, county_leader: User, songxian_clerk: User, city_admin: User
) -> None:
    finding = entered(office.county)
    for address in (NEW, f"/findings/{finding.pk}/amend/", f"/findings/{finding.pk}/split/"):
        for user in (county_leader, office.village, songxian_clerk):
            for method in ("get", "post"):
                assert getattr(as_user(user), method)(address).status_code == 403
        assert as_user(office.county).get(address).status_code == 200
        assert as_user(city_admin).get(address).status_code == 200
        assert as_user(office.county).delete(address).status_code == 405
    assert as_user(office.county).get("/findings/999999/amend/").status_code == 404
    assert as_user(office.county).get("/findings/999999/split/").status_code == 404


def test_of_the_inspections_only_own_ones(
    as_user: SignIn, office: Office, campaign: Campaign, city_admin: User
) -> None:
    told = Inspection("市级督查", "AUDIT", "CITY", DAY, DAY, "洛督〔2018〕1号")
    entering.open_campaign(region=RegionFactory(code="410300000000"), told=told, by=city_admin)
    page = text_of(as_user(office.county).get(NEW))
    assert campaign.name in page
    assert "市级督查" not in page
    assert "市级督查" in text_of(as_user(city_admin).get(NEW))
