"""The quarterly ranking: the ledger as it stood on the day, exact points, public once and for all."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from inspections.enums.findings import Look, State
from inspections.enums.ranking import Figure
from inspections.formulas import ranking as formulas
from inspections.formulas.ranking import Item
from inspections.models import RankingRow, RankingRun, ScoreItem, ScoringRule
from inspections.queries.findings import ranking as queries
from inspections.queries.findings.ranking import Quarter
from inspections.services.common import UnfitError
from inspections.services.findings import extending, ranking, stepping
from inspections.services.letters import preparing, sending
from tests.factories.villages import RegionFactory
from tests.inspections.findings.conftest import CITY, DUE, Office, entered
from villages.models import Region

SignIn = Callable[[User], Client]
THIRD, FOURTH = Quarter(2018, 3), Quarter(2018, 4)
LAST = date(2018, 9, 30)
ITEMS = [
    {"figure": Figure.CLOSING, "points": Decimal(60), "full_at": Decimal(100), "zero_at": Decimal(50)},
    {"figure": Figure.OVERDUE, "points": Decimal(40), "full_at": Decimal(0), "zero_at": Decimal(20)},
]  # fmt: skip


def of(quarter: Quarter, county: str = "410324") -> dict[str, tuple[int, int]]:
    return next(one.figures for one in queries.counties(CITY, quarter) if one.code[:6] == county)


def ruled(by: User, **changes: Any) -> ScoringRule:
    told: dict[str, Any] = {
        "prefix": "4103", "valid_from": date(2018, 1, 1), "source": "市考核办法", "items": ITEMS,
    }  # fmt: skip
    return ranking.set_rule(**(told | changes), by=by)


@pytest.fixture
def city(office: Office) -> Region:
    """Two counties; the first with what each test puts there."""
    RegionFactory(code="410325000000", name="嵩县")
    return Region.objects.get(code=CITY)


# --- arithmetic --------------------------------------------------------------------------------


_numbers = st.integers(0, 20_000).map(lambda hundredths: Fraction(hundredths, 100))


@given(
    st.integers(0, 1000), st.integers(1, 1000), _numbers, _numbers,
    st.integers(1, 100).map(Fraction),
)  # fmt: skip
def test_points_lie_between_none_and_all_and_follow_the_figure(
    numerator: int, denominator: int, full: Fraction, zero: Fraction, weight: Fraction
) -> None:
    if full == zero:
        return
    item = Item("CLOSING", weight, full, zero, True)
    found = formulas.points(item, numerator, denominator)
    more = formulas.points(item, numerator + 1, denominator)
    assert found is not None
    assert more is not None
    assert 0 <= found <= weight
    assert more >= found if full > zero else more <= found


def test_what_has_no_figure_is_carried_over_to_the_rest() -> None:
    items = [
        Item("CLOSING", Fraction(60), Fraction(100), Fraction(0), True),
        Item("RELAPSE", Fraction(40), Fraction(0), Fraction(100), True),
    ]
    assert formulas.total(items, {"CLOSING": Fraction(30), "RELAPSE": None}) == 50
    assert formulas.total(items, {"CLOSING": None, "RELAPSE": None}) is None
    assert formulas.total([], {}) is None


def test_quarters() -> None:
    assert (FOURTH.first, FOURTH.last) == (date(2018, 10, 1), date(2018, 12, 31))
    assert queries.before(Quarter(2019, 1)) == FOURTH
    assert queries.quarter_of(date(2018, 9, 30)) == THIRD
    assert [queries.parsed(one) for one in ("2018-4", "2018-0", "0000-1", "x-1", "")] == [
        FOURTH, None, None, None, None,
    ]  # fmt: skip


# --- as of the quarter's end -------------------------------------------------------------------


@pytest.mark.django_db
def test_a_step_on_the_last_day_counts_and_one_later_does_not(city: Region, office: Office) -> None:
    first, second = (office.brought_to(State.VERIFIED) for _ in range(2))
    stepping.close(finding=first, words="同意", on=LAST, by=office.second)
    stepping.close(finding=second, words="同意", on=LAST + timedelta(1), by=office.second)
    assert of(THIRD)[Figure.CLOSING] == (1, 2)
    assert of(FOURTH)[Figure.CLOSING] == (2, 2)
    days = (LAST - first.found_on).days
    assert of(THIRD)[Figure.DAYS] == (days, 1)
    assert of(FOURTH)[Figure.DAYS] == (days + 1, 1)


@pytest.mark.django_db
def test_what_came_back_is_open_again_and_not_before(city: Region, office: Office) -> None:
    finding = office.brought_to(State.CLOSED)
    stepping.look(
        finding=finding, result=Look.RELAPSED, words="又见", on=date(2018, 10, 9), by=office.second
    )
    assert of(THIRD)[Figure.CLOSING] == (1, 1)
    assert of(FOURTH)[Figure.CLOSING] == (0, 1)
    # Its day of September had passed.
    assert of(FOURTH)[Figure.OVERDUE] == (1, 1)


@pytest.mark.django_db
def test_lateness_is_judged_by_the_day_that_held_then(city: Region, office: Office) -> None:
    finding = office.brought_to(State.MEASURED)
    assert of(THIRD)[Figure.OVERDUE] == (1, 1)
    asked = extending.ask(
        finding=finding,
        until=date(2019, 2, 1),
        reason="雨",
        on=date(2018, 10, 8),
        by=office.village,
    )
    extending.decide(
        extension=asked, is_granted=True, why="同意", on=date(2018, 10, 9), by=office.county
    )
    assert of(THIRD)[Figure.OVERDUE] == (1, 1)
    assert of(FOURTH)[Figure.OVERDUE] == (0, 1)


@pytest.mark.django_db
def test_what_was_merged_later_still_counted_then(city: Region, office: Office) -> None:
    one, other = entered(office.county), entered(office.county)
    stepping.merge(finding=one, into=other, words="同", on=date(2018, 10, 2), by=office.county)
    assert of(THIRD)[Figure.CLOSING] == (0, 2)
    assert of(FOURTH)[Figure.CLOSING] == (0, 1)


@pytest.mark.django_db
def test_letters_are_those_of_the_quarter(city: Region, office: Office) -> None:
    office.brought_to(State.ASSIGNED)
    for days in (1, 20):
        on = DUE + timedelta(days)
        (draft,) = preparing.prepare(today=on, prefix="4103")
        sending.issue(letter=draft, on=on, reply_due_on=on + timedelta(5), by=office.county)
    assert of(THIRD)[Figure.LETTERS] == (0, 1)
    assert of(FOURTH)[Figure.LETTERS] == (1, 1)
    assert of(FOURTH, "410325")[Figure.LETTERS] == (0, 0)


@pytest.mark.django_db
def test_one_query_for_all_counties(city: Region, office: Office) -> None:
    entered(office.county)
    with CaptureQueriesContext(connection) as captured:
        assert len(queries.counties(CITY, THIRD)) == 2
    assert len(captured) == 1


# --- rules and what is public ------------------------------------------------------------------


@pytest.mark.django_db
def test_points_by_the_rule_that_held(city: Region, office: Office, city_admin: User) -> None:
    ruled(city_admin)
    ruled(city_admin, valid_from=date(2018, 12, 1), items=ITEMS[:1])
    office.brought_to(State.CLOSED)
    entered(office.county)
    rule = queries.rule_for(CITY, THIRD.last)
    mine, other = ranking.placed(CITY, THIRD, rule)
    # Half of them are closed: no points for that; none is late: all of those.
    assert (mine.name, mine.rank, mine.points) == ("栾川县", 1, Decimal(40))
    assert (other.rank, other.points) == (None, None)
    assert queries.rule_for(CITY, FOURTH.last).valid_from == date(2018, 12, 1)
    assert queries.rule_for(CITY, date(2017, 12, 31)) is None


@pytest.mark.django_db
def test_equals_share_a_rank(city: Region, office: Office, city_admin: User) -> None:
    ruled(city_admin)
    entered(office.county)
    RegionFactory(code="410325100201")
    entered(city_admin, code="410325100201")
    RegionFactory(code="410326000000")
    assert [one.rank for one in ranking.placed(CITY, THIRD, queries.rule_for(CITY, LAST))] == [
        1, 1, None,
    ]  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"source": " "}, "依据"),
        ({"items": []}, "评分项"),
        ({"prefix": "410324"}, "由市设置"),
        ({"items": [{**ITEMS[0], "zero_at": Decimal(100)}]}, "不能相同"),
        ({"items": [{**ITEMS[0], "points": Decimal(0)}]}, "满分"),
    ],
)
def test_unfit_rules_are_refused(
    city: Region, city_admin: User, changes: dict[str, Any], why: str
) -> None:
    with pytest.raises(UnfitError, match=why):
        ruled(city_admin, **changes)
    assert not ScoringRule.objects.exists()


@pytest.mark.django_db
def test_a_rule_is_stated_once_by_the_city(city: Region, office: Office, city_admin: User) -> None:
    ruled(city_admin)
    with pytest.raises(UnfitError, match="已有"):
        ruled(city_admin)
    with pytest.raises(UnfitError, match="权限"):
        ruled(office.county, valid_from=date(2019, 1, 1))


@pytest.mark.django_db
def test_what_is_public_stays(city: Region, office: Office, city_admin: User) -> None:
    ruled(city_admin)
    finding = office.brought_to(State.VERIFIED)
    run = ranking.publish(city=city, quarter=THIRD, by=city_admin)
    before = ranking.of_run(run)
    stepping.close(finding=finding, words="补记", on=LAST, by=office.second)
    assert ranking.of_run(RankingRun.objects.get()) == before
    assert ranking.placed(CITY, THIRD, run.rule) != before
    with pytest.raises(UnfitError, match="已经公布"):
        ranking.publish(city=city, quarter=THIRD, by=city_admin)
    for table, change in (
        ("rankingrow", "rank = 9"), ("rankingrun", "year = 2017"), ("scoreitem", "points = 1"),
        ("scoringrule", "source = 'x'"),
    ):  # fmt: skip
        for statement in (
            f"DELETE FROM inspections_{table}", f"UPDATE inspections_{table} SET {change}",
        ):  # fmt: skip
            with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement)
    assert RankingRow.objects.count() == 2


@pytest.mark.django_db
def test_nothing_is_added_to_a_rule_or_a_ranking_afterwards(city: Region, city_admin: User) -> None:
    before = timezone.now() - timedelta(1)
    rule = ScoringRule.objects.create(
        region_prefix="4103", valid_from=date(2018, 1, 1), source="办法", created_by=city_admin,
        created_at=before,
    )  # fmt: skip
    run = RankingRun.objects.create(
        region=city, region_code=CITY, year=2018, quarter=3, rule=rule, published_by=city_admin,
        published_at=before,
    )  # fmt: skip
    with pytest.raises(DatabaseError, match="is settled"), transaction.atomic():
        ScoreItem.objects.create(rule=rule, **ITEMS[0])
    with pytest.raises(DatabaseError, match="is public"), transaction.atomic():
        RankingRow.objects.create(run=run, county_code="410324000000", name="栾川县", parts={})


@pytest.mark.django_db
def test_what_is_not_over_or_has_no_rule_is_not_made_public(
    city: Region, office: Office, city_admin: User
) -> None:
    with pytest.raises(UnfitError, match="评分办法"):
        ranking.publish(city=city, quarter=THIRD, by=city_admin)
    ruled(city_admin)
    with pytest.raises(UnfitError, match="没有结束"):
        ranking.publish(city=city, quarter=queries.quarter_of(timezone.localdate()), by=city_admin)
    with pytest.raises(UnfitError, match="权限"):
        ranking.publish(city=city, quarter=THIRD, by=office.county)


# --- pages -------------------------------------------------------------------------------------

PAGE = "/findings/ranking/?quarter=2018-3"


def body_of(client: Client, path: str = PAGE) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return str(answer.content.decode())


@pytest.mark.django_db
def test_the_city_sees_it_before_it_is_public_and_counties_after(
    city: Region, office: Office, city_admin: User, as_user: SignIn
) -> None:
    entered(office.county)
    ours, theirs = as_user(city_admin), as_user(office.county)
    assert "不排名次" in body_of(ours)
    told = {"valid_from": "2018-01-01", "source": "市考核办法"} | {
        f"{one['figure']}_{name}": one[name]
        for one in ITEMS
        for name in ("points", "full_at", "zero_at")
    }
    assert ours.post("/findings/ranking/rules/", told).status_code == 302
    assert "市考核办法" in body_of(theirs, "/findings/ranking/rules/")
    assert "未公布" in body_of(ours)
    assert theirs.get(PAGE).status_code == 404
    assert "还没有公布排名" in body_of(theirs, "/findings/ranking/")
    ours.post("/findings/ranking/publish/", {"quarter": "2018-3"})
    seen = body_of(theirs)
    assert "栾川县" in seen
    assert "嵩县" in seen
    assert "/findings/board/410324/" in seen
    assert "/findings/board/410325/" not in seen


@pytest.mark.django_db
def test_later_entries_are_told_beside_what_is_public(
    city: Region, office: Office, city_admin: User, as_user: SignIn
) -> None:
    ruled(city_admin)
    finding = office.brought_to(State.VERIFIED)
    ranking.publish(city=city, quarter=THIRD, by=city_admin)
    assert "现按台账重算" not in body_of(as_user(city_admin))
    stepping.close(finding=finding, words="补记", on=LAST, by=office.second)
    assert "现按台账重算" in body_of(as_user(city_admin))
    assert "现按台账重算" not in body_of(as_user(office.county))


@pytest.mark.django_db
def test_unfit_rule_forms_come_back(city: Region, city_admin: User, as_user: SignIn) -> None:
    told = {"valid_from": "2018-01-01", "source": "办法"}
    for more, why in (
        ({}, "请至少填写一个评分项"),
        ({"CLOSING_points": "60"}, "三个数都要填写"),
        ({"CLOSING_points": "0", "CLOSING_full_at": "1", "CLOSING_zero_at": "2"}, "满分须大于 0"),
        ({"CLOSING_points": "9", "CLOSING_full_at": "1", "CLOSING_zero_at": "1"}, "不能相同"),
    ):  # fmt: skip
        answer = as_user(city_admin).post("/findings/ranking/rules/", told | more)
        assert answer.status_code == 422
        assert why in answer.content.decode()


@pytest.mark.django_db
def test_who_may_what(city: Region, office: Office, city_leader: User, as_user: SignIn) -> None:
    assert as_user(city_leader).post("/findings/ranking/publish/").status_code == 403
    assert as_user(office.county).post("/findings/ranking/publish/").status_code == 403
    assert as_user(office.county).post("/findings/ranking/rules/").status_code == 403
    assert as_user(office.county).get("/findings/ranking/publish/").status_code == 405
    for quarter in ("2018-9", "x", "2999-1"):
        assert as_user(city_leader).get(f"/findings/ranking/?quarter={quarter}").status_code == 404
