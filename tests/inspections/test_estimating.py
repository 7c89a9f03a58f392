"""Results of a round: from answered households and confirmed cases to a verdict with its grounds."""

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from accounts.models import User
from core import walls
from core.jobs.models import Job
from exits.enums import Comparator, Verdict
from exits.formulas import Standard
from exits.models import Snapshot
from exits.services import recompute
from inspections.enums import Rate
from inspections.formulas import limits
from inspections.models import Case, DirtyRound, Rectification, Result, Round, SampleHousehold
from inspections.queries import estimates as queries
from inspections.services import (
    cases,
    compositing,
    estimating,
    judging,
    planning,
    rectifying,
    requests,
    rounds,
    sampling,
    surveying,
)
from inspections.services.common import UnfitError
from tests.factories.villages import RegionFactory
from tests.inspections.conftest import COUNTY, DAY, DESIGN, WRONGFUL, planned, visit
from villages.models import PopulationBase

pytestmark = pytest.mark.django_db
LATER = DAY + timedelta(20)
WIDE: dict[str, Any] = DESIGN | {
    "strata": {"P0": {"villages": 2}, "O0": {"villages": 2, "method": "EQUAL"}},
}


def drawn(round_: Round, office: User) -> Round:
    planning.freeze_frame(round=round_, by=office)
    return sampling.draw(round=round_, by=office)


def base(persons: int = 20_000) -> PopulationBase:
    return PopulationBase.objects.create(
        region=RegionFactory(code=COUNTY), region_code=COUNTY, year=2018, basis="rural",
        persons=persons, source="2018年统计年鉴",
    )  # fmt: skip


@pytest.fixture
def wide_round(county: None, office: User) -> Round:
    return drawn(planned(office, design=WIDE), office)


def due(round_: Round, *kinds: str) -> list[SampleHousehold]:
    rows = SampleHousehold.objects.filter(round=round_, is_reserve=False)
    if kinds:
        rows = rows.filter(kind__in=kinds)
    return list(rows.order_by("village__code", "kind", "rank"))


def answer_all(round_: Round, surveyor: User, office: User, *, but: int | None = None) -> None:
    """Everybody due is visited and clean."""
    for one in due(round_):
        if one.pk != but:
            visit(one, surveyor, office)


def confirm(case: Case, county_office: User, office: User, decider: User, persons: int) -> Case:
    cases.accept(case=case, on=DAY, reason="无异议", by=county_office)
    case.refresh_from_db()
    cases.recheck(case=case, on=LATER, reason="属实", by=office)
    return cases.confirm(case=case, persons=persons, on=LATER, reason="属实", by=decider)


def result(round_: Round, rate: str) -> Result:
    return Result.objects.get(round=round_, rate=rate)


def computed(round_: Round) -> dict[str, Result]:
    estimating.recompute(round_.pk)
    return {one.rate: one for one in Result.objects.filter(round=round_)}


def test_nothing_answered_is_not_computable_and_says_why(wide_round: Round) -> None:
    found = computed(wide_round)
    assert set(found) == set(Rate.values)
    for rate in (Rate.WRONGFUL_EXIT, Rate.OMISSION_VILLAGES, Rate.COMPOSITE, Rate.APPROVAL):
        assert found[rate].verdict == Verdict.NOT_COMPUTABLE
        assert "样本户没有入户" in found[rate].reason
        assert found[rate].estimate is None
    assert "缺少该年度人口基数" in found[Rate.COMPOSITE].reason
    assert found[Rate.EXIT_ACCURACY].verdict == Verdict.NONE


