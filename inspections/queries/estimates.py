"""A round's answered sample as the estimates take it: village totals with their weights.

Read in six statements whatever the size of the sample. The weight of a household is 1 ÷ (its
village's inclusion probability × its own, given the village), both as stored at the draw. Where
households of a type in a village did not answer and the replacement list was used up, those that did
stand for all of that type there: their probability is lessened in proportion.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from math import ceil
from typing import Any

from django.db import connection

from inspections.enums import REGISTERED, UNREGISTERED, CaseKind, Subject
from inspections.formulas.estimates import Household, Village
from inspections.models import Round

# A sample village × a type of households in its frame. Due is who was drawn or put in for another and
# was not replaced; waiting is who is due and was never visited.
CELLS = """
WITH due AS (
    SELECT s.village_id, s.kind,
           EXISTS (SELECT FROM inspections_answer a
                    WHERE a.sample_id = s.id AND a.purpose = 'FIRST') AS answered,
           EXISTS (SELECT FROM inspections_visit v
                    WHERE v.sample_id = s.id AND v.purpose = 'FIRST') AS visited
      FROM inspections_samplehousehold s
     WHERE s.round_id = %(round)s
       AND (NOT s.is_reserve
            OR EXISTS (SELECT FROM inspections_replacement WHERE later_id = s.id))
       AND NOT EXISTS (SELECT FROM inspections_replacement WHERE former_id = s.id)
), counted AS (
    SELECT village_id, kind, count(*) AS due, count(*) FILTER (WHERE answered) AS answered,
           count(*) FILTER (WHERE NOT visited) AS waiting
      FROM due GROUP BY village_id, kind
), framed AS (
    SELECT village_code, kind, count(*) AS households, sum(persons) AS persons
      FROM inspections_framehousehold WHERE round_id = %(round)s GROUP BY village_code, kind
)
SELECT v.code, v.stratum, v.numerator, v.denominator, f.kind, f.households, f.persons,
       coalesce(c.due, 0), coalesce(c.answered, 0), coalesce(c.waiting, 0)
  FROM inspections_samplevillage v
  LEFT JOIN framed f ON f.village_code = v.code
  LEFT JOIN counted c ON c.village_id = v.id AND c.kind = f.kind
 WHERE v.round_id = %(round)s
"""

# Confirmed persons by kind of case stand beside each answered household; nobody else's count.
ANSWERED = """
SELECT s.village_code, s.kind, s.numerator, s.denominator, f.persons, a.answers ->> 'approval',
       c.found::text
  FROM inspections_samplehousehold s
  JOIN inspections_answer a ON a.sample_id = s.id AND a.purpose = 'FIRST'
  JOIN inspections_framehousehold f ON f.id = s.frame_id
  LEFT JOIN (SELECT sample_id, json_object_agg(kind, confirmed_persons) AS found
               FROM inspections_case
              WHERE round_id = %(round)s AND state = 'CONFIRMED' GROUP BY sample_id) AS c
         ON c.sample_id = s.id
 WHERE s.round_id = %(round)s
"""

STRATA = """
SELECT v.stratum, h.kind, sum(h.persons)
  FROM inspections_framevillage v
  JOIN inspections_framehousehold h ON h.round_id = v.round_id AND h.village_code = v.code
 WHERE v.round_id = %(round)s GROUP BY v.stratum, h.kind
"""

# What was put right and came back on the ledger of problems is not, until it is closed again.
CASES = """
SELECT c.kind, count(*) FILTER (WHERE c.state NOT IN ('CONFIRMED', 'DISMISSED')),
       count(*) FILTER (WHERE c.state = 'CONFIRMED' AND (r.id IS NULL OR f.id IS NOT NULL))
  FROM inspections_case c LEFT JOIN inspections_rectification r ON r.case_id = c.id
  LEFT JOIN inspections_finding f ON f.case_id = c.id AND f.relapses > 0
                                 AND f.state NOT IN ('CLOSED', 'WATCHED')
 WHERE c.round_id = %(round)s GROUP BY c.kind
"""

# Somebody who says that something is suspected has said of what.
UNTOLD = """
SELECT count(*) FROM inspections_answer a
 WHERE a.round_id = %(round)s AND a.purpose = 'FIRST' AND a.conclusion = 'SUSPECTED'
   AND NOT EXISTS (SELECT FROM inspections_case c WHERE c.sample_id = a.sample_id)
"""

NEWEST = """
SELECT greatest(
    (SELECT max(created_at) FROM inspections_visit WHERE round_id = %(round)s),
    (SELECT max(created_at) FROM inspections_answer WHERE round_id = %(round)s),
    (SELECT max(s.created_at) FROM inspections_casestep s JOIN inspections_case c ON c.id = s.case_id
      WHERE c.round_id = %(round)s),
    (SELECT max(r.created_at) FROM inspections_rectification r
       JOIN inspections_case c ON c.id = r.case_id WHERE c.round_id = %(round)s),
    (SELECT max(s.created_at) FROM inspections_findingstep s
       JOIN inspections_finding f ON f.id = s.finding_id AND f.relapses > 0
       JOIN inspections_case c ON c.id = f.case_id WHERE c.round_id = %(round)s),
    (SELECT drawn_at FROM inspections_round WHERE id = %(round)s))
