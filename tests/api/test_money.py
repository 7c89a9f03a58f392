"""Projects and money as other systems read them, as lists and as feeds of changes."""

import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from funds.models import Account, Source
from funds.services import lending, moving, paying, posting
from funds.services.moving import Share
from projects.models import Project
from projects.services import benefiting
from projects.services.benefiting import Helped
from tests.factories.households import HOME, household
from tests.factories.villages import RegionFactory
from tests.funds.conftest import (  # noqa: F401 - fixtures
    COUNTY,
    allotted,
    arrived,
    cashier,
    checker,
    county_office,
    finance,
    ground,
    office,
    pay,
    pool_of,
    posted,
    source,
    town_clerk,
    village_official,
)
from tests.funds.test_loans import FACTS
from tests.projects.conftest import Office, brought_to
from tests.walls.test_money import pay_household

pytestmark = pytest.mark.django_db
Key = Callable[..., str]
PROJECTS, BENEFICIARIES, SOURCES, ALLOCATIONS, PAYMENTS, LOANS = PATHS = [
    f"/api/v1/{one}/"
    for one in ("projects", "beneficiaries", "fund-sources", "allocations", "payments", "loans")
]


def get(key: str, path: str, **terms: Any) -> Any:
    return Client().get(path, terms, headers={"Authorization": f"Bearer {key}"})


def results(key: str, path: str, **terms: Any) -> list[dict[str, Any]]:
    answer = get(key, path, **terms)
    assert answer.status_code == 200, answer.content
    return list(answer.json()["results"])


def fed(key: str, path: str, many: int, **terms: Any) -> dict[str, Any]:
    """The feed with so many rows: it holds them back while a test beside this one still writes."""
    for _ in range(1200):
        told: dict[str, Any] = get(key, path, changes=1, **terms).json()
        if len(told["results"]) >= many:
            break
        time.sleep(0.1)
    return told


@pytest.fixture
def busy(
    allotted: Source, cashier: User, checker: User, office: Office, finance: User,  # noqa: F811
) -> Project:  # fmt: skip
    """A project with money and a beneficiary; a household that was paid, a loan, a contractor."""
    for code in (COUNTY, "410300000000", "410325000000"):
        RegionFactory(code=code)
    row = household(code=HOME, head="张三")
    project = brought_to(office, "LIBRARY")
    share = Share(RegionFactory(code=COUNTY), Decimal(10), project=project)
    posted(
        moving.allocate(pool=pool_of(allotted), shares=[share], ground=ground(), by=cashier),
        checker,
    )
    posted(pay_household(allotted, row, cashier), checker)
    posted(pay(allotted, "2.50", cashier), checker)
    lending.lend(household=row.household, borrower="张三", fields=FACTS, by=finance)
    benefiting.add(
        project=project, on=ground().on, by=office.village,
        helped=[Helped(household=row.household, benefit="JOB")],
    )  # fmt: skip
    return project


def test_what_is_told(busy: Project, allotted: Source, api_key: Key) -> None:  # noqa: F811
    key = api_key("410324")
    (project,) = results(key, PROJECTS, year=2018, state="LIBRARY")
    assert (project["number"], project["planned_amount"]) == (busy.number, "650000.00")
    (helped,) = results(key, BENEFICIARIES, project=busy.number)
    assert (helped["village_code"], helped["kind"]) == (HOME, "HOUSEHOLD")
    unit, given = results(key, ALLOCATIONS)
    assert (unit["unit"], unit["amount"], unit["project"]) == ("县交通局", "40.00", None)
    assert (given["project"], given["source"]) == (busy.number, allotted.doc_no)
    card, contract = results(key, PAYMENTS)
    assert (card["household_no"], card["payee"]) == (helped["household_no"], None)
    assert (contract["payee"], contract["amount"]) == ("某路桥公司", "2.50")
    (loan,) = results(key, LOANS)
    assert (loan["amount"], loan["flags"]) == ("50000.00", [])
    (document,) = results(key, SOURCES)
    # What the city booked the county does not see; what came down to it, it does.
    assert (document["arrived"], document["paid"]) == (None, "3.50")
    (document,) = results(api_key("4103"), SOURCES)
    assert (document["announced"], document["arrived"]) == ("100.00", "60.00")


def test_no_names_and_no_accounts_of_persons(busy: Project, api_key: Key) -> None:
    key = api_key("4103")
    for path in PATHS:
        text = get(key, path).content.decode()
        assert "张三" not in text
        assert "bank_account" not in text


@pytest.mark.parametrize("path", PATHS)
def test_who_and_how(busy: Project, api_key: Key, path: str) -> None:
    assert Client().get(path).status_code == 401
    neighbour = api_key("410325")
    assert results(neighbour, path) == []
    assert get(neighbour, path, region="410324").status_code == 404
    assert get(neighbour, path, wrong="1").status_code == 400
    assert get(neighbour, path, changes="2").status_code == 400
    assert get(neighbour, path, fields="name_of_payee").status_code == 400
    key = api_key("4103")
    assert Client().post(path, headers={"Authorization": f"Bearer {key}"}).status_code == 405


