"""Procedures: their list, one with its clock, and the acts on it."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core import ledger
from core.scope import covers, within
from core.web import actor_of, chosen_partitions, partition_of, require
from households import formulas
from households.enums import EXITED, POOR
from households.formulas import STEP_LABELS, TEMPLATES
from households.models import Objection, Procedure, ProcedureCase, Publicity
from households.queries import procedures as queries
from households.services import procedure as service
from households.services.members import UnfitError
from households.views.procedure_forms import (
    AnswerForm,
    ApplicantForm,
    DecisionForm,
    DropForm,
    NoticeForm,
    ObjectionForm,
    RuleForm,
    StartForm,
)
from villages.models import Region

READ = "households.view_register"
EDIT, REVIEW, MANAGE = service.EDIT, service.REVIEW, "households.manage_review"
PAGE = 50


@require_GET
def procedure_list(request: HttpRequest) -> HttpResponse:
    """Procedures of the year, by kind and step; those whose notice has run out on demand."""
    require(request, READ)
    asked = {name: request.GET.get(name, "") for name in ("kind", "step", "due")}
    kind = asked["kind"] if asked["kind"] in TEMPLATES else ""
    step = asked["step"] if asked["step"] in STEP_LABELS else ""
    found = queries.listed(
        actor_of(request), partition_of(request) or 0, kind=kind, step=step,
        due=asked["due"] == "1", today=timezone.localdate(),
    )  # fmt: skip
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    asked = {name: value for name, value in asked.items() if value}
    context = {
        "page": page,
        "procedures": [
            {"one": one, "tone": queries.TONES[one.state], "place": place_of(one.village)}
            for one in page
        ],
        "kinds": [(code, template.label) for code, template in TEMPLATES.items()],
        "steps": list(STEP_LABELS.items()),
        "asked": asked,
        "previous": {**asked, "page": page.previous_page_number()} if page.has_previous() else None,
        "next": {**asked, "page": page.next_page_number()} if page.has_next() else None,
        "may_start": request.user.has_perm(EDIT),
        "may_manage": request.user.has_perm(MANAGE),
    }
    return render(request, "households/procedure_list.html", context)


def place_of(village: Region) -> str:
    """Town and village; a list of divisions without parents leaves the town out."""
    return f"{village.parent.name} {village.name}" if village.parent else village.name


@require_http_methods(["GET", "POST"])
def procedure_new(request: HttpRequest) -> HttpResponse:
    """Choose what and where, then whom; a new household applies with its members."""
    require(request, EDIT)
    actor, year = actor_of(request), partition_of(request)
    told = request.POST if request.method == "POST" else request.GET
    kind = told.get("kind", "")
    kind = kind if kind in TEMPLATES else formulas.IDENTIFY
    if request.method == "POST" and str(told.get("year", "")).isdecimal():
        year = int(told["year"]) if int(told["year"]) in chosen_partitions() else year
    villages = _villages(actor)
    village = next((one for one in villages if one.code == told.get("village")), None)
    if village is None and len(villages) == 1:
        village = villages[0]
    if village is None or year is None:
        chosen: dict[str, Any] = {"villages": _choices(villages), "kinds": _kinds(), "kind": kind}
        status = 422 if request.method == "POST" else 200
        return render(request, "households/procedure_new.html", chosen, status=status)
    is_new = kind == formulas.IDENTIFY
    start = StartForm(request.POST or None)
    applicant = ApplicantForm(request.POST or None) if is_new else None
    rows = [] if is_new else list(_candidates(kind, village, year, request))
    if request.method == "POST" and start.is_valid() and (not applicant or applicant.is_valid()):
        wanted = set(request.POST.getlist("households"))
        try:
            made = service.start(
                village=village, partition=year, kind=kind, on=timezone.localdate(),
                reason=start.cleaned_data["reason"],
                rows=[row for row in rows if str(row.pk) in wanted],
                applicants=[applicant.told()] if applicant else [], by=request.user,
            )  # fmt: skip
        except UnfitError as unfit:
            start.add_error(None, str(unfit))
        else:
            messages.success(request, "已提出，等待民主评议。")
            return redirect("households:procedure", pk=made.pk)
    context = {
        "villages": _choices(villages), "village": village, "place": place_of(village),
        "kinds": _kinds(), "kind": kind, "year": year, "label": TEMPLATES[kind].label,
        "start": start, "applicant": applicant, "rows": rows, "source": TEMPLATES[kind].source,
    }  # fmt: skip
    status = 422 if request.method == "POST" else 200
    return render(request, "households/procedure_new.html", context, status=status)


def _choices(villages: list[Region]) -> list[tuple[str, str]]:
    return [(one.code, place_of(one)) for one in villages]


def _kinds() -> list[tuple[str, str]]:
    return [(code, template.label) for code, template in TEMPLATES.items()]


def _villages(actor: Any) -> list[Region]:
    today = timezone.localdate()
    places = Region.objects.valid_on(today).filter(
        within(actor.prefixes_for(EDIT), "code"), level="village"
    )
    return list(places.select_related("parent").order_by("code"))


def _candidates(kind: str, village: Region, year: int, request: HttpRequest) -> Any:
    statuses = EXITED if kind == formulas.RELAPSE else POOR
    found: Any = queries.candidates(village.code, year, statuses, actor_of(request))
    return found


def _seen(request: HttpRequest, pk: int) -> Procedure:
    found = Procedure.objects.visible_to(actor_of(request)).select_related("village__parent")
    return get_object_or_404(found, pk=pk)


def _handled(request: HttpRequest, pk: int, right: str = REVIEW) -> Procedure:
    """A procedure in a region in which the actor holds the right."""
    require(request, right)
    found = _seen(request, pk)
    if not covers(actor_of(request), found.village_code, right):
        raise Http404
    return found


@require_GET
def procedure_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One procedure: its list, every step with its notice, and what this person can do now."""
    require(request, READ)
    procedure = _seen(request, pk)
    return _page(request, procedure)


