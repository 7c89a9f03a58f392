"""Problems that inspections found, on the leader's page: how late, where, with which letter."""

from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone

from core.scope import trim
from dashboards.queries.inputs import Inputs
from inspections.enums.letters import Kind
from inspections.queries.findings import figures, listing
from inspections.queries.findings.figures import Late
from villages.enums import Level

_MOST = 5
# The highest letter that an overdue problem has had.
_TONES = ("info", "neutral", "warn", "bad")
_SENT = ("未发文书", *(label.removeprefix("问题整改") for label in Kind.labels))


def problems_of(inputs: Inputs) -> dict[str, Any]:
    """Of a city or county with open problems; nothing elsewhere."""
    if inputs.region.level not in (Level.CITY, Level.COUNTY):
        return {}
    day = timezone.localdate()
    found = figures.late(inputs.region.code, day)
    whole = found.get("", Late())
    if not whole.open:
        return {}
    names = {
        place.code[: figures.CHILD[len(trim(inputs.region.code))]]: place for place in inputs.places
    }
    late = sorted(
        ((names[code], one) for code, one in found.items() if code in names and one.overdue),
        key=lambda row: (-row[1].overdue, row[0].code),
    )
    most = late[0][1].overdue if late else 1
    return {
        "open": whole.open,
        "overdue": whole.overdue,
        "days": (day - whole.oldest).days if whole.oldest else 0,
        "href": reverse("findings:board-of", args=[trim(inputs.region.code)]),
        "open_href": _listed(inputs.region.code, standing=listing.OPEN_ONES),
        "overdue_href": _listed(inputs.region.code, standing=listing.OVERDUE),
        "rungs": [
            {
                "label": _SENT[rung], "many": many, "tone": _TONES[rung],
                "href": _listed(inputs.region.code, standing=listing.OVERDUE, rung=rung),
            }
            for rung, many in enumerate(whole.rungs)
            if many
        ],
        "rows": [
            {
                "name": place.name, "value": one.overdue, "bar": 100 * one.overdue // most,
                "tone": _TONES[max(rung for rung, many in enumerate(one.rungs) if many)],
                "href": _listed(place.code, standing=listing.OVERDUE),
            }
            for place, one in late[:_MOST]
        ],
    }  # fmt: skip


def _listed(code: str, **terms: Any) -> str:
    return f"{reverse('findings:list')}?{urlencode({'region': trim(code)} | terms)}"
