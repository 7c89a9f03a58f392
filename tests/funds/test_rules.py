"""Rules on money: what is met, what is not, and what nobody can tell for lack of data."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from core import walls
from core.history import images
from core.jobs.models import Job
from core.scope import Maintenance
from exits.models import Snapshot
from funds.catalog import sync_rules
from funds.checks.kinds import KINDS, UnfitParamsError
from funds.enums import AccountKind, PayeeKind, RuleCheck, VoucherKind
from funds.models import (
    Account,
    DirtyFund,
    FundFinding,
    FundRule,
    Loan,
    Payment,
    Source,
    Voucher,
)
from funds.queries.findings import open_findings
from funds.services import judging, moving, paying, posting, ruling
from funds.services.common import UnfitError
from funds.services.moving import Share
from funds.services.posting import Leg
from households.models import Household
from projects.models import Project
from projects.services import benefiting
from projects.services.benefiting import Helped
from tests.factories.households import household
from tests.factories.villages import RegionFactory, VillageYearFactory
from tests.funds.conftest import CITY, COUNTY, NEIGHBOUR, announced, ground, pool_of, posted
from tests.projects.conftest import VILLAGE, WAY, Office, brought_to, proposed
from villages.models import CountyYear, VillageYear

pytestmark = pytest.mark.django_db
TODAY = date(2018, 12, 31)
SIBLING = "410324100204"


class Till:
    """Two persons of the city's finance office, and the way of money to whoever spends it."""

    def __init__(self, cashier: User, checker: User) -> None:
        self.cashier, self.checker = cashier, checker

    def arrived(
        self, amount: str, code: str = CITY, on: date = date(2018, 1, 5), **of: Any
    ) -> Source:
        source = announced(self.cashier, amount, code, **{"issued_on": on, "year": on.year} | of)
        self.more(source, amount, on)
        return source

    def more(self, source: Source, amount: str, on: date) -> None:
        posted(
            moving.arrive(
                source=source, amount=Decimal(amount), ground=ground(on), by=self.cashier
            ),
            self.checker,
        )

    def allotted(
        self, amount: str, to: Project | str, unit: str = "", source: Source | None = None
    ) -> Account:
        """An allotment to a project, or to a unit in the division with this code."""
        source = source or self.arrived(amount)
        project = to if isinstance(to, Project) else None
        region = project.region if project else RegionFactory(code=to)
        unit = unit if project or unit else "某单位"
        share = Share(region, Decimal(amount), unit=unit, project=project)
        pool = pool_of(source, source.region_code, 2018)
        posted(
            moving.allocate(
                pool=pool, shares=[share], ground=ground(date(2018, 1, 5)), by=self.cashier
            ),
            self.checker,
        )
        return Account.objects.get(
            source=source, kind=AccountKind.ALLOTMENT, region=region, unit=unit, project=project
        )

    def paid(self, allotment: Account, amount: str, on: date, **words: str) -> Voucher:
        voucher = paying.pay_contractor(
            allotment=allotment, payee="某公司", bank_account="", amount=Decimal(amount),
            ground=ground(on, **words), by=self.cashier,
        )  # fmt: skip
        return posted(voucher, self.checker)

    def card(self, allotment: Account, of: Household, amount: str, subsidy: str) -> Voucher:
        """A payment to a household."""
        total, on = Decimal(amount), date(2018, 6, 1)
        with transaction.atomic():
            voucher = posting.asked(
                kind=VoucherKind.PAY, code=allotment.region_code, ground=ground(on),
                legs=[Leg(allotment, -total), Leg(paying.paid_side(allotment), total)],
                by=self.cashier,
            )  # fmt: skip
            Payment.objects.create(
                voucher=voucher, account=allotment, region_code=of.village_code,
                payee_kind=PayeeKind.HOUSEHOLD, payee="户主", household=of, subsidy=subsidy,
                amount=total,
            )  # fmt: skip
        return posted(voucher, self.checker)

    def reversed(self, voucher: Voucher, on: date = TODAY) -> None:
        posted(posting.reverse(voucher=voucher, ground=ground(on), by=self.cashier), self.checker)

    def rule(self, code: str, **values: Any) -> FundRule:
        return ruling.revise(
            rule=FundRule.objects.get(code=code), values=values, reason="测试", by=self.checker
        )


