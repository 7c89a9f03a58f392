"""Tasks with their households, and closing marks: what acts on many households leave to be done."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from core.scope import covers
from core.web import actor_of
from households.models import BulkKind, Mark, Task, TaskItem
from households.queries import bulk as queries
from households.queries.rows import household_rows
from households.services import marking
from households.services.bulk import is_overdue
from households.views.bulk_forms import ItemsForm, ResultForm
from households.views.work import may_work

PER_PAGE = 50
_SHOWN = {"todo": "未完成", "done": "已完成", "all": "全部"}


@require_GET
def task_list(request: HttpRequest) -> HttpResponse:
    """Tasks of the own region: open ones first, then by day."""
    may_work(request)
    found = Task.objects.visible_to(actor_of(request))
    ordered = queries.with_progress(found).order_by("closed_at", "due_on", "-id")
    page = Paginator(ordered, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "rows": [_shown(task) for task in page],
        "total": page.paginator.count,
        "previous": f"page={page.number - 1}" if page.has_previous() else "",
        "next": f"page={page.number + 1}" if page.has_next() else "",
    }
    return render(request, "households/task_list.html", context)


def _shown(task: Any) -> Any:
    task.left = task.households - task.done
    task.is_overdue = task.closed_at is None and bool(task.left) and is_overdue(task.due_on)
    return task


@require_GET
def task(request: HttpRequest, pk: int) -> HttpResponse:
    """One task with its households."""
    found = _found(request, pk)
    asked = request.GET.get("show", "")
    show = asked if asked in _SHOWN else "todo"
    items = TaskItem.objects.visible_to(actor_of(request)).standing().filter(task=found)
    if show != "all":
        items = items.filter(done_at__isnull=show == "todo")
    ordered = items.select_related("done_by", "household").order_by("village_code", "household_id")
    page = Paginator(ordered, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "task": found,
        "may_act": found.closed_at is None and _may_act(request, found),
        "show": show,
        "shown": _SHOWN,
        "rows": _rows(list(page), found.partition_id),
        "previous": f"show={show}&page={page.number - 1}" if page.has_previous() else "",
        "next": f"show={show}&page={page.number + 1}" if page.has_next() else "",
    }
    return render(request, "households/task.html", context)


def _rows(items: list[TaskItem], year: int) -> list[tuple[TaskItem, Any]]:
    """Each item with the line of its household in the year; None where the year has none any more."""
    lines = household_rows([(one.village_code, one.household_id) for one in items], year)
    by_number = {line.household_no: line for line in lines}
    return [(one, by_number.get(one.household.household_no)) for one in items]


def _found(request: HttpRequest, pk: int) -> Any:
    may_work(request)
    rows = queries.with_progress(Task.objects.visible_to(actor_of(request)))
    return _shown(get_object_or_404(rows, pk=pk))


def _may_act(request: HttpRequest, found: Task) -> bool:
    actor = actor_of(request)
    rights = queries.RIGHTS[BulkKind.TASK]
    return any(covers(actor, found.region_code, right) for right in rights)


@require_POST
def task_done(request: HttpRequest, pk: int) -> HttpResponse:
    """Tick households of the task, or take ticks back."""
    found = _acted_on(request, pk)
    form = ItemsForm(request.POST)
    if not form.is_valid():
        messages.warning(request, "请先选择户。")
        return redirect("households:task", pk=pk)
    told = form.cleaned_data
    try:
        changed = marking.set_done(
            task=found, items=told["item"], done=told["done"] == "1", by=request.user
        )
        messages.success(request, f"已更新 {changed} 户。")
    except marking.EndedError:
        messages.warning(request, "任务已结束。")
    return redirect("households:task", pk=pk)


@require_POST
def task_close(request: HttpRequest, pk: int) -> HttpResponse:
    """End the task."""
    found = _acted_on(request, pk)
    try:
        marking.close_task(task=found, by=request.user)
        messages.success(request, "任务已结束。")
    except marking.EndedError:
        messages.warning(request, "任务已结束。")
    return redirect("households:task", pk=pk)


def _acted_on(request: HttpRequest, pk: int) -> Task:
    found: Task = _found(request, pk)
    if not _may_act(request, found):
        raise Http404
    return found


@require_POST
def mark_close(request: HttpRequest, pk: int) -> HttpResponse:
    """Close a mark with what the check came to."""
    may_work(request)
    actor = actor_of(request)
    marks = Mark.objects.visible_to(actor).select_related("household")
    found = get_object_or_404(marks, pk=pk)
    rights = queries.RIGHTS[BulkKind.MARK]
    if not any(covers(actor, found.village_code, right) for right in rights):
        raise Http404
    form = ResultForm(request.POST)
    if form.is_valid():
        try:
            marking.close_mark(mark=found, by=request.user, **form.cleaned_data)
            messages.success(request, "已办结。")
        except marking.EndedError:
            messages.warning(request, "该标记已办结。")
    else:
        told = [f"{form.fields[name].label}：{text[0]}" for name, text in form.errors.items()]
        messages.warning(request, "没有办结。" + "；".join(told))
    return redirect("households:detail", household_no=found.household.household_no)
