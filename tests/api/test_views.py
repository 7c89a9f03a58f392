import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.serializers import exact_value
from exits import services
from exits.models import Snapshot, Target
from households.models import HouseholdYear, PersonYear
from tests.factories.households import HOME, NEIGHBOUR, household, id_no
from villages.models import PopulationBase, Region

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("city")]

HOUSEHOLDS, PERSONS = "/api/v1/households/", "/api/v1/persons/"
REGIONS, SNAPSHOTS, METRICS = "/api/v1/regions/", "/api/v1/snapshots/", "/api/v1/metrics/"
LISTS = [HOUSEHOLDS, PERSONS, REGIONS, SNAPSHOTS]


def results(client: Client, path: str, **terms: Any) -> list[dict[str, Any]]:
    response = client.get(path, terms)
    assert response.status_code == 200, response.content
    return response.json()["results"]


def errors(client: Client, path: str, **terms: Any) -> set[str]:
    response = client.get(path, terms)
    assert response.status_code == 400, response.content
    assert response.json()["detail"] == "请求参数有误。"
    return set(response.json()["errors"])


# --- households and persons --------------------------------------------------------------------


def test_households_of_the_own_county(luanchuan: Client) -> None:
    row = household(head="张三")
    household(code=NEIGHBOUR)
    (told,) = results(luanchuan, HOUSEHOLDS)
    head = PersonYear.objects.heads().get(household=row.household).person
    assert told["household_no"] == row.household.household_no
    assert (told["main_cause"], told["main_cause_label"]) == ("01", "因病")
    assert told["net_income_per_capita"] == "2800.00"
    assert told["head_name"] == "张三"
    assert told["head_id_no"] == f"990324********{head.id_no[-4:]}"
    assert told["phone"] == "139****1234"
    assert told["is_dangerous_house"] is None


SECRET_FIELDS = {
    "cause_note",
    "measure_health",
    "compliant_self_paid_expense",
    "bank_account", "bank_name", "health_status", "disability_type", "birth_date", "id_type",
    "id_index", "id_tail", "disability_cert_year", "medical_aid_major", "health_help_other",
}  # fmt: skip


def test_what_is_sensitive_stays_inside(luanchuan: Client) -> None:
    row = household(members=3)
    texts = [luanchuan.get(path).content.decode() for path in (HOUSEHOLDS, PERSONS)]
    secrets = [row.phone, row.bank_account, "13900005678", "1970-01-01"]
    secrets += [person.id_no for person in row.household.persons.all()]
    for text in texts:
        assert [secret for secret in secrets if secret in text] == []
    for path in (HOUSEHOLDS, PERSONS):
        fields = set(results(luanchuan, path)[0])
        assert fields & SECRET_FIELDS == set()
        assert {name for name in fields if "health" in name or "disab" in name} == set()


def test_persons_are_told_with_masked_numbers_and_age(luanchuan: Client) -> None:
    row = household(members=2)
    told = results(luanchuan, PERSONS)
    assert {one["household_no"] for one in told} == {row.household.household_no}
    assert [one["relation_to_head_label"] for one in told][:1] == ["本人或户主"]
    assert {one["age"] for one in told} == {48}
    for one, person in zip(told, row.household.persons.order_by("pk"), strict=True):
        assert one["id_no"] == f"990324********{person.id_no[-4:]}"
        assert one["member_phone"] == "139****5678"


def test_head_who_is_named_on_the_household_only(luanchuan: Client) -> None:
    household(members=0, head_name="赵六", head_id_no="990325196203151230")
    (told,) = results(luanchuan, HOUSEHOLDS, fields="head_name,head_id_no")
    assert told == {"head_name": "赵六", "head_id_no": "990325********1230"}


def test_one_household_and_one_person(luanchuan: Client) -> None:
    old = household(year=2017, main_cause="02")
    household(of=old.household)
    number, person = old.household.household_no, old.household.persons.first().person_no
    path, member = f"{HOUSEHOLDS}{number}/", f"{PERSONS}{person}/"
    assert luanchuan.get(path).json()["main_cause"] == "01"
    assert luanchuan.get(path, {"partition": 2017}).json()["main_cause"] == "02"
    assert luanchuan.get(member).json()["person_no"] == person
    assert luanchuan.get(path, {"fields": "household_no"}).json() == {"household_no": number}
    assert luanchuan.get(path, {"partition": 2031}).json()["detail"] == "没有 2031 年度的登记数据。"
    assert errors(luanchuan, path, partition="x") == {"partition"}
    assert errors(luanchuan, path, status="0") == {"status"}


