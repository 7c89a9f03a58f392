"""Who is sent where, and what surveyors bring back from the households that are theirs."""

from typing import Any

from django.contrib import messages
from django.contrib.auth import get_user_model
from django.core.paginator import Paginator
from django.db.models import BooleanField, Exists, F, Func, OuterRef, Q, Value
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.scope import covers
from core.web import actor_of, require
from inspections.enums import Purpose, Subject
from inspections.forms import AssignForm, ReplaceForm, VisitForm
from inspections.models import Questionnaire, SampleHousehold, SurveyTask, Visit
from inspections.models.common import assigned
from inspections.queries import standing
from inspections.services import surveying
from inspections.services.cases import Suspicion
from inspections.services.common import PLAN, SURVEY, UnfitError
from inspections.services.surveying import Filled
from inspections.views.rounds import handled, seen

PAGE = 100


def _surveyors(found: Any) -> list[tuple[int, str]]:
    """Whoever may survey today and need not stand back, in one query; `assign` asks again."""
    today = timezone.localdate()
    conflicted = Func(
        Value(found.pk), F("pk"), function="inspections_is_conflicted",
        output_field=BooleanField(),
    )  # fmt: skip
    people: Any = get_user_model()._default_manager.filter(
        Q(grants__valid_to__isnull=True) | Q(grants__valid_to__gte=today),
        is_active=True,
        grants__role="INSPECTOR",
        grants__revoked_at__isnull=True,
        grants__valid_from__lte=today,
    )
    fit = people.annotate(conflicted=conflicted).filter(conflicted=False)
    return [(one.pk, str(one)) for one in fit.distinct().order_by("pk")]


@require_GET
def sample_list(request: HttpRequest, pk: int) -> HttpResponse:
    """The drawn households in the order of the villages, and who is sent there."""
    found = seen(request, pk)
    actor = actor_of(request)
    rows: Any = standing.with_standing(
        SampleHousehold.objects.visible_to(actor).filter(round=found)
    ).select_related("frame", "village__frame")
    page = Paginator(rows.order_by("village_code", "kind", "is_reserve", "rank"), PAGE).get_page(
        request.GET.get("page")
    )
    sent = dict(
        SurveyTask.objects.visible_to(actor)
        .filter(sample__in=[row.pk for row in page], ended_at__isnull=True)
        .order_by("pk")
        .values_list("sample_id", "user__display_name")
    )
    runs = covers(actor, found.held_by, PLAN) and found.closed_at is None
    context = {
        "round": found,
        "page": page,
        "rows": [
            {
                "one": row,
                "standing": standing.STANDINGS[row.standing],
                "missed": row.standing == standing.MISSED,
                "sent": sent.get(row.pk, ""),
            }
            for row in page
        ],
        "previous": {"page": page.previous_page_number()} if page.has_previous() else None,
        "next": {"page": page.next_page_number()} if page.has_next() else None,
        "runs": runs,
        "form": AssignForm(surveyors=_surveyors(found)) if runs else None,
        "replacing": ReplaceForm(auto_id=False) if runs else None,
    }
    return render(request, "inspections/sample.html", context)


@require_POST
def sample_assign(request: HttpRequest, pk: int) -> HttpResponse:
    found = handled(request, pk)
    form = AssignForm(request.POST, surveyors=_surveyors(found))
    keys = [int(one) for one in request.POST.getlist("samples") if one.isdecimal()]
    if not form.is_valid() or not keys:
        messages.warning(request, "请选择调查员，并勾选样本户。")
        return redirect("inspections:sample", pk=pk)
    told = form.cleaned_data
    try:
        made = surveying.assign(
            round=found,
            samples=SampleHousehold.objects.filter(round=found, pk__in=keys),
            surveyor=get_user_model()._default_manager.get(pk=told["surveyor"]),
            purpose=told["purpose"],
            by=request.user,
        )
    except UnfitError as unfit:
        messages.warning(request, str(unfit))
    else:
        messages.success(request, f"已分派 {made} 户。")
    return redirect("inspections:sample", pk=pk)


