"""Figures of the register: every level, exact, cheap after one edit."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from core.jobs.models import Job
from exits.enums import Metric, Verdict
from exits.models import FlowFigure, PovertyLine, Snapshot, Target
from exits.services import recompute, recompute_dirty, recompute_villages, roll_up
from exits.services.requests import request_dirty, request_recompute
from households.models import DirtyRegion, HouseholdYear, PersonYear
from imports.models import Batch
from tests.workbooks import family
from villages.models import CountyYear, PopulationBase, Region, VillageYear

Load = Callable[..., Batch]

OUT = {"脱贫属性": "已脱贫（享受政策）", "贫困户属性": "一般农户"}
CITY, COUNTY, TOWN, VILLAGE = "410300000000", "410324000000", "410324100000", "410324100203"
OTHER = {"乡镇": "栾川乡", "行政村": "养子沟村"}


@pytest.fixture
def register(load_rows: Load) -> None:
    """栾川: two poor households and one exited in 陈家门村, one poor in 养子沟村. 嵩县: one poor."""
    load_rows(
        [
            *family(1), *family(2, 致贫原因="因学"), *family(3, 脱贫年度="2018", 人均纯收入="2000", **OUT),
            *family(4, **OTHER), *family(5, 行政县="嵩县"),
        ]
    )  # fmt: skip
    for code in (CITY, COUNTY, TOWN, VILLAGE):
        region = Region.objects.get(code=code)
        PopulationBase.objects.create(
            region=region,
            region_code=code,
            year=2018,
            basis="agri_hukou",
            persons=300,
            source="测试",
        )
    for code in (COUNTY, "410325000000"):
        CountyYear.objects.create(
            region=Region.objects.get(code=code), region_code=code, year=2018, poverty_level="national",
            area="central", source="测试",
        )  # fmt: skip


def figure(code: str, metric: str, category: str = "") -> Snapshot:
    return Snapshot.objects.get(region_code=code, partition=2018, metric=metric, category=category)


def counted(metric: str, category: str = "") -> list[tuple[int | None, int | None]]:
    found = [figure(code, metric, category) for code in (VILLAGE, TOWN, COUNTY, CITY)]
    return [(row.numerator, row.households) for row in found]


def test_counts_on_every_level(register: None) -> None:
    recompute(prefix="4103", partition=2018)
    assert counted(Metric.REGISTERED) == [(6, 3), (6, 3), (8, 4), (10, 5)]
    assert counted(Metric.REMAINING) == [(4, 2), (4, 2), (6, 3), (8, 4)]
    assert counted(Metric.EXITED_IN_YEAR) == [(2, 1)] * 4
    assert counted(Metric.BY_CAUSE, "03") == [(2, 1)] * 4
    assert counted(Metric.BY_STATUS, "0") == [(4, 2), (4, 2), (6, 3), (8, 4)]


def test_headcount_is_judged_unrounded(register: None) -> None:
    recompute(prefix="4103", partition=2018)
    village = figure(VILLAGE, Metric.HEADCOUNT_RATE)
    assert (village.numerator, village.denominator, village.verdict) == (4, 300, Verdict.MET)
    county = figure(COUNTY, Metric.HEADCOUNT_RATE)
    assert (county.numerator, county.denominator, county.verdict) == (6, 300, Verdict.NOT_MET)


def test_missing_data_is_never_a_guess(register: None) -> None:
    recompute(prefix="4103", partition=2018)
    other = figure("410325000000", Metric.HEADCOUNT_RATE)
    assert (other.verdict, other.reason) == (Verdict.NOT_COMPUTABLE, "缺少该年度人口基数")
    assert figure(COUNTY, Metric.EXITED_BELOW_LINE).reason == "缺少该年度收入标准"
    assert figure(COUNTY, Metric.EXIT_TARGET).reason == "未下达年度任务"
    assert figure(COUNTY, Metric.VILLAGE_EXIT_RATE).reason == "没有登记贫困村"
    for metric in (Metric.OMISSION_RATE, Metric.WRONGFUL_EXIT_RATE, Metric.APPROVAL_RATE):
        assert figure(CITY, metric).reason == "尚无抽样调查"


def test_line_target_and_villages(register: None) -> None:
    PovertyLine.objects.create(year=2018, amount=Decimal(2952), source="测试")
    county, village = Region.objects.get(code=COUNTY), Region.objects.get(code=VILLAGE)
    Target.objects.create(
        region=county, region_code=COUNTY, year=2018, kind="persons", value=2, source="测试"
    )
    VillageYear.objects.create(
        region=village,
        region_code=VILLAGE,
        year=2018,
        is_poor_village=True,
        exited_year=2018,
        source="测试",
    )
    recompute(prefix="410324", partition=2018)
    assert figure(COUNTY, Metric.EXITED_BELOW_LINE).numerator == 2
    target = figure(COUNTY, Metric.EXIT_TARGET)
    assert (target.numerator, target.denominator, target.verdict) == (2, 2, Verdict.MET)
    rate = figure(COUNTY, Metric.VILLAGE_EXIT_RATE)
    assert (rate.numerator, rate.denominator, rate.verdict) == (1, 1, Verdict.MET)


def test_recompute_is_idempotent(register: None) -> None:
    recompute(prefix="4103", partition=2018)
    before = list(Snapshot.objects.order_by("pk").values())
    recompute(prefix="4103", partition=2018)
    assert list(Snapshot.objects.order_by("pk").values()) == before


def test_one_edit_reaches_every_level_and_only_its_own_village(register: None) -> None:
    recompute(prefix="4103", partition=2018)
    untouched = figure("410324200201", Metric.REMAINING).computed_at
    HouseholdYear.objects.filter(household__household_no="86300000000001").update(
        exit_status="1", exit_year=2018, main_cause="03"
    )
    with transaction.atomic():
        assert recompute_dirty(prefix="410324", partition=2018) == 1
        roll_up(prefix="410324", partition=2018)
    assert counted(Metric.REMAINING) == [(2, 1), (2, 1), (4, 2), (6, 3)]
    assert counted(Metric.BY_CAUSE, "03") == [(4, 2)] * 4
    assert figure("410324200201", Metric.REMAINING).computed_at == untouched
    assert not DirtyRegion.objects.filter(code=VILLAGE).exists()
    assert figure(COUNTY, Metric.HEADCOUNT_RATE).verdict == Verdict.MET


def test_cause_that_nobody_has_any_more_is_zero(register: None) -> None:
    recompute(prefix="4103", partition=2018)
    HouseholdYear.objects.filter(main_cause="03").update(main_cause="01")
    recompute_villages(codes=[VILLAGE], partition=2018)
    assert (
        figure(COUNTY, Metric.BY_CAUSE, "03").numerator,
        figure(COUNTY, Metric.BY_CAUSE, "03").households,
    ) == (0, 0)


def test_former_figures_stay_in_the_history(register: None) -> None:
    recompute(prefix="4103", partition=2018)
    HouseholdYear.objects.filter(main_cause="03").update(main_cause="01")
    recompute(prefix="4103", partition=2018)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT numerator FROM exits_snapshot_history WHERE region_code = %s"
            " AND metric = 'by_cause' AND category = '03'",
            [CITY],
        )
        assert cursor.fetchall() == [(2,)]


def test_digest_names_the_list_behind_the_figure(register: None) -> None:
    recompute(prefix="4103", partition=2018)
    village = figure(VILLAGE, Metric.REMAINING)
    ids = PersonYear.objects.filter(
        village_code=VILLAGE, household__years__exit_status="0", household__years__partition=2018
    ).values_list("person_id", flat=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT bit_xor(hashint8extended(id, 0)) FROM unnest(%s) AS id", [list(ids)])
        assert cursor.fetchone()[0] == village.digest


def test_flows_of_the_year(load_rows: Load) -> None:
    load_rows([*family(1), *family(2), *family(3, 脱贫年度="2016", **OUT)], partition=2017)
    load_rows(
        [*family(1, 脱贫年度="2018", **OUT), *family(2), *family(3, 脱贫属性="返贫")],
        partition=2018,
    )
    for year in (2017, 2018):
        recompute(prefix="4103", partition=year)
    rows = FlowFigure.objects.filter(region_code=CITY).values_list("partition", "flow", "persons")
    assert set(rows) == {(2018, "exited", 2), (2018, "relapsed", 2)}


def test_cost_follows_the_change(register: None) -> None:
    """As many statements for one village as for two: nothing is done village by village."""
    recompute(prefix="4103", partition=2018)
    seen = []
    for codes in ([VILLAGE], [VILLAGE, "410324100001"]):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            recompute_villages(codes=codes, partition=2018)
        seen.append(len(queries))
    assert seen[0] == seen[1]


def test_marks_become_one_job_a_county(register: None) -> None:
    request_dirty()
    assert sorted(Job.objects.values_list("scope", "state")) == [
        ("410324", "QUEUED"),
        ("410325", "QUEUED"),
    ]
    # The city's population base was set too, which concerns every county as a whole.
    assert all(Job.objects.values_list("params__full", flat=True))


def test_marks_of_a_year_nobody_opened_are_dropped(register: None) -> None:
    PovertyLine.objects.create(year=2031, amount=Decimal(9000), source="测试")
    request_dirty()
    assert not Job.objects.filter(params__partition=2031).exists()
    assert not DirtyRegion.objects.filter(partition=2031).exists()


def test_request_for_a_city_asks_every_county(register: None) -> None:
    jobs = request_recompute(prefix="4103", partition=2018)
    assert [job.params["county"] for job in jobs] == ["410324", "410325"]
    assert request_recompute(prefix="4103", partition=2018) == jobs


def test_village_that_was_merged_away_is_not_counted(register: None) -> None:
    Region.objects.filter(code="410324100001").update(valid_to=date(2018, 6, 1))
    recompute(prefix="4103", partition=2018)
    assert not Snapshot.objects.filter(region_code="410324100001").exists()