def test_clean_county_of_few_households_is_met_by_the_point_and_not_by_the_limit(
    wide_round: Round, surveyor: User, office: User
) -> None:
    base()
    answer_all(wide_round, surveyor, office)
    found = computed(wide_round)
    wrongful = found[Rate.WRONGFUL_EXIT]
    assert (wrongful.numerator, wrongful.households, wrongful.due) == (0, 8, 8)
    assert (wrongful.estimate, wrongful.lower, wrongful.shown) == (0, 0, "0.00%")
    assert wrongful.verdict == Verdict.WEAK_EVIDENCE
    # Households of the strata have different weights; worth says how many alike they make.
    weights = [1 / chance for chance in chances(wide_round)]
    worth = float(sum(weights) ** 2 / sum(one * one for one in weights))
    assert float(wrongful.worth or 0) == pytest.approx(worth, abs=1e-3)
    assert float(wrongful.upper or 0) == pytest.approx(limits.upper(0, worth))
    assert wrongful.more is not None
    assert f"约需再调查 {wrongful.more} 户" in wrongful.reason
    assert limits.upper(0, worth * (8 + wrongful.more) / 8) < 0.02
    assert limits.upper(0, worth * (7 + wrongful.more) / 8) >= 0.02
    assert (wrongful.definition_version, wrongful.threshold) == (1, Decimal("0.02"))
    assert "贫困县退出专项评估检查实施办法" in wrongful.source
    approval = found[Rate.APPROVAL]
    assert (approval.numerator, approval.denominator, approval.shown) == (20, 20, "100.00%")
    assert found[Rate.EXIT_ACCURACY].shown == "100.00%"
    composite = found[Rate.COMPOSITE]
    assert (composite.facts["population"], composite.facts["source"]) == (20_000, "2018年统计年鉴")
    assert composite.numerator == composite.facts["remaining"]
    assert composite.estimate == Decimal(composite.facts["remaining"]) / 20_000
    assert composite.is_gate
    assert not found[Rate.COMPOSITE_RAW].is_gate
    assert found[Rate.COMPOSITE_RAW].verdict == Verdict.NONE


def chances(round_: Round, kind: str = "EXITED") -> list[Fraction]:
    rows = SampleHousehold.objects.filter(round=round_, kind=kind, is_reserve=False)
    return [
        Fraction(one.village.numerator, one.village.denominator)
        * Fraction(one.numerator, one.denominator)
        for one in rows.select_related("village")
    ]


def test_only_confirmed_cases_count_and_with_their_weight(
    wide_round: Round, surveyor: User, office: User, county_office: User, decider: User
) -> None:
    base()
    bad = due(wide_round, "EXITED")[0]
    answer_all(wide_round, surveyor, office, but=bad.pk)
    visit(bad, surveyor, office, WRONGFUL)
    suspected = computed(wide_round)[Rate.WRONGFUL_EXIT]
    assert (suspected.numerator, suspected.verdict) == (0, Verdict.NOT_COMPUTABLE)
    assert "有疑似问题尚未核定（1 个）" in suspected.reason
    assert computed(wide_round)[Rate.OMISSION_VILLAGES].verdict == Verdict.WEAK_EVIDENCE
    case = confirm(Case.objects.get(), county_office, office, decider, 2)
    found = computed(wide_round)
    wrongful = found[Rate.WRONGFUL_EXIT]
    rows = due(wide_round, "EXITED")
    weights = {one.pk: 1 / chance for one, chance in zip(rows, ordered_chances(rows), strict=True)}
    persons = sum(weights[one.pk] * one.frame.persons for one in rows)
    exact = weights[bad.pk] * 2 / persons
    assert wrongful.numerator == 2
    assert wrongful.denominator == sum(one.frame.persons for one in rows)
    assert wrongful.estimate is not None
    assert abs(Fraction(wrongful.estimate) - exact) < Fraction(1, 10**14)
    assert wrongful.verdict == Verdict.NOT_MET
    assert wrongful.lower is not None
    assert wrongful.upper is not None
    # One event in one of four villages: two degrees of freedom leave next to nothing known.
    assert 0 <= wrongful.lower < wrongful.estimate < wrongful.upper < 1
    accuracy = found[Rate.EXIT_ACCURACY]
    assert accuracy.estimate is not None
    assert abs(accuracy.estimate + wrongful.estimate - 1) < Decimal("1e-14")
    # The composite carries it over to all exited people of the frame.
    composite = found[Rate.COMPOSITE]
    facts = composite.facts
    carried = (facts["remaining"] + exact * facts["exited"]) / facts["population"]
    assert abs(Fraction(composite.estimate or 0) - carried) < Fraction(1, 10**14)
    raw = found[Rate.COMPOSITE_RAW]
    assert raw.numerator == facts["remaining"] + 2
    assert (raw.households, raw.villages) == (composite.households, 4)
    assert Fraction(found[Rate.COMPOSITE_RAW].estimate or 0) == Fraction(
        facts["remaining"] + 2, 20_000
    )
    assert case.confirmed_persons == 2


def ordered_chances(rows: list[SampleHousehold]) -> list[Fraction]:
    return [
        Fraction(one.village.numerator, one.village.denominator)
        * Fraction(one.numerator, one.denominator)
        for one in rows
    ]


