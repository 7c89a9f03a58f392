"""Papers of a household or a procedure: what was handed in, handing in, opening, withdrawing."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from core import scans
from core.limits import limited
from core.scope import Actor, covers
from core.web import actor_of, require
from households.catalog import label
from households.models import Attachment, Change, HouseholdYear, Procedure
from households.services import attaching
from households.views.attachment_forms import OpenForm, UploadForm, WithdrawForm
from households.views.frame import READ, frame

_KILO = 1024


@require_http_methods(["GET", "POST"])
@limited("attach", methods=("POST",))
def of_household(request: HttpRequest, household_no: str) -> HttpResponse:
    """The papers of one household, of all its years; a new one is of the year the page is about."""
    found = frame(request, household_no, "papers")
    if isinstance(found, HttpResponse):
        return found
    row, actor = found.row, found.actor
    may_attach = attaching.may_attach(actor, row.household)
    change = _change_of(request, row)
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST":
        _refuse_others(request, may_attach)
        of_change = f"&change={change.pk}" if change else ""
        here = f"{request.path}?year={row.partition_id}{of_change}"
        done = _handed_in(
            request,
            form,
            here,
            lambda told: attaching.attach(
                household=row.household,
                partition=row.partition_id,
                change=change,
                by=request.user,
                **told,
            ),
        )
        if done is not None:
            return done
    papers = Attachment.objects.visible_to(actor).filter(household_id=row.household_id)
    where = f"第 {change.pk} 号变更" if change else f" {row.partition_id} 年度"
    context = found.context | {"about": f"归入{where}，同一份文件只存一次"}
    context |= _listed(actor, papers, form, may_attach)
    return _page(request, "households/attachments.html", context)


def _change_of(request: HttpRequest, row: HouseholdYear) -> Change | None:
    """The change of this household that a paper is handed in with, where the address names one."""
    number = request.GET.get("change", "")
    if not number:
        return None
    if not (number.isascii() and number.isdecimal() and len(number) < 19):
        raise Http404
    changes = Change.objects.visible_to(actor_of(request)).filter(
        household_id=row.household_id, partition_id=row.partition_id
    )
    return get_object_or_404(changes, pk=number)


@require_http_methods(["GET", "POST"])
@limited("attach", methods=("POST",))
def of_procedure(request: HttpRequest, pk: int) -> HttpResponse:
    """The papers of one procedure: minutes, photos of its notices."""
    require(request, READ)
    actor = actor_of(request)
    procedure = get_object_or_404(Procedure.objects.visible_to(actor), pk=pk)
    may_attach = attaching.may_attach_to(actor, procedure)
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST":
        _refuse_others(request, may_attach)
        done = _handed_in(
            request,
            form,
            request.path,
            lambda told: attaching.attach_to(procedure=procedure, by=request.user, **told),
        )
        if done is not None:
            return done
    number = f"第 {procedure.pk} 号"
    papers = Attachment.objects.visible_to(actor).filter(procedure=procedure)
    context = {
        "procedure": procedure,
        "about": "会议记录、公示照片等，同一份文件只存一次",
        "breadcrumbs": [
            {"name": "识别与退出程序", "href": reverse("households:procedures")},
            {"name": number, "href": reverse("households:procedure", args=[pk])},
            {"name": "附件", "href": ""},
        ],
        **_listed(actor, papers, form, may_attach),
    }
    return _page(request, "households/procedure_attachments.html", context)


def _refuse_others(request: HttpRequest, may_attach: bool) -> None:
    """Whoever enters nothing anywhere is told so; whoever does it elsewhere finds nothing here."""
    if not any(request.user.has_perm(right) for right in (attaching.EDIT, attaching.REVIEW)):
        require(request, attaching.EDIT)
    if not may_attach:
        raise Http404


def _handed_in(
    request: HttpRequest,
    form: UploadForm,
    here: str,
    attach: Callable[[dict[str, Any]], Attachment],
) -> HttpResponse | None:
    """Back to the page, or None with the errors on the form."""
    if not form.is_valid():
        return None
    try:
        attach(form.cleaned_data)
    except attaching.UnfitError as unfit:
        form.add_error("file", str(unfit))
        return None
    messages.success(request, "已上传。")
    return redirect(here)


def _listed(
    actor: Actor, papers: "QuerySet[Attachment]", form: UploadForm, may_attach: bool
) -> dict[str, Any]:
    """What both pages show of papers, and what this person may do with them."""
    rows = papers.select_related("created_by", "withdrawn_by").order_by("-partition_id", "-pk")
    shown = [_row(one) for one in rows]
    live = [one for one in shown if not one["paper"].withdrawn_at]
    return {
        "live": live,
        "withdrawn": [one for one in shown if one["paper"].withdrawn_at],
        "may_attach": may_attach,
        "form": form,
        "open_form": OpenForm(auto_id="open_%s"),
        "may_open": bool(live) and attaching.may_open(actor, live[0]["paper"]),
    }


def _page(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    status = 422 if request.method == "POST" else 200
    return render(request, template, context, status=status)


def _row(paper: Attachment) -> dict[str, Any]:
    return {
        "paper": paper,
        "kind": label(attaching.KINDS, paper.kind),
        "type": scans.SUFFIXES[paper.media_type].upper(),
        "size": f"{-(-paper.size // _KILO):,} KB",
    }


@require_POST
@limited("reveal")
def open_paper(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one paper, once, after noting who asked and why."""
    require(request, attaching.REVEAL)
    paper = _found(request, pk)
    if not attaching.may_open(actor_of(request), paper):
        raise Http404
    form = OpenForm(request.POST, auto_id="open_%s")
    if not form.is_valid():
        context = {"form": form, "paper": paper, "kind": label(attaching.KINDS, paper.kind)}
        return render(request, "households/attachment_open.html", context, status=422)
    try:
        body = attaching.opened(
            attachment=paper,
            purpose=form.cleaned_data["purpose"],
            words=form.cleaned_data["words"],
            request=request,
            by=request.user,
        )
    except attaching.UnfitError as unfit:
        messages.warning(request, str(unfit))
        return redirect(_page_of(paper))
    return scans.response(body, paper.media_type, attaching.stem_of(paper))


@require_POST
def withdraw_paper(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark a paper as no longer valid, with a reason; it stays on record."""
    if not request.user.has_perm(attaching.REVIEW):
        require(request, attaching.EDIT)
    paper = _found(request, pk)
    right = (attaching.EDIT,) if paper.household_id else (attaching.EDIT, attaching.REVIEW)
    if not any(covers(actor_of(request), paper.village_code, one) for one in right):
        raise Http404
    form = WithdrawForm(request.POST)
    if not form.is_valid():
        messages.warning(request, "没有作废。" + "；".join(map(str, form.errors["reason"])))
        return redirect(_page_of(paper))
    try:
        attaching.withdraw(attachment=paper, reason=form.cleaned_data["reason"], by=request.user)
    except attaching.UnfitError as unfit:
        messages.warning(request, str(unfit))
    else:
        messages.success(request, "已作废，附件和原因留有记录。")
    return redirect(_page_of(paper))


def _found(request: HttpRequest, pk: int) -> Attachment:
    papers = Attachment.objects.visible_to(actor_of(request))
    return get_object_or_404(papers.select_related("household", "procedure"), pk=pk)


def _page_of(paper: Attachment) -> str:
    if paper.household is None:
        return reverse("households:procedure-attachments", args=[paper.procedure_id])
    page = reverse("households:attachments", args=[paper.household.household_no])
    return f"{page}?year={paper.partition_id}"
