"""Every household, village and county by the standards that count: three values, set by set."""

from datetime import date
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from core import walls
from core.scope import Maintenance
from exits.checks.items import judge
from exits.enums import Outcome
from exits.models import (
    Attestation,
    GateResult,
    HouseholdReadiness,
    PovertyLine,
    Snapshot,
    Standard,
    StandardItem,
)
from exits.queries.standards import items_of, standards_at
from exits.services import recompute, recompute_county, recompute_dirty
from exits.services.readiness_statements import _outcome
from exits.services.standards import StandardRefusedError, attest, compare_with, revise_item
from households.models import DirtyRegion, HouseholdYear, PersonYear
from tests.cast import county_office
from tests.factories.households import HOME, NEIGHBOUR, household
from tests.factories.villages import RegionFactory
from villages.models import CountyYear, PopulationBase, Region, VillageYear

COUNTY = "410324000000"
__all__ = ["county_office"]
SHIPPED = {"national", "henan", "hubei", "shaanxi"}
GOOD: dict[str, Any] = {
    "net_income_per_capita": Decimal(4000), "drinking_safe": True, "dangerous_house_level": "1",
}  # fmt: skip


@pytest.fixture
def line(db: None) -> None:
    for code in ("410300000000", COUNTY):
        RegionFactory(code=code)
    PovertyLine.objects.create(year=2018, amount=Decimal(3208), source="测试")


def home(**facts: Any) -> HouseholdYear:
    """A household of 陈家门 of whom everything is declared well, but for these facts."""
    row = household(**(GOOD | facts))
    PersonYear.objects.filter(household=row.household).update(
        in_resident_medical=True, student_status="01"
    )
    return row


def readiness(row: HouseholdYear, code: str = "henan") -> HouseholdReadiness:
    recompute_county(county="410324", partition=2018)
    return HouseholdReadiness.objects.get(household=row.household, standard__code=code)


def gate(item: str, code: str = "henan", region: str = HOME) -> GateResult:
    return GateResult.objects.get(region_code=region, item=item, standard__code=code)


# --- the rule itself ---------------------------------------------------------------------------

BOUNDS = (None, Decimal(0), Decimal(1), Decimal("1.99"), Decimal(2), Decimal(3))


def test_sql_and_python_judge_alike(db: None) -> None:
    """Every pair of bounds, comparator, threshold, base and check."""
    cases = [
        case
        for case in product(BOUNDS, BOUNDS, ("<", "<=", ">=", ">"), (Decimal(0), Decimal(2)),
                            (None, 100), ("", "met", "not_met"))
        if case[0] is None or case[1] is None or case[0] <= case[1]
    ]  # fmt: skip
    rule = _outcome("low", "high", "sign", "limit_ * coalesce(base, 1)", "checked", "true")
    told = []
    with connection.cursor() as cursor:
        for low, high, sign, limit, base, checked in cases:
            cursor.execute(
                f"SELECT {rule} FROM (SELECT %s::numeric AS low, %s::numeric AS high, %s AS sign,"
                " %s::numeric AS limit_, %s::bigint AS base, %s::text AS checked) AS one",
                [low, high, sign, limit, base, checked or None],
            )
            told.append(cursor.fetchone()[0])
    expected = [
        judge(low, high, sign, limit, base=base or 1, checked=checked)
        for low, high, sign, limit, base, checked in cases
    ]
    assert told == expected
    assert set(expected) == set(Outcome)


@given(
    low=st.integers(0, 9), more=st.integers(0, 5), sign=st.sampled_from(["<", "<=", ">=", ">"]),
    limit=st.integers(0, 9),
)  # fmt: skip
def test_met_only_if_every_possible_value_is(low: int, more: int, sign: str, limit: int) -> None:
    each = {judge(value, value, sign, limit) for value in range(low, low + more + 1)}
    told = judge(low, low + more, sign, limit)
    assert told == (each.pop() if len(each) == 1 else Outcome.MISSING)