"""


@dataclass(frozen=True)
class Cell:
    """Households of one type in a sample village: in the frame, due, answered, never visited."""

    households: int
    persons: int
    due: int
    answered: int
    waiting: int


@dataclass(frozen=True)
class Answered:
    """An answered household: persons of the frame, and confirmed persons by kind of case."""

    kind: str
    probability: Fraction
    persons: int
    approves: bool | None
    confirmed: Mapping[str, int]


@dataclass(frozen=True)
class Drawn:
    """A sample village."""

    code: str
    stratum: str
    probability: Fraction
    cells: dict[str, Cell] = field(default_factory=dict)
    answered: list[Answered] = field(default_factory=list)


@dataclass(frozen=True)
class Sample:
    """Everything of a round that its rates are made of.

    `strata` holds the persons of the whole frame by stratum and type, `undecided` and
    `unrectified` count cases by kind, `untold` answers that suspect something without a case.
    """

    villages: list[Drawn]
    strata: Mapping[str, Mapping[str, int]]
    undecided: Mapping[str, int]
    unrectified: Mapping[str, int]
    untold: int
    as_of: datetime | None


@dataclass(frozen=True)
class Question:
    """Who is asked about and which kinds of cases answer it; none for approval.

    `members`: registered households count too, with the members that were left out of them.
    """

    subjects: tuple[str, ...]
    cases: tuple[str, ...] = ()
    members: bool = False


WRONGFUL_EXIT = Question((Subject.EXITED,), (CaseKind.WRONGFUL_EXIT,))
WRONGFUL_ENTRY = Question(REGISTERED, (CaseKind.WRONGFUL_ENTRY,))
OMISSION = Question(
    UNREGISTERED, (CaseKind.OMITTED_HOUSEHOLD, CaseKind.OMITTED_MEMBER), members=True
)
APPROVAL = Question((*REGISTERED, *UNREGISTERED))


def sample_of(round: Round) -> Sample:
    """The sample as it stands now; the caller may see the round."""
    told = {"round": round.pk}
    with connection.cursor() as cursor:
        villages = _villages(cursor, told)
        strata: dict[str, dict[str, int]] = defaultdict(dict)
        cursor.execute(STRATA, told)
        for stratum, kind, persons in cursor.fetchall():
            strata[stratum][kind] = int(persons)
        cursor.execute(CASES, told)
        cases = cursor.fetchall()
        cursor.execute(UNTOLD, told)
        (untold,) = cursor.fetchone()
        cursor.execute(NEWEST, told)
        (as_of,) = cursor.fetchone()
    return Sample(
        villages=sorted(villages.values(), key=lambda one: one.code),
        strata=strata,
        undecided={kind: count for kind, count, _ in cases},
        unrectified={kind: count for kind, _, count in cases},
        untold=untold,
        as_of=as_of,
    )


def _villages(cursor: Any, told: dict[str, Any]) -> dict[str, Drawn]:
    found: dict[str, Drawn] = {}
    cursor.execute(CELLS, told)
    for code, stratum, above, below, kind, households, persons, *counts in cursor.fetchall():
        one = found.setdefault(code, Drawn(code, stratum, Fraction(above, below)))
        if kind is not None:
            one.cells[kind] = Cell(households, int(persons), *counts)
    cursor.execute(ANSWERED, told)
    for code, kind, above, below, persons, approval, confirmed in cursor.fetchall():
        found[code].answered.append(
            Answered(
                kind=kind,
                probability=_lessened(Fraction(above, below), found[code].cells[kind]),
                persons=persons,
                approves={"yes": True, "no": False}.get(approval or ""),
                confirmed=json.loads(confirmed) if confirmed else {},
            )
        )
    return found


def _lessened(probability: Fraction, cell: Cell) -> Fraction:
    """Those who answered stand for those who did not: missing at random inside village and type."""
    return probability * Fraction(cell.answered, cell.due) if cell.due else probability


def totals(sample: Sample, asked: Question) -> list[Village]:
    """The sample villages with the households that a rate is made of.

    A village where somebody of the subjects was due and nobody answered is left out, and the others
    of its stratum stand for it: their probability is lessened in proportion. One without anybody of
    the subjects stays, with nothing: it was drawn.
    """
    speaking = [one for one in sample.villages if not _silent(one, asked.subjects)]
    drawn = Counter(one.stratum for one in sample.villages)
    left = Counter(one.stratum for one in speaking)
    return [
        _total(one, asked, one.probability * Fraction(left[one.stratum], drawn[one.stratum]))
        for one in speaking
    ]


def _silent(one: Drawn, subjects: Iterable[str]) -> bool:
    cells = [one.cells[kind] for kind in subjects if kind in one.cells]
    return any(cell.due for cell in cells) and not any(cell.answered for cell in cells)


def _total(one: Drawn, asked: Question, probability: Fraction) -> Village:
    rows = [
        row
        for answered in one.answered
        if (row := _household(answered, asked)) is not None and row.at_risk
    ]
    population = sum(cell.persons for kind, cell in one.cells.items() if kind in asked.subjects)
    # Members left out of registered households are unregistered people whom no roster names.
    left_out = sum(row.at_risk / row.probability for row in rows if row.group in REGISTERED)
    return Village(
        code=one.code,
        stratum=one.stratum,
        probability=probability,
        households=tuple(rows),
        population=population + ceil(left_out) if asked.members else None,
    )


def _household(one: Answered, asked: Question) -> Household | None:
    if not asked.cases:
        if one.approves is None or one.kind not in asked.subjects:
            return None
        return Household(1, int(one.approves), one.probability, one.kind)
    events = sum(one.confirmed.get(kind, 0) for kind in asked.cases)
    if one.kind in asked.subjects:
        # A roster may have forgotten somebody whom the surveyor met.
        return Household(max(one.persons, events), events, one.probability, one.kind)
    if asked.members and events:
        return Household(events, events, one.probability, one.kind)
    return None