@pytest.fixture
def till(cashier: User, checker: User) -> Till:
    # Regions come first, so that triggers and rules find them.
    for code in ("410000000000", CITY, COUNTY, NEIGHBOUR):
        RegionFactory(code=code)
    return Till(cashier, checker)


def judged(code: str = COUNTY, today: date = TODAY, year: int = 2018) -> judging.Judged:
    """As a worker does it: in the scope of the city."""
    with walls.scoped(Maintenance("4103")):
        return judging.judge(code=code, year=year, today=today)


def told(rule: str, code: str = COUNTY, today: date = TODAY) -> list[tuple[str, str, Any, Any]]:
    """What a rule finds now: subject, conclusion, numerator, denominator."""
    judged(code, today)
    rows = (
        FundFinding.objects.open()
        .filter(rule__code=rule)
        .order_by("subject", "state", "subject_id")
    )
    return [(one.subject, one.state, one.numerator, one.denominator) for one in rows]


def words(rule: str) -> str:
    return FundFinding.objects.open().get(rule__code=rule).words


# --- projects and payments ----------------------------------------------------------------------


def test_payment_before_approval(till: Till, office: Office) -> None:
    project = brought_to(office, "LIBRARY")
    allotment = till.allotted("1000", project)
    first = till.paid(allotment, "10", date(2018, 2, 19))
    assert told("before-approval") == [("VOUCHER", "VIOLATED", 10, None)]
    assert "尚未批准" in words("before-approval")
    project = brought_to(office, "BUDGETED", project)
    till.paid(allotment, "20", WAY["BUDGETED"])
    assert told("before-approval") == [("VOUCHER", "VIOLATED", 10, None)]
    assert "早于批准日期 2018-02-20" in words("before-approval")
    till.reversed(first)
    assert told("before-approval") == []
    closed = FundFinding.objects.get(rule__code="before-approval")
    assert (closed.subject_id, closed.closed_on) == (first.pk, TODAY)


def test_payments_ahead_of_progress(till: Till, office: Office) -> None:
    project = brought_to(office, "STARTED")
    allotment = till.allotted("600000", project)
    till.paid(allotment, "180000", date(2018, 4, 1))
    assert told("paid-ahead") == []
    till.rule("paid-ahead", threshold=Decimal("0.1"))
    assert told("paid-ahead") == [("PROJECT", "UNKNOWN", 180000, 600000)]
    office.report(project, date(2018, 4, 1), 50, 0)
    # 30 % paid, 20 % done: exactly the ten points that are allowed.
    assert told("paid-ahead") == []
    till.paid(allotment, "0.01", date(2018, 4, 1))
    assert told("paid-ahead") == [
        ("PROJECT", "VIOLATED", Decimal("60000.01"), Decimal("600000.00"))
    ]


def test_payments_for_a_project_without_a_budget_cannot_be_judged(
    till: Till, office: Office
) -> None:
    project = brought_to(office, "LIBRARY")
    till.paid(till.allotted("10", project), "10", date(2018, 2, 19))
    till.rule("paid-ahead", threshold=Decimal("0.1"))
    till.rule("advance", is_active=True)
    for rule in ("paid-ahead", "advance"):
        assert told(rule) == [("PROJECT", "UNKNOWN", 10, None)]
        assert "没有安排资金" in words(rule)


def test_advances(till: Till, office: Office) -> None:
    project = brought_to(office, "STARTED")
    allotment = till.allotted("600000", project)
    till.paid(allotment, "180000", date(2018, 3, 31))
    extra = till.paid(allotment, "0.01", date(2018, 3, 31))
    # The source is of one county: off until somebody says that it holds here.
    assert told("advance") == []
    till.rule("advance", is_active=True)
    assert told("advance") == [("PROJECT", "VIOLATED", Decimal("180000.01"), Decimal(600000))]
    till.reversed(extra)
    assert told("advance") == []
    office.report(project, date(2018, 4, 1), 50, 0)
    till.paid(allotment, "100000", date(2018, 4, 2))
    assert told("advance") == []


