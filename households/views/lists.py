"""Lists of the register: households, persons, and a list as a file."""

from collections.abc import Callable, Sequence
from typing import Any, cast

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from core.exports.forms import ExportForm
from core.exports.services import AT_ONCE
from core.exports.views import answer
from core.limits import limited
from core.scope import Actor, overlaps
from core.templatetags.show import PAGE_KEYS
from core.web import actor_of, partition_of, require
from households.filters import HouseholdYearFilter, PersonYearFilter, PlaceField, RegisterFilterSet
from households.models import HouseholdYear, PersonYear
from households.queries import places, rows
from households.queries.keyset import HOUSEHOLDS, PERSONS, BadCursorError, Keyset, Page
from households.views.record import READ
from households.workbooks import REVEAL, stored_terms
from villages.enums import Level

PAGE_SIZE = 50
_DEEPEST = ("village", "town", "county", "region")


@require_GET
@limited("search")
def household_list(request: HttpRequest) -> HttpResponse:
    context = _listing(
        request,
        HouseholdYearFilter,
        HouseholdYear.objects.visible_to(actor_of(request)),
        HOUSEHOLDS,
        rows.household_rows,
    )
    return render(request, "households/list.html", context)


@require_GET
@limited("search")
def person_list(request: HttpRequest) -> HttpResponse:
    context = _listing(
        request,
        PersonYearFilter,
        PersonYear.objects.visible_to(actor_of(request)),
        PERSONS,
        rows.person_rows,
    )
    return render(request, "households/person_list.html", context)


@require_http_methods(["GET", "POST"])
@limited("export", methods=("POST",))
def export(request: HttpRequest) -> HttpResponse:
    """The households of a search as a file: the address says which, the form why and how."""
    require(request, READ)
    actor, year = actor_of(request), partition_of(request)
    asked = _asked(request, year)
    filters = HouseholdYearFilter(asked, HouseholdYear.objects.visible_to(actor), actor=actor)
    filters.refuse_foreign_places()
    back = f"{reverse('households:list')}?{_filled(asked).urlencode()}"
    if year is None or not filters.form.is_valid():
        messages.warning(request, "筛选条件有误，请先改正再导出。")
        return redirect(back)
    form = ExportForm(request.POST or None, may_ask_full=request.user.has_perm(REVEAL))
    total = filters.qs.count()
    if request.method == "POST" and form.is_valid():
        terms = stored_terms(filters.terms)
        place = next((terms[name] for name in _DEEPEST if name in terms), "")
        done = answer(request, form, kind="households", terms=terms, place=place, rows=total)
        if done is not None:
            return done
    context = {
        "form": form,
        "chips": _chips(filters, asked),
        "total": total,
        "at_once": total <= AT_ONCE,
        "partition": year,
        "back": back,
    }
    status = 200 if request.method == "GET" else 422
    return render(request, "households/export.html", context, status=status)


def _listing(
    request: HttpRequest,
    filter_class: type[RegisterFilterSet],
    visible: QuerySet[Any],
    order: Keyset,
    read_rows: Callable[[Sequence[Any], int], list[Any]],
) -> dict[str, Any]:
    """What both lists show: the filter, its chips, one page of rows and how many there are."""
    require(request, READ)
    year = partition_of(request)
    asked = _asked(request, year)
    filters = filter_class(asked, visible, actor=actor_of(request))
    filters.refuse_foreign_places()
    if filters.form.has_error("q"):
        # What was typed may be somebody's number: the page does not repeat it.
        asked["q"] = ""
        seen = request.GET.copy()
        seen.pop("q", None)
        request.GET = seen  # type: ignore[assignment]
    _offer_places(filters, year)
    page: Page[Any] = Page([])
    total = 0
    if filters.form.is_valid() and year is not None:
        keys = filters.qs.values_list(*order.fields)
        page = _page(request, order, keys)
        # A list that ends on its first page has been counted already.
        is_whole = not page.next and not set(PAGE_KEYS) & set(request.GET)
        total = len(page.rows) if is_whole else keys.count()
    return {
        "filter": filters,
        "chips": _chips(filters, asked),
        "query": _filled(asked).urlencode(),
        "partition": year or "—",
        "total": total,
        "rows": read_rows(page.rows, year) if page.rows and year else [],
        "page": {
            "previous": _beside(asked, "before", page.previous),
            "next": _beside(asked, "after", page.next),
        },
    }


