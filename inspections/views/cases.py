"""Cases: their list, one with its steps, and the step that comes next."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from core.scope import Actor, covers
from core.web import actor_of, require
from inspections.enums import FOLLOWS, CaseKind, CaseState
from inspections.enums.findings import DONE
from inspections.forms import CaseForm, RectifyForm
from inspections.models import Case, Rectification, Round
from inspections.queries import standing
from inspections.queries.findings import listing as of_ledger
from inspections.services import cases as service
from inspections.services import rectifying
from inspections.services.common import APPEAL, DECIDE, UnfitError
from inspections.services.findings.common import FIND
from inspections.views.findings.shown import shown

READ = "households.view_register"
PAGE = 50
_COUNTY = (CaseState.APPEALED, CaseState.ACCEPTED)
TONES = {CaseState.CONFIRMED: "bad", CaseState.DISMISSED: "good"}
ACTS = {
    CaseState.APPEALED: "申诉举证",
    CaseState.ACCEPTED: "无异议",
    CaseState.LAPSED: "登记逾期未申诉",
    CaseState.RECHECKED: "登记复核",
    CaseState.CONFIRMED: "确认",
    CaseState.DISMISSED: "排除",
}


@require_GET
def case_list(request: HttpRequest) -> HttpResponse:
    """Cases in one's region, by state and kind; those past their day on demand."""
    require(request, READ)
    asked = {name: request.GET.get(name, "") for name in ("state", "kind", "due")}
    # Not narrowed by year: a county sees its cases before it may see the round they belong to.
    found: Any = Case.objects.visible_to(actor_of(request))
    if asked["state"] in CaseState.values:
        found = found.filter(state=asked["state"])
    if asked["kind"] in CaseKind.values:
        found = found.filter(kind=asked["kind"])
    if asked["due"] == "1":
        found = standing.overdue(found, timezone.localdate())
    page = Paginator(found.select_related("village").order_by("-pk"), PAGE).get_page(
        request.GET.get("page")
    )
    asked = {name: value for name, value in asked.items() if value}
    context = {
        "page": page,
        "cases": [{"one": one, "tone": TONES.get(CaseState(one.state), "warn")} for one in page],
        "states": CaseState.choices,
        "kinds": CaseKind.choices,
        "asked": asked,
        "previous": {**asked, "page": page.previous_page_number()} if page.has_previous() else None,
        "next": {**asked, "page": page.next_page_number()} if page.has_next() else None,
    }
    return render(request, "inspections/case_list.html", context)


def _seen(request: HttpRequest, pk: int) -> Case:
    found = Case.objects.visible_to(actor_of(request)).select_related("village")
    return get_object_or_404(found, pk=pk)


def _next(case: Case, actor: Actor) -> list[tuple[str, str]]:
    """The steps that may follow and that this person's office takes."""
    appeals = covers(actor, case.village_code[:6], APPEAL)
    decides = covers(actor, case.held_by, DECIDE)
    return [
        (state, ACTS[CaseState(state)])
        for state in FOLLOWS[case.state]
        if (appeals if state in _COUNTY else decides)
    ]


@require_GET
def case_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One case: what is suspected, every step taken, and what this person can do now."""
    require(request, READ)
    case = _seen(request, pk)
    return _page(request, case, CaseForm())


def _page(request: HttpRequest, case: Case, form: CaseForm) -> HttpResponse:
    steps = list(case.steps.select_related("created_by").order_by("position"))
    waiting = case.state not in (CaseState.CONFIRMED, CaseState.DISMISSED)
    due = steps[-1].due_on if steps and waiting else None
    actor, is_confirmed = actor_of(request), case.state == CaseState.CONFIRMED
    # What stands on the ledger of problems is mended there, and once.
    on_ledger = of_ledger.visible(actor).filter(case=case).first()
    context = {
        "case": case,
        "tone": TONES.get(CaseState(case.state), "warn"),
        "steps": steps,
        "due": due,
        "is_overdue": due is not None and due < timezone.localdate(),
        "acts": _next(case, actor),
        "form": form,
        "rectified": Rectification.objects.filter(case=case).select_related("created_by").first(),
        "is_back": bool(on_ledger and on_ledger.relapses and on_ledger.state not in DONE),
        "on_ledger": shown(on_ledger, timezone.localdate()) if on_ledger else None,
        "may_raise": is_confirmed
        and not on_ledger
        and covers(actor, case.village_code, FIND)
        and Round.objects.visible_to(actor).filter(pk=case.round_id).exists(),
        "may_rectify": is_confirmed
        and not on_ledger
        and covers(actor, case.village_code[:6], APPEAL),
        "rectifying": RectifyForm(auto_id="rectify_%s"),
    }
    status = 422 if form.is_bound else 200
    return render(request, "inspections/case.html", context, status=status)


@require_POST
def case_act(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the step that the pressed button names."""
    if not (request.user.has_perm(APPEAL) or request.user.has_perm(DECIDE)):
        raise PermissionDenied
    case = _seen(request, pk)
    form = CaseForm(request.POST)
    if not form.is_valid():
        return _page(request, case, form)
    try:
        _take(case, request.POST.get("act", ""), form.cleaned_data, request.user)
    except UnfitError as unfit:
        form.add_error(None, str(unfit))
        return _page(request, case, form)
    messages.success(request, "已办理。")
    return redirect("inspections:case", pk=pk)


def _take(case: Case, act: str, told: dict[str, Any], by: Any) -> None:
    on, reason, evidence = told["on"], told["reason"], told["evidence"]
    acts = {
        CaseState.APPEALED: lambda: service.appeal(
            case=case, on=on, reason=reason, evidence=evidence, by=by
        ),
        CaseState.ACCEPTED: lambda: service.accept(case=case, on=on, reason=reason, by=by),
        CaseState.LAPSED: lambda: service.let_lapse(case=case, on=on, by=by),
        CaseState.RECHECKED: lambda: service.recheck(
            case=case, on=on, reason=reason, evidence=evidence, by=by
        ),
        CaseState.CONFIRMED: lambda: service.confirm(
            case=case, persons=told["persons"] or 0, on=on, reason=reason, by=by
        ),
        CaseState.DISMISSED: lambda: service.dismiss(case=case, on=on, reason=reason, by=by),
    }
    if act not in acts:
        raise UnfitError("请选择要办理的事项。")
    acts[CaseState(act)]()


@require_POST
def case_rectify(request: HttpRequest, pk: int) -> HttpResponse:
    """The county says how a confirmed problem was put right."""
    require(request, APPEAL)
    case = _seen(request, pk)
    form = RectifyForm(request.POST)
    if not form.is_valid():
        told = [f"{form.fields[name].label}：{words[0]}" for name, words in form.errors.items()]
        messages.warning(request, "没有保存。" + "；".join(told))
        return redirect("inspections:case", pk=pk)
    try:
        rectifying.rectify(case=case, by=request.user, **form.cleaned_data)
    except UnfitError as unfit:
        messages.warning(request, str(unfit))
    else:
        messages.success(request, "已登记整改，几秒内重新判定。")
    return redirect("inspections:case", pk=pk)