def test_exactly_at_the_limit_the_comparator_decides() -> None:
    two_percent = Decimal("0.02")
    assert judge(20, 20, "<", two_percent, base=1000) == Outcome.NOT_MET
    assert judge(20, 20, "<=", two_percent, base=1000) == Outcome.MET
    assert judge(1996, 1996, "<", two_percent, base=100_000) == Outcome.MET


# --- standards as data -------------------------------------------------------------------------


def test_every_shipped_item_has_a_source_and_belongs_to_its_set(db: None) -> None:
    assert set(Standard.objects.values_list("code", flat=True)) == SHIPPED
    items = StandardItem.objects.all()
    assert items.count() == 69
    assert not items.filter(source="").exists()
    # The two cities' gates: at least 90 % approve and below 2 %; 98 % of the poor have exited.
    henan = {i.code: i for i in items.filter(standard__code="henan", level="county")}
    assert (henan["omission_rate"].comparator, henan["omission_rate"].threshold) == (
        "<", Decimal("0.02"),
    )  # fmt: skip
    assert henan["approval_rate"].comparator == ">="
    share = items.get(standard__code="hubei", code="exited_share")
    assert (share.comparator, share.threshold) == (">=", Decimal("0.98"))


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("410324", ["henan", "hubei"]),
        ("420116", ["hubei"]),
        ("610922", ["shaanxi", "hubei"]),
        ("620123", ["national", "hubei"]),
    ],
)
def test_in_force_is_the_longest_prefix(db: None, code: str, expected: list[str]) -> None:
    assert [one.code for one in standards_at(code, 2018)] == expected


def test_a_standard_counts_in_its_years(db: None) -> None:
    assert [one.code for one in standards_at("410324", 2016)] == ["henan"]
    assert standards_at("410324", 2015) == []


# --- households --------------------------------------------------------------------------------


def test_what_nobody_stated_is_missing_never_met(line: None) -> None:
    bare = household(net_income_per_capita=None)
    found = readiness(bare)
    assert found.not_met == []
    assert set(found.missing) == {
        "income", "food", "clothing", "water", "medical", "housing",
    }  # fmt: skip


def test_without_a_line_no_income_is_enough(db: None) -> None:
    assert "income" in readiness(home(net_income_per_capita=Decimal(99_999))).missing


@pytest.mark.parametrize(
    ("facts", "item", "outcome"),
    [
        ({"net_income_per_capita": Decimal("3207.99")}, "income", "not_met"),
        ({"net_income_per_capita": Decimal(3208)}, "income", "met"),
        ({"drinking_safe": False}, "water", "not_met"),
        ({"drinking_difficult": True}, "water", "not_met"),
        ({"drinking_safe": None}, "water", "missing"),
        ({"drinking_safe": None, "safe_water_solved": True}, "water", "met"),
        ({"dangerous_house_level": "4"}, "housing", "not_met"),
        ({"dangerous_house_level": "2"}, "housing", "met"),
        ({"dangerous_house_level": "", "is_dangerous_house": False}, "housing", "met"),
        ({"dangerous_house_level": ""}, "housing", "missing"),
        ({"dangerous_house_level": "1", "is_dangerous_house": True}, "housing", "not_met"),
    ],
)
def test_items_of_a_household(line: None, facts: dict[str, Any], item: str, outcome: str) -> None:
    found = readiness(home(**facts))
    told = "not_met" if item in found.not_met else "missing" if item in found.missing else "met"
    assert told == outcome


@pytest.mark.parametrize(
    ("born", "status", "reason", "outcome"),
    [
        (date(2008, 5, 1), "01", "", "not_met"),
        (date(2008, 5, 1), "01", "X1", "met"),
        (date(2008, 5, 1), "01", "X3", "not_met"),
        (date(2008, 5, 1), "03", "", "met"),
        (date(2008, 5, 1), "", "", "missing"),
        # 15 years on 31 December still counts, 16 and 5 no longer or not yet.
        (date(2003, 1, 1), "01", "", "not_met"),
        (date(2002, 12, 31), "01", "", "met"),
        (date(2013, 1, 1), "01", "", "met"),
        (None, "01", "", "missing"),
    ],
)
def test_schooling(line: None, born: date | None, status: str, reason: str, outcome: str) -> None:
    row = home()
    child = PersonYear.objects.filter(household=row.household).latest("pk")
    child.person.birth_date = born
    child.person.save()
    PersonYear.objects.filter(pk=child.pk).update(student_status=status, dropout_reason=reason)
    found = readiness(row)
    told = (
        "not_met" if "schooling" in found.not_met
        else "missing" if "schooling" in found.missing else "met"
    )  # fmt: skip
    assert told == outcome


