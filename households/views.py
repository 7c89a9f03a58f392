"""The pages of the register: households, persons, one household in one year."""

import re
from collections.abc import Callable, Sequence
from typing import Any, cast

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core import ledger
from core.exports.forms import ExportForm
from core.exports.services import AT_ONCE
from core.exports.views import answer
from core.limits import limited
from core.scope import Actor, covers, overlaps
from core.templatetags.show import PAGE_KEYS
from core.web import partition_of, require
from households.enums import Purpose
from households.filters import HouseholdYearFilter, PersonYearFilter, PlaceField, RegisterFilterSet
from households.forms import AssignForm, RevealForm
from households.models import Household, HouseholdYear, PersonYear
from households.queries import places, rows, sheet
from households.queries.entrusted import entrusted_to
from households.queries.keyset import HOUSEHOLDS, PERSONS, BadCursorError, Keyset, Page
from households.queries.timeline import timeline
from households.services import assigning, revealing
from households.workbooks import REVEAL, stored_terms
from villages.enums import Level

READ = "households.view_register"
ASSIGN = "households.assign"
PAGE_SIZE = 50
_DEEPEST = ("village", "town", "county", "region")
_NUMBER = re.compile(r"[0-9A-Za-z]{1,20}")


@require_GET
@limited("search")
def household_list(request: HttpRequest) -> HttpResponse:
    context = _listing(
        request,
        HouseholdYearFilter,
        HouseholdYear.objects.visible_to(_actor(request)),
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
        PersonYear.objects.visible_to(_actor(request)),
        PERSONS,
        rows.person_rows,
    )
    return render(request, "households/person_list.html", context)


@require_http_methods(["GET", "POST"])
@limited("export", methods=("POST",))
def export(request: HttpRequest) -> HttpResponse:
    """The households of a search as a file: the address says which, the form why and how."""
    require(request, READ)
    actor, year = _actor(request), partition_of(request)
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


@require_GET
def detail(request: HttpRequest, household_no: str) -> HttpResponse:
    """One household as declared in the year the page is about."""
    actor = _actor(request)
    require(request, READ)
    years = sheet.years_of(household_no, actor) if _NUMBER.fullmatch(household_no) else []
    if not years:
        raise Http404
    year = partition_of(request)
    if year not in years:
        messages.info(request, f"该户没有 {year} 年度的数据，已转到 {years[0]} 年度。")
        return redirect(f"{reverse('households:detail', args=[household_no])}?year={years[0]}")
    row = sheet.year_of(household_no, year, actor)
    members = sheet.member_years(row)
    household = sheet.head_of_page(row, members)
    context = {
        "household": household,
        "partitions": years,
        "breadcrumbs": _breadcrumbs(household, year),
        "members": [sheet.member(member) for member in members],
        "facts": sheet.cards(row, actor),
        "income": sheet.income(row),
        "timeline": timeline(row, actor),
        "assignments": entrusted_to(row.household, actor),
        "may_assign": covers(actor, row.household.village_code, ASSIGN),
    }
    if revealing.may_reveal(actor, row):
        context["reveal_form"] = _reveal_form(row, members)
    return render(request, "households/detail.html", context)


@require_POST
@limited("reveal")
def reveal(request: HttpRequest, household_no: str) -> HttpResponse:
    """Show one record's sensitive facts in full, once, after noting who asked and why."""
    require(request, REVEAL)
    row = _revealable(request, household_no)
    members = sheet.member_years(row)
    form = _reveal_form(row, members, request.POST)
    household = sheet.head_of_page(row, members)
    context: dict[str, Any] = {"household": household, "year": row.partition_id}
    if form.is_valid():
        told = form.cleaned_data
        chosen = [one for one in members if one.person.person_no == told["whom"]]
        context["revealed"] = revealing.reveal(
            row=row,
            member=chosen[0] if chosen else None,
            purpose=told["purpose"],
            words=told["words"],
            request=request,
            by=request.user,
        )
        context["purpose"] = f"{Purpose(told['purpose']).label}：{told['words']}"
        form = _reveal_form(row, members)
    context["reveal_form"] = form
    context["breadcrumbs"] = _breadcrumbs(household, row.partition_id)
    part = bool(request.headers.get("HX-Request"))
    template = "households/_reveal.html" if part else "households/reveal.html"
    response = render(request, template, context, status=200 if "revealed" in context else 422)
    response["Cache-Control"] = "no-store"
    return response


