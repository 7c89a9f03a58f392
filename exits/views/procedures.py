"""Pages on which villages and counties exit: the list, a proposal, one procedure with its clock."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.scope import covers, within
from core.web import actor_of, partition_of, require
from exits.catalog import exit_templates
from exits.checks.procedures import CITY, COUNTY
from exits.enums import SubjectLevel
from exits.forms import (
    ExitDecisionForm,
    ExitNoticeForm,
    ExitObjectionForm,
    ExitReversalForm,
    ExitRuleForm,
    ProposeForm,
)
from exits.models import ExitCase, ExitNotice, ExitObjection, ExitProcedure, ExitRule
from exits.queries import procedures as queries
from exits.services import procedures as service
from exits.services.procedures import DECIDE, Said, UnfitError
from households.models import Decision, ProcedureState
from villages.models import Region, VillageYear

READ = "households.view_register"
PAGE = 50
_LEVELS = ((SubjectLevel.VILLAGE, "贫困村退出"), (SubjectLevel.COUNTY, "贫困县退出"))


@require_GET
def procedure_list(request: HttpRequest) -> HttpResponse:
    """Procedures of the year, by level and state."""
    require(request, READ)
    asked = {name: request.GET.get(name, "") for name in ("level", "state", "waiting")}
    level = asked["level"] if asked["level"] in dict(_LEVELS) else ""
    state = asked["state"] if asked["state"] in ProcedureState.values else ""
    actor, year = actor_of(request), partition_of(request) or 0
    prefixes = actor.prefixes_for(DECIDE)
    mine = prefixes if asked["waiting"] else None
    found = queries.listed(actor, year, level=level, state=state, waiting_for=mine)
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    asked = {name: value for name, value in asked.items() if value}
    context = {
        "page": page,
        "procedures": [
            {
                "one": one,
                "tone": queries.TONES[ProcedureState(one.state)],
                "step": _label(one),
                "title": dict(_LEVELS)[SubjectLevel(one.level)],
            }
            for one in page
        ],
        "levels": _LEVELS,
        "states": ProcedureState.choices,
        "asked": asked,
        "work": queries.work(actor, year, prefixes),
        "previous": {**asked, "page": page.previous_page_number()} if page.has_previous() else None,
        "next": {**asked, "page": page.next_page_number()} if page.has_next() else None,
        "may_decide": request.user.has_perm(DECIDE),
    }
    return render(request, "exits/procedure_list.html", context)


def _label(procedure: ExitProcedure) -> str:
    step = service.template_of(procedure).named(procedure.step)
    return step.label if step else "—"


@require_http_methods(["GET", "POST"])
def procedure_new(request: HttpRequest) -> HttpResponse:
    """Propose the exit of poor villages, ticked on a list that says who is not ready, or of a county."""
    require(request, DECIDE)
    year = partition_of(request)
    prefixes = tuple(one for one in actor_of(request).prefixes_for(DECIDE) if len(one) > CITY)
    level = (request.POST or request.GET).get("level", SubjectLevel.VILLAGE)
    form = ProposeForm(request.POST or None)
    if year is None or not prefixes:
        return render(request, "exits/procedure_new.html", {"prefixes": (), "form": form})
    if request.method == "POST" and form.is_valid():
        said = Said(Decision.PASS, form.cleaned_data["reason"], "", form.cleaned_data["documents"])
        try:
            made, left = _proposed(request, level, year, prefixes, said)
        except UnfitError as unfit:
            form.add_error(None, str(unfit))
        else:
            for one in left:
                messages.warning(request, f"{one.region.short_name}没有列入：{one.why}。")
            messages.success(request, f"已提出 {len(made)} 件。")
            if len(made) == 1:
                return redirect("exits:procedure", pk=made[0].pk)
            return redirect("exits:procedures")
    rows = _candidates(prefixes, year) if level == SubjectLevel.VILLAGE else []
    context = {
        "prefixes": prefixes,
        "form": form,
        "level": level,
        "levels": _LEVELS,
        "rows": rows,
        "counties": _counties(prefixes, year),
        "year": year,
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "exits/procedure_new.html", context, status=status)


def _proposed(
    request: HttpRequest, level: str, year: int, prefixes: tuple[str, ...], said: Said
) -> tuple[list[ExitProcedure], list[service.LeftOut]]:
    today, by = timezone.localdate(), request.user
    if level == SubjectLevel.COUNTY:
        wanted = request.POST.get("county", "")
        county = next((one for one in _counties(prefixes, year) if one.code == wanted), None)
        if county is None:
            raise UnfitError("请选择县。")
        made = service.propose_county(county=county, partition=year, on=today, said=said, by=by)
        return [made], []
    codes = request.POST.getlist("villages")
    villages = Region.objects.valid_in_year(year).filter(
        within(prefixes, "code"), code__in=codes, level="village"
    )
    return service.propose_villages(
        villages=list(villages.order_by("code")), partition=year, on=today, said=said, by=by
    )


def _counties(prefixes: tuple[str, ...], year: int) -> list[Region]:
    codes = [one.ljust(12, "0") for one in prefixes if len(one) == COUNTY]
    return list(Region.objects.valid_in_year(year).filter(code__in=codes).order_by("code"))


def _candidates(prefixes: tuple[str, ...], year: int) -> list[dict[str, Any]]:
    """Poor villages that have not exited, each with what is open in it; three queries."""
    rows: Any = VillageYear.objects.filter(
        within(prefixes, "region_code"), year=year, is_poor_village=True, exited_year__isnull=True
    )
    villages = list(rows.select_related("region__parent").order_by("region_code"))
    codes = [row.region_code for row in villages]
    standing = set(
        ExitCase.objects.filter(
            region_code__in=codes, partition=year, is_standing=True
        ).values_list("region_code", flat=True)
    )
    open_items = service.unready(SubjectLevel.VILLAGE, codes, year) if codes else {}
    return [
        {
            "region": row.region,
            "town": row.region.parent.name if row.region.parent else "",
            "why": "正在办理退出" if row.region_code in standing else
            open_items.get(row.region_code, ""),
        }
        for row in villages
    ]  # fmt: skip


def seen(request: HttpRequest, pk: int) -> ExitProcedure:
    """The procedure, for whoever may read and see it; 404 otherwise."""
    require(request, READ)
    found = ExitProcedure.objects.visible_to(actor_of(request)).select_related("region")
    return get_object_or_404(found, pk=pk)


def _handled(request: HttpRequest, pk: int) -> ExitProcedure:
    require(request, DECIDE)
    found = seen(request, pk)
    if not covers(actor_of(request), found.region_code, DECIDE):
        raise Http404
    return found


@require_GET
def procedure_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One procedure: its list, every step with its notice, and what this person can do now."""
    return _page(request, seen(request, pk))


