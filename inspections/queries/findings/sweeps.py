"""The likes of a problem: what a search reaches today, what its runs found, what became of it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Left

from core.scope import Actor, below, trim
from funds.queries import findings as rules
from households.models import HouseholdYear, PersonYear
from households.queries.conditions import matching_households
from inspections.enums.findings import State
from inspections.enums.sweeps import MatchState, Subject
from inspections.models import Finding, FindingStep, Sweep, SweepMatch, SweepRun
from inspections.models.sweep import NAMED
from projects.queries import listing as projects

PAGE = 50
COUNTY = 6


@dataclass
class Tally:
    """How many of the last run's matches stand how; `fresh` are those no earlier run had found."""

    open: int = 0
    opened: int = 0
    known: int = 0
    dismissed: int = 0
    fresh: int = 0

    @property
    def whole(self) -> int:
        return self.open + self.opened + self.known + self.dismissed


@dataclass
class Standing:
    """A search with its last run as far as somebody sees it.

    `is_due`: the problem is verified, and the search was not run since.
    """

    sweep: Sweep
    run: SweepRun | None
    tally: Tally = field(default_factory=Tally)
    is_due: bool = False


@dataclass(frozen=True)
class Page:
    """Matches by number, and the number to go on after; "" at the end."""

    rows: list[SweepMatch]
    after: str


def visible(actor: Actor) -> Any:
    return Sweep.objects.visible_to(actor)


# --- what a search reaches ----------------------------------------------------------------------


def reached(sweep: Sweep, actor: Actor, day: date) -> QuerySet[Any]:
    """(key, region's key, its code) of everything the actor sees in the search's place that meets
    its terms today: the very rows that the list of the same terms shows."""
    return _REACHED[sweep.subject](sweep, actor, day)


def _households(sweep: Sweep, actor: Actor, _day: date) -> QuerySet[Any]:
    """Households of the year that still live in the place: whoever moved away is not the place's."""
    rows = HouseholdYear.objects.visible_to(actor).in_region(sweep.region_code)
    found = matching_households(rows, sweep.terms, int(sweep.year or 0))
    lives = below(trim(sweep.region_code), "household__village_code")
    return found.filter(lives).values_list(
        "household_id", "household__village_id", "household__village_code"
    )


def _projects(sweep: Sweep, actor: Actor, day: date) -> QuerySet[Any]:
    rows = projects.visible(actor).in_region(sweep.region_code)
    found: Any = projects.narrowed(rows, asked(sweep), day)
    return found.values_list("pk", "region_id", "region_code")


def _rules(sweep: Sweep, actor: Actor, _day: date) -> QuerySet[Any]:
    rows = rules.visible(actor).in_region(sweep.region_code)
    found: Any = rules.narrowed(rows, asked(sweep))
    return found.values_list("pk", "region_id", "region_code")


_REACHED: dict[str, Callable[[Sweep, Actor, date], QuerySet[Any]]] = {
    Subject.REGISTER: _households,
    Subject.PROJECTS: _projects,
    Subject.FUNDS: _rules,
}


def asked(sweep: Sweep) -> dict[str, Any]:
    """The terms as the address of the list has them."""
    return {**sweep.terms, **({"year": str(sweep.year)} if sweep.year else {})}


def address(sweep: Sweep, code: str = "") -> str:
    """The query of the list with the same terms, in a place."""
    return urlencode(asked(sweep) | {"region": code or sweep.region_code}, doseq=True)


# --- what runs found ----------------------------------------------------------------------------


def last_runs(sweeps: Iterable[int]) -> dict[int, SweepRun]:
    """The last run of each search."""
    found = SweepRun.objects.filter(sweep__in=list(sweeps))
    return {one.sweep_id: one for one in found.order_by("sweep", "-pk").distinct("sweep")}


def matches(actor: Actor, runs: Iterable[SweepRun]) -> Any:
    """What these runs found, if they are the last ones, as far as the actor sees it."""
    # By keys that are known: asked row by row, the last run is as dear as all rows together.
    keys = [run.pk for run in runs]
    return SweepMatch.objects.visible_to(actor).filter(last__in=keys)


def of_last_run(sweep: Sweep, actor: Actor) -> Any:
    """What the last run of a search found, as far as the actor sees it."""
    return matches(actor, last_runs([sweep.pk]).values()).filter(sweep=sweep)


def narrowed(found: Any, asked: Mapping[str, str]) -> Any:
    """By place and by what became of it; nonsense is passed over."""
    region = asked.get("region", "")
    if region.isascii() and region.isdigit() and len(trim(region)) in (4, 6, 9, 12):
        found = found.in_region(region)
    if asked.get("state") in MatchState.values:
        found = found.filter(state=asked["state"])
    return found


