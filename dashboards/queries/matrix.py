"""The gates of every place below, and those of a county's own rounds beside one another."""

from fractions import Fraction
from typing import Any

from django.urls import reverse

from core.templatetags.show import thousands
from dashboards.queries.inputs import Inputs
from dashboards.queries.words import (
    TONES,
    bar_of,
    figure_href,
    place_href,
    standard_of,
    text_of,
    villages_href,
)
from exits import queries as exits
from exits.enums import GATES, SAMPLED, Comparator, Metric, Verdict
from inspections.formulas import verdicts
from inspections.models import Result
from villages.enums import Level
from villages.models import Region

CITY_GATES = (Metric.HEADCOUNT_RATE, *GATES)
_COLUMNS = {
    Level.CITY: CITY_GATES,
    Level.COUNTY: (Metric.HEADCOUNT_RATE,),
    Level.TOWN: (Metric.HEADCOUNT_RATE,),
    Level.VILLAGE: (),
}
# The most urgent first: what fails, what nobody knows, what is not sure, what is to be put right.
URGENCY = (
    Verdict.NOT_MET,
    Verdict.NOT_COMPUTABLE,
    Verdict.WEAK_EVIDENCE,
    Verdict.TO_RECTIFY,
    Verdict.MET,
)
_ABOVE = (Comparator.GE, Comparator.GT)


def columns_of(inputs: Inputs) -> list[dict[str, str]]:
    return [_column(code, inputs) for code in _COLUMNS.get(Level(inputs.region.level), ())]


def _column(code: str, inputs: Inputs) -> dict[str, str]:
    definition = inputs.definitions.get(code)
    return {
        "code": code,
        "name": definition.name if definition else Metric(code).label,
        "standard": standard_of(definition),
        "note": definition.source if definition else "",
    }


def rows_of(inputs: Inputs) -> list[dict[str, Any]]:
    codes = _COLUMNS.get(Level(inputs.region.level), ())
    if not codes:
        return []
    shown = inputs.candidates if inputs.region.level == Level.CITY else inputs.places
    rows = [_row(place, codes, inputs) for place in shown]
    rows.sort(key=lambda row: (row["order"], row["code"]))
    return rows


def _row(place: Region, codes: tuple[str, ...], inputs: Inputs) -> dict[str, Any]:
    own = inputs.figures[place.code]
    verdict = overall(own, codes)
    poor = own.by_metric.get(Metric.VILLAGE_EXIT_RATE)
    is_poor = poor is not None and poor.denominator
    return {
        "name": place.name,
        "code": place.code,
        "href": place_href(place.code, inputs.partition),
        "list_href": figure_href(place.code, inputs.partition, Metric.REMAINING),
        "cells": [_cell(place, own, code, inputs) for code in codes],
        "verdict": {"label": verdict.label, "tone": TONES[verdict]},
        "poor_exit_text": text_of(poor, inputs.definitions.get(Metric.VILLAGE_EXIT_RATE))
        if is_poor
        else "—",
        "poor_exit_href": villages_href(place.code, inputs.partition) if is_poor else "",
        "order": URGENCY.index(verdict),
    }


def _cell(place: Region, own: exits.Figures, code: str, inputs: Inputs) -> dict[str, Any]:
    row = own.by_metric.get(code)
    definition = inputs.definitions.get(code)
    verdict = Verdict(row.verdict) if row else Verdict.NOT_COMPUTABLE
    bar, tick = bar_of(row, definition)
    cell = {
        "value_text": text_of(row, definition),
        "verdict": verdict.label,
        "tone": TONES[verdict],
        "bar": bar,
        "tick": tick,
        "evidence": "",
        "href": "",
        "word": "" if verdict == Verdict.MET else verdict.label,
        "reason": row.reason if row else "该年度没有计算结果",
    }
    result = inputs.gates.get(place.code, {}).get(code)
    if result is not None:
        return cell | _sampled(result)
    if row is not None and row.numerator is not None and row.denominator and bar is not None:
        cell["evidence"] = f"{thousands(row.numerator)} / {thousands(row.denominator)} 人"
        if code not in SAMPLED:
            cell["href"] = figure_href(place.code, inputs.partition, code, persons=True)
    return cell


def limit_of(result: Result) -> tuple[str, str]:
    """Which one-sided limit could be against a result, and the limit in words; "" without one."""
    side = "下限" if result.comparator in _ABOVE else "上限"
    limit = result.lower if result.comparator in _ABOVE else result.upper
    return side, "" if limit is None else verdicts.percent(Fraction(limit), result.standard, 2)


def level_of(result: Result) -> str:
    """The confidence of its limits, which is the round's and not ours to assume: 95%."""
    return "" if result.confidence is None else f"{(result.confidence * 100).normalize():f}%"


def confidence_of(inputs: Inputs) -> str:
    """Of all limits on the page, where they share one; the head of the table then names it."""
    beside = [row for _, found in inputs.rounds for row in found.values()]
    shown = [row for own in inputs.gates.values() for row in own.values()] + beside
    levels = {level for row in shown if (level := level_of(row))}
    return levels.pop() if len(levels) == 1 else ""


def receipt_href(result: Result) -> str:
    return reverse("inspections:result", args=[result.round_id, result.rate])


def _sampled(result: Result) -> dict[str, Any]:
    """A figure that a sample gave: its size, its limit, and the receipt with the names behind it."""
    side, limit = limit_of(result)
    told: dict[str, Any] = {"href": receipt_href(result), "reason": result.reason}
    if result.estimate is None:
        return told
    told["value_text"] = result.shown
    told["evidence"] = f"{thousands(result.households)} 户 · {side} {limit or '—'}"
    if result.verdict == Verdict.WEAK_EVIDENCE:
        told["word"] = f"{side}{'不足' if side == '下限' else '超标'}"
    return told


def overall(own: exits.Figures, codes: tuple[str, ...]) -> Verdict:
    """Every gate is a veto: the most urgent of their verdicts counts.

    One that nobody computed, or that is not judged, is never a pass.
    """
    gates = [*codes]
    poor = own.by_metric.get(Metric.VILLAGE_EXIT_RATE)
    if poor is not None and poor.denominator:
        gates.append(Metric.VILLAGE_EXIT_RATE)
    found = {
        Verdict(own.by_metric[code].verdict) if code in own.by_metric else Verdict.NOT_COMPUTABLE
        for code in gates
    }
    if Verdict.NONE in found:
        found.add(Verdict.NOT_COMPUTABLE)
    return next(one for one in URGENCY if one in found)


def rounds_of(inputs: Inputs) -> dict[str, Any]:
    """A county's rounds beside one another: a row per gate, a column per round."""
    if not inputs.rounds:
        return {}
    return {
        "columns": [
            {"name": one.get_kind_display(), "href": reverse("inspections:round", args=[one.pk]),
             "is_disclosed": one.disclosed_at is not None}
            for one, _ in inputs.rounds
        ],
        "rows": [
            {
                **_column(code, inputs),
                "cells": [_beside(found.get(code)) for _, found in inputs.rounds],
            }
            for code in GATES
        ],
    }  # fmt: skip


def _beside(result: Result | None) -> dict[str, str]:
    if result is None:
        return {"value": "—", "tone": "neutral", "verdict": "尚未计算", "evidence": "", "href": ""}
    side, limit = limit_of(result)
    verdict = Verdict(result.verdict)
    return {
        "value": result.shown or "—",
        "tone": TONES[verdict],
        "verdict": verdict.label,
        "evidence": f"{thousands(result.households)} 户 · {side} {limit}" if limit else "",
        "href": receipt_href(result),
    }