def test_completed_without_payment(till: Till, office: Office) -> None:
    project = brought_to(office, "STARTED")
    allotment = till.allotted("100", project)
    assert told("unpaid") == []
    brought_to(office, "COMPLETED", project)
    assert told("unpaid") == [("PROJECT", "VIOLATED", 0, 600000)]
    till.paid(allotment, "1", date(2018, 10, 1))
    assert told("unpaid") == []


def test_idle_projects(till: Till, office: Office) -> None:
    project = brought_to(office, "BUDGETED")
    allotment = till.allotted("100", project)
    last = WAY["BUDGETED"]
    assert told("idle-project", today=date(2018, 12, 31)) == []
    till.rule("idle-project", threshold=Decimal(30))
    assert told("idle-project", today=last + timedelta(30)) == []
    assert told("idle-project", today=last + timedelta(31)) == [("PROJECT", "VIOLATED", 31, None)]
    till.paid(allotment, "1", last + timedelta(10))
    assert told("idle-project", today=last + timedelta(40)) == []


@pytest.mark.parametrize(("days", "is_short"), [(9, True), (10, False)])
def test_notices_hang_long_enough(till: Till, office: Office, days: int, is_short: bool) -> None:
    project = brought_to(office, "DECIDED")
    office.post(project, "PLAN", date(2018, 1, 21), days)
    short = [("PROJECT", "VIOLATED", days, None)]
    assert told("publicity-days") == (short if is_short else [])


def test_unregistered_beneficiaries(till: Till, office: Office) -> None:
    project, row = proposed(office.village), household()
    who = [Helped("DIVIDEND", household=row.household)]
    benefiting.add(project=project, helped=who, on=date(2018, 6, 1), by=office.village)
    assert told("unregistered") == []
    stranger = [Helped("MATERIAL", village=RegionFactory(code=VILLAGE), name="李未登")]
    benefiting.add(project=project, helped=stranger, on=date(2018, 6, 1), by=office.village)
    assert told("unregistered") == [("PROJECT", "VIOLATED", 1, 2)]
    one = FundFinding.objects.get(rule__code="unregistered")
    assert "李未登" not in one.words + str(one.evidence)


def test_the_same_subsidy_twice(till: Till) -> None:
    mine, other = household().household, household(code=SIBLING).household
    allotment = till.allotted("1000", COUNTY)
    till.card(allotment, mine, "100", "产业奖补")
    till.card(allotment, other, "100", "产业奖补")
    till.card(allotment, mine, "100", "教育补助")
    assert told("same-subsidy") == []
    again = till.card(allotment, mine, "50", "产业奖补")
    assert told("same-subsidy") == [("HOUSEHOLD", "SUSPECTED", 2, None)]
    one = FundFinding.objects.get(rule__code="same-subsidy")
    assert (one.subject_id, one.region_code) == (mine.pk, VILLAGE)
    till.rule("same-subsidy", params={"repeated": ["产业奖补"]})
    assert told("same-subsidy") == []
    till.rule("same-subsidy", params={"repeated": []})
    assert len(told("same-subsidy")) == 1
    posted(
        paying.give_back(
            voucher=again, payments=list(again.payments.all()), ground=ground(TODAY),
            by=till.cashier,
        ),
        till.checker,
    )  # fmt: skip
    assert told("same-subsidy") == []


