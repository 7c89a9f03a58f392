"""The rows that background work is made of; Celery only hints at them."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from core.scope import Actor, ScopedQuerySet, within

MANAGE_JOBS = "core.manage_jobs"


class JobState(models.TextChoices):
    QUEUED = "QUEUED", "排队中"
    RUNNING = "RUNNING", "进行中"
    DONE = "DONE", "已完成"
    FAILED = "FAILED", "未成功"
    QUARANTINED = "QUARANTINED", "已隔离"
    CANCELLED = "CANCELLED", "已取消"


OPEN_STATES = (JobState.QUEUED, JobState.RUNNING)


class JobQuerySet(ScopedQuerySet["Job"]):
    scope_field = "scope"

    def visible_to(self, actor: Actor) -> "JobQuerySet":
        """Jobs of the regions whose register the actor reads or whose jobs they manage."""
        prefixes = {*actor.region_prefixes, *actor.prefixes_for(MANAGE_JOBS)}
        return self.filter(within(sorted(prefixes), self.scope_field))

    def open(self) -> "JobQuerySet":
        return self.filter(state__in=OPEN_STATES)


class Job(models.Model):
    """One piece of background work, from the transaction that asked for it to its effect.

    A worker claims the row for a lease (database clock) under a fencing token that grows with every
    claim; effect and `DONE` are written in one transaction that checks the token, so a worker that
    was frozen past its lease can no longer write. `params` holds ids and codes, never personal data.
    """

    kind = models.CharField("类别", max_length=60)
    queue = models.CharField("队列", max_length=20)
    subject = models.CharField("对象", max_length=200, blank=True)
    scope = models.CharField("区划范围", max_length=12, blank=True)
    params = models.JSONField("参数", default=dict)
    # At most one open job per key: asking twice for the same work is asking once.
    key = models.CharField("去重键", max_length=200, blank=True)
    state = models.CharField(
        "状态", max_length=12, choices=JobState.choices, default=JobState.QUEUED
    )
    attempts = models.PositiveSmallIntegerField("尝试次数", default=0)
    max_attempts = models.PositiveSmallIntegerField("最多尝试次数", default=3)
    lease_until = models.DateTimeField("租约到期", null=True)
    token = models.BigIntegerField("栅栏令牌", default=0)
    phase = models.CharField("当前步骤", max_length=100, blank=True)
    # By the database clock, so that what remains can be told from what is done.
    phase_since = models.DateTimeField("当前步骤开始时间", null=True)
    progress_done = models.BigIntegerField("已处理", default=0)
    progress_total = models.BigIntegerField("总数", null=True)
    result = models.JSONField("结果", default=dict)
    error = models.TextField("错误", blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, verbose_name="发起人"
    )
    created_at = models.DateTimeField("发起时间", auto_now_add=True)
    due_at = models.DateTimeField("应执行时间", db_default=models.functions.Now())
    started_at = models.DateTimeField("开始时间", null=True)
    finished_at = models.DateTimeField("结束时间", null=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        verbose_name = "后台任务"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["key"],
                condition=Q(state__in=["QUEUED", "RUNNING"]) & ~Q(key=""),
                name="job_one_open_per_key",
            ),
            models.CheckConstraint(
                condition=Q(attempts__lte=F("max_attempts")), name="job_attempts_within_cap"
            ),
            models.CheckConstraint(
                condition=Q(state="RUNNING", lease_until__isnull=False) | ~Q(state="RUNNING"),
                name="job_running_has_lease",
            ),
        ]
        indexes = [
            models.Index(
                fields=["state", "due_at"],
                condition=Q(state__in=["QUEUED", "RUNNING"]),
                name="job_open",
            ),
            models.Index(fields=["scope", "-id"], name="job_scope"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} #{self.pk}"

    @property
    def percent(self) -> int | None:
        """Progress in whole percent, or None while the size of the work is unknown."""
        if self.state == JobState.DONE:
            return 100
        if not self.progress_total:
            return None
        return min(99, self.progress_done * 100 // self.progress_total)

    @property
    def seconds_left(self) -> int | None:
        """How long the current step still takes at its pace so far; None while nobody can know."""
        if not (self.phase_since and self.progress_total and self.progress_done > 0):
            return None
        spent = (timezone.now() - self.phase_since).total_seconds()
        left = max(0, self.progress_total - self.progress_done)
        return round(max(0.0, spent) * left / self.progress_done)

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    def as_progress(self) -> dict[str, Any]:
        return {"state": self.state, "phase": self.phase, "percent": self.percent}
