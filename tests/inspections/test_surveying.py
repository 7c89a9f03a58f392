"""Surveyors, visits, answers and replacements: who sees whom, and what the database refuses."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from accounts.enums import Role
from accounts.models import Grant, User
from core import walls
from core.history import images
from inspections.enums import Purpose
from inspections.models import (
    Answer,
    Case,
    FrameHousehold,
    FrameVillage,
    Questionnaire,
    Replacement,
    Round,
    SampleHousehold,
    SampleVillage,
    SurveyTask,
    Visit,
)
from inspections.queries import standing
from inspections.services import rounds, surveying
from inspections.services.common import UnfitError
from tests.conftest import LONG_AGO, person
from tests.inspections.conftest import CODES, NOON, WRONGFUL, filled, first, planned, visit

pytestmark = pytest.mark.django_db

OF_ROUND = (
    Round, FrameVillage, FrameHousehold, SampleVillage, SampleHousehold, SurveyTask, Visit, Answer,
)  # fmt: skip


def refused(work: Any) -> bool:
    with pytest.raises(DatabaseError), transaction.atomic():
        work()
    return True


def seen(model: Any, actor: Any) -> int:
    """What both walls let through, and each alone: the same."""
    with walls.scoped(actor):
        both, below = model.objects.visible_to(actor).count(), model.objects.count()
    above = model.objects.visible_to(actor).count()
    assert both == below == above, (model, both, below, above)
    return int(both)


def test_questionnaires_are_shipped_for_every_type(db: None) -> None:
    rows = Questionnaire.objects.all()
    assert {row.subject for row in rows} == {"EXITED", "POOR", "KEY", "OTHER"}
    for row in rows:
        assert "approval" in [item["code"] for item in row.schema]
    assert refused(lambda: Questionnaire.objects.update(title="改"))
    assert refused(lambda: Questionnaire.objects.all().delete())


def test_surveyors_see_only_whom_they_were_sent_to(
    drawn_round: Round, surveyor: User, other_surveyor: User, office: User
) -> None:
    sample = first(drawn_round)
    assert [seen(model, surveyor) for model in OF_ROUND] == [0] * len(OF_ROUND)
    visit(sample, surveyor, office, WRONGFUL)
    assert seen(SampleHousehold, surveyor) == 1
    with walls.scoped(surveyor):
        assert Round.objects.count() == SampleVillage.objects.count() == 1
        assert FrameHousehold.objects.get().pk == sample.frame_id
        assert FrameVillage.objects.get().code == sample.village_code
        assert Case.objects.count() == Visit.objects.count() == Answer.objects.count() == 1
    assert [seen(model, other_surveyor) for model in OF_ROUND] == [0] * len(OF_ROUND)
    # Called back, they see nothing any more.
    surveying.assign(round=drawn_round, samples=[sample], surveyor=other_surveyor,
                     purpose=Purpose.FIRST, by=office)  # fmt: skip
    assert seen(SampleHousehold, surveyor) == 0
    assert seen(SampleHousehold, other_surveyor) == 1


def test_survey_works_behind_the_second_wall(
    drawn_round: Round, surveyor: User, office: User
) -> None:
    sample = first(drawn_round)
    with walls.scoped(office):
        surveying.assign(round=drawn_round, samples=[sample], surveyor=surveyor, by=office)
    with walls.scoped(surveyor):
        mine = SampleHousehold.objects.get()
        surveying.record_visit(
            sample=mine, visited_at=NOON, place="户内", filled=filled(mine, WRONGFUL), by=surveyor
        )
        assert Case.objects.get().steps.get().due_on is not None
        with pytest.raises(DatabaseError), transaction.atomic():
            Visit.objects.create(
                round=drawn_round, held_by="4103", sample=_another(mine), purpose="FIRST",
                visited_at=NOON, place="户内", surveyor=surveyor, created_by=surveyor,
            )  # fmt: skip


def _another(sample: SampleHousehold) -> SampleHousehold:
    return SampleHousehold(pk=sample.pk + 1)


def test_neighbour_sees_nothing_and_the_county_after_disclosure(
    drawn_round: Round, surveyor: User, office: User, city_leader: User,
    songxian_clerk: User, luanchuan_clerk: User, town_clerk: User,
) -> None:  # fmt: skip
    visit(first(drawn_round), surveyor, office, WRONGFUL)
    rows = [model.objects.count() for model in OF_ROUND]
    assert all(rows)
    nothing = [0] * len(OF_ROUND)
    assert [seen(model, city_leader) for model in OF_ROUND] == rows
    for actor in (songxian_clerk, luanchuan_clerk, town_clerk):
        assert [seen(model, actor) for model in OF_ROUND] == nothing
    # A case is the county's business at once.
    assert [seen(Case, one) for one in (luanchuan_clerk, songxian_clerk)] == [1, 0]
    rounds.disclose(round=drawn_round, by=office)
    assert [seen(model, luanchuan_clerk) for model in OF_ROUND] == rows
    for actor in (songxian_clerk, town_clerk):
        assert [seen(model, actor) for model in OF_ROUND] == nothing
    # Read, not written.
    with walls.scoped(luanchuan_clerk):
        assert Round.objects.update(name="改") == 0
        assert Answer.objects.update(conclusion="CLEAN") == 0
        with pytest.raises(DatabaseError), transaction.atomic():
            Replacement.objects.create(
                round=drawn_round, held_by="4103", former_id=1, later_id=2, reason="AWAY",
                note="无人", created_by=luanchuan_clerk,
            )  # fmt: skip


@pytest.mark.parametrize(
    ("role", "region", "ends", "is_refused"),
    [
        (Role.INSPECTOR, "410324", None, True),
        (Role.VILLAGE, CODES[0], None, True),
        (Role.TOWN_CLERK, "410324100", "2018-06-30", True),
        (Role.COUNTY_OFFICE, "410324", "2017-12-31", False),
        (Role.COUNTY_OFFICE, "410325", None, False),
    ],
)
def test_surveyor_of_the_county_is_refused(
    drawn_round: Round, office: User, surveyor: User, role: Role, region: str, ends: str | None,
    is_refused: bool,
) -> None:  # fmt: skip
    Grant.objects.create(
        user=surveyor, role=role, region_prefix=region, valid_from=LONG_AGO, valid_to=ends
    )
    surveyor = User.objects.get(pk=surveyor.pk)
    sample = first(drawn_round)
    assert surveying.is_conflicted(drawn_round, surveyor) == is_refused

    def send() -> None:
        SurveyTask.objects.create(
            round=drawn_round, held_by="4103", sample=sample, village_code=sample.village_code,
            purpose="FIRST", user=surveyor, created_by=office,
        )  # fmt: skip

    if is_refused:
        with pytest.raises(UnfitError, match="回避"):
            surveying.assign(round=drawn_round, samples=[sample], surveyor=surveyor, by=office)
        assert refused(send)
    else:
        assert surveying.assign(round=drawn_round, samples=[sample], surveyor=surveyor, by=office)


def test_conflict_that_came_later_stops_the_visit(
    drawn_round: Round, office: User, surveyor: User
) -> None:
    sample = first(drawn_round)
    surveying.assign(round=drawn_round, samples=[sample], surveyor=surveyor, by=office)
    Grant.objects.create(
        user=surveyor, role=Role.VILLAGE, region_prefix=CODES[0], valid_from=LONG_AGO
    )
    with pytest.raises(UnfitError, match="回避"):
        surveying.record_visit(
            sample=sample, visited_at=NOON, place="户内", filled=filled(sample), by=surveyor
        )


def test_account_of_the_county_is_refused_too(
    drawn_round: Round, office: User, surveyor: User
) -> None:
    User.objects.filter(pk=surveyor.pk).update(home_prefix="410324100")
    assert surveying.is_conflicted(drawn_round, surveyor)


def test_county_assesses_itself_with_its_own(
    county: None, office: User, county_office: User, inspector: User
) -> None:
    from inspections.services import planning, sampling

    own = planned(county_office, kind="COUNTY_SELF")
    planning.freeze_frame(round=own, by=county_office)
    own = sampling.draw(round=own, by=county_office)
    assert visit(first(own), inspector, county_office).conclusion == "CLEAN"


def test_only_the_one_who_was_sent_writes(
    drawn_round: Round, office: User, surveyor: User, other_surveyor: User
) -> None:
    sample = first(drawn_round)
    surveying.assign(round=drawn_round, samples=[sample], surveyor=surveyor, by=office)
    for by in (other_surveyor, office):
        with pytest.raises(UnfitError, match="没有分派给您"):
            surveying.record_visit(
                sample=sample, visited_at=NOON, place="户内", filled=filled(sample), by=by
            )
    with pytest.raises(UnfitError, match="没有在这些村调查的权限"):
        surveying.assign(round=drawn_round, samples=[sample], surveyor=office, by=office)


def test_answers(drawn_round: Round, office: User, surveyor: User) -> None:
    answer = visit(first(drawn_round), surveyor, office, note="老人独居", food="unknown")
    assert answer.answers["food"] == "unknown"
    # What tells of health or is free text is sealed.
    assert "medical" not in answer.answers
    assert "老人独居" in answer.secret
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM inspections_answer")
        assert "老人".encode() not in bytes(cursor.fetchone()[0])
    with pytest.raises(UnfitError, match="已经完成"):
        surveying.record_visit(
            sample=answer.sample, visited_at=NOON, place="户内", filled=filled(answer.sample),
            by=surveyor,
        )  # fmt: skip
    assert refused(answer.delete)
    assert refused(lambda: Answer.objects.update(purpose="RECHECK"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"food": ""}, "不愁吃”没有回答"),
        ({"food": "maybe"}, "不在选项之中"),
        ({"income": "many"}, "不是数字"),
        ({"income": "-1"}, "应在 0 到"),
        ({"income": "NaN"}, "应在 0 到"),
        ({"note": "长" * 501}, "过长"),
        ({"wealth": "yes"}, "没有“wealth”"),
    ],
)
def test_answers_that_do_not_fit(
    drawn_round: Round, office: User, surveyor: User, change: dict[str, str], words: str
) -> None:
    with pytest.raises(UnfitError, match=words):
        visit(first(drawn_round), surveyor, office, **change)
    assert not Visit.objects.exists()


def test_questionnaire_of_another_type(drawn_round: Round, office: User, surveyor: User) -> None:
    sample = first(drawn_round)
    surveying.assign(round=drawn_round, samples=[sample], surveyor=surveyor, by=office)
    with pytest.raises(UnfitError, match="不符"):
        surveying.record_visit(
            sample=sample, visited_at=NOON, place="户内",
            filled=filled(first(drawn_round, "OTHER")), by=surveyor,
        )  # fmt: skip


def test_correction_keeps_what_stood_there(
    drawn_round: Round, office: User, surveyor: User, other_surveyor: User
) -> None:
    answer = visit(first(drawn_round), surveyor, office)
    right = {**filled(answer.sample).answers, "food": "no"}
    with pytest.raises(UnfitError, match="填写人"):
        surveying.correct_answer(answer=answer, answers=right, reason="录错", by=other_surveyor)
    surveying.correct_answer(answer=answer, answers=right, reason="录错", by=surveyor)
    (before,) = images(Answer, answer.pk)
    assert '"food": "yes"' in str(before["answers"]).replace("'", '"')
    assert before["history_reason"] == "录错"
    rounds.close(round=drawn_round, reason="完成", by=office)
    with pytest.raises(UnfitError, match="已经结束"):
        surveying.correct_answer(answer=answer, answers=right, reason="再改", by=surveyor)


def missed(sample: SampleHousehold, surveyor: User, office: User, why: str = "AWAY") -> None:
    surveying.assign(round=sample.round, samples=[sample], surveyor=surveyor, by=office)
    surveying.record_visit(sample=sample, visited_at=NOON, place="院门外", outcome=why, by=surveyor)


def replace(sample: SampleHousehold, by: User, reason: str = "AWAY") -> SampleHousehold:
    return surveying.replace(sample=sample, reason=reason, note="邻居称全家外出务工", by=by)


def test_replacements_go_down_the_list(drawn_round: Round, office: User, surveyor: User) -> None:
    sample = first(drawn_round)
    with pytest.raises(UnfitError, match="没有以这一原因"):
        replace(sample, office)
    missed(sample, surveyor, office)
    with pytest.raises(UnfitError, match="从列表中选择"):
        replace(sample, office, reason="BUSY")
    one = replace(sample, office)
    assert (one.is_reserve, one.rank, one.kind, one.village) == (
        True, 1, sample.kind, sample.village,
    )  # fmt: skip
    with pytest.raises(UnfitError, match="已被替换"):
        replace(sample, office)
    with pytest.raises(UnfitError, match="不需入户"):
        surveying.assign(round=drawn_round, samples=[sample], surveyor=surveyor, by=office)
    missed(one, surveyor, office)
    two = replace(one, office)
    assert two.rank == 2
    missed(two, surveyor, office)
    with pytest.raises(UnfitError, match="用完"):
        replace(two, office)
    assert refused(lambda: Replacement.objects.all().delete())
    assert refused(lambda: Replacement.objects.update(note="改"))


def test_database_replaces_by_the_next_only(
    drawn_round: Round, office: User, surveyor: User
) -> None:
    sample = first(drawn_round)

    def put(later: SampleHousehold, former: SampleHousehold = sample) -> None:
        Replacement.objects.create(
            round=drawn_round, held_by="4103", former=former, later=later, reason="AWAY",
            note="无人", created_by=office,
        )  # fmt: skip

    spare = SampleHousehold.objects.filter(village=sample.village, is_reserve=True)
    assert refused(lambda: put(spare.get(kind="EXITED", rank=2)))
    assert refused(lambda: put(spare.get(kind="OTHER")))
    others = SampleHousehold.objects.filter(is_reserve=True, kind="EXITED", rank=1)
    assert refused(lambda: put(others.exclude(village=sample.village)[0]))
    # One who was never due gives way to nobody.
    assert refused(lambda: put(spare.get(kind="EXITED", rank=1), spare.get(kind="EXITED", rank=2)))
    visit(sample, surveyor, office)
    assert refused(lambda: put(spare.get(kind="EXITED", rank=1)))


def test_reserve_is_not_visited_before_its_turn(
    drawn_round: Round, office: User, surveyor: User
) -> None:
    spare = SampleHousehold.objects.filter(is_reserve=True)[0]
    with pytest.raises(UnfitError, match="未启用的候补户"):
        surveying.assign(round=drawn_round, samples=[spare], surveyor=surveyor, by=office)


def test_second_look_is_somebody_elses(
    drawn_round: Round, office: User, surveyor: User, other_surveyor: User
) -> None:
    sample = first(drawn_round)
    with pytest.raises(UnfitError):
        visit(sample, other_surveyor, office, purpose="REINTERVIEW")
    visit(sample, surveyor, office)
    with pytest.raises(UnfitError):
        visit(sample, surveyor, office, purpose="REINTERVIEW")
    visit(sample, other_surveyor, office, purpose="REINTERVIEW", food="no")
    told = Answer.objects.order_by("pk").values_list("purpose", "answers__food")
    assert list(told) == [("FIRST", "yes"), ("REINTERVIEW", "no")]


def test_standings_and_what_is_observed(drawn_round: Round, office: User, surveyor: User) -> None:
    rows = SampleHousehold.objects.filter(round=drawn_round, kind="EXITED", is_reserve=False)
    clean, bad, gone = rows.order_by("pk")[:3]
    visit(clean, surveyor, office, approval="no")
    visit(bad, surveyor, office, WRONGFUL)
    missed(gone, surveyor, office)
    later = replace(gone, office)
    found = dict(
        standing.with_standing(SampleHousehold.objects.all()).values_list("pk", "standing")
    )
    assert [found[one.pk] for one in (clean, bad, gone, later)] == [
        "CLEAN", "SUSPECTED", "REPLACED", "DRAWN",
    ]  # fmt: skip
    counts = list(found.values())
    assert counts.count("WAITING") == 8
    one, two = sorted(standing.observed(drawn_round, office), key=lambda row: row.undecided)
    assert (one.approves, two.approves) == (False, True)
    assert two.undecided
    assert not two.confirmed
    assert one.probability == one.village_probability * one.probability / one.village_probability
    assert one.persons == clean.frame.persons


def test_nothing_is_written_after_the_end(drawn_round: Round, office: User, surveyor: User) -> None:
    sample = first(drawn_round)
    surveying.assign(round=drawn_round, samples=[sample], surveyor=surveyor, by=office)
    rounds.close(round=drawn_round, reason="作废重来", by=office)
    with pytest.raises(UnfitError):
        surveying.record_visit(
            sample=sample, visited_at=NOON, place="户内", filled=filled(sample), by=surveyor
        )


@pytest.mark.django_db(transaction=True)
@pytest.mark.integration
def test_two_replacements_at_once_take_different_households(
    drawn_round: Round, office: User, surveyor: User
) -> None:
    sample = first(drawn_round)
    pair = list(
        SampleHousehold.objects.filter(village=sample.village, kind="EXITED", is_reserve=False)
    )
    for one in pair:
        missed(one, surveyor, office)
    ready, ranks = threading.Barrier(2), []

    def run(one: SampleHousehold) -> None:
        ready.wait(30)
        try:
            ranks.append(replace(one, office).rank)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(one,)) for one in pair]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(ranks) == [1, 2]
    assert person("x", Role.LEADER).pk
    assert timezone.now() - NOON > timedelta(0)
