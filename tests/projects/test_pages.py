"""The pages: proposal to evaluation by their forms, and what neighbours do not see."""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.enums import Role
from accounts.models import User
from core.ledger.enums import Act
from core.ledger.models import AccessEntry
from projects.models import Project
from projects.services import benefiting
from projects.services.benefiting import Helped
from tests.conftest import person
from tests.factories.households import household
from tests.factories.villages import RegionFactory
from tests.papers_handed_in import jpeg
from tests.projects.conftest import SOURCE, VILLAGE, Office, brought_to, proposed

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]
FORM = {
    "name": "陈家门村通组道路", "content": "硬化道路", "year": "2018", "unit": "村委会",
    "planned_amount": "650000", "planned_start": "2018-03-01", "planned_end": "2018-09-30",
    "fact_length_km": "3.25",
}  # fmt: skip


def act(client: Client, project: Project, key: str, **told: Any) -> Any:
    return client.post(f"/projects/{project.pk}/act/{key}/", told)


def test_proposed_in_the_village_and_reviewed_in_the_town(as_user: SignIn, office: Office) -> None:
    RegionFactory(code=VILLAGE)
    village = as_user(office.village)
    address = f"/projects/new/?type=1001&region={VILLAGE}"
    assert "道路里程（公里）" in village.get(address).content.decode()
    assert village.post(address, FORM | {"planned_end": "2017-01-01"}).status_code == 422
    made = village.post(address, FORM)
    project = Project.objects.get()
    assert made["Location"] == f"/projects/{project.pk}/"
    assert project.facts.get().planned == Decimal("3.25")
    day = str(project.state_on)
    # The village is not offered the town's step, and does not get it by asking.
    assert act(village, project, "reviewed", on=day, reason="同意").status_code == 403
    edited = village.post(f"/projects/{project.pk}/edit/", FORM | {"name": "改名"})
    assert edited.status_code == 302
    town = as_user(office.town)
    assert "乡镇审核通过" in town.get(f"/projects/{project.pk}/").content.decode()
    assert act(town, project, "reviewed", on=day, reason="同意").status_code == 302
    assert Project.objects.get().state == "REVIEWED"
    assert village.get(f"/projects/{project.pk}/edit/").status_code == 404


def test_the_county_waits_for_the_notice(as_user: SignIn, office: Office) -> None:
    project = brought_to(office, "DECIDED")
    village, county = as_user(office.village), as_user(office.county)
    aims = {"indicator_1": "硬化道路", "unit_1": "公里", "planned_1": "3.25"}
    assert act(village, project, "targets", **aims).status_code == 302
    notice = {
        "kind": "PLAN", "place": "公开栏", "phone": "12317", "on": "2018-01-22",
        "min_days": "10", "day_kind": "CALENDAR", "source": SOURCE,
    }  # fmt: skip
    assert act(village, project, "notice", **notice).status_code == 302
    early = act(county, project, "library", on="2018-01-31", reason="入库")
    assert early.status_code == 422
    assert "届满" in early.content.decode()
    assert act(county, project, "library", on="2018-02-01", reason="入库").status_code == 302
    budget = {"on": "2018-02-20", "reason": "列入计划", "amount": "600000", "document": "栾财1号"}
    assert act(county, project, "budgeted", **budget).status_code == 302
    assert Project.objects.get().budget == Decimal("600000.00")


def test_work_and_its_end_by_forms(as_user: SignIn, office: Office) -> None:
    project = brought_to(office, "BUDGETED")
    village, county = as_user(office.village), as_user(office.county)
    stages = {"name_1": "全部", "weight_1": "100", "starts_1": "2018-03-01", "ends_1": "2018-09-30"}
    assert act(village, project, "stages", **stages | {"weight_1": "90"}).status_code == 422
    assert act(village, project, "stages", **stages).status_code == 302
    assert act(village, project, "started", on="2018-03-05", reason="开工").status_code == 302
    report = {"month": "2018-09-20", "words": "完工", "stage_1": "100"}
    assert act(village, project, "report", **report).status_code == 302
    assert act(village, project, "completed", on="2018-09-20", reason="完工").status_code == 302
    accepted = {"on": "2018-10-10", "passed": "1", "team": "验收组", "opinion": "合格"}
    assert act(county, project, "accept", **accepted).status_code == 302
    assert Project.objects.get().state == "ACCEPTED"


@pytest.mark.parametrize("state", ["PROPOSED", "STARTED", "EVALUATED", "CANCELLED"])
def test_every_page_in_every_state(as_user: SignIn, office: Office, state: str) -> None:
    project = brought_to(office, state)
    county = as_user(office.county)
    shown = county.get(f"/projects/{project.pk}/").content.decode()
    ids = re.findall(r' id="([^"]+)"', shown)
    assert len(ids) == len(set(ids)), "two fields of one name"
    for address in ("", f"{project.pk}/", f"{project.pk}/sheet/", "year/?year=2018"):
        assert project.name in county.get(f"/projects/{address}").content.decode(), address
    found = county.get("/projects/?state=" + state + "&year=2018&type=1001&region=410324")
    assert project.name in found.content.decode()
    assert project.name not in county.get("/projects/?type=0201").content.decode()