def _page(request: HttpRequest, procedure: ExitProcedure, **forms: Any) -> HttpResponse:
    today = timezone.localdate()
    actor: Any = actor_of(request)
    template = service.template_of(procedure)
    steps = queries.clock(procedure, template, today)
    now = next((one for one in steps if one["is_now"]), None)
    decides = service.decides(procedure, actor)
    cases = list(procedure.cases.select_related("reversal").order_by("region_code"))
    context: dict[str, Any] = {
        "procedure": procedure,
        "title": dict(_LEVELS)[SubjectLevel(procedure.level)],
        "tone": queries.TONES[ProcedureState(procedure.state)],
        "steps": steps,
        "now": now,
        "cases": [{"one": case, "back": getattr(case, "reversal", None)} for case in cases],
        "live": sum(case.dropped_on is None for case in cases),
        "decides": decides,
        "may_object": covers(actor, procedure.region_code, DECIDE),
        "may_reverse": procedure.state == ProcedureState.DONE
        and service.decides_at(
            actor.prefixes_for(DECIDE), procedure.region_code, template.steps[-1].level
        ),
        "reversal": ExitReversalForm(auto_id="back_%s"),
        "objection": ExitObjectionForm(auto_id="object_%s"),
        "is_county": procedure.level == SubjectLevel.COUNTY,
        "obstacle": "",
        "rule": None,
        "posting": None,
        "same_person": False,
        "decision": None,
        **forms,
    }
    if now and decides:
        step = now["step"]
        context["obstacle"] = service.obstacle_of(procedure, step, today)
        by = [one["decided"].created_by_id for one in steps if one["decided"]]
        context["same_person"] = by[-1:] == [request.user.pk]
        context["decision"] = context["decision"] or ExitDecisionForm()
        if step.has_notice and now["notice"] is None:
            context["rule"] = service.rule_of(procedure, step)
            context["posting"] = ExitNoticeForm(auto_id="post_%s")
    status = 422 if forms else 200
    return render(request, "exits/procedure.html", context, status=status)


def _act(
    request: HttpRequest, pk: int, form: Any, act: Callable[[dict[str, Any]], object], done: str
) -> HttpResponse:
    if not form.is_valid():
        told = [f"{form.fields[name].label}：{words[0]}" for name, words in form.errors.items()]
        messages.warning(request, "没有保存。" + "；".join(told))
        return redirect("exits:procedure", pk=pk)
    try:
        act(form.cleaned_data)
    except UnfitError as unfit:
        messages.warning(request, str(unfit))
    else:
        messages.success(request, done)
    return redirect("exits:procedure", pk=pk)


