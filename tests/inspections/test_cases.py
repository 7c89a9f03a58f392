"""Cases: state by state, in time, and decided by a second person; only confirmed ones count."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from accounts.models import User
from core import walls
from inspections.models import Case, CaseStep, Round
from inspections.queries import standing
from inspections.services import cases, rounds
from inspections.services.cases import Suspicion
from inspections.services.common import UnfitError
from tests.inspections.conftest import DAY, WRONGFUL, first, visit

pytestmark = pytest.mark.django_db


@pytest.fixture
def case(drawn_round: Round, surveyor: User, office: User) -> Case:
    visit(first(drawn_round), surveyor, office, WRONGFUL)
    return Case.objects.get()


def refused(work: Any) -> bool:
    with pytest.raises(DatabaseError), transaction.atomic():
        work()
    return True


def step(case: Case, by: User, state: str, **changes: Any) -> None:
    """Past the services, as a form that forgets everything would."""
    position = CaseStep.objects.filter(case=case).count()
    CaseStep.objects.create(
        **{
            "case": case, "village_code": case.village_code, "position": position, "state": state,
            "on": DAY, "reason": "理由", "evidence": "证明", "created_by": by,
        }
        | changes
    )  # fmt: skip


def rechecked(case: Case, county_office: User, office: User) -> Case:
    cases.appeal(case=case, on=DAY, reason="已修缮", evidence="验收单", by=county_office)
    return cases.recheck(case=case, on=DAY + timedelta(3), reason="仍漏雨", by=office)


def test_whole_path_behind_the_second_wall(
    case: Case, county_office: User, office: User, decider: User
) -> None:
    assert (case.state, case.persons, case.confirmed_persons) == ("SUSPECTED", 2, 0)
    assert case.steps.get().due_on == DAY + timedelta(7)
    with walls.scoped(county_office):
        assert not Round.objects.exists()
        cases.appeal(
            case=Case.objects.get(), on=DAY + timedelta(7), reason="已修缮", evidence="验收单",
            by=county_office,
        )  # fmt: skip
    assert case.steps.last().due_on == DAY + timedelta(17)
    late = DAY + timedelta(18)
    assert list(standing.overdue(Case.objects.all(), late)) == [case]
    assert not standing.overdue(Case.objects.all(), DAY + timedelta(17)).exists()
    with walls.scoped(office):
        cases.recheck(case=case, on=late, reason="仍漏雨", by=office)
        with pytest.raises(UnfitError, match="另一人"):
            cases.confirm(case=case, persons=2, on=late, reason="属实", by=office)
    with walls.scoped(decider):
        done = cases.confirm(case=case, persons=1, on=late, reason="一人属实", by=decider)
    assert (done.state, done.confirmed_persons) == ("CONFIRMED", 1)
    states = [one.state for one in done.steps.all()]
    assert states == ["SUSPECTED", "APPEALED", "RECHECKED", "CONFIRMED"]
    assert Case.objects.confirmed().count() == 1
    (observed,) = standing.observed(done.round, office)
    assert observed.confirmed == {"WRONGFUL_EXIT": 1}
    assert not observed.undecided


def test_dismissed_never_counts(
    case: Case, county_office: User, office: User, decider: User
) -> None:
    rechecked(case, county_office, office)
    done = cases.dismiss(case=case, on=DAY + timedelta(4), reason="已住新房", by=decider)
    assert (done.state, done.confirmed_persons) == ("DISMISSED", 0)
    (observed,) = standing.observed(done.round, office)
    assert observed.confirmed == {}
    assert not observed.undecided
    for state in ("CONFIRMED", "APPEALED", "SUSPECTED"):
        assert refused(lambda state=state: step(case, decider, state, on=DAY + timedelta(9)))


@pytest.mark.parametrize("state", ["RECHECKED", "CONFIRMED", "DISMISSED", "SUSPECTED", "NONE"])
def test_order_is_held_by_the_database(case: Case, decider: User, state: str) -> None:
    persons = 1 if state == "CONFIRMED" else 0
    assert refused(lambda: step(case, decider, state, persons=persons))
    assert Case.objects.get().state == "SUSPECTED"


def test_steps_out_of_order_in_words(case: Case, office: User, decider: User) -> None:
    with pytest.raises(UnfitError, match="现为“疑似”"):
        cases.confirm(case=case, persons=1, on=DAY, reason="属实", by=decider)
    with pytest.raises(UnfitError, match="理由"):
        cases.recheck(case=case, on=DAY, reason="", by=office)


def test_second_person_is_held_by_the_database(
    case: Case, county_office: User, office: User, surveyor: User, decider: User
) -> None:
    rechecked(case, county_office, office)
    for person in (office, surveyor):
        late = {"on": DAY + timedelta(9), "persons": 1}
        assert refused(lambda person=person, late=late: step(case, person, "CONFIRMED", **late))
        assert refused(lambda person=person: step(case, person, "DISMISSED", on=DAY + timedelta(9)))
    step(case, decider, "CONFIRMED", on=DAY + timedelta(9), persons=1)
    assert Case.objects.get().state == "CONFIRMED"


def test_state_follows_steps_alone(case: Case) -> None:
    for change in (
        {"state": "CONFIRMED", "confirmed_persons": 2},
        {"state": "DISMISSED"},
        {"persons": 1},
        {"kind": "OMITTED_MEMBER"},
    ):
        assert refused(lambda change=change: Case.objects.update(**change))
    assert refused(case.delete)
    assert refused(lambda: CaseStep.objects.update(reason="改"))
    assert refused(lambda: CaseStep.objects.all().delete())


def test_confirmed_is_somebody_and_not_more_than_suspected(
    case: Case, county_office: User, office: User, decider: User
) -> None:
    rechecked(case, county_office, office)
    for persons in (0, 3):
        with pytest.raises(UnfitError, match="1 到 2"):
            cases.confirm(
                case=case, persons=persons, on=DAY + timedelta(9), reason="属实", by=decider
            )
    assert refused(lambda: step(case, decider, "CONFIRMED", on=DAY + timedelta(9), persons=0))


def test_days_of_the_county(case: Case, county_office: User, office: User) -> None:
    with pytest.raises(UnfitError, match="佐证材料"):
        cases.appeal(case=case, on=DAY, reason="不服", evidence="", by=county_office)
    late = DAY + timedelta(8)
    with pytest.raises(UnfitError, match="2018-11-12 届满"):
        cases.appeal(case=case, on=late, reason="不服", evidence="照片", by=county_office)
    assert refused(lambda: step(case, county_office, "APPEALED", on=late))
    with pytest.raises(UnfitError, match="没有届满"):
        cases.let_lapse(case=case, on=DAY + timedelta(7), by=office)
    assert refused(lambda: step(case, office, "LAPSED", on=DAY + timedelta(7)))
    with pytest.raises(UnfitError, match="早于"):
        cases.accept(case=case, on=DAY - timedelta(1), reason="无异议", by=county_office)
    assert refused(lambda: step(case, county_office, "ACCEPTED", on=DAY - timedelta(1)))
    assert cases.let_lapse(case=case, on=late, by=office).state == "LAPSED"


def test_without_days_nothing_lapses(
    drawn_round: Round, surveyor: User, office: User, county_office: User
) -> None:
    from inspections.services import planning, sampling
    from tests.inspections.conftest import planned

    free = planned(office, appeal_days=None, recheck_days=None, days_source="")
    planning.freeze_frame(round=free, by=office)
    visit(first(sampling.draw(round=free, by=office)), surveyor, office, WRONGFUL)
    case = Case.objects.get(round=free)
    assert case.steps.get().due_on is None
    with pytest.raises(UnfitError, match="没有设置期限"):
        cases.let_lapse(case=case, on=date(2030, 1, 1), by=office)
    assert refused(lambda: step(case, office, "LAPSED", on=date(2030, 1, 1)))
    done = cases.accept(case=case, on=date(2030, 1, 1), reason="无异议", by=county_office)
    assert done.state == "ACCEPTED"


def test_who_may_what(
    case: Case, office: User, county_office: User, songxian_clerk: User, luanchuan_clerk: User
) -> None:
    for person in (office, songxian_clerk, luanchuan_clerk):
        with pytest.raises(UnfitError, match="被评估县"):
            cases.appeal(case=case, on=DAY, reason="不服", evidence="照片", by=person)
    for person in (county_office, luanchuan_clerk):
        with pytest.raises(UnfitError, match="组织本轮评估"):
            cases.recheck(case=case, on=DAY, reason="属实", by=person)


@pytest.mark.parametrize(
    ("kind", "subject", "fits"),
    [
        ("WRONGFUL_EXIT", "EXITED", True),
        ("WRONGFUL_EXIT", "POOR", False),
        ("OMITTED_HOUSEHOLD", "KEY", True),
        ("OMITTED_HOUSEHOLD", "OTHER", True),
        ("OMITTED_HOUSEHOLD", "EXITED", False),
        # Members left out of a registered household are omitted persons too.
        ("OMITTED_MEMBER", "POOR", True),
        ("OMITTED_MEMBER", "OTHER", False),
        ("WRONGFUL_ENTRY", "POOR", True),
    ],
)
def test_kinds_fit_the_type(
    drawn_round: Round, surveyor: User, office: User, kind: str, subject: str, fits: bool
) -> None:
    suspicion = Suspicion(kind, 1, "疑似")
    if fits:
        visit(first(drawn_round, subject), surveyor, office, suspicion)
        assert Case.objects.get().kind == kind
    else:
        with pytest.raises(UnfitError, match="不适用"):
            visit(first(drawn_round, subject), surveyor, office, suspicion)
        assert not Case.objects.exists()


def test_case_needs_a_suspicion(drawn_round: Round, surveyor: User, office: User) -> None:
    sample = first(drawn_round)
    visit(sample, surveyor, office)
    with pytest.raises(UnfitError, match="没有结论为疑似"):
        cases.raise_case(sample=sample, suspicion=WRONGFUL, on=DAY, by=surveyor)
    with pytest.raises(UnfitError, match="多于该户人数"):
        cases.raise_case(
            sample=sample, suspicion=Suspicion("WRONGFUL_EXIT", 9, "疑似"), on=DAY, by=surveyor
        )


def test_round_with_an_open_case_is_not_closed(case: Case, office: User) -> None:
    with pytest.raises(UnfitError, match="1 个疑似问题"):
        rounds.close(round=case.round, reason="完成", by=office)
