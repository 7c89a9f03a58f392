"""The demo city's projects and money: published figures to the last yuan, every row by the rules."""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.models import Count, F, Q, Sum
from django.test import override_settings

from funds.enums import AccountKind, LoanFlag, VoucherKind, VoucherState
from funds.models import Account, Loan, Payment, Source, Voucher
from imports.demo import budgets, loans, money_plan, places, project_plan, schedule
from imports.demo import published_money as p
from imports.demo.cells import scaled
from imports.demo.load import make as make_city
from imports.demo.plan import make_plan
from imports.demo.project_plan import DEEP, INDUSTRY, OTHER, PLAIN, PUBLIC, Draft, Place
from imports.demo.shares import apportion
from projects.enums import State
from projects.models import Beneficiary, Project, ProjectStep

SMALL = 0.01
POOR = frozenset(("410324", "410325", "410326", "410327", "410328", "410329"))
HOUSEHOLDS = 137_860


def told(command: str) -> str:
    out = StringIO()
    call_command(command, stdout=out)
    return out.getvalue().strip()


@pytest.mark.django_db
def test_without_people_or_city_nothing_is_made() -> None:
    assert told("demo_projects") == "没有演示账号或演示城市，不造项目。"
    assert told("demo_money") == "没有演示账号或演示项目，不造资金。"
    assert told("demo_loans") == "没有演示账号或演示城市，不造贷款。"
    assert not Project.objects.exists()
    assert not Source.objects.exists()


# --- the plan at its full size, without a database ---------------------------------------------------


@pytest.fixture(scope="module")
def villages() -> list[Place]:
    """The villages of the demo city, with as many households as the city has."""
    settled = places.settle(make_plan(1.0))
    parts = apportion(HOUSEHOLDS, [one.weight if one.group else 0.0 for one in settled])
    return [
        Place(one.code, one.name, one.is_poor, one.is_deep, count)
        for one, count in zip(settled, parts, strict=True)
    ]


@pytest.fixture(scope="module")
def drafts(villages: list[Place]) -> list[Draft]:
    return project_plan.draft(villages, POOR, 1.0)


@pytest.fixture(scope="module")
def money(villages: list[Place], drafts: list[Draft]) -> list[budgets.CountyMoney]:
    """The counties' money; the drafts know their budgets and days from then on."""
    households: Counter[str] = Counter()
    for one in villages:
        if one.households:
            households[one.county] += one.households
    made = budgets.counties_money(dict(households), POOR, drafts, 1.0)
    budgets.set_budgets(drafts, made, 1.0)
    schedule.schedule(drafts, 1.0)
    return made


def yi(yuan: Decimal | int) -> Decimal:
    """亿元 as reports print them."""
    return (Decimal(yuan) / 100_000_000).quantize(Decimal("0.01"))


def test_the_published_figures_follow_from_the_chosen_fen() -> None:
    raised, spent = Decimal(p.RAISED * p.UNIT), Decimal(p.SPENT_FEN) / 100
    assert (yi(raised), yi(spent)) == (Decimal("30.07"), Decimal("27.72"))
    assert (spent / raised * 100).quantize(Decimal("0.01")) == Decimal("92.16")
    assert sum(one.amount for one in p.PAPERS) == p.RAISED
    city = sum(one.amount for one in p.PAPERS if one.kind == "31")
    assert city == p.CITY_FUND == p.CITY_FUND_BEFORE + 1_180_000
    growth = Decimal(city - p.CITY_FUND_BEFORE) / p.CITY_FUND_BEFORE * 100
    assert growth.quantize(Decimal("0.01")) == Decimal("72.84")
    assert [yi(units * p.UNIT) for units in (p.SONG, p.NOT_POOR_COUNTIES, p.DEEP_VILLAGES)] == [
        Decimal("7.33"), Decimal("2.54"), Decimal("4.45"),
    ]  # fmt: skip
    assert yi(p.INDUSTRY * p.UNIT) == yi(Decimal(p.INDUSTRY_SPENT_FEN) / 100) == Decimal("6.26")


