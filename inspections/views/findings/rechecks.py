"""Second looks: draws with their counts, one draw with its proof and items, watched problems due."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.scope import covers
from core.web import actor_of, require
from inspections.enums.findings import DONE, Look
from inspections.models import Recheck, RecheckItem
from inspections.queries.findings import listing
from inspections.queries.findings import rechecks as queries
from inspections.services.common import UnfitError
from inspections.services.findings import rechecking
from inspections.services.findings.common import FIND
from inspections.views.findings.recheck_forms import DrawForm, LookForm
from inspections.views.sweeps.forms import places_of
from villages.models import Region

READ = "households.view_register"
TONES = {Look.HOLDS: "good", Look.RELAPSED: "bad"}


@require_http_methods(["GET", "POST"])
def recheck_list(request: HttpRequest) -> HttpResponse:
    """The draws of one's places with their rates of relapse; whoever registers problems draws."""
    require(request, READ)
    actor = actor_of(request)
    if request.method == "POST":
        require(request, FIND)
    may_draw = bool(actor.prefixes_for(FIND))
    form = DrawForm(request.POST or None, places=places_of(actor)) if may_draw else None
    if form is not None and request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        try:
            made = rechecking.draw(
                region=Region.objects.get(code=told["region"], valid_to__isnull=True),
                since=told["since"], until=told["until"], share=form.fraction, seed=told["seed"],
                by=request.user,
            )  # fmt: skip
        except UnfitError as unfit:
            form.add_error(None, str(unfit))
        else:
            messages.success(request, "已抽取，请逐个复查。")
            return redirect("findings:recheck", pk=made.pk)
    rows, after = queries.page(queries.visible(actor), request.GET.get("after", ""))
    counts = queries.counts(rows)
    context = {
        "rows": [{"one": one, "counts": counts.get(one.pk, queries.Counts())} for one in rows],
        "watched": listing.watched_and_due(actor, timezone.localdate()).count(),
        "form": form,
        "previous": None,
        "next": urlencode({"after": after}) if after else None,
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "findings/rechecks.html", context, status=status)


def _seen(request: HttpRequest, pk: int) -> Recheck:
    found: Recheck = get_object_or_404(
        queries.visible(actor_of(request)).select_related("region", "created_by"), pk=pk
    )
    return found


@require_GET
def recheck(request: HttpRequest, pk: int) -> HttpResponse:
    """One draw: what it was drawn from, how to draw it again, and what was seen."""
    require(request, READ)
    return _page(request, _seen(request, pk))


def _page(
    request: HttpRequest, one: Recheck, pk: int | None = None, form: LookForm | None = None
) -> HttpResponse:
    actor = actor_of(request)
    found = queries.items(one, actor)
    # A form that comes back stands on the page of its item.
    after = request.GET.get("after", "")
    rows, following = queries.items_page(found if pk is None else found.filter(pk=pk), after)
    context = {
        "recheck": one,
        "counts": queries.counts([one]).get(one.pk, queries.Counts()),
        "proof": rechecking.drawn_again(one),
        "rows": [_row(item, actor, form if item.pk == pk else None) for item in rows],
        "refused": form.non_field_errors() if form else (),
        "is_part": pk is not None,
        "previous": None,
        "next": urlencode({"after": following}) if following else None,
    }
    return render(request, "findings/recheck.html", context, status=422 if form else 200)


def _row(item: RecheckItem, actor: Any, form: LookForm | None) -> dict[str, Any]:
    finding = item.finding
    may_look = (
        item.look is None and finding.state in DONE and covers(actor, finding.region_code, FIND)
    )
    is_own = finding.claimed_by_id == actor.pk
    return {
        "one": item,
        "tone": TONES[Look(item.look.result)] if item.look else "",
        "may_look": may_look and not is_own,
        "is_own": may_look and is_own,
        "form": form or LookForm(auto_id=f"id_{item.pk}_%s"),
    }


@require_POST
def recheck_look(request: HttpRequest, pk: int, item: int) -> HttpResponse:
    """Put down what was seen of one drawn problem; one that came back is returned."""
    require(request, FIND)
    one = _seen(request, pk)
    drawn = get_object_or_404(queries.items(one, actor_of(request)), pk=item)
    form = LookForm(request.POST, auto_id=f"id_{drawn.pk}_%s")
    if form.is_valid():
        try:
            _, finding = rechecking.look(item=drawn, by=request.user, **form.cleaned_data)
        except UnfitError as unfit:
            form.add_error(None, str(unfit))
        else:
            if form.cleaned_data["result"] == Look.RELAPSED:
                messages.warning(request, f"{finding.number} 已反弹，退回整改。")
                return redirect("findings:finding", pk=finding.pk)
            messages.success(request, f"{finding.number} 未反弹，已登记。")
            return redirect("findings:recheck", pk=pk)
    return _page(request, one, drawn.pk, form)


@require_GET
def watched(request: HttpRequest) -> HttpResponse:
    """Watched problems that nobody has looked at this month."""
    require(request, READ)
    actor, day = actor_of(request), timezone.localdate()
    found = listing.watched_and_due(actor, day)
    page = listing.page(found, day, request.GET.get("after", ""))
    context = {
        "rows": [
            {"one": one, "may_look": covers(actor, one.region_code, FIND)} for one in page.rows
        ],
        "total": found.count(),
        "month": day,
        "previous": None,
        "next": urlencode({"after": page.after}) if page.after else None,
    }
    return render(request, "findings/recheck_watched.html", context)