def _page(request: HttpRequest, procedure: Procedure, **forms: Any) -> HttpResponse:
    today = timezone.localdate()
    actor: Any = actor_of(request)
    steps = queries.clock(procedure, today)
    now = next((one for one in steps if one["is_now"]), None)
    cases = list(procedure.cases.select_related("household").order_by("group_name", "pk"))
    decides = service.decides(procedure, actor)
    context: dict[str, Any] = {
        "procedure": procedure,
        "place": place_of(procedure.village),
        "tone": queries.TONES[procedure.state],
        "source": TEMPLATES[procedure.kind].source,
        "steps": steps,
        "now": now,
        "cases": cases,
        "live": sum(case.dropped_on is None for case in cases),
        "decides": decides,
        "may_object": covers(actor, procedure.village_code, REVIEW),
        "may_apply": procedure.kind == formulas.IDENTIFY
        and procedure.position == 1
        and now is not None
        and covers(actor, procedure.village_code, EDIT),
        "objection": ObjectionForm(auto_id="object_%s"),
        **forms,
    }
    if now and decides:
        step = now["step"]
        context["obstacle"] = service.obstacle_of(procedure, step, today)
        by = [one["decided"].created_by_id for one in steps if one["decided"]]
        context["same_person"] = by[-1:] == [request.user.pk]
        context.setdefault("decision", DecisionForm(has_minutes=step.has_minutes))
        if step.has_notice and now["notice"] is None:
            context["rule"] = service.rule_of(procedure, step)
            context.setdefault("posting", NoticeForm(auto_id="post_%s"))
    if context["may_apply"]:
        context.setdefault("applicant", ApplicantForm())
    status = 422 if forms else 200
    return render(request, "households/procedure.html", context, status=status)


def _act(
    request: HttpRequest, procedure: Procedure, act: Callable[[], object], done: str
) -> HttpResponse:
    try:
        act()
    except UnfitError as unfit:
        messages.warning(request, str(unfit))
    else:
        messages.success(request, done)
    return redirect("households:procedure", pk=procedure.pk)


def _told_off(request: HttpRequest, procedure: Procedure, form: Any) -> HttpResponse:
    """What is wrong with a short form is told beside the others, which stand on the page."""
    told = [f"{form.fields[name].label}：{words[0]}" for name, words in form.errors.items()]
    messages.warning(request, "没有保存。" + "；".join(told))
    return redirect("households:procedure", pk=procedure.pk)


@require_POST
def procedure_decide(request: HttpRequest, pk: int) -> HttpResponse:
    procedure = _handled(request, pk)
    step = TEMPLATES[procedure.kind].at(procedure.position)
    form = DecisionForm(request.POST, has_minutes=bool(step and step.has_minutes))
    # The page's own step: a second click, or a page of yesterday, decides nothing else.
    if step is None or request.POST.get("step") != step.code:
        messages.warning(request, "这一步已经办理，请查看最新情况。")
        return redirect("households:procedure", pk=pk)
    if not form.is_valid():
        return _page(request, procedure, decision=form)
    clean = form.cleaned_data
    return _act(
        request,
        procedure,
        lambda: service.decide(
            procedure=procedure, decision=clean["decision"], reason=clean["reason"],
            on=timezone.localdate(), minutes=form.told(), evidence=clean["evidence"],
            by=request.user,
        ),
        "已记录决定。",
    )  # fmt: skip


@require_POST
def procedure_post(request: HttpRequest, pk: int) -> HttpResponse:
    """Start the notice of the step at hand today."""
    procedure = _handled(request, pk)
    form = NoticeForm(request.POST)
    if not form.is_valid():
        return _told_off(request, procedure, form)
    return _act(
        request,
        procedure,
        lambda: service.post_notice(
            procedure=procedure, place=form.cleaned_data["place"], on=timezone.localdate(),
            by=request.user,
        ),
        "已开始公示。",
    )  # fmt: skip


