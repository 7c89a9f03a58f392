"""Pages of rounds, visits and cases: who may open them, what they show, what they store."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.enums import Role
from accounts.models import User
from inspections.enums import Rate
from inspections.models import (
    Case,
    Questionnaire,
    Replacement,
    Round,
    SampleHousehold,
    SurveyTask,
    Visit,
)
from inspections.services import cases, estimating, rounds, surveying
from tests.conftest import person
from tests.inspections.conftest import DAY, WRONGFUL, first, visit
from tests.signing_in import sign_in_verified

pytestmark = pytest.mark.django_db
AT = "2018-11-05T12:00"


def at(user: User) -> Client:
    client = Client()
    sign_in_verified(client, user)
    return client


def url(name: str, *args: Any) -> str:
    return reverse(f"inspections:{name}", args=args)


def answered(sample: SampleHousehold, **changes: str) -> dict[str, str]:
    schema = Questionnaire.objects.get(subject=sample.kind, version=1).schema
    told = {
        f"item_{item['code']}": "yes" if item["kind"] == "yesno" else "3"
        for item in schema
        if item.get("required")
    }
    return {"visited_at": AT, "place": "户内", "outcome": "", **told, **changes}


def sent(round_: Round, surveyor: User, office: User) -> SurveyTask:
    surveying.assign(round=round_, samples=[first(round_)], surveyor=surveyor, by=office)
    return SurveyTask.objects.get(ended_at__isnull=True)


def test_round_is_planned_from_a_preset_frozen_and_drawn(county: None, office: User) -> None:
    client = at(office)
    page = client.get(url("round-new") + "?preset=FENGQING")
    form = page.context["form"]
    assert form["take_EXITED"].value() == 15
    assert form["take_KEY"].value() is None
    given = {field.name: field.value() for field in form}
    told = {name: value for name, value in given.items() if value not in (None, "")}
    told.pop("missing_as_other", None)
    told |= {
        "preset": "FENGQING", "kind": "CITY_REVIEW", "name": "市级初审", "county": "410324000000",
        "method": "PPS", "villages_P0": "2", "villages_O0": "1",
    }  # fmt: skip
    assert client.post(url("round-new"), told | {"appeal_days": "7"}).status_code == 422
    assert client.post(url("round-new"), told).status_code == 302
    made = Round.objects.get()
    assert made.design["preset"] == "FENGQING"
    assert made.design["takes"]["KEY"]["households"] is None
    assert client.get(url("certificate", made.pk)).status_code == 404
    client.post(url("round-act", made.pk), {"act": "draw"})
    made.refresh_from_db()
    assert made.drawn_at is None
    for act in ("freeze", "draw"):
        client.post(url("round-act", made.pk), {"act": act})
    made.refresh_from_db()
    assert made.drawn_at
    proof = client.get(url("certificate", made.pk))
    assert proof.context["facts"].agrees
    assert made.seed in proof.content.decode()
    assert client.get(url("round", made.pk)).status_code == 200
    assert made.name in client.get(url("rounds")).content.decode()


def test_table_of_sizes_accepts_more_the_closer_the_true_rate(office: User, county: None) -> None:
    page = at(office).get(
        url("planning"), {"threshold": "2", "effect": "1", "power": "80", "population": ""}
    )
    plans = [row["plan"] for row in page.context["rows"]]
    # 1 - 0.98 ** 149 is the first to exceed 95 %.
    assert (plans[0].households, plans[0].accept) == (149, 0)
    sizes = [plan.households for plan in plans]
    assert sizes == sorted(sizes)
    assert at(office).get(url("planning"), {"threshold": "x"}).status_code == 422


def test_surveyor_enters_a_visit_that_opens_a_case(
    drawn_round: Round, surveyor: User, other_surveyor: User, office: User
) -> None:
    task = sent(drawn_round, surveyor, office)
    page = url("visit", task.pk)
    assert at(other_surveyor).get(page).status_code == 404
    assert at(office).get(page).status_code == 403
    client = at(surveyor)
    assert task.sample.frame.head_name in client.get(url("visits")).content.decode()
    assert client.get(page).status_code == 200
    told = answered(task.sample)
    # A suspicion of somebody, without a word why, is none; neither is a half-answered page.
    assert client.post(page, told | {"WRONGFUL_EXIT_persons": "1"}).status_code == 422
    assert client.post(page, {"visited_at": AT, "place": "户内"}).status_code == 422
    assert not Visit.objects.exists()
    told |= {"WRONGFUL_EXIT_persons": "1", "WRONGFUL_EXIT_reason": "住房漏雨"}
    assert client.post(page, told).status_code == 302
    assert Case.objects.get().persons == 1
    assert Visit.objects.get().surveyor == surveyor


def test_household_not_met_is_replaced_by_the_next_in_order(
    drawn_round: Round, surveyor: User, office: User
) -> None:
    task = sent(drawn_round, surveyor, office)
    told = {"visited_at": AT, "place": "门口", "outcome": "AWAY"}
    replace = url("sample-replace", drawn_round.pk, task.sample_id)
    at(office).post(replace, {"reason": "AWAY", "note": "邻居证实"})
    assert not Replacement.objects.exists()
    assert at(surveyor).post(url("visit", task.pk), told).status_code == 302
    assert "替换" in at(office).get(url("sample", drawn_round.pk)).content.decode()
    at(office).post(replace, {"reason": "AWAY", "note": "邻居证实"})
    assert Replacement.objects.get().later.rank == 1
    assert at(surveyor).get(url("visit", task.pk)).status_code == 404


def test_office_assigns_only_who_need_not_stand_back(
    drawn_round: Round, surveyor: User, inspector: User, office: User
) -> None:
    page = at(office).get(url("sample", drawn_round.pk))
    offered = [pk for pk, _ in page.context["form"].fields["surveyor"].choices]
    assert str(surveyor.pk) in offered
    # The inspector of the cast belongs to the county itself.
    assert str(inspector.pk) not in offered
    told = {"samples": [first(drawn_round).pk], "purpose": "FIRST"}
    go = url("sample-assign", drawn_round.pk)
    at(office).post(go, told | {"surveyor": inspector.pk})
    assert not SurveyTask.objects.exists()
    at(office).post(go, told | {"surveyor": surveyor.pk})
    assert SurveyTask.objects.get().user == surveyor


def test_county_appeals_and_a_second_person_confirms(
    drawn_round: Round, surveyor: User, office: User, decider: User, county_office: User
) -> None:
    visit(first(drawn_round), surveyor, office, WRONGFUL)
    case = Case.objects.get()
    page, act = url("case", case.pk), url("case-act", case.pk)
    on = {"on": DAY.isoformat(), "reason": "已经维修"}
    assert [code for code, _ in at(county_office).get(page).context["acts"]] == [
        "APPEALED", "ACCEPTED",
    ]  # fmt: skip
    assert at(county_office).get(url("round", drawn_round.pk)).status_code == 404
    assert at(county_office).post(act, on | {"act": "APPEALED"}).status_code == 422
    assert at(surveyor).post(act, on | {"act": "APPEALED", "evidence": "照片"}).status_code == 403
    told = on | {"act": "APPEALED", "evidence": "照片"}
    assert at(county_office).post(act, told).status_code == 302
    assert at(county_office).post(act, on | {"act": "RECHECKED"}).status_code == 422
    assert at(office).post(act, on | {"act": "RECHECKED"}).status_code == 302
    confirm = on | {"act": "CONFIRMED", "persons": "2"}
    assert at(office).post(act, confirm).status_code == 422
    assert at(decider).post(act, confirm).status_code == 302
    case.refresh_from_db()
    assert (case.state, case.confirmed_persons) == ("CONFIRMED", 2)
    listed = at(decider).get(url("cases"), {"state": "CONFIRMED"})
    assert [row["one"].pk for row in listed.context["cases"]] == [case.pk]


def test_neighbour_finds_no_round_and_no_case(
    drawn_round: Round, surveyor: User, office: User, songxian_clerk: User
) -> None:
    visit(first(drawn_round), surveyor, office, WRONGFUL)
    client = at(songxian_clerk)
    for name in ("round", "certificate", "sample"):
        assert client.get(url(name, drawn_round.pk)).status_code == 404
    assert client.get(url("case", Case.objects.get().pk)).status_code == 404
    assert client.get(url("cases")).context["cases"] == []


def test_lists_take_as_many_queries_for_many_rows_as_for_one(
    drawn_round: Round, surveyor: User, office: User, django_assert_max_num_queries: Any
) -> None:
    rows = SampleHousehold.objects.filter(round=drawn_round, is_reserve=False)
    client, mine = at(office), at(surveyor)
    surveying.assign(round=drawn_round, samples=rows, surveyor=surveyor, by=office)
    assert rows.count() > 10
    # Sessions, grants and partitions included.
    for who, page in (
        (mine, url("visits")),
        (client, url("sample", drawn_round.pk)),
        (client, url("round", drawn_round.pk)),
        (client, url("cases")),
        (client, url("rounds")),
    ):
        who.get(page)
        with django_assert_max_num_queries(30):
            assert who.get(page).status_code == 200


def test_results_stand_on_the_round_and_open_into_their_receipt(
    drawn_round: Round, surveyor: User, office: User, county_office: User
) -> None:
    bad = first(drawn_round)
    for one in SampleHousehold.objects.filter(round=drawn_round, is_reserve=False):
        visit(one, surveyor, office, *([WRONGFUL] if one.pk == bad.pk else []))
    case = Case.objects.get()
    decider = person("decider", Role.CITY_OFFICE, "4103")
    cases.accept(case=case, on=DAY, reason="无异议", by=county_office)
    cases.recheck(case=case, on=DAY, reason="属实", by=office)
    cases.confirm(case=case, persons=2, on=DAY, reason="属实", by=decider)
    estimating.recompute(drawn_round.pk)
    client = at(office)
    page = client.get(url("round", drawn_round.pk)).content.decode()
    receipt = url("result", drawn_round.pk, "wrongful_exit_rate")
    assert receipt in page
    assert "不达标" in page
    shown = client.get(receipt)
    # The list behind the figure is as long as the figure says.
    assert shown.context["page"].paginator.count == shown.context["result"].households_hit == 1
    assert sum(row.confirmed for row in shown.context["rows"]) == shown.context["result"].numerator
    for rate in Rate.values:
        assert client.get(url("result", drawn_round.pk, rate)).status_code == 200
    assert client.get(url("result", drawn_round.pk, "nothing")).status_code == 404
    # Nothing of it is the county's before it is disclosed.
    assert at(county_office).get(receipt).status_code == 404
    rounds.disclose(round=drawn_round, by=office)
    assert at(county_office).get(receipt).status_code == 200


@pytest.mark.parametrize("number", [1, 3])
def test_the_same_number_of_statements(
    drawn_round: Round, office: User, surveyor: User, number: int
) -> None:
    """However many surveyors there are and households they were sent to."""
    for at_hand in range(number):
        person(f"more{at_hand}", Role.INSPECTOR, "4103")
    rows = SampleHousehold.objects.filter(round=drawn_round, is_reserve=False)[:number]
    surveying.assign(round=drawn_round, samples=rows, surveyor=surveyor, by=office)
    runs, surveys = at(office), at(surveyor)
    pages = (
        (runs, url("sample", drawn_round.pk), 14),
        (runs, url("round", drawn_round.pk), 15),
        (runs, url("rounds") + "?year=2018", 11),
        (surveys, url("visits"), 10),
    )
    for client, address, most in pages:
        client.get(address)
        with CaptureQueriesContext(connection) as captured:
            client.get(address)
        assert len(captured) == most, address
