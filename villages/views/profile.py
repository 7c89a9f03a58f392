"""The page of one division in a year: profile, yearly facts, exit checklist, and their editing."""

from collections import Counter
from datetime import date
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from core.scope import READ_REGISTER, Actor, covers
from core.web import actor_of, partition_of, require
from villages import queries, tabs
from villages.enums import OWN_DIGITS, Level
from villages.forms import FactsForm
from villages.models import Region, VillageYear
from villages.queries import indicators, yearly
from villages.queries.edits import edits_of
from villages.services import editing

EDIT = "households.edit"


@require_GET
def place(request: HttpRequest, code: str) -> HttpResponse:
    """A village with everything known of its year; of a wider division the sums over its villages."""
    require(request, READ_REGISTER)
    actor = actor_of(request)
    region, year = _asked(request, code, actor)
    context = _around(region, year, actor)
    if region.level == Level.VILLAGE:
        context |= _village(region, year, actor)
        return render(request, "villages/village.html", context)
    context |= _wider(region, year, actor)
    return render(request, "villages/division.html", context)


def _asked(request: HttpRequest, code: str, actor: Actor) -> tuple[Region, int]:
    """The division and the year; one that is unknown, or not even partly the actor's, is a 404."""
    is_code = code.isascii() and code.isdecimal() and len(code) in OWN_DIGITS.values()
    year = partition_of(request) or timezone.localdate().year
    region = queries.version_shown(code, date(year, 12, 31), actor) if is_code else None
    if region is None:
        raise Http404
    return region, year


def _around(region: Region, year: int, actor: Actor) -> dict[str, Any]:
    day = date(year, 12, 31)
    return {
        "region": region,
        "year": year,
        "is_valid": region.is_valid_on(day),
        "is_whole": covers(actor, region.code),
        "breadcrumbs": breadcrumbs(queries.ancestors(region, day), region, year),
        "panels": tabs.panels(region, year, actor),
    }


def breadcrumbs(chain: list[Region], region: Region, year: int) -> list[dict[str, str]]:
    """Links to the pages of what lies above, then the division itself."""
    return [
        {"name": one.name, "href": f"{reverse('villages:village', args=[one.code])}?year={year}"}
        for one in [*chain, region]
    ]


def _village(region: Region, year: int, actor: Actor) -> dict[str, Any]:
    rows = yearly.years_of(region, actor, year)
    row = next((one for one in rows if one.year == year), None)
    results = indicators.checklist(region.code, year, row, actor)
    required = [one for one in results if one.indicator.is_required]
    return {
        "row": row,
        "table": yearly.side_by_side(rows),
        "results": results,
        "met": sum(one.verdict == indicators.MET for one in required),
        "required": len(required),
        "missing": sum(one.verdict == indicators.MISSING for one in required),
        "populations": queries.population_bases(region, year, actor),
        "links": queries.neighbours_in_time(region),
        "edits": edits_of(row) if row else [],
        "may_edit": covers(actor, region.code, EDIT) and region.is_valid_on(date(year, 12, 31)),
        "is_closed": yearly.is_closed(year),
    }


def _wider(region: Region, year: int, actor: Actor) -> dict[str, Any]:
    day = date(year, 12, 31)
    stated, totals = yearly.totals(region, year, actor)
    rows = {row.region_code: row for row in yearly.facts_below(region, year, actor)}
    poor = {code: row for code, row in rows.items() if row.is_poor_village}
    children = queries.lines(queries.children(region, day, actor), day, actor)
    below = children[0].region.level if children else ""
    length = OWN_DIGITS.get(below, 12)
    having = Counter(code[:length] for code in rows)
    return {
        "itself": queries.lines(Region.objects.filter(pk=region.pk), day, actor)[0],
        "stated": stated,
        "totals": totals,
        "counts": indicators.counts(region.code, poor, year, actor),
        "poor": len(poor),
        "children": [(line, having[line.region.code[:length]]) for line in children],
        "below": below,
        "facts": queries.county_facts(region, year, actor),
    }


@require_http_methods(["GET", "POST"])
def edit_facts(request: HttpRequest, code: str) -> HttpResponse:
    """Enter or correct a village's facts of a year."""
    require(request, EDIT)
    actor = actor_of(request)
    region, year = _asked(request, code, actor)
    in_scope = region.level == Level.VILLAGE and covers(actor, region.code, EDIT)
    if not in_scope or not region.is_valid_on(date(year, 12, 31)):
        raise Http404
    row = editing.year_of(region, year)
    context = _around(region, year, actor) | {"is_closed": yearly.is_closed(year), "row": row}
    form = FactsForm(request.POST or None, year=year, initial=_initial(row))
    status = 200
    if request.method == "POST":
        form = FactsForm(request.POST, year=year)
        if form.is_valid() and _saved(request, region, year, form, context):
            messages.success(request, f"已保存 {region.name} {year} 年度信息。")
            return redirect(f"{reverse('villages:village', args=[region.code])}?year={year}")
        status = 422
    context |= {"form": form, "groups": _groups(form)}
    return render(request, "villages/facts.html", context, status=status)


def _initial(row: VillageYear | None) -> dict[str, Any]:
    if row is None:
        return {"is_deep_poverty": "False"}
    told = {one.name: getattr(row, one.name) for one in yearly.facts()}
    return told | {"source": row.source, "version": editing.version_of(row)}


def _saved(
    request: HttpRequest, region: Region, year: int, form: FactsForm, context: dict[str, Any]
) -> bool:
    """Whether it was written; else the form and the context say what stood against it."""
    cleaned = form.cleaned_data
    try:
        editing.edit_facts(
            region=region,
            year=year,
            values=form.told(),
            source=cleaned["source"],
            version=cleaned["version"],
            confirmed=cleaned["confirmed"],
            reason=cleaned["reason"],
            by=request.user,
        )
    except editing.FactsRefusedError as refused:
        for one in refused.doubts:
            if one.is_error:
                form.add_error(one.field, one.message)
        context["doubts"] = [
            (form.fields[one.field].label, one.message)
            for one in refused.doubts
            if not one.is_error
        ]
        return False
    except editing.StaleFactsError as stale:
        context["theirs"] = stale.changes
        told = request.POST.copy()
        told["version"] = editing.version_of(stale.row)
        form.data = told
        return False
    except editing.ClosedYearError as closed:
        form.add_error(None, str(closed))
        return False
    return True


# Where the groups of the form begin, in the order of the model.
_GROUPS = {
    "is_poor_village": "出列情况",
    "households_total": "户和人口",
    "collective_income_10k": "集体经济",
    "dibao_households": "保障对象",
    "primary_schools": "公共服务和基础设施",
}


def _groups(form: FactsForm) -> list[tuple[str, list[Any]]]:
    groups: list[tuple[str, list[Any]]] = []
    for one in yearly.facts():
        if one.name in _GROUPS:
            groups.append((_GROUPS[one.name], []))
        groups[-1][1].append(form[one.name])
    return groups
