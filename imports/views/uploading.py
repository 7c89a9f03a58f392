"""Handing a workbook in, for the first time or mended, and the list of what was handed in."""

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from core.limits import limited
from core.web import partition_of, require
from core.workbooks.guard import RefusedError
from imports import services
from imports.forms import HistoryForm, UploadForm
from imports.models import Batch
from imports.queries import listing
from imports.services import pushing
from imports.services.receiving import ClosedPartitionError
from imports.views.common import MANAGE, PERMISSION, batches_of, region_name, shown

PAGE = 50


@require_GET
def history(request: HttpRequest) -> HttpResponse:
    require(request, PERMISSION)
    batches = batches_of(request)
    form = HistoryForm(
        request.GET,
        layouts=[(layout.pk, str(layout)) for layout in listing.layouts_in(batches)],
        people=listing.uploaders(batches),
    )
    terms = form.cleaned_data if form.is_valid() else {}
    asked = {name: value for name, value in terms.items() if value}
    page = Paginator(listing.history(batches, terms), PAGE).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "page": page,
        "batches": [shown(batch) for batch in page],
        "previous": {**asked, "page": page.previous_page_number()} if page.has_previous() else None,
        "next": {**asked, "page": page.next_page_number()} if page.has_next() else None,
        "is_filtered": bool(asked) or not form.is_valid(),
        "may_manage": request.user.has_perm(MANAGE),
    }
    return render(request, "imports/list.html", context)


@require_http_methods(["GET", "POST"])
@limited("upload", methods=("POST",))
def upload(request: HttpRequest) -> HttpResponse:
    require(request, PERMISSION)
    return _upload(request, None)


@require_http_methods(["GET", "POST"])
@limited("upload", methods=("POST",))
def correct(request: HttpRequest, pk: int) -> HttpResponse:
    """The same page for a mended file of a batch: it goes to the same year and region."""
    require(request, PERMISSION)
    return _upload(request, get_object_or_404(batches_of(request), pk=pk))


def _upload(request: HttpRequest, corrects: Batch | None) -> HttpResponse:
    initial: dict[str, Any] = {"partition": partition_of(request)}
    if corrects is not None:
        initial = {"partition": corrects.partition, "region": corrects.region_prefix}
    form = UploadForm(
        request.POST or None, request.FILES or None, user=request.user, initial=initial
    )
    if corrects is not None:
        # A mended file belongs where the first one went.
        form.fields["partition"].disabled = True
        form.fields["region"].disabled = True
        region = corrects.region_prefix
        form.fields["region"].choices = [(region, region_name(region))]  # type: ignore[attr-defined]
    if request.method == "POST" and form.is_valid():
        batch = _receive(request, form, corrects)
        if batch is not None:
            return redirect("imports:batch", pk=batch.pk)
    context = {"form": form, "corrects": corrects}
    status = 200 if request.method == "GET" else 422
    return render(request, "imports/upload.html", context, status=status)


def _receive(request: HttpRequest, form: UploadForm, corrects: Batch | None) -> Batch | None:
    data = form.cleaned_data
    try:
        batch = services.receive(
            chunks=data["file"].chunks(),
            file_name=data["file"].name,
            partition=data["partition"],
            region_prefix=data["region"],
            corrects=corrects,
            by=request.user,
        )
    except RefusedError as refusal:
        form.add_error("file", f"{refusal}（代码 {refusal.code}）")
        return None
    except ClosedPartitionError:
        form.add_error("partition", f"{data['partition']} 年度已关闭，不能导入。")
        return None
    services.request_stage(batch=batch, by=request.user)
    pushing.note(batch, "received", request=request, by=request.user)
    return batch
