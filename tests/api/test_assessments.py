"""Rounds, samples, cases and judged figures as other systems read them."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from exits.services import recompute
from inspections.models import Case, Round, SampleHousehold
from inspections.services import cases, estimating, rounds
from tests.factories.villages import RegionFactory
from tests.inspections.conftest import (  # noqa: F401 - fixtures
    COUNTY,
    DAY,
    WRONGFUL,
    county,
    county_office,
    drawn_round,
    first,
    office,
    planned_round,
    surveyor,
    visit,
)

ROUNDS, SAMPLES, CASES = "/api/v1/rounds/", "/api/v1/samples/", "/api/v1/cases/"
METRICS = "/api/v1/metrics/"
Key = Callable[..., str]


@pytest.fixture
def assessed(drawn_round: Round, office: User, surveyor: User) -> Round:  # noqa: F811
    """Everybody visited, one suspicion open; not disclosed."""
    for code in ("410300000000", "410325000000"):
        RegionFactory(code=code)
    bad = first(drawn_round)
    for one in SampleHousehold.objects.filter(round=drawn_round, is_reserve=False):
        visit(one, surveyor, office, *([WRONGFUL] if one.pk == bad.pk else []))
    recompute(prefix="4103", partition=2018)
    estimating.recompute(drawn_round.pk)
    return drawn_round


def get(key: str, path: str, **terms: Any) -> Any:
    return Client().get(path, terms, headers={"Authorization": f"Bearer {key}"})


def results(key: str, path: str, **terms: Any) -> list[dict[str, Any]]:
    answer = get(key, path, **terms)
    assert answer.status_code == 200, answer.content
    return list(answer.json()["results"])


def test_a_county_meets_its_round_from_the_disclosure_on(
    assessed: Round, api_key: Key, office: User,  # noqa: F811
) -> None:  # fmt: skip
    own, city, neighbour = (api_key(one) for one in ("410324", "4103", "410325"))
    assert results(own, ROUNDS) == results(own, SAMPLES) == []
    # A case is the county's at once: it has days to answer.
    assert len(results(own, CASES)) == 1
    assert len(results(city, ROUNDS)) == 1
    rounds.disclose(round=assessed, by=office)
    (row,) = results(own, ROUNDS)
    assert (row["region"], row["seed"]) == (COUNTY, assessed.seed)
    assert len(results(own, SAMPLES)) == SampleHousehold.objects.count()
    for path in (ROUNDS, SAMPLES, CASES):
        assert results(neighbour, path) == []
        assert get(neighbour, path, region="410324").status_code == 404


def test_a_round_tells_its_results(assessed: Round, api_key: Key) -> None:
    (row,) = results(api_key("4103"), ROUNDS)
    told = {one["rate"]: one for one in row["results"]}
    assert told["wrongful_exit_rate"]["verdict"] == "NOT_COMPUTABLE"
    approval = told["approval_rate"]
    assert (approval["estimate"], approval["is_gate"]) == ("1.000000000000000", True)
    assert float(approval["lower"]) < 1
    assert (approval["households"], approval["due"]) == (15, 15)
    (few,) = results(api_key("4103"), ROUNDS, fields="id,sample_digest")
    assert set(few) == {"id", "sample_digest"}


def test_samples_carry_their_chances_and_no_names(assessed: Round, api_key: Key) -> None:
    key = api_key("4103")
    rows = results(key, SAMPLES, round=assessed.pk, kind="EXITED")
    assert rows
    for row in rows:
        assert 0 < Fraction(row["chance"]) * Fraction(row["village_chance"]) <= 1
        assert row["ref"].startswith("R")
        # Nothing but these: who lives there is not told.
        assert set(row) == {
            "id", "round", "village_code", "kind", "kind_label", "ref", "persons", "is_reserve",
            "rank", "village_chance", "chance",
        }  # fmt: skip


def test_cases_carry_their_path(assessed: Round, api_key: Key, county_office: User) -> None:  # noqa: F811
    case = Case.objects.get()
    cases.accept(case=case, on=DAY, reason="属实", by=county_office)
    (row,) = results(api_key("410324"), CASES, state="ACCEPTED")
    assert [one["state"] for one in row["steps"]] == ["SUSPECTED", "ACCEPTED"]
    assert (row["persons"], row["confirmed_persons"], row["state_label"]) == (2, 0, "县级无异议")
    assert "住房漏雨" not in str(row)
    assert results(api_key("410324"), CASES, state="CONFIRMED") == []


def test_a_judged_figure_says_what_it_rests_on(
    assessed: Round, api_key: Key, office: User,  # noqa: F811
) -> None:  # fmt: skip
    key = api_key("410324")
    asked = {"region": "410324", "partition": 2018}
    before = {one["code"]: one for one in results(key, METRICS, **asked)}
    assert before["approval_rate"]["sample"] is None
    rounds.disclose(round=assessed, by=office)
    estimating.recompute(assessed.pk)
    after = {one["code"]: one for one in results(key, METRICS, **asked)}
    sample = after["approval_rate"]["sample"]
    assert (sample["round"], sample["households"]) == (assessed.pk, 15)
    assert float(sample["lower"]) < float(sample["estimate"])
    assert after["approval_rate"]["verdict"] == "WEAK_EVIDENCE"
    assert after["headcount_rate"]["sample"] is None


@pytest.mark.parametrize("path", [ROUNDS, SAMPLES, CASES])
def test_pages_by_key(assessed: Round, api_key: Key, path: str) -> None:
    key = api_key("4103")
    whole = results(key, path, limit=1000)
    rows, cursor = [], ""
    while cursor is not None:
        page = get(key, path, limit=1, **({"cursor": cursor} if cursor else {})).json()
        rows += page["results"]
        cursor = page["next_cursor"]
    assert rows == whole
    assert rows


@pytest.mark.parametrize(
    ("path", "terms"),
    [
        (ROUNDS, {"kind": "ALL"}), (ROUNDS, {"state": "x"}), (SAMPLES, {"round": "x"}),
        (SAMPLES, {"round": "0"}), (CASES, {"state": "OPEN"}), (CASES, {"fields": "head_name"}),
    ],
)  # fmt: skip
def test_a_term_that_is_none(
    assessed: Round, api_key: Key, path: str, terms: dict[str, str]
) -> None:
    assert get(api_key("4103"), path, **terms).status_code == 400


@pytest.mark.parametrize("path", [ROUNDS, SAMPLES, CASES])
def test_who_and_how(assessed: Round, api_key: Key, path: str) -> None:
    assert Client().get(path).status_code == 401
    key = api_key("4103")
    assert Client().post(path, headers={"Authorization": f"Bearer {key}"}).status_code == 405


@pytest.mark.parametrize(("path", "limit"), [(SAMPLES, 1), (SAMPLES, 3), (ROUNDS, 1), (CASES, 1)])
def test_the_same_number_of_statements(
    assessed: Round, api_key: Key, path: str, limit: int, django_assert_num_queries: Any
) -> None:
    key = api_key("4103")
    get(key, path)
    most = {SAMPLES: 11, ROUNDS: 12, CASES: 12}[path]
    with django_assert_num_queries(most):
        get(key, path, limit=limit)
