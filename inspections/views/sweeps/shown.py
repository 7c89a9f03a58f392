"""How the pages put searches and their matches into words."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.urls import reverse

from core.scope import Actor, covers
from inspections.enums.findings import GONE
from inspections.enums.sweeps import MatchState, Subject
from inspections.models import Finding, Sweep, SweepMatch
from inspections.queries.findings import sweeps as queries
from inspections.queries.findings.sweeps import Tally
from inspections.services.findings.common import FIND
from villages.models import Region

TONES = {
    MatchState.OPEN: "warn",
    MatchState.OPENED: "info",
    MatchState.KNOWN: "neutral",
    MatchState.DISMISSED: "neutral",
}
# The list that a search is over.
_LISTS = {
    Subject.REGISTER: "households:list",
    Subject.PROJECTS: "projects:list",
    Subject.FUNDS: "funds:findings",
}


def likes_of(finding: Finding, actor: Actor) -> dict[str, Any]:
    """What `sweeps/_of_finding.html` shows on a problem's page, as `likes`."""
    return {
        "finding": finding,
        "rows": [
            {"standing": one, "may_run": covers(actor, one.sweep.region_code, FIND)}
            for one in queries.of_finding(finding, actor)
        ],
        "may_begin": finding.state not in GONE and covers(actor, finding.region_code, FIND),
    }


def list_address(sweep: Sweep, code: str = "") -> str:
    """The existing list with the same terms, in a county."""
    return f"{reverse(_LISTS[Subject(sweep.subject)])}?{queries.address(sweep, code)}"


def county_rows(sweep: Sweep, counties: Mapping[str, Tally]) -> list[dict[str, Any]]:
    """Counts of each county, with its name and its list."""
    codes = {one: one.ljust(12, "0") for one in counties}
    names = dict(Region.objects.filter(code__in=codes.values()).values_list("code", "name"))
    return [
        {
            "code": code, "name": names.get(code, code), "tally": counties[short],
            "href": list_address(sweep, code),
        }
        for short, code in codes.items()
    ]  # fmt: skip


def match_rows(sweep: Sweep, rows: Iterable[SweepMatch], actor: Actor) -> list[dict[str, Any]]:
    told = list(rows)
    heads = queries.heads(sweep, told, actor)
    return [_row(one, heads) for one in told]


def _row(one: SweepMatch, heads: Mapping[int, str]) -> dict[str, Any]:
    label, note, href = "—", "", ""
    if one.household is not None:
        number = one.household.household_no
        label, note = number, heads.get(one.household.pk) or "（未登记户主）"
        href = reverse("households:detail", args=[number])
    elif one.project is not None:
        label, note = one.project.name, one.project.number
        href = reverse("projects:project", args=[one.project.pk])
    elif one.fund_finding is not None:
        label, note = one.fund_finding.rule.name, one.fund_finding.words
        href = reverse("funds:finding", args=[one.fund_finding.pk])
    return {
        "one": one, "label": label, "note": note, "href": href, "tone": TONES[MatchState(one.state)],
        "is_open": one.state == MatchState.OPEN, "is_fresh": one.first_id == one.last_id,
    }  # fmt: skip
