"""A confirmed problem of an assessment, or what a rule says of money, enters the ledger of problems."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from core.scope import covers
from core.web import actor_of, require
from funds.queries import findings as of_funds
from inspections.enums import CaseState
from inspections.models import Case, Finding, Round
from inspections.queries.findings import listing
from inspections.services.common import UnfitError
from inspections.services.findings import entering
from inspections.services.findings.common import FIND
from inspections.views.findings.forms import RaiseForm


@require_http_methods(["GET", "POST"])
def raise_case(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask how grave a confirmed problem of an assessment is, and put it on the ledger."""
    require(request, FIND)
    cases = Case.objects.visible_to(actor_of(request)).select_related("village")
    case = get_object_or_404(cases, pk=pk)
    if not covers(actor_of(request), case.village_code, FIND):
        raise Http404
    if case.state != CaseState.CONFIRMED:
        messages.warning(request, "只有已确认的评估问题列入台账。")
        return redirect("inspections:case", pk=pk)
    if not Round.objects.visible_to(actor_of(request)).filter(pk=case.round_id).exists():
        # What the problem says of household and level stands in the round.
        messages.warning(request, "本轮评估的样本尚未向县公开，公开以后再列入台账。")
        return redirect("inspections:case", pk=pk)
    what = {
        "title": "评估问题",
        "label": f"{case.get_kind_display()}，确认 {case.confirmed_persons} 人",
        "place": case.village.short_name,
        "back": "inspections:case",
        "key": pk,
    }
    known = listing.visible(actor_of(request)).filter(case=case).first()
    return _raised(
        request, what, known,
        lambda severity: entering.raise_case(case=case, severity=severity, by=request.user),
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def raise_fund(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask how grave it is what a rule says of money, and put it on the ledger."""
    require(request, FIND)
    rows = of_funds.visible(actor_of(request)).select_related("rule", "region")
    found = get_object_or_404(rows, pk=pk)
    if not covers(actor_of(request), found.region_code, FIND):
        raise Http404
    if found.closed_on is not None:
        messages.warning(request, "这个资金疑点已经消除，不再列入台账。")
        return redirect("funds:finding", pk=pk)
    what = {
        "title": "资金问题",
        "label": f"{found.rule.name}：{found.words}",
        "place": found.region.short_name,
        "back": "funds:finding",
        "key": pk,
    }
    known = listing.visible(actor_of(request)).filter(fund_finding=found).first()
    return _raised(
        request, what, known,
        lambda severity: entering.raise_fund_finding(
            found=found, severity=severity, by=request.user
        ),
    )  # fmt: skip


def _raised(
    request: HttpRequest,
    what: dict[str, Any],
    known: Finding | None,
    enter: Callable[[str], Finding],
) -> HttpResponse:
    if known is not None:
        messages.info(request, f"已经列入台账，问题编号 {known.number}。")
        return redirect("findings:finding", pk=known.pk)
    form = RaiseForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            made = enter(form.cleaned_data["severity"])
        except UnfitError as unfit:
            form.add_error(None, str(unfit))
        else:
            messages.success(request, f"已列入台账，问题编号 {made.number}。")
            return redirect("findings:finding", pk=made.pk)
    context = {"what": what, "form": form}
    status = 422 if form.is_bound else 200
    return render(request, "findings/raise.html", context, status=status)
