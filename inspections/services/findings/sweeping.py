"""Looking for the likes of a problem: a search is kept, run, run again, and its matches decided."""

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

from core.acting import acting
from core.ledger.services import without_numbers
from core.scope import within
from funds.enums import FindingSubject
from inspections.enums.findings import GONE, OPEN, ObjectKind, Origin, State
from inspections.enums.sweeps import MatchState, Subject
from inspections.models import Finding, FindingStep, Sweep, SweepMatch, SweepRun
from inspections.queries.findings import sweeps as queries
from inspections.services.common import UnfitError
from inspections.services.findings.common import FIND, refused, require_find
from villages.models import Region

# More than one office looks through one by one; what is wrong with so many is no longer the like of
# one problem but a rule to be checked.
MOST = 20_000
# Each opened problem takes about two milliseconds of triggers and history: a request is to end.
MOST_AT_ONCE = 1_000
LONGEST = 500
_BATCH = 500
_NAMES: dict[str, frozenset[str]] = {
    Subject.REGISTER: frozenset({
        "status", "cause", "attribute", "exit_year", "income_below", "income_above", "below_line",
        "poor_village", "mark", "missing",
    }),
    Subject.PROJECTS: frozenset({"type", "state", "late"}),
    Subject.FUNDS: frozenset({"rule", "state", "subject", "standing"}),
}  # fmt: skip


@dataclass(frozen=True)
class Query:
    """What is looked for: among what, in which year, by which terms of its list, and in words."""

    subject: str
    terms: Mapping[str, Any]
    words: str
    year: int | None = None


def begin(*, finding: Finding, query: Query, region: Region, on: date, by: Any) -> Sweep:
    """Keep a search for the likes of a problem, and run it. Raises UnfitError."""
    require_find(finding.region_code, by)
    require_find(region.code, by)
    if region.level not in ("city", "county"):
        raise UnfitError("请在全县或全市范围内查找。")
    if finding.state in GONE:
        raise UnfitError("问题已并入或拆分，请在其去向的问题上查找。")
    terms = {name: value for name, value in query.terms.items() if value not in (None, "", [])}
    if not terms:
        raise UnfitError("请至少选择一个条件：没有条件就是全部清单，不是同类问题。")
    if query.subject not in _NAMES or not set(terms) <= _NAMES[query.subject]:
        raise UnfitError("有不能用于举一反三的条件。")
    if query.subject == Subject.REGISTER and query.year is None:
        raise UnfitError("请选择年度。")
    with acting(by=by, reason="举一反三"), refused():
        made = Sweep.objects.create(
            finding=finding, subject=query.subject, year=query.year, terms=terms,
            words=query.words[:LONGEST], region=region, region_code=region.code, created_by=by,
        )  # fmt: skip
        _run(made, on, by)
    return made


def run(*, sweep: Sweep, on: date, by: Any) -> SweepRun:
    """Run a kept search again. Raises UnfitError."""
    require_find(sweep.region_code, by)
    with acting(by=by, reason="举一反三查找"), refused():
        return _run(sweep, on, by)


def _run(sweep: Sweep, on: date, by: Any) -> SweepRun:
    # Read once, so that what is counted is what is written.
    rows = list(queries.reached(sweep, by, on).order_by()[: MOST + 1])
    if len(rows) > MOST:
        raise UnfitError(f"符合条件的超过 {MOST:,} 项，请增加条件或缩小范围后再查找。")
    keys = sorted(row[0] for row in rows)
    name = f"{queries.key_of(sweep)}_id"
    known = set(SweepMatch.objects.filter(sweep=sweep).values_list(name, flat=True))
    made = SweepRun.objects.create(
        sweep=sweep, region_code=sweep.region_code, on=on, matched=len(keys),
        fresh=len(set(keys) - known), counties=Counter(row[2][: queries.COUNTY] for row in rows),
        digest=hashlib.sha256(",".join(map(str, keys)).encode()).hexdigest(), created_by=by,
    )  # fmt: skip
    told = {
        "sweep": sweep.pk, "run": made.pk, "keys": [row[0] for row in rows],
        "regions": [row[1] for row in rows], "codes": [row[2] for row in rows],
        "parent": sweep.finding_id, "on": on, "by": by.pk, "open": list(OPEN),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_FOUND.format(key=name), told)
        cursor.execute(_ON_THE_LEDGER[Subject(sweep.subject)], told)
    return made


# What an earlier run found keeps what was decided, and follows where the thing is now.
_FOUND = """
INSERT INTO inspections_sweepmatch AS m
       (sweep_id, first_id, last_id, region_id, region_code, {key}, state, reason)
SELECT %(sweep)s, %(run)s, %(run)s, region, code, key, 'OPEN', ''
  FROM unnest(%(keys)s::bigint[], %(regions)s::bigint[], %(codes)s::text[]) AS t (key, region, code)
 ORDER BY code, key
ON CONFLICT (sweep_id, {key}) WHERE {key} IS NOT NULL DO UPDATE
   SET last_id = greatest(m.last_id, EXCLUDED.last_id), region_id = EXCLUDED.region_id,
       region_code = EXCLUDED.region_code
"""
# The problem itself, its likes opened before, what a rule's finding was entered as, and open problems
# of the same class about the same thing.
_KNOWN = """
UPDATE inspections_sweepmatch m
   SET state = 'KNOWN', finding_id = k.finding_id, decided_on = %(on)s, decided_by_id = %(by)s
  FROM (SELECT DISTINCT ON (o.id) o.id, f.id AS finding_id
          FROM inspections_sweepmatch o JOIN inspections_finding f ON f.{key} = o.{key}
         WHERE o.sweep_id = %(sweep)s AND o.last_id = %(run)s AND o.state = 'OPEN' AND ({which})
         ORDER BY o.id, f.id) AS k
 WHERE m.id = k.id
"""
_ALIKE = (
    "f.id = %(parent)s OR f.parent_id = %(parent)s OR f.state = ANY (%(open)s) AND f.category_id ="
    " (SELECT category_id FROM inspections_finding WHERE id = %(parent)s)"
)
_ON_THE_LEDGER = {
    Subject.REGISTER: _KNOWN.format(key="household_id", which=_ALIKE),
    Subject.PROJECTS: _KNOWN.format(key="project_id", which=_ALIKE),
    Subject.FUNDS: _KNOWN.format(key="fund_finding_id", which="true"),
}


