"""Looking for the likes of a problem: the list of searches, a new one, one with what it found."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.limits import limited
from core.scope import covers
from core.web import actor_of, require
from inspections.enums.sweeps import MatchState, Subject
from inspections.models import Finding, Sweep
from inspections.queries.findings import listing
from inspections.queries.findings import sweeps as queries
from inspections.services.common import UnfitError
from inspections.services.findings import sweeping
from inspections.services.findings.common import FIND
from inspections.views.sweeps import shown
from inspections.views.sweeps.forms import Asked, DismissForm, OpenForm, usual_subject
from villages.models import Region

READ = "households.view_register"
RUNS = 10


@require_GET
def sweep_list(request: HttpRequest) -> HttpResponse:
    """Searches in one's places, youngest first, with what became of what they found."""
    require(request, READ)
    actor = actor_of(request)
    rows, after = queries.page_of_sweeps(queries.visible(actor), request.GET.get("after", ""))
    keys = {one.finding_id for one in rows}
    numbers = dict(listing.visible(actor).filter(pk__in=keys).values_list("pk", "number"))
    context = {
        "rows": [
            {"standing": one, "number": numbers.get(one.sweep.finding_id, "")}
            for one in queries.standings(rows, actor)
        ],
        "previous": None,
        "next": urlencode({"after": after}) if after else None,
    }
    return render(request, "sweeps/list.html", context)


@require_http_methods(["GET", "POST"])
@limited("search", methods=("POST",))
def sweep_new(request: HttpRequest, pk: int) -> HttpResponse:
    """From a problem: say what its likes look like, and look for them."""
    require(request, FIND)
    actor = actor_of(request)
    finding: Finding = get_object_or_404(
        listing.visible(actor).select_related("region", "project", "fund_finding__rule"), pk=pk
    )
    if not covers(actor, finding.region_code, FIND):
        raise Http404
    told = request.POST if request.method == "POST" else request.GET
    subject = told.get("subject", "")
    if subject not in Subject.values:
        subject = usual_subject(finding)
    form = Asked(request.POST if request.method == "POST" else None,
                 finding=finding, subject=subject, actor=actor)  # fmt: skip
    if request.method == "POST" and form.is_valid():
        try:
            made = sweeping.begin(
                finding=finding, query=form.query, on=timezone.localdate(), by=request.user,
                region=Region.objects.get(
                    code=form.place.cleaned_data["region"], valid_to__isnull=True
                ),
            )  # fmt: skip
        except UnfitError as unfit:
            form.place.add_error(None, str(unfit))
        else:
            messages.success(request, "已查找。请逐项核对查到的对象。")
            return redirect("sweeps:sweep", pk=made.pk)
    context = {
        "finding": finding, "form": form, "subjects": Subject.choices, "subject": subject,
        "likes": shown.likes_of(finding, actor) | {"may_begin": False},
    }  # fmt: skip
    status = 422 if request.method == "POST" else 200
    return render(request, "sweeps/new.html", context, status=status)


def _seen(request: HttpRequest, pk: int) -> Sweep:
    found: Sweep = get_object_or_404(
        queries.visible(actor_of(request)).select_related("region", "created_by"), pk=pk
    )
    return found


@require_GET
def sweep(request: HttpRequest, pk: int) -> HttpResponse:
    """The search in words, its runs, and what became of what the last one found."""
    require(request, READ)
    return _page(request, _seen(request, pk), OpenForm(), DismissForm())


def _page(
    request: HttpRequest, one: Sweep, opening: OpenForm, dismissing: DismissForm
) -> HttpResponse:
    actor, told = actor_of(request), request.POST if request.method == "POST" else request.GET
    asked = {name: told.get(name, "") for name in ("region", "state")}
    given = {name: value for name, value in asked.items() if value}
    (standing,) = queries.standings([one], actor)
    found = queries.of_last_run(one, actor)
    counties = shown.county_rows(one, queries.by_county(found))
    narrowed = queries.narrowed(found, given)
    page = queries.page(narrowed, told.get("after", ""))
    finding = listing.visible(actor).filter(pk=one.finding_id).first()
    names = {row["code"]: row["name"] for row in counties}
    is_whole = covers(actor, one.region_code)
    context = {
        "sweep": one,
        "finding": finding,
        "standing": standing,
        "counties": counties,
        "runs": one.runs.select_related("created_by").order_by("-pk")[:RUNS],
        "is_whole": is_whole,
        "rows": shown.match_rows(one, page.rows, actor),
        "total": narrowed.count(),
        "waiting": narrowed.filter(state=MatchState.OPEN).count(),
        "states": MatchState.choices,
        "asked": asked,
        "place": names.get(asked["region"], ""),
        "list_href": shown.list_address(one),
        "may_run": covers(actor, one.region_code, FIND),
        "may_decide": bool(actor.prefixes_for(FIND)),
        "opening": opening,
        "dismissing": dismissing,
        "previous": None,
        "next": urlencode(given | {"after": page.after}) if page.after else None,
    }
    status = 422 if opening.is_bound or dismissing.is_bound else 200
    return render(request, "sweeps/sweep.html", context, status=status)


@require_POST
@limited("search")
def sweep_run(request: HttpRequest, pk: int) -> HttpResponse:
    """Look again, e.g. before the problem is closed."""
    require(request, FIND)
    one = _seen(request, pk)
    try:
        made = sweeping.run(sweep=one, on=timezone.localdate(), by=request.user)
    except UnfitError as unfit:
        messages.warning(request, str(unfit))
    else:
        messages.success(
            request, f"已重新查找：符合条件 {made.matched:,} 项，其中新增 {made.fresh:,} 项。"
        )
    return redirect("sweeps:sweep", pk=pk)


def _chosen(request: HttpRequest) -> dict[str, Any]:
    """The matches that were ticked, or all of the place that is shown."""
    if request.POST.get("all") == "1":
        region = request.POST.get("region", "")
        is_code = region.isascii() and region.isdigit() and len(region) == 12
        return {"keys": None, "region": region if is_code else ""}
    ticked = request.POST.getlist("match")
    return {"keys": [int(one) for one in ticked if one.isascii() and one.isdigit()][:1000]}


@require_POST
def sweep_open(request: HttpRequest, pk: int) -> HttpResponse:
    """Enter the ticked, or all, on the ledger."""
    require(request, FIND)
    one = _seen(request, pk)
    form = OpenForm(request.POST)
    if form.is_valid():
        told = form.cleaned_data
        try:
            many = sweeping.open_all(
                sweep=one, words=told["words"], on=told["found_on"], by=request.user,
                **_chosen(request),
            )  # fmt: skip
        except UnfitError as unfit:
            form.add_error(None, str(unfit))
        else:
            messages.success(request, f"已将 {many:,} 项列入台账，请交办。")
            return redirect("sweeps:sweep", pk=pk)
    return _page(request, one, form, DismissForm())


@require_POST
def sweep_dismiss(request: HttpRequest, pk: int) -> HttpResponse:
    """Say why the ticked, or all, are no such problem."""
    require(request, FIND)
    one = _seen(request, pk)
    form = DismissForm(request.POST)
    if form.is_valid():
        try:
            many = sweeping.dismiss(
                sweep=one, reason=form.cleaned_data["reason"], on=timezone.localdate(),
                by=request.user, **_chosen(request),
            )  # fmt: skip
        except UnfitError as unfit:
            form.add_error(None, str(unfit))
        else:
            messages.success(request, f"{many:,} 项不予列入，理由已记录。")
            return redirect("sweeps:sweep", pk=pk)
    return _page(request, one, OpenForm(), form)