def test_omission_counts_households_and_members_with_either_denominator(
    wide_round: Round, surveyor: User, office: User, county_office: User, decider: User
) -> None:
    whole = due(wide_round, "OTHER")[0]
    member = due(wide_round, "POOR")[0]
    for one in due(wide_round):
        if one.pk == whole.pk:
            visit(one, surveyor, office, surveying.Suspicion("OMITTED_HOUSEHOLD", 3, "住危房"))
        elif one.pk == member.pk:
            visit(one, surveyor, office, surveying.Suspicion("OMITTED_MEMBER", 1, "未登记幼儿"))
        else:
            visit(one, surveyor, office)
    for case in Case.objects.all():
        confirm(case, county_office, office, decider, case.persons)
    found = computed(wide_round)
    villages, surveyed = found[Rate.OMISSION_VILLAGES], found[Rate.OMISSION_SURVEYED]
    assert villages.numerator == surveyed.numerator == 4
    # Asked: a key and an ordinary household of three in each of four villages, and the member.
    assert surveyed.denominator == 4 * 6 + 1
    # Four unregistered households of three in each village; the member stands for the two poor ones.
    assert villages.denominator == 4 * 12 + 2
    assert (villages.is_gate, surveyed.is_gate) == (True, False)
    assert villages.verdict == surveyed.verdict == Verdict.NOT_MET
    rows = {one.pk: Fraction(1, 1) for one in (whole, member)}
    for one in (whole, member):
        rows[one.pk] = 1 / ordered_chances([one])[0]
    assert villages.weighted_numerator == pytest.approx(
        Decimal(float(3 * rows[whole.pk] + rows[member.pk])), abs=Decimal("0.001")
    )


def test_definition_decides_which_denominator_is_the_gate(
    county: None, surveyor: User, office: User
) -> None:
    round_ = planned(office, design=WIDE)
    told = round_.definitions
    for text, gate in (("受访未建档立卡人口", Rate.OMISSION_SURVEYED), ("某种人口", None)):
        told["omission_rate"]["denominator"] = text
        sample = queries.sample_of(round_)
        rows = {one.rate: one for one in estimating.figures(round_, sample, None)}
        gates = {rate for rate, one in rows.items() if one.is_gate and "omission" in rate}
        assert gates == ({gate} if gate else set())
        assert (estimating.UNKNOWN_BASE in rows[Rate.COMPOSITE].reason) == (gate is None)


def test_households_that_did_not_answer_are_stood_for_by_those_that_did(
    wide_round: Round, surveyor: User, office: User
) -> None:
    first = due(wide_round, "EXITED")[0]
    answer_all(wide_round, surveyor, office, but=first.pk)
    assert "尚有 1 户样本户没有入户" in computed(wide_round)[Rate.WRONGFUL_EXIT].reason
    surveying.assign(round=wide_round, samples=[first], surveyor=surveyor, by=office)
    surveying.record_visit(
        sample=first, visited_at=timezone.now(), place="门外", outcome="AWAY", by=surveyor
    )
    found = computed(wide_round)[Rate.WRONGFUL_EXIT]
    assert (found.due, found.households) == (8, 7)
    assert found.verdict == Verdict.WEAK_EVIDENCE
    (village,) = [
        one
        for one in queries.totals(queries.sample_of(wide_round), queries.WRONGFUL_EXIT)
        if one.code == first.village_code
    ]
    # Two of five were drawn, one of the two answered: it stands for all five.
    assert [one.probability for one in village.households] == [Fraction(1, 5)]


def test_census_with_a_village_where_nobody_answered_is_no_census(
    county: None, surveyor: User, office: User
) -> None:
    round_ = census(county, office)
    silent = due(round_)[0].village_code
    for one in due(round_):
        if one.village_code != silent:
            visit(one, surveyor, office)
            continue
        surveying.assign(round=round_, samples=[one], surveyor=surveyor, by=office)
        surveying.record_visit(
            sample=one, visited_at=timezone.now(), place="村口", outcome="UNREACHABLE", by=surveyor
        )
    found = computed(round_)[Rate.WRONGFUL_EXIT]
    assert (found.villages, found.households, found.due) == (5, 25, 30)
    assert found.worth is not None
    assert found.upper is not None
    assert found.upper > 0
    # The two poor villages that did answer stand for three.
    sample = queries.totals(queries.sample_of(round_), queries.WRONGFUL_EXIT)
    assert sorted({one.probability for one in sample}) == [Fraction(2, 3), Fraction(1)]


