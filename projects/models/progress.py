from decimal import Decimal

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from core.history import tracked
from projects.models.common import person, region_code
from projects.models.project import Project, RowQuerySet

WHOLE = 100


@tracked
class Stage(models.Model):
    """A part of the work and its weight in percent; the weights of a started project make 100."""

    project = models.ForeignKey(
        Project, models.PROTECT, related_name="stages", db_constraint=False, verbose_name="项目"
    )
    region_code = region_code()
    position = models.PositiveSmallIntegerField("序号")
    name = models.CharField("阶段", max_length=60)
    weight = models.PositiveSmallIntegerField("权重（％）")
    starts_on = models.DateField("计划开始")
    ends_on = models.DateField("计划结束")

    objects = RowQuerySet.as_manager()

    class Meta:
        verbose_name = "项目阶段"
        ordering = ["project", "position"]
        constraints = [
            models.UniqueConstraint(fields=["project", "position"], name="stage_once"),
            models.CheckConstraint(
                condition=Q(weight__gte=1, weight__lte=WHOLE) & ~Q(name=""),
                name="stage_weighs_something",
            ),
            models.CheckConstraint(
                condition=Q(ends_on__gte=F("starts_on")), name="stage_ends_after_start"
            ),
            models.UniqueConstraint(fields=["id", "project"], name="stage_id_project"),
        ]

    def __str__(self) -> str:
        return f"{self.project_id} {self.name}"


class ProgressReport(models.Model):
    """How far a project was in a month, in words and by stage. Append-only.

    `month` is its first day. `percent` is what the stages' shares make by their weights. A correction
    is another edition of the same month; the youngest counts.
    """

    project = models.ForeignKey(
        Project, models.PROTECT, related_name="reports", db_constraint=False, verbose_name="项目"
    )
    region_code = region_code()
    month = models.DateField("月份")
    edition = models.PositiveSmallIntegerField("第几版", default=1)
    percent = models.DecimalField("总进度（％）", max_digits=5, decimal_places=2)
    words = models.CharField("进展情况", max_length=1000)
    created_by = person("填报人")
    created_at = models.DateTimeField("填报时间", db_default=Now())

    objects = RowQuerySet.as_manager()

    class Meta:
        verbose_name = "进度月报"
        ordering = ["project", "month", "edition"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "month", "edition"], name="progress_report_once"
            ),
            models.CheckConstraint(
                condition=Q(month__day=1, percent__gte=0, percent__lte=WHOLE) & ~Q(words=""),
                name="progress_report_of_a_month",
            ),
            models.UniqueConstraint(fields=["id", "project"], name="progress_report_id_project"),
        ]

    def __str__(self) -> str:
        return f"{self.project_id} {self.month:%Y-%m}"


class StageProgress(models.Model):
    """How much of a stage was done by a report, in percent of the stage. Append-only."""

    report = models.ForeignKey(
        ProgressReport, models.PROTECT, related_name="stages", db_constraint=False,
        verbose_name="月报",
    )  # fmt: skip
    project = models.ForeignKey(
        Project, models.PROTECT, related_name="+", db_constraint=False, db_index=False,
        verbose_name="项目",
    )  # fmt: skip
    region_code = region_code()
    stage = models.ForeignKey(
        Stage, models.PROTECT, related_name="progress", db_constraint=False, db_index=False,
        verbose_name="阶段",
    )  # fmt: skip
    percent = models.DecimalField("阶段进度（％）", max_digits=5, decimal_places=2)

    objects = RowQuerySet.as_manager()

    class Meta:
        verbose_name = "阶段进度"
        constraints = [
            models.UniqueConstraint(fields=["report", "stage"], name="stage_progress_once"),
            models.CheckConstraint(
                condition=Q(percent__gte=Decimal(0), percent__lte=WHOLE),
                name="stage_progress_percent",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.report_id} {self.stage_id}"