def test_there_are_as_many_projects_as_published(drafts: list[Draft]) -> None:
    groups = Counter(one.group for one in drafts)
    zones = Counter(one.zone for one in drafts)
    assert (groups[INDUSTRY], groups[PUBLIC]) == (1_055, 1_858)
    assert (zones[DEEP], zones[PLAIN]) == (1_123, 1_753)
    assert len({code for one in drafts if one.zone == PLAIN for code in one.villages}) == 1_302
    assert groups[OTHER] == sum(p.OTHER_PROJECTS)


def test_they_measure_what_was_published(drafts: list[Draft], villages: list[Place]) -> None:
    def total(kind: str, fact: str) -> float:
        return round(sum(one.facts[fact] for one in drafts if one.type == kind), 2)

    assert total("1001", "length_km") == 979
    assert (total("1002", "works"), total("1002", "persons")) == (506, 94_200)
    assert total("06", "houses") == 7_993
    assert total("0401", "students") == 86_000
    assert (total("0201", "trainees"), total("0203", "posts")) == (18_000, 15_000)
    assert (total("03", "households"), total("03", "persons")) == (5_992, 20_497)
    poor = {one.code for one in villages if one.is_poor}
    roads = {code for one in drafts if one.type == "1001" for code in one.villages}
    water = [code for one in drafts if one.type == "1002" for code in one.villages]
    assert len(poor) == 728
    assert poor <= roads
    assert len(water) == len(set(water) & poor) == 285


def test_money_goes_where_it_was_published_to_go(
    drafts: list[Draft], money: list[budgets.CountyMoney]
) -> None:
    kept = sum(money_plan.kept_by_city(1.0).values())
    assert sum(one.total for one in money) + kept == p.RAISED
    assert sum(one.total for one in money if one.code not in POOR) == p.NOT_POOR_COUNTIES
    assert [one.total for one in money if one.code == p.SONG_COUNTY] == [p.SONG]
    for one in money:
        projects = sum(draft.units for draft in drafts if draft.county == one.code)
        assert projects + one.office + one.pool == one.total, one.code
    assert sum(one.units for one in drafts if one.zone == DEEP) == p.DEEP_VILLAGES
    assert sum(one.units for one in drafts if one.group == INDUSTRY) == p.INDUSTRY
    assert sum(one.units for one in drafts if one.type == "0401") == p.STUDENTS
    assert min(one.units for one in drafts) > 0


def test_projects_of_the_plan_end_and_wait_in_every_state(
    drafts: list[Draft], money: list[budgets.CountyMoney]
) -> None:
    assert money
    planned = {State.BUDGETED, State.STARTED, State.COMPLETED, State.ACCEPTED, State.SETTLED}
    assert {one.state for one in drafts} == planned | {State.REGISTERED, State.EVALUATED}
    beside = {one.state for one in schedule.beside(drafts, 1.0)}
    assert beside >= {State.PROPOSED, State.DECIDED, State.LIBRARY, State.REFUSED, State.CANCELLED}
    for one in drafts:
        assert list(one.days.values()) == sorted(one.days.values())


def test_loans_add_up_and_stay_within_the_cap_each() -> None:
    made = loans.lend(p.LOAN_HOUSEHOLDS, p.LOANS_THOUSANDS)
    assert sum(one.thousands for one in made) == p.LOANS_THOUSANDS
    assert len({one.household for one in made}) == p.LOAN_HOUSEHOLDS
    assert max(one.thousands for one in made) <= 50
    last: dict[int, loans.Lent] = {}
    for one in made:
        before = last.get(one.household)
        assert before is None or (before.repaid_on is not None and before.repaid_on < one.lent_on)
        last[one.household] = one


