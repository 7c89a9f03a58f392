"""The demo city's problems: the published totals, something in every state, each letter."""

from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import Count, F
from django.test import override_settings
from django.utils import timezone

from imports.demo.load import make as make_city
from imports.demo.problems import (
    FED_BACK,
    OWN,
    SCORING_SOURCE,
    NoPeopleError,
    campaigns,
    make_problems,
)  # fmt: skip
from inspections.enums.complaints import State as ComplaintState
from inspections.enums.findings import BY_ANOTHER, OWED, Level, Source, State
from inspections.enums.letters import Kind
from inspections.enums.letters import State as Stage
from inspections.models import (
    Accountability,
    Campaign,
    Complaint,
    ComplaintFinding,
    Extension,
    Finding,
    FindingStep,
    Letter,
    RankingRun,
    Sweep,
)
from inspections.models import RecheckItem as Drawn
from inspections.services.findings import papers

SMALL = 0.01


def told() -> str:
    out = StringIO()
    call_command("demo_problems", stdout=out)
    return out.getvalue().strip()


@pytest.fixture(scope="module")
def made(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """A small demo city with its people and problems, made once for all tests of this file."""
    with (
        django_db_blocker.unblock(), TemporaryDirectory() as folder, transaction.atomic(),
        override_settings(VAR_DIR=Path(folder)),
    ):  # fmt: skip
        make_city(scale=SMALL)
        call_command("demo_logins", stdout=StringIO())
        # The city's tables were filled in this transaction, with every check made at once.
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        yield told()
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def problems(made: str, db: None) -> str:
    return made


def test_what_centre_and_province_fed_back_is_all_mended(problems: str) -> None:
    assert problems.startswith("检查 ")
    above = Finding.objects.filter(
        campaign__told_on__year=2018, level__in=(Level.CENTRAL, Level.PROVINCE)
    )
    assert above.count() == FED_BACK == 269
    assert above.exclude(state=State.CLOSED).count() == above.filter(relapses__gt=0).count()
    assert not above.filter(closed_on__year__gt=2018).exists()


def test_own_tours_and_audits_found_what_was_published() -> None:
    own = Finding.objects.filter(campaign__told_on__year=2018, level=Level.CITY)
    assert own.count() == OWN == 2808
    assert sum(one.many for one in campaigns()) == FED_BACK + OWN


def test_each_campaign_has_as_many_as_its_feedback_says() -> None:
    counted = Campaign.objects.annotate(many=Count("findings"))
    assert not counted.exclude(many=F("expected")).exists()


def test_every_source_is_there_and_something_in_every_state() -> None:
    assert set(Finding.objects.values_list("source", flat=True)) == set(Source.values)
    assert set(Finding.objects.values_list("state", flat=True)) == set(State.values)


def test_some_are_overdue_and_each_letter_was_sent() -> None:
    today = timezone.localdate()
    assert Finding.objects.filter(state__in=OWED, due_on__lt=today, rung=3).exists()
    sent = Letter.objects.filter(number__isnull=False)
    assert set(sent.values_list("kind", flat=True)) == set(Kind.values)
    assert set(Letter.objects.values_list("state", flat=True)) == set(Stage.values)
    assert set(Accountability.objects.values_list("outcome", flat=True)) >= {"", "TALK"}


def test_last_quarter_is_ranked_by_a_rule_that_says_it_is_made_up() -> None:
    run = RankingRun.objects.get()
    assert run.rule.source == SCORING_SOURCE
    assert (run.year, run.quarter) < (timezone.localdate().year, 5)
    rows = list(run.rows.order_by("rank"))
    assert [one.rank for one in rows if one.rank][:1] == [1]
    assert len({one.points for one in rows}) > 1


def test_numbers_have_no_gaps() -> None:
    for kind, county in set(
        Letter.objects.filter(number__isnull=False).values_list("kind", "region_code")
    ):
        by_year: dict[int, list[int]] = {}
        rows = Letter.objects.filter(kind=kind, region_code=county, number__isnull=False)
        for year, number in rows.values_list("year", "number"):
            by_year.setdefault(year, []).append(number)
        assert all(sorted(all_) == list(range(1, len(all_) + 1)) for all_ in by_year.values())


def test_whoever_claimed_a_mending_did_not_pass_it() -> None:
    passed = FindingStep.objects.filter(state__in=BY_ANOTHER)
    assert passed.exists()
    assert not passed.filter(created_by=F("finding__claimed_by")).exists()


def test_a_paper_can_be_opened() -> None:
    finding = Finding.objects.filter(state=State.CLOSED).earliest("pk")
    assert papers.opened(paper=finding.papers.get()).startswith(b"\xff\xd8")


def test_drawn_ones_were_looked_at_and_some_had_come_back() -> None:
    looks = Drawn.objects.filter(look__isnull=False)
    assert set(looks.values_list("look__result", flat=True)) == {"HOLDS", "RELAPSED"}
    assert Drawn.objects.filter(look__isnull=True).exists()


def test_more_time_was_given_once_and_waits_once() -> None:
    assert {one.is_granted for one in Extension.objects.all()} == {True, None}


def test_there_is_a_complaint_in_every_state_and_one_is_on_the_ledger() -> None:
    assert set(Complaint.objects.values_list("state", flat=True)) == set(ComplaintState.values)
    assert ComplaintFinding.objects.count() == 1


def test_the_likes_of_one_were_looked_for() -> None:
    assert Sweep.objects.count() == 1


def test_again_makes_nothing() -> None:
    before = Finding.objects.count()
    assert make_problems() == {}
    assert Finding.objects.count() == before


@pytest.mark.django_db
def test_without_people_nothing_is_made() -> None:
    from accounts.models import User

    User.objects.filter(username="pinggu").update(username="weg")
    with pytest.raises(NoPeopleError):
        make_problems()