# --- what becomes of the matches ----------------------------------------------------------------


def open_all(
    *, sweep: Sweep, words: str, on: date, keys: Collection[int] | None = None, region: str = "",
    by: Any,
) -> int:  # fmt: skip
    """Enter the likes of a problem on the ledger: the chosen, or all still open, below a place.

    They take source, level, severity and class from the problem; what is wrong is said once, and the
    number of each thing is added. Only where the person registers problems. Raises UnfitError.
    """
    said = without_numbers(words.strip())
    if not said:
        raise UnfitError("请填写问题事实。")
    if len(said) > LONGEST:
        raise UnfitError(f"问题事实最多 {LONGEST} 字。")
    with acting(by=by, reason="举一反三列入台账"), refused():
        known = ("household", "project", "fund_finding__rule")
        found = _undecided(sweep, keys, region, by).select_related(*known)
        rows = list(found.select_for_update(no_key=True, of=("self",))[: MOST_AT_ONCE + 1])
        if not rows:
            raise UnfitError("没有可以列入台账的：可能已由他人处理，请刷新后再试。")
        if len(rows) > MOST_AT_ONCE:
            raise UnfitError(f"一次最多列入 {MOST_AT_ONCE:,} 项，请按县区或逐页选择。")
        parent = Finding.objects.filter(pk=sweep.finding_id).first()
        if parent is None:
            raise UnfitError("原问题不在您的区划，请由建立查找的单位列入台账。")
        made = Finding.objects.bulk_create(
            [_like(row, parent, said, on, by) for row in rows], batch_size=_BATCH
        )
        FindingStep.objects.bulk_create(
            [
                FindingStep(
                    finding_id=one.pk, region_code=one.region_code, position=0, state=State.FOUND,
                    on=on, words="登记", created_by=by,
                )
                for one in made
            ],
            batch_size=_BATCH,
        )  # fmt: skip
        told = {
            "matches": [row.pk for row in rows], "findings": [one.pk for one in made], "on": on,
            "by": by.pk,
        }  # fmt: skip
        with connection.cursor() as cursor:
            cursor.execute(_OPENED, told)
    return len(made)


_OPENED = """
UPDATE inspections_sweepmatch m
   SET state = 'OPENED', finding_id = t.finding, decided_on = %(on)s, decided_by_id = %(by)s
  FROM unnest(%(matches)s::bigint[], %(findings)s::bigint[]) AS t (match, finding)
 WHERE m.id = t.match
"""


def dismiss(
    *, sweep: Sweep, reason: str, on: date, keys: Collection[int] | None = None, region: str = "",
    by: Any,
) -> int:  # fmt: skip
    """Say why the chosen, or all still open below a place, are no such problem. Raises UnfitError."""
    said = without_numbers(reason.strip())
    if not said:
        raise UnfitError("请写明不予列入的理由。")
    with acting(by=by, reason="举一反三不予列入"), refused():
        done = int(
            _undecided(sweep, keys, region, by)
            .order_by()
            .update(state=MatchState.DISMISSED, reason=said[:300], decided_on=on, decided_by=by)
        )
        if not done:
            raise UnfitError("没有可以处理的：可能已由他人处理，请刷新后再试。")
    return done


def _undecided(sweep: Sweep, keys: Collection[int] | None, region: str, by: Any) -> Any:
    found = queries.of_last_run(sweep, by).filter(
        within(by.prefixes_for(FIND), "region_code"), state=MatchState.OPEN
    )
    if region:
        found = found.in_region(region)
    if keys is not None:
        found = found.filter(pk__in=keys)
    return found.order_by("pk")


def _like(match: SweepMatch, parent: Finding, words: str, on: date, by: Any) -> Finding:
    made = Finding(
        source=parent.source, level=parent.level, severity=parent.severity,
        category_id=parent.category_id, basis=parent.basis, region_id=match.region_id,
        region_code=match.region_code, found_on=on, origin=Origin.SWEEP, parent=parent,
        object_kind=ObjectKind.PLACE, entered_by=by,
    )  # fmt: skip
    if match.household is not None:
        made.object_kind, made.household = ObjectKind.HOUSEHOLD, match.household
        about = f"户编号 {match.household.household_no}"
    elif match.project is not None:
        made.object_kind, made.project = ObjectKind.PROJECT, match.project
        about = f"项目 {match.project.number} {match.project.name}"
    else:
        found: Any = match.fund_finding
        about = f"{found.rule.name}：{found.words}"
        made.fund_finding, made.basis = found, parent.basis or found.rule.source[:300]
        if found.subject == FindingSubject.PROJECT:
            made.object_kind, made.project_id = ObjectKind.PROJECT, found.subject_id
        elif found.subject == FindingSubject.HOUSEHOLD:
            made.object_kind, made.household_id = ObjectKind.HOUSEHOLD, found.subject_id
    made.fact = f"{words}（{about}）"[:1000]
    return made
