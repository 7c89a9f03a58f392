"""From a rate and what is missing to a result: verdict, counts, totals, limits, grounds."""

from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from typing import Any

from exits.enums import Comparator, Verdict
from exits.formulas import Standard
from inspections.enums import JUDGED_BY, Rate
from inspections.formulas import planning, verdicts
from inspections.formulas.estimates import Estimate
from inspections.formulas.limits import Limits
from inspections.models import Result, Round
from inspections.models.result import PLACES
from inspections.queries.estimates import Sample

AS_COUNTED = "按实查人数直接相加，未作推算，不作为判定依据"
_FINE = Decimal(1).scaleb(-PLACES)


@dataclass
class Figure:
    """One rate before it is judged; `missing` are reasons why it cannot be."""

    rate: str
    point: Fraction | None = None
    found: Limits | None = None
    estimate: Estimate | None = None
    more: int | None = None
    unrectified: int = 0
    missing: list[str] = field(default_factory=list)
    told: dict[str, Any] = field(default_factory=dict)


def standard_of(round: Round, rate: str) -> Standard:
    told = round.definitions.get(JUDGED_BY[rate], {})
    threshold = told.get("threshold")
    return Standard(
        Comparator(told.get("comparator") or ""),
        None if threshold is None else Decimal(threshold),
    )


def judged(round: Round, sample: Sample, figure: Figure, *, is_gate: bool) -> Result:
    told = round.definitions.get(JUDGED_BY[figure.rate], {})
    standard = standard_of(round, figure.rate)
    more = figure.more
    if figure.estimate is not None and figure.found is not None:
        more = planning.more_households(figure.estimate, standard)
    said = _said(figure, standard, more, is_defined=bool(told))
    row = Result(
        round=round,
        held_by=round.held_by,
        rate=figure.rate,
        is_gate=is_gate,
        definition=JUDGED_BY[figure.rate],
        definition_version=told.get("version"),
        comparator=standard.comparator,
        threshold=standard.threshold,
        source=told.get("source", ""),
        verdict=said.verdict,
        reason=said.reason[:500],
        at_threshold=said.at_threshold,
        more=more if said.verdict == Verdict.WEAK_EVIDENCE else None,
        due=figure.told.get("due", 0),
        facts=figure.told.get("facts", {}),
        as_of=sample.as_of,
    )
    _put_counts(row, figure)
    _put_shares(row, figure, standard, told.get("decimals", 2))
    return row


def _said(
    figure: Figure, standard: Standard, more: int | None, *, is_defined: bool
) -> verdicts.Judgement:
    if figure.rate == Rate.COMPOSITE_RAW:
        why = [*figure.missing, AS_COUNTED] if figure.point is None else [AS_COUNTED]
        return verdicts.Judgement(Verdict.NONE, "；".join(dict.fromkeys(why)))
    if not is_defined and figure.rate in (Rate.ENTRY_ACCURACY, Rate.EXIT_ACCURACY):
        # Only where a region defines a gate of it is it one.
        return verdicts.Judgement(Verdict.NONE, "；".join(figure.missing))
    return verdicts.judge(
        figure.point, figure.found, standard, missing=figure.missing,
        unrectified=figure.unrectified, more=more,
    )  # fmt: skip


def _put_counts(row: Result, figure: Figure) -> None:
    found, told = figure.estimate, figure.told
    if found is not None:
        row.numerator, row.denominator = found.events, found.at_risk
        row.villages, row.households = found.villages, found.households
        row.households_hit = found.households_hit
        totals = (found.numerator, found.denominator)
    else:
        row.numerator, row.denominator = told.get("counts", (None, None))
        row.villages, row.households = told.get("villages", 0), told.get("households", 0)
        row.households_hit = told.get("households_hit", 0)
        totals = told.get("totals", (None, None))
    row.weighted_numerator, row.weighted_denominator = (
        None if one is None else _rounded(one, Decimal("0.0001")) for one in totals
    )


def _put_shares(row: Result, figure: Figure, standard: Standard, decimals: int) -> None:
    if figure.point is None:
        return
    row.shown = verdicts.percent(figure.point, standard, decimals)
    point = row.estimate = sided(figure.point, standard)
    if figure.found is None:
        return
    row.confidence = Decimal(str(figure.found.confidence))
    if figure.found.size is None:
        row.lower = row.upper = point
        return
    low = Decimal(figure.found.lower).quantize(_FINE, ROUND_FLOOR)
    high = Decimal(figure.found.upper).quantize(_FINE, ROUND_CEILING)
    row.lower, row.upper = min(low, point), max(high, point)
    if row.households:
        row.worth = Decimal(figure.found.size).quantize(Decimal("0.001"))
        row.effect = Decimal(row.households / figure.found.size).quantize(Decimal("0.001"))


def sided(point: Fraction, standard: Standard) -> Decimal:
    """The rate as it is stored: rounded, but never on or across a threshold that it is not on."""
    value = _rounded(point, _FINE)
    if standard.threshold is not None and value == standard.threshold:
        edge = Fraction(standard.threshold)
        value += _FINE * ((point > edge) - (point < edge))
    return value


def _rounded(value: Fraction, step: Decimal) -> Decimal:
    exact = Fraction(value) / Fraction(step)
    return (Decimal(round(exact)) * step).quantize(step, ROUND_HALF_EVEN)
