"""Batches of workbooks, the layouts they are recognised by, and what was wrong in them."""

from pathlib import Path

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from core.fields import Secret
from core.history import tracked
from core.jobs.models import Job
from core.scope import ScopedQuerySet
from imports.enums import (
    Acceptance,
    BatchState,
    Effect,
    FileFormat,
    Grain,
    ReturnKind,
    RowVerdict,
    Severity,
    Target,
)

PRINT = r"^[0-9a-f]{64}$"


@tracked
class Layout(models.Model):
    """A layout of the national system's exports, or one that a person described, as data."""

    code = models.CharField("版式", max_length=20, primary_key=True)
    title = models.CharField("名称", max_length=100)
    year = models.PositiveSmallIntegerField("年份")
    grain = models.CharField("粒度", max_length=40)
    source = models.CharField("来源", max_length=200)
    # Whose files it recognises; a shipped layout has none and recognises everybody's.
    region_prefix = models.CharField("适用区划", max_length=12, blank=True)
    # Over the folded heads in order, so that the same workbook is recognised again exactly.
    head_print = models.CharField("表头指纹", max_length=64, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, verbose_name="建立人"
    )
    created_at = models.DateTimeField("建立时间", db_default=Now())
    # Since when no file is recognised by it any more; batches that were keep pointing at it.
    retired_at = models.DateTimeField("停用时间", null=True)

    class Meta:
        verbose_name = "版式"
        ordering = ["code"]

    def __str__(self) -> str:
        return f"{self.code} {self.title}"

    @property
    def is_loadable(self) -> bool:
        """Whether its rows are persons or households of the register."""
        return self.grain in Grain.values


@tracked
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


@tracked
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
    file_format = models.CharField(
        "格式", max_length=4, choices=FileFormat.choices, default=FileFormat.XLSX
    )
    # Of a CSV; found out while it is read.
    encoding = models.CharField("编码", max_length=20, blank=True)
    sheet_name = models.CharField("工作表", max_length=100, blank=True)
    # What this batch's file mends: a handed-back workbook, corrected.
    corrects = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="corrections", verbose_name="更正的批次"
    )
    acceptance = models.CharField(
        "接收方式", max_length=10, choices=Acceptance.choices, default=Acceptance.ROWS
    )
    # Stable code of the reason beside its words.
    refusal_code = models.CharField("拒绝代码", max_length=20, blank=True)
    refusal = models.CharField("拒绝原因", max_length=500, blank=True)
    # The first rows as text, sealed, while a person says what the columns mean.
    head = Secret("前几行", max_length=200_000, sealed_as="imports.head", blank=True)
    # Heads against the last batch of the same layout that was written in this region.
    columns_appeared = models.JSONField("新出现的列", default=list)
    columns_vanished = models.JSONField("不再有的列", default=list)
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
    # Rows of layouts that are neither: spells of work, villages.
    entries_read = models.PositiveIntegerField("记录数", default=0)
    entries_created = models.PositiveIntegerField("新增记录", default=0)
    entries_updated = models.PositiveIntegerField("变更记录", default=0)
    entries_unchanged = models.PositiveIntegerField("不变记录", default=0)
    entries_rejected = models.PositiveIntegerField("退回记录", default=0)
    changed_fields = models.JSONField("变更指标", default=dict)
    seconds = models.JSONField("各步用时（秒）", default=dict)
    job = models.ForeignKey(Job, models.PROTECT, null=True, related_name="+", verbose_name="任务")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, verbose_name="上传人"
    )
    created_at = models.DateTimeField("上传时间", auto_now_add=True)
    applied_at = models.DateTimeField("导入时间", null=True)
    applied_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name="确认人"
    )
    # By these the old images of the rows that this batch changed are found again.
    applied_from = models.DateTimeField("写入开始时间", null=True)
    applied_job = models.ForeignKey(
        Job, models.PROTECT, null=True, related_name="+", verbose_name="写入任务"
    )
    undone_at = models.DateTimeField("撤销时间", null=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name="撤销人"
    )

    objects = BatchQuerySet.as_manager()

    class Meta:
        verbose_name = "导入批次"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(sha256__regex=PRINT), name="batch_file_print"),
            models.CheckConstraint(condition=_counts("persons"), name="batch_persons_add_up"),
            models.CheckConstraint(condition=_counts("households"), name="batch_households_add_up"),
            models.CheckConstraint(condition=_counts("entries"), name="batch_entries_add_up"),
            models.CheckConstraint(
                condition=~Q(state="APPLIED") | Q(applied_at__isnull=False),
                name="batch_applied_when",
            ),
            models.CheckConstraint(
                condition=~Q(state="UNDONE") | Q(undone_at__isnull=False, applied_at__isnull=False),
                name="batch_undone_when",
            ),
        ]
        indexes = [models.Index(fields=["region_prefix", "-id"], name="batch_scope")]

    def __str__(self) -> str:
        return f"{self.file_name} #{self.pk}"

    @property
    def path(self) -> Path:
        """Where the file lies: by its own hash, never by the name it came with."""
        return Path(settings.UPLOAD_DIR) / self.sha256[:2] / f"{self.sha256}.{self.file_format}"

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
    effect = models.CharField("处理", max_length=8, choices=Effect.choices, default=Effect.BACK)
    # The row it clashes with, where a rule compares rows of the file.
    other_row = models.PositiveIntegerField("相关行", null=True)
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