@pytest.mark.parametrize("number", ["99", "%00", "'", "x" * 21, "户"])
def test_one_that_nobody_knows_is_404(luanchuan: Client, number: str) -> None:
    for path in (HOUSEHOLDS, PERSONS):
        assert luanchuan.get(f"{path}{number}/").status_code == 404


def test_one_of_a_neighbour_is_404(luanchuan: Client, calling: Callable[[str], Client]) -> None:
    row = household(code=NEIGHBOUR)
    pages = [
        f"{HOUSEHOLDS}{row.household.household_no}/",
        f"{PERSONS}{row.household.persons.first().person_no}/",
    ]
    for path in pages:
        assert calling("410325").get(path).status_code == 200
        assert luanchuan.get(path).status_code == 404


@pytest.mark.parametrize("path", [HOUSEHOLDS, PERSONS])
def test_fields_choose_what_is_read(luanchuan: Client, path: str) -> None:
    household(members=1)
    with CaptureQueriesContext(connection) as captured:
        (told,) = results(luanchuan, path, fields="village_code,household_no")
    assert list(told) == ["village_code", "household_no"]
    sql = " ".join(query["sql"] for query in captured if "note_access" not in query["sql"])
    for column in ("net_income_per_capita", "id_no", "main_cause", "education_level", '"address"'):
        assert column not in sql


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("fields", ["password", "", ",", "name,bank_account"])
def test_unknown_fields_are_refused(luanchuan: Client, path: str, fields: str) -> None:
    assert errors(luanchuan, path, fields=fields) == {"fields"}


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"stauts": "0"}, "stauts"), ({"status": "9"}, "status"), ({"partition": "2031"}, "partition"),
        ({"year": "x"}, "year"), ({"region": "41032"}, "region"), ({"limit": "0"}, "limit"),
        ({"limit": "1001"}, "limit"), ({"limit": "x"}, "limit"), ({"limit": "１０"}, "limit"),
        ({"count": "yes"}, "count"), ({"cursor": "x"}, "cursor"), ({"q": id_no(1)}, "q"),
        ({"income_below": "inf"}, "income_below"), ({"partition": "2018", "year": "2017"}, "partition"),
        ({"region": ["410324", "4103"]}, "region"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", [HOUSEHOLDS, PERSONS])
def test_nonsense_is_refused_by_name(
    luanchuan: Client, path: str, terms: dict[str, Any], field: str
) -> None:
    household(members=1)
    assert errors(luanchuan, path, **terms) == {field}


@pytest.mark.parametrize("path", [HOUSEHOLDS, PERSONS, SNAPSHOTS])
@pytest.mark.parametrize("region", ["410325", "4104", NEIGHBOUR])
def test_a_foreign_region_is_404(luanchuan: Client, path: str, region: str) -> None:
    household(members=1)
    assert luanchuan.get(path, {"region": "4103"}).status_code == 200
    assert luanchuan.get(path, {"region": region}).status_code == 404


def test_partition_and_year_are_one(luoyang: Client) -> None:
    row = household(year=2017, main_cause="02")
    household(of=row.household)
    for terms in ({"partition": 2017}, {"year": 2017}, {"partition": 2017, "year": 2017}):
        assert [one["main_cause"] for one in results(luoyang, HOUSEHOLDS, **terms)] == ["02"]
    assert [one["partition"] for one in results(luoyang, HOUSEHOLDS)] == [2018]


def test_several_values_of_one_term(luoyang: Client) -> None:
    household(), household("exited"), household("relapsed")
    found = results(luoyang, HOUSEHOLDS, status=["0", "3"], fields="exit_status")
    assert [one["exit_status"] for one in found] == ["0", "3"]


@pytest.mark.parametrize("path", LISTS)
def test_pages_lead_through_everything(luoyang: Client, path: str) -> None:
    for code in (HOME, NEIGHBOUR, HOME):
        household(members=2, code=code)
    if path == SNAPSHOTS:
        services.recompute(prefix="410324100", partition=2018)
    every = results(luoyang, path, limit=1000)
    address, gathered = f"{path}?limit=2&count=1", []
    total = None
    while address:
        body = luoyang.get(address).json()
        gathered += body["results"]
        total = body.get("count", total)
        assert "count" in body or address != f"{path}?limit=2&count=1"
        address = body["next"]
    assert gathered == every
    assert total == len(every)


@pytest.mark.parametrize("path", LISTS)
def test_empty_lists(luoyang: Client, path: str) -> None:
    body = luoyang.get(path, {"count": 1, "region": "410324"}).json()
    expected = 6 if path == REGIONS else 0
    assert (body["count"], len(body["results"]), body["next"]) == (expected, expected, None)


@pytest.mark.parametrize("path", LISTS)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    token=st.one_of(
        st.text(max_size=170),
        st.binary(max_size=60).map(lambda raw: urlsafe_b64encode(raw).decode().rstrip("=")),
        st.lists(
            st.one_of(
                st.integers(-(2**70), 2**70), st.text(max_size=14), st.booleans(), st.none(),
                st.sampled_from(["410324100203", "2018", "registered", ""]), st.integers(0, 99999),
            ),
            max_size=5,
        ).map(lambda key: urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")),
    )
)  # fmt: skip
def test_no_cursor_breaks_a_list(luoyang: Client, path: str, token: str) -> None:
    assert luoyang.get(path, {"cursor": token, "limit": 2}).status_code in (200, 400)


@pytest.mark.usefixtures("still")
@pytest.mark.parametrize("path", [HOUSEHOLDS, PERSONS])
def test_as_many_queries_for_three_as_for_one(luoyang: Client, path: str) -> None:
    household(members=1)
    taken = []
    for count in (1, 3):
        luoyang.get(path)
        with CaptureQueriesContext(connection) as captured:
            assert len(results(luoyang, path)) == count
        taken.append(len(captured))
        household(members=1, code=NEIGHBOUR)
        household(members=1, code="410324200201")
    assert taken[0] == taken[1]


# --- regions -----------------------------------------------------------------------------------


def test_regions_of_the_own_county_and_above(luanchuan: Client) -> None:
    told = results(luanchuan, REGIONS)
    assert [one["code"] for one in told][:4] == [
        "410000000000", "410300000000", "410324000000", "410324100000",
    ]  # fmt: skip
    assert not any(one["code"].startswith("410325") for one in told)
    assert told[2] == {
        "code": "410324000000", "name": "栾川县", "level": "county", "parent_code": "410300000000",
        "valid_from": None, "valid_to": None,
    }  # fmt: skip


def test_regions_by_level_parent_and_year(luoyang: Client) -> None:
    def codes(**terms: Any) -> list[str]:
        return [one["code"] for one in results(luoyang, REGIONS, **terms)]

    assert codes(level="county") == ["410324000000", "410325000000"]
    assert codes(parent="410324") == ["410324100000", "410324200000"]
    assert codes(region="410325") == ["410325000000", "410325100000", NEIGHBOUR]
    Region.objects.filter(code=NEIGHBOUR).update(valid_to="2018-01-01")
    assert codes(region=NEIGHBOUR, year=2017) == [NEIGHBOUR]
    assert codes(region=NEIGHBOUR, year=2018) == []
    assert errors(luoyang, REGIONS, level="planet", year="1", parent="x") == {
        "level", "year", "parent",
    }  # fmt: skip


# --- figures -----------------------------------------------------------------------------------


@pytest.fixture
def figures(city: None) -> None:
    household(members=3)
    household("exited", members=2)
    household("exited", members=4, code=NEIGHBOUR)
    for code, persons in (("410324", 300), ("410325", 2)):
        region = Region.objects.get(code=code.ljust(12, "0"))
        PopulationBase.objects.create(
            region=region, region_code=region.code, year=2018, basis="agri_hukou", persons=persons,
            source="测试",
        )  # fmt: skip
    county = Region.objects.get(code="410324000000")
    Target.objects.create(
        region=county, region_code=county.code, year=2018, kind="persons", value=3, source="测试"
    )
    services.recompute(prefix="4103", partition=2018)


@pytest.mark.usefixtures("figures")
def test_metrics_of_a_county(luanchuan: Client) -> None:
    body = luanchuan.get(METRICS, {"region": "410324", "partition": 2018}).json()
    assert (body["region"], body["partition"]) == ("410324", 2018)
    told = {one["code"]: one for one in body["results"]}
    assert list(told) == [
        "registered", "remaining", "exited", "relapsed", "exited_in_year", "headcount_rate",
        "exit_target", "village_exit_rate", "exited_below_line", "composite_rate",
        "wrongful_exit_rate", "omission_rate", "approval_rate",
    ]  # fmt: skip
    at = told["registered"].pop("computed_at")
    assert at.endswith("+08:00")
    assert told["registered"] == {
        "code": "registered", "name": "建档立卡人口", "numerator": 5, "denominator": None, "value": "5",
        "households": 2, "verdict": "NONE", "verdict_label": "不作判定", "reason": "",
        "definition_version": 1, "sample": None,
    }  # fmt: skip
    assert (told["exit_target"]["value"], told["exit_target"]["verdict_label"]) == (
        "0.666667",
        "不达标",
    )
    # No 所属地区 is registered, so the rate cannot be judged: no value, but its parts and a reason.
    assert told["headcount_rate"]["value"] is None
    assert told["headcount_rate"]["denominator"] == 300
    assert told["approval_rate"]["value"] is None
    assert told["approval_rate"]["reason"] == "尚无抽样调查"


@pytest.mark.parametrize(
    ("terms", "status", "field"),
    [
        ({}, 400, "region"), ({"region": "410324"}, 400, "partition"),
        ({"partition": "2018"}, 400, "region"), ({"region": "x", "partition": "2018"}, 400, "region"),
        ({"region": "410324", "partition": "18"}, 400, "partition"),
        ({"region": "410324", "partition": "2018", "metric": "exited"}, 400, "metric"),
        ({"region": "410324", "partition": ["2018", "2017"]}, 400, "partition"),
        ({"region": "410324", "partition": "2031"}, 404, ""),
        ({"region": "410325", "partition": "2018"}, 404, ""),
        ({"region": "4103", "partition": "2018"}, 404, ""),
        ({"region": "410399", "partition": "2018"}, 404, ""),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("figures")
def test_metrics_of_nowhere(
    luanchuan: Client, terms: dict[str, Any], status: int, field: str
) -> None:
    response = luanchuan.get(METRICS, terms)
    assert response.status_code == status
    assert set(response.json()["errors"]) == ({field} if field else set())
    assert not response.json()["detail"].isascii()


def test_metrics_before_anything_is_computed(luanchuan: Client) -> None:
    household(members=1)
    assert results(luanchuan, METRICS, region="410324000000", partition=2018) == []


@pytest.mark.usefixtures("figures")
def test_every_snapshot_leads_to_its_rows(luoyang: Client) -> None:
    told = results(luoyang, SNAPSHOTS, limit=1000)
    assert len(told) == Snapshot.objects.count()
    assert {type(one["receipt"]["digest"]) for one in told} == {str, type(None)}
    listed = [one for one in told if one["receipt"]["filter"] is not None]
    assert len({one["code"] for one in listed}) == 10
    for one in listed:
        for path, figure in ((HOUSEHOLDS, one["households"]), (PERSONS, one["numerator"])):
            terms = {**one["receipt"]["filter"], "count": 1, "limit": 1}
            assert luoyang.get(path, terms).json()["count"] == figure


@pytest.mark.usefixtures("figures")
def test_snapshots_by_place_metric_and_category(luanchuan: Client, luoyang: Client) -> None:
    def places(client: Client, **terms: Any) -> list[str]:
        return [one["region"] for one in results(client, SNAPSHOTS, **terms)]

    counted = {"metric": "registered", "partition": 2018}
    assert places(luoyang, level="county", **counted) == ["410324000000", "410325000000"]
    assert places(luoyang, level="city", **counted) == ["410300000000"]
    assert places(luoyang, level="province", **counted) == []
    assert places(luanchuan, level="town", **counted) == ["410324100000", "410324200000"]
    assert places(luanchuan, region="410324100", level="village", **counted) == [
        "410324100001", HOME,
    ]  # fmt: skip
    (one,) = results(
        luanchuan, SNAPSHOTS, region=HOME, metric="by_cause", category="01", fields="receipt,value"
    )
    assert one["value"] == "5"
    assert one["receipt"]["filter"] == {"region": HOME, "year": "2018", "cause": "01"}
    assert errors(luanchuan, SNAPSHOTS, metric="x", partition="2031") == {"metric", "partition"}


def test_shares_are_exact_to_six_places() -> None:
    row = Snapshot(numerator=2, denominator=3, verdict="MET")
    assert exact_value(row) == "0.666667"
    assert exact_value(Snapshot(numerator=0, denominator=3, verdict="MET")) == "0.000000"
    assert exact_value(Snapshot(numerator=4, denominator=2, verdict="MET")) == "2.000000"
    assert exact_value(Snapshot(numerator=4, denominator=2, verdict="NOT_COMPUTABLE")) is None
    assert exact_value(Snapshot(numerator=None, verdict="NONE")) is None


def test_a_breakdown_tells_nothing(luoyang: Client, monkeypatch: Any) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr("api.views._region", broken)
    luoyang.raise_request_exception = False
    response = luoyang.get(METRICS)
    assert response.status_code == 500
    assert "secret" not in response.content.decode()
    assert response.json()["detail"]


def test_columns_hold_what_the_models_say(luoyang: Client) -> None:
    """Every fact that is not withheld is handed out, amounts as exact text."""
    household(members=1, farmland_mu=Decimal("2.50"), other_causes=["02", "03"])
    (told,) = results(luoyang, HOUSEHOLDS)
    assert (told["farmland_mu"], told["other_causes_labels"]) == ("2.50", ["因残", "因学"])
    stored = {field.name for field in HouseholdYear._meta.concrete_fields}
    missing = stored - set(told) - SECRET_FIELDS - {"id", "household", "village"}
    assert missing == set()
