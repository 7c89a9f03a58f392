"""What stands in the way, who has to act, until when; every line opens into the names behind it."""

from collections import defaultdict
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from core.scope import trim
from core.templatetags.show import thousands
from dashboards.queries.inputs import Inputs
from dashboards.queries.matrix import CITY_GATES, limit_of, receipt_href
from dashboards.queries.words import figure_href, standard_of, text_of, villages_href
from exits.checks.whatif import Gate
from exits.enums import SAMPLED, Metric, Verdict
from exits.models import MetricDefinition, Snapshot
from inspections.models import Result
from villages.enums import Level
from villages.models import Region

_TONES = {
    Verdict.NOT_MET: "bad",
    Verdict.WEAK_EVIDENCE: "warn",
    Verdict.TO_RECTIFY: "info",
}
# What moves a gate that counts persons or villages, and in what it is counted.
_TIPPING: dict[str, tuple[str, str]] = {
    Metric.HEADCOUNT_RATE: ("再脱贫", "人"),
    Metric.COMPOSITE_RATE: ("再减少", "人"),
    Metric.VILLAGE_EXIT_RATE: ("再出列", "个村"),
    Metric.EXIT_TARGET: ("再脱贫", "人"),
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
    found += _items(inputs)
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
        told = [place.name, f"标准 {standard_of(definition)}", _lacking(code, row, definition)]
        found.append(
            _line(
                f"{name} {text_of(row, definition)}",
                " · ".join(one for one in told if one),
                "warn" if code == Metric.EXIT_TARGET else "bad",
                href,
            )
        )
    return found


def _lacking(code: str, row: Snapshot, judged: MetricDefinition | Result | None) -> str:
    """How many persons or villages tip a share, in whole numbers; empty where nobody can say."""
    if code not in _TIPPING or judged is None or judged.threshold is None:
        return ""
    gate = Gate(code, row.numerator, row.denominator, judged.comparator, judged.threshold)
    if not gate.needed:
        return ""
    words, unit = _TIPPING[code]
    return f"{words} {thousands(gate.needed)} {unit}即达标"


def _gates(place: Region, inputs: Inputs) -> list[dict[str, str]]:
    """Figures of the sample: which fail, which are not sure and what would settle them."""
    found = []
    for code, result in inputs.gates.get(place.code, {}).items():
        tone = _TONES.get(Verdict(result.verdict))
        if tone is None:
            continue
        name = Metric(code).label
        title = f"{name} {result.shown}"
        if result.verdict == Verdict.WEAK_EVIDENCE:
            side, limit = limit_of(result)
            title = f"{name}{side} {limit}"
        told = [place.name, result.round.get_kind_display(), _settling(place, code, result, inputs)]
        found.append(_line(title, " · ".join(told), tone, receipt_href(result)))
    return found


def _settling(place: Region, code: str, result: Result, inputs: Inputs) -> str:
    """What would turn the verdict of a sampled gate, or who keeps it from turning."""
    if result.verdict == Verdict.WEAK_EVIDENCE:
        # Without a number no further households would settle it, and the result says why.
        return f"约需补查 {thousands(result.more)} 户" if result.more else "补查也难以判明"
    if result.verdict == Verdict.TO_RECTIFY:
        return result.reason
    row = inputs.figures[place.code].by_metric.get(code)
    lacking = _lacking(code, row, result) if row is not None else ""
    if lacking:
        return lacking
    if code == Metric.APPROVAL_RATE and result.denominator is not None:
        return f"不认可 {thousands(result.denominator - (result.numerator or 0))} 户"
    if result.households_hit:
        return f"确认 {thousands(result.households_hit)} 户"
    return result.get_verdict_display()


def _unknown(places: list[Region], inputs: Inputs) -> list[dict[str, str]]:
    """Gates that nobody could compute, put together by the reason why."""
    by_reason: dict[str, list[Region]] = defaultdict(list)
    for place in places:
        reasons = {
            inputs.reason(place, code)
            for code in CITY_GATES
            if inputs.verdict(place, code) == Verdict.NOT_COMPUTABLE
        }
        for reason in sorted(reasons):
            by_reason[reason].append(place)
    lines = []
    for reason, found in by_reason.items():
        codes = _codes(found, reason, inputs)
        names = "、".join(Metric(code).label for code in codes)
        lines.append(
            _line(
                f"{len(found)} 个县{reason}" if len(places) > 1 else reason,
                f"{'、'.join(one.name for one in found)} · {names}",
                "warn",
                _place_of_work(codes, inputs),
            )
        )
    return lines


def _codes(places: list[Region], reason: str, inputs: Inputs) -> list[str]:
    """Gates that cannot be computed for this reason in one of the places."""
    return [
        code
        for code in CITY_GATES
        if any(
            inputs.verdict(one, code) == Verdict.NOT_COMPUTABLE
            and inputs.reason(one, code) == reason
            for one in places
        )
    ]


def _place_of_work(codes: list[str], inputs: Inputs) -> str:
    """Where it is put right: the rounds where a sample is wanting, else where the place stands."""
    if any(code in SAMPLED and code != Metric.COMPOSITE_RATE for code in codes):
        return f"{reverse('inspections:rounds')}?year={inputs.partition}"
    return f"{reverse('exits:place', args=[trim(inputs.region.code)])}?year={inputs.partition}"


def _households(places: list[Region], inputs: Inputs) -> list[dict[str, str]]:
    found = []
    for place in places:
        one = inputs.obstacles.get(place.code)
        if one is None or not one.households:
            continue
        due = f"限 {one.due_on:%m-%d}" if one.due_on else "尚未定期限"
        found.append(
            _line(
                f"{thousands(one.households)} 户未脱贫且有项目未达标",
                f"{place.name} · {one.owner or '尚未交办'} · {due}",
                "info",
                _list_of(place, inputs),
            )
        )
    return found


def _items(inputs: Inputs) -> list[dict[str, str]]:
    """Which items keep households of one place, most households first; a city's are too many."""
    counted = sorted(inputs.open_items.items(), key=lambda one: (-sum(one[1]), one[0]))
    lines = []
    for code, (failed, unknown) in counted:
        if code not in inputs.item_labels:
            continue
        said = [f"{thousands(failed)} 户未达标"] if failed else []
        said += [f"{thousands(unknown)} 户缺数据"] if unknown else []
        lines.append(
            _line(
                f"{inputs.item_labels[code]}：{'，'.join(said)}",
                f"{inputs.region.name} · 未脱贫户",
                "info" if failed else "neutral",
                _list_of(inputs.region, inputs, item=code),
            )
        )
    return lines


def _list_of(place: Region, inputs: Inputs, **terms: str) -> str:
    """The households by name, with what is open in each, who is responsible and until when."""
    query = urlencode({"year": inputs.partition, **terms})
    return f"{reverse('exits:blockers', args=[trim(place.code)])}?{query}"


def what_if_href(inputs: Inputs) -> str:
    """The fewest repairs that tip a county or village; too slow to work out for a glance."""
    one = inputs.obstacles.get(inputs.region.code)
    if inputs.region.level not in (Level.COUNTY, Level.VILLAGE) or not (one and one.households):
        return ""
    return f"{reverse('exits:what-if', args=[trim(inputs.region.code)])}?year={inputs.partition}"


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
