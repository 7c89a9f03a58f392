"""What the pages of readiness share: the place asked for, the standard chosen, figures in words."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest
from django.urls import reverse

from core.scope import Actor, covers, overlaps, trim
from core.templatetags.show import percent, thousands
from core.web import actor_of, partition_of, require
from exits.checks.whatif import Gate
from exits.enums import Comparator, Measure, Outcome, Verdict
from exits.models import Standard, StandardItem
from exits.queries.standards import standards_at
from villages.enums import Level
from villages.formulas import short_name
from villages.models import Region
from villages.queries import ancestors, region_at

READ = "households.view_register"
EDIT = "households.edit"
TONES = {Outcome.MET: "good", Outcome.NOT_MET: "bad", Outcome.MISSING: "warn"}
VERDICT_TONES = {Verdict.MET: "good", Verdict.NOT_MET: "bad", Verdict.NOT_COMPUTABLE: "warn"}
VERDICT_WORDS = {
    Verdict.MET: "达标",
    Verdict.NOT_MET: "不达标",
    Verdict.NOT_COMPUTABLE: "缺数据，不能判定",
}
SHARES = (
    Measure.HEADCOUNT,
    Measure.EXITED_SHARE,
    Measure.COMPOSITE_RATE,
    Measure.WRONGFUL_EXIT_RATE,
    Measure.OMISSION_RATE,
    Measure.APPROVAL_RATE,
    Measure.VILLAGE_EXIT_RATE,
)
_YES_NO = (Measure.PAVED_ROAD,)


@dataclass(frozen=True)
class Asked:
    """The place and year of a page, by which standard, and who asks."""

    region: Region
    year: int
    actor: Actor
    standards: list[Standard]
    standard: Standard | None

    @property
    def query(self) -> str:
        """The year and the standard, as every link of the page carries them."""
        terms: dict[str, Any] = {"year": self.year}
        if self.standard:
            terms["set"] = self.standard.code
        return urlencode(terms)

    def href(self, name: str, *more: str) -> str:
        return f"{reverse(f'exits:{name}', args=[trim(self.region.code), *more])}?{self.query}"


def asked(request: HttpRequest, code: str, *levels: str) -> Asked:
    """What the address asks for; 404 for a place outside the grants or of another level.

    An unknown standard is a 404 too; none asked for is the one in force.
    """
    require(request, READ)
    actor, year = actor_of(request), partition_of(request)
    is_code = code.isascii() and code.isdecimal() and len(code) <= 12
    region = region_at(code, date(year, 12, 31)) if year and is_code else None
    if region is None or year is None or not covers(actor, region.code):
        raise Http404
    if levels and region.level not in levels:
        raise Http404
    standards = standards_at(region.code, year)
    wanted = request.GET.get("set", "")
    chosen = [one for one in standards if not wanted or one.code == wanted]
    if wanted and not chosen:
        raise Http404
    region.name = short_name(region.name)
    return Asked(region, year, actor, standards, chosen[0] if chosen else None)


def crumbs(place: Asked, last: str = "") -> list[dict[str, str]]:
    """The divisions above, linked where the person sees them whole, the place, and the page below it."""
    day = date(place.year, 12, 31)
    chain = [
        one
        for one in ancestors(place.region, day)
        if one.level in (Level.CITY, Level.COUNTY, Level.TOWN) and overlaps(place.actor, one.code)
    ]
    found = [
        {
            "name": short_name(one.name),
            "href": f"{reverse('exits:place', args=[trim(one.code)])}?{place.query}"
            if covers(place.actor, one.code)
            else "",
        }
        for one in chain
    ]
    found.append({"name": place.region.name, "href": place.href("place") if last else ""})
    return [*found, {"name": last, "href": ""}] if last else found


def standard_words(item: StandardItem) -> str:
    """The comparison in words: ＜ 2%, ≥ 1, 是."""
    if item.measure == Measure.CHECKED:
        return "现场核实"
    if item.measure in _YES_NO:
        return "是"
    sign = Comparator(item.comparator).label
    if item.measure in SHARES:
        return f"{sign} {(item.threshold * 100).normalize():f}%"
    return f"{sign} {item.threshold.normalize():f}"


def value_words(item: StandardItem, numerator: Decimal | None, denominator: int | None) -> str:
    """The figure in words, exact enough to show on which side of its standard it lies."""
    if numerator is None:
        return "—"
    if item.measure in _YES_NO:
        return "是" if numerator else "否"
    if item.measure in SHARES and denominator:
        return str(percent(int(numerator), denominator, item.threshold * 100))
    return thousands(int(numerator) if numerator == int(numerator) else numerator)


def gate_words(gate: Gate) -> str:
    if gate.numerator is None or not gate.denominator:
        return "—"
    return str(percent(gate.numerator, gate.denominator, gate.threshold * 100))


def evidence_words(numerator: Decimal | None, denominator: int | None) -> str:
    """What was counted, beside a share."""
    if numerator is None or not denominator:
        return ""
    return f"{thousands(int(numerator))} / {thousands(denominator)}"
