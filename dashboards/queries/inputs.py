"""What the page is made of: read once, used by several of its parts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, cast

from core.scope import Actor, trim
from exits import queries as exits
from exits.enums import Verdict
from exits.models import MetricDefinition, Snapshot, Standard
from exits.queries.blockers import veto_items
from exits.queries.readiness import open_by_item
from exits.queries.standards import standards_at
from exits.queries.standing import Obstacle, obstacles
from inspections.models import Result, Round
from inspections.queries.board import gates_of, rounds_beside
from villages.enums import Area, Level, PovertyLevel
from villages.formulas import short_name
from villages.models import CountyYear, Region
from villages.queries import children


@dataclass
class Board:
    """Everything the dashboard template shows; see `templates/dashboards/`."""

    region: Region
    partition: int
    as_of: datetime | None
    area_label: str
    children_label: str
    breadcrumbs: list[dict[str, str]]
    # Of the limits shown, 95%; empty without any, or where they differ.
    confidence: str = ""
    headline: dict[str, Any] = field(default_factory=dict)
    kpis: list[dict[str, Any]] = field(default_factory=list)
    columns: list[dict[str, str]] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    blockers: list[dict[str, Any]] = field(default_factory=list)
    # Where the fewest repairs that tip the place are ticked; empty where there is no such page.
    what_if_href: str = ""
    trend: dict[str, Any] = field(default_factory=dict)
    tiles: list[dict[str, Any]] = field(default_factory=list)
    ranking: list[dict[str, Any]] = field(default_factory=list)
    rounds: dict[str, Any] = field(default_factory=dict)
    # The year's money; empty where there was none.
    funds: dict[str, Any] = field(default_factory=dict)
    problems: dict[str, Any] = field(default_factory=dict)
    flows: list[dict[str, Any]] = field(default_factory=list)
    tallies: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Inputs:
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
    # By county and metric, the result of the round that a sampled figure comes from.
    gates: Mapping[str, Mapping[str, Result]]
    standard: Standard | None
    obstacles: Mapping[str, Obstacle]
    rounds: list[tuple[Round, dict[str, Result]]]
    # Of one county or smaller: item → households still poor in which it is not met, or missing.
    open_items: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    item_labels: Mapping[str, str] = field(default_factory=dict)

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

    def verdict(self, place: Region, metric: str) -> Verdict:
        """What the figure of a place says; one that was never computed is not computable."""
        row = self.figures[place.code].by_metric.get(metric)
        return Verdict(row.verdict) if row else Verdict.NOT_COMPUTABLE

    def reason(self, place: Region, metric: str) -> str:
        """Why it says so; empty where there is nothing to explain."""
        row = self.figures[place.code].by_metric.get(metric)
        return row.reason if row else "该年度没有计算结果"

    def _county(self, place: Region, name: str) -> Any:
        return getattr(self.counties.get(place.code), name, None)


def read(region: Region, partition: int, actor: Actor) -> Inputs:
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
    standard = next(iter(standards_at(region.code, partition)), None)
    inputs = Inputs(
        region=region,
        partition=partition,
        day=day,
        places=[p for p in places if found[p.code].by_metric or not p.statistical_only],
        figures=found,
        definitions=exits.definitions(partition, area),
        counties=counties,
        series=exits.headcount_series(codes, actor),
        flows=exits.flows(codes, partition, actor),
        gates=gates_of([one for one in codes if _is_county(one)], partition, actor),
        standard=standard,
        obstacles={},
        rounds=rounds_beside(region.code, partition, actor) if region.level == Level.COUNTY else [],
    )
    if standard is not None:
        judged = inputs.candidates if region.level == Level.CITY else [region]
        inputs.obstacles = obstacles([one.code for one in judged], partition, standard, actor)
        if region.level in (Level.COUNTY, Level.TOWN, Level.VILLAGE):
            prefix = trim(region.code)
            inputs.open_items = open_by_item(prefix, partition, standard, actor)
            inputs.item_labels = veto_items(standard)
    return inputs


def _is_county(code: str) -> bool:
    return code.endswith("000000") and not code.endswith("00000000")


def _area(region: Region, counties: dict[str, CountyYear]) -> str:
    if region.level in (Level.CITY, Level.PROVINCE):
        areas = {row.area for row in counties.values()}
        return areas.pop() if len(areas) == 1 else ""
    county = counties.get(region.code[:6].ljust(12, "0"))
    return county.area if county else ""


def area_label(inputs: Inputs) -> str:
    area = _area(inputs.region, inputs.counties)
    return Area(area).label if area else "所属地区未登记，不适用"
