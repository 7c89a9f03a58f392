"""What a round says of its county: every rate with its limits, its verdict and its grounds.

`figures` computes from what was read, `recompute` reads, computes, stores and publishes. Suspected
cases never count, and as long as one is open the rate that it belongs to cannot be computed.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from django.db import connection

from core.failpoints import failpoint
from inspections.enums import OMISSION_BASES, STRATA, Rate, Subject
from inspections.formulas import estimates, limits, verdicts
from inspections.formulas.estimates import EmptySampleError, Estimate
from inspections.formulas.limits import TooFewVillagesError
from inspections.models import Result, Round
from inspections.queries import estimates as queries
from inspections.queries.estimates import (
    APPROVAL,
    OMISSION,
    WRONGFUL_ENTRY,
    WRONGFUL_EXIT,
    Question,
    Sample,
)
from inspections.services import publishing
from inspections.services.compositing import composites
from inspections.services.judging import Figure, judged, standard_of
from villages.enums import Basis
from villages.models import PopulationBase

UNKNOWN_BASE = "指标定义的漏评率分母无法识别"
ABOVE_ONE = "推算的问题人口超过应调查人口，请核对花名册人数"


def recompute(round_id: int) -> bool:
    """Compute a round's results and store what changed; the marks seen go with them.

    Called inside a transaction. False when nothing changed.
    """
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM inspections_dirtyround WHERE round_id = %s", [round_id])
        failpoint("inspections.estimate.marks")
    round_ = Round.objects.get(pk=round_id)
    if round_.drawn_at is None:
        return False
    changed = _store(round_, figures(round_, queries.sample_of(round_), base_of(round_)))
    failpoint("inspections.estimate.stored")
    published = publishing.publish(round_)
    failpoint("inspections.estimate.published")
    return published or changed


def base_of(round: Round) -> PopulationBase | None:
    """The county's rural population of the year, else its agricultural-hukou population."""
    rows: list[Any] = list(
        PopulationBase.objects.filter(region_code=round.region_code, year=round.partition_id)
    )
    return min(rows, key=lambda one: one.basis != Basis.RURAL, default=None)


def figures(round: Round, sample: Sample, base: PopulationBase | None) -> list[Result]:
    """Every rate of a round, judged; nothing is stored."""
    wrongful = _sampled(Rate.WRONGFUL_EXIT, sample, WRONGFUL_EXIT)
    entry = _sampled(Rate.ENTRY_ACCURACY, sample, WRONGFUL_ENTRY)
    readings = {
        Rate.OMISSION_VILLAGES: _sampled(Rate.OMISSION_VILLAGES, sample, OMISSION),
        Rate.OMISSION_SURVEYED: _sampled(Rate.OMISSION_SURVEYED, sample, OMISSION),
    }
    chosen = OMISSION_BASES.get(round.definitions.get("omission_rate", {}).get("denominator", ""))
    gate = readings[Rate(chosen)] if chosen else Figure(Rate.OMISSION_SURVEYED)
    if not chosen:
        for one in (*readings.values(), gate):
            one.missing.append(UNKNOWN_BASE)
    found = [
        wrongful,
        *readings.values(),
        *composites(sample, base, wrongful, gate, standard_of(round, Rate.COMPOSITE)),
        _sampled(Rate.APPROVAL, sample, APPROVAL),
        _turned(Rate.ENTRY_ACCURACY, entry),
        _turned(Rate.EXIT_ACCURACY, wrongful),
    ]
    gates = {Rate.WRONGFUL_EXIT, Rate.COMPOSITE, Rate.APPROVAL, chosen}
    return [judged(round, sample, one, is_gate=one.rate in gates) for one in found]


# --- a rate of the sample ----------------------------------------------------------------------


def _sampled(rate: str, sample: Sample, asked: Question) -> Figure:
    figure = Figure(rate, missing=_missing(sample, asked))
    figure.unrectified = sum(sample.unrectified.get(kind, 0) for kind in asked.cases)
    cells = [cell for one in sample.villages for cell in _cells(one, asked.subjects)]
    figure.told = {"due": sum(cell.due for cell in cells)}
    villages = queries.totals(sample, asked)
    try:
        if asked.members:
            found = estimates.omission(villages, whole_villages=rate == Rate.OMISSION_VILLAGES)
        else:
            found = estimates.estimate(villages)
    except EmptySampleError:
        figure.missing.append(verdicts.NOBODY_AT_RISK)
        return figure
    if found.rate > 1 or found.events > found.at_risk:
        figure.missing.append(ABOVE_ONE)
        return figure
    return _measured(figure, found)


def _measured(figure: Figure, found: Estimate) -> Figure:
    figure.estimate, figure.point = found, found.rate
    try:
        figure.found = limits.of(found)
    except TooFewVillagesError:
        figure.missing.append(verdicts.TOO_FEW_VILLAGES)
    return figure


def _cells(one: queries.Drawn, subjects: Iterable[str]) -> list[queries.Cell]:
    return [one.cells[kind] for kind in subjects if kind in one.cells]


def _missing(sample: Sample, asked: Question) -> list[str]:
    """Why the rate cannot be computed yet, besides an empty sample."""
    reasons = []
    waiting = sum(c.waiting for one in sample.villages for c in _cells(one, asked.subjects))
    if waiting:
        reasons.append(f"尚有 {waiting} 户样本户没有入户")
    answered = {
        one.stratum
        for one in sample.villages
        if any(cell.answered for cell in _cells(one, asked.subjects))
    }
    empty = [
        STRATA[stratum]
        for stratum, people in sorted(sample.strata.items())
        if stratum not in answered and any(people.get(kind) for kind in asked.subjects)
    ]
    if empty:
        reasons.append(f"{verdicts.EMPTY_STRATUM}（{'、'.join(empty)}）")
    if not asked.cases:
        return reasons
    for kind in asked.subjects:
        own = [one.cells[kind] for one in sample.villages if kind in one.cells]
        if own and not any(cell.due for cell in own):
            reasons.append(f"方案没有抽取{Subject(kind).label}")
    open_cases = sum(sample.undecided.get(kind, 0) for kind in asked.cases)
    if open_cases:
        reasons.append(f"{verdicts.OPEN_CASES}（{open_cases} 个）")
    if sample.untold:
        reasons.append(f"有 {sample.untold} 份疑似结论没有登记问题")
    return reasons


def _turned(rate: str, wrong: Figure) -> Figure:
    """One minus a rate of errors."""
    figure = replace(wrong, rate=rate, missing=list(wrong.missing), point=None, found=None)
    if wrong.estimate is not None:
        figure.missing = [one for one in wrong.missing if one != verdicts.TOO_FEW_VILLAGES]
        _measured(figure, estimates.accuracy(wrong.estimate))
    return figure


# --- stored -------------------------------------------------------------------------------------


def _store(round: Round, rows: list[Result]) -> bool:
    """Write what differs from what stands there; the history keeps the former values."""
    names = [
        one.name for one in Result._meta.concrete_fields if one.name not in ("id", "computed_at")
    ]
    stored = {one.rate: one for one in Result.objects.filter(round=round)}
    changed = False
    for row in rows:
        before = stored.get(row.rate)
        if before is not None:
            if all(getattr(before, name) == getattr(row, name) for name in names):
                continue
            row.pk = before.pk
        row.save()
        changed = True
    return changed
