"""What surveyors of the demo city brought home: visits and answered questionnaires, many at a time.

The rows are those that `inspections.services.surveying.record_visit` would write one by one, checked by
the same questionnaire; every trigger and constraint of the tables looks at them.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any

from django.utils import timezone

from core.acting import acting
from imports.demo.places import random_for
from inspections.enums import Conclusion, Purpose, Reason, Subject
from inspections.formulas import questionnaires
from inspections.models import Answer, Questionnaire, Round, SampleHousehold, Visit
from inspections.services import surveying
from inspections.services.surveying import Filled

# Which share says no to 总体上是否认可, by weight; published is only that above 90 % say yes.
_AGAINST = (0.025, 0.05)
_PLACE = "户内"
_MINUTES = 7 * 60
_LINE = 3_208


@dataclass
class Team:
    """Who goes to the villages of a round, from which day on, and who sends them."""

    round: Round
    surveyors: Sequence[Any]
    first_day: date
    days: int
    office: Any

    def __post_init__(self) -> None:
        found = Questionnaire.objects.order_by("version")
        # The newest version of each type.
        self.questionnaires = {one.subject: one for one in found}
        self.against = _against(self.round)
        codes = self.round.sample_villages.order_by("code").values_list("code", flat=True)
        self._places = {code: place for place, code in enumerate(codes)}

    def surveyor(self, sample: SampleHousehold) -> Any:
        """One surveyor to a village, in turn."""
        return self.surveyors[self._places[sample.village_code] % len(self.surveyors)]

    def another(self, sample: SampleHousehold) -> Any:
        """Who looks a second time."""
        return self.surveyors[(self._places[sample.village_code] + 1) % len(self.surveyors)]

    def at(self, sample: SampleHousehold, *, later: int = 0) -> datetime:
        """When they came: a day per village, from nine to four o'clock."""
        day = self.first_day + timedelta(
            self._places[sample.village_code] * self.days // max(len(self._places), 1) + later
        )
        minutes = 9 * 60 + random_for("visit", sample.frame.ref).randrange(_MINUTES)
        clock = time(minutes // 60, minutes % 60)
        return timezone.make_aware(datetime.combine(day, clock))

    def send(
        self, samples: Iterable[SampleHousehold], *, purpose: str = Purpose.FIRST
    ) -> dict[Any, list[SampleHousehold]]:
        """Assign everybody by the product's own service; households by surveyor."""
        chosen = self.surveyor if purpose == Purpose.FIRST else self.another
        groups: dict[Any, list[SampleHousehold]] = {}
        for sample in samples:
            groups.setdefault(chosen(sample), []).append(sample)
        for surveyor, rows in groups.items():
            surveying.assign(
                round=self.round, samples=rows, surveyor=surveyor, purpose=purpose, by=self.office
            )
        return groups


def answer(team: Team, samples: Iterable[SampleHousehold], *, purpose: str = Purpose.FIRST) -> int:
    """Everybody is met, and nothing is found."""
    count = 0
    for surveyor, rows in team.send(samples, purpose=purpose).items():
        with acting(by=surveyor, reason="入户调查"):
            later = 0 if purpose == Purpose.FIRST else team.days
            visits = Visit.objects.bulk_create(
                _visit(team, row, purpose=purpose, by=surveyor, later=later) for row in rows
            )
            Answer.objects.bulk_create(
                _answer(team, row, visit, by=surveyor)
                for row, visit in zip(rows, visits, strict=True)
            )
        count += len(rows)
    return count


def _visit(team: Team, sample: SampleHousehold, *, purpose: str, by: Any, later: int) -> Visit:
    return Visit(
        round_id=sample.round_id,
        held_by=sample.held_by,
        sample=sample,
        purpose=purpose,
        outcome="",
        visited_at=team.at(sample, later=later),
        place=_PLACE,
        surveyor=by,
        created_by=by,
    )


def _answer(team: Team, sample: SampleHousehold, visit: Visit, *, by: Any) -> Answer:
    questionnaire = team.questionnaires[sample.kind]
    answers = answers_of(team, sample)
    wrong = questionnaires.faults(questionnaire.schema, answers)
    if wrong:
        raise ValueError("".join(wrong))
    ordinary, sealed = questionnaires.parted(questionnaire.schema, answers)
    return Answer(
        round_id=visit.round_id,
        held_by=visit.held_by,
        sample=sample,
        visit=visit,
        purpose=visit.purpose,
        questionnaire=questionnaire,
        answers=ordinary,
        secret=json.dumps(sealed, ensure_ascii=False, sort_keys=True) if sealed else "",
        conclusion=Conclusion.CLEAN,
        created_by=by,
    )


def _against(round_: Round) -> frozenset[int]:
    """Who does not approve: drawn households in any order, as long as their weight is below the share.

    Chosen by weight and not one by one, so that the rate lies where it was published for a few
    households as for many.
    """
    rng = random_for("approval", round_.region_code, round_.kind)
    rows = list(
        SampleHousehold.objects.filter(round=round_, is_reserve=False)
        .order_by("village_code", "kind", "rank")
        .values_list("pk", "numerator", "denominator", "village__numerator", "village__denominator")
    )
    weights = {pk: below * vbelow / (above * vabove) for pk, above, below, vabove, vbelow in rows}
    left = sum(weights.values()) * rng.uniform(*_AGAINST)
    keys = list(weights)
    rng.shuffle(keys)
    found = set()
    for key in keys:
        if weights[key] <= left:
            found.add(key)
            left -= weights[key]
    return frozenset(found)


def answers_of(
    team: Team, sample: SampleHousehold, changed: Mapping[str, str] | None = None
) -> dict[str, str]:
    """What a household says, always the same; `changed` is what is amiss."""
    questionnaire = team.questionnaires[sample.kind]
    rng = random_for("answers", sample.frame.ref)
    told = {
        item["code"]: "yes"
        for item in questionnaire.schema
        if item.get("required") and item["kind"] == "yesno"
    }
    told |= {"persons": str(max(sample.frame.persons, 1)), "income": str(_income(rng, sample.kind))}
    if "unregistered_persons" in {item["code"] for item in questionnaire.schema}:
        told["unregistered_persons"] = "0"
    if "applied" in told:
        told["applied"] = "no"
    if sample.kind == Subject.POOR:
        told["above_line"] = "no"
    if sample.pk in team.against:
        told["approval"] = "no"
        told[rng.choice(("approve_policy", "approve_result", "approve_help"))] = "no"
    return told | dict(changed or {})


def _income(rng: Random, kind: str) -> int:
    """Yuan per person and year, on the side of the line that fits."""
    if kind == Subject.POOR:
        return 1_900 + int(rng.random() * (_LINE - 2_000))
    return (
        _LINE
        + 600
        + int(rng.random() * rng.random() * (22_000 if kind == Subject.OTHER else 9_000))
    )


def suspect(team: Team, sample: SampleHousehold, filled: Filled) -> None:
    """A visit that ends in a suspicion, by the product's own service."""
    for surveyor in team.send([sample]):
        surveying.record_visit(
            sample=sample,
            visited_at=team.at(sample),
            place=_PLACE,
            filled=filled,
            by=surveyor,
        )


def replace(team: Team, sample: SampleHousehold, reason: str) -> SampleHousehold | None:
    """Nobody is met, and the next of the list takes the place; None where the list is empty."""
    reserves = SampleHousehold.objects.filter(
        village=sample.village_id, kind=sample.kind, is_reserve=True, replaces__isnull=True
    )
    if not reserves.exists():
        return None
    for surveyor in team.send([sample]):
        surveying.record_visit(
            sample=sample,
            visited_at=team.at(sample),
            place="户外",
            outcome=reason,
            by=surveyor,
        )
    return surveying.replace(
        sample=sample,
        reason=reason,
        note=f"{Reason(reason).label}，经村委会证实。",
        by=team.office,
    )
