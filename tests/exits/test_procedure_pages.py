"""Pages on which villages and counties exit: who may open them, what they show, what they store."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.enums import Role
from accounts.models import User
from core.ledger.models import AccessEntry
from exits.models import ExitObjection, ExitProcedure, ExitRule, Snapshot
from exits.services import procedures as service
from exits.services.procedures import Said
from tests.conftest import person
from tests.exits.conftest import COUNTY, VILLAGES
from tests.exits.test_procedures import DAY, YES, noticed, proposed
from tests.paper import words
from tests.signing_in import sign_in_verified
from villages.models import Region, VillageYear

pytestmark = pytest.mark.django_db
LATER = DAY + timedelta(30)


def at(user: User) -> Client:
    client = Client()
    sign_in_verified(client, user)
    return client


def url(name: str, *args: Any) -> str:
    return reverse(f"exits:procedure{name}", args=args)


def test_from_the_list_to_the_approval(
    places: None,
    town_clerk: User,
    clerk2: User,
    office: User,
) -> None:
    client = at(town_clerk)
    page = client.get(url("-new") + "?year=2018")
    assert page.content.decode().count("可以") >= 3
    assert client.post(url("-new"), {"level": "village"}).status_code == 422
    form = {"level": "village", "reason": "已达标", "villages": list(VILLAGES)}
    assert client.post(url("-new") + "?year=2018", form).status_code == 302
    procedure = ExitProcedure.objects.get()
    shown = at(clerk2).get(url("", procedure.pk)).content.decode()
    assert "天数没有统一出处" in shown
    set_days = {"level": "village", "min_days": "1", "day_kind": "CALENDAR", "source": "测试"}
    at(clerk2).post(url("-rules"), set_days)
    # A town sets its own; a longer county rule would not be overruled by it.
    assert ExitRule.objects.get().region_code == "410324100000"
    at(clerk2).post(url("-post", procedure.pk), {"place": "镇政府公示栏"})
    at(clerk2).post(url("-object", procedure.pk), {"raised_by": "匿名", "words": "道路未通"})
    blocked = at(clerk2).get(url("", procedure.pk)).content.decode()
    assert "公示到" in blocked
    objection = ExitObjection.objects.get()
    at(clerk2).post(url("-answer", procedure.pk, objection.pk), {"answer": "已通车"})
    objection.refresh_from_db()
    assert objection.answer == "已通车"
    case = procedure.cases.order_by("region_code")[0]
    at(clerk2).post(url("-drop", procedure.pk, case.pk), {"reason": "饮水未验收"})
    # The notice of today has not run out: nothing is decided.
    at(clerk2).post(
        url("-decide", procedure.pk),
        {"step": "TOWN_NOTICE", "decision": "PASS", "reason": "无异议"},
    )
    procedure.refresh_from_db()
    assert procedure.step == "TOWN_NOTICE"


def test_approval_and_reversal_by_the_city(
    places: None,
    town_clerk: User,
    clerk2: User,
    office: User,
) -> None:
    procedure = proposed(town_clerk, VILLAGES[0])
    notice = noticed(procedure, clerk2)
    service.decide(procedure=procedure, said=YES, on=notice.ends_on + timedelta(1), by=clerk2)
    client = at(office)
    decide = {"step": "CITY_APPROVAL", "decision": "PASS", "reason": "同意"}
    client.post(url("-decide", procedure.pk), decide)
    procedure.refresh_from_db()
    assert procedure.state == "OPEN"
    client.post(url("-decide", procedure.pk), decide | {"document_no": "洛政文〔2018〕9号"})
    procedure.refresh_from_db()
    assert procedure.state == "DONE"
    case = procedure.cases.get()
    assert "撤销退出" in client.get(url("", procedure.pk)).content.decode()
    assert "撤销退出" not in at(town_clerk).get(url("", procedure.pk)).content.decode()
    client.post(
        url("-reverse", procedure.pk, case.pk), {"document_no": "1号", "reason": "复查不实"}
    )
    assert VillageYear.objects.get(region_code=VILLAGES[0]).exited_year is None
    assert "复查不实" in client.get(url("", procedure.pk)).content.decode()


def told(client: Client, address: str, laid_out: list[Any]) -> str:
    """The words of the paper at the address."""
    answer = client.get(address)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
    return "".join(word for page in laid_out[-1].pages for word in words(page))


def test_papers(
    places: None, town_clerk: User, county_office: User, office: User,
    laid_out: list[Any],
) -> None:  # fmt: skip
    villages = proposed(town_clerk)
    assert "203村" in told(at(town_clerk), url("-notice", villages.pk), laid_out)
    assert at(town_clerk).get(url("-dossier", villages.pk)).status_code == 404
    county = service.propose_county(
        county=Region.objects.get(code=COUNTY), partition=2018, on=DAY, said=YES,
        by=county_office,
    )  # fmt: skip
    dossier = told(at(office), url("-dossier", county.pk), laid_out)
    for piece in ("退出标准逐项情况", "203村", "县级自评", "签字", "没有已公开的评估"):
        assert piece in dossier, piece
    assert AccessEntry.objects.filter(subject_kind="exit").count() == 2


def test_the_short_list(
    places: None,
    town_clerk: User,
    songxian_clerk: User,
    county_office: User,
) -> None:
    procedure = proposed(town_clerk)
    one = url("", procedure.pk)
    assert at(county_office).get(one).status_code == 200
    assert at(songxian_clerk).get(one).status_code == 404
    leader = at(person("boss", Role.LEADER, "410324"))
    assert leader.get(one).status_code == 200
    assert leader.post(url("-decide", procedure.pk)).status_code == 403
    assert leader.get(url("-new")).status_code == 403
    assert at(town_clerk).get(url("", 999_999)).status_code == 404
    assert at(town_clerk).post(one).status_code == 405
    # A second click, or a page of yesterday.
    at(town_clerk).post(url("-decide", procedure.pk), {"step": "PROPOSE"})
    assert procedure.decisions.count() == 1


def test_what_waits_for_whom(
    places: None, town_clerk: User, clerk2: User, county_office: User, office: User
) -> None:
    procedure = proposed(town_clerk)
    one = f'href="{url("", procedure.pk)}"'

    def waits() -> list[bool]:
        told = []
        for user in (clerk2, county_office, office):
            client = at(user)
            every = client.get(url("s") + "?year=2018").content.decode()
            assert one in every
            only = client.get(url("s") + "?year=2018&waiting=1").content.decode()
            assert (one in only) == ("待本级办理 1 件" in only) == ("待本级办理 1 件" in every)
            told.append(one in only)
        return told

    assert waits() == [True, False, False]
    notice = noticed(procedure, clerk2)
    service.decide(procedure=procedure, said=YES, on=notice.ends_on + timedelta(1), by=clerk2)
    assert waits() == [False, False, True]
    service.decide(
        procedure=procedure, said=Said("REFUSE", "退回"), on=notice.ends_on + timedelta(1),
        by=office,
    )  # fmt: skip
    assert waits() == [False, False, False]
    assert "未通过 1 件" in at(office).get(url("s") + "?year=2018").content.decode()


def test_the_application_says_who_is_still_poor_in_each_village(
    places: None, county_office: User, laid_out: list[Any]
) -> None:
    county = service.propose_county(
        county=Region.objects.get(code=COUNTY), partition=2018, on=DAY, said=YES, by=county_office
    )
    Snapshot.objects.create(
        partition=2018, region_code=VILLAGES[0], metric="remaining", households=17, numerator=43,
        verdict="NONE", definition_version=1, data_version=1,
    )  # fmt: skip
    dossier = told(at(county_office), url("-dossier", county.pk), laid_out)
    assert "203村410324100203未退出1743" in "".join(dossier.split())
    assert "204村410324100204未退出没有计算结果" in "".join(dossier.split())


@pytest.mark.parametrize("number", [1, 3])
def test_the_same_number_of_statements(
    places: None,
    town_clerk: User,
    number: int,
    django_assert_num_queries: Any,
) -> None:
    procedure = proposed(town_clerk, *VILLAGES[:number])
    client = at(town_clerk)
    for address, most in ((url("s"), 18), (url("", procedure.pk), 24)):
        client.get(address)
        with django_assert_num_queries(most, exact=False):
            client.get(address)


def test_day_of_the_clock(places: None, town_clerk: User, clerk2: User, time_machine: Any) -> None:
    procedure = proposed(town_clerk)
    noticed(procedure, clerk2)
    time_machine.move_to(date(2018, 12, 5))
    shown = at(clerk2).get(url("", procedure.pk)).content.decode()
    assert "第 3 天，共 7 天，还剩 5 天" in shown
    assert "现在不能通过" in shown