@require_POST
def sample_replace(request: HttpRequest, pk: int, sample: int) -> HttpResponse:
    """The next of the list comes in for a household that could not be asked."""
    found = handled(request, pk)
    row = get_object_or_404(SampleHousehold.objects.filter(round=found), pk=sample)
    form = ReplaceForm(request.POST)
    if not form.is_valid():
        messages.warning(request, "请选择原因，并写明经过。")
        return redirect("inspections:sample", pk=pk)
    try:
        later = surveying.replace(sample=row, by=request.user, **form.cleaned_data)
    except UnfitError as unfit:
        messages.warning(request, str(unfit))
    else:
        messages.success(request, f"已由候补第 {later.rank} 户替换，请分派调查员。")
    return redirect("inspections:sample", pk=pk)


def mine(request: HttpRequest) -> Any:
    """The tasks of the surveyor who asks."""
    require(request, SURVEY)
    actor = actor_of(request)
    if actor.assigned_to is None:
        return SurveyTask.objects.none()
    return assigned(actor).filter(ended_at__isnull=True)


@require_GET
def visit_list(request: HttpRequest) -> HttpResponse:
    """The households that this surveyor is sent to now."""
    met = Visit.objects.filter(sample=OuterRef("sample"), purpose=OuterRef("purpose"), outcome="")
    tasks = (
        mine(request)
        .select_related("sample__frame", "sample__village__frame", "round")
        .annotate(is_met=Exists(met))
        # Whom one still has to visit stands first.
        .order_by("is_met", "village_code", "sample__kind", "sample__rank", "pk")
    )
    page = Paginator(tasks, PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "kinds": Subject.choices,
        "tasks": [{"one": one, "is_met": one.is_met} for one in page],
        "previous": {"page": page.previous_page_number()} if page.has_previous() else None,
        "next": {"page": page.next_page_number()} if page.has_next() else None,
    }
    return render(request, "inspections/visit_list.html", context)


@require_http_methods(["GET", "POST"])
def visit(request: HttpRequest, pk: int) -> HttpResponse:
    """The questionnaire of one household, for nobody but who is sent there."""
    tasks = mine(request).select_related("sample__frame", "sample__village__frame", "round")
    task = get_object_or_404(tasks, pk=pk)
    asked = (
        Questionnaire.objects.filter(subject=task.sample.kind).order_by("-version", "code").first()
    )
    if asked is None:
        raise Http404
    form = VisitForm(request.POST or None, schema=asked.schema, subject=task.sample.kind)
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        filled = None if told["outcome"] else filled_of(asked, form)
        try:
            surveying.record_visit(
                sample=task.sample, purpose=task.purpose, visited_at=told["visited_at"],
                place=told["place"], outcome=told["outcome"], filled=filled, by=request.user,
            )  # fmt: skip
        except UnfitError as unfit:
            form.add_error(None, str(unfit))
        else:
            messages.success(request, "已保存。")
            return redirect("inspections:visits")
    context = {
        "task": task,
        "asked": asked,
        "form": form,
        "purpose": Purpose(task.purpose).label,
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "inspections/visit.html", context, status=status)


def filled_of(asked: Questionnaire, form: VisitForm) -> Filled:
    """The questionnaire of a form that fits, with what is suspected after it."""
    return Filled(asked, form.answers(), _suspicions(form))


def _suspicions(form: VisitForm) -> tuple[Suspicion, ...]:
    told = form.cleaned_data
    return tuple(
        Suspicion(
            kind.value,
            told[f"{kind.value}_persons"],
            told[f"{kind.value}_reason"],
            told[f"{kind.value}_evidence"],
        )
        for kind in form.kinds
        if told.get(f"{kind.value}_persons")
    )
