"""Pages of an import: upload, preview, confirm."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.limits import limited
from core.scope import within
from core.web import actor_of, partition_of, require
from core.workbooks.guard import RefusedError
from imports import queries, services
from imports.enums import BatchState
from imports.forms import UploadForm
from imports.models import Batch, BatchQuerySet
from imports.services.receiving import ClosedPartitionError, WrongStateError

PERMISSION = "imports.load_workbook"
TONES = {
    BatchState.UPLOADED: "neutral",
    BatchState.STAGED: "warn",
    BatchState.APPLYING: "info",
    BatchState.APPLIED: "good",
    BatchState.REFUSED: "bad",
    BatchState.DISCARDED: "neutral",
}


def _shown(batch: Batch) -> Batch:
    batch.state_label = batch.get_state_display()  # type: ignore[attr-defined]
    batch.tone = TONES[BatchState(batch.state)]  # type: ignore[attr-defined]
    batch.href = reverse("imports:batch", args=[batch.pk])  # type: ignore[attr-defined]
    return batch


def _batches(request: HttpRequest) -> BatchQuerySet:
    """Batches of the divisions that the person may load into; elsewhere none exist for them."""
    actor = actor_of(request)
    return Batch.objects.visible_to(actor).filter(
        within(actor.prefixes_for(PERMISSION), "region_prefix")
    )


@require_GET
def batch_list(request: HttpRequest) -> HttpResponse:
    require(request, PERMISSION)
    batches = _batches(request).select_related("layout", "created_by")
    page = Paginator(batches, 50).get_page(request.GET.get("page"))
    return render(request, "imports/list.html", {"batches": [_shown(batch) for batch in page]})


@require_http_methods(["GET", "POST"])
@limited("upload", methods=("POST",))
def upload(request: HttpRequest) -> HttpResponse:
    require(request, PERMISSION)
    form = UploadForm(
        request.POST or None,
        request.FILES or None,
        user=request.user,
        initial={"partition": partition_of(request)},
    )
    if request.method == "POST" and form.is_valid():
        batch = _receive(request, form)
        if batch is not None:
            return redirect("imports:batch", pk=batch.pk)
    status = 200 if request.method == "GET" else 422
    return render(request, "imports/upload.html", {"form": form}, status=status)


def _receive(request: HttpRequest, form: UploadForm) -> Batch | None:
    data = form.cleaned_data
    try:
        batch = services.receive(
            chunks=data["file"].chunks(),
            file_name=data["file"].name,
            partition=data["partition"],
            region_prefix=data["region"],
            by=request.user,
        )
    except RefusedError as refusal:
        form.add_error("file", str(refusal))
        return None
    except ClosedPartitionError:
        form.add_error("partition", f"{data['partition']} 年度已关闭，不能导入。")
        return None
    services.request_stage(batch=batch, by=request.user)
    return batch


@require_GET
def batch(request: HttpRequest, pk: int) -> HttpResponse:
    require(request, PERMISSION)
    found = get_object_or_404(
        _batches(request).select_related("layout", "created_by", "job"), pk=pk
    )
    return render(request, "imports/batch.html", _context(request, found))


def _context(request: HttpRequest, found: Batch) -> dict[str, Any]:
    judged = found.state in (BatchState.STAGED, BatchState.APPLYING, BatchState.APPLIED)
    rule = request.GET.get("rule", "")
    return {
        "batch": _shown(found),
        "job": found.job,
        "may_apply": found.state == BatchState.STAGED,
        "preview": {
            "rows_read": found.rows_read,
            "households": found.counts("households"),
            "persons": found.counts("persons"),
        }
        if judged
        else None,
        "problems": queries.problem_summary(found) if judged else [],
        "problem_rows": queries.problem_rows(found, rule) if judged else [],
        "changes": queries.changed_fields(found) if judged else [],
        "change_rows": queries.change_rows(found) if found.state == BatchState.STAGED else [],
    }


def _decide(request: HttpRequest, pk: int, *, act: Any, done: str) -> HttpResponse:
    require(request, PERMISSION)
    found = get_object_or_404(_batches(request), pk=pk)
    try:
        act(batch=found, by=request.user)
        messages.success(request, done)
    except WrongStateError:
        messages.warning(request, "批次状态已变化，请看页面上的最新状态。")
    return redirect("imports:batch", pk=pk)


@require_POST
def apply(request: HttpRequest, pk: int) -> HttpResponse:
    return _decide(request, pk, act=services.request_apply, done="已开始写入，可以关闭页面。")


@require_POST
def discard(request: HttpRequest, pk: int) -> HttpResponse:
    return _decide(request, pk, act=services.discard, done="已放弃本批，没有写入任何数据。")