@pytest.mark.parametrize(
    ("insurance", "outcome"),
    [
        ({"in_resident_medical": False, "in_employee_medical": False,
          "in_commercial_medical": False}, "not_met"),
        ({"in_resident_medical": False, "in_employee_medical": True}, "met"),
        ({"in_resident_medical": False}, "missing"),
    ],
)  # fmt: skip
def test_every_member_is_insured(line: None, insurance: dict[str, bool], outcome: str) -> None:
    row = home()
    one = PersonYear.objects.filter(household=row.household).latest("pk")
    PersonYear.objects.filter(pk=one.pk).update(**{"in_resident_medical": None} | insurance)
    found = readiness(row)
    told = (
        "not_met" if "medical" in found.not_met
        else "missing" if "medical" in found.missing else "met"
    )  # fmt: skip
    assert told == outcome


def test_a_check_fills_in_what_is_missing_and_outweighs_nothing(
    line: None, county_office: User
) -> None:
    row = home(dangerous_house_level="4")
    for item in ("food", "clothing", "housing"):
        check(row, item, "met", county_office)
    found = readiness(row)
    assert (found.not_met, found.missing) == (["housing"], [])
    # The youngest check counts.
    check(row, "food", "not_met", county_office)
    assert readiness(row).not_met == ["food", "housing"]


def check(row: HouseholdYear, item: str, outcome: str, by: User, **changes: Any) -> Attestation:
    values: dict[str, Any] = {
        "region": row.village, "household": row.household, "partition": 2018, "item": item,
        "outcome": outcome, "evidence": "入户查看", "checked_on": date(2018, 11, 1),
        "today": date(2018, 12, 1), "by": by,
    }  # fmt: skip
    return attest(**values | changes)


def test_checks_that_cannot_be_are_refused(line: None, county_office: User) -> None:
    row = home()
    for changes in (
        {"item": "headcount"},
        {"item": "nothing"},
        {"outcome": "missing"},
        {"checked_on": date(2018, 12, 2)},
    ):
        with pytest.raises(StandardRefusedError):
            check(row, **{"item": "food", "outcome": "met"} | changes, by=county_office)


def test_a_check_is_never_changed(line: None, county_office: User) -> None:
    made = check(home(), "food", "met", county_office)
    with pytest.raises(IntegrityError), transaction.atomic():
        Attestation.objects.filter(pk=made.pk).update(outcome="not_met")
    with pytest.raises(IntegrityError), transaction.atomic():
        made.delete()


# --- villages and counties ---------------------------------------------------------------------


def base(code: str, persons: int) -> None:
    PopulationBase.objects.create(
        region=Region.objects.get(code=code), region_code=code, year=2018, basis="agri_hukou",
        persons=persons, source="测试",
    )  # fmt: skip


def test_two_sets_judge_one_register_side_by_side(line: None) -> None:
    """Two of a hundred persons are still poor: below 2 % of the village no, 98 % exited yes."""
    home(members=2)
    for _ in range(49):
        household("exited", members=2)
    base(HOME, 100)
    recompute_county(county="410324", partition=2018)
    henan, hubei = gate("headcount"), gate("exited_share", "hubei")
    assert (henan.numerator, henan.denominator, henan.outcome) == (2, 100, "not_met")
    assert (hubei.numerator, hubei.denominator, hubei.outcome) == (98, 100, "met")


def test_a_village_of_which_nothing_is_known(line: None) -> None:
    home()
    recompute_county(county="410324", partition=2018)
    found = {row.item: row for row in GateResult.objects.filter(standard__code="henan")}
    villages = {item: row for item, row in found.items() if row.region_code == HOME}
    assert {row.outcome for row in villages.values()} == {"missing"}
    assert villages["headcount"].reason == "缺少该年度人口基数"
    assert villages["broadband"].reason == "尚未现场核实"
    assert villages["road"].reason == "没有填报数据"


