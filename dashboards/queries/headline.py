"""The strip: the verdict in one sentence, why, and four figures."""

from collections import defaultdict
from typing import Any

from core.templatetags.show import percent, thousands
from dashboards.queries.inputs import Board, Inputs
from dashboards.queries.matrix import CITY_GATES, URGENCY, level_of, limit_of, overall
from dashboards.queries.words import (
    TONES,
    figure_href,
    rate_of,
    standard_of,
    text_of,
    villages_href,
)
from exits.enums import GATES, Metric, Verdict
from inspections.models import Result
from villages.enums import Level
from villages.models import Region

# As many gates as a sentence of the strip names.
_MOST = 3


def headline_of(inputs: Inputs, page: Board) -> dict[str, Any]:
    if not inputs.own.by_metric:
        return {
            "tone": "neutral",
            "tag": "总体判断：没有数据",
            "title": f"{inputs.partition} 年度还没有计算结果",
            "sentences": ["请先导入该年度的登记数据；导入后指标会自动计算。"],
        }
    if inputs.region.level == Level.COUNTY:
        return _county_headline(inputs)
    if inputs.region.level != Level.CITY:
        return _place_headline(inputs)
    labels = [row["verdict"]["label"] for row in page.rows]
    counted = {label: labels.count(label) for label in dict.fromkeys(labels)}
    # What cannot be computed is, to whoever decides about the exit, undecided.
    undecided = Verdict.NOT_COMPUTABLE.label
    words = "、".join(
        f"{'无法判定' if label == undecided else label} {number} 个"
        for label, number in counted.items()
    )
    kind = "拟退出县" if inputs.has_planned else "贫困县"
    ready = labels.count(Verdict.MET.label) == len(labels) and labels
    failing = Verdict.NOT_MET.label in labels
    return {
        "tone": "good" if ready else "bad" if failing else "warn",
        "tag": f"总体判断：{'可以申请退出' if ready else '尚不能申请退出'}",
        "title": f"{len(labels)} 个{kind}：{words}",
        "sentences": _reasons(inputs),
    }


def _reasons(inputs: Inputs) -> list[str]:
    sentences = []
    headcount = inputs.definitions.get(Metric.HEADCOUNT_RATE)
    over = [
        f"{place.name} {text_of(_headcount(inputs, place), headcount)}"
        for place in inputs.candidates
        if inputs.verdict(place, Metric.HEADCOUNT_RATE) == Verdict.NOT_MET
    ]
    if over:
        sentences.append(f"贫困发生率未达标：{'、'.join(over)}。")
    elif inputs.candidates and all(
        inputs.verdict(place, Metric.HEADCOUNT_RATE) == Verdict.MET for place in inputs.candidates
    ):
        sentences.append(f"贫困发生率均{standard_of(headcount)}，登记数据达标。")
    return sentences + _sampled(inputs.candidates, inputs) + _unknown(inputs.candidates, inputs)


def _headcount(inputs: Inputs, place: Region) -> Any:
    return inputs.figures[place.code].by_metric.get(Metric.HEADCOUNT_RATE)


def _sampled(places: list[Region], inputs: Inputs) -> list[str]:
    """Which gates of the samples keep counties from exiting, the most urgent first."""
    found: list[tuple[int, str]] = []
    for place in places:
        for code, result in inputs.gates.get(place.code, {}).items():
            verdict = Verdict(result.verdict)
            if verdict in (Verdict.NOT_MET, Verdict.WEAK_EVIDENCE, Verdict.TO_RECTIFY):
                said = f"{place.name}{Metric(code).label}{_said(result)}"
                found.append((URGENCY.index(verdict), said))
    if not found:
        return []
    found.sort(key=lambda one: one[0])
    words = "；".join(said for _, said in found[:_MOST])
    more = f"；另有 {len(found) - _MOST} 项" if len(found) > _MOST else ""
    return [f"{words}{more}。"]


def _said(result: Result) -> str:
    if result.verdict == Verdict.WEAK_EVIDENCE:
        side, limit = limit_of(result)
        return f" {result.shown}，但 {level_of(result)} {side} {limit}，证据不足"
    if result.verdict == Verdict.TO_RECTIFY:
        return f" {result.shown}，尚有确认的问题未整改"
    return f" {result.shown}，不达标"


def _unknown(places: list[Region], inputs: Inputs) -> list[str]:
    reasons: dict[str, set[str]] = defaultdict(set)
    for place in places:
        for gate in CITY_GATES:
            if inputs.verdict(place, gate) == Verdict.NOT_COMPUTABLE:
                reasons[inputs.reason(place, gate)].add(place.name)
    return [f"{len(names)} 个县{reason}，无法判定。" for reason, names in sorted(reasons.items())]


def _county_headline(inputs: Inputs) -> dict[str, Any]:
    """A county by all gates: a rate of the register alone lets nobody exit."""
    verdict = overall(inputs.own, CITY_GATES)
    place = _place_headline(inputs)
    sentences = _sampled([inputs.region], inputs)
    reasons = sorted(
        {
            inputs.reason(inputs.region, gate)
            for gate in GATES
            if inputs.verdict(inputs.region, gate) == Verdict.NOT_COMPUTABLE
        }
    )
    sentences += [f"{reason}，无法判定。" for reason in reasons]
    return place | {
        "tone": "warn" if verdict == Verdict.NOT_COMPUTABLE else TONES[verdict],
        "tag": f"退出判断：{'无法判定' if verdict == Verdict.NOT_COMPUTABLE else verdict.label}",
        "sentences": [*place["sentences"], *sentences],
    }


