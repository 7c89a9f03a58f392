"""Acts on many households at once, and what two of them leave behind: marks and tasks.

An act is one row with a row for every household in its region. Taking it back is an act of its own
that names the first; what it made is ended, never deleted.
"""

from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from core.history import tracked
from core.jobs.models import Job
from core.scope import ScopedQuerySet
from households.models.household import Household
from households.models.partition import Partition


class BulkKind(models.TextChoices):
    ASSIGN = "ASSIGN", "指派帮扶人"
    MARK = "MARK", "标记待核查"
    TASK = "TASK", "加入任务"


class BulkState(models.TextChoices):
    WAITING = "WAITING", "办理中"
    DONE = "DONE", "已办理"
    FAILED = "FAILED", "未办理"


class Outcome(models.TextChoices):
    """What became of one household of an act."""

    DONE = "DONE", "已办理"
    CLOSED = "CLOSED", "该年度已关闭"
    NO_RIGHT = "NO_RIGHT", "不在您可以办理的区划内"
    MOVED = "MOVED", "已迁出本区划"
    UNFIT = "UNFIT", "该账号在本村没有帮扶、督查或调查角色"
    OUTSIDE = "OUTSIDE", "不在任务的区划内"
    ALREADY = "ALREADY", "已经办理过"
    TOUCHED = "TOUCHED", "办理后又有变动，保留现状"


class MarkResult(models.TextChoices):
    FIXED = "FIXED", "属实，已更正"
    PASSED_ON = "PASSED_ON", "属实，已转办"
    UNTRUE = "UNTRUE", "不属实"
    WITHDRAWN = "WITHDRAWN", "标记已撤销"


def _person(label: str, *, null: bool = False) -> "models.ForeignKey":
    return models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=null, db_index=False, related_name="+",
        verbose_name=label,
    )  # fmt: skip


def _household(related_name: str) -> Any:
    # (household, village_code) is one composite key onto the household: see the migration.
    return models.ForeignKey(
        Household, models.PROTECT, db_constraint=False, db_index=False, related_name=related_name,
        verbose_name="贫困户",
    )  # fmt: skip


def _year() -> "models.ForeignKey":
    return models.ForeignKey(Partition, models.PROTECT, db_index=False, verbose_name="年度")


class TaskQuerySet(ScopedQuerySet["Task"]):
    scope_field = "region_code"

    def open(self) -> Self:
        return self.filter(closed_at__isnull=True)


@tracked
class Task(models.Model):
    """A named list of households that somebody goes through until a day."""

    title = models.CharField("任务名称", max_length=60)
    region_code = models.CharField("区划代码", max_length=12)
    partition = _year()
    owner = _person("负责人")
    due_on = models.DateField("完成期限", null=True)
    created_by = _person("建立人")
    created_at = models.DateTimeField("建立时间", db_default=Now())
    closed_at = models.DateTimeField("结束时间", null=True)
    closed_by = _person("结束人", null=True)

    objects = TaskQuerySet.as_manager()

    class Meta:
        verbose_name = "任务"
        constraints = [
            models.CheckConstraint(condition=~Q(title=""), name="task_has_a_title"),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True, closed_by__isnull=True)
                | Q(closed_at__isnull=False, closed_by__isnull=False),
                name="task_closed_when_and_who",
            ),
        ]
        indexes = [
            models.Index(fields=["region_code", "partition", "-id"], name="task_scope"),
            models.Index(
                fields=["owner"], condition=Q(closed_at__isnull=True), name="task_of_owner"
            ),
        ]

    def __str__(self) -> str:
        return self.title


class TaskItemQuerySet(ScopedQuerySet["TaskItem"]):
    def standing(self) -> Self:
        """Those that were not taken out of the task again."""
        return self.filter(removed_at__isnull=True)


@tracked
class TaskItem(models.Model):
    """A household on a task's list: to be gone through, done, or taken out again."""

    task = models.ForeignKey(
        Task, models.PROTECT, db_index=False, related_name="items", verbose_name="任务"
    )
    household = _household("task_items")
    village_code = models.CharField("村代码", max_length=12)
    done_at = models.DateTimeField("完成时间", null=True)
    done_by = _person("完成人", null=True)
    removed_at = models.DateTimeField("移出时间", null=True)

    objects = TaskItemQuerySet.as_manager()

    class Meta:
        verbose_name = "任务中的户"
        constraints = [
            models.UniqueConstraint(
                fields=["task", "household"],
                condition=Q(removed_at__isnull=True),
                name="task_item_once",
            ),
            models.CheckConstraint(
                condition=Q(done_at__isnull=True, done_by__isnull=True)
                | Q(done_at__isnull=False, done_by__isnull=False),
                name="task_item_done_when_and_who",
            ),
        ]
        indexes = [
            models.Index(fields=["task", "village_code", "household"], name="task_item_order"),
            models.Index(fields=["household"], name="task_item_household"),
        ]

    def __str__(self) -> str:
        return f"{self.task_id} {self.household_id}"


class MarkQuerySet(ScopedQuerySet["Mark"]):
    household_field = "household_id"

    def open(self) -> Self:
        return self.filter(closed_at__isnull=True)

    def in_year(self, partition: int) -> Self:
        return self.filter(partition_id=partition)


