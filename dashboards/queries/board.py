"""The whole page of one region and year."""

from core.scope import Actor
from dashboards.queries import blockers, drawings, headline, matrix, money, problems, tables
from dashboards.queries.inputs import Board, area_label, read
from dashboards.queries.words import breadcrumbs
from villages.enums import Level
from villages.models import Region

_CHILDREN = {Level.CITY: "县区", Level.COUNTY: "乡镇", Level.TOWN: "行政村", Level.VILLAGE: ""}


def board(region: Region, partition: int, actor: Actor) -> Board:
    """The whole page of one region and year, in a fixed number of queries."""
    inputs = read(region, partition, actor)
    page = Board(
        region=region,
        partition=partition,
        as_of=max(
            (row.computed_at for own in inputs.figures.values() for row in own.by_metric.values()),
            default=None,
        ),
        area_label=area_label(inputs),
        children_label=_CHILDREN.get(Level(region.level), ""),
        breadcrumbs=breadcrumbs(region, inputs.day, actor),
    )
    page.columns = matrix.columns_of(inputs)
    page.rows = matrix.rows_of(inputs)
    page.confidence = matrix.confidence_of(inputs)
    page.rounds = matrix.rounds_of(inputs)
    page.kpis = headline.kpis_of(inputs)
    page.blockers = blockers.blockers_of(inputs)
    page.what_if_href = blockers.what_if_href(inputs)
    page.headline = headline.headline_of(inputs, page)
    page.trend = drawings.trend_of(inputs)
    page.tiles = drawings.tiles_of(inputs) if region.level == Level.CITY else []
    page.ranking = drawings.ranking_of(inputs)
    page.funds = money.money_of(inputs)
    page.problems = problems.problems_of(inputs)
    page.flows = tables.flows_of(inputs)
    page.tallies = tables.tallies_of(inputs)
    return page
