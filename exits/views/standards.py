"""Standards as data: what each asks, by which source, and their revision by the city."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.history import images
from core.web import require
from exits.enums import SubjectLevel
from exits.forms import ItemForm
from exits.models import Standard, StandardItem
from exits.services.standards import (
    MANAGE,
    REVISABLE,
    StandardRefusedError,
    compare_with,
    revise_item,
)
from exits.views.common import READ, standard_words


@require_GET
def standard_list(request: HttpRequest) -> HttpResponse:
    """Every set that is known, with the years and places it counts in."""
    require(request, READ)
    context = {
        "standards": Standard.objects.all(),
        "may_manage": request.user.has_perm(MANAGE),
    }
    return render(request, "exits/standards.html", context)


@require_GET
def standard(request: HttpRequest, standard: str) -> HttpResponse:
    """One set, level by level; items that are switched off are shown as such."""
    require(request, READ)
    row = get_object_or_404(Standard, code=standard)
    items = StandardItem.objects.filter(standard=row).order_by("level", "position")
    levels = [
        (level.label, [(one, standard_words(one)) for one in items if one.level == level])
        for level in SubjectLevel
    ]
    context = {
        "standard": row,
        "levels": [(label, found) for label, found in levels if found],
        "may_manage": request.user.has_perm(MANAGE),
    }
    return render(request, "exits/standard.html", context)


@require_POST
def compare(request: HttpRequest, standard: str) -> HttpResponse:
    """Evaluate the set beside the one in force everywhere, or no longer."""
    require(request, MANAGE)
    row = get_object_or_404(Standard, code=standard)
    compare_with(standard=row, is_compared=not row.is_compared, by=request.user)
    messages.success(request, "已保存，正在按新的对照范围重新判定。")
    return redirect("exits:standard", standard)


@require_http_methods(["GET", "POST"])
def item(request: HttpRequest, pk: int) -> HttpResponse:
    """Revise an item of a set."""
    require(request, MANAGE)
    row = get_object_or_404(StandardItem.objects.select_related("standard"), pk=pk)
    form = ItemForm(request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid() and _revised(pk, form, request.user):
        messages.success(request, "已保存，标准版本加一，正在重新判定。")
        return redirect("exits:standard", row.standard.code)
    context = {"item": row, "form": form, "former": images(StandardItem, pk)[:20]}
    status = 422 if request.method == "POST" else 200
    return render(request, "exits/standard_item.html", context, status=status)


def _revised(pk: int, form: ItemForm, by: Any) -> bool:
    values = {name: form.cleaned_data[name] for name in REVISABLE}
    try:
        revise_item(
            item=StandardItem.objects.get(pk=pk),
            values=values,
            reason=form.cleaned_data["reason"],
            by=by,
        )
    except StandardRefusedError as refusal:
        form.add_error("threshold", str(refusal))
        return False
    return True
