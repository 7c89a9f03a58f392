"""Reading computed figures for a purpose; the register itself is not touched here."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

from django.db.models import Q

from core.scope import Actor
from exits.enums import TALLIES, Flow, LineKind, Metric, Verdict
from exits.models import FlowFigure, MetricDefinition, PovertyLine, Snapshot
from villages.queries.indicators import Measured


@dataclass
class Figures:
    """The figures of one region and year: by metric, and the tallies' rows by category."""

    region_code: str
    by_metric: dict[str, Snapshot] = field(default_factory=dict)
    tallies: dict[str, list[Snapshot]] = field(default_factory=dict)

    def numerator(self, metric: str) -> int | None:
        found = self.by_metric.get(metric)
        return found.numerator if found else None

    def households(self, metric: str) -> int | None:
        found = self.by_metric.get(metric)
        return found.households if found else None


def figures(
    codes: Iterable[str], partition: int, actor: Actor, *, tallies_of: str
) -> dict[str, Figures]:
    """Figures of several regions in one query, with the tallies of one of them.

    Regions outside the actor's grants stay empty.
    """
    wanted = list(codes)
    result = {code: Figures(code) for code in wanted}
    rows = (
        Snapshot.objects.visible_to(actor)
        .filter(partition=partition, region_code__in=wanted)
        .filter(Q(region_code=tallies_of) | ~Q(metric__in=TALLIES))
        .order_by("region_code", "metric", "-numerator")
    )
    for row in rows:
        if row.metric in TALLIES:
            result[row.region_code].tallies.setdefault(row.metric, []).append(row)
        else:
            result[row.region_code].by_metric[row.metric] = row
    return result


def headcount_series(codes: Iterable[str], actor: Actor) -> dict[str, dict[int, Snapshot]]:
    """贫困发生率 of several regions over all years: code → year → figure."""
    result: dict[str, dict[int, Snapshot]] = {}
    rows = Snapshot.objects.visible_to(actor).filter(
        region_code__in=list(codes), metric=Metric.HEADCOUNT_RATE
    )
    for row in rows:
        result.setdefault(row.region_code, {})[row.partition] = row
    return result


def flows(codes: Iterable[str], partition: int, actor: Actor) -> dict[str, dict[str, int]]:
    """The stock-flow table in persons: code → flow → persons.

    Stocks are the remaining persons of this year and the one before. A region whose year before
    was not computed is left out: its opening stock is unknown.
    """
    wanted = list(codes)
    stocks = Snapshot.objects.visible_to(actor).filter(
        region_code__in=wanted, metric=Metric.REMAINING, partition__in=[partition - 1, partition]
    )
    result: dict[str, dict[str, int]] = {}
    for row in stocks:
        name = Flow.END if row.partition == partition else Flow.START
        result.setdefault(row.region_code, {})[name] = row.numerator or 0
    moved = FlowFigure.objects.visible_to(actor).filter(region_code__in=wanted, partition=partition)
    for figure in moved:
        result.setdefault(figure.region_code, {})[figure.flow] = figure.persons
    complete = {
        code: {name: row.get(name, 0) for name in Flow.values}
        for code, row in result.items()
        if Flow.START in row and Flow.END in row
    }
    return complete


def lines_of_year(year: int) -> dict[str, Decimal]:
    """Poverty lines of a year by region prefix, yuan per person and year."""
    return dict(
        PovertyLine.objects.filter(year=year, kind=LineKind.POVERTY).values_list(
            "region_prefix", "amount"
        )
    )


def definitions(partition: int, area: str = "") -> dict[str, MetricDefinition]:
    """The definitions that count in a year, for an area where they differ by area."""
    result: dict[str, MetricDefinition] = {}
    rows = MetricDefinition.objects.filter(valid_from__lte=partition, region_prefix="").order_by(
        "version"
    )
    for row in rows:
        if (row.valid_to is None or row.valid_to >= partition) and row.area in ("", area):
            result[row.code] = row
    return result


def village_headcounts(codes: Collection[str], partition: int, actor: Actor) -> dict[str, Measured]:
    """The headcount rates of villages in words, with what their standard says of them."""
    rows = Snapshot.objects.visible_to(actor).filter(
        partition=partition, metric=Metric.HEADCOUNT_RATE, region_code__in=codes
    )
    return {row.region_code: _measured(row) for row in rows}


def _measured(row: Snapshot) -> Measured:
    judged = {Verdict.MET: True, Verdict.NOT_MET: False}
    if not row.denominator or row.numerator is None:
        return Measured(row.reason or "没有人口基数，无法计算", None)
    rate = (Decimal(row.numerator) * 100 / row.denominator).quantize(Decimal("0.01"), ROUND_HALF_UP)
    text = f"{rate}%（未脱贫 {row.numerator:,} 人，人口基数 {row.denominator:,} 人）"
    return Measured(text, judged.get(Verdict(row.verdict)))