def test_stratum_without_an_answer_is_named(
    drawn_round: Round, surveyor: User, office: User
) -> None:
    for one in due(drawn_round):
        if one.village.stratum == "P0":
            visit(one, surveyor, office)
    reason = computed(drawn_round)[Rate.APPROVAL].reason
    assert "有抽样层未完成调查（非贫困村）" in reason


def test_type_that_was_not_drawn_leaves_its_rate_unknown(
    county: None, surveyor: User, office: User
) -> None:
    takes = WIDE["takes"] | {"OTHER": {"households": 0}}
    round_ = drawn(planned(office, design=WIDE | {"takes": takes}), office)
    answer_all(round_, surveyor, office)
    found = computed(round_)
    assert "方案没有抽取非建档立卡一般户" in found[Rate.OMISSION_VILLAGES].reason
    assert found[Rate.OMISSION_VILLAGES].verdict == Verdict.NOT_COMPUTABLE
    assert found[Rate.WRONGFUL_EXIT].verdict == Verdict.WEAK_EVIDENCE


def test_base_that_is_too_small_is_refused(wide_round: Round, surveyor: User, office: User) -> None:
    base(10)
    answer_all(wide_round, surveyor, office)
    assert compositing.BASE_TOO_SMALL in computed(wide_round)[Rate.COMPOSITE].reason


def census(county: None, office: User) -> Round:
    design = {
        "strata": {"P0": {"villages": 3}, "O0": {"villages": 3}},
        "takes": {kind: {"households": None} for kind in ("EXITED", "POOR", "KEY", "OTHER")},
    }
    return drawn(planned(office, design=design), office)


def test_census_is_exact_met_and_to_rectify_until_it_is_done(
    county: None, surveyor: User, office: User, county_office: User, decider: User
) -> None:
    base(1_000)
    round_ = census(county, office)
    bad = due(round_, "EXITED")[0]
    answer_all(round_, surveyor, office, but=bad.pk)
    visit(bad, surveyor, office, WRONGFUL)
    case = confirm(Case.objects.get(), county_office, office, decider, 1)
    found = computed(round_)[Rate.WRONGFUL_EXIT]
    assert found.denominator == 6 * (2 + 3 + 2 + 3 + 2)
    assert (found.numerator, found.worth) == (1, None)
    assert found.lower == found.estimate == found.upper
    assert (found.shown, found.verdict) == ("1.39%", Verdict.TO_RECTIFY)
    assert found.reason == "尚有 1 个确认问题未整改到位"
    with pytest.raises(UnfitError, match="整改日期"):
        rectifying.rectify(case=case, on=DAY, measure="修缮", evidence="照片", by=county_office)
    with pytest.raises(UnfitError, match="县的扶贫办"):
        rectifying.rectify(case=case, on=LATER, measure="修缮", evidence="照片", by=office)
    with pytest.raises(UnfitError, match="措施"):
        rectifying.rectify(case=case, on=LATER, measure="", evidence="照片", by=county_office)
    with walls.scoped(county_office):
        rectifying.rectify(
            case=case, on=LATER, measure="房屋修缮", evidence="验收单", by=county_office
        )
    found = computed(round_)[Rate.WRONGFUL_EXIT]
    assert (found.verdict, found.reason, found.numerator) == (Verdict.MET, "", 1)
    with pytest.raises(UnfitError, match="已经登记"):
        rectifying.rectify(case=case, on=LATER, measure="修", evidence="照片", by=county_office)


def test_only_confirmed_problems_can_be_put_right(
    wide_round: Round, surveyor: User, office: User, county_office: User
) -> None:
    visit(due(wide_round, "EXITED")[0], surveyor, office, WRONGFUL)
    case = Case.objects.get()
    with pytest.raises(UnfitError, match="已确认"):
        rectifying.rectify(case=case, on=LATER, measure="修", evidence="照片", by=county_office)
    with pytest.raises(DatabaseError), transaction.atomic():
        Rectification.objects.create(
            case=case, village_code=case.village_code, on=LATER, measure="修", evidence="照片",
            created_by=county_office,
        )  # fmt: skip


def marks() -> set[int]:
    return set(DirtyRound.objects.values_list("round_id", flat=True))


def test_whatever_changes_a_result_marks_its_round(
    wide_round: Round, surveyor: User, office: User, county_office: User
) -> None:
    def marked_by(work: Any) -> bool:
        DirtyRound.objects.all().delete()
        work()
        return marks() == {wide_round.pk}

    bad, other = due(wide_round, "EXITED")[:2]
    assert marked_by(lambda: visit(bad, surveyor, office, WRONGFUL))
    case = Case.objects.get()
    assert marked_by(lambda: cases.accept(case=case, on=DAY, reason="属实", by=county_office))
    assert marked_by(base)
    assert marked_by(lambda: rounds.disclose(round=wide_round, by=office))
    assert marked_by(lambda: visit(other, surveyor, office))


