"""Inspections, problems, steps and letters as other systems read them, as lists and as feeds."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from inspections.enums.findings import State
from inspections.models import Campaign, Finding
from inspections.services.findings import entering
from inspections.services.findings.entering import Inspection
from inspections.services.letters import preparing, sending
from tests.api.test_money import fed, get, results
from tests.factories.households import household
from tests.factories.villages import RegionFactory
from tests.inspections.findings.conftest import (  # noqa: F401 - fixtures
    DAY,
    DUE,
    FACTS,
    VILLAGE,
    Office,
    county_office,
    entered,
    office,
    town_clerk,
    village_official,
)

pytestmark = pytest.mark.django_db
Key = Callable[..., str]
CAMPAIGNS, FINDINGS, STEPS, LETTERS = PATHS = [
    f"/api/v1/{one}/" for one in ("campaigns", "findings", "rectifications", "letters")
]


def told_of(region: Any, by: User) -> Campaign:
    return entering.open_campaign(
        region=region,
        told=Inspection(
            name="半年督查", source="SUPERVISION", level="COUNTY", began_on=DAY, told_on=DAY,
            document="督〔2018〕1 号", expected=1,
        ),
        by=by,
    )  # fmt: skip


@pytest.fixture
def late(office: Office) -> Finding:  # noqa: F811
    """A problem of an inspection, about a household, overdue, with a letter."""
    row = household(code=VILLAGE, head="张三")
    campaign = told_of(RegionFactory(code="410324000000"), office.county)
    finding = entering.enter(
        region=RegionFactory(code=VILLAGE), campaign=campaign,
        fields={**FACTS, "object_kind": "HOUSEHOLD", "household": row.household}, by=office.county,
    )  # fmt: skip
    office.take(finding, State.ASSIGNED, DAY)
    on = DUE + timedelta(days=1)
    (draft,) = preparing.prepare(today=on, prefix="4103")
    sending.issue(letter=draft, on=on, reply_due_on=on + timedelta(days=9), by=office.county)
    return Finding.objects.get(pk=finding.pk)


def test_what_is_told(late: Finding, api_key: Key) -> None:
    key = api_key("410324")
    (campaign,) = results(key, CAMPAIGNS, source="SUPERVISION", told_from=DAY)
    assert (campaign["document"], campaign["expected"]) == ("督〔2018〕1 号", 1)
    (finding,) = results(key, FINDINGS, campaign=campaign["id"], overdue=1)
    assert (finding["number"], finding["letters"], finding["state"]) == (late.number, 1, "ASSIGNED")
    assert finding["household_no"] == late.household.household_no
    first, second = results(key, STEPS, finding=late.pk)
    assert [first["state"], second["state"]] == ["FOUND", "ASSIGNED"]
    assert (second["due_on"], second["number"]) == (DUE.isoformat(), late.number)
    (letter,) = results(key, LETTERS, kind="REMIND", year=2018)
    assert (letter["number"], letter["findings"]) == (1, [late.pk])


@pytest.mark.parametrize("path", PATHS)
def test_no_name_of_anybody(late: Finding, api_key: Key, path: str) -> None:
    body = get(api_key("410324"), path).content.decode()
    assert "results" in body
    for name in ("张三", "王主任", "county_office", "village_official"):
        assert name not in body


@pytest.mark.parametrize("path", PATHS)
def test_the_neighbour_sees_nothing_of_it(late: Finding, api_key: Key, path: str) -> None:
    assert results(api_key("410325"), path) == []


@pytest.mark.parametrize("path", [CAMPAIGNS, FINDINGS, LETTERS])
def test_feed_tells_what_came_later(
    late: Finding,
    office: Office,  # noqa: F811
    api_key: Key,
    path: str,
    transactional_db: None,
) -> None:
    key = api_key("410324")
    cursor = fed(key, path, 1)["cursor"]
    assert get(key, path, changes=1, cursor=cursor).json()["results"] == []
    if path == CAMPAIGNS:
        Campaign.objects.update(team="第二组")
    elif path == FINDINGS:
        office.take(late, State.MEASURED, DUE + timedelta(days=2))
    else:
        letter = late.letter_items.get().letter
        sending.receive(letter=letter, on=DUE + timedelta(days=2), name="办公室", by=office.county)
    assert len(fed(key, path, 1, cursor=cursor)["results"]) == 1


@pytest.mark.parametrize("path", [FINDINGS, STEPS])
def test_as_many_queries_for_three(
    late: Finding,
    office: Office,  # noqa: F811
    api_key: Key,
    path: str,
) -> None:
    key = api_key("410324")
    get(key, path)
    with CaptureQueriesContext(connection) as one:
        get(key, path)
    for _ in range(2):
        entered(office.county)
    with CaptureQueriesContext(connection) as three:
        get(key, path)
    assert len(one) == len(three)


def test_unfit_terms_are_told(late: Finding, api_key: Key) -> None:
    answer = get(api_key("410324"), FINDINGS, state="NIX")
    assert answer.status_code == 400
    assert "state" in answer.json()["errors"]


def test_steps_between_days(late: Finding, api_key: Key) -> None:
    key = api_key("410324")
    assert len(results(key, STEPS, on_from=DAY, on_to=date(2018, 12, 31))) == 2
    assert results(key, STEPS, on_from=date(2019, 1, 1)) == []
