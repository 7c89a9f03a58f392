"""How a round stands: what became of each sample household, and what enters the estimates."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from django.db.models import Case as When_
from django.db.models import CharField, Exists, F, OuterRef, Q, QuerySet, Value, When

from core.scope import Actor
from inspections.enums import CaseState, Conclusion, Purpose
from inspections.models import Answer, Case, CaseStep, Replacement, Round, SampleHousehold, Visit

# What became of a sample household, in the order in which the first that holds counts.
WAITING, REPLACED, MISSED, DRAWN = "WAITING", "REPLACED", "MISSED", "DRAWN"
CLEAN, SUSPECTED, CONFIRMED, DISMISSED = "CLEAN", "SUSPECTED", "CONFIRMED", "DISMISSED"
STANDINGS = {
    DRAWN: "待入户",
    MISSED: "入户未遇",
    REPLACED: "已替换",
    CLEAN: "未发现问题",
    SUSPECTED: "疑似",
    CONFIRMED: "确认有问题",
    DISMISSED: "疑似已排除",
    WAITING: "候补",
}


def with_standing(rows: QuerySet[SampleHousehold]) -> QuerySet[SampleHousehold]:
    """Sample households with `standing`, one of STANDINGS, in one query."""
    of_sample = {"sample": OuterRef("pk")}
    cases = Case.objects.filter(**of_sample)
    answers = Answer.objects.filter(purpose=Purpose.FIRST, **of_sample)
    return rows.annotate(
        standing=When_(
            When(Exists(Replacement.objects.filter(former=OuterRef("pk"))), then=Value(REPLACED)),
            When(Exists(cases.filter(state=CaseState.CONFIRMED)), then=Value(CONFIRMED)),
            When(
                Exists(cases.exclude(state__in=(CaseState.CONFIRMED, CaseState.DISMISSED))),
                then=Value(SUSPECTED),
            ),
            When(Exists(cases), then=Value(DISMISSED)),
            When(Exists(answers.filter(conclusion=Conclusion.CLEAN)), then=Value(CLEAN)),
            When(Exists(answers), then=Value(SUSPECTED)),
            When(Exists(Visit.objects.filter(**of_sample)), then=Value(MISSED)),
            When(
                Q(is_reserve=True) & ~Exists(Replacement.objects.filter(later=OuterRef("pk"))),
                then=Value(WAITING),
            ),
            default=Value(DRAWN),
            output_field=CharField(),
        )
    )


@dataclass(frozen=True)
class Observed:
    """One answered household as the estimates take it.

    `probability` is the product of both stages. `confirmed` are the persons of confirmed cases by
    kind of case, `undecided` whether a case is still open: a rate with one of these is not final.
    """

    village: str
    stratum: str
    kind: str
    persons: int
    probability: Fraction
    village_probability: Fraction
    confirmed: dict[str, int]
    undecided: bool
    approves: bool | None


def observed(round: Round, actor: Actor) -> Iterator[Observed]:
    """Every household of the sample that has answered, for those who may see the round."""
    samples = SampleHousehold.objects.visible_to(actor).filter(round=round)
    answers = Answer.objects.filter(purpose=Purpose.FIRST, sample__in=samples)
    approval = dict(answers.values_list("sample_id", "answers__approval"))
    confirmed: dict[int, dict[str, int]] = {}
    undecided: set[int] = set()
    for sample, kind, state, persons in Case.objects.filter(sample__in=samples).values_list(
        "sample_id", "kind", "state", "confirmed_persons"
    ):
        if state == CaseState.CONFIRMED:
            confirmed.setdefault(sample, {})[kind] = persons
        elif state != CaseState.DISMISSED:
            undecided.add(sample)
    rows = samples.filter(pk__in=approval).order_by("pk").values(
        "pk", "kind", "numerator", "denominator", code=F("village__code"),
        stratum=F("village__stratum"), persons=F("frame__persons"),
        above=F("village__numerator"), below=F("village__denominator"),
    )  # fmt: skip
    for row in rows:
        village = Fraction(row["above"], row["below"])
        yield Observed(
            village=row["code"],
            stratum=row["stratum"],
            kind=row["kind"],
            persons=row["persons"],
            probability=village * Fraction(row["numerator"], row["denominator"]),
            village_probability=village,
            confirmed=confirmed.get(row["pk"], {}),
            undecided=row["pk"] in undecided,
            approves={"yes": True, "no": False}.get(approval[row["pk"]] or ""),
        )


def overdue(cases: QuerySet[Case], on: date) -> QuerySet[Case]:
    """Cases whose next step was due before the day."""
    last: Any = CaseStep.objects.filter(case=OuterRef("pk")).order_by("-position")
    return (
        cases.undecided()  # type: ignore[attr-defined]
        .annotate(due_on=last.values("due_on")[:1])
        .filter(due_on__lt=on)
    )