def test_the_negative_list(till: Till, office: Office) -> None:
    project = brought_to(
        office, "BUDGETED", proposed(office.village, name="楼堂馆所维修", type_="1001")
    )
    allotment = till.allotted("100", project)
    # 2018 lies before the national list of 2021, and the county's list is off.
    assert told("negative-national") == []
    assert told("negative-county") == []
    till.rule("negative-county", is_active=True)
    assert told("negative-county") == [("PROJECT", "SUSPECTED", 100, None)]
    assert "楼堂馆所" in words("negative-county")
    params = FundRule.objects.get(code="negative-county").params
    till.rule("negative-county", params={**params, "types": ["1001"]})
    assert told("negative-county") == [("PROJECT", "VIOLATED", 100, None)]
    till.paid(allotment, "10", date(2018, 3, 1), reason="发放年终奖金")
    assert told("negative-county") == [
        ("PROJECT", "VIOLATED", 100, None), ("VOUCHER", "SUSPECTED", 10, None),
    ]  # fmt: skip
    till.rule("negative-county", params={**params, "kinds": ["11"]})
    assert told("negative-county") == []


# --- money that lies still ----------------------------------------------------------------------


def test_idle_money_is_as_old_as_the_oldest_of_what_is_left(till: Till) -> None:
    source = till.arrived("100", COUNTY)
    till.rule("idle-money", threshold=Decimal(30))
    assert told("idle-money", today=date(2018, 2, 4)) == []
    assert told("idle-money", today=date(2018, 2, 5)) == [("ACCOUNT", "VIOLATED", 31, None)]
    allotment = till.allotted("100", COUNTY, source=source)
    till.paid(allotment, "100", date(2018, 2, 1))
    assert told("idle-money", today=date(2018, 6, 1)) == []


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    ins=st.lists(st.tuples(st.integers(0, 300), st.integers(1, 50)), min_size=1, max_size=5),
    share=st.integers(0, 99),
)
def test_age_of_idle_money_is_first_in_first_out(
    till: Till, ins: list[tuple[int, int]], share: int
) -> None:
    """Against a model that spends yuan by yuan, the oldest first."""
    start, total = date(2018, 1, 1), sum(amount for _, amount in ins)
    spent = total * share // 100
    with transaction.atomic():
        source = announced(till.cashier, str(total), COUNTY)
        for later, amount in ins:
            till.more(source, str(amount), start + timedelta(later))
        if spent:
            till.allotted(str(spent), COUNTY, source=source)
        yuan = sorted(later for later, amount in ins for _ in range(amount))
        FundRule.objects.filter(code="idle-money").update(threshold=0, version=1 + _version())
        judged(today=TODAY)
        pool = pool_of(source, COUNTY)
        one = FundFinding.objects.open().filter(rule__code="idle-money", subject_id=pool.pk).get()
        assert one.numerator == (TODAY - start).days - yuan[spent]
        transaction.set_rollback(True)


def _version() -> int:
    return FundRule.objects.get(code="idle-money").version


# --- what places must get -----------------------------------------------------------------------


def village(code: str, **facts: Any) -> VillageYear:
    made: VillageYear = VillageYearFactory(region=RegionFactory(code=code), **facts)
    return made


def county(code: str, level: str, deep: bool = False) -> None:
    CountyYear.objects.create(
        region=RegionFactory(code=code), region_code=code, year=2018, poverty_level=level,
        area="central", is_deep_poverty=deep, source="测试",
    )  # fmt: skip


def new_city_money(till: Till, amount: str = "200") -> Source:
    return till.arrived(amount, level="CITY", kind="31")


@pytest.mark.parametrize(
    ("deep", "states"), [("30", []), ("29.99", [("REGION", "VIOLATED", Decimal("29.99"), 100)])]
)
def test_share_of_new_money_to_deep_poverty(till: Till, deep: str, states: list[Any]) -> None:
    county(COUNTY, "national")
    village(VILLAGE, is_deep_poverty=True)
    announced(till.cashier, "100", year=2017, level="CITY", kind="31", issued_on=date(2017, 1, 5))
    till.allotted(deep, VILLAGE, source=new_city_money(till))
    assert told("deep-share", CITY) == states


