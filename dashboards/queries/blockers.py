"""What stands in the way, who has to act, until when; every line opens into the names behind it."""

from collections import defaultdict
from typing import Any

from django.urls import reverse

from core.scope import trim
from core.templatetags.show import thousands
from dashboards.queries.inputs import Inputs
from dashboards.queries.matrix import limit_of, receipt_href
from dashboards.queries.words import figure_href, place_href, standard_of, text_of, villages_href
from exits.enums import GATES, Metric, Verdict
from villages.enums import Level
from villages.models import Region

_TONES = {
    Verdict.NOT_MET: "bad",
    Verdict.WEAK_EVIDENCE: "warn",
    Verdict.TO_RECTIFY: "info",
}
_URGENT = ("bad", "warn", "info", "neutral")


def blockers_of(inputs: Inputs) -> list[dict[str, Any]]:
    """The most urgent first."""
    if not inputs.own.by_metric:
        return []
    places = inputs.candidates if inputs.region.level == Level.CITY else [inputs.region]
    found: list[dict[str, Any]] = []
    for place in places:
        found += _failures(place, inputs)
        found += _gates(place, inputs)
    if inputs.region.level in (Level.CITY, Level.COUNTY):
        found += _unknown(places, inputs)
    found += _households(places, inputs)
    found += _below_line(places, inputs)
    found.sort(key=lambda one: _URGENT.index(one["icon_tone"]))
    return found


def _line(title: str, note: str, tone: str, href: str) -> dict[str, str]:
    return {"title": title, "note": note, "icon_tone": tone, "href": href}


def _failures(place: Region, inputs: Inputs) -> list[dict[str, str]]:
    """Figures of the register itself."""
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
            _line(
                f"{name} {text_of(row, definition)}",
                f"{place.name} · 标准 {standard_of(definition)}",
                "warn" if code == Metric.EXIT_TARGET else "bad",
                href,
            )
        )
    return found


def _gates(place: Region, inputs: Inputs) -> list[dict[str, str]]:
    """Figures of the sample: which fail, which are not sure and what would settle them."""
    found = []
    for code, result in inputs.gates.get(place.code, {}).items():
        tone = _TONES.get(Verdict(result.verdict))
        if tone is None:
            continue
        name = Metric(code).label
        side, limit = limit_of(result)
        note = f"{place.name} · {result.get_verdict_display()}"
        title = f"{name} {result.shown}"
        if result.verdict == Verdict.WEAK_EVIDENCE:
            title = f"{name}{side} {limit}"
            if result.more:
                note = f"{place.name} · 约需补查 {thousands(result.more)} 户"
        elif result.verdict == Verdict.TO_RECTIFY:
            note = f"{place.name} · {result.reason}"
        found.append(_line(title, note, tone, receipt_href(result)))
    return found


def _unknown(places: list[Region], inputs: Inputs) -> list[dict[str, str]]:
    """Gates that nobody could compute, put together by the reason why."""
    by_reason: dict[str, list[Region]] = defaultdict(list)
    for place in places:
        reasons = {
            inputs.reason(place, code)
            for code in GATES
            if inputs.verdict(place, code) == Verdict.NOT_COMPUTABLE
        }
        for reason in sorted(reasons):
            by_reason[reason].append(place)
    return [
        _line(
            f"{len(found)} 个县{reason}" if len(places) > 1 else reason,
            f"{'、'.join(one.name for one in found)} · {'、'.join(_names(found, reason, inputs))}",
            "warn",
            place_href(found[0].code, inputs.partition)
            if inputs.region.level == Level.CITY
            else f"{reverse('inspections:rounds')}?year={inputs.partition}",
        )
        for reason, found in by_reason.items()
    ]


def _names(places: list[Region], reason: str, inputs: Inputs) -> list[str]:
    return [
        Metric(code).label
        for code in GATES
        if any(
            inputs.verdict(one, code) == Verdict.NOT_COMPUTABLE
            and inputs.reason(one, code) == reason
            for one in places
        )
    ]


def _households(places: list[Region], inputs: Inputs) -> list[dict[str, str]]:
    found = []
    for place in places:
        one = inputs.obstacles.get(place.code)
        if one is None or not one.households:
            continue
        due = f"限 {one.due_on:%m-%d}" if one.due_on else "尚未定期限"
        href = reverse("exits:blockers", args=[trim(place.code)])
        found.append(
            _line(
                f"{thousands(one.households)} 户未脱贫且有项目未达标",
                f"{place.name} · {one.owner or '尚未交办'} · {due}",
                "info",
                f"{href}?year={inputs.partition}",
            )
        )
    return found


def _below_line(places: list[Region], inputs: Inputs) -> list[dict[str, str]]:
    found = []
    for place in places:
        row = inputs.figures[place.code].by_metric.get(Metric.EXITED_BELOW_LINE)
        if row is not None and row.numerator:
            found.append(
                _line(
                    f"{thousands(row.households)} 户已脱贫但收入低于标准",
                    f"{place.name} · {thousands(row.numerator)} 人，须逐户核实",
                    "info",
                    figure_href(place.code, inputs.partition, Metric.EXITED_BELOW_LINE),
                )
            )
    return found
