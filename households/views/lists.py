"""Lists of the register: households and persons."""

from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_GET

from core.limits import limited
from core.scope import Actor, overlaps
from core.templatetags.show import PAGE_KEYS
from core.web import actor_of, partition_of, require
from households.filters import HouseholdYearFilter, PersonYearFilter, PlaceField, RegisterFilterSet
from households.models import HouseholdYear, PersonYear
from households.queries import places
from households.queries.conditions import Common, Tail, as_tail, for_a_page
from households.queries.keyset import BadCursorError, Keyset, Page
from households.queries.sorting import MOST, Order
from households.views.arranging import OF_HOUSEHOLDS, OF_PERSONS, Arrangement, ListOf
from households.views.record import ASSIGN, READ
from households.views.saved import views_of
from villages.enums import Level

PAGE_SIZES = (20, 50, 100)
PAGE_SIZE = 50
# A list as long as this is counted to its end only when asked (`count=1`): the script of the page
# asks once the rows stand there, and without scripts a link does.
COUNTED = 1_000
_OWN_KEYS = ("size", "count", "sort", "cols")


@require_GET
@limited("search")
def household_list(request: HttpRequest) -> HttpResponse:
    visible = HouseholdYear.objects.visible_to(actor_of(request))
    context = _listing(request, HouseholdYearFilter, visible, OF_HOUSEHOLDS)
    context["may_assign"] = request.user.has_perm(ASSIGN)
    return render(request, "households/list.html", context)


@require_GET
@limited("search")
def person_list(request: HttpRequest) -> HttpResponse:
    visible = PersonYear.objects.visible_to(actor_of(request))
    context = _listing(request, PersonYearFilter, visible, OF_PERSONS)
    return render(request, "households/person_list.html", context)


@dataclass
class _Result:
    """One page of keys, and how many there are: all of them, or at least so many."""

    page: Page[Any]
    total: int = 0
    counted: bool = True
    is_sorted: bool = False


def _listing(
    request: HttpRequest,
    filter_class: type[RegisterFilterSet],
    visible: QuerySet[Any],
    of: ListOf,
) -> dict[str, Any]:
    """What both lists show: the filter, its chips, one page of rows and how many there are."""
    require(request, READ)
    year = partition_of(request)
    asked = asked_terms(request, year)
    filters = filter_class(asked, visible, actor=actor_of(request))
    filters.refuse_foreign_places()
    if filters.form.has_error("q"):
        # What was typed may be somebody's number: the page does not repeat it.
        asked["q"] = ""
        seen = request.GET.copy()
        seen.pop("q", None)
        request.GET = seen  # type: ignore[assignment]
    _offer_places(filters, year)
    arranged, size = Arrangement.asked(request, of), _size(request)
    found = _Result(Page([]))
    if filters.form.is_valid() and year is not None:
        found = _found(request, filters, visible, arranged, size)
    query = filled(asked)
    asked = arranged.keep(asked, "" if size == PAGE_SIZE else str(size))
    lines = _lines(found.page.rows, arranged, year)
    heads = arranged.heads(partial(_sorted_address, asked), found.is_sorted)
    return {
        "filter": filters,
        "chips": chips_of(filters, asked),
        "query": query.urlencode(),
        "here": filled(asked).urlencode(),
        "partition": year or "—",
        "total": found.total,
        "count_address": "" if found.counted else _with(asked, "count", "1"),
        "kept": [(name, asked[name]) for name in ("size", "sort", "cols") if asked.get(name)],
        "sizes": [(one, one == size, _with(asked, "size", str(one))) for one in PAGE_SIZES],
        "heads": heads,
        "is_tail": isinstance(as_tail(filters.data.get("q", "")), Tail),
        "too_many_to_sort": MOST if arranged.sort and not found.is_sorted and found.total else 0,
        "columns": arranged.columns,
        "rows": [row for row, _ in lines],
        "lines": lines,
        "views": views_of(request.user, of.listing),
        "page": {
            "previous": _beside(asked, "before", found.page.previous),
            "next": _beside(asked, "after", found.page.next),
        },
    }