@require_POST
def procedure_decide(request: HttpRequest, pk: int) -> HttpResponse:
    procedure = _handled(request, pk)
    # The page's own step: a second click, or a page of yesterday, decides nothing else.
    if procedure.step == "" or request.POST.get("step") != procedure.step:
        messages.warning(request, "这一步已经办理，请查看最新情况。")
        return redirect("exits:procedure", pk=pk)
    form = ExitDecisionForm(request.POST)
    if not form.is_valid():
        return _page(request, procedure, decision=form)
    return _act(
        request, pk, form,
        lambda told: service.decide(
            procedure=procedure, said=Said(**told), on=timezone.localdate(), by=request.user
        ),
        "已记录决定。",
    )  # fmt: skip


@require_POST
def procedure_post(request: HttpRequest, pk: int) -> HttpResponse:
    """Start the notice of the step at hand today."""
    procedure = _handled(request, pk)
    return _act(
        request, pk, ExitNoticeForm(request.POST),
        lambda told: service.post_notice(
            procedure=procedure, place=told["place"], on=timezone.localdate(), by=request.user
        ),
        "已开始公示。",
    )  # fmt: skip


@require_POST
def procedure_object(request: HttpRequest, pk: int) -> HttpResponse:
    """Put down an objection to the notice that is posted now."""
    procedure = _handled(request, pk)
    notice = ExitNotice.objects.filter(procedure=procedure, step=procedure.step).first()
    if notice is None:
        messages.warning(request, "现在没有公示。")
        return redirect("exits:procedure", pk=pk)
    return _act(
        request, pk, ExitObjectionForm(request.POST),
        lambda told: service.raise_objection(
            notice=notice, **told, on=timezone.localdate(), by=request.user
        ),
        "已登记异议；答复以前本步骤不能办结。",
    )  # fmt: skip


@require_POST
def procedure_answer(request: HttpRequest, pk: int, objection: int) -> HttpResponse:
    procedure = _handled(request, pk)
    found = get_object_or_404(ExitObjection, notice__procedure=procedure, pk=objection)
    try:
        service.answer_objection(
            objection=found, answer=request.POST.get("answer", "").strip()[:500],
            on=timezone.localdate(), by=request.user,
        )  # fmt: skip
    except UnfitError as unfit:
        messages.warning(request, str(unfit))
    else:
        messages.success(request, "已答复。")
    return redirect("exits:procedure", pk=pk)


@require_POST
def procedure_drop(request: HttpRequest, pk: int, case: int) -> HttpResponse:
    procedure = _handled(request, pk)
    found = get_object_or_404(ExitCase, procedure=procedure, pk=case)
    try:
        service.drop_case(
            case=found, on=timezone.localdate(), by=request.user,
            reason=request.POST.get("reason", "").strip()[:200],
        )  # fmt: skip
    except UnfitError as unfit:
        messages.warning(request, str(unfit))
    else:
        messages.success(request, "已从名单中去掉。")
    return redirect("exits:procedure", pk=pk)


@require_POST
def procedure_reverse(request: HttpRequest, pk: int, case: int) -> HttpResponse:
    """Take the exit of one place back."""
    procedure = _handled(request, pk)
    found = get_object_or_404(ExitCase, procedure=procedure, pk=case)
    return _act(
        request, pk, ExitReversalForm(request.POST),
        lambda told: service.reverse_exit(
            case=found, on=timezone.localdate(), **told, by=request.user
        ),
        "已撤销退出。",
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def procedure_rules(request: HttpRequest) -> HttpResponse:
    """How long notices hang here: what the product's sources say, and what this region set."""
    require(request, DECIDE)
    actor: Any = actor_of(request)
    prefixes = actor.prefixes_for(DECIDE)
    form = ExitRuleForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        region = Region.objects.filter(code=prefixes[0].ljust(12, "0")).order_by("pk").last()
        if region is None:
            raise Http404
        told = form.cleaned_data
        step = "TOWN_NOTICE" if told["level"] == SubjectLevel.VILLAGE else "PUBLIC_NOTICE"
        try:
            service.set_rule(region=region, step=step, **told, by=request.user)
        except UnfitError as unfit:
            form.add_error(None, str(unfit))
        else:
            messages.success(request, "已保存；已经开始的公示不变。")
            return redirect("exits:procedure-rules")
    shown = [
        (dict(_LEVELS)[SubjectLevel(one.level)], one.region_prefix, step)
        for one in exit_templates()
        for step in one.steps
        if step.has_notice and any(
            prefix.startswith(one.region_prefix) for prefix in prefixes
        )
    ]  # fmt: skip
    own = ExitRule.objects.filter(
        region_code__in=[prefix[:n].ljust(12, "0") for prefix in prefixes for n in (4, 6, 9)]
    )
    context = {"form": form, "sourced": shown, "rules": own.order_by("level", "region_code")}
    status = 422 if request.method == "POST" else 200
    return render(request, "exits/procedure_rules.html", context, status=status)