def test_share_of_new_money_cannot_be_told_without_the_year_before(till: Till) -> None:
    assert told("deep-share", CITY) == [("REGION", "UNKNOWN", 0, None)]
    new_city_money(till)
    assert told("deep-share", CITY) == [("REGION", "UNKNOWN", 0, None)]
    assert "上一年" in words("deep-share")
    till.rule("deep-share", params={"base": "YEAR", "kinds": ["31"]})
    assert told("deep-share", CITY) == [("REGION", "VIOLATED", 0, 200)]


def test_share_of_new_money_where_villages_lack_their_facts(till: Till) -> None:
    county(COUNTY, "national")
    village(VILLAGE, is_deep_poverty=True)
    till.rule("deep-share", params={"base": "YEAR", "kinds": ["31"]})
    source = new_city_money(till)
    till.allotted("59", VILLAGE, source=source)
    till.allotted("1", SIBLING, source=source)
    # 59 of at least 60: met if the other village is one of deep poverty.
    assert told("deep-share", CITY) == [("REGION", "UNKNOWN", 59, 200)]
    village(SIBLING, is_deep_poverty=False)
    assert told("deep-share", CITY) == [("REGION", "VIOLATED", 59, 200)]
    till.rule("deep-amount", params={"base": "YEAR", "kinds": ["31"]}, threshold=Decimal(59))
    assert told("deep-amount", CITY) == []
    till.rule("deep-amount", threshold=Decimal("59.01"))
    assert told("deep-amount", CITY) == [("REGION", "VIOLATED", 59, None)]


def test_money_for_a_county_of_deep_poverty_counts(till: Till) -> None:
    county(COUNTY, "national", deep=True)
    till.rule("deep-share", params={"base": "YEAR", "kinds": ["31"]})
    till.allotted("60", COUNTY, source=new_city_money(till))
    assert told("deep-share", CITY) == []


def test_every_village_of_deep_poverty_gets_its_least(till: Till) -> None:
    village(VILLAGE, is_deep_poverty=True)
    poor = RegionFactory(code=SIBLING)
    source = till.arrived("600000")
    till.allotted("499999.99", VILLAGE, source=source)
    assert told("deep-village") == [
        ("REGION", "UNKNOWN", 1, 2), ("REGION", "VIOLATED", Decimal("499999.99"), None),
    ]  # fmt: skip
    VillageYearFactory(region=poor)
    till.allotted("0.01", VILLAGE, source=source)
    assert told("deep-village") == []


def test_money_for_villages_that_exit_outside_poor_counties(till: Till) -> None:
    village(VILLAGE, exited_year=2018)
    assert told("exit-village") == [("REGION", "UNKNOWN", None, 1)]
    county(COUNTY, "none")
    assert told("exit-village") == [("REGION", "UNKNOWN", None, 1)]
    assert "县级资金" in words("exit-village")
    announced(till.cashier, "999999.99", COUNTY, level="COUNTY", kind="41")
    assert told("exit-village") == [("REGION", "VIOLATED", Decimal("999999.99"), 1)]
    announced(till.cashier, "0.01", COUNTY, level="COUNTY", kind="41")
    assert told("exit-village") == []
    RegionFactory(code=SIBLING)
    assert told("exit-village") == [("REGION", "UNKNOWN", 1000000, 1)]
    CountyYear.objects.update(poverty_level="national")
    assert told("exit-village") == []


def lifted(year: int, persons: int) -> None:
    Snapshot.objects.create(
        region_code=COUNTY, partition=year, metric="exited_in_year", numerator=persons,
        verdict="MET", definition_version=1, data_version=1,
    )  # fmt: skip


def test_money_for_persons_lifted_out_within_three_years(till: Till) -> None:
    county(COUNTY, "none")
    lifted(2018, 10)
    lifted(2017, 20)
    announced(till.cashier, "99999.99", COUNTY, level="COUNTY", kind="41")
    assert told("exit-person") == [("REGION", "UNKNOWN", Decimal("99999.99"), 30)]
    assert "2 年" in words("exit-person")
    lifted(2016, 4)
    assert told("exit-person") == [("REGION", "VIOLATED", Decimal("99999.99"), 34)]
    announced(till.cashier, "2000.01", COUNTY, level="COUNTY", kind="41")
    assert told("exit-person") == []


