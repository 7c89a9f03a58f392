"""Drawings: the years, the map of tiles, the ranking."""

from decimal import Decimal
from typing import Any

from core import charts
from dashboards.queries.inputs import Inputs
from dashboards.queries.words import TONES, place_href, rate_of
from exits.enums import Metric
from exits.models import Snapshot
from villages.models import Region
from villages.queries import county_tiles


def trend_of(inputs: Inputs) -> dict[str, Any]:
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
    rate = rate_of(row)
    return None if rate is None else rate.quantize(Decimal("0.01"))


def _deepest(inputs: Inputs) -> Region | None:
    rated = [
        (rate, place.code, place)
        for place in inputs.places
        if (rate := rate_of(inputs.figures[place.code].by_metric.get(Metric.HEADCOUNT_RATE)))
        is not None
    ]
    return max(rated)[2] if len(rated) > 1 else None


def tiles_of(inputs: Inputs) -> list[dict[str, Any]]:
    positions = county_tiles(inputs.region.code, inputs.day)
    definition = inputs.definitions.get(Metric.HEADCOUNT_RATE)
    threshold = definition.threshold * 100 if definition and definition.threshold else Decimal(2)
    tiles = []
    for place in inputs.places:
        if place.code not in positions:
            continue
        short, column, row = positions[place.code]
        own = inputs.figures[place.code]
        rate = rate_of(own.by_metric.get(Metric.HEADCOUNT_RATE))
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


def ranking_of(inputs: Inputs) -> list[dict[str, Any]]:
    definition = inputs.definitions.get(Metric.HEADCOUNT_RATE)
    rated = [
        (rate, place)
        for place in inputs.places
        if (rate := rate_of(inputs.figures[place.code].by_metric.get(Metric.HEADCOUNT_RATE)))
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
            "tone": TONES[inputs.verdict(place, Metric.HEADCOUNT_RATE)],
        }
        for rate, place in rated[:12]
    ]
