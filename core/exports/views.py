"""The page of exports: own files and requests, and requests of others to decide about."""

from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET, require_POST

from core import papers
from core.exports import services
from core.exports.forms import FULL, DecisionForm, ExportForm
from core.exports.kinds import kind_of, label_of, words_of
from core.exports.models import PDF, ExportFile, ExportRelease, FileState, Format, ReleaseState
from core.limits import limited
from core.web import require
from core.workbooks import writing

SHOWN = 50
TONES = {
    ReleaseState.ASKED: "warn",
    ReleaseState.RELEASED: "good",
    ReleaseState.REFUSED: "bad",
    ReleaseState.EXPIRED: "neutral",
    ReleaseState.USED: "neutral",
    FileState.WAITING: "info",
    FileState.READY: "good",
    FileState.FAILED: "bad",
    FileState.REMOVED: "neutral",
}
MIME: dict[str, str] = {Format.XLSX: writing.XLSX, Format.CSV: writing.CSV, PDF: papers.PDF}


def answer(
    request: HttpRequest,
    form: ExportForm,
    *,
    kind: str,
    terms: dict[str, Any],
    place: str,
    rows: int,
) -> HttpResponse | None:
    """Do what a valid form asks for, on behalf of any list; None with an error added to the form."""
    user: Any = request.user
    data = form.cleaned_data
    region, full = services.region_of(user, place), data["numbers"] == FULL
    order = services.Order(kind, terms, region, data["file_format"], data["purpose"], rows)
    if not full and rows <= services.AT_ONCE:
        return _at_once(request, order, within=region if place else "")
    if not order.can_be_stored:
        form.add_error(None, "按姓名、编号查找的清单不能这样导出，请先去掉该条件。")
        return None
    # The file holds what lies in its region, which may be less than the page shows.
    order = replace(order, rows=kind_of(kind).count(terms, user, region=region, full=full))
    if not full:
        services.later(order=order, request=request, by=user)
        messages.success(request, f"共 {order.rows:,} 行，正在后台生成，完成后在本页下载。")
        return redirect("exports:list")
    try:
        services.ask(order=order, request=request, by=user)
    except services.NotAllowedError as refusal:
        form.add_error("numbers", str(refusal))
        return None
    messages.success(request, "申请已提交，等待有复核权限的人放行。")
    return redirect("exports:list")


def _at_once(request: HttpRequest, order: services.Order, *, within: str) -> HttpResponse:
    body = services.now(order=order, within=within, request=request, by=request.user)
    response = HttpResponse(body, content_type=MIME[order.file_format])
    name = _name(label_of(order.kind), order.file_format)
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name)
    return response


def _name(label: str, file_format: str) -> str:
    return f"{label}-{timezone.localdate():%Y%m%d}.{file_format}"


@require_GET
def export_list(request: HttpRequest) -> HttpResponse:
    user: Any = request.user
    files = ExportFile.objects.filter(asked_by=user).select_related("job")[:SHOWN]
    asked = ExportRelease.objects.filter(asked_by=user).select_related("decided_by")[:SHOWN]
    to_decide = ExportRelease.objects.filter(
        services.may_decide(user), state=ReleaseState.ASKED, expires_at__gt=timezone.now()
    ).select_related("asked_by")[:SHOWN]
    context = {
        "files": [_shown(file) for file in files],
        "asked": [_shown(release) for release in asked],
        "to_decide": [_shown(release) for release in to_decide],
        "may_release": user.has_perm(services.RELEASE),
    }
    return render(request, "core/exports/list.html", context)


def _shown(row: Any) -> Any:
    row.label = label_of(row.kind)
    row.words = words_of(row.kind, row.terms)
    row.state_label = row.get_state_display()
    row.tone = TONES[row.state]
    is_over = row.expires_at <= timezone.now()
    row.may_use = row.state == ReleaseState.RELEASED and not is_over
    row.may_download = row.state == FileState.READY and not is_over
    return row


@require_GET
def download(request: HttpRequest, pk: int) -> HttpResponseBase:
    file = get_object_or_404(ExportFile, pk=pk, asked_by_id=request.user.pk)
    try:
        path = services.open_for(file=file, request=request, by=request.user)
    except (services.NotAllowedError, services.WrongStateError) as error:
        raise Http404 from error
    return FileResponse(
        path.open("rb"),
        as_attachment=True,
        filename=_name(kind_of(file.kind).label, file.file_format),
        content_type=MIME[file.file_format],
    )


@require_POST
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Release or refuse; somebody else's region and one's own requests are not there at all."""
    require(request, services.RELEASE)
    found = get_object_or_404(
        ExportRelease.objects.filter(services.may_decide(request.user)), pk=pk
    )
    form = DecisionForm(request.POST)
    if not form.is_valid():
        messages.warning(request, "退回时请写明原因（不超过 200 字）。")
        return redirect("exports:list")
    act = services.release if form.cleaned_data["decision"] == "release" else services.refuse
    try:
        act(release=found, remark=form.cleaned_data["remark"], request=request, by=request.user)
        messages.success(request, "已放行。" if act is services.release else "已退回。")
    except services.WrongStateError:
        messages.warning(request, "申请的状态已变化，请看页面上的最新状态。")
    return redirect("exports:list")


@require_POST
@limited("export")
def use(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(ExportRelease, pk=pk, asked_by_id=request.user.pk)
    try:
        services.use(release=found, request=request, by=request.user)
        messages.success(request, "正在后台生成，完成后在本页下载。")
    except services.NotAllowedError as refusal:
        messages.warning(request, str(refusal))
    except services.WrongStateError:
        messages.warning(request, "放行已使用或已过期。")
    return redirect("exports:list")