def _holders(drafts: list[Draft], money: list[budgets.CountyMoney]) -> list[money_plan.Holder]:
    projects = [
        money_plan.Holder(
            one.county, one.site, one.units, key, kind=one.type, state=one.state,
            audited=one.units * money_plan.FEN * (100 if one.group == INDUSTRY else 98) // 100,
            days=one.days,
        )
        for key, one in enumerate(drafts, 1)
    ]  # fmt: skip
    return projects + [
        money_plan.Holder(one.code, f"{one.code}000000", one.office, unit="扶贫办") for one in money
    ]


def test_what_is_paid_adds_up_and_comes_after_what_it_is_paid_from(
    drafts: list[Draft], money: list[budgets.CountyMoney]
) -> None:
    streams = money_plan.streams(money, POOR, 1.0)
    assert sum(one.units for one in streams) == p.RAISED
    for one in streams:
        assert sum(one.shares.values()) + one.kept == one.units
    holders = _holders(drafts, money)
    money_plan.allot(holders, streams, money)
    money_plan.spend(holders, 1.0)
    assert sum(one.paid for one in holders) == p.SPENT_FEN
    assert sum(one.paid for one in holders if one.is_industry) == p.INDUSTRY_SPENT_FEN
    for one in holders:
        assert sum(part.units for part in one.slices) == one.units
        paid = list(money_plan.tranches(one))
        assert sum(tranche.fen for tranche in paid) == one.paid <= one.units * money_plan.FEN
        for part in one.slices:
            assert part.day > streams[part.stream].pool_day(one.county)
        for tranche in paid:
            assert tranche.slice.day < tranche.day <= money_plan.LAST_DAY
            assert tranche.day >= one.days.get(State.STARTED, tranche.day)


# --- a small demo city in the database ---------------------------------------------------------------


@pytest.fixture(scope="module")
def made(django_db_setup: None, django_db_blocker: Any) -> Iterator[tuple[str, ...]]:
    """A small demo city with its people, projects and money, made once for all tests of this file."""
    with (
        django_db_blocker.unblock(), TemporaryDirectory() as folder, transaction.atomic(),
        override_settings(VAR_DIR=Path(folder)),
    ):  # fmt: skip
        make_city(scale=SMALL)
        call_command("demo_logins", stdout=StringIO())
        with connection.cursor() as cursor:  # the city is made in a transaction of its own
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        yield told("demo_projects"), told("demo_money"), told("demo_loans")
        transaction.set_rollback(True)


