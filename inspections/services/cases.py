"""The path of a suspicion: raised, answered by the county, re-checked, and decided by a second person.

The database holds the order, the dates and the persons by itself; these acts add the rights and the
words. A deadline is counted in calendar days from the step before, where the round sets days.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from core.acting import acting
from core.scope import covers
from inspections.enums import CASE_SUBJECTS, FOLLOWS, CaseKind, CaseState
from inspections.models import Case, CaseStep, SampleHousehold
from inspections.services.common import APPEAL, DECIDE, UnfitError, refused_as


@dataclass(frozen=True)
class Suspicion:
    """What is suspected of a household: of how many persons, why, on what evidence."""

    kind: str
    persons: int
    reason: str
    evidence: str = ""


def raise_case(*, sample: SampleHousehold, suspicion: Suspicion, on: date, by: Any) -> Case:
    """Open a case after a questionnaire that ended in a suspicion. Raises UnfitError."""
    if sample.kind not in CASE_SUBJECTS[suspicion.kind]:
        raise UnfitError(f"这类农户不适用“{CaseKind(suspicion.kind).label}”。")
    most = sample.frame.persons
    if suspicion.kind != CaseKind.OMITTED_MEMBER and suspicion.persons > most > 0:
        raise UnfitError(f"疑似人数多于该户人数（{most} 人）。")
    village = sample.village.frame.village
    with (
        acting(by=by, reason="登记疑似问题"),
        refused_as("这一户的同类问题已经登记，或没有结论为疑似的问卷。"),
    ):
        case = Case.objects.create(
            round_id=sample.round_id,
            held_by=sample.held_by,
            sample=sample,
            village=village,
            village_code=village.code,
            subject=sample.kind,
            head_name=sample.frame.head_name,
            kind=suspicion.kind,
            persons=suspicion.persons,
            recheck_days=sample.round.recheck_days,
        )
        days = sample.round.appeal_days
        _step(
            case, 0, CaseState.SUSPECTED, on, suspicion.reason, suspicion.evidence, by=by,
            days=days,
        )  # fmt: skip
    return case


def appeal(*, case: Case, on: date, reason: str, evidence: str, by: Any) -> Case:
    """The county disagrees and gives evidence. Raises UnfitError."""
    if not evidence:
        raise UnfitError("申诉须附佐证材料。")
    return _county(case, CaseState.APPEALED, on, reason, evidence, by)


def accept(*, case: Case, on: date, reason: str, by: Any) -> Case:
    """The county has nothing to say against it."""
    return _county(case, CaseState.ACCEPTED, on, reason, "", by)


def _county(case: Case, state: str, on: date, reason: str, evidence: str, by: Any) -> Case:
    if not covers(by, case.village_code[:6], APPEAL):
        raise UnfitError("由被评估县的扶贫办申诉举证。")
    return _take(case, state, on, reason, evidence, by=by, days=case.recheck_days)


def let_lapse(*, case: Case, on: date, by: Any) -> Case:
    """The county's days are over and it has said nothing."""
    _may_decide(case, by)
    return _take(case, CaseState.LAPSED, on, "逾期未申诉", "", by=by, days=case.recheck_days)


def recheck(*, case: Case, on: date, reason: str, evidence: str = "", by: Any) -> Case:
    """What a second look found, in words. Raises UnfitError."""
    _may_decide(case, by)
    return _take(case, CaseState.RECHECKED, on, reason, evidence, by=by)


def confirm(*, case: Case, persons: int, on: date, reason: str, by: Any) -> Case:
    """Confirmed, for so many persons: from now on it counts. Raises UnfitError."""
    _may_decide(case, by)
    if not 1 <= persons <= case.persons:
        raise UnfitError(f"确认人数须在 1 到 {case.persons} 之间。")
    return _take(case, CaseState.CONFIRMED, on, reason, "", by=by, persons=persons)


def dismiss(*, case: Case, on: date, reason: str, by: Any) -> Case:
    """Not so: it never counts. Raises UnfitError."""
    _may_decide(case, by)
    return _take(case, CaseState.DISMISSED, on, reason, "", by=by)


def _may_decide(case: Case, by: Any) -> None:
    if not covers(by, case.held_by, DECIDE):
        raise UnfitError("由组织本轮评估的单位复核、认定。")


def _take(
    case: Case,
    state: str,
    on: date,
    reason: str,
    evidence: str,
    *,
    by: Any,
    days: int | None = None,
    persons: int = 0,
) -> Case:
    if not reason:
        raise UnfitError("请写明理由。")
    with acting(by=by, reason=f"{CaseState(state).label}：{reason}"):
        before = CaseStep.objects.filter(case=case).order_by("-position").first()
        if before is None or state not in FOLLOWS[before.state]:
            label = CaseState(before.state).label if before else "未登记"
            raise UnfitError(f"本问题现为“{label}”，不能办理“{CaseState(state).label}”。")
        _refuse_dates(before, state, on)
        decided = (CaseState.CONFIRMED, CaseState.DISMISSED)
        looked = CaseStep.objects.filter(
            case=case, state__in=(CaseState.SUSPECTED, CaseState.RECHECKED), created_by=by
        )
        if state in decided and looked.exists():
            raise UnfitError("提出或复核本问题的人不能认定，须由另一人办理。")
        with refused_as("本问题刚刚由他人办理，或本轮评估已经结束，请刷新后再试。"):
            _step(
                case, before.position + 1, state, on, reason, evidence, by=by,
                days=days, persons=persons,
            )  # fmt: skip
    return Case.objects.get(pk=case.pk)


def _refuse_dates(before: CaseStep, state: str, on: date) -> None:
    if on < before.on:
        raise UnfitError("日期早于上一步。")
    if state == CaseState.APPEALED and before.due_on is not None and on > before.due_on:
        raise UnfitError(f"申诉期限已于 {before.due_on:%Y-%m-%d} 届满。")
    if state == CaseState.LAPSED and (before.due_on is None or on <= before.due_on):
        raise UnfitError("申诉期限没有届满，或本轮没有设置期限。")


def _step(
    case: Case,
    position: int,
    state: str,
    on: date,
    reason: str,
    evidence: str,
    *,
    by: Any,
    days: int | None = None,
    persons: int = 0,
) -> None:
    CaseStep.objects.create(
        case=case,
        village_code=case.village_code,
        position=position,
        state=state,
        on=on,
        reason=reason,
        evidence=evidence,
        persons=persons,
        due_on=None if days is None else on + timedelta(days=days),
        created_by=by,
    )
