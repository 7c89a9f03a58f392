"""What every tab of a household's page has: whose it is, which year, where it lies, the other tabs."""

import re
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from core.scope import Actor
from core.web import actor_of, partition_of, require
from households import tabs
from households.models import HouseholdYear, PersonYear
from households.queries import sheet

READ = "households.view_register"
NUMBER = re.compile(r"[0-9A-Za-z]{1,20}")


@dataclass(frozen=True, slots=True)
class Frame:
    """The household's row of the year, its members, and the context around any tab."""

    row: HouseholdYear
    members: list[PersonYear]
    head: sheet.Head
    actor: Actor
    context: dict[str, Any]


def frame(request: HttpRequest, household_no: str, current: str) -> Frame | HttpResponse:
    """The frame of a tab, or the way to the latest year where the asked one has no data.

    404 for a household of which the actor sees no year.
    """
    actor = actor_of(request)
    require(request, READ)
    years = known_years(household_no, actor)
    year = partition_of(request)
    if year not in years:
        messages.info(request, f"该户没有 {year} 年度的数据，已转到 {years[0]} 年度。")
        return redirect(f"{request.path}?year={years[0]}")
    row = sheet.year_of(household_no, year, actor)
    members = sheet.member_years(row)
    head = sheet.head_of_page(row, members)
    context = around(request, head, year, current) | {"partitions": years}
    return Frame(row, members, head, actor, context)


def known_years(household_no: str, actor: Actor) -> list[int]:
    """Years in which the actor sees the household, latest first; 404 when there is none."""
    years = sheet.years_of(household_no, actor) if NUMBER.fullmatch(household_no) else []
    if not years:
        raise Http404
    return years


def around(request: HttpRequest, head: sheet.Head, year: int, current: str) -> dict[str, Any]:
    """Title, breadcrumbs and tabs of a page about the household in a year."""
    return {
        "household": head,
        "about_year": year,
        "breadcrumbs": breadcrumbs(head, year),
        "tabs": tabs.tabs(request, head.household_no, year, current),
    }


def breadcrumbs(household: sheet.Head, year: int) -> list[dict[str, str]]:
    """County, town, village as they were called in the year, then the household."""
    place, page = household.place, reverse("households:list")
    above = (
        (place.county, place.county_code),
        (place.town, place.town_code),
        (place.village, place.village_code),
    )
    crumbs = [
        {"name": name, "href": f"{page}?region={code}&year={year}"} for name, code in above if name
    ]
    return [*crumbs, {"name": f"{household.head_name}户", "href": ""}]
