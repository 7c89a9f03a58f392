"""Assessment rounds of the demo city: the four counties that exit in 2018, from frame to verdict.

Published is that 错退率、漏评率 and 贫困发生率 are below 2 % and 群众认可度 above 90 %, that the checks of
the year found neither wrongful exits nor omissions, and each county's 贫困发生率 (0.98, 1.15, 1.20 and
1.15 %), which the register and its population base give exactly. So the city's review, which is what
a county's figures show, confirms neither: the composite rate is the published one to the last digit
shown. What was confirmed stands in the county's own assessment before, and is put right; a spot
check that nobody has finished holds a case in every state. Of an entry that was wrong (错评) nothing is
published, and it enters no gate.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.utils import timezone

from core.jobs.models import Job
from core.jobs.tasks import run_job
from imports.demo import findings, visits
from imports.demo.bulk import analyze
from imports.demo.findings import Finding, People
from imports.demo.places import SEED
from imports.demo.rosters import write_rosters
from inspections.enums import CaseState, Purpose, Reason, RoundKind, Subject
from inspections.models import (
    Answer,
    Case,
    FrameHousehold,
    FrameVillage,
    Replacement,
    Round,
    RuralHousehold,
    SampleHousehold,
    SampleVillage,
    SurveyTask,
    Visit,
)
from inspections.services import planning, requests, rounds, sampling
from villages.models import Region

YEAR = 2018
COUNTIES = ("410324", "410327", "410328", "410329")
CITY, JUDGE, COUNTY = "shifupinban", "pinggu", "xianfupinban"
# Whoever tries the product was sent to one round only, so that what waits is soon found.
SURVEYORS = ("ducha", "fucha")
TRYING = "diaochayuan"
_APPEAL_DAYS, _RECHECK_DAYS = 7, 10
_RECENT = 20
_DAYS_SOURCE = "演示用期限，并非文件规定"
_MISSED = ((Subject.EXITED, Reason.AWAY), (Subject.OTHER, Reason.NOT_AT_HOME))
_APPEALED = (CaseState.APPEALED, CaseState.RECHECKED)
_ACCEPTED = (CaseState.ACCEPTED, CaseState.RECHECKED)
_LAPSED = (CaseState.LAPSED, CaseState.RECHECKED)
_CONFIRMED, _DISMISSED = CaseState.CONFIRMED, CaseState.DISMISSED


class NoPeopleError(Exception):
    """The demo logins or the demo counties' households are missing."""


@dataclass(frozen=True)
class Story:
    """One round: who assesses which county, how large, from which day, what is found.

    `poor` and `others` are villages of the two strata, `take` households of a type in each village.
    `day` None begins `_RECENT` days ago. `waits` is how many households nobody has visited yet,
    `again` in how many villages somebody looked a second time.
    """

    county: str
    kind: str
    name: str
    poor: int
    others: int
    take: int
    found: tuple[Finding, ...]
    day: date | None
    days: int
    waits: int = 0
    again: int = 0


def _review(county: str, *found: Finding) -> Story:
    return Story(
        county, RoundKind.CITY_REVIEW, "2018年市级初审", 8, 20, 14, found, date(2018, 12, 3), 9,
        again=6,
    )  # fmt: skip


# Only the demo's own county has people who can answer; elsewhere the days for it pass.
_QUIET = (
    findings.roof(*_LAPSED, _DISMISSED),
    findings.left_out(*_LAPSED, _DISMISSED),
    findings.shop(*_LAPSED, _CONFIRMED),
)
STORIES = (
    Story(
        COUNTIES[0], RoundKind.COUNTY_SELF, "2018年县级自评", 10, 12, 20,
        (
            findings.roof(*_ACCEPTED, _CONFIRMED, rectified=True),
            findings.left_out(*_ACCEPTED, _CONFIRMED, rectified=True),
            findings.water(*_ACCEPTED, _DISMISSED),
        ),
        date(2018, 11, 5), 8,
    ),
    _review(
        COUNTIES[0],
        findings.roof(*_APPEALED, _DISMISSED),
        findings.water(*_APPEALED, _DISMISSED),
        findings.member(*_APPEALED, _DISMISSED),
        findings.left_out(*_LAPSED, _DISMISSED),
        findings.shop(*_ACCEPTED, _CONFIRMED, rectified=True),
    ),
    *(_review(county, *_QUIET) for county in COUNTIES[1:]),
    Story(
        COUNTIES[0], RoundKind.SPOT_CHECK, "2018年市级抽查", 5, 5, 12,
        (
            # In the order of the villages and so of the days: the last ones still have time to appeal.
            findings.water(*_APPEALED, _DISMISSED),
            findings.roof(*_ACCEPTED, _CONFIRMED),
            findings.water(CaseState.LAPSED),
            findings.roof(*_APPEALED),
            findings.roof(CaseState.ACCEPTED),
            findings.water(CaseState.APPEALED),
            findings.roof(),
            findings.left_out(*_ACCEPTED, _CONFIRMED, rectified=True),
        ),
        None, _RECENT, waits=6,
    ),
)  # fmt: skip


