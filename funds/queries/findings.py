"""What the rules on money found: lists, counts, and what the findings are about."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count

from core.scope import Actor, trim
from funds.enums import FindingState, FindingSubject
from funds.models import Account, FundFinding, FundRule, Voucher
from households.models import Household
from projects.models import Project
from villages.models import Region

PAGE = 50
# Of an open list, one that has been closed, and both.
OPEN, CLOSED, ALL = "open", "closed", "all"
_PLACES = (2, 4, 6, 9, 12)

Key = tuple[str, int]


@dataclass(frozen=True)
class Page:
    """Findings, youngest first, and the number to go on after; "" at the end."""

    rows: list[FundFinding]
    after: str


@dataclass(frozen=True)
class Matter:
    """What a finding is about: how it is called, and the key that its page is found by."""

    label: str
    key: str


def visible(actor: Actor) -> Any:
    """The findings of the actor's places."""
    return FundFinding.objects.visible_to(actor)


def open_findings(actor: Actor, *, year: int | None = None, region: str = "") -> Any:
    """Findings that hold, with their rules: for whoever follows problems up, e.g. an inspection."""
    asked = {"year": str(year or ""), "region": region}
    return narrowed(visible(actor), asked).select_related("rule", "region").order_by("-pk")


def narrowed(found: Any, asked: Mapping[str, str]) -> Any:
    """By rule, year, place, conclusion, subject and whether it still holds; nonsense is passed over."""
    if asked.get("rule"):
        found = found.filter(rule__code=asked["rule"])
    year, region = asked.get("year", ""), asked.get("region", "")
    if year.isascii() and year.isdigit():
        found = found.filter(year=int(year[:4]))
    if region.isascii() and region.isdigit() and len(trim(region)) in _PLACES:
        found = found.in_region(region)
    if asked.get("state") in FindingState.values:
        found = found.filter(state=asked["state"])
    if asked.get("subject") in FindingSubject.values:
        found = found.filter(subject=asked["subject"])
    return _standing(found, asked.get("standing", ""))


def _standing(found: Any, which: str) -> Any:
    if which == ALL:
        return found
    return found.filter(closed_on__isnull=which != CLOSED)


def page(found: Any, after: str = "", size: int = PAGE) -> Page:
    """The findings after this number, youngest first."""
    if after.isascii() and after.isdigit() and len(after) < 19:
        found = found.filter(pk__lt=int(after))
    rows = list(found.select_related("rule", "region").order_by("-pk")[: size + 1])
    return Page(rows[:size], str(rows[size - 1].pk) if len(rows) > size else "")


def by_state(found: Any) -> dict[str, int]:
    """How many of these findings conclude what."""
    rows = found.order_by().values("state").annotate(many=Count("pk"))
    return {row["state"]: row["many"] for row in rows}


def open_by_rule(actor: Actor) -> dict[int, int]:
    """How many findings of each rule hold in the actor's places."""
    rows = visible(actor).open().order_by().values("rule").annotate(many=Count("pk"))
    return {row["rule"]: row["many"] for row in rows}


def of_subject(actor: Actor, subject: str, pk: int) -> Any:
    """What holds of one project, voucher, account, household or place."""
    found = visible(actor).open().filter(subject=subject, subject_id=pk)
    return found.select_related("rule").order_by("rule__code", "-year")


def rules() -> Any:
    return FundRule.objects.order_by("code")


# --- what they are about ------------------------------------------------------------------------


def matters(findings: Iterable[FundFinding], actor: Actor) -> dict[Key, Matter]:
    """How the subjects are called, one query for each kind; what the actor may not see is left out."""
    wanted: dict[str, set[int]] = {}
    for one in findings:
        wanted.setdefault(one.subject, set()).add(one.subject_id)
    return {
        (subject, pk): matter
        for subject, keys in wanted.items()
        for pk, matter in _NAMED[subject](keys, actor).items()
    }


def _projects(keys: set[int], actor: Actor) -> dict[int, Matter]:
    rows = Project.objects.visible_to(actor).filter(pk__in=keys)
    return {one.pk: Matter(f"{one.number} {one.name}", str(one.pk)) for one in rows}


def _vouchers(keys: set[int], actor: Actor) -> dict[int, Matter]:
    rows = Voucher.objects.visible_to(actor).filter(pk__in=keys)
    return {one.pk: Matter(f"{one.year} 年第 {one.number} 号凭证", str(one.pk)) for one in rows}


def _accounts(keys: set[int], actor: Actor) -> dict[int, Matter]:
    rows = Account.objects.visible_to(actor).filter(pk__in=keys)
    return {
        one.pk: Matter(
            f"{one.source.doc_no} {one.get_kind_display()}"
            + (
                f"（{one.project.name if one.project else one.unit}）" if one.kind != "POOL" else ""
            ),
            str(one.pk),
        )
        for one in rows.select_related("source", "project")
    }


def _households(keys: set[int], actor: Actor) -> dict[int, Matter]:
    rows = Household.objects.visible_to(actor).filter(pk__in=keys)
    return {
        pk: Matter(f"户编号 {number}", number)
        for pk, number in rows.values_list("pk", "household_no")
    }


def _regions(keys: set[int], actor: Actor) -> dict[int, Matter]:
    return {one.pk: Matter(one.short_name, one.code) for one in Region.objects.filter(pk__in=keys)}


_NAMED: dict[str, Callable[[set[int], Actor], dict[int, Matter]]] = {
    FindingSubject.PROJECT: _projects,
    FindingSubject.VOUCHER: _vouchers,
    FindingSubject.ACCOUNT: _accounts,
    FindingSubject.HOUSEHOLD: _households,
    FindingSubject.REGION: _regions,
}
