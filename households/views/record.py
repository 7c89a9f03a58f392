"""The page of one household in one year, and acts on it."""

import re
from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from core import ledger
from core.limits import limited
from core.scope import covers
from core.web import actor_of, require
from households.enums import Purpose
from households.forms import AssignForm, RevealForm
from households.models import Household, HouseholdYear, PersonYear
from households.queries import sheet
from households.queries.bulk import marks_shown
from households.queries.entrusted import entrusted_to
from households.queries.timeline import timeline
from households.services import assigning, revealing
from households.views.frame import NUMBER, READ, breadcrumbs, frame

REVEAL = "households.reveal"
ASSIGN = "households.assign"
EDIT = "households.edit"
# As many acts as the overview tells.
RECENT = 5


@require_GET
def detail(request: HttpRequest, household_no: str) -> HttpResponse:
    """One household as declared in the year the page is about."""
    found = frame(request, household_no, "overview")
    if isinstance(found, HttpResponse):
        return found
    row, members, actor = found.row, found.members, found.actor
    context = found.context | {
        "members": [sheet.member(member) for member in members],
        "facts": sheet.cards(row, actor),
        "income": sheet.income(row),
        "recent": timeline(row.household, actor).entries[:RECENT],
        "assignments": entrusted_to(row.household, actor),
        "may_assign": covers(actor, row.household.village_code, ASSIGN),
        "may_edit": covers(actor, row.village_code, EDIT),
    }
    context |= marks_shown(row.household, actor)
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
    context["breadcrumbs"] = breadcrumbs(household, row.partition_id)
    part = bool(request.headers.get("HX-Request"))
    template = "households/_reveal.html" if part else "households/reveal.html"
    response = render(request, template, context, status=200 if "revealed" in context else 422)
    response["Cache-Control"] = "no-store"
    return response


def _revealable(request: HttpRequest, household_no: str) -> HouseholdYear:
    """The household's year that the form names, where the actor holds the right; or a 404."""
    year = request.POST.get("year", "")
    actor = actor_of(request)
    rows = HouseholdYear.objects.visible_to(actor).filter(household__household_no=household_no)
    if not (NUMBER.fullmatch(household_no) and re.fullmatch("[0-9]{4}", year, re.ASCII)):
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
    years = HouseholdYear.objects.visible_to(actor_of(request))
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
    found = get_object_or_404(entrusted_to(household, actor_of(request)), pk=pk)
    assigning.end_assignment(assignment=found, by=request.user)
    messages.success(request, "已结束分派。")
    return redirect("households:detail", household_no=household_no)


def _assignable(request: HttpRequest, household_no: str) -> Household:
    """A household that lies in a region in which the actor may assign."""
    require(request, ASSIGN)
    actor = actor_of(request)
    found = get_object_or_404(Household.objects.visible_to(actor), household_no=household_no)
    if not covers(actor, found.village_code, ASSIGN):
        raise Http404
    return found
