"""Words, numbers and addresses that several parts of the page share."""

from datetime import date
from decimal import Decimal
from functools import cache, lru_cache
from urllib.parse import urlencode

from django.urls import reverse

from core.scope import Actor, overlaps, trim
from core.templatetags.show import percent
from exits.enums import Comparator, Verdict
from exits.models import MetricDefinition, Snapshot
from households.queries import list_query
from villages.enums import Level
from villages.formulas import short_name
from villages.models import Region
from villages.queries import ancestors

TONES = {
    Verdict.MET: "good",
    Verdict.NOT_MET: "bad",
    Verdict.TO_RECTIFY: "info",
    Verdict.WEAK_EVIDENCE: "warn",
    Verdict.NOT_COMPUTABLE: "neutral",
    Verdict.NONE: "neutral",
}


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


def breadcrumbs(region: Region, day: date, actor: Actor) -> list[dict[str, str]]:
    return [
        {"name": short_name(place.name), "href": place_href(place.code, day.year)}
        for place in ancestors(region, day)
        if place.level != Level.PROVINCE and overlaps(actor, place.code)
    ] + [{"name": region.name, "href": ""}]


def standard_of(definition: MetricDefinition | None) -> str:
    if definition is None or definition.threshold is None:
        return ""
    share = (definition.threshold * 100).normalize()
    return f"{Comparator(definition.comparator).label} {share:f}%"


def text_of(row: Snapshot | None, definition: MetricDefinition | None) -> str:
    if row is None or row.numerator is None or not row.denominator:
        return "—"
    if row.verdict == Verdict.NOT_COMPUTABLE:
        return "—"
    threshold = definition.threshold if definition else None
    return percent(row.numerator, row.denominator, None if threshold is None else threshold * 100)


def rate_of(row: Snapshot | None) -> Decimal | None:
    """In percent, exact enough for a drawing."""
    if row is None or not row.denominator or row.numerator is None:
        return None
    if row.verdict == Verdict.NOT_COMPUTABLE:
        return None
    return Decimal(row.numerator) * 100 / Decimal(row.denominator)


def bar_of(
    row: Snapshot | None, definition: MetricDefinition | None
) -> tuple[int | None, int | None]:
    """Bar length and tick of the standard, 0–100; small rates are drawn on a scale of 3 × standard."""
    rate = rate_of(row)
    threshold = definition.threshold * 100 if definition and definition.threshold else None
    if rate is None:
        return None, None
    full = Decimal(100) if threshold is None or threshold > 20 else threshold * 3
    tick = None if threshold is None else int(threshold * 100 / full)
    return min(100, int(rate * 100 / full)), tick
