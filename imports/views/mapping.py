"""What the columns of a file mean where no layout says it, or where a person knows better."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from imports.enums import BatchState
from imports.forms import MappingForm
from imports.models import Batch
from imports.services import mapping, pushing
from imports.services.mapping import Proposal
from imports.views.common import CHANGED_MEANWHILE, found, shown

_OPEN = (BatchState.MAPPING, BatchState.STAGED)
_LONGEST_WORDS = 40


@require_http_methods(["GET", "POST"])
def columns(request: HttpRequest, pk: int) -> HttpResponse:
    """The file's first rows and a choice of facts for each column; remembered for the next file."""
    batch = found(request, pk, "layout", "job", "created_by", "push__client")
    is_working = batch.job is not None and batch.job.is_open
    if batch.state not in _OPEN or not batch.head or is_working:
        messages.warning(request, CHANGED_MEANWHILE)
        return redirect("imports:batch", pk=pk)
    proposal = mapping.suggest(batch, _asked_row(request))
    form = MappingForm(
        request.POST or None,
        columns=[(one.index, one.header, one.identifier) for one in proposal.columns],
        choices=mapping.choices(),
        initial={
            "header_row": proposal.header_row + 1,
            "grain": proposal.grain,
            "title": proposal.title,
        },
    )
    if request.method == "POST" and form.is_valid() and _remembered(request, batch, form):
        messages.success(request, "已记住这种表头，正在按它重新读取。")
        return redirect("imports:batch", pk=pk)
    status = 200 if request.method == "GET" else 422
    context = {"batch": shown(batch), "form": form, **_shown(proposal, form)}
    return render(request, "imports/columns.html", context, status=status)


def _asked_row(request: HttpRequest) -> int | None:
    """The head row asked for, counted from 0; None where the product guesses."""
    text = request.POST.get("header_row", "") or request.GET.get("header_row", "")
    is_number = text.isascii() and text.isdecimal() and len(text) <= 4
    return int(text) - 1 if is_number else None


def _remembered(request: HttpRequest, batch: Batch, form: MappingForm) -> bool:
    data = form.cleaned_data
    try:
        mapping.remember(
            batch=batch,
            header_row=data["header_row"] - 1,
            grain=data["grain"],
            title=data["title"],
            columns=form.chosen(),
            by=request.user,
        )
    except mapping.MappingError as refusal:
        form.add_error(None, str(refusal))
        return False
    pushing.note(batch, "remapped", request=request, by=request.user)
    return True


def _shown(proposal: Proposal, form: MappingForm) -> dict[str, Any]:
    return {
        "header_row": proposal.header_row + 1,
        "sample": [
            {
                "number": number,
                "cells": row,
                "is_head": number == proposal.header_row + 1,
                "words": "、".join(cell for cell in row if cell)[:_LONGEST_WORDS] or "（空）",
            }
            for number, row in enumerate(proposal.rows, 1)
        ],
        "columns": [
            {
                "header": column.header,
                "number": column.index + 1,
                "samples": column.samples,
                "field": form.field_of(column.index),
            }
            for column in proposal.columns
        ],
    }