def test_share_of_departments_money(till: Till, office: Office) -> None:
    till.rule("department-share", params={"kinds": ["61"], "counties": []})
    county(COUNTY, "none")
    source = till.arrived("100", level="OTHER", kind="61")
    project = brought_to(office, "BUDGETED")
    till.allotted("60", project, source=source)
    till.allotted("40", COUNTY, "县交通局", source=source)
    # Neither the village's facts nor where the bureau spends it are known.
    assert told("department-share") == [("REGION", "UNKNOWN", 0, 100)]
    row = village(VILLAGE, is_poor_village=True)
    assert told("department-share") == []
    VillageYear.objects.filter(pk=row.pk).update(is_poor_village=False)
    assert told("department-share") == [("REGION", "VIOLATED", 0, 100)]
    who = [Helped("DIVIDEND", household=household().household)]
    benefiting.add(project=project, helped=who, on=date(2018, 6, 1), by=office.village)
    assert told("department-share") == []
    till.rule("department-share", params={"kinds": ["61"], "counties": ["410323"]})
    VillageYear.objects.filter(pk=row.pk).update(is_poor_village=True)
    assert told("department-share") == []


# --- findings stay ------------------------------------------------------------------------------


def test_a_finding_is_closed_and_comes_back_as_the_same(till: Till, office: Office) -> None:
    brought_to(office, "BUDGETED")
    till.rule("idle-project", threshold=Decimal(30))
    late = WAY["BUDGETED"] + timedelta(40)
    assert len(told("idle-project", today=late)) == 1
    one = FundFinding.objects.get(rule__code="idle-project")
    assert judged(today=late).written == 0
    till.rule("idle-project", is_active=False)
    assert told("idle-project", today=late + timedelta(1)) == []
    till.rule("idle-project", is_active=True)
    assert len(told("idle-project", today=late + timedelta(2))) == 1
    again = FundFinding.objects.get(rule__code="idle-project")
    assert (again.pk, again.opened_on, again.reopened_on, again.closed_on) == (
        one.pk, late, late + timedelta(2), None,
    )  # fmt: skip
    # First opened, then closed, then opened by another version of the rule.
    assert [image["closed_on"] for image in images(FundFinding, one.pk)] == [
        late + timedelta(1), None,
    ]  # fmt: skip


def refused(statement: str, *values: Any) -> str:
    with pytest.raises(DatabaseError) as why, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)
    return str(why.value)


def test_findings_and_rules_are_never_deleted_or_moved(till: Till, office: Office) -> None:
    project = brought_to(office, "DECIDED")
    office.post(project, "PLAN", date(2018, 1, 21), 3)
    judged()
    one = FundFinding.objects.get(rule__code="publicity-days")
    assert "never deleted" in refused("DELETE FROM funds_fundfinding WHERE id = %s", one.pk)
    assert "never deleted" in refused(
        "UPDATE funds_fundfinding SET subject_id = 1 WHERE id = %s", one.pk
    )
    assert "never deleted" in refused("DELETE FROM funds_fundrule WHERE id = %s", one.rule_id)
    assert "version by version" in refused(
        "UPDATE funds_fundrule SET threshold = 5 WHERE id = %s", one.rule_id
    )
    assert "fund_rule_has_source" in refused(
        "UPDATE funds_fundrule SET source = '', version = version + 1 WHERE id = %s", one.rule_id
    )


def test_a_revision_keeps_the_former_rule_with_who_and_why(till: Till) -> None:
    before = FundRule.objects.get(code="publicity-days")
    after = till.rule("publicity-days", threshold=Decimal(15), source="洛财〔2018〕9号")
    assert (after.version, after.threshold, after.source) == (2, 15, "洛财〔2018〕9号")
    (image,) = images(FundRule, before.pk)
    assert (image["version"], image["threshold"], image["source"]) == (
        1, before.threshold, before.source,
    )  # fmt: skip
    assert (image["history_actor"], image["history_reason"]) == (
        till.checker.pk, "修订资金规则：测试",
    )  # fmt: skip
    sync_rules()
    assert FundRule.objects.get(pk=before.pk).source == "洛财〔2018〕9号"


