"""What a person decides about a batch: how much is written, that it is, that it is not, or no more."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from core.limits import limited
from imports import services
from imports.enums import BatchState
from imports.forms import AcceptanceForm, ReturnForm
from imports.services import obstructing, pushing, undoing
from imports.services.receiving import WrongStateError
from imports.views.common import CHANGED_MEANWHILE, answer, found, shown


@require_POST
def apply(request: HttpRequest, pk: int) -> HttpResponse:
    return answer(
        request, found(request, pk), services.request_apply,
        step="applied", done="已开始写入，可以关闭页面。",
    )  # fmt: skip


@require_POST
def discard(request: HttpRequest, pk: int) -> HttpResponse:
    return answer(
        request, found(request, pk), services.discard,
        step="discarded", done="已放弃本批，没有写入任何数据。",
    )  # fmt: skip


@require_POST
def accept(request: HttpRequest, pk: int) -> HttpResponse:
    """Another way of taking a batch with faults: the counts are made anew before it is confirmed."""
    batch = found(request, pk)
    form = AcceptanceForm(request.POST)
    if not form.is_valid():
        messages.warning(request, "请选择接收方式。")
        return redirect("imports:batch", pk=pk)
    return answer(
        request, batch, services.request_acceptance, step="accepted",
        done="正在按新的接收方式重新核对。", acceptance=form.cleaned_data["acceptance"],
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    """First what would be taken back and what stands against it, then the deed."""
    batch = found(request, pk, "layout", "created_by", "applied_by")
    if request.method == "POST":
        try:
            return answer(
                request, batch, undoing.request_undo,
                step="undone", done="已开始撤销，可以关闭页面。",
            )  # fmt: skip
        except undoing.ObstructedError:
            # The page says what stands in the way.
            return redirect("imports:undo", pk=pk)
    if batch.state != BatchState.APPLIED:
        messages.warning(request, CHANGED_MEANWHILE)
        return redirect("imports:batch", pk=pk)
    context = {
        "batch": shown(batch),
        "obstacles": undoing.obstacles(batch),
        "looks_later": obstructing.is_large(batch),
    }
    return render(request, "imports/undo.html", context)


@require_POST
@limited("export")
def hand_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for a workbook made from the batch: with the reasons, or with what changes."""
    batch = found(request, pk)
    form = ReturnForm(request.POST)
    if not form.is_valid():
        messages.warning(request, "请选择要生成的文件。")
        return redirect("imports:batch", pk=pk)
    data = form.cleaned_data
    try:
        services.request_return(
            batch=batch,
            kind=data["kind"],
            field=data["field"],
            village_code=data["village"],
            by=request.user,
        )
    except WrongStateError as refusal:
        messages.warning(request, str(refusal) or CHANGED_MEANWHILE)
    else:
        pushing.note(batch, "returned", request=request, by=request.user, kind=data["kind"])
        messages.success(request, "正在后台生成，完成后在“退回文件”里下载。")
    return redirect("imports:batch", pk=pk)