def test_facts_of_a_village(line: None) -> None:
    row = home(has_domestic_power=False, has_production_power=True)
    VillageYear.objects.create(
        region=row.village, region_code=HOME, year=2018, source="测试", paved_to_town=True,
        households_unsafe_water=1, culture_rooms=1, clinics=1, doctors=None,
    )  # fmt: skip
    recompute_county(county="410324", partition=2018)
    told = {item: gate(item).outcome for item in (
        "road", "village_water", "culture", "clinic", "power", "broadcast",
    )}  # fmt: skip
    assert told == {
        "road": "met", "village_water": "not_met", "culture": "met", "clinic": "missing",
        "power": "not_met", "broadcast": "missing",
    }  # fmt: skip
    VillageYear.objects.update(doctors=0)
    recompute_county(county="410324", partition=2018)
    assert gate("clinic").outcome == "not_met"


def test_no_registered_household_lacks_power_proves_nothing_of_the_village(
    line: None, county_office: User
) -> None:
    row = home(has_domestic_power=True, has_production_power=True)
    recompute_county(county="410324", partition=2018)
    assert gate("power").outcome == "missing"
    check(row, "power", "met", county_office, household=None)
    recompute_dirty(prefix="410324", partition=2018)
    assert gate("power").outcome == "met"


@pytest.mark.parametrize(
    ("verdict", "outcome"),
    [("MET", "met"), ("WEAK_EVIDENCE", "missing"), ("TO_RECTIFY", "missing")],
)
def test_a_sample_passes_only_with_its_limit(line: None, verdict: str, outcome: str) -> None:
    home()
    recompute_county(county="410324", partition=2018)
    _sample("wrongful_exit_rate", 1, 100, verdict)
    _judge_again()
    assert gate("wrongful_exit_rate", region=COUNTY).outcome == outcome


def test_a_sample_marks_its_county(line: None) -> None:
    """What an assessment stores is judged with the next marks; the register's own figures are not."""
    home()
    recompute_county(county="410324", partition=2018)
    DirtyRegion.objects.all().delete()
    recompute_county(county="410324", partition=2018)
    assert not DirtyRegion.objects.exists()
    _sample("wrongful_exit_rate", 1, 100, "MET")
    assert list(DirtyRegion.objects.values_list("code", flat=True)) == [COUNTY]
    recompute_dirty(prefix="410324", partition=2018)
    assert gate("wrongful_exit_rate", region=COUNTY).outcome == "met"


def test_a_limit_proves_nothing_beyond_the_standard_it_was_judged_by(line: None) -> None:
    home()
    StandardItem.objects.filter(standard__code="henan", code="wrongful_exit_rate").update(
        threshold=Decimal("0.015")
    )
    recompute_county(county="410324", partition=2018)
    _sample("wrongful_exit_rate", 1, 100, "MET")
    _judge_again()
    assert gate("wrongful_exit_rate", region=COUNTY).outcome == "missing"
    assert gate("exited_right", "hubei", COUNTY).outcome == "met"
    _sample("wrongful_exit_rate", 3, 100, "NOT_MET")
    _judge_again()
    assert gate("wrongful_exit_rate", region=COUNTY).outcome == "not_met"


def _sample(metric: str, numerator: int, denominator: int, verdict: str) -> None:
    Snapshot.objects.filter(region_code=COUNTY, metric=metric).update(
        numerator=numerator, denominator=denominator, verdict=verdict, reason=""
    )


def _judge_again() -> None:
    """The gates alone: recomputing the figures would take the made-up sample away."""
    from exits.services.figures import _Below, _values
    from exits.services.readiness import evaluate

    with transaction.atomic(), connection.cursor() as cursor:
        evaluate(cursor, _values(cursor, 2018, "410324"), _Below("410324"), ["410324"])


# --- keeping up --------------------------------------------------------------------------------


