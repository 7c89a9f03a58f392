"""A search is kept and run; its matches are opened once, and a problem waits for the last run."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from core import walls
from funds.models import FundFinding, FundRule
from inspections.enums.findings import State
from inspections.models import Finding, FindingStep, Sweep, SweepMatch, SweepRun
from inspections.queries.findings import sweeps
from inspections.services.common import UnfitError
from inspections.services.findings import entering, stepping, sweeping
from projects.catalog import sync_types
from tests.factories.villages import RegionFactory
from tests.inspections.findings.conftest import DAY
from tests.inspections.findings.test_states import refusal_of
from tests.inspections.sweeps.conftest import (
    CITY,
    COUNTY,
    LOW,
    NEIGHBOUR,
    ON,
    SIBLING,
    VILLAGE,
    Homes,
    Office,
    problem,
    swept,
)
from tests.projects.conftest import proposed
from villages.models import Region

pytestmark = pytest.mark.django_db
FACT = "收入核算不实"


def states(sweep: Sweep) -> dict[str, int]:
    found = SweepMatch.objects.filter(sweep=sweep).order_by().values_list("state", flat=True)
    told = list(found)
    return {state: told.count(state) for state in set(told)}


def opened(office: Office, sweep: Sweep, **changes: Any) -> int:
    return sweeping.open_all(
        **{"sweep": sweep, "words": FACT, "on": ON, "by": office.county} | changes
    )


def test_it_finds_what_the_list_shows_in_the_place(office: Office, homes: Homes) -> None:
    sweep = swept(office, problem(office))
    with walls.scoped(office.county):
        kept = sweep.runs.get()
        assert (kept.matched, kept.fresh, kept.counties) == (3, 3, {"410324": 3})
        found = list(sweep.matches.order_by("pk").values_list("household_id", flat=True))
    assert set(found) == {row.household_id for row in homes.rows[:3]}
    told = sweeps.by_county(sweeps.of_last_run(sweep, office.county))
    assert {code: one.open for code, one in told.items()} == {"410324": 3}


def test_a_city_sees_each_county_and_each_county_its_own(
    office: Office, homes: Homes, city_admin: User, songxian_clerk: User
) -> None:
    sweep = swept(office, problem(office), region=RegionFactory(code=CITY), by=city_admin)
    for actor, seen in (
        (city_admin, {"410324": 3, "410325": 1}), (office.county, {"410324": 3}),
        (songxian_clerk, {"410325": 1}), (office.village, {"410324": 2}),
    ):  # fmt: skip
        assert sweeps.visible(actor).get() == sweep
        with walls.scoped(actor):
            assert Sweep.objects.count() == SweepRun.objects.count() == 1
            assert SweepMatch.objects.count() == sum(seen.values())
            told = sweeps.by_county(sweeps.of_last_run(sweep, actor))
        assert {code: one.open for code, one in told.items()} == seen


def test_neighbours_see_nothing(office: Office, homes: Homes, songxian_clerk: User) -> None:
    sweep = swept(office, problem(office))
    assert not sweeps.visible(songxian_clerk).exists()
    assert not sweeps.of_last_run(sweep, songxian_clerk).exists()
    with walls.scoped(songxian_clerk):
        for table in (Sweep, SweepRun, SweepMatch):
            assert not table.objects.exists()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"region": CITY}, "权限"),
        ({"region": NEIGHBOUR[:6] + "000000"}, "权限"),
        ({"region": VILLAGE}, "全县或全市"),
        ({"query": sweeping.Query("REGISTER", {}, "全部", 2018)}, "至少选择一个条件"),
        ({"query": sweeping.Query("REGISTER", {"cause": []}, "全部", 2018)}, "至少选择一个条件"),
        ({"query": sweeping.Query("REGISTER", {"q": "何"}, "姓何", 2018)}, "不能用于"),
        ({"query": sweeping.Query("PROJECTS", {"words": "路"}, "路", 2018)}, "不能用于"),
        ({"query": sweeping.Query("NONSENSE", LOW, "x", 2018)}, "不能用于"),
        ({"query": sweeping.Query("REGISTER", LOW, "低收入")}, "年度"),
    ],
)
def test_what_cannot_be_looked_for(
    office: Office, homes: Homes, changes: dict[str, Any], words: str
) -> None:
    if "region" in changes:
        changes = {"region": RegionFactory(code=changes["region"])}
    with pytest.raises(UnfitError, match=words):
        swept(office, problem(office), **changes)
    assert not Sweep.objects.exists()


def test_only_whoever_registers_problems_looks(
    office: Office, homes: Homes, songxian_clerk: User, city_leader: User
) -> None:
    finding = problem(office)
    sweep = swept(office, finding)
    for by in (office.village, office.town, songxian_clerk, city_leader):
        with pytest.raises(UnfitError, match="权限"):
            swept(office, finding, by=by)
        with pytest.raises(UnfitError, match="权限"):
            sweeping.run(sweep=sweep, on=ON, by=by)
        with pytest.raises(UnfitError, match="没有可以"):
            opened(office, sweep, by=by)
        with pytest.raises(UnfitError, match="没有可以"):
            sweeping.dismiss(sweep=sweep, reason="无", on=ON, by=by)


def test_too_many_are_told_to_be_narrowed(
    office: Office, homes: Homes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "MOST", 2)
    with pytest.raises(UnfitError, match="超过 2 项"):
        swept(office, problem(office))
    assert not Sweep.objects.exists()
    monkeypatch.undo()
    sweep = swept(office, problem(office))
    monkeypatch.setattr(sweeping, "MOST_AT_ONCE", 2)
    with pytest.raises(UnfitError, match="最多列入 2 项"):
        opened(office, sweep)


def test_likes_are_opened_with_what_the_problem_is(office: Office, homes: Homes) -> None:
    parent = problem(office, severity="SERIOUS", basis="扶贫办〔2018〕1 号")
    sweep = swept(office, parent)
    first = SweepMatch.objects.order_by("pk").first()
    assert first is not None
    with walls.scoped(office.county):
        assert opened(office, sweep, keys=[first.pk]) == 1
    made = Finding.objects.get(parent=parent)
    assert (made.origin, made.state, made.source, made.level) == (
        "SWEEP", "FOUND", parent.source, parent.level
    )  # fmt: skip
    assert (made.severity, made.basis, made.found_on) == ("SERIOUS", parent.basis, ON)
    number = first.household.household_no
    assert made.fact == f"{FACT}（户编号 {number}）"
    assert made.number.startswith("W2018410324")
    assert made.region_code == made.household.village_code  # type: ignore[union-attr]
    assert states(sweep) == {"OPENED": 1, "OPEN": 2}
    assert opened(office, sweep, region=SIBLING) == 1
    assert opened(office, sweep) == 1
    assert len(set(Finding.objects.filter(parent=parent).values_list("number"))) == 3
    with pytest.raises(UnfitError, match="没有可以"):
        opened(office, sweep)
    with pytest.raises(UnfitError, match="填写问题事实"):
        opened(office, sweep, words=" ")


def test_a_thousand_cost_as_many_queries_as_one(office: Office, homes: Homes) -> None:
    def cost(work: Any) -> int:
        with CaptureQueriesContext(connection) as asked:
            work()
        return len(asked)

    one = swept(
        office,
        problem(office),
        query=sweeping.Query("REGISTER", {"income_below": "2050"}, "x", 2018),
    )
    more = swept(office, problem(office))
    assert cost(lambda: sweeping.run(sweep=one, on=ON, by=office.county)) == cost(
        lambda: sweeping.run(sweep=more, on=ON, by=office.county)
    )
    assert cost(lambda: opened(office, one)) == cost(lambda: opened(office, more))


def test_nothing_is_opened_twice(office: Office, homes: Homes) -> None:
    parent = problem(office)
    one, other = swept(office, parent), swept(office, parent)
    opened(office, one)
    # The other search did not hear of it yet: the database refuses, whole.
    with pytest.raises(UnfitError, match="已由本问题的举一反三列入"):
        opened(office, other)
    assert Finding.objects.filter(parent=parent).count() == 3
    sweeping.run(sweep=other, on=ON, by=office.county)
    assert states(other) == {"KNOWN": 3}
    like = Finding.objects.filter(parent=parent).first()
    assert like is not None
    again = {"number": "", "state": "", "position": 0, "state_on": None, "pk": None}
    for name, value in again.items():
        setattr(like, name, value)
    like._state.adding = True
    assert refusal_of(lambda: like.save(force_insert=True)) == "finding_like_household_once"


def test_what_is_on_the_ledger_is_known(office: Office, homes: Homes) -> None:
    parent = problem(office, object_kind="HOUSEHOLD", household=homes.rows[0].household)
    sweep = swept(office, parent)
    known = SweepMatch.objects.get(state="KNOWN")
    assert (known.household_id, known.finding) == (homes.rows[0].household_id, parent)
    assert states(sweep) == {"KNOWN": 1, "OPEN": 2}


def test_a_later_run_finds_what_changed(office: Office, homes: Homes) -> None:
    sweep = swept(office, problem(office))
    first = sweep.runs.get()
    sweeping.dismiss(
        sweep=sweep, reason="外出务工，收入已核实", on=ON, region=SIBLING, by=office.county
    )
    homes.earn(0, 9000)
    homes.earn(3, 1000)
    later = sweeping.run(sweep=sweep, on=ON, by=office.county)
    assert (later.matched, later.fresh) == (3, 1)
    assert later.digest != first.digest
    (told,) = sweeps.of_finding(sweep.finding, office.county)
    assert (told.tally.open, told.tally.dismissed, told.tally.fresh, told.tally.whole) == (
        2,
        1,
        1,
        3,
    )
    # What no longer meets the terms stays written down and is not opened.
    assert SweepMatch.objects.count() == 4
    assert opened(office, sweep) == 2
    same = sweeping.run(sweep=sweep, on=ON, by=office.county)
    assert (same.digest, same.fresh) == (later.digest, 0)


def test_projects_are_looked_for(office: Office) -> None:
    sync_types()
    project = proposed(office.village)
    proposed(office.village, name="别的", year=2017)
    query = sweeping.Query("PROJECTS", {"type": "1001", "state": "PROPOSED"}, "道路、已申报", 2018)
    parent = problem(office)
    sweep = swept(office, parent, query=query)
    assert opened(office, sweep) == 1
    made = Finding.objects.get(parent=parent)
    assert (made.object_kind, made.project) == ("PROJECT", project)
    assert project.number in made.fact
    other = swept(office, parent, query=query)
    assert states(other) == {"KNOWN": 1}


def rule_finding(code: str, at: int = 0) -> FundFinding:
    place = RegionFactory(code=code)
    return FundFinding.objects.create(
        rule=FundRule.objects.get(code="unpaid"), rule_version=1, year=2018 + at, subject="REGION",
        subject_id=place.pk, region=place, region_code=code, state="VIOLATED", words="未支付",
        opened_on=DAY,
    )  # fmt: skip


def test_what_rules_on_money_found_is_opened_by_its_key(office: Office) -> None:
    found, taken = rule_finding(VILLAGE), rule_finding(SIBLING)
    rule_finding(VILLAGE, 1)
    rule_finding(NEIGHBOUR)
    RegionFactory(code=COUNTY)
    entering.raise_fund_finding(found=taken, severity="ORDINARY", by=office.county)
    parent = problem(office)
    query = sweeping.Query("FUNDS", {"rule": "unpaid", "standing": "open"}, "未支付", 2018)
    sweep = swept(office, parent, query=query)
    assert states(sweep) == {"OPEN": 1, "KNOWN": 1}
    assert opened(office, sweep) == 1
    made = Finding.objects.get(parent=parent)
    assert (made.origin, made.fund_finding) == ("SWEEP", found)
    assert made.fact.endswith("未支付）")
    with pytest.raises(UnfitError, match="已经列入台账"):
        entering.raise_fund_finding(found=found, severity="ORDINARY", by=office.county)


# --- closing ------------------------------------------------------------------------------------


def test_closing_waits_for_a_run_since_it_was_verified(office: Office, homes: Homes) -> None:
    finding = office.brought_to(State.CLAIMED)
    sweep = swept(office, finding, on=DAY)
    assert sweeps.due(finding) == []
    finding = office.take(finding, State.VERIFIED, DAY + timedelta(4))
    assert sweeps.due(finding) == [sweep]
    assert sweeps.of_finding(finding, office.second)[0].is_due
    told = {"finding": finding, "words": "销号", "on": DAY + timedelta(5), "by": office.second}
    with pytest.raises(UnfitError, match="“人均纯收入低于 3000 元”"):
        stepping.close(**told)
    step = FindingStep(
        finding=finding, region_code=finding.region_code, position=finding.position,
        state="CLOSED", on=DAY + timedelta(5), words="销号", created_by=office.second,
    )  # fmt: skip
    assert refusal_of(step.save) == "finding_swept_before_closing"
    sweeping.run(sweep=sweep, on=DAY + timedelta(4), by=office.county)
    assert stepping.close(**told).state == State.CLOSED


def test_each_search_counts_and_watching_waits_too(office: Office, homes: Homes) -> None:
    finding = office.brought_to(State.VERIFIED, needs_watch=True)
    one, _ = swept(office, finding, on=DAY), swept(office, finding, on=ON)
    told = {"finding": finding, "words": "转入", "on": ON, "by": office.second}
    with pytest.raises(UnfitError, match="重新查找"):
        stepping.close(**told)
    sweeping.run(sweep=one, on=ON, by=office.county)
    assert stepping.close(**told).state == State.WATCHED


def test_what_went_on_elsewhere_is_not_looked_for(office: Office, homes: Homes) -> None:
    with pytest.raises(UnfitError, match="并入或拆分"):
        swept(office, office.brought_to(State.MERGED))


# --- what the database keeps --------------------------------------------------------------------


def test_searches_runs_and_decisions_stand(office: Office, homes: Homes) -> None:
    sweep = swept(office, problem(office))
    other = swept(office, problem(office))
    opened(office, sweep, region=SIBLING)
    done = SweepMatch.objects.get(sweep=sweep, state="OPENED")
    waiting = SweepMatch.objects.filter(sweep=sweep, state="OPEN")[0]

    def changed(match: SweepMatch, **values: Any) -> str:
        return refusal_of(lambda: SweepMatch.objects.filter(pk=match.pk).update(**values))

    changed(done, state="OPEN", finding=None, decided_on=None, decided_by=None)
    changed(done, finding=sweep.finding)
    changed(waiting, household=done.household)
    decided = {"decided_on": ON, "decided_by": office.county}
    assert changed(waiting, state="DISMISSED", **decided) == "sweep_match_decided_whole"
    as_itself = "sweep_match_opened_as_itself"
    assert changed(waiting, state="OPENED", finding=done.finding, **decided) == as_itself
    assert changed(waiting, state="OPENED", finding=sweep.finding, **decided) == as_itself
    assert changed(waiting, last=other.runs.get()) == "sweep_match_of_its_sweep"
    refusal_of(lambda: Sweep.objects.filter(pk=sweep.pk).update(terms={"cause": ["01"]}))
    refusal_of(lambda: SweepRun.objects.filter(sweep=sweep).update(matched=0))
    for table in ("sweep", "sweeprun", "sweepmatch"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM inspections_{table}")


def test_a_match_lies_where_was_looked(office: Office, homes: Homes) -> None:
    sweep = swept(office, problem(office))
    run = sweep.runs.get()
    stray = SweepMatch(
        sweep=sweep, first=run, last=run, region=RegionFactory(code=NEIGHBOUR),
        region_code=NEIGHBOUR, household=homes.neighbour.household,
    )  # fmt: skip
    assert refusal_of(stray.save) == "sweep_match_of_its_sweep"


def test_matches_follow_a_recoded_division(office: Office, homes: Homes) -> None:
    sweep = swept(office, problem(office))
    match = SweepMatch.objects.filter(sweep=sweep, region_code=VILLAGE)[0]
    for old, new in ((VILLAGE, "410326100203"), (COUNTY, "410326000000")):
        Region.objects.filter(code=old).update(code=new)
    match.refresh_from_db()
    assert match.region_code == "410326100203"
    told = (Sweep, SweepRun)
    assert {table.objects.get().region_code for table in told} == {"410326000000"}  # type: ignore[attr-defined]


def test_whoever_moved_away_is_not_the_countys(office: Office, homes: Homes) -> None:
    home = homes.rows[0].household
    type(home).objects.filter(pk=home.pk).update(
        village=RegionFactory(code=NEIGHBOUR), village_code=NEIGHBOUR
    )
    assert swept(office, problem(office)).runs.get().matched == 2


def test_standings_cost_the_same_for_many(office: Office, homes: Homes) -> None:
    finding = problem(office)

    def cost() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert sweeps.of_finding(finding, office.county)[0].tally.whole == 3
        return len(asked)

    swept(office, finding)
    one = cost()
    swept(office, finding)
    swept(office, finding, on=date(2018, 9, 12))
    assert cost() == one <= 4