def _revealable(request: HttpRequest, household_no: str) -> HouseholdYear:
    """The household's year that the form names, where the actor holds the right; or a 404."""
    year = request.POST.get("year", "")
    actor = _actor(request)
    rows = HouseholdYear.objects.visible_to(actor).filter(household__household_no=household_no)
    if not (_NUMBER.fullmatch(household_no) and re.fullmatch("[0-9]{4}", year, re.ASCII)):
        raise Http404
    row = get_object_or_404(rows.select_related("household"), partition_id=int(year))
    if not revealing.may_reveal(actor, row):
        raise Http404
    return row


def _reveal_form(
    row: HouseholdYear, members: Sequence[PersonYear], data: QueryDict | None = None
) -> RevealForm:
    choices = [(member.person.person_no, member.person.name) for member in members]
    return RevealForm(data, members=choices, initial={"year": row.partition_id})


@require_POST
@limited("search")
def printed(request: HttpRequest, household_no: str) -> HttpResponse:
    """The page of a household was sent to the printer: what is on paper has left the product."""
    require(request, READ)
    # Whoever sees a former year may print it.
    years = HouseholdYear.objects.visible_to(_actor(request))
    found = years.filter(household__household_no=household_no).order_by("-partition_id").first()
    if found is None:
        raise Http404
    ledger.note(
        ledger.Act.PRINT,
        request,
        subject_kind="household",
        subject=household_no,
        region=found.village_code,
    )
    return HttpResponse(status=204)


@require_POST
def assign(request: HttpRequest, household_no: str) -> HttpResponse:
    """Entrust the household to a person."""
    household = _assignable(request, household_no)
    form = AssignForm(request.POST)
    if form.is_valid():
        try:
            assigning.assign(
                household=household,
                user=form.cleaned_data["username"],
                reason=form.cleaned_data["reason"],
                by=request.user,
            )
            messages.success(request, "已分派。")
        except assigning.UnfitError as unfit:
            messages.warning(request, str(unfit))
    else:
        told = [f"{form.fields[name].label}：{text[0]}" for name, text in form.errors.items()]
        messages.warning(request, "没有分派。" + "；".join(told))
    return redirect("households:detail", household_no=household_no)


@require_POST
def end_assignment(request: HttpRequest, household_no: str, pk: int) -> HttpResponse:
    """Take the household back from a person."""
    household = _assignable(request, household_no)
    found = get_object_or_404(entrusted_to(household, _actor(request)), pk=pk)
    assigning.end_assignment(assignment=found, by=request.user)
    messages.success(request, "已结束分派。")
    return redirect("households:detail", household_no=household_no)


def _assignable(request: HttpRequest, household_no: str) -> Household:
    """A household that lies in a region in which the actor may assign."""
    require(request, ASSIGN)
    actor = _actor(request)
    found = get_object_or_404(Household.objects.visible_to(actor), household_no=household_no)
    if not covers(actor, found.village_code, ASSIGN):
        raise Http404
    return found


def _actor(request: HttpRequest) -> Actor:
    # LoginRequiredMiddleware lets nobody in who is not somebody.
    return cast("Actor", request.user)


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
    filters = filter_class(asked, visible, actor=_actor(request))
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
        _choose(asked, _region_prefix(region, cast("Actor", request.user)))
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


def _breadcrumbs(household: sheet.Head, year: int) -> list[dict[str, str]]:
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
