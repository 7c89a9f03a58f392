"""My work: what waits for a person, on the page and beside the menu."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.enums import Role
from households.models import Draft, Household, Procedure, ProcedureStep, Publicity
from households.queries import work
from households.queries.years import forget_years
from tests.cast import cast
from tests.conftest import person
from tests.factories.households import HOME, NEIGHBOUR, household
from tests.factories.villages import RegionFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("city")]

As = Callable[[Any], Client]
PAGE = "/households/work/"


def draft(owner: Any, home: Household | None, code: str = HOME) -> Draft:
    return Draft.objects.create(
        key=uuid4(), owner=owner, household=home, village_code=code, partition_id=2018, payload="{}"
    )


def procedure(step: str, position: int, code: str = HOME, *, by: Any) -> Procedure:
    return Procedure.objects.create(
        village=RegionFactory(code=code), village_code=code, partition_id=2018, kind="REMOVE",
        step=step, position=position, started_on=timezone.localdate(),
        created_by=by,
    )  # fmt: skip


@pytest.fixture
def clerk() -> Any:
    household()
    return cast("town_clerk")


def test_own_drafts_are_listed_and_counted(as_user: As, clerk: Any) -> None:
    row = household()
    draft(clerk, row.household)
    draft(clerk, None)
    draft(cast("county_office"), household().household)
    response = as_user(clerk).get(PAGE)
    text = response.content.decode()
    assert response.context["counts"]["drafts"] == len(response.context["drafts"]) == 2
    edit = reverse("households:edit", args=[row.household.household_no])
    assert f'href="{edit}?year=2018"' in text
    assert f'href="{reverse("households:new")}?year=2018"' in text
    assert '<span class="tag plain warn">2<span' in text


def test_a_step_waits_for_its_level_and_region(as_user: As, clerk: Any) -> None:
    other = cast("county_office")
    mine = procedure("TOWN_REVIEW", 3, by=other)
    procedure("COUNTY_APPROVAL", 4, by=other)
    procedure("TOWN_REVIEW", 3, code=NEIGHBOUR, by=other)
    assert list(work.due_for(clerk)) == [mine]
    assert [one.step for one in work.due_for(other)] == ["COUNTY_APPROVAL"]
    text = as_user(clerk).get(PAGE).content.decode()
    assert reverse("households:procedure", args=[mine.pk]) in text
    assert work.count(clerk) == 1


def test_who_took_the_step_before_waits_for_another() -> None:
    household()
    first, second = cast("village_official"), person("第二人", Role.VILLAGE, HOME)
    one = procedure("APPLY", 0, by=first)
    ProcedureStep.objects.create(
        procedure=one, village_code=HOME, position=0, step="APPLY", has_notice=False,
        decision="PASS", decided_on=timezone.localdate(), reason="测试", created_by=first,
    )  # fmt: skip
    Procedure.objects.filter(pk=one.pk).update(position=1, step="APPRAISE")
    assert list(work.due_for(first)) == []
    assert list(work.due_for(second)) == [one]


@pytest.mark.parametrize(("ends_in", "waits"), [(1, False), (0, False), (-1, True)])
def test_a_running_notice_waits_for_nobody(ends_in: int, waits: bool) -> None:
    household()
    official = cast("village_official")
    today = timezone.localdate()
    one = procedure("VILLAGE_NOTICE", 2, by=official)
    assert list(work.due_for(official)) == [one]
    Publicity.objects.create(
        procedure=one, step="VILLAGE_NOTICE", village_code=HOME, place="公开栏", min_days=1,
        starts_on=today - timedelta(days=9), ends_on=today + timedelta(days=ends_in),
        day_kind="CALENDAR", source="测试", list_digest="0" * 64, created_by=official,
    )  # fmt: skip
    assert list(work.due_for(official)) == ([one] if waits else [])


def test_all_is_counted_in_one_statement(clerk: Any) -> None:
    draft(clerk, None)
    procedure("TOWN_REVIEW", 3, by=clerk)
    for one in (clerk, cast("county_leader")):
        # Grants are read once per person.
        work.counts(one)
        with CaptureQueriesContext(connection) as queries:
            found = work.counts(one)
        assert len(queries) == 1
    assert found == {"waiting": 0, "returned": 0, "drafts": 0, "due": 0, "all": 0}
    assert work.counts(clerk)["all"] == 2


def test_as_many_queries_for_one_draft_as_for_three(as_user: As, clerk: Any) -> None:
    client, counted = as_user(clerk), []
    for times in (1, 2):
        for _ in range(times):
            draft(clerk, household().household)
            procedure("TOWN_REVIEW", 3, by=cast("county_office") if times == 1 else clerk)
        client.get(PAGE)
        # Which years there are is remembered for some seconds: both ask.
        forget_years()
        with CaptureQueriesContext(connection) as queries:
            client.get(PAGE)
        counted.append(len(queries))
    assert counted[0] == counted[1]