def make_rounds() -> dict[str, int]:
    """Make rosters and rounds, all or nothing, and compute them; nothing where there are any.

    Raises NoPeopleError.
    """
    names = (CITY, JUDGE, COUNTY, *SURVEYORS, TRYING)
    people = {one.username: one for one in get_user_model().objects.filter(username__in=names)}
    regions = {
        one.code[:6]: one
        for one in Region.objects.valid_in_year(YEAR).filter(
            code__in=[f"{c}000000" for c in COUNTIES]
        )
    }
    if len(people) < len(names) or len(regions) < len(COUNTIES):
        raise NoPeopleError
    mine = RuralHousehold.objects.filter(partition_id=YEAR)
    if Round.objects.filter(partition_id=YEAR).exists() or mine.exists():
        return {}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        count = write_rosters(cursor, COUNTIES, YEAR)
        if not count:
            raise NoPeopleError
        made = _drawn(cursor, regions, people)
        for story, round_ in zip(STORIES, made, strict=True):
            _tell(story, round_, people)
        analyze(cursor, (SurveyTask, Visit, Answer, Replacement, Case))
        jobs = [requests.request_results(round_id=one.pk, held_by=one.held_by) for one in made]
    _carry_out(jobs)
    return {
        "农户花名册": count,
        "评估": len(made),
        "样本户": SampleHousehold.objects.filter(round__in=made, is_reserve=False).count(),
    }


def _carry_out(jobs: Sequence[Job]) -> None:
    """The jobs that a worker would do, before there is one; whoever hears of them later finds them done."""
    for job in jobs:
        run_job(job_id=job.pk)


def _drawn(cursor: Any, regions: dict[str, Region], people: dict[str, Any]) -> list[Round]:
    """All rounds planned, frozen and drawn; the planner hears of each table before it is read."""
    made = [_planned(story, regions[story.county], people) for story in STORIES]
    made = [planning.freeze_frame(round=one, by=one.created_by) for one in made]
    analyze(cursor, (Round, FrameVillage, FrameHousehold))
    made = [sampling.draw(round=one, by=one.created_by) for one in made]
    analyze(cursor, (SampleVillage, SampleHousehold))
    return made


def _planned(story: Story, county: Region, people: dict[str, Any]) -> Round:
    return planning.plan_round(
        kind=story.kind,
        name=story.name,
        county=county,
        partition=YEAR,
        design=_design(story),
        seed=hashlib.sha256(f"{SEED}|{story.county}|{story.kind}".encode()).hexdigest()[:32],
        appeal_days=_APPEAL_DAYS,
        recheck_days=_RECHECK_DAYS,
        days_source=_DAYS_SOURCE,
        by=people[COUNTY if story.kind == RoundKind.COUNTY_SELF else CITY],
    )


def _tell(story: Story, round_: Round, people: dict[str, Any]) -> None:
    office = round_.created_by
    sent = (TRYING, SURVEYORS[0]) if story.waits else SURVEYORS
    team = visits.Team(
        round_,
        [people[name] for name in sent],
        story.day or timezone.localdate() - timedelta(days=_RECENT),
        story.days,
        office,
    )
    _survey(team, story, People(people[COUNTY], office, people[JUDGE]))
    if not story.waits:
        rounds.disclose(round=round_, by=office)


# The villages of a county with their strata, as the frame will have them.
_STRATA = """
WITH lived_in AS (
    SELECT village_code AS code FROM households_householdyear
     WHERE partition_id = %(year)s AND left(village_code, 6) = %(county)s
    UNION
    SELECT village_code FROM inspections_ruralhousehold
     WHERE partition_id = %(year)s AND is_current AND left(village_code, 6) = %(county)s
)
SELECT count(*) FILTER (WHERE v.is_poor_village), count(*) FILTER (WHERE NOT v.is_poor_village)
  FROM lived_in JOIN villages_villageyear v ON v.region_code = lived_in.code
 WHERE v.year = %(year)s
"""


def _design(story: Story) -> dict[str, Any]:
    """As large as the story says, or as the county allows."""
    with connection.cursor() as cursor:
        cursor.execute(_STRATA, {"year": YEAR, "county": story.county})
        poor, others = cursor.fetchone()
    return {
        "strata": {
            "P0": {"villages": min(poor, story.poor), "method": "PPS"},
            "O0": {"villages": min(others, story.others), "method": "PPS"},
        },
        "takes": {
            Subject.EXITED: {"households": story.take, "reserve": 6},
            Subject.POOR: {"households": 4, "reserve": 2},
            Subject.KEY: {"households": None},
            Subject.OTHER: {"households": story.take, "reserve": 6},
        },
        "note": "演示方案",
    }


def _survey(team: visits.Team, story: Story, people: People) -> None:
    drawn = SampleHousehold.objects.filter(round=team.round, is_reserve=False)
    due = list(drawn.select_related("frame", "village").order_by("village_code", "kind", "rank"))
    placed = findings.place(due, story.found)
    findings.raise_all(team, placed)
    taken = {sample.pk for sample, _ in placed}
    due = [one for one in due if one.pk not in taken]
    if story.waits:
        # All of the first surveyor's, who is whoever tries the product.
        there = [one for one in due if team.surveyor(one) == team.surveyors[0]]
        waiting = there[:: max(len(there) // story.waits, 1)][: story.waits]
        team.send(waiting)
        due = [one for one in due if one not in waiting]
    due = _missed(team, due)
    visits.answer(team, due)
    villages = sorted({one.village_code for one in due})[: story.again]
    visits.answer(
        team,
        [one for one in due if one.village_code in villages and one.rank == 1],
        purpose=Purpose.REINTERVIEW,
    )
    findings.settle_all(placed, people)


def _missed(team: visits.Team, due: list[SampleHousehold]) -> list[SampleHousehold]:
    """Two of a hundred of two types are away: the next of the list stands for each."""
    for kind, reason in _MISSED:
        for sample in [one for one in due if one.kind == kind][7::50]:
            later = visits.replace(team, sample, reason)
            if later is not None:
                due = [later if one.pk == sample.pk else one for one in due]
    return due
