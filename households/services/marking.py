"""Closing marks, and going through the households of a task."""

from typing import Any

from django.db.models.functions import Now

from core.acting import acting
from households.models import Mark, MarkResult, Task, TaskItem


class EndedError(Exception):
    """Somebody was faster: the mark is closed already, or the task is."""


def close_mark(*, mark: Mark, result: str, words: str = "", by: Any) -> None:
    """Say what the check of a household came to. Raises EndedError; ValueError for no such result."""
    if result not in MarkResult.values:
        raise ValueError(result)
    with acting(by=by, reason=f"办结核查：{MarkResult(result).label}"):
        changed = (
            Mark.objects.open()
            .filter(pk=mark.pk)
            .update(closed_at=Now(), closed_by=by.pk, result=result, words=words)
        )
        if changed != 1:
            raise EndedError


def set_done(*, task: Task, items: list[int], done: bool, by: Any) -> int:
    """Tick households of a task as gone through, or take the tick back; how many changed.

    Raises EndedError when the task is closed.
    """
    with acting(by=by, reason="任务办理"):
        if not Task.objects.select_for_update(of=("self",)).open().filter(pk=task.pk).exists():
            raise EndedError
        rows = TaskItem.objects.standing().filter(task=task, pk__in=items)
        return rows.filter(done_at__isnull=done).update(
            done_at=Now() if done else None, done_by=by.pk if done else None
        )


def close_task(*, task: Task, by: Any) -> None:
    """The task is over, whatever is left of it. Raises EndedError when it was already."""
    with acting(by=by, reason="结束任务"):
        changed = Task.objects.open().filter(pk=task.pk).update(closed_at=Now(), closed_by=by.pk)
        if changed != 1:
            raise EndedError
