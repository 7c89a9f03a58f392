"""What the pages of missing things share: whose list is asked for, and rows with their addresses."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from core.scope import covers, trim
from core.web import actor_of, partition_of, require
from inspections.queries import gaps
from inspections.queries.gaps_shown import Shown, people_of, shown
from villages.formulas import short_name
from villages.models import Region
from villages.queries import region_at

READ = "households.view_register"
MEND = gaps.MEND
# Children of a division are told apart by so many digits.
DIGITS = {2: 4, 4: 6, 6: 9, 9: 12, 12: 12}
_LONGEST_WHO = 20


@dataclass(frozen=True)
class Wanted:
    """A list as the address asks for it."""

    asked: gaps.Asked
    region: Region | None

    @property
    def name(self) -> str:
        return self.region.name if self.region else ""

    @property
    def query(self) -> dict[str, str]:
        """What narrows the list, as every link of it carries it."""
        told = {"year": str(self.asked.year or ""), "source": self.asked.source}
        told["who"] = self.asked.who
        return {name: value for name, value in told.items() if value}

    def href(self, name: str, **changes: str) -> str:
        told = {key: value for key, value in {**self.query, **changes}.items() if value}
        where = [trim(self.region.code)] if self.region else []
        prefix = "" if self.region or not self.asked.mine else "mine-"
        page = {"place": "mine"}.get(name, f"{prefix}{name}") if not self.region else name
        address = reverse(f"gaps:{page}", args=where)
        return f"{address}?{urlencode(told)}" if told else address


def of_place(request: HttpRequest, code: str) -> Wanted:
    """The list of a place; 404 where the person does not see it whole."""
    require(request, READ)
    actor, day = actor_of(request), timezone.localdate()
    is_code = code.isascii() and code.isdecimal() and len(code) in DIGITS
    region = region_at(code, day) if is_code else None
    if region is None or not covers(actor, region.code):
        raise Http404
    region.name = short_name(region.name)
    return Wanted(_asked(request, place=trim(region.code)), region)


def of_self(request: HttpRequest) -> Wanted:
    require(request, READ)
    return Wanted(_asked(request, mine=True), None)


def _asked(request: HttpRequest, **more: Any) -> gaps.Asked:
    source, who = request.GET.get("source", ""), request.GET.get("who", "")
    is_key = who == "-" or (who.isascii() and who.isalnum() and len(who) <= _LONGEST_WHO)
    return gaps.Asked(
        actor=actor_of(request), year=partition_of(request), day=timezone.localdate(),
        source=source if source in gaps.SOURCES else "", who=who if is_key else "", **more,
    )  # fmt: skip


def who_words(wanted: Wanted, rows: Sequence[gaps.Owner]) -> str:
    """The responsible person whom the list is narrowed to."""
    for one in rows:
        if one.who == wanted.asked.who:
            return owner_name(one, people_of([one.owner] if one.owner else []))
    return "未落实到人" if wanted.asked.who == "-" else ""


def owner_name(one: gaps.Owner, people: dict[int, str]) -> str:
    if not one.who:
        return "未落实到人"
    return one.named or (people.get(one.owner, "") if one.owner else "") or "—"


def lines(wanted: Wanted, rows: Sequence[gaps.Gap]) -> list[dict[str, Any]]:
    """The rows in words, each with the page where it is mended."""
    found = shown(rows, wanted.asked.year, wanted.asked.day)
    return [{"one": one, "href": href(one, wanted.asked.year)} for one in found]


def href(one: Shown, year: int | None) -> str:
    if one.target is None:
        return ""
    name, key = one.target
    try:
        address = reverse(name, args=[trim(key) if name == "exits:place" else key])
    except NoReverseMatch:
        return ""
    of_year = name in ("exits:place", "exits:household", "households:detail")
    return f"{address}?year={year}" if of_year and year else address