@pytest.mark.parametrize(
    ("code", "values", "says"),
    [
        ("publicity-days", {"source": " "}, "依据不能为空"),
        ("publicity-days", {"threshold": Decimal(-1)}, "不能为负"),
        ("deep-share", {"threshold": Decimal("1.1")}, "0 到 1"),
        ("unpaid", {"threshold": Decimal(1)}, "没有标准值"),
        ("held-payment", {"source": "x"}, "不能修订"),
        ("publicity-days", {"region_prefix": "洛阳"}, "区划代码"),
        ("publicity-days", {"valid_to": 2000}, "早于起始年度"),
        ("exit-person", {"params": {"years": 0}}, "1 到 100"),
        ("exit-person", {"params": {}}, "参数缺少"),
        ("before-approval", {"params": {"step": "LIBRARY"}}, "选项"),
    ],
)
def test_what_a_revision_may_not_do(
    till: Till, code: str, values: dict[str, Any], says: str
) -> None:
    with pytest.raises(UnfitError, match=says):
        till.rule(code, **values)
    assert FundRule.objects.get(code=code).version == 1


def test_only_the_citys_finance_office_revises(till: Till, county_cashier: User) -> None:
    rule = FundRule.objects.get(code="publicity-days")
    with pytest.raises(UnfitError, match="市级财政"):
        ruling.revise(rule=rule, values={"threshold": Decimal(1)}, reason="试", by=county_cashier)
    with pytest.raises(ValueError, match="code"):
        ruling.revise(rule=rule, values={"code": "x"}, reason="试", by=till.checker)


def test_every_shipped_rule_has_its_source_and_fits_its_check() -> None:
    rules = {rule.code: rule for rule in FundRule.objects.all()}
    assert {rule.check_kind for rule in rules.values()} == set(RuleCheck.values)
    for rule in rules.values():
        assert rule.source
        assert KINDS[rule.check_kind].read(rule.params) == rule.params
    # Nobody has stated these; and what one county does is no rule elsewhere.
    empty = {"paid-ahead", "idle-project", "idle-money"}
    assert {code for code in empty if rules[code].threshold is None} == empty
    assert {code for code, rule in rules.items() if not rule.is_active} == {
        "negative-county", "advance",
    }  # fmt: skip


def test_parameters_are_read_by_their_schema() -> None:
    kind = KINDS[RuleCheck.NEGATIVE_LIST]
    params = {"words": [" 奖金", "奖金", ""], "types": [], "kinds": ["11"]}
    assert kind.read(params) == {"words": ["奖金"], "types": [], "kinds": ["11"]}
    for wrong in ({"words": "奖金"}, {"words": ["长" * 31]}, {"kinds": ["00"]}):
        with pytest.raises(UnfitParamsError):
            kind.read({**params, **wrong})


# --- marks and scope ----------------------------------------------------------------------------


def marked() -> set[tuple[str, int]]:
    found = set(DirtyFund.objects.values_list("code", "year"))
    DirtyFund.objects.all().delete()
    return found


def test_what_changes_a_judgement_marks_its_place(till: Till, office: Office) -> None:
    here = {(COUNTY, 2018), (CITY, 2018)}
    project = brought_to(office, "STARTED")
    marked()
    allotment = till.allotted("100", project)
    assert here <= marked()
    till.paid(allotment, "1", date(2018, 4, 1))
    assert marked() == here
    office.report(project, date(2018, 4, 1), 50, 0)
    assert marked() == here
    village(VILLAGE, is_deep_poverty=True)
    assert marked() == here
    announced(till.cashier, "1", COUNTY)
    assert marked() == here | {(COUNTY, 2019), (CITY, 2019)}
    till.rule("idle-money", threshold=Decimal(1))
    assert here <= marked()


