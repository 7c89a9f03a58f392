"""What the pages of imports share: whose batches, in which words, and how an act is answered."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse

from core.web import actor_of, require
from imports.enums import BatchState, Effect, RowVerdict
from imports.models import Batch, BatchQuerySet
from imports.queries import listing
from imports.services import pushing
from imports.services.receiving import ClosedPartitionError, WrongStateError
from villages.models import Region

PERMISSION = "imports.load_workbook"
MANAGE = "imports.manage_catalog"
TONES = {
    BatchState.UPLOADED: "neutral",
    BatchState.MAPPING: "warn",
    BatchState.STAGED: "warn",
    BatchState.APPLYING: "info",
    BatchState.APPLIED: "good",
    BatchState.REFUSED: "bad",
    BatchState.DISCARDED: "neutral",
    BatchState.UNDOING: "info",
    BatchState.UNDONE: "neutral",
}
EFFECT_TONES = {
    Effect.REFUSE: "bad",
    Effect.BACK: "bad",
    Effect.FLAG: "warn",
    Effect.NOTE: "neutral",
}
# States in which the rows of the file have been judged.
JUDGED = (
    BatchState.STAGED,
    BatchState.APPLYING,
    BatchState.APPLIED,
    BatchState.UNDOING,
    BatchState.UNDONE,
)
KINDS = {"households": "户", "persons": "人", "entries": "记录"}
UNITS = {"households": "户", "persons": "人", "entries": "条"}
VERDICTS = {
    "created": RowVerdict.CREATED,
    "updated": RowVerdict.UPDATED,
    "unchanged": RowVerdict.UNCHANGED,
    "rejected": RowVerdict.REJECTED,
}
CHANGED_MEANWHILE = "批次状态已变化，请看页面上的最新状态。"


def batches_of(request: HttpRequest) -> BatchQuerySet:
    return listing.batches_for(actor_of(request))


def found(request: HttpRequest, pk: int, *joined: str) -> Batch:
    """The batch, for whoever may load into its region; raises PermissionDenied and Http404."""
    require(request, PERMISSION)
    batches = batches_of(request).select_related(*joined) if joined else batches_of(request)
    return get_object_or_404(batches, pk=pk)


def region_name(prefix: str) -> str:
    """The name of a division today, or its code."""
    rows = Region.objects.filter(code=prefix.ljust(12, "0"), valid_to__isnull=True)
    return rows.values_list("name", flat=True).first() or prefix


def shown(batch: Batch) -> Batch:
    """The batch with the words and the colour of its state, and who handed it in."""
    batch.state_label = batch.get_state_display()  # type: ignore[attr-defined]
    batch.tone = TONES[BatchState(batch.state)]  # type: ignore[attr-defined]
    batch.href = reverse("imports:batch", args=[batch.pk])  # type: ignore[attr-defined]
    push = getattr(batch, "push", None)
    batch.uploader = (  # type: ignore[attr-defined]
        str(batch.created_by) if batch.created_by else f"接口：{push.client}" if push else "系统"
    )
    return batch


def answer(
    request: HttpRequest,
    batch: Batch,
    act: Callable[..., Any],
    *,
    step: str,
    done: str,
    **more: Any,
) -> HttpResponse:
    """Do what was asked, note it, and go back to the batch; a refusal is said there."""
    try:
        act(batch=batch, by=request.user, **more)
    except WrongStateError as refusal:
        messages.warning(request, str(refusal) or CHANGED_MEANWHILE)
    except ClosedPartitionError:
        messages.warning(request, f"{batch.partition} 年度已关闭，不能再改动。")
    else:
        pushing.note(batch, step, request=request, by=request.user)
        messages.success(request, done)
    return redirect("imports:batch", pk=batch.pk)
