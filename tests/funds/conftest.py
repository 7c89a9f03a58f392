from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from accounts.enums import Role
from accounts.models import User
from funds.enums import AccountKind
from funds.models import Account, Source, Voucher
from funds.services import moving, paying, posting, sources
from funds.services.moving import Share
from funds.services.posting import Ground
from tests.cast import county_leader, finance
from tests.conftest import person
from tests.factories.villages import RegionFactory
from tests.projects.conftest import county_office, office, town_clerk, village_official

__all__ = ["county_leader", "county_office", "finance", "office", "town_clerk", "village_official"]

CITY, COUNTY, NEIGHBOUR = "410300000000", "410324000000", "410325000000"
DAY = date(2018, 3, 5)
_keys = count(1)


def ground(on: date = DAY, key: str = "", **changes: Any) -> Ground:
    """Why money moves, under a key of its own."""
    return Ground(
        **{"on": on, "reason": "测试", "document": "洛财〔2018〕1号"} | changes,
        key=key or f"k{next(_keys)}",
    )


@pytest.fixture
def cashier(db: None) -> User:
    """Books money in the whole city."""
    return person("cashier", Role.FINANCE, "4103")


@pytest.fixture
def checker(db: None) -> User:
    """The second person."""
    return person("checker", Role.FINANCE, "4103")


@pytest.fixture
def county_cashier(db: None) -> User:
    return person("countycashier", Role.FINANCE, "410324")


def announced(by: User, amount: str = "100.00", code: str = CITY, **changes: Any) -> Source:
    fields = {
        "doc_no": f"豫财农〔2018〕{next(_keys)}号", "title": "2018 年财政专项扶贫资金",
        "level": "PROVINCE", "kind": "21", "year": 2018, "issued_on": DAY, "issuer": "省财政厅",
        "amount": Decimal(amount),
    } | changes  # fmt: skip
    return sources.announce(region=RegionFactory(code=code), fields=fields, by=by)


@pytest.fixture
def source(cashier: User) -> Source:
    """Announces 100 yuan to the city."""
    return announced(cashier)


def pool_of(source: Source, code: str = CITY, year: int = 2018) -> Account:
    return Account.objects.get(source=source, kind=AccountKind.POOL, region_code=code, year=year)


def allotment_of(source: Source, unit: str = "县交通局", code: str = COUNTY) -> Account:
    return Account.objects.get(
        source=source, kind=AccountKind.ALLOTMENT, region_code=code, unit=unit
    )


def posted(voucher: Voucher, by: User) -> Voucher:
    return posting.approve(voucher=voucher, by=by)


@pytest.fixture
def arrived(source: Source, cashier: User, checker: User) -> Source:
    """60 of the 100 yuan have arrived."""
    posted(moving.arrive(source=source, amount=Decimal(60), ground=ground(), by=cashier), checker)
    return source


@pytest.fixture
def allotted(arrived: Source, cashier: User, checker: User) -> Source:
    """40 of the 60 yuan belong to 栾川's 县交通局."""
    share = Share(RegionFactory(code=COUNTY), Decimal(40), unit="县交通局")
    posted(
        moving.allocate(pool=pool_of(arrived), shares=[share], ground=ground(), by=cashier),
        checker,
    )
    return arrived


def pay(source: Source, amount: str, by: User, **changes: Any) -> Voucher:
    return paying.pay_contractor(
        **{
            "allotment": allotment_of(source), "payee": "某路桥公司", "bank_account": "",
            "amount": Decimal(amount), "ground": ground(), "by": by,
        } | changes
    )  # fmt: skip


def balances(source: Source) -> dict[str, Decimal]:
    """Yuan by kind of account."""
    found: dict[str, Decimal] = {}
    for account in Account.objects.filter(source=source):
        found[account.kind] = found.get(account.kind, Decimal(0)) + account.balance
    return found


@pytest.fixture
def adds_up() -> Iterator[None]:
    """Whatever a test did: every balance is the sum of its posted entries."""
    yield
    from funds.queries.reconciling import differences

    assert not list(differences())