def test_job_judges_a_marked_place_and_takes_the_marks(till: Till, office: Office) -> None:
    from core.jobs.services import claim
    from funds.tasks import judge_job

    project = brought_to(office, "DECIDED")
    office.post(project, "PLAN", date(2018, 1, 21), 3)
    assert judging.request_dirty() == judging.request_dirty() >= 2
    job = Job.objects.get(kind="funds.judge", params={"code": COUNTY, "year": 2018})
    assert job.scope == "4103"
    run = claim(job.pk)
    assert run is not None
    judge_job(run)
    assert not DirtyFund.objects.filter(code=COUNTY, year=2018).exists()
    assert DirtyFund.objects.filter(code=CITY, year=2018).exists()
    assert FundFinding.objects.get(rule__code="publicity-days").subject_id == project.pk


def test_time_alone_is_asked_for_every_night(till: Till, office: Office) -> None:
    brought_to(office, "BUDGETED")
    till.arrived("1", NEIGHBOUR)
    assert judging.places_below("4103") == [
        (CITY, 2018), (COUNTY, 2018), (NEIGHBOUR, 2018),
    ]  # fmt: skip
    assert judging.places_below("410324") == [(COUNTY, 2018)]
    assert judging.request_all(prefix="410324") == 1


def test_findings_of_others_are_not_seen(
    till: Till, office: Office, county_cashier: User, songxian_clerk: User
) -> None:
    project = brought_to(office, "DECIDED")
    office.post(project, "PLAN", date(2018, 1, 21), 3)
    judged()
    own = open_findings(county_cashier).filter(rule__code="publicity-days")
    assert [one.subject_id for one in own] == [project.pk]
    assert list(open_findings(county_cashier, year=2017)) == []
    assert list(open_findings(songxian_clerk)) == []
    with walls.scoped(songxian_clerk):
        assert not FundFinding.objects.exists()


def test_places_of_one_county_do_not_close_those_of_another(till: Till, office: Office) -> None:
    project = brought_to(office, "DECIDED")
    office.post(project, "PLAN", date(2018, 1, 21), 3)
    judged()
    for code in (NEIGHBOUR, CITY):
        assert judged(code).closed == 0
    assert FundFinding.objects.open().filter(rule__code="publicity-days").count() == 1


# --- loans --------------------------------------------------------------------------------------


def lent(by: User, of: Household, amount: str, number: int, on: date = date(2018, 3, 1)) -> Loan:
    made: Loan = Loan.objects.create(
        household=of, village_code=of.village_code, borrower="户主", bank="某信用社",
        contract_no=f"合{number}", amount=Decimal(amount), lent_on=on, due_on=date(2020, 3, 1),
        rate=Decimal("4.35"), use="养殖", created_by=by,
    )  # fmt: skip
    return made


def test_average_loan_above_the_cap(till: Till) -> None:
    mine, other = household().household, household(code=SIBLING).household
    lent(till.cashier, mine, "50000", 1)
    lent(till.cashier, other, "50000", 2)
    assert told("loan-average") == []
    DirtyFund.objects.all().delete()
    # A renewal of one of two households.
    lent(till.cashier, other, "0.01", 3, date(2019, 3, 1))
    assert {(COUNTY, 2019), (CITY, 2019)} <= marked()
    assert told("loan-average") == []
    judged(year=2019)
    (one,) = FundFinding.objects.open().filter(rule__code="loan-average")
    assert (one.year, one.state, one.numerator, one.denominator) == (
        2019, "SUSPECTED", Decimal("100000.01"), 2,
    )  # fmt: skip
    judged(CITY, year=2019)
    places = FundFinding.objects.open().filter(rule__code="loan-average", year=2019)
    assert set(places.values_list("region_code", flat=True)) == {COUNTY, CITY}
    till.rule("loan-average", threshold=Decimal("50000.01"))
    assert judged(year=2019).closed == 1
