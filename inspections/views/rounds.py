"""Rounds: their list, one with what was settled in it, a new one, the acts on it, its certificate."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core import ledger, papers
from core.limits import limited
from core.scope import covers, within
from core.web import actor_of, partition_of, require
from inspections.catalog import presets
from inspections.enums import STRATA, Subject
from inspections.forms import PlanningForm, RoundForm
from inspections.formulas import planning as sizes
from inspections.models import Case, Replacement, Round, SampleHousehold
from inspections.queries import standing
from inspections.services import planning, rounds, sampling
from inspections.services.common import PLAN, UnfitError
from inspections.services.roster import LOAD
from inspections.views.common import of_round
from villages.models import Region

READ = "households.view_register"
PAGE = 50
# True rates for which a plan is shown, as shares of the threshold.
_SHARES = tuple(Fraction(n, 8) for n in range(7))


def state_of(round: Round) -> str:
    for moment, label in (
        (round.closed_at, "已结束"),
        (round.disclosed_at, "已向县公开"),
        (round.drawn_at, "已抽样"),
        (round.frozen_at, "抽样框已冻结"),
    ):
        if moment:
            return label
    return "制定方案"


def seen(request: HttpRequest, pk: int) -> Round:
    """The round, for whoever may read and see it; 404 otherwise."""
    require(request, READ)
    found = Round.objects.visible_to(actor_of(request)).select_related("region")
    return get_object_or_404(found, pk=pk)


def handled(request: HttpRequest, pk: int) -> Round:
    """The round, for whoever runs it."""
    require(request, PLAN)
    found = get_object_or_404(Round.objects.visible_to(actor_of(request)), pk=pk)
    if not covers(actor_of(request), found.held_by, PLAN):
        raise Http404
    return found


@require_GET
def round_list(request: HttpRequest) -> HttpResponse:
    require(request, READ)
    found = (
        Round.objects.visible_to(actor_of(request))
        .filter(partition=partition_of(request))
        .select_related("region")
        .order_by("region_code", "-pk")
    )
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rounds": [{"one": one, "state": state_of(one)} for one in page],
        "previous": {"page": page.previous_page_number()} if page.has_previous() else None,
        "next": {"page": page.next_page_number()} if page.has_next() else None,
        "may_plan": request.user.has_perm(PLAN),
        "may_load": request.user.has_perm(LOAD),
    }
    return render(request, "inspections/round_list.html", context)


@require_http_methods(["GET", "POST"])
def round_new(request: HttpRequest) -> HttpResponse:
    require(request, PLAN)
    told = request.POST if request.method == "POST" else request.GET
    known = {one.code: one for one in presets()}
    preset = known.get(told.get("preset", ""))
    start: dict[str, Any] = {}
    if preset:
        start = {"preset": preset.code, "strata": preset.strata, "takes": preset.takes}
    counties = _counties(request)
    choices = [(one.code, one.name) for one in counties]
    form = RoundForm(request.POST or None, counties=choices, start=start)
    if request.method == "POST" and form.is_valid() and (year := partition_of(request)):
        data = form.cleaned_data
        try:
            made = planning.plan_round(
                kind=data["kind"], name=data["name"],
                county=next(one for one in counties if one.code == data["county"]),
                partition=year, design=form.design(), seed=data["seed"],
                appeal_days=data["appeal_days"], recheck_days=data["recheck_days"],
                days_source=data["days_source"], by=request.user,
            )  # fmt: skip
        except UnfitError as unfit:
            form.add_error(None, str(unfit))
        else:
            messages.success(request, "已制定方案，随机种子已经确定。")
            return redirect("inspections:round", pk=made.pk)
    context = {"form": form, "presets": list(known.values()), "preset": preset}
    status = 422 if request.method == "POST" else 200
    return render(request, "inspections/round_new.html", context, status=status)


def _counties(request: HttpRequest) -> list[Region]:
    year = partition_of(request)
    if year is None:
        return []
    prefixes = actor_of(request).prefixes_for(PLAN)
    places = Region.objects.valid_in_year(year).filter(within(prefixes, "code"), level="county")
    return list(places.order_by("code"))


@require_GET
def round_detail(request: HttpRequest, pk: int) -> HttpResponse:
    found = seen(request, pk)
    actor = actor_of(request)
    samples = SampleHousehold.objects.visible_to(actor).filter(round=found)
    stood: Any = standing.with_standing(samples)
    progress = dict(stood.values_list("standing").annotate(n=Count("pk")).order_by())
    missed = samples.filter(visits__outcome__gt="").values_list("visits__outcome")
    cases = Case.objects.visible_to(actor).filter(round=found)
    reasons = dict(Replacement._meta.get_field("reason").flatchoices)
    counts = found.frame_counts
    context = {
        "round": found,
        "state": state_of(found),
        "runs": covers(actor, found.held_by, PLAN) and found.closed_at is None,
        "strata": [
            {
                "label": label,
                "plan": found.design["strata"].get(code, {}).get("villages", 0),
                "frame": counts.get("strata", {}).get(code, 0),
            }
            for code, label in STRATA.items()
        ],
        "takes": [
            {
                "label": label,
                "take": found.design["takes"].get(code, {"households": 0, "reserve": 0}),
                "frame": counts.get("kinds", {}).get(code, {"households": 0, "persons": 0}),
            }
            for code, label in Subject.choices
        ],
        "progress": [
            (label, progress[code])
            for code, label in standing.STANDINGS.items()
            if code in progress
        ],
        "missed": [
            (reasons[code], n) for code, n in missed.annotate(n=Count("visits__id")).order_by()
        ],
        "results": of_round(found, actor),
        "cases": cases.count(),
        "undecided": cases.undecided().count(),
    }
    return render(request, "inspections/round.html", context)


@require_POST
def round_act(request: HttpRequest, pk: int) -> HttpResponse:
    """Freeze, draw, disclose or close: what the pressed button says."""
    found = handled(request, pk)
    by: Any = request.user
    acts = {
        "freeze": lambda: planning.freeze_frame(round=found, by=by),
        "draw": lambda: sampling.draw(round=found, by=by),
        "disclose": lambda: rounds.disclose(round=found, by=by),
        "close": lambda: rounds.close(round=found, reason=request.POST.get("reason", ""), by=by),
    }
    act = acts.get(request.POST.get("act", ""))
    if act is None:
        messages.warning(request, "请选择要办理的事项。")
        return redirect("inspections:round", pk=pk)
    try:
        act()
    except UnfitError as unfit:
        messages.warning(request, str(unfit))
    else:
        messages.success(request, "已办理。")
    return redirect("inspections:round", pk=pk)


@require_GET
def round_certificate(request: HttpRequest, pk: int) -> HttpResponse:
    """What proves the draw: it is drawn again from the frame for this page, and compared."""
    found = _drawn(request, pk)
    page = Paginator(_sampled(request, found), 200).get_page(request.GET.get("page"))
    context = _certified(request, found) | {
        "page": page,
        "rows": [{"one": row, "chance": _chance(row)} for row in page],
        "previous": {"page": page.previous_page_number()} if page.has_previous() else None,
        "next": {"page": page.next_page_number()} if page.has_next() else None,
    }
    return render(request, "inspections/certificate.html", context)


@require_GET
@limited("print")
def certificate_pdf(request: HttpRequest, pk: int) -> HttpResponse:
    """The same on paper, whole, with what is needed to draw again elsewhere."""
    found = _drawn(request, pk)
    rows = [{"one": row, "chance": _chance(row)} for row in _sampled(request, found)]
    context = _certified(request, found) | {
        "rows": rows,
        "strata": [
            (label, found.design["strata"].get(code, {}).get("villages", 0))
            for code, label in STRATA.items()
        ],
        "printed": papers.printed(request.user),
    }
    ledger.note(
        ledger.Act.PRINT, request, subject_kind="round", subject=str(pk),
        region=found.region_code, rows=len(rows),
    )  # fmt: skip
    try:
        return papers.answer(papers.pdf("papers/certificate.html", context), f"抽样证书-{pk}")
    except papers.PapersUnavailableError as error:
        return render(request, "households/no_paper.html", {"why": str(error)}, status=503)


def _drawn(request: HttpRequest, pk: int) -> Round:
    found = seen(request, pk)
    if found.drawn_at is None:
        raise Http404
    return found


def _sampled(request: HttpRequest, found: Round) -> Any:
    return (
        SampleHousehold.objects.visible_to(actor_of(request))
        .filter(round=found)
        .select_related("village", "frame", "village__frame")
        .order_by("village_code", "kind", "is_reserve", "rank")
    )


def _certified(request: HttpRequest, found: Round) -> dict[str, Any]:
    replaced = Replacement.objects.visible_to(actor_of(request)).filter(round=found)
    return {
        "round": found,
        "facts": sampling.certificate(found),
        "replaced": replaced.select_related("former__frame", "later__frame").order_by("pk"),
    }


def _chance(row: SampleHousehold) -> Fraction:
    """The household's own inclusion probability: of its village, times of itself in it."""
    village = Fraction(row.village.numerator, row.village.denominator)
    return village * Fraction(row.numerator, row.denominator)


@require_GET
def planning_table(request: HttpRequest) -> HttpResponse:
    """If the true rate is …, draw …, accept at most ….; for the threshold that was asked for."""
    require(request, PLAN)
    form = PlanningForm(request.GET or None)
    rows: list[dict[str, Any]] = []
    if request.GET and form.is_valid():
        told = form.cleaned_data
        threshold = Fraction(told["threshold"]) / 100
        for rate, plan in sizes.table(
            [share * threshold for share in _SHARES], threshold,
            power=float(told["power"]) / 100, population=told["population"],
            effect=Fraction(told["effect"]),
        ):  # fmt: skip
            shown = Decimal(rate.numerator * 100) / Decimal(rate.denominator)
            rows.append({"rate": f"{shown.normalize():f}", "plan": plan})
    context = {"form": form, "rows": rows}
    status = 422 if request.GET and form.errors else 200
    return render(request, "inspections/planning.html", context, status=status)