@pytest.mark.usefixtures("made", "db")
class TestSmallCity:
    def test_a_second_run_does_nothing(self, made: tuple[str, ...]) -> None:
        assert all(made)
        before = Project.objects.count(), Voucher.objects.count()
        assert [told(name) for name in ("demo_projects", "demo_money", "demo_loans")] == [""] * 3
        assert (Project.objects.count(), Voucher.objects.count()) == before

    def test_there_are_projects_in_every_state(self) -> None:
        # Two of a hundred have money and have not begun: too few for a city as small as this one.
        wanted = set(State.values) - {State.BUDGETED}
        assert wanted <= set(Project.objects.values_list("state", flat=True))
        late = Project.objects.filter(state=State.STARTED, planned_end__year=p.YEAR)
        assert late.exists()

    def test_industry_reaches_its_households_once_each(self) -> None:
        rows = Beneficiary.objects.filter(project__sector="01", household__isnull=False)
        count = scaled(p.INDUSTRY_HOUSEHOLDS, SMALL)
        assert rows.count() == rows.values("household").distinct().count() == count

    def test_nobody_decided_what_he_had_asked_for(self) -> None:
        assert not Voucher.objects.filter(created_by=F("decided_by")).exists()
        steps = ProjectStep.objects.filter(state__in=(State.REVIEWED, State.DECIDED))
        assert steps.exists()
        assert not steps.filter(created_by=F("project__entered_by")).exists()

    def test_the_money_is_the_plan_at_this_scale(self) -> None:
        raised, paid = -_balance(AccountKind.OUTSIDE), _balance(AccountKind.PAID)
        assert raised == scaled(p.RAISED, SMALL) * p.UNIT
        # A shrunken city has a few projects too small for their share: never more, hardly less.
        assert Decimal("0.88") < paid / raised < Decimal("0.95")
        city = Source.objects.filter(kind="31").values_list("year").annotate(Sum("amount"))
        assert {year: yuan > 0 for year, yuan in city} == {p.YEAR - 1: True, p.YEAR: True}

    def test_payments_are_what_left_the_allotments(self) -> None:
        posted = Payment.objects.filter(voucher__state=VoucherState.POSTED, account__year=p.YEAR)
        assert posted.aggregate(yuan=Sum("amount"))["yuan"] == _balance(AccountKind.PAID)
        cards = posted.filter(household__isnull=False)
        assert cards.filter(subsidy="农村危房改造补助").exists()
        assert not cards.filter(
            Q(bank_account__isnull=True) | Q(account_index__isnull=True)
        ).exists()
        twice = cards.values("household", "subsidy").annotate(n=Count("pk")).filter(n__gt=1)
        assert not twice.exists()

    def test_no_account_was_ever_below_its_least_by_its_dates(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_RUNNING)
            assert cursor.fetchall() == []

    def test_loans_reach_their_households_and_some_are_doubtful(self) -> None:
        households = Loan.objects.values("household").distinct().count()
        assert households == scaled(p.LOAN_HOUSEHOLDS, SMALL)
        whole = Loan.objects.aggregate(yuan=Sum("amount"))["yuan"]
        assert whole == scaled(p.LOANS_THOUSANDS, SMALL) * 1000
        flags = Counter(
            flag for ones in Loan.objects.values_list("flags", flat=True) for flag in ones
        )
        assert flags[LoanFlag.NOT_BORROWER] > 0
        assert not flags[LoanFlag.UNREGISTERED]
        assert not flags[LoanFlag.OVER_CAP]

    def test_something_waits_came_back_and_was_put_right(self) -> None:
        states = Counter(Voucher.objects.values_list("kind", "state"))
        assert states[VoucherKind.PAY, VoucherState.PENDING] >= 4
        assert states[VoucherKind.PAY, VoucherState.REFUSED] >= 1
        assert states[VoucherKind.RETURN, VoucherState.POSTED] >= 1
        assert states[VoucherKind.REVERSE, VoucherState.POSTED] >= 1

    def test_the_ledger_reconciles_and_a_difference_is_named(self) -> None:
        assert told("reconcile_funds") == "资金账核对无差异。"
        one = Account.objects.filter(kind=AccountKind.PAID, balance__gt=0).earliest("pk")
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("ALTER TABLE funds_account DISABLE TRIGGER kept")
            cursor.execute("UPDATE funds_account SET balance = balance + 1 WHERE id = %s", [one.pk])
            cursor.execute("ALTER TABLE funds_account ENABLE TRIGGER kept")
        out = StringIO()
        with pytest.raises(CommandError, match=r"共 \d+ 处差异。"):
            call_command("reconcile_funds", stdout=out)
        assert f"账户余额 {one.pk}：" in out.getvalue()
        assert "差 1.00" in out.getvalue()


def _balance(kind: str) -> Decimal:
    found: Decimal = Account.objects.filter(kind=kind, year=p.YEAR).aggregate(yuan=Sum("balance"))[
        "yuan"
    ]
    return found


# In the order of days, within one in the order of numbers given; what fell below its least on the way.
_RUNNING = """
SELECT * FROM (
    SELECT a.id, a.kind, a.least,
           sum(e.amount) OVER (PARTITION BY a.id ORDER BY v.taken_on) AS stood
      FROM funds_entry e JOIN funds_voucher v ON v.id = e.voucher_id AND v.state = 'POSTED'
      JOIN funds_account a ON a.id = e.account_id) AS days
 WHERE stood < least
"""
