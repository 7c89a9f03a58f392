"""Tables: the stock and flow of persons, and the tallies."""

from typing import Any

from dashboards.queries.inputs import Inputs
from dashboards.queries.words import figure_href
from exits.enums import Flow, Metric
from households.catalog import label
from villages.models import Region


def flows_of(inputs: Inputs) -> list[dict[str, Any]]:
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


def tallies_of(inputs: Inputs) -> list[dict[str, Any]]:
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
