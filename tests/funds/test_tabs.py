"""What money adds to the pages of households, projects and divisions."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from funds.models import Account, Source, Voucher
from funds.queries import payments
from funds.services import moving, paying, posting
from funds.services.moving import Share
from households.models import HouseholdYear
from tests.factories.households import HOME, household
from tests.factories.villages import RegionFactory
from tests.funds.conftest import COUNTY, ground, pool_of, posted
from tests.projects.conftest import Office, brought_to
from tests.walls.test_money import pay_household

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]


@pytest.fixture
def row(allotted: Source) -> HouseholdYear:
    return household(code=HOME)


def page(client: Client, row: HouseholdYear) -> str:
    address = f"/funds/household/{row.household.household_no}/?year=2018"
    return str(client.get(address).content.decode())


def test_a_household_sees_what_waits_what_came_and_what_went_back(
    as_user: SignIn, row: HouseholdYear, allotted: Source, cashier: User, checker: User,
    village_official: User,
) -> None:  # fmt: skip
    village = as_user(village_official)
    assert "没有补助记录" in page(village, row)
    voucher = pay_household(allotted, row, cashier)
    assert "待复核" in page(village, row)
    assert "合计 0.00 元" in page(village, row)
    posted(voucher, checker)
    told = page(village, row)
    assert "已支付" in told
    assert "合计 1.00 元" in told
    back = paying.give_back(
        voucher=voucher, payments=list(voucher.payments.all()), ground=ground(), by=cashier
    )
    assert "合计 1.00 元" in page(village, row)
    posted(back, checker)
    told = page(village, row)
    assert "已退回" in told
    assert "合计 0.00 元" in told
    posting.refuse(voucher=pay_household(allotted, row, cashier), why="重复", by=checker)
    assert page(village, row).count("产业奖补") == 1


def test_a_neighbour_finds_no_household(
    as_user: SignIn, row: HouseholdYear, songxian_clerk: User
) -> None:
    address = f"/funds/household/{row.household.household_no}/"
    client = as_user(songxian_clerk)
    assert client.get(address).status_code == 404
    assert client.get("/funds/household/0/").status_code == 404
    assert client.post(address).status_code == 405


def test_the_tab_takes_the_same_statements_for_one_and_three(
    as_user: SignIn, row: HouseholdYear, allotted: Source, cashier: User, county_cashier: User
) -> None:
    client = as_user(county_cashier)
    pay_household(allotted, row, cashier)
    page(client, row)
    with CaptureQueriesContext(connection) as once:
        page(client, row)
    for _ in range(2):
        pay_household(allotted, row, cashier)
    with CaptureQueriesContext(connection) as thrice:
        page(client, row)
    assert len(once) == len(thrice)


def given(source: Source, office: Office, cashier: User, checker: User) -> Voucher:
    """Ten yuan for a project in the library, and 2.50 of them paid to a contractor."""
    project = brought_to(office, "LIBRARY")
    share = Share(RegionFactory(code=COUNTY), Decimal(10), project=project)
    posted(
        moving.allocate(pool=pool_of(source), shares=[share], ground=ground(), by=cashier),
        checker,
    )
    voucher = paying.pay_contractor(
        allotment=Account.objects.get(project=project), payee="某路桥公司", bank_account="",
        amount=Decimal("2.50"), ground=ground(), by=cashier,
    )  # fmt: skip
    return posted(voucher, checker)


def test_a_project_shows_its_money(
    as_user: SignIn, arrived: Source, cashier: User, checker: User, office: Office
) -> None:
    given(arrived, office, cashier, checker)
    project = Account.objects.filter(kind="ALLOTMENT")[0].project
    assert project
    county = as_user(office.county).get(f"/projects/{project.pk}/").content.decode()
    assert "安排 10.00 元，已支付 2.50 元（25.00%）" in county
    assert arrived.doc_no in county
    assert "某路桥公司" in county
    # The village sees its project, and none of the county's accounts.
    village = as_user(office.village).get(f"/projects/{project.pk}/").content.decode()
    assert "没有给本项目的资金" in village
    assert arrived.doc_no not in village


def test_a_place_adds_up_its_money(
    arrived: Source, cashier: User, checker: User, office: Office
) -> None:
    given(arrived, office, cashier, checker)
    told = payments.of_place(COUNTY, 2018, office.county)
    assert told == {
        "pool": 0, "left": Decimal("7.50"), "paid": Decimal("2.50"), "cards": 0,
    }  # fmt: skip
    assert payments.of_place(COUNTY, 2017, office.county)["paid"] == 0