def test_job_computes_a_marked_round_once_and_takes_the_marks(
    wide_round: Round, surveyor: User, office: User
) -> None:
    from core.jobs.services import claim
    from inspections.tasks import estimate_job

    visit(due(wide_round)[0], surveyor, office)
    assert requests.request_dirty() == 1
    assert requests.request_dirty() == 1
    job = Job.objects.get(kind="inspections.estimate")
    assert (job.scope, job.params) == ("4103", {"round": wide_round.pk})
    run = claim(job.pk)
    assert run is not None
    estimate_job(run)
    assert not marks()
    job.refresh_from_db()
    assert job.state == "DONE"
    before = result(wide_round, Rate.APPROVAL)
    assert (before.numerator, before.as_of is not None) == (1, True)
    assert not estimating.recompute(wide_round.pk)
    assert result(wide_round, Rate.APPROVAL).computed_at == before.computed_at


def test_former_results_stay_in_the_history(
    wide_round: Round, surveyor: User, office: User
) -> None:
    rows = due(wide_round)
    for one in rows[:2]:
        visit(one, surveyor, office)
        estimating.recompute(wide_round.pk)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT numerator FROM inspections_result_history WHERE rate = 'approval_rate'"
        )
        assert cursor.fetchall() == [(1,)]


def test_county_sees_results_after_disclosure_and_its_figures_follow(
    wide_round: Round, surveyor: User, office: User, county_office: User
) -> None:
    base()
    answer_all(wide_round, surveyor, office)
    computed(wide_round)
    recompute(prefix="410324", partition=2018)
    shown = Snapshot.objects.filter(region_code=COUNTY, metric="wrongful_exit_rate")
    assert shown.get().reason == "尚无抽样调查"
    with walls.scoped(county_office):
        assert not Result.objects.exists()
    assert not Result.objects.visible_to(county_office).exists()
    rounds.disclose(round=wide_round, by=office)
    assert estimating.recompute(wide_round.pk)
    with walls.scoped(county_office):
        assert Result.objects.visible_to(county_office).count() == len(Rate.values)
    for _ in range(2):
        figure = shown.get()
        assert (figure.verdict, figure.numerator) == (Verdict.WEAK_EVIDENCE, 0)
        assert figure.denominator
        # A recompute of the register leaves what the assessment says.
        recompute(prefix="410324", partition=2018)
    assert Job.objects.filter(kind="exits.recompute", scope="410324").exists()
    approval = Snapshot.objects.get(region_code=COUNTY, metric="approval_rate")
    assert approval.numerator == approval.denominator


def test_spot_checks_are_not_the_countys_result(county: None, surveyor: User, office: User) -> None:
    round_ = drawn(planned(office, design=WIDE, kind="SPOT_CHECK"), office)
    rounds.disclose(round=round_, by=office)
    estimating.recompute(round_.pk)
    assert not Snapshot.objects.filter(metric="wrongful_exit_rate").exists()


@pytest.mark.parametrize(
    "change",
    [
        {"verdict": "MET", "estimate": None},
        {"verdict": "NOT_COMPUTABLE", "reason": ""},
        {"upper": Decimal("0.001"), "estimate": Decimal("0.01"), "lower": Decimal(0)},
        {"numerator": 5, "denominator": 4},
        {"verdict": "MET", "source": ""},
    ],
)
def test_database_refuses_a_verdict_without_grounds(
    wide_round: Round, surveyor: User, office: User, change: dict[str, Any]
) -> None:
    answer_all(wide_round, surveyor, office)
    computed(wide_round)
    row = Result.objects.filter(round=wide_round, rate=Rate.WRONGFUL_EXIT)
    with pytest.raises(DatabaseError), transaction.atomic():
        row.update(**change)


def test_stored_rate_never_lies_on_a_threshold_that_it_is_not_on() -> None:
    edge = Standard(Comparator.LT, Decimal("0.02"))
    sliver = Fraction(1, 10**20)
    assert judging.sided(Fraction(1, 50), edge) == Decimal("0.02")
    assert judging.sided(Fraction(1, 50) - sliver, edge) < Decimal("0.02")
    assert judging.sided(Fraction(1, 50) + sliver, edge) > Decimal("0.02")
