"""What is still missing: by place, by responsible person, and what oneself owes."""

from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from core.limits import limited
from core.scope import covers, overlaps, trim
from core.web import actor_of, partition_of, require
from inspections.queries import gaps
from inspections.queries.gaps_shown import names_of, people_of
from inspections.views.gaps.common import (
    DIGITS,
    MEND,
    READ,
    Wanted,
    lines,
    of_place,
    of_self,
    owner_name,
    who_words,
)
from villages.queries import region_at

_VILLAGE, _CITY = 12, 4


@require_GET
@limited("search")
def gap_list(request: HttpRequest) -> HttpResponse:
    """Places with how much is missing in each, by source; and who is responsible."""
    require(request, READ)
    actor, day = actor_of(request), timezone.localdate()
    head = _head(request)
    asked = gaps.Asked(actor=actor, year=partition_of(request), day=day, place=head)
    digits = DIGITS[len(head)] if head else _CITY + 2
    counted, owners = gaps.overview(asked, digits)
    context = {
        "places": _places(request, counted, digits, head),
        "sources": [(name, words) for name, (words, _) in gaps.SOURCES.items()],
        "head": names_of({head.ljust(12, "0")}, day)[head.ljust(12, "0")] if head else "",
        "up": _up(request, head),
        "of_head": head if head and covers(actor, head) else "",
        "own": _own(digits),
        "total": sum(one.total for one in counted.values()),
        "late": sum(one.late for one in counted.values()),
        "owners": _owners(owners, head) if head and covers(actor, head) else [],
        "most": gaps.MOST_OWNERS,
        "may_mend": request.user.has_perm(MEND),
        "year": asked.year,
    }
    return render(request, "gaps/list.html", context)


def _head(request: HttpRequest) -> str:
    """The division whose parts are counted: asked for, else the only one that the person sees."""
    actor = actor_of(request)
    wanted = request.GET.get("region", "")
    if wanted:
        is_code = wanted.isascii() and wanted.isdecimal() and len(wanted) <= _VILLAGE
        region = region_at(wanted, timezone.localdate()) if is_code else None
        if region is None or not overlaps(actor, region.code):
            raise Http404
        return trim(region.code)
    heads = actor.region_prefixes
    return heads[0] if len(heads) == 1 else ""


def _up(request: HttpRequest, head: str) -> str:
    """The division above, where the person sees it whole."""
    above = {12: 9, 9: 6, 6: 4}.get(len(head))
    if above is None or not covers(actor_of(request), head[:above]):
        return ""
    return f"{reverse('gaps:list')}?region={head[:above]}"


def _own(digits: int) -> str:
    return {6: "市本级", 9: "县本级", 12: "乡镇本级"}.get(digits, "")


def _places(
    request: HttpRequest, counted: dict[str, gaps.Count], digits: int, head: str
) -> list[dict[str, Any]]:
    """A line for each part, the division's own rows first."""
    actor = actor_of(request)
    names = names_of({code.ljust(12, "0") for code in counted}, timezone.localdate())
    rows = []
    for code, one in sorted(counted.items()):
        is_own = bool(head) and code == head.ljust(digits, "0") and len(head) < digits
        prefix = trim(code.ljust(12, "0"))
        full = code.ljust(12, "0")
        rows.append(
            {
                "code": prefix,
                "name": _own(digits) if is_own else names.get(full, code),
                "count": one,
                "by_source": [one.sources.get(name, 0) for name in gaps.SOURCES],
                "down": ""
                if is_own or digits == _VILLAGE or not overlaps(actor, prefix)
                else f"{reverse('gaps:list')}?region={prefix}",
                "href": "" if is_own or not covers(actor, prefix) else _of(prefix),
            }
        )
    return rows


def _of(prefix: str, **query: str) -> str:
    address = reverse("gaps:place", args=[prefix])
    return f"{address}?{urlencode(query)}" if query else address


def _owners(rows: list[gaps.Owner], head: str) -> list[dict[str, Any]]:
    people = people_of([one.owner for one in rows if one.owner is not None])
    return [
        {"one": one, "name": owner_name(one, people), "href": _of(head, who=one.who or "-")}
        for one in rows
    ]


@require_GET
@limited("search")
def place(request: HttpRequest, code: str) -> HttpResponse:
    """The list of a place, overdue first; a village's by household."""
    wanted = of_place(request, code)
    return _page(request, wanted)


@require_GET
@limited("search")
def mine(request: HttpRequest) -> HttpResponse:
    """What the person who is signed in owes."""
    return _page(request, of_self(request))


def _page(request: HttpRequest, wanted: Wanted) -> HttpResponse:
    asked = wanted.asked
    found = gaps.page(asked, request.GET.get("after", ""), request.GET.get("before", ""))
    total, late = gaps.count(asked)
    query = urlencode(wanted.query)
    context = {
        "wanted": wanted,
        "region": wanted.region,
        "code": trim(wanted.region.code) if wanted.region else "",
        "rows": lines(wanted, found.rows),
        "total": total,
        "late": late,
        "sources": [
            {
                "words": words,
                "is_on": asked.source == name,
                "href": wanted.href("place", source=name),
            }
            for name, (words, _) in gaps.SOURCES.items()
        ],
        "all_href": wanted.href("place", source=""),
        "who": who_words(wanted, gaps.owners(asked)) if asked.who else "",
        "anybody_href": wanted.href("place", who=""),
        "paper_href": wanted.href("paper"),
        "sheet_href": wanted.href("sheet"),
        "previous": f"{query}&{urlencode({'before': found.before})}" if found.before else "",
        "next": f"{query}&{urlencode({'after': found.after})}" if found.after else "",
        "may_mend": request.user.has_perm(MEND),
        "year": asked.year,
    }
    return render(request, "gaps/place.html", context)