def page(found: Any, after: str = "", size: int = PAGE) -> Page:
    """The matches after this one, with what they are."""
    if after.isascii() and after.isdigit() and len(after) < 19:
        found = found.filter(pk__gt=int(after))
    keys = list(found.order_by("pk").values_list("pk", flat=True)[: size + 1])
    # By their keys: with the walls of five tables around it, the planner joins whole tables first.
    known = ("region", "household", "project", "fund_finding__rule", "finding")
    rows = SweepMatch.objects.filter(pk__in=keys[:size]).select_related(*known).order_by("pk")
    return Page(list(rows), str(keys[size - 1]) if len(keys) > size else "")


def heads(sweep: Sweep, rows: Iterable[SweepMatch], actor: Actor) -> dict[int, str]:
    """The names of the heads of the households on a page, in one query."""
    keys = [row.household_id for row in rows if row.household_id]
    if not keys or sweep.year is None:
        return {}
    found = PersonYear.objects.visible_to(actor).in_year(sweep.year).heads()
    return dict(found.filter(household_id__in=keys).values_list("household_id", "person__name"))


_FRESH = Q(first_id=F("last_id"))


def _tally(rows: Iterable[Mapping[str, Any]]) -> Tally:
    made = Tally()
    for row in rows:
        name = str(row["state"]).lower()
        setattr(made, name, getattr(made, name) + row["many"])
        made.fresh += row["fresh"]
    return made


def _counted(found: Any, *by: str) -> Any:
    rows = found.order_by().values(*by, "state")
    return rows.annotate(many=Count("pk"), fresh=Count("pk", filter=_FRESH)).order_by(*by)


def by_county(found: Any) -> dict[str, Tally]:
    """What became of them in each county, by its six digits; what is a city's own by its four zeros."""
    rows = list(_counted(found.annotate(county=Left("region_code", COUNTY)), "county"))
    codes = dict.fromkeys(row["county"] for row in rows)
    return {code: _tally(row for row in rows if row["county"] == code) for code in codes}


def standings(sweeps: Iterable[Sweep], actor: Actor) -> list[Standing]:
    """Searches with their last run and what became of its matches, in three queries for any number."""
    told = list(sweeps)
    keys = [one.pk for one in told]
    runs = last_runs(keys)
    rows = list(_counted(matches(actor, runs.values()), "sweep"))
    due = set(_due(keys).values_list("pk", flat=True))
    return [
        Standing(
            one, runs.get(one.pk), _tally(row for row in rows if row["sweep"] == one.pk),
            one.pk in due,
        )
        for one in told
    ]  # fmt: skip


def _due(keys: Iterable[int]) -> QuerySet[Sweep]:
    """Those not run since their problem was verified; the database holds the same (migration 0012)."""
    verified = FindingStep.objects.filter(
        finding=OuterRef("finding"), state=State.VERIFIED
    ).order_by("-position")
    told = Sweep.objects.filter(pk__in=list(keys)).annotate(
        since=Subquery(verified.values("on")[:1]), at=Subquery(verified.values("created_at")[:1])
    )
    runs = SweepRun.objects.filter(
        sweep=OuterRef("pk"), on__gte=OuterRef("since"), created_at__gte=OuterRef("at")
    )
    return told.filter(~Exists(runs), since__isnull=False)


def due(finding: Finding) -> list[Sweep]:
    """The searches of a problem that have to be run again before it is closed."""
    keys = Sweep.objects.filter(finding=finding).values_list("pk", flat=True)
    return list(_due(keys).order_by("pk"))


def of_finding(finding: Finding, actor: Actor) -> list[Standing]:
    """The searches for the likes of a problem, oldest first, for its page."""
    return standings(
        visible(actor).filter(finding=finding).select_related("region").order_by("pk"), actor
    )


def page_of_sweeps(found: Any, after: str = "", size: int = PAGE) -> tuple[list[Sweep], str]:
    """The searches before this number, youngest first, and the number to go on after."""
    if after.isascii() and after.isdigit() and len(after) < 19:
        found = found.filter(pk__lt=int(after))
    rows = list(found.select_related("region", "created_by").order_by("-pk")[: size + 1])
    return rows[:size], str(rows[size - 1].pk) if len(rows) > size else ""


def key_of(sweep: Sweep) -> str:
    """The field by which its matches name what was found."""
    return NAMED[sweep.subject]