def test_households_tab_and_villages_panel(as_user: SignIn, office: Office) -> None:
    project = proposed(office.village)
    row = household(head="赵受益")
    number = row.household.household_no
    client = as_user(office.village)
    form = {"on": "2018-06-01", "benefit": "DIVIDEND", "expected": "800", "numbers": number}
    bad = act(client, project, "beneficiaries", **form | {"numbers": f"{number}\n无此户"})
    assert bad.status_code == 422
    assert not project.beneficiaries.exists()
    assert act(client, project, "beneficiaries", **form).status_code == 302
    tab = client.get(f"/projects/household/{number}/?year=2018").content.decode()
    assert project.name in tab
    assert "800.00" in tab
    panel = client.get(f"/villages/{VILLAGE}/?year=2018").content.decode()
    assert f"/projects/?region={VILLAGE}" in panel


def test_a_foreign_project_shows_by_its_benefit_alone(as_user: SignIn, office: Office) -> None:
    project = proposed(office.county, "410324000000")
    row = household()
    benefiting.add(
        project=project, helped=[Helped("JOB", household=row.household)], on=date(2018, 6, 1),
        by=office.county,
    )  # fmt: skip
    address = f"/projects/household/{row.household.household_no}/?year=2018"
    shown = as_user(office.village).get(address).content.decode()
    assert "外地项目" in shown
    assert project.name not in shown


def test_neighbours_find_nothing(as_user: SignIn, office: Office) -> None:
    project = proposed(office.village)
    client = as_user(person("neighbour", Role.COUNTY_OFFICE, "410325"))
    assert project.name not in client.get("/projects/").content.decode()
    for address in ("", "sheet/", "edit/"):
        assert client.get(f"/projects/{project.pk}/{address}").status_code == 404
    assert act(client, project, "reviewed", on="2018-01-15", reason="同意").status_code == 404


def test_photos_are_sealed_and_seen_by_the_projects_people(as_user: SignIn, office: Office) -> None:
    project = brought_to(office, "STARTED")
    office.report(project, date(2018, 3, 31), 50, 0)
    client = as_user(office.village)
    for _ in range(2):
        file = SimpleUploadedFile("a.jpg", jpeg())
        told = {"file": file, "note": "路基"}
        assert act(client, project, "photo", **told).status_code == 302
    photo = project.photos.get()
    assert photo.report == project.reports.get()
    sealed = photo.path.read_bytes()
    shown = client.get(f"/projects/photos/{photo.pk}/")
    assert shown["Content-Type"] == "image/jpeg"
    assert shown.content.startswith(b"\xff\xd8")
    assert shown.content not in sealed
    assert not sealed.startswith(b"\xff\xd8")
    foreign = as_user(person("neighbour", Role.COUNTY_OFFICE, "410325"))
    assert foreign.get(f"/projects/photos/{photo.pk}/").status_code == 404
    noted = AccessEntry.objects.get(act=Act.PAPER)
    assert (noted.subject_kind, noted.subject) == ("project", str(project.pk))
    junk = SimpleUploadedFile("a.jpg", b"no photo")
    assert act(client, project, "photo", file=junk).status_code == 422


def test_quotas_of_a_year(as_user: SignIn, office: Office, songxian_clerk: User) -> None:
    RegionFactory(code="410324000000", name="栾川县", level="county")
    county, village = as_user(office.county), as_user(office.village)
    told = {
        "region": "410324000000",
        "year": "2018",
        "sector": "10",
        "amount": "1000000",
        "source": "县文",
    }
    assert county.post("/projects/quotas/", told | {"source": ""}).status_code == 422
    assert county.post("/projects/quotas/", told).status_code == 302
    brought_to(office, "BUDGETED")
    page = county.get("/projects/quotas/?year=2018").content.decode()
    assert "400,000.00" in page
    too_low = county.post("/projects/quotas/", told | {"amount": "599999.99"})
    assert too_low.status_code == 422
    assert "保存额度" not in village.get("/projects/quotas/?year=2018").content.decode()
    assert village.post("/projects/quotas/", told).status_code == 403
    assert county.delete("/projects/quotas/").status_code == 405
    assert (
        "1,000,000.00"
        not in as_user(songxian_clerk).get("/projects/quotas/?year=2018").content.decode()
    )


def test_contractor_others_and_incomes_by_forms(as_user: SignIn, office: Office) -> None:
    project = brought_to(office, "BUDGETED")
    village = as_user(office.village)
    assert act(village, project, "contractor", contractor="某路桥公司").status_code == 302
    assert "某路桥公司" in village.get(f"/projects/{project.pk}/").content.decode()
    other = {"on": "2018-05-01", "benefit": "JOB"}
    assert act(village, project, "others", **other).status_code == 422
    assert act(village, project, "others", **other, village=VILLAGE).status_code == 302
    # What came of it is told once work has begun.
    assert act(village, project, "incomes", lines="1 2").status_code == 403
    project = brought_to(office, "STARTED", project)
    for lines in ("x", "1 x", "1 -5", "1 1.005", "1 5\n1 6"):
        assert act(village, project, "incomes", lines=lines).status_code == 422
    row = household(code=VILLAGE)
    benefiting.add(
        project=project, helped=[Helped("JOB", household=row.household)], on=date(2018, 5, 1),
        by=office.village,
    )  # fmt: skip
    lines = f"{row.household.household_no} 1,200.50\n"
    assert act(village, project, "incomes", lines=lines).status_code == 302
    assert "1,200.50" in village.get(f"/projects/{project.pk}/").content.decode()