@require_POST
def procedure_apply(request: HttpRequest, pk: int) -> HttpResponse:
    """One more household on the list of applicants."""
    procedure = _handled(request, pk, EDIT)
    form = ApplicantForm(request.POST)
    if not form.is_valid():
        return _page(request, procedure, applicant=form)
    return _act(
        request,
        procedure,
        lambda: service.add_applicant(procedure=procedure, applicant=form.told(), by=request.user),
        "已加入名单。",
    )


@require_POST
def procedure_drop(request: HttpRequest, pk: int, case: int) -> HttpResponse:
    procedure = _handled(request, pk)
    found = get_object_or_404(ProcedureCase, procedure=procedure, pk=case)
    form = DropForm(request.POST)
    if not form.is_valid():
        return _told_off(request, procedure, form)
    return _act(
        request,
        procedure,
        lambda: service.drop_case(
            case=found, on=timezone.localdate(), reason=form.cleaned_data["reason"],
            by=request.user,
        ),
        "已从名单中去掉。",
    )  # fmt: skip


@require_POST
def procedure_object(request: HttpRequest, pk: int) -> HttpResponse:
    """Put down an objection to the notice that is posted now."""
    procedure = _handled(request, pk)
    notice = Publicity.objects.filter(procedure=procedure, step=procedure.step).first()
    form = ObjectionForm(request.POST)
    if notice is None or not form.is_valid():
        if notice is None:
            messages.warning(request, "现在没有公示。")
            return redirect("households:procedure", pk=pk)
        return _told_off(request, procedure, form)
    clean = form.cleaned_data
    return _act(
        request,
        procedure,
        lambda: service.raise_objection(
            publicity=notice, raised_by=clean["raised_by"], words=clean["words"],
            on=timezone.localdate(), by=request.user,
        ),
        "已登记异议；答复以前本步骤不能办结。",
    )  # fmt: skip


@require_POST
def procedure_answer(request: HttpRequest, pk: int, objection: int) -> HttpResponse:
    procedure = _handled(request, pk)
    found = get_object_or_404(Objection, publicity__procedure=procedure, pk=objection)
    form = AnswerForm(request.POST)
    if not form.is_valid():
        return _told_off(request, procedure, form)
    return _act(
        request,
        procedure,
        lambda: service.answer_objection(
            objection=found, answer=form.cleaned_data["answer"], on=timezone.localdate(),
            by=request.user,
        ),
        "已答复。",
    )  # fmt: skip


@require_GET
def procedure_notice(request: HttpRequest, pk: int, step: str) -> HttpResponse:
    """The list as it hangs on the wall: groups and names, nothing else of anybody."""
    require(request, READ)
    procedure = _seen(request, pk)
    steps = {one.code: one for one in TEMPLATES[procedure.kind].steps if one.has_notice}
    if step not in steps:
        raise Http404
    notice = Publicity.objects.filter(procedure=procedure, step=step).first()
    names, fits = service.posted_list(procedure, notice)
    context = {
        "procedure": procedure,
        "place": place_of(procedure.village),
        "step": steps[step],
        "notice": notice,
        "names": names,
        "fits": fits,
        "is_changed": notice is not None and names != service.notice_list(procedure),
    }
    ledger.note(
        ledger.Act.PRINT,
        request,
        subject_kind="procedure",
        subject=str(pk),
        region=procedure.village_code,
    )
    return render(request, "households/procedure_notice.html", context)


@require_http_methods(["GET", "POST"])
def procedure_rules(request: HttpRequest) -> HttpResponse:
    """How long this county posts its notices, each with its source."""
    require(request, MANAGE)
    actor: Any = actor_of(request)
    counties = tuple(one for one in actor.prefixes_for(MANAGE) if len(one) == formulas.COUNTY)
    form = RuleForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if not counties:
            raise Http404
        clean = form.cleaned_data
        kind, step = clean["what"].split(".")
        service.set_rule(
            county=counties[0], kind=kind, step=step, min_days=clean["min_days"],
            day_kind=clean["day_kind"], holidays=clean["holidays"], made_up=clean["made_up"],
            source=clean["source"], bars_new=clean["bars_new"], by=request.user,
        )  # fmt: skip
        messages.success(request, "已保存，此后张贴的公示按新天数计算。")
        return redirect("households:procedure-rules")
    context = {
        "form": form,
        "rules": queries.rules_of(counties),
        "sourced": [
            (template.label, step)
            for template in TEMPLATES.values()
            for step in template.steps
            if step.has_notice
        ],
        "may_set": bool(counties),
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "households/procedure_rules.html", context, status=status)