def _asked(request: HttpRequest, year: int | None) -> QueryDict:
    """The address in the terms of the form: a region becomes its county, town and village."""
    asked = request.GET.copy()
    asked["year"] = "" if year is None else str(year)
    for key in PAGE_KEYS:
        asked.pop(key, None)
    region = asked.pop("region", [""])[-1]
    if region:
        _choose(asked, _region_prefix(region, actor_of(request)))
    # A link may name the village alone; the form would send an empty county with it.
    elif "county" not in asked and _digits(
        deepest := asked.get("village") or asked.get("town", "")
    ):
        _choose(asked, deepest)
    _drop_strays(asked)
    return asked


def _region_prefix(region: str, actor: Actor) -> str:
    """The prefix of a division that the actor sees a part of; anything else is a 404."""
    try:
        prefix = PlaceField(levels=Level.values).clean(region)
    except ValidationError as error:
        raise Http404 from error
    if not overlaps(actor, prefix) or not places.is_known(prefix, actor):
        raise Http404
    return prefix


def _choose(asked: QueryDict, prefix: str) -> None:
    for name, digits in (("county", 6), ("town", 9), ("village", 12)):
        if len(prefix) >= digits:
            asked[name] = prefix[:digits]
        else:
            asked.pop(name, None)


def _drop_strays(asked: QueryDict) -> None:
    """A town of another county than the one chosen stands there from before: it is let go."""
    above = asked.get("county", "")
    for name in ("town", "village"):
        below = asked.get(name, "")
        if below and not (above and below.startswith(above)):
            asked.pop(name)
        above = asked.get(name, "")


def _offer_places(filters: RegisterFilterSet, year: int | None) -> None:
    """Fill the three selects, each with what lies below the one before."""
    if year is None:
        return
    day, actor = places.year_end(year), filters.actor
    county, town = (filters.data.get(name, "") for name in ("county", "town"))
    offered = {
        "county": (places.counties_for(actor, day), "全部"),
        "town": (places.towns_for(actor, day, _digits(county)), "全部" if county else "先选县区"),
        "village": (places.villages_for(actor, day, _digits(town)), "全部" if town else "先选乡镇"),
    }
    for name, (choices, empty) in offered.items():
        widget = cast("Any", filters.form.fields[name].widget)
        widget.choices = [("", empty), *choices]
        if empty != "全部":
            widget.attrs["disabled"] = True


def _digits(text: str) -> str:
    return text if text.isascii() and text.isdecimal() else ""


def _page(request: HttpRequest, order: Keyset, keys: QuerySet[Any]) -> Page[Any]:
    after, before = request.GET.get("after", ""), request.GET.get("before", "")
    try:
        return order.page(keys, size=PAGE_SIZE, after=after, before=before)
    except BadCursorError as error:
        raise Http404 from error


def _beside(asked: QueryDict, key: str, cursor: str) -> str:
    if not cursor:
        return ""
    query = _filled(asked)
    query[key] = cursor
    return f"?{query.urlencode()}"


def _filled(asked: QueryDict) -> QueryDict:
    query = asked.copy()
    for key in list(query):
        values = [value for value in query.getlist(key) if value]
        if values:
            query.setlist(key, values)
        else:
            del query[key]
    return query


def _chips(filters: RegisterFilterSet, asked: QueryDict) -> list[dict[str, str]]:
    """One chip for every condition, with the address of the list without it."""
    found = []
    for field in filters.form.visible_fields():
        for value in filter(None, asked.getlist(field.name)):
            choices = {str(code): text for code, text in getattr(field.field, "choices", ())}
            widget_choices = {str(c): t for c, t in getattr(field.field.widget, "choices", ())}
            text = choices.get(value) or widget_choices.get(value) or value
            href = _without(asked, field.name, value)
            found.append({"label": f"{field.label}：{text}", "remove_href": href})
    return found


def _without(asked: QueryDict, name: str, value: str) -> str:
    query = _filled(asked)
    query.setlist(name, [one for one in query.getlist(name) if one != value])
    chain = ["county", "town", "village"]
    if name in chain:
        for lower in chain[chain.index(name) :]:
            query.pop(lower, None)
    return f"?{query.urlencode()}"
