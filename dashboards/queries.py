"""What a leader's page shows about a region: gathered from figures only, a handful of queries."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any, cast
from urllib.parse import urlencode

from django.urls import reverse

from core import charts
from core.scope import Actor, overlaps, trim
from core.templatetags.show import percent, thousands
from exits import queries as exits
from exits.enums import GATES, Comparator, Flow, Metric, Verdict
from exits.models import MetricDefinition, Snapshot
from households.catalog import label
from households.queries import list_query
from villages.enums import Area, Level, PovertyLevel
from villages.formulas import short_name
from villages.models import CountyYear, Region
from villages.queries import ancestors, children, county_tiles

TONES = {
    Verdict.MET: "good",
    Verdict.NOT_MET: "bad",
    Verdict.TO_RECTIFY: "info",
    Verdict.WEAK_EVIDENCE: "warn",
    Verdict.NOT_COMPUTABLE: "neutral",
    Verdict.NONE: "neutral",
}
_CHILDREN = {Level.CITY: "县区", Level.COUNTY: "乡镇", Level.TOWN: "行政村", Level.VILLAGE: ""}
_COLUMNS = {
    Level.CITY: (Metric.HEADCOUNT_RATE, *GATES[1:]),
    Level.COUNTY: (Metric.HEADCOUNT_RATE,),
    Level.TOWN: (Metric.HEADCOUNT_RATE,),
    Level.VILLAGE: (),
}
# The most urgent first: what fails before what nobody knows yet.
_ORDER = {Verdict.NOT_MET: 0, Verdict.NOT_COMPUTABLE: 1, Verdict.MET: 3}


@dataclass
class Board:
    """Everything the dashboard template shows; see `templates/dashboards/`."""

    region: Region
    partition: int
    as_of: datetime | None
    area_label: str
    children_label: str
    breadcrumbs: list[dict[str, str]]
    headline: dict[str, Any] = field(default_factory=dict)
    kpis: list[dict[str, Any]] = field(default_factory=list)
    columns: list[dict[str, str]] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    blockers: list[dict[str, Any]] = field(default_factory=list)
    trend: dict[str, Any] = field(default_factory=dict)
    tiles: list[dict[str, Any]] = field(default_factory=list)
    ranking: list[dict[str, Any]] = field(default_factory=list)
    flows: list[dict[str, Any]] = field(default_factory=list)
    tallies: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class _Inputs:
    """What was read once and is used by several parts of the page."""

    region: Region
    partition: int
    day: date
    places: list[Region]
    figures: dict[str, exits.Figures]
    definitions: dict[str, MetricDefinition]
    counties: dict[str, CountyYear]
    series: dict[str, dict[int, Snapshot]]
    flows: dict[str, dict[str, int]]

    @property
    def own(self) -> exits.Figures:
        return self.figures[self.region.code]

    @property
    def candidates(self) -> list[Region]:
        """Poor counties that mean to exit this year; failing those, all poor counties, then all."""
        planned = [p for p in self.places if self._county(p, "planned_exit_year") == self.partition]
        poor = [
            p
            for p in self.places
            if self._county(p, "poverty_level") in (PovertyLevel.NATIONAL, PovertyLevel.PROVINCIAL)
        ]
        return planned or poor or self.places

    @property
    def has_planned(self) -> bool:
        return any(self._county(p, "planned_exit_year") == self.partition for p in self.places)

    def _county(self, place: Region, name: str) -> Any:
        return getattr(self.counties.get(place.code), name, None)


def board(region: Region, partition: int, actor: Actor) -> Board:
    """The whole page of one region and year, in a fixed number of queries."""
    inputs = _read(region, partition, actor)
    page = Board(
        region=region,
        partition=partition,
        as_of=max(
            (row.computed_at for own in inputs.figures.values() for row in own.by_metric.values()),
            default=None,
        ),
        area_label=_area_label(inputs),
        children_label=_CHILDREN.get(Level(region.level), ""),
        breadcrumbs=_breadcrumbs(region, inputs.day, actor),
    )
    page.columns = [_column(code, inputs) for code in _COLUMNS.get(Level(region.level), ())]
    page.rows = _rows(inputs)
    page.kpis = _kpis(inputs)
    page.blockers = _blockers(inputs)
    page.headline = _headline(inputs, page)
    page.trend = _trend(inputs)
    page.tiles = _tiles(inputs) if region.level == Level.CITY else []
    page.ranking = _ranking(inputs)
    page.flows = _flows(inputs)
    page.tallies = _tallies(inputs)
    return page


def _read(region: Region, partition: int, actor: Actor) -> _Inputs:
    day = date(partition, 12, 31)
    places = list(children(region, day, actor)) if region.level != Level.VILLAGE else []
    for place in (region, *places):
        # On a page 陈家门村, in the list of divisions 陈家门村村民委员会.
        place.name = short_name(place.name)
    codes = [region.code, *(place.code for place in places)]
    rows = CountyYear.objects.filter(year=partition, region_code__startswith=region.code[:4])
    counties = {row.region_code: row for row in cast("Iterable[CountyYear]", rows)}
    area = _area(region, counties)
    found = exits.figures(codes, partition, actor, tallies_of=region.code)
    return _Inputs(
        region=region,
        partition=partition,
        day=day,
        places=[p for p in places if found[p.code].by_metric or not p.statistical_only],
        figures=found,
        definitions=exits.definitions(partition, area),
        counties=counties,
        series=exits.headcount_series(codes, actor),
        flows=exits.flows(codes, partition, actor),
    )


def _area(region: Region, counties: dict[str, CountyYear]) -> str:
    if region.level in (Level.CITY, Level.PROVINCE):
        areas = {row.area for row in counties.values()}
        return areas.pop() if len(areas) == 1 else ""
    county = counties.get(region.code[:6].ljust(12, "0"))
    return county.area if county else ""


def _area_label(inputs: _Inputs) -> str:
    area = _area(inputs.region, inputs.counties)
    return Area(area).label if area else "所属地区未登记，不适用"


# --- addresses ---------------------------------------------------------------------------------


@cache
def _address(name: str) -> str:
    return reverse(name)


@lru_cache(maxsize=8192)
def place_href(code: str, partition: int) -> str:
    return f"{reverse('dashboards:region', args=[trim(code)])}?{urlencode({'year': partition})}"


def figure_href(
    code: str, partition: int, metric: str, category: str = "", *, persons: bool = False
) -> str:
    """The list behind a figure: as many rows as the figure says."""
    query = {"region": trim(code), "year": partition, **list_query(metric, category, partition)}
    name = "households:persons" if persons else "households:list"
    return f"{_address(name)}?{urlencode(query)}"


def villages_href(code: str, partition: int) -> str:
    return f"{_address('villages:list')}?{urlencode({'region': code, 'year': partition})}"


def _breadcrumbs(region: Region, day: date, actor: Actor) -> list[dict[str, str]]:
    return [
        {"name": short_name(place.name), "href": place_href(place.code, day.year)}
        for place in ancestors(region, day)
        if place.level != Level.PROVINCE and overlaps(actor, place.code)
    ] + [{"name": region.name, "href": ""}]


# --- words -------------------------------------------------------------------------------------


def _standard(definition: MetricDefinition | None) -> str:
    if definition is None or definition.threshold is None:
        return ""
    share = (definition.threshold * 100).normalize()
    return f"{Comparator(definition.comparator).label} {share:f}%"


def _text(row: Snapshot | None, definition: MetricDefinition | None) -> str:
    if row is None or row.numerator is None or not row.denominator:
        return "—"
    if row.verdict == Verdict.NOT_COMPUTABLE:
        return "—"
    threshold = definition.threshold if definition else None
    return percent(row.numerator, row.denominator, None if threshold is None else threshold * 100)


def _rate(row: Snapshot | None) -> Decimal | None:
    """In percent, exact enough for a drawing."""
    if row is None or not row.denominator or row.numerator is None:
        return None
    if row.verdict == Verdict.NOT_COMPUTABLE:
        return None
    return Decimal(row.numerator) * 100 / Decimal(row.denominator)


def _bar(
    row: Snapshot | None, definition: MetricDefinition | None
) -> tuple[int | None, int | None]:
    """Bar length and tick of the standard, 0–100; small rates are drawn on a scale of 3 × standard."""
    rate = _rate(row)
    threshold = definition.threshold * 100 if definition and definition.threshold else None
    if rate is None:
        return None, None
    full = Decimal(100) if threshold is None or threshold > 20 else threshold * 3
    tick = None if threshold is None else int(threshold * 100 / full)
    return min(100, int(rate * 100 / full)), tick


def _column(code: str, inputs: _Inputs) -> dict[str, str]:
    definition = inputs.definitions.get(code)
    return {
        "code": code,
        "name": definition.name if definition else Metric(code).label,
        "standard": _standard(definition),
        "note": definition.source if definition else "",
    }


# --- the matrix --------------------------------------------------------------------------------


def _rows(inputs: _Inputs) -> list[dict[str, Any]]:
    codes = _COLUMNS.get(Level(inputs.region.level), ())
    if not codes:
        return []
    shown = inputs.candidates if inputs.region.level == Level.CITY else inputs.places
    rows = [_row(place, codes, inputs) for place in shown]
    rows.sort(key=lambda row: (row["order"], row["code"]))
    return rows


def _row(place: Region, codes: tuple[str, ...], inputs: _Inputs) -> dict[str, Any]:
    own = inputs.figures[place.code]
    verdict = _overall(own, codes)
    poor = own.by_metric.get(Metric.VILLAGE_EXIT_RATE)
    is_poor = poor is not None and poor.denominator
    return {
        "name": place.name,
        "code": place.code,
        "href": place_href(place.code, inputs.partition),
        "list_href": figure_href(place.code, inputs.partition, Metric.REMAINING),
        "cells": [_cell(place, own, code, inputs) for code in codes],
        "verdict": {"label": verdict.label, "tone": TONES[verdict]},
        "poor_exit_text": _text(poor, inputs.definitions.get(Metric.VILLAGE_EXIT_RATE))
        if is_poor
        else "—",
        "poor_exit_href": villages_href(place.code, inputs.partition) if is_poor else "",
        "order": _ORDER.get(verdict, 2),
    }


def _cell(place: Region, own: exits.Figures, code: str, inputs: _Inputs) -> dict[str, Any]:
    row = own.by_metric.get(code)
    definition = inputs.definitions.get(code)
    verdict = Verdict(row.verdict) if row else Verdict.NOT_COMPUTABLE
    bar, tick = _bar(row, definition)
    evidence = ""
    if row is not None and row.numerator is not None and row.denominator:
        evidence = f"{thousands(row.numerator)} / {thousands(row.denominator)} 人"
    return {
        "value_text": _text(row, definition),
        "verdict": verdict.label,
        "tone": TONES[verdict],
        "bar": bar,
        "tick": tick,
        "evidence": evidence,
        "href": figure_href(place.code, inputs.partition, code, persons=True)
        if bar is not None
        else "",
        "reason": row.reason if row else "该年度没有计算结果",
    }


def _overall(own: exits.Figures, codes: tuple[str, ...]) -> Verdict:
    """Every gate is a veto; one that nobody could compute is never a pass."""
    gates = [*codes]
    poor = own.by_metric.get(Metric.VILLAGE_EXIT_RATE)
    if poor is not None and poor.denominator:
        gates.append(Metric.VILLAGE_EXIT_RATE)
    verdicts = [
        Verdict(own.by_metric[code].verdict) if code in own.by_metric else Verdict.NOT_COMPUTABLE
        for code in gates
    ]
    if Verdict.NOT_MET in verdicts:
        return Verdict.NOT_MET
    if Verdict.NOT_COMPUTABLE in verdicts:
        return Verdict.NOT_COMPUTABLE
    return Verdict.MET


# --- the strip ---------------------------------------------------------------------------------


def _headline(inputs: _Inputs, page: Board) -> dict[str, Any]:
    if not inputs.own.by_metric:
        return {
            "tone": "neutral",
            "tag": "总体判断：没有数据",
            "title": f"{inputs.partition} 年度还没有计算结果",
            "sentences": ["请先导入该年度的登记数据；导入后指标会自动计算。"],
        }
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


def _reasons(inputs: _Inputs) -> list[str]:
    sentences = []
    headcount = inputs.definitions.get(Metric.HEADCOUNT_RATE)
    over = [
        f"{place.name} {_text(inputs.figures[place.code].by_metric.get(Metric.HEADCOUNT_RATE), headcount)}"
        for place in inputs.candidates
        if _verdict(inputs, place, Metric.HEADCOUNT_RATE) == Verdict.NOT_MET
    ]
    if over:
        sentences.append(f"贫困发生率未达标：{'、'.join(over)}。")
    elif inputs.candidates and all(
        _verdict(inputs, place, Metric.HEADCOUNT_RATE) == Verdict.MET for place in inputs.candidates
    ):
        sentences.append(f"贫困发生率均{_standard(headcount)}，登记数据达标。")
    unknown = [
        place.name
        for place in inputs.candidates
        if any(_verdict(inputs, place, gate) == Verdict.NOT_COMPUTABLE for gate in GATES[1:])
    ]
    if unknown:
        sentences.append(f"错退率、漏评率、群众认可度尚无抽样调查，{len(unknown)} 个县无法判定。")
    return sentences


def _place_headline(inputs: _Inputs) -> dict[str, Any]:
    row = inputs.own.by_metric.get(Metric.HEADCOUNT_RATE)
    definition = inputs.definitions.get(Metric.HEADCOUNT_RATE)
    verdict = Verdict(row.verdict) if row else Verdict.NOT_COMPUTABLE
    remaining = inputs.own.by_metric.get(Metric.REMAINING)
    tone = "warn" if verdict == Verdict.NOT_COMPUTABLE else TONES[verdict]
    title = f"贫困发生率 {_text(row, definition)}，标准 {_standard(definition)}"
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


def _verdict(inputs: _Inputs, place: Region, metric: str) -> Verdict:
    row = inputs.figures[place.code].by_metric.get(metric)
    return Verdict(row.verdict) if row else Verdict.NOT_COMPUTABLE


def _kpis(inputs: _Inputs) -> list[dict[str, Any]]:
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


def _headcount_kpi(inputs: _Inputs) -> dict[str, Any]:
    row = inputs.own.by_metric.get(Metric.HEADCOUNT_RATE)
    definition = inputs.definitions.get(Metric.HEADCOUNT_RATE)
    before = _rate(inputs.series.get(inputs.region.code, {}).get(inputs.partition - 1))
    now = _rate(row)
    note = f"标准 {_standard(definition)}"
    if before is not None and now is not None:
        arrow = "↓" if now <= before else "↑"
        note = f"较 {inputs.partition - 1} 年底 {arrow} {abs(now - before):.2f} 个百分点"
    elif row is not None and row.reason:
        note = row.reason
    text = _text(row, definition)
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


def _target_kpi(inputs: _Inputs) -> dict[str, Any]:
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


def _fourth_kpi(inputs: _Inputs) -> dict[str, Any]:
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


# --- what stands in the way --------------------------------------------------------------------


def _blockers(inputs: _Inputs) -> list[dict[str, Any]]:
    if not inputs.own.by_metric:
        return []
    places = inputs.candidates if inputs.region.level == Level.CITY else [inputs.region]
    found: list[dict[str, Any]] = []
    for place in places:
        found += _failures(place, inputs)
    unknown = [p for p in places if _verdict(inputs, p, GATES[1]) == Verdict.NOT_COMPUTABLE]
    if inputs.region.level == Level.CITY and unknown:
        found.append(
            {
                "title": f"{len(unknown)} 个县尚无抽样调查",
                "note": f"{'、'.join(p.name for p in unknown)} · 错退率、漏评率、群众认可度",
                "icon_tone": "warn",
                "href": place_href(unknown[0].code, inputs.partition),
            }
        )
    found += _below_line(places, inputs)
    found.sort(key=lambda one: {"bad": 0, "warn": 1, "info": 2}.get(one["icon_tone"], 3))
    return found[:5]


def _failures(place: Region, inputs: _Inputs) -> list[dict[str, Any]]:
    own = inputs.figures[place.code]
    found = []
    for code in (Metric.HEADCOUNT_RATE, Metric.VILLAGE_EXIT_RATE, Metric.EXIT_TARGET):
        row = own.by_metric.get(code)
        if row is None or row.verdict != Verdict.NOT_MET:
            continue
        definition = inputs.definitions.get(code)
        href = figure_href(place.code, inputs.partition, Metric.REMAINING)
        if code == Metric.VILLAGE_EXIT_RATE:
            href = villages_href(place.code, inputs.partition)
        name = definition.name if definition else Metric(code).label
        found.append(
            {
                "title": f"{name} {_text(row, definition)}",
                "note": f"{place.name} · 标准 {_standard(definition)}",
                "icon_tone": "warn" if code == Metric.EXIT_TARGET else "bad",
                "href": href,
            }
        )
    return found


def _below_line(places: list[Region], inputs: _Inputs) -> list[dict[str, Any]]:
    found = []
    for place in places:
        row = inputs.figures[place.code].by_metric.get(Metric.EXITED_BELOW_LINE)
        if row is not None and row.numerator:
            found.append(
                {
                    "title": f"{thousands(row.households)} 户已脱贫但收入低于标准",
                    "note": f"{place.name} · {thousands(row.numerator)} 人，须逐户核实",
                    "icon_tone": "info",
                    "href": figure_href(place.code, inputs.partition, Metric.EXITED_BELOW_LINE),
                }
            )
    return found


# --- drawings ----------------------------------------------------------------------------------


def _trend(inputs: _Inputs) -> dict[str, Any]:
    definition = inputs.definitions.get(Metric.HEADCOUNT_RATE)
    years = sorted({year for own in inputs.series.values() for year in own}) or [inputs.partition]
    chosen = [(inputs.region.name, inputs.region.code, False)]
    deepest = _deepest(inputs)
    if deepest is not None:
        chosen.append((deepest.name, deepest.code, True))
    series = [
        {
            "name": name,
            "points": [_rounded(inputs.series.get(code, {}).get(year)) for year in years],
            "dashed": dashed,
        }
        for name, code, dashed in chosen
    ]
    threshold = definition.threshold * 100 if definition and definition.threshold else None
    return {"years": years, "series": series, "threshold": threshold}


def _rounded(row: Snapshot | None) -> Decimal | None:
    rate = _rate(row)
    return None if rate is None else rate.quantize(Decimal("0.01"))


def _deepest(inputs: _Inputs) -> Region | None:
    rated = [
        (rate, place.code, place)
        for place in inputs.places
        if (rate := _rate(inputs.figures[place.code].by_metric.get(Metric.HEADCOUNT_RATE)))
        is not None
    ]
    return max(rated)[2] if len(rated) > 1 else None


def _tiles(inputs: _Inputs) -> list[dict[str, Any]]:
    positions = county_tiles(inputs.region.code, inputs.day)
    definition = inputs.definitions.get(Metric.HEADCOUNT_RATE)
    threshold = definition.threshold * 100 if definition and definition.threshold else Decimal(2)
    tiles = []
    for place in inputs.places:
        if place.code not in positions:
            continue
        short, column, row = positions[place.code]
        own = inputs.figures[place.code]
        rate = _rate(own.by_metric.get(Metric.HEADCOUNT_RATE))
        has_people = bool(own.numerator(Metric.REGISTERED))
        tiles.append(
            {
                "short_name": short,
                "col": column,
                "row": row,
                "href": place_href(place.code, inputs.partition),
                "text": f"{rate:.2f}%" if rate is not None and has_people else "—",
                "band": charts.band(rate if has_people else None, threshold),
            }
        )
    return tiles


def _ranking(inputs: _Inputs) -> list[dict[str, Any]]:
    definition = inputs.definitions.get(Metric.HEADCOUNT_RATE)
    rated = [
        (rate, place)
        for place in inputs.places
        if (rate := _rate(inputs.figures[place.code].by_metric.get(Metric.HEADCOUNT_RATE)))
        is not None
        and inputs.figures[place.code].numerator(Metric.REGISTERED)
    ]
    rated.sort(key=lambda pair: (-pair[0], pair[1].code))
    if not rated:
        return []
    standard = definition.threshold * 100 if definition and definition.threshold else Decimal(2)
    full = max(rated[0][0], standard * Decimal("1.2"))
    return [
        {
            "name": place.name,
            "href": place_href(place.code, inputs.partition),
            "value_text": f"{rate:.2f}%",
            "bar": int(rate * 100 / full),
            "tick": int(standard * 100 / full),
            "tone": TONES[_verdict(inputs, place, Metric.HEADCOUNT_RATE)],
        }
        for rate, place in rated[:12]
    ]


# --- tables ------------------------------------------------------------------------------------


def _flows(inputs: _Inputs) -> list[dict[str, Any]]:
    shown = [inputs.region, *inputs.places]
    rows = []
    for place in shown:
        flow = inputs.flows.get(place.code)
        if flow is None or not any(flow.values()):
            continue
        rows.append(
            {
                "name": "合计" if place is inputs.region else place.name,
                "href": figure_href(place.code, inputs.partition, Metric.REMAINING, persons=True),
                "hrefs": _flow_hrefs(place, inputs.partition),
                **{name: flow[name] for name in Flow.values},
            }
        )
    return rows


def _flow_hrefs(place: Region, partition: int) -> dict[str, str]:
    return {
        Flow.START: figure_href(place.code, partition - 1, Metric.REMAINING, persons=True),
        Flow.RELAPSED: figure_href(place.code, partition, Metric.RELAPSED, persons=True),
        Flow.EXITED: figure_href(place.code, partition, Metric.EXITED_IN_YEAR, persons=True),
    }


_TALLIES = (
    (Metric.BY_CAUSE, "主要致贫原因", "poverty_cause"),
    (Metric.BY_ATTRIBUTE, "贫困户属性", "household_attribute"),
    (Metric.BY_STATUS, "脱贫状态", "exit_status"),
)


def _tallies(inputs: _Inputs) -> list[dict[str, Any]]:
    total = inputs.own.households(Metric.REGISTERED) or 0
    code, year = inputs.region.code, inputs.partition
    tables = []
    for metric, title, table in _TALLIES:
        rows = [row for row in inputs.own.tallies.get(metric, []) if row.households]
        if not rows:
            continue
        tables.append(
            {
                "title": title,
                "rows": [
                    {
                        "label": label(table, row.category) or "未填",
                        "households": row.households,
                        "persons": row.numerator,
                        "share": (row.households or 0) * 100 // total if total else 0,
                        "href": figure_href(code, year, metric, row.category),
                        "persons_href": figure_href(code, year, metric, row.category, persons=True),
                    }
                    for row in rows
                ],
            }
        )
    return tables
