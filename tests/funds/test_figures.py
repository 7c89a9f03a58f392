"""Figures of money: right to the fen, of one's own places, fresh with the voucher, told once a month."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.enums import Role
from accounts.models import User
from exits.models import MetricDefinition
from funds import formulas
from funds.enums import AccountKind
from funds.formulas import Amounts
from funds.models import MonthFigure, MonthFlow, Source
from funds.queries import board as pages
from funds.queries import drill, figures
from funds.services import figuring, moving, paying, posting, sources
from funds.services.common import UnfitError
from funds.services.moving import Share
from households.models import Partition
from tests.conftest import person
from tests.factories.villages import RegionFactory
from tests.funds.conftest import (
    CITY,
    COUNTY,
    NEIGHBOUR,
    announced,
    ground,
    pay,
    pool_of,
    posted,
)
from villages.models import Region

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("adds_up")]
AsUser = Callable[[User], Client]
Z = Decimal(0)
DECEMBER, NOW = date(2018, 12, 1), date(2018, 12, 31)
PLACES = {
    COUNTY: "栾川县", NEIGHBOUR: "嵩县", "410326000000": "汝阳县", "410327000000": "宜阳县",
}  # fmt: skip
_units = count(1)


@pytest.fixture
def year(db: None) -> Partition:
    """The year, and the city with four of its counties."""
    city = RegionFactory(code=CITY, name="洛阳市")
    for code, name in PLACES.items():
        RegionFactory(code=code, name=name, parent=city)
    return Partition.objects.get_or_create(year=2018)[0]


@pytest.fixture
def leader(db: None) -> User:
    return person("fundsleader", Role.LEADER, "4103")


@pytest.fixture
def county_leader(db: None) -> User:
    return person("countyleader", Role.LEADER, "410324")


def allot(
    source: Source, amount: str, by: User, second: User, code: str = COUNTY,
    unit: str = "县交通局", on: date = date(2018, 3, 5),
) -> None:  # fmt: skip
    share = Share(RegionFactory(code=code), Decimal(amount), unit=unit)
    posted(moving.allocate(pool=pool_of(source), shares=[share], ground=ground(on), by=by), second)


def arrive(source: Source, amount: str, by: User, second: User, on: date) -> None:
    asked = moving.arrive(source=source, amount=Decimal(amount), ground=ground(on), by=by)
    posted(asked, second)


def _ages(code: str, year: int, month: date) -> Any:
    return figures.idle(code, year, month)[0]


def whole(code: str = CITY, month: date = DECEMBER) -> Amounts:
    return figures.state(code, 2018, month).whole


# --- pure rules ------------------------------------------------------------------------------------

fens = st.integers(0, 10**14).map(lambda one: Decimal(one).scaleb(-2))


@given(part=fens, rest=fens)
def test_a_share_lies_between_nothing_and_all(part: Decimal, rest: Decimal) -> None:
    rate = formulas.share(part, part + rest, formulas.NO_MONEY)
    if part + rest:
        assert rate.is_known
        assert 0 <= rate.numerator <= rate.denominator  # type: ignore[operator]
        assert Decimal(rate.numerator or 0).scaleb(-2) == part
    else:
        assert (rate.numerator, rate.reason) == (None, formulas.NO_MONEY)


def test_the_published_figure() -> None:
    """30.07 raised and 27.72 spent read 92.16 % in the report; rounded amounts alone give 92.18 %."""
    rate = formulas.share(Decimal("2771251200.00"), Decimal("3007000000.00"), "")
    assert (rate.numerator, rate.denominator) == (277125120000, 300700000000)
    from funds.views.board_shown import amount_words, rate_words

    assert rate_words(rate) == "92.16%"
    assert amount_words(Decimal("2771251200.00")) == "27.71 亿元"
    assert rate_words(formulas.share(Z, Z, formulas.NO_MONEY)) == "无数据"
    assert rate_words(formulas.share(Z, Decimal(1), formulas.NO_MONEY)) == "0.00%"


def test_what_is_out_of_order_is_no_rate() -> None:
    assert formulas.share(Decimal(2), Decimal(1), "").reason == formulas.OUT_OF_ORDER
    assert formulas.share(Decimal(-1), Decimal(1), "").reason == formulas.OUT_OF_ORDER
    with pytest.raises(ValueError, match="no amount"):
        formulas.fen(Decimal("0.001"))


@given(
    came=st.dictionaries(
        st.integers(1, 12).map(lambda m: date(2018, m, 1)), st.integers(1, 99).map(Decimal)
    ),
    share=st.integers(0, 100),
)
def test_what_is_left_is_the_balance(came: dict[date, Decimal], share: int) -> None:
    balance = (sum(came.values(), Z) * share / 100).quantize(Decimal("0.01"))
    left = formulas.left_of(balance, came)
    assert sum(left.values(), Z) == balance
    # The youngest money is there whole before any older one is.
    for month in left:
        if month != min(left):
            assert left[month] == came[month]
    assert all(one > 0 for one in left.values())


def test_ages_have_no_gap() -> None:
    for age in range(60):
        first, last = formulas.months_of(formulas.bracket_of(age), DECEMBER)
        at = formulas.back(DECEMBER, age)
        assert first is None or first <= at
        assert at <= last


# --- flows by month ---------------------------------------------------------------------------------


def test_a_posted_voucher_is_in_the_figures_at_once(
    allotted: Source, cashier: User, checker: User
) -> None:
    voucher = pay(allotted, "15.50", cashier)
    assert whole().paid == 0
    posted(voucher, checker)
    assert whole() == Amounts(
        announced=Decimal(100), received=Decimal(60), arrived=Decimal(60), allotted=Decimal(40),
        paid=Decimal("15.50"),
    )  # fmt: skip
    assert formulas.arrival_rate(whole()).numerator == 6000


def test_counties_and_the_citys_own_make_the_city(
    arrived: Source, cashier: User, checker: User
) -> None:
    allot(arrived, "20", cashier, checker)
    allot(arrived, "15", cashier, checker, NEIGHBOUR, "县水利局")
    announced(cashier, "7.00", COUNTY)
    found = figures.state(CITY, 2018, DECEMBER)
    assert sum(found.places.values(), Amounts()) == found.whole
    assert {key: one.arrived for key, one in found.places.items()} == {
        "410300": Decimal(25), "410324": Decimal(20), "410325": Decimal(15),
    }  # fmt: skip
    assert found.places["410324"].announced == Decimal(7)
    for group in (found.levels, found.kinds, found.batches):
        assert sum(group.values(), Amounts()) == found.whole
    assert figures.state(COUNTY, 2018, DECEMBER).whole == found.places["410324"]


def test_a_cut_lowers_what_was_announced(arrived: Source, cashier: User) -> None:
    sources.change(
        source=arrived, doc_no="洛财〔2018〕9号", on=date(2018, 6, 1), amount=Decimal(-30),
        reason="调减", by=cashier,
    )  # fmt: skip
    assert whole(month=date(2018, 5, 1)).announced == 100
    assert whole(month=date(2018, 6, 1)).announced == 70


def test_carried_over_is_still_the_years_money(
    allotted: Source, cashier: User, checker: User
) -> None:
    before = whole(month=date(2019, 1, 1))
    asked = moving.carry_over(
        region=Region.objects.get(code=COUNTY), year=2018, ground=ground(date(2019, 1, 2)),
        by=cashier,
    )  # fmt: skip
    posted(asked, checker)
    assert whole(month=date(2019, 1, 1)) == before
    assert figures.state(CITY, 2019, date(2019, 1, 1)).whole == Amounts()
    assert _ages(CITY, 2018, date(2019, 1, 1))[AccountKind.ALLOTMENT] == {
        date(2018, 3, 1): Decimal(40)
    }


def test_the_oldest_money_goes_first(source: Source, cashier: User, checker: User) -> None:
    for month, amount in ((1, "10"), (4, "20"), (9, "30")):
        arrive(source, amount, cashier, checker, date(2018, month, 7))
    allot(source, "25", cashier, checker, on=date(2018, 10, 1))
    assert _ages(CITY, 2018, DECEMBER)[AccountKind.POOL] == {
        date(2018, 4, 1): Decimal(5), date(2018, 9, 1): Decimal(30),
    }  # fmt: skip
    # At the end of August nothing had been handed out.
    assert sum(_ages(CITY, 2018, date(2018, 8, 1))[AccountKind.POOL].values()) == 30


def test_what_comes_back_is_as_old_as_it_was(
    allotted: Source, cashier: User, checker: User
) -> None:
    voucher = posted(pay(allotted, "40", cashier, ground=ground(date(2018, 5, 1))), checker)
    assert _ages(CITY, 2018, DECEMBER)[AccountKind.ALLOTMENT] == {}
    posted(posting.reverse(voucher=voucher, ground=ground(date(2018, 11, 1)), by=cashier), checker)
    assert _ages(CITY, 2018, DECEMBER)[AccountKind.ALLOTMENT] == {date(2018, 3, 1): Decimal(40)}
    assert whole(month=date(2018, 10, 1)).paid == 40
    assert whole(month=date(2018, 11, 1)).paid == 0


def test_an_arrival_taken_back_leaves_no_age(source: Source, cashier: User, checker: User) -> None:
    asked = moving.arrive(source=source, amount=Decimal(9), ground=ground(), by=cashier)
    voucher = posted(asked, checker)
    posted(posting.reverse(voucher=voucher, ground=ground(date(2018, 7, 1)), by=cashier), checker)
    assert _ages(CITY, 2018, DECEMBER)[AccountKind.POOL] == {}
    assert not MonthFlow.objects.exclude(came=0).exists()


def test_nobody_else_writes_flows(allotted: Source) -> None:
    for statement in (
        "UPDATE funds_monthflow SET net = 0",
        "DELETE FROM funds_monthflow",
        "INSERT INTO funds_monthflow (account_id, region_code, source_id, year, kind, month, net,"
        " came) SELECT account_id, region_code, source_id, year, kind, '2017-01-01', 1, 0"
        " FROM funds_monthflow LIMIT 1",
    ):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


steps = st.lists(
    st.tuples(
        st.sampled_from(["arrive", "allot", "pay", "back", "reverse"]), st.integers(1, 12),
        st.integers(1, 3000), st.sampled_from([COUNTY, NEIGHBOUR]),
    ),
    min_size=1, max_size=14,
)  # fmt: skip


class Ledger:
    """Legal acts in any order of months; what does not fit is refused and changes nothing."""

    def __init__(self, by: User, second: User) -> None:
        self.by, self.second = by, second
        self.source = announced(by, "500.00")
        self.done: list[Any] = []

    def act(self, what: str, month: int, fen: int, code: str) -> None:
        on = date(2018, month, 15)
        try:
            voucher = self._asked(what, on, Decimal(fen).scaleb(-2), code)
            if voucher is not None:
                self.done.append(posted(voucher, self.second))
        except UnfitError:
            pass

    def _asked(self, what: str, on: date, amount: Decimal, code: str) -> Any:
        told: dict[str, Any] = {"ground": ground(on), "by": self.by}
        if what == "arrive":
            return moving.arrive(source=self.source, amount=amount, **told)
        if what == "allot" and self.done:
            share = Share(RegionFactory(code=code), amount, unit="局")
            return moving.allocate(pool=pool_of(self.source), shares=[share], **told)
        if what == "pay" and (found := self._allotment(code)):
            return paying.pay_contractor(
                allotment=found, payee="公司", bank_account="", amount=amount, **told
            )
        of = [one for one in self.done if one.kind == "PAY"] if what == "back" else self.done
        if not of:
            return None
        if what == "back":
            return paying.give_back(voucher=of[-1], payments=list(of[-1].payments.all()), **told)
        return posting.reverse(voucher=of[-1], **told) if what == "reverse" else None

    def _allotment(self, code: str) -> Any:
        found = self.source.accounts.filter(kind=AccountKind.ALLOTMENT, region_code=code)
        return found.first()


@settings(
    max_examples=25, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(acts=steps)
def test_whatever_was_done_the_figures_are_those_of_the_entries(
    acts: list[tuple[str, int, int, str]], cashier: User, checker: User
) -> None:
    with transaction.atomic():
        for code in (COUNTY, NEIGHBOUR):
            RegionFactory(code=code)
        ledger = Ledger(cashier, checker)
        for one in acts:
            ledger.act(*one)
        for month in (date(2018, 4, 1), DECEMBER):
            found = figures.state(CITY, 2018, month)
            assert sum(found.places.values(), Amounts()) == found.whole
            asked = drill.Asked(CITY, 2018, month)
            parts = ("received", "arrived", "allotted", "paid", "waiting", "unpaid")
            totals = drill.totals(parts, asked)
            assert totals == [proof["amount"] for proof in drill.proofs(parts, asked) if proof]
            assert totals == [getattr(found.whole, part) for part in parts]
        # Counter-entries alone may leave their own months; what is idle in the end has an age.
        ages = _ages(CITY, 2018, DECEMBER)
        last = whole()
        assert sum(ages[AccountKind.POOL].values(), Z) == last.waiting
        assert sum(ages[AccountKind.ALLOTMENT].values(), Z) == last.unpaid
        assert _by_hand(DECEMBER) == ages
        rate = formulas.paid_rate(last)
        if last.arrived:
            assert rate.is_known
        else:
            assert rate.reason == formulas.NO_MONEY
        transaction.set_rollback(True)


def _by_hand(month: date) -> dict[str, dict[date, Decimal]]:
    """The rule of `formulas.left_of` on every account, beside the one in SQL."""
    found: dict[str, dict[date, Decimal]] = {AccountKind.POOL: {}, AccountKind.ALLOTMENT: {}}
    flows: dict[Any, list[MonthFlow]] = {}
    for row in MonthFlow.objects.filter(kind__in=found, month__lte=month):
        flows.setdefault((row.kind, row.account_id), []).append(row)
    for (kind, _), rows in flows.items():
        left = formulas.left_of(
            sum((row.net for row in rows), Z), {row.month: row.came for row in rows}
        )
        for at, amount in left.items():
            found[kind][at] = found[kind].get(at, Z) + amount
    return found


# --- month-ends -------------------------------------------------------------------------------------


def test_a_late_voucher_changes_a_month_only_by_a_new_edition(
    allotted: Source, cashier: User, checker: User, leader: User
) -> None:
    assert date(2018, 3, 1) in figuring.tell_ended(today=date(2018, 4, 1))
    assert figuring.tell_ended(today=date(2018, 4, 1)) == []
    posted(pay(allotted, "8", cashier, ground=ground(date(2018, 3, 20))), checker)
    march = date(2018, 3, 1)

    def told() -> list[Decimal]:
        return [one.paid for _, one in _curve(leader)[2:4]]

    # March stays as it was told; April, which was not told, has it.
    assert told() == [0, 8]
    with pytest.raises(UnfitError, match="事由"):
        figuring.revise(year=2018, month=march, reason=" ", by=checker)
    with pytest.raises(UnfitError, match="权限"):
        figuring.revise(year=2018, month=march, reason="补记", by=leader)
    assert figuring.revise(year=2018, month=march, reason="补记三月支付", by=checker) == 2
    assert told() == [8, 8]
    rows = MonthFigure.objects.filter(region_code=CITY, month=march, category="")
    assert list(rows.order_by("edition").values_list("edition", "paid")) == [(1, 0), (2, 800)]
    with pytest.raises(UnfitError, match="尚未编制"):
        figuring.revise(year=2018, month=date(2018, 9, 1), reason="早", by=checker)


def _curve(leader: User) -> list[tuple[date, Amounts]]:
    region = Region.objects.get(code=CITY)
    return pages.board(region, 2018, DECEMBER, leader, is_live=True).curve


def test_a_month_end_is_told_from_the_entries(
    allotted: Source, cashier: User, checker: User, leader: User
) -> None:
    posted(pay(allotted, "8", cashier), checker)
    figuring.tell_ended(today=date(2018, 4, 1))
    month = date(2018, 3, 1)
    told = figures.state_told(CITY, figures.told(CITY, 2018, leader, month))
    live = figures.state(CITY, 2018, month)
    assert (told.whole, told.levels, told.kinds) == (live.whole, live.levels, live.kinds)
    assert {key: one for key, one in told.places.items() if not one.is_empty} == live.places
    row = MonthFigure.objects.get(region_code=CITY, month=month, category="", edition=1)
    (proof,) = drill.proofs(["paid"], drill.Asked(CITY, 2018, month))
    assert proof is not None
    assert proof["entries"] == 1
    assert row.entries == 6
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE funds_monthfigure SET paid = 0")


# --- pages ------------------------------------------------------------------------------------------


def test_the_board_shows_a_payment_at_once(
    as_user: AsUser, year: Partition, allotted: Source, cashier: User, checker: User, leader: User
) -> None:
    client = as_user(leader)
    before = client.get("/funds/?year=2018").content.decode()
    assert "支出率 0.00%" in before
    voucher = pay(allotted, "15", cashier)
    assert client.get("/funds/?year=2018").content.decode().count("25.00%") == 0
    posted(voucher, checker)
    after = client.get("/funds/?year=2018")
    assert "支出率 25.00%" in after.content.decode()
    rows = {row["name"]: row for row in after.context["rows"]}
    assert rows["栾川县"]["rate"] == "37.50%"
    assert rows["市本级"]["rate"] == "0.00%"
    assert rows["栾川县"]["tick"] is None
    assert "最需要办理：栾川县 · 县交通局待支付 25.00 元" in after.content.decode()


def test_without_money_there_is_no_rate(as_user: AsUser, year: Partition, leader: User) -> None:
    shown = as_user(leader).get("/funds/?year=2018").content.decode()
    assert "无数据" in shown
    assert "0.00%" not in shown
    receipt = as_user(leader).get(f"/funds/figures/{COUNTY}/paid/?year=2018").content.decode()
    assert formulas.NO_MONEY in receipt


def test_a_target_is_a_definition_with_its_source(
    as_user: AsUser, year: Partition, allotted: Source, cashier: User, checker: User, leader: User
) -> None:
    posted(pay(allotted, "15", cashier), checker)
    assert "目标" not in str(as_user(leader).get("/funds/?year=2018").context["rows"])
    MetricDefinition.objects.create(
        code="fund_paid_rate", version=2, name="支出率", numerator="已支付", denominator="到位",
        unit="fen", comparator=">=", threshold=Decimal("0.9"), valid_from=2018,
        source="洛扶组〔2018〕3号",
    )  # fmt: skip
    page = as_user(leader).get("/funds/?year=2018")
    row = next(one for one in page.context["rows"] if one["name"] == "栾川县")
    assert (row["tick"], row["tone"], row["word"]) == (90, "bad", "低于目标")
    assert page.context["headline"]["tone"] == "bad"


ADDRESSES = (
    "board/{code}/", "figures/{code}/paid/", "figures/{code}/arrival/", "figures/{code}/allotment/",
    "figures/{code}/arrived/accounts/", "figures/{code}/announced/accounts/",
    "figures/{code}/paid/entries/", "figures/{code}/received/entries/",
    "figures/{code}/projects/unpaid/", "figures/{code}/projects/unmoved/",
    "figures/{code}/projects/cost/",
)  # fmt: skip
QUERIES = ("figures/{code}/idle/?kind=pool&age=0", "figures/{code}/idle/?kind=allotment")


@pytest.mark.parametrize("address", [*ADDRESSES, *QUERIES, "months/{code}/?month=2018-03"])
def test_pages_of_the_own_place_only(
    as_user: AsUser, year: Partition, allotted: Source, county_leader: User, leader: User,
    address: str,
) -> None:  # fmt: skip
    RegionFactory(code=NEIGHBOUR)
    own, other = (f"/funds/{address.format(code=code)}" for code in ("410324", "410325"))
    join = "&" if "?" in own else "?"
    county = as_user(county_leader)
    assert county.get(f"{own}{join}year=2018").status_code == 200
    assert county.get(f"{other}{join}year=2018").status_code == 404
    assert county.get(f"/funds/{address.format(code='4103')}{join}year=2018").status_code == 404
    assert county.get(f"/funds/{address.format(code='x')}{join}year=2018").status_code == 404
    assert county.put(own).status_code == 405
    assert (
        as_user(leader).get(f"/funds/{address.format(code='4103')}{join}year=2018").status_code
        == 200
    )
    assert as_user(leader).get(f"{other}{join}year=2018").status_code == 200


@pytest.mark.parametrize(
    "address",
    ["figures/4103/nothing/", "figures/4103/nothing/accounts/", "figures/4103/announced/entries/",
     "figures/4103/paid/entries/?after=x", "figures/4103/paid/accounts/?level=MOON",
     "figures/4103/idle/", "figures/4103/idle/?kind=pool&age=9",
     "figures/4103/idle/?kind=pool&after=x-1", "figures/4103/projects/nothing/",
     "board/4103/?month=2018-13", "board/4103/?month=2999-01", "months/4103/",
     "figures/4103/paid/accounts/?at=410724"],
)  # fmt: skip
def test_what_does_not_exist(
    as_user: AsUser, year: Partition, allotted: Source, leader: User, address: str
) -> None:
    assert as_user(leader).get(f"/funds/{address}").status_code == 404


def test_a_figure_opens_into_what_makes_it(
    as_user: AsUser, year: Partition, allotted: Source, cashier: User, checker: User, leader: User
) -> None:
    posted(pay(allotted, "15.50", cashier), checker)
    client = as_user(leader)
    for part in ("arrived", "allotted", "paid", "waiting", "unpaid", "received"):
        for kind in ("accounts", "entries"):
            page = client.get(f"/funds/figures/4103/{part}/{kind}/?year=2018")
            rows = page.context["page_rows"]
            assert sum(row["shown"] for row in rows) == page.context["total"], (part, kind)
    page = client.get("/funds/figures/4103/announced/accounts/?year=2018")
    assert [row["told"] for row in page.context["page_rows"]] == [Decimal(100)]
    own = client.get("/funds/figures/4103/arrived/accounts/?year=2018&own=1").context
    assert own["total"] == Decimal(20)
    county = client.get("/funds/figures/4103/arrived/accounts/?year=2018&at=410324").context
    assert county["total"] == Decimal(40)
    level = client.get("/funds/figures/4103/arrived/accounts/?year=2018&level=CITY").context
    assert (level["total"], level["page_rows"]) == (0, [])
    receipt = client.get("/funds/figures/4103/paid/?year=2018").content.decode()
    assert "1,550 分 ÷ 6,000 分" in receipt
    assert "不一致" not in receipt
    idle = client.get("/funds/figures/4103/idle/?kind=allotment&year=2018").context["page_rows"]
    assert [(row["amount"], row["holder"]) for row in idle] == [(Decimal("24.50"), "县交通局")]


def test_lists_turn_pages_by_key(
    as_user: AsUser, year: Partition, arrived: Source, cashier: User, checker: User, leader: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(drill, "PAGE", 2)
    for number in range(5):
        allot(arrived, f"{number + 1}", cashier, checker, unit=f"单位{number}")
    client = as_user(leader)
    for address in (
        "figures/4103/unpaid/accounts/", "figures/4103/unpaid/entries/",
        "figures/4103/idle/?kind=allotment",
    ):  # fmt: skip
        seen: list[str] = []
        query = ""
        while True:
            page = client.get(f"/funds/{address}{'&' if '?' in address else '?'}year=2018&{query}")
            seen += [row["holder"] for row in page.context["page_rows"]]
            query = page.context["next"] or ""
            if not query:
                break
        assert sorted(seen) == [f"单位{number}" for number in range(5)], address


def test_month_page_and_its_new_edition(
    as_user: AsUser, year: Partition, allotted: Source, cashier: User, checker: User, leader: User
) -> None:
    address = "/funds/months/4103/?year=2018&month=2018-03"
    assert "尚未编制" in as_user(leader).get(address).content.decode()
    figuring.tell_ended(today=date(2018, 4, 1))
    posted(pay(allotted, "8", cashier), checker)
    assert "支出 8.00 元" in as_user(leader).get(address).content.decode()
    assert as_user(leader).post(address, {"reason": "补记"}).status_code == 403
    client = as_user(checker)
    assert client.post(address, {"reason": ""}).status_code == 422
    assert client.post(address, {"reason": "补记"}).status_code == 302
    shown = client.get(address).content.decode()
    assert "第 2 版" in shown
    assert "编制以后又有" not in shown
    board = client.get("/funds/?year=2018&month=2018-03")
    assert board.context["board"].told.edition == 2
    county = "/funds/months/410324/?year=2018&month=2018-03"
    assert client.post(county, {"reason": "补记"}).status_code == 404


def test_queries_do_not_grow_with_the_counties(
    as_user: AsUser, year: Partition, arrived: Source, cashier: User, checker: User, leader: User,
    django_assert_num_queries: Any,
) -> None:  # fmt: skip
    client = as_user(leader)
    allot(arrived, "1", cashier, checker)
    from django.test.utils import CaptureQueriesContext

    counted = []
    for code in PLACES:
        allot(arrived, "1", cashier, checker, code, unit=f"局{next(_units)}")
        client.get("/funds/?year=2018")
        with CaptureQueriesContext(connection) as taken:
            assert client.get("/funds/?year=2018").status_code == 200
        counted.append(len(taken))
    assert len(set(counted)) == 1, counted


def test_projects_and_what_a_household_costs(
    as_user: AsUser, year: Partition, leader: User, cashier: User, checker: User, arrived: Source,
    office: Any,
) -> None:  # fmt: skip
    """Money without work, work without money, and the yuan per household that a project helps."""
    from projects.services import benefiting
    from projects.services.benefiting import Helped
    from tests.factories.households import household
    from tests.projects.conftest import brought_to

    project = brought_to(office, "BUDGETED")
    client = as_user(leader)
    shown = client.get("/funds/figures/4103/projects/unpaid/?year=2018").content.decode()
    assert project.name in shown
    share = Share(RegionFactory(code=COUNTY), Decimal(30), project=project)
    posted(
        moving.allocate(pool=pool_of(arrived), shares=[share], ground=ground(), by=cashier),
        checker,
    )
    account = arrived.accounts.get(kind=AccountKind.ALLOTMENT, project=project)
    asked = paying.pay_contractor(
        allotment=account, payee="公司", bank_account="", amount=Decimal(21), ground=ground(),
        by=cashier,
    )  # fmt: skip
    posted(asked, checker)
    unpaid = client.get("/funds/figures/4103/projects/unpaid/?year=2018")
    assert unpaid.context["page_rows"] == []
    unmoved = client.get("/funds/figures/4103/projects/unmoved/?year=2018")
    assert [row["paid"] for row in unmoved.context["page_rows"]] == [Decimal(21)]
    assert "无数据" in client.get("/funds/figures/4103/projects/cost/?year=2018").content.decode()
    rows = [household(head=name) for name in ("赵受益", "钱受益")]
    benefiting.add(
        project=project,
        on=date(2018, 6, 1),
        by=office.village,
        helped=[Helped(benefit="DIVIDEND", household=row.household) for row in rows],
    )
    costs = client.get("/funds/figures/4103/projects/cost/?year=2018").context["costs"]
    assert (costs["households"], costs["household_words"], costs["person_words"]) == (
        2, "10.50", "无数据",
    )  # fmt: skip
