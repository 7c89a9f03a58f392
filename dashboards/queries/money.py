"""The year's money on the leader's page: how much of it was spent, and where; the rest has its own board."""

from decimal import Decimal
from typing import Any

from django.urls import reverse

from core.scope import trim
from core.templatetags.show import percent, wan
from dashboards.queries.inputs import Inputs
from funds import formulas
from funds.formulas import Amounts, Rate
from funds.queries import figures
from villages.enums import Level

_RATE = "fund_paid_rate"


def money_of(inputs: Inputs) -> dict[str, Any]:
    """Of a city or county that has had money in the year; nothing elsewhere."""
    if inputs.region.level not in (Level.CITY, Level.COUNTY):
        return {}
    found = figures.by_place(inputs.region.code, inputs.partition)
    whole = found.get("", Amounts())
    if whole.is_empty:
        return {}
    definition = inputs.definitions.get(_RATE)
    target = definition.threshold if definition else None
    rate = formulas.paid_rate(whole)
    return {
        "rate": _words(rate, target),
        "note": rate.reason or f"{wan(whole.paid, '元')} / {wan(whole.arrived, '元')}",
        "target": None if target is None else percent(int(target * 10000), 10000),
        "href": _href(inputs.region.code, inputs.partition),
        "rows": _rows(inputs, found, target) if inputs.region.level == Level.CITY else [],
    }


def _rows(
    inputs: Inputs, found: dict[str, Amounts], target: Decimal | None
) -> list[dict[str, Any]]:
    rows = []
    for place in inputs.places:
        rate = formulas.paid_rate(found.get(place.code[:6], Amounts()))
        if not rate.is_known or not rate.denominator:
            continue
        bar = 100 * (rate.numerator or 0) // rate.denominator
        late = target is not None and formulas.is_below(rate, target)
        rows.append(
            {
                "name": place.name,
                "href": _href(place.code, inputs.partition),
                "value_text": _words(rate, target),
                "bar": bar,
                "tick": None if target is None else int(target * 100),
                "tone": "info" if target is None else "bad" if late else "good",
                "order": Decimal(rate.numerator or 0) / rate.denominator,
            }
        )
    rows.sort(key=lambda row: (row["order"], row["name"]))
    return rows


def _words(rate: Rate, target: Decimal | None) -> str:
    if not rate.is_known:
        return "无数据"
    return percent(rate.numerator, rate.denominator, None if target is None else target * 100)


def _href(code: str, year: int) -> str:
    return f"{reverse('funds:board-of', args=[trim(code)])}?year={year}"
