"""Problems of the demo city: what inspections of 2018 found is mended, what recent ones found is not.

Published is that the problems fed back by the inspections of centre and province, 269 of them, were
all put right by the end of 2018, and that the city's own tours and audits found 2,808. How these
fall on campaigns and counties is chosen here. Recent campaigns are dated from the day the city is
made, so that there is something in every state, and each letter: they are told by the product's own
services, by the demo's people.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.utils import timezone

from core.acting import acting
from exits.services import holidays_published
from households.services import attaching
from imports.demo import complaints, published, telling
from imports.demo import problem_parts as parts
from imports.demo import problem_words as words
from imports.demo.bulk import analyze
from imports.demo.places import random_for
from imports.demo.shares import apportion
from inspections.enums.findings import Level, ObjectKind, Severity, Source, State
from inspections.enums.ranking import Figure
from inspections.models import (
    Campaign,
    Finding,
    FindingClass,
    FindingPaper,
    FindingStep,
    Letter,
    LetterItem,
)
from inspections.queries.findings.ranking import before, quarter_of
from inspections.services.findings import deadlines, ranking
from villages.models import Region

YEAR = 2018
CITY, ENTERS, CHECKS = "shifupinban", "xiangmu", "pinggu"
PEOPLE = (CITY, ENTERS, CHECKS, *telling.PEOPLE, complaints.OFFICER)
RULE_SOURCE = "演示用期限，并非文件规定"
SCORING_SOURCE = "演示用评分办法，并非文件规定"
# Figure: its points, the value that earns all of them, the value that earns none.
_SCORES: dict[str, tuple[int, int, int]] = {
    Figure.CLOSING: (40, 100, 80),
    Figure.OVERDUE: (30, 0, 5),
    Figure.DAYS: (20, 15, 60),
    Figure.LETTERS: (10, 0, 5),
}
# Fed back by centre and province, all mended by then.
CLOSED_BY = date(2018, 12, 20)
FED_BACK = 269
OWN = 2_808
_OWN_SHARES = (("全面巡察", Source.TOUR, 0.46), ("扶贫审计", Source.AUDIT, 0.5))
# Two matters were looked at by tours of their own.
_SPECIAL = (("易地扶贫搬迁专项巡察", Source.TOUR), ("饮水安全专项巡察", Source.TOUR))
_MENDED = (State.FOUND, State.ASSIGNED, State.MEASURED, State.CLAIMED, State.VERIFIED, State.CLOSED)
_SEVERITIES = (
    (Severity.ORDINARY,) * 7 + (Severity.SERIOUS,) * 2 + (Severity.GRAVE,)
)  # fmt: skip


class NoPeopleError(Exception):
    """The demo logins or the demo city's places are missing."""


@dataclass(frozen=True)
class Told:
    """A campaign of 2018: how many problems, of which place, from when to when."""

    name: str
    source: str
    level: str
    county: str
    many: int
    on: date
    team: str


_ABOVE = (
    Told("中央巡视反馈意见整改", Source.TOUR, Level.CENTRAL, "", 41, date(2018, 3, 5), "中央巡视组"),
    Told("省委巡视反馈意见整改", Source.TOUR, Level.PROVINCE, "", 68, date(2018, 4, 20), "省委巡视组"),
    Told("省半年核查反馈问题整改", Source.ASSESSMENT, Level.PROVINCE, "", 87, date(2018, 8, 10), "省核查组"),
    Told(
        "省委扶贫领域专项巡视反馈意见整改", Source.TOUR, Level.PROVINCE, "", 73, date(2018, 9, 12),
        "省委专项巡视组",
    ),
)  # fmt: skip


def campaigns() -> list[Told]:
    """The campaigns of 2018; the first four add up to 269, the others to 2,808."""
    counties = [(one.code, one.base) for one in published.COUNTIES]
    totals = apportion(OWN, [*(share for _, _, share in _OWN_SHARES), 0.02, 0.02])
    told = list(_ABOVE)
    for (name, source, _), many, month in zip(_OWN_SHARES, totals, (5, 6), strict=False):
        for at, (county, part) in enumerate(
            zip(counties, apportion(many, [base for _, base in counties]), strict=True)
        ):
            team = "市委巡察组" if source == Source.TOUR else "市审计局审计组"
            on = date(YEAR, month, 4) + timedelta(days=3 * at)
            told.append(Told(name, source, Level.CITY, county[0], part, on, team))
    for (name, source), many in zip(_SPECIAL, totals[2:], strict=True):
        told.append(Told(name, source, Level.CITY, "", many, date(YEAR, 9, 3), "市委巡察组"))
    return told


def make_problems() -> dict[str, int]:
    """Make campaigns, problems and letters, all or nothing; nothing where there are any.

    Raises NoPeopleError.
    """
    people = {one.username: one for one in get_user_model().objects.filter(username__in=PEOPLE)}
    city = Region.objects.valid_in_year(YEAR).filter(code=published.CITY).first()
    if len(people) < len(PEOPLE) or city is None:
        raise NoPeopleError
    if Campaign.objects.exists():
        return {}
    places = parts.Places(city, YEAR)
    if not places.villages:
        raise NoPeopleError
    this_year = timezone.localdate().year
    holidays_published.take_over(range(2016, this_year + 1), by=people[CITY])
    with (
        transaction.atomic(),
        acting(by=people[CITY], reason="演示城市"),
        connection.cursor() as cursor,
    ):
        cursor.execute("SET LOCAL statement_timeout = 0")
        _rules(people[CITY])
        _scoring(people[CITY])
        _Past(places, people).write()
        analyze(cursor, (Campaign, Finding, FindingStep, FindingPaper))
        telling.tell(places, people)
        received = complaints.tell(places, people)
        last = before(quarter_of(timezone.localdate()))
        ranking.publish(city=city, quarter=last, by=people[CITY])
        analyze(cursor, (Finding, FindingStep, Letter, LetterItem))
    return {
        "检查": Campaign.objects.count(),
        "问题": Finding.objects.count(),
        "文书": Letter.objects.count(),
        "信访": received,
    }