@pytest.mark.parametrize("path", PATHS)
def test_each_field_alone(busy: Project, api_key: Key, path: str) -> None:
    key = api_key("4103")
    whole = results(key, path)
    for name in whole[0]:
        told = [{name: one[name]} for one in whole]
        assert results(key, path, fields=name) == told
        assert results(key, path, fields=name, changes=1) in ([], told)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("name", "value"),
    [("wrong", "1"), ("changes", "2"), ("region", "abc"), ("limit", "0"), ("cursor", "xx")],
)
def test_bad_terms_are_told(api_key: Key, path: str, name: str, value: str) -> None:
    answer = get(api_key("4103"), path, **{name: value})
    assert answer.status_code == 400
    (words,) = answer.json()["errors"][name]
    assert words


@pytest.mark.parametrize("path", PATHS)
def test_the_same_number_of_statements(
    busy: Project, allotted: Source, cashier: User, checker: User, finance: User,  # noqa: F811
    office: Office, api_key: Key, path: str,  # noqa: F811
) -> None:  # fmt: skip
    key = api_key("4103")
    get(key, path)
    with CaptureQueriesContext(connection) as once:
        few = len(results(key, path))
    row = household(code=HOME, head="李四")
    for number in range(2):
        posted(pay(allotted, "1", cashier), checker)
        share = Share(RegionFactory(code=COUNTY), Decimal(1), unit=f"单位{number}")
        asked = moving.allocate(pool=pool_of(allotted), shares=[share], ground=ground(), by=cashier)
        posted(asked, checker)
        lending.lend(
            household=row.household, borrower="李四", by=finance,
            fields=FACTS | {"contract_no": f"更多{number}"},
        )  # fmt: skip
    more_of(path, office, row, busy)
    with CaptureQueriesContext(connection) as thrice:
        assert len(results(key, path)) > few or path == SOURCES
    assert len(once) == len(thrice)


def more_of(path: str, office: Office, row: Any, project: Project) -> None:  # noqa: F811
    if path == PROJECTS:
        brought_to(office, "DECIDED")
    if path == BENEFICIARIES:
        benefiting.add(
            project=project, on=ground().on, by=office.village,
            helped=[Helped(household=row.household, benefit="JOB")],
        )  # fmt: skip


@pytest.mark.parametrize("path", [ALLOCATIONS, PAYMENTS])
def test_pages_by_key(busy: Project, api_key: Key, path: str) -> None:
    key = api_key("4103")
    whole = results(key, path, limit=1000)
    rows, cursor = [], ""
    while cursor is not None:
        page = get(key, path, limit=1, **({"cursor": cursor} if cursor else {})).json()
        rows += page["results"]
        cursor = page["next_cursor"]
    assert rows == whole
    assert len(rows) == 2


@pytest.mark.integration
@pytest.mark.django_db(transaction=True)
def test_a_feed_goes_on_where_it_ended(
    busy: Project, allotted: Source, cashier: User, checker: User, office: Office,  # noqa: F811
    api_key: Key,
) -> None:  # fmt: skip
    key = api_key("4103")
    first = fed(key, PAYMENTS, 2)
    assert len(first["results"]) == 2
    # Asked for earlier, posted later: it comes when it is posted.
    waiting = pay(allotted, "1", cashier)
    assert get(key, PAYMENTS, changes=1, cursor=first["cursor"]).json()["results"] == []
    posted(waiting, checker)
    second = fed(key, PAYMENTS, 1, cursor=first["cursor"])
    assert [one["amount"] for one in second["results"]] == ["1.00"]
    posted(posting.reverse(voucher=waiting, ground=ground(), by=cashier), checker)
    third = fed(key, PAYMENTS, 1, cursor=second["cursor"])
    assert [one["amount"] for one in third["results"]] == ["-1.00"]
    assert get(key, PAYMENTS, changes=1, cursor=third["cursor"]).json()["cursor"] == third["cursor"]
    # A row that changes comes again.
    states = fed(key, PROJECTS, Project.objects.count())
    brought_to(office, "BUDGETED", busy)
    (again,) = fed(key, PROJECTS, 1, cursor=states["cursor"])["results"]
    assert again["state"] == "BUDGETED"


@pytest.mark.integration
@pytest.mark.django_db(transaction=True)
def test_a_feed_waits_for_whoever_began_earlier(
    allotted: Source, cashier: User, checker: User, api_key: Key,  # noqa: F811
) -> None:  # fmt: skip
    """A transaction with a lower number that still runs holds back those after it."""
    import psycopg2

    RegionFactory(code="410300000000")
    key = api_key("4103")
    other = psycopg2.connect(**connection.get_connection_params())
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_current_xact_id()")
        posted(pay(allotted, "1", cashier), checker)
        held = get(key, PAYMENTS, changes=1).json()
        assert held["results"] == []
        other.rollback()
        assert len(fed(key, PAYMENTS, 1)["results"]) == 1
    finally:
        other.close()


def test_accounts_of_contractors_stay_inside(
    allotted: Source, cashier: User, checker: User, api_key: Key,  # noqa: F811
) -> None:  # fmt: skip
    RegionFactory(code="410300000000")
    voucher = pay(allotted, "1", cashier, bank_account="6217000012345678")
    posted(voucher, checker)
    paying.give_back(
        voucher=voucher, payments=list(voucher.payments.all()), ground=ground(), by=cashier
    )
    assert "6217" not in get(api_key("4103"), PAYMENTS).content.decode()
    assert Account.objects.exists()