class RawBlock(models.Model):
    """Some rows of a file as they stood in it, kept sealed: unknown columns are not lost.

    A block holds the lines `row number TAB cells`, compressed, then sealed. Rows of nothing but
    empty cells are not in it.
    """

    batch = models.ForeignKey(
        Batch, models.PROTECT, related_name="raw_blocks", db_index=False, verbose_name="批次"
    )
    first_row = models.PositiveIntegerField("首行")
    last_row = models.PositiveIntegerField("末行")
    rows = models.PositiveIntegerField("行数")
    sealed = models.BinaryField("密封的行")
    # Numbers of the rows in it that were not written and are no rows of the register therefore:
    # a household by the row that spoke for it; other rows are persons, or entries.
    households_unchanged = ArrayField(
        models.IntegerField(), verbose_name="不变户的行", default=list
    )
    households_rejected = ArrayField(models.IntegerField(), verbose_name="退回户的行", default=list)
    rows_unchanged = ArrayField(models.IntegerField(), verbose_name="不变的行", default=list)
    rows_rejected = ArrayField(models.IntegerField(), verbose_name="退回的行", default=list)

    class Meta:
        verbose_name = "原始行"
        constraints = [
            models.UniqueConstraint(fields=["batch", "first_row"], name="raw_block_once"),
            models.CheckConstraint(
                condition=Q(last_row__gte=F("first_row")), name="raw_block_ends_after_start"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.batch_id} {self.first_row}-{self.last_row}"


class Touch(models.Model):
    """A row of the register that a batch created or changed: what an undo goes by.

    A created household or person stands for its row of the batch's year as well: a city's first
    load makes one touch for two rows.
    """

    batch = models.ForeignKey(
        Batch, models.PROTECT, related_name="touches", db_index=False, db_constraint=False,
        verbose_name="批次",
    )  # fmt: skip
    target = models.CharField("表", max_length=2, choices=Target.choices)
    row_id = models.BigIntegerField("行")
    verdict = models.CharField("处理", max_length=1, choices=RowVerdict.choices)

    class Meta:
        verbose_name = "批次写入"
        constraints = [
            models.CheckConstraint(
                condition=Q(verdict__in=("C", "U")), name="touch_created_or_updated"
            ),
        ]
        indexes = [models.Index(fields=["batch", "target"], name="touch_of_batch")]

    def __str__(self) -> str:
        return f"{self.batch_id} {self.target} {self.row_id}"


@tracked
class RuleSetting(models.Model):
    """What a city changed about a rule: its effect, its parameters, the years it holds for.

    A rule without a row here is as the catalogue ships it.
    """

    code = models.CharField("规则", max_length=8, primary_key=True)
    is_enabled = models.BooleanField("启用", default=True)
    effect = models.CharField("处理", max_length=8, choices=Effect.choices, blank=True)
    parameters = models.JSONField("参数", default=dict)
    first_year = models.PositiveSmallIntegerField("起始年度", null=True)
    last_year = models.PositiveSmallIntegerField("截止年度", null=True)
    reason = models.CharField("修改原因", max_length=200)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, verbose_name="修改人"
    )
    changed_at = models.DateTimeField("修改时间", db_default=Now())

    class Meta:
        verbose_name = "规则设置"
        constraints = [
            models.CheckConstraint(
                condition=Q(first_year__isnull=True)
                | Q(last_year__isnull=True)
                | Q(last_year__gte=F("first_year")),
                name="rule_setting_years_in_order",
            ),
        ]

    def __str__(self) -> str:
        return self.code