def _rules(city: Any) -> None:
    FindingClass.objects.bulk_create(
        FindingClass(code=code, name=name, source=words.CLASS_SOURCE)
        for code, name in words.CLASSES.items()
    )
    for severity, days in (("", 30), (Severity.SERIOUS, 20), (Severity.GRAVE, 10)):
        deadlines.set_rule(
            region_prefix="4103", severity=severity, days=days, reply_days=10,
            valid_from=date(2018, 1, 1), source=RULE_SOURCE, by=city,
        )  # fmt: skip


def _scoring(city: Any) -> None:
    ranking.set_rule(
        prefix="4103", valid_from=date(2018, 1, 1), source=SCORING_SOURCE, by=city,
        items=[
            {"figure": figure, "points": points, "full_at": best, "zero_at": worst}
            for figure, (points, best, worst) in _SCORES.items()
        ],
    )  # fmt: skip


class _Past:
    """Campaigns of 2018 and what they found, mended step by step, many at a time."""

    def __init__(self, places: parts.Places, people: dict[str, Any]) -> None:
        self.places, self.people = places, people
        self.draw = random_for("problems")
        self.days: list[list[date]] = []
        self.units: list[str] = []

    def write(self) -> None:
        findings = []
        for at, told in enumerate(campaigns(), 1):
            region = self.places.counties[told.county] if told.county else self.places.city
            campaign = Campaign.objects.create(
                name=f"{YEAR}年{told.name}", source=told.source, level=told.level, team=told.team,
                region=region, region_code=region.code, began_on=told.on - timedelta(days=20),
                ended_on=told.on - timedelta(days=6), told_on=told.on,
                document=f"演示反馈〔{YEAR}〕{at} 号", expected=told.many,
                created_by=self.people[CITY],
            )  # fmt: skip
            findings += [self._finding(campaign, told, n) for n in range(1, told.many + 1)]
        Finding.objects.bulk_create(findings, batch_size=1000)
        for position, state in enumerate(_MENDED):
            if state == State.CLAIMED:
                self._prove(findings, position)
            FindingStep.objects.bulk_create(
                (self._step(one, at, position, state) for at, one in enumerate(findings)),
                batch_size=1000,
            )

    def _finding(self, campaign: Campaign, told: Told, number: int) -> Finding:
        draw = self.draw
        county = told.county or draw.choice(sorted(self.places.villages))
        # A county without anybody on the register has no village to name.
        villages = self.places.villages.get(county)
        code = draw.choice(list(words.FACTS))
        fact = draw.choice(words.FACTS[code])
        region = draw.choice(villages) if villages else campaign.region
        about: dict[str, Any] = {"object_kind": ObjectKind.PLACE}
        if villages:
            about = self.places.about(fact, region)
            self.units.append(self.places.unit(fact, region))
        else:
            self.units.append(f"{region.name}扶贫办")
        self.days.append(_days(told.on, draw))
        return Finding(
            campaign=campaign, source=told.source, level=told.level, told_as=str(number),
            category_id=code, severity=draw.choice(_SEVERITIES), fact=f"{fact.words}。",
            basis=fact.basis, region=region, region_code=region.code, found_on=self.days[-1][0],
            origin="WORKBOOK", entered_by=self.people[CITY], **about,
        )  # fmt: skip

    def _step(self, finding: Finding, at: int, position: int, state: str) -> FindingStep:
        on = self.days[at][position]
        by = ENTERS if state in (State.MEASURED, State.CLAIMED) else CHECKS
        step = FindingStep(
            finding=finding, region_code=finding.region_code, position=position, state=state, on=on,
            words=_said(state, at), created_by=self.people[by],
        )  # fmt: skip
        if state == State.ASSIGNED:
            step.lead_unit, step.duty_name = self.units[at], parts.duty(self.draw)
            step.due_on, step.due_source = max(CLOSED_BY, on), parts.DUE_SOURCE
        return step

    def _prove(self, findings: Sequence[Finding], position: int) -> None:
        """One scan proves all of them: it says that it is a demonstration."""
        scan = attaching.read_scan(parts.scanned())
        digest = hashlib.sha256(scan.body).hexdigest()
        papers = [
            FindingPaper(
                finding=one, region_code=one.region_code, position=position, note="演示佐证",
                media_type=scan.media_type, sha256=digest, size=len(scan.body),
                created_by=self.people[ENTERS],
            )
            for one in findings
        ]  # fmt: skip
        FindingPaper.objects.bulk_create(papers, batch_size=1000)
        attaching.keep(papers[0].path, scan.body)


def _days(told: date, draw: Random) -> list[date]:
    """A day for each step, the last not after all of them were closed."""
    last = told + timedelta(days=draw.randint(35, 95))
    last = min(last, CLOSED_BY - timedelta(days=draw.randint(0, 9)))
    whole = (last - told).days
    return [told + timedelta(days=whole * part // 100) for part in (0, 4, 14, 78, 90, 100)]


def _said(state: str, at: int) -> str:
    spoken = {
        State.FOUND: ("登记",),
        State.ASSIGNED: ("交办",),
        State.MEASURED: words.MEASURES,
        State.CLAIMED: words.CLAIMS,
        State.VERIFIED: words.VERIFIED,
        State.CLOSED: ("同意销号。",),
    }[State(state)]
    return spoken[at % len(spoken)]
