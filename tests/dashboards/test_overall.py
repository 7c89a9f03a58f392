"""May a county exit? Every verdict of every gate counts, and nothing but 达标 throughout is a pass."""

from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from dashboards.queries.matrix import CITY_GATES, URGENCY, overall
from exits.enums import Metric, Verdict
from exits.models import Snapshot
from exits.queries import Figures
from inspections.models import Case, Round, SampleHousehold
from inspections.services import cases, estimating, rounds
from tests.cast import county_leader  # noqa: F401 - fixture
from tests.factories.villages import RegionFactory
from tests.inspections.conftest import (  # noqa: F401 - fixtures
    COUNTY,
    DAY,
    WRONGFUL,
    county,
    county_office,
    decider,
    drawn_round,
    first,
    office,
    planned_round,
    surveyor,
    visit,
)
from villages.models import CountyYear, PopulationBase

M, N, R, W, C, U = Verdict.MET, Verdict.NOT_MET, Verdict.TO_RECTIFY, Verdict.WEAK_EVIDENCE, (
    Verdict.NOT_COMPUTABLE
), Verdict.NONE  # fmt: skip


def county_of(*verdicts: str) -> Figures:
    found = {
        code: Snapshot(metric=code, verdict=one)
        for code, one in zip(CITY_GATES, verdicts, strict=False)
    }
    return Figures("410324000000", by_metric=found)


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ((M, M, M, M, M), M),
        ((M, M, M, M, W), W),
        ((M, R, M, M, M), R),
        ((M, R, W, M, M), W),
        ((M, R, W, C, M), C),
        ((N, R, W, C, M), N),
        # A gate that nobody judges or computed is not passed.
        ((M, M, M, M, U), C),
        ((M, M, M, M), C),
        ((), C),
    ],
)
def test_the_most_urgent_verdict_counts(verdicts: tuple[str, ...], expected: str) -> None:
    assert overall(county_of(*verdicts), CITY_GATES) == expected


def test_poor_villages_are_a_gate_where_there_are_any() -> None:
    own = county_of(M, M, M, M, M)
    own.by_metric[Metric.VILLAGE_EXIT_RATE] = Snapshot(denominator=10, verdict=N)
    assert overall(own, CITY_GATES) == N
    own.by_metric[Metric.VILLAGE_EXIT_RATE] = Snapshot(denominator=0, verdict=C)
    assert overall(own, CITY_GATES) == M


@given(st.lists(st.sampled_from(list(Verdict)), min_size=5, max_size=5))
def test_only_met_throughout_is_met(verdicts: list[Verdict]) -> None:
    found = overall(county_of(*verdicts), CITY_GATES)
    assert (found == M) == (set(verdicts) == {M})
    assert found in URGENCY


# --- with a round ------------------------------------------------------------------------------

AsUser = Any


@pytest.fixture
def assessed(
    city: None, drawn_round: Round, office: User, surveyor: User,  # noqa: F811
    county_office: User, decider: User,  # noqa: F811
) -> Round:  # fmt: skip
    """Everybody visited, one wrongful exit confirmed, nothing disclosed."""
    PopulationBase.objects.create(
        region=RegionFactory(code=COUNTY), region_code=COUNTY, year=2018, basis="rural",
        persons=20_000, source="2018年统计年鉴",
    )  # fmt: skip
    CountyYear.objects.filter(region_code=COUNTY).update(planned_exit_year=2018)
    bad = first(drawn_round)
    for one in SampleHousehold.objects.filter(round=drawn_round, is_reserve=False):
        visit(one, surveyor, office, *([WRONGFUL] if one.pk == bad.pk else []))
    case = Case.objects.get()
    cases.accept(case=case, on=DAY, reason="无异议", by=county_office)
    cases.recheck(case=case, on=DAY, reason="属实", by=office)
    cases.confirm(case=case, persons=2, on=DAY, reason="属实", by=decider)
    from exits.services import recompute

    recompute(prefix="4103", partition=2018)
    estimating.recompute(drawn_round.pk)
    return drawn_round


def cell_of(board: Any, code: str) -> dict[str, Any]:
    at = [column["code"] for column in board.columns].index(code)
    return next(row for row in board.rows if row["code"] == COUNTY)["cells"][at]


@pytest.mark.django_db
def test_nothing_is_said_before_it_is_disclosed(
    as_user: AsUser,
    assessed: Round,
    city_leader: User,
    county_leader: User,  # noqa: F811
) -> None:
    board = as_user(city_leader).get("/").context["board"]
    assert cell_of(board, Metric.WRONGFUL_EXIT_RATE)["verdict"] == "无法计算"
    assert not as_user(county_leader).get("/").context["board"].rounds


@pytest.mark.django_db
def test_sampled_cells_tell_size_and_limit_and_open_their_receipt(
    as_user: AsUser, assessed: Round, office: User, city_leader: User, county_leader: User,  # noqa: F811
) -> None:  # fmt: skip
    rounds.disclose(round=assessed, by=office)
    estimating.recompute(assessed.pk)
    client: Client = as_user(city_leader)
    board = client.get("/").context["board"]
    cell = cell_of(board, Metric.WRONGFUL_EXIT_RATE)
    assert cell["verdict"] == "不达标"
    assert cell["evidence"].startswith("6 户 · 上限 ")
    assert cell["tick"] is not None
    receipt = client.get(cell["href"])
    assert receipt.context["result"].rate == "wrongful_exit_rate"
    weak = cell_of(board, Metric.APPROVAL_RATE)
    assert weak["verdict"] == "证据不足"
    assert weak["word"] == "下限不足"
    assert board.rows[0]["verdict"]["label"] == "不达标"
    assert "错退率" in " ".join(board.headline["sentences"])
    titles = [one["title"] for one in board.blockers]
    assert any(title.startswith("错退率 ") for title in titles)
    assert any(title.startswith("群众认可度下限 ") for title in titles)
    # The county sees its own round beside whatever others there are, and opens the same receipt.
    own = as_user(county_leader).get("/").context["board"]
    assert [one["name"] for one in own.rounds["columns"]] == ["市级初审"]
    assert own.headline["tag"] == "退出判断：不达标"
    opened = as_user(county_leader).get(own.rounds["rows"][1]["cells"][0]["href"])
    assert opened.status_code == 200
