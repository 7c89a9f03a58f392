"""Batches of workbooks, the layouts they are recognised by, and what was wrong in them."""

from pathlib import Path

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from core.fields import Secret
from core.jobs.models import Job
from core.scope import ScopedQuerySet
from imports.enums import BatchState, Grain, Severity

PRINT = r"^[0-9a-f]{64}$"


class Layout(models.Model):
    """A layout of the national system's exports, as data."""

    code = models.CharField("版式", max_length=20, primary_key=True)
    title = models.CharField("名称", max_length=100)
    year = models.PositiveSmallIntegerField("年份")
    grain = models.CharField("粒度", max_length=40)
    source = models.CharField("来源", max_length=200)

    class Meta:
        verbose_name = "版式"
        ordering = ["code"]

    def __str__(self) -> str:
        return f"{self.code} {self.title}"

    @property
    def is_loadable(self) -> bool:
        """Whether its rows are persons or households of the register."""
        return self.grain in Grain.values


class LayoutHeader(models.Model):
    """A column head of a layout and the fact it carries; empty when it carries none of ours."""

    layout = models.ForeignKey(Layout, models.CASCADE, related_name="headers", verbose_name="版式")
    position = models.PositiveSmallIntegerField("顺序", null=True)
    header = models.CharField("表头", max_length=100)
    identifier = models.CharField("指标", max_length=60, blank=True)

    class Meta:
        verbose_name = "版式表头"
        constraints = [
            models.UniqueConstraint(fields=["layout", "header"], name="layout_header_once"),
        ]

    def __str__(self) -> str:
        return self.header


class HeaderSynonym(models.Model):
    """Another wording of a column head; an administrator extends the list without a release."""

    header = models.CharField("表头", max_length=100, unique=True)
    identifier = models.CharField("指标", max_length=60)
    source = models.CharField("来源", max_length=200)

    class Meta:
        verbose_name = "表头异写"

    def __str__(self) -> str:
        return self.header


class BatchQuerySet(ScopedQuerySet["Batch"]):
    scope_field = "region_prefix"


def _counts(kind: str) -> Q:
    return Q(
        **{
            f"{kind}_read": F(f"{kind}_created")
            + F(f"{kind}_updated")
            + F(f"{kind}_unchanged")
            + F(f"{kind}_rejected")
        }
    )


class Batch(models.Model):
    """One workbook on its way into one year of the register.

    The counts come from the database, and the database refuses counts that do not add up: rows
    read = created + updated + unchanged + rejected.
    """

    file_name = models.CharField("文件名", max_length=200)
    sha256 = models.CharField("文件指纹", max_length=64)
    size = models.PositiveBigIntegerField("大小（字节）")
    partition = models.PositiveSmallIntegerField("年度")
    region_prefix = models.CharField("区划范围", max_length=12)
    layout = models.ForeignKey(Layout, models.PROTECT, null=True, verbose_name="版式")
    state = models.CharField(
        "状态", max_length=10, choices=BatchState.choices, default=BatchState.UPLOADED
    )
    refusal = models.CharField("拒绝原因", max_length=500, blank=True)
    header_row = models.PositiveSmallIntegerField("表头行（从 1 起）", null=True)
    header_map = models.JSONField("列对应", default=list)
    # Name of the staging tables while they exist; made anew when the server lost them.
    stage = models.CharField("暂存表", max_length=40, blank=True)
    # What the register's write counter stood at when the rows were judged.
    register_version = models.BigIntegerField("判定时的登记版本", default=0)
    rows_read = models.PositiveIntegerField("读入行数", default=0)
    households_read = models.PositiveIntegerField("户数", default=0)
    households_created = models.PositiveIntegerField("新增户", default=0)
    households_updated = models.PositiveIntegerField("变更户", default=0)
    households_unchanged = models.PositiveIntegerField("不变户", default=0)
    households_rejected = models.PositiveIntegerField("退回户", default=0)
    persons_read = models.PositiveIntegerField("人数", default=0)
    persons_created = models.PositiveIntegerField("新增人", default=0)
    persons_updated = models.PositiveIntegerField("变更人", default=0)
    persons_unchanged = models.PositiveIntegerField("不变人", default=0)
    persons_rejected = models.PositiveIntegerField("退回人", default=0)
    changed_fields = models.JSONField("变更指标", default=dict)
    seconds = models.JSONField("各步用时（秒）", default=dict)
    job = models.ForeignKey(Job, models.PROTECT, null=True, related_name="+", verbose_name="任务")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, verbose_name="上传人"
    )
    created_at = models.DateTimeField("上传时间", auto_now_add=True)
    applied_at = models.DateTimeField("导入时间", null=True)

    objects = BatchQuerySet.as_manager()

    class Meta:
        verbose_name = "导入批次"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(sha256__regex=PRINT), name="batch_file_print"),
            models.CheckConstraint(condition=_counts("persons"), name="batch_persons_add_up"),
            models.CheckConstraint(condition=_counts("households"), name="batch_households_add_up"),
            models.CheckConstraint(
                condition=~Q(state="APPLIED") | Q(applied_at__isnull=False),
                name="batch_applied_when",
            ),
        ]
        indexes = [models.Index(fields=["region_prefix", "-id"], name="batch_scope")]

    def __str__(self) -> str:
        return f"{self.file_name} #{self.pk}"

    @property
    def path(self) -> Path:
        """Where the file lies: by its own hash, never by the name it came with."""
        return Path(settings.UPLOAD_DIR) / self.sha256[:2] / f"{self.sha256}.xlsx"

    def counts(self, kind: str) -> dict[str, int]:
        return {
            verdict: getattr(self, f"{kind}_{verdict}")
            for verdict in ("created", "updated", "unchanged", "rejected")
        }


class Problem(models.Model):
    """Something wrong in one row: which field, which rule, what stood there."""

    batch = models.ForeignKey(Batch, models.CASCADE, related_name="problems", verbose_name="批次")
    row_no = models.PositiveIntegerField("行号")
    rule = models.CharField("规则", max_length=8)
    severity = models.CharField("级别", max_length=8, choices=Severity.choices)
    identifier = models.CharField("指标", max_length=60, blank=True)
    header = models.CharField("表头", max_length=100, blank=True)
    # Any cell may quote a number, in whatever column it stands.
    value = Secret("原值", max_length=200, salted_by="row_no", sealed_as="problem")

    class Meta:
        verbose_name = "问题"
        indexes = [
            models.Index(fields=["batch", "rule", "row_no"], name="problem_batch_rule"),
        ]

    def __str__(self) -> str:
        return f"{self.row_no} {self.rule}"
