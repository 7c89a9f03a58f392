"""Sending surveyors out, what they bring back, and who is visited instead."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models.functions import Now

from core.acting import acting
from core.scope import trim
from inspections.enums import Conclusion, Purpose, Reason
from inspections.formulas import questionnaires
from inspections.models import (
    Answer,
    Questionnaire,
    Replacement,
    Round,
    SampleHousehold,
    SurveyTask,
    Visit,
)
from inspections.services import cases
from inspections.services.cases import Suspicion
from inspections.services.common import PLAN, SURVEY, UnfitError, locked, refused_as


@dataclass(frozen=True)
class Filled:
    """A questionnaire as it was answered, with what is suspected after it."""

    questionnaire: Questionnaire
    answers: Mapping[str, str]
    suspicions: tuple[Suspicion, ...] = ()

    @property
    def conclusion(self) -> str:
        return Conclusion.SUSPECTED if self.suspicions else Conclusion.CLEAN


def is_conflicted(round: Round, person: Any) -> bool:
    """Whether the person serves or served in the assessed county; asked of the database's own rule."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT inspections_is_conflicted(%s, %s)", [round.pk, person.pk])
        return bool(cursor.fetchone()[0])


def assign(
    *,
    round: Round,
    samples: Iterable[SampleHousehold],
    surveyor: Any,
    purpose: str = Purpose.FIRST,
    by: Any,
) -> int:
    """Send a surveyor to households; whoever was sent there for this purpose before is called back.

    Returns how many. Raises UnfitError for somebody of the assessed county, somebody who is no
    surveyor there, and households that are not to be visited.
    """
    rows = list(samples)
    with acting(by=by, reason=f"分派调查：{Purpose(purpose).label}"):
        found = locked(round, PLAN, by)
        if not rows or any(row.round_id != found.pk for row in rows):
            raise UnfitError("请选择本轮的样本户。")
        if is_conflicted(found, surveyor):
            raise UnfitError("该调查员在被评估县任职或曾任职，应当回避。")
        sent_to = surveyor.entrusted_prefixes
        if not surveyor.has_perm(SURVEY) or not all(
            any(row.village_code.startswith(trim(prefix)) for prefix in sent_to) for row in rows
        ):
            raise UnfitError("该用户没有在这些村调查的权限。")
        keys = [row.pk for row in rows]
        SurveyTask.objects.filter(sample__in=keys, purpose=purpose, ended_at__isnull=True).update(
            ended_at=Now()
        )
        with refused_as("有样本户不需入户（已被替换，或为未启用的候补户）。"):
            made = SurveyTask.objects.bulk_create(
                SurveyTask(
                    round=found,
                    held_by=found.held_by,
                    sample=row,
                    village_code=row.village_code,
                    purpose=purpose,
                    user=surveyor,
                    created_by=by,
                )
                for row in rows
            )
    return len(made)


def record_visit(
    *,
    sample: SampleHousehold,
    purpose: str = Purpose.FIRST,
    visited_at: datetime,
    place: str,
    outcome: str = "",
    filled: Filled | None = None,
    by: Any,
) -> Visit:
    """Put down a visit by the surveyor who was sent: met with a questionnaire, or missed with a code.

    Suspicions of a first visit open cases. Raises UnfitError.
    """
    if (filled is None) == (outcome == ""):
        raise UnfitError("完成的入户须填写问卷；未完成的须选择原因。")
    with acting(by=by, reason="入户调查"):
        task = SurveyTask.objects.filter(
            sample=sample, purpose=purpose, user=by, ended_at__isnull=True
        ).first()
        if task is None or not by.has_perm(SURVEY):
            raise UnfitError("这一户没有分派给您。")
        with refused_as("这一户已经完成调查、不需入户，或您应当回避。"):
            visit = Visit.objects.create(
                round_id=sample.round_id,
                held_by=sample.held_by,
                sample=sample,
                purpose=purpose,
                outcome=outcome,
                visited_at=visited_at,
                place=place,
                surveyor=by,
                created_by=by,
            )
        if filled is not None:
            _answer(visit, filled, by)
    return visit


def _answer(visit: Visit, filled: Filled, by: Any) -> None:
    sample: SampleHousehold = visit.sample  # type: ignore[assignment]
    ordinary, sealed = _checked(filled.questionnaire, sample, filled.answers)
    with refused_as("这一户已经填写过这份问卷。"):
        Answer.objects.create(
            round_id=visit.round_id,
            held_by=visit.held_by,
            sample=sample,
            visit=visit,
            purpose=visit.purpose,
            questionnaire=filled.questionnaire,
            answers=ordinary,
            secret=_sealed(sealed),
            conclusion=filled.conclusion,
            created_by=by,
        )
    if visit.purpose == Purpose.FIRST:
        on = visit.visited_at.date()
        for suspicion in filled.suspicions:
            cases.raise_case(sample=sample, suspicion=suspicion, on=on, by=by)


def _checked(
    questionnaire: Questionnaire, sample: SampleHousehold, answers: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    if questionnaire.subject != sample.kind:
        raise UnfitError("问卷与农户类型不符。")
    wrong = questionnaires.faults(questionnaire.schema, answers)
    if wrong:
        raise UnfitError("".join(wrong))
    return questionnaires.parted(questionnaire.schema, answers)


def _sealed(answers: Mapping[str, str]) -> str:
    return json.dumps(answers, ensure_ascii=False, sort_keys=True) if answers else ""


def correct_answer(*, answer: Answer, answers: Mapping[str, str], reason: str, by: Any) -> Answer:
    """Correct what was put down wrongly; the history keeps what stood there. Raises UnfitError.

    The conclusion stays: a case is closed by its own path, not by a correction.
    """
    if not reason:
        raise UnfitError("请写明更正的原因。")
    with acting(by=by, reason=reason):
        row = Answer.objects.select_for_update().get(pk=answer.pk)
        if row.created_by_id != by.pk:
            raise UnfitError("只能由填写人更正。")
        row.answers, sealed = _checked(row.questionnaire, row.sample, answers)
        row.secret = _sealed(sealed)
        with refused_as("本轮评估已经结束，不能更正。"):
            row.save(update_fields=["answers", "secret"])
    return row


def replace(*, sample: SampleHousehold, reason: str, note: str, by: Any) -> SampleHousehold:
    """Put the next household of the replacement list in for one that could not be asked.

    Raises UnfitError for a reason outside the list, a household that has answered, and an empty list.
    """
    if reason not in Reason.values or not note:
        raise UnfitError("请从列表中选择原因，并写明经过。")
    with acting(by=by, reason=f"样本替换：{Reason(reason).label}"):
        found = locked(sample.round, PLAN, by)
        if not Visit.objects.filter(sample=sample, outcome=reason).exists():
            raise UnfitError("没有以这一原因登记的入户，不能替换。")
        later = (
            SampleHousehold.objects.filter(
                village=sample.village_id, kind=sample.kind, is_reserve=True, replaces__isnull=True
            )
            .order_by("rank")
            .first()
        )
        if later is None:
            raise UnfitError("本村这一类农户的候补名单已经用完。")
        with refused_as("这一户已完成调查或已被替换。"):
            Replacement.objects.create(
                round=found,
                held_by=found.held_by,
                former=sample,
                later=later,
                reason=reason,
                note=note,
                created_by=by,
            )
        SurveyTask.objects.filter(sample=sample, ended_at__isnull=True).update(ended_at=Now())
    return later