def _lines(keys: list[Any], arranged: Arrangement, year: int | None) -> list[tuple[Any, Any]]:
    """(line, cells of the columns chosen) of a page."""
    if not keys or year is None:
        return []
    read = arranged.of.read(keys, year)
    if not arranged.columns:
        return [(row, ()) for row in read]
    known = arranged.of.choices()
    cells = arranged.of.beside(keys, arranged.columns, year)
    labels = [known[name] for name in arranged.columns]
    return [(row, list(zip(labels, cells[row.pk], strict=True))) for row in read]


def _found(
    request: HttpRequest,
    filters: RegisterFilterSet,
    visible: QuerySet[Any],
    arranged: Arrangement,
    size: int,
) -> _Result:
    """The page asked for: sorted where the result is small enough, else by village."""
    if arranged.order is not None:
        rows = filters.filter_queryset(visible)
        total = rows.order_by()[: MOST + 1].count()
        if total <= MOST:
            page = _sorted(request, arranged, rows, visible, filters.chosen_year, size)
            return _Result(page, total, is_sorted=True)
    return _by_village(request, filters, arranged.of.keyset, size)


def _by_village(
    request: HttpRequest, filters: RegisterFilterSet, order: Keyset, size: int
) -> _Result:
    is_counted = request.GET.get("count") == "1"
    word = filters.terms.get("q")
    if word and not is_counted:
        word = filters.terms["q"] = for_a_page(word)
    keys = filters.qs.values_list(*order.fields)
    page = _page(request, order, keys, size)
    # A list that ends on its first page has been counted already.
    if not page.next and not set(PAGE_KEYS) & set(request.GET):
        return _Result(page, len(page.rows))
    if is_counted:
        return _Result(page, keys.count())
    if isinstance(word, Common):
        return _Result(page, size, counted=False)
    total = keys.order_by()[: COUNTED + 1].count()
    return _Result(page, min(total, COUNTED), counted=total <= COUNTED)


def asked_terms(request: HttpRequest, year: int | None) -> QueryDict:
    """The address in the terms of the form: a region becomes its county, town and village."""
    asked = request.GET.copy()
    asked["year"] = "" if year is None else str(year)
    for key in (*PAGE_KEYS, *_OWN_KEYS):
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


def _size(request: HttpRequest) -> int:
    """How many rows a page has: one of the sizes offered, else the usual one."""
    asked = _digits(request.GET.get("size", ""))[:4]
    return int(asked) if asked and int(asked) in PAGE_SIZES else PAGE_SIZE


def _with(asked: QueryDict, key: str, value: str) -> str:
    query = filled(asked)
    query[key] = value
    return f"?{query.urlencode()}"


def _page(request: HttpRequest, order: Keyset, keys: QuerySet[Any], size: int) -> Page[Any]:
    after, before = request.GET.get("after", ""), request.GET.get("before", "")
    try:
        return order.page(keys, size=size, after=after, before=before)
    except BadCursorError as error:
        raise Http404 from error


def _sorted(
    request: HttpRequest,
    arranged: Arrangement,
    rows: QuerySet[Any],
    visible: QuerySet[Any],
    year: int | None,
    size: int,
) -> Page[Any]:
    try:
        return cast("Order", arranged.order).page(
            rows,
            visible,
            fields=arranged.of.keyset.fields,
            year=cast("int", year),
            falling=arranged.falling,
            size=size,
            after=request.GET.get("after", ""),
            before=request.GET.get("before", ""),
        )
    except BadCursorError as error:
        raise Http404 from error


def _sorted_address(asked: QueryDict, sort: str) -> str:
    query = filled(asked)
    query.pop("sort", None)
    if sort:
        query["sort"] = sort
    return f"?{query.urlencode()}"


def _beside(asked: QueryDict, key: str, cursor: str) -> str:
    return _with(asked, key, cursor) if cursor else ""


def filled(asked: QueryDict) -> QueryDict:
    query = asked.copy()
    for key in list(query):
        values = [value for value in query.getlist(key) if value]
        if values:
            query.setlist(key, values)
        else:
            del query[key]
    return query


def chips_of(filters: RegisterFilterSet, asked: QueryDict) -> list[dict[str, str]]:
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
    query = filled(asked)
    query.setlist(name, [one for one in query.getlist(name) if one != value])
    chain = ["county", "town", "village"]
    if name in chain:
        for lower in chain[chain.index(name) :]:
            query.pop(lower, None)
    return f"?{query.urlencode()}"