class PoisonedFile(models.Model):
    """A file that killed the parser: after `core.workbooks.guard.MAX_DEATHS` it is not tried again."""

    sha256 = models.CharField("文件指纹", max_length=64, primary_key=True)
    deaths = models.PositiveSmallIntegerField("致崩次数", default=0)
    last_at = models.DateTimeField("最近时间", db_default=Now())

    class Meta:
        verbose_name = "致崩文件"
        constraints = [
            models.CheckConstraint(condition=Q(sha256__regex=PRINT), name="poisoned_file_print"),
        ]

    def __str__(self) -> str:
        return self.sha256


class ReturnedFile(models.Model):
    """A workbook made from a batch, to be fetched by whoever may load into its region."""

    batch = models.ForeignKey(Batch, models.PROTECT, related_name="returns", verbose_name="批次")
    kind = models.CharField("内容", max_length=10, choices=ReturnKind.choices)
    job = models.ForeignKey(Job, models.PROTECT, null=True, related_name="+", verbose_name="任务")
    # Empty until the workbook is made, and again after its retention.
    sha256 = models.CharField("文件指纹", max_length=64, blank=True)
    size = models.PositiveBigIntegerField("大小（字节）", default=0)
    rows = models.PositiveIntegerField("行数", default=0)
    # Of changes: which field and which village were asked for.
    field = models.CharField("指标", max_length=60, blank=True)
    village_code = models.CharField("村代码", max_length=12, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, verbose_name="请求人"
    )
    created_at = models.DateTimeField("请求时间", auto_now_add=True)
    made_at = models.DateTimeField("生成时间", null=True)

    class Meta:
        verbose_name = "退回文件"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.kind} #{self.batch_id}"

    @property
    def path(self) -> Path:
        """Where the workbook lies, beside the uploads."""
        return Path(settings.UPLOAD_DIR) / "returned" / f"{self.pk}.xlsx"


class Push(models.Model):
    """A file that another system handed in, and the key under which asking twice is asking once.

    `body_print` is taken over year, region, name and content: the same key with another body is
    somebody's mistake.
    """

    batch = models.OneToOneField(Batch, models.PROTECT, related_name="push", verbose_name="批次")
    client = models.ForeignKey(
        "accounts.MachineClient", models.PROTECT, related_name="+", verbose_name="接口客户端"
    )
    key = models.CharField("幂等键", max_length=100, blank=True)
    body_print = models.CharField("内容指纹", max_length=64)
    created_at = models.DateTimeField("推送时间", db_default=Now())

    class Meta:
        verbose_name = "接口推送"
        constraints = [
            models.UniqueConstraint(
                fields=["client", "key"], condition=~Q(key=""), name="push_once_per_key"
            ),
            models.CheckConstraint(condition=Q(body_print__regex=PRINT), name="push_body_print"),
        ]

    def __str__(self) -> str:
        return f"{self.client_id} #{self.batch_id}"
