"""Problems by workbook: the form to fill in, handing in, looking over, taking over, rows handed back."""

import tempfile
from pathlib import Path
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET, require_http_methods

from core.limits import limited
from core.scope import covers, within
from core.web import actor_of, require
from core.workbooks import guard
from core.workbooks.refusal import RefusedError
from core.workbooks.writing import XLSX
from inspections.models import Campaign, FindingWorkbook
from inspections.queries.findings import campaigns as queries
from inspections.services.common import UnfitError
from inspections.services.findings import loading as service
from inspections.services.findings.common import FIND
from inspections.workbooks import findings as workbooks
from projects.services.loading import Line

# Rows of each kind that the page shows; the rest is told by its number.
SHOWN = 200
_OFFERED = 200


class LoadForm(forms.Form):
    """A workbook of the problems of an inspection."""

    campaign = forms.ChoiceField(label="检查")
    file = forms.FileField(label="工作簿", help_text="xlsx、xls 或 csv；照模板填写。")

    def __init__(self, *args: Any, campaigns: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["campaign"].choices = campaigns  # type: ignore[attr-defined]


@require_GET
def blank(request: HttpRequest) -> HttpResponse:
    """The workbook to fill in."""
    require(request, FIND)
    return _file(workbooks.form_to_fill_in(), "问题清单模板.xlsx")


def _file(body: bytes, name: str) -> HttpResponse:
    response = HttpResponse(body, content_type=XLSX)
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name)
    return response


@require_http_methods(["GET", "POST"])
@limited("upload", methods=("POST",))
def load(request: HttpRequest) -> HttpResponse:
    """Hand in a workbook, see what each row would become, take it over, get wrong rows back."""
    require(request, FIND)
    told = request.POST if request.method == "POST" else request.GET
    if key := told.get("workbook", ""):
        return _looked_over(request, _seen(request, key))
    start = _campaign(request, request.GET.get("campaign", ""))
    form = LoadForm(
        *((request.POST, request.FILES) if request.method == "POST" else ()),
        campaigns=_campaigns(request, start), initial={"campaign": start.pk if start else ""},
    )  # fmt: skip
    if request.method == "POST" and form.is_valid():
        campaign = _campaign(request, form.cleaned_data["campaign"])
        try:
            lines = _lines(form.cleaned_data["file"])
            kept = service.keep(campaign=campaign, lines=lines, by=request.user)  # type: ignore[arg-type]
        except (RefusedError, UnfitError) as refusal:
            form.add_error("file", str(refusal))
        else:
            return redirect(f"{reverse('findings:load')}?workbook={kept.pk}")
    context = {"form": form, "one": start, "columns": service.COLUMNS}
    return render(request, "findings/load.html", context, status=422 if form.is_bound else 200)


def _campaign(request: HttpRequest, key: str) -> Campaign | None:
    """The inspection that is asked for, for somebody who registers problems of its place."""
    if not key:
        return None
    if not (key.isascii() and key.isdigit() and len(key) < 19):
        raise Http404
    found = queries.visible(actor_of(request)).select_related("region")
    campaign: Campaign = get_object_or_404(found, pk=int(key))
    if not covers(actor_of(request), campaign.region_code, FIND):
        raise PermissionDenied
    return campaign


def _campaigns(request: HttpRequest, start: Campaign | None) -> list[tuple[str, str]]:
    actor = actor_of(request)
    found = queries.visible(actor).filter(within(actor.prefixes_for(FIND), "region_code"))
    offered = list(found.order_by("-told_on", "-pk")[:_OFFERED])
    if start is not None and start not in offered:
        offered.append(start)
    return [(str(one.pk), f"{one.name}（{one.document}）") for one in offered]


def _lines(file: Any) -> list[Line]:
    """The upload on disk for the parser, and gone at the end."""
    Path(settings.UPLOAD_DIR).mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=settings.UPLOAD_DIR, suffix=".part") as target:
        for chunk in file.chunks():
            target.write(chunk)
        target.flush()
        path = Path(target.name)
        return workbooks.read(path, guard.tell_format(path))


def _seen(request: HttpRequest, key: str) -> FindingWorkbook:
    """One's own workbook."""
    if not (key.isascii() and key.isdigit() and len(key) < 19):
        raise Http404
    found = FindingWorkbook.objects.visible_to(actor_of(request)).select_related("campaign__region")
    mine: FindingWorkbook = get_object_or_404(found, pk=int(key), created_by=request.user.pk)
    return mine


def _looked_over(request: HttpRequest, workbook: FindingWorkbook) -> HttpResponse:
    today, refusal = timezone.localdate(), ""
    act = request.POST.get("act", "")
    if act == "apply":
        try:
            done = service.take_over(workbook=workbook, today=today, by=request.user)
        except UnfitError as unfit:
            refusal = str(unfit)
        else:
            messages.success(
                request, f"已导入 {done.made:,} 个问题，已有 {done.known:,} 个，未作改动。"
            )
            if not done.lines:
                return redirect("findings:campaign", pk=workbook.campaign_id)
            return redirect(f"{reverse('findings:load')}?workbook={workbook.pk}")
    lines = service.lines_of(workbook)
    found = service.judged(lines=lines, campaign=workbook.campaign, today=today, by=request.user)
    if act == "return":
        return _file(workbooks.returned(lines, found.faults), "未导入的问题.xlsx")
    context = {
        "workbook": workbook,
        "one": workbook.campaign,
        "found": found,
        "new": found.new[:SHOWN],
        "known": found.known[:SHOWN],
        "faults": found.faults[:SHOWN],
        "wrong": len(found.wrong),
        "refusal": refusal,
        "form": None,
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "findings/load.html", context, status=status)