def test_one_edit_reaches_its_household_and_leaves_the_others(line: None) -> None:
    one, other = home(dangerous_house_level="4"), home()
    before = readiness(other).computed_at
    assert readiness(one).not_met == ["housing"]
    HouseholdYear.objects.filter(pk=one.pk).update(dangerous_house_level="1")
    with transaction.atomic():
        assert recompute_dirty(prefix="410324", partition=2018) > 0
    rows = HouseholdReadiness.objects.filter(standard__code="henan")
    assert rows.get(household=one.household).not_met == []
    assert rows.get(household=other.household).computed_at == before


def test_a_household_that_left_the_village_leaves_no_row(line: None) -> None:
    row = home()
    readiness(row)
    PersonYear.objects.filter(household=row.household).delete()
    HouseholdYear.objects.filter(pk=row.pk).delete()
    recompute_dirty(prefix="410324", partition=2018)
    assert not HouseholdReadiness.objects.filter(household=row.household).exists()


def test_a_set_no_longer_compared_leaves_no_rows(line: None, city_admin: User) -> None:
    home()
    recompute(prefix="4103", partition=2018)
    assert GateResult.objects.filter(standard__code="hubei").exists()
    DirtyRegion.objects.all().delete()
    compare_with(standard=Standard.objects.get(code="hubei"), is_compared=False, by=city_admin)
    recompute(prefix="4103", partition=2018)
    assert not GateResult.objects.filter(standard__code="hubei").exists()
    assert not HouseholdReadiness.objects.filter(standard__code="hubei").exists()


def test_a_revised_item_gets_a_version_and_judges_again(line: None, city_admin: User) -> None:
    row = home()
    readiness(row)
    item = StandardItem.objects.get(standard__code="henan", level="household", code="food")
    DirtyRegion.objects.all().delete()
    revise_item(item=item, values={"is_active": False}, reason="并入入户表", by=city_admin)
    assert DirtyRegion.objects.filter(partition=2018, code="410000000000").exists()
    found = readiness(row)
    assert (found.standard_version, "food" in found.missing) == (2, False)


def test_a_revision_names_only_what_a_city_may_change(db: None, city_admin: User) -> None:
    item = StandardItem.objects.get(standard__code="henan", level="household", code="food")
    with pytest.raises(ValueError, match="not revisable"):
        revise_item(item=item, values={"measure": "income_margin"}, reason="试", by=city_admin)
    with pytest.raises(StandardRefusedError):
        revise_item(item=item, values={"source": ""}, reason="试", by=city_admin)


def test_judging_twice_writes_once(line: None) -> None:
    home(), home(dangerous_house_level="3")
    CountyYear.objects.create(
        region=Region.objects.get(code=COUNTY), region_code=COUNTY, year=2018, area="central",
        poverty_level="national", source="测试",
    )  # fmt: skip

    def stored() -> list[Any]:
        models = (HouseholdReadiness, GateResult)
        return [list(model.objects.order_by("pk").values()) for model in models]

    recompute_county(county="410324", partition=2018)
    before = stored()
    recompute_county(county="410324", partition=2018)
    assert stored() == before
    items = items_of(standards_at("410324", 2018))
    expected = sum(len(own) for (_, level), own in items.items() if level in ("village", "county"))
    assert len(before[1]) == expected


def test_judged_behind_the_walls(line: None, county_office: User) -> None:
    """A worker that may touch one county judges it, and neither sees nor writes the neighbours'."""
    own, other = home(), household(code=NEIGHBOUR, **GOOD)
    check(own, "food", "met", county_office)
    with walls.scoped(Maintenance("410324")):
        recompute_county(county="410324", partition=2018)
        seen = set(HouseholdReadiness.objects.values_list("household_id", flat=True))
    assert seen == {own.household_id}
    with walls.scoped(Maintenance("410325")):
        recompute_county(county="410325", partition=2018)
        seen = set(HouseholdReadiness.objects.values_list("household_id", flat=True))
        regions = set(GateResult.objects.values_list("region_code", flat=True))
    assert seen == {other.household_id}
    assert {code[:6] for code in regions} == {"410325"}