def _place_headline(inputs: Inputs) -> dict[str, Any]:
    row = inputs.own.by_metric.get(Metric.HEADCOUNT_RATE)
    definition = inputs.definitions.get(Metric.HEADCOUNT_RATE)
    verdict = Verdict(row.verdict) if row else Verdict.NOT_COMPUTABLE
    remaining = inputs.own.by_metric.get(Metric.REMAINING)
    tone = "warn" if verdict == Verdict.NOT_COMPUTABLE else TONES[verdict]
    title = f"贫困发生率 {text_of(row, definition)}，标准 {standard_of(definition)}"
    sentences = []
    if verdict == Verdict.NOT_COMPUTABLE:
        title = "贫困发生率无法计算"
        sentences.append(f"{row.reason if row else '该年度没有计算结果'}。")
    if remaining is not None:
        sentences.append(
            f"未脱贫 {thousands(remaining.households)} 户 {thousands(remaining.numerator)} 人。"
        )
    return {
        "tone": tone,
        "tag": f"登记数据判断：{verdict.label}",
        "title": title,
        "sentences": sentences,
    }


def kpis_of(inputs: Inputs) -> list[dict[str, Any]]:
    own, code, year = inputs.own, inputs.region.code, inputs.partition
    remaining = own.by_metric.get(Metric.REMAINING)
    exited = own.by_metric.get(Metric.EXITED_IN_YEAR)
    kpis = [_headcount_kpi(inputs)]
    if Metric.EXIT_TARGET in own.by_metric:
        kpis.append(_target_kpi(inputs))
    else:
        kpis.append(
            {
                "label": f"{year} 年脱贫",
                "value": thousands(exited.numerator if exited else None),
                "unit": "人",
                "note": f"{thousands(exited.households if exited else None)} 户",
                "tone": "",
                "href": figure_href(code, year, Metric.EXITED_IN_YEAR, persons=True),
            }
        )
    kpis.append(
        {
            "label": "未脱贫人口",
            "value": thousands(remaining.numerator if remaining else None),
            "unit": "人" if remaining else "",
            "note": f"{thousands(remaining.households if remaining else None)} 户",
            "tone": "",
            "href": figure_href(code, year, Metric.REMAINING, persons=True),
        }
    )
    kpis.append(_fourth_kpi(inputs))
    return kpis


def _headcount_kpi(inputs: Inputs) -> dict[str, Any]:
    row = inputs.own.by_metric.get(Metric.HEADCOUNT_RATE)
    definition = inputs.definitions.get(Metric.HEADCOUNT_RATE)
    before = rate_of(inputs.series.get(inputs.region.code, {}).get(inputs.partition - 1))
    now = rate_of(row)
    note = f"标准 {standard_of(definition)}"
    if before is not None and now is not None:
        arrow = "↓" if now <= before else "↑"
        note = f"较 {inputs.partition - 1} 年底 {arrow} {abs(now - before):.2f} 个百分点"
    elif row is not None and row.reason:
        note = row.reason
    text = text_of(row, definition)
    return {
        "label": "贫困发生率",
        "value": text.removesuffix("%") if now is not None else "无法计算",
        "unit": "%" if now is not None else "",
        "note": note,
        "tone": TONES[Verdict(row.verdict)] if row and row.verdict == Verdict.NOT_MET else "",
        "href": figure_href(
            inputs.region.code, inputs.partition, Metric.HEADCOUNT_RATE, persons=True
        ),
    }


def _target_kpi(inputs: Inputs) -> dict[str, Any]:
    row = inputs.own.by_metric[Metric.EXIT_TARGET]
    definition = inputs.definitions.get(Metric.EXIT_TARGET)
    known = row.verdict != Verdict.NOT_COMPUTABLE
    text = percent(row.numerator, row.denominator) if known else ""
    note = (
        f"{thousands(row.numerator)} / {thousands(row.denominator)} 人"
        if known
        else f"{row.reason}；已脱贫 {thousands(row.numerator)} 人"
    )
    return {
        "label": definition.name if definition else Metric.EXIT_TARGET.label,
        "value": text.removesuffix("%") if known else "无法计算",
        "unit": "%" if known else "",
        "note": note,
        "tone": "",
        "href": figure_href(
            inputs.region.code, inputs.partition, Metric.EXITED_IN_YEAR, persons=True
        ),
    }


def _fourth_kpi(inputs: Inputs) -> dict[str, Any]:
    row = inputs.own.by_metric.get(Metric.VILLAGE_EXIT_RATE)
    if row is not None and row.denominator:
        text = percent(row.numerator, row.denominator)
        return {
            "label": "贫困村退出率",
            "value": text.removesuffix("%"),
            "unit": "%",
            "note": f"{thousands(row.numerator)} / {thousands(row.denominator)} 个村",
            "tone": "",
            "href": villages_href(inputs.region.code, inputs.partition),
        }
    registered = inputs.own.by_metric.get(Metric.REGISTERED)
    return {
        "label": "建档立卡人口",
        "value": thousands(registered.numerator if registered else None),
        "unit": "人" if registered else "",
        "note": f"{thousands(registered.households if registered else None)} 户",
        "tone": "",
        "href": figure_href(inputs.region.code, inputs.partition, Metric.REGISTERED, persons=True),
    }
