"""What surveyors of the demo city suspected, and what became of it: cases in every state there is.

Every step is taken by the product's own services, by the person whose step it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.utils import timezone

from imports.demo.visits import Team, answers_of, suspect
from inspections.enums import CaseKind, CaseState, Subject
from inspections.models import Case, SampleHousehold
from inspections.services import cases, rectifying
from inspections.services.cases import Suspicion
from inspections.services.surveying import Filled

_STEP = timedelta(days=2)


@dataclass(frozen=True)
class Finding:
    """One suspicion: of which type of household, of what, how far it has come, put right or not."""

    subject: str
    kind: str
    words: str
    answers: dict[str, str] = field(default_factory=dict)
    path: tuple[str, ...] = ()
    rectified: bool = False


@dataclass(frozen=True)
class People:
    """Who takes the steps: the county answers, one person looks again, another one decides."""

    county: Any
    checker: Any
    judge: Any


def roof(*path: str, rectified: bool = False) -> Finding:
    return Finding(
        Subject.EXITED, CaseKind.WRONGFUL_EXIT, "正房屋面漏雨，墙体开裂，未列入修缮计划",
        {"housing": "no"}, path, rectified,
    )  # fmt: skip


def water(*path: str, rectified: bool = False) -> Finding:
    return Finding(
        Subject.EXITED, CaseKind.WRONGFUL_EXIT, "季节性缺水，取水往返超过二十分钟", {"water": "no"},
        path, rectified,
    )  # fmt: skip


def left_out(*path: str, rectified: bool = False) -> Finding:
    return Finding(
        Subject.KEY, CaseKind.OMITTED_HOUSEHOLD, "家庭收入疑似低于标准，住房未经鉴定",
        {"above_line": "unknown", "housing": "unknown"}, path, rectified,
    )  # fmt: skip


def member(*path: str) -> Finding:
    return Finding(
        Subject.EXITED, CaseKind.OMITTED_MEMBER, "共同生活的新生儿未登记",
        {"unregistered_persons": "1"}, path,
    )  # fmt: skip


def shop(*path: str, rectified: bool = False) -> Finding:
    return Finding(
        Subject.POOR, CaseKind.WRONGFUL_ENTRY, "户主在镇区经营门店，疑似识别不准",
        {"above_line": "yes"}, path, rectified,
    )  # fmt: skip


def place(
    samples: Sequence[SampleHousehold], findings: Sequence[Finding]
) -> list[tuple[SampleHousehold, Finding]]:
    """Findings spread over the drawn households of their types; what finds nobody is left out."""
    found: list[tuple[SampleHousehold, Finding]] = []
    for subject in dict.fromkeys(one.subject for one in findings):
        wanted = [one for one in findings if one.subject == subject]
        # Small households, so that one of them does not decide a rate by itself.
        rows = [one for one in samples if one.kind == subject and 1 <= one.frame.persons <= 3]
        if len(rows) > len(wanted):
            steps = range(1, len(wanted) + 1)
            rows = [rows[at * len(rows) // (len(wanted) + 1)] for at in steps]
        found += zip(rows, wanted, strict=False)
    return found


def raise_all(team: Team, placed: Sequence[tuple[SampleHousehold, Finding]]) -> None:
    """The visits in which something was suspected."""
    for sample, finding in placed:
        questionnaire = team.questionnaires[sample.kind]
        note = {"note": finding.words}
        persons = 1 if finding.kind == CaseKind.OMITTED_MEMBER else sample.frame.persons
        filled = Filled(
            questionnaire,
            answers_of(team, sample, finding.answers | note),
            (Suspicion(finding.kind, persons, finding.words, "照片 3 张"),),
        )
        suspect(team, sample, filled)


def settle_all(placed: Sequence[tuple[SampleHousehold, Finding]], people: People) -> None:
    """Every case as far as its finding says."""
    for sample, finding in placed:
        case = Case.objects.get(sample=sample, kind=finding.kind)
        on = case.steps.get(position=0).on
        for state in finding.path:
            on = _take(case, state, on, people)
            case.refresh_from_db()
        if finding.rectified:
            rectifying.rectify(
                case=case, on=_next(on), measure="已完成整改，县扶贫办入户核实。",
                evidence="整改前后照片、验收单", by=people.county,
            )  # fmt: skip


def _next(before: date) -> date:
    """A step's day, which is not one to come."""
    return max(min(before + _STEP, timezone.localdate()), before)


def _take(case: Case, state: str, before: date, people: People) -> date:
    """One step; returns its day."""
    on = _next(before)
    if state == CaseState.APPEALED:
        cases.appeal(
            case=case, on=on, reason="情况已核实，附佐证", evidence="村委会证明、照片",
            by=people.county,
        )  # fmt: skip
    elif state == CaseState.ACCEPTED:
        cases.accept(case=case, on=on, reason="无异议", by=people.county)
    elif state == CaseState.LAPSED:
        due = case.steps.get(position=0).due_on
        on = (due or before) + timedelta(days=1)
        cases.let_lapse(case=case, on=on, by=people.judge)
    elif state == CaseState.RECHECKED:
        cases.recheck(case=case, on=on, reason="到户复核", evidence="复核表", by=people.checker)
    elif state == CaseState.CONFIRMED:
        cases.confirm(case=case, persons=case.persons, on=on, reason="情况属实", by=people.judge)
    else:
        cases.dismiss(case=case, on=on, reason="经复核不属实", by=people.judge)
    return on