@tracked
class Mark(models.Model):
    """A household whose year is to be checked (待核查): who says so, why, until when, and the result.

    At most one open mark per household and year; closed, never deleted.
    """

    household = _household("marks")
    village_code = models.CharField("村代码", max_length=12)
    partition = _year()
    reason = models.CharField("核查事由", max_length=200)
    due_on = models.DateField("核查期限", null=True)
    created_by = _person("标记人")
    created_at = models.DateTimeField("标记时间", db_default=Now())
    closed_at = models.DateTimeField("办结时间", null=True)
    closed_by = _person("办结人", null=True)
    result = models.CharField("核查结果", max_length=10, choices=MarkResult.choices, blank=True)
    words = models.CharField("结果说明", max_length=200, blank=True)

    objects = MarkQuerySet.as_manager()

    class Meta:
        verbose_name = "待核查标记"
        constraints = [
            models.UniqueConstraint(
                fields=["partition", "household"],
                condition=Q(closed_at__isnull=True),
                name="mark_one_open",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="mark_says_why"),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True, closed_by__isnull=True, result="")
                | (Q(closed_at__isnull=False, closed_by__isnull=False) & ~Q(result="")),
                name="mark_closed_with_a_result",
            ),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True) | Q(closed_at__gte=F("created_at")),
                name="mark_closed_after_made",
            ),
        ]
        indexes = [
            models.Index(
                fields=["partition", "village_code", "household"],
                condition=Q(closed_at__isnull=True),
                name="mark_open_scope",
            ),
            models.Index(fields=["household", "-id"], name="mark_household"),
        ]

    def __str__(self) -> str:
        return f"{self.household_id} {self.partition_id}"

    @property
    def is_overdue(self) -> bool:
        """Still open after the day it was to be looked into by."""
        is_past = self.due_on is not None and self.due_on < timezone.localdate()
        return self.closed_at is None and is_past


class BulkActQuerySet(ScopedQuerySet["BulkAct"]):
    scope_field = "region_code"


@tracked
class BulkAct(models.Model):
    """One act on many households of a region and year, as it was previewed and confirmed.

    `terms` is the search that chose them, without what names a person; `digest` is over households
    and outcomes as the preview showed them, and decides whether they are still the same.
    """

    key = models.UUIDField("请求标识", unique=True)
    kind = models.CharField("类别", max_length=6, choices=BulkKind.choices)
    state = models.CharField(
        "状态", max_length=7, choices=BulkState.choices, default=BulkState.WAITING
    )
    partition = _year()
    region_code = models.CharField("区划代码", max_length=12)
    terms = models.JSONField("筛选条件", default=dict)
    reason = models.CharField("事由", max_length=200)
    user = _person("责任人", null=True)
    task = models.ForeignKey(
        Task, models.PROTECT, null=True, db_index=False, related_name="acts", verbose_name="任务"
    )
    due_on = models.DateField("期限", null=True)
    matched = models.PositiveIntegerField("选中户数")
    affected = models.PositiveIntegerField("办理户数")
    skipped = models.JSONField("未办理户数", default=dict)
    digest = models.CharField("名单校验值", max_length=64)
    undoes = models.ForeignKey(
        "self", models.PROTECT, null=True, db_index=False, related_name="undoings",
        verbose_name="撤销的批量办理",
    )  # fmt: skip
    job = models.ForeignKey(Job, models.PROTECT, null=True, db_index=False, related_name="+")
    refusal = models.CharField("未办理原因", max_length=200, blank=True)
    created_by = _person("办理人")
    created_at = models.DateTimeField("办理时间", db_default=Now())
    done_at = models.DateTimeField("完成时间", null=True)

    objects = BulkActQuerySet.as_manager()

    class Meta:
        verbose_name = "批量办理"
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="ASSIGN", user__isnull=False, task__isnull=True)
                | Q(kind="MARK", user__isnull=True, task__isnull=True)
                | Q(kind="TASK", user__isnull=True, task__isnull=False),
                name="bulk_act_kind",
            ),
            models.CheckConstraint(
                condition=Q(state="WAITING", done_at__isnull=True, refusal="")
                | Q(state="DONE", done_at__isnull=False, refusal="")
                | (Q(state="FAILED", done_at__isnull=True) & ~Q(refusal="")),
                name="bulk_act_state",
            ),
            models.CheckConstraint(
                condition=Q(affected__lte=F("matched")) & ~Q(reason=""), name="bulk_act_counts"
            ),
            models.CheckConstraint(
                condition=Q(undoes__isnull=True) | ~Q(undoes=F("id")),
                name="bulk_act_undoes_another",
            ),
            # What failed may be tried again.
            models.UniqueConstraint(
                fields=["undoes"], condition=~Q(state="FAILED"), name="bulk_act_undone_once"
            ),
        ]
        indexes = [models.Index(fields=["region_code", "-id"], name="bulk_act_scope")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} #{self.pk}"


class BulkRow(models.Model):
    """One household of an act: what became of it, and the row that the act made or ended."""

    act = models.ForeignKey(
        BulkAct, models.PROTECT, db_index=False, related_name="rows", verbose_name="批量办理"
    )
    household = _household("+")
    village_code = models.CharField("村代码", max_length=12)
    outcome = models.CharField("结果", max_length=8, choices=Outcome.choices)
    made = models.BigIntegerField("形成的记录", null=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        verbose_name = "批量办理的户"
        constraints = [
            models.UniqueConstraint(fields=["act", "household"], name="bulk_row_once"),
            models.CheckConstraint(
                condition=Q(outcome="DONE", made__isnull=False)
                | (~Q(outcome="DONE") & Q(made__isnull=True)),
                name="bulk_row_done_or_not",
            ),
        ]
        indexes = [
            models.Index(fields=["act", "outcome", "household"], name="bulk_row_outcome"),
            models.Index(fields=["household"], name="bulk_row_household"),
        ]

    def __str__(self) -> str:
        return f"{self.act_id} {self.household_id} {self.outcome}"
